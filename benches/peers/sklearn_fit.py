"""Time of `potstill.DistilledClassifier.fit` beside the same in PyTorch: the same settings for both, in one run.

    python3.11 -m venv target/peers && target/peers/bin/pip install -r benches/peers/requirements.txt '.[sklearn]'
    target/peers/bin/python benches/peers/sklearn_fit.py --student mlp:64 --batch-size 32 --epochs 2 --threads 1

60,000 rows of 784 numbers with recorded probabilities of a teacher: of MNIST with `--data FOLDER` (its four files, as
they are distributed), else of random numbers of the same size. A fit has everything from the arrays to the student, the
scaling of inputs too. PyTorch is written plainly, its data in memory, with fused Adam; after its training its objects are
compared with the estimator's parameters one by one, and at a difference the run ends. Each measurement is a process of its
own; a figure is the median of the rounds, which alternate. On a busy machine the seconds on a core say more than those of
the clock. With MNIST the test error of both is told.
"""

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

# Parameters without an effect at these values, which are the defaults.
IDLE = {
    "teacher": None, "teacher_cv": None, "image_shape": None, "random_state": 0, "standardise_logits": False,
    "decoupled_target": 1.0, "decoupled_others": 8.0, "dist_inter": 1.0, "dist_intra": 1.0, "jitter_pixels": 0,
    "horizontal_flip": False, "mixup": 0.0, "dropout": 0.0, "input_dropout": 0.0, "max_norm": float("inf"),
    "weight_decay": 0.01, "l2_penalty": 0.0, "momentum": 0.95, "centered": True, "nesterov": False,
    "max_grad_norm": float("inf"), "clip_grad_value": None,
}  # fmt: skip


