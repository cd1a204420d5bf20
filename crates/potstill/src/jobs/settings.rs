//! Keys that do not belong to a single algorithm.

use crate::config::{StudentSpec, settings, words};
use crate::distill::{
    EnsembleMean, FitConfig, HintConfig, PolicyDistillConfig, SoftTargetsConfig, ValueTargetsConfig,
};
use crate::optimizer::StudentOptimizer;

settings! {
    /// The keys of every reinforcement-learning run.
    pub struct RunConfig {
        /// Environment id, with options
        env: Option<String> = None, in Any;
        /// Seed of all random streams
        seed: u64 = 0, in Any;
        /// Steps of the environment
        steps: Option<u64> = None, in AtLeastOne;
        /// Episodes of the run
        episodes: Option<u64> = None, in AtLeastOne;
        /// Episodes between lines of metrics.jsonl
        log_interval: u64 = 1, in AtLeastOne;
        /// Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction and
        /// prioritized_beta; the steps of the run if not set
        schedule_steps: Option<u64> = None, in AtLeastOne;
        /// Place that the episodes of training are written to at the end of the run, as a data set to learn
        /// from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then
        /// are cut off; checkpoints hold what was recorded so far
        record: Option<String> = None, in Any;
    }
}

settings! {
    /// The source of experience of a tabular algorithm, if it does not act on its own values.
    pub struct SourceConfig {
        /// Run directory of a behaviour policy: actions are selected by this run's action values, with the
        /// exploration of the settings
        behaviour: Option<String> = None, in Any;
        /// File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
        /// so that the exploration of the settings is not used
        data: Option<String> = None, in Any;
        /// CRC-32C of that file, so that a resumed run reads the same data
        data_crc32c: Option<u64> = None, in Any;
    }
}

settings! {
    /// The recorded data of a run of a network without an environment.
    pub struct OfflineData {
        /// File of recorded episodes (potstill play --record), or random:STEPS or random:STEPS:SEED for those of uniformly
        /// random actions: learns from these without acting. A step is then an update, lines of metrics.jsonl come every
        /// hundred times log_interval of them, and keys of exploration and of the replay buffer have no effect
        data: Option<String> = None, in Any;
        /// CRC-32C of that file, so that a resumed run reads the same data
        data_crc32c: Option<u64> = None, in Any;
        /// Share of the episodes to learn from: those of the highest returns
        top_fraction: f64 = 1.0, in PositiveUnit;
    }
}

settings! {
    /// The keys of every planner on an exact model.
    pub struct PlanConfig {
        /// Environment id, with options
        env: Option<String> = None, in Any;
        /// Seed; planning is deterministic, so it has no effect
        seed: u64 = 0, in Any, needs Never("planning is deterministic");
        /// Sweeps between lines of metrics.jsonl
        log_interval: u64 = 1, in AtLeastOne;
    }
}

settings! {
    /// The evaluations of a deep agent during training.
    pub struct EvalConfig {
        /// Steps between evaluations, with one after the last step; 0 for none. The default of a run of more than
        /// 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of equal ones the
        /// latest; of a run on recorded data the last model is
        eval_freq: u64 = 2500, in Any;
        /// Episodes of an evaluation
        eval_episodes: u64 = 20, in Batch, needs Above("eval_freq", 0);
        /// Mean return of an evaluation at which the run stops
        stop_at_return: Option<f64> = None, in Finite, needs Above("eval_freq", 0);
    }
}

/// The most evaluations that a run has by default.
const EVALUATIONS_MAX: u64 = 100;

impl EvalConfig {
    /// The defaults of a run of so many steps, if it has a number of steps: an evaluation takes as long whatever the
    /// length of the run.
    pub fn of_run(steps: Option<u64>) -> Self {
        let all = Self::default();
        Self { eval_freq: all.eval_freq.max(steps.unwrap_or_default() / EVALUATIONS_MAX), ..all }
    }

    /// The defaults of a run without an environment to evaluate in.
    pub fn never() -> Self {
        Self { eval_freq: 0, ..Self::default() }
    }
}

settings! {
    /// The keys of every run on a dataset.
    pub struct DataConfig {
        /// Data to learn from: digits, a file or a folder, with options (FILE:label=NAME); its format is found by its content
        data: Option<String> = None, in Any;
        /// CRC-32C of that data, so that a resumed run reads the same
        data_crc32c: Option<u64> = None, in Any;
        /// Data to test on, in place of test_samples
        test: Option<String> = None, in Any;
        /// Seed of all random streams
        seed: u64 = 0, in Any;
        /// Architecture of the network, or tree:DEPTH for a decision tree
        net_arch: StudentSpec = "mlp:400,400", in Any;
    }
}

