//! `potstill play`: shows episodes.

use crate::config::{Origin, read_toml};
use crate::data::OfflineDataset;
use crate::data::episodes::EpisodeRecorder;
use crate::error::Error;
use crate::experience::{Steps, Transition};
use crate::model::{Actor, Model, ModelActor, longest_episode};
use crate::policy::Policy;
use crate::run::{EpisodesOut, Subject, check_playable, policy_at, usage};
use crate::store::{RunDir, names};
use potstill_core::{Pcg64, Streams};
use potstill_env::registry::{Factory, Spec, Visitor};
use potstill_env::space::Element;
use potstill_env::{BoxEnv, Env, Outcome, Row, Scene};
use std::borrow::{Borrow, BorrowMut};
use std::path::Path;

/// An environment of any spaces, with the policy that plays in it.
pub trait Play {
    /// Starts an episode.
    fn reset(&mut self, seed: u64);

    /// Takes one step, with this action or else the policy's.
    ///
    /// # Errors
    /// If the action is outside the action space.
    fn step(&mut self, chosen: Option<&[f64]>) -> Result<PlayedStep, Error>;

    /// The index of the state, if states are discrete.
    fn state(&self) -> Option<usize>;

    /// The rendering of the state, if the environment has one.
    fn scene(&self) -> Option<Scene>;

    /// Starts to record the episodes that follow.
    fn record(&mut self);

    /// The recorded episodes so far; `None` if none are recorded.
    fn recording(&self) -> Option<&OfflineDataset>;

    /// The environment's specification.
    fn spec(&self) -> &Spec;
}

/// One step of an episode.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayedStep {
    /// The action as numbers.
    pub action: Vec<f64>,
    /// The outcome. An episode without a time limit is truncated after 1,000 steps.
    pub outcome: Outcome,
    /// The reward before it was changed for learning.
    pub raw_reward: f64,
}

/// A policy over any spaces.
type Player<O, A> = Box<dyn FnMut(&O, &mut A, &mut Pcg64)>;

struct Playing<O: Row + ?Sized, A: Row + ?Sized> {
    spec: Spec,
    /// The name of the policy, for recordings.
    policy: String,
    env: BoxEnv<O, A>,
    observation: O::Owned,
    action: A::Owned,
    player: Player<O, A>,
    rng: Pcg64,
    steps: u64,
    recorder: Option<EpisodeRecorder<O, A>>,
}

impl<O: Row + ?Sized, A: Row + ?Sized> Playing<O, A> {
    fn new(spec: &Spec, policy: &str, env: BoxEnv<O, A>, player: Player<O, A>) -> Self {
        let observation = O::buffer(&env.observation_space());
        let action = A::buffer(&env.action_space());
        Self {
            spec: spec.clone(),
            policy: policy.to_owned(),
            env,
            observation,
            action,
            player,
            rng: Pcg64::new(0),
            steps: 0,
            recorder: None,
        }
    }
}

impl<O: Row + ?Sized, A: Row + ?Sized> Play for Playing<O, A> {
    fn reset(&mut self, seed: u64) {
        self.rng = Streams::new(seed).stream("actor");
        self.steps = 0;
        self.env.reset(Some(seed), self.observation.borrow_mut());
        if let Some(recorder) = &mut self.recorder {
            recorder.begin(seed);
        }
    }

    fn step(&mut self, chosen: Option<&[f64]>) -> Result<PlayedStep, Error> {
        match chosen.and_then(|numbers| A::from_numbers(numbers, &self.env.action_space())) {
            Some(action) => self.action = action,
            None => (self.player)(self.observation.borrow(), self.action.borrow_mut(), &mut self.rng),
        }
        let before = self.recorder.as_ref().map(|_| self.observation.clone());
        let played = self.env.step(self.action.borrow(), self.observation.borrow_mut());
        let mut outcome = played.map_err(|error| usage(error.to_string()))?;
        self.steps += 1;
        let longest = longest_episode(&self.spec.observation_space()) as u64;
        outcome.truncated |= self.spec.time_limit_steps.is_none() && self.steps >= longest;
        if let (Some(recorder), Some(before)) = (&mut self.recorder, before) {
            let transition = Transition {
                observation: before.borrow(),
                action: self.action.borrow(),
                reward: outcome.reward,
                next_observation: self.observation.borrow(),
                terminated: outcome.terminated,
                truncated: outcome.truncated,
            };
            let recorded = recorder.observe(&Steps::of(&transition));
            recorded.map_err(|reason| usage(format!("--record: {reason}")))?;
        }
        let raw_reward = self.env.raw_reward().unwrap_or(outcome.reward);
        Ok(PlayedStep { action: Borrow::<A>::borrow(&self.action).numbers(), outcome, raw_reward })
    }

    fn state(&self) -> Option<usize> {
        self.spec.observation_space().discrete()?;
        Some(Borrow::<O>::borrow(&self.observation).as_slice().first()?.wide() as usize)
    }

    fn scene(&self) -> Option<Scene> {
        self.env.scene()
    }

