//! Replay against a store that keeps every step of every copy: stacks of frames, wrap-around, n-step windows, true final
//! observations, priorities and weights, in memory and in a file, also after it was restored.

use crate::experience::{Step, ends};
use potstill::core::{Pcg64, Restorable};
use potstill::experience::{ActionShape, Batch, ReplayBuffer, ReplayConfig, Steps};
use std::collections::HashMap;

/// Numbers of a frame, by which it is known.
const FRAME: usize = 2;
const BETA: f64 = 0.7;
const SAMPLES: usize = 16;

fn frame(id: usize) -> [f32; FRAME] {
    [(id % 256) as f32, (id / 256) as f32]
}

fn id(frame: &[f32]) -> usize {
    frame[0] as usize + 256 * frame[1] as usize
}

/// One step of one copy.
struct Row {
    observation: Vec<f32>,
    action: usize,
    reward: f64,
    next: Vec<f32>,
    terminated: bool,
    truncated: bool,
}

/// Every step of every copy, by the identity of its newest frame.
struct Store {
    rng: Pcg64,
    frames: usize,
    /// The stack of each copy, oldest frame first.
    stacks: Vec<Vec<f32>>,
    rows: Vec<Vec<Row>>,
    /// Copy and step of the observation whose newest frame has this identity.
    found: HashMap<usize, (usize, usize)>,
    count: usize,
}

impl Store {
    fn new(config: &ReplayConfig, seed: u64) -> Self {
        let mut store = Self {
            rng: Pcg64::new(seed),
            frames: config.frames,
            stacks: Vec::new(),
            rows: (0..config.copies).map(|_| Vec::new()).collect(),
            found: HashMap::new(),
            count: 0,
        };
        store.stacks = (0..config.copies).map(|_| store.reset()).collect();
        store
    }

    fn fresh(&mut self) -> [f32; FRAME] {
        self.count += 1;
        frame(self.count)
    }

    /// An episode begins with a stack of its first frame.
    fn reset(&mut self) -> Vec<f32> {
        self.fresh().repeat(self.frames)
    }

    fn step(&mut self) -> Step {
        let mut step = Step {
            observations: self.stacks.concat(),
            actions: Vec::new(),
            rewards: Vec::new(),
            next_observations: Vec::new(),
            terminated: Vec::new(),
            truncated: Vec::new(),
        };
        for copy in 0..self.stacks.len() {
            let observation = self.stacks[copy].clone();
            let next = [&observation[FRAME..], &self.fresh()].concat();
            let (action, reward) = (self.rng.below(4), self.rng.below(17) as f64 - 8.0);
            let (terminated, truncated) = ends(12, &mut self.rng);
            self.stacks[copy] = if terminated || truncated { self.reset() } else { next.clone() };
            let newest = id(&observation[observation.len() - FRAME..]);
            self.found.insert(newest, (copy, self.rows[copy].len()));
            step.actions.push(action);
            step.rewards.push(reward);
            step.next_observations.extend(&next);
            step.terminated.push(terminated);
            step.truncated.push(truncated);
            self.rows[copy].push(Row { observation, action, reward, next, terminated, truncated });
        }
        step
    }

    /// Checks a sample, and returns its copy and step.
    fn check(&self, config: &ReplayConfig, batch: &Batch, i: usize) -> (usize, usize) {
        let width = self.frames * FRAME;
        let observation = &batch.observations[i * width..][..width];
        let (copy, start) = self.found[&id(&observation[width - FRAME..])];
        let rows = &self.rows[copy];
        assert_eq!(
            (observation, batch.actions[i]),
            (&*rows[start].observation, rows[start].action),
            "{config:?}"
        );
        let (mut sum, mut discount, mut last) = (0.0, 1.0, start);
        for row in &rows[start..start + config.n_step] {
            sum += discount * row.reward;
            discount *= config.gamma;
            if row.terminated || row.truncated {
                break;
            }
            last += 1;
        }
        let last = &rows[last.min(start + config.n_step - 1)];
        assert_eq!(batch.returns[i], sum as f32, "{config:?}");
        assert_eq!(batch.discounts[i], if last.terminated { 0.0 } else { discount as f32 }, "{config:?}");
        if !last.terminated || config.keep_terminal {
            assert_eq!(&batch.next_observations[i * width..][..width], &*last.next, "{config:?}");
        }
        (copy, start)
    }
}

