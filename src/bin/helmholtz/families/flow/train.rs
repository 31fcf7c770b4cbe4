//! `helmholtz train flow`: settings to shape and recipe, training, pictures, report.

use super::eval::scoring;
use super::model::KIND;
use super::{pictures, report, sample};
use crate::cli::{Failure, Globals, Report, Task, size};
use crate::input::LabelSource;
use crate::input::{Binarize, Domain};
use crate::run::{
    DescentOptions, Existing, Options, SAMPLES, Session, Subject, Trained, Widths, each_seed, standing, widths,
};
use clap::Args;
use helmholtz::autodiff::Activation;
use helmholtz::flow::{
    Base, Conditioning, Flow, FlowConfig, FlowRecipe, FlowTrainer, Mixing, Structure, TransformKind, metrics,
};
use helmholtz::sampling::Work;
use helmholtz::store::Snapshot;
use helmholtz::train::Trainer;
use std::path::PathBuf;

const SUBJECT: Subject = Subject {
    kind: KIND,
    updates: 6000,
    batch: 256,
    data: "moons",
    domain: Domain::Any,
    binarize: Binarize::None,
    watched: metrics::LOG_LIKELIHOOD,
};

/// Draws in a picture of images.
const IMAGES: usize = 100;

/// Train a normalizing flow on real numbers or grey levels, by its exact likelihood
#[derive(Args)]
#[command(mut_args(|option| DescentOptions::with_defaults(SUBJECT.with_defaults(option), &FlowRecipe::default().descent)), after_help = "\
Examples:
  helmholtz train flow                                  two moons on the plane, splines between couplings
  helmholtz train flow gaussians8 --layers 8
  helmholtz train flow checkerboard --base mixture
  helmholtz train flow table.npy --base student:3       any numbers of your own, a row a point
  helmholtz train flow digits --structure autoregressive --transform affine --hidden 512
  helmholtz train flow digits --labels                  p(x | y), y being the digit; sample --class 3 draws threes
  helmholtz train flow --target runs/neural-moons       log Z of a neural energy, the flow being the proposal
  helmholtz train flow --out runs/flow-moons --resume")]
pub struct Train {
    #[command(flatten)]
    options: Options,

    /// How components condition one another: coupling or autoregressive [default: coupling; for images autoregressive]
    #[arg(long, value_name = "STRUCTURE", help_heading = "Model")]
    structure: Option<Structure>,
    /// What a component goes through: affine, spline or spline:BINS:BOUND [default: spline:8:5; for images affine]
    #[arg(long, value_name = "TRANSFORM", help_heading = "Model")]
    transform: Option<TransformKind>,
    /// What the data are mapped to: normal, student:DEGREES or mixture:COMPONENTS [default: normal]
    #[arg(long, value_name = "BASE", help_heading = "Model")]
    base: Option<Base>,
    /// Layers, each of a normalisation, a mixing of components and a transform [default: 5]
    #[arg(long, value_name = "N", help_heading = "Model")]
    layers: Option<usize>,
    /// Widths of the hidden layers of each network, like 64,64; 0: none [default: 64,64; for images 512]
    #[arg(long, value_name = "SIZES", help_heading = "Model")]
    hidden: Option<Widths>,
    /// What a hidden layer ends with: relu, tanh, softplus, sigmoid, leaky-relu:SLOPE or identity [default: relu]
    #[arg(long, value_name = "FUNCTION", help_heading = "Model")]
    activation: Option<Activation>,
    /// The linear map of each layer: lu, permutation or reverse [default: lu up to 64 values a row, else permutation; with an
    /// autoregressive structure reverse]
    #[arg(long, value_name = "MIXING", help_heading = "Model")]
    mixing: Option<Mixing>,
    /// Learn p(x | y), y being the label that each row of DATA has, or that FILE says: IDX, .npy, or text of one a line
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with = "target", help_heading = "Model")]
    labels: Option<Option<PathBuf>>,
    /// Fit a density instead of rows, as a proposal for its log Z: gaussians8, moons, ring, grid, or a neural energy's run or file; by the
    /// reverse Kullback–Leibler divergence. DATA is then what the weights are looked at on
    #[arg(long, value_name = "NAME|RUN", help_heading = "Model")]
    target: Option<String>,
    /// The part of the hidden units that each update leaves out [default: 0]
    #[arg(
        long,
        value_name = "PART",
        allow_negative_numbers = true,
        conflicts_with = "target",
        help_heading = "Learning"
    )]
    dropout: Option<f64>,
    #[command(flatten)]
    descent: DescentOptions,
}

impl Task for Train {
    /// Trains, reports, and leaves a run folder.
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        each_seed(&SUBJECT, &self.options, globals, |options, globals| match self.target_of(options)? {
            Some(target) => self.fit_to(&target, options, globals),
            None => self.train(options, globals),
        })
    }
}

