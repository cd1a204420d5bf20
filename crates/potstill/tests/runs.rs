//! Properties of every run: stopped anywhere and resumed, it ends as if it had never been stopped.

#[macro_use]
mod suite;

use potstill::Error;
use potstill::algorithm::{ALGORITHMS, Algorithm};
use potstill::commands::{
    Comparison, DistillRequest, EvaluateRequest, ResumeRequest, TrainRequest, distill, evaluate, list, page,
    resume, train,
};
use potstill::config::Settings;
use potstill::data::Recording;
use potstill::metrics::History;
use potstill::metrics::catalogue::{self, METRICS, SCORES, Score};
use potstill::optimizer::{OptimizerConfig, StudentOptimizer};
use potstill::run::{Observer, Quiet, Sources, summary_of};
use potstill::store::{FileMark, Manifest};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use suite::model_fingerprint;
use tempfile::TempDir;

/// One kind of run: its command line.
#[derive(Clone, Copy)]
struct Case {
    command: &'static str,
    settings: &'static str,
}

/// Both kinds of distillation; their teachers are the smoke runs of these algorithms.
const STUDENTS: [Case; 4] = [
    Case {
        command: "distill",
        settings: "teacher=dqn student=mlp:4 env=CartPole-v1 rounds=4 transfer_states=600 gradient_steps=300",
    },
    Case { command: "distill", settings: "teacher=classifier student=mlp:4 data=digits epochs=40" },
    Case {
        command: "distill",
        settings: "teacher=sac student=mlp:4 rounds=4 transfer_states=600 gradient_steps=300",
    },
    Case {
        command: "distill",
        settings: "teacher=regression student=mlp:4 data=digits:target=label epochs=10 test_samples=1500",
    },
];

/// The first smoke run of an algorithm.
fn smoke(command: &'static str) -> Case {
    Case { command, settings: Algorithm::find(command).unwrap().smoke[0] }
}

/// The run that a student's settings name as its teacher.
fn teacher_of(case: &Case) -> Option<Case> {
    let words = case.settings.split_whitespace();
    let teacher = words.filter_map(|word| word.strip_prefix("teacher=")).next()?;
    Some(smoke(teacher))
}

/// Starts a run in `out`; teachers are beside it.
fn start(
    root: &Path,
    case: &Case,
    out: &str,
    more: &str,
    threads: usize,
    observer: &dyn Observer,
) -> Result<Value, Error> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let set =
        words(case.settings).into_iter().chain(words(more)).map(|pair| match pair.strip_prefix("teacher=") {
            Some(teacher) => format!("teacher={}", root.join(teacher).display()),
            None => pair,
        });
    let sources = Sources { set: set.collect(), ..Sources::default() };
    let out = Some(root.join(out));
    match case.command {
        "distill" => {
            distill(&DistillRequest { sources, out, threads, ..DistillRequest::default() }, observer)
        }
        algorithm => {
            let request = TrainRequest {
                algorithm: algorithm.to_owned(),
                sources,
                out,
                threads,
                ..TrainRequest::default()
            };
            train(&request, observer)
        }
    }
}

/// Stops a run at the n-th check of the stop signal.
struct StopAfter {
    questions: AtomicU64,
}

impl StopAfter {
    fn new(questions: u64) -> Self {
        Self { questions: AtomicU64::new(questions) }
    }
}

impl Observer for StopAfter {
    fn remark(&self, _: &str) {}
    fn warn(&self, _: &str) {}
    fn record(&self, _: &potstill::metrics::Record) {}
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64, _: &str) {}
    fn end(&self) {}
    fn stop_requested(&self) -> bool {
        self.questions.fetch_sub(1, Ordering::Relaxed) <= 1
    }
}

/// The files of two runs that must be equal, byte for byte.
fn assert_same(root: &Path, a: &str, b: &str, files: &[&str]) {
    for file in files {
        let read =
            |run: &str| fs::read(root.join(run).join(file)).unwrap_or_else(|e| panic!("{run}/{file}: {e}"));
        assert!(read(a) == read(b), "{a}/{file} and {b}/{file} differ");
    }
}

const RESULTS: [&str; 2] = ["model.safetensors", "metrics.jsonl"];

/// The state in the last checkpoint of a run.
fn last_state(root: &Path, run: &str) -> String {
    let names = fs::read_dir(root.join(run).join("checkpoints")).unwrap();
    let steps =
        names.filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_prefix("step-")?.parse().ok());
    format!("checkpoints/step-{}/state.safetensors", steps.max().unwrap_or(0_u64))
}

fn resumed(root: &Path, run: &str, observer: &dyn Observer) -> Result<Value, Error> {
    resume(&ResumeRequest { run: root.join(run), threads: 2, ..ResumeRequest::default() }, observer)
}

