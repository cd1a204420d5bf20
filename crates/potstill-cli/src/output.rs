//! Output to stdout.

use crate::sweep;
use potstill::algorithm::{ALGORITHMS, Algorithm};
use potstill::commands::{Comparison, RunEntry, search_words};
use potstill::env::Space;
use potstill::env::check::Verdict;
use potstill::env::registry::{self, Spec, in_short};
use potstill::env::trace::Trace;
use potstill::metrics::catalogue::{MEAN_RETURN, SECONDS, TEST_ERROR, TEST_RMSE};
use potstill::quickstart::Act;
use potstill::report::{Block, Page, Square, Table, wrap};
use potstill::reproduce::{RESULTS, Reproduction};
use potstill::run::{classifier_table, headline, summary_of};
use potstill::shell;
use potstill::store::names::WINNER;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Writes one line.
pub(crate) fn line(to: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(to, "{text}")
}

/// The first error of stdout, after which nothing more is written there.
static REFUSED: Mutex<Option<io::Error>> = Mutex::new(None);

/// Prints to stdout. Control characters, which names in data may have, are written as escapes.
pub(crate) fn print(text: &str) {
    print_raw(&visible(text));
}

/// Prints text of the program's own to stdout, with escape codes.
pub(crate) fn print_raw(text: &str) {
    to_stdout(|stdout| line(stdout, text));
}

/// The text with escapes in place of control characters, but for ends of lines and tabs.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    let is_kept = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    if text.chars().all(is_kept) {
        return Cow::Borrowed(text);
    }
    let escaped = |c: char| if is_kept(c) { c.to_string() } else { c.escape_default().to_string() };
    Cow::Owned(text.chars().map(escaped).collect())
}

/// Writes to stdout, unless it has refused before.
pub(crate) fn to_stdout(write: impl FnOnce(&mut io::StdoutLock<'_>) -> io::Result<()>) {
    let mut refused = REFUSED.lock().unwrap_or_else(PoisonError::into_inner);
    if refused.is_none() {
        let mut stdout = io::stdout().lock();
        *refused = write(&mut stdout).and_then(|()| stdout.flush()).err();
    }
}

/// The error of stdout, if it did not take all that was printed. A closed pipe (`| head`) is no error.
pub(crate) fn refused() -> Option<io::Error> {
    let mut refused = REFUSED.lock().unwrap_or_else(PoisonError::into_inner);
    refused.take().filter(|error| error.kind() != io::ErrorKind::BrokenPipe)
}

/// The name of the program, if it is not the first argument of the process.
static NAME: OnceLock<OsString> = OnceLock::new();

/// Sets the name that this program has in commands that it prints, unless it has one already.
pub(crate) fn set_name(name: &OsStr) {
    NAME.get_or_init(|| name.to_owned());
}

/// The first word of the command that started this program.
fn name() -> OsString {
    NAME.get().cloned().unwrap_or_else(|| std::env::args_os().next().unwrap_or_default())
}

/// Tells on stderr. What it refuses is lost: a log that cannot be written must not end a run.
pub(crate) fn tell(text: &str) {
    let me = name();
    let _ = line(&mut io::stderr().lock(), &in_the_name_of(Path::new(&me), &visible(text)));
}

/// The words with the commands in them under this program's name: the library calls the command `potstill`.
fn in_the_name_of(program: &Path, words: &str) -> String {
    let name = program.file_stem().and_then(|name| name.to_str());
    words.replace("`potstill ", &format!("`{} ", name.unwrap_or("potstill")))
}

pub(crate) fn act(act: &Act) {
    print(&format!("\n{}\n{}\n", act.title, "=".repeat(act.title.chars().count())));
    print(act.text.trim_end());
}

/// The command that started this program, so that the commands that it prints can be copied.
pub(crate) fn program() -> String {
    match name() {
        me if me.is_empty() => "potstill".to_owned(),
        me => shell::path(Path::new(&me)),
    }
}

pub(crate) fn quickstart(summary: &Value) {
    let out = summary["out"].as_str().unwrap_or_default();
    let seconds = summary["seconds"].as_f64().unwrap_or_default();
    let (me, run) = (program(), |name: &str| shell::path(&Path::new(out).join(name)));
    let (student, teacher) = (run("student"), run("teacher"));
    print(&format!(
        "\nDone in {seconds:.1} s. Run directory: {out}\nOpen {out}/report.html in a browser. Next:\n"
    ));
    print(&format!(
        "  {me} eval {student} --episodes 100\n  \
         {me} distill --teacher {teacher} --student mlp:8 --env CartPole-v1\n  \
         {me} train dqn --env CartPole-v1 --steps 50000 --seed 1\n  \
         {me} train sarsa --env CliffWalking-v1 --episodes 500 --seeds 100"
    ));
}

/// Prints the result of a run in one line, its summary, and its path.
pub(crate) fn run(result: &Value) {
    if result["sweep"].is_array() {
        return sweep(result);
    }
    if let Some(line) = headline(result) {
        print(&format!("{line}\n"));
    }
    if let Some(table) = classifier_table(result) {
        print(&table.text());
    }
    summary(result);
    let out = result["out"].as_str().unwrap_or_default();
    print(&format!("\nRun directory: {out}"));
    let env = registry::find(result["env"].as_str().unwrap_or_default());
    if env.is_ok_and(|spec| !spec.is_playable()) && result["seeds"].is_null() {
        let run = shell::path(Path::new(out));
        print(&format!("Next: {} evaluate-offline {run} --data DATA", program()));
    } else if result["seeds"].is_null() {
        let command = next_command(result["algorithm"].as_str().unwrap_or_default());
        print(&format!("Next: {} {command} {}", program(), shell::path(Path::new(out))));
    } else {
        print(&format!("Next: {} show {}", program(), shell::path(Path::new(out))));
    }
}

/// The command that a run is looked at with: a prediction algorithm has no policy to evaluate.
fn next_command(algorithm: &str) -> &'static str {
    match Algorithm::find(algorithm) {
        Ok(algorithm) if algorithm.family == "prediction" => "show",
        _ => "eval",
    }
}

