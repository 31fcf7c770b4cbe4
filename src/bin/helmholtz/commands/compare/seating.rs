//! The same rows for all: which rows of which data each model is held against, and the space that these are of.

use super::contestant::Contestant;
use crate::cli::{Console, Failure};
use crate::contract::Measure;
use crate::input::{Binarize, RowChoice, Rows};
use helmholtz::data::Binarization;

/// The rows that a model is held against.
pub struct Seat {
    /// The rows, as the model reads them.
    pub rows: Rows,
    /// The choice that led there.
    pub choice: RowChoice,
    /// Their space: figures of different spaces are never held against one another.
    pub space: String,
}

/// A seat for each contestant, or why there is none. The data is that of `choice`, else of the first of them; bits are read in
/// one way for all of them, that of `choice`, else of the first that reads any. Those who learned other data or another reading
/// are named.
///
/// # Errors
/// Where not even one has rows, or they are not of one width.
pub fn seat(
    contestants: &[Contestant],
    choice: &RowChoice,
    console: &Console,
) -> Result<Vec<Result<Seat, Failure>>, Failure> {
    let first = &contestants[0];
    if let Some(other) = contestants.iter().find(|other| other.width() != first.width()) {
        return Err(Failure::new(format!(
            "{} has rows of {} values and {} of {}: only models of the same rows are compared",
            first.name,
            first.width(),
            other.name,
            other.width()
        )));
    }
    if choice.is_held_out() {
        same_held_out(contestants)?;
    }
    let own = |contestant: &Contestant| contestant.first().origin.reading(None).binarize;
    let common =
        choice.selection.binarize.or_else(|| contestants.iter().map(own).find(|how| *how != Binarize::None));
    let mut seats: Vec<Result<Seat, Failure>> = Vec::new();
    let mut named = choice.data.clone();
    for contestant in contestants {
        let binarize = match own(contestant) {
            Binarize::None => choice.selection.binarize,
            _ => common,
        };
        let choice = match &named {
            Some(data) => choice.same_of(data, binarize),
            None => choice.clone(),
        };
        let rows = contestant.first().origin.rows(&choice).and_then(|rows| fitting(contestant, rows));
        let seat = rows.map(|rows| Seat {
            space: space(contestant, &rows),
            choice: choice.same_of(&rows.name, Some(rows.binarize)),
            rows,
        });
        if let Ok(seat) = &seat {
            named.get_or_insert_with(|| seat.rows.name.clone());
        } else if named.is_none() {
            // The data of the first is nowhere: that of another would be a surprise.
            return seat.map(|_| Vec::new());
        }
        seats.push(seat);
    }
    if seats.iter().all(Result::is_err) {
        return seats.swap_remove(0).map(|_| Vec::new());
    }
    warn(contestants, &seats, console);
    Ok(seats)
}

fn fitting(contestant: &Contestant, rows: Rows) -> Result<Rows, Failure> {
    let (given, wanted) = (rows.rows.width(), contestant.width());
    if given != wanted {
        return Err(Failure::new(format!("rows of {given} values, and the models have {wanted}"))
            .about(&rows.name)
            .hint("is this the data the models were made for?"));
    }
    if rows.rows.is_empty() {
        return Err(Failure::new(format!("there are no {} rows", rows.split))
            .about(&rows.name)
            .hint("--split train takes the others"));
    }
    Ok(rows)
}

/// A held-out row of one run is a row that another was trained on, unless both held out the same.
fn same_held_out(contestants: &[Contestant]) -> Result<(), Failure> {
    let mut members = contestants
        .iter()
        .flat_map(|contestant| contestant.members.iter().map(move |member| (contestant, member)));
    let first = members.next().and_then(|(_, member)| member.origin.held_out());
    match members.find(|(_, member)| member.origin.held_out() != first) {
        None => Ok(()),
        Some((contestant, _)) => Err(Failure::new(format!(
            "--split validation: {} held out other rows than {}, and may have learned those",
            contestant.name, contestants[0].name
        ))
        .hint("runs of one --seed and one --validation hold out the same; --split test is there for all")),
    }
}

fn space(contestant: &Contestant, rows: &Rows) -> String {
    let (rows, model) = (&rows.rows, &contestant.first().model);
    if let Some(own) = model.space() {
        return own;
    }
    match model.measure() {
        Measure::Probability if !rows.is_grey() => "bits".to_owned(),
        _ if rows.is_real() => "reals".to_owned(),
        _ => format!("levels 0..{}", rows.largest()),
    }
}

fn warn(contestants: &[Contestant], seats: &[Result<Seat, Failure>], console: &Console) {
    let of_first = contestants[0].first().origin.fingerprint();
    for (contestant, seat) in contestants.iter().zip(seats) {
        let Ok(seat) = seat else { continue };
        let origin = &contestant.first().origin;
        let own = origin.reading(None).binarize;
        if seat.rows.rows.binarization() != Binarization::None
            && own != seat.rows.binarize
            && own != Binarize::None
        {
            console.warn(format!(
                "{} learned bits by --binarize {}, and is held against those by {}",
                contestant.name,
                crate::run::Choice(own),
                crate::run::Choice(seat.rows.binarize)
            ));
        }
        if let (Some(first), Some(other)) = (of_first, origin.fingerprint())
            && first != other
        {
            let learned = origin.settings.saved::<String>("data").unwrap_or_else(|| "other data".to_owned());
            console.warn(format!(
                "{} was trained on other rows ({learned}) than {}, and is held against those of {}",
                contestant.name, contestants[0].name, seat.rows.name
            ));
        }
    }
    let splits: Vec<&str> = seats.iter().flatten().map(|seat| seat.rows.split).collect();
    for (contestant, seat) in contestants.iter().zip(seats) {
        if let Ok(seat) = seat
            && seat.rows.split == "train"
            && splits.iter().any(|split| *split != "train")
        {
            console.warn(format!("{} was trained on these rows, and others were not", contestant.name));
        }
    }
}
