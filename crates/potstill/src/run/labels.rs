//! Runs that learn classes: from labels, or from labels and a teacher.

use super::checks::{bad, usage};
use super::datasets::DataSources;
use super::idle_keys::idle_keys;
use super::prepared::PreparedRun;
use super::teachers::{Lessons, Teachers};
use crate::algorithm::Algorithm;
use crate::config::{ConfigError, Layer, PARAMETERS_MAX, resolve};
use crate::data::Dataset;
use crate::distill::classifier::ClassifierSettings;
use crate::distill::{FitConfig, SoftTargets, SoftTargetsConfig, StudentForm};
use crate::error::Error;
use crate::jobs::{DataConfig, DistilConfig, StoreConfig, SupervisedJob, Taught};
use crate::optimizer::{OptimizerConfig, StudentOptimizer};
use potstill_nn::NetworkSpec;
use potstill_nn::embedding::SparseRule;
use toml::Value;

/// The command of a student, as it stands in its settings and in the name of its folder.
pub(super) const DISTILL: &str = "distill";

/// The keys above the settings of a distillation run.
pub(crate) fn distillation_head() -> Vec<(&'static str, Value)> {
    vec![("command", DISTILL.into())]
}

/// Prepares the training of a classifier on labels.
pub(super) fn prepare_classifier(
    algorithm: &'static Algorithm,
    head: &[(&str, Value)],
    layers: &[Layer],
) -> Result<PreparedRun, Error> {
    let (data, layers) = DataSources::open(layers, None)?;
    let resolved = resolve::<((DataConfig, ClassifierSettings), StoreConfig)>(&layers)?;
    let (config, idle) = (resolved.to_toml(head), idle_keys(&resolved));
    let ((run, (fit, StudentOptimizer(optimizer))), store) = resolved.settings;
    let parts = data.parts(&fit, None)?;
    check_student(("net_arch", &run.net_arch), &parts.train, &fit, &optimizer)?;
    let (settings, steps) = (fit.clone(), fit.total_steps(parts.train.len()));
    let fit = (fit, optimizer);
    let job = Box::new(SupervisedJob::new(parts, run.seed, &run.net_arch, fit, None, None));
    let prepared = PreparedRun::of(algorithm.name, (&data.name(), run.seed), config, store, job);
    Ok(prepared.with_warning(idle).with_schedules(&settings, None, Some(steps)))
}

/// Prepares the run of a student that learns classes.
pub(super) fn prepare_student_of_classes(teachers: Teachers, layers: &[Layer]) -> Result<PreparedRun, Error> {
    let (data, layers) = DataSources::open(layers, teachers.trained_on())?;
    let resolved = resolve::<(
        (DistilConfig, (SoftTargetsConfig, (FitConfig, StudentOptimizer))),
        StoreConfig,
    )>(&layers)?;
    let config = resolved.to_toml(&distillation_head());
    let idle = idle_keys(&resolved);
    let ((run, (soft, (fit, StudentOptimizer(optimizer)))), store) = resolved.settings;
    if run.env.is_some() {
        return Err(usage("the teacher is a classifier; give --data, not --env"));
    }
    soft.check()?;
    let student = student_spec(&run)?;
    let mut parts = data.parts(&fit, teachers.preprocessing())?;
    let left_out = teachers.leave_out(&data, &mut parts)?;
    check_student(("student", student), &parts.train, &fit, &optimizer)?;
    let name = run.teacher.clone().unwrap_or_default();
    let ensemble = (run.teacher_weights.as_deref(), run.teacher_mean);
    let Lessons { source, test, parameters } =
        teachers.lessons(&data, &parts, ensemble, fit.jitter_pixels > 0)?;
    let steps = fit.total_steps(parts.train.len());
    let settings = (fit.clone(), soft.clone());
    let taught = Some(Taught { name, logits: test, parameters });
    let (fit, soft) = ((fit, optimizer), Some(SoftTargets::new(source, soft)));
    let job = Box::new(SupervisedJob::new(parts, run.seed, student, fit, soft, taught));
    let prepared = PreparedRun::of(DISTILL, (&data.name(), run.seed), config, store, job);
    Ok(prepared.with_warning(idle).with_warning(left_out).with_schedules(&settings, None, Some(steps)))
}

/// Refuses a student that cannot learn from these samples, where `key` is the setting that asks for it.
fn check_student(
    (key, spec): (&str, &NetworkSpec),
    data: &Dataset,
    fit: &FitConfig,
    optimizer: &OptimizerConfig,
) -> Result<(), Error> {
    let wrong = |reason: String| ConfigError::value(key, format!("{spec}: {reason}"));
    let form = StudentForm::new(spec, data).map_err(wrong)?;
    optimizer.check((key, &form.network, &form.ends), fit.learning_rate)?;
    if form.bag.is_none() {
        return Ok(());
    }
    let parameters = form.parameters().map_err(wrong)?;
    if parameters > PARAMETERS_MAX {
        return Err(wrong(format!("{parameters} parameters; at most {PARAMETERS_MAX} are held")).into());
    }
    if fit.jitter_pixels > 0 {
        return Err(bad("jitter_pixels", "texts have no pixels; leave it at 0".to_owned()));
    }
    match SparseRule::of(optimizer.rule()) {
        Some(_) => Ok(()),
        None => {
            let reason = "texts are learned by adam, or by sgd with momentum=0, which have a sparse form";
            Err(bad("optimizer", reason.to_owned()))
        }
    }
}

/// The architecture of a student.
pub(super) fn student_spec(run: &DistilConfig) -> Result<&NetworkSpec, Error> {
    run.student
        .as_ref()
        .ok_or_else(|| usage("into which student? give --student SPEC, such as --student mlp:16"))
}
