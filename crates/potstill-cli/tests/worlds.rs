//! Tests of environments on the command line: listed, traced, checked, measured, shown.

mod common;

use common::{json, potstill};
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

fn lines(arguments: &str, dir: &TempDir) -> Vec<Value> {
    let output = potstill(dir.path(), arguments);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && words.is_empty(), "{arguments}: {words}");
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_trace_is_one_line_per_step() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("walk.json"), "[0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 0, 0]").unwrap();
    let walk = lines("env trace --env CliffWalking-v1 --seed 1 --actions walk.json --json", &dir);
    assert_eq!(walk.len(), 14, "the actions after the goal are not played");
    assert_eq!(walk[0], json!({ "observation": 36 }));
    let last = json!({
        "observation": 47, "reward": -1.0, "terminated": true, "truncated": false, "action": 2,
    });
    assert_eq!(walk[13], last);

    // Gymnasium 1.4.0: gymnasium.make("CartPole-v1").reset(seed=42), then step(1).
    fs::write(dir.path().join("push.json"), "[1]").unwrap();
    let pole = lines("env trace --env CartPole-v1 --seed 42 --actions push.json --json", &dir);
    let start = [0.02739560417830944, -0.006112155970185995, 0.03585979342460632, 0.019736802205443382];
    assert_eq!(pole[0]["observation"], json!(start));
    let next = [0.02727336250245571, 0.18847766518592834, 0.036254528909921646, -0.26141977310180664];
    assert_eq!(pole[1]["observation"], json!(next));

    // Boxes take numbers, and lists of one.
    fs::write(dir.path().join("swing.json"), "[0.5, [-2.0]]").unwrap();
    let swing = lines("env trace --env Pendulum-v1 --actions swing.json --json", &dir);
    assert_eq!((&swing[1]["action"], &swing[2]["action"]), (&json!(0.5), &json!(-2.0)));

    let cards =
        lines("env trace --env Blackjack-v1 --seed 3 --actions random:1 --set sab=false --json", &dir);
    assert_eq!(cards[0]["observation"].as_array().unwrap().len(), 3);
    let planes = lines("env trace --env Breakout --actions random:1 --json", &dir);
    assert_eq!(planes[0]["observation"].as_array().unwrap().len(), 400);

    let table = potstill(dir.path(), "env trace --env CliffWalking-v1 --actions walk.json");
    let text = String::from_utf8(table.stdout).unwrap();
    let last: Vec<&str> = text.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(last, ["13", "down", "47", "-1", "terminated"], "{text}");
}

#[test]
fn environments_are_listed_with_what_they_are() {
    let dir = TempDir::new().unwrap();
    let listed = json(dir.path(), "env list");
    assert_eq!(listed, json(dir.path(), "envs"));
    let environments = listed["environments"].as_array().unwrap();
    assert_eq!(environments.len(), 31);
    let of = |id: &str| environments.iter().find(|env| env["id"] == id).unwrap();
    let lake = of("FrozenLake-v1");
    assert_eq!((&lake["time_limit_steps"], &lake["reward_threshold"]), (&json!(100), &json!(0.7)));
    assert_eq!((&lake["stochastic"], &lake["model"]), (&json!(true), &json!(true)));
    assert_eq!(of("CliffWalking-v1")["stochastic"], false);
    assert_eq!(of("Pendulum-v1")["action_space"]["high"], json!([2.0]));
    let text = String::from_utf8(potstill(dir.path(), "env list").stdout).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 120 && !line.ends_with(' ')), "{text}");
}

