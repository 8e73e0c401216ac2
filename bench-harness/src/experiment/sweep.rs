//! A sweep as it is written down, and the order of its runs. Pure.
//!
//! ```toml
//! repeats = 5          # of every point
//! duration = "0.2s"    # of a run
//! budget = "10min"     # for everything; what is missing then is left for the next time
//! load = "0.5x"        # run every point also in an open loop at this rate: its p99
//!
//! [matrix]             # every combination is a point
//! workload = ["hop"]
//! system = ["thalweg", "rtrb"]
//! batch = [64, 256, 1024]
//! wait = ["spin", "adaptive"]
//! ```

use serde::{Deserialize, Serialize};

use super::trial::{Load, OPTIONS, Values, key};
use crate::{quantity, workload::draw::Draw};

/// Most points of a sweep.
pub const POINTS_MAX: usize = 100_000;

/// A sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// Runs of every point.
    #[serde(default = "five")]
    pub repeats: u32,
    /// How long a run takes, about.
    #[serde(default = "short")]
    pub duration: String,
    /// Time for everything, over all invocations.
    #[serde(default)]
    pub budget: Option<String>,
    /// The rate of an open loop that every point is run at too.
    #[serde(default)]
    pub load: Option<String>,
    /// Seed of the order.
    #[serde(default)]
    pub order_seed: u64,
    /// Options and their values.
    pub matrix: toml::Table,
}

fn five() -> u32 {
    5
}

fn short() -> String {
    "0.2s".into()
}

/// One run of the sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Which point, an index.
    pub point: usize,
    /// Which repeat, from 0.
    pub repeat: u32,
    /// Closed or open loop.
    pub load: Load,
}

impl Sweep {
    /// Reads a definition.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Sweep, String> {
        let sweep: Sweep = toml::from_str(text).map_err(|error| error.to_string())?;
        if !(1..=1_000).contains(&sweep.repeats) {
            return Err(format!("repeats = {}: between 1 and 1000", sweep.repeats));
        }
        quantity::seconds(&sweep.duration)?;
        sweep.budget_s()?;
        sweep.load.as_deref().map(quantity::rate).transpose()?;
        sweep.points()?;
        Ok(sweep)
    }

    /// The budget in seconds.
    ///
    /// # Errors
    /// If it is no length of time.
    pub fn budget_s(&self) -> Result<Option<f64>, String> {
        self.budget.as_deref().map(quantity::budget).transpose()
    }

    /// Every combination of the matrix.
    ///
    /// # Errors
    /// If an option is unknown, has no value, or one that is neither text, number nor truth; or if there are too many points.
    pub fn points(&self) -> Result<Vec<Values>, String> {
        let mut points = vec![Values::new()];
        for (name, values) in &self.matrix {
            if !OPTIONS.iter().any(|(option, _)| option == name) {
                let known: Vec<&str> = OPTIONS.iter().map(|(name, _)| *name).collect();
                return Err(format!("matrix.{name}: there is no such option; there are {}", known.join(", ")));
            }
            let list = match values {
                toml::Value::Array(list) => list.clone(),
                single => vec![single.clone()],
            };
            let texts = list.iter().map(|value| match value {
                toml::Value::String(text) => Ok(text.clone()),
                toml::Value::Integer(number) => Ok(number.to_string()),
                toml::Value::Float(number) => Ok(number.to_string()),
                toml::Value::Boolean(flag) => Ok(flag.to_string()),
                other => Err(format!("matrix.{name}: a value of type {} is neither text, number, true nor false", other.type_str())),
            });
            let texts = texts.collect::<Result<Vec<String>, String>>()?;
            if texts.is_empty() || points.len() * texts.len() > POINTS_MAX {
                return Err(format!("matrix.{name}: {} values make {} points", texts.len(), points.len() * texts.len()));
            }
            let with =
                |point: &Values| texts.iter().map(|text| (name.clone(), text.clone())).map(move |pair| (point.clone(), pair)).collect();
            let pairs: Vec<(Values, (String, String))> = points.iter().flat_map(|point| -> Vec<_> { with(point) }).collect();
            points = pairs
                .into_iter()
                .map(|(mut point, (name, text))| {
                    point.insert(name, text);
                    point
                })
                .collect();
        }
        if points.iter().any(|point| !point.contains_key("workload")) {
            return Err("matrix.workload is missing: name at least one".into());
        }
        let mut keys: Vec<String> = points.iter().map(key).collect();
        keys.sort();
        match keys.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("`{}` is in the matrix twice", pair[0])),
            None => Ok(points),
        }
    }

    /// What tells this sweep from others: more time or more repeats go on with what there is.
    pub fn asked(&self) -> serde_json::Value {
        serde_json::json!({ "experiment": "sweep", "sweep": Sweep { budget: None, repeats: 1, ..self.clone() } })
    }

    /// All runs: repeat by repeat, each in an order of its own.
    pub fn runs(&self, points: usize) -> Vec<Run> {
        let loads: Vec<Load> = [Load::Closed].into_iter().chain(self.load.clone().map(Load::Open)).collect();
        let repeat = |repeat: u32| {
            let all = (0..points).flat_map(|point| loads.iter().map(move |load| Run { point, repeat, load: load.clone() }));
            let all: Vec<Run> = all.collect();
            shuffled(all.len(), self.order_seed, u64::from(repeat)).into_iter().map(move |i| all[i].clone())
        };
        (0..self.repeats).flat_map(repeat).collect()
    }
}

