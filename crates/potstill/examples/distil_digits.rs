//! Knowledge distillation (Hinton, Vinyals and Dean 2015): a small classifier learns handwritten digits from labels, and from a
//! large classifier's soft targets.
//!
//! cargo run --release -p potstill --example distil_digits
//!
//! A teacher's output "7, perhaps a 1, certainly not an 8" has more information about an image than its
//! label. Its logits are divided by a temperature before the softmax, so that the small probabilities matter.

use potstill::core::Streams;
use potstill::data::Dataset;
use potstill::distill::classifier::error_rate;
use potstill::distill::{ClassifierTrainer, FitConfig, SoftTargets};

use potstill::nn::Network;
use std::sync::Arc;

/// Fits a network to the labels, and to the soft targets if there are any. One seed: the same initial parameters and
/// minibatches for both students.
fn fit(net_arch: &str, config: FitConfig, data: &Arc<Dataset>, soft: Option<SoftTargets>) -> Network {
    let epochs = config.epochs;
    let spec = net_arch.parse().expect("a network");
    let mut trainer = ClassifierTrainer::new(config, &spec, data.clone(), soft, Streams::new(1));
    for _ in 0..epochs {
        trainer.epoch().expect("the numbers stay finite");
    }
    trainer.student().clone()
}

/// Trains a teacher and two students, and compares their errors on images that none has seen.
pub(crate) fn main() {
    let (train, test) = Dataset::digits().split(500, &mut Streams::new(1).stream("split"));
    let train = Arc::new(train);

    let teacher = fit("mlp:200", FitConfig { epochs: 20, ..FitConfig::default() }, &train, None);

    let config = || FitConfig { epochs: 100, learning_rate: 5e-3.into(), ..FitConfig::default() };
    let from_labels = fit("mlp:8", config(), &train, None);

    // L = alpha T^2 KL(teacher || student) + (1 - alpha) cross-entropy of the labels, at temperature T = 4.
    let soft = SoftTargets::frozen(teacher.clone(), 4.0, 0.9);
    let distilled = fit("mlp:8", config(), &train, Some(soft));

    let percent = |network: &Network| 100.0 * error_rate(network, &test);
    for (name, network) in [("teacher", &teacher), ("labels alone", &from_labels), ("distilled", &distilled)]
    {
        let parameters = network.parameters().len();
        println!("{name:12}  {parameters:5} parameters  test error {:.1} %", percent(network));
    }
    assert!(teacher.parameters().len() > 20 * distilled.parameters().len());
    assert!(percent(&teacher) < percent(&distilled), "the teacher knows more");
    assert!(percent(&distilled) < percent(&from_labels), "soft targets help");
}
