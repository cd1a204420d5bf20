"""Writes distributions.json beside this file. `python make_distributions.py`

Matrices are flattened row by row. Log-probabilities, entropies and divergences are those of torch.distributions; each
`d_` is the gradient of their sum weighted by `weights`, by autograd.
"""

import torch
from common import flat, integers, normal, write
from torch.distributions import Categorical, Independent, Normal, TransformedDistribution, kl_divergence
from torch.distributions.transforms import TanhTransform

BYTES_MAX = 60_000


def short(tensor):
    """Multiples of 1/256: single precision represents them, in few digits."""
    return (256 * tensor).round() / 256


def gradients(values, weights, **leaves):
    """The gradients of the weighted sum with respect to each leaf, `d_NAME`; 0 where it does not matter."""
    grads = torch.autograd.grad((values * weights).sum(), list(leaves.values()), allow_unused=True, retain_graph=True)
    return {f"d_{name}": flat(torch.zeros_like(leaf) if g is None else g) for (name, leaf), g in zip(leaves.items(), grads)}


def term(values, weights, **leaves):
    return {"values": flat(values), **gradients(values, weights, **leaves)}


def categorical(samples, choices, scale, logits=None):
    logits = short(normal(samples, choices, scale=scale)) if logits is None else torch.tensor(logits)
    samples, choices = logits.shape
    other = short(normal(samples, choices, scale=scale))
    actions, weights = integers(choices, samples), short(normal(samples))
    logits.requires_grad_(True), other.requires_grad_(True)
    p, q = Categorical(logits=logits), Categorical(logits=other)
    return {
        "choices": choices,
        "logits": flat(logits),
        "other": flat(other),
        "actions": flat(actions),
        "weights": flat(weights),
        "log_prob": term(p.log_prob(actions), weights, logits=logits),
        "entropy": term(p.entropy(), weights, logits=logits),
        "kl": term(kl_divergence(p, q), weights, logits=logits, other=other),
    }


def gaussian(samples, dimensions, shared, scale=1.0):
    """Also squashed: `u` is the sample before the hyperbolic tangent, made of `noise`."""
    rows = [dimensions] if shared else [samples, dimensions]
    mean, other_mean = (short(normal(samples, dimensions, scale=scale)) for _ in range(2))
    log_std, other_log_std = (short(normal(*rows, scale=0.7) - 0.3) for _ in range(2))
    actions, noise = (short(normal(samples, dimensions, scale=1.5)) for _ in range(2))
    weights, d_actions = short(normal(samples)), short(normal(samples, dimensions))
    leaves = {"mean": mean, "log_std": log_std}
    others = {"other_mean": other_mean, "other_log_std": other_log_std}
    for leaf in (*leaves.values(), *others.values(), actions):
        leaf.requires_grad_(True)
    p, q = (Independent(Normal(m, s.exp()), 1) for m, s in (leaves.values(), others.values()))
    squashed, other_squashed = (TransformedDistribution(d, [TanhTransform(cache_size=1)]) for d in (p, q))

    # The density of actions that were taken, which do not depend on the parameters.
    taken = squashed.transforms[0](actions)
    at_taken = term(squashed.log_prob(taken), weights, mean=mean, log_std=log_std)
    # The density of a sample, which does; cache_size makes PyTorch remember u.
    u = mean + log_std.exp() * noise
    drawn = squashed.transforms[0](u)
    log_prob = squashed.log_prob(drawn)
    loss = (log_prob * weights).sum() + (drawn * d_actions).sum()
    through = torch.autograd.grad(loss, list(leaves.values()), retain_graph=True)
    plain = torch.autograd.grad((u * d_actions).sum(), list(leaves.values()), retain_graph=True)
    return {
        "dimensions": dimensions,
        **{name: flat(leaf) for name, leaf in {**leaves, **others}.items()},
        "actions": flat(actions),
        "noise": flat(noise),
        "weights": flat(weights),
        "d_actions": flat(d_actions),
        "log_prob": term(p.log_prob(actions), weights, **leaves, actions=actions),
        "entropy": term(p.entropy(), weights, log_std=log_std),
        "kl": term(kl_divergence(p, q), weights, **leaves, **others),
        "sample": {"values": flat(u), "d_mean": flat(plain[0]), "d_log_std": flat(plain[1])},
        "squashed": {
            "log_prob": at_taken,
            "sample": {
                "u": flat(u),
                "actions": flat(drawn),
                "values": flat(log_prob),
                "d_mean": flat(through[0]),
                "d_log_std": flat(through[1]),
            },
        },
    }


write(
    "distributions.json",
    BYTES_MAX,
    categorical=[
        categorical(5, 2, 1.0),
        categorical(7, 6, 3.0),
        categorical(3, 19, 20.0),
        categorical(0, 0, 1.0, logits=[[50.0, -50.0, 0.0], [0.0, 0.0, 0.0], [1000.0, 1000.0, 999.0]]),
        categorical(4, 1, 2.0),
    ],
    gaussian=[
        gaussian(4, 1, shared=False),
        gaussian(5, 3, shared=True),
        gaussian(6, 4, shared=False),
        # As far out as single precision rounds the hyperbolic tangent to 1.
        gaussian(5, 2, shared=False, scale=8.0),
        gaussian(1, 3, shared=True),
    ],
)