settings! {
    /// The keys of every distillation run.
    pub struct DistilConfig {
        /// Teacher: a run directory, an ONNX file, or a file of recorded answers; several of classes are separated by
        /// commas; self for a moving average of the student
        teacher: Option<String> = None, in Any;
        /// CRC-32C of the teacher's parameters, so that no other network is taken for it
        teacher_crc32c: Option<u64> = None, in Any;
        /// Share by which the teacher moves towards its student after each gradient step, with teacher=self. Source: Tarvainen and Valpola 2017,
        /// 0.001 (0.01 in the beginning)
        teacher_tau: f64 = 0.001, in PositiveUnit, needs Is("teacher", &["self"]);
        /// Weights of several teachers, as in 2,1; equal ones if not set
        teacher_weights: Option<String> = None, in Any;
        /// Mean of several teachers' softened outputs. Source: Hinton et al. 2015, section 1
        teacher_mean: EnsembleMean = EnsembleMean::Geometric, in Any;
        /// Architecture of the student's network, or tree:DEPTH for a decision tree
        student: Option<StudentSpec> = None, in Any;
        /// Environment in which a policy is distilled
        env: Option<String> = None, in Any;
        /// Data on which a classifier is distilled, as for its teacher; of a policy episodes, whose states
        /// take the place of those that would be collected in the environment
        data: Option<String> = None, in Any;
        /// CRC-32C of that data, so that a resumed run reads the same
        data_crc32c: Option<u64> = None, in Any;
        /// Data to test on, in place of test_samples
        test: Option<String> = None, in Any;
        /// Further rows to learn from, without labels: the teacher's answers to them count alone
        unlabelled: Option<String> = None, in Any;
        /// Recorded answers to these rows, where those of the teacher are to the data alone; of several
        /// recorded teachers as many files, separated by commas
        teacher_unlabelled: Option<String> = None, in Any;
        /// CRC-32C of these rows, so that a resumed run reads the same
        unlabelled_crc32c: Option<u64> = None, in Any;
        /// Seed of all random streams
        seed: u64 = 0, in Any;
    }
}

settings! {
    /// The student of a fit in memory.
    pub struct StudentConfig {
        /// Architecture of the student's network, or tree:DEPTH for a decision tree
        student: StudentSpec = "mlp:64", in Any;
        /// Seed of all random streams
        seed: u64 = 0, in Any;
    }
}

settings! {
    /// The control of a distillation of classes or of values.
    pub struct ControlConfig {
        /// Trains a student of the same form, seed and samples on the labels alone beside the distilled one, to tell
        /// what the teacher was good for
        control: bool = true, in Any;
    }
}

words! {
    /// The part of an earlier run that a run starts from.
    pub enum Keep: "weights or state" {
        /// The parameters of its model; everything else begins anew.
        Weights = "weights",
        /// The whole state of its newest checkpoint.
        State = "state",
    }
}

settings! {
    /// The state that a run starts from, and the schedule of its checkpoints, which has no influence on learning.
    pub struct StoreConfig {
        /// Run directory to start from instead of from nothing; other settings are those of this run
        from: Option<String> = None, in Any;
        /// Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and counts of
        /// steps begin anew, so that a step size of 1/n replaces a value at once), or its whole state, in the same
        /// environment: training goes on after its last step
        keep: Option<Keep> = None, in Any;
        /// CRC-32C of what it started from, so that the same settings give the same run
        from_crc32c: Option<u64> = None, in Any;
        /// Steps between checkpoints (gradient steps if there is no environment); 0 for none; one every 30
        /// seconds if not set
        checkpoint_freq: Option<u64> = None, in Any;
        /// Newest checkpoints to keep, in addition to the one with the best evaluation
        checkpoints_kept: u64 = 2, in Batch, needs Above("checkpoint_freq", 0);
    }
}

/// The settings of the distillation of a policy.
pub(crate) type PolicyDistillation = ((DistilConfig, (PolicyDistillConfig, StudentOptimizer)), StoreConfig);
/// The settings of the distillation of classes.
pub(crate) type ClassDistillation = (
    (DistilConfig, ((SoftTargetsConfig, (HintConfig, ControlConfig)), (FitConfig, StudentOptimizer))),
    StoreConfig,
);
/// The settings of the distillation of values.
pub(crate) type ValueDistillation =
    ((DistilConfig, ((ValueTargetsConfig, ControlConfig), (FitConfig, StudentOptimizer))), StoreConfig);

/// The settings of a fit in memory of classes.
pub(crate) type ClassFit = (StudentConfig, (SoftTargetsConfig, (FitConfig, StudentOptimizer)));
/// The settings of a fit in memory of values.
pub(crate) type ValueFit = (StudentConfig, (ValueTargetsConfig, (FitConfig, StudentOptimizer)));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_has_a_hundred_evaluations() {
        let check =
            |steps: Option<u64>, eval_freq: u64| assert_eq!(EvalConfig::of_run(steps).eval_freq, eval_freq);
        check(None, 2500);
        check(Some(50_000), 2500);
        check(Some(250_000), 2500);
        check(Some(1_000_000), 10_000);
        check(Some(5_000_000), 50_000);
    }
}
