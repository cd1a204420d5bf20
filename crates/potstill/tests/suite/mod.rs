//! Every algorithm as the suites see it: built by its descriptor from `key=value` words, and driven step by step.
#![allow(dead_code, unused_macros, reason = "not every suite needs all of it")]

use potstill::agent::Agent;
use potstill::algorithm::{Algorithm, BehaviourSource, Builder, Constructor, Learning, Recipe, Task};
use potstill::config::{Layer, Origin, StudentSpec, resolve, toml_value};
use potstill::core::{Restorable, Snapshot, SnapshotError, Streams};
use potstill::data::{DataFrame, DataSource, Dataset, Preprocessing};
use potstill::distill::ClassifierTrainer;
use potstill::distill::classifier::ClassifierSettings;
use potstill::env::registry::{Spec, find};
use potstill::env::{Autoreset, BoxEnv, Env, Row};
use potstill::experience::{Steps, Transition};
use potstill::jobs::DataConfig;
use potstill::model::Model;
use potstill::planning::Planner;
use potstill::train::{OfflineTrainer, Trainer, Training, VecTrainer};
use std::borrow::Borrow;
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
const RUN_KEYS: [&str; 6] =
    ["episodes", "log_interval", "eval_freq", "eval_episodes", "seed", "top_fraction"];

/// The value of a key among `key=value` words.
pub(crate) fn value<'a>(settings: &'a str, key: &str) -> Option<&'a str> {
    settings.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

/// The steps that a suite takes of a run: those given, or enough for some episodes, sweeps or epochs.
pub(crate) fn steps(algorithm: &Algorithm, settings: &str) -> u64 {
    let otherwise = match algorithm.builder {
        Builder::Model(_) => 60,
        Builder::Labels(_) => 200,
        Builder::States(_) | Builder::Features(_) | Builder::Control(_) | Builder::Policy(..) => 1500,
    };
    value(settings, "steps").map_or(otherwise, |steps| steps.parse().unwrap())
}

/// A run of an algorithm, before it is built.
#[derive(Clone, Copy)]
struct Run<'a> {
    algorithm: &'static Algorithm,
    settings: &'a str,
    streams: Streams,
    threads: usize,
}

/// An algorithm with these settings, before its first step.
pub(crate) fn work(
    algorithm: &'static Algorithm,
    settings: &str,
    seed: u64,
    threads: usize,
) -> Box<dyn Work> {
    let streams = Streams::new(seed);
    let run = Run { algorithm, settings, streams, threads };
    match algorithm.builder {
        Builder::States(new) => {
            let (agent, spec) = run.build(new());
            Box::new(Trainer::new(agent, spec.make_states().unwrap(), streams))
        }
        Builder::Model(new) => Box::new(Sweeps(run.build(new()).0.1)),
        Builder::Policy(choices, control) => {
            let spec = find(value(settings, "env").expect("a smoke run names its environment")).unwrap();
            match spec.action_space().discrete() {
                Some(_) => choosing(run, choices),
                None => controlling(run, control),
            }
        }
        Builder::Features(new) => choosing(run, new),
        Builder::Control(new) => controlling(run, new),
        Builder::Labels(_) => classifier(settings, streams),
    }
}

/// An agent for features and discrete actions.
fn choosing(run: Run<'_>, new: Constructor<Learning<usize>>) -> Box<dyn Work> {
    let streams = run.streams;
    let (Learning { mut agent, copies, .. }, spec) = run.build(new());
    if let Some(steps) = run.recorded() {
        store_random(&mut *agent, spec.make_features().unwrap(), steps);
        return Box::new(OfflineTrainer::new(agent));
    }
    let Some(copies) = copies else {
        return Box::new(Trainer::new(agent, spec.make_features().unwrap(), streams));
    };
    match spec.make_vec_features(copies, Autoreset::SameStep) {
        Some(envs) => Box::new(VecTrainer::new(agent, envs, streams)),
        None => {
            let envs = spec.make_vec_planes(copies, Autoreset::SameStep).unwrap();
            Box::new(VecTrainer::new(agent, envs, streams))
        }
    }
}

/// An agent for features and a box of actions.
fn controlling(run: Run<'_>, new: Constructor<Learning<[f32]>>) -> Box<dyn Work> {
    let streams = run.streams;
    let (Learning { mut agent, copies, .. }, spec) = run.build(new());
    if let Some(steps) = run.recorded() {
        store_random(&mut *agent, spec.make_control().unwrap(), steps);
        return Box::new(OfflineTrainer::new(agent));
    }
    let Some(copies) = copies else {
        return Box::new(Trainer::new(agent, spec.make_control().unwrap(), streams));
    };
    let envs = spec.make_vec_control(copies, Autoreset::SameStep).unwrap();
    Box::new(VecTrainer::new(agent, envs, streams))
}

