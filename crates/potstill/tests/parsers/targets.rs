//! Properties of every parser for arbitrary bytes: no panic, little time, no more memory than the length of
//! the input, and accepted values are written so that they read back the same. The test-suite and `fuzz/` use
//! the same functions.

use potstill::config::{Layer, Origin, Settings, read_toml, resolve, toml_value};
use potstill::core::{Snapshot, Value};
use potstill::data::episodes::minari::{self, Layout};
use potstill::data::text::for_each_ngram;
use potstill::data::{self, Bytes, Content, Data, DataOptions, Preprocessing, Recording};
use potstill::deep::DqnConfig;
use potstill::distill::chat::{Answer, Spellings};
use potstill::distill::{Answers, FitConfig, PolicyDistillConfig, SoftTargetsConfig};
use potstill::env::registry::find;
use potstill::env::{Row, Space};
use potstill::export::{self, About, Purpose, safetensors};
use potstill::jobs::{DataConfig, DistilConfig, EvalConfig, RunConfig, StoreConfig};
use potstill::metrics::{History, csv};
use potstill::nn::{Ends, Inputs, NetworkSpec};
use potstill::onnx::{Limits, Model};
use potstill::optimizer::StudentOptimizer;
use potstill::store::{FileMark, Manifest, ManifestError, snapshot_file};
use potstill::tabular::TabularConfig;
use serde_json::Map;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::time::{Duration, Instant};
use toml::Table;

/// The longest time for any tried input.
const TIME_MAX: Duration = Duration::from_secs(1);

/// A parser with its properties; returns true if it accepts the bytes.
pub(crate) type Target = fn(&[u8]) -> bool;

/// All parsers by name.
pub(crate) const TARGETS: [(&str, Target); 14] = [
    ("config", config),
    ("set", set),
    ("network", network),
    ("state", state),
    ("manifest", manifest),
    ("model", model),
    ("history", history),
    ("world", world),
    ("recording", recording),
    ("minari", minari_data),
    ("onnx", onnx),
    ("text", text),
    ("data", data),
    ("chat", chat),
];

/// Tries a parser on some bytes.
pub(crate) fn check(name: &str, bytes: &[u8]) -> bool {
    let target = TARGETS.iter().find(|(known, _)| *known == name).expect("a target").1;
    let started = Instant::now();
    let accepted = target(bytes);
    let elapsed = started.elapsed();
    assert!(elapsed < TIME_MAX, "{name} took {elapsed:?} for {} bytes", bytes.len());
    accepted
}

/// Recorded episodes.
fn recording(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let bounds = |n: usize| Space::Box { low: vec![-1.0; n], high: vec![1.0; n] };
    let discrete = recording_of::<usize, usize>(text, [Space::Discrete { n: 9 }, Space::Discrete { n: 2 }]);
    let boxes = recording_of::<[f32], [f32]>(text, [bounds(3), bounds(1)]);
    assert!(!(discrete && boxes), "a number is no list");
    discrete || boxes
}

fn recording_of<O: Row + ?Sized, A: Row + ?Sized>(text: &str, [observations, actions]: [Space; 2]) -> bool {
    match Recording::<O, A>::parse(text) {
        Ok(recording) => {
            assert!(recording.steps() <= text.len());
            let again = Recording::<O, A>::parse(&recording.text()).expect("its own text");
            assert_eq!(again.text(), recording.text());
            let _ = recording.check(&observations, &actions);
            true
        }
        Err(error) => {
            assert!(error.len() <= 4 * text.len() + 1000, "{} bytes of message", error.len());
            false
        }
    }
}

