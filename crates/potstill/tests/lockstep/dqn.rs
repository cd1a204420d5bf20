//! DQN and its variants (Mnih et al. 2015 and the papers in the module doc of `deep/dqn.rs`) in lock step: the same
//! actions, and after every step the same online and target network.

use crate::experience::Noise;
use crate::network::{Form, Net, argmax, plain_sgd, softmax};
use potstill::agent::Agent;
use potstill::core::{Pcg64, Streams};
use potstill::deep::{C51Config, Dqn, DqnConfig, IqnConfig, Objective, QrDqnConfig, TaskSpec};
use potstill::experience::{Batch, ReplayBuffer};
use potstill::policy::{Policy, Schedule};

const FEATURES: usize = 3;
const ACTIONS: usize = 3;
const TOTAL: u64 = 300;
/// Probabilities at which an implicit distribution acts: the middles of so many parts.
const MIDDLES: usize = 32;

/// The statistic of the return, with its constants.
#[derive(Clone, Copy)]
enum Statistic {
    Mean,
    Atoms { count: usize, low: f64, high: f64 },
    Quantiles { count: usize, kappa: f64 },
    Implicit { online: usize, target: usize, cosines: usize, kappa: f64 },
}

impl Statistic {
    fn objective(self) -> Objective {
        match self {
            Statistic::Mean => Objective::MEAN,
            Statistic::Atoms { count, low, high } => {
                C51Config { n_atoms: count as u64, v_min: low, v_max: high }.objective()
            }
            Statistic::Quantiles { count, kappa } => {
                QrDqnConfig { n_quantiles: count as u64, kappa }.objective()
            }
            Statistic::Implicit { online, target, cosines, kappa } => {
                let [n_taus, n_target_taus, n_cosines] = [online, target, cosines].map(|n| n as u64);
                IqnConfig { n_taus, n_target_taus, n_cosines, kappa }.objective()
            }
        }
    }

    /// Outputs of an action.
    fn parts(self) -> usize {
        match self {
            Statistic::Mean | Statistic::Implicit { .. } => 1,
            Statistic::Atoms { count, .. } | Statistic::Quantiles { count, .. } => count,
        }
    }

    fn atom(self, i: usize) -> f64 {
        let Statistic::Atoms { count, low, high } = self else { unreachable!("a categorical distribution") };
        low + (high - low) / (count - 1) as f64 * i as f64
    }

    /// The mean of each action's distribution when it acts.
    fn means(self, net: &Net, x: &[f32]) -> Vec<f64> {
        let mean = |row: &[f64]| row.iter().sum::<f64>() / row.len() as f64;
        match self {
            Statistic::Mean => net.forward(x),
            Statistic::Quantiles { count, .. } => net.forward(x).chunks(count).map(mean).collect(),
            Statistic::Atoms { count, .. } => {
                let of = |row: &[f64]| softmax(row).iter().enumerate().map(|(i, p)| p * self.atom(i)).sum();
                net.forward(x).chunks(count).map(of).collect()
            }
            Statistic::Implicit { .. } => {
                let middles: Vec<f64> = (0..MIDDLES).map(|i| (i as f64 + 0.5) / MIDDLES as f64).collect();
                means_at(net, x, &middles)
            }
        }
    }
}

/// The mean of an implicit distribution over these probabilities, of each action.
fn means_at(net: &Net, x: &[f32], taus: &[f64]) -> Vec<f64> {
    let rows: Vec<Vec<f64>> = taus.iter().map(|&tau| net.forward_at(x, tau)).collect();
    (0..ACTIONS).map(|a| rows.iter().map(|row| row[a]).sum::<f64>() / taus.len() as f64).collect()
}

/// `ln softmax(q / temperature)`.
fn log_policy(q: &[f64], temperature: f64) -> Vec<f64> {
    softmax(&q.iter().map(|q| q / temperature).collect::<Vec<_>>()).iter().map(|p| p.ln()).collect()
}

/// One transition of a minibatch.
struct Sample<'a> {
    x: &'a [f32],
    next: &'a [f32],
    action: usize,
    sum: f64,
    discount: f64,
    /// The importance-sampling weight over the number of samples.
    weight: f64,
}

