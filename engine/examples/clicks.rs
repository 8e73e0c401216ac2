//! Clicks per campaign in windows of ten seconds, from threads of a service and back to it: the shape of an embedded job.
//!
//! `cargo run --release -p thalweg --example clicks`

use std::{thread, time::Duration};

use thalweg::{BoundedDisorder, Config, Count, Dataflow, Tumbling, Windowed, sink::egress, source::ingress};

struct Click {
    campaign: u32,
    time: i64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (ingress, clicks) = ingress::<Click>(4096);
    let (sink, mut counts) = egress::<Windowed<u32, u64>>(4096);
    let mut flow = Dataflow::new("clicks-per-campaign");
    flow.source(clicks)
        .watermarks(BoundedDisorder::seconds(60), |click| click.time)
        .key_by(|click| click.campaign)
        .window(Tumbling::seconds(10))
        .aggregate(Count)
        .sink(sink);
    let running = flow.start(Config::default())?;

    // Two threads of the service, each with a handle of its own.
    let threads: Vec<_> = (0..2)
        .map(|number| {
            let mut handle = ingress.handle();
            thread::spawn(move || {
                for i in 0..100_000 {
                    let click = Click { campaign: (i + number) % 5, time: i64::from(i) / 2 };
                    if handle.push(click).is_err() {
                        // The job has ended; the record came back to us.
                        return;
                    }
                }
            })
        })
        .collect();
    drop(ingress);

    let mut total = 0;
    while let Ok(row) = counts.next_timeout(Duration::from_secs(10)) {
        println!("campaign {} from {:>6} ms: {:>6} clicks", row.key, row.start, row.value);
        total += row.value;
    }
    for thread in threads {
        thread.join().map_err(|_| "a thread of the service panicked")?;
    }
    let report = running.join()?;
    println!("{} clicks in, {total} counted, {} late", report.records_in(), report.late);
    if total + report.late == report.records_in() { Ok(()) } else { Err("clicks were lost".into()) }
}
