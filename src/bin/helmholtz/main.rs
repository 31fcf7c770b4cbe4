//! `helmholtz`: train, judge and sample generative models on a CPU. A file a command, a folder a family of models.

mod bench;
mod cli;
mod commands;
mod contract;
mod families;
mod input;
mod pictures;
mod registry;
mod run;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use cli::{Failure, Globals, OneOf, Report};
use commands::Commands;
use helmholtz::simd::Isa;
use std::process::ExitCode;

/// Train, judge and sample generative models on a CPU
#[derive(Parser)]
#[command(
    version,
    max_term_width = 100,
    after_help = "\
DATA is one of
  digits       8×8 digits, built in
  bars:N       all bars and stripes of N×N pixels
  gaussians8, checkerboard, moons, ring, grid
               densities on the plane, for models of real numbers
  a folder     with MNIST's four files, .gz or not
  a file       IDX images, .gz or not, or a two-dimensional .npy

HELMHOLTZ_ISA=portable, avx2 or avx512 in the environment chooses the instructions, instead of the
best that the CPU has.

Start with:
  helmholtz train rbm              learn the digits: some seconds, and a folder with pictures
  helmholtz eval runs/rbm-digits   how likely the model makes digits that it has not seen
  helmholtz sample runs/rbm-digits
  helmholtz inpaint runs/rbm-digits --mask bottom
  helmholtz train vae              the same digits by a variational autoencoder
  helmholtz train neural           a density on the plane by a network's energy
  helmholtz train flow             a density on the plane by a normalizing flow, its likelihood exact
  helmholtz compare runs/rbm-digits runs/vae-digits    both on the same rows
  helmholtz train hopfield         store ten digits; helmholtz recall leads corrupted ones back"
)]
struct CommandLine {
    #[command(subcommand)]
    command: OneOf<Commands>,
    #[command(flatten)]
    globals: Globals,
}

/// More threads than any machine has.
const THREADS: usize = 1024;

fn main() -> ExitCode {
    let arguments = match CommandLine::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    match run(&arguments) {
        Ok(mut report) => {
            report.figure("version", env!("CARGO_PKG_VERSION"));
            report.figure_once("seed", arguments.globals.seed().0);
            report.print(&arguments.globals.console())
        }
        Err(failure) => failure.report(),
    }
}

/// Runs the command inside a pool of the threads asked for; nothing is ever sent to rayon's global one.
fn run(arguments: &CommandLine) -> Result<Report, Failure> {
    Isa::select().map_err(|error| Failure::new(error.to_string()))?;
    let globals = &arguments.globals;
    let threads = match globals.threads {
        Some(threads) if (1..=THREADS).contains(&threads) => threads,
        Some(threads) => {
            return Err(Failure::new(format!("--threads {threads}: must be from 1 to {THREADS}")));
        }
        None => std::thread::available_parallelism().map_or(1, |threads| threads.get().min(THREADS)),
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Failure::new(format!("--threads {threads}: {error}")))?;
    pool.install(|| arguments.command.run(globals))
}

/// Help as it is; a mistake in one line, with the suggestion if there is one, and status 2.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        // Where nobody reads the help, there is nobody to tell.
        let _ = error.print();
        return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
    }
    let text = error.to_string();
    let mut lines = text.lines();
    let message: Vec<&str> = lines.by_ref().take_while(|line| !line.is_empty()).map(str::trim).collect();
    let message = message.join(" ");
    // A negative number is no argument after `--` but a wrong value.
    let tip = lines.filter_map(|line| line.trim().strip_prefix("tip: ")).find(|tip| !tip.contains("as a value"));
    let name = CommandLine::command().get_name().to_owned();
    let hint =
        tip.map_or_else(|| format!("{name} --help, or --help after a command, says what there is"), str::to_owned);
    let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
    Failure::new(message).hint(hint).report();
    ExitCode::from(2)
}
