//! The dashboard of `--tui`: progress, curves and the newest metrics, live on the terminal's alternate
//! screen.

mod curve;

use crate::output;
use crate::signals::Signals;
use crossterm::style::{Attribute, Print, SetAttribute, SetForegroundColor};
use crossterm::{cursor, execute, queue, terminal};
use curve::Curve;
use potstill::config::ConfigError;
use potstill::metrics::Record;
use potstill::metrics::catalogue::{Metric, by_chart, key_metrics};
use potstill::run::{Observer, RunSource};
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::{Alignment, Rect};
use ratatui_core::style::{Color, Modifier};
use ratatui_core::widgets::Widget;
use ratatui_widgets::chart::{Axis, Chart};
use ratatui_widgets::gauge::LineGauge;
use std::io::{IsTerminal, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const FRAME: Duration = Duration::from_millis(100);
/// Time constant of the measured pace, in seconds.
const MEMORY_SECONDS: f64 = 10.0;
const CHART_ROWS: u16 = 6;

/// True while the alternate screen is shown. Global, as the terminal is: the panic hook must find it.
static OPEN: AtomicBool = AtomicBool::new(false);

/// A dashboard of a run, with the keys that stop it.
pub(crate) struct Dashboard {
    view: Arc<Mutex<View>>,
    signals: Signals,
    /// Messages that came while the alternate screen was shown, which forgets them.
    kept: Mutex<Vec<String>>,
}

impl Dashboard {
    /// Tells on stderr, at the end if the alternate screen is shown.
    fn tell(&self, message: String) {
        match OPEN.load(Ordering::SeqCst) {
            true => self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(message),
            false => output::tell(&message),
        }
    }

    /// Restores the terminal, and tells what came meanwhile.
    fn close(&self) {
        close();
        let kept = std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        kept.iter().for_each(|message| output::tell(message));
    }

    /// Opens a dashboard; needs a terminal to draw on and to read keys from.
    pub(crate) fn new(signals: Signals) -> Result<Self, ConfigError> {
        if !std::io::stderr().is_terminal() || !std::io::stdin().is_terminal() {
            let words = "--tui needs a terminal: it draws on stderr and reads keys from stdin";
            return Err(ConfigError::Usage(words.to_owned()));
        }
        let inform = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            close();
            inform(panic);
        }));
        signals.at_end(close);
        let dashboard = Self { view: Arc::default(), signals, kept: Mutex::default() };
        // Separate threads: during an evaluation the run may report no progress for seconds.
        let (view, signals) = (dashboard.view.clone(), dashboard.signals.clone());
        std::thread::spawn(move || keep_drawing(&view, &signals));
        let signals = dashboard.signals.clone();
        std::thread::spawn(move || watch_keys(&signals));
        Ok(dashboard)
    }
}

impl Observer for Dashboard {
    fn remark(&self, about: &str) {
        self.tell(format!("  {about}"));
    }

    fn warn(&self, warning: &str) {
        self.tell(format!("warning: {warning}"));
    }

    fn begin(&self, what: &str, total: u64) {
        *lock(&self.view) = View { title: what.to_owned(), total, ..View::default() };
        open();
    }

    fn advance(&self, done: u64, note: &str) {
        lock(&self.view).advance(done, note, Instant::now());
    }

    fn record(&self, record: &Record) {
        lock(&self.view).record(RunSource::default(), record);
    }

    fn record_of(&self, source: RunSource, record: &Record) {
        lock(&self.view).record(source, record);
    }

    fn wants_history(&self) -> bool {
        true
    }

    fn end(&self) {
        self.close();
    }

    fn stop_requested(&self) -> bool {
        self.signals.came()
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        self.close();
    }
}

/// Locks the view; another thread's panic leaves it usable.
fn lock(view: &Mutex<View>) -> MutexGuard<'_, View> {
    view.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads keys: in raw mode the terminal sends no SIGINT, and Ctrl-C is a key like others.
