//! Annealed importance sampling of a normaliser (Neal 2001), for any points and any transitions.
//!
//! Between a base p₀ that can be drawn from and a target p₁ lie densities p_β. A chain starts with a draw x₀ of the base
//! and walks through 0 = β₀ < β₁ < … < β_K = 1 by transitions T_βₖ that leave p_βₖ unchanged, collecting
//!
//! log w = Σₖ log p*_βₖ(xₖ₋₁) − log p*_βₖ₋₁(xₖ₋₁),  xₖ ~ T_βₖ(· | xₖ₋₁).
//!
//! E\[w\] = Z₁ / Z₀ whatever the transitions' speed, so that log of the mean w lies below log Z₁ / Z₀ in expectation; slow
//! transitions and few steps cost variance, not bias.

use super::metropolis::{acceptance, accepted};
use super::{DensityError, LogDensity, LogMeanExp, Sampler, SamplingError};
use crate::Setting;
use crate::parallel::map;
use crate::random::{Seed, Stream};

/// Chains that share a stream: making one costs as much as some hundred draws from it.
const BLOCK: usize = 16;

/// Annealing path: a family of densities p*_β from a base at β = 0, which can be drawn from, to the target at β = 1.
///
/// [`GeometricPath`] makes one of a base, a target and a transition.
pub trait AnnealingPath: Sync {
    /// A state.
    type Point: Send;

    /// Draws from the base.
    fn draw(&self, stream: &mut Stream) -> Self::Point;

    /// log p*_β(x), nats.
    ///
    /// # Errors
    /// [`DensityError::Recoverable`] where this point alone is at fault: its chain weighs nothing.
    fn log_density(&self, point: &Self::Point, beta: f64) -> Result<f64, DensityError>;

    /// Moves `point` by a transition that leaves p_β unchanged.
    ///
    /// # Errors
    /// [`DensityError::Recoverable`] where this point alone is at fault: its chain weighs nothing.
    fn transition(&self, point: &mut Self::Point, beta: f64, stream: &mut Stream) -> Result<(), DensityError>;

    /// log Z of p*₀, nats: 0 where the base is normalised.
    fn log_base_normaliser(&self) -> f64 {
        0.0
    }
}

/// p*_β = q^(1−β) p*^β of a normalised base q and a target p*, with a transition of one's own.
///
/// ```
/// use helmholtz::sampling::{AnnealedImportance, Categorical, GeometricPath, Sampler};
///
/// // Four states, all alike at first; the transition draws afresh from p_β, as four states allow.
/// let target = [0.0, 3.0, 1.0, 2.0f64];
/// let path = GeometricPath::new(
///     Categorical::new(&[1.0; 4])?,
///     |&x: &usize| Ok(target[x]),
///     |x: &mut usize, beta, stream: &mut _| {
///         let weights = target.map(|log_p| (beta * log_p).exp());
///         *x = Categorical::new(&weights).expect("positive weights").draw(stream);
///         Ok(())
///     },
/// );
/// let log_z = AnnealedImportance::default().log_z(&path)?;
/// let known = target.iter().map(|log_p| log_p.exp()).sum::<f64>().ln();
/// assert!((log_z.value - known).abs() < 5.0 * log_z.error);
/// # Ok::<(), helmholtz::sampling::SamplingError>(())
/// ```
#[derive(Clone, Debug)]
pub struct GeometricPath<Q, P, T> {
    base: Q,
    log_target: P,
    transition: T,
}

impl<Q, P, T> GeometricPath<Q, P, T>
where
    Q: Sampler,
    P: Fn(&Q::Point) -> Result<f64, DensityError> + Sync,
    T: Fn(&mut Q::Point, f64, &mut Stream) -> Result<(), DensityError> + Sync,
{
    /// From `base`, normalised, to `log_target`; `transition` is given a point, β and a stream.
    pub fn new(base: Q, log_target: P, transition: T) -> Self {
        GeometricPath { base, log_target, transition }
    }
}

impl<Q, P, T> AnnealingPath for GeometricPath<Q, P, T>
where
    Q: Sampler,
    P: Fn(&Q::Point) -> Result<f64, DensityError> + Sync,
    T: Fn(&mut Q::Point, f64, &mut Stream) -> Result<(), DensityError> + Sync,
{
    type Point = Q::Point;

    fn draw(&self, stream: &mut Stream) -> Q::Point {
        self.base.draw(stream)
    }

    fn log_density(&self, point: &Q::Point, beta: f64) -> Result<f64, DensityError> {
        // The ends are asked for alone, as 0 · −∞ is no number.
        Ok(match beta {
            0.0 => self.base.log_density(point),
            1.0 => (self.log_target)(point)?,
            _ => (1.0 - beta) * self.base.log_density(point) + beta * (self.log_target)(point)?,
        })
    }

    fn transition(&self, point: &mut Q::Point, beta: f64, stream: &mut Stream) -> Result<(), DensityError> {
        (self.transition)(point, beta, stream)
    }
}

