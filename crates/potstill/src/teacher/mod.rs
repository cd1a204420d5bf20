//! The spine: a teacher makes the training targets of another network. It has four parts that vary on their own.
//!
//! | part | question | values |
//! |---|---|---|
//! | [`Producer`] | who answers? | a frozen network, recorded answers, a delayed copy of the student |
//! | [`Refresh`] | when does it learn? | never, or every `n` ticks of a clock by `tau` (1 a hard copy, below 1 a moving average) |
//! | [`View`] | how is the answer read? | softmax at a temperature, or through the Bellman equation |
//! | [`Inputs`] | who chooses the questions? | a dataset, the teacher's states, the student's states, a mix |
//!
//! Knowledge distillation is frozen + never + softmax; the target network of DQN is copy + every `n` + Bellman. They differ
//! in one thing that matters: a distillation teacher knows more than its student, a target network knows less,
//! and new information reaches it only through the reward.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::nn::NetworkSpec;
//! use potstill::teacher::{Clock, Refresh, Teacher};
//!
//! let spec: NetworkSpec = "mlp:8".parse()?;
//! let mut rng = Streams::new(1).stream("initialisation");
//! let (old, student) = (spec.build(4, 2, &mut rng), spec.build(4, 2, &mut rng));
//! // A target network: a copy that follows every second step.
//! let mut teacher = Teacher::target_network(&old, Refresh::Every { n: 2, tau: 1.0, clock: Clock::EnvStep }, false);
//! teacher.tick(Clock::EnvStep, &student);
//! assert!(teacher.distance(&student) > Some(0.0));
//! teacher.tick(Clock::EnvStep, &student);
//! assert_eq!(teacher.distance(&student), Some(0.0));
//! # Ok::<(), potstill::nn::spec::SpecError>(())
//! ```

use crate::targets;
use potstill_core::{Pcg64, Restorable, Snapshot, SnapshotError, Value};
use potstill_nn::{Network, Workers, Workspace, kernels};

/// Who answers.
#[derive(Clone, Debug)]
pub enum Producer {
    /// A trained network that no longer changes.
    Frozen(Network),
    /// The student as it was some time ago.
    CopyOfStudent(Network),
    /// Answers written down beforehand: `samples x outputs`, looked up by the sample's index.
    Recorded {
        /// Outputs of one sample.
        outputs: usize,
        /// All answers.
        answers: Vec<f32>,
    },
}

/// What a refresh is timed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Steps in the environment.
    EnvStep,
    /// Steps of the optimiser.
    GradStep,
}

/// When the teacher takes over what the student has learned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Refresh {
    /// Never: the teacher is fixed.
    Never,
    /// On every `n`-th tick of `clock`: `teacher += tau * (student - teacher)`.
    Every {
        /// Ticks between refreshes, at least 1.
        n: u64,
        /// 1 is a hard copy, below 1 an exponential moving average.
        tau: f32,
        /// What ticks.
        clock: Clock,
    },
}

/// How the teacher's answer becomes a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum View {
    /// As logits for a softmax at `temperature`. With `standardise` they are first divided by the mean gap between the
    /// teacher's two best outputs, so that the temperature does not depend on the scale of the rewards.
    Softmax {
        /// Above 0.
        temperature: f32,
        /// Divide by the gap.
        standardise: bool,
    },
    /// As action values, or distributions of returns, of the next state in the Bellman equation.
    Bellman {
        /// Who chooses the next action: the teacher itself, or the student whose values it then tells (van Hasselt, Guez and Silver 2016).
        double: bool,
    },
}

/// Who chooses the questions, that is, visits the states on which the teacher is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Inputs {
    /// A dataset or a replay buffer.
    Dataset,
    /// The teacher acts.
    TeacherStates,
    /// The student acts and the teacher corrects it (DAgger; Ross, Gordon and Bagnell 2011).
    StudentStates,
    /// The teacher acts in an episode with this probability, else the student.
    Mix(f64),
}

