"""Writes digits.bin.gz beside this file from scikit-learn's copy of the data. `python make_digits.py`"""

import gzip
import hashlib
import io
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

digits = load_digits()
records = np.column_stack([digits.data, digits.target])
# The cast below must not round, clip or wrap.
assert records.shape == (1797, 65) and (records == np.round(records)).all()
assert records.min() == 0 and records[:, :64].max() == 16 and digits.target.max() == 9
raw = records.astype(np.uint8).tobytes()
# No time, no file name, no system: `gzip.compress` would note the system.
buffer = io.BytesIO()
with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as file:
    file.write(raw)
packed = buffer.getvalue()
Path(__file__).with_name("digits.bin.gz").write_bytes(packed)

print("sha256", hashlib.sha256(raw).hexdigest())
print("classes", np.bincount(digits.target).tolist())
print("bytes", len(raw), "packed", len(packed))
