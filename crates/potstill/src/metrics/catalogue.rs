//! Metrics that a run records and scores of its summary, each once: name, title, unit, direction, definition.
//!
//! Reports, comparisons, the dashboard and the tables of the command line take names, titles and order from
//! here. A new metric is an entry here and a line in the agent or job that records it.
//!
//! ```
//! use potstill::metrics::catalogue::{Better, LOSS, Metric, Score, TEST_ERROR};
//!
//! let loss = Metric::find(LOSS).unwrap();
//! assert_eq!((loss.name, loss.title, loss.better), ("train/loss", "Loss", Better::Lower));
//! assert_eq!(Score::find(TEST_ERROR).unwrap().column.unwrap().title, "test error, %");
//! ```

/// The direction in which a number improves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Larger is better.
    Higher,
    /// Smaller is better.
    Lower,
    /// Neither: a description.
    Neither,
}

/// A number that a run records again and again: a column of `metrics.jsonl`, a scalar in TensorBoard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// The name under which it is recorded.
    pub name: &'static str,
    /// The title of a chart that shows it alone.
    pub title: &'static str,
    /// The label of its axis.
    pub unit: &'static str,
    /// The direction in which it improves.
    pub better: Better,
    /// A definition in one sentence.
    pub definition: &'static str,
    /// Its line in the report of a run; `None` if the report does not draw it.
    pub line: Option<Line>,
    /// True if comparisons and the dashboard draw it.
    pub is_key: bool,
}

/// A line of a chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// The chart that it belongs to.
    pub chart: &'static Chart,
    /// Its label in that chart.
    pub label: &'static str,
}

/// A chart of the report of a run; metrics that belong to one share it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chart {
    /// Its title.
    pub title: &'static str,
    /// The label of its y axis.
    pub unit: &'static str,
}

/// A number in `summary.json` that seeds are averaged over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The key in the summary.
    pub key: &'static str,
    /// The direction in which it improves.
    pub better: Better,
    /// A definition in one sentence.
    pub definition: &'static str,
    /// Its column in comparisons; `None` if it has none.
    pub column: Option<Column>,
}

/// The format of a score in a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// The heading of the column.
    pub title: &'static str,
    /// The factor from the unit of the summary to that of the column.
    pub factor: f64,
    /// Digits after the decimal point.
    pub decimals: usize,
}

impl Metric {
    /// The metric of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        METRICS.iter().find(|metric| metric.name == name)
    }
}

impl Score {
    /// The score of this key.
    pub fn find(key: &str) -> Option<&'static Self> {
        SCORES.iter().find(|score| score.key == key)
    }

    /// The scores in comparisons with their columns, the most informative first.
    pub fn compared() -> impl Iterator<Item = (&'static str, Column)> {
        SCORES.iter().filter_map(|score| Some((score.key, score.column?)))
    }
}

/// The lowest and the highest value that a number of this name can have, in the unit of its record or summary: intervals over
/// seeds stay between them.
///
/// ```
/// use potstill::metrics::catalogue::range;
///
/// assert_eq!((range("agreement"), range("nll")), ((0.0, 1.0), (0.0, f64::INFINITY)));
/// ```
pub fn range(name: &str) -> (f64, f64) {
    match name {
        TEST_ERROR
        | EVAL_TEST_ERROR
        | EVAL_TEST_ERROR_LABELS
        | ECE
        | CLIPPED_MASS
        | TRAIN_CLIPPED_MASS
        | "train_error"
        | "majority_error"
        | "calibrated_ece"
        | "agreement" => (0.0, 1.0),
        "brier" => (0.0, 2.0),
        STEPS_LAST_100
        | NLL
        | SECONDS
        | TEST_RMSE
        | EVAL_TEST_RMSE
        | EVAL_TEST_RMSE_LABELS
        | "mean_rmse"
        | "teacher_test_rmse"
        | "labels_test_rmse"
        | "std_return"
        | "calibration_temperature"
        | "parameters"
        | "bytes"
        | "p50"
        | "p99"
        | "rows_per_second" => (0.0, f64::INFINITY),
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    }
}

/// The range of the difference of two numbers of this name.
pub fn difference_range(name: &str) -> (f64, f64) {
    let (low, high) = range(name);
    (low - high, high - low)
}

/// The metrics that comparisons and the dashboard draw, the most informative first.
pub fn key_metrics() -> impl Iterator<Item = &'static Metric> {
    METRICS.iter().filter(|metric| metric.is_key)
}

