//! The job of distilling a policy.

use super::{Best, BestLike, IfKnown, Job, Outcome, Recorder, evaluate_policy};
use crate::distill::classifier::agreement;
use crate::distill::{PolicyDistillConfig, PolicyDistiller};
use crate::error::Error;
use crate::metrics::{Record, catalogue};
use crate::model::{Model, NetworkActor, play};
use crate::optimizer::OptimizerConfig;
use crate::policy::Policy;
use crate::train::{Evaluation, Protocol, TrainError};
use potstill_core::{Streams, snapshot};
use potstill_env::registry::Spec;
use potstill_nn::{Network, NetworkSpec};
use serde_json::json;

/// Episodes of the evaluation after each round; the best round's student is the result.
const VALIDATION: usize = 20;
/// Episodes of the comparison of the final student with its teacher.
const COMPARISON: usize = 100;

/// Policy distillation in progress.
pub(crate) struct PolicyDistillationJob {
    config: PolicyDistillConfig,
    spec: Spec,
    seed: u64,
    /// The path of the teacher's run, as the user gave it.
    teacher_run: String,
    teacher: Network,
    threads: usize,
    distiller: PolicyDistiller,
    best: Option<Best>,
    score: Option<f64>,
}

impl PolicyDistillationJob {
    pub(crate) fn new(
        (teacher, teacher_run): (Network, String),
        spec: Spec,
        seed: u64,
        student: &NetworkSpec,
        (config, optimizer): (PolicyDistillConfig, OptimizerConfig),
        threads: usize,
    ) -> Self {
        let env = spec.make_features().expect("a network is for features");
        let configs = (config.clone(), optimizer);
        let distiller = PolicyDistiller::with(configs, student, teacher.clone(), env, Streams::new(seed));
        Self { config, spec, seed, teacher_run, teacher, threads, distiller, best: None, score: None }
    }

    fn evaluate(&self, model: &Model, purpose: &'static str, episodes: usize) -> Result<Evaluation, Error> {
        let streams = Streams::new(self.seed);
        evaluate_policy(model, &self.spec, Protocol { episodes, streams, purpose, threads: self.threads })
    }

    /// The fraction of states in which teacher and student choose the same action, over states of new
    /// episodes, in which neither was trained: ten that the teacher plays, ten that the student plays.
    fn unseen_agreement(&self, student: &Network) -> Result<f64, Error> {
        let mut env = self.spec.make_features().expect("a network is for features");
        let mut states = Vec::new();
        for episode in 0..20 {
            let player = if episode % 2 == 0 { &self.teacher } else { student };
            let seed = Streams::new(self.seed).seed_for("agreement", episode);
            let mut rng = Streams::new(seed).stream("actor");
            let played = play(&mut env, &mut NetworkActor::new(player, Policy::Greedy), seed, &mut rng)
                .map_err(TrainError::Play)?;
            let steps = played.trajectory.steps();
            states.extend(played.trajectory.observations()[..steps].iter().flatten().copied());
        }
        Ok(agreement(&self.teacher, student, &states))
    }
}

impl Job for PolicyDistillationJob {
    fn steps(&self) -> u64 {
        self.distiller.steps()
    }

    fn start_from(&mut self, model: &Model) -> Result<(), String> {
        self.distiller.start_from(model)
    }

    fn is_over(&self) -> bool {
        self.distiller.rounds() >= self.config.rounds
    }

    fn advance(&mut self, until: u64, record: &mut Recorder<'_>) -> Result<(), Error> {
        while self.distiller.steps() < until && !self.is_over() {
            let step = self.distiller.steps() + 1;
            let Some(round) = self.distiller.step().map_err(|source| TrainError::Learn { step, source })?
            else {
                continue;
            };
            let model = Model::Network(self.distiller.student().clone());
            let mean = self.evaluate(&model, "validation", VALIDATION)?.mean_return();
            self.score = Some(mean);
            // A later round has trained longer: it wins a tie.
            if self.best.as_ref().is_none_or(|best| mean >= best.score) {
                self.best = Some(Best { score: mean, step, model });
            }
            let mut values = vec![
                (catalogue::ROUNDS, self.distiller.rounds() as f64),
                (catalogue::TRANSFER_STATES, round.states as f64),
                (catalogue::LOSS, round.loss),
                (catalogue::EVAL_MEAN_REWARD, mean),
            ];
            values.extend(self.distiller.measured());
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

    fn finish(&mut self) -> Result<Outcome, Error> {
        let model = self.best.as_ref().expect("there is a round").model.clone();
        let Model::Network(student) = &model else { unreachable!("a student is a network") };
        let of_teacher = self.evaluate(&Model::Network(self.teacher.clone()), "comparison", COMPARISON)?;
        let of_student = self.evaluate(&model, "comparison", COMPARISON)?;
        let summary = json!({
            "command": "distill",
            "algorithm": "policy distillation",
            "env": self.spec.id,
            "seed": self.seed,
            "teacher": self.teacher_run,
            "transfer_states": self.distiller.transfer_states(),
            "q_gap": self.distiller.gap(),
            (catalogue::MEAN_RETURN): of_student.mean_return(),
            "std_return": of_student.std_return(),
            "episodes": COMPARISON,
            "teacher_parameters": self.teacher.parameters().len(),
            "teacher_mean_return": of_teacher.mean_return(),
            "agreement": self.unseen_agreement(student)?,
        });
        Ok(Outcome { model, summary, visits: None })
    }
}

snapshot! {
    impl Restorable for PolicyDistillationJob {
        saved: distiller, best via BestLike(|| Model::Network(distiller.student().clone())), score via IfKnown;
        built: config, spec, seed, teacher_run, teacher, threads;
    }
}
