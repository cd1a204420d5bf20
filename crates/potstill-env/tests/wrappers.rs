//! Wrappers against Gymnasium's own, and by hand where it has none.

mod oracle;

use oracle::Oracle;
use potstill_core::{Pcg64, Restorable, Streams};
use potstill_env::registry::{BoxEnv, find};
use potstill_env::toy_text::cliff_walking;
use potstill_env::wrappers::{
    ActionRepeat, ClipReward, EpisodeStatistics, Features, FrameStack, NormalizeObservation, NormalizeReward,
    OneHot, StickyActions, VecNormalize,
};
use potstill_env::{Autoreset, Env, FeatureEnv, Outcome, Row, VecEnv};
use serde_json::{Value, json};
use std::borrow::{Borrow, BorrowMut};

fn features(id: &str) -> FeatureEnv {
    find(id).unwrap().make_features().unwrap()
}

/// The same episodes, one after the other, in a wrapped environment here and there.
fn check<A: Row + ?Sized + 'static>(
    gymnasium: &mut Oracle,
    id: &str,
    mut env: BoxEnv<[f32], A>,
    wrappers: &Value,
    tolerance: f64,
) {
    let space = env.action_space();
    let mut observation = vec![0.0; env.observation_space().features()];
    for seed in 0..20 {
        // A wrapper's memory lasts: each seed is a new instance there, and here a snapshot of the first.
        let fresh = env.snapshot();
        let mut rng = Streams::new(seed).stream("actions");
        let actions: Vec<A::Owned> = (0..120).map(|_| A::sample(&space, &mut rng)).collect();
        let numbers: Vec<f64> = actions.iter().flat_map(|action| action.borrow().numbers()).collect();
        let request =
            json!({ "env": id, "options": {}, "wrappers": wrappers, "seed": seed, "actions": numbers });
        let expected = gymnasium.ask(&request);
        let near = |ours: f64, theirs: &Value, place: &str| {
            let theirs = theirs.as_f64().unwrap();
            assert!((ours - theirs).abs() <= tolerance * theirs.abs().max(1.0), "{place}: {ours} {theirs}");
        };
        env.reset(Some(seed), &mut observation);
        let mut steps = 0;
        for action in actions {
            for (k, value) in observation.iter().enumerate() {
                let place = format!("{id} {wrappers} seed {seed} step {steps}, number {k}");
                near(f64::from(*value), &expected["observations"][steps][k], &place);
            }
            let outcome = env.step(action.borrow(), &mut observation).unwrap();
            let place = format!("{id} {wrappers} seed {seed} step {steps}");
            near(outcome.reward, &expected["rewards"][steps], &place);
            assert_eq!(json!(outcome.terminated), expected["terminated"][steps], "{place}");
            assert_eq!(json!(outcome.truncated), expected["truncated"][steps], "{place}");
            steps += 1;
            if outcome.done() {
                break;
            }
        }
        assert_eq!(steps, expected["rewards"].as_array().unwrap().len(), "{id} {wrappers}");
        env.restore(&fresh).unwrap();
    }
}

#[test]
#[ignore = "needs Gymnasium: run `cargo xtask test`"]
fn wrappers_are_those_of_gymnasium() {
    let mut gymnasium = Oracle::start("gymnasium/trace.py");
    let gymnasium = &mut gymnasium;
    let pole = || features("CartPole-v1");
    let stack = json!([["FrameStackObservation", { "stack_size": 3 }]]);
    check(gymnasium, "CartPole-v1", Box::new(FrameStack::new(pole(), 3)), &stack, 0.0);
    // Gymnasium keeps these moments in single precision.
    let normal = json!([["NormalizeObservation", {}]]);
    check(gymnasium, "CartPole-v1", Box::new(NormalizeObservation::new(pole())), &normal, 2e-3);
    let reward = json!([["NormalizeReward", { "gamma": 0.95 }]]);
    let pendulum = || find("Pendulum-v1").unwrap().make_control().unwrap();
    check(gymnasium, "Pendulum-v1", Box::new(NormalizeReward::new(pendulum(), 0.95)), &reward, 1e-9);
    let clip = json!([["ClipReward", { "min_reward": -5.0, "max_reward": -0.5 }]]);
    check(gymnasium, "Pendulum-v1", Box::new(ClipReward::new(pendulum(), -5.0, -0.5)), &clip, 1e-9);
    let both = json!([["ClipReward", { "min_reward": -5.0, "max_reward": -0.5 }], ["NormalizeReward", {}]]);
    let env = NormalizeReward::new(ClipReward::new(pendulum(), -5.0, -0.5), 0.99);
    check(gymnasium, "Pendulum-v1", Box::new(env), &both, 1e-9);
}

