//! Vector environments in structure-of-arrays form, for steps that are pure functions of a few numbers.

use super::{Autoreset, Batch, VecEnv, check_actions};
use crate::classic_control::dynamics::Dynamics;
use crate::{EnvError, Row, Space};
use potstill_core::snapshot::Codec;
use potstill_core::{Pcg64, Snapshot, SnapshotError, Value, snapshot, wide};

/// One number of an action.
type ActionElement<D, const S: usize, const O: usize> = <<D as Dynamics<S, O>>::Action as Row>::Element;

/// Copies that lie and are stepped side by side: enough for the widest vectors, few enough for a single copy.
const BLOCK: usize = 16;

/// Copies of an environment in structure-of-arrays form: each block has one array per number of the state, so
/// that the compiler vectorises the dynamics.
#[derive(Clone, Debug)]
pub struct Lanes<D, const S: usize, const O: usize> {
    dynamics: D,
    time_limit_steps: Option<u64>,
    action_space: Space,
    /// By block, number of the state, and copy.
    physics: Vec<[[f64; BLOCK]; S]>,
    elapsed_steps: Vec<u64>,
    rngs: Vec<Pcg64>,
    is_reset: bool,
    /// `true` if an episode ended with the last step.
    any_done: bool,
    /// Buffer of the copies whose episodes ended with the step before.
    ended: Vec<usize>,
    batch: Batch<f32>,
}

impl<D: Dynamics<S, O>, const S: usize, const O: usize> Lanes<D, S, O> {
    /// `copies` of the environment with these dynamics; episodes are truncated after `time_limit_steps`, if
    /// there is a limit.
    ///
    /// # Panics
    /// If there is no copy.
    pub fn new(dynamics: D, copies: usize, autoreset: Autoreset, time_limit_steps: Option<u64>) -> Self {
        assert!(copies > 0, "a vector environment has at least one copy");
        Self {
            action_space: dynamics.action_space(),
            dynamics,
            time_limit_steps,
            physics: vec![[[0.0; BLOCK]; S]; copies.div_ceil(BLOCK)],
            elapsed_steps: vec![0; copies],
            rngs: vec![Pcg64::new(0); copies],
            is_reset: false,
            any_done: false,
            ended: Vec::with_capacity(copies),
            batch: Batch::new(copies, O, autoreset),
        }
    }

    fn set_physics(&mut self, i: usize, state: [f64; S]) {
        for (column, value) in self.physics[i / BLOCK].iter_mut().zip(state) {
            column[i % BLOCK] = value;
        }
    }

    /// A new episode of one copy.
    fn start(&mut self, i: usize) {
        let state = self.dynamics.start(&mut self.rngs[i]);
        self.set_physics(i, state);
        self.elapsed_steps[i] = 0;
        self.batch.observations[i * O..(i + 1) * O].copy_from_slice(&self.dynamics.observe(state));
    }

    /// Steps every copy; returns true if an episode ended.
    #[inline(always)]
    fn step_all(&mut self, actions: &[ActionElement<D, S, O>]) -> bool {
        // A width that the compiler knows, without which the loop over the copies does not become vector code.
        const { assert!(D::ACTION_WIDTH > 0 && D::ACTION_WIDTH <= 8, "an action has 1 to 8 numbers") };
        match D::ACTION_WIDTH {
            1 => self.step_blocks::<1>(actions),
            2 => self.step_blocks::<2>(actions),
            3 => self.step_blocks::<3>(actions),
            4 => self.step_blocks::<4>(actions),
            5 => self.step_blocks::<5>(actions),
            6 => self.step_blocks::<6>(actions),
            7 => self.step_blocks::<7>(actions),
            _ => self.step_blocks::<8>(actions),
        }
    }

    /// One step of every copy, with actions of `W` numbers.
    #[inline(always)]
    fn step_blocks<const W: usize>(&mut self, actions: &[ActionElement<D, S, O>]) -> bool {
        let actions = actions.as_chunks::<W>().0;
        let limit = self.time_limit_steps.unwrap_or(u64::MAX);
        let batch = &mut self.batch;
        let blocks = self.physics.iter_mut().zip(actions.chunks(BLOCK));
        let given = batch.observations.chunks_mut(BLOCK * O).zip(batch.rewards.chunks_mut(BLOCK));
        let ends = batch.terminated.chunks_mut(BLOCK).zip(batch.truncated.chunks_mut(BLOCK));
        let elapsed = self.elapsed_steps.chunks_mut(BLOCK);
        let mut any = false;
        for ((((physics, actions), (observations, rewards)), (terminated, truncated)), elapsed) in
            blocks.zip(given).zip(ends).zip(elapsed)
        {
            step_block(&self.dynamics, physics, actions, observations.as_chunks_mut().0, rewards, terminated);
            for ((elapsed, truncated), terminated) in elapsed.iter_mut().zip(truncated).zip(terminated) {
                *elapsed += 1;
                *truncated = *elapsed >= limit;
                any |= *truncated | *terminated;
            }
        }
        any
    }
}

