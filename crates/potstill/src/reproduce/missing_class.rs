//! Transfer sets without a class, or with two alone, and the biases of the classes moved after the training (Hinton, Vinyals and Dean
//! 2015, section 3).

use super::mnist::{CLASSES, Images, Recipe, column, errors_by_run, ratios, soft};
use super::result::{Column, Reproduction, Runs, nowhere};
use crate::data::Dataset;
use crate::distill::classifier::logits;
use crate::error::Error;
use crate::targets::argmax;
use potstill_nn::Network;
use std::sync::Arc;

const STUDENT: &str = "mlp:800,800";
const EPOCHS: u64 = 40;
const TEMPERATURE: f64 = 20.0;
/// Training images that no transfer set has: the shifts are chosen on them.
const HELD_OUT: usize = 10_000;
/// The published shifts, which were chosen on the test images.
const PUBLISHED: [f32; 2] = [3.5, -7.6];
/// The largest shift that is tried, and the gap between two.
const SHIFT_MAX: f32 = 40.0;
const SHIFT_GAP: f32 = 0.1;
const SOURCE: &str = "Hinton et al. 2015, section 3";

/// A network's answers to images with labels.
struct Answers<'a> {
    /// `samples x classes`.
    logits: Vec<f32>,
    labels: &'a [usize],
}

impl<'a> Answers<'a> {
    fn new(network: &Network, data: &'a Dataset) -> Self {
        Self { logits: logits(network, &data.inputs), labels: &data.labels }
    }

    /// The classes of the labels, and those predicted after a shift of the biases of `classes`.
    fn shifted(&self, classes: &[usize], by: f32) -> impl Iterator<Item = (usize, usize)> {
        let rows = self.logits.chunks_exact(CLASSES).zip(self.labels);
        rows.map(move |(row, &label)| {
            let mut row: [f32; CLASSES] = row.try_into().expect("ten classes");
            classes.iter().for_each(|&class| row[class] += by);
            (label, argmax(&row))
        })
    }

    /// Misclassified samples after a shift of the biases of `classes`.
    fn errors(&self, classes: &[usize], by: f32) -> f64 {
        self.shifted(classes, by).filter(|(label, predicted)| label != predicted).count() as f64
    }

    /// The shift with the fewest errors; of equals the one in their middle.
    fn best_shift(&self, classes: &[usize]) -> f32 {
        let count = (SHIFT_MAX / SHIFT_GAP).round() as i32;
        let tried: Vec<(f32, f64)> =
            (-count..=count).map(|i| i as f32 * SHIFT_GAP).map(|by| (by, self.errors(classes, by))).collect();
        let fewest = tried.iter().map(|(_, errors)| *errors).fold(f64::INFINITY, f64::min);
        let equal: Vec<f32> =
            tried.iter().filter(|(_, errors)| *errors == fewest).map(|(by, _)| *by).collect();
        equal[equal.len() / 2]
    }

    /// The share of a class that is right after a shift of its bias.
    fn share_right(&self, class: usize, by: f32) -> f64 {
        let classes = [class];
        let of_class = self.shifted(&classes, by).filter(|(label, _)| *label == class);
        let (right, all) =
            of_class.fold((0, 0), |(right, all), (_, found)| (right + u32::from(found == class), all + 1));
        f64::from(right) / f64::from(all.max(1))
    }
}

/// Numbers of a run: errors before and after the shift that was chosen on held-out images, and after the published one; the shift;
/// with one class its share that is right before and after.
fn measure(
    network: &Network,
    held_out: &Dataset,
    test: &Dataset,
    classes: &[usize],
    published: f32,
) -> Vec<f64> {
    let by = Answers::new(network, held_out).best_shift(classes);
    let answers = Answers::new(network, test);
    let mut numbers = vec![
        answers.errors(classes, 0.0),
        answers.errors(classes, by),
        answers.errors(classes, published),
        f64::from(by),
    ];
    if let [class] = classes {
        numbers.extend([answers.share_right(*class, 0.0), answers.share_right(*class, by)]);
    }
    numbers
}

