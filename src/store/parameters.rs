//! Named parameters in one flat buffer, and gradients at the same places: an optimiser is one pass over both.

use super::{Snapshot, SnapshotError, Values};
use crate::kernels::staircase::Staircase;
use crate::tensor::AlignedVec;
use std::fmt;
use std::sync::Arc;

/// Every parameter starts on a cache line: 16 floats. What lies between two of them stays zero.
const ALIGNMENT: usize = 16;

/// A parameter of a [`Store`]: a handle that is copied freely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Parameter(usize);

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    name: String,
    shape: Vec<usize>,
    start: usize,
    length: usize,
    /// Of a matrix whose zeros are not stored.
    staircase: Option<Arc<Staircase>>,
}

impl Entry {
    /// The shape of the array in a snapshot.
    fn whole(&self) -> Vec<usize> {
        match &self.staircase {
            None => self.shape.clone(),
            Some(staircase) => vec![staircase.outputs(), staircase.inputs()],
        }
    }
}

/// Which parameters there are and where they lie: what a store, its gradients, programs and optimisers have to agree on.
#[derive(Clone, Default)]
pub(crate) struct Layout(Arc<Vec<Entry>>);

impl Layout {
    /// Where a parameter lies.
    pub(crate) fn range(&self, parameter: Parameter) -> std::ops::Range<usize> {
        let entry = &self.0[parameter.0];
        entry.start..entry.start + entry.length
    }

    /// The name of a parameter.
    pub(crate) fn name(&self, parameter: Parameter) -> &str {
        &self.0[parameter.0].name
    }

    /// The shape of a parameter.
    pub(crate) fn shape(&self, parameter: Parameter) -> &[usize] {
        &self.0[parameter.0].shape
    }

    /// All parameters, in the order in which they were added.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = Parameter> + use<> {
        (0..self.0.len()).map(Parameter)
    }

    /// The length of the flat buffer.
    pub(crate) fn length(&self) -> usize {
        self.0.last().map_or(0, |entry| (entry.start + entry.length).next_multiple_of(ALIGNMENT))
    }

    /// Puts a flat buffer into a snapshot, an array a parameter, each under its name with `prefix` before it.
    pub(crate) fn save(&self, values: &[f32], prefix: &str, snapshot: &mut Snapshot) {
        for entry in self.0.iter() {
            let values = &values[entry.start..entry.start + entry.length];
            let (name, shape) = (format!("{prefix}{}", entry.name), entry.whole());
            match &entry.staircase {
                None => snapshot.put_f32(&name, &shape, values),
                Some(staircase) => {
                    let mut whole = vec![0.0; shape.iter().product()];
                    staircase.unpack(values, &mut whole);
                    snapshot.put(&name, &shape, Values::F32(whole));
                }
            }
        }
    }

    /// Takes a flat buffer from a snapshot. Nothing changes where an array is missing or of another shape.
    ///
    /// # Errors
    /// Names the first array that is missing or has another shape.
    pub(crate) fn load(&self, values: &mut [f32], prefix: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.check(prefix, snapshot)?;
        for entry in self.0.iter() {
            let saved = snapshot.f32(&format!("{prefix}{}", entry.name), &entry.whole())?;
            let values = &mut values[entry.start..entry.start + entry.length];
            match &entry.staircase {
                None => values.copy_from_slice(saved),
                Some(staircase) => staircase.pack(saved, values),
            }
        }
        Ok(())
    }

    /// Whether a flat buffer can be taken from a snapshot.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub(crate) fn check(&self, prefix: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.0
            .iter()
            .try_for_each(|entry| snapshot.f32(&format!("{prefix}{}", entry.name), &entry.whole()).map(|_| ()))
    }

    /// The first entry of another layout that this one has not, for messages; `None` where they are the same.
    pub(crate) fn difference(&self, other: &Layout) -> Option<String> {
        if self == other {
            return None;
        }
        let place = (0..).find(|place| self.0.get(*place) != other.0.get(*place))?;
        let say = |layout: &Layout| match layout.0.get(place) {
            Some(entry) => format!("`{}` {:?}", entry.name, entry.shape),
            None => "none".to_owned(),
        };
        Some(format!("parameter {place} is {}, wanted {}", say(other), say(self)))
    }
}

/// Names and shapes.
impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|entry| (&entry.name, &entry.shape))).finish()
    }
}

