//! Tests of the command line.

mod common;

use ::potstill::export::EXPORTERS;
use common::{json, potstill};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const SHORT_DQN: &str =
    "train dqn --env CartPole-v1 --steps 1500 --set net_arch=mlp:16 --set eval_episodes=3";

#[test]
fn q_learning_walks_thirteen_steps() {
    let dir = TempDir::new().unwrap();
    let trained =
        json(dir.path(), "train q-learning --env CliffWalking-v1 --episodes 500 --seed 1 --out run");
    assert_eq!((trained["episodes"].as_u64(), trained["seed"].as_u64()), (Some(500), Some(1)));
    let evaluated = json(dir.path(), "eval run --episodes 10");
    assert_eq!(evaluated["mean_return"], -13.0);
    assert_eq!((&evaluated["episodes"], &evaluated["std_return"]), (&Value::from(10), &Value::from(0.0)));
    for file in ["config.toml", "metrics.jsonl", "model.safetensors", "summary.json", "report.html"] {
        assert!(dir.path().join("run").join(file).is_file(), "{file}");
    }
    assert_eq!(fs::read_to_string(dir.path().join("run/metrics.jsonl")).unwrap().lines().count(), 500);
}

#[test]
fn a_teacher_is_trained_distilled_and_evaluated() {
    let dir = TempDir::new().unwrap();
    json(dir.path(), &format!("{SHORT_DQN} --seed 1 --out teacher"));
    let distilled = json(
        dir.path(),
        "distill --teacher teacher --student mlp:4 --env CartPole-v1 --out student \
         --set transfer_states=500 --set gradient_steps=200",
    );
    assert_eq!(
        (&distilled["parameters"], &distilled["teacher_parameters"]),
        (&Value::from(30), &Value::from(114))
    );
    assert!(distilled["agreement"].as_f64().unwrap() > 0.5);
    for run in ["teacher", "student"] {
        let evaluated = json(dir.path(), &format!("eval {run} --episodes 20"));
        assert!(evaluated["mean_return"].as_f64().unwrap() > 8.0);
        assert_eq!(evaluated["episodes"], 20);
    }
    // The student's own configuration distils it again.
    json(dir.path(), "distill --teacher teacher --config student/config.toml --out again");
    let model = |run: &str| fs::read(dir.path().join(run).join("model.safetensors")).unwrap();
    assert_eq!(model("student"), model("again"));
}

#[test]
fn a_classifier_is_trained_distilled_and_evaluated() {
    let dir = TempDir::new().unwrap();
    let teacher = json(
        dir.path(),
        "train classifier --data digits --set net_arch=mlp:64 --set epochs=15 --set split_seed=3 --out teacher",
    );
    let student = json(
        dir.path(),
        "distill --teacher teacher --student mlp:12 --data digits --temperature 3 --set epochs=15 --out student",
    );
    // 90 % by guessing; over 20 seeds the worst teacher had 7.8 %, the worst student 19.4 %.
    assert!(teacher["test_error"].as_f64().unwrap() < 0.12, "{teacher}");
    assert!(student["test_error"].as_f64().unwrap() < 0.25, "{student}");
    // Both were tested on the same samples: the student inherits its teacher's split.
    assert_eq!(student["teacher"]["test_error"], teacher["test_error"]);
    for (run, result) in [("teacher", &teacher), ("student", &student)] {
        assert_eq!(&json(dir.path(), &format!("eval {run}"))["test_error"], &result["test_error"]);
    }
}

#[test]
fn the_same_seed_writes_the_same_model_whatever_the_threads() {
    let dir = TempDir::new().unwrap();
    let dqn = format!("{SHORT_DQN} --set eval_freq=500");
    let distill = "distill --teacher dqn-0 --student mlp:4 --env CartPole-v1 --set transfer_states=500 --set gradient_steps=100";
    let classifier = "train classifier --data digits --set net_arch=mlp:16 --set epochs=3";
    for (name, command) in [
        ("sarsa", "train sarsa --env CliffWalking-v1 --episodes 50"),
        ("dqn", &dqn),
        ("distill", distill),
        ("classifier", classifier),
    ] {
        let mut models = Vec::new();
        for (i, options) in
            ["--seed 5", "--seed 5 --threads 1", "--seed 5 --threads 2", "--seed 6"].iter().enumerate()
        {
            json(dir.path(), &format!("{command} {options} --out {name}-{i}"));
            let run = dir.path().join(format!("{name}-{i}"));
            models.push((
                fs::read(run.join("model.safetensors")).unwrap(),
                fs::read(run.join("metrics.jsonl")).unwrap(),
            ));
        }
        assert!(models[0] == models[1] && models[0] == models[2], "{name}");
        assert!(models[0] != models[3], "{name}: another seed");
    }
}

