//! Foundations of potstill: random streams, snapshots and transcendental functions.
//!
//! | module | content |
//! |---|---|
//! | [`seed`] | one run seed, any number of named, serialisable random streams (NumPy's `SeedSequence` and PCG64) |
//! | [`mod@snapshot`] | a tree of named values: the interface between objects with state and their storage |
//! | [`wide`] | loops compiled for wide vectors and for any processor |
//! | [`pages`] | a large block of memory, or of a file in its place |
//! | [`stored`] | a list of numbers in memory, or above a limit in a file in its place |
//! | [`written`] | numbers and truth values as people write them |
//! | [`math`] | `exp`, `ln`, `tanh`, `sin`, `cos` with the same bits on every platform |

pub mod math;
pub mod pages;
pub mod seed;
pub mod snapshot;
pub mod stored;
pub mod wide;
pub mod written;

pub use pages::Pages;
pub use seed::{Pcg64, SeedSequence, Streams};
pub use snapshot::{Restorable, Snapshot, SnapshotError, Value};
pub use stored::Stored;
