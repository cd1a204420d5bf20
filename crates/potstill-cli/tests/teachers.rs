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
        assert_eq!(summary["teacher"]["test_error"], json!(0.0), "{teacher}");
        let agreement = &summary["student_distilled"]["agreement"];
        assert!(agreement.as_f64().unwrap() >= least, "{teacher}: {agreement}");
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
fn answers_are_recorded_once_and_are_to_these_data() {
    let dir = folder();
    let (path, on) =
        (dir.path(), "--data flowers.csv:label=species --epochs 40 --learning-rate 0.01 --seed 2");
    let direct = result(path, &format!("distill --teacher sk-forest.onnx --student mlp:8 {on} --out direct"));
    let record = "distill record --teacher sk-forest.onnx --data flowers.csv:label=species";
    for out in ["answers.csv", "answers.safetensors"] {
        let recorded = result(path, &format!("{record} --out {out}"));
        assert_eq!((&recorded["rows"], &recorded["classes"]), (&json!(120), &json!(3)));
        let run = out.replace('.', "-");
        let student = result(path, &format!("distill --teacher {out} --student mlp:8 {on} --out {run}"));
        assert_eq!(student["test_error"], direct["test_error"]);
        let model = |run: &str| fs::read(path.join(run).join("model.safetensors")).unwrap();
        assert!(model(&run) == model("direct"), "{out}: another student than that of the model itself");
    }
    fs::write(path.join("others.csv"), flowers(90, SPECIES)).unwrap();
    let refused = potstill(
        path,
        "distill --teacher answers.csv --student mlp:8 --data others.csv:label=species --out no",
    );
    assert_eq!(
        String::from_utf8_lossy(&refused.stderr).trim_end(),
        "error: --teacher answers.csv: it was recorded for other data; record it again, or name the rows of both with id=NAME"
    );
    // Half precision has eleven bits.
    result(path, &format!("{record} --half --out half.safetensors"));
    let shown = result(path, "data show half.safetensors");
    assert_eq!(shown["columns"][0]["name"], "logit(setosa)");
    result(path, &format!("distill --teacher half.safetensors --student mlp:8 {on} --out half"));
}

#[test]
fn out_of_fold_answers_are_those_of_networks_that_have_not_seen_the_rows() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    // Labels at random: a network that has seen a row knows its label, one that has not does not.
    let row = |i: usize| {
        let primes = [7919, 104_729, 1_299_709, 15_485_863, 179_424_673, 2_038_074_743];
        let numbers = primes.map(|prime: usize| (((i + 1) * prime) % 1009).to_string());
        format!("{},{}\n", numbers.join(","), ["a", "b"][(i * i / 3) % 2])
    };
    let rows: String = (0..60).map(row).collect();
    fs::write(path.join("noise.csv"), format!("u,v,w,x,y,z,kind\n{rows}")).unwrap();
    let train = "train classifier --data noise.csv:label=kind --net-arch mlp:128 --epochs 400 --learning-rate 0.01 \
                 --test-samples 10 --seed 3 --out run";
    assert!(result(path, train)["train_error"].as_f64().unwrap() < 0.05);
    result(path, "distill record --teacher run --out own.csv");
    result(path, "distill record --teacher run --folds 5 --out folds.csv");
    let logits = |file: &str| -> Vec<[f64; 2]> {
        let text = fs::read_to_string(path.join(file)).unwrap();
        let numbers = |line: &str| {
            let fields: Vec<&str> = line.split(',').collect();
            [fields[1].parse().unwrap(), fields[2].parse().unwrap()]
        };
        text.lines().skip(1).map(numbers).collect()
    };
    let right = |file: &str| {
        let rows = logits(file).into_iter().enumerate();
        rows.filter(|(i, [a, b])| (b > a) == ((i * i / 3) % 2 == 1)).count()
    };
    // 50 of 60 rows are learned; out of fold about half of them are guessed.
    assert!(right("own.csv") >= 50, "{}", right("own.csv"));
    assert!(right("folds.csv") <= 42, "{}", right("folds.csv"));
    // The rows that were held out have the run's own answers.
    let same = logits("own.csv").iter().zip(logits("folds.csv")).filter(|(a, b)| *a == b).count();
    assert_eq!(same, 10);
}

