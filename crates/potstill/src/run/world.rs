//! `potstill env` and `potstill play`: environments without learning.

use super::evaluate::Subject;
use super::{find_env, usage};
use crate::error::Error;
use crate::model::{Actor, Model, ModelActor, longest_episode};
use crate::policy::Policy;
use crate::store::{self, RunDir};
use potstill_core::{Pcg64, Streams};
use potstill_env::check::{Verdict, check_env};
use potstill_env::registry::{Factory, Spec, Visitor};
use potstill_env::space::Element;
use potstill_env::trace::{Actions, Trace, trace};
use potstill_env::{BoxEnv, Env, Outcome, Row, Scene};
use serde_json::Value;
use std::borrow::{Borrow, BorrowMut};
use std::path::Path;

/// The most random actions that are traced at once.
const TRACE_MAX: usize = 10_000_000;
/// An environment by its id, with `key=value` options beside those of the id. `desc=@FILE` reads a map from a file.
///
/// # Errors
/// If there is no such environment or option, or a file cannot be read.
pub fn world(id: &str, set: &[String]) -> Result<Spec, Error> {
    let given = id.split_once(':').map_or("", |(_, options)| options);
    let options: Vec<&str> =
        given.split(',').filter(|option| !option.is_empty()).chain(set.iter().map(String::as_str)).collect();
    let name = id.split(':').next().unwrap_or(id);
    let id = if options.is_empty() { name.to_owned() } else { format!("{name}:{}", options.join(",")) };
    Ok(find_env(&with_files(&id)?)?)
}

/// The id with the contents of files in place of their names, so that whoever keeps it needs no file.
pub(super) fn with_files(id: &str) -> Result<String, Error> {
    let Some((name, options)) = id.split_once(':') else { return Ok(id.to_owned()) };
    let options = options.split(',').map(|option| match option.split_once("=@") {
        Some((key, file)) => {
            let text = store::read_text(Path::new(file))?;
            let rows: Vec<&str> = text.lines().map(str::trim).filter(|row| !row.is_empty()).collect();
            Ok(format!("{key}={}", rows.join("/")))
        }
        None => Ok(option.to_owned()),
    });
    let options = options.collect::<Result<Vec<_>, Error>>()?;
    Ok(format!("{name}:{}", options.join(",")))
}

/// Actions as they are asked for: `random:N`, or a file with one JSON list of numbers.
///
/// # Errors
/// If it is neither, or the list holds something else.
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

/// Plays actions in an environment and writes down what happens.
///
/// # Errors
/// If an action is outside the action space.
pub fn trace_env(spec: &Spec, seed: u64, actions: &Actions) -> Result<Trace, Error> {
    trace(spec, seed, actions).map_err(|error| usage(format!("--actions: {error}")))
}

/// Holds an environment against the rules.
pub fn check_world(spec: &Spec) -> Vec<Verdict> {
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

/// An environment that is watched, whatever its kind, with whoever plays in it.
pub trait Play {
    /// Starts an episode.
    fn reset(&mut self, seed: u64);

    /// One step, with this action or else the player's.
    ///
    /// # Errors
    /// If the action is outside the action space.
    fn step(&mut self, chosen: Option<&[f64]>) -> Result<PlayedStep, Error>;

    /// The number of the state, if states are numbered.
    fn state(&self) -> Option<usize>;

    /// What the state looks like.
    fn scene(&self) -> Option<Scene>;

    /// Where it is played.
    fn spec(&self) -> &Spec;
}

/// One step that was watched.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayedStep {
    /// The numbers of the action.
    pub action: Vec<f64>,
    /// What it gave. An episode without a time limit is truncated after 1,000 steps.
    pub outcome: Outcome,
}

/// A policy of any kind.
type Player<O, A> = Box<dyn FnMut(&O, &mut A, &mut Pcg64)>;

struct Playing<O: Row + ?Sized, A: Row + ?Sized> {
    spec: Spec,
    env: BoxEnv<O, A>,
    observation: O::Owned,
    action: A::Owned,
    player: Player<O, A>,
    rng: Pcg64,
    steps: u64,
}

impl<O: Row + ?Sized, A: Row + ?Sized> Playing<O, A> {
    fn new(spec: &Spec, env: BoxEnv<O, A>, player: Player<O, A>) -> Self {
        let observation = O::buffer(&env.observation_space());
        let action = A::buffer(&env.action_space());
        Self { spec: spec.clone(), env, observation, action, player, rng: Pcg64::new(0), steps: 0 }
    }
}

