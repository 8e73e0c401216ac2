//! N inputs into one: the merged watermark is the lowest, and the end comes with the last.

use crate::{operator::Control, time::EventTime};

/// Merges the control of several inputs. Pure: it only keeps count.
#[derive(Clone, Debug)]
pub(crate) struct Merge {
    /// Watermark of each input; `i64::MAX` once it has ended.
    watermarks: Vec<EventTime>,
    ended: Vec<bool>,
    /// Latest barrier of each input.
    barriers: Vec<u64>,
    merged: EventTime,
}

impl Merge {
    pub(crate) fn new(inputs: usize) -> Self {
        Self { watermarks: vec![EventTime::MIN; inputs], ended: vec![false; inputs], barriers: vec![0; inputs], merged: EventTime::MIN }
    }

    /// Takes the control of one input and returns what goes on, if anything: at most a watermark, then at most a barrier or the end.
    pub(crate) fn take(&mut self, input: usize, control: Control) -> [Option<Control>; 2] {
        match control {
            Control::Watermark(watermark) => {
                self.watermarks[input] = self.watermarks[input].max(watermark);
                [self.advance(), None]
            }
            Control::Barrier(number) => {
                let before = self.complete_barrier();
                self.barriers[input] = number;
                let after = self.complete_barrier();
                [None, (after > before).then_some(Control::Barrier(after))]
            }
            Control::End => {
                self.ended[input] = true;
                self.barriers[input] = u64::MAX;
                self.watermarks[input] = EventTime::MAX;
                if self.ended() { [None, Some(Control::End)] } else { [self.advance(), None] }
            }
        }
    }

    /// Whether every input has ended.
    pub(crate) fn ended(&self) -> bool {
        self.ended.iter().all(|ended| *ended)
    }

    /// The highest barrier that every live input has shown.
    fn complete_barrier(&self) -> u64 {
        self.barriers.iter().copied().min().filter(|&number| number != u64::MAX).unwrap_or(0)
    }

    fn advance(&mut self) -> Option<Control> {
        let lowest = self.watermarks.iter().copied().min()?;
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
        assert_eq!(merge.take(0, Control::End), [None, None]);
        assert_eq!(merge.take(1, Control::Barrier(2)), [None, Some(Control::Barrier(2))]);
    }
}
