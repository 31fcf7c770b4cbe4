//! Chains of block Gibbs sampling: bit-packed states that persist, one stream of random words a block of 16.

use super::Rbm;
use super::rounding::Precision;
use super::tabulated::Tabulated;
use crate::kernels::lookup::{self, BitsRef, Columns, Grids, Layer};
use crate::parallel::{chunks_mut, for_each_apart};
use crate::random::{Seed, Streams};
use crate::tensor::{AlignedVec, BitMatrix, LANES};
use std::fmt;

/// Persistent Gibbs chains of an RBM.
///
/// Chain `c` is lane `c mod 16` of block `c div 16` and draws from that lane of the block's stream: one word a unit,
/// hidden units first, units ascending, clamped units drawing too. So a chain's path depends on its seed and place
/// alone, never on the number of chains or threads.
#[derive(Clone)]
pub struct RbmChains {
    visible: BitMatrix,
    hidden: BitMatrix,
    streams: Streams,
    /// A bit for each visible unit that may change.
    free: Option<Vec<u32>>,
    pub(super) tables: Tabulated,
    precision: Precision,
    drawn: AlignedVec<u32>,
}

impl fmt::Debug for RbmChains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [visible, hidden] = [&self.visible, &self.hidden].map(BitMatrix::units);
        write!(f, "RbmChains {{ {} of {visible} visible × {hidden} hidden units }}", self.len())
    }
}

impl RbmChains {
    /// `count` chains whose visible and hidden units are fair coins.
    pub fn random(count: usize, visible: usize, hidden: usize, seed: Seed) -> Self {
        let mut chains = Self::from_visible(BitMatrix::zeros(count, visible), hidden, seed);
        toss(&mut chains.visible, &mut chains.streams);
        toss(&mut chains.hidden, &mut chains.streams);
        chains
    }

    /// Chains that start at the rows of `visible` `[count, visible]`; the hidden units are zero until the first sweep.
    pub fn from_visible(visible: BitMatrix, hidden: usize, seed: Seed) -> Self {
        RbmChains {
            hidden: BitMatrix::zeros(visible.rows(), hidden),
            streams: Streams::new(seed, "chains", visible.rows()),
            visible,
            free: None,
            tables: Tabulated::new(),
            precision: Precision::F32,
            drawn: AlignedVec::new(),
        }
    }

