//! q17: statistics of each auction's bids by day.

use thalweg::{Aggregate, Dataflow, Update, operator::Updates, source::Source, state::Partial};

use super::{
    Arrivals, Bid, Cell,
    calendar::{self, day_of},
    program::{Bids, Output, Results, bid},
    ranks::{Written, rank},
};

/// Auction and day.
type Key = (i64, i64);

/// Counts, extremes and the sum of prices.
#[derive(Clone)]
struct Prices;

#[derive(Clone, Copy)]
struct Stats {
    ranks: [i64; 3],
    min: i64,
    max: i64,
    sum: i128,
}

impl Stats {
    fn bids(&self) -> i64 {
        self.ranks.iter().sum()
    }
}

impl Partial for Stats {
    fn empty() -> Self {
        Stats { ranks: [0; 3], min: i64::MAX, max: i64::MIN, sum: 0 }
    }
    fn is_empty(&self) -> bool {
        self.bids() == 0
    }
}

impl Aggregate<Bids> for Prices {
    type Partial = Stats;
    type Out = Stats;

    #[inline]
    fn lift(&mut self, stats: &mut Stats, bid: &Bid<'_>) {
        stats.ranks[rank(bid.price)] += 1;
        stats.min = stats.min.min(bid.price);
        stats.max = stats.max.max(bid.price);
        stats.sum += i128::from(bid.price);
    }

    #[inline]
    fn combine(&mut self, stats: &mut Stats, other: Stats) {
        for (rank, more) in stats.ranks.iter_mut().zip(other.ranks) {
            *rank += more;
        }
        stats.min = stats.min.min(other.min);
        stats.max = stats.max.max(other.max);
        stats.sum += other.sum;
    }

    #[inline]
    fn lower(&self, stats: &Stats) -> Stats {
        *stats
    }
}

fn row(&(auction, _): &Key, date: &str, stats: &Stats, put: impl FnOnce(&[Cell<'_>])) {
    let narrow = |number: i128| Cell::Int(number.clamp(i64::MIN.into(), i64::MAX.into()) as i64);
    let [one, two, three] = stats.ranks.map(Cell::Int);
    put(&[
        Cell::Int(auction),
        Cell::Text(date),
        Cell::Int(stats.bids()),
        one,
        two,
        three,
        Cell::Int(stats.min),
        Cell::Int(stats.max),
        narrow(stats.sum / i128::from(stats.bids())),
        narrow(stats.sum),
    ]);
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    let mut date = Written::by(calendar::date);
    flow.source(events)
        .filter_map_to::<Bids, _>(bid)
        .key_by(|bid: &Bid<'_>| -> Key { (bid.auction, day_of(bid.date_time)) })
        .aggregate(Prices)
        .sink(out.rows::<Updates<Key, Stats>, _>(move |rows: &mut Results, update: Update<'_, Key, Stats>| {
            let date = date.text(update.key.1);
            if let Some(before) = &update.before {
                row(update.key, date, before, |row| rows.delete(row));
            }
            row(update.key, date, &update.after, |row| rows.insert(row));
        }));
}
