//! Tests of recorded answers as teachers: files of probabilities, logits or votes.

mod common;

use common::flowers::{SPECIES, flowers, folder, refused, told};
use common::{potstill, result};
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

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
        "error: --teacher answers.csv: it was recorded for other data; record it again, or name the rows of \
         both with id=NAME"
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
    let train = "train classifier --data noise.csv:label=kind --net-arch mlp:128 --epochs 400 \
                 --learning-rate 0.01 --test-samples 10 --seed 3 --out run";
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
            // Without log-probabilities.
            8 => json!({"custom_id": "r8", "response": {"body": {"choices": [{"message": {"content": "It is \
                good."}}]}}}),
            _ => answer(i, if i % 2 == 0 { 0.9 } else { 0.2 }),
        })
        .map(|line| line.to_string())
        .collect();
    // With the mark that some programs begin a file with.
    fs::write(path.join("batch.jsonl"), format!("\u{feff}{}", lines.join("\n"))).unwrap();
    let imported = result(path, "data import batch.jsonl --classes good,bad=bad|poor --out answers.csv");
    assert_eq!((&imported["answered"], &imported["failed"]), (&json!(39), &json!(1)));
    assert_eq!(imported["named"], json!({"good": 20, "bad": 19}));
    // What else the model would have said of the one is not known.
    assert_eq!(imported["by_words_alone"], 1);
    assert!((imported["coverage"].as_f64().unwrap() - 1.0).abs() < 1e-9);
    let csv = fs::read_to_string(path.join("answers.csv")).unwrap();
    assert!(csv.contains("\nr8,1,0,\n"), "{csv}");
    let row = |i: usize| format!("r{i},{},{}\n", [1.0, -1.0][i % 2], ["good", "bad"][i % 2]);
    fs::write(path.join("rows.csv"), format!("name,x,kind\n{}", (0..40).map(row).collect::<String>()))
        .unwrap();
    let student = "distill --teacher answers.csv:id=id,missing=drop --data rows.csv:id=name,label=kind \
                   --student mlp:4 --epochs 60 --learning-rate 0.05 --seed 1 --out student";
    let output = potstill(path, &format!("{student} --json"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("1 of 27 training rows have no answer of the teacher and are left out"), "{told}");
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["train_samples"], &summary["test_error"]), (&json!(26), &json!(0.0)));
}

#[test]
fn recorded_answers_are_held_to_the_rows_that_they_are_joined_with() {
    let dir = folder();
    let path = dir.path();
    let text = flowers(120, SPECIES);
    let (head, rows) = text.split_once('\n').unwrap();
    let named: Vec<String> = rows.lines().enumerate().map(|(i, row)| format!("n{i},{row}")).collect();
    let write = |file: &str, rows: &[String]| {
        fs::write(path.join(file), format!("id,{head}\n{}\n", rows.join("\n"))).unwrap();
    };
    write("all.csv", &named);
    let record = "distill record --teacher sk-forest.onnx --data";
    result(path, &format!("{record} all.csv:id=id,label=species --out answers.csv"));
    result(path, &format!("{record} flowers.csv:label=species --out answers.safetensors"));
    // As files of before: without checksums of rows.
    let answers = fs::read_to_string(path.join("answers.csv")).unwrap();
    let short: Vec<&str> = answers.lines().map(|line| line.rsplit_once(',').unwrap().0).collect();
    fs::write(path.join("old.csv"), short.join("\n")).unwrap();
    let student = "distill --student mlp:4 --epochs 1 --data few.csv:id=id,label=species";
    let (more, test) = ("--unlabelled rest.csv:id=id", "--test test.csv:id=id");
    let check = |teacher: &str, options: &str, expected: Option<&str>| {
        let out = format!("{}{options}", teacher.len()).replace([' ', ':', '=', '.', '-'], "");
        let code = if expected.is_some() { 2 } else { 0 };
        let line = told(path, &format!("{student} --teacher {teacher} {options} --out {out}"), code);
        if let Some(expected) = expected {
            assert_eq!(line, format!("error: --teacher {teacher}: {expected}"));
        }
        let _ = fs::remove_dir_all(path.join(out));
    };
    let changed = |rows: &[String], from: &str, to: &str| -> Vec<String> {
        rows.iter()
            .map(|row| {
                if row.starts_with("n7,") || row.starts_with("n77,") || row.starts_with("n111,") {
                    row.replacen(from, to, 1)
                } else {
                    row.clone()
                }
            })
            .collect()
    };
    let (few, rest, tested) = (&named[..60], &named[60..100], &named[100..]);
    write("few.csv", few);
    write("rest.csv", rest);
    write("test.csv", tested);
    let by_name = "answers.csv:id=id";
    check(by_name, &format!("{more} {test}"), None);
    // Labels are none of the teacher's business.
    write("few.csv", &changed(few, "versicolor", "setosa"));
    check(by_name, &format!("{more} {test}"), None);
    let refusal = |name: &str| {
        format!("it was recorded for other data, in which the row `{name}` has other values; record it again")
    };
    write("few.csv", &changed(few, ",", ",1"));
    check(by_name, "", Some(&refusal("n7")));
    write("few.csv", few);
    write("rest.csv", &changed(rest, ",", ",1"));
    check(by_name, more, Some(&refusal("n77")));
    write("rest.csv", rest);
    write("test.csv", &changed(tested, ",", ",1"));
    check(by_name, test, Some(&refusal("n111")));
    check("old.csv:id=id", "", Some("it was recorded for other data; record it again"));
    check("old.csv:id=id", more, Some("it was recorded for other data; record it again"));
    write("few.csv", &named);
    check("old.csv:id=id", "", None);
    // Row by row there are no names.
    write("few.csv", few);
    write("rest.csv", &named[60..]);
    let other = "it was recorded for other data; record it again, or name the rows of both with id=NAME";
    check("answers.safetensors", more, Some(other));
    check("answers.csv", more, None);
    write("rest.csv", &changed(&named[60..], ",", ",1"));
    // The column that names the rows of the data joins these, too.
    check("answers.csv", more, Some(&refusal("n77")));
    // Options of a file of answers are honoured, too, or refused.
    check(
        "answers.csv:id=id,missing=mean",
        "",
        Some("missing=mean: it is of inputs, and these are answers; leave the option out"),
    );
    check(
        "answers.csv:id=id,drop=[\"logit(setosa)\",\"logit(virginica)\"]",
        "",
        Some("it has answers of 1 class; two are needed"),
    );
}

