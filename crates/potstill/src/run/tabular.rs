//! The algorithms for numbered states by name: which settings each has, and how it is made.

use crate::agent::Agent;
use crate::config::Settings;
use crate::data::Recording;
use crate::planning::{
    DynaPlusConfig, DynaQ, MazeConfig, Mcts, MctsConfig, PlanningStepsConfig, PrioritizedSweeping,
    PrioritizedSweepingConfig,
};
use crate::policy::{Behaviour, ExplorationRule};
use crate::tabular::lambda::{Traces, TracesConfig};
use crate::tabular::{
    DoubleQLearning, Lambda, LambdaConfig, LambdaKind, MonteCarlo, MonteCarloKind, MonteCarloPrediction,
    NStep, NStepConfig, NStepKind, PredictionConfig, QLearning, RLearning, RLearningConfig, Sarsa,
    SpeedyQLearning, TabularConfig, TargetConfig, TdPrediction, expected_sarsa,
};
use potstill_core::Streams;
use potstill_env::registry::Spec;
use std::sync::Arc;

/// An algorithm for numbered states, whichever.
pub(crate) type TabularAgent = Box<dyn Agent<Observation = usize, Action = usize>>;

/// Where an algorithm learns, and whom it may follow there.
pub(crate) struct Place<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) states: usize,
    pub(crate) actions: usize,
    pub(crate) streams: Streams,
    /// The action values of another run, on which it acts.
    pub(crate) others: Option<Vec<f64>>,
    /// What was done before, which it repeats.
    pub(crate) recording: Option<Arc<Recording>>,
}

impl Place<'_> {
    /// How a learner of action values acts.
    fn behaviour(&self, config: &TabularConfig) -> Behaviour {
        self.following(config.behaviour(self.states, self.actions, self.streams))
    }

    /// What is judged where no action values are learned: another run's policy, what was done, or else acting uniformly at random.
    fn judged(&self, config: &PredictionConfig) -> Behaviour {
        let epsilon = if self.others.is_some() { config.epsilon } else { 1.0.into() };
        let rule = ExplorationRule::EpsilonGreedy { epsilon };
        self.following(Behaviour::new(rule, self.states, self.actions, self.streams))
    }

    fn following(&self, own: Behaviour) -> Behaviour {
        match (&self.recording, &self.others) {
            (Some(recording), _) => {
                let rule = ExplorationRule::recorded(recording.pairs().collect(), self.states, self.actions);
                Behaviour::new(rule, self.states, self.actions, self.streams)
            }
            (None, Some(values)) => own.with_values(values),
            (None, None) => own,
        }
    }
}

