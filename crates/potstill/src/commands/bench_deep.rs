//! `potstill bench dqn`: whole training runs with settings for which times have been published, and single
//! updates.

use crate::algorithm::published;
use crate::deep::{Dqn, DqnConfig, Objective, Pqn, PqnConfig, TaskSpec};
use crate::error::Error;
use crate::optimizer::OptimizerConfig;
use crate::run::{Observer, find_env, usage};
use crate::train::{Trainer, Training, VecTrainer};
use potstill_core::Streams;
use potstill_env::Autoreset;
use potstill_nn::loss::{Chosen, Regression, regression_at};
use potstill_nn::{
    Aligned, Ends, Initialisation, Inputs, Level, Network, NetworkSpec, Optimiser, Rule, Workers, Workspace,
};
use serde_json::{Value, json};
use std::time::Instant;

/// The workloads that are whole training runs.
pub const TRAININGS: [&str; 4] = ["matched", "purejaxrl", "zoo", "pqn"];
/// The workloads that are single updates of a network.
pub const UPDATES: [&str; 3] = ["update", "minatar", "nature"];

/// The measurements of a workload.
struct Measured {
    /// Its settings, with Stable-Baselines3's names.
    settings: Value,
    threads: usize,
    /// Seconds of a training run, or of one update.
    seconds: f64,
    transitions: u64,
    updates: u64,
    /// Floating-point operations in matrix products.
    operations: f64,
}

/// Measures a workload, also as a fraction of the peak of one core times the number of threads.
///
/// # Errors
/// If there is no such workload, or a loss or a gradient is not finite.
pub fn bench_dqn(workload: &str, observer: &dyn Observer) -> Result<Value, Error> {
    let plain = |net_arch: &str, learning_rate: f64| DqnConfig {
        net_arch: net_arch.parse().expect("a network"),
        learning_rate: learning_rate.into(),
        huber_delta: 0.0,
        buffer_size: 10_000,
        gradient_steps: 1,
        ..DqnConfig::default()
    };
    let free = OptimizerConfig { max_grad_norm: f64::INFINITY, ..OptimizerConfig::default() };
    observer.begin(workload, 1);
    let measured = match workload {
        "matched" => {
            let config = DqnConfig {
                batch_size: 64,
                learning_starts: 1024,
                train_freq: 4,
                target_update_interval: 1000,
                exploration_initial_eps: 0.1,
                exploration_final_eps: 0.1,
                exploration_fraction: 1.0,
                ..plain("mlp:64,64:tanh", 2.5e-4)
            };
            replay(&config, &OptimizerConfig { optimizer_eps: 1e-5, ..free }, (1024, 4096), 1)
        }
        "purejaxrl" => {
            let config = DqnConfig {
                batch_size: 128,
                learning_starts: 10_000,
                train_freq: 1,
                target_update_interval: 500,
                exploration_final_eps: 0.05,
                exploration_fraction: 0.5,
                num_envs: 10,
                ..plain("mlp:120,84", 2.5e-4)
            };
            replay(&config, &free, (0, 500_000), 2)
        }
        "zoo" => {
            let (config, optimizer) = published::<(DqnConfig, OptimizerConfig)>("dqn", "zoo", "CartPole-v1")?;
            replay(&config, &optimizer, (0, 50_000), 2)
        }
        "pqn" => pqn(&PqnConfig::default(), &OptimizerConfig::default(), 500_000, 2),
        "update" => Ok(update("mlp:256,256", 8.into(), 4, 128, 1)),
        "minatar" => Ok(update("cnn:16x3,128", [10, 10, 4].into(), 6, 32, 1)),
        "nature" => Ok(update("cnn:32x8s4,64x4s2,64x3,512", [84, 84, 4].into(), 6, 32, 2)),
        other => {
            let known = [&TRAININGS[..], &UPDATES].concat().join(", ");
            Err(usage(format!("there is no workload `{other}`; there are {known}")))
        }
    }?;
    let peak = peak_flops();
    observer.end();
    let Measured { settings, threads, seconds, transitions, updates, operations } = measured;
    Ok(json!({
        "command": "bench dqn",
        "workload": workload,
        "settings": settings,
        "threads": threads,
        "seconds": seconds,
        "transitions_per_second": if transitions > 0 { json!(transitions as f64 / seconds) } else { Value::Null },
        "updates_per_second": updates as f64 / seconds,
        "gflops": operations / seconds / 1e9,
        "peak_gflops": peak / 1e9,
        "peak_share": operations / seconds / (peak * threads as f64),
        "level": Level::best().name(),
    }))
}

