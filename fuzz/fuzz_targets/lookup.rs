//! The lookup-table product against sums in f64: random shapes, weights and states.
#![no_main]

use helmholtz::Seed;
use helmholtz::rbm::Rbm;
use helmholtz::tensor::BitMatrix;
use helmholtz_fuzz::{coins, numbers};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Case {
    visible: u8,
    hidden: u8,
    rows: u8,
    more_rows: u8,
    magnitude: u8,
    /// All remainders of groups, words and blocks: 64. Past them, other loops are taken.
    large: bool,
    seed: u64,
}

/// A logit of f64 sums, and how far that of f32 ones may be from it: n additions, each of relative error ε = 2⁻²⁴.
fn logits(input: &BitMatrix, bias: &[f32], weight: impl Fn(usize, usize) -> f32) -> Vec<(f64, f64)> {
    let mut out = Vec::with_capacity(input.rows() * bias.len());
    for states in input.to_f32().chunks_exact(input.units()) {
        for (output, &bias) in bias.iter().enumerate() {
            let (mut sum, mut magnitude) = (f64::from(bias), f64::from(bias.abs()));
            for (unit, _) in states.iter().enumerate().filter(|(_, state)| **state == 1.0) {
                let weight = f64::from(weight(unit, output));
                sum += weight;
                magnitude += weight.abs();
            }
            // The tables hold sums of up to four weights, whether or not a state is on: they round all the same.
            out.push((sum, (input.units() + 3) as f64 * 0.5f64.powi(24) * magnitude));
        }
    }
    out
}

fn check_means(means: &[f32], logits: &[(f64, f64)]) {
    assert_eq!(means.len(), logits.len());
    for (&mean, &(logit, error)) in means.iter().zip(logits) {
        let wanted = 1.0 / (1.0 + (-logit).exp());
        // σ is 1/4-Lipschitz, and its f32 version is off by at most a few ULP of 1.
        let bound = 0.25 * error + 4.0 * f64::from(f32::EPSILON);
        assert!((f64::from(mean) - wanted).abs() <= bound, "{mean} for σ({logit}) = {wanted}, bound {bound}");
    }
}

fuzz_target!(|case: Case| {
    let limit = if case.large { 256 } else { 64 };
    let size = |byte: u8| usize::from(byte) % limit + 1;
    let (visible, hidden, rows) = (size(case.visible), size(case.hidden), size(case.rows));
    let scale = [0.0, 0.01, 1.0, 30.0][usize::from(case.magnitude % 4)];
    let weights = numbers("weights", case.seed, visible * hidden, scale);
    let (a, b) = (numbers("a", case.seed, visible, scale), numbers("b", case.seed, hidden, scale));
    let rbm = Rbm::from_parameters(visible, hidden, &weights, &a, &b).expect("finite parameters");

    let v = coins("v", case.seed, rows, visible);
    let towards_hidden = logits(&v, &b, |unit, output| weights[unit * hidden + output]);
    check_means(&rbm.mean_hidden(&v), &towards_hidden);
    let h = coins("h", case.seed, rows, hidden);
    let towards_visible = logits(&h, &a, |unit, output| weights[output * hidden + unit]);
    check_means(&rbm.mean_visible(&h), &towards_visible);

    let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    for (row, (&energy, logits)) in rbm.free_energy(&v).iter().zip(towards_hidden.chunks_exact(hidden)).enumerate()
    {
        let linear: f64 = (0..visible).filter(|&unit| v.get(row, unit)).map(|unit| f64::from(a[unit])).sum();
        let wanted = -linear - logits.iter().map(|&(logit, _)| softplus(logit)).sum::<f64>();
        // softplus is 1-Lipschitz; its f32 version is off by at most a few ULP of itself.
        let bound: f64 = logits
            .iter()
            .map(|&(logit, error)| error + 4.0 * f64::from(f32::EPSILON) * (softplus(logit) + 1e-3))
            .sum::<f64>()
            + 1e-9;
        assert!((energy - wanted).abs() <= bound, "row {row}: {energy} for {wanted}, bound {bound}");
    }

    // A chain's path depends on its seed and place alone, whatever the number of chains makes of the loops.
    let more = rows + usize::from(case.more_rows);
    let (mut few, mut many) = (rbm.chains(rows, Seed(case.seed)), rbm.chains(more, Seed(case.seed)));
    few.gibbs(&rbm, 2);
    many.gibbs(&rbm, 2);
    for row in 0..rows {
        for unit in 0..visible {
            assert_eq!(
                few.visible().get(row, unit),
                many.visible().get(row, unit),
                "chain {row} of {rows}, {more}"
            );
        }
    }
});
