//! States that an episode can reach, by an exact model.

use potstill_env::TransitionModel;

/// The states that can be reached before the end of an episode, in ascending order.
pub fn reachable(model: &TransitionModel) -> Vec<usize> {
    let mut visited = vec![false; model.states()];
    let mut waiting: Vec<usize> = model.start().iter().filter(|(p, _)| *p > 0.0).map(|&(_, s)| s).collect();
    while let Some(state) = waiting.pop() {
        if !std::mem::replace(&mut visited[state], true) {
            let outcomes = (0..model.actions()).flat_map(|action| model.outcomes(state, action));
            waiting.extend(outcomes.filter(|o| o.probability > 0.0 && !o.terminated).map(|o| o.next));
        }
    }
    (0..model.states()).filter(|&state| visited[state]).collect()
}

/// Returns true if an episode can reach a terminal state.
pub fn can_terminate(model: &TransitionModel) -> bool {
    let outcomes = |state| (0..model.actions()).flat_map(move |action| model.outcomes(state, action));
    reachable(model).into_iter().any(|state| outcomes(state).any(|o| o.terminated && o.probability > 0.0))
}
