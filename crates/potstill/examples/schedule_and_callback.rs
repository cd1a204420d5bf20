//! A schedule and a callback: SARSA explores less and less, and a callback stops it when it has learned enough.
//!
//! cargo run --release -p potstill --example schedule_and_callback
//!
//! SARSA learns the values of the policy that it follows, and while that policy explores, the cliff's edge is a bad place:
//! SARSA learns to keep away from it. With an epsilon that goes to 0 it then takes its safe path, 17 steps, every time.

use potstill::core::Streams;
use potstill::env::registry::find;
use potstill::policy::Schedule;
use potstill::tabular::{Sarsa, TabularConfig};
use potstill::train::{Callback, EpisodeEnd, RunEnd, Trainer, Training};
use std::ops::ControlFlow;

/// Stops a training after a number of episodes in a row with a return of at least `goal`.
struct StopWhenSolved {
    goal: f64,
    wanted_in_a_row: usize,
    in_a_row: usize,
}

impl Callback<Trainer<Sarsa>> for StopWhenSolved {
    // There are also `on_step`, `on_update` and `on_evaluation`. Each sees the trainer, and may end the run.
    fn on_episode(&mut self, trainer: &Trainer<Sarsa>, episode: &EpisodeEnd) -> ControlFlow<()> {
        self.in_a_row = if episode.episode_return >= self.goal { self.in_a_row + 1 } else { 0 };
        if trainer.episodes().is_multiple_of(100) {
            println!("episode {:4}: return {:6.1}", trainer.episodes(), episode.episode_return);
        }
        if self.in_a_row == self.wanted_in_a_row { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Trains SARSA on the cliff until it takes its safe path twenty times in a row.
pub(crate) fn main() {
    // A schedule is written as on the command line: from 0.2 to 0 in a straight line over 20,000 steps. `exponential:...`
    // and `1/n` are others.
    let epsilon: Schedule = "linear:0.2:0:20000".parse().expect("a schedule");
    assert_eq!([0, 10_000, 30_000].map(|steps| epsilon.at(steps, 1)), [0.2, 0.1, 0.0]);

    let streams = Streams::new(1);
    let config = TabularConfig { epsilon, ..TabularConfig::default() };
    let env =
        find("CliffWalking-v1").expect("it is registered").make_states().expect("its states are discrete");
    let mut trainer = Trainer::new(Sarsa::new(config, 48, 4, streams), env, streams);
    let mut callback = StopWhenSolved { goal: -17.0, wanted_in_a_row: 20, in_a_row: 0 };
    let end = trainer.run(200_000, None, &mut callback).expect("the environment takes every action");
    println!("stopped after {} episodes, {} steps", trainer.episodes(), trainer.steps());
    assert!(end == RunEnd::Stopped && trainer.steps() < 200_000);
}
