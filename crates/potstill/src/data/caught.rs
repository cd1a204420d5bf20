//! Panics of other crates, which assert what damaged files do not keep, as errors.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// True while a file is read.
    static IS_READING: Cell<bool> = const { Cell::new(false) };
}

/// Leaves the panics of reading without a message; all others have the one that they had.
fn silence() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_READING.get() {
                before(info);
            }
        }));
    });
}

/// Reads a file with a crate that may panic. What `read` has written to is not used after an error.
///
/// If it is refused, or the crate panics.
pub(super) fn caught<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    silence();
    IS_READING.set(true);
    let read = panic::catch_unwind(AssertUnwindSafe(read));
    IS_READING.set(false);
    read.unwrap_or_else(|_| Err("it is damaged: its parts do not fit together".to_owned()))
}
