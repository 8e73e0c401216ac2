//! Counts the words of a text file, or of a few built-in lines: words borrow from the block that the file was read into.
//!
//! `cargo run --release -p thalweg --example word_count [FILE]`

use std::collections::HashMap;

use thalweg::{Config, Dataflow, Fold, Lines, Text, Update};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lines = match std::env::args().nth(1) {
        Some(file) => Lines::file(file),
        None => Lines::text("the river runs\nthe river bends\nwhere the bed lies deepest the water is fastest\n"),
    };
    let (sink, tables) = Fold::new(HashMap::new(), |counts: &mut HashMap<String, u64>, update: Update<'_, Box<str>, u64>| {
        // A word's text is copied when it is seen first; after that only its count changes.
        match counts.get_mut(&**update.key) {
            Some(count) => *count = update.after,
            None => drop(counts.insert(update.key.to_string(), update.after)),
        }
    });
    let mut flow = Dataflow::new("word-count");
    flow.source(lines).flat_map_to::<Text, _>(str::split_whitespace).key_by_text().count().sink(sink);
    let report = flow.start(Config::default())?.join()?;

    let mut counts: Vec<(String, u64)> = tables.take().into_iter().flatten().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    for (word, count) in counts.iter().take(10) {
        println!("{count:>8} {word}");
    }
    println!("{} lines, {} distinct words, {:?}", report.records_in(), counts.len(), report.elapsed);
    Ok(())
}
