//! Turns settings into a job, with every check that is possible before the work begins.

use super::checks::{bad, checked_data, env_for, find_env, usage};
use super::features::PrepareFeatures;
use super::idle_keys::idle_keys;
use super::prepared::PreparedRun;
use super::sources::peek;
use super::start::Start;
use super::subject::Subject;
use super::tabular::PrepareTabular;
use crate::algorithm::{Algorithm, Builder, Constructor, Task};
use crate::config::{Layer, Origin, Settings, resolve, resolve_onto};
use crate::distill::classifier::ClassifierSettings;
use crate::distill::{FitConfig, PolicyDistillConfig, PolicyDistiller, SoftTargets, SoftTargetsConfig};
use crate::error::Error;
use crate::export::safetensors;
use crate::jobs::{
    DataConfig, DistilConfig, EvalConfig, PlanConfig, PlannerJob, PolicyDistillationJob, RunConfig,
    SourceConfig, StoreConfig, SupervisedJob,
};
use crate::model::Model;
use crate::optimizer::StudentOptimizer;
use crate::planning::{Planner, PlanningConfig};
use crate::shell;
use crate::store::{RunDir, names};
use potstill_core::Streams;
use potstill_nn::{Ends, NetworkSpec};
use std::path::Path;
use toml::{Table, Value};

/// The keys above the settings of a training run.
pub(crate) fn train_head(algorithm: &str) -> Vec<(&'static str, Value)> {
    vec![("command", "train".into()), ("algorithm", algorithm.into())]
}

/// The keys above the settings of a distillation run.
pub(crate) fn distillation_head() -> Vec<(&'static str, Value)> {
    vec![("command", "distill".into())]
}

/// Prepares a training run.
///
/// # Errors
/// If a key or value is wrong, or values exclude each other.
pub(crate) fn prepare_train(
    algorithm: &'static Algorithm,
    layers: &[Layer],
    threads: usize,
    dir: Option<&RunDir>,
) -> Result<PreparedRun, Error> {
    prepare_headed(algorithm, &train_head(algorithm.name), layers, threads, dir)
}

/// Prepares a training run with these keys above its settings. `dir` is its directory, if it exists already.
pub(crate) fn prepare_headed(
    algorithm: &'static Algorithm,
    head: &[(&str, Value)],
    layers: &[Layer],
    threads: usize,
    dir: Option<&RunDir>,
) -> Result<PreparedRun, Error> {
    started(layers, dir, |layers| prepare_fresh(algorithm, head, layers, threads, dir))
}

/// Prepares a run, which starts from another one if its settings name one.
fn started(
    layers: &[Layer],
    dir: Option<&RunDir>,
    prepare: impl FnOnce(&[Layer]) -> Result<PreparedRun, Error>,
) -> Result<PreparedRun, Error> {
    match Start::read(layers, dir)? {
        None => prepare(layers),
        Some(start) => start.apply(prepare(&[layers, &[start.layer()]].concat())?),
    }
}

/// Prepares a training run that starts from nothing.
fn prepare_fresh(
    algorithm: &'static Algorithm,
    head: &[(&str, Value)],
    layers: &[Layer],
    threads: usize,
    dir: Option<&RunDir>,
) -> Result<PreparedRun, Error> {
    let features = PrepareFeatures { algorithm, head, layers, threads };
    match algorithm.builder {
        Builder::States(new) => PrepareTabular { algorithm, head, layers, threads, dir }.prepare(new),
        Builder::Model(new) => prepare_planner(algorithm, new, head, layers),
        Builder::Features(new) => features.prepare(new),
        Builder::Control(new) => features.prepare(new),
        // One algorithm learns from labels alone; its descriptor has the same settings.
        Builder::Labels(_) => {
            let resolved = resolve::<((DataConfig, ClassifierSettings), StoreConfig)>(layers)?;
            let (config, idle) = (resolved.to_toml(head), idle_keys(&resolved));
            let ((run, (fit, StudentOptimizer(optimizer))), store) = resolved.settings;
            let data = checked_data(run.data.as_deref(), &fit)?;
            let ends = Ends::new(data.features, data.classes);
            optimizer.check(("net_arch", &run.net_arch, &ends), fit.learning_rate)?;
            let (settings, steps) = (fit.clone(), fit.total_steps(data.len() - fit.test_samples as usize));
            let fit = (fit, optimizer);
            let job = Box::new(SupervisedJob::new(&data, run.seed, &run.net_arch, fit, None, None));
            let on = run.data.unwrap_or_default();
            let prepared = PreparedRun::of(algorithm, (&on, run.seed), config, store, job);
            Ok(prepared.with_warning(idle).with_schedules(&settings, None, Some(steps)))
        }
    }
}

