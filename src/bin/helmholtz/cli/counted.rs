//! Numbers with what they count: `1 epoch`, `2 epochs`.

use std::fmt::Display;

/// `number` of `things`, whose plural ends in s.
pub fn counted<N: Display + PartialEq + From<u8>>(number: N, thing: &str) -> String {
    let ending = if number == N::from(1) { "" } else { "s" };
    format!("{number} {thing}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular() {
        assert_eq!([0, 1, 2].map(|number: u64| counted(number, "epoch")), ["0 epochs", "1 epoch", "2 epochs"]);
    }
}
