use super::*;
use crate::random::Seed;
use crate::simd::Isa;

const SHAPES: [Spline; 4] = [
    Spline { bins: 8, bound: 3.0 },
    Spline { bins: 1, bound: 2.0 },
    Spline { bins: 5, bound: 1.0 },
    Spline { bins: 32, bound: 10.0 },
];
const DIRECTIONS: [Direction; 2] = [Direction::Forward, Direction::Inverse];

/// Numbers from somewhat below the box to somewhat above it, and normal parameters of this deviation.
fn example(spline: Spline, count: usize, deviation: f32) -> (Vec<f32>, Vec<f32>) {
    let (mut x, mut parameters) = (vec![0.0; count], vec![0.0; count * spline.parameters()]);
    Seed(1).lanes("spline x", 0).fill_uniform(&mut x);
    Seed(1).lanes("spline parameters", 0).fill_normal(&mut parameters);
    x.iter_mut().for_each(|x| *x = 1.2 * spline.bound * (2.0 * *x - 1.0));
    parameters.iter_mut().for_each(|p| *p *= deviation);
    (x, parameters)
}

fn both(spline: Spline, direction: Direction, x: &[f32], parameters: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let (mut y, mut log_slopes) = (vec![f32::NAN; x.len()], vec![f32::NAN; x.len()]);
    transform(spline, direction, x, parameters, &mut y, &mut log_slopes);
    (y, log_slopes)
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

#[test]
fn it_is_its_reference() {
    for spline in SHAPES {
        for direction in DIRECTIONS {
            let (x, parameters) = example(spline, 101, 1.0);
            let (y, log_slopes) = both(spline, direction, &x, &parameters);
            for (index, own) in parameters.chunks_exact(spline.parameters()).enumerate() {
                let (value, log_slope) = reference(spline, direction, x[index].into(), &wide(own));
                // A rounding of x or of a knot moves a steep curve by its slope.
                let steep = log_slope.abs().exp();
                let allowed = 64.0 * f64::from(f32::EPSILON) * f64::from(spline.bound) * (1.0 + steep);
                assert!((f64::from(y[index]) - value).abs() <= allowed, "{spline:?} {direction:?} {}", x[index]);
                let off = (f64::from(log_slopes[index]) - log_slope).abs();
                assert!(off <= 2e-3 * (1.0 + steep), "{spline:?} {direction:?} {} {off}", x[index]);
            }
        }
    }
}

#[test]
fn derivatives_are_those_of_dual_numbers() {
    for spline in SHAPES {
        for direction in DIRECTIONS {
            let (x, parameters) = example(spline, 53, 0.5);
            let count = spline.parameters();
            let (mut of_x, mut of_parameters) = (vec![f32::NAN; x.len()], vec![f32::NAN; parameters.len()]);
            let of_y: Vec<f32> = x.iter().map(|x| 0.5 + x.sin()).collect();
            let of_log: Vec<f32> = x.iter().map(|x| x.cos() - 0.2).collect();
            derivatives(spline, direction, &x, &parameters, &of_y, &of_log, &mut of_x, &mut of_parameters);
            for (index, own) in parameters.chunks_exact(count).enumerate() {
                let weights = [of_y[index].into(), of_log[index].into()];
                let exact = derivatives_reference(spline, direction, x[index].into(), &wide(own), weights);
                let found = [&of_x[index..=index], &of_parameters[index * count..][..count]].concat();
                let size = exact.iter().fold(1.0f64, |size, d| size.max(d.abs()));
                for (wanted, found) in exact.iter().zip(found) {
                    assert!(
                        (wanted - f64::from(found)).abs() <= 5e-3 * size,
                        "{spline:?} {direction:?} at {}: {found}, exactly {wanted}",
                        x[index]
                    );
                }
            }
        }
    }
}

#[test]
fn the_inverse_undoes_it_at_knots_too_and_outside_nothing_happens() {
    for spline in SHAPES {
        for deviation in [0.3, 3.0] {
            let (mut x, parameters) = example(spline, 64, deviation);
            x[..4].copy_from_slice(&[spline.bound, -spline.bound, 100.0, -100.0]);
            let (y, slopes) = both(spline, Direction::Forward, &x, &parameters);
            let (back, inverse_slopes) = both(spline, Direction::Inverse, &y, &parameters);
            assert_eq!(y[..4], x[..4]);
            for index in 0..64 {
                // What one rounding of y is worth in x.
                let flat = 1.0 + (-slopes[index]).exp();
                let allowed = 16.0 * f32::EPSILON * spline.bound * flat;
                assert!((back[index] - x[index]).abs() <= allowed, "{spline:?} {}: {}", x[index], back[index]);
                assert!(slopes[index].is_finite() && inverse_slopes[index].is_finite());
            }
        }
    }
}

#[test]
fn zeros_are_the_identity_and_wild_parameters_stay_finite() {
    let spline = SHAPES[0];
    let (x, _) = example(spline, 40, 1.0);
    let (y, slopes) = both(spline, Direction::Forward, &x, &vec![0.0; 40 * spline.parameters()]);
    for (index, x) in x.iter().enumerate() {
        assert!((y[index] - x).abs() < 1e-5 && slopes[index].abs() < 1e-5, "{x}: {} {}", y[index], slopes[index]);
    }
    let (_, wild) = example(spline, 40, 100.0);
    for direction in DIRECTIONS {
        let (y, slopes) = both(spline, direction, &x, &wild);
        assert!(y.iter().chain(&slopes).all(|value| value.is_finite()));
        let (mut of_x, mut of_parameters) = (vec![0.0; 40], vec![0.0; wild.len()]);
        derivatives(spline, direction, &x, &wild, &[1.0; 40], &[1.0; 40], &mut of_x, &mut of_parameters);
        assert!(of_x.iter().chain(&of_parameters).all(|value| value.is_finite()));
    }
    assert!(both(spline, Direction::Forward, &[f32::NAN], &wild[..spline.parameters()]).0[0].is_nan());
}

#[test]
fn every_instruction_set_has_the_same_bits() {
    let spline = SHAPES[0];
    let (x, parameters) = example(spline, 37, 2.0);
    let run = |isa| {
        let (mut y, mut log_slopes) = (vec![0.0; 37], vec![0.0; 37]);
        let kernel = Transform {
            spline,
            direction: Direction::Inverse,
            x: &x,
            parameters: &parameters,
            y: &mut y,
            log_slopes: &mut log_slopes,
        };
        crate::simd::dispatch_on(isa, kernel);
        [y, log_slopes].concat().iter().map(|value| value.to_bits()).collect::<Vec<_>>()
    };
    for isa in [Isa::Avx2, Isa::Avx512].into_iter().filter(|isa| isa.is_supported()) {
        assert_eq!(run(isa), run(Isa::Portable), "{isa}");
    }
}
