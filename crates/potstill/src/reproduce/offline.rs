//! Offline learning from the data of scripted controllers: which method fails on which data.
//!
//! The expected returns were measured by a second program, written in JAX, with the same settings: 8,000 updates of 128
//! transitions, Adam with a step size of 0.001, networks of 64 and 64 units with Flax's initial weights, five seeds.

use super::book::chart;
use super::result::{Claim, Column, Reproduction, Runs, nowhere, series};
use crate::agent::{Agent, Measurements};
use crate::algorithm::{Algorithm, BehaviourSource, Builder, Constructor, Learning, Task};
use crate::config::toml_value;
use crate::data::OfflineDataset;
use crate::data::episodes::EpisodeRecorder;
use crate::error::Error;
use crate::experience::Steps;
use crate::jobs::evaluate_policy_unless;
use crate::metrics::catalogue;
use crate::model::Model;
use crate::run::watched_map;
use crate::train::statistics::{Center, Estimate, mean};
use crate::train::{Callback, OfflineTrainer, Protocol, TrainError, Training};
use potstill_core::{Streams, math};
use potstill_env::registry::{self, Spec};
use potstill_env::{BoxEnv, Env, Row};
use std::ops::ControlFlow;

const UPDATES: u64 = 8000;
const GAMMA: f64 = 0.99;
const EPISODES: usize = 100;
const SHARED: &str =
    "batch_size=128 net_arch=mlp:64,64 learning_rate=0.001 gamma=0.99 tau=0.005 initialization=lecun_normal";

/// Recorded data: the probability of a random action, and steps.
type Parts = &'static [(f64, u64)];

/// A data set: its name, and its parts in CartPole and Pendulum.
struct Data {
    name: &'static str,
    parts: [Parts; 2],
}

const SETS: [Data; 4] = [
    Data { name: "random", parts: [&[(1.0, 20_000)], &[(1.0, 20_000)]] },
    Data { name: "mixed", parts: [&[(1.0, 18_000), (0.1, 2000)], &[(1.0, 18_000), (0.1, 2000)]] },
    Data { name: "medium", parts: [&[(0.6, 20_000)], &[(0.6, 20_000)]] },
    Data { name: "expert", parts: [&[(0.1, 2000)], &[(0.1, 5000)]] },
];

/// A method: its title, algorithm and settings, and for each data set the least and the greatest return of a seed of the
/// second program, or the bound that every seed here has to keep.
struct Method {
    title: &'static str,
    algorithm: &'static str,
    set: &'static str,
    expected: [Expected; 4],
}

/// A published return.
#[derive(Clone, Copy)]
enum Expected {
    /// The least and the greatest of five seeds of the second program.
    Seeds(f64, f64),
    /// A bound that the worst seed has to keep.
    All(f64, f64),
    /// None.
    Open,
}

use Expected::{All, Open, Seeds};

const INF: f64 = f64::INFINITY;

const CART_POLE: [Method; 5] = [
    Method {
        title: "BC",
        algorithm: "bc",
        set: "",
        expected: [Seeds(17.0, 45.0), Seeds(193.0, 435.0), Seeds(500.0, 500.0), Seeds(500.0, 500.0)],
    },
    Method {
        title: "DQN",
        algorithm: "dqn",
        set: "target_update_interval=1 huber_delta=0 max_grad_norm=inf",
        expected: [All(-INF, 100.0), Seeds(19.0, 496.0), Seeds(105.0, 196.0), All(-INF, 20.0)],
    },
    Method {
        title: "CQL",
        algorithm: "cql",
        set: "",
        expected: [All(200.0, INF), Seeds(398.0, 500.0), Seeds(500.0, 500.0), All(500.0, INF)],
    },
    Method {
        title: "BCQ",
        algorithm: "bcq",
        set: "",
        expected: [Seeds(30.0, 107.0), Seeds(36.0, 436.0), Seeds(101.0, 306.0), Seeds(500.0, 500.0)],
    },
    Method {
        title: "IQL",
        algorithm: "iql",
        set: "",
        expected: [All(200.0, INF), Seeds(475.0, 492.0), Seeds(496.0, 500.0), Seeds(500.0, 500.0)],
    },
];

