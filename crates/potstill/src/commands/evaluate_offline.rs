//! `potstill evaluate-offline`: the value of a run's policy, from recorded episodes alone.

use crate::config::{ConfigError, Origin, read_toml};
use crate::error::Error;
use crate::evaluation::{
    Estimated, Estimator, Evaluated, Evaluation, EvaluationError, EvaluationOptions, Gate, Numbers,
    RecordedBy, Verdict, Watch, evaluate,
};
use crate::model::{Actor, Model, ModelActor, longest_episode, play_unless};
use crate::policy::Policy;
use crate::run::{
    Observer, Subject, check_playable, find_environment, is_random, recorded_episodes, seed_runs, usage,
};
use crate::store::{RunDir, names};
use crate::train::statistics::{Center, Estimate};
use crate::train::{Stop, TrainError, parallel_map};
use crate::words::counted;
use potstill_core::Streams;
use potstill_env::registry::Spec;
use potstill_env::{BoxEnv, Row};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// A request to evaluate a policy from recorded episodes.
#[derive(Clone, Debug)]
pub struct EvaluateOfflineRequest {
    /// The run directory, or a folder of seeds.
    pub run: PathBuf,
    /// The recorded episodes: a file, `minari:ID` or `random:STEPS`.
    pub data: String,
    /// The policy over the run's values or logits.
    pub policy: Policy,
    /// The policy that has recorded the episodes, if it is known.
    pub behaviour: Option<RecordedByRequest>,
    /// Discount of the returns; that of the run, or 0.99, if it is not given.
    pub gamma: Option<f64>,
    /// Updates of each fit of a network; as many as the discount asks for, if it is not given.
    pub updates: Option<u64>,
    /// The condition for the policy to be accepted.
    pub accept_if: Option<Gate>,
    /// Episodes to play in the environment, for comparison.
    pub truth_episodes: Option<u64>,
    /// The seed of all random numbers.
    pub seed: u64,
    /// Threads to use. Results do not depend on their number.
    pub threads: usize,
}

/// The policy that has recorded episodes.
#[derive(Clone, Debug)]
pub enum RecordedByRequest {
    /// Uniformly random actions.
    Random,
    /// This policy over the outputs of the model of a run.
    Run(PathBuf, Policy),
}

impl RecordedByRequest {
    /// The policy of a run, or `random`, with this probability of a random action or this temperature of
    /// its softmax; none if no run is given.
    ///
    /// # Errors
    /// If a probability or temperature is given of no run, or is none.
    pub fn of(
        run: Option<PathBuf>,
        epsilon: Option<f64>,
        temperature: Option<f64>,
    ) -> Result<Option<Self>, ConfigError> {
        let policy = Policy::softened(epsilon, temperature)
            .map_err(|reason| ConfigError::Usage(format!("--behaviour: {reason}")))?;
        match run {
            Some(run) if run.to_str() != Some("random") => Ok(Some(Self::Run(run, policy))),
            _ if policy != Policy::Greedy => Err(ConfigError::Usage(
                "--behaviour-epsilon and --behaviour-temperature are of the run that --behaviour names"
                    .to_owned(),
            )),
            run => Ok(run.map(|_| Self::Random)),
        }
    }
}

/// Evaluates the policy of a run from recorded episodes; of a folder of seeds each, under `runs`.
/// `accepted` in the result says whether it fulfils the condition, if there is one: the policies of all
/// seeds have to.
///
/// # Errors
/// If the folder is not the run of a policy, the data cannot be read or are of another environment, a fit
/// fails, or the observer stops it.
pub fn evaluate_offline(request: &EvaluateOfflineRequest, observer: &dyn Observer) -> Result<Value, Error> {
    let dir = RunDir::open_model(&request.run)?;
    let seeds = seed_runs(dir.path());
    if seeds.is_empty() {
        return evaluate_one(request, &dir, observer);
    }
    let of_seed = |run: PathBuf| {
        let dir = RunDir::open(&run)?;
        evaluate_one(&EvaluateOfflineRequest { run, ..request.clone() }, &dir, observer)
    };
    let runs = seeds.into_iter().map(of_seed).collect::<Result<Vec<Value>, Error>>()?;
    let mut result = json!({
        "command": "evaluate-offline",
        "run": request.run.display().to_string(),
        "data": request.data,
        "seeds": runs.len(),
    });
    for key in ["env", "policy", "gamma", "seed", "episodes", "steps", "behaviour"] {
        result[key] = runs[0][key].clone();
    }
    if let Some(gate) = &request.accept_if {
        let accepted = runs.iter().filter(|run| run["accepted"] == true).count();
        result["accept_if"] = json!(gate.to_string());
        result["accepted"] = json!(accepted == runs.len());
        result["reason"] = json!(format!("it holds for {accepted} of {}", counted(runs.len(), "seed")));
    }
    result["runs"] = runs.into();
    Ok(result)
}

