//! Named random streams from one seed.
//!
//! The generator is PCG64 (O'Neill 2014, `PCG XSL RR 128/64`) and the seeding is NumPy's `SeedSequence`, so that
//! a stream can be re-created in Python and an environment seeded with `s` draws what Gymnasium draws. A run owns one
//! [`Streams`]; initialisation, exploration, replay, each environment and evaluation take a stream by name, so that
//! one of them drawing more or less never shifts another.
//!
//! ```
//! use potstill_core::Streams;
//! let streams = Streams::new(7);
//! let mut exploration = streams.stream("exploration");
//! let mut environment = streams.indexed("environment", 0);
//! assert_ne!(exploration.next_u64(), environment.next_u64());
//! ```

use crate::snapshot::{Restorable, Snapshot, SnapshotError, Value};

const POOL_SIZE: usize = 4;
const INIT_A: u32 = 0x43b0_d7e5;
const MULT_A: u32 = 0x931e_8875;
const INIT_B: u32 = 0x8b51_f9dd;
const MULT_B: u32 = 0x58f3_8ded;
const MIX_MULT_L: u32 = 0xca01_f9dd;
const MIX_MULT_R: u32 = 0x4973_f715;
const XSHIFT: u32 = 16;

/// NumPy's `SeedSequence` with a pool of four words: mixes any entropy into well-spread seeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedSequence {
    pool: [u32; POOL_SIZE],
}

impl SeedSequence {
    /// `SeedSequence(entropy)`, as Gymnasium's `reset(seed=entropy)` builds it.
    pub fn new(entropy: u64) -> Self {
        Self::with_spawn_key(entropy, &[])
    }

    /// `SeedSequence(entropy, spawn_key=spawn_key)`; each key element is one 32-bit word.
    pub fn with_spawn_key(entropy: u64, spawn_key: &[u32]) -> Self {
        let mut words = vec![entropy as u32];
        if entropy > u64::from(u32::MAX) {
            words.push((entropy >> 32) as u32);
        }
        if !spawn_key.is_empty() {
            // NumPy pads short entropy so that a spawn key can never be mistaken for entropy.
            words.resize(POOL_SIZE, 0);
            words.extend_from_slice(spawn_key);
        }
        Self { pool: mix_entropy(&words) }
    }

    /// `generate_state(N, np.uint64)`.
    pub fn generate<const N: usize>(&self) -> [u64; N] {
        let mut constant = INIT_B;
        let mut words = (0..2 * N).map(|i| {
            let mut word = self.pool[i % POOL_SIZE] ^ constant;
            constant = constant.wrapping_mul(MULT_B);
            word = word.wrapping_mul(constant);
            u64::from(word ^ (word >> XSHIFT))
        });
        std::array::from_fn(|_| {
            let low = words.next().expect("two words per output");
            low | words.next().expect("two words per output") << 32
        })
    }
}

fn mix_entropy(words: &[u32]) -> [u32; POOL_SIZE] {
    let mut constant = INIT_A;
    let mut hash = |word: u32| {
        let mut value = word ^ constant;
        constant = constant.wrapping_mul(MULT_A);
        value = value.wrapping_mul(constant);
        value ^ (value >> XSHIFT)
    };
    let mix = |x: u32, y: u32| {
        let value = MIX_MULT_L.wrapping_mul(x).wrapping_sub(MIX_MULT_R.wrapping_mul(y));
        value ^ (value >> XSHIFT)
    };
    let mut pool: [u32; POOL_SIZE] = std::array::from_fn(|i| hash(words.get(i).copied().unwrap_or(0)));
    for source in 0..POOL_SIZE {
        for target in 0..POOL_SIZE {
            if source != target {
                pool[target] = mix(pool[target], hash(pool[source]));
            }
        }
    }
    for &word in words.iter().skip(POOL_SIZE) {
        for slot in &mut pool {
            *slot = mix(*slot, hash(word));
        }
    }
    pool
}

/// The 128-bit permuted congruential generator NumPy calls `PCG64`; its whole state is 256 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pcg64 {
    state: u128,
    increment: u128,
    /// The half of a word that [`next_u32`](Pcg64::next_u32) has not returned yet.
    half: Option<u32>,
}

impl Pcg64 {
    const MULTIPLIER: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;

    /// The generator behind `numpy.random.default_rng(seed)` and Gymnasium's `reset(seed=seed)`.
    pub fn new(seed: u64) -> Self {
        Self::from_sequence(&SeedSequence::new(seed))
    }

    /// `numpy.random.PCG64(sequence)`.
    pub fn from_sequence(sequence: &SeedSequence) -> Self {
        let [seed_high, seed_low, stream_high, stream_low] = sequence.generate::<4>();
        let wide = |high: u64, low: u64| u128::from(high) << 64 | u128::from(low);
        let mut rng = Self { state: 0, increment: wide(stream_high, stream_low) << 1 | 1, half: None };
        rng.advance();
        rng.state = rng.state.wrapping_add(wide(seed_high, seed_low));
        rng.advance();
        rng
    }

    #[inline]
    fn advance(&mut self) {
        self.state = self.state.wrapping_mul(Self::MULTIPLIER).wrapping_add(self.increment);
    }