fn watch_keys(signals: &Signals) {
    const CTRL_C: u8 = 3;
    let mut bytes = [0; 64];
    while let Ok(n @ 1..) = std::io::stdin().read(&mut bytes) {
        let interrupt = bytes[..n].contains(&CTRL_C);
        if !OPEN.load(Ordering::SeqCst) || !(interrupt || bytes[..n].contains(&b'q')) {
            continue;
        }
        // A further Ctrl-C is a further SIGINT; `q` is one stop request, however often it is pressed.
        if interrupt || !signals.came() {
            signals.interrupt();
        }
    }
}

fn keep_drawing(view: &Mutex<View>, signals: &Signals) {
    let mut screen = Buffer::default();
    loop {
        std::thread::sleep(FRAME);
        let Some((width, height)) = terminal::size().ok().filter(|_| OPEN.load(Ordering::SeqCst)) else {
            continue;
        };
        let mut next = Buffer::empty(Rect::new(0, 0, width, height));
        lock(view).render(signals.came(), next.area, &mut next);
        let mut frame = Vec::new();
        // Writing to a vector cannot fail.
        let _ = changes(&screen, &next, &mut frame);
        screen = next;
        let mut terminal = std::io::stderr().lock();
        if OPEN.load(Ordering::SeqCst) {
            let _ = terminal.write_all(&frame);
        }
    }
}

fn open() {
    let mut terminal = std::io::stderr().lock();
    // If the terminal refuses, nothing is shown; the run continues.
    if terminal::enable_raw_mode().is_ok() {
        OPEN.store(true, Ordering::SeqCst);
        let _ = execute!(terminal, terminal::EnterAlternateScreen, cursor::Hide);
    }
}

/// Restores the terminal. The lock on stderr prevents another thread from drawing a frame afterwards.
fn close() {
    let mut terminal = std::io::stderr().lock();
    if OPEN.swap(false, Ordering::SeqCst) {
        let _ =
            execute!(terminal, SetAttribute(Attribute::Reset), terminal::LeaveAlternateScreen, cursor::Show);
        let _ = terminal::disable_raw_mode();
    }
}

/// The escape sequences that turn one displayed buffer into the next.
fn changes(before: &Buffer, next: &Buffer, to: &mut Vec<u8>) -> std::io::Result<()> {
    let (mut shown, mut style) = (Buffer::empty(next.area), None);
    if before.area == next.area {
        shown.clone_from(before);
    } else {
        queue!(to, SetAttribute(Attribute::Reset), terminal::Clear(terminal::ClearType::All))?;
    }
    for (x, y, cell) in shown.diff(next) {
        if style.replace((cell.fg, cell.modifier)) != Some((cell.fg, cell.modifier)) {
            let colour = match cell.fg {
                Color::Cyan => crossterm::style::Color::DarkCyan,
                Color::Yellow => crossterm::style::Color::DarkYellow,
                _ => crossterm::style::Color::Reset,
            };
            let bold = cell.modifier.contains(Modifier::BOLD);
            let weight = if bold { Attribute::Bold } else { Attribute::NormalIntensity };
            queue!(to, SetAttribute(weight), SetForegroundColor(colour))?;
        }
        queue!(to, cursor::MoveTo(x, y), Print(cell.symbol()))?;
    }
    Ok(())
}

/// The contents of the dashboard, independent of a terminal.
#[derive(Default)]
struct View {
    title: String,
    done: u64,
    total: u64,
    note: String,
    /// The pace is work over time, both with exponential decay.
    work: f64,
    seconds: f64,
    updated: Option<Instant>,
    /// The step of the newest record.
    step: u64,
    curves: Vec<Curve>,
}