def images(path):
    """The array in a file of MNIST."""
    data = gzip.decompress(path.read_bytes())
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(data[3])]
    return np.frombuffer(data, dtype=np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def data(folder):
    """Rows, labels, a teacher's probabilities, and rows and labels to test on."""
    if folder is None:
        rng = np.random.default_rng(0)
        rows = (rng.random((60_000, 784)) * (rng.random((60_000, 784)) < 0.2)).astype(np.float32)
        labels, test = np.arange(60_000) % 10, None
    else:
        kinds = [("train", "images-idx3"), ("train", "labels-idx1"), ("t10k", "images-idx3"), ("t10k", "labels-idx1")]
        rows, labels, *test = (images(Path(folder, f"{part}-{kind}-ubyte.gz")) for part, kind in kinds)
        rows, labels = (rows.reshape(-1, 784) / np.float32(255)).astype(np.float32), labels.astype(np.int64)
        test = ((test[0].reshape(-1, 784) / np.float32(255)).astype(np.float32), test[1].astype(np.int64))
    # A teacher that is right, and sees the same likeness between classes in all rows.
    near = np.random.default_rng(1).dirichlet(np.full(10, 0.5), size=10)
    return rows, labels, 0.9 * np.eye(10)[labels] + 0.1 * near[labels], test


def ours(given):
    import potstill as ps

    rows, labels, shares, test = data(given.data)
    student = ps.DistilledClassifier(**parameters(given))
    start = clocks()
    student.fit(rows, labels, teacher_proba=shares)
    return {**since(start), "test_error": None if test is None else 1 - student.score(*test)}


def clocks():
    return time.perf_counter(), time.process_time()


def since(start):
    """Seconds, and those of all threads on a core."""
    return {name: now - then for name, now, then in zip(("seconds", "cpu_seconds"), clocks(), start, strict=True)}


def parameters(given):
    return {
        **{"student": given.student, "batch_size": given.batch_size, "epochs": given.epochs, "threads": given.threads},
        **{"temperature": given.temperature, "alpha": given.alpha, "random_state": 0},
    }


def theirs(given):
    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    rows, labels, shares, test = data(given.data)
    widths = [int(width) for width in given.student.removeprefix("mlp:").split(",")]
    temperature, alpha = given.temperature, given.alpha
    batches = set()
    start = clocks()
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    deviation[deviation == 0] = 1
    x_all = torch.from_numpy((rows - mean) / deviation)
    y_all = torch.from_numpy(labels)
    z_teacher = torch.from_numpy(np.log(np.maximum(shares, 1e-7)).astype(np.float32))
    layers = []
    for inputs, outputs in zip([784, *widths], [*widths, 10], strict=True):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    student = nn.Sequential(*layers[:-1])
    optimiser = torch.optim.Adam(student.parameters(), lr=1e-3, fused=True)
    epochs = 0
    for _ in range(given.epochs):
        for index in torch.randperm(len(x_all)).split(given.batch_size):
            z, answers = student(x_all[index]), z_teacher[index]
            soft_z, soft_answers = F.log_softmax(z / temperature, 1), F.log_softmax(answers / temperature, 1)
            soft = F.kl_div(soft_z, soft_answers, reduction="batchmean", log_target=True)
            loss = alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(z, y_all[index])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            batches.add(len(index))
        epochs += 1
    taken = since(start)
    linear = [module for module in student if isinstance(module, nn.Linear)]
    group = optimiser.param_groups[0]
    has = {
        "student": f"mlp:{','.join(str(layer.out_features) for layer in linear[:-1])}",
        "learning_rate": group["lr"],
        "beta1": group["betas"][0],
        "optimizer_eps": group["eps"],
        "optimizer": "other" if group["weight_decay"] or group["amsgrad"] else type(optimiser).__name__.lower(),
        "batch_size": max(batches),
        "epochs": epochs,
        "temperature": temperature,
        "alpha": alpha,
        # The loss above, and the initial weights of its layers.
        "divergence": "kl",
        "initialization": "pytorch",
        "threads": torch.get_num_threads(),
    }
    error = None
    if test is not None:
        with torch.inference_mode():
            named = student(torch.from_numpy((test[0] - mean) / deviation)).argmax(1).numpy()
        error = float((named != test[1]).mean())
    return {**taken, "test_error": error, "has": has, "torch": torch.__version__}


def check_settings(given, has):
    """Compares PyTorch's objects with the estimator's parameters."""
    import potstill as ps

    wanted = ps.DistilledClassifier(**parameters(given)).get_params(deep=False)
    for name, value in IDLE.items():
        assert wanted.pop(name) == value, f"{name} has an effect"
    different = {name: (value, has.get(name)) for name, value in wanted.items() if has.get(name) != value}
    assert not different and wanted.keys() == has.keys(), f"the settings differ: {different}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data")
    parser.add_argument("--student", default="mlp:64")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--temperature", type=float, default=4.0)
    parser.add_argument("--alpha", type=float, default=0.9)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps({"ours": ours, "theirs": theirs}[given.child](given)))
        return
    found = {"ours": [], "theirs": []}
    for _ in range(given.rounds):
        for name, measured in found.items():
            words = [sys.executable, __file__, *sys.argv[1:], "--child", name]
            threads = {name: str(given.threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
            done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **threads}, check=True)
            measured.append(json.loads(done.stdout.splitlines()[-1]))
    check_settings(given, found["theirs"][0]["has"])
    times = {}
    for clock in ("seconds", "cpu_seconds"):
        medians = {name: statistics.median(one[clock] for one in measured) for name, measured in found.items()}
        times[clock] = {**medians, "times_faster": medians["theirs"] / medians["ours"]}
    errors = {name: statistics.median(one["test_error"] or 0 for one in measured) for name, measured in found.items()}
    if given.json:
        print(json.dumps({**vars(given), "found": found, "medians": times, "test_error": errors}))
        return
    print(f"{given.student}, batch {given.batch_size}, {given.epochs} epochs, {given.threads} threads; errors {errors}")
    for clock, row in times.items():
        print(f"{clock}: potstill {row['ours']:.2f}, PyTorch {row['theirs']:.2f}, {row['times_faster']:.1f} times")


main()
