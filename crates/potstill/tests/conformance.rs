//! What every algorithm must do, whatever it learns.

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
use potstill::policy::{Behaviour, Exploration, Rule};
use potstill::tabular::{
    DoubleQLearning, Lambda, LambdaConfig, LambdaKind, MonteCarlo, MonteCarloKind, MonteCarloPrediction,
    NStep, NStepConfig, NStepKind, PredictionConfig, QLearning, RLearning, RLearningConfig, Sarsa,
    SpeedyQLearning, TabularConfig, TdPrediction, expected_sarsa,
};
use potstill::train::{Trainer, Training, VecTrainer};
use std::sync::Arc;

/// A trainer restored in the middle of a run ends in the state of the one that was never interrupted; one seed gives one
/// run, two seeds two.
fn check<A: Agent>(make: impl Fn(u64) -> Trainer<A>, steps: usize, golden: u64) {
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
    assert_eq!(fingerprint(&whole.agent().model()), golden, "{:#018x}", fingerprint(&whole.agent().model()));
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
    check(
        cliff(|streams| QLearning::new(TabularConfig::default(), 48, 4, streams)),
        3000,
        0x7545_fbf2_fa6b_c585,
    );
}

#[test]
fn sarsa() {
    check(cliff(|streams| Sarsa::new(TabularConfig::default(), 48, 4, streams)), 3000, 0x1932_8dbf_9697_2375);
}

#[test]
fn other_tabular_algorithms() {
    let config = TabularConfig::default;
    check(cliff(|streams| expected_sarsa::new(config(), 48, 4, streams)), 3000, 0x70fd_3d0d_442c_af41);
    check(cliff(|streams| DoubleQLearning::new(config(), 48, 4, streams)), 3000, 0x3225_7c22_97b0_e870);
    for (kind, golden) in [
        (NStepKind::Sarsa, 0x4956_5e28_1606_c088),
        (NStepKind::OffPolicySarsa, 0x713e_6253_7bd0_aaef),
        (NStepKind::TreeBackup, 0x5534_b763_a922_1cf7),
    ] {
        let config = || (TabularConfig::default(), NStepConfig::default());
        check(cliff(|streams| NStep::new(kind, config(), 48, 4, streams)), 3000, golden);
    }
    for (kind, golden) in [
        (LambdaKind::Accumulating, 0x16f1_3f27_fde3_8521),
        (LambdaKind::Replacing, 0x61c2_8e83_400b_4bd4),
        (LambdaKind::Dutch, 0xe934_336b_9c5a_61a8),
        (LambdaKind::Watkins, 0x9e1e_ab74_43f6_38c2),
    ] {
        let config =
            || (TabularConfig { alpha: 0.1.into(), ..TabularConfig::default() }, LambdaConfig::default());
        check(cliff(|streams| Lambda::new(kind, config(), 48, 4, streams)), 3000, golden);
    }
    check(cliff(|streams| SpeedyQLearning::new(&config(), 48, 4, streams)), 3000, 0x7d55_1959_f771_cc19);
    check(
        cliff(|streams| RLearning::new((config(), RLearningConfig::default()), 48, 4, streams)),
        3000,
        0xc299_2caa_3990_04a8,
    );
    for (exploration, golden) in
        [(Exploration::Boltzmann, 0x7f99_9d93_64ee_8723), (Exploration::Ucb, 0x6da7_1348_e6b2_7147)]
    {
        let config =
            || TabularConfig { exploration, epsilon: "1/n".parse().unwrap(), ..TabularConfig::default() };
        check(cliff(|streams| QLearning::new(config(), 48, 4, streams)), 3000, golden);
    }
    for (lambda, golden) in [(0.0, 0xbfc1_d171_4655_0187), (0.8, 0x0837_9300_b827_3e5e)] {
        let judged = |streams| Behaviour::new(Rule::EpsilonGreedy { epsilon: 1.0.into() }, 48, 4, streams);
        let config = PredictionConfig::default();
        check(cliff(|streams| TdPrediction::new(&config, lambda, judged(streams))), 3000, golden);
    }
    // These learn from whole episodes, of which the cliff has few.
    for (kind, golden) in [
        (MonteCarloKind::OnPolicy, 0xdaeb_030d_4995_c89b),
        (MonteCarloKind::OffPolicy, 0x3c4f_8141_33f4_c5fe),
    ] {
        let make = |seed| {
            let (streams, lake) = (Streams::new(seed), find("FrozenLake-v1").unwrap().make_states().unwrap());
            let config = TabularConfig { epsilon: 0.5.into(), ..TabularConfig::default() };
            Trainer::new(MonteCarlo::new(kind, &config, 16, 4, streams), lake, streams)
        };
        check(make, 3000, golden);
    }
    let make = |seed| {
        let (streams, lake) = (Streams::new(seed), find("FrozenLake-v1").unwrap().make_states().unwrap());
        let judged = Behaviour::new(Rule::EpsilonGreedy { epsilon: 1.0.into() }, 16, 4, streams);
        Trainer::new(MonteCarloPrediction::new(&PredictionConfig::default(), judged), lake, streams)
    };
    check(make, 3000, 0x7445_76f5_c984_5533);
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
    check(maze(|streams| DynaQ::new((config(), steps()), 54, 4, streams)), 2000, 0x757d_febd_5813_bc48);
    let plus = DynaPlusConfig { kappa: 0.01 };
    check(
        maze(|streams| DynaQ::new((config(), steps()), 54, 4, streams).plus(&plus)),
        2000,
        0x31dc_54e7_ef36_6469,
    );
    let own = PrioritizedSweepingConfig::default;
    check(
        maze(|streams| PrioritizedSweeping::new((config(), own()), 54, 4, streams)),
        2000,
        0x71bc_f7e5_38b6_d0f7,
    );
    let copy = || find("DynaMaze").unwrap().make_states().unwrap();
    let search = || MctsConfig { simulations: 20, gamma: 0.95, ..MctsConfig::default() };
    check(maze(|streams| Mcts::new(search(), copy(), streams)), 300, 0x3352_d364_d2f0_6504);
}

