//! `helmholtz train vae`: settings to shape and recipe, training, pictures, report.

use super::conclusion::Trained;
use super::options::Options;
use super::schedule::Fall;
use super::session::{Session, Subject};
use crate::console::{Console, Report};
use crate::data::{self, Binarize, Domain, PixelScale};
use crate::failure::Failure;
use crate::folder::{INTERPOLATION, MANIFOLD, RECONSTRUCTIONS, SAMPLES};
use crate::globals::Globals;
use crate::vae_shape::{self, Architecture, Widths};
use crate::{size, vae_pictures, vae_report};
use clap::{Args, ValueEnum};
use helmholtz::autodiff::Activation;
use helmholtz::optim::{Adam, Descent, Schedule};
use helmholtz::store::Snapshot;
use helmholtz::train::{Direction, Trainer};
use helmholtz::vae::{self as model, ImportanceSampling, Likelihood, Scheme, VaeConfig, VaeRecipe, VaeTrainer};

const SUBJECT: Subject = Subject {
    kind: "vae",
    updates: 10_000,
    batch: 100,
    data: "digits",
    domain: Domain::Levels,
    binarize: Binarize::Threshold,
    watched: ("elbo", Direction::Higher),
};

/// Examples reconstructed in the picture, and pairs between which another one goes, in so many steps.
const RECONSTRUCTED: usize = 64;
const PAIRS: usize = 10;
const STEPS: usize = 12;

/// Train a variational autoencoder by stochastic gradients of a bound on the likelihood
#[derive(Args)]
#[command(mut_args(|option| SUBJECT.with_defaults(option)), after_help = "\
Examples:
  helmholtz train vae                                  the embedded 8×8 digits, some seconds
  helmholtz train vae --latent 2                       and a picture of the latent plane
  helmholtz train vae MNIST/ --epochs 50 --out runs/mnist-vae
  helmholtz train vae MNIST/ --architecture burda --importance-samples 50 --bound dreg
  helmholtz train vae --likelihood gaussian-learned    grey levels with noise of a learned variance
  helmholtz train vae --hidden 0 --likelihood gaussian-learned     linear: the principal components
  helmholtz train vae --out runs/mnist-vae --resume    go on after Ctrl-C, a crash or --stop-after")]
pub struct Vae {
    #[command(flatten)]
    options: Options,

    /// Where the following start from [default: plain]
    #[arg(long, value_enum, value_name = "SHAPE", help_heading = "Model")]
    architecture: Option<Architecture>,
    /// Widths of the encoder's hidden layers, like 200,200; the decoder has them in the other order; 0: none, both are
    /// linear [default: of --architecture]
    #[arg(long, value_name = "SIZES", help_heading = "Model")]
    hidden: Option<Widths>,
    /// Latent dimensions [default: of --architecture]
    #[arg(long, value_name = "N", help_heading = "Model")]
    latent: Option<usize>,
    /// What a hidden layer ends with: relu, leaky-relu:SLOPE, tanh, sigmoid, softplus or identity [default: of
    /// --architecture]
    #[arg(long, value_name = "FUNCTION", help_heading = "Model")]
    activation: Option<Activation>,
    /// What p(x | z) is: bernoulli (bits), gaussian (noise of variance 1) or gaussian-learned (noise of one learned
    /// variance) [default: bernoulli]
    #[arg(long, value_name = "DENSITY", help_heading = "Model")]
    likelihood: Option<Likelihood>,

    /// The scale of levels that stay grey [default: unit; raw with --likelihood gaussian, whose noise would drown levels
    /// from 0 to 1]
    #[arg(long, value_enum, value_name = "SCALE", help_heading = "Data")]
    scale: Option<PixelScale>,

