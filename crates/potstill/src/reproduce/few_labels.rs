//! Soft targets as regularisers: a student of 3 % of the data, with hard and with soft targets (Hinton, Vinyals and Dean 2015, section 6,
//! on speech).

use super::mnist::{CLASSES, Images, Recipe, beside, column, errors, errors_by_run, soft};
use super::result::{Reproduction, Runs, nowhere};
use crate::distill::classifier::logits;
use crate::error::Error;
use potstill_core::Streams;
use std::sync::Arc;

const STUDENT: &str = "mlp:800,800";
/// The share of the training images, 1 of so many.
const ONE_OF: usize = 33;
/// Epochs over the few images, and over all.
const EPOCHS: [u64; 2] = [600, 40];
/// The step size with labels.
const RATE: f64 = 0.1;
const TEMPERATURE: f64 = 8.0;
const SOURCE: &str = "Hinton et al. 2015, section 6";

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let images = Images::open(runs)?;
    let teacher = runs.teacher(&Recipe::teacher(runs), &images.train)?;
    let recorded = logits(&teacher, &images.train.inputs);
    let few = |seed: u64| {
        let mut rows: Vec<usize> = (0..images.train.len()).collect();
        Streams::new(seed).stream("few").shuffle(&mut rows);
        // 1,800 of MNIST's.
        rows.truncate((images.train.len() / ONE_OF).next_multiple_of(100).min(1800));
        rows
    };
    let [on_few, on_all] = EPOCHS.map(|epochs| Recipe::plain(STUDENT, runs.epochs(epochs), RATE));
    let on_soft = Recipe::taught(STUDENT, runs.epochs(EPOCHS[0]));
    let hard = runs.of_seeds("3 % of the labels", |seed| {
        let data = Arc::new(images.train.select(&few(seed)));
        let network = runs.student(&on_few, &data, None, seed)?;
        Ok(vec![errors(&network, &images.test), errors(&network, &data)])
    })?;
    let softly = runs.of_seeds("3 % with soft targets", |seed| {
        let rows = few(seed);
        let theirs: Vec<f32> =
            rows.iter().flat_map(|&row| &recorded[row * CLASSES..][..CLASSES]).copied().collect();
        let data = Arc::new(images.train.select(&rows));
        let network = runs.student(&on_soft, &data, Some(soft(&theirs, TEMPERATURE, 1.0)), seed)?;
        Ok(vec![errors(&network, &images.test), errors(&network, &data)])
    })?;
    let all = runs.of_seeds("all labels", |seed| {
        Ok(vec![errors(&runs.student(&on_all, &images.train, None, seed)?, &images.test)])
    })?;
    let [hard_test, soft_test, all_test] = [&hard, &softly, &all].map(|runs| column(runs, 0));
    let fewer: Vec<f64> = hard_test.iter().zip(&soft_test).map(|(hard, soft)| hard - soft).collect();
    let gap = hard_test.iter().zip(&all_test).map(|(hard, all)| (hard - all).max(1.0));
    let closed: Vec<f64> = fewer.iter().zip(gap).map(|(fewer, gap)| fewer / gap).collect();
    let mut claims = vec![
        runs.claim(
            "errors that soft targets save on 3 % of the images (pairs of a seed)",
            (1.0, f64::INFINITY),
            SOURCE,
            fewer,
        ),
        runs.claim(
            "share of the gap to all labels that they close",
            (0.25, 1.0),
            "0.87 on speech, there",
            closed,
        ),
    ];
    claims.iter_mut().for_each(|claim| claim.is_reach = true);
    if runs.request.quick {
        claims.iter_mut().for_each(|claim| claim.expected.0 = 0.0);
    }
    let columns = [
        ("3 %, hard targets: test errors", hard_test),
        ("3 %, hard targets: training errors", column(&hard, 1)),
        ("3 %, soft targets: test errors", soft_test),
        ("3 %, soft targets: training errors", column(&softly, 1)),
        ("all labels: test errors", all_test),
    ];
    let lines = [0, 2, 4].map(|i| columns[i].clone());
    Ok(Reproduction {
        name: "few-labels",
        data: None,
        source: SOURCE,
        setting: format!(
            "the teacher of hinton-mnist, of all images; 784-800-800-10 on a random 3 % of them, {} epochs, with labels alone or soft targets \
             alone at T = {TEMPERATURE}, and on all labels, {} epochs; minibatches of 128, labels by gradient descent with momentum 0.9 and a step size from {RATE}, soft targets by Adam from 0.001, both in \
             a line to 0{}",
            on_few.fit.epochs,
            on_all.fit.epochs,
            runs.quick_words(),
        ),
        runs: runs.count,
        seed: runs.request.seed,
        claims,
        beside: beside(&columns),
        charts: errors_by_run("Test errors of 10,000", &lines),
        maps: Vec::new(),
        note: "The publication is on speech: 44.5 % of frames right with hard targets on 3 % of the data, 57.0 % with soft ones, 58.9 % with all \
               the data.",
        out: nowhere(),
    })
}
