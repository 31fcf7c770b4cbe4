"""One measurement of one peer, in a process of its own: prints a line of JSON.

    python3 peer.py torch|jax|sklearn gibbs VISIBLE HIDDEN CHAINS
    python3 peer.py torch|jax|sklearn pcd binary|grey VISIBLE HIDDEN BATCH
    python3 peer.py torch|jax gemm M K N
    python3 peer.py torch|jax vae plain|burda SAMPLES BATCH

Called by run.py. The work is what each library's users would write, compiled where the library compiles, in f32:

gibbs  a sweep is two matrix products, two sigmoids and two Bernoulli draws: all hidden units, then all visible ones.
pcd    a step of PCD-1 is five matrix products: hidden means of the batch; visible units of the chains; hidden means of
       those, from which the chains are drawn; and the gradient's product for the batch and for the chains. scikit-learn's
       BernoulliRBM.partial_fit does the same five.
gemm   one matrix product.
vae    a training step of a variational autoencoder on grey levels with Adam: autoencoder.py.
"""

import json
import os
import sys
import time

import autoencoder

THREADS = int(os.environ.get("PEER_THREADS", "2"))
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = str(THREADS)
os.environ.setdefault("JAX_PLATFORMS", "cpu")

# Seconds of a measurement, after a warm-up.
MEASURE = 2.0
# Sweeps or steps of one call.
REPEAT = 20
ROWS = 4096
RATE = 0.05


def seconds_of(call):
    """The median time of a call that does its work before it returns."""
    call()
    call()
    times = []
    begun = time.perf_counter()
    while len(times) < 5 or time.perf_counter() - begun < MEASURE:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


def data(kind, visible):
    import numpy

    random = numpy.random.default_rng(1)
    if kind == "binary":
        return random.integers(0, 2, (ROWS, visible)).astype(numpy.float32)
    return random.random((ROWS, visible), dtype=numpy.float32)


def repetitions(samples):
    """Steps of a call: fewer of those that take long."""
    return REPEAT if samples == 1 else 2


def torch_peer(work, arguments):
    import torch

    torch.set_num_threads(THREADS)
    torch.manual_seed(1)
    if work == "vae":
        architecture, samples, batch = arguments
        step, version = autoencoder.torch_step(architecture, samples, batch, data("grey", 784))
        repeat = repetitions(samples)
        return seconds_of(lambda: [step() for _ in range(repeat)]) / repeat, version
    with torch.inference_mode():
        if work == "gemm":
            m, k, n = arguments
            a, b, c = torch.randn(m, k), torch.randn(k, n), torch.empty(m, n)
            return seconds_of(lambda: torch.mm(a, b, out=c)), torch.__version__
        if work == "gibbs":
            visible, hidden, chains = arguments
            w, a, b = 0.01 * torch.randn(visible, hidden), torch.zeros(visible), torch.zeros(hidden)
            wt = w.t()
            v = torch.bernoulli(torch.full((chains, visible), 0.5))

            def sweeps():
                nonlocal v
                for _ in range(REPEAT):
                    h = torch.bernoulli(torch.addmm(b, v, w).sigmoid_())
                    v = torch.bernoulli(torch.addmm(a, h, wt).sigmoid_())

            return seconds_of(sweeps) / REPEAT, torch.__version__
        kind, visible, hidden, batch = arguments
        rows = torch.from_numpy(data(kind, visible))
        w, a, b = 0.01 * torch.randn(visible, hidden), torch.zeros(visible), torch.zeros(hidden)
        h = torch.bernoulli(torch.full((batch, hidden), 0.5))
        start = 0

        def steps():
            nonlocal h, start
            for _ in range(REPEAT):
                x = rows[start : start + batch]
                start = (start + batch) % ROWS
                positive = torch.addmm(b, x, w).sigmoid_()
                v = torch.bernoulli(torch.addmm(a, h, w.t()).sigmoid_())
                negative = torch.addmm(b, v, w).sigmoid_()
                h = torch.bernoulli(negative)
                w.addmm_(x.t(), positive, alpha=RATE / batch)
                w.addmm_(v.t(), negative, alpha=-RATE / batch)
                a.add_(x.mean(0) - v.mean(0), alpha=RATE)
                b.add_(positive.mean(0) - negative.mean(0), alpha=RATE)

        return seconds_of(steps) / REPEAT, torch.__version__


