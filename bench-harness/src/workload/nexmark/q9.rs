//! q9: the winning bid of each auction, with the auction's columns.

use thalweg::{
    Dataflow, Record,
    changelog::Change,
    process::{Either, RowContext, RowProcess},
    record::{ChangeOf, EitherOf, Held, Packed, PairOf, Portable},
    source::Source,
};

use super::{
    Arrival, Arrivals, Auction, Cell, Event,
    portable::Auctions,
    program::{Output, WATERMARKS},
    winners::{Offer, Wins, beats, counts},
};

impl Offer for Auction<'_> {
    fn open(&self) -> (i64, i64) {
        (self.date_time, self.expires)
    }
}

/// What the result has of a bid.
#[derive(Clone, Copy)]
struct Made<'a> {
    auction: i64,
    bidder: i64,
    price: i64,
    date_time: i64,
    number: u64,
    extra: &'a str,
}

impl Wins for Made<'_> {
    fn price(&self) -> i64 {
        self.price
    }
    fn made(&self) -> i64 {
        self.date_time
    }
    fn number(&self) -> u64 {
        self.number
    }
}

struct MadeBids;

impl Record for MadeBids {
    type Of<'a> = Made<'a>;
}

impl Portable for MadeBids {
    /// The bid without its text.
    type Fixed = (Made<'static>, Packed<1>);

    #[inline(always)]
    fn pack(bid: Made<'_>, texts: &mut String) -> Self::Fixed {
        (Made { extra: "", ..bid }, Packed::pack([bid.extra], texts))
    }

    #[inline(always)]
    fn unpack((bid, packed): Self::Fixed, texts: &str) -> Made<'_> {
        let [extra] = packed.of(texts);
        Made { extra, ..bid }
    }

    #[inline(always)]
    fn shorten<'s, 'l: 's>(bid: Made<'l>) -> Made<'s> {
        bid
    }
}

/// Each auction's winner, as a changelog: as `winners::Winners`, for rows with texts.
struct Winners;

/// What is known of an auction.
#[derive(Clone)]
enum Known {
    /// Bids on it; itself it has not come.
    Early(Vec<Held<MadeBids>>),
    /// It, and the best bid so far.
    Open(Box<(Held<Auctions>, Option<Held<MadeBids>>)>),
}

impl RowProcess<i64, EitherOf<Auctions, MadeBids>> for Winners {
    type State = Known;
    type Out = ChangeOf<PairOf<Auctions, MadeBids>>;

    #[inline]
    fn on_record(
        &mut self,
        known: &mut Option<Known>,
        record: Either<Auction<'_>, Made<'_>>,
        cx: &mut RowContext<'_, i64, ChangeOf<PairOf<Auctions, MadeBids>>>,
    ) {
        match record {
            Either::Right(bid) => match known {
                None => *known = Some(Known::Early(vec![Held::new(bid)])),
                Some(Known::Early(early)) => early.push(Held::new(bid)),
                Some(Known::Open(open)) => {
                    let (auction, best) = &mut **open;
                    let auction = auction.get();
                    if !counts(&auction, &bid) {
                        return;
                    }
                    match best {
                        None => {
                            cx.emit(Change::Insert((auction, bid)));
                            *best = Some(Held::new(bid));
                        }
                        Some(best) if beats(&bid, &best.get()) => {
                            cx.emit(Change::Update { before: (auction, best.get()), after: (auction, bid) });
                            best.set(bid);
                        }
                        Some(_) => {}
                    }
                }
            },
            Either::Left(auction) => {
                let early = match known.take() {
                    Some(Known::Early(early)) => early,
                    _ => Vec::new(),
                };
                let better = |best: Option<Held<MadeBids>>, bid: Held<MadeBids>| match &best {
                    Some(best_so_far) if !beats(&bid.get(), &best_so_far.get()) => best,
                    _ => Some(bid),
                };
                let best = early.into_iter().filter(|bid| counts(&auction, &bid.get())).fold(None, better);
                if let Some(best) = &best {
                    cx.emit(Change::Insert((auction, best.get())));
                }
                *known = Some(Known::Open(Box::new((Held::new(auction), best))));
            }
        }
    }
}

fn cells<'r>((a, bid): &(Auction<'r>, Made<'r>)) -> [Cell<'r>; 14] {
    [
        Cell::Int(a.id),
        Cell::Text(a.item_name),
        Cell::Text(a.description),
        Cell::Int(a.initial_bid),
        Cell::Int(a.reserve),
        Cell::Int(a.date_time),
        Cell::Int(a.expires),
        Cell::Int(a.seller),
        Cell::Int(a.category),
        Cell::Text(a.extra),
        Cell::Int(bid.bidder),
        Cell::Int(bid.price),
        Cell::Int(bid.date_time),
        Cell::Text(bid.extra),
    ]
}

/// The auction, or what the result has of the bid.
#[inline(always)]
fn auction_or_bid(Arrival { number, event }: Arrival<'_>) -> Option<Either<Auction<'_>, Made<'_>>> {
    match event {
        Event::Auction(auction) => Some(Either::Left(auction)),
        Event::Bid(b) => Some(Either::Right(Made {
            auction: b.auction,
            bidder: b.bidder,
            price: b.price,
            date_time: b.date_time,
            number,
            extra: b.extra,
        })),
        Event::Person(_) => None,
    }
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events)
        .watermarks(WATERMARKS, |arrival: &Arrival<'_>| arrival.event.date_time())
        .filter_map_to::<EitherOf<Auctions, MadeBids>, _>(auction_or_bid)
        .key_by(|row| match row {
            Either::Left(auction) => auction.id,
            Either::Right(bid) => bid.auction,
        })
        .process_rows(|| Winners)
        .sink(out.rows::<ChangeOf<PairOf<Auctions, MadeBids>>, _>(|rows, change| rows.change(&change, |row| cells(row))));
}
