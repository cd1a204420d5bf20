//! Tests of regressions on one's own data, and of their distillation.

mod common;

use common::{potstill, result};
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

/// Houses whose price is `100 + 3 size + 20` if they have a garden, to the whole number.
fn houses(rows: usize) -> String {
    let row = |i: usize| {
        let (size, garden) = (30 + i * 37 % 101, i.is_multiple_of(3));
        let price = 100 + 3 * size + if garden { 20 } else { 0 };
        format!("h{i},{size},{},{price}\n", if garden { "yes" } else { "no" })
    };
    format!("name,size,garden,price\n{}", (0..rows).map(row).collect::<String>())
}

#[test]
fn a_table_of_numbers_is_learned_distilled_and_predicted() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    fs::write(path.join("houses.csv"), houses(300)).unwrap();
    let on = "--data houses.csv:target=price,id=name --epochs 60 --learning-rate 0.01 --seed 1";
    let teacher = result(path, &format!("train regression {on} --net-arch mlp:32 --out teacher"));
    assert_eq!((&teacher["train_samples"], &teacher["test_samples"]), (&json!(200), &json!(100)));
    // The prices have a standard deviation of 88.
    assert!(teacher["test_rmse"].as_f64().unwrap() < 5.0, "{}", teacher["test_rmse"]);
    assert!((teacher["mean_rmse"].as_f64().unwrap() - 88.0).abs() < 10.0, "{}", teacher["mean_rmse"]);
    assert!(teacher["r_squared"].as_f64().unwrap() > 0.99);
    assert_eq!(result(path, "eval teacher")["test_rmse"], teacher["test_rmse"]);

    let student = result(path, &format!("distill --teacher teacher --student mlp:8 {on} --out student"));
    assert_eq!(student["teacher_test_rmse"], teacher["test_rmse"]);
    assert!(student["test_rmse"].as_f64().unwrap() < 20.0, "{}", student["test_rmse"]);
    // Beside it learns what a regression on the numbers alone does.
    let alone = result(path, &format!("train regression {on} --net-arch mlp:8 --out alone"));
    assert_eq!(student["labels_test_rmse"], alone["test_rmse"]);
    let few = on.replace("--epochs 60", "--epochs 5");
    let seeds =
        result(path, &format!("distill --teacher teacher --student mlp:8 {few} --seeds 3 --out seeds"));
    assert!(seeds["distilled_minus_labels"]["test_rmse"]["mean_ci95"].is_array(), "{seeds}");
    let words = String::from_utf8(potstill(path, "show seeds").stdout).unwrap();
    assert!(words.contains("with the teacher, ") && words.contains("the teacher has "), "{words}");

    // From the predictions of the teacher, in a file.
    let predicted = result(path, "predict teacher --data houses.csv:id=name --out values.csv");
    assert!(predicted["rmse"].as_f64().unwrap() < 5.0, "{predicted}");
    let again =
        result(path, &format!("distill --teacher values.csv:id=name --student mlp:8 {on} --out again"));
    let (a, b) = (student["test_rmse"].as_f64().unwrap(), again["test_rmse"].as_f64().unwrap());
    assert!((a - b).abs() < 0.5, "{a} {b}");
    // Several have a mean.
    let both = format!("distill --teacher teacher,values.csv:id=name --student mlp:8 {on} --out both");
    assert!(result(path, &both)["test_rmse"].as_f64().unwrap() < 20.0);
}

#[test]
fn a_tree_learns_numbers() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    fs::write(path.join("houses.csv"), houses(300)).unwrap();
    let on = "--data houses.csv:target=price,id=name --seed 1";
    let tree = result(path, &format!("train regression {on} --net-arch tree:7 --out tree"));
    assert!(tree["test_rmse"].as_f64().unwrap() < 12.0, "{tree}");
    // Seeds grow the same tree, of which there is no interval.
    let seeds = result(path, &format!("train regression {on} --net-arch tree:7 --seeds 3 --out trees"));
    assert_eq!((&seeds["same_model"], &seeds["test_rmse"]["mean_ci95"]), (&json!(true), &Value::Null));
    assert_eq!(seeds["test_rmse"]["mean"], tree["test_rmse"]);
    assert_eq!(result(path, "eval tree")["test_rmse"], tree["test_rmse"]);
    let shown = String::from_utf8(potstill(path, "show tree").stdout).unwrap();
    assert!(shown.contains("size <= "), "{shown}");
    // Of numbers alone, since columns of words are inputs of their own.
    result(
        path,
        &format!(
            "train regression {},drop=garden --seed 1 --net-arch tree:7 --out plain",
            "--data houses.csv:target=price,id=name"
        ),
    );
    result(path, "export plain --to onnx --out plain.onnx");
    let values = |of: &str, out: &str| -> Vec<f64> {
        result(
            path,
            &format!("predict {of} --data houses.csv:id=name,drop=[\"price\",\"garden\"] --out {out}"),
        );
        let text = fs::read_to_string(path.join(out)).unwrap();
        text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse().unwrap()).collect()
    };
    let (own, other) = (values("plain", "own.csv"), values("plain.onnx", "other.csv"));
    assert!(
        own.len() == 300 && own.iter().zip(&other).all(|(a, b)| (a - b).abs() < 1e-3),
        "{own:?} {other:?}"
    );
    let student = result(path, &format!("distill --teacher tree {on} --student tree:3 --out small"));
    assert_eq!(student["teacher_test_rmse"], tree["test_rmse"]);
    assert_eq!((&student["depth"], &student["leaves"]), (&json!(3), &json!(8)));
}

