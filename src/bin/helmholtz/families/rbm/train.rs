//! `helmholtz train rbm`: settings to recipe, training, pictures, report.

use super::eval::{EXACT_UP_TO, scoring};
use super::mixing::{CHAINS, Mixing, ends};
use super::model::KIND;
use super::pictures;
use super::sample::SWEEPS;
use super::start;
use crate::cli::{Failure, Globals, Report, Task, size};
use crate::contract::likelihood;
use crate::input::{Annealing, Sums};
use crate::run::{FILTERS, MODEL, Options, SAMPLES, Session, Subject, Trained, each_seed};
use clap::{Args, ValueEnum};
use helmholtz::data::Binarization;
use helmholtz::rbm::{self as model, RbmTrainer, Recipe};
use helmholtz::sampling::Work;
use helmholtz::store::Snapshot;
use helmholtz::train::Trainer;

const SUBJECT: Subject = Subject::of_bits(KIND, 60_000, "pseudo_likelihood");

/// Train a restricted Boltzmann machine by block Gibbs sampling
#[derive(Args)]
#[command(mut_args(|option| SUBJECT.with_defaults(option)), after_help = "\
Examples:
  helmholtz train rbm                                  the embedded 8×8 digits, some seconds
  helmholtz train rbm bars:3 --hidden 16 --method exact
  helmholtz train rbm MNIST/ --hidden 500 --epochs 50 --out runs/mnist
  helmholtz train rbm --out runs/mnist --resume        go on after Ctrl-C, a crash or --stop-after
  helmholtz train rbm --out runs/mnist --resume --epochs 100")]
pub struct Train {
    #[command(flatten)]
    options: Options,

    /// Hidden units [default: 128]
    #[arg(long, value_name = "N", help_heading = "Model")]
    hidden: Option<usize>,

    /// How the gradient's negative part is found [default: pcd]
    #[arg(long, value_enum, value_name = "HOW", help_heading = "Learning")]
    method: Option<Method>,
    /// Gibbs sweeps an update, for pcd, cd and pt [default: 1]
    #[arg(long, value_name = "SWEEPS", help_heading = "Learning")]
    k: Option<usize>,
    /// Temperatures of pt, each with its own chains [default: 8]
    #[arg(long, value_name = "N", help_heading = "Learning")]
    replicas: Option<usize>,
    /// Where the chains of pcd start at each update [default: persistent]
    #[arg(long, value_enum, value_name = "WHERE", help_heading = "Learning")]
    chains: Option<ChainStart>,
    /// How many chains [default: as many as --batch]
    #[arg(long, value_name = "N", help_heading = "Learning")]
    chain_count: Option<usize>,
    /// Learning rate at the start; it falls linearly to 0 [default: 0.05]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, help_heading = "Learning")]
    learning_rate: Option<f32>,
    /// Part of the last update that is kept [default: 0]
    #[arg(long, value_name = "PART", allow_negative_numbers = true, help_heading = "Learning")]
    momentum: Option<f32>,
    /// Pull of the weights towards 0: λ of the penalty λ/2 ‖W‖² [default: 1.5 / training rows, at most 0.001; 0 with
    /// --method exact]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, help_heading = "Learning")]
    weight_decay: Option<f32>,
    /// Whether units are counted from their means: learning then does not depend on what is called 0 and 1
    /// [default: centered]
    #[arg(long, value_enum, value_name = "HOW", help_heading = "Learning")]
    centering: Option<Centering>,
    /// What an average of the weights, which is kept beside them and becomes the model, keeps in an update; 0: no
    /// average, the weights are the model [default: 0.999]
    #[arg(long, value_name = "PART", allow_negative_numbers = true, help_heading = "Learning")]
    average: Option<f32>,
    /// What the chains' half-sweeps of pcd and cd are computed in; the gradient stays f32 [default: f32]
    #[arg(long, value_enum, help_heading = "Learning")]
    precision: Option<Sums>,

    /// Chains and temperatures of annealed importance sampling for the final log-likelihood
    #[arg(long, value_name = "CHAINS,TEMPERATURES", help_heading = "Run")]
    ais: Option<Annealing>,
}

/// How the gradient's negative part is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Method {
    /// persistent contrastive divergence: chains that go on from update to update
    Pcd,
    /// contrastive divergence: chains that start at the data
    Cd,
    /// parallel tempering: persistent chains at several temperatures that exchange them
    Pt,
    /// all states are summed; for small machines
    Exact,
}

