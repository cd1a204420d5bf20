//! Loops compiled for AVX2 with FMA and for any processor, some for AVX-512 as well, and selected at run time.
//!
//! All compilations give the same bits: the compiler never fuses or reorders operations by itself.
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

/// As [`run`], with the vectors and registers of AVX-512 if the processor has them: for loops with more values
/// at once than AVX2 has registers.
#[inline(always)]
pub fn run_widest<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
        fn avx512<R>(work: impl FnOnce() -> R) -> R {
            work()
        }
        let has_all = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma");
        if has_all {
            // SAFETY: `avx512` needs nothing but these features, and the processor has just said it has them.
            #[expect(unsafe_code, reason = "the call of a function compiled for detected features")]
            return unsafe { avx512(work) };
        }
    }
    run(work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::sin_cos;

    #[test]
    fn all_compilations_have_the_same_bits() {
        let angles: Vec<f64> = (0..1003).map(|i| f64::from(i) * 0.37 - 190.0).collect();
        let (mut widest, mut wide, mut plain) = (angles.clone(), angles.clone(), angles);
        run_widest(
            #[inline(always)]
            || widest.iter_mut().for_each(|x| *x = sin_cos(*x).0 / (2.0 + sin_cos(*x).1)),
        );
        run(
            #[inline(always)]
            || wide.iter_mut().for_each(|x| *x = sin_cos(*x).0 / (2.0 + sin_cos(*x).1)),
        );
        plain.iter_mut().for_each(|x| *x = sin_cos(*x).0 / (2.0 + sin_cos(*x).1));
        for other in [widest, wide] {
            assert!(other.iter().map(|x| x.to_bits()).eq(plain.iter().map(|x| x.to_bits())));
        }
    }
}
