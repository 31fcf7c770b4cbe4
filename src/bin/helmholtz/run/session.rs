//! Everything around the loop that trains any model: settings, data, folder, resume, observers.

use super::folder::{
    CHECKPOINT, Existing, FINGERPRINT, IMAGE_SHAPE, KIND, LARGEST, Lock, METRICS, MODEL, RUN, RunFolder,
};
use super::init::Init;
use super::metrics_table::MetricsTable;
use super::options::{Length, Options, Validation};
use super::progress_bar::{Bar, thousands};
use super::progress_lines::Lines;
use super::recorder::Recorder;
use super::settings::{Choice, Settings};
use super::standing::Standing;
use super::{folder, standing};
use crate::cli::{Failure, Globals, Interrupt, counted, interrupt};
use crate::input::{Binarize, Domain, PixelScale, Polarity, Reading, data};
use crate::pictures::Canvas;
use clap::Arg;
use helmholtz::Seed;
use helmholtz::data::Dataset;
use helmholtz::simd::Isa;
use helmholtz::storage;
use helmholtz::store::Snapshot;
use helmholtz::train::{
    Direction, EarlyStopping, Judge, Learner, Observer, Position, Summary, TrainError, Training, train,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

const ISA: &str = "instruction_set";
const VERSION: &str = "version";

/// A model's part in a session: its name and its defaults.
pub struct Subject {
    /// Its name on the command line and in files.
    pub kind: &'static str,
    /// About how many updates it makes unless told otherwise: what a pass is worth depends on the data.
    pub updates: u64,
    /// Examples of an update unless told otherwise.
    pub batch: usize,
    /// The data it learns unless told otherwise.
    pub data: &'static str,
    /// The numbers that it learns.
    pub domain: Domain,
    /// How grey levels are read unless told otherwise.
    pub binarize: Binarize,
    /// The figure that early stopping watches; higher is better.
    pub watched: &'static str,
}

impl Subject {
    /// Of a model of bits that learns the digits in batches of 64 unless told otherwise.
    pub const fn of_bits(kind: &'static str, updates: u64, watched: &'static str) -> Self {
        let (domain, binarize) = (Domain::Levels, Binarize::Threshold);
        Subject { kind, updates, batch: 64, data: "digits", domain, binarize, watched }
    }

    /// An option of the command line, its help ending in the model's own default where there is one.
    pub fn with_defaults(&self, option: Arg) -> Arg {
        let default = match option.get_id().as_str() {
            "data" => self.data.to_owned(),
            "batch" => self.batch.to_string(),
            "binarize" => Choice(self.binarize).to_string(),
            "epochs" => format!("about {} updates", thousands(self.updates as f64)),
            _ => return option,
        };
        let help = option.get_help().map(ToString::to_string).unwrap_or_default();
        option.help(format!("{help} [default: {default}]"))
    }
}

/// A training run, from its settings to its end.
pub struct Session {
    kind: &'static str,
    watched: &'static str,
    existing: Existing,
    checkpoint: Option<Snapshot>,
    /// The model to start from, if one was named.
    pub init: Option<Init>,
    /// On the folder, from the moment that it exists.
    lock: Option<Lock>,
    /// How levels are read as bits, in words, where they are.
    read_as: Option<String>,
    /// The run folder.
    pub folder: RunFolder,
    /// Settled so far; the model adds its own.
    pub settings: Settings,
    /// All rows, read as the run reads them.
    pub data: Dataset<'static>,
    /// The rows trained on.
    pub train: Dataset<'static>,
    /// The rows held out of training, if any.
    pub validation: Option<Dataset<'static>>,
    /// Length, batch, seed and so on.
    pub training: Training,
    /// The fingerprint of the data, their own labels included.
    fingerprint: String,
}

/// A run that has ended.
pub struct Ended {
    /// The loop's summary.
    pub summary: Summary,
    /// The figures of all its evaluations.
    pub table: MetricsTable,
    /// Seconds in this process.
    pub seconds: f64,
    /// Examples seen in this process.
    pub examples: u64,
}

impl Session {
    /// Settles what all models have in common. Touches no file.
    pub fn begin(subject: &Subject, options: &Options, globals: &Globals) -> Result<Self, Failure> {
        let existing = options.existing();
        let init = options.init.as_deref().map(|path| Init::read(path, subject.kind)).transpose()?;
        let trained = init.as_ref().map(|init| init.settings.clone()).unwrap_or_default();
        let usual_data = trained.saved("data").unwrap_or_else(|| subject.data.to_owned());
        let folder = Self::folder_of(subject, options)?;
        folder.check(existing)?;
        let lock = folder.path().is_dir().then(|| folder::lock(folder.path())).transpose()?;
        let checkpoint = match existing {
            Existing::Resume => Some(load(&folder, subject.kind)?),
            Existing::Keep | Existing::Overwrite => None,
        };
        let mut settings =
            checkpoint.as_ref().map_or_else(Settings::default, |snapshot| Settings::saved_in(&snapshot.metadata));

        let data_name = settings.settle_anew("data", options.data.clone(), usual_data.clone())?;
        if init.is_some() || settings.saved::<String>("init").is_some() {
            let path = options.init.as_ref().map(|path| path.display().to_string());
            settings.settle("init", path, String::new())?;
        }
        let usual_binarize = trained.saved::<Choice<Binarize>>("binarize").map_or(subject.binarize, |how| how.0);
        let usual_flip = trained.saved("flip").unwrap_or(false);
        let reading = Reading {
            binarize: settings.settle_choice("binarize", options.binarize, usual_binarize)?,
            scale: PixelScale::Unit,
            polarity: match settings.settle("flip", options.flip.then_some(true), usual_flip)? {
                true => Polarity::Flipped,
                false => Polarity::Plain,
            },
        };
        let console = globals.console();
        let named = match &options.data {
            None => standing::whereabouts(&data_name, Some(folder.path())),
            Some(_) => data_name.clone(),
        };
        let data = data::open(&named, subject.domain, &console)?;
        data::refuse_bits_of_reals(&data, options.binarize)?;
        let data = reading.of(&data)?;
        let read_as = data::check_bits(&data, &console)?;
        if let Some(snapshot) = &checkpoint {
            same_data(snapshot, &data, &data_name)?;
        }

        let seed = Seed(settings.settle("seed", globals.seed, 1)?);
        let patience = settings.settle("early-stop", options.early_stop, 0)?;
        let held_out = if patience > 0 { Validation::TENTH } else { Validation::NONE };
        let held_out = settings.settle("validation", options.validation, held_out)?;
        if patience > 0 && held_out.holdout().is_none() {
            return Err(Failure::new("--early-stop needs rows held out of training").hint("--validation 0.1"));
        }
        let (train, validation) = match held_out.holdout() {
            Some(holdout) => {
                let (train, validation) = data.train().split_validation(holdout, seed)?;
                (train, Some(validation))
            }
            None => (data.train(), None),
        };

        let batch = settings.settle("batch", options.batch, subject.batch.min(train.len()).max(1))?;
        if options.batch.is_some_and(|batch| batch > train.len()) {
            let rows = train.len();
            return Err(Failure::new(format!("--batch is {batch}, more than the {rows} training rows")));
        }
        let epochs = round_up(subject.updates.saturating_mul(batch as u64).div_ceil(train.len().max(1) as u64));
        let length = settings.settle_anew("length", options.length(), Length::Epochs(epochs))?;
        let (epochs, steps) = match length {
            Length::Epochs(epochs) => (epochs, None),
            Length::Steps(steps) => (0, Some(steps)),
        };
        let mut training =
            Training { epochs, steps, batch, seed, stop_after: options.stop_after, ..Training::default() };
        let steps = training.steps_for(train.len())?;
        if let Some(position) = checkpoint.as_ref().and_then(Position::of) {
            refuse_what_is_finished(&folder, &position, steps)?;
        }
        let whole = steps.saturating_mul(batch as u64) / train.len() as u64;
        training.evaluate_every = options.evaluate_every.unwrap_or((whole / 50).max(1));
        training.early_stopping = (patience > 0).then(|| EarlyStopping {
            patience,
            judge: Some(Judge { metric: subject.watched.into(), direction: Direction::Higher }),
        });
        Ok(Session {
            kind: subject.kind,
            watched: subject.watched,
            existing,
            checkpoint,
            init,
            lock,
            read_as,
            folder,
            settings,
            fingerprint: format!("{:016x}", data.fingerprint()),
            data,
            train,
            validation,
            training,
        })
    }

    /// From now on grey levels are read on this scale.
    pub fn read_on(&mut self, scale: PixelScale) {
        for data in [&mut self.data, &mut self.train].into_iter().chain(&mut self.validation) {
            *data = data.scaled(scale.into());
        }
    }

    /// The canvas of pictures of the data.
    pub fn canvas(&self) -> Canvas {
        // Real numbers are measurements, whatever their number.
        let shape = if self.data.is_real() { (1, self.data.width()) } else { self.data.image_shape() };
        Canvas { shape, largest: self.data.largest() }
    }

    /// The folder that a run with these options goes to.
    pub fn folder_of(subject: &Subject, options: &Options) -> Result<RunFolder, Failure> {
        let init = options.init.as_deref().map(|path| Init::read(path, subject.kind)).transpose()?;
        let usual = init.and_then(|init| init.settings.saved("data")).unwrap_or_else(|| subject.data.to_owned());
        let named = options.data.as_deref().unwrap_or(&usual);
        let name = format!("{}-{}", subject.kind, file_name_of(named));
        Ok(RunFolder::choose(options.out.as_deref(), &name, options.existing()))
    }

    /// The figure that early stopping and the progress bar watch.
    pub fn watched(&self) -> &'static str {
        self.watched
    }

    /// The model that `--init` names, as its family reads it; in a run that goes on after such a start, one of its shape.
    pub fn started_from<M, E: Into<Failure>>(
        &self,
        read: impl Fn(&Snapshot) -> Result<M, E>,
    ) -> Result<Option<M>, Failure> {
        match (&self.init, &self.checkpoint) {
            (Some(init), _) => init.model(read).map(Some),
            (None, Some(checkpoint)) if self.settings.settled().contains_key("init") => read(checkpoint)
                .map(Some)
                .map_err(|error| error.into().about(self.folder.file(CHECKPOINT).display())),
            _ => Ok(None),
        }
    }

    /// The checkpoint of the run that goes on.
    pub fn resumed(&self) -> Option<&Snapshot> {
        self.checkpoint.as_ref()
    }

    /// Refuses an option whose value is not that of the model that `--init` names.
    pub fn same_as_init<T: PartialEq + std::fmt::Display>(
        &self,
        option: &str,
        asked: &T,
        model: &T,
    ) -> Result<(), Failure> {
        self.init.as_ref().map_or(Ok(()), |init| init.same(option, asked, model))
    }

    /// The split that is monitored: the rows held out, else the test split, from which nothing is selected.
    pub fn monitored(&self) -> Option<Dataset<'static>> {
        self.validation.clone().or_else(|| self.data.has_test_split().then(|| self.data.test()))
    }

    /// Trains `learner`, from the checkpoint where there is one.
    pub fn run<L: Learner>(&mut self, learner: &mut L, globals: &Globals) -> Result<Ended, Failure> {
        let console = globals.console();
        self.refuse_foreign_checkpoint(learner)?;
        self.claim_folder()?;
        if let Some(how) = &self.read_as {
            console.note(how);
        }
        let mut table = MetricsTable::default();
        let mut before = 0;
        if let Some(position) = self.checkpoint.as_ref().and_then(Position::of) {
            table = MetricsTable::load(&self.folder.file(METRICS))?;
            table.cut_after(position.step);
            before = position.step;
            self.say_what_changes(&position, globals)?;
        }
        self.write_run_json(&Standing::Training, &Map::new())?;
        let metadata = self.metadata();

        interrupt::watch();
        let mut recorder = Recorder::new(self.folder.clone(), metadata, table);
        let mut lines = console.tells_progress_in_lines().then(|| Lines::new(console.clone(), self.watched));
        let mut bar = Bar::new(&console, self.watched);
        let mut interrupt = Interrupt;
        let monitored = self.monitored();
        let begun = Instant::now();
        let mut observers: Vec<&mut dyn Observer> = vec![&mut recorder, &mut bar, &mut interrupt];
        observers.extend(lines.iter_mut().map(|lines| lines as &mut dyn Observer));
        let resume = self.checkpoint.take();
        let summary =
            train(learner, &self.train, monitored.as_ref(), &self.training, resume.as_ref(), &mut observers);
        drop(bar);
        let summary = summary.map_err(|error| {
            let failure = Failure::from(error);
            // The reason is what must be told, not that it could not be written down.
            let _ = self.write_run_json(&Standing::Failed(failure.to_string()), &Map::new());
            match self.folder.file(CHECKPOINT).exists() {
                true => {
                    failure.or_hint(format!("the last good checkpoint is in {}", self.folder.path().display()))
                }
                false => failure,
            }
        })?;
        let examples = (summary.progress.step - before) * self.training.batch as u64;
        Ok(Ended { summary, table: recorder.into_table(), seconds: begun.elapsed().as_secs_f64(), examples })
    }

    /// Refuses a checkpoint that does not fit `learner`, before anything is written. Loading it twice does no harm.
    fn refuse_foreign_checkpoint<L: Learner>(&self, learner: &mut L) -> Result<(), Failure> {
        let Some(snapshot) = &self.checkpoint else { return Ok(()) };
        let fits = match snapshot.non_finite() {
            Some(tensor) => Err(TrainError::NonFiniteCheckpoint { tensor: tensor.to_owned() }),
            None => learner.load(snapshot).map_err(TrainError::from),
        };
        fits.map_err(|error| {
            Failure::from(error)
                .about(self.folder.file(CHECKPOINT).display())
                .hint("put the run's own checkpoint back, or --overwrite the run")
        })
    }

    fn claim_folder(&mut self) -> Result<(), Failure> {
        if self.lock.is_none() {
            self.folder.create(self.existing)?;
            self.lock = Some(folder::lock(self.folder.path())?);
            // Since the folder was looked at, a faster process may have left a run in it.
            self.folder.check(self.existing)?;
        }
        self.folder.prepare(self.existing)
    }

    /// From now on early stopping and the progress bar watch this figure.
    pub fn select_by(&mut self, metric: &'static str) {
        self.watched = metric;
        if let Some(rule) = &mut self.training.early_stopping {
            rule.judge = rule.judge.take().map(|judge| Judge { metric: metric.into(), ..judge });
        }
    }

    /// The kind of the model, as files and commands name it.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Metadata of a model or checkpoint file, the settings included.
    pub fn metadata(&self) -> BTreeMap<String, String> {
        let (height, width) = self.canvas().shape;
        let mut metadata = BTreeMap::new();
        metadata.insert(KIND.to_owned(), self.kind.to_owned());
        metadata.insert(IMAGE_SHAPE.to_owned(), format!("{height}x{width}"));
        if self.data.largest() != 1.0 && !self.data.is_real() {
            metadata.insert(LARGEST.to_owned(), self.data.largest().to_string());
        }
        metadata.insert(FINGERPRINT.to_owned(), self.fingerprint.clone());
        metadata.insert(ISA.to_owned(), Isa::current().to_string());
        metadata.insert(VERSION.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        self.settings.write(&mut metadata);
        metadata
    }

    /// `run.json`: configuration, data and the figures there are by now.
    pub fn write_run_json(&self, standing: &Standing, figures: &Map<String, Value>) -> Result<(), Failure> {
        let mut run = json!({
            "model": self.kind,
            "status": standing.word(),
            "version": env!("CARGO_PKG_VERSION"),
            "instruction_set": Isa::current().to_string(),
            "seed": self.training.seed.0,
            "configuration": self.settings.settled(),
            "data": {
                "name": self.data.name(),
                "fingerprint": self.fingerprint,
                "width": self.data.width(),
                "training_rows": self.train.len(),
                "validation_rows": self.validation.as_ref().map_or(0, Dataset::len),
                "test_rows": if self.data.has_test_split() { self.data.test().len() } else { 0 },
            },
            "figures": figures,
        });
        if let Some(path) = data::path_of(self.data.name()) {
            run["data"]["path"] = json!(path);
        }
        if let Standing::Failed(error) = standing {
            run["error"] = json!(error);
        }
        Ok(self.folder.write(RUN, &format!("{run:#}\n"))?)
    }

    fn say_what_changes(&self, position: &Position, globals: &Globals) -> Result<(), Failure> {
        let console = globals.console();
        let steps = self.training.steps_for(self.train.len())?;
        match position.step == steps {
            true => console.note("trained already: it is scored"),
            false => console.note(format!("resuming at step {} of {steps}", position.step)),
        }
        if steps != position.steps {
            let steps = counted(steps, "step");
            console.note(format!("the schedule now stretches over {steps} instead of {}", position.steps));
        }
        let saved = self.checkpoint.as_ref().and_then(|snapshot| snapshot.metadata.get(ISA));
        let current = Isa::current().to_string();
        if let Some(saved) = saved.filter(|saved| **saved != current) {
            console.warn(format!(
                "the run was begun on {saved} and goes on with {current}: its last digits will differ"
            ));
        }
        Ok(())
    }
}

