//! The state of a search, and its progress in rounds: a pure function of what its trials have scored.

use super::pruner::{Bracket, Pruner, medians, promoted};
use super::sampler::{Observation, Sampler, Standing};
use super::space::Space;
use potstill_core::Streams;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The settings of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The values that may be proposed.
    pub space: Space,
    /// The source of proposals.
    pub sampler: Sampler,
    /// The rule by which trials are stopped early.
    pub pruner: Pruner,
    /// The number of trials.
    pub trials: usize,
    /// Trials that are proposed at once.
    pub round: usize,
    /// Evaluations of a trial; 0 if their number is not known before.
    pub evaluations: usize,
    /// The seed of the proposals.
    pub seed: u64,
    /// True if a higher score is better.
    pub maximizes: bool,
}

/// The state of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was proposed, and is not at its end.
    Running,
    /// It was run to its end.
    Finished,
    /// It was stopped early.
    Pruned,
    /// It failed.
    Failed,
}

const STATES: [(State, &str); 4] = [
    (State::Running, "running"),
    (State::Finished, "finished"),
    (State::Pruned, "pruned"),
    (State::Failed, "failed"),
];

impl State {
    /// The state in one word.
    pub fn word(self) -> &'static str {
        STATES.iter().find(|(state, _)| *state == self).map_or("", |(_, word)| word)
    }
}

/// One trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// A value for each key of the space.
    pub values: Vec<f64>,
    /// The score of each evaluation, by the step of the run.
    pub evaluations: BTreeMap<u64, f64>,
    /// The number of rungs that it has left behind.
    pub rung: usize,
    /// Its state.
    pub state: State,
    /// The score of its result, if it is finished.
    pub score: Option<f64>,
    /// The reason for which it failed.
    pub error: Option<String>,
}

/// The place at which a trial pauses.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pause {
    /// The number of evaluations, if it is to pause at a rung.
    rung: Option<usize>,
    /// The cost above which it is stopped, after each evaluation.
    medians: Vec<Option<f64>>,
    maximizes: bool,
}

impl Pause {
    /// The number of evaluations, of these in the order of time, after which a trial pauses; none if it goes
    /// on.
    pub fn after(&self, scores: impl Iterator<Item = f64>) -> Option<usize> {
        let mut best = f64::INFINITY;
        for (i, score) in scores.enumerate() {
            best = best.min(cost(score, self.maximizes));
            let is_below = self.medians.get(i).copied().flatten().is_some_and(|median| best > median);
            if is_below || self.rung == Some(i + 1) {
                return Some(i + 1);
            }
        }
        None
    }
}

/// Trials that are run at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// Their numbers.
    pub trials: Vec<usize>,
    /// The place at which each pauses.
    pub pause: Pause,
}

/// The ending of a trial's part in a round.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// It was run to its end, with this score.
    Finished(f64),
    /// It pauses.
    Paused,
    /// It failed, for this reason.
    Failed(String),
}

/// A score as a cost: less is better. What is no number is worst.
fn cost(score: f64, maximizes: bool) -> f64 {
    match (score.is_nan(), maximizes) {
        (true, _) => f64::INFINITY,
        (false, true) => -score,
        (false, false) => score,
    }
}

/// A search: its plan and its trials.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    plan: Plan,
    brackets: Vec<Bracket>,
    trials: Vec<Trial>,
}

impl Study {
    /// A search without trials.
    pub fn new(plan: Plan) -> Self {
        let brackets = plan.pruner.brackets(plan.trials, plan.evaluations);
        Self { plan, brackets, trials: Vec::new() }
    }

    /// Its settings.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Its trials so far.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// The trials in a state.
    pub fn count(&self, state: State) -> usize {
        self.trials.iter().filter(|trial| trial.state == state).count()
    }

    /// The best score of a trial's evaluations so far.
    pub fn best(&self, trial: &Trial) -> Option<f64> {
        let scores = trial.evaluations.values().copied();
        scores.min_by(|a, b| self.cost(*a).total_cmp(&self.cost(*b)))
    }

