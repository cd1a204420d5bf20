//! The number of helpers that are called to a piece of work, by how late they were.
//!
//! On a busy machine the system takes a core away from a thread for some milliseconds.
//! If that happens inside a part, all others wait for it, at every layer again. So one helper less is called
//! once somebody came late, and one more is tried after a rest, which grows as long as trials are in vain.

use std::time::{Duration, Instant};

/// The shortest wait that counts: above what parts differ by, below the time slice of a scheduler.
const LATE: Duration = Duration::from_micros(200);
/// The first rest, and the longest.
const RESTS: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(640)];
/// The time without a late thread after which the next rest is shorter again.
const TRUST: Duration = Duration::from_secs(1);

/// Returns true if somebody was waited for so long that the work had been done sooner without him: longer than
/// the others worked.
pub(crate) fn is_late(waited: Duration, worked: Duration) -> bool {
    waited > LATE.max(worked)
}

/// The helpers that come when they are called.
#[derive(Debug)]
pub(crate) struct Attendance {
    /// All there are.
    helpers: usize,
    /// Those that are called.
    called: usize,
    /// The time for which a helper is left out, and that for which it will be next.
    rest: Duration,
    next_rest: Duration,
    /// The last time that somebody was late, a helper was tried, or trust grew.
    since: Option<Instant>,
}

impl Attendance {
    /// All helpers, until one is late.
    pub(crate) fn new(helpers: usize) -> Self {
        Self { helpers, called: helpers, rest: RESTS[0], next_rest: RESTS[0], since: None }
    }

    /// The number of helpers to call now.
    pub(crate) fn called(&mut self, now: Instant) -> usize {
        if let Some(since) = self.since {
            let passed = now.saturating_duration_since(since);
            if self.called < self.helpers && passed > self.rest {
                self.called += 1;
                self.since = Some(now);
            } else if self.called == self.helpers && passed > TRUST {
                self.next_rest = RESTS[0].max(self.next_rest / 2);
                self.since = Some(now);
            }
        }
        self.called
    }

    /// Leaves one helper out.
    pub(crate) fn somebody_was_late(&mut self, now: Instant) {
        self.called = self.called.saturating_sub(1);
        self.rest = self.next_rest;
        self.next_rest = RESTS[1].min(2 * self.rest);
        self.since = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_is_longer_than_the_others_worked() {
        let check = |waited_us, worked_us, expected| {
            let [waited, worked] = [waited_us, worked_us].map(Duration::from_micros);
            assert_eq!(is_late(waited, worked), expected, "{waited:?} {worked:?}");
        };
        check(150, 10, false);
        check(250, 10, true);
        check(3000, 10, true);
        check(3000, 5000, false);
    }

    #[test]
    fn a_helper_is_left_out_for_longer_each_time_and_trusted_again() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut attendance = Attendance::new(1);
        let mut tried_ms = Vec::new();
        for ms in 0..2000 {
            // On a busy machine: whoever is called comes late.
            if attendance.called(at(ms)) == 1 {
                tried_ms.push(ms);
                attendance.somebody_was_late(at(ms));
            }
        }
        assert_eq!(tried_ms, [0, 21, 62, 143, 304, 625, 1266, 1907]);
        assert_eq!(attendance.called(at(2547)), 0);
        assert_eq!(attendance.called(at(2548)), 1);
        // Trusted for a second: the next rest is half as long.
        assert_eq!(attendance.called(at(3549)), 1);
        attendance.somebody_was_late(at(3550));
        assert_eq!([3551, 3870, 3871].map(|ms| attendance.called(at(ms))), [0, 0, 1]);
    }

    #[test]
    fn helpers_are_left_out_one_by_one() {
        let now = Instant::now();
        let mut attendance = Attendance::new(3);
        let mut called = vec![attendance.called(now)];
        for _ in 0..4 {
            attendance.somebody_was_late(now);
            called.push(attendance.called(now));
        }
        assert_eq!(called, [3, 2, 1, 0, 0]);
        assert_eq!(attendance.called(now + Duration::from_millis(161)), 1);
    }
}
