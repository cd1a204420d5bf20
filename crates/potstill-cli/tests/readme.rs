//! Tests of the README's commands, as written.

#[path = "common/console.rs"]
#[allow(dead_code, reason = "the book needs all of it")]
mod console;

use console::{matches, output, renewed, steps};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// The lines of the README's `sh` blocks, without comments.
fn commands() -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let blocks = readme.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).map(|line| line.split(" #").next().unwrap().trim());
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

/// Runs a command line in the root, and restores `runs/` afterwards.
fn run(command: &str) -> String {
    let output = Command::new("bash").current_dir(root()).args(["-c", command]).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

#[test]
fn both_commands_work_as_written() {
    let commands = commands();
    assert_eq!(commands[..2], ["cargo run --release -- quickstart", "cargo xtask test"]);

    let shown = run(&commands[0]);
    for words in ["The cliff", "Teacher to student", "Dark knowledge", "report.html"] {
        assert!(shown.contains(words), "{shown}");
    }
    let line = shown.lines().find(|line| line.contains("Run directory: ")).unwrap();
    let out = root().join(line.rsplit("Run directory: ").next().unwrap());
    assert!(out.join("report.html").is_file());
    check_summary(&out);
    fs::remove_dir_all(out).unwrap();
    check_tables(&shown);

    // Within `cargo xtask test` the second command is what runs this very test; elsewhere it is run here.
    if std::env::var("POTSTILL_XTASK").as_deref() != Ok("test") {
        run(&commands[1]);
    }
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap();
    assert!(ci.lines().any(|line| line == commands[1]), "CI runs what the README says");
}

/// The first block without a kind: the tables of the quickstart.
fn tables(readme: &str) -> &str {
    let block = readme.split("\n```\n").find(|part| part.trim_start().starts_with("parameters"));
    block.expect("the tables stand in a block of their own")
}

/// Checks that the README's tables are what the quickstart prints; `POTSTILL_BLESS` writes them anew.
fn check_tables(printed: &str) {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let table = tables(&readme);
    let lines = |text: &str| -> Vec<String> { text.lines().map(|line| line.trim_end().to_owned()).collect() };
    let any = || "...".to_owned();
    let mut shown = vec![any()];
    shown.extend(lines(table).into_iter().map(|line| if line.is_empty() { any() } else { line }));
    shown.push(any());
    let printed = lines(printed);
    if matches(&shown, &printed) {
        return;
    }
    let new = renewed(&shown, &printed);
    let new: Vec<&str> =
        new[1..new.len() - 1].iter().map(|line| if line == "..." { "" } else { line }).collect();
    let new = new.join("\n");
    assert!(std::env::var("POTSTILL_BLESS").is_ok(), "the README's tables; bless them, or write\n{new}");
    fs::write(root().join("README.md"), readme.replace(table, &new)).unwrap();
}

/// Parts of the README's commands, and what stands in their place so that they take seconds.
const SMALLER: [(&str, &str); 22] = [
    // Before the number that it begins with.
    ("--steps 5000000", "--steps 5000"),
    ("--steps 1000000", "--steps 2000"),
    ("--preset zoo --steps 20000", "--preset zoo --steps 300"),
    ("LinearQuadratic --steps 20000", "LinearQuadratic --steps 300"),
    ("--steps 50000", "--steps 2000"),
    ("--steps 8000", "--steps 100"),
    ("--steps 60000", "--steps 2000"),
    ("--steps 100000", "--steps 2000"),
    ("--steps 30000", "--steps 2000"),
    ("--seeds 200", "--seeds 3"),
    ("--student mlp:16 ", "--student mlp:16 --set transfer_states=500 --set gradient_steps=200 "),
    ("classifier --data digits", "classifier --data digits --set net_arch=mlp:16 --set epochs=3"),
    ("--student mlp:10 ", "--student mlp:10 --set epochs=3 "),
    ("bench tabular", "bench tabular --seconds 0.1"),
    ("bench env", "bench env --seconds 0.1"),
    ("--steps 20k", "--steps 2000"),
    ("resume runs/pole --steps 90000", "resume ./runs/pole --steps 2200"),
    // A run that has ended, instead of one that was killed.
    ("resume runs/pole", "resume runs/pole --steps 2100"),
    // Of few runs the intervals are wide, and a claim may miss.
    ("reproduce cliff", "reproduce cliff --runs 3 || test $? = 1"),
    ("--preset minatar", "--preset minatar --set learning_starts=4900"),
    ("evaluate-offline runs/cql", "evaluate-offline runs/cql --updates 100"),
    ("--teacher runs/cql", "--teacher runs/cql --set gradient_steps=200 --set rounds=2"),
];

/// Commands that are only parsed: they take hours, need a terminal, or a quiet machine.
const PARSED: [&str; 4] = [
    "potstill reproduce dqn",
    "potstill reproduce offline",
    "potstill bench dqn",
    "potstill play --env Seaquest --keys",
];

/// A command as the test runs it.
fn smaller(command: &str) -> String {
    let command = command.split(" #").next().unwrap().trim_end();
    if PARSED.iter().any(|parsed| command.starts_with(parsed)) {
        return format!("{command} --help");
    }
    SMALLER.iter().fold(command.to_owned(), |command, (part, other)| command.replace(part, other))
}

#[test]
fn every_command_of_the_readme_works() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let steps = steps(&readme);
    assert!(steps.len() > 40, "{}", steps.len());
    let written: Vec<&str> = steps.iter().map(|step| step.command.as_str()).collect();
    for part in SMALLER.iter().map(|(part, _)| part).chain(&PARSED) {
        assert!(written.iter().any(|command| command.contains(part)), "no command has {part}");
    }
    let dir = tempfile::tempdir().unwrap();
    // The reader's own files.
    let measures = |i: usize| {
        let [sepal, petal] = [[5, 1], [5, 4], [6, 5]][i % 3];
        format!("{sepal}.{},3.0,{petal}.{},{}.2", i % 10, i % 7, i % 3)
    };
    let flower = |i: usize| format!("{},{}\n", measures(i), ["setosa", "versicolor", "virginica"][i % 3]);
    let names = "sl,sw,pl,pw";
    let flowers = (0..60).map(flower).fold(format!("{names},species\n"), |t, r| t + &r);
    fs::write(dir.path().join("flowers.csv"), flowers).unwrap();
    let more = |count: usize| (61..61 + count).map(|i| format!("{}\n", measures(i))).collect::<String>();
    fs::write(dir.path().join("new.csv"), format!("{names}\n{}", more(2))).unwrap();
    fs::write(dir.path().join("more.csv"), format!("{names}\n{}", more(30))).unwrap();
    fs::copy(root().join("testdata/onnx/sk-forest.onnx"), dir.path().join("forest.onnx")).unwrap();
    let review = |i: usize| {
        format!("{{\"review\":\"{} {i}\",\"stars\":{}}}\n", ["good", "bad"][i % 2], 5 - 4 * (i % 2))
    };
    fs::write(dir.path().join("reviews.jsonl"), (0..60).map(review).collect::<String>()).unwrap();
    // In place of what the blocks of Python write, which a test of their own runs.
    let tumour = |i: usize| format!("t{i},{}.5,{}\n", i % 2, ["benign", "malignant"][i % 2]);
    let answer = |i: usize| format!("t{i},0.{},0.{}\n", [9, 2][i % 2], [1, 8][i % 2]);
    let table =
        |head: &str, row: &dyn Fn(usize) -> String| (0..60).map(row).fold(head.to_owned(), |t, r| t + &r);
    fs::write(dir.path().join("tumours.csv"), table("id,radius,diagnosis\n", &tumour)).unwrap();
    fs::write(dir.path().join("answers.csv"), table("id,p(benign),p(malignant)\n", &answer)).unwrap();
    for command in written {
        output(dir.path(), &smaller(command)).unwrap_or_else(|words| panic!("README: {command}\n{words}"));
    }
}

