//! Shapes of batches.

/// Checks that teacher, student and gradient have one shape; returns samples and classes.
pub(super) fn same_shape(
    teacher: &[f32],
    student: &[f32],
    samples: usize,
    d_student: &[f32],
) -> (usize, usize) {
    let lengths = (teacher.len(), d_student.len());
    assert_eq!(lengths, (student.len(), student.len()), "teacher and student of one shape");
    shape(student, samples)
}

/// Checks that there are whole samples; returns their number and the outputs of one.
pub(super) fn shape(outputs: &[f32], samples: usize) -> (usize, usize) {
    let whole = samples > 0 && !outputs.is_empty() && outputs.len().is_multiple_of(samples);
    assert!(whole, "{} outputs for {samples} samples", outputs.len());
    (samples, outputs.len() / samples)
}

/// `x` times a weight; 0 where that is 0, whatever `x`.
pub(super) fn weighed(weight: f64, x: f64) -> f64 {
    if weight == 0.0 { 0.0 } else { weight * x }
}

/// The mean over the samples of a loss of a row of teacher, student and gradient.
pub(super) fn mean_of_rows(
    width: usize,
    teacher: &[f32],
    student: &[f32],
    d_student: &mut [f32],
    mut loss: impl FnMut(&[f32], &[f32], &mut [f32]) -> f64,
) -> f32 {
    let rows = teacher.chunks_exact(width).zip(student.chunks_exact(width));
    let losses = rows.zip(d_student.chunks_exact_mut(width)).map(|((t, s), d)| loss(t, s, d));
    (losses.sum::<f64>() / (student.len() / width) as f64) as f32
}