impl PartialEq for Layout {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

/// Named f32 parameters in one flat buffer, in the order in which they were added.
///
/// ```
/// use helmholtz::store::Store;
/// let mut store = Store::new();
/// let weight = store.add("decoder.0.weight", &[2, 3]);
/// store.get_mut(weight).fill(0.5);
/// let mut gradients = store.gradients();
/// gradients.get_mut(weight).fill(1.0);
/// for (value, gradient) in store.values_mut().iter_mut().zip(gradients.values()) {
///     *value -= 0.1 * gradient;
/// }
/// assert_eq!(store.get(weight), [0.4; 6]);
/// ```
///
/// Its `Debug` shows names and shapes.
#[derive(Clone, PartialEq, Default)]
pub struct Store {
    layout: Layout,
    values: AlignedVec<f32>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store ")?;
        self.layout.fmt(f)
    }
}

impl Store {
    /// No parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter of zeros.
    ///
    /// # Panics
    /// When there is one of that name.
    #[track_caller]
    pub fn add(&mut self, name: &str, shape: &[usize]) -> Parameter {
        self.add_entry(name, shape, None)
    }

    /// Adds a matrix `[out, in]` of zeros of which only the staircase is kept, in one axis: its shape is `[stored]`. In a
    /// [`Snapshot`] it is whole, `[out, in]`.
    ///
    /// # Panics
    /// When there is one of that name.
    #[track_caller]
    pub fn add_staircase(&mut self, name: &str, staircase: &Arc<Staircase>) -> Parameter {
        self.add_entry(name, &[staircase.stored_length()], Some(Arc::clone(staircase)))
    }

    #[track_caller]
    fn add_entry(&mut self, name: &str, shape: &[usize], staircase: Option<Arc<Staircase>>) -> Parameter {
        assert!(self.find(name).is_none(), "there is a parameter `{name}` already");
        let (start, length) = (self.values.len(), shape.iter().product());
        let entries = Arc::make_mut(&mut self.layout.0);
        entries.push(Entry { name: name.to_owned(), shape: shape.to_vec(), start, length, staircase });
        self.values.resize((start + length).next_multiple_of(ALIGNMENT));
        Parameter(entries.len() - 1)
    }

    /// The parameter of that name.
    pub fn find(&self, name: &str) -> Option<Parameter> {
        self.layout.0.iter().position(|entry| entry.name == name).map(Parameter)
    }

    /// All parameters, in the order in which they were added.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter> + use<> {
        self.layout.parameters()
    }

    /// The name of a parameter.
    pub fn name(&self, parameter: Parameter) -> &str {
        self.layout.name(parameter)
    }

    /// The shape of a parameter.
    pub fn shape(&self, parameter: Parameter) -> &[usize] {
        self.layout.shape(parameter)
    }

    /// Where a parameter lies in [`values`](Self::values), and in those of the gradients.
    pub fn range(&self, parameter: Parameter) -> std::ops::Range<usize> {
        self.layout.range(parameter)
    }

    /// The values of a parameter, row-major.
    pub fn get(&self, parameter: Parameter) -> &[f32] {
        &self.values[self.range(parameter)]
    }

    /// The values of a parameter, row-major.
    pub fn get_mut(&mut self, parameter: Parameter) -> &mut [f32] {
        let range = self.range(parameter);
        &mut self.values[range]
    }

    /// All values, 64-byte aligned, with zeros between some parameters.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values. Whoever writes them keeps the zeros between parameters.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// The number of numbers in all parameters together.
    pub fn count(&self) -> usize {
        self.layout.0.iter().map(|entry| entry.length).sum()
    }

    /// Which parameters there are.
    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Zeros in the place of the parameters' gradients.
    pub fn gradients(&self) -> Gradients {
        Gradients { layout: self.layout.clone(), values: AlignedVec::zeroed(self.values.len()) }
    }

    /// The first parameter that holds a NaN or an infinity.
    pub fn first_non_finite(&self) -> Option<&str> {
        let bad =
            |entry: &&Entry| !self.values[entry.start..entry.start + entry.length].iter().all(|x| x.is_finite());
        self.layout.0.iter().find(bad).map(|entry| entry.name.as_str())
    }

    /// Puts all parameters into a snapshot, each under its name with `prefix` before it.
    pub fn save(&self, prefix: &str, snapshot: &mut Snapshot) {
        self.layout.save(&self.values, prefix, snapshot);
    }

    /// Takes all parameters from a snapshot. Nothing changes where one is missing or of another shape.
    ///
    /// # Errors
    /// Names the first parameter that is missing or has another shape.
    pub fn load(&mut self, prefix: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.layout.load(&mut self.values, prefix, snapshot)
    }
}

