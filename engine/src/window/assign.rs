//! Which windows a time belongs to, and the slices that they share.
//!
//! ```text
//!   size 6, slide 4 ─ slices of gcd(6, 4) = 2
//!   0   2   4   6   8   10  12          a record updates one slice
//!   ├───┴───┴───┤                       a window is a run of slices
//!           ├───┴───┴───┤
//! ```
//!
//! Source: Li et al., "No Pane, No Gain: Efficient Evaluation of Sliding-Window Aggregates over Data Streams", SIGMOD Record 34(1), 2005,
//! section 3 (they call slices panes).

use std::time::Duration;

use super::{Tumbling, last_time};
use crate::time::EventTime;

/// Slices of a window, at most. Beyond it the size and the slide most likely miss a common factor by mistake.
const SLICES_MAX: i64 = 1 << 16;

/// Windows of equal length that begin at every multiple of a slide.
///
/// With a slide smaller than the size a record belongs to several windows; with a larger one there are gaps between windows, and a record in
/// a gap belongs to none.
///
/// # Cost
/// A record updates one slice, however many windows it belongs to. A slice is as long as the greatest common divisor of size and slide.
/// When a window fires, only the slices that come and go are worked on, and each key that the window holds makes a result.
///
/// ```
/// use thalweg::{Collect, Config, Count, Dataflow, Generate, Monotone, Sliding, Windowed};
///
/// let mut flow = Dataflow::new("per second over the last three");
/// let (sink, rows) = Collect::<Windowed<u64, u64>>::new();
/// flow.source(Generate::new(4_000, |i| i))                     // a record a millisecond
///     .watermarks(Monotone, |i| *i as i64)
///     .key_by(|_| 0)
///     .window(Sliding::seconds(3, 1))
///     .aggregate(Count)
///     .sink(sink);
/// flow.start(Config::default())?.join()?;
/// let mut counts: Vec<_> = rows.take().into_iter().map(|row| (row.start, row.value)).collect();
/// counts.sort();
/// assert_eq!(counts, [(-2000, 1000), (-1000, 2000), (0, 3000), (1000, 3000), (2000, 2000), (3000, 1000)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sliding {
    size_ms: i64,
    slide_ms: i64,
}

impl Sliding {
    /// Windows of `size`, one beginning every `slide`. Both count in whole milliseconds.
    pub fn new(size: Duration, slide: Duration) -> Self {
        Self::millis(whole_millis(size), whole_millis(slide))
    }

    /// Sizes in milliseconds.
    pub const fn millis(size_ms: i64, slide_ms: i64) -> Self {
        Self { size_ms, slide_ms }
    }

    /// Sizes in seconds.
    pub const fn seconds(size_s: i64, slide_s: i64) -> Self {
        Self { size_ms: size_s.saturating_mul(1000), slide_ms: slide_s.saturating_mul(1000) }
    }

    pub(crate) fn refuse(self) -> Option<String> {
        let Self { size_ms, slide_ms } = self;
        if size_ms <= 0 || slide_ms <= 0 {
            return Some(format!("a window of {size_ms} ms that slides by {slide_ms} ms is none; give 1 ms or more for both"));
        }
        let slices = size_ms / gcd(size_ms, slide_ms);
        (slices > SLICES_MAX).then(|| {
            format!("a window of {size_ms} ms that slides by {slide_ms} ms has {slices} slices; give them a larger common divisor ({SLICES_MAX} slices at most)")
        })
    }
}

/// A duration in whole milliseconds, at most what an event time can express.
pub(crate) fn whole_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// At least 1; only meaningful for positive numbers, but safe for all.
fn gcd(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a.max(1), b.max(1));
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// How windows are made of slices, and how long a slice may still change.
///
/// Arithmetic is in 128 bits: near the ends of the time scale, windows reach beyond what an [`EventTime`] can say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slices {
    pub(crate) slice: Tumbling,
    size: i128,
    slide: i128,
    lateness: i128,
}

impl From<Tumbling> for Slices {
    fn from(windows: Tumbling) -> Self {
        let size = i128::from(windows.size_ms().max(1));
        Self { slice: windows, size, slide: size, lateness: 0 }
    }
}

impl From<Sliding> for Slices {
    fn from(windows: Sliding) -> Self {
        let Sliding { size_ms, slide_ms } = windows;
        let slice = Tumbling::millis(gcd(size_ms, slide_ms));
        Self { slice, size: i128::from(size_ms.max(1)), slide: i128::from(slide_ms.max(1)), lateness: 0 }
    }
}

impl Slices {
    /// Windows may still change when the watermark has passed them by less than this.
    pub(crate) fn late_by(self, lateness_ms: i64) -> Self {
        Self { lateness: i128::from(lateness_ms.max(0)), ..self }
    }

    pub(crate) fn is_lenient(self) -> bool {
        self.lateness > 0
    }

