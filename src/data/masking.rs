//! Masks: which values of a row are hidden on purpose.

use crate::Setting;
use crate::random::Lanes;
use std::fmt;
use std::str::FromStr;

/// Which values of a row are hidden.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Masking {
    /// Each with this probability, alone.
    Part(f64),
    /// The upper half of an image.
    Top,
    /// The lower half.
    Bottom,
    /// The left half.
    Left,
    /// The right half.
    Right,
    /// A quarter in the middle.
    Center,
    /// A box somewhere, from a quarter to three quarters as high and as wide as the image.
    Box,
    /// All but so many quadrants, from 1 to 3, of which the lower left one is shown first, then the upper left and the upper right one.
    Quadrants(usize),
}

impl Masking {
    /// Whether every row has another mask.
    pub fn is_random(self) -> bool {
        matches!(self, Masking::Part(_) | Masking::Box)
    }

    /// Masks of rows that are images of `(height, width)` pixels, `[rows, height · width]`: 1 where a value is hidden, else 0.
    ///
    /// ```
    /// use helmholtz::{Seed, data::Masking};
    /// let mut hidden = [0.0; 2 * 4];
    /// Masking::Right.fill((2, 2), &mut Seed(1).lanes("masks", 0), &mut hidden);
    /// assert_eq!(hidden, [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// When `hidden` is no whole number of rows.
    pub fn fill(self, (height, width): (usize, usize), stream: &mut Lanes, hidden: &mut [f32]) {
        assert_eq!(
            hidden.len() % (height * width),
            0,
            "masks of {} values for images of {height}×{width}",
            hidden.len()
        );
        if let Masking::Part(part) = self {
            stream.fill_uniform(hidden);
            hidden.iter_mut().for_each(|u| *u = f32::from(u8::from(f64::from(*u) < part)));
            return;
        }
        let middle = |place: usize, length: usize| (length / 4..length - length / 4).contains(&place);
        for row in hidden.chunks_exact_mut(height * width) {
            let mut uniform = [0.0; 4];
            if self == Masking::Box {
                stream.fill_uniform(&mut uniform);
            }
            let [rows, columns] = [(height, 0), (width, 2)].map(|(length, first)| {
                let longest = (3 * length).div_ceil(4);
                let shortest = length.div_ceil(4);
                let at = |u: f32, count: usize| ((u * count as f32) as usize).min(count - 1);
                let side = shortest + at(uniform[first], longest - shortest + 1);
                let start = at(uniform[first + 1], length - side + 1);
                start..start + side
            });
            for (pixel, hidden) in row.iter_mut().enumerate() {
                let (y, x) = (pixel / width, pixel % width);
                let (upper, left) = (y < height / 2, x < width / 2);
                let hides = match self {
                    Masking::Part(_) => unreachable!("filled above"),
                    Masking::Top => upper,
                    Masking::Bottom => !upper,
                    Masking::Left => left,
                    Masking::Right => !left,
                    Masking::Center => middle(y, height) && middle(x, width),
                    Masking::Box => rows.contains(&y) && columns.contains(&x),
                    Masking::Quadrants(shown) => {
                        let place = match (upper, left) {
                            (false, true) => 0,
                            (true, true) => 1,
                            (true, false) => 2,
                            (false, false) => 3,
                        };
                        place >= shown
                    }
                };
                *hidden = f32::from(u8::from(hides));
            }
        }
    }
}

/// The name that [`FromStr`] reads: `30%`, `top`, `bottom`, `left`, `right`, `center`, `box`, `quadrants:N`.
impl fmt::Display for Masking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Masking::Part(part) => write!(f, "{}%", (part * 1e8).round() / 1e6),
            Masking::Top => f.write_str("top"),
            Masking::Bottom => f.write_str("bottom"),
            Masking::Left => f.write_str("left"),
            Masking::Right => f.write_str("right"),
            Masking::Center => f.write_str("center"),
            Masking::Box => f.write_str("box"),
            Masking::Quadrants(shown) => write!(f, "quadrants:{shown}"),
        }
    }
}

