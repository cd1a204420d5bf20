"""A scikit-learn pipeline of named columns as skl2onnx writes it, sk-columns.onnx, and its answers: columns.json.

Run as `python make_columns.py`. Needs scikit-learn, skl2onnx and onnxruntime. The order of its inputs and of its words is that
of no table that the tests write.
"""

import json

import numpy as np
import onnxruntime
import pandas as pd
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

rng = np.random.default_rng(3)
n = 200
table = pd.DataFrame(
    {
        "income": rng.normal(50, 20, n).astype(np.float32),
        "home city": rng.choice(["rome", "berlin", "oslo"], n),
        "age": rng.normal(40, 10, n).astype(np.float32),
        "plan": rng.choice(["basic", "pro"], n),
    }
)
y = (table["income"] / 20 + (table["home city"] == "oslo") * 2 - table["age"] / 20 + rng.normal(0, 0.5, n) > 1).astype(int)
encoder = OneHotEncoder(categories=[["pro", "basic"], ["rome", "oslo", "berlin"]], handle_unknown="ignore")
columns = ColumnTransformer([("numbers", StandardScaler(), ["income", "age"]), ("words", encoder, ["plan", "home city"])])
model = make_pipeline(columns, LogisticRegression()).fit(table, np.where(y == 1, "yes", "no"))
types = [("income", FloatTensorType([None, 1])), ("home city", StringTensorType([None, 1])), ("age", FloatTensorType([None, 1]))]
types.append(("plan", StringTensorType([None, 1])))
onx = to_onnx(model, initial_types=types, options={"zipmap": False})
with open("sk-columns.onnx", "wb") as file:
    file.write(onx.SerializeToString())
session = onnxruntime.InferenceSession("sk-columns.onnx", providers=["CPUExecutionProvider"])
rows = table.iloc[[0, 1, 2, 3, 4, 5]].assign(**{"home city": ["oslo", "rome", "rome", "oslo", "paris", "rome"]})
names = [i.name for i in session.get_inputs()]
feeds = {name: rows[name if name in rows else "home city"].to_numpy().reshape(-1, 1) for name in names}
feeds = {name: x if x.dtype == object else x.astype(np.float32) for name, x in feeds.items()}
answers = session.run(["probabilities"], feeds)[0]
with open("columns.json", "w") as file:
    values = {name: rows[name].tolist() for name in rows}
    json.dump({"inputs": names, "columns": values, "probabilities": answers.tolist()}, file, indent=1)
    file.write("\n")
