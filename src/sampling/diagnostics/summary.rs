//! One line on one number of the draws.

use super::{ess_bulk, ess_tail, mcse_mean, mcse_quantile, mcse_sd, quantile, r_hat, series};
use std::fmt;

/// Summary of several chains of one number. Fields are NaN where undefined: see the function of each.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// Mean of all draws.
    pub mean: f64,
    /// Standard error of `mean`: [`mcse_mean`].
    pub mean_error: f64,
    /// Standard deviation of all draws.
    pub sd: f64,
    /// Standard error of `sd`: [`mcse_sd`].
    pub sd_error: f64,
    /// The 5% and 95% quantiles.
    pub quantiles: [f64; 2],
    /// Standard errors of `quantiles`: [`mcse_quantile`].
    pub quantile_errors: [f64; 2],
    /// [`r_hat()`]
    pub r_hat: f64,
    /// [`ess_bulk`]
    pub ess_bulk: f64,
    /// [`ess_tail`]
    pub ess_tail: f64,
}

impl Summary {
    /// Of `chains` `[chain][draw]`.
    ///
    /// # Panics
    /// Where chains differ in length.
    #[track_caller]
    pub fn of<C: AsRef<[f64]>>(chains: &[C]) -> Self {
        let all: Vec<f64> = chains.iter().flat_map(|chain| chain.as_ref()).copied().collect();
        let or_nan = |value: Option<f64>| value.unwrap_or(f64::NAN);
        Summary {
            mean: series::mean(&all),
            mean_error: or_nan(mcse_mean(chains)),
            sd: series::variance(&all).sqrt(),
            sd_error: or_nan(mcse_sd(chains)),
            quantiles: [0.05, 0.95].map(|p| or_nan(quantile(chains, p))),
            quantile_errors: [0.05, 0.95].map(|p| or_nan(mcse_quantile(chains, p))),
            r_hat: or_nan(r_hat(chains)),
            ess_bulk: or_nan(ess_bulk(chains)),
            ess_tail: or_nan(ess_tail(chains)),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { mean, mean_error, sd, quantiles: [low, high], r_hat, ess_bulk, ess_tail, .. } = self;
        write!(
            f,
            "{mean:.4} ± {mean_error:.4} (sd {sd:.4}, 5% {low:.4}, 95% {high:.4}; R̂ {r_hat:.3}, ESS {ess_bulk:.0} bulk, \
             {ess_tail:.0} tail)"
        )
    }
}
