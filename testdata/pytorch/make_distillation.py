"""Writes distillation.json beside this file. `python make_distillation.py`

The losses of distillation, written as in their papers and differentiated by autograd. The weights are those of
`potstill-nn/tests/distillation_losses.rs`. Matrices are flattened row by row.
"""

import math

import torch
import torch.nn.functional as F
from common import flat, integers, normal, single, write

BYTES_MAX = 90_000


def kl(p_logits, q_logits, t):
    logs = F.log_softmax(q_logits / t, 1), F.log_softmax(p_logits / t, 1)
    return t * t * F.kl_div(*logs, log_target=True, reduction="batchmean")


def half_squares(x):
    return (x * x).sum(1).mean() / 2


def centred(x):
    return x - x.mean(1, keepdim=True)


def decoupled(b, z):
    """With a mask instead of sums over subsets, in logarithms."""
    is_target = F.one_hot(b["labels"], z.shape[1]).bool()

    def parts(logits):
        logits = logits / b["t"]
        others = logits.masked_fill(is_target, -math.inf)
        pair = torch.stack([logits[is_target], others.logsumexp(1)], 1)
        return pair, logits[~is_target].view(len(logits), -1)

    (p_pair, p_others), (q_pair, q_others) = parts(b["teacher"]), parts(z)
    return b["t"] ** 2 * (1.25 * kl(p_pair, q_pair, 1) + 8 * kl(p_others, q_others, 1))


def dist(b, z):
    p, q = (b["teacher"] / b["t"]).softmax(1), (z / b["t"]).softmax(1)

    def relation(a, c):
        return (1 - F.cosine_similarity(centred(a), centred(c), dim=1, eps=0)).mean()

    return 1.5 * relation(q, p) + 0.75 * relation(q.T, p.T)


def scores(z):
    return centred(z) / (z.std(1, keepdim=True, unbiased=False) + 1e-7)


def attention(x):
    points = x.shape[1] // 2
    return F.normalize((x.view(len(x), points, -1) ** 2).sum(2), dim=1, eps=1e-12)


def values(b, z):
    weights = 0.5 / (b["positive"] + 0.5)
    return (weights * F.huber_loss(z, b["teacher"], delta=1.5, reduction="none")).sum(1).mean()


def gaussian(b, z):
    half = z.numel() // 2
    mean, log_variance = z.view(-1, 2).T
    mu, variance = b["teacher"].flatten()[:half], b["positive"].flatten()[:half]
    teacher = torch.distributions.Normal(mu, variance.sqrt())
    student = torch.distributions.Normal(mean, (log_variance / 2).exp())
    # The divergence and the teacher's entropy, less the constant.
    cross = torch.distributions.kl_divergence(teacher, student) + teacher.entropy()
    return (cross - math.log(2 * math.pi) / 2).sum() / len(z)


LOSSES = {
    "kl": lambda b, z: kl(b["teacher"], z, b["t"]),
    "reverse": lambda b, z: kl(z, b["teacher"], b["t"]),
    "symmetric": lambda b, z: (kl(z, b["teacher"], b["t"]) + kl(b["teacher"], z, b["t"])) / 2,
    "uniform": lambda b, z: kl(torch.zeros_like(z), z, b["t"]),
    "logit-mse": lambda b, z: half_squares(z - b["teacher"]),
    "logit-mse-centred": lambda b, z: half_squares(centred(z - b["teacher"])),
    "decoupled": decoupled,
    "dist": dist,
    "standardised": lambda b, z: kl(scores(b["teacher"]), scores(z), b["t"]),
    "blended": lambda b, z: 0.75 * kl(z, b["teacher"], b["t"]) + 0.25 * F.cross_entropy(z, b["labels"]),
    "soft cross-entropy": lambda b, z: -(b["positive"] * F.log_softmax(z, 1)).sum(1).mean(),
    "hint": lambda b, z: half_squares(z - b["teacher"]),
    "attention": lambda b, z: half_squares(attention(z) - attention(b["teacher"])),
    "values": values,
    "gaussian": gaussian,
}


def case(name, compute, samples, width, t, scale):
    labels = integers(width, samples)
    teacher, student = normal(samples, width, scale=scale), normal(samples, width, scale=scale)
    positive = single(torch.rand(samples, width))
    batch = {"teacher": teacher, "labels": labels, "positive": positive, "t": t}
    student.requires_grad_(True)
    value = compute(batch, student)
    value.backward()
    return {
        "loss": name,
        "samples": samples,
        "temperature": t,
        "teacher": flat(teacher),
        "labels": flat(labels),
        "positive": flat(positive),
        "student": flat(student),
        "value": value.item(),
        "gradient": flat(student.grad),
    }


# At least two samples: a column of one has no correlation.
SHAPES = [(2, 4, 1.0, 1), (2, 6, 4.0, 5), (3, 4, 0.5, 2), (3, 6, 20.0, 5)]
write(
    "distillation.json",
    BYTES_MAX,
    cases=[case(name, compute, *shape) for name, compute in LOSSES.items() for shape in SHAPES],
)
