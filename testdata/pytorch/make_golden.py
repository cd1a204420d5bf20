"""Writes losses.json, network.json and adam.json beside this file. `python make_golden.py`

Matrices are flattened row by row.
"""

import itertools

import torch
import torch.nn.functional as F
from common import flat, flattened, integers, normal, single, write

BYTES_MAX = 60_000


def loss_case(name, compute, student, **rest):
    """The value and gradient of `compute(student)`; tensors in `rest` are inputs, the others parameters."""
    student.requires_grad_(True)
    value = compute(student)
    value.backward()
    student_name = "outputs" if name.endswith("_at") else "logits" if name == "cross_entropy" else "student"
    return {
        "loss": name,
        "samples": len(student),
        **flattened(**rest),
        student_name: flat(student),
        "value": value.item(),
        "gradient": flat(student.grad),
    }


def mse_at(samples, actions):
    outputs, chosen, targets = normal(samples, actions), integers(actions, samples), normal(samples, scale=3.0)
    compute = lambda q: F.mse_loss(q.gather(1, chosen[:, None])[:, 0], targets)
    return loss_case("mse_at", compute, outputs, actions=chosen, targets=targets)


def huber_at(delta, actions, errors):
    chosen = integers(actions, len(errors))
    outputs = normal(len(errors), actions)
    targets = single(outputs.gather(1, chosen[:, None])[:, 0] - torch.tensor(errors))
    compute = lambda q: F.huber_loss(q.gather(1, chosen[:, None])[:, 0], targets, delta=delta)
    return loss_case("huber_at", compute, outputs, delta=delta, actions=chosen, targets=targets)


def cross_entropy(logits):
    labels = integers(logits.shape[1], len(logits))
    return loss_case("cross_entropy", lambda z: F.cross_entropy(z, labels), logits, labels=labels)


def kl(teacher, student, t):
    logs = F.log_softmax(student / t, 1), F.log_softmax(teacher / t, 1)
    return t * t * F.kl_div(*logs, log_target=True, reduction="batchmean")


def temperature_kl(teacher, student, t):
    return loss_case("temperature_kl", lambda z: kl(teacher, z, t), student, temperature=t, teacher=teacher)


def distillation(alpha, t, samples, classes, scale):
    # 0.3 is not a single-precision number: the mixture is that of its nearest one.
    alpha = single(alpha).item()
    teacher, student = normal(samples, classes, scale=scale), normal(samples, classes, scale=scale)
    labels = integers(classes, samples)
    compute = lambda z: alpha * kl(teacher, z, t) + (1 - alpha) * F.cross_entropy(z, labels)
    return loss_case(
        "distillation", compute, student, alpha=alpha, temperature=t, teacher=teacher, labels=labels
    )


def losses():
    yield from (mse_at(*shape) for shape in [(1, 2), (4, 3), (6, 5)])
    for delta in (1.0, 0.5):
        # Near, at and far beyond both values of delta, on both sides.
        yield huber_at(delta, 4, [0.01, -0.3, 0.5, -0.75, 1.0, -40.0])
        yield huber_at(delta, 2, [-0.49, 0.51, -1.01])
        yield huber_at(delta, 3, [0.0])
    for samples, classes, scale in [(1, 2, 1), (6, 10, 1), (4, 3, 5), (2, 7, 5), (3, 10, 30), (5, 2, 30)]:
        yield cross_entropy(normal(samples, classes, scale=scale))
    yield cross_entropy(single([[1000.0, -1000.0, 0.0], [-1000.0, 1000.0, 1000.0]]))
    shapes = itertools.cycle([(1, 2), (2, 10), (3, 5), (4, 3), (5, 4), (6, 2), (3, 7)])
    for t, scale in itertools.product((0.5, 1.0, 4.0, 20.0), (1, 5, 30)):
        samples, classes = next(shapes)
        yield temperature_kl(normal(samples, classes, scale=scale), normal(samples, classes, scale=scale), t)
    same = normal(2, 4, scale=5)
    yield temperature_kl(same, same.clone(), 4.0)
    for alpha, (t, scale) in itertools.product((0.0, 0.3, 0.9, 1.0), ((4.0, 5), (0.5, 30), (20.0, 1))):
        yield distillation(alpha, t, *next(shapes), scale)


def network(inputs, hidden, outputs, activation, samples):
    widths = [inputs, *hidden, outputs]
    layers = []
    for i in range(len(widths) - 1):
        layers += [torch.nn.Linear(widths[i], widths[i + 1])]
        if i < len(hidden):
            layers += [torch.nn.Tanh() if activation == "tanh" else torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(single(p))
    batch, upstream = normal(samples, inputs, scale=2.0), normal(samples, outputs)
    output = model(batch)
    output.backward(upstream)
    suffix = "" if activation == "relu" else f":{activation}"
    return {
        "spec": "mlp:" + ",".join(map(str, hidden)) + suffix,
        "activation": activation,
        "inputs": inputs,
        "outputs": outputs,
        "samples": samples,
        "tensors": {n: {"shape": list(p.shape), "data": flat(p)} for n, p in model.named_parameters()},
        "batch": flat(batch),
        "output": flat(output),
        "d_output": flat(upstream),
        "gradients": {n: flat(p.grad) for n, p in model.named_parameters()},
    }


def adam(lr, betas, eps, scale):
    parameters = normal(12).requires_grad_(True)
    optimiser = torch.optim.Adam([parameters], lr=lr, betas=betas, eps=eps)
    case = {"lr": lr, "betas": betas, "eps": eps, "initial": flat(parameters), "steps": []}
    for _ in range(5):
        parameters.grad = normal(12, scale=scale)
        # Parameters that the loss does not reach: one never, one now and then.
        parameters.grad[0] = 0.0
        parameters.grad[1] *= torch.randint(2, ())
        optimiser.step()
        case["steps"].append({"gradient": flat(parameters.grad), "parameters": flat(parameters)})
    return case


def clip(gradient, max_norm):
    parameter = torch.zeros_like(gradient, requires_grad=True)
    parameter.grad = gradient.clone()
    total = torch.nn.utils.clip_grad_norm_([parameter], max_norm).item()
    return {"gradient": flat(gradient), "max_norm": max_norm, "norm": total, "clipped": flat(parameter.grad)}


write("losses.json", BYTES_MAX, cases=losses())
write(
    "network.json",
    BYTES_MAX,
    cases=[
        network(4, [8], 2, "relu", 5),
        network(3, [5, 5], 4, "tanh", 6),
        network(6, [7], 3, "relu", 9),
    ],
)
write(
    "adam.json",
    BYTES_MAX,
    cases=[
        adam(1e-3, [0.9, 0.999], 1e-8, 1.0),
        adam(2.5e-4, [0.9, 0.999], 1e-5, 0.1),
        adam(1e-3, [0.9, 0.999], 1e-8, 1e-10),
        adam(1e-2, [0.8, 0.95], 1e-8, 10.0),
    ],
    clip=[
        clip(normal(12, scale=10.0), 0.5),
        clip(normal(37), 1.0),
        clip(normal(12, scale=0.01), 0.5),
        clip(single([3.0, -4.0]), 5.0),
        clip(torch.zeros(3), 1.0),
    ],
)
