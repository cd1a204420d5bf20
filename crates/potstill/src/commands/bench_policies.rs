//! `potstill bench actor-critic`: whole training runs of policy gradient and of continuous control, with settings for which
//! times of other programs are known.

use crate::algorithm::Algorithm;
use crate::config::{Layer, Origin};
use crate::error::Error;
use crate::run::{Observer, prepare_train, usage};
use serde_json::{Value as Json, json};
use std::time::Instant;
use toml::{Table, Value};

/// A training run of a fixed length.
struct Workload {
    name: &'static str,
    algorithm: &'static str,
    /// The preset whose values it has, if there is one.
    preset: Option<&'static str>,
    /// Values above it, as in a configuration file.
    values: &'static str,
    env: &'static str,
    steps: u64,
    threads: usize,
}

const fn zoo(name: &'static str, algorithm: &'static str, env: &'static str, steps: u64) -> Workload {
    Workload { name, algorithm, preset: Some("zoo"), values: "", env, steps, threads: 2 }
}

const WORKLOADS: [Workload; 9] = [
    // ModuRL's benchmark.
    Workload {
        name: "matched",
        algorithm: "ppo",
        preset: None,
        values: "num_envs = 8\nn_steps = 256\nbatch_size = 64\nn_epochs = 10",
        env: "CartPole-v1",
        steps: 20_480,
        threads: 1,
    },
    // PureJaxRL's PPO has CleanRL's values.
    Workload { preset: Some("cleanrl"), ..zoo("purejaxrl", "ppo", "CartPole-v1", 500_000) },
    zoo("ppo", "ppo", "CartPole-v1", 100_000),
    zoo("a2c", "a2c", "CartPole-v1", 500_000),
    zoo("lunar-lander", "ppo", "LunarLander-v3", 1_000_000),
    zoo("sac", "sac", "Pendulum-v1", 20_000),
    zoo("td3", "td3", "Pendulum-v1", 20_000),
    zoo("ddpg", "ddpg", "Pendulum-v1", 20_000),
    zoo("crossq", "crossq", "Pendulum-v1", 20_000),
];

/// The names of the workloads.
pub const POLICY_WORKLOADS: [&str; WORKLOADS.len()] = {
    let mut names = [""; WORKLOADS.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = WORKLOADS[i].name;
        i += 1;
    }
    names
};

/// Steps between checks of the stop signal.
const SLICE: u64 = 1000;

/// Measures a workload: the seconds of the training without evaluations. `steps` and `threads` replace its own.
///
/// # Errors
/// If there is no such workload, it is stopped, or a loss or a gradient is not finite.
pub fn bench_policies(
    workload: &str,
    (steps, threads): (Option<u64>, Option<usize>),
    observer: &dyn Observer,
) -> Result<Json, Error> {
    let found = WORKLOADS.iter().find(|known| known.name == workload).ok_or_else(|| {
        usage(format!("there is no workload `{workload}`; there are {}", POLICY_WORKLOADS.join(", ")))
    })?;
    let steps = steps.unwrap_or(found.steps);
    let threads = threads.unwrap_or(found.threads);
    let mut values: Table = found.values.parse().expect("values of a workload");
    values.insert("env".to_owned(), found.env.into());
    for (key, value) in [("steps", steps), ("eval_freq", 0), ("seed", 0)] {
        values.insert(key.to_owned(), Value::Integer(value as i64));
    }
    let algorithm = Algorithm::find(found.algorithm)?;
    let mut layers = vec![Layer { origin: Origin::Program("of the benchmark"), values }];
    if let Some(preset) = found.preset {
        layers.insert(0, algorithm.preset(preset, found.env)?);
    }
    let plan = prepare_train(algorithm, &layers, threads, None)?;
    let mut job = plan.job;
    let settings: Table = plan.config.parse().expect("a configuration");
    let stop = || observer.stop_requested();
    if let Some(warning) = job.warning() {
        observer.warn(warning);
    }
    observer.begin(workload, steps);
    let start = Instant::now();
    while !job.is_over() {
        if stop() {
            return Err(Error::Abandoned);
        }
        job.advance(job.steps() + SLICE, &stop, &mut |_| Ok(()))?;
        observer.advance(job.steps(), "");
    }
    let seconds = start.elapsed().as_secs_f64();
    observer.end();
    Ok(json!({
        "command": "bench actor-critic",
        "workload": workload,
        "settings": settings,
        "threads": threads,
        "steps": job.steps(),
        "seconds": seconds,
        "steps_per_second": job.steps() as f64 / seconds,
    }))
}
