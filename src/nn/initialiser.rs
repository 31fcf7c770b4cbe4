//! Initialisers: the weights of a layer before training.

use crate::autodiff::Activation;
use crate::random::Lanes;

/// The distribution that the weights `[out, in]` of a layer are drawn from. Biases start at zero, but for [`FanInUniform`](Self::FanInUniform).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Initialiser {
    /// Zeros.
    Zeros,
    /// Uniform in ±√(6 / (in + out)): activations and gradients keep their variance through layers that are linear around
    /// zero, such as tanh (Glorot & Bengio 2010).
    #[default]
    GlorotUniform,
    /// Normal with variance 2 / (in + out) (Glorot & Bengio 2010).
    GlorotNormal,
    /// Uniform in ±√(6 / in): activations keep their second moment through rectified layers (He et al. 2015).
    HeUniform,
    /// Normal with variance 2 / in (He et al. 2015).
    HeNormal,
    /// `gain` times a random matrix with orthonormal rows or columns, whichever are fewer, distributed evenly over all of
    /// them (Saxe, McClelland & Ganguli 2014).
    Orthogonal {
        /// The length of rows or columns.
        gain: f32,
    },
    /// Uniform in ±1 / √in, biases too: what PyTorch's linear layers start with.
    FanInUniform,
}

impl Initialiser {
    /// The uniform one that keeps the size of activations through layers with this activation: He's for rectifiers, else
    /// Glorot's.
    pub fn before(activation: Activation) -> Self {
        match activation {
            Activation::Relu | Activation::LeakyRelu(_) | Activation::Softplus => Initialiser::HeUniform,
            Activation::Identity | Activation::Tanh | Activation::Sigmoid => Initialiser::GlorotUniform,
        }
    }

    /// Draws weights `[outputs, inputs]`, row-major.
    ///
    /// # Panics
    /// When there is another number of weights.
    #[track_caller]
    pub fn fill_weights(self, outputs: usize, inputs: usize, lanes: &mut Lanes, weights: &mut [f32]) {
        let count = weights.len();
        assert_eq!(count, outputs * inputs, "weights [{outputs}, {inputs}] into a slice of {count}");
        let (fan_in, both) = (inputs as f64, (inputs + outputs) as f64);
        match self {
            Initialiser::Zeros => weights.fill(0.0),
            Initialiser::GlorotUniform => fill_uniform((6.0 / both).sqrt(), lanes, weights),
            Initialiser::GlorotNormal => fill_normal((2.0 / both).sqrt(), lanes, weights),
            Initialiser::HeUniform => fill_uniform((6.0 / fan_in).sqrt(), lanes, weights),
            Initialiser::HeNormal => fill_normal((2.0 / fan_in).sqrt(), lanes, weights),
            Initialiser::Orthogonal { gain } => fill_orthogonal(gain, outputs, inputs, lanes, weights),
            Initialiser::FanInUniform => fill_uniform(fan_in.sqrt().recip(), lanes, weights),
        }
    }

    /// Draws biases `[outputs]`.
    pub fn fill_biases(self, inputs: usize, lanes: &mut Lanes, biases: &mut [f32]) {
        match self {
            Initialiser::FanInUniform => fill_uniform((inputs as f64).sqrt().recip(), lanes, biases),
            _ => biases.fill(0.0),
        }
    }
}

fn fill_uniform(bound: f64, lanes: &mut Lanes, out: &mut [f32]) {
    lanes.fill_uniform(out);
    out.iter_mut().for_each(|value| *value = (bound * (2.0 * f64::from(*value) - 1.0)) as f32);
}

fn fill_normal(deviation: f64, lanes: &mut Lanes, out: &mut [f32]) {
    lanes.fill_normal(out);
    out.iter_mut().for_each(|value| *value = (deviation * f64::from(*value)) as f32);
}

