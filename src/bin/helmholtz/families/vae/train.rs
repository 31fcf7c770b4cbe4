//! `helmholtz train vae`: settings to shape and recipe, training, pictures, report.

use super::label_options::LabelOptions;
use super::mask_options::{self, MaskOptions};
use super::model::KIND;
use super::shape::Architecture;
use super::{classes, pictures, report, shape};
use crate::cli::{Failure, Globals, Report, Task, size};
use crate::input::{Binarize, Domain, PixelScale, data};
use crate::run::{
    CLASSES, Choice, DescentOptions, INTERPOLATION, Init, MANIFOLD, Options, RECONSTRUCTIONS, SAMPLES, Session,
    Subject, Trained, Widths, each_seed,
};
use clap::{Args, ValueEnum};
use helmholtz::autodiff::Activation;
use helmholtz::sampling::Work;
use helmholtz::store::Snapshot;
use helmholtz::train::Trainer;
use helmholtz::vae::{
    self as model, Convolutions, LabelRecipe, Likelihood, MaskInput, Posterior, Prior, Scheme, VaeConfig,
    VaeRecipe, VaeTrainer,
};
use std::path::PathBuf;

const SUBJECT: Subject = Subject { batch: 100, domain: Domain::Any, ..Subject::of_bits(KIND, 10_000, "elbo") };

/// Training rows of a table with hidden or missing values up to which the decoder is linear unless told.
const SMALL_TABLE: usize = 2000;

/// Examples reconstructed in the picture, and pairs between which another one goes, in so many steps.
const RECONSTRUCTED: usize = 64;
/// Rows of a table whose reconstructions are drawn at the most.
const ROWS: usize = 1000;
const PAIRS: usize = 10;
const STEPS: usize = 12;

/// Train a variational autoencoder by stochastic gradients of a bound on the likelihood
#[derive(Args)]
#[command(mut_args(|option| DescentOptions::with_defaults(SUBJECT.with_defaults(option), &VaeRecipe::default().descent)), after_help = "\
Examples:
  helmholtz train vae                                  the embedded 8×8 digits, some seconds
  helmholtz train vae --latent 2                       and a picture of the latent plane
  helmholtz train vae MNIST/ --epochs 50 --out runs/mnist-vae
  helmholtz train vae MNIST/ --architecture burda --importance-samples 50 --bound dreg
  helmholtz train vae MNIST/ --posterior iaf --prior flow        a tighter bound, and a latent variable of any shape
  helmholtz train vae MNIST/ --conv                     convolutions, and transposed ones
  helmholtz train vae --likelihood gaussian-learned    grey levels with noise of a learned variance
  helmholtz train vae --labels                         p(x | y, z): sample --class 3 draws threes, and eval names classes
  helmholtz train vae --labels --labelled 50           the same of 50 labels, and of the other rows without theirs
  helmholtz train vae --features-from runs/vae-digits --labels --labelled 50   on the latent variables of a run
  helmholtz train vae --hidden 0 --likelihood gaussian-learned     linear: the principal components
  helmholtz train vae --mask 50%                       an encoder that does with a part of the pixels: inpaint completes images
  helmholtz train vae table.npy --hidden 0 --latent 5  a table with NaN where values are missing
  helmholtz train vae --out runs/mnist-vae --resume    go on after Ctrl-C, a crash or --stop-after")]
pub struct Train {
    #[command(flatten)]
    options: Options,