/// Prints the numbers of imported answers, and how they are learned from.
pub(crate) fn imported(result: &Value) {
    summary(result);
    let out = result["out"].as_str().unwrap_or_default();
    // Rows that have no answer are refused unless this is said.
    let dropped = if result["answered"] == result["rows"] { "" } else { ",missing=drop" };
    let teacher = shell::word(&format!("{out}:id=id{dropped}"));
    print(&format!("\nAnswers: {out}\nNext: {} distill --teacher {teacher} --data FILE:id=NAME", program()));
}

/// Prints the result of an evaluation in one line, and its numbers.
pub(crate) fn evaluation(result: &Value) {
    if let Some(line) = headline(result) {
        print(&format!("{line}\n"));
    }
    let mut rest = result.clone();
    let runs = rest.as_object_mut().and_then(|entries| entries.remove("runs"));
    summary(&rest);
    if let Some(runs) = runs.as_ref().and_then(Value::as_array) {
        let score =
            |run: &Value| [MEAN_RETURN, TEST_ERROR, TEST_RMSE].into_iter().find(|key| run[*key].is_number());
        if let Some(key) = runs.first().and_then(score) {
            let row =
                |run: &Value| vec![run["run"].as_str().unwrap_or_default().to_owned(), scalar(&run[key])];
            let head = vec![String::new(), key.replace('_', " ")];
            print(&format!("\n{}", Table { head, rows: runs.iter().map(row).collect() }.text().trim_end()));
        }
    }
}

/// Prints a page, the result of a run first.
pub(crate) fn page(page: &Page, is_run: bool) {
    if is_run {
        print(&wrapped(&page.lead));
    }
    print(page.text(80).trim_end());
}

/// Words in lines that are not indented.
pub(crate) fn wrapped(words: &str) -> String {
    wrap(words).lines().map(|line| format!("{}\n", line.trim_start())).collect()
}

