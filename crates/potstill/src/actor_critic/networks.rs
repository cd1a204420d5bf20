//! A policy and a critic that collect experience together and learn from it by one gradient step each time, as two
//! networks or as two heads of one.

use super::actions::{DistributionGradients, Distributions, PolicyActions};
use super::normalization::{Normalization, Normalized};
use super::rollout::{Column, Estimates, Rollout};
use super::state_noise::{Deviations, StateFeatures, StateNoise};
use super::trunk::{Gradients, Networks, Passes};
use crate::agent::{LearnError, Measurements};
use crate::config::ConfigError;
use crate::deep::{SCALED_ALREADY, TaskSpec};
use crate::experience::{ElementOf, Steps};
use crate::metrics::catalogue;
use crate::model::Model;
use crate::optimizer::{GuardedStep, OptimizerConfig};
use crate::targets::LambdaDecay;
use potstill_core::snapshot::Flat;
use potstill_core::{Pcg64, snapshot};
use potstill_env::Space;
use potstill_nn::loss::{Regression, Uncertainty, teacher_values};
use potstill_nn::{Network, NetworkSpec};

/// Samples of a pass over a rollout that learns nothing.
const PASS_SAMPLES: usize = 1024;

/// The networks of an on-policy learner, and the transitions since its last update.
#[derive(Clone, Debug)]
pub(super) struct ActorCritic<A: PolicyActions + ?Sized> {
    networks: Networks,
    exploration: Pcg64,
    /// Noise that depends on the state, if that explores, and what it is made of.
    state_noise: Option<StateNoise>,
    states: Option<StateFeatures>,
    normalization: Normalization,
    pub(super) rollout: Rollout<A>,
    acting: Passes,
    learning: Passes,
    scratch: Scratch,
}

#[derive(Clone, Debug, Default)]
struct Scratch {
    noise: Vec<f32>,
    /// The values of the observations after a rollout, one per copy.
    last: Vec<f32>,
    column: Column,
    d_log_probs: Vec<f32>,
    /// The weight of each sample's entropy in the loss.
    d_entropies: Vec<f32>,
    entropies: Vec<f32>,
    d_outputs: Vec<f32>,
    d_log_std: Vec<f32>,
    /// The gradient with respect to the policy's free parameters, if their deviations are of states.
    d_free: Vec<f32>,
    d_values: Vec<f32>,
}

/// The transitions of a minibatch, a row or number for each.
#[derive(Clone, Debug)]
pub(super) struct Minibatch<A: PolicyActions + ?Sized> {
    pub(super) observations: Vec<f32>,
    pub(super) actions: Vec<ElementOf<A>>,
    /// The log-probabilities of the actions when they were drawn, and now.
    pub(super) old_log_probs: Vec<f32>,
    pub(super) log_probs: Vec<f32>,
    pub(super) advantages: Vec<f32>,
    pub(super) returns: Vec<f32>,
    /// The critic's values before the update.
    pub(super) old_values: Vec<f32>,
}

/// Copies the numbers with these indices.
fn pick(from: &[f32], indices: &[usize], to: &mut Vec<f32>) {
    to.clear();
    to.extend(indices.iter().map(|&i| from[i]));
}

/// The weights of the terms of a loss.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coefficients {
    /// Of the entropy, which is subtracted.
    pub(super) entropy: f32,
    /// Of the critic's loss.
    pub(super) critic: f32,
}

/// The terms of a loss, without their weights, each a mean over the minibatch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Losses {
    pub(super) policy: f32,
    pub(super) critic: f32,
    pub(super) entropy: f32,
    /// The weighted sum.
    pub(super) total: f32,
}

/// A policy's loss: from the minibatch and the gradient with respect to its `log_probs`, which it fills, its value; none
/// if no step is to be made.
pub(super) type PolicyLoss<'a, A> = dyn FnMut(&Minibatch<A>, &mut [f32]) -> Option<f32> + 'a;
/// A critic's loss: the same from its values and the gradient with respect to them.
pub(super) type CriticLoss<'a, A> = dyn FnMut(&Minibatch<A>, &[f32], &mut [f32]) -> f32 + 'a;

impl<A: PolicyActions + ?Sized> Default for Minibatch<A> {
    fn default() -> Self {
        Self {
            observations: Vec::new(),
            actions: Vec::new(),
            old_log_probs: Vec::new(),
            log_probs: Vec::new(),
            advantages: Vec::new(),
            returns: Vec::new(),
            old_values: Vec::new(),
        }
    }
}

