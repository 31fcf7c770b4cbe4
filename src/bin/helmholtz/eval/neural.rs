//! The log-likelihood of a neural energy: by a grid in up to two dimensions, else annealed.

use crate::annealing::Annealing;
use crate::console::Report;
use crate::failure::Failure;
use crate::neural_report;
use crate::row_choice::Rows;
use helmholtz::Seed;
use helmholtz::energy::neural::NeuralEnergy;

/// Estimates the log-likelihood of `energy` on the rows.
pub fn eval(
    energy: &NeuralEnergy,
    rescore: Option<Annealing>,
    rows: &Rows,
    seed: Seed,
    report: &mut Report,
) -> Result<(), Failure> {
    if let Some(annealing) = rescore {
        if energy.width() <= 2 {
            let why = "--rescore sets annealing, but log Z of up to two dimensions is a sum over a grid";
            return Err(Failure::new(why));
        }
        annealing.check("rescore", energy.width())?;
    }
    let judged = neural_report::judge(energy, &rows.rows, rows.split, rescore, seed, report);
    judged.map_err(|failure| failure.about(&rows.name).or_hint("is this the data the model was made for?"))
}
