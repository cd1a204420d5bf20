//! Free parameters, named heads and taps: where they lie, how they are named, and that they learn.

use potstill_core::{Pcg64, Restorable};
use potstill_nn::{
    Ends, Initialisation, Interface, Network, NetworkSpec, Optimiser, Rule, Tensor, Upstream, Workers,
    Workspace,
};

fn noise(length: usize, rng: &mut Pcg64) -> Vec<f32> {
    (0..length).map(|_| rng.uniform(-1.0, 1.0) as f32).collect()
}

fn build(spec: &str, interface: &Interface) -> Network {
    let spec: NetworkSpec = spec.parse().unwrap();
    spec.initialised(interface, Initialisation::Pytorch, &mut Pcg64::new(7))
}

fn tensor<'a>(tensors: &'a [Tensor], name: &str) -> &'a Tensor {
    tensors.iter().find(|tensor| tensor.name == name).unwrap()
}

#[test]
fn free_parameters_lie_behind_the_layers_and_change_none_of_them() {
    let ends = Ends::new(3, 2);
    for spec in ["mlp:5,4", "mlp:5:noisy", "mlp:6,5:dueling:layernorm"] {
        let plain = build(spec, &Interface::from(&ends));
        let interface = Interface::from(&ends).with_free("log_std", 2, -0.5).with_free("log_alpha", 1, 0.25);
        let with = build(spec, &interface);
        let layers = plain.parameters().len();
        assert_eq!(with.parameters()[..layers], *plain.parameters());
        assert_eq!(with.parameters()[layers..], [-0.5, -0.5, 0.25]);
        assert_eq!(with.free_parameters("log_alpha"), Some(&[0.25][..]));
        assert_eq!(with.free_parameters("log_beta"), None);
        let tensors = with.tensors();
        assert_eq!(tensors[..tensors.len() - 2], plain.tensors());
        assert_eq!(tensor(&tensors, "log_std").shape, [2]);
        assert_eq!(tensor(&tensors, "log_std").data, [-0.5, -0.5]);
        let mut other = spec.parse::<NetworkSpec>().unwrap().zeroed(&interface);
        other.load_tensors(&tensors).unwrap();
        assert_eq!(other, with);
        let mut restored = spec.parse::<NetworkSpec>().unwrap().zeroed(&interface);
        restored.restore(&with.snapshot()).unwrap();
        assert_eq!(restored, with);
        assert_ne!(with.interface(), plain.interface());
    }
}

#[test]
fn free_parameters_have_the_gradient_that_is_given_and_are_trained_with_it() {
    let interface = Interface::from(&Ends::new(3, 2)).with_free("a", 2, 1.0).with_free("b", 40, 2.0);
    let mut network = build("mlp:8", &interface);
    let (layers, all) = (network.parameters().len() - 42, network.parameters().len());
    let (mut workspace, mut gradient) = (Workspace::default(), vec![f32::NAN; all]);
    let batch = noise(5 * 3, &mut Pcg64::new(1));
    network.forward(&batch, &mut workspace);
    let (outputs, free) = ([0.5; 10], noise(42, &mut Pcg64::new(2)));
    let without = network.backward(&outputs, &mut workspace, &mut gradient);
    assert!(gradient[layers..].iter().all(|&g| g == 0.0));
    let mut expected = gradient[..layers].to_vec();
    expected.extend(&free);
    let upstream = Upstream { outputs: &outputs, free: &free, ..Upstream::default() };
    let length = network.backward_from(upstream, &mut workspace, Some(&mut gradient), None);
    assert_eq!(gradient, expected);
    let square: f64 = free.iter().map(|&g| f64::from(g) * f64::from(g)).sum();
    assert!((length - (without * without + square).sqrt()).abs() < 1e-12 * length);
    let mut optimiser = Optimiser::new(Rule::Sgd { momentum: 0.0, nesterov: false }, all);
    network.update_parameters(|p| optimiser.step(0.5, p, &gradient, &Workers::default()));
    assert_eq!(network.free_parameters("a").unwrap(), [1.0 - 0.5 * free[0], 1.0 - 0.5 * free[1]]);
}

