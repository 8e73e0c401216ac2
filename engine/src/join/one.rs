//! Left rows, each with the one right row of its key: bids with their auction, sales with their seller.
//!
//! ```text
//!   left before right    waits, packed            right comes ─▶ all that wait meet it, and are forgotten
//!   left after right     meets it at once, and is not kept
//! ```
//!
//! So what is kept is the right rows, and the left ones that came too early. A right row that is not wanted leaves a mark of 16 bytes, by which
//! left rows know that nothing will come for them.
//!
//! A pair is lent to what comes after: the left row as it came, the right one from where it is kept. Nothing is copied for it. A row that
//! changes what is kept ends the run of rows that are joined in one loop.

use std::{iter, marker::PhantomData};

use crate::{
    error::RunError,
    operator::{
        Control, Operator, States,
        blame::{Site, guard, refuse},
        link::{ChainCx, Step},
    },
    process::{Either, Kept},
    record::{EitherOf, Held, PairOf, Portable, Record, Timed},
    state::{Key, KeyedState},
    time::EventTime,
};

/// The join before it has any state.
pub(crate) struct ManyToOne<L, R, K, F, P> {
    pub(crate) key: F,
    pub(crate) wanted: P,
    pub(crate) keys_max: usize,
    pub(crate) site: Site,
    pub(crate) of: PhantomData<fn(L, R) -> K>,
}

impl<L, R, K, F: Clone, P: Clone> Clone for ManyToOne<L, R, K, F, P> {
    fn clone(&self) -> Self {
        let Self { key, wanted, keys_max, site, of } = self;
        Self { key: key.clone(), wanted: wanted.clone(), keys_max: *keys_max, site: *site, of: *of }
    }
}

/// What is known of a key.
enum One<L: Portable, R: Portable> {
    /// Left rows that came before the right one.
    Early(Box<Early<L>>),
    /// The right row.
    There(Box<(EventTime, Held<R>)>),
    /// It came, and is not wanted.
    Unwanted,
}

/// Rows with their times.
struct Early<L: Portable>(Vec<(EventTime, Held<L>)>);

impl<L: Portable<Fixed: Clone>, R: Portable<Fixed: Clone>> Clone for One<L, R> {
    fn clone(&self) -> Self {
        match self {
            Self::Early(early) => Self::Early(Box::new(Early(early.0.clone()))),
            Self::There(right) => Self::There(right.clone()),
            Self::Unwanted => Self::Unwanted,
        }
    }
}

impl<L, R, K, F, P> Step<Timed<EitherOf<L, R>>> for ManyToOne<L, R, K, F, P>
where
    L: Portable<Fixed: Clone>,
    R: Portable<Fixed: Clone>,
    K: Key,
    F: for<'a, 'b> FnMut(&'b Either<L::Of<'a>, R::Of<'a>>) -> K + Clone + Send + 'static,
    P: for<'a, 'b> FnMut(&'b R::Of<'a>) -> bool + Clone + Send + 'static,
{
    type Out = Timed<PairOf<L, R>>;
    fn before<N: Operator<Self::Out> + 'static>(self, next: N, _: ChainCx) -> impl Operator<Timed<EitherOf<L, R>>> + 'static {
        Joining { of: self, known: Kept::new(), again: false, next }
    }
}

struct Joining<L: Portable, R: Portable, K, F, P, N> {
    of: ManyToOne<L, R, K, F, P>,
    known: Kept<K, Option<One<L, R>>>,
    /// A key got a second right row.
    again: bool,
    next: N,
}

impl<L, R, K, F, P, N> Joining<L, R, K, F, P, N>
where
    L: Portable<Fixed: Clone>,
    R: Portable<Fixed: Clone>,
    K: Key,
    P: for<'a, 'b> FnMut(&'b R::Of<'a>) -> bool,
    N: Operator<Timed<PairOf<L, R>>>,
{
    /// Keeps a left row that came before its right one.
    #[inline(never)]
    fn keep(&mut self, time: EventTime, key: &K, left: L::Of<'_>) {
        let left = (time, Held::new(left));
        self.known.with(key, |one| match one {
            Some(One::Early(early)) => early.0.push(left),
            _ => *one = Some(One::Early(Box::new(Early(vec![left])))),
        });
    }

    /// Keeps a right row, and joins it with the left ones that wait.
    #[inline(never)]
    fn meet(&mut self, time: EventTime, key: &K, right: R::Of<'_>) {
        let Self { of: ManyToOne { wanted, site, .. }, known, again, next, .. } = self;
        let is_wanted = guard(*site, || wanted(&right));
        known.with(key, |one| {
            let early = match one.take() {
                None => None,
                Some(One::Early(early)) => Some(early),
                there => {
                    *again = true;
                    *one = there;
                    return;
                }
            };
            if !is_wanted {
                *one = Some(One::Unwanted);
                return;
            }
            let right = Box::new((time, Held::<R>::new(right)));
            if let Some(early) = early {
                next.process(early.0.iter().map(|(its, left)| (time.max(*its), (L::shorten(left.get()), R::shorten(right.1.get())))));
            }
            *one = Some(One::There(right));
        });
    }
}

impl<L, R, K, F, P, N> Operator<Timed<EitherOf<L, R>>> for Joining<L, R, K, F, P, N>
where
    L: Portable<Fixed: Clone>,
    R: Portable<Fixed: Clone>,
    K: Key,
    F: for<'a, 'b> FnMut(&'b Either<L::Of<'a>, R::Of<'a>>) -> K,
    P: for<'a, 'b> FnMut(&'b R::Of<'a>) -> bool,
    N: Operator<Timed<PairOf<L, R>>>,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, mut rows: I)
    where
        I: Iterator<Item = <Timed<EitherOf<L, R>> as Record>::Of<'a>>,
    {
        loop {
            let Self { of: ManyToOne { key: key_of, site, .. }, known, next, .. } = self;
            let table = &known.table;
            let mut odd = None;
            next.process(iter::from_fn(|| {
                loop {
                    let (time, row) = rows.next()?;
                    let key = guard(*site, || key_of(&row));
                    let left = match row {
                        Either::Left(left) => left,
                        right => {
                            odd = Some((time, key, right));
                            return None;
                        }
                    };
                    match table.get(&key) {
                        Some(Some(One::There(right))) => {
                            let (its, right) = &**right;
                            return Some((time.max(*its), (L::shorten(left), R::shorten(right.get()))));
                        }
                        Some(Some(One::Unwanted)) => {}
                        _ => {
                            odd = Some((time, key, Either::Left(left)));
                            return None;
                        }
                    }
                }
            }));
            match odd {
                None => return,
                Some((time, key, Either::Left(left))) => self.keep(time, &key, left),
                Some((time, key, Either::Right(right))) => self.meet(time, &key, right),
            }
        }
    }

    fn control(&mut self, control: Control) {
        self.next.control(control);
    }

    #[inline(always)]
    fn ready(&mut self) -> Result<bool, RunError> {
        let ManyToOne { keys_max, site, .. } = self.of;
        if self.again {
            let why = "two right rows have one key, of which many_to_one takes one; join them with inner";
            return Err(refuse(site, why.into()));
        }
        if self.known.keys() > keys_max {
            return Err(refuse(site, format!("this worker has state for more than {keys_max} keys; raise keys_max")));
        }
        self.next.ready()
    }

    fn states(&mut self, states: &mut States<'_>) {
        let Self { of: _, known, again: _, next } = self;
        states.keep(known);
        next.states(states);
    }
}
