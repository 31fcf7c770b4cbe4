//! Estimators of the expectation over classes beside enumeration, on a few rows.

use super::classes::Unlabelled;
use super::features::Means;
use super::objective::{NOISE, X};
use super::rows::Rows;
use super::{ClassesBy, Vae, VaeError, VaeRecipe};
use crate::autodiff::Program;
use crate::data::Dataset;
use crate::random::Seed;
use crate::store::Gradients;

/// Rows of the decoder at the most, and rows of data.
const DECODED: usize = 4096;
const ROWS: usize = 32;
/// Times that an estimator draws.
const REPEATED: usize = 48;
const UNIFORM: &str = "uniform";
const VALUE: &str = "value";

/// An estimator of the bound of rows without labels, and of its gradient, beside enumeration of all classes with the same noise.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClassEstimator {
    /// The estimator.
    pub by: ClassesBy,
    /// Classes for which it runs the decoder for each row.
    pub evaluated: usize,
    /// The mean of the bound, nats an example.
    pub value: f64,
    /// How far the mean gradient lies from the enumerated one, along that one, in standard errors: beyond 4 hardly by chance.
    pub bias: f64,
    /// The same, as a part of the gradient's length.
    pub relative_bias: f64,
    /// The variance of the gradient, summed over all parameters, over its squared length.
    pub relative_variance: f64,
}

impl Vae {
    /// Enumeration, the most probable class and the three most probable with one of the rest, and the mixture of classes at the recipe's last
    /// temperature, on the first rows of `data`; what enumeration is compared with first.
    ///
    /// # Errors
    /// Where the model knows no classes, the data do not suit it, or the recipe makes no sense.
    pub fn compare_estimators(
        &self,
        data: &Dataset<'_>,
        recipe: &VaeRecipe,
    ) -> Result<Vec<ClassEstimator>, VaeError> {
        recipe.check()?;
        self.check_data(data)?;
        let classes = self.classes();
        if classes == 0 {
            return Err(VaeError::NoClasses);
        }
        let rows = (DECODED / (classes * recipe.importance_samples)).clamp(1, ROWS).min(data.len());
        let mut x = vec![0.0; rows * self.config.visible];
        match &self.features {
            None => Rows::Data(data).read(0..rows, &mut x),
            Some(first) => Means::new(first, rows).read(Rows::Data(data), 0..rows, &mut x),
        }
        let exact = Probe::new(self, recipe, ClassesBy::Enumerate, rows, &x).run(self, &[]);
        let length = norm(&exact.1);
        let mut found = vec![ClassEstimator {
            by: ClassesBy::Enumerate,
            evaluated: classes,
            value: exact.0,
            bias: 0.0,
            relative_bias: 0.0,
            relative_variance: 0.0,
        }];
        let mut others = vec![ClassesBy::TopK(1), ClassesBy::TopK(3), ClassesBy::Gumbel];
        others.retain(|by| !matches!(by, ClassesBy::TopK(top) if *top >= classes));
        for by in others {
            found.push(beside(self, recipe, by, (rows, &x), &exact.1, length));
        }
        Ok(found)
    }
}

/// An estimator beside the exact gradient, which has this length.
fn beside(
    vae: &Vae,
    recipe: &VaeRecipe,
    by: ClassesBy,
    (rows, x): (usize, &[f32]),
    exact: &Gradients,
    length: f64,
) -> ClassEstimator {
    let mut probe = Probe::new(vae, recipe, by, rows, x);
    let mut uniform = vec![0.0; rows * Unlabelled::uniforms(by, vae.classes())];
    let mut stream = Seed(0).lanes("probe of classes", 0);
    // Welford's sums over the repetitions: of the gradient, and of what it has along the exact one.
    let mut mean = vec![0.0f64; exact.values().len()];
    let (mut spread, mut values, mut along) = (0.0, 0.0, Vec::with_capacity(REPEATED));
    for repeated in 1..=REPEATED {
        stream.fill_uniform(&mut uniform);
        let (value, gradient) = probe.run(vae, &uniform);
        values += value / REPEATED as f64;
        for (mean, &g) in mean.iter_mut().zip(gradient.values()) {
            let off = f64::from(g) - *mean;
            *mean += off / repeated as f64;
            spread += off * (f64::from(g) - *mean);
        }
        along.push(dot(exact, &gradient) / length.max(f64::MIN_POSITIVE) - length);
    }
    let (bias, error) = crate::sampling::mean_and_error(&along);
    ClassEstimator {
        by,
        evaluated: by.evaluated(vae.classes()),
        value: values,
        bias: if error > 0.0 { bias / error } else { 0.0 },
        relative_bias: bias / length,
        relative_variance: spread / (REPEATED - 1) as f64 / (length * length),
    }
}

fn dot(a: &Gradients, b: &Gradients) -> f64 {
    a.values().iter().zip(b.values()).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

fn norm(gradient: &Gradients) -> f64 {
    dot(gradient, gradient).sqrt()
}

/// The bound of some rows by one estimator, and its gradient.
struct Probe {
    program: Program,
    draws: bool,
}

impl Probe {
    fn new(vae: &Vae, recipe: &VaeRecipe, by: ClassesBy, rows: usize, x: &[f32]) -> Self {
        let (k, latent) = (recipe.importance_samples, vae.config.latent);
        let uniforms = Unlabelled::uniforms(by, vae.classes());
        let mut program = Program::record(&vae.store, |tape| {
            let row = Unlabelled {
                x: tape.input(X, [rows, vae.config.visible]),
                noise: tape.input(NOISE, [k, rows, latent]),
                beta: tape.scalar(recipe.beta),
                followed: None,
                temperature: Some(tape.scalar(recipe.labels.temperatures[1])),
                uniform: (uniforms > 0).then(|| tape.input(UNIFORM, [rows, uniforms])),
            };
            let value = row.bound_by(&vae.network, recipe.bound, by);
            tape.output(VALUE, value);
            tape.gradients(value);
        });
        program.input_mut(X).copy_from_slice(x);
        Seed(0).lanes("probe noise", 0).fill_normal(program.input_mut(NOISE));
        Probe { program, draws: uniforms > 0 }
    }

    fn run(&mut self, vae: &Vae, uniform: &[f32]) -> (f64, Gradients) {
        if self.draws {
            self.program.input_mut(UNIFORM).copy_from_slice(uniform);
        }
        let mut gradients = vae.store.gradients();
        self.program.run(&vae.store, &mut gradients);
        (f64::from(self.program.scalar(VALUE)), gradients)
    }
}
