//! Numbers that are not finite stop a run in the step in which they appear, are named with their place, and
//! change no parameter.

use potstill::actor_critic::{
    CrossQ, CrossQConfig, CrossQOptimizer, CrossQShared, Ddpg, DdpgConfig, NoiseConfig, OffPolicyConfig,
    OffPolicyOptimizer, Ppo, PpoConfig, Sac, SacConfig,
};
use potstill::agent::{Agent, LearnError};
use potstill::core::{Restorable, Snapshot, SnapshotError, Streams};
use potstill::data::Dataset;
use potstill::deep::{Dqn, DqnConfig, TaskSpec};
use potstill::distill::{ClassifierTrainer, FitConfig, PolicyDistillConfig, PolicyDistiller, SoftTargets};
use potstill::env::registry::find;
use potstill::env::vector::SyncVec;
use potstill::env::wrappers::ClipReward;
use potstill::env::{Autoreset, BoxEnv, Env, EnvError, Outcome, Row, Space};
use potstill::nn::{Network, NetworkSpec};
use potstill::optimizer::OptimizerConfig;
use potstill::tabular::{QLearning, Sarsa, TabularConfig};
use potstill::train::{TrainError, Trainer, Training, VecTrainer};
use std::sync::Arc;

const BAD: [f32; 3] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
/// Finite, but its square and its sum with itself are not.
const HUGE: f32 = 3e38;

/// An environment whose n-th step has an invalid outcome.
struct Poisoned<O: Row + ?Sized> {
    env: BoxEnv<O>,
    steps_left: u64,
    poison: fn(&mut O, &mut Outcome, f32),
    value: f32,
}

impl<O: Row + ?Sized> Restorable for Poisoned<O> {
    fn snapshot(&self) -> Snapshot {
        self.env.snapshot()
    }
    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.env.restore(snapshot)
    }
}

impl<O: Row + ?Sized> Env for Poisoned<O> {
    type Observation = O;
    type Action = usize;
    fn observation_space(&self) -> Space {
        self.env.observation_space()
    }
    fn action_space(&self) -> Space {
        self.env.action_space()
    }
    fn reset(&mut self, seed: Option<u64>, observation: &mut O) {
        self.env.reset(seed, observation);
    }
    fn reseed(&mut self, seed: u64) {
        self.env.reseed(seed);
    }
    fn step(&mut self, action: &usize, observation: &mut O) -> Result<Outcome, EnvError> {
        let mut outcome = self.env.step(action, observation)?;
        self.steps_left -= 1;
        if self.steps_left == 0 {
            (self.poison)(observation, &mut outcome, self.value);
        }
        Ok(outcome)
    }
}

fn config() -> DqnConfig {
    DqnConfig {
        net_arch: "mlp:8".parse().unwrap(),
        learning_starts: 10,
        // One gradient step per step, so that the step before is the state to compare with.
        train_freq: 1,
        gradient_steps: 1,
        // So small that the bad transition is sampled at once.
        buffer_size: 64,
        batch_size: 64,
        huber_delta: 0.0,
        ..DqnConfig::default()
    }
}

fn dqn(env: BoxEnv<[f32]>) -> Trainer<Dqn> {
    let streams = Streams::new(7);
    Trainer::new(Dqn::new(config(), 4, 2, 1000, streams), env, streams)
}

/// Trains until it stops; returns the step and the reason, after checking that the model is as before that
/// step.
fn stopped<A: Agent>(mut trainer: Trainer<A>) -> (u64, TrainError) {
    loop {
        let before = trainer.agent().model();
        let step = trainer.steps() + 1;
        if let Err(error) = trainer.step() {
            assert_eq!(trainer.agent().model(), before, "{error}");
            assert!(before.is_finite(), "{error}");
            return (step, error);
        }
        assert!(trainer.steps() < 1000, "nothing stopped it");
    }
}

fn pole(steps_left: u64, value: f32, poison: fn(&mut [f32], &mut Outcome, f32)) -> BoxEnv<[f32]> {
    let env = find("CartPole-v1").unwrap().make_features().unwrap();
    Box::new(Poisoned { env, steps_left, poison, value })
}

