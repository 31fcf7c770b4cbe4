//! A model from a run folder or a file: the one place where a file's kind becomes a type.

use crate::console::{Console, Report};
use crate::data::{Binarize, Domain, PixelScale, Polarity, Reading};
use crate::failure::Failure;
use crate::folder;
use crate::memory::Memory;
use crate::picture::Canvas;
use crate::settings::{Choice, Settings};
use crate::standing;
use crate::{neural_report, vae_shape};
use helmholtz::energy::boltzmann::BoltzmannMachine;
use helmholtz::energy::neural::NeuralEnergy;
use helmholtz::rbm::Rbm;
use helmholtz::storage;
use helmholtz::store::Snapshot;
use helmholtz::train::Position;
use helmholtz::vae::Vae;
use std::path::{Path, PathBuf};

/// The metadata that says what a file holds.
pub const KIND: &str = "kind";
/// Height and width of the images a model was trained on: metadata.
pub const IMAGE_SHAPE: &str = "image_shape";
/// The largest number of a row of the data a model was trained on, where it is not 1: metadata.
pub const LARGEST: &str = "largest_level";

/// A model of a kind this program knows.
pub enum Model {
    /// A Bernoulli–Bernoulli restricted Boltzmann machine.
    Rbm(Rbm),
    /// A Boltzmann machine whose units may all act on one another.
    Boltzmann(BoltzmannMachine),
    /// A Hopfield network with the patterns it has stored.
    Hopfield(Memory),
    /// A variational autoencoder.
    Vae(Vae),
    /// An energy given by a network.
    Neural(NeuralEnergy),
}

impl Model {
    /// The model that a file holds, a checkpoint perhaps. A file that does not say its kind is an autoencoder's where it
    /// has the tensor `mean.weight`, a neural energy's where it has `network.0.weight`, else an RBM's.
    pub fn open(snapshot: &Snapshot) -> Result<Self, Failure> {
        if let Some(name) = snapshot.non_finite() {
            return Err(Failure::new(format!("{name} holds a NaN or an infinity"))
                .hint("the file is damaged, or its training diverged: a lower --learning-rate usually helps"));
        }
        let guess = match (snapshot.contains("mean.weight"), snapshot.contains("network.0.weight")) {
            (true, _) => "vae",
            (false, true) => "neural",
            (false, false) => "rbm",
        };
        match snapshot.metadata.get(KIND).map_or(guess, String::as_str) {
            "rbm" => Ok(Model::Rbm(Rbm::from_checkpoint(snapshot).map_err(|error| {
                Failure::from(error).hint(
                    "an RBM has the tensors weights [visible, hidden], visible_bias and hidden_bias, all f32",
                )
            })?)),
            "boltzmann" => Ok(Model::Boltzmann(BoltzmannMachine::from_snapshot(snapshot).map_err(|error| {
                Failure::from(error)
                    .hint("a Boltzmann machine has the tensors weights [units, units] and bias [units], both f32")
            })?)),
            "hopfield" => Ok(Model::Hopfield(Memory::open(snapshot).map_err(|failure| {
                failure.or_hint(
                    "a Hopfield network has the tensors weights [units, units], bias [units] and patterns [patterns, \
                     units], all f32",
                )
            })?)),
            "vae" => Ok(Model::Vae(Vae::from_checkpoint(snapshot).map_err(|error| {
                Failure::from(error).hint(
                    "a VAE has the f32 tensors encoder.0.weight, …, mean.weight, log_variance.weight, decoder.0.weight, … \
                     and their biases",
                )
            })?)),
            "neural" => Ok(Model::Neural(NeuralEnergy::from_checkpoint(snapshot).map_err(|error| {
                Failure::from(error)
                    .hint("a neural energy has the f32 tensors network.0.weight, …, their biases, centre and scale")
            })?)),
            kind => Err(Failure::new(format!("a model of kind {kind:?}, which this version does not know"))),
        }
    }

    /// What files and commands call its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Model::Rbm(_) => "rbm",
            Model::Boltzmann(_) => "boltzmann",
            Model::Hopfield(_) => "hopfield",
            Model::Vae(_) => "vae",
            Model::Neural(_) => "neural",
        }
    }

    /// Values of a row of its data.
    pub fn width(&self) -> usize {
        match self {
            Model::Rbm(rbm) => rbm.visible(),
            Model::Boltzmann(machine) => machine.visible(),
            Model::Hopfield(memory) => memory.network.units(),
            Model::Vae(vae) => vae.config().visible,
            Model::Neural(energy) => energy.width(),
        }
    }

    /// Says how large it is.
    pub fn describe(&self, report: &mut Report) {
        match self {
            Model::Rbm(rbm) => {
                let (visible, hidden) = (rbm.visible(), rbm.hidden());
                report.line(format!("model           RBM of {visible} visible and {hidden} hidden units"));
                report.figure("visible", visible);
                report.figure("hidden", hidden);
            }
            Model::Boltzmann(machine) => {
                let (visible, hidden, units) = (machine.visible(), machine.hidden(), machine.units());
                report.line(format!(
                    "model           Boltzmann machine of {visible} visible and {hidden} hidden {units} units"
                ));
                report.figure("visible", visible);
                report.figure("hidden", hidden);
                report.figure("units", units.to_string());
            }
            Model::Hopfield(memory) => {
                let (units, patterns) = (memory.network.units(), memory.patterns.rows());
                report.line(format!("model           Hopfield network of {units} units and {patterns} patterns"));
                report.figure("units", units);
                report.figure("patterns", patterns);
            }
            Model::Vae(vae) => vae_shape::describe(vae, report),
            Model::Neural(energy) => neural_report::describe(energy, report),
        }
        report.figure("model", self.kind());
    }
}

