//! The one-step actor-critic with eligibility traces (Sutton and Barto 2018, boxes of section 13.5).
//!
//! After every step, with the TD error `delta = R + gamma v(S') - v(S)`:
//!
//! - `z_w <- gamma lambda_w z_w + grad v(S)`, `w <- w + alpha_w delta z_w`
//! - `z_theta <- gamma lambda_theta z_theta + I grad ln pi(A|S)`, `theta <- theta + alpha_theta delta z_theta`
//! - `I <- gamma I`
//!
//! Both traces are 0 and `I` is 1 when an episode begins. With both lambdas 0 this is the first box. On-policy, online,
//! model-free. Tables are linear networks (`net_arch=mlp`) of a number for each state (`--env ID:one_hot=true`).
//!
//! Differences from the book:
//! - `I` stays 1 unless `discount_states` is set, as with [`reinforce`](super::reinforce).
//! - An episode that is truncated bootstraps from the value of its true final observation.
//! - Weights begin at random: orthogonal, those of the policy's outputs a hundredth of it.
//!
//! ```
//! use potstill::actor_critic::{OneStepActorCritic, OneStepConfig};
//! use potstill::core::Streams;
//! use potstill::deep::TaskSpec;
//! use potstill::env::registry::find;
//! use potstill::train::{Training, Trainer};
//!
//! let streams = Streams::new(1);
//! let agent = OneStepActorCritic::<usize>::new(OneStepConfig::default(), &TaskSpec::new(4, 2, 1000, streams));
//! let env = find("CartPole-v1")?.make_features().unwrap();
//! let mut trainer = Trainer::new(agent, env, streams);
//! trainer.run_episodes(3).unwrap();
//! assert!(trainer.agent().td_error().is_finite());
//! # Ok::<(), potstill::env::EnvError>(())
//! ```

use super::actions::{DistributionGradients, Distributions, PolicyActions};
use super::networks::{copy_policy, refuse_noise};
use super::rollout::Actions;
use super::state_noise::Deviations;
use super::trunk::{POLICY_GAIN, critic_ends};
use crate::agent::{Agent, LearnError, Measurements, checked_target, not_finite};
use crate::algorithm::{Algorithm, Builder, DataKind, Learning, PolicyKind, Task, recipe};
use crate::config::{ConfigError, check_network, refuse_batch_norm, settings};
use crate::deep::TaskSpec;
use crate::experience::{ElementOf, Steps};
use crate::metrics::catalogue;
use crate::model::Model;
use crate::optimizer::refuse_counts;
use crate::policy::Schedule;
use potstill_core::snapshot::{Counter, OfLength};
use potstill_core::{Pcg64, snapshot};
use potstill_env::Space;
use potstill_nn::{Aligned, Initialisation, Network, NetworkSpec, Upstream, Workspace};

settings! {
    /// The hyperparameters of the one-step actor-critic.
    pub struct OneStepConfig {
        /// Step size alpha of the policy, a number or a schedule over steps. Source: the best of 0.0003 to 0.01 on CartPole
        learning_rate: Schedule = 1e-3, in NotNegative;
        /// Step size alpha of the critic, a number or a schedule over steps. Source: the same
        critic_learning_rate: Schedule = 1e-3, in NotNegative;
        /// Discount. Source: Stable-Baselines3's A2C
        gamma: f64 = 0.99, in Unit;
        /// Decay lambda of the policy's trace, on top of the discount. Source: 0, the first box of Sutton and Barto 2018, section 13.5
        lambda: f64 = 0.0, in Unit;
        /// Decay lambda of the critic's trace, on top of the discount. Source: the same
        critic_lambda: f64 = 0.0, in Unit;
        /// Weight of step t by gamma^t, as in the box. Source: false, as implementations have it
        discount_states: bool = false, in Any;
        /// Logarithm of the initial standard deviation of the actions in a box. Source: Stable-Baselines3's A2C
        log_std_init: f64 = 0.0, in LogDeviation;
        /// Architecture of the policy's network, and of the critic's; `mlp` is linear. Source: Stable-Baselines3's A2C
        net_arch: NetworkSpec = "mlp:64,64:tanh", in Any;
    }
}

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "actor-critic",
    family: "actor-critic",
    policy: Some(PolicyKind::On),
    data: DataKind::Online,
    is_model_based: Some(false),
    summary: "actor and critic that learn from every step, with eligibility traces",
    source: "Sutton and Barto 2018, section 13.5",
    file: file!(),
    builder: Builder::Policy(|| recipe(build::<usize>), || recipe(build::<[f32]>)),
    presets: &[],
    smoke: &[
        "env=CartPole-v1 steps=600 net_arch=mlp:8:tanh lambda=0.9 critic_lambda=0.8 eval_freq=200 eval_episodes=2",
        "env=CliffWalking-v1:one_hot=true,max_episode_steps=100 steps=600 net_arch=mlp learning_rate=0.1 \
         critic_learning_rate=0.2 discount_states=true",
        "env=Pendulum-v1 steps=500 net_arch=mlp:8 learning_rate=1e-6 critic_learning_rate=1e-5 eval_freq=250 eval_episodes=2",
    ],
};

