//! A stochastic policy of normal actions squashed into a box, which ascends the value that critics give its
//! actions and its own entropy.

use super::critics::Critics;
use super::state_noise::{Deviations, LOG_STD as PARAMETERS, StateFeatures, StateNoise, draw};
use crate::agent::LearnError;
use crate::deep::TaskSpec;
use crate::optimizer::{GuardedStep, OptimizerConfig};
use potstill_core::math::exp;
use potstill_core::{Pcg64, snapshot};
use potstill_nn::distributions::{GaussianGradients, SquashedGaussian};
use potstill_nn::kernels::tanh;
use potstill_nn::{Interface, Network, NetworkSpec, Upstream, Workspace};

/// The range of the logarithms of deviations.
const LOG_STD: (f32, f32) = (-20.0, 2.0);
/// The heads of the policy's network.
const HEADS: [&str; 2] = ["mean", "log_std"];

/// The reason for which a policy that normalises by batches begins with no model.
const NORMALISED_ALREADY: &str = "a model has batch normalisation in its weights, and this run would normalise again; give net_arch without it";

/// The states of a minibatch, or those that follow.
#[derive(Clone, Copy, Debug)]
pub(crate) enum States {
    Here,
    Next,
}

/// A policy whose actions are hyperbolic tangents of normal numbers, with the heads `mean` and `log_std`, or
/// with noise that depends on the state. It acts by the running statistics of batch normalisations, if it has any.
#[derive(Clone, Debug)]
pub(crate) struct StochasticPolicy {
    network: Network,
    optimizer: GuardedStep,
    /// The stream of actions that are drawn while learning.
    drawing: Pcg64,
    /// Noise that depends on the state, if that explores.
    state_noise: Option<StateNoise>,
    /// The random functions of an update, for actions and for those that follow.
    theta: Vec<f32>,
    next_theta: Vec<f32>,
    components: usize,
    acting: (Workspace, Drawn),
    learning: (Workspace, Drawn),
    next: (Workspace, Drawn),
    /// Outputs of a pass, each as often as actions are drawn from it, and these actions.
    more: (Vec<f32>, Drawn),
    d_actions: Vec<f32>,
    gradient: Gradient,
}

snapshot! {
    impl Restorable for StochasticPolicy {
        saved: network as "policy", optimizer as "policy_optimizer", drawing, state_noise;
        built: theta, next_theta, components, acting, learning, next, more, d_actions, gradient;
    }
}