/// Metrics grouped by chart, in order; metrics without a chart are left out.
pub fn by_chart(
    metrics: impl Iterator<Item = &'static Metric>,
) -> Vec<(&'static Chart, Vec<&'static Metric>)> {
    let mut charts: Vec<(&Chart, Vec<&Metric>)> = Vec::new();
    for metric in metrics {
        let Some(Line { chart, .. }) = metric.line else { continue };
        match charts.iter_mut().find(|(known, _)| *known == chart) {
            Some((_, lines)) => lines.push(metric),
            None => charts.push((chart, vec![metric])),
        }
    }
    charts
}

const RETURN: Chart = Chart { title: "Return", unit: "return" };
const LENGTH: Chart = Chart { title: "Length of episodes", unit: "steps" };
const PLANNING: Chart = Chart { title: "Planning", unit: "value" };
const ERROR: Chart = Chart { title: "Test error", unit: "error" };
const TRAINING: Chart = Chart { title: "Loss", unit: "loss" };
const ACTOR: Chart = Chart { title: "Terms of the loss: policy and critic", unit: "loss" };
const ENTROPIES: Chart = Chart { title: "Entropy of the policy", unit: "nats" };
const DIVERGENCE: Chart = Chart { title: "Divergence of the policy from the one that acted", unit: "nats" };
const CLIPPED: Chart = Chart { title: "Clipped ratios of probabilities", unit: "share" };
const EXPLAINED_BY_CRITIC: Chart =
    Chart { title: "Variance of the returns that the critic explains", unit: "share" };
const TERMS: Chart = Chart { title: "Loss from the teacher (soft) and from labels (hard)", unit: "loss" };
const DISTANCE: Chart =
    Chart { title: "Distance of the student from its teacher before each refresh", unit: "distance" };
const AGE: Chart = Chart { title: "Age of the teacher: steps since its last refresh", unit: "steps" };

/// The value of an optional macro fragment.
const fn optional<T: Copy>(given: &[T]) -> Option<T> {
    match given {
        [value] => Some(*value),
        _ => None,
    }
}

