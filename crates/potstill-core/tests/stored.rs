//! A list holds the same numbers wherever it is.

use potstill_core::Stored;

/// Numbers from 0 on, appended one by one and in parts, cut and filled up again.
fn filled(limit: usize) -> Stored<f32> {
    let mut numbers = Stored::below(limit);
    (0..100).for_each(|i| numbers.push(i as f32));
    let more: Vec<f32> = (100..40_000).map(|i| i as f32).collect();
    more.chunks(700).for_each(|part| numbers.extend_from_slice(part));
    numbers.resize(30_000, 0.0);
    numbers.resize(30_005, -1.0);
    numbers.extend([7.0, 8.0]);
    numbers
}

#[test]
fn a_list_is_the_same_in_memory_and_in_a_file() {
    let in_memory = filled(usize::MAX);
    assert_eq!((in_memory.len(), in_memory[29_999], in_memory[30_004]), (30_007, 29_999.0, -1.0));
    for limit in [0, 1000, 4 * 30_007, 4 * 39_999] {
        let mut list = filled(limit);
        assert_eq!(list.is_file(), cfg!(feature = "disk"), "{limit}");
        assert!(list == in_memory, "{limit}");
        let mut copy = list.clone();
        assert!(copy == list);
        copy[5] = 9.0;
        list[5] = 9.0;
        assert!(copy.as_slice() == &list[..] && copy != in_memory);
    }
    assert!(!filled(4 * 80_000).is_file());
    assert_eq!(Stored::<u8>::default().len(), 0);
    let bytes: Stored<u8> = (0..5).collect();
    assert_eq!(format!("{bytes:?}"), "[0, 1, 2, 3, 4]");
}