/// Where chains start at each update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ChainStart {
    /// where the last update left them
    Persistent,
    /// at random
    Random,
    /// at the examples of the batch
    Data,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Centering {
    /// the centered gradient (Melchior et al. 2016)
    Centered,
    /// the plain gradient
    Plain,
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
        let start = session.started_from(model::Rbm::from_checkpoint)?;
        let usual = start.as_ref().map_or(model::Rbm::HIDDEN, model::Rbm::hidden);
        let hidden = session.settings.settle("hidden", self.hidden, usual)?;
        session.same_as_init("hidden", &hidden, &usual)?;
        let recipe = self.recipe(&mut session)?;
        self.say_what_is_unused(&recipe, globals);
        let visible = session.data.width();
        size::check("hidden", hidden, visible)?;
        let (units, batch) = (visible + hidden, session.training.batch);
        size::check("batch", batch, units)?;
        let chains = recipe.chains.map_or(("batch", batch), |chains| ("chain-count", chains));
        let replicas = match recipe.method {
            model::Method::Pt { replicas, .. } => replicas,
            _ => 1,
        };
        size::check_product(&[chains, ("replicas", replicas)], units)?;
        if let Some(annealing) = self.ais {
            annealing.check("ais", visible + hidden)?;
        }
        if recipe.average_decay > 0.0 {
            session.select_by("average_pseudo_likelihood");
        }
        let seed = session.training.seed;
        let rbm = start.unwrap_or_else(|| model::Rbm::new(visible, hidden, seed.derive("rbm", 0)));
        let mut trainer = RbmTrainer::new(rbm, recipe, &session.train, &session.training)?;
        let ended = session.run(&mut trainer, globals)?;
        let machines = Machines {
            weights: trainer.last().clone(),
            average: (recipe.average_decay > 0.0).then(|| trainer.average()),
            annealing: self.ais,
        };
        session.conclude(&ended, &machines, globals.console())
    }
}

impl Train {
    /// Names the options that are given and change nothing.
    fn say_what_is_unused(&self, recipe: &Recipe, globals: &Globals) {
        let (method, uses_k, uses_replicas, starts, counts) = match recipe.method {
            model::Method::Pcd { .. } => ("pcd", true, false, true, recipe.chain_start != model::ChainStart::Data),
            model::Method::Cd { .. } => ("cd", true, false, false, false),
            // Another start than --chains persistent is refused.
            model::Method::Pt { .. } => ("pt", true, true, true, true),
            model::Method::Exact => ("exact", false, false, false, false),
        };
        let console = globals.console();
        for (option, unused) in [
            ("k", self.k.is_some() && !uses_k),
            ("replicas", self.replicas.is_some() && !uses_replicas),
            ("chains", self.chains.is_some() && !starts),
            ("chain-count", self.chain_count.is_some() && !counts && !starts),
        ] {
            if unused {
                console.warn(format!("--{option} changes nothing with --method {method}"));
            }
        }
        if self.chain_count.is_some() && !counts && starts {
            console.warn("--chain-count changes nothing with --chains data: there is a chain for each example");
        }
    }

    fn recipe(&self, session: &mut Session) -> Result<Recipe, Failure> {
        let rows = session.train.len().max(1);
        let settings = &mut session.settings;
        let default = Recipe::default();
        let method = settings.settle_choice("method", self.method, Method::Pcd)?;
        let k = settings.settle("k", self.k, 1)?;
        let replicas = settings.settle("replicas", self.replicas, Recipe::REPLICAS)?;
        let start = settings.settle_choice("chains", self.chains, ChainStart::Persistent)?;
        let count = settings.settle("chain-count", self.chain_count, 0)?;
        let centering = settings.settle_choice("centering", self.centering, Centering::Centered)?;
        let method = match method {
            Method::Pcd => model::Method::Pcd { k },
            Method::Cd => model::Method::Cd { k },
            Method::Pt => model::Method::Pt { replicas, k },
            Method::Exact => model::Method::Exact,
        };
        let weight_decay = Recipe { method, ..default }.weight_decay_for(rows);
        Ok(Recipe {
            method,
            chain_start: match start {
                ChainStart::Persistent => model::ChainStart::Persistent,
                ChainStart::Random => model::ChainStart::Random,
                ChainStart::Data => model::ChainStart::Data,
            },
            chains: (count > 0).then_some(count),
            learning_rate: settings.settle("learning-rate", self.learning_rate, default.learning_rate)?,
            momentum: settings.settle("momentum", self.momentum, default.momentum)?,
            weight_decay: Some(settings.settle("weight-decay", self.weight_decay, weight_decay)?),
            centering: match centering {
                Centering::Centered => model::Centering::Centered,
                Centering::Plain => model::Centering::Plain,
            },
            average_decay: settings.settle("average", self.average, default.average_decay)?,
            precision: settings.settle_choice("precision", self.precision, Sums::F32)?.into(),
        })
    }
}

