//! `ysb`: views per campaign and window, in an array indexed by the campaign, or in a hash table. No branch asks for the event's type: what
//! is no view adds nothing.

use std::time::Duration;

use super::{
    open,
    table::Table,
    windows::{self, Meaning, Panes},
};
use crate::workload::{
    Answer,
    replay::Replay,
    ysb::{ADS, Ad, CAMPAIGNS, EventType, WINDOW_MS, campaign_row},
};
use crate::{load::Schedule, system::Outcome};

const MEANING: Meaning<Ad, u32, u64, 3> =
    Meaning { window_ms: WINDOW_MS, time: |ad| ad.event_time, combine: |a, b| a + b, row: campaign_row };

/// The campaign of each ad; a power of two long, so that a mask takes the place of the bounds check.
type Campaigns = [u32; ADS.next_power_of_two() as usize];

fn table(campaigns: &[u32]) -> Box<Campaigns> {
    let mut table: Box<Campaigns> = Box::new([0; _]);
    for (place, &campaign) in table.iter_mut().zip(campaigns) {
        *place = campaign;
    }
    table
}

#[inline(always)]
fn campaign_of(campaigns: &Campaigns, ad: &Ad) -> u32 {
    campaigns[(ad.ad_id % ADS.next_power_of_two()) as usize]
}

struct Array {
    campaigns: Box<Campaigns>,
    views: [u64; CAMPAIGNS.next_power_of_two() as usize],
}

impl Panes<Ad> for Array {
    type Key = u32;
    type Value = u64;

    #[inline(never)]
    fn add(&mut self, run: &[Ad]) {
        let Array { campaigns, views } = self;
        let campaigns = &**campaigns;
        for ad in run {
            let campaign = campaign_of(campaigns, ad) % CAMPAIGNS.next_power_of_two();
            views[campaign as usize] += u64::from(ad.event_type == EventType::View);
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
    campaigns: Box<Campaigns>,
    views: Table<u64>,
}

impl Panes<Ad> for Hash {
    type Key = u32;
    type Value = u64;

    #[inline(never)]
    fn add(&mut self, run: &[Ad]) {
        let Hash { campaigns, views } = self;
        let campaigns = &**campaigns;
        for ad in run {
            *views.value(u64::from(campaign_of(campaigns, ad))) += u64::from(ad.event_type == EventType::View);
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

fn by_array(campaigns: &[u32]) -> Array {
    Array { campaigns: table(campaigns), views: [0; _] }
}

fn by_hash(campaigns: &[u32]) -> Hash {
    Hash { campaigns: table(campaigns), views: Table::for_keys(CAMPAIGNS as usize) }
}

pub(super) fn array(replay: &Replay<Ad>, campaigns: &[u32], cores: usize) -> (Duration, Answer) {
    windows::run(replay, cores, || by_array(campaigns), &MEANING)
}

pub(super) fn array_open(replay: &Replay<Ad>, campaigns: &[u32], schedule: &Schedule, batch: usize) -> Result<Outcome, String> {
    open::run(replay, schedule, batch, || by_array(campaigns), &MEANING)
}

pub(super) fn hash(replay: &Replay<Ad>, campaigns: &[u32], cores: usize) -> (Duration, Answer) {
    windows::run(replay, cores, || by_hash(campaigns), &MEANING)
}

pub(super) fn hash_open(replay: &Replay<Ad>, campaigns: &[u32], schedule: &Schedule, batch: usize) -> Result<Outcome, String> {
    open::run(replay, schedule, batch, || by_hash(campaigns), &MEANING)
}
