//! Days and times in UTC, as text.

use std::time::{SystemTime, UNIX_EPOCH};

/// The moment, `YYYY-MM-DDThh:mm:ssZ`; a clock before 1970 counts as 1970.
pub(super) fn time(now: SystemTime) -> String {
    let second = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) % 86_400;
    format!("{}T{:02}:{:02}:{:02}Z", day(now), second / 3_600, second / 60 % 60, second % 60)
}

/// The day, `YYYY-MM-DD`.
pub(super) fn day(now: SystemTime) -> String {
    let days = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() / 86_400);
    let (mut year, mut day) = (1970, days);
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    format!("{year:04}-{:02}-{:02}", month + 1, day + 1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn dates() {
        for (days, text) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_454, "2026-01-01"),
            (20_818, "2026-12-31"),
        ] {
            assert_eq!(day(UNIX_EPOCH + Duration::from_secs(days * 86_400 + 86_399)), text);
        }
        assert_eq!(time(UNIX_EPOCH + Duration::from_secs(86_400 * 59 + 3_600 * 13 + 62)), "1970-03-01T13:01:02Z");
    }
}
