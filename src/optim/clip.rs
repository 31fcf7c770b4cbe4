//! Gradients kept from becoming too long.

use super::BLOCK;
use crate::kernels::reduce::sum_of_squares;
use crate::simd::{Simd, Vectorised, dispatch};
use crate::store::Gradients;
use rayon::prelude::*;

/// Shortens the gradient of all parameters together to the length `longest` where it is longer (Pascanu, Mikolov & Bengio
/// 2013). Returns the length it had, summed in f64. A length that is NaN or infinite leaves the gradients as they are.
pub fn clip_by_global_norm(gradients: &mut Gradients, longest: f64) -> f64 {
    let norm = global_norm(gradients);
    let factor = shortening(norm, longest);
    if norm.is_finite() && factor < 1.0 {
        gradients.values_mut().par_chunks_mut(BLOCK).for_each(|values| dispatch(Scale { values, factor }));
    }
    norm
}

/// The length of the gradient of all parameters together, summed in f64.
pub(super) fn global_norm(gradients: &Gradients) -> f64 {
    sum_of_squares(gradients.values()).sqrt()
}

/// What a gradient of the length `norm` is multiplied by to be no longer than `longest`.
pub(super) fn shortening(norm: f64, longest: f64) -> f32 {
    if norm > longest { (longest / norm) as f32 } else { 1.0 }
}

/// Multiplies values by a factor.
struct Scale<'a> {
    values: &'a mut [f32],
    factor: f32,
}

impl Vectorised for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        self.values.iter_mut().for_each(|value| *value *= self.factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::store::Store;

    #[test]
    fn long_gradients_are_shortened() {
        let mut store = Store::new();
        let [a, b] = [store.add("a", &[1]), store.add("b", &[20_000])];
        let mut gradients = store.gradients();
        gradients.get_mut(a)[0] = 3.0;
        gradients.get_mut(b)[19_999] = -4.0;
        assert_eq!(clip_by_global_norm(&mut gradients, 5.0), 5.0);
        assert_eq!((gradients.get(a)[0], gradients.get(b)[19_999]), (3.0, -4.0));
        assert_eq!(clip_by_global_norm(&mut gradients, 2.5), 5.0);
        assert_eq!((gradients.get(a)[0], gradients.get(b)[19_999]), (1.5, -2.0));

        Seed(1).lanes("gradient", 0).fill_normal(gradients.get_mut(b));
        let norm = gradients.values().iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        assert!((clip_by_global_norm(&mut gradients, 0.1) / norm - 1.0).abs() < 1e-12);
        // Each value is rounded once, the factor too.
        assert!((clip_by_global_norm(&mut gradients, 1.0) / 0.1 - 1.0).abs() < f64::from(f32::EPSILON));
    }

    #[test]
    fn what_is_not_finite_is_left_alone() {
        let mut store = Store::new();
        let a = store.add("a", &[2]);
        let mut gradients = store.gradients();
        for bad in [f32::NAN, f32::INFINITY] {
            gradients.get_mut(a).copy_from_slice(&[7.0, bad]);
            assert!(!clip_by_global_norm(&mut gradients, 1.0).is_finite());
            assert_eq!(gradients.get(a)[0], 7.0);
        }
    }
}
