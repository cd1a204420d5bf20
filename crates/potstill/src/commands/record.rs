//! `potstill distill record`: the answers of a teacher, written once.

use crate::data::preprocessing::{DATA_CHECKSUM, ROW_CHECKSUM, TEACHER_CHECKSUM};
use crate::distill::EnsembleMean;
use crate::error::Error;
use crate::metrics::quoted;
use crate::run::{Observer, OpenData, OutOfFold, Record, Teacher, Teachers, place_of, places, usage};
use crate::store::{RunDir, check_output, write_file};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A request to record a teacher's answers.
#[derive(Clone, Debug)]
pub struct RecordRequest {
    /// The teacher, or several, as for a distillation.
    pub teacher: String,
    /// The weights of several teachers.
    pub weights: Option<String>,
    /// The mean of several teachers.
    pub mean: EnsembleMean,
    /// The rows to answer; those of the teacher's run if not given.
    pub data: Option<String>,
    /// The number of parts of the training rows, for answers out of fold.
    pub folds: Option<usize>,
    /// Writes half precision (safetensors alone).
    pub half: bool,
    /// The file to write: `.csv` or `.safetensors`.
    pub out: PathBuf,
    /// Threads to use. Results do not depend on their number.
    pub threads: usize,
}

/// Writes the logits of a teacher for all rows of a data source, with the checksums of both: a file that `--teacher` reads.
///
/// # Errors
/// If the teacher cannot answer a row, or the file cannot be written.
pub fn record(request: &RecordRequest, observer: &dyn Observer) -> Result<Value, Error> {
    let ending = request.out.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let is_table = match ending {
        "csv" if request.half => {
            return Err(usage("half precision is for .safetensors; write --out FILE.safetensors"));
        }
        "csv" => true,
        "safetensors" => false,
        _ => {
            return Err(usage(format!(
                "--out {}: write FILE.csv or FILE.safetensors",
                request.out.display()
            )));
        }
    };
    let teachers = places(&request.teacher);
    let mut read: Vec<&Path> = teachers.iter().map(|given| place_of(given)).collect();
    read.extend(request.data.as_deref().map(place_of));
    check_output(&request.out, &read)?;
    let (answers, data) = match request.folds {
        Some(folds) => out_of_fold(request, folds, observer)?,
        None => answers(request)?,
    };
    let written = Written { answers: &answers, data: &data };
    let bytes = if is_table { written.csv()?.into_bytes() } else { written.safetensors(request.half)? };
    write_file(&request.out, &bytes)?;
    answers.remarks.iter().for_each(|remark| observer.warn(remark));
    Ok(json!({
        "command": "distill record",
        "teacher": request.teacher,
        "data": data.given(),
        "rows": data.rows().rows(),
        "classes": answers.classes.len(),
        "bytes": bytes.len(),
        "out": request.out.display().to_string(),
    }))
}

/// The teachers, which are no policies.
fn classifiers(given: &str) -> Result<Teachers, Error> {
    match Teacher::open(given)? {
        Teacher::Classes(teachers) => Ok(teachers),
        Teacher::Policy(_) => {
            Err(usage(format!("--teacher {given}: it is a policy; answers are recorded of classifiers")))
        }
    }
}

/// The teacher's own answers to the data.
fn answers(request: &RecordRequest) -> Result<(Record, OpenData), Error> {
    let teachers = classifiers(&request.teacher)?;
    let data =
        request.data.as_deref().or_else(|| teachers.trained_on().first().map(|data| data.source.as_str()));
    let data = OpenData::open(data.ok_or_else(|| usage("which rows? give --data FILE"))?)?;
    Ok((teachers.answers_to(&data, (request.weights.as_deref(), request.mean))?, data))
}

/// The answers of networks that have not learned the rows.
fn out_of_fold(
    request: &RecordRequest,
    folds: usize,
    observer: &dyn Observer,
) -> Result<(Record, OpenData), Error> {
    let dir = RunDir::open_model(Path::new(&request.teacher))?;
    let teachers = classifiers(&request.teacher)?;
    let Some(predictor) = teachers.predictor() else {
        return Err(usage("--folds is for one run of train classifier"));
    };
    let made = OutOfFold::of_run(&dir, predictor, folds, request.threads, observer)?;
    let data = made.data;
    if let Some(given) = request.data.as_deref().map(OpenData::open).transpose()?
        && given.checksum() != data.checksum()
    {
        return Err(given.refused("answers out of fold are to the run's own data"));
    }
    let target = Some(predictor.preprocessing().target().column().to_owned());
    let (classes, logits, teacher) = (made.classes, made.logits, teachers.checksum());
    Ok((Record { classes, logits, teacher, target, remarks: Vec::new() }, data))
}

