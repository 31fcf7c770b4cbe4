//! `helmholtz train boltzmann`: settings to recipe, training, pictures, report.

use super::eval::annealing;
use super::model::KIND;
use super::pictures;
use crate::cli::{Failure, Globals, Report, Task, size};
use crate::contract::likelihood;
use crate::input::Annealing;
use crate::run::{Choice, FILTERS, Options, SAMPLES, Session, Subject, Trained, each_seed};
use clap::{Args, ValueEnum};
use helmholtz::energy::boltzmann::{self as model, BoltzmannMachine, BoltzmannTrainer, Recipe};
use helmholtz::sampling::Work;
use helmholtz::store::Snapshot;
use helmholtz::train::Trainer;

const SUBJECT: Subject = Subject::of_bits(KIND, 20_000, "conditional_likelihood");

/// Train a Boltzmann machine whose units may all act on one another, by Gibbs sampling one unit at a time
#[derive(Args)]
#[command(mut_args(|option| SUBJECT.with_defaults(option)), after_help = "\
Examples:
  helmholtz train boltzmann                             the embedded 8×8 digits, with 32 hidden units
  helmholtz train boltzmann --hidden 0                  pairs of pixels only: the likelihood is concave
  helmholtz train boltzmann bars:3 --hidden 6 --method exact --learning-rate 0.5
  helmholtz train boltzmann --model-term restarted --k 50
  helmholtz train boltzmann --out runs/boltzmann-digits --resume")]
pub struct Train {
    #[command(flatten)]
    options: Options,

    /// Hidden units [default: 32]
    #[arg(long, value_name = "N", help_heading = "Model")]
    hidden: Option<usize>,
    /// The two values of a unit [default: binary]
    #[arg(long, value_enum, value_name = "WHICH", help_heading = "Model")]
    units: Option<Units>,

    /// Both averages at once: exact, or pcd for the defaults of the two options below
    #[arg(long, value_enum, value_name = "HOW", conflicts_with_all = ["data_term", "model_term"], help_heading = "Learning")]
    method: Option<Method>,
    /// How the hidden units are averaged over under the data [default: gibbs]
    #[arg(long, value_enum, value_name = "HOW", help_heading = "Learning")]
    data_term: Option<DataTerm>,
    /// Sweeps over the hidden units an update, for gibbs and mean-field [default: 10]
    #[arg(long, value_name = "SWEEPS", help_heading = "Learning")]
    data_sweeps: Option<usize>,
    /// How all units are averaged over under the model [default: persistent]
    #[arg(long, value_enum, value_name = "HOW", help_heading = "Learning")]
    model_term: Option<ModelTerm>,
    /// Sweeps of the model's chains an update [default: 5]
    #[arg(long, value_name = "SWEEPS", help_heading = "Learning")]
    k: Option<usize>,
    /// How many chains [default: as many as --batch]
    #[arg(long, value_name = "N", help_heading = "Learning")]
    chain_count: Option<usize>,
    /// Learning rate at the start; it falls linearly to 0 [default: 0.02]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, help_heading = "Learning")]
    learning_rate: Option<f32>,
    /// Part of the last update that is kept [default: 0]
    #[arg(long, value_name = "PART", allow_negative_numbers = true, help_heading = "Learning")]
    momentum: Option<f32>,
    /// Pull of the weights towards 0 [default: 0]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, help_heading = "Learning")]
    weight_decay: Option<f32>,

