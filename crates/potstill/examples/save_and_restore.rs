//! Saving and restoring a training run: its whole state is a file, and it continues to the same bits.
//!
//! cargo run --release -p potstill --example save_and_restore
//!
//! The command line does this for whole runs (`potstill resume`), with checksums and against crashes. Here are the parts:
//! a [`Snapshot`] is a tree of named values, and `snapshot_file` writes it as safetensors.

use potstill::agent::Agent;
use potstill::core::{Restorable, Snapshot, Streams};
use potstill::deep::{Dqn, DqnConfig};
use potstill::env::registry::find;
use potstill::store::snapshot_file;
use potstill::train::{Trainer, Training};

const STEPS: u64 = 2000;

fn trainer(seed: u64) -> Trainer<Dqn> {
    let streams = Streams::new(seed);
    let config = DqnConfig {
        net_arch: "mlp:32".parse().expect("a network"),
        learning_starts: 200,
        buffer_size: 1000,
        target_update_interval: 100,
        ..DqnConfig::default()
    };
    let env = find("CartPole-v1").expect("it is registered").make_features().expect("it has features");
    Trainer::new(Dqn::new(config, 4, 2, STEPS, streams), env, streams)
}

/// Trains without interruption and in two halves, and compares.
pub(crate) fn main() {
    let mut whole = trainer(1);
    whole.run(STEPS, None, &mut ()).expect("the numbers stay finite");

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("state.safetensors");
    {
        let mut first = trainer(1);
        first.run(777, None, &mut ()).expect("the numbers stay finite");
        // Parameters, optimiser, replay buffer, schedules, random streams, and the environment in mid-episode.
        std::fs::write(&file, snapshot_file::write(&first.snapshot())).expect("a place to write");
    }

    // What a constructor gives (sizes, hyperparameters) is not in the snapshot: build the same trainer, then restore. The
    // seed need not be the same, since the streams are restored too.
    let bytes = std::fs::read(&file).expect("it was written");
    let mut second = trainer(99);
    second.restore(&snapshot_file::read(&bytes).expect("it is whole")).expect("the same kind of trainer");
    assert_eq!(second.steps(), 777);
    second.run(STEPS, None, &mut ()).expect("the numbers stay finite");
    assert!(second.snapshot() == whole.snapshot(), "as if it had never been stopped");
    assert!(second.agent().model() == whole.agent().model());
    println!("stopped after 777 of {STEPS} steps, restored from {} bytes: the same bits", bytes.len());

    // A snapshot that does not fit is refused, with the name of the value at fault.
    let error = trainer(1).restore(&Snapshot::new()).unwrap_err();
    println!("refused: {error}");
}
