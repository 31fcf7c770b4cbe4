//! Writing and reading the `.npy` format, as far as samples and masks need it.

/// `[rows, columns]` bytes as a `.npy` file of `u8` (format version 1.0).
pub fn encode(rows: usize, columns: usize, values: &[u8]) -> Vec<u8> {
    debug_assert_eq!(values.len(), rows * columns);
    let mut header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    // Magic, version and length take 10 bytes; the whole is padded to a multiple of 64 and ends in a line break.
    let padding = 63 - (10 + header.len()) % 64;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use helmholtz::data::{Dataset, NamedBytes};

    #[test]
    fn what_is_written_is_read() {
        let bytes = encode(2, 3, &[0, 1, 1, 1, 0, 0]);
        assert_eq!((bytes.len() - 6) % 64, 0);
        let data = Dataset::from_bytes(NamedBytes::new("samples.npy", bytes)).unwrap();
        assert_eq!((data.len(), data.width()), (2, 3));
    }
}
