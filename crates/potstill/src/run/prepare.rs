//! Turns settings into a job, with every check that is possible before the work begins.

use super::checks::{check_playable, env_for, find_env, usage};
use super::data_file::{absolute_place, refused};
use super::features::PrepareFeatures;
use super::idle_keys::idle_keys;
use super::labels::{DISTILL, distillation_head, prepare_classifier, prepare_student_of_data, student_spec};
use super::prepared::PreparedRun;
use super::sources::peek;
use super::start::Start;
use super::subject::check_shape;
use super::tabular::PrepareTabular;
use super::teachers::{Teacher, parameters_checksum};
use super::transitions::{deep_settings, recorded_episodes};
use crate::algorithm::{Algorithm, Builder, Constructor, Task};
use crate::config::{
    ConfigError, Layer, Origin, Settings, StudentSpec, read_toml, refuse_batch_norm, resolve, resolve_onto,
};
use crate::distill::{EnsembleMean, PolicyDistillConfig, PolicyDistiller};
use crate::error::Error;
use crate::export::safetensors;
use crate::jobs::{
    DataConfig, PlanConfig, PlannerJob, PolicyDistillation, PolicyDistillationJob, RecordedStates, RunConfig,
    SourceConfig, StoreConfig,
};
use crate::model::Model;
use crate::optimizer::StudentOptimizer;
use crate::planning::{Planner, PlanningConfig};
use crate::store::{RunDir, names};
use crate::train::Play;
use potstill_core::Streams;
use potstill_env::registry::Spec;
use toml::{Table, Value};

/// The keys above the settings of a training run.
pub(crate) fn train_head(algorithm: &str) -> Vec<(&'static str, Value)> {
    vec![("command", "train".into()), ("algorithm", algorithm.into())]
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
        Builder::Policy(choices, _) if features.has_choices(choices)? => features.prepare(choices),
        Builder::Policy(_, control) => features.prepare(control),
        // One algorithm learns from labels alone; its descriptor has the same settings.
        Builder::Labels(_) => prepare_classifier(algorithm, head, layers, threads),
    }
}

/// Constructs an actor for a run with this `config.toml`: so many copies of its environment, from `first` on.
///
/// # Errors
/// If the configuration is none of a training in copies of an environment, or has not so many.
pub fn player(config: &str, first: usize, count: usize) -> Result<Box<dyn Play>, Error> {
    let origin = Origin::Program("of the run");
    let mut values = read_toml(config, origin.clone())?;
    values.remove("command");
    let name = values.remove("algorithm").and_then(|name| name.as_str().map(str::to_owned));
    let algorithm = Algorithm::find(&name.unwrap_or_default())?;
    let (layers, part) = ([Layer { origin, values }], (first, count));
    let features = PrepareFeatures { algorithm, head: &[], layers: &layers, threads: 1 };
    match algorithm.builder {
        Builder::Features(new) => features.player(new, part),
        Builder::Control(new) => features.player(new, part),
        Builder::Policy(choices, _) if features.has_choices(choices)? => features.player(choices, part),
        Builder::Policy(_, control) => features.player(control, part),
        Builder::States(_) | Builder::Model(_) | Builder::Labels(_) => {
            Err(usage(format!("{} learns in no copies of an environment", algorithm.name)))
        }
    }
}

/// The default settings of a training run of an algorithm, the keys of all runs included.
pub(crate) fn train_settings(algorithm: &Algorithm) -> Box<dyn Settings> {
    let (run, store) = (RunConfig::default(), StoreConfig::default());
    match algorithm.builder {
        Builder::States(new) => Box::new(((run, (SourceConfig::default(), new())), store)),
        Builder::Model(new) => Box::new(((PlanConfig::default(), new()), store)),
        Builder::Features(new) => Box::new(((run, (deep_settings(algorithm), new())), store)),
        Builder::Control(new) => Box::new(((run, (deep_settings(algorithm), new())), store)),
        // Both have the same settings.
        Builder::Policy(new, _) => Box::new(((run, (deep_settings(algorithm), new())), store)),
        Builder::Labels(new) => Box::new(((DataConfig::default(), new()), store)),
    }
}

