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
    let upstream = Upstream { outputs: &outputs, free: &free };
    let length = network.backward_from(upstream, &mut workspace, Some(&mut gradient), None);
    assert_eq!(gradient, expected);
    let square: f64 = free.iter().map(|&g| f64::from(g) * f64::from(g)).sum();
    assert!((length - (without * without + square).sqrt()).abs() < 1e-12 * length);
    let mut optimiser = Optimiser::new(Rule::Sgd { momentum: 0.0, nesterov: false }, all);
    network.update_parameters(|p| optimiser.step(0.5, p, &gradient, &Workers::default()));
    assert_eq!(network.free_parameters("a").unwrap(), [1.0 - 0.5 * free[0], 1.0 - 0.5 * free[1]]);
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
    check(ends().with_free("a", 0, 0.0), "`a` must have from 1 to 16777216 numbers");
}
