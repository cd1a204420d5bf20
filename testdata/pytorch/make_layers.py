"""Writes layers.json, optimisers.json and distributional.json beside this file. `python make_layers.py`

Tensors are flattened in the order of their indices: images sample by sample, channel by channel, row by row.
"""

from math import ceil, floor

import torch
import torch.nn.functional as F
from common import flat, flattened, integers, normal, single, write
from torch import nn

BYTES_MAX = 150_000


def uniform(*shape):
    return single(torch.rand(*shape))


# layers.json

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU, "silu": nn.SiLU}


def layers(spec, inputs, outputs):
    """The nn.Sequential that `mlp:...` or `cnn:...` describes."""
    family, tokens, *options = spec.split(":")
    activation = next((ACTIVATIONS[o] for o in options if o in ACTIVATIONS), nn.ReLU)
    shape, network = list(inputs), []

    def add(layer, to, hidden=False):
        network.append(layer)
        shape[:] = to
        if hidden:
            network.extend([nn.LayerNorm(shape)] * ("layernorm" in options) + [activation()])

    def dense(width, hidden):
        if len(shape) == 3:
            add(nn.Flatten(), [shape[0] * shape[1] * shape[2]])
        add(nn.Linear(shape[0], width), [width], hidden)

    for token in tokens.split(","):
        if token[:3] in ("max", "avg"):
            k, pool = int(token[3:]), {"max": nn.MaxPool2d, "avg": nn.AvgPool2d}[token[:3]]
            add(pool(k), [shape[0]] + [n // k for n in shape[1:]])
        elif family == "cnn" and "x" in token:
            channels, kernel = token.split("x")
            k, s = map(int, (kernel if "s" in kernel else kernel + "s1").split("s"))
            conv = nn.Conv2d(shape[0], int(channels), k, s)
            add(conv, [int(channels)] + [(n - k) // s + 1 for n in shape[1:]], hidden=True)
        else:
            dense(int(token), hidden=True)
    dense(outputs, hidden=False)
    return nn.Sequential(*network)


class Noisy(nn.Module):
    """Fortunato et al. 2018, equations 9 to 11: factorised noise, here already transformed."""

    def __init__(self, inputs, outputs):
        super().__init__()
        for name, *shape in [("weight", outputs, inputs), ("bias", outputs)]:
            self.register_parameter(f"{name}_mu", nn.Parameter(normal(*shape, scale=0.5)))
            self.register_parameter(f"{name}_sigma", nn.Parameter(normal(*shape, scale=0.5)))
        self.into, self.out = (single(e.sign() * e.abs().sqrt()) for e in (normal(inputs), normal(outputs)))

    def forward(self, x):
        weight = self.weight_mu + self.weight_sigma * torch.outer(self.out, self.into)
        return F.linear(x, weight, self.bias_mu + self.bias_sigma * self.out)


class Dueling(nn.Module):
    """Wang et al. 2016, equation 9, for each atom."""

    def __init__(self, inputs, hidden, actions, atoms):
        super().__init__()
        *trunk, width = hidden
        self.trunk, self.atoms = nn.Sequential(), atoms
        for h in trunk:
            self.trunk += nn.Sequential(nn.Linear(inputs, h), nn.ReLU())
            inputs = h
        self.value = nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, atoms))
        self.advantage = nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, actions * atoms))

    def forward(self, x):
        x = self.trunk(x)
        value, advantage = self.value(x)[:, None], self.advantage(x).unflatten(1, (-1, self.atoms))
        return (value + advantage - advantage.mean(1, keepdim=True)).flatten(1)


def short(tensor):
    """Multiples of 1/256: single precision represents them, in few digits."""
    return (256 * tensor).round() / 256