const PENDULUM: [Method; 5] = [
    Method {
        title: "BC",
        algorithm: "bc",
        set: "",
        expected: [
            Seeds(-1266.0, -1227.0),
            Seeds(-1264.0, -1169.0),
            Seeds(-682.0, -608.0),
            Seeds(-151.0, -150.0),
        ],
    },
    Method {
        title: "TD3",
        algorithm: "td3",
        set: "",
        expected: [All(-150.0, INF), Seeds(-148.0, -145.0), Seeds(-687.0, -348.0), All(-INF, -1150.0)],
    },
    Method {
        title: "TD3+BC",
        algorithm: "td3-bc",
        set: "normalize_observations=false",
        expected: [All(-INF, -1150.0), Seeds(-1251.0, -1137.0), Seeds(-327.0, -261.0), All(-160.0, INF)],
    },
    Method {
        title: "ReBRAC",
        algorithm: "rebrac",
        set: "critic_net_arch=mlp:64,64:layernorm actor_bc=0.1 critic_bc=0.1",
        expected: [Seeds(-1235.0, -1190.0), Open, Seeds(-232.0, -198.0), Seeds(-1594.0, -746.0)],
    },
    Method {
        title: "IQL",
        algorithm: "iql",
        set: "deterministic=true",
        expected: [Seeds(-311.0, -194.0), Open, Seeds(-840.0, -339.0), Open],
    },
];

/// Pushes the cart so that the pole is upright: 500 steps, always.
fn balance(seen: &[f32]) -> usize {
    let [x, v, angle, spin] = [0, 1, 2, 3].map(|i: usize| f64::from(seen[i]));
    usize::from(0.1 * x + 0.3 * v + 10.0 * angle + 3.0 * spin > 0.0)
}

/// Swings the pendulum up by its energy, and holds it.
fn swing_up(seen: &[f32]) -> Vec<f32> {
    let [cosine, sine, spin] = [0, 1, 2].map(|i: usize| f64::from(seen[i]));
    let energy = spin * spin / 6.0 + 5.0 * cosine - 5.0;
    let torque = if cosine > 0.8 {
        -(10.0 * angle(cosine, sine) + 2.5 * spin)
    } else if energy < 0.0 {
        2.0_f64.copysign(spin)
    } else {
        -2.0_f64.copysign(spin)
    };
    vec![torque.clamp(-2.0, 2.0) as f32]
}

/// The angle of a cosine above 0 and a sine.
fn angle(cosine: f64, sine: f64) -> f64 {
    // Each correction leaves the cube of the error.
    (0..3).fold(sine, |angle, _| angle + sine * math::cos(angle) - cosine * math::sin(angle))
}

/// The episodes of a controller whose actions are random with some probability. The last of each part is cut off.
fn record<A: Row + ?Sized>(
    mut env: BoxEnv<[f32], A>,
    parts: Parts,
    streams: Streams,
    controller: impl Fn(&[f32]) -> A::Owned,
) -> Result<OfflineDataset, Error> {
    let (actions, mut rng) = (env.action_space(), streams.stream("behaviour"));
    let mut recorder = EpisodeRecorder::new("", env.observation_space(), env.action_space());
    let mut seed = Some(streams.seed_for("behaviour", 0));
    for &(epsilon, steps) in parts {
        let policy = |seen: &[f32]| {
            let is_random = rng.unit() < epsilon;
            if is_random { A::sample(&actions, &mut rng) } else { controller(seen) }
        };
        let played = recorder.play(&mut env, seed.take(), steps, policy);
        played.map_err(|(step, source)| TrainError::Env { step, source })?;
    }
    Ok(recorder.into_data())
}

/// The mean value of recorded actions over the last updates, as their critic has it.
#[derive(Default)]
struct LastValues {
    sum: f64,
    count: u64,
}

/// The updates that it is averaged over.
const LAST: u64 = 1000;

impl<T: Training> Callback<T> for LastValues {
    fn on_update(&mut self, trainer: &T, update: &Measurements) -> ControlFlow<()> {
        if let Some(value) = update.get(catalogue::Q_VALUES).filter(|_| trainer.steps() > UPDATES - LAST) {
            self.sum += value;
            self.count += 1;
        }
        ControlFlow::Continue(())
    }
}

/// The last model of a method that has learned from a data set with a seed.
pub(super) struct Learned {
    pub(super) model: Model,
    /// The returns of its episodes.
    pub(super) returns: Vec<f64>,
    /// The mean value of recorded actions, if it has values.
    value: Option<f64>,
}

/// The mean discounted return from each recorded step on. An episode that was cut off goes on with its mean
/// reward.
fn recorded_value(data: &OfflineDataset) -> f64 {
    let mut sum = 0.0;
    for episode in data.episodes() {
        let rewards = &data.rewards()[episode.range()];
        let mut value = if episode.terminated { 0.0 } else { mean(rewards) / (1.0 - GAMMA) };
        for reward in rewards.iter().rev() {
            value = reward + GAMMA * value;
            sum += value;
        }
    }
    sum / data.steps() as f64
}

/// The number as its order of magnitude, with its sign.
fn magnitude(value: f64) -> f64 {
    (math::ln_f64(1.0 + value.abs()) / std::f64::consts::LN_10).copysign(value)
}

