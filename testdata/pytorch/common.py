"""What the scripts that write golden vectors share. PyTorch computes in double precision on inputs that single precision represents, so
whatever a single-precision implementation differs by is its own rounding."""

import json
from pathlib import Path

import torch

torch.set_default_dtype(torch.float64)
# One thread and a fixed seed: the same file on every run.
torch.set_num_threads(1)
torch.manual_seed(20240229)


def single(tensor):
    return torch.as_tensor(tensor).float().double()


def normal(*shape, scale=1.0):
    return single(scale * torch.randn(*shape))


def integers(high, n):
    return torch.randint(high, (n,))


def flat(tensor):
    return tensor.detach().flatten().tolist()


def flattened(**items):
    return {k: flat(v) if torch.is_tensor(v) else v for k, v in items.items()}


def write(name, bytes_max, **lists):
    """One line per case, so that a diff shows which one changed."""
    parts = [f'"made_with": "torch {torch.__version__}"']
    for key, cases in lists.items():
        parts.append(f'"{key}": [\n' + ",\n".join(json.dumps(c, allow_nan=False) for c in cases) + "\n]")
    path = Path(__file__).with_name(name)
    path.write_text("{" + ", ".join(parts) + "}\n")
    assert path.stat().st_size < bytes_max, path