    /// Where the following start from [default: plain]
    #[arg(long, value_enum, value_name = "SHAPE", help_heading = "Model")]
    architecture: Option<Architecture>,
    /// Widths of the encoder's hidden layers, like 200,200; the decoder has them in the other order; 0: none, both are
    /// linear [default: of --architecture; with missing values, of tables up to 2,000 rows: 0]
    #[arg(long, value_name = "SIZES", help_heading = "Model")]
    hidden: Option<Widths>,
    /// Widths of the encoder's hidden layers, where they are not those of --hidden [default: as --hidden; with missing values and --hidden 0:
    /// 128]
    #[arg(long, value_name = "SIZES", help_heading = "Model")]
    encoder: Option<Widths>,
    /// Convolutions of images: the channels of layers of 4 × 4 taps, each of which halves the image; the decoder has them in the other order, and
    /// --hidden stands between, of 256 units unless told [default of CHANNELS: 32,32; 32 for images below 16 × 16]
    #[arg(long, value_name = "CHANNELS", num_args = 0..=1, conflicts_with = "features_from", help_heading = "Model")]
    conv: Option<Option<Widths>>,
    /// Latent dimensions [default: of --architecture]
    #[arg(long, value_name = "N", help_heading = "Model")]
    latent: Option<usize>,
    /// What a hidden layer ends with: relu, leaky-relu:SLOPE, tanh, sigmoid, softplus or identity [default: of
    /// --architecture]
    #[arg(long, value_name = "FUNCTION", help_heading = "Model")]
    activation: Option<Activation>,
    /// What p(x | z) is: bernoulli (bits), gaussian (noise of variance 1), gaussian-learned (noise of one learned variance) or
    /// gaussian-columns (noise of a learned variance a column, columns of any units) [default: bernoulli; gaussian-columns for real numbers]
    #[arg(long, value_name = "DENSITY", help_heading = "Model")]
    likelihood: Option<Likelihood>,
    /// What q(z | x) is: gaussian, or iaf or iaf:STEPS:UNITS, an inverse autoregressive flow [default: gaussian]
    #[arg(long, value_name = "FAMILY", help_heading = "Model")]
    posterior: Option<Posterior>,
    /// What p(z) is: normal, or flow or flow:STEPS:UNITS, a masked autoregressive flow that is learned with the decoder [default: normal]
    #[arg(long, value_name = "FAMILY", help_heading = "Model")]
    prior: Option<Prior>,

    #[command(flatten)]
    labels: LabelOptions,
    #[command(flatten)]
    masks: MaskOptions,
    /// Learn the latent variables of this VAE instead of the rows themselves: draws of them, anew each time a row is seen (M1 + M2, Kingma et
    /// al. 2014)
    #[arg(long, value_name = "RUN|MODEL", conflicts_with = "init", help_heading = "Model")]
    features_from: Option<PathBuf>,

    /// The scale of levels that stay grey [default: unit; raw with --likelihood gaussian, whose noise would drown levels
    /// from 0 to 1]
    #[arg(long, value_enum, value_name = "SCALE", help_heading = "Data")]
    scale: Option<PixelScale>,

    /// Weight of the divergence KL(q(z | x) ‖ p(z)); only 1 maximises a bound on the likelihood [default: 1]
    #[arg(long, value_name = "BETA", allow_negative_numbers = true, help_heading = "Learning")]
    beta: Option<f32>,
    /// Updates in which it goes from --beta-start to its value [default: 0]
    #[arg(long, value_name = "UPDATES", help_heading = "Learning")]
    beta_warm_up: Option<u64>,
    /// Where it starts from in these updates; above --beta it keeps z out until classes tell rows apart [default: 0]
    #[arg(long, value_name = "BETA", allow_negative_numbers = true, help_heading = "Learning")]
    beta_start: Option<f32>,
    /// Draws of the latent variable for each example [default: 1]
    #[arg(long, value_name = "K", help_heading = "Learning")]
    importance_samples: Option<usize>,
    /// What is maximised [default: elbo; iwae with more than one importance sample]
    #[arg(long, value_enum, value_name = "BOUND", help_heading = "Learning")]
    bound: Option<Bound>,
    /// An update moves first the decoder, on samples of the encoder, then the encoder, by reparameterisation
    #[arg(long, help_heading = "Learning")]
    alternate: bool,
    #[command(flatten)]
    descent: DescentOptions,

    /// Importance samples for each example of the final log-likelihood [default: 500; with classes 500 over these, but at least 50, for each
    /// class]
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

/// How grey levels are read unless told otherwise: as what p(x | z) is a density of.
pub fn usual_reading(likelihood: Likelihood) -> Binarize {
    match likelihood {
        Likelihood::Bernoulli => Binarize::Threshold,
        _ => Binarize::None,
    }
}

/// The scale of levels that stay grey unless told otherwise: noise of variance 1 would drown levels from 0 to 1.
pub fn usual_scale(likelihood: Likelihood) -> PixelScale {
    if likelihood == Likelihood::Gaussian { PixelScale::Raw } else { PixelScale::Unit }
}

impl Task for Train {
    /// Trains, reports, and leaves a run folder.
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        each_seed(&SUBJECT, &self.options, globals, |options, globals| self.train(options, globals))
    }
}

