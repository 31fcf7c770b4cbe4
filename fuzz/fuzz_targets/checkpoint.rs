//! Resuming from a checkpoint: any bytes at all, or edits of a good one. What loads must train on or say why not.
#![no_main]

use helmholtz::Seed;
use helmholtz::data::Dataset;
use helmholtz::rbm::{Rbm, RbmTrainer, Recipe};
use helmholtz::storage::{from_bytes, to_bytes};
use helmholtz::store::Snapshot;
use helmholtz::train::{EarlyStopping, Judge, Observer, Progress, TrainError, Training, train};
use helmholtz_fuzz::check_line;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

#[derive(Arbitrary, Debug)]
enum File {
    Bytes(Vec<u8>),
    Edited(Vec<(u16, u8)>),
    Words(Vec<(u16, u32)>),
}

/// Keeps the last checkpoint.
struct Keep(Vec<u8>);

impl Observer for Keep {
    fn checkpoint(&mut self, _: &Progress, snapshot: &Snapshot) -> Result<(), TrainError> {
        self.0 = to_bytes(snapshot).expect("a checkpoint is written");
        Ok(())
    }
}

fn training(stop_after: Option<u64>) -> Training {
    let early_stopping = EarlyStopping { patience: 3, judge: Some(Judge::higher("pseudo_likelihood")) };
    Training { epochs: 4, batch: 5, stop_after, early_stopping: Some(early_stopping), ..Training::default() }
}

fn resume(from: Option<&Snapshot>, stop_after: Option<u64>) -> Result<Vec<u8>, TrainError> {
    let (data, training) = (Dataset::bars(2).expect("bars"), training(stop_after));
    let mut trainer =
        RbmTrainer::new(Rbm::new(4, 3, Seed(1)), Recipe::default(), &data, &training).expect("a good recipe");
    let mut keep = Keep(Vec::new());
    train(&mut trainer, &data, Some(&data), &training, from, &mut keep)?;
    Ok(keep.0)
}

static GOOD: LazyLock<Vec<u8>> = LazyLock::new(|| resume(None, Some(2)).expect("a run"));

fuzz_target!(|file: File| {
    let mut bytes = GOOD.clone();
    match file {
        File::Bytes(other) => bytes = other,
        File::Edited(edits) => {
            for (place, byte) in edits {
                let place = usize::from(place) % bytes.len();
                bytes[place] = byte;
            }
        }
        File::Words(edits) => {
            for (place, word) in edits {
                let place = (usize::from(place) * 4) % (bytes.len() - 3) / 4 * 4;
                bytes[place..place + 4].copy_from_slice(&word.to_le_bytes());
            }
        }
    }
    match from_bytes("checkpoint", &bytes) {
        Ok(snapshot) => {
            if let Err(error) = resume(Some(&snapshot), None) {
                check_line(&error.to_string());
            }
        }
        Err(error) => check_line(&error.to_string()),
    }
});
