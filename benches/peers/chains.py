"""Effective draws a second of our model-free samplers beside those of blackjax and emcee, in one run.

    python3 -m venv VENV && VENV/bin/pip install arviz==0.23.4 blackjax==1.7.1 emcee==3.1.6
    VENV/bin/python benches/peers/chains.py [--rounds N] [--json]

Ours is `cargo bench --bench ess` in the folder above: four chains of 20,000 draws (200,000 and 40,000 where they are random walks and
Langevin) after 1,000 steps of warm-up, whose time counts. The peers move as many chains as many steps in double
precision, compiled before the clock starts:

- blackjax's random walk and Langevin chains are given the step size that ours learned, and spend no time learning one;
- blackjax's Hamiltonian chains take 5 leapfrog steps, and learn step size and masses in Stan's windows, as ours do;
- emcee's 32 walkers, vectorised over NumPy, take the random walk's number of evaluations of the density.

The effective draws are bulk, of the worst component, by ArviZ, whose figures ours equal to 10⁻⁶. Everyone takes turns;
what counts is the ratio of the medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import time
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import arviz
import blackjax
import emcee
import jax
import jax.numpy as jnp
import numpy

jax.config.update("jax_enable_x64", True)

ROOT = Path(__file__).resolve().parent.parent.parent
EFFECTS = numpy.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
ERRORS = numpy.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


def normal(x, numeric):
    return -0.5 * (x[..., 0] ** 2 + ((x[..., 1:] - 0.9 * x[..., :-1]) ** 2).sum(-1) / 0.19)


def funnel(x, numeric):
    return -0.5 * (x[..., 0] ** 2 / 9.0 + (x[..., 1:] ** 2).sum(-1))


def eight_schools(x, numeric):
    mu, tau, eta = x[..., :1], numeric.exp(x[..., 1:2]), x[..., 2:]
    prior = -mu**2 / 50.0 - numeric.log1p(tau**2 / 25.0) + x[..., 1:2]
    residual = (EFFECTS - mu - tau * eta) / ERRORS
    return prior[..., 0] - 0.5 * (eta**2 + residual**2).sum(-1)


DENSITIES = {"normal": normal, "funnel": funnel, "eight schools": eight_schools}


def worst(draws):
    """Of `[chain, draw, component]`."""
    return min(float(arviz.ess(draws[:, :, i], method="bulk")) for i in range(draws.shape[2]))


def blackjax_rate(target, kernel, draws, warm_up, size):
    density = lambda x: DENSITIES[target](x, jnp)
    thin = {"random walk": 20, "Langevin": 2}.get(kernel, 1)

    def walk(algorithm, state, key, length):
        def once(state, key):
            state, _ = jax.lax.scan(lambda s, k: (algorithm.step(k, s)[0], None), state, jax.random.split(key, thin))
            return state, state.position

        return jax.lax.scan(once, state, jax.random.split(key, length))[1]

    def chain(key):
        tuning, drawing = jax.random.split(key)
        start = jnp.full(10, 0.1)
        if kernel == "Hamiltonian, 5 steps":
            learner = blackjax.window_adaptation(blackjax.hmc, density, num_integration_steps=5)
            (state, learned), _ = learner.run(tuning, start, warm_up)
            return walk(blackjax.hmc(density, **learned), state, drawing, draws // thin)
        if kernel == "Langevin":
            algorithm = blackjax.mala(density, 0.5 * size**2)
        else:
            algorithm = blackjax.additive_step_random_walk(density, blackjax.mcmc.random_walk.normal(jnp.full(10, size)))
        burned = walk(algorithm, algorithm.init(start), tuning, max(1, warm_up // thin))[-1]
        return walk(algorithm, algorithm.init(burned), drawing, draws // thin)

    chains = jax.jit(jax.vmap(chain))
    keys = jax.random.split(jax.random.key(1), 4)
    chains(keys).block_until_ready()
    begun = time.perf_counter()
    made = chains(jax.random.split(jax.random.key(2), 4)).block_until_ready()
    seconds = time.perf_counter() - begun
    return worst(numpy.asarray(made)) / seconds


def emcee_rate(target, draws, warm_up):
    walkers = 32
    numpy.random.seed(1)
    start = 0.1 + numpy.random.normal(size=(walkers, 10))
    sampler = emcee.EnsembleSampler(walkers, 10, lambda x: DENSITIES[target](x, numpy), vectorize=True)
    begun = time.perf_counter()
    start = sampler.run_mcmc(start, 4 * warm_up // walkers)
    sampler.reset()
    sampler.run_mcmc(start, 4 * draws // walkers)
    seconds = time.perf_counter() - begun
    # Walkers are correlated with one another, so that their mean is the chain, as emcee's own time of autocorrelation.
    times = emcee.autocorr.integrated_time(sampler.get_chain(), quiet=True)
    return walkers * sampler.get_chain().shape[0] / max(times) / seconds


def ours():
    done = subprocess.run(
        ["cargo", "bench", "--quiet", "--bench", "ess"], cwd=ROOT / "benches", capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="turns that everyone gets (default 3)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    rates = {}
    for _ in range(options.rounds):
        for row in ours():
            target, kernel, draws, warm_up = row["target"], row["kernel"], row["draws"], row["warm_up"]
            turn = {"ours": row["ess_per_second"]}
            if kernel != "Hamiltonian, jittered":
                turn[f"blackjax {blackjax.__version__}"] = blackjax_rate(target, kernel, draws, warm_up, row["step"])
            if kernel == "random walk":
                turn[f"emcee {emcee.__version__}"] = emcee_rate(target, draws, warm_up)
            for who, rate in turn.items():
                rates.setdefault((target, kernel), {}).setdefault(who, []).append(rate)
    results = []
    for (target, kernel), by in rates.items():
        medians = {who: statistics.median(turns) for who, turns in by.items()}
        for who, rate in medians.items():
            results.append({"target": target, "kernel": kernel, "who": who, "ess_per_second": rate, "ours_over": medians["ours"] / rate})
    if options.json:
        print(json.dumps(results, indent=2))
        return
    print("| target | kernel | who | ESS/s | ours is |\n|---|---|---|---|---|")
    for row in results:
        print(f"| {row['target']} | {row['kernel']} | {row['who']} | {row['ess_per_second']:.0f} | {row['ours_over']:.1f}× |")


if __name__ == "__main__":
    main()
