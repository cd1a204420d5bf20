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
            let columns = crossterm::terminal::size().map_or(80, |(columns, _)| columns.into());
            let (name, length) = layout(columns, what);
            let template =
                format!("  {{prefix}}  {{bar:{length}}}  {{pos}}/{{len}}  {{eta}} left  {{wide_msg}}");
            // The last part is cut at the end of the line.
            let style = ProgressStyle::with_template(&template);
            bar.set_style(style.expect("a template that parses").progress_chars("=> "));
            bar.set_prefix(name);
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

/// The name of the work and the length of the bar in a terminal of so many columns, so that both, the counts and the time
/// fit in a line.
fn layout(columns: usize, what: &str) -> (String, usize) {
    // Two counts of nine digits, and the time left.
    const COUNTS: usize = 38;
    const NOTE: usize = 20;
    const SHORTEST: usize = 4;
    let room = columns.saturating_sub(COUNTS + SHORTEST).max(8);
    let letters = what.chars().count();
    let name = match letters > room {
        true => what.chars().take(room - 3).chain("...".chars()).collect(),
        false => what.to_owned(),
    };
    (name, columns.saturating_sub(COUNTS + NOTE + letters).clamp(SHORTEST, 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_fits_the_terminal() {
        let check = |columns: usize, what: &str, name: &str, length: usize| {
            assert_eq!(layout(columns, what), (name.to_owned(), length), "{what} in {columns}");
        };
        check(120, "dqn on CartPole-v1, seed 0", "dqn on CartPole-v1, seed 0", 30);
        check(100, "dqn on CartPole-v1, seed 0", "dqn on CartPole-v1, seed 0", 16);
        check(80, "dqn on CartPole-v1, seed 0", "dqn on CartPole-v1, seed 0", 4);
        check(80, "pqn on MinAtar/SpaceInvaders-v1, seed 0", "pqn on MinAtar/SpaceInvaders-v1, se...", 4);
        check(20, "dqn on CartPole-v1", "dqn o...", 4);
    }
}
