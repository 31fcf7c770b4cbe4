//! A model file: any bytes at all, or edits of a good file.
#![no_main]

use helmholtz::rbm::Rbm;
use helmholtz::storage::{from_bytes, to_bytes};
use helmholtz::store::Snapshot;
use helmholtz::{Seed, tensor::BitMatrix};
use helmholtz_fuzz::check_line;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

#[derive(Arbitrary, Debug)]
enum File {
    Bytes(Vec<u8>),
    Edited { edits: Vec<(u16, u8)>, length: u16 },
}

static GOOD: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut snapshot: Snapshot = Rbm::new(3, 2, Seed(1)).to_snapshot();
    snapshot.set("kind", "rbm");
    to_bytes(&snapshot).expect("a good model is written")
});

fuzz_target!(|file: File| {
    let bytes = match file {
        File::Bytes(bytes) => bytes,
        File::Edited { edits, length } => {
            let mut bytes = GOOD.clone();
            for (place, byte) in edits {
                let place = usize::from(place) % bytes.len();
                bytes[place] = byte;
            }
            // Most files keep their length.
            if usize::from(length) < bytes.len() {
                bytes.truncate(usize::from(length));
            }
            bytes
        }
    };
    let snapshot = match from_bytes("file", &bytes) {
        Ok(snapshot) => snapshot,
        Err(error) => return check_line(&error.to_string()),
    };
    // What was read is written so that it is read again: compared as bytes, for NaN equals nothing.
    let written = to_bytes(&snapshot).expect("what was read can be written");
    let again = from_bytes("again", &written).expect("what was written can be read");
    assert_eq!(to_bytes(&again).expect("and written again"), written);
    match Rbm::from_snapshot(&snapshot) {
        Ok(rbm) => {
            let visible = BitMatrix::from_fn(2, rbm.visible(), |row, unit| (row + unit) % 2 == 0);
            assert_eq!(rbm.mean_hidden(&visible).len(), 2 * rbm.hidden());
            assert_eq!(rbm.free_energy(&visible).len(), 2);
            rbm.chains(2, Seed(1)).gibbs(&rbm, 1);
        }
        Err(error) => check_line(&error.to_string()),
    }
});