impl FromStr for Masking {
    type Err = Setting;
    fn from_str(name: &str) -> Result<Self, Setting> {
        let wrong = |wanted| Setting::new("the mask", name, wanted);
        Ok(match name {
            "top" => Masking::Top,
            "bottom" => Masking::Bottom,
            "left" => Masking::Left,
            "right" => Masking::Right,
            "center" | "centre" => Masking::Center,
            "box" => Masking::Box,
            _ => {
                if let Some(shown) = name.strip_prefix("quadrants:") {
                    let shown = shown.parse().ok().filter(|shown| (1..=3).contains(shown));
                    return shown.map(Masking::Quadrants).ok_or_else(|| wrong("1 to 3 quadrants that are shown"));
                }
                match name.strip_suffix('%').map(str::parse::<f64>) {
                    Some(Ok(percent)) if (0.0..=100.0).contains(&percent) => Masking::Part(percent / 100.0),
                    Some(_) => return Err(wrong("a part of the pixels between 0% and 100%")),
                    None => {
                        return Err(wrong(
                            "30%, top, bottom, left, right, center, box, quadrants:N or a .npy file",
                        ));
                    }
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;

    fn one(name: &str, shape: (usize, usize)) -> Vec<f32> {
        let mut hidden = vec![0.0; shape.0 * shape.1];
        name.parse::<Masking>().unwrap().fill(shape, &mut Seed(1).lanes("mask", 0), &mut hidden);
        hidden
    }

    #[test]
    fn halves_quadrants_and_parts() {
        let count = |name: &str| one(name, (4, 6)).iter().sum::<f32>() as usize;
        assert_eq!((count("top"), count("center"), count("100%"), count("0%")), (12, 8, 24, 0));
        assert_eq!(one("top", (2, 2)), [1.0, 1.0, 0.0, 0.0]);
        assert_eq!(one("left", (2, 2)), [1.0, 0.0, 1.0, 0.0]);
        assert_eq!(one("quadrants:1", (2, 2)), [1.0, 1.0, 0.0, 1.0]);
        assert_eq!(one("quadrants:2", (2, 2)), [0.0, 1.0, 0.0, 1.0]);
        assert_eq!(one("quadrants:3", (2, 2)), [0.0, 0.0, 0.0, 1.0]);
        for (wrong, wanted) in [
            ("middle", "30%, top, bottom, left, right, center, box, quadrants:N or a .npy file"),
            ("140%", "a part of the pixels between 0% and 100%"),
            ("quadrants:4", "1 to 3 quadrants that are shown"),
        ] {
            let said = wrong.parse::<Masking>().unwrap_err().to_string();
            assert_eq!(said, format!("the mask is {wrong}, but must be {wanted}"));
        }
        for name in ["30%", "12.5%", "0.1%", "top", "bottom", "left", "right", "center", "box", "quadrants:2"] {
            assert_eq!(name.parse::<Masking>().unwrap().to_string(), name);
        }
    }

    /// Boxes of all sizes from a quarter to three quarters, at all places, and every row another.
    #[test]
    fn boxes_are_boxes_anywhere() {
        let (height, width, rows) = (8, 12, 2000);
        let mut hidden = vec![0.0; rows * height * width];
        Masking::Box.fill((height, width), &mut Seed(3).lanes("mask", 0), &mut hidden);
        let (mut sizes, mut touched) = (std::collections::BTreeSet::new(), vec![0.0; height * width]);
        for row in hidden.chunks_exact(height * width) {
            let inside = |axis: &dyn Fn(usize) -> usize| {
                let places: std::collections::BTreeSet<usize> =
                    (0..height * width).filter(|&pixel| row[pixel] == 1.0).map(axis).collect();
                assert_eq!(places.len(), places.last().unwrap() - places.first().unwrap() + 1);
                places.len()
            };
            let size = (inside(&|pixel| pixel / width), inside(&|pixel| pixel % width));
            assert_eq!(row.iter().sum::<f32>() as usize, size.0 * size.1);
            sizes.insert(size);
            touched.iter_mut().zip(row).for_each(|(all, hidden)| *all += hidden);
        }
        assert_eq!((sizes.first(), sizes.last(), sizes.len()), (Some(&(2, 3)), Some(&(6, 9)), 35));
        assert!(touched.iter().all(|count| *count > 0.0));
    }

    /// The part that is hidden, within 4.9 standard errors (α = 1e-6), and no two rows alike.
    #[test]
    fn a_part_is_hidden_of_each_row_anew() {
        let (rows, width, part) = (400, 100, 0.3);
        let mut hidden = vec![0.0; rows * width];
        Masking::Part(part).fill((10, 10), &mut Seed(2).lanes("mask", 0), &mut hidden);
        let mean = hidden.iter().sum::<f32>() as f64 / (rows * width) as f64;
        assert!((mean - part).abs() < 4.9 * (part * (1.0 - part) / (rows * width) as f64).sqrt(), "{mean}");
        assert_ne!(hidden[..width], hidden[width..2 * width]);
    }
}