/// The naive learner.
struct Naive {
    statistic: Statistic,
    config: DqnConfig,
    online: Net,
    target: Net,
    replay: ReplayBuffer,
    /// Steps of all copies, and steps of each.
    steps: u64,
    calls: u64,
    exploration: Pcg64,
    sampling: Pcg64,
    noise: Pcg64,
    taus: Pcg64,
}

impl Naive {
    fn act(&mut self, observations: &[Vec<f32>]) -> Vec<usize> {
        let DqnConfig {
            exploration_initial_eps: from, exploration_final_eps: to, exploration_fraction, ..
        } = self.config;
        let share = (self.steps as f64 / (exploration_fraction * TOTAL as f64)).min(1.0);
        let epsilon = match self.config.noisy {
            _ if self.steps < self.config.learning_starts => 1.0,
            true => 0.0,
            false => from + share * (to - from),
        };
        if epsilon == 1.0 {
            return observations.iter().map(|_| self.exploration.below(ACTIONS)).collect();
        }
        self.online.draw_noise(&mut self.noise);
        let choose = |x: &Vec<f32>| {
            let q = self.statistic.means(&self.online, x);
            Policy::EpsilonGreedy { epsilon }.sample(&q, &mut self.exploration)
        };
        observations.iter().map(choose).collect()
    }

    /// Gradient steps that are due after a step of all copies: Stable-Baselines3's `collect_rollouts` and `learn`.
    fn due(&self) -> u64 {
        let DqnConfig { train_freq, gradient_steps, learning_starts, num_envs, .. } = self.config;
        match gradient_steps {
            _ if !self.calls.is_multiple_of(train_freq)
                || self.steps <= learning_starts
                || self.replay.is_empty() =>
            {
                0
            }
            0 => train_freq * num_envs,
            some => some,
        }
    }

    fn refresh(&mut self) {
        // Its `_on_step`.
        let interval = (self.config.target_update_interval / self.config.num_envs).max(1);
        if self.calls.is_multiple_of(interval) {
            let tau = self.config.tau;
            self.target.p.iter_mut().zip(&self.online.p).for_each(|(t, s)| *t += tau * (s - *t));
        }
    }

    fn gradient_step(&mut self) {
        let (size, mut batch) = (self.config.batch_size as usize, Batch::default());
        let done = self.steps as f64 / TOTAL as f64;
        let beta = self.config.prioritized_beta + (1.0 - self.config.prioritized_beta) * done.min(1.0);
        self.replay.sample_weighted(size, beta, &mut self.sampling, &mut batch);
        self.online.draw_noise(&mut self.noise);
        self.target.draw_noise(&mut self.noise);
        let mut draw = |per_sample: usize| -> Vec<f64> {
            (0..size * per_sample).map(|_| f64::from(self.taus.unit() as f32)).collect()
        };
        let (target_taus, taus) = match self.statistic {
            Statistic::Implicit { online, target, .. } => (draw(target), draw(online)),
            _ => (Vec::new(), Vec::new()),
        };
        let mut gradient = vec![0.0; self.online.p.len()];
        let mut errors = Vec::new();
        for i in 0..size {
            let sample = Sample {
                x: &batch.observations[i * FEATURES..][..FEATURES],
                next: &batch.next_observations[i * FEATURES..][..FEATURES],
                action: batch.actions[i],
                sum: f64::from(batch.returns[i]),
                discount: f64::from(batch.discounts[i]),
                weight: batch.weights.get(i).map_or(1.0, |&w| f64::from(w)) / size as f64,
            };
            let part = |taus: &[f64]| -> Vec<f64> {
                taus.chunks(taus.len().max(size) / size).nth(i).unwrap_or(&[]).to_vec()
            };
            errors.push(match self.statistic {
                Statistic::Mean => self.mean_error(&sample, &mut gradient),
                Statistic::Atoms { .. } => self.atoms_error(&sample, &mut gradient),
                Statistic::Quantiles { count, kappa } => {
                    let taus: Vec<f64> = (0..count).map(|k| (k as f64 + 0.5) / count as f64).collect();
                    let best = argmax(&self.choosers(&sample));
                    let next = self.target.forward(sample.next)[best * count..][..count].to_vec();
                    self.quantile_error(&sample, kappa, &next, &taus, &mut gradient)
                }
                Statistic::Implicit { kappa, .. } => {
                    let target_taus = part(&target_taus);
                    let choosers = if self.config.double {
                        self.statistic.means(&self.online, sample.next)
                    } else {
                        means_at(&self.target, sample.next, &target_taus)
                    };
                    let best = argmax(&choosers);
                    let next: Vec<f64> = target_taus
                        .iter()
                        .map(|&tau| self.target.forward_at(sample.next, tau)[best])
                        .collect();
                    self.quantile_error(&sample, kappa, &next, &part(&taus), &mut gradient)
                }
            } as f32);
        }
        let rate =
            self.config.learning_rate.at(self.steps - self.config.train_freq * self.config.num_envs, 1);
        self.online.descend(rate, &gradient);
        self.replay.set_priorities(&batch, &errors);
    }

