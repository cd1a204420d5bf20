//! The lessons of a student of classes: its teachers' answers to the samples that it learns and is tested on.

use super::checks::usage;
use super::datasets::DataSources;
use super::foreign::ForeignModel;
use super::recorded_teacher::{Found, RecordedTeacher, rows_at};
use super::teachers::{Member, Teachers, numbers, own_logits};
use crate::data::DataFrame;
use crate::distill::classifier::logits;
use crate::distill::{EnsembleMean, Samples, Source};
use crate::error::Error;
use crate::jobs::Parts;
use crate::model::Predictor;
use crate::teacher::Teacher;
use potstill_nn::Network;

/// The settings of a student's teachers.
pub(crate) struct Blend<'a> {
    /// The weights of several, as written.
    pub(crate) weights: Option<&'a str>,
    /// The mean of several.
    pub(crate) mean: EnsembleMean,
    /// The share by which a student that is its own teacher follows.
    pub(crate) tau: f32,
    /// True if the student imitates hidden layers.
    pub(crate) has_hints: bool,
}

/// The answers of teachers to the samples of a student.
pub(crate) struct Lessons {
    /// The logits of the samples to train on.
    pub(crate) source: Source,
    /// The logits of the samples to test on, `samples x classes`; none if a teacher has not answered them.
    pub(crate) test: Option<Vec<f32>>,
    /// Parameters of all networks; none if a teacher is no network of ours.
    pub(crate) parameters: Option<usize>,
    /// The classifier, if it is one of ours that takes the student's inputs.
    pub(crate) predictor: Option<Predictor>,
    /// The network, if hidden layers are imitated and it takes the student's inputs.
    pub(crate) network: Option<Network>,
}

impl Teachers {
    /// The teachers' answers to the samples of a student. `is_varied` is true if these are changed from epoch to epoch, by augmentation.
    ///
    /// # Errors
    /// If a teacher cannot answer a sample, or has other classes.
    pub(crate) fn lessons(
        self,
        data: &DataSources,
        parts: &Parts,
        Blend { weights, mean, tau, has_hints }: Blend<'_>,
        is_varied: bool,
    ) -> Result<Lessons, Error> {
        self.check_splits()?;
        let members = self.into_members();
        let count = members.len();
        let weights = weights.map_or_else(|| Ok(vec![1.0; count]), |weights| numbers(weights, count))?;
        let mut lessons = Vec::with_capacity(count);
        let asked = Asked { data, parts, is_varied, tau, has_hints };
        for member in members {
            lessons.push(member.lessons(&asked)?);
        }
        if count == 1 {
            return Ok(lessons.remove(0));
        }
        let parameters = lessons.iter().map(|lesson| lesson.parameters).sum();
        let recorded = |logits: Vec<f32>| Source::recorded(parts.preprocessing.classes().len(), logits);
        let (mut tests, mut sources) = (Vec::new(), Vec::new());
        for (weight, lesson) in weights.into_iter().zip(lessons) {
            tests.push(lesson.test.map(|logits| (weight, recorded(logits))));
            sources.push((weight, lesson.source));
        }
        let test = tests.into_iter().collect::<Option<Vec<_>>>().map(|tests| {
            let indices: Vec<usize> = (0..parts.test.len()).collect();
            let samples = Samples { inputs: &parts.test.inputs, indices: &indices };
            Source::ensemble(tests, mean).logits(samples).to_vec()
        });
        let source = Source::ensemble(sources, mean);
        Ok(Lessons { source, test, parameters, predictor: None, network: None })
    }
}

/// The samples of a student whose answers a teacher gives.
struct Asked<'a> {
    data: &'a DataSources,
    parts: &'a Parts,
    /// True if the samples are changed from epoch to epoch.
    is_varied: bool,
    /// The share by which a student that is its own teacher follows.
    tau: f32,
    has_hints: bool,
}

