//! Pictures of the plane: densities as colours, points as dots.

use super::axis::Axis;
use super::raster::Colour;

/// Pixels along a side.
pub const SIDE: usize = 480;

/// A rectangle of the plane, drawn as a square with y upwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    centre: [f32; 2],
    /// Half of its width and height.
    reach: [f32; 2],
}

impl Window {
    /// The smallest square that holds all points `[count, 2]` with a margin.
    pub fn around(points: &[f32]) -> Self {
        let (points, _) = points.as_chunks::<2>();
        let ends = [0, 1].map(|axis| {
            points
                .iter()
                .map(|point| point[axis])
                .filter(|x| x.is_finite())
                .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)))
        });
        let ends = ends.map(|(low, high)| if low <= high { (low, high) } else { (-1.0, 1.0) });
        let reach = ends.iter().map(|(low, high)| 0.55 * (high - low)).fold(1e-3, f32::max);
        Window { centre: ends.map(|(low, high)| 0.5 * (low + high)), reach: [reach; 2] }
    }

    /// The axes, x and y.
    pub fn axes(&self) -> [Axis; 2] {
        [0, 1].map(|axis| Axis::between(f64::from(self.centre[axis]), f64::from(self.reach[axis])))
    }

    /// The middle of every pixel, line by line from the top, `[SIDE × SIDE, 2]`.
    pub fn places(&self) -> Vec<f32> {
        let at = |axis: usize, pixel: usize| {
            let part = (2 * pixel + 1) as f32 / SIDE as f32 - 1.0;
            self.centre[axis] + part * self.reach[axis]
        };
        (0..SIDE * SIDE).flat_map(|place| [at(0, place % SIDE), at(1, SIDE - 1 - place / SIDE)]).collect()
    }

    /// The darkness of each pixel where every point `[count, 2]` is a dot, from 0 to 1.
    pub fn dots(&self, points: &[f32]) -> Vec<f32> {
        let mut light = vec![1.0f32; SIDE * SIDE];
        let (points, _) = points.as_chunks::<2>();
        // The more there are, the fainter each is.
        let strength = (60.0 / (points.len() as f32).sqrt()).clamp(0.08, 0.9);
        for point in points {
            let at = [0, 1].map(|axis| {
                ((point[axis] - self.centre[axis]) / self.reach[axis] + 1.0) * 0.5 * SIDE as f32 - 0.5
            });
            for (dx, dy) in (-2..=2).flat_map(|dx| (-2..=2).map(move |dy| (dx, dy))) {
                let (x, y) = (at[0].round() + dx as f32, at[1].round() + dy as f32);
                let inside = |x: f32| (0.0..SIDE as f32).contains(&x);
                if inside(x) && inside(y) {
                    let distance = (x - at[0]).hypot(y - at[1]);
                    let cover = strength * (2.0 - distance).clamp(0.0, 1.0);
                    light[(SIDE - 1 - y as usize) * SIDE + x as usize] *= 1.0 - cover;
                }
            }
        }
        light.into_iter().map(|light| 1.0 - light).collect()
    }
}

/// White paper, blue dots.
pub fn ink(darkness: f32) -> Colour {
    [20.0, 60.0, 130.0].map(|full: f32| (255.0 + (full - 255.0) * darkness.clamp(0.0, 1.0)).round() as u8)
}

/// From black over purple and orange to pale yellow, each step about as much lighter as the last.
pub fn heat(value: f32) -> Colour {
    const STOPS: [[f32; 3]; 6] = [
        [0.0, 0.0, 4.0],
        [58.0, 15.0, 110.0],
        [140.0, 41.0, 129.0],
        [222.0, 73.0, 104.0],
        [254.0, 159.0, 109.0],
        [252.0, 253.0, 191.0],
    ];
    let place = value.clamp(0.0, 1.0) * (STOPS.len() - 1) as f32;
    let stop = (place as usize).min(STOPS.len() - 2);
    let part = place - stop as f32;
    std::array::from_fn(|i| (STOPS[stop][i] + part * (STOPS[stop + 1][i] - STOPS[stop][i])).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_is_where_its_point_is() {
        let window = Window::around(&[-1.0, -1.0, 1.0, 1.0]);
        let (dots, places) = (window.dots(&[0.5, 0.9]), window.places());
        let darkest = (0..dots.len()).max_by(|&a, &b| dots[a].total_cmp(&dots[b])).unwrap();
        let [x, y] = [places[2 * darkest], places[2 * darkest + 1]];
        assert!((x - 0.5).abs() < 0.005 && (y - 0.9).abs() < 0.005, "{x} {y}");
        assert_eq!(window.dots(&[50.0, f32::NAN]).iter().sum::<f32>(), 0.0);
        assert_eq!(Window::around(&[]), Window { centre: [0.0; 2], reach: [1.1; 2] });
    }

    #[test]
    fn colours_go_from_black_to_light() {
        assert_eq!((heat(-1.0), heat(1.0)), ([0, 0, 4], [252, 253, 191]));
        assert_eq!(ink(0.0), [255; 3]);
    }
}