impl View {
    fn advance(&mut self, done: u64, note: &str, now: Instant) {
        if let Some(then) = self.updated {
            let seconds = (now - then).as_secs_f64();
            let keep = MEMORY_SECONDS / (MEMORY_SECONDS + seconds);
            self.work = self.work * keep + done.saturating_sub(self.done) as f64;
            self.seconds = self.seconds * keep + seconds;
        }
        (self.done, self.updated) = (done, Some(now));
        note.clone_into(&mut self.note);
    }

    fn record(&mut self, source: RunSource, record: &Record) {
        self.step = self.step.max(record.step);
        for &(name, value) in &record.values {
            let is_known = |curve: &Curve| curve.name == name && curve.source == source;
            let known = self.curves.iter().position(is_known).unwrap_or_else(|| {
                self.curves.push(Curve::of(name, source));
                self.curves.len() - 1
            });
            self.curves[known].push(record.step as f64, value);
        }
    }

    /// Every recorded name once, with the mean of the newest values of all runs.
    fn newest(&self) -> Vec<(&'static str, f64)> {
        let mut sums: Vec<(&'static str, f64, usize)> = Vec::new();
        for curve in &self.curves {
            match sums.iter_mut().find(|(name, ..)| *name == curve.name) {
                Some((_, sum, count)) => {
                    *sum += curve.newest;
                    *count += 1;
                }
                None => sums.push((curve.name, curve.newest, 1)),
            }
        }
        sums.into_iter().map(|(name, sum, count)| (name, sum / count as f64)).collect()
    }

    fn render(&self, stopping: bool, area: Rect, buffer: &mut Buffer) {
        let (title, rest) = split(area, 1);
        let (gauge, rest) = split(rest, 1);
        let (words, body) = split(rest, 1);
        let hint = if stopping { "stopping; Ctrl-C: at once" } else { "q: stop" };
        ends(buffer, title, &self.title, hint, Modifier::BOLD);
        let ratio = (self.done as f64 / self.total.max(1) as f64).min(1.0);
        LineGauge::default()
            .ratio(ratio)
            .label(format!("{:3.0} %", (100.0 * ratio).floor()))
            .filled_symbol("█")
            .unfilled_symbol("░")
            .filled_style(Color::Cyan)
            .render(gauge, buffer);
        let mut parts = vec![format!("{}/{}", self.done, self.total)];
        if self.work > 0.0 && self.seconds > 0.0 {
            let rate = self.work / self.seconds;
            let left = self.total.saturating_sub(self.done) as f64 / rate;
            parts.extend([format!("{rate:.*}/s", usize::from(rate < 10.0)), format!("{} left", clock(left))]);
        }
        parts.push(self.note.clone());
        put(buffer, words, &parts.join("  "), Modifier::empty());

        // A blank line if there is room; then charts beside the table, or above it, or no charts.
        let (_, body) = split(body, u16::from(body.height > CHART_ROWS));
        let widest = self.curves.iter().map(|curve| curve.name.len()).max().unwrap_or(0) as u16;
        let (charts, table) = if area.width >= 80 {
            let width = area.width.saturating_sub(widest + 12);
            (Rect { width, ..body }, Rect { x: width + 2, width: area.width - width - 2, ..body })
        } else {
            let spare = body.height.saturating_sub(1 + self.newest().len() as u16);
            let least = if body.height >= 2 * CHART_ROWS { CHART_ROWS + 1 } else { 0 };
            split(body, spare.max(least))
        };
        self.charts(charts, buffer);
        self.table(table, buffer);
    }

    fn charts(&self, area: Rect, buffer: &mut Buffer) {
        let lines = |metrics: Vec<&Metric>| -> Vec<&Curve> {
            let has = |line: &&Curve| metrics.iter().any(|metric| metric.name == line.name);
            self.curves.iter().filter(has).filter(|line| !line.points.is_empty()).collect()
        };
        let charts = by_chart(key_metrics()).into_iter().map(|(_, metrics)| lines(metrics));
        let mut charts: Vec<_> = charts.filter(|lines| !lines.is_empty()).collect();
        charts.truncate(usize::from(area.height / CHART_ROWS).min(3));
        let steps = span(charts.iter().flatten().flat_map(|line| &line.points).map(|p| p.0));
        let mut rest = area;
        for (i, lines) in charts.iter().enumerate() {
            let (chart, below) = split(rest, rest.height / (charts.len() - i) as u16);
            rest = below;
            let (head, chart) = split(chart, 1);
            let mut names: Vec<_> =
                lines.iter().map(|line| format!("{} {}", line.sign(), line.name)).collect();
            names.dedup();
            put(buffer, head, &names.join("   "), Modifier::empty());
            let values = span(lines.iter().flat_map(|line| &line.points).map(|p| p.1));
            let axis = |bounds: [f64; 2], width: usize| {
                let labels = bounds.map(|bound| format!("{:>width$}", number(bound)));
                Axis::default().bounds(bounds).labels(labels).labels_alignment(Alignment::Right)
            };
            Chart::new(lines.iter().map(|line| line.dataset()).collect())
                .legend_position(None)
                .x_axis(axis(steps, 0))
                .y_axis(axis(values, 8))
                .render(chart, buffer);
        }
    }

    /// The table of metrics, those of the charts first, in case there is not room for all.
    fn table(&self, area: Rect, buffer: &mut Buffer) {
        let rank = |name: &str| key_metrics().position(|known| known.name == name).unwrap_or(usize::MAX);
        let mut rows: Vec<_> = self.newest().into_iter().map(|(name, value)| (name, number(value))).collect();
        if !rows.is_empty() {
            rows.sort_by_key(|(name, _)| rank(name));
            rows.insert(0, ("step", self.step.to_string()));
        }
        let height = usize::from(area.height);
        if rows.len() > height {
            let hidden = rows.len() + 1 - height.max(1);
            rows.truncate(height.saturating_sub(1));
            rows.push(("...", format!("{hidden} more")));
        }
        for ((name, value), row) in rows.iter().zip(area.rows()) {
            ends(buffer, row, name, value, Modifier::empty());
        }
    }
}

/// Splits an area after a number of rows.
fn split(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    (Rect { height: rows, ..area }, Rect { y: area.y + rows, height: area.height - rows, ..area })
}

/// Writes one line into an area, truncated at its end.
fn put(buffer: &mut Buffer, area: Rect, text: &str, how: Modifier) {
    if !area.is_empty() {
        buffer.set_stringn(area.x, area.y, text, area.width.into(), how);
    }
}

/// Writes to both ends of a line; if it is too short for both, the left one is truncated.
fn ends(buffer: &mut Buffer, area: Rect, left: &str, right: &str, how: Modifier) {
    let start = area.width.saturating_sub(right.len() as u16);
    put(buffer, Rect { width: start.saturating_sub(1), ..area }, left, how);
    put(buffer, Rect { x: area.x + start, width: area.width - start, ..area }, right, Modifier::empty());
}

/// Smallest and largest value, moved apart if they are equal.
fn span(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let [low, high] =
        values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| [low.min(v), high.max(v)]);
    if low < high { [low, high] } else { [low - 0.5, high + 0.5] }
}

