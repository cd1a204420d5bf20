//! A community of networks that learn from the labels and from their common average (Hinton's slides "Dark knowledge", 2014; deep mutual
//! learning, Zhang et al. 2018; codistillation, Anil et al. 2018).

use super::mnist::{CLASSES, Images, Recipe, beside, column, errors, errors_by_run, ratios};
use super::result::{Reproduction, Runs, nowhere};
use crate::data::Dataset;
use crate::distill::classifier::{differences, logits};
use crate::error::Error;
use crate::optimizer::GuardedStep;
use crate::targets::argmax;
use crate::train::TrainError;
use potstill_core::Streams;
use potstill_nn::loss::{Blend, cross_entropy, distillation};
use potstill_nn::{Network, Workspace};

const NETWORK: &str = "mlp:500,300";
const MEMBERS: usize = 10;
const EPOCHS: u64 = 20;
const RATE: f64 = 0.1;
/// Temperature and weight of the average.
const TEMPERATURE: f32 = 2.0;
const ALPHA: f32 = 0.5;
/// The share of the training before the average counts: its members have to know something first.
const ALONE: f64 = 0.1;
const SOURCE: &str = "Hinton, Vinyals and Dean 2014, slides";

/// A member with its own optimiser and buffers.
struct Member {
    network: Network,
    optimizer: GuardedStep,
    workspace: Workspace,
    logits: Vec<f32>,
    d_logits: Vec<f32>,
}

/// The mean of the members' logits: the logits of the geometric mean of their softened outputs at any temperature.
fn average(members: &[Member], mean: &mut Vec<f32>) {
    mean.clear();
    mean.resize(members[0].logits.len(), 0.0);
    for member in members {
        mean.iter_mut().zip(&member.logits).for_each(|(sum, z)| *sum += z / members.len() as f32);
    }
}

/// The members after their training, with or without the average; their minibatches are the same.
fn train(
    runs: &Runs<'_>,
    recipe: &Recipe,
    data: &Dataset,
    seed: u64,
    is_together: bool,
) -> Result<Vec<Network>, Error> {
    let (spec, streams) = (recipe.spec(), Streams::new(seed));
    let ends = data.ends(&spec);
    let member = |i: usize| {
        let mut rng = streams.indexed("initialisation", i as u64);
        let network = spec.initialised(&ends, recipe.optimizer.initialisation(), &mut rng);
        Member {
            optimizer: GuardedStep::new(&recipe.optimizer, network.parameters().len()),
            network,
            workspace: Workspace::default(),
            logits: Vec::new(),
            d_logits: Vec::new(),
        }
    };
    let mut members: Vec<Member> = (0..MEMBERS).map(member).collect();
    let batch_size = recipe.fit.batch_size as usize;
    let steps = recipe.fit.total_steps(data.len());
    let rate = recipe.fit.learning_rate.of_run(steps);
    let (mut shuffle, mut order) = (streams.stream("shuffle"), (0..data.len()).collect::<Vec<usize>>());
    let (mut inputs, mut labels, mut mean, mut done) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..recipe.fit.epochs {
        if runs.observer.stop_requested() {
            return Err(Error::Abandoned);
        }
        shuffle.shuffle(&mut order);
        for indices in order.chunks(batch_size) {
            inputs.clear();
            indices.iter().for_each(|&i| inputs.extend_from_slice(data.input(i)));
            labels.clear();
            labels.extend(indices.iter().map(|&i| data.labels[i]));
            for Member { network, workspace, logits, .. } in &mut members {
                logits.clear();
                logits.extend_from_slice(network.forward(&inputs, workspace));
            }
            average(&members, &mut mean);
            let counts = is_together && done as f64 >= ALONE * steps as f64;
            for Member { network, optimizer, workspace, logits, d_logits } in &mut members {
                d_logits.resize(logits.len(), 0.0);
                let loss = match counts {
                    true => {
                        let blend = Blend { temperature: TEMPERATURE, alpha: ALPHA };
                        let loss = distillation(blend, &mean, logits, &labels, d_logits);
                        // The loss of the labels keeps its weight of 1.
                        d_logits.iter_mut().for_each(|d| *d /= 1.0 - ALPHA);
                        loss / (1.0 - ALPHA)
                    }
                    false => cross_entropy(logits, &labels, d_logits),
                };
                let step = optimizer.step(rate.at(done, 1), network, d_logits, workspace, loss, &[]);
                step.map_err(|source| TrainError::Learn { step: done + 1, source })?;
            }
            done += 1;
        }
    }
    Ok(members.into_iter().map(|member| member.network).collect())
}

/// The mean errors of the members, and those of the geometric mean of their outputs.
fn measure(networks: &[Network], test: &Dataset) -> Vec<f64> {
    let mean = networks.iter().map(|network| errors(network, test)).sum::<f64>() / networks.len() as f64;
    let mut sum = vec![0.0; test.len() * CLASSES];
    for network in networks {
        sum.iter_mut().zip(logits(network, &test.inputs)).for_each(|(sum, z)| *sum += z);
    }
    let predicted: Vec<usize> = sum.chunks_exact(CLASSES).map(argmax).collect();
    vec![mean, differences(&predicted, &test.labels) as f64]
}

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let images = Images::open(runs)?;
    let recipe = Recipe::plain(NETWORK, runs.epochs(EPOCHS), RATE);
    let of = |what: &str, is_together: bool| {
        runs.of_seeds(what, |seed| {
            let networks = train(runs, &recipe, &images.train, seed, is_together)?;
            Ok(measure(&networks, &images.test))
        })
    };
    let (alone, together) = (of("ten networks alone", false)?, of("ten networks together", true)?);
    let mut claims = vec![
        runs.claim(
            "mean errors together, times those alone (pairs of a seed)",
            (0.0, 0.88),
            "126 of 158, there",
            ratios(&column(&together, 0), &column(&alone, 0)),
        ),
        runs.claim(
            "errors of their ensemble together, times those alone",
            (0.0, 1.0),
            "120 of 143, there",
            ratios(&column(&together, 1), &column(&alone, 1)),
        ),
    ];
    claims.iter_mut().for_each(|claim| claim.is_reach = true);
    if runs.request.quick {
        claims.iter_mut().for_each(|claim| claim.expected.1 = 1.0);
    }
    let columns = [
        ("alone: mean test errors", column(&alone, 0)),
        ("alone: test errors of the ensemble", column(&alone, 1)),
        ("together: mean test errors", column(&together, 0)),
        ("together: test errors of the ensemble", column(&together, 1)),
    ];
    Ok(Reproduction {
        name: "community",
        data: None,
        source: SOURCE,
        setting: format!(
            "ten networks of 784-500-300-10 with the same minibatches of 128, {} epochs, momentum 0.9, step sizes from {RATE} in a line to 0; \
             together, the geometric mean of all ten is learned at T = {TEMPERATURE} with the weight of the labels, from {} % of the \
             training on{}",
            recipe.fit.epochs,
            100.0 * ALONE,
            runs.quick_words(),
        ),
        runs: runs.count,
        seed: runs.request.seed,
        claims,
        beside: beside(&columns),
        charts: errors_by_run("Test errors of 10,000", &columns),
        maps: Vec::new(),
        note: "The slides give no temperature and no weight. A network's own outputs are a tenth of the average.",
        out: nowhere(),
    })
}
