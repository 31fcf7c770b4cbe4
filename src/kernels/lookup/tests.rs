//! Every product and epilogue, on every instruction set of this CPU, against sums in f64 and draws by the book.
//!
//! Bounds are derived, with u = 2⁻²⁴ the largest relative error of one rounding:
//!
//! - a weight is rounded to a multiple of 2⁻ᵏ ≤ 2⁻²⁹ Σ|w|, the sum over all inputs, and the total to a float: a sum of n
//!   weights errs by at most n 2⁻³⁰ Σ|w| and u of itself;
//! - [`crate::simd::math::exp`] is 1 ULP = 2u off at most, so with e = exp(−|x|) the sum 1 + e errs by 2u relative
//!   (e / (1 + e) ≤ ½, then its own rounding), and e itself by 2u;
//! - a draw compares u′ (1 + e) with 1 or e: its threshold errs by 4u of itself, a probability (one division, one
//!   weight) by 5u.

use super::operands::{Rows, TILE};
use super::tables::{Grid, groups, table_shape, tile_stride};
use super::*;
use crate::random::Lanes;
use crate::random::Seed;
use crate::simd::{Isa, Simd, Vectorised, dispatch_on};
use crate::tensor::{AlignedVec, BitMatrix, LANES};

const U: f64 = 1.0 / 16_777_216.0;
/// The smallest subnormal number: what 1 ULP comes to at the very bottom.
const TINY: f64 = 1.5e-45;

/// [outputs, inputs, rows].
const SHAPES: [[usize; 3]; 14] = [
    [1, 1, 1],
    [3, 31, 5],
    [4, 32, 16],
    [5, 33, 17],
    [32, 3, 40],
    [31, 64, 130],
    [33, 95, 95],
    [37, 500, 20],
    [500, 784, 33],
    [784, 20, 48],
    [6, 1, 64],
    [9, 0, 20],
    [0, 9, 20],
    [8, 12, 0],
];

fn sets() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|isa| isa.is_supported())
}

fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// A product: weights with rows further apart than they are long and NaN between them, off any alignment.
struct Case {
    outputs: usize,
    inputs: usize,
    stride: usize,
    values: Vec<f32>,
    bias: Vec<f32>,
    input: BitMatrix,
}

impl Case {
    fn new([outputs, inputs, rows]: [usize; 3]) -> Self {
        let stride = inputs + 5;
        let mut values = vec![0.0; 1 + outputs * stride];
        let mut lanes = Seed(1).lanes("lookup case", (outputs * 1000 + inputs) as u64);
        lanes.fill_uniform(&mut values);
        values.iter_mut().for_each(|value| *value = 3.0 * *value - 1.5);
        for row in values[1..].chunks_exact_mut(stride) {
            row[inputs..].fill(f32::NAN);
        }
        let mut bias = vec![0.0; outputs];
        lanes.fill_uniform(&mut bias);
        bias.iter_mut().for_each(|value| *value = 4.0 * *value - 2.0);
        let mut chances = vec![0.0; rows * inputs];
        lanes.fill_uniform(&mut chances);
        let input = BitMatrix::from_fn(rows, inputs, |row, unit| chances[row * inputs + unit] < 0.4);
        Case { outputs, inputs, stride, values, bias, input }
    }

    fn all() -> impl Iterator<Item = Case> {
        SHAPES.into_iter().map(Case::new)
    }

    fn shape(&self) -> String {
        format!("{} × {}, {} rows", self.outputs, self.inputs, self.input.rows())
    }