def jax_peer(work, arguments):
    import jax
    import jax.numpy as jnp

    if work == "vae":
        architecture, samples, batch = arguments
        repeat = repetitions(samples)
        steps, state, version = autoencoder.jax_steps(architecture, samples, batch, data("grey", 784), repeat)

        def call():
            nonlocal state
            state = steps(state)

        return seconds_of(call) / repeat, version
    key = jax.random.key(1)
    bernoulli = lambda key, p: (jax.random.uniform(key, p.shape) < p).astype(jnp.float32)
    if work == "gemm":
        m, k, n = arguments
        a, b = jax.random.normal(key, (m, k)), jax.random.normal(key, (k, n))
        product = jax.jit(jnp.matmul)
        return seconds_of(lambda: product(a, b).block_until_ready()), jax.__version__
    if work == "gibbs":
        visible, hidden, chains = arguments
        w, a, b = 0.01 * jax.random.normal(key, (visible, hidden)), jnp.zeros(visible), jnp.zeros(hidden)
        state = (jax.random.bernoulli(key, 0.5, (chains, visible)).astype(jnp.float32), key)

        @jax.jit
        def sweeps(w, a, b, state):
            def sweep(_, state):
                v, key = state
                key, first, second = jax.random.split(key, 3)
                h = bernoulli(first, jax.nn.sigmoid(v @ w + b))
                return bernoulli(second, jax.nn.sigmoid(h @ w.T + a)), key

            return jax.lax.fori_loop(0, REPEAT, sweep, state)

        def call():
            nonlocal state
            state = jax.block_until_ready(sweeps(w, a, b, state))

        return seconds_of(call) / REPEAT, jax.__version__
    kind, visible, hidden, batch = arguments
    rows = jnp.asarray(data(kind, visible))
    state = (
        0.01 * jax.random.normal(key, (visible, hidden)),
        jnp.zeros(visible),
        jnp.zeros(hidden),
        jax.random.bernoulli(key, 0.5, (batch, hidden)).astype(jnp.float32),
        key,
    )

    @jax.jit
    def steps(rows, state):
        def step(index, state):
            w, a, b, h, key = state
            key, first, second = jax.random.split(key, 3)
            x = jax.lax.dynamic_slice_in_dim(rows, index * batch, batch)
            positive = jax.nn.sigmoid(x @ w + b)
            v = bernoulli(first, jax.nn.sigmoid(h @ w.T + a))
            negative = jax.nn.sigmoid(v @ w + b)
            h = bernoulli(second, negative)
            w = w + RATE / batch * (x.T @ positive - v.T @ negative)
            a = a + RATE * (x.mean(0) - v.mean(0))
            b = b + RATE * (positive.mean(0) - negative.mean(0))
            return w, a, b, h, key

        return jax.lax.fori_loop(0, REPEAT, step, state)

    def call():
        nonlocal state
        state = jax.block_until_ready(steps(rows, state))

    return seconds_of(call) / REPEAT, jax.__version__


def sklearn_peer(work, arguments):
    if work != "pcd":
        raise SystemExit(f"scikit-learn has no {work}")
    import sklearn
    from sklearn.neural_network import BernoulliRBM

    kind, visible, hidden, batch = arguments
    rows = data(kind, visible)
    machine = BernoulliRBM(n_components=hidden, batch_size=batch, learning_rate=RATE, random_state=1)
    start = 0

    def steps():
        nonlocal start
        for _ in range(REPEAT):
            machine.partial_fit(rows[start : start + batch])
            start = (start + batch) % ROWS

    return seconds_of(steps) / REPEAT, sklearn.__version__


def main():
    library, work, *arguments = sys.argv[1:]
    arguments = [int(word) if word.isdigit() else word for word in arguments]
    peers = {"torch": torch_peer, "jax": jax_peer, "sklearn": sklearn_peer}
    seconds, version = peers[library](work, arguments)
    print(json.dumps({"seconds": seconds, "version": version}))


if __name__ == "__main__":
    main()
