//! Events as lines of JSON: `{"person":{…}}`, `{"auction":{…}}` or `{"bid":{…}}`, with the fields of the schema under its names.
//!
//! Laws
//! - What is written is read back as it was.
//! - Fields may come in any order, and others are ignored; one that is missing, twice there or of another type is refused.
//! - Lines of white space are skipped. Every other line is an event, or an error with its number and what is wrong with it.

use std::{
    borrow::Cow,
    io::{self, BufRead, Write},
    path::Path,
};

use serde::Deserialize;

use super::{
    block::{Block, Full},
    generate::TIME_MAX,
    model::{Auction, Bid, Event, Person},
};

/// Why events could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The text could not be read.
    #[error("cannot read the events: {0}")]
    Io(#[from] io::Error),
    /// A line is no event.
    #[error("line {line} is no event: {reason}")]
    Malformed {
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// Too much text for one block.
    #[error("line {line}: {source}")]
    Full {
        /// Counted from 1.
        line: u64,
        /// The limit.
        source: Full,
    },
}

/// Writes an event and a line feed.
///
/// # Errors
/// Of the writer.
pub fn write(event: &Event<'_>, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, event)?;
    out.write_all(b"\n")
}

/// Gives `with` the event of a line, which may end in a line feed.
///
/// # Errors
/// What is wrong with it, and at which column if that is known.
pub fn parse<T>(line: &[u8], with: impl FnOnce(Event<'_>) -> T) -> Result<T, String> {
    let draft: Draft<'_> = serde_json::from_slice(line).map_err(|error| {
        let text = error.to_string();
        // The parser sees one line only, so its number says nothing.
        text.rsplit_once(" at line ").map_or(text.clone(), |(what, _)| format!("{what}, at column {}", error.column()))
    })?;
    let event = draft.event();
    let far = |name: &str, time: i64| {
        if time.unsigned_abs() <= TIME_MAX as u64 { Ok(()) } else { Err(format!("{name} {time} is beyond ±{TIME_MAX} ms")) }
    };
    far("date_time", event.date_time())?;
    if let Event::Auction(auction) = event {
        far("expires", auction.expires)?;
    }
    Ok(with(event))
}

/// Reads all events.
///
/// # Errors
/// [`ReadError`] at the first line that is no event, or that cannot be read.
pub fn read(mut from: impl BufRead) -> Result<Block, ReadError> {
    let mut block = Block::new();
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        if from.read_until(b'\n', &mut text)? == 0 {
            break;
        }
        if !text.trim_ascii().is_empty() {
            let pushed = parse(&text, |event| block.push(event)).map_err(|reason| ReadError::Malformed { line, reason })?;
            pushed.map_err(|source| ReadError::Full { line, source })?;
        }
    }
    Ok(block)
}

/// Reads all events of a file.
///
/// # Errors
/// As [`read`], with the file's name in front.
pub fn read_file(path: &Path) -> Result<Block, String> {
    let named = |error: ReadError| format!("{}: {error}", path.display());
    let file = std::fs::File::open(path).map_err(|error| named(error.into()))?;
    read(io::BufReader::with_capacity(1 << 20, file)).map_err(named)
}

/// An event whose texts borrow from the line, except those with escapes in them.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Draft<'a> {
    #[serde(borrow)]
    Person(PersonDraft<'a>),
    #[serde(borrow)]
    Auction(AuctionDraft<'a>),
    #[serde(borrow)]
    Bid(BidDraft<'a>),
}

#[derive(Deserialize)]
struct PersonDraft<'a> {
    id: i64,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    email_address: Cow<'a, str>,
    #[serde(borrow)]
    credit_card: Cow<'a, str>,
    #[serde(borrow)]
    city: Cow<'a, str>,
    #[serde(borrow)]
    state: Cow<'a, str>,
    date_time: i64,
    #[serde(borrow)]
    extra: Cow<'a, str>,
}

#[derive(Deserialize)]
struct AuctionDraft<'a> {
    id: i64,
    #[serde(borrow)]
    item_name: Cow<'a, str>,
    #[serde(borrow)]
    description: Cow<'a, str>,
    initial_bid: i64,
    reserve: i64,
    date_time: i64,
    expires: i64,
    seller: i64,
    category: i64,
    #[serde(borrow)]
    extra: Cow<'a, str>,
}

#[derive(Deserialize)]
struct BidDraft<'a> {
    auction: i64,
    bidder: i64,
    price: i64,
    #[serde(borrow)]
    channel: Cow<'a, str>,
    #[serde(borrow)]
    url: Cow<'a, str>,
    date_time: i64,
    #[serde(borrow)]
    extra: Cow<'a, str>,
}

