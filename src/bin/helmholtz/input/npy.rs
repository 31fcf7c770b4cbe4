//! Writing the `.npy` format, as far as samples, codes and figures need it.

use crate::cli::Failure;
use helmholtz::storage::write_atomic;
use std::path::Path;

/// `[rows, columns]` bits as a `.npy` file of `u8`.
pub fn of_bits(rows: usize, columns: usize, bits: &[u8]) -> Vec<u8> {
    debug_assert_eq!(bits.len(), rows * columns);
    file("|u1", &format!("({rows}, {columns})"), bits)
}

/// `[rows, columns]` numbers as a `.npy` file of little-endian `f32`.
pub fn of_floats(rows: usize, columns: usize, numbers: &[f32]) -> Vec<u8> {
    debug_assert_eq!(numbers.len(), rows * columns);
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    file("<f4", &format!("({rows}, {columns})"), &bytes)
}

/// `[rows]` numbers as a `.npy` file of little-endian `f64`.
pub fn of_doubles(numbers: &[f64]) -> Vec<u8> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    file("<f8", &format!("({},)", numbers.len()), &bytes)
}

/// `[rows, columns]` numbers as a `.npy` file of little-endian `f64`.
pub fn of_rows_of_doubles(rows: usize, columns: usize, numbers: &[f64]) -> Vec<u8> {
    debug_assert_eq!(numbers.len(), rows * columns);
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    file("<f8", &format!("({rows}, {columns})"), &bytes)
}

/// Writes a file, replacing it whole or not at all.
pub fn save(path: &Path, file: &[u8]) -> Result<(), Failure> {
    Ok(write_atomic(path, |writer| writer.write_all(file))?)
}

/// Format version 1.0, the numbers described as NumPy does.
fn file(description: &str, shape: &str, numbers: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{description}', 'fortran_order': False, 'shape': {shape}, }}");
    // Magic, version and length take 10 bytes; the whole is padded to a multiple of 64 and ends in a line break.
    let padding = 63 - (10 + header.len()) % 64;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(numbers);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use helmholtz::data::{NamedBytes, npy_numbers};

    #[test]
    fn what_is_written_is_read() {
        let bits = of_bits(2, 3, &[0, 1, 1, 1, 0, 0]);
        assert_eq!((bits.len() - 6) % 64, 0);
        let numbers = [-1.5, 0.0, 1e-30, 7.0];
        for (bytes, wanted, shape) in [
            (bits, &[0.0, 1.0, 1.0, 1.0, 0.0, 0.0][..], [2, 3]),
            (of_floats(4, 1, &numbers), &numbers[..], [4, 1]),
            (of_rows_of_doubles(1, 2, &[0.5, -2.0]), &[0.5, -2.0][..], [1, 2]),
        ] {
            let read = npy_numbers(&NamedBytes::new("written.npy", bytes)).unwrap();
            assert_eq!((&read.0[..], read.1), (wanted, shape));
        }
        let doubles = of_doubles(&[-1.5, 1e-300]);
        assert!(doubles.windows(13).any(|part| part == b"'shape': (2,)"));
        assert_eq!(doubles[doubles.len() - 8..], 1e-300f64.to_le_bytes());
    }
}
