//! An agent that learns in an environment, as a job.

use super::evaluate::evaluate_policy;
use super::job::{
    Best, Job, Outcome, Recent, Recorder, best_state, optional_state, restored_best, restored_optional,
};
use super::settings::{EvalConfig, RunConfig};
use crate::agent::{Agent, Update};
use crate::error::Error;
use crate::metrics::Record;
use crate::train::{EpisodeEnd, Protocol, Trainer};
use potstill_core::{State, StateError, Stateful, Streams, Value};
use potstill_env::BoxEnv;
use potstill_env::registry::Spec;
use serde_json::json;

/// Episodes that the finished model plays, apart from those by which it was chosen.
const COMPARISON: usize = 100;

/// An agent that learns in an environment, and is evaluated on the way.
pub(super) struct Learning<A: Agent> {
    algorithm: &'static str,
    spec: &'static Spec,
    run: RunConfig,
    /// None for an agent that is not evaluated.
    eval: Option<EvalConfig>,
    streams: Streams,
    threads: usize,
    trainer: Trainer<A>,
    returns: Recent,
    lengths: Recent,
    updates: Updates,
    best: Option<Best>,
    score: Option<f64>,
    goal_reached: bool,
}

/// The updates since the last record.
#[derive(Clone, Copy, Debug, Default)]
struct Updates {
    count: u64,
    loss: f64,
    last: Update,
}

impl<A: Agent> Learning<A> {
    pub(super) fn new(
        algorithm: &'static str,
        (agent, env): (A, BoxEnv<A::Observation>),
        spec: &'static Spec,
        run: RunConfig,
        eval: Option<EvalConfig>,
        threads: usize,
    ) -> Self {
        let streams = Streams::new(run.seed);
        Self {
            algorithm,
            spec,
            eval: eval.filter(|eval| eval.eval_freq > 0),
            streams,
            threads,
            trainer: Trainer::new(agent, env, streams),
            returns: Recent::default(),
            lengths: Recent::default(),
            updates: Updates::default(),
            best: None,
            score: None,
            goal_reached: false,
            run,
        }
    }

    /// The record of an episode's end.
    fn rollout(&mut self, episode: EpisodeEnd) -> Record {
        let mut values = vec![
            ("time/episodes", self.trainer.episodes() as f64),
            ("rollout/ep_rew", episode.episode_return),
            ("rollout/ep_len", episode.steps as f64),
            ("rollout/ep_rew_mean", self.returns.mean().unwrap_or_default()),
            ("rollout/ep_len_mean", self.lengths.mean().unwrap_or_default()),
        ];
        let Updates { count, loss, last } = std::mem::take(&mut self.updates);
        if count > 0 {
            values.extend([
                ("rollout/exploration_rate", last.epsilon),
                ("train/loss", loss / count as f64),
                ("teacher/staleness", last.teacher_staleness as f64),
                ("teacher/distance", last.teacher_distance),
            ]);
        }
        Record { step: self.trainer.steps(), values }
    }

    fn limit_reached(&self) -> bool {
        self.run.steps.is_some_and(|steps| self.trainer.steps() >= steps)
            || self.run.episodes.is_some_and(|episodes| self.trainer.episodes() >= episodes)
    }

    fn evaluate(&mut self, eval: &EvalConfig) -> Result<Record, Error> {
        let protocol = self.protocol("validation", eval.eval_episodes as usize);
        let model = self.trainer.agent().model();
        let evaluation = evaluate_policy(&model, self.spec, protocol)?;
        let (mean, step) = (evaluation.mean_return(), self.trainer.steps());
        if self.best.as_ref().is_none_or(|best| mean > best.score) {
            self.best = Some(Best { score: mean, step, model });
        }
        self.score = Some(mean);
        self.goal_reached = eval.stop_at_return.is_some_and(|goal| mean >= goal);
        let values = vec![("eval/mean_reward", mean), ("eval/std_reward", evaluation.std_return())];
        Ok(Record { step, values })
    }

    fn protocol(&self, purpose: &'static str, episodes: usize) -> Protocol {
        Protocol { episodes, streams: self.streams, purpose, threads: self.threads }
    }
}