    /// The means that select the next action.
    fn choosers(&self, sample: &Sample<'_>) -> Vec<f64> {
        self.statistic.means(if self.config.double { &self.online } else { &self.target }, sample.next)
    }

    fn mean_error(&self, sample: &Sample<'_>, gradient: &mut [f64]) -> f64 {
        let (q, next, choosers) =
            (self.online.forward(sample.x), self.target.forward(sample.next), self.choosers(sample));
        let y = if self.config.munchausen {
            let tau = self.config.munchausen_temperature;
            let here = tau * log_policy(&self.target.forward(sample.x), tau)[sample.action];
            let there = log_policy(&choosers, tau);
            let soft: f64 = (0..ACTIONS).map(|a| there[a].exp() * (next[a] - tau * there[a])).sum();
            let bonus = self.config.munchausen_alpha * here.clamp(-self.config.munchausen_clip, 0.0);
            sample.sum + bonus + sample.discount * soft
        } else {
            sample.sum + sample.discount * next[argmax(&choosers)]
        };
        let (error, delta) = (q[sample.action] - y, self.config.huber_delta);
        let mut d = vec![0.0; ACTIONS];
        d[sample.action] =
            sample.weight * if delta == 0.0 { 2.0 * error } else { error.clamp(-delta, delta) };
        self.online.add_gradient(sample.x, &d, gradient);
        error.abs()
    }

    /// The Kullback-Leibler divergence from the projected distribution (Bellemare et al. 2017).
    fn atoms_error(&self, sample: &Sample<'_>, gradient: &mut [f64]) -> f64 {
        let Statistic::Atoms { count, low, high } = self.statistic else { unreachable!("atoms") };
        let gap = (high - low) / (count - 1) as f64;
        let best = argmax(&self.choosers(sample));
        let next = softmax(&self.target.forward(sample.next)[best * count..][..count]);
        let mut projected = vec![0.0; count];
        for (j, p) in next.iter().enumerate() {
            let moved = (sample.sum + sample.discount * self.statistic.atom(j)).clamp(low, high);
            for (k, m) in projected.iter_mut().enumerate() {
                *m += p * (1.0 - (moved - self.statistic.atom(k)).abs() / gap).clamp(0.0, 1.0);
            }
        }
        let p = softmax(&self.online.forward(sample.x)[sample.action * count..][..count]);
        let mut d = vec![0.0; ACTIONS * count];
        for k in 0..count {
            d[sample.action * count + k] = sample.weight * (p[k] - projected[k]);
        }
        self.online.add_gradient(sample.x, &d, gradient);
        projected.iter().zip(&p).filter(|(m, _)| **m > 0.0).map(|(m, p)| m * (m / p).ln()).sum()
    }

    /// The quantile Huber loss (Dabney et al. 2018, equation 10), summed over quantiles, the mean over targets.
    fn quantile_error(
        &self,
        sample: &Sample<'_>,
        kappa: f64,
        next: &[f64],
        taus: &[f64],
        gradient: &mut [f64],
    ) -> f64 {
        let is_implicit = self.statistic.parts() == 1;
        let n = next.len() as f64;
        let mut loss = 0.0;
        for (k, &tau) in taus.iter().enumerate() {
            let outputs = self.online.forward_at(sample.x, tau);
            let place = if is_implicit { sample.action } else { sample.action * taus.len() + k };
            let mut d = vec![0.0; outputs.len()];
            for z in next {
                let u = sample.sum + sample.discount * z - outputs[place];
                let share = (tau - if u < 0.0 { 1.0 } else { 0.0 }).abs();
                let huber = if u.abs() <= kappa { 0.5 * u * u } else { kappa * (u.abs() - 0.5 * kappa) };
                loss += share * huber / kappa / n;
                d[place] -= sample.weight * share * u.clamp(-kappa, kappa) / kappa / n;
            }
            self.online.add_gradient_at(sample.x, tau, &d, gradient);
        }
        loss
    }
}

