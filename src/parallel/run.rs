//! Tasks on the current rayon pool.

use super::cut::{Cut, items_mut};
use std::ops::Range;

/// Runs `task(0)`, …, `task(count − 1)`. Threads take them in runs that are halved as long as others are idle.
pub(crate) fn tasks(count: usize, task: &(dyn Fn(usize) + Sync)) {
    divide(count, 1, usize::MAX, &|run| run.for_each(task));
}

/// As [`tasks`], each of which another thread may take by itself: for few that last long, so that the threads finish together.
pub(crate) fn tasks_apart(count: usize, task: &(dyn Fn(usize) + Sync)) {
    divide(count, 1, 1, &|run| run.for_each(task));
}

/// Runs `task` with each part of `cut` and its number.
pub(crate) fn for_each<C: Cut>(cut: C, task: impl Fn(usize, C::Part) + Sync) {
    for_each_in_groups(1, cut, task);
}

/// As [`for_each`], each of which another thread may take by itself.
pub(crate) fn for_each_apart<C: Cut>(cut: C, task: impl Fn(usize, C::Part) + Sync) {
    // SAFETY: every number below the count comes once.
    tasks_apart(cut.parts(), &|index| task(index, unsafe { cut.part(index) }));
}

/// As [`for_each`], at least `group` neighbours at a time: for parts that take less time than handing them over.
pub(crate) fn for_each_in_groups<C: Cut>(group: usize, cut: C, task: impl Fn(usize, C::Part) + Sync) {
    divide(cut.parts(), group, usize::MAX, &|run| {
        for index in run {
            // SAFETY: every number below the count comes once.
            task(index, unsafe { cut.part(index) });
        }
    });
}

/// As [`for_each`], with something that `begin` makes for each run of parts that a thread takes.
pub(crate) fn for_each_with<C: Cut, T>(
    cut: C,
    begin: impl Fn() -> T + Sync,
    task: impl Fn(&mut T, usize, C::Part) + Sync,
) {
    divide(cut.parts(), 1, usize::MAX, &|run| {
        let mut own = begin();
        for index in run {
            // SAFETY: every number below the count comes once.
            task(&mut own, index, unsafe { cut.part(index) });
        }
    });
}

/// The results of `task(0)`, …, `task(count − 1)`, in this order.
pub(crate) fn map<T: Send>(count: usize, task: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let mut results: Vec<Option<T>> = Vec::with_capacity(count);
    results.resize_with(count, || None);
    for_each(items_mut(&mut results), |index, result| *result = Some(task(index)));
    results.into_iter().flatten().collect()
}

/// Runs both closures, at the same time where another thread is idle.
pub(crate) fn join<A: Send, B: Send>(left: impl FnOnce() -> A + Send, right: impl FnOnce() -> B + Send) -> (A, B) {
    let (mut left, mut right) = (Some(left), Some(right));
    let (mut a, mut b) = (None, None);
    both(&mut || a = left.take().map(|left| left()), &mut || b = right.take().map(|right| right()));
    (a.expect("it ran"), b.expect("it ran"))
}

/// The one place where rayon is handed two closures.
fn both(left: &mut (dyn FnMut() + Send), right: &mut (dyn FnMut() + Send)) {
    rayon::join(left, right);
}

/// Runs `0..count` in runs of at least `least` numbers, at most `most` where that leaves them longer than `least`.
fn divide(count: usize, least: usize, most: usize, task: &(dyn Fn(Range<usize>) + Sync)) {
    match count {
        0 => {}
        1 => task(0..1),
        _ => {
            let threads = rayon::current_num_threads();
            let halving = Halving { least: least.max(1), threads, task };
            halving.of(0..count, threads.max(count / most), false);
        }
    }
}

/// The one place where rayon is handed a loop: it is halved as rayon halves its iterators, so that a run that was stolen is
/// divided anew.
struct Halving<'a> {
    least: usize,
    threads: usize,
    task: &'a (dyn Fn(Range<usize>) + Sync),
}

impl Halving<'_> {
    /// Runs `range`, which came from another thread where it is `stolen`, in up to twice `pieces` pieces.
    fn of(&self, range: Range<usize>, pieces: usize, stolen: bool) {
        let half = range.len() / 2;
        if half < self.least || pieces == 0 && !stolen {
            return (self.task)(range);
        }
        let pieces = if stolen { self.threads.max(pieces / 2) } else { pieces / 2 };
        let middle = range.start + half;
        rayon::join_context(
            |here| self.of(range.start..middle, pieces, here.migrated()),
            |here| self.of(middle..range.end, pieces, here.migrated()),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::{chunks, chunks_mut, items, items_mut};
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn every_task_runs_once() {
        for count in [0, 1, 2, 7, 1000] {
            let runs: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
            let task = |index: usize| {
                runs[index].fetch_add(1, Ordering::Relaxed);
            };
            tasks(count, &task);
            tasks_apart(count, &task);
            for_each_in_groups(16, items(&runs), |index, _| task(index));
            for_each_with(
                items(&runs),
                || 0,
                |own, index, _| {
                    *own += 1;
                    task(index);
                },
            );
            assert!(runs.iter().all(|runs| runs.load(Ordering::Relaxed) == 4), "{count} tasks");
        }
    }

    #[test]
    fn parts_lie_side_by_side_and_the_last_may_be_short() {
        let (mut sums, mut lengths) = (vec![0; 103], vec![0; 11]);
        let (values, offsets): (Vec<usize>, Vec<usize>) = ((0..103).collect(), (0..20).collect());
        let cut = (chunks_mut(&mut sums, 10), items_mut(&mut lengths), chunks(&values, 10), items(&offsets));
        for_each(cut, |index, (sums, length, values, offset)| {
            assert_eq!(*offset, index);
            *length = values.len();
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += value + offset;
            }
        });
        assert!(sums.iter().enumerate().all(|(place, sum)| *sum == place + place / 10));
        assert_eq!(lengths, [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 3]);
    }

    #[test]
    fn results_keep_their_order() {
        assert_eq!(map(100, |index| index * index), (0..100).map(|index| index * index).collect::<Vec<_>>());
        assert_eq!(join(|| 1, || "two"), (1, "two"));
    }

    #[test]
    fn runs_are_as_long_as_asked_for() {
        for threads in [1, 2, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                divide(1000, 16, usize::MAX, &|run| assert!(run.len() >= 16));
                divide(1000, 1, 1, &|run| assert_eq!(run.len(), 1));
            });
        }
    }

    #[test]
    #[should_panic(expected = "task 5")]
    fn a_panic_comes_back() {
        tasks(10, &|index| assert!(index != 5, "task {index}"));
    }
}
