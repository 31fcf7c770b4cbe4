"""Our speed against that of PyTorch, JAX, scikit-learn and candle, on the same work in one run.

    cargo build --release --features cli
    python3 benches/peers/run.py [gibbs|pcd|gemm|vae|all] [--rounds N] [--threads N] [--json]

Run it with the interpreter that has the peers installed (pip install numpy torch jax scikit-learn); what is not
installed is skipped and named. candle is a small Rust program beside this file, built here with cargo; without a way to
build it, it is skipped as well.

Ours and the peers take turns, each measurement in a process of its own, so that a disturbance of the machine meets
all of them. What counts is the ratio of the medians.
"""

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAM = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "helmholtz"
CANDLE = HERE / "candle"
MODULES = {"torch": "PyTorch", "jax": "JAX", "sklearn": "scikit-learn"}


class Case:
    """One piece of work: how it is named, what a call is worth and who does it."""

    def __init__(self, work, name, arguments, ours, unit, amount, products, peers):
        self.work = work
        self.name = name
        self.arguments = [str(argument) for argument in arguments]
        self.ours = ours
        self.unit = unit
        self.amount = amount
        self.products = products
        self.peers = peers


def cases():
    for visible, hidden in [(784, 500), (64, 256), (1024, 1024)]:
        for precision in ["f32", "i16"]:
            yield Case(
                "gibbs",
                f"block Gibbs {visible}x{hidden}, 1024 chains, {precision}",
                [visible, hidden, 1024],
                lambda v=visible, h=hidden, p=precision: program(
                    "gibbs", "--visible", v, "--hidden", h, "--chains", 1024, "--precision", p
                )["updates_per_second"],
                "M updates/s",
                (visible + hidden) * 1024 / 1e6,
                2,
                ["torch", "jax", "candle"],
            )
    for kind in ["binary", "grey"]:
        yield Case(
            "pcd",
            f"PCD-1 784x500, batch 128, {kind}",
            [kind, 784, 500, 128],
            lambda kind=kind: training(kind),
            "k samples/s",
            128 / 1e3,
            5,
            ["torch", "jax", "sklearn"],
        )
    for m, k, n in [(1024, 1024, 1024), (128, 784, 512)]:
        yield Case(
            "gemm",
            f"matrix product {m}x{k}x{n}",
            [m, k, n],
            lambda m=m, k=k, n=n: program("gemm", "-m", m, "-k", k, "-n", n)["flops_per_second"],
            "GFLOP/s",
            2 * m * k * n / 1e9,
            1,
            ["torch", "jax"],
        )
    for name, architecture, samples, batch in [
        ("VAE 784-400-20", "plain", 1, 128),
        ("VAE 784-200-200-50", "burda", 1, 100),
        ("the same, importance weighted, k = 50", "burda", 50, 100),
    ]:
        yield Case(
            "vae",
            f"{name}, batch {batch}",
            [architecture, samples, batch],
            lambda a=architecture, k=samples, b=batch: program(
                "vae", "--architecture", a, "--importance-samples", k, "--batch", b
            )["samples_per_second"],
            "k samples/s",
            batch / 1e3,
            "",
            ["torch", "jax"],
        )


class Unable(Exception):
    """Why something was not measured."""


def output_of(command, threads=None):
    environment = dict(os.environ)
    if threads is not None:
        environment.update(PEER_THREADS=str(threads), RAYON_NUM_THREADS=str(threads))
        environment["XLA_FLAGS"] = " ".join(
            [environment.get("XLA_FLAGS", ""), "--xla_cpu_multi_thread_eigen=true", f"intra_op_parallelism_threads={threads}"]
        ).strip()
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=environment, cwd=ROOT)
    if done.returncode != 0:
        lines = [line for line in done.stderr.strip().splitlines() if line.startswith(("error", "hint"))]
        raise Unable((lines or done.stderr.strip().splitlines() or ["no reason given"])[0])
    return done.stdout


def program(*arguments):
    if not PROGRAM.exists():
        raise Unable(f"{PROGRAM} is missing: cargo build --release --features cli")
    return json.loads(output_of([PROGRAM, "bench", *arguments, "--threads", OPTIONS.threads, "--json"]))