    fn rows(&self, isa: Isa) -> Weights<'_> {
        let (values, outputs, inputs, stride) = (&self.values[1..], self.outputs, self.inputs, self.stride);
        Weights::Rows(Rows { isa, values, outputs, inputs, stride })
    }

    fn tables(&self, isa: Isa) -> Tables {
        let mut tables = Tables::with_isa(isa);
        tables.build(&self.values[1..], [self.outputs, self.inputs], self.stride);
        tables
    }

    fn weight(&self, output: usize, input: usize) -> f32 {
        self.values[1 + output * self.stride + input]
    }

    /// Rows of whole blocks: those past the last are zeros.
    fn lanes(&self) -> usize {
        self.input.blocks() * LANES
    }

    fn bit(&self, row: usize, input: usize) -> bool {
        row < self.input.rows() && self.input.get(row, input)
    }

    /// Σ w over the inputs that are on, and how far from it a kernel's sum may be.
    fn exact(&self, output: usize, row: usize) -> (f64, f64) {
        let on = (0..self.inputs).filter(|&input| self.bit(row, input));
        let (sum, count) =
            on.fold((0.0, 0.0), |(sum, count), input| (sum + f64::from(self.weight(output, input)), count + 1.0));
        let size: f64 = (0..self.inputs).map(|input| f64::from(self.weight(output, input).abs())).sum();
        let rounded = count * size * 2f64.powi(-30);
        // A little more for the choice of k from a sum that is itself rounded.
        (sum, 1.001 * rounded + U * (sum.abs() + rounded))
    }

    fn sums(&self, isa: Isa) -> Vec<f32> {
        let mut values = vec![f32::NAN; self.outputs * self.lanes()];
        sums(self.rows(isa), BitsRef::from(&self.input), &mut values, self.lanes());
        values
    }

    /// The logits the kernel has, given its sums: f32 arithmetic, the same bits.
    fn logits(&self, isa: Isa, temper: Option<(&[f32], &[f32])>) -> Vec<f32> {
        let mut values = self.sums(isa);
        for (output, values) in values.chunks_exact_mut(self.lanes().max(1)).enumerate() {
            for (row, value) in values.iter_mut().enumerate() {
                let x = *value + self.bias[output];
                *value = temper.map_or(x, |(scale, base)| scale[row] * x + (1.0 - scale[row]) * base[output]);
            }
        }
        values
    }

    fn streams(&self) -> Vec<Lanes> {
        (0..self.input.blocks() as u64).map(|block| Seed(3).lanes("lookup test", block)).collect()
    }

    fn layer<'a>(&'a self, words: &'a mut [u32], rows: usize) -> Layer<'a> {
        Layer { bias: &self.bias, temper: None, words, free: None, rows }
    }
}

#[test]
fn tables_hold_every_partial_sum() {
    for case in Case::all() {
        for isa in sets() {
            let ([bits, entries], tables) = (table_shape(isa), case.tables(isa));
            let tiles = case.outputs.div_ceil(TILE);
            assert_eq!(tables.bytes(), 4 * (tile_stride(isa, case.inputs) + TILE) * tiles);
            // Groups do not cross words of 32 inputs.
            let words = (0..case.inputs).step_by(32).map(|first| first..case.inputs.min(first + 32));
            let firsts: Vec<_> =
                words.flat_map(|word| word.clone().step_by(bits).map(move |i| i..word.end)).collect();
            assert_eq!(firsts.len(), groups(case.inputs, bits));
            for output in 0..case.outputs.next_multiple_of(TILE) {
                let tile = tables.tile(output / TILE);
                let step = f64::from(tile.steps[output % TILE]);
                for (group, range) in firsts.iter().enumerate() {
                    let table = &tile.values[(group * TILE + output % TILE) * entries..][..entries];
                    for (entry, &value) in table.iter().enumerate() {
                        // The one entry of a single unit is that of the unit on.
                        let entry = if entries == 1 { 1 } else { entry };
                        let term = |place: usize| {
                            let input = range.start + place;
                            let on = place < bits && entry >> place & 1 == 1 && input < range.end;
                            let weight =
                                if on && output < case.outputs { case.weight(output, input) } else { 0.0 };
                            (f64::from(weight) / step).round_ties_even()
                        };
                        let want = if case.inputs == 0 { 0.0 } else { (0..4).map(term).sum() };
                        assert_eq!(f64::from(value as i32), want, "{isa} {}: output {output}", case.shape());
                    }
                }
            }
        }
    }
}

/// The grid of a row, the same on every instruction set.
fn grid_of(row: &[f32]) -> Grid {
    struct Find<'a>(&'a [f32]);
    impl Vectorised for Find<'_> {
        type Output = Grid;
        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Grid {
            Grid::of(simd, self.0)
        }
    }
    let grid = dispatch_on(Isa::Portable, Find(row));
    for isa in sets() {
        let other = dispatch_on(isa, Find(row));
        assert_eq!((grid.per_step, grid.step.to_bits()), (other.per_step, other.step.to_bits()), "{isa}");
    }
    grid
}

