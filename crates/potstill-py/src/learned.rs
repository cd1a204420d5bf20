//! Models of finished runs, and the metrics that runs recorded.
#![allow(clippy::needless_pass_by_value, reason = "a value of Python is extracted as an owned one")]

use crate::environment::{locked, specification};
use crate::errors::{Class, caught, of_run};
use crate::foreign::{Form, form};
use crate::rows::{numbers_of, rows_to_python, space_to_python};
use crate::watched::watched;
use numpy::{PyArray1, PyArray2, PyArrayMethods};
use potstill::commands::{export_model, is_folder_of_runs};
use potstill::core::{Pcg64, Streams};
use potstill::data::{Column, DataFrame, Encoding, Values};
use potstill::env::{Row, Space};
use potstill::export::{About, Purpose, safetensors};
use potstill::model::{Actor, Model, ModelActor, Predictor};
use potstill::nn::Workspace;
use potstill::policy::Policy;
use potstill::run::model_so_far;
use potstill::store::{RunDir, StoreError, names};
use potstill::targets::soft_targets;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Rows that a model answers at a time.
const BATCH: usize = 1024;

/// The model of a finished run, or of a fit in memory.
#[pyclass(frozen, module = "potstill._native")]
pub(crate) struct Learned {
    model: Model,
    about: About,
    /// Observations and actions of the environment; none of a model that learned from data.
    spaces: Option<(Space, Space)>,
    /// The form of both in Python, of an environment of Python.
    form: Option<Form>,
    /// Frames in the stack of an observation; 1 without stacking.
    frames: usize,
    /// Draws actions, and breaks ties.
    rng: Mutex<Pcg64>,
}

/// The exception of an error of a run directory.
fn of_store(error: StoreError) -> PyErr {
    of_run(&error.into())
}

impl Learned {
    /// A model that learned from rows.
    pub(crate) fn of_rows(model: Model, about: About) -> Self {
        Self::new(model, about, None)
    }

    fn new(model: Model, about: About, spaces: Option<(Space, Space)>) -> Self {
        Self { model, about, spaces, form: None, frames: 1, rng: Mutex::new(Streams::new(0).stream("actor")) }
    }

    /// Acts for observations that lie row after row.
    fn acts<'a, O, A>(
        &'a self,
        py: Python<'_>,
        observations: &[O::Element],
        deterministic: bool,
    ) -> PyResult<Vec<A::Element>>
    where
        O: Row + ?Sized,
        A: Row + ?Sized,
        ModelActor<'a>: Actor<O, A>,
    {
        let (space, actions) = self.spaces.as_ref().expect("a policy has an environment");
        let samples = !deterministic && self.about.purpose == Purpose::Policy;
        let policy = if samples { Policy::Softmax { temperature: 1.0 } } else { Policy::Greedy };
        let mut chosen =
            vec![A::Element::default(); observations.len() / space.features() * actions.features()];
        let mut rng = locked(&self.rng, py);
        let rng = &mut *rng;
        py.detach(|| {
            let mut actor = ModelActor::new(&self.model, policy);
            let rows = observations.chunks_exact(space.features());
            for (row, action) in rows.zip(chosen.chunks_exact_mut(actions.features())) {
                actor.act(O::from_slice(row), A::from_mut_slice(action), rng);
            }
        });
        Ok(chosen)
    }

    fn policy_spaces(&self) -> PyResult<&(Space, Space)> {
        self.spaces.as_ref().ok_or_else(|| {
            Class::Input
                .with("the run learned from data, not in an environment: predict takes rows of its inputs")
        })
    }

    /// The answers to rows of numbers, `rows x outputs`.
    fn answers(&self, py: Python<'_>, rows: &Bound<'_, PyAny>) -> PyResult<Vec<f32>> {
        let predictor = self.predictor()?;
        let (numbers, shape) = numbers_of::<f32>(rows, "X")?;
        let count = shape.first().copied().unwrap_or_default();
        py.detach(|| {
            let inputs = encoded(predictor, &numbers, count)
                .map_err(|reason| Class::Input.with(format!("X: {reason}")))?;
            let mut workspace = Workspace::default();
            let batches = inputs.chunks(BATCH * predictor.input_count());
            Ok(batches.flat_map(|inputs| predictor.answers(inputs, &mut workspace)).collect())
        })
    }

    /// The logits of classes for rows of numbers, and the number of classes.
    fn logits_of(&self, rows: &Bound<'_, PyAny>) -> PyResult<(Vec<f32>, usize)> {
        match self.classes().len() {
            0 => Err(Class::Input.with("the model has learned no classes")),
            classes => Ok((self.answers(rows.py(), rows)?, classes)),
        }
    }

    fn predictor(&self) -> PyResult<&Predictor> {
        match &self.model {
            Model::Predictor(predictor) => Ok(predictor),
            _ => Err(Class::Input.with("the run learned in an environment: predict takes its observations")),
        }
    }
}

