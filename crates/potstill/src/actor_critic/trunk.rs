//! Policy and critic as two networks, or as two heads on the hidden layers of one.

use super::actions::{POLICY, PolicyActions, outputs_of};
use super::state_noise::Deviations;
use crate::agent::LearnError;
use crate::config::ConfigError;
use crate::deep::TaskSpec;
use crate::optimizer::{GuardedStep, OptimizerConfig, Share, step_together};
use potstill_core::snapshot;
use potstill_nn::{Ends, Initialisation, Interface, Network, NetworkSpec, Upstream, Workspace};

/// The gain of the policy's last layer under orthogonal initial weights: it begins nearly uniform.
pub(super) const POLICY_GAIN: f32 = 0.01;
/// The second head of a network of both.
const VALUE: &str = "value";

/// A policy and a critic with their optimisers: two networks of one form, or one with the heads `policy` and `value`,
/// whose hidden layers learn from both losses.
#[derive(Clone, Debug)]
pub(super) struct Networks {
    /// The policy's network, or that of both.
    policy: Network,
    critic: Option<Network>,
    policy_optimizer: GuardedStep,
    critic_optimizer: Option<GuardedStep>,
}

snapshot! {
    impl Restorable for Networks {
        saved: policy, critic, policy_optimizer, critic_optimizer;
    }
}

/// Workspaces of passes through policy and critic; one network of both has its pass in the first.
#[derive(Clone, Debug, Default)]
pub(super) struct Passes {
    pub(super) policy: Workspace,
    critic: Workspace,
}

impl Passes {
    pub(super) fn new(task: &TaskSpec) -> Self {
        let workspace = || Workspace::new(task.workers.clone());
        Self { policy: workspace(), critic: workspace() }
    }
}

/// Gradients of a loss with respect to what networks compute: the outputs of the policy, which those of a network of
/// both are completed in, the policy's free parameters, and the values.
pub(super) struct Gradients<'a> {
    pub(super) outputs: &'a mut Vec<f32>,
    pub(super) free: &'a [f32],
    pub(super) values: &'a [f32],
}

/// The inputs and the output of a critic of state values.
pub(super) fn critic_ends(task: &TaskSpec) -> Ends {
    Ends::new(task.inputs, 1)
}

/// Refuses a network of both, if it is asked for, that has no hidden layer or streams of its own.
pub(super) fn check_shared_trunk(shared_trunk: bool, spec: &NetworkSpec) -> Result<(), ConfigError> {
    let reason = match spec {
        _ if !shared_trunk => return Ok(()),
        _ if spec.dueling => "cannot be dueling with shared_trunk, which has a head for the value",
        _ if spec.hidden.is_empty() && spec.stages.is_empty() => {
            "has no hidden layer for shared_trunk to share; give one, as in mlp:64"
        }
        _ => return Ok(()),
    };
    Err(ConfigError::value("net_arch", format!("{spec} {reason}")))
}

impl Networks {
    /// Those of this form.
    pub(super) fn new<A: PolicyActions + ?Sized>(
        (spec, deviations, shared_trunk): (&NetworkSpec, Deviations, bool),
        optimizer: &OptimizerConfig,
        task: &TaskSpec,
    ) -> Self {
        let (mut rng, how) = (task.streams.stream("initialisation"), optimizer.initialisation());
        let log_std = (deviations.each(spec), deviations.log_std_init);
        let of_policy = A::interface(task.inputs, &task.action_space, log_std);
        let interface = match shared_trunk {
            false => of_policy,
            true => {
                let heads = [(POLICY, of_policy.ends.choices), (VALUE, 1)];
                Interface { free: of_policy.free, ..Interface::of_heads(task.inputs, &heads) }
            }
        };
        let mut policy = spec.initialised(interface, how, &mut rng);
        match how {
            Initialisation::Orthogonal if shared_trunk => policy.scale_head_weights(POLICY, POLICY_GAIN),
            Initialisation::Orthogonal => policy.scale_output_weights(POLICY_GAIN),
            _ => {}
        }
        let critic = (!shared_trunk).then(|| spec.initialised(&critic_ends(task), how, &mut rng));
        let step = |network: &Network| GuardedStep::new(optimizer, network.parameters().len());
        Self { policy_optimizer: step(&policy), critic_optimizer: critic.as_ref().map(step), policy, critic }
    }

    /// The policy's network, or that of both.
    pub(super) fn policy(&self) -> &Network {
        &self.policy
    }

    /// The critic's network, or that of both.
    pub(super) fn critic(&self) -> &Network {
        self.critic.as_ref().unwrap_or(&self.policy)
    }

    /// Replaces the parameters of a critic of its own.
    #[cfg(test)]
    pub(super) fn set_critic(&mut self, parameters: &[f32]) {
        self.critic.as_mut().expect("a critic").update_parameters(|p| p.copy_from_slice(parameters));
    }

    /// The optimiser of the policy, which is that of both if there is one network.
    pub(super) fn optimizer(&self) -> &GuardedStep {
        &self.policy_optimizer
    }

    /// The network of the policy alone.
    pub(super) fn policy_alone(&self) -> Network {
        match self.critic {
            Some(_) => self.policy.clone(),
            None => self.policy.of_head_with_free(POLICY),
        }
    }

    /// Takes over the network of a policy alone, of the same form.
    pub(super) fn set_policy(&mut self, policy: &Network) {
        match self.critic {
            Some(_) => self.policy.copy_from(policy),
            None => self.policy.copy_to_head(POLICY, policy),
        }
    }

