//! Soft targets beside labels: the keys, the blended loss of a minibatch, and the balance of its two terms.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::distill::{Samples, SoftTargets};
//! use potstill::nn::NetworkSpec;
//!
//! let spec: NetworkSpec = "mlp:4".parse().unwrap();
//! let teacher = spec.build(2, 3, &mut Streams::new(1).stream("initialisation"));
//! let mut soft = SoftTargets::frozen(teacher, 4.0, 0.9);
//! let (samples, mut gradient) = (Samples { inputs: &[0.5, -1.0], indices: &[0] }, [0.0; 3]);
//! let terms = soft.loss(0, samples, &[0.0; 3], &[2], &mut gradient);
//! // ln 3, the cross-entropy of equal logits.
//! assert!((terms.hard - 1.098_612).abs() < 1e-6 && terms.soft > 0.0);
//! ```

use super::divergence::{Batch, Buffers, Divergence};
use super::source::{Samples, Source};
#[cfg(feature = "disk")]
use crate::config::ConfigError;
use crate::config::{settings, words};
#[cfg(feature = "disk")]
use crate::optimizer::refuse_counts;
use crate::policy::Schedule;
use crate::targets::argmax;
use crate::teacher::Teacher;
use potstill_core::snapshot;
use potstill_core::snapshot::Flat;
use potstill_nn::loss::{
    Centring, Decoupled, Relations, Terms, blend_labels, cross_entropy, softmax, standardise,
    standardise_backward,
};
use potstill_nn::{Network, Workers};

words! {
    /// The divergence of a classifier from its teacher.
    pub enum DivergenceKind: "kl, reverse-kl, symmetric-kl, logit-mse, logit-mse-centred, decoupled, dist or label-smoothing" {
        /// Forward Kullback-Leibler divergence at a temperature.
        Kl = "kl",
        /// The reverse direction.
        ReverseKl = "reverse-kl",
        /// The mean of both directions.
        SymmetricKl = "symmetric-kl",
        /// Half the squared distance of the logits.
        LogitMse = "logit-mse",
        /// The same of their differences less the mean.
        LogitMseCentred = "logit-mse-centred",
        /// The target class and the other classes apart.
        Decoupled = "decoupled",
        /// Correlations of classes and of samples.
        Dist = "dist",
        /// A uniform teacher: the control.
        LabelSmoothing = "label-smoothing",
    }
}

/// The divergences at a temperature.
const TEMPERED: &[&str] = &["kl", "reverse-kl", "symmetric-kl", "decoupled", "dist", "label-smoothing"];

settings! {
    /// The hyperparameters of the soft targets.
    pub struct SoftTargetsConfig {
        /// Temperature of both softmaxes, a number or a schedule over gradient steps. Source: Hinton et al. 2015, section 3, used 20 for a wide student and 2.5 to 4 for a narrow one
        temperature: Schedule = 4.0, in Positive, needs Above("alpha", 0), needs Is("divergence", TEMPERED);
        /// Weight alpha of the soft targets, a number or a schedule over gradient steps; the labels have 1 - alpha. Source: 0.9, common since Hinton et
        /// al. 2015
        alpha: Schedule = 0.9, in Unit;
        /// Divergence of the student from its teacher. Source: Hinton et al. 2015
        divergence: DivergenceKind = DivergenceKind::Kl, in Any;
        /// Standardises the logits of teacher and student to z-scores before the divergence. Source: Sun et al. 2024
        standardise_logits: bool = false, in Any;
        /// Weight of the target class in divergence=decoupled. Source: Zhao et al. 2022, alpha
        decoupled_target: f64 = 1.0, in NotNegative, needs Is("divergence", &["decoupled"]);
        /// Weight of the other classes in divergence=decoupled. Source: Zhao et al. 2022, beta, 1 to 8
        decoupled_others: f64 = 8.0, in NotNegative, needs Is("divergence", &["decoupled"]);
        /// Weight of the relations between classes in divergence=dist. Source: Huang et al. 2022, beta
        dist_inter: f64 = 1.0, in NotNegative, needs Is("divergence", &["dist"]);
        /// Weight of the relations between samples in divergence=dist. Source: Huang et al. 2022, gamma
        dist_intra: f64 = 1.0, in NotNegative, needs Is("divergence", &["dist"]);
    }
}

