//! Construction of the environments of a [`Spec`](super::Spec): one, or many copies at once.

use super::checked::{Checked, CheckedVec};
use crate::classic_control::dynamics::{Dynamics, Single};
use crate::vector::{Lanes, SyncVec};
use crate::{Autoreset, Env, Guarded, Row, Space, VecEnv};
use std::fmt;
use std::sync::Arc;

/// A boxed environment, with discrete actions by default.
pub type BoxEnv<O, A = usize> = Box<dyn Env<Observation = O, Action = A>>;

/// An environment with discrete states.
pub type StateEnv = BoxEnv<usize>;

/// An environment with a vector of features for its observation.
pub type FeatureEnv = BoxEnv<[f32]>;

/// An environment with planes of zeros and ones, or an image, for its observation.
pub type PlaneEnv = BoxEnv<[u8]>;

/// An environment with features whose actions are vectors, such as forces.
pub type ControlEnv = BoxEnv<[f32], [f32]>;

/// A boxed vector environment, with discrete actions by default.
pub type BoxVecEnv<T, A = usize> = Box<dyn VecEnv<Element = T, Action = A>>;

/// Constructs one environment, or many copies, with an optional time limit.
pub struct Factory<O: Row + ?Sized, A: Row + ?Sized> {
    one: Arc<dyn Fn(Option<u64>) -> BoxEnv<O, A> + Send + Sync>,
    #[expect(clippy::type_complexity, reason = "said once")]
    many: Arc<dyn Fn(usize, Autoreset, Option<u64>) -> BoxVecEnv<O::Element, A> + Send + Sync>,
    time_limit_steps: Option<u64>,
}

impl<O: Row + ?Sized, A: Row + ?Sized> Factory<O, A> {
    /// Constructs one environment.
    pub fn one(&self) -> BoxEnv<O, A> {
        (self.one)(self.time_limit_steps)
    }

    /// Constructs a vector environment.
    pub fn many(&self, copies: usize, autoreset: Autoreset) -> BoxVecEnv<O::Element, A> {
        (self.many)(copies, autoreset, self.time_limit_steps)
    }
}

impl<O: Row + ?Sized, A: Row + ?Sized> Clone for Factory<O, A> {
    fn clone(&self) -> Self {
        Self { one: self.one.clone(), many: self.many.clone(), time_limit_steps: self.time_limit_steps }
    }
}

impl<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static> Factory<O, A> {
    /// A factory of environments that are stepped one by one; `make` constructs one, without a time limit.
    /// A panic in its `reset` or `step`, and an observation outside its space, become errors
    /// ([`EnvError::Failed`](crate::EnvError::Failed)); actions outside their space do not reach it.
    pub fn new<E>(make: impl Fn() -> E + Send + Sync + Clone + 'static) -> Self
    where
        E: Env<Observation = O, Action = A> + 'static,
    {
        Self::trusted(move || Checked::new(make()))
    }

    /// A factory of environments that keep the rules, which is not checked.
    pub(crate) fn trusted<E>(make: impl Fn() -> E + Send + Sync + Clone + 'static) -> Self
    where
        E: Env<Observation = O, Action = A> + 'static,
    {
        let copies = make.clone();
        Self {
            one: Arc::new(move |limit| Box::new(Guarded::new(make(), limit))),
            many: Arc::new(move |n, autoreset, limit| {
                Box::new(SyncVec::new(n, autoreset, || Guarded::new(copies(), limit)))
            }),
            time_limit_steps: None,
        }
    }
}

impl<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static> Factory<O, A> {
    /// A factory of these environments inside a wrapper.
    pub(super) fn within<P>(
        self,
        wrap: impl Fn(BoxEnv<O, A>) -> BoxEnv<P, A> + Send + Sync + Clone + 'static,
    ) -> Factory<P, A>
    where
        P: Row + ?Sized + 'static,
    {
        let (one, many) = (self.one.clone(), self.one);
        let around_copies = wrap.clone();
        Factory {
            one: Arc::new(move |limit| wrap(one(limit))),
            many: Arc::new(move |n, autoreset, limit| {
                Box::new(SyncVec::new(n, autoreset, || around_copies(many(limit))))
            }),
            time_limit_steps: self.time_limit_steps,
        }
    }
}

impl<A: Row + ?Sized + 'static> Factory<[f32], A> {
    /// A factory of environments whose copies are stepped side by side, in vector instructions. Panics become
    /// errors, as in [`new`](Factory::new).
    pub fn of_dynamics<D, const S: usize, const O: usize>(dynamics: D) -> Self
    where
        D: Dynamics<S, O, Action = A>,
    {
        let single = dynamics.clone();
        Self {
            one: Self::new(move || Single::new(single.clone())).one,
            many: Arc::new(move |n, autoreset, limit| {
                Box::new(CheckedVec::new(Lanes::new(dynamics.clone(), n, autoreset, limit)))
            }),
            time_limit_steps: None,
        }
    }

    /// A factory of such environments that do not panic, which is not checked.
    pub(crate) fn of_trusted_dynamics<D, const S: usize, const O: usize>(dynamics: D) -> Self
    where
        D: Dynamics<S, O, Action = A>,
    {
        let single = dynamics.clone();
        Self {
            one: Self::trusted(move || Single::new(single.clone())).one,
            many: Arc::new(move |n, autoreset, limit| {
                Box::new(Lanes::new(dynamics.clone(), n, autoreset, limit))
            }),
            time_limit_steps: None,
        }
    }
}

/// An environment's factory, by the kinds of its observations and actions.
#[derive(Clone)]
#[non_exhaustive]
pub enum Kind {
    /// Numbered states and actions.
    States(Factory<usize, usize>),
    /// Vectors of features, discrete actions.
    Features(Factory<[f32], usize>),
    /// Planes of zeros and ones, or images, discrete actions.
    Planes(Factory<[u8], usize>),
    /// Vectors of features, or images as such, vectors of actions.
    Control(Factory<[f32], [f32]>),
}

macro_rules! kind {
    ($kind:ident, $observation:ty, $action:ty) => {
        impl From<Factory<$observation, $action>> for Kind {
            fn from(factory: Factory<$observation, $action>) -> Self {
                Kind::$kind(factory)
            }
        }
    };
}

kind!(States, usize, usize);
kind!(Features, [f32], usize);
kind!(Planes, [u8], usize);
kind!(Control, [f32], [f32]);

impl Kind {
    /// The kind of an environment with discrete states and actions that keeps the rules.
    pub(crate) fn states<E: Env<Observation = usize, Action = usize> + Clone + Sync + 'static>(
        env: E,
    ) -> Self {
        Kind::States(Factory::trusted(move || env.clone()))
    }