/// Trains a method on episodes, and evaluates its last model.
pub(super) fn learn<A: Row + ?Sized>(
    ((algorithm, set), new): ((&'static str, &'static str), Constructor<Learning<A>>),
    data: &OfflineDataset,
    spec: &Spec,
    seed: u64,
    runs: &Runs<'_>,
) -> Result<Learned, Error>
where
    for<'a> crate::model::ModelActor<'a>: crate::model::Actor<[f32], A>,
{
    let streams = Streams::new(seed);
    let mut task = Task { steps: Some(UPDATES), ..Task::new(algorithm, spec, streams) };
    task.source = BehaviourSource::Transitions(data.steps() as u64);
    let mut settings = new();
    let pairs = |words: &'static str| words.split_whitespace().filter_map(|word| word.split_once('='));
    for (key, value) in pairs(SHARED) {
        // Not every method has every key that they share.
        _ = settings.set(key, &toml_value(value));
    }
    for (key, value) in pairs(set) {
        let set = settings.set(key, &toml_value(value));
        assert!(matches!(set, Some(Ok(()))), "{key} is a setting of {algorithm}");
    }
    let Learning { mut agent, .. } = settings.build(&task)?;
    let transitions = data.transitions::<[f32], A>().expect("recorded in this environment");
    for step in 0..transitions.len() {
        let stored = agent.store(&Steps::of(&transitions.get(step)));
        stored.map_err(|source| TrainError::Learn { step: 0, source })?;
    }
    let mut trainer = OfflineTrainer::new(agent);
    let stop = || runs.observer.stop_requested();
    let mut values = LastValues::default();
    trainer.run_unless(&stop, UPDATES, None, &mut values)?;
    let protocol = Protocol { episodes: EPISODES, streams, purpose: "comparison", threads: 1 };
    let model = trainer.model();
    let evaluation = evaluate_policy_unless(&stop, &model, spec, protocol)?;
    let LastValues { sum, count } = values;
    Ok(Learned {
        model,
        returns: evaluation.ok_or(Error::Abandoned)?.returns,
        value: (count > 0).then(|| sum / count as f64),
    })
}

/// The returns of all seeds of a method on each data set, with the mean returns of the data.
struct Table {
    env: &'static str,
    claims: Vec<Claim>,
    beside: Vec<Column>,
    lines: Lines,
    /// The magnitudes of the values of recorded actions.
    values: Lines,
}

/// Points of lines with names.
type Lines = Vec<(String, Vec<(f64, f64)>)>;

/// Adds a point to the line of a name.
fn add(lines: &mut Lines, name: &str, point: (f64, f64)) {
    match lines.iter_mut().find(|(known, _)| known == name) {
        Some((_, line)) => line.push(point),
        None => lines.push((name.to_owned(), vec![point])),
    }
}

/// Makes an environment.
type Make<A> = fn(&Spec) -> Option<BoxEnv<[f32], A>>;
/// The constructor of an algorithm for a kind of actions.
type Find<A> = fn(&Builder) -> Option<Constructor<Learning<A>>>;

/// A kind of actions: its environment, the index of its parts in a data set, and its constructor.
fn measure<A: Row + ?Sized + 'static>(
    (env, place): (&'static str, usize),
    methods: &[Method],
    (make, constructor): (Make<A>, Find<A>),
    controller: fn(&[f32]) -> A::Owned,
    runs: &Runs<'_>,
) -> Result<Table, Error>
where
    for<'a> crate::model::ModelActor<'a>: crate::model::Actor<[f32], A>,
{
    let spec = registry::find(env).map_err(|error| crate::run::usage(error.to_string()))?;
    let (mut claims, mut beside) = (Vec::new(), Vec::new());
    let (mut lines, mut estimates) = (Lines::new(), Lines::new());
    for (i, data) in SETS.iter().enumerate() {
        let seeds: Vec<u64> = (0..runs.count as u64).map(|i| runs.request.seed.wrapping_add(i)).collect();
        let record = |&seed: &u64| {
            let env = make(&spec).expect("features");
            record(env, data.parts[place], Streams::new(seed), controller)
        };
        let recorded = seeds.iter().map(record).collect::<Result<Vec<_>, Error>>()?;
        let of_data = |data: &OfflineDataset| mean(&data.returns().collect::<Vec<_>>());
        beside.push(Column {
            name: format!("{env}, {}: return of the data", data.name),
            values: recorded.iter().map(of_data).collect(),
        });
        let truth: Vec<f64> = recorded.iter().map(recorded_value).collect();
        add(&mut estimates, "return of the data", (i as f64, magnitude(mean(&truth))));
        beside.push(Column {
            name: format!("{env}, {}: discounted return of the data", data.name),
            values: truth,
        });
        for method in methods {
            let title = format!("{env}, {} data: {}", data.name, method.title);
            let algorithm = Algorithm::find(method.algorithm)?;
            let new = constructor(&algorithm.builder).expect("an algorithm for these actions");
            let all = watched_map(runs.observer, &title, seeds.len(), runs.request.threads, |i| {
                learn(((method.algorithm, method.set), new), &recorded[i], &spec, seeds[i], runs)
            });
            let all = all.into_iter().collect::<Result<Vec<Learned>, Error>>()?;
            if let Some(values) = all.iter().map(|learned| learned.value).collect::<Option<Vec<f64>>>() {
                add(&mut estimates, method.title, (i as f64, magnitude(mean(&values))));
                beside.push(Column { name: format!("{title}: Q of recorded actions"), values });
            }
            let values: Vec<f64> = all.iter().map(|learned| mean(&learned.returns)).collect();
            claims.push(claim(&title, method.expected[i], &values));
            if matches!(method.expected[i], All(..)) {
                beside.push(Column { name: title.clone(), values: values.clone() });
            }
            add(&mut lines, method.title, (i as f64, mean(&values)));
        }
    }
    Ok(Table { env, claims, beside, lines, values: estimates })
}

