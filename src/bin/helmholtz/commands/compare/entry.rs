//! A row of the table: all that is known of a model, and why the rest is not.

use super::contestant::Contestant;
use super::drawing::{self, Drawn, Likeness};
use super::likelihood::Likelihood;
use super::seating::Seat;
use crate::cli::{Failure, Globals, counted};
use crate::contract::ScoreOptions;
use crate::input::data;
use crate::run::Estimating;
use helmholtz::Seed;
use helmholtz::sampling::{MmdPower, independent_bits_of_rows, normal_of_rows};

/// The family of a row that is no model's.
pub const BASELINE: &str = "baseline";

/// A row of the table.
pub struct Entry {
    /// The path as it was given, or what the baseline is of.
    pub name: String,
    /// Its family, or [`BASELINE`].
    pub kind: String,
    /// The rows that it is held against.
    pub place: Option<Place>,
    /// Its log-likelihood.
    pub likelihood: Result<Likelihood, String>,
    /// Its draws.
    pub drawn: Result<Drawn, String>,
    /// How like the rows they are.
    pub likeness: Result<Likeness, String>,
    /// Seconds of training.
    pub seconds: Result<f64, String>,
    /// Numbers that training set.
    pub parameters: Option<usize>,
    /// Models of which this is the mean.
    pub seeds: usize,
}

/// The rows that an entry is held against.
#[derive(Clone)]
pub struct Place {
    /// Their space.
    pub space: String,
    /// The name of the data.
    pub data: String,
    /// What part of it they are.
    pub split: &'static str,
    /// How they are read.
    pub binarize: String,
    /// How many they are.
    pub examples: usize,
    /// The rows that draws are held against, `[at most 1,000, width]`.
    pub values: Vec<f32>,
}

/// What is asked of each model.
pub struct Asked<'a> {
    /// How it is scored.
    pub options: &'a ScoreOptions,
    /// Draws at the most.
    pub draws: usize,
    /// The program's options.
    pub globals: &'a Globals,
}

impl Entry {
    /// That of contestant number `index` of `count`.
    pub fn of(
        contestant: &Contestant,
        seat: &Result<Seat, Failure>,
        asked: &Asked<'_>,
        (index, count): (usize, usize),
    ) -> Result<Self, Failure> {
        let (model, console) = (&contestant.first().model, asked.globals.console());
        let mut entry = Entry {
            name: contestant.name.clone(),
            kind: model.kind().to_owned(),
            place: None,
            likelihood: Err(String::new()),
            drawn: Err(String::new()),
            likeness: Err(String::new()),
            seconds: contestant.seconds(),
            parameters: Some(model.parameters()),
            seeds: contestant.members.len(),
        };
        let seat = match seat {
            Ok(seat) => seat,
            Err(failure) => {
                let why = failure.to_string();
                (entry.likelihood, entry.drawn, entry.likeness) = (Err(why.clone()), Err(why.clone()), Err(why));
                return Ok(entry);
            }
        };
        let values = drawing::of_rows(&seat.rows, asked.draws)?;
        let turn = format!("{}, {} of {count}", contestant.name, index + 1);
        // Who does not answer is not waited for.
        entry.likelihood = model
            .scorer()
            .map(drop)
            .and_then(|()| {
                let shown = Estimating::begin(&console, &format!("the log-likelihood of {turn}"));
                Likelihood::of(contestant, seat, asked.options, asked.globals.seed.map(Seed), shown.work())
            })
            .map_err(|failure| failure.to_string());
        for warning in entry.likelihood.iter().flat_map(|found| &found.estimates).flat_map(|one| &one.warnings) {
            console.warn(format!("{}: {warning}", contestant.name));
        }
        let (width, seed) = (contestant.width(), asked.globals.seed());
        entry.drawn = model
            .sampler()
            .map(drop)
            .and_then(|()| {
                let _shown = Estimating::begin(&console, &format!("draws of {turn}"));
                drawing::draw(contestant, values.len() / width, seed, &console)
            })
            .map_err(|failure| failure.to_string());
        entry.likeness = entry.drawn.as_ref().map_err(String::clone).and_then(|drawn| {
            drawing::likeness(&values, &drawn.values, width, seed).map_err(|failure| failure.to_string())
        });
        entry.place = Some(Place {
            space: seat.space.clone(),
            data: seat.rows.name.clone(),
            split: seat.rows.split,
            binarize: crate::run::Choice(seat.rows.binarize).to_string(),
            examples: seat.rows.rows.len(),
            values,
        });
        Ok(entry)
    }

    /// What the plainest model reaches on the rows of a seat: independent pixels with the rows' own means, of real numbers the
    /// normal distribution with their mean and covariance. `None` where there is none.
    pub fn baseline(seat: &Seat, place: &Place, width: usize, seed: Seed) -> Result<Option<Self>, Failure> {
        let rows = &seat.rows.rows;
        let (name, each, method) = match place.space.as_str() {
            "bits" => {
                let each = independent_bits_of_rows(&seat.rows.bits(width)?);
                ("independent pixels", Some(each), "the means of these rows")
            }
            "reals" => {
                let each = normal_of_rows(&data::values_for(rows, width, &seat.rows.name)?, width);
                ("a normal distribution", each, "mean and covariance of these rows")
            }
            _ => return Ok(None),
        };
        let Some(each) = each else { return Ok(None) };
        let drawn = match place.space.as_str() {
            "bits" => Ok(Drawn {
                values: drawing::independent(
                    &place.values,
                    width,
                    place.values.len() / width,
                    seed.derive("baseline", 0),
                ),
                method: "each pixel by itself".to_owned(),
                per_second: None,
            }),
            _ => Err("a baseline of real numbers is not drawn from".to_owned()),
        };
        let likeness = drawn.as_ref().map_err(String::clone).and_then(|drawn: &Drawn| {
            drawing::likeness(&place.values, &drawn.values, width, seed).map_err(|failure| failure.to_string())
        });
        Ok(Some(Entry {
            name: name.to_owned(),
            kind: BASELINE.to_owned(),
            place: Some(place.clone()),
            likelihood: Ok(Likelihood::exact(each, method)),
            drawn,
            likeness,
            seconds: Err("nothing was trained".to_owned()),
            parameters: None,
            seeds: 1,
        }))
    }

    /// Its space; of no rows none.
    pub fn space(&self) -> Option<&str> {
        self.place.as_ref().map(|place| place.space.as_str())
    }

    /// Its kind in words.
    pub fn family(&self) -> String {
        match self.seeds {
            1 => self.kind.clone(),
            seeds => format!("{}, {}", self.kind, counted(seeds, "seed")),
        }
    }
}

/// What a test of the draws of a space would see, or why that is not known.
pub type Power = Result<MmdPower, String>;