/// Multiply-adds of an update: the teacher's forward pass if there is one, the student's forward pass, and
/// the backward pass.
fn per_update(network: &Network, batch: u64, has_teacher: bool) -> f64 {
    let forward = network.multiply_adds() * if has_teacher { 2 } else { 1 };
    2.0 * (forward + network.backward_multiply_adds()) as f64 * batch as f64
}

/// Repetitions of a short training run, for the median.
const ROUNDS: usize = 9;

/// Floating-point operations per second that one core makes at most, in multiply-adds: the best of some measurements.
pub(super) fn peak_flops() -> f64 {
    let measure = |_| {
        let start = Instant::now();
        let operations = Level::best().busy_flops();
        operations / start.elapsed().as_secs_f64()
    };
    (0..10).map(measure).fold(0.0, f64::max)
}

fn replay(
    dqn: &DqnConfig,
    optimizer: &OptimizerConfig,
    (warmup, steps): (u64, u64),
    threads: usize,
) -> Result<Measured, Error> {
    let spec = find_env("CartPole-v1")?;
    let mut times = Vec::new();
    let rounds = if warmup > 0 { ROUNDS } else { 1 };
    let mut forward = 0.0;
    let mut each = 0.0;
    for _ in 0..rounds {
        let streams = Streams::new(0);
        let workers = Workers::new(threads);
        let task = TaskSpec { workers, ..TaskSpec::new(4, 2, warmup + steps, streams) };
        let agent =
            Dqn::with(Objective::MEAN, (dqn.clone(), optimizer.clone()), &task).expect("a small buffer");
        forward = 2.0 * agent.online().multiply_adds() as f64;
        each = per_update(agent.online(), dqn.batch_size, true);
        times.push(if dqn.num_envs == 1 {
            let env = spec.make_features().expect("features");
            time(&mut Trainer::new(agent, env, streams), warmup, steps)?
        } else {
            let envs = spec.make_vec_features(dqn.num_envs as usize, Autoreset::SameStep).expect("features");
            time(&mut VecTrainer::new(agent, envs, streams), warmup, steps)?
        });
    }
    times.sort_by(f64::total_cmp);
    // Updates before learning_starts, which are left out.
    let ends = |steps: u64| steps / (dqn.train_freq * dqn.num_envs) * dqn.gradient_steps;
    let updates = ends(warmup + steps) - ends(dqn.learning_starts.max(warmup));
    let settings = json!({
        "env": spec.id,
        "num_envs": dqn.num_envs,
        "steps": steps,
        "warmup_steps": warmup,
        "net_arch": dqn.net_arch.to_string(),
        "batch_size": dqn.batch_size,
        "buffer_size": dqn.buffer_size,
        "learning_starts": dqn.learning_starts,
        "learning_rate": dqn.learning_rate.at(0, 1),
        "adam_eps": optimizer.optimizer_eps,
        "gamma": dqn.gamma,
        // In transitions, as all others, as in the workloads of `benches/peers`.
        "train_freq": dqn.train_freq * dqn.num_envs,
        "gradient_steps": dqn.gradient_steps,
        "target_update_interval": dqn.target_update_interval,
        "loss": if dqn.huber_delta == 0.0 { "mse" } else { "huber" },
        "max_grad_norm": optimizer.max_grad_norm,
        "exploration_initial_eps": dqn.exploration_initial_eps,
        "exploration_final_eps": dqn.exploration_final_eps,
        "exploration_fraction": dqn.exploration_fraction,
        "threads": threads,
    });
    // Before learning starts the network is not evaluated.
    let asked = steps - dqn.learning_starts.saturating_sub(warmup).min(steps);
    let operations = forward * asked as f64 + each * updates as f64;
    Ok(Measured { settings, threads, seconds: times[rounds / 2], transitions: steps, updates, operations })
}

fn pqn(
    config: &PqnConfig,
    optimizer: &OptimizerConfig,
    steps: u64,
    threads: usize,
) -> Result<Measured, Error> {
    let spec = find_env("CartPole-v1")?;
    let streams = Streams::new(0);
    let task = TaskSpec { workers: Workers::new(threads), ..TaskSpec::new(4, 2, steps, streams) };
    let agent = Pqn::new((config.clone(), optimizer.clone()), &task);
    let (forward, batch) =
        (2.0 * agent.network().multiply_adds() as f64, config.collected() / config.num_minibatches);
    let each = per_update(agent.network(), batch, false);
    let envs = spec.make_vec_features(config.num_envs as usize, Autoreset::SameStep).expect("features");
    let seconds = time(&mut VecTrainer::new(agent, envs, streams), 0, steps)?;
    let updates = steps / config.collected() * config.update_epochs * config.num_minibatches;
    let settings = json!({
        "env": spec.id,
        "num_envs": config.num_envs,
        "steps": steps,
        "warmup_steps": 0,
        "net_arch": config.net_arch.to_string(),
        "num_steps": config.num_steps,
        "num_minibatches": config.num_minibatches,
        "update_epochs": config.update_epochs,
        "learning_rate": config.learning_rate.at(0, 1),
        "adam_eps": optimizer.optimizer_eps,
        "gamma": config.gamma,
        "lambda": config.lambda,
        "loss": "mse",
        "max_grad_norm": optimizer.max_grad_norm,
        "exploration_initial_eps": config.exploration_initial_eps,
        "exploration_final_eps": config.exploration_final_eps,
        "exploration_fraction": config.exploration_fraction,
        "threads": threads,
    });
    let operations = forward * steps as f64 + each * updates as f64;
    Ok(Measured { settings, threads, seconds, transitions: steps, updates, operations })
}

