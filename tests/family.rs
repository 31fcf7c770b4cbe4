//! A family of models from the library's public parts alone, in one file: independent pixels, trained on the tape, judged,
//! drawn from, saved and resumed. docs/architecture.md lists the places that a family in the program touches besides.

use helmholtz::Seed;
use helmholtz::autodiff::Var;
use helmholtz::data::{Dataset, Unsuitable, Values, Wanted};
use helmholtz::optim::{Decay, Descent, Schedule};
use helmholtz::random::Streams;
use helmholtz::sampling::{Estimate, Kind};
use helmholtz::store::{Parameter, Snapshot, SnapshotError, Store};
use helmholtz::tensor::BitMatrix;
use helmholtz::train::tape::{
    BatchProgram, BatchReader, Evaluation, Objective, Part, Piece, TapeModel, TapeTrainer,
};
use helmholtz::train::{Batch, Control, Fit, Fitting, Judge, Metrics, Observer, Progress, TrainError, Training};

/// Independent pixels with logits b: ln p(x) = Σ (x b − softplus b).
#[derive(Clone, Debug)]
struct Pixels {
    store: Store,
    logits: Parameter,
    width: usize,
}

impl Pixels {
    fn new(width: usize) -> Self {
        let mut store = Store::new();
        Pixels { logits: store.add("logits", &[width]), store, width }
    }

    /// ln p(x) of each row, exactly.
    fn log_likelihood(&self, data: &Dataset<'_>) -> Result<Estimate, Unsuitable> {
        Wanted { width: self.width, values: Values::Bits }.check(data)?;
        let x = data.to_bits().to_f32();
        let term = |(x, b): (&f32, &f32)| f64::from(x * b) - f64::from(*b).exp().ln_1p();
        let row = |x: &[f32]| x.iter().zip(self.store.get(self.logits)).map(term).sum();
        let rows: Vec<f64> = x.chunks_exact(self.width).map(row).collect();
        Ok(Estimate::of(&rows, Kind::Exact, "independent pixels"))
    }

    /// `count` independent draws, the same on any number of threads and in any company.
    fn sample(&self, count: usize, seed: Seed) -> BitMatrix {
        let mut streams = Streams::new(seed, "pixels", count);
        let mut uniforms = vec![0.0; Streams::ROWS];
        let mut draws = BitMatrix::zeros(count, self.width);
        for (block, stream) in streams.blocks_mut().iter_mut().enumerate() {
            for (unit, b) in self.store.get(self.logits).iter().enumerate() {
                stream.fill_uniform(&mut uniforms);
                let rows = (block * Streams::ROWS..count).zip(&uniforms);
                rows.for_each(|(row, u)| draws.set(row, unit, *u < 1.0 / (1.0 + (-b).exp())));
            }
        }
        draws
    }
}

impl TapeModel for Pixels {
    type Error = SnapshotError;
    fn store(&self) -> &Store {
        &self.store
    }
    fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }
    fn describe(&self, _: &mut Snapshot) {}
    fn shaped_like(snapshot: &Snapshot, prefix: &str) -> Result<Self, SnapshotError> {
        Ok(Pixels::new(snapshot.shape(&format!("{prefix}logits"))?.iter().product()))
    }
}

/// −ln p(x), a mean over the batch.
#[derive(Clone, Debug)]
struct CrossEntropy {
    reader: BatchReader,
    parts: [Part; 1],
}

