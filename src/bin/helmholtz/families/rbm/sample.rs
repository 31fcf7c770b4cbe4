//! Draws of an RBM: exact where the machine is small enough, else by chains, with word of whether these forget their start.

use super::mixing::{self, CHAINS, Mixing};
use super::start;
use crate::cli::{Failure, counted, size};
use crate::contract::{Draws, Numbers, Replicas, SampleAsk, Sampler};
use crate::input::{Binarize, RowChoice, Sums};
use crate::run::Choice;
use helmholtz::Seed;
use helmholtz::rbm::{Rbm, RbmChains};
use helmholtz::tensor::BitMatrix;
use std::borrow::Cow;

/// Sweeps unless told otherwise.
pub const SWEEPS: usize = 1000;

/// Ladders, temperatures and sweeps that tell how many temperatures a machine needs.
const PILOTS: usize = 8;
const PILOT_REPLICAS: usize = 16;
const PILOT_SWEEPS: usize = 200;
/// The fewest and the most temperatures that are chosen.
const FEWEST: usize = 4;
const MOST: usize = 64;
/// The rate of exchanges below which more temperatures help more than more sweeps.
const LOW_RATE: f64 = 0.2;

impl Sampler for Rbm {
    fn options(&self) -> &'static [&'static str] {
        &["steps", "tempering", "from-data", "from-random", "precision"]
    }

    fn sample(&self, ask: &SampleAsk<'_>) -> Result<Draws, Failure> {
        let (options, count, seed) = (ask.options, ask.count, ask.seed);
        let precision = options.precision.unwrap_or(Sums::F32);
        let replicas = match options.tempering {
            None => None,
            Some(Replicas::Number(number)) if number < 2 => {
                return Err(Failure::new(format!("--tempering is {number}, but must be at least 2")));
            }
            Some(Replicas::Number(number)) => Some(number),
            Some(Replicas::Chosen) => Some(temperatures(self, seed.derive("pilot", 0))),
        };
        let units = self.visible().max(self.hidden());
        size::check_product(&[("count", count), ("tempering", replicas.unwrap_or(1))], units)?;
        if !options.from_data
            && !options.from_random
            && options.steps.is_none()
            && replicas.is_none()
            && precision == Sums::F32
            && let Some(bits) = self.sample_exact(count, seed)
        {
            return Ok(Draws::of_bits(&bits, "exact, independent"));
        }
        let sweeps = options.steps.unwrap_or(SWEEPS);
        if let Some(replicas) = replicas {
            let mut draws = draw_tempered(self, ask, replicas, sweeps);
            compare_with_rows(self, ask, None, &mut draws);
            return Ok(draws);
        }
        let Start { name, states } = Start::choose(self, ask)?;
        let mut chains = match &states {
            Some(states) => RbmChains::from_visible(start::repeated(states, count), self.hidden(), seed),
            None => self.chains(count, seed),
        };
        let (machine, rounding) = precision.machine(Cow::Borrowed(self))?;
        chains.set_precision(precision.into());
        chains.gibbs(&machine, sweeps);
        let grey =
            ask.origin.settings.saved::<Choice<Binarize>>("binarize").is_some_and(|how| how.0 == Binarize::None);
        // Of a table the picture shows how draws are spread, as its rows are.
        let as_drawn = sweeps == 0 || ask.origin.canvas().is_table() && !grey;
        let levels = if as_drawn { chains.visible().to_f32() } else { machine.mean_visible(chains.hidden()) };
        let rounded = rounding.map_or_else(String::new, |rounding| format!(" in 16 bits, {rounding}"));
        let method = format!("{} from {name}{rounded}", counted(sweeps, "Gibbs sweep"));
        let mut draws = Draws::of_bits(chains.visible(), method);
        draws.levels = levels;
        draws.figure("start", name);
        if sweeps > 0 {
            let mixing = compare_starts(self, ask, &Start { name, states }, sweeps);
            compare_with_rows(self, ask, Some(&mixing), &mut draws);
        }
        Ok(draws)
    }
}

/// Where chains start: at random states unless there are some.
struct Start {
    name: &'static str,
    states: Option<BitMatrix>,
}

