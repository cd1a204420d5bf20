//! Tests of one's own data: every format, every fault of a table, training, testing, predicting.

mod common;

use common::{potstill, result};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/data").join(name)
}

/// Checks that a command is refused with this line, and that nothing is written.
fn refused(dir: &Path, arguments: &str, expected: &str) {
    let before = fs::read_dir(dir).unwrap().count();
    let output = potstill(dir, arguments);
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), line.trim_end()), (Some(2), expected), "{arguments}");
    assert_eq!(fs::read_dir(dir).unwrap().count(), before, "{arguments}: something is left");
}

/// A table of two classes that one number tells apart.
fn table(rows: usize) -> String {
    let row = |i: usize| {
        let (class, x) = if i.is_multiple_of(2) { ("even", 1.0) } else { ("odd", -1.0) };
        format!("{},{},{class}\n", x + i as f64 / 1000.0, ["red", "blue", "green"][i % 3])
    };
    format!("x,colour,kind\n{}", (0..rows).map(row).collect::<String>())
}

#[test]
fn a_table_is_learned_resumed_tested_and_predicted() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    fs::write(path.join("data.csv"), table(300)).unwrap();
    fs::write(path.join("test.csv"), table(31)).unwrap();
    let train = "train classifier --data data.csv:label=kind --net-arch mlp:8 --epochs 20 --seed 1";
    let summary = result(path, &format!("{train} --out run"));
    assert_eq!(summary["train_samples"], 200);
    assert_eq!((&summary["test_samples"], &summary["test_error"]), (&json!(100), &json!(0.0)));
    // The form of the network has its name of a distillation, too.
    let named = train.replace("--net-arch", "--student");
    assert_eq!(result(path, &format!("{named} --out named"))["parameters"], summary["parameters"]);
    // A part that stands apart: all rows are learned.
    let summary = result(path, &format!("{train} --test test.csv --out apart"));
    assert_eq!((&summary["train_samples"], &summary["test_samples"]), (&json!(300), &json!(31)));
    assert_eq!(result(path, "eval apart")["test_samples"], 31);

    // Other rows, in another order of columns, with a word that was never seen and without the answer.
    fs::write(path.join("new.csv"), "name,colour,x\nfirst,violet,1.05\n\"se,cond\",red,-0.9\n").unwrap();
    let predicted = result(path, "predict run --data new.csv:id=name --out new-predictions.csv");
    assert_eq!((&predicted["rows"], &predicted["error_rate"]), (&json!(2), &Value::Null));
    let csv = fs::read_to_string(path.join("new-predictions.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "name,prediction,p(even),p(odd)");
    assert!(lines[1].starts_with("first,even,0.") && lines[2].starts_with("\"se,cond\",odd,0."), "{csv}");
    let error = result(path, "predict run --data data.csv --out all.csv")["error_rate"].clone();
    assert_eq!(error, 0.0);
    // Classes that it does not know are errors, and said to be.
    let other = table(30).replace(",odd", ",neither").replace("1.002,", "2.5,");
    fs::write(path.join("other.csv"), other).unwrap();
    let told =
        String::from_utf8(potstill(path, "predict run --data other.csv --out all.csv").stderr).unwrap();
    assert!(
        told.contains(
            "warning: 15 rows have a class that the model does not know (`neither`), and count as errors\n"
        ),
        "{told}"
    );
    let told = String::from_utf8(potstill(path, "predict run --data data.csv --out all.csv").stderr).unwrap();
    assert_eq!(
        told.trim_end(),
        "warning: the inputs of 200 of the 300 rows are those of rows that the model has learned; of the same rows its error \
         tells too little"
    );
    fs::write(path.join("less.csv"), "colour\nred\n").unwrap();
    refused(
        path,
        "predict run --data less.csv --out no.csv",
        "error: --data less.csv: it has no column `x`; it has colour",
    );
    fs::write(path.join("words.csv"), "x,colour\nabc,red\n").unwrap();
    refused(
        path,
        "predict run --data words.csv --out no.csv",
        "error: --data words.csv: column `x` was learned as numbers; row 1 has `abc`",
    );
}

#[test]
fn a_student_learns_from_its_own_data_and_another_teacher() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    fs::write(path.join("data.csv"), table(300)).unwrap();
    fs::write(path.join("other.csv"), table(90)).unwrap();
    result(path, "train classifier --data data.csv:label=kind --net-arch mlp:16 --epochs 20 --out teacher");
    let student = "distill --teacher teacher --student mlp:2 --epochs 40 --seed 1";
    let same = result(path, &format!("{student} --data data.csv:label=kind --out same"));
    assert_eq!((&same["train_samples"], &same["test_samples"]), (&json!(200), &json!(100)));
    assert_eq!(same["teacher"]["test_error"], 0.0);
    let other = result(path, &format!("{student} --data other.csv:label=kind --out other"));
    assert_eq!((&other["train_samples"], &other["test_samples"]), (&json!(60), &json!(30)));
    refused(
        path,
        &format!("{student} --data data.csv:label=kind --test-samples 7"),
        "error: `test_samples`: must be the teacher's, 100",
    );
}

