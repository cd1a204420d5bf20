//! The size of a classifier's file, and the time that it takes to answer, measured here.

use crate::data::Dataset;
use crate::export::safetensors;
use crate::jobs::Timed;
use crate::model::{Model, Predictor};
use potstill_nn::Workspace;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The time that one measurement takes at most, and the fewest and most rows of it.
const PATIENCE: Duration = Duration::from_millis(40);
const ROWS: (usize, usize) = (20, 2000);
/// Rows at a time, for the throughput.
pub(super) const BATCH: usize = 256;

/// Bytes of a classifier's model file, and microseconds from the encoded values of a row, or its text, to the logits.
pub(crate) fn costs(predictor: &Predictor, samples: &Dataset) -> Value {
    let mut costs = json!({
        "parameters": predictor.parameters(),
        "bytes": safetensors::write(&Model::Predictor(predictor.clone())).len(),
    });
    if let Some(measured) = speed(predictor, samples) {
        add(&mut costs, measured);
    }
    costs
}

/// The same of a teacher that is no network of these samples: the microseconds are from what it takes of a row to its answer.
pub(super) fn costs_of_teacher(teacher: &mut Timed) -> Value {
    let mut costs = json!({});
    if let Some(bytes) = teacher.bytes {
        costs["bytes"] = json!(bytes);
    }
    if teacher.rows > 0 {
        let measured = measure(teacher.rows, &mut teacher.answer);
        add(&mut costs, measured);
    }
    costs
}

fn add(costs: &mut Value, (times, rows_per_second): (Vec<f64>, f64)) {
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    costs["latency_us"] = json!({ "p50": at(0.5), "p99": at(0.99) });
    costs["rows_per_second"] = json!(rows_per_second);
}

/// The [measured](measure) times of a predictor; none for samples of another kind.
fn speed(predictor: &Predictor, samples: &Dataset) -> Option<(Vec<f64>, f64)> {
    let mut workspace = Workspace::default();
    let mut answer: Box<dyn FnMut(usize, usize)> = match predictor.bag() {
        Some(bag) if samples.is_texts() => Box::new(move |from, count| {
            let means = bag.means((from..from + count).map(|i| &*samples.texts[i]));
            std::hint::black_box(predictor.answers(&means, &mut workspace));
        }),
        None if takes(predictor, samples) => Box::new(move |from, count| {
            let width = samples.features;
            std::hint::black_box(
                predictor.answers(&samples.inputs[from * width..][..count * width], &mut workspace),
            );
        }),
        _ => return None,
    };
    Some(measure(samples.len(), &mut answer))
}

/// The sorted times of single rows in microseconds, and rows a second in batches, of a function that answers some of these rows.
fn measure(count: usize, answer: &mut dyn FnMut(usize, usize)) -> (Vec<f64>, f64) {
    answer(0, 1);
    let (mut times, begun) = (Vec::new(), Instant::now());
    while times.len() < ROWS.0 || (times.len() < ROWS.1 && begun.elapsed() < PATIENCE) {
        let now = Instant::now();
        answer(times.len() % count, 1);
        times.push(now.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_unstable_by(f64::total_cmp);
    let (batch, mut rows, begun) = (count.min(BATCH), 0, Instant::now());
    while rows == 0 || begun.elapsed() < PATIENCE {
        answer(0, batch);
        rows += batch;
    }
    (times, rows as f64 / begun.elapsed().as_secs_f64())
}

fn takes(predictor: &Predictor, samples: &Dataset) -> bool {
    !samples.is_texts() && predictor.input_count() == samples.features
}
