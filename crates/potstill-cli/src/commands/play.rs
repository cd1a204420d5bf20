//! `potstill play`: shows episodes in the terminal, at an adjustable speed.

use super::common::{Command, Output, count, number};
use crate::canvas::{Canvas, has_colours};
use crate::game_keys::{self, Key, Press};
use crate::output;
use clap::{ArgGroup, Args};
use crossterm::{cursor, execute, terminal};
use potstill::Error;
use potstill::commands::{Play as Game, check_recording, play_at_random, play_run, write_recording};
use potstill::config::ConfigError;
use potstill::report::{FRAMES_MAX, Film, scene_svg};
use potstill::run::{Observer, find_environment};
use potstill::store;
use serde_json::json;
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Watch an environment, or the policy of a run in its own, in the terminal
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("game").required(true).args(["run", "env"])))]
#[command(after_help = "\
Examples:
  potstill play runs/walk                         watch what a run has learned
  potstill play --env Seaquest --keys             play it
  potstill play runs/walk --gif walk.gif --fps 5 --json
  potstill play --env CliffWalking-v1 --episodes 300 --record walks.jsonl
  potstill play --env CartPole-v1 --episodes 900 --record minari:pole/random-v0
  potstill play runs/pole --epsilon 0.3 --record minari:pole/medium-v0")]
pub(crate) struct Play {
    /// The run directory; its greedy policy plays
    #[arg(value_name = "RUN")]
    run: Option<PathBuf>,
    /// The environment, with random actions or --keys
    #[arg(long, value_name = "ID", conflicts_with = "run")]
    env: Option<String>,
    /// An option of the environment; may be repeated
    #[arg(long, value_name = "KEY=VALUE", requires = "env")]
    set: Vec<String>,
    /// Episodes to play
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count(1, 1_000_000))]
    episodes: u64,
    /// Seed of the first episode; the next have the seeds after it
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = count(0, u64::MAX))]
    seed: u64,
    /// Steps per second in a terminal
    #[arg(long, value_name = "F", default_value_t = 10.0, value_parser = number)]
    fps: f64,
    /// Play yourself: choices by arrows, space, digits or first letters; one number by left and right, two by down and
    /// up (the first) and left and right, up to six by s and w, d and e, f and r, g and t, h and y, j and u (the lowest
    /// and the highest value). The keys that act are shown below the picture and by `potstill env show`; q ends
    #[arg(long, conflicts_with = "json")]
    keys: bool,
    /// Probability of a random action instead of the run's
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = number, conflicts_with = "env")]
    epsilon: f64,
    /// Play the policy that the run had at the checkpoint of this step
    #[arg(long, value_name = "STEP", conflicts_with = "env", value_parser = count(0, u64::MAX))]
    checkpoint: Option<u64>,
    /// Record the episodes for offline learning (`potstill train q-learning --data PLACE`): to a file of JSON lines, to
    /// a .npz file with d3rlpy's arrays, or to a data set of Minari, minari:NAMESPACE/name-v0; prints only the result
    #[arg(long, value_name = "PLACE", conflicts_with = "keys")]
    record: Option<String>,
    /// Write the episodes to this .gif file, a frame for each step
    #[arg(long, value_name = "FILE")]
    gif: Option<PathBuf>,
    /// Write the last rendering to this .svg file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

impl Command for Play {
    fn reads(&self) -> Vec<&Path> {
        self.run.as_deref().into_iter().collect()
    }

    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        let game = match &self.run {
            Some(run) => play_run(run, self.checkpoint, self.epsilon)?,
            None => play_at_random(&find_environment(self.env.as_deref().unwrap_or_default(), &self.set)?),
        };
        play(game, &self)?;
        Ok(true)
    }
}

/// Columns and rows of a rendering that is written to a file or a pipe.
const PAPER: (usize, usize) = (80, 24);

/// An episode on display.
#[derive(Default)]
struct Watched {
    episode: u64,
    steps: u64,
    sum: f64,
    last: String,
}

impl Watched {
    fn words(&self) -> String {
        let Watched { episode, steps, sum, last } = self;
        let last = if last.is_empty() { String::new() } else { format!("  {last}") };
        format!("episode {}  step {steps}  return {:.6}{last}", episode + 1, sum).replace(".000000", "")
    }
}

