//! Observations and actions as values of Python: numbers, tuples and NumPy arrays.

use crate::errors::Class;
use numpy::{PyArray1, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn};
use potstill::env::space::Element;
use potstill::env::{Row, Space};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// A space as a tuple: the name of its Gymnasium class, then what that is built of.
pub(crate) fn space_to_python(py: Python<'_>, space: &Space) -> PyResult<Py<PyAny>> {
    match space {
        Space::Discrete { n } => ("Discrete", n).into_py_any(py),
        Space::Tuple { sizes } => ("Tuple", sizes).into_py_any(py),
        Space::Box { low, high } => {
            ("Box", PyArray1::from_slice(py, low), PyArray1::from_slice(py, high)).into_py_any(py)
        }
        Space::MultiBinary { shape } => ("MultiBinary", shape).into_py_any(py),
        Space::Image { .. } => ("Image", space.shape()).into_py_any(py),
    }
}

/// A number of an observation or action with its type in Gymnasium's arrays.
pub(crate) trait Number: Element {
    /// The type in an array: `int64`, `float32` or `int8`.
    type InArray: numpy::Element + Copy + Default;

    /// The number in an array.
    fn to_array(self) -> Self::InArray;

    /// The number of an array; `None` if it cannot be one.
    fn from_array(number: Self::InArray) -> Option<Self>;

    /// NumPy's name of the type.
    const DTYPE: &'static str;
}

impl Number for usize {
    type InArray = i64;

    const DTYPE: &'static str = "int64";

    fn to_array(self) -> i64 {
        self as i64
    }

    fn from_array(number: i64) -> Option<Self> {
        usize::try_from(number).ok()
    }
}

impl Number for f32 {
    type InArray = f32;

    const DTYPE: &'static str = "float32";

    fn to_array(self) -> f32 {
        self
    }

    fn from_array(number: f32) -> Option<Self> {
        Some(number)
    }
}

impl Number for u8 {
    type InArray = i8;

    const DTYPE: &'static str = "int8";

    fn to_array(self) -> i8 {
        self as i8
    }

    fn from_array(number: i8) -> Option<Self> {
        u8::try_from(number).ok()
    }
}

/// One value of a space: an integer, a tuple of integers, or an array.
pub(crate) fn value_to_python<T: Number>(py: Python<'_>, row: &[T], space: &Space) -> PyResult<Py<PyAny>> {
    match (space, row) {
        (Space::Discrete { .. }, [number]) => (number.wide() as u64).into_py_any(py),
        (Space::Tuple { .. }, [number]) => {
            PyTuple::new(py, space.parts(number.wide() as usize))?.into_py_any(py)
        }
        _ => {
            let array = PyArray1::from_iter(py, row.iter().map(|number| number.to_array()));
            match space.shape()[..] {
                [_] => array.into_py_any(py),
                ref shape => array.reshape(shape.to_vec())?.into_py_any(py),
            }
        }
    }
}

/// Values of many copies, row after row, in new arrays or in the caller's: an array with an axis of copies before those of
/// the space, and a tuple of such arrays of a space of tuples.
pub(crate) fn rows_to_python<T: Number>(
    py: Python<'_>,
    rows: &[T],
    space: &Space,
    out: Option<&Bound<'_, PyAny>>,
) -> PyResult<Py<PyAny>> {
    let copies = rows.len() / space.features();
    let shape: Vec<usize> = [vec![copies], space.shape()].concat();
    let Space::Tuple { sizes } = space else {
        let Some(out) = out else {
            let array = PyArray1::from_iter(py, rows.iter().map(|number| number.to_array()));
            return if shape.len() == 1 {
                array.into_py_any(py)
            } else {
                array.reshape(shape)?.into_py_any(py)
            };
        };
        fill(out, "observations", T::DTYPE, &shape, rows.iter().map(|number| number.to_array()))?;
        return Ok(out.clone().unbind());
    };
    let part = |part: usize| rows.iter().map(move |number| space.parts(number.wide() as usize)[part] as i64);
    let Some(out) = out else {
        let parts = (0..sizes.len()).map(|i| PyArray1::from_iter(py, part(i)));
        return PyTuple::new(py, parts)?.into_py_any(py);
    };
    let given: Vec<Bound<'_, PyAny>> =
        out.extract().ok().filter(|given: &Vec<_>| given.len() == sizes.len()).ok_or_else(|| {
            Class::Input.with(format!("out: observations are a tuple of {} arrays", sizes.len()))
        })?;
    for (i, out) in given.iter().enumerate() {
        fill(out, "observations", "int64", &shape, part(i))?;
    }
    Ok(out.clone().unbind())
}

