//! Grids of small images as PNG files.

use helmholtz::storage::StorageError;
use helmholtz::storage::write_atomic;
use std::path::Path;

/// Red, green, blue.
pub type Colour = [u8; 3];

const GAP: Colour = [112, 112, 112];
/// Small images are enlarged until their longer side has at least this many pixels.
const LONGER_SIDE: usize = 48;

/// Pairs of images side by side.
const PAIRS: usize = 16;
/// More filters than this fit on no screen.
const FILTERS: usize = 400;

/// The canvas of images: their shape, and the number that is white.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Canvas {
    /// Height and width.
    pub shape: (usize, usize),
    /// The number that is white.
    pub largest: f32,
}

impl Canvas {
    /// The grey levels of numbers.
    pub fn levels(&self, values: &[f32]) -> Vec<f32> {
        values.iter().map(|value| value / self.largest).collect()
    }

    /// Images, `[images, height × width]` numbers, the whole about square.
    pub fn square(&self, values: &[f32]) -> Grid {
        Grid::of(&self.levels(values), self.shape)
    }

    /// The same, `columns` of them side by side.
    pub fn lines(&self, values: &[f32], columns: usize) -> Grid {
        Grid::stacked(self.shape, columns, &[&self.levels(values)])
    }

    /// Two versions of the same images, the second one below the first.
    pub fn pairs(&self, above: &[f32], below: &[f32]) -> Grid {
        Grid::stacked(self.shape, PAIRS, &[&self.levels(above), &self.levels(below)])
    }
}

/// Images of one shape in rows and columns, a pixel of grey between them.
pub struct Grid {
    shape: (usize, usize),
    columns: usize,
    tiles: Vec<Vec<Colour>>,
}

impl Grid {
    /// No images yet, of `(height, width)` pixels, `columns` of them side by side.
    pub fn new(shape: (usize, usize), columns: usize) -> Self {
        Grid { shape, columns: columns.max(1), tiles: Vec::new() }
    }

    /// As many columns as make `count` images of this shape about square.
    pub fn square(shape: (usize, usize), count: usize) -> Self {
        let (height, width) = (shape.0 as f64, shape.1 as f64);
        let columns = (count as f64 * height / width).sqrt().round() as usize;
        Grid::new(shape, columns.min(count))
    }

    /// Rows `[rows, height × width]` of grey levels, the whole about square.
    pub fn of(levels: &[f32], shape: (usize, usize)) -> Self {
        let pixels = shape.0 * shape.1;
        let mut grid = Grid::square(shape, levels.len() / pixels);
        for image in levels.chunks_exact(pixels) {
            grid.push(image, grey);
        }
        grid
    }

    /// The first filters `[height × width]` of weights, all on one scale of colours, the whole about square.
    pub fn of_filters(filters: &[impl AsRef<[f32]>], shape: (usize, usize)) -> Self {
        let filters = &filters[..filters.len().min(FILTERS)];
        let weights = filters.iter().flat_map(AsRef::as_ref);
        let largest = weights.fold(0.0f32, |largest, weight| largest.max(weight.abs()));
        let mut grid = Grid::square(shape, filters.len());
        for filter in filters {
            grid.push(filter.as_ref(), |weight| diverging(weight, largest));
        }
        grid
    }

    /// Several versions of the same images, each `[images, height × width]` grey levels, one below the other: a line
    /// of `columns` images has as many lines as there are versions.
    pub fn stacked(shape: (usize, usize), columns: usize, versions: &[&[f32]]) -> Self {
        let pixels = shape.0 * shape.1;
        let count = versions.iter().map(|version| version.len() / pixels).min().unwrap_or(0);
        let columns = columns.clamp(1, count.max(1));
        let mut grid = Grid::new(shape, columns);
        for first in (0..count).step_by(columns) {
            let line = columns.min(count - first);
            for version in versions {
                for image in version[first * pixels..][..line * pixels].chunks_exact(pixels) {
                    grid.push(image, grey);
                }
                // What a last line lacks has the colour of the gaps.
                grid.tiles.extend(std::iter::repeat_n(vec![GAP; pixels], columns - line));
            }
        }
        grid
    }

