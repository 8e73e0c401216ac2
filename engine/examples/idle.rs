//! What an idle job costs: a pipeline that waits for records of a service, and the processor time it takes meanwhile (Linux).
//!
//! `cargo run --release -p thalweg --example idle [SECONDS]`

use std::{error::Error, fs, thread, time::Duration};

use thalweg::{Config, Dataflow, Wait, sink::egress, source::ingress};

/// Processor time of this process so far, in ticks of 10 ms.
fn ticks() -> Result<u64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // After the name, which is in parentheses: state is field 0, user time 11, system time 12.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |field: usize| fields.get(field).ok_or("a short /proc/self/stat")?.parse::<u64>().map_err(Box::<dyn Error>::from);
    Ok(ticks(11)? + ticks(12)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let seconds: u64 = std::env::args().nth(1).map_or(Ok(2), |seconds| seconds.parse())?;
    for wait in Wait::ALL {
        let (ingress, source) = ingress::<u64>(1024);
        let (sink, mut out) = egress::<u64>(1024);
        let mut flow = Dataflow::new("idle");
        flow.source(source).hop().map(|i| i + 1).sink(sink);
        let running = flow.start(Config::default().wait(wait))?;
        let mut handle = ingress.handle();
        handle.push(1)?;
        assert_eq!(out.next_timeout(Duration::from_secs(10))?, 2);

        let before = ticks()?;
        thread::sleep(Duration::from_secs(seconds));
        let share = (ticks()? - before) as f64 / seconds as f64;
        println!("{wait:>8}: {share:6.2} % of a core while idle");
        drop((handle, ingress));
        running.join()?;
    }
    Ok(())
}
