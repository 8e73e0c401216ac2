//! The queries by name: what their results look like, not how they are computed.

use std::{fmt, str::FromStr};

/// One of the queries q0 to q23.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the numbers are the names; the module's head and the workload's page say what each computes")]
pub enum Query {
    Q0,
    Q1,
    Q2,
    Q3,
    Q4,
    Q5,
    Q6,
    Q7,
    Q8,
    Q9,
    Q10,
    Q11,
    Q12,
    Q13,
    Q14,
    Q15,
    Q16,
    Q17,
    Q18,
    Q19,
    Q20,
    Q21,
    Q22,
    Q23,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A whole number: ids, prices in cents, times in ms, counts.
    Int,
    /// A number with three decimals.
    Decimal,
    /// Text, or nothing.
    Text,
}

/// A column of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub is: Type,
}

const fn int(name: &'static str) -> Column {
    Column { name, is: Type::Int }
}

const fn decimal(name: &'static str) -> Column {
    Column { name, is: Type::Decimal }
}

const fn text(name: &'static str) -> Column {
    Column { name, is: Type::Text }
}

/// How results are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Rows are final: the multiset counts.
    Append,
    /// A row replaces the one with the same key: the table at the end counts. Places of the key's columns.
    Upsert(&'static [usize]),
}

const RANKS: [Column; 12] = [
    int("total_bids"),
    int("rank1_bids"),
    int("rank2_bids"),
    int("rank3_bids"),
    int("total_bidders"),
    int("rank1_bidders"),
    int("rank2_bidders"),
    int("rank3_bidders"),
    int("total_auctions"),
    int("rank1_auctions"),
    int("rank2_auctions"),
    int("rank3_auctions"),
];

/// `first`, and after them [`RANKS`].
const fn with_ranks<const N: usize>(first: &[Column]) -> [Column; N] {
    assert!(first.len() + RANKS.len() == N);
    let mut all = [int(""); N];
    let mut i = 0;
    while i < N {
        all[i] = if i < first.len() { first[i] } else { RANKS[i - first.len()] };
        i += 1;
    }
    all
}

const DAILY: [Column; 13] = with_ranks(&[text("day")]);
const DAILY_BY_CHANNEL: [Column; 15] = with_ranks(&[text("channel"), text("day"), text("minute")]);

/// By number.
const COLUMNS: [&[Column]; 24] = [
    &[int("auction"), int("bidder"), int("price"), int("date_time"), text("extra")],
    &[int("auction"), int("bidder"), decimal("price"), int("date_time"), text("extra")],
    &[int("auction"), int("price")],
    &[text("name"), text("city"), text("state"), int("auction")],
    &[int("category"), int("avg_price")],
    &[int("auction"), int("bids"), int("window_start")],
    &[int("seller"), int("avg_price")],
    &[int("auction"), int("price"), int("bidder"), int("date_time"), text("extra")],
    &[int("id"), text("name"), int("window_start")],
    &[
        int("id"),
        text("item_name"),
        text("description"),
        int("initial_bid"),
        int("reserve"),
        int("date_time"),
        int("expires"),
        int("seller"),
        int("category"),
        text("extra"),
        int("bidder"),
        int("price"),
        int("bid_date_time"),
        text("bid_extra"),
    ],
    &[int("auction"), int("bidder"), int("price"), int("date_time"), text("extra"), text("day"), text("minute")],
    &[int("bidder"), int("bids"), int("window_start"), int("window_end")],
    &[int("bidder"), int("bids"), int("window_start"), int("window_end")],
    &[int("auction"), int("bidder"), int("price"), int("date_time"), text("value")],
    &[int("auction"), int("bidder"), decimal("price"), text("time_of_day"), int("date_time"), text("extra"), int("c_count")],
    &DAILY,
    &DAILY_BY_CHANNEL,
    &[
        int("auction"),
        text("day"),
        int("total_bids"),
        int("rank1_bids"),
        int("rank2_bids"),
        int("rank3_bids"),
        int("min_price"),
        int("max_price"),
        int("avg_price"),
        int("sum_price"),
    ],
    &[int("auction"), int("bidder"), int("price"), text("channel"), text("url"), int("date_time"), text("extra")],
    &[int("auction"), int("bidder"), int("price"), text("channel"), text("url"), int("date_time"), text("extra"), int("rank")],
    &[
        int("auction"),
        int("bidder"),
        int("price"),
        text("channel"),
        text("url"),
        int("bid_date_time"),
        text("bid_extra"),
        text("item_name"),
        text("description"),
        int("initial_bid"),
        int("reserve"),
        int("auction_date_time"),
        int("expires"),
        int("seller"),
        int("category"),
        text("auction_extra"),
    ],
    &[int("auction"), int("bidder"), int("price"), text("channel"), text("channel_id")],
    &[int("auction"), int("bidder"), int("price"), text("channel"), text("dir1"), text("dir2"), text("dir3")],
    &[
        int("bidder"),
        int("price"),
        text("channel"),
        text("url"),
        text("bid_extra"),
        text("name"),
        text("email_address"),
        text("credit_card"),
        text("city"),
        text("state"),
        text("person_extra"),
        text("item_name"),
        text("description"),
        int("initial_bid"),
        int("reserve"),
        int("auction_date_time"),
        int("expires"),
        int("seller"),
        int("category"),
        text("auction_extra"),
    ],
];

