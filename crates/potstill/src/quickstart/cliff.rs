//! Act 1, the cliff: SARSA learns the safe path, Q-learning the shortest one (Sutton and Barto 2018, Example
//! 6.6).

use super::act::{Act, QuickstartRequest};
use crate::error::Error;
use crate::experience::{Ending, Episode};
use crate::report::{Block, LineChart, Series, Table, wrap};
use crate::reproduce::{CliffWalk, mean_curve, walk_the_cliff};
use crate::run::{Observer, watched_map};
use crate::store::RunDir;
use crate::tabular::{QLearning, Sarsa};
use crate::train::TrainError;
use crate::train::statistics::{self, Center, Estimate};
use potstill_core::Streams;
use potstill_env::toy_text::cliff_walking;
use serde_json::{Value, json};

const SEEDS: usize = 200;
/// Episodes at the end of a run over which the return is averaged.
const LAST: usize = 100;

/// The results of all seeds of one algorithm.
struct Outcome {
    name: &'static str,
    last: Estimate,
    /// Mean return of each episode over the seeds.
    curve: Vec<(f64, f64)>,
    /// The median length of the greedy paths that reach the goal.
    steps: usize,
    loops: usize,
    /// A path of that length.
    walk: Vec<usize>,
}

fn gather(name: &'static str, runs: &[CliffWalk]) -> Outcome {
    let last: Vec<f64> =
        runs.iter().map(|run| statistics::mean(&run.returns[run.returns.len() - LAST..])).collect();
    let returns: Vec<Vec<f64>> = runs.iter().map(|run| run.returns.clone()).collect();
    let curve = mean_curve(&returns).into_iter().enumerate().map(|(i, mean)| (i as f64 + 1.0, mean));
    let mut arrived: Vec<&CliffWalk> =
        runs.iter().filter(|run| run.walk.ending == Ending::Terminated).collect();
    arrived.sort_by_key(|run| run.walk.trajectory.steps());
    let middle = arrived.get(arrived.len() / 2);
    Outcome {
        name,
        last: Center::Mean.estimate(&last),
        curve: curve.collect(),
        steps: middle.map_or(0, |run| run.walk.trajectory.steps()),
        loops: runs.len() - arrived.len(),
        walk: middle.map_or(Vec::new(), |run| walk_of(&run.walk)),
    }
}

/// State and action of each step, as `state * 4 + action`.
fn walk_of(episode: &Episode<usize>) -> Vec<usize> {
    let trajectory = &episode.trajectory;
    trajectory
        .observations()
        .iter()
        .zip(trajectory.actions())
        .map(|(state, action)| state * 4 + action)
        .collect()
}

/// The grid with an arrow on each state of a path.
fn arrows(walk: &[usize]) -> String {
    let mut grid: Vec<char> = (0..cliff_walking::ROWS * cliff_walking::COLUMNS)
        .map(|state| if cliff_walking::is_cliff(state) { '#' } else { '.' })
        .collect();
    for step in walk {
        grid[step / 4] = ['\u{2191}', '\u{2192}', '\u{2193}', '\u{2190}'][step % 4];
    }
    grid[cliff_walking::GOAL] = 'G';
    let rows = grid.chunks(cliff_walking::COLUMNS);
    let rows: Vec<String> = rows.map(|row| row.iter().map(|c| format!(" {c}")).collect::<String>()).collect();
    rows.join("\n")
}

/// Two grids beside each other, each under its title.
fn beside(left: (&str, &str), right: (&str, &str)) -> String {
    let width = 2 * cliff_walking::COLUMNS + 6;
    let mut text = format!("  {:width$}  {}\n", left.0, right.0);
    for (a, b) in left.1.lines().zip(right.1.lines()) {
        text += &format!("  {a:width$}  {b}\n");
    }
    text
}

