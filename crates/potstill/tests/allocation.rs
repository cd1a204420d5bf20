//! No step of a deep agent allocates, in the environment or in its networks, once its buffers have their size.

use potstill::core::Streams;
use potstill::deep::{
    C51Config, Dqn, DqnConfig, IqnConfig, Objective, Pqn, PqnConfig, QrDqnConfig, TaskSpec,
};
use potstill::env::Autoreset;
use potstill::env::registry::find;
use potstill::nn::Workers;
use potstill::optimizer::OptimizerConfig;
use potstill::train::{Trainer, Training, VecTrainer};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call goes on to the system's allocator as it came; counting touches nothing but a number.
#[expect(unsafe_code, reason = "an allocator that counts, for this test alone")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the rules of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `System` by way of `alloc` above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of all threads during training, after a warm-up.
fn allocations(trainer: &mut impl Training) -> u64 {
    let mut go_on = |until: u64| {
        while trainer.steps() < until {
            trainer.advance().unwrap();
        }
    };
    go_on(2000);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    go_on(4000);
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

/// One test in this file, since the count is of all threads.
#[test]
fn a_step_of_training_allocates_nothing() {
    assert_ne!(ALLOCATIONS.load(Ordering::Relaxed), 0, "the counter counts");
    let streams = Streams::new(1);
    let world =
        |threads: usize| TaskSpec { workers: Workers::new(threads), ..TaskSpec::new(4, 2, 4000, streams) };
    let plain = DqnConfig {
        net_arch: "mlp:64,64:layernorm".parse().unwrap(),
        buffer_size: 900,
        learning_starts: 500,
        train_freq: 4,
        gradient_steps: 1,
        ..DqnConfig::default()
    };
    let all = DqnConfig {
        double: true,
        dueling: true,
        prioritized: true,
        noisy: true,
        n_step: 3,
        normalize_observations: true,
        ..plain.clone()
    };
    let munchausen = DqnConfig { munchausen: true, ..plain.clone() };
    let many = DqnConfig { num_envs: 10, ..plain.clone() };
    let quantiles = QrDqnConfig { n_quantiles: 9, ..QrDqnConfig::default() }.quantiles();
    let implicit = IqnConfig { n_taus: 5, n_target_taus: 4, ..IqnConfig::default() }.implicit();
    let categorical = Objective::Categorical(C51Config::default().support());
    for (name, objective, config) in [
        ("mean", Objective::Mean, &plain),
        ("munchausen", Objective::Mean, &munchausen),
        ("many", Objective::Mean, &many),
        ("switches", Objective::Mean, &all),
        ("rainbow", categorical, &all),
        ("quantiles", Objective::Quantiles(quantiles), &plain),
        ("implicit", Objective::Implicit(implicit), &plain),
    ] {
        for threads in [1, 2] {
            let configs = (config.clone(), OptimizerConfig::default());
            let agent = Dqn::with(objective, configs, &world(threads)).unwrap();
            let pole = find("CartPole-v1").unwrap();
            let count = if config.num_envs == 1 {
                allocations(&mut Trainer::new(agent, pole.make_features().unwrap(), streams))
            } else {
                let envs = pole.make_vec_features(config.num_envs as usize, Autoreset::SameStep).unwrap();
                allocations(&mut VecTrainer::new(agent, envs, streams))
            };
            assert_eq!(count, 0, "{name}, {threads} threads");
        }
    }
    let config = PqnConfig { num_envs: 8, num_steps: 16, num_minibatches: 4, ..PqnConfig::default() };
    let agent = Pqn::new((config, OptimizerConfig::default()), &world(2));
    let envs = find("CartPole-v1").unwrap().make_vec_features(8, Autoreset::SameStep).unwrap();
    assert_eq!(allocations(&mut VecTrainer::new(agent, envs, streams)), 0, "pqn");
}
