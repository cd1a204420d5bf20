//! Tile coding (Sutton and Barto 2018, section 9.5.4): an observation as the tiles that it lies on, one of each
//! of several grids that are offset against each other.
//!
//! A grid, a *tiling*, divides the range of each number into `tiles` equal parts. Tiling `t` is displaced by
//! `t (1 + 2 i)` parts of a tile in dimension `i`, divided by the number of tilings (Miller and Glanz 1996),
//! as Sutton's `tiles3` does: two observations share tiles exactly where they do there.
//!
//! Differences from `tiles3`: every tile has a number of its own instead of one by hashing, so that nothing
//! collides; each tiling has one tile more in each dimension, for what the displacement cuts off. Numbers beyond
//! their range count as at its bound.
//!
//! ```
//! use potstill::tile_coding::TileCoder;
//!
//! // Two tilings of the numbers from 0 to 4, with tiles of width 1: the second is displaced by 1/2.
//! let coder = TileCoder::new(vec![(0.0, 4.0)], 4, 2)?;
//! let mut active = [0; 2];
//! coder.encode(&[1.2], &mut active);
//! assert_eq!(active, [1, 5 + 1]);
//! coder.encode(&[1.7], &mut active);
//! assert_eq!(active, [1, 5 + 2]);
//! # Ok::<(), String>(())
//! ```

/// Largest number of features; more would be memory without end.
const FEATURES_MAX: usize = 1 << 24;

/// A number of grids over a box of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct TileCoder {
    bounds: Vec<(f64, f64)>,
    tiles: usize,
    tilings: usize,
}

impl TileCoder {
    /// `tilings` grids of `tiles` parts over the range of each number, lowest and highest.
    ///
    /// # Errors
    /// If there is no number, a range is empty or not finite, or there would be more than 16,777,216 features.
    pub fn new(bounds: Vec<(f64, f64)>, tiles: usize, tilings: usize) -> Result<Self, String> {
        if bounds.is_empty() || tiles == 0 || tilings == 0 {
            return Err("there is nothing to divide".to_owned());
        }
        let is_range = |&(low, high): &(f64, f64)| low < high && (high - low).is_finite();
        if let Some(i) = bounds.iter().position(|range| !is_range(range)) {
            return Err(format!("the range of number {i} is {} to {}", bounds[i].0, bounds[i].1));
        }
        let dimensions = u32::try_from(bounds.len()).unwrap_or(u32::MAX);
        let features = tiles.checked_add(1).and_then(|side| side.checked_pow(dimensions));
        match features.and_then(|tiles| tiles.checked_mul(tilings)) {
            Some(count) if count <= FEATURES_MAX => Ok(Self { bounds, tiles, tilings }),
            _ => Err(format!(
                "{tilings} tilings of {} tiles in each of {dimensions} dimensions are more than {FEATURES_MAX}; give fewer",
                tiles + 1
            )),
        }
    }

    /// Lowest and highest value of each number.
    pub fn bounds(&self) -> &[(f64, f64)] {
        &self.bounds
    }

    /// Parts of the range of each number.
    pub fn tiles(&self) -> usize {
        self.tiles
    }

    /// The number of tilings, and of active features.
    pub fn tilings(&self) -> usize {
        self.tilings
    }

    /// The number of binary features: all tiles of all tilings.
    pub fn features(&self) -> usize {
        self.tilings * (self.tiles + 1).pow(self.bounds.len() as u32)
    }

