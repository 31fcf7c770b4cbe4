//! Subcommands that a table lists: the commands, `train KIND` and `bench SUBJECT`.

use super::console::Report;
use super::failure::Failure;
use super::globals::Globals;
use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, Error, FromArgMatches};
use std::marker::PhantomData;

/// The options of a subcommand as given, ready to run.
pub trait Task: Send + Sync {
    /// Does what was asked for.
    fn run(&self, globals: &Globals) -> Result<Report, Failure>;
}

/// A subcommand: its name, and how its options are declared and read.
#[derive(Clone, Copy)]
pub struct Subcommand {
    name: &'static str,
    declare: fn(Command) -> Command,
    read: fn(&ArgMatches) -> Result<Box<dyn Task>, Error>,
}

impl Subcommand {
    /// The subcommand `name` with the options of `T`.
    pub const fn of<T: Args + Task + 'static>(name: &'static str) -> Self {
        Subcommand { name, declare: T::augment_args, read: |matches| Ok(Box::new(T::from_arg_matches(matches)?)) }
    }
}

/// A table of subcommands.
pub trait Table {
    /// Its subcommands, in the order of the help.
    fn subcommands() -> Vec<Subcommand>;
}

/// The subcommand of a table that was given.
pub struct OneOf<T> {
    task: Box<dyn Task>,
    table: PhantomData<T>,
}

impl<T> OneOf<T> {
    /// Does what was asked for.
    pub fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        self.task.run(globals)
    }
}

impl<T: Table> FromArgMatches for OneOf<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let (name, matches) = matches.subcommand().ok_or_else(|| Error::new(ErrorKind::MissingSubcommand))?;
        let given = T::subcommands().into_iter().find(|subcommand| subcommand.name == name);
        let given = given.ok_or_else(|| Error::new(ErrorKind::InvalidSubcommand))?;
        Ok(OneOf { task: (given.read)(matches)?, table: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<T: Table> clap::Subcommand for OneOf<T> {
    fn augment_subcommands(command: Command) -> Command {
        T::subcommands().into_iter().fold(command, |command, subcommand| {
            command.subcommand((subcommand.declare)(Command::new(subcommand.name)))
        })
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        T::subcommands().iter().any(|subcommand| subcommand.name == name)
    }
}
