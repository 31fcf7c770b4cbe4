//! The bridge between the independent model and the machine, which annealing walks in either direction.
//!
//! At inverse temperature β the unnormalised density of the visible units, the hidden ones summed out, is
//!
//! p*_β(v) = e^((1−β) a₀·v + β a·v) Πⱼ (1 + e^(β xⱼ)),  xⱼ = bⱼ + v·W₍ⱼ₎:
//!
//! the independent model with visible biases a₀ at β = 0, whose Z₀ is known, and the machine at β = 1. The transition
//! operator T_β(v′ | v) is one sweep of block Gibbs sampling at β: h ~ p_β(h | v), then v′ ~ p_β(v′ | h). It leaves
//! p_β(v) unchanged and is reversible with respect to it, p_β(v) T_β(v′ | v) = Σₕ p_β(v, h) p_β(v′, h) / p_β(h), which
//! is symmetric: so the operator that undoes it is T_β itself.
//!
//! A hidden unit may be [held](Bridge::holding) on or off along the whole way: then the density is that of the machine
//! restricted to states with the unit so, e^(β xⱼ) or 1 standing where 1 + e^(β xⱼ) stood.

use super::Rbm;
use super::chains::toss;
use super::tabulated::Tabulated;
use crate::energy::held::{COUNTED, Held, SETTLING};
use crate::energy::independent::{logits_of_means, softplus};
use crate::kernels::lookup::{self, BitsRef, Layer, Tables, Weights};
use crate::parallel::{chunks_mut, for_each_apart};
use crate::random::{Lanes, Seed, Streams};
use crate::sampling::Work;
use crate::tensor::{AlignedVec, BitMatrix, LANES};
use std::borrow::Cow;

/// The family p*_β of one machine, tabulated where it is small.
pub(super) struct Bridge<'a> {
    rbm: &'a Rbm,
    base: Cow<'a, [f32]>,
    pub(super) tables: Cow<'a, Tabulated>,
    /// The change of the visible bias, a − a₀, as the weights of one output.
    linear: Tables,
    held: Option<HeldUnit>,
    /// Counts each step of each chain, for those who wait.
    work: Option<&'a Work>,
}

/// A hidden unit that keeps its state along the way.
struct HeldUnit {
    held: Held,
    bias: f32,
    /// Its weights.
    weights: Tables,
}

impl HeldUnit {
    fn of(rbm: &Rbm, held: Held) -> Self {
        let row = &rbm.hidden_rows();
        let mut weights = Tables::new();
        weights.build(&row.values[held.unit * row.stride..][..rbm.visible], [1, rbm.visible], rbm.visible);
        HeldUnit { held, bias: rbm.hidden_bias[held.unit], weights }
    }
}

/// The ends of walks up.
pub(super) struct Climbed {
    /// Σₖ log p*_βₖ(v_k−1) − log p*_βₖ₋₁(v_k−1) of each chain, nats.
    pub log_weights: Vec<f64>,
    /// v_K of each chain, `[chains, visible]`.
    pub visible: BitMatrix,
}

/// Which way a chain walks.
#[derive(Clone, Copy)]
enum Way {
    /// From a draw of the independent model to the machine.
    Up,
    /// From a given state of the machine to the independent model.
    Down,
}

impl<'a> Bridge<'a> {
    /// From the independent model with visible biases `base` `[visible]` to `rbm`.
    pub(super) fn new(rbm: &'a Rbm, base: &'a [f32]) -> Self {
        assert_eq!(base.len(), rbm.visible, "base biases for {} visible units", rbm.visible);
        let mut tables = Tabulated::new();
        tables.build(rbm, None);
        let linear = change_of_bias(rbm, base);
        Bridge { rbm, base: Cow::Borrowed(base), tables: Cow::Owned(tables), linear, held: None, work: None }
    }