/// The gradient of a scalar with respect to every parameter of a [`Store`], at the same places.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients {
    layout: Layout,
    values: AlignedVec<f32>,
}

impl Gradients {
    /// With respect to one parameter, row-major.
    pub fn get(&self, parameter: Parameter) -> &[f32] {
        &self.values[self.layout.range(parameter)]
    }

    /// With respect to one parameter, row-major.
    pub fn get_mut(&mut self, parameter: Parameter) -> &mut [f32] {
        let range = self.layout.range(parameter);
        &mut self.values[range]
    }

    /// All of them, at the places of [`Store::values`].
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All of them, at the places of [`Store::values`].
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// Which parameters they belong to.
    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Whether they belong to a store of this layout.
    pub fn fits(&self, store: &Store) -> bool {
        self.layout == store.layout
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_start_on_cache_lines_and_travel_by_name() {
        let mut store = Store::new();
        let a = store.add("a", &[3]);
        let b = store.add("b", &[2, 2]);
        let scalar = store.add("c", &[]);
        assert_eq!((store.range(a), store.range(b), store.range(scalar)), (0..3, 16..20, 32..33));
        assert_eq!((store.count(), store.find("b"), store.find("d")), (8, Some(b), None));
        store.get_mut(b).copy_from_slice(&[1.0, 2.0, 3.0, 4.0]);
        let mut snapshot = Snapshot::default();
        store.save("x.", &mut snapshot);
        let mut other = store.clone();
        other.values_mut().fill(0.0);
        other.load("x.", &snapshot).unwrap();
        assert_eq!(other, store);
        assert_eq!(other.load("y.", &snapshot).unwrap_err().to_string(), "tensor `y.a` is missing");
        other.get_mut(b)[1] = f32::NAN;
        assert_eq!((store.first_non_finite(), other.first_non_finite()), (None, Some("b")));
        assert!(store.gradients().fits(&other) && !store.gradients().fits(&Store::new()));
        assert_eq!(format!("{store:?}"), "Store {\"a\": [3], \"b\": [2, 2], \"c\": []}");
    }

    #[test]
    fn a_staircase_is_whole_in_a_snapshot() {
        let mut store = Store::new();
        store.add("a", &[1]);
        let staircase = Arc::new(Staircase::new(3, vec![1, 2]));
        let steps = store.add_staircase("steps", &staircase);
        assert_eq!((store.shape(steps), store.get(steps)), (&[6][..], &[0.0; 6][..]));
        staircase.pack(&[1.0, 9.0, 9.0, 2.0, 3.0, 9.0], store.get_mut(steps));
        let mut snapshot = Snapshot::default();
        store.save("x.", &mut snapshot);
        assert_eq!(snapshot.f32("x.steps", &[2, 3]).unwrap(), [1.0, 0.0, 0.0, 2.0, 3.0, 0.0]);
        let mut other = store.clone();
        other.values_mut().fill(0.0);
        other.load("x.", &snapshot).unwrap();
        assert_eq!(other, store);
        snapshot.put_f32("x.steps", &[6], &[0.0; 6]);
        let error = other.load("x.", &snapshot).unwrap_err().to_string();
        assert_eq!(error, "tensor `x.steps` has the shape [6], wanted [2, 3]");
    }

    #[test]
    fn the_first_difference_of_two_layouts_is_said() {
        let mut store = Store::new();
        store.add("a", &[3]);
        let mut other = store.clone();
        assert_eq!(store.layout().difference(other.layout()), None);
        other.add("b", &[2]);
        let said = |a: &Store, b: &Store| a.layout().difference(b.layout()).unwrap();
        assert_eq!(said(&store, &other), "parameter 1 is `b` [2], wanted none");
        store.add("b", &[1]);
        assert_eq!(said(&store, &other), "parameter 1 is `b` [2], wanted `b` [1]");
        assert_eq!(store.layout().length(), store.values().len());
    }
}
