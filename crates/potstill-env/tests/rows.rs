//! Observations and actions as rows of numbers, and an environment with actions of three numbers.

mod point_mass;

use potstill_core::{Pcg64, Restorable};
use potstill_env::trace::{Actions, trace};
use potstill_env::wrappers::{ActionRepeat, FrameStack, StickyActions};
use potstill_env::{Autoreset, ControlEnv, Env, EnvError, Row, Space, VecEnv};

fn box_of_three() -> Space {
    Space::Box { low: vec![-1.0, -2.0, -3.0], high: vec![1.0, 2.0, 3.0] }
}

fn point_mass() -> ControlEnv {
    point_mass::specs(200)[0].make_control().unwrap()
}

#[test]
fn what_is_in_a_space() {
    fn check<R: Row + ?Sized>(value: &R, space: &Space, expected: Option<&str>) {
        assert_eq!((value.is_in(space), value.outside(space).as_deref()), (expected.is_none(), expected));
    }
    check(&3, &Space::Discrete { n: 4 }, None);
    check(&4, &Space::Discrete { n: 4 }, Some("4 is not in Discrete(4)"));
    check(&5, &Space::Tuple { sizes: vec![2, 3] }, None);
    check(&0, &box_of_three(), Some("0 is not in Box(3)"));
    check(&[1.0, -2.0, 3.0][..], &box_of_three(), None);
    check(&[1.0, 2.5, 0.0][..], &box_of_three(), Some("number 1 is 2.5, outside (-2.0, 2.0)"));
    check(&[0.0_f32, 0.0][..], &box_of_three(), Some("it has 2 numbers, Box(3) has 3"));
    check(&[1_u8, 0][..], &Space::MultiBinary { shape: vec![2] }, None);
    check(&[1_u8, 2][..], &Space::MultiBinary { shape: vec![2] }, Some("number 1 is 2, outside (0.0, 1.0)"));
    let image = Space::Image { frames: 1, height: 1, width: 2, channels: 1 };
    check(&[0_u8, 255][..], &image, None);
    check(&[7_u8][..], &image, Some("it has 1 numbers, Image(1, 2, 1) has 2"));
    check(&[0.0, 255.0][..], &image, None);
    check(&[0.0, 256.0][..], &image, Some("number 1 is 256.0, outside (0.0, 255.0)"));
    check(&[0.5, 1.0][..], &image, Some("number 0 is 0.5, outside (0.0, 255.0)"));
}

#[test]
fn numbers_become_values_of_a_space() {
    let discrete = Space::Discrete { n: 3 };
    assert_eq!(usize::from_numbers(&[2.0], &discrete), Some(2));
    for outside in [&[3.0][..], &[0.5], &[-1.0], &[], &[1.0, 1.0], &[f64::NAN]] {
        assert_eq!(usize::from_numbers(outside, &discrete), None, "{outside:?}");
    }
    assert_eq!(<[f32]>::from_numbers(&[1.0, 0.5, -3.0], &box_of_three()), Some(vec![1.0, 0.5, -3.0]));
    assert_eq!(<[f32]>::from_numbers(&[1.0, 0.5, -3.5], &box_of_three()), None);
    let bits = Space::MultiBinary { shape: vec![2] };
    assert_eq!(<[u8]>::from_numbers(&[0.0, 1.0], &bits), Some(vec![0, 1]));
    assert_eq!(<[u8]>::from_numbers(&[0.0, 2.0], &bits), None);
}

#[test]
fn a_sample_is_one_draw_per_component() {
    let (mut ours, mut by_hand) = (Pcg64::new(3), Pcg64::new(3));
    let rows = <[f32]>::sample_rows(2, &box_of_three(), &mut ours);
    let expected: Vec<f32> =
        [1.0, 2.0, 3.0, 1.0, 2.0, 3.0].into_iter().map(|high| by_hand.uniform(-high, high) as f32).collect();
    assert_eq!(rows, expected);
    assert!(!<[f32]>::can_sample(&Space::Box { low: vec![0.0], high: vec![f32::INFINITY] }));
}