/// The inputs of the model for rows of numbers, a column after the other in each.
fn encoded(predictor: &Predictor, numbers: &[f32], rows: usize) -> Result<Vec<f32>, String> {
    let encodings = predictor.preprocessing().inputs();
    let widths = encodings.iter().map(|encoding| match encoding {
        Encoding::Number { .. } => Ok(1),
        Encoding::Image { shape, .. } | Encoding::Array { shape, .. } => Ok(shape.iter().product()),
        Encoding::Category { column, .. } | Encoding::Text { column } => {
            Err(format!("column `{column}` has words; write the rows to a file, and use `potstill predict`"))
        }
    });
    let widths = widths.collect::<Result<Vec<usize>, String>>()?;
    let width: usize = widths.iter().sum();
    if rows == 0 || numbers.len() != rows * width {
        return Err(format!("{} numbers in {rows} rows; each row has {width} numbers", numbers.len()));
    }
    let mut offset = 0;
    let columns = encodings.iter().zip(widths).map(|(encoding, count)| {
        let part = numbers.chunks_exact(width).flat_map(|row| &row[offset..offset + count]).copied();
        let column = match encoding {
            Encoding::Image { column, shape, white } => {
                let bytes = part.map(|x| (x.fract() == 0.0 && (0.0..=255.0).contains(&x)).then_some(x as u8));
                let bytes: Option<Vec<u8>> = bytes.collect();
                let bytes =
                    bytes.ok_or_else(|| format!("column `{column}` has whole numbers from 0 to 255"))?;
                Column::new(column, Values::Images { shape: *shape, white: *white, bytes: bytes.into() })
            }
            Encoding::Array { column, shape, .. } => {
                Column::new(column, Values::Arrays { shape: *shape, numbers: part.collect() })
            }
            Encoding::Number { column, .. }
            | Encoding::Category { column, .. }
            | Encoding::Text { column } => {
                Column::new(column, Values::Numbers(part.map(f64::from).collect()))
            }
        };
        offset += count;
        Ok(column)
    });
    let frame = DataFrame::new(columns.collect::<Result<Vec<_>, String>>()?)?;
    predictor.inputs(&frame, &(0..rows).collect::<Vec<_>>())
}

/// The spaces of an environment, each as the name of its class and what that is built of, and its form in Python.
type Described = (Py<PyAny>, Py<PyAny>, Option<Form>);

/// The observation and the action space of an environment, and its form if it is one of Python.
#[pyfunction]
pub(crate) fn environment_spaces(py: Python<'_>, id: &str) -> PyResult<Described> {
    caught(|| {
        let spec = specification(id)?;
        let (observations, actions) = (spec.observation_space(), spec.action_space());
        Ok((space_to_python(py, &observations)?, space_to_python(py, &actions)?, form(id)))
    })
}

/// The error of rows that are no observations.
fn no_observation(shape: &[usize], space: &Space) -> PyErr {
    Class::Input
        .with(format!("observations: an array of the shape {shape:?} holds no observations of {space}"))
}

#[pymethods]
impl Learned {
    /// Reads the model of a finished run, or the policy of one that was stopped.
    #[new]
    fn of_run(py: Python<'_>, run: PathBuf) -> PyResult<Self> {
        caught(|| {
            let read = || -> Result<_, potstill::Error> { model_so_far(&RunDir::open_model(&run)?) };
            let (model, about) = py.detach(read).map_err(|error| of_run(&error))?;
            let env = about.metadata.iter().find(|(key, _)| key == "env").map(|(_, id)| id.as_str());
            let spec = env.map(specification).transpose()?;
            let spaces = spec.as_ref().map(|spec| (spec.observation_space(), spec.action_space()));
            let (form, frames) = (env.and_then(form), spec.map_or(1, |spec| spec.frames()));
            Ok(Self { form, frames, ..Self::new(model, about, spaces) })
        })
    }

