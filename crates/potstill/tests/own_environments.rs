//! Faults of environments that users register: each is one clear error.

use potstill::agent::{Agent, LearnError};
use potstill::commands::{EvaluateRequest, TrainRequest, evaluate, train};
use potstill::core::{Pcg64, Restorable, Snapshot, SnapshotError, Streams};
use potstill::env::classic_control::{Dynamics, Moved};
use potstill::env::registry::{Entry, Factory, Kind, find, register};
use potstill::env::wrappers::ClipReward;
use potstill::env::{Autoreset, Env, EnvError, Outcome, Scene, Space, VecEnv};
use potstill::experience::Steps;
use potstill::model::Model;
use potstill::run::{Quiet, Sources};
use potstill::train::{Trainer, Training, VecTrainer};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// A fault of an environment.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// Panics in this step.
    Step(u64),
    /// Panics in the reset after so many steps.
    Reset(u64),
    /// Gives a state beyond the last, at a reset or in a step.
    FirstState,
    State,
    Reward,
    Observation,
    /// Writes another number of features than its space has.
    Width,
    /// Gives a reward that is not finite, once [`BROKEN`] is set.
    Later,
}

use Fault::{FirstState, Later, Observation, Reset, Reward, State, Step, Width};

static BROKEN: AtomicBool = AtomicBool::new(false);

/// Episodes of ten steps with one fault.
#[derive(Clone)]
struct Faulty {
    fault: Fault,
    steps: u64,
    place: u64,
}

impl Faulty {
    fn new(fault: Fault) -> Self {
        Self { fault, steps: 0, place: 0 }
    }

    /// The next place.
    fn go(&mut self) -> u64 {
        self.steps += 1;
        assert!(self.fault != Step(self.steps), "no way on from {}", self.place);
        self.place += 1;
        self.place
    }

    fn reward(&self) -> f64 {
        let is_bad = self.fault == Reward || self.fault == Later && BROKEN.load(Ordering::Relaxed);
        if is_bad { f64::NAN } else { 1.0 }
    }

    /// A new episode.
    fn begin(&mut self) {
        assert!(!matches!(self.fault, Reset(steps) if steps <= self.steps), "no beginning");
        self.place = 0;
    }
}

impl Restorable for Faulty {
    fn snapshot(&self) -> Snapshot {
        Snapshot::new()
    }
    fn restore(&mut self, _: &Snapshot) -> Result<(), SnapshotError> {
        Ok(())
    }
}

/// The same with numbered states.
struct Numbered(Faulty);

impl Restorable for Numbered {
    fn snapshot(&self) -> Snapshot {
        Snapshot::new()
    }
    fn restore(&mut self, _: &Snapshot) -> Result<(), SnapshotError> {
        Ok(())
    }
}

impl Env for Numbered {
    type Observation = usize;
    type Action = usize;
    fn observation_space(&self) -> Space {
        Space::Discrete { n: 11 }
    }
    fn action_space(&self) -> Space {
        Space::Discrete { n: 2 }
    }
    fn reset(&mut self, _: Option<u64>, observation: &mut usize) {
        self.0.begin();
        *observation = if self.0.fault == FirstState { 11 } else { 0 };
    }
    fn step(&mut self, _: &usize, observation: &mut usize) -> Result<Outcome, EnvError> {
        *observation = self.0.go() as usize;
        if self.0.fault == State && *observation == 7 {
            *observation = 4000;
        }
        Ok(Outcome { reward: self.0.reward(), terminated: self.0.place == 10, truncated: false })
    }
    fn reseed(&mut self, _: u64) {}
}

/// The same with features.
struct Featured(Faulty);

impl Restorable for Featured {
    fn snapshot(&self) -> Snapshot {
        Snapshot::new()
    }
    fn restore(&mut self, _: &Snapshot) -> Result<(), SnapshotError> {
        Ok(())
    }
}

