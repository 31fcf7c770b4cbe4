//! What a variational autoencoder that knows classes makes of rows' labels.

use crate::cli::{Console, Failure, Report, counted};
use crate::input::data;
use helmholtz::data::Dataset;
use helmholtz::vae::{Bound, ClassScore, ClassesBy, Classification, Vae, VaeConfig, VaeRecipe};
use serde_json::{Value, json};

/// Classes whose counts are told at the most.
const MOST_TOLD: usize = 20;

/// Says, before training, how rows without labels take classes into account, and warns of classes that no label names.
pub fn say_how_rows_are_learned(rows: &Dataset<'_>, config: &VaeConfig, recipe: &VaeRecipe, console: &Console) {
    let Some(model) = &config.labels else { return };
    let labels: Vec<Option<u16>> = labels(rows).into_iter().map(|label| label.filter(|_| model.named)).collect();
    let labelled = labels.iter().flatten().count();
    let mut counts = vec![0usize; model.classes];
    labels.iter().flatten().for_each(|label| counts[usize::from(*label)] += 1);
    let without: Vec<String> =
        (0..model.classes).filter(|&class| counts[class] == 0).map(|class| class.to_string()).collect();
    if labelled > 0 && !without.is_empty() {
        let shown = without.iter().take(MOST_TOLD).cloned().collect::<Vec<_>>().join(", ");
        let more = if without.len() > MOST_TOLD { ", …" } else { "" };
        console
            .warn(format!("no row with a label is of class {shown}{more}: nothing says what such rows look like"));
    }
    let unlabelled = labels.len() - labelled;
    if unlabelled > 0 {
        let by = recipe.labels.classes_by.resolved(model.classes);
        let evaluated = recipe.labels.classes_by.evaluated(model.classes);
        console.note(format!(
            "{} with a label and {unlabelled} without: their classes by {by}, the decoder run for {evaluated} of {} a row",
            counted(labelled, "row"),
            model.classes
        ));
    }
}

/// Says what each way to sum over classes comes to on some rows without labels, beside enumeration of all.
pub fn say_estimators(
    vae: &Vae,
    rows: &Dataset<'_>,
    recipe: &VaeRecipe,
    report: &mut Report,
) -> Result<(), Failure> {
    let some_without = !vae.reads_labels() || (0..rows.len()).any(|row| rows.label(row).is_none());
    if vae.classes() < 2 || !some_without || recipe.bound == Bound::DoublyReparameterised {
        return Ok(());
    }
    let found = vae.compare_estimators(rows, recipe)?;
    let mut label = "estimators";
    for estimator in &found {
        let beside = match estimator.by {
            ClassesBy::Enumerate => String::new(),
            _ => format!(
                ", gradient off by {:+.1} errors ({:+.2} %), variance {:.3} of its square",
                estimator.bias,
                100.0 * estimator.relative_bias,
                estimator.relative_variance
            ),
        };
        let (by, evaluated) = (estimator.by.to_string(), estimator.evaluated);
        report
            .line(format!("{label:<15} {by:<10} {evaluated} classes a row: {:.2} nats{beside}", estimator.value));
        label = "";
    }
    let figures: Vec<Value> = found
        .iter()
        .map(|found| {
            json!({
                "by": found.by.to_string(), "classes_a_row": found.evaluated, "bound": found.value,
                "bias_in_errors": found.bias, "relative_bias": found.relative_bias,
                "relative_variance": found.relative_variance,
            })
        })
        .collect();
    report.figure("estimators", Value::from(figures));
    report.figure("classes_by", recipe.labels.classes_by.resolved(vae.classes()).to_string());
    Ok(())
}

/// Says how the classifier q(y | x) alone does, where there is no likelihood.
pub fn say_by_classifier(vae: &Vae, rows: &Dataset<'_>, report: &mut Report) -> Result<(), Failure> {
    let classes = vae.classes();
    if classes == 0 {
        return Ok(());
    }
    let q = vae.class_probabilities(&data::values_for(rows, vae.width(), rows.name())?);
    let q: Vec<f64> = q.into_iter().map(f64::from).collect();
    if let Some(found) = Classification::of(&q, classes, &labels(rows)) {
        say_classification(vae, &found, report);
    }
    Ok(())
}

