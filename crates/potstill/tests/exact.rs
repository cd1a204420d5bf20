//! Exact answers, each by two routes: dynamic programming on the model, in the planners or written out here, and play in the ordinary
//! environment. The literal numbers came from other programs (see each table).

use potstill::actor_critic::{Reinforce, ReinforceConfig, ReinforceOptimizer};
use potstill::agent::Agent;
use potstill::core::{Pcg64, Streams};
use potstill::deep::TaskSpec;
use potstill::env::registry::{StateEnv, find};
use potstill::env::{Env, TransitionModel};
use potstill::experience::{Steps, Transition};
use potstill::model::Model;
use potstill::nn::{Ends, NetworkSpec};
use potstill::optimizer::{OptimizerConfig, OptimizerKind};
use potstill::planning::{
    EpsilonSoftConfig, Mcts, MctsConfig, ModifiedConfig, Planner, PlanningConfig, PolicyIteration,
    ValueIteration,
};
use potstill::policy::{Behaviour, ExplorationRule, Policy};
use potstill::tabular::{
    MonteCarloPrediction, PredictionConfig, QLearning, RLearning, RLearningConfig, SpeedyQLearning,
    TabularConfig, TdPrediction,
};
use potstill::train::statistics::{mean, standard_deviation};
use potstill::train::{Trainer, Training, parallel_map};
use std::sync::Arc;

fn environment(id: &str) -> StateEnv {
    find(id).unwrap().make_states().unwrap()
}

fn model(id: &str) -> Arc<TransitionModel> {
    environment(id).model().unwrap()
}

/// The value of the start under a policy, by sweeps until convergence, without code of the planners.
fn policy_value(model: &TransitionModel, gamma: f64, policy: &dyn Fn(usize) -> Vec<f64>) -> f64 {
    let mut v = vec![0.0; model.states()];
    let policies: Vec<Vec<f64>> = (0..model.states()).map(policy).collect();
    // States that cannot be reached have no meaningful values.
    let visited = potstill::planning::reachable(model);
    loop {
        let mut moved: f64 = 0.0;
        for &state in &visited {
            let worth = |action: usize| -> f64 {
                let outcomes = model.outcomes(state, action).iter();
                outcomes
                    .map(|o| o.probability * (o.reward + if o.terminated { 0.0 } else { gamma * v[o.next] }))
                    .sum()
            };
            let value = policies[state].iter().enumerate().map(|(a, p)| p * worth(a)).sum();
            moved = moved.max((std::mem::replace(&mut v[state], value) - value).abs());
        }
        if moved < 1e-12 {
            return model.start().iter().map(|&(p, state)| p * v[state]).sum();
        }
    }
}

/// The mean discounted return of episodes in the ordinary environment, and its standard error.
fn played(id: &str, episodes: usize, gamma: f64, policy: &(dyn Fn(usize) -> Vec<f64> + Sync)) -> (f64, f64) {
    let returns = parallel_map(8, 2, |part| {
        let (mut env, mut state, mut rng) = (environment(id), 0, Pcg64::new(part as u64));
        let policies: Vec<Vec<f64>> = (0..env.observation_space().discrete().unwrap()).map(policy).collect();
        let mut play = |i: usize| {
            env.reset((i == 0).then_some(part as u64), &mut state);
            let (mut sum, mut discount) = (0.0, 1.0);
            loop {
                let mut rest = rng.unit();
                let drawn = policies[state].iter().position(|p| {
                    rest -= p;
                    rest < 0.0
                });
                let outcome = env.step(&drawn.unwrap_or(0), &mut state).unwrap();
                sum += discount * outcome.reward;
                discount *= gamma;
                if outcome.done() {
                    return sum;
                }
            }
        };
        (0..episodes / 8).map(&mut play).collect::<Vec<f64>>()
    });
    let returns = returns.concat();
    (mean(&returns), standard_deviation(&returns) / (returns.len() as f64).sqrt())
}

