//! A remark on a finished run whose result is poor, with something to try.

use super::headline::is_prediction;
use super::prepare::train_settings;
use crate::algorithm::Algorithm;
use crate::metrics::History;
use crate::metrics::catalogue::{
    BEHAVIOUR, CLIPPED_MASS, LOSS, MEAN_RETURN, RECORDED_EPISODES, RETURN_LAST_100, STEPS_LAST_100,
    TEST_ERROR, TEST_RMSE, UNTRAINED, UNTRAINED_BEST, UNTRAINED_RUN,
};
use crate::train::statistics::{mean, standard_deviation};
use crate::words::counted;
use potstill_core::Streams;
use potstill_env::registry::{self, Spec};
use potstill_env::trace::random_return;
use serde_json::Value;
use toml::Table;

/// The most episodes, and steps in all, of random actions that a result is compared with.
const RANDOM_EPISODES: u64 = 20;
const RANDOM_STEPS: usize = 20_000;
/// The share of clipped mass, of the last record, above which the support is too narrow. A distribution that has
/// learned nothing yet has some hundredths.
const CLIPPED_MAX: f64 = 0.1;
/// The mean length of an episode without a limit from which one is advised.
const LONG_STEPS: f64 = 2000.0;

/// The share of the whole fall of the loss, in the last tenth of the epochs, above which training was too
/// short. A loss that falls in a line has 0.1, one that falls as `1 / epoch` 0.002 after sixty.
const LATE_FALL_MAX: f64 = 0.02;

/// The remark on a run with this summary, this `config.toml` and these records; none on one that went well.
pub(super) fn judgement(summary: &Value, config: &str, history: &History) -> Option<String> {
    let values: Table = config.parse().ok()?;
    of_result(summary, config, &values).or_else(|| of_length(summary, &values, history))
}

/// The sentence on a training by epochs whose loss was still falling at its end.
fn of_length(summary: &Value, values: &Table, history: &History) -> Option<String> {
    let epochs = values.get("epochs").filter(|_| summary["epochs"].is_number())?;
    // A schedule of the loss itself moves it, too.
    let is_scheduled = |key: &str| values.get(key).is_some_and(toml::Value::is_str);
    if is_scheduled("temperature") || is_scheduled("alpha") {
        return None;
    }
    let losses: Vec<f64> = history.curve(LOSS)?.means().iter().map(|point| point.value).collect();
    let share = late_fall(&losses).filter(|&share| share > LATE_FALL_MAX)?;
    Some(format!(
        "the loss was still falling: the last tenth of the {} brought {:.0} % of its fall; more --epochs \
         may help",
        counted(epochs, "epoch"),
        100.0 * share
    ))
}

/// The fall of the mean loss from the last tenth but one to the last tenth of the epochs, as a share of its
/// fall from the highest epoch to the last tenth; none of fewer than three epochs, or of a loss that has not
/// fallen.
fn late_fall(losses: &[f64]) -> Option<f64> {
    let (count, tenth) = (losses.len(), (losses.len() / 10).max(1));
    let before = losses.get(count.checked_sub(2 * tenth)?..count - tenth).filter(|_| count > 2)?;
    let (before, last) = (mean(before), mean(&losses[count - tenth..]));
    let whole = losses.iter().copied().fold(f64::NEG_INFINITY, f64::max) - last;
    (whole > 0.0).then(|| (before - last) / whole)
}

