//! Sine and cosine against exact arithmetic: `testdata/math/make_sin_cos.py`.

use potstill_core::math::sin_cos;

#[test]
fn nearly_every_result_is_the_exact_one_rounded() {
    let text = include_str!("../../../testdata/math/sin_cos.json");
    let rows: Vec<[f64; 3]> = serde_json::from_str(text).unwrap();
    assert_eq!(rows.len(), 508);
    let mut wrong = 0;
    for [x, exact_sin, exact_cos] in rows {
        let (sin, cos) = sin_cos(x);
        for (got, exact) in [(sin, exact_sin), (cos, exact_cos)] {
            let apart = (got.to_bits() as i64 - exact.to_bits() as i64).unsigned_abs();
            assert!(apart <= u64::from(x.abs() > 0.2), "{x}: {got} instead of {exact}");
            wrong += apart;
        }
    }
    // Of 1,016; four are expected.
    assert!(wrong <= 12, "{wrong}");
}

#[test]
fn what_has_no_sine_has_none() {
    for x in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        let (sin, cos) = sin_cos(x);
        assert!(sin.is_nan() && cos.is_nan(), "{x}");
    }
}