/// Evaluates the policy of one run.
fn evaluate_one(
    request: &EvaluateOfflineRequest,
    dir: &RunDir,
    observer: &dyn Observer,
) -> Result<Value, Error> {
    let (model, spec) = policy_of(dir)?;
    if request.truth_episodes.is_some() {
        check_playable(&spec)?;
    }
    if matches!(model, Model::Control(_)) && (request.policy != Policy::Greedy || request.behaviour.is_some())
    {
        return Err(usage(format!(
            "{}: its policy of a box of actions is deterministic and has no probabilities; leave out --epsilon, \
             --temperature and --behaviour",
            request.run.display()
        )));
    }
    let gamma = match request.gamma {
        Some(gamma) if (0.0..=1.0).contains(&gamma) => gamma,
        Some(gamma) => return Err(usage(format!("--gamma {gamma}: write a number from 0 to 1"))),
        None => discount(dir)?.unwrap_or(0.99),
    };
    let data = recorded_episodes(("--data", &request.data), &spec, "a policy is evaluated by episodes")?;
    let other = match &request.behaviour {
        Some(RecordedByRequest::Run(run, policy)) => {
            let (model, other) = policy_of(&RunDir::open_model(run)?)?;
            if (other.observation_space(), other.action_space())
                != (spec.observation_space(), spec.action_space())
            {
                let (run, id, other) = (run.display(), &spec.id, &other.id);
                return Err(usage(format!("--behaviour {run}: it is of {other}, not of {id}")));
            }
            Some((model, *policy))
        }
        Some(RecordedByRequest::Random) | None => None,
    };
    let recorded_by = match (&request.behaviour, &other) {
        (_, Some((model, policy))) => RecordedBy::Policy(model, *policy),
        (Some(RecordedByRequest::Random), _) => RecordedBy::Random,
        _ if is_random(&request.data) => RecordedBy::Random,
        _ => RecordedBy::Unknown,
    };
    let streams = Streams::new(request.seed);
    let mut options =
        EvaluationOptions { threads: request.threads, ..EvaluationOptions::new(gamma, streams) };
    options.fitted_q.updates = request.updates.unwrap_or(options.fitted_q.updates);
    let longest = longest_episode(&spec.observation_space());
    let time_limit = spec.time_limit_steps.map_or(longest, |steps| steps as usize);
    let evaluated = Evaluated { model: &model, policy: request.policy, time_limit };
    let (done, total) = (AtomicU64::new(0), options.work(&model));
    let watch = |units: u64| {
        let done = units + done.fetch_add(units, Ordering::Relaxed);
        observer.advance(done.min(total), "");
        observer.stop_requested()
    };
    let options = EvaluationOptions { watch: Watch(&watch), ..options };
    observer.begin(&format!("estimates of {}", request.run.display()), total);
    let evaluation = evaluate(&data, evaluated, recorded_by, &options);
    observer.end();
    let evaluation = evaluation.map_err(|error| match error {
        EvaluationError::Data(reason) => usage(format!("--data {}: {reason}", request.data)),
        EvaluationError::Train(error) => error.into(),
        EvaluationError::Stopped => Error::Abandoned,
    })?;
    let mut result = json!({
        "command": "evaluate-offline",
        "run": request.run.display().to_string(),
        "data": request.data,
        "env": spec.id,
        "policy": request.policy.to_string(),
        "gamma": gamma,
        "horizon": evaluation.horizon,
        "seed": request.seed,
        "episodes": data.episodes().len(),
        "steps": data.steps(),
    });
    described(&mut result, &evaluation);
    if let Some(episodes) = request.truth_episodes {
        let stop = || observer.stop_requested();
        let played =
            played((&model, request.policy), &spec, gamma, (episodes, streams, request.threads), &stop)?;
        let truth = played.ok_or(Error::Abandoned)?;
        result["truth"] = truth;
    }
    if let Some(gate) = &request.accept_if {
        let (accepted, reason) = decided(gate, &evaluation);
        result["accept_if"] = json!(gate.to_string());
        result["accepted"] = json!(accepted);
        result["reason"] = json!(reason);
    }
    Ok(result)
}

/// The policy of a run, and its environment.
fn policy_of(dir: &RunDir) -> Result<(Model, Spec), Error> {
    match Subject::load(dir)? {
        Subject::Policy { model, spec } => Ok((model, spec)),
        Subject::Classifier { .. } => {
            let run = dir.path().display();
            Err(usage(format!("{run} learned no policy, but a classifier; potstill eval tests that")))
        }
    }
}

