"""Sine and cosine to 200 bits, rounded once: what `potstill_core::math::sin_cos` is held against. Needs mpmath.

Writes rows of [x, sin x, cos x] to sin_cos.json; every number is a double with all its digits.
"""

import json
import pathlib
import random

import mpmath

mpmath.mp.prec = 200
draw = random.Random(1)
arguments = [0.0, -0.0, 1e-300, 0.2, -0.7853981633974483, 0.7853981633974483, 1.5707963267948966, 3.141592653589793]
for bound, count in ((0.2, 150), (3.2, 150), (100.0, 100), (1e6, 100)):
    arguments += [draw.uniform(-bound, bound) for _ in range(count)]
rows = [[x, float(mpmath.sin(mpmath.mpf(x))), float(mpmath.cos(mpmath.mpf(x)))] for x in arguments]
lines = ",\n".join(json.dumps(row) for row in rows)
(pathlib.Path(__file__).parent / "sin_cos.json").write_text(f"[\n{lines}\n]\n")