#[test]
fn statistics_of_an_episode() {
    let mut env = EpisodeStatistics::new(cliff_walking::env(false));
    let mut state = 0;
    env.reset(Some(1), &mut state);
    for action in [0, 1, 2] {
        env.step(&action, &mut state).unwrap();
    }
    assert_eq!((env.running_episode(), env.last_episode()), ((-102.0, 3), None));
    env.reset(None, &mut state);
    for action in [&[0][..], &[1; 11], &[2]].concat() {
        env.step(&action, &mut state).unwrap();
    }
    assert_eq!(env.last_episode(), Some((-13.0, 13)));
    assert!(env.model().is_some());
}

#[test]
fn an_action_repeated() {
    let mut env = ActionRepeat::new(cliff_walking::env(false), 3);
    let mut state = 0;
    env.reset(None, &mut state);
    assert_eq!(env.step(&0, &mut state).unwrap().reward, -3.0);
    assert_eq!(state, 0);
    // From the upper right corner it is two steps down to the goal, and a third would be too many.
    for action in [1; 4] {
        env.step(&action, &mut state).unwrap();
    }
    assert_eq!(state, 11);
    let down = env.step(&2, &mut state).unwrap();
    assert_eq!((down, state), (Outcome { reward: -3.0, terminated: true, truncated: false }, 47));
}

#[test]
fn sticky_actions_stick_as_often_as_they_should() {
    let mut env = StickyActions::new(cliff_walking::env(false), 0.25);
    let (mut state, mut stuck, mut rng) = (0, 0, Pcg64::new(1));
    env.reset(Some(1), &mut state);
    env.step(&3, &mut state).unwrap();
    let (steps, mut last_up) = (20_000, false);
    for _ in 0..steps {
        // Up and left at the left edge: which of them was done is seen in the row.
        let wants_up = rng.below(2) == 0;
        let row = state / 12;
        if row == 0 {
            env.reset(None, &mut state);
            env.step(&3, &mut state).unwrap();
            last_up = false;
            continue;
        }
        env.step(if wants_up { &0 } else { &3 }, &mut state).unwrap();
        let went_up = state / 12 < row;
        stuck += u32::from(went_up != wants_up);
        assert!(went_up == wants_up || went_up == last_up);
        last_up = went_up;
    }
    // Of about 15,000 steps a quarter repeats, of which about half are seen: what was wanted is often what
    // was last.
    let share = f64::from(stuck) / f64::from(steps);
    assert!((0.06..0.12).contains(&share), "{share}");
    assert!(env.step(&4, &mut state).is_err());
}

#[test]
fn states_and_planes_as_features() {
    let mut env = OneHot::new(cliff_walking::env(false));
    let mut observation = [9.0; 48];
    env.reset(None, &mut observation);
    assert_eq!((observation[36], observation.iter().sum::<f32>()), (1.0, 1.0));
    env.step(&0, &mut observation).unwrap();
    assert_eq!((observation[24], observation.iter().sum::<f32>()), (1.0, 1.0));

    let mut env = Features::new(find("Breakout").unwrap().make_planes().unwrap());
    let mut observation = [9.0; 400];
    env.reset(Some(1), &mut observation);
    assert_eq!(observation.iter().sum::<f32>(), 33.0);
}

/// Rewards after the actions, as learners see them and as returns are reported of them.
fn rewards<O: Row + ?Sized, A: Row + ?Sized>(
    env: &mut dyn Env<Observation = O, Action = A>,
    action: &A,
    steps: usize,
) -> Vec<(f64, Option<f64>)> {
    let mut observation = O::buffer(&env.observation_space());
    env.reset(Some(1), observation.borrow_mut());
    (0..steps)
        .map(|_| (env.step(action, observation.borrow_mut()).unwrap().reward, env.raw_reward()))
        .collect()
}

