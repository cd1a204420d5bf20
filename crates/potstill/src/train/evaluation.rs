//! Evaluation: whole episodes of a policy in environments of their own.

use super::error::TrainError;
use super::last_step::{NEVER, Stop};
use super::parallel::parallel_map;
use super::statistics;
use crate::experience::Ending;
use crate::model::{Actor, play_out_unless};
use potstill_core::Streams;
use potstill_env::{BoxEnv, Row};

/// The number of episodes of an evaluation, and their seeds.
#[derive(Clone, Copy, Debug)]
pub struct Protocol {
    /// The number of episodes.
    pub episodes: usize,
    /// The random streams of the seeds of the episodes.
    pub streams: Streams,
    /// The family of streams: evaluations during and after training must not share episodes.
    pub purpose: &'static str,
    /// Threads to play on. Results do not depend on their number.
    pub threads: usize,
}

/// The outcome of an evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The undiscounted return of each episode.
    pub returns: Vec<f64>,
    /// The length of each episode.
    pub steps: Vec<u64>,
    /// The number of episodes that were truncated.
    pub truncated: usize,
}

impl Evaluation {
    /// The mean return.
    pub fn mean_return(&self) -> f64 {
        statistics::mean(&self.returns)
    }

    /// The standard deviation of the returns (divisor `n - 1`).
    pub fn std_return(&self) -> f64 {
        statistics::standard_deviation(&self.returns)
    }
}

/// Plays the episodes of a protocol.
///
/// # Errors
/// If an environment refuses a step.
pub fn evaluate<O: Row + ?Sized, A: Row + ?Sized, P: Actor<O, A>>(
    protocol: Protocol,
    make_env: impl Fn() -> BoxEnv<O, A> + Sync,
    make_actor: impl Fn() -> P + Sync,
) -> Result<Evaluation, TrainError> {
    let evaluation = evaluate_unless(NEVER, protocol, make_env, make_actor)?;
    Ok(evaluation.expect("nothing stops it"))
}

/// Plays the episodes of a protocol; `None` if it was stopped before their end.
///
/// # Errors
/// If an environment refuses a step.
pub(crate) fn evaluate_unless<O: Row + ?Sized, A: Row + ?Sized, P: Actor<O, A>>(
    stop: &Stop<'_>,
    protocol: Protocol,
    make_env: impl Fn() -> BoxEnv<O, A> + Sync,
    make_actor: impl Fn() -> P + Sync,
) -> Result<Option<Evaluation>, TrainError> {
    let Protocol { episodes, streams, purpose, threads } = protocol;
    let played = parallel_map(episodes, threads, |i| {
        if stop() {
            return Ok(None);
        }
        let seed = streams.seed_for(purpose, i as u64);
        // The actor's random numbers (ties, exploration) need a stream apart from the environment's.
        let mut rng = Streams::new(seed).stream("actor");
        play_out_unless(stop, &mut make_env(), &mut make_actor(), seed, &mut rng).map_err(TrainError::Play)
    });
    let played = played.into_iter().collect::<Result<Option<Vec<_>>, TrainError>>()?;
    Ok(played.map(|played| Evaluation {
        returns: played.iter().map(|episode| episode.episode_return).collect(),
        steps: played.iter().map(|episode| episode.steps).collect(),
        truncated: played.iter().filter(|episode| episode.ending == Ending::Truncated).count(),
    }))
}

/// Periodic evaluation during training. It does not influence learning.
pub struct Evaluator<O: Row + ?Sized, A: Row + ?Sized = usize> {
    /// Steps between evaluations.
    pub every: u64,
    /// The last step of the run, after which there is an evaluation too.
    pub last_step: Option<u64>,
    /// The last episode of the run, after which there is an evaluation too.
    pub last_episode: Option<u64>,
    /// The episodes.
    pub protocol: Protocol,
    /// An environment to play them in.
    pub make_env: Box<dyn Fn() -> BoxEnv<O, A> + Send + Sync>,
}

impl<O: Row + ?Sized, A: Row + ?Sized> Evaluator<O, A> {
    /// Returns true if an evaluation is due after the steps from `before` to `after`, of one or of several
    /// copies.
    pub fn is_due(&self, before: u64, after: u64) -> bool {
        before / self.every < after / self.every
            || self.last_step.is_some_and(|last| before < last && last <= after)
    }
}
