//! Every algorithm as the suites see it: built by its descriptor from `key=value` words, and driven step by step.
#![allow(dead_code, reason = "not every suite needs all of it")]

use potstill::agent::Agent;
use potstill::algorithm::{Algorithm, Builder, Learning, Recipe, Task};
use potstill::config::{Layer, Origin, resolve, toml_value};
use potstill::core::{Restorable, Snapshot, SnapshotError, Streams};
use potstill::data::Dataset;
use potstill::distill::ClassifierTrainer;
use potstill::distill::classifier::ClassifierSettings;
use potstill::env::registry::{BoxVecEnv, find};
use potstill::env::space::Element;
use potstill::env::{Autoreset, Row};
use potstill::jobs::DataConfig;
use potstill::model::Model;
use potstill::planning::Planner;
use potstill::train::{Trainer, Training, VecTrainer};
use std::sync::Arc;

/// Work in steps that can be saved and restored.
pub(crate) trait Work: Restorable {
    /// Takes one step, in every copy of the environment, or makes one sweep.
    fn advance(&mut self);

    /// Steps taken, of all copies together, or sweeps.
    fn taken(&self) -> u64;

    /// The model as learned so far.
    fn model(&self) -> Model;

    /// Takes steps until there are `steps` in all.
    fn until(&mut self, steps: u64) {
        while self.taken() < steps {
            self.advance();
        }
    }
}

impl<T: Training> Work for T {
    fn advance(&mut self) {
        Training::advance(self).unwrap();
    }

    fn taken(&self) -> u64 {
        self.steps()
    }

    fn model(&self) -> Model {
        Training::model(self)
    }
}

/// A planner at work.
struct Sweeps(Box<dyn Planner>);

impl Work for Sweeps {
    fn advance(&mut self) {
        self.0.sweep();
    }

    fn taken(&self) -> u64 {
        self.0.sweeps()
    }

    fn model(&self) -> Model {
        Model::Table(self.0.values().q())
    }
}

impl Restorable for Sweeps {
    fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.0.restore(snapshot)
    }
}

/// Keys of a run that change nothing in the agent.
const RUN_KEYS: [&str; 5] = ["episodes", "log_interval", "eval_freq", "eval_episodes", "seed"];

/// The value of a key among `key=value` words.
pub(crate) fn value<'a>(settings: &'a str, key: &str) -> Option<&'a str> {
    settings.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

/// The steps that a suite takes of a run: those given, or enough for some episodes, sweeps or epochs.
pub(crate) fn steps(algorithm: &Algorithm, settings: &str) -> u64 {
    let otherwise = match algorithm.builder {
        Builder::Model(_) => 60,
        Builder::Labels(_) => 200,
        Builder::States(_) | Builder::Features(_) | Builder::Control(_) => 1500,
    };
    value(settings, "steps").map_or(otherwise, |steps| steps.parse().unwrap())
}

/// An algorithm with these settings, before its first step.
pub(crate) fn work(
    algorithm: &'static Algorithm,
    settings: &str,
    seed: u64,
    threads: usize,
) -> Box<dyn Work> {
    let streams = Streams::new(seed);
    if let Builder::Labels(_) = algorithm.builder {
        return classifier(settings, streams);
    }
    let spec = find(value(settings, "env").expect("a smoke run names its environment")).unwrap();
    let steps = Some(steps(algorithm, settings));
    let task = Task { steps, threads, ..Task::new(algorithm.name, &spec, streams) };
    match algorithm.builder {
        Builder::States(new) => {
            Box::new(Trainer::new(built(new(), settings, &task), spec.make_states().unwrap(), streams))
        }
        Builder::Model(new) => Box::new(Sweeps(built(new(), settings, &task).1)),
        Builder::Features(new) => {
            let learning = built(new(), settings, &task);
            let Some(copies) = learning.copies else {
                return Box::new(Trainer::new(learning.agent, spec.make_features().unwrap(), streams));
            };
            match spec.make_vec_features(copies, Autoreset::SameStep) {
                Some(envs) => in_copies(learning, envs, streams),
                None => {
                    in_copies(learning, spec.make_vec_planes(copies, Autoreset::SameStep).unwrap(), streams)
                }
            }
        }
        Builder::Control(new) => {
            let learning = built(new(), settings, &task);
            let Some(copies) = learning.copies else {
                return Box::new(Trainer::new(learning.agent, spec.make_control().unwrap(), streams));
            };
            in_copies(learning, spec.make_vec_control(copies, Autoreset::SameStep).unwrap(), streams)
        }
        Builder::Labels(_) => unreachable!("returned above"),
    }
}

/// A classifier on the digits.
fn classifier(settings: &str, streams: Streams) -> Box<dyn Work> {
    let words = settings.split_whitespace().map(|word| word.split_once('=').unwrap());
    let values = words.map(|(key, value)| (key.to_owned(), toml_value(value))).collect();
    let layer = Layer { origin: Origin::Set, values };
    let (run, (fit, optimizer)) = resolve::<(DataConfig, ClassifierSettings)>(&[layer]).unwrap().settings;
    let data = Dataset::by_name(&run.data.unwrap()).unwrap();
    let (train, _) = data.split(fit.test_samples as usize, &mut Streams::new(fit.split_seed).stream("split"));
    let trainer = ClassifierTrainer::with((fit, optimizer.0), &run.net_arch, Arc::new(train), None, streams);
    Box::new(Fitting(trainer))
}

/// A classifier in training.
struct Fitting(ClassifierTrainer);

impl Work for Fitting {
    fn advance(&mut self) {
        self.0.step().unwrap();
    }

    fn taken(&self) -> u64 {
        self.0.steps()
    }

    fn model(&self) -> Model {
        Model::Network(self.0.student().clone())
    }
}

impl Restorable for Fitting {
    fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.0.restore(snapshot)
    }
}

fn in_copies<A, T>(learning: Learning<A>, envs: BoxVecEnv<T, A>, streams: Streams) -> Box<dyn Work>
where
    A: Row + ?Sized + 'static,
    T: Element + Into<f32> + 'static,
    VecTrainer<Box<dyn Agent<Observation = [f32], Action = A>>, T>: Training,
{
    Box::new(VecTrainer::new(learning.agent, envs, streams))
}

/// Sets the keys, every one of which must be known, and builds.
fn built<T>(mut recipe: Box<dyn Recipe<T>>, settings: &str, task: &Task<'_>) -> T {
    for word in settings.split_whitespace() {
        let (key, value) = word.split_once('=').unwrap();
        let known = RUN_KEYS.contains(&key) || ["env", "steps"].contains(&key);
        match recipe.set(key, &toml_value(value)) {
            Some(set) => set.unwrap_or_else(|reason| panic!("{word}: {reason}")),
            None => assert!(known, "{word}: no key of {}", task.algorithm),
        }
    }
    recipe.build(task).unwrap_or_else(|error| panic!("{settings}: {error}"))
}
