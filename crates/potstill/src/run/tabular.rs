//! The tabular algorithms by name: which settings each has, and how it is made.

use crate::agent::Agent;
use crate::config::Settings;
use crate::tabular::lambda::{Traces, TracesConfig};
use crate::tabular::{
    DoubleQLearning, Lambda, LambdaConfig, LambdaKind, MonteCarlo, MonteCarloKind, NStep, NStepConfig,
    NStepKind, QLearning, Sarsa, TabularConfig, expected_sarsa,
};
use potstill_core::Streams;

/// A tabular algorithm, whichever.
pub(super) type TabularAgent = Box<dyn Agent<Observation = usize>>;

/// Makes one for so many states and actions, of the shared settings and its own.
pub(super) type MakeTabular<S> = fn(TabularConfig, S, usize, usize, Streams) -> TabularAgent;

/// What is done with an algorithm whose settings are only known by its name.
pub(super) trait WithTabular {
    /// What comes of it.
    type Output;

    /// Does it; `S` are the algorithm's own settings.
    fn with<S: Settings>(self, make: MakeTabular<S>) -> Self::Output;
}

/// Finds the algorithm of this name, which is one of the catalogue's.
pub(super) fn with_tabular<W: WithTabular>(name: &str, work: W) -> W::Output {
    match name {
        "q-learning" => {
            work.with::<()>(|config, (), s, a, streams| Box::new(QLearning::new(config, s, a, streams)))
        }
        "sarsa" => work.with::<()>(|config, (), s, a, streams| Box::new(Sarsa::new(config, s, a, streams))),
        "expected-sarsa" => {
            work.with::<()>(|config, (), s, a, streams| Box::new(expected_sarsa::new(config, s, a, streams)))
        }
        "double-q-learning" => {
            work.with::<()>(|config, (), s, a, streams| Box::new(DoubleQLearning::new(config, s, a, streams)))
        }
        "n-step-sarsa" => work.with::<NStepConfig>(|config, n, s, a, streams| {
            Box::new(NStep::new(NStepKind::Sarsa, (config, n), s, a, streams))
        }),
        "off-policy-n-step-sarsa" => work.with::<NStepConfig>(|config, n, s, a, streams| {
            Box::new(NStep::new(NStepKind::OffPolicySarsa, (config, n), s, a, streams))
        }),
        "tree-backup" => work.with::<NStepConfig>(|config, n, s, a, streams| {
            Box::new(NStep::new(NStepKind::TreeBackup, (config, n), s, a, streams))
        }),
        "sarsa-lambda" => {
            work.with::<(LambdaConfig, TracesConfig)>(|config, (lambda, traces), s, a, streams| {
                let kind = match traces.traces {
                    Traces::Accumulating => LambdaKind::Accumulating,
                    Traces::Replacing => LambdaKind::Replacing,
                    Traces::Dutch => LambdaKind::Dutch,
                };
                Box::new(Lambda::new(kind, (config, lambda), s, a, streams))
            })
        }
        "q-lambda" => work.with::<LambdaConfig>(|config, lambda, s, a, streams| {
            Box::new(Lambda::new(LambdaKind::Watkins, (config, lambda), s, a, streams))
        }),
        "monte-carlo" => work.with::<()>(|config, (), s, a, streams| {
            Box::new(MonteCarlo::new(MonteCarloKind::OnPolicy, &config, s, a, streams))
        }),
        "off-policy-monte-carlo" => work.with::<()>(|config, (), s, a, streams| {
            Box::new(MonteCarlo::new(MonteCarloKind::OffPolicy, &config, s, a, streams))
        }),
        other => unreachable!("{other} is no tabular algorithm of the catalogue"),
    }
}
