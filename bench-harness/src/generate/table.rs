//! Each workload's records as rows of named fields.

use std::{fmt::Write, io};

use super::Emit;
use crate::workload::{
    Data, Input,
    flights::Flight,
    nexmark::{Event, Kind},
    replay::{Replay, Replayed},
    synthetic::{Event as Record, Wide},
    windowed::Visit,
    ysb::{Ad, EventType},
};

/// A column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    /// Parquet alone wants to know before it sees a row.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code))]
    pub(super) is: Is,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Is {
    Signed,
    Unsigned,
    Text,
}

/// A column of a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field<'a> {
    Signed(i64),
    Unsigned(u64),
    Text(&'a str),
}

use Field::{Signed, Text, Unsigned};

const fn signed(name: &'static str) -> Column {
    Column { name, is: Is::Signed }
}

const fn unsigned(name: &'static str) -> Column {
    Column { name, is: Is::Unsigned }
}

const fn text(name: &'static str) -> Column {
    Column { name, is: Is::Text }
}

const NUMBER: [Column; 1] = [unsigned("value")];
const RECORD: [Column; 4] = [unsigned("key"), signed("value"), signed("event_time"), unsigned("seq")];
const WIDE: [Column; 8] = [
    unsigned("key"),
    unsigned("value"),
    signed("event_time"),
    unsigned("seq"),
    unsigned("payload_0"),
    unsigned("payload_1"),
    unsigned("payload_2"),
    unsigned("payload_3"),
];
const VISIT: [Column; 2] = [unsigned("key"), signed("event_time")];
const AD: [Column; 8] = [
    text("user_id"),
    text("page_id"),
    unsigned("ad_id"),
    text("ad_type"),
    text("event_type"),
    signed("event_time"),
    text("ip"),
    unsigned("campaign_id"),
];
const LINE: [Column; 1] = [text("line")];
const FLIGHT: [Column; 5] = [signed("scheduled"), signed("delay"), unsigned("distance"), text("origin"), text("destination")];

const AD_TYPES: [&str; 5] = ["banner", "modal", "sponsored-search", "mail", "mobile"];

/// The columns of a workload.
pub(super) fn columns(data: &Data) -> &'static [Column] {
    match data {
        Data::Hop(_) => &NUMBER,
        Data::Hop64(_) => &WIDE,
        Data::Stateless(_) | Data::Chain { .. } | Data::Tumbling { .. } | Data::Sliding { .. } | Data::Join(_) | Data::Disorder { .. } => {
            &RECORD
        }
        Data::Session(_) => &VISIT,
        Data::Ysb { .. } => &AD,
        Data::WordCount(_) => &LINE,
        Data::Flights(_) => &FLIGHT,
        Data::Nexmark { .. } => unreachable!("events of several kinds are no table"),
    }
}

/// Emits each record of an input, in order, and calls `step` after it.
pub(super) fn for_each_row(input: &Input, emit: Emit<'_>, step: &mut dyn FnMut()) -> io::Result<()> {
    let mut emit = |row: &[Field<'_>]| {
        step();
        emit(row)
    };
    match &input.data {
        Data::Hop(replay) => each(replay, |number| emit(&[Unsigned(number)])),
        Data::Hop64(replay) => each(replay, |Wide { key, value, event_time, seq, payload: [a, b, c, d] }| {
            let [a, b, c, d] = [a, b, c, d].map(Unsigned);
            emit(&[Unsigned(key), Unsigned(value), Signed(event_time), Unsigned(seq), a, b, c, d])
        }),
        Data::Stateless(replay)
        | Data::Chain { replay, .. }
        | Data::Tumbling { replay, .. }
        | Data::Sliding { replay, .. }
        | Data::Join(replay)
        | Data::Disorder { replay, .. } => {
            each(replay, |Record { key, value, event_time, seq }| emit(&[Unsigned(key), Signed(value), Signed(event_time), Unsigned(seq)]))
        }
        Data::Session(replay) => each(replay, |Visit { key, event_time }| emit(&[Unsigned(key), Signed(event_time)])),
        Data::Ysb { replay, campaigns } => {
            let mut texts: [String; 3] = Default::default();
            each(replay, |ad| {
                texts.iter_mut().for_each(String::clear);
                ad_row(&ad, campaigns[ad.ad_id as usize], &mut texts, &mut emit)
            })
        }
        Data::WordCount(lines) => lines.pieces(0..input.events, 1).try_for_each(|line| emit(&[Text(line.trim_end_matches('\n'))])),
        Data::Flights(flights) => {
            let mut reader = csv::Reader::from_path(&flights.path)?;
            let (headers, mut record) = (reader.headers()?.clone(), csv::StringRecord::new());
            while reader.read_record(&mut record)? {
                let Flight { scheduled, delay, distance, origin, destination } = record.deserialize(Some(&headers))?;
                emit(&[Signed(scheduled), Signed(delay), Unsigned(distance.into()), Text(origin), Text(destination)])?;
            }
            Ok(())
        }
        Data::Nexmark { .. } => unreachable!("events of several kinds are no table"),
    }
}