#[test]
fn the_grid_is_fine_and_its_sums_fit() {
    let mut rows = vec![vec![], vec![0.0; 40], vec![1.0], vec![-1.0; 7], vec![1e30, 1.0, -1e-30], vec![1e-42; 33]];
    rows.push((0..784).map(|i| (i as f32 * 0.7).sin()).collect());
    for row in rows {
        let grid = grid_of(&row);
        assert_eq!(grid.per_step * grid.step, 1.0);
        let size: f64 = row.iter().map(|&weight| f64::from(weight.abs())).sum();
        let steps = size * f64::from(grid.per_step);
        assert!(steps < 1.001 * 2f64.powi(30) && (steps > 0.999 * 2f64.powi(29) || grid.step == 2f32.powi(-126)));
    }
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert!(grid_of(&[1.0, bad]).step.is_nan());
    }
}

#[test]
fn sums_are_the_references_within_their_roundings_and_the_same_everywhere() {
    for case in Case::all() {
        let (lanes, input) = (case.lanes(), BitsRef::from(&case.input));
        let first = case.sums(Isa::Portable);
        for (output, sums) in first.chunks_exact(lanes.max(1)).enumerate() {
            for (row, &sum) in sums.iter().enumerate() {
                let (want, bound) = case.exact(output, row);
                assert!((f64::from(sum) - want).abs() <= bound, "{}: {sum} {want}", case.shape());
            }
        }
        for isa in sets() {
            let tables = case.tables(isa);
            for weights in [Weights::Tables(&tables), case.rows(isa)] {
                let (mut shared, mut alone) = (vec![f32::NAN; first.len()], vec![f32::NAN; first.len()]);
                sums(weights, input, &mut shared, lanes);
                sums_of_blocks(weights, input, &mut alone, lanes);
                assert_eq!(shared, first, "{isa} {}", case.shape());
                assert_eq!(alone, first, "{isa} {}", case.shape());
            }
        }
    }
}

/// What the draws of a layer must be, bit by bit: `None` where u is so near the probability that rounding decides.
struct Book {
    bits: Vec<Option<bool>>,
    streams: Vec<Lanes>,
    near: usize,
}

impl Book {
    fn of(case: &Case, logits: &[f32]) -> Self {
        let (lanes, mut streams) = (case.lanes(), case.streams());
        let mut bits = vec![None; logits.len()];
        let mut near = 0;
        for (block, stream) in streams.iter_mut().enumerate() {
            for unit in 0..case.outputs {
                for (lane, word) in stream.next_words().into_iter().enumerate() {
                    let place = unit * lanes + block * LANES + lane;
                    bits[place] = decision(word, logits[place]);
                    near += usize::from(bits[place].is_none());
                }
            }
        }
        Book { bits, streams, near }
    }

    /// Whether `words` are what this says, units that are not free still as they were in `before`.
    fn check(&self, case: &Case, words: &[u32], rows: usize, free: Option<&[u32]>, before: &[u32], what: &str) {
        let per_row = case.outputs.div_ceil(32);
        for row in 0..case.lanes() {
            for unit in 0..per_row * 32 {
                let place = (row / LANES * per_row + unit / 32) * LANES + row % LANES;
                let bit = words[place] >> (unit % 32) & 1 == 1;
                if row >= rows || unit >= case.outputs {
                    assert!(!bit, "{what}: spare bit of row {row} unit {unit}");
                } else if free.is_some_and(|free| free[unit / 32] >> (unit % 32) & 1 == 0) {
                    assert_eq!(
                        bit,
                        before[place] >> (unit % 32) & 1 == 1,
                        "{what}: held unit {unit} of row {row}"
                    );
                } else if let Some(want) = self.bits[unit * case.lanes() + row] {
                    assert_eq!(bit, want, "{what}: row {row} unit {unit}");
                }
            }
        }
    }
}

/// u < σ(x), unless the two are nearer than the kernel's roundings.
fn decision(word: u32, logit: f32) -> Option<bool> {
    if logit.is_nan() {
        return Some(false);
    }
    // The middle of one of 2²³ cells.
    let (uniform, p) = ((2.0 * f64::from(word >> 9) + 1.0) * U, sigmoid(f64::from(logit)));
    if logit.is_infinite() {
        return Some(logit > 0.0);
    }
    ((uniform - p).abs() > probability_bound(f64::from(logit))).then_some(uniform < p)
}

