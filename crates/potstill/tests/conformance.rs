//! What every algorithm must do, whatever it learns.

mod golden;

use potstill::agent::Agent;
use potstill::core::{Restorable, Streams};
use potstill::data::Dataset;
use potstill::deep::{
    C51Config, Dqn, DqnConfig, IqnConfig, Objective, Pqn, PqnConfig, QrDqnConfig, TaskSpec,
};
use potstill::distill::{ClassifierTrainer, FitConfig, PolicyDistillConfig, PolicyDistiller, SoftTargets};
use potstill::env::Autoreset;
use potstill::env::registry::find;
use potstill::export::safetensors;
use potstill::model::Model;
use potstill::nn::NetworkSpec;
use potstill::optimizer::OptimizerConfig;
use potstill::planning::{
    DynaPlusConfig, DynaQ, MazeConfig, Mcts, MctsConfig, ModifiedConfig, Planner, PlanningConfig,
    PlanningStepsConfig, PolicyIteration, PrioritizedSweeping, PrioritizedSweepingConfig, ValueIteration,
};
use potstill::policy::{Behaviour, Exploration, ExplorationRule};
use potstill::tabular::{
    DoubleQLearning, Lambda, LambdaConfig, LambdaKind, MonteCarlo, MonteCarloKind, MonteCarloPrediction,
    NStep, NStepConfig, NStepKind, PredictionConfig, QLearning, RLearning, RLearningConfig, Sarsa,
    SpeedyQLearning, TabularConfig, TdPrediction, expected_sarsa,
};
use potstill::train::{Trainer, Training, VecTrainer};
use std::sync::Arc;

/// A trainer restored in the middle of a run ends in the state of the one that was never interrupted; one seed gives one
/// run, two seeds two.
fn check<A: Agent>(make: impl Fn(u64) -> Trainer<A>, steps: usize, name: &str) {
    let run = |trainer: &mut Trainer<A>, steps: usize| (0..steps).for_each(|_| _ = trainer.step().unwrap());
    let mut whole = make(1);
    run(&mut whole, steps);
    for interrupted_at in [0, 1, steps / 3, steps / 2 + 7, steps - 1] {
        let mut first = make(1);
        run(&mut first, interrupted_at);
        // Another seed: nothing of the fresh object may shine through what is restored.
        let mut second = make(2);
        second.restore(&first.snapshot()).unwrap();
        run(&mut second, steps - interrupted_at);
        assert!(second.snapshot() == whole.snapshot(), "interrupted at {interrupted_at}");
        assert!(second.agent().model() == whole.agent().model());
    }
    // The run itself is pinned: a change that moves it must be meant.
    golden::check(name, fingerprint(&whole.agent().model()));
    let mut again = make(1);
    run(&mut again, steps);
    assert!(again.snapshot() == whole.snapshot(), "the same seed");
    let mut other = make(2);
    run(&mut other, steps);
    assert!(other.agent().model() != whole.agent().model(), "another seed");
}