/// The default settings of a training run of an algorithm, the keys of all runs included.
pub(crate) fn train_settings(algorithm: &Algorithm) -> Box<dyn Settings> {
    let (run, store) = (RunConfig::default(), StoreConfig::default());
    match algorithm.builder {
        Builder::States(new) => Box::new(((run, (SourceConfig::default(), new())), store)),
        Builder::Model(new) => Box::new(((PlanConfig::default(), new()), store)),
        Builder::Features(new) => Box::new(((run, (EvalConfig::default(), new())), store)),
        Builder::Control(new) => Box::new(((run, (EvalConfig::default(), new())), store)),
        Builder::Labels(new) => Box::new(((DataConfig::default(), new()), store)),
    }
}

/// Prepares a distillation run with this teacher.
///
/// # Errors
/// If a key or value is wrong, or values exclude each other.
pub(crate) fn prepare_distillation(
    subject: Subject,
    layers: &[Layer],
    threads: usize,
    dir: Option<&RunDir>,
) -> Result<PreparedRun, Error> {
    started(layers, dir, |layers| prepare_student(subject, layers, threads))
}

/// Prepares a distillation run that starts from nothing.
fn prepare_student(subject: Subject, layers: &[Layer], threads: usize) -> Result<PreparedRun, Error> {
    let head = distillation_head();
    let layers = &with_checksum(&subject, layers)?;
    let plan = |config, run: &DistilConfig, place: &str, store, job, teacher: &Model| {
        let (on, seed) = (place, run.seed);
        PreparedRun {
            name: format!("distill-{on}-seed{seed}"),
            place: format!("{on}, seed {seed}"),
            config,
            store,
            job,
            copy: Some((names::TEACHER, safetensors::write(teacher))),
            schedules: Vec::new(),
            warnings: Vec::new(),
            start: None,
        }
    };
    match subject {
        Subject::Policy { model, spec } => {
            let resolved =
                resolve::<((DistilConfig, (PolicyDistillConfig, StudentOptimizer)), StoreConfig)>(layers)?;
            let (config, idle) = (resolved.to_toml(&head), idle_keys(&resolved));
            let ((run, (distil, StudentOptimizer(optimizer))), store) = resolved.settings;
            let teacher_run = run.teacher.clone().unwrap_or_default();
            let Model::Network(teacher) = &model else {
                let learned = if matches!(model, Model::Table(_)) { "a table" } else { "no network" };
                return Err(usage(format!(
                    "{teacher_run} learned {learned}; a policy's teacher is a network (train dqn)"
                )));
            };
            let id = &spec.id;
            match (&run.env, &run.data) {
                (Some(env), None) if env == id => {}
                (None, None) => return Err(usage(format!("where? give --env {}", shell::word(id)))),
                (Some(env), None) => {
                    find_env(env)?;
                    return Err(usage(format!(
                        "the teacher was trained in {id}; --env must be {id}, got {env}"
                    )));
                }
                (_, Some(_)) => {
                    let id = shell::word(id);
                    return Err(usage(format!("the teacher is a policy; give --env {id}, not --data")));
                }
            }
            let student = student_spec(&run)?;
            let ends = PolicyDistiller::ends(student, teacher);
            optimizer.check(("student", student, &ends), distil.learning_rate)?;
            let (settings, steps) = (distil.clone(), distil.total_steps());
            let (taught, distil) = ((teacher.clone(), teacher_run), (distil, optimizer));
            let place = spec.name().to_owned();
            let job = Box::new(PolicyDistillationJob::new(taught, spec, run.seed, student, distil, threads));
            Ok(plan(config, &run, &place, store, job, &model).with_warning(idle).with_schedules(
                &settings,
                None,
                Some(steps),
            ))
        }
        Subject::Classifier { network, data, fit } => {
            // Student and teacher must have the same test samples, or the student would learn from the
            // teacher about its own test samples.
            let mut values = Table::new();
            for key in ["split_seed", "test_samples"] {
                let theirs = fit.get(key).expect("a key of the fit");
                if layers.iter().any(|layer| layer.values.get(key).is_some_and(|ours| *ours != theirs)) {
                    return Err(bad(key, format!("must be the teacher's, {theirs}")));
                }
                values.insert(key.to_owned(), theirs);
            }
            let mut layers = layers.to_vec();
            layers.push(Layer { origin: Origin::Program("the teacher's"), values });
            let resolved = resolve::<(
                (DistilConfig, (SoftTargetsConfig, (FitConfig, StudentOptimizer))),
                StoreConfig,
            )>(&layers)?;
            let (config, idle) = (resolved.to_toml(&head), idle_keys(&resolved));
            let ((run, (soft, (fit, StudentOptimizer(optimizer)))), store) = resolved.settings;
            match (&run.env, &run.data) {
                (None, Some(given)) if *given == data => {}
                (None, None) => return Err(usage(format!("on what? give --data {data}"))),
                _ => return Err(usage(format!("the teacher was trained on {data}; give --data {data}"))),
            }
            let student = student_spec(&run)?;
            let dataset = checked_data(Some(&data), &fit)?;
            let ends = Ends::new(dataset.features, dataset.classes);
            optimizer.check(("student", student, &ends), fit.learning_rate)?;
            let (temperature, alpha) = (soft.temperature as f32, soft.alpha as f32);
            let soft_targets = Some(SoftTargets::frozen(network.clone(), temperature, alpha));
            let taught = Some((network.clone(), run.teacher.clone().unwrap_or_default()));
            let (settings, steps) = (fit.clone(), fit.total_steps(dataset.len() - fit.test_samples as usize));
            let fit = (fit, optimizer);
            let job = Box::new(SupervisedJob::new(&dataset, run.seed, student, fit, soft_targets, taught));
            let model = Model::Network(network);
            Ok(plan(config, &run, &data, store, job, &model).with_warning(idle).with_schedules(
                &settings,
                None,
                Some(steps),
            ))
        }
    }
}