def training(kind):
    """Samples a second."""
    grey = ["--grey"] if kind == "grey" else []
    return program("rbm", "--visible", 784, "--hidden", 500, "--batch", 128, *grey)["samples_per_second"]


def peer(name, case):
    if name == "candle":
        command = [CANDLE / "target" / "release" / "candle-gibbs", *case.arguments]
    else:
        command = [sys.executable, HERE / "peer.py", name, case.work, *case.arguments]
    return json.loads(output_of(command, OPTIONS.threads))


def available_peers(works):
    found = []
    for module, name in MODULES.items():
        if importlib.util.find_spec(module) is None:
            print(f"{name}: not installed for {sys.executable}, skipped", file=sys.stderr)
        else:
            found.append(module)
    if "gibbs" in works:
        environment = {k: v for k, v in os.environ.items() if k != "CARGO_TARGET_DIR"}
        built = shutil.which("cargo") is not None and subprocess.run(
            ["cargo", "build", "--release", "--quiet"], cwd=CANDLE, env=environment
        ).returncode == 0
        if built:
            found.append("candle")
        else:
            print("candle: could not be built, skipped", file=sys.stderr)
    return found


def measure(case, peers):
    """Medians of `rounds` turns: ours in units a second, the peers' likewise with their versions."""
    scale = {"M updates/s": 1e6, "k samples/s": 1e3, "GFLOP/s": 1e9}[case.unit]
    ours, theirs, versions = [], {name: [] for name in peers}, {}
    for turn in range(OPTIONS.rounds):
        print(f"{case.name}: turn {turn + 1} of {OPTIONS.rounds}", file=sys.stderr)
        ours.append(case.ours() / scale)
        for name in list(theirs):
            try:
                result = peer(name, case)
            except Unable as reason:
                print(f"{name}: {reason}, skipped", file=sys.stderr)
                del theirs[name]
                continue
            theirs[name].append(case.amount / result["seconds"])
            versions[name] = result["version"]
    return statistics.median(ours), {name: statistics.median(rates) for name, rates in theirs.items()}, versions


def main():
    results = []
    works = ["gibbs", "pcd", "gemm", "vae"] if OPTIONS.work == "all" else [OPTIONS.work]
    peers = available_peers(works)
    for case in cases():
        if case.work not in works:
            continue
        try:
            ours, theirs, versions = measure(case, [name for name in case.peers if name in peers])
        except Unable as reason:
            print(f"{case.name}: not measured: {reason}", file=sys.stderr)
            continue
        for name, rate in theirs.items():
            results.append(
                {
                    "work": case.name,
                    "products": case.products,
                    "unit": case.unit,
                    "ours": ours,
                    "peer": MODULES.get(name, name),
                    "version": versions[name],
                    "theirs": rate,
                    "ratio": ours / rate,
                }
            )
        if not theirs:
            results.append({"work": case.name, "products": case.products, "unit": case.unit, "ours": ours})
    if OPTIONS.json:
        print(json.dumps({"threads": OPTIONS.threads, "rounds": OPTIONS.rounds, "results": results}, indent=2))
        return
    print(f"{OPTIONS.threads} threads, medians of {OPTIONS.rounds} turns; products: matrix products of a sweep or step\n")
    print("| work | products | unit | ours | peer | theirs | ratio |")
    print("|---|---|---|---|---|---|---|")
    for row in results:
        name = f"{row['peer']} {row['version']}" if "peer" in row else "none"
        theirs, ratio = (f"{row['theirs']:.1f}", f"{row['ratio']:.2f}") if "peer" in row else ("", "")
        print(f"| {row['work']} | {row['products']} | {row['unit']} | {row['ours']:.1f} | {name} | {theirs} | {ratio} |")


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", nargs="?", default="all", choices=["gibbs", "pcd", "gemm", "vae", "all"])
    parser.add_argument("--rounds", type=int, default=5, help="turns that everyone gets (default 5)")
    parser.add_argument("--threads", type=int, default=2, help="threads of everyone (default 2)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args()


if __name__ == "__main__":
    OPTIONS = options()
    main()
