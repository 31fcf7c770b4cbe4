//! A store in descent: clip, look for a NaN, take the step, follow with the average.

use super::clip::{global_norm, shortening};
use super::{Descent, Optimiser, WeightAverage};
use crate::Setting;
use crate::store::{Gradients, Snapshot, SnapshotError, Store};

/// A part of a descent: the name that its optimiser has in a checkpoint, and its settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// The beginning of the names of its optimiser's arrays: "adam." for example.
    pub name: &'static str,
    /// The settings.
    pub descent: Descent,
}

/// A store in descent: optimisers, the gradient and its norm, the average of the parameters.
///
/// Parts descend in turns, each with an optimiser of its own: encoder and decoder, critic and generator. A gradient is zero for
/// the parameters of other parts, so their averages of the gradient stay zero and they do not move (without decay of
/// weights, which knows no parts).
///
/// ```
/// use helmholtz::optim::{Descending, Descent, Part};
/// use helmholtz::store::Store;
/// let mut store = Store::new();
/// let x = store.add("x", &[1]);
/// let descent = Descent { learning_rate: 0.1, ..Descent::default() };
/// let mut descending = Descending::new(&store, &[Part { name: "adam.", descent }])?;
/// for step in 0..200 {
///     descending.gradients_mut().get_mut(x)[0] = 2.0 * (store.get(x)[0] - 3.0); // of (x − 3)²
///     assert!(descending.step(0, &mut store, step, 200));
/// }
/// assert!((store.get(x)[0] - 3.0).abs() < 0.01);
/// # Ok::<(), helmholtz::Setting>(())
/// ```
#[derive(Clone, Debug)]
pub struct Descending {
    parts: Vec<(Part, Optimiser)>,
    gradients: Gradients,
    norm: f64,
    average: Option<WeightAverage>,
}

/// Whether a step takes the average along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follow {
    Now,
    /// Steps of other parts come first.
    Later,
}

/// The beginning of the names of averaged parameters in a checkpoint.
const AVERAGE: &str = "average.";
const NORM: &str = "gradient_norm";

impl Descending {
    /// At rest, for the parameters of `store`. The average is that of the last part's settings.
    ///
    /// # Errors
    /// Names the setting that is out of its range.
    pub fn new(store: &Store, parts: &[Part]) -> Result<Self, Setting> {
        let moving = parts.iter().map(|&part| {
            part.descent.check()?;
            Ok((part, Optimiser::new(part.descent.adam, store)?))
        });
        let parts: Vec<_> = moving.collect::<Result<_, Setting>>()?;
        let descent = parts.last().map(|(part, _)| part.descent).filter(Descent::averages);
        let average = descent.map(|descent| WeightAverage::new(store, descent.average_decay)).transpose()?;
        Ok(Descending { parts, gradients: store.gradients(), norm: 0.0, average })
    }

    /// The gradient that the next step follows, to be written.
    pub fn gradients_mut(&mut self) -> &mut Gradients {
        &mut self.gradients
    }

    /// Clips the gradient and takes a step of a part, the rate being that of `step` (the first is 0) of `steps`. False where the
    /// gradient is not finite: then nothing moves.
    ///
    /// # Panics
    /// Where there is no such part, or the store has other parameters.
    #[must_use = "where the gradient is not finite nothing has moved"]
    pub fn step(&mut self, part: usize, store: &mut Store, step: u64, steps: u64) -> bool {
        self.step_with(part, store, step, steps, Follow::Later)
    }

    /// As [`step`](Self::step), the last one of all parts' steps: takes the store's parameters into the average, where there is one.
    ///
    /// # Panics
    /// As for `step`.
    #[must_use = "where the gradient is not finite nothing has moved"]
    pub fn step_and_follow(&mut self, part: usize, store: &mut Store, step: u64, steps: u64) -> bool {
        self.step_with(part, store, step, steps, Follow::Now)
    }

    #[track_caller]
    fn step_with(&mut self, part: usize, store: &mut Store, step: u64, steps: u64, follow: Follow) -> bool {
        let (Part { descent, .. }, optimiser) = &mut self.parts[part];
        self.norm = global_norm(&self.gradients);
        if !self.norm.is_finite() {
            return false;
        }
        let average = self.average.as_mut().filter(|_| follow == Follow::Now).map(WeightAverage::following);
        let scale = shortening(self.norm, descent.clip.unwrap_or(f64::INFINITY));
        optimiser.step_scaled(store, &self.gradients, scale, descent.rate(step, steps), average);
        true
    }

    /// The Euclidean norm of the last gradient, before it was clipped.
    pub fn norm(&self) -> f64 {
        self.norm
    }