impl SoftTargetsConfig {
    /// The schedules in a run of so many steps.
    fn of_run(self, steps: u64) -> Self {
        Self { temperature: self.temperature.of_run(steps), alpha: self.alpha.of_run(steps), ..self }
    }

    /// Refuses schedules that count the updates of one number: a gradient step is of all.
    #[cfg(feature = "disk")]
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        refuse_counts("temperature", self.temperature)?;
        refuse_counts("alpha", self.alpha)
    }

    /// The divergence of gradient step `step`, counted from 0.
    pub fn divergence_at(&self, step: u64) -> Divergence {
        let temperature = self.temperature.at(step, 1) as f32;
        match self.divergence {
            DivergenceKind::Kl => Divergence::KlForward { temperature },
            DivergenceKind::ReverseKl => Divergence::KlReverse { temperature },
            DivergenceKind::SymmetricKl => Divergence::KlSymmetric { temperature },
            DivergenceKind::LogitMse => Divergence::LogitMse(Centring::None),
            DivergenceKind::LogitMseCentred => Divergence::LogitMse(Centring::Mean),
            DivergenceKind::Decoupled => Divergence::Decoupled(Decoupled {
                temperature,
                target: self.decoupled_target as f32,
                non_target: self.decoupled_others as f32,
            }),
            DivergenceKind::Dist => Divergence::Relations(Relations {
                temperature,
                inter: self.dist_inter as f32,
                intra: self.dist_intra as f32,
            }),
            DivergenceKind::LabelSmoothing => Divergence::Uniform { temperature },
        }
    }

    /// Returns true if the temperature has an influence.
    fn has_temperature(&self) -> bool {
        !matches!(self.divergence, DivergenceKind::LogitMse | DivergenceKind::LogitMseCentred)
    }
}

/// Soft targets, in addition to the labels.
#[derive(Clone, Debug)]
pub struct SoftTargets {
    /// The source of the teacher's logits.
    pub source: Source,
    config: SoftTargetsConfig,
    scratch: SoftScratch,
}

#[derive(Clone, Debug, Default)]
struct SoftScratch {
    buffers: Buffers,
    /// Standardised logits.
    teacher: Vec<f32>,
    student: Vec<f32>,
    /// Of samples that have labels only in part: the classes, and the gradient of the labels' term.
    classes: Vec<usize>,
    d_hard: Vec<f32>,
}

impl SoftTargets {
    /// The soft targets of a source.
    pub fn new(source: Source, config: SoftTargetsConfig) -> Self {
        Self { source, config, scratch: SoftScratch::default() }
    }

    /// The soft targets of Hinton et al.: the softmax of a trained network at a temperature.
    pub fn frozen(teacher: Network, temperature: f32, alpha: f32) -> Self {
        let (temperature, alpha) = (f64::from(temperature).into(), f64::from(alpha).into());
        let config = SoftTargetsConfig { temperature, alpha, ..SoftTargetsConfig::default() };
        Self::of(teacher, config)
    }

    /// The soft targets of a trained network.
    pub fn of(teacher: Network, config: SoftTargetsConfig) -> Self {
        Self::new(Source::new(Teacher::frozen(teacher)), config)
    }

    /// Computes the teacher's outputs with these threads. Results do not depend on their number.
    pub(super) fn with_workers(self, workers: &Workers) -> Self {
        Self { source: self.source.with_workers(workers), ..self }
    }

    /// Gives schedules that are relative to the run its length in steps.
    pub(super) fn begin(&mut self, steps: u64) {
        self.config = self.config.clone().of_run(steps);
    }

    /// `alpha` times the divergence plus `1 - alpha` times the cross-entropy of the labels in gradient step `step`, counted from 0, and in
    /// `d_logits` its gradient with respect to the student's logits, `samples x classes`. Of samples beyond the labels, which have none, the
    /// divergence alone counts.
    ///
    /// # Panics
    /// If the lengths do not agree, there is no sample, or a schedule is relative to a run that was not begun.
    pub fn loss(
        &mut self,
        step: u64,
        samples: Samples<'_>,
        logits: &[f32],
        labels: &[usize],
        d_logits: &mut [f32],
    ) -> Terms {
        self.source.logits_at(self.config.temperature.at(step, 1) as f32, samples);
        self.loss_again(step, logits, labels, d_logits)
    }

