//! Tests of flags for every key, of runs that start from other runs, and of sweeps.

mod common;

use common::{potstill, refused, result as json};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const WALK: &str = "train q-learning --env CliffWalking-v1 --episodes 40 --seed 3";
const POLE: &str = "train dqn --env CartPole-v1 --net-arch mlp:8 --learning-starts 100 --eval-freq 200 --eval-episodes 2 --batch-size 16";

fn line(dir: &Path, arguments: &str) -> (Option<i32>, String) {
    let output = potstill(dir, arguments);
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn read(dir: &Path, file: &str) -> Vec<u8> {
    fs::read(dir.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn flags_and_settings_are_the_same_however_they_are_written() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let command = "train dqn --env CartPole-v1 --eval-freq 0 --learning-starts 100 --net-arch mlp:4";
    for (i, words) in [
        "--steps 300 --learning-rate 0.001 --double",
        "--steps 3e2 --learning_rate 1e-3 --double true",
        "--steps 0.3k --set learning_rate=.001 --set double=True",
        "--steps 3_00 --set learning_rate=\"0.001\" --double yes",
    ]
    .into_iter()
    .enumerate()
    {
        json(path, &format!("{command} {words} --out run-{i}"));
        assert_eq!(
            read(path, &format!("run-{i}/model.safetensors")),
            read(path, "run-0/model.safetensors"),
            "{words}"
        );
    }
    let config = String::from_utf8(read(path, "run-0/config.toml")).unwrap();
    assert!(config.contains("double = true"), "{config}");
    // Flags go before --config, --set before flags.
    fs::write(path.join("my.toml"), "alpha = 0.3\nepsilon = \"0.2\"\nepisodes = \"2\"\n").unwrap();
    json(
        path,
        "train q-learning --env CliffWalking-v1 --config my.toml --alpha 0.25 --set alpha=0.125 --out set",
    );
    let config = String::from_utf8(read(path, "set/config.toml")).unwrap();
    for words in ["alpha = 0.125", "epsilon = 0.2", "episodes = 2"] {
        assert!(config.contains(words), "{words} in {config}");
    }
}

#[test]
fn names_of_other_libraries_get_the_right_advice() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let pole = "train dqn --env CartPole-v1 --steps 10 --out new";
    let cliff = "train q-learning --env CliffWalking-v1 --episodes 5 --out new";
    for (arguments, words) in [
        (format!("{pole} --lr 1"), "`train` has no --lr; did you mean --learning-rate?"),
        (format!("{pole} --total-timesteps 1"), "did you mean --steps?"),
        (format!("{pole} --n_envs 1"), "did you mean --num-envs?"),
        (format!("{pole} --discount 1"), "did you mean --gamma?"),
        (format!("{pole} --logdir x"), "did you mean --out?"),
        (format!("{pole} --load x"), "did you mean --from?"),
        (format!("{pole} --hidden-sizes 4"), "did you mean --net-arch?"),
        (format!("{pole} --batchsize 4"), "did you mean --batch-size?"),
        (format!("{pole} --teacher x"), "it is a flag of `potstill distill`"),
        (format!("{pole} --qqq 4"), "train dqn --help` lists what there is"),
        (format!("{pole} --alpha 0.1"), "unknown key `alpha` (command line); did you mean `learning_rate`?"),
        (format!("{pole} --set lr=0.1"), "unknown key `lr` (--set); did you mean `learning_rate`?"),
        (format!("{cliff} --lr 1"), "did you mean --alpha?"),
        (format!("{cliff} --double maybe"), "unknown key `double` (command line)"),
        (format!("{pole} --double maybe"), "`double` (command line): expected true or false"),
        (
            "train ppo --data walks.jsonl --out new".to_owned(),
            "cql, iql, bc, td3-bc and dqn learn from recorded episodes",
        ),
        ("train distill --out new".to_owned(), "potstill distill --teacher RUN"),
        ("train --out new --config nowhere.toml".to_owned(), "cannot read nowhere.toml"),
        ("config distill".to_owned(), "config distill-policy"),
        ("resume run --set alpha=1".to_owned(), "train ALGO --from run --set KEY=VALUE"),
        ("resume run --learning-rate 1".to_owned(), "--from run --learning-rate VALUE"),
    ] {
        refused(path, &arguments, words);
    }
    let help = String::from_utf8(potstill(path, "train sarsa --help").stdout).unwrap();
    for words in ["--alpha", "Example 6.6", "Settings of sarsa"] {
        assert!(help.contains(words), "{words} in {help}");
    }
    assert!(!help.contains("--buffer-size"), "{help}");
}

#[test]
fn a_warning_that_seeds_have_in_common_comes_once() {
    let dir = TempDir::new().unwrap();
    let walk = "train q-learning --env CliffWalking-v1 --steps 300 --epsilon linear:1:0:run --ucb-c 1";
    let check = |arguments: &str, words: &str| {
        let output = potstill(dir.path(), arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments}: {told}");
        assert_eq!(told.matches(words).count(), 1, "{arguments}: {told}");
    };
    check(&format!("{walk} --seeds 3 --out seeds"), "`ucb_c` has no effect");
    check("resume seeds --steps 600", "goes back at step 300: epsilon");
    check(&format!("{walk} --alpha 0.1,0.2 --out sweep"), "`ucb_c` has no effect");
}

#[test]
fn a_run_starts_from_anothers_weights() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    json(path, &format!("{WALK} --out walk"));
    json(path, &format!("{POLE} --steps 600 --out pole"));
    json(path, "train classifier --data digits --net-arch mlp:6 --epochs 2 --out digits");
    let student =
        "distill --teacher pole --student mlp:4 --env CartPole-v1 --transfer-states 200 --gradient-steps 20";
    // The teacher is named as it was given.
    assert_eq!(json(path, &format!("{student} --out student"))["teacher"], "pole");
    // One step changes little: the values are still those that it started from.
    let next = json(path, "train sarsa --env CliffWalking-v1 --steps 1 --from walk --out walk-on");
    let values = |run: &str| {
        let bytes = read(path, &format!("{run}/model.safetensors"));
        bytes[bytes.len() - 48 * 4 * 8..].chunks_exact(8).map(<[u8]>::to_vec).collect::<Vec<_>>()
    };
    let differing = values("walk").iter().zip(&values("walk-on")).filter(|(a, b)| a != b).count();
    assert!(differing <= 1 && next["steps"] == 1, "{differing} values differ");
    for algorithm in ["semi-gradient-td", "gradient-monte-carlo", "n-step-td-prediction"] {
        let walk = format!("train {algorithm} --env RandomWalk:states=19 --episodes 9 --alpha 0.1");
        json(path, &format!("{walk} --out {algorithm}"));
        json(path, &format!("{walk} --from {algorithm} --out {algorithm}-on"));
    }
    // A learning rate of nearly nothing leaves a network what it was.
    json(path, &format!("{POLE} --steps 300 --learning-rate 1e-30 --from pole --out pole-on"));
    assert_eq!(read(path, "pole/model.safetensors"), read(path, "pole-on/model.safetensors"));
    json(
        path,
        "train classifier --data digits --net-arch mlp:6 --epochs 1 --learning-rate 1e-30 --from digits --out digits-on",
    );
    assert_eq!(read(path, "digits/model.safetensors"), read(path, "digits-on/model.safetensors"));
    json(path, &format!("{student} --learning-rate 1e-30 --from student --out student-on"));
    assert_eq!(read(path, "student/model.safetensors"), read(path, "student-on/model.safetensors"));
    // Other observations of the same shape.
    json(
        path,
        &format!("{POLE} --steps 300 --env CartPole-v1:max_episode_steps=50 --from pole --out short")
            .replacen("--env CartPole-v1 ", "", 1),
    );
    let config = String::from_utf8(read(path, "pole-on/config.toml")).unwrap();
    for words in ["from = ", "from_crc32c = ", "of the run that it starts from"] {
        assert!(config.contains(words), "{words} in {config}");
    }
    // The same configuration gives the same run, as long as it finds what it started from.
    json(path, "train --config short/config.toml --out short-again");
    assert_eq!(read(path, "short/model.safetensors"), read(path, "short-again/model.safetensors"));
    fs::rename(path.join("pole"), path.join("elsewhere")).unwrap();
    refused(path, "train --config short/config.toml --out new", "pole is not a run directory");
    fs::rename(path.join("walk"), path.join("pole")).unwrap();
    refused(path, "train --config short/config.toml --out new", "`from`:");
    fs::rename(path.join("elsewhere"), path.join("walk")).unwrap();
    for (arguments, words) in [
        (
            "train sarsa --env Taxi-v4 --steps 9 --from pole --out new",
            "it has learned a table of 48 states x 4 actions; this run learns a table of 500 states x 6 actions",
        ),
        (
            "train dqn --env CartPole-v1 --steps 99 --from walk --out new",
            "it has learned a network mlp:8 of 4 inputs and 2 outputs; this run learns a network mlp:256,256 of 4 inputs and 2 outputs",
        ),
        (
            "train dqn --env CartPole-v1 --steps 99 --from pole --out new",
            "it has learned a table of 48 states",
        ),
        (
            "train value-iteration --env CliffWalking-v1 --from pole --out new",
            "a planner starts from nothing",
        ),
        ("train mcts --env CliffWalking-v1 --steps 9 --from pole --out new", "no parameters to start from"),
        (
            "train sarsa --env CliffWalking-v1 --steps 9 --from nowhere --out new",
            "nowhere is not a run directory",
        ),
        ("train sarsa --env CliffWalking-v1 --steps 9 --keep state --out new", "give --from RUN"),
        (
            "train sarsa --env CliffWalking-v1 --steps 9 --from pole --keep all --out new",
            "`keep` (command line): expected weights or state",
        ),
    ] {
        refused(path, arguments, words);
    }
}

