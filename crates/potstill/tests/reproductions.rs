//! The committed results of `potstill reproduce`: complete, consistent with each other and with the README, and, where that is
//! quick, what the program writes today.

use potstill::data::Dataset;
use potstill::onnx::{ElementType, GraphBuilder, Setting};
use potstill::reproduce::{ReproduceRequest, reproduce, results};
use potstill::run::{Observer, Quiet};
use potstill::train::statistics::{interquartile_mean, mean};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The files of a folder.
const FILES: [&str; 4] = ["README.md", "raw.csv", "summary.json", "figure.svg"];
/// Results that are measured in two or three seconds, in the development profile.
const QUICK: [&str; 4] = ["cliff", "windy", "small-gridworld", "gambler"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(name: &str, file: &str) -> String {
    let path = root().join("reproductions").join(name).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn is_committed(name: &str) -> bool {
    root().join("reproductions").join(name).is_dir()
}

fn summary(name: &str) -> Value {
    serde_json::from_str(&read(name, "summary.json")).unwrap()
}

/// The cells of a Markdown table's row.
fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split(" | ").map(str::trim).collect()
}

#[test]
fn every_result_is_committed_or_listed_as_missing_with_its_command() {
    let index = fs::read_to_string(root().join("reproductions/README.md")).unwrap();
    let rows: Vec<Vec<&str>> =
        index.lines().filter(|line| line.starts_with('|')).map(cells).skip(2).collect();
    assert_eq!(rows.len(), results().count(), "a row for each result");
    for (name, row) in results().zip(rows) {
        let [result, claim, command, time, status] = row[..] else { panic!("{row:?}") };
        assert!(!claim.is_empty() && !time.is_empty(), "{name}: {row:?}");
        if is_committed(name) {
            for file in FILES {
                assert!(!read(name, file).is_empty(), "{name}/{file}");
            }
            let repeat = summary(name)["repeat"].as_str().unwrap().to_owned();
            assert_eq!((result, status), (&*format!("[{name}]({name}/README.md)"), "committed"));
            assert_eq!(command, format!("`{repeat}`"));
        } else {
            assert_eq!((result, status), (name, "not yet committed"));
            assert!(command.starts_with(&format!("`potstill reproduce {name} --runs ")), "{command}");
        }
    }
}

#[test]
fn committed_tables_say_what_their_summaries_say() {
    for name in results().filter(|name| is_committed(name)) {
        let (page, summary) = (read(name, "README.md"), summary(name));
        assert_eq!(summary["name"], name);
        assert!(page.contains(summary["repeat"].as_str().unwrap()), "{name}");
        let rows: Vec<Vec<&str>> =
            page.lines().filter(|line| line.starts_with('|')).map(cells).skip(2).collect();
        let claims = summary["claims"].as_array().unwrap();
        assert_eq!(rows.len(), claims.len(), "{name}");
        for (row, claim) in rows.iter().zip(claims) {
            let [what, _, from, measured, verdict] = row[..] else { panic!("{row:?}") };
            assert_eq!(claim["what"], what);
            assert_eq!(
                (&claim["expected_from"], &claim["verdict"]),
                (&from.into(), &verdict.into()),
                "{what}"
            );
            let printed = measured.split(' ').next().unwrap();
            assert!(is_rounded(printed, claim["measured"].as_f64().unwrap()), "{what}: {printed}");
        }
        let all_agree = claims.iter().all(|claim| claim["verdict"] != "differs");
        assert_eq!(summary["verdict"] == "agrees", all_agree, "{name}");
    }
}

#[test]
fn committed_summaries_follow_from_the_raw_numbers() {
    for name in results().filter(|name| is_committed(name)) {
        let (raw, summary) = (read(name, "raw.csv"), summary(name));
        let (header, rows) = raw.split_once('\n').unwrap();
        let header: Vec<&str> =
            header.strip_prefix("seed,\"").unwrap().trim_end_matches('"').split("\",\"").collect();
        let (first, runs) = (summary["seed"].as_u64().unwrap(), summary["runs"].as_u64().unwrap());
        let rows: Vec<Vec<&str>> = rows.lines().map(|row| row.split(',').collect()).collect();
        let seeds: Vec<String> = rows.iter().map(|row| row[0].to_owned()).collect();
        assert_eq!(seeds, (first..first + runs).map(|seed| seed.to_string()).collect::<Vec<_>>(), "{name}");
        let mut drawn = 0;
        for claim in summary["claims"].as_array().unwrap() {
            let what = claim["what"].as_str().unwrap();
            let Some(column) = header.iter().position(|column| *column == what) else {
                assert_eq!(
                    claim["ci95"],
                    serde_json::json!([claim["measured"], claim["measured"]]),
                    "{what}"
                );
                continue;
            };
            let values = rows.iter().map(|row| row[column + 1]).filter(|value| !value.is_empty());
            let values: Vec<f64> = values.map(|value| value.parse().unwrap()).collect();
            let statistic = if what.contains(": IQM") { interquartile_mean } else { mean };
            assert_eq!(claim["measured"].as_f64(), Some(statistic(&values)), "{name}: {what}");
            drawn += 1;
        }
        assert!(drawn >= 1, "{name}: {header:?}");
    }
}

/// Returns true if a printed number is the exact one, rounded to its digits.
fn is_rounded(printed: &str, exact: f64) -> bool {
    let decimals = printed.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let unit = 10_f64.powi(-(decimals as i32));
    // A mean may lie in the middle, 55.15, where binary digits decide nothing.
    (printed.parse::<f64>().unwrap() - exact).abs() <= unit / 2.0 + 1e-9
}

/// The numbers of the README's table of games, `(mean, low, high)`.
fn games() -> Vec<[String; 3]> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let row = readme.lines().find(|line| line.starts_with("| **potstill, PQN** |")).unwrap();
    let numbers = |cell: &&str| {
        let numbers: Vec<String> = cell
            .split(|c: char| !c.is_ascii_digit() && c != '.')
            .filter(|number| !number.is_empty())
            .map(str::to_owned)
            .collect();
        numbers.try_into().unwrap()
    };
    cells(row)[1..].iter().map(numbers).collect()
}

