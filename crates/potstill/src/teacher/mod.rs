//! The teacher: a network that makes the training targets of another, and that may lag behind it.
//!
//! | method | teacher | [`Refresh`] | target |
//! |---|---|---|---|
//! | knowledge distillation (Hinton et al. 2015) | a trained network, [`frozen`](Teacher::frozen) | never | its softmax at a temperature ([`crate::distill`]) |
//! | DQN (Mnih et al. 2015) | a copy of the student, the [target network](Teacher::target_network) | every `n` ticks, `tau` 1 | a Bellman operator on its values ([`crate::targets`]) |
//! | soft target networks (Lillicrap et al. 2016), mean teachers (Tarvainen and Valpola 2017) | the same | every tick, `tau` below 1 | either |
//!
//! One type serves both: its outputs become targets, it may be refreshed from its student, and it reports its
//! age and drift. They differ in one point: a distillation teacher knows more than its student, a target
//! network knows less, and new information reaches it only through the reward.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::nn::NetworkSpec;
//! use potstill::teacher::Teacher;
//!
//! let spec: NetworkSpec = "mlp:8".parse()?;
//! let mut rng = Streams::new(1).stream("initialisation");
//! let (old, student) = (spec.build(4, 2, &mut rng), spec.build(4, 2, &mut rng));
//! // A target network: a copy that is refreshed on every second tick.
//! let mut teacher = Teacher::target_network(&old, 2, 1.0);
//! teacher.tick(1, &student);
//! assert!(teacher.distance(&student) > Some(0.0) && teacher.age() == 1);
//! teacher.tick(1, &student);
//! assert_eq!((teacher.distance(&student), teacher.age()), (Some(0.0), 0));
//! # Ok::<(), potstill::nn::spec::SpecError>(())
//! ```

use potstill_core::snapshot::{Codec, Counter, Field, IfPresent};
use potstill_core::{Pcg64, Snapshot, SnapshotError, snapshot};
use potstill_nn::{Network, Workers, Workspace, kernels};

/// The schedule of refreshes from the student.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Refresh {
    /// Never: the teacher is frozen.
    Never,
    /// On every `n`-th tick: `teacher += tau * (student - teacher)`.
    Every {
        /// Ticks between refreshes, at least 1. A tick is a step of the environment or of the optimiser, as
        /// the caller of [`Teacher::tick`] chooses.
        n: u64,
        /// Polyak coefficient: 1 is a hard copy, below 1 an exponential moving average.
        tau: f32,
    },
}

/// A source of training targets for a student: a network that may lag behind it.
#[derive(Clone, Debug)]
pub struct Teacher {
    network: Network,
    refresh: Refresh,
    /// Ticks since the last refresh.
    age: u64,
    /// The drift at the last refresh before which the student had moved.
    last_drift: f64,
    workspace: Workspace,
}

/// The codec of a network that is saved only if it can change.
struct IfLagging(Refresh);

impl Codec<Network> for IfLagging {
    fn save(&self, network: &Network, name: &str, snapshot: &mut Snapshot) {
        if self.0 != Refresh::Never {
            network.save(name, snapshot);
        }
    }

    fn load(&self, network: &mut Network, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        if self.0 == Refresh::Never { Ok(()) } else { network.load(name, snapshot) }
    }
}

snapshot! {
    impl Restorable for Teacher {
        saved: age as "staleness" via Counter, last_drift as "moved" via IfPresent,
            network as "copy" via IfLagging(*refresh);
        built: refresh, workspace;
    }
}

impl Teacher {
    /// A trained network that never changes.
    pub fn frozen(network: Network) -> Self {
        Self { network, refresh: Refresh::Never, age: 0, last_drift: 0.0, workspace: Workspace::default() }
    }

    /// A copy of the student that moves towards it on every `n`-th tick by `tau`.
    ///
    /// # Panics
    /// If `n` is 0, or `tau` is not in `(0, 1]`.
    pub fn target_network(student: &Network, n: u64, tau: f32) -> Self {
        assert!(n > 0 && tau > 0.0 && tau <= 1.0, "a refresh every {n} ticks by {tau}");
        Self { refresh: Refresh::Every { n, tau }, ..Self::frozen(student.clone()) }
    }

    /// Returns true if the teacher never changes.
    pub fn is_frozen(&self) -> bool {
        self.refresh == Refresh::Never
    }

