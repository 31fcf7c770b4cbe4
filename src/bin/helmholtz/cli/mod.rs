//! The parts of every command: global options, subcommands, the report, failures, sizes and interrupts.

mod console;
mod counted;
mod failure;
mod globals;
pub mod interrupt;
mod signals;
pub mod size;
mod subcommand;

pub use console::{Console, Report};
pub use counted::counted;
pub use failure::Failure;
pub use globals::Globals;
pub use interrupt::Interrupt;
pub use subcommand::{OneOf, Subcommand, Table, Task};