    pub(super) fn set_time_limit(&mut self, steps: Option<u64>) {
        match self {
            Kind::States(factory) => factory.time_limit_steps = steps,
            Kind::Features(factory) => factory.time_limit_steps = steps,
            Kind::Planes(factory) => factory.time_limit_steps = steps,
            Kind::Control(factory) => factory.time_limit_steps = steps,
        }
    }

    /// Checks that the spaces are those of the kind; the error is the reason.
    pub(super) fn check(&self) -> Result<(), String> {
        let (observations, actions) = self.spaces();
        for (name, space) in [("observation", &observations), ("action", &actions)] {
            space.well_formed().map_err(|reason| format!("its {name} space is not well formed: {reason}"))?;
        }
        let check = |name: &str, space: &Space, row: &str, fits: bool, needed: &str| match fits {
            true => Ok(()),
            false => {
                Err(format!("its {name}s are {row}, but its {name} space is {space}; it must be {needed}"))
            }
        };
        let discrete = |name: &str, space: &Space| {
            check(name, space, "usize", space.discrete().is_some(), "Discrete or Tuple")
        };
        let boxed = |name: &str, space: &Space| {
            check(name, space, "[f32]", matches!(space, Space::Box { .. }), "a Box")
        };
        match self {
            Kind::States(_) => discrete("observation", &observations)?,
            Kind::Control(_) if matches!(observations, Space::Image { .. }) => {}
            Kind::Features(_) | Kind::Control(_) => boxed("observation", &observations)?,
            Kind::Planes(_) => {
                check("observation", &observations, "[u8]", observations.is_bytes(), "MultiBinary or Image")?;
            }
        }
        match self {
            Kind::Control(_) => boxed("action", &actions),
            _ => discrete("action", &actions),
        }
    }

    /// The observation space and the action space.
    pub(super) fn spaces(&self) -> (Space, Space) {
        struct Spaces;
        impl Visitor for Spaces {
            type Output = (Space, Space);
            fn visit<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(
                self,
                factory: &Factory<O, A>,
            ) -> (Space, Space) {
                let env = factory.one();
                (env.observation_space(), env.action_space())
            }
        }
        self.visit(Spaces)
    }

    /// Applies an operation to the environment.
    pub(super) fn visit<V: Visitor>(&self, visitor: V) -> V::Output {
        match self {
            Kind::States(factory) => visitor.visit(factory),
            Kind::Features(factory) => visitor.visit(factory),
            Kind::Planes(factory) => visitor.visit(factory),
            Kind::Control(factory) => visitor.visit(factory),
        }
    }

    /// Returns true if transitions or starts are random; without an exact model they count as random.
    pub(super) fn is_stochastic(&self) -> bool {
        match self {
            Kind::States(factory) => factory.one().is_stochastic(),
            _ => true,
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::States(_) => "States",
            Kind::Features(_) => "Features",
            Kind::Planes(_) => "Planes",
            Kind::Control(_) => "Control",
        })
    }
}

/// An operation on an environment of any kind.
pub trait Visitor {
    /// The result.
    type Output;

    /// Applies the operation.
    fn visit<O: Row + ?Sized + 'static, A: Row + ?Sized + 'static>(
        self,
        factory: &Factory<O, A>,
    ) -> Self::Output;
}
