//! Residual networks, and hidden layers of a teacher, through the command.

mod common;

use common::{refused, result as json};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn model(dir: &Path, run: &str) -> Vec<u8> {
    fs::read(dir.join(run).join("model.safetensors")).unwrap()
}

/// Makes a run one that was killed: without its results, and with an early checkpoint alone.
fn kill(dir: &Path, run: &str, step: &str) {
    let folder = dir.join(run);
    for file in ["model.safetensors", "summary.json", "report.html"] {
        let _ = fs::remove_file(folder.join(file));
    }
    for entry in fs::read_dir(folder.join("checkpoints")).unwrap() {
        let entry = entry.unwrap().path();
        if !entry.ends_with(step) {
            fs::remove_dir_all(entry).unwrap();
        }
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

const DATA: &str = "--data digits --test-samples 1400 --seed 1";

#[test]
fn a_residual_network_is_trained_resumed_exported_and_taught() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let train = format!("train classifier {DATA} --net-arch resnet8 --epochs 3 --checkpoint-freq 10");
    let summary = json(path, &format!("{train} --out whole"));
    // 77,754 is 9 x 16 + 2 x 2304 + ... by hand in `potstill-nn/tests/residual.rs`, with ten classes.
    assert_eq!(summary["parameters"], 77_754);
    assert!(number(&summary["test_error"]) < 0.2, "{}", summary["test_error"]);
    assert_eq!(json(path, "eval whole")["test_error"], summary["test_error"]);
    json(path, &format!("{train} --checkpoints-kept 100 --threads 2 --out killed"));
    assert!(model(path, "whole") == model(path, "killed"), "with two threads");
    kill(path, "killed", "step-20");
    assert_eq!(json(path, "resume killed --fallback")["test_error"], summary["test_error"]);
    assert!(model(path, "whole") == model(path, "killed"), "after it was killed");

    json(path, "export whole --to onnx --out whole.onnx");
    let answers = ["whole", "whole.onnx"].map(|of| {
        json(path, &format!("predict {of} --data digits --out {of}.csv"));
        fs::read_to_string(path.join(format!("{of}.csv"))).unwrap()
    });
    for (own, folded) in answers[0].lines().zip(answers[1].lines()).skip(1) {
        for (a, b) in own.split(',').zip(folded.split(',')) {
            let (a, b): (f64, f64) = (a.parse().unwrap(), b.parse().unwrap());
            assert!((a - b).abs() <= 1e-5, "{own} and {folded}");
        }
    }
    // A student that goes on from its own past, and is its own teacher.
    let own =
        format!("distill --teacher self --teacher-tau 0.1 --student resnet8 {DATA} --epochs 1 --from whole");
    let own = json(path, &format!("{own} --control false --out own"));
    assert!(number(&own["teacher"]["test_error"]) < 0.2, "{own}");

    let table = "1,2,a\n2,3,b\n".repeat(10);
    fs::write(path.join("table.csv"), format!("x,y,label\n{table}")).unwrap();
    refused(
        path,
        "train classifier --data table.csv:label=label --net-arch resnet8 --out x",
        "resnet8: it learns images, and these are features; features have mlp",
    );
    refused(
        path,
        &format!("train classifier {DATA} --net-arch resnet9 --out x"),
        "`resnet9` is none of resnet8, resnet14, resnet20",
    );
    refused(
        path,
        &format!("train classifier {DATA} --net-arch cnn:res4s3,res4s3,res4s3 --out x"),
        "`res4s3` does not fit into an image of 1 x 1 points",
    );
    refused(
        path,
        &format!("train classifier {DATA} --net-arch mlp:8:batchnorm --batch-size 36 --out x"),
        "36 leaves one of 397 samples for the last minibatch",
    );
    refused(
        path,
        "train dqn --env CartPole-v1 --steps 100 --net-arch mlp:8:batchnorm --out x",
        "batch normalisation is for networks that learn from --data",
    );
}

#[test]
fn hidden_layers_of_a_teacher_are_imitated() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let teacher = "cnn:8x3p1,res8,res12s2,gap,20:batchnorm";
    json(path, &format!("train classifier {DATA} --net-arch {teacher} --epochs 3 --out teacher"));
    let student = "cnn:4x3p1,res6s2,gap,10:batchnorm";
    let distill = format!("distill --student {student} {DATA} --control false");
    let of = format!("{distill} --teacher teacher --hint 2:2,9:8 --hint-weight linear:0.1:0:run");
    let of = format!("{of} --attention 4:3 --attention-weight 5 --checkpoint-freq 10 --epochs 3");
    let whole = json(path, &format!("{of} --out whole"));
    json(path, &format!("{of} --checkpoints-kept 100 --out killed"));
    kill(path, "killed", "step-20");
    assert_eq!(json(path, "resume killed --fallback")["test_error"], whole["test_error"]);
    assert!(model(path, "whole") == model(path, "killed"));
    let plain = json(path, &format!("{distill} --teacher teacher --epochs 3 --out plain"));
    let loss = |summary: &Value| number(&summary["student_distilled"]["nll"]);
    assert!(loss(&plain) != loss(&whole));
    assert!(model(path, "whole") != model(path, "plain"));
    let log = fs::read_to_string(path.join("whole/metrics.jsonl")).unwrap();
    let losses: Vec<f64> = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).unwrap()["train/hint_loss"].as_f64())
        .collect();
    assert!(losses.len() == 3 && losses.windows(2).all(|pair| pair[1] < pair[0]), "{losses:?}");

    let refused = |keys: &str, words: &str| refused(path, &format!("{distill} {keys} --out x"), words);
    let of_run = "--teacher teacher";
    let none = "has no hidden layer `9`; it has 2 (8 x 8 x 4), 3.relu (4 x 4 x 6), 3 (4 x 4 x 6), 8 (10)";
    refused(&format!("{of_run} --hint 2:9"), &format!("hint=2:9: the student {none}"));
    refused(
        &format!("{of_run} --attention 1:2"),
        "the teacher has no hidden layer `1`; it has 2 (8 x 8 x 8)",
    );
    refused(
        &format!("{of_run} --hint 2:3"),
        "layer `2` of the teacher has 8 x 8 points, `3` of the student 4 x 4",
    );
    refused(&format!("{of_run} --attention 9:8"), "layer `9` is no image, and has no map of attention");
    refused(&format!("{of_run} --hint 2"), "hint=2: `2` is no pair of layers TEACHER:STUDENT");
    refused(&format!("{of_run} --hint 2:2 --hint-weight 1/n"), "counts updates of one number");
    json(path, "distill record --teacher teacher --data digits --out answers.safetensors");
    refused(
        "--teacher answers.safetensors --hint 2:2",
        "recorded answers, several teachers, self, texts and other models",
    );
    refused("--teacher self --attention 2:2", "hint and attention compare hidden layers");
}