#[test]
fn turning_evaluation_off_does_not_change_training() {
    let dir = TempDir::new().unwrap();
    let train = |options: &str, out: &str| {
        json(dir.path(), &format!("{SHORT_DQN} {options} --out {out}"))["return_last_100"].as_f64().unwrap()
    };
    assert_eq!(
        train("--set eval_freq=100", "often").to_bits(),
        train("--set eval_freq=1500", "never").to_bits()
    );
}

#[test]
fn several_seeds_are_one_folder_of_runs() {
    let dir = TempDir::new().unwrap();
    let command = "train q-learning --env CliffWalking-v1 --episodes 100 --seeds 4 --seed 10";
    let one = json(dir.path(), &format!("{command} --threads 1 --out one"));
    let two = json(dir.path(), &format!("{command} --threads 2 --out two"));
    assert_eq!(one["return_last_100"], two["return_last_100"]);
    assert_eq!(one["seeds"], 4);
    // Each is the run that its seed alone gives.
    json(dir.path(), "train q-learning --env CliffWalking-v1 --episodes 100 --seed 12 --out alone");
    let model = |run: &str| fs::read(dir.path().join(run).join("model.safetensors")).unwrap();
    assert_eq!(model("one/seed-12"), model("alone"));
    assert_eq!(json(dir.path(), "eval two/seed-13 --episodes 3")["episodes"], 3);
}

#[test]
fn layers_of_configuration_are_recorded_with_their_origin() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("my.toml"), "gamma = 0.9\nbatch_size = 16\nsteps = 300\n").unwrap();
    json(
        dir.path(),
        "train dqn --env CartPole-v1 --preset cleanrl --config my.toml --seed 3 --set batch_size=8 --set net_arch=mlp:8 --set learning_starts=100 --out run",
    );
    let config = fs::read_to_string(dir.path().join("run/config.toml")).unwrap();
    for (line, origin) in [
        ("learning_rate = 0.00025", "preset cleanrl"),
        ("gamma = 0.9", "my.toml"),
        ("steps = 300", "my.toml"),
        ("seed = 3", "command line"),
        ("batch_size = 8", "--set"),
        ("eval_episodes = 20", "default"),
    ] {
        let found =
            config.lines().find(|l| l.starts_with(line)).unwrap_or_else(|| panic!("{line} in {config}"));
        assert!(found.ends_with(&format!("# {origin}")), "{found}");
    }
    // The resolved file gives the same run again.
    json(dir.path(), "train dqn --config run/config.toml --out again");
    let model = |run: &str| fs::read(dir.path().join(run).join("model.safetensors")).unwrap();
    assert_eq!(model("run"), model("again"));
}

#[test]
fn runs_that_cannot_learn_say_so() {
    let dir = TempDir::new().unwrap();
    let check = |arguments: &str, expected: &str| {
        let output = potstill(dir.path(), arguments);
        assert!(output.status.success());
        assert_eq!(String::from_utf8_lossy(&output.stderr), expected, "{arguments}");
    };
    let few = "train dqn --env CartPole-v1 --set net_arch=mlp:4 --set train_freq=8 --set learning_starts=100 --set eval_freq=0";
    let warning = "warning: nothing is learned in 103 steps: the first update is at step 104 (learning_starts and train_freq)\n";
    check(&format!("{few} --steps 103 --out none"), warning);
    check(&format!("{few} --steps 104 --out one"), "");
    // Copies are stepped together, eight times each.
    check(
        &format!("{few} --steps 110 --num-envs 2 --out early"),
        &warning.replace("103", "110").replace("104", "112"),
    );
    check(&format!("{few} --steps 112 --num-envs 2 --out two"), "");
    check(&format!("{few} --steps 103 --seeds 2 --out seeds"), warning);
    let model = |run: &str| fs::read(dir.path().join(run).join("model.safetensors")).unwrap();
    assert!(model("one") != model("none") && model("two") != model("none"));
    assert!(model("seeds/seed-0") == model("none"));
    check(
        "train pqn --env CartPole-v1 --steps 500 --set eval_freq=0 --out pqn",
        "warning: nothing is learned in 500 steps: the first update is at step 2048 (num_envs x num_steps)\n",
    );
}

