//! Tests of teachers that are no single run: ONNX files of other programs, and several teachers at once.

#[allow(dead_code, reason = "other tests need the rest of it")]
mod common;

use common::potstill;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Runs a command with `--json`; it must succeed.
fn result(dir: &Path, arguments: &str) -> Value {
    let output = potstill(dir, &format!("{arguments} --json"));
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Flowers about the means of Fisher's three species, an equal number of each.
fn flowers(rows: usize, names: [&str; 3]) -> String {
    let means = [[5.0, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.6, 2.0]];
    let row = |i: usize| {
        let by = (i * 7 % 13) as f64 / 20.0 - 0.3;
        let numbers = means[i % 3].iter().zip([1.0, 0.5, 0.6, 0.3]).map(|(mean, share)| mean + by * share);
        let numbers: Vec<String> = numbers.map(|x| format!("{x:.2}")).collect();
        format!("{},{}\n", numbers.join(","), names[i % 3])
    };
    format!("sl,sw,pl,pw,species\n{}", (0..rows).map(row).collect::<String>())
}

const SPECIES: [&str; 3] = ["setosa", "versicolor", "virginica"];

/// A folder with the flowers, and models of scikit-learn and others that have learned Fisher's.
fn folder() -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("flowers.csv"), flowers(120, SPECIES)).unwrap();
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/onnx");
    for name in ["sk-forest", "sk-boosting", "sk-mlp-two", "sk-regression", "xgboost", "pt-images"] {
        fs::copy(models.join(name).with_extension("onnx"), dir.path().join(format!("{name}.onnx"))).unwrap();
    }
    fs::copy(models.join("pt-images.onnx.data"), dir.path().join("pt-images.onnx.data")).unwrap();
    dir
}

#[test]
fn models_of_other_programs_teach() {
    let dir = folder();
    let check = |teacher: &str, least: f64| {
        let out = teacher.split(['.', ',']).next().unwrap();
        let summary = result(
            dir.path(),
            &format!(
                "distill --teacher {teacher} --student mlp:16 --data flowers.csv:label=species --epochs 80 --learning-rate \
                 0.01 --seed 1 --out {out}"
            ),
        );
        assert_eq!(summary["teacher_test_error"], json!(0.0), "{teacher}");
        assert!(summary["agreement"].as_f64().unwrap() >= least, "{teacher}: {}", summary["agreement"]);
        // Repeated from what the run keeps: the same student.
        let again = result(dir.path(), &format!("distill --config {out}/config.toml --out {out}-again"));
        assert_eq!(again["test_error"], summary["test_error"], "{teacher}");
        let models = [out.to_owned(), format!("{out}-again")]
            .map(|run| fs::read(dir.path().join(run).join("model.safetensors")).unwrap());
        assert!(models[0] == models[1], "{teacher}");
    };
    check("sk-forest.onnx", 0.9);
    check("xgboost.onnx", 0.9);
    check("sk-boosting.onnx,sk-forest.onnx --teacher-mean arithmetic --teacher-weights 2,1", 0.9);
}

#[test]
fn teachers_that_do_not_fit_are_refused_in_a_line() {
    let dir = folder();
    let check = |teacher: &str, expected: &str| {
        let before = fs::read_dir(dir.path()).unwrap().count();
        let output = potstill(
            dir.path(),
            &format!("distill --teacher {teacher} --student mlp:8 --data flowers.csv:label=species --out no"),
        );
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), line.trim_end()), (Some(2), expected), "{teacher}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), before, "{teacher}: something is left");
    };
    check(
        "sk-mlp-two.onnx",
        "error: --teacher sk-mlp-two.onnx: it has 2 outputs for 3 classes (setosa, versicolor, virginica)",
    );
    check(
        "sk-regression.onnx",
        "error: --teacher sk-regression.onnx: its outputs have no meaning that is known; say answers=logits or \
         answers=probabilities",
    );
    check(
        "pt-images.onnx",
        "error: --teacher pt-images.onnx: it takes 72 numbers a row, and the columns give 4 (sl, sw, pl, pw); leave columns \
         out with drop=NAME",
    );
    check(
        "sk-forest.onnx:inputs=skaled",
        "error: sk-forest.onnx:inputs=skaled: inputs=skaled: expected raw, scaled or bytes",
    );
    check(
        "sk-forest.onnx:clases=x",
        "error: sk-forest.onnx:clases=x: no option `clases`; did you mean `classes`?",
    );
    check(
        "sk-forest.onnx:classes=[\"a\",\"b\",\"c\"]",
        "error: --teacher sk-forest.onnx:classes=[\"a\",\"b\",\"c\"]: its classes are a, b, c, those of the data setosa, \
         versicolor, virginica; name them in the order of its outputs, classes=[\"setosa\",\"versicolor\",\"virginica\"]",
    );
    check(
        "sk-forest.onnx,xgboost.onnx --teacher-weights 1",
        "error: teacher_weights=1: expected 2 numbers above 0, one for each teacher, as in 2,1",
    );
    check(
        "sk-forest.onnx --jitter-pixels 1",
        "error: --teacher sk-forest.onnx: its answers are computed once, and none are of changed samples; leave \
         jitter_pixels, horizontal_flip and mixup out",
    );
}
