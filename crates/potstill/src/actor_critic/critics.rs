//! Critics of states and actions, with the target networks that lag behind them, or without (CrossQ).

use crate::agent::LearnError;
use crate::deep::TaskSpec;
use crate::experience::Batch;
use crate::optimizer::{GuardedStep, OptimizerConfig, Share, step_together};
use crate::teacher::Teacher;
use potstill_core::{Pcg64, Snapshot, snapshot};
use potstill_nn::{Ends, Network, NetworkSpec, Upstream, Workspace};

use super::networks::squared_error;

/// Critics `Q_1(s, a)` to `Q_N(s, a)`, which take a state and an action side by side, and their target
/// networks, if they have any.
#[derive(Clone, Debug)]
pub struct Critics<const N: usize> {
    critics: [Critic; N],
    targets: Option<[Teacher; N]>,
    /// Components of an action.
    width: usize,
    /// States and actions side by side, `samples x (features + width)`.
    pairs: Vec<f32>,
    /// The least value of each sample.
    least: Vec<f32>,
    /// The critic that gives it.
    least_of: Vec<usize>,
    d_pairs: Vec<f32>,
}

#[derive(Clone, Debug)]
struct Critic {
    network: Network,
    optimizer: GuardedStep,
    workspace: Workspace,
    d_values: Vec<f32>,
}

snapshot! {
    impl Restorable for Critic {
        saved: network, optimizer;
        built: workspace, d_values;
    }
}

snapshot! {
    impl[const N: usize] Restorable for Critics<N> {
        saved: critics as "critic", targets as "target";
        built: width, pairs, least, least_of, d_pairs;
    }
}

/// The measurements of a gradient step of all critics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CriticStep {
    /// The sum of the weighted losses.
    pub(crate) loss: f64,
    /// The mean of `Q_1(s, a)` over the batch, before the step.
    pub(crate) mean_value: f64,
    /// The norm of the gradient of all critics together.
    pub(crate) gradient_norm: f64,
}

/// The names of the critics' parameters and gradients in an error.
const NAMES: [[&str; 2]; 2] =
    [["critic's parameter", "critic's gradient"], ["second critic's parameter", "second critic's gradient"]];

/// The inputs of a critic, and its output.
pub(crate) fn critic_ends(task: &TaskSpec) -> Ends {
    Ends::new(task.inputs.count() + task.action_space.features(), 1)
}

/// Writes states and actions side by side.
fn join(observations: &[f32], actions: &[f32], width: usize, pairs: &mut Vec<f32>) {
    pairs.clear();
    append(observations, actions, width, pairs);
}

/// Appends states and actions side by side.
fn append(observations: &[f32], actions: &[f32], width: usize, pairs: &mut Vec<f32>) {
    let samples = actions.len() / width;
    let features = observations.len() / samples;
    for (observation, action) in observations.chunks_exact(features).zip(actions.chunks_exact(width)) {
        pairs.extend_from_slice(observation);
        pairs.extend_from_slice(action);
    }
}

/// Appends states and actions side by side, several actions of each state after each other.
fn append_several(
    observations: &[f32],
    actions: &[f32],
    (states, width): (usize, usize),
    pairs: &mut Vec<f32>,
) {
    let (features, numbers) = (observations.len() / states, actions.len() / states);
    for (observation, actions) in observations.chunks_exact(features).zip(actions.chunks_exact(numbers)) {
        for action in actions.chunks_exact(width) {
            pairs.extend_from_slice(observation);
            pairs.extend_from_slice(action);
        }
    }
}

/// Takes over the values that are smaller. NaN is kept, and refused with the target that it becomes.
fn lower(least: &mut [f32], values: &[f32]) {
    for (least, &value) in least.iter_mut().zip(values) {
        if value < *least || value.is_nan() {
            *least = value;
        }
    }
}

