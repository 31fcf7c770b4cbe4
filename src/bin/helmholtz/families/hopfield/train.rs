//! `helmholtz train hopfield`: patterns become weights in one go; or a sweep of how many a rule can hold.

use super::capacity_chart::{self, Sweep};
use super::memory::Memory;
use super::model::KIND;
use super::recall::{Order, Recalled};
use crate::cli::{Failure, Globals, Report, Task, counted, size};
use crate::input::{Binarize, Domain, PixelScale, Polarity, Reading, data};
use crate::run::{
    Choice, Existing, IMAGE_SHAPE, MODEL, RECALL, RUN, RunFolder, Settings, Standing, file_name_of, folder,
};
use clap::{Args, ValueEnum};
use helmholtz::data::Dataset;
use helmholtz::energy::hopfield::{self, CapacitySweep, Corruption, Hopfield as Network, Perceptron};
use helmholtz::storage;
use helmholtz::tensor::BitMatrix;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Instant;

/// Store patterns in a Hopfield network
#[derive(Args)]
#[command(after_help = "\
Examples:
  helmholtz train hopfield                              one digit of each kind
  helmholtz train hopfield --rule hebb --patterns 3
  helmholtz train hopfield MNIST/ --patterns 100
  helmholtz train hopfield --capacity                   how much each rule holds, beside theory
  helmholtz train hopfield --capacity --rule hebb --units 1000")]
pub struct Train {
    /// Where the patterns come from: digits, bars:N, a folder with MNIST's four files (.gz or not), an IDX file or a .npy
    /// [default: digits]
    #[arg(value_name = "DATA", conflicts_with = "capacity")]
    data: Option<String>,
    /// How patterns become weights [default: pseudo-inverse; all four with --capacity]
    #[arg(long, value_enum, value_name = "HOW")]
    rule: Option<Rule>,
    /// How many patterns, classes in turn where there are labels [default: one of each class, or 10]
    #[arg(long, value_name = "N", conflicts_with = "capacity")]
    patterns: Option<usize>,
    /// The margin of the perceptron rule: larger ones make larger basins and hold less
    #[arg(long, value_name = "KAPPA", default_value_t = 0.0, allow_negative_numbers = true)]
    margin: f32,

    /// Store more and more random patterns, recall them, and draw what is held beside theory
    #[arg(long)]
    capacity: bool,
    /// Units of the networks of --capacity
    #[arg(long, value_name = "N", default_value_t = 200)]
    units: usize,
    /// Networks of --capacity at each number of patterns
    #[arg(long, value_name = "N", default_value_t = 5)]
    networks: usize,

    /// Folder of the run [default: runs/hopfield-DATA, or the next such name that is free]
    #[arg(long, value_name = "RUN")]
    out: Option<PathBuf>,
    /// Replace the run in the folder
    #[arg(long)]
    overwrite: bool,
}

/// A rule of storage by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Rule {
    /// the sum of the patterns' outer products
    Hebb,
    /// Hebb's rule without what the weights know already
    Storkey,
    /// the projection on the patterns' span
    PseudoInverse,
    /// every unit learns its own value from the others
    Perceptron,
}

impl Rule {
    /// All, the weakest first.
    const ALL: [Rule; 4] = [Rule::Hebb, Rule::Storkey, Rule::PseudoInverse, Rule::Perceptron];

    /// The library's rule.
    fn with_margin(self, margin: f32) -> hopfield::Rule {
        match self {
            Rule::Hebb => hopfield::Rule::Hebb,
            Rule::Storkey => hopfield::Rule::Storkey,
            Rule::PseudoInverse => hopfield::Rule::PseudoInverse,
            Rule::Perceptron => hopfield::Rule::Perceptron(Perceptron { margin, ..Perceptron::default() }),
        }
    }

    /// The largest load of a capacity sweep: beyond what the rule holds.
    fn largest_load(self) -> f64 {
        match self {
            Rule::Hebb => 0.24,
            Rule::Storkey => 0.8,
            Rule::PseudoInverse => 0.96,
            Rule::Perceptron => 1.6,
        }
    }
}

/// Numbers of patterns in a capacity sweep.
const LOADS: usize = 16;
/// The corruption that the picture of a run shows.
const SHOWN: Corruption = Corruption::Flip(0.2);
/// Classes of a labelled set.
const CLASSES: usize = 10;

impl Task for Train {
    /// Stores or sweeps, reports, and leaves a run folder.
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let existing = if self.overwrite { Existing::Overwrite } else { Existing::Keep };
        let named = match (self.capacity, &self.data) {
            (true, _) => "capacity".to_owned(),
            (false, data) => file_name_of(data.as_deref().unwrap_or("digits")),
        };
        let folder = RunFolder::choose(self.out.as_deref(), &format!("hopfield-{named}"), existing);
        folder.check(existing)?;
        if self.capacity {
            return self.sweep(&folder, existing, globals);
        }
        self.store(&folder, existing, globals)
    }
}