    /// Weight of the divergence KL(q(z | x) ‖ p(z)); only 1 maximises a bound on the likelihood [default: 1]
    #[arg(long, value_name = "BETA", allow_negative_numbers = true, help_heading = "Learning")]
    beta: Option<f32>,
    /// Updates in which it rises from 0 to its value [default: 0]
    #[arg(long, value_name = "UPDATES", help_heading = "Learning")]
    beta_warm_up: Option<u64>,
    /// Draws of the latent variable for each example [default: 1]
    #[arg(long, value_name = "K", help_heading = "Learning")]
    importance_samples: Option<usize>,
    /// What is maximised [default: elbo; iwae with more than one importance sample]
    #[arg(long, value_enum, value_name = "BOUND", help_heading = "Learning")]
    bound: Option<Bound>,
    /// An update moves first the decoder, on samples of the encoder, then the encoder, by reparameterisation
    #[arg(long, help_heading = "Learning")]
    alternate: bool,
    /// Adam's learning rate [default: 0.001]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, help_heading = "Learning")]
    learning_rate: Option<f32>,
    /// How it falls: constant, linear, cosine, or step:EVERY,FACTOR [default: linear]
    #[arg(long, value_name = "HOW", help_heading = "Learning")]
    schedule: Option<Fall>,
    /// Updates in which it rises first [default: 0]
    #[arg(long, value_name = "UPDATES", help_heading = "Learning")]
    warm_up: Option<u64>,
    /// The gradient's largest norm, a longer one is shortened to it; 0: as it is [default: 0]
    #[arg(long, value_name = "NORM", allow_negative_numbers = true, help_heading = "Learning")]
    clip: Option<f64>,
    /// What weights lose in an update, times the rate (AdamW) [default: 0]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, help_heading = "Learning")]
    weight_decay: Option<f64>,
    /// What an average of the weights, which is kept beside them and becomes the model, keeps in an update; 0: no
    /// average, the weights are the model [default: 0]
    #[arg(long, value_name = "PART", allow_negative_numbers = true, help_heading = "Learning")]
    average: Option<f64>,

    /// Importance samples for each example of the final log-likelihood [default: 500]
    #[arg(long, value_name = "N", help_heading = "Run")]
    samples: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Bound {
    /// the mean over the draws of log p(x | z), less the divergence in closed form (Kingma & Welling 2014)
    Elbo,
    /// the logarithm of the mean importance weight (Burda et al. 2016)
    Iwae,
    /// the same bound; the encoder's gradient is doubly reparameterised and gets better with more draws (Tucker et al.
    /// 2019)
    Dreg,
}

impl Vae {
    /// Trains, reports, and leaves a run folder.
    pub fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let usual = match self.likelihood.unwrap_or_default() {
            Likelihood::Bernoulli => Binarize::Threshold,
            Likelihood::Gaussian | Likelihood::GaussianLearned => Binarize::None,
        };
        let subject = Subject { binarize: usual, ..SUBJECT };
        let mut session = Session::begin(&subject, &self.options, globals)?;
        let config = self.config(&mut session)?;
        self.settle_scale(&mut session, config.likelihood)?;
        let recipe = self.recipe(&mut session)?;
        vae_shape::check(&config, session.training.batch, recipe.importance_samples)?;
        let samples = self.samples.unwrap_or(ImportanceSampling::default().samples);
        size::check("samples", samples, 1)?;
        if recipe.descent.averages() {
            session.select_by("average_elbo");
        }
        let vae = model::Vae::new(config, session.training.seed.derive("vae", 0))?;
        let mut trainer = VaeTrainer::new(vae, &recipe, &session.train, &session.training)?;
        let ended = session.run(&mut trainer, globals)?;
        session.conclude(&ended, &Autoencoder { vae: trainer.model(), samples }, globals.console())
    }

    fn config(&self, session: &mut Session) -> Result<VaeConfig, Failure> {
        let (visible, settings) = (session.data.width(), &mut session.settings);
        let shape = settings.settle_choice("architecture", self.architecture, Architecture::Plain)?;
        let hidden = settings.settle("hidden", self.hidden.clone(), shape.hidden())?;
        Ok(VaeConfig {
            visible,
            latent: settings.settle("latent", self.latent, shape.latent())?,
            decoder: hidden.reversed(),
            encoder: hidden.0,
            activation: settings.settle("activation", self.activation, shape.activation())?,
            likelihood: settings.settle("likelihood", self.likelihood, Likelihood::default())?,
        })
    }