/// A planner restored in the middle of its sweeps ends as one that was never interrupted.
#[test]
fn planners() {
    let model = || find("FrozenLake8x8-v1").unwrap().make_states().unwrap().model().unwrap();
    let config = PlanningConfig { gamma: 0.95, ..PlanningConfig::default() };
    let check = |make: &dyn Fn() -> Box<dyn Planner>, golden: u64| {
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
        let model = fingerprint(&Model::Table(whole.values().q()));
        assert_eq!(model, golden, "{model:#018x}");
    };
    check(&|| Box::new(ValueIteration::new(model(), &config)), 0x20b2_c535_45cf_9ab7);
    check(&|| Box::new(PolicyIteration::new(model(), &config)), 0x86ad_5f04_347e_631a);
    let own = ModifiedConfig { evaluation_sweeps: 4 };
    check(&|| Box::new(PolicyIteration::modified(model(), &config, &own)), 0x8368_2f4d_43e0_3843);
}

#[test]
fn dqn() {
    for (tau, golden) in [(1.0, 0x631d_9776_0d16_e3c4), (0.1, 0x22d3_335b_ef20_9f6b)] {
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
        check(make, 1500, golden);
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
    for (objective, config, golden) in [
        (Objective::Mean, &munchausen, 0xdc6a_24a8_3760_4f43),
        (Objective::Mean, &rainbow, 0xbf58_7b27_0990_0e2c),
        (Objective::Categorical(support), &small, 0xfeaa_8eb6_57ff_ad2d),
        (Objective::Categorical(support), &rainbow, 0x2ba3_1e43_e1b1_49a7),
        (Objective::Quantiles(quantiles), &small, 0x519f_6c62_cb9e_a6d1),
        (Objective::Quantiles(quantiles), &rainbow, 0xb4e3_106f_6ede_907e),
        (Objective::Implicit(implicit), &small, 0xfbf7_9cfc_2d9d_d955),
        (Objective::Implicit(implicit), &rainbow, 0x550a_cc12_26b3_efa3),
    ] {
        let make = |seed| {
            let streams = Streams::new(seed);
            let world = TaskSpec::new(4, 2, 900, streams);
            let configs = (config.clone(), OptimizerConfig::default());
            let agent = Dqn::with(objective, configs, &world).unwrap();
            Trainer::new(agent, find("CartPole-v1").unwrap().make_features().unwrap(), streams)
        };
        check(make, 900, golden);
    }
}

/// Many copies at a time, restored in the middle of their episodes.
#[test]
fn many_copies() {
    let check = |make: &dyn Fn(u64) -> Box<dyn Copies>, golden: u64| {
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
        let model = fingerprint(&whole.learned());
        assert_eq!(model, golden, "{model:#018x}");
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
    check(&dqn, 0x0608_9d76_3f39_a62d);
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
    check(&pqn, 0x84e8_12bf_e42d_ba67);
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
    check(&planes, 0xa3cf_2c66_dca7_c836);
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
    (steps, golden): (usize, u64),
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
    assert_eq!(fingerprint(&model(&whole)), golden, "{:#018x}", fingerprint(&model(&whole)));
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
        (200, 0x4806_dda4_97ab_eea1),
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
        (60, 0x5120_7022_5a94_1d11),
    );
}