    /// The average of the parameters, where one is kept.
    pub fn average(&self) -> Option<&WeightAverage> {
        self.average.as_ref()
    }

    /// The beginning of the names that the parameters of the trained model have in a checkpoint: those of the average where it
    /// holds one.
    pub fn prefix_in(checkpoint: &Snapshot) -> &'static str {
        if checkpoint.contains(&format!("{AVERAGE}step")) { AVERAGE } else { "" }
    }

    /// Puts optimisers, average and norm into a snapshot.
    pub fn save(&self, snapshot: &mut Snapshot) {
        if let Some(average) = &self.average {
            average.save(AVERAGE, snapshot);
        }
        self.parts.iter().for_each(|(part, optimiser)| optimiser.save(part.name, snapshot));
        snapshot.put_f64(NORM, &[], &[self.norm]);
    }

    /// Takes back what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// Where an array is missing or has another shape.
    pub fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        if let Some(average) = &mut self.average {
            average.load(AVERAGE, snapshot)?;
        }
        self.parts.iter_mut().try_for_each(|(part, optimiser)| optimiser.load(part.name, snapshot))?;
        self.norm = snapshot.f64(NORM, &[])?[0];
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;

    fn store() -> Store {
        let mut store = Store::new();
        for name in ["a", "b"] {
            let parameter = store.add(name, &[100]);
            Seed(1).lanes(name, 0).fill_normal(store.get_mut(parameter));
        }
        store
    }

    fn parts() -> [Part; 2] {
        let descent = Descent { clip: Some(0.5), average_decay: 0.9, ..Descent::default() };
        let other = Descent { learning_rate: 0.1, clip: None, ..descent };
        [Part { name: "first.", descent }, Part { name: "second.", descent: other }]
    }

    /// A step of each part, whose gradients are the parameters themselves.
    fn step(descending: &mut Descending, store: &mut Store, step: u64) {
        for (part, name) in ["a", "b"].into_iter().enumerate() {
            let parameter = store.find(name).unwrap();
            descending.gradients_mut().values_mut().fill(0.0);
            descending.gradients_mut().get_mut(parameter).copy_from_slice(store.get(parameter));
            let moved = match name {
                "a" => descending.step(part, store, step, 10),
                _ => descending.step_and_follow(part, store, step, 10),
            };
            assert!(moved);
        }
    }

    #[test]
    fn parts_descend_in_turns_by_settings_of_their_own() {
        let (mut store, start) = (store(), store());
        let mut descending = Descending::new(&store, &parts()).unwrap();
        step(&mut descending, &mut store, 0);
        for (name, rate) in [("a", 1e-3), ("b", 0.1)] {
            let parameter = store.find(name).unwrap();
            for (now, before) in store.get(parameter).iter().zip(start.get(parameter)) {
                let moved = (before - now) * before.signum();
                assert!((moved - rate).abs() < 1e-3 * rate + 1e-6, "{name}: {moved}");
            }
        }
        let b = start.get(start.find("b").unwrap());
        let norm = b.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        assert!((descending.norm() - norm).abs() < 1e-6);
        let mut average = WeightAverage::new(&start, 0.9).unwrap();
        average.update(&store);
        assert_eq!(descending.average(), Some(&average));
    }

    #[test]
    fn a_saved_descent_goes_on_with_the_same_bits() {
        let mut store = store();
        let mut descending = Descending::new(&store, &parts()).unwrap();
        (0..3).for_each(|index| step(&mut descending, &mut store, index));
        let mut snapshot = Snapshot::default();
        descending.save(&mut snapshot);
        assert_eq!(Descending::prefix_in(&snapshot), "average.");
        let (mut other, mut resumed) = (store.clone(), Descending::new(&store, &parts()).unwrap());
        resumed.load(&snapshot).unwrap();
        step(&mut descending, &mut store, 3);
        step(&mut resumed, &mut other, 3);
        assert_eq!((store, descending.average()), (other, resumed.average()));
    }

    #[test]
    fn nothing_moves_by_a_gradient_that_is_not_finite() {
        let (mut store, start) = (store(), store());
        let mut descending = Descending::new(&store, &parts()).unwrap();
        descending.gradients_mut().values_mut()[3] = f32::INFINITY;
        assert!(!descending.step(0, &mut store, 0, 1));
        assert_eq!(store, start);
        let wrong = Descent { learning_rate: -1.0, ..Descent::default() };
        let error = Descending::new(&store, &[Part { name: "adam.", descent: wrong }]).unwrap_err();
        assert_eq!(error.to_string(), "the learning rate is -1, but must be a positive number");
    }
}
