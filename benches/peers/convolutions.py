#!/usr/bin/env python3
"""PyTorch's convolutions on the sizes of `convolution.rs` beside this folder (`cargo bench --bench convolution`).

    python benches/peers/convolutions.py [THREADS]

Nominal multiply-adds a second, those on padding counted: forward, the gradient by the images, that by the kernel, and all three; in both layouts, the best of
many repetitions. Needs torch.
"""

import sys
import time

import torch
from torch.nn.grad import conv2d_input, conv2d_weight
from torch.nn.functional import conv2d

torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
CASES = [(14, 32, 64, 5, 1, 2, 128), (28, 1, 32, 4, 2, 1, 64), (14, 32, 64, 4, 2, 1, 64), (7, 64, 64, 3, 1, 1, 64)]


def best(run, repetitions=60):
    run()
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


for size, inputs, outputs, kernel, stride, padding, batch in CASES:
    print(f"{kernel}x{kernel}, {inputs} to {outputs}, {size}x{size}, stride {stride}, batch {batch}")
    for layout in (torch.contiguous_format, torch.channels_last):
        x = torch.randn(batch, inputs, size, size).to(memory_format=layout)
        w = torch.randn(outputs, inputs, kernel, kernel).to(memory_format=layout)
        with torch.no_grad():
            y = conv2d(x, w, stride=stride, padding=padding)
            nominal = y.numel() * inputs * kernel * kernel
            times = [
                best(lambda: conv2d(x, w, stride=stride, padding=padding)),
                best(lambda: conv2d_input(x.shape, w, y, stride=stride, padding=padding)),
                best(lambda: conv2d_weight(x, w.shape, y, stride=stride, padding=padding)),
            ]
        xg, wg = x.clone().requires_grad_(True), w.clone().requires_grad_(True)

        def step():
            xg.grad = wg.grad = None
            conv2d(xg, wg, stride=stride, padding=padding).backward(y)

        whole = best(step)
        rates = " ".join(f"{name} {nominal / time / 1e9:.1f}" for name, time in zip(("y", "x", "w"), times))
        print(f"  {str(layout)[6:]:<18} {rates}; with backward {3 * nominal / whole / 1e9:.1f}")
