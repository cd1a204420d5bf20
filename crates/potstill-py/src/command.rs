//! The command.

use crate::errors::caught;
use pyo3::prelude::*;
use std::ffi::OsString;

/// Runs a command line, whose first argument is the name of the program, and returns the exit code.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "a value of Python is extracted as an owned one")]
pub(crate) fn run_command(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<u8> {
    caught(|| Ok(py.detach(|| potstill_cli::run_arguments(&arguments))))
}