    /// Reads a model that learned from rows, of the bytes of a safetensors file, with keys and values of its origin.
    #[staticmethod]
    fn from_bytes(bytes: &[u8], origin: Vec<(String, String)>) -> PyResult<Self> {
        let wrong = |reason: String| Class::Input.with(format!("these bytes are no model of rows: {reason}"));
        caught(|| match safetensors::read(bytes) {
            Ok(model @ Model::Predictor(_)) => {
                Ok(Self::of_rows(model, About { purpose: Purpose::Classes, metadata: origin }))
            }
            Ok(_) => Err(wrong("it learned in an environment".to_owned())),
            Err(error) => Err(wrong(error.to_string())),
        })
    }

    /// The bytes of a safetensors file, from which an equal model is read.
    fn to_bytes(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        caught(|| PyBytes::new(py, &safetensors::write(&self.model)).into_py_any(py))
    }

    /// Keys and values of the origin of the model, which an exported file has.
    #[getter]
    fn origin(&self) -> Vec<(String, String)> {
        self.about.metadata.clone()
    }

    /// Writes the model to a new file, in the format of its ending.
    fn export(&self, py: Python<'_>, out: PathBuf) -> PyResult<()> {
        watched(py, None, |watcher| export_model((&self.model, &self.about), &out, watcher))
    }

    /// The number of parameters.
    #[getter]
    fn parameters(&self) -> usize {
        self.model.parameters()
    }

    /// The kind and the shape of the model in words.
    #[getter]
    fn shape(&self) -> String {
        self.model.shape()
    }

    /// The table of a tabular method, float64 of the shape `states x actions`; None of another model.
    #[getter]
    fn table<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray2<f64>>>> {
        caught(|| match &self.model {
            Model::Table(table) if table.values().len() == table.states() * table.actions() => {
                let numbers = PyArray1::from_slice(py, table.values());
                Ok(Some(numbers.reshape([table.states(), table.actions()])?))
            }
            _ => Ok(None),
        })
    }

    /// Observation and action space of a policy, each as the name of its class and what that is built of; None of a model
    /// that learned from data.
    #[getter]
    fn spaces(&self, py: Python<'_>) -> PyResult<Option<(Py<PyAny>, Py<PyAny>)>> {
        let spaces = self.spaces.as_ref();
        spaces.map(|(o, a)| Ok((space_to_python(py, o)?, space_to_python(py, a)?))).transpose()
    }

    /// The form of observations and actions of an environment of Python: the shape of observations and their least integer, the
    /// shape of actions, their least integer and their type. None of one of potstill.
    #[getter]
    fn form(&self) -> Option<Form> {
        self.form.clone()
    }

    /// Frames in the stack of an observation; 1 without stacking.
    #[getter]
    fn frames(&self) -> usize {
        self.frames
    }

    /// The names of the classes; empty of a policy or a regression.
    #[getter]
    fn classes(&self) -> Vec<String> {
        self.predictor().map_or(Vec::new(), |predictor| predictor.preprocessing().classes().to_vec())
    }

    /// Restarts the stream that draws actions and breaks ties.
    fn seed(&self, py: Python<'_>, seed: u64) {
        *locked(&self.rng, py) = Streams::new(seed).stream("actor");
    }