/// Prints the result of a sweep, and its path.
fn sweep(result: &Value) {
    let search = search_words(result);
    match &search {
        Some((choice, table)) => {
            if let Some(line) = headline(&result["winner"]) {
                print(&format!("{line}\n"));
            }
            if let Some(remark) = result["winner"]["remark"].as_str() {
                print(&format!("{}\n", wrapped(remark).trim_end()));
            }
            if let Some(table) = classifier_table(&result["winner"]) {
                print(&table.text());
            }
            print(&format!("{}\n{}", wrapped(choice), table.text().trim_end()));
            let others = result["sweep"].as_array().map_or(0, Vec::len) - table.rows.len();
            match others {
                0 => {}
                1 => print("  and one other"),
                _ => print(&format!("  and {others} others")),
            }
        }
        None => print(&sweep::words(result)),
    }
    for point in result["failed"].as_array().into_iter().flatten() {
        let text = |key: &str| point[key].as_str().unwrap_or_default();
        print(&format!("\nfailed: {}: {}", text("run"), text("error")));
    }
    let out = result["out"].as_str().unwrap_or_default();
    let path = shell::path(Path::new(out));
    let (next, over) = match search {
        Some(_) => {
            // Its seeds are a model each.
            let seeds =
                result["winner"]["seeds"].as_u64().map_or(String::new(), |seeds| format!(" ({seeds} seeds)"));
            print(&format!("\nWinner: {}{seeds}", Path::new(out).join(WINNER).display()));
            ("report", "")
        }
        None => ("compare", sweep::over_seeds(result)),
    };
    let begin = if next == "report" { "" } else { "\n" };
    print(&format!("{begin}Folder: {out}{over}\nNext: {} {next} {path}", program()));
}

/// Prints measured and expected values, the figure, and the path.
pub(crate) fn reproduction(reproduction: &Reproduction) {
    print(reproduction.page().text(80).trim_end());
    print(&format!("\nFolder: {}", reproduction.out.display()));
}

/// Prints the published results that can be reproduced.
pub(crate) fn results() {
    let rows = RESULTS.iter().map(|result| {
        vec![
            result.name.to_owned(),
            result.algorithms.join(", "),
            result.runs.to_string(),
            result.takes.to_owned(),
            result.data.unwrap_or_default().to_owned(),
        ]
    });
    let head = ["result", "algorithms", "runs", "time on one core", "--data"].map(str::to_owned).to_vec();
    print(Table { head, rows: rows.collect() }.text().trim_end());
    print(&format!("\nNext: {} reproduce NAME", program()));
}

pub(crate) fn results_json() -> Value {
    let results = RESULTS.iter().map(|result| {
        json!({ "name": result.name, "algorithms": result.algorithms, "runs": result.runs, "takes": result.takes, "data": result.data })
    });
    json!({ "command": "reproduce", "results": results.collect::<Vec<_>>() })
}

/// The summary of a run and its maps, as JSON.
pub(crate) fn shown_json(run: &Path, page: &Page) -> Result<Value, potstill::Error> {
    let maps = page.blocks.iter().filter_map(|block| match block {
        Block::Grid(chart) => {
            let square = |square: &Square| {
                json!({ "value": square.value, "action": square.arrow, "letter": square.letter, "wall": square.is_wall })
            };
            let squares: Vec<Value> = chart.squares.iter().map(square).collect();
            Some(json!({ "title": chart.title, "columns": chart.columns, "squares": squares }))
        }
        _ => None,
    });
    let maps: Vec<Value> = maps.collect();
    Ok(
        json!({ "command": "show", "run": run.display().to_string(), "summary": summary_of(run)?, "maps": maps }),
    )
}