/// Epsilon-greedy about one action.
fn epsilon_soft(action: usize, actions: usize, epsilon: f64) -> Vec<f64> {
    let share = |a: usize| epsilon / actions as f64 + if a == action { 1.0 - epsilon } else { 0.0 };
    (0..actions).map(share).collect()
}

/// The policy along a row of the cliff walk: up or down to it, right, and down at the end.
fn along(row: usize) -> impl Fn(usize) -> Vec<f64> {
    move |state| {
        let (at, column) = (state / 12, state % 12);
        let action = match () {
            () if column == 11 => 2,
            () if at == row => 1,
            () if at > row => 0,
            () => 2,
        };
        epsilon_soft(action, 4, 0.1)
    }
}

/// States that no episode reaches have the values that follow from Gymnasium's `P`: of the undiscounted cliff by hand, else by
/// value iteration on it in NumPy.
#[test]
fn states_that_no_episode_reaches_have_their_values() {
    let check = |id: &str, gamma: f64, pairs: &[(usize, usize, f64)]| {
        let config = PlanningConfig { gamma, ..PlanningConfig::default() };
        let planners: [Box<dyn Planner>; 2] = [
            Box::new(ValueIteration::new(model(id), &config)),
            Box::new(PolicyIteration::new(model(id), &config)),
        ];
        for mut planner in planners {
            while !planner.is_done() {
                planner.sweep();
            }
            let q = planner.values().q();
            for &(state, action, expected) in pairs {
                let value = q.row(state)[action];
                assert!((value - expected).abs() < 1e-9, "{id}: {state}, {action}: {value}");
                assert!(planner.values().reachable_states().binary_search(&state).is_err(), "{id}: {state}");
            }
        }
    };
    // From the first cell of the cliff up, ten to the right and down; right is the cliff again, and 13 from the start.
    // From the last one to the right is the goal; the goal itself has one more step down.
    check(
        "CliffWalking-v1",
        1.0,
        &[(37, 0, -12.0), (37, 1, -113.0), (46, 1, -1.0), (46, 0, -3.0), (47, 2, -1.0)],
    );
    let cliff = [(37, 0, -11.361512828387072), (37, 1, -112.12541872310217), (47, 2, -1.0)];
    check("CliffWalking-v1", 0.99, &cliff);
    let delivered = [
        (0, 0, 16.43588),
        (245, 2, 14.118805988000002),
        (495, 5, 7.435880000000001),
        (150, 4, 2.8478417488388033),
    ];
    check("Taxi-v4", 0.99, &delivered);
}

#[test]
fn ways_along_the_cliff() {
    // From a linear solver in NumPy; confirmed here by sweeps, and by play within five standard errors.
    for (row, expected) in [(2, -51.813_188), (1, -21.053_368), (0, -22.272_817)] {
        let value = policy_value(&model("CliffWalking-v1"), 1.0, &along(row));
        assert!((value - expected).abs() < 1e-6, "row {row}: {value}");
        let (mean, error) = played("CliffWalking-v1", 40_000, 1.0, &along(row));
        assert!((mean - expected).abs() < 5.0 * error, "row {row}: {mean} +- {error}");
    }
    // The optimal epsilon-soft policy: value iteration among those, and an evaluation of the resulting
    // policy.
    let mut planner = ValueIteration::new(model("CliffWalking-v1"), &PlanningConfig::default())
        .epsilon_soft(&EpsilonSoftConfig { epsilon: 0.1 });
    while !planner.is_done() {
        planner.sweep();
    }
    assert!((planner.start_value() - -20.707_677).abs() < 1e-6, "{}", planner.start_value());
    let best = |state| epsilon_soft(planner.values().best(state).0, 4, 0.1);
    let value = policy_value(&model("CliffWalking-v1"), 1.0, &best);
    assert!((value - -20.707_677).abs() < 1e-6, "{value}");
    let (mean, error) = played("CliffWalking-v1", 40_000, 1.0, &best);
    assert!((mean - value).abs() < 5.0 * error, "{mean} +- {error}");
}