fn check(case: &Case) {
    let root = TempDir::new().unwrap();
    let root = root.path();
    if let Some(teacher) = teacher_of(case) {
        start(root, &teacher, teacher.command, "checkpoint_freq=0", 1, &Quiet).unwrap();
    }
    // Without any checkpoint, and with many: the same run.
    start(root, case, "whole", "checkpoint_freq=0", 1, &Quiet).unwrap();
    assert!(!root.join("whole/checkpoints").exists());
    start(root, case, "saved", "checkpoint_freq=37", 4, &Quiet).unwrap();
    assert_same(root, "whole", "saved", &RESULTS);
    let state = last_state(root, "saved");

    for questions in [1, 2, 3, 5, 8] {
        let run = format!("stopped-{questions}");
        let error = start(root, case, &run, "checkpoint_freq=37", 1, &StopAfter::new(questions)).unwrap_err();
        assert!(matches!(error, Error::Interrupted { .. }), "{error}");
        assert_eq!(error.exit_code(), 130);
        assert!(!root.join(&run).join("model.safetensors").exists());
        // Once more, then to the end.
        let error = resumed(root, &run, &StopAfter::new(2));
        assert!(matches!(error, Err(Error::Interrupted { .. }) | Ok(_)));
        let summary = resumed(root, &run, &Quiet).unwrap();
        assert_same(root, "whole", &run, &RESULTS);
        assert_same(root, "saved", &run, &[&state]);
        // To resume a finished run is to read its summary.
        let mut again = resumed(root, &run, &Quiet).unwrap();
        assert_eq!(again["seconds"].as_f64().map(f64::is_finite), Some(true));
        again["seconds"] = summary["seconds"].clone();
        assert_eq!(again, summary);
    }

    // Stopped before it could save anything: config.toml is enough.
    let error = start(root, case, "unsaved", "checkpoint_freq=0", 1, &StopAfter::new(2)).unwrap_err();
    assert!(error.to_string().contains("not saved"), "{error}");
    resumed(root, "unsaved", &Quiet).unwrap();
    assert_same(root, "whole", "unsaved", &RESULTS);
}

/// The episodes of training are a data set in the end, the same one if it is stopped on the way.
#[test]
fn recorded_training_is_the_same_data_set_whatever_interrupts_it() {
    let check = |command: &'static str, settings: &'static str| {
        let (root, case) = (TempDir::new().unwrap(), Case { command, settings });
        let root = root.path();
        let place = |run: &str| root.join(format!("{run}.jsonl"));
        let asked = |run: &str| format!("checkpoint_freq=50 record={}", place(run).display());
        start(root, &case, "whole", &asked("whole"), 1, &Quiet).unwrap();
        let text = fs::read_to_string(place("whole")).unwrap();
        let data = Recording::<[f32], usize>::parse(&text).map(|data| data.steps());
        let control = Recording::<[f32], [f32]>::parse(&text).map(|data| data.steps());
        let table = Recording::<usize, usize>::parse(&text).map(|data| data.steps());
        assert_eq!(data.or(control).or(table), Ok(180), "{command}");
        for questions in [2, 5, 9] {
            let run = format!("stopped-{questions}");
            start(root, &case, &run, &asked(&run), 1, &StopAfter::new(questions)).unwrap_err();
            assert!(!place(&run).exists());
            _ = resumed(root, &run, &StopAfter::new(2));
            resumed(root, &run, &Quiet).unwrap();
            assert_eq!(fs::read_to_string(place(&run)).unwrap(), text, "{command}, {run}");
        }
        assert_same(root, "whole", "stopped-2", &RESULTS);
    };
    check("q-learning", "env=FrozenLake-v1 steps=180");
    check(
        "dqn",
        "env=CartPole-v1 steps=180 num_envs=2 net_arch=mlp:4 learning_starts=50 buffer_size=100 eval_freq=0",
    );
    check(
        "td3",
        "env=Pendulum-v1:max_episode_steps=70 steps=180 net_arch=mlp:4 learning_starts=50 buffer_size=100 batch_size=8 eval_freq=0",
    );
}

/// Steps that take long: many updates, much planning, a search in pieces, evaluations. The run is stopped again and again, each
/// time a little later.
#[test]
fn a_stop_in_the_middle_of_a_step_changes_nothing() {
    for (command, settings) in [
        (
            "dqn",
            "env=CartPole-v1 net_arch=mlp:6 learning_starts=60 buffer_size=200 eval_freq=100 eval_episodes=4 steps=200 train_freq=50 \
             gradient_steps=30",
        ),
        (
            "dqn",
            "env=CartPole-v1 net_arch=mlp:6 learning_starts=60 buffer_size=200 eval_freq=100 eval_episodes=4 steps=201 num_envs=3 \
             train_freq=20 gradient_steps=20",
        ),
        (
            "pqn",
            "env=CartPole-v1 steps=256 num_envs=4 num_steps=8 num_minibatches=2 net_arch=mlp:6 eval_freq=64 eval_episodes=3",
        ),
        ("dyna-q", "env=DynaMaze steps=25 planning_steps=35000"),
        ("prioritized-sweeping", "env=DynaMaze episodes=2 planning_steps=25000 theta=1e-9"),
        ("mcts", "env=CliffWalking-v1 steps=4 simulations=4000 horizon=50"),
        ("tree-backup", "env=AccessControl:max_episode_steps=900 episodes=2 n=1000 gamma=0.9"),
        ("distill", STUDENTS[0].settings),
    ] {
        let root = TempDir::new().unwrap();
        let root = root.path();
        let case = Case { command, settings };
        if let Some(teacher) = teacher_of(&case) {
            start(root, &teacher, teacher.command, "checkpoint_freq=0", 1, &Quiet).unwrap();
        }
        start(root, &case, "whole", "", 2, &Quiet).unwrap();
        let mut stops = 1;
        let mut outcome = start(root, &case, "stopped", "checkpoint_freq=17", 2, &StopAfter::new(1));
        while let Err(error) = outcome {
            assert!(matches!(error, Error::Interrupted { .. }), "{command}: {error}");
            stops += 1;
            outcome = resumed(root, "stopped", &StopAfter::new(stops));
        }
        println!("{command}: {stops} stops");
        assert!(stops > 3, "{command}: {stops}");
        assert_same(root, "whole", "stopped", &RESULTS);
    }
}

