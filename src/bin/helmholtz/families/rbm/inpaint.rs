//! Imputations by an RBM: chains whose shown units are clamped.

use crate::cli::{Failure, size};
use crate::contract::{Clamped, Filled, InpaintAsk, Inpainter, Scores};
use helmholtz::rbm::{Rbm, RbmChains};
use helmholtz::tensor::BitMatrix;

/// Chains of each row: what their means differ by says how far the figure can be trusted.
const CHAINS: usize = 10;

impl Inpainter for Rbm {
    /// Some chains of each row, whose hidden states are latents: all sweeps after the first `steps`.
    fn inpaint(&self, ask: &InpaintAsk<'_>) -> Result<Filled, Failure> {
        size::check("steps", ask.options.steps, 1)?;
        ask.by_mask(self.visible(), |clamped| impute(self, ask, clamped))
    }
}

fn impute(rbm: &Rbm, ask: &InpaintAsk<'_>, clamped: &Clamped<'_>) -> Filled {
    let Clamped { images, hidden, seed } = clamped;
    let (rows, width) = (images.rows(), images.units());
    let each = ask.latents.div_ceil(CHAINS).max(ask.count.div_ceil(CHAINS));
    // Hidden pixels start dark; the chain forgets it. Chain c of row r is c · rows + r.
    let shown =
        BitMatrix::from_fn(rows * CHAINS, width, |chain, unit| !hidden[unit] && images.get(chain % rows, unit));
    let mut chains = RbmChains::from_visible(shown, rbm.hidden(), *seed);
    chains.clamp(&hidden.iter().map(|hidden| !hidden).collect::<Vec<_>>());
    ask.work.plan((ask.options.steps + each) as u64);
    const AT_ONCE: usize = 50;
    for done in (0..ask.options.steps).step_by(AT_ONCE) {
        let sweeps = AT_ONCE.min(ask.options.steps - done);
        chains.gibbs(rbm, sweeps);
        ask.work.add(sweeps as u64);
    }
    let columns: Vec<usize> = (0..width).filter(|&unit| hidden[unit]).collect();
    let mut sums = vec![0.0f64; rows * width];
    let mut logs = vec![Vec::with_capacity(each); rows * CHAINS];
    let mut values = vec![0.0f32; rows * ask.count * width];
    for draw in 0..each {
        chains.gibbs(rbm, 1);
        let means = rbm.mean_visible(chains.hidden());
        for (chain, means) in means.chunks_exact(width).enumerate() {
            let row = chain % rows;
            let mut log_p = 0.0;
            for &unit in &columns {
                let p = f64::from(means[unit]).clamp(1e-30, 1.0 - 1e-12);
                log_p += if images.get(row, unit) { p.ln() } else { (-p).ln_1p() };
                sums[row * width + unit] += f64::from(means[unit]);
            }
            logs[chain].push(log_p);
            let imputation = draw * CHAINS + chain / rows;
            if imputation < ask.count {
                let out = &mut values[(row * ask.count + imputation) * width..][..width];
                out.iter_mut().enumerate().for_each(|(unit, x)| {
                    *x = f32::from(u8::from(chains.visible().get(chain, unit)));
                });
            }
        }
        ask.work.add(1);
    }
    let kept = (each * CHAINS) as f64;
    let means = sums.iter().map(|sum| (sum / kept) as f32).collect();
    let exact = rbm.conditional_log_likelihoods(images, hidden);
    let scores = match exact {
        Some(values) => Scores { errors: vec![0.0; values.len()], values, exact: true },
        None => sampled_scores(&logs, rows),
    };
    Filled {
        values,
        means,
        quantiles: None,
        scores: Some(scores),
        bounds: None,
        method: format!(
            "{CHAINS} clamped chains a row, {} sweeps and then {each} hidden states of each",
            ask.options.steps
        ),
        shapes: None,
    }
}

/// The logarithm of the mean of p(hidden | h) over the chains' states, and the error by what the chains differ by.
fn sampled_scores(logs: &[Vec<f64>], rows: usize) -> Scores {
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for row in 0..rows {
        let chains: Vec<&Vec<f64>> = logs[row..].iter().step_by(rows).collect();
        let largest = chains.iter().flat_map(|logs| logs.iter()).copied().fold(f64::NEG_INFINITY, f64::max);
        let means: Vec<f64> = chains
            .iter()
            .map(|logs| logs.iter().map(|log_p| (log_p - largest).exp()).sum::<f64>() / logs.len() as f64)
            .collect();
        let n = means.len() as f64;
        let mean = means.iter().sum::<f64>() / n;
        let error = (means.iter().map(|own| (own - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt();
        values.push(largest + mean.ln());
        // As for any logarithm of a mean: above 1 / √10 of it the error is not known.
        let relative = error / mean;
        errors.push(if relative < 0.1f64.sqrt() { relative } else { f64::INFINITY });
    }
    Scores { values, errors, exact: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use helmholtz::Seed;

    /// The error told is what repeats differ by, of states that a chain repeats too; where a few states carry the mean it is not known.
    #[test]
    fn the_error_of_a_score_is_what_repeats_differ_by() {
        let repeats = 400;
        for (deviation, kept) in [(0.3, 1), (1.0, 1), (1.0, 5)] {
            let (mut values, mut told, mut known) = (Vec::new(), 0.0, 0);
            for repeat in 0..repeats {
                let mut lanes = Seed(7).lanes("scores", repeat);
                let chain = |_| -> Vec<f64> {
                    let mut states = vec![0.0f32; 60];
                    lanes.fill_normal(&mut states);
                    states.iter().flat_map(|&x| vec![f64::from(x) * deviation; kept]).collect()
                };
                let logs: Vec<Vec<f64>> = (0..CHAINS).map(chain).collect();
                let scores = sampled_scores(&logs, 1);
                if scores.errors[0].is_finite() {
                    values.push(scores.values[0]);
                    told += scores.errors[0].powi(2);
                    known += 1;
                }
            }
            let n = f64::from(known);
            let mean = values.iter().sum::<f64>() / n;
            let seen = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
            // Variances of ten chains have a relative error of √(2 / 9), of which n are averaged, and that of n values √(2 / n): five of both, and a tenth
            // for tails that are not normal.
            let allowed = 5.0 * (2.0 / 9.0 / n + 2.0 / n).sqrt() + 0.1;
            assert!(known == 400 && (told / n / seen - 1.0).abs() < allowed, "{deviation}: {} {seen}", told / n);
        }
        let mut wild = vec![vec![0.0; 60]; CHAINS];
        wild[3][5] = 50.0;
        assert!(sampled_scores(&wild, 1).errors[0].is_infinite());
    }
}
