//! Nexmark. Elements of the first block are pieces of the stream, so that a query sees events where they are and sends on records of its own.
//!
//! ```text
//!   source ─ pieces, watermark after each ─▶ records of the query ─ group_by key ─▶ Windows or state ─▶ answer of the replica ─▶ answer
//! ```
//!
//! Watermarks are four seconds behind the greatest event time that a replica has read, in steps of two seconds. Windows are operators of
//! `rich_map_custom`, aligned to the epoch, for the reason that the module above has. q3, q4, q18 and q20 keep what they must without an end, and see no time.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use renoir::{
    BatchMode, Replication, Stream, StreamContext,
    operator::{Data, ElementGenerator, ExchangeData, Operator, StreamElement, sink::StreamOutput},
};

use super::{Started, answered};
use crate::{
    measure::threads::ThreadWatch,
    system::{
        Job,
        peers::{
            events::{Piece, Pieces, q0, q1, q2},
            kept::KeptBid,
            unbounded::{Categories, Known, LastBids, Map, Offer, Offers, Sellers, Side, lot},
            windowed::{Leaders, Met, Party, SIZE_MS, SLIDE_MS, Sessions, end, party, watermark},
        },
    },
    workload::{
        Answer,
        nexmark::{Bid, Cell, Digest, Event, Events, Query},
    },
};

/// Records in a batch between blocks.
const BATCH: usize = 1 << 10;

/// The end of a stream of answers, one of each replica.
type Answers = StreamOutput<Vec<Answer>>;

pub(super) fn run(query: Query, events: &Events, job: &Job) -> Result<(Duration, Answer), String> {
    let Events::Replay(replay) = events else { return Err("renoir reads events from memory only".to_owned()) };
    answered(job.cores, |context, started| {
        let pieces = read(context, Pieces::new(replay, job.batch), started);
        match query {
            Query::Q0 => each_bid(pieces, query, q0),
            Query::Q1 => each_bid(pieces, query, q1),
            Query::Q2 => each_bid(pieces, query, q2),
            Query::Q3 => {
                keyed(project(pieces, |_, event| Side::of(event)), query, |(seller, _)| *seller, Sellers::default(), Sellers::take)
            }
            Query::Q4 => q4(pieces),
            Query::Q5 => q5(timed(pieces)),
            Query::Q7 => q7(timed(pieces)),
            Query::Q8 => q8(timed(pieces)),
            Query::Q11 => q11(timed(pieces)),
            Query::Q18 => {
                let bids = project(pieces, |number, event| Some((number, KeptBid::from(event.bid()?))));
                keyed(bids, query, |(_, bid)| bid.bidder, LastBids::default(), LastBids::take)
            }
            _ => keyed(project(pieces, |_, event| Offer::of(event)), query, |(auction, _)| *auction, Offers::default(), Offers::take),
        }
    })
}

/// A replica's pieces of the stream.
struct Source {
    pieces: Pieces,
    started: Started,
    watch: Option<ThreadWatch>,
}

impl Iterator for Source {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if self.watch.is_none() {
            self.started.now();
            self.watch = Some(ThreadWatch::begin("source"));
        }
        let piece = self.pieces.next();
        if piece.is_none() {
            self.watch = None;
        }
        piece
    }
}

/// The stream.
fn read(context: &StreamContext, pieces: Pieces, started: &Started) -> Stream<impl Operator<Out = Piece> + use<>> {
    let started = started.clone();
    context.stream_par_iter(move |_, _| Source { pieces, started, watch: None }).batch_mode(BatchMode::fixed(BATCH))
}