/// The sentence on a result that is no better than that of a trivial policy or prediction.
fn of_result(summary: &Value, config: &str, values: &Table) -> Option<String> {
    if summary["teacher_mean_return"].is_number() {
        return of_student(summary);
    }
    let number = |key: &str| summary[key].as_f64();
    if let Some(error) = number(TEST_ERROR) {
        return of_labels(error, number("majority_error")?);
    }
    if let Some(error) = number(TEST_RMSE) {
        return of_numbers(error, number("mean_rmse")?);
    }
    let algorithm = Algorithm::find(summary["algorithm"].as_str()?).ok()?;
    let spec = registry::find(summary["env"].as_str()?).ok()?;
    if let Some(mass) = number(CLIPPED_MASS).filter(|&mass| mass > CLIPPED_MAX) {
        return Some(format!(
            "{:.0} % of the targets' probability was cut off at v_min {} or v_max {}: discounted returns leave the \
             support; widen it",
            100.0 * mass,
            values.get("v_min")?,
            values.get("v_max")?
        ));
    }
    if summary[UNTRAINED] == UNTRAINED_RUN {
        return Some(without_updates(summary, values));
    }
    // The episodes of others, and of a policy that is only judged, tell nothing of what was learned.
    let acted =
        !is_prediction(summary) && summary[RECORDED_EPISODES].is_null() && summary[BEHAVIOUR].is_null();
    let untrained = best_before_updates(summary);
    let is_untrained = untrained.is_some();
    let returned = untrained.or_else(|| if acted { of_returns(summary, &spec) } else { None });
    let poor = returned.map(|poor| match algorithm.default_preset(spec.name()) {
        Some(preset) if !is_in_use(algorithm, preset, (config, values), &spec) => {
            format!("{poor}; try --preset {preset}")
        }
        _ => format!("{poor}; more steps or other values may help: see potstill config {}", algorithm.name),
    });
    if is_untrained { poor } else { without_limit(summary, &spec).or(poor) }
}

/// The sentence on a run that has made no update.
fn without_updates(summary: &Value, values: &Table) -> String {
    let steps = counted(format!("{:.0}", summary["steps"].as_f64().unwrap_or_default()), "step");
    // The keys by which the first update is later.
    // A run that began with another's model has that one's training.
    let whose = if values.contains_key("from") { "that of --from" } else { "untrained" };
    let key = ["learning_starts", "n_steps"].into_iter().find(|key| values.contains_key(*key));
    let fewer = key.map_or(String::new(), |key| format!(" or a smaller {key}"));
    format!("no update was made in {steps}, and the model is {whose}; more steps{fewer} may help")
}

/// The sentence on a best model from before the first update.
fn best_before_updates(summary: &Value) -> Option<String> {
    let step = summary["best_step"].as_f64().filter(|_| summary[UNTRAINED] == UNTRAINED_BEST)?;
    Some(format!("the best evaluated model is that of step {step:.0}, before the first update"))
}

/// The sentence on a student of a policy whose mean return is surely below its teacher's, both with the
/// standard deviation of the student's returns, or no better than that of random actions.
fn of_student(summary: &Value) -> Option<String> {
    let number = |key: &str| summary[key].as_f64();
    let (own, teacher) = (number(MEAN_RETURN)?, number("teacher_mean_return")?);
    let advice = "more rounds or a larger student may help";
    let error = number("std_return")? * (2.0 / number("episodes")?).sqrt();
    if own < teacher - 2.0 * error {
        return Some(format!(
            "the student's mean return {own:.1} is below its teacher's, {teacher:.1}; {advice}"
        ));
    }
    let spec = registry::find(summary["env"].as_str()?).ok()?;
    // A teacher that is no better itself has nothing to teach.
    let told = of_returns(summary, &spec)?;
    told.contains("random actions").then(|| format!("{told}; look at the teacher: potstill show"))
}

/// The sentence on episodes that are long because nothing ends them.
fn without_limit(summary: &Value, spec: &Spec) -> Option<String> {
    let steps = summary[STEPS_LAST_100].as_f64().filter(|&steps| steps > LONG_STEPS)?;
    let (joint, id) = (super::checks::joint(&spec.id), &spec.id);
    spec.time_limit_steps.is_none().then(|| {
        format!(
            "an episode took {steps:.0} steps, without a limit; {id}{joint}max_episode_steps=1000 has one"
        )
    })
}

