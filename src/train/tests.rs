//! The loop on the smallest learner there is: the mean of the data.

use super::*;
use crate::data::Dataset;
use crate::random::Seed;
use crate::store::{Snapshot, SnapshotError};

/// The mean of everything seen, blended with what came before, so that order matters to the last bit.
#[derive(Clone, Debug, PartialEq)]
struct Mean {
    value: f64,
    updates: u64,
    evaluations: usize,
    poison: Option<u64>,
}

impl Mean {
    fn new() -> Self {
        Mean { value: 0.0, updates: 0, evaluations: 0, poison: None }
    }
}

impl Learner for Mean {
    fn step(&mut self, batch: &Batch<'_>, progress: &Progress) -> Result<(), TrainError> {
        assert_eq!(self.updates, progress.step);
        let mut row = vec![0.0; batch.data.width()];
        for &index in batch.rows {
            batch.data.row_into(index, &mut row);
            let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / row.len() as f64;
            self.value += (mean - self.value) * 0.1 * (1.0 - progress.fraction());
        }
        self.updates += 1;
        if self.poison == Some(self.updates) {
            self.value = f64::NAN;
        }
        Ok(())
    }

    fn evaluate(
        &mut self,
        _: &Dataset<'_>,
        held_out: Option<&Dataset<'_>>,
        progress: &Progress,
        metrics: &mut Metrics,
    ) -> Result<(), TrainError> {
        self.evaluations += 1;
        metrics.set("mean", self.value);
        metrics.set("epoch", progress.epoch as f64);
        if let Some(held_out) = held_out {
            metrics.set("held_out", held_out.len() as f64);
        }
        Ok(())
    }

    fn save(&self, snapshot: &mut Snapshot) {
        snapshot.put_f64("mean", &[], &[self.value]);
        snapshot.put_u64("updates", &[], &[self.updates]);
    }

    fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.value = snapshot.f64("mean", &[])?[0];
        self.updates = snapshot.u64("updates", &[])?[0];
        Ok(())
    }
}

/// Records what it sees and stops at a step.
#[derive(Default)]
struct Recorder {
    steps: Vec<u64>,
    evaluations: Vec<(u64, f64)>,
    checkpoints: Vec<(u64, Snapshot)>,
    stop_at: Option<u64>,
}

impl Observer for Recorder {
    fn step(&mut self, progress: &Progress) -> Control {
        self.steps.push(progress.step);
        if self.stop_at == Some(progress.step) { Control::Stop } else { Control::Continue }
    }
    fn evaluation(&mut self, progress: &Progress, metrics: &Metrics) -> Result<Control, TrainError> {
        self.evaluations.push((progress.epoch, metrics.get("mean").unwrap_or(f64::NAN)));
        Ok(Control::Continue)
    }
    fn wants_checkpoint(&mut self, _: &Progress) -> bool {
        true
    }
    fn checkpoint(&mut self, progress: &Progress, snapshot: &Snapshot) -> Result<(), TrainError> {
        self.checkpoints.push((progress.step, snapshot.clone()));
        Ok(())
    }
}

fn data() -> Dataset<'static> {
    Dataset::digits().train()
}

fn training() -> Training {
    Training { epochs: 4, batch: 100, seed: Seed(3), ..Training::default() }
}

fn run(learner: &mut Mean, training: &Training, recorder: &mut Recorder) -> Result<Summary, TrainError> {
    let data = data();
    let held_out = training.early_stopping.is_some().then_some(&data);
    train(learner, &data, held_out, training, None, recorder)
}

#[test]
fn a_run_resumed_where_it_ended_is_what_it_was() {
    for early_stopping in [None, Some(EarlyStopping { patience: 100, judge: Some(Judge::higher("mean")) })] {
        let (mut learner, mut recorder) = (Mean::new(), Recorder::default());
        let training = Training { early_stopping, ..training() };
        let whole = run(&mut learner, &training, &mut recorder).unwrap();
        let (_, last) = recorder.checkpoints.pop().expect("a last checkpoint");
        let (mut again, mut seen, data) = (Mean::new(), Recorder::default(), data());
        let held_out = training.early_stopping.is_some().then_some(&data);
        let summary = train(&mut again, &data, held_out, &training, Some(&last), &mut seen).unwrap();
        assert_eq!(summary, whole);
        assert_eq!((again.value, again.updates), (learner.value, learner.updates));
        assert!(seen.steps.is_empty() && seen.evaluations.is_empty(), "nothing is done twice");
        assert_eq!(seen.checkpoints, [(training.steps_for(data.len()).unwrap(), last)]);
    }
}