fn build<A: PolicyActions + ?Sized>(
    config: &OneStepConfig,
    task: &Task<'_>,
) -> Result<Learning<A>, ConfigError> {
    let task = TaskSpec::of(task, &config.net_arch)?;
    config.check(&task)?;
    let agent = Box::new(OneStepActorCritic::<A>::new(config.clone(), &task));
    Ok(Learning { agent, copies: None, about: None, warning: None })
}

impl OneStepConfig {
    /// Refuses settings that go neither together nor with the task.
    fn check(&self, task: &TaskSpec) -> Result<(), ConfigError> {
        let spec = &self.net_arch;
        refuse_batch_norm("net_arch", spec)?;
        check_network("net_arch", spec, &critic_ends(task))?;
        Deviations::constant(self.log_std_init).check(spec, task)?;
        refuse_counts("learning_rate", self.learning_rate)?;
        refuse_counts("critic_learning_rate", self.critic_learning_rate)?;
        refuse_noise(ALGORITHM.name, spec)
    }
}

/// A network that learns from traces of its gradients.
#[derive(Clone, Debug)]
struct Traced {
    network: Network,
    /// The eligibility trace of each parameter.
    trace: Vec<f32>,
    gradient: Aligned,
    workspace: Workspace,
}

impl Traced {
    fn new(network: Network, workspace: Workspace) -> Self {
        let parameters = network.parameters().len();
        Self { network, trace: vec![0.0; parameters], gradient: Aligned::zeros(parameters), workspace }
    }

    /// Decays the trace and adds `weight` times the gradient of what has this gradient with respect to the outputs of the
    /// last forward pass.
    fn accumulate(&mut self, decay: f32, weight: f32, upstream: Upstream<'_>) {
        let Self { network, trace, gradient, workspace } = self;
        network.backward_from(upstream, workspace, Some(gradient), None);
        trace.iter_mut().zip(&**gradient).for_each(|(z, g)| *z = decay * *z + weight * g);
    }

    /// Moves the parameters by `step` along the trace.
    fn move_along(&mut self, step: f32) {
        let Self { network, trace, .. } = self;
        network.update_parameters(|p| p.iter_mut().zip(&*trace).for_each(|(p, z)| *p += step * z));
    }
}

/// The one-step actor-critic agent, for choices (`usize`) or actions of a box (`[f32]`).
#[derive(Clone, Debug)]
pub struct OneStepActorCritic<A: PolicyActions + ?Sized> {
    config: OneStepConfig,
    policy: Traced,
    critic: Traced,
    exploration: Pcg64,
    space: Space,
    /// The action as it was drawn, before a box clips it.
    drawn: Vec<ElementOf<A>>,
    noise: Vec<f32>,
    steps: u64,
    /// The weight `I` of the next step.
    weight: f64,
    td_error: f64,
    /// Gradients with respect to the policy's outputs and deviations.
    d_outputs: Vec<f32>,
    d_log_std: Vec<f32>,
}