#[test]
fn a_student_learns_from_recorded_answers() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let lines: Vec<String> = table(90).lines().map(str::to_owned).collect();
    let named =
        |i: usize, line: &str| format!("{},{line}\n", if i == 0 { "id".to_owned() } else { format!("n{i}") });
    let data: String = lines.iter().enumerate().map(|(i, line)| named(i, line)).collect();
    fs::write(path.join("data.csv"), data).unwrap();
    // In the other order, and surer of one class than of the other.
    let answer = |i: usize| if i % 2 == 1 { "0.9,0.1" } else { "0.2,0.8" };
    let answers: String = (1..=90).rev().map(|i| format!("n{i},{}\n", answer(i))).collect();
    fs::write(path.join("answers.csv"), format!("id,p(even),p(odd)\n{answers}")).unwrap();
    let distil =
        "distill --student mlp:4 --epochs 200 --learning-rate 0.01 --alpha 1 --temperature 1 --seed 1";
    let source = "--data data.csv:label=kind,id=id";
    let command = format!("{distil} --teacher answers.csv:id=id {source} --out student");
    let summary = result(path, &command);
    assert_eq!(
        (&summary["teacher"]["test_error"], &summary["student_distilled"]["agreement"]),
        (&json!(0.0), &json!(1.0))
    );
    // The student's probabilities are the teacher's, not the labels'.
    result(path, "predict student --data data.csv:id=id --out predictions.csv");
    let csv = fs::read_to_string(path.join("predictions.csv")).unwrap();
    for (line, expected) in csv.lines().skip(1).zip([0.9, 0.2].into_iter().cycle()) {
        let p: f64 = line.split(',').nth(2).unwrap().parse().unwrap();
        assert!((p - expected).abs() < 0.03, "{line}, not {expected}");
    }
    // The same bytes again, and after a kill in the middle.
    let model = fs::read(path.join("student/model.safetensors")).unwrap();
    result(path, &command.replace("student", "again").replace("--again", "--student"));
    assert_eq!(fs::read(path.join("again/model.safetensors")).unwrap(), model);

    fs::write(path.join("few.csv"), "p(even),p(odd)\n0.5,0.5\n").unwrap();
    refused(
        path,
        &format!("{distil} --teacher few.csv {source}"),
        "error: --teacher few.csv: it has 1 row, the data 90; name the rows of both with id=NAME to join them",
    );
    fs::write(path.join("bad.csv"), "id,p(even),p(odd)\nn1,0.5,0.6\n").unwrap();
    refused(
        path,
        &format!("{distil} --teacher bad.csv:id=id {source}"),
        "error: --teacher bad.csv:id=id: row 1: the probabilities sum to 1.1, not to 1",
    );
    refused(
        path,
        &format!("{distil} --teacher data.csv {source}"),
        "error: --teacher data.csv: it has no answers of a teacher: columns p(CLASS), logit(CLASS) or votes(CLASS); it has \
         id, x, colour, kind",
    );
}

