//! The look that all charts share: colours, and a title with the names of the lines beside it.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// The first line of a panel.
pub const BLUE: RGBColor = RGBColor(33, 102, 172);
/// The second.
pub const ORANGE: RGBColor = RGBColor(217, 119, 6);
/// The third.
pub const RED: RGBColor = RGBColor(178, 24, 43);
/// The fourth.
pub const GREEN: RGBColor = RGBColor(27, 120, 55);
/// Notes and marks.
pub const GREY: RGBColor = RGBColor(110, 110, 110);
/// Lines at ticks.
pub const RULE: RGBColor = RGBColor(225, 225, 225);

/// Height of a title, and of a line of names below it.
const TITLE: i32 = 24;
const LINE: i32 = 16;
/// Length of the stroke beside a name.
const SAMPLE: i32 = 21;
/// About the width of a letter.
const LETTER: f64 = 6.3;

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// In one: what was measured.
    Solid,
    /// In dashes: theory.
    Dashed,
}

/// Pixels of a dash, and between two.
pub const DASH: (i32, i32) = (5, 3);

/// The name of a line beside a stroke of its colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key<'a> {
    /// The name; where it is empty, nothing is drawn.
    pub label: &'a str,
    /// The line's colour.
    pub colour: RGBColor,
    /// How the line is drawn.
    pub stroke: Stroke,
}

/// Writes a title and below it the names of the lines, above all that is drawn into the area that is left, which it
/// returns.
pub fn title<'a>(
    panel: &DrawingArea<SVGBackend<'a>, Shift>,
    words: &str,
    keys: &[Key<'_>],
) -> Result<DrawingArea<SVGBackend<'a>, Shift>, Box<dyn std::error::Error>> {
    let width = panel.dim_in_pixel().0 as i32;
    let style = ("sans-serif", 16).into_font().color(&BLACK).pos(Pos::new(HPos::Left, VPos::Center));
    panel.draw(&Text::new(words.to_owned(), (12, TITLE / 2 + 4), style))?;
    let (mut x, mut y) = (12, TITLE + LINE / 2 + 2);
    let mut used = TITLE + 8;
    for key in keys.iter().filter(|key| !key.label.is_empty()) {
        let length = SAMPLE + 6 + (key.label.chars().count() as f64 * LETTER) as i32 + 14;
        if x > 12 && x + length > width {
            (x, y) = (12, y + LINE);
        }
        let (dash, gap) = if key.stroke == Stroke::Dashed { DASH } else { (SAMPLE, 0) };
        for from in (0..SAMPLE).step_by((dash + gap) as usize) {
            let to = (from + dash).min(SAMPLE);
            panel.draw(&PathElement::new([(x + from, y), (x + to, y)], key.colour.stroke_width(2)))?;
        }
        let style = ("sans-serif", 12).into_font().color(&key.colour).pos(Pos::new(HPos::Left, VPos::Center));
        panel.draw(&Text::new(key.label.to_owned(), (x + SAMPLE + 6, y), style))?;
        x += length;
        used = y + LINE / 2 + 4;
    }
    Ok(panel.split_vertically(used).1)
}