/// The stream with watermarks, for queries with windows.
fn timed(pieces: Stream<impl Operator<Out = Piece> + 'static>) -> Stream<impl Operator<Out = Piece>> {
    let (mut pending, mut greatest) = (None, i64::MIN);
    pieces.rich_map_custom(move |mut pieces| {
        if let Some(watermark) = pending.take() {
            return StreamElement::Watermark(watermark);
        }
        match pieces.next() {
            StreamElement::Item(piece) => {
                let time = piece.last_time();
                if greatest < watermark(time) {
                    greatest = watermark(time);
                    pending = Some(greatest);
                }
                StreamElement::Timestamped(piece, time)
            }
            other => other,
        }
    })
}

/// What a query asks of an event, as a record of its own.
fn project<D: Data>(
    pieces: Stream<impl Operator<Out = Piece> + 'static>,
    project: impl Fn(u64, Event<'_>) -> Option<D> + Clone + Send + 'static,
) -> Stream<impl Operator<Out = D>> {
    pieces.flat_map(move |piece| {
        let mut records = Vec::with_capacity(piece.len());
        piece.for_each(|number, event| records.extend(project(number, event)));
        records
    })
}

/// Reduces rows to the answer, at the replicas and then in one place.
fn answer<T: Data>(
    rows: Stream<impl Operator<Out = T> + 'static>,
    query: Query,
    add: impl Fn(&mut Digest, T) + Clone + Send + 'static,
) -> Answers {
    let local = move |answer: &mut Answer, row| {
        let mut rows = Digest::new(query);
        add(&mut rows, row);
        *answer = answer.merge(rows.answer());
    };
    rows.fold_assoc(Answer::default(), local, |answer, more| *answer = answer.merge(more)).collect_vec()
}

/// Rows of bids alone, where they are read.
fn each_bid(
    pieces: Stream<impl Operator<Out = Piece> + 'static>,
    query: Query,
    row: impl Fn(&mut Digest, Bid<'_>) + Clone + Send + 'static,
) -> Answers {
    answer(pieces, query, move |rows, piece| piece.for_each(|_, event| event.bid().into_iter().for_each(|bid| row(rows, bid))))
}

/// Puts the answers of the replicas together.
fn sum(answers: Stream<impl Operator<Out = Answer> + 'static>) -> Answers {
    answers
        .fold_assoc(Answer::default(), |answer, more| *answer = answer.merge(more), |answer, more| *answer = answer.merge(more))
        .collect_vec()
}

/// State of a query's last operator, and the rows that it has added up, which it gives when the stream ends.
#[derive(Clone)]
struct Last<S> {
    state: S,
    rows: Digest,
    is_given: bool,
}

impl<S> Last<S> {
    fn new(query: Query, state: S) -> Self {
        Last { state, rows: Digest::new(query), is_given: false }
    }

    fn process<K, T>(
        &mut self,
        mut records: ElementGenerator<'_, impl Operator<Out = (K, T)>>,
        take: fn(&mut S, &mut Digest, T),
        advance: fn(&mut S, &mut Digest, i64),
    ) -> StreamElement<Answer> {
        if std::mem::take(&mut self.is_given) {
            return StreamElement::FlushAndRestart;
        }
        loop {
            match records.next() {
                StreamElement::Item((_, record)) | StreamElement::Timestamped((_, record), _) => {
                    take(&mut self.state, &mut self.rows, record)
                }
                StreamElement::Watermark(watermark) => advance(&mut self.state, &mut self.rows, watermark),
                StreamElement::FlushAndRestart => {
                    advance(&mut self.state, &mut self.rows, i64::MAX);
                    self.is_given = true;
                    return StreamElement::Item(self.rows.answer());
                }
                StreamElement::Terminate => return StreamElement::Terminate,
                StreamElement::FlushBatch => return StreamElement::FlushBatch,
            }
        }
    }
}

/// Takes each record on the replica of its key; adds rows, and takes them back, until the end.
fn keyed<D: ExchangeData, S: Data>(
    records: Stream<impl Operator<Out = D> + 'static>,
    query: Query,
    key: fn(&D) -> i64,
    state: S,
    take: fn(&mut S, &mut Digest, D),
) -> Answers {
    let mut last = Last::new(query, state);
    sum(records.group_by(key).rich_map_custom(move |records| last.process(records, take, |_, _, _| {})))
}

/// State by the end of its window, oldest first; what it comes to is given out once a watermark has reached the end.
#[derive(Clone)]
struct Windows<S, O> {
    open: BTreeMap<i64, S>,
    pending: VecDeque<StreamElement<O>>,
}

impl<S: Default, O> Windows<S, O> {
    fn new() -> Self {
        Windows { open: BTreeMap::new(), pending: VecDeque::new() }
    }

    fn process<T>(
        &mut self,
        mut records: ElementGenerator<'_, impl Operator<Out = T>>,
        add: impl Fn(&mut BTreeMap<i64, S>, T),
        close: impl Fn(i64, S, &mut dyn FnMut(O)),
    ) -> StreamElement<O> {
        loop {
            if let Some(element) = self.pending.pop_front() {
                return element;
            }
            match records.next() {
                StreamElement::Item(record) | StreamElement::Timestamped(record, _) => add(&mut self.open, record),
                StreamElement::Watermark(watermark) => {
                    self.advance(watermark, &close);
                    self.pending.push_back(StreamElement::Watermark(watermark));
                }
                StreamElement::FlushAndRestart => {
                    self.advance(i64::MAX, &close);
                    self.pending.push_back(StreamElement::FlushAndRestart);
                }
                StreamElement::Terminate => return StreamElement::Terminate,
                StreamElement::FlushBatch => return StreamElement::FlushBatch,
            }
        }
    }

    fn advance(&mut self, watermark: i64, close: impl Fn(i64, S, &mut dyn FnMut(O))) {
        while let Some(first) = self.open.first_entry().filter(|first| *first.key() <= watermark) {
            let (end, state) = first.remove_entry();
            // Nothing that is said about a window comes after a watermark that has reached its end.
            close(end, state, &mut |result| self.pending.push_back(StreamElement::Timestamped(result, end - 1)));
        }
    }
}

/// Prices that win are changes of a category's sum and count, which go to the replica of the category.
fn q4(pieces: Stream<impl Operator<Out = Piece> + 'static>) -> Answers {
    let mut known = Map::<i64, Known>::default();
    let changes = project(pieces, |_, event| lot(event)).group_by(|(auction, _)| *auction).rich_map_custom(move |mut lots| {
        loop {
            let change = match lots.next() {
                StreamElement::Item((_, (auction, lot))) => known.entry(auction).or_default().take(lot),
                other => return other.map(|_| unreachable!("no time was given")),
            };
            if let Some(change) = change {
                return StreamElement::Item(change);
            }
        }
    });
    keyed(changes, Query::Q4, |change| change.category, Categories::default(), Categories::take)
}

/// Counts per slice where bids are read; what a slice adds to an auction goes to the five windows that it is in, on the auction's replica; and
/// the leaders of each replica's auctions meet in one place.
fn q5(pieces: Stream<impl Operator<Out = Piece> + 'static>) -> Answers {
    let mut slices = Windows::<Map<i64, u64>, _>::new();
    let mut windows = Windows::<Map<i64, u64>, _>::new();
    let mut leaders = Windows::<Leaders<i64>, _>::new();
    let rows = pieces
        .rich_map_custom(move |pieces| {
            let add = |open: &mut BTreeMap<i64, Map<i64, u64>>, piece: Piece| {
                piece.for_each(|_, event| {
                    if let Event::Bid(bid) = event {
                        *open.entry(end(bid.date_time, SLIDE_MS)).or_default().entry(bid.auction).or_default() += 1;
                    }
                });
            };
            slices.process(pieces, add, |end, counts, give| counts.into_iter().for_each(|(auction, count)| give((auction, end, count))))
        })
        .group_by(|(auction, ..)| *auction)
        .rich_map_custom(move |parts| {
            let add = |open: &mut BTreeMap<i64, Map<i64, u64>>, (_, (auction, first, count))| {
                for end in (first..first + SIZE_MS).step_by(SLIDE_MS as usize) {
                    *open.entry(end).or_default().entry(auction).or_default() += count;
                }
            };
            windows.process(parts, add, |end, counts, give| {
                let mut leaders = Leaders::default();
                counts.into_iter().for_each(|(auction, count)| leaders.add(count as i64, || auction));
                leaders.who.into_iter().for_each(|auction| give((end, leaders.most, auction)));
            })
        })
        .replication(Replication::One)
        .rich_map_custom(move |parts| {
            let add = |open: &mut BTreeMap<i64, Leaders<i64>>, (end, count, auction)| open.entry(end).or_default().add(count, || auction);
            leaders.process(parts, add, |end, leaders, give| {
                leaders.who.into_iter().for_each(|auction| give([auction, leaders.most, end - SIZE_MS]));
            })
        });
    answer(rows, Query::Q5, |rows, row: [i64; 3]| rows.add(&row.map(Cell::Int)))
}

/// The bids at the highest price of each replica, which meet in one place.
fn q7(pieces: Stream<impl Operator<Out = Piece> + 'static>) -> Answers {
    type Bids = BTreeMap<i64, Leaders<KeptBid>>;
    let mut here = Windows::<Leaders<KeptBid>, _>::new();
    let mut highest = Windows::<Leaders<KeptBid>, _>::new();
    let rows = pieces
        .rich_map_custom(move |pieces| {
            let add = |open: &mut Bids, piece: Piece| {
                piece.for_each(|_, event| {
                    if let Event::Bid(bid) = event {
                        open.entry(end(bid.date_time, SIZE_MS)).or_default().add(bid.price, || bid.into());
                    }
                });
            };
            here.process(pieces, add, |end, leaders, give| leaders.who.into_iter().for_each(|bid| give((end, bid))))
        })
        .replication(Replication::One)
        .rich_map_custom(move |bids| {
            let add = |open: &mut Bids, (end, bid): (i64, KeptBid)| open.entry(end).or_default().add(bid.price, || bid);
            highest.process(bids, add, |_, leaders, give| leaders.who.into_iter().for_each(give))
        });
    answer(rows, Query::Q7, |rows, bid: KeptBid| {
        let [auction, price, bidder, time] = [bid.auction, bid.price, bid.bidder, bid.date_time].map(Cell::Int);
        rows.add(&[auction, price, bidder, time, Cell::Text(bid.view().extra)]);
    })
}

/// Persons and sellers of a window meet on the replica of their id.
fn q8(pieces: Stream<impl Operator<Out = Piece> + 'static>) -> Answers {
    let mut windows = Windows::<Met, _>::new();
    let rows = project(pieces, |_, event| party(event)).group_by(|(id, ..)| *id).rich_map_custom(move |parties| {
        let add = |open: &mut BTreeMap<i64, Met>, (_, party): (i64, Party)| open.entry(end(party.1, SIZE_MS)).or_default().add(party);
        windows.process(parties, add, |end, met, give| met.both().for_each(|(id, name)| give((id, name, end - SIZE_MS))))
    });
    answer(rows, Query::Q8, |rows, (id, name, start): (i64, Box<str>, i64)| rows.add(&[Cell::Int(id), Cell::Text(&name), Cell::Int(start)]))
}

/// Sessions of a bidder on the bidder's replica.
fn q11(pieces: Stream<impl Operator<Out = Piece> + 'static>) -> Answers {
    let mut last = Last::new(Query::Q11, Sessions::default());
    let bids = project(pieces, |_, event| event.bid().map(|bid| (bid.bidder, bid.date_time)));
    sum(bids.group_by(|(bidder, _)| *bidder).rich_map_custom(move |bids| {
        last.process(bids, |sessions, _, bid| sessions.add(bid), |sessions, rows, watermark| sessions.advance(watermark, rows))
    }))
}
