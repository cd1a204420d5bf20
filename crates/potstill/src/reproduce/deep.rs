//! Deep Q-learning on classic control and the arcade games, with published settings: the return of the
//! resulting policies over seeds.

use super::book::chart;
use super::finished::RawTable;
use super::result::{Claim, Column, Reproduction, Runs, nowhere, series};
use crate::algorithm::Algorithm;
use crate::config::{Layer, Origin};
use crate::error::Error;
use crate::jobs::{Outcome, evaluate_policy_unless};
use crate::metrics::{Record, catalogue};
use crate::report::LineChart;
use crate::run::{prepare_train, watched_map};
use crate::train::Protocol;
use crate::train::statistics::Center;
use potstill_core::Streams;
use potstill_env::registry;
use serde_json::json;
use toml::{Table, Value};

/// A training run with published settings, and its expected return.
pub(super) struct Case {
    pub(super) algorithm: &'static str,
    pub(super) preset: &'static str,
    pub(super) env: &'static str,
    pub(super) steps: u64,
    pub(super) statistic: Center,
    /// The lowest acceptable return, and the highest possible one.
    pub(super) reach: (f64, f64),
    /// The source of the expected return.
    pub(super) from: &'static str,
    /// Episodes that the best model plays at the end.
    pub(super) episodes: usize,
    /// Settings that differ from those of the preset, as TOML.
    pub(super) set: Option<&'static str>,
    /// True if the value itself must be in the range, not only overlap it with its interval.
    pub(super) is_reach: bool,
}

/// Episodes that a run of training plays at its end anyway.
const COMPARISON: usize = 100;

const fn zoo(
    algorithm: &'static str,
    env: &'static str,
    steps: u64,
    reach: (f64, f64),
    from: &'static str,
) -> Case {
    let (statistic, episodes) = (Center::Iqm, COMPARISON);
    let (preset, set, is_reach) = ("zoo", None, true);
    Case { algorithm, preset, env, steps, statistic, reach, from, episodes, set, is_reach }
}

const fn cleanrl(algorithm: &'static str, reach: f64, from: &'static str) -> Case {
    let (env, steps, statistic) = ("CartPole-v1", 500_000, Center::Mean);
    let (reach, episodes) = ((reach, 500.0), COMPARISON);
    let (preset, set, is_reach) = ("cleanrl", None, true);
    Case { algorithm, preset, env, steps, statistic, reach, from, episodes, set, is_reach }
}

const CONTROL: [Case; 9] = [
    zoo("dqn", "CartPole-v1", 50_000, (500.0, 500.0), "SB3: 500.0"),
    zoo("dqn", "Acrobot-v1", 100_000, (-76.6, 0.0), "SB3: -76.6 +- 11.8"),
    zoo("dqn", "MountainCar-v0", 120_000, (-100.8, 0.0), "SB3: -100.8 +- 9.9"),
    zoo("qr-dqn", "CartPole-v1", 50_000, (500.0, 500.0), "SB3: 500.0"),
    zoo("qr-dqn", "Acrobot-v1", 100_000, (-69.1, 0.0), "SB3: -69.1 +- 10.0"),
    zoo("qr-dqn", "MountainCar-v0", 120_000, (-106.0, 0.0), "SB3: -106.0 +- 15.5"),
    cleanrl("dqn", 488.69, "CleanRL: 488.7 +- 16.1"),
    cleanrl("c51", 481.20, "CleanRL: 481.2 +- 20.5"),
    cleanrl("pqn", 495.13, "CleanRL: 495.1 +- 6.9"),
];

/// A run of an actor-critic with the zoo's values: the mean over seeds is held against the score.
const fn policy(
    algorithm: &'static str,
    env: &'static str,
    steps: u64,
    reach: (f64, f64),
    from: &'static str,
) -> Case {
    Case { statistic: Center::Mean, is_reach: false, ..zoo(algorithm, env, steps, reach, from) }
}

