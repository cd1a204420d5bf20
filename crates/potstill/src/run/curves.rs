//! Records over the seeds of a folder: its `metrics.jsonl`.

use crate::metrics::catalogue::{EP_LEN, EP_REW, EP_REW_IQM, EPISODES, METRICS};
use crate::metrics::{Axis, Curve, History, across};
use crate::train::statistics::{interquartile_mean, mean};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Means over seeds as lines of JSON, by step. Of runs of episodes, a line for each episode that every seed has, with the
/// mean of the steps at which it ended, and lines for what all seeds record at the same steps, such as evaluations. Of
/// runs of steps, lines at these steps, and at evenly spaced steps for what seeds record at steps of their own. Of more
/// than 2,048 records of a seed, means over neighbours take the place of the records, as in a [`Curve`].
pub(crate) fn mean_records(histories: &[History], axis: Axis) -> String {
    let records = match axis {
        Axis::Episodes => {
            let mut records = by_episode(histories);
            records.extend(by_step(histories, at_same_steps));
            records.sort_by_key(|record| record["step"].as_u64());
            records
        }
        Axis::Steps => by_step(histories, |_| true),
    };
    records.into_iter().map(|record| format!("{}\n", Value::Object(record))).collect()
}

/// The curves of a metric; none unless every seed has one.
fn curves<'a>(histories: &'a [History], name: &str) -> Option<Vec<&'a Curve>> {
    histories.iter().map(|history| history.curve(name)).collect()
}

fn by_episode(histories: &[History]) -> Vec<Map<String, Value>> {
    let of = |name| curves(histories, name).map_or(Vec::new(), |curves| across(&curves, Axis::Episodes, 1));
    let lines = of(EP_REW).into_iter().zip(of(EP_LEN)).map(|(returns, lengths)| {
        let line = json!({
            "step": returns.step.round() as u64,
            (EPISODES): returns.x.round() as u64,
            (EP_REW): mean(&returns.values),
            (EP_REW_IQM): interquartile_mean(&returns.values),
            (EP_LEN): mean(&lengths.values),
        });
        match line {
            Value::Object(line) => line,
            _ => Map::new(),
        }
    });
    lines.collect()
}

/// Returns true for curves whose values are at the same steps, as far as all have values.
fn at_same_steps(curves: &[&Curve]) -> bool {
    let steps = |curve: &Curve| curve.means().into_iter().map(|point| point.step);
    curves.iter().all(|curve| steps(curve).zip(steps(curves[0])).all(|(own, first)| own == first))
}

/// A line for each step at which one of the metrics has a value, of those whose curves are chosen.
fn by_step(histories: &[History], is_chosen: impl Fn(&[&Curve]) -> bool) -> Vec<Map<String, Value>> {
    // Single episodes of different seeds at one step have nothing in common.
    let single = [EP_REW, EP_LEN, EPISODES];
    let mut lines: BTreeMap<u64, Map<String, Value>> = BTreeMap::new();
    for metric in METRICS.iter().filter(|metric| !single.contains(&metric.name)) {
        let Some(curves) = curves(histories, metric.name).filter(|curves| is_chosen(curves)) else {
            continue;
        };
        for at in across(&curves, Axis::Steps, 1) {
            let step = at.x.round() as u64;
            let line =
                lines.entry(step).or_insert_with(|| Map::from_iter([("step".to_owned(), step.into())]));
            line.insert(metric.name.to_owned(), json!(mean(&at.values)));
        }
    }
    lines.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_over_seeds_have_true_steps() {
        let first = "{\"step\":5,\"time/episodes\":1,\"rollout/ep_rew\":-5,\"rollout/ep_len\":5}\n\
                     {\"step\":9,\"time/episodes\":2,\"rollout/ep_rew\":-4,\"rollout/ep_len\":4}\n";
        let second = "{\"step\":8,\"time/episodes\":1,\"rollout/ep_rew\":-8,\"rollout/ep_len\":8}\n";
        let histories = [first, second].map(History::parse);
        assert_eq!(
            mean_records(&histories, Axis::Episodes),
            "{\"step\":7,\"time/episodes\":1,\"rollout/ep_rew\":-6.5,\"rollout/ep_rew_iqm\":-6.5,\"rollout/ep_len\":6.5}\n"
        );
        // Evaluations at the same steps are lines of their own; what is recorded at the ends of episodes is not.
        let first = "{\"step\":5,\"time/episodes\":1,\"rollout/ep_rew\":-5,\"rollout/ep_len\":5,\"rollout/ep_rew_mean\":-5}\n\
                     {\"step\":6,\"eval/mean_reward\":-4}\n";
        let second = "{\"step\":6,\"eval/mean_reward\":-8}\n\
                      {\"step\":9,\"time/episodes\":1,\"rollout/ep_rew\":-9,\"rollout/ep_len\":9,\"rollout/ep_rew_mean\":-9}\n";
        assert_eq!(
            mean_records(&[first, second].map(History::parse), Axis::Episodes),
            "{\"step\":6,\"eval/mean_reward\":-6.0}\n\
             {\"step\":7,\"time/episodes\":1,\"rollout/ep_rew\":-7.0,\"rollout/ep_rew_iqm\":-7.0,\"rollout/ep_len\":7.0}\n"
        );
        let evaluated = |values: [f64; 2]| {
            History::parse(&format!(
                "{{\"step\":500,\"eval/mean_reward\":{}}}\n{{\"step\":1000,\"eval/mean_reward\":{}}}\n",
                values[0], values[1]
            ))
        };
        assert_eq!(
            mean_records(&[evaluated([1.0, 2.0]), evaluated([3.0, 5.0])], Axis::Steps),
            "{\"step\":500,\"eval/mean_reward\":2.0}\n{\"step\":1000,\"eval/mean_reward\":3.5}\n"
        );
        assert_eq!(mean_records(&[], Axis::Episodes), "");
    }
}
