//! Data sets of Minari, of this program and of Minari's own, in both directions. Needs Python; `cargo xtask
//! test` provides it.

use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A folder with data sets of Minari in `sets`.
struct Place {
    root: TempDir,
}

impl Place {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        fs::create_dir(root.path().join("sets")).unwrap();
        Self { root }
    }

    fn path(&self) -> &Path {
        self.root.path()
    }

    fn potstill(&self, arguments: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_potstill"));
        command.current_dir(self.path()).env("MINARI_DATASETS_PATH", self.path().join("sets"));
        command.args(arguments.split_whitespace()).output().unwrap()
    }

    fn result(&self, arguments: &str) -> Value {
        let output = self.potstill(&format!("{arguments} --json"));
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The output of `testdata/minari/sets.py`.
    fn minari(&self, arguments: &[&str]) -> Value {
        let python = std::env::var("POTSTILL_PYTHON").expect("set by `cargo xtask test`");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/minari/sets.py");
        let mut command = Command::new(python);
        command.env("MINARI_DATASETS_PATH", self.path().join("sets"));
        let output = command.arg(script).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Environment and episodes of a data set as this program reads them, in the form of the script.
    fn ours(&self, source: &str) -> Value {
        self.result(&format!("data convert {source} --out as-lines.jsonl"));
        let text = fs::read_to_string(self.path().join("as-lines.jsonl")).unwrap();
        let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let head = lines.next().unwrap();
        let episode = |line: Value| {
            let steps = line["rewards"].as_array().unwrap().len();
            let flags = |name: &str| {
                let is_set = line["ending"] == name || line["ending"] == "both";
                (1..=steps).map(|step| is_set && step == steps).collect::<Vec<bool>>()
            };
            json!({
                "observations": line["observations"],
                "actions": line["actions"],
                "rewards": line["rewards"],
                "terminated": flags("terminated"),
                "truncated": flags("truncated"),
                "seed": line["seed"],
            })
        };
        json!({ "env": head["env"], "episodes": lines.map(episode).collect::<Vec<_>>() })
    }
}

/// The parts of a data set that this program has, too.
fn shared(theirs: &Value) -> Value {
    json!({ "env": theirs["env"], "episodes": theirs["episodes"] })
}

#[test]
#[ignore = "needs Minari, by cargo xtask test"]
fn minaris_data_is_read_and_written_again_so_that_minari_reads_the_same() {
    let place = Place::new();
    let theirs = place.minari(&["write"]);
    let theirs = theirs.as_object().unwrap();
    assert_eq!(theirs.len(), 12, "six kinds of spaces in two layouts");
    let mut copies = Map::new();
    for (id, data) in theirs {
        assert_eq!(place.ours(&format!("minari:{id}")), shared(data), "{id}");
        for layout in ["arrow", "hdf5"] {
            let copy = format!("{}-as-{layout}-v0", id.trim_end_matches("-v0").replace("theirs", "ours"));
            place.result(&format!("data convert minari:{id} --out minari:{copy}:layout={layout}"));
            copies.insert(copy, data.clone());
        }
    }
    let ids: Vec<&str> = copies.keys().map(String::as_str).collect();
    let read = place.minari(&[&["read"], &ids[..]].concat());
    for (id, data) in &copies {
        assert_eq!(read[id], *data, "{id}");
        assert_eq!(place.ours(&format!("minari:{id}")), shared(data), "{id}");
    }
    // The metadata is kept on the way through another format, but for the form of the spaces.
    place.result("data convert minari:theirs/pole-arrow-v0 --out pole.jsonl");
    place.result("data convert pole.jsonl --out minari:ours/back-v0");
    assert_eq!(place.minari(&["read", "ours/back-v0"])["ours/back-v0"], theirs["theirs/pole-arrow-v0"]);
}

#[test]
#[ignore = "needs Minari, by cargo xtask test"]
fn what_is_recorded_here_plays_the_same_in_gymnasium() {
    let place = Place::new();
    let check = |env: &str, id: &str, episodes: u64| {
        let record = format!("play --env {env} --episodes {episodes} --seed 9 --record minari:{id}");
        assert_eq!(place.result(&record)["record"], format!("minari:{id}"));
        let name = id.split_once(':').map_or(id, |(name, _)| name);
        assert_eq!(place.minari(&["replay", name]), json!(episodes), "{env}");
        let read = &place.minari(&["read", name])[name];
        assert_eq!(place.ours(&format!("minari:{name}")), shared(read), "{env}");
    };
    check("CartPole-v1", "recorded/pole-v0", 20);
    check("CartPole-v1", "recorded/pole-v1:layout=hdf5", 20);
    check("FrozenLake-v1", "recorded/lake-v0", 20);
    check("Blackjack-v1", "recorded/deep/cards-v0", 20);
    check("Pendulum-v1", "recorded/swing-v0", 2);
}

/// Writes a small data set, and returns the folder of its data.
fn recorded(place: &Place, id: &str) -> PathBuf {
    place.result(&format!("play --env FrozenLake-v1 --episodes 5 --record minari:{id}"));
    place.path().join("sets").join(id.split_once(':').map_or(id, |(name, _)| name)).join("data")
}

#[test]
fn damage_is_told_in_a_line() {
    let place = Place::new();
    let data = recorded(&place, "lake/random-v0");
    let refused = |arguments: &str, expected: &str| {
        let output = place.potstill(arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments}: {told}");
        assert!(told.starts_with(&format!("error: {expected}")) && told.lines().count() == 1, "{told}");
    };
    let show = |expected: &str| {
        refused("data show minari:lake/random-v0", &format!("--data minari:lake/random-v0: {expected}"));
    };
    // A file that is changed, and put back.
    let changed = |file: &str, change: &dyn Fn(Vec<u8>) -> Vec<u8>, expected: &str| {
        let path = data.join(file);
        let before = fs::read(&path).unwrap();
        fs::write(&path, change(before.clone())).unwrap();
        show(expected);
        fs::write(&path, before).unwrap();
    };
    let with = |from: &'static str, to: &'static str| {
        move |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.contains(from), "{text}");
            text.replace(from, to).into_bytes()
        }
    };
    changed("3/part-0.arrow", &|bytes| bytes[..bytes.len() / 2].to_vec(), "3/part-0.arrow: it is cut off");
    changed("3/part-0.arrow", &|_| b"nonsense".to_vec(), "3/part-0.arrow: it is no Arrow file");
    changed("3/metadata.json", &|_| b"{".to_vec(), "3/metadata.json: it is no JSON: ");
    changed("metadata.json", &with("\"n\\\": 16", "\"n\\\": 4"), "0/part-0.arrow: episode 1, step ");
    changed(
        "metadata.json",
        &with("Discrete", "Graph"),
        "metadata.json: its observations are a space of type Graph, which is not supported",
    );
    changed(
        "metadata.json",
        &with("\"data_format\":\"arrow\"", "\"data_format\":\"parquet\""),
        "its data_format is parquet, which is not read; convert it with Minari to arrow or hdf5",
    );
    changed(
        "metadata.json",
        &with("\"total_episodes\":5", "\"total_episodes\":6"),
        "5/metadata.json: it cannot be read: No such file",
    );
    fs::remove_file(data.join("metadata.json")).unwrap();
    show("metadata.json: it cannot be read: No such file");
    refused("data show minari:lake/none-v0", "--data minari:lake/none-v0: there is no such data set, ");
    refused("data show minari:../x", "--data minari:../x: ");
    let id = "the name of a data set of Minari is NAMESPACE/name-v0, of letters, digits, _ and -";
    refused("data show minari:lake/random", &format!("--data minari:lake/random: {id}"));
    refused("play --env CartPole-v1 --record minari:lake", &format!("--record minari:lake: {id}"));
    refused(
        "play --env CartPole-v1 --record minari:a/b-v0:layout=zarr",
        "--record minari:a/b-v0:layout=zarr: layout=zarr: expected arrow or hdf5",
    );
    let again = place.potstill("play --env FrozenLake-v1 --record minari:lake/random-v0");
    let told = String::from_utf8(again.stderr).unwrap();
    assert!(told.ends_with("exists; choose another name or version, or remove it\n"), "{told}");
    assert!(!place.path().join("sets/a").exists(), "nothing is left");
}

