//! `potstill distill`.

use crate::error::Error;
use crate::run::{
    Observer, Sources, Teacher, check_out, create, discard_on_error, distillation_head, execute, peek,
    prepare_distillation, teacher_layer, usage,
};
use crate::store::RunDir;
use serde_json::{Value, json};
use std::path::PathBuf;

/// A request to distil a teacher into a student.
#[derive(Clone, Debug, Default)]
pub struct DistillRequest {
    /// The sources of values; `teacher` is the teacher's run directory.
    pub sources: Sources,
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
    check_out(request.out.as_deref())?;
    let mut layers = request.sources.layers(&distillation_head())?;
    let teacher =
        peek(&layers, "teacher").ok_or_else(|| usage("from which teacher? give --teacher RUN|FILE"))?;
    let (opened, teacher) = (Teacher::open(teacher)?, teacher.to_owned());
    layers.push(teacher_layer(&teacher));
    let plan = prepare_distillation(opened, &layers, request.threads, None)?;
    let dir = RunDir::create(request.out.as_deref(), &plan.name)?;
    discard_on_error(&dir, || create(&dir, &plan))?;
    let mut summary = execute(&dir, plan, false, observer)?;
    // Its absolute path is for the run's files, which are read from any folder.
    summary["teacher"] = json!(teacher);
    Ok(summary)
}