fn play(mut game: Box<dyn Game>, options: &Play) -> Result<(), Error> {
    let usage = |words: &str| Error::from(ConfigError::Usage(words.to_owned()));
    if !(0.1..=1000.0).contains(&options.fps) {
        return Err(usage(&format!("--fps {}: write a number from 0.1 to 1000", options.fps)));
    }
    if let Some(path) = options.svg.as_ref().filter(|path| path.extension().is_none_or(|end| end != "svg")) {
        return Err(usage(&format!("--svg {}: the file's name ends in .svg", path.display())));
    }
    if let Some(path) = options.gif.as_ref().filter(|path| path.extension().is_none_or(|end| end != "gif")) {
        return Err(usage(&format!("--gif {}: the file's name ends in .gif", path.display())));
    }
    if let Some(place) = &options.record {
        check_recording(place)?;
        game.record();
    }
    for (flag, path) in [("--svg", &options.svg), ("--gif", &options.gif)] {
        if let Some(path) = path {
            // Not after an hour of play.
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir());
            if let Some(folder) = folder {
                return Err(usage(&format!(
                    "{flag} {}: there is no folder {}",
                    path.display(),
                    folder.display()
                )));
            }
            game.reset(options.seed);
            if game.scene().is_none() {
                let (path, id) = (path.display(), &game.spec().id);
                return Err(usage(&format!("{flag} {path}: {id} draws no pictures")));
            }
        }
    }
    let mut film = options.gif.as_ref().map(|_| Film::new(options.fps));
    let mut shoot = |game: &dyn Game| {
        if let (Some(film), Some(scene)) = (&mut film, game.scene()) {
            film.add(&scene);
        }
    };
    let is_quiet = options.output.json || options.record.is_some();
    let on_terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal() && !is_quiet;
    if options.keys && !game_keys::are_there(game.spec()) {
        let (id, space) = (&game.spec().id, game.spec().action_space());
        return Err(usage(&format!(
            "--keys: there are keys for up to 6 numbers, and {id} has actions in {space}"
        )));
    }
    let keyboard = match (options.keys, on_terminal) {
        (true, false) => {
            return Err(usage("--keys needs a terminal: it draws on stdout and reads keys from stdin"));
        }
        (_, true) => Some(Keyboard::open()),
        (false, false) => None,
    };
    let mut played = Vec::new();
    let hint = if on_terminal { keys_in_words(&*game, options.keys) } else { String::new() };
    'playing: for episode in 0..options.episodes {
        game.reset(options.seed.wrapping_add(episode));
        let mut watched = Watched { episode, ..Watched::default() };
        show(&*game, &watched, on_terminal, is_quiet, &hint);
        shoot(&*game);
        loop {
            let chosen = match &keyboard {
                None => None,
                Some(keyboard) => match keyboard.next(&*game, options) {
                    Pressed::Quit => {
                        watched.last.clear();
                        played.push((watched, "stopped by you"));
                        break 'playing;
                    }
                    Pressed::Nothing => None,
                    Pressed::Action(action) => Some(action),
                },
            };
            let step = game.step(chosen.as_deref())?;
            watched.steps += 1;
            watched.sum += step.raw_reward;
            watched.last = match (game.spec().actions, &step.action[..]) {
                (words, [index]) if !words.is_empty() => words[*index as usize].to_owned(),
                (_, numbers) => numbers.iter().map(|x| format!("{x:.3}")).collect::<Vec<_>>().join(" "),
            };
            show(&*game, &watched, on_terminal, is_quiet, &hint);
            shoot(&*game);
            if step.outcome.done() {
                let ending = if step.outcome.terminated { "terminated" } else { "truncated" };
                watched.last.clear();
                played.push((watched, ending));
                break;
            }
        }
    }
    if keyboard.is_some() {
        drop(keyboard);
        // On the terminal's own screen, where it stays.
        picture(&*game).iter().for_each(|line| output::print_raw(line));
    }
    if let (Some(path), Some(film)) = (&options.gif, &film) {
        store::write_file(path, &film.bytes())?;
        if film.frames() == FRAMES_MAX {
            let warning = format!("warning: {} has the first {FRAMES_MAX} frames", path.display());
            // If stderr is closed, nothing can be reported.
            let _ = output::line(&mut std::io::stderr(), &warning);
        }
    }
    if let (Some(path), Some(scene)) = (&options.svg, game.scene()) {
        store::write_file(path, scene_svg(&game.spec().id, &scene).as_bytes())?;
    }
    if let (Some(place), Some(data)) = (&options.record, game.recording()) {
        write_recording(place, data)?;
        finish_recording(place, &*game, options, &played);
        return Ok(());
    }
    finish(&*game, options, &played);
    Ok(())
}

