//! `potstill env`: traces of episodes, and checks of environments.

use crate::error::Error;
use crate::run::usage;
use crate::store;
use potstill_env::Row;
use potstill_env::check::{Verdict, check_env};
use potstill_env::registry::{Factory, Spec, Visitor};
use potstill_env::trace::{Actions, Trace, trace};
use serde_json::Value;
use std::path::Path;

/// The largest number of random actions in a trace.
const TRACE_MAX: usize = 10_000_000;

/// Parses the actions of a trace: `random:N`, or a file with one JSON list of numbers.
///
/// # Errors
/// If it is neither, or the list has other elements.
pub fn trace_actions(text: &str) -> Result<Actions, Error> {
    if let Some(count) = text.strip_prefix("random:") {
        let count = count.parse().ok().filter(|count| *count <= TRACE_MAX);
        let wrong = || usage(format!("--actions {text}: write random:N with N up to {TRACE_MAX}"));
        return Ok(Actions::Random(count.ok_or_else(wrong)?));
    }
    let wrong = |reason: String| usage(format!("--actions {text}: {reason}"));
    let list: Value = serde_json::from_str(&store::read_text(Path::new(text))?)
        .map_err(|error| wrong(format!("it is no JSON: {error}")))?;
    let items = list.as_array().ok_or_else(|| wrong("it holds no JSON list".to_owned()))?;
    let action = |(i, item): (usize, &Value)| {
        // An action of a box is a list, one of a discrete space a number.
        let numbers = item.as_array().map_or(std::slice::from_ref(item), Vec::as_slice);
        let numbers = numbers.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>();
        numbers.ok_or_else(|| wrong(format!("element {i} is {item}, not a number")))
    };
    Ok(Actions::Given(items.iter().enumerate().map(action).collect::<Result<_, _>>()?))
}

/// Plays actions in an environment and records a trace.
///
/// # Errors
/// If an action is outside the action space.
pub fn trace_env(spec: &Spec, seed: u64, actions: &Actions) -> Result<Trace, Error> {
    trace(spec, seed, actions).map_err(|error| usage(format!("--actions: {error}")))
}

/// Checks that an environment follows the Gymnasium API.
pub fn check_environment(spec: &Spec) -> Vec<Verdict> {
    struct Check;
    impl Visitor for Check {
        type Output = Vec<Verdict>;
        fn visit<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(
            self,
            factory: &Factory<O, A>,
        ) -> Vec<Verdict> {
            check_env(&|| factory.one())
        }
    }
    spec.visit(Check)
}
