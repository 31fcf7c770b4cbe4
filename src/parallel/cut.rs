//! Slices cut into parts of which each task takes its own.

use std::marker::PhantomData;

/// Something cut into numbered parts that tasks take, each at most once.
///
/// # Safety
/// Parts of different numbers below [`parts`](Cut::parts) can be held at the same time, by different threads.
pub(crate) unsafe trait Cut: Sync {
    /// A part.
    type Part;

    /// How many there are.
    fn parts(&self) -> usize;

    /// Part number `index`.
    ///
    /// # Safety
    /// `index < self.parts()`, and nobody took that part before.
    unsafe fn part(&self, index: usize) -> Self::Part;
}

/// `slice` in chunks of `length`, the last one perhaps shorter. Panics where `length` is 0.
pub(crate) fn chunks<T: Sync>(slice: &[T], length: usize) -> Chunks<'_, T> {
    assert!(length > 0, "chunks of no elements");
    Chunks { slice, length }
}

/// As [`chunks`], to be written.
pub(crate) fn chunks_mut<T: Send>(slice: &mut [T], length: usize) -> ChunksMut<'_, T> {
    assert!(length > 0, "chunks of no elements");
    ChunksMut { first: slice.as_mut_ptr(), elements: slice.len(), length, borrowed: PhantomData }
}

/// The elements of `slice` one by one.
pub(crate) fn items<T: Sync>(slice: &[T]) -> Items<'_, T> {
    Items(slice)
}

/// As [`items`], to be written.
pub(crate) fn items_mut<T: Send>(slice: &mut [T]) -> ItemsMut<'_, T> {
    ItemsMut(chunks_mut(slice, 1))
}

/// See [`chunks`].
pub(crate) struct Chunks<'a, T> {
    slice: &'a [T],
    length: usize,
}

// SAFETY: parts are shared.
unsafe impl<'a, T: Sync> Cut for Chunks<'a, T> {
    type Part = &'a [T];

    #[inline]
    fn parts(&self) -> usize {
        self.slice.len().div_ceil(self.length)
    }

    #[inline]
    unsafe fn part(&self, index: usize) -> &'a [T] {
        let start = index * self.length;
        &self.slice[start..self.slice.len().min(start + self.length)]
    }
}

/// See [`chunks_mut`].
pub(crate) struct ChunksMut<'a, T> {
    first: *mut T,
    elements: usize,
    length: usize,
    borrowed: PhantomData<&'a mut [T]>,
}

// SAFETY: a part is a mutable borrow of its own, which moves to one thread.
unsafe impl<T: Send> Sync for ChunksMut<'_, T> {}

// SAFETY: chunks do not overlap.
unsafe impl<'a, T: Send> Cut for ChunksMut<'a, T> {
    type Part = &'a mut [T];

    #[inline]
    fn parts(&self) -> usize {
        self.elements.div_ceil(self.length)
    }

    #[inline]
    unsafe fn part(&self, index: usize) -> &'a mut [T] {
        let start = index * self.length;
        let length = self.length.min(self.elements - start);
        // SAFETY: the slice is borrowed for as long as the part lives, the stretch lies within it, and nobody else has it.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(start), length) }
    }
}

/// See [`items`].
pub(crate) struct Items<'a, T>(&'a [T]);

// SAFETY: parts are shared.
unsafe impl<'a, T: Sync> Cut for Items<'a, T> {
    type Part = &'a T;

    #[inline]
    fn parts(&self) -> usize {
        self.0.len()
    }

    #[inline]
    unsafe fn part(&self, index: usize) -> &'a T {
        &self.0[index]
    }
}

/// See [`items_mut`].
pub(crate) struct ItemsMut<'a, T>(ChunksMut<'a, T>);

// SAFETY: elements do not overlap.
unsafe impl<'a, T: Send> Cut for ItemsMut<'a, T> {
    type Part = &'a mut T;

    #[inline]
    fn parts(&self) -> usize {
        self.0.parts()
    }

    #[inline]
    unsafe fn part(&self, index: usize) -> &'a mut T {
        // SAFETY: the caller's promise is that of chunks of one element.
        unsafe { &mut self.0.part(index)[0] }
    }
}

// SAFETY: parts are those of what is there, if anything is.
unsafe impl<C: Cut> Cut for Option<C> {
    type Part = Option<C::Part>;

    /// Where there is nothing to cut, as many parts of nothing as are wanted.
    #[inline]
    fn parts(&self) -> usize {
        self.as_ref().map_or(usize::MAX, C::parts)
    }

    #[inline]
    unsafe fn part(&self, index: usize) -> Self::Part {
        // SAFETY: the caller's promise is that of what is cut.
        self.as_ref().map(|cut| unsafe { cut.part(index) })
    }
}

/// Several, side by side: as many parts as the one with the fewest has.
macro_rules! side_by_side {
    ($($cut:ident $index:tt),+) => {
        // SAFETY: a part is one part of each.
        unsafe impl<$($cut: Cut),+> Cut for ($($cut,)+) {
            type Part = ($($cut::Part,)+);

            #[inline]
            fn parts(&self) -> usize {
                usize::MAX$(.min(self.$index.parts()))+
            }

            #[inline]
            unsafe fn part(&self, index: usize) -> Self::Part {
                // SAFETY: the caller's promise, and none has fewer parts.
                unsafe { ($(self.$index.part(index),)+) }
            }
        }
    };
}

side_by_side!(A 0, B 1);
side_by_side!(A 0, B 1, C 2);
side_by_side!(A 0, B 1, C 2, D 3);
side_by_side!(A 0, B 1, C 2, D 3, E 4);
side_by_side!(A 0, B 1, C 2, D 3, E 4, F 5);
side_by_side!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