#[test]
fn an_onnx_file_predicts_what_its_run_does() {
    let dir = folder();
    let path = dir.path();
    let train =
        "train classifier --data flowers.csv:label=species --net-arch mlp:8 --epochs 20 --seed 1 --out run";
    result(path, train);
    result(path, "export run --to onnx --out run.onnx");
    // Columns in another order: the file knows their names.
    let flowers = fs::read_to_string(path.join("flowers.csv")).unwrap();
    let turned: Vec<String> =
        flowers.lines().map(|line| line.rsplit(',').collect::<Vec<_>>().join(",")).collect();
    fs::write(path.join("turned.csv"), turned.join("\n")).unwrap();
    let predict = |model: &str, data: &str| {
        result(path, &format!("predict {model} --data {data}:label=species --out out.csv"))["test_error"]
            .clone()
    };
    let expected = predict("run", "flowers.csv");
    assert_eq!(predict("run.onnx", "flowers.csv"), expected);
    assert_eq!(predict("run.onnx", "turned.csv"), expected);
    // As a teacher, too.
    let teacher = |data: &str| {
        let out = data.replace('.', "-");
        let student = format!(
            "distill --teacher run.onnx --student mlp:4 --data {data}:label=species --epochs 5 --out {out}"
        );
        result(path, &student)["teacher"]["test_error"].clone()
    };
    assert_eq!(teacher("flowers.csv"), teacher("turned.csv"));
    // Another program numbers the classes.
    assert_eq!(predict("sk-forest.onnx", "flowers.csv"), json!(0.0));
    result(path, "predict sk-regression.onnx --data flowers.csv:label=species,drop=pw --out values.csv");
    let values = fs::read_to_string(path.join("values.csv")).unwrap();
    assert!(values.starts_with("row,prediction\n1,") && values.lines().count() == 121, "{values}");
}

#[test]
fn rows_without_labels_are_learned_from_the_teacher_alone() {
    let dir = folder();
    let path = dir.path();
    let text = flowers(400, SPECIES);
    let (head, rows) = text.split_once('\n').unwrap();
    let rows: Vec<&str> = rows.lines().collect();
    let named = |rows: &[&str], from: usize, label: bool| -> String {
        let row = |(i, row): (usize, &&str)| {
            let numbers = row.rsplit_once(',').unwrap().0;
            if label { format!("{},{row}\n", i + from) } else { format!("{},{numbers}\n", i + from) }
        };
        rows.iter().enumerate().map(row).collect()
    };
    // Twelve labels, a hundred rows to test on, and the rest without.
    fs::write(path.join("few.csv"), format!("id,{head}\n{}", named(&rows[..112], 0, true))).unwrap();
    let short = head.rsplit_once(',').unwrap().0;
    fs::write(path.join("rest.csv"), format!("id,{short}\n{}", named(&rows[112..], 112, false))).unwrap();
    fs::write(path.join("all.csv"), format!("id,{head}\n{}", named(&rows, 0, true))).unwrap();
    let on = "--data few.csv:id=id,label=species --test-samples 100 --unlabelled rest.csv:id=id --student mlp:8 \
              --epochs 60 --learning-rate 0.01 --seed 1";
    let student = result(path, &format!("distill --teacher sk-forest.onnx {on} --out live"));
    assert_eq!((&student["train_samples"], &student["unlabelled_samples"]), (&json!(12), &json!(288)));
    assert!(student["test_error"].as_f64().unwrap() < 0.1, "{}", student["test_error"]);
    // The same from answers by name.
    result(
        path,
        "distill record --teacher sk-forest.onnx --data all.csv:id=id,label=species --out answers.csv",
    );
    let again = result(path, &format!("distill --teacher answers.csv:id=id {on} --out recorded"));
    assert_eq!(again["test_error"], student["test_error"]);
    let model = |run: &str| fs::read(path.join(run).join("model.safetensors")).unwrap();
    assert!(model("live") == model("recorded"));
    // Test rows of another file are known by their names, too; a name of two rows tells nothing.
    fs::write(path.join("twelve.csv"), format!("id,{head}\n{}", named(&rows[..12], 0, true))).unwrap();
    fs::write(path.join("test.csv"), format!("id,{head}\n{}", named(&rows[12..112], 12, true))).unwrap();
    let apart = format!("distill --teacher answers.csv:id=id --test test.csv:id=id {on}")
        .replace("--test-samples 100 ", "");
    let of_twelve = apart.replace("few.csv", "twelve.csv");
    assert_eq!(result(path, &format!("{of_twelve} --out apart"))["teacher"]["test_error"], 0.0);
    let twice = result(path, &format!("{apart} --out twice"));
    assert_eq!(twice["teacher"]["test_error"], Value::Null);
    // Other rows in their place are refused.
    fs::write(path.join("rest.csv"), format!("id,{short}\n{}", named(&rows[113..], 112, false))).unwrap();
    let output = potstill(path, "distill --config live/config.toml --out changed");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr).lines().last().unwrap().split(": ").last().unwrap(),
        "it is not the data that the run was begun with"
    );
}