impl<A: PolicyActions + ?Sized> OneStepActorCritic<A> {
    /// An actor-critic agent.
    ///
    /// # Panics
    /// If the network does not fit the task, or the space of its actions is of another kind.
    pub fn new(config: OneStepConfig, task: &TaskSpec) -> Self {
        let TaskSpec { inputs, action_space, streams, workers, total_steps, .. } = task;
        let (mut rng, how) = (streams.stream("initialisation"), Initialisation::Orthogonal);
        let interface = A::interface(*inputs, action_space, (1, config.log_std_init as f32));
        let mut policy = config.net_arch.initialised(interface, how, &mut rng);
        policy.scale_output_weights(POLICY_GAIN);
        let critic = config.net_arch.initialised(&critic_ends(task), how, &mut rng);
        Self {
            policy: Traced::new(policy, Workspace::new(workers.clone())),
            critic: Traced::new(critic, Workspace::new(workers.clone())),
            exploration: streams.stream("exploration"),
            drawn: vec![ElementOf::<A>::default(); action_space.features()],
            space: action_space.clone(),
            noise: Vec::new(),
            steps: 0,
            weight: 1.0,
            td_error: 0.0,
            d_outputs: Vec::new(),
            d_log_std: Vec::new(),
            config: OneStepConfig {
                learning_rate: config.learning_rate.of_run(*total_steps),
                critic_learning_rate: config.critic_learning_rate.of_run(*total_steps),
                ..config
            },
        }
    }

    /// The policy's network: logits of the choices, or means of the components of an action.
    pub fn policy(&self) -> &Network {
        &self.policy.network
    }

    /// The critic's network: the value of a state.
    pub fn critic(&self) -> &Network {
        &self.critic.network
    }

    /// The TD error of the last step.
    pub fn td_error(&self) -> f64 {
        self.td_error
    }

    /// Adds `I grad ln pi(A|S)` to the policy's trace.
    ///
    /// # Errors
    /// If a deviation has vanished or exploded.
    fn trace_policy(&mut self, observation: &[f32], decay: f32) -> Result<(), LearnError> {
        let Self { policy, drawn, d_outputs, d_log_std, weight, .. } = self;
        let outputs = policy.network.forward(observation, &mut policy.workspace);
        let of = Distributions::new(&policy.network, outputs);
        of.check_deviations()?;
        d_outputs.clear();
        d_outputs.resize(outputs.len(), 0.0);
        d_log_std.clear();
        d_log_std.resize(of.deviations(), 0.0);
        let mut gradients = DistributionGradients { outputs: d_outputs, log_std: d_log_std };
        A::add_log_prob_gradients(of, drawn, &[1.0], &mut gradients);
        policy.accumulate(decay, *weight as f32, Upstream { outputs: d_outputs, free: d_log_std, taps: &[] });
        Ok(())
    }
}

impl<A: PolicyActions + ?Sized> Agent for OneStepActorCritic<A> {
    type Observation = [f32];
    type Action = A;

    fn act(&mut self, observations: &[f32], actions: &mut [ElementOf<A>]) {
        let Self { policy, exploration, drawn, noise, space, .. } = self;
        let outputs = policy.network.predict(observations, &mut policy.workspace);
        A::draw(Distributions::new(&policy.network, outputs), exploration, noise, drawn);
        actions.copy_from_slice(drawn);
        A::clip(space, actions);
    }

    fn observe(&mut self, steps: &Steps<'_, [f32], A>) -> Result<u64, LearnError> {
        let step = steps.single();
        let OneStepConfig { gamma, lambda, critic_lambda, .. } = self.config;
        let Traced { network: critic, workspace, .. } = &mut self.critic;
        let next = if step.terminated { 0.0 } else { critic.predict(step.next_observation, workspace)[0] };
        let value = critic.forward(step.observation, workspace)[0];
        let td_error = checked_target(step.reward + gamma * f64::from(next) - f64::from(value))?;
        self.critic.accumulate((gamma * critic_lambda) as f32, 1.0, (&[1.0][..]).into());
        self.trace_policy(step.observation, (gamma * lambda) as f32)?;
        let traces: [(&str, &[f32]); 2] =
            [("critic trace", &self.critic.trace), ("policy trace", &self.policy.trace)];
        if let Some(error) = not_finite(&traces) {
            return Err(error);
        }
        let at = self.steps;
        self.critic.move_along((self.config.critic_learning_rate.at(at, 1) * td_error) as f32);
        self.policy.move_along((self.config.learning_rate.at(at, 1) * td_error) as f32);
        if step.terminated || step.truncated {
            [&mut self.policy, &mut self.critic].into_iter().for_each(|part| part.trace.fill(0.0));
            self.weight = 1.0;
        } else if self.config.discount_states {
            self.weight *= gamma;
        }
        self.td_error = td_error;
        self.steps += 1;
        Ok(0)
    }

    fn model(&self) -> Model {
        A::model(&self.policy.network, &self.space)
    }

