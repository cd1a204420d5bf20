//! Act 3, dark knowledge: the information in a teacher's wrong classes about the digits (Hinton, Vinyals and
//! Dean 2015).

use super::act::{Act, QuickstartRequest, stop_if_asked};
use crate::data::Dataset;
use crate::distill::classifier::error_rate;
use crate::distill::{ClassifierTrainer, FitConfig, SoftTargets};
use crate::error::Error;
use crate::metrics::catalogue::{TEST_ERROR, difference_range, range};
use crate::report::{BarChart, Block, GreyImage, Table, wrap};
use crate::run::{Observer, watched_map};
use crate::store::RunDir;
use crate::targets::soft_targets;
use crate::train::TrainError;
use crate::train::statistics::{Center, paired_difference};
use potstill_core::Streams;
use potstill_nn::{Ends, Network, NetworkSpec, Workspace};
use serde_json::{Value, json};
use std::sync::Arc;

const SEEDS: usize = 20;
const TEACHER: &str = "mlp:800";
const STUDENT: &str = "mlp:10";
/// A narrow student learns best at a temperature of 2.5 to 4 (Hinton et al. 2015, section 3).
const TEMPERATURE: f32 = 4.0;
const ALPHA: f32 = 0.9;
const SHOWN_AT: [f32; 3] = [1.0, 4.0, 20.0];

/// One seed: a split, a teacher, and the same student with and without soft targets.
struct Trial {
    teacher: f64,
    student_labels: f64,
    student_distilled: f64,
    /// Of the first seed: the digit of which the teacher is least certain, and its logits.
    shown: Option<(Vec<f32>, usize, Vec<f32>)>,
}

fn fit(
    observer: &dyn Observer,
    config: &FitConfig,
    spec: &str,
    data: &Arc<Dataset>,
    soft: Option<SoftTargets>,
    seed: u64,
) -> Result<Network, Error> {
    let spec: NetworkSpec = spec.parse().expect("a constant that parses");
    let mut trainer = ClassifierTrainer::new(config.clone(), &spec, data.clone(), soft, Streams::new(seed));
    while trainer.epochs() < config.epochs {
        stop_if_asked(observer)?;
        let step = trainer.steps() + 1;
        trainer.epoch().map_err(|source| TrainError::Learn { step, source })?;
    }
    Ok(trainer.student().clone())
}

fn trial(observer: &dyn Observer, digits: &Dataset, seed: u64, first: bool) -> Result<Trial, Error> {
    let streams = Streams::new(seed);
    let slow = FitConfig { epochs: 40, ..FitConfig::default() };
    let quick = FitConfig { epochs: 200, learning_rate: 5e-3.into(), ..FitConfig::default() };
    let (train, test) = digits.split(slow.test_samples as usize, &mut streams.stream("split"));
    let train = Arc::new(train);
    let teacher = fit(observer, &slow, TEACHER, &train, None, streams.seed_for("teacher", 0))?;
    // Both students start from the same parameters and see the same minibatches.
    let student_seed = streams.seed_for("student", 0);
    let labels = fit(observer, &quick, STUDENT, &train, None, student_seed)?;
    let distilled = fit(
        observer,
        &quick,
        STUDENT,
        &train,
        Some(SoftTargets::frozen(teacher.clone(), TEMPERATURE, ALPHA)),
        student_seed,
    )?;
    Ok(Trial {
        teacher: error_rate(&teacher, &test),
        student_labels: error_rate(&labels, &test),
        student_distilled: error_rate(&distilled, &test),
        shown: first.then(|| most_telling(&teacher, &test)),
    })
}

/// The test digit of which the teacher is least certain, among those that it classifies correctly.
fn most_telling(teacher: &Network, test: &Dataset) -> (Vec<f32>, usize, Vec<f32>) {
    let mut workspace = Workspace::default();
    let logits = teacher.predict(&test.inputs, &mut workspace);
    let rows = logits.chunks_exact(test.classes).enumerate();
    let sure = |i: usize, row: &[f32]| soft_targets(1.0, row, test.classes)[test.labels[i]];
    let right = rows.filter(|(i, row)| row.iter().all(|z| *z <= row[test.labels[*i]]));
    let (index, row) =
        right.min_by(|a, b| sure(a.0, a.1).total_cmp(&sure(b.0, b.1))).expect("it gets some right");
    (test.input(index).to_vec(), test.labels[index], row.to_vec())
}

