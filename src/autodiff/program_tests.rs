//! A program gives the bits of the recording, run as plainly as can be: every node into memory of its own.

use super::op::Op;
use super::operation::{Operation, View};
use super::plan::{Order, Purpose};
use super::tape::{Recording, Tape};
use super::{Activation, Program, Shape, Var};
use crate::random::Seed;
use crate::store::{Gradients, Parameter, Store};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// x / (1 + x²), which keeps numbers small.
#[derive(Debug)]
struct Squash;

impl Operation for Squash {
    fn name(&self) -> &'static str {
        "squash"
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        Ok(operands[0])
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        for (out, x) in out.iter_mut().zip(operands[0].values) {
            *out = x / (1.0 + x * x);
        }
    }

    /// f′(x) = (1 − x²) / (1 + x²)²
    fn gradient<'t>(&self, _: usize, operands: &[Var<'t>], _: Var<'t>, g: Var<'t>) -> Option<Var<'t>> {
        let (x, one) = (operands[0], g.tape().scalar(1.0));
        let below = one + x * x;
        Some(g * (one - x * x) / (below * below))
    }
}

struct Numbers(crate::random::Lanes);

impl Numbers {
    fn below(&mut self, count: usize) -> usize {
        self.0.next_words()[0] as usize % count
    }

    fn fill(&mut self, out: &mut [f32]) {
        self.0.fill_normal(out);
    }
}

/// Records a random graph: 60 operations on three inputs and two of three parameters; some of the results are outputs, and
/// the sum of some is differentiated.
fn record(tape: &Tape<'_>, parameters: &[Parameter; 3], seed: Seed) {
    let mut numbers = Numbers(seed.lanes("graph", 0));
    let squash: Arc<dyn Operation> = Arc::new(Squash);
    let mut vars = vec![tape.parameter(parameters[0]), tape.parameter(parameters[1])];
    for (name, shape) in [("x", Shape::from([4, 6])), ("y", Shape::from(6)), ("z", Shape::SCALAR)] {
        let mut values = vec![0.0; shape.elements()];
        numbers.fill(&mut values);
        vars.push(tape.input_with(name, shape, &values));
    }
    vars.push(tape.full([4, 1], 0.5));
    while vars.len() < 66 {
        let (a, b) = (vars[numbers.below(vars.len())], vars[numbers.below(vars.len())]);
        let wide = a.shape().broadcast(b.shape());
        vars.push(match numbers.below(9) {
            0 if wide.is_some() => a + b,
            1 if wide.is_some() => a - b,
            2 if wide.is_some() => a * b,
            3 if a.shape().elements() == 24 => a.reshape([4, 6]).reshape([[24], [24]][numbers.below(2)]),
            4 if wide == Some(a.shape()) => a.sum_to(b.shape()),
            5 if wide == Some(b.shape()) => a.broadcast_to(b.shape()),
            6 if a.shape().len() == 2 => a.stop_gradient(),
            7 | 8 => tape.apply(Arc::clone(&squash), &[a]),
            _ => continue,
        });
    }
    let mut loss = tape.scalar(0.0);
    for index in 0..8 {
        let var = vars[numbers.below(vars.len())];
        loss = loss + tape.apply(Arc::clone(&squash), &[var]).sum_to([]);
        if index % 2 == 0 {
            tape.output(&format!("output {index}"), var);
        }
    }
    tape.gradients(loss);
    let first = tape.recording.borrow().gradients.first().map(|(_, node)| *node);
    if let (Some(node), 0) = (first, numbers.below(2)) {
        tape.output("a gradient", Var::new(tape, node));
    }
    tape.output("loss", loss);
}

