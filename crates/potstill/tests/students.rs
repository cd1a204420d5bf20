//! The keys of the optimiser for students: clipping of gradients, and the clock of schedules.

use potstill::core::Streams;
use potstill::data::Dataset;
use potstill::distill::{ClassifierTrainer, FitConfig, PolicyDistillConfig, PolicyDistiller};
use potstill::env::registry::find;
use potstill::nn::{Network, NetworkSpec};
use potstill::optimizer::{OptimizerConfig, OptimizerKind};
use potstill::policy::Schedule;
use std::sync::Arc;

/// A student in training.
trait Student {
    /// One gradient step.
    fn learn(&mut self);
    /// The learned network.
    fn network(&self) -> &Network;
}

impl Student for ClassifierTrainer {
    fn learn(&mut self) {
        self.step().unwrap();
    }

    fn network(&self) -> &Network {
        self.student()
    }
}

impl Student for PolicyDistiller {
    fn learn(&mut self) {
        self.step().unwrap();
    }

    fn network(&self) -> &Network {
        self.student()
    }
}

/// A student of each kind.
fn students(learning_rate: Schedule, optimizer: &OptimizerConfig) -> [Box<dyn Student>; 2] {
    let data = Arc::new(Dataset::digits().split(1600, &mut Streams::new(1).stream("split")).0);
    let fit = FitConfig { learning_rate, ..FitConfig::default() };
    let spec = "mlp:6".parse().unwrap();
    let classifier = ClassifierTrainer::with((fit, optimizer.clone()), &spec, data, None, Streams::new(1));

    let teacher: NetworkSpec = "mlp:24".parse().unwrap();
    let teacher = teacher.build(4, 2, &mut Streams::new(9).stream("teacher"));
    let env = find("CartPole-v1").unwrap().make_features().unwrap();
    // The rounds are short, so that the clock must continue from one to the next.
    let config = PolicyDistillConfig {
        transfer_states: 200,
        rounds: 10,
        gradient_steps: 40,
        learning_rate,
        temperature: 1.0,
        ..PolicyDistillConfig::default()
    };
    let policy = PolicyDistiller::with((config, optimizer.clone()), &spec, teacher, env, Streams::new(2));
    [Box::new(classifier), Box::new(policy)]
}

/// The longest step of 30.
fn longest_step(student: &mut dyn Student) -> f64 {
    let mut longest = 0.0_f64;
    for _ in 0..30 {
        let before = student.network().parameters().to_vec();
        student.learn();
        let moved = student.network().parameters().iter().zip(&before).map(|(a, b)| f64::from(a - b).powi(2));
        longest = longest.max(moved.sum::<f64>().sqrt());
    }
    longest
}

#[test]
fn a_clipped_gradient_stays_within_its_bound() {
    // With a step size of 1 and without momentum, steps are as long as the gradient.
    let optimizer =
        OptimizerConfig { optimizer: OptimizerKind::Sgd, momentum: 0.0, ..OptimizerConfig::student() };
    let free = students(1.0.into(), &optimizer).map(|mut student| longest_step(&mut *student));
    for bound in [0.1, 0.02] {
        let clipped = OptimizerConfig { max_grad_norm: bound, ..optimizer.clone() };
        for (mut student, free) in students(1.0.into(), &clipped).into_iter().zip(free) {
            let longest = longest_step(&mut *student);
            assert!(free > bound, "{free} would need no bound of {bound}");
            assert!((0.99 * bound..1.001 * bound).contains(&longest), "{longest}, at most {bound}");
        }
    }
    // Every component of the gradient is clipped.
    let clipped = OptimizerConfig { clip_grad_value: Some(1e-3), ..optimizer };
    for mut student in students(1.0.into(), &clipped) {
        let before = student.network().parameters().to_vec();
        student.learn();
        let moved = student.network().parameters().iter().zip(&before).map(|(a, b)| (a - b).abs());
        let most = moved.fold(0.0, f32::max);
        assert!((0.9e-3..1.1e-3).contains(&most), "{most}");
    }
}

#[test]
fn a_schedule_counts_gradient_steps() {
    let schedule = "linear:0.01:0:12".parse().unwrap();
    for mut student in students(schedule, &OptimizerConfig::student()) {
        for step in 0..20 {
            let before = student.network().clone();
            student.learn();
            assert_eq!(*student.network() != before, step < 12, "step {step}");
        }
    }
}