#[test]
fn a_bad_observation_or_reward_stops_its_step() {
    for value in BAD {
        for at in [1, 5, 40] {
            let (step, error) = stopped(dqn(pole(at, value, |o, _, value| o[2] = value)));
            assert_eq!(step, at);
            let words = error.to_string();
            assert!(matches!(error, TrainError::Observation { .. }), "{words}");
            assert!(words.starts_with(&format!("step {at}, episode ")), "{words}");
            assert!(words.contains("after action ") && words.contains(&format!("{value:?}")), "{words}");

            let (step, error) =
                stopped(dqn(pole(at, value, |_, outcome, value| outcome.reward = f64::from(value))));
            assert_eq!(step, at);
            assert!(error.to_string().ends_with(&format!("gave the reward {value}")), "{error}");
        }
    }
    // Clipping hides no infinity from the returns.
    let hidden = pole(7, f32::INFINITY, |_, outcome, value| outcome.reward = f64::from(value));
    let (step, error) = stopped(dqn(Box::new(ClipReward::new(hidden, -1.0, 1.0))));
    assert_eq!((step, error.to_string().ends_with("gave the reward inf")), (7, true), "{error}");
    // Finite in double precision only.
    let (step, error) = stopped(dqn(pole(30, 0.0, |_, outcome, _| outcome.reward = 1e39)));
    assert_eq!((step, error.to_string().starts_with("step 30: reward is inf")), (30, true), "{error}");
}

/// With many copies, the one at fault is named, and nothing is learned from the others of its step.
#[test]
fn a_bad_copy_is_named() {
    let config = DqnConfig { num_envs: 3, ..config() };
    let streams = Streams::new(7);
    let poisons: [fn(&mut [f32], &mut Outcome, f32); 2] =
        [|o, _, value| o[2] = value, |_, outcome, value| outcome.reward = f64::from(value)];
    for (poison, words) in poisons.into_iter().zip(["gave the observation", "gave the reward NaN"]) {
        let copy = std::cell::Cell::new(0);
        let envs = SyncVec::new(3, Autoreset::SameStep, || {
            copy.set(copy.get() + 1);
            let at = if copy.get() == 2 { 20 } else { u64::MAX };
            pole(at, f32::NAN, poison)
        });
        let agent = Dqn::new(config.clone(), 4, 2, 1000, streams);
        let mut trainer = VecTrainer::new(agent, Box::new(envs), streams);
        let error = loop {
            let before = trainer.model();
            if let Err(error) = trainer.advance() {
                assert_eq!(trainer.model(), before);
                break error.to_string();
            }
        };
        // The second copy's twentieth step is the 59th of all.
        assert!(error.starts_with("step 59, episode "), "{error}");
        assert!(error.contains(" in copy 1 the environment ") && error.contains(words), "{error}");
    }
}

