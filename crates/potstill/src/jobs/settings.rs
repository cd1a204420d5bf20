//! The keys that are not an algorithm's own.

use crate::config::settings;
use potstill_nn::NetworkSpec;

settings! {
    /// The keys of every reinforcement-learning run.
    pub struct RunConfig {
        /// The environment
        env: Option<String> = None, in Any;
        /// The seed of all random streams
        seed: u64 = 0, in Any;
        /// Steps in the environment
        steps: Option<u64> = None, in AtLeastOne;
        /// Episodes
        episodes: Option<u64> = None, in AtLeastOne;
        /// Episodes between lines of metrics.jsonl
        log_interval: u64 = 1, in AtLeastOne;
    }
}

settings! {
    /// Whom an algorithm for numbered states follows, if it does not act by itself.
    pub struct SourceConfig {
        /// A run directory: it acts on the action values of this run, exploring as it would on its own
        behaviour: Option<String> = None, in Any;
        /// A file of recorded episodes (potstill play --record): it learns from these, again and again, and never acts, so that how it would explore does not matter
        data: Option<String> = None, in Any;
        /// The CRC-32C of that file, so that a run goes on with what it was begun with
        data_crc32c: Option<u64> = None, in Any;
    }
}

settings! {
    /// The keys of every planner on an exact model.
    pub struct PlanConfig {
        /// The environment
        env: Option<String> = None, in Any;
        /// A seed, for the sake of order: nothing is left to chance
        seed: u64 = 0, in Any;
        /// Sweeps between lines of metrics.jsonl
        log_interval: u64 = 1, in AtLeastOne;
    }
}

settings! {
    /// How often and how long a deep agent is evaluated while it trains.
    pub struct EvalConfig {
        /// Steps between evaluations, of which the last step is always one; 0 for none. The best model is kept
        eval_freq: u64 = 2500, in Any;
        /// Episodes of an evaluation
        eval_episodes: u64 = 20, in Batch;
        /// Stop when an evaluation reaches this mean return
        stop_at_return: Option<f64> = None, in Finite;
    }
}

settings! {
    /// The keys of every run on a dataset.
    pub struct DataConfig {
        /// The dataset
        data: Option<String> = None, in Any;
        /// The seed of all random streams
        seed: u64 = 0, in Any;
        /// Hidden layers of the network
        net_arch: NetworkSpec = "mlp:400,400", in Any;
    }
}

settings! {
    /// The keys of every distillation run.
    pub struct DistilConfig {
        /// The teacher's run directory
        teacher: Option<String> = None, in Any;
        /// The student's network
        student: Option<NetworkSpec> = None, in Any;
        /// The environment that a policy is distilled in
        env: Option<String> = None, in Any;
        /// The dataset that a classifier is distilled on
        data: Option<String> = None, in Any;
        /// The seed of all random streams
        seed: u64 = 0, in Any;
    }
}

settings! {
    /// How often a run is saved. It changes nothing that is learned.
    pub struct StoreConfig {
        /// Steps between checkpoints (gradient steps where nobody acts); 0 for none at all; if not set, one every 30 seconds
        checkpoint_freq: Option<u64> = None, in Any;
        /// Checkpoints kept, beside the one with the best evaluation
        checkpoints_kept: u64 = 2, in Batch;
    }
}