impl<A: PolicyActions + ?Sized> Minibatch<A> {
    /// Copies the transitions with these indices, and what was estimated of them.
    pub(super) fn gather(&mut self, rollout: &Rollout<A>, estimates: &Estimates, indices: &[usize]) {
        self.gather_steps(rollout, &estimates.returns, indices);
        pick(&estimates.advantages, indices, &mut self.advantages);
        pick(&estimates.values, indices, &mut self.old_values);
    }

    /// Copies the transitions with these indices, and their returns.
    pub(super) fn gather_steps(&mut self, rollout: &Rollout<A>, returns: &[f32], indices: &[usize]) {
        let (features, width) = (rollout.features(), rollout.width());
        self.observations.clear();
        self.actions.clear();
        for &i in indices {
            self.observations.extend_from_slice(&rollout.observations[i * features..][..features]);
            self.actions.extend_from_slice(&rollout.actions[i * width..][..width]);
        }
        pick(&rollout.log_probs, indices, &mut self.old_log_probs);
        pick(returns, indices, &mut self.returns);
    }

    /// Subtracts the mean from the advantages and divides by their standard deviation (divisor `n - 1`), which 1e-8 is
    /// added to.
    pub(super) fn normalize_advantages(&mut self) {
        let n = self.advantages.len() as f64;
        let mean = self.advantages.iter().map(|&a| f64::from(a)).sum::<f64>() / n;
        let squares = self.advantages.iter().map(|&a| (f64::from(a) - mean) * (f64::from(a) - mean));
        let deviation = (squares.sum::<f64>() / (n - 1.0)).sqrt() + 1e-8;
        self.advantages.iter_mut().for_each(|a| *a = ((f64::from(*a) - mean) / deviation) as f32);
    }
}

impl<A: PolicyActions + ?Sized> ActorCritic<A> {
    /// A policy and a critic of this form, as two networks or with a shared trunk, which collect so many steps of so many
    /// copies.
    pub(super) fn new(
        (spec, deviations, normalized): (&NetworkSpec, Deviations, Normalized),
        shared_trunk: bool,
        optimizer: &OptimizerConfig,
        (steps, copies): (u64, u64),
        task: &TaskSpec,
    ) -> Self {
        let TaskSpec { inputs, action_space, streams, .. } = task;
        let networks = Networks::new::<A>((spec, deviations, shared_trunk), optimizer, task);
        Self {
            exploration: streams.stream("exploration"),
            state_noise: StateNoise::new(deviations, networks.policy(), copies as usize),
            states: StateFeatures::new(deviations, networks.policy()),
            normalization: Normalization::new(normalized, inputs.count(), copies as usize),
            rollout: Rollout::new(steps as usize, copies as usize, inputs.count(), action_space),
            acting: Passes::new(task),
            learning: Passes::new(task),
            scratch: Scratch::default(),
            networks,
        }
    }

    /// The policy's network, or that of policy and critic with a shared trunk.
    pub(super) fn policy(&self) -> &Network {
        self.networks.policy()
    }

    /// The critic's network, or that of policy and critic with a shared trunk.
    pub(super) fn critic(&self) -> &Network {
        self.networks.critic()
    }

    /// Replaces the critic's parameters.
    #[cfg(test)]
    pub(super) fn set_critic(&mut self, parameters: &[f32]) {
        self.networks.set_critic(parameters);
    }

    pub(super) fn optimizer(&self) -> &GuardedStep {
        self.networks.optimizer()
    }

    /// Draws an action for each copy, and makes it one of the environment.
    pub(super) fn act(&mut self, observations: &[f32], actions: &mut [ElementOf<A>]) {
        let Self { networks, exploration, rollout, acting, state_noise, states, scratch, .. } = self;
        let (policy, noise) = (networks.policy(), &mut scratch.noise);
        let seen = self.normalization.seen(observations);
        let (drawn, log_probs) = rollout.drawn();
        if let Some((state_noise, states)) = state_noise.as_mut().zip(states.as_mut()) {
            policy.forward(seen, &mut acting.policy);
            states.read(policy, &acting.policy, log_probs.len());
            states.noise(policy, state_noise.tick(policy, exploration), noise);
            let of = Distributions::of_states(policy, acting.policy.outputs(), &states.log_std);
            A::displace(of, noise, drawn);
            A::log_prob(of, drawn, log_probs);
        } else {
            let of = Distributions::new(policy, policy.predict(seen, &mut acting.policy));
            A::draw(of, exploration, noise, drawn);
            A::log_prob(of, drawn, log_probs);
        }
        actions.copy_from_slice(drawn);
        A::clip(self.rollout.space(), actions);
    }

