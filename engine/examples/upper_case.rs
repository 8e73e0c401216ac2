//! Lines in upper case, from a source to a sink; `bench-harness/peers/jvm/src/main/java/thalweg/peers/UpperCase.java` is the same in Flink.
//!
//! `cargo run --release -p thalweg --example upper_case`

use thalweg::{Config, Dataflow, Lines, sink::ForEach};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut flow = Dataflow::new("upper-case");
    flow.source(Lines::text("hello\nstreaming\nworld\n")).map(str::to_uppercase).sink(ForEach::new(|line: String| println!("{line}")));
    flow.start(Config::default())?.join()?;
    Ok(())
}
