//! A rule and what it remembers.

use super::adam::{AdamBlock, AdamFactors};
use super::average::{Following, follow};
use super::sgd::{SgdBlock, SgdFactors};
use super::{Adam, BLOCK, Sgd};
use crate::Setting;
use crate::parallel::{chunks, chunks_mut, for_each};
use crate::simd::dispatch;
use crate::store::{Gradients, Layout, Snapshot, SnapshotError, Store};
use crate::tensor::AlignedVec;

/// The rule by which parameters follow their gradients.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// Gradient descent with momentum.
    Sgd(Sgd),
    /// Adam.
    Adam(Adam),
}

impl From<Sgd> for Rule {
    fn from(sgd: Sgd) -> Self {
        Rule::Sgd(sgd)
    }
}

impl From<Adam> for Rule {
    fn from(adam: Adam) -> Self {
        Rule::Adam(adam)
    }
}

/// Moves the parameters of a store against their gradients, and remembers what its rule needs of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimiser {
    rule: Rule,
    layout: Layout,
    steps: u64,
    /// The velocity, or the mean gradient, at the places of the store's values.
    first: AlignedVec<f32>,
    /// The mean square of the gradient; empty where the rule has none.
    second: AlignedVec<f32>,
}

impl Optimiser {
    /// At rest, for the parameters of this store.
    ///
    /// # Errors
    /// Names the setting of the rule that is outside its range.
    pub fn new(rule: impl Into<Rule>, store: &Store) -> Result<Self, Setting> {
        let (rule, length) = (rule.into(), store.values().len());
        let squares = match rule {
            Rule::Sgd(sgd) => sgd.check().map(|()| 0)?,
            Rule::Adam(adam) => adam.check().map(|()| length)?,
        };
        let (first, second) = (AlignedVec::zeroed(length), AlignedVec::zeroed(squares));
        Ok(Optimiser { rule, layout: store.layout().clone(), steps: 0, first, second })
    }

    /// Its rule.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// Steps it has taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Takes one step at this learning rate: one pass over all parameters, in parallel where they are many.
    ///
    /// # Panics
    /// When the store or the gradients have other parameters than the store that this was made for.
    #[track_caller]
    pub fn step(&mut self, store: &mut Store, gradients: &Gradients, rate: f32) {
        self.step_scaled(store, gradients, 1.0, rate, None);
    }

    /// A step along the gradients times `scale`, and with it the update of an average: all of a block while it is in the cache.
    #[track_caller]
    pub(super) fn step_scaled(
        &mut self,
        store: &mut Store,
        gradients: &Gradients,
        scale: f32,
        rate: f32,
        average: Option<Following<'_>>,
    ) {
        check_layout(&self.layout, "the store", store.layout());
        check_layout(&self.layout, "the gradients", gradients.layout());
        self.steps += 1;
        let (average, share) = match average {
            Some(Following { average, share }) => (Some(chunks_mut(average, BLOCK)), share),
            None => (None, 0.0),
        };
        let second = (!self.second.is_empty()).then(|| chunks_mut(&mut self.second, BLOCK));
        let blocks = (
            chunks_mut(store.values_mut(), BLOCK),
            chunks(gradients.values(), BLOCK),
            chunks_mut(&mut self.first, BLOCK),
            second,
            average,
        );
        let step = Factors::of(self.rule, self.steps, rate);
        for_each(blocks, |_, (values, gradients, first, second, average)| {
            match (step, second) {
                (Factors::Adam(factors), Some(second)) => {
                    dispatch(AdamBlock { values: &mut *values, gradients, first, second, scale, factors });
                }
                (Factors::Sgd(factors), _) => {
                    dispatch(SgdBlock { values: &mut *values, gradients, velocity: first, scale, factors });
                }
                (Factors::Adam(_), None) => {}
            }
            if let Some(average) = average {
                follow(average, values, share);
            }
        });
    }

    /// Puts what it remembers into a snapshot: `{prefix}step`, `{prefix}first.{parameter}` and, for Adam,
    /// `{prefix}second.{parameter}`.
    pub fn save(&self, prefix: &str, snapshot: &mut Snapshot) {
        snapshot.put_u64(&format!("{prefix}step"), &[], &[self.steps]);
        self.layout.save(&self.first, &format!("{prefix}first."), snapshot);
        if !self.second.is_empty() {
            self.layout.save(&self.second, &format!("{prefix}second."), snapshot);
        }
    }

    /// Takes what it remembers from a snapshot. Nothing changes where some of it is missing or of another shape.
    ///
    /// # Errors
    /// Names the first array that is missing or has another shape.
    pub fn load(&mut self, prefix: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let steps = snapshot.u64(&format!("{prefix}step"), &[])?[0];
        let (first, second) = (format!("{prefix}first."), format!("{prefix}second."));
        self.layout.check(&first, snapshot)?;
        if !self.second.is_empty() {
            self.layout.load(&mut self.second, &second, snapshot)?;
        }
        self.layout.load(&mut self.first, &first, snapshot)?;
        self.steps = steps;
        Ok(())
    }
}

