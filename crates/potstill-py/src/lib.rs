//! The native part of the Python package `potstill`: environments behind NumPy arrays, and the command. The Python
//! part, in `python/potstill`, has the names that users see, and their documentation.
//!
//! Work runs without the lock of the interpreter, and every call is [caught](errors::caught), so that no panic
//! reaches Python.

mod command;
mod environment;
mod environments;
mod errors;
mod rows;

use pyo3::prelude::*;

/// The native part of potstill.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::command::run_command;
    #[pymodule_export]
    use super::environment::{Environment, environment_specs};
    #[pymodule_export]
    use super::environments::Environments;
    use super::{Bound, PyModule, PyModuleMethods, PyResult};

    /// The version of the package.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
