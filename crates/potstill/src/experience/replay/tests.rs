use super::*;
use crate::experience::{Steps, Transition};
use potstill_core::{Pcg64, Restorable};

/// Pushes step `i`: observation `i`, next observation `i + 1`, or `i + 0.5` at the end of an episode;
/// episodes have five steps.
fn push(buffer: &mut ReplayBuffer, i: usize) {
    let ends = i % 5 == 4;
    let next = if ends { i as f32 + 0.5 } else { i as f32 + 1.0 };
    let frames = buffer.config().frames;
    let first = i / 5 * 5;
    // A stack reaches back to the beginning of the episode, whose first frame is repeated.
    let stack = |newest: f32, last: usize| -> Vec<f32> {
        let back = (1..frames).map(|k| (last + 1).saturating_sub(k).max(first) as f32);
        let mut stack: Vec<f32> = std::iter::once(newest).chain(back).collect();
        stack.reverse();
        stack
    };
    let observation = match i.checked_sub(1) {
        Some(last) if i > first => stack(i as f32, last),
        _ => vec![i as f32; frames],
    };
    buffer.push(&Steps::of(&Transition {
        observation: &observation,
        action: &(i % 7),
        reward: -(i as f64),
        next_observation: &stack(next, i),
        terminated: ends && i % 10 == 4,
        truncated: ends && i % 10 == 9,
    }));
}

fn config(capacity: usize) -> ReplayConfig {
    ReplayConfig { gamma: 0.5, ..ReplayConfig::new(capacity, 1, 7) }
}

/// Checks that every sample is as pushed, with the n-step return by hand.
fn check(config: ReplayConfig, pushed: usize) {
    let mut buffer = ReplayBuffer::new(config).unwrap();
    let (mut batch, mut rng) = (Batch::default(), Pcg64::new(1));
    let (frames, n) = (config.frames, config.n_step);
    for count in 1..=pushed {
        push(&mut buffer, count - 1);
        let oldest = count.saturating_sub(config.capacity);
        assert_eq!(buffer.len(), (count - oldest).saturating_sub(n - 1), "{config:?} {count}");
        if buffer.is_empty() {
            continue;
        }
        buffer.sample_weighted(40, 0.4, &mut rng, &mut batch);
        for k in 0..40 {
            let observation = &batch.observations[k * frames..(k + 1) * frames];
            let i = observation[frames - 1] as usize;
            assert!((oldest..=count - n).contains(&i));
            let (first, last) = (i / 5 * 5, (i / 5 * 5 + 4).min(i + n - 1));
            let back = |j: usize| (i.saturating_sub(j)).max(first) as f32;
            assert!((0..frames).all(|j| observation[frames - 1 - j] == back(j)), "{observation:?}");
            assert_eq!(batch.actions[k], i % 7);
            let powers = (i..=last).map(|j| -(j as f64) * 0.5_f64.powi((j - i) as i32));
            assert_eq!(f64::from(batch.returns[k]), powers.sum::<f64>());
            let ends = last % 5 == 4;
            let discount = if ends && last % 10 == 4 { 0.0 } else { 0.5_f32.powi((last + 1 - i) as i32) };
            assert_eq!(batch.discounts[k], discount);
            if discount > 0.0 || config.keep_terminal {
                let next = &batch.next_observations[k * frames..(k + 1) * frames];
                let newest = if ends { last as f32 + 0.5 } else { last as f32 + 1.0 };
                assert_eq!(next[frames - 1], newest);
                let back = |j: usize| (last + 1).saturating_sub(j).max(first) as f32;
                assert!((1..frames).all(|j| next[frames - 1 - j] == back(j)), "{i} {next:?}");
            }
        }
    }
}

#[test]
fn samples_are_what_was_pushed() {
    for capacity in [1, 3, 4, 17, 100] {
        for n_step in [1, 2, 3, 7] {
            for alpha in [None, Some(0.6)] {
                for frames in [1, 2, 4] {
                    if n_step <= capacity {
                        let config = ReplayConfig { n_step, alpha, ..config(capacity) };
                        check(ReplayConfig { frames, features: frames, ..config }, 60);
                        let keep_terminal = true;
                        check(ReplayConfig { frames, features: frames, keep_terminal, ..config }, 60);
                    }
                }
            }
        }
    }
}

#[test]
fn bytes_and_files_hold_the_same() {
    let mut drawn = Vec::new();
    for (is_bytes, memory_limit) in [(false, u64::MAX), (true, u64::MAX), (false, 0), (true, 0)] {
        let config = ReplayConfig { is_bytes, memory_limit, frames: 2, features: 2, ..config(30) };
        let mut buffer = ReplayBuffer::new(config).unwrap();
        assert_eq!(buffer.observations.is_file(), memory_limit == 0);
        (0..44).for_each(|i| push(&mut buffer, i));
        let mut batch = Batch::default();
        buffer.sample(100, &mut Pcg64::new(3), &mut batch);
        // Halves cannot be stored as bytes.
        batch.next_observations.iter_mut().for_each(|x| *x = x.floor());
        drawn.push((batch.observations, batch.next_observations, batch.returns));
    }
    assert!(drawn.windows(2).all(|pair| pair[0] == pair[1]));
    // A stack of four frames of bytes takes a sixteenth of four frames of numbers.
    let one = ReplayConfig { features: 400, ..ReplayConfig::new(100_000, 400, 6) };
    let four = ReplayConfig { features: 1600, frames: 4, is_bytes: true, ..one };
    assert_eq!((one.memory().0 / 1_000_000, four.memory().0 / 1_000_000), (161, 41));
}

