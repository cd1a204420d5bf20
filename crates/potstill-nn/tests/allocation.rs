//! No pass, no optimiser step and no distribution allocates, once the buffers have their size.

use potstill_core::Pcg64;
use potstill_nn::distributions::{Categorical, DiagonalGaussian, GaussianGradients, SquashedGaussian};
use potstill_nn::{
    Initialisation, Interface, Network, NetworkSpec, Optimiser, Rule, Upstream, Workers, Workspace,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is forwarded to the system's allocator unchanged; counting touches nothing but a number.
#[expect(unsafe_code, reason = "an allocator that counts, for this test alone")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller upholds the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `System` by way of `alloc` above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const SAMPLES: usize = 40;
const ACTIONS: usize = 6;

/// The buffers of a step.
struct Learner {
    network: Network,
    /// The hidden layer that is read.
    tap: &'static str,
    optimiser: Optimiser,
    workspace: Workspace,
    rng: Pcg64,
    batch: Vec<f32>,
    d_outputs: Vec<f32>,
    units: Vec<f32>,
    gradient: Vec<f32>,
    d_inputs: Vec<f32>,
    rows: [Vec<f32>; 4],
    samples: [Vec<f32>; 2],
    choices: Vec<usize>,
}

impl Learner {
    fn new(spec: &str, interface: &Interface, threads: usize, tap: &'static str) -> Self {
        let spec: NetworkSpec = spec.parse().unwrap();
        let network = spec.initialised(interface, Initialisation::Orthogonal, &mut Pcg64::new(1));
        let length = network.parameters().len();
        Self {
            optimiser: Optimiser::new(Rule::ADAM, length),
            workspace: Workspace::new(Workers::new(threads)),
            rng: Pcg64::new(2),
            batch: (0..SAMPLES * network.inputs()).map(|i| (i as f32 * 0.7).sin()).collect(),
            d_outputs: vec![0.0; SAMPLES * network.outputs()],
            units: vec![0.0; SAMPLES * network.tap(tap).unwrap().units()],
            gradient: vec![0.0; length],
            d_inputs: vec![0.0; SAMPLES * network.inputs()],
            rows: std::array::from_fn(|_| vec![0.0; SAMPLES * ACTIONS]),
            samples: std::array::from_fn(|_| vec![0.5; SAMPLES]),
            choices: vec![0; SAMPLES],
            network,
            tap,
        }
    }

    fn step(&mut self) {
        let Self { network, workspace, rng, rows: [noise, u, actions, d_mean], .. } = self;
        let outputs = network.forward(&self.batch, workspace);
        let of_policy = network.head_range("policy", SAMPLES);
        let (mean, [log_probs, weights]) = (&outputs[of_policy.clone()], &mut self.samples);
        let log_std = network.free_parameters("log_std").unwrap();
        let mut d_log_std = [0.0; ACTIONS];
        d_mean.fill(0.0);
        let mut gradients = GaussianGradients { mean: d_mean, log_std: &mut d_log_std };
        let gaussian = DiagonalGaussian::new(mean, log_std, ACTIONS);
        gaussian.sample(rng, noise, actions);
        gaussian.log_prob(actions, log_probs);
        gaussian.entropy(log_probs);
        gaussian.kl(&gaussian, log_probs);
        gaussian.add_log_prob_gradients(actions, weights, &mut gradients);
        gaussian.add_entropy_gradient(weights, gradients.log_std);
        gaussian.add_kl_gradients(&gaussian, weights, Some(&mut gradients), None);
        let squashed = SquashedGaussian::new(mean, log_std, ACTIONS);
        squashed.sample(rng, noise, u, actions);
        squashed.log_prob(u, log_probs);
        squashed.add_sample_gradients((noise, u), actions, weights, &mut gradients);
        SquashedGaussian::unsquash(actions, u);
        let categorical = Categorical::new(mean, ACTIONS);
        categorical.sample(rng, &mut self.choices);
        categorical.log_prob(&self.choices, log_probs);
        categorical.entropy(log_probs);
        categorical.kl(&categorical, log_probs);
        let d_logits = &mut self.d_outputs[of_policy];
        categorical.add_log_prob_gradient(&self.choices, weights, d_logits);
        categorical.add_entropy_gradient(weights, d_logits);
        categorical.add_kl_gradients(&categorical, weights, d_logits, &mut []);
        d_logits.copy_from_slice(d_mean);
        let tap = network.tap(self.tap).unwrap();
        network.activations(tap, workspace, &mut self.units);
        let upstream = Upstream { outputs: &self.d_outputs, free: &d_log_std, taps: &[(tap, &self.units)] };
        let gradient = &mut self.gradient;
        network.backward_from(upstream, workspace, Some(&mut *gradient), Some(&mut self.d_inputs));
        network.backward_from(self.d_outputs[..].into(), workspace, None, Some(&mut self.d_inputs));
        let optimiser = &mut self.optimiser;
        network.update_parameters(|p| optimiser.step(1e-3, p, gradient, workspace.workers()));
        network.predict(&self.batch[..network.inputs()], workspace);
    }
}

/// One test in this file, since the count is of all threads.
#[test]
fn a_step_allocates_nothing() {
    assert_ne!(ALLOCATIONS.load(Ordering::Relaxed), 0, "the counter counts");
    let heads = [("policy", ACTIONS), ("value", 1)];
    for (spec, inputs) in [
        ("mlp:128,128:tanh", [1, 1, 9]),
        ("mlp:128,20:noisy:layernorm", [1, 1, 9]),
        ("cnn:8x3,64", [7, 7, 2]),
    ] {
        for threads in [1, 2] {
            let interface = Interface::of_heads(inputs, &heads).with_free("log_std", ACTIONS, 0.0);
            // The first nonlinearity comes behind the normalisation, if there is one.
            let name = if spec.contains("layernorm") { "2" } else { "1" };
            let mut learner = Learner::new(spec, &interface, threads, name);
            (0..3).for_each(|_| learner.step());
            // A thread of the pool may start late, once.
            let counts = [(); 3].map(|()| {
                let before = ALLOCATIONS.load(Ordering::Relaxed);
                (0..20).for_each(|_| learner.step());
                ALLOCATIONS.load(Ordering::Relaxed) - before
            });
            assert!(counts.iter().sum::<u64>() < threads as u64, "{spec} with {threads} threads: {counts:?}");
        }
    }
}
