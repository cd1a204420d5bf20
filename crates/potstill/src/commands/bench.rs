//! `potstill bench`: measures speed on this machine.

use crate::algorithm::{Algorithm, Task};
use crate::error::Error;
use crate::run::{Observer, find_environment, usage};
use crate::train::{Trainer, parallel_map};
use potstill_core::Streams;
use potstill_env::registry::{Factory, Spec, Visitor};
use potstill_env::{Autoreset, Row, VecEnv};
use serde_json::{Value, json};
use std::borrow::Borrow;
use std::time::{Duration, Instant};

/// The load and the duration of a benchmark.
#[derive(Clone, Copy, Debug)]
pub struct BenchRequest {
    /// Copies of the environment.
    pub num_envs: usize,
    /// Threads that share the copies.
    pub threads: usize,
    /// Duration of the measurement, in seconds.
    pub seconds: f64,
}

/// Slices of the measured time; their median is reported.
const SLICES: usize = 5;
/// Rows of actions that are drawn in advance.
const ROWS: usize = 64;

/// Measures the steps per second of copies of an environment with random actions through the public vector
/// interface, resets included.
pub fn bench_env(spec: &Spec, request: &BenchRequest, observer: &dyn Observer) -> Value {
    let BenchRequest { num_envs, threads, seconds } = *request;
    let threads = threads.min(num_envs);
    let slice = Duration::from_secs_f64(seconds / SLICES as f64);
    observer.begin(&spec.id, SLICES as u64);
    let mut paces = Vec::new();
    let mut steps = 0;
    for done in 0..SLICES {
        // Each thread has its share of the copies, with their seeds in the whole.
        let shares: Vec<(usize, usize)> =
            (0..threads).map(|t| (t * num_envs / threads, (t + 1) * num_envs / threads)).collect();
        let counted = parallel_map(shares.len(), threads, |t| {
            let (first, end) = shares[t];
            spec.visit(Pace { first: first as u64, copies: end - first, slice })
        });
        paces.push(counted.iter().map(|(steps, seconds)| *steps as f64 / seconds).sum::<f64>());
        steps += counted.iter().map(|(steps, _)| steps).sum::<u64>();
        observer.advance(done as u64 + 1, "");
    }
    observer.end();
    let mut result = json!({
        "command": "bench env",
        "env": spec.id,
        "num_envs": num_envs,
        "threads": threads,
        "steps": steps,
    });
    add_paces(&mut result, "steps_per_second", "ns_per_step", paces);
    result
}

/// Steps for some time, and counts the steps of all copies and the seconds.
struct Pace {
    first: u64,
    copies: usize,
    slice: Duration,
}

impl Visitor for Pace {
    type Output = (u64, f64);

    fn visit<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(
        self,
        factory: &Factory<O, A>,
    ) -> (u64, f64) {
        let mut envs = factory.many(self.copies, Autoreset::SameStep);
        let (space, mut rng) = (envs.single_action_space(), Streams::new(self.first).stream("actions"));
        let mut row = || -> Vec<A::Element> {
            let actions = (0..self.copies).map(|_| A::sample(&space, &mut rng));
            actions.flat_map(|action| Borrow::<A>::borrow(&action).as_slice().to_vec()).collect()
        };
        let rows: Vec<Vec<A::Element>> = (0..ROWS).map(|_| row()).collect();
        envs.reset(Some(self.first));
        // The clock is read once in many steps, so that it costs little.
        let between = (100_000 / self.copies).clamp(1, 10_000);
        let (start, mut steps) = (Instant::now(), 0);
        loop {
            for t in 0..between {
                envs.step(&rows[t % ROWS]).expect("actions of the space");
            }
            steps += between;
            let elapsed = start.elapsed();
            if elapsed >= self.slice {
                return (steps as u64 * self.copies as u64, elapsed.as_secs_f64());
            }
        }
    }
}

