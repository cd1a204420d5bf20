//! Landers and walkers are Gymnasium's, bit for bit: `testdata/gymnasium/make_box2d.py` played the same
//! episodes there.

use potstill_core::{Pcg64, Restorable};
use potstill_env::registry::{Spec, find};
use potstill_env::{BoxEnv, Outcome, Row, Space};
use serde_json::{Value, json};

/// Towards the pad, upright and slowly: the thrust of the main engine, and the torque.
fn land(s: &[f64]) -> (f64, f64) {
    let target = (s[0] * 0.5 + s[2]).clamp(-0.4, 0.4);
    if s[6] + s[7] > 0.0 {
        return (-s[3] * 0.5, 0.0);
    }
    ((0.55 * s[0].abs() - s[1]) * 0.5 - s[3] * 0.5, (target - s[4]) * 0.5 - s[5])
}

fn land_by_switches(s: &[f64]) -> usize {
    match land(s) {
        (hover, turn) if hover > turn.abs() && hover > 0.05 => 2,
        (_, turn) if turn < -0.05 => 3,
        (_, turn) => usize::from(turn > 0.05),
    }
}

/// A walker's controller: a leg swings, is put down, and pushes off.
struct Walk {
    phase: usize,
    moving: usize,
    knee: f64,
}

impl Walk {
    fn act(&mut self, s: &[f64]) -> Vec<f64> {
        let (m, t) = (4 + 5 * self.moving, 9 - 5 * self.moving);
        let (moving, other) = (self.moving, 1 - self.moving);
        let (mut hip_goals, mut knee_goals) = ([None; 2], [None; 2]);
        if self.phase == 0 {
            (hip_goals[moving], knee_goals[moving]) = (Some(1.1), Some(-0.6));
            self.knee = (self.knee + if s[2] > 0.29 { 0.06 } else { 0.03 }).min(0.1);
            knee_goals[other] = Some(self.knee);
            if s[t] < 0.1 {
                self.phase = 1;
            }
        }
        if self.phase == 1 {
            (hip_goals[moving], knee_goals[moving], knee_goals[other]) =
                (Some(0.1), Some(0.1), Some(self.knee));
            if s[m + 4] != 0.0 {
                (self.phase, self.knee) = (2, s[m + 2].min(0.1));
            }
        }
        if self.phase == 2 {
            (knee_goals[moving], knee_goals[other]) = (Some(self.knee), Some(1.0));
            if s[t + 2] > 0.88 || s[2] > 0.348 {
                (self.phase, self.moving) = (0, other);
            }
        }
        let torque = |goal: Option<f64>, stiffness: f64, s: &[f64]| {
            goal.map_or(0.0, |goal| stiffness * (goal - s[0]) - 0.25 * s[1])
        };
        let legs = (0..2).flat_map(|leg| {
            let base = 4 + 5 * leg;
            let hip = torque(hip_goals[leg], 0.9, &s[base..]) - (0.9 * (0.0 - s[0]) - 1.5 * s[1]);
            let knee = torque(knee_goals[leg], 4.0, &s[base + 2..]) - 15.0 * s[3];
            [hip, knee]
        });
        legs.map(|torque| (0.5 * torque).clamp(-1.0, 1.0)).collect()
    }
}

/// FNV-1a over words of 32 bits.
struct Checksum(u64);

impl Checksum {
    fn add(&mut self, word: u32) {
        self.0 = (self.0 ^ u64::from(word)).wrapping_mul(0x0100_0000_01b3);
    }
}

/// An episode as it is played, beside what was recorded of it.
struct Seen<'a> {
    whole: &'a Value,
    place: String,
    steps: usize,
    checksum: Checksum,
}

impl Seen<'_> {
    fn observe(&mut self, observation: &[f32]) {
        if let Some(expected) = self.whole["observations"].get(self.steps) {
            let numbers: Vec<f32> = serde_json::from_value(expected.clone()).unwrap();
            assert_eq!(observation, numbers, "{} step {}", self.place, self.steps);
        }
        observation.iter().for_each(|number| self.checksum.add(number.to_bits()));
    }

    fn receive(&mut self, outcome: Outcome) {
        if let Some(expected) = self.whole["rewards"].get(self.steps) {
            // A string, because readers of JSON round.
            let expected: f64 = expected.as_str().unwrap().parse().unwrap();
            assert_eq!(outcome.reward, expected, "{} reward of step {}", self.place, self.steps);
        }
        let bits = outcome.reward.to_bits();
        let flags = 2 * u32::from(outcome.terminated) + u32::from(outcome.truncated);
        [bits as u32, (bits >> 32) as u32, flags].into_iter().for_each(|word| self.checksum.add(word));
        self.steps += 1;
    }
}

