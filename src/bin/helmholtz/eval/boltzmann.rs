//! The log-likelihood of a Boltzmann machine: enumerated, else annealed.

use crate::annealing::Annealing;
use crate::boltzmann_machines;
use crate::console::Report;
use crate::failure::Failure;
use crate::likelihood;
use crate::row_choice::Rows;
use helmholtz::Seed;
use helmholtz::energy::boltzmann::BoltzmannMachine;

/// Estimates the log-likelihood of `machine` on the rows.
pub fn eval(
    machine: &BoltzmannMachine,
    rescore: Option<Annealing>,
    rows: &Rows,
    seed: Seed,
    report: &mut Report,
) -> Result<(), Failure> {
    if let Some(annealing) = rescore {
        annealing.check("rescore", machine.len())?;
    }
    let annealing = boltzmann_machines::annealing(rescore, seed);
    let estimate = machine.log_likelihood(&rows.rows, &annealing).map_err(|error| {
        Failure::from(error)
            .about(&rows.name)
            .or_hint("is this the data the model was made for? --binarize says how grey levels are read")
    })?;
    likelihood::report(report, &estimate, None, rows.split);
    Ok(())
}
