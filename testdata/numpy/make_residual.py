"""Writes residual.json beside this file: networks with batch normalisation and residual blocks, in PyTorch's names and
layouts and by PyTorch's definitions, in double precision. `python make_residual.py`

Gradients are central differences of the sum of the outputs times `d_output`. Images are channel by channel.
"""

import json
from pathlib import Path

import numpy as np
from passes import described, measured, short

EPSILON, MOMENTUM = 1e-5, 0.1

ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "silu": lambda x: x / (1 + np.exp(-x)),
}


class Pass:
    """A pass through a network of these tensors; `training` takes the moments of the batch."""

    def __init__(self, tensors, training):
        self.tensors, self.training, self.running = tensors, training, {}

    def linear(self, name, x):
        y = x @ self.tensors[f"{name}.weight"].T
        return y + self.tensors.get(f"{name}.bias", 0.0)

    def conv(self, name, x, stride=1, padding=0):
        w = self.tensors[f"{name}.weight"]
        b = self.tensors.get(f"{name}.bias", np.zeros(len(w)))
        x = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
        windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))
        return np.einsum("nchwij,ocij->nohw", windows[:, :, ::stride, ::stride], w) + b[:, None, None]

    def norm(self, name, x):
        axes = (0, *range(2, x.ndim))
        along = (slice(None), *[None] * (x.ndim - 2))
        mean, variance = self.tensors[f"{name}.running_mean"], self.tensors[f"{name}.running_var"]
        if self.training:
            unbiased = x.var(axes, ddof=1)
            self.running[f"{name}.running_mean"] = (1 - MOMENTUM) * mean + MOMENTUM * x.mean(axes)
            self.running[f"{name}.running_var"] = (1 - MOMENTUM) * variance + MOMENTUM * unbiased
            mean, variance = x.mean(axes), x.var(axes)
        x = (x - mean[along]) / np.sqrt(variance[along] + EPSILON)
        return x * self.tensors[f"{name}.weight"][along] + self.tensors[f"{name}.bias"][along]

    def maybe_norm(self, name, x):
        return self.norm(name, x) if f"{name}.running_mean" in self.tensors else x

    def block(self, name, x, act, stride=1):
        """torchvision's BasicBlock, perhaps without normalisation."""
        y = act(self.maybe_norm(f"{name}.bn1", self.conv(f"{name}.conv1", x, stride, 1)))
        y = self.maybe_norm(f"{name}.bn2", self.conv(f"{name}.conv2", y, 1, 1))
        if f"{name}.downsample.0.weight" in self.tensors:
            x = self.maybe_norm(f"{name}.downsample.1", self.conv(f"{name}.downsample.0", x, stride))
        return act(x + y)


def weights(*layers):
    """Tensors of layers: `name` and the shape of its weight; `!name` has a bias too, `name` of one number is a norm."""
    tensors = {}
    for name, *shape in layers:
        bare = name.removeprefix("!")
        if len(shape) == 1:
            tensors[f"{bare}.weight"] = 1 + short(*shape, scale=0.3)
            tensors[f"{bare}.bias"] = short(*shape, scale=0.5)
            tensors[f"{bare}.running_mean"] = short(*shape, scale=0.5)
            tensors[f"{bare}.running_var"] = 0.5 + np.abs(short(*shape))
            continue
        tensors[f"{bare}.weight"] = short(*shape, scale=1 / np.sqrt(np.prod(shape[1:])))
        if bare != name:
            tensors[f"{bare}.bias"] = short(shape[0], scale=0.5)
    return tensors


def pooled(x, side):
    n, c, h, w = x.shape
    x = x[:, :, : h // side * side, : w // side * side]
    return x.reshape(n, c, h // side, side, w // side, side).max((3, 5))


def case(spec, inputs, outputs, samples, tensors, network):
    act = next((f for name, f in ACTIVATIONS.items() if name in spec.split(":")), ACTIVATIONS["relu"])
    batch, upstream = short(samples, *inputs, scale=1.5), short(samples, outputs)

    def run(training):
        def outputs_of():
            state = Pass(tensors, training)
            return network(state, batch, act), state.running

        return measured(outputs_of, tensors, batch, upstream)

    return described(spec, inputs, tensors, batch, upstream, training=run(True), frozen=run(False))


cases = [
    case(
        "mlp:6:batchnorm",
        [5],
        3,
        7,
        weights(("0", 6, 5), ("1", 6), ("!3", 3, 6)),
        lambda p, x, act: p.linear("3", act(p.norm("1", p.linear("0", x)))),
    ),
    case(
        "cnn:4x3p1,max2,6:tanh:batchnorm",
        [2, 5, 6],
        3,
        3,
        weights(("0", 4, 2, 3, 3), ("1", 4), ("5", 6, 24), ("6", 6), ("!8", 3, 6)),
        lambda p, x, act: p.linear(
            "8",
            act(p.norm("6", p.linear("5", pooled(act(p.norm("1", p.conv("0", x, 1, 1))), 2).reshape(len(x), -1)))),
        ),
    ),
    case(
        "cnn:4x3p1,res4,res6s2,gap:tanh:batchnorm",
        [1, 5, 4],
        3,
        18,
        weights(
            ("0", 4, 1, 3, 3),
            ("1", 4),
            ("3.conv1", 4, 4, 3, 3),
            ("3.bn1", 4),
            ("3.conv2", 4, 4, 3, 3),
            ("3.bn2", 4),
            ("4.conv1", 6, 4, 3, 3),
            ("4.bn1", 6),
            ("4.conv2", 6, 6, 3, 3),
            ("4.bn2", 6),
            ("4.downsample.0", 6, 4, 1, 1),
            ("4.downsample.1", 6),
            ("!7", 3, 6),
        ),
        lambda p, x, act: p.linear(
            "7", p.block("4", p.block("3", act(p.norm("1", p.conv("0", x, 1, 1))), act), act, 2).mean((2, 3))
        ),
    ),
    case(
        "cnn:res3,res5s2,4:silu",
        [3, 5, 4],
        2,
        3,
        weights(
            ("!0.conv1", 3, 3, 3, 3),
            ("!0.conv2", 3, 3, 3, 3),
            ("!1.conv1", 5, 3, 3, 3),
            ("!1.conv2", 5, 5, 3, 3),
            ("!1.downsample.0", 5, 3, 1, 1),
            ("!3", 4, 30),
            ("!5", 2, 4),
        ),
        lambda p, x, act: p.linear(
            "5", act(p.linear("3", p.block("1", p.block("0", x, act), act, 2).reshape(len(x), -1)))
        ),
    ),
]
text = json.dumps({"cases": cases}, separators=(",", ":"))
assert len(text) < 150_000, len(text)
Path(__file__).with_name("residual.json").write_text(text + "\n")
