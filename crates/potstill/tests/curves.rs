//! Curves over seeds against the exact expectation of a small chain.
//!
//! The chain is S F G, with the moves of the frozen lake (left, down, right, up) and a reward of 1 at G. Q-learning with
//! alpha 1, gamma 0.5 and epsilon 0.4 then knows three kinds of episodes, whose mean lengths follow by hand:
//!
//! - In the first all values are 0, and each move has 1/4. From S 4 steps to F; from F the goal by 1/4, S by 1/4:
//!   `F = 1 + F / 2 + (4 + F) / 4`, so `F = 8`, and the episode has 12 steps.
//! - In the second F knows its move: right with p = 0.7, left with q = 0.1. From S 4 steps to F, which then teach S.
//!   Later it leaves S with 0.7. `F = 1 + (1 - p - q) F + q (1 / p + F)`, so `F = (1 + q / p) / p = 1.632653`:
//!   5.632653 steps.
//! - From the third on `1 / p + F` = 3.061224 steps.

use potstill::commands::{Comparison, TrainRequest, View, train};
use potstill::metrics::{Axis, History};
use potstill::run::{Quiet, Sources};
use potstill::train::statistics::Center;
use std::fs;

const EXPECTED: [f64; 5] = [12.0, 5.632_653, 3.061_224, 3.061_224, 3.061_224];
const SEEDS: u64 = 200;

#[test]
fn a_curve_over_seeds_is_the_expectation() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("chain");
    let set =
        ["env=FrozenLake-v1:desc=SFG,is_slippery=false", "episodes=5", "alpha=1", "gamma=0.5", "epsilon=0.4"];
    let request = TrainRequest {
        algorithm: "q-learning".to_owned(),
        sources: Sources { set: set.map(str::to_owned).to_vec(), ..Sources::default() },
        seeds: Some(SEEDS),
        out: Some(out.clone()),
        threads: 2,
        ..TrainRequest::default()
    };
    train(&request, &Quiet).unwrap();

    let comparison = Comparison::read(std::slice::from_ref(&out)).unwrap();
    assert_eq!((comparison.axis(), comparison.center()), (Axis::Episodes, Center::Mean));
    let chart = comparison.chart("rollout/ep_len").unwrap();
    assert_eq!((chart.x_label.as_str(), chart.series.len()), ("episode", 1));
    let line = &chart.series[0];
    assert_eq!(line.points.len(), EXPECTED.len());
    for (i, ((point, band), expected)) in line.points.iter().zip(&line.band).zip(EXPECTED).enumerate() {
        assert_eq!(point.0, (i + 1) as f64);
        assert!(band.0 <= expected && expected <= band.1, "episode {}: {point:?} in {band:?}", i + 1);
        // Of 200 seeds no interval is a tenth of a length of 12.
        assert!(band.1 - band.0 < 4.0, "{band:?}");
    }
    // The folder's own records have the same means, with the mean steps at which those episodes ended.
    let history = History::parse(&fs::read_to_string(out.join("metrics.jsonl")).unwrap());
    let lengths = history.series("rollout/ep_len");
    assert_eq!(
        lengths.iter().map(|p| p.1).collect::<Vec<_>>(),
        line.points.iter().map(|p| p.1).collect::<Vec<_>>()
    );
    let total: f64 = EXPECTED.iter().sum();
    assert!((lengths[4].0 - total).abs() < 3.0, "{lengths:?}, expected {total}");

    // Some seeds have ended their five episodes in fewer steps than others their first: no step is common to all.
    let by_steps = comparison.with(View { axis: Some(Axis::Steps), ..View::default() });
    assert!(by_steps.chart("rollout/ep_len").is_none());
    let error = by_steps.plot(&root.path().join("c.svg"), Some("rollout/ep_len")).unwrap_err();
    assert!(error.to_string().contains("some seeds end before others begin; try --axis episodes"), "{error}");
}

#[test]
fn a_curve_over_steps_begins_when_all_seeds_have_a_value_and_ends_with_the_first() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("cliff");
    let request = TrainRequest {
        algorithm: "sarsa".to_owned(),
        sources: Sources {
            set: vec!["env=CliffWalking-v1".to_owned(), "steps=5000".to_owned()],
            ..Sources::default()
        },
        seeds: Some(5),
        out: Some(out.clone()),
        threads: 2,
        ..TrainRequest::default()
    };
    train(&request, &Quiet).unwrap();
    let comparison = Comparison::read(std::slice::from_ref(&out)).unwrap();
    assert_eq!((comparison.axis(), comparison.center()), (Axis::Steps, Center::Iqm));
    let chart = comparison.chart("rollout/ep_rew_mean").unwrap();
    let steps = (0..5).map(|seed| {
        let text = fs::read_to_string(out.join(format!("seed-{seed}/metrics.jsonl"))).unwrap();
        let points = History::parse(&text).series("rollout/ep_rew_mean");
        (points[0].0, points[points.len() - 1].0)
    });
    let (begins, ends): (Vec<f64>, Vec<f64>) = steps.unzip();
    let points = &chart.series[0].points;
    assert_eq!(points[0].0, begins.iter().copied().fold(0.0, f64::max));
    assert_eq!(points[points.len() - 1].0, ends.iter().copied().fold(f64::INFINITY, f64::min));
    // A mean of returns that only gets better has no dip: each point is above what the first episodes gave.
    assert!(points.iter().all(|point| point.1 >= points[0].1 - 1.0), "{points:?}");
}
