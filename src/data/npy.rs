//! NumPy's `.npy`: a magic string, a version, a Python dictionary as text, the numbers.
//!
//! Reference: `numpy.lib.format`, versions 1.0, 2.0 and 3.0.

use super::error::DataError;
use super::named_bytes::NamedBytes;
use super::source::Source;
use super::table::{Element, Table, f32s, f64s, square_shape};

/// The first bytes of every `.npy` file.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// More than any 2-D array of numbers needs, and all that is read of a pipe before its length is known.
pub(super) const LONGEST_HEADER: usize = 1 << 16;

const WANTED_TYPES: &str = "'|u1', '|b1', '<f4' or '<f8'";

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Bool,
    U8,
    F32,
    F64,
}

impl Kind {
    fn size(self) -> u64 {
        match self {
            Kind::Bool | Kind::U8 => 1,
            Kind::F32 => 4,
            Kind::F64 => 8,
        }
    }
}

struct Header {
    kind: Kind,
    rows: usize,
    width: usize,
    offset: usize,
    /// Of the whole file, header included; fits a `usize`.
    length: u64,
}

/// How many bytes the whole file has, by its header.
pub(super) fn file_length(name: &str, first_bytes: &[u8]) -> Result<u64, DataError> {
    header(name, first_bytes).map(|header| header.length)
}

/// The dictionary of the header, and where the numbers begin.
fn dictionary(name: &str, bytes: &[u8]) -> Result<(Dictionary, usize), DataError> {
    let file = name.to_owned();
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        return Err(DataError::Magic { file, found: bytes.iter().take(4).copied().collect() });
    };
    let truncated = |promised: usize| DataError::Truncated {
        file: name.to_owned(),
        promised: promised as u64,
        actual: bytes.len() as u64,
    };
    let (start, text_length) = match *rest {
        [1, 0, a, b, ..] => (10, usize::from(u16::from_le_bytes([a, b]))),
        [2 | 3, 0, a, b, c, d, ..] => (12, u32::from_le_bytes([a, b, c, d]) as usize),
        [major, minor, ..] if !matches!((major, minor), (1..=3, 0)) => {
            return Err(DataError::header(name, format!("version {major}.{minor} of .npy is not known")));
        }
        _ => return Err(truncated(12)),
    };
    if text_length > LONGEST_HEADER - start {
        return Err(DataError::header(
            name,
            format!("a header of {text_length} bytes is not that of a 2-D array"),
        ));
    }
    let offset = start + text_length;
    let text = bytes.get(start..offset).ok_or_else(|| truncated(offset))?;
    let dictionary = Scanner { rest: text }.dictionary().map_err(|problem| DataError::header(name, problem))?;
    Ok((dictionary, offset))
}

fn header(name: &str, bytes: &[u8]) -> Result<Header, DataError> {
    let file = name.to_owned();
    let (dictionary, offset) = dictionary(name, bytes)?;
    let kind = kind(name, &dictionary.descr)?;
    if dictionary.fortran_order {
        return Err(DataError::FortranOrder { file });
    }
    let shape = dictionary.shape;
    let &[rows, width] = &shape[..] else {
        return Err(DataError::Rank { file, shape, wanted: "[rows, width]" });
    };
    if rows == 0 || width == 0 {
        return Err(DataError::Empty { file, shape });
    }
    let length = rows
        .checked_mul(width)
        .and_then(|values| values.checked_mul(kind.size()))
        .and_then(|bytes| bytes.checked_add(offset as u64))
        .filter(|length| isize::try_from(*length).is_ok());
    match length {
        Some(length) => Ok(Header { kind, rows: rows as usize, width: width as usize, offset, length }),
        None => Err(DataError::TooLarge { file, shape }),
    }
}