/// What the teacher is asked about: samples by value and by index.
#[derive(Clone, Copy, Debug)]
pub struct Questions<'a> {
    /// `samples x inputs`; a network reads these.
    pub inputs: &'a [f32],
    /// The index of each sample in its dataset; a record reads these. May be empty for a network.
    pub indices: &'a [usize],
}

/// A source of training targets for a student.
#[derive(Clone, Debug)]
pub struct Teacher {
    producer: Producer,
    refresh: Refresh,
    view: View,
    inputs: Inputs,
    /// Ticks of the refresh's clock since the last refresh.
    staleness: u64,
    /// How far the student had moved away when it was last taken over from, if it had moved at all.
    moved: f64,
    /// What the softmax view divides by.
    scale: f32,
    workspace: Workspace,
    answers: Vec<f32>,
}

impl Teacher {
    /// A distillation teacher: a trained network, read through a softmax.
    pub fn frozen(network: Network, temperature: f32, inputs: Inputs) -> Self {
        let view = View::Softmax { temperature, standardise: false };
        Self::new(Producer::Frozen(network), Refresh::Never, view, inputs)
    }

    /// A target network: a copy of the student, refreshed by a clock, read through the Bellman equation.
    pub fn target_network(student: &Network, refresh: Refresh, double: bool) -> Self {
        let view = View::Bellman { double };
        Self::new(Producer::CopyOfStudent(student.clone()), refresh, view, Inputs::Dataset)
    }

    /// The same, whose answers are computed by these threads.
    pub fn on(self, workers: Workers) -> Self {
        Self { workspace: Workspace::new(workers), ..self }
    }

    /// A teacher of these four parts.
    ///
    /// # Panics
    /// If `refresh` is every 0 ticks, or a producer that is no copy is to be refreshed.
    pub fn new(producer: Producer, refresh: Refresh, view: View, inputs: Inputs) -> Self {
        if let Refresh::Every { n, tau, .. } = refresh {
            assert!(n > 0 && tau > 0.0 && tau <= 1.0, "a refresh every {n} ticks by {tau}");
            assert!(
                matches!(producer, Producer::CopyOfStudent(_)),
                "only a copy of the student is refreshed"
            );
        }
        Self {
            producer,
            refresh,
            view,
            inputs,
            staleness: 0,
            moved: 0.0,
            scale: 1.0,
            workspace: Workspace::default(),
            answers: Vec::new(),
        }
    }

    /// Who chooses the questions.
    pub fn inputs(&self) -> Inputs {
        self.inputs
    }

    /// Softmax view: the temperature that its answers, and those of a student, are to be taken at.
    ///
    /// # Panics
    /// If the view is another.
    pub fn temperature(&self) -> f32 {
        let View::Softmax { temperature, .. } = self.view else { panic!("a temperature is for a softmax") };
        temperature
    }

    /// What the softmax view divides by: 1, or the gap that [`standardise_on`](Self::standardise_on) measured.
    pub fn scale(&self) -> f32 {
        self.scale
    }

    /// The network, unless the answers are recorded.
    pub fn network(&self) -> Option<&Network> {
        match &self.producer {
            Producer::Frozen(network) | Producer::CopyOfStudent(network) => Some(network),
            Producer::Recorded { .. } => None,
        }
    }

    /// Writes the answers to a whole dataset down, so that each is computed once. The targets stay the same bit for bit.
    pub fn record(&mut self, inputs: &[f32]) {
        if let Some(network) = self.network() {
            let outputs = network.ends().choices;
            self.producer = Producer::Recorded { outputs, answers: values(network, inputs) };
        }
    }

    /// Measures what the softmax view divides by, if it standardises: the mean gap over these inputs.
    pub fn standardise_on(&mut self, inputs: &[f32]) {
        if let (View::Softmax { standardise: true, .. }, Some(network)) = (self.view, self.network()) {
            let gap = targets::mean_gap(&values(network, inputs), network.ends().choices);
            // A teacher that prefers nothing anywhere teaches at its own scale.
            self.scale = if gap > 0.0 { gap } else { 1.0 };
        }
    }