/// The page on a table and a forest, as a newcomer follows it: its blocks of Python, then its commands.
#[test]
#[ignore = "needs scikit-learn: run by `cargo xtask test`"]
fn a_forest_teaches_a_small_network() {
    let Some(python) = std::env::var_os("POTSTILL_PYTHON") else { panic!("POTSTILL_PYTHON is not set") };
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let page =
        readme.split("#### From a table and a forest").nth(1).unwrap().split("\n#### ").next().unwrap();
    let dir = tempfile::tempdir().unwrap();
    for block in page.split("```python\n").skip(1).map(|block| block.split("```").next().unwrap()) {
        let done = Command::new(&python).current_dir(dir.path()).args(["-c", block]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    for step in steps(page) {
        output(dir.path(), step.command.split(" #").next().unwrap().trim_end())
            .unwrap_or_else(|words| panic!("README: {}\n{words}", step.command));
    }
    let summary = fs::read_to_string(dir.path().join("runs/small/summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    // The forest errs on about 4 % of the rows.
    assert!(summary["test_error"].as_f64().unwrap() < 0.05, "{summary}");
    assert!(dir.path().join("small.onnx").is_file());
}

#[test]
fn the_readme_counts_right() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let listed = |command: &str, of: &str| {
        let text = output(&root(), command).unwrap().join("\n");
        serde_json::from_str::<serde_json::Value>(&text).unwrap()[of].as_array().unwrap().len()
    };
    let examples = fs::read_dir(root().join("crates/potstill/examples")).unwrap();
    let examples = examples.filter(|entry| entry.as_ref().unwrap().path().extension() == Some("rs".as_ref()));
    let words = ["seven", "eight", "nine", "ten", "eleven", "twelve"];
    for sentence in [
        format!("{} algorithms (`potstill algos`)", listed("potstill algos --json", "algorithms")),
        format!("{} of them: Gymnasium's", listed("potstill env list --json", "environments")),
        format!("has {} tutorials of the library", words[examples.count() - 7]),
    ] {
        assert!(readme.contains(&sentence), "the README does not say: {sentence}");
    }
}

/// Checks the figures that the README promises of the quickstart.
fn check_summary(out: &Path) {
    let summary: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(out.join("summary.json")).unwrap()).unwrap();
    let number = |path: &str| {
        summary.pointer(path).and_then(serde_json::Value::as_f64).unwrap_or_else(|| panic!("{path}"))
    };
    let within = |path: &str, low: f64, high: f64| {
        assert!((low..=high).contains(&number(path)), "{path} is {}, not in {low}..={high}", number(path));
    };
    within("/cliff/q_learning/return_last_100", -52.8, -47.8);
    within("/cliff/q_learning/greedy_steps", 13.0, 13.0);
    within("/cliff/sarsa/return_last_100", -28.4, -25.4);
    within("/policy/teacher/mean_return", 475.0, 500.0);
    within("/policy/student/mean_return", 450.0, 500.0);
    within("/policy/student/parameters", 1.0, number("/policy/teacher/parameters") / 20.0);
    within("/policy/agreement", 0.8, 1.0);
    within("/digits/teacher/test_error", 0.01, 0.04);
    within("/digits/student_labels/test_error", 0.02, 0.08);
    within("/digits/student_distilled/test_error", 0.02, 0.08);
    assert!(summary["seconds"].as_f64().is_some());
}