#[test]
fn rows_are_munged_for_a_transfer_set() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let rows: Vec<String> = flowers(300, SPECIES).lines().skip(1).map(str::to_owned).collect();
    let row = |(i, row): (usize, &String)| format!("f{i},{},\"a,{}\",{row}\n", i % 7, i % 3);
    let table = "id,whole,word,sl,sw,pl,pw,species\n".to_owned()
        + &rows.iter().enumerate().map(row).collect::<String>();
    fs::write(path.join("few.csv"), table).unwrap();
    let munge = "data munge few.csv:id=id,label=species --size 500";
    let made = result(path, &format!("{munge} --threads 1 --out more.csv"));
    assert_eq!(
        (&made["training_rows"], &made["rows"], &made["columns"]),
        (&json!(200), &json!(500), &json!(6))
    );
    result(path, &format!("{munge} --threads 2 --out again.csv"));
    let more = fs::read_to_string(path.join("more.csv")).unwrap();
    assert!(more == fs::read_to_string(path.join("again.csv")).unwrap());
    assert!(more.starts_with("id,whole,word,sl,sw,pl,pw\nmunge-1,"), "{more}");
    let columns = result(path, "data show more.csv:id=id")["columns"].clone();
    let kinds: Vec<&str> = (0..7).map(|i| columns[i]["kind"].as_str().unwrap()).collect();
    let [number, three] = ["numbers", "3 different words"];
    assert_eq!(kinds, ["500 different words", number, three, number, number, number, number]);
    assert_eq!(columns[1]["range"], json!([0.0, 6.0]));
    // A teacher that answers live says what they are.
    let on = "few.csv:id=id,label=species";
    result(path, &format!("train classifier --data {on} --net-arch mlp:8 --epochs 20 --out teacher"));
    let student = result(
        path,
        &format!(
            "distill --teacher teacher --data {on} --unlabelled more.csv:id=id --student mlp:4 --epochs 5 --out mimic"
        ),
    );
    assert_eq!((&student["train_samples"], &student["unlabelled_samples"]), (&json!(200), &json!(500)));

    let check = |arguments: &str, expected: &str| {
        let output = potstill(path, &format!("data munge {arguments} --out no.csv"));
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), line.trim_end()), (Some(2), expected), "{arguments}");
        assert!(!path.join("no.csv").exists(), "{arguments}");
    };
    fs::write(path.join("missing.csv"), "x,y,label\n1,a,p\n,b,q\n2,c,q\n").unwrap();
    check(
        "missing.csv --size 9 --test-samples 0",
        "error: missing.csv: row 2, column `x`: the value is missing; fill in the mean with missing=mean",
    );
    check(
        "missing.csv --size 9 --test-samples 2",
        "error: missing.csv: 1 rows; two are needed to exchange anything",
    );
    check(
        "missing.csv --size 9 --swap-probability 1.5",
        "error: --swap-probability 1.5: write a number from 0 to 1",
    );
    check("missing.csv --size 9 --local-variance 0", "error: --local-variance 0: write a number above 0");
    check("missing.csv --size 200m", "error: --size 200000000: write a whole number up to 134217728");
    check(
        "missing.csv:label=x,drop=[\"y\",\"label\"] --size 9",
        "error: missing.csv:label=x,drop=[\"y\",\"label\"]: no column is left to exchange",
    );
    let pictures = "digits";
    check(
        &format!("{pictures} --size 9"),
        "error: digits: column `image` has images of 8 x 8; numbers and words can be exchanged between rows",
    );
    result(path, "data munge missing.csv:missing=mean --size 9 --test-samples 0 --out filled.csv");
    assert_eq!(fs::read_to_string(path.join("filled.csv")).unwrap().lines().count(), 10);
}

