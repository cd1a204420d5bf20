//! The answers of a language model as those of a classifier: log-probabilities of tokens, or words, that spell classes.
//!
//! Read are chat completions as OpenAI and servers like it give them, one JSON object a line, and batch files of them:
//! `choices[].logprobs.content[].top_logprobs[].{token, logprob}`, `choices[].message.content`, in a batch under `response.body` with the
//! `custom_id` of the request; and messages of Anthropic's, `content[].text`, in a batch under `result.message`. The token
//! that names the class is the one that decides on the last [spelling](Spellings) of the answer; the probabilities of the
//! alternatives that spell the same class are added, and what spells none is left out: the sum before that is the coverage.
//! Without log-probabilities the last spelling is a vote. An answer whose last spelling is denied (`not bad`) or joined to
//! one of another class (`good or bad`) names no class.
//!
//! ```
//! use potstill::distill::chat::{Answer, Spellings};
//!
//! let spellings = Spellings::parse("good=good|great,bad")?;
//! let line = r#"{"custom_id":"r1","response":{"status_code":200,"body":{"choices":[{"message":{"content":"Great"},
//!     "logprobs":{"content":[{"token":"Great","logprob":-0.5,"top_logprobs":[
//!         {"token":"Great","logprob":-0.6931472},{"token":" bad","logprob":-1.3862944},{"token":"The","logprob":-2.0}]}]}}]}}}"#;
//! let row = spellings.row(&serde_json::from_str(line).unwrap(), 0.5);
//! let Answer::Probabilities { shares, coverage } = row.answer else { panic!("{row:?}") };
//! assert_eq!(row.id.as_deref(), Some("r1"));
//! assert!((shares[0] - 2.0 / 3.0).abs() < 1e-6 && (coverage - 0.75).abs() < 1e-6);
//! # Ok::<(), String>(())
//! ```

use super::spelling::{plain, small};
use potstill_core::math::exp_f64;
use serde_json::{Value, json};
use std::ops::Range;

pub use super::spelling::Spellings;

/// A log-probability at or below this stands for "not among them".
const UNKNOWN: f64 = -9998.0;
/// The most by which rounding raises a log-probability above 0.
const ROUNDING: f64 = 1e-3;

/// The reason for which a row has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The request failed, or has no answer at all.
    Failed,
    /// The model has refused to answer, or a filter did.
    Refused,
    /// Nothing in the answer spells a class.
    NoClass,
    /// Too little of the probability spells a class.
    Uncovered,
}

/// The answer to a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The probability of each class, of a sum of 1, and how much of the model's probability spelled one.
    Probabilities {
        /// One for each class.
        shares: Vec<f64>,
        /// 0 to 1.
        coverage: f64,
    },
    /// The number of answers that name each class.
    Votes(Vec<f64>),
    /// No answer.
    None(Missing),
}

/// A row of a file of answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The name of the row, if it has one.
    pub id: Option<String>,
    /// The answer.
    pub answer: Answer,
}

/// The first number of a line of a file that no logarithm of a probability can be: one above 0, but for rounding.
pub fn impossible_log_probability(line: &Value) -> Option<f64> {
    let choices = body_of(line)["choices"].as_array();
    let tokens =
        choices.into_iter().flatten().filter_map(|choice| choice["logprobs"]["content"].as_array()).flatten();
    let all = tokens.flat_map(|token| token["top_logprobs"].as_array().into_iter().flatten().chain([token]));
    all.filter_map(|token| token["logprob"].as_f64()).find(|&logprob| logprob > ROUNDING)
}

/// The completion in a line of a file, which a batch has under its response or result.
fn body_of(line: &Value) -> &Value {
    match (line.get("response"), line.get("result")) {
        (Some(response), _) => &response["body"],
        (None, Some(result)) => &result["message"],
        (None, None) => line,
    }
}