impl<A: Agent> Job for Learning<A> {
    fn steps(&self) -> u64 {
        self.trainer.steps()
    }

    fn is_over(&self) -> bool {
        self.goal_reached || self.limit_reached()
    }

    fn advance(&mut self, until: u64, record: &mut Recorder<'_>) -> Result<(), Error> {
        while self.trainer.steps() < until && !self.is_over() {
            let event = self.trainer.step()?;
            if let Some(update) = event.update {
                self.updates.count += 1;
                self.updates.loss += update.loss;
                self.updates.last = update;
            }
            if let Some(episode) = event.episode {
                self.returns.push(episode.episode_return);
                self.lengths.push(episode.steps as f64);
                if self.trainer.episodes().is_multiple_of(self.run.log_interval) {
                    record(&self.rollout(episode))?;
                }
            }
            if let Some(eval) = self.eval.clone()
                && (self.trainer.steps().is_multiple_of(eval.eval_freq) || self.limit_reached())
            {
                record(&self.evaluate(&eval)?)?;
            }
        }
        Ok(())
    }

    fn progress(&self) -> (u64, u64, String) {
        let note = self.returns.mean().map(|mean| format!("return {mean:.1}")).unwrap_or_default();
        match self.run.episodes {
            Some(episodes) => (self.trainer.episodes(), episodes, note),
            None => (self.trainer.steps(), self.run.steps.unwrap_or_default(), note),
        }
    }

    fn score(&self) -> Option<f64> {
        self.score
    }

    fn finish(&mut self) -> Result<Outcome, Error> {
        let mut summary = json!({
            "command": "train",
            "algorithm": self.algorithm,
            "env": self.spec.id,
            "seed": self.run.seed,
            "steps": self.trainer.steps(),
            "episodes": self.trainer.episodes(),
            "mean_return_last_100": self.returns.mean(),
        });
        let Some(Best { score, step, model }) = &self.best else {
            return Ok(Outcome { model: self.trainer.agent().model(), summary });
        };
        // The best was chosen by its score, so the score flatters it; new episodes do not.
        let evaluation = evaluate_policy(model, self.spec, self.protocol("comparison", COMPARISON))?;
        summary["best_return"] = json!(score);
        summary["best_step"] = json!(step);
        summary["mean_return"] = json!(evaluation.mean_return());
        summary["std_return"] = json!(evaluation.std_return());
        Ok(Outcome { model: model.clone(), summary })
    }
}

impl<A: Agent> Stateful for Learning<A> {
    fn state(&self) -> State {
        let updates = State::new()
            .with("count", Value::U64(self.updates.count))
            .with("loss", Value::F64(self.updates.loss))
            .with("epsilon", Value::F64(self.updates.last.epsilon))
            .with("staleness", Value::U64(self.updates.last.teacher_staleness))
            .with("distance", Value::F64(self.updates.last.teacher_distance));
        State::new()
            .with_part("trainer", &self.trainer)
            .with_part("returns", &self.returns)
            .with_part("lengths", &self.lengths)
            .with("updates", Value::Tree(updates))
            .with("best", Value::Tree(best_state(self.best.as_ref())))
            .with("score", Value::Tree(optional_state(self.score)))
            .with("goal_reached", Value::Bool(self.goal_reached))
    }

    fn restore(&mut self, state: &State) -> Result<(), StateError> {
        state.restore_part("trainer", &mut self.trainer)?;
        state.restore_part("returns", &mut self.returns)?;
        state.restore_part("lengths", &mut self.lengths)?;
        let updates = state.tree("updates")?;
        self.updates = Updates {
            count: updates.u64("count")?,
            loss: updates.f64("loss")?,
            last: Update {
                epsilon: updates.f64("epsilon")?,
                teacher_staleness: updates.u64("staleness")?,
                teacher_distance: updates.f64("distance")?,
                ..Update::default()
            },
        };
        self.best = restored_best(state.tree("best")?, self.trainer.agent().model())?;
        self.score = restored_optional(state.tree("score")?)?;
        self.goal_reached = state.bool("goal_reached")?;
        Ok(())
    }
}