/// Heads are nothing but one wide layer cut apart, so the outputs and gradients of that are theirs, to the
/// bit.
#[test]
fn heads_are_the_columns_of_one_layer() {
    let (policy, value, samples) = (5, 1, 21);
    for spec in ["mlp", "mlp:9,20", "mlp:7:layernorm:tanh"] {
        let interface = Interface::of_heads(3, &[("policy", policy), ("value", value)]);
        let network = build(spec, &interface);
        let mut one = spec.parse::<NetworkSpec>().unwrap().zeroed(&Ends::new(3, policy + value));
        // The tensors of one layer are those of the heads, row after row.
        let merged = |network: &Network| {
            let mut tensors = network.tensors();
            let heads = tensors.split_off(tensors.len() - 4);
            let last = format!("{}", one_layers(spec));
            for (i, part) in ["weight", "bias"].into_iter().enumerate() {
                let mut shape = heads[i].shape.clone();
                shape[0] = policy + value;
                let data = [&*heads[i].data, &*heads[i + 2].data].concat();
                tensors.push(Tensor { name: format!("{last}.{part}"), shape, data });
            }
            tensors
        };
        assert_eq!(tensor(&network.tensors(), "value.weight").shape[0], 1);
        one.load_tensors(&merged(&network)).unwrap();
        let batch = noise(samples * 3, &mut Pcg64::new(1));
        let (mut workspace, mut other) = (Workspace::default(), Workspace::default());
        let outputs = network.forward(&batch, &mut workspace).to_vec();
        let expected = one.forward(&batch, &mut other).to_vec();
        let (of_policy, of_value) =
            (network.head_range("policy", samples), network.head_range("value", samples));
        assert_eq!((of_policy.clone(), of_value.clone()), (0..105, 105..126));
        assert_eq!(network.head_range_at(1, samples), of_value);
        let d_outputs = noise(outputs.len(), &mut Pcg64::new(2));
        let mut d_expected = vec![0.0; outputs.len()];
        for s in 0..samples {
            let row = s * (policy + value);
            assert_eq!(outputs[of_policy.clone()][s * policy..][..policy], expected[row..][..policy]);
            assert_eq!(outputs[of_value.clone()][s], expected[row + policy]);
            d_expected[row..][..policy]
                .copy_from_slice(&d_outputs[of_policy.clone()][s * policy..][..policy]);
            d_expected[row + policy] = d_outputs[of_value.clone()][s];
        }
        let few = network.predict(&batch[..6], &mut workspace).to_vec();
        assert_eq!(few[network.head_range("value", 2)], outputs[of_value.start..][..2]);
        assert_eq!(few[network.head_range("policy", 2)], outputs[..2 * policy]);
        network.forward(&batch, &mut workspace);
        let pass = |network: &Network, d_outputs: &[f32], workspace: &mut Workspace| {
            let mut gradient = vec![f32::NAN; network.parameters().len()];
            network.backward(d_outputs, workspace, &mut gradient);
            let mut read = network.clone();
            read.update_parameters(|parameters| parameters.copy_from_slice(&gradient));
            read
        };
        let (got, expected) =
            (pass(&network, &d_outputs, &mut workspace), pass(&one, &d_expected, &mut other));
        let (got, expected) = (merged(&got), expected.tensors());
        for tensor in &expected {
            let got = got.iter().find(|got| got.name == tensor.name).unwrap();
            let close =
                got.data.iter().zip(&tensor.data).all(|(a, b)| (a - b).abs() <= 2e-6 * (1.0 + b.abs()));
            assert!(close, "{spec}: {}", tensor.name);
        }
        // A sum over the outputs is cut apart too, so below the heads the last digits differ; the heads' own
        // do not.
        assert_eq!(got[got.len() - 2..], expected[expected.len() - 2..]);
    }
}

/// The number of the last layer of these networks in `nn.Sequential`.
fn one_layers(spec: &str) -> usize {
    let spec: NetworkSpec = spec.parse().unwrap();
    spec.hidden.len() * if spec.layer_norm { 3 } else { 2 }
}

