//! Continuous actions end to end: trained in one copy and in many, saved and restored, evaluated, recorded,
//! replayed.

#[path = "../../potstill-env/tests/point_mass/mod.rs"]
mod point_mass;

use potstill::agent::{Agent, LearnError};
use potstill::baseline::RandomLinear;
use potstill::core::{Pcg64, Restorable, Streams};
use potstill::data::{RecordedEnv, Recording};
use potstill::env::registry::{Spec, find};
use potstill::env::{Autoreset, Env, Row};
use potstill::experience::{ActionShape, Batch, ReplayBuffer, ReplayConfig, Steps, Transition};
use potstill::export::safetensors;
use potstill::model::{ControlActor, Model, ModelActor, play};
use potstill::train::{Protocol, RunEnd, Trainer, Training, VecTrainer, evaluate};
use std::sync::Arc;

const STEPS: u64 = 420;

fn specs() -> Vec<Spec> {
    let known = ["Pendulum-v1", "MountainCarContinuous-v0:max_episode_steps=50,sticky_actions=0.3"];
    let mut specs: Vec<Spec> = known.into_iter().map(|id| find(id).unwrap()).collect();
    specs.extend(point_mass::specs(40));
    specs
}

fn agent(spec: &Spec, seed: u64) -> RandomLinear {
    RandomLinear::new(spec.observation_space().features(), &spec.action_space(), Streams::new(seed))
}

fn single(spec: &Spec, seed: u64) -> Trainer<RandomLinear> {
    Trainer::new(agent(spec, seed), spec.make_control().unwrap(), Streams::new(seed))
}

fn many(spec: &Spec, seed: u64) -> VecTrainer<RandomLinear> {
    let envs = spec.make_vec_control(3, Autoreset::SameStep).unwrap();
    VecTrainer::new(agent(spec, seed), envs, Streams::new(seed))
}

/// A trainer restored in the middle of a run ends as the one that was never interrupted.
fn check_restored<T: Training<Agent: Agent<Observation = [f32], Action = [f32]>>>(
    id: &str,
    make: impl Fn(u64) -> T,
) {
    let run = |trainer: &mut T, until| assert_eq!(trainer.run(until, None, &mut ()), Ok(RunEnd::Reached));
    let mut whole = make(1);
    run(&mut whole, STEPS);
    for interrupted_at in [0, 3, 210, 417] {
        let mut first = make(1);
        run(&mut first, interrupted_at);
        let mut second = make(2);
        second.restore(&first.snapshot()).unwrap();
        run(&mut second, STEPS);
        assert!(second.snapshot() == whole.snapshot(), "{id}, interrupted at {interrupted_at}");
    }
    assert!(make(2).model() != whole.model(), "{id}: another seed, another policy");
}

#[test]
fn training_is_restored_in_one_copy_and_in_many() {
    for spec in specs() {
        check_restored(&spec.id, |seed| single(&spec, seed));
        check_restored(&spec.id, |seed| many(&spec, seed));
    }
}

#[test]
fn a_model_file_plays_the_same_episodes() {
    for spec in specs() {
        let model = single(&spec, 3).model();
        let read = safetensors::read(&safetensors::write(&model)).unwrap();
        assert_eq!(read, model);
        let protocol = Protocol { episodes: 4, streams: Streams::new(5), purpose: "evaluation", threads: 2 };
        let play = |model: &Model| {
            evaluate::<[f32], [f32], _>(
                protocol,
                || spec.make_control().unwrap(),
                || ModelActor::greedy(model),
            )
        };
        let evaluation = play(&read).unwrap();
        assert_eq!(evaluation, play(&model).unwrap());
        assert!(evaluation.returns.iter().all(|&g| g.is_finite() && g < 0.0), "{}: costs alone", spec.id);
    }
}

