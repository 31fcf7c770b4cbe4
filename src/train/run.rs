//! The loop.

use super::early::{Best, EarlyStopping, Judge, Watch};
use super::error::LOWER_RATE;
use super::{Batch, Control, Learner, Metrics, Observer, Position, Progress, TrainError, Training};
use crate::data::{Batches, Dataset};
use crate::store::Snapshot;

/// The ending of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// After its last step.
    Finished,
    /// An observer said so, or [`Training::stop_after`] did: its checkpoint continues it.
    Stopped,
    /// By [`Training::early_stopping`].
    NoImprovement,
}

/// The outcome of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Its ending.
    pub ending: Ending,
    /// The position it came to.
    pub progress: Progress,
    /// The figures of the learner as it is left, where the run has ended; else those of the last evaluation in this
    /// call, none where it stopped before the first one.
    pub metrics: Metrics,
    /// The best value of the figure that early stopping watches, and the epoch it was seen at: where the run has ended,
    /// the learner is left as it was then.
    pub best: Option<(f64, u64)>,
}

/// Trains `learner` on batches of `train`, monitored on `held_out`, from the start or from the checkpoint `resume`.
///
/// A resumed run gives the same bits as the unbroken one. It must have the same seed, batch and data; another length
/// stretches the schedules over what is now the whole run.
///
/// With [`Training::early_stopping`] a run that has ended leaves the learner as it was at its best evaluation. Its last
/// checkpoint holds both: resumed, it goes on from where it ended.
///
/// The loop runs inside the rayon pool it is called from, and allocates nothing in a step.
///
/// # Errors
/// A setting that makes no sense, a checkpoint of another run, a NaN or infinity, or what the learner and the observer
/// report. After an error the learner's state is not to be used; checkpoints made before it are good.
pub fn train<L: Learner + ?Sized>(
    learner: &mut L,
    train: &Dataset<'_>,
    held_out: Option<&Dataset<'_>>,
    training: &Training,
    resume: Option<&Snapshot>,
    observer: &mut dyn Observer,
) -> Result<Summary, TrainError> {
    let mut run = Run::start(learner, train, held_out, training, resume, observer)?;
    if rayon::current_thread_index().is_some() {
        return run.go();
    }
    // A job sent to the pool from outside allocates. Sent once for the whole run, the jobs of every step start inside.
    rayon::join(move || run.go(), || ()).0
}

struct Run<'a, L: ?Sized> {
    learner: &'a mut L,
    train: &'a Dataset<'a>,
    held_out: Option<&'a Dataset<'a>>,
    training: &'a Training,
    observer: &'a mut dyn Observer,
    position: Position,
    progress: Progress,
    watch: Watch,
    metrics: Metrics,
    resumed: bool,
}

impl<'a, L: Learner + ?Sized> Run<'a, L> {
    fn start(
        learner: &'a mut L,
        train: &'a Dataset<'a>,
        held_out: Option<&'a Dataset<'a>>,
        training: &'a Training,
        resume: Option<&Snapshot>,
        observer: &'a mut dyn Observer,
    ) -> Result<Self, TrainError> {
        let steps = training.steps_for(train.len())?;
        if train.is_weighted() && !learner.takes_weights() {
            return Err(TrainError::Weights);
        }
        if training.early_stopping.is_some() && held_out.is_none() {
            return Err(TrainError::NothingHeldOut);
        }
        let (batch, rows) = (training.batch as u64, train.len() as u64);
        let mut position = Position { step: 0, steps, seed: training.seed, batch, rows };
        let mut watch = Watch::default();
        if let Some(snapshot) = resume {
            let saved = Position::of(snapshot).ok_or(TrainError::NoPosition)?;
            position.step = position.resume(&saved)?;
            if let Some(name) = snapshot.non_finite() {
                return Err(TrainError::NonFiniteCheckpoint { tensor: name.to_owned() });
            }
            watch = Watch::load(snapshot);
            learner.load(snapshot)?;
        }
        let mut run = Run {
            learner,
            train,
            held_out,
            training,
            observer,
            position,
            progress: Progress::default(),
            watch,
            metrics: Metrics::new(),
            resumed: resume.is_some(),
        };
        run.progress = run.progress_at(position.step);
        Ok(run)
    }

    fn progress_at(&self, step: u64) -> Progress {
        Progress::at(step, self.position.steps, self.training.batch, self.train.len())
    }

