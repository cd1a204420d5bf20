//! Reviews: a student of hashed n-grams from labels, and from a teacher's probabilities of more reviews.
//!
//! `--data FOLDER` with `reviews.jsonl` (a `text`, an `id` and perhaps people's `votes` in each line) and `teacher.csv` (columns `split`, `part`, `id`,
//! `label` and a `p(CLASS)` for each of two classes), both perhaps compressed with gzip. A split names each of its reviews
//! `labelled`, `unlabelled` or `test`; the label of an unlabelled one is not read.

use super::book::{chart, runs_and_seed};
use super::result::{Claim, Column, Reproduction, Runs, nowhere, series};
use super::votes::{self, Votes, VotesRun, epoch};
use crate::data::{self, Data, DataFrame, DataOptions, Dataset, Preprocessing, Values};
use crate::distill::classifier::predictions;
use crate::distill::{Answers, ClassifierTrainer, FitConfig, SoftTargets, SoftTargetsConfig, Source};
use crate::error::Error;
use crate::export::safetensors;
use crate::model::Model;
use crate::optimizer::OptimizerConfig;
use crate::run::usage;
use crate::store::DataFile;
use crate::train::TrainError;
use crate::train::statistics::mean;
use potstill_core::{Stored, Streams};
use potstill_nn::loss::cross_entropy;
use potstill_nn::{NetworkSpec, Workspace};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// The form of the student: a logistic regression with as many buckets as fit into 64 KiB.
const FORM: &str = "text:16000x1";
/// The learning rate of Adam.
const RATE: f64 = 0.01;
/// Parts of the labelled reviews, of which each chooses once with the others the number of epochs.
const FOLDS: usize = 5;
/// The most epochs on labelled reviews, and on all with a teacher.
const EPOCHS: [u64; 2] = [40, 30];
const BYTES: f64 = 65_536.0;
const CLASSES: usize = 2;

/// The reviews, and the splits of them.
struct Reviews {
    texts: Vec<Arc<str>>,
    splits: Vec<Split>,
    preprocessing: Arc<Preprocessing>,
    votes: Option<Votes>,
}

/// A split of the reviews, with the answers of its teacher.
#[derive(Default)]
struct Split {
    labelled: Vec<usize>,
    unlabelled: Vec<usize>,
    test: Vec<usize>,
    /// The class of each review; 0 of those that are not in the split.
    labels: Vec<usize>,
    /// The teacher's logarithms of probabilities, `reviews x classes`.
    logits: Vec<f32>,
}

/// The result of a split.
struct Run {
    /// Accuracies on its test reviews.
    teacher: f64,
    labels: f64,
    distilled: f64,
    /// The numbers of epochs that were chosen.
    epochs: [f64; 2],
    /// The mean loss on held-out labelled reviews after each epoch.
    losses: [Vec<f64>; 2],
    bytes: usize,
    microseconds: f64,
}

/// Reads a table or lines of the folder.
fn frame(folder: &Path, name: &str, options: &DataOptions) -> Result<DataFrame, String> {
    let path = [folder.join(name), folder.join(format!("{name}.gz"))].into_iter().find(|path| path.is_file());
    let path = path.ok_or_else(|| format!("it has no {name} or {name}.gz"))?;
    match data::read(&DataFile::new(&path), None, options).map_err(|reason| format!("{name}: {reason}"))? {
        Data::Samples(samples) => Ok(samples.rows),
        other => Err(format!("{name}: it holds {}", other.kind())),
    }
}

/// The words of a column.
fn words(frame: &DataFrame, name: &str, file: &str) -> Result<Vec<String>, String> {
    let column = &frame.columns()[frame.find(name).map_err(|reason| format!("{file}: {reason}"))?];
    let word = |row: usize| {
        column.values.text(row).ok_or_else(|| format!("{file}: row {}: `{name}` is missing", row + 1))
    };
    (0..frame.rows()).map(word).collect()
}

