//! Tables of states, by which values and policies are drawn as the books draw them.
//!
//! A grid environment needs none: its [scenes](crate::Scene) say where each state is. A state that is made of
//! numbers, such as a hand of cards or the cars at two places, has a row and a column instead.
//!
//! ```
//! use potstill_env::{Env, registry::find};
//!
//! let maps = find("Blackjack-v1")?.make_states().unwrap().state_maps();
//! assert_eq!((maps[1].title, maps[1].rows[0].as_str(), maps[1].columns[0].as_str()), ("usable ace", "21", "A"));
//! // A sum of 21 with an ace that counts 11, against an ace.
//! assert_eq!(maps[1].states[0], Some((21 * 11 + 1) * 2 + 1));
//! # Ok::<(), potstill_env::EnvError>(())
//! ```

/// A table of states with names of its rows and columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateMap {
    /// The property that its states share; empty if it holds all states.
    pub title: &'static str,
    /// The quantity of the rows.
    pub row_label: &'static str,
    /// The quantity of the columns.
    pub column_label: &'static str,
    /// The names of the rows, from above.
    pub rows: Vec<String>,
    /// The names of the columns, from the left.
    pub columns: Vec<String>,
    /// The state of each square, `rows x columns`, row by row; `None` where there is none.
    pub states: Vec<Option<usize>>,
}

impl StateMap {
    /// A table of these rows and columns, whose squares have the states that `state_of` gives.
    pub fn new<R: Copy + ToString, C: Copy + ToString>(
        (row_label, rows): (&'static str, &[R]),
        (column_label, columns): (&'static str, &[C]),
        state_of: impl Fn(R, C) -> Option<usize>,
    ) -> Self {
        let squares = rows.iter().flat_map(|&row| columns.iter().map(move |&column| (row, column)));
        Self {
            title: "",
            row_label,
            column_label,
            rows: rows.iter().map(R::to_string).collect(),
            columns: columns.iter().map(C::to_string).collect(),
            states: squares.map(|(row, column)| state_of(row, column)).collect(),
        }
    }

    /// The same table with the property that its states share.
    #[must_use]
    pub fn titled(self, title: &'static str) -> Self {
        Self { title, ..self }
    }
}