const OF_THE_RUN: &str = "the run's own chains";
const ROWS: &str = "test rows";
const RANDOM: &str = "random states";

impl Start {
    /// As asked, else where training left its own chains, else at random.
    fn choose(rbm: &Rbm, ask: &SampleAsk<'_>) -> Result<Self, Failure> {
        if ask.options.from_data {
            return Ok(Start { name: ROWS, states: Some(rows(rbm, ask)?) });
        }
        let own = if ask.options.from_random { None } else { own_chains(rbm, ask) };
        Ok(match own {
            Some(states) => Start { name: OF_THE_RUN, states: Some(states) },
            None => Start { name: RANDOM, states: None },
        })
    }

    /// Another kind of start that knows the data where this one does not, and the other way round; `None` where there is
    /// none.
    fn other(&self, rbm: &Rbm, ask: &SampleAsk<'_>) -> Option<Self> {
        if self.states.is_some() {
            return Some(Start { name: RANDOM, states: None });
        }
        if let Some(states) = own_chains(rbm, ask) {
            return Some(Start { name: OF_THE_RUN, states: Some(states) });
        }
        ask.origin.settings.saved::<String>("data")?;
        Some(Start { name: ROWS, states: Some(rows(rbm, ask).ok()?) })
    }

    /// The ends of the chains that are compared, and the states that these began at.
    fn ends(&self, rbm: &Rbm, sweeps: usize, seed: Seed) -> (BitMatrix, Option<BitMatrix>) {
        match &self.states {
            Some(states) => {
                let states = start::repeated(states, CHAINS);
                (mixing::ends(rbm, states.clone(), sweeps, seed), Some(states))
            }
            None => {
                let mut chains = rbm.chains(CHAINS, seed);
                chains.gibbs(rbm, sweeps);
                (chains.into_visible(), None)
            }
        }
    }
}

fn own_chains(rbm: &Rbm, ask: &SampleAsk<'_>) -> Option<BitMatrix> {
    start::persistent(ask.origin.run.as_deref()?, rbm, ask.seed.derive("own chains", 0))
}

fn rows(rbm: &Rbm, ask: &SampleAsk<'_>) -> Result<BitMatrix, Failure> {
    let rows = ask.origin.rows(&RowChoice::test(ask.options.data.as_deref()))?;
    rows.bits(rbm.visible())
}

/// Chains that start as the draws do beside chains from another kind of start, and those that know the data beside one
/// another; of a machine whose data is unknown, chains from all units off beside chains from all on: nothing is farther apart.
fn compare_starts(rbm: &Rbm, ask: &SampleAsk<'_>, own: &Start, sweeps: usize) -> Mixing {
    let seed = ask.seed.derive("chains compared", 0);
    let seeds = [seed.derive("own", 0), seed.derive("other", 0)];
    let Some(other) = own.other(rbm, ask) else {
        let [off, on] = [0, 1].map(|on| {
            let start = BitMatrix::from_fn(CHAINS, rbm.visible(), |_, _| on == 1);
            mixing::ends(rbm, start, sweeps, seeds[on])
        });
        return Mixing::of([&off, &on], ["all units off", "all units on"]);
    };
    let (own_ends, own_states) = own.ends(rbm, sweeps, seeds[0]);
    let (other_ends, other_states) = other.ends(rbm, sweeps, seeds[1]);
    let within = match (own_states, other_states) {
        (Some(states), _) => Mixing::within(&states, &own_ends, own.name),
        (None, Some(states)) => Mixing::within(&states, &other_ends, other.name),
        (None, None) => None,
    };
    Mixing::of([&own_ends, &other_ends], [own.name, other.name]).worse(within)
}