/// A model and what its file says of it.
pub struct Loaded {
    /// The model.
    pub model: Model,
    /// The file it was read from.
    pub file: PathBuf,
    /// The run folder, where one was named.
    pub run: Option<PathBuf>,
    /// How it was trained; empty for a file of someone else's.
    pub settings: Settings,
    /// Height and width of the images it was trained on, else a guess.
    pub image_shape: (usize, usize),
    /// The largest number of a row of that data.
    largest: f32,
}

impl Loaded {
    /// The model in a run folder or in a safetensors file. Where it is a checkpoint, or the run has not ended as it
    /// should, `console` is told.
    pub fn open(path: &Path, console: Console) -> Result<Self, Failure> {
        let (file, snapshot, run) = if path.is_dir() {
            let found = folder::model_in(path)?;
            if let Some(warning) = standing::warning(path, found.position.as_ref()) {
                console.note(format!("warning: {warning}"));
            }
            (found.file, found.snapshot, Some(path.to_owned()))
        } else {
            (path.to_owned(), storage::load(path)?, None)
        };
        let model = Model::open(&snapshot).map_err(|failure| failure.about(file.display()))?;
        let image_shape = image_shape(&snapshot, model.width());
        let settings = Settings::saved_in(&snapshot.metadata);
        if let Some(Position { step, steps, .. }) = Position::of(&snapshot) {
            let averaged = settings.saved("average").is_some_and(|average: f32| average > 0.0);
            let machine = if averaged { "the average of the weights" } else { "the weights" };
            console.note(format!("using {machine} at step {step} of {steps}: {}", file.display()));
        }
        let largest = snapshot.metadata.get(LARGEST).and_then(|largest| largest.parse().ok()).unwrap_or(1.0);
        Ok(Loaded { model, file, run, settings, image_shape, largest })
    }

    /// The model where it is a variational autoencoder, as `command` needs.
    pub fn vae(&self, command: &str) -> Result<&Vae, Failure> {
        match &self.model {
            Model::Vae(vae) => Ok(vae),
            other => {
                let kind = other.kind();
                Err(Failure::new(format!("a model of kind {kind}, and {command} is for variational autoencoders"))
                    .about(self.file.display()))
            }
        }
    }

    /// Refuses an option that only models of another kind have.
    pub fn refuse_option(&self, option: Option<&str>) -> Result<(), Failure> {
        match option {
            None => Ok(()),
            Some(option) => {
                let kind = self.model.kind();
                Err(Failure::new(format!("--{option} is not for models of kind {kind}"))
                    .about(self.file.display()))
            }
        }
    }

    /// What pictures of the model's data are drawn on.
    pub fn canvas(&self) -> Canvas {
        Canvas { shape: self.image_shape, largest: self.largest }
    }

    /// What numbers the model takes.
    pub fn domain(&self) -> Domain {
        match self.model {
            Model::Neural(_) => Domain::Reals,
            Model::Rbm(_) | Model::Boltzmann(_) | Model::Hopfield(_) | Model::Vae(_) => Domain::Levels,
        }
    }

    /// How to read data for this model: as asked, else as it was trained, else by threshold, or as it is where the model
    /// takes real numbers.
    pub fn reading(&self, binarize: Option<Binarize>) -> Reading {
        let trained = self.settings.saved::<Choice<Binarize>>("binarize").map(|choice| choice.0);
        let flipped = self.settings.saved("flip").unwrap_or(false);
        let scale = self.settings.saved::<Choice<PixelScale>>("scale").map(|choice| choice.0);
        Reading {
            scale: scale.unwrap_or(PixelScale::Unit),
            binarize: binarize.or(trained).unwrap_or(match self.domain() {
                Domain::Reals | Domain::Any => Binarize::None,
                Domain::Levels => Binarize::Threshold,
            }),
            polarity: if flipped { Polarity::Flipped } else { Polarity::Plain },
        }
    }

    /// The data named, else the data the model was trained on.
    pub fn data_name(&self, given: Option<&str>) -> Result<String, Failure> {
        given.map(str::to_owned).or_else(|| self.settings.saved("data")).ok_or_else(|| {
            Failure::new("the file does not say what data the model was trained on")
                .about(self.file.display())
                .hint("name the data after it: digits, bars:3, a folder or a file")
        })
    }

    /// Where a picture goes when nobody says where: into the run folder, else here.
    pub fn picture_path(&self, given: Option<&Path>, name: &str) -> PathBuf {
        match (given, &self.run) {
            (Some(path), _) => path.to_owned(),
            (None, Some(run)) => run.join(name),
            (None, None) => PathBuf::from(name),
        }
    }
}

/// The shape the file names, else a square, else one line.
fn image_shape(snapshot: &Snapshot, visible: usize) -> (usize, usize) {
    let named = snapshot.metadata.get(IMAGE_SHAPE).and_then(|shape| {
        let (height, width) = shape.split_once('x')?;
        Some((height.parse::<usize>().ok()?, width.parse::<usize>().ok()?))
    });
    let side = visible.isqrt();
    match named {
        Some((height, width)) if height.checked_mul(width) == Some(visible) => (height, width),
        _ if side * side == visible => (side, side),
        _ => (1, visible),
    }
}
