//! The plan of a program: operations in order, and where each reads and writes.

use super::Shape;
use super::op::Op;
use std::ops::Range;

/// A buffer that operations read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Region {
    /// The program's own.
    Arena,
    /// The values of the parameters. Nothing writes them.
    Store,
    /// The gradients of the parameters.
    Gradients,
}

/// Place of a tensor's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) region: Region,
    pub(super) start: usize,
    pub(super) length: usize,
}

impl Place {
    pub(super) fn new(region: Region, range: Range<usize>) -> Self {
        Place { region, start: range.start, length: range.len() }
    }

    pub(super) fn range(self) -> Range<usize> {
        self.start..self.start + self.length
    }

    fn overlaps(self, other: Place) -> bool {
        let (a, b) = (self.range(), other.range());
        self.region == other.region && a.start.max(b.start) < a.end.min(b.end)
    }
}

/// Need for a step: an evaluation skips those that only gradients need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Outputs,
    Gradients,
}

/// One operation to run.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) op: Op,
    pub(super) operands: Vec<(Place, Shape)>,
    pub(super) result: Place,
    pub(super) purpose: Purpose,
    pub(super) order: Order,
    /// Name of its result in messages.
    pub(super) description: String,
}

/// When a step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// After all steps before it, and before all steps after it.
    InTurn,
    /// After all steps before it, and beside all steps after it.
    Beside,
}

/// A tensor that is there before the first step or after the last one, and what messages call it.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) name: String,
    pub(super) place: Place,
}

/// Plan of a program.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) inputs: Vec<Slot>,
    pub(super) outputs: Vec<Slot>,
    /// Parameters and constants.
    pub(super) given: Vec<Slot>,
    /// Places in the gradients of parameters that nothing depends on: zeros.
    pub(super) unreached: Vec<Range<usize>>,
}

impl Plan {
    /// Makes sure of all that running it takes for granted.
    ///
    /// # Panics
    /// When a place lies outside its buffer, of which `lengths` are the lengths; when a step writes where it reads, or into
    /// the store; when a run or an evaluation reads what is not there, or not there any more; when steps that run beside one
    /// another touch the same numbers and one of them writes.
    pub(super) fn check(&self, lengths: impl Fn(Region) -> usize) {
        let inside = |place: Place| assert!(place.range().end <= lengths(place.region), "{place:?} is outside");
        for step in &self.steps {
            let what = &step.description;
            inside(step.result);
            assert!(step.result.region != Region::Store, "{what} writes a parameter");
            for (place, shape) in &step.operands {
                inside(*place);
                assert_eq!(place.length, shape.elements(), "{what} reads a tensor of shape {shape}");
                assert!(!place.overlaps(step.result), "{what} writes where it reads");
            }
        }
        self.given.iter().chain(&self.inputs).chain(&self.outputs).for_each(|slot| inside(slot.place));
        self.unreached.iter().for_each(|range| inside(Place::new(Region::Gradients, range.clone())));
        self.check_order(&[Purpose::Outputs, Purpose::Gradients]);
        self.check_order(&[Purpose::Outputs]);
        self.check_neighbours();
    }

    /// Makes sure that a step that runs beside those after it neither writes what they read or write nor reads what they write.
    fn check_neighbours(&self) {
        for (index, step) in self.steps.iter().enumerate().filter(|(_, step)| step.order == Order::Beside) {
            let what = &step.description;
            assert!(step.purpose == Purpose::Gradients, "an evaluation runs its steps in turn, so also {what}");
            for other in &self.steps[index + 1..] {
                let theirs = &other.description;
                let reads = |step: &Step, place: Place| step.operands.iter().any(|(read, _)| read.overlaps(place));
                assert!(!step.result.overlaps(other.result), "{what} and {theirs} write the same place");
                assert!(!reads(other, step.result), "{theirs} reads what {what} writes beside it");
                assert!(!reads(step, other.result), "{what} reads what {theirs} writes beside it");
            }
        }
    }

    /// Makes sure that what is read was written, and not written over since.
    fn check_order(&self, purposes: &[Purpose]) {
        let leaves = || self.inputs.iter().chain(&self.given);
        let mut there: Vec<Place> = leaves().map(|slot| slot.place).collect();
        for step in self.steps.iter().filter(|step| purposes.contains(&step.purpose)) {
            let what = &step.description;
            assert!(
                step.operands.iter().all(|(place, _)| there.contains(place)),
                "{what} reads what is not there"
            );
            let gradients = step.result.region == Region::Gradients;
            assert!(!gradients || purposes.contains(&Purpose::Gradients), "{what} writes a gradient");
            there.retain(|place| !place.overlaps(step.result));
            there.push(step.result);
        }
        for slot in leaves().chain(&self.outputs) {
            assert!(there.contains(&slot.place), "{} is not there any more", slot.name);
        }
    }
}
