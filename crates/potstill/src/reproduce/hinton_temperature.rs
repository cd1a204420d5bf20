//! The temperature of soft targets for a narrow and a wider student (Hinton, Vinyals and Dean 2015, section 3).

use super::mnist::{Images, Recipe, column, errors, ratios, soft};
use super::result::{Claim, Column, Reproduction, Runs, nowhere, series};
use crate::distill::classifier::logits;
use crate::error::Error;
use crate::report::LineChart;

/// A student and its temperatures.
struct Student {
    network: &'static str,
    name: &'static str,
    temperatures: &'static [f64],
    epochs: u64,
}

const NARROW: Student = Student {
    network: "mlp:30,30",
    name: "30 units",
    temperatures: &[1.0, 2.0, 3.0, 4.0, 5.0, 8.0, 20.0],
    epochs: 40,
};
const WIDE: Student =
    Student { network: "mlp:300,300", name: "300 units", temperatures: &[8.0, 20.0], epochs: 30 };
const ALPHA: f64 = 0.9;
/// The temperatures among which the best one is expected.
const BEST: (f64, f64) = (2.0, 5.0);
const SOURCE: &str = "Hinton et al. 2015, section 3";

/// The test errors at each temperature, a list for each.
fn curve(
    runs: &Runs<'_>,
    student: &Student,
    images: &Images,
    recorded: &[f32],
) -> Result<Vec<Vec<f64>>, Error> {
    let Student { network, name, temperatures, epochs } = *student;
    let recipe = Recipe::taught(network, runs.epochs(epochs));
    let of_temperature = |temperature: &f64| {
        let all = runs.of_seeds(&format!("{name}, T = {temperature}"), |seed| {
            let soft = Some(soft(recorded, *temperature, ALPHA));
            Ok(vec![errors(&runs.student(&recipe, &images.train, soft, seed)?, &images.test)])
        });
        all.map(|all| column(&all, 0))
    };
    temperatures.iter().map(of_temperature).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The place of the temperature with the lowest mean.
fn best(curve: &[Vec<f64>]) -> usize {
    (0..curve.len()).min_by(|&a, &b| mean(&curve[a]).total_cmp(&mean(&curve[b]))).expect("a temperature")
}

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let images = Images::open(runs)?;
    let teacher = runs.teacher(&Recipe::teacher(runs), &images.train)?;
    let recorded = logits(&teacher, &images.train.inputs);
    let narrow = curve(runs, &NARROW, &images, &recorded)?;
    let wide = curve(runs, &WIDE, &images, &recorded)?;
    let place = best(&narrow);
    let temperature = NARROW.temperatures[place];
    let more = |of: usize| narrow[of].iter().zip(&narrow[place]).map(|(a, b)| a - b).collect::<Vec<f64>>();
    let mut claims = vec![Claim::computed(
        "30 units: the temperature of the fewest errors",
        BEST,
        "2.5 to 4, there",
        temperature,
    )];
    for of in [0, NARROW.temperatures.len() - 1] {
        let what = format!(
            "30 units: errors at T = {} more than at the best (pairs of a seed)",
            NARROW.temperatures[of]
        );
        let mean = runs.claim(&what, (0.0, f64::INFINITY), SOURCE, more(of));
        let low = mean.measured.low().unwrap_or(mean.measured.value);
        claims.push(mean);
        claims.push(Claim::computed(
            format!("{what}: low end of the 95 % interval"),
            (0.0, f64::INFINITY),
            SOURCE,
            low,
        ));
    }
    claims.push(runs.claim(
        "300 units: errors at T = 20, times those at T = 8",
        (0.9, 1.1),
        "\"fairly similar\" above 8, there",
        ratios(&wide[1], &wide[0]),
    ));
    if runs.request.quick {
        claims.truncate(1);
        claims[0].expected = (1.0, 20.0);
    }
    let named = |student: &Student, curve: &[Vec<f64>]| -> Vec<Column> {
        let named = student.temperatures.iter().zip(curve);
        named
            .map(|(t, values)| Column {
                name: format!("{}, T = {t}: test errors", student.name),
                values: values.clone(),
            })
            .collect()
    };
    let line = |student: &Student, curve: &[Vec<f64>]| {
        series(
            student.name,
            student.temperatures.iter().zip(curve).map(|(t, values)| (*t, mean(values))).collect(),
        )
    };
    Ok(Reproduction {
        name: "hinton-temperature",
        data: None,
        source: SOURCE,
        setting: format!(
            "the teacher of hinton-mnist; students of two layers without regularisation, {} epochs of 30 units and {} of 300, soft targets of \
             weight {ALPHA}{}",
            runs.epochs(NARROW.epochs),
            runs.epochs(WIDE.epochs),
            runs.quick_words(),
        ),
        runs: runs.count,
        seed: runs.request.seed,
        claims,
        beside: [named(&NARROW, &narrow), named(&WIDE, &wide)].concat(),
        charts: vec![LineChart {
            title: "Test errors of 10,000 by temperature".to_owned(),
            x_label: "temperature".to_owned(),
            y_label: "errors".to_owned(),
            series: vec![line(&NARROW, &narrow), line(&WIDE, &wide)],
            y_range: None,
        }],
        maps: Vec::new(),
        note: "The best temperature is that of the lowest mean over the seeds; the comparisons with it are paired, and chosen after it.",
        out: nowhere(),
    })
}
