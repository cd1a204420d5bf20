//! `potstill bench distill`: the time of an epoch of a student of MNIST's size.

use super::bench_deep::peak_flops;
use crate::data::Dataset;
use crate::distill::{ClassifierTrainer, FitConfig, SoftTargets};
use crate::error::Error;
use crate::run::Observer;
use crate::train::TrainError;
use potstill_core::{Pcg64, Streams};
use potstill_nn::{Level, NetworkSpec, Workers};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

/// A measurement of distillation.
#[derive(Clone, Copy, Debug)]
pub struct DistillBench {
    /// Threads to use.
    pub threads: usize,
    /// Samples of an epoch.
    pub samples: usize,
    /// Epochs, of which the median is taken.
    pub epochs: usize,
    /// Computes the teacher's outputs in every step, as with shifted images, instead of once.
    pub live: bool,
}

const TEACHER: &str = "mlp:1200,1200";
const STUDENT: &str = "mlp:800,800";
const SIDE: usize = 28;
const CLASSES: usize = 10;
const BATCH: u64 = 128;

/// Measures epochs of an 800-800 student under a 1200-1200 teacher on random images of MNIST's size, batch 128, Adam, temperature 20; also as a
/// fraction of the peak of one core times the number of threads.
///
/// # Errors
/// If a loss or a gradient is not finite.
pub fn bench_distill(request: &DistillBench, observer: &dyn Observer) -> Result<Value, Error> {
    let DistillBench { threads, samples, epochs, live } = *request;
    let workers = Workers::new(threads);
    let data = Arc::new(images(samples));
    let form = |text: &str| text.parse::<NetworkSpec>().expect("a network");
    let teacher = form(TEACHER).build(SIDE * SIDE, CLASSES, &mut Pcg64::new(1));
    // The teacher sees each image shifted anew.
    let config = FitConfig { batch_size: BATCH, jitter_pixels: u64::from(live), ..FitConfig::default() };
    let of_teacher = if live { teacher.multiply_adds() } else { 0 };
    let soft = SoftTargets::frozen(teacher, 20.0, 0.9);
    let mut trainer = ClassifierTrainer::new(config, &form(STUDENT), data, Some(soft), Streams::new(0))
        .with_workers(workers);
    let student = trainer.student();
    let each = of_teacher + student.multiply_adds() + student.backward_multiply_adds();
    observer.begin("epochs", epochs as u64);
    let mut times = Vec::with_capacity(epochs);
    for epoch in 0..epochs {
        let start = Instant::now();
        let step = trainer.steps() + 1;
        trainer.epoch().map_err(|source| TrainError::Learn { step, source })?;
        times.push(start.elapsed().as_secs_f64());
        observer.advance(epoch as u64 + 1, "");
    }
    observer.end();
    times.sort_by(f64::total_cmp);
    let (seconds, peak) = (times[epochs / 2], peak_flops());
    let flops = 2.0 * each as f64 * samples as f64 / seconds;
    Ok(json!({
        "command": "bench distill",
        "settings": {
            "teacher": TEACHER,
            "student": STUDENT,
            "inputs": SIDE * SIDE,
            "samples": samples,
            "batch_size": BATCH,
            "optimizer": "adam",
            "teacher_is_live": live,
        },
        "threads": threads,
        "epochs": epochs,
        "seconds_per_epoch": seconds,
        "gflops": flops / 1e9,
        "peak_gflops": peak / 1e9,
        "peak_share": flops / (peak * threads as f64),
        "level": Level::best().name(),
    }))
}

/// Random grey images, four of five points black.
fn images(samples: usize) -> Dataset {
    let mut rng = Pcg64::new(7);
    let features = SIDE * SIDE;
    let mut point = || if rng.below(5) == 0 { rng.below(256) as f32 / 255.0 } else { 0.0 };
    let inputs = (0..samples * features).map(|_| point()).collect();
    let labels = (0..samples).map(|i| i % CLASSES).collect();
    let (texts, values) = (Vec::new(), Vec::new());
    Dataset { shape: [SIDE, SIDE, 1], features, classes: CLASSES, inputs, texts, labels, values }
}