/// Every node's values, each in memory of its own.
fn unplanned(recording: &Recording, store: &Store, inputs: &BTreeMap<String, Vec<f32>>) -> Vec<Rc<[f32]>> {
    let mut all: Vec<Rc<[f32]>> = Vec::new();
    for node in &recording.nodes {
        let mut out = vec![f32::NAN; node.shape.elements()];
        match &node.op {
            Op::Input => out.copy_from_slice(&inputs[node.name.as_ref().unwrap()]),
            Op::Parameter(parameter) => out.copy_from_slice(store.get(*parameter)),
            Op::Constant(values) => out.copy_from_slice(values),
            op => {
                let view = |index: &usize| View { values: &all[*index][..], shape: recording.nodes[*index].shape };
                let operands: Vec<View<'_, f32>> = node.operands.iter().map(view).collect();
                op.operation().unwrap().forward(&operands, &mut out);
            }
        }
        all.push(out.into());
    }
    all
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn check(recording: &Recording, values: &[Rc<[f32]>], program: &Program, given: Option<(&Gradients, &Store)>) {
    for (name, node) in &recording.outputs {
        assert_eq!(bits(program.output(name)), bits(&values[*node]), "{name}");
    }
    let Some((gradients, store)) = given else { return };
    for parameter in store.parameters() {
        let node = recording.gradients.iter().find(|(known, _)| *known == parameter).map(|(_, node)| *node);
        let wanted = node.map_or(vec![0; store.get(parameter).len()], |node| bits(&values[node]));
        assert_eq!(bits(gradients.get(parameter)), wanted, "{}", store.name(parameter));
    }
}

#[test]
fn planned_equals_unplanned() {
    let mut shared = 0;
    for seed in 0..200 {
        let mut numbers = Numbers(Seed(seed).lanes("numbers", 0));
        let mut store = Store::new();
        let parameters = [store.add("a", &[4, 6]), store.add("b", &[6]), store.add("unused", &[3])];
        parameters.iter().for_each(|parameter| numbers.fill(store.get_mut(*parameter)));
        let tape = Tape::new(&store);
        record(&tape, &parameters, Seed(seed));
        let recording = tape.recording.into_inner();
        let mut program = Program::record(&store, |tape| record(tape, &parameters, Seed(seed)));
        check(&recording, &recording.values, &program, None);
        let mut gradients = store.gradients();
        gradients.values_mut().fill(f32::NAN);
        program.run(&store, &mut gradients);
        check(&recording, &recording.values, &program, Some((&gradients, &store)));
        let all: usize = recording.nodes.iter().map(|node| 4 * node.shape.elements().next_multiple_of(16)).sum();
        shared += usize::from(program.arena_bytes() < all / 2);

        // Other numbers; a copy evaluates them, and is not disturbed by the original's run.
        let mut inputs = BTreeMap::new();
        for (name, count) in [("x", 24), ("y", 6), ("z", 1)] {
            let mut values = vec![0.0; count];
            numbers.fill(&mut values);
            program.input_mut(name).copy_from_slice(&values);
            inputs.insert(name.to_owned(), values);
        }
        parameters.iter().for_each(|parameter| numbers.fill(store.get_mut(*parameter)));
        let values = unplanned(&recording, &store, &inputs);
        let mut copy = program.clone();
        copy.evaluate(&store);
        for _ in 0..2 {
            program.run(&store, &mut gradients);
            check(&recording, &values, &program, Some((&gradients, &store)));
        }
        check(&recording, &values, &copy, None);
    }
    assert!(shared > 150, "{shared} of 200 programs fit into half the memory of all nodes");
}

/// A network with every kind of fused operation, and the gradient of its gradient's length.
#[test]
fn a_network_is_planned() {
    let mut store = Store::new();
    let mut layer = |name: &str, inputs: usize, outputs: usize| {
        let weight = store.add(&format!("{name}.weight"), &[outputs, inputs]);
        Seed(2).lanes(name, 0).fill_normal(store.get_mut(weight));
        [weight, store.add(&format!("{name}.bias"), &[outputs])]
    };
    let layers = [layer("a", 6, 20), layer("b", 20, 4), layer("c", 2, 6)];
    let body = |tape: &Tape<'_>| {
        let mut values = [0.5; 48];
        Seed(3).lanes("x", 0).fill_uniform(&mut values);
        let (x, noise) = (tape.input_with("x", [8, 6], &values), tape.input_with("noise", [8, 2], &values[..16]));
        let [hidden, code, decoder] = layers.map(|layer| layer.map(|parameter| tape.parameter(parameter)));
        let code = x.linear(hidden[0], hidden[1], Activation::Tanh).linear(code[0], code[1], Activation::Identity);
        let (mean, log_variance) = (code.slice(1, 0, 2), code.slice(1, 2, 2));
        let z = mean.reparameterise(log_variance, noise);
        let logits = z.linear(decoder[0], decoder[1], Activation::Identity);
        let loss = (logits.bernoulli_cross_entropy(x) + mean.gaussian_kl(log_variance)).mean();
        let slope = tape.gradient(loss, &[x])[0];
        let penalised = loss + (slope * slope).sum();
        tape.output("loss", loss);
        tape.output("z", z.t());
        tape.output("slope", slope);
        tape.gradients(penalised);
    };
    let tape = Tape::new(&store);
    body(&tape);
    let recording = tape.recording.into_inner();
    let mut program = Program::record(&store, body);
    let mut gradients = store.gradients();
    for _ in 0..2 {
        program.run(&store, &mut gradients);
        check(&recording, &recording.values, &program, Some((&gradients, &store)));
    }
    assert_eq!(program.first_non_finite(&store), None);
}

