//! Many environments at a time: stepping, episodes that end, and the observation to bootstrap from.
//!
//! cargo run --release -p potstill --example vector_environments

use potstill::core::Streams;
use potstill::env::{Autoreset, VecEnv, registry::find};

/// Plays a random policy in eight copies of CartPole-v1 whose episodes are cut after 20 steps.
pub(crate) fn main() {
    // Options follow the id. With `SameStep` an ended episode is followed by the next in the same step; Gymnasium's default,
    // `NextStep`, takes a step of its own for it.
    let spec = find("CartPole-v1:max_episode_steps=20").expect("it is registered");
    let make = |copies| spec.make_vec_features(copies, Autoreset::SameStep).expect("it has features");
    let (copies, seed) = (8, 42);
    let mut envs = make(copies);

    // Copy `i` gets the seed 42 + i, as in Gymnasium, and so does the same whatever the number of copies.
    let mut alone = make(1);
    assert_eq!(envs.reset(Some(seed)).observation(0), alone.reset(Some(seed)).observation(0));

    let mut rng = Streams::new(1).stream("actions");
    let (mut returns, mut finished) = (vec![0.0; copies], Vec::new());
    let (mut terminated, mut truncated) = (0, 0);
    let mut actions = vec![0; copies];
    for _ in 0..1000 {
        actions.iter_mut().for_each(|action| *action = usize::from(rng.unit() < 0.5));
        let batch = envs.step(&actions).expect("0 and 1 are actions");
        for (i, episode_return) in returns.iter_mut().enumerate() {
            *episode_return += batch.rewards[i];
            if let Some(last) = batch.final_observation(i) {
                // `observation(i)` belongs to the next episode already. The return after a truncated episode goes on, so a
                // learner bootstraps from `last`; after a terminated one there is nothing to bootstrap from.
                assert_ne!(last, batch.observation(i));
                terminated += usize::from(batch.terminated[i]);
                truncated += usize::from(batch.truncated[i] && !batch.terminated[i]);
                finished.push(std::mem::take(episode_return));
            }
        }
        // The same actions lead the lone copy to the same states.
        let lone = alone.step(&actions[..1]).expect("0 and 1 are actions");
        assert_eq!(lone.observation(0), envs.batch().observation(0));
    }
    let mean = finished.iter().sum::<f64>() / finished.len() as f64;
    println!(
        "{} episodes, mean return {mean:.1}: {terminated} terminated, {truncated} truncated",
        finished.len()
    );
    assert!(terminated > 0 && truncated > 0 && (9.0..=20.0).contains(&mean));
}