#[test]
fn rows_named_on_one_side_alone_are_not_joined_by_their_order() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let rows = |line: fn(usize) -> String| (0..12).map(line).collect::<String>();
    let data = format!("id,x,kind\n{}", rows(|i| format!("r{i},{i},{}\n", ["a", "b"][i % 2])));
    fs::write(path.join("data.csv"), data).unwrap();
    let answers = format!("id,p(a),p(b)\n{}", rows(|i| format!("r{},0.25,0.75\n", 11 - i)));
    fs::write(path.join("answers.csv"), answers).unwrap();
    let student = "--student mlp:2 --epochs 1 --out run";
    let check = |teacher: &str, data: &str, expected: &str| {
        refused(path, &format!("distill --teacher {teacher} --data {data} {student}"), expected, "data.csv");
        assert!(!path.join("run").exists());
    };
    check(
        "answers.csv:id=id",
        "data.csv:label=kind,drop=id",
        "rows of the answers have names (id=NAME), those of the data have not",
    );
    check(
        "answers.csv:drop=id",
        "data.csv:label=kind,id=id",
        "rows of the data have names (id=NAME), those of the answers have not",
    );
    result(path, &format!("distill --teacher answers.csv:id=id --data data.csv:label=kind,id=id {student}"));
}

/// The first lines of a table, and the others without their last column.
fn parts_of(table: &str, labelled: usize) -> (String, String) {
    let lines: Vec<&str> = table.lines().collect();
    let without = |line: &&str| line.rsplit_once(',').map_or("", |(rest, _)| rest).to_owned() + "\n";
    let rest: String = lines[..1].iter().chain(&lines[1 + labelled..]).map(without).collect();
    (lines[..=labelled].join("\n"), rest)
}

