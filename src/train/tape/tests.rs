//! Pieces and lanes of a batch, on a small network with draws.

use super::{BatchProgram, Group, Piece, Pieces};
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
        BatchProgram::record(&self.store, &self.weights, &[Group { examples: batch, pieces }], &|piece| {
            self.loss(piece)
        })
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

/// Two groups of a batch, in pieces or not, make the sum of their gradients.
#[test]
fn groups_make_the_sum_of_their_gradients() {
    let network = Network::new();
    let of_group = |piece: &Piece<'_>| [("x", "noise"), ("other x", "other noise")][piece.group()];
    let run = |pieces: Pieces| {
        let groups = [Group { examples: 50, pieces }, Group { examples: 7, pieces }];
        let mut program = BatchProgram::record(&network.store, &network.weights, &groups, &|piece| {
            let (x, noise) = of_group(piece);
            let (x, noise) = (piece.rows(x, WIDTH), piece.draws(noise, K, 3));
            let [first, second] = network.weights.map(|weight| piece.tape().parameter(weight));
            let z = x.matmul(first).tanh().matmul(second) + noise;
            let mean = (z.square().sum_axis(2) * piece.shared("beta", [])).logsumexp(0).mean();
            mean * if piece.group() == 0 { 1.0 } else { 3.0 }
        });
        Seed(2).lanes("x", 0).fill_uniform(program.input_mut("x"));
        Seed(3).lanes("noise", 0).fill_normal(program.input_mut("noise"));
        Seed(2).lanes("x", 0).fill_uniform(program.input_mut("other x"));
        Seed(3).lanes("noise", 0).fill_normal(program.input_mut("other noise"));
        program.input_mut("beta")[0] = 0.5;
        let mut gradients = network.store.gradients();
        let loss = program.run(&network.store, &mut gradients);
        (gradients, loss)
    };
    let [(_, first, one), (_, second, two)] = [50, 7].map(|batch| network.run(batch, Pieces::One));
    for pieces in [Pieces::One, Pieces::OfDraws(K)] {
        let (got, loss) = run(pieces);
        let wanted = first.values().iter().zip(second.values()).map(|(a, b)| a + 3.0 * b);
        let largest = wanted.clone().fold(0.0f32, |largest, g| largest.max(g.abs()));
        let bound = f64::from(largest) * 64.0 * f64::from(f32::EPSILON);
        for (got, wanted) in got.values().iter().zip(wanted) {
            assert!(f64::from(got - wanted).abs() <= bound, "{pieces:?}: {got}, wanted {wanted}");
        }
        assert!((loss - one - 3.0 * two).abs() <= loss.abs() * 1e-6, "{loss}, wanted {}", one + 3.0 * two);
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
