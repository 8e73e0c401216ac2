//! The runs of an experiment, one after the other: within a budget, kept as they end, and gone on with where they stopped.
//!
//! ```text
//!   experiment ── wants a run ──▶ Campaign ── is it in the ledger? ──▶ what it showed then
//!                                    │ no
//!                                    ├── will it end within the budget? no, or Ctrl-C ──▶ none, from now on: the experiment tells what it has
//!                                    └── a process of its own ──▶ ledger
//! ```
//!
//! An experiment whose next run depends on what the last one showed goes on too: it asks for the same runs again, and gets their answers from the
//! ledger without running anything, until it asks for one that is not there.
//!
//! Laws
//! - No run begins that, by the mean of the last ones, would end beyond the budget; one that lasts longer than that is killed at its end.
//! - A run that was killed for the sake of the budget, or by Ctrl-C, is not in the ledger: it is run again when the experiment goes on.

use std::time::{Duration, Instant};

use super::{
    ledger::{Entry, Ledger},
    place::Place,
    trial::{Load, Values, key},
};
use crate::{
    child::{LIMIT_DEFAULT, NoRows},
    report::row::Row,
};

/// A run that an experiment wants.
#[derive(Clone, Debug)]
pub struct Trial<'a> {
    /// The configuration.
    pub values: &'a Values,
    /// Closed loop, or a rate.
    pub load: Load,
    /// Which repeat of it, from 0.
    pub repeat: u32,
    /// How long it lasts, about, as `run --duration` takes it.
    pub duration: &'a str,
}

/// What came of it.
#[derive(Debug)]
pub struct Ran {
    /// Seconds that it took, with everything around.
    pub took_s: f64,
    /// Its rows.
    pub rows: Result<Vec<Row>, NoRows>,
}

/// Why there are no more runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The budget is used up.
    Budget,
    /// This program was asked to end.
    Interrupted,
}

/// How far it is, for who looks on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Runs that are done.
    pub done: u64,
    /// Runs that there may be.
    pub at_most: u64,
    /// Seconds that all of them took, in former invocations too.
    pub took_s: f64,
    /// Seconds at most until the end: what the runs that there may be take by the mean of the last ones, or what is left of the budget. None
    /// before the first run, if there is no budget.
    pub left_s: Option<f64>,
}

/// So many of the last runs tell how long the next will take.
const LAST: usize = 5;

/// An experiment under way. `R` runs a trial, within the time it is given.
pub struct Campaign<'a, R> {
    ledger: Ledger,
    place: Option<Place>,
    /// Number of the first row of each entry.
    first_row: Vec<u64>,
    /// Entries that were handed out in this invocation.
    is_told: Vec<bool>,
    budget_s: f64,
    run: R,
    look: Box<dyn FnMut(Progress, &str) + 'a>,
    done: u64,
    at_most: u64,
    over: Option<Over>,
}