/// The whole numbers of a one-dimensional `.npy` of labels: `u1`, or `i1` to `i8`.
pub(super) fn labels(name: &str, bytes: &[u8]) -> Result<Vec<i64>, DataError> {
    let (dictionary, offset) = dictionary(name, bytes)?;
    let found = dictionary.descr.strip_prefix(['<', '|', '=']).unwrap_or(&dictionary.descr);
    let size = match found {
        "u1" | "i1" | "B" | "b" => 1,
        "i2" => 2,
        "i4" => 4,
        "i8" => 8,
        _ => {
            let (found, wanted) = (format!("{:?}", dictionary.descr), "'|u1', '|i1', '<i2', '<i4' or '<i8'");
            return Err(DataError::ElementType { file: name.to_owned(), found, wanted });
        }
    };
    let &[rows] = &dictionary.shape[..] else {
        return Err(DataError::Rank { file: name.to_owned(), shape: dictionary.shape, wanted: "[labels]" });
    };
    let (actual, values) = (bytes.len() as u64, &bytes[offset..]);
    let promised = rows.saturating_mul(size).saturating_add(offset as u64);
    if actual < promised {
        return Err(DataError::Truncated { file: name.to_owned(), promised, actual });
    }
    if actual > promised {
        return Err(DataError::Trailing { file: name.to_owned(), promised, actual });
    }
    let signed = found.starts_with('i') || found == "b";
    let number = |bytes: &[u8]| {
        // The sign's bit, repeated over the bytes that are not there.
        let negative = signed && bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut whole = [if negative { 0xff } else { 0 }; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        i64::from_le_bytes(whole)
    };
    Ok(values.chunks_exact(size as usize).map(number).collect())
}

/// The type that NumPy's `descr` names, with any order of bytes but the big-endian one.
fn kind(name: &str, descr: &str) -> Result<Kind, DataError> {
    match descr.strip_prefix(['<', '|', '=']).unwrap_or(descr) {
        "b1" | "?" => Ok(Kind::Bool),
        "u1" | "B" => Ok(Kind::U8),
        "f4" => Ok(Kind::F32),
        "f8" => Ok(Kind::F64),
        big if big.starts_with('>') => Err(DataError::ElementType {
            file: name.to_owned(),
            found: format!("{descr:?} (big-endian)"),
            wanted: WANTED_TYPES,
        }),
        _ => Err(DataError::ElementType {
            file: name.to_owned(),
            found: format!("{descr:?}"),
            wanted: WANTED_TYPES,
        }),
    }
}

/// The header, if there are just as many bytes as it promises.
fn whole(name: &str, bytes: &[u8]) -> Result<Header, DataError> {
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

/// Any numbers of a `.npy` of two axes, as they are, with its `[rows, width]`: noise or codes, which are no dataset.
///
/// # Errors
/// When the bytes are of another format, cut short or too many, or when rounding doubles to `f32` loses what they say: a finite
/// one becomes infinite, or all numbers of a column become one.
pub fn npy_numbers(file: &NamedBytes) -> Result<(Vec<f32>, [usize; 2]), DataError> {
    let header = whole(&file.name, &file.bytes)?;
    let bytes = &file.bytes[header.offset..];
    let numbers = match header.kind {
        Kind::Bool | Kind::U8 => bytes.iter().map(|&byte| f32::from(byte)).collect(),
        Kind::F32 => f32s(bytes).collect(),
        Kind::F64 => {
            refuse_what_rounding_loses(&file.name, bytes, header.width)?;
            f64s(bytes).map(|number| number as f32).collect()
        }
    };
    Ok((numbers, [header.rows, header.width]))
}

/// Refuses doubles `[rows, width]` of which a finite one is beyond all floats, or a column has one float for numbers that differ
/// by more than doubles are rounded.
fn refuse_what_rounding_loses(name: &str, bytes: &[u8], width: usize) -> Result<(), DataError> {
    let file = || name.to_owned();
    let mut finite = f64s(bytes).enumerate().filter(|(_, value)| value.is_finite());
    if let Some((place, value)) = finite.find(|(_, value)| (*value as f32).is_infinite()) {
        return Err(DataError::BeyondFloats { file: file(), row: place / width, column: place % width, value });
    }
    let first: Vec<f64> = f64s(bytes).take(width).collect();
    let (mut merged, mut differ) = (vec![true; width], vec![false; width]);
    for (place, value) in f64s(bytes).enumerate() {
        let column = place % width;
        merged[column] &= value as f32 == first[column] as f32;
        // Some units in the last place are what a constant has after sums and quotients.
        differ[column] |= (value - first[column]).abs() > 64.0 * f64::EPSILON * first[column].abs();
    }
    match (0..width).find(|&column| merged[column] && differ[column]) {
        Some(column) => Err(DataError::Merged { file: file(), column, value: first[column] as f32 }),
        None => Ok(()),
    }
}

/// Flat rows `[rows, width]`, checked to lie in [0, 1]; unsigned bytes are 0 or 1 when none is larger, else 0 to 255.
pub(super) fn table<'a>(name: &str, source: Source<'a>) -> Result<Table<'a>, DataError> {
    let header = whole(name, &source)?;
    let values = &source[header.offset..];
    let element = match header.kind {
        Kind::Bool => Element::U8 { scale: 1 },
        Kind::U8 if values.iter().all(|&level| level <= 1) => Element::U8 { scale: 1 },
        Kind::U8 => Element::U8 { scale: 255 },
        Kind::F32 => Element::F32,
        Kind::F64 => Element::F64,
    };
    element.check(name, values, header.width)?;
    Ok(Table {
        offset: header.offset,
        rows: header.rows,
        width: header.width,
        image_shape: square_shape(header.width),
        element,
        labels: None,
        source,
    })
}

