//! Loops compiled twice, for AVX2 with FMA and for any processor, and selected at run time.
//!
//! Both compilations give the same bits: the compiler never fuses or reorders operations by itself.
//!
//! ```
//! use potstill_core::wide;
//!
//! let mut numbers = [1.0_f32; 100];
//! wide::run(#[inline(always)] || numbers.iter_mut().for_each(|x| *x += 1.0));
//! assert_eq!(numbers[99], 2.0);
//! ```

/// Runs `work`, with wide vectors if the processor has them. The closure and its callees must be
/// `#[inline(always)]` to benefit.
#[inline(always)]
pub fn run<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma")]
        fn avx2<R>(work: impl FnOnce() -> R) -> R {
            work()
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: `avx2` needs nothing but the two features, and the processor has just said it has them.
            #[expect(unsafe_code, reason = "the call of a function compiled for detected features")]
            return unsafe { avx2(work) };
        }
    }
    work()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::sin_cos;

    #[test]
    fn both_compilations_have_the_same_bits() {
        let angles: Vec<f64> = (0..1003).map(|i| f64::from(i) * 0.37 - 190.0).collect();
        let (mut wide, mut plain) = (angles.clone(), angles);
        run(
            #[inline(always)]
            || wide.iter_mut().for_each(|x| *x = sin_cos(*x).0 / (2.0 + sin_cos(*x).1)),
        );
        plain.iter_mut().for_each(|x| *x = sin_cos(*x).0 / (2.0 + sin_cos(*x).1));
        assert!(wide.iter().map(|x| x.to_bits()).eq(plain.iter().map(|x| x.to_bits())));
    }
}
