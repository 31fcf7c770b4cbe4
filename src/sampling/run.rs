//! Several chains of one kernel, each with its own stream, side by side.

use super::SamplingError;
use super::draws::{ChainReport, Draws};
use super::kernel::{Chain, MarkovKernel, Step, WarmUp};
use crate::Setting;
use crate::parallel::map;
use crate::random::Seed;

/// How long chains run, and how many.
///
/// ```
/// use helmholtz::sampling::{DensityError, LogDensity, Metropolis, RandomWalk, Run};
/// # struct Normal(usize);
/// # impl LogDensity for Normal {
/// #     fn dimension(&self) -> usize { self.0 }
/// #     fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
/// #         Ok(-0.5 * x.iter().map(|x| x * x).sum::<f64>())
/// #     }
/// # }
/// let run = Run { draws: 2000, ..Run::default() };
/// let draws = run.sample(&Metropolis::new(RandomWalk::new(1.0)), &Normal(2), &[0.0, 0.0])?;
/// let first = draws.summary(0);
/// assert!(first.r_hat < 1.05 && first.mean.abs() < 5.0 * first.mean_error);
/// # Ok::<(), helmholtz::sampling::SamplingError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// Independent chains.
    pub chains: usize,
    /// Steps of each chain in which its kernel may learn, and which are not kept.
    pub warm_up: usize,
    /// Draws kept of each chain.
    pub draws: usize,
    /// Steps a draw: 1 keeps each.
    pub thin: usize,
    /// The seed of its streams.
    pub seed: Seed,
}

impl Default for Run {
    /// Four chains of 1,000 steps of warm-up and 1,000 draws, each step kept.
    fn default() -> Self {
        Run { chains: 4, warm_up: 1000, draws: 1000, thin: 1, seed: Seed(0) }
    }
}

impl Run {
    /// Runs the chains, from `start`: `[dimension]` for all of them alike, or `[chains, dimension]`. Chain c draws from
    /// the stream ("markov chain", c), so that neither the number of threads nor that of chains changes it.
    ///
    /// # Errors
    /// [`SamplingError`] where a setting is out of its range, `start` is not as long as it should be or has density
    /// zero, a density, gradient or proposal is NaN or infinite, or the target gives up for good: of several failing
    /// chains, that of the first.
    pub fn sample<T, K>(&self, kernel: &K, target: &T, start: &[f64]) -> Result<Draws, SamplingError>
    where
        T: Sync + ?Sized,
        K: MarkovKernel<T>,
    {
        let dimension = kernel.dimension(target);
        self.check(dimension, start)?;
        let run_one = |chain: usize| {
            let own = if start.len() == dimension { 0 } else { chain * dimension };
            self.one_chain(kernel, target, &start[own..own + dimension], chain)
        };
        let finished = map(self.chains, run_one);
        let mut values = Vec::with_capacity(self.chains * self.draws * dimension);
        let mut reports = Vec::with_capacity(self.chains);
        for chain in finished {
            let (points, report) = chain?;
            values.extend(points);
            reports.push(report);
        }
        Ok(Draws::new(self.draws, dimension, values, reports))
    }

    fn check(&self, dimension: usize, start: &[f64]) -> Result<(), SamplingError> {
        Setting::at_least_one("the number of chains", self.chains)?;
        Setting::at_least_one("the number of draws", self.draws)?;
        Setting::at_least_one("the steps a draw", self.thin)?;
        Setting::at_least_one("the target's dimension", dimension)?;
        let values = self.chains.checked_mul(self.draws).and_then(|draws| draws.checked_mul(dimension));
        let steps = self.draws.checked_mul(self.thin).and_then(|steps| steps.checked_add(self.warm_up));
        if values.is_none_or(|values| values > isize::MAX as usize / 8) || steps.is_none() {
            let given = format!("{} × {} × {dimension}", self.chains, self.draws);
            let wanted = "few enough for their values to be stored";
            return Err(Setting::new("chains × draws × dimension", given, wanted).into());
        }
        if start.len() != dimension && start.len() != self.chains * dimension {
            return Err(SamplingError::Dimension { given: start.len(), wanted: dimension });
        }
        match start.iter().find(|x| !x.is_finite()) {
            Some(&value) => Err(SamplingError::NonFinite { what: "the start", value, step: 0 }),
            None => Ok(()),
        }
    }

    fn one_chain<T: ?Sized, K: MarkovKernel<T>>(
        &self,
        kernel: &K,
        target: &T,
        start: &[f64],
        index: usize,
    ) -> Result<(Vec<f64>, ChainReport), SamplingError> {
        let mut stream = self.seed.stream("markov chain", index as u64);
        let mut step = Step::first(&mut stream, index);
        let mut chain = kernel.begin(target, start, &mut step)?;
        for done in 1..=self.warm_up {
            let outcome = chain.step(target, &mut step)?;
            step.done += 1;
            chain.adapt(target, outcome, WarmUp { done, of: self.warm_up }, &mut step)?;
        }
        let mut points = Vec::with_capacity(self.draws * start.len());
        let (mut acceptance, mut divergences) = (0.0, 0);
        for _ in 0..self.draws {
            for _ in 0..self.thin {
                let outcome = chain.step(target, &mut step)?;
                step.done += 1;
                acceptance += outcome.acceptance;
                divergences += u64::from(outcome.diverged);
            }
            points.extend_from_slice(chain.position());
        }
        let report = ChainReport {
            acceptance: acceptance / (self.draws * self.thin) as f64,
            divergences,
            recoverable_errors: step.recoverable_errors,
            scale: chain.scale(),
            exchanges: chain.exchanges(),
        };
        Ok((points, report))
    }
}
