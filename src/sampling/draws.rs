//! What a run leaves behind.

use super::diagnostics::Summary;
use super::kernel::Exchanges;
use std::fmt;

/// The draws of several chains, `[chain, draw, dimension]`, and how each chain fared.
#[derive(Clone, Debug, PartialEq)]
pub struct Draws {
    draws: usize,
    dimension: usize,
    values: Vec<f64>,
    reports: Vec<ChainReport>,
}

/// How a chain fared.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ChainReport {
    /// Mean probability of acceptance after the warm-up.
    pub acceptance: f64,
    /// Trajectories after the warm-up that left the path of equal energy.
    pub divergences: u64,
    /// Points, those of the warm-up included, where the density gave up for once and was taken for zero.
    pub recoverable_errors: u64,
    /// The step size, or the factor of the proposal's scale, that the warm-up ended with; NaN where there is none.
    pub scale: f64,
    /// Exchanges of replicas, of tempered chains.
    pub exchanges: Exchanges,
}

impl Draws {
    pub(super) fn new(draws: usize, dimension: usize, values: Vec<f64>, reports: Vec<ChainReport>) -> Self {
        debug_assert_eq!(values.len(), reports.len() * draws * dimension);
        Draws { draws, dimension, values, reports }
    }

    /// Chains there are.
    pub fn chains(&self) -> usize {
        self.reports.len()
    }

    /// Draws of each chain.
    pub fn draws(&self) -> usize {
        self.draws
    }

    /// Components of a draw.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// All values, `[chain, draw, dimension]`.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// How each chain fared.
    pub fn reports(&self) -> &[ChainReport] {
        &self.reports
    }

    /// One draw, `[dimension]`.
    ///
    /// # Panics
    /// Where there is no such chain or draw.
    #[track_caller]
    pub fn point(&self, chain: usize, draw: usize) -> &[f64] {
        let (chains, draws) = (self.chains(), self.draws);
        assert!(
            chain < chains && draw < draws,
            "draw {draw} of chain {chain}, of {draws} draws of {chains} chains"
        );
        &self.values[(chain * draws + draw) * self.dimension..][..self.dimension]
    }

    /// One component, `[chain][draw]`, as the [diagnostics](super::diagnostics) take it.
    ///
    /// # Panics
    /// Where there is no such component.
    #[track_caller]
    pub fn component(&self, component: usize) -> Vec<Vec<f64>> {
        assert!(component < self.dimension, "component {component} of {}", self.dimension);
        self.map(|point| point[component])
    }

    /// A function of each draw, `[chain][draw]`, as the [diagnostics](super::diagnostics) take it.
    pub fn map(&self, f: impl Fn(&[f64]) -> f64) -> Vec<Vec<f64>> {
        let chains = self.values.chunks(self.draws * self.dimension);
        chains.map(|chain| chain.chunks(self.dimension).map(&f).collect()).collect()
    }

    /// Mean, standard deviation, quantiles, their errors and the diagnostics of one component.
    ///
    /// # Panics
    /// Where there is no such component.
    #[track_caller]
    pub fn summary(&self, component: usize) -> Summary {
        Summary::of(&self.component(component))
    }

    /// The draws as a NumPy file, `f64` `[chain, draw, dimension]` in little-endian order. In Python
    ///
    /// ```python
    /// draws = numpy.load("draws.npy")
    /// arviz.summary(arviz.convert_to_inference_data({"x": draws}))
    /// ```
    pub fn to_npy(&self) -> Vec<u8> {
        let shape = (self.chains(), self.draws, self.dimension);
        let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape:?}, }}");
        // Magic, version and length take 10 bytes; the whole is padded to a multiple of 64 and ends in a line break.
        let padding = 63 - (10 + header.len()) % 64;
        header.push_str(&" ".repeat(padding));
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(self.values.iter().flat_map(|value| value.to_le_bytes()));
        bytes
    }
}

impl fmt::Display for Draws {
    /// A line a component, then one for what went wrong.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for component in 0..self.dimension {
            writeln!(f, "{component}: {}", self.summary(component))?;
        }
        let mean = self.reports.iter().map(|report| report.acceptance).sum::<f64>() / self.chains() as f64;
        let divergences: u64 = self.reports.iter().map(|report| report.divergences).sum();
        let recoverable: u64 = self.reports.iter().map(|report| report.recoverable_errors).sum();
        write!(
            f,
            "acceptance {mean:.3}, {divergences} divergences, {recoverable} recoverable errors of the density"
        )
    }
}
