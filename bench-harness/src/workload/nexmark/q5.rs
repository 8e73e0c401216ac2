//! q5: in windows of ten seconds that slide by two, the auctions with the most bids.

use thalweg::{Aggregate, Count, Dataflow, Own, Sliding, Tumbling, Windowed, source::Source, state::Partial};

use super::{
    Arrivals, Bid, Cell,
    program::{Bids, Output, WATERMARKS, bid},
};

const SIZE_MS: i64 = 10_000;
const SLIDE_MS: i64 = 2_000;

/// Bids of an auction in a window.
type Counted = Windowed<i64, u64>;

/// The auctions with the most bids.
#[derive(Clone)]
struct Most;

#[derive(Clone)]
struct Leaders {
    bids: u64,
    auctions: Vec<i64>,
}

impl Partial for Leaders {
    fn empty() -> Self {
        Leaders { bids: 0, auctions: Vec::new() }
    }
    fn is_empty(&self) -> bool {
        self.bids == 0
    }
}

impl Leaders {
    #[cold]
    #[inline(never)]
    fn add(&mut self, auction: i64, bids: u64) {
        if bids > self.bids {
            self.bids = bids;
            self.auctions.clear();
        }
        self.auctions.push(auction);
    }
}

impl Aggregate<Own<Counted>> for Most {
    type Partial = Leaders;
    type Out = Leaders;

    // Few auctions have the most bids so far.
    #[inline(always)]
    fn lift(&mut self, leaders: &mut Leaders, counted: &Counted) {
        if counted.value >= leaders.bids {
            leaders.add(counted.key, counted.value);
        }
    }

    fn combine(&mut self, leaders: &mut Leaders, mut other: Leaders) {
        if other.bids > leaders.bids {
            *leaders = other;
        } else if other.bids == leaders.bids {
            leaders.auctions.append(&mut other.auctions);
        }
    }

    fn lower(&self, leaders: &Leaders) -> Leaders {
        leaders.clone()
    }
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events)
        .filter_map_to::<Bids, _>(bid)
        .watermarks(WATERMARKS, |bid: &Bid<'_>| bid.date_time)
        .key_by(|bid: &Bid<'_>| bid.auction)
        .window(Sliding::millis(SIZE_MS, SLIDE_MS))
        .aggregate(Count)
        // Results of one window have its last time, and so are alone in one slide.
        .key_by(|_| ())
        .window(Tumbling::millis(SLIDE_MS))
        .aggregate(Most)
        .sink(out.rows::<Own<Windowed<(), Leaders>>, _>(|rows, most: Windowed<(), Leaders>| {
            for auction in most.value.auctions {
                rows.insert(&[Cell::Int(auction), Cell::Int(most.value.bids as i64), Cell::Int(most.end - SIZE_MS)]);
            }
        }));
}
