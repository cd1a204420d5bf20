//! `potstill distill`.

use super::train::{RunOutcome, carry_out, checked_data, fit_classifier, keep_or_discard, usage};
use super::{Progress, Sources, Subject, check_out, evaluate_policy};
use crate::config::{ConfigError, Settings, resolve, settings};
use crate::distill::classifier::{agreement, error_rate};
use crate::distill::{FitConfig, PolicyDistillConfig, PolicyDistiller, SoftTargets, SoftTargetsConfig};
use crate::error::Error;
use crate::model::{Model, NetworkActor, play};
use crate::policy::Policy;
use crate::report::{LineChart, Series};
use crate::store::{Log, RunDir};
use crate::teacher::{Inputs, Teacher};
use crate::train::{Protocol, TrainError};
use potstill_core::Streams;
use potstill_env::registry::Spec;
use potstill_nn::{Network, NetworkSpec};
use serde_json::{Value, json};
use std::path::PathBuf;

/// What to distil from whom into what.
#[derive(Clone, Debug, Default)]
pub struct DistilRequest {
    /// The teacher's run directory.
    pub teacher: PathBuf,
    /// Where values come from.
    pub sources: Sources,
    /// The run directory to make.
    pub out: Option<PathBuf>,
    /// Threads to use. The result does not depend on it.
    pub threads: usize,
}

settings! {
    /// The keys of every distillation run.
    pub struct DistilConfig {
        /// The teacher's run directory
        teacher: Option<String> = (), in Any;
        /// The student's network
        student: Option<NetworkSpec> = (), in Any;
        /// The environment that a policy is distilled in
        env: Option<String> = (), in Any;
        /// The dataset that a classifier is distilled on
        data: Option<String> = (), in Any;
        /// The seed of all random streams
        seed: u64 = 0, in Any;
    }
}

/// Distils, and returns the summary that is also written to the run directory.
///
/// # Errors
/// If the request cannot be run (nothing is then left behind), or training fails.
pub fn distil(request: &DistilRequest, progress: &dyn Progress) -> Result<Value, Error> {
    check_out(request.out.as_deref())?;
    let mut sources = request.sources.clone();
    let teacher_path = request.teacher.display().to_string();
    sources.flags.insert("teacher".to_owned(), teacher_path.clone().into());
    let head = [("command", "distill")];
    let layers = sources.layers(&head)?;
    match Subject::load(&RunDir::open(&request.teacher)?)? {
        Subject::Policy { model, spec } => {
            let Model::Network(teacher) = model else {
                return Err(usage(format!(
                    "{teacher_path} learned a table; a policy's teacher is a network (train dqn)"
                )));
            };
            let resolved = resolve::<(DistilConfig, PolicyDistillConfig)>(&layers)?;
            let (run, config) = &resolved.settings;
            match (&run.env, &run.data) {
                (Some(env), None) if env == spec.id => {}
                (None, None) => return Err(usage(format!("where? give --env {}", spec.id))),
                (Some(env), None) => {
                    super::find_env(env)?;
                    let id = spec.id;
                    return Err(usage(format!(
                        "the teacher was trained in {id}; --env must be {id}, got {env}"
                    )));
                }
                (_, Some(_)) => {
                    return Err(usage(format!(
                        "the teacher is a policy; give --env {}, not --data",
                        spec.id
                    )));
                }
            }
            let student = student_spec(run)?;
            let dir =
                RunDir::create(request.out.as_deref(), &format!("distill-{}-seed{}", spec.id, run.seed))?;
            let title = format!("{student} distilled in {}, seed {}", spec.id, run.seed);
            keep_or_discard(&dir, |dir| {
                carry_out(dir, &resolved.to_toml(&head), &title, |log| {
                    distil_policy(&teacher, spec, run.seed, student, config, log, request.threads, progress)
                })
            })
        }
        Subject::Classifier { network, data, fit } => {
            let mut resolved = resolve::<(DistilConfig, (SoftTargetsConfig, FitConfig))>(&layers)?;
            // Student and teacher must have the same test samples, or the student would learn from the teacher what it is tested on.
            for key in ["split_seed", "test_samples"] {
                let theirs = fit.get(key).expect("a key of the fit");
                if layers.iter().any(|layer| layer.values.get(key).is_some_and(|ours| *ours != theirs)) {
                    let reason = format!("must be the teacher's, {theirs}");
                    return Err(ConfigError::Value { key: key.to_owned(), origin: None, reason }.into());
                }
                resolved.derive(key, &theirs);
            }
            let (run, (soft, fit)) = &resolved.settings;
            match (&run.env, &run.data) {
                (None, Some(given)) if *given == data => {}
                (None, None) => return Err(usage(format!("on what? give --data {data}"))),
                _ => return Err(usage(format!("the teacher was trained on {data}; give --data {data}"))),
            }
            let student = student_spec(run)?;
            let dataset = checked_data(Some(&data), fit)?;
            let dir = RunDir::create(request.out.as_deref(), &format!("distill-{data}-seed{}", run.seed))?;
            let title = format!("{student} distilled on {data}, seed {}", run.seed);
            keep_or_discard(&dir, |dir| {
                carry_out(dir, &resolved.to_toml(&head), &title, |log| {
                    let teacher = Teacher::frozen(network.clone(), soft.temperature as f32, Inputs::Dataset);
                    let soft_targets = Some(SoftTargets { teacher, alpha: soft.alpha as f32 });
                    let mut outcome =
                        fit_classifier(&dataset, run.seed, student, fit, soft_targets, log, progress)?;
                    let (_, test) = dataset
                        .split(fit.test_samples as usize, &mut Streams::new(fit.split_seed).stream("split"));
                    if let Model::Network(student) = &outcome.model {
                        let summary = &mut outcome.summary;
                        summary["command"] = json!("distill");
                        summary["algorithm"] = json!("soft targets");
                        summary["teacher"] = json!(teacher_path);
                        summary["teacher_parameters"] = json!(network.parameters().len());
                        summary["teacher_test_error"] = json!(error_rate(&network, &test));
                        summary["agreement"] = json!(agreement(&network, student, &test.inputs));
                    }
                    Ok(outcome)
                })
            })
        }
    }
}

