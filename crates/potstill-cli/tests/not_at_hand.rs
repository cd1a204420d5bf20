//! Tests of learning from the episodes of an environment that this program does not have.

mod common;

use common::{json, potstill, refused, result};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const SMALL: &str = "--steps 60 --set net_arch=mlp:8 --set batch_size=16";

/// Random episodes of CartPole, under the name of another environment.
fn robot() -> TempDir {
    let dir = TempDir::new().unwrap();
    let played = "play --env CartPole-v1 --episodes 40 --seed 1 --record pole.jsonl";
    assert!(potstill(dir.path(), played).status.success());
    let text = fs::read_to_string(dir.path().join("pole.jsonl")).unwrap();
    fs::write(dir.path().join("robot.jsonl"), text.replace("CartPole-v1", "Robot-v0")).unwrap();
    dir
}

/// The lines that a command writes beside its result.
fn warnings(dir: &Path, arguments: &str) -> String {
    let output = potstill(dir, &format!("{arguments} --json"));
    assert!(output.status.success(), "{arguments}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn episodes_of_an_unknown_environment_are_enough_to_learn_from() {
    let dir = robot();
    let path = dir.path();
    let told = warnings(path, &format!("train cql --data robot.jsonl {SMALL} --out one"));
    assert_eq!(
        told,
        "warning: --data robot.jsonl: environment Robot-v0 is not at hand: no returns are measured; estimate them \
         with potstill evaluate-offline, or give --env ID\n"
    );
    // The same network as with the environment, which only measures.
    json(path, &format!("train cql --data pole.jsonl {SMALL} --set eval_freq=0 --out known"));
    let model = |run: &str| fs::read(path.join(run).join("model.safetensors")).unwrap();
    assert!(model("one") == model("known"));
    // The value of the start is that of recorded starts.
    let both = result(path, &format!("train cql --data robot.jsonl {SMALL} --seeds 2 --out both"));
    assert!(both["start_value"]["mean"].is_number() && both["mean_return"].is_null(), "{both}");
    let config = fs::read_to_string(path.join("one/config.toml")).unwrap();
    assert!(config.contains("recorded:Robot-v0:observations="), "{config}");
    assert!(config.contains("actions=Discrete(2)"), "{config}");

    // Where there is an environment after all, it measures and goes on.
    let found = json(path, "eval one --env CartPole-v1 --episodes 5");
    assert_eq!((&found["env"], &found["episodes"]), (&Value::from("CartPole-v1"), &Value::from(5)));
    assert_eq!(json(path, "eval both --env CartPole-v1 --episodes 5")["runs"].as_array().unwrap().len(), 2);
    let online = "train dqn --from one --env CartPole-v1 --preset none --steps 60 --set net_arch=mlp:8";
    result(path, &format!("{online} --set eval_freq=0 --out online"));

    // And where there is none, its value is estimated, a number for each seed.
    let estimate = "evaluate-offline both --data robot.jsonl --updates 50 --threads 2";
    let found = json(path, estimate);
    assert_eq!((&found["seeds"], found["runs"].as_array().unwrap().len()), (&Value::from(2), 2));
    for run in found["runs"].as_array().unwrap() {
        assert_eq!(run["estimators"].as_array().unwrap().len(), 7, "{run}");
        assert_eq!(run["behaviour"], found["behaviour"]);
    }
    let refused_by_gate = potstill(path, &format!("{estimate} --accept-if lower_bound>behaviour"));
    let words = String::from_utf8(refused_by_gate.stdout).unwrap();
    assert_eq!(refused_by_gate.status.code(), Some(1), "{words}");
    assert!(words.contains("Refused: lower_bound > behaviour (it holds for 0 of 2 seeds)."), "{words}");

    result(path, "resume one --steps 80");
    result(path, "export one --out one.onnx");
    let no_env = "recorded:Robot-v0: only recorded transitions are at hand, and no environment to act in; train, distill and eval take one";
    for arguments in [
        "eval one",
        "play one",
        "evaluate-offline one --data robot.jsonl --updates 20 --compare-with-truth 5",
        "distill --teacher one --student mlp:4 --out no",
        "train dqn --env recorded:Robot-v0:observations=Box(0:1),actions=Discrete(2) --steps 9 --out no",
        &format!("train cql --data robot.jsonl {SMALL} --set eval_freq=10 --out no"),
    ] {
        refused(path, arguments, no_env);
    }
    refused(path, "eval one --env Acrobot-v1", "it maps 4 to 2, but Acrobot-v1 has");
    refused(path, "evaluate-offline one --data random:50", "no environment to act in");
}

#[test]
fn actions_without_bounds_have_those_that_were_recorded() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    assert!(
        potstill(path, "play --env Pendulum-v1 --episodes 12 --seed 3 --record swing.npz").status.success()
    );
    let told = warnings(path, &format!("train td3-bc --data swing.npz {SMALL} --out swing"));
    assert!(told.contains("names no environment: no returns are measured"), "{told}");
    assert!(told.contains("bounds of actions are not known: the recorded extremes are taken"), "{told}");
    let config = fs::read_to_string(path.join("swing/config.toml")).unwrap();
    assert!(config.contains("recorded:unknown:observations=Box(-inf:inf*3),actions=Box(-1.99"), "{config}");
    // The policy stays within the bounds of the environment.
    assert!(json(path, "eval swing --env Pendulum-v1 --episodes 2")["mean_return"].is_number());
    let found = json(path, "evaluate-offline swing --data swing.npz --updates 50");
    assert!(found["estimators"][0]["value"].is_number(), "{found}");
    // With the environment, the bounds are its own, in the estimate too.
    result(path, &format!("train td3-bc --env Pendulum-v1 --data swing.npz {SMALL} --out known"));
    let found = json(path, "evaluate-offline known --data swing.npz --updates 50");
    assert!(found["estimators"][0]["value"].is_number(), "{found}");
}

