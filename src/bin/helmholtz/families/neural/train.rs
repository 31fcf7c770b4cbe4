//! `helmholtz train neural`: settings to shape and recipe, training, pictures, report.

use super::model::KIND;
use super::{pictures, report};
use crate::cli::{Failure, Globals, Report, Task, size};
use crate::input::{Annealing, Binarize, Domain};
use crate::pictures::table;
use crate::run::{
    DENSITY, DescentOptions, Options, SAMPLES, Session, Subject, Trained, Widths, each_seed, widths,
};
use clap::{Args, ValueEnum};
use helmholtz::autodiff::Activation;
use helmholtz::energy::neural::{
    Method, NeuralConfig, NeuralEnergy, NeuralRecipe, NeuralSampling, NeuralTrainer, StepSize, TwoPhase,
};
use helmholtz::sampling::Work;
use helmholtz::store::Snapshot;
use helmholtz::train::Trainer;

const SUBJECT: Subject = Subject {
    kind: KIND,
    updates: 4000,
    batch: 256,
    data: "gaussians8",
    domain: Domain::Reals,
    binarize: Binarize::None,
    watched: "log_likelihood",
};

/// Draws in a picture of images.
const IMAGES: usize = 100;
/// Acceptance that the step size is tuned for, and the noise of score matching, unless told otherwise.
const ACCEPTANCE: f64 = 0.7;
const NOISE: f32 = 0.1;

/// Train an energy given by a neural network on real numbers, by its likelihood's gradient or by denoising score matching
#[derive(Args)]
#[command(mut_args(|option| DescentOptions::with_defaults(SUBJECT.with_defaults(option), &NeuralRecipe::default().descent)), after_help = "\
Examples:
  helmholtz train neural                               eight normal distributions on the plane, some seconds
  helmholtz train neural checkerboard --hidden 128,128 --epochs 60
  helmholtz train neural moons --method score-matching --noise 0.1
  helmholtz train neural --restart 1 --k 50            short runs from noise instead of persistent chains
  helmholtz train neural points.npy                    any numbers of your own, a row a point
  helmholtz train neural --out runs/neural-gaussians8 --resume")]
pub struct Train {
    #[command(flatten)]
    options: Options,

    /// Widths of the hidden layers, like 64,64; 0: none [default: 64,64]
    #[arg(long, value_name = "SIZES", help_heading = "Model")]
    hidden: Option<Widths>,
    /// What a hidden layer ends with: tanh, softplus, sigmoid, relu, leaky-relu:SLOPE or identity [default: tanh]
    #[arg(long, value_name = "FUNCTION", help_heading = "Model")]
    activation: Option<Activation>,
    /// κ of the energy's term ½κ|u|² in units of the data's deviations: above 0 there is a likelihood [default: 1]
    #[arg(long, value_name = "KAPPA", allow_negative_numbers = true, help_heading = "Model")]
    confinement: Option<f32>,

    /// What the gradient is of [default: two-phase]
    #[arg(long, value_enum, value_name = "METHOD", help_heading = "Learning")]
    method: Option<Way>,
    /// Langevin steps of the chains an update [default: 10]
    #[arg(long, value_name = "STEPS", help_heading = "Learning")]
    k: Option<usize>,
    /// Chains that an update moves; 0: as many as --batch [default: 0]
    #[arg(long, value_name = "N", help_heading = "Learning")]
    chain_count: Option<usize>,
    /// Chains of the replay buffer, a multiple of the above; 0: twice as many [default: 0]
    #[arg(long, value_name = "N", help_heading = "Learning")]
    buffer: Option<usize>,
    /// Part of the chains of an update that start anew from noise [default: 0.02]
    #[arg(long, value_name = "PART", allow_negative_numbers = true, help_heading = "Learning")]
    restart: Option<f64>,
    /// Size of a Langevin step at first, in deviations of the data [default: 0.2]
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true, help_heading = "Learning")]
    step_size: Option<f32>,
    /// The acceptance that the step size is tuned for; 0: it stays as given [default: 0.7]
    #[arg(long, value_name = "PART", allow_negative_numbers = true, help_heading = "Learning")]
    acceptance: Option<f64>,
    /// Weight of the mean squares of the energies in the loss [default: 0.0001]
    #[arg(long, value_name = "ALPHA", allow_negative_numbers = true, help_heading = "Learning")]
    regulariser: Option<f32>,
    /// Deviation of the noise of score matching, in deviations of the data [default: 0.1]
    #[arg(long, value_name = "SIGMA", allow_negative_numbers = true, help_heading = "Learning")]
    noise: Option<f32>,
    #[command(flatten)]
    descent: DescentOptions,

    /// Chains and temperatures of annealed importance sampling for the final log-likelihood of more than two dimensions
    /// [default: 128,1000]
    #[arg(long, value_name = "CHAINS,TEMPERATURES", help_heading = "Run")]
    ais: Option<Annealing>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Way {
    /// the log-likelihood, by chains of the model in a replay buffer (Du & Mordatch 2019)
    TwoPhase,
    /// the score of the data with noise (Vincent 2011): no chains, a gradient of a gradient
    ScoreMatching,
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
        let recipe = self.recipe(&mut session)?;
        let start = session.started_from(NeuralEnergy::from_checkpoint)?;
        let config = self.config(&mut session, start.as_ref().map(NeuralEnergy::config))?;
        if let Some(own) = start.as_ref().map(NeuralEnergy::config) {
            session.same_as_init("hidden", &Widths(config.hidden.clone()), &Widths(own.hidden.clone()))?;
            session.same_as_init("activation", &config.activation, &own.activation)?;
            session.same_as_init("confinement", &config.confinement, &own.confinement)?;
        }
        check_sizes(&config, &recipe, session.training.batch)?;
        if let Some(annealing) = self.ais {
            annealing.check("ais", config.width())?;
            if config.width() <= 2 {
                let console = globals.console();
                console.warn("--ais changes nothing: log Z of up to two dimensions is a sum over a grid");
            }
        }
        let averages = recipe.descent.averages();
        session.select_by(match (config.width() <= 2 && config.confinement > 0.0, averages) {
            (true, true) => "average_log_likelihood",
            (true, false) => "log_likelihood",
            (false, true) => "average_noise_explained",
            (false, false) => "noise_explained",
        });
        let energy = match start {
            Some(energy) => energy,
            None => NeuralEnergy::new(config, session.training.seed.derive("neural", 0))?,
        };
        let mut trainer = NeuralTrainer::new(energy, &recipe, &session.train, &session.training)?;
        let ended = session.run(&mut trainer, globals)?;
        let trained = Energy { energy: trainer.model(), annealing: self.ais };
        session.conclude(&ended, &trained, globals.console())
    }
}

