//! Annealed importance sampling of log Z (Neal 2001; Salakhutdinov & Murray 2008).
//!
//! From the machine without weights and with visible biases a₀ (β = 0) to the machine itself (β = 1) through
//! p*_β(v) = e^((1−β) a₀·v + β a·v) Πⱼ (1 + e^(β xⱼ)), xⱼ = bⱼ + v·W₍ⱼ₎. Each chain collects
//! log w = Σₖ log p*_βₖ(v) − log p*_βₖ₋₁(v); the mean of w estimates Z / Z₀ without bias, so E[log Ẑ] ≤ log Z.

use super::{Rbm, RbmError};
use crate::kernels::lookup::{self, BitsRef, Layer, Tables, Weights};
use crate::random::{Lanes, Seed};
use crate::sampling::LogMeanExp;
use crate::tensor::{AlignedVec, BitMatrix, LANES};
use rayon::prelude::*;

/// How an annealing run is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ais {
    /// Independent chains; the Monte Carlo error falls with their root.
    pub chains: usize,
    /// Steps from the independent model to the machine, evenly spaced.
    pub temperatures: usize,
    /// The seed of its streams.
    pub seed: Seed,
}

impl Default for Ais {
    /// 128 chains of 10,000 temperatures.
    fn default() -> Self {
        Ais { chains: 128, temperatures: 10_000, seed: Seed(0) }
    }
}

impl Ais {
    /// log Z of `rbm`, annealed from the independent model with visible biases `base` `[visible]`.
    pub(super) fn log_z(&self, rbm: &Rbm, base: &[f32]) -> Result<LogMeanExp, RbmError> {
        let log_weights = self.log_weights(rbm, base)?;
        let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
        let log_z0 = rbm.hidden as f64 * std::f64::consts::LN_2
            + base.iter().map(|&bias| softplus(f64::from(bias))).sum::<f64>();
        let mean = LogMeanExp::of(&log_weights);
        Ok(LogMeanExp { value: log_z0 + mean.value, ..mean })
    }

    /// The log-weight of each chain.
    ///
    /// # Errors
    /// Where there are no chains or temperatures.
    pub(super) fn log_weights(&self, rbm: &Rbm, base: &[f32]) -> Result<Vec<f64>, RbmError> {
        for (name, given) in
            [("the number of annealing chains", self.chains), ("the number of temperatures", self.temperatures)]
        {
            if given == 0 {
                return Err(RbmError::Setting { name, given: given.to_string(), wanted: "at least 1" });
            }
        }
        assert_eq!(base.len(), rbm.visible, "base biases for {} visible units", rbm.visible);
        let mut tables = [Tables::new(), Tables::new(), Tables::new()];
        let [towards_hidden, towards_visible, linear] = &mut tables;
        rbm.tabulate(towards_hidden, towards_visible);
        let difference: Vec<f32> = rbm.visible_bias.iter().zip(base).map(|(bias, base)| bias - base).collect();
        linear.build(&difference, [1, rbm.visible], rbm.visible);

        let mut visible = BitMatrix::zeros(self.chains, rbm.visible);
        let mut totals = vec![0.0; visible.blocks() * LANES];
        let mut streams: Vec<_> =
            (0..visible.blocks() as u64).map(|block| self.seed.lanes("annealing", block)).collect();
        // Chains are independent, so the division moves no draw and may follow the number of threads.
        let run = visible.blocks().div_ceil(rayon::current_num_threads());
        let words = visible.words_mut().par_chunks_mut(run * rbm.visible.div_ceil(32) * LANES);
        words.zip(streams.par_chunks_mut(run)).zip(totals.par_chunks_mut(run * LANES)).for_each(
            |((visible, streams), totals)| {
                let path = Path { rbm, base, tables: &tables, temperatures: self.temperatures };
                path.walk(visible, streams, totals);
            },
        );
        totals.truncate(self.chains);
        Ok(totals)
    }
}

/// The way from β = 0 to 1 for some blocks of chains.
struct Path<'a> {
    rbm: &'a Rbm,
    base: &'a [f32],
    /// Towards hidden, towards visible, and the change of the visible bias as one output.
    tables: &'a [Tables; 3],
    temperatures: usize,
}

impl Path<'_> {
    fn walk(&self, visible: &mut [u32], streams: &mut [Lanes], totals: &mut [f64]) {
        let Path { rbm, tables: [towards_hidden, _, linear], temperatures, .. } = *self;
        let blocks = streams.len();
        let rows = blocks * LANES;
        let mut hidden = vec![0u32; blocks * rbm.hidden.div_ceil(32) * LANES];
        let mut scale = AlignedVec::<f32>::zeroed(rows);
        let mut bias_sums = AlignedVec::<f32>::zeroed(rows);
        // v ~ the base model: at s = 0 the logits are the base biases, whatever the hidden states.
        self.draw_visible(&hidden, visible, streams, &scale);
        for step in 0..temperatures {
            let beta = |step: usize| step as f64 / temperatures as f64;
            let (beta, next_beta) = (beta(step), beta(step + 1));
            let states = BitsRef::new(visible, rbm.visible, blocks);
            lookup::sums_of_blocks(Weights::Tables(linear), states, &mut bias_sums, rows);
            for (total, &sum) in totals.iter_mut().zip(bias_sums.iter()) {
                *total += (next_beta - beta) * f64::from(sum);
            }
            let layer = Layer { bias: &rbm.hidden_bias, temper: None, words: &mut hidden, free: None, rows };
            let betas = [beta as f32, next_beta as f32];
            lookup::anneal(Weights::Tables(towards_hidden), states, layer, betas, streams, totals);
            scale.fill(next_beta as f32);
            self.draw_visible(&hidden, visible, streams, &scale);
        }
    }

    fn draw_visible(&self, hidden: &[u32], visible: &mut [u32], streams: &mut [Lanes], scale: &[f32]) {
        let blocks = streams.len();
        let layer = Layer {
            bias: &self.rbm.visible_bias,
            temper: Some((scale, self.base)),
            words: visible,
            free: None,
            rows: blocks * LANES,
        };
        let input = BitsRef::new(hidden, self.rbm.hidden, blocks);
        lookup::sample(Weights::Tables(&self.tables[1]), input, layer, streams);
    }
}