#[test]
fn data_that_little_can_be_learned_from_are_told() {
    let dir = TempDir::new().unwrap();
    let check = |env: &str, data: &str, expected: &[&str]| {
        let arguments = format!(
            "train bc --env {env} --data {data} --steps 2 --set net_arch=mlp:4 --set eval_freq=0 --out {env}-{}",
            data.len()
        );
        let output = potstill(dir.path(), &arguments);
        assert!(output.status.success());
        let lines: Vec<String> =
            expected.iter().map(|line| format!("warning: --data {data}: {line}\n")).collect();
        assert_eq!(String::from_utf8_lossy(&output.stderr), lines.concat(), "{arguments}");
    };
    let cut = |episodes: &str| {
        format!("none of {episodes} terminated: values go on behind the last observation of each")
    };
    check("Pendulum-v1", "random:400", &[&cut("2 episodes")]);
    let one = "has one episode: little of what it leaves out can be told from it";
    check("Pendulum-v1", "random:30", &[one, &cut("1 episode")]);
    // All rewards are 1, but a longer episode has more of them.
    check("CartPole-v1", "random:200", &[]);
    check(
        "CartPole-v1",
        "random:3",
        &[one, &cut("1 episode"), "all rewards are 1: no policy is better than another"],
    );
}

#[test]
fn preferences_among_actions_are_no_start_for_values() {
    let dir = TempDir::new().unwrap();
    let run = |arguments: &str| potstill(dir.path(), arguments);
    let train = "--env CartPole-v1 --steps 20 --set net_arch=mlp:4 --set eval_freq=0";
    assert!(run(&format!("train bc {train} --data random:200 --out bc")).status.success());
    let output = run(&format!("train dqn {train} --from bc --out dqn"));
    assert_eq!(output.status.code(), Some(2));
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        line.contains("it has learned preferences among actions, which are no estimates of returns"),
        "{line}"
    );
    assert!(!dir.path().join("dqn").exists());
    assert!(run(&format!("train cql {train} --data random:200 --out cql")).status.success());
    assert!(run(&format!("train dqn {train} --from cql --out dqn")).status.success());
}