impl Env for Featured {
    type Observation = [f32];
    type Action = usize;
    fn observation_space(&self) -> Space {
        Space::Box { low: vec![0.0; 2], high: vec![10.0; 2] }
    }
    fn action_space(&self) -> Space {
        Space::Discrete { n: 2 }
    }
    fn reset(&mut self, _: Option<u64>, observation: &mut [f32]) {
        self.0.begin();
        observation.fill(0.0);
    }
    fn step(&mut self, _: &usize, observation: &mut [f32]) -> Result<Outcome, EnvError> {
        let place = self.0.go() as f32;
        match self.0.fault {
            Width => observation.copy_from_slice(&[place; 3]),
            Observation => observation.copy_from_slice(&[place, f32::INFINITY]),
            _ => observation.copy_from_slice(&[place; 2]),
        }
        Ok(Outcome { reward: self.0.reward(), terminated: self.0.place == 10, truncated: false })
    }
    fn reseed(&mut self, _: u64) {}
}

/// Dynamics that panic at a small force.
#[derive(Clone, Debug)]
struct Fragile;

impl Dynamics<1, 1> for Fragile {
    type Action = [f32];
    fn observation_space(&self) -> Space {
        Space::Box { low: vec![0.0], high: vec![1.0] }
    }
    fn action_space(&self) -> Space {
        Space::Box { low: vec![0.0], high: vec![1.0] }
    }
    fn start(&self, _: &mut Pcg64) -> [f64; 1] {
        [0.0]
    }
    fn step(&self, state: [f64; 1], action: &[f32]) -> Moved<1> {
        assert!(action[0] > 0.4, "too little force");
        Moved { state, reward: 0.0, terminated: false }
    }
    fn observe(&self, _: [f64; 1]) -> [f32; 1] {
        [0.0]
    }
    fn scene(&self, _: [f64; 1]) -> Scene {
        Scene::new(1.0, 1.0)
    }
}

/// Dynamics whose forces have no bounds, or such ones that their distance is no number.
#[derive(Clone, Debug)]
struct Unbounded(f32, f32);

impl Dynamics<1, 1> for Unbounded {
    type Action = [f32];
    fn observation_space(&self) -> Space {
        Space::Box { low: vec![0.0], high: vec![1.0] }
    }
    fn action_space(&self) -> Space {
        Space::Box { low: vec![0.0, self.0], high: vec![1.0, self.1] }
    }
    fn start(&self, _: &mut Pcg64) -> [f64; 1] {
        [0.0]
    }
    fn step(&self, state: [f64; 1], _: &[f32]) -> Moved<1> {
        Moved { state, reward: 0.0, terminated: false }
    }
    fn observe(&self, _: [f64; 1]) -> [f32; 1] {
        [0.0]
    }
    fn scene(&self, _: [f64; 1]) -> Scene {
        Scene::new(1.0, 1.0)
    }
}

fn request(algorithm: &str, id: &str, set: &[&str], out: &Path) -> TrainRequest {
    let mut pairs = vec![format!("env={id}"), "steps=300".to_owned()];
    pairs.extend(set.iter().map(|pair| (*pair).to_owned()));
    TrainRequest {
        algorithm: algorithm.to_owned(),
        sources: Sources { set: pairs, ..Sources::default() },
        threads: 1,
        out: Some(out.to_owned()),
        ..TrainRequest::default()
    }
}

/// The error of a run whose environment fails.
fn training(algorithm: &str, id: &str, set: &[&str], out: &Path) -> String {
    let error = train(&request(algorithm, id, set, out), &Quiet).unwrap_err();
    assert_eq!(error.exit_code(), 1, "{error}");
    error.to_string()
}

