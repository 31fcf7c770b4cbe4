//! Half-sweeps of block Gibbs sampling and their relatives: a product with the epilogue that finishes it.
//!
//! With many chains each thread takes a run of blocks through all outputs and draws from the blocks' streams as it
//! goes. With few, each takes some outputs for all blocks, the words having been drawn beforehand. Sums and draws are
//! the same in either way, so the choice shows in the time alone.

use super::epilogue::{
    Anneal, Bits, Drawn, Exchange, FromLanes, Logit, Mean, MeanAndSample, Means, Sample, Shared, Softplus, Sums,
};
use super::few::{Columns, product_of_few};
use super::operands::BitsRef;
use super::product::{Weights, product, product_by_outputs};
use crate::parallel::{chunks_mut, for_each, items_mut};
use crate::random::{Lanes, LanesVector};
use crate::simd::{Isa, Kernel, Simd, dispatch_on};
use crate::tensor::{AlignedVec, LANES};

/// Fewer blocks than this are shared by the threads, output by output.
const FEW_BLOCKS: usize = 32;

/// The units a half-sweep draws, as the states of some blocks of chains.
pub(crate) struct Layer<'a> {
    /// `[units]`.
    pub bias: &'a [f32],
    /// Inverse temperature s of each chain `[blocks · 16]` and bias at s = 0 `[units]`: the logit is
    /// s · (sum + bias) + (1 − s) · base.
    pub temper: Option<(&'a [f32], &'a [f32])>,
    /// The words of the blocks, `[block][word][lane]`.
    pub words: &'a mut [u32],
    /// A bit for each unit that may change `[word]`; the others keep their state, but draw.
    pub free: Option<&'a [u32]>,
    /// Chains that exist.
    pub rows: usize,
}

impl Layer<'_> {
    fn units(&self) -> usize {
        self.bias.len()
    }

    fn bits<'a>(words: &mut [u32], units: usize, free: Option<&'a [u32]>, rows: usize) -> Bits<'a> {
        Bits { words: Shared::new(words), words_per_row: units.div_ceil(32), free, rows }
    }

    pub(super) fn check(&self, weights: Weights<'_>, blocks: usize, streams: usize) {
        assert_eq!(weights.outputs(), self.units(), "units of a half-sweep");
        assert_eq!(self.words.len(), blocks * self.units().div_ceil(32) * LANES, "words of a half-sweep");
        assert_eq!(streams, blocks, "streams of a half-sweep");
        assert!(self.rows <= blocks * LANES, "rows of a half-sweep");
        assert!(self.free.is_none_or(|free| free.len() == self.units().div_ceil(32)), "held units");
        if let Some((scale, base)) = self.temper {
            assert!(scale.len() >= blocks * LANES && base.len() == self.units(), "temperatures of a half-sweep");
        }
    }
}

/// Draws every unit of `layer` given `input`, one thread. `streams` has one stream a block.
pub(crate) fn sample(weights: Weights<'_>, input: BitsRef<'_>, layer: Layer<'_>, streams: &mut [Lanes]) {
    layer.check(weights, input.blocks, streams.len());
    let bits = Layer::bits(layer.words, layer.bias.len(), layer.free, layer.rows);
    let logit = Logit { bias: layer.bias, temper: layer.temper };
    product(weights, input, &Sample { logit, draws: FromLanes(Shared::new(streams)), bits });
}

/// As [`sample`], on all threads, sharing the outputs. `drawn` is scratch.
pub(crate) fn sample_by_outputs(
    weights: Weights<'_>,
    input: BitsRef<'_>,
    layer: Layer<'_>,
    streams: &mut [Lanes],
    drawn: &mut AlignedVec<u32>,
) {
    layer.check(weights, input.blocks, streams.len());
    let units = layer.units();
    draw(weights.isa(), streams, units, drawn);
    let bits = Layer::bits(layer.words, units, layer.free, layer.rows);
    let logit = Logit { bias: layer.bias, temper: layer.temper };
    product_by_outputs(weights, input, &Sample { logit, draws: Drawn { words: drawn, units }, bits });
}

/// As [`sample`], for at most [`FEW_CHAINS`](super::FEW_CHAINS) chains, from weights laid out `[inputs, outputs]`.
pub(crate) fn sample_few(columns: Columns<'_>, input: BitsRef<'_>, layer: Layer<'_>, streams: &mut [Lanes]) {
    assert_eq!(columns.units(), layer.units(), "units of a half-sweep");
    let bits = Layer::bits(layer.words, layer.bias.len(), layer.free, layer.rows);
    let logit = Logit { bias: layer.bias, temper: layer.temper };
    let rows = layer.rows;
    product_of_few(columns, input, rows, &Sample { logit, draws: FromLanes(Shared::new(streams)), bits });
}

/// Where the probabilities of a half-sweep go.
pub(crate) struct MeansOut<'a> {
    /// `[units][row]`, `stride` rows a unit, a multiple of 16.
    pub values: &'a mut [f32],
    pub stride: usize,
    /// What each row's probabilities are multiplied by, `[stride]`.
    pub row_weights: &'a [f32],
}

impl MeansOut<'_> {
    fn check(&self, units: usize, blocks: usize) {
        assert!(
            self.stride >= blocks * LANES
                && self.row_weights.len() >= blocks * LANES
                && self.values.len() >= units * self.stride,
            "probabilities of a half-sweep"
        );
    }
}

