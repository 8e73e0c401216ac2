//! Days, hours and minutes of event times, in UTC and the proleptic Gregorian calendar.

/// Milliseconds of a minute.
pub const MINUTE_MS: i64 = 60_000;
/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// The day of a time, counted from 1970-01-01.
#[inline]
pub fn day_of(time_ms: i64) -> i64 {
    time_ms.div_euclid(DAY_MS)
}

/// The minute of its day that a time falls into, in `0..1440`.
#[inline]
pub fn minute_of_day(time_ms: i64) -> i64 {
    time_ms.rem_euclid(DAY_MS) / MINUTE_MS
}

/// The hour of its day that a time falls into, in `0..24`.
#[inline]
pub fn hour_of_day(time_ms: i64) -> i64 {
    minute_of_day(time_ms) / 60
}

/// A day, counted from 1970-01-01, as `YYYY-MM-DD`.
pub fn date(day: i64) -> String {
    let (year, month, day) = civil(day);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A minute of a day as `HH:MM`.
pub fn clock(minute_of_day: i64) -> String {
    format!("{:02}:{:02}", minute_of_day / 60, minute_of_day % 60)
}

/// Year, month and day of the month of a day counted from 1970-01-01.
///
/// Years are counted from March, so that the leap day is the last of its year, and 400 of them have 146,097 days. The first days of the
/// months from March on follow (153 m + 2) / 5, because their lengths repeat as 31 30 31 30 31.
fn civil(day: i64) -> (i64, i64, i64) {
    const ERA_DAYS: i64 = 146_097;
    // Days from 0000-03-01 to 1970-01-01.
    let since_march = day + 719_468;
    let (era, in_era) = (since_march.div_euclid(ERA_DAYS), since_march.rem_euclid(ERA_DAYS));
    let year_of_era = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * in_year + 2) / 153;
    let day = in_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_one_another_as_in_a_calendar() {
        let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = |year, month| match month {
            2 => 28 + i64::from(is_leap(year)),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let (mut year, mut month, mut day) = (1600, 1, 1);
        // 370 years with 90 leap days: 1600-01-01 is day -135,140.
        for number in -135_140..200_000 {
            assert_eq!(civil(number), (year, month, day), "day {number}");
            day += 1;
            if day > length(year, month) {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
        assert_eq!(date(0), "1970-01-01");
    }

    #[test]
    fn times_of_day_start_at_midnight_before_the_epoch_too() {
        assert_eq!((day_of(-1), minute_of_day(-1), hour_of_day(-1)), (-1, 1439, 23));
        assert_eq!((day_of(0), minute_of_day(0), hour_of_day(0)), (0, 0, 0));
        assert_eq!((day_of(DAY_MS), minute_of_day(DAY_MS + 3_599_999), hour_of_day(DAY_MS + 3_600_000)), (1, 59, 1));
        assert_eq!(clock(61), "01:01");
        assert_eq!(date(day_of(1_700_000_000_000)), "2023-11-14");
        assert_eq!(clock(minute_of_day(1_700_000_000_000)), "22:13");
    }
}