    /// The same loss with other labels of the same samples, whose soft targets are not computed again.
    pub(super) fn loss_again(
        &mut self,
        step: u64,
        logits: &[f32],
        labels: &[usize],
        d_logits: &mut [f32],
    ) -> Terms {
        let Self { source, config, scratch } = self;
        let (teacher, samples) = (source.last(), source.last().len() / source.outputs());
        let (divergence, alpha) = (config.divergence_at(step), config.alpha.at(step, 1) as f32);
        let batch = Batch { teacher, student: logits, samples, labels };
        if labels.len() < samples {
            return partly_labelled(config, divergence, alpha, batch, scratch, d_logits);
        }
        if !config.standardise_logits {
            return divergence.blended(alpha, batch, &mut scratch.buffers, d_logits);
        }
        let soft = standardised(divergence, batch, scratch, d_logits);
        blend_labels(alpha, soft, logits, labels, d_logits)
    }

    /// The teacher's logits of the last [`loss`](Self::loss).
    pub(super) fn last_logits(&self) -> &[f32] {
        self.source.last()
    }

    /// A warning if one of the two terms has no effect on the first batch, in one line: where its weighed gradient with respect to the
    /// logits has less than a hundredth of the length of both, or where the teacher's softened outputs are its labels. A weight of 0 is a
    /// wish, and not warned of.
    pub(super) fn idle_term(
        &mut self,
        samples: Samples<'_>,
        logits: &[f32],
        labels: &[usize],
    ) -> Option<String> {
        let Self { source, config, scratch } = self;
        let (alpha, temperature) = (config.alpha.at(0, 1), config.temperature.at(0, 1));
        // A student without training is as uniform as the teacher of label smoothing, and the same as a teacher that follows it.
        let has_none = config.divergence == DivergenceKind::LabelSmoothing || source.is_lagging();
        if alpha == 0.0 || alpha == 1.0 || has_none {
            return None;
        }
        let teacher = source.logits_at(temperature as f32, samples);
        let batch = Batch { teacher, student: logits, samples: labels.len(), labels };
        let (divergence, mut gradient) = (config.divergence_at(0), vec![0.0; logits.len()]);
        if config.standardise_logits {
            standardised(divergence, batch, scratch, &mut gradient);
        } else {
            divergence.of_batch(batch, &mut scratch.buffers, &mut gradient);
        }
        let soft = alpha * potstill_nn::optim::norm(&gradient);
        cross_entropy(logits, labels, &mut gradient);
        let hard = (1.0 - alpha) * potstill_nn::optim::norm(&gradient);
        let at = match config.has_temperature() {
            true => format!("alpha={alpha} and temperature={temperature}"),
            false => format!("alpha={alpha}"),
        };
        let percent = |part: f64| 100.0 * part / (soft + hard);
        if percent(hard) < IDLE_PERCENT {
            let share = percent(hard);
            return Some(format!(
                "at the start the labels have {share:.2} % of the gradient with {at}, so they have no effect; lower alpha, or give alpha=1 to leave them out"
            ));
        }
        if percent(soft) < IDLE_PERCENT {
            let share = percent(soft);
            return Some(format!(
                "at the start the teacher has {share:.2} % of the gradient with {at}, so it has no effect; raise alpha"
            ));
        }
        let is_softmax = matches!(
            config.divergence,
            DivergenceKind::Kl | DivergenceKind::ReverseKl | DivergenceKind::SymmetricKl
        );
        let rest = 100.0 * (1.0 - certainty(temperature as f32, teacher, labels.len()));
        (is_softmax && !config.standardise_logits && rest < IDLE_PERCENT).then(|| {
            format!(
                "the teacher gives {rest:.2} % to all but one class on the first samples at temperature={temperature}, so its soft targets say little more than labels; raise the temperature"
            )
        })
    }
}

/// A share of the gradient, or a probability, below which a term has no effect.
const IDLE_PERCENT: f64 = 1.0;