#[test]
fn bad_input_gets_one_clear_line_and_leaves_nothing_behind() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    json(path, "train q-learning --env CliffWalking-v1 --episodes 20 --out table");
    json(path, &format!("{SHORT_DQN} --out dqn"));
    json(path, "train classifier --data digits --set net_arch=mlp:4 --set epochs=1 --out digits");
    json(path, "train td-prediction --env CliffWalking-v1 --episodes 2 --out walk");
    json(path, "play --env FrozenLake-v1 --episodes 3 --record lake.jsonl --svg lake.svg --gif lake.gif");
    assert!(["lake.jsonl", "lake.svg", "lake.gif"].iter().all(|file| path.join(file).exists()));
    let recorded = fs::read_to_string(path.join("lake.jsonl")).unwrap();
    fs::write(path.join("far.jsonl"), recorded.replacen("[0,", "[16,", 1)).unwrap();
    fs::create_dir_all(path.join("empty")).unwrap();
    fs::write(path.join("unknown.toml"), "learning_rte = 0.1\n").unwrap();
    fs::write(path.join("mistyped.toml"), "learning_rate = \"fast\"\n").unwrap();
    fs::write(path.join("broken.toml"), "learning_rate = = 1\n").unwrap();
    fs::write(path.join("sarsa.toml"), "algorithm = \"sarsa\"\n").unwrap();
    for (copy, keep) in [("cut", 0.5), ("hollow", 0.0)] {
        fs::create_dir_all(path.join(copy)).unwrap();
        fs::copy(path.join("dqn/config.toml"), path.join(copy).join("config.toml")).unwrap();
        let bytes = fs::read(path.join("dqn/model.safetensors")).unwrap();
        let length = (bytes.len() as f64 * keep) as usize;
        fs::write(path.join(copy).join("model.safetensors"), &bytes[..length]).unwrap();
    }
    // A table's configuration with a network's model.
    fs::create_dir_all(path.join("mixed")).unwrap();
    fs::copy(path.join("table/config.toml"), path.join("mixed/config.toml")).unwrap();
    fs::copy(path.join("dqn/model.safetensors"), path.join("mixed/model.safetensors")).unwrap();
    json(path, "train q-learning --env CliffWalking-v1 --episodes 2 --seeds 2 --out seeds");
    fs::write(path.join("taken.safetensors"), "mine").unwrap();
    let before = entries(path);

    let cliff = "train q-learning --env CliffWalking-v1 --episodes 5 --out new";
    let pole = "train dqn --env CartPole-v1 --steps 100 --out new";
    let digits = "train classifier --data digits --out new";
    let distill = "distill --teacher dqn --student mlp:4 --env CartPole-v1 --out new";
    for (arguments, expected) in [
        ("train dnq --env CartPole-v1 --steps 9 --out new", "unknown algorithm `dnq`; did you mean `dqn`?"),
        (
            "train dqn --env CartPoll-v1 --steps 9 --out new",
            "unknown environment `CartPoll-v1`; did you mean `CartPole-v1`?",
        ),
        (
            "train dqn --env CartPole-v1 --steps 0 --out new",
            "`steps` (command line): must be 1 or above, got 0",
        ),
        ("train dqn --env CartPole-v1 --episodes 9 --out new", "`dqn` needs --steps N"),
        (
            "train dqn --env CliffWalking-v1 --steps 9 --out new",
            "`dqn` needs observations with features; those of CliffWalking-v1 are Discrete(48); give one number to each (--env CliffWalking-v1:one_hot=true)",
        ),
        (
            "train sarsa --env CartPole-v1 --steps 9 --out new",
            "`sarsa` needs discrete observations; those of CartPole-v1 are Box(4); put them into boxes (--env CartPole-v1:bins=8), or train dqn",
        ),
        (
            "train sarsa --env Breakout --steps 9 --out new",
            "those of Breakout are MultiBinary(10, 10, 4); train dqn",
        ),
        (
            "train sarsa --env Pendulum-v1 --steps 9 --out new",
            "`sarsa` needs discrete actions; those of Pendulum-v1 are Box(1)",
        ),
        (
            "train sarsa --env CartPole-v1:bins=99 --steps 9 --out new",
            "bins=99: 99 to the power of 4 boxes; at most a million are held",
        ),
        (
            "train sarsa --env AccessControl --steps 9 --out new",
            "`gamma`: must be below 1 in AccessControl, which never ends: its returns would be infinite; or learn with r-learning",
        ),
        ("train policy-iteration --env AccessControl --out new", "`gamma`: must be below 1 in AccessControl"),
        (
            "train value-iteration --env Blackjack-v1 --out new",
            "`value-iteration` needs an exact model; Blackjack-v1 does not provide one",
        ),
        (
            "train value-iteration --env DynaMaze --episodes 9 --out new",
            "`value-iteration` takes no --episodes",
        ),
        (
            &format!("{cliff} --set alpha=1.5"),
            "`alpha` (--set): must be above 0 (1e-30) and up to 1, got 1.5",
        ),
        (
            "train sarsa-lambda --env CliffWalking-v1 --steps 9 --set alpha=1/n --out new",
            "`alpha`: dutch traces need one step size for all pairs; give another schedule, or traces=accumulating or replacing",
        ),
        (&format!("{cliff} --set alpha=0"), "`alpha` (--set): must be above 0 (1e-30) and up to 1, got 0"),
        (
            &format!("{cliff} --set epsilon=linear:1:-1:9"),
            "`epsilon` (--set): must be from 0 to 1, got \"linear:1:-1:9\"",
        ),
        (
            &format!("{cliff} --set epsilon=lin:1:0:9"),
            "`epsilon` (--set): expected a number, linear:FROM:TO:STEPS (or linear:FROM:TO:run), exponential:FROM:TO:STEPS, 1/n or 1/n^POWER, got `lin:1:0:9`",
        ),
        (
            &format!("{cliff} --set exploration=bold"),
            "`exploration` (--set): expected epsilon-greedy, boltzmann, ucb or uniform, got `\"bold\"`",
        ),
        (
            &format!("{cliff} --set behaviour=dqn"),
            "`behaviour`: dqn learned no action values for CliffWalking-v1 (Discrete(48), Discrete(4))",
        ),
        (&format!("{cliff} --set behaviour=nowhere"), "nowhere is not a run directory"),
        (
            "train q-learning --data nowhere.jsonl --out new",
            "--data nowhere.jsonl: it cannot be read: No such file",
        ),
        ("train q-learning --data unknown.toml --out new", "--data unknown.toml: its format is not known"),
        (
            "train sarsa --data lake.jsonl --out new",
            "`sarsa` is on-policy: it learns from what it does itself, not from --data",
        ),
        ("train mcts --data lake.jsonl --out new", "`mcts` learns while it acts, not from --data"),
        (
            "train q-learning --data lake.jsonl --env CliffWalking-v1 --out new",
            "--data lake.jsonl: it was recorded in FrozenLake-v1 (Discrete(16), Discrete(4)); CliffWalking-v1 has Discrete(48), Discrete(4)",
        ),
        (
            "train q-learning --data lake.jsonl --set behaviour=table --out new",
            "give `data` or `behaviour`, not both",
        ),
        (
            "train q-learning --data far.jsonl --out new",
            "--data far.jsonl: line 2: episode 1, step 1: its observation 16 is not in Discrete(16)",
        ),
        (
            "eval walk",
            "walk has evaluated a policy and learned none of its own; see its values with potstill show walk",
        ),
        ("play walk", "walk has evaluated a policy"),
        ("play table --epsilon 2", "--epsilon 2: write a number from 0 to 1"),
        ("show nowhere", "nowhere is not a run directory"),
        ("train sarsa --env CliffWalking-v1 --out new", "how long? give --steps N or --episodes N"),
        ("train sarsa --episodes 9 --out new", "which environment? give --env ID"),
        ("train classifier --out new", "which data? give --data FILE, or --data digits"),
        ("train classifier --data digit --out new", "unknown dataset `digit`; did you mean `digits`?"),
        (
            "train classifier --data lake.jsonl --out new",
            "--data lake.jsonl: it holds recorded episodes; a classifier learns from labelled samples",
        ),
        (
            "train classifier --data unknown.toml --out new",
            "--data unknown.toml: its format is not known; known: a recording of `potstill play --record`",
        ),
        (
            "train classifier --data digits --set test_samples=1797 --out new",
            "`test_samples`: must leave something to train on",
        ),
        ("train q-learning --env CliffWalking-v1 --episodes 5 --out table", "table exists and is not empty"),
        ("train q-learning --env CliffWalking-v1 --episodes 5 --out unknown.toml", "cannot use unknown.toml"),
        (
            &format!("{pole} --set learning_rte=1"),
            "unknown key `learning_rte` (--set); did you mean `learning_rate`?",
        ),
        (&format!("{cliff} --set epsilon=2"), "`epsilon` (--set): must be from 0 to 1, got 2"),
        (&format!("{cliff} --set epsilon"), "--set epsilon: write --set key=value"),
        (
            &format!("{pole} --config unknown.toml"),
            "unknown key `learning_rte` (unknown.toml); did you mean `learning_rate`?",
        ),
        (
            "train c51 --env CartPole-v1 --steps 100 --set v_min=1 --set v_max=0 --out new",
            "`v_max`: must be above v_min, 1, in single precision, got 0",
        ),
        (
            &format!("{pole} --set net_arch=cnn:16x3,128"),
            "`net_arch`: cnn:16x3,128: `16x3` does not fit into an image of 1 x 1 points; features have mlp",
        ),
        (
            &format!("{pole} --set net_arch=mlp --set dueling=true"),
            "`net_arch`: mlp::dueling: dueling needs a hidden layer, which its two streams have each",
        ),
        (
            "train iqn --env CartPole-v1 --steps 100 --set net_arch=mlp --out new",
            "a probability meets features, for which there must be one hidden layer, or two with dueling",
        ),
        (
            "train iqn --env CartPole-v1 --steps 100 --set batch_size=100000 --set n_taus=10000 --out new",
            "`batch_size`: 100000 samples at a time need more than 8.6 GB here",
        ),
        (
            "train pqn --env CartPole-v1 --steps 100 --set num_minibatches=7 --out new",
            "`num_minibatches`: must divide what is collected, num_envs x num_steps = 2048 transitions, got 7",
        ),
        (
            "train pqn --env Pendulum-v1 --steps 100 --out new",
            "`pqn` needs discrete actions; those of Pendulum-v1 are Box(1)",
        ),
        (
            "train pqn --env CartPole-v1 --steps 100 --num-envs 0 --out new",
            "`num_envs` (command line): must be from 1 to 65536, got 0",
        ),
        (&format!("{pole} --memory-limit -1"), "`memory_limit` (command line): must be 0 or above"),
        (
            &format!("{pole} --set buffer_size=9000000000000000000"),
            "`buffer_size`: 9000000000000000000 transitions take",
        ),
        (
            &format!("{pole} --set n_step=5 --set buffer_size=64 --num-envs 20"),
            "`buffer_size`: must hold 5 steps of each of 20 copies",
        ),
        (&format!("{pole} --set learning_rate=1/n"), "`learning_rate`: 1/n counts updates of one number"),
        (&format!("{digits} --set learning_rate=1/n"), "`learning_rate`: 1/n counts updates of one number"),
        (&format!("{distill} --set learning_rate=1/n"), "`learning_rate`: 1/n counts updates of one number"),
        (&format!("{digits} --set optimizer=adagrad"), "`optimizer` (--set): expected adam, adamw"),
        (&format!("{digits} --set max_grad_norm=0"), "`max_grad_norm` (--set): must be above 0"),
        (
            &format!("{digits} --set net_arch=mlp:2049 --set initialization=orthogonal"),
            "`initialization`: orthogonal takes too long for more than 2048 units of a layer, got 2049",
        ),
        (
            &format!("{pole} --set optimizer=adagrad"),
            "`optimizer` (--set): expected adam, adamw, radam, rmsprop or sgd",
        ),
        (
            &format!("{pole} --config mistyped.toml"),
            "`learning_rate` (mistyped.toml): expected a number, linear:FROM:TO:STEPS (or linear:FROM:TO:run), exponential:FROM:TO:STEPS, 1/n or 1/n^POWER, got `fast`",
        ),
        (&format!("{cliff} --config broken.toml"), "broken.toml is not valid TOML: line 1"),
        (
            &format!("{cliff} --config sarsa.toml"),
            "`algorithm` (sarsa.toml): is \"sarsa\", but the command line says \"q-learning\"",
        ),
        (&format!("{cliff} --config nowhere.toml"), "cannot read nowhere.toml"),
        (&format!("{cliff} --preset zoo"), "`q-learning` has no presets"),
        (&format!("{pole} --preset zooo"), "unknown preset `zooo`; did you mean `zoo`?"),
        (&format!("{pole} --set buffer_size=10"), "`buffer_size`: must hold at least a batch of 64, got 10"),
        (&format!("{pole} --set net_arch=mlp:64,x"), "`net_arch` (--set): `x` is not a number of units"),
        (
            &format!("{pole} --set batch_size=1000000000000"),
            "`batch_size` (--set): must be from 1 to 1000000",
        ),
        (
            &format!("{cliff} --seed 9223372036854775807 --seeds 2"),
            "2 seeds from 9223372036854775807 on go beyond",
        ),
        (
            &format!("{pole} --seed 18446744073709551615"),
            "`seed` (command line): expected a whole number from 0 to",
        ),
        (
            "train dqn --env CartPole-v1 --steps -5 --out new",
            "`steps` (command line): expected a whole number from 0 to 2^63 - 1, got integer `-5`",
        ),
        (&format!("{pole} --set tau=1e-60"), "`tau` (--set): must be above 0 (1e-30) and up to 1"),
        (
            &format!("{pole} --set eval_episodes=9223372036854775807"),
            "`eval_episodes` (--set): must be from 1 to 1000000",
        ),
        (
            &format!("{pole} --set net_arch=mlp:16384,16384,16384"),
            "`net_arch`: mlp:16384,16384,16384 has 537018370 parameters here; at most 100000000 are held",
        ),
        (
            "train dqn --env CartPole-v1 --steps 9 --set buffer_size=9 --out new/er",
            "`buffer_size`: must hold",
        ),
        (&format!("{cliff} --set alpha=1e308"), "`alpha` (--set): must be above 0 (1e-30) and up to 1"),
        (
            "distill --teacher dqn --student mpl:4 --env CartPole-v1 --out new",
            "`student` (command line): unknown family `mpl`",
        ),
        ("distill --teacher dqn --env CartPole-v1 --out new", "into which student? give --student SPEC"),
        (
            "distill --teacher dqn --student mlp:4 --data digits --out new",
            "--data digits: its format is not known",
        ),
        ("distill --teacher table --student mlp:4 --env CliffWalking-v1 --out new", "table learned a table"),
        (
            "distill --teacher digits --student mlp:4 --data digits --set split_seed=1 --out new",
            "`split_seed`: must be the teacher's, 0",
        ),
        (
            "distill --teacher nowhere --student mlp:4 --env CartPole-v1 --out new",
            "--teacher nowhere: there is no such run directory or file",
        ),
        (
            &format!("{distill} --temperature -1"),
            "`temperature` (command line): must be above 0 (1e-30 to 1e30), got -1",
        ),
        (
            &format!("{distill} --temperature 0"),
            "`temperature` (command line): must be above 0 (1e-30 to 1e30), got 0",
        ),
        (
            &format!("{distill} --divergence dist"),
            "`divergence` (command line): expected kl, reverse-kl, mse or nll, got `\"dist\"`",
        ),
        (
            "distill --teacher digits --student mlp:4 --data digits --divergence js --out new",
            "`divergence` (command line): expected kl, reverse-kl, symmetric-kl, logit-mse, logit-mse-centred, decoupled, dist or label-smoothing",
        ),
        (
            "distill --teacher digits --student mlp:4 --data digits --temperature linear:4:0:run --out new",
            "`temperature` (command line): must be above 0",
        ),
        (
            "distill --teacher digits --student mlp:4 --data digits --alpha 1/n --out new",
            "`alpha`: 1/n counts updates of one number",
        ),
        (&format!("{distill} --alpha 0.5"), "unknown key `alpha` (command line)"),
        ("eval empty", "empty is not a run directory: it has no config.toml"),
        ("eval unknown.toml", "unknown.toml is not a run directory: it is a file"),
        ("eval cut", "not a whole safetensors file"),
        ("eval hollow", "not a whole safetensors file"),
        (
            "eval mixed",
            "it maps 4 to 2, but CliffWalking-v1 has observations Discrete(48) and actions Discrete(4)",
        ),
        ("eval dqn --episodes 0", "--episodes 0: write a whole number from 1 to 1000000"),
        ("export dqn --to safetensor --out new", "unknown format `safetensor`; did you mean `safetensors`?"),
        ("export dqn --out new", "--out new: the name of the file ends in .safetensors or .onnx"),
        ("export dqn --to onnx --out new", "--out new: a file of the format onnx ends in .onnx"),
        ("export dqn --out taken.safetensors", "taken.safetensors exists; choose another --out or remove it"),
        ("export dqn --out nowhere/new.safetensors", "cannot write nowhere/new.safetensors"),
        ("export empty --out new.safetensors", "empty is not a run directory: it has no config.toml"),
        ("export cut --out new.safetensors", "not a whole safetensors file"),
        (
            "export seeds --out new.safetensors",
            "seeds is a folder of 2 seeds; name one, such as seeds/seed-0",
        ),
        ("eval dqn --threads 0", "write a whole number from 1 to 1024"),
        ("evil dqn", "`potstill` has no command `evil`; did you mean `eval`?"),
        ("zzz", "`potstill` has no command `zzz`; `potstill --help` lists what there is"),
        ("distill recrod", "`distill` has no command `recrod`; did you mean `record`?"),
        (
            "distill --student mlp:4 --student mlp:8",
            "--student is given twice; give it once, and several values as a list, --student A,B",
        ),
        ("distill --out a --out b", "--out is given twice; give it once"),
        ("distill --budget 16", "--budget 16: write bytes, as in 16KiB, or a time for a row, as in 20us"),
        ("distill --seeds 0", "--seeds 0: write a whole number from 1 to 100000"),
        ("distill --teacher", "--teacher needs a value; `potstill distill --help` lists what there is"),
        (
            "distill record --foo 1",
            "`distill record` has no --foo; `potstill distill record --help` lists what there is",
        ),
        ("distill record --treacher a", "`distill record` has no --treacher; did you mean --teacher?"),
        ("train dqn sarsa", "`train` takes no `sarsa`; `potstill train --help` lists what there is"),
        ("train dqn -x", "`train` takes no `-x`; `potstill train --help` lists what there is"),
        ("export", "`export` needs --out FILE and RUN; `potstill export --help` lists what there is"),
        ("completions fishy", "SHELL fishy: expected bash, zsh or fish; did you mean `fish`?"),
        ("env shwo", "`env` has no command `shwo`; did you mean `show`?"),
        ("distill --teacher a.csv record", "--teacher stands before `record`; write its flags behind it"),
        ("--foo", "`potstill` has no --foo; `potstill --help` lists what there is"),
        (
            "predict",
            "`predict` needs --data SOURCE, --out FILE and RUN|FILE; `potstill predict --help` lists what \
             there is",
        ),
        ("compare a b --axis foo", "--axis foo: write steps or episodes"),
        ("compare a b --smooth 0", "--smooth 0: write a whole number from 1 to 4294967296"),
        ("distill --tui=yes", "unexpected value 'yes' for '--tui' found; no more were expected"),
    ] {
        // Completions are text for a shell.
        let json = if arguments.starts_with("completions") { "" } else { " --json" };
        let output = potstill(path, &format!("{arguments}{json}"));
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments}: {error}");
        assert!(output.stdout.is_empty(), "{arguments}");
        assert!(error.starts_with("error: ") && error.contains(expected), "{arguments}: {error}");
        assert!(!error.contains("panicked") && error.lines().count() == 1, "{arguments}: {error}");
        assert_eq!(entries(path), before, "{arguments}: something was left behind");
    }
    assert_eq!(fs::read_to_string(path.join("taken.safetensors")).unwrap(), "mine");
}

