//! Linear function approximation: values that are sums of weights of binary features, by tile coding or state
//! aggregation (Sutton and Barto 2018, chapters 9 and 10).
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::env::registry::find;
//! use potstill::linear::{LinearConfig, SemiGradientSarsa};
//! use potstill::tile_coding::TileCoder;
//! use potstill::train::Trainer;
//!
//! // The mountain car of figure 10.2, for a few episodes.
//! let streams = Streams::new(1);
//! let env = find("MountainCar-v0:max_episode_steps=none").unwrap().make_features().unwrap();
//! let coder = TileCoder::new(vec![(-1.2, 0.5), (-0.07, 0.07)], 8, 8)?;
//! let agent = SemiGradientSarsa::new(&LinearConfig::default(), coder, 3, streams);
//! let episodes = Trainer::new(agent, env, streams).run_episodes(10).unwrap();
//! assert!(episodes[9].steps < episodes[0].steps);
//! # Ok::<(), String>(())
//! ```

pub mod prediction;
pub mod semi_gradient_sarsa;

pub use prediction::{AggregationConfig, LinearPrediction, LinearPredictionKind, TraceDecayConfig};
pub use semi_gradient_sarsa::{LinearConfig, SemiGradientSarsa, TilesConfig};

use crate::config::ConfigError;
use crate::policy::Schedule;

/// Refuses a schedule by visits: many states share a weight, and none counts its own.
fn without_counts(key: &str, schedule: Schedule) -> Result<(), ConfigError> {
    if schedule.counts() {
        let reason = "1/n counts visits of single states, which share their weights here; give a number, linear:FROM:TO:STEPS or exponential:FROM:TO:STEPS";
        return Err(ConfigError::value(key, reason));
    }
    Ok(())
}

/// Moves weights by `step` along their traces, which first decay and then take up the present gradient in `mark`.
fn move_along(
    weights: &mut [f64],
    traces: &mut [f64],
    (decay, step): (f64, f64),
    mark: impl FnOnce(&mut [f64]),
) {
    traces.iter_mut().for_each(|trace| *trace *= decay);
    mark(traces);
    weights.iter_mut().zip(traces).for_each(|(weight, trace)| *weight += step * *trace);
}
