//! Files of labels: IDX, one-dimensional `.npy` of whole numbers, or text, a label a line.

use super::error::DataError;
use super::named_bytes::NamedBytes;
use super::{idx, npy};

/// The labels of a file, one a row: an IDX file of one axis, a `.npy` of one axis (`u1`, `i1`, `i2`, `i4` or `i8`), or text of a whole number a
/// line. A row without a label has −1 there, or nothing.
///
/// ```
/// use helmholtz::data::{NamedBytes, labels_in};
/// let file = NamedBytes::new("labels.txt", b"3\n\n-1\n9\n".to_vec());
/// assert_eq!(labels_in(&file)?, [Some(3), None, None, Some(9)]);
/// # Ok::<(), helmholtz::data::DataError>(())
/// ```
///
/// # Errors
/// Where the file is of none of these forms, or a label is below −1 or above 65534.
pub fn labels_in(file: &NamedBytes) -> Result<Vec<Option<u16>>, DataError> {
    let NamedBytes { name, bytes } = file;
    if bytes.starts_with(npy::MAGIC) {
        return classes(name, npy::labels(name, bytes)?.into_iter().map(Ok));
    }
    if bytes.starts_with(&[0, 0]) || bytes.starts_with(&[0x1f, 0x8b]) {
        return classes(name, idx::labels(name, bytes)?.into_iter().map(Ok));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(DataError::Magic { file: name.clone(), found: bytes.iter().take(4).copied().collect() });
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let line = |line: &str| match line.trim() {
        "" => Ok(-1),
        number => number.parse::<i64>().map_err(|_| number.chars().take(20).collect::<String>()),
    };
    classes(name, text.lines().map(line))
}

/// Whole numbers as classes, or what was found in place of one.
fn classes(name: &str, labels: impl Iterator<Item = Result<i64, String>>) -> Result<Vec<Option<u16>>, DataError> {
    let class = |(row, label): (usize, Result<i64, String>)| {
        let wrong = |label: String| DataError::Label { file: name.to_owned(), row, label };
        match label {
            Ok(-1) => Ok(None),
            Ok(label) => match u16::try_from(label) {
                Ok(class) if class < u16::MAX => Ok(Some(class)),
                _ => Err(wrong(label.to_string())),
            },
            Err(text) => Err(wrong(format!("{text:?}"))),
        }
    };
    labels.enumerate().map(class).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<Option<u16>>, String> {
        labels_in(&NamedBytes::new("l", bytes.to_vec())).map_err(|error| error.to_string())
    }

    fn array(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
        let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((text.len() as u16).to_le_bytes());
        file.extend(text.as_bytes());
        file.extend(values);
        file
    }

    #[test]
    fn every_form_is_read() {
        let wanted = Ok(vec![Some(3), None, Some(0)]);
        assert_eq!(read(b"3\n-1\n0\n"), wanted);
        assert_eq!(read("\u{feff}3\r\n\r\n0".as_bytes()), wanted);
        assert_eq!(read(&[0, 0, 8, 1, 0, 0, 0, 2, 7, 9]), Ok(vec![Some(7), Some(9)]));
        assert_eq!(read(&array("|i1", "(3,)", &[3, 255, 0])), wanted);
        assert_eq!(read(&array("|u1", "(2,)", &[3, 255])), Ok(vec![Some(3), Some(255)]));
        assert_eq!(read(&array("<i2", "(3,)", &[3, 0, 255, 255, 0, 0])), wanted);
        let [four, eight] = [4, 8].map(|size| {
            let numbers = [3i64, -1, 0].map(|number| number.to_le_bytes()[..size].to_vec());
            numbers.concat()
        });
        assert_eq!(read(&array("<i4", "(3,)", &four)), wanted);
        assert_eq!(read(&array("<i8", "(3,)", &eight)), wanted);
    }

    #[test]
    fn what_is_no_label_is_named_by_its_row() {
        let wanted = "wanted a class from 0 to 65534, or -1 for none";
        assert_eq!(read(b"3\nseven\n").unwrap_err(), format!("l: row 1 is \"seven\", {wanted}"));
        assert_eq!(read(b"-2").unwrap_err(), format!("l: row 0 is -2, {wanted}"));
        assert_eq!(read(b"65535").unwrap_err(), format!("l: row 0 is 65535, {wanted}"));
        assert_eq!(read(b"1.5").unwrap_err(), format!("l: row 0 is \"1.5\", {wanted}"));
        let said = |bytes: &[u8]| read(bytes).unwrap_err();
        assert!(said(&array("<f4", "(1,)", &[0; 4])).contains("'<i8'"));
        assert!(
            said(&array("<i4", "(2, 1)", &[0; 8])).contains("wanted [labels]"),
            "{}",
            said(&array("<i4", "(2, 1)", &[0; 8]))
        );
        assert!(said(&array("<i4", "(2,)", &[0; 4])).starts_with("l:"));
        assert!(said(&array("<i4", "(2,)", &[0; 12])).starts_with("l:"));
        assert!(said(&[0, 0, 8, 1, 0, 0, 0, 9, 1]).starts_with("l:"));
        assert!(said(&[0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 1, 1]).contains("[labels]"));
        assert!(said(&[0xff, 0xfe, 0x31]).starts_with("l:"));
    }
}
