"""Writes quality.json beside this file: measures of a classifier from logits. `python make_quality.py`"""

import json
import pathlib

import numpy as np

BINS = 15


def log_softmax(logits):
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)


def best_temperature(logits, labels):
    """The lowest mean of `-log_softmax(z / T)[label]`: Newton's method on 1 / T, in which it is convex."""
    z = logits.astype(np.float64)
    beta = 1.0
    for _ in range(200):
        p = np.exp(log_softmax(z * beta))
        mean = (p * z).sum(axis=1)
        slope = (mean - z[np.arange(len(labels)), labels]).mean()
        curvature = ((p * z**2).sum(axis=1) - mean**2).mean()
        beta = max(beta - slope / curvature, beta / 2)
    return 1 / beta


def bins(probabilities, labels):
    """Guo et al. 2017, equation 2 and 3: intervals ((m - 1) / M, m / M] of the top probability."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    place = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    rows = []
    for m in range(BINS):
        inside = place == m
        count = int(inside.sum())
        mean, accuracy = (confidence[inside].mean(), right[inside].mean()) if count else (0.0, 0.0)
        rows.append([count, float(mean), float(accuracy)])
    ece = sum(count * abs(accuracy - mean) for count, mean, accuracy in rows) / len(labels)
    return rows, ece


def measures(logits, labels, temperature=1.0):
    logs = log_softmax(logits.astype(np.float64) / temperature)
    probabilities = np.exp(logs)
    rows, ece = bins(probabilities, labels)
    one_hot = np.eye(logits.shape[1])[labels]
    return {
        "error": float((probabilities.argmax(axis=1) != labels).mean()),
        "nll": float(-logs[np.arange(len(labels)), labels].mean()),
        "brier": float(((probabilities - one_hot) ** 2).sum(axis=1).mean()),
        "ece": float(ece),
        "confidence": float(probabilities.max(axis=1).mean()),
        "bins": rows,
    }


def case(rng, samples, classes, scale):
    labels = rng.integers(classes, size=samples)
    logits = rng.normal(size=(samples, classes)) * scale
    logits[np.arange(samples), labels] += scale
    # Two decimals, which single precision holds to its last bit.
    logits = np.round(logits, 2).astype(np.float32)

    temperature = float(best_temperature(logits, labels))
    confusion = np.zeros((classes, classes), dtype=int)
    np.add.at(confusion, (labels, logits.argmax(axis=1)), 1)
    return {
        "classes": classes,
        "logits": [float(f"{x:.2f}") for x in logits.flatten()],
        "labels": labels.tolist(),
        "plain": measures(logits, labels),
        "temperature": temperature,
        "scaled": measures(logits, labels, temperature),
        "confusion": confusion.flatten().tolist(),
    }


rng = np.random.default_rng(14)
cases = [case(rng, 40, 3, 4.0), case(rng, 60, 2, 0.5), case(rng, 50, 5, 1.5)]
first, second = cases[0], cases[0]["logits"][::-1]
a = np.exp(log_softmax(np.array(first["logits"]).reshape(-1, 3)))
b = np.exp(log_softmax(np.array(second).reshape(-1, 3)))
cases[0]["distances_to_reversed"] = (np.abs(a - b).sum(axis=1) / 2).tolist()
path = pathlib.Path(__file__).with_name("quality.json")
path.write_text(json.dumps(cases) + "\n")