/// Declares metrics: the constant, the name, the direction, the title, the unit; `key` for those that
/// comparisons and the dashboard draw; after `in` the chart with the label of the line there. The comment is the
/// definition.
macro_rules! metrics {
    ($(
        $(#[doc = $definition:literal])+
        $constant:ident = $name:literal, $better:ident, $title:literal, $unit:literal
            $(, $key:ident)? $(in $chart:ident as $label:literal)?;
    )*) => {
        $($(#[doc = $definition])+ pub const $constant: &str = $name;)*

        /// Every metric that a run can record, in the order in which charts show them.
        pub const METRICS: &[Metric] = &[$(Metric {
            name: $constant,
            title: $title,
            unit: $unit,
            better: Better::$better,
            definition: concat!($($definition),+).trim_ascii(),
            line: optional(&[$(Line { chart: &$chart, label: $label })?]),
            is_key: optional::<&str>(&[$(stringify!($key))?]).is_some(),
        },)*];
    };
}

metrics! {
    /// Mean undiscounted return of the last 100 training episodes, exploration included.
    EP_REW_MEAN = "rollout/ep_rew_mean", Higher, "Return while learning, mean of 100 episodes", "return", key
        in RETURN as "while learning, mean of 100 episodes";
    /// Mean undiscounted return of the episodes of one evaluation, with the greedy policy.
    EVAL_MEAN_REWARD = "eval/mean_reward", Higher, "Return in evaluations", "return", key
        in RETURN as "evaluation";
    /// Mean length of the last 100 training episodes, in steps.
    EP_LEN_MEAN = "rollout/ep_len_mean", Neither, "Length of episodes", "steps"
        in LENGTH as "mean of 100 episodes";
    /// Value of the start distribution under the planner's current values.
    PLANNING_START_VALUE = "planning/start_value", Higher, "Value of the start", "value"
        in PLANNING as "value of the start";
    /// Fraction of the test samples that are classified wrongly, 0 to 1.
    EVAL_TEST_ERROR = "eval/test_error", Lower, "Test error", "error", key in ERROR as "test error";
    /// The same of a student that learns from the labels alone, beside a distilled one.
    EVAL_TEST_ERROR_LABELS = "eval/test_error_labels", Lower, "Test error of labels only", "error"
        in ERROR as "labels only";
    /// Root of the mean squared error on the test samples, in the unit of what is predicted.
    EVAL_TEST_RMSE = "eval/test_rmse", Lower, "Test error, root of the mean square", "error", key
        in ERROR as "root of the mean squared test error";
    /// The same of a student that learns from the labels alone, beside a distilled one.
    EVAL_TEST_RMSE_LABELS = "eval/test_rmse_labels", Lower, "Test error of labels only, root of the mean square",
        "error" in ERROR as "labels only";
    /// Mean loss of the gradient steps since the previous record.
    LOSS = "train/loss", Lower, "Loss", "loss", key in TRAINING as "loss";
    /// Mean divergence from the teacher since the previous record, without its weight alpha.
    SOFT_LOSS = "train/soft_loss", Lower, "Soft loss: divergence from the teacher", "loss" in TERMS as "soft loss";
    /// Mean cross-entropy of the labels since the previous record, without its weight.
    HARD_LOSS = "train/hard_loss", Lower, "Hard loss: cross-entropy of the labels", "loss" in TERMS as "hard loss";
    /// Mean loss of hints and maps of attention since the previous record, with their weights.
    HINT_LOSS = "train/hint_loss", Lower, "Hint loss: distance from the teacher's hidden layers", "loss";
    /// Mean cross-entropy, in the last epoch, of a student that learns from the labels alone, beside a distilled one.
    LOSS_LABELS = "train/loss_labels", Lower, "Loss of labels only", "loss";
    /// Mean loss of the policy since the previous record: minus the (clipped) advantages, weighted by ratios or log-probabilities.
    POLICY_LOSS = "train/policy_gradient_loss", Neither, "Loss of the policy", "loss" in ACTOR as "policy";
    /// Mean squared error of the critic since the previous record, without its weight.
    VALUE_LOSS = "train/value_loss", Lower, "Loss of the critic", "loss" in ACTOR as "critic";
    /// Mean loss of a policy that learns from replay since the previous record: minus the critics' value of
    /// its actions, and in SAC and CrossQ minus their entropy times the temperature. Where the policy learns
    /// less often than its critics, its latest loss counts.
    ACTOR_LOSS = "train/actor_loss", Neither, "Loss of the policy", "loss" in ACTOR as "policy, from replay";
    /// Mean loss of the critics of states and actions since the previous record, their sum if there are two.
    CRITIC_LOSS = "train/critic_loss", Lower, "Loss of the critics", "loss" in ACTOR as "critics, from replay";
    /// Mean entropy of the policy in the minibatches since the previous record, in nats.
    ENTROPY = "train/entropy", Neither, "Entropy of the policy", "nats" in ENTROPIES as "entropy";
    /// Mean temperature since the previous record: the weight of the entropy in SAC and CrossQ.
    ENT_COEF = "train/ent_coef", Neither, "Temperature: the weight of the entropy", "value";
    /// Mean estimate of the divergence KL(old || new) of the policy during an update, in nats.
    APPROX_KL = "train/approx_kl", Neither, "Divergence from the policy that acted", "nats"
        in DIVERGENCE as "KL(old || new)";
    /// Mean share of the ratios of probabilities beyond the clip range, 0 to 1.
    CLIP_FRACTION = "train/clip_fraction", Neither, "Share of clipped ratios", "share" in CLIPPED as "clipped";
    /// Share of the variance of the returns that the critic explained before the latest update, up to 1.
    EXPLAINED_VARIANCE = "train/explained_variance", Higher, "Variance that the critic explains", "share"
        in EXPLAINED_BY_CRITIC as "explained variance";
    /// Distance from 1 at which ratios of probabilities are clipped in the latest update.
    CLIP_RANGE = "train/clip_range", Neither, "Clip range", "ratio";
    /// Largest Euclidean distance of the online from the target parameters since the last refresh.
    TEACHER_DISTANCE = "teacher/distance", Neither, "Distance between student and target network",
        "distance", key
        in DISTANCE as "distance";
    /// Ticks of its clock since the target network was refreshed.
    TEACHER_STALENESS = "teacher/staleness", Neither, "Steps since the last refresh of the teacher", "steps"
        in AGE as "at the ends of episodes";
    /// Mean action value of the states and actions of the minibatches since the previous record.
    Q_VALUES = "train/q_values", Neither, "Action values of the minibatches", "value";
    /// Mean of the logarithm of the sum of the exponentials of all action values, less that of the recorded action, since
    /// the previous record (CQL).
    CONSERVATIVE_GAP = "train/conservative_gap", Neither, "Soft maximum of the values over the recorded action's", "value";
    /// Mean weight of the conservative term since the previous record, where it is learned (CQL).
    CQL_ALPHA = "train/cql_alpha", Neither, "Weight of the conservative term", "value";
    /// Mean Euclidean norm of the gradients since the previous record, before clipping by the norm.
    GRADIENT_NORM = "train/grad_norm", Neither, "Norm of the gradient", "norm";
    /// Mean probability of the targets beyond a fixed support of the return (C51, Rainbow), since the previous record.
    TRAIN_CLIPPED_MASS = "train/clipped_mass", Lower, "Probability beyond the support", "probability";
    /// Learning rate of the next gradient step.
    LEARNING_RATE = "train/learning_rate", Neither, "Learning rate", "learning rate";
    /// Gradient steps since the start of the run.
    N_UPDATES = "train/n_updates", Neither, "Gradient steps", "gradient steps";
    /// Undiscounted return of the episode that has just ended.
    EP_REW = "rollout/ep_rew", Higher, "Return of an episode", "return";
    /// Interquartile mean over seeds of the return of an episode.
    EP_REW_IQM = "rollout/ep_rew_iqm", Higher, "Return of an episode, IQM over seeds", "return";
    /// Length of the episode that has just ended, in steps.
    EP_LEN = "rollout/ep_len", Neither, "Length of an episode", "steps";
    /// Probability of a random action.
    EXPLORATION_RATE = "rollout/exploration_rate", Neither, "Exploration rate", "probability";
    /// Standard deviation of the returns of the episodes of one evaluation.
    EVAL_STD_REWARD = "eval/std_reward", Neither, "Standard deviation of the return in evaluations", "return";
    /// Sweeps of a planner that improved its policy, or iterations over the values.
    PLANNING_ITERATIONS = "planning/iterations", Neither, "Iterations of the planner", "iterations";
    /// Largest change of a value in the last sweep of a planner.
    PLANNING_RESIDUAL = "planning/residual", Lower, "Residual of the planner", "value";
    /// States in the transfer set of a policy's student.
    TRANSFER_STATES = "transfer_states", Neither, "States in the transfer set", "states";
    /// Episodes since the start of the run.
    EPISODES = "time/episodes", Neither, "Episodes", "episodes";
    /// Passes over the training samples since the start of the run.
    EPOCHS = "time/epochs", Neither, "Epochs", "epochs";
    /// Rounds of policy distillation since the start of the run.
    ROUNDS = "time/rounds", Neither, "Rounds", "rounds";
    /// Steps per second of this process; in TensorBoard only, because it depends on the clock.
    FPS = "time/fps", Higher, "Steps per second", "steps per second";
}

/// Declares scores: the constant, the key, the direction, and the column in comparisons.
macro_rules! scores {
    ($(
        $(#[doc = $definition:literal])+
        $constant:ident = $key:literal, $better:ident
            $(, column $title:literal times $factor:literal with $decimals:literal decimals)?;
    )*) => {
        $($(#[doc = $definition])+ pub const $constant: &str = $key;)*

        /// Every score of a summary, the most informative first.
        pub const SCORES: &[Score] = &[$(Score {
            key: $constant,
            better: Better::$better,
            definition: concat!($($definition),+).trim_ascii(),
            column: optional(&[$(Column { title: $title, factor: $factor, decimals: $decimals })?]),
        },)*];
    };
}

scores! {
    /// Mean undiscounted return of the best model, or of the last one if it learned from recorded episodes, over 100 new
    /// episodes, with the greedy policy.
    MEAN_RETURN = "mean_return", Higher, column "return" times 1.0 with 1 decimals;
    /// Mean undiscounted return of the last 100 training episodes, exploration included.
    RETURN_LAST_100 = "return_last_100", Higher, column "while learning" times 1.0 with 1 decimals;
    /// Mean length of the last 100 training episodes, in steps.
    STEPS_LAST_100 = "steps_last_100", Neither;
    /// Mean undiscounted return of the recorded episodes that a network learned from.
    RECORDED_RETURN = "recorded_return", Neither;
    /// Greedy value of the start distribution under the learned values.
    START_VALUE = "start_value", Higher;
    /// Probability of the targets beyond the support of the return, of the last record (C51, Rainbow), 0 to 1.
    CLIPPED_MASS = "clipped_mass", Lower;
    /// Mean reward per step that R-learning estimates.
    AVERAGE_REWARD = "average_reward", Higher;
    /// Fraction of the test samples that are classified wrongly, 0 to 1.
    TEST_ERROR = "test_error", Lower, column "test error, %" times 100.0 with 2 decimals;
    /// Root of the mean squared error on the test samples, in the unit of what is predicted.
    TEST_RMSE = "test_rmse", Lower, column "test error, RMS" times 1.0 with 4 decimals;
    /// Negative log-likelihood per test sample, in nats.
    NLL = "nll", Lower, column "NLL" times 1.0 with 3 decimals;
    /// Expected calibration error on the test samples, in 15 bins (Guo et al. 2017), 0 to 1.
    ECE = "ece", Lower, column "ECE, %" times 100.0 with 1 decimals;
    /// Seconds of work, over all processes that took part in the run.
    SECONDS = "seconds", Lower;
}

/// Further numbers of a summary, with a definition in one sentence.
pub const EXPLAINED: &[(&str, &str)] = &[
    ("best_return", "Mean return of the evaluation that selected the model."),
    ("best_step", "Step of that evaluation."),
    ("last_return", "Mean return of the last model over the same new episodes as the best one's."),
    ("std_return", "Standard deviation of the returns of those episodes."),
    ("teacher_mean_return", "Mean return of the teacher over the same episodes."),
    ("agreement", "Share of states in which student and teacher choose the same action."),
    (
        "brier",
        "Mean squared distance of the probabilities of a test sample from its label, 0 to 2 (Brier 1950).",
    ),
    (
        "calibration_temperature",
        "Temperature with the lowest likelihood loss on training samples (Guo et al. 2017, section 4.2).",
    ),
    ("calibrated_ece", "Expected calibration error on the test samples at that temperature."),
    ("bytes", "Size of the model file."),
    (
        "rows_per_second",
        "Test samples that it answers in a second, 256 at a time, measured on the machine of the run.",
    ),
    (
        "teacher_gap",
        "Mean gap between the teacher's two highest action values, or logits: the unit of the temperature.",
    ),
];

/// The key of a result that no update has made: of a [run](UNTRAINED_RUN) without one, or of a [best
/// model](UNTRAINED_BEST) before the first.
pub const UNTRAINED: &str = "untrained";
/// Not one update was made.
pub const UNTRAINED_RUN: &str = "run";
/// The best evaluated model is one before the first update.
pub const UNTRAINED_BEST: &str = "best";
/// The key of a run that ended with its results before its steps were done, since what was wanted was reached.
pub const ENDED_EARLY: &str = "ended_early";
/// The key of the recorded episodes that a run has learned from without acting.
pub const RECORDED_EPISODES: &str = "recorded_episodes";
/// The key of the recorded transitions that a network learned from.
pub const TRANSITIONS: &str = "transitions";
/// The key of the run whose policy acted in place of the learner.
pub const BEHAVIOUR: &str = "behaviour";

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_definitions_are_sentences() {
        let names: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
        let keys: BTreeSet<&str> = SCORES.iter().map(|score| score.key).collect();
        assert_eq!((names.len(), keys.len()), (METRICS.len(), SCORES.len()));
        let definitions = METRICS.iter().map(|m| m.definition).chain(SCORES.iter().map(|s| s.definition));
        for definition in definitions {
            assert!(definition.ends_with('.') && definition.len() > 10, "{definition}");
        }
    }

    #[test]
    fn charts_come_in_the_order_of_their_first_metric() {
        let of = |charts: Vec<(&Chart, Vec<&Metric>)>| -> Vec<(&str, usize)> {
            charts.iter().map(|(chart, metrics)| (chart.title, metrics.len())).collect()
        };
        assert_eq!(
            of(by_chart(METRICS.iter())),
            [
                ("Return", 2),
                ("Length of episodes", 1),
                ("Planning", 1),
                ("Test error", 4),
                ("Loss", 1),
                ("Loss from the teacher (soft) and from labels (hard)", 2),
                ("Terms of the loss: policy and critic", 4),
                ("Entropy of the policy", 1),
                ("Divergence of the policy from the one that acted", 1),
                ("Clipped ratios of probabilities", 1),
                ("Variance of the returns that the critic explains", 1),
                ("Distance of the student from its teacher before each refresh", 1),
                ("Age of the teacher: steps since its last refresh", 1),
            ]
        );
        let key = of(by_chart(key_metrics()));
        assert_eq!(key.iter().map(|(_, lines)| *lines).collect::<Vec<_>>(), [2, 2, 1, 1]);
        assert_eq!(key_metrics().next().unwrap().name, EP_REW_MEAN);
    }
}
