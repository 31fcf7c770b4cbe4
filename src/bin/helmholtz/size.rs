//! Sizes from the command line: refused before anything is allocated for them.

use crate::failure::Failure;

/// 2²⁸ numbers: a gigabyte of floats, of which training needs several.
const MOST: usize = 1 << 28;

/// Refuses an option whose value is 0, or that would need `value × each` numbers where no one wants so many.
pub fn check(option: &str, value: usize, each: usize) -> Result<(), Failure> {
    if value == 0 {
        return Err(Failure::new(format!("--{option} is 0, but must be at least 1")));
    }
    if value.checked_mul(each).is_none_or(|numbers| numbers > MOST) {
        let most = (MOST / each.max(1)).max(1);
        return Err(Failure::new(format!("--{option} is {value}, but can be at most {most} here")));
    }
    Ok(())
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
}