/// The description of a data set of Minari with an episode of a lake; or, beside two descriptions, the Arrow file of an
/// episode.
fn minari_data(bytes: &[u8]) -> bool {
    const LAKE: &str = r#"{"total_episodes": 1, "data_format": "arrow",
        "observation_space": "{\"type\": \"Discrete\", \"n\": 16}", "action_space": "{\"type\": \"Discrete\", \"n\": 4}"}"#;
    const POLE: &str = r#"{"total_episodes": 1, "data_format": "arrow",
        "observation_space": "{\"type\": \"Box\", \"shape\": [2, 2], \"low\": [[-4.8, -Infinity], [-0.5, -Infinity]], \"high\": [[4.8, Infinity], [0.5, Infinity]]}",
        "action_space": "{\"type\": \"Discrete\", \"n\": 2}"}"#;
    let episode = include_bytes!("../../../../testdata/fuzz/minari/valid-lake.arrow");
    match bytes.starts_with(b"{") {
        true => dataset(bytes, episode),
        // Both are tried, even if the first accepts.
        false => dataset(LAKE.as_bytes(), bytes) | dataset(POLE.as_bytes(), bytes),
    }
}

/// A folder in memory, or a folder in it, with a description and an episode.
#[derive(Clone, Copy)]
struct DatasetFolder<'a> {
    metadata: &'a [u8],
    episode: &'a [u8],
}

impl Content for DatasetFolder<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Err(io::ErrorKind::IsADirectory.into())
    }

    fn files(&self) -> io::Result<Option<Vec<String>>> {
        Ok(Some(vec!["data/metadata.json".to_owned()]))
    }

    fn file(&self, path: &str) -> Box<dyn Content + '_> {
        match path {
            "data" => Box::new(*self),
            "metadata.json" => Box::new(Bytes(self.metadata)),
            "0/part-0.arrow" => Box::new(Bytes(self.episode)),
            _ => Box::new(Bytes(b"{}")),
        }
    }
}

fn dataset(metadata: &[u8], episode: &[u8]) -> bool {
    let read = |metadata: &[u8], episode: &[u8]| {
        data::read(&DatasetFolder { metadata, episode }, Some("minari"), &DataOptions::default())
    };
    match read(metadata, episode) {
        Ok(Data::Episodes(data)) => {
            assert!(data.steps() <= 8 * episode.len() && data.observations().numbers() <= 8 * episode.len());
            let mut files = BTreeMap::new();
            minari::write(&data, "a/b-v0", Layout::Arrow, &mut |path, contents| {
                files.insert(path.to_owned(), contents.to_vec());
                Ok(())
            })
            .expect("memory is written to");
            let Ok(Data::Episodes(again)) = read(&files["data/metadata.json"], &files["data/0/part-0.arrow"])
            else {
                panic!("its own files");
            };
            assert_eq!((again.observations(), again.actions()), (data.observations(), data.actions()));
            assert_eq!((again.rewards(), again.env()), (data.rewards(), data.env()));
            true
        }
        Ok(Data::Samples(_)) => panic!("no samples"),
        Err(error) => {
            let length = metadata.len() + episode.len();
            assert!(error.len() <= 4 * length + 1000, "{} bytes of message", error.len());
            false
        }
    }
}

/// Ids of environments with their options, maps of frozen lakes among them.
fn world(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    match find(text) {
        Ok(spec) => {
            let again = find(&spec.id).expect("what is written is read");
            assert_eq!((&again.id, again.time_limit_steps), (&spec.id, spec.time_limit_steps));
            assert_eq!(again.observation_space(), spec.observation_space());
            true
        }
        Err(error) => {
            let words = error.to_string().len();
            assert!(words <= 4 * text.len() + 1000, "{words} bytes of message");
            false
        }
    }
}

