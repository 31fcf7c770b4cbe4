//! Where a model comes from: its file, its run, and how it was trained.

use super::model::Model;
use super::sample::FileFormat;
use crate::cli::{Console, Failure};
use crate::input::{
    Binarize, Domain, HeldOut, LabelSource, MaskName, PixelScale, Polarity, Reading, RowChoice, Rows, data, mask,
};
use crate::pictures::Canvas;
use crate::run::{Choice, FINGERPRINT, IMAGE_SHAPE, LARGEST, Settings, Validation, standing};
use helmholtz::Seed;
use helmholtz::store::Snapshot;
use std::path::{Path, PathBuf};

/// Where a model comes from: its file, its run, and how it was trained.
pub struct Origin {
    /// The file it was read from.
    pub file: PathBuf,
    /// The run folder, where one was named.
    pub run: Option<PathBuf>,
    /// Its settings; none in a file of someone else's.
    pub settings: Settings,
    /// Height and width of the images it was trained on, else a guess.
    pub image_shape: (usize, usize),
    /// The largest number of a row of that data.
    largest: f32,
    usual: (Binarize, PixelScale),
    domain: Domain,
    /// Whether the model is given labels.
    labels: bool,
    /// The fingerprint of that data, where the file says it.
    fingerprint: Option<String>,
    console: Console,
}

impl Origin {
    /// The origin of `model`, which `file` of `run` holds as `snapshot`; doubts about its data are said to `console`.
    pub fn new(
        model: &dyn Model,
        snapshot: &Snapshot,
        file: PathBuf,
        run: Option<PathBuf>,
        console: Console,
    ) -> Self {
        let largest = snapshot.metadata.get(LARGEST).and_then(|largest| largest.parse().ok()).unwrap_or(1.0);
        Origin {
            file,
            run,
            settings: Settings::saved_in(&snapshot.metadata),
            image_shape: image_shape(snapshot, model.width()),
            largest,
            usual: (model.binarize(), model.scale()),
            domain: model.domain(),
            labels: model.takes_labels(),
            fingerprint: snapshot.metadata.get(FINGERPRINT).cloned(),
            console,
        }
    }

    /// The canvas of pictures of the model's data.
    pub fn canvas(&self) -> Canvas {
        Canvas { shape: self.image_shape, largest: self.largest }
    }

    /// How to read data for this model: as asked, else as it was trained, else as its family reads it.
    pub fn reading(&self, binarize: Option<Binarize>) -> Reading {
        let trained = self.settings.saved::<Choice<Binarize>>("binarize").map(|choice| choice.0);
        let flipped = self.settings.saved("flip").unwrap_or(false);
        let scale = self.settings.saved::<Choice<PixelScale>>("scale").map(|choice| choice.0);
        let binarize = binarize.or(trained).unwrap_or(self.usual.0);
        // A run that was trained says its scale; a file that says nothing of its training has the usual one.
        let usual = match trained {
            None if binarize == Binarize::None => self.usual.1,
            _ => PixelScale::Unit,
        };
        Reading {
            scale: scale.unwrap_or(usual),
            binarize,
            polarity: if flipped { Polarity::Flipped } else { Polarity::Plain },
        }
    }

    /// The fingerprint of the data it was trained on, where the file says it.
    pub fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    /// The training rows that were held out.
    pub fn held_out(&self) -> Option<HeldOut> {
        let holdout = self.settings.saved::<Validation>("validation")?.holdout()?;
        Some((holdout, Seed(self.settings.saved("seed")?)))
    }

    /// The rows chosen, by default of the data the model was trained on, read as it was trained, without the values that training hid for good.
    /// Where that data is not what it was, people are warned.
    pub fn rows(&self, choice: &RowChoice) -> Result<Rows, Failure> {
        let mut rows = self.whole_rows(choice)?;
        if let (None, Some(MaskName::File(file))) = (&choice.data, self.settings.saved::<MaskName>("mask")) {
            let hidden = mask::of_part(&file, &rows.rows)?;
            rows.rows = rows.rows.with_missing(&hidden)?;
        }
        Ok(rows)
    }

