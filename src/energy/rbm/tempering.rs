//! Parallel tempering (Swendsen & Wang 1986; Geyer 1991; for RBMs Desjardins et al. 2010).
//!
//! A ladder is R replicas of the machine at inverse temperatures 0 = β₀ < … < β_R−1 = 1 on the
//! [bridge](super::bridge) from an independent model. Each replica makes a sweep of block Gibbs sampling at its own β;
//! then neighbours i, j of the ladder change temperatures with probability
//!
//! min(1, p*_βᵢ(vⱼ) p*_βⱼ(vᵢ) / (p*_βᵢ(vᵢ) p*_βⱼ(vⱼ))).
//!
//! Both leave Πᵣ p_βᵣ(vᵣ) unchanged, so that the state at β = 1 is a draw of the machine in the long run, and one that
//! was independent noise not long ago.
//!
//! - Temperatures move, not states: a replica is a lane, its β a number a lane, and one set of tables serves all.
//! - The ratio is of visible marginals, the hidden units summed out. With joint energies the exchange would cost no third
//!   product a sweep, (βᵢ − βⱼ)(Eᵢ − Eⱼ) being linear; but every unit of noise in h would be noise in the exponent, and
//!   rejections, which cost whole round trips, rise with it. By Jensen's inequality the acceptance of the marginals is
//!   never below that of the joint states drawn from them: a ladder needs fewer replicas.
//! - Even and odd pairs take turns, which lets replicas run through the ladder where random turns make them diffuse
//!   (Syed, Bouchard-Côté, Deligiannidis & Doucet 2022). [`TemperedChains::warm_up`] spaces the β by the same paper's
//!   rule: equal rates of rejection between all neighbours.

use super::Rbm;
use super::bridge::change_of_bias;
use super::chains::toss;
use super::tabulated::Tabulated;
use crate::energy::independent::logits_of_means;
use crate::kernels::lookup::{self, BitsRef, Layer, Tables, Weights};
use crate::parallel::{chunks, chunks_mut, for_each_apart};
use crate::random::{Seed, Stream, Streams};
use crate::store::{Snapshot, SnapshotError};
use crate::tensor::{AlignedVec, BitMatrix, LANES};
use rand::RngExt;
use std::fmt;

/// Chains and sweeps that estimate the independent model nearest to a machine.
const PILOTS: usize = 64;
const PILOT_SWEEPS: usize = 100;

/// Where a replica has been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heading {
    /// Not at β = 1 yet.
    Nowhere,
    /// At β = 1 last.
    FromCold,
    /// At β = 0 since it was at β = 1.
    FromHot,
}

/// Independent ladders of replicas of an RBM, each with a state at β = 1.
///
/// Replica `r` of ladder `l` is chain `l · R + r`; chains draw from their lane of their block's stream as
/// [`RbmChains`](super::RbmChains) do, and the exchanges of a ladder from a stream of its own. So a ladder's path depends on
/// its seed and place alone, never on the number of ladders or threads.
///
/// ```
/// use helmholtz::{rbm::Rbm, Seed};
/// let rbm = Rbm::new(64, 32, Seed(1));
/// let mut ladders = rbm.tempered_chains(10, 8, Seed(2));
/// ladders.warm_up(&rbm, 100);
/// ladders.gibbs(&rbm, 100);
/// assert_eq!(ladders.cold().rows(), 10);
/// assert!(ladders.acceptance().iter().all(|rate| *rate > 0.5));
/// ```
#[derive(Clone)]
pub struct TemperedChains {
    /// β of each rung, ascending `[replicas]`.
    betas: Vec<f64>,
    /// Biases of the independent model at β = 0, `[visible]`.
    base: Vec<f32>,
    visible: BitMatrix,
    hidden: BitMatrix,
    /// The rung each replica is on, `[chains]`.
    rungs: Vec<u32>,
    headings: Vec<Heading>,
    streams: Streams,
    /// One a ladder.
    exchange_streams: Vec<Stream>,
    /// Exchanges so far: the next is of even pairs where this is even.
    exchanges: u64,
    /// Offered and accepted exchanges of each pair of neighbours, `[replicas − 1]`.
    offered: Vec<u64>,
    accepted: Vec<u64>,
    round_trips: u64,
    pub(super) tables: Tabulated,
}

