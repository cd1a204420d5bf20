//! Maps of tables in grid environments, and where states have a row and a column by other numbers: state values,
//! greedy policy and visit counts.

use crate::model::QTable;
use crate::planning::reachable;
use crate::report::{Block, GridChart, Square};
use crate::targets;
use potstill_env::registry::Spec;
use potstill_env::{Env, Paint, Scene, Shape, StateMap};

/// The most shapes that are drawn to find the places of all states: those of 64 x 64 squares with as many states.
const SHAPES_MAX: usize = 1 << 24;

/// A grid of which no map is made.
#[derive(Debug)]
struct TooLarge {
    rows: usize,
    columns: usize,
}

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
    /// The layout, if every state has a place in a grid. A scene has a shape for each square, so that the work grows
    /// with states times squares.
    ///
    /// # Errors
    /// If the grid is too large.
    fn of(
        env: &dyn Env<Observation = usize, Action = usize>,
        states: usize,
    ) -> Result<Option<Self>, TooLarge> {
        let scene_of = |state: usize| env.scene_of(&state).filter(|scene| scene.is_grid);
        let Some(first) = scene_of(0) else { return Ok(None) };
        let (rows, columns) = (first.height as usize, first.width as usize);
        if states.saturating_mul(first.shapes.len()) > SHAPES_MAX {
            return Err(TooLarge { rows, columns });
        }
        let place_of = |state: usize| {
            let (row, column) = place(&scene_of(state)?)?;
            (row < rows && column < columns).then_some(row * columns + column)
        };
        let square_of = (0..states).map(place_of).collect::<Option<_>>();
        Ok(square_of.map(|square_of| Self { columns, squares: background(&first), square_of }))
    }
}

/// The walls and letters of a grid.
fn background(scene: &Scene) -> Vec<Square> {
    let (rows, columns) = (scene.height as usize, scene.width as usize);
    let mut squares = vec![Square::default(); rows * columns];
    let index = |(x, y): (f64, f64)| {
        (y.floor() as usize).min(rows - 1) * columns + (x.floor() as usize).min(columns - 1)
    };
    for (paint, shape) in &scene.shapes {
        match shape {
            Shape::Rectangle { at, size: (1.0, 1.0) } => {
                squares[index(*at)].is_wall |= *paint == Paint::Ink;
            }
            Shape::Text { at, text, .. } => squares[index(*at)].letter = text.chars().next(),
            _ => {}
        }
    }
    squares
}

/// The arrow of an action, by its name; a number as it is; else its first letter.
fn arrow(word: &str) -> Option<String> {
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
    if word.parse::<i64>().is_ok() {
        return Some(word.to_owned());
    }
    let known = ARROWS.iter().find(|(name, _)| *name == word).map(|(_, arrow)| *arrow);
    known.or_else(|| word.chars().next().map(|c| c.to_ascii_uppercase())).map(String::from)
}

/// A table of values with the visits of its states, if they were counted.
struct Learned<'a> {
    spec: &'a Spec,
    table: &'a QTable,
    visits: Option<&'a [u64]>,
    /// The states that can be reached, in ascending order, if there is a model.
    reachable: Option<Vec<usize>>,
}

impl Learned<'_> {
    fn count(&self, state: usize) -> Option<u64> {
        let visits = self.visits?;
        let actions = visits.len() / self.table.states();
        Some(visits[state * actions..][..actions].iter().sum())
    }

    /// Returns true for states with known values: visited or reachable.
    fn is_known(&self, state: usize) -> bool {
        match (self.count(state), &self.reachable) {
            (Some(n), _) => n > 0,
            (None, Some(states)) => states.binary_search(&state).is_ok(),
            (None, None) => true,
        }
    }

    /// The greedy action; none if all values are equal, or there is one action. Of equals, up to rounding, the
    /// first, or the smallest if their names are numbers.
    fn greedy(&self, state: usize) -> Option<String> {
        let row = self.table.row(state);
        let best = targets::max(row);
        let is_best = |q: f64| q >= best - 1e-12 * (1.0 + best.abs());
        if row.iter().all(|&q| is_best(q)) {
            return None;
        }
        let word = |action: usize| self.spec.actions.get(action).copied().unwrap_or_default();
        let size = |action: usize| word(action).parse::<i64>().map_or(0, i64::abs);
        let equals = (0..row.len()).filter(|&action| is_best(row[action]));
        equals.min_by_key(|&action| (size(action), action)).and_then(|action| arrow(word(action)))
    }
}