/// Reviews as JSON lines: a word tells their stars.
fn reviews(rows: usize) -> String {
    let row = |i: usize| {
        let (word, stars) = if i.is_multiple_of(2) { ("brilliant", 5) } else { ("awful", 1) };
        format!(
            "{{\"id\":\"r{i}\",\"review\":\"Number {i}: {word} \\ud83d\\ude00\",\"price\":{i},\"stars\":{stars}}}\n"
        )
    };
    (0..rows).map(row).collect()
}

#[test]
fn one_row_is_singular_and_a_list_of_formats_has_an_end() {
    let dir = TempDir::new().unwrap();
    let check = |text: &str, expected: &str| {
        fs::write(dir.path().join("table.csv"), text).unwrap();
        let output = potstill(dir.path(), "data show table.csv");
        let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(told.contains(expected), "{told}");
    };
    check("x\n1\n", "1 row, 1 column\n");
    check("x,y\n1,2\n3,4\n", "2 rows, 2 columns\n");
    check("x\n1,2\n", "line 2: 2 values, but there is 1 column; is a value");
    check("x,y\n1\n", "line 2: 1 value, but there are 2 columns; is a value");
    let known = "its format is not known; known: a recording of `potstill play --record`; a Minari data set; \
    JSON lines, an object a row; ";
    check("\u{1}\u{2}", known);
    check("\u{1}\u{2}", "a Parquet table; or a table of text, such as CSV");
}

#[test]
fn texts_are_learned_distilled_predicted_and_exported() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    fs::write(path.join("data.jsonl"), reviews(90)).unwrap();
    let source = "--data data.jsonl:text=review,label=stars";
    let shown = result(path, "data show data.jsonl:text=review,label=stars");
    assert_eq!(shown["columns"][1]["kind"], "texts, 90 of them different");
    let train = format!("train classifier {source} --epochs 40 --learning-rate 0.02 --seed 1");
    let summary = result(path, &format!("{train} --net-arch text:512x4,8 --out run"));
    assert_eq!((&summary["train_samples"], &summary["test_error"]), (&json!(60), &json!(0.0)));
    assert_eq!(result(path, "eval run")["parameters"], 512 * 4 + 4 * 8 + 8 + 8 * 2 + 2);
    // A network without a bag is given one.
    assert_eq!(result(path, &format!("{train} --net-arch mlp:8 --out usual"))["test_error"], 0.0);

    // As a table, with words that were never seen, a text of nothing, a megabyte and other columns.
    let long = "awful ".repeat(1 << 17);
    let rows = format!("name,review\nfirst,Brilliant!!\nempty,\nlong,{long}\nnone,NA\n");
    fs::write(path.join("new.csv"), rows).unwrap();
    result(path, "predict run --data new.csv:id=name,text=review --out new-predictions.csv");
    let csv = fs::read_to_string(path.join("new-predictions.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!((lines[0], lines.len()), ("name,prediction,p(1),p(5)", 5), "{csv}");
    assert!(lines[1].starts_with("first,5,") && lines[3].starts_with("long,1,"), "{csv}");

    // From a live teacher, from recorded answers, and the same again.
    let student = format!("distill {source} --student text:256 --epochs 60 --learning-rate 0.05 --seed 2");
    let distilled = result(path, &format!("{student} --teacher run --out student"));
    assert_eq!(
        (&distilled["test_error"], &distilled["student_distilled"]["agreement"]),
        (&json!(0.0), &json!(1.0))
    );
    assert_eq!(distilled["teacher"]["parameters"], 512 * 4 + 4 * 8 + 8 + 8 * 2 + 2);
    result(
        path,
        "distill record --teacher run --data data.jsonl:text=review,label=stars,id=id --out answers.csv",
    );
    let from = "--teacher answers.csv:id=id --data data.jsonl:text=review,label=stars,id=id";
    let recorded = format!("distill {from} --student text:256 --epochs 60 --learning-rate 0.05 --seed 2");
    assert_eq!(result(path, &format!("{recorded} --out recorded"))["test_error"], 0.0);
    result(path, &format!("{recorded} --out again"));
    let model = |run: &str| fs::read(path.join(run).join("model.safetensors")).unwrap();
    assert_eq!(model("recorded"), model("again"));

    result(path, "export student --to safetensors --out student.safetensors");
    let output = potstill(path, "export student --to onnx --out student.onnx");
    let line = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(2)
            && line.contains("its column `review` has texts, and no standard operator of ONNX hashes"),
        "{line}"
    );
    assert!(!path.join("student.onnx").exists());
}