#[test]
fn planners_find_the_best_values() {
    let check = |id: &str, gamma: f64, expected: f64| {
        let config = PlanningConfig { gamma, ..PlanningConfig::default() };
        let modified = ModifiedConfig::default();
        let planners: [Box<dyn Planner>; 3] = [
            Box::new(ValueIteration::new(model(id), &config)),
            Box::new(PolicyIteration::new(model(id), &config)),
            Box::new(PolicyIteration::modified(model(id), &config, &modified)),
        ];
        for (i, mut planner) in planners.into_iter().enumerate() {
            while !planner.is_done() {
                planner.sweep();
                assert!(planner.sweeps() < 1_000_000, "{id}, planner {i}");
            }
            let value = planner.start_value();
            assert!((value - expected).abs() < 5e-9 * expected.abs().max(1.0), "{id}, planner {i}: {value}");
            // The greedy policy has the planner's values.
            let greedy = |state| epsilon_soft(planner.values().best(state).0, model(id).actions(), 0.0);
            let value = policy_value(&model(id), gamma, &greedy);
            assert!((value - expected).abs() < 1e-7, "{id}, planner {i}: {value}");
        }
    };
    // From small programs in Python and C on Gymnasium's P.
    check("FrozenLake-v1", 0.99, 0.542_025_932);
    check("FrozenLake-v1", 1.0, 0.823_529_412);
    check("FrozenLake8x8-v1", 0.99, 0.414_640_362);
    check("Taxi-v4", 1.0, 7.93);
    check("Taxi-v4", 0.99, 6.327_464_315);
    check("DynaMaze", 0.95, 0.513_342_083);
    check("CliffWalking-v1", 1.0, -13.0);
    check("WindyGridworld", 1.0, -15.0);
    check("Blackjack-v1:sab=false", 1.0, -0.046_555_977);
}

/// The best probability of arriving on a lake in so many steps: backwards from the last.
fn arriving(id: &str, steps: usize) -> (f64, Vec<Vec<usize>>) {
    let model = model(id);
    let (mut v, mut policies) = (vec![0.0; model.states()], Vec::new());
    for _ in 0..steps {
        let worth = |state: usize, action: usize| -> f64 {
            let outcomes = model.outcomes(state, action).iter();
            outcomes.map(|o| o.probability * if o.terminated { o.reward } else { v[o.next] }).sum()
        };
        let best = |state: usize| {
            (0..4)
                .map(|a| (a, worth(state, a)))
                .fold((0, -1.0), |best, x| if x.1 > best.1 { x } else { best })
        };
        let found: Vec<(usize, f64)> = (0..model.states()).map(best).collect();
        v = found.iter().map(|pair| pair.1).collect();
        policies.push(found.iter().map(|pair| pair.0).collect());
    }
    policies.reverse();
    (v[0], policies)
}

#[test]
fn the_best_chance_in_time() {
    // From a small program; confirmed by backward induction here, and by playing its policy against the time limit.
    for (id, steps, expected) in [("FrozenLake-v1", 100, 0.744_190), ("FrozenLake8x8-v1", 200, 0.913_220)] {
        let (chance, policies) = arriving(id, steps);
        assert!((chance - expected).abs() < 1e-6, "{id}: {chance}");
        let arrived = parallel_map(8, 2, |part| {
            let (mut env, mut state) = (environment(id), 0);
            let mut arrived = 0.0;
            for i in 0..2500 {
                env.reset((i == 0).then_some(part as u64), &mut state);
                for policy in &policies {
                    let outcome = env.step(&policy[state], &mut state).unwrap();
                    arrived += outcome.reward;
                    if outcome.done() {
                        break;
                    }
                }
            }
            arrived
        });
        let share = arrived.iter().sum::<f64>() / 20_000.0;
        // Five standard errors.
        let error = (expected * (1.0 - expected) / 20_000.0_f64).sqrt();
        assert!((share - expected).abs() < 5.0 * error, "{id}: {share}");
    }
}