/// A run on the pendulum, whose episodes differ so much that a mean needs a thousand of them.
const fn pendulum(algorithm: &'static str, steps: u64, reach: f64, from: &'static str) -> Case {
    Case { episodes: 1000, ..policy(algorithm, "Pendulum-v1", steps, (reach, 0.0), from) }
}

/// The best possible returns, by dynamic programming on fine grids.
const BEST: [(&str, f64); 2] = [("Pendulum-v1", -138.2), ("MountainCarContinuous-v0", 99.5)];

const CAR: &str = "MountainCarContinuous-v0";

const POLICIES: [Case; 10] = [
    policy("ppo", "CartPole-v1", 100_000, (500.0, 500.0), "SB3: 500.0"),
    policy("a2c", "CartPole-v1", 500_000, (500.0, 500.0), "SB3: 500.0"),
    policy("ppo", "Acrobot-v1", 1_000_000, (-73.5, 0.0), "SB3: -73.5 +- 18.2"),
    policy("a2c", "Acrobot-v1", 500_000, (-83.4, 0.0), "SB3: -83.4 +- 17.2"),
    policy("ppo", "MountainCar-v0", 1_000_000, (-110.4, 0.0), "SB3: -110.4 +- 19.5"),
    policy("a2c", "MountainCar-v0", 1_000_000, (-111.3, 0.0), "SB3: -111.3 +- 24.1"),
    pendulum("ppo", 100_000, -172.2, "SB3: -172.2 +- 104.2"),
    pendulum("a2c", 1_000_000, -163.0, "SB3: -163.0 +- 103.2"),
    policy("ppo", CAR, 20_000, (88.3, 99.5), "SB3: 88.3 +- 2.6"),
    policy("a2c", CAR, 100_000, (91.2, 99.5), "SB3: 91.2 +- 0.3"),
];

const CONTINUOUS: [Case; 4] = [
    pendulum("sac", 20_000, -150.0, "SB3: -157.0 +- 88.7"),
    pendulum("td3", 20_000, -151.9, "SB3: -151.9 +- 90.2"),
    pendulum("ddpg", 20_000, -152.1, "SB3: -152.1 +- 94.3"),
    policy("sac", CAR, 50_000, (94.7, 99.5), "SB3: 94.7 +- 1.1"),
];

const LANDERS: [Case; 4] = [
    policy("ppo", "LunarLander-v3", 1_000_000, (230.0, 320.0), "SB3, version 2: 242.1 +- 31.8"),
    policy("ppo", "LunarLanderContinuous-v3", 1_000_000, (260.0, 320.0), "SB3, version 2: 270.9 +- 32.1"),
    policy("a2c", "LunarLander-v3", 200_000, (155.8, 320.0), "SB3, version 2: 155.8 +- 80.4"),
    policy("dqn", "LunarLander-v3", 100_000, (154.4, 320.0), "SB3, version 2: 154.4 +- 79.2"),
];

/// PPO with the noise of the zoo's PPO and A2C on other tasks, and twice its steps: a smoother gait, which costs less.
const WALKERS: [Case; 1] = [Case {
    set: Some(
        "learning_rate = 'linear:3e-4:0:run'\nuse_sde = true\nlog_std_init = -2.0\nsde_sample_freq = 4",
    ),
    is_reach: true,
    ..policy(
        "ppo",
        "BipedalWalker-v3",
        10_000_000,
        (295.0, 350.0),
        "SB3: a2c 299.8 +- 23.5, sac 297.7 +- 33.1",
    )
}];

const WALKERS_ZOO: [Case; 2] = [
    policy("a2c", "BipedalWalker-v3", 5_000_000, (295.0, 350.0), "SB3: 299.8 +- 23.5"),
    policy("ppo", "BipedalWalker-v3", 5_000_000, (287.9, 350.0), "SB3: 287.9 +- 2.4"),
];