#[test]
fn copies_are_kept_apart() {
    let mut buffer: ReplayBuffer =
        ReplayBuffer::new(ReplayConfig { copies: 2, n_step: 2, ..config(8) }).unwrap();
    for i in 0..20 {
        let x = i as f32;
        buffer.push(&Steps {
            observations: &[x, 100.0 + x],
            actions: &[0, 1],
            rewards: &[1.0, 10.0],
            next_observations: &[x + 1.0, 101.0 + x],
            terminated: &[false, i % 3 == 2],
            truncated: &[false, false],
        });
    }
    let mut batch = Batch::default();
    buffer.sample(200, &mut Pcg64::new(1), &mut batch);
    for k in 0..200 {
        let x = batch.observations[k];
        let last = x >= 100.0 && (x as usize - 100) % 3 == 2;
        let expected = match (x < 100.0, last) {
            (true, _) => (0, 1.5),
            (false, false) => (1, 15.0),
            (false, true) => (1, 10.0),
        };
        assert_eq!((batch.actions[k], batch.returns[k]), expected);
        assert!(batch.discounts[k] == 0.0 || batch.next_observations[k] == x + 2.0);
        assert_eq!(batch.discounts[k] == 0.0, x >= 100.0 && !(x as usize - 100).is_multiple_of(3));
    }
}

#[test]
fn uniform_draws_are_uniform() {
    let mut buffer = ReplayBuffer::new(config(4)).unwrap();
    (0..10).for_each(|i| push(&mut buffer, i));
    let (mut batch, mut counts) = (Batch::default(), [0_u32; 10]);
    buffer.sample(4000, &mut Pcg64::new(1), &mut batch);
    batch.observations.iter().for_each(|&i| counts[i as usize] += 1);
    // Within five standard deviations (137) of 1,000.
    assert_eq!(counts[..6], [0; 6]);
    assert!(counts[6..].iter().all(|&c| (863..=1137).contains(&c)), "{counts:?}");
}

#[test]
fn draws_follow_priorities_and_weights_undo_them() {
    let mut buffer = ReplayBuffer::new(ReplayConfig { alpha: Some(0.5), ..config(4) }).unwrap();
    (0..4).for_each(|i| push(&mut buffer, i));
    let (mut batch, mut rng) = (Batch::default(), Pcg64::new(2));
    // At first all are equal; then errors of 1, 4, 9 and 16 have priorities of 1, 2, 3 and 4.
    buffer.sample(64, &mut rng, &mut batch);
    let errors: Vec<f32> = batch.observations.iter().map(|&i| (i + 1.0) * (i + 1.0)).collect();
    assert_eq!(batch.weights, [1.0; 64]);
    buffer.set_priorities(&batch, &errors);
    let mut counts = [0.0; 4];
    for _ in 0..100 {
        buffer.sample_weighted(100, 1.0, &mut rng, &mut batch);
        for (&i, &weight) in batch.observations.iter().zip(&batch.weights) {
            counts[i as usize] += 1.0;
            assert!((weight - 1.0 / (i + 1.0)).abs() < 1e-5, "{i} {weight}");
        }
    }
    // Stratified sampling has less spread than 10,000 independent draws, whose five deviations are 245.
    (0..4).for_each(|i| assert!((counts[i] - 1000.0 * (i + 1) as f64).abs() < 245.0, "{counts:?}"));
}

#[test]
fn a_restored_ring_goes_on_where_it_was() {
    for (alpha, keep_terminal) in [(None, false), (Some(0.6), false), (None, true)] {
        for pushed in [0, 3, 4, 7, 23] {
            let config =
                ReplayConfig { alpha, keep_terminal, n_step: 2, frames: 2, features: 2, ..config(9) };
            let mut buffer = ReplayBuffer::new(config).unwrap();
            (0..pushed).for_each(|i| push(&mut buffer, i));
            let mut copy = ReplayBuffer::new(config).unwrap();
            copy.restore(&buffer.snapshot()).unwrap();
            let (mut a, mut b) = (Batch::default(), Batch::default());
            for i in pushed..pushed + 6 {
                push(&mut buffer, i);
                push(&mut copy, i);
                if !buffer.is_empty() {
                    buffer.sample(5, &mut Pcg64::new(i as u64), &mut a);
                    copy.sample(5, &mut Pcg64::new(i as u64), &mut b);
                    assert_eq!((&a.observations, &a.returns), (&b.observations, &b.returns));
                    assert_eq!(a.next_observations, b.next_observations);
                    buffer.set_priorities(&a, &[0.1, 5.0, 2.0, 0.0, 1.0]);
                    copy.set_priorities(&b, &[0.1, 5.0, 2.0, 0.0, 1.0]);
                }
                assert_eq!(buffer.snapshot(), copy.snapshot());
            }
        }
    }
}

#[test]
fn what_cannot_be_had_is_refused() {
    let error = ReplayBuffer::<usize>::new(ReplayConfig::new(usize::MAX, 4, 2)).unwrap_err();
    assert!(error.to_string().ends_with("GB; give a smaller buffer"), "{error}");
}
