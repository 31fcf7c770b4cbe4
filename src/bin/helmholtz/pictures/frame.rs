//! Axes around a part of a picture of pixels.

use super::axis::Axis;
use super::raster::{Anchor, BLACK, Colour, LINE, Raster, length_of};

const RULED: Colour = [225, 225, 225];
const EDGE: Colour = [110, 110, 110];
/// Room around a title.
const MARGIN: usize = 12;
/// Length of a tick.
const TICK: usize = 6;

/// Room for the labels left of a frame, and below it with the name of the axis.
pub const LEFT: usize = 92;
/// Below it.
pub const BELOW: usize = TICK + 4 + 2 * LINE;

/// A mark on an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Where along the axis, from 0 to 1.
    pub part: f64,
    /// The number beside it.
    pub label: String,
}

impl Tick {
    /// The ticks of an axis.
    pub fn all(axis: &Axis) -> Vec<Tick> {
        axis.ticks().iter().map(|tick| Tick { part: axis.part(*tick), label: axis.label(*tick) }).collect()
    }
}

/// A part of a picture with axes at its left and its lower edge, y upwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The left end.
    pub left: usize,
    /// The upper end.
    pub top: usize,
    /// Pixels from left to right.
    pub width: usize,
    /// Pixels from top to bottom.
    pub height: usize,
}

impl Frame {
    /// Lines across the frame at ticks.
    pub fn rule(&self, picture: &mut Raster, x: &[Tick], y: &[Tick]) {
        for tick in x {
            picture.fill((self.across(tick.part), self.top), (1, self.height), RULED);
        }
        for tick in y {
            picture.fill((self.left, self.up(tick.part)), (self.width, 1), RULED);
        }
    }

    /// Draws the edges.
    pub fn edge(&self, picture: &mut Raster) {
        let Frame { left, top, width, height } = *self;
        for (at, size) in [
            ((left, top), (width, 1)),
            ((left, top + height - 1), (width, 1)),
            ((left, top), (1, height)),
            ((left + width - 1, top), (1, height)),
        ] {
            picture.fill(at, size, EDGE);
        }
    }

    /// Ticks with their numbers below, and the name of the axis below these.
    pub fn label_below(&self, picture: &mut Raster, ticks: &[Tick], name: &str) {
        let bottom = self.top + self.height;
        for tick in ticks {
            let x = self.across(tick.part);
            picture.fill((x, bottom), (1, TICK), EDGE);
            picture.words(&tick.label, x, bottom + TICK + 4, Anchor::Middle, BLACK);
        }
        picture.words(name, self.left + self.width / 2, bottom + TICK + 4 + LINE, Anchor::Middle, BLACK);
    }

    /// Ticks with their numbers at the left, and the name of the axis above these.
    pub fn label_left(&self, picture: &mut Raster, ticks: &[Tick], name: &str) {
        for tick in ticks {
            let y = self.up(tick.part);
            picture.fill((self.left.saturating_sub(TICK), y), (TICK, 1), EDGE);
            let top = y.saturating_sub(LINE / 2 - 3);
            picture.words(&tick.label, self.left.saturating_sub(TICK + 4), top, Anchor::Right, BLACK);
        }
        picture.words(
            name,
            self.left.saturating_sub(TICK + 4),
            self.top.saturating_sub(LINE),
            Anchor::Right,
            BLACK,
        );
    }

    /// A dot at (x, y), each from 0 to 1, two pixels wide or so.
    pub fn dot(&self, picture: &mut Raster, (x, y): (f64, f64), colour: Colour, strength: f32) {
        if !(0.0..=1.0).contains(&x) || !(0.0..=1.0).contains(&y) {
            return;
        }
        let at = (
            self.left as f64 + x * (self.width - 1) as f64,
            self.top as f64 + (1.0 - y) * (self.height - 1) as f64,
        );
        for (dx, dy) in (-1..=1).flat_map(|dx| (-1..=1).map(move |dy| (dx, dy))) {
            let (px, py) = (at.0.round() + f64::from(dx), at.1.round() + f64::from(dy));
            let cover = (1.7 - (px - at.0).hypot(py - at.1)).clamp(0.0, 1.0) as f32;
            picture.blend(px as i64, py as i64, colour, strength * cover);
        }
    }

    /// The column of pixels that is this part of the way to the right.
    pub fn across(&self, part: f64) -> usize {
        self.left + (part.clamp(0.0, 1.0) * (self.width - 1) as f64).round() as usize
    }

    /// The line of pixels that is this part of the way up.
    pub fn up(&self, part: f64) -> usize {
        self.top + ((1.0 - part.clamp(0.0, 1.0)) * (self.height - 1) as f64).round() as usize
    }
}

/// A picture with axes at its left and below it, and a title.
pub fn with_axes(inner: &Raster, title: &str, x: (&[Tick], &str), y: (&[Tick], &str)) -> Raster {
    let (width, height) = inner.size();
    let top = 2 * LINE + LINE / 2;
    let length = 2 * MARGIN + length_of(title);
    let mut picture =
        Raster::new((LEFT + width + LINE).max(length), top + height + BELOW + LINE / 2, super::raster::WHITE);
    let frame = Frame { left: LEFT, top, width, height };
    picture.words(title, MARGIN, LINE / 4, Anchor::Left, BLACK);
    picture.paste(inner, (LEFT, top));
    frame.edge(&mut picture);
    frame.label_below(&mut picture, x.0, x.1);
    frame.label_left(&mut picture, y.0, y.1);
    picture
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::raster::WHITE;

    #[test]
    fn a_dot_is_where_its_numbers_say() {
        let frame = Frame { left: 10, top: 20, width: 101, height: 51 };
        let mut picture = Raster::new(130, 90, WHITE);
        frame.dot(&mut picture, (0.25, 0.8), BLACK, 1.0);
        frame.dot(&mut picture, (1.5, 0.5), BLACK, 1.0);
        frame.dot(&mut picture, (f64::NAN, 0.5), BLACK, 1.0);
        assert_eq!(picture.pixel(35, 30), BLACK);
        let inked = (0..130 * 90).filter(|place| picture.pixel(place % 130, place / 130) != WHITE).count();
        assert_eq!(inked, 9, "one dot");
        assert_eq!((frame.across(0.5), frame.up(0.0), frame.up(1.0)), (60, 70, 20));
    }

    #[test]
    fn axes_leave_the_picture_as_it_is() {
        let inner = Raster::new(60, 40, [1, 2, 3]);
        let ticks = [Tick { part: 0.5, label: "0".into() }];
        let whole = with_axes(&inner, "title", (&ticks, "x"), (&ticks, "y"));
        let top = 2 * LINE + LINE / 2;
        assert_eq!(whole.pixel(LEFT + 30, top + 20), [1, 2, 3]);
        assert_eq!(whole.pixel(LEFT + 30, top + 40 + 2), EDGE, "a tick below");
        assert_eq!(whole.pixel(LEFT - 2, top + 20), EDGE, "a tick at the left");
    }
}
