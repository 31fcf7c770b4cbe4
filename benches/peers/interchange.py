"""Whether the same weights and the same noise give the same ELBO here and in PyTorch, whoever wrote the file.

    cargo build --release --features cli
    python3 benches/peers/interchange.py          (pip install numpy torch safetensors)

Trains a small variational autoencoder with the program, loads its weights into a PyTorch module by load_state_dict and
compares; then lets PyTorch make the weights, with metadata and without, and evaluates its files with the program. Fails
where two figures differ by more than 1e-4 of their size.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "helmholtz"
TOLERANCE = 1e-4
ROWS, PIXELS = 359, 64


class Vae(nn.Module):
    """The layers and their names, as in docs/interchange.md."""

    def __init__(self, hidden, latent, activation=nn.ReLU, learned=False):
        super().__init__()
        encoder, decoder = [PIXELS, *hidden], [latent, *reversed(hidden)]
        layers = lambda sizes: [layer for a, b in zip(sizes, sizes[1:]) for layer in (nn.Linear(a, b), activation())]
        self.encoder = nn.Sequential(*layers(encoder))
        self.mean = nn.Linear(encoder[-1], latent)
        self.log_variance = nn.Linear(encoder[-1], latent)
        self.decoder = nn.Sequential(*layers(decoder), nn.Linear(decoder[-1], PIXELS))
        if learned:
            self.observation_log_variance = nn.Parameter(torch.zeros(1))

    def elbo(self, x, noise):
        h = self.encoder(x)
        mean, log_variance = self.mean(h), self.log_variance(h)
        y = self.decoder(mean + torch.exp(0.5 * log_variance) * noise)
        if hasattr(self, "observation_log_variance"):
            rho = self.observation_log_variance
            reconstruction = -0.5 * (math.log(2 * math.pi) + rho + (x - y).square() / rho.exp()).sum(-1)
        else:
            reconstruction = -functional.binary_cross_entropy_with_logits(y, x, reduction="none").sum(-1)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1)
        return (reconstruction - divergence).mean().item()


def program(folder, *arguments):
    done = subprocess.run([PROGRAM, *map(str, arguments), "--json"], capture_output=True, text=True, cwd=folder)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def compare(name, ours, theirs):
    difference = abs(ours - theirs) / abs(theirs)
    print(f"{name:<48} {ours:.6f}  PyTorch {theirs:.6f}  relative difference {difference:.1e}")
    return difference <= TOLERANCE


def from_here(folder, name, options, module, x, noise):
    """Trained by the program, loaded by load_state_dict."""
    program(folder, "train", "vae", "--out", name, "--epochs", 20, "--samples", 10, *options)
    state = load_file(folder / name / "model.safetensors")
    module.load_state_dict(state)
    ours = program(folder, "eval", name, "--noise", "noise.npy")["elbo"]
    return compare(f"written here: {' '.join(options)}", ours, module.elbo(x, noise))


def from_there(folder, name, module, metadata, x, noise):
    """Made by PyTorch, evaluated by the program."""
    save_file(module.state_dict(), folder / f"{name}.safetensors", metadata=metadata)
    file, data = f"{name}.safetensors", "x.npy"
    ours = program(folder, "eval", file, data, "--binarize", "none", "--noise", "noise.npy")["elbo"]
    return compare(f"written by PyTorch: {name}", ours, module.elbo(x, noise))


def main():
    torch.manual_seed(1)
    noise = torch.randn(ROWS, 5)
    agree = []
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        folder = Path(folder)
        np.save(folder / "noise.npy", noise.numpy())
        grey, bits = digits()
        plain = ["--hidden", "32", "--latent", "5"]
        agree.append(from_here(folder, "relu", plain, Vae([32], 5), bits, noise))
        deep = ["--hidden", "32,16", "--latent", "5", "--activation", "tanh"]
        agree.append(from_here(folder, "tanh", deep, Vae([32, 16], 5, nn.Tanh), bits, noise))
        learned = [*plain, "--likelihood", "gaussian-learned"]
        agree.append(from_here(folder, "learned", learned, Vae([32], 5, learned=True), grey, noise))

        np.save(folder / "x.npy", grey.numpy())
        ours = {"helmholtz": json.dumps({"kind": "vae", "vae.activation": "tanh", "vae.likelihood": "bernoulli"})}
        agree.append(from_there(folder, "no-metadata", Vae([24], 5), None, grey, noise))
        agree.append(from_there(folder, "tanh", Vae([24, 12], 5, nn.Tanh), ours, grey, noise))
        agree.append(from_there(folder, "learned-noise", Vae([24], 5, learned=True), None, grey, noise))
    if not all(agree):
        sys.exit(f"differences above {TOLERANCE:.0e}")


def digits():
    """The test rows of the built-in digits: grey levels from 0 to 1, and 1 from half of the scale on."""
    levels = np.fromfile(ROOT / "src" / "data" / "digits.u8", dtype=np.uint8)[: 1797 * PIXELS]
    test = torch.from_numpy(levels.reshape(1797, PIXELS)[-ROWS:].copy())
    return test / 16.0, (test >= 8).float()


if __name__ == "__main__":
    main()
