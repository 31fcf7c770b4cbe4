//! Imputations by a Boltzmann machine: chains whose shown units are clamped.

use crate::cli::{Failure, size};
use crate::contract::{Clamped, Filled, InpaintAsk, Inpainter};
use helmholtz::energy::boltzmann::{BoltzmannChains, BoltzmannMachine};
use helmholtz::tensor::BitMatrix;

/// Chains of each row.
const CHAINS: usize = 10;

impl Inpainter for BoltzmannMachine {
    fn inpaint(&self, ask: &InpaintAsk<'_>) -> Result<Filled, Failure> {
        size::check("steps", ask.options.steps, 1)?;
        ask.by_mask(self.visible(), |clamped| impute(self, ask, clamped))
    }
}

fn impute(machine: &BoltzmannMachine, ask: &InpaintAsk<'_>, clamped: &Clamped<'_>) -> Filled {
    let Clamped { images, hidden, seed } = clamped;
    let (rows, width) = (images.rows(), images.units());
    let each = ask.latents.max(ask.count).div_ceil(CHAINS);
    let begun = BitMatrix::from_fn(rows * CHAINS, machine.len(), |chain, unit| {
        unit < width && !hidden[unit] && images.get(chain % rows, unit)
    });
    let mut chains = BoltzmannChains::from_states(begun, *seed);
    chains.clamp(&(0..machine.len()).map(|unit| unit < width && !hidden[unit]).collect::<Vec<_>>());
    ask.work.plan((ask.options.steps + each) as u64);
    for _ in 0..ask.options.steps {
        chains.gibbs(machine, 1);
        ask.work.add(1);
    }
    let mut sums = vec![0.0f64; rows * width];
    let mut values = vec![0.0f32; rows * ask.count * width];
    for draw in 0..each {
        chains.gibbs(machine, 1);
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
    Filled {
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
    }
}
