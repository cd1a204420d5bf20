//! `potstill evaluate-offline`.

use super::common::{Command, Output, Threads, count, number, seed};
use crate::output;
use clap::Args;
use potstill::Error;
use potstill::commands::{
    EvaluateOfflineRequest, RecordedByRequest, evaluate_offline, evaluation_words, title_of, written,
};
use potstill::evaluation::Gate;
use potstill::policy::Policy;
use potstill::report::Table;
use potstill::run::Observer;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Estimate what a run's policy is worth from recorded episodes, before it acts
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  potstill evaluate-offline runs/cql --data random.jsonl
  potstill evaluate-offline runs/walk --data walks.jsonl --epsilon 0.1
  potstill evaluate-offline runs/cql --data minari:pole/medium-v0 \\
      --accept-if \"lower_bound > behaviour\" && echo deploy it")]
pub(crate) struct EvaluateOffline {
    /// The run directory, or a folder of seeds
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// The recorded episodes: a file, minari:NAMESPACE/name-v0, or random:STEPS[:SEED] for random actions
    #[arg(long, value_name = "SOURCE")]
    data: String,
    /// Evaluate the policy with a random action with this probability, in place of the greedy one
    #[arg(long, value_name = "P", value_parser = share, conflicts_with = "temperature")]
    epsilon: Option<f64>,
    /// Evaluate the softmax of the model's values or logits at this temperature, in place of the greedy
    /// policy
    #[arg(long, value_name = "T", value_parser = temperature)]
    temperature: Option<f64>,
    /// The policy that has recorded the episodes: a run, or `random`; its probabilities are estimated unless
    /// it is given
    #[arg(long, value_name = "RUN")]
    behaviour: Option<PathBuf>,
    /// Its probability of a random action
    #[arg(
        long, value_name = "P", value_parser = share, requires = "behaviour",
        conflicts_with = "behaviour_temperature"
    )]
    behaviour_epsilon: Option<f64>,
    /// The temperature of its softmax
    #[arg(long, value_name = "T", value_parser = temperature, requires = "behaviour")]
    behaviour_temperature: Option<f64>,
    /// Discount of the returns [default: that of the run, or 0.99]
    #[arg(long, value_name = "G", value_parser = share)]
    gamma: Option<f64>,
    /// Updates of each fit of a network, of which there are more than ten [default: 100 / (1 - gamma)]
    #[arg(long, value_name = "N", value_parser = count(1, 100_000_000))]
    updates: Option<u64>,
    /// End with code 1 unless this holds, such as "lower_bound > behaviour": NAME > NAME or NAME > NUMBER,
    /// also >=, <, <=. Names: estimate, lower_bound, upper_bound, behaviour, behaviour_lower,
    /// behaviour_upper, effective_sample_size
    #[arg(long, value_name = "CONDITION", value_parser = |text: &str| text.parse::<Gate>())]
    accept_if: Option<Gate>,
    /// Play this many episodes in the environment too, to compare
    #[arg(long, value_name = "EPISODES", value_parser = count(1, 1_000_000))]
    compare_with_truth: Option<u64>,
    /// Seed of all random numbers
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = seed)]
    seed: u64,
    #[command(flatten)]
    threads: Threads,
    #[command(flatten)]
    output: Output,
}

/// A parser of probabilities.
fn share(text: &str) -> Result<f64, String> {
    let number = number(text).ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "write a number from 0 to 1".to_owned())
}

/// A parser of temperatures.
fn temperature(text: &str) -> Result<f64, String> {
    let number = number(text).ok().filter(|number| *number > 0.0);
    number.ok_or_else(|| "write a number above 0".to_owned())
}

/// The policy of these flags.
fn policy(epsilon: Option<f64>, temperature: Option<f64>) -> Policy {
    Policy::softened(epsilon, temperature).expect("checked by the parsers of the flags")
}

impl Command for EvaluateOffline {
    fn reads(&self) -> Vec<&Path> {
        vec![&self.run]
    }

    fn run(self, observer: &dyn Observer) -> Result<bool, Error> {
        let behaviour =
            RecordedByRequest::of(self.behaviour, self.behaviour_epsilon, self.behaviour_temperature)?;
        let request = EvaluateOfflineRequest {
            run: self.run,
            data: self.data,
            policy: policy(self.epsilon, self.temperature),
            behaviour,
            gamma: self.gamma,
            updates: self.updates,
            accept_if: self.accept_if,
            truth_episodes: self.compare_with_truth,
            seed: self.seed,
            threads: self.threads.count(),
        };
        let result = evaluate_offline(&request, observer)?;
        self.output.finish(&result, if result["runs"].is_array() { show_seeds } else { show });
        Ok(result["accepted"] != false)
    }
}

/// A number of a result.
fn text(value: &Value) -> String {
    value.as_f64().map_or_else(|| "none".to_owned(), written)
}

