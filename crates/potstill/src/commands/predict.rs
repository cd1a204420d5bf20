//! `potstill predict`: a trained classifier, or a regression, on new rows.

use crate::data::{Preprocessing, Values};
use crate::error::Error;
use crate::metrics::quoted;
use crate::run::{Answerer, Observer, OpenData, place_of};
use crate::store::{check_output, write_file};
use crate::targets::{argmax, soft_targets};
use crate::words::counted;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::PathBuf;

/// Rows that are computed at a time.
const BATCH: usize = 1024;

/// A run, the rows to predict, and the file of the predictions.
#[derive(Clone, Debug)]
pub struct PredictRequest {
    /// The run directory of a classifier or a regression, or an ONNX file, perhaps with options.
    pub model: String,
    /// The data source: its columns are those that the run has learned from, with or without the one to predict.
    pub data: String,
    /// The file to write.
    pub out: PathBuf,
}

/// Predicts a class, with the probability of each, or a value for every row, and writes a CSV file: `row` from 1 on, or the
/// column that the source names as `id`, `prediction`, and `p(CLASS)` of each class. Where the rows have the answer, the
/// error is in the result: `error_rate`, or `rmse` of a regression. Words that the model has not learned are warned of, and
/// rows that it has learned.
///
/// # Errors
/// If the run has learned no such model, the rows do not fit, or the file cannot be written.
pub fn predict(request: &PredictRequest, observer: &dyn Observer) -> Result<Value, Error> {
    check_output(&request.out, &[&request.data, &request.model].map(|given| place_of(given)))?;
    let data = OpenData::open(&request.data)?;
    let mut model = Answerer::open(&request.model, &data)?;
    let predictions = Predictions::new(&mut model, &data)?;
    let preprocessing = model.preprocessing();
    let unknown =
        [preprocessing.unknown_words(data.rows()), preprocessing.filled_values(data.rows())].concat();
    unknown.iter().chain(&model.remark()).for_each(|warning| observer.warn(warning));
    write_file(&request.out, predictions.csv.as_bytes())?;
    let mut result = json!({
        "command": "predict",
        "model": request.model,
        "data": request.data,
        "rows": data.rows().rows(),
        "out": request.out.display().to_string(),
    });
    if let Some(error) = predictions.error {
        result[if predictions.is_of_classes { "error_rate" } else { "rmse" }] = json!(error);
        let learned = model.learned_rows(&data);
        if learned > 0 {
            let rows = counted(data.rows().rows(), "row");
            observer.warn(&format!(
                "the inputs of {learned} of the {rows} are those of rows that the model has learned; of the same rows its error \
                 tells too little"
            ));
        }
        if let Some((rows, class)) = &predictions.unknown {
            let (have, count) =
                if *rows == 1 { ("row has", "counts as an error") } else { ("rows have", "count as errors") };
            observer.warn(&format!(
                "{rows} {have} a class that the model does not know (`{class}`), and {count}"
            ));
        }
    }
    Ok(result)
}

/// The predictions of all rows of a data source.
struct Predictions {
    csv: String,
    /// The share of wrong classes, or the root of the mean squared error of values, if the rows have the answer.
    error: Option<f64>,
    is_of_classes: bool,
    /// The number of rows whose class the model does not know, and the first of these classes.
    unknown: Option<(usize, String)>,
}

impl Predictions {
    fn new(model: &mut Answerer, data: &OpenData) -> Result<Self, Error> {
        let frame = data.rows();
        let preprocessing = model.preprocessing().clone();
        let preprocessing = &preprocessing;
        let names =
            frame.columns().iter().position(|column| Some(&column.name) == data.options().id.as_ref());
        let names = names.map(|i| &frame.columns()[i]);
        let truth = frame.columns().iter().find(|column| column.name == preprocessing.target().column());
        let mut csv = names.map_or_else(|| "row".to_owned(), |column| quoted(&column.name));
        csv.push_str(",prediction");
        preprocessing
            .classes()
            .iter()
            .for_each(|class| _ = write!(csv, ",{}", quoted(&format!("p({class})"))));
        csv.push('\n');
        let (mut wrong, mut squares) = (0, 0.0);
        let rows: Vec<usize> = (0..frame.rows()).collect();
        let outputs = preprocessing.classes().len().max(1);
        for rows in rows.chunks(BATCH) {
            let answers = model.answers(data, rows)?;
            for (&row, answer) in rows.iter().zip(answers.chunks_exact(outputs)) {
                let name =
                    names.map_or_else(|| Some((row + 1).to_string()), |column| column.values.text(row));
                let predicted = predicted(preprocessing, answer);
                if let Some(Values::Numbers(numbers)) = truth.map(|truth| &truth.values)
                    && preprocessing.classes().is_empty()
                {
                    let error = preprocessing.value(answer[0]) - numbers[row];
                    squares += error * error;
                }
                wrong += usize::from(
                    truth.is_some_and(|truth| truth.values.text(row).as_ref() != Some(&predicted)),
                );
                let _ = write!(csv, "{},{}", quoted(&name.unwrap_or_default()), quoted(&predicted));
                if !preprocessing.classes().is_empty() {
                    soft_targets(1.0, answer, outputs).iter().for_each(|p| _ = write!(csv, ",{p}"));
                }
                csv.push('\n');
            }
        }
        let is_of_classes = !preprocessing.classes().is_empty();
        let is_known = truth.is_some_and(|truth| {
            let is_number = matches!(truth.values, Values::Numbers(_));
            truth.values.missing() == 0 && (is_of_classes || is_number)
        });
        let count = frame.rows() as f64;
        let error = if is_of_classes { wrong as f64 / count } else { (squares / count).sqrt() };
        let classes = preprocessing.classes();
        let of_row = |row: &usize| truth?.values.text(*row).filter(|class| !classes.contains(class));
        let mut others = rows.iter().filter(|_| is_of_classes && is_known).filter_map(of_row);
        let unknown = others.next().map(|first| (1 + others.count(), first));
        Ok(Self { csv, error: is_known.then_some(error), is_of_classes, unknown })
    }
}

/// The class with the highest logit, or the value, as text.
fn predicted(preprocessing: &Preprocessing, answer: &[f32]) -> String {
    match preprocessing.classes() {
        [] => preprocessing.value(answer[0]).to_string(),
        classes => classes[argmax(answer)].clone(),
    }
}