/// `config.toml`, `--config` and presets: TOML, then the keys of every command.
fn config(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    match read_toml(text, Origin::Set) {
        Ok(table) => {
            // All are tried, even if the first accepts.
            let accepted = [
                settings::<((RunConfig, TabularConfig), StoreConfig)>(&table),
                settings::<((RunConfig, (EvalConfig, DqnConfig)), StoreConfig)>(&table),
                settings::<((DataConfig, (FitConfig, StudentOptimizer)), StoreConfig)>(&table),
                settings::<((DistilConfig, (PolicyDistillConfig, StudentOptimizer)), StoreConfig)>(&table),
                settings::<((DistilConfig, (SoftTargetsConfig, (FitConfig, StudentOptimizer))), StoreConfig)>(
                    &table,
                ),
            ];
            accepted.contains(&true)
        }
        Err(error) => {
            let words = error.to_string().len();
            assert!(words <= 4 * text.len() + 1000, "{words} bytes of message");
            false
        }
    }
}

/// The values of all keys, as text: NaN is not equal to itself.
fn values<S: Settings>(settings: &S) -> String {
    settings.keys().iter().map(|key| format!("{} = {:?}\n", key.name, settings.get(key.name))).collect()
}

fn settings<S: Settings + Default>(table: &Table) -> bool {
    let layer = |values: &Table| [Layer { origin: Origin::Set, values: values.clone() }];
    let mut known = table.clone();
    known.retain(|name, _| name != "command" && name != "algorithm");
    let all = resolve::<S>(&layer(&known)).map(|_| ()).is_ok();
    // One invalid key must not hide the effects of the others.
    known.retain(|name, value| {
        S::default().keys().iter().any(|key| key.name == name)
            && S::default().set(name, value) == Some(Ok(()))
    });
    let resolved = resolve::<S>(&layer(&known)).expect("each key was accepted");
    let text = resolved.to_toml(&[("command", "train".into())]);
    let mut again = read_toml(&text, Origin::Set).unwrap_or_else(|error| panic!("{error}:\n{text}"));
    again.remove("command");
    let again = resolve::<S>(&layer(&again)).unwrap_or_else(|error| panic!("{error}:\n{text}"));
    assert_eq!(values(&resolved.settings), values(&again.settings));
    all
}

/// The value of `--set key=value`.
fn set(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let (key, text) = text.split_once('=').unwrap_or(("", text));
    let (key, value) = (key.trim(), toml_value(text.trim()));
    let again = toml_value(&value.to_string());
    assert_eq!(format!("{value:?}"), format!("{again:?}"));
    settings::<((DistilConfig, (SoftTargetsConfig, (FitConfig, StudentOptimizer))), StoreConfig)>(
        &Table::from_iter([(key.to_owned(), value.clone())]),
    ) || settings::<((RunConfig, (EvalConfig, DqnConfig)), StoreConfig)>(&Table::from_iter([(
        key.to_owned(),
        value,
    )]))
}

/// The n-grams of a text; one without words has none.
fn text(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let mut accepted = false;
    for form in ["text:7", "text:4096:words=5:chars=2-8", "text:16777216:words=1-5:chars=0"] {
        let form: NetworkSpec = form.parse().expect("a form");
        let bag = form.bag.expect("a bag");
        let rows = |text: &str| {
            let mut rows = Vec::new();
            for_each_ngram(text, &bag, |row| rows.push(row));
            rows
        };
        let found = rows(text);
        assert!(found.iter().all(|&row| (row as usize) < bag.buckets));
        assert!(
            found.len() <= 14 * text.chars().count(),
            "n-grams end at characters, or at the end of a word"
        );
        assert_eq!(found, rows(&text.to_ascii_uppercase()), "small and capital letters");
        assert_eq!(found, rows(&format!(" {text}.")), "separators around it");
        accepted |= !found.is_empty();
    }
    accepted
}

