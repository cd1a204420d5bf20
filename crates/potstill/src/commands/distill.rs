//! `potstill distill`.

use super::train::take_seeds;
use crate::error::Error;
use crate::run::{
    Observer, Sources, Teacher, check_out, create, discard_on_error, distillation_head, execute, is_family,
    peek, prepare_distillation, teacher_layer, train_seeds, usage,
};
use crate::store::RunDir;
use serde_json::{Value, json};
use std::path::PathBuf;

/// A request to distil a teacher into a student.
#[derive(Clone, Debug, Default)]
pub struct DistillRequest {
    /// The sources of values; `teacher` is the teacher's run directory.
    pub sources: Sources,
    /// The number of seeds to run; one, or that of the configuration file, by default.
    pub seeds: Option<u64>,
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
pub fn distill(request: &DistillRequest, observer: &dyn Observer) -> Result<Value, Error> {
    let is_to_grow = request.seeds.is_some() && request.out.as_deref().is_some_and(is_family);
    if !is_to_grow {
        check_out(request.out.as_deref())?;
    }
    let mut layers = request.sources.layers(&distillation_head())?;
    let teacher =
        peek(&layers, "teacher").ok_or_else(|| usage("from which teacher? give --teacher RUN|FILE"))?;
    let teacher = teacher.to_owned();
    layers.push(teacher_layer(&teacher));
    let seeds = take_seeds(&mut layers)?;
    let mut summary = match request.seeds.or(seeds) {
        None | Some(1) => {
            let plan = prepare_distillation(Teacher::open(&teacher)?, &layers, request.threads, None)?;
            let dir = RunDir::create(request.out.as_deref(), &plan.name)?;
            discard_on_error(&dir, || create(&dir, &plan))?;
            execute(&dir, plan, false, observer)?
        }
        Some(count) => train_seeds(None, layers, count, request.out.as_deref(), request.threads, observer)?,
    };
    // Its absolute path is for the run's files, which are read from any folder.
    match &mut summary["teacher"] {
        Value::Object(about) => _ = about.insert("run".to_owned(), json!(teacher)),
        other => *other = json!(teacher),
    }
    Ok(summary)
}
