//! q21: bids with the id of their channel, if it has one.

use thalweg::{Dataflow, source::Source};

use super::{
    Arrivals, Bid, Cell,
    program::{Bids, Output, bid},
};

/// The channel's id: of the four well-known ones by name, of others from the url's parameter.
#[inline]
fn channel_id<'a>(bid: &Bid<'a>) -> Option<&'a str> {
    const KNOWN: [(&str, &str); 4] = [("apple", "0"), ("google", "1"), ("facebook", "2"), ("baidu", "3")];
    let known = KNOWN.iter().find(|(name, _)| bid.channel.eq_ignore_ascii_case(name)).map(|(_, id)| *id);
    known.or_else(|| bid.url.split('&').find_map(|part| part.strip_prefix("channel_id=")))
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events).filter_map_to::<Bids, _>(bid).sink(out.rows::<Bids, _>(|rows, bid: Bid<'_>| {
        if let Some(id) = channel_id(&bid) {
            rows.insert(&[Cell::Int(bid.auction), Cell::Int(bid.bidder), Cell::Int(bid.price), Cell::Text(bid.channel), Cell::Text(id)]);
        }
    }));
}
