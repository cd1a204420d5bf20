//! The number of helpers in use, by how late threads were.
//!
//! On a busy machine the system takes a core away from a thread for some milliseconds.
//! If that happens inside a part, all others wait for it, at every layer again. So one helper less is in use
//! after a late thread, and one more is tried after a back-off time, which grows as long as trials are in vain.

use std::time::{Duration, Instant};

/// The shortest wait that counts: above what parts differ by, below the time slice of a scheduler.
const LATE: Duration = Duration::from_micros(200);
/// The parts of its own length that a thread waits for another to end its last one: 1, if they are equal.
const PARTS: u32 = 2;
/// The first back-off time, and the longest.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(640)];
/// The time without a late thread after which the next back-off time is shorter again.
const RECOVERY: Duration = Duration::from_secs(1);

/// Returns true if another thread is late, for which a thread has waited after its own parts, the longest of which
/// took so long. None is late by the measure of a thread that had no part.
pub(crate) fn is_late(waited: Duration, longest: Option<Duration>) -> bool {
    longest.is_some_and(|longest| waited > LATE.max(PARTS * longest))
}

/// The helpers in use.
#[derive(Debug)]
pub(crate) struct HelpersInUse {
    /// All there are.
    all: usize,
    used: usize,
    /// The time for which a helper is left out, and that for which the next will be.
    back_off: Duration,
    next_back_off: Duration,
    /// The last time of a late thread, of a trial of one more helper, or of a shorter back-off time.
    since: Option<Instant>,
}

impl HelpersInUse {
    /// All helpers, until a thread is late.
    pub(crate) fn new(all: usize) -> Self {
        Self { all, used: all, back_off: BACK_OFF[0], next_back_off: BACK_OFF[0], since: None }
    }

    /// The number of helpers to call now to so many parts: the calling thread does one itself.
    pub(crate) fn called(&mut self, now: Instant, parts: usize) -> usize {
        if let Some(since) = self.since {
            let passed = now.saturating_duration_since(since);
            if self.used < self.all && passed > self.back_off {
                self.used += 1;
                self.since = Some(now);
            } else if self.used == self.all && passed > RECOVERY {
                self.next_back_off = BACK_OFF[0].max(self.next_back_off / 2);
                self.since = Some(now);
            }
        }
        self.used.min(parts.saturating_sub(1))
    }

    /// Leaves one helper out.
    pub(crate) fn back_off(&mut self, now: Instant) {
        self.used = self.used.saturating_sub(1);
        self.back_off = self.next_back_off;
        self.next_back_off = BACK_OFF[1].min(2 * self.back_off);
        self.since = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_is_longer_than_two_parts() {
        let check = |waited_us, longest_us: Option<u64>, expected| {
            let waited = Duration::from_micros(waited_us);
            assert_eq!(is_late(waited, longest_us.map(Duration::from_micros)), expected, "{waited:?}");
        };
        check(150, Some(10), false);
        check(250, Some(10), true);
        check(3000, Some(10), true);
        // The other has begun its last part of a millisecond when this one ended.
        check(1100, Some(1000), false);
        check(2100, Some(1000), true);
        // Without a part of its own there is no measure.
        check(3000, None, false);
    }

    #[test]
    fn no_more_helpers_are_called_than_there_are_parts_for() {
        let now = Instant::now();
        let mut helpers = HelpersInUse::new(3);
        assert_eq!([0, 1, 2, 3, 4, 100].map(|parts| helpers.called(now, parts)), [0, 0, 1, 2, 3, 3]);
        helpers.back_off(now);
        assert_eq!([2, 3, 4].map(|parts| helpers.called(now, parts)), [1, 2, 2]);
    }

    #[test]
    fn a_helper_is_left_out_for_longer_each_time_until_none_is_late() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut helpers = HelpersInUse::new(1);
        let mut tried_ms = Vec::new();
        for ms in 0..2000 {
            // On a busy machine: each trial is late.
            if helpers.called(at(ms), 8) == 1 {
                tried_ms.push(ms);
                helpers.back_off(at(ms));
            }
        }
        assert_eq!(tried_ms, [0, 21, 62, 143, 304, 625, 1266, 1907]);
        assert_eq!(helpers.called(at(2547), 8), 0);
        assert_eq!(helpers.called(at(2548), 8), 1);
        // None was late for a second: the next back-off time is half as long.
        assert_eq!(helpers.called(at(3549), 8), 1);
        helpers.back_off(at(3550));
        assert_eq!([3551, 3870, 3871].map(|ms| helpers.called(at(ms), 8)), [0, 0, 1]);
    }

    #[test]
    fn helpers_are_left_out_one_by_one() {
        let now = Instant::now();
        let mut helpers = HelpersInUse::new(3);
        let mut called = vec![helpers.called(now, 8)];
        for _ in 0..4 {
            helpers.back_off(now);
            called.push(helpers.called(now, 8));
        }
        assert_eq!(called, [3, 2, 1, 0, 0]);
        assert_eq!(helpers.called(now + Duration::from_millis(161), 8), 1);
    }
}
