//! Quasi-random points: the randomised Halton sequence (Owen 2017, "A randomized Halton algorithm in R").
//!
//! Coordinate `d` of point `i` is the radical inverse of `i` in the `d`-th prime: its digits, behind the
//! point and in reverse order. Each digit goes through a permutation of its place and coordinate, which takes
//! the stripes from coordinates with large primes, and makes every point uniformly distributed.

use potstill_core::Pcg64;

/// Bits beyond which further digits are not seen.
const BITS: f64 = 9_007_199_254_740_992.0;

/// The sequence in some dimensions.
#[derive(Clone, Debug)]
pub struct Halton {
    /// For each coordinate its base, and a permutation of the digits for each place.
    coordinates: Vec<(usize, Vec<Vec<usize>>)>,
}

impl Halton {
    /// A sequence in so many dimensions, randomised by a stream.
    pub fn new(dimensions: usize, rng: &mut Pcg64) -> Self {
        let permutation = |base: usize, rng: &mut Pcg64| {
            let mut digits: Vec<usize> = (0..base).collect();
            rng.shuffle(&mut digits);
            digits
        };
        let of_base = |base: usize| (base, (0..places(base)).map(|_| permutation(base, rng)).collect());
        Self { coordinates: primes().take(dimensions).map(of_base).collect() }
    }

    /// Point `index`, in the unit cube.
    pub fn point(&self, index: u64) -> Vec<f64> {
        let inverse = |(base, permutations): &(usize, Vec<Vec<usize>>)| {
            let base = *base as u64;
            let (mut rest, mut unit, mut x) = (index, 1.0, 0.0);
            for permutation in permutations {
                unit /= base as f64;
                x += permutation[(rest % base) as usize] as f64 * unit;
                rest /= base;
            }
            x
        };
        self.coordinates.iter().map(inverse).collect()
    }
}

/// The number of digits that a point in double precision has in a base.
fn places(base: usize) -> usize {
    let powers = std::iter::successors(Some(1.0), |power| Some(power * base as f64));
    powers.take_while(|power| *power < BITS).count()
}

/// The prime numbers.
fn primes() -> impl Iterator<Item = usize> {
    (2_usize..)
        .filter(|n| (2..*n).take_while(|divisor| divisor * divisor <= *n).all(|divisor| n % divisor != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SciPy 1.17.1: `scipy.stats.qmc.Halton(d=4, scramble=False).random(6)`.
    const HALTON: [[f64; 4]; 6] = [
        [0.0, 0.0, 0.0, 0.0],
        [0.5, 0.333_333_333_333_333_3, 0.2, 0.142_857_142_857_142_85],
        [0.25, 0.666_666_666_666_666_6, 0.4, 0.285_714_285_714_285_7],
        [0.75, 0.111_111_111_111_111_1, 0.600_000_000_000_000_1, 0.428_571_428_571_428_55],
        [0.125, 0.444_444_444_444_444_4, 0.8, 0.571_428_571_428_571_4],
        [0.625, 0.777_777_777_777_777_7, 0.04, 0.714_285_714_285_714_2],
    ];

    #[test]
    fn without_permutations_the_points_are_scipys() {
        let plain = |base: usize| (base, vec![(0..base).collect(); places(base)]);
        let halton = Halton { coordinates: primes().take(4).map(plain).collect() };
        for (i, expected) in HALTON.iter().enumerate() {
            for (x, expected) in halton.point(i as u64).iter().zip(expected) {
                assert!((x - expected).abs() < 1e-15, "point {i}: {x} for {expected}");
            }
        }
    }

    #[test]
    fn permuted_digits_are_scipys() {
        // SciPy 1.17.1: van_der_corput(7, 3, scramble=True, permutations=[[2, 0, 1], [1, 2, 0], [0, 2, 1]]).
        let expected = [
            0.777_777_777_777_777_7,
            0.111_111_111_111_111_1,
            0.444_444_444_444_444_4,
            0.888_888_888_888_888_8,
            0.222_222_222_222_222_2,
            0.555_555_555_555_555_6,
            0.666_666_666_666_666_6,
        ];
        let permutations = vec![vec![2, 0, 1], vec![1, 2, 0], vec![0, 2, 1]];
        let halton = Halton { coordinates: vec![(3, permutations)] };
        for (i, expected) in expected.iter().enumerate() {
            let [x] = halton.point(i as u64)[..] else { panic!("one coordinate") };
            assert!((x - expected).abs() < 1e-15, "point {i}: {x} for {expected}");
        }
    }

    #[test]
    fn a_randomised_sequence_stays_evenly_spread() {
        // The first b^k points of a coordinate have one in each interval of b^-k, however digits are
        // permuted.
        let halton = Halton::new(3, &mut Pcg64::new(5));
        for (coordinate, base) in [2_usize, 3, 5].into_iter().enumerate() {
            let count = base.pow(3);
            let mut hit = vec![0; count];
            for i in 0..count {
                // Rounding must not move a point from the start of its interval into the one before.
                hit[(halton.point(i as u64)[coordinate] * count as f64 + 1e-9) as usize] += 1;
            }
            assert!(hit.iter().all(|&hits| hits == 1), "base {base}: {hit:?}");
        }
        assert_ne!(halton.point(0), Halton::new(3, &mut Pcg64::new(6)).point(0));
    }
}