    fn record(&mut self) {
        let (observations, actions) = (self.env.observation_space(), self.env.action_space());
        let mut recorder = EpisodeRecorder::new(&self.spec.id, observations, actions);
        recorder.data_mut().metadata.insert("algorithm_name".to_owned(), self.policy.clone().into());
        self.recorder = Some(recorder);
    }

    fn recording(&self) -> Option<&OfflineDataset> {
        self.recorder.as_ref().map(EpisodeRecorder::data)
    }

    fn spec(&self) -> &Spec {
        &self.spec
    }
}

/// An environment with a uniformly random policy.
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
            Box::new(Playing::new(self.0, "random", env, Box::new(player)))
        }
    }
    spec.visit(Random(spec))
}

/// Checks that a recording can be written to a place: `minari:NAMESPACE/name-v0`, a file that ends in `.npz`, or another
/// one for JSON lines.
///
/// # Errors
/// If it cannot.
pub fn check_recording(place: &str) -> Result<(), Error> {
    EpisodesOut::open("--record", place, &[]).map(drop)
}

/// Writes a recording to a place.
///
/// # Errors
/// If it cannot be written there.
pub fn write_recording(place: &str, data: &OfflineDataset) -> Result<(), Error> {
    EpisodesOut::open("--record", place, &[])?.write(data)
}

/// The name of the algorithm, or of the command, that has trained a run's policy.
fn policy_name(dir: &RunDir, checkpoint: Option<u64>, epsilon: f64) -> Result<String, Error> {
    let path = dir.path().join(names::CONFIG);
    let config = read_toml(&dir.read_text(names::CONFIG)?, Origin::File(path.display().to_string()))?;
    let text = |key: &str| config.get(key).and_then(|value| value.as_str());
    let name = text("algorithm").or_else(|| text("command")).unwrap_or("a run");
    let at = checkpoint.map(|step| format!(", step {step}")).unwrap_or_default();
    let epsilon = if epsilon == 0.0 { String::new() } else { format!(", epsilon {epsilon}") };
    Ok(format!("{name}{at}{epsilon}"))
}

/// The policy of a run, or of one of its checkpoints: greedy, or a random action with probability `epsilon`.
///
/// # Errors
/// If the folder is not a finished run of a policy, has no such checkpoint, or `epsilon` is not a probability.
pub fn play_run(run: &Path, checkpoint: Option<u64>, epsilon: f64) -> Result<Box<dyn Play>, Error> {
    if !(0.0..=1.0).contains(&epsilon) {
        return Err(usage(format!("--epsilon {epsilon}: write a number from 0 to 1")));
    }
    let policy = if epsilon == 0.0 { Policy::Greedy } else { Policy::EpsilonGreedy { epsilon } };
    let dir = RunDir::open_model(run)?;
    let (model, spec) = match checkpoint {
        Some(step) => policy_at(&dir, step)?,
        None => match Subject::load(&dir)? {
            Subject::Policy { model, spec } => (model, spec),
            Subject::Classifier { .. } => {
                let run = run.display();
                return Err(usage(format!(
                    "{run} learned no policy, but a classifier; there is nothing to watch"
                )));
            }
        },
    };
    check_playable(&spec)?;
    let name = policy_name(&dir, checkpoint, epsilon)?;
    let of = (&spec, &*name);
    fn playing<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(
        (spec, name): (&Spec, &str),
        env: BoxEnv<O, A>,
        model: Model,
        policy: Policy,
    ) -> Box<dyn Play>
    where
        for<'a> ModelActor<'a>: Actor<O, A>,
    {
        let space = env.action_space();
        // A policy of a box of actions is deterministic: random ones come in its place.
        let epsilon = match (&model, policy) {
            (Model::Control(_), Policy::EpsilonGreedy { epsilon }) => epsilon,
            _ => 0.0,
        };
        let player = move |observation: &O, action: &mut A, rng: &mut Pcg64| {
            if epsilon > 0.0 && rng.unit() < epsilon {
                action
                    .as_mut_slice()
                    .copy_from_slice(Borrow::<A>::borrow(&A::sample(&space, rng)).as_slice());
            } else {
                ModelActor::new(&model, policy).act(observation, action, rng);
            }
        };
        Box::new(Playing::new(spec, name, env, Box::new(player)))
    }
    Ok(match &model {
        Model::Table(_) => {
            playing::<usize, usize>(of, spec.make_states().expect("a table is for states"), model, policy)
        }
        Model::Linear(_) | Model::Network(_) | Model::Predictor(_) => {
            let env = spec.make_features().expect("it is for features");
            playing::<[f32], usize>(of, env, model, policy)
        }
        Model::Control(_) => {
            let env = spec.make_control().expect("a control policy is for a box of actions");
            playing::<[f32], [f32]>(of, env, model, policy)
        }
    })
}

/// The rendering of an environment at the start of an episode.
#[cfg(test)]
pub(crate) fn first_scene(spec: &Spec) -> Option<Scene> {
    let mut play = play_at_random(spec);
    play.reset(0);
    play.scene()
}
