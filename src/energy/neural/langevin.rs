//! One step of the Metropolis-adjusted Langevin algorithm for one row (Rossky, Doll & Friedman 1978; Roberts & Tweedie 1996).
//!
//! From u propose u′ = u − ½ε² ∂E(u) + ε ξ with ξ ~ N(0, I), a draw from q(u′ | u) = N(u − ½ε² ∂E(u), ε² I), and go there with
//! probability min(1, r), else stay:
//!
//! ln r = E(u) − E(u′) + ln q(u | u′) − ln q(u′ | u).
//!
//! Both densities of the proposal are taken at the rounded u′ that the chain would go to.

/// Where a chain is or might go: u, E(u) and ∂E/∂u.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) u: &'a [f32],
    pub(super) energy: f64,
    pub(super) slope: &'a [f32],
}

/// u′ from u, ∂E(u) and ξ.
pub(super) fn propose(u: f32, slope: f32, noise: f32, step: f32) -> f32 {
    u - 0.5 * step * step * slope + step * noise
}

/// min(1, r); 0 where the energy or the slope of `there` is no number.
pub(super) fn acceptance(here: Place<'_>, there: Place<'_>, step: f32) -> f64 {
    let step = f64::from(step);
    // −2ε² ln q(to | from), up to a constant.
    let squares = |from: Place<'_>, to: Place<'_>| -> f64 {
        let moves = from.u.iter().zip(to.u).zip(from.slope);
        moves.map(|((&a, &b), &s)| (f64::from(b) - f64::from(a) + 0.5 * step * step * f64::from(s)).powi(2)).sum()
    };
    let proposal = (squares(here, there) - squares(there, here)) / (2.0 * step * step);
    let log_ratio = here.energy - there.energy + proposal;
    if log_ratio.is_nan() { 0.0 } else { log_ratio.min(0.0).exp() }
}
