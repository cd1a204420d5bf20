"""Checks the models of tables by onnx's full checker and runs them with onnxruntime: prints their outputs as JSON.

`cases.json` in the folder is a list of {"file", "columns": {name: values}}: numbers or words.
"""

import json
import os
import sys

import numpy as np
import onnx
import onnxruntime

folder = sys.argv[1]
results = []
with open(os.path.join(folder, "cases.json")) as file:
    cases = json.load(file)
for case in cases:
    path = os.path.join(folder, case["file"])
    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feeds = {}
    for name, values in case["columns"].items():
        kind = object if isinstance(values[0], str) else np.float32
        feeds[name] = np.array([np.nan if x is None else x for x in values], dtype=kind).reshape(-1, 1)
    outputs = session.run(None, feeds)
    results.append({o.name: np.asarray(a).ravel().tolist() for o, a in zip(session.get_outputs(), outputs)})
print(json.dumps(results))
