//! Every public model, its trainer and its chains go from thread to thread, and are shared among them.

use helmholtz::energy::boltzmann::{BoltzmannChains, BoltzmannMachine, BoltzmannTrainer, ColourChains};
use helmholtz::energy::hopfield::{AttentionMemory, DenseMemory, Hopfield, Synchronous};
use helmholtz::energy::neural::{NeuralChains, NeuralEnergy};
use helmholtz::flow::{Flow, FlowDensity, FlowTrainer};
use helmholtz::rbm::{Rbm, RbmChains, RbmTrainer, TemperedChains};
use helmholtz::vae::Vae;

fn shared<T: Send + Sync>() {}

#[test]
fn models_are_send_and_sync() {
    shared::<Rbm>();
    shared::<RbmTrainer>();
    shared::<RbmChains>();
    shared::<TemperedChains>();
    shared::<BoltzmannMachine>();
    shared::<BoltzmannTrainer>();
    shared::<BoltzmannChains>();
    shared::<ColourChains>();
    shared::<Hopfield>();
    shared::<Synchronous<'_>>();
    shared::<DenseMemory>();
    shared::<AttentionMemory>();
    shared::<NeuralEnergy>();
    shared::<NeuralChains>();
    shared::<Vae>();
    shared::<Flow>();
    shared::<FlowDensity<'_>>();
    fn goes<T: Send>() {}
    goes::<FlowTrainer>();
}