/// Four significant digits, or a count in full.
fn number(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        _ if value.fract() == 0.0 && size < 1e8 => 0,
        100.0..1e5 => 1,
        1.0..100.0 => 3,
        1e-3..1.0 => 4,
        _ => return format!("{value:.2e}"),
    };
    // Zero has no sign.
    format!("{:.decimals$}", value + 0.0)
}

fn clock(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui_core::backend::TestBackend;
    use ratatui_core::buffer::Cell;
    use ratatui_core::terminal::Terminal;

    fn lines(view: &View, width: u16, height: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| view.render(false, frame.area(), frame.buffer_mut())).unwrap();
        let cells: Vec<_> = terminal.backend().buffer().content.iter().map(Cell::symbol).collect();
        cells.chunks(width.into()).map(|row| row.concat().trim_end().to_owned()).collect()
    }

    /// A run of 2000 steps after 500 of them, in ten seconds.
    fn view() -> View {
        let mut view =
            View { title: "dqn on CartPole-v1, seed 1".to_owned(), total: 2000, ..View::default() };
        let start = Instant::now();
        for i in 0..=10_u64 {
            view.advance(50 * i, "return 9.5", start + Duration::from_secs(i));
            let values = vec![
                ("time/episodes", i as f64),
                ("train/loss", 1e-4 * i as f64),
                ("rollout/ep_rew_mean", if i == 3 { f64::NAN } else { 10.25 + i as f64 }),
            ];
            view.record(RunSource::default(), &Record { step: 50 * i, values });
        }
        view.record(RunSource::default(), &Record { step: 500, values: vec![("eval/mean_reward", -20.0)] });
        view
    }

    #[test]
    fn a_frame_shows_progress_curves_and_measurements() {
        let frame = lines(&view(), 80, 18);
        let bar = format!(" 25 % {}{}", "█".repeat(18), "░".repeat(56));
        for (row, expected) in [
            (0, "dqn on CartPole-v1, seed 1                                               q: stop"),
            (1, &*bar),
            (2, "500/2000  50/s  0:00:30 left  return 9.5"),
            (4, "⠒⠒ rollout/ep_rew_mean   • eval/mean_reward        step                      500"),
            (5, "  20.250│  ⢀⣀⣀⣀⣀⣀⣀⣀⣀⣀⡠⠤⠤⠤⠤⠤⠤⠤⠤⠤⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠉⠉⠉⠉⠉⠉  rollout/ep_rew_mean    20.250"),
            (8, "     -20│                                       •  time/episodes              10"),
            (10, "        0                                     500"),
            (11, "⠒⠒ train/loss"),
        ] {
            assert_eq!(frame[row], expected, "{}", frame.join("\n"));
        }
        let small = lines(&view(), 30, 6);
        assert_eq!(
            small[3..],
            [
                "step                       500",
                "rollout/ep_rew_mean     20.250",
                "...                     3 more"
            ]
        );
    }

    #[test]
    fn several_runs_are_drawn_together() {
        let mut view = View { title: "sarsa, seeds 0 to 1".to_owned(), total: 200, ..View::default() };
        for (seed, value) in [(0, 1.0), (1, 3.0)] {
            for step in [10, 20] {
                let source = RunSource { seed: Some(seed), part: None };
                view.record(source, &Record { step, values: vec![("rollout/ep_rew_mean", value)] });
            }
        }
        assert_eq!(view.newest(), [("rollout/ep_rew_mean", 2.0)]);
        assert_eq!(view.curves.len(), 2);
        let frame = lines(&view, 80, 18).join("\n");
        assert_eq!(frame.matches("rollout/ep_rew_mean").count(), 2, "{frame}");
    }

    #[test]
    fn every_size_of_terminal_and_every_number_will_do() {
        let mut wild = view();
        for (i, value) in
            [f64::MAX, f64::MIN, f64::INFINITY, f64::NAN, f64::MIN_POSITIVE].into_iter().enumerate()
        {
            let record = Record { step: 1000 * i as u64, values: vec![("train/loss", value)] };
            wild.record(RunSource { seed: Some(i as u64 % 2), part: None }, &record);
        }
        wild.record(
            RunSource { seed: Some(7), part: None },
            &Record { step: u64::MAX, values: vec![("teacher/distance", 1e300)] },
        );
        for (width, height) in (0..100).flat_map(|width| (0..30).map(move |height| (width, height))) {
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
            wild.render(true, buffer.area, &mut buffer);
            View::default().render(false, buffer.area, &mut buffer);
        }
    }
}
