//! Act 2, teacher to student: a DQN learns to balance a pole, then a much smaller network learns from it.

use super::act::{Act, QuickstartRequest};
use crate::algorithm::Algorithm;
use crate::config::{Layer, Origin};
use crate::error::Error;
use crate::jobs::evaluate_policy;
use crate::metrics::{Axis, History};
use crate::model::Model;
use crate::report::{Block, Table as Grid, wrap};
use crate::run::{
    Observer, PreparedRun, Subject, create, curves, execute, prepare_distillation, prepare_train,
    teacher_layer,
};
use crate::store::RunDir;
use crate::train::Protocol;
use crate::train::statistics::{Center, Estimate};
use potstill_core::Streams;
use potstill_env::registry;
use potstill_nn::{Network, Workspace};
use serde_json::{Value as Json, json};
use std::time::Instant;
use toml::{Table, Value};

const EPISODES: usize = 100;
/// Mean return over 100 episodes at which the teacher stops: a little above the 475 that count as solved, so
/// that new episodes are also above it.
const GOAL: f64 = 490.0;
const STUDENT: &str = "mlp:32";

/// Runs the act.
///
/// # Errors
/// If the environment refuses a step, or a loss is not finite.
pub(super) fn act(request: &QuickstartRequest, dir: &RunDir, observer: &dyn Observer) -> Result<Act, Error> {
    let spec = registry::find("CartPole-v1").expect("it is registered");
    let streams = Streams::new(request.seed);

    // RL-Zoo's values on a smaller network and twice the steps, so that a slow seed also succeeds; most stop
    // long before.
    let dqn = Algorithm::find("dqn")?;
    let mut layers = layers(
        &format!(
            "env = 'CartPole-v1'\nsteps = 100_000\neval_freq = 2500\neval_episodes = 100\nstop_at_return = {GOAL:?}\n\
             net_arch = 'mlp:128,128'\nexploration_fraction = 0.08"
        ),
        request.seed,
    );
    layers.insert(0, dqn.preset("zoo", "CartPole-v1")?);
    let (teacher_dir, training) =
        carried_out(dir, "teacher", prepare_train(dqn, &layers, request.threads, None)?, observer)?;
    let text = format!("student = '{STUDENT}'\nenv = 'CartPole-v1'");
    let mut layers = self::layers(&text, request.seed);
    layers.push(teacher_layer(&teacher_dir.path().display().to_string()));
    let plan = prepare_distillation(Subject::load(&teacher_dir)?.into(), &layers, request.threads, None)?;
    let (student_dir, distilling) = carried_out(dir, "student", plan, observer)?;
    let (teacher, student) = (network(&teacher_dir)?, network(&student_dir)?);

    // The episodes on which both runs were evaluated at their ends, so that `potstill runs` shows the same numbers.
    let protocol = Protocol { episodes: EPISODES, streams, purpose: "comparison", threads: request.threads };
    let estimate = |network: &Network| -> Result<Estimate, Error> {
        let evaluation = evaluate_policy(&Model::Network(network.clone()), &spec, protocol)?;
        Ok(Center::Mean.estimate(&evaluation.returns))
    };
    let agreement = distilling["agreement"].as_f64().unwrap_or_default();
    let rows = [("teacher", &teacher), ("student", &student)].map(|(name, network)| {
        Ok(Row { name, network, mean: estimate(network)?, micros: decision_micros(network) })
    });
    let [teacher_row, student_row] = rows.map(|row: Result<Row<'_>, Error>| row);
    let (teacher_row, student_row) = (teacher_row?, student_row?);

    let table = Grid {
        head: ["", "parameters", "mean return", "us per decision"].map(str::to_owned).to_vec(),
        rows: [&teacher_row, &student_row].map(Row::cells).to_vec(),
    };
    let ratio = teacher.parameters().len() as f64 / student.parameters().len() as f64;
    let steps = training["steps"].as_u64().unwrap_or_default();
    let reached = if training["best_return"].as_f64().unwrap_or_default() >= GOAL {
        "reached its goal"
    } else {
        "did not reach its goal; its best model is shown"
    };
    let words = format!(
        "The teacher trained for {steps} steps and {reached}. The student is {ratio:.0} times smaller and chooses as the teacher does in \
         {:.1} % of states from new episodes (95 % intervals over {EPISODES} episodes).",
        100.0 * agreement
    );
    let numbers = json!({
        "env": spec.id,
        "teacher": teacher_row.numbers(),
        "student": student_row.numbers(),
        "agreement": agreement,
        "teacher_steps": steps,
        "teacher_gap": distilling["teacher_gap"],
    });
    let mut blocks = vec![Block::Text(words.clone()), Block::Table(table.clone())];
    blocks.extend(curves(&History::read(&teacher_dir)?, Axis::Steps).into_iter().map(Block::Lines));
    let text = format!("{}\n{}", table.text(), wrap(&words));
    Ok(Act { name: "policy", title: "Teacher to student: a policy shrinks", numbers, text, blocks })
}

/// The act's own settings.
fn layers(text: &str, seed: u64) -> Vec<Layer> {
    let mut values: Table = text.parse().expect("the program's own TOML");
    values.insert("seed".to_owned(), Value::Integer(seed as i64));
    vec![Layer { origin: Origin::Program("quickstart"), values }]
}

/// Executes a prepared run in a folder of the tour.
fn carried_out(
    dir: &RunDir,
    name: &str,
    plan: PreparedRun,
    observer: &dyn Observer,
) -> Result<(RunDir, Json), Error> {
    let dir = dir.nested(name)?;
    create(&dir, &plan)?;
    let summary = execute(&dir, plan, false, observer)?;
    Ok((dir, summary))
}

fn network(dir: &RunDir) -> Result<Network, Error> {
    match Subject::load(dir)? {
        Subject::Policy { model: Model::Network(network), .. } => Ok(network),
        _ => unreachable!("a network was trained"),
    }
}

struct Row<'a> {
    name: &'static str,
    network: &'a Network,
    mean: Estimate,
    micros: f64,
}

impl Row<'_> {
    fn cells(&self) -> Vec<String> {
        let parameters = self.network.parameters().len().to_string();
        vec![self.name.to_owned(), parameters, self.mean.text(1), format!("{:.2}", self.micros)]
    }

    fn numbers(&self) -> Json {
        json!({
            "spec": self.network.spec().to_string(),
            "parameters": self.network.parameters().len(),
            "mean_return": self.mean.value,
            "mean_return_low": self.mean.low(),
            "mean_return_high": self.mean.high(),
            "microseconds_per_decision": self.micros,
        })
    }
}

/// The time of one forward pass for one observation, in microseconds: the median of eleven rounds.
fn decision_micros(network: &Network) -> f64 {
    const DECISIONS: usize = 2000;
    let mut workspace = Workspace::default();
    let observation = vec![0.01; network.inputs()];
    let mut rounds: Vec<f64> = (0..11)
        .map(|_| {
            let started = Instant::now();
            for _ in 0..DECISIONS {
                std::hint::black_box(network.predict(std::hint::black_box(&observation), &mut workspace));
            }
            started.elapsed().as_secs_f64() * 1e6 / DECISIONS as f64
        })
        .collect();
    rounds.sort_unstable_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}