/// Writes numbers into an array of the caller.
///
/// # Errors
/// If it is no writable array of this type and shape whose numbers lie side by side.
pub(crate) fn fill<N: numpy::Element + Copy>(
    out: &Bound<'_, PyAny>,
    name: &str,
    dtype: &str,
    shape: &[usize],
    numbers: impl Iterator<Item = N>,
) -> PyResult<()> {
    let wanted = || {
        Class::Input.with(format!(
            "out: {name} must be a writable, C-contiguous array of {dtype} with the shape {shape:?}"
        ))
    };
    let array = out.cast::<PyArrayDyn<N>>().map_err(|_| wanted())?;
    let mut array = array.try_readwrite().map_err(|_| wanted())?;
    if array.as_array().shape() != shape {
        return Err(wanted());
    }
    // Not the array's own slice, which is there in Fortran's order, too.
    let mut view = array.as_array_mut();
    let places = view.as_slice_mut().ok_or_else(wanted)?;
    places.iter_mut().zip(numbers).for_each(|(place, number)| *place = number);
    Ok(())
}

/// The numbers of one or many values of a space, row after row, from whatever NumPy can make an array of.
///
/// # Errors
/// If they are no numbers, fractions where whole numbers are needed, or below 0 there.
pub(crate) fn numbers_of<T: Number>(given: &Bound<'_, PyAny>, name: &str) -> PyResult<(Vec<T>, Vec<usize>)> {
    let read = |array: &PyReadonlyArrayDyn<'_, T::InArray>| {
        let array = array.as_array();
        let numbers: Option<Vec<T>> = match array.as_slice() {
            Some(numbers) => numbers.iter().map(|number| T::from_array(*number)).collect(),
            None => array.iter().map(|number| T::from_array(*number)).collect(),
        };
        let numbers = numbers
            .ok_or_else(|| Class::Input.with(format!("{name}: {} has a number below 0", shown(given))))?;
        Ok((numbers, array.shape().to_vec()))
    };
    if let Ok(array) = given.extract::<PyReadonlyArrayDyn<'_, T::InArray>>() {
        return read(&array);
    }
    let py = given.py();
    let wrong = || {
        let kind = if T::IS_WHOLE { "whole numbers" } else { "numbers" };
        Class::Input.with(format!("{name}: {} is no array of {kind}", shown(given)))
    };
    let array = py.import("numpy")?.call_method1("asarray", (given,)).map_err(|_| wrong())?;
    // Fractions are not cut off, and words are no numbers.
    let kind: String = array.getattr("dtype")?.getattr("kind")?.extract()?;
    if !(if T::IS_WHOLE { "iub" } else { "iubf" }).contains(&kind) {
        return Err(wrong());
    }
    let how = PyDict::new(py);
    how.set_item("copy", false)?;
    let array = array.call_method("astype", (T::DTYPE,), Some(&how)).map_err(|_| wrong())?;
    read(&array.extract::<PyReadonlyArrayDyn<'_, T::InArray>>()?)
}

/// The text of a value, cut if it is long.
fn shown(given: &Bound<'_, PyAny>) -> String {
    let text = given.repr().map_or_else(|_| "it".to_owned(), |text| text.to_string());
    if text.chars().count() > 60 { text.chars().take(57).chain("...".chars()).collect() } else { text }
}

/// An action of one environment, as numbers.
///
/// # Errors
/// If it is no value of this kind.
pub(crate) fn action_from_python<A: Row + ?Sized>(
    given: &Bound<'_, PyAny>,
    space: &Space,
    action: &mut A,
) -> PyResult<()>
where
    A::Element: Number,
{
    let wrong = || Class::Input.with(format!("action {} is outside the action space {space}", shown(given)));
    if A::IS_INDEX {
        // The way of a plain integer is short.
        let number: i64 = match given.extract() {
            Ok(number) => number,
            Err(_) => return Err(wrong()),
        };
        let number =
            <A::Element as Element>::narrow(number as f64).filter(|_| number >= 0).ok_or_else(wrong)?;
        action.as_mut_slice()[0] = number;
        return Ok(());
    }
    let (numbers, _) = numbers_of::<A::Element>(given, "action")?;
    let row = action.as_mut_slice();
    if numbers.len() != row.len() {
        return Err(wrong());
    }
    row.copy_from_slice(&numbers);
    Ok(())
}