/// Returns true if a run has the values of a preset, from whichever source.
fn is_in_use(algorithm: &Algorithm, preset: &str, (config, values): (&str, &Table), spec: &Spec) -> bool {
    let is_named = config.contains(&format!("# preset {preset}"));
    is_named
        || algorithm.preset(preset, spec.name()).is_ok_and(|layer| {
            let mut settings = train_settings(algorithm);
            layer.values.iter().all(|(key, value)| {
                matches!(settings.set(key, value), Some(Ok(())))
                    && settings.get(key).as_ref() == values.get(key)
            })
        })
}

/// The sentence on a return that is no better than that of random actions, or below the one at which the environment
/// counts as solved.
fn of_returns(summary: &Value, spec: &Spec) -> Option<String> {
    let (score, is_greedy) = match (summary[MEAN_RETURN].as_f64(), summary[RETURN_LAST_100].as_f64()) {
        (Some(score), _) => (score, true),
        (None, Some(score)) => (score, false),
        (None, None) => return None,
    };
    if is_greedy && spec.reward_threshold.is_some_and(|threshold| score >= threshold) {
        return None;
    }
    if spec.action_space().discrete() == Some(1) {
        return None;
    }
    let (random, lengths) = random_episodes(spec, summary["seed"].as_u64().unwrap_or_default());
    // Where every episode that ends at its goal has the same return, only its length tells.
    let is_one_return = score > 0.0 && random.iter().all(|value| *value == score);
    if let Some(steps) = summary[STEPS_LAST_100].as_f64().filter(|_| is_one_return && random.len() > 1) {
        let level = mean(&lengths);
        return (steps >= level).then(|| {
            format!("episodes of {steps:.0} steps are no shorter than the {level:.0} of random actions")
        });
    }
    if random.len() > 1 {
        let level = mean(&random);
        let error = standard_deviation(&random) / (random.len() as f64).sqrt();
        // Of returns that vary by thousands not every luckier one is within the error of the mean.
        let best = random.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if score <= (level + 2.0 * error).min(best) {
            let better = if score > level { "not surely better" } else { "no better" };
            return Some(format!("mean return {score:.1} is {better} than {level:.1} of random actions"));
        }
    }
    // While exploring nobody need be as good.
    let threshold = spec.reward_threshold.filter(|_| is_greedy)?;
    Some(format!("mean return {score:.1} is below {threshold}, where {} counts as solved", spec.name()))
}

/// The returns and the lengths of some episodes of uniformly random actions.
fn random_episodes(spec: &Spec, seed: u64) -> (Vec<f64>, Vec<f64>) {
    let streams = Streams::new(seed);
    let (mut returns, mut lengths, mut left) = (Vec::new(), Vec::new(), RANDOM_STEPS);
    for i in 0..RANDOM_EPISODES {
        let Ok((steps, sum)) = random_return(spec, streams.seed_for("random actions", i), left) else {
            break;
        };
        left -= steps;
        returns.extend(sum);
        lengths.extend(sum.map(|_| steps as f64));
    }
    (returns, lengths)
}

/// The sentence on a classifier that is no better than one that always names the most frequent class.
fn of_labels(error: f64, majority: f64) -> Option<String> {
    (error >= majority).then(|| {
        format!(
            "test error {:.1} % is no better than {:.1} % of always naming the most frequent class; a smaller \
             learning_rate or more epochs may help",
            100.0 * error,
            100.0 * majority
        )
    })
}