fn numbers(outcome: &Outcome) -> Value {
    json!({
        "return_last_100": outcome.last.value,
        "return_last_100_low": outcome.last.low(),
        "return_last_100_high": outcome.last.high(),
        "greedy_steps": outcome.steps,
        "greedy_loops": outcome.loops,
    })
}

/// Runs the act.
///
/// # Errors
/// If the environment refuses a step.
pub(super) fn act(request: &QuickstartRequest, _dir: &RunDir, observer: &dyn Observer) -> Result<Act, Error> {
    let streams = Streams::new(request.seed);
    let runs = watched_map(observer, "the cliff", SEEDS, request.threads, |i| {
        let of_seed = Streams::new(streams.seed_for("cliff", i as u64));
        Ok((walk_the_cliff(QLearning::new, of_seed)?, walk_the_cliff(Sarsa::new, of_seed)?))
    });
    let (q, sarsa): (Vec<CliffWalk>, Vec<CliffWalk>) =
        runs.into_iter().collect::<Result<Vec<_>, TrainError>>()?.into_iter().unzip();
    let (q, sarsa) = (gather("Q-learning", &q), gather("SARSA", &sarsa));

    let chart = LineChart {
        title: format!("Return while learning, mean of {SEEDS} seeds"),
        x_label: "episode".to_owned(),
        y_label: "return".to_owned(),
        series: [&q, &sarsa]
            .map(|outcome| Series {
                name: outcome.name.to_owned(),
                points: outcome.curve.clone(),
                band: Vec::new(),
            })
            .to_vec(),
        // The first episodes take thousands of steps and would flatten the rest.
        y_range: Some((-150.0, 0.0)),
    };
    let table = Table {
        head: ["", "return, episodes 401-500", "greedy path", "greedy loops"].map(str::to_owned).to_vec(),
        rows: [&q, &sarsa]
            .map(|outcome| {
                vec![
                    outcome.name.to_owned(),
                    outcome.last.text(1),
                    format!("{} steps", outcome.steps),
                    format!("{} of {SEEDS}", outcome.loops),
                ]
            })
            .to_vec(),
    };
    let pictures = [&q, &sarsa].map(|outcome| arrows(&outcome.walk));
    let lesson = "Both explore with epsilon 0.1. Q-learning learns the greedy policy's values and walks along the edge, where \
                  exploring is costly; SARSA learns the values of the policy that explores and keeps away. With a \
                  fixed step size some of SARSA's greedy policies walk in a circle, so the return that counts is the exploring one.";
    let titles = [&q, &sarsa].map(|outcome| format!("{}: {} steps", outcome.name, outcome.steps));
    let text = format!(
        "{}\n{}\n{}\n{}",
        beside((&titles[0], &pictures[0]), (&titles[1], &pictures[1])),
        chart.text(76, 12),
        table.text(),
        wrap(lesson),
    );
    let picture = |i: usize| Block::Plain(format!("{}\n\n{}", titles[i], pictures[i]));
    let blocks = vec![
        Block::Text(lesson.to_owned()),
        Block::Row(vec![picture(0), picture(1)]),
        Block::Lines(chart),
        Block::Table(table),
    ];
    let numbers = json!({ "seeds": SEEDS, "q_learning": numbers(&q), "sarsa": numbers(&sarsa) });
    Ok(Act { name: "cliff", title: "The cliff: off-policy and on-policy", numbers, text, blocks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_show_the_walk() {
        let edge: Vec<usize> =
            std::iter::once(36 * 4).chain((24..35).map(|s| s * 4 + 1)).chain([35 * 4 + 2]).collect();
        let expected = " . . . . . . . . . . . .\n . . . . . . . . . . . .\n \
                        \u{2192} \u{2192} \u{2192} \u{2192} \u{2192} \u{2192} \u{2192} \u{2192} \u{2192} \u{2192} \u{2192} \u{2193}\n \
                        \u{2191} # # # # # # # # # # G";
        assert_eq!(arrows(&edge), expected);
    }
}