/// The numbers below `n` in an order drawn from a seed, another one for each `purpose` (Fisher and Yates).
pub fn shuffled(n: usize, seed: u64, purpose: u64) -> Vec<usize> {
    let (mut order, draw): (Vec<usize>, _) = ((0..n).collect(), Draw::new(seed, purpose));
    for i in (1..n).rev() {
        order.swap(i, draw.below(i as u64, i as u64 + 1) as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TEXT: &str =
        "repeats = 3\nload = \"0.5x\"\nbudget = \"2h\"\n[matrix]\nworkload = \"hop\"\nbatch = [64, 256]\nhuge_pages = [true, false]\n";

    #[test]
    fn every_combination_once() {
        let sweep = Sweep::parse(TEXT).unwrap();
        assert_eq!((sweep.repeats, sweep.budget_s().unwrap(), sweep.duration.as_str()), (3, Some(7200.0), "0.2s"));
        let keys: Vec<String> = sweep.points().unwrap().iter().map(key).collect();
        assert_eq!(keys.len(), 4);
        assert_eq!(keys[0], "batch=64 huge_pages=true workload=hop");
    }

    #[test]
    fn repeats_are_outermost_and_each_holds_every_run_once_in_its_own_order() {
        let sweep = Sweep::parse(TEXT).unwrap();
        let runs = sweep.runs(4);
        assert_eq!((runs.len(), runs.clone()), (3 * 4 * 2, sweep.runs(4)));
        let orders: Vec<Vec<(usize, String)>> = runs
            .chunks(8)
            .zip(0..)
            .map(|(chunk, repeat)| {
                assert!(chunk.iter().all(|run| run.repeat == repeat));
                chunk.iter().map(|run| (run.point, run.load.name().to_owned())).collect()
            })
            .collect();
        assert_ne!(orders[0], orders[1]);
        for order in &orders {
            let mut sorted = order.clone();
            sorted.sort();
            sorted.dedup();
            assert_eq!(sorted.len(), 8);
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, needle) in [
            ("", "missing field `matrix`"),
            ("[matrix]\nbatch = 1", "workload is missing"),
            ("[matrix]\nworkload = []", "0 values"),
            ("[matrix]\nworkload = \"hop\"\ncolour = 1", "no such option"),
            ("[matrix]\nworkload = \"hop\"\nbatch = [64, 64]", "twice"),
            ("[matrix]\nworkload = \"hop\"\nbatch = [[64]]", "is neither text"),
            ("repeats = 0\n[matrix]\nworkload = \"hop\"", "between 1 and 1000"),
            ("budget = \"xh\"\n[matrix]\nworkload = \"hop\"", "hours"),
            ("load = \"fast\"\n[matrix]\nworkload = \"hop\"", "fast"),
            ("speed = 1\n[matrix]\nworkload = \"hop\"", "unknown field"),
            ("[matrix\n", "TOML"),
        ] {
            let error = Sweep::parse(text).unwrap_err();
            assert!(error.contains(needle), "{text}: {error}");
        }
    }
}