#[test]
fn the_readme_tells_the_committed_numbers_of_the_games() {
    let games = games();
    assert_eq!(games.len(), 5);
    assert!(games.iter().flatten().all(|number| number.parse::<f64>().is_ok()), "{games:?}");
    if is_committed("arcade") {
        let summary = summary("arcade");
        for (claim, printed) in summary["claims"].as_array().unwrap().iter().zip(games) {
            let exact = [&claim["measured"], &claim["ci95"][0], &claim["ci95"][1]];
            for (printed, exact) in printed.iter().zip(exact) {
                assert!(is_rounded(printed, exact.as_f64().unwrap()), "{}: {printed}", claim["what"]);
            }
        }
    }
    for (printed, exact, rounded) in [("54.5", 54.46, true), ("54.5", 54.56, false), ("120", 119.7, true)] {
        assert_eq!(is_rounded(printed, exact), rounded, "{printed}, {exact}");
    }
}

/// The rows of the README's table of Hinton's experiments: the measured number, and the folder that it is from.
#[test]
fn the_readme_tells_the_committed_numbers_of_mnist() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let rows = readme.lines().filter(|line| line.starts_with('|') && line.contains("](reproductions/"));
    let rows: Vec<Vec<&str>> = rows.map(cells).filter(|row| row.len() == 4).collect();
    assert!(rows.len() >= 5, "{rows:?}");
    for row in rows {
        let name = row[3].split(['[', ']']).nth(1).unwrap();
        let summary = summary(name);
        let mut claims = summary["claims"].as_array().unwrap().iter();
        let has = claims.any(|claim| is_rounded(row[2], claim["measured"].as_f64().unwrap()));
        assert!(has, "{name} has no claim of {}", row[2]);
    }
}

#[test]
fn quick_results_are_measured_to_the_committed_bytes() {
    for name in QUICK {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join(name);
        let runs = summary(name)["runs"].as_u64();
        let request = ReproduceRequest {
            name: name.to_owned(),
            runs,
            threads: 2,
            out: Some(out.clone()),
            ..Default::default()
        };
        reproduce(&request, &Quiet).unwrap();
        for file in FILES {
            let now = fs::read_to_string(out.join(file)).unwrap();
            assert!(now == read(name, file), "{name}/{file}: {}", summary(name)["repeat"]);
        }
    }
}

