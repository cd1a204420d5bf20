//! Vector environments of tasks with rigid bodies, whose worlds move side by side.

use super::{Autoreset, Batch, VecEnv, check_actions};
use crate::box2d::IslandLanes;
use crate::box2d_envs::{Simulated, TIME_STEP, Task};
use crate::{Env, EnvError, Guarded, Outcome, Row, Space};
use potstill_core::snapshot;

/// Copies of a task. The velocities of the bodies, which take most of the time, are computed in the lanes of
/// vectors, one lane for each copy; the rest one copy after the other.
#[derive(Clone, Debug)]
pub struct Worlds<T> {
    envs: Vec<Guarded<Simulated<T>>>,
    lanes: IslandLanes,
    action_space: Space,
    is_reset: bool,
    batch: Batch<f32>,
}

impl<T: Task> Worlds<T> {
    /// `copies` of a task; episodes are truncated after `time_limit_steps`, if there is a limit.
    ///
    /// # Panics
    /// If there is no copy.
    pub fn new(
        copies: usize,
        autoreset: Autoreset,
        time_limit_steps: Option<u64>,
        make: impl Fn() -> T,
    ) -> Self {
        assert!(copies > 0, "a vector environment has at least one copy");
        let make = || Guarded::new(Simulated::new(make()), time_limit_steps);
        let envs: Vec<_> = (0..copies).map(|_| make()).collect();
        Self {
            lanes: IslandLanes::new(),
            action_space: envs[0].action_space(),
            batch: Batch::new(copies, envs[0].observation_space().features(), autoreset),
            is_reset: false,
            envs,
        }
    }
}

impl<T: Task> VecEnv for Worlds<T> {
    type Element = f32;
    type Action = T::Action;

    fn single_observation_space(&self) -> Space {
        self.envs[0].observation_space()
    }

    fn single_action_space(&self) -> Space {
        self.action_space.clone()
    }

    fn autoreset(&self) -> Autoreset {
        self.batch.autoreset
    }

    fn reset(&mut self, seed: Option<u64>) -> &Batch<f32> {
        let seed = seed.or((!self.is_reset).then_some(0));
        self.is_reset = true;
        self.batch.clear();
        for (i, env) in self.envs.iter_mut().enumerate() {
            env.reset(seed.map(|seed| seed.wrapping_add(i as u64)), self.batch.observation_mut(i));
        }
        &self.batch
    }

    fn step(&mut self, actions: &[<T::Action as Row>::Element]) -> Result<&Batch<f32>, EnvError> {
        let Self { envs, lanes, action_space, is_reset, batch } = self;
        check_actions::<T::Action>(actions, envs.len(), action_space, *is_reset)?;
        let autoreset = batch.autoreset;
        // The action of an episode that has ended is ignored: the step is the reset.
        let begins = |batch: &Batch<f32>, i| autoreset == Autoreset::NextStep && batch.done(i);
        for (i, action) in actions.chunks_exact(action_space.features()).enumerate() {
            match begins(batch, i) {
                true => envs[i].env_mut().start(None),
                false => envs[i].env_mut().act(T::Action::from_slice(action)),
            }
        }
        lanes.step(&TIME_STEP, envs);
        for (i, env) in envs.iter_mut().enumerate() {
            let begins = begins(batch, i);
            let mut outcome = env.env_mut().observe(batch.observation_mut(i));
            if begins {
                env.begin();
                outcome = Outcome { reward: 0.0, terminated: false, truncated: false };
            } else {
                env.count(&mut outcome);
            }
            batch.rewards[i] = outcome.reward;
            (batch.terminated[i], batch.truncated[i]) = (outcome.terminated, outcome.truncated);
            if outcome.done() && autoreset == Autoreset::SameStep {
                batch.keep_final(i);
                env.reset(None, batch.observation_mut(i));
            }
        }
        Ok(batch)
    }

    fn batch(&self) -> &Batch<f32> {
        &self.batch
    }
}

snapshot! {
    impl[T: Task] Restorable for Worlds<T> {
        saved: batch, is_reset, envs as "env";
        built: lanes, action_space;
    }
}
