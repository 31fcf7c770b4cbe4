//! How good a variational autoencoder is, and of what its figures are made.

use super::classes;
use crate::cli::{Failure, Report, counted};
use crate::contract::{Scored, likelihood};
use crate::input::npy;
use helmholtz::Seed;
use helmholtz::data::Dataset;
use helmholtz::sampling::{Estimate, Kind, Work};
use helmholtz::vae::{Figures, ImportanceSampling, Likelihood, MaskRecipe, Vae, VaeScore};
use std::path::Path;
use std::time::Instant;

/// Simulated examples at the most: their mean is sure to a tenth of a nat by then.
const SIMULATED: usize = 1000;

/// `samples` draws for each example, the random numbers being those of the run that `seed` names.
pub fn sampling(samples: usize, seed: Seed) -> ImportanceSampling {
    ImportanceSampling { samples, seed: seed.derive("likelihood", 0) }
}

/// Whether the rows have no log-likelihood under the model: grey levels under one of bits, and rows under one of features.
pub fn has_none(vae: &Vae, rows: &Dataset<'_>) -> bool {
    vae.features().is_some() || vae.config().likelihood == Likelihood::Bernoulli && rows.is_grey()
}

/// Importance samples for each example, and for each class where there are some, unless told otherwise.
pub fn usual_samples(vae: &Vae) -> usize {
    let usual = ImportanceSampling::default().samples;
    match vae.classes() {
        0 => usual,
        classes => usual.div_ceil(classes).max(50),
    }
}

/// Reports the log-likelihood of the rows, where they have one, the parts of the ELBO, and what the latent dimensions do.
pub fn judge(
    vae: &Vae,
    rows: &Dataset<'_>,
    split: &str,
    sampling: &ImportanceSampling,
    work: &Work,
    posteriors: Option<&Path>,
    report: &mut Report,
) -> Result<Option<Scored>, Failure> {
    let figures = vae.figures(rows)?;
    let mut found = None;
    if has_none(vae, rows) {
        say_there_is_none(vae, &figures, rows.len(), split, report);
        classes::say_by_classifier(vae, rows, report)?;
    } else if vae.classes() > 0 {
        let begun = Instant::now();
        let (values, by_class) = vae.score_by_class(rows, sampling, work)?;
        let score = &by_class.score;
        likelihood::report(report, &score.log_likelihood, None, split);
        say_parts(score, sampling.samples, begun.elapsed().as_secs_f64(), report);
        say_what_density(vae, rows, report);
        classes::say(vae, rows, &by_class, report);
        if let Some(path) = posteriors {
            npy::save(path, &npy::of_rows_of_doubles(rows.len(), vae.classes(), &by_class.posterior))?;
            report.line(format!(
                "posteriors      p(y | x) of {} in {}",
                counted(rows.len(), "row"),
                path.display()
            ));
            report.figure("posteriors", path.display().to_string());
        }
        found = Some(Scored::alone(values, by_class.score.log_likelihood));
    } else {
        let begun = Instant::now();
        let (values, score) = vae.log_likelihoods_counted(rows, sampling, work)?;
        likelihood::report(report, &score.log_likelihood, None, split);
        say_parts(&score, sampling.samples, begun.elapsed().as_secs_f64(), report);
        say_what_density(vae, rows, report);
        found = Some(Scored::alone(values, score.log_likelihood));
    }
    say_what_is_active(&figures, report);
    if let Some(collapse) = vae.collapse(rows)?.filter(|_| vae.features().is_none()) {
        report.line(format!("collapsed       {collapse}"));
        report.figure("collapse", collapse.to_string());
    }
    Ok(found)
}

/// Reports the log-likelihood of data that the model draws, from both sides.
pub fn simulate(
    vae: &Vae,
    examples: usize,
    sampling: &ImportanceSampling,
    work: &Work,
    report: &mut Report,
) -> Result<(), Failure> {
    let bounds = vae.simulated_bounds_counted(examples.min(SIMULATED), sampling, work)?;
    let gap = bounds.gap;
    let shown = |bound: &Estimate| format!("{:.2} ± {:.2}", bound.value, bound.monte_carlo_error);
    report.line(format!(
        "simulated       from {} to {} nats: {gap:.2} nats between the bounds on {} of the model's own",
        shown(&bounds.lower),
        shown(&bounds.upper),
        counted(bounds.lower.examples, "example")
    ));
    report.figure("simulated_examples", bounds.lower.examples);
    report.figure("simulated_lower", bounds.lower.value);
    report.figure("simulated_lower_error", bounds.lower.monte_carlo_error);
    report.figure("simulated_upper", bounds.upper.value);
    report.figure("simulated_upper_error", bounds.upper.monte_carlo_error);
    report.figure("simulated_gap", gap);
    report.figure("simulated_gap_error", bounds.gap_error);
    Ok(())
}