/// The blended loss of samples of which only the first have labels: each term is a mean over all samples, to which those without a label add
/// nothing. For a divergence that has a use for labels, theirs are the teacher's most probable classes.
fn partly_labelled(
    config: &SoftTargetsConfig,
    divergence: Divergence,
    alpha: f32,
    batch: Batch<'_>,
    scratch: &mut SoftScratch,
    d_logits: &mut [f32],
) -> Terms {
    let Batch { teacher, student, samples, labels } = batch;
    let width = student.len() / samples;
    let mut classes = std::mem::take(&mut scratch.classes);
    classes.clear();
    classes.extend(labels);
    classes.extend(teacher.chunks_exact(width).skip(labels.len()).map(argmax));
    let whole = Batch { labels: &classes, ..batch };
    let soft = match config.standardise_logits {
        true => standardised(divergence, whole, scratch, d_logits),
        false => divergence.of_batch(whole, &mut scratch.buffers, d_logits),
    };
    scratch.classes = classes;
    d_logits.iter_mut().for_each(|d| *d *= alpha);
    let mut hard = 0.0;
    let share = (1.0 - alpha) * labels.len() as f32 / samples as f32;
    if !labels.is_empty() {
        let length = labels.len() * width;
        scratch.d_hard.resize(length, 0.0);
        hard = cross_entropy(&student[..length], labels, &mut scratch.d_hard);
        d_logits.iter_mut().zip(&scratch.d_hard).for_each(|(d, hard)| *d += share * hard);
    }
    Terms { total: alpha * soft + share * hard, soft: f64::from(soft), hard: f64::from(hard) }
}

/// The divergence of standardised logits, and its gradient with respect to the student's own.
fn standardised(
    divergence: Divergence,
    batch: Batch<'_>,
    scratch: &mut SoftScratch,
    d_student: &mut [f32],
) -> f32 {
    let SoftScratch { buffers, teacher, student, .. } = scratch;
    standardise(batch.teacher, batch.samples, teacher);
    standardise(batch.student, batch.samples, student);
    let value = divergence.of_batch(Batch { teacher, student, ..batch }, buffers, d_student);
    standardise_backward(batch.student, batch.samples, d_student);
    value
}

/// The mean of the largest probabilities.
fn certainty(temperature: f32, logits: &[f32], samples: usize) -> f64 {
    let mut row = Vec::new();
    let largest = logits.chunks_exact(logits.len() / samples).map(|logits| {
        row.clear();
        row.extend_from_slice(logits);
        softmax(temperature, &mut row);
        f64::from(row.iter().copied().fold(0.0, f32::max))
    });
    largest.sum::<f64>() / samples as f64
}