impl fmt::Debug for TemperedChains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [visible, hidden] = [&self.visible, &self.hidden].map(BitMatrix::units);
        let (ladders, replicas) = (self.ladders(), self.replicas());
        write!(f, "TemperedChains {{ {ladders} of {replicas} of {visible} visible × {hidden} hidden units }}")
    }
}

impl TemperedChains {
    /// `ladders` of `replicas` at evenly spaced β, from the independent model with visible biases `base` `[visible]` to
    /// `rbm`, all visible units fair coins. A single replica is at β = 1.
    ///
    /// # Panics
    /// Where there are no replicas, or `base` is not as long as the machine has visible units.
    #[track_caller]
    pub fn new(rbm: &Rbm, ladders: usize, replicas: usize, base: &[f32], seed: Seed) -> Self {
        assert!(replicas > 0, "a ladder of no replicas");
        assert_eq!(base.len(), rbm.visible, "base biases for {} visible units", rbm.visible);
        let count = ladders * replicas;
        let mut visible = BitMatrix::zeros(count, rbm.visible);
        let mut streams = Streams::new(seed, "tempered chains", count);
        toss(&mut visible, &mut streams);
        let last = (replicas - 1).max(1) as f64;
        let mut betas: Vec<f64> = (0..replicas).map(|rung| rung as f64 / last).collect();
        betas[replicas - 1] = 1.0;
        let mut chains = TemperedChains {
            betas,
            base: base.to_vec(),
            hidden: BitMatrix::zeros(count, rbm.hidden),
            visible,
            rungs: (0..count).map(|chain| (chain % replicas) as u32).collect(),
            headings: vec![Heading::Nowhere; count],
            streams,
            exchange_streams: (0..ladders as u64).map(|ladder| seed.stream("exchanges", ladder)).collect(),
            exchanges: 0,
            offered: vec![0; replicas - 1],
            accepted: vec![0; replicas - 1],
            round_trips: 0,
            tables: Tabulated::new(),
        };
        chains.note_headings();
        chains
    }

    /// Replicas of a ladder.
    pub fn replicas(&self) -> usize {
        self.betas.len()
    }

    /// Independent ladders.
    pub fn ladders(&self) -> usize {
        self.exchange_streams.len()
    }

    /// The inverse temperatures, ascending from 0 to 1, `[replicas]`.
    pub fn inverse_temperatures(&self) -> &[f64] {
        &self.betas
    }

    /// The part of the exchanges between each pair of neighbours that was accepted since the temperatures were last set,
    /// `[replicas − 1]`; NaN where none was offered.
    pub fn acceptance(&self) -> Vec<f64> {
        self.accepted
            .iter()
            .zip(&self.offered)
            .map(|(&accepted, &offered)| accepted as f64 / offered as f64)
            .collect()
    }

    /// Round trips of all replicas, from β = 1 to β = 0 and back, since the temperatures were last set.
    pub fn round_trips(&self) -> u64 {
        self.round_trips
    }

    /// The states at β = 1, `[ladders, visible]`.
    pub fn cold(&self) -> BitMatrix {
        self.at_rung(self.replicas() - 1)
    }

    /// The states of the replicas on a rung, `[ladders, visible]`.
    ///
    /// # Panics
    /// Where there is no such rung.
    #[track_caller]
    pub fn at_rung(&self, rung: usize) -> BitMatrix {
        let replicas = self.replicas();
        assert!(rung < replicas, "rung {rung} of {replicas}");
        let mut states = BitMatrix::zeros(self.ladders(), self.visible.units());
        let words = states.words_per_row();
        let place = |row: usize, word: usize| (row / LANES * words + word) * LANES + row % LANES;
        for (ladder, rungs) in self.rungs.chunks_exact(replicas).enumerate() {
            for (replica, _) in rungs.iter().enumerate().filter(|(_, on)| **on as usize == rung) {
                for word in 0..words {
                    let from = place(ladder * replicas + replica, word);
                    states.words_mut()[place(ladder, word)] = self.visible.words()[from];
                }
            }
        }
        states
    }

