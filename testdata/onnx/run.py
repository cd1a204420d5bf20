"""Checks the models of a folder by onnx's full checker and runs them with onnxruntime: prints outputs and metadata as JSON.

`cases.json` in the folder is a list of {"file", "input", "shape", "data", "integers"}.
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
    model = onnx.load(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    kind = np.int64 if case["integers"] else np.float32
    rows = np.array(case["data"], np.float64).astype(kind).reshape(case["shape"])
    names = [output.name for output in session.get_outputs()]
    answers = session.run(names, {case["input"]: rows})
    results.append(
        {
            "outputs": {n: {"shape": a.shape, "type": str(a.dtype), "data": a.ravel().tolist()} for n, a in zip(names, answers)},
            "metadata": {entry.key: entry.value for entry in model.metadata_props},
            "opset": model.opset_import[0].version,
            "batch": model.graph.input[0].type.tensor_type.shape.dim[0].dim_param,
            "initializers": [tensor.name for tensor in model.graph.initializer],
        }
    )
print(json.dumps(results))
