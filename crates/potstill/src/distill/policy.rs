//! Policy distillation (Rusu et al. 2015): a small network learns the policy of a trained DQN, or of an actor-critic.
//!
//! Rounds of two parts: episodes are played and their states join the transfer set; then the student
//! regresses on minibatches of it with `L = T^2 KL(softmax(q_teacher / T) || softmax(z_student / T))`.
//!
//! Differences from the paper:
//! - The temperature is in units of the mean gap between the teacher's two highest action values (measured in
//!   the first round, written to the summary): the paper's 0.01 is meaningful on Atari's reward scale only.
//! - Both policies are softened by the temperature, and the loss is multiplied by its square, as in Hinton et al.
//!   (2015); the paper sharpens the teacher alone, `KL(softmax(q_teacher / T) || softmax(z_student))` (equation 3). The
//!   minimisers choose the same actions: theirs has the logits of this one over `T`. Beginning at the same logits, this
//!   student's policy is sharper by `1 / T` at first.
//! - `divergence=mse` (equation 2) learns the action values relative to the best one, in units of the same gap, unless
//!   that is 1; the paper's are as they are. `divergence=nll` is equation 1.
//! - A teacher for a box of actions has no action values: the student learns its actions, the means of a normal policy, by
//!   half their squared distance in units of half the width of the box.
//! - The [`Collector`] is the policy that plays: the teacher, as in the paper, the student (DAgger; Ross,
//!   Gordon and Bagnell 2011), or a mixture. The paper's teacher plays epsilon-greedily with 0.05; here every
//!   collector does.
//!
//! The transfer set may also be [recorded](PolicyDistiller::on_recorded): states that another policy has
//! visited, without an environment.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::distill::{PolicyDistillConfig, PolicyDistiller};
//! use potstill::env::registry::find;
//! use potstill::nn::NetworkSpec;
//!
//! let spec: NetworkSpec = "mlp:16".parse()?;
//! let teacher = spec.build(4, 2, &mut Streams::new(1).stream("teacher"));
//! let env = find("CartPole-v1").unwrap().make_features().unwrap();
//! let config = PolicyDistillConfig { transfer_states: 200, ..PolicyDistillConfig::default() };
//! let mut distiller = PolicyDistiller::new(config, &"mlp:4".parse()?, teacher, env, Streams::new(2));
//! distiller.step()?;
//! assert!(distiller.transfer_states() >= 20);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::collector::Collector;
use super::divergence::{Batch, Buffers, Divergence};
use super::source::{Samples, Source};
use super::world::World;
use crate::agent::{LearnError, not_finite};
use crate::config::{settings, words};
use crate::model::Model;
use crate::optimizer::{GuardedStep, OptimizerConfig};
use crate::policy::Schedule;
use crate::teacher::Teacher;
use potstill_core::snapshot::{Counted, OfLength, below};
use potstill_core::{Pcg64, Streams, snapshot};
use potstill_env::EnvError;
use potstill_nn::loss::Centring;
use potstill_nn::{Ends, Network, NetworkSpec, Workspace};

words! {
    /// The loss of a student policy.
    pub enum PolicyDivergence: "kl, reverse-kl, mse or nll" {
        /// Forward Kullback-Leibler divergence at a temperature (equation 3).
        Kl = "kl",
        /// The reverse direction.
        ReverseKl = "reverse-kl",
        /// Half the squared distance of the action values in units of the gap (equation 2).
        Mse = "mse",
        /// The cross-entropy of the teacher's best action (equation 1).
        Nll = "nll",
    }
}

settings! {
    /// The hyperparameters of policy distillation.
    pub struct PolicyDistillConfig {
        /// States of the transfer set at the end of the run
        transfer_states: u64 = 40_000, in AtLeastOne, needs Unset("data");
        /// Rounds of collecting and training
        rounds: u64 = 10, in AtLeastOne;
        /// Gradient steps over the whole run
        gradient_steps: u64 = 40_000, in AtLeastOne;
        /// States per gradient step
        batch_size: u64 = 128, in Batch;
        /// Step size of the optimiser, a number or a schedule over gradient steps
        learning_rate: Schedule = 2e-3, in NotNegative;
        /// Temperature in units of the mean gap between the teacher's two highest action values
        temperature: f64 = 0.03, in Positive, needs Is("divergence", &["kl", "reverse-kl"]);
        /// Loss of the student: a divergence at the temperature, the distance of action values, or the
        /// teacher's best action alone. Source: Rusu et al. 2015, section 3.2
        divergence: PolicyDivergence = PolicyDivergence::Kl, in Any;
        /// Probability that the teacher plays an episode after the first round; 1 is the paper, 0 is DAgger
        teacher_plays: f64 = 0.5, in Unit, needs Above("rounds", 1), needs Unset("data");
        /// Probability of a random action while collecting. Source: Rusu et al. 2015, section 4
        epsilon: f64 = 0.05, in Unit, needs Unset("data");
    }
}