#[test]
fn evaluates_and_saves_at_the_ends_of_epochs() {
    let (mut learner, mut recorder) = (Mean::new(), Recorder::default());
    let training = Training { evaluate_every: 3, checkpoint_every: 2, ..training() };
    let summary = run(&mut learner, &training, &mut recorder).unwrap();
    let steps = training.steps_for(data().len()).unwrap();
    assert_eq!(recorder.steps, (1..=steps).collect::<Vec<_>>());
    assert_eq!(recorder.evaluations.iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>(), [3, 4]);
    let second_epoch = (2 * data().len() as u64).div_ceil(100);
    assert_eq!(recorder.checkpoints.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [0, second_epoch, steps]);
    assert_eq!(summary.ending, Ending::Finished);
    assert_eq!(summary.progress.epoch, 4);
    assert_eq!(summary.metrics.get("mean"), Some(learner.value));
    assert_eq!(summary.metrics.get("held_out"), None);
}

#[test]
fn the_held_out_split_reaches_the_learner() {
    let test = Dataset::digits().test();
    let training = Training { steps: Some(1), ..training() };
    let summary = train(&mut Mean::new(), &data(), Some(&test), &training, None, &mut ()).unwrap();
    assert_eq!(summary.metrics.get("held_out"), Some(test.len() as f64));
}

#[test]
fn a_resumed_run_ends_with_the_same_bits() {
    let mut unbroken = Recorder::default();
    run(&mut Mean::new(), &training(), &mut unbroken).unwrap();
    for stop_at in [1, 14, 15, 40] {
        let mut first = Recorder { stop_at: Some(stop_at), ..Recorder::default() };
        let summary = run(&mut Mean::new(), &training(), &mut first).unwrap();
        assert_eq!((summary.ending, summary.progress.step), (Ending::Stopped, stop_at));
        let (_, checkpoint) = first.checkpoints.last().unwrap();
        let mut second = Recorder::default();
        let mut learner = Mean::new();
        train(&mut learner, &data(), None, &training(), Some(checkpoint), &mut second).unwrap();
        assert_eq!(second.checkpoints.last(), unbroken.checkpoints.last());
        let evaluations = [first.evaluations, second.evaluations].concat();
        assert_eq!(evaluations, unbroken.evaluations, "every evaluation once, whoever made it");
    }
}

#[test]
fn stopping_on_purpose_keeps_the_schedule() {
    let mut recorder = Recorder::default();
    let stopped = Training { stop_after: Some(2), ..training() };
    let summary = run(&mut Mean::new(), &stopped, &mut recorder).unwrap();
    assert_eq!((summary.ending, summary.progress.epoch, summary.progress.epochs), (Ending::Stopped, 2, 4));
    assert_eq!(recorder.evaluations.len(), 2);
    let (_, checkpoint) = recorder.checkpoints.last().unwrap();
    assert_eq!(Position::of(checkpoint).unwrap().steps, training().steps_for(data().len()).unwrap());
}

#[test]
fn a_finished_run_resumed_changes_nothing() {
    let mut recorder = Recorder::default();
    run(&mut Mean::new(), &training(), &mut recorder).unwrap();
    let (_, last) = recorder.checkpoints.pop().unwrap();
    let mut again = Recorder::default();
    let summary = train(&mut Mean::new(), &data(), None, &training(), Some(&last), &mut again).unwrap();
    assert_eq!(summary.ending, Ending::Finished);
    assert!(again.steps.is_empty());
    assert_eq!(again.checkpoints.last().unwrap().1, last);
}

#[test]
fn another_seed_batch_or_length_is_refused_and_more_epochs_are_not() {
    let mut recorder = Recorder { stop_at: Some(20), ..Recorder::default() };
    run(&mut Mean::new(), &training(), &mut recorder).unwrap();
    let (_, checkpoint) = recorder.checkpoints.last().unwrap();
    let resume = |training: &Training, data: &Dataset<'_>| {
        train(&mut Mean::new(), data, None, training, Some(checkpoint), &mut ()).map_err(|error| error.to_string())
    };
    let refused = [
        (Training { seed: Seed(4), ..training() }, "the checkpoint was made with seed 3, not 4"),
        (Training { batch: 50, ..training() }, "the checkpoint was made with batch 100, not 50"),
        (Training { steps: Some(19), ..training() }, "the run is at step 20, past the 19 asked for now"),
    ];
    for (training, message) in refused {
        assert_eq!(resume(&training, &data()).unwrap_err(), message);
    }
    assert!(resume(&training(), &Dataset::digits().test()).is_err());
    assert_eq!(resume(&Training { epochs: 6, ..training() }, &data()).unwrap().progress.epoch, 6);
    let foreign = train(&mut Mean::new(), &data(), None, &training(), Some(&Snapshot::default()), &mut ());
    assert!(matches!(foreign, Err(TrainError::NoPosition)));
}

