//! Transcendental functions with the same bits on every platform.
//!
//! The standard library leaves the precision of `exp`, `ln`, `tanh`, `sin` and `cos` open: results may differ
//! between platforms and compiler versions. The functions in single precision consist of additions,
//! multiplications and divisions only (with the polynomials of Moshier's Cephes, 1989), without branches, so
//! that loops over slices vectorise and give the same bits as single calls. In double precision, sine and
//! cosine are also implemented here, since long simulations magnify their errors; the rest comes from the
//! `libm` crate.
//!
//! ```
//! use potstill_core::math::{exp, ln, tanh};
//!
//! assert!((ln(exp(1.5)) - 1.5).abs() < 1e-6);
//! assert_eq!((exp(0.0), tanh(0.0)), (1.0, 0.0));
//! ```

pub use libm::{
    erfc as erfc_f64, exp as exp_f64, expm1 as expm1_f64, log as ln_f64, log1p as ln_1p_f64,
    sqrt as sqrt_f64, tanh as tanh_f64,
};

/// `e^x` in single precision; relative error below 2e-7. Overflows to infinity above 88.72, underflows to 0 below -87.33.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer without a branch.
    const ROUND: f32 = 12_582_912.0;
    let clamped = x.clamp(-87.4, 88.8);
    let n = (clamped * std::f32::consts::LOG2_E + ROUND) - ROUND;
    // ln 2 in two parts, so that n * ln 2 is subtracted almost exactly.
    let r = clamped - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let value = p * (r * r) + r + 1.0;
    // 2^n in two factors, since n = 128 is no exponent of a finite number.
    let half = (n as i32) >> 1;
    let power = |k: i32| f32::from_bits(((k + 127) << 23) as u32);
    let scaled = value * power(half) * power(n as i32 - half);
    let scaled = if x < -87.336_54 { 0.0 } else { scaled };
    let scaled = if x > 88.722_83 { f32::INFINITY } else { scaled };
    if x.is_nan() { x } else { scaled }
}

/// The natural logarithm in single precision; absolute error below 1e-7 for arguments near 1, relative below 2e-7 elsewhere.
/// Negative arguments give NaN, 0 gives minus infinity.
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    // Lift subnormals into the normal range.
    let tiny = x < f32::MIN_POSITIVE;
    let lifted = if tiny { x * 16_777_216.0 } else { x };
    let bits = lifted.to_bits() as i32;
    let exponent = (bits >> 23) - 126 - if tiny { 24 } else { 0 };
    let mantissa = f32::from_bits((bits as u32 & 0x007f_ffff) | 0x3f00_0000);
    let low = mantissa < std::f32::consts::FRAC_1_SQRT_2;
    let e = (if low { exponent - 1 } else { exponent }) as f32;
    let m = if low { mantissa + mantissa - 1.0 } else { mantissa - 1.0 };
    let z = m * m;
    let p = 7.037_683_6e-2;
    let p = p * m - 1.151_461e-1;
    let p = p * m + 1.167_699_87e-1;
    let p = p * m - 1.242_014_1e-1;
    let p = p * m + 1.424_932_3e-1;
    let p = p * m - 1.666_805_7e-1;
    let p = p * m + 2.000_071_4e-1;
    let p = p * m - 2.499_999_4e-1;
    let p = p * m + 3.333_333e-1;
    let y = m * z * p + e * -2.121_944_4e-4 - 0.5 * z;
    let value = m + y + e * 0.693_359_4;
    let value = if x == f32::INFINITY { x } else { value };
    let value = if x == 0.0 { f32::NEG_INFINITY } else { value };
    if x < 0.0 || x.is_nan() { f32::NAN } else { value }
}