const WALKERS_REPLAY: [Case; 5] = [
    policy("qr-dqn", "LunarLander-v3", 100_000, (70.2, 320.0), "SB3, version 2: 70.2 +- 225.5"),
    policy("sac", "BipedalWalker-v3", 500_000, (295.0, 350.0), "SB3: 297.7 +- 33.1"),
    policy("td3", "BipedalWalker-v3", 1_000_000, (295.0, 350.0), "SB3: 306.0 +- 56.9"),
    policy("sac", "LunarLanderContinuous-v3", 500_000, (260.0, 320.0), "SB3, version 2: 260.4 +- 65.5"),
    policy("td3", CAR, 300_000, (93.5, 99.5), "SB3: 93.5 +- 0.1"),
];

/// The expected return of a game: the mean return of MinAtar's own DQN after 5,000,000 frames and 30 runs,
/// read off the figure of its repository. Its README: "the full action set of 6 actions" in all of them.
const fn game(
    algorithm: &'static str,
    preset: &'static str,
    (env, reach, from): (&'static str, f64, &'static str),
) -> Case {
    let (steps, statistic) = (5_000_000, Center::Mean);
    let (reach, episodes) = ((reach, f64::INFINITY), COMPARISON);
    let (set, is_reach) = (None, true);
    Case { algorithm, preset, env, steps, statistic, reach, from, episodes, set, is_reach }
}

const GAMES: [(&str, f64, &str); 5] = [
    ("MinAtar/Asterix-v1:full_action_set=true", 17.0, "MinAtar's DQN: about 17"),
    ("MinAtar/Breakout-v1:full_action_set=true", 10.0, "MinAtar's DQN: about 10"),
    ("MinAtar/Freeway-v1:full_action_set=true", 50.0, "MinAtar's DQN: about 50"),
    ("MinAtar/Seaquest-v1:full_action_set=true", 20.0, "MinAtar's DQN: about 20"),
    ("MinAtar/SpaceInvaders-v1:full_action_set=true", 44.0, "MinAtar's DQN: about 44"),
];

const ZOO: &str = "RL Baselines3 Zoo, benchmark.md and hyperparams";
macro_rules! of_one_run {
    () => {
        "The published numbers are of single runs, and of the last model; those here are of the model that a run leaves, its best \
         evaluated one, and beside it of the last, on the same episodes. The curves are of the models as they were."
    };
}
const OF_ONE_RUN: &str = of_one_run!();
const OF_LANDERS: &str = concat!(
    of_one_run!(),
    " Of the A2C of Stable-Baselines3 2.9.2 itself, with the zoo's values and this version of the lander, the last models of the \
     seeds 0 to 2 had -1.7, 37.2 and 34.3 over 100 episodes."
);

/// Evaluations during a run; the best model is the result.
const EVALUATIONS: u64 = 20;
const EPISODES: u64 = 20;
/// The axes of its curve.
pub(super) const AXES: [&str; 2] = ["step", "return"];
/// Steps between checks of the stop signal.
const SLICE: u64 = 1000;

/// The results of a run.
pub(super) struct Run {
    /// The mean return of the best model over new episodes.
    pub(super) score: f64,
    /// The mean return of the last model over a hundred of these.
    pub(super) last: f64,
    /// Steps and mean returns of its evaluations.
    pub(super) curve: Vec<(f64, f64)>,
}

/// Returns true for a result whose runs are kept, because they take long.
pub(super) fn is_long(name: &str) -> bool {
    [
        "dqn",
        "actor-critic",
        "continuous",
        "landers",
        "walkers",
        "walkers-zoo",
        "walkers-replay",
        "ppo-details",
        "arcade",
        "arcade-dqn",
    ]
    .contains(&name)
}

impl Case {
    /// The beginning of the names of its columns.
    pub(super) fn column(&self) -> String {
        format!("{}, {}k: ", self.title(), self.steps / 1000)
    }