impl<'a, R: FnMut(&Trial<'_>, Duration) -> Result<Ran, String>> Campaign<'a, R> {
    /// Goes on with what is in `ledger`, if anything, and keeps the rows at `place` too. `at_most` runs are expected; `look` sees each before it
    /// begins.
    ///
    /// # Errors
    /// Those of writing.
    pub fn new(
        ledger: Ledger,
        mut place: Option<Place>,
        budget_s: Option<f64>,
        at_most: u64,
        run: R,
        look: impl FnMut(Progress, &str) + 'a,
    ) -> Result<Campaign<'a, R>, String> {
        let (mut first_row, mut rows) = (Vec::new(), 0);
        for entry in ledger.entries() {
            first_row.push(rows);
            rows += entry.rows.len() as u64;
            if let Some(place) = &mut place {
                place.add(&entry.rows)?;
            }
        }
        let (is_told, budget_s) = (vec![false; first_row.len()], budget_s.unwrap_or(f64::INFINITY));
        Ok(Campaign { ledger, place, first_row, is_told, budget_s, run, look: Box::new(look), done: 0, at_most, over: None })
    }

    /// Has the trial run, or finds what it showed: the number of its entry. None if there are to be no more runs, see [`Campaign::over`].
    ///
    /// # Errors
    /// If the trial makes no sense, or what it showed cannot be written. A run that failed is an entry.
    pub fn run(&mut self, trial: &Trial<'_>, what: &str) -> Result<Option<usize>, String> {
        let (point, load) = (key(trial.values), trial.load.name().to_owned());
        let is_it = |entry: &Entry| entry.repeat == trial.repeat && entry.load == load && entry.point == point;
        let found = self.ledger.entries().iter().zip(&self.is_told).position(|(entry, is_told)| !is_told && is_it(entry));
        if let Some(i) = found {
            self.is_told[i] = true;
            self.done += 1;
            return Ok(Some(i));
        }
        let left_s = self.budget_s - self.ledger.took_s();
        if left_s <= 0.0 || self.next_s().is_some_and(|next_s| next_s > left_s) {
            self.over.get_or_insert(Over::Budget);
        }
        if self.over.is_some() {
            return Ok(None);
        }
        let progress = self.progress();
        (self.look)(progress, what);
        let limit = Duration::try_from_secs_f64(left_s).unwrap_or(LIMIT_DEFAULT).min(LIMIT_DEFAULT);
        let Ran { took_s, rows } = (self.run)(trial, limit)?;
        let (mut rows, error) = match rows {
            Ok(rows) => (rows, None),
            Err(NoRows::Interrupted) => {
                self.over = Some(Over::Interrupted);
                return Ok(None);
            }
            Err(NoRows::Hung { .. }) if limit < LIMIT_DEFAULT => {
                self.over = Some(Over::Budget);
                return Ok(None);
            }
            Err(why) => (Vec::new(), Some(why.to_string())),
        };
        let number = self.entries().last().map_or(0, |last| self.first_row[self.first_row.len() - 1] + last.rows.len() as u64);
        rows.iter_mut().zip(number..).for_each(|(row, number)| (row.repeat, row.order) = (trial.repeat, number));
        if let Some(place) = &mut self.place {
            place.add(&rows)?;
        }
        let entry = Entry { point, repeat: trial.repeat, load, took_s, rows, error };
        self.ledger.add(entry).map_err(|error| format!("the ledger cannot be written: {error}"))?;
        self.first_row.push(number);
        self.is_told.push(true);
        self.done += 1;
        Ok(Some(self.is_told.len() - 1))
    }

    /// The entry of a number that [`Campaign::run`] gave.
    pub fn entry(&self, number: usize) -> &Entry {
        &self.ledger.entries()[number]
    }

    /// Number of an entry's last row among all, from 0.
    pub fn row_number(&self, number: usize) -> u64 {
        self.first_row[number] + (self.entry(number).rows.len() as u64).saturating_sub(1)
    }

    /// Why there are no more runs, if a trial was denied.
    pub fn over(&self) -> Option<Over> {
        self.over
    }

    /// Says that from here on there are at most so many more runs.
    pub fn at_most_more(&mut self, runs: u64) {
        self.at_most = self.done + runs;
    }

    /// All runs that ended, in the order in which they did.
    pub fn entries(&self) -> &[Entry] {
        self.ledger.entries()
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        let runs_s = self.next_s().map(|run_s| self.at_most.saturating_sub(self.done) as f64 * run_s);
        let budget_s = Some(self.budget_s - self.ledger.took_s()).filter(|left_s| left_s.is_finite());
        let left_s = match (runs_s, budget_s) {
            (Some(runs_s), Some(budget_s)) => Some(runs_s.min(budget_s)),
            (one, other) => one.or(other),
        };
        Progress { done: self.done, at_most: self.at_most, took_s: self.ledger.took_s(), left_s }
    }

    /// Ends the folder, if there is one: further files of JSON lines beside the rows, and what makes it complete.
    ///
    /// # Errors
    /// Those of writing.
    pub fn finish(self, files: &[(&str, String)]) -> Result<(), String> {
        let rows: Vec<Row> = self.ledger.entries().iter().flat_map(|entry| entry.rows.clone()).collect();
        self.place.map_or(Ok(()), |place| place.finish(&rows, files))
    }

    /// Seconds that the next run will take, by the mean of the last ones.
    fn next_s(&self) -> Option<f64> {
        let entries = self.ledger.entries();
        let last = &entries[entries.len().saturating_sub(LAST)..];
        (!last.is_empty()).then(|| last.iter().map(|entry| entry.took_s).sum::<f64>() / last.len() as f64)
    }
}