impl Spellings {
    /// The answer in a line of a file. One whose classes have less than `coverage_min` of the probability, 0 to 1, counts as missing.
    pub fn row(&self, line: &Value, coverage_min: f64) -> Row {
        let body = body_of(line);
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let id = text(&line["custom_id"]).or_else(|| text(&line["id"]));
        let failed = line.get("error").is_some_and(|error| !error.is_null())
            || line["response"]["status_code"].as_u64().is_some_and(|code| code != 200);
        let choices = body["choices"].as_array().filter(|choices| !choices.is_empty());
        let message = || body["content"].is_array().then(|| vec![json!({ "message": body })]);
        let answer = match choices.cloned().or_else(message).filter(|_| !failed) {
            None => Answer::None(Missing::Failed),
            Some(choices) => self.of_choices(&choices, coverage_min),
        };
        Row { id, answer }
    }

    /// The mean of several answers to one request, or their votes.
    fn of_choices(&self, choices: &[Value], coverage_min: f64) -> Answer {
        let (mut sum, mut covered, mut count) = (vec![0.0; self.count()], 0.0, 0.0);
        let mut votes = vec![0.0; self.count()];
        let mut missing = Missing::NoClass;
        for choice in choices {
            let refusal = choice["message"].get("refusal").is_some_and(|refusal| !refusal.is_null());
            let is_refused = choice["message"]["stop_reason"] == "refusal";
            if refusal || is_refused || choice["finish_reason"] == "content_filter" {
                missing = Missing::Refused;
                continue;
            }
            let tokens = choice["logprobs"]["content"].as_array();
            match tokens.filter(|tokens| !tokens.is_empty()).map(|tokens| self.of_tokens(tokens)) {
                Some(Some(masses)) => {
                    let coverage: f64 = masses.iter().sum();
                    if coverage < coverage_min || coverage == 0.0 {
                        missing = Missing::Uncovered;
                        continue;
                    }
                    sum.iter_mut().zip(&masses).for_each(|(sum, mass)| *sum += mass / coverage);
                    (covered, count) = (covered + coverage.min(1.0), count + 1.0);
                }
                Some(None) => {}
                None => {
                    let text = small(&said(choice));
                    if let Some(found) = self.last(&text).filter(|found| !self.is_doubtful(&text, found)) {
                        votes[found.1] += 1.0;
                    }
                }
            }
        }
        if count > 0.0 {
            sum.iter_mut().for_each(|share| *share /= count);
            return Answer::Probabilities { shares: sum, coverage: covered / count };
        }
        match votes.iter().any(|&votes| votes > 0.0) {
            true => Answer::Votes(votes),
            false => Answer::None(missing),
        }
    }

    /// The probability of each class at the token that decides on the last spelling; of an answer without one at the last token
    /// that is one by itself, or at the first if that begins one.
    fn of_tokens(&self, tokens: &[Value]) -> Option<Vec<f64>> {
        let words: Vec<String> =
            tokens.iter().map(|token| small(token["token"].as_str().unwrap_or_default())).collect();
        let text = words.concat();
        let (at, before) = match self.last(&text) {
            Some(found) if self.is_doubtful(&text, &found) => return None,
            Some((place, _)) => self.deciding(&words, &place),
            // Tokens of some programs have no blanks between them.
            None => {
                let first = || {
                    let first = words.iter().position(|word| !plain(word).is_empty())?;
                    self.begun(&words[first]).map(|_| first)
                };
                let alone = words.iter().rposition(|word| self.class(word).is_some());
                (alone.or_else(first)?, String::new())
            }
        };
        let at = &tokens[at];
        let mut masses = vec![0.0; self.count()];
        let alternatives = at["top_logprobs"].as_array().map(Vec::as_slice).unwrap_or_default();
        let is_listed = alternatives.iter().any(|other| other["token"] == at["token"]);
        for token in alternatives.iter().chain((!is_listed).then_some(at)) {
            let Some(logprob) = token["logprob"].as_f64().filter(|&logprob| logprob > UNKNOWN) else {
                continue;
            };
            if let Some(class) = self.continued(&before, token["token"].as_str().unwrap_or_default()) {
                masses[class] += exp_f64(logprob.min(0.0));
            }
        }
        Some(masses)
    }

