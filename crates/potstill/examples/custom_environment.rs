//! An environment of your own, learned by Q-learning, stopped in the middle, and continued.
//!
//! cargo run --release -p potstill --example custom_environment

use potstill::core::snapshot::below;
use potstill::core::{Restorable, Streams, snapshot};
use potstill::env::{Env, EnvError, Guarded, Outcome, Space};
use potstill::tabular::{QLearning, TabularConfig};
use potstill::train::{Trainer, Training};

/// A corridor: from the middle, action 1 leads to the right, where the exit is, and action 0 to the left.
#[derive(Default)]
struct Corridor {
    place: usize,
}

const EXIT: usize = 10;

impl Env for Corridor {
    type Observation = usize;
    type Action = usize;

    fn observation_space(&self) -> Space {
        Space::Discrete { n: EXIT + 1 }
    }

    fn action_space(&self) -> Space {
        Space::Discrete { n: 2 }
    }

    fn reset(&mut self, _seed: Option<u64>, observation: &mut usize) {
        self.place = EXIT / 2;
        *observation = self.place;
    }

    fn reseed(&mut self, _seed: u64) {} // Nothing here is left to chance.

    fn step(&mut self, action: &usize, observation: &mut usize) -> Result<Outcome, EnvError> {
        self.place = if *action == 1 { self.place + 1 } else { self.place.saturating_sub(1) };
        *observation = self.place;
        Ok(Outcome { reward: -1.0, terminated: self.place == EXIT, truncated: false })
    }
}

// Saved and restored by its one field, whose range is checked.
snapshot! {
    impl Restorable for Corridor {
        saved: place via below(EXIT + 1);
    }
}

fn trainer() -> Trainer<QLearning> {
    let streams = Streams::new(1);
    // Guarded refuses steps outside an episode, and truncates episodes after 100 steps.
    let env = Box::new(Guarded::new(Corridor::default(), Some(100)));
    Trainer::new(QLearning::new(TabularConfig::default(), EXIT + 1, 2, streams), env, streams)
}

/// Trains, stops, continues, and prints the values of the start.
pub(crate) fn main() {
    let mut whole = trainer();
    whole.run(2000, None, &mut ()).expect("the corridor takes every action");

    let mut first = trainer();
    first.run(777, None, &mut ()).expect("the corridor takes every action");
    let mut second = trainer();
    second.restore(&first.snapshot()).expect("the same kind of trainer");
    second.run(2000, None, &mut ()).expect("the corridor takes every action");
    assert!(second.snapshot() == whole.snapshot(), "as if it had never been stopped");

    let values = whole.agent().q().row(EXIT / 2);
    println!("from the middle: left {:.2}, right {:.2}", values[0], values[1]);
    // Five steps to the exit.
    assert!((values[1] + 5.0).abs() < 1e-3 && values[1] > values[0]);
}