/// Every name that a run writes is in the catalogue, and every entry of the catalogue is written by some run.
#[test]
fn every_metric_is_in_the_catalogue() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let mut written = BTreeSet::from([catalogue::FPS.to_owned()]);
    let mut scores = BTreeSet::new();
    let algorithms = [
        ("q-learning", "seeds=2"),
        ("dqn", ""),
        ("c51", "v_max=2"),
        ("classifier", ""),
        ("regression", ""),
        ("r-learning", ""),
        ("ppo", ""),
        ("sac", ""),
        ("cql", "env=Pendulum-v1:max_episode_steps=70 n_actions=2 cql_threshold=-1.0"),
        ("policy-iteration", ""),
    ];
    let students =
        STUDENTS.into_iter().map(|case| (case, "")).chain([(STUDENTS[1], "hint=1:1 student=mlp:6")]);
    let cases = algorithms.into_iter().map(|(name, more)| (smoke(name), more)).chain(students);
    for (i, (case, more)) in cases.enumerate() {
        // Students find their teachers by name.
        let out = if case.command == "distill" { format!("student-{i}") } else { case.command.to_owned() };
        let summary = start(root, &case, &out, more, 1, &Quiet).unwrap();
        let metrics = fs::read_to_string(root.join(&out).join("metrics.jsonl")).unwrap();
        written.extend(History::parse(&metrics).names().into_iter().map(str::to_owned));
        scores.extend(summary.as_object().unwrap().keys().filter(|key| Score::find(key).is_some()).cloned());
    }
    let known: BTreeSet<String> = METRICS.iter().map(|metric| metric.name.to_owned()).collect();
    assert_eq!(written, known);
    let known: BTreeSet<String> = SCORES.iter().map(|score| score.key.to_owned()).collect();
    assert_eq!(scores, known);
}

fn check_algorithm(algorithm: &'static Algorithm) {
    for settings in algorithm.smoke {
        check(&Case { command: algorithm.name, settings });
    }
}

families! { check_algorithm }

/// Worlds whose state is more than a place: streams, hands, hidden moods, games, what wrappers remember.
#[test]
fn environments_with_hidden_state() {
    for (command, settings) in [
        ("q-learning", "env=Taxi-v4:is_rainy=true,fickle_passenger=true,sticky_actions=0.1 steps=1500"),
        ("sarsa", "env=Blackjack-v1 steps=1500 log_interval=50"),
        (
            "dqn",
            "env=Seaquest:frame_stack=2,max_episode_steps=300 steps=450 net_arch=mlp:4 learning_starts=100 train_freq=50 gradient_steps=2 \
             buffer_size=200 eval_freq=200 eval_episodes=1",
        ),
    ] {
        check(&Case { command, settings });
    }
}

#[test]
fn policy_distillation() {
    check(&STUDENTS[0]);
}

#[test]
fn supervised_distillation() {
    check(&STUDENTS[1]);
}

#[test]
fn distillation_of_values() {
    check(&Case {
        command: "distill",
        settings: "teacher=regression student=mlp:4 data=digits:target=label epochs=30 alpha=linear:1:0:run",
    });
}

/// Students whose step size follows a schedule, with the other keys of the optimiser.
#[test]
fn students_with_schedules() {
    for (command, settings) in [
        (
            "classifier",
            "data=digits net_arch=mlp:12 epochs=40 test_samples=1500 learning_rate=linear:0.01:0:380 optimizer=rmsprop \
             initialization=orthogonal",
        ),
        (
            "distill",
            "teacher=dqn student=mlp:4 env=CartPole-v1 rounds=4 transfer_states=600 gradient_steps=300 \
             learning_rate=exponential:0.01:0.001:100 optimizer=adamw clip_grad_value=0.01",
        ),
        (
            "distill",
            "teacher=classifier student=mlp:4 data=digits epochs=40 learning_rate=linear:0.01:0:380 optimizer=sgd \
             nesterov=true max_grad_norm=0.5",
        ),
        (
            "distill",
            "teacher=classifier student=mlp:4 data=digits epochs=40 divergence=decoupled standardise_logits=true \
             temperature=linear:8:2:run alpha=exponential:1:0.5:0.5run",
        ),
        (
            "distill",
            "teacher=classifier student=mlp:4 data=digits epochs=40 divergence=dist temperature=1 alpha=0.5",
        ),
        (
            "distill",
            "teacher=dqn student=mlp:4 env=CartPole-v1 rounds=4 transfer_states=600 gradient_steps=300 divergence=nll",
        ),
    ] {
        check(&Case { command, settings });
    }
}