impl PolicyDistillConfig {
    fn divergence(&self) -> Divergence {
        let temperature = self.temperature as f32;
        match self.divergence {
            PolicyDivergence::Kl => Divergence::KlForward { temperature },
            PolicyDivergence::ReverseKl => Divergence::KlReverse { temperature },
            PolicyDivergence::Mse => Divergence::LogitMse(Centring::None),
            PolicyDivergence::Nll => Divergence::BestClass,
        }
    }

    /// Gradient steps of a round.
    fn round_steps(&self) -> u64 {
        self.gradient_steps.div_ceil(self.rounds)
    }

    /// Gradient steps of all rounds.
    pub fn total_steps(&self) -> u64 {
        self.round_steps().saturating_mul(self.rounds)
    }
}

/// Training of a student policy.
pub struct PolicyDistiller {
    config: PolicyDistillConfig,
    student: Network,
    source: Source,
    collector: Collector,
    optimizer: GuardedStep,
    world: World,
    /// The transfer set of all rounds, if it is recorded; otherwise states are collected. It is no part of
    /// the saved state.
    recorded: Option<Recorded>,
    streams: Streams,
    rounds: u64,
    /// Gradient steps of the running round, and their mean loss.
    position: u64,
    loss: f64,
    episodes: u64,
    /// The transfer set, `states x features`.
    states: Vec<f32>,
    /// The teacher's logits for each state, `states x actions`. A frozen teacher's are computed once.
    teacher_logits: Vec<f32>,
    sampling: Pcg64,
    scratch: Scratch,
}

/// States of a recording, with the teacher's logits for them.
struct Recorded {
    states: Vec<f32>,
    /// Empty before the first step.
    teacher_logits: Vec<f32>,
}

/// States that are answered between two looks at the wish to stop.
const ANSWERED: usize = 4096;

/// Buffers reused from step to step.
#[derive(Default)]
struct Scratch {
    workspace: Workspace,
    inputs: Vec<f32>,
    targets: Vec<f32>,
    d_logits: Vec<f32>,
    buffers: Buffers,
}

/// The results of a round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Round {
    /// The mean loss over its gradient steps.
    pub loss: f64,
    /// States in the transfer set.
    pub states: u64,
}

impl PolicyDistiller {
    /// Inputs and outputs of a student: the teacher's inputs, as an image for a convolutional network, and
    /// one logit per action.
    pub fn ends(spec: &NetworkSpec, teacher: &Network) -> Ends {
        let Ends { inputs, choices, .. } = *teacher.ends();
        if spec.stages.is_empty() { Ends::new(inputs.count(), choices) } else { Ends::new(inputs, choices) }
    }

    /// Initialises a student of this teacher in this environment, with the optimiser's [defaults](OptimizerConfig::student).
    pub fn new(
        config: PolicyDistillConfig,
        spec: &NetworkSpec,
        teacher: Network,
        world: impl Into<World>,
        streams: Streams,
    ) -> Self {
        Self::with((config, OptimizerConfig::student()), spec, teacher, world, streams)
    }

    /// Initialises a student of this teacher in this environment.
    pub fn with(
        (config, optimizer): (PolicyDistillConfig, OptimizerConfig),
        spec: &NetworkSpec,
        teacher: Network,
        world: impl Into<World>,
        streams: Streams,
    ) -> Self {
        let ends = Self::ends(spec, &teacher);
        let mut rng = streams.stream("initialisation");
        let mut spec = spec.clone();
        if spec.input_divisor == 1 {
            // The bytes of images are scaled for the student as for the teacher.
            spec.input_divisor = teacher.spec().input_divisor;
        }
        let student = spec.initialised(&ends, optimizer.initialisation(), &mut rng);
        Self {
            optimizer: GuardedStep::new(&optimizer, student.parameters().len()),
            student,
            source: Source::new(Teacher::frozen(teacher)),
            collector: Collector::with_teacher_share(config.teacher_plays),
            world: world.into(),
            recorded: None,
            streams,
            rounds: 0,
            position: 0,
            loss: 0.0,
            episodes: 0,
            states: Vec::new(),
            teacher_logits: Vec::new(),
            sampling: streams.stream("replay"),
            scratch: Scratch::default(),
            config: PolicyDistillConfig {
                learning_rate: config.learning_rate.of_run(config.total_steps()),
                ..config
            },
        }
    }

    /// Learns from these states, `states x features`, in place of those that it would collect.
    ///
    /// # Panics
    /// If there are none, or not whole ones.
    #[must_use]
    pub fn on_recorded(self, states: Vec<f32>) -> Self {
        assert!(
            !states.is_empty() && states.len().is_multiple_of(self.student.inputs()),
            "states of the student"
        );
        Self { recorded: Some(Recorded { states, teacher_logits: Vec::new() }), ..self }
    }