/// Reports the size of a recording.
fn finish_recording(place: &str, game: &dyn Game, options: &Play, played: &[(Watched, &str)]) {
    let (episodes, steps) = (played.len(), played.iter().map(|(watched, _)| watched.steps).sum::<u64>());
    let mean = played.iter().map(|(watched, _)| watched.sum).sum::<f64>() / episodes.max(1) as f64;
    let mut result = json!({
        "command": "play",
        "env": game.spec().id,
        "seed": options.seed,
        "episodes": episodes,
        "steps": steps,
        "mean_return": mean,
        "record": place,
    });
    for (key, path) in pictures(options) {
        result[key] = path.into();
    }
    if options.output.json {
        output::print(&result.to_string());
    } else {
        output::summary(&result);
    }
}

/// Reports the results.
fn finish(game: &dyn Game, options: &Play, played: &[(Watched, &str)]) {
    if options.output.json {
        let episodes: Vec<_> = played
            .iter()
            .map(|(watched, ending)| json!({ "return": watched.sum, "steps": watched.steps, "ending": ending }))
            .collect();
        let mut played =
            json!({ "command": "play", "env": game.spec().id, "seed": options.seed, "episodes": episodes });
        for (key, path) in pictures(options) {
            played[key] = path.into();
        }
        output::print(&played.to_string());
    } else {
        for (watched, ending) in played {
            output::print(&format!("{}  {ending}", watched.words()));
        }
        pictures(options).for_each(|(_, path)| output::print(&path));
    }
}

/// The files of pictures that were written, by the flags that ask for them.
fn pictures(options: &Play) -> impl Iterator<Item = (&'static str, String)> {
    let files = [("gif", &options.gif), ("svg", &options.svg)];
    files.into_iter().filter_map(|(flag, path)| Some((flag, path.as_ref()?.display().to_string())))
}

/// Draws the state and the episode so far.
fn show(game: &dyn Game, watched: &Watched, on_terminal: bool, is_quiet: bool, hint: &str) {
    if is_quiet {
        return;
    }
    let (columns, rows) = match on_terminal {
        true => terminal::size().map_or(PAPER, |(columns, rows)| (columns.into(), rows.into())),
        false => PAPER,
    };
    let in_colour = has_colours(on_terminal);
    let mut lines = match game.scene() {
        Some(scene) => Canvas::draw(&scene, columns, rows.saturating_sub(3).max(1), in_colour).lines(),
        None => Vec::new(),
    };
    lines.push(watched.words());
    if !hint.is_empty() {
        lines.push(hint.chars().take(columns).collect());
    }
    if !on_terminal {
        output::print_raw(&format!("{}\n", lines.join("\n")));
        return;
    }
    let mut out = std::io::stdout().lock();
    // In raw mode a line feed does not return the cursor; lines are cleared one by one, which avoids flicker.
    let frame: String = lines.iter().map(|line| format!("{line}\u{1b}[K\r\n")).collect();
    let _ = execute!(out, cursor::MoveTo(0, 0));
    let _ = write!(out, "{frame}\u{1b}[J");
    let _ = out.flush();
}

/// The last picture, for a terminal.
fn picture(game: &dyn Game) -> Vec<String> {
    let (columns, rows) = terminal::size().map_or(PAPER, |(columns, rows)| (columns.into(), rows.into()));
    let in_colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let scene = game.scene();
    scene.map_or(Vec::new(), |scene| {
        Canvas::draw(&scene, columns, rows.saturating_sub(3).max(1), in_colour).lines()
    })
}