#[test]
fn a_folder_of_seeds_is_resumed_where_it_was() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let request = |out: &str| TrainRequest {
        algorithm: "sarsa".to_owned(),
        sources: Sources {
            set: ["env=CliffWalking-v1", "episodes=100", "seed=3"].map(str::to_owned).to_vec(),
            ..Sources::default()
        },
        seeds: Some(4),
        out: Some(root.join(out)),
        threads: 2,
        ..TrainRequest::default()
    };
    let mut whole = train(&request("whole"), &Quiet).unwrap();
    train(&request("stopped"), &StopAfter::new(60)).unwrap_err();
    let mut summary = resumed(root, "stopped", &Quiet).unwrap();
    for seed in 3..7 {
        assert_same(root, &format!("whole/seed-{seed}"), &format!("stopped/seed-{seed}"), &RESULTS);
    }
    for summary in [&mut whole, &mut summary] {
        summary["seconds"] = Value::Null;
        summary["out"] = Value::Null;
    }
    assert_eq!(whole, summary);
    assert_eq!(whole["seeds"], 4);
}

#[test]
fn a_run_can_go_further_than_it_was_to() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    start(root, &smoke("q-learning"), "short", "", 1, &Quiet).unwrap();
    let case = Case { command: "q-learning", settings: "env=CliffWalking-v1 steps=3000" };
    start(root, &case, "long", "", 1, &Quiet).unwrap();
    let case = Case { command: "q-learning", settings: "env=CliffWalking-v1 steps=1000" };
    start(root, &case, "further", "", 1, &Quiet).unwrap();
    let request = ResumeRequest { run: root.join("further"), steps: Some(3000), ..ResumeRequest::default() };
    resume(&request, &Quiet).unwrap();
    assert_same(root, "long", "further", &RESULTS);
    let request = ResumeRequest { run: root.join("short"), ..request };
    let error = resume(&request, &Quiet).unwrap_err();
    assert!(error.to_string().ends_with("does not run for a number of steps"), "{error}");
}

#[test]
fn one_process_at_a_time() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    start(root, &smoke("q-learning"), "run", "checkpoint_freq=37", 1, &StopAfter::new(1)).unwrap_err();
    let held = potstill::store::RunDir::reopen(&root.join("run")).unwrap();
    let error = resumed(root, "run", &Quiet).unwrap_err();
    assert!(error.to_string().contains("is in use by another process (process "), "{error}");
    assert_eq!(error.exit_code(), 2);
    drop(held);
    resumed(root, "run", &Quiet).unwrap();
}

/// Keys of the optimiser: settings under which each matters, and a value that is not its default.
const OPTIMIZER_KEYS: [(&str, &str); 12] = [
    ("", "learning_rate=linear:0.01:0:9"),
    ("", "optimizer=sgd"),
    ("", "optimizer_eps=0.1"),
    ("", "beta1=0.5"),
    ("optimizer=adamw", "weight_decay=0.5"),
    ("", "l2_penalty=0.1"),
    ("optimizer=sgd learning_rate=0.1", "momentum=0.1"),
    ("optimizer=rmsprop", "centered=false"),
    ("optimizer=sgd learning_rate=0.1", "nesterov=true"),
    ("", "max_grad_norm=0.01"),
    ("", "clip_grad_value=0.001"),
    ("", "initialization=xavier"),
];

#[test]
fn every_key_of_the_optimiser_has_an_effect_on_every_student() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let tried: BTreeSet<_> = OPTIMIZER_KEYS.iter().filter_map(|(_, pair)| pair.split('=').next()).collect();
    let keys =
        OptimizerConfig::default().keys().into_iter().map(|key| key.name).chain(["learning_rate"]).collect();
    assert_eq!(tried, keys);
    for teacher in [&smoke("dqn"), &smoke("classifier")] {
        start(root, teacher, teacher.command, "checkpoint_freq=0", 1, &Quiet).unwrap();
    }
    let students = [
        ("classifier", "data=digits net_arch=mlp:12 epochs=1 test_samples=1500"),
        (
            "distill",
            "teacher=dqn student=mlp:4 env=CartPole-v1 rounds=1 transfer_states=60 gradient_steps=20 temperature=1",
        ),
        ("distill", "teacher=classifier student=mlp:4 data=digits epochs=1"),
    ];
    for (i, (command, settings)) in students.into_iter().enumerate() {
        let case = Case { command, settings };
        let model = |out: &str, more: &str| {
            let out = format!("student-{i}-{out}");
            start(root, &case, &out, &format!("checkpoint_freq=0 {more}"), 1, &Quiet).unwrap();
            fs::read(root.join(out).join("model.safetensors")).unwrap()
        };
        let plain: BTreeSet<&str> = OPTIMIZER_KEYS.iter().map(|(base, _)| *base).collect();
        let plain: BTreeMap<_, _> = plain
            .into_iter()
            .enumerate()
            .map(|(j, base)| (base, model(&format!("plain-{j}"), base)))
            .collect();
        for (j, (base, pair)) in OPTIMIZER_KEYS.iter().enumerate() {
            assert!(
                model(&j.to_string(), &format!("{base} {pair}")) != plain[base],
                "{settings} {base} {pair}"
            );
        }
    }
}