    /// The student.
    pub fn student(&self) -> &Network {
        &self.student
    }

    /// The policy of the student.
    pub fn model(&self) -> Model {
        self.world.model(&self.student)
    }

    /// Learning rate, gradient norm and number of the gradient steps so far.
    pub fn measured(&self) -> [(&'static str, f64); 3] {
        self.optimizer.measured(self.config.learning_rate)
    }

    /// Takes over the parameters of a model for the student, before training.
    ///
    /// # Errors
    /// If its architecture is another.
    pub fn start_from(&mut self, model: &Model) -> Result<(), String> {
        let own = self.model();
        match (model, &own) {
            (Model::Control(theirs), Model::Control(ours)) if theirs.is_like(ours) => {
                self.student.copy_from(theirs.network());
                Ok(())
            }
            (_, Model::Control(_)) => Err(model.misfit(&own)),
            _ => model.copy_to_network(&mut self.student),
        }
    }

    /// The mean gap between the teacher's two highest action values, which is the unit of the temperature; 1 for actions of
    /// a box.
    pub fn gap(&self) -> f32 {
        self.source.scale()
    }

    /// States in the transfer set.
    pub fn transfer_states(&self) -> u64 {
        let states = self.recorded.as_ref().map_or(&self.states, |recorded| &recorded.states);
        (states.len() / self.student.inputs()) as u64
    }

    /// Rounds so far.
    pub fn rounds(&self) -> u64 {
        self.rounds
    }

    /// Gradient steps so far.
    pub fn steps(&self) -> u64 {
        self.rounds * self.config.round_steps() + self.position
    }

    /// Makes one gradient step, the first of a round after collecting; returns the round's results after its
    /// last.
    ///
    /// # Errors
    /// If the environment refuses a step, or a loss or a gradient is not finite; the parameters are then
    /// unchanged.
    pub fn step(&mut self) -> Result<Option<Round>, LearnError> {
        self.step_unless(&|| false)
    }

    /// The same as [`step`](Self::step), but stops in the middle of collecting, with nothing changed.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub(crate) fn step_unless(
        &mut self,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<Round>, LearnError> {
        let is_ready = match (&self.recorded, self.position) {
            (Some(_), _) => self.answer_recorded(stop)?,
            (None, 0) => self.collect(stop)?,
            (None, _) => true,
        };
        if !is_ready {
            return Ok(None);
        }
        let steps = self.config.round_steps();
        self.loss += self.gradient_step()? / steps as f64;
        self.position += 1;
        if self.position < steps {
            return Ok(None);
        }
        self.position = 0;
        self.rounds += 1;
        Ok(Some(Round { loss: std::mem::take(&mut self.loss), states: self.transfer_states() }))
    }

    /// Collects the states of a round and the teacher's logits for them. Returns false, with nothing changed, if it was stopped.
    fn collect(&mut self, stop: &(dyn Fn() -> bool + Sync)) -> Result<bool, LearnError> {
        let share = (self.rounds + 1) as f64 / self.config.rounds as f64;
        let goal = (self.config.transfer_states as f64 * share) as u64;
        let (known, episodes) = (self.states.len(), self.episodes);
        if !self.play(goal.max(1), stop)? {
            self.states.truncate(known);
            self.episodes = episodes;
            return Ok(false);
        }
        if self.rounds == 0 && matches!(self.world, World::Choices(_)) {
            self.source.standardise_on(&self.states);
        }
        answer(&mut self.source, &self.states[known..], &mut self.teacher_logits)?;
        Ok(true)
    }

    /// Computes the teacher's logits for recorded states, if that was not done. Returns false if it was
    /// stopped.
    fn answer_recorded(&mut self, stop: &(dyn Fn() -> bool + Sync)) -> Result<bool, LearnError> {
        let is_first = self.steps() == 0 && matches!(self.world, World::Choices(_));
        let width = self.student.inputs();
        let Some(Recorded { states, teacher_logits }) = &mut self.recorded else { return Ok(true) };
        if !teacher_logits.is_empty() {
            return Ok(true);
        }
        if stop() {
            return Ok(false);
        }
        if is_first {
            self.source.standardise_on(states);
        }
        let mut logits = Vec::new();
        for part in states.chunks(ANSWERED * width) {
            if stop() {
                return Ok(false);
            }
            answer(&mut self.source, part, &mut logits)?;
        }
        *teacher_logits = logits;
        Ok(true)
    }

    /// Plays whole episodes until the transfer set has `goal` states; returns false if it was stopped before.
    fn play(&mut self, goal: u64, stop: &(dyn Fn() -> bool + Sync)) -> Result<bool, EnvError> {
        while self.transfer_states() < goal {
            let seed = self.streams.seed_for("environment", self.episodes);
            let mut rng = Streams::new(seed).stream("actor");
            self.episodes += 1;
            // An untrained student would visit no useful states.
            let teacher_plays = self.rounds == 0 || self.collector.teacher_plays(&mut rng);
            let player = match self.source.teacher() {
                Some(teacher) if teacher_plays => teacher.network(),
                _ => &self.student,
            };
            let (epsilon, states) = (self.config.epsilon, &mut self.states);
            if !self.world.play(stop, player, epsilon, seed, &mut rng, states)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn gradient_step(&mut self) -> Result<f64, LearnError> {
        let done = self.steps();
        let (features, actions) = (self.student.inputs(), self.student.outputs());
        let samples = self.config.batch_size as usize;
        let Scratch { workspace, inputs, targets, d_logits, buffers } = &mut self.scratch;
        let (states, teacher_logits) = match &self.recorded {
            Some(recorded) => (&recorded.states, &recorded.teacher_logits),
            None => (&self.states, &self.teacher_logits),
        };
        inputs.clear();
        targets.clear();
        for _ in 0..samples {
            let index = self.sampling.below(states.len() / features);
            inputs.extend_from_slice(&states[index * features..][..features]);
            targets.extend_from_slice(&teacher_logits[index * actions..][..actions]);
        }
        let logits = self.student.forward(inputs, workspace);
        d_logits.resize(logits.len(), 0.0);
        let loss = self.world.squared_distance(targets, logits, d_logits).unwrap_or_else(|| {
            let outputs = Batch { teacher: targets, student: logits, samples, labels: &[] };
            self.config.divergence().of_batch(outputs, buffers, d_logits)
        });
        let (rate, student) = (self.config.learning_rate.at(done, 1), &mut self.student);
        self.optimizer.step(rate, student, d_logits, workspace, loss, &[("state", &**inputs)])?;
        Ok(f64::from(loss))
    }
}

/// Appends the teacher's logits for some states.
fn answer(source: &mut Source, inputs: &[f32], teacher_logits: &mut Vec<f32>) -> Result<(), LearnError> {
    let logits = source.logits(Samples { inputs, indices: &[] });
    if let Some(error) = not_finite(&[("state", inputs), ("teacher's logit", logits)]) {
        return Err(error);
    }
    teacher_logits.extend_from_slice(logits);
    Ok(())
}

snapshot! {
    impl Restorable for PolicyDistiller {
        saved: student, source as "teacher", optimizer as "optimiser", sampling, rounds,
            position via below(config.round_steps() as usize), loss, episodes,
            states via Counted { count: "transfer_states", limit: usize::MAX / 4, width: student.inputs() },
            teacher_logits as "answers" via OfLength(states.len() / student.inputs() * student.outputs());
        built: config, collector, world, recorded, streams, scratch;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use potstill_core::Restorable;

    #[test]
    fn a_student_of_recorded_states_is_saved_without_them_and_goes_on_to_the_same_bits() {
        let teacher = "mlp:8".parse::<NetworkSpec>().unwrap().build(2, 3, &mut Pcg64::new(1));
        let mut rng = Pcg64::new(2);
        let states: Vec<f32> = (0..600).map(|_| rng.normal() as f32).collect();
        let config =
            PolicyDistillConfig { rounds: 2, gradient_steps: 40, batch_size: 8, ..Default::default() };
        let new = || {
            let env = potstill_env::registry::find("MountainCar-v0").unwrap().make_features().unwrap();
            let spec = "mlp:4".parse().unwrap();
            let distiller =
                PolicyDistiller::new(config.clone(), &spec, teacher.clone(), env, Streams::new(3));
            distiller.on_recorded(states.clone())
        };
        let run = |distiller: &mut PolicyDistiller, steps: u32| {
            (0..steps).for_each(|_| _ = distiller.step().unwrap());
        };
        let (mut whole, mut first) = (new(), new());
        run(&mut whole, 40);
        run(&mut first, 13);
        let saved = first.snapshot();
        assert_eq!((first.transfer_states(), saved.u64("transfer_states").unwrap()), (300, 0));
        let mut second = new();
        second.restore(&saved).unwrap();
        run(&mut second, 27);
        assert_eq!((second.rounds(), second.gap()), (2, whole.gap()));
        assert_eq!(second.student(), whole.student());
        assert_eq!(second.snapshot(), whole.snapshot());
        // A stop leaves nothing half done.
        let mut stopped = new();
        assert_eq!(stopped.step_unless(&|| true).unwrap(), None);
        assert_eq!((stopped.steps(), stopped.snapshot()), (0, new().snapshot()));
    }
}
