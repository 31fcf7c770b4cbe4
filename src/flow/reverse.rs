//! Training by the reverse Kullback–Leibler divergence: a flow that is fitted to a density known up to its normaliser, from no data.
//!
//! F = E_q[ln q(x) − ln p*(x)] = KL(q ‖ p) − ln Z, the variational free energy, bounds −ln Z from above. A draw x = f(u) moves with the
//! parameters, and along it the gradient of F is E[(∇ ln q(x) − ∇ ln p*(x)) · ∂x/∂φ]: that of ln q at a fixed x has the mean 0 and
//! is left out (Roeder, Wu & Duvenaud 2017), so that the gradient vanishes draw by draw where q is p (Vaitl et al. 2022).
//!
//! The reverse divergence asks nothing of q where it has no draws: modes that it misses cost nothing, and no figure made of its own
//! draws tells. [`Flow::log_normaliser`] looks at rows of the target besides, where there are some.

use super::{Flow, FlowError, metrics};
use crate::Setting;
use crate::autodiff::{Program, Var};
use crate::data::Dataset;
use crate::optim::Descent;
use crate::parallel::{chunks_mut, for_each, items_mut};
use crate::random::{Seed, Streams};
use crate::sampling::{DensityError, GradientLogDensity};
use crate::store::{Snapshot, SnapshotError};
use crate::train::tape::{BatchProgram, Evaluation, Objective, Part, Piece, Pieces, TapeTrainer};
use crate::train::{Batch, Judge, Metrics, Progress, TrainError, Trainer, Training};

/// Draws that evaluation looks at.
const MONITORED: usize = 2048;
/// Draws of a piece, as of rows in maximum likelihood.
const PIECE: usize = 128;
const STREAMS: &str = "reverse.streams";
const U: &str = "u";
const Z: &str = "z";
const SLOPES: &str = "slopes";
const LOG_DENSITY: &str = "log_density";
/// The inverse temperature that the target begins with.
const COLDEST: f64 = 0.1;
const FAR_OUT: &str = "confine the target, or lower the learning rate";

/// A recipe of training by the reverse divergence to `target`, whose log-density may lack its normaliser.
///
/// ```
/// use helmholtz::flow::{Flow, FlowConfig, FlowProposal, ReverseKl};
/// use helmholtz::sampling::{DensityError, GradientLogDensity, LogDensity};
/// use helmholtz::train::Training;
/// use helmholtz::Seed;
///
/// /// e^(−(x₀² + 4 x₁²) / 2): its integral is π.
/// #[derive(Clone, Debug)]
/// struct Ellipse;
/// impl LogDensity for Ellipse {
///     fn dimension(&self) -> usize {
///         2
///     }
///     fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
///         Ok(-0.5 * (x[0] * x[0] + 4.0 * x[1] * x[1]))
///     }
/// }
/// impl GradientLogDensity for Ellipse {
///     fn log_density_and_gradient(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, DensityError> {
///         (gradient[0], gradient[1]) = (-x[0], -4.0 * x[1]);
///         self.log_density(x)
///     }
/// }
///
/// let mut flow = Flow::new(FlowConfig { hidden: vec![16], layers: 2, ..FlowConfig::new(2) }, Seed(1))?;
/// let training = Training { steps: Some(300), batch: 128, ..Training::default() };
/// flow.fit_to(&ReverseKl::new(Ellipse), &training)?;
/// let log_z = flow.log_normaliser(&Ellipse, &FlowProposal::default(), None)?;
/// assert!((log_z.log_z.value - std::f64::consts::PI.ln()).abs() < 4.0 * log_z.log_z.error + 1e-3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ReverseKl<T> {
    /// ln p*, with its gradient.
    pub target: T,
    /// The share of the steps, from 0 to 1, in which the target is flattened at first: its inverse temperature rises from 0.1 to 1, so that
    /// draws meet modes before these are far apart.
    pub flattened: f64,
    /// The settings of the parameters' descent.
    pub descent: Descent,
}