#[test]
fn huge_numbers_stop_the_update_that_they_spoil() {
    let (step, error) = stopped(dqn(pole(40, HUGE, |o, _, value| o[0] = value)));
    assert!(step >= 40, "{error}");
    assert!(matches!(error, TrainError::Learn { source: LearnError::NotFinite { .. }, .. }), "{error}");
    let (step, error) = stopped(dqn(pole(40, HUGE, |_, outcome, value| outcome.reward = f64::from(value))));
    assert!(step >= 40, "{error}");
    let TrainError::Learn { source: LearnError::NotFinite { culprit, batch }, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(culprit, "loss is inf");
    // The batch is part of the error.
    assert!(batch.f32s("reward", 64).unwrap().contains(&HUGE));
    assert_eq!(batch.f32s("observation", 256).map(<[f32]>::len), Ok(256));
}

/// A reward that is too large stops the update that it spoils, and the policy is as before.
#[test]
fn a_huge_reward_does_not_reach_a_policy_of_forces() {
    struct Large(BoxEnv<[f32], [f32]>, u64);
    impl Restorable for Large {
        fn snapshot(&self) -> Snapshot {
            self.0.snapshot()
        }
        fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
            self.0.restore(snapshot)
        }
    }
    impl Env for Large {
        type Observation = [f32];
        type Action = [f32];
        fn observation_space(&self) -> Space {
            self.0.observation_space()
        }
        fn action_space(&self) -> Space {
            self.0.action_space()
        }
        fn reset(&mut self, seed: Option<u64>, observation: &mut [f32]) {
            self.0.reset(seed, observation);
        }
        fn reseed(&mut self, seed: u64) {
            self.0.reseed(seed);
        }
        fn step(&mut self, action: &[f32], observation: &mut [f32]) -> Result<Outcome, EnvError> {
            self.1 = self.1.saturating_sub(1);
            let outcome = self.0.step(action, observation)?;
            Ok(if self.1 == 1 { Outcome { reward: 3e38, ..outcome } } else { outcome })
        }
    }
    let pendulum = find("Pendulum-v1").unwrap();
    let streams = Streams::new(7);
    let task = TaskSpec { action_space: pendulum.action_space(), ..TaskSpec::new(3, 1, 1000, streams) };
    let shared = OffPolicyConfig {
        net_arch: "mlp:8".parse().unwrap(),
        learning_starts: 10,
        buffer_size: 64,
        batch_size: 64,
        ..OffPolicyConfig::default()
    };
    let env = || -> BoxEnv<[f32], [f32]> { Box::new(Large(pendulum.make_control().unwrap(), 41)) };
    let (noise, optimizer) = (NoiseConfig::default(), OffPolicyOptimizer::default());
    let sac = Sac::new(&(SacConfig::default(), (shared.clone(), optimizer.clone())), &task).unwrap();
    let renormalised = OffPolicyConfig { net_arch: "mlp:8:batchrenorm".parse().unwrap(), ..shared.clone() };
    let (own, shared_by_all) = (CrossQConfig::default(), CrossQShared(renormalised));
    let of_sac = (SacConfig::default(), (shared_by_all, CrossQOptimizer::default()));
    let crossq = CrossQ::new(&(own, of_sac), &task).unwrap();
    let ddpg = Ddpg::new(&(DdpgConfig(shared), (noise, optimizer)), &task).unwrap();
    let own = PpoConfig { n_steps: 50, batch_size: 50, n_epochs: 1, ..PpoConfig::default() };
    let ppo = Ppo::<[f32]>::new((own, OptimizerConfig::default()), &task);
    let (step, error) = stopped(Trainer::new(ppo, env(), streams));
    assert!(step == 50 && error.to_string().starts_with("step 50: loss is inf"), "{error}");
    let stops = [
        stopped(Trainer::new(sac, env(), streams)),
        stopped(Trainer::new(crossq, env(), streams)),
        stopped(Trainer::new(ddpg, env(), streams)),
    ];
    for (step, error) in stops {
        assert!(step >= 40, "{error}");
        let TrainError::Learn { source: LearnError::NotFinite { culprit, batch }, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(culprit, "loss is inf");
        assert!(batch.f32s("reward", 64).unwrap().contains(&3e38));
    }
}

#[test]
fn a_table_is_not_spoiled() {
    let poisoned = |at| -> BoxEnv<usize> {
        let env = find("CliffWalking-v1").unwrap().make_states().unwrap();
        Box::new(Poisoned {
            env,
            steps_left: at,
            poison: |_, outcome, _| outcome.reward = f64::NAN,
            value: 0.0,
        })
    };
    let config = TabularConfig::default;
    for at in [1, 77] {
        let streams = Streams::new(1);
        let (step, _) =
            stopped(Trainer::new(QLearning::new(config(), 48, 4, streams), poisoned(at), streams));
        assert_eq!(step, at);
        let (step, _) = stopped(Trainer::new(Sarsa::new(config(), 48, 4, streams), poisoned(at), streams));
        assert_eq!(step, at);
    }
    // Each reward is finite, but their sum is not.
    let env = find("CliffWalking-v1").unwrap().make_states().unwrap();
    struct Huge(BoxEnv<usize>);
    impl Restorable for Huge {
        fn snapshot(&self) -> Snapshot {
            self.0.snapshot()
        }
        fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
            self.0.restore(snapshot)
        }
    }
    impl Env for Huge {
        type Observation = usize;
        type Action = usize;
        fn observation_space(&self) -> Space {
            self.0.observation_space()
        }
        fn action_space(&self) -> Space {
            self.0.action_space()
        }
        fn reset(&mut self, seed: Option<u64>, observation: &mut usize) {
            self.0.reset(seed, observation);
        }
        fn reseed(&mut self, seed: u64) {
            self.0.reseed(seed);
        }
        fn step(&mut self, action: &usize, observation: &mut usize) -> Result<Outcome, EnvError> {
            Ok(Outcome { reward: 1.7e308, ..self.0.step(action, observation)? })
        }
    }
    let streams = Streams::new(1);
    let agent = QLearning::new(TabularConfig { alpha: 1.0.into(), ..config() }, 48, 4, streams);
    let (_, error) = stopped(Trainer::new(agent, Box::new(Huge(env)), streams));
    assert!(error.to_string().contains("target is inf"), "{error}");
}