    pub(crate) fn size(self) -> i128 {
        self.size
    }

    pub(crate) fn slide(self) -> i128 {
        self.slide
    }

    /// Where a slice really begins: that of the least time may begin before what an event time can say.
    pub(crate) fn begin(self, start: EventTime) -> i128 {
        let before = if start == EventTime::MIN { start.rem_euclid(self.slice.size_ms()) } else { 0 };
        i128::from(start) - i128::from(before)
    }

    /// Start of the earliest window that holds the slice which begins at `begin`, or ends after it if none does.
    pub(crate) fn first_window(self, begin: i128) -> i128 {
        (begin - self.size).div_euclid(self.slide) * self.slide + self.slide
    }

    /// Start of the last window that holds this slice, none for a slice in a gap between windows.
    pub(crate) fn last_window(self, begin: i128) -> Option<i128> {
        let start = begin.div_euclid(self.slide) * self.slide;
        (start + self.size > begin).then_some(start)
    }

    /// The last event time of the window that begins at `start`: the watermark that makes it fire.
    pub(crate) fn last_of_window(self, start: i128) -> EventTime {
        clamp(start + self.size - 1)
    }

    /// The watermark that ends the window for good.
    pub(crate) fn kept_of_window(self, start: i128) -> EventTime {
        clamp(start + self.size - 1 + self.lateness)
    }

    /// Start of the earliest window that may still change once the watermark is here.
    pub(crate) fn first_kept(self, watermark: EventTime) -> i128 {
        self.first_window(i128::from(watermark) + 1 - self.lateness)
    }

    /// The watermark that makes records of this slice late: then no window that holds it may change any more.
    ///
    /// A record in a gap belongs to no window, so it is never late.
    pub(crate) fn kept_until(self, start: EventTime) -> EventTime {
        match self.last_window(self.begin(start)) {
            Some(window) => self.kept_of_window(window),
            None => EventTime::MAX,
        }
    }

    /// Whether any window holds this time.
    pub(crate) fn is_in_window(self, time: EventTime) -> bool {
        i128::from(time).rem_euclid(self.slide) < self.size
    }

    /// Records before this time are late once the watermark is here, unless they are in a gap.
    pub(crate) fn late_before(self, watermark: EventTime) -> EventTime {
        clamp(self.first_kept(watermark))
    }

    /// The watermark behind windows that may change: no result comes behind it.
    pub(crate) fn held_back(self, watermark: EventTime) -> EventTime {
        if watermark == EventTime::MAX { watermark } else { clamp(i128::from(watermark) - self.lateness) }
    }

    /// The slice's own last time.
    pub(crate) fn last_of_slice(self, start: EventTime) -> EventTime {
        last_time(start, self.slice.size_ms())
    }
}

/// The nearest time that an [`EventTime`] can say.
pub(crate) fn clamp(time: i128) -> EventTime {
    EventTime::try_from(time).unwrap_or(if time < 0 { EventTime::MIN } else { EventTime::MAX })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn slices_know_their_windows(size in 1..60i64, slide in 1..60i64, time in -500..500i64) {
            let slices = Slices::from(Sliding::millis(size, slide));
            let begin = slices.begin(slices.slice.start(time));
            let holding: Vec<i64> = (-20_000..20_000).filter(|start| start % slide == 0 && (*start..start + size).contains(&time)).collect();
            match slices.last_window(begin) {
                None => prop_assert!(holding.is_empty()),
                Some(last) => {
                    prop_assert_eq!(Some(last), holding.last().map(|start| i128::from(*start)));
                    prop_assert_eq!(Some(slices.first_window(begin)), holding.first().map(|start| i128::from(*start)));
                }
            }
        }
    }

    #[test]
    fn windows_at_the_ends_of_time_are_clipped_not_wrong() {
        for size in [1, 7, 1000, 1 << 20] {
            let slices = Slices::from(Tumbling::millis(size));
            for time in [i64::MIN, i64::MIN + 1, i64::MIN + size - 1, i64::MIN + size, i64::MAX - size, i64::MAX - 1, i64::MAX] {
                let begin = slices.begin(slices.slice.start(time));
                assert_eq!(begin, i128::from(time).div_euclid(i128::from(size)) * i128::from(size), "{time} by {size}");
                assert_eq!(slices.last_of_slice(slices.slice.start(time)), clamp(begin + i128::from(size) - 1), "{time} by {size}");
            }
        }
    }

    #[test]
    fn what_cannot_be_sliced_is_refused() {
        assert!(Sliding::millis(0, 1).refuse().is_some() && Sliding::millis(1, -1).refuse().is_some());
        assert!(Sliding::millis(3_600_000, 7).refuse().is_some_and(|why| why.contains("common divisor")));
        assert!(Sliding::seconds(3600, 1).refuse().is_none());
    }
}