/// Says what there is to say of classes: the likelihood given labels, both ways to classes, how far they are apart.
pub fn say(vae: &Vae, rows: &Dataset<'_>, score: &ClassScore, report: &mut Report) {
    let (classes, labels) = (vae.classes(), labels(rows));
    report.line(format!(
        "classes         ln p(x) is summed over {classes} of them; the elbo also pays KL(q(y | x) ‖ p(y)) = {:.2}",
        score.label_divergence
    ));
    report.figure("kl_labels", score.label_divergence);
    if let Some(given) = &score.given_label {
        report.line(format!("given labels    {given}"));
        report.figure("log_likelihood_given_label", given.value);
        report.figure("log_likelihood_given_label_monte_carlo_error", finite(given.monte_carlo_error));
        report.figure("log_likelihood_given_label_data_error", finite(given.data_error));
    }
    if let Some(found) = Classification::of(&score.q, classes, &labels) {
        say_classification(vae, &found, report);
    }
    say_both_ways(vae, score, &labels, report);
}

fn labels(rows: &Dataset<'_>) -> Vec<Option<u16>> {
    (0..rows.len()).map(|row| rows.label(row)).collect()
}

fn finite(error: f64) -> serde_json::Value {
    if error.is_finite() { json!(error) } else { json!(null) }
}

fn say_classification(vae: &Vae, found: &Classification, report: &mut Report) {
    let classes = vae.classes();
    report.figure("labelled_rows", found.rows);
    report.figure("purity", found.purity);
    let counts: Vec<&[u32]> = found.counts.chunks_exact(classes).collect();
    report.figure("counts", json!(counts));
    if !vae.reads_labels() {
        report.line(format!(
            "clusters        {:.2} % of {} have the label that most rows of their class have",
            100.0 * found.purity,
            counted(found.rows, "row")
        ));
        return;
    }
    report.line(format!(
        "accuracy        {:.2} ± {:.2} % of {} by q(y | x)",
        100.0 * found.accuracy,
        100.0 * found.accuracy_error,
        counted(found.rows, "row")
    ));
    report.line(format!(
        "calibration     off by {:.3} ({:.3} to {:.3})",
        found.ece, found.ece_interval[0], found.ece_interval[1]
    ));
    let surest: Vec<String> = found
        .abstention
        .iter()
        .filter(|(part, _)| *part < 1.0)
        .map(|(part, accuracy)| format!("{:.2} of {:.0}", 100.0 * accuracy, 100.0 * part))
        .collect();
    report.line(format!("surest rows     right, in %: {}", surest.join(", ")));
    if classes <= MOST_TOLD {
        let of_class = |class: usize| {
            let row = &found.counts[class * classes..][..classes];
            format!("{class}: {}/{}", row[class], row.iter().sum::<u32>())
        };
        let all: Vec<String> = (0..classes).map(of_class).collect();
        report.line(format!("right           {}", all.join(", ")));
    }
    report.figure("accuracy", found.accuracy);
    report.figure("accuracy_error", found.accuracy_error);
    report.figure("ece", found.ece);
    report.figure("ece_interval", json!(found.ece_interval));
    report.figure("abstention", json!(found.abstention));
}

/// The class by q(y | x) beside that by Bayes' theorem.
fn say_both_ways(vae: &Vae, score: &ClassScore, labels: &[Option<u16>], report: &mut Report) {
    let (classes, rows) = (vae.classes(), labels.len());
    let differ = score.classes_differ();
    let known: Vec<f64> = score.posterior_errors.iter().copied().filter(|error| error.is_finite()).collect();
    let unknown = rows - known.len();
    let error = known.iter().sum::<f64>() / known.len().max(1) as f64;
    let right = Classification::of(&score.posterior, classes, labels).filter(|_| vae.reads_labels());
    let accuracy = right.as_ref().map_or_else(String::new, |found| {
        format!("{:.2} ± {:.2} % right; ", 100.0 * found.accuracy, 100.0 * found.accuracy_error)
    });
    report.line(format!(
        "by Bayes        {accuracy}another class than by q(y | x) in {:.2} % of the rows; largest posterior ± {error:.3}",
        100.0 * differ
    ));
    let fewest = score.effective.iter().copied().fold(f64::INFINITY, f64::min);
    if unknown > 0 {
        report.line(format!(
            "                its error is not known for {}: fewer than 10 effective draws given a class that matters",
            counted(unknown, "row")
        ));
    }
    if let Some(found) = right {
        report.figure("accuracy_bayes", found.accuracy);
        report.figure("accuracy_bayes_error", found.accuracy_error);
    }
    report.figure("classes_differ", differ);
    report.figure("posterior_error", if known.is_empty() { json!(null) } else { json!(error) });
    report.figure("posterior_unknown", unknown);
    report.figure("fewest_effective_draws", fewest);
}