#[test]
fn a_fault_in_training_is_told_with_its_step() {
    let dir = tempfile::tempdir().unwrap();
    let deep = ["net_arch=mlp:4", "learning_starts=50", "train_freq=10", "buffer_size=100", "eval_freq=0"];
    let copies = [&deep[..], &["num_envs=3"]].concat();
    let planning = ["planning_steps=2"];
    let cases: &[(&str, Fault, &[&str], &str)] = &[
        (
            "q-learning",
            Step(57),
            &[],
            "at step 57: the environment failed: its step panicked: no way on from 6",
        ),
        (
            "dyna-q",
            Step(57),
            &planning,
            "at step 57: the environment failed: its step panicked: no way on from 6",
        ),
        (
            "q-learning",
            Reset(20),
            &[],
            "at step 21: the environment failed: its reset panicked: no beginning",
        ),
        ("sarsa", Reset(0), &[], "at step 1: the environment failed: its reset panicked: no beginning"),
        (
            "q-learning",
            State,
            &[],
            "at step 7: the environment failed: an observation is outside of its space Discrete(11): 4000 is not in Discrete(11)",
        ),
        (
            "q-learning",
            FirstState,
            &[],
            "at step 1: the environment failed: an observation is outside of its space Discrete(11): 11 is not in Discrete(11)",
        ),
        ("q-learning", Reward, &[], "at step 1, episode 1: after action"),
        ("dqn", Step(57), &deep, "at step 57: the environment failed: its step panicked: no way on from 6"),
        (
            "dqn",
            Step(57),
            &copies,
            "at step 169: the environment failed: its step panicked: no way on from 6",
        ),
        ("dqn", Reset(20), &copies, "at step 61: the environment failed: its reset panicked: no beginning"),
        ("dqn", Width, &deep, "at step 1: the environment failed: its step panicked: "),
        ("dqn", Width, &copies, "at step 1: the environment failed: its step panicked: "),
        ("dqn", Observation, &deep, "the environment gave the observation [1.0, inf]"),
        ("dqn", Observation, &copies, "the environment gave the observation [1.0, inf]"),
    ];
    for (i, (algorithm, fault, set, expected)) in cases.iter().enumerate() {
        let id: &'static str = format!("Faulty-{i}").leak();
        let (fault, is_deep) = (*fault, *algorithm == "dqn");
        let entry = Entry::new(id, "fail", move |_| {
            Ok(match is_deep {
                true => Kind::from(Factory::new(move || Featured(Faulty::new(fault)))),
                false => Kind::from(Factory::new(move || Numbered(Faulty::new(fault)))),
            })
        });
        register(entry).unwrap();
        let out = dir.path().join(id);
        let error = training(algorithm, id, set, &out);
        assert!(error.starts_with(&format!("training stopped in {id}, seed 0, at ")), "{error}");
        assert!(error.contains(expected) && error.lines().count() == 1, "{algorithm}, {fault:?}: {error}");
        assert!(fs::read_to_string(out.join("failure.json")).unwrap().contains("environment"), "{id}");
    }
}

#[test]
fn a_fault_in_an_evaluation_or_a_vector_is_told() {
    let dir = tempfile::tempdir().unwrap();
    register(Entry::new("Later", "fail later", |_| Ok(Factory::new(|| Numbered(Faulty::new(Later))))))
        .unwrap();
    let out = dir.path().join("later");
    train(&request("q-learning", "Later", &[], &out), &Quiet).unwrap();
    let evaluation = EvaluateRequest { run: out, env: None, episodes: 4, seed: 0, threads: 2 };
    assert_eq!(evaluate(&evaluation).unwrap()["mean_return"], 10.0);
    BROKEN.store(true, Ordering::Relaxed);
    let error = evaluate(&evaluation).unwrap_err();
    let reason = "it gave the reward NaN and the observation 1";
    assert!(
        error.to_string().starts_with("playing an episode: the environment failed: after action "),
        "{error}"
    );
    assert!(error.to_string().ends_with(reason) && error.exit_code() == 1, "{error}");

    register(Entry::new("Fragile", "fail", |_| Ok(Factory::of_dynamics(Fragile)))).unwrap();
    let error = training("random-linear", "Fragile", &["eval_freq=0"], &dir.path().join("one"));
    assert!(error.contains("the environment failed: its step panicked: too little force"), "{error}");
    let spec = find("Fragile").unwrap();
    let mut copies = spec.make_vec_control(20, potstill::env::Autoreset::SameStep).unwrap();
    copies.reset(Some(0));
    let mut actions = vec![0.5; 20];
    assert!(copies.step(&actions).is_ok());
    actions[13] = 0.1;
    let failed = EnvError::Failed { reason: "its step panicked: too little force".to_owned() };
    assert_eq!(copies.step(&actions).unwrap_err(), failed);
    // A broken vector stays so until it is reset.
    assert_eq!(copies.step(&[0.5; 20]).unwrap_err(), failed);
    copies.reset(None);
    assert!(copies.step(&[0.5; 20]).is_ok());
}

