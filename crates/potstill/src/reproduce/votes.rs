//! People's votes as soft targets: a student of the shares of votes beside one of the class that most people chose.

use super::result::{Claim, Runs};
use crate::data::{DataFrame, Dataset};
use crate::distill::quality::probabilities;
use crate::distill::{Answers, ClassifierTrainer, FitConfig, SoftTargets, SoftTargetsConfig, Source};
use crate::error::Error;
use crate::optimizer::OptimizerConfig;
use crate::targets::argmax;
use crate::train::TrainError;
use potstill_core::math::{exp_f64, ln_f64};
use potstill_core::{Stored, Streams};
use potstill_nn::{NetworkSpec, Workspace};
use std::sync::Arc;

/// The form of both students: a logistic regression on words and pairs of words.
pub(super) const FORM: &str = "text:16384:chars=0";
const RATE: f64 = 0.01;
/// The most epochs, and the part of the reviews to learn from on which their number is chosen.
const EPOCHS: usize = 40;
const HELD_OUT: usize = 5;

/// Texts, and how the votes on each were shared among the classes.
pub(super) struct Votes {
    texts: Vec<Arc<str>>,
    classes: usize,
    /// Logarithms of shares, `texts x classes`.
    logits: Vec<f32>,
    /// The class with the most votes, the first of equals.
    labels: Vec<usize>,
}

/// The result of a split.
pub(super) struct VotesRun {
    /// The mean cross-entropy of test reviews to their votes, in nats, after learning from labels and from votes.
    cross_entropy: [f64; 2],
    /// The share of test reviews whose most frequent class is named.
    pub(super) accuracy: [f64; 2],
    /// The numbers of epochs that were chosen.
    pub(super) epochs: [f64; 2],
}

impl Votes {
    /// The votes in lines with texts; none if they have no votes.
    pub(super) fn of_lines(lines: &DataFrame, texts: &[Arc<str>]) -> Option<Self> {
        let answers = Answers::of_frame(lines).ok()?;
        let classes = answers.classes().len();
        let logits = answers.logits(answers.classes()).ok()?;
        let labels = logits.chunks_exact(classes).map(argmax).collect();
        Some(Self { texts: texts.to_vec(), classes, logits, labels })
    }

    fn select(&self, reviews: &[usize]) -> Arc<Dataset> {
        Arc::new(Dataset {
            shape: [1, 1, 0],
            features: 0,
            classes: self.classes,
            inputs: Stored::default(),
            texts: reviews.iter().map(|&review| Arc::clone(&self.texts[review])).collect(),
            labels: reviews.iter().map(|&review| self.labels[review]).collect(),
            values: Vec::new(),
        })
    }

    fn of_review(&self, review: usize) -> &[f32] {
        &self.logits[review * self.classes..][..self.classes]
    }

    fn student(&self, reviews: &[usize], is_soft: bool, streams: Streams) -> ClassifierTrainer {
        let spec: NetworkSpec = FORM.parse().expect("the form is one");
        let fit = FitConfig { learning_rate: RATE.into(), ..FitConfig::default() };
        let soft = is_soft.then(|| {
            let logits = reviews.iter().flat_map(|&review| self.of_review(review)).copied().collect();
            let config =
                SoftTargetsConfig { alpha: 1.0.into(), temperature: 1.0.into(), ..Default::default() };
            SoftTargets::new(Source::recorded(self.classes, logits), config)
        });
        let data = self.select(reviews);
        ClassifierTrainer::with((fit, OptimizerConfig::student()), &spec, data, soft, streams)
    }

    /// The mean cross-entropy of a student's answers to these reviews, to the votes or to the labels, and the share of reviews whose label
    /// it names.
    fn judge(&self, student: &mut ClassifierTrainer, reviews: &[usize], is_soft: bool) -> (f64, f64) {
        let data = student.embedded(&self.select(reviews));
        let mut workspace = Workspace::default();
        let answers = student.student().predict(&data.inputs, &mut workspace);
        let (mut sum, mut right) = (0.0, 0);
        for (&review, answer) in reviews.iter().zip(answers.chunks_exact(self.classes)) {
            let said = probabilities(answer, 1.0);
            let ln = |class: usize| ln_f64(said[class].max(f64::MIN_POSITIVE));
            sum -= match is_soft {
                false => ln(self.labels[review]),
                true => {
                    let share = |class: usize| exp_f64(f64::from(self.of_review(review)[class]));
                    (0..self.classes).map(|class| share(class) * ln(class)).sum()
                }
            };
            right += usize::from(argmax(answer) == self.labels[review]);
        }
        (sum / reviews.len() as f64, f64::from(right as u32) / reviews.len() as f64)
    }

    /// Learns one half of the reviews, as long as is best for its own targets of a fifth of that half, and is tested on the other.
    pub(super) fn run(&self, streams: Streams) -> Result<VotesRun, TrainError> {
        let mut order: Vec<usize> = (0..self.texts.len()).collect();
        streams.stream("votes").shuffle(&mut order);
        let (learned, test) = order.split_at(order.len() / 2);
        let (held, others) = learned.split_at(learned.len() / HELD_OUT);
        let mut run = VotesRun { cross_entropy: [0.0; 2], accuracy: [0.0; 2], epochs: [0.0; 2] };
        for (i, is_soft) in [false, true].into_iter().enumerate() {
            let mut chooser = self.student(others, is_soft, streams);
            let (mut lowest, mut best) = (f64::INFINITY, 0);
            for count in 1..=EPOCHS {
                epoch(&mut chooser)?;
                let (loss, _) = self.judge(&mut chooser, held, is_soft);
                if loss < lowest {
                    (lowest, best) = (loss, count);
                }
            }
            let mut student = self.student(learned, is_soft, streams);
            for _ in 0..best {
                epoch(&mut student)?;
            }
            (run.cross_entropy[i], run.accuracy[i]) = self.judge(&mut student, test, true);
            run.epochs[i] = best as f64;
        }
        Ok(run)
    }
}

/// Trains for an epoch.
pub(super) fn epoch(student: &mut ClassifierTrainer) -> Result<(), TrainError> {
    let step = student.steps() + 1;
    student.epoch().map(drop).map_err(|source| TrainError::Learn { step, source })
}

/// The runs on votes, and the claims about them.
pub(super) fn claims(runs: &Runs<'_>, votes: &Votes) -> Result<(Vec<VotesRun>, Vec<Claim>), Error> {
    let all = runs.of("votes", |streams| votes.run(streams))?;
    let of = |number: fn(&VotesRun) -> f64| all.iter().map(number).collect::<Vec<f64>>();
    let hand = "a measurement by hand, three splits";
    let claims = vec![
        runs.claim(
            "cross-entropy to the votes, learned from their majority",
            (0.0, 0.970),
            hand,
            of(|run| run.cross_entropy[0]),
        ),
        runs.claim(
            "cross-entropy to the votes, learned from them",
            (0.0, 0.914),
            hand,
            of(|run| run.cross_entropy[1]),
        ),
        Claim {
            is_reach: true,
            ..runs.claim(
                "cross-entropy that votes take off",
                (0.02, f64::INFINITY),
                "the goal",
                of(|run| run.cross_entropy[0] - run.cross_entropy[1]),
            )
        },
    ];
    Ok((all, claims))
}