/// Lets an agent store so many steps of uniformly random actions.
fn store_random<A: Row + ?Sized>(
    agent: &mut dyn Agent<Observation = [f32], Action = A>,
    mut env: BoxEnv<[f32], A>,
    steps: u64,
) {
    let (actions, mut rng) = (env.action_space(), Streams::new(7).stream("actions"));
    let mut observation = <[f32]>::buffer(&env.observation_space());
    let mut next_observation = observation.clone();
    env.reset(Some(7), &mut observation);
    for t in 1..=steps {
        let action = A::sample(&actions, &mut rng);
        let outcome = env.step(action.borrow(), &mut next_observation).unwrap();
        let truncated = outcome.truncated || (t == steps && !outcome.terminated);
        agent
            .store(&Steps::of(&Transition {
                observation: &observation[..],
                action: action.borrow(),
                reward: outcome.reward,
                next_observation: &next_observation[..],
                terminated: outcome.terminated,
                truncated,
            }))
            .unwrap();
        observation.clone_from(&next_observation);
        if outcome.terminated || truncated {
            env.reset(None, &mut observation);
        }
    }
}

impl Run<'_> {
    /// The number of recorded steps that are learned from, if any are.
    fn recorded(&self) -> Option<u64> {
        let words = value(self.settings, "data")?.strip_prefix("random:")?;
        Some(words.split(':').next().unwrap().parse().unwrap())
    }

    /// Sets the keys, every one of which must be known, and builds for the environment, which is returned too.
    fn build<T>(self, mut recipe: Box<dyn Recipe<T>>) -> (T, Spec) {
        let Self { algorithm, settings, streams, threads } = self;
        let spec = find(value(settings, "env").expect("a smoke run names its environment")).unwrap();
        let steps = Some(steps(algorithm, settings));
        let mut task = Task { steps, threads, ..Task::new(algorithm.name, &spec, streams) };
        if let Some(steps) = self.recorded() {
            task.source = BehaviourSource::Transitions(steps);
        }
        for word in settings.split_whitespace() {
            let (key, value) = word.split_once('=').unwrap();
            let known = RUN_KEYS.contains(&key) || ["env", "steps", "data"].contains(&key);
            match recipe.set(key, &toml_value(value)) {
                Some(set) => set.unwrap_or_else(|reason| panic!("{word}: {reason}")),
                None => assert!(known, "{word}: no key of {}", task.algorithm),
            }
        }
        let built = recipe.build(&task).unwrap_or_else(|error| panic!("{settings}: {error}"));
        (built, spec)
    }
}

/// A built-in data set, as its source is written.
fn dataset(source: &str) -> Dataset {
    let source = DataSource::parse(source, &[]).unwrap();
    let rows = DataFrame::by_name(source.place).unwrap();
    let all: Vec<usize> = (0..rows.rows()).collect();
    Preprocessing::fit(&rows, &all, &source.options).unwrap().labelled(&rows, &all).unwrap()
}

/// A classifier on the digits, or a regression.
fn classifier(settings: &str, streams: Streams) -> Box<dyn Work> {
    let words = settings.split_whitespace().map(|word| word.split_once('=').unwrap());
    let values = words.map(|(key, value)| (key.to_owned(), toml_value(value))).collect();
    let layer = Layer { origin: Origin::Set, values };
    let (run, (fit, optimizer)) = resolve::<(DataConfig, ClassifierSettings)>(&[layer]).unwrap().settings;
    let data = dataset(&run.data.unwrap());
    let (train, _) = data.split(fit.test_samples as usize, &mut Streams::new(fit.split_seed).stream("split"));
    let StudentSpec::Network(form) = &run.net_arch else { panic!("a network") };
    let trainer = ClassifierTrainer::with((fit, optimizer.0), form, Arc::new(train), None, streams);
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

/// FNV-1a: the same on every processor, with and without AVX2.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// The fingerprint of a model's file, without the entry of its metadata that names the format for other programs: it says nothing
/// of the model, and the golden hashes are older.
pub(crate) fn model_fingerprint(file: &[u8]) -> u64 {
    let (length, rest) = file.split_first_chunk::<8>().unwrap();
    let (header, tensors) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let header = std::str::from_utf8(header).unwrap().trim_end();
    let mut header = header.replacen("\"format\":\"pt\",", "", 1).into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    fingerprint(&[&(header.len() as u64).to_le_bytes()[..], &header, tensors].concat())
}

/// Declares a test for each family, so that they run side by side; it calls a function for each algorithm of the family.
macro_rules! families {
    ($check:path) => {
        families! { $check; tabular prediction linear planning deep actor_critic offline baseline supervised }
    };
    ($check:path; $($family:ident)*) => {
        $(#[test]
        fn $family() {
            let family = stringify!($family).replace('_', "-");
            let members = ALGORITHMS.iter().filter(|algorithm| algorithm.family == family);
            let members: Vec<&'static Algorithm> = members.copied().collect();
            assert!(!members.is_empty(), stringify!($family));
            members.into_iter().for_each($check);
        })*

        #[test]
        fn every_family_is_here() {
            for algorithm in ALGORITHMS {
                let family = algorithm.family.replace('-', "_");
                assert!([$(stringify!($family)),*].contains(&&*family), "{family}");
            }
        }
    };
}
