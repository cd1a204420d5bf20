//! The checker finds nothing in our environments, and every rule that is broken on purpose.

mod point_mass;

use potstill_core::{Restorable, Snapshot, SnapshotError, Value};
use potstill_env::check::{Verdict, check_env};
use potstill_env::registry::{self, Factory, Visitor, find};
use potstill_env::{
    BoxEnv, Env, EnvError, ModelOutcome, Outcome, Paint, Row, Scene, Space, StateEnv, TransitionModel,
};
use std::cell::Cell;
use std::sync::Arc;

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

#[test]
fn every_environment_keeps_the_rules() {
    for spec in registry::all().chain(point_mass::specs(200)) {
        let broken: Vec<Verdict> = spec.visit(Check).into_iter().filter(|v| v.broken.is_some()).collect();
        assert_eq!(broken, [], "{}", spec.id);
    }
}

/// The fault of a slippery cliff.
#[derive(Clone, Copy, PartialEq)]
enum Wrong {
    Nothing,
    Space,
    Order,
    Observation,
    Reward,
    Refuses,
    Takes,
    Continues,
    Seed,
    Fresh,
    Snapshot,
    Restore,
    Model,
    Picture,
}

struct Broken {
    env: StateEnv,
    wrong: Wrong,
    /// Steps of this instance, hidden from snapshots.
    steps: u64,
    instance: u64,
}

thread_local! {
    static INSTANCES: Cell<u64> = const { Cell::new(0) };
}

fn broken(wrong: Wrong) -> StateEnv {
    let instance = INSTANCES.replace(INSTANCES.get() + 1);
    let env = find("CliffWalkingSlippery-v1:max_episode_steps=30").unwrap().make_states().unwrap();
    Box::new(Broken { env, wrong, steps: 0, instance })
}

impl Env for Broken {
    type Observation = usize;
    type Action = usize;

    fn observation_space(&self) -> Space {
        if self.wrong == Wrong::Space { Space::Discrete { n: 0 } } else { self.env.observation_space() }
    }

    fn action_space(&self) -> Space {
        self.env.action_space()
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut usize) {
        if self.wrong == Wrong::Snapshot {
            self.steps = 0;
        }
        let seed = match self.wrong {
            Wrong::Seed => seed.map(|seed| seed + self.steps),
            Wrong::Fresh => seed.map(|seed| seed + self.instance),
            _ => seed,
        };
        self.env.reset(seed, observation);
    }

    fn reseed(&mut self, seed: u64) {
        self.env.reseed(seed);
    }

    fn step(&mut self, &action: &usize, observation: &mut usize) -> Result<Outcome, EnvError> {
        let taken = match self.wrong {
            Wrong::Takes => action.min(3),
            Wrong::Refuses if action == 2 => 9,
            _ => action,
        };
        let outcome = match self.env.step(&taken, observation) {
            Err(EnvError::NotReset) if self.wrong == Wrong::Order => {
                self.env.reset(None, observation);
                self.env.step(&taken, observation)
            }
            Err(EnvError::EpisodeOver) if self.wrong == Wrong::Continues => {
                Ok(Outcome { reward: 0.0, terminated: true, truncated: false })
            }
            other => other,
        };
        let mut outcome = outcome?;
        self.steps += 1;
        match self.wrong {
            Wrong::Observation if outcome.reward == -100.0 => *observation = 48,
            Wrong::Reward if outcome.reward == -100.0 => outcome.reward = f64::INFINITY,
            Wrong::Snapshot => outcome.reward -= (self.steps % 2) as f64,
            _ => {}
        }
        Ok(outcome)
    }

    fn model(&self) -> Option<Arc<TransitionModel>> {
        (self.wrong == Wrong::Model).then(|| {
            let stays = |state, _| vec![ModelOutcome::certain(state, -1.0, false)];
            Arc::new(TransitionModel::new(48, 4, vec![(1.0, 36)], stays))
        })
    }

    fn scene(&self) -> Option<Scene> {
        let mut scene = Scene::new(1.0, 1.0);
        let x = if self.wrong == Wrong::Picture { 3.0 } else { 0.5 };
        scene.circle(Paint::Agent, (x, 0.5), 0.1);
        Some(scene)
    }
}

impl Restorable for Broken {
    fn snapshot(&self) -> Snapshot {
        Snapshot::new().with_part("env", &self.env).with("word", Value::Bool(self.wrong == Wrong::Restore))
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        if snapshot.bool("word")? {
            return Err(SnapshotError::invalid("word", "no"));
        }
        snapshot.restore_part("env", &mut self.env)
    }
}

#[test]
fn every_rule_that_is_broken_is_found() {
    let check = |wrong: Wrong, rules: &[&str]| {
        let make = || -> BoxEnv<usize> { broken(wrong) };
        let verdicts = check_env(&make);
        let found: Vec<&str> = verdicts.iter().filter(|v| v.broken.is_some()).map(|v| v.rule).collect();
        assert_eq!(found, rules, "{verdicts:#?}");
    };
    check(Wrong::Nothing, &[]);
    check(Wrong::Space, &["the spaces are well formed"]);
    check(Wrong::Order, &["a step before the first reset is refused"]);
    check(Wrong::Observation, &["observations are in their space"]);
    check(Wrong::Reward, &["rewards are finite"]);
    check(Wrong::Refuses, &["every action of the space is accepted"]);
    check(Wrong::Takes, &["an action outside the space is refused and changes nothing"]);
    check(Wrong::Continues, &["a step after the end of an episode is refused"]);
    check(
        Wrong::Seed,
        &[
            "the same seed gives the same episode",
            "a fresh instance with the same seed gives the same episode",
        ],
    );
    check(Wrong::Fresh, &["a fresh instance with the same seed gives the same episode"]);
    check(Wrong::Snapshot, &["a snapshot continues as the original does"]);
    check(Wrong::Restore, &["a snapshot can be restored into a fresh instance"]);
    check(Wrong::Model, &["transitions agree with the model"]);
    check(Wrong::Picture, &["renderings stay within their frame"]);
}