    fn start_from(&mut self, model: &Model) -> Result<(), String> {
        copy_policy::<A>(&mut self.policy.network, &self.space, model)
    }

    fn learns_values(&self) -> bool {
        false
    }

    fn diagnostics(&self) -> Measurements {
        Measurements::of(catalogue::LEARNING_RATE, self.config.learning_rate.at(self.steps, 1))
            .with(catalogue::VALUE_LOSS, self.td_error * self.td_error)
    }
}

snapshot! {
    impl Restorable for Traced {
        saved: network, trace via OfLength(network.parameters().len());
        built: gradient, workspace;
    }
}

snapshot! {
    impl[A: PolicyActions + ?Sized] Restorable for OneStepActorCritic<A> {
        saved: policy, critic, exploration, drawn via Actions(space, space.features()), steps via Counter, weight, td_error;
        built: config, space, noise, d_outputs, d_log_std;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experience::Transition;
    use potstill_core::Streams;

    /// An agent of linear networks without weights on one number.
    fn agent(config: &OneStepConfig) -> OneStepActorCritic<usize> {
        let config = OneStepConfig { net_arch: "mlp".parse().unwrap(), gamma: 0.5, ..config.clone() };
        let mut agent = OneStepActorCritic::new(config, &TaskSpec::new(1, 2, 100, Streams::new(3)));
        [&mut agent.policy, &mut agent.critic]
            .into_iter()
            .for_each(|part| part.network.update_parameters(|p| p.fill(0.0)));
        agent
    }

    /// Takes a step from an observation of 1 to one of 1, with the first choice.
    fn step(agent: &mut OneStepActorCritic<usize>, reward: f64, terminated: bool, truncated: bool) {
        agent.act(&[1.0], &mut [0]);
        agent.drawn[0] = 0;
        let (observation, next_observation, action) = (&[1.0_f32][..], &[1.0_f32][..], &0);
        let step = Transition { observation, action, reward, next_observation, terminated, truncated };
        assert_eq!(agent.observe(&Steps::of(&step)).unwrap(), 0);
    }

    #[test]
    fn steps_by_hand() {
        let mut agent = agent(&OneStepConfig {
            learning_rate: 1.0.into(),
            critic_learning_rate: 0.25.into(),
            lambda: 0.5,
            critic_lambda: 1.0,
            discount_states: true,
            ..OneStepConfig::default()
        });
        let parameters = |agent: &OneStepActorCritic<usize>| {
            (agent.policy().parameters().to_vec(), agent.critic().parameters().to_vec())
        };
        // delta 2 along traces of 1/2 for the first logit and of 1 for the value: 2 x 1, and 0.25 x 2 x 1.
        step(&mut agent, 2.0, false, false);
        assert_eq!(parameters(&agent), (vec![1.0, -1.0, 1.0, -1.0], vec![0.5, 0.5]));
        // delta = 3 + 0.5 - 1; the critic's trace is 0.5 x 1 + 1.
        step(&mut agent, 3.0, false, false);
        let (policy, critic) = parameters(&agent);
        assert_eq!(critic, [1.4375, 1.4375]);
        // Logits of 2 and -2: the first choice has 1 / (1 + e^-4); its trace is 0.25 x 1/2 + 0.5 x (1 - that).
        let trace = 0.125 + 0.5 * (1.0 - 1.0 / (1.0 + (-4.0_f32).exp()));
        assert!((policy[0] - (1.0 + 2.5 * trace)).abs() < 1e-6 && policy[0] == -policy[1], "{policy:?}");
        // Truncation bootstraps, and ends traces and the discount of states.
        step(&mut agent, 0.0, false, true);
        assert_eq!(agent.td_error(), 0.5 * 2.875 - 2.875);
        assert!(
            agent.policy.trace.iter().chain(&agent.critic.trace).all(|&z| z == 0.0) && agent.weight == 1.0
        );
    }

    #[test]
    fn a_terminal_state_has_no_value() {
        let mut agent =
            agent(&OneStepConfig { critic_learning_rate: 0.5.into(), ..OneStepConfig::default() });
        step(&mut agent, 2.0, true, false);
        assert_eq!(agent.critic().parameters(), [1.0, 1.0]);
        step(&mut agent, 2.0, true, false);
        assert_eq!(agent.td_error(), 0.0);
    }
}