impl Objective for CrossEntropy {
    type Model = Pixels;
    type Recipe = Descent;
    fn new(
        model: &mut Pixels,
        descent: &Descent,
        data: &Dataset<'_>,
        training: &Training,
    ) -> Result<Self, TrainError> {
        Wanted { width: model.width, values: Values::Probabilities }.check(data)?;
        let part = Part::joint("adam.", *descent, &model.store);
        Ok(CrossEntropy { reader: BatchReader::new(training, model.width), parts: [part] })
    }
    fn parts(&self) -> &[Part] {
        &self.parts
    }
    fn loss<'t>(&self, model: &Pixels, _: usize, piece: &Piece<'t>) -> Var<'t> {
        let x = piece.rows("x", model.width);
        x.tape().parameter(model.logits).broadcast_to(x.shape()).bernoulli_cross_entropy(x).mean()
    }
    fn read(
        &mut self,
        _: &Pixels,
        batch: &Batch<'_>,
        _: &Progress,
        programs: &mut [BatchProgram],
    ) -> Result<(), TrainError> {
        self.reader.read(batch, programs[0].input_mut("x"));
        Ok(())
    }
    fn evaluate(&mut self, at: &Evaluation<'_, Pixels>, metrics: &mut Metrics) -> Result<(), TrainError> {
        metrics.set("log_likelihood", at.model.log_likelihood(at.watched())?.value);
        Ok(())
    }
    fn judge(&self, _: &Pixels) -> Option<Judge> {
        Some(Judge::higher("log_likelihood"))
    }
    fn save(&self, snapshot: &mut Snapshot) {
        self.reader.save(snapshot);
    }
    fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.reader.load(snapshot)
    }
}

impl Fit for Pixels {
    type Recipe = Descent;
    type Trainer = TapeTrainer<CrossEntropy>;
    fn trainer(
        self,
        recipe: &Descent,
        data: &Dataset<'_>,
        training: &Training,
    ) -> Result<Self::Trainer, TrainError> {
        TapeTrainer::new(self, recipe, data, training)
    }
}

/// Stops at a step, and keeps the last checkpoint.
struct Keeper(Option<u64>, Snapshot);

impl Observer for Keeper {
    fn step(&mut self, progress: &Progress) -> Control {
        if self.0 == Some(progress.step) { Control::Stop } else { Control::Continue }
    }
    fn checkpoint(&mut self, _: &Progress, snapshot: &Snapshot) -> Result<(), TrainError> {
        self.1 = snapshot.clone();
        Ok(())
    }
}

fn fit(stop_at: Option<u64>, resume: Option<&Snapshot>) -> (Pixels, Snapshot) {
    let (mut model, mut keeper) = (Pixels::new(64), Keeper(stop_at, Snapshot::default()));
    let falls = Schedule { decay: Decay::Linear, warm_up: 0 };
    let recipe = Descent { learning_rate: 0.1, schedule: falls, average_decay: 0.9, ..Descent::default() };
    let training = Training { epochs: 20, ..Training::default() };
    let fitting = Fitting { resume, observer: Some(&mut keeper), ..Fitting::default() };
    model.fit_with(&Dataset::digits().train(), &recipe, &training, fitting).expect("a run");
    (model, keeper.1)
}

#[test]
fn a_family_trains_judges_samples_and_resumes() {
    let (model, checkpoint) = fit(None, None);
    let (_, half) = fit(Some(101), None);
    let (resumed, end) = fit(None, Some(&half));
    assert!(end == checkpoint && resumed.store == model.store, "resumed, the run ends with the same bits");
    assert_eq!(Pixels::from_checkpoint(&checkpoint).expect("a model").store, model.store);

    // No independent pixels are better than those with the rows' own means; Adam ends within its last small steps of them.
    let train = Dataset::digits().train();
    let value = model.log_likelihood(&train).expect("bits").value;
    let best: f64 = train
        .means()
        .iter()
        .filter(|p| **p > 0.0 && **p < 1.0)
        .map(|p| p * p.ln() + (1.0 - p) * (1.0 - p).ln())
        .sum();
    assert!(value <= best && value > best - 0.2, "{value}, at best {best}");

    // 64 counts of 4,096 draws within 4.9 standard errors: all of them but once in 16,000 times.
    let count = 4096;
    let draws = model.sample(count, Seed(2)).column_counts();
    for (on, b) in draws.iter().zip(model.store.get(model.logits)) {
        let p = 1.0 / (1.0 + f64::from(-b).exp());
        let error = (p * (1.0 - p) / count as f64).sqrt();
        assert!((f64::from(*on) / count as f64 - p).abs() <= 4.9 * error + 1.0 / count as f64, "{on} for {p}");
    }
}
