//! N inputs into one: the merged watermark is the lowest, and the end comes with the last.
//!
//! Laws
//! - Idle goes on when no input speaks any more that has not ended, and at least one of them may come back.
//! - When one of them does, a watermark goes on, the old one if there is no higher: so a merge further down waits for this one again.

use crate::{operator::Control, time::EventTime};

/// Merges the control of several inputs. Pure: it only keeps count.
#[derive(Clone, Debug)]
pub(crate) struct Merge {
    /// Watermark of each input; `i64::MAX` once it has ended.
    watermarks: Vec<EventTime>,
    ended: Vec<bool>,
    /// Inputs that have fallen silent: event time goes on without them.
    idle: Vec<bool>,
    /// Latest barrier of each input.
    barriers: Vec<u64>,
    merged: EventTime,
}

impl Merge {
    pub(crate) fn new(inputs: usize) -> Self {
        Self {
            watermarks: vec![EventTime::MIN; inputs],
            ended: vec![false; inputs],
            idle: vec![false; inputs],
            barriers: vec![0; inputs],
            merged: EventTime::MIN,
        }
    }

    /// Takes the control of one input and returns what goes on, if anything: at most a watermark, then at most a barrier or the end.
    pub(crate) fn take(&mut self, input: usize, control: Control) -> [Option<Control>; 2] {
        match control {
            Control::Watermark(watermark) => {
                let back = self.silent().is_some();
                self.idle[input] = false;
                self.watermarks[input] = self.watermarks[input].max(watermark);
                [self.advance().or_else(|| back.then_some(Control::Watermark(self.merged))), None]
            }
            Control::Idle => {
                self.idle[input] = true;
                [self.advance(), self.silent()]
            }
            Control::Barrier(number) => {
                let before = self.complete_barrier();
                self.barriers[input] = number;
                let after = self.complete_barrier();
                [None, (after > before).then_some(Control::Barrier(after))]
            }
            Control::End => {
                let before = self.complete_barrier();
                self.ended[input] = true;
                self.barriers[input] = u64::MAX;
                self.watermarks[input] = EventTime::MAX;
                if self.ended() {
                    return [None, Some(Control::End)];
                }
                let after = self.complete_barrier();
                [self.advance().or_else(|| self.silent()), (after > before).then_some(Control::Barrier(after))]
            }
        }
    }

    /// Whether every input has ended.
    pub(crate) fn ended(&self) -> bool {
        self.ended.iter().all(|ended| *ended)
    }

    /// Says so if no input speaks that has not ended.
    fn silent(&self) -> Option<Control> {
        self.idle.iter().zip(&self.ended).all(|(idle, ended)| *idle || *ended).then_some(Control::Idle)
    }

    /// The highest barrier that every live input has shown.
    fn complete_barrier(&self) -> u64 {
        self.barriers.iter().copied().min().filter(|&number| number != u64::MAX).unwrap_or(0)
    }

    fn advance(&mut self) -> Option<Control> {
        let fed = |input: &usize| !self.idle[*input] && !self.ended[*input];
        let lowest = (0..self.watermarks.len()).filter(fed).map(|input| self.watermarks[input]).min()?;
        (lowest > self.merged).then(|| {
            self.merged = lowest;
            Control::Watermark(lowest)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_input_decides_and_an_ended_one_does_not() {
        let mut merge = Merge::new(2);
        assert_eq!(merge.take(0, Control::Watermark(10)), [None, None]);
        assert_eq!(merge.take(1, Control::Watermark(5)), [Some(Control::Watermark(5)), None]);
        assert_eq!(merge.take(1, Control::Watermark(4)), [None, None], "watermarks never go back");
        assert_eq!(merge.take(1, Control::End), [Some(Control::Watermark(10)), None]);
        assert_eq!(merge.take(0, Control::Watermark(11)), [Some(Control::Watermark(11)), None]);
        assert!(!merge.ended());
        assert_eq!(merge.take(0, Control::End), [None, Some(Control::End)]);
        assert!(merge.ended());
    }

    #[test]
    fn a_barrier_goes_on_when_every_input_has_shown_it() {
        let mut merge = Merge::new(2);
        assert_eq!(merge.take(0, Control::Barrier(1)), [None, None]);
        assert_eq!(merge.take(1, Control::Barrier(1)), [None, Some(Control::Barrier(1))]);
        assert_eq!(merge.take(0, Control::Barrier(2)), [None, None]);
        assert_eq!(merge.take(1, Control::End), [None, Some(Control::Barrier(2))], "the end of the last one that lacked it completes it");
        assert_eq!(merge.take(0, Control::Barrier(3)), [None, Some(Control::Barrier(3))]);
    }

    #[test]
    fn event_time_goes_on_without_an_idle_input_until_it_speaks() {
        let mut merge = Merge::new(2);
        assert_eq!(merge.take(0, Control::Watermark(10)), [None, None]);
        assert_eq!(merge.take(1, Control::Idle), [Some(Control::Watermark(10)), None]);
        assert_eq!(merge.take(0, Control::Watermark(20)), [Some(Control::Watermark(20)), None]);
        assert_eq!(merge.take(1, Control::Watermark(15)), [None, None], "back, and behind: the merged one never goes back");
        assert_eq!(merge.take(0, Control::Watermark(30)), [None, None]);
        assert_eq!(merge.take(1, Control::Watermark(25)), [Some(Control::Watermark(25)), None]);
        assert_eq!(merge.take(0, Control::Idle), [None, None]);
        assert_eq!(merge.take(1, Control::Idle), [None, Some(Control::Idle)], "all of them");
    }

    #[test]
    fn inputs_are_silent_together_when_the_last_one_that_speaks_falls_silent_or_ends() {
        for (first, last) in [(Control::Idle, Control::End), (Control::End, Control::Idle)] {
            let mut merge = Merge::new(2);
            assert_eq!(merge.take(1, first), [None, None]);
            assert_eq!(merge.take(0, last).into_iter().flatten().collect::<Vec<_>>(), [Control::Idle], "{first:?}, then {last:?}");
        }
    }

    #[test]
    fn an_input_that_comes_back_after_all_were_silent_is_told_of() {
        let mut merge = Merge::new(2);
        assert_eq!(merge.take(0, Control::Watermark(10)), [None, None]);
        assert_eq!(merge.take(1, Control::Watermark(10)), [Some(Control::Watermark(10)), None]);
        assert_eq!(merge.take(0, Control::Idle), [None, None]);
        assert_eq!(merge.take(1, Control::Idle), [None, Some(Control::Idle)]);
        assert_eq!(merge.take(1, Control::Watermark(10)), [Some(Control::Watermark(10)), None], "no new promise, but it speaks");
        assert_eq!(merge.take(1, Control::Watermark(10)), [None, None]);
    }
}