/// A file of rows in any format: what is accepted has columns of one length, and is fitted or refused.
fn data(bytes: &[u8]) -> bool {
    let options = DataOptions { fills_missing: Some(true), ..DataOptions::default() };
    let Ok(Data::Samples(samples)) = data::read(&Bytes(bytes), None, &options) else { return false };
    let rows = samples.rows.rows();
    assert!(rows > 0 && samples.rows.columns().iter().all(|column| column.values.rows() == rows));
    let all: Vec<usize> = (0..rows).collect();
    if let Ok(fitted) = Preprocessing::fit(&samples.rows, &all, &options) {
        let encoded = fitted.labelled(&samples.rows, &all);
        assert!(encoded.is_err() || encoded.is_ok_and(|data| data.labelled() == rows));
        assert_eq!(Preprocessing::from_json(&fitted.to_json()).as_ref(), Some(&fitted));
    }
    let _ = Answers::of_frame(&samples.rows);
    true
}

/// Classes with their spellings in the first line, answers of a language model in the others.
fn chat(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let mut lines = text.lines();
    let Ok(spellings) = Spellings::parse(lines.next().unwrap_or_default()) else { return false };
    for line in lines {
        let Ok(line) = serde_json::from_str(line) else { return false };
        match spellings.row(&line, 0.5).answer {
            Answer::Probabilities { shares, coverage } => {
                let sum: f64 = shares.iter().sum();
                assert!((sum - 1.0).abs() < 1e-9 && (0.0..=1.0).contains(&coverage), "{shares:?} {coverage}");
            }
            Answer::Votes(votes) => assert!(votes.iter().sum::<f64>() >= 1.0),
            Answer::None(_) => {}
        }
    }
    true
}

/// `mlp:64,64:tanh`.
fn network(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    match text.parse::<NetworkSpec>() {
        Ok(spec) => {
            assert_eq!(spec.to_string().parse(), Ok(spec.clone()));
            assert!(spec.hidden.len() <= 16 && spec.hidden.iter().all(|units| (1..=16_384).contains(units)));
            for inputs in [Inputs::from(4), Inputs::from([84, 84, 4])] {
                let ends = Ends::new(inputs, 2);
                if let Ok(parameters) = spec.check(&ends)
                    && parameters < 1_000_000
                {
                    assert_eq!(spec.zeroed(&ends).parameters().len(), parameters);
                }
            }
            true
        }
        Err(error) => {
            assert!(error.to_string().len() <= 3 * text.len() + 1000);
            false
        }
    }
}

/// Bytes as a safetensors file: the header ends at the first 0xff, and its length is put before it. Otherwise
/// hardly any would have a consistent length.
fn framed(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.iter().position(|&byte| byte == 0xff).unwrap_or(bytes.len());
    let (header, data) = (&bytes[..end], bytes.get(end + 1..).unwrap_or_default());
    [&(header.len() as u64).to_le_bytes(), header, data].concat()
}

/// The state in a checkpoint.
fn state(bytes: &[u8]) -> bool {
    // Both are tried, even if the first accepts.
    read_state(&framed(bytes)) | read_state(bytes)
}

/// Bytes that the values of a state take.
fn size(state: &Snapshot) -> usize {
    let value = |value: &Value| match value {
        Value::Bool(_) => 1,
        Value::U64(_) | Value::F64(_) => 8,
        Value::U8s(v) => v.len(),
        Value::U64s(v) => 8 * v.len(),
        Value::F32s(v) => 4 * v.len(),
        Value::F64s(v) => 8 * v.len(),
        Value::Tree(branch) => size(branch),
    };
    state.iter().map(|(_, v)| value(v)).sum()
}

fn read_state(bytes: &[u8]) -> bool {
    let Ok(state) = snapshot_file::read(bytes) else { return false };
    assert!(size(&state) <= bytes.len(), "{} from {} bytes", size(&state), bytes.len());
    let written = snapshot_file::write(&state);
    let again = snapshot_file::read(&written).unwrap_or_else(|error| panic!("{error}: {state:?}"));
    assert_eq!(snapshot_file::write(&again), written);
    // NaN is not equal to itself, and large states take long to print.
    if bytes.len() < 10_000 {
        assert_eq!(format!("{again:?}"), format!("{state:?}"));
    }
    true
}