    fn cost(&self, score: f64) -> f64 {
        cost(score, self.plan.maximizes)
    }

    /// The standing of a trial among others.
    fn standing(&self, trial: &Trial) -> Standing {
        match (trial.state, trial.score, self.best(trial)) {
            (State::Failed, ..) => Standing::Failed,
            (State::Finished, Some(score), _) => Standing::Finished(self.cost(score)),
            (_, _, Some(best)) => Standing::Evaluated(trial.evaluations.len(), self.cost(best)),
            _ => Standing::Pending,
        }
    }

    /// Proposes, promotes and prunes as far as the scores so far allow, and returns the trials to be run
    /// next; none at the end.
    pub fn advance(&mut self) -> Option<Round> {
        for bracket in self.brackets.clone() {
            for rung in 0..=bracket.rungs.len() {
                if let Some(round) = self.climb(&bracket, rung) {
                    return Some(round);
                }
            }
        }
        None
    }

    /// The trials of a bracket that are to be run to this rung, after which nothing is left to do there but
    /// to promote some.
    fn climb(&mut self, bracket: &Bracket, rung: usize) -> Option<Round> {
        let goal = bracket.rungs.get(rung).copied();
        let is_on = |trial: &Trial| trial.state == State::Running && trial.rung == rung;
        loop {
            let known = bracket.trials.start..bracket.trials.end.min(self.trials.len());
            let is_below =
                |trial: &Trial| is_on(trial) && goal.is_none_or(|goal| trial.evaluations.len() < goal);
            let to_run: Vec<usize> = known.clone().filter(|&i| is_below(&self.trials[i])).collect();
            if !to_run.is_empty() {
                let medians = self.medians(to_run[0]);
                let pause = Pause { rung: goal, medians, maximizes: self.plan.maximizes };
                return Some(Round { trials: to_run, pause });
            }
            if rung > 0 || known.end == bracket.trials.end {
                self.promote(bracket, rung);
                return None;
            }
            self.propose(self.plan.round.min(bracket.trials.end - known.end));
        }
    }

    /// Adds trials.
    fn propose(&mut self, count: usize) {
        let streams = Streams::new(self.plan.seed);
        let known = self
            .trials
            .iter()
            .map(|trial| Observation { values: trial.values.clone(), standing: self.standing(trial) });
        let mut known: Vec<Observation> = known.collect();
        for _ in 0..count {
            let number = self.trials.len() as u64;
            let values = self.plan.sampler.propose(&self.plan.space, streams, number, &known);
            known.push(Observation { values: values.clone(), standing: Standing::Pending });
            self.trials.push(Trial {
                values,
                evaluations: BTreeMap::new(),
                rung: 0,
                state: State::Running,
                score: None,
                error: None,
            });
        }
    }

    /// Sends the better trials on a rung to the next one, and stops the others.
    fn promote(&mut self, bracket: &Bracket, rung: usize) {
        let is_waiting = |trial: &Trial| trial.state == State::Running && trial.rung == rung;
        // Those that ended on the rung, at a goal or by a failure, have their place in it.
        let mut on_rung: Vec<usize> = bracket
            .trials
            .clone()
            .filter(|&i| self.trials.get(i).is_some_and(|trial| trial.rung == rung))
            .collect();
        if rung == bracket.rungs.len() || !on_rung.iter().any(|&i| is_waiting(&self.trials[i])) {
            return;
        }
        let cost_of = |i: &usize| match self.trials[*i].state {
            State::Failed => f64::INFINITY,
            _ => self.best(&self.trials[*i]).map_or(f64::INFINITY, |best| self.cost(best)),
        };
        on_rung.sort_by(|a, b| cost_of(a).total_cmp(&cost_of(b)));
        let better = promoted(on_rung.len());
        for (place, i) in on_rung.into_iter().enumerate() {
            let trial = &mut self.trials[i];
            match (is_waiting(trial), place < better) {
                (true, true) => trial.rung += 1,
                (true, false) => trial.state = State::Pruned,
                (false, _) => {}
            }
        }
    }

