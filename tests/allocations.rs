//! A steady training step and a steady sweep allocate nothing: every allocation of every thread is counted.
//!
//! One test, so that nothing else allocates meanwhile.

use helmholtz::autodiff::{Activation, Program, Staircase};
use helmholtz::data::{Binarization, Dataset, ToyDensity};
use helmholtz::energy::boltzmann::{self, BoltzmannMachine, BoltzmannTrainer, DataTerm, ModelTerm, Units};
use helmholtz::energy::neural::{
    Method as NeuralMethod, NeuralConfig, NeuralEnergy, NeuralRecipe, NeuralTrainer, TwoPhase,
};
use helmholtz::flow::{Base, Conditioning, Flow, FlowConfig, FlowRecipe, FlowTrainer, Structure, TransformKind};
use helmholtz::nn::{Dropout, Initialiser, Mlp};
use helmholtz::optim::{Adam, Decay, Descent, Optimiser, Rule, Schedule, Sgd, WeightAverage, clip_by_global_norm};
use helmholtz::rbm::{ChainStart, Method, Precision, Rbm, RbmTrainer, Recipe};
use helmholtz::store::Store;
use helmholtz::train::{Batch, Control, Learner, Observer, Progress, Training, train};
use helmholtz::vae::{
    Bound, ClassesBy, Convolutions, LabelRecipe, Labels, Posterior, Prior, Scheme, Vae, VaeConfig, VaeRecipe,
    VaeTrainer,
};
use helmholtz::{Seed, rbm::RbmChains};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

struct Counting;

static COUNT: AtomicU64 = AtomicU64::new(0);

// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() -> u64 {
    COUNT.load(Ordering::SeqCst)
}

const WARM_UP: u64 = 20;
const STEPS: u64 = 230;

/// Counts from the end of the warm-up to the last step but one, after which the loop evaluates and saves.
#[derive(Default)]
struct Meter {
    before: u64,
    after: u64,
}

impl Observer for Meter {
    fn step(&mut self, progress: &Progress) -> Control {
        if progress.step == WARM_UP {
            self.before = count();
        } else if progress.step == STEPS - 1 {
            self.after = count();
        }
        Control::Continue
    }
}

fn steps_by_hand(data: &Dataset<'_>, recipe: Recipe, batch: usize, steps: u64) -> u64 {
    let training = Training { batch, ..Training::default() };
    let rbm = Rbm::new(data.width(), 50, Seed(1));
    let mut trainer = RbmTrainer::new(rbm, recipe, data, &training).expect("a valid recipe");
    let mut rows = vec![0; batch];
    let mut before = 0;
    for step in 0..steps {
        if step == WARM_UP {
            before = count();
        }
        rows.iter_mut().enumerate().for_each(|(index, row)| *row = (step as usize * 7 + index * 11) % data.len());
        let progress = Progress { step, steps, ..Progress::default() };
        trainer.step(&Batch { data, rows: &rows }, &progress).expect("finite numbers");
    }
    count() - before
}

fn steps_of_the_loop(data: &Dataset<'_>, recipe: Recipe, batch: usize) -> u64 {
    // 230 steps of 64 are 10 epochs of the digits: the loop crosses their ends without a look.
    let training =
        Training { batch, steps: Some(STEPS), evaluate_every: 0, checkpoint_every: 0, ..Training::default() };
    let rbm = Rbm::new(data.width(), 50, Seed(1));
    let mut trainer = RbmTrainer::new(rbm, recipe, data, &training).expect("a valid recipe");
    let mut meter = Meter::default();
    train(&mut trainer, data, None, &training, None, &mut meter).expect("finite numbers");
    meter.after - meter.before
}

fn autoencoder_steps(data: &Dataset<'_>, width: usize, recipe: VaeRecipe, steps: u64) -> u64 {
    steps_with(data, width, (Posterior::Gaussian, Prior::Normal), recipe, steps)
}

/// Steps of a model given classes, half of the rows having a label.
fn steps_with_classes(data: &Dataset<'_>, by: ClassesBy) -> u64 {
    let few = data.keep_labels(data.len() / 2, Seed(1)).expect("labels");
    let labels = LabelRecipe { classes_by: by, classifier_alone: WARM_UP + 10, ..LabelRecipe::default() };
    let recipe = VaeRecipe { labels, importance_samples: 2, ..VaeRecipe::default() };
    let labels = Some(Labels { classifier: vec![50], ..Labels::new(10) });
    let config = VaeConfig { encoder: vec![50], decoder: vec![50], labels, ..VaeConfig::new(data.width(), 5) };
    count_steps(&few, config, recipe, STEPS)
}