#[test]
fn a_run_goes_on_from_anothers_state() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    for (name, command, short, long) in [
        ("walk", WALK.replace("--episodes 40", ""), "--steps 500", "--steps 1200"),
        ("pole", POLE.to_owned(), "--steps 500", "--steps 1200"),
        ("digits", "train classifier --data digits --net-arch mlp:6".to_owned(), "--epochs 1", "--epochs 3"),
    ] {
        json(path, &format!("{command} {short} --out {name}"));
        json(path, &format!("{command} {long} --from {name} --keep state --out {name}-on"));
        // The same as one run that was extended, where nothing depends on the length.
        if name == "walk" {
            json(path, &format!("{command} {long} --out whole"));
            assert_eq!(read(path, "whole/model.safetensors"), read(path, "walk-on/model.safetensors"));
        }
        let records = String::from_utf8(read(path, &format!("{name}-on/metrics.jsonl"))).unwrap();
        let first: Value = serde_json::from_str(records.lines().next().unwrap()).unwrap();
        let done = json(path, &format!("show {name}"))["summary"]["steps"].as_u64().unwrap_or(1);
        assert!(first["step"].as_u64().unwrap() > done, "{name}: {first} after {done}");
        refused(
            path,
            &format!("{command} {short} --from {name} --keep state --out new"),
            "nothing is left to do",
        );
    }
    refused(
        path,
        "train q-learning --env FrozenLake-v1 --steps 900 --from walk --keep state --out new",
        "is one of CliffWalking-v1, this run is in FrozenLake-v1; --keep weights",
    );
    refused(
        path,
        &format!("{POLE} --steps 900 --from pole --keep state --net-arch mlp:9 --out new").replacen(
            "--net-arch mlp:8 ",
            "",
            1,
        ),
        "does not fit these settings",
    );
}