/// Prints a JSON object as aligned lines of key and value.
pub(crate) fn summary(result: &Value) {
    let (mut rows, mut rest) = (Vec::new(), result.clone());
    if classifier_table(result).is_some() {
        // These stand in the table.
        for key in ["teacher", "student_labels", "student_distilled", "distilled_minus_labels"] {
            rest.as_object_mut().map(|entries| entries.remove(key));
        }
    }
    // Of a distillation the mean is the only center, as in its table.
    flatten("", &rest, result["command"] == "distill", &mut rows);
    let width = rows.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
    for (key, value) in rows {
        print(&format!("{key:width$}  {value}"));
    }
}

fn flatten(prefix: &str, value: &Value, mean_alone: bool, rows: &mut Vec<(String, String)>) {
    match value {
        Value::Object(entries) => {
            // A statistic over seeds is one line.
            if let (Some(mean), Some(iqm)) = (entries.get("mean"), entries.get("iqm")) {
                let with = |value: &Value, bounds: &Value| match bounds.as_array().map(Vec::as_slice) {
                    Some([low, high]) => format!("{} [{}, {}]", scalar(value), scalar(low), scalar(high)),
                    _ => scalar(value),
                };
                let words = match prefix {
                    // The time of a run is a cost, not a measurement.
                    SECONDS => format!("mean {}", scalar(mean)),
                    _ if mean_alone => format!("mean {}", with(mean, &value["mean_ci95"])),
                    _ => format!(
                        "mean {}, interquartile mean {}",
                        with(mean, &value["mean_ci95"]),
                        with(iqm, &value["ci95"])
                    ),
                };
                rows.push((prefix.to_owned(), words));
                return;
            }
            for (key, value) in
                entries.iter().filter(|(key, _)| !matches!(key.as_str(), "out" | "command" | "center"))
            {
                let key = key.replace('_', " ");
                let path = if prefix.is_empty() { key } else { format!("{prefix} {key}") };
                flatten(&path, value, mean_alone, rows);
            }
        }
        Value::Null => {}
        Value::String(text) => rows.push((prefix.to_owned(), text.clone())),
        Value::Array(values) if values.iter().all(Value::is_number) => {
            rows.push((prefix.to_owned(), values.iter().map(scalar).collect::<Vec<_>>().join(", ")));
        }
        other => rows.push((prefix.to_owned(), scalar(other))),
    }
}

/// A value as text; fractions with a readable number of digits.
fn scalar(value: &Value) -> String {
    let Some(x) = value.as_f64().filter(|_| value.is_f64()) else { return value.to_string() };
    match x.abs() {
        // Larger ones would be rows of zeros.
        size if size >= 1e15 => format!("{x:e}"),
        size if size >= 1e5 => format!("{x:.0}"),
        size if size == 0.0 || size >= 0.001 => {
            // Zero has no sign.
            let text = format!("{:.4}", x + 0.0);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => format!("{x:.3e}"),
    }
}

/// The path of a written file, as JSON.
pub(crate) fn written(command: &str, out: &Path) -> Value {
    json!({ "command": command, "out": out.display().to_string() })
}

pub(crate) fn path(out: &Path) {
    print(&out.display().to_string());
}

pub(crate) fn comparison(comparison: &Comparison) {
    print(comparison.table().text().trim_end());
    print(&format!("\n{}", comparison.notes().iter().map(|note| wrap(note)).collect::<String>().trim_end()));
    if let Some(table) = comparison.improvement_table() {
        print(&format!("\n{}", table.text().trim_end()));
    }
    if comparison.by_place().len() > 1 {
        print(&format!(
            "\n{}",
            wrap("No figure: the runs are on different environments; name those of one.").trim_end()
        ));
    } else if let Some(chart) = comparison.charts().first() {
        print(&format!("\n{}", chart.text(68, 12).trim_end()));
    }
}

pub(crate) fn runs_json(runs: &[RunEntry]) -> Value {
    json!({ "command": "runs", "runs": runs.iter().map(RunEntry::json).collect::<Vec<_>>() })
}

pub(crate) fn runs(runs: &[RunEntry]) {
    if runs.is_empty() {
        print("no runs here");
        return;
    }
    let dash = || "-".to_owned();
    let rows = runs.iter().map(|run| {
        let state = run.state.word();
        let score = |(name, value): (&str, f64)| match name {
            TEST_ERROR => format!("{:.2} % error", 100.0 * value),
            TEST_RMSE => format!("{value:.4} error"),
            _ => format!("{value:.1}"),
        };
        vec![
            run.path.display().to_string(),
            if run.state.is_resumable() { format!("{state}, resumable") } else { state.to_owned() },
            run.algorithm.clone(),
            in_short(&run.on),
            run.seeds.map_or_else(dash, |(finished, all)| format!("{finished} of {all}")),
            run.step.map_or_else(dash, |step| step.to_string()),
            run.score.map_or_else(dash, score),
            run.seconds.map_or_else(dash, |seconds| format!("{seconds:.1}")),
        ]
    });
    let head = ["run", "state", "algorithm", "on", "seeds", "step", "score", "seconds"].map(str::to_owned);
    print(Table { head: head.to_vec(), rows: rows.collect() }.text().trim_end());
    for run in runs {
        if let Some(problem) = &run.problem {
            print(&format!("\n{problem}"));
        }
    }
}

/// A number as JSON: an integer without a decimal point.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 { json!(value as i64) } else { json!(value) }
}