impl<T> ReverseKl<T> {
    /// Half of the steps flattened, a rate of 1e-3.
    pub fn new(target: T) -> Self {
        let descent =
            Descent { learning_rate: 1e-3, clip: Some(10.0), average_decay: 0.995, ..Descent::default() };
        ReverseKl { target, flattened: 0.5, descent }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// Names the first setting out of its range.
    pub fn check(&self) -> Result<(), Setting> {
        let good = (0.0..=1.0).contains(&self.flattened);
        Setting::check(good, "the share of flattened steps", self.flattened, "from 0 to 1")?;
        self.descent.check()
    }

    /// The target's inverse temperature at a step.
    fn inverse_temperature(&self, progress: &Progress) -> f64 {
        let flattened = self.flattened * progress.steps as f64;
        if progress.step as f64 >= flattened {
            return 1.0;
        }
        COLDEST + (1.0 - COLDEST) * progress.step as f64 / flattened
    }
}

/// A flow in training by the reverse divergence.
pub type ReverseTrainer<T> = TapeTrainer<ReverseObjective<T>>;

/// The free energy that a [`ReverseKl`] lowers, and the draws that it is estimated by.
#[derive(Clone, Debug)]
pub struct ReverseObjective<T> {
    recipe: ReverseKl<T>,
    parts: [Part; 1],
    streams: Streams,
    /// `[batch, width]`, up to a whole number of sixteen rows.
    u: Vec<f32>,
    slopes: Vec<f32>,
    looks: Vec<Look>,
}

/// A recorded pass over draws u: where they lie, z, and ln q with its slope there.
#[derive(Clone, Debug)]
struct Look {
    program: Program,
    rows: usize,
    /// ln q − ln p* of each row.
    differences: Vec<f64>,
    failure: Option<FlowError>,
}

impl Look {
    fn new(flow: &Flow, rows: usize) -> Self {
        let program = Program::record(&flow.store, |tape| {
            let z = inverted(flow, tape.input(U, [rows, flow.width()])).expect("an inverse, as was checked");
            let densities = flow.densities(z, None);
            let log_density = densities.log_base + densities.log_determinant;
            tape.output(Z, z);
            tape.output(LOG_DENSITY, log_density);
            tape.output(SLOPES, tape.gradient(log_density.sum(), &[z])[0]);
        });
        Look { program, rows, differences: vec![0.0; rows], failure: None }
    }

    /// Runs the pass on u `[at most rows, width]`; ∇ ln q − `inverse_temperature` ∇ ln p* by z into `slopes`.
    fn run<T: GradientLogDensity>(
        &mut self,
        flow: &Flow,
        target: &T,
        inverse_temperature: f64,
        u: &[f32],
        slopes: &mut [f32],
    ) {
        let width = flow.width();
        self.program.input_mut(U)[..u.len()].copy_from_slice(u);
        self.program.evaluate(&flow.store);
        let (z, own) = (self.program.output(Z), self.program.output(SLOPES));
        let (centre, scale) = flow.config.preprocessing.standardisation().expect("real numbers, as was checked");
        let (mut x, mut gradient) = (vec![0.0; width], vec![0.0; width]);
        self.failure = None;
        for (row, slopes) in slopes.chunks_exact_mut(width).enumerate() {
            let z = &z[row * width..][..width];
            for j in 0..width {
                x[j] = f64::from(centre[j]) + f64::from(scale[j]) * f64::from(z[j]);
            }
            let log_target = match target.log_density_and_gradient(&x, &mut gradient) {
                Ok(value) if value.is_finite() && gradient.iter().all(|slope| slope.is_finite()) => value,
                // A place that cannot be computed pulls at nothing.
                Err(DensityError::Recoverable(_)) => {
                    slopes.fill(0.0);
                    self.differences[row] = f64::NAN;
                    continue;
                }
                Err(DensityError::Fatal(why)) => {
                    self.failure = Some(FlowError::Target { why });
                    return;
                }
                Ok(value) => {
                    let why = format!("its log-density is {value} at {x:?}, or its slope is not finite there");
                    self.failure = Some(FlowError::Target { why });
                    return;
                }
            };
            let log_q =
                f64::from(self.program.output(LOG_DENSITY)[row]) + flow.config.preprocessing.log_jacobian(z);
            self.differences[row] = log_q - log_target;
            for j in 0..width {
                let pull = inverse_temperature * f64::from(scale[j]) * gradient[j];
                slopes[j] = (f64::from(own[row * width + j]) - pull) as f32;
            }
        }
    }
}

/// z of u on the tape, where every transform has an inverse there.
fn inverted<'t>(flow: &Flow, u: Var<'t>) -> Option<Var<'t>> {
    let mut value = u;
    for transform in flow.transforms.iter().rev() {
        value = transform.inverse(value, None)?.value;
    }
    Some(value)
}

/// The next draws of the base for rows `[rows, width]`.
fn draw(flow: &Flow, streams: &mut Streams, rows: &mut [f32]) {
    flow.base.draw(&flow.store, flow.width(), streams, rows, &[]);
}