impl Reviews {
    fn read(folder: &Path) -> Result<Self, String> {
        let options = DataOptions {
            text: Some("text".to_owned()),
            label: Some("label".to_owned()),
            ..DataOptions::default()
        };
        let (reviews, answers) = ("reviews.jsonl", "teacher.csv");
        let lines = frame(folder, reviews, &options)?;
        let ids = words(&lines, "id", reviews)?;
        let texts: Vec<Arc<str>> = words(&lines, "text", reviews)?.into_iter().map(Arc::from).collect();
        let places: HashMap<&str, usize> = ids.iter().enumerate().map(|(i, id)| (id.as_str(), i)).collect();

        let table = frame(folder, answers, &DataOptions::default())?;
        let of_table = |name| words(&table, name, answers);
        let [ids, parts, labels, splits] = ["id", "part", "label", "split"].map(of_table);
        let (ids, parts, labels, numbers) = (ids?, parts?, labels?, splits?);
        let mut classes = labels.clone();
        classes.sort();
        classes.dedup();
        if classes.len() != CLASSES {
            return Err(format!("{answers}: it has {} different labels; two are needed", classes.len()));
        }
        let logits = Answers::of_frame(&table)
            .and_then(|given| given.logits(&classes))
            .map_err(|reason| format!("{answers}: {reason}"))?;
        let mut names: Vec<&String> = Vec::new();
        let mut splits: Vec<Split> = Vec::new();
        for row in 0..table.rows() {
            let wrong = |what: &str| format!("{answers}: row {}: {what}", row + 1);
            let known = names.iter().position(|name| **name == numbers[row]).unwrap_or_else(|| {
                names.push(&numbers[row]);
                let (labels, logits) = (vec![0; texts.len()], vec![0.0; texts.len() * CLASSES]);
                splits.push(Split { labels, logits, ..Split::default() });
                names.len() - 1
            });
            let review = places.get(ids[row].as_str());
            let &review = review.ok_or_else(|| wrong(&format!("{reviews} has no `{}`", ids[row])))?;
            let split = &mut splits[known];
            match parts[row].as_str() {
                "labelled" => split.labelled.push(review),
                "unlabelled" => split.unlabelled.push(review),
                "test" => split.test.push(review),
                other => return Err(wrong(&format!("`{other}` is none of labelled, unlabelled and test"))),
            }
            split.labels[review] = usize::from(labels[row] == classes[1]);
            split.logits[review * CLASSES..][..CLASSES].copy_from_slice(&logits[row * CLASSES..][..CLASSES]);
        }
        for (split, name) in splits.iter().zip(names) {
            if split.labelled.len() < FOLDS || split.unlabelled.is_empty() || split.test.is_empty() {
                return Err(format!(
                    "{answers}: split {name} has {} labelled, {} unlabelled and {} test rows; {FOLDS}, 1 and 1 are needed",
                    split.labelled.len(),
                    split.unlabelled.len(),
                    split.test.len()
                ));
            }
        }
        // The label is the column of another file.
        let mut labels = Values::words();
        classes.iter().for_each(|class| labels.push_word(Some(class)));
        let mut two = Values::words();
        texts.iter().cycle().take(CLASSES).for_each(|text| two.push_word(Some(text)));
        let columns = vec![data::Column::new("text", two), data::Column::new("label", labels)];
        let preprocessing = Preprocessing::fit(&DataFrame::new(columns)?, &[0, 1], &options)?;
        let votes = Votes::of_lines(&lines, &texts);
        Ok(Self { texts, splits, preprocessing: Arc::new(preprocessing), votes })
    }

    /// These reviews of a split, to train or test on.
    fn select(&self, split: &Split, reviews: &[usize]) -> Arc<Dataset> {
        Arc::new(Dataset {
            shape: [1, 1, 0],
            features: 0,
            classes: CLASSES,
            inputs: Stored::default(),
            texts: reviews.iter().map(|&review| Arc::clone(&self.texts[review])).collect(),
            labels: reviews.iter().map(|&review| split.labels[review]).collect(),
            values: Vec::new(),
        })
    }

    /// A student of these reviews: of their labels, or of the teacher's probabilities alone.
    fn student(
        &self,
        split: &Split,
        reviews: &[usize],
        is_taught: bool,
        streams: Streams,
    ) -> ClassifierTrainer {
        let spec: NetworkSpec = FORM.parse().expect("the form is one");
        let fit = FitConfig { learning_rate: RATE.into(), ..FitConfig::default() };
        let soft = is_taught.then(|| {
            let logits = reviews.iter().flat_map(|&review| &split.logits[review * CLASSES..][..CLASSES]);
            let config =
                SoftTargetsConfig { alpha: 1.0.into(), temperature: 1.0.into(), ..Default::default() };
            SoftTargets::new(Source::recorded(CLASSES, logits.copied().collect()), config)
        });
        let data = self.select(split, reviews);
        ClassifierTrainer::with((fit, OptimizerConfig::student()), &spec, data, soft, streams)
    }