impl Train {
    fn store(&self, folder: &RunFolder, existing: Existing, globals: &Globals) -> Result<Report, Failure> {
        let mut settings = Settings::default();
        let name = settings.settle("data", self.data.clone(), "digits".to_owned())?;
        let rule = settings.settle_choice("rule", self.rule, Rule::PseudoInverse)?;
        settings.settle("margin", Some(self.margin), 0.0)?;
        settings.settle("seed", globals.seed, 1)?;
        let data = Reading { binarize: Binarize::Threshold, polarity: Polarity::Plain, scale: PixelScale::Unit }
            .of(&data::open(&name, Domain::Levels, &globals.console())?)?;
        data::check_bits(&data, &globals.console())?;
        let train = data.train();
        size::check("patterns", self.patterns.unwrap_or(1), train.width())?;
        size::check("patterns", train.width(), train.width())
            .map_err(|_| Failure::new(format!("rows of {} values are too wide", train.width())).about(&name))?;
        let patterns = self.choose(&train, &name)?;
        settings.settle("patterns", Some(patterns.rows()), 0)?;
        let begun = Instant::now();
        let network = Network::store(&patterns, rule.with_margin(self.margin))?;
        let seconds = begun.elapsed().as_secs_f64();
        let memory = Memory { network, patterns };

        let _lock = folder.claim(existing)?;
        let mut snapshot = memory.snapshot();
        let (height, width) = data.image_shape();
        snapshot.set(folder::KIND, KIND);
        snapshot.set(IMAGE_SHAPE, format!("{height}x{width}"));
        snapshot.set("version", env!("CARGO_PKG_VERSION"));
        settings.write(&mut snapshot.metadata);
        storage::save(&folder.file(MODEL), &snapshot)?;
        let recalled = Recalled::of(&memory, SHOWN, Order::InTurn, globals.seed())?;
        recalled.draw(&memory, data.image_shape(), &folder.file(RECALL))?;

        let mut report = Report::new();
        let (units, count) = (memory.network.units(), memory.patterns.rows());
        let rule_name = Choice(rule).to_string();
        report.line(format!(
            "stored          {} of {units} units of {name} by the {rule_name} rule in {seconds:.2} s",
            counted(count, "pattern"),
        ));
        let fixed = stable(&memory);
        report.line(format!("stable          {fixed} of them are exactly as recall leaves them"));
        if memory.network.weights().iter().all(|&weight| weight == 0.0) {
            report.warn("all weights are 0: every state stays as it is, and nothing is recalled");
        }
        recalled.report(&memory, SHOWN, &mut report);
        report.figure("model", KIND);
        report.figure("data", name);
        report.figure("rule", rule_name);
        report.figure("units", units);
        report.figure("stable", fixed);
        report.figure("seconds", seconds);
        report.figure("out", folder.path().display().to_string());
        self.compare(&memory.patterns, rule, globals, &mut report)?;
        report.advise(format!("picture         {}", folder.file(RECALL).display()));
        report.advise(format!("next            helmholtz recall {} --erase half", folder.path().display()));
        write_run_json(folder, &settings, &report, globals)?;
        Ok(report)
    }