    /// The next 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.advance();
        let folded = (self.state >> 64) as u64 ^ self.state as u64;
        folded.rotate_right((self.state >> 122) as u32)
    }

    /// The next 32 random bits: the lower half of a word, then its upper half, in the order of NumPy's
    /// generators.
    pub fn next_u32(&mut self) -> u32 {
        if let Some(half) = self.half.take() {
            return half;
        }
        let word = self.next_u64();
        self.half = Some((word >> 32) as u32);
        word as u32
    }

    /// Uniform in `0..bound`, as `Generator.integers(bound)` and `Generator.choice` draw it: [`below`](Pcg64::below), but from 32 bits.
    ///
    /// # Panics
    /// If `bound` is 0.
    pub fn integer(&mut self, bound: u32) -> u32 {
        assert!(bound > 0, "an empty range has no element to draw");
        if bound == 1 {
            return 0;
        }
        loop {
            let product = u64::from(self.next_u32()) * u64::from(bound);
            if product as u32 >= bound.wrapping_neg() % bound {
                return (product >> 32) as u32;
            }
        }
    }

    /// Uniform in `[0, 1)` with 53 bits, as `Generator.random()`.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Uniform in `[low, high)`, as `Generator.uniform(low, high)`.
    #[inline]
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A sample of the standard normal distribution (Box and Muller 1958); always two draws of
    /// [`unit`](Self::unit).
    pub fn normal(&mut self) -> f64 {
        // In (0, 1], so that its logarithm is finite.
        let radius = crate::math::sqrt_f64(-2.0 * crate::math::ln_f64(1.0 - self.unit()));
        radius * crate::math::sin_cos(2.0 * std::f64::consts::PI * self.unit()).1
    }

    /// Uniform in `0..bound`, without bias (Lemire 2019).
    ///
    /// # Panics
    /// If `bound` is 0.
    #[inline]
    pub fn below(&mut self, bound: usize) -> usize {
        assert!(bound > 0, "an empty range has no element to draw");
        let bound = bound as u64;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            // Reject the few low words that would make some results likelier than others.
            if product as u64 >= bound.wrapping_neg() % bound {
                return (product >> 64) as usize;
            }
        }
    }

    /// Shuffles a slice uniformly (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

impl Restorable for Pcg64 {
    fn snapshot(&self) -> Snapshot {
        let halves = |wide: u128| [(wide >> 64) as u64, wide as u64];
        let state =
            Snapshot::new().with("pcg64", Value::U64s([halves(self.state), halves(self.increment)].concat()));
        match self.half {
            Some(half) => state.with("half", Value::U64(half.into())),
            None => state,
        }
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let words = snapshot.u64s("pcg64", 4)?;
        if words[3] & 1 == 0 {
            return Err(SnapshotError::invalid("pcg64", "the increment of a PCG64 is odd"));
        }
        let wide = |high: u64, low: u64| u128::from(high) << 64 | u128::from(low);
        self.state = wide(words[0], words[1]);
        self.increment = wide(words[2], words[3]);
        self.half = match snapshot.contains("half") {
            true => {
                let half = snapshot.u64("half")?;
                Some(u32::try_from(half).map_err(|_| SnapshotError::invalid("half", "it has 32 bits"))?)
            }
            false => None,
        };
        Ok(())
    }
}

/// All random streams of one run, derived from its seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    /// The streams of the run with this seed.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The run's seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The stream with this name.
    pub fn stream(&self, name: &str) -> Pcg64 {
        self.indexed(name, 0)
    }

    /// Element `index` of a family of streams (environment 0, environment 1, ...), each independent of the others.
    pub fn indexed(&self, name: &str, index: u64) -> Pcg64 {
        Pcg64::from_sequence(&self.sequence(name, index))
    }

    /// An integer seed, for functions such as `Env::reset`.
    pub fn seed_for(&self, name: &str, index: u64) -> u64 {
        self.sequence(name, index).generate::<1>()[0]
    }

    /// The sequence of a stream. The name's bytes, its length and the index are the spawn key, so that
    /// distinct names have distinct streams.
    fn sequence(&self, name: &str, index: u64) -> SeedSequence {
        let mut key: Vec<u32> = name.bytes().map(u32::from).collect();
        key.extend([name.len() as u32, index as u32, (index >> 32) as u32]);
        SeedSequence::with_spawn_key(self.seed, &key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn below_is_uniform() {
        let mut rng = Pcg64::new(3);
        let mut counts = [0_u32; 5];
        for _ in 0..50_000 {
            counts[rng.below(5)] += 1;
        }
        // 4 degrees of freedom: chi-squared stays below 23.5 but once in 10,000 seeds.
        let chi_squared: f64 = counts.iter().map(|&c| (f64::from(c) - 10_000.0).powi(2) / 10_000.0).sum();
        assert!(chi_squared < 23.5, "{counts:?}");
    }

    #[test]
    fn a_shuffle_reaches_every_order_evenly() {
        let mut rng = Pcg64::new(11);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..60_000 {
            let mut items = [0, 1, 2];
            rng.shuffle(&mut items);
            *counts.entry(items).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 6);
        let chi_squared: f64 = counts.values().map(|&c| (f64::from(c) - 10_000.0).powi(2) / 10_000.0).sum();
        assert!(chi_squared < 25.7, "{counts:?}");
    }

    #[test]
    fn streams_differ_by_name_index_and_seed() {
        let mut first: Vec<u64> = Vec::new();
        for seed in [0, 1] {
            for name in ["a", "b", "ab"] {
                first.extend((0..3).map(|i| Streams::new(seed).indexed(name, i).next_u64()));
            }
        }
        let mut distinct = first.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), first.len());
    }

    proptest! {
        #[test]
        fn a_restored_generator_continues_identically(seed: u64, skip in 0_usize..50) {
            let mut original = Pcg64::new(seed);
            for _ in 0..skip {
                original.next_u32();
            }
            let mut copy = Pcg64::new(0);
            copy.restore(&original.snapshot()).unwrap();
            for _ in 0..20 {
                prop_assert_eq!(original.next_u32(), copy.next_u32());
                prop_assert_eq!(original.next_u64(), copy.next_u64());
            }
        }
    }
}
