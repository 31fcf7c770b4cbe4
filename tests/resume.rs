//! A run that was interrupted, saved, loaded and resumed ends with the same bytes as the unbroken one.

use helmholtz::Seed;
use helmholtz::data::{Binarization, Dataset, Scale, ToyDensity};
use helmholtz::energy::neural::{
    Method as NeuralMethod, NeuralConfig, NeuralEnergy, NeuralRecipe, NeuralTrainer, StepSize, TwoPhase,
};
use helmholtz::flow::{
    Base, Conditioning, Flow, FlowConfig, FlowRecipe, FlowTrainer, ReverseKl, ReverseTrainer, Structure,
    TransformKind,
};
use helmholtz::optim::Descent;
use helmholtz::rbm::{ChainStart, Method, Precision, Rbm, RbmTrainer, Recipe};
use helmholtz::storage::{from_bytes, to_bytes};
use helmholtz::store::Snapshot;
use helmholtz::train::{Control, Learner, Observer, Progress, TrainError, Training, train};
use helmholtz::vae::{Bound, Likelihood, Posterior, Prior, Scheme, Vae, VaeConfig, VaeRecipe, VaeTrainer};

/// Keeps the bytes of the last checkpoint and stops at a step.
#[derive(Default)]
struct Keeper {
    stop_at: Option<u64>,
    last: Vec<u8>,
}

impl Observer for Keeper {
    fn step(&mut self, progress: &Progress) -> Control {
        if self.stop_at == Some(progress.step) { Control::Stop } else { Control::Continue }
    }
    fn checkpoint(&mut self, _: &Progress, snapshot: &Snapshot) -> Result<(), TrainError> {
        self.last = to_bytes(snapshot).map_err(|error| TrainError::Observer(Box::new(error)))?;
        Ok(())
    }
}

