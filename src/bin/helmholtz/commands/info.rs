//! `helmholtz info`: what a run, a file or a data set is.

use crate::cli::{Failure, Globals, Report, Task};
use crate::contract::likelihood;
use crate::input::{Domain, data};
use crate::registry;
use crate::run::{CHECKPOINT, Settings, Standing, folder, standing};
use clap::Args;
use helmholtz::data::{Binarization, Dataset, Spread};
use helmholtz::simd::Isa;
use helmholtz::storage;
use helmholtz::store::Snapshot;
use helmholtz::train::Position;
use serde_json::json;
use std::path::Path;

/// What a run, a model file or a data set is; without one, what this machine is
#[derive(Args)]
#[command(after_help = "\
Examples:
  helmholtz info digits
  helmholtz info runs/rbm-digits
  helmholtz info model.safetensors")]
pub struct Info {
    /// A run folder, a .safetensors file, or data
    #[arg(value_name = "RUN|FILE|DATA")]
    subject: Option<String>,
}

impl Task for Info {
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let Some(subject) = self.subject.as_deref() else {
            return Ok(machine());
        };
        let path = Path::new(subject);
        let built_in = Dataset::built_in(subject)?.is_some();
        if !built_in && path.is_dir() && folder::is_run(path) {
            return run(path);
        }
        if path.is_file() && path.extension().is_some_and(|extension| extension == "safetensors") {
            return file(path);
        }
        Ok(rows(&data::open(subject, Domain::Any, &globals.console())?))
    }
}

fn machine() -> Report {
    let mut report = Report::new();
    let threads = rayon::current_num_threads();
    let supported: Vec<String> =
        Isa::ALL.into_iter().filter(|isa| isa.is_supported()).map(|isa| isa.to_string()).collect();
    report.line(format!("helmholtz       {}", env!("CARGO_PKG_VERSION")));
    report.line(format!("instructions    {} (this CPU has {})", Isa::current(), supported.join(", ")));
    report.line(format!("threads         {threads}"));
    report.figure("version", env!("CARGO_PKG_VERSION"));
    report.figure("isa", Isa::current().to_string());
    report.figure("isa_supported", supported);
    report.figure("threads", threads);
    report
}

fn rows(data: &Dataset<'_>) -> Report {
    let mut report = Report::new();
    let (height, width) = data.image_shape();
    let (train, test) = (data.train().len(), data.test().len());
    report.line(format!("data            {}", data.name()));
    if data.has_test_split() {
        report.line(format!("rows            {train} for training, {test} for testing"));
    } else {
        report.line(format!("rows            {}, no test split", data.len()));
    }
    let grey = data.binarized(Binarization::None);
    let models = models(&grey);
    if let Some(Spread { smallest, largest, scale, threshold }) = data.spread() {
        if grey.is_real() {
            report.line(format!("values          {} real numbers a row", data.width()));
            report.line(format!("range           from {smallest} to {largest}"));
        } else {
            let bits = data.binarized(Binarization::Threshold).means();
            let ones = bits.iter().sum::<f64>() / bits.len().max(1) as f64;
            let share = 100.0 * ones;
            report.line(format!("values          {} a row, as images {height}×{width}", data.width()));
            report.line(match grey.is_binary() {
                true => format!("levels          0 and 1: {share:.1} % are 1"),
                false => format!(
                    "levels          grey, from {smallest} to {largest} on a scale to {scale}: {share:.1} % are at least \
                     {threshold}, 1 for a model of bits (--binarize says how else)"
                ),
            });
            report.figure("ones", ones);
            report.figure("scale", scale);
        }
        report.figure("smallest", smallest);
        report.figure("largest", largest);
    }
    report.line(format!("models          {}", models.words));
    report.figure("models", json!(models.kinds));
    report.line(format!("labels          {}", if data.label(0).is_some() { "yes" } else { "no" }));
    let means = grey.train().means();
    let mean = means.iter().sum::<f64>() / means.len().max(1) as f64;
    report.line(format!("mean            {mean:.3}"));
    report.figure("data", data.name());
    report.figure("examples", data.len());
    report.figure("train", train);
    if data.has_test_split() {
        report.figure("test", test);
    }
    report.figure("width", data.width());
    report.figure("image_shape", json!([height, width]));
    report.figure("binary", grey.is_binary());
    report.figure("real", grey.is_real());
    report.figure("labels", data.label(0).is_some());
    report.figure("mean", mean);
    report.figure("fingerprint", format!("{:016x}", data.fingerprint()));
    report
}

/// The kinds of model that learn data.
struct Models {
    kinds: &'static [&'static str],
    words: &'static str,
}

/// The models that learn `data`, which is not binarised.
fn models(data: &Dataset<'_>) -> Models {
    match (data.is_real(), data.is_binary()) {
        (true, _) if data.has_missing() => Models { kinds: &["vae"], words: "vae, from what is there" },
        (true, _) => Models { kinds: &["vae", "neural"], words: "vae, neural, and flow" },
        (false, true) => {
            Models { kinds: &["rbm", "boltzmann", "hopfield", "vae"], words: "rbm, boltzmann, hopfield, vae" }
        }
        (false, false) => Models {
            kinds: &["rbm", "boltzmann", "hopfield", "vae", "neural"],
            words: "rbm, boltzmann, hopfield and vae learn bits made of it, neural and vae --likelihood gaussian the levels",
        },
    }
}

fn file(path: &Path) -> Result<Report, Failure> {
    let snapshot = storage::load(path)?;
    let mut report = Report::new();
    report.line(format!("file            {}", path.display()));
    describe(&snapshot, &mut report);
    Ok(report)
}

fn run(path: &Path) -> Result<Report, Failure> {
    let mut report = Report::new();
    report.line(format!("run             {}", path.display()));
    let standing = Standing::of_run(path);
    report.line(format!(
        "status          {}",
        standing.as_ref().map_or_else(|| "unknown".to_owned(), ToString::to_string)
    ));
    report.figure("status", standing.map(|standing| standing.word()));
    if let Some(run) = standing::record(path) {
        for line in run["figures"].as_object().map(likelihood::lines).unwrap_or_default() {
            report.line(line);
        }
        report.figure("run", run);
    }
    let checkpoint = path.join(CHECKPOINT);
    let snapshot =
        if checkpoint.exists() { storage::load(&checkpoint)? } else { folder::model_in(path)?.snapshot };
    describe(&snapshot, &mut report);
    Ok(report)
}

fn describe(snapshot: &Snapshot, report: &mut Report) {
    if let Some(position) = Position::of(snapshot) {
        report.line(format!("position        step {} of {}", position.step, position.steps));
        report.figure("step", position.step);
        report.figure("steps", position.steps);
    }
    if let Ok(model) = registry::open(snapshot) {
        model.describe(report);
        report.figure("model", model.kind());
    }
    let mut label = "trained with";
    for given in Settings::saved_in(&snapshot.metadata).as_given() {
        report.line(format!("{label:<15} {given}"));
        label = "";
    }
    report.figure("metadata", json!(snapshot.metadata));
    let tensors: Vec<String> = snapshot
        .arrays
        .iter()
        .map(|(name, array)| format!("{name} {:?} {}", array.shape, array.values.kind()))
        .collect();
    report.advise("tensors".to_owned());
    for tensor in &tensors {
        report.advise(format!("  {tensor}"));
    }
    report.figure("tensors", tensors);
}