#[test]
fn an_edited_configuration_is_told_as_changed() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    json(path, &format!("{WALK} --out walk"));
    let config = String::from_utf8(read(path, "walk/config.toml")).unwrap();
    let edited = config.replace("epsilon = 0.1 ", "epsilon = 0.2 ");
    assert_ne!(config, edited);
    fs::write(path.join("walk/config.toml"), &edited).unwrap();
    for command in ["resume walk", "show walk", "report walk"] {
        refused(path, command, "walk/config.toml was changed after it was written");
    }
    // The ways that the message names.
    json(path, "train --config walk/config.toml --out edited");
    json(path, "train q-learning --env CliffWalking-v1 --episodes 5 --from walk --set epsilon=0.2 --out on");
    fs::write(path.join("walk/config.toml"), &config.as_bytes()[..99]).unwrap();
    let (_, error) = line(path, "resume walk");
    assert!(error.contains("damaged") || error.contains("cut off"), "{error}");
}

#[test]
fn a_sweep_runs_every_combination_and_can_be_resumed() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let command = "train sarsa --env CliffWalking-v1 --episodes 20 --alpha 0.1,0.5 --set epsilon=[0,0.1]";
    let result = json(path, &format!("{command} --out sweep"));
    assert_eq!(result["keys"], serde_json::json!(["alpha", "epsilon"]));
    let runs: Vec<&str> =
        result["sweep"].as_array().unwrap().iter().map(|run| run["run"].as_str().unwrap()).collect();
    let expected =
        ["alpha=0.1,epsilon=0", "alpha=0.1,epsilon=0.1", "alpha=0.5,epsilon=0", "alpha=0.5,epsilon=0.1"];
    assert_eq!(runs, expected);
    // Each is the run that its values alone give.
    json(path, "train sarsa --env CliffWalking-v1 --episodes 20 --alpha 0.5 --epsilon 0 --out alone");
    assert_eq!(
        read(path, "alone/model.safetensors"),
        read(path, "sweep/alpha=0.5,epsilon=0/model.safetensors")
    );
    fs::remove_dir_all(path.join("sweep/alpha=0.1,epsilon=0.1")).unwrap();
    assert_eq!(json(path, "resume sweep")["sweep"].as_array().unwrap().len(), 4);
    assert!(path.join("sweep/alpha=0.1,epsilon=0.1/summary.json").is_file());

    let seeds = json(
        path,
        "train dqn --env CartPole-v1 --steps 300 --learning-starts 100 --eval-freq 0 --net-arch mlp:4,mlp:4,4 --seeds 2 --out nets",
    );
    assert_eq!(seeds["sweep"][1]["run"], "net_arch=mlp:4,4");
    assert!(path.join("nets/net_arch=mlp:4,4/seed-1/model.safetensors").is_file());
    let text = String::from_utf8(potstill(path, "resume nets").stdout).unwrap();
    for words in ["best while learning", "net_arch", "mlp:4,4", "Folder: nets"] {
        assert!(text.contains(words), "{words} in {text}");
    }
    json(path, "compare sweep");
    refused(
        path,
        "train sarsa --env CliffWalking-v1 --episodes 5 --alpha 0.1,7 --out new",
        "`alpha` (command line): must be above 0 (1e-30) and up to 1, got 7",
    );
    refused(
        path,
        "train sarsa --env CliffWalking-v1 --episodes 5 --alpha 0.1,0.1 --out new",
        "one value is given twice",
    );
    refused(path, &format!("{command} --out sweep"), "sweep exists and is not empty");
}