/// The hyperbolic tangent in single precision; relative error below 5e-7. A rational function (of degrees 13 and 6), as in Eigen, beyond
/// which it is 1.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let clamped = x.clamp(-7.905_311, 7.905_311);
    let z = clamped * clamped;
    let p = -2.760_768_5e-16;
    let p = p * z + 2.000_188e-13;
    let p = p * z - 8.604_672e-11;
    let p = p * z + 5.122_297e-8;
    let p = p * z + 1.485_722_4e-5;
    let p = p * z + 6.372_619_3e-4;
    let p = p * z + 4.893_524_6e-3;
    let q = 1.198_258_4e-6;
    let q = q * z + 1.185_347_1e-4;
    let q = q * z + 2.268_434_6e-3;
    let q = q * z + 4.893_525e-3;
    let value = (clamped * p / q).clamp(-1.0, 1.0);
    // The two constants are not quite equal.
    if x.abs() < 4e-4 || x.is_nan() { x } else { value }
}

/// The error function in single precision; error below 5e-7. A rational function (of degrees 13 and 8), as in Eigen and XLA, beyond which
/// it is 1.
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    let clamped = x.clamp(-4.0, 4.0);
    let z = clamped * clamped;
    let p = -2.726_142_3e-10;
    let p = p * z + 2.770_681_4e-8;
    let p = p * z - 2.101_024e-6;
    let p = p * z - 5.692_506_4e-5;
    let p = p * z - 7.349_906_5e-4;
    let p = p * z - 2.954_6e-3;
    let p = p * z - 1.609_603_3e-2;
    let q = -1.456_607_2e-5;
    let q = q * z - 2.133_740_5e-4;
    let q = q * z - 1.682_827e-3;
    let q = q * z - 7.373_329_3e-3;
    let q = q * z - 1.426_473_9e-2;
    clamped * p / q
}

/// An exact product of two numbers: the rounded product and the rounding error (Dekker 1971).
#[inline(always)]
fn exact_product(a: f64, b: f64) -> (f64, f64) {
    let split = |x: f64| {
        let c = 134_217_729.0 * x;
        let high = c - (c - x);
        (high, x - high)
    };
    let ((a_high, a_low), (b_high, b_low)) = (split(a), split(b));
    let p = a * b;
    (p, ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low)
}

/// Sine and cosine in double precision; error below 0.6 units in the last place for arguments up to a
/// million, so that all but one in hundreds of results, and for arguments below 0.2 all, are correctly
/// rounded. The error grows for larger arguments.
///
/// Without branches and fused operations: a loop of it becomes vector code with the same bits. Taylor's
/// series about the nearest multiple of a quarter turn (Cody and Waite 1980), with the leading terms in two
/// numbers each.
#[inline(always)]
pub fn sin_cos(x: f64) -> (f64, f64) {
    // Adding 1.5 * 2^52 rounds to an integer, which then stands in the lowest bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    // Half of pi in parts of 33 bits, so that the products with up to 20 bits are exact.
    const PARTS: [f64; 3] = [1.570_796_326_734_125_6, 6.077_100_506_303_966e-11, 2.022_266_248_795_950_6e-21];
    let shifted = x * std::f64::consts::FRAC_2_PI + ROUND;
    let (n, turns) = (shifted - ROUND, shifted.to_bits());
    let first = x - n * PARTS[0];
    let second = first - n * PARTS[1];
    let tail = n * PARTS[2] - ((first - second) - n * PARTS[1]);
    // The rest is `r + low`.
    let r = second - tail;
    let low = (second - r) - tail;

    let (z, z_low) = exact_product(r, r);
    let p = 1.0 / 355_687_428_096_000.0;
    let p = p * z - 1.0 / 1_307_674_368_000.0;
    let p = p * z + 1.0 / 6_227_020_800.0;
    let p = p * z - 1.0 / 39_916_800.0;
    let p = p * z + 1.0 / 362_880.0;
    let p = p * z - 1.0 / 5_040.0;
    let p = p * z + 1.0 / 120.0;
    // r^3 / 6 in two numbers, because one sixth is not representable.
    const SIXTH: (f64, f64) = (1.0 / 6.0, 9.251_858_538_542_97e-18);
    let (cube, cube_low) = exact_product(r, z);
    let cube_low = cube_low + r * z_low;
    let (third, third_low) = exact_product(cube, SIXTH.0);
    let third_low = third_low + cube * SIXTH.1 + cube_low * SIXTH.0;
    let sum = r - third;
    let rest = (r - sum) - third;
    let sin = sum + (rest + (cube * z * p + (low * (1.0 - 0.5 * z) - third_low)));

    let q = -1.0 / 6_402_373_705_728_000.0;
    let q = q * z + 1.0 / 20_922_789_888_000.0;
    let q = q * z - 1.0 / 87_178_291_200.0;
    let q = q * z + 1.0 / 479_001_600.0;
    let q = q * z - 1.0 / 3_628_800.0;
    let q = q * z + 1.0 / 40_320.0;
    let q = q * z - 1.0 / 720.0;
    let q = q * z + 1.0 / 24.0;
    let sum = 1.0 - 0.5 * z;
    let rest = (1.0 - sum) - 0.5 * z;
    let cos = sum + (rest + (z * z * q - (0.5 * z_low + r * low)));

    // A quarter turn exchanges sine and cosine, a half turn changes the sign.
    let odd = 0_u64.wrapping_sub(turns & 1);
    let choose = |even: f64, other: f64| (even.to_bits() & !odd) | (other.to_bits() & odd);
    let sign = |n: u64| (n & 2) << 62;
    let sin_bits = choose(sin, cos) ^ sign(turns);
    let cos_bits = choose(cos, sin) ^ sign(turns.wrapping_add(1));
    (f64::from_bits(sin_bits), f64::from_bits(cos_bits))
}

