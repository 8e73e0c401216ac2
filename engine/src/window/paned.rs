//! Windows whose results may come early: those of fixed size, the one that holds all, and those of so many records.

use super::{Lenient, Sliced, Sliding, Tumbling, assign::Slices};

/// Windows that a key's panes can be kept for.
pub trait Paned: Copy + Send + 'static {
    /// Which panes a record belongs to.
    #[doc(hidden)]
    fn panes(self) -> Panes;
    /// Says what is wrong with their parameters, if anything.
    #[doc(hidden)]
    fn refusal(self) -> Option<String>;
}

/// Which panes a record belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Panes {
    /// Those of the windows that hold its time.
    Fixed(Slices),
    /// One that never ends.
    Global,
    /// One that ends with so many records.
    Count(u64),
}

/// One window that holds all records of a key, and fires when the input ends: give it a trigger to hear of it before.
///
/// The start and the end of a result are those of its records: the least time, and the greatest plus 1 ms. No record is late.
#[derive(Clone, Copy, Debug)]
pub struct Global;

/// Windows of so many records of a key each, in the order in which they come to the key's owner.
///
/// The start and the end of a result are those of its records: the least time, and the greatest plus 1 ms. No record is late. When the input
/// ends, windows that are not full fire as they are.
///
/// ```
/// use thalweg::{Collect, Config, CountWindows, Dataflow, Generate, Monotone, Own, Revised, Sum, SumCount};
///
/// let mut flow = Dataflow::new("by threes");
/// let (sink, rows) = Collect::<Revised<(), SumCount>>::new();
/// flow.source(Generate::new(7, |i| i as i64))
///     .watermarks(Monotone, |i| *i)
///     .key_by(|_| ())
///     .window(CountWindows::of(3))
///     .aggregate(Sum::of::<Own<i64>>(|i: &i64| *i))
///     .sink(sink);
/// flow.start(Config::default().workers(1))?.join()?;
/// let rows: Vec<_> = rows.take().into_iter().map(|row| (row.start, row.end, row.value.sum)).collect();
/// assert_eq!(rows, [(0, 3, 3), (3, 6, 12), (6, 7, 6)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CountWindows {
    records: u64,
}

impl CountWindows {
    /// Windows of so many records.
    pub const fn of(records: u64) -> Self {
        Self { records }
    }
}

impl Paned for Tumbling {
    fn panes(self) -> Panes {
        Panes::Fixed(self.into())
    }
    fn refusal(self) -> Option<String> {
        self.refuse()
    }
}

impl Paned for Sliding {
    fn panes(self) -> Panes {
        Panes::Fixed(self.into())
    }
    fn refusal(self) -> Option<String> {
        self.refuse()
    }
}

impl<W: Sliced> Paned for Lenient<W> {
    fn panes(self) -> Panes {
        Panes::Fixed(self.slices())
    }
    fn refusal(self) -> Option<String> {
        Sliced::refusal(self)
    }
}

impl Paned for Global {
    fn panes(self) -> Panes {
        Panes::Global
    }
    fn refusal(self) -> Option<String> {
        None
    }
}

impl Paned for CountWindows {
    fn panes(self) -> Panes {
        Panes::Count(self.records)
    }
    fn refusal(self) -> Option<String> {
        (self.records == 0).then(|| "windows of 0 records; give 1 or more".into())
    }
}