/// FNV-1a over the model file: the same on every processor, with and without AVX2.
fn fingerprint(model: &Model) -> u64 {
    let bytes = safetensors::write(model);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

fn cliff<A: Agent<Observation = usize, Action = usize>>(
    agent: impl Fn(Streams) -> A,
) -> impl Fn(u64) -> Trainer<A> {
    move |seed| {
        let streams = Streams::new(seed);
        Trainer::new(agent(streams), find("CliffWalking-v1").unwrap().make_states().unwrap(), streams)
    }
}

#[test]
fn q_learning() {
    check(cliff(|streams| QLearning::new(TabularConfig::default(), 48, 4, streams)), 3000, "q-learning");
}

#[test]
fn sarsa() {
    check(cliff(|streams| Sarsa::new(TabularConfig::default(), 48, 4, streams)), 3000, "sarsa");
}

#[test]
fn other_tabular_algorithms() {
    let config = TabularConfig::default;
    check(cliff(|streams| expected_sarsa::new(config(), 48, 4, streams)), 3000, "expected-sarsa");
    check(cliff(|streams| DoubleQLearning::new(config(), 48, 4, streams)), 3000, "double-q-learning");
    for (kind, name) in [
        (NStepKind::Sarsa, "n-step-sarsa"),
        (NStepKind::OffPolicySarsa, "n-step-off-policy-sarsa"),
        (NStepKind::TreeBackup, "n-step-tree-backup"),
    ] {
        let config = || (TabularConfig::default(), NStepConfig::default());
        check(cliff(|streams| NStep::new(kind, config(), 48, 4, streams)), 3000, name);
    }
    for (kind, name) in [
        (LambdaKind::Accumulating, "sarsa-lambda-accumulating"),
        (LambdaKind::Replacing, "sarsa-lambda-replacing"),
        (LambdaKind::Dutch, "sarsa-lambda-dutch"),
        (LambdaKind::Watkins, "watkins-q-lambda"),
    ] {
        let config =
            || (TabularConfig { alpha: 0.1.into(), ..TabularConfig::default() }, LambdaConfig::default());
        check(cliff(|streams| Lambda::new(kind, config(), 48, 4, streams)), 3000, name);
    }
    check(cliff(|streams| SpeedyQLearning::new(&config(), 48, 4, streams)), 3000, "speedy-q-learning");
    check(
        cliff(|streams| RLearning::new((config(), RLearningConfig::default()), 48, 4, streams)),
        3000,
        "r-learning",
    );
    for (exploration, name) in
        [(Exploration::Boltzmann, "q-learning-boltzmann"), (Exploration::Ucb, "q-learning-ucb")]
    {
        let config =
            || TabularConfig { exploration, epsilon: "1/n".parse().unwrap(), ..TabularConfig::default() };
        check(cliff(|streams| QLearning::new(config(), 48, 4, streams)), 3000, name);
    }
    for (lambda, name) in [(0.0, "td-prediction"), (0.8, "td-lambda-prediction")] {
        let uniform =
            |streams| Behaviour::new(ExplorationRule::EpsilonGreedy { epsilon: 1.0.into() }, 48, 4, streams);
        let config = PredictionConfig::default();
        check(cliff(|streams| TdPrediction::new(&config, lambda, uniform(streams))), 3000, name);
    }
    // These learn from whole episodes, of which the cliff has few.
    for (kind, name) in
        [(MonteCarloKind::OnPolicy, "monte-carlo"), (MonteCarloKind::OffPolicy, "monte-carlo-off-policy")]
    {
        let make = |seed| {
            let (streams, lake) = (Streams::new(seed), find("FrozenLake-v1").unwrap().make_states().unwrap());
            let config = TabularConfig { epsilon: 0.5.into(), ..TabularConfig::default() };
            Trainer::new(MonteCarlo::new(kind, &config, 16, 4, streams), lake, streams)
        };
        check(make, 3000, name);
    }
    let make = |seed| {
        let (streams, lake) = (Streams::new(seed), find("FrozenLake-v1").unwrap().make_states().unwrap());
        let uniform = Behaviour::new(ExplorationRule::EpsilonGreedy { epsilon: 1.0.into() }, 16, 4, streams);
        Trainer::new(MonteCarloPrediction::new(&PredictionConfig::default(), uniform), lake, streams)
    };
    check(make, 3000, "monte-carlo-prediction");
}

fn maze<A: Agent<Observation = usize, Action = usize>>(
    agent: impl Fn(Streams) -> A,
) -> impl Fn(u64) -> Trainer<A> {
    move |seed| {
        let streams = Streams::new(seed);
        Trainer::new(agent(streams), find("DynaMaze").unwrap().make_states().unwrap(), streams)
    }
}

#[test]
fn learners_that_plan() {
    let config = || MazeConfig::default().0;
    let steps = || PlanningStepsConfig { planning_steps: 10 };
    check(maze(|streams| DynaQ::new((config(), steps()), 54, 4, streams)), 2000, "dyna-q");
    let plus = DynaPlusConfig { kappa: 0.01 };
    check(
        maze(|streams| DynaQ::new((config(), steps()), 54, 4, streams).with_exploration_bonus(&plus)),
        2000,
        "dyna-q-plus",
    );
    let own = PrioritizedSweepingConfig::default;
    check(
        maze(|streams| PrioritizedSweeping::new((config(), own()), 54, 4, streams)),
        2000,
        "prioritized-sweeping",
    );
    let copy = || find("DynaMaze").unwrap().make_states().unwrap();
    let search = || MctsConfig { simulations: 20, gamma: 0.95, ..MctsConfig::default() };
    check(maze(|streams| Mcts::new(search(), copy(), streams)), 300, "mcts");
}

/// A planner restored in the middle of its sweeps ends as one that was never interrupted.
#[test]
fn planners() {
    let model = || find("FrozenLake8x8-v1").unwrap().make_states().unwrap().model().unwrap();
    let config = PlanningConfig { gamma: 0.95, ..PlanningConfig::default() };
    let check = |make: &dyn Fn() -> Box<dyn Planner>, name: &str| {
        let mut whole = make();
        (0..60).for_each(|_| whole.sweep());
        for interrupted_at in [0, 1, 20, 59] {
            let (mut first, mut second) = (make(), make());
            (0..interrupted_at).for_each(|_| first.sweep());
            (0..7).for_each(|_| second.sweep());
            second.restore(&first.snapshot()).unwrap();
            (interrupted_at..60).for_each(|_| second.sweep());
            assert!(second.snapshot() == whole.snapshot(), "interrupted at {interrupted_at}");
        }
        golden::check(name, fingerprint(&Model::Table(whole.values().q())));
    };
    check(&|| Box::new(ValueIteration::new(model(), &config)), "value-iteration");
    check(&|| Box::new(PolicyIteration::new(model(), &config)), "policy-iteration");
    let own = ModifiedConfig { evaluation_sweeps: 4 };
    check(&|| Box::new(PolicyIteration::modified(model(), &config, &own)), "modified-policy-iteration");
}

#[test]
fn dqn() {
    for (tau, name) in [(1.0, "dqn-hard-target"), (0.1, "dqn-soft-target")] {
        let config = DqnConfig {
            net_arch: "mlp:16".parse().unwrap(),
            learning_starts: 100,
            train_freq: 8,
            gradient_steps: 4,
            target_update_interval: 30,
            // Small enough to run over.
            buffer_size: 500,
            tau,
            ..DqnConfig::default()
        };
        let make = |seed| {
            let streams = Streams::new(seed);
            let agent = Dqn::new(config.clone(), 4, 2, 1500, streams);
            Trainer::new(agent, find("CartPole-v1").unwrap().make_features().unwrap(), streams)
        };
        check(make, 1500, name);
    }
}

/// One of every objective, and of every switch.
#[test]
fn what_came_of_dqn() {
    let small = DqnConfig {
        net_arch: "mlp:12,16".parse().unwrap(),
        learning_starts: 100,
        train_freq: 8,
        gradient_steps: 2,
        target_update_interval: 30,
        buffer_size: 300,
        batch_size: 16,
        ..DqnConfig::default()
    };
    let rainbow = DqnConfig {
        double: true,
        dueling: true,
        prioritized: true,
        n_step: 3,
        noisy: true,
        learning_rate: "linear:0.003:0:900".parse().unwrap(),
        normalize_observations: true,
        ..small.clone()
    };
    let munchausen = DqnConfig { munchausen: true, ..small.clone() };
    let support = C51Config { n_atoms: 11, v_min: 0.0, v_max: 50.0 }.support();
    let quantiles = QrDqnConfig { n_quantiles: 7, ..QrDqnConfig::default() }.quantiles();
    let implicit = IqnConfig { n_taus: 4, n_target_taus: 3, n_cosines: 8, ..IqnConfig::default() }.implicit();
    for (objective, config, name) in [
        (Objective::Mean, &munchausen, "dqn-munchausen"),
        (Objective::Mean, &rainbow, "rainbow-mean"),
        (Objective::Categorical(support), &small, "c51"),
        (Objective::Categorical(support), &rainbow, "c51-rainbow"),
        (Objective::Quantiles(quantiles), &small, "qr-dqn"),
        (Objective::Quantiles(quantiles), &rainbow, "qr-dqn-rainbow"),
        (Objective::Implicit(implicit), &small, "iqn"),
        (Objective::Implicit(implicit), &rainbow, "iqn-rainbow"),
    ] {
        let make = |seed| {
            let streams = Streams::new(seed);
            let world = TaskSpec::new(4, 2, 900, streams);
            let configs = (config.clone(), OptimizerConfig::default());
            let agent = Dqn::with(objective, configs, &world).unwrap();
            Trainer::new(agent, find("CartPole-v1").unwrap().make_features().unwrap(), streams)
        };
        check(make, 900, name);
    }
}

/// Many copies at a time, restored in the middle of their episodes.
#[test]
fn many_copies() {
    let check = |make: &dyn Fn(u64) -> Box<dyn Copies>, name: &str| {
        let run = |trainer: &mut Box<dyn Copies>, until: u64| {
            while trainer.taken() < until {
                trainer.go_on();
            }
        };
        let mut whole = make(1);
        run(&mut whole, 1600);
        for interrupted_at in [0, 8, 600, 1592] {
            let mut first = make(1);
            run(&mut first, interrupted_at);
            let mut second = make(2);
            second.restore(&first.snapshot()).unwrap();
            run(&mut second, 1600);
            assert!(second.snapshot() == whole.snapshot(), "interrupted at {interrupted_at}");
        }
        golden::check(name, fingerprint(&whole.learned()));
    };
    let envs = |id: &str| find(id).unwrap().make_vec_features(8, Autoreset::SameStep).unwrap();
    let dqn = |seed| -> Box<dyn Copies> {
        let streams = Streams::new(seed);
        let config = DqnConfig {
            net_arch: "mlp:16".parse().unwrap(),
            learning_starts: 100,
            train_freq: 12,
            gradient_steps: 1,
            buffer_size: 500,
            num_envs: 8,
            ..DqnConfig::default()
        };
        let agent = Dqn::new(config, 6, 3, 1600, streams);
        Box::new(VecTrainer::new(agent, envs("Acrobot-v1"), streams))
    };
    check(&dqn, "vec-dqn");
    let pqn = |seed| -> Box<dyn Copies> {
        let streams = Streams::new(seed);
        let config = PqnConfig {
            net_arch: "mlp:16:layernorm".parse().unwrap(),
            num_envs: 8,
            num_steps: 12,
            num_minibatches: 4,
            ..PqnConfig::default()
        };
        let agent = Pqn::new((config, OptimizerConfig::default()), &TaskSpec::new(4, 2, 1600, streams));
        Box::new(VecTrainer::new(agent, envs("CartPole-v1:max_episode_steps=30"), streams))
    };
    check(&pqn, "vec-pqn");
    let planes = |seed| -> Box<dyn Copies> {
        let streams = Streams::new(seed);
        let config = DqnConfig {
            net_arch: "cnn:4x3,12".parse().unwrap(),
            learning_starts: 100,
            train_freq: 80,
            gradient_steps: 1,
            buffer_size: 400,
            num_envs: 8,
            n_step: 3,
            ..DqnConfig::default()
        };
        let world =
            TaskSpec { inputs: [10, 10, 4].into(), is_bytes: true, ..TaskSpec::new(400, 3, 1600, streams) };
        let agent = Dqn::with(Objective::Mean, (config, OptimizerConfig::default()), &world).unwrap();
        let envs = find("Breakout").unwrap().make_vec_planes(8, Autoreset::SameStep).unwrap();
        Box::new(VecTrainer::new(agent, envs, streams))
    };
    check(&planes, "vec-dqn-planes");
}

/// A trainer of many copies, whichever.
trait Copies: Restorable {
    fn go_on(&mut self);
    fn taken(&self) -> u64;
    fn learned(&self) -> Model;
}

impl<T: Training> Copies for T {
    fn go_on(&mut self) {
        self.advance().unwrap();
    }
    fn taken(&self) -> u64 {
        self.steps()
    }
    fn learned(&self) -> Model {
        self.model()
    }
}

/// Trains a student whole, and in two parts with everything in between put away and taken back.
fn check_student<T: Restorable>(
    make: impl Fn(u64) -> T,
    step: impl Fn(&mut T),
    model: impl Fn(&T) -> Model,
    (steps, name): (usize, &str),
) {
    let run = |trainer: &mut T, steps: usize| (0..steps).for_each(|_| step(trainer));
    let mut whole = make(1);
    run(&mut whole, steps);
    for interrupted_at in [0, 1, steps / 3, steps / 2 + 7, steps - 1] {
        let mut first = make(1);
        run(&mut first, interrupted_at);
        let mut second = make(1);
        // Nothing of what the fresh object has done since may shine through what is restored.
        run(&mut second, 5);
        second.restore(&first.snapshot()).unwrap();
        run(&mut second, steps - interrupted_at);
        assert!(second.snapshot() == whole.snapshot(), "interrupted at {interrupted_at}");
    }
    golden::check(name, fingerprint(&model(&whole)));
    let mut other = make(2);
    run(&mut other, steps);
    assert!(other.snapshot() != whole.snapshot(), "another seed");
}

#[test]
fn policy_distillation() {
    let config = PolicyDistillConfig {
        transfer_states: 600,
        rounds: 4,
        gradient_steps: 200,
        ..PolicyDistillConfig::default()
    };
    let make = |seed| {
        let spec: NetworkSpec = "mlp:24".parse().unwrap();
        let teacher = spec.build(4, 2, &mut Streams::new(9).stream("teacher"));
        let env = find("CartPole-v1").unwrap().make_features().unwrap();
        PolicyDistiller::new(config.clone(), &"mlp:6".parse().unwrap(), teacher, env, Streams::new(seed))
    };
    let step = |distiller: &mut PolicyDistiller| _ = distiller.step().unwrap();
    check_student(
        make,
        step,
        |distiller| Model::Network(distiller.student().clone()),
        (200, "policy-distillation"),
    );
}

#[test]
fn supervised_distillation() {
    let data = Arc::new(Dataset::digits().split(1600, &mut Streams::new(1).stream("split")).0);
    let make = |seed| {
        let spec: NetworkSpec = "mlp:24".parse().unwrap();
        let teacher = spec.build(64, 10, &mut Streams::new(9).stream("teacher"));
        let config = FitConfig { jitter_pixels: 1, ..FitConfig::default() };
        let soft = SoftTargets::frozen(teacher, 2.0, 0.5);
        let student = "mlp:6".parse().unwrap();
        ClassifierTrainer::new(config, &student, data.clone(), Some(soft), Streams::new(seed))
    };
    let step = |trainer: &mut ClassifierTrainer| _ = trainer.step().unwrap();
    check_student(
        make,
        step,
        |trainer| Model::Network(trainer.student().clone()),
        (60, "classifier-distillation"),
    );
}

#[test]
fn no_golden_entry_is_stale() {
    golden::check_names(include_str!("conformance.rs"));
}