    /// The rows chosen with all their values.
    pub fn whole_rows(&self, choice: &RowChoice) -> Result<Rows, Failure> {
        let named = choice.data.clone().or_else(|| self.settings.saved("data"));
        let name = named.ok_or_else(|| {
            Failure::new("the file does not say what data the model was trained on")
                .about(self.file.display())
                .hint("name the data after it: digits, bars:3, a folder or a file")
        })?;
        let trained_on = choice.data.is_none();
        let path = match trained_on {
            true => standing::whereabouts(&name, self.run.as_deref().or(self.file.parent())),
            false => name.clone(),
        };
        let data = data::open(&path, self.domain, &self.console)?;
        let mut seen = false;
        if let Some(saved) = &self.fingerprint {
            let found = format!("{:016x}", data.fingerprint());
            seen = found == *saved;
            if trained_on && !seen {
                self.console.warn(format!(
                    "{path} is not what the model was trained on: its fingerprint is {found}, and was {saved}"
                ));
            }
        }
        let held_out = if trained_on || self.settings.saved::<String>("data").is_some_and(|data| data == name) {
            self.held_out()
        } else {
            None
        };
        let labels = self.labels_of(choice, trained_on)?;
        let reading = self.reading(choice.selection.binarize);
        let mut rows = choice.of(&data, path, reading, held_out, labels.as_ref(), &self.console)?;
        // A file without a test split is all test rows, unless it is what the model was trained on.
        if seen && rows.split == "test" && !data.has_test_split() {
            rows.split = "train";
        }
        Ok(rows)
    }

    /// The labels of the rows chosen: as asked, else those of the file that the model was trained with, where it is still there.
    fn labels_of(&self, choice: &RowChoice, trained_on: bool) -> Result<Option<LabelSource>, Failure> {
        if let Some(asked) = LabelSource::given(&choice.selection.labels)? {
            return match self.labels {
                true => Ok(Some(asked)),
                false => Err(Failure::new("--labels is for models given labels").about(self.file.display())),
            };
        }
        let saved = self.settings.saved::<LabelSource>("labels").filter(|_| self.labels && trained_on);
        Ok(saved.filter(|source| matches!(source, LabelSource::File(path) if path.is_file())))
    }

    /// Where a file goes: as given, else by its usual `name` into the run folder, else here. Its ending must be the usual
    /// one.
    pub fn destination(&self, given: Option<&Path>, name: &str) -> Result<PathBuf, Failure> {
        let usual = || self.run.as_deref().unwrap_or(Path::new("")).join(name);
        let path = given.map_or_else(usual, Path::to_owned);
        let ending = Path::new(name).extension();
        if path.extension() != ending {
            let ending = ending.unwrap_or_default().display();
            return Err(Failure::new(format!("--out must end in .{ending}")).about(path.display()));
        }
        Ok(path)
    }

    /// Where a picture or its numbers go, by the ending: as given, else the picture by its usual `name` into the run folder, else
    /// here.
    pub fn picture_or_numbers(&self, given: Option<&Path>, name: &str) -> Result<(PathBuf, FileFormat), Failure> {
        let path = given.map_or_else(|| self.destination(None, name), |path| Ok(path.to_owned()))?;
        let format = FileFormat::of(&path)?;
        Ok((path, format))
    }

    /// Refuses an option `given` that is not among those the model `answers` to.
    pub fn refuse_foreign(
        &self,
        model: &dyn Model,
        mut given: impl Iterator<Item = &'static str>,
        answers: &[&str],
    ) -> Result<(), Failure> {
        given.find(|option| !answers.contains(option)).map_or(Ok(()), |option| {
            let kind = model.kind();
            Err(Failure::new(format!("--{option} is not for models of kind {kind}")).about(self.file.display()))
        })
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