    /// Softmax view: the logits to be taken at the view's temperature, `samples x outputs`.
    ///
    /// # Panics
    /// If the view is another.
    pub fn logits(&mut self, questions: Questions<'_>) -> &[f32] {
        assert!(matches!(self.view, View::Softmax { .. }), "logits are for a softmax");
        let scale = self.scale;
        self.answers.clear();
        match &self.producer {
            Producer::Frozen(network) | Producer::CopyOfStudent(network) => {
                let samples = questions.inputs.len() / network.inputs();
                let outputs = network.predict(questions.inputs, &mut self.workspace);
                network.means(samples, outputs, &mut self.answers);
                self.answers.iter_mut().for_each(|z| *z /= scale);
            }
            Producer::Recorded { outputs, answers } => {
                for &index in questions.indices {
                    self.answers.extend(answers[index * outputs..][..*outputs].iter().map(|z| z / scale));
                }
            }
        }
        &self.answers
    }

    /// Bellman view: `G + discount max_a Q(s', a)` for each sample, or with `double` `G + discount Q(s', a)` at the best `a` of the student's
    /// values, `samples x actions`. The discount is 0 after a terminal state.
    ///
    /// # Panics
    /// If the view is another, or the answers are recorded.
    pub fn bellman(
        &mut self,
        (returns, discounts): (&[f32], &[f32]),
        next: &[f32],
        student_values: &[f32],
        targets: &mut Vec<f32>,
    ) {
        let View::Bellman { double } = self.view else {
            panic!("a Bellman target is made by a network of action values");
        };
        let values = self.answers(next);
        match double {
            false => targets::bellman_max(returns, discounts, values, targets),
            true => targets::bellman_double(returns, discounts, values, student_values, targets),
        }
    }

    /// Whether the student chooses the next action.
    pub fn is_double(&self) -> bool {
        self.view == View::Bellman { double: true }
    }

    /// The network's outputs, as they are.
    ///
    /// # Panics
    /// If the answers are recorded.
    pub fn answers(&mut self, inputs: &[f32]) -> &[f32] {
        let (Producer::Frozen(network) | Producer::CopyOfStudent(network)) = &self.producer else {
            panic!("recorded answers are looked up")
        };
        network.predict(inputs, &mut self.workspace)
    }

    /// The quantiles of an implicit distribution at these probabilities, `samples x n`.
    ///
    /// # Panics
    /// If the answers are recorded, or the network is of another kind.
    pub fn answers_at(&mut self, inputs: &[f32], taus: &[f32]) -> &[f32] {
        let (Producer::Frozen(network) | Producer::CopyOfStudent(network)) = &self.producer else {
            panic!("recorded answers are looked up")
        };
        network.forward_at(inputs, taus, &mut self.workspace)
    }

    /// New noise on the weights, if there is noise on them.
    pub fn draw_noise(&mut self, rng: &mut Pcg64) {
        if let Producer::CopyOfStudent(network) = &mut self.producer {
            network.draw_noise(rng);
        }
    }

    /// One tick of a clock; on the `n`-th tick of its own the teacher takes over from the student.
    pub fn tick(&mut self, ticked: Clock, student: &Network) {
        self.ticks(ticked, 1, student);
    }

    /// Several ticks at once, as of copies of an environment that are stepped together. If more than one refresh falls among them, there is
    /// one.
    pub fn ticks(&mut self, ticked: Clock, count: u64, student: &Network) {
        let Refresh::Every { n, tau, clock } = self.refresh else { return };
        if ticked != clock {
            return;
        }
        self.staleness += count;
        if self.staleness < n {
            return;
        }
        self.staleness %= n;
        if let Producer::CopyOfStudent(copy) = &mut self.producer {
            let moved = kernels::distance(copy.parameters(), student.parameters());
            // Between updates of the student there may be many refreshes.
            if moved > 0.0 {
                self.moved = moved;
            }
            copy.follow(student, tau);
        }
    }

