//! Where a value stands on an axis, and which values get a tick. Pure.
//!
//! ```text
//!   linear       0      1      2      3           logarithmic   1      10     100    1000
//!   percentile   0     90     99    99.9          as many nines, so much further: −log10(1 − q)
//! ```

/// A scale from 0 (left, bottom) to 1 (right, top).
#[derive(Clone, Debug, PartialEq)]
pub enum Scale {
    /// Equal distances.
    Linear {
        /// Left end.
        low: f64,
        /// Right end.
        high: f64,
    },
    /// Equal ratios.
    Log {
        /// Left end; positive.
        low: f64,
        /// Right end.
        high: f64,
    },
    /// A share of 0 to 1, stretched towards 1: each further nine takes as much room as the one before.
    Percentile {
        /// Nines at the right end.
        nines: f64,
    },
    /// A line for each name; values are their numbers, from 0.
    Names(Vec<String>),
}

/// Marks on each decade.
const STEPS: [f64; 3] = [1.0, 2.0, 5.0];

impl Scale {
    /// From zero to a round number at or above all values; to 1 if there are none.
    pub fn from_zero(values: impl IntoIterator<Item = f64>) -> Scale {
        let largest = values.into_iter().filter(|value| value.is_finite()).fold(0.0, f64::max);
        let high = if largest > 0.0 { largest * 1.04 } else { 1.0 };
        Scale::Linear { low: 0.0, high }
    }

