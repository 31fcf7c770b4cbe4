//! `helmholtz inpaint`: its options, and what it does in which order.

use super::baseline::Baselines;
use super::judge::{Judged, Truth};
use super::picture::Completed;
use crate::cli::{Failure, Globals, Report, Task, counted, size};
use crate::commands::loaded::Loaded;
use crate::contract::{FileFormat, Filled, InpaintAsk, InpaintOptions, Scores};
use crate::input::{Mask, MaskName, RowChoice, Rows, Selection, data, npy};
use crate::pictures::Canvas;
use crate::run::Estimating;
use clap::Args;
use helmholtz::data::Dataset;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Impute values that are hidden or missing, given the others, and say how well
#[derive(Args)]
#[command(after_help = "\
The picture has, for every line of images, what was there, what was shown, up to three imputations, their mean and how uncertain
they are. Of rows that are no images it has a panel a column, the hidden ones first, and one for each pair of columns, the completed rows
over the original ones.

S_K is the mean of ln (1/K) Σ p(hidden | latent) over the rows: on average below the log-density of what imputations are draws of.

Examples:
  helmholtz inpaint runs/rbm-digits --mask bottom
  helmholtz inpaint runs/vae-digits --mask 50% --rows 359 --count 5 --out half.npy
  helmholtz inpaint runs/rbm-digits runs/vae-digits --mask 50%         one table, on the same masks
  helmholtz inpaint runs/vae-table                                     the missing values of its own data")]
pub struct Inpaint {
    /// Run folders or .safetensors files; the last of several may be data: its test rows are completed [default: what the model was trained
    /// on]
    #[arg(value_name = "RUN|MODEL … [DATA]", required = true)]
    models: Vec<PathBuf>,
    /// What is hidden, beside what is missing: top, bottom, left, right, center, box, quadrants:N (N are shown), a part of all pixels like 30%,
    /// the same of all rows; or a .npy whose ones are hidden, of an image's shape or [rows, width] [default: that of training]
    #[arg(long, value_name = "MASK")]
    mask: Option<MaskName>,
    /// How many rows [default: 16; all where the data has missing values or the mask a row for each]
    #[arg(long, value_name = "N")]
    rows: Option<usize>,
    /// Imputations of each row
    #[arg(long, default_value_t = 1, value_name = "N")]
    count: usize,
    /// Latents of each row, by which what is hidden is scored and means are taken
    #[arg(long, default_value_t = 500, value_name = "K")]
    latents: usize,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    options: InpaintOptions,
    /// FILE.png, the picture, or FILE.npy, the completed rows, [rows × count, width] [default: inpainted.png, in the run folder if there is
    /// one]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Rows that are completed unless told otherwise.
const ROWS: usize = 16;

/// The rows, and what is hidden of them.
struct Asked {
    rows: Rows,
    mask: Mask,
    /// Hidden on purpose or missing, `[rows, width]`.
    hidden: Vec<bool>,
    scored: Vec<bool>,
    truth: Vec<f32>,
    /// Of their columns, where these are numbers: errors of models and of baselines are measured by them.
    variances: Option<Vec<f64>>,
    shape: (usize, usize),
}

impl Task for Inpaint {
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let console = globals.console();
        let (models, named) = self.models_and_data()?;
        let loaded: Vec<Loaded> =
            models.iter().map(|path| Loaded::open(path, globals)).collect::<Result<_, _>>()?;
        if loaded.len() > 1 && self.out.is_some() {
            return Err(Failure::new("--out is for one model: each run has a picture in its folder"));
        }
        size::check("count", self.count, 1)?;
        size::check("latents", self.latents, 1)?;
        if self.count > self.latents {
            return Err(Failure::new(format!(
                "--count is {}, more than the {} of --latents",
                self.count, self.latents
            )));
        }
        let mut report = Report::new();
        let mut judged: Vec<(String, Judged, Option<Scores>)> = Vec::new();
        let mut first: Option<Asked> = None;
        for (path, loaded) in models.iter().zip(&loaded) {
            let inpainter = loaded.asked(loaded.model.inpainter())?;
            let (out, format) = loaded.origin.picture_or_numbers(self.out.as_deref(), "inpainted.png")?;
            let asked = self.asked(loaded, named.clone(), globals)?;
            if let Some(first) = &first
                && (first.truth != asked.truth || first.hidden != asked.hidden)
            {
                return Err(Failure::new(
                    "reads other rows than the first model, or hides others of their values",
                )
                .about(path.display())
                .hint("--binarize, or DATA after the models, makes them the same"));
            }
            let estimating = Estimating::begin(&console, "what is hidden");
            let filled = inpainter.inpaint(&InpaintAsk {
                rows: &asked.rows.rows,
                name: &asked.rows.name,
                mask: &asked.mask,
                count: self.count,
                latents: self.latents,
                options: &self.options,
                seed: globals.seed(),
                work: estimating.work(),
            })?;
            drop(estimating);
            self.write(loaded, &asked, &filled, (&out, format))?;
            judged.push((
                path.display().to_string(),
                asked.truth().judge(&filled, self.count, self.options.draws),
                filled.scores,
            ));
            if loaded_alone(models) {
                say_what_was_done(&mut report, loaded, &asked, &filled.method, &out);
            }
            first.get_or_insert(asked);
        }
        let asked = first.ok_or_else(|| Failure::new("nothing to complete"))?;
        report.figure("data", asked.rows.name.clone());
        report.figure("split", asked.rows.split);
        report.figure("rows", asked.rows.rows.len());
        report.figure("count", self.count);
        report.figure("latents", self.latents);
        let per_row = asked.hidden.iter().filter(|hidden| **hidden).count();
        report.figure("hidden_values", per_row);
        if let Some(shared) = asked.mask.shared() {
            report.figure("hidden_pixels", shared.iter().filter(|hidden| **hidden).count());
        }
        let train = training_rows(&loaded[0], &asked)?;
        say_all(&mut report, &asked, judged, train.as_ref());
        Ok(report)
    }
}