#[test]
fn a_combination_that_fails_leaves_the_others() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let command = "train dqn --env CartPole-v1 --steps 300 --learning-starts 100 --eval-freq 0 --net-arch mlp:4 --set \
                   train_freq=1 --set gradient_steps=1 --set max_grad_norm=inf --optimizer sgd --learning-rate 1e30,1e-3";
    let output = potstill(path, &format!("{command} --json --out sweep"));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let runs = |key: &str| -> Vec<&str> {
        result[key].as_array().unwrap().iter().map(|run| run["run"].as_str().unwrap()).collect()
    };
    assert_eq!((runs("sweep"), runs("failed")), (vec!["learning_rate=0.001"], vec!["learning_rate=1e30"]));
    assert!(result["failed"][0]["error"].as_str().unwrap().starts_with("training stopped in CartPole-v1"));
    let output = potstill(path, "resume sweep");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\nfailed: learning_rate=1e30: training stopped in CartPole-v1"), "{text}");
}

#[test]
fn completions_manual_pages_and_films_are_written() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    json(path, "train q-learning --env CliffWalking-v1:max_episode_steps=30 --episodes 40 --out runs/walk");
    let text = |arguments: &str| {
        let output = potstill(path, arguments);
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(text("complete -- show run"), "runs/walk\n");
    assert!(text("complete -- train sarsa --al").contains("--alpha\n"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(text(&format!("completions {shell}")).contains("complete --"), "{shell}");
    }
    let page = text("man train dqn");
    for words in [".TH", "learning\\-rate", "Settings of dqn"] {
        assert!(page.to_lowercase().contains(&words.to_lowercase()), "{words} in {page}");
    }
    text("man --out pages");
    for page in ["potstill.1", "potstill-train.1", "potstill-env-show.1"] {
        assert!(read(path, &format!("pages/{page}")).starts_with(b".ie"), "{page}");
    }
    refused(path, "man trian", "unknown command `trian`; did you mean `train`?");
    common::json(path, "play runs/walk --gif walk.gif");
    let film = read(path, "walk.gif");
    // Twelve by four squares of thirty pixels.
    assert_eq!(film[..10], *b"GIF89a\x68\x01\x78\x00");
    refused(path, "play runs/walk --gif walk.png", "the file's name ends in .gif");
}

/// Runs the script of bash with the program itself.
#[test]
fn bash_completes_what_is_typed() {
    let dir = TempDir::new().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_potstill")).parent().unwrap();
    let check = |words: &[&str], expected: &str| {
        let line = words.join(" ");
        let script = format!(
            "PATH={}:$PATH; source <(potstill completions bash); COMP_LINE='{line}'; COMP_POINT={}; COMP_WORDS=({}); \
             COMP_CWORD={}; _potstill 2>/dev/null; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            program.display(),
            line.len(),
            words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "),
            words.len() - 1,
        );
        let output = std::process::Command::new("bash")
            .current_dir(dir.path())
            .args(["-c", &script])
            .output()
            .unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(shown.lines().any(|word| word == expected), "{expected} after `{line}`: {shown} {error}");
    };
    check(&["potstill", "tra"], "train");
    check(&["potstill", "train", "dqn", "--learning-r"], "--learning-rate");
    check(&["potstill", "train", "sarsa", "--env", "Cliff"], "CliffWalking-v1");
}

/// Runs a command that pauses half way in a change to the disk, and kills it there. Returns false if it had ended before.
fn killed_in_change(dir: &Path, arguments: &str, change: usize) -> bool {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_potstill"));
    command.current_dir(dir).args(arguments.split_whitespace()).env("POTSTILL_PAUSE_AT", change.to_string());
    let command = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut stderr, &mut line).unwrap();
    let paused = line == "paused\n";
    if paused {
        child.kill().unwrap();
    }
    child.wait().unwrap();
    paused
}