    /// The first token of a spelling by which its class is known, and what of the spelling stands before it.
    fn deciding(&self, words: &[String], place: &Range<usize>) -> (usize, String) {
        let (mut begin, mut before, mut last) = (0, String::new(), 0);
        for (i, word) in words.iter().enumerate() {
            let end = begin + word.len();
            if end > place.start && begin < place.end && !word.is_empty() {
                last = i;
                if end >= place.end || self.begun(&(before.clone() + word)).is_some() {
                    break;
                }
                before.push_str(word);
            }
            begin = end;
        }
        (last, before)
    }

    /// The class that a token spells or begins to spell behind what stands before it, or that is complete without it.
    fn continued(&self, before: &str, token: &str) -> Option<usize> {
        let word = format!("{before}{}", small(token));
        let ends = || (!token.starts_with(char::is_alphanumeric)).then(|| self.class(before)).flatten();
        self.class(&word).or_else(|| self.begun(&word)).or_else(ends)
    }
}

/// The text of an answer: as a whole, or in blocks.
fn said(choice: &Value) -> String {
    match &choice["message"]["content"] {
        Value::Array(blocks) => {
            blocks.iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join(" ")
        }
        content => content.as_str().or(choice["text"].as_str()).unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spellings() -> Spellings {
        Spellings::parse("pos=positive|good,neg=negative|bad").unwrap()
    }

    fn token(token: &str, probability: f64, others: &[(&str, f64)]) -> Value {
        let alternatives: Vec<Value> =
            others.iter().map(|(token, p)| json!({"token": token, "logprob": p.ln()})).collect();
        json!({"token": token, "logprob": probability.ln(), "top_logprobs": alternatives})
    }

    #[test]
    fn probabilities_of_spellings_are_added() {
        let check = |tokens: &[Value], expected: Result<(&[f64; 2], f64), Missing>| {
            let line = json!({"choices": [{"logprobs": {"content": tokens}}]});
            match (spellings().row(&line, 0.5).answer, expected) {
                (Answer::Probabilities { shares, coverage }, Ok((expected, covered))) => {
                    let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
                    assert!(shares.iter().zip(expected).all(|(&a, &b)| near(a, b)), "{shares:?}");
                    assert!(near(coverage, covered), "{coverage}");
                }
                (found, expected) => assert_eq!(found, Answer::None(expected.unwrap_err())),
            }
        };
        // 0.4 + 0.2 and 0.2 of 0.8.
        let all = [("Good", 0.4), (" positive", 0.2), ("bad.", 0.2), ("The", 0.1)];
        check(&[token("Good", 0.4, &all)], Ok((&[0.75, 0.25], 0.8)));
        // The sampled token is not among the alternatives.
        check(&[token("bad", 0.5, &[("good", 0.5)])], Ok((&[0.5, 0.5], 1.0)));
        // Reasons come first: the last token that spells a class counts.
        check(
            &[token("good", 1.0, &[]), token("but", 1.0, &[]), token("bad", 0.9, &[("good", 0.1)])],
            Ok((&[0.1, 0.9], 1.0)),
        );
        // A part of a word is none: what the first token begins to spell counts.
        check(&[token("good", 0.9, &[("bad", 0.1)]), token("ness", 1.0, &[])], Ok((&[0.9, 0.1], 1.0)));
        // A class in two tokens.
        check(&[token("neg", 0.75, &[("pos", 0.25)]), token("ative", 1.0, &[])], Ok((&[0.25, 0.75], 1.0)));
        check(&[token("good", 0.2, &[("bad", 0.1), ("so", 0.7)])], Err(Missing::Uncovered));
        check(&[token("well", 1.0, &[])], Err(Missing::NoClass));
        check(&[token("not", 1.0, &[]), token(" bad", 0.9, &[(" good", 0.1)])], Err(Missing::NoClass));
        // -9999 stands for "not among them".
        let unknown =
            json!({"token": "good", "logprob": -9999.0, "top_logprobs": [{"token": "bad", "logprob": 0.0}]});
        check(&[unknown], Ok((&[0.0, 1.0], 1.0)));
    }

    #[test]
    fn words_are_votes_and_failures_are_missing() {
        let check = |line: Value, id: Option<&str>, expected: Answer| {
            let row = spellings().row(&line, 0.5);
            assert_eq!((row.id.as_deref(), row.answer), (id, expected));
        };
        let said = |text: &str| json!({"message": {"content": text}});
        check(
            json!({"id": 7, "choices": [said("It is good."), said("Not good but **bad**!"), said("GOOD")]}),
            Some("7"),
            Answer::Votes(vec![2.0, 1.0]),
        );
        check(json!({"custom_id": "a", "error": {"code": 1}}), Some("a"), Answer::None(Missing::Failed));
        check(
            json!({"custom_id": "a", "response": {"status_code": 500, "body": {"choices": [said("good")]}}}),
            Some("a"),
            Answer::None(Missing::Failed),
        );
        check(
            json!({"choices": [{"message": {"content": null, "refusal": "I cannot"}}]}),
            None,
            Answer::None(Missing::Refused),
        );
        let message = json!({"content": [{"type": "text", "text": "It is bad."}], "stop_reason": "end_turn"});
        check(
            json!({"custom_id": "b", "result": {"type": "succeeded", "message": message}}),
            Some("b"),
            Answer::Votes(vec![0.0, 1.0]),
        );
        check(
            json!({"custom_id": "c", "result": {"type": "errored", "error": {"type": "overloaded_error"}}}),
            Some("c"),
            Answer::None(Missing::Failed),
        );
        check(json!({"choices": []}), None, Answer::None(Missing::Failed));
        check(json!({"choices": [said("It is not bad.")]}), None, Answer::None(Missing::NoClass));
        check(json!({"choices": [said("good or bad?"), said("good")]}), None, Answer::Votes(vec![1.0, 0.0]));
        check(json!({"choices": "x"}), None, Answer::None(Missing::Failed));
    }

    #[test]
    fn spellings_of_several_tokens_are_one() {
        let check = |classes: &str, tokens: &[Value], expected: &[f64; 2]| {
            let line = json!({"choices": [{"logprobs": {"content": tokens}}]});
            let Answer::Probabilities { shares, .. } =
                Spellings::parse(classes).unwrap().row(&line, 0.5).answer
            else {
                panic!("{classes}: no probabilities");
            };
            assert!(shares.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{classes}: {shares:?}");
        };
        let after = |word: &str| token(word, 1.0, &[]);
        // The last token spells the other class.
        check(
            "pos=helpful,neg=unhelpful",
            &[token("un", 0.75, &[("helpful", 0.25)]), after("helpful")],
            &[0.25, 0.75],
        );
        check("pos=good,neg=not good", &[token("Not", 0.8, &[("good", 0.2)]), after(" good")], &[0.2, 0.8]);
        // The first token begins both, the second decides; an answer that ends there spells the shorter one.
        check(
            "pos=very good,neg=very bad",
            &[after("very"), token(" bad", 0.6, &[(" good", 0.4)]), after(".")],
            &[0.4, 0.6],
        );
        check(
            "pos=good,neg=goodish",
            &[after("It's "), after("good"), token("ish", 0.7, &[(".", 0.2), ("ies", 0.1)])],
            &[2.0 / 9.0, 7.0 / 9.0],
        );
        // As words.
        let said = json!({"choices": [{"message": {"content": "It is not good."}}]});
        let row = Spellings::parse("pos=good,neg=not good").unwrap().row(&said, 0.5);
        assert_eq!(row.answer, Answer::Votes(vec![0.0, 1.0]));
    }
}
