//! From settings to a job, with everything checked that can be checked before the work begins.

use super::catalogue::{Algorithm, DataKind, Learns, PolicyKind};
use super::checks::{
    bad, check_end, check_ends, check_optimizer, check_size, checked_data, env_and_length, env_for, find_env,
    usage,
};
use super::deep::{PrepareDeep, with_deep};
use super::planners::{MakePlanner, WithPlanner, with_planner};
use super::prepared::PreparedRun;
use super::sources::peek;
use super::subject::{Subject, keeps};
use super::tabular::{MakeTabular, Place, WithTabular, with_tabular};
use crate::baseline::{RandomLinear, RandomLinearConfig};
use crate::config::{Layer, Origin, Settings, resolve};
use crate::data::{RecordedEnv, Recording};
use crate::distill::{FitConfig, PolicyDistillConfig, PolicyDistiller, SoftTargets, SoftTargetsConfig};
use crate::error::Error;
use crate::export::safetensors;
use crate::jobs::{
    DataConfig, DistilConfig, EvalConfig, Job, PlanConfig, PlannerJob, PolicyDistillationJob,
    ReinforcementJob, RunConfig, SourceConfig, StoreConfig, SupervisedJob,
};
use crate::model::Model;
use crate::optimizer::StudentOptimizer;
use crate::planning::PlanningConfig;
use crate::store::{self, RunDir, names};
use crate::train::{Trainer, VecTrainer};
use potstill_core::Streams;
use potstill_env::registry::Spec;
use potstill_env::{Autoreset, Env, StateEnv};
use potstill_nn::NetworkSpec;
use std::path::Path;
use std::sync::Arc;
use toml::{Table, Value};

/// What is written above the settings of a training run.
pub(crate) fn train_head(algorithm: &str) -> Vec<(&'static str, Value)> {
    vec![("command", "train".into()), ("algorithm", algorithm.into())]
}

/// What is written above the settings of a distillation run.
pub(crate) fn distillation_head() -> Vec<(&'static str, Value)> {
    vec![("command", "distill".into())]
}

/// A training run.
///
/// # Errors
/// If a key or value is wrong, or they do not go together.
pub(crate) fn prepare_train(
    algorithm: &Algorithm,
    layers: &[Layer],
    threads: usize,
    dir: Option<&RunDir>,
) -> Result<PreparedRun, Error> {
    prepare_headed(algorithm, &train_head(algorithm.name), layers, threads, dir)
}

/// A training run with these lines above its settings. `dir` is its directory, if it was begun before.
pub(crate) fn prepare_headed(
    algorithm: &Algorithm,
    head: &[(&str, Value)],
    layers: &[Layer],
    threads: usize,
    dir: Option<&RunDir>,
) -> Result<PreparedRun, Error> {
    let name = algorithm.name;
    match algorithm.learns {
        Learns::States => with_tabular(name, PrepareTabular { algorithm, head, layers, threads, dir }),
        Learns::Model => with_planner(name, PreparePlanner { algorithm, head, layers }),
        Learns::Features => with_deep(name, PrepareDeep { algorithm, head, layers, threads }),
        Learns::Control => prepare_control(algorithm, head, layers, threads),
        Learns::Labels => {
            let resolved = resolve::<((DataConfig, (FitConfig, StudentOptimizer)), StoreConfig)>(layers)?;
            let config = resolved.to_toml(head);
            let ((run, (fit, StudentOptimizer(optimizer))), store) = resolved.settings;
            let data = checked_data(run.data.as_deref(), &fit)?;
            check_size("net_arch", &run.net_arch, data.features, data.classes)?;
            check_optimizer(fit.learning_rate, &run.net_arch, &optimizer)?;
            let fit = (fit, optimizer);
            let job = Box::new(SupervisedJob::new(&data, run.seed, &run.net_arch, fit, None, None));
            Ok(PreparedRun::of(algorithm, (&run.data.unwrap_or_default(), run.seed), config, store, job))
        }
    }
}

