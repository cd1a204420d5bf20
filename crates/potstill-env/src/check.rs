//! Checks that an environment follows the API: the rules of Gymnasium's `check_env`, and those of snapshots,
//! models and renderings.
//!
//! ```
//! use potstill_env::check::check_env;
//! use potstill_env::registry::find;
//!
//! let spec = find("CartPole-v1")?;
//! let verdicts = check_env(&|| spec.make_features().unwrap());
//! assert!(verdicts.iter().all(|verdict| verdict.broken.is_none()));
//! # Ok::<(), potstill_env::EnvError>(())
//! ```

use crate::{BoxEnv, Env, EnvError, Outcome, Row, Shape, Space, TransitionModel};
use potstill_core::{Pcg64, Restorable};
use std::borrow::{Borrow, BorrowMut};
use std::sync::Arc;

/// Episodes that are played.
const EPISODES: usize = 20;
/// The longest of them.
const STEPS: usize = 1000;
/// Steps of every episode after which a snapshot is taken.
const SNAPSHOT: usize = 3;
/// Steps that are compared between episodes of one seed.
const COMPARED: usize = 50;

/// A rule, and its first violation, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The rule.
    pub rule: &'static str,
    /// The first violation and its place; `None` if the rule was kept.
    pub broken: Option<String>,
}

const RULES: [&str; 14] = [
    "the spaces are well formed",
    "a step before the first reset is refused",
    "observations are in their space",
    "rewards are finite",
    "neither reset nor step fails",
    "every action of the space is accepted",
    "an action outside the space is refused and changes nothing",
    "a step after the end of an episode is refused",
    "the same seed gives the same episode",
    "a fresh instance with the same seed gives the same episode",
    "a snapshot continues as the original does",
    "a snapshot can be restored into a fresh instance",
    "transitions agree with the model",
    "renderings stay within their frame",
];

/// Plays an environment at random and checks every rule; `make` constructs a fresh instance each time.
pub fn check_env<O, A>(make: &dyn Fn() -> BoxEnv<O, A>) -> Vec<Verdict>
where
    O: Row + ?Sized,
    A: Row + ?Sized,
{
    let mut checker = Checker { broken: vec![None; RULES.len()] };
    checker.run(make);
    RULES.into_iter().zip(checker.broken).map(|(rule, broken)| Verdict { rule, broken }).collect()
}

struct Checker {
    broken: Vec<Option<String>>,
}

/// An observed step.
type ObservedStep<O> = (<O as ToOwned>::Owned, Outcome);

impl Checker {
    /// Records the first violation of a rule.
    fn record(&mut self, rule: &str, kept: Result<(), String>) {
        let i = RULES.iter().position(|known| *known == rule).expect("a rule of the list");
        if let (None, Err(how)) = (&self.broken[i], kept) {
            self.broken[i] = Some(how);
        }
    }