/// One step of the copies of a block.
#[inline(always)]
fn step_block<D: Dynamics<S, O>, const S: usize, const O: usize, const W: usize>(
    dynamics: &D,
    physics: &mut [[f64; BLOCK]; S],
    actions: &[[ActionElement<D, S, O>; W]],
    observations: &mut [[f32; O]],
    rewards: &mut [f64],
    terminated: &mut [bool],
) {
    let step = |state: [f64; S], action: &[ActionElement<D, S, O>; W]| {
        let moved = dynamics.step(state, D::Action::from_slice(action));
        (moved, dynamics.observe(moved.state))
    };
    if let (Some(actions), Some(observations), Some(rewards), Some(terminated)) = (
        actions.first_chunk::<BLOCK>(),
        observations.first_chunk_mut::<BLOCK>(),
        rewards.first_chunk_mut::<BLOCK>(),
        terminated.first_chunk_mut::<BLOCK>(),
    ) {
        // On local arrays, which the compiler knows to be disjoint and of full length, this loop becomes
        // vector code.
        let mut state = *physics;
        let (mut seen, mut reward, mut terminal) = ([[0.0; O]; BLOCK], [0.0; BLOCK], [false; BLOCK]);
        for i in 0..BLOCK {
            let moved;
            (moved, seen[i]) = step(std::array::from_fn(|s| state[s][i]), &actions[i]);
            for (column, value) in state.iter_mut().zip(moved.state) {
                column[i] = value;
            }
            reward[i] = moved.reward;
            terminal[i] = moved.terminated;
        }
        (*physics, *observations, *rewards, *terminated) = (state, seen, reward, terminal);
    } else {
        for i in 0..rewards.len() {
            let moved;
            (moved, observations[i]) = step(std::array::from_fn(|s| physics[s][i]), &actions[i]);
            for (column, value) in physics.iter_mut().zip(moved.state) {
                column[i] = value;
            }
            rewards[i] = moved.reward;
            terminated[i] = moved.terminated;
        }
    }
}

impl<D: Dynamics<S, O>, const S: usize, const O: usize> VecEnv for Lanes<D, S, O> {
    type Element = f32;
    type Action = D::Action;

    fn single_observation_space(&self) -> Space {
        self.dynamics.observation_space()
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
        self.any_done = false;
        self.batch.clear();
        for i in 0..self.rngs.len() {
            if let Some(seed) = seed {
                self.rngs[i] = Pcg64::new(seed.wrapping_add(i as u64));
            }
            self.start(i);
        }
        &self.batch
    }

    fn step(&mut self, actions: &[ActionElement<D, S, O>]) -> Result<&Batch<f32>, EnvError> {
        let copies = self.rngs.len();
        check_actions::<D::Action>(actions, copies, &self.action_space, self.is_reset)?;
        self.ended.clear();
        if self.any_done && self.batch.autoreset == Autoreset::NextStep {
            self.ended.extend((0..copies).filter(|&i| self.batch.done(i)));
        }
        self.any_done = wide::run(
            #[inline(always)]
            || self.step_all(actions),
        );
        match self.batch.autoreset {
            // Their action is ignored: the step is the reset.
            Autoreset::NextStep => {
                for k in 0..self.ended.len() {
                    let i = self.ended[k];
                    self.start(i);
                    self.batch.rewards[i] = 0.0;
                    (self.batch.terminated[i], self.batch.truncated[i]) = (false, false);
                }
            }
            Autoreset::SameStep if self.any_done => {
                for i in 0..copies {
                    if self.batch.done(i) {
                        self.batch.keep_final(i);
                        self.start(i);
                    }
                }
            }
            Autoreset::SameStep => {}
        }
        Ok(&self.batch)
    }

    fn batch(&self) -> &Batch<f32> {
        &self.batch
    }
}

snapshot! {
    impl[D: Dynamics<S, O>, const S: usize, const O: usize] Restorable for Lanes<D, S, O> {
        saved: batch, is_reset, any_done, physics via ByCopy { copies: rngs.len() }, elapsed_steps, rngs as "rng";
        built: dynamics, time_limit_steps, action_space, ended;
    }
}

/// The state of each copy is saved one after the other, without the unused lanes of the last block.
struct ByCopy {
    copies: usize,
}

impl<const S: usize> Codec<Vec<[[f64; BLOCK]; S]>> for ByCopy {
    fn save(&self, blocks: &Vec<[[f64; BLOCK]; S]>, name: &str, snapshot: &mut Snapshot) {
        let physics = (0..self.copies).flat_map(|i| blocks[i / BLOCK].map(|column| column[i % BLOCK]));
        snapshot.insert(name, Value::F64s(physics.collect()));
    }

    fn load(
        &self,
        blocks: &mut Vec<[[f64; BLOCK]; S]>,
        name: &str,
        snapshot: &Snapshot,
    ) -> Result<(), SnapshotError> {
        for (i, row) in snapshot.f64s(name, self.copies * S)?.chunks_exact(S).enumerate() {
            for (column, &value) in blocks[i / BLOCK].iter_mut().zip(row) {
                column[i % BLOCK] = value;
            }
        }
        Ok(())
    }
}