#[test]
fn a_random_walk_through_the_maze() {
    // From the linear equations in a small program; confirmed by sweeps: steps are returns of -1, so of 1 - gamma they are counted by a value.
    let maze = model("DynaMaze");
    let uniform = |_: usize| vec![0.25; 4];
    let steps = TransitionModel::new(54, 4, maze.start().to_vec(), |state, action| {
        maze.outcomes(state, action)
            .iter()
            .map(|o| potstill::env::ModelOutcome { reward: 1.0, ..*o })
            .collect()
    });
    let length = policy_value(&steps, 1.0, &uniform);
    assert!((length - 868.725_428).abs() < 1e-5, "{length}");
}

/// Prediction evaluates a random walk on the lake: the exact value is 0.0139.
#[test]
fn prediction_learns_the_values_of_a_policy() {
    let uniform = |_: usize| vec![0.25; 4];
    let exact = policy_value(&model("FrozenLake-v1"), 1.0, &uniform);
    let (mean_played, error) = played("FrozenLake-v1", 200_000, 1.0, &uniform);
    assert!((mean_played - exact).abs() < 5.0 * error);
    let behaviour =
        |streams| Behaviour::new(ExplorationRule::EpsilonGreedy { epsilon: 1.0.into() }, 16, 4, streams);
    let values = parallel_map(12, 2, |seed| {
        let streams = Streams::new(seed as u64);
        let config = PredictionConfig { alpha: "1/n^0.8".parse().unwrap(), ..PredictionConfig::default() };
        let learn = |agent: Box<dyn Agent<Observation = usize, Action = usize>>| {
            let mut trainer = Trainer::new(agent, environment("FrozenLake-v1"), streams);
            trainer.run(400_000, None, &mut ()).unwrap();
            let potstill::model::Model::Table(table) = trainer.agent().model() else { unreachable!() };
            table.row(0)[0]
        };
        [
            learn(Box::new(TdPrediction::new(&config, 0.0, behaviour(streams)))),
            learn(Box::new(TdPrediction::new(&config, 0.8, behaviour(streams)))),
            learn(Box::new(MonteCarloPrediction::new(&config, behaviour(streams)))),
        ]
    });
    for (kind, slack) in [(0, 0.002), (1, 0.002), (2, 0.0)] {
        let learned: Vec<f64> = values.iter().map(|value| value[kind]).collect();
        let error = standard_deviation(&learned) / (learned.len() as f64).sqrt();
        // Means over seeds; bootstrapping methods have not fully converged.
        assert!((mean(&learned) - exact).abs() < 5.0 * error + slack, "{kind}: {learned:?}, exact {exact}");
    }
}

/// A state's value is the mean of its returns, however often each action was taken: 1 with a tenth of the
/// probability, else 0.
#[test]
fn step_sizes_of_a_state_do_not_know_the_action() {
    let (states, actions) = (2, 2);
    for (lambda, alpha) in [(0.0, "1/n"), (0.9, "1/n"), (0.0, "1/n^0.8")] {
        let rule = ExplorationRule::Given([0.9, 0.1, 0.9, 0.1].into());
        let behaviour = Behaviour::new(rule, states, actions, Streams::new(1));
        let config = PredictionConfig { alpha: alpha.parse().unwrap(), ..PredictionConfig::default() };
        let mut agent = TdPrediction::new(&config, lambda, behaviour);
        for i in 0..20_000 {
            let action = usize::from(i % 10 == 9);
            let transition = potstill::experience::Transition {
                observation: &0,
                action: &action,
                reward: action as f64,
                next_observation: &1,
                terminated: true,
                truncated: false,
            };
            agent.observe(&potstill::experience::Steps::of(&transition)).unwrap();
        }
        assert!((agent.v()[0] - 0.1).abs() < 1e-3, "{lambda} {alpha}: {}", agent.v()[0]);
    }
}

/// Learned from a random behaviour policy: the optimal values, exactly, since the cliff is deterministic.
#[test]
fn a_greedy_target_is_learned_from_a_random_behaviour() {
    for seed in 0..5 {
        let streams = Streams::new(seed);
        let uniform = Behaviour::new(ExplorationRule::EpsilonGreedy { epsilon: 1.0.into() }, 48, 4, streams);
        let agent = QLearning::new(TabularConfig::default(), 48, 4, streams).with_behaviour(uniform);
        let mut trainer = Trainer::new(agent, environment("CliffWalking-v1"), streams);
        trainer.run(300_000, None, &mut ()).unwrap();
        let value = Policy::Greedy.state_value(trainer.agent().q().row(36));
        assert!((value - -13.0).abs() < 1e-6, "{value}");
    }
}

