//! Running A and B in turns, each in a process of its own.
//!
//! ```text
//!   pair 0        pair 1        pair 2
//!   A ▶ process   B ▶ process   A ▶ process      a coin per pair says who goes first
//!   B ▶ process   A ▶ process   B ▶ process
//! ```
//!
//! A fresh process draws again where code and memory lie, which alone can be worth several per cent: repeats within one process would take one
//! such draw for the truth (T. Mytkowicz et al., "Producing Wrong Data Without Doing Anything Obviously Wrong!", ASPLOS 2009; T. Kalibera,
//! R. Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013).

use std::path::PathBuf;

use crate::{child::Child, report::row::Row, workload::draw::Draw};

/// Pairs unless told otherwise: with them a difference of 5 % is found in nine of ten sessions on the noisy machine of the tests.
pub const PAIRS_DEFAULT: u32 = 40;

/// One of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contender {
    /// The program; a `thalweg-bench`.
    pub program: PathBuf,
    /// What it is told besides what both are told.
    pub arguments: Vec<String>,
}

impl Contender {
    /// Reads `PROGRAM [ARGUMENT…]`, split at spaces; `.` is `this` program.
    ///
    /// # Errors
    /// If it is empty.
    pub fn parse(text: &str, this: &std::path::Path) -> Result<Contender, String> {
        let mut words = text.split_whitespace().map(str::to_owned);
        let program = words.next().ok_or("`` names no program: say `.` for this one, or a path to another build")?;
        let program = if program == "." { this.to_owned() } else { program.into() };
        Ok(Contender { program, arguments: words.collect() })
    }
}

/// For each pair whether B goes first.
pub fn order(pairs: u32, seed: u64) -> Vec<bool> {
    let coin = Draw::new(seed, 0x636f_696e);
    (0..u64::from(pairs)).map(|pair| coin.bits(pair) >> 63 == 1).collect()
}

/// Runs one of them once and gives its rows the number of the pair as their repeat.
///
/// # Errors
/// If the process cannot be run, hangs, or says something that is no row. A run that failed is a row.
pub fn once(contender: &Contender, common: &[String], pair: u32, order: u64) -> Result<Vec<Row>, String> {
    let mut arguments = common.to_vec();
    arguments.extend(contender.arguments.iter().cloned());
    let mut rows = Child::new(&contender.program, arguments).run().map_err(|why| why.to_string())?;
    for row in &mut rows {
        row.repeat = pair;
        row.order += order;
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn coins_are_fair_and_the_same_again() {
        assert_eq!(order(30, 1), order(30, 1));
        assert_ne!(order(30, 1), order(30, 2));
        let heads = (0..100).map(|seed| order(30, seed).iter().filter(|b_first| **b_first).count()).sum::<usize>();
        assert!((1_400..1_600).contains(&heads), "{heads} of 3,000");
    }

    #[test]
    fn contenders() {
        let this = Path::new("/this");
        let parsed = Contender::parse(". --batch 64", this).expect("is complete");
        assert_eq!(parsed, Contender { program: "/this".into(), arguments: vec!["--batch".into(), "64".into()] });
        assert_eq!(Contender::parse("old/bench", this).expect("is complete").program, Path::new("old/bench"));
        assert!(Contender::parse("  ", this).is_err());
    }
}
