//! Sixteen numbers side by side: the vector that the products are made of, once for each kind of processor.
//!
//! The three kinds give the same bits: a fused multiply-add rounds once, whether an instruction or a function
//! makes it.

/// Sixteen numbers: the same unit for sixteen samples, or sixteen units for one sample.
pub(crate) type Row = [f32; WIDTH];

/// Numbers in a row.
pub(crate) const WIDTH: usize = 16;

/// A row in registers.
///
/// Values of the types for AVX2 and AVX-512 are only made in functions compiled for these, which [`Level`]
/// guards.
pub(crate) trait Lanes: Copy {
    /// Is true with registers for tiles of sixteen rows; else there are some for six.
    const MANY: bool;
    fn splat(x: f32) -> Self;
    fn load(row: &Row) -> Self;
    fn store(self, row: &mut Row);
    /// `self * b + c`, rounded once.
    fn mul_add(self, b: Self, c: Self) -> Self;
}

#[derive(Clone, Copy)]
pub(crate) struct Portable(Row);

impl Lanes for Portable {
    const MANY: bool = false;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self([x; WIDTH])
    }

    #[inline(always)]
    fn load(row: &Row) -> Self {
        Self(*row)
    }

    #[inline(always)]
    fn store(self, row: &mut Row) {
        *row = self.0;
    }

    #[inline(always)]
    fn mul_add(self, b: Self, mut c: Self) -> Self {
        for i in 0..WIDTH {
            c.0[i] = self.0[i].mul_add(b.0[i], c.0[i]);
        }
        c
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    #![expect(unsafe_code, reason = "instructions that the processor must have; `Level` has asked it")]

    use super::{Lanes, Row, WIDTH};
    use std::arch::x86_64::{
        __m256, __m512, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_storeu_ps, _mm512_fmadd_ps,
        _mm512_loadu_ps, _mm512_set1_ps, _mm512_storeu_ps,
    };

    #[derive(Clone, Copy)]
    pub(crate) struct Avx2(__m256, __m256);

    /// The two halves of a row.
    #[inline(always)]
    fn halves(row: &Row) -> (&[f32; WIDTH / 2], &[f32; WIDTH / 2]) {
        let (halves, _) = row.as_chunks();
        (&halves[0], &halves[1])
    }

    impl Lanes for Avx2 {
        const MANY: bool = false;

        #[inline(always)]
        fn splat(x: f32) -> Self {
            // SAFETY: the processor has AVX2, see `Lanes`.
            let half = unsafe { _mm256_set1_ps(x) };
            Self(half, half)
        }

        #[inline(always)]
        fn load(row: &Row) -> Self {
            let (low, high) = halves(row);
            // SAFETY: the processor has AVX2, and the pointer is to eight numbers.
            let low = unsafe { _mm256_loadu_ps(low.as_ptr()) };
            // SAFETY: as above.
            let high = unsafe { _mm256_loadu_ps(high.as_ptr()) };
            Self(low, high)
        }

        #[inline(always)]
        fn store(self, row: &mut Row) {
            let (halves, _) = row.as_chunks_mut::<{ WIDTH / 2 }>();
            // SAFETY: the processor has AVX2, and the pointer is to eight numbers.
            unsafe { _mm256_storeu_ps(halves[0].as_mut_ptr(), self.0) };
            // SAFETY: as above.
            unsafe { _mm256_storeu_ps(halves[1].as_mut_ptr(), self.1) };
        }

        #[inline(always)]
        fn mul_add(self, b: Self, c: Self) -> Self {
            // SAFETY: the processor has AVX2 and FMA, see `Lanes`.
            let low = unsafe { _mm256_fmadd_ps(self.0, b.0, c.0) };
            // SAFETY: as above.
            let high = unsafe { _mm256_fmadd_ps(self.1, b.1, c.1) };
            Self(low, high)
        }
    }

    #[derive(Clone, Copy)]
    pub(crate) struct Avx512(__m512);

    impl Lanes for Avx512 {
        const MANY: bool = true;

        #[inline(always)]
        fn splat(x: f32) -> Self {
            // SAFETY: the processor has AVX-512F, see `Lanes`.
            Self(unsafe { _mm512_set1_ps(x) })
        }

        #[inline(always)]
        fn load(row: &Row) -> Self {
            // SAFETY: the processor has AVX-512F, and the pointer is to sixteen numbers.
            Self(unsafe { _mm512_loadu_ps(row.as_ptr()) })
        }

        #[inline(always)]
        fn store(self, row: &mut Row) {
            // SAFETY: the processor has AVX-512F, and the pointer is to sixteen numbers.
            unsafe { _mm512_storeu_ps(row.as_mut_ptr(), self.0) };
        }

        #[inline(always)]
        fn mul_add(self, b: Self, c: Self) -> Self {
            // SAFETY: the processor has AVX-512F, see `Lanes`.
            Self(unsafe { _mm512_fmadd_ps(self.0, b.0, c.0) })
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

/// A set of vector instructions. All levels give the same bits; only those of this processor can be had.
///
/// ```
/// use potstill_nn::Level;
///
/// assert!(Level::all().contains(&Level::best()));
/// assert_eq!(Level::all()[0].name(), "portable");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(pub(crate) Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// The levels of this processor, the widest last.
    pub fn all() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut))]
        let mut all = vec![Self(Kind::Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                all.push(Self(Kind::Avx2));
                let wide = is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl");
                if wide {
                    all.push(Self(Kind::Avx512));
                }
            }
        }
        all
    }

    /// The widest of this processor.
    pub fn best() -> Self {
        static BEST: std::sync::OnceLock<Level> = std::sync::OnceLock::new();
        *BEST.get_or_init(|| *Self::all().last().expect("there is always the portable one"))
    }

    /// Makes multiply-adds as fast as one core can, and returns the number of floating-point operations: for a
    /// caller with a clock.
    pub fn busy_flops(self) -> f64 {
        const ROUNDS: usize = 200_000;
        let mut sums = [[1.0; WIDTH]; SUMS];
        multiply_add(self, ROUNDS, std::hint::black_box(&[0.999; WIDTH]), &mut sums);
        std::hint::black_box(&sums);
        (2 * WIDTH * SUMS * ROUNDS) as f64
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "AVX-512",
        }
    }
}

