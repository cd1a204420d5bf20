//! From settings to a job, with everything checked that can be checked before the work begins.

use super::catalogue::{DataKind, PolicyKind};
use super::deep::{PlanDeep, with_deep};
use super::distilling::Distilling;
use super::evaluate::Subject;
use super::fitting::Fitting;
use super::job::Job;
use super::learning::Learning;
use super::planning::{MakePlanner, Planning, WithPlanner, with_planner};
use super::resume::keeps;
use super::settings::{DataConfig, DistilConfig, PlanConfig, RunConfig, SourceConfig, StoreConfig};
use super::tabular::{MakeTabular, Place, WithTabular, with_tabular};
use super::{Algorithm, Learns, find_env, peek, usage};
use crate::config::{ConfigError, Layer, Origin, Settings, resolve};
use crate::distill::{FitConfig, PolicyDistillConfig, PolicyDistiller, SoftTargets, SoftTargetsConfig};
use crate::error::Error;
use crate::data::labelled::DATASETS;
use crate::data::{Dataset, RecordedEnv, Recording};
use crate::export::safetensors;
use crate::model::Model;
use crate::planning::{self, PlanningConfig};
use crate::store::{self, RunDir, names};
use crate::teacher::{Inputs, Teacher};
use crate::train::Trainer;
use potstill_core::Streams;
use potstill_env::registry::{self, Spec};
use potstill_env::{Autoreset, Env, StateEnv};
use potstill_nn::{Ends, NetworkSpec};
use std::path::Path;
use std::sync::Arc;
use toml::{Table, Value};

/// Parameters of the biggest network that is built: Adam and a target network hold four times as many numbers.
const PARAMETERS_MAX: usize = 100_000_000;