/// A run of a policy for a box of actions.
fn prepare_control(
    algorithm: &Algorithm,
    head: &[(&str, Value)],
    layers: &[Layer],
    threads: usize,
) -> Result<PreparedRun, Error> {
    let resolved = resolve::<((RunConfig, (EvalConfig, RandomLinearConfig)), StoreConfig)>(layers)?;
    let config = resolved.to_toml(head);
    let ((run, (eval, own)), store) = resolved.settings;
    let spec = env_and_length(algorithm, &run)?;
    let (seed, streams, on) = (run.seed, Streams::new(run.seed), spec.name().to_owned());
    let agent = RandomLinear::new(spec.observation_space().features(), &spec.action_space(), streams);
    let maker = spec.clone();
    let make_env = move || maker.make_control().expect("checked: a box of actions");
    let name = algorithm.name;
    let job: Box<dyn Job> = match own.num_envs as usize {
        1 => {
            let trainer = Trainer::new(agent, make_env(), streams);
            Box::new(ReinforcementJob::new(name, trainer, make_env, spec, run, Some(eval), threads))
        }
        copies => {
            let envs = spec.make_vec_control(copies, Autoreset::SameStep).expect("checked: a box of actions");
            let trainer = VecTrainer::new(agent, envs, streams);
            Box::new(ReinforcementJob::new(name, trainer, make_env, spec, run, Some(eval), threads))
        }
    };
    Ok(PreparedRun::of(algorithm, (&on, seed), config, store, job))
}

/// A distillation run with this teacher.
///
/// # Errors
/// If a key or value is wrong, or they do not go together.
pub(crate) fn prepare_distillation(
    subject: Subject,
    layers: &[Layer],
    threads: usize,
) -> Result<PreparedRun, Error> {
    let head = distillation_head();
    let plan = |config, run: &DistilConfig, place: &str, store, job, teacher: &Model| {
        let (on, seed) = (place, run.seed);
        PreparedRun {
            name: format!("distill-{on}-seed{seed}"),
            place: format!("{on}, seed {seed}"),
            config,
            store,
            job,
            copy: Some((names::TEACHER, safetensors::write(teacher))),
        }
    };
    match subject {
        Subject::Policy { model, spec } => {
            let resolved =
                resolve::<((DistilConfig, (PolicyDistillConfig, StudentOptimizer)), StoreConfig)>(layers)?;
            let config = resolved.to_toml(&head);
            let ((run, (distil, StudentOptimizer(optimizer))), store) = resolved.settings;
            let teacher_run = run.teacher.clone().unwrap_or_default();
            let Model::Network(teacher) = &model else {
                return Err(usage(format!(
                    "{teacher_run} learned a table; a policy's teacher is a network (train dqn)"
                )));
            };
            let id = &spec.id;
            match (&run.env, &run.data) {
                (Some(env), None) if env == id => {}
                (None, None) => return Err(usage(format!("where? give --env {id}"))),
                (Some(env), None) => {
                    find_env(env)?;
                    return Err(usage(format!(
                        "the teacher was trained in {id}; --env must be {id}, got {env}"
                    )));
                }
                (_, Some(_)) => {
                    return Err(usage(format!("the teacher is a policy; give --env {id}, not --data")));
                }
            }
            let student = student_spec(&run)?;
            check_ends("student", student, &PolicyDistiller::ends(student, teacher))?;
            check_optimizer(distil.learning_rate, student, &optimizer)?;
            let (taught, distil) = ((teacher.clone(), teacher_run), (distil, optimizer));
            let place = spec.name().to_owned();
            let job = Box::new(PolicyDistillationJob::new(taught, spec, run.seed, student, distil, threads));
            Ok(plan(config, &run, &place, store, job, &model))
        }
        Subject::Classifier { network, data, fit } => {
            // Student and teacher must have the same test samples, or the student would learn from the teacher what it is tested on.
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
            let config = resolved.to_toml(&head);
            let ((run, (soft, (fit, StudentOptimizer(optimizer)))), store) = resolved.settings;
            match (&run.env, &run.data) {
                (None, Some(given)) if *given == data => {}
                (None, None) => return Err(usage(format!("on what? give --data {data}"))),
                _ => return Err(usage(format!("the teacher was trained on {data}; give --data {data}"))),
            }
            let student = student_spec(&run)?;
            let dataset = checked_data(Some(&data), &fit)?;
            check_size("student", student, dataset.features, dataset.classes)?;
            check_optimizer(fit.learning_rate, student, &optimizer)?;
            let (temperature, alpha) = (soft.temperature as f32, soft.alpha as f32);
            let soft_targets = Some(SoftTargets::frozen(network.clone(), temperature, alpha));
            let taught = Some((network.clone(), run.teacher.clone().unwrap_or_default()));
            let fit = (fit, optimizer);
            let job = Box::new(SupervisedJob::new(&dataset, run.seed, student, fit, soft_targets, taught));
            let model = Model::Network(network);
            Ok(plan(config, &run, &data, store, job, &model))
        }
    }
}

fn student_spec(run: &DistilConfig) -> Result<&NetworkSpec, Error> {
    run.student.as_ref().ok_or_else(|| usage("into what? give --student SPEC, such as --student mlp:16"))
}