/// A function over [`Lanes`], compiled for every level and called for one: `lanes! { fn name<S>(a: A, b: B) {
/// body } }`.
macro_rules! lanes {
    ($(#[$doc:meta])* $visibility:vis fn $name:ident<$lanes:ident>($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$doc])*
        $visibility fn $name(level: $crate::lanes::Level, $($arg: $type),*) $(-> $result)? {
            #[inline(always)]
            fn body<$lanes: $crate::lanes::Lanes>($($arg: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            fn avx512($($arg: $type),*) $(-> $result)? {
                body::<$crate::lanes::Avx512>($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($arg: $type),*) $(-> $result)? {
                body::<$crate::lanes::Avx2>($($arg),*)
            }

            match level.0 {
                $crate::lanes::Kind::Portable => body::<$crate::lanes::Portable>($($arg),*),
                #[cfg(target_arch = "x86_64")]
                $crate::lanes::Kind::Avx2 => {
                    // SAFETY: a `Level` is only made if the processor has said that it has the features.
                    #[expect(unsafe_code, reason = "the call of a function compiled for detected features")]
                    unsafe { avx2($($arg),*) }
                }
                #[cfg(target_arch = "x86_64")]
                $crate::lanes::Kind::Avx512 => {
                    // SAFETY: as above.
                    #[expect(unsafe_code, reason = "the call of a function compiled for detected features")]
                    unsafe { avx512($($arg),*) }
                }
            }
        }
    };
}
pub(crate) use lanes;

/// Asks for the cache lines of numbers that are about to be written: what another core has of them, because
/// it has read them, is gone by then. Else every line's first write waits for that, one after the other.
pub(crate) fn claim(numbers: &[f32]) {
    // Processors with AVX2 know the instruction, or pass over it.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if Level::best() != Level(Kind::Portable) {
        for line in numbers.chunks(WIDTH) {
            // The intrinsic with this hint asks for lines to read, unless the whole program is compiled for
            // newer processors.
            // SAFETY: a prefetch changes nothing that a program can see.
            #[expect(unsafe_code, reason = "there is no intrinsic for it")]
            unsafe {
                std::arch::asm!("prefetchw [{}]", in(reg) line.as_ptr(), options(nostack, preserves_flags, readonly));
            }
        }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = numbers;
}

/// Asks for the cache lines of numbers that are read soon, but not in an order that the processor foresees.
#[inline(always)]
pub(crate) fn prefetch(numbers: &[f32]) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    for line in numbers.chunks(WIDTH) {
        // SAFETY: a prefetch changes nothing that a program can see, and every x86-64 processor has SSE.
        #[expect(unsafe_code, reason = "there is no safe intrinsic for it")]
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T1 }>(line.as_ptr().cast());
        }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = numbers;
}

/// Chains that are enough to keep every unit busy, and still in registers.
const SUMS: usize = 6;

lanes! {
    /// Multiply-adds at the highest rate, in chains that do not wait for each other.
    fn multiply_add<S>(rounds: usize, factor: &Row, sums: &mut [Row; SUMS]) {
        let factor = S::load(factor);
        let mut chains = [S::splat(0.0); SUMS];
        for (chain, sum) in chains.iter_mut().zip(&*sums) {
            *chain = S::load(sum);
        }
        for _ in 0..rounds {
            for r in 0..SUMS {
                chains[r] = chains[r].mul_add(factor, factor);
            }
        }
        for (chain, sum) in chains.iter().zip(sums) {
            chain.store(sum);
        }
    }
}
