//! Fingerprint: the hash by which a run that is resumed recognises its data.

use super::dataset::Dataset;
use super::table::Element;
use crate::random::mix;

/// Bytes that are looked at: a tenth of a second.
const MOST_BYTES: usize = 1 << 28;

impl Dataset<'_> {
    /// A stable hash of type, shape, length and the rows with their labels, targets and weights: of all rows up to 256 MiB, of a larger
    /// set of as many evenly spaced ones, and at least 64. It does not depend on where the bytes are, nor on how rows are read
    /// (binarisation, flip).
    pub fn fingerprint(&self) -> u64 {
        let (kind, scale) = match self.element() {
            Element::U8 { scale } => (0, scale),
            Element::F32 => (1, 0),
            Element::F64 => (2, 0),
            Element::Real => (3, 0),
        };
        let (height, width) = self.origin.train.image_shape;
        let facts = [kind, u64::from(scale), height as u64, width as u64, self.len() as u64];
        let mut hash = facts.iter().fold(0x6461_7461, |hash, &fact| absorb(hash, fact));
        let row_bytes = self.width() * self.element().size();
        let sampled = self.len().min((MOST_BYTES / row_bytes).max(64));
        for sample in 0..sampled {
            // In 128 bits: the product of two lengths may be larger than a word.
            let row = (sample as u128 * (self.len() - 1) as u128 / (sampled - 1).max(1) as u128) as usize;
            let mut absorb_bytes = |bytes: &[u8]| {
                for chunk in bytes.chunks(8) {
                    let mut word = [0; 8];
                    word[..chunk.len()].copy_from_slice(chunk);
                    hash = absorb(hash, u64::from_le_bytes(word));
                }
            };
            if self.has_missing() {
                // What is missing, and whatever is stored there, as ones.
                let mut stored = self.stored(row).to_vec();
                let bytes = stored.chunks_exact_mut(self.element().size());
                let missing = bytes.enumerate().filter(|(column, _)| self.is_missing(row, *column));
                missing.for_each(|(_, value)| value.fill(0xff));
                absorb_bytes(&stored);
            } else {
                absorb_bytes(self.stored(row));
            }
            // 256 stands for no label: labels from there on count one more.
            hash = absorb(hash, self.label(row).map_or(256, |label| u64::from(label) + u64::from(label >= 256)));
            if let Some(weight) = self.weight(row) {
                hash = absorb(hash, u64::from(weight.to_bits()));
            }
            for target in self.target(row).into_iter().flatten() {
                hash = absorb(hash, u64::from(target.to_bits()));
            }
        }
        hash
    }
}

fn absorb(hash: u64, word: u64) -> u64 {
    mix(hash ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Binarization;

    /// A row that changes is seen, wherever it is.
    #[test]
    fn every_row_counts() {
        let values = vec![0.5; 3000];
        let all = Dataset::from_f32(&values, &[3000, 1]).unwrap().fingerprint();
        for row in [0, 1, 31, 1500, 2998, 2999] {
            let mut values = values.clone();
            values[row] = 0.25;
            assert_ne!(Dataset::from_f32(&values, &[3000, 1]).unwrap().fingerprint(), all, "row {row}");
        }
    }

    /// Frozen: a run that was saved must find its data again.
    #[test]
    fn the_fingerprint_is_stable_and_blind_to_reading() {
        let digits = Dataset::digits();
        assert_eq!(digits.fingerprint(), 17_012_873_298_623_932_401);
        assert_eq!(digits.flipped().binarized(Binarization::Sample).fingerprint(), digits.fingerprint());
        assert_ne!(digits.train().fingerprint(), digits.fingerprint());
        assert_ne!(digits.train().subset(0..1437).fingerprint(), digits.train().fingerprint());
    }
}