struct PrepareTabular<'a> {
    algorithm: &'a Algorithm,
    head: &'a [(&'a str, Value)],
    layers: &'a [Layer],
    threads: usize,
    dir: Option<&'a RunDir>,
}

/// How often a recording is gone through, if neither steps nor episodes are given.
const PASSES: u64 = 10;

impl PrepareTabular<'_> {
    /// The recording that is learned from, and the layers with what follows from it.
    fn recording(&self) -> Result<Option<(Recording, Vec<Layer>)>, Error> {
        let Some(file) = peek(self.layers, "data") else { return Ok(None) };
        let name = self.algorithm.name;
        if self.algorithm.data == DataKind::Online {
            let why = match self.algorithm.policy {
                Some(PolicyKind::On) => "is on-policy: it learns from what it does itself",
                _ => "learns while it acts",
            };
            return Err(usage(format!(
                "`{name}` {why}, not from --data; off-policy algorithms do, such as q-learning (see `potstill algos`)"
            )));
        }
        if peek(self.layers, "behaviour").is_some() {
            return Err(usage("give `data` or `behaviour`, not both: who acted in the data has acted"));
        }
        let wrong = |reason: String| usage(format!("--data {file}: {reason}"));
        let text = store::read_text(Path::new(file))?;
        let recording = Recording::parse(&text).map_err(wrong)?;
        let mut values = Table::new();
        if peek(self.layers, "env").is_none() {
            values.insert("env".to_owned(), recording.env.clone().into());
        }
        let given = |key: &str| self.layers.iter().any(|layer| layer.values.contains_key(key));
        if !given("steps") && !given("episodes") {
            let episodes = PASSES * recording.episodes.len() as u64;
            values.insert("episodes".to_owned(), Value::Integer(episodes as i64));
        }
        let crc = i64::from(crc32c::crc32c(text.as_bytes()));
        let known = self.layers.iter().rev().find_map(|layer| layer.values.get("data_crc32c"));
        if known.is_some_and(|known| known.as_integer() != Some(crc)) {
            return Err(wrong("it is not the file that the run was begun with".to_owned()));
        }
        values.insert("data_crc32c".to_owned(), Value::Integer(crc));
        // The run may be resumed from another folder.
        if let Some(path) = std::path::absolute(file).ok().as_deref().and_then(Path::to_str) {
            values.insert("data".to_owned(), path.into());
        }
        let mut layers = self.layers.to_vec();
        layers.push(Layer { origin: Origin::Program("of the data"), values });
        Ok(Some((recording, layers)))
    }

    /// The table of another run, whose policy is to act, as a file and as values.
    fn other(&self, run: &str, spec: &Spec) -> Result<(Vec<u8>, Vec<f64>), Error> {
        let subject = match self.dir {
            Some(dir) if keeps(dir, names::BEHAVIOUR)? => Subject::load_copy(dir, names::BEHAVIOUR)?,
            _ => Subject::load(&RunDir::open(Path::new(run))?)?,
        };
        let shape = (spec.observation_space().discrete(), spec.action_space().discrete());
        match subject {
            Subject::Policy { model, .. } => match &model {
                Model::Table(table) if (Some(table.states()), Some(table.actions())) == shape => {
                    Ok((safetensors::write(&model), table.values().to_vec()))
                }
                _ => {
                    let (name, (states, actions)) =
                        (spec.name(), (spec.observation_space(), spec.action_space()));
                    Err(bad(
                        "behaviour",
                        format!("{run} learned no action values for {name} ({states}, {actions})"),
                    ))
                }
            },
            Subject::Classifier { .. } => {
                Err(bad("behaviour", format!("{run} learned a classifier, no policy")))
            }
        }
    }
}