impl StochasticPolicy {
    /// A policy of this form for so many copies of an environment, with these deviations and initial weights
    /// from `rng`.
    pub(crate) fn new(
        (spec, copies): (&NetworkSpec, u64),
        deviations: Deviations,
        optimizer: &OptimizerConfig,
        task: &TaskSpec,
        rng: &mut Pcg64,
    ) -> Self {
        let components = task.action_space.features();
        let interface = match deviations.of_state {
            false => Interface::of_heads(task.inputs.count(), &HEADS.map(|head| (head, components))),
            true => Interface::of_heads(task.inputs.count(), &[(HEADS[0], components)]).with_free(
                PARAMETERS,
                deviations.each(spec) * components,
                deviations.log_std_init,
            ),
        };
        let network = spec.initialised(interface, optimizer.initialisation(), rng);
        let parameters = network.free_parameters(PARAMETERS).map_or(0, <[f32]>::len);
        let states = StateFeatures::new(deviations, &network);
        let pass =
            || (Workspace::new(task.workers.clone()), Drawn { states: states.clone(), ..Drawn::default() });
        Self {
            optimizer: GuardedStep::new(optimizer, network.parameters().len()),
            drawing: task.streams.stream("policy"),
            state_noise: StateNoise::new(deviations, &network, copies as usize),
            theta: vec![0.0; parameters],
            next_theta: vec![0.0; parameters],
            network,
            components,
            acting: pass(),
            learning: pass(),
            next: pass(),
            more: Default::default(),
            d_actions: Vec::new(),
            gradient: Gradient::default(),
        }
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// Writes actions that are drawn from `rng`.
    pub(crate) fn act(&mut self, observations: &[f32], rng: &mut Pcg64, units: &mut [f32]) {
        let (workspace, drawn) = &mut self.acting;
        match &mut self.state_noise {
            None => drawn.draw(self.network.predict(observations, workspace), self.components, rng),
            Some(noise) => {
                self.network.forward(observations, workspace);
                drawn.draw_by(&self.network, workspace, noise.tick(&self.network, rng), self.components);
            }
        }
        units.copy_from_slice(&drawn.actions);
    }

    /// Explores by another random function from the next step on.
    pub(crate) fn end_rollout(&mut self) {
        if let Some(noise) = &mut self.state_noise {
            noise.end_rollout();
        }
    }

    /// Draws `a ~ pi(.|s)` for a [gradient step](Self::ascend); the mean of `ln pi(a|s)`.
    pub(crate) fn draw(&mut self, observations: &[f32]) -> f64 {
        let (workspace, here) = &mut self.learning;
        self.network.forward_normalised(observations, workspace);
        match &self.state_noise {
            None => here.draw(workspace.outputs(), self.components, &mut self.drawing),
            Some(_) => {
                draw(&self.network, &mut self.drawing, &mut self.theta);
                here.draw_by(&self.network, workspace, &self.theta, self.components);
            }
        }
        here.mean_log_prob()
    }

    /// Draws `a' ~ pi(.|s')`: the actions, and `ln pi(a'|s')` of each.
    pub(crate) fn draw_next(&mut self, next_observations: &[f32]) -> (&[f32], &[f32]) {
        let (workspace, next) = &mut self.next;
        if next.states.is_none() {
            next.draw(self.network.predict(next_observations, workspace), self.components, &mut self.drawing);
        } else {
            draw(&self.network, &mut self.drawing, &mut self.next_theta);
            self.network.forward(next_observations, workspace);
            next.draw_by(&self.network, workspace, &self.next_theta, self.components);
        }
        (&next.actions, &next.log_probs)
    }

    /// Draws `count` further actions for each of the states of the last [`draw`](Self::draw) or
    /// [`draw_next`](Self::draw_next): those of a state side by side, and the logarithm of the density of
    /// each. Noise must not depend on the state.
    pub(crate) fn draw_more(&mut self, states: States, count: usize) -> (&[f32], &[f32]) {
        let (workspace, _) = match states {
            States::Here => &self.learning,
            States::Next => &self.next,
        };
        let (repeated, drawn) = &mut self.more;
        repeated.clear();
        for row in workspace.outputs().chunks_exact(self.components) {
            (0..count).for_each(|_| repeated.extend_from_slice(row));
        }
        drawn.draw(repeated, self.components, &mut self.drawing);
        (&drawn.actions, &drawn.log_probs)
    }

    /// The means of a batch, whose hyperbolic tangents are the deterministic policy's actions.
    pub(crate) fn means(&mut self, observations: &[f32]) -> &[f32] {
        let outputs = self.network.predict(observations, &mut self.acting.0);
        &outputs[..outputs.len() / 2]
    }

    /// A gradient step along `J_pi = mean (alpha ln pi(a|s) - min_i Q_i(s, a))`, with the actions of the last
    /// [`draw`](Self::draw) as a function of their noise; the loss before it.
    ///
    /// # Errors
    /// If the loss or the gradient is not finite. The policy is unchanged.
    pub(crate) fn ascend<const N: usize>(
        &mut self,
        learning_rate: f64,
        alpha: f64,
        observations: &[f32],
        critics: &mut Critics<N>,
    ) -> Result<f64, LearnError> {
        let Self { network, optimizer, theta, learning: (workspace, here), d_actions, gradient, .. } = self;
        let value = critics.ascent(N, observations, &here.actions, d_actions);
        let loss = alpha * here.mean_log_prob() - value;
        let d_log_prob = (alpha / here.log_probs.len() as f64) as f32;
        let tap = here.states.as_ref().map(|states| states.tap);
        match tap {
            None => here.gradient(workspace.outputs(), d_actions, d_log_prob, gradient),
            Some(_) => here.gradient_by((network, theta), d_actions, d_log_prob, gradient),
        }
        let seen: [(&str, &[f32]); 4] = [
            ("observation", observations),
            ("action", &here.actions),
            ("log-probability", &here.log_probs),
            ("action's gradient", d_actions),
        ];
        let Gradient { outputs, free, features, .. } = &*gradient;
        let taps = tap.map(|tap| (tap, &**features));
        let upstream = Upstream { outputs, free, taps: taps.as_slice() };
        optimizer.step_with(learning_rate, (network, None), upstream, workspace, loss as f32, &seen)?;
        network.update_statistics(workspace);
        Ok(loss)
    }

    /// The deterministic policy: the hidden layers with the means, without batch normalisations.
    pub(crate) fn deterministic(&self) -> Network {
        self.network.of_head(HEADS[0]).without_batch_norm()
    }

    /// Takes over the hidden layers and the means of a deterministic policy.
    ///
    /// # Errors
    /// If the networks here are normalised by batches: a model has that in its weights.
    pub(crate) fn copy_deterministic(&mut self, policy: &Network) -> Result<(), String> {
        if self.network.spec().has_statistics() {
            return Err(NORMALISED_ALREADY.to_owned());
        }
        self.network.copy_to_head(HEADS[0], policy);
        Ok(())
    }
}

/// Actions that a policy has drawn, `samples x components`.
#[derive(Clone, Debug, Default)]
struct Drawn {
    log_std: Vec<f32>,
    noise: Vec<f32>,
    /// Normal numbers, whose hyperbolic tangents are the actions.
    u: Vec<f32>,
    actions: Vec<f32>,
    /// One for each sample.
    log_probs: Vec<f32>,
    /// The states that noise depends on, if it does.
    states: Option<StateFeatures>,
}

impl Drawn {
    /// Draws an action for each sample from the outputs of a policy's network: all means, then all
    /// deviations.
    fn draw(&mut self, outputs: &[f32], components: usize, rng: &mut Pcg64) {
        let Self { log_std, noise, u, actions, log_probs, .. } = self;
        let (mean, raw) = outputs.split_at(outputs.len() / 2);
        log_std.clear();
        log_std.extend(raw.iter().map(|x| x.clamp(LOG_STD.0, LOG_STD.1)));
        for list in [noise, u, actions] {
            list.resize(mean.len(), 0.0);
        }
        log_probs.resize(mean.len() / components, 0.0);
        let of = SquashedGaussian::new(mean, log_std, components);
        of.sample(rng, &mut self.noise, &mut self.u, &mut self.actions);
        of.log_prob(&self.u, log_probs);
    }