    /// Rows of the data, without repetition: of each class in turn where there are labels.
    fn choose(&self, train: &Dataset<'_>, name: &str) -> Result<BitMatrix, Failure> {
        let bits = train.to_bits();
        let same = |a: usize, b: usize| (0..bits.units()).all(|unit| bits.get(a, unit) == bits.get(b, unit));
        let labels = train.labels();
        let wanted = self.patterns.unwrap_or(CLASSES.min(train.len()));
        let mut chosen: Vec<usize> = Vec::with_capacity(wanted);
        let mut next = [0; 256];
        'patterns: for turn in 0.. {
            if chosen.len() == wanted || turn > train.len() * CLASSES {
                break;
            }
            let class = turn % CLASSES;
            let place = if labels.is_some() { class } else { 0 };
            for row in next[place]..train.len() {
                next[place] = row + 1;
                let fits = labels.as_ref().is_none_or(|labels| usize::from(labels[row]) == class);
                if fits && !chosen.iter().any(|&other| same(row, other)) {
                    chosen.push(row);
                    continue 'patterns;
                }
            }
        }
        if chosen.len() < wanted {
            return Err(Failure::new(format!(
                "--patterns is {wanted}, but there are {} different rows to store",
                chosen.len()
            ))
            .about(name));
        }
        Ok(BitMatrix::from_fn(chosen.len(), bits.units(), |row, unit| bits.get(chosen[row], unit)))
    }

    /// Says how the other rules do with the same patterns: what does not work is part of the lesson.
    fn compare(
        &self,
        patterns: &BitMatrix,
        rule: Rule,
        globals: &Globals,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let mut figures = serde_json::Map::new();
        for other in Rule::ALL.into_iter().filter(|other| *other != rule) {
            let name = Choice(other).to_string();
            let network = match Network::store(patterns, other.with_margin(self.margin)) {
                Ok(network) => network,
                Err(error) => {
                    report.advise(format!("{name:<15} {error}"));
                    continue;
                }
            };
            let memory = Memory { network, patterns: patterns.clone() };
            let exact = Recalled::of(&memory, SHOWN, Order::InTurn, globals.seed())?.exact(&memory);
            let (fixed, count) = (stable(&memory), patterns.rows());
            report.advise(format!("{name:<15} would keep {fixed} of {count} stable and recall {exact} of them"));
            figures.insert(name, json!({"stable": fixed, "recalled_exactly": exact}));
        }
        report.figure("other_rules", Value::Object(figures));
        Ok(())
    }

    fn sweep(&self, folder: &RunFolder, existing: Existing, globals: &Globals) -> Result<Report, Failure> {
        size::check("units", self.units, self.units)?;
        size::check("networks", self.networks, 1)?;
        let begun = Instant::now();
        let mut report = Report::new();
        let mut sweeps = Vec::new();
        let mut figures = serde_json::Map::new();
        for rule in self.rule.map_or(Rule::ALL.to_vec(), |rule| vec![rule]) {
            let name = Choice(rule).to_string();
            globals.console().note(format!("storing and recalling by the {name} rule …"));
            let most = rule.largest_load() * self.units as f64;
            let mut patterns: Vec<usize> =
                (1..=LOADS).map(|step| (most * step as f64 / LOADS as f64).round().max(1.0) as usize).collect();
            patterns.dedup();
            let sweep = CapacitySweep {
                units: self.units,
                patterns,
                rule: rule.with_margin(self.margin),
                networks: self.networks,
                seed: globals.seed(),
                ..CapacitySweep::default()
            };
            let points = sweep.run()?;
            let held = points.iter().take_while(|point| point.retrieved >= 0.5).last();
            let fixed = points.iter().take_while(|point| point.fixed >= 0.5).last();
            let load = |point: Option<&hopfield::CapacityPoint>| point.map_or(0.0, |point| point.load);
            report.line(format!(
                "{name:<15} most patterns are retrieved up to a load of {:.3}, exactly fixed up to {:.3}",
                load(held),
                load(fixed)
            ));
            figures.insert(name.clone(), json!({"retrieved_up_to": load(held), "fixed_up_to": load(fixed)}));
            sweeps.push(Sweep { name, rule: sweep.rule, points });
        }
        report.advise(format!(
            "theory          Hebb retrieves up to {} of the units, large networks; any weights fix up to 2",
            hopfield::CRITICAL_LOAD
        ));
        let _lock = folder.claim(existing)?;
        capacity_chart::save(&sweeps, self.units, folder)?;
        report.figure("model", KIND);
        report.figure("units", self.units);
        report.figure("rules", Value::Object(figures));
        report.figure("seconds", begun.elapsed().as_secs_f64());
        report.figure("out", folder.path().display().to_string());
        report.advise(format!("curves          {}", folder.file(folder::CAPACITY).display()));
        report.advise(format!("                {}", folder.file(folder::CAPACITY_TABLE).display()));
        let mut settings = Settings::default();
        settings.settle("units", Some(self.units), 0)?;
        settings.settle("networks", Some(self.networks), 0)?;
        settings.settle("margin", Some(self.margin), 0.0)?;
        write_run_json(folder, &settings, &report, globals)?;
        Ok(report)
    }
}

/// Patterns that are exact fixed points.
fn stable(memory: &Memory) -> usize {
    memory.network.unstable_units(&memory.patterns).into_iter().filter(|units| *units == 0).count()
}

fn write_run_json(
    folder: &RunFolder,
    settings: &Settings,
    report: &Report,
    globals: &Globals,
) -> Result<(), Failure> {
    let run = json!({
        "model": KIND,
        "status": Standing::Finished.word(),
        "version": env!("CARGO_PKG_VERSION"),
        "seed": globals.seed().0,
        "configuration": settings.settled(),
        "figures": report.figures(),
    });
    Ok(folder.write(RUN, &format!("{run:#}\n"))?)
}
