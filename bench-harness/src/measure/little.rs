//! The model of a stream, and whether a run obeys it.
//!
//! ```text
//!   Little's law:  n̄ = r · t̄     n̄ records in flight on average · r records/s leaving · t̄ mean residence in s
//!   stable:        v = r          v records/s entering; v > r means that a backlog grows
//!   sustained:     r = offered    what was offered was also taken in: bounded rings hide a backlog by holding the source back
//! ```
//!
//! The law holds for every stable system whatever its distributions (J. D. C. Little, "A Proof for the Queuing Formula: L = λW", Operations
//! Research 9, 1961). So a residual shows that something was measured wrongly: a wait that was not charged, a record counted twice, a
//! clock that drifted, or a run that never was steady. n̄, t̄, r and v must each come from a measurement of their own; computing one of them
//! from the others would make the check pass always.

use serde::{Deserialize, Serialize};

/// Largest residual at which a run is believed.
pub const RESIDUAL_MAX: f64 = 0.01;

/// Largest share by which the entry rate may exceed the exit rate in a stable run, and the offered rate the sustained one.
pub const BACKLOG_MAX: f64 = 0.01;

/// The four quantities of an open-loop run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    /// n̄: mean number of records in flight, sampled.
    pub in_flight: f64,
    /// t̄: mean residence in seconds, from intended arrival to emission.
    pub residence_s: f64,
    /// r: records per second at the sink, over the whole run.
    pub exit_per_s: f64,
    /// The same over the part of the run that n̄ and t̄ belong to.
    pub window_per_s: f64,
    /// v: records per second at the source.
    pub entry_per_s: f64,
    /// Records per second that the schedule intended.
    pub offered_per_s: f64,
}

/// What is printed of the law in a row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Little {
    /// n̄: mean number of records in flight.
    pub n_in_flight: f64,
    /// t̄ in nanoseconds.
    pub residence_ns: f64,
    /// |n̄ − r t̄| / n̄.
    pub residual: f64,
}

/// A way in which a run disobeys the model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Broken {
    /// n̄ and r t̄ disagree by this share of n̄: the measurement is not believed.
    Residual(f64),
    /// Records enter faster than they leave, by this share of r: the load is not sustainable.
    BacklogGrows(f64),
    /// Less went through than was offered; the missing share. The backlog grows outside, before the source.
    NotSustained(f64),
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Broken::Residual(share) => write!(f, "Little's law is off by {:.1} % (more than 1 %)", share * 100.0),
            Broken::BacklogGrows(share) => write!(f, "unsustainable: records enter {:.1} % faster than they leave", share * 100.0),
            Broken::NotSustained(share) => write!(f, "unsustainable, or a stall at the end: {:.1} % under the offered rate", share * 100.0),
        }
    }
}

impl Model {
    /// |n̄ − r t̄| / n̄. With n̄ = 0 it is 0 if r t̄ is 0 too, and infinite otherwise.
    pub fn residual(&self) -> f64 {
        let difference = (self.in_flight - self.window_per_s * self.residence_s).abs();
        if difference == 0.0 { 0.0 } else { difference / self.in_flight.abs() }
    }

    /// The figures for the row.
    pub fn little(&self) -> Little {
        Little { n_in_flight: self.in_flight, residence_ns: self.residence_s * 1e9, residual: self.residual() }
    }