    /// `sweeps` sweeps, each followed by an exchange.
    ///
    /// # Panics
    /// Where the chains are of another machine's shape.
    #[track_caller]
    pub fn gibbs(&mut self, rbm: &Rbm, sweeps: usize) {
        let shape = (self.visible.units(), self.hidden.units());
        assert_eq!(shape, (rbm.visible, rbm.hidden), "units of the chains and of the machine");
        if sweeps == 0 || self.rungs.is_empty() {
            return;
        }
        let mut tables = std::mem::take(&mut self.tables);
        tables.build(rbm, None);
        let weights = tables.weights(rbm);
        let linear = change_of_bias(rbm, &self.base);
        let rows = self.visible.blocks() * LANES;
        let mut temperatures = [AlignedVec::zeroed(rows), AlignedVec::zeroed(rows)];
        let mut log_ratios = vec![0.0; rows];
        for _ in 0..sweeps {
            self.lay_out_temperatures(&mut temperatures);
            self.sweep(rbm, weights, &linear, &temperatures, &mut log_ratios);
            self.exchange(&log_ratios);
        }
        self.tables = tables;
    }

    /// `sweeps` sweeps in rounds, each twice as long as the one before; after each the temperatures are set anew for
    /// equal rates of rejection between all neighbours: with r(β) the rejections of a pair spread evenly between its
    /// temperatures, the rungs divide Λ = ∫ r(β) dβ into equal parts (Syed et al. 2022, algorithm 2). The chains are not
    /// stationary meanwhile; sweeps that count come after. The counts start at zero.
    ///
    /// # Panics
    /// As [`gibbs`](Self::gibbs).
    #[track_caller]
    pub fn warm_up(&mut self, rbm: &Rbm, sweeps: usize) {
        const ROUNDS: u32 = 5;
        for round in 0..ROUNDS {
            self.gibbs(rbm, sweeps / (1 << (ROUNDS - round)));
            self.space_temperatures();
        }
        self.gibbs(rbm, sweeps / 2);
        self.forget_counts();
    }

    /// The biases of the independent model and the partner of each rung: β of each chain, and the β it may change to.
    fn lay_out_temperatures(&self, [own, other]: &mut [AlignedVec<f32>; 2]) {
        for (chain, &rung) in self.rungs.iter().enumerate() {
            let rung = rung as usize;
            let partner = if (rung as u64 + self.exchanges).is_multiple_of(2) {
                if rung + 1 < self.replicas() { rung + 1 } else { rung }
            } else {
                rung.saturating_sub(1)
            };
            own[chain] = self.betas[rung] as f32;
            other[chain] = self.betas[partner] as f32;
        }
    }