fn network(inputs: usize, outputs: usize) -> Network {
    let spec: NetworkSpec = "mlp:6".parse().unwrap();
    spec.build(inputs, outputs, &mut Streams::new(3).stream("network"))
}

/// The culprit, after checking that the student is unchanged.
fn spoiled(mut trainer: ClassifierTrainer) -> String {
    loop {
        let before = trainer.student().clone();
        match trainer.step() {
            Err(LearnError::NotFinite { culprit, .. }) => {
                assert!(*trainer.student() == before, "{culprit}");
                return culprit;
            }
            Err(error) => panic!("{error}"),
            Ok(_) => assert!(trainer.epochs() < 3, "nothing stopped it"),
        }
    }
}

#[test]
fn a_bad_row_teacher_or_weight_stops_a_classifier() {
    let digits = Dataset::digits();
    let trainer = |data: Dataset, soft| {
        let fit = FitConfig::default();
        ClassifierTrainer::new(fit, &"mlp:8".parse().unwrap(), Arc::new(data), soft, Streams::new(1))
    };
    for value in BAD {
        let mut data = digits.clone();
        data.inputs[64 * 100 + 5] = value;
        let culprit = spoiled(trainer(data, None));
        assert!(culprit.starts_with("input ") && culprit.ends_with(&format!(" is {value}")), "{culprit}");

        let mut teacher = network(64, 10);
        teacher.update_parameters(|parameters| parameters[0] = value);
        let soft = SoftTargets::frozen(teacher, 4.0, 0.9);
        let culprit = spoiled(trainer(digits.clone(), Some(soft)));
        assert!(culprit.starts_with("teacher's logit "), "{culprit}");
    }
    let mut data = digits.clone();
    data.inputs[64 * 100 + 5] = HUGE;
    let culprit = spoiled(trainer(data, None));
    assert!(culprit.contains("loss") || culprit.contains("gradient"), "{culprit}");

    // A weight that was spoiled elsewhere, through a restored state.
    for value in [f32::NAN, f32::INFINITY, HUGE] {
        let mut trainer = trainer(digits.clone(), None);
        let mut student = trainer.student().clone();
        student.update_parameters(|parameters| parameters.fill(value));
        let state = trainer.snapshot();
        let replaced = state.iter().fold(Snapshot::new(), |state, (name, old)| match name {
            "student" => state.with_part(name, &student),
            _ => state.with(name, old.clone()),
        });
        trainer.restore(&replaced).unwrap();
        let error = trainer.step().unwrap_err().to_string();
        let expected = if value == HUGE { "loss is" } else { "parameter 0 of " };
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_bad_teacher_stops_a_policy_s_student() {
    for value in BAD {
        let mut teacher = network(4, 2);
        teacher.update_parameters(|parameters| parameters[0] = value);
        let config =
            PolicyDistillConfig { transfer_states: 100, rounds: 1, ..PolicyDistillConfig::default() };
        let env = find("CartPole-v1").unwrap().make_features().unwrap();
        let student = "mlp:4".parse().unwrap();
        let mut distiller = PolicyDistiller::new(config, &student, teacher, env, Streams::new(1));
        let before = distiller.student().clone();
        let error = distiller.step().unwrap_err().to_string();
        assert!(error.starts_with("teacher's logit "), "{error}");
        assert!(*distiller.student() == before);
    }
}