/// How far a probability may be from σ(x): the exponential e = e^(−|x|) errs by (2⁻²² + |x| 2⁻²³) e + 2⁻¹²⁶, which moves
/// σ by as much over 1 + e; then come a sum, a quotient and the weight.
fn probability_bound(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    let moved = if e > 0.0 { (4.0 * U + 2.0 * U * x.abs()) * e } else { 0.0 } + 2f64.powi(-126);
    moved + 3.01 * U * sigmoid(x)
}

/// Every way to draw the same half-sweep.
#[derive(Clone, Copy, Debug)]
enum Way {
    ByChains,
    ByOutputs,
    WithMeans,
}

fn draw(
    way: Way,
    weights: Weights<'_>,
    case: &Case,
    layer: Layer<'_>,
    streams: &mut [Lanes],
    drawn: &mut AlignedVec<u32>,
) {
    let input = BitsRef::from(&case.input);
    match way {
        Way::ByChains => sample(weights, input, layer, streams),
        Way::ByOutputs => sample_by_outputs(weights, input, layer, streams, drawn),
        Way::WithMeans => {
            let stride = case.lanes();
            let (mut values, row_weights) = (vec![0.0; case.outputs * stride], vec![1.0; stride]);
            let out = MeansOut { values: &mut values, stride, row_weights: &row_weights };
            mean_and_sample(weights, input, out, layer, 0, streams, drawn);
        }
    }
}

const WAYS: [Way; 3] = [Way::ByChains, Way::ByOutputs, Way::WithMeans];

#[test]
fn draws_are_the_books_in_every_way() {
    let (mut near, mut all) = (0, 0);
    for case in Case::all() {
        let per_row = case.outputs.div_ceil(32);
        let length = case.input.blocks() * per_row * LANES;
        // Held units: a third of them, and whole tiles; on before.
        let mut free = vec![0u32; per_row];
        let may_change = |unit: &usize| unit % 3 != 1 && !(8..16).contains(&(unit % 24));
        (0..case.outputs).filter(may_change).for_each(|unit| free[unit / 32] |= 1 << (unit % 32));
        let mut held = vec![0u32; length];
        for (index, word) in held.iter_mut().enumerate() {
            let row = index / LANES / per_row.max(1) * LANES + index % LANES;
            let spare = row >= case.input.rows();
            *word = if spare { 0 } else { !free[index / LANES % per_row] };
            if (index / LANES) % per_row == per_row - 1 && !case.outputs.is_multiple_of(32) {
                *word &= (1 << (case.outputs % 32)) - 1;
            }
        }
        let scale: Vec<f32> = (0..case.lanes()).map(|row| (row % 5) as f32 * 0.25).collect();
        let base: Vec<f32> = (0..case.outputs).map(|unit| (unit % 7) as f32 - 3.0).collect();
        let mut drawn = AlignedVec::new();
        for isa in sets() {
            let tables = case.tables(isa);
            for temper in [None, Some((&scale[..], &base[..]))] {
                let book = Book::of(&case, &case.logits(isa, temper));
                near += book.near;
                all += book.bits.len();
                for free in [None, Some(&free[..])] {
                    let mut first: Option<Vec<u32>> = None;
                    for way in WAYS {
                        for weights in [Weights::Tables(&tables), case.rows(isa)] {
                            let what = format!("{isa} {way:?} {}", case.shape());
                            let (mut words, mut streams) = (held.clone(), case.streams());
                            let layer = Layer { temper, free, ..case.layer(&mut words, case.input.rows()) };
                            draw(way, weights, &case, layer, &mut streams, &mut drawn);
                            book.check(&case, &words, case.input.rows(), free, &held, &what);
                            assert_eq!(streams, book.streams, "{what}: one word a unit, held or not");
                            assert_eq!(first.get_or_insert_with(|| words.clone()), &words, "{what}");
                        }
                    }
                }
            }
        }
    }
    // A uniform is within 4u of p with probability 8u: the exemption must stay one.
    assert!(near * 1000 < all, "{near} of {all} draws were too near to tell");
}