/// Answers to data, as they are written.
struct Written<'a> {
    answers: &'a Record,
    data: &'a OpenData,
}

impl Written<'_> {
    /// `row` from 1 on, or the name of each row, then `logit(CLASS)` of each class, and the checksums of data, teacher and row.
    fn csv(&self) -> Result<String, Error> {
        let (Self { answers, data }, names) = (self, self.data.names()?);
        let mut csv = match &data.options().id {
            Some(id) => quoted(id),
            None => "row".to_owned(),
        };
        answers.classes.iter().for_each(|class| _ = write!(csv, ",{}", quoted(&format!("logit({class})"))));
        let _ = writeln!(csv, ",{DATA_CHECKSUM},{TEACHER_CHECKSUM},{ROW_CHECKSUM}");
        let (checksum, rows) = (data.checksum(), data.row_checksums(answers.target.as_deref()));
        for (row, logits) in answers.logits.chunks_exact(answers.classes.len()).enumerate() {
            csv.push_str(&names.as_ref().map_or_else(|| (row + 1).to_string(), |names| quoted(&names[row])));
            logits.iter().for_each(|logit| _ = write!(csv, ",{logit}"));
            let _ = writeln!(csv, ",{},{},{}", checksum, answers.teacher, rows[row]);
        }
        Ok(csv)
    }

    /// The array `logits`, `rows x classes`, with the names of the classes and the checksums in the metadata.
    fn safetensors(&self, half: bool) -> Result<Vec<u8>, Error> {
        let Self { answers, data } = self;
        if data.options().id.is_some() {
            return Err(usage("names of rows (id=NAME) are for .csv; an array is read row by row"));
        }
        let shape = vec![data.rows().rows(), answers.classes.len()];
        let (kind, bytes): (_, Vec<u8>) = match half {
            true => (Dtype::F16, answers.logits.iter().flat_map(|&x| to_half(x).to_le_bytes()).collect()),
            false => (Dtype::F32, answers.logits.iter().flat_map(|x| x.to_le_bytes()).collect()),
        };
        let view = TensorView::new(kind, shape, &bytes).expect("as many bytes as the shape has");
        let metadata = HashMap::from([
            ("classes".to_owned(), json!(answers.classes).to_string()),
            (DATA_CHECKSUM.to_owned(), data.checksum().to_string()),
            (TEACHER_CHECKSUM.to_owned(), answers.teacher.to_string()),
        ]);
        let tensors = [("logits", view)];
        Ok(safetensors::serialize(tensors, Some(metadata)).expect("one array of this shape"))
    }
}

/// The nearest number of half precision, ties to the even one; beyond its range the largest.
fn to_half(x: f32) -> u16 {
    const LARGEST: f32 = 65504.0;
    let x = x.clamp(-LARGEST, LARGEST);
    let (sign, bits) = ((x.to_bits() >> 16 & 0x8000) as u16, x.to_bits() & 0x7fff_ffff);
    let exponent = (bits >> 23) as i32 - 127 + 15;
    // Bits beyond the mantissa's ten are rounded; a carry into the exponent is the next number.
    let rounded = |bits: u32, dropped: u32| {
        let (kept, rest, middle) = (bits >> dropped, bits & ((1 << dropped) - 1), 1 << (dropped - 1));
        kept + u32::from(rest > middle || (rest == middle && kept & 1 == 1))
    };
    let magnitude = match exponent {
        1.. => rounded((exponent as u32) << 23 | bits & 0x7f_ffff, 13),
        -10..=0 => rounded(bits & 0x7f_ffff | 0x80_0000, (14 - exponent) as u32),
        _ => 0,
    };
    sign | magnitude as u16
}

#[cfg(test)]
mod tests {
    use super::to_half;

    #[test]
    fn halves_are_the_nearest() {
        // numpy.float16(x).view(numpy.uint16).
        let check = |x: f32, expected: u16| assert_eq!(to_half(x), expected, "{x}");
        check(0.0, 0x0000);
        check(-0.0, 0x8000);
        check(1.0, 0x3c00);
        check(-2.0, 0xc000);
        check(0.1, 0x2e66);
        check(3.140_625, 0x4248);
        check(65504.0, 0x7bff);
        check(1e9, 0x7bff);
        check(2049.0, 0x6800);
        check(2051.0, 0x6802);
        check(5.960_464_5e-8, 0x0001);
        check(2.980_232_2e-8, 0x0000);
        check(1e-7, 0x0002);
        check(6.103_515_6e-5, 0x0400);
        check(1e-12, 0x0000);
    }
}
