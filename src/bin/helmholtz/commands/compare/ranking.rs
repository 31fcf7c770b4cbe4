//! Who stands above whom, where that is earned.
//!
//! A stands above B only if A's conservative figure exceeds B's optimistic one by two errors of their paired difference, and, where
//! there are several seeds, by more than the spread between them. An optimistic figure never stands above anything.

use super::likelihood::{Likelihood, Side};
use helmholtz::sampling::{Distinction, Kind, Paired};

/// Standard errors that a difference must exceed.
pub const ERRORS: f64 = 2.0;

/// By how much `a` stands above `b`; `None` where it does not, or not surely.
pub fn lead(a: &Likelihood, b: &Likelihood) -> Option<Paired> {
    let (Ok(low), Ok(high)) = (&a.conservative, &b.optimistic) else { return None };
    let paired = between(low, high);
    (paired.is_above(ERRORS) && paired.difference > spread(a, b)).then_some(paired)
}

/// The paired difference of two sides.
pub fn between(a: &Side, b: &Side) -> Paired {
    Paired::between(a.likelihoods(), b.likelihoods())
}

/// A difference and its error, to two digits of the error where that is small.
pub fn shown(paired: &Paired) -> String {
    let Paired { difference, error, .. } = *paired;
    if !error.is_finite() {
        return format!("{difference:.2} ± unknown");
    }
    let digits = if error > 0.0 { (1.0 - error.log10().floor()).clamp(2.0, 9.0) as usize } else { 2 };
    format!("{difference:.digits$} ± {error:.digits$}")
}

/// The standard deviation of the difference of one seed's figure of each; 0 where neither has several.
fn spread(a: &Likelihood, b: &Likelihood) -> f64 {
    a.spread().unwrap_or(0.0).hypot(b.spread().unwrap_or(0.0))
}

/// Why `a`, called `a_name`, whose figure is the higher one, does not stand above `b`, and what would tell them apart.
pub fn why_not(a: &Likelihood, a_name: &str, b: &Likelihood, b_name: &str) -> String {
    let figures = between(&a.figure, &b.figure);
    if figures.difference == 0.0 && figures.error == 0.0 {
        return "one and the same figures".to_owned();
    }
    let low = match &a.conservative {
        Ok(low) => low,
        Err(why) => return format!("{a_name} has no conservative figure: {why}"),
    };
    let high = match &b.optimistic {
        Ok(high) => high,
        Err(why) => return format!("{b_name} has no optimistic figure: {why}"),
    };
    let paired = between(low, high);
    if !paired.error.is_finite() {
        let unknown = if low.shared_error.is_finite() { b } else { a };
        return match paired.rows {
            1 => "a single row tells nothing of others".to_owned(),
            _ => format!("an error is not known: {}", closer(&[unknown])),
        };
    }
    let between_bounds = format!("{} nats", shown(&paired));
    let spread = spread(a, b);
    // With seeds, figures that no number of rows would tell apart.
    let within_spread = spread > 0.0 && figures.difference.abs() <= spread;
    if within_spread {
        return format!(
            "{} nats between their figures, and seeds spread by {spread:.2}: what they differ by is chance unless more \
             seeds say otherwise",
            shown(&figures)
        );
    }
    // The figures are apart and their bounds are not, so neither rows nor anything but closer bounds would help.
    let apart = figures.is_above(ERRORS);
    if paired.difference <= 0.0 || apart && !paired.is_above(ERRORS) && figures.difference > paired.difference {
        return format!(
            "{between_bounds} from one's conservative figure to the other's optimistic one: {}",
            closer(&[a, b])
        );
    }
    match paired.distinction(ERRORS) {
        Distinction::Rows(rows) => {
            format!(
                "{between_bounds}: about {rows:.0} rows would tell, were the difference to stay; there are {}",
                paired.rows
            )
        }
        Distinction::SharedError { below } => format!(
            "{between_bounds}: no number of rows would tell before the error of log Z, {:.3} nats, is below {below:.3}: {}",
            paired.shared_error,
            closer(&[a, b])
        ),
        _ => format!("{between_bounds}, and seeds spread by {spread:.2}"),
    }
}

