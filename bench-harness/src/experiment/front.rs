//! The Pareto front: what no other choice beats in both.
//!
//! ```text
//!   p99 ▲   ×    ○        ○ beaten: another has more throughput and no more p99, or less p99 and no less throughput
//!       │      ×   ○
//!       │         ×       × the front
//!       └────────────▶ throughput
//! ```

/// Which of the points (more, less) no other beats: one beats another if it has no less of the first and no more of the second, and is better
/// in one. Points without a number are on no front. Equal points are all on it.
pub fn front(points: &[(f64, f64)]) -> Vec<bool> {
    let beats = |a: &(f64, f64), b: &(f64, f64)| a.0 >= b.0 && a.1 <= b.1 && (a.0 > b.0 || a.1 < b.1);
    points.iter().map(|point| !point.0.is_nan() && !point.1.is_nan() && !points.iter().any(|other| beats(other, point))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_front() {
        let points = [(1.0, 1.0), (2.0, 2.0), (2.0, 3.0), (3.0, 9.0), (0.5, 1.0), (3.0, 9.0), (f64::NAN, 0.0)];
        assert_eq!(front(&points), [true, true, false, true, false, true, false]);
        assert!(front(&[]).is_empty());
    }

    #[test]
    fn every_point_off_the_front_is_beaten_by_one_on_it() {
        let points: Vec<(f64, f64)> =
            (0..200u64).map(|i| ((crate::workload::mix(i) % 100) as f64, (crate::workload::mix(i + 1_000) % 100) as f64)).collect();
        let on = front(&points);
        for (i, point) in points.iter().enumerate().filter(|(i, _)| !on[*i]) {
            assert!(points.iter().zip(&on).any(|(other, on)| *on && other.0 >= point.0 && other.1 <= point.1), "{i}");
        }
    }
}