#[test]
fn a_complete_folder_of_games_is_written_again_from_its_numbers() {
    let name = "arcade";
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join(name);
    fs::create_dir(&out).unwrap();
    let raw = read(name, "raw.csv");
    fs::write(out.join("raw.csv"), &raw).unwrap();
    let (runs, seed) = (summary(name)["runs"].as_u64(), summary(name)["seed"].as_u64().unwrap());
    let request = ReproduceRequest {
        name: name.to_owned(),
        runs,
        seed,
        threads: 1,
        data: None,
        quick: false,
        out: Some(out.clone()),
    };
    // Nothing is trained: it would be stopped at once.
    reproduce(&request, &Stopped).unwrap();
    let now: Value = serde_json::from_str(&fs::read_to_string(out.join("summary.json")).unwrap()).unwrap();
    let measured = |summary: &Value| {
        let claims = summary["claims"].as_array().unwrap();
        claims.iter().map(|claim| claim["measured"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(measured(&now), measured(&summary(name)));
    assert!(fs::read_to_string(out.join("raw.csv")).unwrap() == raw, "the numbers are kept");
    // One run more than there are: it has to be trained, and what is there stays.
    let more = ReproduceRequest { runs: runs.map(|runs| runs + 1), ..request };
    assert!(reproduce(&more, &Stopped).is_err() && out.join("raw.csv").is_file());
}

/// Writes the digits that come with the program as the four files of MNIST.
fn write_idx_files(folder: &Path) {
    let digits = Dataset::digits();
    fs::create_dir_all(folder).unwrap();
    for (part, rows) in [("train", 0..600), ("t10k", 600..800)] {
        let count = u32::try_from(rows.len()).unwrap().to_be_bytes();
        let images = rows.clone().flat_map(|row| digits.input(row)).map(|x| (x * 255.0) as u8);
        let images = [0, 0, 8, 3].into_iter().chain(count).chain([0, 0, 0, 8, 0, 0, 0, 8]).chain(images);
        fs::write(folder.join(format!("{part}-images-idx3-ubyte")), images.collect::<Vec<u8>>()).unwrap();
        let labels = rows.map(|row| digits.labels[row] as u8);
        let labels = [0, 0, 8, 1].into_iter().chain(count).chain(labels).collect::<Vec<u8>>();
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
    }
}

/// Asks to stop after so many steps of progress.
struct StoppedAfter(AtomicU64);

impl Observer for StoppedAfter {
    fn remark(&self, _: &str) {}
    fn warn(&self, _: &str) {}
    fn record(&self, _: &potstill::metrics::Record) {}
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64, _: &str) {
        let _ = self.0.fetch_update(Relaxed, Relaxed, |left| Some(left.saturating_sub(1)));
    }
    fn end(&self) {}
    fn stop_requested(&self) -> bool {
        self.0.load(Relaxed) == 0
    }
}

#[test]
fn results_on_images_are_the_same_bytes_when_they_were_stopped_and_with_other_threads() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("images");
    write_idx_files(&folder);
    let request = |name: &str, out: &str, threads| ReproduceRequest {
        name: name.to_owned(),
        runs: Some(2),
        threads,
        data: Some(format!("mnist:{}", folder.display())),
        quick: true,
        out: Some(root.path().join(out)),
        ..Default::default()
    };
    let whole = reproduce(&request("missing-class", "whole", 2), &Quiet).unwrap();
    assert!(whole.command().ends_with("--data mnist:FOLDER --quick"));
    // In the middle of the teacher, and of the students.
    for (progress, kept) in [(4, 1), (8, 3)] {
        let stopped = request("missing-class", &format!("stopped-{progress}"), 1);
        let error = reproduce(&stopped, &StoppedAfter(AtomicU64::new(progress))).unwrap_err();
        assert!(error.to_string().starts_with(&format!("stopped; {kept} finished runs are kept")), "{error}");
        reproduce(&stopped, &Quiet).unwrap();
        for file in FILES {
            let [whole, stopped] = [Path::new("whole"), stopped.out.as_deref().unwrap()]
                .map(|folder| fs::read_to_string(root.path().join(folder).join(file)).unwrap());
            assert!(whole == stopped, "{file} after {progress}");
        }
    }
    // Another result has the same teacher: the numbers are those without it.
    let shared = root.path().join("shared");
    fs::create_dir(&shared).unwrap();
    fs::write(shared.join("finished-runs.json"), "{}").unwrap();
    let teacher = "teacher-6-epochs-600-images-seed-0.snapshot";
    fs::copy(root.path().join("whole").join(teacher), shared.join(teacher)).unwrap();
    for name in ["hinton-mnist", "hinton-temperature", "community", "few-labels"] {
        let measured = reproduce(&request(name, &format!("own-{name}"), 2), &Quiet).unwrap();
        assert!(measured.beside.len() >= 2 && measured.beside.iter().all(|column| column.values.len() == 2));
    }
    reproduce(&request("hinton-mnist", "shared", 2), &Quiet).unwrap();
    let raw = |folder: &str| fs::read_to_string(root.path().join(folder).join("raw.csv")).unwrap();
    assert!(raw("shared") == raw("own-hinton-mnist"));
}

/// Writes small tables of the three problems, each with a stump that has learned it.
fn write_compression_problems(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let list = |values: &[i64]| Setting::Integers(values.to_vec());
    for (problem, words) in [("adult", true), ("letter-p1", false), ("letter-p2", false)] {
        let row = |i: usize| {
            let (x, y) = ((i * 37 % 101) as f64 / 50.0 - 1.0, (i * 53 % 97) as f64 / 48.0 - 1.0);
            let label = if x + y / 4.0 > 0.0 { "yes" } else { "no" };
            let parts = [0, 1].map(|seed| ["train", "validation", "test"][(i + seed) % 3]);
            let word = if words { ["red,", "blue,"][i % 2] } else { "" };
            format!("{x},{word}{y},{label},{},{}\n", parts[0], parts[1])
        };
        let head = if words { "x,colour,y" } else { "x,y" };
        let table = format!("{head},label,part0,part1\n{}", (0..300).map(row).collect::<String>());
        fs::write(folder.join(format!("{problem}.csv")), table).unwrap();
        let width = if words { 4 } else { 2 };
        let mut graph = GraphBuilder::new("stump");
        let input = graph.input("x", ElementType::Float, &[width]);
        let modes = ["BRANCH_LEQ", "LEAF", "LEAF"].map(str::to_owned).to_vec();
        let settings = [
            ("n_targets", Setting::Integer(1)),
            ("nodes_treeids", list(&[0, 0, 0])),
            ("nodes_nodeids", list(&[0, 1, 2])),
            ("nodes_featureids", list(&[0, 0, 0])),
            ("nodes_values", Setting::Floats(vec![0.0; 3])),
            ("nodes_modes", Setting::Texts(modes)),
            ("nodes_truenodeids", list(&[1, 0, 0])),
            ("nodes_falsenodeids", list(&[2, 0, 0])),
            ("target_treeids", list(&[0, 0])),
            ("target_nodeids", list(&[1, 2])),
            ("target_ids", list(&[0, 0])),
            ("target_weights", Setting::Floats(vec![-2.0, 2.0])),
        ];
        let score = graph.node("ai.onnx.ml.TreeEnsembleRegressor", &[&input], &settings);
        let probability = graph.node("Sigmoid", &[&score], &[]);
        graph.output(&probability, "probability", ElementType::Float, &[1]);
        let bytes = graph.finish(&[]);
        for seed in 0..2 {
            fs::write(folder.join(format!("{problem}-{seed}.onnx")), &bytes).unwrap();
        }
    }
}

#[test]
fn ensembles_are_compressed_to_the_same_bytes_with_any_threads() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("ensembles");
    write_compression_problems(&folder);
    let request = |out: &str, threads, seed| ReproduceRequest {
        name: "model-compression".to_owned(),
        runs: Some(2),
        seed,
        threads,
        data: Some(folder.display().to_string()),
        quick: true,
        out: Some(root.path().join(out)),
    };
    let measured = reproduce(&request("one", 1, 0), &Quiet).unwrap();
    reproduce(&request("two", 2, 0), &Quiet).unwrap();
    for file in FILES {
        let [one, two] = ["one", "two"].map(|out| fs::read(root.path().join(out).join(file)).unwrap());
        assert!(one == two, "{file}");
    }
    assert!(measured.command().ends_with("--data FOLDER --quick"));
    let column = |name: &str| {
        let found = measured.beside.iter().find(|column| column.name == name);
        found.unwrap_or_else(|| panic!("{name}")).values.clone()
    };
    for problem in ["adult", "letter-p1", "letter-p2"] {
        let of = |what: &str| column(&format!("{problem}: {what}"));
        let (theirs, own) = (of("ensemble"), of("mimic"));
        // A stump is wrong for a sixteenth of the rows: sqrt(1/16 0.88^2 + 15/16 0.12^2) = 0.25.
        assert!(theirs.iter().all(|error| (0.2..0.3).contains(error)), "{problem}: {theirs:?}");
        assert!(
            own.iter().zip(&theirs).all(|(own, theirs)| (own - theirs).abs() < 0.06),
            "{problem}: {own:?}"
        );
        assert!(of("bytes of the mimic").iter().all(|&bytes| bytes > 4.0 * 3.0 * 256.0));
    }
    let error = reproduce(&request("three", 1, 7), &Quiet).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("adult: it has no column `part7`; "), "{error}");
    fs::remove_file(folder.join("letter-p1-0.onnx")).unwrap();
    let error = reproduce(&request("four", 1, 0), &Quiet).unwrap_err();
    assert!(error.to_string().contains("letter-p1-0.onnx"), "{error}");
}

