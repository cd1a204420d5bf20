//! Tests of data that is not what was meant: other formats, numbers that are words, names with control characters.

mod common;

use common::{potstill, result};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const TABLE: &str = "x,k\n1,a\n2,b\n3,a\n4,b\n5,a\n6,b\n7,a\n8,b\n9,a\n";
const TRAIN: &str = "train classifier --net-arch mlp:2 --epochs 1 --out run";

/// The lines of a command on stderr, which must end with this code.
fn told(dir: &Path, arguments: &str, code: i32) -> String {
    let output = potstill(dir, arguments);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments}: {text}");
    text
}

#[test]
fn a_refusal_names_the_option_that_named_the_file() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    fs::write(path.join("d.csv"), TABLE).unwrap();
    fs::write(path.join("bad.csv"), "x,k\n1\n").unwrap();
    let check = |arguments: &str, expected: &str| {
        let line = told(path, arguments, 2);
        assert!(line.starts_with(&format!("error: {expected}")), "{arguments}: {line}");
        assert_eq!(line.lines().count(), 1, "{line}");
    };
    let damaged = "bad.csv:label=k: line 2: 1 value,";
    check(&format!("{TRAIN} --data bad.csv:label=k"), &format!("--data {damaged}"));
    check(&format!("{TRAIN} --data d.csv:label=k --test bad.csv:label=k"), &format!("--test {damaged}"));
    check(&format!("{TRAIN} --data d.csv:label=k --test none.csv"), "--test none.csv: there is no such file");
    let distill = "distill --student mlp:2 --epochs 1 --data d.csv:label=k --out run";
    check(&format!("{distill} --teacher bad.csv"), "--teacher bad.csv: line 2: 1 value,");
    result(path, "train classifier --net-arch mlp:2 --epochs 1 --data d.csv:label=k --out t");
    check(&format!("{distill} --teacher t --unlabelled bad.csv"), "--unlabelled bad.csv: line 2: 1 value,");
}

#[test]
fn files_that_are_not_read_are_told_what_they_are() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let wide: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(TABLE.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let check = |bytes: &[u8], expected: &str| {
        fs::write(path.join("f"), bytes).unwrap();
        assert_eq!(told(path, "data show f", 2).trim_end(), format!("error: --data f: {expected}"));
    };
    check(&wide, "its text is UTF-16; save it as UTF-8");
    check(b"\xef\xbb\xbf\r\n\r\n", "it is empty");
    check(
        b"\x80\x04\x95\x10",
        "it is a Python pickle, which is not read; save a table as CSV, and arrays with numpy.savez",
    );
    check(b"# by hand\nx,k\n1,a\n", "line 1 is a comment; remove the lines before the names of the columns");
    let pictures = path.join("pictures");
    fs::create_dir_all(pictures.join("cat")).unwrap();
    fs::write(pictures.join("cat/c.png"), b"\x89PNG").unwrap();
    fs::write(pictures.join("cat/.DS_Store"), b"x").unwrap();
    fs::write(pictures.join("cat/a.jpg"), b"x").unwrap();
    let line = told(path, "data show pictures", 2);
    let reason = "cat/a.jpg: it is no PNG picture; convert or remove what is none";
    assert_eq!(line.trim_end(), format!("error: --data pictures: {reason}"));
    fs::create_dir_all(pictures.join("cat/old")).unwrap();
    let line = told(path, "data show pictures", 2);
    let reason = "cat/old/: it is a folder in that of a class; move its pictures into that, or remove it";
    assert_eq!(line.trim_end(), format!("error: --data pictures: {reason}"));
}

#[test]
fn an_array_of_records_is_a_table() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    fs::write(path.join("f.json"), "[\n {\"x\": 1.5, \"k\": \"a\"},\n {\"x\": null, \"k\": \"b\"}]\n")
        .unwrap();
    let shown = result(path, "data show f.json:label=k");
    assert_eq!((&shown["rows"], &shown["columns"][0]["missing"]), (&Value::from(2), &Value::from(1)));
    fs::write(path.join("f.json"), "[{\"x\": 1}, {\"x\": [2]}]").unwrap();
    let line = told(path, "data show f.json", 2);
    assert_eq!(line.trim_end(), "error: --data f.json: row 2: `x` is [2]; it was a number before");
}