/// An observation as in Gymnasium: a number for discrete states, else a list.
fn observation(space: &Space, numbers: &[f64]) -> Value {
    match space {
        Space::Discrete { .. } => number(numbers[0]),
        Space::Box { .. } => json!(numbers),
        Space::Tuple { .. } | Space::MultiBinary { .. } | Space::Image { .. } => {
            numbers.iter().map(|n| number(*n)).collect()
        }
    }
}

pub(crate) fn trace(spec: &Spec, trace: &Trace, as_json: bool) {
    let space = spec.observation_space();
    let discrete = spec.action_space().discrete().is_some();
    let action = |numbers: &[f64]| match numbers {
        [index] if discrete => number(*index),
        [force] => json!(force),
        forces => json!(forces),
    };
    if as_json {
        print(&json!({ "observation": observation(&space, &trace.start) }).to_string());
        for step in &trace.steps {
            let line = json!({
                "observation": observation(&space, &step.observation),
                "reward": step.outcome.reward,
                "terminated": step.outcome.terminated,
                "truncated": step.outcome.truncated,
                "action": action(&step.action),
            });
            print(&line.to_string());
        }
        return;
    }
    let words = |numbers: &[f64]| match &space {
        Space::MultiBinary { .. } => {
            format!("{} squares set", numbers.iter().filter(|square| **square == 1.0).count())
        }
        Space::Image { .. } => {
            format!("{space}, mean {:.1}", numbers.iter().sum::<f64>() / numbers.len() as f64)
        }
        _ => numbers
            .iter()
            .map(|n| if n.fract() == 0.0 { n.to_string() } else { format!("{n:.6}") })
            .collect::<Vec<_>>()
            .join(" "),
    };
    let mut rows =
        vec![vec!["0".to_owned(), "reset".to_owned(), words(&trace.start), String::new(), String::new()]];
    for (i, step) in trace.steps.iter().enumerate() {
        let action = match &step.action[..] {
            [index] if discrete && !spec.actions.is_empty() => spec.actions[*index as usize].to_owned(),
            numbers => numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(" "),
        };
        let end = match (step.outcome.terminated, step.outcome.truncated) {
            (true, _) => "terminated",
            (false, true) => "truncated",
            _ => "",
        };
        let reward = step.outcome.reward.to_string();
        rows.push(vec![(i + 1).to_string(), action, words(&step.observation), reward, end.to_owned()]);
    }
    let head = ["step", "action", "observation", "reward", "end"].map(str::to_owned).to_vec();
    print(Table { head, rows }.text().trim_end());
}

pub(crate) fn verdicts_json(spec: &Spec, verdicts: &[Verdict]) -> Value {
    let rules = verdicts.iter().map(|verdict| {
        json!({ "rule": verdict.rule, "passed": verdict.broken.is_none(), "reason": verdict.broken })
    });
    json!({
        "command": "env check",
        "env": spec.id,
        "passed": verdicts.iter().all(|verdict| verdict.broken.is_none()),
        "rules": rules.collect::<Vec<_>>(),
    })
}