impl Train {
    /// The target: that of the command, or of the run that it continues.
    fn target_of(&self, options: &Options) -> Result<Option<String>, Failure> {
        if self.target.is_some() || options.existing() != Existing::Resume {
            return Ok(self.target.clone());
        }
        let folder = Session::folder_of(&SUBJECT, options)?;
        let record = standing::record(folder.path());
        Ok(record.and_then(|record| record["configuration"]["target"].as_str().map(str::to_owned)))
    }

    /// The options of the parameters' descent.
    pub(super) fn descent(&self) -> &DescentOptions {
        &self.descent
    }

    fn train(&self, options: &Options, globals: &Globals) -> Result<Report, Failure> {
        let mut session = Session::begin(&SUBJECT, options, globals)?;
        let start = session.started_from(Flow::from_checkpoint)?;
        let config = self.config(&mut session, start.as_ref().map(Flow::config))?;
        if let Some(own) = start.as_ref().map(Flow::config).filter(|own| **own != config) {
            let [asked, own] = [&config, own].map(report::words);
            session.same_as_init(
                "structure, --transform, --base, --layers, --hidden or --labels",
                &asked,
                &own,
            )?;
            return Err(Failure::new("--activation or --mixing is not that of the model of --init"));
        }
        widths::check(&config.hidden, config.width)?;
        let usual = FlowRecipe::default();
        let recipe = FlowRecipe {
            descent: self.descent.settle(&mut session.settings, &usual.descent)?,
            dropout: session.settings.settle("dropout", self.dropout, usual.dropout)?,
        };
        let kept = config.layers.max(1) * (config.hidden.iter().sum::<usize>() + 4 * config.width);
        size::check("batch", session.training.batch, kept)?;
        if recipe.descent.averages() {
            session.select_by(metrics::AVERAGE_LOG_LIKELIHOOD);
        }
        let flow = match start {
            Some(flow) => flow,
            None => Flow::new(config, session.training.seed.derive("flow", 0))?,
        };
        let mut trainer = FlowTrainer::new(flow, &recipe, &session.train, &session.training)?;
        let ended = session.run(&mut trainer, globals)?;
        session.conclude(&ended, &Model { flow: trainer.model() }, globals.console())
    }

    pub(super) fn config(&self, session: &mut Session, start: Option<&FlowConfig>) -> Result<FlowConfig, Failure> {
        let images = !session.canvas().is_table();
        let fitted = match start {
            Some(own) => own.clone(),
            None => FlowConfig::fitted(&session.train)?,
        };
        let image = |image: FlowConfig, fitted: FlowConfig| if start.is_none() && images { image } else { fitted };
        let usual = image(
            FlowConfig {
                structure: Structure::Autoregressive,
                transform: TransformKind::Affine,
                hidden: vec![512],
                ..fitted.clone()
            },
            fitted,
        );
        let labels = usual.conditioning != Conditioning::None;
        let conditioning = match session.settle_labels(LabelSource::given(&self.labels)?, labels)? {
            Some(_) if labels => usual.conditioning,
            Some(_) => labels_of(session)?,
            None => Conditioning::None,
        };
        let settings = &mut session.settings;
        let structure = settings.settle("structure", self.structure, usual.structure)?;
        let mixing = match structure {
            Structure::Autoregressive if start.is_none() => Mixing::Reverse,
            _ => usual.mixing,
        };
        Ok(FlowConfig {
            structure,
            transform: settings.settle("transform", self.transform, usual.transform)?,
            base: settings.settle("base", self.base, usual.base)?,
            layers: settings.settle("layers", self.layers, usual.layers)?,
            hidden: settings.settle("hidden", self.hidden.clone(), Widths(usual.hidden.clone()))?.0,
            activation: settings.settle("activation", self.activation, usual.activation)?,
            mixing: settings.settle("mixing", self.mixing, mixing)?,
            conditioning,
            ..usual
        })
    }
}

/// The classes that the rows' labels are of.
fn labels_of(session: &Session) -> Result<Conditioning, Failure> {
    match session.train.labels().and_then(|labels| labels.into_iter().max()) {
        Some(largest) => Ok(Conditioning::Labels { classes: usize::from(largest) + 1 }),
        None => Err(Failure::new("--labels: not every training row has one").about(session.data.name())),
    }
}

/// A trained flow.
struct Model {
    flow: Flow,
}

impl Trained for Model {
    fn snapshot(&self, _: &Session) -> Snapshot {
        self.flow.to_snapshot()
    }

    fn size(&self) -> String {
        report::words(self.flow.config())
    }

    fn draw_pictures(&self, session: &Session) -> Result<&'static [&'static str], Failure> {
        let seed = session.training.seed.derive("samples", 0);
        let (canvas, path) = (session.canvas(), session.folder.file(SAMPLES));
        if !canvas.is_table() {
            canvas.square(&sample::given(&self.flow, IMAGES, None, seed)?).save(&path)?;
            return Ok(&[SAMPLES]);
        }
        pictures::of_table(&self.flow, session)
    }

    fn judge(&self, session: &Session, _: &Work, report: &mut Report) -> Result<(), Failure> {
        let (rows, split) = session.judged_by();
        report::judge(&self.flow, &rows, split, &scoring(session.training.seed), report)?;
        Ok(())
    }
}