/// A model of 8×8 images with convolutions.
fn images() -> VaeConfig {
    let convolutions = Some(Convolutions { image: [8, 8], channels: vec![20, 9] });
    VaeConfig { convolutions, ..VaeConfig::new(64, 5) }
}

fn steps_with(
    data: &Dataset<'_>,
    width: usize,
    (posterior, prior): (Posterior, Prior),
    recipe: VaeRecipe,
    steps: u64,
) -> u64 {
    let (encoder, decoder) = (vec![width], vec![width, width]);
    let config = VaeConfig { encoder, decoder, posterior, prior, ..VaeConfig::new(data.width(), 5) };
    count_steps(data, config, recipe, steps)
}

fn count_steps(data: &Dataset<'_>, config: VaeConfig, recipe: VaeRecipe, steps: u64) -> u64 {
    let training = Training { batch: 33, ..Training::default() };
    let vae = Vae::new(config, Seed(1)).expect("a valid shape");
    let mut trainer = VaeTrainer::new(vae, &recipe, data, &training).expect("a valid recipe");
    let mut rows = vec![0; 33];
    let mut before = 0;
    for step in 0..steps {
        if step == WARM_UP {
            before = count();
        }
        rows.iter_mut().enumerate().for_each(|(index, row)| *row = (step as usize * 7 + index * 11) % data.len());
        let progress = Progress { step, steps, ..Progress::default() };
        trainer.step(&Batch { data, rows: &rows }, &progress).expect("finite numbers");
    }
    count() - before
}

fn sweeps(count_of_chains: usize, clamped: bool, calls: u64) -> u64 {
    let rbm = Rbm::new(100, 70, Seed(1));
    let mut chains: RbmChains = rbm.chains(count_of_chains, Seed(2));
    if clamped {
        let hold: Vec<bool> = (0..100).map(|unit| unit < 30).collect();
        chains.clamp(&hold);
    }
    (0..WARM_UP).for_each(|_| chains.gibbs(&rbm, 1));
    let before = count();
    (0..calls).for_each(|_| chains.gibbs(&rbm, 2));
    count() - before
}

/// A Boltzmann machine of `hidden` hidden units, trained step by step.
fn steps_of_a_boltzmann_machine(data: &Dataset<'_>, hidden: usize, recipe: boltzmann::Recipe, steps: u64) -> u64 {
    let training = Training { batch: 32, ..Training::default() };
    let machine = BoltzmannMachine::new(data.width(), hidden, Units::Spin, Seed(1));
    let mut trainer = BoltzmannTrainer::new(machine, recipe, data, &training).expect("a valid recipe");
    let mut rows = vec![0; 32];
    let mut before = 0;
    for step in 0..steps {
        if step == WARM_UP {
            before = count();
        }
        rows.iter_mut().enumerate().for_each(|(index, row)| *row = (step as usize * 7 + index * 11) % data.len());
        let progress = Progress { step, steps, ..Progress::default() };
        trainer.step(&Batch { data, rows: &rows }, &progress).expect("finite numbers");
    }
    count() - before
}

/// A neural energy, trained step by step.
fn steps_of_a_neural_energy(data: &Dataset<'_>, method: NeuralMethod, steps: u64) -> u64 {
    let training = Training { batch: 48, ..Training::default() };
    let config = NeuralConfig { hidden: vec![24, 16], ..NeuralConfig::fitted(data).expect("rows") };
    let energy = NeuralEnergy::new(config, Seed(1)).expect("a valid shape");
    let recipe = NeuralRecipe { method, ..NeuralRecipe::default() };
    let mut trainer = NeuralTrainer::new(energy, &recipe, data, &training).expect("a valid recipe");
    let mut rows = vec![0; 48];
    let mut before = 0;
    for step in 0..steps {
        if step == WARM_UP {
            before = count();
        }
        rows.iter_mut().enumerate().for_each(|(index, row)| *row = (step as usize * 7 + index * 11) % data.len());
        let progress = Progress { step, steps, ..Progress::default() };
        trainer.step(&Batch { data, rows: &rows }, &progress).expect("finite numbers");
    }
    count() - before
}

/// A change of a flow's shape.
type Shape = fn(FlowConfig) -> FlowConfig;

