//! Shapes: broadcasting, axes, and the order of elements.

use super::tensor::{Data, Tensor, count};

/// The place of an axis that may count from the end.
pub(crate) fn axis(axis: i64, rank: usize) -> Result<usize, String> {
    let place = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    let place = place.and_then(|place| usize::try_from(place).ok()).filter(|&place| place < rank);
    place.ok_or_else(|| format!("has axis {axis} for {rank} dimensions"))
}

/// The common shape of two by NumPy's rule.
pub(crate) fn common(a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    let rank = a.len().max(b.len());
    let at = |shape: &[usize], i: usize| (i + shape.len()).checked_sub(rank).map_or(1, |i| shape[i]);
    (0..rank)
        .map(|i| match (at(a, i), at(b, i)) {
            (x, y) if x == y => Ok(x),
            (1, x) | (x, 1) => Ok(x),
            _ => Err(format!("was given shapes {a:?} and {b:?}, which do not fit")),
        })
        .collect()
}

/// Steps from element to element along each dimension of the common shape; 0 along those that are repeated.
pub(crate) fn strides(shape: &[usize], to: &[usize]) -> Vec<usize> {
    let mut strides = vec![0; to.len()];
    let mut step = 1;
    for (i, &length) in shape.iter().enumerate().rev() {
        if length > 1 {
            strides[i + to.len() - shape.len()] = step;
        }
        step *= length;
    }
    strides
}

/// Calls `each` with the place of every element of a shape under some strides, row by row.
pub(crate) fn walk(shape: &[usize], strides: &[usize], mut each: impl FnMut(usize)) {
    let total = count(shape).unwrap_or(0);
    let (mut index, mut place) = (vec![0; shape.len()], 0);
    for _ in 0..total {
        each(place);
        for i in (0..shape.len()).rev() {
            index[i] += 1;
            place += strides[i];
            if index[i] < shape[i] {
                break;
            }
            place -= strides[i] * shape[i];
            index[i] = 0;
        }
    }
}

/// The elements at the places of a walk.
pub(crate) fn gathered(data: &Data, shape: &[usize], strides: &[usize], first: usize) -> Data {
    fn taken<T: Copy>(data: &[T], shape: &[usize], strides: &[usize], first: usize) -> Vec<T> {
        let mut all = Vec::with_capacity(count(shape).unwrap_or(0));
        walk(shape, strides, |place| all.push(data[first + place]));
        all
    }
    match data {
        Data::Floats(data) => Data::Floats(taken(data, shape, strides, first)),
        Data::Integers(data) => Data::Integers(taken(data, shape, strides, first)),
    }
}

/// Applies a function to two tensors of numbers with broadcasting.
pub(crate) fn zip<T: Copy, U>(
    (a, a_shape): (&[T], &[usize]),
    (b, b_shape): (&[T], &[usize]),
    shape: &[usize],
    f: impl Fn(T, T) -> U,
) -> Vec<U> {
    if a_shape == b_shape {
        return a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect();
    }
    // A row or a single number beside rows.
    if a_shape == shape
        && !b.is_empty()
        && a_shape.ends_with(&b_shape[b_shape.iter().take_while(|&&n| n == 1).count()..])
    {
        return a.chunks(b.len()).flat_map(|row| row.iter().zip(b).map(|(&a, &b)| f(a, b))).collect();
    }
    let (a_steps, b_steps) = (strides(a_shape, shape), strides(b_shape, shape));
    let mut places = Vec::with_capacity(count(shape).unwrap_or(0));
    walk(shape, &a_steps, |place| places.push(place));
    let (mut all, mut i) = (Vec::with_capacity(places.len()), 0);
    walk(shape, &b_steps, |place| {
        all.push(f(a[places[i]], b[place]));
        i += 1;
    });
    all
}

/// Axes in a new order.
pub(crate) fn transposed(x: &Tensor, order: &[usize]) -> Tensor {
    let own = strides_of(&x.shape);
    let shape: Vec<usize> = order.iter().map(|&axis| x.shape[axis]).collect();
    let steps: Vec<usize> = order.iter().map(|&axis| own[axis]).collect();
    Tensor { data: gathered(&x.data, &shape, &steps, 0), shape }
}

/// The step along each dimension.
pub(crate) fn strides_of(shape: &[usize]) -> Vec<usize> {
    let mut steps = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        steps[i - 1] = steps[i] * shape[i];
    }
    steps
}

/// Elements before an axis, along it, and behind it.
pub(crate) fn around(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    (shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product())
}
