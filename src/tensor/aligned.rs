//! A vector of plain numbers that starts on a cache line.
//!
//! A large `Vec<f32>` starts at 16 mod 64, so every 64-byte load from it straddles two cache lines: half the
//! speed of a lookup table. Everything a kernel reads in a hot loop lives in an [`AlignedVec`].

use super::huge_pages;
use bytemuck::{Pod, Zeroable};
use std::fmt;
use std::ops::{Deref, DerefMut};

/// One cache line, which is also one AVX-512 register.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

// SAFETY: 64 bytes without padding, of which every pattern is valid.
unsafe impl Zeroable for Line {}
// SAFETY: as above; `Copy` and `'static` hold.
unsafe impl Pod for Line {}

/// A growable array of plain numbers whose first element is 64-byte aligned.
pub struct AlignedVec<T> {
    lines: Vec<Line>,
    length: usize,
    element: std::marker::PhantomData<T>,
}

impl<T: Pod> AlignedVec<T> {
    const PER_LINE: usize = 64 / size_of::<T>();

    /// An empty vector; allocates nothing.
    pub const fn new() -> Self {
        AlignedVec { lines: Vec::new(), length: 0, element: std::marker::PhantomData }
    }

    /// `length` zeros.
    pub fn zeroed(length: usize) -> Self {
        let mut vector = Self::new();
        vector.resize(length);
        vector
    }

    /// A copy of `values`.
    pub fn from_slice(values: &[T]) -> Self {
        let mut vector = Self::zeroed(values.len());
        vector.copy_from_slice(values);
        vector
    }

    /// Makes the vector `length` long; new elements are zero. Allocates only when it grows past what it ever was.
    pub fn resize(&mut self, length: usize) {
        if length < self.length {
            let old = self.length;
            self[length..old].fill(T::zeroed());
        }
        let lines = length.div_ceil(Self::PER_LINE);
        if lines > self.lines.capacity() {
            self.lines.reserve(lines - self.lines.len());
            huge_pages::ask_for(self.lines.spare_capacity_mut());
        }
        self.lines.resize(lines, Line::zeroed());
        self.length = length;
    }
}

impl<T: Pod> Clone for AlignedVec<T> {
    fn clone(&self) -> Self {
        Self::from_slice(self)
    }
}

impl<T: Pod> Default for AlignedVec<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Pod> Deref for AlignedVec<T> {
    type Target = [T];
    #[inline]
    fn deref(&self) -> &[T] {
        &bytemuck::cast_slice(&self.lines)[..self.length]
    }
}

impl<T: Pod> DerefMut for AlignedVec<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.length]
    }
}

/// Of many elements the number alone.
impl<T: Pod + fmt::Debug> fmt::Debug for AlignedVec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.len() {
            0..=16 => self.deref().fmt(f),
            many => write!(f, "[{many} values]"),
        }
    }
}

impl<T: Pod + PartialEq> PartialEq for AlignedVec<T> {
    fn eq(&self, other: &Self) -> bool {
        self.deref() == other.deref()
    }
}

impl<T: Pod> FromIterator<T> for AlignedVec<T> {
    fn from_iter<I: IntoIterator<Item = T>>(iterator: I) -> Self {
        Self::from_slice(&iterator.into_iter().collect::<Vec<T>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_on_a_cache_line_and_grows_with_zeros() {
        let mut values = AlignedVec::<f32>::from_slice(&[1.0, 2.0, 3.0]);
        assert_eq!(values.as_ptr() as usize % 64, 0);
        values.resize(1);
        values.resize(40);
        assert_eq!(values[0], 1.0);
        assert!(values[1..].iter().all(|&x| x == 0.0), "a shrunk element must not come back");
        assert_eq!(format!("{values:?}"), "[40 values]");
    }
}
