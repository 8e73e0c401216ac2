//! `ysb`: views per campaign and window, in an array indexed by the campaign, or in a hash table. No branch asks for the event's type: what
//! is no view adds nothing.

use std::time::Duration;

use super::{
    table::Table,
    windows::{self, Meaning, Panes},
};
use crate::workload::{
    Answer,
    replay::Replay,
    ysb::{ADS, Ad, CAMPAIGNS, EventType, WINDOW_MS, campaign_row},
};

const MEANING: Meaning<Ad, u32, u64, 3> =
    Meaning { window_ms: WINDOW_MS, time: |ad| ad.event_time, combine: |a, b| a + b, row: campaign_row };

/// The campaign of each ad; a power of two long, so that a mask takes the place of the bounds check.
#[derive(Clone)]
struct Campaigns(Box<[u32; ADS.next_power_of_two() as usize]>);

impl Campaigns {
    fn new(campaigns: &[u32]) -> Campaigns {
        let mut table = Box::new([0; _]);
        for (place, &campaign) in table.iter_mut().zip(campaigns) {
            *place = campaign;
        }
        Campaigns(table)
    }

    #[inline(always)]
    fn of(&self, ad: &Ad) -> u32 {
        self.0[(ad.ad_id % ADS.next_power_of_two()) as usize]
    }
}

struct Array {
    campaigns: Campaigns,
    views: [u64; CAMPAIGNS.next_power_of_two() as usize],
}

impl Panes<Ad> for Array {
    type Key = u32;
    type Value = u64;

    fn add(&mut self, run: &[Ad]) {
        for ad in run {
            let campaign = self.campaigns.of(ad) % CAMPAIGNS.next_power_of_two();
            self.views[campaign as usize] += u64::from(ad.event_type == EventType::View);
        }
    }

    fn close(&mut self, mut row: impl FnMut(u32, u64)) {
        for (views, campaign) in self.views.iter_mut().zip(0..) {
            match std::mem::take(views) {
                0 => {}
                views => row(campaign, views),
            }
        }
    }
}

struct Hash {
    campaigns: Campaigns,
    views: Table<u64>,
}

impl Panes<Ad> for Hash {
    type Key = u32;
    type Value = u64;

    fn add(&mut self, run: &[Ad]) {
        for ad in run {
            *self.views.value(u64::from(self.campaigns.of(ad))) += u64::from(ad.event_type == EventType::View);
        }
    }

    fn close(&mut self, mut row: impl FnMut(u32, u64)) {
        for (campaign, views) in self.views.iter_mut() {
            match std::mem::take(views) {
                0 => {}
                views => row(campaign as u32, views),
            }
        }
    }
}

pub(super) fn array(replay: &Replay<Ad>, campaigns: &[u32], cores: usize) -> (Duration, Answer) {
    let panes = || Array { campaigns: Campaigns::new(campaigns), views: [0; _] };
    windows::run(replay, cores, panes, &MEANING)
}

pub(super) fn hash(replay: &Replay<Ad>, campaigns: &[u32], cores: usize) -> (Duration, Answer) {
    let panes = || Hash { campaigns: Campaigns::new(campaigns), views: Table::for_keys(CAMPAIGNS as usize) };
    windows::run(replay, cores, panes, &MEANING)
}
