//! What is known of the rules' capacity for random patterns.

use helmholtz::energy::hopfield::{CRITICAL_LOAD, Rule, exactly_fixed, retrieval_overlap};

/// What is known of one rule in networks of one size. Loads are patterns / units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Theory {
    rule: Rule,
    units: usize,
}

impl Theory {
    /// Of `rule` in networks of `units` units.
    pub fn of(rule: Rule, units: usize) -> Self {
        Theory { rule, units }
    }

    /// The overlap of a pattern with the state that recall from it ends at: Hebb's rule, large networks, up to the critical
    /// load.
    pub fn overlap(&self, load: f64) -> Option<f64> {
        match self.rule {
            Rule::Hebb => retrieval_overlap(load),
            _ => None,
        }
    }

    /// The part of the patterns that are exactly fixed. Hebb's rule: each unit withstands a normal crosstalk on its own.
    /// Projections: all, up to their capacity.
    pub fn fixed(&self, load: f64) -> Option<f64> {
        match self.rule {
            Rule::Hebb => Some(exactly_fixed(self.units, (load * self.units as f64).round() as usize)),
            Rule::PseudoInverse => self.capacity().filter(|most| load <= *most).map(|_| 1.0),
            Rule::Storkey | Rule::Perceptron(_) => None,
        }
    }

    /// The load up to which the rule holds patterns: Hebb's retrieves them in large networks (Amit, Gutfreund & Sompolinsky
    /// 1985); Storkey's keeps all fixed up to n / √(2 ln n) of them (Storkey & Valabregue 1999); a projection without its
    /// diagonal up to n − 1 independent ones (Personnaz, Guyon & Dreyfus 1985); no weights at all,
    /// symmetric ones least, more than 2n in large networks (Cover 1965; Gardner 1988), where no margin is asked for.
    pub fn capacity(&self) -> Option<f64> {
        let n = self.units as f64;
        match self.rule {
            Rule::Hebb => Some(CRITICAL_LOAD),
            Rule::Storkey if self.units > 2 => Some(1.0 / (2.0 * n.ln()).sqrt()),
            Rule::Storkey => None,
            Rule::PseudoInverse => Some((n - 1.0) / n),
            Rule::Perceptron(perceptron) => (perceptron.margin == 0.0).then_some(2.0),
        }
    }

    /// The capacity in words.
    pub fn words(&self) -> Option<String> {
        let of = match self.rule {
            Rule::Hebb => "retrieved, large networks",
            Rule::Storkey => "n / √(2 ln n) all fixed",
            Rule::PseudoInverse => "n − 1 independent ones",
            Rule::Perceptron(_) => "at most, large networks",
        };
        self.capacity().map(|load| format!("theory: capacity {load:.3} ({of})"))
    }
}
