//! Tests of `potstill evaluate-offline`.

mod common;

use common::{json, potstill, refused, result};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// The optimal policy of the lake, and episodes of it with random actions now and then.
fn lake() -> TempDir {
    let dir = TempDir::new().unwrap();
    json(dir.path(), "train value-iteration --env FrozenLake-v1 --gamma 0.99 --out best");
    let played = potstill(dir.path(), "play best --episodes 400 --epsilon 0.3 --seed 1 --record lake.jsonl");
    assert!(played.status.success(), "{}", String::from_utf8_lossy(&played.stderr));
    dir
}

fn code(dir: &Path, arguments: &str) -> Option<i32> {
    potstill(dir, arguments).status.code()
}

#[test]
fn a_policy_is_worth_what_it_turns_out_to_be_worth() {
    let dir = lake();
    let path = dir.path();
    let evaluate = "evaluate-offline best --data lake.jsonl --epsilon 0.2 --seed 3";
    let result = json(path, &format!("{evaluate} --compare-with-truth 2000"));
    let (headline, truth) = (&result["headline"], &result["truth"]["value"]);
    let number = |value: &Value| value.as_f64().unwrap();
    assert_eq!((&result["verdict"], &result["gamma"]), (&Value::from("agreed"), &Value::from(0.99)));
    assert!(
        number(&headline["low"]) < number(truth) && number(truth) < number(&headline["high"]),
        "{result}"
    );
    assert!(number(&result["behaviour"]["value"]) < number(&headline["low"]), "{result}");
    for one in result["estimators"].as_array().unwrap() {
        let (low, high) = (number(&one["low"]), number(&one["high"]));
        assert!(low < number(truth) && number(truth) < high, "{one}");
    }
    // The behaviour is what it was: its probabilities are known, and estimates agree.
    let known = json(path, &format!("{evaluate} --behaviour best --behaviour-epsilon 0.3"));
    assert_eq!(known["behaviour_probabilities"], "the policy that was named");
    assert!((number(&known["headline"]["value"]) - number(&headline["value"])).abs() < 0.05, "{known}");
    // The same on any number of threads.
    assert_eq!(
        json(path, &format!("{evaluate} --threads 1")),
        json(path, &format!("{evaluate} --threads 3"))
    );
    // The gate.
    let gate = |condition: &str| code(path, &format!("{evaluate} --accept-if {condition}"));
    assert_eq!(gate("lower_bound>behaviour"), Some(0));
    assert_eq!(gate("lower_bound>0.9"), Some(1));
    assert_eq!(gate("lowest>behaviour"), Some(2));
}

#[test]
fn a_policy_that_the_data_never_support_is_no_number() {
    let dir = lake();
    let path = dir.path();
    // One episode alone.
    let text = fs::read_to_string(path.join("lake.jsonl")).unwrap();
    let few: String = text.lines().take(2).map(|line| format!("{line}\n")).collect();
    fs::write(path.join("one.jsonl"), few).unwrap();
    // Of a policy that is never right.
    json(path, "train q-learning --env FrozenLake-v1 --steps 1 --out lazy");
    let check = |arguments: &str, words: &str| {
        let arguments = format!("evaluate-offline {arguments}");
        let result = json(path, &arguments);
        assert_eq!(
            (&result["verdict"], &result["headline"]),
            (&Value::from("untrusted"), &Value::Null),
            "{result}"
        );
        let doubts =
            result["estimators"].as_array().unwrap().iter().map(|one| one["doubt"].as_str().unwrap());
        assert!(doubts.clone().any(|doubt| doubt.contains(words)), "{:?}", doubts.collect::<Vec<_>>());
        // Nothing is accepted, whatever is asked.
        assert_eq!(code(path, &format!("{arguments} --accept-if estimate<1e9")), Some(1));
    };
    check("best --data one.jsonl", "an effective sample size of ");
    check("best --data one.jsonl --epsilon 1", "below 10");
    check("best --data random:300", "of its episodes the policy takes an action where it was never recorded");
}