    /// Steps of each copy for which the policy is fixed: those left of the rollout, unless each changes the statistics
    /// that observations are normalised by.
    pub(super) fn fixed_steps(&self) -> Option<u64> {
        (!self.normalization.is_of_observations()).then(|| self.rollout.left())
    }

    /// Takes in a step; true if the rollout is complete with it, whose advantages are then in `estimates`.
    ///
    /// # Errors
    /// If a reward is not finite.
    pub(super) fn observe(
        &mut self,
        steps: &Steps<'_, [f32], A>,
        decay: LambdaDecay,
        estimates: &mut Estimates,
    ) -> Result<bool, LearnError> {
        let Self { networks, rollout, acting, normalization, state_noise, scratch, .. } = self;
        let Scratch { last, column, .. } = scratch;
        let steps = &normalization.steps(steps);
        rollout.observe(steps, |next| networks.predict_values(next, acting)[0])?;
        if !rollout.is_complete() {
            return Ok(false);
        }
        if let Some(state_noise) = state_noise {
            state_noise.end_rollout();
        }
        values_of(networks, &rollout.observations, acting, &mut estimates.values);
        // After the end of an episode this is its final observation, whose value is not needed again.
        last.clear();
        last.extend_from_slice(networks.predict_values(steps.next_observations, acting));
        rollout.estimate(last, decay, column, estimates);
        Ok(true)
    }

    /// Takes in a step of an episode of one copy; true at its end. Without a baseline the value of a truncated episode's
    /// final observation is 0.
    ///
    /// # Errors
    /// If a reward is not finite, or the episode is longer than the rollout.
    pub(super) fn observe_episode(
        &mut self,
        steps: &Steps<'_, [f32], A>,
        has_baseline: bool,
    ) -> Result<bool, LearnError> {
        let Self { networks, rollout, acting, normalization, .. } = self;
        let steps = &normalization.steps(steps);
        if rollout.is_complete() {
            return Err(LearnError::Endless { steps: rollout.length });
        }
        let mut value =
            |next: &[f32]| if has_baseline { networks.predict_values(next, acting)[0] } else { 0.0 };
        rollout.observe(steps, &mut value)?;
        Ok(rollout.is_over())
    }

    /// The critic's values of observations.
    pub(super) fn values(&mut self, observations: &[f32], values: &mut Vec<f32>) {
        values_of(&self.networks, observations, &mut self.acting, values);
    }

    /// One gradient step of policy and critic along `policy_loss - entropy + critic_loss`, with their weights; none if the
    /// policy's loss asks for none.
    ///
    /// # Errors
    /// If the loss or a gradient is not finite. The networks are unchanged.
    pub(super) fn step(
        &mut self,
        learning_rate: f64,
        batch: &mut Minibatch<A>,
        weights: Coefficients,
        policy_loss: &mut PolicyLoss<'_, A>,
        critic_loss: &mut CriticLoss<'_, A>,
    ) -> Result<Option<Losses>, LearnError> {
        let Self { networks, states, learning, scratch, .. } = self;
        let (policy, samples) = (networks.policy(), batch.returns.len());
        let Scratch { d_log_probs, d_entropies, entropies, d_outputs, d_log_std, d_free, d_values, .. } =
            scratch;
        for list in [&mut batch.log_probs, &mut *d_log_probs, d_entropies, entropies, d_values] {
            list.clear();
            list.resize(samples, 0.0);
        }
        policy.forward(&batch.observations, &mut learning.policy);
        let outputs = learning.policy.outputs();
        let of = match states {
            None => Distributions::new(policy, outputs),
            Some(states) => {
                states.read(policy, &learning.policy, samples);
                Distributions::of_states(policy, outputs, &states.log_std)
            }
        };
        of.check_deviations()?;
        A::log_prob(of, &batch.actions, &mut batch.log_probs);
        let Some(of_policy) = policy_loss(batch, d_log_probs) else { return Ok(None) };
        A::entropy(of, entropies);
        d_outputs.clear();
        d_outputs.resize(of.outputs(), 0.0);
        d_log_std.clear();
        d_log_std.resize(of.deviations(), 0.0);
        let mut gradients = DistributionGradients { outputs: d_outputs, log_std: d_log_std };
        A::add_log_prob_gradients(of, &batch.actions, d_log_probs, &mut gradients);
        if weights.entropy != 0.0 {
            d_entropies.fill(-weights.entropy / samples as f32);
            A::add_entropy_gradients(of, d_entropies, &mut gradients);
        }
        let d_free = match states {
            None => d_log_std,
            Some(states) => {
                states.gradient(policy, d_log_std, d_free);
                d_free
            }
        };
        let values = networks.values_after(&batch.observations, learning);
        let of_critic = critic_loss(batch, values, d_values);
        d_values.iter_mut().for_each(|d| *d *= weights.critic);
        let entropy = entropies.iter().sum::<f32>() / samples as f32;
        let total = of_policy - weights.entropy * entropy + weights.critic * of_critic;
        let seen = [
            ("observation", &*batch.observations),
            ("log-probability", &batch.log_probs),
            ("advantage", &batch.advantages),
            ("target", &batch.returns),
        ];
        let gradients = Gradients { outputs: d_outputs, free: d_free, values: d_values };
        networks.step(learning_rate, gradients, learning, total, &seen)?;
        Ok(Some(Losses { policy: of_policy, critic: of_critic, entropy, total }))
    }