    /// Chains and temperatures of annealed importance sampling for the final log-likelihood [default: 128,2000]
    #[arg(long, value_name = "CHAINS,TEMPERATURES", help_heading = "Run")]
    ais: Option<Annealing>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Units {
    /// 0 and 1
    Binary,
    /// −1 and 1
    Spin,
}

/// Both averages at once, by the names that they have with restricted machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Method {
    /// gibbs and persistent
    Pcd,
    /// both exact: all states are summed; at most 20 units
    Exact,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DataTerm {
    /// sampling with the visible units clamped to the data
    Gibbs,
    /// the mean-field equations
    MeanField,
    /// all their states are summed; at most 20 hidden units
    Exact,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ModelTerm {
    /// chains that go on from update to update
    Persistent,
    /// chains that start at random states in every update
    Restarted,
    /// all states are summed; at most 20 units
    Exact,
}

impl Task for Train {
    /// Trains, reports, and leaves a run folder.
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        each_seed(&SUBJECT, &self.options, globals, |options, globals| self.train(options, globals))
    }
}

impl Train {
    fn train(&self, options: &Options, globals: &Globals) -> Result<Report, Failure> {
        let mut session = Session::begin(&SUBJECT, options, globals)?;
        let start = session.started_from(BoltzmannMachine::from_snapshot)?;
        let usual = start.as_ref().map_or(BoltzmannMachine::HIDDEN, BoltzmannMachine::hidden);
        let usual_units = match start.as_ref().map(BoltzmannMachine::units) {
            Some(model::Units::Spin) => Units::Spin,
            Some(model::Units::Binary) | None => Units::Binary,
        };
        let hidden = session.settings.settle("hidden", self.hidden, usual)?;
        session.same_as_init("hidden", &hidden, &usual)?;
        let units = session.settings.settle_choice("units", self.units, usual_units)?;
        session.same_as_init("units", &Choice(units), &Choice(usual_units))?;
        let units = match units {
            Units::Binary => model::Units::Binary,
            Units::Spin => model::Units::Spin,
        };
        let recipe = self.recipe(&mut session)?;
        let visible = session.data.width();
        size::check("hidden", hidden.max(1), visible)?;
        let n = visible.saturating_add(hidden);
        size::check("hidden", n, n).map_err(|_| {
            Failure::new(format!("{visible} visible and {hidden} hidden units have too many weights"))
        })?;
        let (batch, chains) = (session.training.batch, recipe.chains.unwrap_or(1));
        size::check("batch", batch, n)?;
        size::check("chain-count", chains, n)?;
        if let Some(annealing) = self.ais {
            annealing.check("ais", n)?;
        }
        if hidden == 0 {
            session.select_by("pseudo_likelihood");
        }
        let seed = session.training.seed;
        let machine =
            start.unwrap_or_else(|| BoltzmannMachine::new(visible, hidden, units, seed.derive("boltzmann", 0)));
        let mut trainer = BoltzmannTrainer::new(machine, recipe, &session.train, &session.training)?;
        let ended = session.run(&mut trainer, globals)?;
        let machine = Machine { machine: trainer.model(), annealing: self.ais };
        session.conclude(&ended, &machine, globals.console())
    }
}

impl Train {
    fn recipe(&self, session: &mut Session) -> Result<Recipe, Failure> {
        let settings = &mut session.settings;
        let default = Recipe::default();
        let (of_data, of_model) = match self.method {
            Some(Method::Pcd) => (Some(DataTerm::Gibbs), Some(ModelTerm::Persistent)),
            Some(Method::Exact) => (Some(DataTerm::Exact), Some(ModelTerm::Exact)),
            None => (None, None),
        };
        let data = settings.settle_choice("data-term", self.data_term.or(of_data), DataTerm::Gibbs)?;
        let sweeps = settings.settle("data-sweeps", self.data_sweeps, model::DataTerm::SWEEPS)?;
        let term = settings.settle_choice("model-term", self.model_term.or(of_model), ModelTerm::Persistent)?;
        let k = settings.settle("k", self.k, model::ModelTerm::K)?;
        let count = settings.settle("chain-count", self.chain_count, 0)?;
        Ok(Recipe {
            data: match data {
                DataTerm::Gibbs => model::DataTerm::Gibbs { sweeps },
                DataTerm::MeanField => model::DataTerm::MeanField { sweeps },
                DataTerm::Exact => model::DataTerm::Exact,
            },
            model: match term {
                ModelTerm::Persistent => model::ModelTerm::Persistent { k },
                ModelTerm::Restarted => model::ModelTerm::Restarted { k },
                ModelTerm::Exact => model::ModelTerm::Exact,
            },
            chains: (count > 0).then_some(count),
            learning_rate: settings.settle("learning-rate", self.learning_rate, default.learning_rate)?,
            momentum: settings.settle("momentum", self.momentum, default.momentum)?,
            weight_decay: settings.settle("weight-decay", self.weight_decay, default.weight_decay)?,
        })
    }
}

/// A trained machine, and how it is judged.
struct Machine {
    machine: BoltzmannMachine,
    /// How its log-likelihood is to be estimated.
    annealing: Option<Annealing>,
}

impl Trained for Machine {
    fn snapshot(&self, _: &Session) -> Snapshot {
        self.machine.to_snapshot()
    }

    fn size(&self) -> String {
        format!("{} visible and {} hidden units", self.machine.visible(), self.machine.hidden())
    }

    fn draw_pictures(&self, session: &Session) -> Result<&'static [&'static str], Failure> {
        let (machine, canvas) = (&self.machine, session.canvas());
        pictures::filters(machine, canvas).save(&session.folder.file(FILTERS))?;
        let seed = session.training.seed.derive("samples", 0);
        let (rows, _) = session.judged_by();
        pictures::samples(machine, canvas, &rows, seed).save(&session.folder.file(SAMPLES))?;
        Ok(&[SAMPLES, FILTERS])
    }

    fn judge(&self, session: &Session, work: &Work, report: &mut Report) -> Result<(), Failure> {
        let (rows, split) = session.judged_by();
        let annealing = annealing(self.annealing, session.training.seed);
        let (_, estimate) = self.machine.log_likelihoods_counted(&rows, &annealing, work)?;
        likelihood::report(report, &estimate, None, split);
        Ok(())
    }
}
