//! SIGINT and SIGTERM: at the first a run saves a checkpoint and stops, the second ends the process at once.

use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The signals so far.
#[derive(Clone, Default)]
pub(crate) struct Signals {
    came: Arc<AtomicUsize>,
}

impl Signals {
    /// Installs handlers. If the system refuses, signals end the process as usual.
    pub(crate) fn watch() -> Self {
        let signals = Self::default();
        let again = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: at the first signal the flag is not set yet.
            let _ = signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, again.clone());
            let _ = signal_hook::flag::register(signal, again.clone());
            let _ = signal_hook::flag::register_usize(signal, signals.came.clone(), signal as usize);
        }
        // With a handler, the system reports an error for a file that is too large, instead of ending the
        // process.
        #[cfg(unix)]
        let _ = signal_hook::flag::register(signal_hook::consts::signal::SIGXFSZ, Arc::default());
        signals
    }

    /// Returns true after a signal.
    pub(crate) fn came(&self) -> bool {
        self.came.load(Ordering::Relaxed) != 0
    }

    /// Acts as if SIGINT had come: for a terminal in raw mode, which sends none.
    pub(crate) fn interrupt(&self) {
        self.came.store(SIGINT as usize, Ordering::Relaxed);
    }

    /// 130 after SIGINT, 143 after SIGTERM.
    pub(crate) fn exit_code(&self) -> u8 {
        (128 + self.came.load(Ordering::Relaxed)) as u8
    }
}