/// Runs of students that were begun before the keys of the optimiser were theirs.
#[test]
fn a_student_without_keys_of_the_optimiser_goes_on() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    for (i, case) in [&smoke("classifier"), &STUDENTS[0], &STUDENTS[1]].into_iter().enumerate() {
        let root = root.join(i.to_string());
        if let Some(teacher) = teacher_of(case) {
            start(&root, &teacher, teacher.command, "checkpoint_freq=0", 1, &Quiet).unwrap();
        }
        start(&root, case, "whole", "checkpoint_freq=0", 1, &Quiet).unwrap();
        start(&root, case, "old", "checkpoint_freq=0", 1, &StopAfter::new(2)).unwrap_err();
        let config = root.join("old/config.toml");
        let text = fs::read_to_string(&config).unwrap();
        let is_new = |line: &str| {
            OptimizerConfig::default().keys().iter().any(|key| line.starts_with(&format!("{} =", key.name)))
        };
        let old: Vec<&str> = text.lines().filter(|line| !is_new(line)).collect();
        let defaults = StudentOptimizer::default();
        let written = defaults.keys().iter().filter(|key| defaults.get(key.name).is_some()).count();
        assert_eq!(old.len() + written, text.lines().count());
        let old = old.join("\n") + "\n";
        fs::write(&config, &old).unwrap();
        // The manifest has the checksum of the original.
        let path = root.join("old/manifest.json");
        let mut manifest = Manifest::read(&fs::read(&path).unwrap()).unwrap();
        let mark = manifest.files.iter_mut().find(|mark| mark.name == "config.toml").unwrap();
        *mark = FileMark::whole("config.toml", old.as_bytes());
        fs::write(&path, manifest.write()).unwrap();
        resumed(&root, "old", &Quiet).unwrap();
        assert_same(&root, "whole", "old", &RESULTS);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() { copy(&from, &to) } else { _ = fs::copy(from, to).unwrap() }
    }
}

/// Runs that were killed under any format, also one that is no longer written, can be resumed.
#[test]
fn checkpoints_of_every_format_are_read() {
    let root = TempDir::new().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/checkpoints");
    for (format, run, step, golden) in [
        ("format-1", "q-learning", 1000, 0x44b4_5cc6_d4c4_2f35),
        ("format-1", "dqn", 600, 0x1df8_31f7_a937_820f),
        // Begun before a student had the keys of the optimiser, the loss was in double precision, and the preprocessing was in the file.
        ("format-1", "classifier", 10, 0xfa4d_2c49_beef_f745),
    ] {
        let out = root.path().join(format).join(run);
        copy(&fixtures.join(format).join(run), &out);
        let dir = potstill::store::RunDir::open(&out).unwrap();
        let checkpoint = potstill::store::Checkpoint::newest(&dir, false).unwrap().unwrap();
        assert_eq!(checkpoint.step, step);
        resumed(root.path(), &format!("{format}/{run}"), &Quiet).unwrap();
        let model = model_fingerprint(&fs::read(out.join("model.safetensors")).unwrap());
        assert_eq!(model, golden, "{format} {run}: {model:#018x}");
    }
}

#[test]
fn to_watch_a_run_does_not_change_it() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let trainer = |out: &str, more: &str, threads| {
        start(root, &smoke("dqn"), out, more, threads, &Quiet).unwrap();
        let bytes = fs::read(root.join(out).join(last_state(root, out))).unwrap();
        potstill::store::snapshot_file::read(&bytes).unwrap().tree("trainer").unwrap().clone()
    };
    let expected = trainer("plain", "", 1);
    for (i, (more, threads)) in [
        ("", 2),
        ("", 4),
        ("eval_freq=0", 1),
        ("eval_freq=100 eval_episodes=5", 2),
        ("log_interval=7", 1),
        ("checkpoint_freq=10 checkpoints_kept=1", 4),
    ]
    .into_iter()
    .enumerate()
    {
        assert!(trainer(&format!("watched-{i}"), more, threads) == expected, "{more}, {threads} threads");
    }
}

/// All files below a folder with their contents, without the lock, which names its last holder.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else if entry.file_name() != "run.lock" {
            all.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    all.sort();
    all
}

/// Refused with these words, and nothing is changed.
fn refused(root: &Path, request: &ResumeRequest, expected: &str) {
    let before = contents(root);
    let error = resume(request, &Quiet).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(error.exit_code(), 2, "{error}");
    assert!(contents(root) == before, "{expected}: something was changed");
}

