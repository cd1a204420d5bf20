"""A scikit-learn pipeline with one column of words as skl2onnx writes it, sk-words.onnx, and its answers: words.json.

Run as `python make_words.py`. Needs scikit-learn, skl2onnx and onnxruntime. Before an encoder of one column skl2onnx picks that
column with a Gather, and an encoder that ignores no unknown words (`handle_unknown="error"`, the default) refuses them in the
file, too.
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

rng = np.random.default_rng(5)
n = 200
table = pd.DataFrame(
    {
        "income": rng.normal(50, 20, n).astype(np.float32),
        "city": rng.choice(["rome", "berlin", "oslo"], n),
        "age": rng.normal(40, 10, n).astype(np.float32),
    }
)
y = (table["income"] / 20 + (table["city"] == "oslo") * 2 - table["age"] / 20 + rng.normal(0, 0.5, n) > 1).astype(int)
columns = ColumnTransformer([("numbers", StandardScaler(), ["income", "age"]), ("words", OneHotEncoder(), ["city"])])
model = make_pipeline(columns, LogisticRegression()).fit(table, np.where(y == 1, "yes", "no"))
types = [("income", FloatTensorType([None, 1])), ("city", StringTensorType([None, 1])), ("age", FloatTensorType([None, 1]))]
onx = to_onnx(model, initial_types=types, options={"zipmap": False})
with open("sk-words.onnx", "wb") as file:
    file.write(onx.SerializeToString())
session = onnxruntime.InferenceSession("sk-words.onnx", providers=["CPUExecutionProvider"])
rows = table.iloc[[0, 1, 2, 3, 4, 5]]
feeds = {name: rows[name].to_numpy().reshape(-1, 1) for name in rows}
answers = session.run(["probabilities"], feeds)[0]
with open("words.json", "w") as file:
    values = {name: rows[name].tolist() for name in rows}
    json.dump({"columns": values, "probabilities": answers.tolist()}, file, indent=1)
    file.write("\n")
