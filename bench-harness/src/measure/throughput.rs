//! r = n / t, and whether t is long enough to divide by.

use std::time::Duration;

/// Shortest run whose rate is printed without a warning. A stall of the usual 50 µs is then at most 0.25 % of the run; starting a thread
/// (about 30 µs) likewise.
pub const ELAPSED_MIN: Duration = Duration::from_millis(20);

/// Records per second: `n` over `elapsed`. None if either is zero, because such a rate would mean nothing.
pub fn rate(n: u64, elapsed: Duration) -> Option<f64> {
    (n > 0 && !elapsed.is_zero()).then(|| n as f64 / elapsed.as_secs_f64())
}

/// Whether `elapsed` is long enough for its rate to be believed, see [`ELAPSED_MIN`].
pub fn is_long_enough(elapsed: Duration) -> bool {
    elapsed >= ELAPSED_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_rates() {
        assert_eq!(rate(10_000_000, Duration::from_millis(20)), Some(5e8));
        assert_eq!(rate(1, Duration::from_secs(2)), Some(0.5));
        assert_eq!(rate(0, Duration::from_secs(1)), None);
        assert_eq!(rate(1, Duration::ZERO), None);
    }

    #[test]
    fn the_bound_itself_is_long_enough() {
        assert!(is_long_enough(ELAPSED_MIN));
        assert!(!is_long_enough(ELAPSED_MIN - Duration::from_nanos(1)));
    }
}
