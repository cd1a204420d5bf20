//! The job of distilling a policy.

use super::{Best, BestLike, IfKnown, Job, Outcome, Recorder, evaluate_policy_unless};
use crate::distill::classifier::agreement;
use crate::distill::policy::Round;
use crate::distill::{PolicyDistillConfig, PolicyDistiller, World};
use crate::error::Error;
use crate::metrics::{Record, catalogue};
use crate::model::Model;
use crate::optimizer::OptimizerConfig;
use crate::train::{Evaluation, Protocol, Stop, TrainError};
use potstill_core::snapshot::Codec;
use potstill_core::{Snapshot, SnapshotError, Streams, Value, snapshot};
use potstill_env::registry::Spec;
use potstill_nn::{Network, NetworkSpec};
use serde_json::json;

/// Episodes of the evaluation after each round; the best round's student is the result.
const VALIDATION: usize = 20;
/// Episodes of the comparison of the final student with its teacher.
const COMPARISON: usize = 100;

/// States of recorded episodes.
pub(crate) struct RecordedStates {
    /// Those that the student learns from, `states x features`.
    pub(crate) transfer_set: Vec<f32>,
    /// Those that it is compared with its teacher on; none of few episodes.
    pub(crate) held_out: Vec<f32>,
}

/// Policy distillation in progress.
pub(crate) struct PolicyDistillationJob {
    config: PolicyDistillConfig,
    spec: Spec,
    seed: u64,
    /// The path of the teacher's run, as the user gave it.
    teacher_run: String,
    teacher: Model,
    threads: usize,
    distiller: PolicyDistiller,
    /// States of recorded episodes on which student and teacher are compared, if it learns from a recording.
    held_out: Option<Vec<f32>>,
    /// The round whose student is still to be evaluated, if the run was stopped before.
    round: Option<Pending>,
    best: Option<Best>,
    score: Option<f64>,
}

impl PolicyDistillationJob {
    pub(crate) fn new(
        (teacher, teacher_run): (Model, String),
        spec: Spec,
        seed: u64,
        student: &NetworkSpec,
        (config, optimizer): (PolicyDistillConfig, OptimizerConfig),
        recorded: Option<RecordedStates>,
        threads: usize,
    ) -> Self {
        let world = World::of(&teacher, &spec).expect("a network is its policy");
        let network = teacher.policy_network().expect("a network").clone();
        let configs = (config.clone(), optimizer);
        let mut distiller = PolicyDistiller::with(configs, student, network, world, Streams::new(seed));
        let mut held_out = None;
        if let Some(recorded) = recorded {
            distiller = distiller.on_recorded(recorded.transfer_set);
            held_out = Some(recorded.held_out);
        }
        Self {
            config,
            spec,
            seed,
            teacher_run,
            teacher,
            threads,
            distiller,
            held_out,
            round: None,
            best: None,
            score: None,
        }
    }

    fn evaluate(
        &self,
        stop: &Stop<'_>,
        model: &Model,
        purpose: &'static str,
        episodes: usize,
    ) -> Result<Option<Evaluation>, Error> {
        let streams = Streams::new(self.seed);
        let protocol = Protocol { episodes, streams, purpose, threads: self.threads };
        evaluate_policy_unless(stop, model, &self.spec, protocol)
    }

    /// The fraction of states in which teacher and student choose the same action, or the distance between their actions
    /// of a box, with its key in the summary. States are of new episodes, in which neither was trained: ten that the
    /// teacher plays, ten that the student plays; or those that were held out of a recording.
    fn unseen_agreement(
        &self,
        stop: &Stop<'_>,
        student: &Network,
    ) -> Result<Option<(&'static str, f64)>, Error> {
        let mut world = World::of(&self.teacher, &self.spec).expect("a network is its policy");
        let teacher = self.teacher.policy_network().expect("a network");
        let mut states = self.held_out.clone().unwrap_or_default();
        let played = if self.held_out.is_some() { 0 } else { 20 };
        for episode in 0..played {
            let player = if episode % 2 == 0 { teacher } else { student };
            let seed = Streams::new(self.seed).seed_for("agreement", episode);
            let Some(of_episode) = world.states_of(stop, player, seed).map_err(TrainError::Play)? else {
                return Ok(None);
            };
            states.extend(of_episode);
        }
        Ok(Some(match world.distance(teacher, student, &states) {
            Some(distance) => ("action_distance", distance),
            None => ("agreement", agreement(teacher, student, &states)),
        }))
    }
}

impl Job for PolicyDistillationJob {
    fn steps(&self) -> u64 {
        self.distiller.steps()
    }

    fn start_from(&mut self, model: &Model) -> Result<(), String> {
        self.distiller.start_from(model)
    }

    fn is_scored(&self) -> bool {
        self.spec.is_playable()
    }

    fn policy(&self) -> Option<Model> {
        Some(self.distiller.model())
    }

    fn is_over(&self) -> bool {
        self.distiller.rounds() >= self.config.rounds && self.round.is_none()
    }