#[test]
fn faults_of_texts_are_told_in_a_line() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    fs::write(path.join("data.jsonl"), reviews(30)).unwrap();
    fs::write(path.join("table.csv"), table(30)).unwrap();
    let train = "train classifier --epochs 1";
    let check = |arguments: &str, expected: &str| {
        refused(path, &format!("{train} {arguments}"), &format!("error: {expected}"));
    };
    let source = "--data data.jsonl:text=review,label=stars";
    check(
        "--data data.jsonl:text=revie,label=stars",
        "--data data.jsonl:text=revie,label=stars: it has no column `revie`; did you mean `review`?",
    );
    check(
        "--data data.jsonl:text=price,label=stars",
        "--data data.jsonl:text=price,label=stars: line 1: `price` is 0; a text is needed",
    );
    check(
        &format!("{source} --net-arch cnn:4x3,8"),
        "`net_arch`: cnn:4x3,8: it reads images, and the data are texts; give text:4096x8 or text:4096x8,16",
    );
    check(
        &format!("{source} --optimizer rmsprop"),
        "`optimizer`: texts are learned by adam, or by sgd with momentum=0, which have a sparse form",
    );
    check(
        "--data table.csv:label=kind --net-arch text:64",
        "`net_arch`: text:64: it reads texts, and the data are numbers; name a column of texts with text=NAME",
    );
    fs::write(path.join("latin.csv"), b"review,stars\ncaf\xe9,1\nno,2\n").unwrap();
    check(
        "--data latin.csv:text=review,label=stars",
        "--data latin.csv:text=review,label=stars: line 2: its text is not UTF-8; save it as UTF-8",
    );
    fs::write(path.join("gap.jsonl"), "{\"review\":null,\"stars\":1}\n".repeat(3) + &reviews(3)).unwrap();
    let output = potstill(path, &format!("{train} --data gap.jsonl:text=review,label=stars"));
    let line = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(2) && line.contains("column `review`: the text is missing"),
        "{line}"
    );
    refused(
        path,
        "train dqn --env CartPole-v1 --steps 100 --net-arch text:64",
        "error: `net_arch`: text:64: a bag of n-grams learns from texts; name their column, --data FILE:text=NAME",
    );
}

#[test]
fn a_changed_file_is_not_taken_for_the_one_that_a_run_was_begun_with() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    fs::write(path.join("data.csv"), table(60)).unwrap();
    result(path, "train classifier --data data.csv:label=kind --net-arch mlp:4 --epochs 2 --out run");
    fs::write(path.join("data.csv"), table(61)).unwrap();
    let output = potstill(path, "train classifier --config run/config.toml --out again");
    let line = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(2) && line.contains("it is not the data that the run was begun with"),
        "{line}"
    );
}

