//! The states that chains of an RBM start from.

use crate::run::{CHECKPOINT, Choice, Settings};
use helmholtz::Seed;
use helmholtz::data::Dataset;
use helmholtz::rbm::Rbm;
use helmholtz::storage;
use helmholtz::store::Snapshot;
use helmholtz::tensor::BitMatrix;
use rand::RngExt;
use std::path::Path;

use super::train::{ChainStart, Method};

/// The means of the rows that a model was trained on: an array of its file, `[visible]`.
pub const MEANS: &str = "data_means";

/// Adds the means of the rows that a model is trained on to its file.
pub fn put_means(snapshot: &mut Snapshot, rows: &Dataset<'_>) {
    let means: Vec<f32> = rows.means().into_iter().map(|mean| mean as f32).collect();
    snapshot.put_f32(MEANS, &[means.len()], &means);
}

/// The means of the rows that the machine of this file was trained on, where the file or the checkpoint knows them.
pub fn means(file: &Path, rbm: &Rbm) -> Option<Vec<f32>> {
    let snapshot = storage::load(file).ok()?;
    if let Ok(means) = snapshot.f32(MEANS, &[rbm.visible()]) {
        return Some(means.to_vec());
    }
    // A checkpoint counts visible units from the rows' means, where it counts them from anything at all.
    let offsets = &snapshot.arrays.get("offset.visible")?.shape;
    let offsets = snapshot.f32("offset.visible", offsets).ok()?.get(..rbm.visible())?;
    offsets.iter().any(|offset| *offset != 0.0).then(|| offsets.to_vec())
}

/// The visible states of the persistent chains that training left in the checkpoint of a run, `[chains, visible]`; `None`
/// where it kept none, or the checkpoint is of another machine.
pub fn persistent(run: &Path, rbm: &Rbm, seed: Seed) -> Option<BitMatrix> {
    let snapshot = storage::load(&run.join(CHECKPOINT)).ok()?;
    let settings = Settings::saved_in(&snapshot.metadata);
    let method = settings.saved::<Choice<Method>>("method")?.0;
    let start = settings.saved::<Choice<ChainStart>>("chains")?.0;
    if start != ChainStart::Persistent || snapshot.shape("weights").ok()? != [rbm.visible(), rbm.hidden()] {
        return None;
    }
    match method {
        Method::Pcd => {
            let count = settings.saved::<usize>("chain-count").filter(|count| *count > 0);
            let count = count.or_else(|| settings.saved("batch"))?;
            let mut hidden = BitMatrix::zeros(count, rbm.hidden());
            let words = snapshot.u32("chains.hidden", &[hidden.words().len()]).ok()?;
            hidden.words_mut().copy_from_slice(words);
            let mut stream = seed.stream("visible states", 0);
            let levels = rbm.mean_visible(&hidden);
            Some(BitMatrix::from_fn(count, rbm.visible(), |row, unit| {
                stream.random::<f32>() < levels[row * rbm.visible() + unit]
            }))
        }
        Method::Pt => {
            let [ladders, replicas] = *snapshot.shape("tempering.rungs").ok()? else { return None };
            let rungs = snapshot.u32("tempering.rungs", &[ladders, replicas]).ok()?;
            let mut all = BitMatrix::zeros(ladders.checked_mul(replicas)?, rbm.visible());
            let words = snapshot.u32("tempering.visible", &[all.words().len()]).ok()?;
            all.words_mut().copy_from_slice(words);
            let cold: Option<Vec<usize>> = rungs
                .chunks_exact(replicas)
                .enumerate()
                .map(|(ladder, rungs)| {
                    let replica = rungs.iter().position(|rung| *rung as usize + 1 == replicas)?;
                    Some(ladder * replicas + replica)
                })
                .collect();
            let cold = cold?;
            Some(BitMatrix::from_fn(ladders, rbm.visible(), |row, unit| all.get(cold[row], unit)))
        }
        Method::Cd | Method::Exact => None,
    }
}

/// `count` states, those of `states` over and over.
pub fn repeated(states: &BitMatrix, count: usize) -> BitMatrix {
    BitMatrix::from_fn(count, states.units(), |row, unit| states.get(row % states.rows(), unit))
}
