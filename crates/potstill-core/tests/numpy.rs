//! Seeds, raw words and doubles against NumPy, bit for bit; `testdata/numpy` made the numbers.

use potstill_core::{Pcg64, SeedSequence, Streams};
use serde_json::Value;
use std::fmt::Debug;
use std::str::FromStr;

/// Numbers that the file holds as strings, which no JSON reader rounds.
fn parsed<T: FromStr<Err: Debug>>(values: &Value) -> Vec<T> {
    values.as_array().unwrap().iter().map(|v| v.as_str().unwrap().parse().unwrap()).collect()
}

fn check(case: &Value) {
    let entropy: u64 = case["entropy"].as_str().unwrap().parse().unwrap();
    let key: Vec<u32> = case["spawn_key"]
        .as_array()
        .unwrap()
        .iter()
        .map(|k| k.as_u64().unwrap().try_into().unwrap())
        .collect();
    let sequence = SeedSequence::with_spawn_key(entropy, &key);
    assert_eq!(sequence.generate::<4>().to_vec(), parsed::<u64>(&case["state"]), "{case}");

    let mut generators = vec![Pcg64::from_sequence(&sequence)];
    if key.is_empty() {
        generators.push(Pcg64::new(entropy));
    }
    if let Some(stream) = case.get("stream") {
        let (name, index) = (stream[0].as_str().unwrap(), stream[1].as_u64().unwrap());
        generators.push(Streams::new(entropy).indexed(name, index));
    }
    let raw: Vec<u64> = parsed(&case["raw"]);
    let doubles: Vec<u64> = parsed::<f64>(&case["doubles"]).into_iter().map(f64::to_bits).collect();
    let integers: Vec<u64> =
        case["integers"].as_array().unwrap().iter().map(|value| value.as_u64().unwrap()).collect();
    for generator in generators {
        let (mut words, mut units, mut whole) = (generator.clone(), generator.clone(), generator);
        let mut draw = |bound: u32| u64::from(whole.integer(bound));
        let mut drawn: Vec<u64> = [13, 1, 3].map(&mut draw).to_vec();
        whole.unit();
        let mut draw = |bound: u32| u64::from(whole.integer(bound));
        drawn.extend([(1 << 31) + 5, 13, 4, u32::MAX].map(&mut draw));
        assert_eq!(drawn, integers, "{case}");
        assert_eq!(raw.iter().map(|_| words.next_u64()).collect::<Vec<_>>(), raw, "{case}");
        assert_eq!(doubles.iter().map(|_| units.unit().to_bits()).collect::<Vec<_>>(), doubles, "{case}");
    }
}

#[test]
fn streams_draw_what_numpy_draws() {
    let file: Value = serde_json::from_str(include_str!("../../../testdata/numpy/streams.json")).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert!(
        cases.iter().any(|case| case.get("stream").is_some()),
        "{} cases, none of a named stream",
        cases.len()
    );
    cases.iter().for_each(check);
}