/// Seconds of a training run after an untimed warm-up.
fn time<T: Training>(trainer: &mut T, warmup: u64, steps: u64) -> Result<f64, Error> {
    while trainer.steps() < warmup {
        trainer.advance()?;
    }
    let start = Instant::now();
    while trainer.steps() < warmup + steps {
        trainer.advance()?;
    }
    Ok(start.elapsed().as_secs_f64())
}

/// Duration of the measurement of single updates, in seconds.
const SECONDS: f64 = 3.0;

/// Measures updates on one batch: the teacher's forward pass, the student's, the squared error of chosen
/// outputs, the backward pass, and Adam.
fn update(spec: &str, inputs: Inputs, outputs: usize, batch: usize, threads: usize) -> Measured {
    const RATE: f64 = 2.5e-4;
    let spec: NetworkSpec = spec.parse().expect("a network");
    let mut rng = Streams::new(0).stream("initialisation");
    let mut student = spec.initialised(&Ends::new(inputs, outputs), Initialisation::Pytorch, &mut rng);
    let teacher = student.clone();
    let workers = Workers::new(threads);
    let (mut looking, mut learning) = (Workspace::new(workers.clone()), Workspace::new(workers.clone()));
    let observations: Vec<f32> =
        (0..batch * student.inputs()).map(|_| rng.uniform(0.0, 1.0) as f32).collect();
    let actions: Vec<usize> = (0..batch).map(|_| rng.below(outputs)).collect();
    let mut optimiser = Optimiser::new(Rule::ADAM, student.parameters().len());
    let (mut targets, mut errors) = (vec![0.0; batch], vec![0.0; batch]);
    let mut d_outputs = vec![0.0; batch * outputs];
    let mut gradient = Aligned::zeros(student.parameters().len());
    let mut times = Vec::new();
    let begun = Instant::now();
    while begun.elapsed().as_secs_f64() < SECONDS {
        let start = Instant::now();
        let next = teacher.predict(&observations, &mut looking);
        for (target, row) in targets.iter_mut().zip(next.chunks_exact(outputs)) {
            *target = 0.5 * row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        }
        let q = student.forward(&observations, &mut learning);
        let chosen = Chosen { indices: &actions, weights: &[] };
        regression_at(Regression::SquaredError, q, chosen, &targets, &mut errors, &mut d_outputs);
        let length = student.backward(&d_outputs, &mut learning, &mut gradient);
        // As in training: no step along a gradient that is not finite.
        assert!(length.is_finite(), "a finite gradient");
        student.update_parameters(|parameters| optimiser.step(RATE, parameters, &gradient, &workers));
        times.push(start.elapsed().as_secs_f64());
    }
    // The first updates have cold caches.
    times.drain(..times.len() / 4);
    times.sort_by(f64::total_cmp);
    let Inputs { height, width, channels, .. } = inputs;
    let shape =
        if height * width > 1 { format!("{channels}x{height}x{width}") } else { channels.to_string() };
    let settings = json!({
        "inputs": shape,
        "outputs": outputs,
        "net_arch": spec.to_string(),
        "batch_size": batch,
        "loss": "mse",
        "learning_rate": RATE,
        "threads": threads,
    });
    let operations = per_update(&student, batch as u64, true);
    Measured { settings, threads, seconds: times[times.len() / 2], transitions: 0, updates: 1, operations }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_counted_whole() {
        // 8-256-256-4 on 128 samples: 69.7 million operations by PyTorch's own counter.
        let measured = update("mlp:256,256", 8.into(), 4, 128, 1);
        assert!((measured.operations / 1e6 - 69.7).abs() < 0.1, "{}", measured.operations);
        assert!(measured.seconds > 0.0);
    }

    #[test]
    fn an_unknown_workload_is_told_the_known() {
        let error = bench_dqn("atari", &crate::run::Quiet).unwrap_err().to_string();
        assert_eq!(
            error,
            "there is no workload `atari`; there are matched, purejaxrl, zoo, pqn, update, minatar, nature"
        );
    }
}