fn loaded_alone(models: &[PathBuf]) -> bool {
    models.len() == 1
}

impl Asked {
    fn truth(&self) -> Truth<'_> {
        let (variances, width) = (self.variances.as_deref(), self.rows.rows.width());
        Truth { values: &self.truth, scored: &self.scored, variances, width }
    }
}

impl Inpaint {
    /// The models, and the data where it comes last.
    fn models_and_data(&self) -> Result<(&[PathBuf], Option<String>), Failure> {
        let is_model = |path: &Path| {
            path.extension().is_some_and(|ending| ending == "safetensors") || crate::run::folder::is_run(path)
        };
        match self.models.split_last() {
            Some((last, others)) if !others.is_empty() && !is_model(last) => {
                Ok((others, Some(last.display().to_string())))
            }
            _ => Ok((&self.models, None)),
        }
    }

    /// The rows that a model is to complete.
    fn asked(&self, loaded: &Loaded, named: Option<String>, globals: &Globals) -> Result<Asked, Failure> {
        let origin = &loaded.origin;
        let choice = RowChoice { data: named, selection: self.selection.clone() };
        let mut rows = origin.whole_rows(&choice)?;
        let width = loaded.model.width();
        if rows.rows.width() != width {
            let given = rows.rows.width();
            return Err(
                Failure::new(format!("rows of {given} values, and the model has {width}")).about(&rows.name)
            );
        }
        let shape = match rows.rows.is_real() {
            true => (1, width),
            false => rows.rows.image_shape(),
        };
        let own = origin.settings.saved::<MaskName>("mask");
        let name = self.mask.clone().or(own);
        let of_rows = matches!(name, Some(MaskName::File(_)));
        let usual = if rows.rows.has_missing() || of_rows { usize::MAX } else { ROWS };
        let count = self.rows.unwrap_or(usual).min(rows.rows.len());
        size::check("rows", count, width)?;
        let mask = match &name {
            Some(name) => Mask::new(name, &rows.rows, shape, globals.seed())?,
            None if rows.rows.has_missing() => Mask::of_nothing(&rows.rows),
            None => {
                return Err(Failure::new(
                    "--mask says what is hidden: top, bottom, left, right, center, box, 30% or a .npy file",
                ));
            }
        };
        let mask = mask.first(count);
        rows.rows = rows.first(count);
        let shown = rows.rows.clone();
        if !shown.has_missing() && mask.hidden.iter().all(|hidden| *hidden) {
            return Err(Failure::new("--mask hides everything, and leaves nothing to complete rows by"));
        }
        let truth = data::known_values(&shown);
        let missing = |place: usize| shown.is_missing(place / width, place % width);
        let hidden = mask.hidden.iter().enumerate().map(|(place, hidden)| *hidden || missing(place)).collect();
        let scored = mask.hidden.iter().enumerate().map(|(place, hidden)| *hidden && !missing(place)).collect();
        let variances = (!shown.is_binary()).then(|| shown.variances());
        Ok(Asked { rows, mask, hidden, scored, truth, variances, shape })
    }

    fn write(
        &self,
        loaded: &Loaded,
        asked: &Asked,
        filled: &Filled,
        (out, format): (&Path, FileFormat),
    ) -> Result<(), Failure> {
        let width = asked.rows.rows.width();
        match format {
            FileFormat::Png => {
                let largest = loaded.origin.canvas().largest;
                let shape = if asked.rows.rows.is_real() { (1, width) } else { asked.shape };
                Completed {
                    originals: &asked.truth,
                    hidden: &asked.hidden,
                    filled,
                    count: self.count,
                    canvas: Canvas { shape, largest },
                }
                .save(out)?;
            }
            FileFormat::Npy => {
                let completed = |place: usize| {
                    let (row, column) = (place / width / self.count, place % width);
                    let own = row * width + column;
                    if asked.hidden[own] { filled.values[place] } else { asked.truth[own] }
                };
                let values: Vec<f32> = (0..filled.values.len()).map(completed).collect();
                let rows = asked.rows.rows.len() * self.count;
                let bits = asked.rows.rows.is_binary();
                let file = match bits {
                    true => npy::of_bits(rows, width, &values.iter().map(|&bit| bit as u8).collect::<Vec<_>>()),
                    false => npy::of_floats(rows, width, &values),
                };
                npy::save(out, &file)?;
            }
        }
        Ok(())
    }
}