#[test]
fn inverse_temperature_one_is_no_temperature_and_zero_is_the_base() {
    let case = Case::new([37, 50, 20]);
    for isa in sets() {
        let base: Vec<f32> = (0..37).map(|unit| unit as f32 / 9.0 - 2.0).collect();
        let drawn = |scale: f32, bias: &[f32], temper: bool, zero_input: bool| {
            let input = if zero_input { BitMatrix::zeros(20, 50) } else { case.input.clone() };
            let (mut words, mut streams) = (vec![0; 2 * 2 * LANES], case.streams());
            let scales = [scale; 2 * LANES];
            let temper = temper.then_some((&scales[..], &base[..]));
            let layer = Layer { bias, temper, words: &mut words, free: None, rows: 20 };
            sample(case.rows(isa), BitsRef::from(&input), layer, &mut streams);
            words
        };
        assert_eq!(drawn(1.0, &case.bias, true, false), drawn(0.0, &case.bias, false, false), "{isa}");
        assert_eq!(drawn(0.0, &case.bias, true, false), drawn(0.0, &base, false, true), "{isa}");
    }
}

#[test]
fn probabilities_are_the_references_and_weighted_by_row() {
    for case in Case::all() {
        let lanes = case.lanes();
        let stride = lanes + LANES;
        let row_weights: Vec<f32> = (0..stride).map(|row| [1.0, -0.25, 0.0, 0.3][row % 4]).collect();
        for isa in sets() {
            let logits = case.logits(isa, None);
            let mut values = vec![f32::NAN; case.outputs * stride];
            let out = MeansOut { values: &mut values, stride, row_weights: &row_weights };
            mean(case.rows(isa), BitsRef::from(&case.input), &case.bias, out);
            for unit in 0..case.outputs {
                for row in 0..lanes {
                    let (got, weight) = (f64::from(values[unit * stride + row]), f64::from(row_weights[row]));
                    let logit = f64::from(logits[unit * lanes + row]);
                    let p = sigmoid(logit);
                    assert!(
                        (got - p * weight).abs() <= probability_bound(logit) * weight.abs() + TINY,
                        "{isa} {}",
                        case.shape()
                    );
                    // End to end: |σ(x) − σ(y)| ≤ |x − y| / 4, the bias rounding once more.
                    let (sum, sum_bound) = case.exact(unit, row);
                    let x = sum + f64::from(case.bias[unit]);
                    let bound = (sum_bound + U * (x.abs() + 1.0)) / 4.0 + 6.0 * U;
                    assert!((got - sigmoid(x) * weight).abs() <= bound * weight.abs(), "{isa} {}", case.shape());
                }
                let beyond = &values[unit * stride + lanes..(unit + 1) * stride];
                assert!(beyond.iter().all(|value| value.is_nan()), "written past the rows");
            }
            // The same from tables, and with draws of the later blocks alone.
            let tables = case.tables(isa);
            for first_drawn in 0..=case.input.blocks() {
                let blocks = case.input.blocks() - first_drawn;
                let rows = case.input.rows().saturating_sub(first_drawn * LANES);
                let mut streams = case.streams().split_off(first_drawn);
                let mut drawn = AlignedVec::new();
                let mut again = vec![f32::NAN; values.len()];
                let mut words = vec![0; blocks * case.outputs.div_ceil(32) * LANES];
                let mut alone = words.clone();
                let out = MeansOut { values: &mut again, stride, row_weights: &row_weights };
                let layer = case.layer(&mut words, rows);
                let weights = Weights::Tables(&tables);
                mean_and_sample(
                    weights,
                    BitsRef::from(&case.input),
                    out,
                    layer,
                    first_drawn,
                    &mut streams,
                    &mut drawn,
                );
                let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&again), bits(&values), "{isa} {}", case.shape());
                let later = case.input.words_per_row() * LANES * first_drawn;
                let input = BitsRef::new(&case.input.words()[later..], case.inputs, blocks);
                let mut streams = case.streams().split_off(first_drawn);
                sample(weights, input, case.layer(&mut alone, rows), &mut streams);
                assert_eq!(words, alone, "{isa} {}", case.shape());
            }
        }
    }
}

