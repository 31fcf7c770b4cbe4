//! Parallel tempering: replicas at several temperatures that exchange their places (Swendsen & Wang 1986; Geyer 1991).
//!
//! Hot replicas cross the valleys that hold a cold one. The states of two neighbours are exchanged with probability
//! min(1, e^((β − β′)(ℓ(x′) − ℓ(x)))), ℓ the log-likelihood, which leaves the product of all p_β unchanged. Even and odd
//! pairs take turns, so that a replica keeps its direction (Okabe, Kawata, Okamoto & Mikami 2001; Syed, Bouchard-Côté,
//! Deligiannidis & Doucet 2022). Each temperature has a kernel of its own, which learns its own step size.

use super::kernel::{Chain, Exchanges, MarkovKernel, Outcome, Step, WarmUp};
use super::metropolis::accepted;
use super::{LogDensity, SamplingError, Tempered};
use crate::Setting;

/// Parallel tempering with `kernel` at each temperature. The draws are those of the first, β = 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Tempering<K> {
    /// The kernel that moves each replica.
    pub kernel: K,
    /// β of each replica: falling, from 1, none below 0.
    pub inverse_temperatures: Vec<f64>,
}

impl<K> Tempering<K> {
    /// `replicas` inverse temperatures from 1 to `hottest`, each the same fraction of the one before.
    pub fn geometric(kernel: K, replicas: usize, hottest: f64) -> Self {
        let last = replicas.saturating_sub(1).max(1) as f64;
        let inverse_temperatures = (0..replicas).map(|k| hottest.powf(k as f64 / last)).collect();
        Tempering { kernel, inverse_temperatures }
    }

    fn check(&self) -> Result<(), SamplingError> {
        let betas = &self.inverse_temperatures;
        let falling = betas.windows(2).all(|pair| pair[0] > pair[1]);
        if betas.first() == Some(&1.0) && falling && betas.iter().all(|beta| *beta >= 0.0) {
            return Ok(());
        }
        let wanted = "falling from 1 to no less than 0";
        Err(Setting::new("the row of inverse temperatures", format!("{betas:?}"), wanted).into())
    }
}

impl<P, L, K> MarkovKernel<Tempered<P, L>> for Tempering<K>
where
    P: LogDensity + Clone + Send,
    L: LogDensity + Clone + Send,
    K: MarkovKernel<Tempered<P, L>>,
{
    type Chain = TemperingChain<K::Chain, P, L>;

    fn dimension(&self, target: &Tempered<P, L>) -> usize {
        target.dimension()
    }

    fn begin(
        &self,
        target: &Tempered<P, L>,
        start: &[f64],
        step: &mut Step<'_>,
    ) -> Result<Self::Chain, SamplingError> {
        self.check()?;
        let replica = |beta: &f64| {
            let target = target.clone().at(*beta);
            let chain = self.kernel.begin(&target, start, step)?;
            Ok(Replica { target, chain, last: Outcome { acceptance: 0.0, diverged: false }, log_likelihood: 0.0 })
        };
        let replicas = self.inverse_temperatures.iter().map(replica).collect::<Result<Vec<_>, SamplingError>>()?;
        let pairs = replicas.len() - 1;
        Ok(TemperingChain {
            exchange: vec![0.0; start.len()],
            offered: vec![0; pairs],
            accepted: vec![0; pairs],
            travellers: vec![Traveller::default(); replicas.len()],
            odd: 0,
            replicas,
        })
    }
}

/// One temperature.
#[derive(Clone, Debug)]
struct Replica<C, P, L> {
    target: Tempered<P, L>,
    chain: C,
    last: Outcome,
    log_likelihood: f64,
}

