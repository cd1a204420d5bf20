//! Schedules of a run: relative to its length, ended before it, and set back when it becomes longer.

use potstill::commands::{ResumeRequest, TrainRequest, resume, train};
use potstill::run::{Observer, Sources};
use std::path::Path;
use std::sync::Mutex;
use tempfile::TempDir;

/// Keeps the warnings about schedules.
#[derive(Default)]
struct Warnings(Mutex<Vec<String>>);

impl Observer for Warnings {
    fn remark(&self, _: &str) {}
    fn record(&self, _: &potstill::metrics::Record) {}
    fn warn(&self, warning: &str) {
        if ["nothing is learned after", "what is relative to"].iter().any(|start| warning.starts_with(start))
        {
            self.0.lock().unwrap().push(warning.to_owned());
        }
    }
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64, _: &str) {}
    fn end(&self) {}
}

/// Trains by a line of settings, the first of which is the algorithm; returns the warnings, or the error.
fn warnings_of(line: &str, out: &Path) -> Result<Vec<String>, String> {
    let (algorithm, settings) = line.split_once(' ').unwrap();
    let set = settings.split_whitespace().map(str::to_owned).collect();
    let request = TrainRequest {
        algorithm: algorithm.to_owned(),
        sources: Sources { set, ..Sources::default() },
        out: Some(out.to_owned()),
        threads: 1,
        ..TrainRequest::default()
    };
    let observer = Warnings::default();
    train(&request, &observer).map_err(|error| error.to_string())?;
    Ok(observer.0.into_inner().unwrap())
}

const PQN: &str = "pqn env=CartPole-v1 steps=512 num_envs=4 num_steps=16 num_minibatches=2 update_epochs=1 \
                   net_arch=mlp:4 eval_freq=0 learning_rate=";
const DQN: &str = "dqn env=CartPole-v1 steps=400 net_arch=mlp:4 learning_starts=50 train_freq=8 gradient_steps=1 \
                   eval_freq=0 learning_rate=";
const CLIFF: &str = "q-learning env=CliffWalking-v1 steps=400 alpha=";

#[test]
fn a_step_size_that_is_zero_long_before_the_end_is_told() {
    let check = |line: String, expected: Option<&str>| {
        let root = TempDir::new().unwrap();
        let warnings = warnings_of(&line, &root.path().join("run")).unwrap();
        match expected {
            None => assert!(warnings.is_empty(), "{line}: {warnings:?}"),
            Some(start) => {
                assert!(warnings.len() == 1 && warnings[0].starts_with(start), "{line}: {warnings:?}");
            }
        }
    };
    check(
        format!("{PQN}linear:1e-3:0:256"),
        Some(
            "nothing is learned after step 256 of 512: `learning_rate` = linear:0.001:0:256 is 0 from there on",
        ),
    );
    check(format!("{PQN}linear:1e-3:0:run"), None);
    check(format!("{PQN}linear:1e-3:0:512"), None);
    check(format!("{PQN}linear:1e-3:1e-4:256"), None);
    check(format!("{PQN}1e-3"), None);
    check(format!("{DQN}linear:1e-3:0:0.5run"), Some("nothing is learned after step 200 of 400: "));
    check(
        format!("{DQN}linear:1e-3:0:run schedule_steps=300"),
        Some("nothing is learned after step 300 of 400: "),
    );
    // 10 ln 10^6 = 138.2
    check(format!("{CLIFF}exponential:1:0:10"), Some("nothing is learned after step 139 of 400: `alpha` = "));
    check(format!("{CLIFF}linear:1:0:run epsilon=linear:1:0:0.5run"), None);
    let student = "classifier data=digits net_arch=mlp:4 epochs=2 test_samples=1500 learning_rate=";
    // 297 training samples in batches of 32 are 10 gradient steps an epoch.
    check(format!("{student}linear:0.01:0:5"), Some("nothing is learned after step 5 of 20: "));
    check(format!("{student}linear:0.01:0:run"), None);
}

#[test]
fn a_run_without_a_length_in_steps_has_nothing_to_be_relative_to() {
    let root = TempDir::new().unwrap();
    let line = "sarsa env=CliffWalking-v1 episodes=3 epsilon=linear:1:0.1:run";
    assert_eq!(
        warnings_of(line, &root.path().join("refused")).unwrap_err(),
        "`epsilon`: linear:1:0.1:run is relative to the steps of the run; give --steps N instead of --episodes, or \
         schedule_steps=N"
    );
    assert_eq!(warnings_of(&format!("{line} schedule_steps=500"), &root.path().join("run")), Ok(vec![]));
}

#[test]
fn what_goes_back_in_a_longer_run_is_told_and_can_be_kept() {
    let check = |line: String, keep_schedules: bool, expected: Option<&str>| {
        let root = TempDir::new().unwrap();
        let run = root.path().join("run");
        warnings_of(&line, &run).unwrap();
        let observer = Warnings::default();
        let request = ResumeRequest {
            run: run.clone(),
            steps: Some(800),
            keep_schedules,
            threads: 1,
            ..ResumeRequest::default()
        };
        resume(&request, &observer).unwrap();
        let warnings = observer.0.into_inner().unwrap();
        match expected {
            None => assert!(warnings.is_empty(), "{line}: {warnings:?}"),
            Some(start) => {
                assert!(warnings.len() == 1 && warnings[0].starts_with(start), "{line}: {warnings:?}");
            }
        }
        let config = std::fs::read_to_string(run.join("config.toml")).unwrap();
        assert_eq!(config.contains("schedule_steps = 400"), keep_schedules, "{config}");
    };
    // Exploration over 0.8 of 400 steps is over; over 0.8 of 800 there are 240 of 640 left: 0.04 + 0.96 * 3 / 8.
    let half = "exploration_fraction=0.8 exploration_final_eps=0.04";
    check(
        format!("{DQN}1e-3 {half}"),
        false,
        Some(
            "what is relative to --steps goes back at step 400: exploration rate from 4.000e-2 to 4.000e-1; ",
        ),
    );
    check(format!("{DQN}1e-3 {half}"), true, None);
    check(
        format!("{DQN}linear:1e-3:0:run exploration_fraction=0.1 prioritized=true"),
        false,
        Some(
            "what is relative to --steps goes back at step 400: learning_rate from 0.000e0 to 5.000e-4, \
             prioritized_beta from 1.000e0 to 7.000e-1; ",
        ),
    );
    check(format!("{CLIFF}0.5 epsilon=linear:1:0:400"), false, None);
    // What is kept may be nothing: that is told, too.
    check(
        format!("{CLIFF}linear:0.5:0:run"),
        true,
        Some("nothing is learned after step 400 of 800: `alpha` = linear:0.5:0:400 is 0 from there on"),
    );
}