impl Draft<'_> {
    fn event(&self) -> Event<'_> {
        match self {
            Draft::Person(p) => Event::Person(Person {
                id: p.id,
                name: &p.name,
                email_address: &p.email_address,
                credit_card: &p.credit_card,
                city: &p.city,
                state: &p.state,
                date_time: p.date_time,
                extra: &p.extra,
            }),
            Draft::Auction(a) => Event::Auction(Auction {
                id: a.id,
                item_name: &a.item_name,
                description: &a.description,
                initial_bid: a.initial_bid,
                reserve: a.reserve,
                date_time: a.date_time,
                expires: a.expires,
                seller: a.seller,
                category: a.category,
                extra: &a.extra,
            }),
            Draft::Bid(b) => Event::Bid(Bid {
                auction: b.auction,
                bidder: b.bidder,
                price: b.price,
                channel: &b.channel,
                url: &b.url,
                date_time: b.date_time,
                extra: &b.extra,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Kind, numbers and texts of which an event is made.
    type Parts = (u8, [i64; 7], [String; 6]);

    fn event((kind, n, t): &Parts) -> Event<'_> {
        let [a, b, c, d, e, f] = t.each_ref().map(String::as_str);
        let time = n[6] % (TIME_MAX + 1);
        match kind {
            0 => {
                Event::Person(Person { id: n[0], name: a, email_address: b, credit_card: c, city: d, state: e, date_time: time, extra: f })
            }
            1 => Event::Auction(Auction {
                id: n[0],
                item_name: a,
                description: b,
                initial_bid: n[1],
                reserve: n[2],
                date_time: time,
                expires: n[3] % (TIME_MAX + 1),
                seller: n[4],
                category: n[5],
                extra: c,
            }),
            _ => Event::Bid(Bid { auction: n[0], bidder: n[1], price: n[2], channel: a, url: b, date_time: time, extra: c }),
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(all in proptest::collection::vec((0u8..3, any::<[i64; 7]>(), any::<[String; 6]>()), 0..20)) {
            let mut text = Vec::new();
            for parts in &all {
                write(&event(parts), &mut text).unwrap();
            }
            prop_assert_eq!(text.iter().filter(|&&byte| byte == b'\n').count(), all.len());
            let block = read(&text[..]).unwrap();
            prop_assert_eq!(block.iter().collect::<Vec<_>>(), all.iter().map(event).collect::<Vec<_>>());
        }

        #[test]
        fn no_text_panics(line in any::<Vec<u8>>()) {
            let _ = parse(&line, |_| ());
        }
    }

    #[test]
    fn lines_are_as_the_schema_says() {
        let mut text = Vec::new();
        let bid = Bid { auction: 1, bidder: 2, price: 3, channel: "a\"b", url: "u", date_time: 4, extra: "" };
        write(&Event::Bid(bid), &mut text).unwrap();
        let expected = r#"{"bid":{"auction":1,"bidder":2,"price":3,"channel":"a\"b","url":"u","date_time":4,"extra":""}}"#;
        assert_eq!(String::from_utf8(text).unwrap(), format!("{expected}\n"));
    }

    #[test]
    fn malformed_lines_have_a_number_and_a_reason() {
        let good = r#"{"bid":{"price":3,"auction":1,"bidder":2,"channel":"c","url":"u","date_time":4,"extra":"","more":[1]}}"#;
        assert_eq!(read(format!("{good}\r\n \n{good}").as_bytes()).unwrap().len(), 2);
        for (bad, reason) in [
            ("{", "EOF while parsing"),
            ("7", "expected"),
            ("{}", "expected"),
            (r#"{"bit":{}}"#, "unknown variant `bit`, expected one of `person`, `auction`, `bid`"),
            (r#"{"bid":{"auction":1}}"#, "missing field `bidder`, at column 20"),
            (r#"{"bid":{"auction":1.5}}"#, "floating point `1.5`, expected i64"),
            (r#"{"bid":{"auction":"1"}}"#, "invalid type: string"),
            (r#"{"bid":{"auction":9223372036854775808}}"#, "invalid value"),
            (r#"{"bid":{"auction":1,"auction":1}}"#, "duplicate field `auction`"),
            (&good.replace("\"u\"", "null"), "invalid type: null"),
            (&good.replace("\"date_time\":4", "\"date_time\":8640000000000001"), "date_time 8640000000000001 is beyond"),
            (&format!("{good}{good}"), "trailing characters"),
            (&good.replace("\"u\"", "\"\\ud800\""), "hex escape"),
        ] {
            let error = read(format!("{good}\n\n{bad}\n{good}\n").as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("line 3 is no event: ") && error.contains(reason), "{bad}: {error}");
            assert!(!error.contains("at line"), "{error}");
        }
        let error = read(&b"{\"bid\":{\"url\":\"\xff\"}}"[..]).unwrap_err().to_string();
        assert!(error.starts_with("line 1 "), "{error}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        assert!(read_file(Path::new("/no/such.jsonl")).unwrap_err().starts_with("/no/such.jsonl: cannot read"));
    }
}
