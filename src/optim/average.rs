//! A running average of the parameters, which is often the better model.

use super::BLOCK;
use super::optimiser::check_layout;
use crate::Setting;
use crate::simd::{Simd, Vectorised, dispatch};
use crate::store::{Layout, Snapshot, SnapshotError, Store};
use crate::tensor::AlignedVec;
use rayon::prelude::*;

/// The decay of an average, in messages.
pub(super) const AVERAGE_DECAY: &str = "the decay of the average";

/// An exponential moving average of a store's parameters (Polyak & Juditsky 1992 average all steps alike): each update it
/// keeps the share `decay` of itself. Early on it keeps less, (1 + n) / (10 + n) at update n = 0, 1, …, so the start is soon
/// forgotten.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightAverage {
    decay: f64,
    layout: Layout,
    updates: u64,
    values: AlignedVec<f32>,
}

impl WeightAverage {
    /// Starts at the store's parameters.
    ///
    /// # Errors
    /// Unless 0 ≤ `decay` < 1.
    pub fn new(store: &Store, decay: f64) -> Result<Self, Setting> {
        Setting::fraction(AVERAGE_DECAY, decay)?;
        let values = AlignedVec::from_slice(store.values());
        Ok(WeightAverage { decay, layout: store.layout().clone(), updates: 0, values })
    }

    /// Takes in the store's parameters, after a step.
    ///
    /// # Panics
    /// When the store has other parameters than the one that this was made for.
    #[track_caller]
    pub fn update(&mut self, store: &Store) {
        check_layout(&self.layout, "the store", store.layout());
        let Following { average, share } = self.following();
        let blocks = average.par_chunks_mut(BLOCK).zip(store.values().par_chunks(BLOCK));
        blocks.for_each(|(average, values)| follow(average, values, share));
    }

    /// The next update, to be made block by block with [`follow`].
    pub(super) fn following(&mut self) -> Following<'_> {
        let early = (1.0 + self.updates as f64) / (10.0 + self.updates as f64);
        let share = (1.0 - self.decay.min(early)) as f32;
        self.updates += 1;
        Following { average: &mut self.values, share }
    }

    /// Writes the average over the store's parameters.
    ///
    /// # Panics
    /// When the store has other parameters than the one that this was made for.
    #[track_caller]
    pub fn copy_to(&self, store: &mut Store) {
        check_layout(&self.layout, "the store", store.layout());
        store.values_mut().copy_from_slice(&self.values);
    }

    /// Exchanges the average and the store's parameters: to evaluate the average, and again to go on training.
    ///
    /// # Panics
    /// When the store has other parameters than the one that this was made for.
    #[track_caller]
    pub fn swap(&mut self, store: &mut Store) {
        check_layout(&self.layout, "the store", store.layout());
        self.values.swap_with_slice(store.values_mut());
    }

    /// Puts it into a snapshot: `{prefix}step`, and each parameter's average under its name with `prefix` before it.
    pub fn save(&self, prefix: &str, snapshot: &mut Snapshot) {
        snapshot.put_u64(&format!("{prefix}step"), &[], &[self.updates]);
        self.layout.save(&self.values, prefix, snapshot);
    }

    /// Takes it from a snapshot. Nothing changes where some of it is missing or of another shape.
    ///
    /// # Errors
    /// Names the first array that is missing or has another shape.
    pub fn load(&mut self, prefix: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let updates = snapshot.u64(&format!("{prefix}step"), &[])?[0];
        self.layout.load(&mut self.values, prefix, snapshot)?;
        self.updates = updates;
        Ok(())
    }
}

/// An update of the average.
pub(super) struct Following<'a> {
    /// At the places of the store's values.
    pub(super) average: &'a mut [f32],
    /// What it takes of the values.
    pub(super) share: f32,
}

/// average ← average + share · (value − average), of a block.
pub(super) fn follow(average: &mut [f32], values: &[f32], share: f32) {
    dispatch(Follow { average, values, share });
}

struct Follow<'a> {
    average: &'a mut [f32],
    values: &'a [f32],
    share: f32,
}

impl Vectorised for Follow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for (average, value) in self.average.iter_mut().zip(self.values) {
            *average += self.share * (value - *average);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Store {
        let mut store = Store::new();
        let x = store.add("x", &[20_000]);
        store.get_mut(x).fill(1.0);
        store
    }

    #[test]
    fn the_average_keeps_its_share() {
        let mut store = store();
        let x = store.find("x").unwrap();
        let mut average = WeightAverage::new(&store, 0.5).unwrap();
        let mut wanted = 1.0;
        for (update, keep) in
            [0.1, 2.0 / 11.0, 0.25, 4.0 / 13.0, 5.0 / 14.0, 0.4, 7.0 / 16.0, 8.0 / 17.0, 0.5, 0.5]
                .into_iter()
                .enumerate()
        {
            let value = (update as f64).sin();
            store.get_mut(x).fill(value as f32);
            average.update(&store);
            wanted = keep * wanted + (1.0 - keep) * value;
            let mut copy = store.clone();
            average.copy_to(&mut copy);
            assert!(copy.get(x).iter().all(|x| (f64::from(*x) - wanted).abs() < 1e-6));
        }
    }

    #[test]
    fn it_is_swapped_in_and_out_and_saved() {
        let mut store = store();
        let x = store.find("x").unwrap();
        let mut average = WeightAverage::new(&store, 0.9).unwrap();
        store.get_mut(x).fill(2.0);
        average.update(&store);
        let (before, trained) = (average.clone(), store.clone());
        average.swap(&mut store);
        assert!((store.get(x)[19_999] - 1.9).abs() < 1e-6);
        average.swap(&mut store);
        assert_eq!((&average, &store), (&before, &trained));

        let mut snapshot = Snapshot::default();
        average.save("average.", &mut snapshot);
        let mut resumed = WeightAverage::new(&Store::clone(&store), 0.9).unwrap();
        resumed.load("average.", &snapshot).unwrap();
        assert_eq!(resumed, average);
        let said = resumed.load("other.", &snapshot).unwrap_err().to_string();
        assert_eq!(said, "tensor `other.step` is missing");
        let said = WeightAverage::new(&store, 1.0).unwrap_err().to_string();
        assert_eq!(said, "the decay of the average is 1, but must be at least 0 and below 1");
    }
}