/// What brings the bounds of these closer.
fn closer(which: &[&Likelihood]) -> String {
    let has = |kind: Kind| which.iter().any(|one| one.estimates.iter().any(|estimate| estimate.kind == kind));
    let mut means = Vec::new();
    if has(Kind::Upper) || has(Kind::Estimate) {
        means.push("more chains and temperatures, --ais CHAINS,TEMPERATURES");
    }
    if has(Kind::Lower) {
        means.push("more draws, --samples N");
    }
    if means.is_empty() {
        "nothing is known that would".to_owned()
    } else {
        format!("{} would help", means.join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use helmholtz::sampling::Estimate;

    fn side(rows: &[f64], shared_error: f64) -> Side {
        Side { rows: rows.to_vec(), shared_error }
    }

    /// A model whose figure is `figure` off `ROWS`, bounded by these.
    const ROWS: [f64; 4] = [-10.0, -20.0, -15.0, -18.0];

    fn model(kind: Kind, low: Option<f64>, high: Option<f64>) -> Likelihood {
        let at = |by: f64| side(&ROWS.map(|row| row + by), 0.01);
        let figure = at(low.or(high).unwrap_or(0.0));
        Likelihood {
            estimates: vec![Estimate::of(&figure.rows, kind, "")],
            figure,
            conservative: low.map(at).ok_or_else(|| "no bound".to_owned()),
            optimistic: high.map(at).ok_or_else(|| "no bound".to_owned()),
        }
    }

    #[test]
    fn small_differences_are_told_to_the_digits_of_their_errors() {
        let of = |rows: &[f64]| shown(&between(&side(rows, 0.0), &side(&[0.0, 0.0], 0.0)));
        assert_eq!(of(&[1.0, 3.0]), "2.00 ± 1.00");
        assert_eq!(of(&[0.001, 0.003]), "0.0020 ± 0.0010");
        assert_eq!(of(&[0.0, 0.0]), "0.00 ± 0.00");
        assert_eq!(shown(&between(&side(&[1.0], 0.0), &side(&[0.0], 0.0))), "1.00 ± unknown");
    }

    #[test]
    fn only_a_conservative_figure_above_an_optimistic_one_is_above() {
        let (a, b) = (model(Kind::Upper, Some(1.0), Some(1.5)), model(Kind::Lower, Some(0.0), Some(0.4)));
        let lead = lead(&a, &b).unwrap();
        assert!((lead.difference - 0.6).abs() < 1e-12);
        assert!(super::lead(&b, &a).is_none());
        // Its own bounds overlap the other's, whatever its figure.
        let wide = model(Kind::Upper, Some(0.2), Some(9.0));
        assert!(super::lead(&wide, &b).is_none() && super::lead(&b, &wide).is_none());
        assert!(why_not(&wide, "wide", &b, "b").contains("--ais CHAINS,TEMPERATURES and more draws"));
    }

    #[test]
    fn an_optimistic_figure_never_stands_above_anything() {
        let optimist = model(Kind::Upper, None, Some(100.0));
        let bound = model(Kind::Lower, Some(0.0), Some(0.4));
        assert!(lead(&optimist, &bound).is_none());
        assert_eq!(why_not(&optimist, "x", &bound, "y"), "x has no conservative figure: no bound");
        let open = model(Kind::Lower, Some(0.0), None);
        assert!(lead(&model(Kind::Exact, Some(5.0), Some(5.0)), &open).is_none());
    }

    #[test]
    fn seeds_that_spread_by_more_are_not_told_apart() {
        let exact = |by: f64, spread: &[f64]| {
            let mut likelihood = model(Kind::Exact, Some(by), Some(by));
            let one = likelihood.estimates[0].clone();
            likelihood.estimates =
                spread.iter().map(|off| Estimate::of(&[one.value + off], Kind::Exact, "")).collect();
            likelihood
        };
        let (tight, wide) = ([-0.1, 0.1], [-2.0, 2.0]);
        assert!(lead(&exact(1.0, &tight), &exact(0.0, &tight)).is_some());
        let (a, b) = (exact(1.0, &wide), exact(0.0, &tight));
        assert!(lead(&a, &b).is_none());
        assert!(why_not(&a, "a", &b, "b").contains("seeds spread by 2.83"), "{}", why_not(&a, "a", &b, "b"));
    }

    #[test]
    fn it_says_what_would_tell_them_apart() {
        let mut a = model(Kind::Exact, Some(0.5), Some(0.5));
        let b = model(Kind::Exact, Some(0.0), Some(0.0));
        for side in [&mut a.figure, a.conservative.as_mut().unwrap(), a.optimistic.as_mut().unwrap()] {
            (side.rows[0], side.rows[1]) = (side.rows[0] + 3.0, side.rows[1] - 3.0);
        }
        let said = why_not(&a, "a", &b, "b");
        assert!(said.contains("rows would tell, were the difference to stay; there are 4"), "{said}");
        let same = why_not(&b, "b", &b, "b");
        assert_eq!(same, "one and the same figures");
        let mut unknown = model(Kind::Upper, Some(3.0), Some(3.0));
        unknown.optimistic.as_mut().unwrap().shared_error = f64::INFINITY;
        assert!(why_not(&a, "a", &unknown, "u").contains("not known: more chains"));
    }
}