#[test]
fn answers_to_rows_without_labels_may_have_a_file_of_their_own() {
    let dir = folder();
    let path = dir.path();
    let (few, rest) = parts_of(&flowers(120, SPECIES), 80);
    fs::write(path.join("few.csv"), few).unwrap();
    fs::write(path.join("rest.csv"), rest).unwrap();
    let student =
        "--data few.csv:label=species --unlabelled rest.csv --student mlp:8 --epochs 20 --seed 1 --out";
    result(path, &format!("distill --teacher sk-forest.onnx {student} live"));
    let model = |run: &str| fs::read(path.join(run).join("model.safetensors")).unwrap();
    for ending in ["csv", "safetensors"] {
        for (data, out) in [("few.csv:label=species", "a"), ("rest.csv", "b")] {
            let record =
                format!("distill record --teacher sk-forest.onnx --data {data} --out {out}.{ending}");
            result(path, &record);
        }
        let both = format!("--teacher a.{ending} --teacher-unlabelled b.{ending}");
        let summary = result(path, &format!("distill {both} {student} {ending}"));
        assert_eq!((&summary["train_samples"], &summary["unlabelled_samples"]), (&json!(54), &json!(40)));
        assert!(model(ending) == model("live"), "{ending}");
        // Repeated from what the run keeps, in another folder.
        fs::create_dir(path.join(format!("{ending}-elsewhere"))).unwrap();
        let elsewhere = path.join(format!("{ending}-elsewhere"));
        result(&elsewhere, &format!("distill --config ../{ending}/config.toml --out again"));
        assert!(fs::read(elsewhere.join("again/model.safetensors")).unwrap() == model("live"), "{ending}");
    }
    // Of several teachers the recorded ones have a file each; a search chooses with both files, too.
    let several =
        "distill --teacher a.csv,sk-forest.onnx,a.safetensors --teacher-unlabelled b.csv,b.safetensors";
    result(path, &format!("{several} {student} several"));
    let search = format!(
        "distill --teacher a.csv --teacher-unlabelled b.csv --temperature 1,2 --seeds 2 {student} search"
    );
    result(path, &search);
    let check = |options: &str, expected: &str| {
        assert_eq!(told(path, &format!("distill {options} {student} no"), 2), format!("error: {expected}"));
        assert!(!path.join("no").exists(), "{options}");
    };
    check(
        "--teacher a.csv",
        "--teacher a.csv: it has answers to the 80 rows of --data alone; give those to --unlabelled with \
         --teacher-unlabelled FILE",
    );
    check(
        "--teacher a.csv --teacher-unlabelled a.csv",
        "--teacher-unlabelled a.csv: it was recorded for other data; record it again, or name the rows of \
         both with id=NAME",
    );
    check(
        "--teacher b.csv --teacher-unlabelled a.csv",
        "--teacher b.csv: it was recorded for other data; record it again, or name the rows of both with \
         id=NAME",
    );
    check(
        "--teacher sk-forest.onnx --teacher-unlabelled b.csv",
        "--teacher-unlabelled b.csv: expected 0 files, one for each recorded teacher; others answer by \
         themselves",
    );
    check(
        "--teacher a.csv --teacher-unlabelled none.csv",
        "--teacher-unlabelled none.csv: there is no such file",
    );
    let without = "distill --teacher a.csv --teacher-unlabelled b.csv --data few.csv:label=species --student \
                   mlp:8 --out no";
    assert_eq!(
        told(path, without, 2),
        "error: --teacher-unlabelled b.csv: it answers the rows of --unlabelled; give them, too"
    );
}

#[test]
fn values_of_rows_without_numbers_may_have_a_file_of_their_own() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let rows =
        |from: usize, to: usize, line: &dyn Fn(usize) -> String| (from..to).map(line).collect::<String>();
    fs::write(path.join("few.csv"), format!("x,price\n{}", rows(0, 30, &|i| format!("{i}.5,{}\n", 2 * i))))
        .unwrap();
    fs::write(path.join("rest.csv"), format!("x\n{}", rows(30, 60, &|i| format!("{i}.5\n")))).unwrap();
    fs::write(
        path.join("a.csv"),
        format!("prediction,deviation\n{}", rows(0, 30, &|i| format!("{},0.5\n", 2 * i))),
    )
    .unwrap();
    fs::write(path.join("b.csv"), format!("prediction\n{}", rows(30, 60, &|i| format!("{}\n", 2 * i))))
        .unwrap();
    let all = rows(0, 60, &|i| format!("{},{}\n", 2 * i, if i < 30 { 0.5 } else { 0.0 }));
    fs::write(path.join("all.csv"), format!("prediction,deviation\n{all}")).unwrap();
    let student = "--data few.csv:target=price --unlabelled rest.csv --student mlp:4 --epochs 5 --out";
    result(path, &format!("distill --teacher a.csv --teacher-unlabelled b.csv {student} two"));
    result(path, &format!("distill --teacher all.csv {student} one"));
    let model = |run: &str| fs::read(path.join(run).join("model.safetensors")).unwrap();
    assert!(model("one") == model("two"));
}

/// The beginning of the warning of a teacher that is no better than a constant.
const CONSTANT: &str = "warning: the teacher is right on ";