fn check(name: &str, statistic: Statistic, form: Form, change: fn(&mut DqnConfig), seed: u64) {
    let mut config = DqnConfig {
        net_arch: match form {
            Form::Linear => "mlp".to_owned(),
            Form::Dueling { units } | Form::Implicit { units, .. } => format!("mlp:{units}"),
            Form::DuelingImplicit { units, .. } => format!("mlp:{units},{units}"),
        }
        .parse()
        .unwrap(),
        learning_rate: 0.05.into(),
        buffer_size: 60,
        learning_starts: 20,
        batch_size: 8,
        train_freq: 4,
        gradient_steps: 2,
        target_update_interval: 7,
        exploration_fraction: 0.5,
        exploration_final_eps: 0.1,
        gamma: 0.9,
        dueling: matches!(form, Form::Dueling { .. } | Form::DuelingImplicit { .. }),
        ..DqnConfig::default()
    };
    change(&mut config);
    let optimizer = plain_sgd();
    let streams = Streams::new(seed);
    let task = TaskSpec::new(FEATURES, ACTIONS, TOTAL, streams);
    let mut agent = Dqn::with(statistic.objective(), (config.clone(), optimizer), &task).unwrap();
    let sizes = (FEATURES, ACTIONS, statistic.parts());
    let online = Net::new(form, config.noisy, sizes, agent.online().parameters());
    let replay = ReplayBuffer::new(config.replay(&task)).unwrap();
    let [exploration, sampling, noise, taus] =
        ["exploration", "replay", "noise", "taus"].map(|name| streams.stream(name));
    let copies = config.num_envs as usize;
    let target = online.clone();
    let mut naive = Naive {
        statistic,
        config,
        online,
        target,
        replay,
        steps: 0,
        calls: 0,
        exploration,
        sampling,
        noise,
        taus,
    };
    let mut world = Noise::new(FEATURES, copies, seed + 77);
    let mut updates = 0;
    while naive.steps < TOTAL {
        let mut actions = vec![0; copies];
        agent.act(&world.flat(), &mut actions);
        assert_eq!(actions, naive.act(&world.observations), "{name}, seed {seed}, step {}", naive.steps);
        let step = world.step(&actions);
        let due = agent.observe(&step.steps()).unwrap();
        naive.replay.push(&step.steps());
        (naive.calls, naive.steps) = (naive.calls + 1, naive.steps + copies as u64);
        naive.refresh();
        assert_eq!(due, naive.due(), "{name}, seed {seed}, step {}", naive.steps);
        for _ in 0..due {
            agent.update().unwrap();
            naive.gradient_step();
            updates += 1;
        }
        let place = format!("{name}, seed {seed}, step {}", naive.steps);
        naive.online.assert_is(agent.online().parameters(), &place);
        naive.target.assert_is(agent.target().network().parameters(), &format!("{place}, target network"));
    }
    assert!(updates > 80, "{name}: {updates} updates");
}

const ATOMS: Statistic = Statistic::Atoms { count: 11, low: -3.0, high: 3.0 };
const NARROW: Statistic = Statistic::Atoms { count: 7, low: -0.5, high: 0.5 };
const QUANTILES: Statistic = Statistic::Quantiles { count: 5, kappa: 0.7 };
const IMPLICIT: Statistic = Statistic::Implicit { online: 4, target: 3, cosines: 5, kappa: 0.7 };
const DUELING: Form = Form::Dueling { units: 5 };
const TAUS: Form = Form::Implicit { units: 5, cosines: 5 };
const DUELING_TAUS: Form = Form::DuelingImplicit { units: 5, cosines: 5 };

