//! The journal of a search in Optuna's format (`JournalStorage`, Optuna 3 to 5), so that `optuna.load_study`
//! and optuna-dashboard read it: one JSON object a line, with the code of an operation.
//!
//! The search never reads it back as its state. It follows the state: what it has not told yet is appended,
//! so that a journal that was cut in the middle of a line, or is behind, is made whole. Lines that other
//! programs have appended, such as notes of the dashboard, are left alone.

use super::space::Space;
use super::study::{State, Study, Trial};
use crate::store::{FileMark, Log, RunDir, StoreError, names};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

/// The name under which lines are written.
const WORKER: &str = "potstill";

/// The codes of operations, of those that are written.
mod code {
    pub(super) const CREATE_STUDY: u64 = 0;
    pub(super) const CREATE_TRIAL: u64 = 4;
    pub(super) const SET_TRIAL_STATE_VALUES: u64 = 6;
    pub(super) const SET_TRIAL_INTERMEDIATE_VALUE: u64 = 7;
}

/// The entries of a trial that the journal has.
#[derive(Clone, Debug, Default)]
struct Told {
    /// The number of trials that were created in the journal before it.
    id: usize,
    /// The steps of its evaluations.
    steps: BTreeSet<u64>,
    has_ended: bool,
}

/// The journal of a search.
#[derive(Debug)]
pub struct Journal {
    log: Log,
    told: Vec<Told>,
    /// Trials in the file, those of other programs included.
    created: usize,
    clock: fn() -> SystemTime,
}

impl Journal {
    /// Opens the journal of a search, or begins it. `clock` gives the times in it, on which nothing depends.
    ///
    /// # Errors
    /// If the disk cannot be read or written.
    pub fn open(
        dir: &RunDir,
        name: &str,
        maximizes: bool,
        clock: fn() -> SystemTime,
    ) -> Result<Self, StoreError> {
        if dir.has(names::JOURNAL) {
            let text = dir.read_unchecked(names::JOURNAL)?;
            if let Some(journal) = Self::follow(dir, &text, clock)? {
                return Ok(journal);
            }
            // Another program could not read it either.
            dir.put_aside(names::JOURNAL)?;
        }
        let log = Log::create(dir, names::JOURNAL)?;
        let mut journal = Self { log, told: Vec::new(), created: 0, clock };
        // Optuna: 1 minimizes, 2 maximizes.
        let direction = if maximizes { 2 } else { 1 };
        journal.write(dir, code::CREATE_STUDY, json!({ "study_name": name, "directions": [direction] }))?;
        Ok(journal)
    }

    /// The journal after what its file has told, which is cut to whole lines; none if a line is damaged, or
    /// it has no study.
    fn follow(dir: &RunDir, text: &[u8], clock: fn() -> SystemTime) -> Result<Option<Self>, StoreError> {
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let (mut told, mut created) = (Vec::<Told>::new(), 0);
        let mut has_study = false;
        for line in text[..whole].split_inclusive(|byte| *byte == b'\n') {
            let Ok(entry) = serde_json::from_slice::<Value>(line) else { return Ok(None) };
            let is_ours = entry["worker_id"] == WORKER;
            let id = entry["trial_id"].as_u64();
            let of_trial = told.iter_mut().find(|told| Some(told.id as u64) == id);
            match (entry["op_code"].as_u64(), of_trial) {
                (Some(code::CREATE_STUDY), _) => has_study |= is_ours,
                (Some(code::CREATE_TRIAL), _) => {
                    if is_ours {
                        told.push(Told { id: created, ..Told::default() });
                    }
                    created += 1;
                }
                (Some(code::SET_TRIAL_INTERMEDIATE_VALUE), Some(told)) => {
                    told.steps.extend(entry["step"].as_u64());
                }
                (Some(code::SET_TRIAL_STATE_VALUES), Some(told)) => {
                    told.has_ended |= matches!(entry["state"].as_u64(), Some(1..=3));
                }
                _ => {}
            }
        }
        if !has_study {
            return Ok(None);
        }
        let mark = FileMark::growing(names::JOURNAL, whole as u64, crc32c::crc32c(&text[..whole]));
        let log = Log::resume(dir, &mark)?;
        Ok(Some(Self { log, told, created, clock }))
    }