    /// The next image, `[height × width]` values, each coloured.
    pub fn push(&mut self, values: &[f32], colour: impl Fn(f32) -> Colour) {
        assert_eq!(values.len(), self.shape.0 * self.shape.1, "pixels of an image of {:?}", self.shape);
        self.tiles.push(values.iter().map(|&value| colour(value)).collect());
    }

    /// Writes the grid as a PNG file, replacing it whole or not at all.
    pub fn save(&self, path: &Path) -> Result<(), StorageError> {
        let (height, width) = self.shape;
        let scale = LONGER_SIDE.div_ceil(height.max(width).max(1)).max(1);
        let (tile_height, tile_width) = (height * scale + 1, width * scale + 1);
        let columns = self.columns.min(self.tiles.len()).max(1);
        let rows = self.tiles.len().div_ceil(columns);
        let (image_height, image_width) = (rows * tile_height + 1, columns * tile_width + 1);
        let mut pixels = vec![GAP; image_height * image_width];
        for (index, tile) in self.tiles.iter().enumerate() {
            let (top, left) = (index / columns * tile_height + 1, index % columns * tile_width + 1);
            for y in 0..height * scale {
                let line = &mut pixels[(top + y) * image_width + left..][..width * scale];
                for (x, pixel) in line.iter_mut().enumerate() {
                    *pixel = tile[y / scale * width + x / scale];
                }
            }
        }
        write_atomic(path, |file| {
            let is_grey = pixels.iter().all(|[r, g, b]| r == g && g == b);
            let mut encoder = png::Encoder::new(file, image_width as u32, image_height as u32);
            encoder.set_depth(png::BitDepth::Eight);
            let bytes: Vec<u8> = if is_grey {
                encoder.set_color(png::ColorType::Grayscale);
                pixels.iter().map(|pixel| pixel[0]).collect()
            } else {
                encoder.set_color(png::ColorType::Rgb);
                pixels.concat()
            };
            let mut writer = encoder.write_header()?;
            writer.write_image_data(&bytes)?;
            Ok(writer.finish()?)
        })
    }
}

/// Black for 0, white for 1.
pub fn grey(value: f32) -> Colour {
    [(value.clamp(0.0, 1.0) * 255.0).round() as u8; 3]
}

/// Blue for −`largest`, white for 0, red for `largest`.
fn diverging(value: f32, largest: f32) -> Colour {
    let strength = if largest > 0.0 { (value / largest).clamp(-1.0, 1.0) } else { 0.0 };
    let end = if strength < 0.0 { [33.0, 102.0, 172.0] } else { [178.0, 24.0, 43.0] };
    end.map(|end: f32| (255.0 + (end - 255.0) * strength.abs()).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_has_gaps_and_is_enlarged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grid.png");
        let mut grid = Grid::square((8, 8), 4);
        for value in [0.0, 0.25, 0.5, 1.0] {
            grid.push(&[value; 64], grey);
        }
        grid.save(&path).unwrap();
        let decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(&path).unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!((info.width, info.height, info.color_type), (99, 99, png::ColorType::Grayscale));
        assert_eq!((bytes[0], bytes[100], bytes[98 * 99 - 2]), (112, 0, 255));
    }

    #[test]
    fn versions_stand_below_one_another() {
        let (above, below) = ([0.0, 0.25, 0.5], [1.0, 0.75, 0.5]);
        let grid = Grid::stacked((1, 1), 2, &[&above, &below]);
        let shades: Vec<u8> = grid.tiles.iter().map(|tile| tile[0][0]).collect();
        assert_eq!((grid.columns, shades), (2, vec![0, 64, 255, 191, 128, GAP[0], 128, GAP[0]]));
        assert_eq!(Grid::stacked((1, 1), 16, &[&above]).columns, 3);
    }

    #[test]
    fn the_colour_scale_is_symmetric_around_white() {
        assert_eq!(diverging(0.0, 2.0), [255, 255, 255]);
        assert_eq!(diverging(-3.0, 2.0), [33, 102, 172]);
        assert_eq!(diverging(1.0, 0.0), [255, 255, 255]);
    }
}