/// Measures the updates per second of a tabular algorithm with its default settings, with agent and
/// environment as in training: one update per step of the environment, more for algorithms that plan.
///
/// # Errors
/// If there is no such algorithm or environment, or its spaces do not fit.
pub fn bench_tabular(name: &str, env: &str, seconds: f64, observer: &dyn Observer) -> Result<Value, Error> {
    let algorithm = Algorithm::find(name)?;
    let Some(new) = algorithm.builder.states() else {
        return Err(usage(format!("`{name}` is not an algorithm for discrete states; q-learning is one")));
    };
    let spec = find_environment(env, &[])?;
    if spec.make_states().is_none() {
        return Err(usage(format!("`{name}` needs discrete states and actions; {env} does not have them")));
    }
    let streams = Streams::new(0);
    let (mut settings, task) = (new(), Task::new(algorithm.name, &spec, streams));
    if task.check_discount(1.0).is_err() {
        // The pace is the same where returns are finite. An algorithm without the key needs none.
        let _ = settings.set("gamma", &0.99.into());
    }
    let agent = settings.build(&task)?;
    let env = spec.make_states().expect("discrete states");
    let mut trainer = Trainer::new(agent, env, streams);
    observer.begin(&format!("{name} in {}", spec.id), SLICES as u64);
    let slice = Duration::from_secs_f64(seconds / SLICES as f64);
    let mut paces = Vec::new();
    for done in 0..SLICES {
        let (start, before) = (Instant::now(), trainer.steps());
        let elapsed = loop {
            // The clock is read once in many steps, so that it costs little.
            for _ in 0..CLOCK_STEPS {
                trainer.step()?;
            }
            let elapsed = start.elapsed();
            if elapsed >= slice {
                break elapsed;
            }
        };
        paces.push((trainer.steps() - before) as f64 / elapsed.as_secs_f64());
        observer.advance(done as u64 + 1, "");
    }
    observer.end();
    let mut result =
        json!({ "command": "bench tabular", "algorithm": name, "env": spec.id, "steps": trainer.steps() });
    add_paces(&mut result, "updates_per_second", "ns_per_update", paces);
    Ok(result)
}

/// Steps between readings of the clock.
const CLOCK_STEPS: usize = 2000;

/// Adds the median pace and the single ones to a result.
fn add_paces(result: &mut Value, pace: &str, time: &str, mut paces: Vec<f64>) {
    paces.sort_by(f64::total_cmp);
    let median = paces[SLICES / 2];
    result[pace] = json!(median);
    result[time] = json!(1e9 / median);
    result["slowest"] = json!(paces[0]);
    result["fastest"] = json!(paces[SLICES - 1]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_copies_is_stepped_by_each_thread() {
        let request = BenchRequest { num_envs: 5, threads: 2, seconds: 0.05 };
        let result = bench_env(&find_environment("CartPole-v1", &[]).unwrap(), &request, &crate::run::Quiet);
        assert_eq!((result["threads"].as_u64(), result["num_envs"].as_u64()), (Some(2), Some(5)));
        assert!(result["steps_per_second"].as_f64().unwrap() > 1000.0);
    }

    #[test]
    fn every_algorithm_for_numbered_states_is_measured() {
        // A search plans anew in every step, so that a measurement takes long.
        let measured = |a: &&&Algorithm| a.builder.states().is_some() && a.policy.is_some();
        for algorithm in crate::algorithm::ALGORITHMS.iter().filter(measured) {
            let measure = |env: &str| bench_tabular(algorithm.name, env, 0.05, &crate::run::Quiet);
            // Some are for bandits.
            let result = measure("FrozenLake-v1").or_else(|_| measure("Bandit")).unwrap();
            assert!(result["updates_per_second"].as_f64().unwrap() > 1000.0, "{}", algorithm.name);
        }
        // It never ends, so that the default discount of 1 would not do.
        assert!(bench_tabular("q-learning", "AccessControl", 0.05, &crate::run::Quiet).is_ok());
        let error = |name: &str, env: &str| {
            bench_tabular(name, env, 0.05, &crate::run::Quiet).unwrap_err().to_string()
        };
        assert_eq!(
            error("dqn", "CartPole-v1"),
            "`dqn` is not an algorithm for discrete states; q-learning is one"
        );
        assert_eq!(
            error("sarsa", "CartPole-v1"),
            "`sarsa` needs discrete states and actions; CartPole-v1 does not have them"
        );
    }
}