impl WithTabular for PrepareTabular<'_> {
    type Output = Result<PreparedRun, Error>;

    fn with<S: Settings>(self, make: MakeTabular<S>) -> Self::Output {
        let recorded = self.recording()?;
        let (recording, layers) = match recorded {
            Some((recording, layers)) => (Some(recording), layers),
            None => (None, self.layers.to_vec()),
        };
        let resolved = resolve::<((RunConfig, (SourceConfig, S)), StoreConfig)>(&layers)?;
        let config = resolved.to_toml(self.head);
        let ((run, (source, settings)), store) = resolved.settings;
        let spec = env_and_length(self.algorithm, &run)?;
        let states = spec.observation_space().discrete().expect("checked: discrete observations");
        let actions = spec.action_space().discrete().expect("checked: discrete actions");
        let gamma = settings.get("gamma").and_then(|gamma| gamma.as_float());
        if gamma == Some(1.0) && self.algorithm.name != "r-learning" {
            check_end(&spec)?;
        }
        let text = |key: &str| settings.get(key).and_then(|value| value.as_str().map(str::to_owned));
        if text("traces").as_deref() == Some("dutch")
            && text("alpha").is_some_and(|alpha| alpha.starts_with("1/n"))
        {
            let reason = "dutch traces need one step size for all pairs; give another schedule, or traces=accumulating or replacing";
            return Err(bad("alpha", reason.to_owned()));
        }
        if let Some(recording) = &recording {
            let file = peek(self.layers, "data").unwrap_or_default();
            let spaces = (spec.observation_space().to_string(), spec.action_space().to_string());
            let theirs = (&recording.observation_space, &recording.action_space);
            if theirs != (&spaces.0, &spaces.1) {
                let (of, theirs, id) = (&recording.env, format!("{}, {}", theirs.0, theirs.1), &spec.id);
                return Err(usage(format!(
                    "--data {file}: it was recorded in {of} ({theirs}); {id} has {}, {}",
                    spaces.0, spaces.1
                )));
            }
            let (observations, choices) = (spec.observation_space(), spec.action_space());
            recording
                .check(&observations, &choices)
                .map_err(|reason| usage(format!("--data {file}: {reason}")))?;
        }
        let (copy, others) = match &source.behaviour {
            Some(run) => {
                let (file, values) = self.other(run, &spec)?;
                (Some((names::BEHAVIOUR, file)), Some(values))
            }
            None => (None, None),
        };
        let (seed, on) = (run.seed, spec.name().to_owned());
        let recording = recording.map(Arc::new);
        let streams = Streams::new(seed);
        let place = Place { spec: &spec, states, actions, streams, others, recording: recording.clone() };
        let agent = make(settings, &place);
        let world = spec.clone();
        let env = move || -> StateEnv {
            match &recording {
                Some(recording) => {
                    let (observations, actions) = (world.observation_space(), world.action_space());
                    Box::new(RecordedEnv::new(recording.clone(), observations, actions))
                }
                None => world.make_states().expect("checked: discrete observations"),
            }
        };
        let trainer = Trainer::new(agent, env(), streams);
        let job = ReinforcementJob::new(self.algorithm.name, trainer, env, spec, run, None, self.threads);
        Ok(PreparedRun { copy, ..PreparedRun::of(self.algorithm, (&on, seed), config, store, Box::new(job)) })
    }
}

struct PreparePlanner<'a> {
    algorithm: &'a Algorithm,
    head: &'a [(&'a str, Value)],
    layers: &'a [Layer],
}

impl WithPlanner for PreparePlanner<'_> {
    type Output = Result<PreparedRun, Error>;

    fn with<S: Settings>(self, make: MakePlanner<S>) -> Self::Output {
        let name = self.algorithm.name;
        for key in ["steps", "episodes"] {
            if self.layers.iter().any(|layer| layer.values.contains_key(key)) {
                return Err(usage(format!(
                    "`{name}` takes no --{key}: it sweeps over the exact model until the values stay (keys tolerance and max_sweeps)"
                )));
            }
        }
        let resolved = resolve::<((PlanConfig, (PlanningConfig, S)), StoreConfig)>(self.layers)?;
        let config = resolved.to_toml(self.head);
        let ((run, (planning, own)), store) = resolved.settings;
        let spec = env_for(self.algorithm, run.env.as_deref())?;
        let Some(model) = spec.make_states().and_then(|env| env.model()) else {
            return Err(usage(format!(
                "`{name}` needs an exact model, which {} has not; q-learning and others learn there without one",
                spec.id
            )));
        };
        if planning.gamma == 1.0 {
            check_end(&spec)?;
        }
        let (seed, on, env) = (run.seed, spec.name().to_owned(), spec.id.clone());
        let planner = make(model, &planning, own);
        let PlanningConfig { max_sweeps, tolerance, .. } = planning;
        let job = PlannerJob { algorithm: name, env, run, tolerance, max_sweeps, planner };
        Ok(PreparedRun::of(self.algorithm, (&on, seed), config, store, Box::new(job)))
    }
}

/// The teacher as it can be found from anywhere.
pub(crate) fn teacher_layer(teacher: &Path) -> Layer {
    let path = std::path::absolute(teacher).unwrap_or_else(|_| teacher.to_owned());
    let values = Table::from_iter([("teacher".to_owned(), path.display().to_string().into())]);
    Layer { origin: Origin::CommandLine, values }
}
