//! SIGINT and SIGTERM: the first asks a run to save itself and stop, the second ends the process at once.

use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Whether a signal has come, and which.
#[derive(Clone, Default)]
pub(crate) struct Signals {
    came: Arc<AtomicUsize>,
}

impl Signals {
    /// Begins to watch. If the system refuses, signals end the process as they always do.
    pub(crate) fn watch() -> Self {
        let signals = Self::default();
        let again = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: at the first signal the flag is not set yet.
            let _ = signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, again.clone());
            let _ = signal_hook::flag::register(signal, again.clone());
            let _ = signal_hook::flag::register_usize(signal, signals.came.clone(), signal as usize);
        }
        // Somebody listens, so the system gives an error where a file becomes too big, and does not end the process.
        #[cfg(unix)]
        let _ = signal_hook::flag::register(signal_hook::consts::signal::SIGXFSZ, Arc::default());
        signals
    }

    /// Whether one has come.
    pub(crate) fn came(&self) -> bool {
        self.came.load(Ordering::Relaxed) != 0
    }

    /// As if SIGINT had come: for a terminal in raw mode, which sends none.
    pub(crate) fn interrupt(&self) {
        self.came.store(SIGINT as usize, Ordering::Relaxed);
    }

    /// 130 after SIGINT, 143 after SIGTERM.
    pub(crate) fn exit_code(&self) -> u8 {
        (128 + self.came.load(Ordering::Relaxed)) as u8
    }
}