fn each<T: Replayed>(replay: &Replay<T>, mut row: impl FnMut(T) -> io::Result<()>) -> io::Result<()> {
    for (shift, slice) in replay.laps() {
        slice.iter().try_for_each(|record| row(record.at(shift)))?;
    }
    Ok(())
}

fn ad_row(ad: &Ad, campaign: u32, [user, page, ip]: &mut [String; 3], emit: Emit<'_>) -> io::Result<()> {
    let uuid = |text: &mut String, [high, low]: [u64; 2]| {
        write!(
            text,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    };
    let [a, b, c, d] = ad.ip.to_be_bytes();
    let written = uuid(user, ad.user_id).and_then(|()| uuid(page, ad.page_id)).and_then(|()| write!(ip, "{a}.{b}.{c}.{d}"));
    written.map_err(io::Error::other)?;
    let event_type = match ad.event_type {
        EventType::View => "view",
        EventType::Click => "click",
        EventType::Purchase => "purchase",
    };
    emit(&[
        Text(user),
        Text(page),
        Unsigned(ad.ad_id.into()),
        Text(AD_TYPES[ad.ad_type as usize]),
        Text(event_type),
        Signed(ad.event_time),
        Text(ip),
        Unsigned(campaign.into()),
    ])
}

const PERSON: [Column; 8] = [
    signed("id"),
    text("name"),
    text("email_address"),
    text("credit_card"),
    text("city"),
    text("state"),
    signed("date_time"),
    text("extra"),
];
const AUCTION: [Column; 10] = [
    signed("id"),
    text("item_name"),
    text("description"),
    signed("initial_bid"),
    signed("reserve"),
    signed("date_time"),
    signed("expires"),
    signed("seller"),
    signed("category"),
    text("extra"),
];
const BID: [Column; 7] =
    [signed("auction"), signed("bidder"), signed("price"), text("channel"), text("url"), signed("date_time"), text("extra")];

/// The columns of Nexmark's events of a kind.
pub(super) fn nexmark_columns(kind: Kind) -> &'static [Column] {
    match kind {
        Kind::Person => &PERSON,
        Kind::Auction => &AUCTION,
        Kind::Bid => &BID,
    }
}

/// Emits an event as a row of its kind.
pub(super) fn nexmark_row(event: &Event<'_>, emit: Emit<'_>) -> io::Result<()> {
    match event {
        Event::Person(p) => emit(&[
            Signed(p.id),
            Text(p.name),
            Text(p.email_address),
            Text(p.credit_card),
            Text(p.city),
            Text(p.state),
            Signed(p.date_time),
            Text(p.extra),
        ]),
        Event::Auction(a) => emit(&[
            Signed(a.id),
            Text(a.item_name),
            Text(a.description),
            Signed(a.initial_bid),
            Signed(a.reserve),
            Signed(a.date_time),
            Signed(a.expires),
            Signed(a.seller),
            Signed(a.category),
            Text(a.extra),
        ]),
        Event::Bid(b) => {
            emit(&[Signed(b.auction), Signed(b.bidder), Signed(b.price), Text(b.channel), Text(b.url), Signed(b.date_time), Text(b.extra)])
        }
    }
}
