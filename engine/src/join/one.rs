//! Left rows, each with the one right row of its key: bids with their auction, sales with their seller.
//!
//! ```text
//!   left before right    waits, packed            right comes ─▶ all that wait meet it, and are forgotten
//!   left after right     meets it at once, and is not kept
//! ```
//!
//! So what is kept is the right rows, and the left ones that came too early. A right row that is not wanted leaves a mark of 16 bytes, by which
//! left rows know that nothing will come for them.

use crate::{
    process::{Either, RowContext, RowProcess},
    record::{EitherOf, Held, PairOf, Portable},
    state::Key,
    time::EventTime,
};

pub(crate) struct ManyToOne<P> {
    pub(crate) wanted: P,
}

/// What is known of a key.
pub(crate) enum One<L: Portable, R: Portable> {
    /// Left rows that came before the right one.
    Early(Box<Early<L>>),
    /// The right row.
    There(Box<(EventTime, Held<R>)>),
    /// It came, and is not wanted.
    Unwanted,
}

pub(crate) struct Early<L: Portable>(Vec<(EventTime, Held<L>)>);

impl<L: Portable<Fixed: Clone>, R: Portable<Fixed: Clone>> Clone for One<L, R> {
    fn clone(&self) -> Self {
        match self {
            Self::Early(early) => Self::Early(Box::new(Early(early.0.clone()))),
            Self::There(right) => Self::There(right.clone()),
            Self::Unwanted => Self::Unwanted,
        }
    }
}

impl<K, L, R, P> RowProcess<K, EitherOf<L, R>> for ManyToOne<P>
where
    K: Key,
    L: Portable<Fixed: Clone>,
    R: Portable<Fixed: Clone>,
    P: for<'a, 'b> FnMut(&'b R::Of<'a>) -> bool + 'static,
{
    type State = One<L, R>;
    type Out = PairOf<L, R>;

    #[inline(always)]
    fn on_record(&mut self, state: &mut Option<One<L, R>>, record: Either<L::Of<'_>, R::Of<'_>>, cx: &mut RowContext<'_, K, PairOf<L, R>>) {
        match record {
            Either::Left(left) => match state {
                Some(One::There(right)) => {
                    let (time, right) = &**right;
                    cx.emit_at(cx.time().max(*time), (L::shorten(left), R::shorten(right.get())));
                }
                Some(One::Unwanted) => {}
                Some(One::Early(early)) => early.0.push((cx.time(), Held::new(left))),
                None => *state = Some(One::Early(Box::new(Early(vec![(cx.time(), Held::new(left))])))),
            },
            Either::Right(right) => self.on_right(state, right, cx),
        }
    }
}

impl<P> ManyToOne<P> {
    /// Apart: there are many left rows to one right one.
    #[inline(never)]
    fn on_right<K, L, R>(&mut self, state: &mut Option<One<L, R>>, right: R::Of<'_>, cx: &mut RowContext<'_, K, PairOf<L, R>>)
    where
        K: Key,
        L: Portable<Fixed: Clone>,
        R: Portable<Fixed: Clone>,
        P: for<'a, 'b> FnMut(&'b R::Of<'a>) -> bool + 'static,
    {
        let early = match state.take() {
            None => None,
            Some(One::Early(early)) => Some(early),
            Some(_) => return cx.fail("two right rows have one key, of which many_to_one takes one; join them with inner"),
        };
        if !(self.wanted)(&right) {
            *state = Some(One::Unwanted);
            return;
        }
        let right = Held::<R>::new(right);
        let time = cx.time();
        for (its, left) in early.into_iter().flat_map(|early| early.0) {
            cx.emit_at(time.max(its), (left.get(), right.get()));
        }
        *state = Some(One::There(Box::new((time, right))));
    }
}