#[test]
fn strange_answers_are_refused_with_their_place() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let row = |i: usize| format!("{i}.5,{}\n", ["a", "b", "c"][i % 3]);
    fs::write(path.join("d.csv"), format!("x,k\n{}", (0..9).map(row).collect::<String>())).unwrap();
    let student = "--data d.csv:label=k --student mlp:2 --epochs 1 --test-samples 3 --out run";
    // Nine rows of answers, of which the fifth is another.
    let table = |names: &str, usual: &str, fifth: &str| {
        let line = |i: usize| if i == 4 { format!("{fifth}\n") } else { format!("{usual}\n") };
        format!("{names}\n{}", (0..9).map(line).collect::<String>())
    };
    let check = |file: &str, content: &str, expected: Option<&str>| {
        fs::write(path.join(file), content).unwrap();
        let code = if expected.is_some() { 2 } else { 0 };
        let line = told(path, &format!("distill --teacher {file} {student}"), code);
        match expected {
            Some(expected) if expected.starts_with("--") => assert_eq!(line, format!("error: {expected}")),
            Some(expected) => assert_eq!(line, format!("error: --teacher {file}: {expected}"), "{content}"),
            // The same answer to every row is no better than the most frequent class.
            None => assert!(line.is_empty() || line.starts_with(CONSTANT), "{content}: {line}"),
        }
        assert_eq!(path.join("run").exists(), expected.is_none(), "{content}");
        let _ = fs::remove_dir_all(path.join("run"));
    };
    let (names, usual) = ("p(a),p(b),p(c)", "0.5,0.25,0.25");
    check("t.csv", &table(names, usual, "0.75,0.25,"), None);
    for nan in ["nan", "NaN", "NAN"] {
        check(
            "t.csv",
            &table(names, usual, &format!("0.75,0.25,{nan}")),
            Some(
                "line 6, column `p(c)`: nan is no answer; leave the cell empty if the class is not among the \
                 most probable ones that are known",
            ),
        );
    }
    check("t.csv", &table(names, usual, "0.75,oops,0.25"), Some("row 5, column `p(b)`: `oops` is no number"));
    check(
        "t.csv",
        &table(names, "0.5;0.25;0.25", "1").replace(',', ";"),
        Some(
            "line 6: 1 value, but there are 3 columns; is a value with a delimiter in it without quotation \
             marks?",
        ),
    );
    check(
        "t.csv",
        &table(names, usual, ",,"),
        Some("row 5: it has no answer; complete it, or leave such rows out with missing=drop"),
    );
    check(
        "t.csv",
        &table("p(a),p(b)", "0.5,0.5", "0.5,0.5"),
        Some("it has no p(c) for that class of the data; it has p(a), p(b)"),
    );
    check(
        "t.csv",
        &table("a,b,c", usual, usual),
        Some(
            "it has no answers of a teacher: columns p(CLASS), logit(CLASS) or votes(CLASS); it has a, b, c",
        ),
    );
    check(
        "t.csv",
        &table(names, usual, "0.5,0.25,0.22"),
        Some("row 5: the probabilities sum to 0.97, not to 1"),
    );
    let line = |c: &str| format!("{{\"p\":{{\"a\":0.75,\"b\":0.25,\"c\":{c}}}}}\n");
    let lines = |fifth: &str| (0..9).map(|i| line(if i == 4 { fifth } else { "0.0" })).collect::<String>();
    check("t.jsonl", &lines("null"), None);
    check("t.jsonl", &lines("NaN"), Some("line 5: NaN is no JSON; write null, or leave the name out"));
    check("t.jsonl", &lines("\"x\""), Some("line 5: `p(c)` is \"x\"; it was a number before"));
    check("t.onnx", "hello\n", Some("its content is no ONNX model; export it again"));
    check("t.onnx", "", Some("its content is no ONNX model; export it again"));
    let none = format!("distill --teacher none.onnx {student}");
    assert_eq!(told(path, &none, 2), "error: --teacher none.onnx: there is no such run directory or file");
}

