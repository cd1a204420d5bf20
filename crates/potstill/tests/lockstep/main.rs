//! Algorithms in lock step with independent programs: each module has a naive program in double precision, written from
//! the paper's formulas or the book's box, that sees the same experience and draws the same numbers. After every step
//! both must have the same parameters, values and actions.

mod dqn;
mod experience;
mod hints;
mod monte_carlo;
mod n_step;
mod network;
mod off_policy;
mod ppo;
mod pqn;
mod renorm;
mod replay;
mod sweeping;
mod table;
mod traces;