/// Plays an episode with the actions of a function of observation and random numbers. Every fourth episode is
/// interrupted again and again, and goes on from a snapshot in a fresh instance.
fn play<A: Row + ?Sized>(
    make: impl Fn() -> Option<BoxEnv<[f32], A>>,
    seed: u64,
    seen: &mut Seen<'_>,
    mut act: impl FnMut(&[f64], &mut Pcg64) -> A::Owned,
) where
    A::Owned: std::borrow::Borrow<A>,
{
    use std::borrow::Borrow;
    let mut env = make().unwrap();
    let mut rng = Pcg64::new(10_000 + seed);
    let mut observation = vec![0.0; env.observation_space().features()];
    env.reset(Some(seed), &mut observation);
    seen.observe(&observation);
    loop {
        let wide: Vec<f64> = observation.iter().map(|&number| f64::from(number)).collect();
        let action = act(&wide, &mut rng);
        let outcome = env.step(action.borrow(), &mut observation).unwrap();
        seen.receive(outcome);
        seen.observe(&observation);
        if outcome.done() {
            return;
        }
        if seed % 4 == 3 && seen.steps.is_multiple_of(37) {
            let snapshot = env.snapshot();
            env = make().unwrap();
            env.restore(&snapshot).unwrap();
        }
    }
}

fn check_episode(spec: &Spec, controller: &str, seed: u64, seen: &mut Seen<'_>) {
    let is_random = controller == "random";
    if spec.make_features().is_some() {
        play(
            || spec.make_features(),
            seed,
            seen,
            |s, rng| if is_random { rng.integer(4) as usize } else { land_by_switches(s) },
        );
        return;
    }
    let width = spec.action_space().features();
    let mut walk = Walk { phase: 0, moving: 0, knee: 0.1 };
    play(
        || spec.make_control(),
        seed,
        seen,
        |s, rng| {
            let action: Vec<f64> = if is_random {
                (0..width).map(|_| rng.uniform(-1.0, 1.0)).collect()
            } else if width == 2 {
                let (hover, turn) = land(s);
                vec![(hover * 20.0 - 1.0).clamp(-1.0, 1.0), (-turn * 20.0).clamp(-1.0, 1.0)]
            } else {
                walk.act(s)
            };
            action.into_iter().map(|number| number as f32).collect()
        },
    );
}

fn bounds(space: &Space) -> Value {
    match space {
        Space::Box { low, high } => json!([low, high]),
        _ => Value::Null,
    }
}

fn check_env(id: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/gymnasium/box2d.json");
    let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let of_env = |case: &&Value| case["env"].as_str().unwrap().split(':').next() == Some(id);
    let cases: Vec<&Value> = cases.iter().filter(of_env).collect();
    assert!(cases.len() >= 2);
    for case in cases {
        let (env, controller) = (case["env"].as_str().unwrap(), case["controller"].as_str().unwrap());
        let spec = find(env).unwrap();
        let ours = json!([bounds(&spec.observation_space()), bounds(&spec.action_space())]);
        assert_eq!(ours, case["bounds"], "{env}");
        assert_eq!(json!([spec.time_limit_steps, spec.reward_threshold]), case["spec"], "{env}");
        let episodes = case["episodes"].as_array().unwrap();
        let mut steps = 0;
        for (seed, episode) in episodes.iter().enumerate() {
            let is_whole = case["whole"]["seed"] == seed;
            let whole = if is_whole { &case["whole"] } else { &Value::Null };
            let place = format!("{env} {controller} seed {seed}");
            let mut seen = Seen { whole, place, steps: 0, checksum: Checksum(0xcbf2_9ce4_8422_2325) };
            check_episode(&spec, controller, seed as u64, &mut seen);
            let got = json!([seen.steps, format!("{:016x}", seen.checksum.0)]);
            assert_eq!(&got, episode, "{}", seen.place);
            steps += seen.steps;
        }
        assert_eq!(episodes.len(), 200);
        println!("{env} {controller}: {} episodes, {steps} steps are equal", episodes.len());
    }
}

#[test]
fn the_lander_is_gymnasiums() {
    check_env("LunarLander-v3");
}

#[test]
fn the_lander_with_throttles_is_gymnasiums() {
    check_env("LunarLanderContinuous-v3");
}

#[test]
fn the_walker_is_gymnasiums() {
    check_env("BipedalWalker-v3");
}

#[test]
fn the_walker_among_obstacles_is_gymnasiums() {
    check_env("BipedalWalkerHardcore-v3");
}