/// Asks to stop at once.
struct Stopped;

impl Observer for Stopped {
    fn remark(&self, _: &str) {}
    fn warn(&self, _: &str) {}
    fn record(&self, _: &potstill::metrics::Record) {}
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64, _: &str) {}
    fn end(&self) {}
    fn stop_requested(&self) -> bool {
        true
    }
}

#[test]
fn a_stopped_measurement_continues_with_the_runs_that_are_left() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("games");
    let games = ["Asterix", "Breakout", "Freeway", "Seaquest", "SpaceInvaders"];
    let names = games.iter().flat_map(|game| {
        let run = format!("dqn, MinAtar/{game}-v1:full_action_set=true, minatar, 5000000 steps");
        (7..9).map(move |seed| format!("{run}, seed {seed}"))
    });
    // Numbers that a shorter text would not hold.
    let runs = names.enumerate().map(|(i, name)| {
        let x = 50.1 + i as f64 / 3.0;
        (name, json!({ "score": x, "last": x / 7.0, "curve": [[250_000.0, x / 9.0], [500_000.0, x]] }))
    });
    let mut runs: Map<String, Value> = runs.collect();
    let keep = |runs: &Map<String, Value>| {
        fs::create_dir_all(&out).unwrap();
        fs::write(out.join("finished-runs.json"), serde_json::to_string(runs).unwrap()).unwrap();
    };
    let (name, seed) = ("arcade-dqn".to_owned(), 7);
    let request = ReproduceRequest {
        name,
        seed,
        runs: Some(2),
        threads: 1,
        data: None,
        quick: false,
        out: Some(out.clone()),
    };
    let last = runs.keys().next_back().unwrap().clone();
    let last = runs.remove_entry(&last).unwrap();
    keep(&runs);
    let error = reproduce(&request, &Stopped).unwrap_err();
    let message = format!(
        "stopped; 9 finished runs are kept, and the same command with --out {} continues",
        out.display()
    );
    assert_eq!((error.to_string(), error.exit_code()), (message, 130));
    runs.insert(last.0, last.1);
    keep(&runs);
    let reproduction = reproduce(&request, &Quiet).unwrap();
    assert_eq!(reproduction.claims[4].values, [50.1 + 8.0 / 3.0, 50.1 + 9.0 / 3.0]);
    assert!(out.join("raw.csv").is_file() && !out.join("finished-runs.json").exists());
    // A file that is none is told.
    let out = root.path().join("damaged");
    fs::create_dir_all(&out).unwrap();
    fs::write(out.join("finished-runs.json"), "[1]").unwrap();
    let error = reproduce(&ReproduceRequest { out: Some(out), ..request }, &Quiet).unwrap_err();
    assert!(error.to_string().contains("finished-runs.json is not a JSON object"), "{error}");
}
