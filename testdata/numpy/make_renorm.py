"""Writes renorm.json beside this file: dense networks with batch renormalisation (Ioffe 2017, Algorithm 1) before each
layer, with the constants of CrossQ (Bhatt et al. 2024), in double precision. `python make_renorm.py`

Gradients are central differences of the sum of the outputs times `d_output`, with the corrections `r` and `d` held.
"""

import json
from pathlib import Path

import numpy as np
from passes import described, measured, short

EPSILON, MOMENTUM, R_MAX, D_MAX = 1e-3, 0.01, 3.0, 5.0


class Pass:
    """A pass of a batch. `held` keeps the corrections of the first pass, by the number of the layer."""

    def __init__(self, tensors, mode, held):
        self.tensors, self.mode, self.held, self.running = tensors, mode, held, {}

    def renorm(self, name, x):
        mean, variance = self.tensors[f"{name}.running_mean"], self.tensors[f"{name}.running_var"]
        if self.mode == "frozen":
            x = (x - mean) / np.sqrt(variance + EPSILON)
        else:
            of_batch, sigma = x.mean(0), np.sqrt(x.var(0) + EPSILON)
            running_sigma = np.sqrt(variance + EPSILON)
            r = np.clip(sigma / running_sigma, 1 / R_MAX, R_MAX)
            d = np.clip((of_batch - mean) / running_sigma, -D_MAX, D_MAX)
            if self.mode == "warm-up":
                r, d = np.ones_like(r), np.zeros_like(d)
            r, d = self.held.setdefault(name, (r, d))
            self.running[f"{name}.running_mean"] = (1 - MOMENTUM) * mean + MOMENTUM * of_batch
            self.running[f"{name}.running_var"] = (1 - MOMENTUM) * variance + MOMENTUM * x.var(0)
            x = (x - of_batch) / sigma * r + d
        return x * self.tensors[f"{name}.weight"] + self.tensors[f"{name}.bias"]

    def network(self, x, layers, act):
        for i in range(layers):
            x = self.renorm(str(3 * i), x)
            x = x @ self.tensors[f"{3 * i + 1}.weight"].T + self.tensors[f"{3 * i + 1}.bias"]
            x = act(x) if i + 1 < layers else x
        return x


def case(spec, widths, samples, warms_up):
    layers = len(widths) - 1
    act = np.tanh if "tanh" in spec else lambda x: np.maximum(x, 0)
    tensors = {}
    for i, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        norm, linear = str(3 * i), str(3 * i + 1)
        tensors[f"{norm}.weight"] = 1 + short(inputs, scale=0.3)
        tensors[f"{norm}.bias"] = short(inputs, scale=0.5)
        # Near the batch, or so far that the corrections are clipped.
        tensors[f"{norm}.running_mean"] = short(inputs, scale=1.0)
        tensors[f"{norm}.running_var"] = np.resize([0.01171875, 0.75, 1.5, 20.0], inputs)
        tensors[f"{linear}.weight"] = short(outputs, inputs, scale=1 / np.sqrt(inputs))
        tensors[f"{linear}.bias"] = short(outputs, scale=0.5)
    batch, upstream = short(samples, widths[0], scale=1.5), short(samples, widths[-1])

    def run(mode):
        held = {}

        def outputs_of():
            state = Pass(tensors, mode, held)
            return state.network(batch, layers, act), state.running

        found = measured(outputs_of, tensors, batch, upstream)
        corrections = np.concatenate([np.concatenate(pair) for pair in held.values()]) if held else np.empty(0)
        if mode == "training" and not warms_up:
            clipped = np.isin(np.abs(corrections), [1 / R_MAX, R_MAX, D_MAX])
            assert 0 < clipped.sum() < clipped.size, "some corrections are clipped, and some are not"
        return found

    training = run("warm-up" if warms_up else "training")
    return described(spec, widths[:1], tensors, batch, upstream, training=training, frozen=run("frozen"))


cases = [
    case("mlp:6:batchrenorm", [5, 6, 3], 7, True),
    case("mlp:6,4:tanh:batchrenorm=0", [5, 6, 4, 2], 19, False),
    case("mlp:6,4:batchrenorm=0", [3, 6, 4, 2], 33, False),
    case("mlp::batchrenorm=0", [4, 2], 6, False),
]
text = json.dumps({"cases": cases}, separators=(",", ":"))
assert len(text) < 60_000, len(text)
Path(__file__).with_name("renorm.json").write_text(text + "\n")