/// The numbers of one step.
#[derive(Clone, Copy)]
enum Factors {
    Sgd(SgdFactors),
    Adam(AdamFactors),
}

impl Factors {
    fn of(rule: Rule, step: u64, rate: f32) -> Self {
        match rule {
            Rule::Sgd(sgd) => Factors::Sgd(sgd.factors(rate)),
            Rule::Adam(adam) => Factors::Adam(adam.factors(step, rate)),
        }
    }
}

#[track_caller]
pub(super) fn check_layout(own: &Layout, what: &str, given: &Layout) {
    if let Some(difference) = own.difference(given) {
        panic!("{what} and the optimiser do not fit: {difference}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::Momentum;
    use crate::random::Seed;
    use crate::simd::{Isa, dispatch_on};

    /// Two parameters with zeros after each, more than a block together.
    fn store() -> Store {
        let mut store = Store::new();
        for (name, shape) in [("a", &[130, 141][..]), ("b", &[7])] {
            let parameter = store.add(name, shape);
            Seed(1).lanes(name, 0).fill_normal(store.get_mut(parameter));
        }
        store
    }

    fn fill(gradients: &mut Gradients, store: &Store, step: u64) {
        for parameter in store.parameters() {
            Seed(2).lanes(store.name(parameter), step).fill_normal(gradients.get_mut(parameter));
        }
    }

    /// The formulas of the documentation in f64: the value, the first and the second memory.
    fn naive(rule: Rule, [value, first, second]: [f64; 3], g: f64, t: f64, rate: f64) -> [f64; 3] {
        match rule {
            Rule::Sgd(Sgd { momentum, weight_decay }) => {
                let (velocity, direction) = match momentum {
                    Momentum::HeavyBall(share) => (share * first + g, share * first + g),
                    Momentum::Nesterov(share) => (share * first + g, g + share * (share * first + g)),
                };
                [value - rate * (direction + weight_decay * value), velocity, second]
            }
            Rule::Adam(Adam { beta1, beta2, epsilon, weight_decay }) => {
                let first = beta1 * first + (1.0 - beta1) * g;
                let second = beta2 * second + (1.0 - beta2) * g * g;
                let (mean, square) = (first / (1.0 - beta1.powf(t)), second / (1.0 - beta2.powf(t)));
                [value - rate * (mean / (square.sqrt() + epsilon) + weight_decay * value), first, second]
            }
        }
    }

    fn rules() -> [Rule; 5] {
        [
            Sgd { momentum: Momentum::HeavyBall(0.0), weight_decay: 0.0 }.into(),
            Sgd { weight_decay: 0.1, ..Sgd::default() }.into(),
            Sgd { momentum: Momentum::Nesterov(0.8), weight_decay: 0.0 }.into(),
            Adam::default().into(),
            Adam { beta1: 0.5, beta2: 0.9, epsilon: 1e-3, weight_decay: 0.1 }.into(),
        ]
    }

    #[test]
    fn steps_are_those_of_the_formulas() {
        const STEPS: u64 = 20;
        for rule in rules() {
            let (mut store, rate) = (store(), 0.05f32);
            let mut gradients = store.gradients();
            let mut optimiser = Optimiser::new(rule, &store).unwrap();
            let mut exact: Vec<[f64; 3]> =
                store.values().iter().map(|value| [f64::from(*value), 0.0, 0.0]).collect();
            for step in 0..STEPS {
                fill(&mut gradients, &store, step);
                optimiser.step(&mut store, &gradients, rate);
                for (state, gradient) in exact.iter_mut().zip(gradients.values()) {
                    *state = naive(rule, *state, f64::from(*gradient), (step + 1) as f64, f64::from(rate));
                }
            }
            assert_eq!(optimiser.steps(), STEPS);
            for (value, [exact, ..]) in store.values().iter().zip(&exact) {
                // A step makes a dozen roundings of numbers that stay below 16.
                let bound = 16.0 * STEPS as f64 * 12.0 * f64::from(f32::EPSILON) / 2.0;
                assert!((f64::from(*value) - exact).abs() < bound, "{rule:?}: {value}, wanted {exact}");
            }
            let between =
                |range: std::ops::Range<usize>| store.values()[range].iter().all(|value| value.to_bits() == 0);
            let [a, b] = ["a", "b"].map(|name| store.range(store.find(name).unwrap()));
            assert!(between(a.end..b.start) && between(b.end..store.values().len()), "{rule:?}");
        }
    }

    /// m̂ / √ŝ is ±1 at the first step and, for a constant gradient, at every other: Adam moves by the rate.
    #[test]
    fn adam_moves_by_the_rate_against_a_constant_gradient() {
        let mut store = Store::new();
        let x = store.add("x", &[3]);
        let mut gradients = store.gradients();
        gradients.get_mut(x).copy_from_slice(&[1e-3, -50.0, 2.0]);
        let mut adam = Optimiser::new(Adam { epsilon: 1e-12, ..Adam::default() }, &store).unwrap();
        for step in 1..=5 {
            adam.step(&mut store, &gradients, 0.5);
            let moved = 0.5 * step as f32;
            for (value, wanted) in store.get(x).iter().zip([-moved, moved, -moved]) {
                assert!((value - wanted).abs() < 1e-5 * moved, "{value}, wanted {wanted}");
            }
        }
    }

    #[test]
    fn decay_shrinks_what_has_no_gradient() {
        for rule in [
            Rule::from(Adam { weight_decay: 0.5, ..Adam::default() }),
            Sgd { weight_decay: 0.5, ..Sgd::default() }.into(),
        ] {
            let mut store = Store::new();
            let x = store.add("x", &[1]);
            store.get_mut(x)[0] = 8.0;
            let gradients = store.gradients();
            let mut optimiser = Optimiser::new(rule, &store).unwrap();
            for wanted in [6.0, 4.5, 3.375] {
                optimiser.step(&mut store, &gradients, 0.5);
                assert_eq!(store.get(x), [wanted]);
            }
        }
    }

    #[test]
    fn the_same_bits_on_every_instruction_set_and_number_of_threads() {
        let bits = |store: &Store| store.values().iter().map(|value| value.to_bits()).collect::<Vec<u32>>();
        for rule in rules() {
            let run = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let mut store = store();
                let (mut gradients, mut optimiser) = (store.gradients(), Optimiser::new(rule, &store).unwrap());
                pool.install(|| {
                    for step in 0..3 {
                        fill(&mut gradients, &store, step);
                        optimiser.step(&mut store, &gradients, 0.1);
                    }
                });
                bits(&store)
            };
            let on = |isa| {
                let mut store = store();
                let mut gradients = store.gradients();
                let mut memory = [vec![0.0f32; store.values().len()], vec![0.0; store.values().len()]];
                for step in 0..3 {
                    fill(&mut gradients, &store, step);
                    let ([first, second], values, gradients) =
                        (&mut memory, store.values_mut(), gradients.values());
                    match rule {
                        Rule::Sgd(sgd) => {
                            let factors = sgd.factors(0.1);
                            dispatch_on(isa, SgdBlock { values, gradients, velocity: first, scale: 1.0, factors });
                        }
                        Rule::Adam(adam) => {
                            let factors = adam.factors(step + 1, 0.1);
                            dispatch_on(isa, AdamBlock { values, gradients, first, second, scale: 1.0, factors });
                        }
                    }
                }
                bits(&store)
            };
            let expected = on(Isa::Portable);
            for isa in Isa::ALL.into_iter().filter(|isa| isa.is_supported()) {
                assert!(on(isa) == expected, "{rule:?} on {isa}");
            }
            for threads in [1, 2, 4] {
                assert!(run(threads) == expected, "{rule:?} by {threads} threads");
            }
        }
    }

    #[test]
    fn a_saved_optimiser_goes_on_as_if_it_had_not_stopped() {
        for rule in rules() {
            let mut store = store();
            let (mut gradients, mut optimiser) = (store.gradients(), Optimiser::new(rule, &store).unwrap());
            for step in 0..3 {
                fill(&mut gradients, &store, step);
                optimiser.step(&mut store, &gradients, 0.1);
            }
            let mut snapshot = Snapshot::default();
            optimiser.save("optimiser.", &mut snapshot);
            let mut resumed = Optimiser::new(rule, &store).unwrap();
            resumed.load("optimiser.", &snapshot).unwrap();
            assert_eq!(resumed, optimiser);
            let mut other = store.clone();
            optimiser.step(&mut store, &gradients, 0.1);
            resumed.step(&mut other, &gradients, 0.1);
            assert_eq!((&resumed, &other), (&optimiser, &store));

            snapshot.arrays.remove("optimiser.first.b");
            let before = resumed.clone();
            let said = resumed.load("optimiser.", &snapshot).unwrap_err().to_string();
            assert_eq!(said, "tensor `optimiser.first.b` is missing");
            assert_eq!(resumed, before);
        }
    }

    #[test]
    fn settings_outside_their_range_are_named() {
        let said = |rule: Rule| Optimiser::new(rule, &Store::new()).unwrap_err().to_string();
        let adam = said(Adam { beta2: 1.0, ..Adam::default() }.into());
        assert_eq!(adam, "Adam's beta2 is 1, but must be at least 0 and below 1");
        let adam = said(Adam { epsilon: 0.0, ..Adam::default() }.into());
        assert_eq!(adam, "Adam's epsilon is 0, but must be a positive number");
        let sgd = said(Sgd { weight_decay: f64::NAN, ..Sgd::default() }.into());
        assert_eq!(sgd, "the weight decay is NaN, but must be 0 or a positive number");
    }

    #[test]
    #[should_panic(
        expected = "the gradients and the optimiser do not fit: parameter 0 is none, wanted `a` [130, 141]"
    )]
    fn gradients_of_another_store_are_named() {
        let mut store = store();
        let mut optimiser = Optimiser::new(Adam::default(), &store).unwrap();
        optimiser.step(&mut store, &Store::new().gradients(), 0.1);
    }
}