#[test]
fn what_a_run_learned_is_exported() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    for (run, command) in [
        ("table", "train q-learning --env CliffWalking-v1 --episodes 3"),
        ("judged", "train td-prediction --env CliffWalking-v1 --episodes 3"),
        ("network", "train classifier --data digits --set net_arch=mlp:4 --set epochs=1"),
        ("control", "train random-linear --env Pendulum-v1 --steps 200"),
    ] {
        let trained = json(path, &format!("{command} --out {run}"));
        let out = format!("{run}.safetensors");
        let told = json(path, &format!("export {run} --out {out}"));
        let expected = fs::read(path.join(run).join("model.safetensors")).unwrap();
        assert_eq!(fs::read(path.join(&out)).unwrap(), expected, "{run}");
        assert_eq!((&told["run"], &told["out"]), (&Value::from(run), &Value::from(out)));
        assert_eq!((&told["format"], &told["bytes"]), (&"safetensors".into(), &expected.len().into()));
        assert_eq!(told["parameters"], trained["parameters"]);
        let told = json(path, &format!("export {run} --to onnx --out {run}.onnx"));
        assert_eq!((&told["format"], &told["parameters"]), (&"onnx".into(), &trained["parameters"]));
    }
    // The digits of 8 x 8 points, and where the model is from.
    let read = ::potstill::onnx::Model::open(&path.join("network.onnx"), None).unwrap();
    assert_eq!((read.inputs(), read.classes()), (64, 10));
    assert!(read.metadata().contains(&("data".to_owned(), "digits".to_owned())), "{:?}", read.metadata());
    let told = potstill(path, "export table --to safetensors --out again.safetensors");
    assert!(told.status.success() && told.stderr.is_empty());
    assert_eq!(String::from_utf8(told.stdout).unwrap(), "again.safetensors\n");
    let help = String::from_utf8(potstill(path, "export --help").stdout).unwrap();
    // Its lines are wrapped.
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for exporter in EXPORTERS {
        assert!(help.contains(exporter.name()) && help.contains(exporter.summary()), "{help}");
    }
}