/// The discount that a run has learned with.
fn discount(dir: &RunDir) -> Result<Option<f64>, Error> {
    let path = dir.path().join(names::CONFIG);
    let config = read_toml(&dir.read_text(names::CONFIG)?, Origin::File(path.display().to_string()))?;
    Ok(config.get("gamma").and_then(toml::Value::as_float))
}

/// Adds an evaluation to the result.
fn described(result: &mut Value, evaluation: &Evaluation) {
    let Evaluation { behaviour, probabilities, estimates, inapplicable, cut_off, coverage, remarks, .. } =
        evaluation;
    let number = |estimate: &Estimate| json!({ "value": estimate.value, "low": estimate.low(), "high": estimate.high() });
    let estimate = |one: &Estimated| {
        json!({
            "estimator": one.estimator.name(),
            "value": one.estimate.value,
            "low": one.estimate.low(),
            "high": one.estimate.high(),
            "effective_sample_size": one.effective_sample_size,
            "doubt": one.doubt,
        })
    };
    let without = inapplicable.iter().map(|(estimators, reason)| {
        json!({ "estimators": estimators.iter().map(|one| one.name()).collect::<Vec<_>>(), "reason": reason })
    });
    let verdict = match Verdict::of(estimates) {
        Verdict::Agreed(one) => {
            result["headline"] = estimate(one);
            "agreed"
        }
        Verdict::Disagreed(above, below) => {
            result["headline"] = Value::Null;
            result["disagreement"] = json!([above.estimator.name(), below.estimator.name()]);
            "disagreed"
        }
        Verdict::Untrusted => {
            result["headline"] = Value::Null;
            "untrusted"
        }
    };
    result["verdict"] = json!(verdict);
    result["behaviour"] = number(behaviour);
    result["effective_sample_size"] = json!(effective_sample_size(evaluation));
    result["estimators"] = estimates.iter().map(estimate).collect();
    result["inapplicable"] = without.collect();
    result["behaviour_probabilities"] = json!(probabilities);
    result["cut_off_episodes"] = json!(cut_off);
    result["coverage"] = json!({
        "states": coverage.pairs.map(|[states, _]| states),
        "pairs": coverage.pairs.map(|[_, pairs]| pairs),
        "action_entropy": coverage.action_entropy.map(|[entropy, _]| entropy),
        "action_entropy_max": coverage.action_entropy.map(|[_, most]| most),
        "unsupported": coverage.unsupported,
        "mean_q_of_recorded_actions": coverage.mean_q.map(|[data, _]| data),
        "mean_q_of_policy": coverage.mean_q.map(|[_, policy]| policy),
    });
    result["remarks"] = json!(remarks);
}

/// The effective sample size of the ratios; `None` if there are none.
fn effective_sample_size(evaluation: &Evaluation) -> Option<f64> {
    evaluation.estimates.iter().find_map(|one| one.effective_sample_size)
}

/// The decision on a policy: true if it is accepted, and the reason.
fn decided(gate: &Gate, evaluation: &Evaluation) -> (bool, String) {
    let behaviour = evaluation.behaviour;
    match Verdict::of(&evaluation.estimates) {
        Verdict::Agreed(Estimated { estimate: Estimate { value, interval: Some((low, high)) }, .. }) => {
            let numbers = Numbers {
                estimate: *value,
                lower_bound: *low,
                upper_bound: *high,
                behaviour: behaviour.value,
                behaviour_lower: behaviour.low().unwrap_or(f64::NAN),
                behaviour_upper: behaviour.high().unwrap_or(f64::NAN),
                effective_sample_size: effective_sample_size(evaluation).unwrap_or(f64::NAN),
            };
            let [left, right] = gate.sides(&numbers).map(written);
            (gate.accepts(&numbers), format!("{left} and {right}"))
        }
        Verdict::Disagreed(..) => (false, "the estimators disagree".to_owned()),
        _ => (false, "no estimator can be trusted".to_owned()),
    }
}