    /// The machine.
    pub(super) fn machine(&self) -> &'a Rbm {
        self.rbm
    }

    /// The bridge to the states of the machine with one hidden unit held, from the independent model with the visible
    /// means of chains that live there. They have a seed of their own, so that the base does not depend on the walks.
    pub(super) fn holding(&self, held: Held, seed: Seed) -> Bridge<'_> {
        let bridge = |base: Vec<f32>| Bridge {
            rbm: self.rbm,
            linear: change_of_bias(self.rbm, &base),
            base: Cow::Owned(base),
            tables: Cow::Borrowed(&*self.tables),
            held: Some(HeldUnit::of(self.rbm, held)),
            work: self.work,
        };
        let means = bridge(self.base.to_vec()).settled_means(seed);
        bridge(logits_of_means(&means, LANES).collect())
    }

    /// The visible means of a block of chains at β = 1 that started at random.
    fn settled_means(&self, seed: Seed) -> Vec<f64> {
        let mut visible = BitMatrix::zeros(LANES, self.rbm.visible);
        let mut streams = Streams::new(seed, "settling", LANES);
        toss(&mut visible, &mut streams);
        let mut counts = vec![0u32; self.rbm.visible];
        for sweep in 0..SETTLING + COUNTED {
            let mut totals = [0.0; LANES];
            let mut walkers = Walkers::new(self, visible.words_mut(), streams.blocks_mut(), &mut totals);
            walkers.weigh_and_draw_hidden(1.0, 1.0);
            walkers.draw_visible(1.0);
            if sweep >= SETTLING {
                counts.iter_mut().zip(visible.column_counts()).for_each(|(total, count)| *total += count);
            }
        }
        counts.into_iter().map(|count| f64::from(count) / (COUNTED * LANES) as f64).collect()
    }

    /// The same, each step of each chain counted, which whoever walks has planned.
    pub(super) fn counted(self, work: &'a Work) -> Self {
        Bridge { work: Some(work), ..self }
    }

    /// Adds steps to the plan of those who wait.
    pub(super) fn plan(&self, chains: usize, temperatures: usize) {
        if let Some(work) = self.work {
            work.plan((chains.next_multiple_of(LANES) as u64).saturating_mul(temperatures as u64));
        }
    }

    /// Units of both layers.
    pub(super) fn units(&self) -> usize {
        self.rbm.visible + self.rbm.hidden
    }

    /// log Z₀ = H ln 2 + Σᵢ softplus(a₀ᵢ), nats, of the H hidden units that are free.
    pub(super) fn log_z0(&self) -> f64 {
        let free = self.rbm.hidden - usize::from(self.held.is_some());
        free as f64 * std::f64::consts::LN_2 + self.base.iter().map(|&bias| softplus(f64::from(bias))).sum::<f64>()
    }

    /// Draws `chains` states v₀ of the independent model, walks them up, v_k ~ T_βₖ(· | v_k−1), and gives each chain's
    /// Σₖ log p*_βₖ(v_k−1) − log p*_βₖ₋₁(v_k−1).
    pub(super) fn climb(&self, chains: usize, temperatures: usize, seed: Seed) -> Climbed {
        let mut visible = BitMatrix::zeros(chains, self.rbm.visible);
        let log_weights = self.walk(&mut visible, temperatures, seed, Way::Up);
        Climbed { log_weights, visible }
    }

    /// Walks the rows v_K of `visible` down, v_k−1 ~ T_βₖ(· | v_k), and gives each row's
    /// Σₖ log p*_βₖ₋₁(v_k−1) − log p*_βₖ(v_k−1).
    pub(super) fn descend(&self, mut visible: BitMatrix, temperatures: usize, seed: Seed) -> Vec<f64> {
        self.walk(&mut visible, temperatures, seed, Way::Down)
    }

    fn walk(&self, visible: &mut BitMatrix, temperatures: usize, seed: Seed, way: Way) -> Vec<f64> {
        let (rows, blocks) = (visible.rows(), visible.blocks());
        let mut totals = vec![0.0; blocks * LANES];
        let mut streams = Streams::new(seed, "annealing", rows);
        // Chains are independent, so the division moves no draw and may follow the number of threads.
        let run = blocks.div_ceil(rayon::current_num_threads()).max(1);
        let words = chunks_mut(visible.words_mut(), run * self.rbm.visible.div_ceil(32) * LANES);
        let cut = (words, chunks_mut(streams.blocks_mut(), run), chunks_mut(&mut totals, run * LANES));
        for_each_apart(cut, |_, (visible, streams, totals)| {
            let mut walkers = Walkers::new(self, visible, streams, totals);
            match way {
                Way::Up => walkers.up(temperatures),
                Way::Down => walkers.down(temperatures),
            }
        });
        totals.truncate(rows);
        totals
    }
}

/// The change of the visible bias from `base` to `rbm`'s, a − a₀, as the weights of one output.
pub(super) fn change_of_bias(rbm: &Rbm, base: &[f32]) -> Tables {
    let difference: Vec<f32> = rbm.visible_bias.iter().zip(base).map(|(bias, base)| bias - base).collect();
    let mut linear = Tables::new();
    linear.build(&difference, [1, rbm.visible], rbm.visible);
    linear
}

