"""Writes streams.json beside this file: what NumPy's SeedSequence and PCG64 draw. `python make_streams.py`"""

import json
from pathlib import Path

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence

ENTROPIES = [0, 1, 42, 2**32 - 1, 2**32, 2**63 + 12345, 2**64 - 1]
KEYS = [(0,), (7,), (1, 2, 3, 4, 5)]
STREAMS = [("exploration", 0), ("environment", 3), ("environment", 2**32 + 1)]


def case(entropy, spawn_key=(), **rest):
    """64-bit integers and doubles are strings: many JSON readers round both."""
    sequence = SeedSequence(entropy, spawn_key=spawn_key)
    return {
        "entropy": str(entropy),
        "spawn_key": list(spawn_key),
        **rest,
        "state": [str(x) for x in sequence.generate_state(4, np.uint64)],
        "raw": [str(x) for x in PCG64(sequence).random_raw(8)],
        "doubles": [repr(float(x)) for x in Generator(PCG64(sequence)).random(5)],
        "integers": integers(Generator(PCG64(sequence))),
    }


BOUNDS = [13, 1, 3, 2**31 + 5, 13, 4, 2**32 - 1]


def integers(generator):
    """Half words wait while a double takes a whole one."""
    drawn = [int(generator.integers(bound)) for bound in BOUNDS[:3]]
    generator.random()
    return drawn + [int(generator.integers(bound)) for bound in BOUNDS[3:]]


def stream_key(name, index):
    """The key of a named stream, as potstill-core's `Streams` lays it out."""
    return (*name.encode(), len(name.encode()), index & 0xFFFFFFFF, index >> 32)


cases = [case(entropy) for entropy in ENTROPIES]
cases += [case(entropy, key) for entropy in (42, 2**64 - 1) for key in KEYS]
cases += [case(e, stream_key(*s), stream=list(s)) for e in (0, 2**63 + 12345) for s in STREAMS]

lines = ",\n".join(json.dumps(c) for c in cases)
text = f'{{"made_with": "numpy {np.__version__}", "cases": [\n{lines}\n]}}\n'
Path(__file__).with_name("streams.json").write_text(text)