impl Train {
    fn train(&self, options: &Options, globals: &Globals) -> Result<Report, Failure> {
        let named = self.features_from.as_deref();
        let first = named.map(|path| Init::named("features-from", path, KIND)).transpose()?;
        let usual = usual_reading(self.likelihood.unwrap_or_default());
        let as_first = first.as_ref().map(|first| first.settings.saved::<Choice<Binarize>>("binarize"));
        let binarize = as_first.map_or(usual, |how| how.map_or(Binarize::Threshold, |how| how.0));
        let subject = Subject { binarize, ..SUBJECT };
        let mut session = Session::begin(&subject, options, globals)?;
        let first = self.features(&mut session, first)?;
        self.masks.hide_always(&mut session)?;
        let start = session.started_from(model::Vae::from_checkpoint)?;
        let config = self.config(&mut session, first.as_ref(), start.as_ref().map(model::Vae::config))?;
        if let Some(own) = start.as_ref().map(model::Vae::config).filter(|own| **own != config) {
            let [asked, own] = [&config, own].map(|config| {
                format!("{} {}{}", shape::layers(config), config.likelihood, shape::besides(config))
            });
            session.same_as_init(
                "hidden, --encoder, --latent, --likelihood, --posterior, --prior, --labels or --mask",
                &asked,
                &own,
            )?;
            return Err(Failure::new("--activation is not that of the model of --init"));
        }
        let of_rows = first.as_ref().map_or(config.likelihood, model::Vae::data_likelihood);
        if first.is_some() && config.likelihood == Likelihood::Bernoulli {
            return Err(Failure::new("--likelihood bernoulli is for bits, and features are real numbers"));
        }
        self.settle_scale(&mut session, of_rows)?;
        let recipe = self.recipe(&mut session, config.labels.is_some())?;
        mask_options::check(&config, &recipe, &session)?;
        if recipe.bound == model::Bound::DoublyReparameterised && recipe.check_for(&config).is_err() {
            return Err(Failure::new(
                "--bound dreg wants --posterior gaussian: the gradient is not to be had through a flow",
            )
            .hint("--bound iwae with as many draws, or --prior flow, which it goes with"));
        }
        shape::check(&config, session.training.batch, recipe.importance_samples)?;
        shape::check_classes(&config, recipe.labels.classes_by, recipe.importance_samples)?;
        if let Some(samples) = self.samples {
            size::check("samples", samples, 1)?;
        }
        if recipe.descent.averages() {
            session.select_by("average_elbo");
        }
        let vae = match start {
            Some(vae) => vae,
            None => {
                let seed = session.training.seed.derive("vae", 0);
                match first {
                    Some(first) => model::Vae::on_features(config, first, seed)?,
                    None => model::Vae::new(config, seed)?,
                }
            }
        };
        let mut trainer = VaeTrainer::new(vae, &recipe, &session.train, &session.training)?;
        classes::say_how_rows_are_learned(&session.train, trainer.last().config(), &recipe, &globals.console());
        let ended = session.run(&mut trainer, globals)?;
        let trained = Autoencoder { vae: trainer.model(), samples: self.samples, recipe };
        session.conclude(&ended, &trained, globals.console())
    }
}

impl Train {
    /// The model whose latent variables are learned: that of the command, or of the run that goes on.
    fn features(&self, session: &mut Session, named: Option<Init>) -> Result<Option<model::Vae>, Failure> {
        let resumed = session.resumed().map(model::Vae::from_checkpoint).transpose()?;
        let of_run = resumed.as_ref().and_then(model::Vae::features).cloned();
        let first = match named {
            Some(init) => Some(init.model(model::Vae::from_checkpoint)?),
            None => of_run,
        };
        let Some(first) = first else { return Ok(None) };
        let path = self.features_from.as_ref().map(|path| path.display().to_string());
        session.settings.settle("features-from", path, String::new())?;
        if first.width() != session.data.width() {
            let (given, wanted) = (session.data.width(), first.width());
            return Err(Failure::new(format!(
                "--features-from: a model of {wanted} values a row, and the data have {given}"
            )));
        }
        if first.classes() > 0 || first.features().is_some() {
            return Err(Failure::new(
                "--features-from wants a VAE of rows alone: without classes, and not of features",
            ));
        }
        Ok(Some(first))
    }