#[test]
fn a_tree_is_a_student_whose_rules_can_be_read() {
    let dir = folder();
    let path = dir.path();
    let on = "--data flowers.csv:label=species --seed 1";
    let train = format!("train classifier {on} --net-arch tree:3:rows=2");
    let summary = result(path, &format!("{train} --out labels"));
    assert_eq!((&summary["train_samples"], &summary["test_samples"]), (&json!(80), &json!(40)));
    assert!(summary["test_error"].as_f64().unwrap() < 0.1, "{summary}");
    let leaves = summary["leaves"].as_u64().unwrap();
    // A feature and a threshold for each split, three logits for each leaf.
    assert_eq!(summary["parameters"], json!(2 * (leaves - 1) + 3 * leaves));
    let model = |run: &str| fs::read(path.join(run).join("model.safetensors")).unwrap();
    assert_eq!(summary["bytes"], json!(model("labels").len()));
    let again = result(path, &format!("{train} --threads 2 --out again"));
    assert!(again["test_error"] == summary["test_error"] && model("labels") == model("again"));
    assert_eq!(result(path, "eval labels")["test_error"], summary["test_error"]);

    // Read, in a terminal and in the report.
    let shown = String::from_utf8(potstill(path, "show labels").stdout).unwrap();
    assert!(shown.contains("pl <= ") && shown.contains(": setosa ("), "{shown}");
    let report = fs::read_to_string(path.join("labels/report.html")).unwrap();
    assert!(report.contains("pl &lt;= "), "the rules are in the report");

    // Distilled from a forest that answers live, with rows beside.
    result(path, "data munge flowers.csv:label=species --size 200 --out more.csv");
    let distill =
        format!("distill --teacher sk-forest.onnx {on} --unlabelled more.csv --student tree:4:leaves=6");
    let student = result(path, &format!("{distill} --out student"));
    assert_eq!(
        (&student["unlabelled_samples"], &student["teacher"]["test_error"]),
        (&json!(200), &json!(0.0))
    );
    assert!(student["leaves"].as_u64().unwrap() <= 6 && student["depth"].as_u64().unwrap() <= 4);
    assert!(student["student_distilled"]["agreement"].as_f64().unwrap() > 0.9, "{student}");
    assert!(student["student_labels"]["test_error"].is_number());
    let config = fs::read_to_string(path.join("student/config.toml")).unwrap();
    assert!(config.contains("student = \"tree:4:leaves=6\""), "{config}");
    result(path, "distill --config student/config.toml --out repeated");
    assert!(model("student") == model("repeated"));

    // Raw rows in, the same answers out of its ONNX file.
    result(path, "export student --to onnx --out student.onnx");
    for (of, out) in [("student", "own.csv"), ("student.onnx", "onnx.csv")] {
        result(path, &format!("predict {of} --data flowers.csv:label=species --out {out}"));
    }
    let rows = |file: &str| -> Vec<(String, Vec<f64>)> {
        let text = fs::read_to_string(path.join(file)).unwrap();
        let row = |line: &str| {
            let mut cells = line.split(',').skip(1);
            let class = cells.next().unwrap().to_owned();
            (class, cells.map(|cell| cell.parse().unwrap()).collect())
        };
        text.lines().skip(1).map(row).collect()
    };
    for ((own, p), (other, q)) in rows("own.csv").iter().zip(&rows("onnx.csv")) {
        assert!(
            own == other && p.iter().zip(q).all(|(p, q)| (p - q).abs() < 1e-5),
            "{own} {p:?}, {other} {q:?}"
        );
    }
    // A tree teaches a network, and one that learns from itself is none.
    let small =
        result(path, &format!("distill --teacher student {on} --student mlp:8 --epochs 20 --out small"));
    assert!(small["teacher"]["parameters"] == student["student_distilled"]["parameters"]);

    let check = |arguments: &str, expected: &str| {
        let output = potstill(path, arguments);
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), line.trim_end()), (Some(2), expected), "{arguments}");
    };
    check(
        &format!("distill --teacher self {on} --student tree:3 --out no"),
        "error: a tree is not its own teacher; give --teacher RUN|FILE",
    );
    check(
        &format!("train classifier {on} --net-arch tree:0 --out no"),
        "error: `net_arch` (command line): the depth `0` is no whole number from 1 to 32 in `tree:0`; write `tree:6` or \
         `tree:6:leaves=32`",
    );
    check(
        "distill record --teacher labels --folds 3 --out no.csv",
        "error: labels is a tree; answers out of fold are made of networks",
    );
    fs::write(path.join("texts.csv"), "t,k\nso good,a\nso bad,b\ngood,a\nbad,b\n").unwrap();
    check(
        "train classifier --data texts.csv:text=t,label=k --net-arch tree:3 --out no",
        "error: `net_arch`: tree:3: a tree compares numbers, and the data are texts",
    );
    assert!(!path.join("no").exists() && !path.join("no.csv").exists());
}

