use super::made::{Made, MadeShape, Outputs};
use crate::Seed;
use crate::autodiff::{Activation, Program, check_parameter_gradients};
use crate::store::{Snapshot, Store};
use std::rc::Rc;

/// Networks of one and of more layers, wider and narrower than their input, with and without a context.
const SHAPES: [(usize, usize, &[usize], Outputs); 9] = [
    (1, 0, &[3], Outputs { groups: 1, each: 5 }),
    (1, 2, &[3, 2], Outputs { groups: 2, each: 1 }),
    (2, 0, &[8], Outputs { groups: 2, each: 1 }),
    (5, 0, &[3], Outputs { groups: 1, each: 3 }),
    (7, 3, &[16, 5, 9], Outputs { groups: 2, each: 2 }),
    (20, 0, &[33, 40], Outputs { groups: 2, each: 1 }),
    (37, 4, &[70], Outputs { groups: 3, each: 4 }),
    (18, 2, &[], Outputs { groups: 1, each: 2 }),
    (50, 0, &[130, 61, 97], Outputs { groups: 1, each: 23 }),
];

/// A network whose weights and biases are all drawn.
fn drawn(index: usize, activation: Activation) -> (Store, Made) {
    let (width, context, hidden, outputs) = SHAPES[index];
    let mut store = Store::new();
    let made = Made::new(&mut store, "m", &MadeShape { width, context, hidden, activation, outputs }, Seed(1));
    for layer in &made.layers {
        let stored = layer.staircase.stored_length();
        let mut whole = vec![0.0; layer.staircase.outputs() * layer.staircase.inputs()];
        Seed(2).lanes(store.name(layer.weight), 0).fill_normal(&mut whole);
        let scale = (layer.staircase.inputs() as f32).sqrt().recip();
        whole.iter_mut().for_each(|weight| *weight *= scale);
        let mut weights = vec![0.0; stored];
        layer.staircase.pack(&whole, &mut weights);
        store.get_mut(layer.weight).copy_from_slice(&weights);
        for parameter in layer.context.iter().map(|(weight, _)| *weight).chain([layer.bias]) {
            Seed(2).lanes(store.name(parameter), 0).fill_normal(store.get_mut(parameter));
        }
    }
    (store, made)
}

fn normals(name: &str, length: usize) -> Vec<f32> {
    let mut values = vec![0.0; length];
    Seed(3).lanes(name, 0).fill_normal(&mut values);
    values
}

/// The outputs for rows `[rows, width]`.
fn outputs(store: &Store, made: &Made, rows: &[f32], context: &[f32]) -> Vec<f32> {
    let count = rows.len() / made.width;
    let mut program = Program::record(store, |tape| {
        let x = tape.input_with("x", [count, made.width], rows);
        let given = (made.context > 0).then(|| tape.input_with("context", [count, made.context], context));
        tape.output("outputs", made.apply(x, given, None));
    });
    program.evaluate(store);
    program.output("outputs").to_vec()
}

#[test]
fn an_output_depends_on_the_components_before_its_own_alone() {
    for index in 0..SHAPES.len() {
        let (store, made) = drawn(index, Activation::Tanh);
        Program::record(&store, |tape| {
            let x = tape.input_with("x", [1, made.width], &normals("x", made.width));
            let given =
                (made.context > 0).then(|| tape.input_with("c", [1, made.context], &normals("c", made.context)));
            let all = made.apply(x, given, None);
            for component in 0..made.width {
                check_reads(index, &made, component, |place| {
                    tape.gradient(all.slice(1, place, 1).sum(), &[x])[0].value()
                });
            }
        });
    }
}

/// The slopes with respect to the components of every output for one of them.
fn check_reads(index: usize, made: &Made, component: usize, slopes: impl Fn(usize) -> Rc<[f32]>) {
    let Outputs { groups, each } = made.outputs;
    let mut reached = vec![false; made.width];
    for place in 0..groups * each {
        let place = (place / each * made.width + component) * each + place % each;
        for (e, slope) in slopes(place).iter().enumerate() {
            assert!(e < component || *slope == 0.0, "network {index}: output {component} reads {e}");
            reached[e] |= *slope != 0.0;
        }
    }
    // Where there are units enough for every degree, all before are read.
    let (_, context, hidden, _) = SHAPES[index];
    if hidden.iter().all(|units| *units + usize::from(context == 0) >= made.width) {
        assert!(reached[..component].iter().all(|reached| *reached), "network {index}: {component}");
    } else if component + 1 == made.width {
        assert!(reached.iter().any(|reached| *reached), "network {index}");
    }
}

#[test]
fn a_context_reaches_every_output() {
    for index in (0..SHAPES.len()).filter(|index| SHAPES[*index].1 > 0) {
        let (store, made) = drawn(index, Activation::Tanh);
        let rows = normals("x", made.width);
        let mut context = normals("c", made.context);
        let before = outputs(&store, &made, &rows, &context);
        context[0] += 1.0;
        let after = outputs(&store, &made, &rows, &context);
        assert!(before.iter().zip(&after).all(|(a, b)| a != b), "network {index}");
    }
}

#[test]
fn derivatives_with_respect_to_all_parameters() {
    for index in [1, 2, 4] {
        let (store, made) = drawn(index, Activation::Tanh);
        check_parameter_gradients(&store, |tape| {
            let x = tape.constant([2, made.width], &normals("x", 2 * made.width));
            let given =
                (made.context > 0).then(|| tape.constant([2, made.context], &normals("c", 2 * made.context)));
            made.apply(x, given, None)
        })
        .unwrap();
    }
}

