//! Maps of tables in grid environments: state values, greedy policy and visit counts.

use crate::model::QTable;
use crate::planning::reachable;
use crate::report::{GridChart, Square};
use crate::targets;
use potstill_env::registry::Spec;
use potstill_env::{Env, Paint, Scene, Shape};

/// The squares of the states in a grid environment.
struct Layout {
    columns: usize,
    squares: Vec<Square>,
    /// The square of each state.
    square_of: Vec<usize>,
}

/// The square of the agent.
fn place(scene: &Scene) -> Option<(usize, usize)> {
    scene.shapes.iter().rev().find_map(|(paint, shape)| match (paint, shape) {
        (Paint::Agent, Shape::Circle { centre: (x, y), .. }) => {
            Some((y.floor() as usize, x.floor() as usize))
        }
        _ => None,
    })
}

impl Layout {
    fn of(env: &dyn Env<Observation = usize, Action = usize>, states: usize) -> Option<Self> {
        let scenes = (0..states).map(|state| env.scene_of(&state).filter(|scene| scene.is_grid));
        let scenes: Vec<Scene> = scenes.collect::<Option<_>>()?;
        let (rows, columns) = (scenes[0].height as usize, scenes[0].width as usize);
        let mut squares = vec![Square::default(); rows * columns];
        let index = |(x, y): (f64, f64)| {
            (y.floor() as usize).min(rows - 1) * columns + (x.floor() as usize).min(columns - 1)
        };
        for (paint, shape) in &scenes[0].shapes {
            match shape {
                Shape::Rectangle { at, size: (1.0, 1.0) } => {
                    squares[index(*at)].is_wall |= *paint == Paint::Ink;
                }
                Shape::Text { at, text, .. } => squares[index(*at)].letter = text.chars().next(),
                _ => {}
            }
        }
        let square_of = scenes.iter().map(|scene| {
            let (row, column) = place(scene)?;
            (row < rows && column < columns).then_some(row * columns + column)
        });
        Some(Self { columns, squares, square_of: square_of.collect::<Option<_>>()? })
    }
}

/// The arrow of an action, by its name; else its first letter.
fn arrow(word: &str) -> Option<char> {
    const ARROWS: [(&str, char); 8] = [
        ("up", '↑'),
        ("right", '→'),
        ("down", '↓'),
        ("left", '←'),
        ("up right", '↗'),
        ("down right", '↘'),
        ("down left", '↙'),
        ("up left", '↖'),
    ];
    let known = ARROWS.iter().find(|(name, _)| *name == word).map(|(_, arrow)| *arrow);
    known.or_else(|| word.chars().next().map(|c| c.to_ascii_uppercase()))
}

/// The maps, if the environment of this table is a grid: values with the greedy policy, and visits if they
/// were counted.
pub(crate) fn maps(spec: &Spec, table: &QTable, visits: Option<&[u64]>) -> Vec<GridChart> {
    let Some(env) = spec.make_states() else { return Vec::new() };
    let states = table.states();
    let visits = visits.filter(|visits| visits.len().is_multiple_of(states) && !visits.is_empty());
    let Some(layout) =
        Layout::of(&*env, states).filter(|_| spec.observation_space().discrete() == Some(states))
    else {
        return Vec::new();
    };
    let count = |state: usize| -> Option<u64> {
        let actions = visits?.len() / states;
        Some(visits?[state * actions..][..actions].iter().sum())
    };
    // States with known values: visited or reachable.
    let could_be = env.model().map(|model| reachable(&model));
    let is_known = |state: usize| match (count(state), &could_be) {
        (Some(n), _) => n > 0,
        (None, Some(met)) => met.binary_search(&state).is_ok(),
        (None, None) => true,
    };
    let mut inside: Vec<Vec<usize>> = vec![Vec::new(); layout.squares.len()];
    (0..states)
        .filter(|&state| is_known(state))
        .for_each(|state| inside[layout.square_of[state]].push(state));
    let shared = inside.iter().any(|states| states.len() > 1);

    let mut values = layout.squares.clone();
    for (square, states) in values.iter_mut().zip(&inside).filter(|(_, states)| !states.is_empty()) {
        let worth = states.iter().map(|&state| targets::max(table.row(state)));
        square.value = Some(worth.sum::<f64>() / states.len() as f64);
        if let (&[state], true) = (&states[..], table.actions() > 1) {
            let row = table.row(state);
            let best = targets::max(row);
            // If all values are equal, no arrow.
            let greedy = row.iter().position(|&q| q == best).filter(|_| row.iter().any(|&q| q != best));
            square.arrow =
                greedy.and_then(|action| arrow(spec.actions.get(action).copied().unwrap_or_default()));
        }
    }
    let has_arrows = values.iter().any(|square| square.arrow.is_some());
    let title = match (table.actions() > 1, shared, has_arrows) {
        (false, ..) => "Value of each state under the evaluated policy",
        (true, true, _) => "Value of acting greedily, mean over the states of a square",
        (true, false, true) => "Value of acting greedily, and the greedy action",
        (true, false, false) => "Value of acting greedily",
    };
    let chart = |title: &str, squares, is_count| GridChart {
        title: title.to_owned(),
        columns: layout.columns,
        squares,
        is_count,
    };
    let mut maps = vec![chart(title, values, false)];
    if visits.is_some() {
        let mut counts = layout.squares.clone();
        for (square, states) in counts.iter_mut().zip(&inside).filter(|(_, states)| !states.is_empty()) {
            square.value = Some(states.iter().filter_map(|&state| count(state)).sum::<u64>() as f64);
        }
        maps.push(chart("Visits of each state", counts, true));
    }
    maps
}

#[cfg(test)]
mod tests {
    use super::*;
    use potstill_env::registry::find;

    #[test]
    fn a_map_of_the_maze() {
        let spec = find("DynaMaze").unwrap();
        let mut table = QTable::new(54, 4, 0.0);
        // Below the goal: up. Beside it is a wall.
        table.set(17, 0, 1.0);
        let mut visits = vec![0; 54 * 4];
        (visits[17 * 4], visits[17 * 4 + 1], visits[18 * 4]) = (2, 1, 5);
        let [values, counts] = &maps(&spec, &table, Some(&visits))[..] else { panic!("two maps") };
        assert_eq!((values.columns, values.squares.len()), (9, 54));
        let of = |chart: &GridChart, i: usize| chart.squares[i].clone();
        let square = |value, arrow, letter, is_wall| Square { value, arrow, letter, is_wall };
        assert_eq!(of(values, 17), square(Some(1.0), Some('↑'), None, false));
        assert_eq!(of(values, 18), square(Some(0.0), None, Some('S'), false));
        assert_eq!(of(values, 8), square(None, None, Some('G'), false));
        assert_eq!(of(values, 7), square(None, None, None, true));
        assert_eq!((of(counts, 17).value, of(counts, 18).value), (Some(3.0), Some(5.0)));
    }

    #[test]
    fn what_is_a_grid_has_a_map() {
        let check = |id: &str, count: usize| {
            let spec = find(id).unwrap();
            let (states, actions) =
                (spec.observation_space().discrete().unwrap(), spec.action_space().discrete().unwrap());
            assert_eq!(maps(&spec, &QTable::new(states, actions, 0.0), None).len(), count, "{id}");
        };
        for id in [
            "CliffWalking-v1",
            "FrozenLake-v1",
            "Taxi-v4",
            "WindyGridworld:stochastic_wind=true",
            "AccessControl",
            "Gridworld-v0",
        ] {
            check(id, 1);
        }
        check("Blackjack-v1", 0);
        check("CartPole-v1:bins=2", 0);
    }
}
