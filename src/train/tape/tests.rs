//! Pieces and lanes of a batch, on a small network with draws.

use super::{BatchProgram, Piece, Pieces};
use crate::autodiff::Var;
use crate::random::Seed;
use crate::store::{Gradients, Parameter, Store};

/// Twelve examples are a piece.
const K: usize = 40;
const WIDTH: usize = 12;

struct Network {
    store: Store,
    weights: [Parameter; 2],
}

impl Network {
    fn new() -> Self {
        let mut store = Store::new();
        let weights = [("first", [WIDTH, 9]), ("second", [9, 3])].map(|(name, shape)| store.add(name, &shape));
        for parameter in weights {
            Seed(1).lanes(store.name(parameter), 0).fill_normal(&mut store.get_mut(parameter)[..]);
        }
        Network { store, weights }
    }

    /// The mean over examples of the logarithm of a sum over draws.
    fn loss<'t>(&self, piece: &Piece<'t>) -> Var<'t> {
        let (x, noise) = (piece.rows("x", WIDTH), piece.draws("noise", K, 3));
        let [first, second] = self.weights.map(|weight| piece.tape().parameter(weight));
        let z = x.matmul(first).tanh().matmul(second) + noise;
        (z.square().sum_axis(2) * piece.shared("beta", [])).logsumexp(0).mean()
    }

    fn program(&self, batch: usize, pieces: Pieces) -> BatchProgram {
        BatchProgram::record(&self.store, &self.weights, batch, pieces, &|piece| self.loss(piece))
    }

    fn run(&self, batch: usize, pieces: Pieces) -> (BatchProgram, Gradients, f64) {
        let mut program = self.program(batch, pieces);
        Seed(2).lanes("x", 0).fill_uniform(program.input_mut("x"));
        Seed(3).lanes("noise", 0).fill_normal(program.input_mut("noise"));
        program.input_mut("beta")[0] = 0.5;
        let mut gradients = self.store.gradients();
        let loss = program.run(&self.store, &mut gradients);
        (program, gradients, loss)
    }
}

#[test]
fn the_pieces_make_the_gradient_of_the_whole() {
    let network = Network::new();
    // 1: a piece of its own; 12: two; 50: eight for four lanes, the last one smaller; 7: the second one smaller.
    for batch in [1, 12, 50, 7] {
        let (_, got, mean) = network.run(batch, Pieces::OfDraws(K));
        let (_, wanted, exact) = network.run(batch, Pieces::One);
        let largest = wanted.values().iter().fold(0.0f32, |largest, g| largest.max(g.abs()));
        assert!(largest > 1e-3);
        // Each sum of up to 2,000 terms is rounded a few dozen times, by 2⁻²⁴ of its terms' total.
        let bound = f64::from(largest) * 64.0 * f64::from(f32::EPSILON);
        for (got, wanted) in got.values().iter().zip(wanted.values()) {
            assert!(f64::from(got - wanted).abs() <= bound, "batch {batch}: {got}, wanted {wanted}");
        }
        assert!((mean - exact).abs() <= exact.abs() * 1e-6, "batch {batch}: {mean}, wanted {exact}");
    }
}

#[test]
fn threads_change_no_bit() {
    let network = Network::new();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| network.run(50, Pieces::OfDraws(K)))
    };
    let (_, one, loss) = on(1);
    for threads in [2, 3, 8] {
        let (_, got, same) = on(threads);
        assert_eq!((got.values(), same), (one.values(), loss), "{threads} threads");
    }
}

#[test]
fn a_bad_number_is_found_in_any_piece() {
    let network = Network::new();
    let (mut program, mut gradients, _) = network.run(50, Pieces::OfDraws(K));
    assert_eq!(program.first_non_finite(&network.store), None);
    program.input_mut("x")[WIDTH * 20] = f32::NAN;
    assert!(program.run(&network.store, &mut gradients).is_nan());
    assert_eq!(program.first_non_finite(&network.store).as_deref(), Some("the input `x`"));
}

#[test]
#[should_panic(expected = "there is no input `y`")]
fn an_input_that_no_loss_declares_is_named() {
    Network::new().program(50, Pieces::OfDraws(K)).input_mut("y");
}
