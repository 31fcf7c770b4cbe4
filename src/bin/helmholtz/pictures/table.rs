//! Pictures of tables: no images, but how each column is distributed, and how pairs of columns go together.

use super::axis::Axis;
use super::frame::{BELOW, Frame, LEFT, Tick, with_axes};
use super::grid::diverging;
use super::plane::heat;
use super::raster::{Anchor, BLACK, Colour, LINE, Raster, WHITE, length_of};
use helmholtz::data::Dataset;

/// Columns in a picture at the most.
const COLUMNS: usize = 6;
/// Rows of the data in a picture at the most, and draws.
const POINTS: usize = 2000;
/// Bars of a histogram.
const BARS: usize = 24;
/// About so many pixels lie between two ticks.
const BETWEEN_TICKS: f64 = 55.0;
/// Cells of a matrix along a side at the most.
const CELLS: usize = 400;

const DRAWS: Colour = [20, 60, 150];
const DATA: Colour = [235, 140, 40];

/// Whether rows of `(height, width)` numbers are no images but lines of a table: numbers in one line.
pub fn is_one(shape: (usize, usize)) -> bool {
    shape.0 == 1 || shape.1 == 1
}

/// The first rows of `data`, `[at most 2,000, width]`.
pub fn points(data: &Dataset<'_>) -> Vec<f32> {
    let rows: Vec<usize> = (0..data.len().min(POINTS)).collect();
    let mut points = vec![0.0; rows.len() * data.width()];
    data.rows_into(&rows, &mut points);
    points
}

/// Draws `[count, width]` over data `[rows, width]`, which may be empty: on the diagonal the distribution of each of the
/// first columns, below it a dot a row for each pair of them.
pub fn pairs(draws: &[f32], data: &[f32], width: usize) -> Raster {
    let words = match width {
        0..=COLUMNS => String::new(),
        _ => format!("the first {COLUMNS} of {width} columns"),
    };
    let columns: Vec<(usize, String)> =
        (0..width.min(COLUMNS)).map(|column| (column, format!("column {column}"))).collect();
    panels(draws, data, width, &columns, ("draws", &words))
}

/// The same of rows whose hidden columns were filled in, over the rows as they were: the hidden columns come first, then as
/// many of the others as there is room for.
pub fn completions(completed: &[f32], originals: &[f32], width: usize, hides: impl Fn(usize) -> bool) -> Raster {
    let (hidden, shown): (Vec<usize>, Vec<usize>) = (0..width).partition(|column| hides(*column));
    let words = match (width, hidden.len()) {
        (0..=COLUMNS, _) => String::new(),
        (_, 0..=COLUMNS) => format!("{COLUMNS} of {width} columns, all hidden ones among them"),
        (_, count) => format!("{COLUMNS} of {count} hidden columns"),
    };
    let hidden = hidden.into_iter().map(|column| (column, format!("column {column}, hidden")));
    let shown = shown.into_iter().map(|column| (column, format!("column {column}")));
    let columns: Vec<(usize, String)> = hidden.chain(shown).take(COLUMNS).collect();
    panels(completed, originals, width, &columns, ("completed", &words))
}

/// Panels of these columns and pairs of them, each with its name, below the name of what is drawn over the data and some
/// words.
fn panels(
    draws: &[f32],
    data: &[f32],
    width: usize,
    columns: &[(usize, String)],
    (name, words): (&str, &str),
) -> Raster {
    let shown = columns.len();
    let side = match shown {
        1 => 460,
        2 => 300,
        3 => 230,
        _ => 170,
    };
    let (pitch, top) = (side + 26, 2 * LINE + 36);
    let names = columns.iter().map(|(_, name)| name);
    let columns: Vec<Column> =
        columns.iter().map(|(column, _)| Column::of(draws, data, width, *column, side)).collect();
    let mut picture = Raster::new(LEFT + shown * pitch, top + shown * pitch + BELOW, WHITE);
    legend(&mut picture, name, words, !data.is_empty());
    let frame = |row: usize, column: usize| Frame {
        left: LEFT + column * pitch,
        top: top + row * pitch,
        width: side,
        height: side,
    };
    for (row, (vertical, name)) in columns.iter().zip(names).enumerate() {
        for (column, horizontal) in columns.iter().enumerate().take(row) {
            scatter(&mut picture, frame(row, column), horizontal, vertical);
        }
        let diagonal = frame(row, row);
        histogram(&mut picture, diagonal, vertical);
        let middle = diagonal.left + side / 2;
        picture.words(name, middle, diagonal.top - LINE, Anchor::Middle, BLACK);
        let below = frame(shown - 1, row);
        below.label_below(&mut picture, &vertical.ticks, name);
        if row > 0 {
            frame(row, 0).label_left(&mut picture, &vertical.ticks, "");
        }
    }
    picture
}

