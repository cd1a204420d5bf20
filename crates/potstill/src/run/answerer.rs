//! A model that answers the rows of a data source: that of a trained run, or an ONNX file.

use super::checks::usage;
use super::data_file::place_of;
use super::datasets::{OpenData, Rows, TrainedOn};
use super::foreign::ForeignModel;
use super::overlap::common_rows;
use super::subject::Subject;
use crate::data::{DataFrame, Preprocessing};
use crate::error::Error;
use crate::model::Predictor;
use crate::store::RunDir;
use potstill_nn::Workspace;
use std::path::Path;
use std::sync::Arc;

/// Rows that are computed at a time.
const ROWS: usize = 1024;

/// A model, and the way of rows into it.
pub(crate) enum Answerer {
    /// A trained classifier or regression, and the data that it was trained on with its preprocessing of these.
    Own(Box<Predictor>, Box<(TrainedOn, Arc<Preprocessing>)>),
    /// A model of another program.
    Foreign(Box<ForeignModel>, Preprocessing),
}

impl Answerer {
    /// Opens the model of a run directory, or an ONNX file, perhaps with options, for the rows of some data.
    pub(crate) fn open(given: &str, data: &OpenData) -> Result<Self, Error> {
        if ForeignModel::recognizes(given) {
            let model = ForeignModel::open(given)?;
            let preprocessing = data
                .names_of(model.classes())
                .and_then(|classes| model.for_rows(data, classes))
                .map_err(|reason| data.refused(reason))?;
            return Ok(Self::Foreign(Box::new(model), preprocessing));
        }
        if place_of(given).is_file() {
            return Err(usage(format!("{given}: it is neither a run directory nor an ONNX model")));
        }
        match Subject::load(&RunDir::open_model(Path::new(given))?)? {
            Subject::Classifier { predictor, data: learned } => {
                let adopted = predictor.preprocessing().for_rows(data.rows(), data.options());
                let adopted = adopted.map_err(|reason| data.refused(reason))?;
                let learned = (learned, Arc::clone(predictor.preprocessing()));
                Ok(Self::Own(Box::new(predictor.with_preprocessing(adopted)), Box::new(learned)))
            }
            Subject::Policy { .. } => {
                Err(usage(format!("{given} learned a policy; potstill play and eval show what it does")))
            }
        }
    }

    /// A sentence on outputs that are taken for the classes of the data by their order alone.
    pub(crate) fn remark(&self) -> Option<String> {
        match self {
            Self::Own(..) => None,
            Self::Foreign(model, preprocessing) => {
                let remark = model.remark(preprocessing.classes())?;
                Some(format!("{}: {remark}", model.given()))
            }
        }
    }

    /// The number of rows that it has learned, value for value; 0 if the data that it was trained on are not there any more.
    pub(crate) fn learned_rows(&self, data: &OpenData) -> usize {
        let Self::Own(_, learned) = self else { return 0 };
        let (learned, preprocessing) = &**learned;
        let Ok(parts) = learned.parts(Some(preprocessing)) else { return 0 };
        let rows: Vec<usize> = (0..data.rows().rows()).collect();
        let own = preprocessing.filling(data.options());
        let (inputs, texts) = (own.encode(data.rows(), &rows), own.texts(data.rows(), &rows));
        let (Ok(inputs), Ok(texts)) = (inputs, texts) else { return 0 };
        let mut given = parts.train.select(&[]);
        given.append_unlabelled(&inputs, texts);
        common_rows(&parts.train, &given)
    }

    /// The preprocessing.
    pub(crate) fn preprocessing(&self) -> &Preprocessing {
        match self {
            Self::Own(predictor, _) => predictor.preprocessing(),
            Self::Foreign(_, preprocessing) => preprocessing,
        }
    }

    /// The logits of the classes, `rows x classes`, or the scaled values of a regression.
    ///
    /// # Errors
    /// If the rows are not those that the model takes: which, and why.
    pub(crate) fn answers(&mut self, data: &OpenData, rows: &[usize]) -> Result<Vec<f32>, Error> {
        let frame = data.rows();
        match self {
            Self::Own(predictor, _) => {
                answers_of(predictor, frame, rows).map_err(|reason| data.refused(reason))
            }
            Self::Foreign(model, preprocessing) => {
                let answers = match preprocessing.classes() {
                    [] => model.values(preprocessing, frame, rows),
                    _ => model.logits(preprocessing, frame, rows),
                };
                answers.map_err(|fault| fault.told(data, model.given()))
            }
        }
    }
}

/// The outputs of a predictor for rows of a source, `rows x outputs`: their missing values are filled if that says so.
pub(super) fn own_answers(predictor: &Predictor, rows: Rows<'_>) -> Result<Vec<f32>, String> {
    let adopted = predictor.preprocessing().filling(rows.source.options());
    match adopted == **predictor.preprocessing() {
        true => answers_of(predictor, rows.frame, rows.rows),
        false => answers_of(&predictor.with_preprocessing(adopted), rows.frame, rows.rows),
    }
}

/// The outputs of a predictor for rows, `rows x outputs`.
fn answers_of(predictor: &Predictor, frame: &DataFrame, rows: &[usize]) -> Result<Vec<f32>, String> {
    let mut workspace = Workspace::default();
    let mut answers = Vec::new();
    for rows in rows.chunks(ROWS) {
        let inputs = predictor.inputs(frame, rows)?;
        answers.extend(predictor.answers(&inputs, &mut workspace));
    }
    Ok(answers)
}