/// Four layers of a few million multiply-adds each, with small steps between the gradients of their weights.
fn deep() -> (Store, Program) {
    let mut store = Store::new();
    let layers = ["a", "b", "c", "d"].map(|name| {
        let weight = store.add(&format!("{name}.weight"), &[300, 300]);
        Seed(4).lanes(name, 0).fill_normal(store.get_mut(weight));
        store.get_mut(weight).iter_mut().for_each(|w| *w *= 0.05);
        [weight, store.add(&format!("{name}.bias"), &[300])]
    });
    let program = Program::record(&store, |tape| {
        let mut values = vec![0.0; 64 * 300];
        Seed(5).lanes("x", 0).fill_normal(&mut values);
        let x = tape.input_with("x", [64, 300], &values);
        let y = layers.iter().fold(x, |x, [weight, bias]| {
            x.linear(tape.parameter(*weight), tape.parameter(*bias), Activation::Tanh)
        });
        let loss = (y.square() + y.softmax(1)).mean();
        tape.output("loss", loss);
        tape.gradients(loss);
    });
    (store, program)
}

#[test]
fn large_gradients_run_beside_small_steps_and_give_the_same_bits() {
    let (store, mut program) = deep();
    let beside = program.plan.steps.iter().filter(|step| step.order == Order::Beside).count();
    assert_eq!(beside, 4);
    let mut in_turn = program.clone();
    in_turn.plan.steps.iter_mut().for_each(|step| step.order = Order::InTurn);
    let mut wanted = store.gradients();
    in_turn.run(&store, &mut wanted);
    assert!(wanted.values().iter().any(|slope| slope.abs() > 1e-6));
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            for _ in 0..20 {
                let mut gradients = store.gradients();
                program.run(&store, &mut gradients);
                assert_eq!(gradients.values(), wanted.values(), "{threads} threads");
                assert_eq!(program.scalar("loss"), in_turn.scalar("loss"));
            }
        });
    }
}

#[test]
#[should_panic(expected = "writes beside it")]
fn what_others_read_is_not_written_beside_them() {
    let (_, program) = deep();
    let mut plan = program.plan.clone();
    let read = plan.steps.iter().position(|step| step.purpose == Purpose::Gradients).unwrap();
    plan.steps[read].order = Order::Beside;
    plan.check(|_| usize::MAX);
}