/// A trained machine, and how it is judged.
struct Machines {
    weights: model::Rbm,
    /// Their running average, unless none was asked for.
    average: Option<model::Rbm>,
    /// How their log-likelihood is to be estimated.
    annealing: Option<Annealing>,
}

impl Machines {
    /// The one that the run keeps as its model.
    fn kept(&self) -> &model::Rbm {
        self.average.as_ref().unwrap_or(&self.weights)
    }
}

impl Machines {
    /// Compares chains from where training left its own, else from rows, with chains from random states. A machine whose
    /// states are all enumerated for its draws needs no chains.
    fn say_whether_it_mixes(&self, session: &Session, report: &mut Report) {
        let rbm = self.kept();
        let seed = session.training.seed.derive("chains compared", 0);
        if rbm.sample_exact(1, seed).is_some() {
            return;
        }
        let own = start::persistent(session.folder.path(), rbm, seed.derive("own chains", 0));
        let rows = session.train.subset(0..CHAINS.min(session.train.len()));
        let (states, name) = match own {
            Some(states) => (states, "where training left its chains"),
            None => (rows.binarized(Binarization::Threshold).to_bits(), "training rows"),
        };
        let states = start::repeated(&states, CHAINS);
        let from_states = ends(rbm, states.clone(), SWEEPS, seed.derive("own", 0));
        let mut random = rbm.chains(CHAINS, seed.derive("other", 0));
        random.gibbs(rbm, SWEEPS);
        let mixing = Mixing::of([&from_states, random.visible()], [name, "random states"]).worse(Mixing::within(
            &states,
            &from_states,
            name,
        ));
        let [from, otherwise] = &mixing.starts;
        let [own, other] = mixing.lit.map(|lit| 100.0 * lit);
        report.figure("start_errors_apart", mixing.errors_apart);
        report.figure("in_equilibrium", !mixing.fails());
        if mixing.fails() {
            report.warn(format!(
                "out of equilibrium: {SWEEPS} sweeps from {from} end with {own:.1} % of the units on, from {otherwise} with \
                 {other:.1} %, and elsewhere; sample --from-data, --tempering auto or more --steps helps, and so does training with --method pt \
                 or a larger --k"
            ));
        } else {
            report.line(format!(
                "chains          {SWEEPS} sweeps from {name} and from random states end alike: the machine mixes"
            ));
        }
    }
}

impl Trained for Machines {
    fn snapshot(&self, session: &Session) -> Snapshot {
        let mut snapshot = self.kept().to_snapshot();
        start::put_means(&mut snapshot, &session.train);
        snapshot
    }

    fn size(&self) -> String {
        format!("{} visible × {} hidden units", self.kept().visible(), self.kept().hidden())
    }

    fn draw_pictures(&self, session: &Session) -> Result<&'static [&'static str], Failure> {
        let (rbm, canvas) = (self.kept(), session.canvas());
        pictures::filters(rbm, canvas).save(&session.folder.file(FILTERS))?;
        let seed = session.training.seed.derive("samples", 0);
        let own = start::persistent(session.folder.path(), rbm, seed.derive("own chains", 0));
        let (rows, _) = session.judged_by();
        pictures::samples(rbm, canvas, &rows, own.as_ref(), seed).save(&session.folder.file(SAMPLES))?;
        Ok(&[SAMPLES, FILTERS])
    }

    fn judge(&self, session: &Session, work: &Work, report: &mut Report) -> Result<(), Failure> {
        self.say_whether_it_mixes(session, report);
        if session.data.is_grey() {
            report.line("log-likelihood  none: grey levels give a machine of binary units none");
            report.advise(
                "                helmholtz eval with --binarize sample or threshold asks for that of bits",
            );
            return Ok(());
        }
        let (rows, split) = session.judged_by();
        let scoring = scoring(self.annealing, session.training.seed, EXACT_UP_TO);
        let score = self.kept().score_counted(&rows, &scoring, work)?;
        likelihood::report(report, &score.estimate, score.conservative.as_ref(), split);
        likelihood::warn_of_unused(report, &score.estimate, self.annealing.map(|_| "ais"));
        let kept = score.estimate.value;
        if self.average.is_none() {
            report.figure("log_likelihood_weights", kept);
            return Ok(());
        }
        let weights = self.weights.optimistic_log_likelihood_counted(&rows, &scoring, work)?;
        report.line(format!("average         {kept:.2} nats for the average of the weights: {MODEL} holds it"));
        report.line(format!(
            "weights         {:.2} nats for the weights as they are, by the same method; Monte Carlo error {:.2}",
            weights.value, weights.monte_carlo_error
        ));
        report.figure("log_likelihood_average", kept);
        report.figure("log_likelihood_weights", weights.value);
        Ok(())
    }
}
