//! Imputations by a Boltzmann machine: chains whose shown units are clamped.

use crate::cli::{Failure, size};
use crate::contract::{Filled, InpaintAsk, Inpainter};
use crate::input::data;
use helmholtz::energy::boltzmann::{BoltzmannChains, BoltzmannMachine};
use helmholtz::tensor::BitMatrix;

/// Chains of each row.
const CHAINS: usize = 10;

impl Inpainter for BoltzmannMachine {
    fn inpaint(&self, ask: &InpaintAsk<'_>) -> Result<Filled, Failure> {
        size::check("steps", ask.options.steps, 1)?;
        let images = data::bits_for(ask.rows, self.visible(), ask.name)?;
        let Some(hidden) = ask.mask.shared() else {
            return Err(Failure::new("--mask: a machine wants the same mask for all rows").about(ask.name));
        };
        let (rows, width) = (images.rows(), images.units());
        let each = ask.latents.max(ask.count).div_ceil(CHAINS);
        let begun = BitMatrix::from_fn(rows * CHAINS, self.len(), |chain, unit| {
            unit < width && !hidden[unit] && images.get(chain % rows, unit)
        });
        let mut chains = BoltzmannChains::from_states(begun, ask.seed);
        chains.clamp(&(0..self.len()).map(|unit| unit < width && !hidden[unit]).collect::<Vec<_>>());
        ask.work.plan((ask.options.steps + each) as u64);
        for _ in 0..ask.options.steps {
            chains.gibbs(self, 1);
            ask.work.add(1);
        }
        let mut sums = vec![0.0f64; rows * width];
        let mut values = vec![0.0f32; rows * ask.count * width];
        for draw in 0..each {
            chains.gibbs(self, 1);
            for chain in 0..rows * CHAINS {
                let (row, imputation) = (chain % rows, draw * CHAINS + chain / rows);
                for unit in 0..width {
                    let on = chains.states().get(chain, unit);
                    sums[row * width + unit] += f64::from(u8::from(on));
                    if imputation < ask.count {
                        values[(row * ask.count + imputation) * width + unit] = f32::from(u8::from(on));
                    }
                }
            }
            ask.work.add(1);
        }
        let kept = (each * CHAINS) as f64;
        Ok(Filled {
            values,
            means: sums.iter().map(|sum| (sum / kept) as f32).collect(),
            quantiles: None,
            scores: None,
            bounds: None,
            method: format!(
                "{CHAINS} clamped chains a row, {} sweeps and then {each} states of each",
                ask.options.steps
            ),
            shapes: None,
        })
    }
}