#[test]
fn damaged_hdf5_files_are_told_in_a_line() {
    let place = Place::new();
    let file = recorded(&place, "lake/random-v0:layout=hdf5").join("main_data.hdf5");
    let whole = fs::read(&file).unwrap();
    let told = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        let output = place.potstill("data show minari:lake/random-v0");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(matches!(output.status.code(), Some(0 | 2)) && told.lines().count() <= 1, "{told}");
        (output.status.code(), told)
    };
    assert_eq!(told(&whole).0, Some(0));
    for length in [0, 7, 100, whole.len() / 2, whole.len() - 1] {
        let (code, told) = told(&whole[..length]);
        let is_told = told.contains("main_data.hdf5: ") && told.contains("it is damaged: ");
        assert!(code == Some(2) && is_told, "{length}: {told}");
    }
    // Whatever a changed byte does, it is no panic.
    for place in (0..whole.len()).step_by(whole.len() / 40) {
        let mut changed = whole.clone();
        changed[place] ^= 0x55;
        told(&changed);
    }
}

#[test]
fn episodes_are_shown_divided_joined_and_filtered() {
    let place = Place::new();
    let record = "play --env CartPole-v1 --episodes 40 --seed 3 --record minari:pole/random-v0";
    let mean = place.result(record)["mean_return"].clone();
    let shown = place.result("data show minari:pole/random-v0");
    assert_eq!((&shown["episodes"], &shown["returns"]["mean"]), (&json!(40), &mean));
    assert_eq!(
        (&shown["terminated"], &shown["cut_off"], &shown["seeds"]),
        (&json!(40), &json!(0), &json!(40))
    );
    assert_eq!(shown["metadata"]["algorithm_name"], "random");
    let entropy = shown["action_entropy"].as_f64().unwrap();
    assert!(entropy > 0.69 && entropy <= 2_f64.ln(), "of fair coins: {entropy}");
    // In words, too.
    let words = String::from_utf8(place.potstill("data show minari:pole/random-v0").stdout).unwrap();
    assert!(words.starts_with("40 episodes of CartPole-v1, "), "{words}");

    let split =
        "data split minari:pole/random-v0 --shares 0.75,0.25 --seed 1 --out minari:pole/a-v0 --out b.jsonl";
    let parts = place.result(split)["parts"].clone();
    assert_eq!((&parts[0]["episodes"], &parts[1]["episodes"]), (&json!(30), &json!(10)));
    let merged = place.result("data merge minari:pole/a-v0 b.jsonl --out c.npz");
    assert_eq!((&merged["episodes"], &merged["steps"]), (&json!(40), &shown["steps"]));
    // Formats have the same numbers, but for the observation after a terminal, which is not in d3rlpy's arrays.
    let show = |source: &str| place.result(&format!("data show {source}"));
    place.result("data convert minari:pole/random-v0 --out d.jsonl");
    place.result("data convert d.jsonl --out minari:pole/back-v0:layout=hdf5");
    assert_eq!(show("d.jsonl")["crc32c"], shown["crc32c"]);
    assert_eq!(show("minari:pole/back-v0")["crc32c"], shown["crc32c"]);
    assert_ne!(show("c.npz")["crc32c"], shown["crc32c"], "in another order");
    assert_eq!(show("c.npz")["returns"], shown["returns"]);

    let best = place.result("data filter minari:pole/random-v0 --top 0.1 --out best.jsonl");
    assert_eq!(best["episodes"], 4);
    assert!(best["mean_return"].as_f64() > shown["returns"]["q75"].as_f64());
    let none = place.potstill("data filter best.jsonl --return-min 1000 --out none.jsonl");
    assert_eq!(none.status.code(), Some(2));
    assert!(!place.path().join("none.jsonl").exists());
    let unequal = place.potstill("data split best.jsonl --shares 0.5,0.5 --out x.jsonl");
    let told = String::from_utf8(unequal.stderr).unwrap();
    assert_eq!(told, "error: --shares has 2 shares, --out 1 place; give --out once for each share\n");
}

#[test]
fn tables_learn_from_minaris_data() {
    let place = Place::new();
    let cliff = "play --env CliffWalking-v1:max_episode_steps=200 --episodes 300 --record";
    place.result(&format!("{cliff} minari:cliff/random-v0"));
    place.result(&format!("{cliff} walks.jsonl"));
    let learned = |source: &str, out: &str| {
        let summary = place.result(&format!("train q-learning --data {source} --out {out}"));
        (summary["mean_return"].clone(), fs::read(place.path().join(out).join("model.safetensors")).unwrap())
    };
    assert_eq!(learned("minari:cliff/random-v0", "a"), learned("walks.jsonl", "b"));
}
