//! A progress bar on stderr, hidden if stderr is not a terminal.

use crate::output;
use crate::signals::Signals;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use potstill::metrics::Record;
use potstill::run::Observer;
use std::io::IsTerminal;
use std::sync::Mutex;

/// The progress bar.
pub(crate) struct Bar {
    bar: Mutex<Option<ProgressBar>>,
    signals: Signals,
}

impl Bar {
    /// A bar that forwards the stop signal.
    pub(crate) fn new(signals: Signals) -> Self {
        Self { bar: Mutex::default(), signals }
    }

    fn with(&self, change: impl FnOnce(&mut Option<ProgressBar>)) {
        // Another thread's panic while drawing leaves the bar usable.
        change(&mut self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

impl Observer for Bar {
    fn remark(&self, about: &str) {
        if std::io::stderr().is_terminal() {
            output::tell(&format!("  {about}"));
        }
    }

    fn warn(&self, what: &str) {
        output::tell(&format!("warning: {what}"));
    }

    fn record(&self, _: &Record) {}

    fn begin(&self, what: &str, total: u64) {
        self.with(|slot| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("  {prefix}  {bar:30}  {pos}/{len}  {eta} left  {msg}");
            bar.set_style(style.expect("a constant template that parses").progress_chars("=> "));
            bar.set_prefix(what.to_owned());
            *slot = Some(bar);
        });
    }

    fn advance(&self, done: u64, note: &str) {
        self.with(|slot| {
            if let Some(bar) = slot {
                bar.set_position(done);
                bar.set_message(note.to_owned());
            }
        });
    }

    fn end(&self) {
        self.with(|slot| {
            if let Some(bar) = slot.take() {
                bar.finish_and_clear();
            }
        });
    }

    fn stop_requested(&self) -> bool {
        self.signals.came()
    }
}