    /// The actions for rows of observations, as an array with an axis of rows.
    fn act(&self, observations: &Bound<'_, PyAny>, deterministic: bool) -> PyResult<Py<PyAny>> {
        let py = observations.py();
        caught(|| {
            let (space, actions) = self.policy_spaces()?;
            if let Some(count) = space.discrete() {
                let (states, shape) = numbers_of::<usize>(observations, "observations")?;
                if shape.len() != 1 {
                    return Err(no_observation(&shape, space));
                }
                if let Some(state) = states.iter().find(|state| **state >= count) {
                    return Err(Class::Input.with(format!("observations: {state} is not in {space}")));
                }
                let chosen = self.acts::<usize, usize>(py, &states, deterministic)?;
                return rows_to_python(py, &chosen, actions, None);
            }
            let (features, shape) = numbers_of::<f32>(observations, "observations")?;
            if shape.first().is_none_or(|rows| *rows == 0 || features.len() != rows * space.features()) {
                return Err(no_observation(&shape, space));
            }
            if let Some(bad) = features.iter().position(|x| !x.is_finite()) {
                return Err(Class::Input.with(format!("observations: number {bad} is {}", features[bad])));
            }
            match &self.model {
                Model::Control(_) => rows_to_python(
                    py,
                    &self.acts::<[f32], [f32]>(py, &features, deterministic)?,
                    actions,
                    None,
                ),
                _ => rows_to_python(
                    py,
                    &self.acts::<[f32], usize>(py, &features, deterministic)?,
                    actions,
                    None,
                ),
            }
        })
    }

    /// The values of a regression for rows of numbers.
    fn predict_values(&self, rows: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let py = rows.py();
        caught(|| {
            let answers = self.answers(py, rows)?;
            let preprocessing = self.predictor()?.preprocessing();
            PyArray1::from_iter(py, answers.iter().map(|answer| preprocessing.value(*answer))).into_py_any(py)
        })
    }

    /// The probabilities of classes for rows of numbers, `rows x classes`.
    fn predict_proba(&self, rows: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        caught(|| {
            let (logits, classes) = self.logits_of(rows)?;
            array_of(rows.py(), soft_targets(1.0, &logits, classes), classes)
        })
    }

    /// The logits of classes for rows of numbers, `rows x classes`.
    fn predict_logits(&self, rows: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        caught(|| {
            let (logits, classes) = self.logits_of(rows)?;
            array_of(rows.py(), logits, classes)
        })
    }
}

/// Numbers that lie row after row as an array.
fn array_of(py: Python<'_>, numbers: Vec<f32>, width: usize) -> PyResult<Py<PyAny>> {
    let rows = numbers.len() / width;
    PyArray1::from_vec(py, numbers).reshape([rows, width])?.into_py_any(py)
}

/// The text of a run's log; of a run that goes on, or was killed, as far as it can be read.
fn log(run: &Path) -> Result<String, StoreError> {
    let dir = RunDir::open(run)?;
    if dir.is_finished()? && dir.has(names::METRICS) {
        return dir.read_text(names::METRICS);
    }
    let bytes = dir.read_unchecked(names::METRICS).unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The text of a run's results; of a run that has not ended, and of a folder of runs, an empty object.
#[pyfunction]
pub(crate) fn read_summary(py: Python<'_>, run: PathBuf) -> PyResult<String> {
    let read = || -> Result<String, StoreError> {
        if is_folder_of_runs(&run) {
            return Ok("{}".to_owned());
        }
        let dir = RunDir::open(&run)?;
        if dir.has(names::SUMMARY) { dir.read_text(names::SUMMARY) } else { Ok("{}".to_owned()) }
    };
    caught(|| py.detach(read).map_err(of_store))
}

/// The metrics of a run: for each name the steps and the values as arrays of float64, in the order of the log.
#[pyfunction]
pub(crate) fn read_metrics(py: Python<'_>, run: PathBuf) -> PyResult<Py<PyDict>> {
    caught(|| {
        let text = py.detach(|| log(&run)).map_err(of_store)?;
        let mut curves: Vec<(String, Vec<f64>, Vec<f64>)> = Vec::new();
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(line).ok());
        for record in lines {
            let Some(step) = record.get("step").and_then(serde_json::Value::as_f64) else { continue };
            for (name, value) in record.iter().filter(|(name, _)| *name != "step") {
                let Some(value) = value.as_f64() else { continue };
                let place = curves.iter().position(|(known, ..)| known == name).unwrap_or_else(|| {
                    curves.push((name.clone(), Vec::new(), Vec::new()));
                    curves.len() - 1
                });
                curves[place].1.push(step);
                curves[place].2.push(value);
            }
        }
        let metrics = PyDict::new(py);
        for (name, steps, values) in curves {
            metrics.set_item(name, (PyArray1::from_vec(py, steps), PyArray1::from_vec(py, values)))?;
        }
        Ok(metrics.unbind())
    })
}
