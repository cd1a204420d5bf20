//! Runs that learn classes: from labels, or from labels and a teacher.

use super::checks::usage;
use super::datasets::DataSources;
use super::idle_keys::idle_keys;
use super::prepared::PreparedRun;
use super::teachers::{Lessons, Teachers};
use crate::algorithm::Algorithm;
use crate::config::{Layer, resolve};
use crate::distill::classifier::ClassifierSettings;
use crate::distill::{FitConfig, SoftTargets, SoftTargetsConfig};
use crate::error::Error;
use crate::jobs::{DataConfig, DistilConfig, StoreConfig, SupervisedJob, Taught};
use crate::optimizer::StudentOptimizer;
use potstill_nn::NetworkSpec;
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
    let ends = parts.train.ends(&run.net_arch);
    optimizer.check(("net_arch", &run.net_arch, &ends), fit.learning_rate)?;
    fit.check(&run.net_arch, &parts.train)?;
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
    let ends = parts.train.ends(student);
    optimizer.check(("student", student, &ends), fit.learning_rate)?;
    fit.check(student, &parts.train)?;
    let name = run.teacher.clone().unwrap_or_default();
    let ensemble = (run.teacher_weights.as_deref(), run.teacher_mean);
    let Lessons { source, test, parameters } =
        teachers.lessons(&data, &parts, ensemble, fit.changes().are_any())?;
    let steps = fit.total_steps(parts.train.len());
    let settings = (fit.clone(), soft.clone());
    let taught = Some(Taught { name, logits: test, parameters });
    let (fit, soft) = ((fit, optimizer), Some(SoftTargets::new(source, soft)));
    let job = Box::new(SupervisedJob::new(parts, run.seed, student, fit, soft, taught));
    let prepared = PreparedRun::of(DISTILL, (&data.name(), run.seed), config, store, job);
    Ok(prepared.with_warning(idle).with_warning(left_out).with_schedules(&settings, None, Some(steps)))
}

/// The architecture of a student.
pub(super) fn student_spec(run: &DistilConfig) -> Result<&NetworkSpec, Error> {
    run.student
        .as_ref()
        .ok_or_else(|| usage("into which student? give --student SPEC, such as --student mlp:16"))
}
