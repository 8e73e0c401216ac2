//! The ad events of the Yahoo Streaming Benchmark, in memory.
//!
//! Filter views, project (ad, time), join the ad to its campaign through a table in memory, count per campaign in 10 s tumbling windows.
//! Users and pages are UUIDs, as in the original; ads and addresses are numbers, so that an event is 64 bytes.

use super::replay::{Replayed, Shift};

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