/// The samples for which this is true of their class.
fn of_classes(
    data: &Dataset,
    rows: std::ops::Range<usize>,
    is_in: impl Fn(usize) -> bool,
) -> (Arc<Dataset>, Vec<usize>) {
    let rows: Vec<usize> = rows.filter(|&row| is_in(data.labels[row])).collect();
    (Arc::new(data.select(&rows)), rows)
}

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let images = Images::open(runs)?;
    let teacher = runs.teacher(&Recipe::teacher(runs), &images.train)?;
    let recorded = logits(&teacher, &images.train.inputs);
    let count = images.train.len();
    let kept = count - HELD_OUT.min(count / 6);
    let (held_out, _) = of_classes(&images.train, kept..count, |_| true);
    let recipe = Recipe::taught(STUDENT, runs.epochs(EPOCHS));
    let of_transfer =
        |what: &str, classes: &[usize], published: f32, is_in: &(dyn Fn(usize) -> bool + Sync)| {
            let (transfer, rows) = of_classes(&images.train, 0..kept, is_in);
            let theirs: Vec<f32> =
                rows.iter().flat_map(|&row| &recorded[row * CLASSES..][..CLASSES]).copied().collect();
            runs.of_seeds(what, |seed| {
                let network =
                    runs.student(&recipe, &transfer, Some(soft(&theirs, TEMPERATURE, 1.0)), seed)?;
                Ok(measure(&network, &held_out, &images.test, classes, published))
            })
        };
    let no_threes = of_transfer("without 3s", &[3], PUBLISHED[0], &|class| class != 3)?;
    let two = of_transfer("7s and 8s alone", &[7, 8], PUBLISHED[1], &|class| class == 7 || class == 8)?;
    let claims = vec![
        runs.claim(
            "without 3s: share of 3s that are right after the shift",
            (0.95, 1.0),
            "0.986, there",
            column(&no_threes, 5),
        ),
        runs.claim(
            "without 3s: errors after the shift, times those before",
            (0.0, 0.75),
            "109 of 206, there",
            ratios(&column(&no_threes, 1), &column(&no_threes, 0)),
        ),
        runs.claim(
            "7s and 8s alone: errors before the shift, times those after",
            (3.0, f64::INFINITY),
            "47.3 % and 13.2 %, there",
            ratios(&column(&two, 0), &column(&two, 1)),
        ),
    ];
    let named = |what: &str, all: &[Vec<f64>], names: &[&str]| -> Vec<Column> {
        let named = names.iter().enumerate();
        named.map(|(i, name)| Column { name: format!("{what}: {name}"), values: column(all, i) }).collect()
    };
    let names = [
        "errors",
        "errors after the shift",
        "errors after the published shift",
        "shift",
        "share of 3s right",
    ];
    let lines = [
        ("without 3s", column(&no_threes, 0)),
        ("without 3s, shifted", column(&no_threes, 1)),
        ("7s and 8s alone", column(&two, 0)),
        ("7s and 8s alone, shifted", column(&two, 1)),
    ];
    Ok(Reproduction {
        name: "missing-class",
        data: None,
        source: SOURCE,
        setting: format!(
            "the teacher of hinton-mnist; 784-800-800-10 on its soft targets alone at T = {TEMPERATURE}, {} epochs; the shifts are chosen on \
             {} training images that no transfer set has{}",
            recipe.fit.epochs,
            held_out.len(),
            runs.quick_words(),
        ),
        runs: runs.count,
        seed: runs.request.seed,
        claims,
        beside: [named("without 3s", &no_threes, &names), named("7s and 8s alone", &two, &names[..4])]
            .concat(),
        charts: errors_by_run("Test errors of 10,000 before and after the shift", &lines),
        maps: Vec::new(),
        note: "The published shifts, 3.5 and -7.6, were chosen on the test images; those here are not, and the errors with the published ones \
               stand in raw.csv.",
        out: nowhere(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_shift_is_the_middle_of_the_best_ones() {
        // Class 3 is behind class 0 by 2, 3 and 10; the last is a 0. A shift above 3 and below 10 has no error.
        let row = |gap: f32| {
            let mut row = vec![-50.0; CLASSES];
            (row[0], row[3]) = (0.0, -gap);
            row
        };
        let answers = Answers { logits: [2.0, 3.0, 10.0].map(row).concat(), labels: &[3, 3, 0] };
        assert_eq!([0.0, 2.5, 5.0, 12.0].map(|by| answers.errors(&[3], by)), [2.0, 1.0, 0.0, 1.0]);
        let best = answers.best_shift(&[3]);
        assert!((best - 6.5).abs() < 0.11, "{best}");
        assert_eq!([0.0, 2.5, 5.0].map(|by| answers.share_right(3, by)), [0.0, 0.5, 1.0]);
    }
}
