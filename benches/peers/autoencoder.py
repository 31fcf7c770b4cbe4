"""A training step of a variational autoencoder in PyTorch and JAX, as their users would write it: called by peer.py.

Encoder and decoder are multilayer perceptrons with Bernoulli pixels, trained by Adam at a rate of 1e-3.

    "plain"  784-400-20, ReLU: reconstruction and analytic divergence, one sample
    "burda"  784-200-200-50, tanh (Burda et al. 2016): K samples, the importance-weighted bound for K > 1

A step reads BATCH grey-level rows, draws its noise, takes the gradient and updates: everything is inside the measurement.
"""

import math

LAYERS = {"plain": ([784, 400], 20, "relu"), "burda": ([784, 200, 200], 50, "tanh")}
RATE = 1e-3


def sizes_of(architecture):
    """Sizes of the encoder's layers, of the latent space, of the decoder's layers."""
    encoder, latent, activation = LAYERS[architecture]
    return encoder, latent, [latent, *reversed(encoder)], activation


def torch_step(architecture, samples, batch, rows):
    import torch
    from torch import nn
    from torch.nn import functional

    encoder_sizes, latent, decoder_sizes, activation = sizes_of(architecture)
    Activation = {"relu": nn.ReLU, "tanh": nn.Tanh}[activation]

    def perceptron(sizes):
        layers = []
        for inputs, outputs in zip(sizes, sizes[1:]):
            layers += [nn.Linear(inputs, outputs), Activation()]
        return layers

    encoder = nn.Sequential(*perceptron(encoder_sizes))
    mean, log_variance = nn.Linear(encoder_sizes[-1], latent), nn.Linear(encoder_sizes[-1], latent)
    decoder = nn.Sequential(*perceptron(decoder_sizes)[:-1])
    parameters = [p for part in (encoder, mean, log_variance, decoder) for p in part.parameters()]
    adam = torch.optim.Adam(parameters, lr=RATE)
    rows = torch.from_numpy(rows)
    start = 0

    def cross_entropy(logits, x):
        return functional.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)

    def step():
        nonlocal start
        x = rows[start : start + batch]
        start = (start + batch) % len(rows)
        hidden = encoder(x)
        mu, sigma = mean(hidden), log_variance(hidden)
        if samples == 1:
            z = mu + torch.exp(0.5 * sigma) * torch.randn_like(mu)
            divergence = 0.5 * (mu.square() + sigma.exp() - 1 - sigma).sum(-1)
            loss = (cross_entropy(decoder(z), x) + divergence).mean()
        else:
            noise = torch.randn(samples, batch, latent)
            z = mu + torch.exp(0.5 * sigma) * noise
            log_weight = -cross_entropy(decoder(z), x)
            log_weight = log_weight + 0.5 * (noise.square() + sigma - z.square()).sum(-1)
            loss = (math.log(samples) - torch.logsumexp(log_weight, 0)).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()

    return step, torch.__version__


def jax_steps(architecture, samples, batch, rows, repeat):
    """A compiled call of `repeat` steps and its starting state."""
    import jax
    import jax.numpy as jnp

    encoder_sizes, latent, decoder_sizes, activation = sizes_of(architecture)
    function = {"relu": jax.nn.relu, "tanh": jnp.tanh}[activation]
    rows = jnp.asarray(rows)
    steps_of_data = len(rows) // batch

    def perceptron(key, sizes):
        return [
            (jax.random.normal(jax.random.fold_in(key, i), (inputs, outputs)) / math.sqrt(inputs), jnp.zeros(outputs))
            for i, (inputs, outputs) in enumerate(zip(sizes, sizes[1:]))
        ]

    def apply(layers, x):
        for w, b in layers[:-1]:
            x = function(x @ w + b)
        w, b = layers[-1]
        return x @ w + b

    def loss(parameters, x, key):
        encoder, decoder = parameters
        heads = function(apply(encoder[:-1], x)) @ encoder[-1][0] + encoder[-1][1]
        mu, sigma = heads[:, :latent], heads[:, latent:]
        cross_entropy = lambda logits: (jax.nn.softplus(logits) - x * logits).sum(-1)
        if samples == 1:
            z = mu + jnp.exp(0.5 * sigma) * jax.random.normal(key, mu.shape)
            divergence = 0.5 * (mu**2 + jnp.exp(sigma) - 1 - sigma).sum(-1)
            return (cross_entropy(apply(decoder, z)) + divergence).mean()
        noise = jax.random.normal(key, (samples, batch, latent))
        z = mu + jnp.exp(0.5 * sigma) * noise
        log_weight = -cross_entropy(apply(decoder, z)) + 0.5 * (noise**2 + sigma - z**2).sum(-1)
        return (math.log(samples) - jax.nn.logsumexp(log_weight, 0)).mean()

    key = jax.random.key(1)
    parameters = (
        perceptron(jax.random.fold_in(key, 0), [*encoder_sizes, 2 * latent]),
        perceptron(jax.random.fold_in(key, 1), decoder_sizes),
    )
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    state = (parameters, zeros, zeros, jnp.zeros(()), key)

    @jax.jit
    def steps(rows, state):
        def step(index, state):
            parameters, first, second, count, key = state
            key, noise = jax.random.split(key)
            x = jax.lax.dynamic_slice_in_dim(rows, index % steps_of_data * batch, batch)
            gradient = jax.grad(loss)(parameters, x, noise)
            count = count + 1
            first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
            second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
            scale = jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
            update = lambda p, m, v: p - RATE * scale * m / (jnp.sqrt(v) + 1e-8)
            return jax.tree.map(update, parameters, first, second), first, second, count, key

        return jax.lax.fori_loop(0, repeat, step, state)

    return lambda state: jax.block_until_ready(steps(rows, state)), state, jax.__version__