#[test]
fn the_dashboard_needs_a_terminal() {
    let dir = TempDir::new().unwrap();
    for command in [SHORT_DQN, "distill --teacher run --student mlp:4", "resume run"] {
        for (flags, expected) in [
            ("--tui", "error: --tui needs a terminal"),
            ("--tui --json", "--tui does not go with --json; leave one out"),
        ] {
            let output = potstill(dir.path(), &format!("{command} {flags}"));
            let error = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{command}: {error}");
            assert!(output.stdout.is_empty() && error.contains(expected), "{command}: {error}");
            assert_eq!(entries(dir.path()), [""; 0], "{command}");
        }
    }
}

fn entries(path: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn every_algorithm_and_environment_is_listed() {
    let dir = TempDir::new().unwrap();
    let envs = json(dir.path(), "envs");
    let of = |id: &str| envs["environments"].as_array().unwrap().iter().find(|env| env["id"] == id).unwrap();
    assert_eq!(of("CartPole-v1")["observation_space"]["high"][1], Value::Null);
    assert_eq!(of("CliffWalking-v1")["observation_space"]["n"], 48);
    let algos = json(dir.path(), "algos");
    let algorithms = algos["algorithms"].as_array().unwrap();
    assert_eq!(algorithms.len(), 52);
    let of = |name: &str| algorithms.iter().find(|algorithm| algorithm["name"] == name).unwrap();
    for (name, family, policy, data, model) in [
        ("q-learning", "tabular", "off-policy", "online or offline", "model-free"),
        ("sarsa", "tabular", "on-policy", "online", "model-free"),
        ("td-prediction", "prediction", "on-policy", "online or offline", "model-free"),
        ("dyna-q", "planning", "off-policy", "online or offline", "model-based"),
        ("dqn", "deep", "off-policy", "online or offline", "model-free"),
        ("cql", "offline", "off-policy", "offline", "model-free"),
    ] {
        let told =
            ["family", "policy", "data", "model"].map(|key| of(name)[key].as_str().unwrap().to_owned());
        assert_eq!(told, [family, policy, data, model], "{name}");
    }
    assert_eq!(of("value-iteration")["policy"], Value::Null);
    assert_eq!(of("dqn")["spaces"]["observations"], "box");
    assert!(of("tree-backup")["source"].as_str().unwrap().contains("Precup et al. 2000"));
    for (command, line) in [
        ("envs", "CliffWalking-v1           Discrete(48)"),
        (
            "algos",
            "  sarsa                      tabular, on-policy, online, model-free\n                             learn the values",
        ),
    ] {
        let text = String::from_utf8(potstill(dir.path(), command).stdout).unwrap();
        assert!(text.contains(line), "{text}");
        assert!(text.lines().all(|line| !line.ends_with(' ')));
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = Command::new(env!("CARGO_BIN_EXE_potstill")).arg("algos").stdout(writer).status().unwrap();
    assert!(status.success());
}

#[test]
fn the_help_of_distill_has_its_settings() {
    let dir = TempDir::new().unwrap();
    let help = String::from_utf8(potstill(dir.path(), "distill --help").stdout).unwrap();
    for part in
        ["Settings of a policy's student", "Settings of a student on data", "--temperature", "--unlabelled"]
    {
        assert!(help.contains(part), "no {part}:\n{help}");
    }
}
