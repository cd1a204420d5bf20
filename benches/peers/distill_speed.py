"""The time of an epoch of distillation in PyTorch, beside `potstill bench distill`.

An 800-800 student learns 60,000 images of MNIST's size from a 1200-1200 teacher that sees each image shifted by up to a pixel:
batch 128, Adam, temperature 20, weights 0.9 and 0.1. Plain PyTorch, its data in memory, shifts by one indexed gather; fused Adam.

    python distill_speed.py [--threads 2] [--epochs 3] [--recorded]
"""

import argparse
import json
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

SAMPLES, BATCH, T, ALPHA = 60_000, 128, 20.0, 0.9


def mlp(width):
    layers = [nn.Linear(784, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)]
    return nn.Sequential(*layers)


def shifted(images):
    """Each image moved by -1, 0 or 1 pixels each way, the border filled with 0."""
    n = len(images)
    padded = F.pad(images.view(n, 28, 28), (1, 1, 1, 1))
    down, right = torch.randint(0, 3, (2, n))
    rows = down[:, None] + torch.arange(28)
    columns = right[:, None] + torch.arange(28)
    return padded[torch.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]].reshape(n, 784)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--recorded", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    images = torch.randint(0, 256, (SAMPLES, 784)).float() / 255 * (torch.rand(SAMPLES, 784) < 0.2)
    labels = torch.arange(SAMPLES) % 10
    teacher, student = mlp(1200).eval(), mlp(800)
    optimiser = torch.optim.Adam(student.parameters(), lr=1e-3, fused=True)
    with torch.inference_mode():
        recorded = torch.cat([teacher(part) for part in images.split(1024)]) if given.recorded else None
    times = []
    for _ in range(given.epochs):
        start = time.perf_counter()
        for index in torch.randperm(SAMPLES).split(BATCH):
            x = images[index]
            if recorded is None:
                x = shifted(x)
                with torch.no_grad():
                    answers = teacher(x)
            else:
                answers = recorded[index]
            z = student(x)
            soft = F.kl_div(F.log_softmax(z / T, 1), F.log_softmax(answers / T, 1), reduction="batchmean", log_target=True)
            loss = ALPHA * T * T * soft + (1 - ALPHA) * F.cross_entropy(z, labels[index])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        times.append(time.perf_counter() - start)
    print(json.dumps({"torch": torch.__version__, "threads": given.threads, "live": recorded is None,
                      "seconds_per_epoch": statistics.median(times), "all": times}))


main()
