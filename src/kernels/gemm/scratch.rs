//! Packing buffers.

use crate::tensor::AlignedVec;
use std::cell::RefCell;

thread_local! {
    /// Packing buffers that no product of this thread uses now. More than one where the thread, waiting for a task of one
    /// product, works on another.
    static SCRATCH: RefCell<Vec<AlignedVec<f32>>> = RefCell::new(Vec::with_capacity(16));
}

/// Memory that products pack their operands into. A thread has its own, but whether a product meets another one that has
/// taken it depends on which thread finishes first; who must not allocate brings one: see [`with_scratch`].
#[derive(Clone, Debug, Default)]
pub struct Scratch(AlignedVec<f32>);

/// Runs `body`, whose products, one after the other, pack into `scratch`, which grows to what the largest of them needs.
pub fn with_scratch<T>(scratch: &mut Scratch, body: impl FnOnce() -> T) -> T {
    give_back(std::mem::take(&mut scratch.0));
    let result = body();
    // The last one is the one that came: what others took in the meantime they have put back.
    scratch.0 = take();
    result
}

/// A buffer that no product of this thread uses.
pub(in crate::kernels) fn take() -> AlignedVec<f32> {
    SCRATCH.with_borrow_mut(Vec::pop).unwrap_or_default()
}

/// Puts a buffer back for the thread's next product.
pub(in crate::kernels) fn give_back(scratch: AlignedVec<f32>) {
    SCRATCH.with_borrow_mut(|spare| spare.push(scratch));
}