/// To the right of the start is the cliff, which costs 100; up is a step, which costs 1.
#[test]
fn clipped_rewards_are_for_learning_only() {
    let cliff = || find("CliffWalking-v1:clip_reward=-10:0.5").unwrap().make_states().unwrap();
    assert_eq!(rewards(&mut cliff(), &1, 2), [(-10.0, Some(-100.0)); 2]);
    assert_eq!(rewards(&mut cliff(), &0, 1), [(-1.0, Some(-1.0))]);
    let plain = find("CliffWalking-v1").unwrap().make_states().unwrap();
    assert_eq!(rewards(&mut { plain }, &1, 1), [(-100.0, None)]);
    // Two falls in one step, clipped after and before they are summed.
    let twice = "CliffWalking-v1:clip_reward=-10:0.5,action_repeat=2";
    assert_eq!(rewards(&mut find(twice).unwrap().make_states().unwrap(), &1, 1), [(-10.0, Some(-200.0))]);
    assert_eq!(rewards(&mut ActionRepeat::new(cliff(), 2), &1, 2), [(-20.0, Some(-200.0)); 2]);
    // Whatever is around it, the raw reward comes through.
    let expected = [(-10.0, Some(-100.0)); 3];
    assert_eq!(rewards(&mut OneHot::new(cliff()), &1, 3), expected);
    assert_eq!(rewards(&mut FrameStack::new(OneHot::new(cliff()), 2), &1, 3), expected);
    assert_eq!(rewards(&mut NormalizeObservation::new(OneHot::new(cliff())), &1, 3), expected);
    assert_eq!(rewards(&mut StickyActions::new(cliff(), 1.0), &1, 3), expected);
    assert_eq!(rewards(&mut EpisodeStatistics::new(cliff()), &1, 3), expected);
    assert_eq!(rewards(&mut potstill_env::Guarded::new(cliff(), None), &1, 3), expected);
    assert_eq!(rewards(&mut ClipReward::new(cliff(), -2.0, 0.0), &1, 3), [(-2.0, Some(-100.0)); 3]);
    let raw = |env: &mut dyn Env<Observation = usize, Action = usize>| -> Vec<Option<f64>> {
        rewards(env, &1, 3).into_iter().map(|(_, raw)| raw).collect()
    };
    assert_eq!(raw(&mut NormalizeReward::new(cliff(), 0.9)), [Some(-100.0); 3]);
    assert_eq!(raw(&mut NormalizeReward::new(cliff_walking::env(false), 0.9)), [Some(-100.0); 3]);
    let bins = find("CartPole-v1:bins=4,clip_reward=0:0.25").unwrap().make_states().unwrap();
    assert_eq!(rewards(&mut { bins }, &1, 3), [(0.25, Some(1.0)); 3]);
    let planes = find("Breakout:clip_reward=3:4").unwrap().make_features().unwrap();
    assert_eq!(rewards(&mut { planes }, &0, 1), [(3.0, Some(0.0))]);
    for autoreset in [Autoreset::SameStep, Autoreset::NextStep] {
        let spec = find("CartPole-v1:max_episode_steps=1,clip_reward=0:0.25").unwrap();
        let mut copies = spec.make_vec_features(2, autoreset).unwrap();
        copies.reset(Some(1));
        for step in 0..3 {
            let batch = copies.step(&[0, 1]).unwrap();
            // The step that only resets rewards nothing.
            let of = if autoreset == Autoreset::NextStep && step == 1 { (0.0, 0.0) } else { (0.25, 1.0) };
            assert_eq!((batch.rewards[1], batch.raw_reward(1)), of, "{autoreset:?}, step {step}");
        }
        let mut copies = find("CartPole-v1").unwrap().make_vec_features(2, autoreset).unwrap();
        copies.reset(Some(1));
        assert_eq!(copies.step(&[0, 1]).unwrap().raw_reward(1), 1.0);
        let mut scaled = VecNormalize::new(copies, 0.9);
        let batch = scaled.step(&[0, 1]).unwrap();
        assert_eq!((batch.rewards[1] != 1.0, batch.raw_reward(1)), (true, 1.0));
        let batch = scaled.step(&[0, 1]).unwrap();
        assert_eq!(batch.raw_reward(0), 1.0);
    }
}

#[test]
fn wrappers_by_option() {
    let check = |id: &str, space: &str| {
        assert_eq!(find(id).unwrap().observation_space().to_string(), space, "{id}");
    };
    check("FrozenLake-v1:one_hot=true", "Box(16)");
    check("FrozenLake-v1:one_hot=true,frame_stack=2,size=5,map_seed=1", "Box(50)");
    let mut repeated = features("CartPole-v1:frame_stack=2,action_repeat=3");
    let (mut stack, mut plain, mut one) = ([0.0; 8], features("CartPole-v1"), [0.0; 4]);
    repeated.reset(Some(1), &mut stack);
    repeated.step(&1, &mut stack).unwrap();
    plain.reset(Some(1), &mut one);
    assert_eq!(stack[..4], one, "a stack is of what the agent sees, not of what is skipped");
    assert!(!find("CliffWalking-v1:one_hot=true").unwrap().stochastic);
    assert!(find("CliffWalking-v1:sticky_actions=0.1").unwrap().stochastic);
    check("Breakout:frame_stack=4", "MultiBinary(4, 10, 10, 4)");
    check("CartPole-v1:action_repeat=2,sticky_actions=0.25,clip_reward=-1:1", "Box(4)");
    let mut env = features("CartPole-v1:action_repeat=2");
    env.reset(Some(1), &mut [0.0; 4]);
    assert_eq!(env.step(&1, &mut [0.0; 4]).unwrap().reward, 2.0);
    let mut planes = find("Breakout").unwrap().make_features().unwrap();
    planes.reset(Some(1), &mut [0.0; 400]);

    let refused = |id: &str, expected: &str| {
        assert_eq!(find(id).unwrap_err().to_string(), expected);
    };
    refused("CartPole-v1:one_hot=true", "CartPole-v1: one_hot=true: its states are not discrete");
    refused(
        "FrozenLake-v1:frame_stack=2",
        "FrozenLake-v1: frame_stack=2: its states are discrete; with one_hot=true they are features",
    );
    refused(
        "CartPole-v1:clip_reward=1:-1",
        "CartPole-v1: clip_reward=1:-1: write two numbers, the lower first, such as -1:1",
    );
    refused("CartPole-v1:sticky_actions=2", "CartPole-v1: sticky_actions=2: write a number from 0 to 1");
}
