//! q0, q1, q2, q13, q14, q21 and q22: each bid by itself.

use super::{Cell, Emit, Event, bids, converted};
use crate::workload::nexmark::calendar::hour_of_day;

pub(super) fn q0(events: &[Event<'_>], emit: Emit<'_>) {
    for bid in bids(events) {
        emit(&[Cell::Int(bid.auction), Cell::Int(bid.bidder), Cell::Int(bid.price), Cell::Int(bid.date_time), Cell::Text(bid.extra)]);
    }
}

pub(super) fn q1(events: &[Event<'_>], emit: Emit<'_>) {
    for bid in bids(events) {
        let price = Cell::Thousandths(converted(bid.price));
        emit(&[Cell::Int(bid.auction), Cell::Int(bid.bidder), price, Cell::Int(bid.date_time), Cell::Text(bid.extra)]);
    }
}

pub(super) fn q2(events: &[Event<'_>], emit: Emit<'_>) {
    for bid in bids(events).filter(|bid| bid.auction % 123 == 0) {
        emit(&[Cell::Int(bid.auction), Cell::Int(bid.price)]);
    }
}

pub(super) fn q13(events: &[Event<'_>], emit: Emit<'_>) {
    let side_input: Vec<String> = (0..10_000).map(|key| format!("v{key}")).collect();
    for bid in bids(events) {
        let value = &side_input[bid.auction.rem_euclid(10_000) as usize];
        emit(&[Cell::Int(bid.auction), Cell::Int(bid.bidder), Cell::Int(bid.price), Cell::Int(bid.date_time), Cell::Text(value)]);
    }
}

pub(super) fn q14(events: &[Event<'_>], emit: Emit<'_>) {
    for bid in bids(events) {
        let price = converted(bid.price);
        if price > 1_000_000_000 && price < 50_000_000_000 {
            let time_of_day = match hour_of_day(bid.date_time) {
                8..=18 => "day",
                ..=6 | 20.. => "night",
                _ => "other",
            };
            let c_count = bid.extra.chars().filter(|&letter| letter == 'c').count();
            emit(&[
                Cell::Int(bid.auction),
                Cell::Int(bid.bidder),
                Cell::Thousandths(price),
                Cell::Text(time_of_day),
                Cell::Int(bid.date_time),
                Cell::Text(bid.extra),
                Cell::Int(c_count as i64),
            ]);
        }
    }
}

pub(super) fn q21(events: &[Event<'_>], emit: Emit<'_>) {
    for bid in bids(events) {
        let known = match bid.channel.to_lowercase().as_str() {
            "apple" => Some("0"),
            "google" => Some("1"),
            "facebook" => Some("2"),
            "baidu" => Some("3"),
            _ => None,
        };
        let in_url = || bid.url.split('&').find_map(|part| part.strip_prefix("channel_id="));
        if let Some(channel_id) = known.or_else(in_url) {
            emit(&[Cell::Int(bid.auction), Cell::Int(bid.bidder), Cell::Int(bid.price), Cell::Text(bid.channel), Cell::Text(channel_id)]);
        }
    }
}

pub(super) fn q22(events: &[Event<'_>], emit: Emit<'_>) {
    for bid in bids(events) {
        let parts: Vec<&str> = bid.url.split('/').collect();
        let [dir1, dir2, dir3] = [3, 4, 5].map(|place| parts.get(place).map_or(Cell::Null, |part| Cell::Text(part)));
        emit(&[Cell::Int(bid.auction), Cell::Int(bid.bidder), Cell::Int(bid.price), Cell::Text(bid.channel), dir1, dir2, dir3]);
    }
}

#[cfg(test)]
mod tests {
    use crate::workload::nexmark::{
        model::Bid,
        oracle::testing::{bid, rows},
        query::Query::*,
    };

    #[test]
    fn q0_is_the_bids() {
        assert_eq!(rows(Q0, &[bid(7, 8, 90, 5), bid(7, 8, 90, 5)]), "7|8|90|5|x\n7|8|90|5|x\n");
    }

    #[test]
    fn q1_has_three_decimals() {
        let events = [bid(1, 2, 1, 0), bid(1, 2, 250, 1), bid(1, 2, 100_000_000, 2)];
        assert_eq!(rows(Q1, &events), "1|2|0.908|0|x\n1|2|227.000|1|x\n1|2|90800000.000|2|x\n");
    }

    #[test]
    fn q2_takes_multiples() {
        assert_eq!(rows(Q2, &[bid(123, 1, 9, 0), bid(124, 1, 9, 0), bid(1230, 1, 8, 0), bid(122, 1, 9, 0)]), "123|9\n1230|8\n");
    }

    #[test]
    fn q13_looks_up_the_remainder() {
        assert_eq!(rows(Q13, &[bid(19_999, 1, 2, 3), bid(20_000, 1, 2, 3)]), "19999|1|2|3|v9999\n20000|1|2|3|v0\n");
    }

    #[test]
    fn q14_excludes_both_bounds_and_knows_the_hours() {
        const HOUR: i64 = 3_600_000;
        let at = |price, time, extra| Bid { extra, ..bid(1, 2, price, time).bid().unwrap() }.into();
        // 1,101,321 × 0.908 = 999,999.468 and 1,101,322 × 0.908 = 1,000,000.376; 55,066,079 × 0.908 = 49,999,999.732, and one more is
        // 50,000,000.640. No whole price gives exactly 1,000,000 or 50,000,000.
        let events = [
            at(1_101_321, 0, "c"),
            at(1_101_322, 6 * HOUR + HOUR - 1, "cxCc"),
            at(55_066_079, 7 * HOUR, ""),
            at(55_066_080, 8 * HOUR, "c"),
            at(2_000_000, 8 * HOUR, "abc"),
            at(2_000_000, 19 * HOUR - 1, ""),
            at(2_000_000, 19 * HOUR, ""),
            at(2_000_000, 20 * HOUR, ""),
            at(2_000_000, -1, ""),
        ];
        let expected = "1|2|1000000.376|night|25199999|cxCc|2\n1|2|49999999.732|other|25200000||0\n1|2|1816000.000|day|28800000|abc|1\n\
                        1|2|1816000.000|day|68399999||0\n1|2|1816000.000|other|68400000||0\n1|2|1816000.000|night|72000000||0\n\
                        1|2|1816000.000|night|-1||0\n";
        assert_eq!(rows(Q14, &events), expected);
    }

    #[test]
    fn q21_takes_the_channel_else_the_parameter_else_nothing() {
        let from = |channel, url| Bid { channel, url, ..bid(1, 2, 3, 4).bid().unwrap() }.into();
        let events = [
            from("Apple", "u&channel_id=9"),
            from("gOOgle", ""),
            from("FACEBOOK", ""),
            from("baidu", ""),
            from("channel-1", "https://a/b?query=1&channel_id=55&more=1"),
            from("channel-2", "channel_id=66"),
            from("channel-3", "https://a/b?query=1&channel_id="),
            from("channel-4", "https://a/b?channel_id=77"),
            from("channel-5", "https://a/b?query=1&my_channel_id=88"),
            from("channel-6", "https://a/b?x&channel_id=1&channel_id=2"),
            from("", ""),
        ];
        let expected = "1|2|3|Apple|0\n1|2|3|gOOgle|1\n1|2|3|FACEBOOK|2\n1|2|3|baidu|3\n1|2|3|channel-1|55\n1|2|3|channel-2|66\n\
                        1|2|3|channel-3|\n1|2|3|channel-6|1\n";
        assert_eq!(rows(Q21, &events), expected);
    }

    #[test]
    fn q22_splits_paths_and_misses_parts() {
        let from = |url| Bid { url, ..bid(1, 2, 3, 4).bid().unwrap() }.into();
        let events = [from("https://www.nexmark.com/a_b/c/d/item.htm?query=1"), from("https://x/y"), from(""), from("a/b/c//e/")];
        assert_eq!(rows(Q22, &events), "1|2|3|c|a_b|c|d\n1|2|3|c|y|-|-\n1|2|3|c|-|-|-\n1|2|3|c||e|\n");
    }
}