/// The sentence on a regression that is no better than the mean.
fn of_numbers(error: f64, of_mean: f64) -> Option<String> {
    (error >= of_mean).then(|| {
        format!(
            "the error {error:.4} is no better than {of_mean:.4} of always predicting the mean; a smaller learning_rate or \
             more epochs may help"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_poor_result_is_told_with_something_to_try() {
        let check = |summary: Value, config: &str, expected: Option<&str>| {
            assert_eq!(judgement(&summary, config, &History::default()).as_deref(), expected, "{summary}");
        };
        let car = |mean: f64| json!({ "algorithm": "dqn", "env": "MountainCar-v0", "seed": 1, "mean_return": mean });
        check(
            car(-200.0),
            "",
            Some("mean return -200.0 is no better than -200.0 of random actions; try --preset zoo"),
        );
        check(
            car(-200.0),
            "gamma = 0.98  # preset zoo",
            Some(
                "mean return -200.0 is no better than -200.0 of random actions; more steps or other values may help: \
                 see potstill config dqn",
            ),
        );
        check(
            car(-121.5),
            "gamma = 0.98  # preset zoo",
            Some(
                "mean return -121.5 is below -110, where MountainCar-v0 counts as solved; more steps or other values \
                 may help: see potstill config dqn",
            ),
        );
        check(car(-100.0), "", None);
        // A model before the first update is told before a poor return is, and in a solved environment too.
        let best = |mean: f64| {
            json!({ "algorithm": "dqn", "env": "MountainCar-v0", "seed": 1, "steps": 20_000, "mean_return": mean,
            "best_step": 7500, "untrained": "best" })
        };
        for mean in [-200.0, -100.0] {
            check(
                best(mean),
                "gamma = 0.98  # preset zoo",
                Some(
                    "the best evaluated model is that of step 7500, before the first update; more steps or other values \
                     may help: see potstill config dqn",
                ),
            );
        }
        let none = json!({ "algorithm": "dqn", "env": "MountainCar-v0", "seed": 1, "steps": 500, "mean_return": -200.0,
            "best_step": 500, "untrained": "run" });
        check(
            none,
            "learning_starts = 1000",
            Some(
                "no update was made in 500 steps, and the model is untrained; more steps or a smaller \
                 learning_starts may help",
            ),
        );
        let episode = json!({ "algorithm": "reinforce", "env": "CartPole-v1", "seed": 1, "steps": 1, "untrained": "run" });
        check(
            episode,
            "",
            Some("no update was made in 1 step, and the model is untrained; more steps may help"),
        );
        // The preset's values, from wherever they come.
        let dqn = Algorithm::find("dqn").unwrap();
        let mut settings = train_settings(dqn);
        for (key, value) in dqn.preset("zoo", "MountainCar-v0").unwrap().values {
            settings.set(&key, &value).unwrap().unwrap();
        }
        let line = |key: &str| Some(format!("{key} = {}\n", settings.get(key)?));
        let config: String = settings.keys().iter().filter_map(|key| line(key.name)).collect();
        let judgement = |summary: &Value, config: &str| judgement(summary, config, &History::default());
        assert!(judgement(&car(-200.0), &config).unwrap().contains("more steps or other values may help"));
        // Explored while it learned: the threshold is for a policy that does not.
        let lake = |mean: f64| json!({ "algorithm": "sarsa", "env": "FrozenLake-v1", "seed": 1, "return_last_100": mean });
        check(lake(0.5), "", None);
        check(
            lake(0.0),
            "",
            Some(
                "mean return 0.0 is no better than 0.0 of random actions; more steps or other values may help: see \
                 potstill config sarsa",
            ),
        );
        check(
            json!({ "algorithm": "monte-carlo", "env": "CliffWalking-v1", "seed": 1, "return_last_100": -474782.0,
                "steps_last_100": 15000.0 }),
            "",
            Some(
                "an episode took 15000 steps, without a limit; CliffWalking-v1:max_episode_steps=1000 has one",
            ),
        );
        // Every walk to the goal returns 1; random ones take many hundreds of steps.
        let maze = |steps: f64| json!({ "algorithm": "dyna-q", "env": "DynaMaze", "seed": 1, "return_last_100": 1.0, "steps_last_100": steps });
        check(maze(20.0), "", None);
        let corridor = json!({ "algorithm": "dyna-q", "env": "Gridworld-v0:desc=S.G/step_reward=0/goal_reward=1",
            "seed": 1, "return_last_100": 1.0, "steps_last_100": 500.0 });
        let remark = judgement(&corridor, "").unwrap();
        assert!(remark.starts_with("episodes of 500 steps are no shorter than the "), "{remark}");
        let judged =
            json!({ "algorithm": "td-prediction", "env": "RandomWalk", "seed": 1, "return_last_100": 0.4 });
        check(judged, "", None);
        for (source, value) in [("recorded_episodes", json!(300)), ("behaviour", json!("bold"))] {
            let mut of_others = json!({ "algorithm": "q-learning", "env": "CliffWalking-v1", "seed": 1,
                "return_last_100": -90_000.0 });
            of_others[source] = value;
            check(of_others, "", None);
        }
        let acrobot = json!({ "algorithm": "c51", "env": "Acrobot-v1", "seed": 1, "mean_return": -80.0, "clipped_mass": 0.97 });
        check(
            acrobot,
            "v_min = -10.0\nv_max = 10.0",
            Some(
                "97 % of the targets' probability was cut off at v_min -10.0 or v_max 10.0: discounted returns leave \
                 the support; widen it",
            ),
        );
        let student = |own: f64, teacher: f64| {
            json!({ "algorithm": "policy distillation", "env": "CartPole-v1",
            "seed": 1, "mean_return": own, "std_return": 10.0, "episodes": 100, "teacher_mean_return": teacher })
        };
        // Two standard errors of the difference are 2.83.
        check(
            student(490.0, 493.0),
            "",
            Some(
                "the student's mean return 490.0 is below its teacher's, 493.0; more rounds or a larger student may help",
            ),
        );
        check(student(490.0, 492.5), "", None);
        let remark = judgement(&student(9.4, 9.4), "").unwrap();
        assert!(
            remark.starts_with("mean return 9.4 is no better than ") && remark.contains("the teacher"),
            "{remark}"
        );
        let digits =
            |error: f64| json!({ "algorithm": "classifier", "test_error": error, "majority_error": 0.898 });
        check(digits(0.05), "data = 'digits'", None);
        check(
            digits(0.9),
            "data = 'digits'",
            Some(
                "test error 90.0 % is no better than 89.8 % of always naming the most frequent class; a smaller \
                 learning_rate or more epochs may help",
            ),
        );
    }

    #[test]
    fn a_student_that_knows_no_more_than_a_constant_is_told() {
        let summary = json!({ "algorithm": "soft targets", "test_error": 0.6, "majority_error": 0.6 });
        let remark = judgement(&summary, "", &History::default()).unwrap();
        assert!(
            remark.starts_with("test error 60.0 % is no better than 60.0 % of always naming"),
            "{remark}"
        );
    }

    #[test]
    fn a_loss_that_still_falls_is_told() {
        let check = |loss: &dyn Fn(f64) -> f64, epochs: u64, config: &str, expected: Option<&str>| {
            let line = |epoch: u64| format!("{{\"step\":{epoch},\"train/loss\":{}}}\n", loss(epoch as f64));
            let history = History::parse(&(1..=epochs).map(line).collect::<String>());
            let summary = json!({ "algorithm": "soft targets", "epochs": epochs, "test_error": 0.1 });
            let found = judgement(&summary, &format!("epochs = {epochs}\n{config}"), &history);
            assert_eq!(found.as_deref(), expected, "{epochs} {config}");
        };
        // In a line from 60 to 1: of 56.5 the last six of sixty bring 6.
        let line = |epoch: f64| 61.0 - epoch;
        let told = "the loss was still falling: the last tenth of the 60 epochs brought 11 % of its fall; \
        more --epochs may help";
        check(&line, 60, "temperature = 4.0", Some(told));
        check(&line, 60, "temperature = \"linear:8:2:run\"", None);
        // As 1 / epoch: from 1 to a mean of 0.0174; 0.0020 of it late.
        check(&|epoch| 1.0 / epoch, 60, "", None);
        let few = "the loss was still falling: the last tenth of the 3 epochs brought 50 % of its fall; \
        more --epochs may help";
        check(&line, 3, "", Some(few));
        check(&line, 2, "", None);
        check(&|_| 1.0, 60, "", None);
        check(&|epoch| epoch, 60, "", None);
    }
}