/// A flow, trained step by step.
fn steps_of_a_flow(data: &Dataset<'_>, shape: Shape, steps: u64) -> u64 {
    let training = Training { batch: 48, ..Training::default() };
    let fitted = FlowConfig::fitted(data).expect("rows");
    let config = FlowConfig { layers: 2, hidden: vec![24, 16], ..fitted };
    let flow = Flow::new(shape(config), Seed(1)).expect("a valid shape");
    let recipe = FlowRecipe { dropout: 0.2, ..FlowRecipe::default() };
    let mut trainer = FlowTrainer::new(flow, &recipe, data, &training).expect("a valid recipe");
    let mut rows = vec![0; 48];
    let mut before = 0;
    for step in 0..steps {
        if step == WARM_UP {
            before = count();
        }
        rows.iter_mut().enumerate().for_each(|(index, row)| *row = (step as usize * 7 + index * 11) % data.len());
        let progress = Progress { step, steps, ..Progress::default() };
        trainer.step(&Batch { data, rows: &rows }, &progress).expect("finite numbers");
    }
    count() - before
}

/// An autoencoder with dropout, of which every step is run, clipped, taken and averaged.
fn steps_of_a_program(rule: Rule, batch: usize, steps: u64) -> u64 {
    let mut store = Store::new();
    let tanh = Activation::Tanh;
    let network = Mlp::new(&mut store, "network", &[64, 200, 50, 64], tanh, Initialiser::GlorotUniform, Seed(1));
    let staircase = Arc::new(Staircase::new(64, (0..64).collect()));
    let weight = store.add_staircase("masked", &staircase);
    let dropout = Dropout::new(0.1).expect("a rate");
    let mut program = Program::record(&store, |tape| {
        let x = tape.input("x", [batch, 64]);
        let masked = x.masked_linear(tape.parameter(weight), &staircase, tape.full(64, 0.0), tanh);
        let loss = network.apply(dropout.apply(x + masked, "mask")).bernoulli_cross_entropy(x).mean();
        tape.output("loss", loss);
        tape.gradients(loss);
    });
    let (mut gradients, mut lanes) = (store.gradients(), Seed(2).lanes("dropout", 0));
    let mut optimiser = Optimiser::new(rule, &store).expect("settings in their range");
    let mut average = WeightAverage::new(&store, 0.99).expect("a share");
    let schedule = Schedule { decay: Decay::Cosine, warm_up: 10 };
    let mut before = 0;
    for step in 0..steps {
        if step == WARM_UP {
            before = count();
        }
        lanes.fill_uniform(program.input_mut("x"));
        dropout.fill(&mut program, "mask", &mut lanes);
        program.run(&store, &mut gradients);
        clip_by_global_norm(&mut gradients, 0.1);
        optimiser.step(&mut store, &gradients, 0.01 * schedule.factor(step, steps));
        average.update(&store);
        program.evaluate(&store);
        assert!(program.scalar("loss").is_finite());
    }
    count() - before
}

