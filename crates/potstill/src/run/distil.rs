//! `potstill distill`.

use super::evaluate::Subject;
use super::execute::{begin, carry_out, keep_or_discard};
use super::plan::{distil_head, plan_distil};
use super::{Observer, Sources, check_out, peek, usage};
use crate::config::{Layer, Origin};
use crate::error::Error;
use crate::store::RunDir;
use serde_json::Value;
use std::path::{Path, PathBuf};
use toml::Table;

/// What to distil from whom into what.
#[derive(Clone, Debug, Default)]
pub struct DistilRequest {
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
pub fn distil(request: &DistilRequest, observer: &dyn Observer) -> Result<Value, Error> {
    check_out(request.out.as_deref())?;
    let mut layers = request.sources.layers(&distil_head())?;
    let teacher = peek(&layers, "teacher").ok_or_else(|| usage("from whom? give --teacher RUN"))?;
    let teacher = PathBuf::from(teacher);
    let subject = Subject::load(&RunDir::open(&teacher)?)?;
    layers.push(teacher_layer(&teacher));
    let plan = plan_distil(subject, &layers, request.threads)?;
    let dir = RunDir::create(request.out.as_deref(), &plan.name)?;
    keep_or_discard(&dir, || begin(&dir, &plan))?;
    carry_out(&dir, plan, false, observer)
}

/// The teacher as it can be found from anywhere.
pub(crate) fn teacher_layer(teacher: &Path) -> Layer {
    let path = std::path::absolute(teacher).unwrap_or_else(|_| teacher.to_owned());
    let values = Table::from_iter([("teacher".to_owned(), path.display().to_string().into())]);
    Layer { origin: Origin::CommandLine, values }
}
