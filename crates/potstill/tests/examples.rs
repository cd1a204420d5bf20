//! The examples do what they say: each ends with assertions of its own, and is run here.

use std::fs;
use std::path::Path;

/// Declares the module of each example and a test that runs it, and lists their names.
macro_rules! examples {
    ($($(#[$path:meta])* mod $name:ident;)+) => {
        $($(#[$path])* mod $name;)+

        $(#[test]
        fn $name() {
            $name::main();
        })+

        const NAMES: &[&str] = &[$(stringify!($name)),+];
    };
}

examples! {
    #[path = "../examples/custom_environment.rs"]
    mod custom_environment;
    #[path = "../examples/custom_network.rs"]
    mod custom_network;
    #[path = "../examples/distil_digits.rs"]
    mod distil_digits;
    #[path = "../examples/exact_values.rs"]
    mod exact_values;
    #[path = "../examples/q_learning.rs"]
    mod q_learning;
    #[path = "../examples/save_and_restore.rs"]
    mod save_and_restore;
    #[path = "../examples/schedule_and_callback.rs"]
    mod schedule_and_callback;
    #[path = "../examples/vector_environments.rs"]
    mod vector_environments;
}

#[test]
fn every_example_is_run_and_in_the_index() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let index = fs::read_to_string(folder.join("README.md")).unwrap();
    let mut found: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".rs")?.to_owned()))
        .collect();
    found.sort();
    assert_eq!(found, NAMES);
    for name in found {
        assert!(index.contains(&format!("[{name}.rs]({name}.rs)")), "{name} is not in examples/README.md");
        let text = fs::read_to_string(folder.join(format!("{name}.rs"))).unwrap();
        let command = format!("//! cargo run --release -p potstill --example {name}\n");
        assert!(text.contains(&command), "{name} does not say how it is run");
    }
}