#[test]
fn a_tap_shows_the_activations_and_adds_their_gradients() {
    let samples = 18;
    let network = build("mlp:5,4:tanh", &Interface::from(&Ends::new(3, 2)));
    let names: Vec<(&str, usize)> = network.taps().map(|(name, tap)| (name, tap.units())).collect();
    assert_eq!(names, [("1", 5), ("3", 4)]);
    assert_eq!(network.tap("0"), None);
    let (tap, mut workspace) = (network.tap("3").unwrap(), Workspace::default());
    let batch = noise(samples * 3, &mut Pcg64::new(1));
    let outputs = network.forward(&batch, &mut workspace).to_vec();
    let mut units = vec![f32::NAN; samples * 4];
    network.activations(tap, &workspace, &mut units);
    // The last layer, from the units: PyTorch's rows of weights, one per output.
    let tensors = network.tensors();
    let (weights, biases) = (tensor(&tensors, "4.weight"), tensor(&tensors, "4.bias"));
    for (i, y) in outputs.iter().enumerate() {
        let (units, o) = (&units[i / 2 * 4..][..4], i % 2);
        let sum: f32 = units.iter().zip(&weights.data[o * 4..]).map(|(x, w)| x * w).sum();
        assert!((sum + biases.data[o] - y).abs() < 1e-6);
    }
    // The gradient of the outputs through the last layer by hand, given at the tap, has the same effect below.
    let d_outputs = noise(samples * 2, &mut Pcg64::new(2));
    let d_units: Vec<f32> = (0..samples * 4)
        .map(|i| (0..2).map(|o| d_outputs[i / 4 * 2 + o] * weights.data[o * 4 + i % 4]).sum())
        .collect();
    let mut pass = |upstream: Upstream<'_>| {
        let (mut gradient, mut d_inputs) = (vec![f32::NAN; network.parameters().len()], vec![f32::NAN; 54]);
        network.backward_from(upstream, &mut workspace, Some(&mut gradient), Some(&mut d_inputs));
        (gradient, d_inputs)
    };
    let (whole, d_whole) = pass(d_outputs[..].into());
    let (tapped, d_tapped) = pass(Upstream { taps: &[(tap, &d_units)], ..Upstream::default() });
    let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
    let last = whole.len() - 10;
    assert!(close(&d_whole, &d_tapped) && close(&whole[..last], &tapped[..last]));
    assert!(tapped[last..].iter().all(|&g| g == 0.0));
    // Both together are the sum.
    let (both, _) = pass(Upstream { outputs: &d_outputs, taps: &[(tap, &d_units)], ..Upstream::default() });
    let twice: Vec<f32> = whole[..last].iter().map(|g| 2.0 * g).collect();
    assert!(close(&both[..last], &twice) && both[last..] == whole[last..]);
}

#[test]
fn names_are_checked() {
    let check = |interface: Interface, expected: &str| {
        assert_eq!(NetworkSpec::mlp(&[4]).check(&interface).unwrap_err(), expected);
    };
    let ends = || Interface::from(&Ends::new(3, 2));
    let no_name = "is no name: letters, digits and underscores, not beginning with a digit";
    check(ends().with_free("log std", 1, 0.0), &format!("`log std` {no_name}"));
    check(ends().with_free("0", 1, 0.0), &format!("`0` {no_name}"));
    check(ends().with_free("", 1, 0.0), &format!("`` {no_name}"));
    check(ends().with_free("a", 1, 0.0).with_free("a", 2, 0.0), "there are two of the name `a`");
    let heads = |heads: &[(&str, usize)]| Interface::of_heads(3, heads);
    check(heads(&[("a", 1), ("a", 1)]), "there are two of the name `a`");
    check(heads(&[("a", 1)]).with_free("a", 1, 0.0), "there are two of the name `a`");
    check(heads(&[("a.b", 1)]), &format!("`a.b` {no_name}"));
    check(heads(&[("a", 1), ("b", 0)]), "head `b` must have an output");
    let disagree = "named heads have values, as many in all as there are choices";
    check(Interface { ends: Ends::new(3, 4), ..heads(&[("a", 3)]) }, disagree);
    check(heads(&[("a", usize::MAX), ("b", 1)]), disagree);
    let dueling = "mlp:4:dueling".parse::<NetworkSpec>().unwrap().check(heads(&[("a", 3)]));
    assert_eq!(dueling.unwrap_err(), "dueling has two streams into one head, and cannot have several");
    check(ends().with_free("a", 0, 0.0), "`a` must have from 1 to 16777216 numbers");
}
