//! Warnings of rows that are tested on and were learned, too.

use super::datasets::DataSources;
use crate::data::Dataset;
use crate::jobs::Parts;
use crate::words::counted;
use std::collections::{HashMap, HashSet};

/// The warnings of unlabelled rows that are test rows, and of rows of another source to test on that are training rows.
pub(super) fn repeated_rows(data: &DataSources, parts: &Parts) -> Vec<String> {
    if data.unlabelled().is_none() && data.test_source().is_none() {
        return Vec::new();
    }
    let (train, mut tested) = (&*parts.train, Tested::new(&parts.test));
    let labelled = train.labelled();
    let mut warnings = Vec::new();
    let mut warn = |key: &str, given: &str, (count, all): (usize, usize), known: &str| {
        if count > 0 {
            warnings.push(format!(
                "--{key} {given}: {count} of its {} {} {known}, value for value; leave them out, or the \
                 test error tells too little",
                counted(all, "row"),
                if count == 1 { "is" } else { "are" }
            ));
        }
    };
    if let Some(more) = data.unlabelled() {
        let count = (labelled..train.len()).filter(|&i| tested.counts.contains_key(&key(train, i))).count();
        warn("unlabelled", more.given(), (count, train.len() - labelled), "tested on");
    }
    // A validation part is one of the data.
    if let Some(apart) = data.test_source().filter(|_| parts.rows.1.is_empty()) {
        let count = (0..labelled).filter_map(|i| tested.counts.remove(&key(train, i))).sum();
        warn("test", apart.given(), (count, parts.test.len()), "learned");
    }
    warnings
}

/// The number of samples whose inputs are those of a labelled sample that is learned.
pub(super) fn common_rows(learned: &Dataset, given: &Dataset) -> usize {
    let known: HashSet<Key<'_>> = (0..learned.labelled()).map(|i| key(learned, i)).collect();
    (0..given.len()).filter(|&i| known.contains(&key(given, i))).count()
}

/// The inputs of a sample, to be compared: the bits of its numbers, or its text.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    Numbers(Vec<u32>),
    Text(&'a str),
}

fn key(data: &Dataset, i: usize) -> Key<'_> {
    match data.is_texts() {
        true => Key::Text(&data.texts[i]),
        // Zero has no sign.
        false => Key::Numbers(data.input(i).iter().map(|x| (x + 0.0).to_bits()).collect()),
    }
}

/// The inputs of test samples, with the number of samples that have them.
struct Tested<'a> {
    counts: HashMap<Key<'a>, usize>,
}

impl<'a> Tested<'a> {
    fn new(test: &'a Dataset) -> Self {
        let mut counts = HashMap::new();
        (0..test.len()).for_each(|i| *counts.entry(key(test, i)).or_insert(0) += 1);
        Self { counts }
    }
}