impl<const N: usize> Critics<N> {
    /// Takes over the parameters of saved critics of this architecture, in the target networks too. Returns
    /// false, with nothing changed, if there are fewer, or they are of other forms.
    pub(crate) fn take_over(&mut self, saved: &Snapshot, spec: &NetworkSpec) -> bool {
        let parameters = |(i, critic): (usize, &Critic)| {
            let (own, saved) =
                (&critic.network, saved.tree(&format!("critic-{i}")).ok()?.tree("network").ok()?);
            (own.spec() == spec).then(|| saved.f32s("parameters", own.parameters().len()).ok()).flatten()
        };
        let all: Option<Vec<&[f32]>> = self.critics.iter().enumerate().map(parameters).collect();
        let Some(all) = all else { return false };
        for (critic, parameters) in self.critics.iter_mut().zip(all) {
            critic.network.update_parameters(|own| own.copy_from_slice(parameters));
        }
        for (target, critic) in self.targets.iter_mut().flatten().zip(&self.critics) {
            target.copy_from(&critic.network);
        }
        true
    }

    /// Critics of one form with different weights, whose target networks move by `tau` on every `n`-th tick;
    /// without a `lag` they have none.
    pub(crate) fn new(
        spec: &NetworkSpec,
        optimizer: &OptimizerConfig,
        lag: Option<(u64, f64)>,
        task: &TaskSpec,
        rng: &mut Pcg64,
    ) -> Self {
        let workspace = || Workspace::new(task.workers.clone());
        let critics = [(); N].map(|()| {
            let network = spec.initialised(&critic_ends(task), optimizer.initialisation(), rng);
            let optimizer = GuardedStep::new(optimizer, network.parameters().len());
            Critic { network, optimizer, workspace: workspace(), d_values: Vec::new() }
        });
        let target = |critic: &Critic, (n, tau): (u64, f64)| {
            Teacher::target_network(&critic.network, n, tau as f32).with_workers(task.workers.clone())
        };
        Self {
            targets: lag.map(|lag| std::array::from_fn(|i| target(&critics[i], lag))),
            critics,
            width: task.action_space.features(),
            pairs: Vec::new(),
            least: Vec::new(),
            least_of: Vec::new(),
            d_pairs: Vec::new(),
        }
    }

    /// The network of a critic.
    pub(crate) fn network(&self, i: usize) -> &Network {
        &self.critics[i].network
    }

    /// The target network of a critic.
    ///
    /// # Panics
    /// If there are none.
    pub(crate) fn target(&self, i: usize) -> &Teacher {
        &self.targets.as_ref().expect("target networks")[i]
    }

    /// Gradient steps so far.
    pub(crate) fn updates(&self) -> u64 {
        self.critics[0].optimizer.updates()
    }

    /// The age of the target networks and the largest drift of one, if there are any.
    pub(crate) fn lag(&self) -> Option<(u64, f64)> {
        let targets = self.targets.as_ref()?;
        let drifts = self.critics.iter().zip(targets).filter_map(|(c, target)| target.drift(&c.network));
        Some((targets[0].age(), drifts.fold(0.0, f64::max)))
    }

    /// The least of the target networks' values of each state and action (clipped double Q-learning, Fujimoto
    /// et al. 2018, equation 10).
    pub(crate) fn target_values(&mut self, observations: &[f32], actions: &[f32]) -> &mut [f32] {
        let Self { targets, width, pairs, least, .. } = self;
        join(observations, actions, *width, pairs);
        least.clear();
        least.resize(actions.len() / *width, f32::INFINITY);
        for target in targets.as_mut().expect("target networks") {
            lower(least, target.outputs(pairs));
        }
        least
    }

    /// The least of the critics' own values of each next state and action, from one pass of both minibatches,
    /// states and next states, through each critic: so the moments of its batch normalisations are those of
    /// both (Bhatt et al. 2024, section 3). A [joint step](Self::joint_step) follows.
    pub(crate) fn joint_values(&mut self, batch: &Batch<[f32]>, next_actions: &[f32]) -> &mut [f32] {
        let Self { critics, width, pairs, least, .. } = self;
        join(&batch.observations, &batch.actions, *width, pairs);
        append(&batch.next_observations, next_actions, *width, pairs);
        let samples = next_actions.len() / *width;
        least.clear();
        least.resize(samples, f32::INFINITY);
        for Critic { network, workspace, .. } in critics {
            lower(least, &network.forward_normalised(pairs, workspace)[samples..]);
        }
        least
    }