    /// The algorithm, the environment and the settings.
    fn title(&self) -> String {
        let Case { algorithm, preset, env, set, .. } = self;
        let set = set.map(|set| format!(" {}", set.replace('\n', " "))).unwrap_or_default();
        format!("{algorithm}, {env}, {preset}{set}")
    }
}

/// A run, or its result if it is finished already.
pub(super) fn run_once(case: &Case, seed: u64, runs: &Runs<'_>) -> Result<Run, Error> {
    if let Some(run) = runs.finished.raw.as_ref().and_then(|raw| Run::from_raw(case, raw, seed)) {
        return Ok(run);
    }
    let episodes = match case.episodes {
        COMPARISON => String::new(),
        episodes => format!(", {episodes} episodes"),
    };
    let name = format!("{}, {} steps, seed {seed}{episodes}", case.title(), case.steps);
    if let Some(run) = runs.finished.get(&name).and_then(|kept| Run::from_json(&kept)) {
        return Ok(run);
    }
    let run = run(case, seed, runs)?;
    runs.finished.add(name, run.json())?;
    Ok(run)
}

impl Run {
    fn json(&self) -> serde_json::Value {
        json!({ "score": self.score, "last": self.last, "curve": self.curve })
    }

    /// The run of a seed in a complete measurement.
    fn from_raw(case: &Case, raw: &RawTable, seed: u64) -> Option<Self> {
        let (mut score, mut last, mut curve) = (None, None, Vec::new());
        for (name, value) in raw.numbers(seed, &case.column()) {
            if let Some(step) = name.strip_prefix("evaluation at step ") {
                curve.push((step.parse().ok()?, value));
            } else if name == "last model" {
                last = Some(value);
            } else {
                score = Some(value);
            }
        }
        Some(Self { score: score?, last: last?, curve })
    }

    fn from_json(kept: &serde_json::Value) -> Option<Self> {
        let pair = |point: &serde_json::Value| Some((point.get(0)?.as_f64()?, point.get(1)?.as_f64()?));
        Some(Self {
            score: kept.get("score")?.as_f64()?,
            last: kept.get("last")?.as_f64()?,
            curve: kept.get("curve")?.as_array()?.iter().map(pair).collect::<Option<_>>()?,
        })
    }
}

/// The outcome of a training run with these settings, above those of a preset if there is one; `watch` takes its records.
pub(super) fn trained(
    algorithm: &'static Algorithm,
    preset: Option<Layer>,
    values: Table,
    runs: &Runs<'_>,
    watch: &mut dyn FnMut(&Record),
) -> Result<Outcome, Error> {
    let own = Layer { origin: Origin::Program("of the reproduction"), values };
    let layers: Vec<Layer> = preset.into_iter().chain([own]).collect();
    let mut job = prepare_train(algorithm, &layers, 1, None)?.job;
    let stop = || runs.observer.stop_requested();
    while !job.is_over() {
        if stop() {
            return Err(Error::Abandoned);
        }
        job.advance(job.steps() + SLICE, &stop, &mut |record| {
            watch(record);
            Ok(())
        })?;
    }
    job.finish(&stop)?.ok_or(Error::Abandoned)
}

/// The steps of the evaluations that all runs had, with the mean return of each run.
pub(super) fn evaluations(all: &[Run]) -> Vec<(f64, Vec<f64>)> {
    let count = all.iter().map(|run| run.curve.len()).min().unwrap_or(0);
    (0..count).map(|k| (all[0].curve[k].0, all.iter().map(|run| run.curve[k].1).collect())).collect()
}