    fn config(
        &self,
        session: &mut Session,
        first: Option<&model::Vae>,
        start: Option<&VaeConfig>,
    ) -> Result<VaeConfig, Failure> {
        let visible = first.map_or(session.data.width(), |first| first.config().latent);
        let usual = if session.data.is_real() { Likelihood::GaussianColumns } else { Likelihood::Bernoulli };
        let likelihood = first.map_or(usual, |_| Likelihood::GaussianLearned);
        let shape = session.settings.settle_choice("architecture", self.architecture, Architecture::Plain)?;
        let convolutions = self.convolutions(session, start)?;
        let masks = self.masks.settle(session, start.and_then(|own| own.masks), convolutions.is_some())?;
        // Of a small table with holes factors are as much as there is to learn.
        let factors = masks.is_some() && session.data.is_real() && session.train.len() <= SMALL_TABLE;
        let usual = match (&convolutions, factors) {
            (Some(_), _) => Widths(vec![256]),
            (None, true) => Widths(Vec::new()),
            (None, false) => shape.hidden(),
        };
        let hidden = session.settings.settle(
            "hidden",
            self.hidden.clone(),
            start.map_or_else(|| usual, |own| Widths(own.encoder.clone())),
        )?;
        let labels = self.labels.settle(session, &hidden, start)?;
        let completes = start.map_or_else(|| self.masks.completes(session), |own| own.completes);
        let named = session.settings.saved::<Widths>("encoder");
        let usual = match start {
            Some(own) => Widths(own.encoder.clone()),
            None if masks == Some(MaskInput::Weights) && hidden.0.is_empty() => Widths(vec![128]),
            None => hidden.clone(),
        };
        let encoder = match self.encoder.is_some() || named.is_some() || usual != hidden {
            true => session.settings.settle("encoder", self.encoder.clone(), usual)?,
            false => usual,
        };
        let settings = &mut session.settings;
        Ok(VaeConfig {
            visible,
            convolutions,
            labels,
            latent: settings.settle("latent", self.latent, start.map_or(shape.latent(), |own| own.latent))?,
            decoder: hidden.reversed(),
            encoder: encoder.0,
            masks,
            completes,
            activation: settings.settle(
                "activation",
                self.activation,
                start.map_or(shape.activation(), |own| own.activation),
            )?,
            likelihood: settings.settle(
                "likelihood",
                self.likelihood,
                start.map_or(likelihood, |own| own.likelihood),
            )?,
            posterior: settings.settle(
                "posterior",
                self.posterior,
                start.map_or_else(Posterior::default, |own| own.posterior),
            )?,
            prior: settings.settle("prior", self.prior, start.map_or_else(Prior::default, |own| own.prior))?,
        })
    }

    /// The convolutions that are asked for, or those of the model that training starts from.
    fn convolutions(
        &self,
        session: &mut Session,
        start: Option<&VaeConfig>,
    ) -> Result<Option<Convolutions>, Failure> {
        const NONE: Widths = Widths(Vec::new());
        let own = start.and_then(|own| own.convolutions.as_ref());
        let saved = session.settings.saved::<Widths>("conv");
        if self.conv.is_none() && saved.is_none() && own.is_none() {
            return Ok(None);
        }
        let (height, width) = session.data.image_shape();
        let usual = own.map_or(NONE, |own| Widths(own.channels.clone()));
        let few = height.min(width) < 16;
        let of_image = Widths(if few { vec![32] } else { vec![32, 32] });
        let asked = self.conv.clone().map(|channels| channels.unwrap_or(of_image));
        let channels = session.settings.settle("conv", asked, usual)?;
        if channels.0.is_empty() {
            return Ok(None);
        }
        if session.data.is_real() || height.min(width) < 2 {
            return Err(Failure::new(format!(
                "--conv is for images, and these are rows of {}",
                session.data.width()
            ))
            .about(session.data.name()));
        }
        Ok(Some(Convolutions { image: [height, width], channels: channels.0 }))
    }

    fn settle_scale(&self, session: &mut Session, likelihood: Likelihood) -> Result<(), Failure> {
        let grey = session.settings.settled().get("binarize").is_some_and(|how| how == "none");
        let usual = if grey { usual_scale(likelihood) } else { PixelScale::Unit };
        let scale = session.settings.settle_choice("scale", self.scale, usual)?;
        if scale == PixelScale::Raw && !grey {
            return Err(Failure::new("--scale raw is for grey levels, and these become 0 and 1")
                .hint("--binarize none keeps them grey"));
        }
        session.read_on(scale);
        Ok(())
    }