    /// The mean cross-entropy of held-out labelled reviews after each epoch, over the folds.
    fn cross_validate(
        &self,
        split: &Split,
        is_taught: bool,
        streams: Streams,
    ) -> Result<Vec<f64>, TrainError> {
        let epochs = EPOCHS[usize::from(is_taught)];
        let mut order = split.labelled.clone();
        streams.stream("folds").shuffle(&mut order);
        let mut losses = vec![0.0; epochs as usize];
        for fold in 0..FOLDS {
            let (begin, end) = (fold * order.len() / FOLDS, (fold + 1) * order.len() / FOLDS);
            let mut others = [&order[..begin], &order[end..]].concat();
            if is_taught {
                others.extend_from_slice(&split.unlabelled);
            }
            let held = self.select(split, &order[begin..end]);
            let mut student = self.student(split, &others, is_taught, streams);
            let (mut workspace, mut gradient) = (Workspace::default(), Vec::new());
            for loss in &mut losses {
                epoch(&mut student)?;
                let held = student.embedded(&held);
                let logits = student.student().predict(&held.inputs, &mut workspace);
                gradient.resize(logits.len(), 0.0);
                let of_fold = f64::from(cross_entropy(logits, &held.labels, &mut gradient));
                *loss += of_fold * held.len() as f64 / order.len() as f64;
            }
        }
        Ok(losses)
    }

    /// The accuracy of a student, trained as long as cross-validation finds best; with the losses of that.
    fn measure(
        &self,
        split: &Split,
        is_taught: bool,
        streams: Streams,
    ) -> Result<(f64, Vec<f64>, ClassifierTrainer), TrainError> {
        let losses = self.cross_validate(split, is_taught, streams)?;
        let reviews = if is_taught {
            [&split.labelled[..], &split.unlabelled].concat()
        } else {
            split.labelled.clone()
        };
        let mut student = self.student(split, &reviews, is_taught, streams);
        for _ in 0..best(&losses) {
            epoch(&mut student)?;
        }
        let test = student.embedded(&self.select(split, &split.test));
        let right = predictions(student.student(), &test.inputs);
        let right = right.iter().zip(&test.labels).filter(|(a, b)| a == b).count();
        Ok((right as f64 / test.len() as f64, losses, student))
    }

    fn run(&self, streams: Streams) -> Result<Run, TrainError> {
        let split = &self.splits[(streams.seed() % self.splits.len() as u64) as usize];
        let says = |review: usize| usize::from(split.logits[review * 2 + 1] > split.logits[review * 2]);
        let right = split.test.iter().filter(|&&review| says(review) == split.labels[review]).count();
        let (labels, of_labels, _) = self.measure(split, false, streams)?;
        let (distilled, of_distilled, student) = self.measure(split, true, streams)?;
        let predictor = student.predictor(&self.preprocessing);
        let tests: Vec<&str> = split.test.iter().map(|&review| &*self.texts[review]).collect();
        Ok(Run {
            teacher: right as f64 / split.test.len() as f64,
            labels,
            distilled,
            epochs: [best(&of_labels) as f64, best(&of_distilled) as f64],
            losses: [of_labels, of_distilled],
            microseconds: latency(&predictor, &tests),
            bytes: safetensors::write(&Model::Predictor(predictor)).len(),
        })
    }
}

/// The number of epochs with the lowest loss, the first of equals.
fn best(losses: &[f64]) -> usize {
    let lowest = losses.iter().copied().fold(f64::INFINITY, f64::min);
    1 + losses.iter().position(|&loss| loss == lowest).unwrap_or(0)
}