/// The maps of a table for a report, or a sentence if they are too large.
pub(crate) fn map_blocks(spec: &Spec, table: &QTable, visits: Option<&[u64]>) -> Vec<Block> {
    match charts(spec, table, visits) {
        Ok(charts) => charts.into_iter().map(Block::Grid).collect(),
        Err(TooLarge { rows, columns }) => vec![Block::Text(format!(
            "Maps of values and visits are left out: {rows} x {columns} squares are too many to be read."
        ))],
    }
}

/// The maps, if the states of this table have an order: values with the greedy policy, and visits if they were
/// counted.
pub(crate) fn maps(spec: &Spec, table: &QTable, visits: Option<&[u64]>) -> Vec<GridChart> {
    charts(spec, table, visits).unwrap_or_default()
}

fn charts(spec: &Spec, table: &QTable, visits: Option<&[u64]>) -> Result<Vec<GridChart>, TooLarge> {
    let Some(env) = spec.make_states() else { return Ok(Vec::new()) };
    let states = table.states();
    if spec.observation_space().discrete() != Some(states) {
        return Ok(Vec::new());
    }
    let visits = visits.filter(|visits| visits.len().is_multiple_of(states) && !visits.is_empty());
    let reachable = if visits.is_none() { env.model().map(|model| reachable(&model)) } else { None };
    let learned = Learned { spec, table, visits, reachable };
    let tables = env.state_maps();
    if !tables.is_empty() {
        return Ok(tables.iter().flat_map(|table| state_charts(&learned, table)).collect());
    }
    let layout = Layout::of(&*env, states)?;
    Ok(layout.map(|layout| place_charts(&learned, &layout)).unwrap_or_default())
}

/// The charts of an environment that is a grid of places, of which several states may share one.
fn place_charts(learned: &Learned<'_>, layout: &Layout) -> Vec<GridChart> {
    let table = learned.table;
    let mut inside: Vec<Vec<usize>> = vec![Vec::new(); layout.squares.len()];
    (0..table.states())
        .filter(|&state| learned.is_known(state))
        .for_each(|state| inside[layout.square_of[state]].push(state));
    let shared = inside.iter().any(|states| states.len() > 1);
    let mut values = layout.squares.clone();
    for (square, states) in values.iter_mut().zip(&inside).filter(|(_, states)| !states.is_empty()) {
        let worth = states.iter().map(|&state| targets::max(table.row(state)));
        square.value = Some(worth.sum::<f64>() / states.len() as f64);
        if let &[state] = &states[..] {
            square.arrow = learned.greedy(state);
        }
    }
    let title = match shared && table.actions() > 1 {
        true => "Value of acting greedily, mean over the states of a square",
        false => values_title(learned, &values),
    };
    let chart = |title: &str, squares, is_count| GridChart {
        title: title.to_owned(),
        columns: layout.columns,
        squares,
        is_count,
        ..GridChart::default()
    };
    let mut charts = vec![chart(title, values, false)];
    if learned.visits.is_some() {
        let mut counts = layout.squares.clone();
        for (square, states) in counts.iter_mut().zip(&inside).filter(|(_, states)| !states.is_empty()) {
            let visits = states.iter().filter_map(|&state| learned.count(state));
            square.value = Some(visits.sum::<u64>() as f64);
        }
        charts.push(chart(VISITS_TITLE, counts, true));
    }
    charts
}

const VISITS_TITLE: &str = "Visits of each state";