def passes(model, inputs, outputs, samples, **head):
    """A forward and a backward pass; `head` is what comes first in the case."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.LayerNorm):
                module.weight.copy_(1 + normal(*module.weight.shape, scale=0.5))
                module.bias.copy_(normal(*module.bias.shape, scale=0.5))
        for p in model.parameters():
            p.copy_(short(p))
    batch, upstream = short(normal(samples, *inputs, scale=2.0)), short(normal(samples, outputs))
    batch.requires_grad_(True)
    output = model(batch)
    output.backward(upstream)
    named = {n.removeprefix("trunk."): p for n, p in model.named_parameters()}
    return {
        **head,
        "inputs": inputs,
        "outputs": outputs,
        "samples": samples,
        "tensors": {n: {"shape": list(p.shape), "data": flat(p)} for n, p in named.items()},
        "batch": flat(batch),
        "output": flat(output),
        "d_output": flat(upstream),
        "gradients": {n: flat(p.grad) for n, p in named.items()},
        "d_input": flat(batch.grad),
    }


def network(spec, inputs, outputs, samples):
    return passes(layers(spec, inputs, outputs), inputs, outputs, samples, spec=spec)


def dueling(hidden, inputs, actions, samples, atoms=None):
    head = {"spec": f"mlp:{','.join(map(str, hidden))}:dueling", "actions": actions}
    if atoms:
        head["atoms"] = atoms
    model = Dueling(inputs, hidden, actions, atoms or 1)
    return passes(model, [inputs], actions * (atoms or 1), samples, **head)


def noisy(hidden, inputs, outputs, samples):
    model = nn.Sequential(Noisy(inputs, hidden), nn.ReLU(), Noisy(hidden, outputs))
    noise = {str(i): {"in": flat(model[i].into), "out": flat(model[i].out)} for i in (0, 2)}
    return passes(model, [inputs], outputs, samples, spec=f"mlp:{hidden}:noisy", noise=noise)


# optimisers.json


def optimiser(name, make, count=5, **arguments):
    parameters = normal(9).requires_grad_(True)
    stepper = make([parameters], **arguments)
    case = {"optimiser": name, **arguments, "initial": flat(parameters), "steps": []}
    for _ in range(count):
        parameters.grad = normal(9)
        # Parameters that the loss does not reach: one never, one now and then.
        parameters.grad[0] = 0.0
        parameters.grad[1] *= torch.randint(2, ())
        stepper.step()
        case["steps"].append({"gradient": flat(parameters.grad), "parameters": flat(parameters)})
    return case


def sgd(**arguments):
    return optimiser("sgd", torch.optim.SGD, lr=0.05, **arguments)


def rmsprop(**arguments):
    return optimiser("rmsprop", torch.optim.RMSprop, lr=0.01, alpha=0.95, eps=0.01, **arguments)


def clip_value(gradient, clip):
    parameter = torch.zeros_like(gradient, requires_grad=True)
    parameter.grad = gradient.clone()
    nn.utils.clip_grad_value_([parameter], clip)
    return {"gradient": flat(gradient), "clip": clip, "clipped": flat(parameter.grad)}


# distributional.json


def weighted(losses, weights, student):
    """The per-sample losses, their weighted mean, and its gradient in `student`."""
    value = (losses if weights is None else weights * losses).mean()
    value.backward()
    return {"losses": flat(losses), "value": value.item(), "gradient": flat(student.grad)}


def project(p, reward, terminated, gamma, v_min, v_max):
    """Bellemare et al. 2017, Algorithm 1, with all of p[j] to the atom that is hit exactly, where l = u."""
    atoms = len(p)
    delta = (v_max - v_min) / (atoms - 1)
    m = [0.0] * atoms
    for j in range(atoms):
        z = v_min + j * delta
        b = (min(max(reward + gamma * (1 - terminated) * z, v_min), v_max) - v_min) / delta
        l, u = floor(b), ceil(b)
        if l == u:
            m[l] += p[j]
        else:
            m[l] += p[j] * (u - b)
            m[u] += p[j] * (b - l)
    return m


def categorical(actions, atoms, v_min, v_max, gamma, rewards, terminated, scale, weights=None):
    samples, gamma, rewards = len(rewards), single(gamma).item(), single(rewards)
    next_logits = normal(samples, actions, atoms, scale=scale)
    p = next_logits.softmax(2)
    next_actions = (p * torch.linspace(v_min, v_max, atoms)).sum(2).argmax(1)
    rows = zip(p[range(samples), next_actions].tolist(), rewards.tolist(), terminated)
    targets = torch.tensor([project(*row, gamma, v_min, v_max) for row in rows])
    logits, chosen = normal(samples, actions, atoms, scale=scale).requires_grad_(True), integers(actions, samples)
    losses = -(targets * logits.log_softmax(2)[range(samples), chosen]).sum(1)
    return flattened(
        samples=samples, actions=actions, atoms=atoms, v_min=v_min, v_max=v_max, gamma=gamma,
        rewards=rewards, terminated=terminated, next_logits=next_logits, next_actions=next_actions,
        targets=targets, logits=logits, chosen=chosen, weights=weights, **weighted(losses, weights, logits),
    )


def quantile(samples, actions, taus, m, kappa, weights=None):
    """Dabney et al. 2018, equations 9 and 10; over kappa as in Dabney et al. 2018 (IQN), equation 3."""
    quantiles = taus.shape[1]
    outputs, targets = normal(samples, actions, quantiles).requires_grad_(True), normal(samples, m, scale=1.5)
    chosen = integers(actions, samples)
    u = targets[:, None, :] - outputs[range(samples), chosen][:, :, None]
    huber = torch.where(u.abs() <= kappa, u * u / 2, kappa * (u.abs() - kappa / 2))
    losses = ((taus[:, :, None] - (u < 0).double()).abs() * huber / kappa).mean(2).sum(1)
    return flattened(
        samples=samples, actions=actions, quantiles=quantiles, kappa=kappa, taus=taus, outputs=outputs,
        chosen=chosen, targets=targets, weights=weights, **weighted(losses, weights, outputs),
    )


def midpoints(samples, n):
    return single((torch.arange(n) + 0.5) / n).repeat(samples, 1)


def munchausen(samples, actions, gamma, scale):
    """Vieillard et al. 2020, with the log-policy of the action taken clipped."""
    gamma, alpha, t, clip = (single(x).item() for x in (gamma, 0.9, 0.03, -1.0))
    q, next_q = normal(samples, actions, scale=scale), normal(samples, actions, scale=scale)
    chosen, rewards, terminated = integers(actions, samples), normal(samples), integers(2, samples)
    log_pi, next_log_pi = (q / t).log_softmax(1), (next_q / t).log_softmax(1)
    bonus = alpha * (t * log_pi[range(samples), chosen]).clamp(clip, 0)
    soft_value = (next_log_pi.exp() * (next_q - t * next_log_pi)).sum(1)
    return flattened(
        samples=samples, actions=actions, gamma=gamma, alpha=alpha, temperature=t, clip=clip, q=q,
        next_q=next_q, chosen=chosen, rewards=rewards, terminated=terminated,
        targets=rewards + bonus + gamma * (1 - terminated) * soft_value,
    )


write(
    "layers.json",
    BYTES_MAX,
    cases=[
        network("mlp:7,5", [4], 3, 33),
        network("mlp:6:gelu", [4], 3, 17),
        network("mlp:6,5:silu", [3], 2, 3),
        network("mlp:6,9:relu:layernorm", [4], 3, 3),
        network("mlp:5:tanh:layernorm", [3], 2, 1),
        network("cnn:3x3,6", [2, 6, 5], 3, 3),
        network("cnn:3x3s2,4x2,5:tanh", [2, 8, 8], 3, 3),
        network("cnn:17x2,max2,5", [1, 5, 5], 2, 17),
        network("cnn:4x2,avg2,6:silu", [2, 5, 7], 3, 1),
        network("cnn:3x2,4:relu:layernorm", [2, 4, 4], 2, 3),
        network("cnn:5x3", [3, 4, 4], 4, 1),
    ],
    heads=[
        dueling([6, 5], 4, 3, 3),
        dueling([6], 4, 3, 3),
        dueling([6, 5], 4, 3, 3, atoms=4),
        noisy(6, 4, 3, 3),
    ],
)
write(
    "optimisers.json",
    BYTES_MAX,
    cases=[
        sgd(momentum=0.0, nesterov=False),
        sgd(momentum=0.9, nesterov=False),
        sgd(momentum=0.9, nesterov=True),
        rmsprop(centered=False, momentum=0.0),
        rmsprop(centered=True, momentum=0.0),
        optimiser("adamw", torch.optim.AdamW, lr=0.01, betas=[0.9, 0.999], eps=1e-8, weight_decay=0.01),
        optimiser("adam", torch.optim.Adam, lr=0.001, betas=[0.9, 0.999], eps=1e-5),
        optimiser("radam", torch.optim.RAdam, lr=0.001, betas=[0.9, 0.999], eps=1e-8, count=9),
    ],
    clip_value=[
        clip_value(normal(12, scale=10.0), 0.5),
        clip_value(normal(37), 1.0),
        clip_value(normal(12, scale=0.01), 0.5),
        clip_value(single([1.5, -1.5, 0.0, 1.75, -1.25]), 1.5),
    ],
)
write(
    "distributional.json",
    BYTES_MAX,
    categorical=[
        # On atoms and halfway between them, at and beyond both ends.
        categorical(2, 5, -2.0, 2.0, 0.5, [0.0, 1.0, -1.0, 7.0, -2.0, 1.0], [0, 0, 1, 0, 1, 0], 1.0),
        categorical(
            3, 11, -1.0, 4.0, 0.99, [0.25, -3.0, 5.0, 1.3, 0.5], [0, 0, 0, 1, 1], 5.0, weights=uniform(5)
        ),
        categorical(2, 51, -10.0, 10.0, 0.99, [1.0, -0.37, 100.0, 0.4], [0, 0, 1, 1], 1.0),
    ],
    quantile=[
        quantile(4, 3, midpoints(4, 5), 5, 1.0),
        quantile(5, 2, uniform(5, 4), 7, 1.0),
        quantile(3, 4, midpoints(3, 6), 6, 0.5),
        quantile(6, 3, uniform(6, 5), 3, 1.0, weights=uniform(6)),
    ],
    munchausen=[
        munchausen(5, 3, 0.99, 0.1),
        munchausen(6, 4, 0.95, 3.0),
    ],
)
