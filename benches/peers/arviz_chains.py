"""Writes src/sampling/diagnostics/arviz.rs: what ArviZ says of 100 sets of chains, and of the tails of 6 sets of weights.

    python3 -m venv VENV && VENV/bin/pip install arviz==0.23.4
    VENV/bin/python benches/peers/arviz_chains.py > src/sampling/diagnostics/arviz.rs

The chains are made by sums and products of doubles alone, so that Rust makes the same ones (tests.rs beside that file).
"""

import math

import arviz
import numpy
from arviz.stats.stats import psislw

MASK = (1 << 64) - 1


def uniforms(state):
    """Knuth's linear congruential generator, the upper 53 bits."""
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) & MASK
        yield (state >> 11) * 2.0**-53


def chains_of(index):
    """Set `index`: correlation, shape, number and length of the chains all vary."""
    uniform = uniforms(index + 1)
    count, draws = 1 + index % 6, 20 + index * 13 % 381
    correlation = (index * 7 % 25) * 0.0625 - 0.5
    chains = []
    for chain in range(count):
        x, values = 0.0, []
        for _ in range(draws):
            x = correlation * x + (next(uniform) + next(uniform) + next(uniform) - 1.5)
            values.append(shaped(x, index % 5, chain))
        chains.append(values)
    return numpy.array(chains)


def shaped(x, shape, chain):
    """As it is; heavy-tailed; the first chain elsewhere; the second one wider; with ties."""
    if shape == 1:
        return x * x * x
    if shape == 2 and chain == 0:
        return x + 0.5
    if shape == 3 and chain == 1:
        return x * 3.0
    if shape == 4:
        return math.floor(x * 8.0)
    return x


def log_weights(index):
    """e^w is a Pareto variable of shape 0.2, 0.4, … 1.2, by x^(-k) = e^(-k ln x)."""
    uniform = uniforms(1000 + index)
    return numpy.array([-0.2 * (index + 1) * math.log(next(uniform)) for _ in range(500 + 700 * index)])


def main():
    print(f"//! What ArviZ {arviz.__version__} says of chains that `tests.rs` makes anew. Written by benches/peers/arviz_chains.py.\n")
    print("/// R̂ (rank), ESS (bulk, tail), MCSE (mean, sd, 5% quantile, 95% quantile) of each set.")
    print("#[rustfmt::skip]\npub(super) const CHAINS: [[f64; 7]; 100] = [")
    for index in range(100):
        chains = chains_of(index)
        row = [arviz.rhat(chains, method="rank"), arviz.ess(chains, method="bulk"), arviz.ess(chains, method="tail")]
        row += [arviz.mcse(chains, method="mean"), arviz.mcse(chains, method="sd")]
        row += [arviz.mcse(chains, method="quantile", prob=p) for p in (0.05, 0.95)]
        print("    [" + ", ".join(literal(float(value)) for value in row) + "],")
    print("];\n\n/// k̂ of the weights of each set.")
    shapes = [float(psislw(log_weights(index))[1]) for index in range(6)]
    print("#[rustfmt::skip]\npub(super) const SHAPES: [f64; 6] = [" + ", ".join(map(literal, shapes)) + "];")


def literal(value):
    return "f64::NAN" if math.isnan(value) else f"{value:.10e}"


main()