/// Draws of a block: evenly many, at most [`PIECE`].
fn rows_of_a_block(count: usize) -> usize {
    count.div_ceil(count.div_ceil(PIECE).max(1)).max(1)
}

impl<T: GradientLogDensity> ReverseObjective<T> {
    /// Runs all blocks of `u`; `slopes` become those of the objective. What a step saw first is told.
    fn look(
        recipe: &ReverseKl<T>,
        flow: &Flow,
        inverse_temperature: f64,
        looks: &mut [Look],
        u: &[f32],
        slopes: &mut [f32],
    ) -> Result<(), FlowError> {
        let Some(first) = looks.first() else { return Ok(()) };
        let block = first.rows * flow.width();
        let target = &recipe.target;
        for_each((items_mut(looks), chunks_mut(slopes, block)), |index, (look, slopes)| {
            look.run(flow, target, inverse_temperature, &u[index * block..][..slopes.len()], slopes);
        });
        looks.iter().find_map(|look| look.failure.clone()).map_or(Ok(()), Err)
    }

    /// −F of some draws, the same every time: nats.
    fn log_z_bound(&self, flow: &Flow) -> Result<f64, FlowError> {
        let rows = rows_of_a_block(MONITORED);
        let mut looks = vec![Look::new(flow, rows); MONITORED / rows];
        let mut u = vec![0.0; MONITORED * flow.width()];
        draw(flow, &mut Streams::new(Seed(0), "reverse evaluation", MONITORED), &mut u);
        let mut slopes = u.clone();
        Self::look(&self.recipe, flow, 1.0, &mut looks, &u, &mut slopes)?;
        let differences = looks.iter().flat_map(|look| &look.differences).filter(|value| value.is_finite());
        let (count, sum) = differences.fold((0, 0.0), |(count, sum), value| (count + 1, sum + value));
        Ok(-sum / f64::from(count.max(1)))
    }
}

impl Flow {
    /// Whether the flow can be fitted to a density of real rows `width` wide.
    fn check_reversible(&self, width: usize) -> Result<(), FlowError> {
        if self.config.preprocessing.standardisation().is_none() {
            return Err(FlowError::NotReal);
        }
        if width != self.width() {
            let wanted = "that of the flow";
            return Err(FlowError::setting("the dimension of the target", width, wanted));
        }
        if self.config.context() > 0 {
            return Err(FlowError::ContextWidth { given: 0, wanted: self.config.context() });
        }
        if !self.base.has_codes() {
            return Err(FlowError::NoCode);
        }
        let mut can_be = false;
        Program::record(&self.store, |tape| {
            let u = tape.input(U, [1, self.width()]);
            let z = inverted(self, u);
            can_be = z.is_some();
            tape.output(Z, z.unwrap_or(u));
        });
        if can_be { Ok(()) } else { Err(FlowError::NoInverse) }
    }

    /// Fits the flow to a density, from its own draws alone: [`ReverseKl`]. The batch of `training` is how many draws a step makes; it needs
    /// a number of `steps`.
    ///
    /// # Errors
    /// Where a setting is out of its range, the flow is conditional, one of levels, or cannot be inverted in one pass, or the target gives up.
    pub fn fit_to<T>(&mut self, recipe: &ReverseKl<T>, training: &Training) -> Result<(), TrainError>
    where
        T: GradientLogDensity + Clone + std::fmt::Debug + Send,
    {
        Setting::at_least_one("the batch size", training.batch)?;
        // What there is of data says how long a pass is: a step.
        let nothing =
            Dataset::from_real(vec![0.0; training.batch * self.width()], &[training.batch, self.width()])?;
        let mut trainer = ReverseTrainer::new(self.clone(), recipe, &nothing, training)?;
        crate::train::train(&mut trainer, &nothing, None, training, None, &mut ())?;
        *self = trainer.model();
        Ok(())
    }
}

