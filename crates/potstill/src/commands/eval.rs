//! `potstill eval`.

use crate::distill::quality::{Judged, calibration_error};
use crate::distill::regression::rmse_of;
use crate::error::Error;
use crate::jobs::evaluate_policy_unless;
use crate::metrics::catalogue;
use crate::run::{
    Subject, are_copies, check_playable, costs, find_environment, seed_runs, spread, usage, without_intervals,
};
use crate::store::RunDir;
use crate::train::{Protocol, Stop, statistics};
use potstill_core::Streams;
use potstill_nn::Workspace;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A request to evaluate a run.
#[derive(Clone, Debug)]
pub struct EvaluateRequest {
    /// The run directory, or a folder of seeds.
    pub run: PathBuf,
    /// The environment to play in, in place of the one that a policy was trained in.
    pub env: Option<String>,
    /// Episodes to play.
    pub episodes: u64,
    /// The seed of the episodes.
    pub seed: u64,
    /// Threads to use. Results do not depend on their number.
    pub threads: usize,
}

/// Evaluates a run: a policy over episodes, a classifier over its test samples; of a folder of seeds every one, with the mean of
/// each number and its 95 % interval over seeds, and the numbers of each under `runs`.
///
/// # Errors
/// If the folder is not a run, its files are damaged or inconsistent, or the policy does not fit the
/// environment.
pub fn evaluate(request: &EvaluateRequest) -> Result<Value, Error> {
    Ok(evaluate_unless(&|| false, request)?.expect("nothing stops it"))
}

/// The same; `None` if it was stopped before its end.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_unless(stop: &Stop<'_>, request: &EvaluateRequest) -> Result<Option<Value>, Error> {
    let dir = RunDir::open_model(&request.run)?;
    let seeds = seed_runs(dir.path());
    if seeds.is_empty() {
        return evaluate_one(stop, request, &dir);
    }
    let of_seed = |run: PathBuf| {
        evaluate_one(stop, &EvaluateRequest { run: run.clone(), ..request.clone() }, &RunDir::open(&run)?)
    };
    let runs = seeds.into_iter().map(of_seed).collect::<Result<Option<Vec<_>>, Error>>()?;
    Ok(runs.map(|runs| over_seeds(&request.run, runs)))
}

/// The results of evaluations.
const SCORES: [&str; 3] = [catalogue::MEAN_RETURN, catalogue::TEST_ERROR, catalogue::TEST_RMSE];
/// Numbers of single evaluations: the ends of their intervals, and a speed of this machine.
const UNPOOLED: [&str; 3] = ["mean_return_low", "mean_return_high", "rows_per_second"];

/// The numbers of evaluations of several seeds as statistics over them; what is the same of all stays as it is.
fn over_seeds(folder: &Path, runs: Vec<Value>) -> Value {
    let mut all = json!({ "seeds": runs.len() });
    for (key, first) in runs[0].as_object().into_iter().flatten() {
        let values: Vec<f64> = runs.iter().filter_map(|run| run[key.as_str()].as_f64()).collect();
        // Scores are statistics, also where all seeds have the same.
        let is_same = runs.iter().all(|run| run[key.as_str()] == *first) && !SCORES.contains(&key.as_str());
        if is_same {
            all[key.as_str()] = first.clone();
        } else if values.len() == runs.len() && !UNPOOLED.contains(&key.as_str()) {
            all[key.as_str()] = spread(key, &values);
        }
    }
    if are_copies(&runs) {
        without_intervals(&mut all);
    }
    all["run"] = json!(folder.display().to_string());
    all["runs"] = runs.into();
    all
}

fn evaluate_one(stop: &Stop<'_>, request: &EvaluateRequest, dir: &RunDir) -> Result<Option<Value>, Error> {
    let env = request.env.as_deref().map(|id| find_environment(id, &[])).transpose()?;
    let measures = match Subject::load_for(dir, env.as_ref())? {
        Subject::Policy { model, spec } => {
            check_playable(&spec)?;
            if request.episodes == 0 {
                return Err(usage("--episodes must be 1 or above, got 0"));
            }
            let protocol = Protocol {
                episodes: request.episodes as usize,
                streams: Streams::new(request.seed),
                purpose: "evaluation",
                threads: request.threads,
            };
            let Some(evaluation) = evaluate_policy_unless(stop, &model, &spec, protocol)? else {
                return Ok(None);
            };
            let mean_return = statistics::Center::Mean.estimate(&evaluation.returns);
            let lengths: Vec<f64> = evaluation.steps.iter().map(|&steps| steps as f64).collect();
            json!({
                "command": "eval",
                "run": request.run.display().to_string(),
                "env": spec.id,
                "seed": request.seed,
                "episodes": request.episodes,
                (catalogue::MEAN_RETURN): mean_return.value,
                // Null for fewer than three episodes.
                "mean_return_low": mean_return.low(),
                "mean_return_high": mean_return.high(),
                "std_return": evaluation.std_return(),
                "mean_steps": statistics::mean(&lengths),
                "truncated": evaluation.truncated,
                "parameters": model.parameters(),
            })
        }
        Subject::Classifier { predictor, data } => {
            let samples = data.test_of(&predictor)?;
            let test = predictor.embedded(&samples);
            let answers = predictor.answers(&test.inputs, &mut Workspace::default());
            if test.classes == 0 {
                let unit = predictor.preprocessing().value(1.0) - predictor.preprocessing().value(0.0);
                return Ok(Some(json!({
                    "command": "eval",
                    "run": request.run.display().to_string(),
                    "data": data.source,
                    "test_samples": test.len(),
                    (catalogue::TEST_RMSE): unit * rmse_of(&answers, &test.values),
                    "parameters": predictor.parameters(),
                })));
            }
            let judged = Judged::new(test.classes, &answers, &test.labels);
            let mut summary = json!({
                "command": "eval",
                "run": request.run.display().to_string(),
                "data": data.source,
                "test_samples": test.len(),
                (catalogue::TEST_ERROR): judged.error(),
                (catalogue::NLL): judged.nll(1.0),
                "brier": judged.brier(1.0),
                (catalogue::ECE): calibration_error(&judged.reliability(1.0)),
            });
            for (key, cost) in costs(&predictor, &samples).as_object().into_iter().flatten() {
                summary[key.as_str()] = cost.clone();
            }
            summary
        }
    };
    Ok(Some(measures))
}
