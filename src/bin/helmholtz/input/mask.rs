//! Which pixels of an image are hidden.

use super::data;
use crate::cli::Failure;
use helmholtz::Seed;
use std::path::Path;
use std::str::FromStr;

/// A mask as it is named on the command line.
#[derive(Clone, Debug, PartialEq)]
pub enum MaskName {
    /// The upper half.
    Top,
    /// The lower half.
    Bottom,
    /// The left half.
    Left,
    /// The right half.
    Right,
    /// A quarter in the middle.
    Center,
    /// This part of the pixels, anywhere.
    Part(f64),
    /// The ones of a `.npy` file.
    File(String),
}

impl FromStr for MaskName {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        Ok(match name {
            "top" => MaskName::Top,
            "bottom" => MaskName::Bottom,
            "left" => MaskName::Left,
            "right" => MaskName::Right,
            "center" | "centre" => MaskName::Center,
            _ => match name.strip_suffix('%').map(str::parse::<f64>) {
                Some(Ok(percent)) if (0.0..=100.0).contains(&percent) => MaskName::Part(percent / 100.0),
                Some(_) => return Err("a part of the pixels is between 0% and 100%".to_owned()),
                None if name.ends_with(".npy") => MaskName::File(name.to_owned()),
                None => return Err("none of top, bottom, left, right, center, 30%, FILE.npy".to_owned()),
            },
        })
    }
}

/// Which pixels of an image are hidden.
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    hidden: Vec<bool>,
}

impl Mask {
    /// The mask for images of `(height, width)` pixels; a random one is drawn from `seed`.
    pub fn new(name: &MaskName, shape: (usize, usize), seed: Seed) -> Result<Self, Failure> {
        let (height, width) = shape;
        let by_place = |hides: &dyn Fn(usize, usize) -> bool| -> Vec<bool> {
            (0..height * width).map(|pixel| hides(pixel / width, pixel % width)).collect()
        };
        let middle = |place: usize, length: usize| (length / 4..length - length / 4).contains(&place);
        let hidden = match name {
            MaskName::Top => by_place(&|y, _| y < height / 2),
            MaskName::Bottom => by_place(&|y, _| y >= height / 2),
            MaskName::Left => by_place(&|_, x| x < width / 2),
            MaskName::Right => by_place(&|_, x| x >= width / 2),
            MaskName::Center => by_place(&|y, x| middle(y, height) && middle(x, width)),
            MaskName::Part(part) => {
                let mut uniform = vec![0.0; height * width];
                seed.lanes("mask", 0).fill_uniform(&mut uniform);
                uniform.iter().map(|u| f64::from(*u) < *part).collect()
            }
            MaskName::File(file) => from_file(file, shape)?,
        };
        if !hidden.contains(&true) {
            return Err(Failure::new("--mask hides no pixel of these images"));
        }
        Ok(Mask { hidden })
    }

    /// Whether pixel `pixel` is hidden.
    pub fn hides(&self, pixel: usize) -> bool {
        self.hidden[pixel]
    }

    /// How many pixels are.
    pub fn hidden_count(&self) -> usize {
        self.hidden.iter().filter(|hidden| **hidden).count()
    }

    /// For each pixel, whether it is shown.
    pub fn shown(&self) -> Vec<bool> {
        self.hidden.iter().map(|hidden| !hidden).collect()
    }
}

fn from_file(file: &str, (height, width): (usize, usize)) -> Result<Vec<bool>, Failure> {
    let (values, shape) = data::numbers(Path::new(file))?;
    if shape != [height, width] {
        let [rows, columns] = shape;
        return Err(Failure::new(format!("a mask of {rows} × {columns} values for images of {height} × {width}"))
            .about(file));
    }
    if let Some(place) = values.iter().position(|value| !matches!(value, 0.0 | 1.0)) {
        let (row, column, value) = (place / width, place % width, values[place]);
        let why =
            format!("row {row}, column {column} is {value}, but a mask is 1 where a pixel is hidden, and else 0");
        return Err(Failure::new(why).about(file));
    }
    Ok(values.iter().map(|value| *value == 1.0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_and_parts() {
        let mask = |name: &str| Mask::new(&name.parse().unwrap(), (4, 6), Seed(1));
        assert_eq!(mask("top").unwrap().hidden_count(), 12);
        assert!(mask("top").unwrap().hides(0) && !mask("bottom").unwrap().hides(0));
        assert!(mask("left").unwrap().hides(6) && mask("right").unwrap().hides(5));
        assert_eq!(mask("center").unwrap().hidden_count(), 2 * 4);
        assert_eq!(mask("100%").unwrap().hidden_count(), 24);
        assert!(mask("0%").is_err());
        for wrong in ["middle", "140%", "x%", "-1%"] {
            assert!(wrong.parse::<MaskName>().is_err(), "{wrong}");
        }
    }
}