#[test]
fn a_student_is_its_own_teacher() {
    let dir = folder();
    let path = dir.path();
    let own = "distill --teacher self --data flowers.csv:label=species --student mlp:8 --epochs 60 --learning-rate 0.01 \
               --teacher-tau 0.1 --alpha 0.5 --seed 1";
    let whole = result(path, &format!("{own} --out whole"));
    assert!(whole["test_error"].as_f64().unwrap() < 0.1, "{}", whole["test_error"]);
    // A teacher that follows at once says what its student says: the divergence is 0 at every step.
    result(path, &format!("{own} --out same").replace("--teacher-tau 0.1", "--teacher-tau 1"));
    let metrics = fs::read_to_string(path.join("same/metrics.jsonl")).unwrap();
    for line in metrics.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["train/soft_loss"].as_f64().is_none_or(|loss| loss.abs() < 1e-6), "{line}");
    }
    let both = format!("{own} --out no").replace("--teacher self", "--teacher self,sk-forest.onnx");
    let refused = potstill(path, &both);
    assert_eq!(
        String::from_utf8_lossy(&refused.stderr).trim_end(),
        "error: --teacher self: a moving average of the student is its only teacher"
    );
}

#[test]
fn answers_of_a_language_model_are_imported() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let answer = |id: usize, good: f64| {
        let tokens = json!([{"token": "good", "logprob": good.ln(), "top_logprobs": [
            {"token": "good", "logprob": good.ln()}, {"token": " bad", "logprob": (1.0 - good).ln()}]}]);
        json!({"custom_id": format!("r{id}"), "response": {"status_code": 200, "body": {"choices": [
            {"message": {"content": "good"}, "logprobs": {"content": tokens}}]}}})
    };
    let lines: Vec<String> = (0..40)
        .map(|i| match i {
            7 => json!({"custom_id": "r7", "error": {"message": "rate limit"}}),
            _ => answer(i, if i % 2 == 0 { 0.9 } else { 0.2 }),
        })
        .map(|line| line.to_string())
        .collect();
    fs::write(path.join("batch.jsonl"), lines.join("\n")).unwrap();
    let imported = result(path, "data import batch.jsonl --classes good,bad=bad|poor --out answers.csv");
    assert_eq!((&imported["answered"], &imported["failed"]), (&json!(39), &json!(1)));
    assert_eq!(imported["named"], json!({"good": 20, "bad": 19}));
    let row = |i: usize| format!("r{i},{},{}\n", [1.0, -1.0][i % 2], ["good", "bad"][i % 2]);
    fs::write(path.join("rows.csv"), format!("name,x,kind\n{}", (0..40).map(row).collect::<String>()))
        .unwrap();
    let student = "distill --teacher answers.csv:id=id --data rows.csv:id=name,label=kind --student mlp:4 --epochs 60 --learning-rate 0.05 \
                   --seed 1 --out student";
    let output = potstill(path, &format!("{student} --json"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("1 of 27 training rows have no answer of the teacher and are left out"), "{told}");
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["train_samples"], &summary["test_error"]), (&json!(26), &json!(0.0)));
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
        "error: --data flowers.csv:label=species: the teacher predicts numbers, and `species` has classes; name what it \
         predicts with target=NAME",
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
        "sk-forest.onnx --mixup 0.5",
        "error: --teacher sk-forest.onnx: its answers are computed once, and none are of changed samples; leave \
         jitter_pixels, horizontal_flip and mixup out",
    );
}
