//! Embedding bags against hand-worked numbers, finite differences and PyTorch's SparseAdam.

use potstill_core::{Pcg64, Restorable};
use potstill_nn::embedding::{Bags, EmbeddingBag, SparseGradient, SparseOptimiser, SparseRule};
use potstill_nn::{Initialisation, Network, NetworkSpec, Rule, Workspace, loss};

fn bags(lists: &[&[u32]]) -> Bags {
    let mut bags = Bags::default();
    for list in lists {
        list.iter().for_each(|&row| bags.push(row));
        bags.end();
    }
    bags
}

/// A table of random numbers from -1 to 1.
fn random(rows: usize, width: usize, rng: &mut Pcg64) -> EmbeddingBag {
    let mut table = EmbeddingBag::zeroed(rows, width);
    table.parameters_mut().iter_mut().for_each(|p| *p = rng.uniform(-1.0, 1.0) as f32);
    table
}

#[test]
fn a_bag_is_the_mean_of_its_rows() {
    let mut table = EmbeddingBag::zeroed(3, 2);
    table.parameters_mut().copy_from_slice(&[1.0, 2.0, 4.0, -8.0, 0.5, 0.25]);
    let bags = bags(&[&[], &[2], &[0, 1, 1, 0], &[0, 1, 2, 2]]);
    let check = |index: usize, expected: [f32; 2]| {
        let mut mean = [9.0; 2];
        table.mean(bags.bag(index), &mut mean);
        assert_eq!(mean, expected, "bag {index}");
    };
    assert_eq!(bags.len(), 4);
    check(0, [0.0, 0.0]);
    check(1, [0.5, 0.25]);
    // (1 + 4 + 4 + 1) / 4 and (2 - 8 - 8 + 2) / 4.
    check(2, [2.5, -3.0]);
    // (1 + 4 + 0.5 + 0.5) / 4 and (2 - 8 + 0.25 + 0.25) / 4.
    check(3, [1.5, -1.375]);
}

#[test]
fn only_rows_of_the_batch_have_a_gradient() {
    let table = EmbeddingBag::zeroed(5, 2);
    let mut gradient = SparseGradient::new(&table);
    let check = |gradient: &SparseGradient, rows: &[u32], values: &[f32]| {
        assert_eq!((gradient.rows(), gradient.values()), (rows, values));
    };
    gradient.add(&[4, 0, 4, 4], &[4.0, -8.0]);
    gradient.add(&[], &[1.0, 1.0]);
    gradient.add(&[0], &[0.5, 0.5]);
    // Three quarters for row 4; a quarter and the whole of the third bag for row 0.
    check(&gradient, &[4, 0], &[3.0, -6.0, 1.5, -1.5]);
    gradient.clear();
    check(&gradient, &[], &[]);
    gradient.add(&[0], &[2.0, 3.0]);
    check(&gradient, &[0], &[2.0, 3.0]);
}

/// The loss of a network behind a table, in the network's own precision.
fn value(table: &EmbeddingBag, network: &Network, bags: &Bags, labels: &[usize]) -> f32 {
    let mut inputs = vec![0.0; bags.len() * table.width()];
    inputs.chunks_exact_mut(table.width()).enumerate().for_each(|(i, mean)| table.mean(bags.bag(i), mean));
    let mut workspace = Workspace::default();
    let logits = network.forward(&inputs, &mut workspace).to_vec();
    loss::cross_entropy(&logits, labels, &mut vec![0.0; logits.len()])
}

#[test]
fn the_gradient_is_that_of_finite_differences() {
    let mut rng = Pcg64::new(3);
    let mut table = random(6, 3, &mut rng);
    let spec: NetworkSpec = "mlp:5:tanh".parse().unwrap();
    let network = spec.initialised(&potstill_nn::Ends::new(3, 4), Initialisation::Orthogonal, &mut rng);
    let (bags, labels) = (bags(&[&[0, 1, 1], &[5], &[], &[3, 0, 5, 5, 1]]), [2, 0, 1, 3]);

    let mut inputs = vec![0.0; bags.len() * 3];
    inputs.chunks_exact_mut(3).enumerate().for_each(|(i, mean)| table.mean(bags.bag(i), mean));
    let mut workspace = Workspace::default();
    let logits = network.forward(&inputs, &mut workspace).to_vec();
    let (mut d_logits, mut d_inputs) = (vec![0.0; logits.len()], vec![0.0; inputs.len()]);
    loss::cross_entropy(&logits, &labels, &mut d_logits);
    network.backward_from((&d_logits[..]).into(), &mut workspace, None, Some(&mut d_inputs));
    let mut gradient = SparseGradient::new(&table);
    d_inputs.chunks_exact(3).enumerate().for_each(|(i, d_mean)| gradient.add(bags.bag(i), d_mean));

    let mut rows = gradient.rows().to_vec();
    rows.sort_unstable();
    assert_eq!(rows, [0, 1, 3, 5]);
    const H: f32 = 1.0 / 64.0;
    for (&row, values) in gradient.rows().iter().zip(gradient.values().chunks_exact(3)) {
        for (column, &found) in values.iter().enumerate() {
            let mut at = |by: f32| {
                let parameter = &mut table.parameters_mut()[row as usize * 3 + column];
                let before = *parameter;
                *parameter += by;
                let value = value(&table, &network, &bags, &labels);
                table.parameters_mut()[row as usize * 3 + column] = before;
                value
            };
            // Differences of fourth order: single precision leaves about 1e-5 of them.
            let (near, far) = ((at(H) - at(-H)) / (2.0 * H), (at(2.0 * H) - at(-2.0 * H)) / (4.0 * H));
            let expected = (4.0 * near - far) / 3.0;
            assert!((found - expected).abs() < 5e-5, "row {row}, {column}: {found}, not {expected}");
        }
    }
}

