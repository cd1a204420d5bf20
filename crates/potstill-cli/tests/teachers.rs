//! Tests of teachers that are no single run: ONNX files of other programs, and several teachers at once.

mod common;

use common::flowers::{SPECIES, flowers, folder, refused, told};
use common::{potstill, result};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

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
        result(path, &format!("predict {model} --data {data}:label=species --out out.csv"))["error_rate"]
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
    // The column that names the rows of the data names those beside it, and those of the answers.
    let unnamed = on.replace("rest.csv:id=id", "rest.csv");
    result(path, &format!("distill --teacher answers.csv {unnamed} --out by-column"));
    assert!(model("by-column") == model("recorded"));
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
        "error: missing.csv: 1 row; two are needed to exchange anything",
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
    assert!(shown.contains("sl <= ") && shown.contains(": setosa ("), "{shown}");
    let report = fs::read_to_string(path.join("labels/report.html")).unwrap();
    assert!(report.contains("sl &lt;= "), "the rules are in the report");

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
fn answers_in_another_order_are_told() {
    let dir = folder();
    let path = dir.path();
    let text = flowers(120, SPECIES);
    let named = |(i, row): (usize, &str)| if i == 0 { format!("id,{row}") } else { format!("t{i},{row}") };
    let rows: Vec<String> = text.lines().enumerate().map(named).collect();
    fs::write(path.join("named.csv"), rows.join("\n")).unwrap();
    let answer = |i: usize| format!("t{i},{}", ["0.8,0.1,0.1", "0.1,0.8,0.1", "0.1,0.1,0.8"][(i - 1) % 3]);
    let write = |name: &str, order: &mut dyn Iterator<Item = usize>| {
        let head = "id,p(setosa),p(versicolor),p(virginica)".to_owned();
        let lines: Vec<String> = std::iter::once(head).chain(order.map(answer)).collect();
        fs::write(path.join(name), lines.join("\n")).unwrap();
    };
    write("ordered.csv", &mut (1..=120));
    write("turned.csv", &mut (1..=120).rev());
    let distil = |teacher: &str, data: &str, out: &str| {
        format!("distill --teacher {teacher} --student mlp:4 --data {data} --epochs 2 --seed 1 --out {out}")
    };
    // Without a name rows are joined in their order, if nothing contradicts it.
    let unnamed = "named.csv:label=species,drop=id";
    result(path, &distil("ordered.csv", unnamed, "ordered"));
    let line = told(path, &distil("turned.csv", unnamed, "turned"), 2);
    assert_eq!(
        line,
        "error: --teacher turned.csv: its column `id` has the values of the data in another order (t120 in row 1, where the \
         data has t1): the rows are not in one order; join them with id=NAME of both, or leave the column out (drop=NAME)"
    );
    // Whole numbers that are near each other are others; a prediction beside the answers is none of the labels.
    let numbered = |text: String| text.replace("\nt", "\n20240");
    for name in ["named", "ordered", "turned"] {
        let text = fs::read_to_string(path.join(format!("{name}.csv"))).unwrap();
        fs::write(path.join(format!("{name}-numbers.csv")), numbered(text)).unwrap();
    }
    let numbers = "named-numbers.csv:label=species,drop=id";
    result(path, &distil("ordered-numbers.csv", numbers, "ordered-numbers"));
    let line = told(path, &distil("turned-numbers.csv", numbers, "turned-numbers"), 2);
    assert!(
        line.contains("its column `id` has the values of the data in another order (20240120 in row 1"),
        "{line}"
    );
    let ordered = fs::read_to_string(path.join("ordered.csv")).unwrap();
    let predicted = |(i, line): (usize, &str)| match i {
        0 => format!("{line},species"),
        _ => format!("{line},{}", SPECIES[i % 3]),
    };
    let predicted: Vec<String> = ordered.lines().enumerate().map(predicted).collect();
    fs::write(path.join("predicted.csv"), predicted.join("\n")).unwrap();
    result(path, &distil("predicted.csv", unnamed, "predicted"));
    let test_error = |run: &Value| run["teacher"]["test_error"].clone();
    assert_eq!(
        test_error(&result(path, &distil("turned.csv:id=id", "named.csv:id=id,label=species", "joined"))),
        0.0
    );
    assert_ne!(test_error(&result(path, &distil("turned.csv:drop=id", unnamed, "dropped"))), 0.0);

    // What `distill record` has written knows its rows, also without names.
    result(
        path,
        "distill record --teacher sk-forest.onnx --data flowers.csv:label=species --out recorded.csv",
    );
    let recorded = fs::read_to_string(path.join("recorded.csv")).unwrap();
    let (head, lines) = recorded.split_once('\n').unwrap();
    let turned: Vec<&str> = std::iter::once(head).chain(lines.lines().rev()).collect();
    fs::write(path.join("turned-record.csv"), turned.join("\n")).unwrap();
    assert_eq!(
        told(path, &distil("turned-record.csv", "flowers.csv:label=species", "no"), 2),
        "error: --teacher turned-record.csv: its row 1 was recorded for another row of the data; record it again, or name the \
         rows of both with id=NAME"
    );
    // Answers that fit no better than one class are told, whatever has shuffled them.
    let shifted = "id,p(setosa),p(versicolor),p(virginica)\n".to_owned()
        + &(1..=120)
            .map(|i| format!("{}\n", answer(i).replacen(&format!("t{i},"), &format!("t{},", i % 120 + 1), 1)))
            .collect::<String>();
    fs::write(path.join("shifted.csv"), shifted).unwrap();
    let line = told(path, &distil("shifted.csv:id=id", "named.csv:id=id,label=species", "shifted"), 0);
    assert!(
        line.starts_with("warning: the teacher is right on 0.0 % of the training rows, and always naming"),
        "{line}"
    );

    // Test rows without an answer are told: the teacher's column would else be empty without a reason.
    write("fewer.csv", &mut (1..=120).filter(|i| i % 10 != 0));
    let line =
        told(path, &distil("fewer.csv:id=id,missing=drop", "named.csv:id=id,label=species", "fewer"), 0);
    assert!(
        line.starts_with("warning: --teacher fewer.csv:id=id,missing=drop: ")
            && line.ends_with("of 40 test rows have no answer; the errors of the teacher and the agreement with it are therefore not known"),
        "{line}"
    );
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

#[test]
fn all_teachers_of_the_same_data_have_one_split() {
    let dir = folder();
    let path = dir.path();
    fs::write(path.join("others.csv"), flowers(60, SPECIES)).unwrap();
    let train = "train classifier --net-arch mlp:4 --epochs 2 --data";
    for (out, options) in [
        ("other", "others.csv:label=species"),
        ("first", "flowers.csv:label=species --test-samples 30 --split-seed 1"),
        ("same", "flowers.csv:label=species --test-samples 30 --split-seed 1 --seed 2"),
        ("second", "flowers.csv:label=species --test-samples 30 --split-seed 2"),
    ] {
        result(path, &format!("{train} {options} --out {out}"));
    }
    let student = "distill --student mlp:4 --epochs 2 --data flowers.csv:label=species --teacher";
    // The data of the first is another: the split is that of the second.
    let of_second = result(path, &format!("{student} other,first --out of-second"));
    assert_eq!(of_second["test_samples"], 30);
    let config = fs::read_to_string(path.join("of-second/config.toml")).unwrap();
    assert!(config.contains("split_seed = 1"), "{config}");
    result(path, &format!("{student} first,same --out of-both"));
    let refusal = "error: the teachers hold different samples out for the test (test_samples, split_seed, test); train them \
                   with the same split, or one has learned samples that another is tested on";
    for teachers in ["first,second", "other,first,second", "second,other,first"] {
        assert_eq!(told(path, &format!("{student} {teachers} --out no"), 2), refusal, "{teachers}");
        assert!(!path.join("no").exists());
    }
    // What is tested on lies apart: no split matters.
    result(path, &format!("{student} first,second --test others.csv:label=species --out apart"));
    assert_eq!(
        told(path, &format!("{student} first,other --test others.csv:label=species --out learned"), 0),
        "warning: --test others.csv:label=species: 60 of its 60 rows are learned, value for value; leave them out, or the \
         test error tells too little"
    );
}

#[test]
fn options_of_a_students_data_are_not_its_teachers() {
    let dir = folder();
    let path = dir.path();
    result(
        path,
        "train classifier --net-arch mlp:8 --epochs 30 --data flowers.csv:label=species --out whole",
    );
    result(path, "export whole --to onnx --out whole.onnx");
    let flowers = fs::read_to_string(path.join("flowers.csv")).unwrap();
    // A sixth of the widths of petals is missing.
    let line = |(i, line): (usize, &str)| {
        let mut fields: Vec<&str> = line.split(',').collect();
        if i % 6 == 1 {
            fields[3] = "";
        }
        fields.join(",") + "\n"
    };
    fs::write(path.join("gaps.csv"), flowers.lines().enumerate().map(line).collect::<String>()).unwrap();
    let parameters = |inputs: usize| inputs * 4 + 4 + 4 * 3 + 3;
    let check = |teacher: &str, source: &str, inputs: usize| {
        let out = format!("{}-{}", teacher.replace(['.', ','], ""), source.replace(['.', ':', '=', ','], ""));
        let student = result(
            path,
            &format!("distill --teacher {teacher} --student mlp:4 --epochs 3 --data {source} --out {out}"),
        );
        assert_eq!(student["student_distilled"]["parameters"], parameters(inputs), "{teacher} on {source}");
        // What it was is kept in its file: other rows are answered by it.
        result(path, &format!("predict {out} --data flowers.csv:label=species --out {out}.csv"));
    };
    for teacher in ["whole", "whole,whole", "whole.onnx"] {
        check(teacher, "flowers.csv:label=species", 4);
        check(teacher, "flowers.csv:label=species,drop=pw", 3);
        check(teacher, "gaps.csv:label=species,missing=mean", 4);
        check(teacher, "gaps.csv:label=species,missing=mean,drop=sl", 3);
        let missing = "row 1, column `pw`: the value is missing; complete it, leave the row out, or fill in the mean of the \
                       training rows with missing=mean";
        let line = told(
            path,
            &format!("distill --teacher {teacher} --student mlp:4 --data gaps.csv:label=species --out no"),
            2,
        );
        let place = line.find(", column").unwrap();
        assert!(line[place..] == missing[5..], "{line}");
    }
    // Those that are tested on, and those without labels, have options of their own.
    let student = "distill --teacher whole --student mlp:4 --epochs 2 --data flowers.csv:label=species";
    result(path, &format!("{student} --test gaps.csv:label=species,missing=mean --out tested"));
    result(path, &format!("{student} --unlabelled gaps.csv:label=species,missing=mean --out more"));
    let refused = |arguments: &str, expected: &str| assert_eq!(told(path, arguments, 2), expected);
    refused(
        &format!("{student} --test gaps.csv:drop=pw --out no"),
        "error: --test gaps.csv:drop=pw: drop=pw: the model takes this column as an input; leave the option out",
    );
    refused(
        &format!("{student} --unlabelled gaps.csv:inputs=pw --out no"),
        "error: --unlabelled gaps.csv:inputs=pw: inputs=pw: the model takes 4 columns; leave the option out",
    );
    for model in ["whole", "whole.onnx"] {
        let predict = format!("predict {model} --out no.csv --data");
        result(
            path,
            &format!("predict {model} --data gaps.csv:label=species,missing=mean --out {model}.filled.csv"),
        );
        refused(
            &format!("{predict} flowers.csv:drop=pw"),
            "error: --data flowers.csv:drop=pw: drop=pw: the model takes this column as an input; leave the option out",
        );
        refused(
            &format!("{predict} flowers.csv:target=pw"),
            "error: --data flowers.csv:target=pw: target=pw: the model predicts classes; name them with label=pw",
        );
        refused(
            &format!("{predict} flowers.csv:text=species"),
            "error: --data flowers.csv:text=species: text=species: the model takes 4 columns; leave the option out",
        );
    }
    // The column that is compared is the one that is named.
    let turned = flowers.replace("species", "kind");
    fs::write(path.join("renamed.csv"), turned).unwrap();
    let error = result(path, "predict whole --data renamed.csv:label=kind --out renamed-out.csv");
    assert_eq!(
        error["error_rate"],
        result(path, "predict whole --data flowers.csv --out f.csv")["error_rate"]
    );
}

#[test]
fn unlabelled_rows_that_are_tested_on_are_told() {
    let dir = folder();
    let path = dir.path();
    let student = "distill --teacher sk-forest.onnx:classes=[\"setosa\",\"versicolor\",\"virginica\"] \
                   --student mlp:4 --epochs 1 --data flowers.csv:label=species --test-samples";
    let check = |count: usize, rows: &str, expected: &str| {
        let out = format!("{count}-{}", rows.replace('.', "-"));
        let line = told(path, &format!("{student} {count} --unlabelled {rows} --out {out}"), 0);
        assert_eq!(line, expected);
    };
    let flowers = fs::read_to_string(path.join("flowers.csv")).unwrap();
    let lines: Vec<&str> = flowers.lines().collect();
    // 39 different rows, which come again: all of them are among 100 that are tested on.
    fs::write(path.join("same.csv"), lines[..40].join("\n")).unwrap();
    check(
        100,
        "same.csv",
        "warning: --unlabelled same.csv: 39 of its 39 rows are tested on, value for value; leave them out, or the test error \
         tells too little",
    );
    let moved = format!("{}\n9.1,3.3,1.4,0.2,setosa\n{}\n", lines[0], lines[7]);
    fs::write(path.join("moved.csv"), moved).unwrap();
    check(
        100,
        "moved.csv",
        "warning: --unlabelled moved.csv: 1 of its 2 rows is tested on, value for value; leave them out, or the test error \
         tells too little",
    );
    fs::write(path.join("new.csv"), "sl,sw,pl,pw\n9.1,3.3,1.4,0.2\n").unwrap();
    check(100, "new.csv", "");
}

#[test]
fn numbers_of_classes_are_the_labels_or_their_order() {
    let dir = folder();
    let path = dir.path();
    let without = |text: &str, class: &str| -> String {
        text.lines().filter(|line| !line.ends_with(class)).map(|line| format!("{line}\n")).collect()
    };
    fs::write(path.join("numbers.csv"), without(&flowers(120, ["0", "1", "2"]), ",1")).unwrap();
    fs::write(path.join("two.csv"), without(&flowers(120, SPECIES), "setosa")).unwrap();
    fs::write(path.join("one.csv"), without(&without(&flowers(120, SPECIES), "setosa"), "virginica"))
        .unwrap();
    let predict =
        |model: &str, data: &str| format!("predict {model} --data {data}.csv:label=species --out out.csv");
    assert_eq!(result(path, &predict("sk-forest.onnx", "flowers"))["error_rate"], 0.0);
    assert_eq!(result(path, &predict("sk-forest.onnx", "numbers"))["error_rate"], 0.0);
    let refused =
        |model: &str, data: &str, expected: &str| assert_eq!(told(path, &predict(model, data), 2), expected);
    for (data, labels) in [("two", "versicolor, virginica"), ("one", "versicolor")] {
        refused(
            "sk-forest.onnx",
            data,
            &format!(
                "error: --data {data}.csv:label=species: the model's classes are 0, 1, 2, and the labels of the data {labels}; \
                 name the classes in the order of the model's outputs, FILE.onnx:classes=[\"A\",\"B\"]"
            ),
        );
        let named = "sk-forest.onnx:classes=[\"setosa\",\"versicolor\",\"virginica\"]";
        assert_eq!(result(path, &predict(named, data))["error_rate"], 0.0);
    }
    refused(
        "sk-forest.onnx:classes=[\"a\",\"b\"]",
        "flowers",
        "error: sk-forest.onnx:classes=[\"a\",\"b\"]: classes= has 2 names; it has 3 classes, each with a name of its own",
    );
}

#[test]
fn teachers_of_every_kind_are_timed() {
    let dir = folder();
    let path = dir.path();
    let size = |file: &str| fs::metadata(path.join(file)).unwrap().len();
    result(path, "train classifier --data flowers.csv:label=species --net-arch mlp:8 --epochs 5 --out run");
    result(
        path,
        "distill record --teacher sk-forest.onnx --data flowers.csv:label=species --out answers.csv",
    );
    let check = |teacher: &str, bytes: Option<u64>| {
        let out = format!("of-{}", teacher.replace([',', '.'], "-"));
        let summary = result(
            path,
            &format!(
                "distill --teacher {teacher} --student mlp:4 --epochs 2 --data flowers.csv:label=species --out {out}"
            ),
        );
        let about = &summary["teacher"];
        assert_eq!(about["bytes"], bytes.map_or(Value::Null, Value::from), "{teacher}");
        let [p50, p99] = ["p50", "p99"].map(|key| about["latency_us"][key].as_f64());
        assert_eq!(
            p50.is_some_and(|p50| p50 > 0.0 && p99.unwrap() >= p50),
            bytes.is_some(),
            "{teacher}: {about}"
        );
        assert_eq!(about["rows_per_second"].as_f64().is_some(), bytes.is_some(), "{teacher}");
        let report = fs::read_to_string(path.join(&out).join("report.html")).unwrap();
        assert!(report.contains("us a row, median"));
        // The rows that are listed have their first columns.
        let quality: Value =
            serde_json::from_str(&fs::read_to_string(path.join(&out).join("quality.json")).unwrap()).unwrap();
        let row = &quality["rows"][0];
        let flowers = fs::read_to_string(path.join("flowers.csv")).unwrap();
        let line = flowers.lines().nth(row["row"].as_u64().unwrap() as usize).unwrap();
        let number = |value: &Value| value[1].as_str().unwrap().parse::<f64>().unwrap();
        let shown: Vec<f64> = row["values"].as_array().unwrap().iter().map(number).collect();
        let expected: Vec<f64> = line.split(',').take(4).map(|field| field.parse().unwrap()).collect();
        assert_eq!(shown, expected);
        assert!(report.contains(">sl<") && report.contains(">pw<"), "{teacher}");
    };
    let (forest, boosting) = (size("sk-forest.onnx"), size("sk-boosting.onnx"));
    check("run", Some(size("run/model.safetensors")));
    check("sk-forest.onnx", Some(forest));
    check("sk-forest.onnx,sk-boosting.onnx", Some(forest + boosting));
    check("run,sk-forest.onnx", Some(size("run/model.safetensors") + forest));
    check("answers.csv", None);
    check("run,answers.csv", None);
    // A teacher of texts, and a run of them that is evaluated.
    let row =
        |i: usize| format!("{{\"text\":\"so {} number {i}\",\"stars\":{}}}\n", ["good", "bad"][i % 2], i % 2);
    fs::write(path.join("texts.jsonl"), (0..60).map(row).collect::<String>()).unwrap();
    let data = "--data texts.jsonl:text=text,label=stars --epochs 3";
    result(path, &format!("train classifier {data} --net-arch text:256x4,4 --out wide"));
    let summary = result(path, &format!("distill --teacher wide --student text:64 {data} --out small"));
    for key in ["teacher", "student_labels", "student_distilled"] {
        assert!(summary[key]["latency_us"]["p50"].as_f64().unwrap() > 0.0, "{key}");
        assert!(summary[key]["bytes"].as_u64().unwrap() > 0, "{key}");
    }
    assert!(result(path, "eval small")["latency_us"]["p50"].as_f64().unwrap() > 0.0);
    let own = result(
        path,
        "distill --teacher self --student mlp:4 --epochs 2 --data flowers.csv:label=species --out own",
    );
    assert!(own["teacher"]["latency_us"]["p50"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_file_of_words_predicts_what_its_run_does() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let row = |i: usize| {
        let (x, colour) = (i as f64 / 10.0 - 4.0, ["red", "blue", "green"][i % 3]);
        let kind = if x + [0.0, 2.0, -1.0][i % 3] > 0.0 { "high" } else { "low" };
        format!("{},{colour},{},{kind}\n", if i % 7 == 3 { String::new() } else { x.to_string() }, i % 5)
    };
    let rows: String = (0..80).map(row).collect();
    fs::write(path.join("data.csv"), format!("x,colour,n,kind\n{rows}")).unwrap();
    // An unknown word, a missing one, a missing number, and the columns in another order.
    fs::write(path.join("new.csv"), "n,colour,x\n1,violet,0.5\n2,,3\n3,blue,\n,red,-2.5\n").unwrap();
    let source = "data.csv:label=kind,missing=mean";
    result(path, &format!("train classifier --data {source} --net-arch mlp:8 --epochs 10 --out run"));
    result(
        path,
        "train regression --data data.csv:target=n,drop=kind,missing=mean --net-arch mlp:8 --epochs 10 --out values",
    );
    let predicted = |model: &str, data: &str| -> Vec<Vec<String>> {
        let out = format!("{}.csv", model.replace('.', "-"));
        result(path, &format!("predict {model} --data {data} --out {out}"));
        let csv = fs::read_to_string(path.join(out)).unwrap();
        csv.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
    };
    for run in ["run", "values"] {
        result(path, &format!("export {run} --to onnx --out {run}.onnx"));
        for data in ["new.csv:missing=mean", "data.csv:missing=mean"] {
            let (ours, theirs) = (predicted(run, data), predicted(&format!("{run}.onnx"), data));
            assert_eq!((ours.len(), &ours[0]), (theirs.len(), &theirs[0]));
            for (a, b) in ours.iter().flatten().zip(theirs.iter().flatten()) {
                let is_near = match (a.parse::<f64>(), b.parse::<f64>()) {
                    (Ok(a), Ok(b)) => (a - b).abs() <= 1e-5 * a.abs().max(1.0),
                    _ => a == b,
                };
                assert!(is_near, "{run} on {data}: {a}, {b}");
            }
        }
    }
    // As a teacher, too.
    let student = |teacher: &str| {
        let out = format!("of-{}", teacher.replace('.', "-"));
        let distil =
            format!("distill --teacher {teacher} --student mlp:4 --epochs 2 --data {source} --out {out}");
        result(path, &distil)["teacher"]["test_error"].as_f64().unwrap()
    };
    let error = student("run.onnx");
    // Thirds are held out by the same seed, whoever teaches.
    assert_eq!(error, student("run"));
}

#[test]
fn what_is_read_is_not_written_over() {
    let dir = folder();
    let path = dir.path();
    let chat = r#"{"id":"a","choices":[{"message":{"content":"good"}}]}"#;
    fs::write(path.join("chat.jsonl"), format!("{chat}\n")).unwrap();
    result(path, "train classifier --data flowers.csv:label=species --net-arch mlp:4 --epochs 1 --out run");
    let told = "is there and is read from";
    refused(path, "data import chat.jsonl --classes good,bad --out chat.jsonl", told, "chat.jsonl");
    refused(path, "predict run --data flowers.csv --out ./flowers.csv", told, "flowers.csv");
    refused(
        path,
        "predict run --data flowers.csv --out run/model.safetensors",
        told,
        "run/model.safetensors",
    );
    refused(path, "distill record --teacher run --data flowers.csv --out flowers.csv", told, "flowers.csv");
    refused(path, "data munge flowers.csv:label=species --size 10 --out flowers.csv", told, "flowers.csv");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("flowers.csv", path.join("link.csv")).unwrap();
        refused(path, "predict run --data flowers.csv --out link.csv", told, "flowers.csv");
    }
}

#[test]
fn a_model_on_scaled_inputs_needs_rows_to_scale_by() {
    let dir = folder();
    let told = "inputs=scaled: there are no training rows here to take the scale of";
    for command in
        ["predict sk-forest.onnx:inputs=scaled", "distill record --teacher sk-forest.onnx:inputs=scaled"]
    {
        refused(
            dir.path(),
            &format!("{command} --data flowers.csv:label=species --out out.csv"),
            told,
            "flowers.csv",
        );
        assert!(!dir.path().join("out.csv").exists());
    }
}

#[test]
fn an_onnx_file_takes_its_columns_and_words_by_their_names() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let onnx = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/onnx");
    // Another order of columns, another order and number of words.
    let check = |file: &str, columns: &[&str], rows: &[usize]| {
        fs::copy(onnx.join(format!("sk-{file}.onnx")), path.join(format!("{file}.onnx"))).unwrap();
        let of = fs::read_to_string(onnx.join(format!("{file}.json"))).unwrap();
        let of: Value = serde_json::from_str(&of).unwrap();
        let cell = |name: &str, row: usize| of["columns"][name][row].to_string().replace('"', "");
        let line = |row: &usize| columns.iter().map(|name| cell(name, *row)).collect::<Vec<_>>().join(",");
        let text: Vec<String> = std::iter::once(columns.join(",")).chain(rows.iter().map(line)).collect();
        fs::write(path.join("rows.csv"), text.join("\n")).unwrap();
        result(path, &format!("predict {file}.onnx --data rows.csv --out p.csv"));
        let predicted = fs::read_to_string(path.join("p.csv")).unwrap();
        assert_eq!(predicted.lines().next().unwrap(), "row,prediction,p(no),p(yes)");
        for (line, &row) in predicted.lines().skip(1).zip(rows) {
            let p: f64 = line.rsplit(',').next().unwrap().parse().unwrap();
            let expected = of["probabilities"][row][1].as_f64().unwrap();
            assert!((p - expected).abs() < 1e-5, "{file}: {line}, not {expected}");
        }
    };
    let columns = ["age", "home city", "plan", "income"];
    check("columns", &columns, &[0, 1, 2, 3, 4, 5]);
    check("columns", &columns, &[1]);
    check("words", &["city", "age", "income"], &[0, 1, 2, 3, 4, 5]);
    check("words", &["city", "age", "income"], &[5]);
    fs::write(path.join("rows.csv"), "age,city,income\n1,paris,2\n").unwrap();
    let expected = "error: --data rows.csv: it has no column `home_city`; it has age, city, income; \
                    columns.onnx takes its columns by their names";
    refused(path, "predict columns.onnx --data rows.csv --out p.csv", expected, "p.csv");
    // Its encoder refuses unknown words.
    let expected = "error: --data rows.csv: row 1, column `city`: words.onnx takes no word `paris`; it takes \
                    berlin, oslo, rome";
    refused(path, "predict words.onnx --data rows.csv --out p.csv", expected, "p.csv");
    // As teachers, too: what is wrong with the rows is told of these.
    let row = |i: usize| format!("{i},{},{}\n", ["rome", "oslo"][i % 2], ["yes", "no"][i % 3 / 2]);
    let rows: String = (0..12).map(row).collect();
    fs::write(path.join("d.csv"), format!("age,city,k\n{rows}")).unwrap();
    let expected = "error: --data d.csv:label=k: it has no column `income`; it has age, city, k; words.onnx \
                    takes its columns by \
                    their names";
    let student = "distill --teacher words.onnx --student mlp:2 --data d.csv:label=k --out run";
    refused(path, student, expected, "d.csv");
    assert!(!path.join("run").exists());
}

#[test]
fn rows_are_answered_with_the_classes_among_them() {
    let dir = folder();
    let path = dir.path();
    let check = |model: &str, data: &str, code: i32, expected: &str| {
        let line = told(path, &format!("distill record --teacher {model} --data {data} --out a.csv"), code);
        assert_eq!(line, expected);
        assert_eq!(path.join("a.csv").exists(), code == 0);
        let _ = fs::remove_file(path.join("a.csv"));
    };
    // A column of words that are the names of its classes is no input.
    let named = "sk-forest.onnx:classes=[\"setosa\",\"versicolor\",\"virginica\"]";
    check(named, "flowers.csv", 0, "");
    check(named, "flowers.csv:label=species", 0, "");
    check(
        "sk-forest.onnx",
        "flowers.csv",
        2,
        "error: --teacher sk-forest.onnx: it takes 4 numbers a row, and the columns give 7 (sl, sw, pl, pw, \
         species); name the column of the classes with label=NAME, and leave columns out with drop=NAME",
    );
    // What is recorded so is that of the named column.
    let record = format!("distill record --teacher {named} --data flowers.csv --out a.csv");
    result(path, &record);
    let student =
        "distill --teacher a.csv --data flowers.csv:label=species --student mlp:4 --epochs 2 --out run";
    assert_eq!(result(path, student)["teacher"]["test_error"], 0.0);
    // Classes that are numbers are those of the data in their order.
    assert_eq!(
        told(path, &student.replace("a.csv", "sk-forest.onnx").replace("--out run", "--out live"), 0),
        "warning: --teacher sk-forest.onnx: its classes have no names, and are taken for those of the data \
         in their order: setosa, versicolor, virginica; name them if it is another (classes=[\"A\",\"B\"])"
    );
}