fn student_spec(run: &DistilConfig) -> Result<&NetworkSpec, Error> {
    run.student.as_ref().ok_or_else(|| usage("into what? give --student SPEC, such as --student mlp:16"))
}

/// Distils a policy and compares it with its teacher.
pub(crate) fn distil_policy(
    teacher: &Network,
    spec: &'static Spec,
    seed: u64,
    student: &NetworkSpec,
    config: &PolicyDistillConfig,
    log: &mut Log,
    threads: usize,
    progress: &dyn Progress,
) -> Result<RunOutcome, Error> {
    const EPISODES: usize = 100;
    /// Episodes after each round; the best round is kept.
    const VALIDATION: usize = 20;
    let streams = Streams::new(seed);
    let env = spec.make_features().expect("a network is for features");
    let mut distiller = PolicyDistiller::new(config.clone(), student, teacher.clone(), env, streams);
    let of = |network: &Network, purpose, episodes| {
        evaluate_policy(
            &Model::Network(network.clone()),
            spec,
            Protocol { episodes, streams, purpose, threads },
        )
    };
    let (mut losses, mut returns) = (Vec::new(), Vec::new());
    let mut best: Option<(f64, Network)> = None;
    progress.begin(&format!("distilling in {}", spec.id), config.rounds);
    while distiller.rounds() < config.rounds {
        let round = distiller.round().map_err(TrainError::Play)?;
        let done = distiller.rounds();
        losses.push((done as f64, round.loss));
        let mean = of(distiller.student(), "validation", VALIDATION)?.mean_return();
        returns.push((done as f64, mean));
        log.line(&json!({
            "round": done,
            "transfer_states": round.states,
            "train/loss": round.loss,
            "eval/mean_reward": mean,
        }))?;
        progress.advance(done, &format!("return {mean:.1}"));
        // A later round has seen more: it wins a tie.
        if best.as_ref().is_none_or(|(score, _)| mean >= *score) {
            best = Some((mean, distiller.student().clone()));
        }
    }
    progress.end();
    let (_, student) = best.expect("there is a round");
    let (of_teacher, of_student) =
        (of(teacher, "comparison", EPISODES)?, of(&student, "comparison", EPISODES)?);
    let summary = json!({
        "command": "distill",
        "algorithm": "policy distillation",
        "env": spec.id,
        "seed": seed,
        "transfer_states": distiller.transfer_states(),
        "q_gap": distiller.gap(),
        "mean_return": of_student.mean_return(),
        "std_return": of_student.std_return(),
        "episodes": EPISODES,
        "teacher_parameters": teacher.parameters().len(),
        "teacher_mean_return": of_teacher.mean_return(),
        "agreement": unseen_agreement(teacher, &student, spec, streams)?,
    });
    let chart = |title: &str, y_label: &str, points| LineChart {
        title: title.to_owned(),
        x_label: "round".to_owned(),
        y_label: y_label.to_owned(),
        series: vec![Series { name: y_label.to_owned(), points, band: Vec::new() }],
        y_range: None,
    };
    let curves = vec![
        chart("Return of the student after each round", "return", returns),
        chart("Loss of the student against its teacher", "loss", losses),
    ];
    Ok(RunOutcome { model: Model::Network(student), summary, curves })
}

/// The fraction of states on which teacher and student choose alike, over states of new episodes that neither was trained
/// on: ten that the teacher plays, ten that the student plays.
pub(crate) fn unseen_agreement(
    teacher: &Network,
    student: &Network,
    spec: &Spec,
    streams: Streams,
) -> Result<f64, Error> {
    let mut env = spec.make_features().expect("a network is for features");
    let mut states = Vec::new();
    for episode in 0..20 {
        let player = if episode % 2 == 0 { teacher } else { student };
        let seed = streams.seed_for("agreement", episode);
        let mut rng = Streams::new(seed).stream("actor");
        let played = play(&mut env, &mut NetworkActor::new(player, Policy::Greedy), seed, &mut rng)
            .map_err(TrainError::Play)?;
        let steps = played.trajectory.steps();
        states.extend(played.trajectory.observations()[..steps].iter().flatten().copied());
    }
    Ok(agreement(teacher, student, &states))
}
