//! The IDX format of MNIST: a magic number that names type and rank, big-endian axis lengths, the bytes.
//!
//! Reference: Y. LeCun, C. Cortes, C. Burges, *The MNIST database*, "the IDX file format".

use super::error::DataError;
use super::named_bytes::NamedBytes;
use super::source::{Source, is_gzip};
use super::table::{Element, Table, square_shape};

/// The longest header of an IDX file that is read here: the magic number and three axes.
pub const IDX_HEADER_BYTES: usize = 16;

const UNSIGNED_BYTE: u8 = 0x08;
const WANTED_TYPE: &str = "unsigned bytes (0x08)";

struct Header {
    shape: Vec<u64>,
    offset: usize,
    /// Of the whole file, header included; fits a `usize`.
    length: u64,
}

/// How many bytes the whole IDX file has, by the header in its first bytes ([`IDX_HEADER_BYTES`] of them are enough).
/// A reader of a compressed stream can stop one byte later, and so never holds more than the file justifies.
///
/// # Errors
/// When the header is not one of unsigned bytes with one to three axes, none of them zero.
pub fn idx_file_length(name: &str, first_bytes: &[u8]) -> Result<u64, DataError> {
    header(name, first_bytes).map(|header| header.length)
}

fn header(name: &str, bytes: &[u8]) -> Result<Header, DataError> {
    let file = name.to_owned();
    if is_gzip(bytes) {
        return Err(DataError::Compressed { file });
    }
    let &[0, 0, element, rank, ref axes @ ..] = bytes else {
        return Err(DataError::Magic { file, found: bytes.iter().take(4).copied().collect() });
    };
    match element {
        UNSIGNED_BYTE => {}
        0x09 | 0x0b..=0x0e => {
            return Err(DataError::ElementType {
                file,
                found: format!("0x{element:02x} (IDX)"),
                wanted: WANTED_TYPE,
            });
        }
        _ => return Err(DataError::Magic { file, found: vec![0, 0, element, rank] }),
    }
    let offset = 4 + 4 * usize::from(rank);
    let Some(axes) = axes.get(..4 * usize::from(rank)) else {
        return Err(DataError::Truncated { file, promised: offset as u64, actual: bytes.len() as u64 });
    };
    let shape: Vec<u64> =
        axes.chunks_exact(4).map(|b| u64::from(u32::from_be_bytes([b[0], b[1], b[2], b[3]]))).collect();
    if !(1..=3).contains(&rank) {
        return Err(DataError::Rank { file, shape, wanted: "[images, height, width] or [rows, width]" });
    }
    if shape.contains(&0) {
        return Err(DataError::Empty { file, shape });
    }
    let length = shape
        .iter()
        .try_fold(1u64, |product, axis| product.checked_mul(*axis))
        .and_then(|product| product.checked_add(offset as u64))
        .filter(|length| isize::try_from(*length).is_ok());
    match length {
        Some(length) => Ok(Header { shape, offset, length }),
        None => Err(DataError::TooLarge { file, shape }),
    }
}

/// The header, once the bytes are exactly as many as it promises.
fn complete(name: &str, bytes: &[u8]) -> Result<Header, DataError> {
    let header = header(name, bytes)?;
    let (promised, actual) = (header.length, bytes.len() as u64);
    if actual < promised {
        return Err(DataError::Truncated { file: name.to_owned(), promised, actual });
    }
    if actual > promised {
        return Err(DataError::Trailing { file: name.to_owned(), promised, actual });
    }
    Ok(header)
}

/// Images `[rows, height, width]`, or flat rows `[rows, width]`: bits where none of the bytes is above 1, else 256 grey levels.
pub(super) fn images<'a>(name: &str, source: Source<'a>) -> Result<Table<'a>, DataError> {
    let header = complete(name, &source)?;
    let shape: Vec<usize> = header.shape.iter().map(|&axis| axis as usize).collect();
    let (rows, image_shape) = match shape[..] {
        [rows, height, width] => (rows, (height, width)),
        [rows, width] => (rows, square_shape(width)),
        _ => return Err(DataError::Labels { file: name.to_owned() }),
    };
    let width = image_shape.0 * image_shape.1;
    let bits = source[header.offset..].iter().all(|&level| level <= 1);
    Ok(Table {
        source,
        offset: header.offset,
        rows,
        width,
        image_shape,
        element: Element::U8 { scale: if bits { 1 } else { 255 } },
        labels: None,
    })
}

/// The labels `[rows]` of the images in `table`, put into it.
pub(super) fn attach_labels<'a>(
    table: &mut Table<'a>,
    images_name: &str,
    name: &str,
    source: Source<'a>,
) -> Result<(), DataError> {
    let header = complete(name, &source)?;
    let &[labels] = &header.shape[..] else {
        return Err(DataError::Rank { file: name.to_owned(), shape: header.shape, wanted: "[labels]" });
    };
    if labels != table.rows as u64 {
        return Err(DataError::Count {
            images_file: images_name.to_owned(),
            images: table.rows,
            labels_file: name.to_owned(),
            labels: labels as usize,
        });
    }
    table.labels = Some((source, header.offset));
    Ok(())
}

/// The bytes of a one-dimensional IDX file of labels.
pub(super) fn labels(name: &str, bytes: &[u8]) -> Result<Vec<i64>, DataError> {
    let header = complete(name, bytes)?;
    if header.shape.len() != 1 {
        return Err(DataError::Rank { file: name.to_owned(), shape: header.shape, wanted: "[labels]" });
    }
    Ok(bytes[header.offset..].iter().map(|&label| i64::from(label)).collect())
}

/// Images and their labels from the bytes of two files.
pub(super) fn from_bytes(images: NamedBytes, labels: Option<NamedBytes>) -> Result<Table<'static>, DataError> {
    let mut table = self::images(&images.name, Source::Owned(images.bytes))?;
    if let Some(labels) = labels {
        attach_labels(&mut table, &images.name, &labels.name, Source::Owned(labels.bytes))?;
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_promised_length_is_header_and_product() {
        let header = [0, 0, 8, 3, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 3, 99];
        assert_eq!(idx_file_length("x", &header).unwrap(), 16 + 30);
        assert_eq!(idx_file_length("x", &[0, 0, 8, 1, 0, 0, 1, 0]).unwrap(), 8 + 256);
    }

    #[test]
    fn bytes_of_0_and_1_are_bits() {
        let element = |level| {
            let bytes = [&[0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3][..], &[0, 1, level]].concat();
            images("x", Source::Owned(bytes)).unwrap().element
        };
        assert_eq!(element(1), Element::U8 { scale: 1 });
        assert_eq!(element(2), Element::U8 { scale: 255 });
    }

    #[test]
    fn three_axes_of_two_to_the_32_overflow_before_any_allocation() {
        let mut header = vec![0, 0, 8, 3];
        header.extend([0xff; 12]);
        let error = idx_file_length("huge", &header).unwrap_err();
        assert!(matches!(error, DataError::TooLarge { .. }), "{error}");
    }
}