/// The table of all ways of imputing.
fn say_all(
    report: &mut Report,
    asked: &Asked,
    judged: Vec<(String, Judged, Option<Scores>)>,
    train: Option<&Dataset<'static>>,
) {
    let truth = asked.truth();
    if truth.scored_rows().is_empty() {
        report.line("scores          none: nothing that was hidden is known");
        return;
    }
    let mut rows: Vec<Value> = Vec::new();
    let mut reference: Option<Scores> = None;
    let mut say = |report: &mut Report, name: &str, judged: &Judged, scores: Option<Scores>, model: bool| {
        let mut line = Line::default();
        let mut figures = judged.figures();
        if let Some([mean, error, monte_carlo]) = judged.score {
            let what = if judged.exact { "ln p(hidden | shown)" } else { "S_K" };
            line.add(format!("{what} {mean:.3} nats a row (data error {error:.2}"));
            match monte_carlo {
                _ if judged.exact => line.append(", exact)"),
                error if error.is_finite() && judged.unknown > 0.0 => line.append(&format!(
                    ", Monte Carlo error {error:.3} but for {:.0} % of the rows, where it is not known)",
                    (100.0 * judged.unknown).ceil()
                )),
                error if error.is_finite() => line.append(&format!(", Monte Carlo error {error:.3})")),
                _ => line.append(", Monte Carlo error not known)"),
            }
        } else if model {
            line.add("no score: the family has none".to_owned());
        }
        if let Some([bound, error]) = judged.bound {
            line.add(format!("completion {bound:.2} ± {error:.2}"));
        }
        if let Some(rmse) = judged.rmse {
            line.add(format!("rmse {rmse:.4}"));
        }
        if let Some(standardised) = judged.standardised {
            line.add(format!("mean squared error {standardised:.4} of the columns' variances"));
        }
        if let Some([half, most]) = judged.coverage {
            line.add(format!("50 % intervals hold {:.1} %, 90 % ones {:.1} %", 100.0 * half, 100.0 * most));
        }
        if let Some(wrong) = judged.wrong {
            line.add(format!("{:.1} % drawn other than they were", 100.0 * wrong));
        }
        if let Some([largest, beyond]) = judged.shapes.filter(|shapes| shapes[0].is_finite()) {
            line.add(format!("k̂ up to {largest:.2}, {:.0} % of rows above what can be trusted", 100.0 * beyond));
        }
        if let (Some(scores), Some(reference)) = (&scores, &reference) {
            let [apart, error] = truth.paired(scores, reference);
            line.add(format!("{apart:+.3} ± {error:.3} beside the first"));
            figures.insert("difference".into(), json!(apart));
            figures.insert("difference_error".into(), json!(error));
        }
        report.line(format!("{name:<15} {}", line.text));
        figures.insert("name".into(), json!(name));
        rows.push(Value::Object(figures));
        if reference.is_none() {
            reference = scores;
        }
    };
    let alone = judged.len() == 1;
    for (name, judged, scores) in judged {
        // A single model's own figures are the report's too.
        if alone {
            for (key, value) in judged.figures() {
                report.figure(&key, value);
            }
        }
        let name = if alone { "scores".to_owned() } else { name };
        say(report, &name, &judged, scores, true);
    }
    if let Some(train) = train {
        let baselines = Baselines { train, truth: &asked.truth, hidden: &asked.hidden, scored: &asked.scored };
        for baseline in baselines.all() {
            let judged = truth.judge_means(&baseline.means, Some(&baseline.scores));
            say(report, baseline.name, &judged, Some(baseline.scores), false);
        }
    }
    report.figure("ways", rows);
}

/// Words of a line, with semicolons between them.
#[derive(Default)]
struct Line {
    text: String,
}

impl Line {
    fn add(&mut self, words: String) {
        if !self.text.is_empty() {
            self.text += "; ";
        }
        self.text += &words;
    }

    fn append(&mut self, words: &str) {
        self.text += words;
    }
}

fn say_what_was_done(report: &mut Report, loaded: &Loaded, asked: &Asked, method: &str, out: &Path) {
    report.figure("model", loaded.model.kind());
    report.figure("out", out.display().to_string());
    report.figure("method", method);
    let what = if asked.shape.0 > 1 { "image" } else { "row" };
    report.line(format!("{} completed in {}", counted(asked.rows.rows.len(), what), out.display()));
    report.line(format!("imputed         by {method}"));
}

/// The rows that the model learned from, with what was missing of them; none where they cannot be read.
fn training_rows(loaded: &Loaded, asked: &Asked) -> Result<Option<Dataset<'static>>, Failure> {
    let Ok(rows) = loaded.origin.rows(&RowChoice::default().train()) else { return Ok(None) };
    if rows.rows.width() != asked.rows.rows.width() {
        return Ok(None);
    }
    Ok(Some(rows.rows))
}
