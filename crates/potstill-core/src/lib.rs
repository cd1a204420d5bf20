//! The ground floor of potstill. Everything random, everything saved and every transcendental function goes through here.
//!
//! | module | what is there |
//! |---|---|
//! | [`seed`] | one run seed, any number of named, serialisable random streams (NumPy's `SeedSequence` and PCG64) |
//! | [`mod@snapshot`] | a tree of named values: the one language between whatever has state and whatever stores it |
//! | [`wide`] | loops compiled for wide vectors and for any processor |
//! | [`pages`] | a large piece of memory, or of a file that takes its place |
//! | [`math`] | `exp`, `ln`, `tanh`, `sin`, `cos` with the same bits on every platform |

pub mod math;
pub mod pages;
pub mod seed;
pub mod snapshot;
pub mod wide;

pub use pages::Pages;
pub use seed::{Pcg64, SeedSequence, Streams};
pub use snapshot::{Restorable, Snapshot, SnapshotError, Value};