    fn run<O, A>(&mut self, make: &dyn Fn() -> BoxEnv<O, A>)
    where
        O: Row + ?Sized,
        A: Row + ?Sized,
    {
        let mut env = make();
        let (observations, actions) = (env.observation_space(), env.action_space());
        let spaces = observations.well_formed().and_then(|()| actions.well_formed()).and_then(|()| {
            let how = format!("actions cannot be drawn from {actions}");
            if A::can_sample(&actions) { Ok(()) } else { Err(how) }
        });
        let usable = spaces.is_ok();
        self.record("the spaces are well formed", spaces);
        if !usable {
            return;
        }
        let mut rng = Pcg64::new(0);
        let mut observation = O::buffer(&observations);
        let before = env.step(A::sample(&actions, &mut rng).borrow(), observation.borrow_mut());
        let refused = match before {
            Err(EnvError::NotReset) => Ok(()),
            other => Err(format!("it gave {other:?}")),
        };
        self.record("a step before the first reset is refused", refused);

        let mut env = make();
        let model = env.model();
        let mut shadow: Option<BoxEnv<O, A>> = None;
        for episode in 0..EPISODES {
            let seed = (episode % 2 == 0).then_some(episode as u64);
            env.reset(seed, observation.borrow_mut());
            // A reset with a seed would hide a lost random stream.
            if let (Some(copy), None) = (&mut shadow, seed) {
                let mut seen = O::buffer(&observations);
                copy.reset(None, seen.borrow_mut());
                let same = match seen == observation && copy.snapshot() == env.snapshot() {
                    true => Ok(()),
                    false => Err(format!(
                        "episode {episode}: the copy began with {seen:?}, the original with {observation:?}"
                    )),
                };
                self.record("a snapshot continues as the original does", same);
            }
            self.check_observation(
                &*env,
                observation.borrow(),
                &observations,
                &format!("episode {episode}, reset"),
            );
            // From some step on, and into the next episode, a copy must do the same as the original.
            shadow = None;
            for step in 0..STEPS {
                let place = format!("episode {episode}, step {}", step + 1);
                if step == SNAPSHOT {
                    shadow = self.shadow(&*env, make, &place);
                }
                if step % 10 == 0 {
                    self.refuses(&mut *env, &actions, &place);
                }
                let before = observation.clone();
                let action = A::sample(&actions, &mut rng);
                let outcome = match env.step(action.borrow(), observation.borrow_mut()) {
                    Ok(outcome) => outcome,
                    Err(EnvError::Failed { reason }) => {
                        self.record("neither reset nor step fails", Err(format!("{place}: {reason}")));
                        return;
                    }
                    Err(error) => {
                        let action = action.borrow().text();
                        let refused = Err(format!("{place}: action {action} was refused: {error}"));
                        self.record("every action of the space is accepted", refused);
                        break;
                    }
                };
                if let Some(copy) = &mut shadow {
                    let mut seen = O::buffer(&observations);
                    let result = copy.step(action.borrow(), seen.borrow_mut());
                    let same = match result == Ok(outcome)
                        && seen == observation
                        && copy.snapshot() == env.snapshot()
                    {
                        true => Ok(()),
                        false => Err(format!("{place}: the copy gave {result:?}, the original {outcome:?}")),
                    };
                    self.record("a snapshot continues as the original does", same);
                }
                self.check_observation(&*env, observation.borrow(), &observations, &place);
                let reward = outcome.reward;
                let finite = if reward.is_finite() { Ok(()) } else { Err(format!("{place}: {reward}")) };
                self.record("rewards are finite", finite);
                if let Some(model) = &model {
                    let foreseen = in_model(
                        model,
                        before.borrow(),
                        action.borrow(),
                        observation.borrow(),
                        outcome,
                        &place,
                    );
                    self.record("transitions agree with the model", foreseen);
                }
                if outcome.done() {
                    self.over(&mut *env, &actions, &place);
                    break;
                }
            }
        }
        self.repeats(make, &actions);
    }

    /// Checks an observation and its rendering.
    fn check_observation<O: Row + ?Sized, A: Row + ?Sized>(
        &mut self,
        env: &dyn Env<Observation = O, Action = A>,
        observation: &O,
        space: &Space,
        place: &str,
    ) {
        let inside = match observation.outside(space) {
            None if observation.is_finite() => Ok(()),
            None => Err(format!("{place}: it is not finite")),
            Some(how) => Err(format!("{place}: {how}")),
        };
        self.record("observations are in their space", inside);
        let Some(scene) = env.scene() else { return };
        let within = |(x, y): (f64, f64)| {
            let margin = 0.1 * scene.width.max(scene.height);
            (-margin..=scene.width + margin).contains(&x) && (-margin..=scene.height + margin).contains(&y)
        };
        let shape_within = |shape: &Shape| match shape {
            Shape::Rectangle { at, size } => within(*at) && within((at.0 + size.0, at.1 + size.1)),
            Shape::Circle { centre, .. } => within(*centre),
            Shape::Line { points, .. } => points.iter().all(|point| within(*point)),
            Shape::Text { at, .. } => within(*at),
        };
        let framed = match scene.shapes.iter().find(|(_, shape)| !shape_within(shape)) {
            None if scene.width > 0.0 && scene.height > 0.0 => Ok(()),
            None => Err(format!("{place}: the frame is {} x {}", scene.width, scene.height)),
            Some((_, shape)) => Err(format!("{place}: {shape:?}")),
        };
        self.record("renderings stay within their frame", framed);
    }

    fn refuses<O: Row + ?Sized, A: Row + ?Sized>(
        &mut self,
        env: &mut dyn Env<Observation = O, Action = A>,
        actions: &Space,
        place: &str,
    ) {
        let before = env.snapshot();
        for action in A::invalid(actions) {
            let action: &A = action.borrow();
            let text = action.text();
            let mut unseen = O::buffer(&env.observation_space());
            let refused = match env.step(action, unseen.borrow_mut()) {
                Err(EnvError::Action { .. }) if env.snapshot() == before => Ok(()),
                Err(EnvError::Action { .. }) => Err(format!("{place}: action {text} changed the state")),
                other => Err(format!("{place}: action {text} gave {other:?}")),
            };
            let went_on = refused.is_err();
            self.record("an action outside the space is refused and changes nothing", refused);
            if went_on && env.restore(&before).is_err() {
                return;
            }
        }
    }