    /// The costs above which trials from this number on are stopped: the median of finished ones before them.
    fn medians(&self, first: usize) -> Vec<Option<f64>> {
        if self.plan.pruner != Pruner::Median {
            return Vec::new();
        }
        // Those of its own round may be finished already, in a search that is continued.
        let first = first - first % self.plan.round;
        let finished = self.trials[..first].iter().filter(|trial| trial.state == State::Finished);
        let costs = finished.map(|trial| trial.evaluations.values().map(|score| self.cost(*score)).collect());
        medians(&costs.collect::<Vec<_>>(), self.plan.evaluations)
    }

    /// Takes in the evaluations of a trial in a round, and how its part ended.
    pub fn end(&mut self, number: usize, evaluations: BTreeMap<u64, f64>, ending: Ending, pause: &Pause) {
        let trial = &mut self.trials[number];
        trial.evaluations = evaluations;
        match ending {
            Ending::Finished(score) => (trial.state, trial.score) = (State::Finished, Some(score)),
            // At a rung it waits for the others.
            Ending::Paused if pause.rung.is_none() => trial.state = State::Pruned,
            Ending::Paused => {}
            Ending::Failed(reason) => (trial.state, trial.error) = (State::Failed, Some(reason)),
        }
    }

    /// Its trials as JSON.
    pub fn json(&self) -> Value {
        let trial = |trial: &Trial| {
            let evaluations: Map<String, Value> =
                trial.evaluations.iter().map(|(step, score)| (step.to_string(), json!(score))).collect();
            json!({
                "state": trial.state.word(),
                "rung": trial.rung,
                "values": trial.values,
                "evaluations": evaluations,
                "score": trial.score,
                "error": trial.error,
            })
        };
        json!({ "trials": self.trials.iter().map(trial).collect::<Vec<Value>>() })
    }