/// Episodes are recorded, read back exactly, and replayed: the same actions give the same rewards.
#[test]
fn episodes_are_recorded_and_replayed() {
    for spec in specs() {
        let (observations, actions) = (spec.observation_space(), spec.action_space());
        let Model::Control(policy) = single(&spec, 7).model() else { panic!("a control policy") };
        let mut recording: Recording<[f32], [f32]> = Recording::new(&spec.id, &observations, &actions);
        let mut env = spec.make_control().unwrap();
        for seed in 0..3 {
            let mut rng = Pcg64::new(seed);
            recording.episodes.push(play(&mut env, &mut ControlActor::new(&policy), seed, &mut rng).unwrap());
        }
        let again = Recording::parse(&recording.text()).unwrap();
        assert_eq!(again, recording);
        assert_eq!(again.check(&observations, &actions), Ok(()));
        let mut replayed = RecordedEnv::new(Arc::new(again), observations.clone(), actions.clone());
        let mut seen = <[f32]>::buffer(&observations);
        for episode in &recording.episodes {
            replayed.reset(None, &mut seen);
            let mut sum = 0.0;
            for action in episode.trajectory.actions() {
                sum += replayed.step(action, &mut seen).unwrap().reward;
            }
            assert_eq!(&seen, episode.trajectory.observations().last().unwrap());
            assert_eq!(sum, episode.trajectory.rewards().iter().sum::<f64>());
        }
        // Of other bounds.
        let narrow = potstill::env::Space::Box { low: vec![0.0], high: vec![1e-6] };
        let error = recording.check(&observations, &narrow).unwrap_err();
        assert!(error.starts_with("episode 1: action "), "{error}");
    }
}

/// A replay buffer gives back the vectors that were stored, from one copy and from many, and after it was restored.
#[test]
fn vectors_are_replayed() {
    for copies in [1, 3] {
        let config = ReplayConfig {
            copies,
            actions: ActionShape::Continuous { width: 2 },
            ..ReplayConfig::new(30, 1, 1)
        };
        let mut replay: ReplayBuffer<[f32]> = ReplayBuffer::new(config).unwrap();
        for t in 0..25 {
            let at = |offset: f32| -> Vec<f32> {
                (0..copies).map(|c| t as f32 + offset + 100.0 * c as f32).collect()
            };
            // The action of an observation x is (x / 2, -x).
            let actions: Vec<f32> = at(0.0).iter().flat_map(|&x| [x / 2.0, -x]).collect();
            replay.push(&Steps {
                observations: &at(0.0),
                actions: &actions,
                rewards: &vec![0.5; copies],
                next_observations: &at(1.0),
                terminated: &vec![false; copies],
                truncated: &vec![t % 7 == 6; copies],
            });
        }
        let mut copy: ReplayBuffer<[f32]> = ReplayBuffer::new(config).unwrap();
        copy.restore(&replay.snapshot()).unwrap();
        for buffer in [&replay, &copy] {
            let mut batch = Batch::default();
            buffer.sample(64, &mut Pcg64::new(1), &mut batch);
            for (x, action) in batch.observations.iter().zip(batch.actions.chunks_exact(2)) {
                assert_eq!(action, [x / 2.0, -x]);
            }
        }
        let mut spoiled = copy.snapshot();
        let values = replay.snapshot();
        assert!(spoiled == values);
        spoiled = potstill::core::Snapshot::new();
        for (name, value) in values.iter() {
            let value = match (name, value) {
                ("actions", potstill::core::Value::F32s(numbers)) => {
                    let mut numbers = numbers.clone();
                    numbers[1] = f32::NAN;
                    potstill::core::Value::F32s(numbers)
                }
                _ => value.clone(),
            };
            spoiled.insert(name, value);
        }
        assert_eq!(copy.restore(&spoiled).unwrap_err().to_string(), "`actions`: NaN is not finite");
    }
}

#[test]
fn a_policy_that_learns_nothing_has_no_update() {
    let spec = find("Pendulum-v1").unwrap();
    let mut agent = agent(&spec, 1);
    let step = Transition {
        observation: &[1.0, 0.0, 0.0][..],
        action: &[0.5][..],
        reward: -1.0,
        next_observation: &[1.0, 0.0, 0.1][..],
        terminated: false,
        truncated: false,
    };
    assert_eq!(agent.observe(&Steps::of(&step)), Ok(0));
    assert_eq!(agent.update(), Err(LearnError::NothingObserved));
}
