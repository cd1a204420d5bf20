//! Sine and cosine in single precision, with the bits of the GNU C library 2.28 and later, which Box2D calls.
//!
//! The algorithm is that of Arm's optimised routines: the argument less the nearest multiple of a quarter
//! turn, in double precision, and two short polynomials. The library's variant for processors with fused
//! operations rounds the difference once; so does this, with a quarter turn in two parts, whose products
//! with the multiple are exact.

/// A quarter turn, its first 33 bits and the others.
const QUARTER: [f64; 2] = [1.570_796_326_734_125_6, 6.077_094_383_272_197e-11];
/// 2^24 quarters of a turn per radian.
const QUARTERS: f64 = std::f64::consts::FRAC_2_PI * 16_777_216.0;
const COS: [f64; 4] = [
    -0.499_999_997_251_082_24,
    0.041_666_623_324_344_516,
    -0.001_388_676_379_437_604,
    2.439_045_070_356_454_2e-5,
];
const SIN: [f64; 3] = [-0.166_666_549_437_010_84, 0.008_332_178_146_138_854, -0.000_195_172_989_813_857_25];

/// The sine and the cosine of an angle in radians.
#[inline]
pub(super) fn sin_cos(angle: f32) -> (f32, f32) {
    let x = f64::from(angle);
    let top = angle.to_bits() >> 20 & 0x7ff;
    if top < 0x398 {
        // Below 2^-12.
        (angle, 1.0)
    } else if top < 0x3f4 {
        // Below 0.75.
        polynomials(x, 0, 0)
    } else if top < 0x42f {
        // Below 120.
        let n = ((x * QUARTERS) as i32 + 0x0080_0000) >> 24;
        let r = (x - f64::from(n) * QUARTER[0]) - f64::from(n) * QUARTER[1];
        polynomials(r, n, n)
    } else if top < 0x7f8 {
        let (r, n) = reduced(angle.to_bits());
        polynomials(r, n, n + (angle.to_bits() >> 31) as i32)
    } else {
        (f32::NAN, f32::NAN)
    }
}

/// The sine and the cosine of `x`, exchanged after an odd number `n` of quarters of a turn, with the signs
/// of `signs` quarters.
#[inline]
fn polynomials(x: f64, n: i32, signs: i32) -> (f32, f32) {
    let x2 = x * x;
    let x = if (signs + 1) & 2 == 0 { x } else { -x };
    let (x3, x4) = (x2 * x, x2 * x2);
    let sin = (x + x3 * SIN[0]) + x3 * x2 * (SIN[1] + x2 * SIN[2]);
    let cos = ((1.0 + x2 * COS[0]) + x4 * COS[1]) + x4 * x2 * (COS[2] + x2 * COS[3]);
    let cos = if signs & 2 == 0 { cos } else { -cos };
    if n & 1 == 0 { (sin as f32, cos as f32) } else { (cos as f32, sin as f32) }
}

/// 2 / pi by bits: word `i` begins at bit 8 `i` of the fraction.
const INVERSE: [u32; 24] = [
    0xa2,
    0xa2f9,
    0x00a2_f983,
    0xa2f9_836e,
    0xf983_6e4e,
    0x836e_4e44,
    0x6e4e_4415,
    0x4e44_1529,
    0x4415_29fc,
    0x1529_fc27,
    0x29fc_2757,
    0xfc27_57d1,
    0x2757_d1f5,
    0x57d1_f534,
    0xd1f5_34dd,
    0xf534_ddc0,
    0x34dd_c0db,
    0xddc0_db62,
    0xc0db_6295,
    0xdb62_9599,
    0x6295_993c,
    0x9599_3c43,
    0x993c_4390,
    0x3c43_9041,
];

/// The rest of a large number after quarters of a turn, and their number, from the product with 2 / pi in
/// 96 bits.
#[cold]
fn reduced(bits: u32) -> (f64, i32) {
    let words = &INVERSE[(bits >> 26 & 15) as usize..];
    let mantissa = (bits & 0x00ff_ffff | 0x0080_0000) << (bits >> 23 & 7);
    let wide = |word: u32| u64::from(mantissa) * u64::from(word);
    let low = wide(words[8]) >> 32;
    let high = u64::from(mantissa.wrapping_mul(words[0])) << 32;
    let product = (high | low).wrapping_add(wide(words[4]));
    let n = product.wrapping_add(1_u64 << 61) >> 62;
    let rest = product.wrapping_sub(n << 62) as i64;
    // Half of pi times 2^-62.
    (rest as f64 * 3.406_121_580_086_554_5e-19, n as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_of_the_c_library() {
        let mut checksum = 0xcbf2_9ce4_8422_2325_u64;
        for (i, bits) in (0..0x7f80_0000_u32).step_by(997).enumerate() {
            let (sin, cos) = sin_cos(f32::from_bits(bits | (i as u32 & 1) << 31));
            for word in [sin.to_bits(), cos.to_bits()] {
                checksum = (checksum ^ u64::from(word)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        // `testdata/math/make_sinf.py`, with the GNU C library 2.36.
        assert_eq!(checksum, 0x07cc_d4bc_4d84_9b96);
    }
}
