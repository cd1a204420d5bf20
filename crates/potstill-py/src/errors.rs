//! Exceptions, and the boundary that no panic crosses.

use potstill::Error;
use potstill::env::EnvError;
use pyo3::prelude::*;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A class of `potstill.errors`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Class {
    /// A wrong argument or input: exit code 2 of the command.
    Input,
    /// Work that failed: exit code 1.
    Run,
    /// Work that was stopped: exit codes 3 and 130.
    Stopped,
    /// A fault of potstill itself.
    Internal,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Class::Input => "InputError",
            Class::Run => "RunError",
            Class::Stopped => "Stopped",
            Class::Internal => "InternalError",
        }
    }

    /// The exception with this text.
    pub(crate) fn with(self, text: impl Into<String>) -> PyErr {
        let text = text.into();
        Python::attach(|py| {
            let class = py.import("potstill.errors").and_then(|module| module.getattr(self.name()));
            class.and_then(|class| class.call1((text,))).map_or_else(|error| error, PyErr::from_value)
        })
    }
}

/// A text of the command in the words of Python: arguments in place of flags.
pub(crate) fn in_python(text: &str) -> String {
    let worded = Python::attach(|py| {
        py.import("potstill.errors")?.getattr("_in_python")?.call1((text,))?.extract::<String>()
    });
    worded.unwrap_or_else(|_| text.to_owned())
}

/// The exception of an error of a run, with the text that the command shows.
pub(crate) fn of_run(error: &Error) -> PyErr {
    let class = match error.exit_code() {
        2 => Class::Input,
        1 => Class::Run,
        _ => Class::Stopped,
    };
    let raised = class.with(in_python(&error.to_string()));
    if let Error::Interrupted { run, .. } | Error::Paused { run, .. } = error {
        Python::attach(|py| raised.value(py).setattr("run", run)).map_or_else(|error| error, |()| raised)
    } else {
        raised
    }
}

/// The exception of an error of a call to an environment.
pub(crate) fn of_environment(error: &EnvError) -> PyErr {
    let class = match error {
        EnvError::Failed { .. } | EnvError::NotReset | EnvError::EpisodeOver => Class::Run,
        _ => Class::Input,
    };
    class.with(error.to_string())
}

/// The exception of a panic.
pub(crate) fn of_panic(panic: &(dyn Any + Send)) -> PyErr {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("a panic without a message");
    Class::Internal.with(format!("a fault of potstill, please report it: {text}"))
}

/// Makes an exception of a panic.
///
/// # Errors
/// Those of the work, and its panics.
pub(crate) fn caught<T>(work: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(of_panic(&*panic)))
}
