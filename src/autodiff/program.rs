//! What has been recorded, to be run again and again: nothing is allocated, and gradients land where the optimiser reads.

use super::operation::View;
use super::plan::{Order, Place, Plan, Purpose, Region, Slot, Step};
use super::planner::plan;
use super::tape::MOST_OPERANDS;
use super::{Shape, Tape};
use crate::kernels::gemm::{Scratch, with_scratch};
use crate::kernels::reduce::all_finite;
use crate::parallel::join;
use crate::store::{Gradients, Layout, Store};
use crate::tensor::AlignedVec;
use std::marker::PhantomData;

/// A planned recording. It owns its inputs, outputs and intermediate results, but neither the store nor the tape; copies of it
/// run independently of one another.
///
/// Operations share their work with the rayon pool that the caller is in. Outside of one each of them sends a job to the
/// global pool, which takes time and allocates: put a loop of runs inside one `install` or `join`, as
/// [`train`](crate::train::train) does.
///
/// ```
/// use helmholtz::{autodiff::Program, store::Store};
/// let mut store = Store::new();
/// let slope = store.add("slope", &[1]);
/// let mut step = Program::record(&store, |tape| {
///     let (x, y) = (tape.input("x", [3]), tape.input("y", [3]));
///     let error = x * tape.parameter(slope) - y;
///     let loss = (error * error).sum_to([]);
///     tape.output("loss", loss);
///     tape.gradients(loss);
/// });
/// let mut gradients = store.gradients();
/// step.input_mut("x").copy_from_slice(&[1.0, 2.0, 3.0]);
/// step.input_mut("y").copy_from_slice(&[2.0, 4.0, 6.0]);
/// for _ in 0..30 {
///     step.run(&store, &mut gradients);
///     store.get_mut(slope)[0] -= 0.02 * gradients.get(slope)[0];
/// }
/// assert!((store.get(slope)[0] - 2.0).abs() < 1e-5);
/// step.evaluate(&store);
/// assert!(step.scalar("loss") < 1e-9);
/// ```
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) plan: Plan,
    arena: AlignedVec<f32>,
    /// What products pack into: of the steps in turn, then of each step that runs beside them.
    scratch: Vec<Scratch>,
    /// Of the store it was recorded over.
    layout: Layout,
    differentiated: bool,
}

impl Program {
    /// Runs `body` on an empty tape over `store`, and plans what it recorded. Inputs and outputs hold what they were while
    /// recording.
    ///
    /// # Panics
    /// Where the tape does: at an operation whose operands' shapes do not go together.
    pub fn record(store: &Store, body: impl FnOnce(&Tape<'_>)) -> Program {
        let tape = Tape::new(store);
        body(&tape);
        let recording = tape.recording.into_inner();
        let (plan, arena) = plan(&recording, store.layout());
        let beside = plan.steps.iter().filter(|step| step.order == Order::Beside).count();
        let (layout, scratch) = (store.layout().clone(), vec![Scratch::default(); 1 + beside]);
        Program { plan, arena, scratch, layout, differentiated: recording.differentiated }
    }

    /// The values of an input, row-major: they stay until they are written again.
    ///
    /// # Panics
    /// When there is no input of that name.
    #[track_caller]
    pub fn input_mut(&mut self, name: &str) -> &mut [f32] {
        &mut self.arena[find(&self.plan.inputs, "input", name).range()]
    }

    /// The values of an output, row-major: those of the last run or evaluation.
    ///
    /// # Panics
    /// When there is no output of that name.
    #[track_caller]
    pub fn output(&self, name: &str) -> &[f32] {
        &self.arena[find(&self.plan.outputs, "output", name).range()]
    }

    /// The value of an output of one element.
    ///
    /// # Panics
    /// When there is no output of that name, or it has another number of elements.
    #[track_caller]
    pub fn scalar(&self, name: &str) -> f32 {
        let output = self.output(name);
        assert_eq!(output.len(), 1, "the output `{name}` has {} elements, wanted one", output.len());
        output[0]
    }

    /// Whether there is an output of that name.
    pub fn has_output(&self, name: &str) -> bool {
        self.plan.outputs.iter().any(|slot| slot.name == name)
    }

    /// How much memory it owns for inputs, outputs, constants and intermediate results.
    pub fn arena_bytes(&self) -> usize {
        size_of_val(&*self.arena)
    }

    /// Computes the outputs, and the declared gradients of the parameters; those of parameters that the loss does not
    /// depend on are zero.
    ///
    /// # Panics
    /// When no gradients were declared, or the store or `gradients` have other parameters than the store had while
    /// recording.
    #[track_caller]
    pub fn run(&mut self, store: &Store, gradients: &mut Gradients) {
        assert!(self.differentiated, "this program declares no gradients: evaluate it");
        self.check_layout("the store", store.layout());
        self.check_layout("the gradients", gradients.layout());
        self.plan.unreached.iter().for_each(|range| gradients.values_mut()[range.clone()].fill(0.0));
        let memory = Memory::new(&mut self.arena, store, gradients.values_mut());
        let (own, beside) = self.scratch.split_first_mut().expect("one for the steps in turn");
        with_scratch(own, || memory.execute_all(&self.plan.steps, beside));
    }

    /// Computes the outputs alone, whether or not gradients were declared.
    ///
    /// # Panics
    /// When the store has other parameters than it had while recording.
    #[track_caller]
    pub fn evaluate(&mut self, store: &Store) {
        self.check_layout("the store", store.layout());
        let memory = Memory::new(&mut self.arena, store, &mut []);
        let steps = self.plan.steps.iter().filter(|step| step.purpose == Purpose::Outputs);
        with_scratch(&mut self.scratch[0], || steps.for_each(|step| memory.execute(step)));
    }

    /// What holds the first NaN or infinity of a run with the present inputs, if anything does: an input, a parameter, a
    /// constant, else a result, by its name or as in "`exp` of `encoder.2.weight`". Slow: for messages.
    ///
    /// # Panics
    /// When the store has other parameters than it had while recording.
    #[track_caller]
    pub fn first_non_finite(&self, store: &Store) -> Option<String> {
        self.check_layout("the store", store.layout());
        let (mut arena, mut gradients) = (self.arena.clone(), store.gradients());
        let memory = Memory::new(&mut arena, store, gradients.values_mut());
        if let Some(slot) = self.plan.inputs.iter().find(|slot| !all_finite(memory.read(slot.place))) {
            return Some(format!("the input `{}`", slot.name));
        }
        if let Some(slot) = self.plan.given.iter().find(|slot| !all_finite(memory.read(slot.place))) {
            return Some(slot.name.clone());
        }
        let found = self.plan.steps.iter().find(|step| {
            memory.execute(step);
            !all_finite(memory.read(step.result))
        });
        found.map(|step| step.description.clone())
    }

    #[track_caller]
    fn check_layout(&self, what: &str, given: &Layout) {
        if let Some(difference) = self.layout.difference(given) {
            panic!("{what} and the program do not fit: {difference}");
        }
    }
}

#[track_caller]
fn find(slots: &[Slot], kind: &str, name: &str) -> Place {
    let Some(slot) = slots.iter().find(|slot| slot.name == name) else {
        let known: Vec<String> = slots.iter().map(|slot| format!("`{}`", slot.name)).collect();
        panic!(
            "there is no {kind} `{name}`, only {}",
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
        );
    };
    slot.place
}

/// The buffers that steps read and write. Their lengths are those that [`Plan::check`] was given; an evaluation, which
/// writes no gradient, has none of the last.
struct Memory<'a> {
    arena: *mut f32,
    store: &'a [f32],
    gradients: *mut f32,
    borrowed: PhantomData<&'a mut [f32]>,
}

