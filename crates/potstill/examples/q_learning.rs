//! Q-learning on the cliff: an environment, an agent, the loop, and the policy that is learned.
//!
//! cargo run --release -p potstill --example q_learning
//!
//! `CliffWalking-v1` (Sutton and Barto 2018, Example 6.6) is a grid of 4 x 12. An episode starts at the lower left corner and
//! ends at the lower right one; every step costs 1. Between the corners is the cliff: a step off it costs 100 and leads back
//! to the start. The shortest path, 13 steps, goes along the edge.

use potstill::agent::Agent;
use potstill::core::Streams;
use potstill::env::registry::{StateEnv, find};
use potstill::model::ModelActor;
use potstill::tabular::{QLearning, TabularConfig};
use potstill::train::statistics::mean;
use potstill::train::{Protocol, Trainer, evaluate};

fn make_env() -> StateEnv {
    find("CliffWalking-v1").expect("it is registered").make_states().expect("its states are discrete")
}

/// Trains for 500 episodes, then follows the greedy policy.
pub(crate) fn main() {
    // Every random draw comes from a named stream of one seed: the same seed gives the same run, bit for bit.
    let streams = Streams::new(1);

    // The hyperparameters have the book's names. Left out, they have the book's values too: these are the defaults.
    let config =
        TabularConfig { alpha: 0.5.into(), gamma: 1.0, epsilon: 0.1.into(), ..TabularConfig::default() };
    let (states, actions) = (4 * 12, 4);
    let agent = QLearning::new(config, states, actions, streams);

    // The trainer steps the environment with the agent's actions, and hands the agent each transition.
    let mut trainer = Trainer::new(agent, make_env(), streams);
    let episodes = trainer.run_episodes(500).expect("the environment takes every action");
    let returns: Vec<f64> = episodes.iter().map(|episode| episode.episode_return).collect();
    println!("return while learning, first 100 episodes: {:7.1}", mean(&returns[..100]));
    println!("                        last 100 episodes: {:7.1}", mean(&returns[400..]));

    // The behaviour policy still takes one action of ten at random, and on the edge that is costly. The target policy is
    // greedy. It is evaluated in environments of its own, whose seeds come from a stream of their own.
    let model = trainer.agent().model();
    let protocol = Protocol { episodes: 1, streams, purpose: "evaluation", threads: 1 };
    let evaluation =
        evaluate(protocol, make_env, || ModelActor::greedy(&model)).expect("the greedy policy can be played");
    println!("return of the greedy policy:               {:7.1}", evaluation.mean_return());

    assert!(mean(&returns[400..]) < -30.0, "learning goes on along the edge");
    assert_eq!(evaluation.returns, [-13.0], "the shortest path");
}
