//! Dropout (Srivastava et al. 2014): in a training step each hidden unit of a conditioning network is left out with a probability p, and what
//! stays is 1 / (1 − p) times as large, so that sums keep their mean. Nothing is left out of likelihoods and draws.

use crate::autodiff::Var;
use crate::random::Lanes;
use std::cell::Cell;

/// The masks of a training step, handed out to one hidden layer after the other.
#[derive(Debug)]
pub struct Dropout<'t> {
    /// `[rows, units]`: of all layers' units, 0 or 1 / (1 − p).
    masks: Var<'t>,
    given: Cell<usize>,
}

impl<'t> Dropout<'t> {
    pub(super) fn new(masks: Var<'t>) -> Self {
        Dropout { masks, given: Cell::new(0) }
    }

    /// Hidden units h `[rows, width]` with some left out, by the next masks.
    ///
    /// # Panics
    /// Where more units ask than transforms [have](super::Transform::hidden_units).
    #[track_caller]
    pub fn apply(&self, h: Var<'t>) -> Var<'t> {
        let width = h.shape()[1];
        let first = self.given.replace(self.given.get() + width);
        h * self.masks.slice(1, first, width)
    }
}

/// h, or h with units left out.
pub(super) fn drop_from<'t>(dropout: Option<&Dropout<'t>>, h: Var<'t>) -> Var<'t> {
    dropout.map_or(h, |dropout| dropout.apply(h))
}

/// Draws masks that leave out the part `p`.
pub(super) fn fill_masks(stream: &mut Lanes, p: f32, masks: &mut [f32]) {
    stream.fill_uniform(masks);
    let kept = 1.0 / (1.0 - p);
    masks.iter_mut().for_each(|mask| *mask = if *mask < p { 0.0 } else { kept });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autodiff::Program;
    use crate::flow::reference::random;
    use crate::flow::{Base, Flow, FlowConfig, Structure, TransformKind};
    use crate::random::Seed;

    /// Chance exceeds five standard errors 6 times in 10⁷.
    #[test]
    fn masks_leave_the_part_out_and_keep_the_mean() {
        for p in [0.1f32, 0.5, 0.9] {
            let mut masks = vec![0.0; 40_000];
            fill_masks(&mut Seed(1).lanes("masks", 0), p, &mut masks);
            let n = masks.len() as f64;
            let share = f64::from(p);
            let out = masks.iter().filter(|mask| **mask == 0.0).count() as f64 / n;
            assert!((out - share).abs() < 5.0 * (share * (1.0 - share) / n).sqrt(), "{out} of {p}");
            let mean = masks.iter().map(|&mask| f64::from(mask)).sum::<f64>() / n;
            assert!((mean - 1.0).abs() < 5.0 * (share / (1.0 - share) / n).sqrt(), "{mean} of {p}");
        }
    }

    fn flow(structure: Structure, base: Base) -> Flow {
        let config = FlowConfig {
            structure,
            base,
            transform: TransformKind::Affine,
            hidden: vec![5, 4],
            layers: 2,
            ..FlowConfig::new(3)
        };
        random(config, 0.5, Seed(2))
    }

    /// ln p of two rows, the masks of all units being given.
    fn log_density(flow: &Flow, masks: Option<&[f32]>) -> Vec<f32> {
        let mut program = Program::record(&flow.store, |tape| {
            let z = tape.input_with("z", [2, 3], &[0.3, -1.2, 0.7, 1.5, 0.2, -0.4]);
            let units = flow.hidden_units();
            let dropout = masks.map(|masks| Dropout::new(tape.input_with("masks", [2, units], masks)));
            let densities = flow.densities_with(z, None, dropout.as_ref());
            tape.output("log_density", densities.log_base + densities.log_determinant);
        });
        program.evaluate(&flow.store);
        program.output("log_density").to_vec()
    }

    #[test]
    fn units_are_masked_layer_by_layer() {
        for (structure, base) in [
            (Structure::Coupling, Base::Normal),
            (Structure::Autoregressive, Base::Normal),
            (Structure::Autoregressive, Base::Mixture { components: 2 }),
        ] {
            let mut flow = flow(structure, base);
            let networks = if base == Base::Normal { 2 } else { 3 };
            assert_eq!(flow.hidden_units(), 9 * networks);
            let ones = vec![1.0; 2 * 9 * networks];
            assert_eq!(log_density(&flow, Some(&ones)), log_density(&flow, None));
            // Without the units of the last hidden layers their weights do not matter.
            let mut masks = ones;
            for row in masks.chunks_exact_mut(9 * networks) {
                row.chunks_exact_mut(9).for_each(|network| network[5..].fill(0.0));
            }
            let dropped = log_density(&flow, Some(&masks));
            assert_ne!(dropped, log_density(&flow, None));
            for parameter in flow.store.parameters() {
                if flow.store.name(parameter).ends_with(".4.weight") {
                    flow.store.get_mut(parameter).fill(0.0);
                }
            }
            assert_eq!(dropped, log_density(&flow, None), "{structure} {base}");
        }
    }
}