/// The probability of every unit given `input`, times its row's weight.
pub(crate) fn mean(weights: Weights<'_>, input: BitsRef<'_>, bias: &[f32], out: MeansOut<'_>) {
    assert_eq!(weights.outputs(), bias.len(), "units of a half-sweep");
    out.check(bias.len(), input.blocks);
    let means = Means { values: Shared::new(out.values), stride: out.stride, row_weights: out.row_weights };
    product_by_outputs(weights, input, &Mean { logit: Logit { bias, temper: None }, means });
}

/// The probability of every unit given `input`, times its row's weight; and draws, into `layer`, of the blocks from
/// `first_drawn` on, one stream each. `drawn` is scratch.
pub(crate) fn mean_and_sample(
    weights: Weights<'_>,
    input: BitsRef<'_>,
    out: MeansOut<'_>,
    layer: Layer<'_>,
    first_drawn: usize,
    streams: &mut [Lanes],
    drawn: &mut AlignedVec<u32>,
) {
    layer.check(weights, input.blocks - first_drawn, streams.len());
    let units = layer.units();
    out.check(units, input.blocks);
    draw(weights.isa(), streams, units, drawn);
    let means = Means { values: Shared::new(out.values), stride: out.stride, row_weights: out.row_weights };
    let bits = Layer::bits(layer.words, units, layer.free, layer.rows);
    let logit = Logit { bias: layer.bias, temper: layer.temper };
    let draws = Drawn { words: drawn, units };
    product_by_outputs(weights, input, &MeanAndSample { logit, means, draws, bits, first_drawn });
}

/// The bare sums, `[outputs][row]`, `stride` rows an output, a multiple of 16.
pub(crate) fn sums(weights: Weights<'_>, input: BitsRef<'_>, values: &mut [f32], stride: usize) {
    assert!(stride >= input.blocks * LANES && values.len() >= weights.outputs() * stride, "sums of a product");
    product_by_outputs(weights, input, &Sums { values: Shared::new(values), stride });
}

/// As [`sums`], one thread.
pub(crate) fn sums_of_blocks(weights: Weights<'_>, input: BitsRef<'_>, values: &mut [f32], stride: usize) {
    assert!(stride >= input.blocks * LANES && values.len() >= weights.outputs() * stride, "sums of a product");
    product(weights, input, &Sums { values: Shared::new(values), stride });
}

/// Adds Σ softplus(logit) over the units to `totals`, `[blocks · 16]`, one thread.
pub(crate) fn add_softplus(weights: Weights<'_>, input: BitsRef<'_>, bias: &[f32], totals: &mut [f64]) {
    assert!(weights.outputs() == bias.len() && totals.len() >= input.blocks * LANES, "a sum of softplus");
    let logit = Logit { bias, temper: None };
    product(weights, input, &Softplus { logit, totals: Shared::new(totals) });
}

/// Adds Σ softplus(β′ x) − softplus(β x) over the units of `layer` to `totals`, then draws them at β′; one thread.
pub(crate) fn anneal(
    weights: Weights<'_>,
    input: BitsRef<'_>,
    layer: Layer<'_>,
    [beta, next_beta]: [f32; 2],
    streams: &mut [Lanes],
    totals: &mut [f64],
) {
    layer.check(weights, input.blocks, streams.len());
    assert!(totals.len() >= input.blocks * LANES && layer.temper.is_none(), "a step of annealing");
    let epilogue = Anneal {
        bias: layer.bias,
        beta,
        next_beta,
        totals: Shared::new(totals),
        draws: FromLanes(Shared::new(streams)),
        bits: Layer::bits(layer.words, layer.bias.len(), layer.free, layer.rows),
    };
    product(weights, input, &epilogue);
}

/// Whether `blocks` are too few to be divided among threads.
pub(crate) fn are_few(blocks: usize) -> bool {
    blocks < FEW_BLOCKS
}

/// One word a unit for every lane of every stream, `[block][unit][lane]`.
fn draw(isa: Isa, streams: &mut [Lanes], units: usize, drawn: &mut AlignedVec<u32>) {
    drawn.resize(streams.len() * units * LANES);
    if units > 0 {
        let blocks = chunks_mut(drawn, units * LANES);
        for_each((items_mut(streams), blocks), |_, (stream, words)| dispatch_on(isa, Draw { stream, words }));
    }
}

struct Draw<'a> {
    stream: &'a mut Lanes,
    words: &'a mut [u32],
}

impl Kernel for Draw<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for lane in (0..LANES).step_by(S::LANES) {
            // SAFETY: `lane + S::LANES ≤ 16`; each chunk has 16 words.
            unsafe {
                let mut lanes = LanesVector::load(simd, self.stream.as_ptr(), lane);
                for words in self.words.chunks_exact_mut(LANES) {
                    simd.store_u32(words.as_mut_ptr().add(lane), lanes.next(simd));
                }
                lanes.store(simd, self.stream.as_mut_ptr(), lane);
            }
        }
    }
}

/// Adds Σ softplus(s′ x) − softplus(s x) over the units to `totals`, `[blocks · 16]`, s and s′ being each chain's
/// inverse temperatures; one thread.
pub(crate) fn add_exchange(
    weights: Weights<'_>,
    input: BitsRef<'_>,
    bias: &[f32],
    scales: [&[f32]; 2],
    totals: &mut [f64],
) {
    let rows = input.blocks * LANES;
    assert!(
        weights.outputs() == bias.len() && totals.len() >= rows && scales.iter().all(|scale| scale.len() >= rows),
        "an exchange of temperatures"
    );
    product(weights, input, &Exchange { bias, scales, totals: Shared::new(totals) });
}