    /// Appends an entry in one piece.
    fn write(&mut self, dir: &RunDir, code: u64, fields: Value) -> Result<(), StoreError> {
        let mut entry = Map::new();
        entry.insert("op_code".to_owned(), code.into());
        entry.insert("worker_id".to_owned(), WORKER.into());
        if let Value::Object(fields) = fields {
            entry.extend(fields);
        }
        self.log.add(dir, format!("{}\n", Value::Object(entry)).as_bytes())?;
        self.log.flush(dir)
    }

    /// Tells what it has not told yet of a search.
    ///
    /// # Errors
    /// If the disk cannot be written.
    pub fn tell(&mut self, dir: &RunDir, study: &Study) -> Result<(), StoreError> {
        for (number, trial) in study.trials().iter().enumerate() {
            if number == self.told.len() {
                self.create(dir, &study.plan().space, number, trial)?;
            }
            for (step, score) in &trial.evaluations {
                self.evaluation(dir, number, *step, *score)?;
            }
            let (state, score) = match trial.state {
                State::Running => continue,
                State::Finished => (1, trial.score),
                State::Pruned => (2, study.best(trial)),
                State::Failed => (3, None),
            };
            self.end(dir, number, state, score.filter(|score| score.is_finite()))?;
        }
        Ok(())
    }

    fn create(
        &mut self,
        dir: &RunDir,
        space: &Space,
        number: usize,
        trial: &Trial,
    ) -> Result<(), StoreError> {
        let (mut params, mut distributions) = (Map::new(), Map::new());
        for (parameter, value) in space.parameters().iter().zip(&trial.values) {
            params.insert(parameter.key.clone(), json!(value));
            distributions.insert(parameter.key.clone(), parameter.domain.distribution().to_string().into());
        }
        let fields = json!({
            "study_id": 0,
            "datetime_start": self.now(),
            "state": 0,
            "params": params,
            "distributions": distributions,
            "user_attrs": { "run": format!("trial-{number}") },
        });
        self.write(dir, code::CREATE_TRIAL, fields)?;
        self.told.push(Told { id: self.created, ..Told::default() });
        self.created += 1;
        Ok(())
    }

    /// Tells an evaluation of a trial, unless it was told. One that is no number is left out, since JSON has
    /// none.
    ///
    /// # Errors
    /// If the disk cannot be written.
    pub fn evaluation(
        &mut self,
        dir: &RunDir,
        number: usize,
        step: u64,
        score: f64,
    ) -> Result<(), StoreError> {
        let Some(told) = self.told.get_mut(number).filter(|told| !told.has_ended && score.is_finite()) else {
            return Ok(());
        };
        if !told.steps.insert(step) {
            return Ok(());
        }
        let fields = json!({ "trial_id": told.id, "step": step, "intermediate_value": score });
        self.write(dir, code::SET_TRIAL_INTERMEDIATE_VALUE, fields)
    }

    fn end(&mut self, dir: &RunDir, number: usize, state: u64, score: Option<f64>) -> Result<(), StoreError> {
        let now = self.now();
        let told = &mut self.told[number];
        if std::mem::replace(&mut told.has_ended, true) {
            return Ok(());
        }
        let values = score.map(|score| vec![score]);
        let fields =
            json!({ "trial_id": told.id, "state": state, "values": values, "datetime_complete": now });
        self.write(dir, code::SET_TRIAL_STATE_VALUES, fields)
    }

    /// The time in ISO 8601, in UTC.
    fn now(&self) -> String {
        let since = (self.clock)().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
        let (year, month, day) = date(days);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let micros = since.subsec_micros();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}+00:00")
    }
}

