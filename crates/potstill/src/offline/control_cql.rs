//! Conservative Q-learning for a box of actions: SAC from recorded transitions, whose critics are lowered at
//! sampled actions and raised at recorded ones. Its settings, and differences from the paper, stand in
//! [`cql`](super::cql).

use super::agent::{OfflineConfig, OfflineLearner, OfflineOptimizer};
use super::cql_config::{CqlConfig, CqlSettings, CqlShared};
use crate::actor_critic::critics::{Critics, critic_ends};
use crate::actor_critic::off_policy::Rates;
use crate::actor_critic::positive::Positive;
use crate::actor_critic::sac::{SacConfig, Temperature};
use crate::actor_critic::stochastic::{States, StochasticPolicy};
use crate::agent::{LearnError, Measurements, not_finite};
use crate::config::Auto;
use crate::deep::TaskSpec;
use crate::experience::Batch;
use crate::metrics::catalogue;
use crate::optimizer::OptimizerConfig;
use crate::policy::Schedule;
use crate::targets::bellman_values;
use potstill_core::math::{exp_f64, ln_f64};
use potstill_core::snapshot::Flat;
use potstill_core::{Pcg64, snapshot};
use potstill_nn::{Ends, Network};

/// Weight of the conservative term in a box of actions (d3rlpy's `conservative_weight`).
const ALPHA: f64 = 5.0;
/// Largest multiplier (the authors' code, CORL and d3rlpy).
const MULTIPLIER_MAX: f64 = 1e6;

/// The networks of CQL for a box of actions.
#[derive(Clone, Debug)]
pub struct ControlCqlLearner {
    alpha: f64,
    n_actions: usize,
    /// `pi`.
    policy: StochasticPolicy,
    /// `Q_1`, `Q_2` and `Q'_1`, `Q'_2`.
    critics: Critics<2>,
    temperature: Temperature,
    /// The factor of the conservative term, if it is learned.
    multiplier: Option<Positive>,
    threshold: f64,
    /// The stream of uniform actions.
    uniform: Pcg64,
    sampled: Sampled,
    y: Vec<f32>,
}

snapshot! {
    impl Restorable for ControlCqlLearner {
        saved: policy via Flat, critics via Flat, temperature via Flat, multiplier, uniform;
        built: alpha, n_actions, threshold, sampled, y;
    }
}

/// Actions at which the critics are lowered, those of a state side by side: as many uniform ones, ones of the
/// policy there, and ones of the policy in the next state.
#[derive(Clone, Debug, Default)]
struct Sampled {
    /// `states x (3 n) x components`.
    actions: Vec<f32>,
    /// The logarithm of the density that each was drawn from, `states x (3 n)`.
    log_probs: Vec<f32>,
}

impl Sampled {
    /// Draws `n` actions of each kind for all states of the policy's last draws.
    fn draw(&mut self, n: usize, width: usize, policy: &mut StochasticPolicy, uniform: &mut Pcg64) {
        let Self { actions, log_probs } = self;
        // (1/2)^width from -1 to 1.
        let ln_density = -(width as f32) * std::f32::consts::LN_2;
        let mut place = |kind: usize, drawn: (&[f32], &[f32])| {
            let states = drawn.1.len() / n;
            actions.resize(states * 3 * n * width, 0.0);
            log_probs.resize(states * 3 * n, 0.0);
            for state in 0..states {
                let (from, to) = (state * n, (state * 3 + kind) * n);
                actions[to * width..][..n * width].copy_from_slice(&drawn.0[from * width..][..n * width]);
                log_probs[to..][..n].copy_from_slice(&drawn.1[from..][..n]);
            }
        };
        let here = policy.draw_more(States::Here, n);
        let even = vec![ln_density; here.1.len()];
        let units: Vec<f32> = here.0.iter().map(|_| uniform.uniform(-1.0, 1.0) as f32).collect();
        place(1, here);
        place(0, (&units, &even));
        place(2, policy.draw_more(States::Next, n));
    }