/// One process: a trainer of its own, from the start or from the bytes of a checkpoint, on a pool of its own.
fn process<L: Learner>(
    data: &Dataset<'_>,
    start: &(impl Fn(&Training) -> L + Sync),
    from: Option<&[u8]>,
    stop_at: Option<u64>,
    threads: usize,
) -> Vec<u8> {
    let training =
        Training { steps: Some(40), batch: 48, seed: Seed(5), evaluate_every: 1, ..Training::default() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    pool.install(|| {
        let mut trainer = start(&training);
        let resume = from.map(|bytes| from_bytes("checkpoint", bytes).expect("a checkpoint"));
        let mut keeper = Keeper { stop_at, ..Keeper::default() };
        train(&mut trainer, data, None, &training, resume.as_ref(), &mut keeper).expect("a run");
        keeper.last
    })
}

fn check_learner<L: Learner>(name: &str, data: &Dataset<'_>, start: impl Fn(&Training) -> L + Sync) {
    let unbroken = process(data, &start, None, None, 2);
    for stop_at in [1, 17, 39] {
        let half = process(data, &start, None, Some(stop_at), 1);
        assert_ne!(half, unbroken, "{name}: stopped at {stop_at}");
        let resumed = process(data, &start, Some(&half), None, 3);
        assert!(resumed == unbroken, "{name}: stopped at {stop_at} and resumed");
    }
}

fn check(name: &str, data: &Dataset<'_>, recipe: Recipe) {
    check_learner(name, data, |training| {
        let rbm = Rbm::new(data.width(), 12, Seed(6));
        RbmTrainer::new(rbm, recipe, data, training).expect("a valid recipe")
    });
}

fn check_autoencoder(name: &str, data: &Dataset<'_>, likelihood: Likelihood, recipe: VaeRecipe) {
    check_learner(name, data, |training| {
        let shape =
            VaeConfig { encoder: vec![12], decoder: vec![12], likelihood, ..VaeConfig::new(data.width(), 3) };
        let vae = Vae::new(shape, Seed(6)).expect("a valid shape");
        VaeTrainer::new(vae, &recipe, data, training).expect("a valid recipe")
    });
}

#[test]
fn every_method_resumes_byte_for_byte() {
    let data = Dataset::digits().train();
    let pcd = Recipe { momentum: 0.5, weight_decay: Some(1e-4), ..Recipe::default() };
    check("pcd", &data, pcd);
    check("pcd, odd number of chains", &data, Recipe { chains: Some(37), ..pcd });
    check("pcd at random", &data, Recipe { chain_start: ChainStart::Random, ..pcd });
    check(
        "pcd-3 at the data",
        &data,
        Recipe { method: Method::Pcd { k: 3 }, chain_start: ChainStart::Data, ..pcd },
    );
    check("cd-2", &data, Recipe { method: Method::Cd { k: 2 }, ..pcd });
    check("pt-2", &data, Recipe { method: Method::Pt { replicas: 3, k: 2 }, ..pcd });
    check("in 16 bits", &data, Recipe { precision: Precision::I16, ..pcd });
    check("exact", &data, Recipe { method: Method::Exact, ..pcd });
    check("without an average", &data, Recipe { average_decay: 0.0, ..pcd });
}

#[test]
fn every_bound_and_scheme_resumes_byte_for_byte() {
    let data = Dataset::digits().train();
    let (sampled, raw) =
        (data.binarized(Binarization::Sample), data.binarized(Binarization::None).scaled(Scale::Raw));
    let descent = Descent { average_decay: 0.99, ..Descent::default() };
    let usual = VaeRecipe { descent, warm_up: 30, ..VaeRecipe::default() };
    let weighted = VaeRecipe { bound: Bound::DoublyReparameterised, importance_samples: 3, ..usual };
    check_autoencoder("elbo", &data, Likelihood::Bernoulli, usual);
    check_autoencoder(
        "alternating",
        &sampled,
        Likelihood::Bernoulli,
        VaeRecipe { scheme: Scheme::Alternating, ..usual },
    );
    check_autoencoder("reparameterised", &raw, Likelihood::GaussianLearned, weighted);
    check_autoencoder(
        "without an average",
        &raw,
        Likelihood::Gaussian,
        VaeRecipe { descent: Descent::default(), ..usual },
    );
    check_learner("flows", &data, |training| {
        let (posterior, prior) = (Posterior::Iaf { steps: 2, units: 8 }, Prior::Flow { steps: 2, units: 8 });
        let shape = VaeConfig {
            encoder: vec![12],
            decoder: vec![12],
            posterior,
            prior,
            ..VaeConfig::new(data.width(), 3)
        };
        let recipe = VaeRecipe { importance_samples: 3, bound: Bound::ImportanceWeighted, ..usual };
        VaeTrainer::new(Vae::new(shape, Seed(6)).expect("a valid shape"), &recipe, &data, training)
            .expect("a valid recipe")
    });
}

#[test]
fn chains_and_noise_of_a_neural_energy_resume_byte_for_byte() {
    let data = Dataset::toy(ToyDensity::Gaussians8).train().subset(0..1000);
    let check = |name: &str, recipe: NeuralRecipe| {
        check_learner(name, &data, |training| {
            let config = NeuralConfig { hidden: vec![12], ..NeuralConfig::fitted(&data).expect("rows") };
            let energy = NeuralEnergy::new(config, Seed(6)).expect("a valid shape");
            NeuralTrainer::new(energy, &recipe, &data, training).expect("a valid recipe")
        });
    };
    let phases = TwoPhase { steps: 3, ..TwoPhase::default() };
    let with = |method| NeuralRecipe { method, ..NeuralRecipe::default() };
    check("tuned steps", with(NeuralMethod::TwoPhase(phases)));
    let odd = TwoPhase { chains: Some(70), buffer: Some(210), restart: 0.3, step: StepSize::Fixed(0.2), ..phases };
    check("restarts, odd numbers of chains", with(NeuralMethod::TwoPhase(odd)));
    check("score matching", with(NeuralMethod::DenoisingScoreMatching { noise: 0.2 }));
    let plain = NeuralRecipe { descent: Descent::default(), ..with(NeuralMethod::TwoPhase(phases)) };
    check("without an average", plain);
}

#[test]
fn a_flow_fitted_to_a_density_resumes_byte_for_byte() {
    let energy = NeuralEnergy::new(NeuralConfig::new(2), Seed(3)).expect("a valid shape");
    let target = energy.density();
    let data = Dataset::toy(ToyDensity::Moons).train();
    check_learner("reverse", &data, |training| {
        let flow = Flow::new(FlowConfig { hidden: vec![8], layers: 2, ..FlowConfig::new(2) }, Seed(6));
        let recipe = ReverseKl::new(&target);
        ReverseTrainer::new(flow.expect("a valid shape"), &recipe, &data, training).expect("a valid recipe")
    });
}

#[test]
fn normalisations_noise_and_averages_of_a_flow_resume_byte_for_byte() {
    let check = |name: &str, data: &Dataset<'_>, change: &(dyn Fn(FlowConfig) -> FlowConfig + Sync), recipe| {
        check_learner(name, data, |training| {
            let config = FlowConfig { hidden: vec![12], layers: 2, ..FlowConfig::fitted(data).expect("rows") };
            let flow = Flow::new(change(config), Seed(6)).expect("a valid shape");
            FlowTrainer::new(flow, &recipe, data, training).expect("a valid recipe")
        });
    };
    let points = Dataset::toy(ToyDensity::Moons).train().subset(0..1000);
    let digits = Dataset::digits().train().binarized(Binarization::None);
    let (usual, plain) = (FlowRecipe::default(), FlowRecipe { descent: Descent::default(), dropout: 0.3 });
    check("a spline", &points, &|config| config, usual);
    check("affine, with dropout, without an average", &points, &|config| affine(config), plain);
    let labels = Conditioning::Labels { classes: 10 };
    check("levels given labels", &digits, &|config| FlowConfig { conditioning: labels, ..affine(config) }, usual);
    check(
        "a base with tails",
        &points,
        &|config| FlowConfig { base: Base::Student { degrees: 3.0 }, ..config },
        usual,
    );
    let in_turn = |config| FlowConfig {
        structure: Structure::Autoregressive,
        base: Base::Mixture { components: 3 },
        ..config
    };
    check("masked networks", &points, &in_turn, usual);
}

fn affine(config: FlowConfig) -> FlowConfig {
    FlowConfig { transform: TransformKind::Affine, ..config }
}

#[test]
fn every_reading_of_the_data_resumes_byte_for_byte() {
    let data = Dataset::digits().train();
    check("sampled", &data.binarized(Binarization::Sample), Recipe::default());
    check("grey", &data.binarized(Binarization::None), Recipe::default());
    check("flipped", &data.flipped(), Recipe::default());
}