#[test]
fn forces_without_bounds_are_refused_in_a_line() {
    let dir = tempfile::tempdir().unwrap();
    register(Entry::new("Endless", "push", |_| Ok(Factory::of_dynamics(Unbounded(0.0, f32::INFINITY)))))
        .unwrap();
    register(Entry::new("Wide", "push", |_| Ok(Factory::of_dynamics(Unbounded(f32::MIN, f32::MAX)))))
        .unwrap();
    let cases =
        [("Endless", "is from 0 to inf"), ("Wide", "is from -340282350000000000000000000000000000000 to")];
    for (id, words) in cases {
        for algorithm in ["sac", "td3", "ddpg", "crossq"] {
            let error = train(&request(algorithm, id, &[], &dir.path().join("out")), &Quiet).unwrap_err();
            let expected = format!(
                "`{algorithm}` needs actions of a bounded box; those of {id} are not: component 1 {words}"
            );
            assert!(error.to_string().starts_with(&expected) && error.exit_code() == 2, "{error}");
        }
    }
    assert!(!dir.path().join("out").exists());
}

/// A wrapper around an environment of the registry is an environment of one's own; its returns are of the rewards before they
/// were clipped.
#[test]
fn a_wrapped_environment_is_trained_on() {
    let dir = tempfile::tempdir().unwrap();
    let entry = Entry::new("HalfPole-v0", "balance for half of the reward", |_| {
        Ok(Factory::new(|| ClipReward::new(find("CartPole-v1").unwrap().make_features().unwrap(), 0.0, 0.5)))
    });
    register(entry.actions(&["left", "right"])).unwrap();
    for (copies, out) in [("num_envs=1", "one"), ("num_envs=4", "many")] {
        let set = ["net_arch=mlp:4", "learning_starts=50", "train_freq=10", "eval_episodes=3", copies];
        let out = dir.path().join(out);
        train(&request("dqn", "HalfPole-v0", &set, &out), &Quiet).unwrap();
        let result =
            evaluate(&EvaluateRequest { run: out, env: None, episodes: 5, seed: 1, threads: 2 }).unwrap();
        let [reward, steps] = ["mean_return", "mean_steps"].map(|key| result[key].as_f64().unwrap());
        assert_eq!(reward, steps);
    }
}

/// An agent that remembers its rewards.
#[derive(Default)]
struct Witness(Vec<f64>);

impl Restorable for Witness {
    fn snapshot(&self) -> Snapshot {
        Snapshot::new()
    }
    fn restore(&mut self, _: &Snapshot) -> Result<(), SnapshotError> {
        Ok(())
    }
}

impl Agent for Witness {
    type Observation = [f32];
    type Action = usize;
    fn act(&mut self, _: &[f32], actions: &mut [usize]) {
        actions.fill(1);
    }
    fn observe(&mut self, steps: &Steps<'_, [f32]>) -> Result<u64, LearnError> {
        self.0.extend(steps.rewards);
        Ok(0)
    }
    fn model(&self) -> Model {
        unreachable!("nobody asks")
    }
}