    /// How many chains there are.
    pub fn len(&self) -> usize {
        self.visible.rows()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The visible states, `[chains, visible]`.
    pub fn visible(&self) -> &BitMatrix {
        &self.visible
    }

    /// The hidden states that the visible ones were drawn from, `[chains, hidden]`.
    pub fn hidden(&self) -> &BitMatrix {
        &self.hidden
    }

    /// The visible states, `[chains, visible]`, of chains that are done.
    pub fn into_visible(self) -> BitMatrix {
        self.visible
    }

    /// The stream of every block of sixteen chains.
    pub fn streams(&self) -> &Streams {
        &self.streams
    }

    /// From now on sweeps compute in `precision`; [`Precision::I16`] wants machines made by [`Rbm::rounded`].
    pub fn set_precision(&mut self, precision: Precision) {
        self.precision = precision;
    }

    /// From now on the visible units with `clamped[unit]` keep their states, in every chain.
    ///
    /// # Panics
    /// Where `clamped` is not `visible` long.
    #[track_caller]
    pub fn clamp(&mut self, clamped: &[bool]) {
        let units = self.visible.units();
        assert_eq!(clamped.len(), units, "a clamp of {} units for {units} visible ones", clamped.len());
        let mut free = vec![0u32; self.visible.words_per_row()];
        for (unit, _) in clamped.iter().enumerate().filter(|(_, clamped)| !**clamped) {
            free[unit / 32] |= 1 << (unit % 32);
        }
        self.free = Some(free);
    }

    /// `sweeps` sweeps: all hidden units given the visible ones, then all visible given the hidden.
    ///
    /// # Panics
    /// Where the chains are of another machine's shape, or compute in 16 bits and the machine is not rounded.
    #[track_caller]
    pub fn gibbs(&mut self, rbm: &Rbm, sweeps: usize) {
        let shape = (self.visible.units(), self.hidden.units());
        assert_eq!(shape, (rbm.visible, rbm.hidden), "units of the chains and of the machine");
        if sweeps == 0 || self.is_empty() {
            return;
        }
        if self.len() <= lookup::FEW_CHAINS {
            return self.gibbs_of_few(rbm, sweeps);
        }
        let step = match self.precision {
            Precision::F32 => None,
            Precision::I16 => Some(rbm.step.expect("16-bit sweeps want a machine made by Rbm::rounded")),
        };
        self.tables.build(rbm, step);
        let [towards_hidden, towards_visible] = self.tables.weights(rbm);
        let blocks = self.visible.blocks();
        let rows = self.visible.rows();
        let free = self.free.as_deref();
        let (visible_units, hidden_units) = (rbm.visible, rbm.hidden);

        if lookup::are_few(blocks) {
            for _ in 0..sweeps {
                let layer = Layer {
                    bias: &rbm.hidden_bias,
                    temper: None,
                    words: self.hidden.words_mut(),
                    free: None,
                    rows,
                };
                let input = BitsRef::from(&self.visible);
                lookup::sample_by_outputs(
                    towards_hidden,
                    input,
                    layer,
                    self.streams.blocks_mut(),
                    &mut self.drawn,
                );
                let layer =
                    Layer { bias: &rbm.visible_bias, temper: None, words: self.visible.words_mut(), free, rows };
                let input = BitsRef::from(&self.hidden);
                lookup::sample_by_outputs(
                    towards_visible,
                    input,
                    layer,
                    self.streams.blocks_mut(),
                    &mut self.drawn,
                );
            }
            return;
        }
        // Chains do not talk to one another: each thread takes its blocks through all sweeps. The division moves no
        // draw, so it may follow the number of threads; four blocks fill a register tile.
        let run = blocks.div_ceil(rayon::current_num_threads()).next_multiple_of(4);
        let visible = chunks_mut(self.visible.words_mut(), run * visible_units.div_ceil(32) * LANES);
        let hidden = chunks_mut(self.hidden.words_mut(), run * hidden_units.div_ceil(32) * LANES);
        let streams = chunks_mut(self.streams.blocks_mut(), run);
        for_each_apart((visible, hidden, streams), |part, (visible, hidden, streams)| {
            let blocks = streams.len();
            let rows = (rows - part * run * LANES).min(blocks * LANES);
            for _ in 0..sweeps {
                let layer = Layer { bias: &rbm.hidden_bias, temper: None, words: hidden, free: None, rows };
                lookup::sample(towards_hidden, BitsRef::new(visible, visible_units, blocks), layer, streams);
                let layer = Layer { bias: &rbm.visible_bias, temper: None, words: visible, free, rows };
                lookup::sample(towards_visible, BitsRef::new(hidden, hidden_units, blocks), layer, streams);
            }
        });
    }

    /// [`gibbs`](Self::gibbs) without tables. The sums are those of the tables, bit for bit.
    fn gibbs_of_few(&mut self, rbm: &Rbm, sweeps: usize) {
        let RbmChains { visible, hidden, streams, free, .. } = self;
        let rows = visible.rows();
        let (hidden_rows, visible_rows) = (rbm.hidden_rows(), rbm.visible_rows());
        let (hidden_grids, visible_grids) = (Grids::of(hidden_rows), Grids::of(visible_rows));
        let towards_hidden = Columns { rows: visible_rows, grids: &hidden_grids };
        let towards_visible = Columns { rows: hidden_rows, grids: &visible_grids };
        for _ in 0..sweeps {
            let layer =
                Layer { bias: &rbm.hidden_bias, temper: None, words: hidden.words_mut(), free: None, rows };
            lookup::sample_few(towards_hidden, BitsRef::from(&*visible), layer, streams.blocks_mut());
            let words = visible.words_mut();
            let layer = Layer { bias: &rbm.visible_bias, temper: None, words, free: free.as_deref(), rows };
            lookup::sample_few(towards_visible, BitsRef::from(&*hidden), layer, streams.blocks_mut());
        }
    }
}

/// Fair coins: the highest bit of one word a unit.
pub(super) fn toss(bits: &mut BitMatrix, streams: &mut Streams) {
    let (rows, units, stride) = (bits.rows(), bits.units(), bits.words_per_row() * LANES);
    bits.words_mut().fill(0);
    for (block, stream) in streams.blocks_mut().iter_mut().enumerate() {
        let words = &mut bits.words_mut()[block * stride..][..stride];
        for unit in 0..units {
            for (lane, word) in stream.next_words().into_iter().enumerate() {
                if block * LANES + lane < rows {
                    words[unit / 32 * LANES + lane] |= (word >> 31) << (unit % 32);
                }
            }
        }
    }
}