/// The keys and their meaning, in a line.
fn keys_in_words(game: &dyn Game, plays: bool) -> String {
    let mut keys = if plays { game_keys::words(game.spec()) } else { Vec::new() };
    keys.push("q: leave".to_owned());
    keys.join("   ")
}

/// The key presses before the next step.
enum Pressed {
    Nothing,
    Action(Vec<f64>),
    Quit,
}

/// The terminal in raw mode, on another screen, until it is dropped.
struct Keyboard {
    keys: Receiver<u8>,
}

impl Keyboard {
    fn open() -> Self {
        let (sender, keys) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 64];
            while let Ok(n @ 1..) = std::io::stdin().read(&mut bytes) {
                if bytes[..n].iter().any(|byte| sender.send(*byte).is_err()) {
                    return;
                }
            }
        });
        let inform = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            inform(panic);
        }));
        // If the terminal refuses, episodes are shown as well as possible.
        let _ = terminal::enable_raw_mode();
        let _ = execute!(std::io::stdout(), terminal::EnterAlternateScreen, cursor::Hide);
        Self { keys }
    }

    /// Waits for the next step: for its time, or for a key if the game waits for the player.
    fn next(&self, game: &dyn Game, options: &Play) -> Pressed {
        let idle = if options.keys { game_keys::idle(game.spec()) } else { None };
        let waits = options.keys && idle.is_none();
        let time = Duration::from_secs_f64(1.0 / options.fps);
        let start = std::time::Instant::now();
        // No key: no force, or no operation.
        let mut pressed = idle.map_or(Pressed::Nothing, Pressed::Action);
        loop {
            let left = time.saturating_sub(start.elapsed());
            let byte = match waits {
                true => self.keys.recv().map_err(|_| RecvTimeoutError::Disconnected),
                false => self.keys.recv_timeout(left),
            };
            match byte {
                Err(RecvTimeoutError::Timeout) => return pressed,
                // q, Ctrl-C, or the end of input.
                Err(RecvTimeoutError::Disconnected) | Ok(b'q' | 3) => return Pressed::Quit,
                Ok(byte) if options.keys => {
                    let key = if byte == 0x1b { self.arrow() } else { Key::Byte(byte) };
                    match (game_keys::press(game.spec(), key), &mut pressed) {
                        (Some(Press::Choice(action)), _) => {
                            pressed = Pressed::Action(vec![action as f64]);
                            if waits {
                                return pressed;
                            }
                        }
                        // Several keys of one step act together.
                        (Some(Press::Number(i, value)), Pressed::Action(numbers)) => numbers[i] = value,
                        _ => {}
                    }
                }
                Ok(_) => {}
            }
        }
    }

    /// The key of an escape sequence.
    fn arrow(&self) -> Key {
        let moment = Duration::from_millis(20);
        let bytes = (self.keys.recv_timeout(moment), self.keys.recv_timeout(moment));
        match bytes {
            (Ok(b'[' | b'O'), Ok(b'A')) => Key::Arrow("up"),
            (Ok(b'[' | b'O'), Ok(b'B')) => Key::Arrow("down"),
            (Ok(b'[' | b'O'), Ok(b'C')) => Key::Arrow("right"),
            (Ok(b'[' | b'O'), Ok(b'D')) => Key::Arrow("left"),
            _ => Key::Byte(0x1b),
        }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        restore();
    }
}

fn restore() {
    let _ = execute!(std::io::stdout(), terminal::LeaveAlternateScreen, cursor::Show);
    let _ = terminal::disable_raw_mode();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_told() {
        let line = |id: &str, plays: bool| {
            keys_in_words(&*play_at_random(&find_environment(id, &[]).unwrap()), plays)
        };
        let walker = line("BipedalWalker-v3", true);
        assert_eq!(walker, "sw hip 1   de knee 1   fr hip 2   gt knee 2   q: leave");
        assert_eq!(line("Pendulum-v1", true), "\u{2190} -2   \u{2192} 2   q: leave");
        assert_eq!(line("Pendulum-v1", false), "q: leave");
    }
}