#[test]
fn learners_see_clipped_rewards_and_returns_are_of_raw_ones() {
    let spec = find("CartPole-v1:max_episode_steps=3,clip_reward=0:0.25").unwrap();
    let streams = Streams::new(1);
    let mut one = Trainer::new(Witness::default(), spec.make_features().unwrap(), streams);
    let ended = one.run_episodes(2).unwrap();
    assert_eq!(ended.iter().map(|episode| episode.episode_return).collect::<Vec<_>>(), [3.0, 3.0]);
    assert_eq!(one.agent().0, [0.25; 6]);
    let copies = spec.make_vec_features(2, Autoreset::SameStep).unwrap();
    let mut many = VecTrainer::new(Witness::default(), copies, streams);
    let mut ended = Vec::new();
    for _ in 0..3 {
        many.advance().unwrap();
        ended.extend(many.ended().iter().map(|episode| episode.episode_return));
    }
    assert_eq!((ended, &many.agent().0[..]), (vec![3.0; 2], &[0.25; 6][..]));
}

#[test]
fn what_cannot_be_registered_or_constructed_is_told_why() {
    let numbered = || Factory::new(|| Numbered(Faulty::new(Fault::None)));
    let entry = |id: &'static str| Entry::new(id, "go on", move |_| Ok(numbered()));
    let refused = |entry: Entry, expected: &str| {
        assert_eq!(register(entry).unwrap_err().to_string(), expected);
    };
    let already = |id: &str, known: &str| {
        format!(
            "the environment `{id}` cannot be registered: there is {known} already; give it an id of its own"
        )
    };
    refused(entry("CartPole-v1"), &already("CartPole-v1", "CartPole-v1"));
    refused(entry("Breakout"), &already("Breakout", "MinAtar/Breakout-v1"));
    register(entry("Twice-v0")).unwrap();
    refused(entry("Twice-v0"), &already("Twice-v0", "Twice-v0"));
    let form = "an id begins with a letter or a digit and is made of letters, digits, `-`, `_`, `.` and `/`, such as Corridor-v0";
    for id in ["", "a b", "a:b", "a,b", "a=b", "-v0", "/root", "Wörld-v0", ".."] {
        refused(entry(id), &format!("the environment `{id}` cannot be registered: {form}"));
    }
    let option = |name| entry("Optional-v0").option(name, "a thing", "1");
    let why = |reason: &str| format!("the environment `Optional-v0` cannot be registered: {reason}");
    refused(option("a=b"), &why("option `a=b`: a name is made of letters, digits and `_`"));
    refused(option("bins"), &why("option `bins` is declared twice, or every environment has it"));
    refused(
        option("x").option("x", "again", ""),
        &why("option `x` is declared twice, or every environment has it"),
    );
    refused(
        entry("Optional-v0").time_limit(0),
        &why("its time limit is 0; an episode has at least one step"),
    );
    refused(entry("Optional-v0").reward_threshold(f64::NAN), &why("its reward threshold is not finite"));

    let found = |entry: Entry, id: &str, expected: &str| {
        register(entry).unwrap();
        assert_eq!(find(id).unwrap_err().to_string(), expected);
    };
    let panics = |options: &mut potstill::env::registry::Options<'_>| {
        let n = options.whole("n", 0..=9)?.unwrap_or(1);
        assert!(n > 0, "nothing to do");
        Ok(Factory::new(|| Numbered(Faulty::new(Fault::None))))
    };
    let entry = |id| Entry::new(id, "go on", panics).option("n", "a number", "1");
    found(entry("Panics-v0"), "Panics-v0:n=0", "Panics-v0: its construction panicked: nothing to do");
    assert!(find("Panics-v0:n=2").is_ok());
    found(
        Entry::new("Named-v0", "go on", panics).actions(&["on"]),
        "Named-v0",
        "Named-v0: it has 2 actions, but 1 names of actions",
    );
    found(
        Entry::new("Fails-v0", "go on", |_| -> Result<Kind, String> { Err("the map is missing".to_owned()) }),
        "Fails-v0",
        "Fails-v0: the map is missing",
    );
    assert!(potstill::env::registry::all().all(|spec| spec.id != "Fails-v0"));
}