/// Says how the draws lie beside the rows and beside chains from another start, and warns where either tells of draws that
/// are not the machine's.
fn compare_with_rows(rbm: &Rbm, ask: &SampleAsk<'_>, mixing: Option<&Mixing>, draws: &mut Draws) {
    let Numbers::Bits(bits) = &draws.numbers else { return };
    let states = BitMatrix::from_fn(ask.count, rbm.visible(), |row, unit| bits[row * rbm.visible() + unit] == 1);
    let lit = mixing::lit(&states);
    draws.figure("mean", lit);
    let means = start::means(&ask.origin.file, rbm);
    let of_rows =
        means.as_ref().map(|means| means.iter().map(|mean| f64::from(*mean)).sum::<f64>() / means.len() as f64);
    if let Some(mean) = of_rows {
        draws.figure("data_mean", mean);
    }
    let far = means.and_then(|means| mixing::far_from(&states, &means));
    let beside = of_rows.map_or_else(String::new, |rows| format!(", as are {:.1} % of the rows'", 100.0 * rows));
    if let Some(mixing) = mixing {
        draws.figure("starts", mixing.starts.to_vec());
        draws.figure("start_errors_apart", mixing.errors_apart);
    }
    match (mixing.filter(|mixing| mixing.fails()), far) {
        (Some(mixing), _) => {
            let [one, other] = &mixing.starts;
            let [one_lit, other_lit] = mixing.lit.map(|lit| 100.0 * lit);
            let knows = ask.options.from_data || draws.figures.get("start").is_some_and(|start| start == OF_THE_RUN);
            draws.warn(format!(
                "the chains do not forget their start: from {one} they end with {one_lit:.1} % of the units on, from {other} \
                 with {other_lit:.1} %; {:.1} % of the draws' are{beside}. {}--tempering auto or more --steps helps them to forget",
                100.0 * lit,
                if knows { "" } else { "--from-data starts where the rows are, " }
            ));
        }
        (None, Some(far)) => draws.warn(format!(
            "{:.1} % of the draws' units are on{beside}, and their means are off those of the rows by {far:.2}: {}",
            100.0 * lit,
            match mixing {
                Some(_) => "chains from other starts agree with these, so it is the machine that is off, not its chains",
                None => "--from-data starts at the rows; more --steps bring the draws nearer to the machine",
            }
        )),
        (None, None) => {}
    }
}

/// As many temperatures as give about equal chances to exchanges and refusals: twice the sum Λ of the rates of refusal along
/// the ladder, and one (Syed et al. 2022).
fn temperatures(rbm: &Rbm, seed: Seed) -> usize {
    let mut ladders = rbm.tempered_chains(PILOTS, PILOT_REPLICAS, seed);
    ladders.warm_up(rbm, PILOT_SWEEPS);
    ladders.gibbs(rbm, PILOT_SWEEPS);
    let refused: f64 = ladders.acceptance().into_iter().map(|rate| 1.0 - rate).sum();
    ((2.0 * refused).ceil() as usize + 1).clamp(FEWEST, MOST)
}

/// Half of the sweeps space the temperatures, the other half count.
fn draw_tempered(rbm: &Rbm, ask: &SampleAsk<'_>, replicas: usize, sweeps: usize) -> Draws {
    let count = ask.count;
    let mut ladders = rbm.tempered_chains(count, replicas, ask.seed);
    ladders.warm_up(rbm, sweeps / 2);
    ladders.gibbs(rbm, sweeps - sweeps / 2);
    let bits = ladders.cold();
    let lowest = ladders.acceptance().into_iter().fold(1.0, f64::min);
    let trips = ladders.round_trips() as f64 / count as f64;
    let method = format!(
        "{} of parallel tempering at {replicas} temperatures, swaps accepted at least {:.0} %, {trips:.1} \
         round trips a draw",
        counted(sweeps, "sweep"),
        100.0 * lowest,
    );
    let mut draws = Draws::of_bits(&bits, method);
    draws.figure("replicas", replicas);
    draws.figure("swap_rate", lowest);
    draws.figure("round_trips", trips);
    // A replica that has not been at both ends brings nothing from where chains move freely.
    if trips < 1.0 {
        draws.warn(format!(
            "only {trips:.1} round trips a draw between the machine and where its chains move freely: {}",
            match lowest < LOW_RATE {
                true => format!(
                    "exchanges are rare, so more temperatures help, --tempering {}",
                    temperatures(rbm, ask.seed.derive("pilot", 0)).max(2 * replicas)
                ),
                false => format!("more --steps help, {} for example", 10 * sweeps.max(1)),
            }
        ));
    }
    draws
}
