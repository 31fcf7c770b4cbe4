//! The guard: every hot loop as a fraction of its limit, both measured in this run, against the floors in
//! `benches/floors.txt`. Ends with an error where a loop has fallen below its floor.
//!
//! ```text
//! cargo bench --bench guard                     compare with the floors
//! cargo bench --bench guard -- --record         write new floors, 0.8 × what is measured
//! cargo bench --bench guard -- --only gibbs     the loops whose name has this in it
//! cargo bench --bench guard -- --json           a line of JSON a loop
//! ```
//!
//! For a quiet machine: it is run by hand, not by the continuous checks. Loops and limits take turns and the best of each counts, so
//! that a disturbance must last for the whole run to matter; a loop below its floor is measured once more.

mod floors;
mod limits;
mod loops;

use floors::{Floors, Key};
use helmholtz::simd::Isa;
use limits::Limits;
use loops::Loop;
use std::process::ExitCode;

/// Turns that every loop and limit gets.
const ROUNDS: usize = 7;

/// What is recorded, of what was measured: a slower run of the same code stays above it.
const MARGIN: f64 = 0.8;

struct Arguments {
    record: bool,
    json: bool,
    only: Option<String>,
}

fn arguments() -> Result<Arguments, String> {
    let mut arguments = Arguments { record: false, json: false, only: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            // Cargo's own.
            "--bench" => {}
            "--record" => arguments.record = true,
            "--json" => arguments.json = true,
            "--only" => arguments.only = Some(words.next().ok_or("--only needs a part of a name")?),
            _ => return Err(format!("unknown argument {word}; known are --record, --only TEXT and --json")),
        }
    }
    Ok(arguments)
}

fn main() -> ExitCode {
    match arguments().and_then(|arguments| run(&arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether all is well.
fn run(arguments: &Arguments) -> Result<bool, String> {
    let isa = Isa::select().map_err(|error| error.to_string())?;
    let threads = rayon::current_num_threads();
    let mut floors = Floors::read()?;
    let key = |measured: &Loop| Key { isa: isa.to_string(), threads, name: measured.name.to_owned() };

    let mut loops = loops::all();
    loops.retain(|measured| arguments.only.as_ref().is_none_or(|part| measured.name.contains(part)));
    if loops.is_empty() {
        return Err("no loop has a name like that".to_owned());
    }
    let mut limits = Limits::new();
    for round in 0..ROUNDS {
        eprintln!("round {} of {ROUNDS}", round + 1);
        limits.measure();
        loops.iter_mut().for_each(Loop::measure);
    }
    let floor = |measured: &Loop| floors.get(&key(measured));
    let falls =
        |measured: &Loop, limits: &Limits| floor(measured).is_some_and(|floor| measured.fraction(limits) < floor);
    if !arguments.record && loops.iter().any(|measured| falls(measured, &limits)) {
        eprintln!("some are below their floor: once more");
        for _ in 0..ROUNDS {
            limits.measure();
            for measured in &mut loops {
                if falls(measured, &limits) {
                    measured.measure();
                }
            }
        }
    }

    if arguments.json {
        for measured in &loops {
            println!(
                r#"{{"name":"{}","isa":"{isa}","threads":{threads},"item":"{}","per_second":{:e},"fraction":{:.4}}}"#,
                measured.name,
                measured.item,
                measured.items_per_second(),
                measured.fraction(&limits)
            );
        }
    } else {
        println!("{isa}, {threads} threads\n{limits}");
        println!("{:<22} {:>22} {:>9} {:>7}  of", "loop", "rate", "fraction", "floor");
        for measured in &loops {
            let fraction = measured.fraction(&limits);
            let (floor, verdict) = match floor(measured) {
                Some(floor) if fraction < floor => (format!("{floor:.3}"), "  BELOW"),
                Some(floor) => (format!("{floor:.3}"), ""),
                None => ("none".to_owned(), ""),
            };
            println!(
                "{:<22} {:>22} {fraction:>9.3} {floor:>7}  {}{verdict}",
                measured.name,
                measured.rate(),
                measured.limit.name()
            );
        }
    }
    if arguments.record {
        for measured in &loops {
            floors.set(key(measured), measured.fraction(&limits) * MARGIN);
        }
        floors.write()?;
        return Ok(true);
    }
    if loops.iter().all(|measured| floor(measured).is_none()) {
        eprintln!("no floors are recorded for {isa} and {threads} threads: --record writes them");
    }
    let fallen = loops.iter().filter(|measured| falls(measured, &limits)).count();
    if fallen > 0 {
        eprintln!("error: {fallen} of {} loops are below their floor", loops.len());
    }
    Ok(fallen == 0)
}