fn run(case: &Case, seed: u64, runs: &Runs<'_>) -> Result<Run, Error> {
    let mut values = Table::new();
    values.insert("env".to_owned(), case.env.into());
    for (key, value) in [
        ("steps", case.steps),
        ("seed", seed),
        ("eval_freq", case.steps / EVALUATIONS),
        ("eval_episodes", EPISODES),
    ] {
        values.insert(key.to_owned(), Value::Integer(value as i64));
    }
    values.extend(case.set.unwrap_or_default().parse::<Table>().expect("settings as TOML"));
    let algorithm = Algorithm::find(case.algorithm)?;
    let preset = algorithm.preset(case.preset, case.env)?;
    let mut curve = Vec::new();
    let Outcome { model, summary, .. } = trained(algorithm, Some(preset), values, runs, &mut |record| {
        curve.extend(record.get(catalogue::EVAL_MEAN_REWARD).map(|mean| (record.step as f64, mean)));
    })?;
    let number = |key: &str| summary[key].as_f64().expect("it was evaluated");
    let score = match case.episodes {
        COMPARISON => number(catalogue::MEAN_RETURN),
        episodes => {
            let streams = Streams::new(seed);
            let protocol = Protocol { episodes, streams, purpose: "comparison", threads: 1 };
            let spec = registry::find(case.env).expect("it was trained there");
            let stop = || runs.observer.stop_requested();
            let played = evaluate_policy_unless(&stop, &model, &spec, protocol)?;
            played.ok_or(Error::Abandoned)?.mean_return()
        }
    };
    Ok(Run { score, last: number("last_return"), curve })
}

/// Classic control.
pub(super) fn control(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    Ok(Reproduction {
        name: "dqn",
        source: "RL Baselines3 Zoo, benchmark.md; CleanRL, docs/rl-algorithms",
        note: "The published numbers are of single runs (SB3) or three (CleanRL), of the last model or the last episodes of training; those \
               here are of the model that a run leaves, its best evaluated one, and beside it of the last, on the same episodes. The curves are of the \
               models as they were.",
        ..cases(&CONTROL, runs)?
    })
}

/// Policy gradient on classic control.
pub(super) fn policies(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    Ok(Reproduction { name: "actor-critic", source: ZOO, note: OF_ONE_RUN, ..cases(&POLICIES, runs)? })
}

/// Actor-critics that learn from replay, on classic control.
pub(super) fn continuous(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    Ok(Reproduction { name: "continuous", source: ZOO, note: OF_ONE_RUN, ..cases(&CONTINUOUS, runs)? })
}

/// The lander.
pub(super) fn landers(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    Ok(Reproduction { name: "landers", source: ZOO, note: OF_LANDERS, ..cases(&LANDERS, runs)? })
}

/// The walker, with policy gradient.
pub(super) fn walkers(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    Ok(Reproduction { name: "walkers", source: ZOO, note: OF_ONE_RUN, ..cases(&WALKERS, runs)? })
}

/// The walker, with policy gradient and the values of the zoo.
pub(super) fn walkers_zoo(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    Ok(Reproduction { name: "walkers-zoo", source: ZOO, note: OF_ONE_RUN, ..cases(&WALKERS_ZOO, runs)? })
}

/// The walker with learners from replay, and other long runs of theirs.
pub(super) fn walkers_replay(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    Ok(Reproduction {
        name: "walkers-replay",
        source: ZOO,
        note: OF_ONE_RUN,
        ..cases(&WALKERS_REPLAY, runs)?
    })
}

/// The games, with PQN.
pub(super) fn arcade(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    Ok(Reproduction { name: "arcade", ..cases(&GAMES.map(|of| game("pqn", "purejaxql", of)), runs)? })
}

/// The games, with the DQN and the settings of their paper.
pub(super) fn arcade_dqn(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    Ok(Reproduction { name: "arcade-dqn", ..cases(&GAMES.map(|of| game("dqn", "minatar", of)), runs)? })
}

