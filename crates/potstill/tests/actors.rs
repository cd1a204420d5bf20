//! Actors step the copies of a run in other places: in rounds it is to the bit the run of one process, whatever their number, and
//! if one is lost or the run is stopped in the middle of a round.

use potstill::Error;
use potstill::commands::{ResumeRequest, TrainRequest, resume, resume_with_actors, train, train_with_actors};
use potstill::core::Snapshot;
use potstill::metrics::Record;
use potstill::run::{Observer, Quiet, Sources, player};
use potstill::store::snapshot_file;
use potstill::train::{Actors, Play};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Actors in this process, each order of which goes through the bytes of a file.
struct Here {
    counts: Vec<usize>,
    ahead: Option<u64>,
    config: String,
    players: Vec<Box<dyn Play>>,
    answers: Option<Vec<Snapshot>>,
    /// Rounds after which all actors are lost, and others carry on.
    lost_after: usize,
}

impl Here {
    fn boxed(counts: &[usize], ahead: Option<u64>) -> Box<dyn Actors> {
        let (config, players, answers) = (String::new(), Vec::new(), None);
        Box::new(Self { counts: counts.to_vec(), ahead, config, players, answers, lost_after: 2 })
    }

    fn begin(&mut self) -> Result<(), String> {
        self.players.clear();
        let mut first = 0;
        for &count in &self.counts {
            let made = player(&self.config, first, count).map_err(|error| error.to_string())?;
            self.players.push(made);
            first += count;
        }
        Ok(())
    }
}

impl Actors for Here {
    fn start(&mut self, config: &str, _: usize) -> Result<Vec<usize>, String> {
        config.clone_into(&mut self.config);
        self.begin()?;
        Ok(self.counts.clone())
    }

    fn order(&mut self, orders: Vec<Snapshot>) -> Result<(), String> {
        self.lost_after = self.lost_after.saturating_sub(1);
        if self.lost_after == 0 {
            self.begin()?;
        }
        let sent = |value: &Snapshot| snapshot_file::read(&snapshot_file::write(value));
        let answered =
            self.players.iter_mut().zip(&orders).map(|(player, order)| sent(&player.play(&sent(order)?)?));
        self.answers = Some(answered.collect::<Result<_, String>>()?);
        Ok(())
    }

    fn answers(&mut self) -> Result<Option<Vec<Snapshot>>, String> {
        Ok(self.answers.take())
    }

    fn ahead(&self) -> Option<u64> {
        self.ahead
    }
}

/// Asks to stop when it was asked so often.
struct StopAfter(AtomicU64);

impl Observer for StopAfter {
    fn remark(&self, _: &str) {}
    fn warn(&self, _: &str) {}
    fn record(&self, _: &Record) {}
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64, _: &str) {}
    fn end(&self) {}
    fn stop_requested(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) <= 1
    }
}

fn request(line: &str, out: &Path) -> TrainRequest {
    let (algorithm, settings) = line.split_once(' ').unwrap();
    TrainRequest {
        algorithm: algorithm.to_owned(),
        preset: Some("none".to_owned()),
        sources: Sources { set: settings.split(' ').map(str::to_owned).collect(), ..Sources::default() },
        out: Some(out.to_owned()),
        threads: 1,
        ..TrainRequest::default()
    }
}

/// The files that do not tell the time.
fn assert_equal(found: &Path, expected: &Path, about: &str) {
    for name in ["config.toml", "metrics.jsonl", "model.safetensors"] {
        let [found, expected] = [found, expected].map(|run| fs::read(run.join(name)).unwrap());
        assert!(found == expected, "{about}: {name}");
    }
}

/// Rollouts of 50 and of 12 steps of each copy, runs that end in the middle of one, both kinds of actions, and bytes.
const ROUNDS: [&str; 4] = [
    "ppo env=CartPole-v1 steps=1230 num_envs=6 n_steps=50 batch_size=60 n_epochs=2 net_arch=mlp:8:tanh eval_freq=600 \
     eval_episodes=2 checkpoint_freq=100",
    "a2c env=Pendulum-v1:max_episode_steps=30 steps=700 num_envs=5 n_steps=12 net_arch=mlp:8:tanh use_sde=true \
     log_std_init=-1.0 eval_freq=300 eval_episodes=2 checkpoint_freq=100",
    "ppo env=Pendulum-v1:max_episode_steps=30 steps=700 num_envs=5 n_steps=12 batch_size=20 n_epochs=2 net_arch=mlp:8 \
     normalize_rewards=true eval_freq=0 checkpoint_freq=100",
    "a2c env=MinAtar/Breakout-v1:clip_reward=0:0.5 steps=200 num_envs=4 n_steps=10 net_arch=cnn:2x3,8 eval_freq=0 \
     checkpoint_freq=100",
];

