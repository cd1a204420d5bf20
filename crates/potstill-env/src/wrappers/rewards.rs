//! Wrappers of rewards and returns.

use crate::{Env, EnvError, Outcome, Scene, Space, TransitionModel};
use potstill_core::snapshot::Codec;
use potstill_core::{Restorable, Snapshot, SnapshotError, Value, snapshot};
use std::sync::Arc;

/// Clips the rewards that learners see to a range. Returns are reported of those that were not clipped
/// ([`Env::raw_reward`]), as Mnih et al. 2015 report them.
#[derive(Clone, Debug)]
pub struct ClipReward<E> {
    env: E,
    raw: f64,
    low: f64,
    high: f64,
}

impl<E> ClipReward<E> {
    /// Clips rewards to `low` to `high`.
    ///
    /// # Panics
    /// If `low` is above `high` or one is NaN.
    pub fn new(env: E, low: f64, high: f64) -> Self {
        assert!(low <= high, "{low} to {high} is no range");
        Self { env, raw: 0.0, low, high }
    }
}

impl<E: Env> Env for ClipReward<E> {
    type Observation = E::Observation;
    type Action = E::Action;

    forward!(observation_space);
    forward!(action_space);
    forward!(reset);
    forward!(scene);
    forward!(is_retriable);
    forward!(reseed);
    forward!(scene_of);

    fn step(&mut self, action: &E::Action, observation: &mut E::Observation) -> Result<Outcome, EnvError> {
        let outcome = self.env.step(action, observation)?;
        self.raw = self.env.raw_reward().unwrap_or(outcome.reward);
        Ok(Outcome { reward: outcome.reward.clamp(self.low, self.high), ..outcome })
    }

    fn raw_reward(&self) -> Option<f64> {
        Some(self.raw)
    }
}

snapshot! {
    impl[E: Restorable] Restorable for ClipReward<E> {
        saved: env;
        built: raw, low, high;
    }
}

/// Return and length of the running episode and of the last one (Gymnasium's `RecordEpisodeStatistics`), of the rewards
/// that the environment inside gives, be they clipped or not.
#[derive(Clone, Debug)]
pub struct EpisodeStatistics<E> {
    env: E,
    running: (f64, u64),
    last: Option<(f64, u64)>,
}

impl<E> EpisodeStatistics<E> {
    /// Wraps an environment; nothing is recorded yet.
    pub fn new(env: E) -> Self {
        Self { env, running: (0.0, 0), last: None }
    }

    /// Return so far, and steps.
    pub fn running_episode(&self) -> (f64, u64) {
        self.running
    }

    /// Return and length of the last episode that ended.
    pub fn last_episode(&self) -> Option<(f64, u64)> {
        self.last
    }
}

impl<E: Env> Env for EpisodeStatistics<E> {
    type Observation = E::Observation;
    type Action = E::Action;

    forward!(observation_space);
    forward!(action_space);
    forward!(scene);
    forward!(is_retriable);
    forward!(reseed);
    forward!(raw_reward);
    forward!(scene_of);
    forward!(model);

    fn reset(&mut self, seed: Option<u64>, observation: &mut E::Observation) {
        self.running = (0.0, 0);
        self.env.reset(seed, observation);
    }

    fn step(&mut self, action: &E::Action, observation: &mut E::Observation) -> Result<Outcome, EnvError> {
        let outcome = self.env.step(action, observation)?;
        self.running.0 += outcome.reward;
        self.running.1 += 1;
        if outcome.done() {
            self.last = Some(self.running);
        }
        Ok(outcome)
    }
}

snapshot! {
    impl[E: Restorable] Restorable for EpisodeStatistics<E> {
        saved: env, running via Episode, last via Episode;
    }
}

/// The return and length of an episode are saved as a branch; a missing episode is left out.
struct Episode;

impl Codec<(f64, u64)> for Episode {
    fn save(&self, &(sum, steps): &(f64, u64), name: &str, snapshot: &mut Snapshot) {
        let episode = Snapshot::new().with("return", Value::F64(sum)).with("steps", Value::U64(steps));
        snapshot.insert(name, Value::Tree(episode));
    }

    fn load(&self, episode: &mut (f64, u64), name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let saved = snapshot.tree(name)?;
        *episode = (saved.f64("return")?, saved.u64("steps")?);
        Ok(())
    }
}

impl Codec<Option<(f64, u64)>> for Episode {
    fn save(&self, episode: &Option<(f64, u64)>, name: &str, snapshot: &mut Snapshot) {
        if let Some(episode) = episode {
            self.save(episode, name, snapshot);
        }
    }

    fn load(
        &self,
        episode: &mut Option<(f64, u64)>,
        name: &str,
        snapshot: &Snapshot,
    ) -> Result<(), SnapshotError> {
        *episode = match snapshot.contains(name) {
            true => {
                let mut saved = (0.0, 0);
                self.load(&mut saved, name, snapshot)?;
                Some(saved)
            }
            false => None,
        };
        Ok(())
    }
}