/// The mean discounted return of episodes that the policy plays, which go on until a thousandth of the
/// discount is left if values do.
fn played(
    (model, policy): (&Model, Policy),
    spec: &Spec,
    gamma: f64,
    (episodes, streams, threads): (u64, Streams, usize),
    stop: &Stop<'_>,
) -> Result<Option<Value>, Error> {
    let rest = 0.001_f64;
    let enough = (potstill_core::math::ln_f64(rest) / potstill_core::math::ln_f64(gamma)).ceil();
    let limit =
        spec.time_limit_steps.filter(|_| !matches!(model, Model::Table(_)) && gamma > 0.0 && gamma < 1.0);
    let longer = limit.filter(|&limit| (limit as f64) < enough);
    let extended =
        longer.and_then(|_| find_environment(&spec.id, &[format!("max_episode_steps={enough}")]).ok());
    let spec = extended.as_ref().unwrap_or(spec);
    struct Protocol<'a>(&'a Model, Policy, f64, (u64, Streams, usize));
    fn returns<O: Row + ?Sized, A: Row + ?Sized>(
        Protocol(model, policy, gamma, (episodes, streams, threads)): Protocol<'_>,
        make: impl Fn() -> BoxEnv<O, A> + Sync,
        stop: &Stop<'_>,
    ) -> Result<Option<Vec<f64>>, Error>
    where
        for<'a> ModelActor<'a>: Actor<O, A>,
    {
        let played = parallel_map(episodes as usize, threads, |i| {
            let seed = streams.seed_for("evaluation", i as u64);
            let mut rng = Streams::new(seed).stream("actor");
            let mut actor = ModelActor::new(model, policy);
            let episode = play_unless(stop, &mut make(), &mut actor, seed, &mut rng)?;
            Ok(episode.map(|episode| episode.trajectory.initial_return(gamma).0))
        });
        Ok(played.into_iter().collect::<Result<Option<Vec<f64>>, _>>().map_err(TrainError::Play)?)
    }
    let protocol = Protocol(model, policy, gamma, (episodes, streams, threads));
    let returns = match model {
        Model::Table(_) => {
            returns::<usize, usize>(protocol, || spec.make_states().expect("a table is for states"), stop)
        }
        Model::Control(_) => returns::<[f32], [f32]>(
            protocol,
            || spec.make_control().expect("a policy for a box of actions"),
            stop,
        ),
        _ => returns::<[f32], usize>(protocol, || spec.make_features().expect("it is for features"), stop),
    }?;
    let Some(returns) = returns else { return Ok(None) };
    let truth = Center::Mean.estimate(&returns);
    Ok(Some(json!({
        "episodes": episodes,
        "time_limit_steps": spec.time_limit_steps,
        "value": truth.value,
        "low": truth.low(),
        "high": truth.high(),
    })))
}

/// The result of an evaluation in one or two sentences.
pub fn evaluation_words(result: &Value) -> String {
    if let Some(runs) = result["runs"].as_array() {
        let agreed = runs.iter().filter(|run| run["verdict"] == "agreed").count();
        let run = result["run"].as_str().unwrap_or_default();
        let behaviour = result["behaviour"]["value"].as_f64().map_or("none".to_owned(), written);
        return format!(
            "{run}: a number for {agreed} of {}. Behaviour: {behaviour}.",
            counted(runs.len(), "seed")
        );
    }
    let number = |value: &Value| value.as_f64().map_or("none".to_owned(), written);
    let with_interval = |value: &Value| match value["low"].is_null() {
        true => format!("{} (no interval)", number(&value["value"])),
        false => {
            format!("{} [{}, {}]", number(&value["value"]), number(&value["low"]), number(&value["high"]))
        }
    };
    let title = |name: &Value| title_of(name.as_str().unwrap_or_default());
    let run = result["run"].as_str().unwrap_or_default();
    let behaviour = with_interval(&result["behaviour"]);
    let episodes = counted(result["episodes"].as_u64().unwrap_or_default() as usize, "episode");
    let of_data = format!("Behaviour: {behaviour}, in {episodes}");
    match result["verdict"].as_str() {
        Some("agreed") => {
            let headline = &result["headline"];
            format!(
                "{run} is worth {} by {}. {of_data}.",
                with_interval(headline),
                title(&headline["estimator"])
            )
        }
        Some("disagreed") => {
            let [above, below] = [0, 1].map(|i| title(&result["disagreement"][i]));
            format!(
                "No number for {run}: the intervals of {above} and {below} have nothing in common. {of_data}."
            )
        }
        _ => format!("No number for {run}: no estimator can be trusted. {of_data}."),
    }
}

/// The title of an estimator by its name in files.
pub fn title_of(name: &str) -> &'static str {
    let found = Estimator::ALL.iter().find(|estimator| estimator.name() == name);
    found.map_or("", |estimator| estimator.title())
}

/// A number with four significant digits, or its whole part; 0 below a thousandth.
pub fn written(number: f64) -> String {
    if number.abs() < 1e-3 {
        return "0".to_owned();
    }
    let decimals = (0..=6).find(|&decimals| number.abs() * 10_f64.powi(decimals) >= 1000.0).unwrap_or(6);
    format!("{number:.*}", decimals as usize)
}