#[test]
fn steps_are_those_of_pytorchs_sparse_adam() {
    let mut table = EmbeddingBag::zeroed(3, 2);
    table.parameters_mut().copy_from_slice(&[1.0, -1.0, 0.5, 0.25, 2.0, -2.0]);
    let rule = SparseRule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 0.01 };
    let mut adam = SparseOptimiser::new(rule, &table);
    let mut gradient = SparseGradient::new(&table);
    // By the formulas of torch/optim/_functional.py, sparse_adam, in double precision: the learning rate times
    // sqrt(1 - beta2^t) / (1 - beta1^t), and epsilon added to the root of the uncorrected moment.
    let rows = |rows: &[(u32, [f32; 2])]| rows.to_vec();
    let steps = [
        (rows(&[(0, [1.0, -2.0]), (2, [0.5, 0.0])]), [0.92402531, -0.91365271, 0.5, 0.25, 1.93874259, -2.0]),
        (rows(&[(2, [-1.0, 4.0])]), [0.92402531, -0.91365271, 0.5, 0.25, 1.96728042, -2.06896178]),
        (rows(&[(0, [3.0, 1.0])]), [0.85240011, -0.8936225, 0.5, 0.25, 1.96728042, -2.06896178]),
    ];
    for (t, (rows, expected)) in steps.into_iter().enumerate() {
        gradient.clear();
        rows.iter().for_each(|(row, g)| gradient.add(&[*row], g));
        adam.step(0.1, 1.0, &mut table, &gradient);
        for (p, e) in table.parameters().iter().zip(expected) {
            assert!((f64::from(*p) - e).abs() < 1e-6, "step {}: {p}, not {e}", t + 1);
        }
    }
}

#[test]
fn a_restored_table_and_optimiser_go_on_identically() {
    for rule in [SparseRule::Sgd, SparseRule::of(Rule::ADAM).unwrap()] {
        let make = |seed| {
            let table = random(8, 2, &mut Pcg64::new(seed));
            let optimiser = SparseOptimiser::new(rule, &table);
            (table, optimiser)
        };
        let step = |(table, optimiser): &mut (EmbeddingBag, SparseOptimiser), rng: &mut Pcg64| {
            let mut gradient = SparseGradient::new(table);
            for _ in 0..3 {
                gradient.add(&[rng.below(8) as u32, rng.below(8) as u32], &[rng.unit() as f32, -1.0]);
            }
            optimiser.step(0.1, 0.5, table, &gradient);
        };
        let (mut original, mut copy) = (make(1), make(2));
        step(&mut original, &mut Pcg64::new(5));
        copy.0.restore(&original.0.snapshot()).unwrap();
        copy.1.restore(&original.1.snapshot()).unwrap();
        step(&mut original, &mut Pcg64::new(6));
        step(&mut copy, &mut Pcg64::new(6));
        assert_eq!(original.0.snapshot(), copy.0.snapshot());
        assert_eq!(original.1.snapshot(), copy.1.snapshot());
    }
}

#[test]
fn rules_without_a_sparse_form_have_none() {
    let adam = |weight_decay| Rule::Adam { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay };
    let check = |rule: Rule, has_one: bool| assert_eq!(SparseRule::of(rule).is_some(), has_one, "{rule:?}");
    check(adam(0.0), true);
    check(adam(0.1), false);
    check(Rule::Sgd { momentum: 0.0, nesterov: false }, true);
    check(Rule::Sgd { momentum: 0.9, nesterov: false }, false);
    check(Rule::RAdam { beta1: 0.9, beta2: 0.99, epsilon: 1e-8 }, false);
    check(Rule::Rmsprop { alpha: 0.9, epsilon: 1e-8, centred: false }, false);
}
