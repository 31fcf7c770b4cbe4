//! A spline in each lane of a vector.

use super::{Direction, LEAST, LEVEL, MOST_BINS, Spline};
use crate::kernels::vector::Vector;
use crate::simd::Simd;

/// The bins of a spline a lane.
pub(super) struct Bins<S: Simd> {
    spline: Spline,
    /// Softmax of the widths, and of the heights.
    shares: [[Vector<S>; MOST_BINS]; 2],
    /// The unconstrained slopes at the end of each bin; that of the last one is 0, which gives 1.
    slopes: [Vector<S>; MOST_BINS],
}

impl<S: Simd> Bins<S> {
    /// Of parameters `[lanes, parameters]`; of zeros in the lanes behind.
    #[inline(always)]
    pub(super) fn of(simd: S, spline: Spline, parameters: &[f32]) -> Self {
        let (count, number) = (spline.parameters(), spline.bins);
        let zero = Vector::splat(simd, 0.0);
        let mut bins = Bins { spline, shares: [[zero; MOST_BINS]; 2], slopes: [zero; MOST_BINS] };
        for kind in 0..2 {
            let shares = &mut bins.shares[kind];
            let mut largest = Vector::splat(simd, f32::NEG_INFINITY);
            for bin in 0..number {
                shares[bin] = column(simd, parameters, kind * number + bin, count);
                largest = shares[bin].max(largest);
            }
            let mut sum = zero;
            for bin in 0..number {
                shares[bin] = (shares[bin] - largest).exp();
                sum = sum + shares[bin];
            }
            for bin in 0..number {
                shares[bin] = shares[bin] / sum;
            }
        }
        for knot in 0..number - 1 {
            bins.slopes[knot] = column(simd, parameters, 2 * number + knot, count);
        }
        bins
    }

    /// The width, or height, of a bin: 2B (ε + (1 − Kε) share).
    #[inline(always)]
    fn extent(&self, kind: usize, bin: usize) -> Vector<S> {
        let share = self.shares[kind][bin];
        share.all(2.0 * self.spline.bound * LEAST) + self.rest() * share
    }

    /// 2B (1 − Kε).
    #[inline(always)]
    fn rest(&self) -> f32 {
        2.0 * self.spline.bound * (1.0 - self.spline.bins as f32 * LEAST)
    }

    /// `inside` where x lies in the box, else, and where it is NaN, `outside`.
    #[inline(always)]
    fn choose(&self, x: Vector<S>, inside: Vector<S>, outside: Vector<S>) -> Vector<S> {
        let (low, high) = (x.all(-self.spline.bound), x.all(self.spline.bound));
        x.if_less(high, low.if_less(x, inside, outside), outside)
    }
}

/// Number `index` of each lane's parameters.
#[inline(always)]
fn column<S: Simd>(simd: S, parameters: &[f32], index: usize, count: usize) -> Vector<S> {
    let mut values = [0.0; 16];
    let lanes = parameters.len() / count;
    for lane in 0..lanes {
        values[lane] = parameters[lane * count + index];
    }
    Vector::of(simd, &values)
}

/// The bin that a number falls into, and where in it.
struct Place<S: Simd> {
    /// Its number.
    index: Vector<S>,
    /// x₀, y₀.
    begin: [Vector<S>; 2],
    /// w, h.
    extent: [Vector<S>; 2],
    /// The unconstrained slopes at its ends.
    raw_slopes: [Vector<S>; 2],
    /// δ₀, δ₁.
    slopes: [Vector<S>; 2],
    /// ξ in [0, 1].
    xi: Vector<S>,
}

impl<S: Simd> Place<S> {
    /// Where `x`, clamped into the box, falls: y in the inverse direction.
    #[inline(always)]
    fn of(bins: &Bins<S>, direction: Direction, x: Vector<S>) -> Self {
        let (zero, low, high) = (x.all(0.0), x.all(-bins.spline.bound), x.all(bins.spline.bound));
        let x = x.clamp(low, high);
        let side = usize::from(direction == Direction::Inverse);
        let (mut index, mut begin, mut extent, mut raw) = (zero, [low; 2], [zero; 2], [zero; 2]);
        let mut knot = [low; 2];
        let mut before = zero;
        for bin in 0..bins.spline.bins {
            // What is not below its beginning is in it, unless in a later one.
            let at = knot[side];
            index = x.if_less(at, index, x.all(bin as f32));
            for axis in 0..2 {
                let own = bins.extent(axis, bin);
                begin[axis] = x.if_less(at, begin[axis], knot[axis]);
                extent[axis] = x.if_less(at, extent[axis], own);
                knot[axis] = knot[axis] + own;
            }
            raw[0] = x.if_less(at, raw[0], before);
            raw[1] = x.if_less(at, raw[1], bins.slopes[bin]);
            before = bins.slopes[bin];
        }
        let slopes = [slope(raw[0]), slope(raw[1])];
        let xi = match direction {
            Direction::Forward => (x - begin[0]) / extent[0],
            Direction::Inverse => solve(extent, slopes, x - begin[1]),
        };
        Place { index, begin, extent, raw_slopes: raw, slopes, xi: xi.clamp(zero, x.all(1.0)) }
    }
}

