//! Warnings about the schedules of a run, before it begins.

use super::schedules::{NamedSchedule, written};
use crate::config::Settings;
use crate::policy::{Schedule, Span};
use toml::Value;

/// Every setting that changes over a run of so many steps: schedules, a deep agent's exploration rate, and the
/// exponent of prioritized replay's weights.
pub(crate) fn schedules(settings: &dyn Settings, steps: u64) -> Vec<NamedSchedule> {
    let number = |key: &str| settings.get(key).as_ref().and_then(Value::as_float);
    let is_on = |key: &str| settings.get(key).as_ref().and_then(Value::as_bool) == Some(true);
    let mut all = written(settings);
    if let (false, Some(share), Some(from), Some(to)) = (
        is_on("noisy"),
        number("exploration_fraction"),
        number("exploration_initial_eps"),
        number("exploration_final_eps"),
    ) {
        all.push(("exploration rate", Schedule::Linear { from, to, over: Span::Run(share) }));
    }
    if let (true, Some(from)) = (is_on("prioritized"), number("prioritized_beta")) {
        all.push(("prioritized_beta", Schedule::Linear { from, to: 1.0, over: Span::Run(1.0) }));
    }
    all.into_iter().map(|(key, schedule)| (key, schedule.of_run(steps))).collect()
}

/// A warning about step sizes that are 0 long before the end of a run of so many steps.
pub(crate) fn vanishing(schedules: &[NamedSchedule], steps: u64) -> Option<String> {
    let explores = |key: &str| ["epsilon", "temperature", "exploration rate"].contains(&key);
    schedules.iter().filter(|(key, _)| !explores(key)).find_map(|(key, schedule)| {
        let end = schedule.vanishes_at().filter(|&end| end < steps)?;
        Some(format!(
            "nothing is learned after step {end} of {steps}: `{key}` = {schedule} is 0 from there on; `run` in place of its number of steps makes it as long as the run"
        ))
    })
}

/// A warning about values that go back when a run becomes longer after `step` steps.
pub(crate) fn setbacks(before: &[NamedSchedule], after: &[NamedSchedule], step: u64) -> Option<String> {
    let list: Vec<String> = before
        .iter()
        .zip(after)
        .map(|((key, before), (_, after))| (key, before.at(step, 1), after.at(step, 1)))
        .filter(|(_, before, after)| before != after)
        .map(|(key, before, after)| format!("{key} from {before:.3e} to {after:.3e}"))
        .collect();
    (!list.is_empty()).then(|| {
        format!(
            "what is relative to --steps goes back at step {step}: {}; with --keep-schedules it stays where it is",
            list.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deep::DqnConfig;
    use crate::tabular::TabularConfig;

    fn exploring() -> DqnConfig {
        DqnConfig { exploration_fraction: 0.16, exploration_final_eps: 0.04, ..DqnConfig::default() }
    }

    #[test]
    fn the_schedules_of_a_run_by_hand() {
        let learning_rate = "linear:1e-3:0:0.5run".parse().unwrap();
        let dqn = DqnConfig { learning_rate, prioritized: true, ..exploring() };
        let all = schedules(&dqn, 1000);
        let expected = [
            ("learning_rate", Schedule::linear(1e-3, 0.0, 500.0)),
            ("exploration rate", Schedule::linear(1.0, 0.04, 160.0)),
            ("prioritized_beta", Schedule::linear(0.4, 1.0, 1000.0)),
        ];
        assert_eq!(all, expected);
        let warning = vanishing(&all, 1000).unwrap();
        assert!(
            warning.starts_with(
                "nothing is learned after step 500 of 1000: `learning_rate` = linear:0.001:0:500"
            )
        );
        assert_eq!(vanishing(&all, 500), None);
        // Exploration may end at 0.
        let epsilon = "linear:1:0:10".parse().unwrap();
        assert_eq!(
            vanishing(&schedules(&TabularConfig { epsilon, ..TabularConfig::default() }, 99), 99),
            None
        );
    }

    #[test]
    fn what_goes_back_is_told() {
        let before = schedules(&exploring(), 1000);
        let after = schedules(&exploring(), 4000);
        // 1 - 0.96 * 320 / 640
        let expected =
            "what is relative to --steps goes back at step 320: exploration rate from 4.000e-2 to 5.200e-1; ";
        assert!(setbacks(&before, &after, 320).unwrap().starts_with(expected));
        assert_eq!(setbacks(&before, &after, 2000), None);
    }
}