impl Query {
    /// All of them, in order.
    pub const ALL: [Query; 24] = {
        use Query::*;
        [Q0, Q1, Q2, Q3, Q4, Q5, Q6, Q7, Q8, Q9, Q10, Q11, Q12, Q13, Q14, Q15, Q16, Q17, Q18, Q19, Q20, Q21, Q22, Q23]
    };

    /// Its number.
    pub fn number(self) -> usize {
        self as usize
    }

    /// The columns of its result, in order.
    ///
    /// The rows of q10 are what its files hold, with the partition's day and minute at the end.
    pub fn columns(self) -> &'static [Column] {
        COLUMNS[self as usize]
    }

    /// Whether each row comes of one event alone, so that the rows of a stream are those of its parts.
    pub fn is_by_event(self) -> bool {
        use Query::*;
        matches!(self, Q0 | Q1 | Q2 | Q10 | Q13 | Q14 | Q21 | Q22)
    }

    /// How its results are compared.
    pub fn mode(self) -> Mode {
        match self {
            Query::Q4 | Query::Q6 | Query::Q9 | Query::Q15 => Mode::Upsert(&[0]),
            Query::Q16 | Query::Q17 | Query::Q18 => Mode::Upsert(&[0, 1]),
            Query::Q19 => Mode::Upsert(&[0, 7]),
            _ => Mode::Append,
        }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("q{}", self.number()))
    }
}

impl FromStr for Query {
    type Err = String;

    fn from_str(text: &str) -> Result<Query, String> {
        let number = text.strip_prefix(['q', 'Q']).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let query = number.and_then(|digits| Query::ALL.get(digits.parse::<usize>().ok()?).copied());
        query.ok_or_else(|| format!("there is no query `{text}`; there are q0 to q{}", Query::ALL.len() - 1))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for (number, query) in Query::ALL.into_iter().enumerate() {
            assert_eq!(query.number(), number);
            assert_eq!(query.to_string().parse::<Query>().unwrap(), query);
        }
        for wrong in ["q24", "5", "q", "q-1", "q+1", "", "q99999999999999999999"] {
            assert!(wrong.parse::<Query>().unwrap_err().contains("q0 to q23"), "{wrong}");
        }
    }

    #[test]
    fn columns_have_names_of_their_own_and_keys_are_columns() {
        for query in Query::ALL {
            let mut names: Vec<_> = query.columns().iter().map(|column| column.name).collect();
            if let Mode::Upsert(key) = query.mode() {
                assert!(key.iter().all(|&place| place < names.len()), "{query}");
            }
            names.sort_unstable();
            assert!(!names[0].is_empty() && names.windows(2).all(|pair| pair[0] != pair[1]), "{query}: {names:?}");
        }
    }
}
