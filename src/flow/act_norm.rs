//! Activation normalisation (Kingma & Dhariwal 2018): y = (x − c) e^(−s), with c and s a number a component, at first the mean and
//! the logarithm of the deviation of the data's first rows. ln |det ∂y/∂x| = −Σ s.

use super::{Transform, Transformed};
use crate::autodiff::Var;
use crate::store::{Parameter, Store};

/// The deviation of a component that does not vary is taken for this, so that its log-scale is a number.
const LEAST: f64 = 1e-6;

/// See the [module](self).
#[derive(Clone, Copy, Debug)]
pub(super) struct ActNorm {
    /// c, `[width]`.
    centre: Parameter,
    /// s, `[width]`.
    log_scale: Parameter,
}

impl ActNorm {
    /// Adds `{name}.centre` and `{name}.log_scale` to the store, the identity.
    pub(super) fn new(store: &mut Store, name: &str, width: usize) -> Self {
        let [centre, log_scale] =
            ["centre", "log_scale"].map(|parameter| store.add(&format!("{name}.{parameter}"), &[width]));
        ActNorm { centre, log_scale }
    }

    /// c and s.
    pub(super) fn parameters(&self) -> [Parameter; 2] {
        [self.centre, self.log_scale]
    }
}

impl Transform for ActNorm {
    fn forward<'t>(&self, x: Var<'t>, _: Option<Var<'t>>) -> Transformed<'t> {
        let [c, s] = [self.centre, self.log_scale].map(|parameter| x.tape().parameter(parameter));
        Transformed { value: (x - c) * (-s).exp(), log_determinant: -s.sum() }
    }

    fn inverse<'t>(&self, y: Var<'t>, _: Option<Var<'t>>) -> Option<Transformed<'t>> {
        let [c, s] = [self.centre, self.log_scale].map(|parameter| y.tape().parameter(parameter));
        Some(Transformed { value: y * s.exp() + c, log_determinant: s.sum() })
    }

    fn begin_with(&self, store: &mut Store, rows: &[f32]) {
        let width = store.get(self.centre).len();
        let count = (rows.len() / width) as f64;
        if count == 0.0 {
            return;
        }
        for component in 0..width {
            let column = || rows[component..].iter().step_by(width).map(|&x| f64::from(x));
            let mean = column().sum::<f64>() / count;
            let variance = column().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
            store.get_mut(self.centre)[component] = mean as f32;
            store.get_mut(self.log_scale)[component] = variance.sqrt().max(LEAST).ln() as f32;
        }
    }
}