snapshot! {
    impl Restorable for SoftTargets {
        saved: source via Flat;
        built: config, scratch;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use potstill_core::Pcg64;
    use potstill_nn::NetworkSpec;

    /// Soft targets of a linear teacher whose logits are its inputs, times `scale`.
    fn soft(scale: f32, config: SoftTargetsConfig) -> SoftTargets {
        let mut teacher = "mlp".parse::<NetworkSpec>().unwrap().build(3, 3, &mut Pcg64::new(1));
        teacher.update_parameters(|parameters| {
            parameters.fill(0.0);
            (0..3).for_each(|i| parameters[i * 4] = scale);
        });
        SoftTargets::new(Source::new(Teacher::frozen(teacher)), config)
    }

    fn config(divergence: DivergenceKind, temperature: f64, alpha: f64) -> SoftTargetsConfig {
        let (temperature, alpha) = (temperature.into(), alpha.into());
        SoftTargetsConfig { divergence, temperature, alpha, ..SoftTargetsConfig::default() }
    }

    const SAMPLES: Samples<'_> = Samples { inputs: &[1.0, 0.5, 0.0, 0.0, 0.25, 1.0], indices: &[0, 1] };

    #[test]
    fn an_idle_term_is_told() {
        let check = |scale: f32, config: SoftTargetsConfig, expected: Option<&str>| {
            let mut soft = soft(scale, config.clone());
            let told = soft.idle_term(SAMPLES, &[0.0; 6], &[0, 2]);
            match (&told, expected) {
                (None, None) => {}
                (Some(told), Some(expected)) => assert!(told.contains(expected), "{told}"),
                _ => panic!("{told:?}, not {expected:?}: {config:?}"),
            }
        };
        use DivergenceKind::{Kl, LabelSmoothing, LogitMse};
        check(2.0, config(Kl, 4.0, 0.9), None);
        // T^2: a sure teacher's gradient is T (q - p), twenty times the labels'.
        check(1000.0, config(Kl, 20.0, 0.9), Some("labels have 0.55 % of the gradient with alpha=0.9"));
        check(1000.0, config(LogitMse, 1.0, 0.9), Some("labels have"));
        check(0.01, config(Kl, 4.0, 0.5), Some("teacher has"));
        check(2.0, config(Kl, 4.0, 0.001), Some("teacher has 0.0"));
        check(100.0, config(Kl, 1.0, 0.5), Some("0.00 % to all but one class"));
        check(2.0, config(LabelSmoothing, 1.0, 0.1), None);
        // What was asked for is not warned of.
        check(1000.0, config(Kl, 20.0, 1.0), None);
        check(2.0, config(Kl, 4.0, 0.0), None);
    }

    #[test]
    fn temperature_and_alpha_follow_their_schedules() {
        let mut moving = config(DivergenceKind::Kl, 1.0, 1.0);
        moving.temperature = "linear:8:2:run".parse().unwrap();
        moving.alpha = "linear:1:0:0.5run".parse().unwrap();
        let mut moving = soft(2.0, moving);
        moving.begin(100);
        let student = [0.5, 0.0, -0.5, 1.0, 0.0, 0.0];
        for (step, temperature, alpha) in [(0, 8.0, 1.0), (25, 6.5, 0.5), (50, 5.0, 0.0), (200, 2.0, 0.0)] {
            let mut still = soft(2.0, config(DivergenceKind::Kl, temperature, alpha));
            let [mut a, mut b] = [[f32::NAN; 6]; 2];
            let terms = moving.loss(step, SAMPLES, &student, &[0, 2], &mut a);
            assert_eq!(terms, still.loss(0, SAMPLES, &student, &[0, 2], &mut b), "{step}");
            assert_eq!(a, b, "{step}");
        }
    }

    #[test]
    fn standardised_logits_do_not_feel_the_size_of_the_teachers() {
        let standardise = |scale: f32| {
            let config = SoftTargetsConfig { standardise_logits: true, ..SoftTargetsConfig::default() };
            let mut gradient = [f32::NAN; 6];
            let student = [0.5, 0.0, -0.5, 1.0, 0.0, 0.0];
            let terms = soft(scale, config).loss(0, SAMPLES, &student, &[0, 2], &mut gradient);
            (terms.soft, gradient)
        };
        let ((small, a), (large, b)) = (standardise(1.0), standardise(64.0));
        assert!(small > 0.01 && (small - large).abs() < 1e-5, "{small} {large}");
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5), "{a:?} {b:?}");
    }

    #[test]
    fn samples_without_labels_have_the_divergence_alone() {
        // One sample with a label and one without: half of the sum of both losses.
        let logits = [0.5, -0.5, 1.0, 0.25, 1.0, -1.0];
        let teacher = [1.0, 0.0, -1.0, 0.0, 2.0, 0.0];
        for standardise_logits in [false, true] {
            let config = SoftTargetsConfig {
                temperature: 2.0.into(),
                alpha: 0.75.into(),
                standardise_logits,
                ..SoftTargetsConfig::default()
            };
            let soft = |rows: std::ops::Range<usize>| {
                let source = Source::recorded(3, teacher[3 * rows.start..3 * rows.end].to_vec());
                SoftTargets::new(source, config.clone())
            };
            let samples = |indices| Samples { inputs: &[], indices };
            let mut both = [0.0; 6];
            let terms = soft(0..2).loss(0, samples(&[0, 1]), &logits, &[2], &mut both);
            let mut first = [0.0; 3];
            let labelled = soft(0..1).loss(0, samples(&[0]), &logits[..3], &[2], &mut first);
            let mut second = [0.0; 3];
            // Whatever the label, its term has the weight 0.25.
            let alone = soft(1..2).loss(0, samples(&[0]), &logits[3..], &[], &mut second);
            assert!((terms.total - 0.5 * (labelled.total + alone.total)).abs() < 1e-6, "{terms:?}");
            assert!((f64::from(alone.total) - 0.75 * alone.soft).abs() < 1e-6 && alone.hard == 0.0);
            let expected = first.iter().chain(&second).map(|d| 0.5 * d);
            assert!(both.iter().zip(expected).all(|(d, expected)| (d - expected).abs() < 1e-6), "{both:?}");
            assert!((terms.hard - labelled.hard).abs() < 1e-6);
        }
    }
}