    /// The active feature of each tiling.
    ///
    /// # Panics
    /// If there are not as many numbers as dimensions.
    pub fn active<'a, V: Copy + Into<f64>>(
        &'a self,
        observation: &'a [V],
    ) -> impl Iterator<Item = usize> + 'a {
        assert_eq!(observation.len(), self.bounds.len(), "a number for each dimension");
        let parts = self.tiles * self.tilings;
        (0..self.tilings).map(move |tiling| {
            let numbers = observation.iter().zip(&self.bounds).enumerate();
            numbers.fold(tiling, |index, (i, (&x, &(low, high)))| {
                // In parts of a tile as fine as the displacements. Casts saturate.
                let part = ((x.into() - low) * parts as f64 / (high - low)) as usize;
                let displacement = tiling * (1 + 2 * i) % self.tilings;
                index * (self.tiles + 1) + (part.min(parts) + displacement) / self.tilings
            })
        })
    }

    /// Writes the active feature of each tiling.
    ///
    /// # Panics
    /// If there are not as many numbers as dimensions, or as many places as tilings.
    pub fn encode<V: Copy + Into<f64>>(&self, observation: &[V], active: &mut [usize]) {
        assert_eq!(active.len(), self.tilings, "a place for each tiling");
        active.iter_mut().zip(self.active(observation)).for_each(|(place, feature)| *place = feature);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Sutton's `tiles3` for two numbers, with labels in the order in which tiles first occur.
    fn tiles3(labels: &mut BTreeMap<[i64; 3], usize>, scaled: [f64; 2], tilings: i64) -> Vec<usize> {
        let quantized = scaled.map(|x| (x * tilings as f64).floor() as i64);
        let tile = |tiling: i64| {
            let coordinates = [
                tiling,
                (quantized[0] + tiling).div_euclid(tilings),
                (quantized[1] + 3 * tiling).div_euclid(tilings),
            ];
            let new = labels.len();
            *labels.entry(coordinates).or_insert(new)
        };
        (0..tilings).map(tile).collect()
    }

    /// Two codes are the same if their tiles correspond one to one.
    #[test]
    fn tiles_are_shared_as_in_tiles3() {
        let coder = TileCoder::new(vec![(-1.2, 0.5), (-0.07, 0.07)], 8, 8).unwrap();
        let (mut labels, mut there, mut back) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for i in 0..=200 {
            for j in 0..=200 {
                // No point lies on the edge of a tile, where rounding decides.
                let (x, v) = (0.003 + 0.0083 * f64::from(i), 0.0003 + 0.000_691 * f64::from(j));
                let theirs = tiles3(&mut labels, [8.0 * x / 1.7, 8.0 * v / 0.14], 8);
                let mut ours = [0; 8];
                coder.encode(&[x - 1.2, v - 0.07], &mut ours);
                for (our, their) in ours.into_iter().zip(theirs) {
                    assert_eq!(*there.entry(our).or_insert(their), their);
                    assert_eq!(*back.entry(their).or_insert(our), our);
                }
            }
        }
        assert_eq!(coder.features(), 8 * 9 * 9);
        assert!(there.len() > 500, "{}", there.len());
    }

    #[test]
    fn groups_of_states_are_exact_and_bounds_hold() {
        // A thousand states in ten groups: no group has a state too many by rounding.
        let coder = TileCoder::new(vec![(0.0, 1000.0)], 10, 1).unwrap();
        let mut active = [0];
        for state in 0..1000 {
            coder.encode(&[state as f64], &mut active);
            assert_eq!(active[0], state / 100);
        }
        let coder = TileCoder::new(vec![(0.0, 21.0)], 3, 7).unwrap();
        for x in [-1e30, -0.5, 0.0, 21.0, 1e30, f64::NAN] {
            let mut active = [0; 7];
            coder.encode(&[x], &mut active);
            let inside = |(t, &i): (usize, &usize)| (4 * t..4 * t + 4).contains(&i);
            assert!(active.iter().enumerate().all(inside), "{x}: {active:?}");
        }
    }

    #[test]
    fn what_cannot_be_divided_is_told() {
        let check = |bounds: &[(f64, f64)], tiles, expected: &str| {
            let error = TileCoder::new(bounds.to_vec(), tiles, 8).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        check(&[], 8, "nothing to divide");
        check(&[(0.0, 1.0), (2.0, 2.0)], 8, "the range of number 1 is 2 to 2");
        check(&[(0.0, f64::INFINITY)], 8, "the range of number 0 is 0 to inf");
        check(&[(0.0, 1.0); 8], 8, "8 tilings of 9 tiles in each of 8 dimensions are more than 16777216");
        check(&[(0.0, 1.0); 400], 8, "in each of 400 dimensions");
    }
}
