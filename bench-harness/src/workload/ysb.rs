//! The ad events of the Yahoo Streaming Benchmark, in memory.
//!
//! Filter views, project (ad, time), join the ad to its campaign through a table in memory, count per campaign in 10 s tumbling windows.
//! Users and pages are UUIDs, as in the original; ads and addresses are numbers, so that an event is 64 bytes.

use std::sync::Arc;

use super::{
    draw::Draw,
    replay::{Replay, Replayed, Shift},
    synthetic::{block_len, span, time_at},
};

/// What happened to an ad; the three are equally likely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum EventType {
    /// It was seen: the only ones that are counted.
    View = 0,
    /// It was clicked.
    Click = 1,
    /// Something was bought.
    Purchase = 2,
}

/// An ad event: 64 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Ad {
    /// A UUID.
    pub user_id: [u64; 2],
    /// A UUID.
    pub page_id: [u64; 2],
    /// In `0..ADS`.
    pub ad_id: u32,
    /// In `0..5`: banner, modal, sponsored search, mail, mobile.
    pub ad_type: u32,
    /// What happened.
    pub event_type: EventType,
    /// IPv4 address.
    pub ip: u32,
    /// In ms since the Unix epoch; monotone.
    pub event_time: i64,
    /// Position in the replayed sequence.
    pub seq: u64,
}

impl Replayed for Ad {
    #[inline(always)]
    fn at(self, shift: Shift) -> Ad {
        Ad { event_time: self.event_time + shift.time, seq: self.seq + shift.seq, ..self }
    }
}

/// Length of a window, in ms.
pub const WINDOW_MS: i64 = 10_000;

/// Number of ads.
pub const ADS: u32 = 1_000;

/// Number of campaigns; each has ten ads.
pub const CAMPAIGNS: u32 = 100;

/// A result row.
#[inline]
pub fn campaign_row(campaign: u32, start: i64, count: u64) -> [u64; 3] {
    [u64::from(campaign), start as u64, count]
}

/// Makes the ad events: users, pages, ads and types uniform.
pub(super) fn generate(seed: u64, events: u64, block_bytes: usize) -> Replay<Ad> {
    let len = block_len::<Ad>(block_bytes, events);
    let [user, page, ad, ad_type, event_type, ip] = std::array::from_fn(|column| Draw::new(seed, column as u64));
    let record = |index: usize| {
        let i = index as u64;
        Ad {
            user_id: [user.bits(2 * i), user.bits(2 * i + 1)],
            page_id: [page.bits(2 * i), page.bits(2 * i + 1)],
            ad_id: ad.below(i, u64::from(ADS)) as u32,
            ad_type: ad_type.below(i, 5) as u32,
            event_type: [EventType::View, EventType::Click, EventType::Purchase][event_type.below(i, 3) as usize],
            ip: ip.bits(i) as u32,
            event_time: time_at(index, len),
            seq: i,
        }
    };
    Replay { block: (0..len).map(record).collect(), span: span(len), events }
}

/// Gives each campaign ten ads, drawn by the seed.
pub(super) fn campaigns(seed: u64) -> Arc<[u32]> {
    let order = Draw::new(seed, 100);
    let mut ads: Vec<u32> = (0..ADS).collect();
    ads.sort_by_key(|&ad| order.bits(u64::from(ad)));
    let mut campaigns = vec![0; ADS as usize];
    for (position, &ad) in ads.iter().enumerate() {
        campaigns[ad as usize] = position as u32 / (ADS / CAMPAIGNS);
    }
    campaigns.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_64_bytes_and_a_campaign_has_ten_ads() {
        assert_eq!(size_of::<Ad>(), 64);
        let campaigns = campaigns(3);
        assert!((0..CAMPAIGNS).all(|campaign| campaigns.iter().filter(|&&c| c == campaign).count() == 10));
    }
}