/// Some blocks of chains on the bridge, one thread.
struct Walkers<'a> {
    bridge: &'a Bridge<'a>,
    visible: &'a mut [u32],
    hidden: Vec<u32>,
    streams: &'a mut [Lanes],
    totals: &'a mut [f64],
    scale: AlignedVec<f32>,
    bias_sums: AlignedVec<f32>,
}

impl<'a> Walkers<'a> {
    fn new(
        bridge: &'a Bridge<'a>,
        visible: &'a mut [u32],
        streams: &'a mut [Lanes],
        totals: &'a mut [f64],
    ) -> Self {
        let (blocks, rows) = (streams.len(), streams.len() * LANES);
        let hidden = vec![0; blocks * bridge.rbm.hidden.div_ceil(32) * LANES];
        let (scale, bias_sums) = (AlignedVec::zeroed(rows), AlignedVec::zeroed(rows));
        Walkers { bridge, visible, hidden, streams, totals, scale, bias_sums }
    }

    fn up(&mut self, temperatures: usize) {
        let beta = |step: usize| step as f64 / temperatures as f64;
        // v ~ the independent model: at β = 0 the logits are the base biases, whatever the hidden states.
        self.draw_visible(0.0);
        for step in 0..temperatures {
            self.weigh_and_draw_hidden(beta(step), beta(step + 1));
            self.draw_visible(beta(step + 1));
            self.count();
        }
    }

    fn down(&mut self, temperatures: usize) {
        let beta = |step: usize| step as f64 / temperatures as f64;
        self.weigh_and_draw_hidden(1.0, 1.0);
        for step in (1..=temperatures).rev() {
            self.draw_visible(beta(step));
            self.weigh_and_draw_hidden(beta(step), beta(step - 1));
            self.count();
        }
    }

    fn count(&self) {
        if let Some(work) = self.bridge.work {
            work.add((self.streams.len() * LANES) as u64);
        }
    }

    /// Adds log p*_β′(v) − log p*_β(v), then draws h ~ p_β′(h | v).
    fn weigh_and_draw_hidden(&mut self, beta: f64, next_beta: f64) {
        let Bridge { rbm, linear, held, .. } = self.bridge;
        let [towards_hidden, _] = self.bridge.tables.weights(rbm);
        let blocks = self.streams.len();
        let rows = blocks * LANES;
        let states = BitsRef::new(self.visible, rbm.visible, blocks);
        lookup::sums_of_blocks(Weights::Tables(linear), states, &mut self.bias_sums, rows);
        for (total, &sum) in self.totals.iter_mut().zip(self.bias_sums.iter()) {
            *total += (next_beta - beta) * f64::from(sum);
        }
        let layer = Layer { bias: &rbm.hidden_bias, temper: None, words: &mut self.hidden, free: None, rows };
        let betas = [beta as f32, next_beta as f32];
        lookup::anneal(towards_hidden, states, layer, betas, self.streams, self.totals);
        if let Some(unit) = held {
            self.hold(unit, beta, next_beta);
        }
    }

    /// Puts the unit back into its state, and its own factor in the place of the one that was weighed.
    fn hold(&mut self, unit: &HeldUnit, beta: f64, next_beta: f64) {
        let rbm = self.bridge.rbm;
        let blocks = self.streams.len();
        let states = BitsRef::new(self.visible, rbm.visible, blocks);
        lookup::sums_of_blocks(Weights::Tables(&unit.weights), states, &mut self.bias_sums, blocks * LANES);
        let Held { unit: index, on } = unit.held;
        for (total, &sum) in self.totals.iter_mut().zip(self.bias_sums.iter()) {
            let x = f64::from(sum + unit.bias);
            let own = if on { (next_beta - beta) * x } else { 0.0 };
            *total += own - (softplus(next_beta * x) - softplus(beta * x));
        }
        let words = rbm.hidden.div_ceil(32) * LANES;
        for block in self.hidden.chunks_exact_mut(words) {
            for word in &mut block[index / 32 * LANES..][..LANES] {
                *word = *word & !(1 << (index % 32)) | u32::from(on) << (index % 32);
            }
        }
    }

    /// Draws v ~ p_β(v | h).
    fn draw_visible(&mut self, beta: f64) {
        let Bridge { rbm, base, .. } = self.bridge;
        let [_, towards_visible] = self.bridge.tables.weights(rbm);
        let blocks = self.streams.len();
        self.scale.fill(beta as f32);
        let layer = Layer {
            bias: &rbm.visible_bias,
            temper: Some((&self.scale, &base[..])),
            words: self.visible,
            free: None,
            rows: blocks * LANES,
        };
        let input = BitsRef::new(&self.hidden, rbm.hidden, blocks);
        lookup::sample(towards_visible, input, layer, self.streams);
    }
}