    fn advance(&mut self, until: u64, stop: &Stop<'_>, record: &mut Recorder<'_>) -> Result<(), Error> {
        while self.round.is_some() || (self.distiller.steps() < until && !self.is_over()) {
            if self.round.is_none() {
                let step = self.distiller.steps() + 1;
                let round =
                    self.distiller.step_unless(stop).map_err(|source| TrainError::Learn { step, source })?;
                let norm =
                    self.distiller.measured().into_iter().find(|(name, _)| *name == catalogue::GRADIENT_NORM);
                let norm = norm.map_or(0.0, |(_, norm)| norm);
                self.round = round.map(|round| Pending { round, norm });
            }
            let Some(Pending { round, norm }) = self.round else {
                if stop() {
                    break;
                }
                continue;
            };
            let step = self.distiller.steps();
            let model = self.distiller.model();
            let mut values = vec![
                (catalogue::ROUNDS, self.distiller.rounds() as f64),
                (catalogue::TRANSFER_STATES, round.states as f64),
                (catalogue::LOSS, round.loss),
            ];
            if self.spec.is_playable() {
                let Some(evaluation) = self.evaluate(stop, &model, "validation", VALIDATION)? else { break };
                self.score = Some(evaluation.mean_return());
                values.push((catalogue::EVAL_MEAN_REWARD, evaluation.mean_return()));
            }
            self.round = None;
            // A later round has trained longer: it wins a tie. From a recording the last one wins: a choice
            // by its return would learn from the environment.
            let score = self.score.unwrap_or_default();
            if self.held_out.is_some() || self.best.as_ref().is_none_or(|best| score >= best.score) {
                self.best = Some(Best { score, step, model, is_untrained: false });
            }
            // A restored optimiser does not know the norm of its last gradient.
            values.extend(
                self.distiller
                    .measured()
                    .into_iter()
                    .map(|(name, value)| (name, if name == catalogue::GRADIENT_NORM { norm } else { value })),
            );
            record(&Record { step, values })?;
        }
        Ok(())
    }

    fn progress(&self) -> (u64, u64, String) {
        let note = self.score.map(|score| format!("return {score:.1}")).unwrap_or_default();
        (self.distiller.rounds(), self.config.rounds, note)
    }

    fn score(&self) -> Option<f64> {
        self.score
    }

    fn finish(&mut self, stop: &Stop<'_>) -> Result<Option<Outcome>, Error> {
        let model = self.best.as_ref().expect("there is a round").model.clone();
        let student = model.policy_network().expect("a student is a network");
        let Some((agreement, share)) = self.unseen_agreement(stop, student)? else { return Ok(None) };
        let mut summary = json!({
            "command": "distill",
            "algorithm": "policy distillation",
            "env": self.spec.id,
            "seed": self.seed,
            "teacher": self.teacher_run,
            "transfer_states": self.distiller.transfer_states(),
        });
        let parameters = self.teacher.policy_network().map_or(0, |network| network.parameters().len());
        if self.spec.is_playable() {
            let (Some(of_teacher), Some(of_student)) = (
                self.evaluate(stop, &self.teacher, "comparison", COMPARISON)?,
                self.evaluate(stop, &model, "comparison", COMPARISON)?,
            ) else {
                return Ok(None);
            };
            summary[catalogue::MEAN_RETURN] = json!(of_student.mean_return());
            summary["std_return"] = json!(of_student.std_return());
            summary["episodes"] = json!(COMPARISON);
            summary["teacher_parameters"] = json!(parameters);
            summary["teacher_mean_return"] = json!(of_teacher.mean_return());
        } else {
            summary["teacher_parameters"] = json!(parameters);
        }
        if matches!(self.teacher, Model::Network(_)) {
            summary["teacher_gap"] = json!(self.distiller.gap());
        }
        if self.held_out.as_ref().is_none_or(|states| !states.is_empty()) {
            summary[agreement] = json!(share);
        }
        Ok(Some(Outcome { model, summary, visits: None, compared: None }))
    }
}

snapshot! {
    impl Restorable for PolicyDistillationJob {
        saved: distiller, best via BestLike(|| distiller.model()), score via IfKnown, round via IfStopped;
        built: config, spec, seed, teacher_run, teacher, threads, held_out;
    }
}

/// A round whose student is still to be evaluated, and the norm of its last gradient.
#[derive(Clone, Copy, Debug)]
struct Pending {
    round: Round,
    norm: f64,
}

/// The codec of a round that is still to be evaluated, saved only if there is one.
struct IfStopped;

impl Codec<Option<Pending>> for IfStopped {
    fn save(&self, round: &Option<Pending>, name: &str, snapshot: &mut Snapshot) {
        if let Some(Pending { round: Round { loss, states }, norm }) = *round {
            let branch = Snapshot::new()
                .with("loss", Value::F64(loss))
                .with("states", Value::U64(states))
                .with("norm", Value::F64(norm));
            snapshot.insert(name, Value::Tree(branch));
        }
    }

    fn load(
        &self,
        round: &mut Option<Pending>,
        name: &str,
        snapshot: &Snapshot,
    ) -> Result<(), SnapshotError> {
        *round = None;
        if snapshot.contains(name) {
            let branch = snapshot.tree(name)?;
            let (loss, states) = (branch.f64("loss")?, branch.u64("states")?);
            *round = Some(Pending { round: Round { loss, states }, norm: branch.f64("norm")? });
        }
        Ok(())
    }
}
