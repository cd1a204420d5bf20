//! Work in a thread of its own, while the calling thread of Python listens for signals.

use crate::errors::{Class, in_python, of_panic, of_run};
use crate::foreign::{exception_in, forget_exceptions};
use potstill::Error;
use potstill::metrics::Record;
use potstill::run::{Observer, RunSource};
use pyo3::exceptions::PyUserWarning;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Time between two looks for signals.
const LOOK: Duration = Duration::from_millis(20);
/// The stack of the thread, as large as that of a main thread.
const STACK_BYTES: usize = 8 << 20;

/// The warnings of the work, the function of the caller that is called with its records, and the request to stop it.
#[derive(Default)]
pub(crate) struct Watcher {
    is_to_stop: AtomicBool,
    /// True if the callback has stopped a single run, and no signal has.
    is_enough: AtomicBool,
    warnings: Mutex<Vec<String>>,
    callback: Option<Py<PyAny>>,
    /// The exception of the callback.
    raised: Mutex<Option<PyErr>>,
}

impl Observer for Watcher {
    fn remark(&self, _: &str) {}

    fn warn(&self, warning: &str) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(warning.to_owned());
    }

    fn record(&self, record: &Record) {
        self.record_of(RunSource::default(), record);
    }

    fn record_of(&self, source: RunSource, record: &Record) {
        let Some(callback) = &self.callback else { return };
        if self.stop_requested() {
            return;
        }
        let called = Python::attach(|py| {
            let values = PyDict::new(py);
            values.set_item("step", record.step)?;
            source.part.map_or(Ok(()), |part| values.set_item("part", part))?;
            source.seed.map_or(Ok(()), |seed| values.set_item("seed", seed))?;
            record.values.iter().try_for_each(|(name, value)| values.set_item(name, value))?;
            let answer = callback.call1(py, (values,))?;
            Ok::<_, PyErr>(answer.bind(py).is_none() || answer.is_truthy(py)?)
        });
        match called {
            Ok(true) => return,
            // One of several runs may not have begun.
            Ok(false) => self.is_enough.store(source.seed.or(source.part).is_none(), Ordering::Relaxed),
            Err(error) => *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error),
        }
        self.is_to_stop.store(true, Ordering::Relaxed);
    }

    fn begin(&self, _: &str, _: u64) {}

    fn advance(&self, _: u64, _: &str) {}

    fn end(&self) {}

    fn stop_requested(&self) -> bool {
        self.is_to_stop.load(Ordering::Relaxed)
    }

    fn is_enough(&self) -> bool {
        self.is_enough.load(Ordering::Relaxed)
    }
}

impl Watcher {
    /// Hands the warnings so far to Python, which may make exceptions of them.
    fn warn_python(&self, py: Python<'_>) -> PyResult<()> {
        let warnings = std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner));
        let class = py.get_type::<PyUserWarning>();
        warnings.into_iter().try_for_each(|warning| {
            let text = CString::new(in_python(&warning).replace('\0', " ")).unwrap_or_default();
            // The caller of the function of the package that called this one.
            PyErr::warn(py, &class, &text, 2)
        })
    }
}

/// The number of calls that work.
static ACTIVE: AtomicUsize = AtomicUsize::new(0);

/// A call that works. The last one forgets the exceptions of environments that ended no run.
struct Active;

impl Active {
    fn begin() -> Self {
        ACTIVE.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        if ACTIVE.fetch_sub(1, Ordering::Relaxed) == 1 {
            forget_exceptions();
        }
    }
}

/// Does work without the lock of the interpreter. A signal whose handler raises, as that of Ctrl-C does, makes the work save
/// and stop, and is then raised, with a note on what was saved. So does a callback that raises or returns something false when
/// it is called with a record, as a dictionary, in the thread of the work.
///
/// # Errors
/// Those of the work, what handlers of signals raise, and [`Internal`](Class::Internal) if it panics.
pub(crate) fn watched<T: Send>(
    py: Python<'_>,
    callback: Option<Py<PyAny>>,
    work: impl FnOnce(&Watcher) -> Result<T, Error> + Send,
) -> PyResult<T> {
    let _active = Active::begin();
    let watcher = Watcher { callback, ..Watcher::default() };
    let mut raised: Option<PyErr> = None;
    let result = thread::scope(|scope| {
        let (say, done) = channel();
        let watching = &watcher;
        let thread = thread::Builder::new().name("potstill".to_owned()).stack_size(STACK_BYTES);
        let started = thread.spawn_scoped(scope, move || {
            // With a state of the interpreter for the whole work: else each call of Python makes one of its own.
            let result = catch_unwind(AssertUnwindSafe(|| Python::attach(|py| py.detach(|| work(watching)))));
            let _ = say.send(());
            result
        });
        let worker = match started {
            Ok(worker) => worker,
            Err(error) => return Err(Class::Run.with(format!("no thread could be started: {error}"))),
        };
        let done = Mutex::new(done);
        let wait = || done.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(LOOK);
        while py.detach(wait) == Err(RecvTimeoutError::Timeout) {
            if raised.is_none()
                && let Err(error) = py.check_signals().and_then(|()| watcher.warn_python(py))
            {
                watcher.is_enough.store(false, Ordering::Relaxed);
                watcher.is_to_stop.store(true, Ordering::Relaxed);
                raised = Some(error);
            }
        }
        match worker.join() {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(panic)) | Err(panic) => Err(of_panic(&*panic)),
        }
    })?;
    let raised = raised.or(watcher.raised.lock().unwrap_or_else(PoisonError::into_inner).take());
    if let Some(raised) = raised {
        if let Err(error) = &result {
            raised.value(py).call_method1("add_note", (error.to_string(),))?;
        }
        return Err(raised);
    }
    py.check_signals()?;
    watcher.warn_python(py)?;
    result.map_err(|error| match exception_in(&error.to_string()) {
        // An exception of the user's environment comes out as itself.
        Some(raised) => match raised.value(py).call_method1("add_note", (error.to_string(),)) {
            Ok(_) => raised,
            Err(error) => error,
        },
        None => of_run(&error),
    })
}
