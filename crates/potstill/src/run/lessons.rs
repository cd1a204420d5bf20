//! The lessons of a student of classes: its teachers' answers to the samples that it learns and is tested on.

use super::checks::usage;
use super::datasets::{DataSources, Rows};
use super::foreign::ForeignModel;
use super::latency::BATCH;
use super::recorded_teacher::{Found, RecordedTeacher, rows_at};
use super::teachers::{Member, Teachers, numbers, own_logits};
use crate::data::Preprocessing;
use crate::distill::classifier::logits;
use crate::distill::{EnsembleMean, Samples, Source};
use crate::error::Error;
use crate::export::safetensors;
use crate::jobs::{Parts, Timed};
use crate::model::{Model, Predictor};
use crate::teacher::Teacher;
use potstill_nn::{Network, Workspace};

/// The refusal of samples that change from epoch to epoch by a teacher that answers each once.
pub(super) const ANSWERED_ONCE: &str = "its answers are computed once, and none are of changed samples; leave jitter_pixels, horizontal_flip and mixup out";

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
    /// The measure of its speed; none of recorded answers.
    pub(crate) timed: Option<Timed>,
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
        let members = self.into_members();
        let count = members.len();
        let weights = weights.map_or_else(|| Ok(vec![1.0; count]), |weights| numbers(weights, count))?;
        let mut lessons = Vec::with_capacity(count);
        let asked = Asked { data, parts, is_varied, tau, has_hints };
        for member in members {
            lessons.push(member.lessons(&asked)?);
        }
        if count == 1 {
            let mut only = lessons.remove(0);
            // What is measured of a classifier of ours is more than its speed.
            only.timed = only.timed.filter(|_| only.predictor.is_none());
            return Ok(only);
        }
        let timed = lessons.iter_mut().map(|lesson| lesson.timed.take()).collect::<Option<Vec<_>>>();
        let timed = timed.map(Timed::several);
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
        Ok(Lessons { source, test, parameters, predictor: None, timed, network: None })
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
            true => Err(usage(format!("--teacher {given}: {ANSWERED_ONCE}"))),
            false => Ok(()),
        }
    }

    /// The lessons of a teacher that answers rows of a frame.
    fn once(
        &self,
        parameters: Option<usize>,
        answer: impl FnMut(Rows<'_>) -> Result<Vec<f32>, Error>,
    ) -> Result<Lessons, Error> {
        let (train, test) = self.data.ask(self.parts, answer)?;
        let source = Source::recorded(self.classes().len(), train);
        Ok(Lessons { source, test: Some(test), parameters, predictor: None, timed: None, network: None })
    }

    /// The first test rows, as many as are measured at a time.
    fn measured<T>(&self, take: impl FnOnce(Rows<'_>) -> T) -> T {
        let (data, count) = (self.data, self.parts.test.len().min(BATCH));
        let first: Vec<usize> = (0..count).collect();
        let (frame, rows, source) = match data.test_apart(self.parts) {
            Some(frame) => (frame, &first[..], data.test_source().unwrap_or(data.data())),
            None => (data.data().rows(), &self.parts.rows.1[..count], data.data()),
        };
        take(Rows { frame, rows, source })
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
                timed: None,
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
    let network = predictor.network().filter(|_| is_shared && own.classes() == asked.classes());
    if let Some(network) = network.cloned() {
        let test = logits(&network, &asked.parts.test.inputs);
        let imitated = asked.has_hints.then(|| network.clone());
        let source = Source::new(Teacher::frozen(network));
        let (predictor, timed) = (Some(predictor.clone()), timed_run(predictor, asked));
        return Ok(Lessons { source, test: Some(test), parameters, predictor, timed, network: imitated });
    }
    asked.refuse_variation("of other inputs")?;
    let lessons = asked.once(parameters, |rows| {
        own_logits(predictor, asked.classes(), rows)
            .map_err(|reason| usage(format!("a teacher cannot answer the data: {reason}")))
    })?;
    Ok(Lessons { timed: timed_run(predictor, asked), ..lessons })
}

/// The lessons of recorded answers.
fn lessons_of_record(answers: &RecordedTeacher, asked: &Asked<'_>) -> Result<Lessons, Error> {
    asked.refuse_variation(answers.given())?;
    let (all, width) = (answers.logits(asked.classes())?, asked.classes().len());
    let Found { train, test } = answers.found(asked.data, asked.parts)?;
    let source = Source::recorded(width, rows_at(&all, width, &train));
    let test = test.map(|places| rows_at(&all, width, &places));
    Ok(Lessons { source, test, parameters: None, predictor: None, timed: None, network: None })
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
        let timed = timed_model(&model, preprocessing, asked);
        return Ok(Lessons {
            source,
            test: Some(test),
            parameters,
            predictor: None,
            timed,
            network: imitated,
        });
    }
    asked.refuse_variation(model.given())?;
    let (given, parameters) = (model.given().to_owned(), model.parameters());
    let data = asked.data.data();
    let preprocessing = model.arranged(data, preprocessing).map_err(|reason| data.refused(reason))?;
    let timed = timed_model(&model, &preprocessing, asked);
    let lessons = asked.once(parameters, |rows| {
        model
            .logits(&preprocessing.filling(rows.source.options()), rows.frame, rows.rows)
            .map_err(|fault| fault.told(rows.source, &format!("--teacher {given}")))
    })?;
    Ok(Lessons { timed, ..lessons })
}

/// The measure of a trained run's speed: from the encoded values of a row, or its text, to the logits.
fn timed_run(predictor: &Predictor, asked: &Asked<'_>) -> Option<Timed> {
    let bytes = Some(safetensors::write(&Model::Predictor(predictor.clone())).len());
    let (own, mut workspace) = (predictor.clone(), Workspace::default());
    if let Some(bag) = predictor.bag().cloned() {
        let texts = asked.measured(|rows| {
            predictor.preprocessing().filling(rows.source.options()).texts(rows.frame, rows.rows).ok()
        })?;
        let rows = texts.len();
        let answer = move |from: usize, count: usize| {
            let means = bag.means(texts[from..from + count].iter().map(|text| &**text));
            std::hint::black_box(own.answers(&means, &mut workspace));
        };
        return Some(Timed { rows, answer: Box::new(answer), bytes });
    }
    let inputs = asked.measured(|rows| {
        predictor.preprocessing().filling(rows.source.options()).encode(rows.frame, rows.rows).ok()
    })?;
    let width = predictor.input_count();
    let rows = inputs.len() / width;
    let answer = move |from: usize, count: usize| {
        std::hint::black_box(own.answers(&inputs[from * width..][..count * width], &mut workspace));
    };
    Some(Timed { rows, answer: Box::new(answer), bytes })
}

/// The measure of the speed of a model of another program: from the numbers of a row to its outputs.
fn timed_model(model: &ForeignModel, preprocessing: &Preprocessing, asked: &Asked<'_>) -> Option<Timed> {
    asked.measured(|rows| {
        let own = preprocessing.filling(rows.source.options());
        let inputs = model.inputs(&own, rows.frame, rows.rows).ok()?;
        let (mut model, bytes, count) = (model.model().clone(), model.bytes(), rows.rows.len());
        let width = model.inputs();
        let answer = move |from: usize, count: usize| {
            let _ = std::hint::black_box(model.answers(&inputs[from * width..][..count * width], count));
        };
        Some(Timed { rows: count, answer: Box::new(answer), bytes })
    })
}
