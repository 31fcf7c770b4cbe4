//! Every function against `f64`, on every instruction set: sampled always, over all floats when asked.

use super::*;
use crate::simd::{Isa, Vectorised, dispatch_on};
use rayon::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Function {
    Exp,
    Ln,
    Sigmoid,
    Tanh,
    Softplus,
    ExpMinusMagnitude,
}

impl Function {
    fn reference(self, x: f64) -> f64 {
        match self {
            Function::Exp => x.exp(),
            Function::Ln => x.ln(),
            Function::Sigmoid if x >= 0.0 => 1.0 / (1.0 + (-x).exp()),
            Function::Sigmoid => x.exp() / (1.0 + x.exp()),
            Function::Tanh => x.tanh(),
            Function::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Function::ExpMinusMagnitude if x.abs() < 87.0 => (-x.abs()).exp(),
            Function::ExpMinusMagnitude => 0.0,
        }
    }
}

struct Apply<'a>(Function, &'a mut [f32; 16]);

impl Vectorised for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for chunk in self.1.chunks_exact_mut(S::LANES) {
            // SAFETY: the chunk is a whole vector.
            unsafe {
                let x = simd.load(chunk.as_ptr());
                let y = match self.0 {
                    Function::Exp => exp(simd, x),
                    Function::Ln => ln(simd, x),
                    Function::Sigmoid => sigmoid(simd, x),
                    Function::Tanh => tanh(simd, x),
                    Function::Softplus => softplus(simd, x),
                    Function::ExpMinusMagnitude => exp_minus_magnitude(simd, x),
                };
                simd.store(chunk.as_mut_ptr(), y);
            }
        }
    }
}

/// |got − exact| in units of the last place of an `f32` near `exact`; overflow counts as 2¹²⁸.
fn ulps(got: f32, exact: f64) -> f64 {
    if got.is_nan() || exact.is_nan() {
        return if got.is_nan() && exact.is_nan() { 0.0 } else { f64::INFINITY };
    }
    let limit = 128f64.exp2();
    let got = f64::from(got).clamp(-limit, limit);
    let exact = exact.clamp(-limit, limit);
    let exponent = ((exact.abs().to_bits() >> 52) as i32 - 1023).clamp(-126, 127);
    (got - exact).abs() / f64::from(exponent - 23).exp2()
}

/// The largest error over the floats whose bits are `first + i · step`, having compared all instruction sets.
fn largest_error(function: Function, step: u64, count: u64) -> f64 {
    let sets: Vec<Isa> = Isa::ALL.into_iter().filter(|isa| isa.is_supported()).collect();
    (0..count.div_ceil(16))
        .into_par_iter()
        .map(|block| {
            let inputs: [f32; 16] =
                std::array::from_fn(|lane| f32::from_bits(((block * 16 + lane as u64) * step) as u32));
            let mut outputs = inputs;
            dispatch_on(sets[0], Apply(function, &mut outputs));
            for &isa in &sets[1..] {
                let mut others = inputs;
                dispatch_on(isa, Apply(function, &mut others));
                assert_eq!(
                    outputs.map(f32::to_bits),
                    others.map(f32::to_bits),
                    "{function:?} {inputs:?} on {isa}"
                );
            }
            let errors = inputs.iter().zip(outputs).map(|(&x, y)| {
                if x.is_nan() && matches!(function, Function::ExpMinusMagnitude) {
                    return ulps(y, function.reference(f64::INFINITY));
                }
                if x.is_nan() {
                    assert_eq!(x.to_bits(), y.to_bits(), "{function:?} of a NaN");
                    return 0.0;
                }
                ulps(y, function.reference(f64::from(x)))
            });
            errors.fold(0.0, f64::max)
        })
        .reduce(|| 0.0, f64::max)
}

/// The documented bounds.
const BOUNDS: [(Function, f64); 6] = [
    (Function::Exp, 0.9),
    (Function::Ln, 0.85),
    (Function::Sigmoid, 2.5),
    (Function::Tanh, 1.35),
    (Function::Softplus, 2.0),
    (Function::ExpMinusMagnitude, 0.9),
];

#[test]
fn errors_are_within_the_documented_bounds_at_four_million_points() {
    for (function, bound) in BOUNDS {
        let error = largest_error(function, 1021, (1 << 32) / 1021);
        assert!(error <= bound, "{function:?} is {error} ULP off, {bound} are documented");
    }
}

fn check_every_float((function, bound): (Function, f64)) {
    let error = largest_error(function, 1, 1 << 32);
    println!("{function:?}: maximum error {error:.4} ULP");
    assert!(error <= bound, "{function:?} is {error} ULP off, {bound} are documented");
}

#[test]
#[ignore = "all 2³² floats take minutes"]
fn every_float_through_exp() {
    check_every_float(BOUNDS[0]);
}

#[test]
#[ignore = "all 2³² floats take minutes"]
fn every_float_through_ln() {
    check_every_float(BOUNDS[1]);
}

#[test]
#[ignore = "all 2³² floats take minutes"]
fn every_float_through_sigmoid() {
    check_every_float(BOUNDS[2]);
}

#[test]
#[ignore = "all 2³² floats take minutes"]
fn every_float_through_tanh() {
    check_every_float(BOUNDS[3]);
}

#[test]
#[ignore = "all 2³² floats take minutes"]
fn every_float_through_softplus() {
    check_every_float(BOUNDS[4]);
}

#[test]
#[ignore = "all 2³² floats take minutes"]
fn every_float_through_exp_minus_magnitude() {
    check_every_float(BOUNDS[5]);
}

#[test]
fn limits_are_exact() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    let cases: [(Function, &[(f32, f32)]); 5] = [
        (
            Function::Exp,
            &[(0.0, 1.0), (-0.0, 1.0), (inf, inf), (-inf, 0.0), (89.0, inf), (-104.0, 0.0), (nan, nan)],
        ),
        (Function::Ln, &[(1.0, 0.0), (0.0, -inf), (-0.0, -inf), (inf, inf), (-1.0, nan), (-inf, nan), (nan, nan)]),
        (Function::Sigmoid, &[(0.0, 0.5), (-0.0, 0.5), (inf, 1.0), (-inf, 0.0), (f32::MIN, 0.0), (nan, nan)]),
        (Function::Tanh, &[(0.0, 0.0), (-0.0, -0.0), (inf, 1.0), (-inf, -1.0), (1e-45, 1e-45), (nan, nan)]),
        (Function::Softplus, &[(-inf, 0.0), (inf, inf), (f32::MAX, f32::MAX), (f32::MIN, 0.0), (nan, nan)]),
    ];
    for isa in Isa::ALL.into_iter().filter(|isa| isa.is_supported()) {
        for (function, pairs) in cases {
            for &(x, y) in pairs {
                let mut values = [x; 16];
                dispatch_on(isa, Apply(function, &mut values));
                assert!(
                    values.iter().all(|v| v.to_bits() == y.to_bits()),
                    "{function:?}({x}) = {} on {isa}",
                    values[0]
                );
            }
        }
    }
}
