//! A teacher that is no network of the student's inputs, to be measured.

use std::fmt;

/// A way to answer some rows of the test part again and again, from the numbers or texts that the teacher takes to its answers.
pub(crate) struct Timed {
    /// The number of rows.
    pub(crate) rows: usize,
    /// Answers `count` rows from `from` on.
    pub(crate) answer: Box<dyn FnMut(usize, usize) + Send>,
    /// The bytes of its file, if there is one.
    pub(crate) bytes: Option<usize>,
}

impl Timed {
    /// Several, which answer one after the other.
    pub(crate) fn several(members: Vec<Self>) -> Self {
        let rows = members.iter().map(|member| member.rows).min().unwrap_or_default();
        let bytes = members.iter().map(|member| member.bytes).sum();
        let mut answers: Vec<_> = members.into_iter().map(|member| member.answer).collect();
        let answer = move |from, count| answers.iter_mut().for_each(|answer| answer(from, count));
        Self { rows, answer: Box::new(answer), bytes }
    }
}

impl fmt::Debug for Timed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timed").field("rows", &self.rows).field("bytes", &self.bytes).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[test]
    fn several_answer_one_after_the_other() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let member = |name: char, rows: usize, bytes: Option<usize>| {
            let asked = Arc::clone(&asked);
            let answer = move |from, count| asked.lock().unwrap().push((name, from, count));
            Timed { rows, answer: Box::new(answer), bytes }
        };
        let mut both = Timed::several(vec![member('a', 7, Some(100)), member('b', 5, Some(11))]);
        assert_eq!((both.rows, both.bytes), (5, Some(111)));
        (both.answer)(2, 3);
        assert_eq!(*asked.lock().unwrap(), [('a', 2, 3), ('b', 2, 3)]);
        assert_eq!(Timed::several(vec![member('a', 7, Some(100)), member('b', 5, None)]).bytes, None);
    }
}
