//! Sum and number of integers, the sink that a filter can reach by arithmetic alone.

use super::{
    Sink,
    collect::{Part, Slots, lock},
};
use crate::{
    error::{BuildError, RunError},
    operator::{Control, Operator, States, SumCount},
    record::{Own, Record},
};

/// Adds up `i64` records, wrapping, and counts them.
///
/// ```
/// use thalweg::{Config, Dataflow, Generate, sink::Total};
///
/// let mut flow = Dataflow::new("even squares");
/// let (sink, total) = Total::new();
/// flow.source(Generate::new(10, |i| i as i64)).filter(|i| i % 2 == 0).map_pure(|i| i.wrapping_mul(i)).sink(sink);
/// flow.start(Config::default())?.join()?;
/// assert_eq!((total.get().sum, total.get().count), (120, 5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Total {
    slots: Slots<SumCount>,
}

/// The result of a [`Total`].
pub struct Totalled {
    slots: Slots<SumCount>,
}

impl Total {
    /// The sink, and the handle to its result.
    pub fn new() -> (Self, Totalled) {
        let slots = Slots::default();
        (Self { slots: slots.clone() }, Totalled { slots })
    }
}

impl Totalled {
    /// Sum and number of all records, over all workers; complete once the job has ended.
    pub fn get(&self) -> SumCount {
        let mut total = SumCount::default();
        lock(&self.slots).iter().flatten().for_each(|part| total += *part);
        total
    }
}

impl Sink<Own<i64>> for Total {
    type Writer = TotalWriter;

    fn name(&self) -> &'static str {
        "total"
    }

    fn open(self, writers: usize) -> Result<Vec<TotalWriter>, BuildError> {
        Ok(Part::open(self.slots, writers, SumCount::default).into_iter().map(|part| TotalWriter { part }).collect())
    }
}

/// One worker's share of a [`Total`].
pub struct TotalWriter {
    part: Part<SumCount>,
}

impl Operator<Own<i64>> for TotalWriter {
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = <Own<i64> as Record>::Of<'a>>,
    {
        let (mut sum, mut count) = (0i64, 0u64);
        records.for_each(|value| {
            sum = sum.wrapping_add(value);
            count += 1;
        });
        self.add(SumCount { sum, count });
    }

    const MASKS: bool = true;

    #[inline(always)]
    fn process_masked<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = (bool, <Own<i64> as Record>::Of<'a>)>,
    {
        let (mut sum, mut count) = (0i64, 0u64);
        records.for_each(|(passes, value)| {
            // All ones if it passes.
            let mask = -i64::from(passes);
            sum = sum.wrapping_add(value & mask);
            count = count.wrapping_sub(mask.cast_unsigned());
        });
        self.add(SumCount { sum, count });
    }

    fn control(&mut self, control: Control) {
        if control == Control::End {
            self.part.hand_over();
        }
    }

    fn ready(&mut self) -> Result<bool, RunError> {
        Ok(true)
    }

    fn states(&mut self, _: &mut States<'_>) {}
}

impl TotalWriter {
    #[inline(always)]
    fn add(&mut self, batch: SumCount) {
        if let Some(total) = &mut self.part.kept {
            *total += batch;
        }
    }
}