fn copies(line: &str) -> usize {
    line.split(' ').find_map(|word| word.strip_prefix("num_envs=")).unwrap().parse().unwrap()
}

#[test]
fn rounds_are_the_run_of_one_process_to_the_bit() {
    for line in ROUNDS {
        let root = tempfile::tempdir().unwrap();
        let alone = root.path().join("alone");
        train(&request(line, &alone), &Quiet).unwrap();
        for first in [copies(line), 1, 3] {
            let counts: Vec<usize> =
                [first, copies(line) - first].into_iter().filter(|count| *count > 0).collect();
            let out = root.path().join(format!("actors-{first}"));
            train_with_actors(&request(line, &out), Here::boxed(&counts, None), &Quiet).unwrap();
            assert_equal(&out, &alone, line);
        }
    }
}

#[test]
fn a_round_that_was_stopped_goes_on_with_actors_or_without() {
    for line in ROUNDS {
        let root = tempfile::tempdir().unwrap();
        let alone = root.path().join("alone");
        train(&request(line, &alone), &Quiet).unwrap();
        let half = copies(line) / 2;
        let counts = [half, copies(line) - half];
        for (questions, are_actors) in [(1, true), (5, false), (9, true), (14, false), (20, true)] {
            let out = root.path().join(format!("stopped-{questions}-{are_actors}"));
            let stop = StopAfter(AtomicU64::new(questions));
            let stopped = train_with_actors(&request(line, &out), Here::boxed(&counts, None), &stop);
            assert!(
                matches!(stopped, Err(Error::Interrupted { .. })),
                "{line} after {questions}: {stopped:?}"
            );
            let request = ResumeRequest { run: out.clone(), threads: 1, ..ResumeRequest::default() };
            let resumed = match are_actors {
                true => resume_with_actors(&request, Here::boxed(&[copies(line)], None), &Quiet),
                false => resume(&request, &Quiet),
            };
            resumed.unwrap();
            assert_equal(&out, &alone, line);
        }
    }
}

#[test]
fn what_is_played_ahead_is_repeated_by_the_same_actors_and_noted_in_the_manifest() {
    let line = "dqn env=CartPole-v1 steps=1200 num_envs=4 learning_starts=100 train_freq=4 gradient_steps=2 net_arch=mlp:8 \
                buffer_size=900 eval_freq=0";
    let root = tempfile::tempdir().unwrap();
    let run = |name: &str, counts: &[usize]| {
        let out = root.path().join(name);
        train_with_actors(&request(line, &out), Here::boxed(counts, Some(25)), &Quiet).unwrap();
        fs::read(out.join("model.safetensors")).unwrap()
    };
    let first = run("first", &[2, 2]);
    assert!(first == run("again", &[2, 2]));
    assert!(first != run("other", &[1, 3]));
    let manifest = fs::read_to_string(root.path().join("first/manifest.json")).unwrap();
    assert!(manifest.contains("\"not_reproducible\":\"actors played ahead"), "{manifest}");
    // Another part of the episodes is learned from after a stop.
    let out = root.path().join("stopped");
    let stop = StopAfter(AtomicU64::new(20));
    train_with_actors(&request(line, &out), Here::boxed(&[2, 2], Some(25)), &stop).unwrap_err();
    let resumed = ResumeRequest { run: out, threads: 1, ..ResumeRequest::default() };
    let summary = resume_with_actors(&resumed, Here::boxed(&[4], Some(10)), &Quiet).unwrap();
    assert_eq!(summary["steps"], 1200);
}

#[test]
fn a_learner_that_does_not_go_with_actors_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let check = |line: &str, ahead: Option<u64>, expected: &str| {
        let out = root.path().join("refused");
        let error = train_with_actors(&request(line, &out), Here::boxed(&[2], ahead), &Quiet).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!out.exists());
    };
    check("q-learning env=CliffWalking-v1 steps=100", None, "it learns in one environment");
    check(
        "dqn env=CartPole-v1 steps=100 num_envs=2",
        None,
        "in rounds the policy is the same for many steps",
    );
    check("ppo env=CartPole-v1 steps=100 num_envs=2", Some(10), "actors play ahead by action values");
    check(
        "a2c env=CartPole-v1 steps=100 num_envs=2 normalize_observations=true",
        None,
        "in rounds the policy is the same for many steps",
    );
    check(
        "a2c env=CartPole-v1 steps=100 num_envs=3",
        None,
        "actors with [2] copies have not the 3 copies of the run",
    );
    check(
        "dqn env=CartPole-v1 steps=100 num_envs=2 gamma=[0.9,0.99]",
        Some(10),
        "actors are for one run, not for several",
    );
    check("classifier data=digits", None, "there is no environment that actors could step");
}
