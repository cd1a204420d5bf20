//! Every algorithm as the suites see it: built by its descriptor from `key=value` words, and driven step by step.
#![allow(dead_code, reason = "not every suite needs all of it")]

use potstill::algorithm::{Algorithm, Builder, Learning, Recipe, Task};
use potstill::config::toml_value;
use potstill::core::{Restorable, Snapshot, SnapshotError, Streams};
use potstill::env::registry::{BoxVecEnv, Spec, find};
use potstill::env::space::Element;
use potstill::env::{Autoreset, Row};
use potstill::model::Model;
use potstill::planning::Planner;
use potstill::train::{Trainer, Training, VecTrainer};

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
const OF_THE_RUN: [&str; 5] = ["episodes", "log_interval", "eval_freq", "eval_episodes", "seed"];

/// The value of a key among `key=value` words.
pub(crate) fn value<'a>(settings: &'a str, key: &str) -> Option<&'a str> {
    settings.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

/// The steps of a run: those given, or enough for some episodes.
pub(crate) fn steps(settings: &str) -> u64 {
    value(settings, "steps").map_or(1500, |steps| steps.parse().unwrap())
}

/// An algorithm with these settings, before its first step; `None` if it learns from labels, without an environment.
pub(crate) fn work(
    algorithm: &'static Algorithm,
    settings: &str,
    seed: u64,
    threads: usize,
) -> Option<Box<dyn Work>> {
    let spec = find(value(settings, "env")?).unwrap();
    let streams = Streams::new(seed);
    let task = Task { steps: Some(steps(settings)), threads, ..Task::new(algorithm.name, &spec, streams) };
    Some(match algorithm.builder {
        Builder::States(new) => {
            Box::new(Trainer::new(built(new(), settings, &task), spec.make_states().unwrap(), streams))
        }
        Builder::Model(new) => Box::new(Sweeps(built(new(), settings, &task).1)),
        Builder::Features(new) => {
            let learning = built(new(), settings, &task);
            if learning.copies == 1 {
                return Some(Box::new(Trainer::new(learning.agent, spec.make_features().unwrap(), streams)));
            }
            let copies = learning.copies;
            match spec.make_vec_features(copies, Autoreset::SameStep) {
                Some(envs) => in_copies(learning, envs, streams),
                None => {
                    in_copies(learning, spec.make_vec_planes(copies, Autoreset::SameStep).unwrap(), streams)
                }
            }
        }
        Builder::Control(new) => {
            let learning = built(new(), settings, &task);
            if learning.copies == 1 {
                return Some(Box::new(Trainer::new(learning.agent, spec.make_control().unwrap(), streams)));
            }
            let envs = control(&spec, learning.copies);
            in_copies(learning, envs, streams)
        }
        Builder::Labels(_) => return None,
    })
}

fn control(spec: &Spec, copies: usize) -> BoxVecEnv<f32, [f32]> {
    spec.make_vec_control(copies, Autoreset::SameStep).unwrap()
}

fn in_copies<A, T>(learning: Learning<A>, envs: BoxVecEnv<T, A>, streams: Streams) -> Box<dyn Work>
where
    A: Row + ?Sized + 'static,
    T: Element + Into<f32> + 'static,
    VecTrainer<Box<dyn potstill::agent::Agent<Observation = [f32], Action = A>>, T>: Training,
{
    Box::new(VecTrainer::new(learning.agent, envs, streams))
}

/// Sets the keys, every one of which must be known, and builds.
fn built<T>(mut recipe: Box<dyn Recipe<T>>, settings: &str, task: &Task<'_>) -> T {
    for word in settings.split_whitespace() {
        let (key, value) = word.split_once('=').unwrap();
        let known = OF_THE_RUN.contains(&key) || ["env", "steps"].contains(&key);
        match recipe.set(key, &toml_value(value)) {
            Some(set) => set.unwrap_or_else(|reason| panic!("{word}: {reason}")),
            None => assert!(known, "{word}: no key of {}", task.algorithm),
        }
    }
    recipe.build(task).unwrap_or_else(|error| panic!("{settings}: {error}"))
}
