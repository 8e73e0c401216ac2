//! q22: bids with parts of their url's path.

use thalweg::{Dataflow, source::Source};

use super::{
    Arrivals, Bid, Cell,
    program::{Bids, Output, bid},
};

/// The parts 3, 4 and 5 of a text that is split on '/', counted from 0.
#[inline]
fn parts(url: &str) -> [Option<&str>; 3] {
    let mut slashes = memchr::memchr_iter(b'/', url.as_bytes());
    let mut start = slashes.nth(2).map(|slash| slash + 1);
    [(); 3].map(|()| {
        let from = start?;
        let end = slashes.next();
        start = end.map(|end| end + 1);
        Some(&url[from..end.unwrap_or(url.len())])
    })
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events).filter_map_to::<Bids, _>(bid).sink(out.rows::<Bids, _>(|rows, bid: Bid<'_>| {
        let [dir1, dir2, dir3] = parts(bid.url).map(|part| part.map_or(Cell::Null, Cell::Text));
        rows.insert(&[Cell::Int(bid.auction), Cell::Int(bid.bidder), Cell::Int(bid.price), Cell::Text(bid.channel), dir1, dir2, dir3]);
    }));
}