    /// `mean_s ln sum_a exp (Q(s, a) - ln density(a))`, an estimate of the soft maximum of the values but for
    /// a constant, from the values of the sampled actions; adds `weight` of its gradient to theirs.
    fn soft_maximum(&self, states: usize, values: &[f32], weight: f64, d_values: &mut [f32]) -> f64 {
        let count = values.len() / states;
        let rows = values.chunks_exact(count).zip(self.log_probs.chunks_exact(count));
        let mut sum = 0.0;
        for ((values, log_probs), d_values) in rows.zip(d_values.chunks_exact_mut(count)) {
            let of = |i: usize| f64::from(values[i]) - f64::from(log_probs[i]);
            let largest = (0..count).map(of).fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = (0..count).map(|i| exp_f64(of(i) - largest)).sum();
            sum += largest + ln_f64(total);
            for (i, d) in d_values.iter_mut().enumerate() {
                *d += (weight / states as f64 * exp_f64(of(i) - largest) / total) as f32;
            }
        }
        sum / states as f64
    }
}

impl OfflineLearner for ControlCqlLearner {
    type Actions = [f32];
    type Settings = CqlSettings;

    fn shared((_, (CqlShared(config), _)): &CqlSettings) -> &OfflineConfig {
        config
    }

    fn optimizer((_, (_, OfflineOptimizer(optimizer))): &CqlSettings) -> &OptimizerConfig {
        optimizer
    }

    fn learning_rates((config, _): &CqlSettings) -> Rates<(&'static str, Schedule)> {
        Rates {
            policy: ("policy_learning_rate", config.policy_learning_rate),
            critic: ("critic_learning_rate", config.critic_learning_rate),
        }
    }

    fn critic_ends(task: &TaskSpec) -> Ends {
        critic_ends(task)
    }

    fn new(settings: &CqlSettings, task: &TaskSpec) -> Self {
        let (shared, optimizer) = (Self::shared(settings), Self::optimizer(settings));
        let CqlConfig { cql_alpha, n_actions, cql_threshold, ent_coef, .. } = settings.0;
        let of_sac = SacConfig { ent_coef, ..SacConfig::default() };
        let width = task.action_space.features();
        let mut rng = task.streams.stream("initialisation");
        Self {
            policy: StochasticPolicy::new(
                (&shared.net_arch, 1),
                of_sac.deviations(),
                optimizer,
                task,
                &mut rng,
            ),
            critics: Critics::new(shared.critic_arch(), optimizer, Some((1, shared.tau)), task, &mut rng),
            temperature: Temperature::new(&of_sac, optimizer, width),
            alpha: match cql_alpha {
                Auto::Number(alpha) => alpha,
                Auto::Auto => ALPHA,
            },
            n_actions: n_actions as usize,
            multiplier: cql_threshold.map(|_| Positive::new(1.0, optimizer)),
            threshold: cql_threshold.unwrap_or_default(),
            uniform: task.streams.stream("actions"),
            sampled: Sampled::default(),
            y: Vec::new(),
        }
    }