/// ε + softplus(r + c).
#[inline(always)]
fn slope<S: Simd>(raw: Vector<S>) -> Vector<S> {
    raw.all(LEAST) + (raw + raw.all(LEVEL)).softplus()
}

/// ξ where a bin has risen so far: a ξ² + b ξ − sΔ = 0 with a = h (s − δ₀) + Δ (δ₀ + δ₁ − 2s) and b = h δ₀ − Δ (δ₀ + δ₁ − 2s).
#[inline(always)]
fn solve<S: Simd>([w, h]: [Vector<S>; 2], [d0, d1]: [Vector<S>; 2], rise: Vector<S>) -> Vector<S> {
    let zero = rise.all(0.0);
    let rise = rise.clamp(zero, h);
    let s = h / w;
    let turn = rise * (d0 + d1 - 2.0 * s);
    let (a, b, c) = (h * (s - d0) + turn, h * d0 - turn, s * rise);
    let discriminant = (b * b + 4.0 * (a * c)).max(zero);
    2.0 * c / (b + discriminant.sqrt())
}

/// What y and its slope are made of.
struct Parts<S: Simd> {
    s: Vector<S>,
    q: Vector<S>,
    /// δ₀ + δ₁ − 2s.
    bend: Vector<S>,
    /// s ξ² + δ₀ q.
    numerator: Vector<S>,
    /// D.
    denominator: Vector<S>,
    /// M.
    weight: Vector<S>,
}

impl<S: Simd> Parts<S> {
    #[inline(always)]
    fn of(place: &Place<S>) -> Self {
        let ([w, h], [d0, d1], xi) = (place.extent, place.slopes, place.xi);
        let (s, rest) = (h / w, xi.all(1.0) - xi);
        let (q, square) = (xi * rest, xi * xi);
        let bend = d0 + d1 - 2.0 * s;
        Parts {
            s,
            q,
            bend,
            numerator: s * square + d0 * q,
            denominator: s + bend * q,
            weight: d1 * square + 2.0 * s * q + d0 * (rest * rest),
        }
    }

    /// dy/dx = s² M / D².
    #[inline(always)]
    fn slope(&self) -> Vector<S> {
        let ratio = self.s / self.denominator;
        ratio * ratio * self.weight
    }
}

/// The value and the logarithm of the slope.
#[inline(always)]
pub(super) fn evaluate<S: Simd>(bins: &Bins<S>, direction: Direction, x: Vector<S>) -> (Vector<S>, Vector<S>) {
    let place = Place::of(bins, direction, x);
    let parts = Parts::of(&place);
    let log_slope = parts.slope().ln();
    let (value, log_slope) = match direction {
        Direction::Forward => (place.begin[1] + place.extent[1] * parts.numerator / parts.denominator, log_slope),
        Direction::Inverse => (place.begin[0] + place.extent[0] * place.xi, -log_slope),
    };
    (bins.choose(x, value, x), bins.choose(x, log_slope, x.all(0.0)))
}

/// Derivatives of a bin's value y, less its beginning, and of ln dy/dx by ξ, s, δ₀ and δ₁.
struct Derivatives<S: Simd> {
    value: [Vector<S>; 4],
    log_slope: [Vector<S>; 4],
}