fn values_title(learned: &Learned<'_>, values: &[Square]) -> &'static str {
    match (learned.table.actions() > 1, values.iter().any(|square| square.arrow.is_some())) {
        (false, _) => "Value of each state under the evaluated policy",
        (true, true) => "Value of acting greedily, and the greedy action",
        (true, false) => "Value of acting greedily",
    }
}

/// The charts of a table of states.
fn state_charts(learned: &Learned<'_>, map: &StateMap) -> Vec<GridChart> {
    let known = |square: &Option<usize>| square.filter(|&state| learned.is_known(state));
    let values = map.states.iter().map(known).map(|state| Square {
        value: state.map(|state| targets::max(learned.table.row(state))),
        arrow: state.and_then(|state| learned.greedy(state)),
        ..Square::default()
    });
    let values: Vec<Square> = values.collect();
    let chart = |title: &str, squares, is_count| GridChart {
        title: if map.title.is_empty() { title.to_owned() } else { format!("{title}: {}", map.title) },
        columns: map.columns.len(),
        squares,
        is_count,
        row_names: map.rows.clone(),
        column_names: map.columns.clone(),
        labels: [map.row_label, map.column_label].map(str::to_owned),
    };
    let mut charts = vec![chart(values_title(learned, &values), values, false)];
    if learned.visits.is_some() {
        let count = |state: Option<usize>| Square {
            value: state.and_then(|state| learned.count(state)).map(|n| n as f64),
            ..Square::default()
        };
        charts.push(chart(VISITS_TITLE, map.states.iter().map(known).map(count).collect(), true));
    }
    charts
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
        assert_eq!(of(values, 17), square(Some(1.0), Some("↑".to_owned()), None, false));
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
            let charts = maps(&spec, &QTable::new(states, actions, 0.0), None);
            assert_eq!(charts.len(), count, "{id}");
        };
        for id in [
            "CliffWalking-v1",
            "FrozenLake-v1",
            "Taxi-v4",
            "WindyGridworld:stochastic_wind=true",
            "AccessControl",
            "Gridworld-v0",
            "RandomWalk:states=19",
            "Gambler",
            "CarRental:random_income=true",
            "SmallGridworld",
        ] {
            check(id, 1);
        }
        check("Blackjack-v1", 2);
        check("Bandit", 0);
        check("CartPole-v1:bins=2", 0);
    }

    #[test]
    fn a_large_grid_has_a_sentence() {
        let check = |side: usize, expected: Option<&str>| {
            let map = format!("S{}G", ".".repeat(side * side - 2));
            let rows: Vec<&str> = (0..side).map(|row| &map[row * side..][..side]).collect();
            let spec = find(&format!("Gridworld-v0:desc={}", rows.join("/"))).unwrap();
            let blocks = map_blocks(&spec, &QTable::new(side * side, 4, 0.0), None);
            let sentence = match &blocks[..] {
                [Block::Grid(chart)] => {
                    assert_eq!(chart.squares.len(), side * side);
                    None
                }
                [Block::Text(sentence)] => Some(sentence.as_str()),
                _ => panic!("{blocks:?}"),
            };
            assert_eq!(sentence, expected, "{side}");
        };
        check(20, None);
        check(
            256,
            Some("Maps of values and visits are left out: 256 x 256 squares are too many to be read."),
        );
    }

    #[test]
    fn of_equal_moves_the_smallest_is_shown() {
        let spec = find("CarRental:random_income=true").unwrap();
        let mut table = QTable::new(441, 11, 0.0);
        // Four cars at the first place and none at the second: moves to the first are no moves.
        let state = 4 * 21;
        (6..11).for_each(|action| table.set(state, action, -2.0));
        let charts = maps(&spec, &table, None);
        let square = &charts[0].squares[(20 - 4) * 21];
        assert_eq!((square.value, square.arrow.as_deref()), (Some(0.0), Some("0")));
        // Nothing is known of the others.
        assert_eq!(charts[0].squares[0].arrow, None);
    }

    #[test]
    fn a_map_of_blackjack_is_that_of_the_book() {
        let spec = find("Blackjack-v1").unwrap();
        let mut table = QTable::new(704, 2, 0.0);
        // 13 without a usable ace against a 2: stick.
        let state = (13 * 11 + 2) * 2;
        table.set(state, 0, -0.25);
        table.set(state, 1, -0.5);
        let mut visits = vec![0; 704 * 2];
        visits[2 * state] = 3;
        let charts = maps(&spec, &table, Some(&visits));
        let titles: Vec<&str> = charts.iter().map(|chart| chart.title.as_str()).collect();
        assert_eq!(
            titles,
            [
                "Value of acting greedily, and the greedy action: no usable ace",
                "Visits of each state: no usable ace",
                "Value of acting greedily: usable ace",
                "Visits of each state: usable ace",
            ]
        );
        let (values, counts) = (&charts[0], &charts[1]);
        assert_eq!(
            (values.row_names.len(), &*values.row_names[0], &*values.column_names[0]),
            (18, "21", "A")
        );
        // Eight rows below 21, the second card.
        let square = Square { value: Some(-0.25), arrow: Some("S".to_owned()), ..Square::default() };
        assert_eq!((&values.squares[8 * 10 + 1], counts.squares[8 * 10 + 1].value), (&square, Some(3.0)));
        assert_eq!(values.squares.iter().filter(|square| square.value.is_some()).count(), 1);
    }
}
