//! A variational autoencoder as commands see it.

use super::bench::Bench;
use super::shape::layers;
use super::train::{Train, usual_reading, usual_scale};
use crate::cli::{Failure, Report, Subcommand};
use crate::contract::{Autoencoder, Encoder, Family, Inpainter, Measure, Model, Sampler, Scorer};
use crate::input::{Binarize, Domain, PixelScale};
use crate::run::widths;
use helmholtz::vae::{Likelihood, MaskInput, Posterior, Prior, Vae, VaeError};
use serde_json::json;

/// The name of the family.
pub const KIND: &str = "vae";

/// The row of the registry.
pub const FAMILY: Family = Family {
    kind: KIND,
    marker: Some("mean.weight"),
    tensors: "a VAE has the f32 tensors encoder.0.weight, …, mean.weight, log_variance.weight, decoder.0.weight, … and \
              their biases",
    open: |snapshot| Ok(Box::new(Vae::from_checkpoint(snapshot)?)),
    train: Subcommand::of::<Train>(KIND),
    bench: Some(Subcommand::of::<Bench>(KIND)),
};

impl Model for Vae {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn width(&self) -> usize {
        Vae::width(self)
    }

    fn parameters(&self) -> usize {
        self.store().count()
    }

    fn describe(&self, report: &mut Report) {
        let (config, parameters) = (self.config(), self.store().count());
        report.line(format!(
            "model           VAE {}: {} latent dimensions, {} units, {} likelihood, {parameters} parameters",
            layers(config),
            config.latent,
            config.activation,
            config.likelihood
        ));
        if (config.posterior, config.prior) != (Posterior::Gaussian, Prior::Normal) {
            report.line(format!("latent          posterior {}, prior {}", config.posterior, config.prior));
        }
        if let Some(first) = self.features() {
            let (layers, parameters) = (layers(first.config()), first.store().count());
            report
                .line(format!("features        the latent variables of a VAE {layers}, {parameters} parameters"));
            report.figure("features", layers);
        }
        if let Some(labels) = &config.labels {
            let hidden = widths::layers(&[&[config.visible], &labels.classifier, &[labels.classes]]);
            report.line(format!(
                "labels          {} classes, classifier {hidden}, posterior of the latent variable {}",
                labels.classes, labels.posterior
            ));
            report.figure("classes", labels.classes);
            report.figure("classifier", json!(labels.classifier));
            report.figure("label_posterior", labels.posterior.to_string());
        }
        if let Some(input) = config.masks {
            let given = if config.completes { ", and what is hidden is modelled given the rest" } else { "" };
            let told = match input {
                MaskInput::Means => "by the means of their columns in their place",
                MaskInput::Weights => "by weights of their own",
            };
            report.line(format!("masks           the encoder is told which values are hidden, {told}{given}"));
        }
        report.figure("masks", config.masks.map_or("none".to_owned(), |input| input.to_string()));
        report.figure("visible", Vae::width(self));
        report.figure("latent", config.latent);
        if let Some(convolutions) = &config.convolutions {
            report.figure("convolutions", json!(convolutions.channels));
        }
        report.figure("encoder", json!(config.encoder));
        report.figure("decoder", json!(config.decoder));
        report.figure("activation", config.activation.to_string());
        report.figure("likelihood", config.likelihood.to_string());
        report.figure("posterior", config.posterior.to_string());
        report.figure("prior", config.prior.to_string());
        report.figure("parameters", parameters);
    }

    fn domain(&self) -> Domain {
        match self.data_likelihood() {
            Likelihood::Bernoulli => Domain::Levels,
            _ => Domain::Any,
        }
    }

    fn takes_labels(&self) -> bool {
        self.classes() > 0
    }

    fn measure(&self) -> Measure {
        match self.data_likelihood() {
            Likelihood::Bernoulli => Measure::Probability,
            _ => Measure::Density,
        }
    }

    fn binarize(&self) -> Binarize {
        usual_reading(self.data_likelihood())
    }

    fn scale(&self) -> PixelScale {
        usual_scale(self.data_likelihood())
    }

    fn scorer(&self) -> Result<&dyn Scorer, Failure> {
        whole(self)?;
        Ok(self)
    }

    fn sampler(&self) -> Result<&dyn Sampler, Failure> {
        whole(self)?;
        Ok(self)
    }

    fn inpainter(&self) -> Result<&dyn Inpainter, Failure> {
        if self.classes() > 0 || self.features().is_some() {
            return Err(Failure::new(
                "a variational autoencoder of classes or of features does not fill in hidden values",
            )
            .hint("helmholtz reconstruct shows what it makes of whole images"));
        }
        Ok(self)
    }

    fn encoder(&self) -> Result<&dyn Encoder, Failure> {
        Ok(self)
    }

    fn autoencoder(&self, _: &str) -> Result<&dyn Autoencoder, Failure> {
        Ok(self)
    }
}

/// Refuses a model of what is hidden given the rest.
fn whole(vae: &Vae) -> Result<(), Failure> {
    if !vae.config().completes {
        return Ok(());
    }
    Err(Failure::from(VaeError::Completes).hint("helmholtz inpaint completes rows, and says how well"))
}