#[test]
fn speedy_q_learning_is_nearer_to_the_best_values_than_q_learning() {
    // Both with step sizes of 1/n, from uniform behaviour; the distance is the largest over all visited
    // pairs.
    let config = PlanningConfig { gamma: 0.95, ..PlanningConfig::default() };
    let mut planner = ValueIteration::new(model("FrozenLake-v1"), &config);
    while !planner.is_done() {
        planner.sweep();
    }
    let best = planner.values().q();
    let distances = parallel_map(8, 2, |seed| {
        let streams = Streams::new(seed as u64);
        let uniform =
            || Behaviour::new(ExplorationRule::EpsilonGreedy { epsilon: 1.0.into() }, 16, 4, streams);
        let config = TabularConfig { alpha: "1/n".parse().unwrap(), gamma: 0.95, ..TabularConfig::default() };
        let distance = |agent: Box<dyn Agent<Observation = usize, Action = usize>>| {
            let mut trainer = Trainer::new(agent, environment("FrozenLake-v1"), streams);
            trainer.run(300_000, None, &mut ()).unwrap();
            let potstill::model::Model::Table(q) = trainer.agent().model() else { unreachable!() };
            let apart = q.values().iter().zip(best.values()).map(|(a, b)| (a - b).abs());
            apart.fold(0.0, f64::max)
        };
        [
            distance(Box::new(SpeedyQLearning::new(&config, 16, 4, streams).with_behaviour(uniform()))),
            distance(Box::new(QLearning::new(config, 16, 4, streams).with_behaviour(uniform()))),
        ]
    });
    assert!(distances.iter().all(|[speedy, plain]| speedy < plain), "{distances:?}");
    let all = |i: usize| mean(&distances.iter().map(|pair| pair[i]).collect::<Vec<_>>());
    assert!(2.0 * all(0) < all(1), "{distances:?}");
}

#[test]
fn r_learning_finds_the_best_average_reward() {
    // Relative value iteration in NumPy gives 2.747642; confirmed here, in one table of states.
    let queue = model("AccessControl");
    let mut h = vec![0.0; queue.states()];
    let best = loop {
        let worth = |state: usize, action: usize| -> f64 {
            queue.outcomes(state, action).iter().map(|o| o.probability * (o.reward + h[o.next])).sum()
        };
        let new: Vec<f64> = (0..queue.states()).map(|s| worth(s, 0).max(worth(s, 1))).collect();
        let gains = new.iter().zip(&h).map(|(a, b)| a - b);
        let (low, high) = gains.fold((f64::MAX, f64::MIN), |(l, h), gain| (l.min(gain), h.max(gain)));
        h = new.iter().map(|value| value - new[0]).collect();
        if high - low < 1e-12 {
            break low;
        }
    };
    assert!((best - 2.747_642).abs() < 1e-6, "{best}");
    let rewards = parallel_map(6, 2, |seed| {
        let streams = Streams::new(seed as u64);
        let config = (
            TabularConfig { alpha: 0.01.into(), ..TabularConfig::default() },
            RLearningConfig { beta: 0.001.into() },
        );
        let agent = RLearning::new(config, 44, 2, streams);
        let mut trainer = Trainer::new(agent, environment("AccessControl"), streams);
        trainer.run(3_000_000, None, &mut ()).unwrap();
        trainer.agent().average_reward()
    });
    // Fixed step sizes leave a spread of about 0.03 between seeds.
    assert!(rewards.iter().all(|reward| (reward - best).abs() < 0.15), "{rewards:?}");
}