/// A claim about the returns of all seeds.
fn claim(title: &str, expected: Expected, values: &[f64]) -> Claim {
    let from = "a second program";
    let extreme = |which: &str, value: f64, expected| {
        let (what, measured) = (format!("{title}: {which} seed"), Estimate::exact(value));
        Claim { what, expected, from, measured, is_reach: true, values: Vec::new() }
    };
    let expected = match expected {
        All(low, high) if low == f64::NEG_INFINITY => {
            let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            return extreme("highest", greatest, (low, high));
        }
        All(low, high) => {
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            return extreme("lowest", least, (low, high));
        }
        Seeds(low, high) => (low, high),
        Open => (f64::NEG_INFINITY, f64::INFINITY),
    };
    let (what, measured) = (format!("{title}: mean"), Center::Mean.estimate(values));
    Claim { what, expected, from, measured, is_reach: false, values: values.to_vec() }
}

/// The constructor of an algorithm for discrete actions.
pub(super) fn discrete(builder: &Builder) -> Option<Constructor<Learning<usize>>> {
    match builder {
        Builder::Features(new) | Builder::Policy(new, _) => Some(*new),
        _ => None,
    }
}

/// The data sets of CartPole for a seed, each with its name.
pub(super) fn cart_pole_sets(
    spec: &Spec,
    streams: Streams,
) -> impl Iterator<Item = Result<(&'static str, OfflineDataset), Error>> {
    SETS.iter().map(move |data| {
        let env = spec.make_features().expect("features");
        Ok((data.name, record(env, data.parts[0], streams, balance)?))
    })
}

/// Both tables.
pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let discrete =
        measure::<usize>(("CartPole-v1", 0), &CART_POLE, (Spec::make_features, discrete), balance, runs)?;
    let control = measure::<[f32]>(
        ("Pendulum-v1", 1),
        &PENDULUM,
        (Spec::make_control, |builder| match builder {
            Builder::Control(new) | Builder::Policy(_, new) => Some(*new),
            _ => None,
        }),
        swing_up,
        runs,
    )?;
    let (mut claims, mut beside, mut charts) = (Vec::new(), Vec::new(), Vec::new());
    for Table { env, claims: own, beside: columns, lines, values } in [discrete, control] {
        claims.extend(own);
        beside.extend(columns);
        let drawn = |lines: Lines| lines.into_iter().map(|(name, points)| series(&name, points)).collect();
        let of = "by data (0 random, 1 mixed, 2 medium, 3 expert)";
        charts.push(chart(&format!("{env}: return {of}"), ["data set", "mean return"], drawn(lines)));
        let title = format!("{env}: Q of recorded actions {of}");
        charts.push(chart(&title, ["data set", "sign(Q) log10(1 + |Q|)"], drawn(values)));
    }
    Ok(Reproduction {
        name: "offline",
        source: "a second program with the same settings",
        setting: format!(
            "{UPDATES} updates of 128 transitions, {} seeds from {} on; the last model plays {EPISODES} episodes",
            runs.count, runs.request.seed
        ),
        runs: runs.count,
        seed: runs.request.seed,
        claims,
        beside,
        charts,
        maps: Vec::new(),
        note: "Data are those of scripted controllers with random actions of a probability of 1 (random), 0.6 (medium) and 0.1 (expert); mixed \
               is nine tenths random and one tenth expert. Every seed has data of its own. Q of recorded actions is the first critic's, averaged \
               over the last 1,000 updates; beside it, the discounted return of the data from the same steps on, where an episode that was \
               cut off goes on with its mean reward. No policy's can be above 100 in CartPole, nor above 0 in Pendulum.",
        data: None,
        out: nowhere(),
    })
}