struct Dictionary {
    descr: String,
    fortran_order: bool,
    shape: Vec<u64>,
}

/// Reads the one kind of Python literal that a header holds.
struct Scanner<'t> {
    rest: &'t [u8],
}

impl<'t> Scanner<'t> {
    fn dictionary(mut self) -> Result<Dictionary, &'static str> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        if !self.eat(b'{') {
            return Err("its header is not a dictionary");
        }
        while !self.eat(b'}') {
            let key = self.string().ok_or("a key of its header is not a string")?;
            if !self.eat(b':') {
                return Err("a key of its header has no value");
            }
            match key {
                "descr" => descr = Some(self.string().ok_or("'descr' in its header is not one plain type")?),
                "fortran_order" => {
                    fortran_order =
                        Some(self.boolean().ok_or("'fortran_order' in its header is not True or False")?);
                }
                "shape" => shape = Some(self.tuple().ok_or("'shape' in its header is not a tuple of numbers")?),
                _ => return Err("its header has a key besides 'descr', 'fortran_order' and 'shape'"),
            }
            if !self.eat(b',') && !self.rest.starts_with(b"}") {
                return Err("its header is not a dictionary");
            }
        }
        match (descr, fortran_order, shape) {
            (Some(descr), Some(fortran_order), Some(shape)) => {
                Ok(Dictionary { descr: descr.to_owned(), fortran_order, shape })
            }
            _ => Err("its header lacks 'descr', 'fortran_order' or 'shape'"),
        }
    }

    /// Takes `byte` and the blanks around it, if it comes next.
    fn eat(&mut self, byte: u8) -> bool {
        self.rest = self.rest.trim_ascii_start();
        let Some(rest) = self.rest.strip_prefix(&[byte]) else { return false };
        self.rest = rest.trim_ascii_start();
        true
    }

    fn string(&mut self) -> Option<&'t str> {
        let (&quote, rest) = self.rest.split_first()?;
        if quote != b'\'' && quote != b'"' {
            return None;
        }
        let end = rest.iter().position(|&byte| byte == quote)?;
        self.rest = &rest[end + 1..];
        std::str::from_utf8(&rest[..end]).ok()
    }

    fn boolean(&mut self) -> Option<bool> {
        for (word, value) in [(&b"True"[..], true), (&b"False"[..], false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Some(value);
            }
        }
        None
    }

    fn tuple(&mut self) -> Option<Vec<u64>> {
        let mut numbers = Vec::new();
        if !self.eat(b'(') {
            return None;
        }
        while !self.eat(b')') {
            let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (number, rest) = self.rest.split_at(digits);
            numbers.push(std::str::from_utf8(number).ok()?.parse().ok()?);
            self.rest = rest;
            if !self.eat(b',') && !self.rest.starts_with(b")") {
                return None;
            }
        }
        Some(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(version: u8, text: &str, values: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([version, 0]);
        match version {
            1 => bytes.extend((text.len() as u16).to_le_bytes()),
            _ => bytes.extend((text.len() as u32).to_le_bytes()),
        }
        bytes.extend(text.as_bytes());
        bytes.extend(values);
        bytes
    }

    fn read(version: u8, text: &str, values: &[u8]) -> Result<Table<'static>, DataError> {
        table("x.npy", Source::Owned(file(version, text, values)))
    }

    #[test]
    fn every_version_order_of_keys_and_quote_is_read() {
        for version in 1..=3 {
            for text in [
                "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }          \n",
                "{\"shape\":(2,3),\"descr\":\"<u1\",\"fortran_order\":False}",
            ] {
                let table = read(version, text, &[0, 1, 2, 3, 4, 255]).unwrap();
                assert_eq!((table.rows, table.width), (2, 3));
                assert_eq!(table.element, Element::U8 { scale: 255 });
            }
        }
        let table = read(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2)}", &[0, 1]).unwrap();
        assert_eq!(table.element, Element::U8 { scale: 1 });
    }

    #[test]
    fn what_is_not_read_is_refused_by_name() {
        for (text, said) in [
            ("{'descr': '>f4', 'fortran_order': False, 'shape': (1, 1)}", "\">f4\" (big-endian)"),
            ("{'descr': '<f2', 'fortran_order': False, 'shape': (1, 1)}", "type \"<f2\""),
            ("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1)}", "fortran_order is True"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", "shape is [1]"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", "shape is []"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4)}", "shape is [0, 4]"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "larger than any"),
            ("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1, 1)}", "one plain type"),
            ("{'descr': '<f4', 'shape': (1, 1)}", "lacks"),
            ("{'descr': '<f4' 'shape': (1, 1)}", "not a dictionary"),
            ("", "not a dictionary"),
        ] {
            let error = read(1, text, &[0; 4]).err().unwrap_or_else(|| panic!("{text} was read")).to_string();
            assert!(error.contains(said) && error.starts_with("x.npy: ") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn doubles_that_floats_cannot_tell_are_named() {
        let lost = |numbers: [f64; 4]| {
            let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            refuse_what_rounding_loses("x", &bytes, 2).err()
        };
        assert!(matches!(lost([0.0, 1e300, 1.0, 2.0]), Some(DataError::BeyondFloats { row: 0, column: 1, .. })));
        assert!(matches!(lost([0.0, 1e9, 1.0, 1e9 + 1.0]), Some(DataError::Merged { column: 1, .. })));
        for kept in [[0.0, 1e9, 1.0, 1e9 + 1000.0], [0.0, 0.3, 1.0, 0.3], [0.0, 0.3, 1.0, 0.1 + 0.2]] {
            assert!(lost(kept).is_none(), "{kept:?}");
        }
    }

    #[test]
    fn a_bool_is_0_or_1() {
        let error = read(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (2, 2)}", &[0, 1, 1, 7]);
        assert_eq!(error.err().unwrap().to_string(), "x.npy: row 1, column 1 is 7, wanted a number from 0 to 1");
    }
}