impl Asked<'_> {
    fn classes(&self) -> &[String] {
        self.parts.preprocessing.classes()
    }

    /// Refuses samples that change from epoch to epoch for a teacher that answers each once.
    fn refuse_variation(&self, given: &str) -> Result<(), Error> {
        match self.is_varied {
            true => Err(usage(format!(
                "--teacher {given}: its answers are computed once, and none are of changed samples; leave jitter_pixels, horizontal_flip and mixup out"
            ))),
            false => Ok(()),
        }
    }

    /// The lessons of a teacher that answers rows of a frame.
    fn once(
        &self,
        parameters: Option<usize>,
        answer: impl FnMut(&DataFrame, &[usize]) -> Result<Vec<f32>, Error>,
    ) -> Result<Lessons, Error> {
        let (train, test) = self.data.ask(self.parts, answer)?;
        let source = Source::recorded(self.classes().len(), train);
        Ok(Lessons { source, test: Some(test), parameters, predictor: None, network: None })
    }
}

impl Member {
    fn lessons(self, asked: &Asked<'_>) -> Result<Lessons, Error> {
        match self {
            Self::Trained(trained) => lessons_of_run(&trained.0, asked),
            Self::Recorded(answers) => lessons_of_record(&answers, asked),
            Self::Foreign(model) => lessons_of_model(*model, asked),
            Self::Own if asked.parts.train.is_texts() => {
                Err(usage("--teacher self: a student of texts cannot be its own teacher"))
            }
            Self::Own => Ok(Lessons {
                source: Source::of_student(asked.tau),
                test: None,
                parameters: None,
                predictor: None,
                network: None,
            }),
        }
    }
}

/// The lessons of a trained run: of its network, where its inputs are the student's, else of its answers.
fn lessons_of_run(predictor: &Predictor, asked: &Asked<'_>) -> Result<Lessons, Error> {
    let (own, preprocessing) = (predictor.preprocessing(), &asked.parts.preprocessing);
    let parameters = Some(predictor.parameters());
    // The bag of a teacher of texts is no part of its network.
    let is_shared = own.inputs() == preprocessing.inputs() && predictor.bag().is_none();
    if is_shared && own.classes() == asked.classes() {
        let network = predictor.network().clone();
        let test = logits(&network, &asked.parts.test.inputs);
        let imitated = asked.has_hints.then(|| network.clone());
        let (source, predictor) = (Source::new(Teacher::frozen(network)), Some(predictor.clone()));
        return Ok(Lessons { source, test: Some(test), parameters, predictor, network: imitated });
    }
    asked.refuse_variation("of other inputs")?;
    asked.once(parameters, |frame, rows| {
        own_logits(predictor, asked.classes(), frame, rows)
            .map_err(|reason| usage(format!("a teacher cannot answer the data: {reason}")))
    })
}

/// The lessons of recorded answers.
fn lessons_of_record(answers: &RecordedTeacher, asked: &Asked<'_>) -> Result<Lessons, Error> {
    asked.refuse_variation(answers.given())?;
    let (all, width) = (answers.logits(asked.classes())?, asked.classes().len());
    let Found { train, test } = answers.found(asked.data, asked.parts)?;
    let source = Source::recorded(width, rows_at(&all, width, &train));
    let test = test.map(|places| rows_at(&all, width, &places));
    Ok(Lessons { source, test, parameters: None, predictor: None, network: None })
}

/// The lessons of a model of another program: of its answers, or of its network where samples change.
fn lessons_of_model(mut model: ForeignModel, asked: &Asked<'_>) -> Result<Lessons, Error> {
    let preprocessing = &asked.parts.preprocessing;
    let is_needed = asked.is_varied || asked.has_hints;
    let network = if is_needed { model.network(preprocessing) } else { None };
    if let Some(network) = network {
        let test = logits(&network, &asked.parts.test.inputs);
        let parameters = Some(network.parameters().len());
        let imitated = asked.has_hints.then(|| network.clone());
        let source = Source::new(Teacher::frozen(network));
        return Ok(Lessons { source, test: Some(test), parameters, predictor: None, network: imitated });
    }
    asked.refuse_variation(model.given())?;
    let (given, parameters) = (model.given().to_owned(), model.parameters());
    let preprocessing = model
        .arranged(asked.data.data(), preprocessing)
        .map_err(|reason| usage(format!("--teacher {given}: {reason}")))?;
    asked.once(parameters, |frame, rows| {
        model
            .logits(&preprocessing, frame, rows)
            .map_err(|reason| usage(format!("--teacher {given}: {reason}")))
    })
}
