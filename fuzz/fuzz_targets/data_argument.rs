//! The DATA argument. Names of files are put below a folder that does not exist, so that none is opened.
#![no_main]

use helmholtz::data::Dataset;
use helmholtz_fuzz::{check_line, exercise};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Argument {
    Bars(String),
    Number(i64),
    Path(String),
    Digits,
}

fuzz_target!(|argument: Argument| {
    let text = match argument {
        Argument::Bars(text) => format!("bars:{text}"),
        Argument::Number(number) => format!("bars:{}", number.checked_rem(40).unwrap_or(0)),
        Argument::Path(text) => format!("/no such folder/{text}"),
        Argument::Digits => "digits".to_owned(),
    };
    // The largest sets take a second each.
    if text.strip_prefix("bars:").and_then(|n| n.parse::<u64>().ok()).is_some_and(|n| (9..=16).contains(&n)) {
        return;
    }
    match Dataset::resolve(&text) {
        Ok(data) => {
            assert!(text == "digits" || text.starts_with("bars:"), "{text:?} was found");
            exercise(Ok(data));
        }
        // The name is the user's, and may itself have lines.
        Err(error) if text.contains(|c: char| c.is_control()) => assert!(!error.to_string().is_empty()),
        Err(error) => check_line(&error.to_string()),
    }
});
