//! Text made once, from which events take theirs: an event allocates nothing and writes nothing.

use crate::workload::{draw::Draw, mix};

/// Places at which padding may start.
const STARTS: u64 = 1 << 18;
/// Distinct addresses, and distinct cards.
const PEOPLE: u64 = 4_096;
/// Channels other than the hot ones.
const CHANNELS: u64 = 10_000;

const STATES: [&str; 6] = ["AZ", "CA", "ID", "OR", "WA", "WY"];
const CITIES: [&str; 10] =
    ["Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne"];
const FIRST_NAMES: [&str; 11] = ["Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"];
const LAST_NAMES: [&str; 9] = ["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"];
const HOT_CHANNELS: [&str; 4] = ["Google", "Facebook", "Baidu", "Apple"];

/// A number in `0..bound` out of 32 random bits; the bias is below `bound` / 2^32.
#[inline(always)]
pub(super) fn below(bits: u32, bound: u32) -> u32 {
    ((u64::from(bits) * u64::from(bound)) >> 32) as u32
}

/// The texts that the events of a seed are made of.
#[derive(Debug)]
pub(super) struct Pool {
    /// Small letters, all equally often; longer by the longest slice than there are places to start.
    letters: Box<str>,
    names: Vec<Box<str>>,
    emails: Vec<Box<str>>,
    cards: Vec<Box<str>>,
    /// Name and URL.
    hot: Vec<(Box<str>, Box<str>)>,
    channels: Vec<(Box<str>, Box<str>)>,
}

impl Pool {
    /// A pool whose slices of letters may have up to `longest` bytes.
    pub(super) fn new(seed: u64, longest: usize) -> Pool {
        let letters = letters(seed, STARTS + longest as u64);
        let slice = |place: u64, len: usize| &letters[(mix(place) % STARTS) as usize..][..len];
        let digits = Draw::new(seed, 31);
        let card = |number: u64| {
            let group = |place| format!("{:04}", digits.below(number * 4 + place, 10_000));
            [0, 1, 2, 3].map(group).join(" ").into()
        };
        let names = FIRST_NAMES.iter().flat_map(|first| LAST_NAMES.iter().map(move |last| format!("{first} {last}").into()));
        let url = Url { draw: Draw::new(seed, 32) };
        let channel = |number: u64| {
            // Nine of ten channels are named in their URL too.
            let id = if url.draw.below(!number, 10) > 0 {
                format!("&channel_id={}", (number as u32).reverse_bits() >> 1)
            } else {
                String::new()
            };
            (format!("channel-{number}").into(), (url.base(number + HOT_CHANNELS.len() as u64) + &id).into())
        };
        Pool {
            names: names.collect(),
            emails: (0..PEOPLE).map(|i| format!("{}@{}.com", slice(2 * i, 7), slice(2 * i + 1, 5)).into()).collect(),
            cards: (0..PEOPLE).map(card).collect(),
            hot: (0..).zip(HOT_CHANNELS).map(|(number, name)| (name.into(), url.base(number).into())).collect(),
            channels: (0..CHANNELS).map(channel).collect(),
            letters: letters.into(),
        }
    }

    /// `len` letters; at most as many as the pool was made for.
    #[inline(always)]
    pub(super) fn letters(&self, bits: u32, len: usize) -> &str {
        let start = below(bits, STARTS as u32) as usize;
        debug_assert!(start + len <= self.letters.len(), "the pool was made for shorter texts");
        self.letters.get(start..start + len).unwrap_or_default()
    }

    /// First and last name.
    pub(super) fn name(&self, bits: u32) -> &str {
        pick(&self.names, bits)
    }

    /// An address.
    pub(super) fn email(&self, bits: u32) -> &str {
        pick(&self.emails, bits)
    }

    /// Four groups of digits.
    pub(super) fn card(&self, bits: u32) -> &str {
        pick(&self.cards, bits)
    }

    /// A city.
    pub(super) fn city(&self, bits: u32) -> &'static str {
        CITIES[below(bits, CITIES.len() as u32) as usize]
    }

    /// A state.
    pub(super) fn state(&self, bits: u32) -> &'static str {
        STATES[below(bits, STATES.len() as u32) as usize]
    }

    /// Name and URL of a channel.
    #[inline(always)]
    pub(super) fn channel(&self, is_hot: bool, bits: u32) -> (&str, &str) {
        let among = if is_hot { &self.hot } else { &self.channels };
        let (name, url) = &among[below(bits, among.len() as u32) as usize];
        (name, url)
    }
}

#[inline(always)]
fn pick(among: &[Box<str>], bits: u32) -> &str {
    &among[below(bits, among.len() as u32) as usize]
}

/// All letters equally often, in random order.
fn letters(seed: u64, count: u64) -> String {
    let draw = Draw::new(seed, 30);
    let mut letters: Vec<char> = ('a'..='z').cycle().take(count as usize).collect();
    // Fisher and Yates's shuffle.
    for place in (1..count).rev() {
        letters.swap(place as usize, draw.below(place, place + 1) as usize);
    }
    letters.into_iter().collect()
}

/// Makes URLs.
struct Url {
    draw: Draw,
}

impl Url {
    /// URL number `number`, without a channel.
    fn base(&self, number: u64) -> String {
        let [a, b, c] = [0, 1, 2].map(|place| self.directory(number * 4 + place));
        format!("https://www.nexmark.com/{a}/{b}/{c}/item.htm?query=1")
    }

    /// Three or four letters, or underscores: one in thirteen.
    fn directory(&self, number: u64) -> String {
        let draw = |place| self.draw.bits(number * 16 + place);
        let letter = |place| if draw(2 * place) % 13 == 0 { '_' } else { char::from(b'a' + (draw(2 * place + 1) % 26) as u8) };
        (1..=3 + draw(0) % 2).map(letter).collect()
    }
}
