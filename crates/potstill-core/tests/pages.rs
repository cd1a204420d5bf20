//! Pages behave the same wherever they are, and a file is refused by a build without a disk.

use potstill_core::Pages;

fn check(mut pages: Pages, length: usize, is_file: bool) {
    assert_eq!((pages.len(), pages.is_file()), (length, is_file));
    assert!(pages.iter().all(|&byte| byte == 0));
    if let Some(last) = pages.last_mut() {
        *last = 9;
    }
    let mut copy = pages.clone();
    assert_eq!((copy[..] == pages[..], copy.is_file()), (true, false));
    copy.fill(1);
    assert_eq!(pages.last(), if length == 0 { None } else { Some(&9) });
}

#[test]
fn memory() {
    for length in [0, 1, 100_000] {
        check(Pages::in_memory(length).unwrap(), length, false);
    }
    // More than any machine has.
    assert!(Pages::in_memory(usize::MAX / 4).is_err());
}

#[cfg(feature = "disk")]
#[test]
fn a_file() {
    for length in [0, 1, 100_000] {
        check(Pages::in_file(length).unwrap(), length, length > 0);
    }
}

#[cfg(not(feature = "disk"))]
#[test]
fn a_file_is_refused_without_a_disk() {
    let error = Pages::in_file(5).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    assert_eq!(
        error.to_string(),
        "5 bytes in a file: potstill-core was built without a disk; build it with the feature `disk`, or keep them in \
         memory"
    );
}