/// The sine in double precision, as [`sin_cos`].
#[inline(always)]
pub fn sin(x: f64) -> f64 {
    sin_cos(x).0
}

/// The cosine in double precision, as [`sin_cos`].
#[inline(always)]
pub fn cos(x: f64) -> f64 {
    sin_cos(x).1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Largest relative error against double precision over `[low, high]`.
    fn worst(f: fn(f32) -> f32, reference: fn(f64) -> f64, low: f32, high: f32) -> f64 {
        let steps = 2_000_000;
        (0..=steps)
            .map(|i| low + (high - low) * (i as f32 / steps as f32))
            .map(|x| {
                let truth = reference(f64::from(x));
                ((f64::from(f(x)) - truth) / truth.abs().max(f64::from(f32::MIN_POSITIVE))).abs()
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn within_the_stated_error() {
        assert!(worst(exp, libm::exp, -87.0, 88.7) < 2e-7);
        assert!(worst(ln, libm::log, 1e-30, 1e-3) < 2e-7);
        assert!(worst(ln, libm::log, 1.5, 1e6) < 2e-7);
        assert!(worst(|x| ln(x) + 1.0, |x| libm::log(x) + 1.0, 0.7, 1.5) < 2e-7);
        assert!(worst(tanh, libm::tanh, -12.0, -1e-6) < 5e-7);
        assert!(worst(tanh, libm::tanh, 1e-6, 12.0) < 5e-7);
        assert!(worst(|x| erf(x) + 2.0, |x| libm::erf(x) + 2.0, -6.0, 6.0) < 5e-7);
        assert!(worst(erf, libm::erf, 1e-6, 6.0) < 5e-7);
    }

    #[test]
    fn at_the_edges() {
        let check =
            |got: f32, expected: f32| assert_eq!(got.to_bits(), expected.to_bits(), "{got} {expected}");
        check(exp(0.0), 1.0);
        check(exp(f32::INFINITY), f32::INFINITY);
        check(exp(f32::NEG_INFINITY), 0.0);
        check(exp(89.0), f32::INFINITY);
        check(exp(-104.0), 0.0);
        check(ln(1.0), 0.0);
        check(ln(0.0), f32::NEG_INFINITY);
        check(ln(f32::INFINITY), f32::INFINITY);
        check(tanh(0.0), 0.0);
        check(tanh(-0.0), -0.0);
        check(tanh(100.0), 1.0);
        check(tanh(f32::NEG_INFINITY), -1.0);
        for undefined in [exp(f32::NAN), ln(f32::NAN), ln(-1.0), tanh(f32::NAN)] {
            assert!(undefined.is_nan());
        }
    }
}