pub(crate) fn verdicts(verdicts: &[Verdict]) {
    for Verdict { rule, broken } in verdicts {
        print(&format!("  {}  {rule}", if broken.is_none() { "ok    " } else { "BROKEN" }));
        if let Some(how) = broken {
            print(&format!("          {how}"));
        }
    }
}

pub(crate) fn algos() {
    // Three lines each: a table would be wider than a terminal.
    let width = ALGORITHMS.iter().map(|algorithm| algorithm.name.len()).max().unwrap_or(0);
    for algorithm in ALGORITHMS {
        for (i, words) in [&*algorithm.kind(), algorithm.summary, algorithm.source].iter().enumerate() {
            print(&format!("  {:width$}  {words}", if i == 0 { algorithm.name } else { "" }));
        }
    }
}

pub(crate) fn algos_json() -> Value {
    let algorithms = ALGORITHMS.iter().map(|algorithm| {
        json!({
            "name": algorithm.name,
            "family": algorithm.family,
            "policy": algorithm.policy_words(),
            "data": algorithm.data_words(),
            "model": algorithm.model_words(),
            "learns_from": algorithm.builder.words(),
            "spaces": algorithm.builder.spaces().map(|(observations, actions)| {
                json!({ "observations": observations, "actions": actions })
            }),
            "summary": algorithm.summary,
            "source": algorithm.source,
            "presets": algorithm.presets.iter().map(|preset| preset.name).collect::<Vec<_>>(),
        })
    });
    json!({ "algorithms": algorithms.collect::<Vec<_>>() })
}

/// Names in a sentence: `a, b or c`.
pub(crate) fn any_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [some @ .., last] => format!("{} or {last}", some.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_command_takes_the_run() {
        for (algorithm, expected) in [
            ("td-prediction", "show"),
            ("n-step-td-prediction", "show"),
            ("semi-gradient-td", "show"),
            ("gradient-monte-carlo", "show"),
            ("sarsa", "eval"),
            ("mcts", "eval"),
            ("classifier", "eval"),
        ] {
            assert!(Algorithm::find(algorithm).is_ok(), "{algorithm}");
            assert_eq!(next_command(algorithm), expected, "{algorithm}");
        }
    }

    #[test]
    fn a_statistic_over_seeds_is_one_line() {
        let spread = |mean: f64| json!({ "mean": mean, "mean_ci95": [1.0, 2.5], "iqm": 1.5, "ci95": null });
        let mut rows = Vec::new();
        let result = json!({ "mean_return": spread(2.0), "seconds": spread(0.36) });
        flatten("", &result, false, &mut rows);
        let row = |key: &str, words: &str| (key.to_owned(), words.to_owned());
        let returned = row("mean return", "mean 2 [1, 2.5], interquartile mean 1.5");
        assert_eq!(rows, [returned, row("seconds", "mean 0.36")]);
        rows.clear();
        flatten("", &result, true, &mut rows);
        assert_eq!(rows, [row("mean return", "mean 2 [1, 2.5]"), row("seconds", "mean 0.36")]);
    }

    #[test]
    fn a_program_of_another_name_tells_its_own_commands() {
        let words = "run is stopped; `potstill resume run` continues it";
        let expected = "run is stopped; `mazes resume run` continues it";
        assert_eq!(in_the_name_of(Path::new("target/release/mazes"), words), expected);
        assert_eq!(in_the_name_of(Path::new("/usr/bin/potstill"), words), words);
        assert_eq!(in_the_name_of(Path::new(""), words), words);
    }

    #[test]
    fn names_in_a_sentence() {
        for (names, expected) in [(&["a"][..], "a"), (&["a", "b"], "a or b"), (&["a", "b", "c"], "a, b or c")]
        {
            assert_eq!(any_of(names.iter().copied()), expected);
        }
    }
}
