//! Exploration of a box of actions by noise that is a random linear function of the features of a state (gSDE, Raffin et al.
//! 2022), drawn anew every so many steps: the last hidden layer's activations are the features.

use crate::config::ConfigError;
use crate::deep::TaskSpec;
use potstill_core::{Pcg64, snapshot};
use potstill_env::Space;
use potstill_nn::distributions::StateDependentNoise;
use potstill_nn::{Network, NetworkSpec, Tap, Workspace};

/// The free parameters of a policy for a box: logarithms of standard deviations.
pub(super) const LOG_STD: &str = "log_std";

/// The largest magnitude of the logarithm of a deviation: actions and their densities stay within single precision.
pub(super) const LOG_STD_MAX: f32 = 20.0;

/// The deviations of a policy for a box of actions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deviations {
    /// Their logarithm at the start.
    pub(super) log_std_init: f32,
    /// Depend on the state.
    pub(super) of_state: bool,
    /// Steps of a copy after which noise that depends on the state is drawn anew, if it is within a rollout.
    pub(super) sample_freq: Option<u64>,
}

impl Deviations {
    /// Those of the keys `log_std_init`, `use_sde` and `sde_sample_freq`.
    pub(super) fn new(log_std_init: f64, use_sde: bool, sde_sample_freq: Option<u64>) -> Self {
        Self { log_std_init: log_std_init as f32, of_state: use_sde, sample_freq: sde_sample_freq }
    }

    /// The same in every state.
    pub(super) fn constant(log_std_init: f64) -> Self {
        Self::new(log_std_init, false, None)
    }

    /// Their number for each component of an action: one, or one for each feature of a network of this form.
    ///
    /// # Panics
    /// If it has no hidden layer.
    pub(super) fn each(&self, spec: &NetworkSpec) -> usize {
        if self.of_state { *spec.hidden.last().expect("a hidden layer") } else { 1 }
    }

    /// Refuses deviations that depend on the state for choices, or without a hidden layer.
    pub(super) fn check(&self, spec: &NetworkSpec, task: &TaskSpec) -> Result<(), ConfigError> {
        if !self.of_state {
            return Ok(());
        }
        if !matches!(task.action_space, Space::Box { .. }) {
            let reason = format!("is noise on actions of a box, and these are {}", task.action_space);
            return Err(ConfigError::value("use_sde", reason));
        }
        if spec.hidden.is_empty() {
            let reason = format!("{spec}: use_sde needs a hidden layer, whose activations make the noise");
            return Err(ConfigError::value("net_arch", reason));
        }
        Ok(())
    }
}

/// The parameters of the noise of a policy.
fn parameters(policy: &Network) -> &[f32] {
    policy.free_parameters(LOG_STD).expect("a policy for a box")
}

/// The random functions by which some copies of an environment explore.
#[derive(Clone, Debug)]
pub(super) struct StateNoise {
    sample_freq: Option<u64>,
    /// `copies x features x components`.
    theta: Vec<f32>,
    /// Steps since the rollout began.
    age: u64,
}

snapshot! {
    impl Restorable for StateNoise {
        saved: theta, age;
        built: sample_freq;
    }
}

impl StateNoise {
    /// Those of a policy with these deviations; none if they are constant.
    pub(super) fn new(deviations: Deviations, policy: &Network, copies: usize) -> Option<Self> {
        deviations.of_state.then(|| Self {
            sample_freq: deviations.sample_freq,
            theta: vec![0.0; copies * parameters(policy).len()],
            age: 0,
        })
    }

    /// Begins another rollout.
    pub(super) fn end_rollout(&mut self) {
        self.age = 0;
    }

    /// The functions for the next step of all copies, which are drawn anew if that is due.
    pub(super) fn tick(&mut self, policy: &Network, rng: &mut Pcg64) -> &[f32] {
        if self.age == 0 || self.sample_freq.is_some_and(|freq| self.age.is_multiple_of(freq)) {
            draw(policy, rng, &mut self.theta);
        }
        self.age += 1;
        &self.theta
    }
}

/// Draws as many random functions as there is place for.
pub(super) fn draw(policy: &Network, rng: &mut Pcg64, theta: &mut [f32]) {
    StateDependentNoise::draw(parameters(policy), rng, theta);
}

/// The features of a batch of states, and the deviations that a policy has in them.
#[derive(Clone, Debug)]
pub(super) struct StateFeatures {
    /// The hidden layer of the features.
    pub(super) tap: Tap,
    components: usize,
    /// `samples x features`.
    features: Vec<f32>,
    /// Logarithms of the deviations of the actions, `samples x components`.
    pub(super) log_std: Vec<f32>,
    /// The variances of the random functions' weights.
    variances: Vec<f32>,
}

impl StateFeatures {
    /// Those of a policy with these deviations; none if they are constant.
    pub(super) fn new(deviations: Deviations, policy: &Network) -> Option<Self> {
        deviations.of_state.then(|| {
            let (_, tap) = policy.taps().last().expect("a hidden layer");
            Self {
                tap,
                components: parameters(policy).len() / tap.units(),
                features: Vec::new(),
                log_std: Vec::new(),
                variances: Vec::new(),
            }
        })
    }

    /// Reads the features of so many states, which the policy's last forward pass was through, and computes the
    /// deviations.
    pub(super) fn read(&mut self, policy: &Network, workspace: &Workspace, samples: usize) {
        self.features.resize(samples * self.tap.units(), 0.0);
        policy.activations(self.tap, workspace, &mut self.features);
        self.log_std.resize(samples * self.components, 0.0);
        let of = StateDependentNoise::new(&self.features, parameters(policy), self.components);
        of.log_std(&mut self.variances, &mut self.log_std);
    }

    fn of<'a>(&'a self, policy: &'a Network) -> StateDependentNoise<'a> {
        StateDependentNoise::new(&self.features, parameters(policy), self.components)
    }

    /// The noise of the states by one random function, or by one for each of them.
    pub(super) fn noise(&self, policy: &Network, theta: &[f32], noise: &mut Vec<f32>) {
        noise.resize(self.log_std.len(), 0.0);
        self.of(policy).noise(theta, noise);
    }

    /// The gradient with respect to the parameters, from that with respect to the logarithms of the deviations. It does
    /// not go on through the features, as in Stable-Baselines3's on-policy learners.
    pub(super) fn gradient(&self, policy: &Network, d_log_std: &[f32], d_parameters: &mut Vec<f32>) {
        d_parameters.clear();
        d_parameters.resize(parameters(policy).len(), 0.0);
        let found = (&*self.variances, &*self.log_std);
        self.of(policy).add_log_std_gradients(found, d_log_std, d_parameters, None);
    }

    /// The gradients with respect to the parameters and to the features, from those with respect to the logarithms of
    /// the deviations, and to the noise by one random function.
    pub(super) fn gradients(
        &self,
        policy: &Network,
        d_log_std: &[f32],
        (theta, d_noise): (&[f32], &[f32]),
        (d_parameters, d_features): (&mut Vec<f32>, &mut Vec<f32>),
    ) {
        let (found, of) = ((&*self.variances, &*self.log_std), self.of(policy));
        d_parameters.clear();
        d_parameters.resize(parameters(policy).len(), 0.0);
        d_features.clear();
        d_features.resize(self.features.len(), 0.0);
        of.add_log_std_gradients(found, d_log_std, d_parameters, Some(d_features));
        of.add_noise_gradients(theta, d_noise, d_parameters, d_features);
    }
}