/// Runs the act.
///
/// # Errors
/// If a loss or a gradient is not finite, or the tour is stopped.
pub(super) fn act(request: &QuickstartRequest, _dir: &RunDir, observer: &dyn Observer) -> Result<Act, Error> {
    let digits = Dataset::digits();
    let streams = Streams::new(request.seed);
    let trials = watched_map(observer, "dark knowledge", SEEDS, request.threads, |i| {
        trial(observer, &digits, streams.seed_for("digits", i as u64), i == 0)
    });
    let trials = trials.into_iter().collect::<Result<Vec<Trial>, Error>>()?;

    let values = |of: fn(&Trial) -> f64| -> Vec<f64> { trials.iter().map(of).collect() };
    let estimate = |of| Center::Mean.estimate(&values(of)).within(range(TEST_ERROR));
    let results = [
        ("teacher", TEACHER, estimate(|t| t.teacher)),
        ("student_labels", STUDENT, estimate(|t| t.student_labels)),
        ("student_distilled", STUDENT, estimate(|t| t.student_distilled)),
    ];
    // Paired by seed: both students share split, initialisation and minibatches.
    let gain = paired_difference(&values(|t| t.student_labels), &values(|t| t.student_distilled))
        .within(difference_range(TEST_ERROR));
    let verdict = match gain.interval {
        Some((low, _)) if low > 0.0 => "the soft targets helped",
        Some((_, high)) if high < 0.0 => "the soft targets hurt",
        _ => "a tie: the interval contains 0",
    };

    let parameters = |spec: &str| {
        let spec: NetworkSpec = spec.parse().expect("a constant that parses");
        spec.check(&Ends::new(digits.features, digits.classes)).expect("a small network")
    };
    let titles = ["teacher", "student, labels alone", "student, distilled"];
    let table = Table {
        head: ["", "parameters", "test error, %"].map(str::to_owned).to_vec(),
        rows: results
            .iter()
            .zip(titles)
            .map(|((_, spec, error), title)| {
                vec![title.to_owned(), parameters(spec).to_string(), error.times(100.0).text(2)]
            })
            .collect(),
    };
    let words = format!(
        "Distilling at T = {} lowers the student's test error by {} points, paired over {SEEDS} seeds (95 %): {verdict}.",
        TEMPERATURE,
        gain.times(100.0).text(2)
    );
    let (image, label, logits) =
        trials.iter().find_map(|t| t.shown.clone()).expect("the first seed shows one");
    let chart = BarChart {
        title: format!("The teacher's soft targets of this {label}, at three temperatures"),
        x_label: "digit".to_owned(),
        y_label: "probability".to_owned(),
        categories: (0..digits.classes).map(|class| class.to_string()).collect(),
        series: SHOWN_AT
            .map(|temperature| {
                let targets = soft_targets(temperature, &logits, digits.classes);
                (format!("T = {temperature}"), targets.into_iter().map(f64::from).collect())
            })
            .to_vec(),
    };
    let mut numbers = serde_json::Map::new();
    numbers.insert("seeds".to_owned(), json!(SEEDS));
    for (name, spec, error) in results {
        numbers.insert(
            name.to_owned(),
            json!({
                "spec": spec,
                "parameters": parameters(spec),
                "test_error": error.value,
                "test_error_low": error.low(),
                "test_error_high": error.high(),
            }),
        );
    }
    numbers.insert(
        "gain".to_owned(),
        json!({ "test_error": gain.value, "low": gain.low(), "high": gain.high() }),
    );
    numbers.insert("temperature".to_owned(), json!(TEMPERATURE));
    numbers.insert("verdict".to_owned(), json!(verdict));
    let shades: Vec<f64> = image.iter().map(|&x| f64::from(x)).collect();
    let soft_table = soft_target_table(&chart);
    let text = format!(
        "{}\n{}\n{}\n{}",
        table.text(),
        wrap(&words),
        shaded(&shades, label, digits.shape[1]),
        soft_table.text()
    );
    let image =
        GreyImage { title: format!("A {label} of the test samples"), width: digits.shape[1], values: shades };
    let blocks = vec![
        Block::Text(words),
        Block::Table(table),
        Block::Row(vec![Block::Image(image), Block::Bars(chart)]),
        Block::Text(
            "Handwritten digits: E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998, CC BY 4.0.".to_owned(),
        ),
    ];
    Ok(Act {
        name: "digits",
        title: "Dark knowledge: what labels do not say",
        numbers: Value::Object(numbers),
        text,
        blocks,
    })
}

/// The bars as numbers: one row per temperature, one column per class.
fn soft_target_table(chart: &BarChart) -> Table {
    let head = std::iter::once(String::new()).chain(chart.categories.iter().cloned()).collect();
    let rows = chart.series.iter().map(|(name, values)| {
        std::iter::once(name.clone()).chain(values.iter().map(|v| format!("{v:.3}"))).collect()
    });
    Table { head, rows: rows.collect() }
}

/// The image in characters, dark to light.
fn shaded(values: &[f64], label: usize, width: usize) -> String {
    let mut text = format!("  The teacher's soft targets for this {label}:\n\n");
    for row in values.chunks(width) {
        let shades: String = row
            .iter()
            .map(|v| [' ', '\u{2591}', '\u{2592}', '\u{2593}', '\u{2588}'][(v * 4.0 + 0.5) as usize])
            .flat_map(|c| [c, c])
            .collect();
        text += &format!("      {}\n", shades.trim_end());
    }
    text
}