/// One column of draws and data on one axis.
struct Column {
    axis: Axis,
    ticks: Vec<Tick>,
    draws: Vec<f64>,
    data: Vec<f64>,
    /// How far a number of a column of two levels may be drawn from where it is, so that rows do not hide one another.
    spread: f64,
}

impl Column {
    /// Column `column` of rows of `width` numbers, on an axis of `side` pixels.
    fn of(draws: &[f32], data: &[f32], width: usize, column: usize, side: usize) -> Self {
        let of = |values: &[f32]| -> Vec<f64> {
            values.iter().skip(column).step_by(width).take(POINTS).map(|value| f64::from(*value)).collect()
        };
        let (draws, data) = (of(draws), of(data));
        let finite = || draws.iter().chain(&data).copied().filter(|value| value.is_finite());
        let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
        let two_levels = low < high && finite().all(|value| value == low || value == high);
        let spread = if two_levels { 0.3 * (high - low) } else { 0.0 };
        let ends = [low - 1.2 * spread, high + 1.2 * spread].into_iter().filter(|end| end.is_finite());
        let axis = Axis::of_values(ends).with_about(side as f64 / BETWEEN_TICKS);
        Column { ticks: Tick::all(&axis), axis, draws, data, spread }
    }

    /// Places along the axis, from 0 to 1; `turn` differs between the axes of a panel.
    fn places(&self, values: &[f64], turn: f64) -> Vec<f64> {
        let jitter = |row: usize| self.spread * (2.0 * (row as f64 * turn).fract() - 1.0);
        values.iter().enumerate().map(|(row, value)| self.axis.part(value + jitter(row))).collect()
    }
}

fn scatter(picture: &mut Raster, frame: Frame, x: &Column, y: &Column) {
    frame.rule(picture, &x.ticks, &y.ticks);
    // Two irrational steps fill a square evenly.
    let (over, up) = (0.754_877_666, 0.569_840_291);
    for (xs, ys, colour) in [(&x.data, &y.data, DATA), (&x.draws, &y.draws, DRAWS)] {
        let strength = (20.0 / (xs.len() as f32).sqrt()).clamp(0.4, 0.9);
        for (x, y) in x.places(xs, over).into_iter().zip(y.places(ys, up)) {
            frame.dot(picture, (x, y), colour, strength);
        }
    }
    frame.edge(picture);
}

/// The data's distribution as an area, that of the draws as a line of steps; each has its share of the rows in a bar.
fn histogram(picture: &mut Raster, frame: Frame, column: &Column) {
    frame.rule(picture, &column.ticks, &[]);
    let shares = |values: &[f64]| {
        let mut bars = vec![0.0f64; BARS];
        for part in values.iter().map(|value| column.axis.part(*value)).filter(|part| (0.0..=1.0).contains(part)) {
            bars[((part * BARS as f64) as usize).min(BARS - 1)] += 1.0 / values.len() as f64;
        }
        bars
    };
    let (data, draws) = (shares(&column.data), shares(&column.draws));
    let most = data.iter().chain(&draws).copied().fold(1e-9, f64::max) * 1.08;
    let (bottom, mut before) = (frame.top + frame.height - 1, frame.top + frame.height - 1);
    for bar in 0..BARS {
        let (from, to) = (frame.across(bar as f64 / BARS as f64), frame.across((bar + 1) as f64 / BARS as f64));
        let filled = frame.up(data[bar] / most);
        picture.fill((from, filled), (to - from, bottom - filled), DATA);
        let line = frame.up(draws[bar] / most);
        picture.fill((from, line), (to - from + 2, 2), DRAWS);
        picture.fill((from, line.min(before)), (2, line.abs_diff(before)), DRAWS);
        before = line;
    }
    frame.edge(picture);
}

fn legend(picture: &mut Raster, name: &str, words: &str, beside_data: bool) {
    let mut x = 12;
    let known = [(name, DRAWS, true), ("data", DATA, beside_data)];
    for (name, colour, _) in known.into_iter().filter(|(_, _, shown)| *shown) {
        picture.fill((x, 12), (14, 14), colour);
        picture.words(name, x + 22, 11, Anchor::Left, BLACK);
        x += 22 + length_of(name) + 26;
    }
    picture.words(words, 12, 12 + LINE, Anchor::Left, BLACK);
}