#[test]
fn networks_learn_from_numbered_observations_as_vectors() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    json(path, "play --env FrozenLake-v1 --episodes 60 --seed 1 --record lake.jsonl");
    let advice = "give one number to each (--env FrozenLake-v1:one_hot=true)";
    refused(path, &format!("train cql --data lake.jsonl {SMALL} --out no"), advice);
    let env = "--env FrozenLake-v1:one_hot=true";
    let run = json(path, &format!("train cql {env} --data lake.jsonl {SMALL} --out lake"));
    assert!(run["mean_return"].is_number(), "{run}");
    let found = json(path, "evaluate-offline lake --data lake.jsonl --updates 20");
    assert_eq!(found["estimators"].as_array().unwrap().len(), 7, "{found}");
    // Arrays do not say how many states there are: as many as the environment has.
    json(path, "data convert lake.jsonl --out lake.npz");
    result(path, &format!("train cql {env} --data lake.npz {SMALL} --out arrays"));
    let model = |run: &str| fs::read(path.join(run).join("model.safetensors")).unwrap();
    assert!(model("arrays") == model("lake"));
    refused(
        path,
        &format!("train cql --env Taxi-v4:one_hot=true --data lake.jsonl {SMALL} --out no"),
        "it was recorded in FrozenLake-v1",
    );
}

#[test]
fn an_online_learner_goes_on_with_the_critics_of_an_offline_one() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let small = "--set net_arch=mlp:8 --set batch_size=16 --set eval_freq=0";
    let offline = format!("--env Pendulum-v1 --data random:300 --steps 60 {small}");
    for run in ["td3-bc", "iql", "cql"] {
        result(path, &format!("train {run} {offline} --set normalize_observations=false --out {run}"));
    }
    result(path, &format!("train td3-bc {offline} --set normalize_observations=true --out scaled"));
    let online = format!("--env Pendulum-v1 --preset none --steps 30 {small} --set learning_starts=10");
    let begins_anew = "critics, if there are any, begin anew";
    let check = |algorithm: &str, from: &str, set: &str, keeps: bool| {
        let told = warnings(
            path,
            &format!("train {algorithm} --from {from} {online} {set} --out {from}-{algorithm}{keeps}"),
        );
        assert_eq!(told.contains(begins_anew), !keeps, "{algorithm} from {from}: {told}");
    };
    check("td3", "td3-bc", "", true);
    check("sac", "iql", "", true);
    check("ddpg", "cql", "", true);
    // Critics of another form, of another discount, and of scaled observations.
    check("sac", "td3-bc", "--gamma 0.9", false);
    check("td3", "td3-bc", "--set critic_net_arch=mlp:9", false);
    check("td3", "scaled", "", false);
}

#[test]
fn a_student_learns_from_recorded_states_without_an_environment() {
    let dir = robot();
    let path = dir.path();
    json(path, &format!("train bc --data pole.jsonl {SMALL} --out teacher"));
    let brief = "--set gradient_steps=200 --set rounds=2";
    let of_states = format!("distill --teacher teacher --student mlp:4 --data pole.jsonl {brief}");
    let student = result(path, &format!("{of_states} --out student"));
    let steps = json(path, "data show pole.jsonl")["steps"].as_u64().unwrap();
    let states = student["transfer_states"].as_u64().unwrap();
    // Every tenth episode is held out.
    assert!(states < steps && states > steps * 8 / 10, "{states} of {steps}");
    assert!(student["mean_return"].is_number() && student["agreement"].as_f64().unwrap() > 0.5, "{student}");
    // The settings of collecting count for nothing.
    let told = warnings(path, &format!("{of_states} --set epsilon=0.2 --out noisy"));
    assert!(told.contains("`epsilon` has no effect with data"), "{told}");
    assert!(
        fs::read(path.join("student/model.safetensors")).unwrap()
            == fs::read(path.join("noisy/model.safetensors")).unwrap()
    );
    // Stopped and resumed, it is the same.
    let path_of = |run: &str| fs::read(path.join(run).join("model.safetensors")).unwrap();
    result(path, &format!("{of_states} --set checkpoint_freq=60 --out whole"));
    assert!(path_of("whole") == path_of("student"));

    result(path, &format!("train cql --data robot.jsonl {SMALL} --out offline"));
    let distill = "distill --teacher offline --student mlp:4";
    let student = result(path, &format!("{distill} --data robot.jsonl {brief} --out small"));
    assert!(student["mean_return"].is_null() && student["agreement"].is_number(), "{student}");
    let shown = String::from_utf8(potstill(path, "show small").stdout).unwrap();
    assert!(shown.contains("the student learned from"), "{shown}");
    // In another environment of the same spaces.
    let student =
        result(path, &format!("{distill} --env CartPole-v1 {brief} --set transfer_states=100 --out played"));
    assert!(student["mean_return"].is_number());
    refused(
        path,
        &format!("{distill} --env Acrobot-v1 --out no"),
        "--env Acrobot-v1: the teacher does not fit",
    );
    refused(path, &format!("{distill} --data pole.npz --out no"), "--data pole.npz");
}