/// Year, month and day of a number of days since 1970-01-01.
fn date(mut days: u64) -> (u64, u64, u64) {
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tuning::{Ending, Plan, Pruner, Round, Sampler};
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    /// 2026-11-29 20:18:53.5 UTC.
    fn clock() -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(1_795_983_533_500)
    }

    fn study() -> Study {
        let texts = ["learning_rate=log:1e-4:1e-2", "batch_size=int:8:64", "net_arch=mlp:64|mlp:256,256"];
        let space = Space::parse(&texts.map(str::to_owned)).unwrap();
        let (sampler, pruner, trials, round) = (Sampler::Random, Pruner::Halving, 3, 3);
        let (evaluations, seed, maximizes) = (3, 1, true);
        Study::new(Plan { space, sampler, pruner, trials, round, evaluations, seed, maximizes })
    }

    /// Ends the trials of a round: the second fails, the first is the best one.
    fn run(study: &mut Study, round: &Round) {
        for &i in &round.trials {
            let length = round.pause.after([0.0; 3].into_iter()).unwrap_or(3);
            let evaluations =
                (1..=length as u64).map(|k| (500 * k, (10 * k) as f64 + 0.25 - i as f64)).collect();
            let ending = match (i, length) {
                (1, _) => Ending::Failed("a loss is not finite".to_owned()),
                (_, 3) => Ending::Finished(31.5),
                _ => Ending::Paused,
            };
            study.end(i, evaluations, ending, &round.pause);
        }
    }

    /// The journal of a whole search, told after every change.
    fn written() -> (tempfile::TempDir, RunDir, Study) {
        let root = tempfile::tempdir().unwrap();
        let dir = RunDir::create(Some(&root.path().join("run")), "run").unwrap();
        let mut journal = Journal::open(&dir, "dqn", true, clock).unwrap();
        let mut study = study();
        while let Some(round) = study.advance() {
            journal.tell(&dir, &study).unwrap();
            run(&mut study, &round);
            journal.tell(&dir, &study).unwrap();
        }
        journal.tell(&dir, &study).unwrap();
        (root, dir, study)
    }

    #[test]
    fn the_journal_is_the_one_that_optuna_has_read() {
        // `python/tests/test_tune.py` has Optuna read that file.
        let (_root, dir, _) = written();
        let text = String::from_utf8(dir.read_unchecked(names::JOURNAL).unwrap()).unwrap();
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/optuna/journal.log");
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        assert!(text == expected, "write to {}:\n{text}", golden.display());
    }

    #[test]
    fn a_journal_that_was_cut_anywhere_is_made_whole() {
        let (_root, dir, study) = written();
        let whole = dir.read_unchecked(names::JOURNAL).unwrap();
        for length in 0..whole.len() {
            fs::write(dir.path().join(names::JOURNAL), &whole[..length]).unwrap();
            let mut journal = Journal::open(&dir, "dqn", true, clock).unwrap();
            journal.tell(&dir, &study).unwrap();
            let entries = |text: &[u8]| -> BTreeSet<String> {
                String::from_utf8_lossy(text).lines().map(str::to_owned).collect()
            };
            // What was told together after the cut may stand in another order.
            let again = dir.read_unchecked(names::JOURNAL).unwrap();
            assert_eq!(entries(&again), entries(&whole), "cut at {length}");
            assert_eq!(again.len(), whole.len(), "cut at {length}");
        }
    }

    #[test]
    fn what_others_have_written_stays_and_counts() {
        let (_root, dir, study) = written();
        let whole = String::from_utf8(dir.read_unchecked(names::JOURNAL).unwrap()).unwrap();
        // The study; then a note and a trial of another program.
        let (head, _) = whole.split_at(whole.find('\n').unwrap() + 1);
        let others = "{\"op_code\":3,\"worker_id\":\"x\",\"study_id\":0,\"system_attr\":{\"note\":\"mine\"}}\n\
                      {\"op_code\":4,\"worker_id\":\"x\",\"study_id\":0,\"datetime_start\":null}\n";
        fs::write(dir.path().join(names::JOURNAL), format!("{head}{others}{{\"op_co")).unwrap();
        Journal::open(&dir, "dqn", true, clock).unwrap().tell(&dir, &study).unwrap();
        let text = String::from_utf8(dir.read_unchecked(names::JOURNAL).unwrap()).unwrap();
        let rest = text.strip_prefix(&format!("{head}{others}")).unwrap();
        let ids: BTreeSet<u64> = rest
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).unwrap()["trial_id"].as_u64())
            .collect();
        assert_eq!(ids, [1, 2, 3].into());
        // A damaged one is put aside, and another begins.
        fs::write(dir.path().join(names::JOURNAL), format!("{head}?\n")).unwrap();
        Journal::open(&dir, "dqn", true, clock).unwrap().tell(&dir, &study).unwrap();
        assert!(dir.has("damaged-journal.log"));
        assert_eq!(dir.read_unchecked(names::JOURNAL).unwrap().len(), whole.len());
    }

    #[test]
    fn days_are_dates() {
        for (days, expected) in [
            (0, (1970, 1, 1)),
            (59, (1970, 3, 1)),
            (789, (1972, 2, 29)),
            (11_016, (2000, 2, 29)),
            (20_786, (2026, 11, 29)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(date(days), expected);
        }
    }
}