// SAFETY: steps that run at the same time write apart from what the others read or write: `Plan::check_neighbours`.
unsafe impl Sync for Memory<'_> {}

impl<'a> Memory<'a> {
    fn new(arena: &'a mut [f32], store: &'a Store, gradients: &'a mut [f32]) -> Self {
        let (arena, gradients) = (arena.as_mut_ptr(), gradients.as_mut_ptr());
        Memory { arena, store: store.values(), gradients, borrowed: PhantomData }
    }

    fn base(&self, region: Region) -> *const f32 {
        match region {
            Region::Arena => self.arena.cast_const(),
            Region::Store => self.store.as_ptr(),
            Region::Gradients => self.gradients.cast_const(),
        }
    }

    /// What is in a place of a checked plan, while no step runs.
    fn read(&self, place: Place) -> &[f32] {
        // SAFETY: `Plan::check` found the place inside its buffer.
        unsafe { std::slice::from_raw_parts(self.base(place.region).add(place.start), place.length) }
    }

    /// Runs the steps of a checked plan. `scratch` is for those that run beside the others, in their order.
    fn execute_all(&self, steps: &[Step], scratch: &mut [Scratch]) {
        for (index, step) in steps.iter().enumerate() {
            if step.order == Order::Beside {
                let (own, others) = scratch.split_first_mut().expect("one for each of them");
                let rest = &steps[index + 1..];
                join(|| self.execute_all(rest, others), || with_scratch(own, || self.execute(step)));
                return;
            }
            self.execute(step);
        }
    }

    /// Runs one step of a checked plan.
    fn execute(&self, step: &Step) {
        let operation = step.op.operation().expect("leaves have no step");
        let mut operands = [View { values: &[][..], shape: Shape::SCALAR }; MOST_OPERANDS];
        for (view, (place, shape)) in operands.iter_mut().zip(&step.operands) {
            // SAFETY: `Plan::check` found the place inside its buffer, apart from the result's and from what other steps write
            // at the same time.
            let values =
                unsafe { std::slice::from_raw_parts(self.base(place.region).add(place.start), place.length) };
            *view = View { values, shape: *shape };
        }
        let Place { region, start, length } = step.result;
        let target = if region == Region::Arena { self.arena } else { self.gradients };
        // SAFETY: as above; only these two buffers are written, and both are borrowed mutably.
        let result = unsafe { std::slice::from_raw_parts_mut(target.add(start), length) };
        operation.forward(&operands[..step.operands.len()], result);
    }
}