#[test]
fn a_point_mass_by_hand() {
    let mut env = point_mass();
    let mut observation = [0.0; 6];
    env.reset(Some(1), &mut observation);
    let start = observation;
    let reward = env.step(&[0.5, -2.0, 0.0], &mut observation).unwrap().reward;
    // Velocity 0.1 F, position + 0.1 of it.
    let velocity = [0.05, -0.2, 0.0];
    let mut distance = 0.0;
    for i in 0..3 {
        let position = f64::from(start[i]) + 0.1 * velocity[i];
        assert!((f64::from(observation[i]) - position).abs() < 1e-6);
        assert!((f64::from(observation[i + 3]) - velocity[i]).abs() < 1e-6);
        distance += position * position;
    }
    assert!((reward + distance.sqrt()).abs() < 1e-6, "{reward}");
}

#[test]
fn refused_actions_of_three_numbers() {
    let mut env = point_mass();
    env.reset(Some(1), &mut [0.0; 6]);
    let refused = |env: &mut ControlEnv, action: &[f32], expected: &str| {
        assert_eq!(env.step(action, &mut [0.0; 6]).unwrap_err().to_string(), expected);
    };
    refused(&mut env, &[0.0, 2.5, 0.0], "action [0, 2.5, 0] is outside the action space Box(3)");
    refused(&mut env, &[0.0, 0.0], "action [0, 0] is outside the action space Box(3)");
    refused(&mut env, &[0.0, f32::NAN, 0.0], "action [0, NaN, 0] is outside the action space Box(3)");
    let mut sticky: ControlEnv = Box::new(StickyActions::new(env, 0.5));
    refused(&mut sticky, &[2.0, 0.0, 0.0], "action [2, 0, 0] is outside the action space Box(3)");

    for spec in point_mass::specs(200) {
        let mut envs = spec.make_vec_control(2, Autoreset::NextStep).unwrap();
        envs.reset(Some(0));
        let error = |envs: &mut dyn VecEnv<Element = f32, Action = [f32]>, n: usize, last: f32| {
            envs.step(&[vec![0.0; n - 1], vec![last]].concat()).unwrap_err().to_string()
        };
        assert_eq!(error(&mut *envs, 6, -9.0), "action [0, 0, -9] is outside the action space Box(3)");
        assert_eq!(error(&mut *envs, 3, 0.0), "1 actions for 2 environments");
        let numbers = "5 numbers for 2 environments with actions of 3 numbers: give 2 x 3";
        assert_eq!(error(&mut *envs, 5, 0.0), numbers);
    }
}

#[test]
fn a_trace_of_three_numbers() {
    for spec in point_mass::specs(5) {
        let drawn = trace(&spec, 7, &Actions::Random(50)).unwrap();
        assert_eq!((drawn.start.len(), drawn.steps.len()), (6, 5));
        let actions: Vec<Vec<f64>> = drawn.steps.iter().map(|step| step.action.clone()).collect();
        assert!(actions.iter().all(|action| action.len() == 3));
        assert_eq!(trace(&spec, 7, &Actions::Given(actions)).unwrap(), drawn);
        let short = trace(&spec, 7, &Actions::Given(vec![vec![0.0, 0.5]])).unwrap_err();
        assert_eq!(short.to_string(), "action [0, 0.5] is outside the action space Box(3)");
        assert!(matches!(short, EnvError::Action { .. }));
    }
}

#[test]
fn wrappers_pass_three_numbers_on() {
    let wrapped = || -> ControlEnv {
        let sticky = StickyActions::new(point_mass(), 0.5);
        Box::new(FrameStack::new(ActionRepeat::new(sticky, 2), 2))
    };
    let (mut env, mut rng, space) = (wrapped(), Pcg64::new(5), box_of_three());
    let (mut observation, mut seen) = ([0.0; 12], [0.0; 12]);
    env.reset(Some(4), &mut observation);
    for _ in 0..30 {
        let mut copy = wrapped();
        copy.restore(&env.snapshot()).unwrap();
        let action = <[f32]>::sample(&space, &mut rng);
        assert_eq!(copy.step(&action, &mut seen), env.step(&action, &mut observation));
        assert_eq!(seen, observation);
        assert_eq!(copy.snapshot(), env.snapshot());
    }
}