/// Prepares a distillation run with this teacher.
///
/// # Errors
/// If a key or value is wrong, or values exclude each other.
pub(crate) fn prepare_distillation(
    teacher: Teacher,
    layers: &[Layer],
    threads: usize,
    dir: Option<&RunDir>,
) -> Result<PreparedRun, Error> {
    started(layers, dir, |layers| prepare_student(teacher, &distillation_head(), layers, threads))
}

/// Prepares a distillation run with these keys above its settings, which has no directory yet.
pub(crate) fn prepare_headed_distillation(
    teacher: Teacher,
    head: &[(&str, Value)],
    layers: &[Layer],
    threads: usize,
) -> Result<PreparedRun, Error> {
    started(layers, None, |layers| prepare_student(teacher, head, layers, threads))
}

/// Prepares a distillation run that starts from nothing.
fn prepare_student(
    teacher: Teacher,
    head: &[(&str, Value)],
    layers: &[Layer],
    threads: usize,
) -> Result<PreparedRun, Error> {
    let (teacher, layers) = teacher.with_unlabelled(layers)?;
    let layers = &with_checksum(&teacher, &layers)?;
    match teacher {
        Teacher::Policy(policy) => prepare_student_policy(*policy, head, layers, threads),
        Teacher::Classes(teachers) => {
            let copy = teachers.predictor().cloned().map(Model::Predictor);
            let prepared = prepare_student_of_data(teachers, head, layers, threads)?;
            Ok(match copy {
                Some(model) => with_teacher(prepared, &model),
                None => prepared,
            })
        }
    }
}

/// The run with a copy of its teacher.
fn with_teacher(run: PreparedRun, teacher: &Model) -> PreparedRun {
    PreparedRun { copy: Some((names::TEACHER, safetensors::write(teacher))), ..run }
}

/// Prepares the run of a student that learns a policy.
fn prepare_student_policy(
    (model, spec): (Model, Spec),
    head: &[(&str, Value)],
    layers: &[Layer],
    threads: usize,
) -> Result<PreparedRun, Error> {
    let spec = if spec.is_playable() { spec } else { other_environment(&model, &spec, layers)? };
    // Where the teacher was trained, unless another place is named.
    let place = Table::from_iter([("env".to_owned(), Value::String(spec.id.clone()))]);
    let is_named = layers.iter().any(|layer| layer.values.contains_key("env"));
    let home = (!is_named).then_some(Layer { origin: Origin::Program("of the teacher"), values: place });
    let recorded = peek(layers, "data").map(|given| recorded_states(given, &spec, layers)).transpose()?;
    let (recorded, of_data) = recorded.unzip();
    let layers: Vec<Layer> = home.into_iter().chain(layers.iter().cloned()).chain(of_data).collect();
    let resolved = resolve::<PolicyDistillation>(&layers)?;
    let (config, idle) = (resolved.to_toml(head), idle_keys(&resolved));
    let ((run, (distil, StudentOptimizer(optimizer))), store) = resolved.settings;
    let teacher_run = run.teacher.clone().unwrap_or_default();
    let Some(teacher) = model.policy_network() else {
        let learned = if matches!(model, Model::Table(_)) { "a table" } else { "no network" };
        return Err(usage(format!(
            "{teacher_run} learned {learned}; a policy's teacher is a network (train dqn, ppo or sac)"
        )));
    };
    let id = &spec.id;
    let env = run.env.as_ref().expect("a policy brings its environment");
    if env != id {
        find_env(env)?;
        return Err(usage(format!("the teacher was trained in {id}; --env must be {id}, got {env}")));
    }
    if run.teacher_weights.is_some() || run.teacher_mean != EnsembleMean::Geometric {
        return Err(usage("teacher_weights and teacher_mean are for several teachers of classes"));
    }
    let StudentSpec::Network(student) = student_spec(&run)? else {
        return Err(usage("a policy's student is a network; give --student mlp:16"));
    };
    if let Model::Control(_) = model {
        // A run that goes on names every key with its default.
        let default = PolicyDistillConfig::default();
        let differs = [
            ("divergence", distil.divergence != default.divergence),
            ("temperature", distil.temperature != default.temperature),
        ];
        for (key, differs) in differs {
            if differs {
                let reason =
                    format!("is about choices; {id} has actions of a box, whose squared distance is learned");
                return Err(ConfigError::value(key, reason).into());
            }
        }
    }
    let ends = PolicyDistiller::ends(student, teacher);
    refuse_batch_norm("student", student)?;
    optimizer.check(("student", student, &ends), distil.learning_rate)?;
    let (settings, steps) = (distil.clone(), distil.total_steps());
    let (taught, distil) = ((model.clone(), teacher_run), (distil, optimizer));
    let on = spec.name().to_owned();
    let job =
        Box::new(PolicyDistillationJob::new(taught, spec, run.seed, student, distil, recorded, threads));
    let student = PreparedRun::of(DISTILL, (&on, run.seed), config, store, job);
    let student = with_teacher(student, &model).with_warning(idle);
    Ok(student.with_schedules(&settings, None, Some(steps)))
}