#[test]
fn an_environment_is_explained() {
    let dir = TempDir::new().unwrap();
    let text = |arguments: &str| String::from_utf8(potstill(dir.path(), arguments).stdout).unwrap();
    let page = text("env show FrozenLake-v1");
    for words in [
        "time limit    100 steps\nsolved at     a mean return of 0.7\nrandom        yes\nexact model   yes\n",
        "\nRewards\n  1 for reaching the goal, 0 otherwise",
        "\nEpisode end\n  Terminates at the goal and in a hole.",
        "reward_schedule  rewards of goal, hole and other squares: three numbers\n                   \
         (default 1:0:0; for example reward_schedule=10:-5:-0.1)\n",
        "\nSource\n  Gymnasium 1.4",
        "max_episode_steps  steps after which",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    // The names of the numbers of an action, and the keys of `play --keys`.
    for (id, words) in [
        ("LunarLanderContinuous-v3", "Box(2): main engine -1 to 1, side engines -1 to 1\n"),
        ("BipedalWalker-v3", "\nkeys          sw hip 1, de knee 1, fr hip 2, gt knee 2\n"),
        (
            "LunarLanderContinuous-v3",
            "\nkeys          \u{2193}\u{2191} main engine, \u{2190}\u{2192} side engines\n",
        ),
        ("LunarLander-v3", "\nkeys          0 none, \u{2190} left, \u{2191} up, \u{2192} right\n"),
    ] {
        let page = text(&format!("env show {id}"));
        assert!(page.contains(words), "{words}: {page}");
    }
    let walker = json(dir.path(), "env show BipedalWalker-v3");
    assert_eq!(walker["controls"], json!(["hip 1", "knee 1", "hip 2", "knee 2"]));
    for same in ["env list FrozenLake-v1", "envs FrozenLake-v1"] {
        assert_eq!(text(same), page);
    }
    // Options of the id count, and defaults are those of the id.
    let shown = json(dir.path(), "env show FrozenLake8x8-v1:max_episode_steps=9,is_slippery=false");
    assert_eq!((&shown["time_limit_steps"], &shown["stochastic"]), (&json!(9), &json!(false)));
    let named = json!({ "name": "map_name", "help": "4x4 or 8x8", "default": "8x8", "example": "4x4" });
    assert!(shown["options"].as_array().unwrap().contains(&named), "{shown}");
    assert_eq!(shown["general_options"].as_array().unwrap().len(), 7);
    assert_eq!(shown["documentation"]["episode_end"].as_array().unwrap().len(), 1);
    assert!(text("env show Gridworld-v0").contains("\n  wind_columns = 0:0:1:1:0:0\n"));
    for listed in json(dir.path(), "env list")["environments"].as_array().unwrap() {
        let page = text(&format!("env show {}", listed["id"].as_str().unwrap()));
        assert!(page.lines().all(|line| line.chars().count() <= 120 && !line.ends_with(' ')), "{page}");
    }
}

#[test]
fn a_map_of_ones_own_is_planned_learned_and_drawn() {
    let dir = TempDir::new().unwrap();
    let map = "; The cliff with a shortcut that costs.\ngoal_reward = 0\n\n............\n.##.........\n............\nS5CCCCCCCCCG\n";
    fs::write(dir.path().join("maze.txt"), map).unwrap();
    let id = "Gridworld-v0:desc=@maze.txt";
    assert_eq!(json(dir.path(), &format!("env check --env {id}"))["passed"], true);
    let planned = json(dir.path(), &format!("train value-iteration --env {id} --set gamma=1 --out plan"));
    // Twelve steps of -1 and the last for nothing.
    assert_eq!(planned["start_value"], -12.0);
    json(dir.path(), &format!("train q-learning --env {id} --episodes 600 --out walk"));
    fs::remove_file(dir.path().join("maze.txt")).unwrap();
    assert_eq!(json(dir.path(), "eval walk --episodes 2")["mean_return"], -12.0);
    let shown = json(dir.path(), "show plan");
    let squares = shown["maps"][0]["squares"].as_array().unwrap();
    assert_eq!(
        (squares.len(), &squares[13]["wall"], &squares[47]["letter"]),
        (48, &json!(true), &json!("G"))
    );
    assert_eq!(squares[36]["action"], "↑");
    assert_eq!(json(dir.path(), "play walk --episodes 1 --svg last.svg")["episodes"][0]["steps"], 13);
    let (report, line) = (fs::read_to_string(dir.path().join("walk/report.html")).unwrap(), "greedy action");
    assert!(report.contains(line), "no map in the report");
    // The title and the list of runs do not hold the map.
    assert!(report.contains("<h1>q-learning on Gridworld-v0:desc=goal_reward"), "{report}");
    let listed = String::from_utf8(potstill(dir.path(), "runs .").stdout).unwrap();
    assert!(listed.lines().all(|line| line.chars().count() < 160), "{listed}");
}

#[test]
fn an_environment_is_checked() {
    let dir = TempDir::new().unwrap();
    let checked = json(dir.path(), "env check --env FrozenLake-v1 --set is_slippery=false");
    assert_eq!(
        (&checked["passed"], &checked["env"]),
        (&json!(true), &json!("FrozenLake-v1:is_slippery=false"))
    );
    assert_eq!(checked["rules"].as_array().unwrap().len(), 14);
}

#[test]
fn the_pace_is_measured() {
    let dir = TempDir::new().unwrap();
    for env in ["CartPole-v1", "Taxi-v4", "Seaquest", "Pendulum-v1"] {
        let result =
            json(dir.path(), &format!("bench env --env {env} --num-envs 33 --threads 2 --seconds 0.1"));
        assert!(result["steps_per_second"].as_f64().unwrap() > 0.0, "{result}");
        assert_eq!((&result["num_envs"], &result["threads"]), (&json!(33), &json!(2)));
    }
}

#[test]
fn an_episode_is_watched() {
    let dir = TempDir::new().unwrap();
    json(dir.path(), "train q-learning --env CliffWalking-v1 --episodes 500 --seed 1 --out walk");
    let played = json(dir.path(), "play walk --episodes 2 --svg last.svg");
    let episode = json!({ "return": -13.0, "steps": 13, "ending": "terminated" });
    assert_eq!(played["episodes"], json!([episode, episode]));
    assert!(fs::read_to_string(dir.path().join("last.svg")).unwrap().starts_with("<svg"));
    let text = String::from_utf8(potstill(dir.path(), "play walk").stdout).unwrap();
    // To a pipe: plain characters, a rendering per step, and the results.
    assert!(!text.contains('\u{1b}') && text.contains("SSxC") || text.contains("@@xC"), "{text}");
    assert!(text.trim_end().ends_with("episode 1  step 13  return -13  terminated"), "{text}");
    assert_eq!(text.matches("episode 1  step").count(), 15);
}

#[test]
fn a_map_from_a_file_is_kept_with_the_run() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("pond.txt"), "SF\nFG\n").unwrap();
    json(
        dir.path(),
        "train q-learning --env FrozenLake-v1:is_slippery=false,desc=@pond.txt --episodes 50 --out run",
    );
    let config = fs::read_to_string(dir.path().join("run/config.toml")).unwrap();
    assert!(config.contains("FrozenLake-v1:is_slippery=false,desc=SF/FG"), "{config}");
    fs::remove_file(dir.path().join("pond.txt")).unwrap();
    assert_eq!(json(dir.path(), "eval run --episodes 3")["mean_return"], 1.0);
    // Features of discrete states, for a network.
    json(
        dir.path(),
        "train dqn --env FrozenLake-v1:one_hot=true --steps 300 --set learning_starts=100 --set train_freq=10 --set net_arch=mlp:8 --set eval_episodes=2 --out net",
    );
    assert_eq!(json(dir.path(), "eval net --episodes 3")["env"], "FrozenLake-v1:one_hot=true");
}