#[test]
fn what_cannot_be_gone_on_with_is_left_alone() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let request = |run: &str| ResumeRequest { run: root.join(run), threads: 1, ..ResumeRequest::default() };
    let fallback = |run: &str| ResumeRequest { fallback: true, ..request(run) };

    // A number of steps that leaves nothing to do.
    let case = Case { command: "q-learning", settings: "env=CliffWalking-v1 steps=1000" };
    start(root, &case, "done", "", 1, &Quiet).unwrap();
    let fewer = ResumeRequest { steps: Some(500), ..request("done") };
    refused(root, &fewer, "has done 1000 steps, or reached its goal; --steps 500 leaves nothing to do");
    let case =
        Case { settings: "env=CartPole-v1 steps=2000 net_arch=mlp:8 stop_at_return=1", ..smoke("dqn") };
    start(root, &case, "reached", "eval_freq=500 eval_episodes=2", 1, &Quiet).unwrap();
    let more = ResumeRequest { steps: Some(9000), ..request("reached") };
    refused(root, &more, "has done 500 steps, or reached its goal");

    // A configuration that is not the one of the state, even if nothing tells of it but the checkpoint.
    start(root, &smoke("q-learning"), "edited", "checkpoint_freq=37", 1, &StopAfter::new(3)).unwrap_err();
    let config = root.join("edited/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    assert!(text.contains("seed = 0"));
    fs::write(&config, text.replace("seed = 0", "seed = 5")).unwrap();
    refused(root, &request("edited"), "edited/config.toml was changed after it was written; a run keeps");
    fs::remove_file(root.join("edited/manifest.json")).unwrap();
    refused(root, &fallback("edited"), "edited/config.toml is not what the checkpoint of step ");

    // Checkpoints of a later program.
    start(root, &smoke("q-learning"), "later", "checkpoint_freq=37", 1, &StopAfter::new(9)).unwrap_err();
    for entry in fs::read_dir(root.join("later/checkpoints")).unwrap().map(Result::unwrap) {
        let manifest = entry.path().join("manifest.json");
        let text = fs::read_to_string(&manifest).unwrap().replace("\"format\":1", "\"format\":2");
        let body = &text[..text.len() - ",\"crc32c\":\"01234567\"}".len()];
        let crc = crc32c::crc32c(body.as_bytes());
        fs::write(&manifest, format!("{body},\"crc32c\":\"{crc:08x}\"}}")).unwrap();
    }
    for request in [request("later"), fallback("later")] {
        refused(root, &request, "has format 2, written by potstill 0.1.0; potstill 0.1.0 reads format 1");
    }

    // A seed that has lost its configuration, and only that.
    let seeds = TrainRequest {
        algorithm: "sarsa".to_owned(),
        sources: Sources {
            set: vec!["env=CliffWalking-v1".to_owned(), "episodes=20".to_owned()],
            ..Sources::default()
        },
        seeds: Some(3),
        out: Some(root.join("family")),
        threads: 1,
        ..TrainRequest::default()
    };
    train(&seeds, &Quiet).unwrap();
    let config = root.join("family/seed-1/config.toml");
    let text = fs::read(&config).unwrap();
    fs::remove_file(&config).unwrap();
    refused(root, &fallback("family"), "family/seed-1/config.toml is missing");
    fs::write(&config, text).unwrap();

    // Damage in a finished seed is found, and made good on request.
    let model = root.join("family/seed-2/model.safetensors");
    let whole = fs::read(&model).unwrap();
    let mut damaged = whole.clone();
    damaged[700] ^= 1;
    fs::write(&model, damaged).unwrap();
    refused(root, &request("family"), "family/seed-2/model.safetensors is damaged between byte 0 and");
    resume(&fallback("family"), &Quiet).unwrap();
    assert!(fs::read(&model).unwrap() == whole);
}

/// An observer that stops at the n-th check, and keeps the warnings.
struct Warned {
    stop: StopAfter,
    warnings: Mutex<Vec<String>>,
}

impl Warned {
    fn new() -> Self {
        Self { stop: StopAfter::new(u64::MAX), warnings: Mutex::default() }
    }
}

impl Observer for Warned {
    fn remark(&self, _: &str) {}
    fn record(&self, _: &potstill::metrics::Record) {}
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64, _: &str) {}
    fn end(&self) {}
    fn warn(&self, what: &str) {
        self.warnings.lock().unwrap().push(what.to_owned());
    }
    fn stop_requested(&self) -> bool {
        self.stop.stop_requested()
    }
}