#[test]
fn softplus_totals_are_the_references() {
    for case in Case::all() {
        let lanes = case.lanes();
        for isa in sets() {
            let logits = case.logits(isa, None);
            let mut totals: Vec<f64> = (0..lanes).map(|row| row as f64).collect();
            add_softplus(case.rows(isa), BitsRef::from(&case.input), &case.bias, &mut totals);
            for (row, total) in totals.into_iter().enumerate() {
                let (mut want, mut bound) = (row as f64, 1e-9);
                for tile in (0..case.outputs).step_by(TILE) {
                    let mut linear = 0.0;
                    for unit in tile..case.outputs.min(tile + TILE) {
                        let x = f64::from(logits[unit * lanes + row]);
                        want += softplus(x);
                        linear += x.max(0.0);
                    }
                    // Four factors 2u off each and three products under the logarithm, below 4 and so 2⁻²² = 4u off
                    // itself; three additions of the linear part, and one of both.
                    bound += 11.0 * U + 4.0 * U + 4.0 * U * (linear + 2.8);
                }
                assert!((total - want).abs() <= bound, "{isa} {}: {total} {want}", case.shape());
            }
        }
    }
}

#[test]
fn a_step_of_annealing_adds_its_weight_and_draws_at_the_next_temperature() {
    for case in Case::all() {
        let (lanes, per_row) = (case.lanes(), case.outputs.div_ceil(32));
        for isa in sets() {
            let logits = case.logits(isa, None);
            let tables = case.tables(isa);
            for [beta, next] in [[0.0f32, 0.01], [0.3, 0.5], [0.99, 1.0], [0.5, 0.5]] {
                let mut totals = vec![0.25; lanes];
                let (mut words, mut streams) = (vec![0; case.input.blocks() * per_row * LANES], case.streams());
                let layer = case.layer(&mut words, case.input.rows());
                let input = BitsRef::from(&case.input);
                anneal(Weights::Tables(&tables), input, layer, [beta, next], &mut streams, &mut totals);
                let scaled: Vec<f32> = logits.iter().map(|x| next * x).collect();
                let book = Book::of(&case, &scaled);
                let what = format!("{isa} {} at {next}", case.shape());
                book.check(&case, &words, case.input.rows(), None, &vec![0; words.len()], &what);
                assert_eq!(streams, book.streams, "{what}");
                let (beta, next) = (f64::from(beta), f64::from(next));
                for (row, total) in totals.into_iter().enumerate() {
                    let (mut want, mut bound) = (0.25, 1e-9);
                    for tile in (0..case.outputs).step_by(TILE) {
                        let mut linear = 0.0;
                        for unit in tile..case.outputs.min(tile + TILE) {
                            let x = f64::from(logits[unit * lanes + row]);
                            want += softplus(next * x) - softplus(beta * x);
                            linear += x.max(0.0);
                        }
                        let rise = (next - beta) * linear;
                        // Eight factors 2u off, and 0.28u for the rounding of βx (|t| σ(−|t|) ≤ 0.28); six products,
                        // a quotient, a logarithm below 4; five roundings of the linear part, and one of both.
                        bound += 26.0 * U + 4.0 * U + 5.0 * U * rise.abs() + U * (rise.abs() + 2.8);
                    }
                    assert!((total - want).abs() <= bound, "{what}: {total} {want}");
                }
            }
        }
    }
}

/// Streams whose first word is `word(block · 16 + lane)`: the output is rotl(s0 + s3, 7) + s0.
fn streams_of(blocks: usize, word: impl Fn(u32) -> u32) -> Vec<Lanes> {
    let of = |block: usize| {
        let mut state = [0u32; 64];
        for lane in 0..LANES {
            let word = word((block * LANES + lane) as u32);
            state[lane] = word;
            state[LANES + lane] = 0x1234_5678;
            state[2 * LANES + lane] = 0x9abc_def0;
            state[3 * LANES + lane] = word.wrapping_neg();
        }
        Lanes::from_state(&state)
    };
    (0..blocks).map(of).collect()
}