type Case = (&'static str, Statistic, Form, fn(&mut DqnConfig));

fn check_all(cases: &[Case]) {
    for &(name, statistic, form, change) in cases {
        (0..2).for_each(|seed| check(name, statistic, form, change, seed));
    }
}

#[test]
fn dqn_and_its_clocks() {
    check_all(&[
        ("dqn", Statistic::Mean, Form::Linear, |_| ()),
        ("mse, soft target", Statistic::Mean, Form::Linear, |c| {
            (c.huber_delta, c.tau, c.target_update_interval) = (0.0, 0.3, 3);
        }),
        ("small delta", Statistic::Mean, Form::Linear, |c| c.huber_delta = 0.1),
        ("as many gradient steps as steps", Statistic::Mean, Form::Linear, |c| {
            (c.gradient_steps, c.train_freq, c.learning_starts) = (0, 3, 0);
        }),
        ("three copies", Statistic::Mean, Form::Linear, |c| {
            (c.num_envs, c.n_step, c.train_freq) = (3, 2, 2);
        }),
        ("three copies, as many gradient steps as steps", Statistic::Mean, Form::Linear, |c| {
            (c.num_envs, c.gradient_steps, c.target_update_interval) = (3, 0, 20);
            c.learning_rate = Schedule::linear(0.1, 0.0, TOTAL as f64);
        }),
        ("seven copies", Statistic::Mean, Form::Linear, |c| {
            (c.num_envs, c.gradient_steps, c.train_freq) = (7, 0, 2);
        }),
        ("more copies than the interval of refreshes", Statistic::Mean, Form::Linear, |c| {
            (c.num_envs, c.gradient_steps, c.train_freq) = (9, 5, 1);
        }),
        ("a schedule to 0", Statistic::Mean, Form::Linear, |c| {
            c.learning_rate = Schedule::linear(0.1, 0.0, TOTAL as f64);
        }),
    ]);
}

#[test]
fn the_switches_of_dqn() {
    check_all(&[
        ("double, n-step", Statistic::Mean, Form::Linear, |c| (c.double, c.n_step) = (true, 3)),
        ("dueling", Statistic::Mean, DUELING, |_| ()),
        ("dueling, noisy, double", Statistic::Mean, DUELING, |c| (c.noisy, c.double) = (true, true)),
        ("prioritized", Statistic::Mean, Form::Linear, |c| {
            (c.prioritized, c.n_step, c.double) = (true, 2, true);
        }),
        ("prioritized, copies", Statistic::Mean, Form::Linear, |c| {
            (c.prioritized, c.n_step, c.num_envs, c.train_freq) = (true, 3, 4, 1);
        }),
        ("noisy", Statistic::Mean, Form::Linear, |c| (c.noisy, c.double) = (true, true)),
        ("munchausen", Statistic::Mean, Form::Linear, |c| {
            (c.munchausen, c.munchausen_temperature) = (true, 0.3);
        }),
        ("munchausen, double, n-step", Statistic::Mean, DUELING, |c| {
            (c.munchausen, c.munchausen_temperature, c.double, c.n_step) = (true, 0.3, true, 2);
        }),
    ]);
}

#[test]
fn distributions_of_the_return() {
    check_all(&[
        ("c51", ATOMS, Form::Linear, |_| ()),
        ("c51, narrow support", NARROW, Form::Linear, |_| ()),
        ("rainbow", ATOMS, DUELING, |c| {
            (c.noisy, c.double, c.n_step) = (true, true, 3);
            (c.prioritized, c.prioritized_alpha) = (true, 0.5);
        }),
        ("rainbow, copies", ATOMS, DUELING, |c| {
            (c.noisy, c.double, c.n_step, c.prioritized) = (true, true, 3, true);
            (c.num_envs, c.train_freq) = (3, 2);
        }),
        ("qr-dqn", QUANTILES, Form::Linear, |_| ()),
        ("qr-dqn, double, prioritized", QUANTILES, DUELING, |c| (c.double, c.prioritized) = (true, true)),
        ("iqn", IMPLICIT, TAUS, |_| ()),
        ("iqn, double, prioritized, n-step", IMPLICIT, TAUS, |c| {
            (c.double, c.prioritized, c.n_step) = (true, true, 2);
        }),
        ("iqn, dueling, noisy", IMPLICIT, DUELING_TAUS, |c| c.noisy = true),
    ]);
}