#[test]
fn answers_that_are_taken_for_others_are_told() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let row = |i: usize| format!("{i}.5,{}\n", ["a", "b", "c"][i % 3]);
    fs::write(path.join("d.csv"), format!("x,k\n{}", (0..9).map(row).collect::<String>())).unwrap();
    let check = |answers: &str, expected: &str| {
        fs::write(path.join("t.csv"), answers).unwrap();
        let student = "distill --teacher t.csv --data d.csv:label=k --student mlp:2 --epochs 1 --out run";
        assert_eq!(told(path, student, 0), expected);
        fs::remove_dir_all(path.join("run")).unwrap();
    };
    let nine = |names: &str, row: &str| format!("{names}\n{}", format!("{row}\n").repeat(9));
    check(
        &nine("p(0),p(1),p(2)", "0.5,0.25,0.25"),
        "warning: --teacher t.csv: its classes have no names, and are taken for those of the data in their \
         order: a, b, c; name them if it is another (columns p(NAME), or an array `classes`)",
    );
    let constant = format!(
        "{CONSTANT}33.3 % of the training rows, and always naming the most frequent class on 33.3 %; are they answers to these \
         rows (id=NAME), and their columns those of these classes or this unit?"
    );
    check(&nine("p(c),p(b),p(a)", "0.5,0.25,0.25"), &constant);
    check(
        &nine("p(a),p(b),p(c)", "0.33,0.33,0.33"),
        "warning: --teacher t.csv: the probabilities of 9 of 9 rows sum to 0.99, as rounded ones do, and are \
         scaled to 1",
    );
}

#[test]
fn rows_without_an_answer_are_refused_or_left_out_on_purpose() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let rows =
        |from: usize, to: usize, line: &dyn Fn(usize) -> String| (from..to).map(line).collect::<String>();
    let row = |i: usize| format!("r{i},{i}.5,{}\n", ["a", "b"][i % 2]);
    fs::write(path.join("d.csv"), format!("id,x,k\n{}", rows(0, 30, &row))).unwrap();
    fs::write(path.join("test.csv"), format!("id,x,k\n{}", rows(30, 40, &row))).unwrap();
    fs::write(path.join("u.csv"), format!("id,x\n{}", rows(40, 50, &|i| format!("r{i},{i}.5\n")))).unwrap();
    let answer = |i: usize| format!("r{i},0.75,0.25\n");
    let head = "id,p(a),p(b)\n";
    fs::write(path.join("part.csv"), format!("{head}{}", rows(0, 20, &answer))).unwrap();
    fs::write(path.join("more.csv"), format!("{head}{}", rows(0, 45, &answer))).unwrap();
    let gap = |i: usize| if i < 20 { answer(i) } else { format!("r{i},,\n") };
    fs::write(path.join("gaps.csv"), format!("{head}{}", rows(0, 30, &gap))).unwrap();
    let student = "--data d.csv:id=id,label=k --test test.csv:id=id,label=k --student mlp:2 --epochs 1 --out";
    let check = |teacher: &str, options: &str, (code, expected): (i32, &str), samples: u64| {
        let run = "run";
        let line = told(path, &format!("distill --teacher {teacher} {student} {run} {options}"), code);
        assert_eq!(line, expected, "{teacher} {options}");
        if code == 0 {
            let summary = fs::read_to_string(path.join(run).join("summary.json")).unwrap();
            let summary: Value = serde_json::from_str(&summary).unwrap();
            assert_eq!(summary["train_samples"], json!(samples), "{teacher} {options}");
            fs::remove_dir_all(path.join(run)).unwrap();
        }
        assert!(!path.join(run).exists());
    };
    check(
        "part.csv:id=id",
        "",
        (
            2,
            "error: --teacher part.csv:id=id: it has no answer to 10 of 30 training rows, such as row 21 \
             (`r20`); complete it, or leave these rows out with missing=drop",
        ),
        0,
    );
    let left_out = "warning: 10 of 30 training rows have no answer of the teacher and are left out";
    check("part.csv:id=id,missing=drop", "", (0, left_out), 20);
    // Rows that are there, and empty; by their names, and one by one.
    check("gaps.csv:id=id,missing=drop", "", (0, left_out), 20);
    let by_order =
        student.replace("d.csv:id=id,", "d.csv:drop=id,").replace("test.csv:id=id,", "test.csv:drop=id,");
    let line = told(path, &format!("distill --teacher gaps.csv:drop=id,missing=drop {by_order} ordered"), 0);
    assert_eq!(line, left_out);
    // Some of the others may be without.
    let some = "warning: 5 of 40 training rows have no answer of the teacher and are left out";
    check("more.csv:id=id", "--unlabelled u.csv:id=id", (0, some), 30);
    check(
        "part.csv:id=id,missing=drop",
        "--unlabelled u.csv:id=id",
        (
            2,
            "error: --teacher part.csv:id=id,missing=drop: it has no answer to a row of --unlabelled; give \
             these with --teacher-unlabelled FILE",
        ),
        0,
    );
    let wrong =
        "error: --data d.csv:missing=drop: missing=drop: it is of a file of answers; expected mean or refuse";
    assert_eq!(told(path, "data show d.csv:missing=drop", 2), wrong);
}