fn check(config: &ReplayConfig, seed: u64) {
    let mut buffer: ReplayBuffer = ReplayBuffer::new(*config).unwrap();
    let (mut store, mut rng) = (Store::new(config, seed), Pcg64::new(seed + 1));
    let (mut priorities, mut highest) = (HashMap::new(), 1.0_f64);
    for pushed in 1..=100 {
        buffer.push(&store.step().steps());
        if pushed >= config.n_step {
            (0..config.copies)
                .for_each(|copy| _ = priorities.insert((copy, pushed - config.n_step), highest));
        }
        if pushed % 23 == 0 {
            let mut restored: ReplayBuffer = ReplayBuffer::new(*config).unwrap();
            restored.restore(&buffer.snapshot()).unwrap();
            buffer = restored;
        }
        let oldest = pushed.saturating_sub(config.capacity.div_ceil(config.copies));
        let starts = (pushed - oldest).saturating_sub(config.n_step - 1);
        assert_eq!(buffer.len(), starts * config.copies, "{config:?}");
        if buffer.is_empty() {
            continue;
        }
        let mut batch = Batch::default();
        buffer.sample_weighted(SAMPLES, BETA, &mut rng, &mut batch);
        let places: Vec<_> = (0..SAMPLES).map(|i| store.check(config, &batch, i)).collect();
        assert!(places.iter().all(|&(_, start)| (oldest..oldest + starts).contains(&start)), "{config:?}");
        let Some(alpha) = config.alpha else {
            assert!(batch.weights.is_empty());
            continue;
        };
        let of_samples: Vec<f64> = places.iter().map(|place| priorities[place]).collect();
        let lowest = of_samples.iter().copied().fold(f64::INFINITY, f64::min);
        for (weight, priority) in batch.weights.iter().zip(&of_samples) {
            assert!((f64::from(*weight) - (priority / lowest).powf(-BETA)).abs() < 1e-5, "{config:?}");
        }
        let errors: Vec<f32> = (0..SAMPLES).map(|_| rng.uniform(-3.0, 3.0) as f32).collect();
        buffer.set_priorities(&batch, &errors);
        for (place, error) in places.iter().zip(&errors) {
            let priority = (f64::from(error.abs()) + 1e-6).powf(alpha);
            highest = highest.max(priority);
            priorities.insert(*place, priority);
        }
    }
}

#[test]
fn replay_is_a_store_of_all_steps() {
    let mut cases = 0;
    for copies in [1, 2, 5] {
        for frames in [1, 2, 4] {
            for n_step in [1, 2, 5] {
                for capacity in [5, 16, 31] {
                    for (is_bytes, alpha, memory_limit) in [
                        (false, None, u64::MAX),
                        (true, Some(0.5), u64::MAX),
                        (true, None, 0),
                        (false, Some(0.5), 0),
                    ] {
                        if capacity / copies < n_step {
                            continue;
                        }
                        let features = FRAME * frames;
                        let actions = ActionShape::Discrete { n: 4 };
                        let config = ReplayConfig {
                            capacity,
                            copies,
                            features,
                            frames,
                            is_bytes,
                            actions,
                            n_step,
                            gamma: 0.9,
                            alpha,
                            keep_terminal: memory_limit == 0,
                            is_data: false,
                            memory_limit,
                        };
                        check(&config, cases);
                        cases += 1;
                    }
                }
            }
        }
    }
    assert!(cases > 200, "{cases}");
}

#[test]
fn draws_follow_the_priorities() {
    let config = ReplayConfig { copies: 2, n_step: 3, alpha: Some(1.0), ..ReplayConfig::new(20, 1, 3) };
    let mut buffer: ReplayBuffer = ReplayBuffer::new(config).unwrap();
    for t in 0..37 {
        let (x, y) = (t as f32, 1000.0 + t as f32);
        buffer.push(&Steps {
            observations: &[x, y],
            actions: &[0, 1],
            rewards: &[0.0; 2],
            next_observations: &[x + 1.0, y + 1.0],
            terminated: &[t % 5 == 4, false],
            truncated: &[false, t % 7 == 6],
        });
    }
    // Priorities by the last digit.
    let priority = |x: f32| 1.0 + x % 10.0;
    let (mut batch, mut rng) = (Batch::default(), Pcg64::new(1));
    for _ in 0..200 {
        buffer.sample(SAMPLES, &mut rng, &mut batch);
        let errors: Vec<f32> = batch.observations.iter().map(|&x| priority(x)).collect();
        buffer.set_priorities(&batch, &errors);
    }
    let mut counts: HashMap<usize, f64> = HashMap::new();
    for _ in 0..5000 {
        buffer.sample(SAMPLES, &mut rng, &mut batch);
        batch.observations.iter().for_each(|&x| *counts.entry(x as usize).or_default() += 1.0);
    }
    // Of the last ten steps of each copy, 27 to 36, the last two have no window of three yet.
    let starts = || (27..=34).flat_map(|t| [t, 1000 + t]);
    let total: f64 = starts().map(|x| f64::from(priority(x as f32))).sum();
    assert_eq!(counts.len(), 16, "{counts:?}");
    for x in starts() {
        let expected = 80_000.0 * f64::from(priority(x as f32)) / total;
        assert!((counts[&x] - expected).abs() < 5.0 * expected.sqrt(), "{x}: {} of {expected}", counts[&x]);
    }
}