    /// Computes the outputs with these threads.
    #[must_use]
    pub fn with_workers(self, workers: Workers) -> Self {
        Self { workspace: Workspace::new(workers), ..self }
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The outputs of the network: logits, action values or distributions, `samples x outputs`, of inputs that are
    /// `samples x inputs`.
    pub fn outputs(&mut self, inputs: &[f32]) -> &[f32] {
        self.network.predict(inputs, &mut self.workspace)
    }

    /// The quantiles of an implicit distribution at the probabilities `taus`, 0 to 1 and `samples x n`: `samples x n x
    /// outputs`.
    ///
    /// # Panics
    /// If there are not as many probabilities for each sample.
    pub fn outputs_at(&mut self, inputs: &[f32], taus: &[f32]) -> &[f32] {
        self.network.forward_at(inputs, taus, &mut self.workspace)
    }

    /// The value of each choice for `samples` inputs, into `means`, `samples x choices`; of a distribution its mean.
    pub fn means(&mut self, samples: usize, inputs: &[f32], means: &mut Vec<f32>) {
        let outputs = self.network.predict(inputs, &mut self.workspace);
        self.network.means(samples, outputs, means);
    }

    /// Draws new noise for the weights of a noisy network.
    pub fn draw_noise(&mut self, rng: &mut Pcg64) {
        self.network.draw_noise(rng);
    }

    /// Advances the clock by `count` ticks; on every `n`-th the teacher is refreshed. Several refreshes
    /// within `count`, as with many copies of the environment, are done as one.
    pub fn tick(&mut self, count: u64, student: &Network) {
        let Refresh::Every { n, tau } = self.refresh else { return };
        self.age += count;
        if self.age < n {
            return;
        }
        self.age %= n;
        let drift = kernels::distance(self.network.parameters(), student.parameters());
        // The teacher may be refreshed more often than the student is updated.
        if drift > 0.0 {
            self.last_drift = drift;
        }
        self.network.polyak_update(student, tau);
    }

    /// Ticks since the last refresh.
    pub fn age(&self) -> u64 {
        self.age
    }

    /// Takes the student's parameters, as at the beginning.
    pub(crate) fn copy_from(&mut self, student: &Network) {
        self.network.polyak_update(student, 1.0);
    }

    /// Drift: the larger of two Euclidean distances between the parameters of student and teacher, the present
    /// one and the one just before the last refresh. `None` if their architectures differ.
    pub fn drift(&self, student: &Network) -> Option<f64> {
        Some(self.distance(student)?.max(self.last_drift))
    }

    /// The Euclidean distance between the parameters of teacher and student; `None` if their architectures
    /// differ.
    pub fn distance(&self, student: &Network) -> Option<f64> {
        let (own, theirs) = (self.network.parameters(), student.parameters());
        (own.len() == theirs.len()).then(|| kernels::distance(own, theirs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use potstill_core::{Pcg64, Restorable};
    use potstill_nn::NetworkSpec;

    fn networks() -> (Network, Network) {
        let spec: NetworkSpec = "mlp:3".parse().unwrap();
        let mut rng = Pcg64::new(1);
        (spec.build(2, 2, &mut rng), spec.build(2, 2, &mut rng))
    }

    #[test]
    fn the_refresh_falls_on_step_n() {
        let (old, student) = networks();
        for n in [1, 2, 5] {
            let mut teacher = Teacher::target_network(&old, n, 1.0);
            for step in 1..=2 * n {
                teacher.tick(1, &student);
                assert_eq!(teacher.age(), step % n);
                let expected = if step >= n { &student } else { &old };
                assert_eq!(teacher.network(), expected, "every {n}, step {step}");
            }
        }
    }

    #[test]
    fn the_distance_to_a_resting_student_shrinks_by_one_minus_tau() {
        let (old, student) = networks();
        let mut teacher = Teacher::target_network(&old, 1, 0.25);
        let mut expected = teacher.distance(&student).unwrap();
        for _ in 0..10 {
            teacher.tick(1, &student);
            expected *= 0.75;
            let distance = teacher.distance(&student).unwrap();
            assert!((distance - expected).abs() < 1e-6, "{distance} {expected}");
        }
    }

    #[test]
    fn a_copy_on_every_tick_is_the_student_and_a_frozen_teacher_never_moves() {
        let (old, student) = networks();
        let (mut live, mut frozen) = (Teacher::target_network(&old, 1, 1.0), Teacher::frozen(old.clone()));
        let inputs = [0.3, -0.7];
        for _ in 0..3 {
            live.tick(1, &student);
            frozen.tick(1, &student);
            assert_eq!(live.outputs(&inputs), student.predict(&inputs, &mut Workspace::default()));
            assert_eq!((frozen.network(), frozen.age()), (&old, 0));
        }
    }

    #[test]
    fn the_drift_before_the_last_refresh_is_remembered() {
        let (old, student) = networks();
        let mut teacher = Teacher::target_network(&old, 3, 1.0);
        let far = teacher.distance(&student);
        for step in 1..=9 {
            teacher.tick(1, &student);
            assert_eq!(teacher.distance(&student), if step < 3 { far } else { Some(0.0) });
            assert_eq!(teacher.drift(&student), far);
        }
    }

    #[test]
    fn ticks_of_many_copies_are_counted_together() {
        let (old, student) = networks();
        let mut teacher = Teacher::target_network(&old, 25, 1.0);
        for expected in [10, 20, 5, 15, 0, 10] {
            teacher.tick(10, &student);
            assert_eq!(teacher.age(), expected);
        }
    }

    #[test]
    fn a_restored_teacher_is_as_old_as_it_was() {
        let (old, student) = networks();
        let mut teacher = Teacher::target_network(&old, 3, 0.5);
        (0..4).for_each(|_| teacher.tick(1, &student));
        let mut copy = Teacher::target_network(&student, 3, 0.5);
        copy.restore(&teacher.snapshot()).unwrap();
        for _ in 0..4 {
            teacher.tick(1, &student);
            copy.tick(1, &student);
            assert_eq!(teacher.snapshot(), copy.snapshot());
        }
    }
}