/// A state on its way through the temperatures.
#[derive(Clone, Copy, Debug, Default)]
struct Traveller {
    /// Which ends it has seen since it last came to the coldest.
    seen: Seen,
    round_trips: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Seen {
    #[default]
    Neither,
    Coldest,
    ColdestThenHottest,
}

/// Tempered replicas under way.
#[derive(Clone, Debug)]
pub struct TemperingChain<C, P, L> {
    replicas: Vec<Replica<C, P, L>>,
    /// The state on its way from one replica to another.
    exchange: Vec<f64>,
    /// 0 where pairs (0, 1), (2, 3), … are next, 1 where (1, 2), (3, 4), … are.
    odd: usize,
    /// Exchanges of each pair, after the warm-up.
    offered: Vec<u64>,
    accepted: Vec<u64>,
    /// Of the state at each temperature.
    travellers: Vec<Traveller>,
}

impl<C, P, L> TemperingChain<C, P, L>
where
    P: LogDensity + Clone + Send,
    L: LogDensity + Clone + Send,
    C: Chain<Tempered<P, L>>,
{
    fn exchange_neighbours(&mut self, step: &mut Step<'_>) -> Result<(), SamplingError> {
        for replica in &mut self.replicas {
            replica.log_likelihood = step.log_density(&replica.target.likelihood, replica.chain.position())?;
        }
        for cold in (self.odd..self.offered.len()).step_by(2) {
            let (below, above) = self.replicas.split_at_mut(cold + 1);
            let (cold_one, hot_one) = (&mut below[cold], &mut above[0]);
            let difference = cold_one.target.inverse_temperature - hot_one.target.inverse_temperature;
            let probability = match hot_one.log_likelihood {
                f64::NEG_INFINITY => 0.0,
                hot => (difference * (hot - cold_one.log_likelihood)).min(0.0).exp(),
            };
            self.offered[cold] += 1;
            if accepted(probability, step.stream) {
                self.accepted[cold] += 1;
                self.travellers.swap(cold, cold + 1);
                self.exchange.copy_from_slice(cold_one.chain.position());
                cold_one.chain.relocate(&cold_one.target, hot_one.chain.position(), step)?;
                hot_one.chain.relocate(&hot_one.target, &self.exchange, step)?;
            }
        }
        self.odd = 1 - self.odd;
        self.note_ends();
        Ok(())
    }

    fn note_ends(&mut self) {
        let hottest = self.travellers.len() - 1;
        if self.travellers[hottest].seen == Seen::Coldest {
            self.travellers[hottest].seen = Seen::ColdestThenHottest;
        }
        let coldest = &mut self.travellers[0];
        coldest.round_trips += u64::from(coldest.seen == Seen::ColdestThenHottest);
        coldest.seen = Seen::Coldest;
    }
}

impl<C, P, L> Chain<Tempered<P, L>> for TemperingChain<C, P, L>
where
    P: LogDensity + Clone + Send,
    L: LogDensity + Clone + Send,
    C: Chain<Tempered<P, L>>,
{
    fn position(&self) -> &[f64] {
        self.replicas[0].chain.position()
    }

    fn relocate(
        &mut self,
        _: &Tempered<P, L>,
        position: &[f64],
        step: &mut Step<'_>,
    ) -> Result<(), SamplingError> {
        let coldest = &mut self.replicas[0];
        coldest.chain.relocate(&coldest.target, position, step)
    }

    fn step(&mut self, _: &Tempered<P, L>, step: &mut Step<'_>) -> Result<Outcome, SamplingError> {
        for replica in &mut self.replicas {
            replica.last = replica.chain.step(&replica.target, step)?;
        }
        self.exchange_neighbours(step)?;
        Ok(self.replicas[0].last)
    }

    fn adapt(
        &mut self,
        _: &Tempered<P, L>,
        _: Outcome,
        warm_up: WarmUp,
        step: &mut Step<'_>,
    ) -> Result<(), SamplingError> {
        for replica in &mut self.replicas {
            replica.chain.adapt(&replica.target, replica.last, warm_up, step)?;
        }
        // Figures are of the draws alone.
        self.offered.fill(0);
        self.accepted.fill(0);
        self.travellers.fill(Traveller::default());
        Ok(())
    }

    fn scale(&self) -> f64 {
        self.replicas[0].chain.scale()
    }

    fn exchanges(&self) -> Exchanges {
        let rate = |pair: usize| self.accepted[pair] as f64 / self.offered[pair].max(1) as f64;
        Exchanges {
            accepted: (0..self.offered.len()).map(rate).collect(),
            round_trips: self.travellers.iter().map(|traveller| traveller.round_trips).sum(),
        }
    }
}
