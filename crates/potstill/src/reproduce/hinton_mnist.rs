//! Distillation on MNIST (Hinton, Vinyals and Dean 2015, section 3): a large regularised teacher, a smaller network on labels, and the
//! same network on labels and soft targets.

use super::mnist::{Images, Recipe, column, errors, errors_by_run, ratios, soft};
use super::result::{Claim, Column, Reproduction, Runs, nowhere};
use crate::distill::classifier::logits;
use crate::error::Error;

/// The students' network and epochs: on labels, and with soft targets.
const STUDENT: &str = "mlp:800,800";
const EPOCHS: [u64; 2] = [40, 160];
/// The step size on labels, chosen with a smaller network on 10,000 training images that were held out.
const RATE: f64 = 0.1;
const TEMPERATURE: f64 = 20.0;
const ALPHA: f64 = 0.9;
const SOURCE: &str = "Hinton et al. 2015, section 3";

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let images = Images::open(runs)?;
    let teacher = runs.teacher(&Recipe::teacher(runs), &images.train)?;
    let of_teacher = errors(&teacher, &images.test);
    let hard = Recipe::plain(STUDENT, runs.epochs(EPOCHS[0]), RATE);
    let distilled = Recipe::taught(STUDENT, runs.epochs(EPOCHS[1]));
    let on_labels = runs.of_seeds("784-800-800-10 on labels", |seed| {
        Ok(vec![errors(&runs.student(&hard, &images.train, None, seed)?, &images.test)])
    })?;
    let recorded = logits(&teacher, &images.train.inputs);
    let on_both = runs.of_seeds("784-800-800-10 on labels and soft targets at T = 20", |seed| {
        let soft = Some(soft(&recorded, TEMPERATURE, ALPHA));
        Ok(vec![errors(&runs.student(&distilled, &images.train, soft, seed)?, &images.test)])
    })?;
    let (labels, both) = (column(&on_labels, 0), column(&on_both, 0));
    let ratio = runs.claim(
        "distilled, times the errors on labels (pairs of a seed)",
        (0.0, 0.65),
        SOURCE,
        ratios(&both, &labels),
    );
    let absolute = vec![
        Claim::computed("teacher 784-1200-1200-10: test errors", (0.0, 80.0), "67, there", of_teacher),
        runs.claim("784-800-800-10 on labels: test errors", (125.0, 170.0), "146, there", labels),
        runs.claim("784-800-800-10 distilled at T = 20: test errors", (0.0, 90.0), "74, there", both),
    ];
    let mut beside = Vec::new();
    let mut claims = vec![ratio];
    if runs.request.quick {
        claims[0].expected = (0.0, 1.0);
        beside = absolute
            .into_iter()
            .skip(1)
            .map(|claim| Column { name: claim.what, values: claim.values })
            .collect();
    } else {
        claims.splice(0..0, absolute);
        // Means themselves, not intervals that touch the range.
        claims.iter_mut().for_each(|claim| claim.is_reach = true);
    }
    let count = runs.count;
    let lines = [
        ("teacher", vec![of_teacher; count]),
        ("on labels", column(&on_labels, 0)),
        ("distilled, T = 20", column(&on_both, 0)),
    ];
    Ok(Reproduction {
        name: "hinton-mnist",
        data: None,
        source: SOURCE,
        setting: format!(
            "teacher with dropout of 0.5 and 0.2 of the inputs, max-norm 3.5, shifts of 2 pixels, {} epochs of Adam; students without, {} epochs on \
             labels by gradient descent with momentum 0.9, {} with soft targets of weight {ALPHA} by Adam; minibatches of 128, step sizes \
             from {RATE} of gradient descent and 0.001 of Adam in a line to 0{}",
            Recipe::teacher(runs).fit.epochs,
            hard.fit.epochs,
            distilled.fit.epochs,
            runs.quick_words(),
        ),
        runs: count,
        seed: runs.request.seed,
        claims,
        beside,
        charts: errors_by_run("Test errors of 10,000", &lines),
        maps: Vec::new(),
        note: "The teacher is one network; students have the seeds. Published numbers are of single networks. The paper gives neither step \
               sizes nor lengths, and only says that the hard targets weigh considerably less.",
        out: nowhere(),
    })
}
