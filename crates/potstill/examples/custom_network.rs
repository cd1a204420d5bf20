//! A network for DQN whose form the program computes: of the layers there are, scaled with the size of the
//! problem, and watched by a callback. A forward pass of your own is not possible.
//!
//! cargo run --release -p potstill --example custom_network

use potstill::algorithm::published;
use potstill::core::Streams;
use potstill::deep::{Dqn, DqnConfig};
use potstill::env::Env;
use potstill::env::registry::find;
use potstill::nn::{Activation, NetworkSpec};
use potstill::optimizer::OptimizerConfig;
use potstill::train::{Callback, Evaluation, Evaluator, Protocol, Trainer, Training};
use std::ops::ControlFlow;

/// Stops as soon as an evaluation shows that the pole is held for a hundred steps.
struct Watch {
    best: f64,
}

impl Callback<Trainer<Dqn>> for Watch {
    fn on_evaluation(&mut self, trainer: &Trainer<Dqn>, evaluation: &Evaluation) -> ControlFlow<()> {
        self.best = self.best.max(evaluation.mean_return());
        println!("step {}: mean return {:.1}", trainer.steps(), evaluation.mean_return());
        if self.best >= 100.0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Trains until the callback stops it.
pub(crate) fn main() {
    let make_env =
        || find("CartPole-v1").expect("it is registered").make_features().expect("it has features");
    let space = make_env().observation_space();
    let (features, actions) = (space.features(), 2);

    // The same as "mlp:64,32:tanh", but computed: 16 units per feature, then half of them.
    let widest = 16 * features;
    let net_arch = NetworkSpec { activation: Activation::Tanh, ..NetworkSpec::mlp(&[widest, widest / 2]) };
    assert_eq!(net_arch.to_string(), "mlp:64,32:tanh");

    let streams = Streams::new(1);
    // All else as published for this environment.
    let (zoo, _) =
        published::<(DqnConfig, OptimizerConfig)>("dqn", "zoo", "CartPole-v1").expect("it is known");
    let config = DqnConfig { net_arch, ..zoo };
    let mut trainer = Trainer::new(Dqn::new(config, features, actions, 20_000, streams), make_env(), streams);
    let protocol = Protocol { episodes: 10, streams, purpose: "validation", threads: 1 };
    let evaluator = Evaluator {
        every: 1000,
        last_step: Some(20_000),
        last_episode: None,
        protocol,
        make_env: Box::new(make_env),
    };
    let mut watch = Watch { best: 0.0 };
    trainer.run(20_000, Some(&evaluator), &mut watch).expect("the numbers stay finite");
    assert!(watch.best >= 100.0, "{}", watch.best);
    println!("{} parameters are enough", trainer.agent().online().parameters().len());
}
