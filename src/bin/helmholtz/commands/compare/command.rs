//! `helmholtz compare`: its options, and what it does in which order.

use super::contestant::Contestant;
use super::drawing;
use super::entry::{Asked, Entry};
use super::picture;
use super::seating;
use super::table::{self, Group};
use crate::cli::{Failure, Globals, Report, Task, counted, size};
use crate::contract::ScoreOptions;
use crate::input::{Annealing, RowChoice, Selection, Sums};
use clap::Args;
use std::path::PathBuf;
use std::time::Instant;

/// One table for any models, on the same rows: log-likelihoods with the errors of their differences, and draws
#[derive(Args)]
#[command(after_help = "\
A model stands above another only where its conservative figure exceeds the other's optimistic one by two errors of their paired
difference, and by more than seeds differ; else they are not told apart, and the report says what would do it.

Examples:
  helmholtz compare runs/rbm-digits runs/vae-digits
  helmholtz compare runs/rbm-64 runs/rbm-128                folders of --seeds: a row each
  helmholtz compare runs/* digits --ais 1000,10000          tighter figures of energy-based models
  helmholtz compare runs/* --split train --out train.png")]
pub struct Compare {
    /// Run folders, folders of several seeds, .safetensors files; the last one may be data
    #[arg(value_name = "RUN|MODEL … [DATA]", required = true)]
    models: Vec<PathBuf>,
    #[command(flatten)]
    rows: Selection,
    /// Draws of each model that are held against as many rows, at the most
    #[arg(long, default_value_t = drawing::MOST, value_name = "N")]
    draws: usize,
    /// A row of draws of each model [default: compare.png]
    #[arg(long, value_name = "FILE.png")]
    out: Option<PathBuf>,
    /// Chains and temperatures of annealed importance sampling, as for eval
    #[arg(long, value_name = "CHAINS,TEMPERATURES", help_heading = "Energy-based models")]
    ais: Option<Annealing>,
    /// Sum all states where the smaller layer has no more units than this, as for eval
    #[arg(long, value_name = "UNITS", help_heading = "Restricted Boltzmann machines")]
    exact_up_to: Option<usize>,
    /// What the sums of the machine are computed in, as for eval
    #[arg(long, value_enum, help_heading = "Restricted Boltzmann machines")]
    precision: Option<Sums>,
    /// Importance samples for each example, as for eval
    #[arg(long, value_name = "N", help_heading = "Variational autoencoders")]
    samples: Option<usize>,
}

impl Task for Compare {
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let begun = Instant::now();
        let console = globals.console();
        let out = self.out.clone().unwrap_or_else(|| PathBuf::from("compare.png"));
        if out.extension().is_none_or(|ending| ending != "png") {
            return Err(Failure::new("--out must end in .png").about(out.display()));
        }
        let (paths, data) = self.models_and_data()?;
        let contestants: Vec<Contestant> =
            paths.iter().map(|path| Contestant::open(path, globals)).collect::<Result<_, Failure>>()?;
        let width = contestants[0].width();
        size::check("draws", self.draws, width)?;
        let options = self.options();
        refuse_foreign(&options, &contestants)?;
        let choice = RowChoice { data, selection: self.rows.clone() };
        let seats = seating::seat(&contestants, &choice, &console)?;

        let asked = Asked { options: &options, draws: self.draws, globals };
        let count = contestants.len();
        let mut entries = Vec::new();
        for (index, (contestant, seat)) in contestants.iter().zip(&seats).enumerate() {
            entries.push(Entry::of(contestant, seat, &asked, (index, count))?);
        }
        let scored = entries.iter().any(|entry| entry.likelihood.is_ok() || entry.drawn.is_ok());
        if let (false, Some(Err(why))) = (scored, entries.first().map(|entry| &entry.likelihood)) {
            return Err(
                Failure::new(why.clone()).hint("none of these models has a likelihood or draws to compare")
            );
        }
        let spaces = spaces(&entries);
        let mut powers = Vec::new();
        for space in &spaces {
            let Some(index) = entries.iter().position(|entry| entry.space() == Some(space)) else { continue };
            let (Ok(seat), Some(place)) = (&seats[index], entries[index].place.clone()) else { continue };
            let rows = place.values.len() / width;
            let power = drawing::power(&contestants[index], seat, rows, globals.seed());
            powers.push(power.map_err(|failure| failure.to_string()));
            entries.extend(Entry::baseline(seat, &place, width, globals.seed())?);
        }
        let groups: Vec<Group<'_>> = spaces
            .iter()
            .zip(powers)
            .map(|(space, power)| Group {
                space: space.clone(),
                entries: entries.iter().filter(|entry| entry.space() == Some(space)).collect(),
                power,
            })
            .collect();

        let mut report = Report::new();
        if let Some(place) = entries.iter().find_map(|entry| entry.place.as_ref()) {
            report.line(format!(
                "rows            {}, {width} values each, of {}",
                counted(place.examples, &format!("{} example", place.split)),
                place.data
            ));
            report.figure("data", place.data.clone());
            report.figure("split", place.split);
            report.figure("examples", place.examples);
        }
        table::report(&entries, &groups, &mut report);
        let canvas = contestants[0].first().origin.canvas();
        if picture::save(&entries, canvas, width, &out)? {
            report.line(format!("picture         {}", out.display()));
            report.figure("out", out.display().to_string());
        }
        report.figure("seconds", begun.elapsed().as_secs_f64());
        Ok(report)
    }
}

impl Compare {
    /// The models, and the data where it comes last.
    fn models_and_data(&self) -> Result<(&[PathBuf], Option<String>), Failure> {
        let Some((last, others)) = self.models.split_last() else {
            return Err(Failure::new("nothing to compare"));
        };
        if Contestant::is_at(last) {
            return Ok((&self.models, None));
        }
        if others.is_empty() {
            return Err(Failure::new("neither a run nor a .safetensors file")
                .about(last.display())
                .hint("helmholtz compare RUN|MODEL … [DATA]: only the last of several is data"));
        }
        Ok((others, Some(last.display().to_string())))
    }

    fn options(&self) -> ScoreOptions {
        let Compare { ais, exact_up_to, precision, samples, .. } = *self;
        ScoreOptions { ais, exact_up_to, precision, samples, ..ScoreOptions::default() }
    }
}

/// Refuses an option that no model answers to.
fn refuse_foreign(options: &ScoreOptions, contestants: &[Contestant]) -> Result<(), Failure> {
    let answers = |option: &str| {
        contestants.iter().any(|contestant| {
            contestant.first().model.scorer().is_ok_and(|scorer| scorer.options().contains(&option))
        })
    };
    match options.given().find(|option| !answers(option)) {
        None => Ok(()),
        Some(option) => Err(Failure::new(format!("--{option} is for none of these models"))),
    }
}

/// The spaces of the entries, each once, in the order in which they come.
fn spaces(entries: &[Entry]) -> Vec<String> {
    let mut spaces: Vec<String> = Vec::new();
    for space in entries.iter().filter_map(Entry::space) {
        if !spaces.iter().any(|known| known == space) {
            spaces.push(space.to_owned());
        }
    }
    spaces
}