#[test]
fn faults_of_a_table_are_told_in_a_line() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let check = |text: &str, options: &str, expected: &str| {
        fs::write(path.join("t.csv"), text).unwrap();
        let source = format!("t.csv{options}");
        let expected = format!("error: --data {source}: {expected}");
        refused(path, &format!("train classifier --data {source} --net-arch mlp:4 --epochs 1"), &expected);
    };
    check("", ":label=k", "it is empty");
    check("x,k\n", ":label=k", "it has no rows");
    check(
        "x,k\n1,a\n2,a\n3,a\n",
        ":label=k",
        "column `k`: all training rows are of the class `a`; two are needed",
    );
    check("x,k\n1,a\n2,b\n3,c\n", ":label=z", "it has no column `z`; it has x, k");
    check(
        "x,k\n1,a\n2,b\n",
        "",
        "which column has the classes? add :label=NAME (or :target=NAME for a regression); it has x, k",
    );
    check("x,k\n1,a\n2,b\n1,a\n2,b\n1,a\n2,b\n", ":label=k,drop=x", "no column is left for the inputs");
    check("x,k\n1,a\n2,b\n", ":labl=k", "no option `labl`; did you mean `label`?");
    let missing = "the value is missing; complete it, leave the row out, or fill in the mean of the training rows with missing=mean";
    check("x,k\n1,a\n,b\n2,a\n3,b\n2,a\n3,b\n", ":label=k", &format!("row 2, column `x`: {missing}"));
    check("x,k\n1,a\n2,\n3,b\n1,a\n3,b\n1,a\n3,b\n", ":label=k", "row 2, column `k`: the label is missing");
    check(
        "x,k\n0.5,1.5\n1,a\n\"2,3\n",
        ":label=k",
        "line 4: its quotation mark is not closed; write \"\" for one in a value that begins with one",
    );
}

#[test]
fn missing_values_constant_columns_and_many_columns_are_learned() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let train = |source: &str| {
        result(
            path,
            &format!("train classifier --data {source} --net-arch mlp:4 --epochs 3 --test-samples 2"),
        )
    };
    fs::write(path.join("gaps.csv"), "x,c,k\n1,u,a\n,v,b\n3,,a\n4,u,b\n1,u,a\n2,v,b\n").unwrap();
    assert_eq!(train("gaps.csv:label=k,missing=mean")["classes"], 2);
    fs::write(path.join("flat.csv"), "x,y,k\n5,1,a\n5,2,b\n5,3,a\n5,4,b\n").unwrap();
    assert_eq!(train("flat.csv:label=k")["train_samples"], 2);
    let names: Vec<String> = (0..10_000).map(|i| format!("f{i}")).collect();
    let row = |class: &str| format!("{}{class}\n", "0.5,".repeat(10_000));
    fs::write(
        path.join("wide.csv"),
        format!("{},k\n{}{}{}{}", names.join(","), row("a"), row("b"), row("a"), row("b")),
    )
    .unwrap();
    assert_eq!(train("wide.csv:label=k")["train_samples"], 2);
}

