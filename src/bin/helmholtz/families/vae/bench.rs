//! `helmholtz bench vae`: training steps of a variational autoencoder.

use super::shape;
use super::shape::Architecture;
use crate::bench::{Levels, Peak, ROWS, check_sizes, random_rows, time_steps};
use crate::cli::{Failure, Globals, Report, Task, counted, size};
use clap::Args;
use helmholtz::train::Training;
use helmholtz::vae::{Bound, ClassesBy, LabelRecipe, Labels, Vae, VaeConfig, VaeRecipe, VaeTrainer};

/// Training a variational autoencoder of bits by Adam on random grey levels
#[derive(Args)]
pub struct Bench {
    /// Hidden layers and latent dimensions
    #[arg(long, value_enum, default_value_t = Architecture::Plain, value_name = "SHAPE")]
    architecture: Architecture,
    /// Values of a row
    #[arg(long, default_value_t = 784, value_name = "N")]
    visible: usize,
    /// Draws of the latent variable for each example; more than one train the importance-weighted bound
    #[arg(long, default_value_t = 1, value_name = "K")]
    importance_samples: usize,
    /// Examples of an update
    #[arg(long, default_value_t = 128, value_name = "N")]
    batch: usize,
    /// Classes that rows are given; every second row has a label
    #[arg(long, default_value_t = 0, value_name = "N")]
    classes: usize,
    /// How rows without a label take classes into account: enumerate, topk:K or gumbel [default: auto]
    #[arg(long, value_name = "HOW", requires = "classes")]
    classes_by: Option<ClassesBy>,
}

impl Task for Bench {
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let Bench { architecture, visible, importance_samples, batch, classes, classes_by } = *self;
        let seed = globals.seed();
        check_sizes(&[("visible", visible), ("batch", batch)])?;
        size::check("visible", visible, ROWS)?;
        let hidden = architecture.hidden();
        let labels = Labels { classifier: hidden.0.clone(), ..Labels::new(classes) };
        let config = VaeConfig {
            labels: (classes > 0).then_some(labels),
            decoder: hidden.reversed(),
            encoder: hidden.0,
            activation: architecture.activation(),
            ..VaeConfig::new(visible, architecture.latent())
        };
        let labels = LabelRecipe { classes_by: classes_by.unwrap_or_default(), ..LabelRecipe::default() };
        let evaluated = labels.classes_by.evaluated(classes).max(1);
        shape::check(&config, batch, importance_samples)?;
        shape::check_classes(&config, labels.classes_by, importance_samples)?;
        let mut data = random_rows(Levels::Grey, visible, "bench vae", seed)?;
        if classes > 0 {
            let label = |row: usize| row.is_multiple_of(2).then_some((row / 2 % classes) as u16);
            data = data.with_some_labels(&(0..data.len()).map(label).collect::<Vec<_>>())?;
        }
        let mut report = Report::new();
        let peak = Peak::measure(&mut report);
        let training = Training { batch, seed, ..Training::default() };
        let bound = if importance_samples > 1 { Bound::ImportanceWeighted } else { Bound::Elbo };
        let recipe = VaeRecipe { importance_samples, bound, labels, ..VaeRecipe::default() };
        let mut trainer = VaeTrainer::new(Vae::new(config.clone(), seed)?, &recipe, &data, &training)?;
        let layers = shape::layers(&config);
        let draws = counted(importance_samples, "draw");
        let given = match classes {
            0 => String::new(),
            classes => format!(
                ", {classes} classes, half of the rows with a label, {}",
                labels.classes_by.resolved(classes)
            ),
        };
        report.line(format!("VAE             {layers}, {draws}, batch {batch}, grey levels{given}"));
        if classes > 0 {
            report.figure("classes", classes);
            report.figure("classes_by", labels.classes_by.resolved(classes).to_string());
        }
        report.figure("visible", visible);
        report.figure("latent", config.latent);
        report.figure("importance_samples", importance_samples);
        let macs = match classes {
            0 => (macs_of_an_example(&config, importance_samples, 1) * batch) as f64,
            _ => {
                let [with, without] =
                    [1, evaluated].map(|evaluated| macs_of_an_example(&config, importance_samples, evaluated));
                (with * (batch / 2) + without * (batch - batch / 2)) as f64
            }
        };
        time_steps(&mut trainer, &data, batch, macs, seed, &peak, &mut report)?;
        Ok(report)
    }
}

/// The multiply-adds of one example in a step: of each layer the product itself, the gradient of its weights and that of
/// its inputs, which the data need not; the decoder's layers once a draw. Of a row with `classes` all layers behind the first of the encoder
/// once for each of these, and the classifier beside them.
fn macs_of_an_example(config: &VaeConfig, draws: usize, classes: usize) -> usize {
    let products = |sizes: &[usize]| sizes.windows(2).map(|pair| pair[0] * pair[1]).sum::<usize>();
    let encoder = [&[config.visible], &config.encoder[..], &[2 * config.latent]].concat();
    let decoder = [&[config.latent], &config.decoder[..], &[config.visible]].concat();
    let first = encoder[0] * encoder[1];
    let classifier = config.labels.as_ref().map_or(0, |labels| {
        let sizes = [&[config.visible], &labels.classifier[..], &[labels.classes]].concat();
        3 * products(&sizes) - sizes[0] * sizes[1]
    });
    2 * first + 3 * classes * (products(&encoder) - first) + 3 * draws * classes * products(&decoder) + classifier
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_need_no_gradient() {
        let config = VaeConfig { encoder: vec![5], decoder: vec![7], ..VaeConfig::new(10, 3) };
        let (encoder, decoder) = (10 * 5 + 5 * 6, 3 * 7 + 7 * 10);
        assert_eq!(macs_of_an_example(&config, 4, 1), 3 * encoder - 10 * 5 + 3 * 4 * decoder);
        let labels = Labels { classifier: vec![6], ..Labels::new(9) };
        let config = VaeConfig { labels: Some(labels), ..config };
        let classifier = 3 * (10 * 6 + 6 * 9) - 10 * 6;
        assert_eq!(macs_of_an_example(&config, 1, 9), 2 * 50 + 3 * 9 * (5 * 6 + decoder) + classifier);
    }
}
