//! `potstill data import`: the answers of a language model as a file of recorded answers.

use crate::distill::chat::{Answer, Missing, Row, Spellings, impossible_log_probability};
use crate::error::Error;
use crate::metrics::quoted;
use crate::run::usage;
use crate::store::{check_output, read_text, write_file};
use crate::words::counted;
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::fmt::Write;
use std::path::PathBuf;

/// A request to import answers.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// A file of chat completions, one JSON object a line, or of a batch.
    pub file: PathBuf,
    /// The classes with the words that spell them, `CLASS=WORD|WORD,CLASS`.
    pub classes: String,
    /// The least share of the probability that must spell a class, 0 to 1.
    pub coverage: f64,
    /// The CSV file to write.
    pub out: PathBuf,
}

/// Writes a CSV file of the answers: `id`, then `p(CLASS)` of each class and the coverage (nothing where an answer has words alone), or `votes(CLASS)` if no row has
/// log-probabilities. Rows without an answer are left out, and counted in the result.
///
/// # Errors
/// If the file cannot be read or written, a line is no JSON object, a row has no name or that of another, or no row has an answer.
pub fn import(request: &ImportRequest) -> Result<Value, Error> {
    let file = request.file.display();
    let wrong = |reason: String| usage(format!("{file}: {reason}"));
    let spellings =
        Spellings::parse(&request.classes).map_err(|reason| usage(format!("--classes: {reason}")))?;
    check_output(&request.out, &[&request.file])?;
    let text = read_text(&request.file)?;
    // The mark of the order of bytes that some programs begin with.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let rows = rows(text, &spellings, request.coverage).map_err(wrong)?;
    let answers = Imported::new(&spellings, &rows).map_err(wrong)?;
    write_file(&request.out, answers.csv.as_bytes())?;
    let missing = |kind: Missing| rows.iter().filter(|row| row.answer == Answer::None(kind)).count();
    Ok(json!({
        "command": "data import",
        "rows": rows.len(),
        "answered": answers.count,
        "failed": missing(Missing::Failed),
        "refused": missing(Missing::Refused),
        "without_class": missing(Missing::NoClass),
        "uncovered": missing(Missing::Uncovered),
        "coverage": answers.coverage,
        "by_words_alone": answers.by_words,
        "named": answers.named,
        "out": request.out.display().to_string(),
    }))
}

/// The rows of a file, each with a name.
fn rows(text: &str, spellings: &Spellings, coverage: f64) -> Result<Vec<Row>, String> {
    let mut known = HashSet::new();
    let mut rows = Vec::new();
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (number, line) in lines {
        let at = number + 1;
        let value: Value = serde_json::from_str(line)
            .map_err(|error| format!("line {at}: it is no JSON object: {error}"))?;
        if let Some(logprob) = impossible_log_probability(&value) {
            return Err(format!(
                "line {at}: the log-probability {logprob} is above 0; are these probabilities, or logits?"
            ));
        }
        let row = spellings.row(&value, coverage);
        let id = row.id.as_deref().ok_or_else(|| format!("line {at}: it has neither custom_id nor id"))?;
        if !known.insert(id.to_owned()) {
            return Err(format!("line {at}: the id `{id}` stood before"));
        }
        rows.push(row);
    }
    match rows.is_empty() {
        true => Err("it has no rows".to_owned()),
        false => Ok(rows),
    }
}

/// Answers as they are written.
struct Imported {
    csv: String,
    count: usize,
    /// The mean coverage of those with log-probabilities; none of votes.
    coverage: Option<f64>,
    /// The number of answers without log-probabilities, whose coverage is not known.
    by_words: u64,
    /// Rows whose most probable class is this.
    named: Value,
}

impl Imported {
    fn new(spellings: &Spellings, rows: &[Row]) -> Result<Self, String> {
        let is_of_votes = !rows.iter().any(|row| matches!(row.answer, Answer::Probabilities { .. }));
        let (names, kind) = (spellings.names(), if is_of_votes { "votes" } else { "p" });
        let mut csv = "id".to_owned();
        names.iter().for_each(|class| _ = write!(csv, ",{}", quoted(&format!("{kind}({class})"))));
        csv.push_str(if is_of_votes { "\n" } else { ",coverage\n" });
        let (mut count, mut covered, mut by_words) = (0, 0.0, 0_u64);
        let mut named = vec![0_u64; names.len()];
        for row in rows {
            let (numbers, coverage) = match &row.answer {
                Answer::Probabilities { shares, coverage } => (shares.clone(), Some(*coverage)),
                Answer::Votes(votes) if is_of_votes => (votes.clone(), None),
                // Among probabilities a vote is all of it; what else was likely is not known.
                Answer::Votes(votes) => {
                    let sum: f64 = votes.iter().sum();
                    (votes.iter().map(|votes| votes / sum).collect(), None)
                }
                Answer::None(_) => continue,
            };
            csv.push_str(&quoted(row.id.as_deref().unwrap_or_default()));
            numbers.iter().for_each(|x| _ = write!(csv, ",{x}"));
            if !is_of_votes {
                csv.push(',');
                coverage.iter().for_each(|coverage| _ = write!(csv, "{coverage}"));
            }
            csv.push('\n');
            by_words += u64::from(coverage.is_none());
            (count, covered) = (count + 1, covered + coverage.unwrap_or_default());
            let first_largest = |best: usize, i: usize| if numbers[i] > numbers[best] { i } else { best };
            named[(0..numbers.len()).fold(0, first_largest)] += 1;
        }
        if count == 0 {
            return Err(format!(
                "none of its {} has an answer that spells a class ({})",
                counted(rows.len(), "row"),
                names.join(", ")
            ));
        }
        let coverage = (!is_of_votes).then(|| covered / (count - by_words) as f64);
        let named = names.into_iter().zip(named.into_iter().map(Value::from)).collect::<Map<_, _>>();
        Ok(Self { csv, count: count as usize, coverage, by_words, named: named.into() })
    }
}
