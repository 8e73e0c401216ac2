//! q7: in windows of ten seconds, the bids at the highest price.

use thalweg::{Aggregate, Dataflow, Own, Tumbling, Windowed, source::Source, state::Partial};

use super::{
    Arrivals, Bid, Cell,
    owned::OwnedBid,
    program::{Bids, Output, WATERMARKS, bid},
};

/// The bids at the highest price.
#[derive(Clone)]
struct Highest;

#[derive(Clone)]
struct Top(Vec<OwnedBid>);

impl Partial for Top {
    fn empty() -> Self {
        Top(Vec::new())
    }
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Top {
    #[inline(always)]
    fn price(&self) -> i64 {
        self.0.first().map_or(i64::MIN, |bid| bid.price)
    }

    #[cold]
    #[inline(never)]
    fn add(&mut self, bid: Bid<'_>) {
        if bid.price > self.price() {
            self.0.clear();
        }
        self.0.push(bid.into());
    }
}

impl Aggregate<Bids> for Highest {
    type Partial = Top;
    type Out = Vec<OwnedBid>;

    // Few bids are copied: the record of a window is beaten less and less often. So that the others stay in registers, only the test is made
    // where the bids are, and a copy goes elsewhere.
    #[inline(always)]
    fn lift(&mut self, top: &mut Top, bid: &Bid<'_>) {
        if bid.price >= top.price() {
            top.add(*bid);
        }
    }

    fn combine(&mut self, top: &mut Top, mut other: Top) {
        if other.price() > top.price() || top.0.is_empty() {
            *top = other;
        } else if other.price() == top.price() {
            top.0.append(&mut other.0);
        }
    }

    fn lower(&self, top: &Top) -> Vec<OwnedBid> {
        top.0.clone()
    }
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events)
        .filter_map_to::<Bids, _>(bid)
        .watermarks(WATERMARKS, |bid: &Bid<'_>| bid.date_time)
        .key_by(|_: &Bid<'_>| ())
        .window(Tumbling::seconds(10))
        .aggregate(Highest)
        .sink(out.rows::<Own<Windowed<(), Vec<OwnedBid>>>, _>(|rows, window: Windowed<(), Vec<OwnedBid>>| {
            for bid in window.value.iter().map(OwnedBid::view) {
                let numbers = [bid.auction, bid.price, bid.bidder, bid.date_time].map(Cell::Int);
                rows.insert(&[numbers[0], numbers[1], numbers[2], numbers[3], Cell::Text(bid.extra)]);
            }
        }));
}