/// Metropolis steps of a normal random walk on p_β of `base` and `target`, as a [`GeometricPath`]'s transition: `steps`
/// of them, of standard deviation `scale`. Where the target gives up for once, its density is zero; where it is NaN, the
/// walk gives up for good.
pub fn random_walk_transition<'a, Q, P>(
    base: &'a Q,
    target: &'a P,
    steps: usize,
    scale: f64,
) -> impl Fn(&mut Vec<f64>, f64, &mut Stream) -> Result<(), DensityError> + Sync + 'a
where
    Q: Sampler<Point = Vec<f64>>,
    P: LogDensity + ?Sized,
{
    move |x, beta, stream| {
        let log_density = |x: &Vec<f64>| match target.log_density(x) {
            Ok(log_p) if log_p.is_nan() => Err(DensityError::Fatal("the log-density gave NaN".to_owned())),
            Ok(log_p) => Ok((1.0 - beta) * base.log_density(x) + beta * log_p),
            Err(DensityError::Recoverable(_)) => Ok(f64::NEG_INFINITY),
            Err(fatal) => Err(fatal),
        };
        let mut here = log_density(x)?;
        let mut to = x.clone();
        for _ in 0..steps {
            stream.fill_normal(&mut to);
            to.iter_mut().zip(x.iter()).for_each(|(to, from)| *to = from + scale * *to);
            let there = log_density(&to)?;
            if accepted(acceptance(here, there, 0.0), stream) {
                std::mem::swap(x, &mut to);
                here = there;
            }
        }
        Ok(())
    }
}

/// How annealing is done.
#[derive(Clone, Debug, PartialEq)]
pub struct AnnealedImportance {
    /// Independent chains.
    pub chains: usize,
    /// β₁ … β_K: rising, from above 0 to 1.
    pub schedule: Vec<f64>,
    /// The seed of its streams.
    pub seed: Seed,
}

impl Default for AnnealedImportance {
    /// 128 chains of 100 even steps.
    fn default() -> Self {
        AnnealedImportance { chains: 128, schedule: Self::even(100), seed: Seed(0) }
    }
}

impl AnnealedImportance {
    /// `steps` even steps from 0 to 1: 1/K, 2/K, … 1.
    pub fn even(steps: usize) -> Vec<f64> {
        (1..=steps).map(|step| step as f64 / steps as f64).collect()
    }

    /// log Z of the target of `path`: its base's plus the log of the mean weight.
    ///
    /// # Errors
    /// [`SamplingError`] where a setting is out of its range, no chain has a weight, or a density is NaN, +∞ or gives up
    /// for good.
    pub fn log_z<A: AnnealingPath>(&self, path: &A) -> Result<LogMeanExp, SamplingError> {
        let log_weights = self.log_weights(path)?;
        let mean = LogMeanExp::of(&log_weights);
        if mean.value == f64::NEG_INFINITY {
            return Err(SamplingError::NoOverlap { draws: self.chains });
        }
        Ok(LogMeanExp { value: path.log_base_normaliser() + mean.value, ..mean })
    }

    /// log w of each chain, nats, without the base's normaliser: −∞ where a chain came to density zero or the path gave
    /// up for once.
    ///
    /// # Errors
    /// As [`log_z`](Self::log_z), except that chains without a weight are none.
    pub fn log_weights<A: AnnealingPath>(&self, path: &A) -> Result<Vec<f64>, SamplingError> {
        Setting::at_least_one("the number of chains", self.chains)?;
        let rising = self.schedule.windows(2).all(|pair| pair[0] < pair[1]);
        if !rising || self.schedule.last() != Some(&1.0) || self.schedule[0] <= 0.0 {
            let given = format!("{:?}", self.schedule);
            return Err(Setting::new("the schedule", given, "rising from above 0 to 1").into());
        }
        let block = |index: usize| -> Result<Vec<f64>, SamplingError> {
            let mut stream = self.seed.stream("annealed importance", index as u64);
            let chains = index * BLOCK..self.chains.min((index + 1) * BLOCK);
            let climb = |_| match self.climb(path, &mut stream) {
                Err(Fall::Recoverable) => Ok(f64::NEG_INFINITY),
                Err(Fall::Error(error)) => Err(error),
                Ok(log_weight) => Ok(log_weight),
            };
            chains.map(climb).collect()
        };
        // Put together in order, so that of several failures the first is reported.
        let blocks = map(self.chains.div_ceil(BLOCK), block);
        let mut log_weights = Vec::with_capacity(self.chains);
        for block in blocks {
            log_weights.extend(block?);
        }
        Ok(log_weights)
    }

    fn climb<A: AnnealingPath>(&self, path: &A, stream: &mut Stream) -> Result<f64, Fall> {
        let mut point = path.draw(stream);
        let (mut log_weight, mut before) = (0.0, 0.0);
        for (step, &beta) in self.schedule.iter().enumerate() {
            let (from, to) = (path.log_density(&point, before)?, path.log_density(&point, beta)?);
            for value in [from, to] {
                if value.is_nan() || value == f64::INFINITY {
                    return Err(Fall::Error(SamplingError::NonFinite { what: "the log-density", value, step }));
                }
            }
            if to == f64::NEG_INFINITY {
                return Ok(to);
            }
            if from == f64::NEG_INFINITY {
                let what = "a transition to density zero: the log-density";
                return Err(Fall::Error(SamplingError::NonFinite { what, value: from, step }));
            }
            log_weight += to - from;
            if step + 1 < self.schedule.len() {
                path.transition(&mut point, beta, stream)?;
            }
            before = beta;
        }
        Ok(log_weight)
    }
}

/// Why a chain did not arrive.
enum Fall {
    Recoverable,
    Error(SamplingError),
}

impl From<DensityError> for Fall {
    fn from(error: DensityError) -> Self {
        match error {
            DensityError::Recoverable(_) => Fall::Recoverable,
            fatal => Fall::Error(SamplingError::Density(fatal)),
        }
    }
}