impl<S: Simd> Derivatives<S> {
    #[inline(always)]
    fn of(place: &Place<S>, parts: &Parts<S>) -> Self {
        let ([_, h], [d0, d1], xi) = (place.extent, place.slopes, place.xi);
        let &Parts { s, q, bend, numerator, denominator, weight } = parts;
        let (zero, one) = (xi.all(0.0), xi.all(1.0));
        let (rest, turn, square) = (one - xi, one - 2.0 * xi, xi * xi);
        let of_numerator = [2.0 * s * xi + d0 * turn, square, q, zero];
        let of_denominator = [bend * turn, one - 2.0 * q, q, q];
        let of_weight = [2.0 * (d1 * xi - d0 * rest + s * turn), 2.0 * q, rest * rest, square];
        let (quotient, inverse, inverse_weight) = (numerator / denominator, one / denominator, one / weight);
        let (mut value, mut log_slope) = ([zero; 4], [zero; 4]);
        for v in 0..4 {
            value[v] = h * inverse * (of_numerator[v] - quotient * of_denominator[v]);
            log_slope[v] = of_weight[v] * inverse_weight - 2.0 * of_denominator[v] * inverse;
        }
        log_slope[1] = log_slope[1] + one.all(2.0) / s;
        Derivatives { value, log_slope }
    }

    /// Of g_y y + g_l ln slope, by variable `v`.
    #[inline(always)]
    fn of_sum(&self, v: usize, [of_value, of_log_slope]: [Vector<S>; 2]) -> Vector<S> {
        of_value * self.value[v] + of_log_slope * self.log_slope[v]
    }
}

/// The derivatives of g_y y + g_l ln slope with respect to a lane's x, which is returned, and to its parameters, into `out`
/// `[lanes, parameters]`.
///
/// In the inverse direction, x = g⁻¹(y; θ) and ln slope = −L(x; θ). As dx = (dy − g_θ dθ) / g′, with A = g_x − g_l ∂L/∂x the
/// derivative by y is A / g′, and those by θ are those of the forward direction for −A / g′ and −g_l.
#[inline(always)]
pub(super) fn backward<S: Simd>(
    bins: &Bins<S>,
    direction: Direction,
    x: Vector<S>,
    gradient: [Vector<S>; 2],
    out: &mut [f32],
) -> Vector<S> {
    let (count, number, zero) = (bins.spline.parameters(), bins.spline.bins, x.all(0.0));
    let place = Place::of(bins, direction, x);
    let parts = Parts::of(&place);
    let derivatives = Derivatives::of(&place, &parts);
    let ([w, _], xi, inverse_width) = (place.extent, place.xi, x.all(1.0) / place.extent[0]);
    let (forward, of_x) = match direction {
        Direction::Forward => (gradient, derivatives.of_sum(0, gradient) * inverse_width),
        Direction::Inverse => {
            let change = gradient[0] - gradient[1] * derivatives.log_slope[0] * inverse_width;
            let of_x = change / parts.slope();
            ([-of_x, -gradient[1]], of_x)
        }
    };
    let (by_xi, by_s) = (derivatives.of_sum(0, forward), derivatives.of_sum(1, forward));
    let by_begin = [bins.choose(x, -(by_xi / w), zero), bins.choose(x, forward[0], zero)];
    let by_width = -((by_xi * xi + by_s * parts.s) * inverse_width);
    let by_height = forward[0] * parts.numerator / parts.denominator + by_s * inverse_width;
    let by_extent = [bins.choose(x, by_width, zero), bins.choose(x, by_height, zero)];
    for kind in 0..2 {
        // An extent moves all knots behind it.
        let (mut by_share, mut mean) = ([zero; MOST_BINS], zero);
        for bin in 0..number {
            let at = x.all(bin as f32);
            let behind = at.if_less(place.index, by_begin[kind], zero);
            by_share[bin] = bins.rest() * at.if_equal(place.index, by_extent[kind], behind);
            mean = mean + bins.shares[kind][bin] * by_share[bin];
        }
        for bin in 0..number {
            put(bins.shares[kind][bin] * (by_share[bin] - mean), out, kind * number + bin, count);
        }
    }
    let mut by_slope = [zero; 2];
    for end in 0..2 {
        let gate = (place.raw_slopes[end] + x.all(LEVEL)).sigmoid();
        by_slope[end] = bins.choose(x, derivatives.of_sum(2 + end, forward) * gate, zero);
    }
    for knot in 1..number {
        // It ends one bin, and begins the next.
        let begins = x.all(knot as f32).if_equal(place.index, by_slope[0], zero);
        let value = x.all((knot - 1) as f32).if_equal(place.index, by_slope[1], begins);
        put(value, out, 2 * number + knot - 1, count);
    }
    bins.choose(x, of_x, gradient[0])
}

/// Puts a vector at number `index` of each lane's parameters.
#[inline(always)]
fn put<S: Simd>(vector: Vector<S>, out: &mut [f32], index: usize, count: usize) {
    let values = vector.values();
    let lanes = out.len() / count;
    for lane in 0..lanes {
        out[lane * count + index] = values[lane];
    }
}