    fn over<O: Row + ?Sized, A: Row + ?Sized>(
        &mut self,
        env: &mut dyn Env<Observation = O, Action = A>,
        actions: &Space,
        place: &str,
    ) {
        let mut unseen = O::buffer(&env.observation_space());
        let action = A::sample(actions, &mut Pcg64::new(1));
        let refused = match env.step(action.borrow(), unseen.borrow_mut()) {
            Err(EnvError::EpisodeOver) => Ok(()),
            other => Err(format!("after {place} it gave {other:?}")),
        };
        self.record("a step after the end of an episode is refused", refused);
    }

    /// A new instance, restored to the state of this one.
    fn shadow<O: Row + ?Sized, A: Row + ?Sized>(
        &mut self,
        env: &dyn Env<Observation = O, Action = A>,
        make: &dyn Fn() -> BoxEnv<O, A>,
        place: &str,
    ) -> Option<BoxEnv<O, A>> {
        let mut shadow = make();
        let restored = shadow.restore(&env.snapshot()).map_err(|error| format!("{place}: {error}"));
        let is_restored = restored.is_ok();
        self.record("a snapshot can be restored into a fresh instance", restored);
        is_restored.then_some(shadow)
    }

    fn repeats<O: Row + ?Sized, A: Row + ?Sized>(
        &mut self,
        make: &dyn Fn() -> BoxEnv<O, A>,
        actions: &Space,
    ) {
        let mut env = make();
        for seed in 0..5 {
            let first = play(&mut *env, Some(seed), actions);
            let again = play(&mut *env, Some(seed), actions);
            let fresh = play(&mut *make(), Some(seed), actions);
            for (rule, other) in [
                ("the same seed gives the same episode", again),
                ("a fresh instance with the same seed gives the same episode", fresh),
            ] {
                let step = first.iter().zip(&other).position(|(a, b)| a != b);
                let same = match step {
                    None if first.len() == other.len() => Ok(()),
                    _ => Err(format!("seed {seed}, step {}", step.unwrap_or(first.len().min(other.len())))),
                };
                self.record(rule, same);
            }
        }
    }
}

/// Plays some steps with always the same actions, after a reset if there is a seed. The reset counts as a
/// step without a reward.
fn play<O: Row + ?Sized, A: Row + ?Sized>(
    env: &mut dyn Env<Observation = O, Action = A>,
    seed: Option<u64>,
    actions: &Space,
) -> Vec<ObservedStep<O>> {
    let mut rng = Pcg64::new(2);
    let mut observation = O::buffer(&env.observation_space());
    let mut seen = Vec::new();
    if let Some(seed) = seed {
        env.reset(Some(seed), observation.borrow_mut());
        seen.push((observation.clone(), Outcome { reward: 0.0, terminated: false, truncated: false }));
    }
    for _ in 0..COMPARED {
        let Ok(outcome) = env.step(A::sample(actions, &mut rng).borrow(), observation.borrow_mut()) else {
            break;
        };
        seen.push((observation.clone(), outcome));
        if outcome.done() {
            break;
        }
    }
    seen
}

fn in_model<O: Row + ?Sized, A: Row + ?Sized>(
    model: &Arc<TransitionModel>,
    before: &O,
    action: &A,
    after: &O,
    outcome: Outcome,
    place: &str,
) -> Result<(), String> {
    use crate::space::Element;
    let number = |observation: &O| observation.as_slice().first().map_or(usize::MAX, |n| n.wide() as usize);
    let (state, next, action) =
        (number(before), number(after), action.as_slice().first().map_or(usize::MAX, |n| n.wide() as usize));
    if state >= model.states() || action >= model.actions() {
        return Err(format!("{place}: state {state}, action {action} are not of the model"));
    }
    let fits = |o: &crate::ModelOutcome| {
        o.probability > 0.0 && (o.next, o.reward, o.terminated) == (next, outcome.reward, outcome.terminated)
    };
    match model.outcomes(state, action).iter().any(fits) {
        true => Ok(()),
        false => {
            let Outcome { reward, terminated, .. } = outcome;
            Err(format!(
                "{place}: from {state} by {action} to {next}, reward {reward}, terminated {terminated}"
            ))
        }
    }
}