/// A column's numbers over those of the original rows, `[rows, width]` each: a panel a column, with the line on which they
/// would be alike.
pub fn over_originals(originals: &[f32], made: &[f32], width: usize, name: &str) -> Raster {
    let shown = width.min(COLUMNS);
    let (side, across) = (230, shown.min(3));
    let (pitch, line) = (side + LEFT, side + BELOW + 36);
    let mut picture = Raster::new(across * pitch + LINE, 2 * LINE + shown.div_ceil(across) * line, WHITE);
    let words = format!("{name} over data");
    picture.words(&words, 12, 8, Anchor::Left, BLACK);
    if width > shown {
        let words = format!("the first {shown} of {width} columns");
        picture.words(&words, 12, 8 + LINE, Anchor::Left, BLACK);
    }
    for column in 0..shown {
        let (row, place) = (column / across, column % across);
        let frame =
            Frame { left: LEFT + place * pitch, top: 2 * LINE + 30 + row * line, width: side, height: side };
        let x = Column::of(&[], originals, width, column, side);
        let y = Column::of(made, originals, width, column, side);
        frame.rule(&mut picture, &x.ticks, &y.ticks);
        for step in 0..=side {
            let value = x.axis.value(step as f64 / side as f64);
            frame.dot(&mut picture, (x.axis.part(value), y.axis.part(value)), DATA, 0.6);
        }
        for (at, value) in x.places(&x.data, 0.754_877_666).into_iter().zip(&y.draws) {
            frame.dot(&mut picture, (at, y.axis.part(*value)), DRAWS, 0.8);
        }
        frame.edge(&mut picture);
        frame.label_below(&mut picture, &x.ticks, &format!("column {column}"));
        frame.label_left(&mut picture, &y.ticks, "");
    }
    picture
}

/// Weights `[rows][columns]` on one scale of colours, blue for the lowest and red for the highest: a line a hidden unit.
pub fn weights(rows: &[impl AsRef<[f32]>]) -> Raster {
    let largest = rows.iter().flat_map(AsRef::as_ref).fold(0.0f32, |largest, weight| largest.max(weight.abs()));
    let title = format!("weights: blue {:.2}, white 0, red {largest:.2}", -largest);
    matrix(rows, largest, &title, "unit")
}

/// Numbers `[rows][columns]` as colours: blue for −`largest`, white for 0, red for `largest`.
pub fn matrix(rows: &[impl AsRef<[f32]>], largest: f32, title: &str, row_name: &str) -> Raster {
    let rows = &rows[..rows.len().min(CELLS)];
    let columns = rows.first().map_or(0, |row| row.as_ref().len()).min(CELLS);
    let cell = (480 / rows.len().max(columns).max(1)).clamp(2, 24);
    let size = ((columns * cell).max(120), (rows.len() * cell).max(60));
    let mut inner = Raster::new(size.0, size.1, WHITE);
    for (y, row) in rows.iter().enumerate() {
        for (x, weight) in row.as_ref().iter().take(columns).enumerate() {
            inner.fill((x * cell, y * cell), (cell, cell), diverging(*weight, largest));
        }
    }
    let counts = |count: usize, length: usize, down: bool| -> Vec<Tick> {
        let step = count.div_ceil(5).max(1);
        let middle = |index: usize| (index * cell + cell / 2) as f64 / length as f64;
        let part = |index: usize| if down { 1.0 - middle(index) } else { middle(index) };
        (0..count).step_by(step).map(|index| Tick { part: part(index), label: index.to_string() }).collect()
    };
    let (x, y) = (counts(columns, size.0, false), counts(rows.len(), size.1, true));
    with_axes(&inner, title, (&x, "column"), (&y, row_name))
}

