//! A picture of pixels: what grids, plots and words are drawn on.

use super::font;
use helmholtz::storage::{StorageError, write_atomic};
use std::path::Path;

/// Red, green, blue.
pub type Colour = [u8; 3];

/// Paper.
pub const WHITE: Colour = [255; 3];
/// Ink.
pub const BLACK: Colour = [0; 3];

/// Letters are enlarged so many times.
const LETTERS: usize = 2;
/// From one letter to the next, and from one line to the next.
const ADVANCE: usize = (font::WIDTH + 1) * LETTERS;
/// The height of a line of words.
pub const LINE: usize = (font::HEIGHT + 1) * LETTERS;

/// The pixels that words take from left to right.
pub fn length_of(words: &str) -> usize {
    words.chars().count() * ADVANCE
}

/// A picture of pixels, the first at the top left.
#[derive(Clone, Debug, PartialEq)]
pub struct Raster {
    width: usize,
    height: usize,
    pixels: Vec<Colour>,
}

/// Where words stand to the place that they are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// They begin there.
    Left,
    /// Their middle is there.
    Middle,
    /// They end there.
    Right,
}

impl Raster {
    /// A picture of one colour.
    pub fn new(width: usize, height: usize, colour: Colour) -> Self {
        Raster { width, height, pixels: vec![colour; width * height] }
    }

    /// Width and height.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// The colour of a pixel.
    #[cfg(test)]
    pub fn pixel(&self, x: usize, y: usize) -> Colour {
        self.pixels[y * self.width + x]
    }

    /// Colours a rectangle, as far as it lies inside.
    pub fn fill(&mut self, (x, y): (usize, usize), (width, height): (usize, usize), colour: Colour) {
        for line in y..(y + height).min(self.height) {
            let end = (x + width).min(self.width);
            if x < end {
                self.pixels[line * self.width..][x..end].fill(colour);
            }
        }
    }

    /// Moves a pixel's colour by `part` of the way to another; what lies outside is left alone.
    pub fn blend(&mut self, x: i64, y: i64, colour: Colour, part: f32) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x < self.width && y < self.height {
            let pixel = &mut self.pixels[y * self.width + x];
            let part = part.clamp(0.0, 1.0);
            for (old, new) in pixel.iter_mut().zip(colour) {
                *old = (f32::from(*old) + part * (f32::from(new) - f32::from(*old))).round() as u8;
            }
        }
    }

    /// Pictures side by side, their tops in one line.
    pub fn side_by_side(pictures: &[Raster]) -> Self {
        let width = pictures.iter().map(|picture| picture.width).sum();
        let height = pictures.iter().map(|picture| picture.height).max().unwrap_or(0);
        let mut whole = Raster::new(width, height, WHITE);
        let mut x = 0;
        for picture in pictures {
            whole.paste(picture, (x, 0));
            x += picture.width;
        }
        whole
    }

    /// Pictures below one another, their left edges in one line.
    pub fn stacked(pictures: &[Raster]) -> Self {
        let width = pictures.iter().map(|picture| picture.width).max().unwrap_or(0);
        let height = pictures.iter().map(|picture| picture.height).sum();
        let mut whole = Raster::new(width, height, WHITE);
        let mut y = 0;
        for picture in pictures {
            whole.paste(picture, (0, y));
            y += picture.height;
        }
        whole
    }

    /// The picture under a line of words.
    pub fn under(&self, words: &str) -> Self {
        let mut whole = Raster::new(self.width.max(length_of(words)), self.height + LINE, WHITE);
        whole.words(words, 0, 0, Anchor::Left, BLACK);
        whole.paste(self, (0, LINE));
        whole
    }

    /// Puts another picture here, as far as it fits.
    pub fn paste(&mut self, picture: &Raster, (x, y): (usize, usize)) {
        for line in 0..picture.height.min(self.height.saturating_sub(y)) {
            let length = picture.width.min(self.width.saturating_sub(x));
            let from = &picture.pixels[line * picture.width..][..length];
            self.pixels[(y + line) * self.width + x..][..length].copy_from_slice(from);
        }
    }

    /// Writes words on one line, `y` being its top.
    pub fn words(&mut self, words: &str, x: usize, y: usize, anchor: Anchor, colour: Colour) {
        let length = length_of(words);
        let first = match anchor {
            Anchor::Left => x,
            Anchor::Middle => x.saturating_sub(length / 2),
            Anchor::Right => x.saturating_sub(length),
        };
        for (place, letter) in words.chars().enumerate() {
            for (line, bits) in font::letter(letter).into_iter().enumerate() {
                for column in (0..font::WIDTH).filter(|column| bits >> (font::WIDTH - 1 - column) & 1 == 1) {
                    let at = (first + place * ADVANCE + column * LETTERS, y + line * LETTERS);
                    self.fill(at, (LETTERS, LETTERS), colour);
                }
            }
        }
    }

    /// Writes the picture as a PNG file, replacing it whole or not at all.
    pub fn save(&self, path: &Path) -> Result<(), StorageError> {
        write_atomic(path, |file| {
            let is_grey = self.pixels.iter().all(|[r, g, b]| r == g && g == b);
            let mut encoder = png::Encoder::new(file, self.width as u32, self.height as u32);
            encoder.set_depth(png::BitDepth::Eight);
            let bytes: Vec<u8> = if is_grey {
                encoder.set_color(png::ColorType::Grayscale);
                self.pixels.iter().map(|pixel| pixel[0]).collect()
            } else {
                encoder.set_color(png::ColorType::Rgb);
                self.pixels.concat()
            };
            let mut writer = encoder.write_header()?;
            writer.write_image_data(&bytes)?;
            Ok(writer.finish()?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_where_they_are_anchored() {
        let inked = |anchor| {
            let mut picture = Raster::new(200, 30, WHITE);
            picture.words("draws 0", 100, 4, anchor, BLACK);
            let columns: Vec<usize> =
                (0..200).filter(|&x| (0..30).any(|y| picture.pixel(x, y) == BLACK)).collect();
            (columns[0], columns[columns.len() - 1])
        };
        assert!(inked(Anchor::Left).0 >= 100 && inked(Anchor::Right).1 < 100);
        let (first, last) = inked(Anchor::Middle);
        assert!((first + last).abs_diff(200) <= ADVANCE, "{first} to {last}");
        // Outside nothing is drawn, and nothing fails.
        let mut small = Raster::new(3, 3, WHITE);
        small.words("draws", 0, 0, Anchor::Left, BLACK);
        small.blend(-1, 7, BLACK, 1.0);
        small.paste(&Raster::new(9, 9, BLACK), (2, 2));
        assert_eq!((small.pixel(2, 2), small.size()), (BLACK, (3, 3)));
    }
}
