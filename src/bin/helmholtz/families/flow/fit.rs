//! `helmholtz train flow --target`: a flow fitted to a density, a proposal for its normaliser.

use super::model::KIND;
use super::target::{self, Target};
use super::train::Train;
use super::{pictures, report};
use crate::cli::{Failure, Globals, Report};
use crate::input::{Binarize, Domain};
use crate::run::{Options, Session, Subject, Trained, widths};
use helmholtz::flow::{Flow, ReverseKl, ReverseTrainer, metrics};
use helmholtz::sampling::{GradientLogDensity, Work};
use helmholtz::store::Snapshot;
use helmholtz::train::Trainer;
use std::fmt::Debug;

/// The default settings: those of maximum likelihood, but for what is watched.
pub const SUBJECT: Subject = Subject {
    kind: KIND,
    updates: 6000,
    batch: 256,
    data: "moons",
    domain: Domain::Reals,
    binarize: Binarize::None,
    watched: metrics::LOG_Z_BOUND,
};

impl Train {
    /// Fits a flow to the target of this name, reports log Z, and leaves a run folder.
    pub fn fit_to(&self, name: &str, options: &Options, globals: &Globals) -> Result<Report, Failure> {
        if options.early_stop.is_some() {
            return Err(Failure::new("--early-stop needs rows to learn from, and --target is a density"));
        }
        let target = Target::open(name)?;
        let mut options = options.clone();
        if options.data.is_none() && options.init.is_none() {
            options.data = target.data();
        }
        match &target {
            Target::BuiltIn(density) => self.fit(name, *density, &target, &options, globals),
            Target::Neural { energy, .. } => self.fit(name, &energy.density(), &target, &options, globals),
        }
    }

    fn fit<T>(
        &self,
        name: &str,
        density: T,
        target: &Target,
        options: &Options,
        globals: &Globals,
    ) -> Result<Report, Failure>
    where
        T: GradientLogDensity + Clone + Debug + Send,
    {
        let mut session = Session::begin(&SUBJECT, options, globals)?;
        session.settings.settle("target", Some(name.to_owned()), String::new())?;
        let start = session.started_from(Flow::from_checkpoint)?;
        let config = self.config(&mut session, start.as_ref().map(Flow::config))?;
        widths::check(&config.hidden, config.width)?;
        let usual = ReverseKl::new(density.clone());
        let descent = self.descent().settle(&mut session.settings, &usual.descent)?;
        let recipe = ReverseKl { descent, ..usual };
        if recipe.descent.averages() {
            session.select_by(metrics::AVERAGE_LOG_Z_BOUND);
        }
        let flow = match start {
            Some(flow) => flow,
            None => Flow::new(config, session.training.seed.derive("flow", 0))?,
        };
        let mut trainer = ReverseTrainer::new(flow, &recipe, &session.train, &session.training)?;
        let ended = session.run(&mut trainer, globals)?;
        session.conclude(&ended, &Fitted { flow: trainer.model(), density, target }, globals.console())
    }
}

/// A flow beside what it was fitted to.
struct Fitted<'a, T> {
    flow: Flow,
    density: T,
    target: &'a Target,
}

impl<T: GradientLogDensity> Trained for Fitted<'_, T> {
    fn snapshot(&self, _: &Session) -> Snapshot {
        self.flow.to_snapshot()
    }

    fn size(&self) -> String {
        report::words(self.flow.config())
    }

    fn draw_pictures(&self, session: &Session) -> Result<&'static [&'static str], Failure> {
        pictures::of_table(&self.flow, session)
    }

    fn judge(&self, session: &Session, work: &Work, report: &mut Report) -> Result<(), Failure> {
        let (rows, _) = session.judged_by();
        let seed = session.training.seed;
        let known = target::known(self.target, &rows, seed, work)?;
        target::tell(&self.flow, &self.density, &rows, &known, seed, report)
    }
}