    /// A sweep of every chain at its temperature; `log_ratios` becomes log p*_β′(v) − log p*_β(v) of each, β′ being the
    /// temperature it may change to.
    fn sweep(
        &mut self,
        rbm: &Rbm,
        [towards_hidden, towards_visible]: [Weights<'_>; 2],
        linear: &Tables,
        [own, other]: &[AlignedVec<f32>; 2],
        log_ratios: &mut [f64],
    ) {
        let (blocks, count) = (self.visible.blocks(), self.visible.rows());
        let [visible_words, hidden_words] = [rbm.visible, rbm.hidden].map(|units| units.div_ceil(32) * LANES);
        let hidden_base = vec![0.0; rbm.hidden];
        let (base, exchanges) = (&self.base[..], self.betas.len() > 1);
        // Chains are independent, so the division moves no draw and may follow the number of threads; four blocks fill
        // a register tile.
        let run = blocks.div_ceil(rayon::current_num_threads()).next_multiple_of(4);
        let states = (
            chunks_mut(self.visible.words_mut(), run * visible_words),
            chunks_mut(self.hidden.words_mut(), run * hidden_words),
            chunks_mut(self.streams.blocks_mut(), run),
        );
        let temperatures = (chunks(own, run * LANES), chunks(other, run * LANES));
        let cut = (states, temperatures, chunks_mut(log_ratios, run * LANES));
        for_each_apart(cut, |part, (states, (own, other), log_ratios)| {
            let (visible, hidden, streams) = states;
            let blocks = streams.len();
            let rows = (count - part * run * LANES).min(blocks * LANES);
            let temper = Some((own, &hidden_base[..]));
            let layer = Layer { bias: &rbm.hidden_bias, temper, words: hidden, free: None, rows };
            lookup::sample(towards_hidden, BitsRef::new(visible, rbm.visible, blocks), layer, streams);
            let temper = Some((own, base));
            let layer = Layer { bias: &rbm.visible_bias, temper, words: visible, free: None, rows };
            lookup::sample(towards_visible, BitsRef::new(hidden, rbm.hidden, blocks), layer, streams);
            if !exchanges {
                return;
            }
            let states = BitsRef::new(visible, rbm.visible, blocks);
            let mut bias_sums = AlignedVec::<f32>::zeroed(blocks * LANES);
            lookup::sums_of_blocks(Weights::Tables(linear), states, &mut bias_sums, blocks * LANES);
            for (((ratio, &sum), &own), &other) in log_ratios.iter_mut().zip(&bias_sums[..]).zip(own).zip(other) {
                *ratio = (f64::from(other) - f64::from(own)) * f64::from(sum);
            }
            lookup::add_exchange(towards_hidden, states, &rbm.hidden_bias, [own, other], log_ratios);
        });
    }

    /// Offers the exchange of temperatures to every other pair of neighbours.
    fn exchange(&mut self, log_ratios: &[f64]) {
        let replicas = self.replicas();
        let first = (self.exchanges % 2) as usize;
        let mut on_rung = vec![0; replicas];
        let ladders = self.rungs.chunks_exact_mut(replicas).zip(log_ratios.chunks_exact(replicas));
        for ((rungs, log_ratios), stream) in ladders.zip(&mut self.exchange_streams) {
            for (replica, &rung) in rungs.iter().enumerate() {
                on_rung[rung as usize] = replica;
            }
            for lower in (first..replicas - 1).step_by(2) {
                let (a, b) = (on_rung[lower], on_rung[lower + 1]);
                let uniform: f64 = stream.random();
                self.offered[lower] += 1;
                if uniform.ln() < log_ratios[a] + log_ratios[b] {
                    rungs.swap(a, b);
                    self.accepted[lower] += 1;
                }
            }
        }
        self.exchanges += 1;
        self.note_headings();
    }

    fn note_headings(&mut self) {
        let cold = self.replicas() - 1;
        if cold == 0 {
            return;
        }
        for (&rung, heading) in self.rungs.iter().zip(&mut self.headings) {
            if rung as usize == cold {
                self.round_trips += u64::from(*heading == Heading::FromHot);
                *heading = Heading::FromCold;
            } else if rung == 0 && *heading == Heading::FromCold {
                *heading = Heading::FromHot;
            }
        }
    }

    fn forget_counts(&mut self) {
        self.offered.fill(0);
        self.accepted.fill(0);
        self.round_trips = 0;
        self.headings.fill(Heading::Nowhere);
        self.note_headings();
    }

    /// Sets the temperatures for equal rejections, by those counted.
    fn space_temperatures(&mut self) {
        let last = self.replicas() - 1;
        // A pair without a rejection keeps a little of the way, lest two rungs fall together.
        let rejections: Vec<f64> = self
            .acceptance()
            .iter()
            .map(|rate| if rate.is_nan() { 0.5 } else { (1.0 - rate).max(0.01) })
            .collect();
        let total: f64 = rejections.iter().sum();
        let old = self.betas.clone();
        let (mut pair, mut before) = (0, 0.0);
        for rung in 1..last {
            let wanted = total * rung as f64 / last as f64;
            while pair + 1 < last && before + rejections[pair] < wanted {
                before += rejections[pair];
                pair += 1;
            }
            let part = ((wanted - before) / rejections[pair]).min(1.0);
            self.betas[rung] = old[pair] + part * (old[pair + 1] - old[pair]);
        }
        self.forget_counts();
    }

    /// The lowest rate of acceptance between neighbours; 1 where there are none.
    pub(super) fn lowest_acceptance(&self) -> f64 {
        self.acceptance().into_iter().fold(1.0, f64::min)
    }

    /// Puts all that moves into a checkpoint.
    pub(super) fn save(&self, snapshot: &mut Snapshot) {
        let words = self.visible.words();
        snapshot.put_u32("tempering.visible", &[words.len()], words);
        snapshot.put_u32("tempering.rungs", &[self.ladders(), self.replicas()], &self.rungs);
        let headings: Vec<u32> = self.headings.iter().map(|&heading| heading as u32).collect();
        snapshot.put_u32("tempering.headings", &[self.ladders(), self.replicas()], &headings);
        snapshot.put_streams("tempering.streams", &self.streams);
        let states: Vec<u32> = self.exchange_streams.iter().flat_map(Stream::state).collect();
        snapshot.put_u32("tempering.exchange_streams", &[self.ladders(), 65], &states);
        snapshot.put_f64("tempering.inverse_temperatures", &[self.replicas()], &self.betas);
        snapshot.put_u64("tempering.offered", &[self.offered.len()], &self.offered);
        snapshot.put_u64("tempering.accepted", &[self.accepted.len()], &self.accepted);
        snapshot.put_u64("tempering.counts", &[2], &[self.exchanges, self.round_trips]);
    }

    /// Takes all that moves from a checkpoint of ladders of the same shape.
    pub(super) fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let shape = [self.ladders(), self.replicas()];
        let rungs = snapshot.u32("tempering.rungs", &shape)?;
        // Each ladder has one replica a rung, else the exchanges would lose one.
        let complete = rungs.chunks(self.replicas()).all(|ladder| {
            let mut ladder = ladder.to_vec();
            ladder.sort_unstable();
            ladder.iter().enumerate().all(|(rung, on)| rung == *on as usize)
        });
        if !complete {
            let (key, value) = ("tempering.rungs".to_owned(), format!("{rungs:?}"));
            return Err(SnapshotError::Metadata { key, value, wanted: "one replica a rung" });
        }
        self.rungs.copy_from_slice(rungs);
        for (heading, word) in self.headings.iter_mut().zip(snapshot.u32("tempering.headings", &shape)?) {
            *heading = match word {
                0 => Heading::Nowhere,
                1 => Heading::FromCold,
                _ => Heading::FromHot,
            };
        }
        let words = self.visible.words_mut();
        words.copy_from_slice(snapshot.u32("tempering.visible", &[words.len()])?);
        snapshot.load_streams("tempering.streams", &mut self.streams)?;
        let states = snapshot.u32("tempering.exchange_streams", &[shape[0], 65])?;
        for (stream, state) in self.exchange_streams.iter_mut().zip(states.as_chunks().0) {
            *stream = Stream::from_state(state);
        }
        self.betas.copy_from_slice(snapshot.f64("tempering.inverse_temperatures", &[shape[1]])?);
        self.offered.copy_from_slice(snapshot.u64("tempering.offered", &[shape[1] - 1])?);
        self.accepted.copy_from_slice(snapshot.u64("tempering.accepted", &[shape[1] - 1])?);
        let counts = snapshot.u64("tempering.counts", &[2])?;
        (self.exchanges, self.round_trips) = (counts[0], counts[1]);
        Ok(())
    }
}

impl Rbm {
    /// `ladders` independent ladders of `replicas` replicas, from the independent model with the means of some short
    /// chains of the machine.
    ///
    /// # Panics
    /// Where there are no replicas.
    #[track_caller]
    pub fn tempered_chains(&self, ladders: usize, replicas: usize, seed: Seed) -> TemperedChains {
        let mut pilots = self.chains(PILOTS, seed.derive("pilots", 0));
        pilots.gibbs(self, PILOT_SWEEPS);
        let mut means = vec![0.0; self.visible];
        for row in self.mean_visible(pilots.hidden()).chunks_exact(self.visible) {
            for (mean, &value) in means.iter_mut().zip(row) {
                *mean += f64::from(value) / PILOTS as f64;
            }
        }
        let base: Vec<f32> = logits_of_means(&means, PILOTS).collect();
        TemperedChains::new(self, ladders, replicas, &base, seed)
    }
}