#[test]
fn a_run_that_starts_from_another_survives_kills_wherever_they_come() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    json(path, "train q-learning --env CliffWalking-v1 --steps 300 --out walk");
    for keep in ["weights", "state"] {
        let train = format!(
            "train q-learning --env CliffWalking-v1 --steps 900 --epsilon 0.2 --checkpoint-freq 200 --from walk --keep {keep}"
        );
        json(path, &format!("{train} --out whole-{keep}"));
        let mut kills = 0;
        for change in (0..60).step_by(4) {
            let run = format!("{keep}-{change}");
            let paused = killed_in_change(path, &format!("{train} --out {run}"), change);
            kills += usize::from(paused);
            let begun = path.join(&run).join("config.toml").exists();
            json(path, &if begun { format!("resume {run}") } else { format!("{train} --out {run}") });
            for file in ["model.safetensors", "metrics.jsonl"] {
                let (ours, whole) =
                    (read(path, &format!("{run}/{file}")), read(path, &format!("whole-{keep}/{file}")));
                assert_eq!(ours, whole, "{keep}, killed in change {change}: {file}");
            }
        }
        assert!(kills > 5, "{kills}");
    }
}

#[test]
fn a_resumed_run_keeps_its_preset() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let pole = "train dqn --env CartPole-v1 --set net_arch=mlp:8 --set learning_starts=100 --seed 7";
    json(path, &format!("{pole} --steps 600 --out short"));
    let on = json(path, "resume short --steps 900");
    let whole = json(path, &format!("{pole} --steps 900 --out whole"));
    assert_eq!((&on["preset"], &whole["preset"]), (&"zoo".into(), &"zoo".into()));
    // What is said of the run is the same too.
    assert_eq!(on["remark"], whole["remark"]);
    let origins = |run: &str| -> Vec<String> {
        let config = String::from_utf8(read(path, &format!("{run}/config.toml"))).unwrap();
        let of = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        config.lines().filter(|line| !line.starts_with("steps ")).map(of).collect()
    };
    assert_eq!(origins("short"), origins("whole"));
}

#[test]
fn a_run_of_episodes_is_evaluated_at_its_end() {
    let dir = TempDir::new().unwrap();
    let car = "train semi-gradient-sarsa --env MountainCar-v0 --episodes 4 --set eval_freq=500 --set eval_episodes=2";
    let result = json(dir.path(), &format!("{car} --out car"));
    let metrics = String::from_utf8(read(dir.path(), "car/metrics.jsonl")).unwrap();
    let last = metrics.lines().rev().find(|line| line.contains("eval/mean_reward")).unwrap();
    let last: serde_json::Value = serde_json::from_str(last).unwrap();
    assert_eq!(last["step"], result["steps"]);
}
