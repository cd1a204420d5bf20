//! The teachers of a regression: their values of the samples, and how far they differ.

use super::answerer::own_answers;
use super::checks::usage;
use super::datasets::{DataSources, Rows};
use super::lessons::ANSWERED_ONCE;
use super::recorded_teacher::{Found, RecordedTeacher, rows_at};
use super::teachers::{Member, Teachers, numbers};
use crate::data::Preprocessing;
use crate::error::Error;
use crate::jobs::Parts;

/// The values of teachers, scaled as the student's are.
#[derive(Debug, Default)]
pub(crate) struct TaughtRows {
    /// Of the samples to train on.
    pub(crate) train: Vec<f32>,
    /// Their variances: those that a teacher gives, and with several teachers the variance between them; empty if there are none.
    pub(crate) variances: Vec<f32>,
    /// Of the samples to test on; none if a teacher has not answered them.
    pub(crate) test: Option<Vec<f32>>,
    /// Parameters of all networks; none if a teacher is no network of ours.
    pub(crate) parameters: Option<usize>,
}

impl Teachers {
    /// The teachers' values of the samples of a student: of several their weighed mean.
    ///
    /// # Errors
    /// If a teacher cannot answer a sample, or predicts classes, or the samples are changed from epoch to epoch.
    pub(crate) fn values(
        self,
        data: &DataSources,
        parts: &Parts,
        weights: Option<&str>,
        is_varied: bool,
    ) -> Result<TaughtRows, Error> {
        if is_varied {
            return Err(usage(format!("a teacher of numbers: {ANSWERED_ONCE}")));
        }
        let members = self.into_members();
        let count = members.len();
        let weights = weights.map_or_else(|| Ok(vec![1.0; count]), |weights| numbers(weights, count))?;
        let sum: f64 = weights.iter().sum();
        let shares: Vec<f64> = weights.iter().map(|weight| weight / sum).collect();
        let mut all = Vec::with_capacity(count);
        for member in members {
            all.push(member.values(data, parts)?);
        }
        if count == 1 {
            return Ok(all.remove(0));
        }
        let mean = |of: &dyn Fn(&TaughtRows) -> f64| -> f64 {
            all.iter().zip(&shares).map(|(taught, share)| share * of(taught)).sum()
        };
        let (mut train, mut variances) = (Vec::new(), Vec::new());
        for i in 0..all[0].train.len() {
            let center = mean(&|taught| f64::from(taught.train[i]));
            let own = |taught: &TaughtRows| taught.variances.get(i).map_or(0.0, |&own| f64::from(own));
            let apart = |taught: &TaughtRows| f64::from(taught.train[i]) - center;
            variances.push(mean(&|taught| own(taught) + apart(taught) * apart(taught)) as f32);
            train.push(center as f32);
        }
        let tested = all.iter().map(|taught| taught.test.as_ref()).collect::<Option<Vec<_>>>();
        let test = tested.map(|tests| {
            let value = |i: usize| {
                tests.iter().zip(&shares).map(|(test, share)| share * f64::from(test[i])).sum::<f64>()
            };
            (0..parts.test.len()).map(|i| value(i) as f32).collect()
        });
        let parameters = all.iter().map(|taught| taught.parameters).sum();
        Ok(TaughtRows { train, variances, test, parameters })
    }
}

impl Member {
    fn values(self, data: &DataSources, parts: &Parts) -> Result<TaughtRows, Error> {
        let ours = &parts.preprocessing;
        match self {
            Self::Trained(trained) => {
                let predictor = &trained.0;
                if !predictor.preprocessing().classes().is_empty() {
                    return Err(usage(
                        "the teacher is a classifier, and the data has numbers to learn (target=)",
                    ));
                }
                let parameters = Some(predictor.parameters());
                once(data, parts, parameters, |rows| {
                    let outputs = own_answers(predictor, rows)
                        .map_err(|reason| usage(format!("a teacher cannot answer the data: {reason}")))?;
                    Ok(outputs
                        .into_iter()
                        .map(|x| ours.scaled_value(predictor.preprocessing().value(x)))
                        .collect())
                })
            }
            Self::Foreign(mut model) => {
                let (given, parameters) = (model.given().to_owned(), model.parameters());
                let arranged =
                    model.arranged(data.data(), ours).map_err(|reason| data.data().refused(reason))?;
                once(data, parts, parameters, |rows| {
                    let own = arranged.filling(rows.source.options());
                    let values = model
                        .values(&own, rows.frame, rows.rows)
                        .map_err(|fault| fault.told(rows.source, &format!("--teacher {given}")))?;
                    Ok(values.into_iter().map(|x| ours.scaled_value(f64::from(x))).collect())
                })
            }
            Self::Recorded(answers) => recorded(&answers, data, parts),
            Self::Own => Err(usage("--teacher self: a student of numbers cannot be its own teacher")),
        }
    }
}

/// The values of a teacher that answers rows of a frame.
fn once(
    data: &DataSources,
    parts: &Parts,
    parameters: Option<usize>,
    answer: impl FnMut(Rows<'_>) -> Result<Vec<f32>, Error>,
) -> Result<TaughtRows, Error> {
    let (train, test) = data.ask(parts, answer)?;
    Ok(TaughtRows { train, variances: Vec::new(), test: Some(test), parameters })
}

/// The values of a file.
fn recorded(answers: &RecordedTeacher, data: &DataSources, parts: &Parts) -> Result<TaughtRows, Error> {
    let Found { train, test } = answers.found(data, parts)?;
    let (values, deviations) = answers.values()?;
    let ours: &Preprocessing = &parts.preprocessing;
    let scaled = |places: &[usize]| -> Vec<f32> {
        rows_at(&values, 1, places).into_iter().map(|x| ours.scaled_value(x)).collect()
    };
    let unit = ours.value(1.0) - ours.value(0.0);
    let variance = |deviation: f64| ((deviation / unit) * (deviation / unit)) as f32;
    let variances = match deviations.is_empty() {
        true => Vec::new(),
        false => rows_at(&deviations, 1, &train).into_iter().map(variance).collect(),
    };
    let (train, test) = (scaled(&train), test.as_deref().map(scaled));
    Ok(TaughtRows { train, variances, test, parameters: None })
}