#[test]
fn a_students_run_resumes_bit_for_bit() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    fs::write(path.join("houses.csv"), houses(120)).unwrap();
    let on = "--data houses.csv:target=price,drop=name --learning-rate 0.01 --seed 1";
    result(path, &format!("train regression {on} --net-arch mlp:16 --epochs 10 --out teacher"));
    let student = format!("distill --teacher teacher --student mlp:4 {on} --checkpoint-freq 5");
    let whole = result(path, &format!("{student} --epochs 12 --out whole"));
    // The folder of a run that was killed: without its results, and with an early checkpoint alone.
    result(path, &format!("{student} --epochs 12 --checkpoints-kept 100 --out killed"));
    for file in ["model.safetensors", "summary.json", "report.html"] {
        let _ = fs::remove_file(path.join("killed").join(file));
    }
    let checkpoints = path.join("killed/checkpoints");
    for entry in fs::read_dir(&checkpoints).unwrap() {
        let entry = entry.unwrap().path();
        if !entry.ends_with("step-10") {
            fs::remove_dir_all(entry).unwrap();
        }
    }
    let resumed = result(path, "resume killed --fallback");
    assert_eq!(resumed["test_rmse"], whole["test_rmse"]);
    let model = |run: &str| fs::read(path.join(run).join("model.safetensors")).unwrap();
    assert!(model("whole") == model("killed"));
}

#[test]
fn uncertain_values_count_less() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    fs::write(path.join("houses.csv"), houses(200)).unwrap();
    // A teacher that is right of gardens, and far off and unsure of the rest.
    let rows: String = (0..200)
        .map(|i| {
            let price = 100.0 + 3.0 * f64::from(30 + i * 37 % 101) + if i % 3 == 0 { 20.0 } else { 0.0 };
            if i % 3 == 0 { format!("h{i},{price},0\n") } else { format!("h{i},{},500\n", price + 300.0) }
        })
        .collect();
    fs::write(path.join("sure.csv"), format!("name,prediction,deviation\n{rows}")).unwrap();
    let blind: String = rows.lines().map(|row| format!("{}\n", row.rsplit_once(',').unwrap().0)).collect();
    fs::write(path.join("blind.csv"), format!("name,prediction\n{blind}")).unwrap();
    let student = |teacher: &str| {
        let command = format!(
            "distill --teacher {teacher}.csv:id=name --student mlp:8 --data houses.csv:target=price,id=name --epochs 100 \
             --learning-rate 0.01 --alpha 0.5 --seed 1 --out {teacher}"
        );
        result(path, &command)["test_rmse"].as_f64().unwrap()
    };
    let (sure, blind) = (student("sure"), student("blind"));
    assert!(sure < 20.0 && blind > 60.0, "{sure} {blind}");
}

#[test]
fn classes_and_numbers_are_told_apart() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    fs::write(path.join("houses.csv"), houses(60)).unwrap();
    let check = |arguments: &str, expected: &str| {
        let output = potstill(path, arguments);
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), line.trim_end()), (Some(2), expected), "{arguments}");
    };
    check(
        "train classifier --data houses.csv:target=price,drop=name --out no",
        "error: --data houses.csv:target=price,drop=name: target=price is for a regression: potstill train regression; for \
         classes write label=price",
    );
    check(
        "train regression --data houses.csv:label=garden,drop=name --out no",
        "error: --data houses.csv:label=garden,drop=name: label=garden is for a classifier: potstill train classifier; for \
         numbers write target=garden",
    );
    check(
        "train regression --data houses.csv:target=garden,drop=name --out no",
        "error: --data houses.csv:target=garden,drop=name: column `garden` has 2 different words; a regression learns numbers",
    );
    result(
        path,
        "train regression --data houses.csv:target=price,drop=name --net-arch mlp:4 --epochs 1 --out teacher",
    );
    check(
        "distill --teacher teacher --student mlp:4 --data houses.csv:label=garden,drop=name --out no",
        "error: --data houses.csv:label=garden,drop=name: the teacher has learned the column `price`, not `garden`",
    );
    fs::write(path.join("short.csv"), "prediction\n1\n").unwrap();
    check(
        "distill --teacher short.csv --student mlp:4 --data houses.csv:target=price,drop=name --out no",
        "error: --teacher short.csv: it has 1 row, the data 60; name the rows of both with id=NAME to join them",
    );
    fs::write(path.join("below.csv"), "prediction,deviation\n1,-1\n").unwrap();
    check(
        "distill --teacher below.csv --student mlp:4 --data houses.csv:target=price,drop=name --out no",
        "error: --teacher below.csv: row 1, column `deviation`: -1 is below 0",
    );
}