    /// The same from means alone, with noise by a random function of the states that the last forward pass was
    /// through, or by one for each.
    fn draw_by(&mut self, policy: &Network, workspace: &Workspace, theta: &[f32], components: usize) {
        let Self { log_std, noise, u, actions, log_probs, states } = self;
        let (mean, states) = (workspace.outputs(), states.as_mut().expect("noise of states"));
        states.read(policy, workspace, mean.len() / components);
        states.noise(policy, theta, noise);
        log_std.clone_from(&states.log_std);
        u.clear();
        u.extend(mean.iter().zip(&*noise).map(|(mean, noise)| mean + noise));
        actions.resize(mean.len(), 0.0);
        tanh(u, actions);
        // In standard deviations.
        noise.iter_mut().zip(&*log_std).for_each(|(noise, log_std)| *noise *= exp(-log_std));
        log_probs.resize(mean.len() / components, 0.0);
        SquashedGaussian::new(mean, log_std, components).log_prob(u, log_probs);
    }

    /// The gradients of the same loss after [`draw_by`](Self::draw_by) one function: with respect to the means,
    /// the parameters of the noise, and the features of the states.
    fn gradient_by(
        &self,
        (policy, theta): (&Network, &[f32]),
        d_actions: &[f32],
        d_log_prob: f32,
        scratch: &mut Gradient,
    ) {
        let Gradient { outputs: d_mean, log_std: d_log_std, noise: d_noise, free, features, .. } = scratch;
        [&mut *d_mean, d_log_std, d_noise].into_iter().for_each(Vec::clear);
        // ln N(u; mean, s) = -z^2 / 2 - ln s with z = noise / s, where noise and s both depend on the state.
        for (((u, d_action), z), log_std) in self.u.iter().zip(d_actions).zip(&self.noise).zip(&self.log_std)
        {
            let d_u = SquashedGaussian::squashing_gradient(*u, *d_action, d_log_prob);
            d_mean.push(d_u);
            d_noise.push(d_u - d_log_prob * z * exp(-log_std));
            d_log_std.push(d_log_prob * (z * z - 1.0));
        }
        let states = self.states.as_ref().expect("noise of states");
        states.gradients(policy, d_log_std, (theta, d_noise), (free, features));
    }