/// The list of a folder's files.
fn manifest(bytes: &[u8]) -> bool {
    // With the right checksum too, to reach the checks behind it.
    let mut sealed = bytes.to_vec();
    if let Some(at) = bytes.windows(11).rposition(|window| window == b",\"crc32c\":\"") {
        sealed.truncate(at);
    }
    let checksum = crc32c::crc32c(&sealed);
    sealed.extend(format!(",\"crc32c\":\"{checksum:08x}\"}}").bytes());
    read_manifest(&sealed) | read_manifest(bytes)
}

fn read_manifest(bytes: &[u8]) -> bool {
    match Manifest::read(bytes) {
        Ok(manifest) => {
            // A list of files has names and checksums, which are longer in the file than in memory.
            assert!(manifest.files.len() * 8 <= bytes.len());
            assert_eq!(Manifest::read(&manifest.write()).as_ref(), Ok(&manifest));
            for mark in &manifest.files {
                assert!(!mark.name.contains('/') && !["", ".."].contains(&mark.name.as_str()));
                let whole = FileMark::whole(&mark.name, bytes);
                assert_eq!(whole.check(bytes), Ok(()));
                // Whatever it contains.
                let _ = mark.check(bytes);
            }
            true
        }
        Err(ManifestError::Damaged(reason) | ManifestError::Format(reason)) => {
            assert!(reason.len() <= bytes.len() + 1000, "{} bytes of message", reason.len());
            false
        }
    }
}

/// `model.safetensors`.
fn model(bytes: &[u8]) -> bool {
    read_model(&framed(bytes)) | read_model(bytes)
}

fn read_model(bytes: &[u8]) -> bool {
    let Ok(model) = safetensors::read(bytes) else { return false };
    assert!(model.parameters() * 4 <= bytes.len() && model.is_finite());
    let written = safetensors::write(&model);
    assert!(safetensors::read(&written).as_ref() == Ok(&model));
    true
}

/// Models of other programs. Limits are small, so that no graph takes long.
fn onnx(bytes: &[u8]) -> bool {
    let limits = Limits { elements: 1 << 14, work: 1 << 22 };
    let mut external = |name: &str, _: u64, _: usize| Err(format!("lies in {name}"));
    let mut model = match Model::read_with(bytes, None, limits, &mut external) {
        Ok(model) => model,
        Err(error) => {
            assert!(error.len() <= 4 * bytes.len() + 1000 && error.lines().count() == 1, "{error}");
            return false;
        }
    };
    let inputs = vec![0.5; 2 * model.inputs()];
    if let Ok(answers) = model.answers(&inputs, 2).map(<[f32]>::len) {
        assert_eq!(answers, 2 * model.classes());
    }
    if let Ok(network) = model.to_network() {
        assert!(network.parameters().iter().all(|value| value.is_finite()));
        let about = About { purpose: Purpose::Classes, ..About::default() };
        let written = export::onnx::write(&potstill::model::Model::Network(network.clone()), &about);
        let again = Model::read(&written).and_then(|model| model.to_network()).expect("its own file");
        assert_eq!(again.parameters(), network.parameters());
    }
    true
}

/// `metrics.jsonl`.
fn history(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let history = History::parse(&text);
    let lines: Vec<Map<String, serde_json::Value>> =
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let written: String =
        lines.into_iter().map(|line| format!("{}\n", serde_json::Value::Object(line))).collect();
    assert_eq!(History::parse(&written), history);
    let names = history.names();
    assert!(names.len() <= text.len());
    for name in names.iter().take(10) {
        assert!(history.series(name).len() <= text.lines().count());
    }
    // One cell for each line and name.
    if names.len() < 100 {
        let cells = (names.len() + 1) * (text.lines().count() + 1);
        assert!(csv(&text).len() <= 30 * text.len() + cells + 100);
    }
    history != History::default()
}