#[test]
fn search_finds_what_it_has_not_learned() {
    let lengths = |id: &str, config: MctsConfig| {
        parallel_map(8, 2, |seed| {
            let streams = Streams::new(seed as u64);
            let mut trainer =
                Trainer::new(Mcts::new(config.clone(), environment(id), streams), environment(id), streams);
            loop {
                if let Some(episode) = trainer.step().unwrap().episode {
                    return (episode.episode_return, episode.steps);
                }
            }
        })
    };
    // Without ice every search arrives; at random one in seventy does.
    let still = lengths("FrozenLake-v1:is_slippery=false", MctsConfig::default());
    assert!(still.iter().all(|(arrived, steps)| *arrived == 1.0 && *steps < 40), "{still:?}");
    // At random the taxi gets about -770 in its 200 steps.
    let taxi = lengths("Taxi-v4", MctsConfig { simulations: 400, ..MctsConfig::default() });
    assert!(mean(&taxi.iter().map(|ride| ride.0).collect::<Vec<_>>()) > -80.0, "{taxi:?}");
}

/// REINFORCE's gradient at the uniform policy of the slippery lake, discounted by 0.99 and without a time limit, has the mean
/// `d(s) pi(a|s) A(s, a)` of the policy gradient theorem. The numbers came from a program that solves the model.
#[test]
fn reinforce_has_the_mean_of_the_policy_gradient_theorem() {
    const EPISODES: usize = 200_000;
    let expected = [
        (0, [0.000_535_047, 0.000_032_472, 0.000_032_472, -0.000_599_992]),
        (14, [-0.002_332_923, 0.001_223_862, 0.001_091_204, 0.000_017_858]),
    ];
    let gradients = |has_baseline: bool, seed: u64| {
        let net_arch: NetworkSpec = "mlp".parse().unwrap();
        let config = ReinforceConfig {
            // The parameters after an episode are its gradient.
            learning_rate: 1.0.into(),
            gamma: 0.99,
            baseline: has_baseline,
            vf_coef: 0.0,
            discount_states: true,
            net_arch: net_arch.clone(),
            ..ReinforceConfig::default()
        };
        let sgd = OptimizerConfig {
            optimizer: OptimizerKind::Sgd,
            momentum: 0.0,
            ..ReinforceOptimizer::default().0
        };
        let streams = Streams::new(seed);
        let mut agent = Reinforce::<usize>::new((config, sgd), &TaskSpec::new(16, 4, 1 << 20, streams));
        let mut env =
            find("FrozenLake-v1:one_hot=true,max_episode_steps=none").unwrap().make_features().unwrap();
        let uniform = Model::Network(net_arch.zeroed(&Ends::new(16, 4)));
        let (mut seen, mut next) = ([0.0_f32; 16], [0.0_f32; 16]);
        let episode = |i: usize| {
            agent.start_from(&uniform).unwrap();
            env.reset((i == 0).then_some(seed), &mut seen);
            loop {
                let mut action = [0];
                agent.act(&seen, &mut action);
                let outcome = env.step(&action[0], &mut next).unwrap();
                let step = Transition {
                    observation: &seen[..],
                    action: &action[0],
                    reward: outcome.reward,
                    next_observation: &next[..],
                    terminated: outcome.terminated,
                    truncated: outcome.truncated,
                };
                let is_over = agent.observe(&Steps::of(&step)).unwrap() > 0;
                seen = next;
                if is_over {
                    agent.update().unwrap();
                    return agent.policy().parameters().iter().map(|&p| f64::from(p)).collect::<Vec<f64>>();
                }
            }
        };
        (0..EPISODES).map(episode).collect::<Vec<_>>()
    };
    for (has_baseline, seed) in [(false, 1), (true, 2)] {
        let all = gradients(has_baseline, seed);
        for (state, expected) in expected {
            for (action, expected) in expected.into_iter().enumerate() {
                let of_episodes: Vec<f64> = all.iter().map(|g| g[state * 4 + action]).collect();
                let error = standard_deviation(&of_episodes) / (EPISODES as f64).sqrt();
                let found = mean(&of_episodes);
                // Five standard errors of eight means, twice.
                assert!(
                    (found - expected).abs() < 5.0 * error && error < 2.2e-4,
                    "{state} {action}: {found} +- {error}, not {expected}"
                );
            }
        }
    }
}