/// A log is lost or damaged while a run is stopped: the training goes on where it was, and the log begins there.
#[test]
fn a_lost_log_costs_the_log_and_never_the_training() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    start(root, &smoke("dqn"), "whole", "checkpoint_freq=100", 1, &Quiet).unwrap();
    let lines = fs::read_to_string(root.join("whole/metrics.jsonl")).unwrap();
    type Damage = fn(&Path);
    let cases: [(&str, &str, Damage); 5] = [
        ("metrics.jsonl", "is missing", |file| fs::remove_file(file).unwrap()),
        ("metrics.jsonl", "is cut off after 70 of ", |file| {
            fs::OpenOptions::new().write(true).open(file).unwrap().set_len(70).unwrap();
        }),
        ("metrics.jsonl", "is damaged in its first ", |file| {
            let text = fs::read_to_string(file).unwrap();
            fs::write(file, text.replace('\n', "\r\n")).unwrap();
        }),
        ("events.out.tfevents.potstill", "is missing", |file| fs::remove_file(file).unwrap()),
        ("events.out.tfevents.potstill", "is cut off after 0 of ", |file| fs::write(file, "").unwrap()),
    ];
    for (i, (name, reason, damage)) in cases.into_iter().enumerate() {
        let run = format!("lost-{i}");
        start(root, &smoke("dqn"), &run, "checkpoint_freq=100", 1, &StopAfter::new(60)).unwrap_err();
        let dir = potstill::store::RunDir::open(&root.join(&run)).unwrap();
        let step = potstill::store::Checkpoint::peek(&dir).unwrap().unwrap().step;
        assert!(step >= 100, "{step}");
        damage(&root.join(&run).join(name));
        let warned = Warned::new();
        resumed(root, &run, &warned).unwrap();
        let warnings = warned.warnings.into_inner().unwrap();
        let path = root.join(&run).join(name);
        let told = format!("{} {reason}", path.display());
        let goes_on = format!(": the run goes on from step {step}, where its curves begin anew");
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].starts_with(&told) && warnings[0].ends_with(&goes_on), "{warnings:?}");
        assert_same(root, "whole", &run, &RESULTS[..1]);
        let kept = fs::read_to_string(root.join(&run).join("metrics.jsonl")).unwrap();
        if name == "metrics.jsonl" {
            assert!(lines.ends_with(&kept) && kept.len() < lines.len() && !kept.is_empty(), "{kept}");
        } else {
            assert_eq!(kept, lines);
        }
        dir.verify().unwrap();
        let checkpoints = fs::read_dir(root.join(&run).join("checkpoints")).unwrap();
        let names = checkpoints.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(names.into_iter().all(|name| name.starts_with("step-")));
    }
}

/// A run without a file that it had can be looked at as far as it goes, and every message names what makes the file again.
#[test]
fn a_finished_run_without_a_file_says_how_it_is_made_again() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let case =
        Case { command: "q-learning", settings: "env=CliffWalking-v1 episodes=30 checkpoint_freq=100" };
    start(root, &case, "run", "", 1, &Quiet).unwrap();
    let run = root.join("run");
    let files = || {
        contents(&run)
            .into_iter()
            .filter(|(name, _)| !name.contains("checkpoints") && !name.contains("damaged-"))
            .collect::<Vec<_>>()
    };
    let whole = files();
    let shown = |run: &Path| page(run).map(|page| page.text(80)).map_err(|error| error.to_string());
    let notes = |comparison: Comparison| -> Vec<String> {
        let notes = comparison.json()["notes"].take();
        notes.as_array().unwrap().iter().map(|note| note.as_str().unwrap().to_owned()).collect()
    };
    let compared = |run: &Path| Comparison::read(&[run.to_owned()]).map(|c| notes(c).len());
    let again = format!("`potstill resume {} --fallback` makes ", run.display());
    for (name, is_needed) in [
        ("model.safetensors", true),
        ("summary.json", true),
        ("visits.json", true),
        ("metrics.jsonl", false),
        ("events.out.tfevents.potstill", false),
        ("report.html", false),
    ] {
        fs::remove_file(run.join(name)).unwrap();
        let told = |error: String| {
            let expected = format!("{} is missing; {again}", run.join(name).display());
            assert!(error.starts_with(&expected), "{name}: {error}");
        };
        told(resumed(root, "run", &Quiet).unwrap_err().to_string());
        match shown(&run) {
            Ok(text) => {
                assert!(!is_needed, "{name}");
                assert_eq!(text.contains("Without curves: "), name == "metrics.jsonl", "{name}: {text}");
            }
            Err(error) => {
                assert!(is_needed, "{name}: {error}");
                told(error);
            }
        }
        let notes = compared(&run);
        match name {
            "summary.json" => told(notes.unwrap_err().to_string()),
            _ => assert_eq!(notes.unwrap(), usize::from(name == "metrics.jsonl"), "{name}"),
        }
        if name == "model.safetensors" {
            let request = EvaluateRequest { run: run.clone(), env: None, episodes: 1, seed: 0, threads: 1 };
            told(evaluate(&request).unwrap_err().to_string());
        }
        let request =
            ResumeRequest { run: run.clone(), fallback: true, threads: 1, ..ResumeRequest::default() };
        resume(&request, &Quiet).unwrap();
        resumed(root, "run", &Quiet).unwrap();
        for ((file, before), (also, after)) in whole.iter().zip(files()) {
            assert_eq!(*file, also, "{name}");
            let is_same = file.ends_with("model.safetensors") || file.ends_with("visits.json");
            assert!(!is_same || *before == after, "{name}: {file}");
        }
    }
}

