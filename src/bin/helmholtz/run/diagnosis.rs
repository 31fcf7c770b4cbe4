//! Doubts about a run that follow from what was measured while it went.

use super::metrics_table::MetricsTable;
use super::session::{Ended, Session};

/// How much worse than its best a figure must end, in the spread of its neighbouring evaluations.
const SPREADS: f64 = 4.0;

/// Doubts about a run that has ended, each in one line; they say what was measured, and advise what follows from it alone.
pub fn of(ended: &Ended, session: &Session) -> Vec<String> {
    let selects = session.training.early_stopping.is_some();
    // Any other weight than 1 maximises something else, and what falls meanwhile says nothing of the rate.
    let beta = session.settings.settled().get("beta").filter(|beta| *beta != "1");
    let other = beta.map(|beta| {
        format!(
            "trained with --beta {beta}, which maximises no bound on the log-likelihood: --beta 1 maximises one"
        )
    });
    let fallen = match (&other, selects) {
        (None, false) => fall(&ended.table, session.watched()),
        _ => None,
    };
    let negative = ["average_noise_explained", "noise_explained"].into_iter().find_map(|name| {
        let value = ended.summary.metrics.get(name).filter(|value| *value < 0.0)?;
        Some(format!(
            "noise explained {value:.2} is below 0: the energy's score is farther from that of the noise than no score at \
             all"
        ))
    });
    other.into_iter().chain(fallen).chain(negative).collect()
}

/// A figure, higher being better, that was best well before its end: by more than its evaluations differ from one another
/// anyway.
fn fall(table: &MetricsTable, watched: &str) -> Option<String> {
    let rows: Vec<(u64, f64)> =
        table.rows().iter().filter_map(|row| Some((row.epoch, *row.figures.get(watched)?))).collect();
    let (best, &(epoch, peak)) = rows.iter().enumerate().max_by(|a, b| a.1.1.total_cmp(&b.1.1))?;
    let after = &rows[best..];
    if after.len() < 5 {
        return None;
    }
    // A single evaluation may be lucky: a best and a last one are means of three.
    let mean = |rows: &[(u64, f64)]| rows.iter().map(|row| row.1).sum::<f64>() / rows.len() as f64;
    let around = &rows[best.saturating_sub(1)..(best + 2).min(rows.len())];
    let last = mean(&rows[rows.len() - 3..]);
    let mut changes: Vec<f64> =
        rows.windows(2).skip(rows.len() / 4).map(|pair| (pair[1].1 - pair[0].1).abs()).collect();
    changes.sort_by(f64::total_cmp);
    let usual = changes.get(changes.len() / 2)?;
    let name = watched.replace('_', " ");
    if best == 0 && peak - last > SPREADS * usual {
        return Some(format!(
            "{name} has fallen ever since its first evaluation, from {peak:.3} to {last:.3}: a lower --learning-rate usually helps"
        ));
    }
    (mean(around) - last > SPREADS * usual && peak > last).then(|| {
        format!(
            "{name} was best after epoch {epoch}, {peak:.3}, and ends at {last:.3}: --early-stop 5 keeps the best model, \
             or a smaller --epochs ends there"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(values: &[f64]) -> MetricsTable {
        let mut table = MetricsTable::default();
        for (index, value) in values.iter().enumerate() {
            table.push(index as u64 + 1, index as u64, [("elbo".to_owned(), *value)].into_iter());
        }
        table
    }

    #[test]
    fn a_fall_is_told_and_noise_is_not() {
        let rises: Vec<f64> = (1..40).map(|at| -20.0 - 30.0 / at as f64).collect();
        assert_eq!(fall(&table(&rises), "elbo"), None);
        let noisy: Vec<f64> =
            rises.iter().enumerate().map(|(at, value)| value + [0.2, -0.1, 0.0, -0.2, 0.1][at % 5]).collect();
        assert_eq!(fall(&table(&noisy), "elbo"), None);
        // Up to the twentieth, then down by as much as it still rose.
        let falls: Vec<f64> = (1..40).map(|at| rises[at.min(40 - at) - 1]).collect();
        let said = fall(&table(&falls), "elbo").expect("a fall");
        assert!(said.starts_with("elbo was best after epoch 20, -21.5"), "{said}");
        let said = fall(&table(&falls[20..]), "elbo").expect("a fall");
        assert!(
            said.contains("fallen ever since its first evaluation") && said.contains("--learning-rate"),
            "{said}"
        );
        assert_eq!(fall(&table(&falls), "other"), None);
        assert_eq!(fall(&table(&[]), "elbo"), None);
    }
}