/// The mean time of a text, from its characters to its logits, one after the other.
fn latency(predictor: &crate::model::Predictor, texts: &[&str]) -> f64 {
    let bag = predictor.bag().expect("a student of texts");
    let network = predictor.network().expect("behind its bag");
    let (mut mean, mut workspace) = (vec![0.0; bag.table().width()], Workspace::default());
    let begin = Instant::now();
    for text in texts {
        bag.mean_of(text, &mut mean);
        std::hint::black_box(network.predict(&mean, &mut workspace));
    }
    begin.elapsed().as_secs_f64() * 1e6 / texts.len() as f64
}

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let given = runs.request.data.as_deref().unwrap_or_default();
    let reviews =
        Reviews::read(Path::new(given)).map_err(|reason| usage(format!("--data {given}: {reason}")))?;
    let all = runs.of("reviews", |streams| reviews.run(streams))?;
    let of = |number: fn(&Run) -> f64| all.iter().map(number).collect::<Vec<f64>>();
    let bytes = all.iter().map(|run| run.bytes).max().unwrap_or(0) as f64;
    runs.observer.remark(&format!(
        "a text takes {:.1} microseconds here, from its characters to the student's logits",
        mean(&of(|run| run.microseconds))
    ));
    let reach = |claim: Claim| Claim { is_reach: true, ..claim };
    let hand = "a measurement by hand, three splits";
    let mut claims = vec![
        runs.claim(
            "accuracy of the teacher",
            (0.7389, 0.7399),
            "the data's description",
            of(|run| run.teacher),
        ),
        runs.claim("accuracy of the student of labels", (0.642, 0.698), hand, of(|run| run.labels)),
        runs.claim("accuracy of the distilled student", (0.687, 0.743), hand, of(|run| run.distilled)),
        reach(runs.claim(
            "distilled student, less the teacher",
            (-0.04, f64::INFINITY),
            "the goal",
            of(|run| run.distilled - run.teacher),
        )),
        reach(runs.claim(
            "distilled student, less that of labels",
            (0.03, f64::INFINITY),
            "the goal",
            of(|run| run.distilled - run.labels),
        )),
        Claim::computed("bytes of the student's file", (0.0, BYTES), "the goal: 64 KiB", bytes),
    ];
    let column = |name: &str, number| Column { name: name.to_owned(), values: of(number) };
    let mut beside = vec![
        column("epochs on labels", |run| run.epochs[0]),
        column("epochs with the teacher", |run| run.epochs[1]),
    ];
    if let Some(votes) = &reviews.votes {
        let (all, more) = votes::claims(runs, votes)?;
        claims.extend(more);
        for (i, on) in ["their majority", "votes"].into_iter().enumerate() {
            let of = |number: &dyn Fn(&VotesRun) -> f64| all.iter().map(number).collect();
            let (accuracy, epochs) = (of(&|run| run.accuracy[i]), of(&|run| run.epochs[i]));
            beside.push(Column { name: format!("accuracy on {on}"), values: accuracy });
            beside.push(Column { name: format!("epochs on {on}"), values: epochs });
        }
    }
    let curve = |which: usize| {
        let of_epoch = |epoch: usize| {
            let losses: Vec<f64> = all.iter().map(|run| run.losses[which][epoch]).collect();
            (1.0 + epoch as f64, mean(&losses))
        };
        (0..EPOCHS[which] as usize).map(of_epoch).collect()
    };
    let lines = vec![series("on labels", curve(0)), series("with the teacher", curve(1))];
    let (count, seed) = runs_and_seed(runs);
    Ok(Reproduction {
        name: "text",
        source: "reviews with the votes of people (Hutto and Gilbert 2014), and a sentence encoder as the teacher",
        setting: format!(
            "a student {FORM} of hashed words, pairs of words and 3 to 5 characters, Adam with learning rate {RATE}, minibatches of 32; \
             run i has split i; of votes a student {} learns half of all reviews, drawn anew by each run",
            votes::FORM
        ),
        runs: count,
        seed,
        claims,
        beside,
        charts: vec![chart("Loss on held-out labelled reviews", ["epoch", "cross-entropy"], lines)],
        maps: Vec::new(),
        note: "The numbers of epochs are chosen for each split and each student by five-fold cross-validation on the split's labelled reviews, \
               by the lowest loss; no test review has a part in it. The form is one of ten within 64 KiB that were compared in the same way, \
               by the loss of distilled students on held-out labelled reviews of five splits, where the teacher, who has learned their \
               labels, makes the loss lower than it is on new reviews. The student learns the teacher's probabilities alone (alpha 1, \
               temperature 1), of labelled and unlabelled reviews. The measurement by hand had a form of 16,384 words and pairs of words, and \
               three splits of its own. Votes \
               are people's, of three classes; a student of their shares and one of the class with the most votes are compared by the \
               cross-entropy of their answers to the votes on the other half. Each learns as many epochs as are best for a fifth of its half by its \
               own targets.",
        data: None,
        out: nowhere(),
    })
}