/// The orthogonal factor of a normal matrix, by Gram and Schmidt's method: its triangular factor has a positive diagonal,
/// which is what makes the orthogonal one evenly distributed (Mezzadri 2007). In f64, each vector freed of the others twice,
/// so that it is orthogonal to them to rounding.
fn fill_orthogonal(gain: f32, outputs: usize, inputs: usize, lanes: &mut Lanes, weights: &mut [f32]) {
    let (vectors, length) = (outputs.min(inputs), outputs.max(inputs));
    lanes.fill_normal(weights);
    let mut basis: Vec<f64> = weights.iter().map(|value| f64::from(*value)).collect();
    for vector in 0..vectors {
        let (before, rest) = basis.split_at_mut(vector * length);
        let own = &mut rest[..length];
        for _ in 0..2 {
            for other in before.chunks_exact(length) {
                let share: f64 = own.iter().zip(other).map(|(a, b)| a * b).sum();
                own.iter_mut().zip(other).for_each(|(a, b)| *a -= share * b);
            }
        }
        let norm = own.iter().map(|a| a * a).sum::<f64>().sqrt();
        own.iter_mut().for_each(|a| *a /= norm);
    }
    for (index, weight) in weights.iter_mut().enumerate() {
        let (output, input) = (index / inputs, index % inputs);
        let value =
            if outputs <= inputs { basis[output * length + input] } else { basis[input * length + output] };
        *weight = (f64::from(gain) * value) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;

    fn draw(initialiser: Initialiser, outputs: usize, inputs: usize) -> Vec<f64> {
        let mut weights = vec![0.0; outputs * inputs];
        initialiser.fill_weights(outputs, inputs, &mut Seed(7).lanes("weights", 0), &mut weights);
        weights.into_iter().map(f64::from).collect()
    }

    /// Mean and variance lie within five standard errors, which chance exceeds 6 times in 10⁷.
    fn check(values: &[f64], variance: f64, kurtosis: f64) {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let second = values.iter().map(|x| x * x).sum::<f64>() / count;
        assert!(mean.abs() < 5.0 * (variance / count).sqrt(), "mean {mean}");
        let error = variance * ((kurtosis - 1.0) / count).sqrt();
        assert!((second - variance).abs() < 5.0 * error, "variance {second}, wanted {variance} ± {error}");
    }

    #[test]
    fn weights_have_the_published_variance() {
        let (outputs, inputs) = (120, 300);
        let (fan_in, both) = (inputs as f64, (inputs + outputs) as f64);
        let (uniform, normal) = (1.8, 3.0);
        for (initialiser, variance, kurtosis) in [
            (Initialiser::GlorotUniform, 2.0 / both, uniform),
            (Initialiser::GlorotNormal, 2.0 / both, normal),
            (Initialiser::HeUniform, 2.0 / fan_in, uniform),
            (Initialiser::HeNormal, 2.0 / fan_in, normal),
            (Initialiser::FanInUniform, 1.0 / (3.0 * fan_in), uniform),
        ] {
            let weights = draw(initialiser, outputs, inputs);
            check(&weights, variance, kurtosis);
            let largest = weights.iter().fold(0.0f64, |most, x| most.max(x.abs()));
            let bound = (3.0 * variance).sqrt();
            assert_eq!(
                largest <= bound * (1.0 + 1e-6),
                kurtosis == uniform,
                "{initialiser:?}: {largest} and {bound}"
            );
        }
        let mut biases = vec![1.0; 10_000];
        Initialiser::HeNormal.fill_biases(inputs, &mut Seed(7).lanes("biases", 0), &mut biases);
        assert!(biases.iter().all(|bias| *bias == 0.0));
        Initialiser::FanInUniform.fill_biases(inputs, &mut Seed(7).lanes("biases", 0), &mut biases);
        check(&biases.into_iter().map(f64::from).collect::<Vec<_>>(), 1.0 / (3.0 * fan_in), uniform);
        assert!(draw(Initialiser::Zeros, 3, 4).iter().all(|weight| *weight == 0.0));
    }

    #[test]
    fn the_fewer_of_rows_and_columns_are_orthonormal() {
        for (outputs, inputs) in [(7, 7), (5, 40), (40, 5), (1, 3), (3, 1), (0, 4), (4, 0)] {
            let weights = draw(Initialiser::Orthogonal { gain: 1.5 }, outputs, inputs);
            let (vectors, length) = (outputs.min(inputs), outputs.max(inputs));
            let at = |vector: usize, element: usize| {
                if outputs <= inputs {
                    weights[vector * inputs + element]
                } else {
                    weights[element * inputs + vector]
                }
            };
            for a in 0..vectors {
                for b in 0..vectors {
                    let product: f64 = (0..length).map(|element| at(a, element) * at(b, element)).sum();
                    let wanted = if a == b { 2.25 } else { 0.0 };
                    // Each of the `length` products is of numbers that were rounded to f32.
                    assert!(
                        (product - wanted).abs() < 2.25 * 2.0 * f64::from(f32::EPSILON),
                        "{outputs} × {inputs}"
                    );
                }
            }
        }
    }

    /// The first element of an even draw of an orthogonal 2 × 2 matrix is cos φ with φ uniform: its mean is 0, its variance ½,
    /// its fourth moment ⅜. Without the positive diagonal the mean would be −2/π.
    #[test]
    fn orthogonal_matrices_are_distributed_evenly() {
        let mut lanes = Seed(9).lanes("weights", 0);
        let mut firsts = [Vec::new(), Vec::new()];
        for _ in 0..20_000 {
            let mut weights = [0.0; 4];
            Initialiser::Orthogonal { gain: 1.0 }.fill_weights(2, 2, &mut lanes, &mut weights);
            firsts[0].push(f64::from(weights[0]));
            firsts[1].push(f64::from(weights[3]));
        }
        firsts.iter().for_each(|values| check(values, 0.5, 0.375 / 0.25));
    }
}
