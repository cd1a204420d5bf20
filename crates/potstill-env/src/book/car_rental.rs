//! `CarRental`: cars are moved overnight between two places where they are rented (Sutton and Barto 2018,
//! Example 4.2, figure 4.2 and exercise 4.7).
//!
//! ```
//! use potstill_env::{Env, book::car_rental::{CAR_MAX, CarRental}};
//!
//! let (mut env, mut state) = (CarRental::default(), 0);
//! env.reset(Some(1), &mut state);
//! assert_eq!((state / (CAR_MAX + 1), state % (CAR_MAX + 1)), (10, 10));
//! let outcome = env.step(&5, &mut state)?;
//! assert!(outcome.reward > 0.0 && !outcome.terminated);
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Discrete(11)`: `action - 5` cars from the first place to the second; 0 moves five to the first. A move of
//! more cars than there are moves those there are.
//!
//! # Observation space
//!
//! `Discrete(441)`: `cars at the first place * 21 + cars at the second`, in the evening.
//!
//! # Rewards
//!
//! 10 for each car that is rented in a day, -2 for each that was moved overnight. Customers and returns have
//! Poisson distributions: 3 and 3 a day at the first place, 4 and 2 at the second. A returned car can be
//! rented the day after; more than 20 cars at a place are taken away.
//!
//! The reward is the expected income of the day, given the cars in the morning, so that there is an exact
//! model. With `random_income` it is the income itself, which only samples can tell: it depends on the day's
//! customers, whom the next state does not reveal. Values and policies are the same.
//!
//! # Starting state
//!
//! Ten cars at each place; the book gives none.
//!
//! # Episode end
//!
//! None: the task is continuing. The book's discount is 0.9.
//!
//! # Options
//!
//! | option | meaning | default | example |
//! |---|---|---|---|
//! | `free_shuttle` | an employee takes one car a night from the first place to the second, for nothing (exercise 4.7): `true` or `false` | `false` | `true` |
//! | `parking_fee` | more than 10 cars at a place overnight cost 4 (exercise 4.7): `true` or `false` | `false` | `true` |
//! | `random_income` | the reward is the income of the day instead of its expectation; there is no exact model: `true` or `false` | `false` | `true` |
//!
//! # Source
//!
//! The book; it is not in Gymnasium. The sums over customers and returns are exact.

use crate::registry::{Entry, Kind};
use crate::{Env, EnvError, ModelOutcome, Outcome, Paint, Scene, Space, StateMap, TransitionModel};
use potstill_core::math::exp_f64;
use potstill_core::snapshot::Codec;
use potstill_core::{Pcg64, Snapshot, SnapshotError, Value, snapshot};
use std::sync::{Arc, OnceLock};

/// The most cars at a place.
pub const CAR_MAX: usize = 20;
/// Numbers of cars at a place.
const CARS: usize = CAR_MAX + 1;
/// The most cars that are moved.
const MOVE_MAX: usize = 5;
/// Cars at a place beyond which a night costs [`PARKING_FEE`].
const PARKING: usize = 10;
const INCOME: f64 = 10.0;
const MOVE_COST: f64 = 2.0;
const PARKING_FEE: f64 = 4.0;
/// Customers and returns of a day, at the first place and at the second.
const MEANS: [(f64, f64); 2] = [(3.0, 3.0), (4.0, 2.0)];

/// The probability of each number below `n`.
fn poisson(mean: f64, n: usize) -> Vec<f64> {
    let mut probability = exp_f64(-mean);
    let mut next = |k: usize| {
        let this = probability;
        probability *= mean / (k + 1) as f64;
        this
    };
    (0..n).map(&mut next).collect()
}

/// The days of a place, by its cars in the morning.
struct Place {
    /// The probability of each number of cars in the evening.
    evenings: Vec<[f64; CARS]>,
    /// The expected number of rented cars.
    rented: Vec<f64>,
}

impl Place {
    fn new((customers, returns): (f64, f64)) -> Self {
        let (customers, returns) = (poisson(customers, CARS), poisson(returns, CARS));
        let day = |morning: usize| {
            let (mut evening, mut rented) = ([0.0; CARS], 0.0);
            let mut more_customers = 1.0;
            for (out, &chance) in customers.iter().enumerate().take(morning + 1) {
                // The last car is rented by that many customers or more.
                let probability = if out == morning { more_customers } else { chance };
                more_customers -= chance;
                rented += probability * out as f64;
                let mut more_returns = 1.0;
                for (back, &chance) in returns.iter().enumerate().take(CARS - (morning - out)) {
                    let cars = morning - out + back;
                    evening[cars] += probability * if cars == CAR_MAX { more_returns } else { chance };
                    more_returns -= chance;
                }
            }
            (evening, rented)
        };
        let (evenings, rented) = (0..CARS).map(day).unzip();
        Self { evenings, rented }
    }
}

/// Both places.
fn places() -> &'static [Place; 2] {
    static PLACES: OnceLock<[Place; 2]> = OnceLock::new();
    PLACES.get_or_init(|| MEANS.map(Place::new))
}

/// The two places, in the evening.
#[derive(Clone, Debug)]
pub struct CarRental {
    free_shuttle: bool,
    parking_fee: bool,
    random_income: bool,
    cars: [usize; 2],
    rng: Pcg64,
}

impl Default for CarRental {
    fn default() -> Self {
        Self::new(false, false, false)
    }
}

/// A Poisson distributed number (Knuth 1969, section 3.4.1).
fn draw(mean: f64, rng: &mut Pcg64) -> usize {
    let (limit, mut product, mut number) = (exp_f64(-mean), rng.unit(), 0);
    while product > limit {
        product *= rng.unit();
        number += 1;
    }
    number
}

impl CarRental {
    /// The places, with the options of exercise 4.7, and with the income of a day or its expectation.
    pub fn new(free_shuttle: bool, parking_fee: bool, random_income: bool) -> Self {
        // Computed here, so that no step allocates.
        places();
        Self { free_shuttle, parking_fee, random_income, cars: [PARKING; 2], rng: Pcg64::new(0) }
    }

    /// The cars in the morning after an action, and the cost of the night.
    fn night(&self, [first, second]: [usize; 2], action: usize) -> ([usize; 2], f64) {
        let (there, back) = (action.saturating_sub(MOVE_MAX), MOVE_MAX.saturating_sub(action));
        let (there, back) = (there.min(first), back.min(second));
        let morning = [first - there + back, second - back + there].map(|cars| cars.min(CAR_MAX));
        let paid = there.saturating_sub(usize::from(self.free_shuttle)) + back;
        let parked =
            if self.parking_fee { morning.iter().filter(|&&cars| cars > PARKING).count() } else { 0 };
        (morning, MOVE_COST * paid as f64 + PARKING_FEE * parked as f64)
    }

    fn expected_income(morning: [usize; 2]) -> f64 {
        let [first, second] = places();
        INCOME * (first.rented[morning[0]] + second.rented[morning[1]])
    }

    fn exact_model(&self) -> TransitionModel {
        let [first, second] = places();
        let start = vec![(1.0, PARKING * CARS + PARKING)];
        TransitionModel::new(CARS * CARS, 2 * MOVE_MAX + 1, start, |state, action| {
            let (morning, cost) = self.night([state / CARS, state % CARS], action);
            let reward = Self::expected_income(morning) - cost;
            let (of_first, of_second) = (&first.evenings[morning[0]], &second.evenings[morning[1]]);
            let evening = |next: usize| ModelOutcome {
                probability: of_first[next / CARS] * of_second[next % CARS],
                next,
                reward,
                terminated: false,
            };
            (0..CARS * CARS).map(evening).collect()
        })
    }
}

impl Env for CarRental {
    type Observation = usize;
    type Action = usize;

    fn observation_space(&self) -> Space {
        Space::Discrete { n: CARS * CARS }
    }

    fn action_space(&self) -> Space {
        Space::Discrete { n: 2 * MOVE_MAX + 1 }
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut usize) {
        if let Some(seed) = seed {
            self.rng = Pcg64::new(seed);
        }
        self.cars = [PARKING; 2];
        *observation = PARKING * CARS + PARKING;
    }

    fn step(&mut self, &action: &usize, observation: &mut usize) -> Result<Outcome, EnvError> {
        if action > 2 * MOVE_MAX {
            return Err(EnvError::Action { action: action.to_string(), space: self.action_space() });
        }
        let (morning, cost) = self.night(self.cars, action);
        let mut rented = 0;
        for (place, (customers, returns)) in MEANS.into_iter().enumerate() {
            let out = draw(customers, &mut self.rng).min(morning[place]);
            let back = draw(returns, &mut self.rng);
            rented += out;
            self.cars[place] = (morning[place] - out + back).min(CAR_MAX);
        }
        let income = if self.random_income { INCOME * rented as f64 } else { Self::expected_income(morning) };
        *observation = self.cars[0] * CARS + self.cars[1];
        Ok(Outcome { reward: income - cost, terminated: false, truncated: false })
    }

    fn reseed(&mut self, seed: u64) {
        self.rng = Pcg64::new(seed);
    }

    /// Two million outcomes, computed when they are asked for.
    fn model(&self) -> Option<Arc<TransitionModel>> {
        static MODELS: [OnceLock<Arc<TransitionModel>>; 4] = [const { OnceLock::new() }; 4];
        let kept = &MODELS[2 * usize::from(self.free_shuttle) + usize::from(self.parking_fee)];
        (!self.random_income).then(|| kept.get_or_init(|| Arc::new(self.exact_model())).clone())
    }

    fn is_stochastic(&self) -> bool {
        true
    }

    fn scene(&self) -> Option<Scene> {
        Some(scene(self.cars))
    }

    fn scene_of(&self, &state: &usize) -> Option<Scene> {
        (state < CARS * CARS).then(|| scene([state / CARS, state % CARS]))
    }

    /// As figure 4.2: the first place upwards, the second to the right.
    fn state_maps(&self) -> Vec<StateMap> {
        let (up, right): (Vec<usize>, Vec<usize>) = ((0..CARS).rev().collect(), (0..CARS).collect());
        let state_of = |first: usize, second: usize| Some(first * CARS + second);
        vec![StateMap::new(("cars at the first place", &up), ("cars at the second place", &right), state_of)]
    }
}

/// A row of cars at each place.
fn scene(cars: [usize; 2]) -> Scene {
    let mut scene = Scene::new(24.0, 6.0);
    for (place, cars) in cars.into_iter().enumerate() {
        let y = 1.0 + 3.0 * place as f64;
        scene.text(Paint::Ink, (1.5, y + 0.5), ["first", "second"][place], 0.9);
        scene.rectangle(Paint::Faint, (3.5, y), (20.0, 1.0));
        for car in 0..cars {
            scene.rectangle(Paint::Agent, (3.6 + car as f64, y + 0.2), (0.8, 0.6));
        }
    }
    scene
}

snapshot! {
    impl Restorable for CarRental {
        saved: cars via BothPlaces, rng;
        built: free_shuttle, parking_fee, random_income;
    }
}

/// The cars of both places are saved as the number of the state.
struct BothPlaces;

impl Codec<[usize; 2]> for BothPlaces {
    fn save(&self, cars: &[usize; 2], name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, Value::U64((cars[0] * CARS + cars[1]) as u64));
    }

    fn load(&self, cars: &mut [usize; 2], name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let state = snapshot.index(name, CARS * CARS)?;
        *cars = [state / CARS, state % CARS];
        Ok(())
    }
}

pub(crate) fn entry() -> Entry {
    Entry::new("CarRental", "move cars overnight between two places; it never ends", |options| {
        let (shuttle, fee) = (options.flag("free_shuttle", false)?, options.flag("parking_fee", false)?);
        Ok(Kind::states(CarRental::new(shuttle, fee, options.flag("random_income", false)?)))
    })
    .documented(include_str!("car_rental.rs"))
    .actions(&["-5", "-4", "-3", "-2", "-1", "0", "1", "2", "3", "4", "5"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_by_hand() {
        let check = |shuttle, fee, evening, action, morning: [usize; 2], cost: f64| {
            let env = CarRental::new(shuttle, fee, false);
            assert_eq!(env.night(evening, action), (morning, cost), "{evening:?} {action}");
        };
        check(false, false, [10, 10], 5, [10, 10], 0.0);
        check(false, false, [10, 10], 8, [7, 13], 6.0);
        check(false, false, [10, 10], 0, [15, 5], 10.0);
        // No more than there are, and no more than there is room for.
        check(false, false, [2, 3], 10, [0, 5], 4.0);
        check(false, false, [3, 19], 8, [0, 20], 6.0);
        check(true, false, [10, 10], 8, [7, 13], 4.0);
        check(true, false, [10, 10], 4, [11, 9], 2.0);
        check(false, true, [11, 10], 5, [11, 10], 4.0);
        check(true, true, [12, 11], 6, [11, 12], 8.0);
    }

    #[test]
    fn a_day_by_hand() {
        let [first, second] = places();
        // No car: none is rented, and returns are all there is; e^-3 = 0.0497870684.
        assert!((first.evenings[0][0] - 0.049_787_068_4).abs() < 1e-10 && first.rented[0] == 0.0);
        // One car: rented unless there is no request, 1 - e^-3; it stays and none comes back with e^-3 e^-3.
        assert!((first.rented[1] - 0.950_212_931_6).abs() < 1e-10);
        assert!((first.evenings[1][0] - 0.950_212_931_6 * 0.049_787_068_4).abs() < 1e-10);
        // Twenty cars are nearly always enough.
        assert!((second.rented[CAR_MAX] - 4.0).abs() < 1e-8, "{}", second.rented[CAR_MAX]);
        for place in places() {
            assert!(place.evenings.iter().all(|evening| (evening.iter().sum::<f64>() - 1.0).abs() < 1e-14));
        }
    }
}