#[test]
fn certain_units_are_certain_whatever_the_word() {
    // The 256 words whose uniform is among the least, the 256 whose is the largest, and 256 across the range.
    type Word = fn(u32) -> u32;
    let words: [(&str, Word); 3] =
        [("least", |i| i), ("largest", |i| u32::MAX - i), ("spread", |i| i.wrapping_mul(0x0101_0101))];
    for isa in sets() {
        for (name, word) in words {
            let mut check = streams_of(16, word);
            for (block, stream) in check.iter_mut().enumerate() {
                let first: [u32; LANES] = std::array::from_fn(|lane| word((block * LANES + lane) as u32));
                assert_eq!(stream.next_words(), first);
            }
            for logit in [
                f32::NEG_INFINITY,
                -1e30,
                -200.0,
                -100.0,
                -20.0,
                -1.0,
                0.0,
                1.0,
                20.0,
                100.0,
                1e30,
                f32::INFINITY,
                f32::NAN,
            ] {
                let input = BitMatrix::zeros(256, 0);
                let bias = [logit];
                for way in WAYS {
                    let (mut out, mut streams) = (vec![0; 16 * LANES], streams_of(16, word));
                    let rows = Rows { isa, values: &[], outputs: 1, inputs: 0, stride: 0 };
                    let layer = Layer { bias: &bias, temper: None, words: &mut out, free: None, rows: 256 };
                    let case = Case {
                        outputs: 1,
                        inputs: 0,
                        stride: 0,
                        values: vec![],
                        bias: vec![],
                        input: input.clone(),
                    };
                    draw(way, Weights::Rows(rows), &case, layer, &mut streams, &mut AlignedVec::new());
                    for (index, &bit) in out.iter().enumerate() {
                        let (word, p) = (word(index as u32), sigmoid(f64::from(logit)));
                        // Below half a cell never, above one less half a cell always.
                        let want = if p < U || logit.is_nan() {
                            Some(false)
                        } else if p > 1.0 - U {
                            Some(true)
                        } else {
                            decision(word, logit)
                        };
                        if let Some(want) = want {
                            assert_eq!(bit == 1, want, "{isa} {way:?} logit {logit} word {word:#x} ({name})");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn probabilities_at_the_ends() {
    for isa in sets() {
        let bias = [f32::NEG_INFINITY, -100.0, -20.0, 20.0, 100.0, f32::INFINITY, f32::NAN];
        let rows = Rows { isa, values: &[0.0; 7], outputs: 7, inputs: 1, stride: 1 };
        let input = BitMatrix::from_fn(16, 1, |row, _| row % 2 == 0);
        let mut values = [0.5; 7 * LANES];
        let out = MeansOut { values: &mut values, stride: LANES, row_weights: &[1.0; LANES] };
        mean(Weights::Rows(rows), BitsRef::from(&input), &bias, out);
        for (values, bias) in values.chunks_exact(LANES).zip(bias) {
            let want = sigmoid(f64::from(bias));
            for &value in values {
                if bias.is_nan() {
                    assert!(value.is_nan(), "{isa}");
                } else {
                    assert!(
                        (f64::from(value) - want).abs() <= probability_bound(f64::from(bias)),
                        "{isa} {bias}: {value}"
                    );
                }
            }
        }
        // softplus of ±∞ and NaN.
        let mut totals = [0.0; LANES];
        for (bias, want) in
            [(f32::NEG_INFINITY, 0.0), (-100.0, 0.0), (100.0, 100.0), (f32::INFINITY, f64::INFINITY)]
        {
            totals.fill(0.0);
            let rows = Rows { isa, values: &[0.0], outputs: 1, inputs: 1, stride: 1 };
            add_softplus(Weights::Rows(rows), BitsRef::from(&input), &[bias], &mut totals);
            assert!(totals.iter().all(|&total| total == want), "{isa} {bias}: {}", totals[0]);
        }
        let rows = Rows { isa, values: &[f32::NAN], outputs: 1, inputs: 1, stride: 1 };
        totals.fill(0.0);
        add_softplus(Weights::Rows(rows), BitsRef::from(&input), &[0.0], &mut totals);
        assert!(totals.iter().step_by(2).all(|total| total.is_nan()), "a NaN weight must not vanish");
    }
}

#[test]
#[should_panic(expected = "words of a half-sweep")]
fn a_layer_of_another_size_is_refused() {
    let case = Case::new([40, 5, 20]);
    let mut streams = case.streams();
    sample(case.rows(Isa::Portable), BitsRef::from(&case.input), case.layer(&mut [0; 32], 20), &mut streams);
}
