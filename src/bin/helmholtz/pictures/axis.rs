//! The axes of a chart: how far they go, and ticks at round numbers that can be told apart.

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use std::ops::Range;

/// About how many ticks an axis has.
const TICKS: f64 = 5.0;

/// One axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// From the lowest to the highest value shown.
    range: Range<f64>,
    /// Where there are ticks.
    ticks: Vec<f64>,
    /// The distance of two ticks is 1, 2 or 5 times ten to this power.
    power: i32,
}

impl Axis {
    /// An axis of counts from 0 to `last`, ticks at whole numbers only.
    pub fn of_counts(last: f64) -> Self {
        Self::new(0.0..last.max(1.0), 1.0)
    }

    /// An axis that shows all `values` and a little more, but nothing beyond 0 where no value is; a single value stands
    /// in the middle.
    pub fn of_values(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high || low.abs().max(high.abs()) < 1e-300 {
            return Self::new(0.0..1.0, 0.0);
        }
        let size = low.abs().max(high.abs());
        // What differs in the last digits only is drawn as one value.
        let margin = if high - low < 1e-9 * size { 0.1 * size } else { 0.05 * (high - low) };
        let bottom = if low >= 0.0 { (low - margin).max(0.0) } else { low - margin };
        let top = if high <= 0.0 { (high + margin).min(0.0) } else { high + margin };
        Self::new(bottom..top, 0.0)
    }

    /// An axis from `centre − reach` to `centre + reach`.
    pub fn between(centre: f64, reach: f64) -> Self {
        Self::new(centre - reach..centre + reach, 0.0)
    }

    /// The same axis with about so many ticks.
    pub fn with_about(self, ticks: f64) -> Self {
        Self::with_ticks(self.range, 0.0, ticks)
    }

    /// Where there are ticks.
    pub fn ticks(&self) -> &[f64] {
        &self.ticks
    }

    /// How far along the axis a value lies, from 0 to 1 where it is shown.
    pub fn part(&self, value: f64) -> f64 {
        (value - self.range.start) / (self.range.end - self.range.start)
    }

    /// The value that lies this far along.
    pub fn value(&self, part: f64) -> f64 {
        self.range.start + part * (self.range.end - self.range.start)
    }

    fn new(range: Range<f64>, smallest_step: f64) -> Self {
        Self::with_ticks(range, smallest_step, TICKS)
    }

    fn with_ticks(range: Range<f64>, smallest_step: f64, ticks: f64) -> Self {
        let wanted = ((range.end - range.start) / ticks).max(smallest_step).max(f64::MIN_POSITIVE);
        let power = wanted.log10().floor() as i32;
        let ten = 10f64.powi(power);
        let step =
            [1.0, 2.0, 5.0, 10.0].map(|factor| factor * ten).into_iter().find(|step| *step >= wanted * 0.999);
        let step = step.unwrap_or(wanted);
        let first = (range.start / step).ceil() as i64;
        let last = (range.end / step).floor() as i64;
        Axis { ticks: (first..=last).map(|tick| tick as f64 * step).collect(), range, power }
    }

    /// The label beside a tick: as many digits as tell it from the next one.
    pub fn label(&self, tick: f64) -> String {
        let size = self.range.start.abs().max(self.range.end.abs());
        if (1e-3..1e5).contains(&size) || tick == 0.0 {
            let decimals = if tick == 0.0 { 0 } else { (-self.power).max(0) as usize };
            return format!("{tick:.decimals$}");
        }
        let decimals = (tick.abs().log10().floor() as i32 - self.power).max(0) as usize;
        format!("{tick:.decimals$e}")
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        limit.0 + (self.part(*value) * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, tick: &f64) -> String {
        self.label(*tick)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks.iter().map(|tick| axis.label(*tick)).collect()
    }

    #[test]
    fn counts_have_whole_ticks() {
        assert_eq!(labels(&Axis::of_counts(0.0)), ["0", "1"]);
        assert_eq!(labels(&Axis::of_counts(3.0)), ["0", "1", "2", "3"]);
        assert_eq!(labels(&Axis::of_counts(7.0)), ["0", "2", "4", "6"]);
        assert_eq!(labels(&Axis::of_counts(2700.0)), ["0", "1000", "2000"]);
    }

    #[test]
    fn every_tick_has_a_label_of_its_own() {
        for values in [
            vec![],
            vec![0.0],
            vec![-23.47],
            vec![-23.473, -23.4728, -23.4725],
            vec![7.67e-5],
            vec![1e-30, 2e-30],
            vec![3.3e-4, 1.1e-3],
            vec![1e9, 1e9 + 1.0],
            vec![1e300, -1e300],
            vec![f64::MIN_POSITIVE / 1e3],
            vec![0.0, 3.0],
            vec![1e15, 1e15 * (1.0 + 1e-15)],
        ] {
            let axis = Axis::of_values(values.iter().copied());
            let labels = labels(&axis);
            assert!((1..=12).contains(&labels.len()), "{values:?}: {labels:?}");
            let mut different = labels.clone();
            different.dedup();
            assert_eq!(different, labels, "{values:?}");
            assert!(values.iter().all(|value| (axis.range.start..=axis.range.end).contains(value)), "{values:?}");
            assert!(labels.iter().all(|label| label.len() < 12), "{labels:?}");
        }
    }

    #[test]
    fn nothing_is_shown_beyond_zero_where_nothing_is() {
        assert_eq!(Axis::of_values([0.0, 0.0].into_iter()).range, 0.0..1.0);
        assert_eq!(Axis::of_values([0.1, 8.0].into_iter()).range.start, 0.0);
        assert!(Axis::of_values([-2.0].into_iter()).range.end < 0.0);
    }
}