#[test]
fn in_turn_is_a_pass_for_each_component() {
    for index in 0..SHAPES.len() {
        for activation in [Activation::Relu, Activation::Softplus] {
            let (store, made) = drawn(index, activation);
            for count in [0, 1, 32, 45] {
                let begin = normals("rows", count * made.width);
                let context = normals("context", count * made.context);
                let Outputs { groups, each } = made.outputs;
                // A component becomes what it was, and a squashed sum of the outputs for it.
                let solve = |before: f32, sum: f32| before + 0.5 * (sum / groups as f32 / each as f32).tanh();
                let mut rows = begin.clone();
                made.in_turn(&store, &mut rows, &context, &|_, outputs, values| {
                    for (lane, value) in values.iter_mut().enumerate() {
                        let sum = outputs[lane..].iter().step_by(values_side_by_side()).sum();
                        *value = solve(*value, sum);
                    }
                });
                let mut slow = begin;
                for component in 0..made.width {
                    let all = outputs(&store, &made, &slow, &context);
                    for row in 0..count {
                        let own = &all[row * groups * made.width * each..];
                        let of_group = |group: usize| &own[(group * made.width + component) * each..][..each];
                        let sum = (0..groups).flat_map(|group| of_group(group).iter()).sum();
                        slow[row * made.width + component] = solve(slow[row * made.width + component], sum);
                    }
                }
                for (fast, slow) in rows.iter().zip(&slow) {
                    assert!((fast - slow).abs() < 1e-4, "network {index}, {count} rows: {fast} and {slow}");
                }
            }
        }
    }
}

fn values_side_by_side() -> usize {
    crate::kernels::staircase_lanes::ROWS
}

#[test]
fn a_row_comes_out_the_same_in_any_company() {
    let (store, made) = drawn(5, Activation::Relu);
    let run = |rows: &[f32], threads: usize| {
        let mut rows = rows.to_vec();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            made.in_turn(&store, &mut rows, &[], &|_, outputs, values| {
                values.iter_mut().zip(outputs).for_each(|(value, output)| *value += 0.1 * output);
            });
        });
        rows
    };
    let rows = normals("rows", 100 * made.width);
    let all = run(&rows, 1);
    assert_eq!(run(&rows, 3), all);
    let one = 70 * made.width..71 * made.width;
    assert_eq!(run(&rows[one.clone()], 1), all[one]);
}

#[test]
fn a_file_holds_whole_matrices() {
    let (store, made) = drawn(4, Activation::Relu);
    let mut snapshot = Snapshot::default();
    store.save("flow.", &mut snapshot);
    let names: Vec<&str> = snapshot.arrays.keys().map(String::as_str).collect();
    let wanted = [0, 2, 4, 6].map(|i| ["bias", "context", "weight"].map(|part| format!("flow.m.{i}.{part}")));
    assert_eq!(names, wanted.concat());
    assert_eq!(snapshot.shape("flow.m.2.weight").unwrap(), [5, 16]);
    let mut other = Store::new();
    let (width, context, hidden, outputs) = SHAPES[4];
    let shape = MadeShape { width, context, hidden, activation: Activation::Relu, outputs };
    Made::new(&mut other, "m", &shape, Seed(9));
    other.load("flow.", &snapshot).unwrap();
    assert_eq!(other, store);
    assert_eq!(made.layers.len(), 4);
}

#[test]
fn a_unit_that_reads_fewer_inputs_has_larger_weights() {
    let mut store = Store::new();
    let outputs = Outputs { groups: 2, each: 1 };
    let shape = MadeShape { width: 100, context: 0, hidden: &[4000], activation: Activation::Relu, outputs };
    let made = Made::new(&mut store, "m", &shape, Seed(1));
    let layer = &made.layers[0];
    for degree in [1, 50, 99] {
        // Uniform in ±√(6 / degree): of variance 2 / degree, whose estimate from n draws has the relative error √(4/5n).
        let weights = |unit| &store.get(layer.weight)[layer.staircase.row(unit)];
        let all: Vec<f32> = layer.of_degree(degree).flat_map(weights).copied().collect();
        let second = all.iter().map(|w| f64::from(w * w)).sum::<f64>() / all.len() as f64;
        let (wanted, error) = (2.0 / degree as f64, (0.8 / all.len() as f64).sqrt());
        // Two-sided α = 6·10⁻⁷.
        assert!((second / wanted - 1.0).abs() < 5.0 * error, "degree {degree}: {second}, wanted {wanted}");
    }
    assert!(store.get(made.layers[1].weight).iter().all(|weight| *weight == 0.0));
}

/// Rows a second through five networks of 784 components and 1024 hidden units.
#[test]
#[ignore = "a measurement"]
fn throughput() {
    const LAYERS: usize = 5;
    let mut store = Store::new();
    let outputs = Outputs { groups: 2, each: 1 };
    let shape = MadeShape { width: 784, context: 0, hidden: &[1024], activation: Activation::Relu, outputs };
    let layers: [Made; LAYERS] =
        std::array::from_fn(|layer| Made::new(&mut store, &layer.to_string(), &shape, Seed(1)));
    for count in [32, 64, 1024] {
        let mut rows = normals("rows", count * 784);
        let mut best = f64::INFINITY;
        for _ in 0..1 + 2000 / count {
            let start = std::time::Instant::now();
            for made in &layers {
                made.in_turn(&store, &mut rows, &[], &|_, outputs, values| {
                    values.iter_mut().zip(outputs).for_each(|(value, output)| *value -= 0.1 * output);
                });
            }
            best = best.min(start.elapsed().as_secs_f64());
        }
        println!("{count} rows: {:.0} a second", count as f64 / best);
    }
}