    fn go(&mut self) -> Result<Summary, TrainError> {
        if !self.resumed {
            self.checkpoint()?;
        }
        let batches = Batches::new(self.train.len(), self.training.batch, self.training.seed);
        let mut rows = vec![0; self.training.batch];
        let mut evaluated = false;
        let begun_at = self.position.step;
        while self.position.step < self.position.steps && !self.improvement_is_over() {
            if self.stops_on_purpose() {
                return self.end(Ending::Stopped);
            }
            batches.fill(self.position.step, &mut rows);
            self.learner.step(&Batch { data: self.train, rows: &rows }, &self.progress)?;
            let before = self.progress.epoch;
            self.position.step += 1;
            self.progress = self.progress_at(self.position.step);
            let mut control = self.observer.step(&self.progress);
            let now = self.progress.epoch;
            evaluated = crosses(before, now, self.training.evaluate_every);
            if evaluated {
                control = control.or(self.evaluate()?);
            }
            if control == Control::Stop && self.position.step < self.position.steps {
                return self.end(Ending::Stopped);
            }
            if crosses(before, now, self.training.checkpoint_every)
                && self.position.step < self.position.steps
                && self.observer.wants_checkpoint(&self.progress)
            {
                self.checkpoint()?;
            }
        }
        // A run resumed where it had ended was evaluated there, before its checkpoint: only its figures are wanted again.
        if self.resumed && self.position.step == begun_at {
            self.measure(self.progress)?;
        } else if !evaluated && !self.improvement_is_over() {
            self.evaluate()?;
        }
        let finished = self.position.step == self.position.steps;
        self.end(if finished { Ending::Finished } else { Ending::NoImprovement })
    }

    fn improvement_is_over(&self) -> bool {
        self.training.early_stopping.as_ref().is_some_and(|rule| self.watch.exhausted(rule))
    }

    fn stops_on_purpose(&self) -> bool {
        self.training.stop_after.is_some_and(|epochs| self.progress.epoch >= epochs)
    }

    fn evaluate(&mut self) -> Result<Control, TrainError> {
        self.measure(self.progress)?;
        if let Some(rule) = &self.training.early_stopping
            && let Some(value) = self.watch.is_best(&self.judge(rule)?, &self.metrics)?
        {
            let Progress { epoch, step, .. } = self.progress;
            self.watch.keep(Best { value, epoch, step, learner: self.snapshot()? });
        }
        self.observer.evaluation(&self.progress, &self.metrics)
    }

    fn judge(&self, rule: &EarlyStopping) -> Result<Judge, TrainError> {
        rule.judge.clone().or_else(|| self.learner.judge()).ok_or(TrainError::NoJudge)
    }

    fn measure(&mut self, progress: Progress) -> Result<(), TrainError> {
        self.metrics.clear();
        self.learner.evaluate(self.train, self.held_out, &progress, &mut self.metrics)?;
        match self.metrics.iter().find(|(_, value)| !value.is_finite()) {
            Some((name, _)) => Err(self.non_finite(name)),
            None => Ok(()),
        }
    }

    /// The learner, which no one ever sees with a NaN in it: the last good checkpoint stays.
    fn snapshot(&self) -> Result<Snapshot, TrainError> {
        let mut snapshot = Snapshot::default();
        self.learner.save(&mut snapshot);
        match snapshot.non_finite() {
            Some(name) => Err(self.non_finite(name)),
            None => Ok(snapshot),
        }
    }

    fn checkpoint(&mut self) -> Result<(), TrainError> {
        let mut snapshot = self.snapshot()?;
        self.position.save(&mut snapshot);
        if self.training.early_stopping.is_some() {
            self.watch.save(&mut snapshot);
        }
        self.observer.checkpoint(&self.progress, &snapshot)
    }

    fn end(&mut self, ending: Ending) -> Result<Summary, TrainError> {
        self.checkpoint()?;
        let best = self.watch.best().map(|best| (best.value, best.epoch));
        if ending != Ending::Stopped {
            self.return_to_best()?;
        }
        let metrics = std::mem::take(&mut self.metrics);
        Ok(Summary { ending, progress: self.progress, metrics, best })
    }

    fn return_to_best(&mut self) -> Result<(), TrainError> {
        let Some(best) = self.watch.best().filter(|_| self.training.early_stopping.is_some()) else {
            return Ok(());
        };
        self.learner.load(&best.learner)?;
        self.measure(self.progress_at(best.step))
    }

    fn non_finite(&self, tensor: &str) -> TrainError {
        TrainError::NonFinite { step: self.position.step, tensor: tensor.to_owned(), hint: LOWER_RATE }
    }
}

/// Whether a multiple of `every` lies in (`before`, `now`]; never for 0.
fn crosses(before: u64, now: u64, every: u64) -> bool {
    every > 0 && now / every > before / every
}