    /// The values of observations.
    pub(super) fn predict_values<'a>(&self, observations: &[f32], passes: &'a mut Passes) -> &'a [f32] {
        let critic = self.critic();
        outputs_of(VALUE, critic, critic.predict(observations, &mut passes.critic))
    }

    /// The values of a minibatch that the policy's pass was through, for a [step](Self::step).
    pub(super) fn values_after<'a>(&self, observations: &[f32], passes: &'a mut Passes) -> &'a [f32] {
        match &self.critic {
            Some(critic) => critic.forward(observations, &mut passes.critic),
            None => outputs_of(VALUE, &self.policy, passes.policy.outputs()),
        }
    }

    /// One step of one optimiser of all parameters along the negative gradient of a loss, after the passes of a
    /// minibatch.
    ///
    /// # Errors
    /// If the loss or a gradient is not finite. The networks are unchanged.
    pub(super) fn step(
        &mut self,
        learning_rate: f64,
        gradients: Gradients<'_>,
        passes: &mut Passes,
        loss: f32,
        seen: &[(&str, &[f32])],
    ) -> Result<(), LearnError> {
        let Self { policy, critic, policy_optimizer, critic_optimizer } = self;
        let Gradients { outputs, free, values } = gradients;
        let critic = critic.as_mut().zip(critic_optimizer.as_mut());
        if critic.is_none() {
            outputs.extend_from_slice(values);
        }
        let of_policy = Share {
            names: ["policy's parameter", "policy's gradient"],
            network: policy,
            optimizer: policy_optimizer,
            upstream: Upstream { outputs, free, taps: &[] },
            workspace: &mut passes.policy,
        };
        let Some((network, optimizer)) = critic else {
            let names = ["parameter", "gradient"];
            return step_together(learning_rate, [Share { names, ..of_policy }], loss, seen);
        };
        let of_critic = Share {
            names: ["critic's parameter", "critic's gradient"],
            network,
            optimizer,
            upstream: values.into(),
            workspace: &mut passes.critic,
        };
        step_together(learning_rate, [of_policy, of_critic], loss, seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor_critic::{Ppo, PpoConfig, PpoOptimizer};
    use crate::agent::Agent;
    use crate::model::Model;
    use potstill_core::Streams;
    use potstill_env::Space;

    /// An agent for actions of two numbers in states of three, with eight hidden units.
    fn agent(seed: u64, shared_trunk: bool) -> Ppo<[f32]> {
        let config = PpoConfig {
            net_arch: "mlp:8:tanh".parse().unwrap(),
            shared_trunk,
            log_std_init: -0.5,
            ..PpoConfig::default()
        };
        let action_space = Space::uniform(2, -1000.0, 1000.0);
        let task = TaskSpec { action_space, ..TaskSpec::new(3, 2, 1000, Streams::new(seed)) };
        Ppo::new((config, PpoOptimizer::default().0), &task)
    }

    fn network(model: &Model) -> &Network {
        <[f32]>::network(model).expect("a policy for a box")
    }

    #[test]
    fn the_model_is_the_network_of_the_policy_alone() {
        let agent = agent(1, true);
        let (both, model) = (agent.policy(), agent.model());
        let alone = network(&model);
        // (3 + 1) x 8 of the hidden layer, (8 + 1) x 2 of the means, (8 + 1) x 1 of the value, two deviations.
        assert_eq!((both.parameters().len(), alone.parameters().len()), (61, 52));
        assert_eq!(alone.free_parameters("log_std"), Some(&[-0.5, -0.5][..]));
        let (x, mut workspace) = ([0.3, -0.7, 1.1, 0.9, 0.2, -0.4], Workspace::default());
        let outputs = both.predict(&x, &mut workspace).to_vec();
        // The means of both samples, then their values.
        assert_eq!(alone.predict(&x, &mut workspace), &outputs[..4]);
        assert_eq!(outputs.len(), 6);
    }

    /// The gain of the policy's head is 0.01, that of the value's 1, as the norm of an output's weights.
    #[test]
    fn only_the_policy_begins_nearly_uniform() {
        let agent = agent(2, true);
        let parameters = agent.policy().parameters();
        let of_policy = &parameters[32..48];
        let norm = |weights: &mut dyn Iterator<Item = &f32>| weights.map(|w| w * w).sum::<f32>().sqrt();
        for output in 0..2 {
            let norm = norm(&mut of_policy.iter().skip(output).step_by(2));
            assert!((norm - 0.01).abs() < 1e-6, "{norm}");
        }
        let norm = norm(&mut parameters[50..58].iter());
        assert!((norm - 1.0).abs() < 1e-5, "{norm}");
    }

    #[test]
    fn a_policy_goes_from_one_form_to_the_other_and_the_value_stays() {
        for (from, to) in [(true, true), (true, false), (false, true)] {
            let (source, mut target) = (agent(3, from), agent(4, to));
            let before = target.critic().clone();
            target.start_from(&source.model()).unwrap();
            assert_eq!(network(&target.model()), network(&source.model()), "{from} {to}");
            let head = 50..59;
            if to {
                assert_eq!(target.critic().parameters()[head.clone()], before.parameters()[head]);
            } else {
                assert_eq!(*target.critic(), before);
            }
        }
    }

    #[test]
    fn forms_that_share_nothing_are_refused() {
        let refusal = |spec: &str| {
            let refused = check_shared_trunk(true, &spec.parse().unwrap());
            refused.err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(refusal("mlp").contains("mlp has no hidden layer for shared_trunk to share"));
        assert!(refusal("mlp:8:dueling").contains("cannot be dueling with shared_trunk"));
        assert_eq!((refusal("mlp:8"), refusal("cnn:16x3")), (String::new(), String::new()));
        assert!(check_shared_trunk(false, &"mlp".parse().unwrap()).is_ok());
    }
}
