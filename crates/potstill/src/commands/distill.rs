//! `potstill distill`.

use crate::error::Error;
use crate::run::{
    Observer, Sources, Subject, check_out, create, discard_on_error, distillation_head, execute, peek,
    prepare_distillation, teacher_layer, usage,
};
use crate::store::RunDir;
use serde_json::Value;
use std::path::PathBuf;

/// What to distil from whom into what.
#[derive(Clone, Debug, Default)]
pub struct DistillRequest {
    /// Where values come from; `teacher` is the teacher's run directory.
    pub sources: Sources,
    /// The run directory to make.
    pub out: Option<PathBuf>,
    /// Threads to use. The result does not depend on it.
    pub threads: usize,
}

/// Distils, and returns the summary that is also written to the run directory.
///
/// # Errors
/// If the request cannot be run (nothing is then left behind), or training fails or is stopped (it can then be resumed).
pub fn distill(request: &DistillRequest, observer: &dyn Observer) -> Result<Value, Error> {
    check_out(request.out.as_deref())?;
    let mut layers = request.sources.layers(&distillation_head())?;
    let teacher = peek(&layers, "teacher").ok_or_else(|| usage("from whom? give --teacher RUN"))?;
    let teacher = PathBuf::from(teacher);
    let subject = Subject::load(&RunDir::open(&teacher)?)?;
    layers.push(teacher_layer(&teacher));
    let plan = prepare_distillation(subject, &layers, request.threads)?;
    let dir = RunDir::create(request.out.as_deref(), &plan.name)?;
    discard_on_error(&dir, || create(&dir, &plan))?;
    execute(&dir, plan, false, observer)
}