    fn recipe(&self, session: &mut Session, classes: bool) -> Result<VaeRecipe, Failure> {
        let labels = if classes { self.labels.recipe(session)? } else { LabelRecipe::default() };
        let (masks, dropout) = self.masks.recipe(session)?;
        let settings = &mut session.settings;
        let default = VaeRecipe::default();
        let importance_samples =
            settings.settle("importance-samples", self.importance_samples, default.importance_samples)?;
        let usual = if importance_samples > 1 { Bound::Iwae } else { Bound::Elbo };
        let descent = self.descent.settle(settings, &default.descent)?;
        Ok(VaeRecipe {
            beta: settings.settle("beta", self.beta, default.beta)?,
            warm_up: settings.settle("beta-warm-up", self.beta_warm_up, default.warm_up)?,
            beta_start: settings.settle("beta-start", self.beta_start, default.beta_start)?,
            importance_samples,
            bound: match settings.settle_choice("bound", self.bound, usual)? {
                Bound::Elbo => model::Bound::Elbo,
                Bound::Iwae => model::Bound::ImportanceWeighted,
                Bound::Dreg => model::Bound::DoublyReparameterised,
            },
            scheme: match settings.settle("alternate", self.alternate.then_some(true), false)? {
                true => Scheme::Alternating,
                false => Scheme::Joint,
            },
            descent,
            labels,
            masks,
            dropout,
        })
    }
}

/// A trained autoencoder, and how it is judged.
struct Autoencoder {
    vae: model::Vae,
    /// Importance samples for each example of its log-likelihood, as asked.
    samples: Option<usize>,
    recipe: VaeRecipe,
}

impl Trained for Autoencoder {
    fn snapshot(&self, _: &Session) -> Snapshot {
        self.vae.to_snapshot()
    }

    fn size(&self) -> String {
        let config = self.vae.config();
        format!("{} VAE{}", shape::layers(config), shape::besides(config))
    }

    fn is_of_whole_rows(&self) -> bool {
        !self.vae.config().completes
    }

    fn draw_pictures(&self, session: &Session) -> Result<&'static [&'static str], Failure> {
        let (vae, canvas) = (&self.vae, session.canvas());
        let seed = session.training.seed.derive("samples", 0);
        let (rows, _) = session.judged_by();
        if vae.config().completes {
            return Ok(&[]);
        }
        pictures::samples(vae, canvas, &rows, seed).save(&session.folder.file(SAMPLES))?;
        if rows.has_missing() {
            return Ok(&[SAMPLES]);
        }
        let examples = |count: usize| {
            let first = rows.subset(0..count.min(rows.len()));
            data::values_for(&first, vae.width(), session.data.name())
        };
        let originals = examples(if canvas.is_table() { ROWS } else { RECONSTRUCTED })?;
        pictures::reconstructions(vae, canvas, &originals).save(&session.folder.file(RECONSTRUCTIONS))?;
        // A model with classes has a picture of them in place of the latent plane.
        let classes = pictures::of_classes(vae, canvas, seed);
        if let Some(classes) = &classes {
            classes.save(&session.folder.file(CLASSES))?;
        }
        let plane = pictures::manifold(vae, canvas);
        if let Some(plane) = &plane {
            plane.save(&session.folder.file(MANIFOLD))?;
        }
        // Between two rows of a table there is nothing to look at.
        if canvas.is_table() {
            return Ok(if plane.is_some() {
                &[SAMPLES, RECONSTRUCTIONS, MANIFOLD]
            } else {
                &[SAMPLES, RECONSTRUCTIONS]
            });
        }
        let ends = examples(2 * PAIRS)?;
        pictures::interpolations(vae, canvas, &ends, STEPS).save(&session.folder.file(INTERPOLATION))?;
        Ok(match (plane, classes) {
            (Some(_), _) => &[SAMPLES, RECONSTRUCTIONS, INTERPOLATION, MANIFOLD],
            (None, Some(_)) => &[SAMPLES, CLASSES, RECONSTRUCTIONS, INTERPOLATION],
            (None, None) => &[SAMPLES, RECONSTRUCTIONS, INTERPOLATION],
        })
    }

    fn judge(&self, session: &Session, work: &Work, report: &mut Report) -> Result<(), Failure> {
        let (rows, split) = session.judged_by();
        if self.vae.config().completes {
            return report::judge_completion(
                &self.vae,
                &rows,
                split,
                self.recipe.masks,
                session.training.seed,
                report,
            );
        }
        let samples = self.samples.unwrap_or(report::usual_samples(&self.vae));
        let sampling = report::sampling(samples, session.training.seed);
        report::judge(&self.vae, &rows, split, &sampling, work, None, report)?;
        classes::say_estimators(&self.vae, &session.train, &self.recipe, report)
    }
}