    /// Takes in trials that were written.
    ///
    /// # Errors
    /// If they are none of this search.
    pub fn restore(&mut self, text: &str) -> Result<(), String> {
        let json: Value = serde_json::from_str(text).map_err(|error| format!("is no JSON: {error}"))?;
        let trials = json["trials"].as_array().ok_or("has no trials")?;
        let parameters = self.plan.space.parameters();
        let read = |(i, trial): (usize, &Value)| -> Result<Trial, String> {
            let wrong = |what: &str| format!("trial {i} has no right {what}");
            let values = trial["values"].as_array().map(|values| values.iter().filter_map(Value::as_f64));
            let values: Vec<f64> = values.ok_or_else(|| wrong("values"))?.collect();
            let are_inside =
                values.iter().zip(parameters).all(|(x, parameter)| parameter.domain.contains(*x));
            if values.len() != parameters.len() || !are_inside {
                return Err(wrong("values"));
            }
            let evaluations = trial["evaluations"].as_object().ok_or_else(|| wrong("evaluations"))?;
            // JSON has no number for what is none.
            let evaluation = |(step, score): (&String, &Value)| {
                Some((step.parse().ok()?, score.as_f64().unwrap_or(f64::NAN)))
            };
            let state = STATES.iter().find(|(_, word)| trial["state"] == *word);
            Ok(Trial {
                values,
                evaluations: evaluations
                    .iter()
                    .map(evaluation)
                    .collect::<Option<_>>()
                    .ok_or_else(|| wrong("steps"))?,
                rung: trial["rung"].as_u64().ok_or_else(|| wrong("rung"))? as usize,
                state: state.ok_or_else(|| wrong("state"))?.0,
                score: trial["score"].as_f64(),
                error: trial["error"].as_str().map(str::to_owned),
            })
        };
        self.trials = trials.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        if self.trials.len() > self.plan.trials {
            return Err(format!("has {} trials of {}", self.trials.len(), self.plan.trials));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn study(pruner: Pruner, sampler: Sampler, trials: usize, round: usize) -> Study {
        let space = Space::parse(&["x=uniform:0:1".to_owned(), "kind=a|b|c".to_owned()]).unwrap();
        let (evaluations, seed, maximizes) = (20, 3, true);
        Study::new(Plan { space, sampler, pruner, trials, round, evaluations, seed, maximizes })
    }

    /// The score of evaluation `k` of trial `i`: higher for higher `x`, and rising.
    fn score(values: &[f64], k: u64) -> f64 {
        values[0] + 0.01 * k as f64
    }

    /// Runs a round; trials that are at their end have a score.
    fn run(study: &mut Study, round: &Round) {
        for &i in &round.trials {
            let values = study.trials()[i].values.clone();
            let scores: Vec<f64> = (1..=20).map(|k| score(&values, k)).collect();
            let pause = round.pause.after(scores.iter().copied());
            let done = pause.unwrap_or(20);
            let evaluations = (1_u64..).map(|k| 100 * k).zip(scores[..done].iter().copied()).collect();
            let ending = if pause.is_some() { Ending::Paused } else { Ending::Finished(scores[19]) };
            study.end(i, evaluations, ending, &round.pause);
        }
    }

    /// The trials of each round with the evaluations that each had afterwards.
    fn rounds(study: &mut Study) -> Vec<(usize, usize)> {
        let mut rounds = Vec::new();
        while let Some(round) = study.advance() {
            run(study, &round);
            let longest = round.trials.iter().map(|&i| study.trials()[i].evaluations.len()).max().unwrap();
            rounds.push((round.trials.len(), longest));
        }
        rounds
    }

    #[test]
    fn trials_climb_the_rungs_of_their_brackets() {
        let check = |pruner: Pruner, expected: &[(usize, usize)], evaluations: usize| {
            let mut study = study(pruner, Sampler::Random, 16, 4);
            assert_eq!(rounds(&mut study), expected, "{pruner}");
            let taken: usize = study.trials().iter().map(|trial| trial.evaluations.len()).sum();
            assert_eq!(taken, evaluations, "{pruner}");
            assert_eq!(study.advance(), None);
        };
        check(Pruner::None, &[(4, 20); 4], 320);
        // Brackets of 9 and 7: 9 to 2 evaluations, 3 to 6, 1 to 20; then 7, 2 and 1.
        let halving = [(4, 2), (4, 2), (1, 2), (3, 6), (1, 20), (4, 2), (3, 2), (2, 6), (1, 20)];
        check(Pruner::Halving, &halving, 18 + 12 + 14 + 14 + 8 + 14);
        // 9, 3, 3 and 1 that is alone in its bracket.
        let hyperband =
            [(4, 2), (4, 2), (1, 2), (3, 6), (1, 20), (3, 6), (1, 20), (3, 20), (1, 2), (1, 6), (1, 20)];
        check(Pruner::Hyperband, &hyperband, 18 + 12 + 14 + 18 + 14 + 60 + 20);
    }

    #[test]
    fn the_best_of_a_bracket_reach_its_end() {
        let mut study = study(Pruner::Halving, Sampler::QuasiRandom, 9, 9);
        rounds(&mut study);
        let mut order: Vec<usize> = (0..9).collect();
        order.sort_by(|a, b| study.trials()[*b].values[0].total_cmp(&study.trials()[*a].values[0]));
        let lengths: Vec<usize> = order.iter().map(|&i| study.trials()[i].evaluations.len()).collect();
        assert_eq!(lengths, [20, 6, 6, 2, 2, 2, 2, 2, 2]);
        assert_eq!([State::Finished, State::Pruned].map(|state| study.count(state)), [1, 8]);
    }

    #[test]
    fn what_fails_or_ends_early_has_its_place_on_a_rung() {
        let mut study = study(Pruner::Halving, Sampler::QuasiRandom, 9, 9);
        let round = study.advance().unwrap();
        run(&mut study, &round);
        let mut order: Vec<usize> = (0..9).collect();
        order.sort_by(|a, b| study.trials()[*b].values[0].total_cmp(&study.trials()[*a].values[0]));
        // The best one has reached its goal, and the second failed after its evaluations.
        study.trials[order[0]].state = State::Finished;
        study.trials[order[1]].state = State::Failed;
        let next = study.advance().unwrap();
        assert_eq!(
            next.trials.into_iter().collect::<std::collections::BTreeSet<_>>(),
            [order[2], order[3]].into()
        );
    }

    #[test]
    fn the_median_stops_what_is_below_it() {
        let mut study = study(Pruner::Median, Sampler::Random, 40, 5);
        rounds(&mut study);
        let [finished, pruned] = [State::Finished, State::Pruned].map(|state| study.count(state));
        assert_eq!(finished + pruned, 40);
        // The first five are all run to their end; a third of 20 is 7 evaluations.
        assert!(study.trials()[..5].iter().all(|trial| trial.state == State::Finished));
        let median = |trials: &[Trial]| {
            let mut values: Vec<f64> = trials.iter().map(|trial| trial.values[0]).collect();
            values.sort_by(f64::total_cmp);
            values[2]
        };
        let first = median(&study.trials()[..5]);
        for trial in &study.trials()[5..10] {
            let (state, length) =
                if trial.values[0] < first { (State::Pruned, 7) } else { (State::Finished, 20) };
            assert_eq!((trial.state, trial.evaluations.len()), (state, length), "{trial:?}, median {first}");
        }
    }

    #[test]
    fn a_search_that_is_read_back_goes_on_the_same() {
        for pruner in [Pruner::None, Pruner::Median, Pruner::Halving, Pruner::Hyperband] {
            let of = || study(pruner, Sampler::Tpe, 30, 6);
            let mut whole = of();
            rounds(&mut whole);
            // Read back after every round, and after each trial of a round.
            let mut parts = of();
            while let Some(round) = parts.advance() {
                for &i in &round.trials {
                    let one = Round { trials: vec![i], pause: round.pause.clone() };
                    run(&mut parts, &one);
                    let mut again = of();
                    again.restore(&parts.json().to_string()).unwrap();
                    assert_eq!(again, parts);
                    parts = again;
                    let next = parts.clone().advance();
                    let left: Vec<usize> = round.trials.iter().copied().filter(|&other| other > i).collect();
                    if !left.is_empty() {
                        assert_eq!(
                            next,
                            Some(Round { trials: left, pause: round.pause.clone() }),
                            "{pruner}"
                        );
                    }
                }
            }
            assert_eq!(parts, whole, "{pruner}");
        }
    }

    #[test]
    fn trials_of_another_search_are_refused() {
        let check = |text: &str, expected: &str| {
            let error = study(Pruner::None, Sampler::Random, 1, 1).restore(text).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        };
        check("{", "is no JSON");
        check("{}", "has no trials");
        let trial = |values: &str, state: &str| {
            format!(r#"{{"values":{values},"evaluations":{{}},"rung":0,"state":"{state}"}}"#)
        };
        let trials = |list: &[String]| format!(r#"{{"trials":[{}]}}"#, list.join(","));
        check(&trials(&[trial("[0.5]", "running")]), "trial 0 has no right values");
        check(&trials(&[trial("[0.5,3]", "running")]), "trial 0 has no right values");
        check(&trials(&[trial("[1.5,0]", "running")]), "trial 0 has no right values");
        check(&trials(&[trial("[0.5,0]", "waiting")]), "trial 0 has no right state");
        let right = trial("[0.5,2]", "pruned");
        check(&trials(&[right.clone(), right]), "has 2 trials of 1");
    }
}