/// Everything that is needed to begin a run, or to go on with it.
pub(crate) struct Plan {
    /// A name for the run directory.
    pub(crate) name: String,
    /// `config.toml`.
    pub(crate) config: String,
    /// The environment or dataset, and the seed.
    pub(crate) place: String,
    pub(crate) store: StoreConfig,
    pub(crate) job: Box<dyn Job>,
    /// The model file of another run, which becomes a part of this one under this name.
    pub(crate) copy: Option<(&'static str, Vec<u8>)>,
}

impl Plan {
    /// A training run of this algorithm on this environment or dataset, with this seed.
    pub(super) fn of(
        algorithm: &Algorithm,
        (on, seed): (&str, u64),
        config: String,
        store: StoreConfig,
        job: Box<dyn Job>,
    ) -> Self {
        Self {
            name: format!("{}-{on}-seed{seed}", algorithm.name),
            place: format!("{on}, seed {seed}"),
            config,
            store,
            job,
            copy: None,
        }
    }
}

/// What is written above the settings of a training run.
pub(crate) fn train_head(algorithm: &str) -> Vec<(&'static str, Value)> {
    vec![("command", "train".into()), ("algorithm", algorithm.into())]
}

/// What is written above the settings of a distillation run.
pub(crate) fn distil_head() -> Vec<(&'static str, Value)> {
    vec![("command", "distill".into())]
}

/// A training run.
///
/// # Errors
/// If a key or value is wrong, or they do not go together.
pub(crate) fn plan_train(
    algorithm: &Algorithm,
    layers: &[Layer],
    threads: usize,
    dir: Option<&RunDir>,
) -> Result<Plan, Error> {
    plan_headed(algorithm, &train_head(algorithm.name), layers, threads, dir)
}

/// A training run with these lines above its settings. `dir` is its directory, if it was begun before.
pub(super) fn plan_headed(
    algorithm: &Algorithm,
    head: &[(&str, Value)],
    layers: &[Layer],
    threads: usize,
    dir: Option<&RunDir>,
) -> Result<Plan, Error> {
    let name = algorithm.name;
    match algorithm.learns {
        Learns::States => with_tabular(name, PlanTabular { algorithm, head, layers, threads, dir }),
        Learns::Model => with_planner(name, PlanPlanner { algorithm, head, layers }),
        Learns::Features => with_deep(name, PlanDeep { algorithm, head, layers, threads }),
        Learns::Labels => {
            let resolved = resolve::<((DataConfig, FitConfig), StoreConfig)>(layers)?;
            let config = resolved.to_toml(head);
            let ((run, fit), store) = resolved.settings;
            let data = checked_data(run.data.as_deref(), &fit)?;
            check_size("net_arch", &run.net_arch, data.features, data.classes)?;
            let job = Box::new(Fitting::new(&data, run.seed, &run.net_arch, &fit, None, None));
            Ok(Plan::of(algorithm, (&run.data.unwrap_or_default(), run.seed), config, store, job))
        }
    }
}

/// A distillation run with this teacher.
///
/// # Errors
/// If a key or value is wrong, or they do not go together.
pub(crate) fn plan_distil(subject: Subject, layers: &[Layer], threads: usize) -> Result<Plan, Error> {
    let head = distil_head();
    let plan = |config, run: &DistilConfig, place: &str, store, job, teacher: &Model| {
        let (on, seed) = (place, run.seed);
        Plan {
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
            let resolved = resolve::<((DistilConfig, PolicyDistillConfig), StoreConfig)>(layers)?;
            let config = resolved.to_toml(&head);
            let ((run, distil), store) = resolved.settings;
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
            let taught = (teacher.clone(), teacher_run);
            let place = spec.name().to_owned();
            let job = Box::new(Distilling::new(taught, spec, run.seed, student, &distil, threads));
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
            let resolved = resolve::<((DistilConfig, (SoftTargetsConfig, FitConfig)), StoreConfig)>(&layers)?;
            let config = resolved.to_toml(&head);
            let ((run, (soft, fit)), store) = resolved.settings;
            match (&run.env, &run.data) {
                (None, Some(given)) if *given == data => {}
                (None, None) => return Err(usage(format!("on what? give --data {data}"))),
                _ => return Err(usage(format!("the teacher was trained on {data}; give --data {data}"))),
            }
            let student = student_spec(&run)?;
            let dataset = checked_data(Some(&data), &fit)?;
            check_size("student", student, dataset.features, dataset.classes)?;
            let teacher = Teacher::frozen(network.clone(), soft.temperature as f32, Inputs::Dataset);
            let soft_targets = Some(SoftTargets { teacher, alpha: soft.alpha as f32 });
            let taught = Some((network.clone(), run.teacher.clone().unwrap_or_default()));
            let job = Box::new(Fitting::new(&dataset, run.seed, student, &fit, soft_targets, taught));
            let model = Model::Network(network);
            Ok(plan(config, &run, &data, store, job, &model))
        }
    }
}

pub(super) fn bad(key: &str, reason: String) -> Error {
    ConfigError::Value { key: key.to_owned(), origin: None, reason }.into()
}

fn student_spec(run: &DistilConfig) -> Result<&NetworkSpec, Error> {
    run.student.as_ref().ok_or_else(|| usage("into what? give --student SPEC, such as --student mlp:16"))
}

fn check_size(key: &str, spec: &NetworkSpec, inputs: usize, outputs: usize) -> Result<(), Error> {
    check_ends(key, spec, &Ends::new(inputs, outputs))
}

/// Refuses a network that cannot be, or is too large.
pub(super) fn check_ends(key: &str, spec: &NetworkSpec, ends: &Ends) -> Result<(), Error> {
    let parameters = spec.check(ends).map_err(|reason| bad(key, format!("{spec}: {reason}")))?;
    if parameters > PARAMETERS_MAX {
        let reason = format!("{spec} has {parameters} parameters here; at most {PARAMETERS_MAX} are held");
        return Err(bad(key, reason));
    }
    Ok(())
}

struct PlanTabular<'a> {
    algorithm: &'a Algorithm,
    head: &'a [(&'a str, Value)],
    layers: &'a [Layer],
    threads: usize,
    dir: Option<&'a RunDir>,
}

/// How often a recording is gone through, if neither steps nor episodes are given.
const PASSES: u64 = 10;

impl PlanTabular<'_> {
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

