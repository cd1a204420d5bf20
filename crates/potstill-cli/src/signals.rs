//! SIGINT, SIGTERM and SIGHUP: at the first a run saves a checkpoint and stops. Others that come shortly after it are the
//! same stop request: `timeout` signals its child and then its group. One that comes later ends the process unsaved.

use crate::output;
use potstill::Error;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time after the first signal in which others are the same stop request.
const SAME_REQUEST: Duration = Duration::from_millis(1500);
/// Time between looks for further signals.
const LOOK: Duration = Duration::from_millis(20);

/// Work before the process ends at once.
type AtEnd = fn();

/// The signals so far.
#[derive(Clone, Default)]
pub(crate) struct Signals {
    came: Arc<AtomicUsize>,
    first: Arc<Mutex<Option<Instant>>>,
    /// Work before the process ends at once.
    at_end: Arc<Mutex<Option<AtEnd>>>,
}

impl Signals {
    /// Installs handlers. If the system refuses, signals end the process as usual.
    pub(crate) fn watch() -> Self {
        let signals = Self::default();
        let again = Arc::new(AtomicBool::new(false));
        for signal in watched() {
            let _ = signal_hook::flag::register_usize(signal, signals.came.clone(), signal as usize);
            let _ = signal_hook::flag::register(signal, again.clone());
        }
        // With a handler, the system reports an error for a file that is too large, instead of ending the
        // process.
        #[cfg(unix)]
        let _ = signal_hook::flag::register(signal_hook::consts::signal::SIGXFSZ, Arc::default());
        let watching = signals.clone();
        // Without a thread a signal still saves; only another one is not heard.
        let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            loop {
                std::thread::sleep(LOOK);
                if again.swap(false, Ordering::Relaxed) {
                    watching.count();
                }
            }
        });
        signals
    }

    /// Returns true after a signal.
    pub(crate) fn came(&self) -> bool {
        self.came.load(Ordering::Relaxed) != 0
    }

    /// Acts as if SIGINT had come: for a terminal in raw mode, which sends none.
    pub(crate) fn interrupt(&self) {
        self.came.store(SIGINT as usize, Ordering::Relaxed);
        self.count();
    }

    /// Sets what is to be done before the process ends at once.
    pub(crate) fn at_end(&self, work: fn()) {
        *self.at_end.lock().unwrap_or_else(PoisonError::into_inner) = Some(work);
    }

    /// 129 after SIGHUP, 130 after SIGINT, 143 after SIGTERM.
    pub(crate) fn exit_code(&self) -> u8 {
        (128 + self.came.load(Ordering::Relaxed)) as u8
    }

    /// Counts a signal: the first, one of the same stop request, or the end.
    fn count(&self) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        if first.get_or_insert_with(Instant::now).elapsed() < SAME_REQUEST {
            return;
        }
        if let Some(work) = *self.at_end.lock().unwrap_or_else(PoisonError::into_inner) {
            work();
        }
        // In a thread of its own: the end must not wait for a stderr that takes nothing.
        let (said, heard) = channel();
        std::thread::spawn(move || {
            output::tell("ended at once by a further signal; what was not saved is lost");
            let _ = said.send(());
        });
        let _ = heard.recv_timeout(10 * LOOK);
        std::process::exit(Error::UNSAVED.into());
    }
}

/// The signals that save a run.
fn watched() -> Vec<i32> {
    let mut signals = vec![SIGINT, SIGTERM];
    #[cfg(unix)]
    if !is_hangup_ignored() {
        signals.push(signal_hook::consts::SIGHUP);
    }
    signals
}

/// Returns true if the process was started to outlive its terminal, as by `nohup`, or if that cannot be known.
#[cfg(unix)]
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask & (1 << (signal_hook::consts::SIGHUP - 1)) != 0)
}