/// Prints the results of several seeds, a line for each.
fn show_seeds(result: &Value) {
    output::print(&output::wrapped(&evaluation_words(result)));
    let row = |run: &Value| {
        let (headline, truth) = (&run["headline"], &run["truth"]["value"]);
        let interval = match headline["low"].is_null() {
            true => run["verdict"].as_str().unwrap_or_default().to_owned(),
            false => format!("[{}, {}]", text(&headline["low"]), text(&headline["high"])),
        };
        let size = &run["effective_sample_size"];
        let mut row = vec![
            run["run"].as_str().unwrap_or_default().to_owned(),
            text(&headline["value"]),
            interval,
            headline["estimator"].as_str().map_or("", title_of).to_owned(),
            if size.is_null() { String::new() } else { text(size) },
        ];
        row.extend((!truth.is_null()).then(|| text(truth)));
        row
    };
    let rows: Vec<Vec<String>> = result["runs"].as_array().into_iter().flatten().map(row).collect();
    let head = ["", "return", "95 % interval", "by", "effective episodes", "played"];
    let columns = rows.first().map_or(head.len(), Vec::len);
    let head = head[..columns].iter().map(|&word| word.to_owned()).collect();
    output::print(&format!("{}\n", Table { head, rows }.text().trim_end()));
    output::print("All estimates of a seed: potstill evaluate-offline with its run.");
    show_gate(result);
}

/// Prints whether the condition holds, if there is one.
fn show_gate(result: &Value) {
    if let Some(gate) = result["accept_if"].as_str() {
        let verb = if result["accepted"] == true { "Accepted" } else { "Refused" };
        output::print(&format!("\n{verb}: {gate} ({}).", result["reason"].as_str().unwrap_or_default()));
    }
}

/// Prints the result, all estimates, the doubts and the coverage.
fn show(result: &Value) {
    output::print(&output::wrapped(&evaluation_words(result)));
    let list = |key: &str| result[key].as_array().cloned().unwrap_or_default();
    let row = |name: &str, one: &Value| {
        let interval = match one["low"].is_null() {
            true => "none".to_owned(),
            false => format!("[{}, {}]", text(&one["low"]), text(&one["high"])),
        };
        let size = &one["effective_sample_size"];
        let size = if size.is_null() { String::new() } else { text(size) };
        vec![name.to_owned(), text(&one["value"]), interval, size]
    };
    let title = |one: &Value| title_of(one["estimator"].as_str().unwrap_or_default());
    let mut rows = vec![row("behaviour", &result["behaviour"])];
    rows.extend(list("estimators").iter().map(|one| row(title(one), one)));
    if result["truth"].is_object() {
        rows.push(row("played", &result["truth"]));
    }
    let head = ["", "return", "95 % interval", "effective episodes"].map(str::to_owned).to_vec();
    output::print(&format!("{}\n", Table { head, rows }.text().trim_end()));
    let mut notes: Vec<String> = Vec::new();
    // Estimators with the same doubt, in one sentence.
    let mut doubts: Vec<(String, Vec<&str>)> = Vec::new();
    let estimators = list("estimators");
    for one in &estimators {
        let Some(doubt) = one["doubt"].as_str() else { continue };
        match doubts.iter_mut().find(|(known, _)| known == doubt) {
            Some((_, titles)) => titles.push(title(one)),
            None => doubts.push((doubt.to_owned(), vec![title(one)])),
        }
    }
    notes.extend(
        doubts.into_iter().map(|(doubt, titles)| format!("Not trusted: {}: {doubt}.", titles.join(", "))),
    );
    for one in list("inapplicable") {
        let names = one["estimators"].as_array().cloned().unwrap_or_default();
        let titles: Vec<&str> =
            names.iter().map(|name| title_of(name.as_str().unwrap_or_default())).collect();
        notes.push(format!(
            "Not applicable: {}: {}.",
            titles.join(", "),
            one["reason"].as_str().unwrap_or_default()
        ));
    }
    notes.extend(
        list("remarks")
            .iter()
            .filter_map(Value::as_str)
            .map(|words| format!("{}.", potstill::words::capital(words))),
    );
    notes.push(about(result));
    notes.iter().for_each(|note| output::print(output::wrapped(note).trim_end()));
    show_gate(result);
}

/// The policy, the settings and the coverage of the data, in words.
fn about(result: &Value) -> String {
    let percent = |value: &Value| value.as_f64().map_or(0.0, |share| 100.0 * share.abs());
    let coverage = &result["coverage"];
    let mut words =
        format!("Policy: {}, discount {}", result["policy"].as_str().unwrap_or_default(), result["gamma"]);
    if let Some(horizon) = result["horizon"].as_u64() {
        words += &format!(", at most {horizon} steps");
    }
    words += &format!(
        ". Probabilities of recorded actions: {}",
        result["behaviour_probabilities"].as_str().unwrap_or_default()
    );
    if let (Some(entropy), Some(most)) =
        (coverage["action_entropy"].as_f64(), coverage["action_entropy_max"].as_f64())
    {
        words += &format!(" (entropy {entropy:.2} of {most:.2})");
    }
    if let (Some(states), Some(pairs)) = (coverage["states"].as_array(), coverage["pairs"].as_array()) {
        words += &format!(
            ". Recorded: {} of {} states, {} of {} pairs of state and action; an episode of the policy comes to an \
             unrecorded pair with probability {:.2}",
            states[0],
            states[1],
            pairs[0],
            pairs[1],
            coverage["unsupported"].as_f64().unwrap_or_default()
        );
    } else {
        words += &format!(
            ". Where states were recorded, {:.0} % of the policy's actions are hardly ever",
            percent(&coverage["unsupported"])
        );
    }
    if !coverage["mean_q_of_policy"].is_null() {
        words += &format!(
            ". Mean Q of recorded actions {}, of the policy's {}",
            text(&coverage["mean_q_of_recorded_actions"]),
            text(&coverage["mean_q_of_policy"])
        );
    }
    match result["cut_off_episodes"].as_u64() {
        Some(0) | None => words += ".",
        Some(cut) => {
            words += &format!(". Cut off by the recording, so that their returns are left out: {cut}.");
        }
    }
    words
}