fn say_there_is_none(vae: &Vae, figures: &Figures, rows: usize, split: &str, report: &mut Report) {
    if vae.features().is_some() {
        report.line("log-likelihood  none of rows: the model is one of their features");
    } else {
        report.line("log-likelihood  none: grey levels give a model of bits none");
        report.advise("                helmholtz eval with --binarize sample or threshold asks for that of bits");
    }
    report.line(format!(
        "objective       {:.2} nats an example, mean of {}: cross-entropy {:.2}, divergence {:.2}",
        figures.elbo(),
        counted(rows, &format!("{split} example")),
        -figures.reconstruction,
        figures.divergence
    ));
    report.figure("objective", figures.elbo());
    report.figure("reconstruction", figures.reconstruction);
    report.figure("kl", figures.divergence);
    report.figure("examples", rows);
    report.figure("split", split);
}

fn say_parts(score: &VaeScore, samples: usize, seconds: f64, report: &mut Report) {
    report.line(format!(
        "elbo            {:.2} nats, {:.2} below: reconstruction {:.2} less divergence {:.2}",
        score.elbo.value,
        score.gap(),
        score.reconstruction,
        score.divergence
    ));
    if let Some(effective) = score.log_likelihood.effective_sample_size {
        report.line(format!(
            "samples         of an example's {samples} the weight rests on {effective:.1} on average; {seconds:.1} s"
        ));
    }
    report.figure("elbo", score.elbo.value);
    report.figure("elbo_monte_carlo_error", score.elbo.monte_carlo_error);
    report.figure("elbo_gap", score.gap());
    report.figure("reconstruction", score.reconstruction);
    report.figure("kl", score.divergence);
    report.figure("importance_samples", samples);
    report.figure("likelihood_seconds", seconds);
}

/// A density depends on the units of what it is a density of.
fn say_what_density(vae: &Vae, rows: &Dataset<'_>, report: &mut Report) {
    if let Some(variance) = vae.noise_variance() {
        report.line(format!(
            "density         of numbers from 0 to {}, with noise of variance {variance:.3}: not to be compared with figures \
             of bits or of another scale",
            rows.largest()
        ));
        report.figure("noise_variance", f64::from(variance));
        report.figure("largest_level", f64::from(rows.largest()));
    }
}

fn say_what_is_active(figures: &Figures, report: &mut Report) {
    let (active, latent) = (figures.active_units(), figures.mean_variances.len());
    report.line(format!("active          {active} of {latent} latent dimensions"));
    report.figure("active_units", active);
    if !figures.divergences.is_empty() {
        report.figure("kl_per_dimension", figures.divergences.clone());
    }
}

/// Says how well a model of what is hidden given the rest completes rows of which the recipe hides a part.
pub fn judge_completion(
    vae: &Vae,
    rows: &Dataset<'_>,
    split: &'static str,
    masks: Option<MaskRecipe>,
    seed: Seed,
    report: &mut Report,
) -> Result<(), Failure> {
    let Some(MaskRecipe { masking, .. }) = masks else { return Ok(()) };
    let mut hidden = vec![0.0; rows.len() * rows.width()];
    masking.fill(rows.image_shape(), &mut seed.derive("judged", 0).lanes("masks", 0), &mut hidden);
    let hidden: Vec<bool> = hidden.iter().map(|&hidden| hidden == 1.0).collect();
    let bounds = vae.completion_bounds(rows, &hidden, seed.derive("judged", 1))?;
    let estimate = Estimate::of(&bounds, Kind::Upper, "the bound of completion, 32 draws a row");
    report.line(format!(
        "completion      {:.3} nats a row, mean of {}; data error {:.2}",
        estimate.value,
        counted(rows.len(), &format!("{split} example")),
        estimate.data_error
    ));
    report.line(format!(
        "                -ln p(hidden | shown) of {masking} is less on average: this bounds it from above"
    ));
    report.figure("completion_bound", estimate.value);
    report.figure("completion_bound_error", estimate.data_error);
    report.figure("examples", rows.len());
    report.figure("split", split);
    Ok(())
}
