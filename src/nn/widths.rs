//! Widths of layers: their range, and those that the tensors of a file have.

use crate::Setting;
use crate::autodiff::Activation;
use crate::store::{Snapshot, SnapshotError};

/// Most units of a layer: so that no product of two of them overflows.
const WIDEST: usize = 1 << 24;

/// Checks the width of a layer.
///
/// # Errors
/// Where it is 0 or absurd.
pub(crate) fn check_width(name: &'static str, width: usize) -> Result<(), Setting> {
    Setting::check((1..=WIDEST).contains(&width), name, width, "from 1 to 16777216")
}

/// Checks the slope of a leaky rectifier.
///
/// # Errors
/// Where it is negative or no number.
pub(crate) fn check_activation(activation: Activation) -> Result<(), Setting> {
    match activation {
        Activation::LeakyRelu(slope) => Setting::not_negative("the slope of the activation", slope),
        _ => Ok(()),
    }
}

/// The activation that the metadata name under `key`, else `usual`.
///
/// # Errors
/// Where it is none.
pub(crate) fn activation_in(snapshot: &Snapshot, key: &str, usual: Activation) -> Result<Activation, Setting> {
    let wanted = "identity, relu, leaky-relu:SLOPE, tanh, sigmoid or softplus";
    snapshot
        .metadata
        .get(key)
        .map_or(Ok(usual), |name| name.parse().map_err(|_| Setting::new("the activation", name, wanted)))
}

/// The names of the linear layers of a multilayer perceptron that a snapshot has: `{name}.0`, `{name}.2`, …
pub(crate) fn layers_in(snapshot: &Snapshot, name: &str) -> Vec<String> {
    let names = (0..).map(|layer| format!("{name}.{}", 2 * layer));
    names.take_while(|name| snapshot.contains(&format!("{name}.weight"))).collect()
}

/// The widths of layers that follow one another, by the shapes `[out, in]` of their weights: the inputs of the first, then the
/// outputs of each.
///
/// # Errors
/// Where a weight is missing, is no matrix, or does not fit the one before: two thin matrices would ask for a huge one between
/// them.
pub(crate) fn widths_in<E: From<Setting> + From<SnapshotError>>(
    snapshot: &Snapshot,
    layers: impl IntoIterator<Item = String>,
) -> Result<Vec<usize>, E> {
    let mut widths: Vec<usize> = Vec::new();
    for layer in layers {
        let name = format!("{layer}.weight");
        let shape = snapshot.shape(&name)?;
        let &[outputs, inputs] = shape else { return Err(no_matrix(shape).into()) };
        if outputs == 0 || inputs == 0 {
            return Err(no_matrix(shape).into());
        }
        match widths.last() {
            None => widths.push(inputs),
            Some(&wanted) if wanted != inputs => {
                let given = format!("{inputs} in {name}, where the layer before gives {wanted}");
                return Err(Setting::new("the number of inputs of a layer", given, "the same").into());
            }
            Some(_) => {}
        }
        widths.push(outputs);
    }
    Ok(widths)
}

fn no_matrix(shape: &[usize]) -> Setting {
    Setting::new("the shape of a weight", format!("{shape:?}"), "a matrix [out, in] of at least 1 × 1")
}