impl WithTabular for PlanTabular<'_> {
    type Output = Result<Plan, Error>;

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
            recording.check(&observations, &choices).map_err(|reason| usage(format!("--data {file}: {reason}")))?;
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
        let job = Learning::new(self.algorithm.name, trainer, env, spec, run, None, self.threads);
        Ok(Plan { copy, ..Plan::of(self.algorithm, (&on, seed), config, store, Box::new(job)) })
    }
}

struct PlanPlanner<'a> {
    algorithm: &'a Algorithm,
    head: &'a [(&'a str, Value)],
    layers: &'a [Layer],
}

impl WithPlanner for PlanPlanner<'_> {
    type Output = Result<Plan, Error>;

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
        let job = Planning { algorithm: name, env, run, tolerance, max_sweeps, planner };
        Ok(Plan::of(self.algorithm, (&on, seed), config, store, Box::new(job)))
    }
}

/// Refuses a task that never ends, if its future is not discounted.
fn check_end(spec: &Spec) -> Result<(), Error> {
    match spec.make_states().and_then(|env| env.model()) {
        Some(model) if !planning::ends(&model) => {
            let id = &spec.id;
            let reason = format!(
                "must be below 1 in {id}, which never ends: its returns would be infinite; or learn with r-learning"
            );
            Err(bad("gamma", reason))
        }
        _ => Ok(()),
    }
}

/// The environment, if it is of the kind that the algorithm learns from.
fn env_for(algorithm: &Algorithm, id: Option<&str>) -> Result<Spec, Error> {
    let id = id.ok_or_else(|| usage("which environment? give --env ID (see `potstill envs`)"))?;
    let spec = find_env(id)?;
    let (fits, needs, instead) = match algorithm.learns {
        Learns::States | Learns::Model => {
            // Planes are too many for boxes; features may be put into some.
            let instead = match spec.make_vec_features(1, Autoreset::SameStep) {
                Some(_) => format!("; put them into boxes (--env {id}{}bins=8), or train dqn", joint(id)),
                None => "; train dqn".to_owned(),
            };
            (spec.make_states().is_some(), "discrete observations", instead)
        }
        _ => {
            let one_hot = format!("{id}{}one_hot=true", joint(id));
            let instead = match registry::find(&one_hot) {
                Ok(_) => format!("; give one number to each (--env {one_hot})"),
                Err(_) => String::new(),
            };
            (spec.make_features().is_some(), "observations with features", instead)
        }
    };
    if !fits {
        let (name, actions) = (algorithm.name, spec.action_space());
        return Err(usage(match actions.discrete() {
            Some(_) => {
                let space = spec.observation_space();
                format!("`{name}` needs {needs}; those of {id} are {space}{instead}")
            }
            None => format!("`{name}` needs discrete actions; those of {id} are {actions}"),
        }));
    }
    Ok(spec)
}

/// What stands between an id and one more option.
fn joint(id: &str) -> char {
    if id.contains(':') { ',' } else { ':' }
}

pub(super) fn env_and_length(algorithm: &Algorithm, run: &RunConfig) -> Result<Spec, Error> {
    let spec = env_for(algorithm, run.env.as_deref())?;
    match (run.steps, run.episodes) {
        (None, None) => Err(usage("how long? give --steps N or --episodes N")),
        (Some(_), Some(_)) => Err(usage("give --steps or --episodes, not both")),
        _ => Ok(spec),
    }
}

/// The dataset of a run, if its split leaves something to train on.
pub(super) fn checked_data(name: Option<&str>, fit: &FitConfig) -> Result<Dataset, Error> {
    let name = name.ok_or_else(|| usage(format!("which dataset? give --data {}", DATASETS.join("|"))))?;
    let data = Dataset::by_name(name).ok_or_else(|| ConfigError::unknown("dataset", name, None, DATASETS))?;
    if fit.test_samples >= data.len() as u64 {
        let reason = format!("must leave something to train on, but the dataset has {} samples", data.len());
        return Err(bad("test_samples", reason));
    }
    Ok(data)
}
