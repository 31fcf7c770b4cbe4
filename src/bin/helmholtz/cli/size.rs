//! Sizes from the command line: refused before anything is allocated for them.

use super::failure::Failure;

/// 2²⁸ numbers: a gigabyte of floats, of which training needs several.
const MOST: usize = 1 << 28;

/// Refuses an option whose value is 0, or that would need `value × each` numbers where no one wants so many.
pub fn check(option: &str, value: usize, each: usize) -> Result<(), Failure> {
    check_product(&[(option, value)], each)
}

/// Refuses options of which one is 0, or whose product times `each` is more numbers than anyone wants: the largest is
/// named, and how large it may be beside the others.
pub fn check_product(options: &[(&str, usize)], each: usize) -> Result<(), Failure> {
    if let Some((option, _)) = options.iter().find(|(_, value)| *value == 0) {
        return Err(Failure::new(format!("--{option} is 0, but must be at least 1")));
    }
    let numbers = options.iter().try_fold(each, |product, (_, value)| product.checked_mul(*value));
    if numbers.is_some_and(|numbers| numbers <= MOST) {
        return Ok(());
    }
    let largest = (0..options.len()).max_by_key(|&index| options[index].1).unwrap_or(0);
    let others = options.iter().enumerate().filter(|(index, _)| *index != largest).map(|(_, (_, value))| *value);
    let most = (MOST / others.fold(each, usize::saturating_mul).max(1)).max(1);
    let (option, value) = options[largest];
    Err(Failure::new(format!("--{option} is {value}, but can be at most {most} here")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_too_many_are_refused() {
        assert!(check("count", 1, 784).is_ok());
        for (value, each) in [(0, 784), (usize::MAX, 2), (1 << 28, 2)] {
            assert!(check("count", value, each).is_err(), "{value}");
        }
    }

    #[test]
    fn the_largest_is_named() {
        let said = |count, chains| {
            check_product(&[("count", count), ("chains", chains)], 2).map_err(|failure| failure.to_string())
        };
        assert_eq!(said(1 << 13, 1 << 14), Ok(()));
        assert_eq!(said(1 << 13, 1 << 15).unwrap_err(), "--chains is 32768, but can be at most 16384 here");
        assert_eq!(
            said(usize::MAX, 2).unwrap_err(),
            "--count is 18446744073709551615, but can be at most 67108864 here"
        );
        assert_eq!(said(0, usize::MAX).unwrap_err(), "--count is 0, but must be at least 1");
    }
}