#[test]
fn bad_input_gets_one_clear_line() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("object.json"), "{}").unwrap();
    fs::write(dir.path().join("words.json"), "[0, \"up\"]").unwrap();
    fs::write(dir.path().join("far.json"), "[0, 4]").unwrap();
    fs::write(dir.path().join("half.json"), "[0.5]").unwrap();
    fs::write(dir.path().join("broken.json"), "[0,").unwrap();
    fs::write(dir.path().join("pond.txt"), "SF\nFX\n").unwrap();
    for (arguments, expected) in [
        ("env trace --env CliffWalking-v2 --actions random:3", "did you mean `CliffWalking-v1`?"),
        ("env trace --env CliffWalking-v1 --actions random:x", "write random:N with N up to 10000000"),
        ("env trace --env CliffWalking-v1 --actions random:99999999", "write random:N"),
        ("env trace --env CliffWalking-v1 --actions none.json", "cannot read none.json"),
        ("env trace --env CliffWalking-v1 --actions object.json", "object.json: it holds no JSON list"),
        ("env trace --env CliffWalking-v1 --actions words.json", "element 1 is \"up\", not a number"),
        (
            "env trace --env CliffWalking-v1 --actions far.json",
            "action 4 is outside the action space Discrete(4)",
        ),
        ("env trace --env CliffWalking-v1 --actions half.json", "action 0.5 is outside the action space"),
        ("env trace --env CliffWalking-v1 --actions broken.json", "it is no JSON"),
        ("env trace --env Pendulum-v1 --actions far.json", "action 4 is outside the action space Box(1)"),
        ("env trace --env Taxi-v4 --actions random:1 --set is_rainy=maybe", "write true or false"),
        ("env check --env FrozenLake-v1 --set desc=@pond.txt", "desc: row 2 column 2 is 'X'"),
        ("env check --env FrozenLake-v1 --set desc=@none.txt", "cannot read none.txt"),
        (
            "env check --env FrozenLake-v1 --set slippery=no",
            "there is no option `slippery`; there is is_slippery",
        ),
        ("bench env --env CartPole-v1 --seconds 0", "--seconds 0: write a number from 0.05 to 3600"),
        ("play --env CartPole-v1 --keys", "--keys needs a terminal"),
        ("play --env CartPole-v1 --fps 0", "--fps 0: write a number from 0.1 to 1000"),
        ("play --env CartPole-v1 --svg picture.png", "the file's name ends in .svg"),
        ("play --env CartPole-v1 --gif none/film.gif", "--gif none/film.gif: there is no folder none"),
        ("play --env Bandit --svg picture.svg", "--svg picture.svg: Bandit draws no pictures"),
        ("play nothing", "nothing is not a run directory"),
        (
            "train dqn --env Pendulum-v1 --steps 9 --out new",
            "`dqn` needs discrete actions; those of Pendulum-v1 are Box(1)",
        ),
        (
            "train sac --env CartPole-v1 --steps 9 --out new",
            "`sac` needs actions of a bounded box; those of CartPole-v1 are Discrete(2); train ppo, a2c or dqn",
        ),
        (
            "train td3 --env Pendulum-v1 --steps 9 --set batch_size=9 --set buffer_size=8 --out new",
            "`buffer_size`: must hold at least 9",
        ),
        (
            "train ddpg --env Pendulum-v1 --steps 9 --net-arch mlp:8:noisy --out new",
            "noise on weights and dueling are",
        ),
        (
            "train crossq --env Pendulum-v1 --steps 9 --set critic_net_arch=mlp:8:tanh:layernorm --out new",
            "`critic_net_arch`: mlp:8:tanh:layernorm: crossq has no target networks, and needs critics with batch \
             renormalisation; write mlp:8:tanh:batchrenorm",
        ),
        (
            "train crossq --env Pendulum-v1 --steps 9 --net-arch mlp:8:batchnorm --out new",
            "`net_arch`: mlp:8:batchnorm: batch normalisation is for networks that learn from --data",
        ),
        (
            "train crossq --env Pendulum-v1 --steps 9 --set batch_size=1 --out new",
            "`batch_size`: mlp:256,256:batchrenorm is normalised by batches, which needs at least 2 transitions, got 1",
        ),
        (
            "train crossq --env Pendulum-v1 --steps 9 --net-arch mlp:8:noisy:batchrenorm --out new",
            "noise on weights and dueling are",
        ),
        (
            "train crossq --env Pendulum-v1 --steps 9 --set critic_net_arch=cnn:4x3,8:batchrenorm --out new",
            "batchrenorm is of dense layers: it cannot be beside convolutions",
        ),
        (
            "train crossq --env Pendulum-v1 --steps 9 --net-arch mlp:8:batchrenorm=-1 --out new",
            "`batchrenorm=-1` is no whole number of batches from 0 to 1000000000",
        ),
        (
            "train crossq --env CartPole-v1 --steps 9 --out new",
            "`crossq` needs actions of a bounded box; those of CartPole-v1 are Discrete(2)",
        ),
        (
            "train sac --env Pendulum-v1 --steps 9 --net-arch mlp:8:batchrenorm --out new",
            "`net_arch`: mlp:8:batchrenorm: batch normalisation is for networks that learn from --data; layernorm is for \
             agents, and batchrenorm for crossq",
        ),
        (
            "train q-learning --env CartPole-v1 --steps 9 --out new",
            "`q-learning` needs discrete observations",
        ),
    ] {
        let output = potstill(dir.path(), arguments);
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {words}");
        assert!(words.contains(expected) && words.lines().count() == 1, "{arguments}: {words}");
        assert!(output.stdout.is_empty(), "{arguments}");
    }
    assert!(!dir.path().join("new").exists());
}