#[test]
fn a_nan_is_an_error_and_no_checkpoint_holds_it() {
    let mut recorder = Recorder::default();
    let mut learner = Mean { poison: Some(17), ..Mean::new() };
    let error = run(&mut learner, &training(), &mut recorder).unwrap_err();
    assert!(matches!(&error, TrainError::NonFinite { step: 29, tensor, .. } if tensor == "mean"), "{error}");
    assert!(error.hint().is_some());
    let mut recorder = Recorder { stop_at: Some(17), ..Recorder::default() };
    let mut learner = Mean { poison: Some(17), ..Mean::new() };
    run(&mut learner, &training(), &mut recorder).unwrap_err();
    assert_eq!(recorder.checkpoints.last().unwrap().0, 15, "the last good one");
}

#[test]
fn early_stopping_waits_and_is_resumed() {
    let rule = |metric: &str, direction| EarlyStopping {
        patience: 3,
        judge: Some(Judge { metric: metric.to_owned().into(), direction }),
    };
    let never = rule("epoch", Direction::Higher);
    let training = |early_stopping| Training { epochs: 12, early_stopping: Some(early_stopping), ..training() };
    assert_eq!(
        run(&mut Mean::new(), &training(never), &mut Recorder::default()).unwrap().ending,
        Ending::Finished
    );

    // The epoch number only ever gets worse: the first evaluation is the best, three more are waited for.
    let soon = training(rule("epoch", Direction::Lower));
    let mut unbroken = Recorder::default();
    let summary = run(&mut Mean::new(), &soon, &mut unbroken).unwrap();
    assert_eq!((summary.ending, summary.progress.epoch, summary.best), (Ending::NoImprovement, 4, Some((1.0, 1))));

    let mut first = Recorder { stop_at: Some(40), ..Recorder::default() };
    run(&mut Mean::new(), &soon, &mut first).unwrap();
    let mut second = Recorder::default();
    let (_, checkpoint) = first.checkpoints.last().unwrap();
    let summary = train(&mut Mean::new(), &data(), Some(&data()), &soon, Some(checkpoint), &mut second).unwrap();
    assert_eq!((summary.ending, summary.progress.epoch), (Ending::NoImprovement, 4));
    assert_eq!(second.checkpoints.last(), unbroken.checkpoints.last());

    let mut again = Recorder::default();
    let (_, last) = second.checkpoints.last().unwrap();
    train(&mut Mean::new(), &data(), Some(&data()), &soon, Some(last), &mut again).unwrap();
    assert!(again.steps.is_empty() && again.evaluations.is_empty(), "it has ended");
    assert_eq!(again.checkpoints.last(), unbroken.checkpoints.last());

    let error = run(&mut Mean::new(), &training(rule("loss", Direction::Lower)), &mut Recorder::default());
    assert_eq!(
        error.unwrap_err().to_string(),
        "early stopping watches loss, but the figures of this run are: mean, epoch, held_out"
    );
}

#[test]
fn early_stopping_watches_rows_that_no_step_sees() {
    let rule = EarlyStopping { patience: 3, judge: Some(Judge::lower("mean")) };
    let training = Training { early_stopping: Some(rule), ..training() };
    let said = |held_out, training: &Training| {
        train(&mut Mean::new(), &data(), held_out, training, None, &mut ()).unwrap_err().to_string()
    };
    assert_eq!(said(None, &training), "early stopping needs rows held out of training to watch");
    let training = Training { early_stopping: Some(EarlyStopping::patience(3)), ..training };
    let nobody = "early stopping has no figure to watch: the learner names none";
    assert_eq!(said(Some(&data()), &training), nobody);
}

