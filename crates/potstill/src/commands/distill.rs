//! `potstill distill`.

use super::report::with_report;
use super::resume::resume_point;
use super::sweep::{Sweep, several};
use super::train::take_seeds;
use crate::config::{Layer, Origin};
use crate::error::Error;
use crate::run::{
    Budget, Costs, Observer, Sources, Teacher, Work, check_out, create, discard_on_error, distillation_head,
    execute, is_family, peek, prepare_distillation, teacher_layer, train_seeds, usage,
};
use crate::store::RunDir;
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// A request to distil a teacher into a student.
#[derive(Clone, Debug, Default)]
pub struct DistillRequest {
    /// The sources of values; `teacher` is the teacher's run directory.
    pub sources: Sources,
    /// The number of seeds to run; one, or that of the configuration file, by default.
    pub seeds: Option<u64>,
    /// Searches for the best student that takes no more: among those given, or among usual forms.
    pub budget: Option<Budget>,
    /// The run directory to create.
    pub out: Option<PathBuf>,
    /// Threads to use. Results do not depend on their number.
    pub threads: usize,
}

/// Distils, and returns the summary that is also written to the run directory.
///
/// # Errors
/// If the request is invalid (nothing is then left behind), or training fails or is stopped (it can then be
/// resumed).
pub fn distill(request: &DistillRequest, observer: &dyn Observer) -> Result<Json, Error> {
    let is_to_grow = request.seeds.is_some() && request.out.as_deref().is_some_and(is_family);
    if !is_to_grow {
        check_out(request.out.as_deref())?;
    }
    let mut layers = request.sources.layers(&distillation_head())?;
    let teacher =
        peek(&layers, "teacher").ok_or_else(|| usage("from which teacher? give --teacher RUN|FILE"))?;
    let teacher = teacher.to_owned();
    let opened = Teacher::open(&teacher)?;
    layers.push(teacher_layer(&teacher));
    let seeds = request.seeds.or(take_seeds(&mut layers)?);
    if let Some(budget) = request.budget {
        layers.push(students_within(budget, &layers, observer)?);
    }
    if let Some(sweep) = Sweep::asked(Work::Distill, &layers, seeds)? {
        let threads = request.threads;
        let resume = |run: &Path, observer: &dyn Observer| resume_point(run, threads, false, observer);
        return sweep.begin(request.out.as_deref(), threads, &resume, observer);
    }
    let mut summary = match seeds {
        None | Some(1) => {
            let plan = prepare_distillation(opened, &layers, request.threads, None)?;
            let dir = RunDir::create(request.out.as_deref(), &plan.name)?;
            discard_on_error(&dir, || create(&dir, &plan))?;
            execute(&dir, plan, false, observer)?
        }
        Some(count) => {
            let out = request.out.as_deref();
            with_report(train_seeds(Work::Distill, layers, count, out, request.threads, observer)?)?
        }
    };
    // Its absolute path is for the run's files, which are read from any folder.
    match &mut summary["teacher"] {
        Json::Object(about) => _ = about.insert("run".to_owned(), json!(teacher)),
        other => *other = json!(teacher),
    }
    Ok(summary)
}

/// The students that fit in a budget, of those that the settings name, or of usual forms.
fn students_within(budget: Budget, layers: &[Layer], observer: &dyn Observer) -> Result<Layer, Error> {
    let given = layers.iter().rev().find_map(|layer| layer.values.get("student"));
    let mut settings = Work::Distill.settings(layers)?;
    let given = match given {
        None => None,
        Some(given) => {
            let wrong = |reason| usage(format!("--student {given}: {reason}"));
            let several = several(&mut *settings, "student", given).map_err(wrong)?;
            Some(several.unwrap_or_else(|| vec![given.clone()]))
        }
    };
    let is_tree = |student: &Value| student.as_str().is_some_and(|student| student.starts_with("tree"));
    if let Some(tree) = given.iter().flatten().find(|student| is_tree(student)) {
        return Err(usage(format!(
            "--budget: the size of {tree} is known when it has grown; give it a number of leaves, tree:6:leaves=32, and no budget"
        )));
    }
    let costs = Costs::open(layers, budget)?;
    let students = match given {
        None => costs.ladder(),
        Some(given) => {
            let given = given.iter().filter_map(|student| student.as_str().map(str::to_owned));
            let (fitting, others): (Vec<_>, Vec<_>) = given.partition(|student| costs.fits(student));
            if !others.is_empty() && !fitting.is_empty() {
                observer.warn(&format!("more than {budget}, left out: {}", others.join(", ")));
            }
            fitting
        }
    };
    if students.is_empty() {
        let smallest = costs.of("mlp").map_or(String::new(), |least| match budget {
            Budget::Bytes(_) => format!("; a linear student takes {least} bytes"),
            Budget::Microseconds(_) => format!("; a linear student takes {least:.1} us"),
        });
        return Err(usage(format!("no student takes at most {budget}{smallest}")));
    }
    let values = students.into_iter().map(Value::String).collect::<Vec<_>>();
    let values = Table::from_iter([("student".to_owned(), Value::Array(values))]);
    Ok(Layer { origin: Origin::Program("within --budget"), values })
}