/// Makes one of its settings.
pub(crate) type MakeTabular<S> = fn(S, &Place<'_>) -> TabularAgent;

/// What is done with an algorithm whose settings are only known by its name.
pub(crate) trait WithTabular {
    /// What comes of it.
    type Output;

    /// Does it; `S` are the algorithm's settings.
    fn with<S: Settings>(self, make: MakeTabular<S>) -> Self::Output;
}

/// Finds the algorithm of this name, which is one of the catalogue's.
pub(crate) fn with_tabular<W: WithTabular>(name: &str, work: W) -> W::Output {
    match name {
        "q-learning" => work.with::<(TabularConfig, TargetConfig)>(|(config, target), place| {
            let behaviour = place.behaviour(&config);
            let Place { states, actions, streams, .. } = *place;
            Box::new(
                QLearning::new(config, states, actions, streams)
                    .with_behaviour(behaviour)
                    .with_target_policy(Some(target.policy())),
            )
        }),
        "sarsa" => work.with::<TabularConfig>(|config, place| {
            let behaviour = place.behaviour(&config);
            let Place { states, actions, streams, .. } = *place;
            Box::new(Sarsa::new(config, states, actions, streams).with_behaviour(behaviour))
        }),
        "expected-sarsa" => work.with::<TabularConfig>(|config, place| {
            let behaviour = place.behaviour(&config);
            let Place { states, actions, streams, .. } = *place;
            Box::new(expected_sarsa::new(config, states, actions, streams).with_behaviour(behaviour))
        }),
        "double-q-learning" => work.with::<TabularConfig>(|config, place| {
            let behaviour = place.behaviour(&config);
            let Place { states, actions, streams, .. } = *place;
            Box::new(DoubleQLearning::new(config, states, actions, streams).with_behaviour(behaviour))
        }),
        "speedy-q-learning" => work.with::<TabularConfig>(|config, place| {
            let behaviour = place.behaviour(&config);
            let Place { states, actions, streams, .. } = *place;
            Box::new(SpeedyQLearning::new(&config, states, actions, streams).with_behaviour(behaviour))
        }),
        "r-learning" => work.with::<(TabularConfig, RLearningConfig)>(|(config, own), place| {
            let behaviour = place.behaviour(&config);
            let Place { states, actions, streams, .. } = *place;
            Box::new(RLearning::new((config, own), states, actions, streams).with_behaviour(behaviour))
        }),
        "n-step-sarsa" => work.with::<(TabularConfig, NStepConfig)>(|(config, n), place| {
            let behaviour = place.behaviour(&config);
            let Place { states, actions, streams, .. } = *place;
            Box::new(
                NStep::new(NStepKind::Sarsa, (config, n), states, actions, streams).with_behaviour(behaviour),
            )
        }),
        "off-policy-n-step-sarsa" => {
            work.with::<(TabularConfig, (NStepConfig, TargetConfig))>(|(config, (n, target)), place| {
                let behaviour = place.behaviour(&config);
                let Place { states, actions, streams, .. } = *place;
                Box::new(
                    NStep::new(NStepKind::OffPolicySarsa, (config, n), states, actions, streams)
                        .with_behaviour(behaviour)
                        .with_target_policy(target.policy()),
                )
            })
        }
        "tree-backup" => {
            work.with::<(TabularConfig, (NStepConfig, TargetConfig))>(|(config, (n, target)), place| {
                let behaviour = place.behaviour(&config);
                let Place { states, actions, streams, .. } = *place;
                Box::new(
                    NStep::new(NStepKind::TreeBackup, (config, n), states, actions, streams)
                        .with_behaviour(behaviour)
                        .with_target_policy(target.policy()),
                )
            })
        }
        "sarsa-lambda" => {
            work.with::<(TabularConfig, (LambdaConfig, TracesConfig))>(|(config, (lambda, traces)), place| {
                let kind = match traces.traces {
                    Traces::Accumulating => LambdaKind::Accumulating,
                    Traces::Replacing => LambdaKind::Replacing,
                    Traces::Dutch => LambdaKind::Dutch,
                };
                let behaviour = place.behaviour(&config);
                let Place { states, actions, streams, .. } = *place;
                Box::new(
                    Lambda::new(kind, (config, lambda), states, actions, streams).with_behaviour(behaviour),
                )
            })
        }
        "q-lambda" => work.with::<(TabularConfig, LambdaConfig)>(|(config, lambda), place| {
            let behaviour = place.behaviour(&config);
            let Place { states, actions, streams, .. } = *place;
            Box::new(
                Lambda::new(LambdaKind::Watkins, (config, lambda), states, actions, streams)
                    .with_behaviour(behaviour),
            )
        }),
        "monte-carlo" => work.with::<TabularConfig>(|config, place| {
            let behaviour = place.behaviour(&config);
            let Place { states, actions, streams, .. } = *place;
            Box::new(
                MonteCarlo::new(MonteCarloKind::OnPolicy, &config, states, actions, streams)
                    .with_behaviour(behaviour),
            )
        }),
        "off-policy-monte-carlo" => work.with::<TabularConfig>(|config, place| {
            let behaviour = place.behaviour(&config);
            let Place { states, actions, streams, .. } = *place;
            Box::new(
                MonteCarlo::new(MonteCarloKind::OffPolicy, &config, states, actions, streams)
                    .with_behaviour(behaviour),
            )
        }),
        "td-prediction" => work.with::<PredictionConfig>(|config, place| {
            Box::new(TdPrediction::new(&config, 0.0, place.judged(&config)))
        }),
        "td-lambda-prediction" => work.with::<(PredictionConfig, LambdaConfig)>(|(config, own), place| {
            Box::new(TdPrediction::new(&config, own.lambda, place.judged(&config)))
        }),
        "monte-carlo-prediction" => work.with::<PredictionConfig>(|config, place| {
            Box::new(MonteCarloPrediction::new(&config, place.judged(&config)))
        }),
        "dyna-q" => work.with::<(MazeConfig, PlanningStepsConfig)>(|(MazeConfig(config), own), place| {
            let behaviour = place.behaviour(&config);
            let Place { states, actions, streams, .. } = *place;
            Box::new(DynaQ::new((config, own), states, actions, streams).with_behaviour(behaviour))
        }),
        "dyna-q-plus" => work.with::<(MazeConfig, (PlanningStepsConfig, DynaPlusConfig))>(
            |(MazeConfig(config), (own, plus)), place| {
                let behaviour = place.behaviour(&config);
                let Place { states, actions, streams, .. } = *place;
                Box::new(
                    DynaQ::new((config, own), states, actions, streams)
                        .with_exploration_bonus(&plus)
                        .with_behaviour(behaviour),
                )
            },
        ),
        "prioritized-sweeping" => {
            work.with::<(MazeConfig, PrioritizedSweepingConfig)>(|(MazeConfig(config), own), place| {
                let behaviour = place.behaviour(&config);
                let Place { states, actions, streams, .. } = *place;
                Box::new(
                    PrioritizedSweeping::new((config, own), states, actions, streams)
                        .with_behaviour(behaviour),
                )
            })
        }
        "mcts" => work.with::<MctsConfig>(|config, place| {
            let copy = place.spec.make_states().expect("numbered states");
            Box::new(Mcts::new(config, copy, place.streams))
        }),
        other => unreachable!("{other} is no algorithm for numbered states of the catalogue"),
    }
}