#[test]
fn early_stopping_leaves_the_best_learner_whoever_saw_it() {
    let mut plain = Recorder::default();
    let training = Training { epochs: 12, ..training() };
    run(&mut Mean::new(), &training, &mut plain).unwrap();
    // Of the evaluations, neither the first nor the last is the best; patience lasts to the end of the run.
    let values: Vec<f64> = plain.evaluations.iter().map(|(_, value)| *value).collect();
    let best = (0..values.len()).min_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap();
    assert!(best > 0 && best + 1 < values.len(), "{values:?}");
    let metric = "mean".to_owned();
    let judge = Judge { metric: metric.into(), direction: Direction::Lower };
    let rule = EarlyStopping { patience: 100, judge: Some(judge) };
    let training = Training { early_stopping: Some(rule), ..training };
    let (mut learner, mut unbroken) = (Mean::new(), Recorder::default());
    let summary = run(&mut learner, &training, &mut unbroken).unwrap();
    assert_eq!(summary.best, Some((values[best], best as u64 + 1)));
    assert_eq!((summary.ending, summary.progress.epoch), (Ending::Finished, 12));
    assert_eq!((learner.value, summary.metrics.get("mean")), (values[best], Some(values[best])));
    assert_eq!(summary.metrics.get("epoch"), Some(best as f64 + 1.0));
    // The last checkpoint holds the last learner, from which more epochs go on.
    let (_, last) = unbroken.checkpoints.last().unwrap();
    assert_eq!(last.f64("mean", &[]).unwrap(), [values[11]]);

    let steps = training.steps_for(data().len()).unwrap();
    let mut first = Recorder { stop_at: Some(steps - 1), ..Recorder::default() };
    let mut learner = Mean::new();
    run(&mut learner, &training, &mut first).unwrap();
    assert_eq!(learner.updates, steps - 1, "a run that was stopped goes on from its last learner");
    let (_, checkpoint) = first.checkpoints.last().unwrap();
    let mut second = Recorder::default();
    let mut learner = Mean::new();
    train(&mut learner, &data(), Some(&data()), &training, Some(checkpoint), &mut second).unwrap();
    assert_eq!(learner.value, values[best], "seen by the first process");
    assert_eq!(second.checkpoints.last(), unbroken.checkpoints.last());
}

#[test]
fn a_checkpoint_with_a_nan_is_refused() {
    let mut recorder = Recorder { stop_at: Some(20), ..Recorder::default() };
    run(&mut Mean::new(), &training(), &mut recorder).unwrap();
    let (_, mut checkpoint) = recorder.checkpoints.pop().unwrap();
    checkpoint.put_f64("mean", &[], &[f64::NAN]);
    let error = train(&mut Mean::new(), &data(), None, &training(), Some(&checkpoint), &mut ()).unwrap_err();
    assert_eq!(error.to_string(), "the checkpoint is damaged: mean holds a NaN or an infinity");
}

#[test]
fn every_observer_of_a_group_is_asked() {
    let (mut a, mut b) = (Recorder { stop_at: Some(2), ..Recorder::default() }, Recorder::default());
    let mut group: Vec<&mut dyn Observer> = vec![&mut a, &mut b];
    let summary = train(&mut Mean::new(), &data(), None, &training(), None, &mut group).unwrap();
    assert_eq!(summary.progress.step, 2);
    assert_eq!((a.steps, b.steps), (vec![1, 2], vec![1, 2]));
    let mut pair = (Recorder::default(), Recorder { stop_at: Some(3), ..Recorder::default() });
    train(&mut Mean::new(), &data(), None, &training(), None, &mut pair).unwrap();
    assert_eq!((pair.0.steps.len(), pair.1.checkpoints.len()), (3, 2));
}

#[test]
fn how_often_one_looks_changes_nothing() {
    let mut values = Vec::new();
    for evaluate_every in [0, 1, 3] {
        let mut learner = Mean::new();
        run(&mut learner, &Training { evaluate_every, ..training() }, &mut Recorder::default()).unwrap();
        values.push(learner.value.to_bits());
    }
    assert!(values.iter().all(|bits| *bits == values[0]));
}

#[test]
fn rows_with_weights_are_refused_by_who_takes_no_account_of_them() {
    let weighted = data().with_weights(&vec![1.0; data().len()]).unwrap();
    let mut learner = Mean::new();
    let run = train(&mut learner, &weighted, None, &training(), None, &mut Recorder::default());
    let said = run.unwrap_err().to_string();
    assert_eq!(said, "the rows have weights, which this model takes no account of");
}