/// What lies where on a plane, `[side · side, width]` from the lowest line up: a panel a column, dark for its smallest
/// number.
pub fn on_plane(values: &[f32], side: usize, width: usize, ticks: &[Tick], names: (&str, &str)) -> Raster {
    let shown = width.min(COLUMNS);
    let cell = 12;
    let panels: Vec<Raster> = (0..shown)
        .map(|column| {
            let values: Vec<f32> = values.iter().skip(column).step_by(width).copied().collect();
            let (low, high) =
                values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), x| (a.min(*x), b.max(*x)));
            let mut inner = Raster::new(side * cell, side * cell, WHITE);
            for (place, value) in values.iter().enumerate() {
                let (x, y) = (place % side, side - 1 - place / side);
                let part = if high > low { (value - low) / (high - low) } else { 0.5 };
                inner.fill((x * cell, y * cell), (cell, cell), heat(part));
            }
            let title = format!("column {column}, {low:.2} to {high:.2}");
            with_axes(&inner, &title, (ticks, names.0), (ticks, names.1))
        })
        .collect();
    let (width, height) = panels.first().map_or((1, 1), Raster::size);
    let across = shown.clamp(1, 3);
    let mut picture = Raster::new(across * width, shown.div_ceil(across) * height, WHITE);
    for (place, panel) in panels.iter().enumerate() {
        picture.paste(panel, (place % across * width, place / across * height));
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inked(picture: &Raster, colour: Colour) -> usize {
        let (width, height) = picture.size();
        (0..width * height).filter(|place| picture.pixel(place % width, place / width) == colour).count()
    }

    #[test]
    fn draws_and_data_are_in_every_panel_of_a_table() {
        let data: Vec<f32> = (0..300).map(|place| (place as f32 * 0.7).sin()).collect();
        let draws: Vec<f32> = data.iter().map(|value| value + 5.0).collect();
        for width in [1, 2, 3, 6, 10] {
            let both = pairs(&draws, &data, width);
            assert!(inked(&both, DRAWS) > 100 && inked(&both, DATA) > 100, "{width}");
            let alone = pairs(&draws, &[], width);
            assert!(inked(&alone, DATA) == 0 && inked(&alone, DRAWS) > 100, "{width}");
        }
        // More columns than fit change nothing but the words.
        assert_eq!(pairs(&draws, &data, 10).size(), pairs(&draws, &data, 6).size());
        // Numbers that are none, a constant column and no draws at all are pictures too.
        pairs(&[f32::NAN, 1.0, f32::INFINITY, 1.0], &[2.0, 1.0], 2);
        pairs(&[], &[], 3);
    }

    #[test]
    fn completed_rows_are_drawn_over_the_originals_with_their_hidden_columns_first() {
        let originals: Vec<f32> = (0..400).map(|place| (place * place % 7 % 2) as f32).collect();
        let completed: Vec<f32> = originals.iter().map(|value| 1.0 - value).collect();
        for (width, hidden) in [(2, 1), (5, 2), (10, 3), (10, 8), (40, 40)] {
            let picture = completions(&completed, &originals, width, |column| column >= width - hidden);
            assert!(inked(&picture, DRAWS) > 100 && inked(&picture, DATA) > 100, "{width}");
            assert_eq!(picture.size(), pairs(&completed, &originals, width).size());
        }
        // Another column hidden is another picture, of a table of more columns than fit as well.
        let of = |hidden: usize| completions(&completed, &originals, 10, |column| column == hidden);
        let different = |a: &Raster, b: &Raster| {
            let (width, height) = a.size();
            (0..width * height).any(|at| a.pixel(at % width, at / width) != b.pixel(at % width, at / width))
        };
        assert!(different(&of(9), &of(8)));
    }

    #[test]
    fn columns_of_two_levels_are_spread_and_others_are_not() {
        let bits = Column::of(&[0.0, 1.0, 1.0, 0.0], &[1.0, 0.0], 1, 0, 200);
        let places = bits.places(&bits.draws, 0.7549);
        assert!(places.iter().all(|place| (0.0..=1.0).contains(place)) && places[1] != places[2]);
        let reals = Column::of(&[0.0, 0.5, 1.0], &[], 1, 0, 200);
        assert_eq!(reals.spread, 0.0);
    }

    #[test]
    fn a_plane_has_its_lowest_line_below() {
        let values: Vec<f32> = (0..4).map(|place| (place / 2) as f32).collect();
        let picture = on_plane(&values, 2, 1, &[], ("x", "y"));
        let top = 2 * LINE + LINE / 2;
        assert_eq!(picture.pixel(LEFT + 6, top + 6), heat(1.0));
        assert_eq!(picture.pixel(LEFT + 6, top + 18), heat(0.0));
    }

    #[test]
    fn originals_and_matrices_are_drawn_at_any_size() {
        over_originals(&[0.1, 0.2, 0.3, 0.4], &[0.1, 0.2, 0.3, 0.5], 2, "reconstructions");
        over_originals(&[0.5; 20], &[0.5; 20], 10, "reconstructions");
        weights(&vec![vec![0.5f32; 13]; 128]);
        weights(&vec![vec![0.0f32; 1]; 1]);
        let none: [Vec<f32>; 0] = [];
        weights(&none);
    }
}