    /// Ticks of its clock since the last refresh.
    pub fn staleness(&self) -> u64 {
        self.staleness
    }

    /// How far the student moves away in a term of the teacher: its distance now, or when it was last taken over from after it had moved,
    /// whichever is larger; `None` where there is no network.
    pub fn distance_in_a_term(&self, student: &Network) -> Option<f64> {
        Some(self.distance(student)?.max(self.moved))
    }

    /// The Euclidean distance between the parameters of teacher and student, if both are networks of one form.
    pub fn distance(&self, student: &Network) -> Option<f64> {
        let network =
            self.network().filter(|network| network.parameters().len() == student.parameters().len())?;
        Some(kernels::distance(network.parameters(), student.parameters()))
    }
}

/// One number for each input and choice: of a distribution its mean.
fn values(network: &Network, inputs: &[f32]) -> Vec<f32> {
    let mut values = Vec::new();
    let mut workspace = Workspace::default();
    network.means(inputs.len() / network.inputs(), network.predict(inputs, &mut workspace), &mut values);
    values
}

impl Restorable for Teacher {
    /// What changes: the copy, its age and the scale. A frozen network or a record comes with the constructor.
    fn snapshot(&self) -> Snapshot {
        let state = Snapshot::new()
            .with("staleness", Value::U64(self.staleness))
            .with("moved", Value::F64(self.moved))
            .with("scale", Value::F64(f64::from(self.scale)));
        match &self.producer {
            Producer::CopyOfStudent(copy) => state.with_part("copy", copy),
            Producer::Frozen(_) | Producer::Recorded { .. } => state,
        }
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.staleness = snapshot.index("staleness", 1 << 62)? as u64;
        // The first checkpoints did not know it.
        self.moved = if snapshot.contains("moved") { snapshot.f64("moved")? } else { 0.0 };
        self.scale = snapshot.f64("scale")? as f32;
        match &mut self.producer {
            Producer::CopyOfStudent(copy) => snapshot.restore_part("copy", copy),
            Producer::Frozen(_) | Producer::Recorded { .. } => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use potstill_core::Pcg64;
    use potstill_nn::NetworkSpec;

    fn networks() -> (Network, Network) {
        let spec: NetworkSpec = "mlp:3".parse().unwrap();
        let mut rng = Pcg64::new(1);
        (spec.build(2, 2, &mut rng), spec.build(2, 2, &mut rng))
    }

    fn target(old: &Network, n: u64, tau: f32) -> Teacher {
        Teacher::target_network(old, Refresh::Every { n, tau, clock: Clock::EnvStep }, false)
    }

    #[test]
    fn the_refresh_falls_on_step_n() {
        let (old, student) = networks();
        for n in [1, 2, 5] {
            let mut teacher = target(&old, n, 1.0);
            for step in 1..=2 * n {
                teacher.tick(Clock::GradStep, &student);
                teacher.tick(Clock::EnvStep, &student);
                assert_eq!(teacher.staleness(), step % n);
                let expected = if step >= n { &student } else { &old };
                assert_eq!(teacher.network(), Some(expected), "every {n}, step {step}");
            }
        }
    }

    #[test]
    fn the_distance_to_a_resting_student_shrinks_by_one_minus_tau() {
        let (old, student) = networks();
        let mut teacher = target(&old, 1, 0.25);
        let mut expected = teacher.distance(&student).unwrap();
        for _ in 0..10 {
            teacher.tick(Clock::EnvStep, &student);
            expected *= 0.75;
            let distance = teacher.distance(&student).unwrap();
            assert!((distance - expected).abs() < 1e-6, "{distance} {expected}");
        }
    }

    #[test]
    fn with_gamma_0_the_target_is_the_reward() {
        let (old, _) = networks();
        let mut targets = Vec::new();
        for double in [false, true] {
            let mut teacher = Teacher::target_network(&old, Refresh::Never, double);
            let (returns, next) = ([3.0, -1.0], [0.3, 0.1, 0.7, 0.9]);
            teacher.bellman((&returns, &[0.0, 0.0]), &next, &[1.0, 2.0, 2.0, 1.0], &mut targets);
            assert_eq!(targets, [3.0, -1.0]);
        }
    }

    #[test]
    fn a_double_teacher_tells_what_it_holds_of_the_students_choice() {
        let (old, student) = networks();
        let mut teacher = Teacher::target_network(&old, Refresh::Never, true);
        let next = [0.3, 0.1];
        let q = teacher.answers(&next).to_vec();
        let mut targets = Vec::new();
        for students in [[1.0, 0.0], [0.0, 1.0]] {
            teacher.bellman((&[2.0], &[0.5]), &next, &students, &mut targets);
            assert_eq!(targets, [2.0 + 0.5 * q[usize::from(students[1] > students[0])]]);
        }
        assert!(teacher.is_double() && teacher.distance(&student) > Some(0.0));
    }

    #[test]
    fn the_way_that_the_student_has_gone_is_remembered() {
        let (old, student) = networks();
        let mut teacher = target(&old, 3, 1.0);
        let far = teacher.distance(&student);
        for step in 1..=9 {
            teacher.tick(Clock::EnvStep, &student);
            assert_eq!(teacher.distance(&student), if step < 3 { far } else { Some(0.0) });
            assert_eq!(teacher.distance_in_a_term(&student), far);
        }
    }

    #[test]
    fn ticks_of_many_copies_are_counted_together() {
        let (old, student) = networks();
        let mut teacher = target(&old, 25, 1.0);
        for expected in [10, 20, 5, 15, 0, 10] {
            teacher.ticks(Clock::EnvStep, 10, &student);
            assert_eq!(teacher.staleness(), expected);
        }
    }

    #[test]
    fn recorded_answers_are_those_of_the_network() {
        let (network, _) = networks();
        let inputs: Vec<f32> = (0..14).map(|i| i as f32 / 7.0 - 1.0).collect();
        let mut asked = Teacher::frozen(network, 4.0, Inputs::Dataset);
        let mut recorded = asked.clone();
        recorded.record(&inputs);
        for indices in [vec![0, 3, 6], vec![5, 5], vec![1]] {
            let rows: Vec<f32> = indices.iter().flat_map(|&i| &inputs[2 * i..2 * i + 2]).copied().collect();
            let questions = Questions { inputs: &rows, indices: &indices };
            assert_eq!(asked.logits(questions), recorded.logits(questions));
        }
    }

    #[test]
    fn standardised_logits_have_a_mean_gap_of_one() {
        let (network, _) = networks();
        let inputs: Vec<f32> = (0..40).map(|i| (i * 7 % 11) as f32 / 5.0 - 1.0).collect();
        let view = View::Softmax { temperature: 1.0, standardise: true };
        let mut teacher =
            Teacher::new(Producer::Frozen(network), Refresh::Never, view, Inputs::TeacherStates);
        teacher.standardise_on(&inputs);
        assert!(teacher.scale() > 0.0 && teacher.scale() != 1.0);
        let logits = teacher.logits(Questions { inputs: &inputs, indices: &[] });
        assert!((targets::mean_gap(logits, 2) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn a_restored_teacher_is_as_old_as_it_was() {
        let (old, student) = networks();
        let mut teacher = target(&old, 3, 0.5);
        (0..4).for_each(|_| teacher.tick(Clock::EnvStep, &student));
        let mut copy = target(&student, 3, 0.5);
        copy.restore(&teacher.snapshot()).unwrap();
        for _ in 0..4 {
            teacher.tick(Clock::EnvStep, &student);
            copy.tick(Clock::EnvStep, &student);
            assert_eq!(teacher.snapshot(), copy.snapshot());
        }
    }
}