fn cases(cases: &[Case], runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let (mut claims, mut beside, mut charts) = (Vec::new(), Vec::new(), Vec::<LineChart>::new());
    for case in cases {
        let Case { algorithm, preset, env, steps, statistic, reach, from, episodes, is_reach, .. } = *case;
        let title = case.title();
        let all = watched_map(runs.observer, &title, runs.count, runs.request.threads, |i| {
            run_once(case, runs.request.seed.wrapping_add(i as u64), runs)
        });
        let all = all.into_iter().collect::<Result<Vec<Run>, Error>>()?;
        let scores: Vec<f64> = all.iter().map(|run| run.score).collect();
        let last: Vec<f64> = all.iter().map(|run| run.last).collect();
        let measured = statistic.estimate(&scores);
        let (length, name, of_last) = (steps / 1000, statistic.name(), statistic.of(&last));
        let of = if episodes == COMPARISON { String::new() } else { format!(" of {episodes} episodes") };
        let worst = scores.iter().copied().fold(f64::INFINITY, f64::min);
        let spread = match statistic {
            Center::Mean if !is_reach => {
                format!("IQM {:.1}, lowest seed {worst:.1}, ", Center::Iqm.of(&scores))
            }
            _ => String::new(),
        };
        let what = format!("{title}, {length}k: {name}{of} ({spread}last models {of_last:.1})");
        claims.push(Claim { what, expected: reach, from, measured, is_reach, values: scores });
        let title = format!("{title}, {length}k");
        beside.push(Column { name: format!("{title}: last model"), values: last });
        let mut points = Vec::new();
        for (step, values) in evaluations(&all) {
            points.push((step, statistic.of(&values)));
            beside.push(Column { name: format!("{title}: evaluation at step {step}"), values });
        }
        let line = series(&format!("{algorithm}, {preset}"), points);
        let title = format!("{env}, {length}k steps");
        match charts.iter_mut().find(|chart| chart.title == title) {
            Some(chart) => chart.series.push(line),
            None => {
                let best = BEST.iter().find(|(of, _)| *of == env).map(|&(_, best)| {
                    let ends = [steps / EVALUATIONS, steps].map(|step| (step as f64, best));
                    series(&format!("best possible: {best}"), ends.to_vec())
                });
                charts.push(chart(&title, AXES, std::iter::once(line).chain(best).collect()));
            }
        }
    }
    Ok(Reproduction {
        name: "",
        source: "Young and Tian 2019, MinAtar",
        setting: format!(
            "{} seeds from {} on; each run is evaluated {EVALUATIONS} times on {EPISODES} episodes, and the best model that it had then \
             plays 100 others",
            runs.count, runs.request.seed
        ),
        runs: runs.count,
        seed: runs.request.seed,
        claims,
        beside,
        charts,
        maps: Vec::new(),
        note: "The published numbers are read off a figure, and of episodes while learning, in which one action of ten is random; those here \
               are of the model that a run leaves, its best evaluated one, which acts greedily. Both choose among all six actions in every game, also those that do nothing in it. The curves are of the models \
               as they were.",
        data: None,
        out: nowhere(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_score_below_the_published_one_is_enough() {
        for case in CONTROL.iter().chain(&POLICIES).chain(&CONTINUOUS) {
            let published = case.from.split_once(": ").unwrap().1.split(' ').next().unwrap();
            let published: f64 = published.parse().unwrap();
            let Case { algorithm, env, reach, .. } = *case;
            // CleanRL's have two digits, and one of them is printed.
            assert!(reach.0 > published - 0.051, "{algorithm} {env}: {} {published}", reach.0);
        }
    }

    #[test]
    fn every_game_has_the_six_actions_of_the_published_table() {
        for of in GAMES {
            for (algorithm, preset) in [("pqn", "purejaxql"), ("dqn", "minatar")] {
                let Case { env, .. } = game(algorithm, preset, of);
                let env = registry::find(env).unwrap().make_features().unwrap();
                assert_eq!(env.action_space().to_string(), "Discrete(6)", "{algorithm} {}", of.0);
            }
        }
    }
}
