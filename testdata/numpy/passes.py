"""The cases of a network's passes, of which make_residual.py and make_renorm.py have the networks: short numbers, and
gradients that are central differences of the sum of the outputs times `d_output`.
"""

import numpy as np

STEP = 1e-5
rng = np.random.default_rng(20261129)


def short(*shape, scale=1.0):
    """Multiples of 1/256: single precision represents them, in few digits."""
    return np.round(256 * scale * rng.standard_normal(shape)) / 256


def flat(array):
    return [float(f"{x:.15g}") for x in np.ravel(array)]


def measured(outputs_of, tensors, batch, upstream):
    """Outputs, gradients and running statistics of a pass; `outputs_of()` gives the first and the last for the arrays
    as they are."""

    def gradient(array):
        slopes = np.empty(array.size)
        flattened = array.reshape(-1)
        for i, start in enumerate(flattened.copy()):
            ends = []
            for moved in (start + STEP, start - STEP):
                flattened[i] = moved
                ends.append((outputs_of()[0] * upstream).sum())
            flattened[i] = start
            slopes[i] = (ends[0] - ends[1]) / (2 * STEP)
        return [float(f"{x:.9g}") for x in slopes]

    output, running = outputs_of()
    learned = {name: t for name, t in tensors.items() if ".running" not in name}
    return {
        "output": flat(output),
        "gradients": {name: gradient(t) for name, t in learned.items()},
        "d_input": gradient(batch),
        "running": {name: flat(t) for name, t in running.items()},
    }


def described(spec, inputs, tensors, batch, upstream, **passes):
    samples, outputs = upstream.shape
    return {
        "spec": spec,
        "inputs": list(inputs),
        "outputs": outputs,
        "samples": samples,
        "tensors": {name: {"shape": list(t.shape), "data": flat(t)} for name, t in tensors.items()},
        "batch": flat(batch),
        "d_output": flat(upstream),
        **passes,
    }