#[test]
fn nothing_is_allocated_once_it_runs() {
    let digits = Dataset::digits().train();
    let bars = Dataset::bars(4).expect("a size");
    let persistent = Recipe { momentum: 0.5, ..Recipe::default() };
    let recipes = [
        ("pcd", persistent),
        ("pcd, 100 chains, 3 sweeps", Recipe { chains: Some(100), method: Method::Pcd { k: 3 }, ..persistent }),
        ("pcd in 16 bits", Recipe { precision: Precision::I16, ..persistent }),
        ("random restarts", Recipe { chain_start: ChainStart::Random, ..persistent }),
    ];
    let descent = Descent { average_decay: 0.99, clip: Some(1.0), ..Descent::default() };
    let averaged = VaeRecipe { descent, ..VaeRecipe::default() };
    let autoencoders = [
        ("elbo", averaged),
        ("alternating", VaeRecipe { scheme: Scheme::Alternating, ..averaged }),
        ("reparameterised", VaeRecipe { bound: Bound::DoublyReparameterised, importance_samples: 4, ..averaged }),
    ];
    let data = [
        ("binary", bars),
        ("thresholded", digits.clone()),
        ("sampled", digits.binarized(Binarization::Sample)),
        ("grey", digits.binarized(Binarization::None)),
    ];
    let (sampled, mean_field) = (boltzmann::Recipe::default(), DataTerm::MeanField { sweeps: 3 });
    let machines = [
        ("visible units only", 0, sampled),
        ("sampled", 40, sampled),
        (
            "mean field, restarted",
            40,
            boltzmann::Recipe { data: mean_field, model: ModelTerm::Restarted { k: 2 }, ..sampled },
        ),
        ("exact", 3, boltzmann::Recipe { data: DataTerm::Exact, ..sampled }),
    ];
    let points = Dataset::toy(ToyDensity::Gaussians8).train();
    let energies = [
        (
            "a few chains",
            NeuralMethod::TwoPhase(TwoPhase { chains: Some(30), buffer: Some(90), ..TwoPhase::default() }),
        ),
        (
            "chains of several blocks",
            NeuralMethod::TwoPhase(TwoPhase { chains: Some(200), ..TwoPhase::default() }),
        ),
        ("score matching", NeuralMethod::DenoisingScoreMatching { noise: 0.1 }),
    ];
    let grey = digits.binarized(Binarization::None);
    let affine = |config| FlowConfig { transform: TransformKind::Affine, ..config };
    let labels = |config| FlowConfig { conditioning: Conditioning::Labels { classes: 10 }, ..config };
    let in_turn = |config| FlowConfig {
        structure: Structure::Autoregressive,
        base: Base::Mixture { components: 3 },
        ..config
    };
    let flows: [(&str, &Dataset<'_>, Shape); 4] = [
        ("affine", &points, affine),
        ("spline", &points, |config| config),
        ("levels given labels", &grey, labels),
        ("masked networks", &points, in_turn),
    ];
    let latent = (Posterior::Iaf { steps: 2, units: 12 }, Prior::Flow { steps: 2, units: 12 });
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool");
    // A thread's scratch grows when it first takes part in a product of a shape, which other threads' haste can put off
    // for long. So each runs every shape by itself first: of the tasks it makes, the first is never stolen.
    pool.broadcast(|_| {
        for (_, data) in &data {
            for (_, recipe) in recipes {
                steps_by_hand(data, recipe, 64, 3);
            }
        }
        for (_, data) in &data {
            for (_, recipe) in autoencoders {
                autoencoder_steps(data, 50, recipe, 3);
            }
        }
        steps_with(&data[0].1, 50, latent, averaged, 3);
        count_steps(&data[1].1, images(), averaged, 3);
        for chains in [16, 100, 1024] {
            sweeps(chains, false, 3);
        }
        steps_of_a_program(Adam::default().into(), 100, 3);
        for (_, hidden, recipe) in machines {
            steps_of_a_boltzmann_machine(&data[0].1, hidden, recipe, 3);
        }
        for (_, method) in energies {
            steps_of_a_neural_energy(&points, method, 3);
        }
        for (_, data, shape) in flows {
            steps_of_a_flow(data, shape, 3);
        }
    });
    pool.install(|| {
        for (rows, data) in &data {
            assert_eq!(steps_by_hand(data, persistent, 64, STEPS), 0, "steps: {rows}");
            for (name, recipe) in recipes {
                assert_eq!(steps_of_the_loop(data, recipe, 64), 0, "the loop: {name}, {rows}");
            }
        }
        for (rows, data) in &data {
            for (name, recipe) in autoencoders {
                assert_eq!(autoencoder_steps(data, 50, recipe, STEPS), 0, "autoencoder: {name}, {rows}");
            }
        }
        assert_eq!(steps_with(&data[0].1, 50, latent, averaged, STEPS), 0, "autoencoder: flows");
        for by in [ClassesBy::Enumerate, ClassesBy::TopK(3), ClassesBy::Gumbel] {
            assert_eq!(steps_with_classes(&Dataset::digits().train(), by), 0, "autoencoder: classes by {by}");
        }
        assert_eq!(count_steps(&data[1].1, images(), averaged, STEPS), 0, "autoencoder: convolutions");
        // Products that run beside other steps, and a batch in several pieces.
        let many = VaeRecipe { importance_samples: 70, bound: Bound::ImportanceWeighted, ..averaged };
        for (name, width, recipe) in [("wide", 400, averaged), ("many draws", 50, many)] {
            assert_eq!(autoencoder_steps(&data[3].1, width, recipe, STEPS), 0, "autoencoder: {name}");
        }
        let contrastive = Recipe { method: Method::Cd { k: 1 }, ..persistent };
        assert_eq!(steps_of_the_loop(&data[2].1, contrastive, 33), 0, "the loop: contrastive divergence, sampled");
        for chains in [16, 100, 1024] {
            assert_eq!(sweeps(chains, false, STEPS), 0, "sweeps of {chains} chains");
            assert_eq!(sweeps(chains, true, STEPS), 0, "sweeps of {chains} clamped chains");
        }
        for rule in [Rule::from(Adam::default()), Sgd::default().into()] {
            assert_eq!(steps_of_a_program(rule, 100, STEPS), 0, "a program: {rule:?}");
        }
        for (name, hidden, recipe) in machines {
            let steps = steps_of_a_boltzmann_machine(&data[0].1, hidden, recipe, STEPS);
            assert_eq!(steps, 0, "a Boltzmann machine, {name}");
        }
        for (name, method) in energies {
            assert_eq!(steps_of_a_neural_energy(&points, method, STEPS), 0, "a neural energy, {name}");
        }
        for (name, data, shape) in flows {
            assert_eq!(steps_of_a_flow(data, shape, STEPS), 0, "a flow, {name}");
        }
    });
}