#[test]
fn networks_are_evaluated_by_what_applies_to_them() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let small = "--steps 50 --set net_arch=mlp:8 --set batch_size=16 --set eval_freq=0";
    json(path, &format!("train bc --env CartPole-v1 --data random:600 {small} --out pole"));
    let quick = "--updates 200 --threads 2";
    let found = json(path, &format!("evaluate-offline pole --data random:601 --epsilon 0.5 {quick}"));
    let names = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|one| one["estimator"].as_str().unwrap().to_owned()).collect()
    };
    let all = [
        "importance_sampling",
        "weighted_importance_sampling",
        "per_decision",
        "weighted_per_decision",
        "doubly_robust",
        "weighted_doubly_robust",
        "fitted_q_evaluation",
    ];
    assert_eq!(names(&found["estimators"]), all);
    assert_eq!(found["behaviour_probabilities"], "uniformly random actions");
    assert_eq!(found["cut_off_episodes"], 1);
    let doubt = found["estimators"][6]["doubt"].as_str().unwrap();
    assert_eq!(doubt, "200 updates are too few with this discount: 90 % of a value may be missing");
    // Values without a discount have no end.
    let undiscounted = json(path, &format!("evaluate-offline pole --data random:600 --gamma 1 {quick}"));
    assert_eq!(names(&undiscounted["estimators"]), all[..4]);
    assert_eq!(undiscounted["inapplicable"][0]["estimators"].as_array().unwrap().len(), 3);
    // A deterministic policy in a box has no ratios.
    // Nothing ends there, which is told.
    result(path, &format!("train td3-bc --env Pendulum-v1 --data random:600 {small} --out swing"));
    let found = json(path, &format!("evaluate-offline swing --data random:2200 --seed 1 {quick}"));
    assert_eq!(names(&found["estimators"]), ["fitted_q_evaluation"]);
    assert_eq!(found["effective_sample_size"], Value::Null);
    let threads = |threads: usize| {
        let arguments = format!("evaluate-offline pole --data random:300 --updates 100 --threads {threads}");
        json(path, &arguments)
    };
    assert_eq!(threads(1), threads(3));
}

#[test]
fn what_cannot_be_evaluated_is_refused_in_one_line() {
    let dir = lake();
    let path = dir.path();
    json(path, "train classifier --data digits --set net_arch=mlp:4 --set epochs=1 --out digits");
    json(path, "train value-iteration --env CliffWalking-v1 --gamma 0.99 --out cliff");
    let text = fs::read_to_string(path.join("lake.jsonl")).unwrap();
    let second = text.lines().nth(1).unwrap();
    let written = |name: &str, from: &str, to: &str| {
        let line = second.replacen(from, to, 1);
        assert_ne!(line, second, "{from}");
        fs::write(path.join(name), format!("{}\n{line}\n", text.lines().next().unwrap())).unwrap();
    };
    written("actions.jsonl", "\"actions\":[", "\"actions\":[9");
    written("rewards.jsonl", "\"rewards\":[0.0", "\"rewards\":[null");
    let head = text.lines().next().unwrap();
    fs::write(path.join("empty.jsonl"), format!("{head}\n")).unwrap();
    // The last step is cut off.
    fs::write(path.join("cut.jsonl"), format!("{head}\n{}\n", second.replace("\"terminated\"", "null")))
        .unwrap();
    let check = |arguments: &str, words: &str| refused(path, &format!("evaluate-offline {arguments}"), words);
    check("cliff --data lake.jsonl", "--data lake.jsonl: it was recorded in FrozenLake-v1");
    check("best --data actions.jsonl", "its action 9");
    check("best --data rewards.jsonl", "`rewards` holds null, which is no number");
    check("best --data empty.jsonl", "--data empty.jsonl: it holds no episode");
    check("best --data cut.jsonl", "every episode was cut off by the recording, so that no return is known");
    check("best --data random:few", "--data random:few: write random:STEPS or random:STEPS:SEED");
    check("best --data digits", "--data digits: its format is not known");
    check("digits --data lake.jsonl", "digits learned no policy, but a classifier");
    check("best --data lake.jsonl --gamma 1.5", "--gamma 1.5: write a number from 0 to 1");
    check("best --data lake.jsonl --epsilon 2", "write a number from 0 to 1");
    check("best --data lake.jsonl --temperature 0", "write a number above 0");
    check(
        "best --data lake.jsonl --behaviour cliff",
        "--behaviour cliff: it is of CliffWalking-v1, not of FrozenLake-v1",
    );
    check(
        "best --data lake.jsonl --behaviour best",
        "the policy that is said to have recorded it never takes its action there",
    );
    check("best --data lake.jsonl --accept-if estimate", "write NAME > NAME or NAME > NUMBER (or >=, <, <=)");
}
