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

/// Returns true for each state that is a target, or from which one can be reached before the end of an episode.
pub(super) fn leads_to(model: &TransitionModel, is_target: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut before = vec![Vec::new(); model.states()];
    for state in 0..model.states() {
        let outcomes = (0..model.actions()).flat_map(|action| model.outcomes(state, action));
        outcomes.filter(|o| o.probability > 0.0 && !o.terminated).for_each(|o| before[o.next].push(state));
    }
    let mut leads = vec![false; model.states()];
    let mut waiting: Vec<usize> = (0..model.states()).filter(|&state| is_target(state)).collect();
    while let Some(state) = waiting.pop() {
        if !std::mem::replace(&mut leads[state], true) {
            waiting.append(&mut before[state]);
        }
    }
    leads
}

/// Returns true if there are states whose undiscounted values have no limit: from which no episode can end, and where all
/// rewards have one sign.
pub(super) fn has_endless_rewards(model: &TransitionModel) -> bool {
    let outcomes = |state| {
        let outcomes = (0..model.actions()).flat_map(move |action| model.outcomes(state, action));
        outcomes.filter(|o| o.probability > 0.0)
    };
    let rewards = |sign: f64| {
        let has_other = move |state| outcomes(state).any(|o| o.terminated || o.reward * sign <= 0.0);
        leads_to(model, has_other).contains(&false)
    };
    rewards(1.0) || rewards(-1.0)
}

/// Returns true if an episode can reach a terminal state.
pub fn can_terminate(model: &TransitionModel) -> bool {
    let outcomes = |state| (0..model.actions()).flat_map(move |action| model.outcomes(state, action));
    reachable(model).into_iter().any(|state| outcomes(state).any(|o| o.terminated && o.probability > 0.0))
}