/// Seeds that are added, or go further, end as those of a folder that was begun so.
#[test]
fn a_folder_of_seeds_grows_and_goes_further() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let family = |out: &str, seeds: u64, set: &[&str]| {
        let request = TrainRequest {
            algorithm: "q-learning".to_owned(),
            sources: Sources { set: set.iter().map(|&pair| pair.to_owned()).collect(), ..Sources::default() },
            seeds: Some(seeds),
            out: Some(root.join(out)),
            threads: 2,
            ..TrainRequest::default()
        };
        train(&request, &Quiet)
    };
    let (short, long) = (["env=CliffWalking-v1", "steps=600"], ["env=CliffWalking-v1", "steps=1500"]);
    family("whole", 5, &long).unwrap();
    family("grown", 3, &short).unwrap();
    let request = |run: &str| ResumeRequest { run: root.join(run), threads: 2, ..ResumeRequest::default() };
    let refused = |outcome: Result<Value, Error>, expected: &str| {
        let error = outcome.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.exit_code(), 2);
    };
    refused(family("grown", 3, &short), "exists and is not empty");
    refused(family("grown", 2, &short), "exists and is not empty");
    refused(
        family("grown", 5, &long),
        "is a folder of 3 seeds with other settings: `steps` is 600 there, 1500 here",
    );
    refused(resume(&ResumeRequest { seeds: Some(2), ..request("grown") }, &Quiet), "has 3 seeds; --seeds 2");
    refused(
        resume(&ResumeRequest { seeds: Some(2), ..request("grown/seed-1") }, &Quiet),
        "--seeds is for a folder",
    );

    // By the command that began it, then by `resume`.
    assert_eq!(family("grown", 4, &short).unwrap()["seeds"], 4);
    let more = ResumeRequest { seeds: Some(5), ..request("grown") };
    assert_eq!(resume(&more, &Quiet).unwrap()["seeds"], 5);

    // One goes further than the others, which `compare` says and `runs` counts.
    let further = ResumeRequest { steps: Some(1500), ..request("grown/seed-1") };
    resume(&further, &Quiet).unwrap();
    let notes = || Comparison::read(&[root.join("grown")]).unwrap().json()["notes"].take();
    let expected = format!(
        "the seeds of {} have different lengths: 1500 steps, 600 steps",
        root.join("grown").display()
    );
    assert_eq!(notes(), serde_json::json!([expected]));
    let score = || list(&root.join("grown")).unwrap()[0].score.unwrap().1;
    let of_seeds = || {
        let seed = |seed: u64| summary_of(&root.join(format!("grown/seed-{seed}"))).unwrap();
        let values: Vec<f64> = (0..5).map(|i| seed(i)["return_last_100"].as_f64().unwrap()).collect();
        potstill::train::statistics::interquartile_mean(&values)
    };
    assert_eq!(score(), of_seeds());

    // Then all; a stop in between is no loss.
    let further = ResumeRequest { steps: Some(1500), ..request("grown") };
    resume(&further, &StopAfter::new(20)).unwrap_err();
    let summary = resume(&further, &Quiet).unwrap();
    for seed in 0..5 {
        assert_same(root, &format!("whole/seed-{seed}"), &format!("grown/seed-{seed}"), &RESULTS);
    }
    assert_same(root, "whole", "grown", &["metrics.jsonl"]);
    assert_eq!(score(), of_seeds());
    assert_eq!(summary["return_last_100"]["iqm"].as_f64(), Some(score()));
    assert_eq!(notes(), serde_json::json!([]));
}

/// A student is not distilled from another network than the one that it was begun with.
#[test]
fn a_teacher_is_known_by_its_checksum() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    for (out, seed) in [("dqn", "seed=0"), ("other", "seed=1")] {
        start(root, &smoke("dqn"), out, &format!("checkpoint_freq=0 {seed}"), 1, &Quiet).unwrap();
    }
    start(root, &STUDENTS[0], "student", "", 1, &Quiet).unwrap();
    let again = |out: &str| {
        let sources = Sources { config: Some(root.join("student/config.toml")), ..Sources::default() };
        distill(
            &DistillRequest { sources, out: Some(root.join(out)), threads: 1, ..DistillRequest::default() },
            &Quiet,
        )
    };
    again("again").unwrap();
    assert_same(root, "student", "again", &RESULTS);
    // The folder of the teacher's name holds another one now.
    fs::remove_dir_all(root.join("dqn")).unwrap();
    fs::rename(root.join("other"), root.join("dqn")).unwrap();
    let error = again("from another").unwrap_err();
    assert!(error.to_string().contains("dqn is not the teacher that the run was begun with"), "{error}");
    assert_eq!(error.exit_code(), 2);
    assert!(!root.join("from another").exists());
}

/// Removes a file of the run at the first record.
struct Meddler<'a>(std::path::PathBuf, &'a AtomicU64);

impl Observer for Meddler<'_> {
    fn remark(&self, _: &str) {}
    fn warn(&self, _: &str) {}
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64, _: &str) {}
    fn end(&self) {}
    fn record(&self, _: &potstill::metrics::Record) {
        if self.1.fetch_add(1, Ordering::Relaxed) == 0 {
            fs::remove_file(&self.0).unwrap();
        }
    }
}

#[test]
fn a_file_that_is_removed_under_a_run_is_missed() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let meddler = AtomicU64::new(0);
    let meddler = Meddler(root.join("run/metrics.jsonl"), &meddler);
    let error = start(root, &smoke("dqn"), "run", "checkpoint_freq=100", 1, &meddler).unwrap_err();
    assert!(error.to_string().starts_with("cannot "), "{error}");
    assert_eq!(error.exit_code(), 1);
    assert!(!root.join("run/model.safetensors").exists());
}