/// To two figures, upwards: a number that can be remembered.
fn round_up(number: u64) -> u64 {
    let unit = 10u64.pow(number.checked_ilog10().unwrap_or(0).saturating_sub(1));
    number.div_ceil(unit).saturating_mul(unit).max(1)
}

/// Refuses to go on with a run that has nothing left to do. One that was trained and not scored, or killed after its last
/// update, has.
fn refuse_what_is_finished(folder: &RunFolder, position: &Position, steps: u64) -> Result<(), Failure> {
    let Position { step: done, steps: planned, .. } = *position;
    if done > steps {
        return Err(TrainError::Past { done, steps }.into());
    }
    if Standing::of_run(folder.path()) != Some(Standing::Finished) || steps != planned {
        return Ok(());
    }
    let out = folder.path().display();
    Err(Failure::new(format!("the run is finished: step {done} of {steps}"))
        .hint(match done == steps {
            true => "--epochs with a larger number goes on".to_owned(),
            false => format!("it stopped early; --init {out} starts another run from its model"),
        })
        .about(out))
}

fn load(folder: &RunFolder, kind: &str) -> Result<Snapshot, Failure> {
    let path = folder.file(CHECKPOINT);
    if !path.exists() {
        // Whoever has evaluated has saved: a model, or figures, are of a run that had a checkpoint.
        let why = match [MODEL, METRICS].iter().any(|name| folder.file(name).exists()) {
            true => format!("{CHECKPOINT}, from which a run goes on, is missing: it was removed"),
            false => "the run was ended before its first checkpoint".to_owned(),
        };
        return Err(Failure::new(why)
            .about(folder.path().display())
            .hint("--overwrite instead of --resume starts it anew"));
    }
    let snapshot = storage::load(&path)?;
    let (named, settings) = (path.display(), Settings::saved_in(&snapshot.metadata));
    match snapshot.metadata.get(KIND) {
        Some(saved) if saved == kind => {}
        Some(saved) => {
            return Err(Failure::new(format!("a run of a model of kind {saved:?}, not {kind:?}"))
                .about(named)
                .hint(format!("helmholtz train {saved} --resume continues it")));
        }
        None => return Err(Failure::new("no checkpoint of a run").about(named)),
    }
    if Position::of(&snapshot).is_none() {
        return Err(Failure::new("no checkpoint: it does not say where the run stands").about(named));
    }
    standing::same_run(folder.path(), settings.all_saved().iter(), snapshot.metadata.get(FINGERPRINT))
        .map_err(|failure| failure.about(named))?;
    Ok(snapshot)
}

fn same_data(snapshot: &Snapshot, data: &Dataset<'_>, name: &str) -> Result<(), Failure> {
    let given = format!("{:016x}", data.fingerprint());
    match snapshot.metadata.get(FINGERPRINT) {
        Some(saved) if *saved != given => {
            let trained_on = Settings::saved_in(&snapshot.metadata).saved::<String>("data").unwrap_or_default();
            Err(Failure::new(format!(
                "--resume: the run was started on other data: {trained_on} with fingerprint {saved}, not {name} \
                 with {given}"
            )))
        }
        _ => Ok(()),
    }
}

/// `digits`, `bars3`, or the last part of a path without its ending.
pub fn file_name_of(data: &str) -> String {
    let stem = match data.strip_prefix("bars:") {
        Some(size) => format!("bars{size}"),
        None => {
            Path::new(data).file_stem().map_or_else(|| "data".to_owned(), |s| s.to_string_lossy().into_owned())
        }
    };
    stem.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).collect()
}