    /// The deterministic policy, which takes raw observations.
    pub(super) fn model(&self) -> Model {
        let mut policy = self.networks.policy_alone();
        self.normalization.fold_into(&mut policy);
        A::model(&policy, self.rollout.space())
    }

    /// Takes over the policy of a model; the critic begins anew.
    ///
    /// # Errors
    /// If its form is another.
    pub(super) fn start_from(&mut self, model: &Model) -> Result<(), String> {
        if self.normalization.is_of_observations() {
            return Err(SCALED_ALREADY.to_owned());
        }
        let mut policy = self.networks.policy_alone();
        copy_policy::<A>(&mut policy, self.rollout.space(), model)?;
        self.networks.set_policy(&policy);
        Ok(())
    }

    /// The measurements of a gradient step.
    pub(super) fn measured(&self, losses: Losses) -> Measurements {
        Measurements::of(catalogue::LOSS, f64::from(losses.total))
            .with(catalogue::POLICY_LOSS, f64::from(losses.policy))
            .with(catalogue::VALUE_LOSS, f64::from(losses.critic))
            .with(catalogue::ENTROPY, f64::from(losses.entropy))
            .with(catalogue::GRADIENT_NORM, self.optimizer().gradient_norm())
    }
}

/// Takes over the policy of a model for actions of this space.
///
/// # Errors
/// If its form is another.
pub(super) fn copy_policy<A: PolicyActions + ?Sized>(
    policy: &mut Network,
    space: &Space,
    model: &Model,
) -> Result<(), String> {
    match A::network(model) {
        Some(other) if (other.spec(), other.interface()) == (policy.spec(), policy.interface()) => {
            policy.copy_from(other);
            Ok(())
        }
        _ => Err(model.misfit(&A::model(policy, space))),
    }
}

/// Refuses noise on the weights of a policy that draws its actions.
pub(super) fn refuse_noise(algorithm: &str, spec: &NetworkSpec) -> Result<(), ConfigError> {
    if spec.noisy {
        let reason = format!("{spec}: {algorithm} draws its actions, and has no use for noise on weights");
        return Err(ConfigError::value("net_arch", reason));
    }
    Ok(())
}

/// A critic's values of observations, some at a time.
fn values_of(networks: &Networks, observations: &[f32], passes: &mut Passes, values: &mut Vec<f32>) {
    values.clear();
    for part in observations.chunks(PASS_SAMPLES * networks.critic().inputs()) {
        values.extend_from_slice(networks.predict_values(part, passes));
    }
}

/// The mean of `(v - G)^2` over a minibatch, and its gradient with respect to the values.
pub(super) fn squared_error(values: &[f32], returns: &[f32], d_values: &mut [f32]) -> f32 {
    let sure = Uncertainty { variances: &[], noise: 1.0 };
    teacher_values(Regression::SquaredError, returns, sure, values, values.len(), d_values)
}

snapshot! {
    impl[A: PolicyActions + ?Sized] Restorable for ActorCritic<A> {
        saved: networks via Flat, exploration, state_noise, normalization via Flat, rollout via Flat;
        built: states, acting, learning, scratch;
    }
}
