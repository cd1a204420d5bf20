//! The native part of the Python package `potstill`: environments, whole runs and learned models behind NumPy arrays, and
//! the command. The Python part, in `python/potstill`, has the names that users see, and their documentation.
//!
//! Work runs without the lock of the interpreter, in a thread of its own where it takes long, and every call is
//! caught, so that no panic reaches Python.

mod actors;
mod command;
mod environment;
mod environments;
mod errors;
mod exact_model;
mod fit;
mod foreign;
mod learned;
mod rows;
mod runs;
mod watched;

use pyo3::prelude::*;

/// The native part of potstill.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::actors::{Player, resume_elsewhere, train_elsewhere};
    #[pymodule_export]
    use super::command::run_command;
    #[pymodule_export]
    use super::environment::{Environment, environment_specs};
    #[pymodule_export]
    use super::environments::Environments;
    #[pymodule_export]
    use super::exact_model::register_model;
    #[pymodule_export]
    use super::fit::{check_parameters, fit_classes, fit_values, measure_classes};
    #[pymodule_export]
    use super::foreign::{general_options, register_environment, with_options};
    #[pymodule_export]
    use super::learned::{Learned, environment_spaces, read_metrics, read_summary};
    #[pymodule_export]
    use super::runs::{
        check_environment, check_train, distill, evaluate, evaluate_offline, export, import_policy, keys_of,
        resume, search_domain, train, tune,
    };
    use super::{Bound, PyModule, PyModuleMethods, PyResult};

    /// The version of the package, and the way to Gymnasium's environments.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::foreign::find_gymnasium();
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