    /// The mean logarithm of the actions' densities.
    fn mean_log_prob(&self) -> f64 {
        self.log_probs.iter().map(|&x| f64::from(x)).sum::<f64>() / self.log_probs.len() as f64
    }

    /// The gradient with respect to the outputs that the actions were drawn from, of a loss with these
    /// gradients with respect to the actions, and the same one with respect to each logarithm of a density.
    fn gradient(&self, outputs: &[f32], d_actions: &[f32], d_log_prob: f32, scratch: &mut Gradient) {
        let (mean, raw) = outputs.split_at(outputs.len() / 2);
        let Gradient { outputs: d_outputs, log_probs: d_log_probs, .. } = scratch;
        d_outputs.clear();
        d_outputs.resize(outputs.len(), 0.0);
        d_log_probs.clear();
        d_log_probs.resize(self.log_probs.len(), d_log_prob);
        let (d_mean, d_log_std) = d_outputs.split_at_mut(mean.len());
        let components = mean.len() / self.log_probs.len();
        let of = SquashedGaussian::new(mean, &self.log_std, components);
        let mut gradients = GaussianGradients { mean: d_mean, log_std: d_log_std };
        of.add_sample_gradients((&self.noise, &self.u), d_actions, d_log_probs, &mut gradients);
        // What is clamped does not move.
        for (d, x) in d_log_std.iter_mut().zip(raw) {
            if !(LOG_STD.0..=LOG_STD.1).contains(x) {
                *d = 0.0;
            }
        }
    }
}

/// Gradients of the policy's loss.
#[derive(Clone, Debug, Default)]
struct Gradient {
    outputs: Vec<f32>,
    log_probs: Vec<f32>,
    /// With noise of states: with respect to the deviations, the noise, its parameters and the features.
    log_std: Vec<f32>,
    noise: Vec<f32>,
    free: Vec<f32>,
    features: Vec<f32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The gradient of a loss that depends on the actions and their densities, against differences of that
    /// loss; where a deviation is clamped it does not move.
    #[test]
    fn gradients_are_differences() {
        let (samples, components) = (3, 2);
        let outputs = [0.3, -0.8, 1.2, 0.1, -0.4, 0.6, -0.5, 0.2, -1.0, 2.5, 0.7, -21.0_f32];
        let weights = [0.7, -1.1, 0.4, 0.9, -0.3, 0.5_f32];
        let alpha = 0.3;
        let draw = |outputs: &[f32]| {
            let mut drawn = Drawn::default();
            drawn.draw(outputs, components, &mut Pcg64::new(5));
            drawn
        };
        let noise = draw(&outputs).noise;
        // The same in double precision.
        let loss = |outputs: &[f64]| {
            let (mean, raw) = outputs.split_at(samples * components);
            let of = |i: usize| {
                let log_std = raw[i].clamp(-20.0, 2.0);
                let z = f64::from(noise[i]);
                let a = (mean[i] + log_std.exp() * z).tanh();
                let log_prob = -0.5 * z * z - log_std - (1.0 - a * a).ln();
                f64::from(weights[i]) * a + alpha * log_prob
            };
            (0..samples * components).map(of).sum::<f64>()
        };
        let mut scratch = Gradient::default();
        draw(&outputs).gradient(&outputs, &weights, alpha as f32, &mut scratch);
        let wide = outputs.map(f64::from);
        for (i, d) in scratch.outputs.iter().enumerate() {
            let at = |step: f64| {
                let mut moved = wide;
                moved[i] += step;
                loss(&moved)
            };
            let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
            assert!((f64::from(*d) - difference).abs() < 2e-5, "{i}: {d} {difference}");
        }
        // 2.5 and -21 lie beyond the range.
        assert_eq!([scratch.outputs[9], scratch.outputs[11]], [0.0; 2]);
    }