    /// A gradient step of all critics along `weight x sum_i mean (Q_i(s, a) - y)^2`.
    ///
    /// # Errors
    /// If the loss or a gradient is not finite. The critics are unchanged.
    pub(crate) fn step(
        &mut self,
        learning_rate: f64,
        batch: &Batch<[f32]>,
        y: &[f32],
        weight: f32,
    ) -> Result<CriticStep, LearnError> {
        let Self { critics, width, pairs, .. } = self;
        join(&batch.observations, &batch.actions, *width, pairs);
        for Critic { network, workspace, .. } in critics {
            network.forward(pairs, workspace);
        }
        self.descend(learning_rate, batch, y, weight, |_, _| 0.0)
    }

    /// A gradient step of all critics along `sum_i mean (Q_i(s, a) - y)^2` and a penalty of each: a loss of
    /// its values of the recorded actions and of `others`, some of each state side by side, behind them,
    /// whose gradient it adds to theirs.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub(crate) fn conservative_step(
        &mut self,
        learning_rate: f64,
        batch: &Batch<[f32]>,
        y: &[f32],
        others: &[f32],
        penalty: impl FnMut(&[f32], &mut [f32]) -> f64,
    ) -> Result<CriticStep, LearnError> {
        let Self { critics, width, pairs, .. } = self;
        join(&batch.observations, &batch.actions, *width, pairs);
        append_several(&batch.observations, others, (y.len(), *width), pairs);
        for Critic { network, workspace, .. } in critics {
            network.forward(pairs, workspace);
        }
        self.descend(learning_rate, batch, y, 1.0, penalty)
    }

    /// The same after [`joint_values`](Self::joint_values), whose next values are constants of the loss. The
    /// moments of its pass go into the running statistics.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub(crate) fn joint_step(
        &mut self,
        learning_rate: f64,
        batch: &Batch<[f32]>,
        y: &[f32],
        weight: f32,
    ) -> Result<CriticStep, LearnError> {
        let step = self.descend(learning_rate, batch, y, weight, |_, _| 0.0)?;
        for Critic { network, workspace, .. } in &mut self.critics {
            network.update_statistics(workspace);
        }
        Ok(step)
    }

    /// A gradient step by the first values of the last passes, as many as there are targets, and by a penalty
    /// of all.
    fn descend(
        &mut self,
        learning_rate: f64,
        batch: &Batch<[f32]>,
        y: &[f32],
        weight: f32,
        mut penalty: impl FnMut(&[f32], &mut [f32]) -> f64,
    ) -> Result<CriticStep, LearnError> {
        let Self { critics, targets, .. } = self;
        let (mut loss, mut penalties) = (0.0, 0.0);
        for Critic { workspace, d_values, .. } in &mut *critics {
            let values = workspace.outputs();
            d_values.clear();
            d_values.resize(values.len(), 0.0);
            let of_batch = &mut d_values[..y.len()];
            loss += weight * squared_error(&values[..y.len()], y, of_batch);
            of_batch.iter_mut().for_each(|d| *d *= weight);
            penalties += penalty(values, d_values);
        }
        let loss = loss + penalties as f32;
        let values = &critics[0].workspace.outputs()[..y.len()];
        let mean_value = values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
        let of_target = targets.as_ref().map_or(&[][..], |targets| targets[0].network().parameters());
        let seen: [(&str, &[f32]); 6] = [
            ("observation", &batch.observations),
            ("action", &batch.actions),
            ("reward", &batch.returns),
            ("next observation", &batch.next_observations),
            ("target network's parameter", of_target),
            ("target", y),
        ];
        let mut names = NAMES.into_iter();
        let shares = critics.each_mut().map(|Critic { network, optimizer, workspace, d_values }| Share {
            names: names.next().expect("a name for each critic"),
            network,
            optimizer,
            upstream: (&**d_values).into(),
            workspace,
        });
        step_together(learning_rate, shares, loss, &seen)?;
        let gradient_norm = critics[0].optimizer.gradient_norm();
        Ok(CriticStep { loss: f64::from(loss), mean_value, gradient_norm })
    }

    /// The mean over the samples of the least value of the first `count` critics, and the gradient of minus
    /// that mean with respect to the actions.
    pub(crate) fn ascent(
        &mut self,
        count: usize,
        observations: &[f32],
        actions: &[f32],
        d_actions: &mut Vec<f32>,
    ) -> f64 {
        let Self { critics, width, pairs, least, least_of, d_pairs, .. } = self;
        join(observations, actions, *width, pairs);
        let samples = actions.len() / *width;
        least.clear();
        least.resize(samples, f32::INFINITY);
        least_of.clear();
        least_of.resize(samples, 0);
        for (i, Critic { network, workspace, .. }) in critics[..count].iter_mut().enumerate() {
            let values = network.forward(pairs, workspace);
            for ((least, of), &value) in least.iter_mut().zip(&mut *least_of).zip(values) {
                if value < *least || value.is_nan() {
                    (*least, *of) = (value, i);
                }
            }
        }
        d_actions.clear();
        d_actions.resize(actions.len(), 0.0);
        d_pairs.resize(pairs.len(), 0.0);
        for (i, Critic { network, workspace, d_values, .. }) in critics[..count].iter_mut().enumerate() {
            d_values.clear();
            d_values.extend(least_of.iter().map(|&of| if of == i { -1.0 / samples as f32 } else { 0.0 }));
            network.backward_from(Upstream::from(&**d_values), workspace, None, Some(&mut *d_pairs));
            let inputs = network.inputs();
            for (d_action, d_pair) in d_actions.chunks_exact_mut(*width).zip(d_pairs.chunks_exact(inputs)) {
                d_action.iter_mut().zip(&d_pair[inputs - *width..]).for_each(|(sum, d)| *sum += d);
            }
        }
        least.iter().map(|&v| f64::from(v)).sum::<f64>() / samples as f64
    }

    /// The least values of the last [`ascent`](Self::ascent), one for each sample.
    pub(crate) fn least(&self) -> &[f32] {
        &self.least
    }

    /// Advances the target networks' clocks.
    pub(crate) fn tick(&mut self) {
        for (critic, target) in self.critics.iter().zip(self.targets.iter_mut().flatten()) {
            target.tick(1, &critic.network);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizer::OptimizerKind;
    use potstill_core::{Restorable, Streams};
    use potstill_env::Space;

    /// Critics `Q_1(s, a) = s + 2 a` and `Q_2(s, a) = 3 s - a + 1`, with the largest norm of a gradient.
    fn critics(max_grad_norm: f64) -> Critics<2> {
        let action_space = Space::uniform(1, -1.0, 1.0);
        let task = TaskSpec { action_space, ..TaskSpec::new(1, 1, 100, Streams::new(1)) };
        let optimizer = OptimizerConfig {
            optimizer: OptimizerKind::Sgd,
            momentum: 0.0,
            max_grad_norm,
            ..OptimizerConfig::default()
        };
        let linear: NetworkSpec = "mlp".parse().unwrap();
        let mut critics = Critics::new(&linear, &optimizer, Some((1, 0.5)), &task, &mut Pcg64::new(1));
        for (i, parameters) in [[1.0, 2.0, 0.0], [3.0, -1.0, 1.0]].iter().enumerate() {
            critics.critics[i].network.update_parameters(|p| p.copy_from_slice(parameters));
            critics.targets.as_mut().unwrap()[i].copy_from(&critics.critics[i].network);
        }
        critics
    }

    #[test]
    fn saved_critics_are_taken_over_if_they_are_of_one_form() {
        let (saved, spec) = (critics(f64::INFINITY).snapshot(), "mlp".parse().unwrap());
        let mut fresh = critics(f64::INFINITY);
        for critic in &mut fresh.critics {
            critic.network.update_parameters(|p| p.fill(0.0));
        }
        let before = fresh.snapshot();
        let other: NetworkSpec = "mlp:4".parse().unwrap();
        assert!(!fresh.take_over(&saved, &other) && !fresh.take_over(&Snapshot::new(), &spec));
        assert_eq!(fresh.snapshot(), before);
        assert!(fresh.take_over(&saved, &spec));
        // Q_1 = 1 + 2 x 0.5 and Q_2 = 3 - 0.5 + 1, of the target networks as well.
        assert_eq!(fresh.target_values(&[1.0], &[0.5]), [2.0]);
        assert_eq!(fresh.snapshot(), saved);
    }

    /// A batch of one transition.
    fn one() -> Batch<[f32]> {
        let mut batch = Batch::default();
        batch.observations.push(1.0);
        batch.actions.push(0.5);
        batch
    }

    #[test]
    fn values_and_ascent_by_hand() {
        let mut critics = critics(1e9);
        // At (1, 0.5) they are 2 and 3.5, at (0, 1) they are 2 and 0.
        let (states, actions) = ([1.0, 0.0], [0.5, 1.0]);
        assert_eq!(critics.target_values(&states, &actions), [2.0, 0.0]);
        let mut d_actions = Vec::new();
        assert_eq!(critics.ascent(1, &states, &actions, &mut d_actions), 2.0);
        assert_eq!(d_actions, [-1.0, -1.0]);
        // The first sample's gradient is that of the first critic, the second's that of the second.
        assert_eq!(critics.ascent(2, &states, &actions, &mut d_actions), 1.0);
        assert_eq!(d_actions, [-1.0, 0.5]);
    }

    #[test]
    fn a_step_by_hand() {
        // Errors of one sample are 2 - 1 and 3.5 - 1; the gradients 2 x error x (s, a, 1) = (2, 1, 2) and (5,
        // 2.5, 5).
        let batch = one();
        let check = |norm_max: f64, weight: f32, rate: f32| {
            let mut critics = critics(norm_max);
            let step = critics.step(0.1, &batch, &[1.0], weight).unwrap();
            assert!((step.loss - f64::from(weight) * 7.25).abs() < 1e-6 && step.mean_value == 2.0);
            let expected = [
                [1.0 - 2.0 * rate, 2.0 - rate, -2.0 * rate],
                [3.0 - 5.0 * rate, -1.0 - 2.5 * rate, 1.0 - 5.0 * rate],
            ];
            for (i, expected) in expected.iter().enumerate() {
                let got = critics.network(i).parameters();
                assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{got:?} {expected:?}");
            }
            // Half way behind them.
            critics.tick();
            let [before, target] =
                [[3.0, -1.0, 1.0], [0, 1, 2].map(|i| critics.target(1).network().parameters()[i])];
            let middle = [0, 1, 2].map(|i: usize| (before[i] + expected[1][i]) / 2.0);
            assert!(target.iter().zip(middle).all(|(a, b)| (a - b).abs() < 1e-6), "{target:?} {middle:?}");
        };
        check(1e9, 1.0, 0.1);
        check(1e9, 0.5, 0.05);
        // One norm of both gradients: 3 and 7.5 in length, so that a limit of half of it halves the step.
        check((9.0_f64 + 56.25).sqrt() / 2.0, 1.0, 0.05);
    }

    #[test]
    fn what_is_not_finite_moves_no_critic() {
        let mut critics = critics(1e9);
        let before = critics.clone();
        let batch = one();
        let error = critics.step(0.1, &batch, &[f32::NAN], 1.0).unwrap_err().to_string();
        assert!(error.starts_with("target is NaN"), "{error}");
        assert!([0, 1].iter().all(|&i| critics.network(i) == before.network(i)));
        // A target network that gives no number is the culprit, also if the other one does.
        critics.targets.as_mut().unwrap()[1].copy_from(&{
            let mut network = before.network(1).clone();
            network.update_parameters(|p| p[0] = f32::NAN);
            network
        });
        assert!(critics.target_values(&[1.0], &[0.5])[0].is_nan());
    }
}
