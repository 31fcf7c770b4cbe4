//! Which values of rows are hidden.

use super::data;
use crate::cli::Failure;
use helmholtz::Seed;
use helmholtz::data::{Dataset, Masking};
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// A mask as it is named on the command line.
#[derive(Clone, Debug, PartialEq)]
pub enum MaskName {
    /// Of a shape, or at random.
    Drawn(Masking),
    /// The ones of a `.npy` file.
    File(String),
}

impl FromStr for MaskName {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        if name.ends_with(".npy") {
            return Ok(MaskName::File(name.to_owned()));
        }
        name.parse().map(MaskName::Drawn).map_err(|error: helmholtz::Setting| error.to_string())
    }
}

impl fmt::Display for MaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MaskName::Drawn(masking) => masking.fmt(f),
            MaskName::File(file) => f.write_str(file),
        }
    }
}

/// Which values of rows are hidden.
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    /// `[rows, width]`.
    pub hidden: Vec<bool>,
    /// Values of a row.
    width: usize,
}

impl Mask {
    /// The mask of rows that are images of `(height, width)` pixels, the same for all of them but for a file that has one for each; a random one
    /// is drawn from `seed`.
    pub fn new(name: &MaskName, rows: &Dataset<'_>, shape: (usize, usize), seed: Seed) -> Result<Self, Failure> {
        let width = rows.width();
        let hidden = match name {
            MaskName::Drawn(masking) => {
                let mut one = vec![0.0; width];
                masking.fill(shape, &mut seed.lanes("mask", 0), &mut one);
                let one: Vec<bool> = one.iter().map(|&hidden| hidden == 1.0).collect();
                one.repeat(rows.len())
            }
            MaskName::File(file) => from_file(file, rows, shape)?,
        };
        if !hidden.contains(&true) {
            let what = if shape.0 > 1 { "pixel of these images" } else { "value of these rows" };
            return Err(Failure::new(format!("--mask hides no {what}")));
        }
        Ok(Mask { hidden, width })
    }

    /// The mask that hides nothing of so many rows.
    pub fn of_nothing(rows: &Dataset<'_>) -> Self {
        Mask { hidden: vec![false; rows.len() * rows.width()], width: rows.width() }
    }

    /// That of the first `count` rows.
    pub fn first(&self, count: usize) -> Self {
        Mask { hidden: self.hidden[..count * self.width].to_vec(), width: self.width }
    }

    /// What is hidden of all rows alike, where it is the same.
    pub fn shared(&self) -> Option<&[bool]> {
        let mut rows = self.hidden.chunks_exact(self.width);
        let first = rows.next()?;
        rows.all(|row| row == first).then_some(first)
    }
}

/// The mask of a file for each of the rows: one of an image's shape for all, or one for each row of these, of the whole set or of its
/// training rows.
pub fn from_file(file: &str, rows: &Dataset<'_>, (height, width): (usize, usize)) -> Result<Vec<bool>, Failure> {
    let (values, shape) = data::numbers(Path::new(file))?;
    let columns = rows.width();
    if let Some(place) = values.iter().position(|value| !matches!(value, 0.0 | 1.0)) {
        let (row, column, value) = (place / shape[1], place % shape[1], values[place]);
        let why =
            format!("row {row}, column {column} is {value}, but a mask is 1 where a value is hidden, and else 0");
        return Err(Failure::new(why).about(file));
    }
    let hidden: Vec<bool> = values.iter().map(|value| *value == 1.0).collect();
    if shape == [height, width] && (height > 1 || rows.len() != 1) {
        return Ok(hidden.repeat(rows.len()));
    }
    let numbers = || (0..rows.len()).map(|row| rows.original_row(row));
    let reaches = numbers().all(|row| row < shape[0]);
    let [given, wide] = shape;
    if wide != columns || (given != rows.len() && !reaches) {
        let wanted = match height {
            1 => format!("{} rows of {columns}", rows.len()),
            _ => format!("images of {height} × {width}, or {} rows of {columns}", rows.len()),
        };
        return Err(Failure::new(format!("a mask of {given} × {wide} values for {wanted}")).about(file));
    }
    let of_row = |row: usize| &hidden[row * columns..][..columns];
    Ok(match given == rows.len() {
        true => hidden,
        false => numbers().flat_map(|row| of_row(row).iter().copied()).collect(),
    })
}

/// What a file hides of rows of the data that it was made for: where it is one of training rows alone, nothing of others.
pub fn of_part(file: &str, rows: &Dataset<'_>) -> Result<Vec<bool>, Failure> {
    let shape = rows.image_shape();
    from_file(file, rows, shape).or_else(|failure| {
        let (values, [given, wide]) = data::numbers(Path::new(file))?;
        if wide != rows.width() {
            return Err(failure);
        }
        let of = |row: usize| (0..wide).map(move |column| (row, column));
        let hides = |(row, column): (usize, usize)| row < given && values[row * wide + column] == 1.0;
        Ok((0..rows.len()).flat_map(|row| of(rows.original_row(row))).map(hides).collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_and_parts() {
        let rows = Dataset::from_u8(vec![0; 48], &[2, 24], 1).unwrap();
        let mask = |name: &str| Mask::new(&name.parse().unwrap(), &rows, (4, 6), Seed(1));
        let hidden = |name: &str| mask(name).unwrap().shared().unwrap().iter().filter(|hidden| **hidden).count();
        assert_eq!((hidden("top"), hidden("center"), hidden("100%")), (12, 8, 24));
        assert!(mask("50%").unwrap().shared().is_some());
        assert_eq!(mask("0%").unwrap_err().to_string(), "--mask hides no pixel of these images");
        for wrong in ["middle", "140%", "x%", "-1%", "quadrants:0"] {
            assert!(wrong.parse::<MaskName>().is_err(), "{wrong}");
        }
        for name in ["12.5%", "box", "quadrants:2", "a/b.npy"] {
            assert_eq!(name.parse::<MaskName>().unwrap().to_string(), name);
        }
    }
}