impl Train {
    fn config(&self, session: &mut Session, start: Option<&NeuralConfig>) -> Result<NeuralConfig, Failure> {
        let fitted = match start {
            Some(own) => own.clone(),
            None => NeuralConfig::fitted(&session.train)?,
        };
        let settings = &mut session.settings;
        Ok(NeuralConfig {
            hidden: settings.settle("hidden", self.hidden.clone(), Widths(fitted.hidden.clone()))?.0,
            activation: settings.settle("activation", self.activation, fitted.activation)?,
            confinement: settings.settle("confinement", self.confinement, fitted.confinement)?,
            ..fitted
        })
    }

    fn recipe(&self, session: &mut Session) -> Result<NeuralRecipe, Failure> {
        let settings = &mut session.settings;
        let phases = TwoPhase::default();
        let way = settings.settle_choice("method", self.method, Way::TwoPhase)?;
        let k = settings.settle("k", self.k, phases.steps)?;
        let chains = settings.settle("chain-count", self.chain_count, 0)?;
        let buffer = settings.settle("buffer", self.buffer, 0)?;
        let restart = settings.settle("restart", self.restart, phases.restart)?;
        let start = settings.settle("step-size", self.step_size, phases.step.start())?;
        let acceptance = settings.settle("acceptance", self.acceptance, ACCEPTANCE)?;
        let regulariser = settings.settle("regulariser", self.regulariser, phases.regulariser)?;
        let noise = settings.settle("noise", self.noise, NOISE)?;
        let descent = self.descent.settle(settings, &NeuralRecipe::default().descent)?;
        Ok(NeuralRecipe {
            method: match way {
                Way::ScoreMatching => Method::DenoisingScoreMatching { noise },
                Way::TwoPhase => Method::TwoPhase(TwoPhase {
                    chains: (chains > 0).then_some(chains),
                    buffer: (buffer > 0).then_some(buffer),
                    restart,
                    steps: k,
                    step: match acceptance {
                        0.0 => StepSize::Fixed(start),
                        acceptance => StepSize::Tuned { start, acceptance },
                    },
                    regulariser,
                }),
            },
            descent,
        })
    }
}

/// Refuses layers, batches and chains that no memory holds.
fn check_sizes(config: &NeuralConfig, recipe: &NeuralRecipe, batch: usize) -> Result<(), Failure> {
    widths::check(&config.hidden, config.width())?;
    let kept = report::kept_of_a_row(config);
    size::check("batch", batch, kept)?;
    if let Method::TwoPhase(phases) = recipe.method {
        let chains = phases.chains.unwrap_or(batch);
        size::check("chain-count", chains, kept)?;
        size::check("buffer", phases.buffer.unwrap_or(2 * chains), config.width())?;
    }
    Ok(())
}

/// A trained energy, and how it is judged.
struct Energy {
    energy: NeuralEnergy,
    /// How log Z is to be estimated where there is no grid.
    annealing: Option<Annealing>,
}

impl Trained for Energy {
    fn snapshot(&self, _: &Session) -> Snapshot {
        self.energy.to_snapshot()
    }

    fn size(&self) -> String {
        format!("{} neural energy", report::layers(&self.energy))
    }

    fn draw_pictures(&self, session: &Session) -> Result<&'static [&'static str], Failure> {
        let seed = session.training.seed.derive("samples", 0);
        let sampling = NeuralSampling { seed, ..NeuralSampling::default() };
        let (canvas, path) = (session.canvas(), session.folder.file(SAMPLES));
        if !canvas.is_table() {
            canvas.square(&self.energy.sample(IMAGES, &sampling)?).save(&path)?;
            return Ok(&[SAMPLES]);
        }
        let (rows, _) = session.judged_by();
        let (points, width) = (table::points(&rows), self.energy.width());
        let draws = self.energy.sample(points.len() / width, &sampling)?;
        table::pairs(&draws, &points, width).save(&path)?;
        if width == 2 {
            pictures::density(&self.energy, &rows).save(&session.folder.file(DENSITY))?;
            return Ok(&[DENSITY, SAMPLES]);
        }
        Ok(&[SAMPLES])
    }

    fn judge(&self, session: &Session, work: &Work, report: &mut Report) -> Result<(), Failure> {
        if self.energy.config().confinement == 0.0 {
            report.line("log-likelihood  none: without a confinement e^(−E) need not be normalisable");
            return Ok(());
        }
        let (rows, split) = session.judged_by();
        report::judge(&self.energy, &rows, split, self.annealing, session.training.seed, work, report)?;
        Ok(())
    }
}