impl<T> Objective for ReverseObjective<T>
where
    T: GradientLogDensity + Clone + std::fmt::Debug + Send,
{
    type Model = Flow;
    type Recipe = ReverseKl<T>;

    /// Normalisations that would begin with data stay as they are.
    fn new(
        flow: &mut Flow,
        recipe: &ReverseKl<T>,
        _: &Dataset<'_>,
        training: &Training,
    ) -> Result<Self, TrainError> {
        recipe.check()?;
        flow.check_reversible(recipe.target.dimension())?;
        flow.has_begun();
        let (batch, width) = (training.batch, flow.width());
        let rows = rows_of_a_block(batch);
        let joint = Part::joint("adam.", recipe.descent, &flow.store);
        Ok(ReverseObjective {
            recipe: recipe.clone(),
            parts: [Part { pieces: Pieces::OfRows(PIECE), ..joint }],
            streams: Streams::new(training.seed, "reverse draws", batch),
            u: vec![0.0; batch * width],
            slopes: vec![0.0; batch * width],
            looks: vec![Look::new(flow, rows); batch.div_ceil(rows)],
        })
    }

    fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Its gradient is that of F, its value is not.
    fn loss<'t>(&self, flow: &Flow, _: usize, piece: &Piece<'t>) -> Var<'t> {
        let (u, slopes) = (piece.rows(U, flow.width()), piece.rows(SLOPES, flow.width()));
        let z = inverted(flow, u).expect("an inverse, as was checked");
        (z * slopes).sum_axis(1).mean()
    }

    fn read(&mut self, _: &Flow, _: &Batch<'_>, _: &Progress, _: &mut [BatchProgram]) -> Result<(), TrainError> {
        Ok(())
    }

    fn draw(
        &mut self,
        flow: &Flow,
        _: usize,
        progress: &Progress,
        program: &mut BatchProgram,
    ) -> Result<(), TrainError> {
        draw(flow, &mut self.streams, &mut self.u);
        let inverse_temperature = self.recipe.inverse_temperature(progress);
        let looked =
            Self::look(&self.recipe, flow, inverse_temperature, &mut self.looks, &self.u, &mut self.slopes);
        looked.map_err(|error| match error {
            FlowError::Target { why } => {
                TrainError::NonFinite { step: progress.step, tensor: format!("the target: {why}"), hint: FAR_OUT }
            }
            other => other.into(),
        })?;
        program.input_mut(U).copy_from_slice(&self.u);
        program.input_mut(SLOPES).copy_from_slice(&self.slopes);
        Ok(())
    }

    fn evaluate(&mut self, at: &Evaluation<'_, Flow>, metrics: &mut Metrics) -> Result<(), TrainError> {
        metrics.set(metrics::LOG_Z_BOUND, self.log_z_bound(at.model)?);
        if let Some(average) = at.average {
            metrics.set(metrics::AVERAGE_LOG_Z_BOUND, self.log_z_bound(average)?);
        }
        Ok(())
    }

    fn judge(&self, _: &Flow) -> Option<Judge> {
        let averages = self.recipe.descent.averages();
        Some(Judge::higher(if averages { metrics::AVERAGE_LOG_Z_BOUND } else { metrics::LOG_Z_BOUND }))
    }

    fn save(&self, snapshot: &mut Snapshot) {
        snapshot.put_streams(STREAMS, &self.streams);
    }

    fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        snapshot.load_streams(STREAMS, &mut self.streams)
    }
}

#[cfg(test)]
impl<T> ReverseObjective<T>
where
    T: GradientLogDensity + Clone + std::fmt::Debug + Send,
{
    /// ∂F/∂s of the log-scales s of the first normalisation, from so many draws, and the slopes of the draws.
    pub(super) fn gradient_of(
        recipe: &ReverseKl<T>,
        flow: &Flow,
        draws: usize,
        seed: Seed,
    ) -> (Vec<f64>, Vec<f32>) {
        let width = flow.width();
        let mut u = vec![0.0; draws * width];
        draw(flow, &mut Streams::new(seed, "test", draws), &mut u);
        let mut slopes = u.clone();
        let rows = rows_of_a_block(draws);
        let mut looks = vec![Look::new(flow, rows); draws.div_ceil(rows)];
        Self::look(recipe, flow, 1.0, &mut looks, &u, &mut slopes).expect("a target");
        let scale = flow.store.find("layers.0.norm.log_scale").expect("a normalisation");
        let mut program = Program::record(&flow.store, |tape| {
            let (u, slopes) =
                (tape.input_with(U, [draws, width], &u), tape.input_with(SLOPES, [draws, width], &slopes));
            let z = inverted(flow, u).expect("an inverse");
            let loss = (z * slopes).sum_axis(1).mean();
            tape.output("gradient", tape.gradient(loss, &[tape.parameter(scale)])[0]);
        });
        program.evaluate(&flow.store);
        (program.output("gradient").iter().map(|&slope| f64::from(slope)).collect(), slopes)
    }
}