#[test]
fn numbers_that_became_words_are_warned_of() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    fs::write(path.join("d.csv"), "x;y;k\n1,5;1;a\n2,5;2;b\n3,5;oops;a\n4,5;4;b\n5,5;5;a\n6,5;6;b\n")
        .unwrap();
    let expected = [
        "column `x`: its numbers have decimal commas (`1,5`), so that they are words; write points",
        "column `y`: 5 of its 6 different values are numbers, but `oops` (row 3) is not, so that all are words; correct or remove it",
    ];
    let shown = result(path, "data show d.csv:label=k");
    assert_eq!(shown["warnings"], serde_json::json!(expected));
    let line = told(path, &format!("{TRAIN} --data d.csv:label=k"), 0);
    for warning in expected {
        assert!(line.contains(&format!("warning: {warning}\n")), "{line}");
    }
}

#[test]
fn control_characters_of_data_do_not_reach_the_terminal() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    fs::write(path.join("d.csv"), TABLE.replace(",k\n", ",\x1b[31mk\n").replace(",a\n", ",\x1b[2Ja\n"))
        .unwrap();
    let check = |arguments: &str| {
        let output = potstill(path, arguments);
        let text = [output.stdout, output.stderr].concat();
        assert!(!text.contains(&0x1b), "{arguments}: {}", String::from_utf8_lossy(&text));
    };
    check("data show d.csv");
    check("data show d.csv:label=nothing");
    check(&format!("{TRAIN} --data d.csv:target=x"));
    check(&format!("{TRAIN} --data d.csv"));
    check("show run");
}

#[test]
fn words_and_numbers_that_a_model_takes_otherwise_are_warned_of() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let row =
        |i: usize| format!("{},{},{}\n", 1_700_000_000 + 60 * i, ["red", "blue"][i % 2], ["a", "b"][i % 2]);
    fs::write(path.join("d.csv"), format!("time,colour,k\n{}", (0..30).map(row).collect::<String>()))
        .unwrap();
    fs::write(path.join("n.csv"), "time,colour\n1700000000,green\n1700000060,red\n1700000000,brown\n")
        .unwrap();
    result(path, "train classifier --net-arch mlp:2 --epochs 1 --data d.csv:label=k --out run");
    let line = told(path, "predict run --data n.csv --out p.csv", 0);
    assert_eq!(
        line,
        "warning: column `colour`: 2 rows have words that the model has not learned (`green`, row 1)\n"
    );
    let line = told(path, "export run --to onnx --out run.onnx", 0);
    assert!(line.starts_with("warning: column `time`: the file takes single precision"), "{line}");
    assert_eq!(
        told(path, "predict d.csv --data n.csv --out q.csv", 2),
        "error: d.csv: it is neither a run directory nor an ONNX model\n"
    );
}

#[test]
fn names_and_numbers_of_rows_are_warned_of() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let row = |i: usize| format!("n{i},{},{}.5,{}\n", i + 1, i % 7, ["a", "b"][i % 2]);
    fs::write(path.join("d.csv"), format!("name,n,x,k\n{}", (0..30).map(row).collect::<String>())).unwrap();
    let name = "warning: column `name`: 30 different words in 30 rows, each of which would be an input of \
                its own; write id=name if they name the rows, or drop=name";
    let number = "warning: column `n`: it numbers the rows, from 1 on, and tells nothing else of them; write \
                  id=n if it names them, or drop=n";
    let check = |options: &str, expected: &[&str]| {
        let lines = told(path, &format!("{TRAIN} --data d.csv:label=k{options}"), 0);
        assert_eq!(lines.lines().collect::<Vec<_>>(), expected, "{options}");
        fs::remove_dir_all(path.join("run")).unwrap();
    };
    check("", &[name, number]);
    check(",id=name", &[number]);
    check(",id=n,drop=name", &[]);
}

#[test]
fn a_missing_word_is_none_of_the_known_ones() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    fs::write(path.join("d.csv"), "c,k\nred,a\n,b\nblue,a\nred,b\nblue,a\nred,b\n").unwrap();
    let expected = "error: --data d.csv:label=k: row 2, column `c`: the word is missing; complete it, leave \
                    the row out, or take a missing word for none of the known ones with missing=mean\n";
    assert_eq!(told(path, &format!("{TRAIN} --test-samples 1 --data d.csv:label=k"), 2), expected);
    assert_eq!(told(path, &format!("{TRAIN} --test-samples 1 --data d.csv:label=k,missing=mean"), 0), "");
}
