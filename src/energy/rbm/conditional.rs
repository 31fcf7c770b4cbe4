//! The likelihood of some visible units given the others, where it can be summed.
//!
//! Given the units v_s that are shown, the others and the hidden units are a machine of their own: the visible units that are not shown, with
//! the weights and biases they have, and hidden biases c + v_s W_s. What v_s adds to the energy cancels.

use super::Rbm;
use super::exact::EXACT_UNITS;
use crate::parallel::map;
use crate::tensor::BitMatrix;

impl Rbm {
    /// ln p(v_h | v_s) of each row of `visible` `[rows, visible]`, nats, v_h being the units that `hidden` `[visible]` names: exact. `None`
    /// where neither these nor the hidden layer are few enough to be summed, at most 20; 0 where nothing is hidden.
    ///
    /// # Panics
    /// Where `hidden` or the rows are not `visible()` wide.
    #[track_caller]
    pub fn conditional_log_likelihoods(&self, visible: &BitMatrix, hidden: &[bool]) -> Option<Vec<f64>> {
        assert_eq!(hidden.len(), self.visible, "a mask of {} units for {}", hidden.len(), self.visible);
        assert_eq!(visible.units(), self.visible, "rows of {} units for {}", visible.units(), self.visible);
        let free: Vec<usize> = (0..self.visible).filter(|&unit| hidden[unit]).collect();
        if free.is_empty() {
            return Some(vec![0.0; visible.rows()]);
        }
        if free.len().min(self.hidden) > EXACT_UNITS {
            return None;
        }
        let of_unit = |unit: usize| &self.weights()[unit * self.hidden..][..self.hidden];
        let weights: Vec<f32> = free.iter().flat_map(|&unit| of_unit(unit)).copied().collect();
        let bias: Vec<f32> = free.iter().map(|&unit| self.visible_bias()[unit]).collect();
        let of_row = |row: usize| {
            let mut towards: Vec<f64> = self.hidden_bias().iter().map(|&bias| f64::from(bias)).collect();
            for unit in (0..self.visible).filter(|&unit| !hidden[unit] && visible.get(row, unit)) {
                towards.iter_mut().zip(of_unit(unit)).for_each(|(sum, &weight)| *sum += f64::from(weight));
            }
            let towards: Vec<f32> = towards.into_iter().map(|sum| sum as f32).collect();
            let machine = Rbm::from_parameters(free.len(), self.hidden, &weights, &bias, &towards).ok()?;
            let own = BitMatrix::from_fn(1, free.len(), |_, unit| visible.get(row, free[unit]));
            Some(-machine.free_energy(&own)[0] - machine.exact_log_z(EXACT_UNITS).ok()?)
        };
        map(visible.rows(), of_row).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::rbm::reference::machine;

    /// The chain rule: what is shown and what is hidden given it are the whole row, summed over all states.
    #[test]
    fn the_conditional_is_the_joint_over_the_marginal() {
        let (visible, hidden) = (6, 3);
        let rbm = machine(visible, hidden, 1.5, 5);
        let log_z = rbm.exact_log_z(20).unwrap();
        let mask = [false, true, true, false, true, false];
        let states = BitMatrix::from_fn(64, visible, |row, unit| row >> unit & 1 == 1);
        let joint: Vec<f64> = rbm.free_energy(&states).iter().map(|f| (-f - log_z).exp()).collect();
        let conditional = rbm.conditional_log_likelihoods(&states, &mask).unwrap();
        let shown = |state: usize| state & 0b101001;
        for state in 0..64 {
            let marginal: f64 =
                (0..64).filter(|&other| shown(other) == shown(state)).map(|other| joint[other]).sum();
            let exact = (joint[state] / marginal).ln();
            assert!((conditional[state] - exact).abs() < 1e-5, "{state}: {} {exact}", conditional[state]);
        }
        assert_eq!(rbm.conditional_log_likelihoods(&states, &[false; 6]), Some(vec![0.0; 64]));
        let wide = machine(30, 25, 0.1, 6);
        assert_eq!(wide.conditional_log_likelihoods(&BitMatrix::zeros(1, 30), &[true; 30]), None);
    }
}