#[test]
fn every_format_is_found_by_its_content() {
    let dir = TempDir::new().unwrap();
    let check = |name: &str, options: &str, expected: Value| {
        // Whatever its name is.
        let link = dir.path().join("data");
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(testdata(name), &link).unwrap();
        let shown = result(dir.path(), &format!("data show data{options}"));
        let kinds: Vec<Value> =
            shown["columns"].as_array().unwrap().iter().map(|column| column["kind"].clone()).collect();
        assert_eq!((json!(kinds), &shown["rows"]), (expected, &json!(2)), "{name}");
    };
    check("vectors.npy", "", json!(["arrays of 3"]));
    check("stored.npz", "", json!(["arrays of 3", "2 different words"]));
    check("deflated.npz", ":inputs=pictures,labels=classes", json!(["images of 2 x 3", "numbers"]));
    check("file.safetensors", "", json!(["arrays of 3", "numbers"]));
    check("pictures", "", json!(["images of 2 x 3", "2 different words"]));
    check("idx", "", json!(["images of 2 x 3", "numbers"]));
    check("cifar", "", json!(["images of 32 x 32 x 3", "2 different words"]));
    fs::write(dir.path().join("rows"), "{\"t\":\"x\",\"n\":1}\n{\"t\":\"y\",\"n\":2}\n").unwrap();
    let shown = result(dir.path(), "data show rows");
    assert_eq!(shown["columns"][1]["range"], json!([1.0, 2.0]));
    let digits = result(dir.path(), "data show digits");
    assert_eq!(
        (&digits["rows"], &digits["classes"][0]),
        (&json!(1797), &json!({ "name": "3", "rows": 183 }))
    );

    let objects = testdata("objects.npz");
    refused(
        dir.path(),
        &format!("data show {}", objects.display()),
        &format!(
            "error: --data {}: array `x`: its type is `|O`; objects are Python's own; convert it with .astype(str) or .astype(\"float32\")",
            objects.display()
        ),
    );
    refused(
        dir.path(),
        &format!("data show {}", testdata("deflated.npz").display()),
        &format!(
            "error: --data {}: which array has the inputs? add :inputs=NAME,label=NAME; it has pictures, classes",
            testdata("deflated.npz").display()
        ),
    );
}

#[test]
fn a_parquet_table_is_learned() {
    let dir = TempDir::new().unwrap();
    fs::copy(testdata("table.parquet"), dir.path().join("table.parquet")).unwrap();
    let train = "train classifier --data table.parquet:label=kind --net-arch mlp:4 --epochs 60 --learning-rate 0.05 --out run";
    let summary = result(dir.path(), train);
    assert_eq!((&summary["train_samples"], &summary["test_error"]), (&json!(20), &json!(0.0)));
    result(dir.path(), "predict run --data table.parquet --out predictions.csv");
}

#[test]
fn pictures_are_learned_by_convolutions() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let images = testdata("pictures");
    for class in ["a", "b"] {
        fs::create_dir_all(path.join("many").join(class)).unwrap();
        for i in 0..4 {
            fs::copy(images.join(class).join("one.png"), path.join(format!("many/{class}/{i}.png"))).unwrap();
        }
    }
    let train =
        "train classifier --data many --net-arch cnn:4x2,8 --epochs 60 --learning-rate 0.01 --test-samples 4";
    assert_eq!(result(path, &format!("{train} --out run"))["test_error"], 0.0);
    // With everything that makes training harder, and zeros around the image.
    let varied = train.replace("cnn:4x2,8", "cnn:4x3p1,8").replace("--epochs 60", "--epochs 120");
    let keys = "--jitter-pixels 1 --horizontal-flip true --mixup 0.2 --dropout 0.1 --input-dropout 0.1 --max-norm 4 \
                --l2-penalty 1e-5";
    assert_eq!(result(path, &format!("{varied} {keys} --out varied"))["test_error"], 0.0);
    fs::write(path.join("data.csv"), table(30)).unwrap();
    for (keys, reason) in [
        (
            "--dropout 0.5",
            "`dropout`: mlp has no hidden units to leave out; leave it at 0, or give input_dropout",
        ),
        (
            "--jitter-pixels 2",
            "`jitter_pixels`: the samples are no images, which alone can be moved; leave it out",
        ),
        (
            "--horizontal-flip true",
            "`horizontal_flip`: the samples are no images, which alone can be moved; leave it out",
        ),
        ("--dropout 1", "`dropout` (command line): must be from 0 to 0.999, got 1"),
        (
            "--max-norm 0",
            "`max_norm` (command line): must be above 0 (1e-30 to 1e30), or inf for no limit, got 0",
        ),
    ] {
        let train = format!("train classifier --data data.csv:label=kind --net-arch mlp {keys}");
        refused(path, &train, &format!("error: {reason}"));
    }
    for (command, reason) in [
        (
            "reproduce hinton-mnist --out out --data data.csv:label=kind",
            "--data data.csv:label=kind: it has no test part, such as the two t10k files of MNIST",
        ),
        ("reproduce windy --out out --quick", "`windy` has no quick version; give --runs N for fewer runs"),
    ] {
        refused(path, command, &format!("error: {reason}"));
    }
    fs::copy(images.join("a/one.png"), path.join("many/loose.png")).unwrap();
    refused(
        path,
        train,
        "error: --data many: loose.png: it lies in no folder of a class; put each picture into a folder with the name of its class",
    );
}

