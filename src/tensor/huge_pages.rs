//! Large pages for large arrays: a product that reads a column of panels touches another page with every row, and of pages of 4 KB
//! the processor remembers the places of few.

use std::mem::MaybeUninit;

/// Bytes below which an array has no whole large page to win.
const LEAST: usize = 4 << 20;

/// Asks the system to back memory that nothing was written to yet by large pages: advice, which it may not take.
pub(super) fn ask_for<T>(memory: &mut [MaybeUninit<T>]) {
    let bytes = size_of_val(memory);
    if bytes < LEAST {
        return;
    }
    #[cfg(target_os = "linux")]
    {
        const PAGE: usize = 4096;
        let start = memory.as_mut_ptr().cast::<u8>();
        let skipped = start.align_offset(PAGE);
        let whole = (bytes - skipped.min(bytes)) / PAGE * PAGE;
        // SAFETY: whole pages of memory that is borrowed; the advice changes no byte of it. What it returns is of no consequence.
        unsafe { libc::madvise(start.add(skipped).cast(), whole, libc::MADV_HUGEPAGE) };
    }
}
