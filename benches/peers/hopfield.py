"""Synchronous recall of 1,000 states of a Hopfield network of 4,096 units: ours against NumPy in f32, in one run.

    python3 benches/peers/hopfield.py [--rounds N]

Both recall a fifth-flipped copies of 200 patterns stored by Hebb's rule until no state changes, a state that has settled
being dropped; a unit whose field is 0 keeps its value. They take turns, each in a process of its own; what counts is the
ratio of the medians. The weights are ready in both: ours are tabulated before the clock starts, and the time of that is
printed beside.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def numpy_run():
    import numpy as np

    rng = np.random.default_rng(1)
    patterns = rng.choice(np.array([-1, 1], dtype=np.float32), (200, 4096))
    weights = patterns.T @ patterns
    np.fill_diagonal(weights, 0)
    wanted = patterns[np.arange(1000) % 200]
    start_states = wanted.copy()
    for state in start_states:
        state[rng.choice(4096, 819, replace=False)] *= -1
    best = float("inf")
    for _ in range(7):
        states = start_states.copy()
        active = np.arange(1000)
        start = time.perf_counter()
        for _ in range(100):
            now = states[active]
            fields = now @ weights
            after = np.sign(fields)
            ties = after == 0
            if ties.any():
                after[ties] = now[ties]
            changed = (after != now).any(axis=1)
            states[active] = after
            active = active[changed]
            if not len(active):
                break
        best = min(best, time.perf_counter() - start)
    recalled = int((states == wanted).all(axis=1).sum())
    print(json.dumps({"seconds": best, "recalled": recalled, "version": np.__version__}))


def output(command):
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT / "benches")
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        return numpy_run()
    ours_command = ["cargo", "bench", "--quiet", "--bench", "hopfield", "--", "synchronous"]
    output(ours_command)
    ours, theirs = [], []
    for _ in range(options.rounds):
        ours.append(output(ours_command))
        theirs.append(output([sys.executable, str(Path(__file__).resolve()), "--peer"]))
    own = statistics.median(run["seconds"] for run in ours)
    peer = statistics.median(run["seconds"] for run in theirs)
    print(f"helmholtz     {1e3 * own:.1f} ms ({ours[0]['recalled']} recalled; tabulated in {ours[0]['preparation']:.2f} s)")
    print(f"NumPy {theirs[0]['version']:<7} {1e3 * peer:.1f} ms ({theirs[0]['recalled']} recalled)")
    print(f"ratio         {peer / own:.1f}")


if __name__ == "__main__":
    main()