    /// Around all positive values with a little room, over at least a factor of three; none if there are none.
    pub fn log(values: impl IntoIterator<Item = f64>) -> Option<Scale> {
        let positive = values.into_iter().filter(|value| value.is_finite() && *value > 0.0);
        let (low, high) = positive.fold((f64::INFINITY, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
        (high > 0.0).then(|| {
            let (low, high) = (low / 1.2, high * 1.2);
            let widen = (3.0 / (high / low)).max(1.0).sqrt();
            Scale::Log { low: low / widen, high: high * widen }
        })
    }

    /// Logarithmic if the values span a factor of more than twelve, else from zero.
    pub fn fitting(values: &[f64]) -> Scale {
        let positive = || values.iter().copied().filter(|value| value.is_finite() && *value > 0.0);
        let (low, high) = positive().fold((f64::INFINITY, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
        match Scale::log(positive()) {
            Some(log) if high > low * 12.0 => log,
            _ => Scale::from_zero(positive()),
        }
    }

    /// Where a value stands, 0 to 1; none if it has no place.
    pub fn place(&self, value: f64) -> Option<f64> {
        let place = match self {
            Scale::Linear { low, high } => (value - low) / (high - low),
            Scale::Log { low, high } => (value / low).ln() / (high / low).ln(),
            Scale::Percentile { nines } => -(1.0 - value).log10() / nines,
            Scale::Names(names) => (value + 0.5) / names.len() as f64,
        };
        (place.is_finite() && (-1e-9..=1.0 + 1e-9).contains(&place)).then(|| place.clamp(0.0, 1.0))
    }

    /// Values that get a tick, ascending: about `wanted`, seldom more.
    pub fn ticks(&self, wanted: usize) -> Vec<f64> {
        match *self {
            Scale::Linear { low, high } => linear(low, high, wanted.max(1)),
            Scale::Log { low, high } => logarithmic(low, high, wanted.max(1)),
            Scale::Percentile { nines } => {
                let further = (1..=12).map(|n| 1.0 - 10f64.powi(-n)).filter(|q| self.place(*q).is_some());
                // Between 0 and 90 % there is room for it only on a short axis.
                let half = (nines < 2.6).then_some(0.5);
                [0.0].into_iter().chain(half).chain(further).collect()
            }
            Scale::Names(ref names) => (0..names.len()).map(|i| i as f64).collect(),
        }
    }
}

fn linear(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let rough = (high - low) / wanted as f64;
    if !(rough.is_finite() && rough > 0.0) {
        return Vec::new();
    }
    let decade = 10f64.powf(rough.log10().floor());
    let step = STEPS.iter().map(|step| step * decade).find(|step| *step >= rough).unwrap_or(decade * 10.0);
    let first = (low / step).ceil() as i64;
    // Bounded by `wanted`, because each step is at least that part of the whole.
    (0..=wanted as i64 + 1).map(|i| (first + i) as f64 * step).filter(|tick| *tick <= high + step * 1e-9).collect()
}

fn logarithmic(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let on = |steps: &[f64], every: i32| -> Vec<f64> {
        let decades = (first..=last).filter(|decade| decade.rem_euclid(every) == 0);
        let marks = decades.flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)));
        marks.filter(|tick| (low..=high).contains(tick)).collect()
    };
    let fine = on(&STEPS, 1);
    if fine.len() <= wanted {
        return fine;
    }
    (1..=last - first).map(|every| on(&[1.0], every)).find(|ticks| ticks.len() <= wanted).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn values_have_places_and_strangers_have_none() {
        let linear = Scale::Linear { low: 0.0, high: 10.0 };
        assert_eq!([0.0, 5.0, 10.0].map(|v| linear.place(v).unwrap()), [0.0, 0.5, 1.0]);
        let log = Scale::Log { low: 1.0, high: 10_000.0 };
        assert!((log.place(100.0).unwrap() - 0.5).abs() < 1e-12);
        let percentile = Scale::Percentile { nines: 4.0 };
        assert!((percentile.place(0.99).unwrap() - 0.5).abs() < 1e-9);
        assert_eq!(percentile.place(0.0), Some(0.0));
        let names = Scale::Names(vec!["a".into(), "b".into()]);
        assert_eq!(names.place(1.0), Some(0.75));
        for (scale, strangers) in
            [(linear, vec![-1.0, 11.0, f64::NAN, f64::INFINITY]), (log, vec![0.0, -5.0, 0.5]), (percentile, vec![1.0, 1.5, -3.0])]
        {
            for stranger in strangers {
                assert_eq!(scale.place(stranger), None, "{stranger} on {scale:?}");
            }
        }
    }

    #[test]
    fn ticks_are_round_few_and_within() {
        assert_eq!(Scale::Linear { low: 0.0, high: 10.4 }.ticks(5), [0.0, 5.0, 10.0]);
        assert_eq!(Scale::Linear { low: 0.0, high: 4.2e8 }.ticks(5), [0.0, 1e8, 2e8, 3e8, 4e8]);
        assert_eq!(Scale::Log { low: 0.9, high: 1100.0 }.ticks(5), [1.0, 10.0, 100.0, 1000.0]);
        let fine = Scale::Log { low: 90.0, high: 600.0 }.ticks(5);
        assert_eq!(fine.len(), 3, "{fine:?}");
        assert_eq!(Scale::Percentile { nines: 3.5 }.ticks(5), [0.0, 0.9, 0.99, 0.999]);
        assert_eq!(Scale::Percentile { nines: 2.1 }.ticks(5), [0.0, 0.5, 0.9, 0.99]);
        for decades in 1..25 {
            let scale = Scale::Log { low: 1e-6, high: 1e-6 * 10f64.powi(decades) };
            let ticks = scale.ticks(6);
            assert!((1..=6).contains(&ticks.len()) && ticks.iter().all(|tick| scale.place(*tick).is_some()), "{decades}: {ticks:?}");
        }
    }

    #[test]
    fn scales_hold_their_values_however_strange() {
        assert_eq!(Scale::log([0.0, f64::NAN]), None);
        let one = Scale::log([5.0]).unwrap();
        assert!((one.place(5.0).unwrap() - 0.5).abs() < 1e-9, "one value stands in the middle");
        let zero = Scale::from_zero([]);
        assert_eq!(zero.place(0.0), Some(0.0));
        assert!(matches!(Scale::fitting(&[1.0, 100.0]), Scale::Log { .. }));
        assert!(matches!(Scale::fitting(&[1.0, 3.0]), Scale::Linear { .. }));
        for scale in [Scale::Linear { low: 0.0, high: 0.0 }, Scale::Linear { low: f64::NAN, high: 1.0 }] {
            assert!(scale.ticks(5).is_empty() && scale.place(0.0).is_none());
        }
    }
}