/// Runs a process and says how long it took.
pub fn timed(run: impl FnOnce() -> Result<Vec<Row>, NoRows>) -> Ran {
    let start = Instant::now();
    let rows = run();
    Ran { took_s: start.elapsed().as_secs_f64(), rows }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::report::{
        folder::Results,
        row::tests::{EXPECTED, row},
    };

    fn values() -> Values {
        [("workload", "w"), ("batch", "64")].map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    fn trial(values: &Values, repeat: u32) -> Trial<'_> {
        Trial { values, load: Load::Closed, repeat, duration: "1s" }
    }

    fn ran(took_s: f64) -> Result<Ran, String> {
        Ok(Ran { took_s, rows: Ok(vec![row("x", 1, 0, 100, EXPECTED, None)]) })
    }

    #[test]
    fn no_run_begins_that_would_end_beyond_the_budget() {
        let values = values();
        let mut seen = Vec::new();
        let look = |progress: Progress, _: &str| seen.push(progress);
        let mut campaign = Campaign::new(Ledger::in_memory(), None, Some(10.0), 20, |_, _| ran(1.5), look).unwrap();
        let told = (0..20).filter(|repeat| campaign.run(&trial(&values, *repeat), "").unwrap().is_some()).count();
        // Six take 9 s; a seventh would end at 10.5 s.
        assert_eq!((told, campaign.over()), (6, Some(Over::Budget)));
        drop(campaign);
        assert_eq!(seen[0], Progress { done: 0, at_most: 20, took_s: 0.0, left_s: Some(10.0) });
        assert_eq!(seen[1].left_s, Some(8.5), "nineteen runs of 1.5 s would be more than the budget has");
    }

    #[test]
    fn the_time_left_is_that_of_the_runs_that_there_may_be() {
        let values = values();
        let mut left = Vec::new();
        let look = |progress: Progress, _: &str| left.push(progress.left_s);
        let mut campaign = Campaign::new(Ledger::in_memory(), None, None, 4, |_, _| ran(2.0), look).unwrap();
        for repeat in 0..3 {
            campaign.run(&trial(&values, repeat), "").unwrap();
        }
        campaign.at_most_more(2);
        campaign.run(&trial(&values, 3), "").unwrap();
        assert_eq!(campaign.over(), None);
        drop(campaign);
        assert_eq!(left, [None, Some(6.0), Some(4.0), Some(4.0)]);
    }

    #[test]
    fn what_the_budget_or_an_interrupt_cut_off_is_not_in_the_ledger() {
        let values = values();
        let hung = |limit: Duration| NoRows::Hung { command: "c".into(), limit };
        for (budget_s, why, over) in
            [(Some(3.0), hung(Duration::from_secs(3)), Over::Budget), (None, NoRows::Interrupted, Over::Interrupted)]
        {
            let run = |_: &Trial<'_>, limit: Duration| {
                assert_eq!(limit, budget_s.map_or(LIMIT_DEFAULT, Duration::from_secs_f64));
                Ok(Ran { took_s: 3.0, rows: Err(why.clone()) })
            };
            let mut campaign = Campaign::new(Ledger::in_memory(), None, budget_s, 1, run, |_, _| {}).unwrap();
            assert_eq!(campaign.run(&trial(&values, 0), "").unwrap(), None);
            assert_eq!((campaign.over(), campaign.entries().len()), (Some(over), 0));
        }
        // One that hangs without a budget, or fails, is a result of its point.
        for why in [hung(LIMIT_DEFAULT), NoRows::Failed("oops".into())] {
            let run = |_: &Trial<'_>, _: Duration| Ok(Ran { took_s: 1.0, rows: Err(why.clone()) });
            let mut campaign = Campaign::new(Ledger::in_memory(), None, None, 1, run, |_, _| {}).unwrap();
            let entry = campaign.run(&trial(&values, 0), "").unwrap().unwrap();
            assert_eq!(campaign.entry(entry).row().unwrap_err(), why.to_string());
        }
    }

    #[test]
    fn it_goes_on_where_it_was_cut_off_and_runs_nothing_twice() {
        let folder = tempfile::tempdir().unwrap();
        let values = values();
        let asked = serde_json::json!({ "experiment": "test" });
        let mut runs = 0;
        let mut invoke = |budget_s: f64| {
            let (ledger, place) = Place::open(folder.path(), &asked).unwrap();
            let run = |_: &Trial<'_>, _: Duration| {
                runs += 1;
                ran(1.0)
            };
            let mut campaign = Campaign::new(ledger, Some(place), Some(budget_s), 10, run, |_, _| {}).unwrap();
            // The same repeat twice: each is told once.
            let told: Vec<Option<usize>> =
                [0, 1, 1, 2, 3].into_iter().map(|repeat| campaign.run(&trial(&values, repeat), "").unwrap()).collect();
            let rows: Vec<u64> = told.iter().flatten().map(|entry| campaign.row_number(*entry)).collect();
            campaign.finish(&[("more.jsonl", "{}\n".into())]).unwrap();
            let results = Results::read(folder.path()).unwrap();
            assert!(results.is_complete() && folder.path().join("more.jsonl").exists());
            assert_eq!(results.rows().iter().map(|row| row.order).collect::<Vec<_>>(), (0..rows.len() as u64).collect::<Vec<_>>());
            (told.iter().flatten().count(), rows)
        };
        assert_eq!(invoke(2.0), (2, vec![0, 1]));
        assert_eq!(invoke(2.0).0, 2);
        assert_eq!(invoke(60.0), (5, vec![0, 1, 2, 3, 4]));
        assert_eq!(runs, 5);
    }
}