#[test]
fn rows_that_lie_in_a_file_give_the_same_model() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    fs::write(path.join("data.csv"), table(300)).unwrap();
    fs::write(path.join("more.csv"), table(90)).unwrap();
    fs::write(path.join("lines.jsonl"), reviews(90)).unwrap();
    #[cfg(unix)]
    for (name, link) in [
        ("deflated.npz", "deflated.npz"),
        ("stored.npz", "stored.npz"),
        ("file.safetensors", "file.safetensors"),
        // `idx:` is the name of a format.
        ("idx", "folder"),
    ] {
        std::os::unix::fs::symlink(testdata(name), path.join(link)).unwrap();
    }
    let model = |run: &str| fs::read(path.join(run).join("model.safetensors")).unwrap();
    let check = |source: &str, options: &str| {
        let joint = if source.contains(':') { ',' } else { ':' };
        let out = &format!("of-{}", source.split([':', '.']).next().unwrap());
        let train = |source: &str, out: &str| {
            let train = format!("train classifier --data {source} {options} --epochs 3 --seed 1 --out {out}");
            result(path, &train)["test_error"].clone()
        };
        let in_file = format!("{out}-in-file");
        assert_eq!(train(source, out), train(&format!("{source}{joint}memory=0"), &in_file), "{source}");
        assert!(model(out) == model(&in_file), "{source}");
    };
    check("data.csv:label=kind", "--net-arch mlp:8");
    check("lines.jsonl:text=review,label=stars", "--net-arch text:64");
    #[cfg(unix)]
    for source in ["stored.npz", "deflated.npz:inputs=pictures,labels=classes", "file.safetensors", "folder"]
    {
        check(source, &format!("--net-arch mlp:4 --test {source}"));
    }
    // A student, and rows without labels.
    let student = |memory: &str, out: &str| {
        let distil = "distill --teacher of-data --student mlp:4 --epochs 3 --seed 1";
        let sources = format!("--data data.csv:label=kind{memory} --unlabelled more.csv:label=kind{memory}");
        result(path, &format!("{distil} {sources} --out {out}"))
    };
    student("", "student");
    student(",memory=0", "student-in-file");
    assert!(model("student") == model("student-in-file"));
    refused(
        path,
        "train classifier --data data.csv:label=kind,memory=much --out no",
        "error: --data data.csv:label=kind,memory=much: memory=much: expected a size such as 64MiB",
    );
}

#[test]
fn a_folder_of_seeds_is_evaluated_seed_by_seed() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    result(path, "train q-learning --env CliffWalking-v1 --episodes 60 --seeds 3 --out walks");
    let all = result(path, "eval walks --episodes 2");
    let one = |seed: u64| result(path, &format!("eval walks/seed-{seed} --episodes 2"));
    let runs: Vec<Value> = (0..3).map(one).collect();
    assert_eq!((&all["seeds"], &all["env"]), (&json!(3), &json!("CliffWalking-v1")));
    assert_eq!(all["runs"], json!(runs));
    let mean = runs.iter().map(|run| run["mean_return"].as_f64().unwrap()).sum::<f64>() / 3.0;
    assert!((all["mean_return"]["mean"].as_f64().unwrap() - mean).abs() < 1e-9, "{all}");
    assert!(all["mean_return"]["mean_ci95"].is_array());
}
