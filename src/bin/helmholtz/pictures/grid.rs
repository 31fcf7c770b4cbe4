//! Grids of small images as PNG files.

use super::raster::{Colour, Raster};
use super::table;
use helmholtz::storage::StorageError;
use std::path::Path;

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
    /// Whether rows are no images but lines of a table: numbers in one line.
    pub fn is_table(&self) -> bool {
        table::is_one(self.shape)
    }

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

    /// Rows, and what a model makes of each: images, the second one below the first; of a table the one over the other, a
    /// panel a column.
    pub fn beside_originals(&self, originals: &[f32], made: &[f32]) -> Raster {
        if self.is_table() {
            return table::over_originals(originals, made, self.shape.0 * self.shape.1, "reconstructions");
        }
        Grid::stacked(self.shape, PAIRS, &[&self.levels(originals), &self.levels(made)]).raster()
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

    /// The grid as one picture.
    pub fn raster(&self) -> Raster {
        let (height, width) = self.shape;
        let scale = LONGER_SIDE.div_ceil(height.max(width).max(1)).max(1);
        let (tile_height, tile_width) = (height * scale + 1, width * scale + 1);
        let columns = self.columns.min(self.tiles.len()).max(1);
        let rows = self.tiles.len().div_ceil(columns);
        let mut picture = Raster::new(columns * tile_width + 1, rows * tile_height + 1, GAP);
        for (index, tile) in self.tiles.iter().enumerate() {
            let (top, left) = (index / columns * tile_height + 1, index % columns * tile_width + 1);
            for (place, colour) in tile.iter().enumerate() {
                let at = (left + place % width * scale, top + place / width * scale);
                picture.fill(at, (scale, scale), *colour);
            }
        }
        picture
    }

    /// Writes the grid as a PNG file, replacing it whole or not at all.
    pub fn save(&self, path: &Path) -> Result<(), StorageError> {
        self.raster().save(path)
    }
}

/// Black for 0, white for 1.
pub fn grey(value: f32) -> Colour {
    [(value.clamp(0.0, 1.0) * 255.0).round() as u8; 3]
}

/// Blue for −`largest`, white for 0, red for `largest`.
pub fn diverging(value: f32, largest: f32) -> Colour {
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
