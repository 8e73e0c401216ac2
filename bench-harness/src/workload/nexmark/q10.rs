//! q10: every bid to files, in a folder for each day and minute of event time: `day=2023-11-14/minute=22:13/part-0`.
//!
//! A folder has all of its bids once `_SUCCESS` is there: when the watermark has passed its minute. Until then they are under names that no
//! reader takes for data.

use thalweg::{Dataflow, sink::PartitionedFiles, source::Source, time::EventTime};

use super::{
    Arrivals, Bid, Cell,
    calendar::{MINUTE_MS, clock, date, day_of, minute_of_day},
    files::Folder,
    output::write_csv,
    program::{Bids, Output, WATERMARKS, bid},
};

fn partition(start: EventTime) -> String {
    format!("day={}/minute={}", date(day_of(start)), clock(minute_of_day(start)))
}

fn line(_: EventTime, bid: Bid<'_>, line: &mut Vec<u8>) {
    let row = [Cell::Int(bid.auction), Cell::Int(bid.bidder), Cell::Int(bid.price), Cell::Int(bid.date_time), Cell::Text(bid.extra)];
    write_csv(&row, line).expect("a Vec takes all");
    // The sink ends the line itself.
    line.pop();
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    let folder = Folder::temporary();
    // What is measured is the query and not the disk: a crash of the machine may lose files, a crash of the job cannot break one.
    let (sink, partitions) = PartitionedFiles::new(folder.path(), MINUTE_MS, partition, line);
    flow.source(events)
        .filter_map_to::<Bids, _>(bid)
        .watermarks(WATERMARKS, |bid: &Bid<'_>| bid.date_time)
        .with_times()
        .sink(sink.without_sync());
    out.files(folder, partitions);
}
