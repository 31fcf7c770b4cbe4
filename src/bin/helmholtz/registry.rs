//! The families of models: the one table in which a file's kind becomes a type.

use crate::cli::Failure;
use crate::contract::{Family, Model};
use crate::families::{boltzmann, flow, hopfield, neural, rbm, vae};
use crate::run::KIND;
use helmholtz::store::Snapshot;

/// All families, a row each. A file that does not say its kind, and holds no tensor that marks another family, is one of
/// the first.
pub const FAMILIES: [&Family; 6] =
    [&rbm::FAMILY, &boltzmann::FAMILY, &hopfield::FAMILY, &vae::FAMILY, &neural::FAMILY, &flow::FAMILY];

/// The model that a file holds, a checkpoint perhaps.
pub fn open(snapshot: &Snapshot) -> Result<Box<dyn Model>, Failure> {
    if let Some(name) = snapshot.non_finite() {
        return Err(Failure::new(format!("{name} holds a NaN or an infinity"))
            .hint("the file is damaged, or its training diverged: a lower --learning-rate usually helps"));
    }
    let marked = |family: &&Family| family.marker.is_some_and(|tensor| snapshot.contains(tensor));
    let mut families = FAMILIES.into_iter();
    let family = match snapshot.metadata.get(KIND) {
        Some(kind) => families
            .find(|family| family.kind == kind)
            .ok_or_else(|| Failure::new(format!("a model of kind {kind:?}, which this version does not know")))?,
        None => families.find(marked).unwrap_or(FAMILIES[0]),
    };
    (family.open)(snapshot).map_err(|failure| failure.or_hint(family.tensors))
}