/// The layers with the checksum of the teacher, if it is the one that they name.
fn with_checksum(subject: &Subject, layers: &[Layer]) -> Result<Vec<Layer>, Error> {
    const KEY: &str = "teacher_crc32c";
    let (Subject::Policy { model: Model::Network(network), .. } | Subject::Classifier { network, .. }) =
        subject
    else {
        return Ok(layers.to_vec());
    };
    let bytes: Vec<u8> = network.parameters().iter().flat_map(|p| p.to_le_bytes()).collect();
    let ours = i64::from(crc32c::crc32c(&bytes));
    let known = layers.iter().rev().find_map(|layer| layer.values.get(KEY)?.as_integer());
    if let Some(known) = known.filter(|known| *known != ours) {
        let teacher = peek(layers, "teacher").unwrap_or_default();
        return Err(usage(format!(
            "{teacher} is not the teacher that the run was begun with: its parameters have the checksum {ours}, not {known}; put the \
             other back, or leave `{KEY}` out to distil this one"
        )));
    }
    let values = Table::from_iter([(KEY.to_owned(), Value::Integer(ours))]);
    Ok([layers, &[Layer { origin: Origin::Program("of the teacher"), values }]].concat())
}

fn student_spec(run: &DistilConfig) -> Result<&NetworkSpec, Error> {
    run.student
        .as_ref()
        .ok_or_else(|| usage("into which student? give --student SPEC, such as --student mlp:16"))
}

/// A run of a planner.
fn prepare_planner(
    algorithm: &'static Algorithm,
    new: Constructor<(PlanningConfig, Box<dyn Planner>)>,
    head: &[(&str, Value)],
    layers: &[Layer],
) -> Result<PreparedRun, Error> {
    let name = algorithm.name;
    for key in ["steps", "episodes"] {
        if layers.iter().any(|layer| layer.values.contains_key(key)) {
            return Err(usage(format!(
                "`{name}` takes no --{key}: it sweeps over the exact model until the values converge (keys tolerance and max_sweeps)"
            )));
        }
    }
    let resolved = resolve_onto(((PlanConfig::default(), new()), StoreConfig::default()), layers)?;
    let (config, idle) = (resolved.to_toml(head), idle_keys(&resolved));
    let ((run, settings), store) = resolved.settings;
    let spec = env_for(algorithm, run.env.as_deref())?;
    let (seed, on, env) = (run.seed, spec.name().to_owned(), spec.id.clone());
    let task = Task::new(name, &spec, Streams::new(seed));
    let (PlanningConfig { max_sweeps, tolerance, .. }, planner) = settings.build(&task)?;
    let job = PlannerJob { algorithm: name, env, run, tolerance, max_sweeps, planner };
    Ok(PreparedRun::of(algorithm, (&on, seed), config, store, Box::new(job)).with_warning(idle))
}

/// The setting of the teacher's absolute path.
pub(crate) fn teacher_layer(teacher: &Path) -> Layer {
    let path = std::path::absolute(teacher).unwrap_or_else(|_| teacher.to_owned());
    let values = Table::from_iter([("teacher".to_owned(), path.display().to_string().into())]);
    Layer { origin: Origin::CommandLine, values }
}