/// Episodes of which one is held out.
const FOLD: usize = 10;

/// The states of recorded episodes, and the layer of values that follow from them.
fn recorded_states(given: &str, spec: &Spec, layers: &[Layer]) -> Result<(RecordedStates, Layer), Error> {
    let data = recorded_episodes(("--data", given), spec, "a policy is distilled on the states of episodes")?;
    let refuse = |reason: &str| refused("--data", given, reason);
    let crc = i64::from(data.checksum());
    let known = layers.iter().rev().find_map(|layer| layer.values.get("data_crc32c"));
    if known.is_some_and(|known| known.as_integer() != Some(crc)) {
        return Err(refuse("it is not the data that the run was begun with"));
    }
    let observations = data.observations().typed::<f32>();
    let observations = observations.ok_or_else(|| refuse("its observations are no vectors of numbers"))?;
    let (width, episodes) = (data.observation_space().features(), data.episodes());
    let (mut transfer_set, mut held_out) = (Vec::new(), Vec::new());
    for (i, episode) in episodes.iter().enumerate() {
        // No action is taken in the last one.
        let states = &observations[(episode.first_step + i) * width..][..episode.steps * width];
        let is_held_out = episodes.len() >= FOLD && i % FOLD == FOLD - 1;
        (if is_held_out { &mut held_out } else { &mut transfer_set }).extend_from_slice(states);
    }
    let values = Table::from_iter([
        ("data_crc32c".to_owned(), Value::Integer(crc)),
        // The run may be resumed from another folder.
        ("data".to_owned(), absolute_place(given).into()),
    ]);
    Ok((RecordedStates { transfer_set, held_out }, Layer { origin: Origin::Program("of the data"), values }))
}

/// The environment that the settings name for a teacher whose own is not at hand.
fn other_environment(teacher: &Model, own: &Spec, layers: &[Layer]) -> Result<Spec, Error> {
    let Some(env) = peek(layers, "env").filter(|env| *env != own.id) else {
        // Recorded states need none.
        if peek(layers, "data").is_none() {
            check_playable(own)?;
        }
        return Ok(own.clone());
    };
    let spec = find_env(env)?;
    check_playable(&spec)?;
    check_shape(teacher, &spec)
        .map_err(|reason| usage(format!("--env {env}: the teacher does not fit: {reason}")))?;
    Ok(spec)
}

/// The layers with the checksum of the teacher, if it is the one that they name.
pub(super) fn with_checksum(teacher: &Teacher, layers: &[Layer]) -> Result<Vec<Layer>, Error> {
    const KEY: &str = "teacher_crc32c";
    let checked = |ours: i64| {
        let known = layers.iter().rev().find_map(|layer| layer.values.get(KEY)?.as_integer());
        if let Some(known) = known.filter(|known| *known != ours) {
            let teacher = peek(layers, "teacher").unwrap_or_default();
            return Err(usage(format!(
                "{teacher} is not the teacher that the run was begun with: it has the checksum {ours}, not {known}; put the \
                 other back, or leave `{KEY}` out to distil this one"
            )));
        }
        let values = Table::from_iter([(KEY.to_owned(), Value::Integer(ours))]);
        Ok([layers, &[Layer { origin: Origin::Program("of the teacher"), values }]].concat())
    };
    match teacher {
        Teacher::Classes(teachers) => checked(i64::from(teachers.checksum())),
        Teacher::Policy(policy) => match policy.0.policy_network() {
            Some(network) => checked(i64::from(parameters_checksum(network))),
            None => Ok(layers.to_vec()),
        },
    }
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
    Ok(PreparedRun::of(algorithm.name, (&on, seed), config, store, Box::new(job)).with_warning(idle))
}