impl<O: Row + ?Sized, A: Row + ?Sized> Play for Playing<O, A> {
    fn reset(&mut self, seed: u64) {
        self.rng = Streams::new(seed).stream("actor");
        self.steps = 0;
        self.env.reset(Some(seed), self.observation.borrow_mut());
    }

    fn step(&mut self, chosen: Option<&[f64]>) -> Result<PlayedStep, Error> {
        match chosen.and_then(|numbers| A::from_numbers(numbers, &self.env.action_space())) {
            Some(action) => self.action = action,
            None => (self.player)(self.observation.borrow(), self.action.borrow_mut(), &mut self.rng),
        }
        let played = self.env.step(self.action.borrow(), self.observation.borrow_mut());
        let mut outcome = played.map_err(|error| usage(error.to_string()))?;
        self.steps += 1;
        let longest = longest_episode(&self.spec.observation_space()) as u64;
        outcome.truncated |= self.spec.time_limit_steps.is_none() && self.steps >= longest;
        Ok(PlayedStep { action: Borrow::<A>::borrow(&self.action).numbers(), outcome })
    }

    fn state(&self) -> Option<usize> {
        self.spec.observation_space().discrete()?;
        Some(Borrow::<O>::borrow(&self.observation).as_slice().first()?.wide() as usize)
    }

    fn scene(&self) -> Option<Scene> {
        self.env.scene()
    }

    fn spec(&self) -> &Spec {
        &self.spec
    }
}

/// An environment played at random.
pub fn play_at_random(spec: &Spec) -> Box<dyn Play> {
    struct Random<'a>(&'a Spec);
    impl Visitor for Random<'_> {
        type Output = Box<dyn Play>;
        fn visit<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(
            self,
            factory: &Factory<O, A>,
        ) -> Box<dyn Play> {
            let env = factory.one();
            let space = env.action_space();
            let player = move |_: &O, action: &mut A, rng: &mut Pcg64| {
                let drawn = A::sample(&space, rng);
                action.as_mut_slice().copy_from_slice(Borrow::<A>::borrow(&drawn).as_slice());
            };
            Box::new(Playing::new(self.0, env, Box::new(player)))
        }
    }
    spec.visit(Random(spec))
}

/// What a run has learned, played greedily but for any action with a probability of `epsilon`.
///
/// # Errors
/// If the folder is no finished run of a policy, or `epsilon` no probability.
pub fn play_run(run: &Path, epsilon: f64) -> Result<Box<dyn Play>, Error> {
    if !(0.0..=1.0).contains(&epsilon) {
        return Err(usage(format!("--epsilon {epsilon}: write a number from 0 to 1")));
    }
    let policy = if epsilon == 0.0 { Policy::Greedy } else { Policy::EpsilonGreedy { epsilon } };
    let dir = RunDir::open(run)?;
    let Subject::Policy { model, spec } = Subject::load(&dir)? else {
        return Err(usage(format!(
            "{} learned no policy, but a classifier; there is nothing to watch",
            run.display()
        )));
    };
    fn playing<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(
        spec: &Spec,
        env: BoxEnv<O, A>,
        model: Model,
        policy: Policy,
    ) -> Box<dyn Play>
    where
        for<'a> ModelActor<'a>: Actor<O, A>,
    {
        let player = move |observation: &O, action: &mut A, rng: &mut Pcg64| {
            ModelActor::new(&model, policy).act(observation, action, rng);
        };
        Box::new(Playing::new(spec, env, Box::new(player)))
    }
    Ok(match &model {
        Model::Table(_) => {
            playing::<usize, usize>(&spec, spec.make_states().expect("a table is for states"), model, policy)
        }
        Model::Network(_) => {
            let env = spec.make_features().expect("a network is for features");
            playing::<[f32], usize>(&spec, env, model, policy)
        }
        Model::Control(_) => {
            let env = spec.make_control().expect("a control policy is for a box of actions");
            playing::<[f32], [f32]>(&spec, env, model, policy)
        }
    })
}

/// What an environment looks like at the start of an episode.
#[cfg(test)]
pub(crate) fn first_scene(spec: &Spec) -> Option<Scene> {
    let mut play = play_at_random(spec);
    play.reset(0);
    play.scene()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_may_stand_in_two_places_and_in_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "SF\nFG\n").unwrap();
        let set = vec!["is_slippery=false".to_owned(), format!("desc=@{}", file.path().display())];
        let spec = world("FrozenLake-v1:max_episode_steps=9", &set).unwrap();
        assert_eq!(spec.id, "FrozenLake-v1:max_episode_steps=9,is_slippery=false,desc=SF/FG");
        assert_eq!((spec.time_limit_steps, spec.observation_space().discrete()), (Some(9), Some(4)));
    }
}
