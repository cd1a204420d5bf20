//! The planners, by name, with the settings of each.

use crate::config::Settings;
use crate::planning::{
    EpsilonSoftConfig, ModifiedConfig, Planner, PlanningConfig, PolicyIteration, ValueIteration,
};
use potstill_env::TransitionModel;
use std::sync::Arc;

/// A planner, whichever.
pub(crate) type BoxPlanner = Box<dyn Planner>;

/// Makes one; the settings that all share come beside its own.
pub(crate) type MakePlanner<S> = fn(Arc<TransitionModel>, &PlanningConfig, S) -> BoxPlanner;

/// What is done with a planner whose settings are only known by its name.
pub(crate) trait WithPlanner {
    /// What comes of it.
    type Output;

    /// Does it; `S` are the planner's own settings.
    fn with<S: Settings>(self, make: MakePlanner<S>) -> Self::Output;
}

/// Finds the planner of this name, which is one of the catalogue's.
pub(crate) fn with_planner<W: WithPlanner>(name: &str, work: W) -> W::Output {
    match name {
        "value-iteration" => work.with::<EpsilonSoftConfig>(|model, config, own| {
            Box::new(ValueIteration::new(model, config).epsilon_soft(&own))
        }),
        "policy-iteration" => {
            work.with::<()>(|model, config, ()| Box::new(PolicyIteration::new(model, config)))
        }
        "modified-policy-iteration" => work.with::<ModifiedConfig>(|model, config, own| {
            Box::new(PolicyIteration::modified(model, config, &own))
        }),
        other => unreachable!("{other} is no planner of the catalogue"),
    }
}