    /// The same of actions whose noise depends on the state: with respect to the parameters of all layers and of
    /// the noise.
    #[test]
    fn gradients_of_noise_of_states_are_differences() {
        let (samples, components) = (3, 2);
        let spec: NetworkSpec = "mlp:4:tanh".parse().unwrap();
        let deviations = Deviations { log_std_init: -0.7, of_state: true, sample_freq: None };
        let action_space = potstill_env::Space::uniform(components, -1.0, 1.0);
        let task = TaskSpec { action_space, ..TaskSpec::new(3, 2, 100, potstill_core::Streams::new(1)) };
        let (optimizer, mut rng) = (OptimizerConfig::default(), Pcg64::new(1));
        let mut learner = StochasticPolicy::new((&spec, 1), deviations, &optimizer, &task, &mut rng);
        let x = [0.3, -0.8, 1.2, 0.1, -0.4, 0.6, -0.5, 0.2, -1.0_f32];
        let weights = [0.7, -1.1, 0.4, 0.9, -0.3, 0.5_f32];
        let alpha = 0.3;
        // The random function is exp(log_std) z with this z.
        let z: Vec<f32> = (0..8).map(|i| 0.3 * i as f32 - 1.1).collect();
        let theta = |policy: &Network| -> Vec<f32> {
            let log_std = policy.free_parameters(PARAMETERS).unwrap();
            z.iter().zip(log_std).map(|(z, s)| z * exp(*s)).collect()
        };
        let (workspace, drawn) = &mut learner.learning;
        let mut loss = |policy: &Network, drawn: &mut Drawn| {
            policy.forward(&x, workspace);
            drawn.draw_by(policy, workspace, &theta(policy), components);
            let of_actions = drawn.actions.iter().zip(&weights).map(|(a, w)| f64::from(a * w)).sum::<f64>();
            of_actions + alpha * drawn.log_probs.iter().map(|&l| f64::from(l)).sum::<f64>()
        };
        let policy = learner.network.clone();
        let mut differences = Vec::new();
        const STEP: f32 = 1.0 / 128.0;
        for i in 0..policy.parameters().len() {
            let mut at = |by: f32| {
                let mut moved = policy.clone();
                moved.update_parameters(|p| p[i] += by);
                loss(&moved, drawn)
            };
            differences.push((at(STEP) - at(-STEP)) / f64::from(2.0 * STEP));
        }
        loss(&policy, drawn);
        let mut found = Gradient::default();
        drawn.gradient_by((&policy, &theta(&policy)), &weights, alpha as f32, &mut found);
        let taps = [(drawn.states.as_ref().unwrap().tap, &*found.features)];
        let upstream = Upstream { outputs: &found.outputs, free: &found.free, taps: &taps };
        let mut gradient = vec![0.0; policy.parameters().len()];
        policy.forward(&x, workspace);
        policy.backward_from(upstream, workspace, Some(&mut gradient), None);
        assert_eq!(found.outputs.len(), samples * components);
        for (i, (d, difference)) in gradient.iter().zip(differences).enumerate() {
            assert!((f64::from(*d) - difference).abs() < 2e-3, "{i}: {d} {difference}");
        }
    }
}