    fn settle_scale(&self, session: &mut Session, likelihood: Likelihood) -> Result<(), Failure> {
        let grey = session.settings.settled().get("binarize").is_some_and(|how| how == "none");
        let usual = if grey && likelihood == Likelihood::Gaussian { PixelScale::Raw } else { PixelScale::Unit };
        let scale = session.settings.settle_choice("scale", self.scale, usual)?;
        if scale == PixelScale::Raw && !grey {
            return Err(Failure::new("--scale raw is for grey levels, and these become 0 and 1")
                .hint("--binarize none keeps them grey"));
        }
        session.read_on(scale);
        Ok(())
    }

    fn recipe(&self, session: &mut Session) -> Result<VaeRecipe, Failure> {
        let settings = &mut session.settings;
        let default = VaeRecipe::default();
        let importance_samples =
            settings.settle("importance-samples", self.importance_samples, default.importance_samples)?;
        let bound = if importance_samples > 1 { Bound::Iwae } else { Bound::Elbo };
        let usual = default.descent;
        let clip = settings.settle("clip", self.clip, usual.clip.unwrap_or(0.0))?;
        let recipe = VaeRecipe {
            beta: settings.settle("beta", self.beta, default.beta)?,
            warm_up: settings.settle("beta-warm-up", self.beta_warm_up, default.warm_up)?,
            importance_samples,
            bound: match settings.settle_choice("bound", self.bound, bound)? {
                Bound::Elbo => model::Bound::Elbo,
                Bound::Iwae => model::Bound::ImportanceWeighted,
                Bound::Dreg => model::Bound::DoublyReparameterised,
            },
            scheme: match settings.settle("alternate", self.alternate.then_some(true), false)? {
                true => Scheme::Alternating,
                false => Scheme::Joint,
            },
            descent: Descent {
                learning_rate: settings.settle("learning-rate", self.learning_rate, usual.learning_rate)?,
                schedule: Schedule {
                    decay: settings.settle("schedule", self.schedule, Fall(usual.schedule.decay))?.0,
                    warm_up: settings.settle("warm-up", self.warm_up, usual.schedule.warm_up)?,
                },
                adam: Adam {
                    weight_decay: settings.settle("weight-decay", self.weight_decay, usual.adam.weight_decay)?,
                    ..usual.adam
                },
                clip: (clip != 0.0).then_some(clip),
                average_decay: settings.settle("average", self.average, usual.average_decay)?,
            },
        };
        Ok(recipe)
    }
}

/// What training leaves.
struct Autoencoder {
    vae: model::Vae,
    /// Importance samples for each example of its log-likelihood.
    samples: usize,
}

impl Trained for Autoencoder {
    fn snapshot(&self) -> Snapshot {
        self.vae.to_snapshot()
    }

    fn size(&self) -> String {
        format!("{} VAE", vae_shape::layers(self.vae.config()))
    }

    fn draw_pictures(&self, session: &Session) -> Result<&'static [&'static str], Failure> {
        let (vae, canvas) = (&self.vae, session.canvas());
        let seed = session.training.seed.derive("samples", 0);
        vae_pictures::samples(vae, canvas, seed).save(&session.folder.file(SAMPLES))?;
        let (rows, _) = session.judged_by();
        let examples = |count: usize| {
            let first = rows.subset(0..count.min(rows.len()));
            data::values_for(&first, vae.config().visible, session.data.name())
        };
        let originals = examples(RECONSTRUCTED)?;
        vae_pictures::reconstructions(vae, canvas, &originals).save(&session.folder.file(RECONSTRUCTIONS))?;
        let ends = examples(2 * PAIRS)?;
        vae_pictures::interpolations(vae, canvas, &ends, STEPS).save(&session.folder.file(INTERPOLATION))?;
        match vae_pictures::manifold(vae, canvas) {
            Some(plane) => {
                plane.save(&session.folder.file(MANIFOLD))?;
                Ok(&[SAMPLES, RECONSTRUCTIONS, INTERPOLATION, MANIFOLD])
            }
            None => Ok(&[SAMPLES, RECONSTRUCTIONS, INTERPOLATION]),
        }
    }

    fn judge(&self, session: &Session, console: Console, report: &mut Report) -> Result<(), Failure> {
        let (rows, split) = session.judged_by();
        console.note("estimating the log-likelihood …");
        let sampling = vae_report::sampling(self.samples, session.training.seed);
        vae_report::judge(&self.vae, &rows, split, &sampling, report)
    }
}