    fn learn(&mut self, batch: &Batch<[f32]>, rates: Rates) -> Result<Measurements, LearnError> {
        let Self { policy, critics, temperature, multiplier, uniform, sampled, y, .. } = self;
        let Batch { observations: s, actions: a, returns: r, discounts, next_observations: s_next, .. } =
            batch;
        // a ~ pi(.|s); temperature and multiplier before their steps are those of the losses.
        let (mean_log_prob, ent_coef) = (policy.draw(s), temperature.alpha());
        temperature.step(rates.policy, mean_log_prob)?;
        // y = r + gamma min_i Q'_i(s', a'), a' ~ pi(.|s')
        let (next_actions, _) = policy.draw_next(s_next);
        bellman_values(r, discounts, critics.target_values(s_next, next_actions), y);
        // J_Q = sum_i mean (Q_i(s, a) - y)^2 + alpha mean (ln sum_a' exp Q_i(s, a') - Q_i(s, a))
        sampled.draw(self.n_actions, a.len() / r.len(), policy, uniform);
        let factor = multiplier.as_ref().map_or(1.0, |factor| factor.value().min(MULTIPLIER_MAX));
        let (alpha, threshold, states) = (self.alpha * factor, self.threshold, r.len());
        let mut gaps = 0.0;
        let step =
            critics.conservative_step(rates.critic, batch, y, &sampled.actions, |values, d_values| {
                let (recorded, others) = values.split_at(states);
                let (d_recorded, d_others) = d_values.split_at_mut(states);
                let soft_maximum = sampled.soft_maximum(states, others, alpha, d_others);
                let mean = recorded.iter().map(|&q| f64::from(q)).sum::<f64>() / states as f64;
                d_recorded.iter_mut().for_each(|d| *d -= (alpha / states as f64) as f32);
                gaps += soft_maximum - mean;
                alpha * (soft_maximum - mean - threshold)
            })?;
        let gap = gaps / 2.0;
        if let Some(multiplier) = multiplier {
            // -1/2 sum_i multiplier alpha (gap_i - threshold), with respect to the multiplier's logarithm
            let gradient = if factor < MULTIPLIER_MAX { -alpha * (gap - threshold) } else { 0.0 };
            if let Some(error) = not_finite(&[("conservative gap", &[gradient as f32])]) {
                return Err(error);
            }
            multiplier.step(rates.policy, gradient as f32);
        }
        // J_pi = mean (alpha ln pi(a|s) - min_i Q_i(s, a)), with SAC's alpha
        let actor_loss = policy.ascend(rates.policy, ent_coef, s, critics)?;
        // Q'_i = tau Q_i + (1 - tau) Q'_i
        critics.tick();
        let measured = Measurements::of(catalogue::CRITIC_LOSS, step.loss)
            .with(catalogue::ACTOR_LOSS, actor_loss)
            .with(catalogue::CONSERVATIVE_GAP, gap)
            .with(catalogue::Q_VALUES, step.mean_value)
            .with(catalogue::ENTROPY, -mean_log_prob)
            .with(catalogue::ENT_COEF, ent_coef)
            .with(catalogue::GRADIENT_NORM, step.gradient_norm);
        Ok(if multiplier.is_some() { measured.with(catalogue::CQL_ALPHA, alpha) } else { measured })
    }

    fn outputs(&mut self, observations: &[f32]) -> &[f32] {
        self.policy.means(observations)
    }

    fn policy(&self) -> Network {
        self.policy.deterministic()
    }

    /// Deviations begin anew.
    fn copy_policy(&mut self, policy: &Network) {
        self.policy.copy_deterministic(policy).expect("a network without batch normalisation");
    }

    fn updates(&self) -> u64 {
        self.critics.updates()
    }

    fn lag(&self) -> Option<(u64, f64)> {
        self.critics.lag()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_maxima_by_hand() {
        // Two states with two actions each, of densities 1/2 and 1/4: ln(2 e^0 + 4 e^1) and ln(2 e^2 + 4
        // e^-1).
        let half = 0.5_f32.ln();
        let sampled = Sampled { actions: Vec::new(), log_probs: vec![half, 2.0 * half, half, 2.0 * half] };
        let mut d_values = [0.0; 4];
        let mean = sampled.soft_maximum(2, &[0.0, 1.0, 2.0, -1.0], 3.0, &mut d_values);
        assert!((mean - (12.873_127_f64.ln() + 16.249_630_f64.ln()) / 2.0).abs() < 1e-6, "{mean}");
        // Three halves of the shares of each: 2 / 12.873, 10.873 / 12.873, 14.778 / 16.250, 1.4715 / 16.250.
        let expected = [0.233_043, 1.266_957, 1.364_165, 0.135_835];
        assert!(d_values.iter().zip(expected).all(|(d, e)| (d - e).abs() < 1e-5), "{d_values:?}");
    }
}
