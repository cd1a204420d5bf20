//! Landers and walkers are Gymnasium's, bit for bit, alone and side by side:
//! `testdata/gymnasium/make_box2d.py` played the same episodes there.

use potstill_core::{Pcg64, Restorable};
use potstill_env::registry::{BoxVecEnv, Spec, find};
use potstill_env::{Autoreset, BoxEnv, Outcome, Row, Space};
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
    is_over: bool,
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
        self.is_over = outcome.done();
    }
}

/// Chooses the actions of an episode.
struct Pilot {
    is_random: bool,
    rng: Pcg64,
    walk: Walk,
}

impl Pilot {
    fn new(controller: &str, seed: u64) -> Self {
        let walk = Walk { phase: 0, moving: 0, knee: 0.1 };
        Self { is_random: controller == "random", rng: Pcg64::new(10_000 + seed), walk }
    }

    fn act<A: Piloted + ?Sized>(&mut self, observation: &[f32], width: usize) -> Vec<A::Element> {
        let wide: Vec<f64> = observation.iter().map(|&number| f64::from(number)).collect();
        A::choose(self, &wide, width)
    }
}

/// Switches, or throttles and torques.
trait Piloted: Row {
    fn choose(pilot: &mut Pilot, s: &[f64], width: usize) -> Vec<Self::Element>;
}

impl Piloted for usize {
    fn choose(pilot: &mut Pilot, s: &[f64], _: usize) -> Vec<usize> {
        vec![if pilot.is_random { pilot.rng.integer(4) as usize } else { land_by_switches(s) }]
    }
}

impl Piloted for [f32] {
    fn choose(pilot: &mut Pilot, s: &[f64], width: usize) -> Vec<f32> {
        let action: Vec<f64> = if pilot.is_random {
            (0..width).map(|_| pilot.rng.uniform(-1.0, 1.0)).collect()
        } else if width == 2 {
            let (hover, turn) = land(s);
            vec![(hover * 20.0 - 1.0).clamp(-1.0, 1.0), (-turn * 20.0).clamp(-1.0, 1.0)]
        } else {
            pilot.walk.act(s)
        };
        action.into_iter().map(|number| number as f32).collect()
    }
}

/// Plays an episode. Every fourth one is interrupted again and again, and goes on from a snapshot in a fresh
/// instance.
fn play<A: Piloted + ?Sized>(
    make: impl Fn() -> BoxEnv<[f32], A>,
    seed: u64,
    pilot: &mut Pilot,
    seen: &mut Seen<'_>,
) {
    let mut env = make();
    let width = env.action_space().features();
    let mut observation = vec![0.0; env.observation_space().features()];
    env.reset(Some(seed), &mut observation);
    seen.observe(&observation);
    while !seen.is_over {
        let action = pilot.act::<A>(&observation, width);
        let outcome = env.step(A::from_slice(&action), &mut observation).unwrap();
        seen.receive(outcome);
        seen.observe(&observation);
        if seed % 4 == 3 && seen.steps.is_multiple_of(37) {
            let snapshot = env.snapshot();
            env = make();
            env.restore(&snapshot).unwrap();
        }
    }
}

/// Plays the first episode of each copy, side by side, also from snapshots in fresh instances. Copies whose
/// episode has ended go on with others.
fn play_together<A: Piloted + ?Sized>(
    make: impl Fn() -> BoxVecEnv<f32, A>,
    seed: u64,
    pilots: &mut [Pilot],
    seen: &mut [Seen<'_>],
) {
    let mut envs = make();
    let width = envs.single_action_space().features();
    envs.reset(Some(seed));
    for (i, seen) in seen.iter_mut().enumerate() {
        seen.observe(envs.batch().observation(i));
    }
    for step in 1_usize.. {
        if seen.iter().all(|seen| seen.is_over) {
            return;
        }
        let batch = envs.batch();
        let act = |(i, pilot): (usize, &mut Pilot)| pilot.act::<A>(batch.observation(i), width);
        let actions: Vec<_> = pilots.iter_mut().enumerate().flat_map(act).collect();
        let batch = envs.step(&actions).unwrap();
        for (i, seen) in seen.iter_mut().enumerate().filter(|(_, seen)| !seen.is_over) {
            let (terminated, truncated) = (batch.terminated[i], batch.truncated[i]);
            seen.receive(Outcome { reward: batch.rewards[i], terminated, truncated });
            seen.observe(batch.final_observation(i).unwrap_or(batch.observation(i)));
        }
        if step.is_multiple_of(37) {
            let snapshot = envs.snapshot();
            envs = make();
            envs.restore(&snapshot).unwrap();
        }
    }
}

/// The numbers of copies into which 200 episodes are split.
const COPIES: [usize; 6] = [1, 3, 16, 17, 64, 99];

/// Plays all episodes, alone and side by side, and hands each over.
fn check_episodes(spec: &Spec, controller: &str, whole: &Value, check: impl Fn(usize, &Seen<'_>)) {
    let pilot = |seed: usize| Pilot::new(controller, seed as u64);
    let seen = |seed: usize, kind: &str| {
        let whole = if whole["seed"] == seed { whole } else { &Value::Null };
        let place = format!("{} {controller} seed {seed} {kind}", spec.id);
        Seen { whole, place, steps: 0, is_over: false, checksum: Checksum(0xcbf2_9ce4_8422_2325) }
    };
    let has_switches = spec.make_features().is_some();
    for seed in 0..200 {
        let (mut pilot, mut seen) = (pilot(seed), seen(seed, "alone"));
        match has_switches {
            true => play(|| spec.make_features().unwrap(), seed as u64, &mut pilot, &mut seen),
            false => play(|| spec.make_control().unwrap(), seed as u64, &mut pilot, &mut seen),
        }
        check(seed, &seen);
    }
    let mut first = 0;
    for (part, copies) in COPIES.into_iter().enumerate() {
        let seeds = first..first + copies;
        let kind = format!("among {copies}");
        let mut pilots: Vec<_> = seeds.clone().map(pilot).collect();
        let mut seens: Vec<_> = seeds.clone().map(|seed| seen(seed, &kind)).collect();
        let mode = if part % 2 == 0 { Autoreset::NextStep } else { Autoreset::SameStep };
        let seed = first as u64;
        match has_switches {
            true => {
                let make = || spec.make_vec_features(copies, mode).unwrap();
                play_together(make, seed, &mut pilots, &mut seens);
            }
            false => {
                let make = || spec.make_vec_control(copies, mode).unwrap();
                play_together(make, seed, &mut pilots, &mut seens);
            }
        }
        seeds.zip(&seens).for_each(|(seed, seen)| check(seed, seen));
        first += copies;
    }
    assert_eq!(first, 200);
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
        assert_eq!(episodes.len(), 200);
        check_episodes(&spec, controller, &case["whole"], |seed, seen| {
            let got = json!([seen.steps, format!("{:016x}", seen.checksum.0)]);
            assert_eq!(got, episodes[seed], "{}", seen.place);
        });
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
