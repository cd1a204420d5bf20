//! From settings to a job, with everything checked that can be checked before the work begins.

use super::distilling::Distilling;
use super::evaluate::Subject;
use super::fitting::Fitting;
use super::job::Job;
use super::learning::Learning;
use super::settings::{DataConfig, DistilConfig, EvalConfig, RunConfig, StoreConfig};
use super::tabular::{MakeTabular, WithTabular, with_tabular};
use super::{Algorithm, Learns, find_env, usage};
use crate::config::{ConfigError, Layer, Origin, Settings, resolve};
use crate::deep::{Dqn, DqnConfig};
use crate::distill::{FitConfig, PolicyDistillConfig, SoftTargets, SoftTargetsConfig};
use crate::error::Error;
use crate::experience::Dataset;
use crate::experience::dataset::DATASETS;
use crate::export::safetensors;
use crate::model::Model;
use crate::tabular::TabularConfig;
use crate::teacher::{Inputs, Teacher};
use potstill_core::Streams;
use potstill_env::registry::Spec;
use potstill_nn::NetworkSpec;
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
    /// The teacher's model file, which becomes a part of the run.
    pub(crate) teacher: Option<Vec<u8>>,
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
pub(crate) fn plan_train(algorithm: &Algorithm, layers: &[Layer], threads: usize) -> Result<Plan, Error> {
    plan_headed(algorithm, &train_head(algorithm.name), layers, threads)
}

/// A training run with these lines above its settings.
pub(super) fn plan_headed(
    algorithm: &Algorithm,
    head: &[(&str, Value)],
    layers: &[Layer],
    threads: usize,
) -> Result<Plan, Error> {
    let name = algorithm.name;
    let plan = |config: String, on: &str, seed: u64, store: StoreConfig, job: Box<dyn Job>| Plan {
        name: format!("{name}-{on}-seed{seed}"),
        place: format!("{on}, seed {seed}"),
        config,
        store,
        job,
        teacher: None,
    };
    match algorithm.learns {
        Learns::States => {
            let (config, on, seed, store, job) =
                with_tabular(name, PlanTabular { algorithm, head, layers, threads })?;
            Ok(plan(config, &on, seed, store, job))
        }
        Learns::Features => {
            let resolved = resolve::<((RunConfig, (EvalConfig, DqnConfig)), StoreConfig)>(layers)?;
            let config = resolved.to_toml(head);
            let ((run, (eval, dqn)), store) = resolved.settings;
            let spec = checked_env(algorithm, &run)?;
            let (None, Some(steps)) = (run.episodes, run.steps) else {
                return Err(usage(format!(
                    "`{name}` needs --steps N (its exploration schedule is relative to them)"
                )));
            };
            if dqn.buffer_size < dqn.batch_size {
                let (batch, buffer) = (dqn.batch_size, dqn.buffer_size);
                return Err(bad(
                    "buffer_size",
                    format!("must hold at least a batch of {batch}, got {buffer}"),
                ));
            }
            let features = spec.observation_space().features();
            let actions = spec.action_space().discrete().expect("checked: discrete actions");
            check_size("net_arch", &dqn.net_arch, features, actions)?;
            let seed = run.seed;
            let agent = Dqn::new(dqn, features, actions, steps, Streams::new(seed));
            let on = spec.clone();
            let env = move || on.make_features().expect("checked: features");
            let name_of_env = spec.name().to_owned();
            let job = Box::new(Learning::new(name, agent, env, spec, run, Some(eval), threads));
            Ok(plan(config, &name_of_env, seed, store, job))
        }
        Learns::Labels => {
            let resolved = resolve::<((DataConfig, FitConfig), StoreConfig)>(layers)?;
            let config = resolved.to_toml(head);
            let ((run, fit), store) = resolved.settings;
            let data = checked_data(run.data.as_deref(), &fit)?;
            check_size("net_arch", &run.net_arch, data.features, data.classes)?;
            let job = Box::new(Fitting::new(&data, run.seed, &run.net_arch, &fit, None, None));
            Ok(plan(config, &run.data.unwrap_or_default(), run.seed, store, job))
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
            teacher: Some(safetensors::write(teacher)),
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
            check_size("student", student, teacher.inputs(), teacher.outputs())?;
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

fn bad(key: &str, reason: String) -> Error {
    ConfigError::Value { key: key.to_owned(), origin: None, reason }.into()
}

fn student_spec(run: &DistilConfig) -> Result<&NetworkSpec, Error> {
    run.student.as_ref().ok_or_else(|| usage("into what? give --student SPEC, such as --student mlp:16"))
}

fn check_size(key: &str, spec: &NetworkSpec, inputs: usize, outputs: usize) -> Result<(), Error> {
    let parameters = spec.parameters(inputs, outputs).unwrap_or(usize::MAX);
    if parameters > PARAMETERS_MAX {
        let reason = format!("{spec} has {parameters} parameters here; at most {PARAMETERS_MAX} are held");
        return Err(bad(key, reason));
    }
    Ok(())
}

/// A run of a tabular algorithm: its configuration, the environment's name, the seed, and the rest.
struct PlanTabular<'a> {
    algorithm: &'a Algorithm,
    head: &'a [(&'a str, Value)],
    layers: &'a [Layer],
    threads: usize,
}

impl WithTabular for PlanTabular<'_> {
    type Output = Result<(String, String, u64, StoreConfig, Box<dyn Job>), Error>;

    fn with<S: Settings>(self, make: MakeTabular<S>) -> Self::Output {
        let resolved = resolve::<((RunConfig, (TabularConfig, S)), StoreConfig)>(self.layers)?;
        let config = resolved.to_toml(self.head);
        let ((run, (tabular, own)), store) = resolved.settings;
        let spec = checked_env(self.algorithm, &run)?;
        let states = spec.observation_space().discrete().expect("checked: discrete observations");
        let actions = spec.action_space().discrete().expect("checked: discrete actions");
        let (seed, on) = (run.seed, spec.name().to_owned());
        let agent = make(tabular, own, states, actions, Streams::new(seed));
        let world = spec.clone();
        let env = move || world.make_states().expect("checked: discrete observations");
        let job = Learning::new(self.algorithm.name, agent, env, spec, run, None, self.threads);
        Ok((config, on, seed, store, Box::new(job)))
    }
}

fn checked_env(algorithm: &Algorithm, run: &RunConfig) -> Result<Spec, Error> {
    let id =
        run.env.as_deref().ok_or_else(|| usage("which environment? give --env ID (see `potstill envs`)"))?;
    let spec = find_env(id)?;
    let (fits, needs) = match algorithm.learns {
        Learns::States => (spec.make_states().is_some(), "discrete observations"),
        _ => (spec.make_features().is_some(), "observations with features"),
    };
    if !fits {
        let (name, actions) = (algorithm.name, spec.action_space());
        let (needs, space) = match actions.discrete() {
            Some(_) => (needs, spec.observation_space()),
            None => ("discrete actions", actions),
        };
        return Err(usage(format!("`{name}` needs {needs}; those of {id} are {space}")));
    }
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
