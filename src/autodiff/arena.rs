//! Places in one buffer, given and taken back while planning.

/// Every place starts on a cache line: 16 floats.
const ALIGNMENT: usize = 16;

/// A buffer that grows as places are asked for. A place that was given back is used again for what fits it best.
#[derive(Debug, Default)]
pub(super) struct Arena {
    /// Start and length of what is free below `end`: ascending, not touching one another.
    free: Vec<(usize, usize)>,
    end: usize,
}

impl Arena {
    /// Start of `length` floats that nothing else holds.
    pub(super) fn take(&mut self, length: usize) -> usize {
        let length = length.next_multiple_of(ALIGNMENT);
        let fitting = self.free.iter().enumerate().filter(|(_, (_, free))| *free >= length);
        if let Some((index, _)) = fitting.min_by_key(|(_, (_, free))| *free) {
            let (start, free) = self.free[index];
            if free == length {
                self.free.remove(index);
            } else {
                self.free[index] = (start + length, free - length);
            }
            return start;
        }
        // What is free at the very end is the beginning of the new place.
        let touching = self.free.pop_if(|(start, free)| *start + *free == self.end);
        let start = touching.map_or(self.end, |(start, _)| start);
        self.end = start + length;
        start
    }

    /// Takes back the `length` floats at `start`.
    pub(super) fn give_back(&mut self, start: usize, length: usize) {
        let mut length = length.next_multiple_of(ALIGNMENT);
        if length == 0 {
            return;
        }
        let mut index = self.free.partition_point(|(free, _)| *free < start);
        let mut start = start;
        if self.free.get(index).is_some_and(|(next, _)| start + length == *next) {
            length += self.free.remove(index).1;
        }
        if index > 0 && self.free[index - 1].0 + self.free[index - 1].1 == start {
            index -= 1;
            let (before, free) = self.free.remove(index);
            (start, length) = (before, free + length);
        }
        self.free.insert(index, (start, length));
    }

    /// Length that the buffer needs, in floats.
    pub(super) fn length(&self) -> usize {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;

    #[test]
    fn the_best_fit_is_used_again_and_neighbours_merge() {
        let mut arena = Arena::default();
        let starts: Vec<usize> = [32, 16, 16, 16, 5].into_iter().map(|length| arena.take(length)).collect();
        assert_eq!(starts, [0, 32, 48, 64, 80]);
        arena.give_back(0, 32);
        arena.give_back(48, 16);
        assert_eq!(arena.take(16), 48);
        arena.give_back(48, 16);
        arena.give_back(32, 16);
        assert_eq!((arena.take(64), arena.length()), (0, 96));
        arena.give_back(80, 5);
        assert_eq!((arena.take(40), arena.length()), (80, 128));
        assert_eq!((arena.take(0), arena.length()), (128, 128));
    }

    #[test]
    fn places_never_overlap() {
        let mut words = vec![0u32; 4_000];
        Seed(3).lanes("arena", 0).fill_words(&mut words);
        let (mut arena, mut held) = (Arena::default(), Vec::<(usize, usize)>::new());
        for word in words {
            if word % 5 < 2 && !held.is_empty() {
                let (start, length) = held.swap_remove(word as usize / 5 % held.len());
                arena.give_back(start, length);
                continue;
            }
            let length = (word >> 8) as usize % 200;
            let start = arena.take(length);
            assert_eq!(start % ALIGNMENT, 0);
            assert!(start + length <= arena.length());
            let apart = |(other, its): &(usize, usize)| start + length <= *other || other + its <= start;
            assert!(held.iter().all(apart));
            held.push((start, length));
        }
        held.into_iter().for_each(|(start, length)| arena.give_back(start, length));
        assert_eq!(arena.free, [(0, arena.end)]);
    }
}