#[test]
fn a_gradient_may_be_anything() {
    let mut store = Store::new();
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| store.add(name, &[2]));
    store.get_mut(b).copy_from_slice(&[2.0, 3.0]);
    // A parameter, a constant that two parameters share, an input in another shape.
    let mut program = Program::record(&store, |tape| {
        let [a, b, c, d] = [a, b, c, d].map(|parameter| tape.parameter(parameter));
        let x = tape.input_with("x", [2, 1], &[5.0, 7.0]);
        let loss = (a * b + c).sum_to([]) + (d.reshape([2, 1]) * x).sum_to([]);
        tape.output("b", b);
        tape.output("b again", b);
        tape.output("ones", tape.full([2], 1.0));
        tape.gradients(loss);
    });
    let mut gradients = store.gradients();
    program.run(&store, &mut gradients);
    let of = |parameter| gradients.get(parameter).to_vec();
    assert_eq!([of(a), of(b), of(c), of(d)], [[2.0, 3.0], [0.0, 0.0], [1.0, 1.0], [5.0, 7.0]]);
    assert_eq!(
        [program.output("b"), program.output("b again"), program.output("ones")],
        [[2.0, 3.0], [2.0, 3.0], [1.0; 2]]
    );
}

#[test]
fn what_is_not_needed_is_not_run() {
    let mut store = Store::new();
    let a = store.add("a", &[2]);
    let program = Program::record(&store, |tape| {
        let (a, x) = (tape.parameter(a), tape.input("x", [2]));
        let _dead = tape.apply(Arc::new(Squash), &[x * x]);
        tape.output("sum", (a + x).reshape([1, 2]));
    });
    assert_eq!(program.plan.steps.len(), 1);
    assert_eq!(program.arena_bytes(), 128);
}

#[test]
fn what_is_not_finite_is_named() {
    let mut store = Store::new();
    let w = store.add("w", &[2]);
    store.get_mut(w).copy_from_slice(&[1.0, 2.0]);
    let mut program = Program::record(&store, |tape| {
        let (w, x) = (tape.parameter(w), tape.input_with("x", [2], &[1.0, 1.0]));
        let y = (x * w) / (x - tape.scalar(1.0));
        let z = (y * y).named("z");
        tape.output("loss", z.sum_to([]));
        tape.gradients(z.sum_to([]));
    });
    let said = |program: &Program, store: &Store| program.first_non_finite(store).unwrap_or_default();
    assert_eq!(said(&program, &store), "`div` of (`mul` of `x`, `w`), (`sub` of `x`, 1)");
    program.input_mut("x").copy_from_slice(&[3.0, 4.0]);
    assert_eq!(said(&program, &store), "");
    store.get_mut(w)[0] = 1e25;
    assert_eq!(said(&program, &store), "`z`");
    program.input_mut("x")[0] = 1e30;
    assert_eq!(said(&program, &store), "`mul` of `x`, `w`");
    store.get_mut(w)[1] = f32::INFINITY;
    assert_eq!(said(&program, &store), "`w`");
    program.input_mut("x")[1] = f32::NAN;
    assert_eq!(said(&program, &store), "the input `x`");
}

fn square(store: &Store) -> Program {
    Program::record(store, |tape| {
        let w = tape.parameter(store.find("w").unwrap());
        let loss = (w * w * tape.input("x", [2])).sum_to([]);
        tape.output("loss", loss);
        tape.gradients(loss);
    })
}

fn one_parameter() -> Store {
    let mut store = Store::new();
    store.add("w", &[2]);
    store
}

#[test]
#[should_panic(expected = "there is no input `y`, only `x`")]
fn an_unknown_input_is_named() {
    square(&one_parameter()).input_mut("y");
}

#[test]
#[should_panic(expected = "the gradients and the program do not fit: parameter 1 is `v` [3], wanted none")]
fn gradients_of_another_store_are_named() {
    let store = one_parameter();
    let mut other = store.clone();
    other.add("v", &[3]);
    square(&store).run(&store, &mut other.gradients());
}

#[test]
#[should_panic(expected = "this program declares no gradients")]
fn a_program_without_gradients_is_evaluated() {
    let store = one_parameter();
    let mut program = Program::record(&store, |tape| tape.output("x", tape.input("x", [2])));
    program.evaluate(&store);
    assert!(program.has_output("x") && !program.has_output("y"));
    program.run(&store, &mut store.gradients());
}

#[test]
fn programs_travel_between_threads() {
    fn travels<T: Send + Sync + Clone + 'static>(_: T) {}
    travels(square(&one_parameter()));
}