    /// Everything that is wrong with it; empty if the run obeys the model. A NaN anywhere counts as broken.
    pub fn broken(&self) -> Vec<Broken> {
        let within = |share: f64, bound: f64| share <= bound;
        let mut broken = Vec::new();
        let missing = 1.0 - self.exit_per_s / self.offered_per_s;
        if !within(missing, BACKLOG_MAX) {
            broken.push(Broken::NotSustained(missing));
        }
        let excess = self.entry_per_s / self.exit_per_s - 1.0;
        if !within(excess, BACKLOG_MAX) {
            broken.push(Broken::BacklogGrows(excess));
        }
        if !within(self.residual(), RESIDUAL_MAX) {
            broken.push(Broken::Residual(self.residual()));
        }
        broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// splitmix64 of a counter: arrivals and services that do not depend on each other.
    fn uniform(seed: u64, i: u64) -> f64 {
        let mut z = seed.wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    struct Simulated {
        arrivals: Vec<f64>,
        departures: Vec<f64>,
    }

    /// A first-come-first-served server with random gaps (mean 1 s) and random services (mean `load` s).
    fn simulate(load: f64, records: u64) -> Simulated {
        let exponential = |seed, i| -(1.0 - uniform(seed, i)).ln();
        let (mut arrival, mut free) = (0.0f64, 0.0f64);
        let (mut arrivals, mut departures) = (Vec::new(), Vec::new());
        for i in 0..records {
            arrival += exponential(1, i);
            free = free.max(arrival) + load * exponential(2, i);
            arrivals.push(arrival);
            departures.push(free);
        }
        Simulated { arrivals, departures }
    }

    impl Simulated {
        /// Measures each quantity by itself: n̄ by sampling the number in the system on a grid, t̄ from the residences, r and v at the ends.
        fn measure(&self, samples: u64, residence: impl Fn(usize) -> f64) -> Model {
            let n = self.arrivals.len();
            let (start, end) = (self.arrivals[0], self.departures[n - 1]);
            let inside = |t: f64| self.arrivals.partition_point(|a| *a <= t) as f64 - self.departures.partition_point(|d| *d <= t) as f64;
            let grid = |i: u64| start + (end - start) * (i as f64 + 0.5) / samples as f64;
            Model {
                in_flight: (0..samples).map(|i| inside(grid(i))).sum::<f64>() / samples as f64,
                residence_s: (0..n).map(residence).sum::<f64>() / n as f64,
                exit_per_s: n as f64 / (end - start),
                window_per_s: n as f64 / (end - start),
                entry_per_s: n as f64 / (self.arrivals[n - 1] - start),
                offered_per_s: n as f64 / (self.arrivals[n - 1] - start),
            }
        }

        fn residence(&self, i: usize) -> f64 {
            self.departures[i] - self.arrivals[i]
        }
    }

    #[test]
    fn known_answers() {
        let steady = Model { in_flight: 20.0, residence_s: 2e-6, exit_per_s: 1e7, window_per_s: 1e7, entry_per_s: 1e7, offered_per_s: 1e7 };
        assert!(steady.residual() < 1e-12);
        assert!(steady.broken().is_empty());
        let off = Model { in_flight: 25.0, ..steady };
        assert!((off.residual() - 0.2).abs() < 1e-12);
        assert_eq!(off.broken().len(), 1);
        assert!(matches!(off.broken()[0], Broken::Residual(_)));
        assert_eq!(Model { in_flight: 20.2, ..steady }.broken(), vec![], "0.99 % is believed");
        assert_eq!(Model { in_flight: 20.3, ..steady }.broken().len(), 1, "1.5 % is not");
    }

    #[test]
    fn the_law_holds_on_a_simulated_queue() {
        for load in [0.1, 0.5, 0.9] {
            let queue = simulate(load, 20_000);
            let model = queue.measure(400_000, |i| queue.residence(i));
            assert!(model.residual() < 0.005, "load {load}: residual {}", model.residual());
            assert!(model.broken().is_empty(), "load {load}: {:?}", model.broken());
        }
    }

    #[test]
    fn a_wait_that_is_not_charged_breaks_the_law() {
        // Coordinated omission: time counted from the start of service instead of from the arrival.
        let queue = simulate(0.5, 20_000);
        let model = queue.measure(400_000, |i| queue.residence(i) - (queue.departures[i.saturating_sub(1)] - queue.arrivals[i]).max(0.0));
        assert!(model.residual() > 0.2, "residual {}", model.residual());
        assert!(model.broken().iter().any(|b| matches!(b, Broken::Residual(_))));
    }

    #[test]
    fn records_that_are_counted_twice_break_the_law() {
        let queue = simulate(0.5, 20_000);
        let mut model = queue.measure(400_000, |i| queue.residence(i));
        model.window_per_s *= 1.05;
        assert!(model.broken().iter().any(|b| matches!(b, Broken::Residual(_))));
    }

    #[test]
    fn an_overloaded_queue_is_unsustainable() {
        // Twice the work that the server can do: half of what enters is still inside when the last record enters.
        let queue = simulate(2.0, 20_000);
        let model = queue.measure(400_000, |i| queue.residence(i));
        assert!(model.broken().iter().any(|b| matches!(b, Broken::BacklogGrows(share) if *share > 0.5)), "{:?}", model.broken());
        assert!(model.broken().iter().any(|b| matches!(b, Broken::NotSustained(share) if *share > 0.3)), "{:?}", model.broken());
    }

    #[test]
    fn a_source_that_is_held_back_is_unsustainable_though_v_equals_r() {
        let model = Model { in_flight: 10.0, residence_s: 1e-6, exit_per_s: 1e7, window_per_s: 1e7, entry_per_s: 1e7, offered_per_s: 2e7 };
        assert_eq!(model.broken(), vec![Broken::NotSustained(0.5)]);
    }

    #[test]
    fn nonsense_is_not_believed() {
        let sane = Model { in_flight: 10.0, residence_s: 1e-6, exit_per_s: 1e7, window_per_s: 1e7, entry_per_s: 1e7, offered_per_s: 1e7 };
        assert!(!Model { in_flight: f64::NAN, ..sane }.broken().is_empty());
        assert!(!Model { entry_per_s: f64::NAN, ..sane }.broken().is_empty());
        assert!(!Model { exit_per_s: 0.0, ..sane }.broken().is_empty());
        assert!(!Model { in_flight: 0.0, ..sane }.broken().is_empty());
    }
}
