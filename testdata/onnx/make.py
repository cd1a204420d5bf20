"""Small ONNX files as other programs write them, and what onnxruntime answers: teachers.json.

Run as `python make.py`. Needs scikit-learn 1.9.1, skl2onnx 1.20.0, xgboost and onnxmltools 1.16.0, PyTorch 2.15.0 with
onnxscript 0.7.2, onnx 1.23.2 and onnxruntime 1.32.0. The files are committed: exporters write other bytes in each version.
"""

import json
import os
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

warnings.filterwarnings("ignore")
# skl2onnx writes truth values among the integers of a histogram's trees, which onnx no longer takes.
plain_attribute = onnx.helper.make_attribute


def make_attribute(key, value, *rest, **more):
    is_list = isinstance(value, (list, np.ndarray)) and any(isinstance(x, (bool, np.bool_)) for x in value)
    return plain_attribute(key, [int(x) for x in value] if is_list else value, *rest, **more)


onnx.helper.make_attribute = make_attribute
cases = []
rng = np.random.default_rng(1)


def add(name, rows, output, network=None, kind="logits", labels=None, compare="softmax"):
    """A case: rows in the file's own order, and what onnxruntime gives for an output."""
    session = onnxruntime.InferenceSession(name, providers=["CPUExecutionProvider"])
    fixed = session.get_inputs()[0].shape[0]
    source = session.get_inputs()[0].name
    if isinstance(fixed, int):
        answers = np.concatenate([session.run([output], {source: rows[i : i + fixed]})[0] for i in range(0, len(rows), fixed)])
    else:
        answers = session.run([output], {source: rows})[0]
    # Images point by point, as this project has them.
    ours = np.moveaxis(rows, 1, -1) if rows.ndim == 4 else rows
    cases.append(
        {
            "file": name,
            "network": network,
            "kind": kind,
            "labels": labels,
            "compare": compare,
            "rows": len(rows),
            "inputs": [float(f"{x:.9g}") for x in ours.astype(np.float64).ravel()],
            "answers": [float(f"{x:.9g}") for x in np.asarray(answers, np.float64).ravel()],
        }
    )


def scikit():
    iris = load_iris()
    x, y = iris.data.astype(np.float32), iris.target
    two = y[:100]
    rows = x[::25].copy()
    rows[0] += 0.25
    options = {"zipmap": False}

    def export(name, model, source, target, **how):
        model.fit(source, target)
        only = [step for step in [model] if hasattr(step, "predict_proba")]
        with open(name, "wb") as file:
            file.write(to_onnx(model, source[:1], options=how.pop("options", options if only else None)).SerializeToString())
        return model

    mlp = MLPClassifier((6, 5), max_iter=40, random_state=1)
    export("sk-mlp.onnx", make_pipeline(StandardScaler(), mlp), x, y)
    add("sk-mlp.onnx", rows, "probabilities", "mlp:6,5", labels=["0", "1", "2"])
    named = np.array(["setosa", "versicolor", "virginica"])[y]
    export("sk-mlp-zipmap.onnx", MLPClassifier((4,), activation="tanh", max_iter=30, random_state=1), x, named, options=None)
    plain = onnx.load("sk-mlp-zipmap.onnx")
    # The rows behind the map, which onnxruntime gives as a list.
    session = onnxruntime.InferenceSession("sk-mlp-zipmap.onnx")
    maps = session.run(None, {session.get_inputs()[0].name: rows})[1]
    assert any(node.op_type == "ZipMap" for node in plain.graph.node)
    cases.append(
        {
            "file": "sk-mlp-zipmap.onnx", "network": "mlp:4:tanh", "kind": "logits", "compare": "softmax", "rows": len(rows),
            "labels": ["setosa", "versicolor", "virginica"],
            "inputs": [float(f"{v:.9g}") for v in rows.astype(np.float64).ravel()],
            "answers": [float(f"{row[key]:.9g}") for row in maps for key in ["setosa", "versicolor", "virginica"]],
        }
    )
    export("sk-mlp-two.onnx", MLPClassifier((4,), max_iter=30, random_state=1), x[:100], two)
    add("sk-mlp-two.onnx", rows, "probabilities", None, kind="probabilities", labels=["0", "1"], compare="as is")
    export("sk-forest.onnx", RandomForestClassifier(6, max_depth=3, random_state=1), x, y)
    add("sk-forest.onnx", rows, "probabilities", None, "probabilities", ["0", "1", "2"], "as is")
    export("sk-boosting.onnx", GradientBoostingClassifier(n_estimators=4, max_depth=2, random_state=1), x, y)
    add("sk-boosting.onnx", rows, "probabilities", None, "logits", ["0", "1", "2"])
    export("sk-boosting-two.onnx", GradientBoostingClassifier(n_estimators=4, max_depth=2, random_state=1), x[:100], two)
    add("sk-boosting-two.onnx", rows, "probabilities", None, "logits", ["0", "1"])
    export("sk-hist.onnx", HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=4, random_state=1), x, y)
    missing = rows.copy()
    missing[1, 2] = np.nan
    add("sk-hist.onnx", missing, "probabilities", None, "logits", ["0", "1", "2"])
    export("sk-logistic.onnx", make_pipeline(MinMaxScaler(), LogisticRegression(max_iter=50)), x, y)
    add("sk-logistic.onnx", rows, "probabilities", "mlp", "logits", ["0", "1", "2"])
    export("sk-logistic-two.onnx", LogisticRegression(max_iter=50), x[:100], two)
    add("sk-logistic-two.onnx", rows, "probabilities", None, "probabilities", ["0", "1"], "as is")
    export("sk-regression.onnx", make_pipeline(StandardScaler(), LinearRegression()), x[:, :3], x[:, 3])
    add("sk-regression.onnx", rows[:, :3].copy(), "variable", "mlp", "values", None, "as is")
    export("sk-forest-regression.onnx", RandomForestRegressor(4, max_depth=3, random_state=1), x[:, :3], x[:, 3])
    add("sk-forest-regression.onnx", rows[:, :3].copy(), "variable", None, "values", None, "as is")
    export("sk-hist-regression.onnx", HistGradientBoostingRegressor(max_iter=4, max_leaf_nodes=4), x[:, :3], x[:, 3])
    add("sk-hist-regression.onnx", rows[:, :3].copy(), "variable", None, "values", None, "as is")


def boosted():
    import xgboost
    from onnxmltools import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType

    iris = load_iris()
    x, y = iris.data.astype(np.float32), iris.target
    for name, source, target, labels in [("xgboost.onnx", x, y, ["0", "1", "2"]), ("xgboost-two.onnx", x[:100], y[:100], ["0", "1"])]:
        model = xgboost.XGBClassifier(n_estimators=4, max_depth=2, seed=1).fit(source, target)
        proto = convert_xgboost(model, initial_types=[("input", FloatTensorType([None, 4]))], target_opset=15)
        onnx.save(proto, name)
        add(name, x[::25], "probabilities", None, "logits", labels)


def strip(name):
    """Removes the traces of the exporter, which name files of the machine that it ran on."""
    model = onnx.load(name, load_external_data=False)
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for part in [*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        del part.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
    with open(name, "wb") as file:
        file.write(model.SerializeToString())


def pytorch():
    torch.manual_seed(1)
    nn = torch.nn
    dense = nn.Sequential(nn.Linear(5, 7), nn.GELU(), nn.Linear(7, 6), nn.GELU(), nn.Linear(6, 3)).eval()
    gated = nn.Sequential(nn.Linear(5, 7), nn.LayerNorm(7), nn.SiLU(), nn.Dropout(0.5), nn.Linear(7, 3)).eval()
    images = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 6), nn.ReLU(),
        nn.Linear(6, 3), nn.Softmax(1),
    )
    for module in images:
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2.0)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_()
    images.eval()

    class Residual(nn.Module):
        """A block as in ResNet: padding, strides, groups, a sum, a mean over the points."""

        def __init__(self):
            super().__init__()
            self.first, self.same = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=2)
            self.short, self.out = nn.Conv2d(4, 4, 1), nn.Linear(4, 3)

        def forward(self, x):
            x = torch.relu(self.first(x))
            x = torch.relu(self.same(x) + self.short(x))
            return self.out(x.mean((2, 3)))

    flat = nn.Sequential(nn.Flatten(), nn.Linear(18, 4), nn.Tanh(), nn.Linear(4, 3)).eval()
    pictures = torch.tensor(rng.normal(size=(3, 2, 6, 6)).astype(np.float32))
    small = torch.tensor(rng.normal(size=(3, 2, 3, 3)).astype(np.float32))
    features = torch.tensor(rng.normal(size=(3, 5)).astype(np.float32))
    for name, model, rows, network in [
        ("dense", dense, features, "mlp:7,6:gelu"),
        ("gated", gated, features, "mlp:7:silu:layernorm"),
        ("images", images, pictures, "cnn:4x3,max2,6"),
        ("flat", flat, small, "mlp:4:tanh"),
        ("residual", Residual().eval(), pictures, None),
    ]:
        old, new = f"pt-{name}-old.onnx", f"pt-{name}.onnx"
        torch.onnx.export(
            model, (rows[:2],), old, dynamo=False, input_names=["x"], output_names=["y"], opset_version=17,
            dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}},
        )
        batch = torch.export.Dim("batch")
        torch.onnx.export(model, (rows[:2],), new, dynamo=True, input_names=["x"], output_names=["y"], dynamic_shapes=({0: batch},))
        # Each exporter has the odd one once, to keep the folder small.
        for file in {"flat": [old], "residual": [new]}.get(name, [old, new]):
            strip(file)
            add(file, rows.numpy(), "y", network, "logits", None, "as is" if name != "images" else "softmax")
    # The default: a fixed batch.
    os.remove("pt-flat.onnx")
    os.remove("pt-flat.onnx.data")
    os.remove("pt-residual-old.onnx")
    torch.onnx.export(images, (pictures[:1],), "pt-fixed.onnx", dynamo=True, input_names=["x"], output_names=["y"])
    strip("pt-fixed.onnx")
    add("pt-fixed.onnx", pictures.numpy(), "y", "cnn:4x3,max2,6", "logits", None, "softmax")


scikit()
boosted()
pytorch()
# Small tensors lie in the model itself, and leave the second file empty.
for name in os.listdir("."):
    if name.endswith(".data") and os.path.getsize(name) == 0:
        os.remove(name)
with open("teachers.json", "w") as file:
    # JSON has no NaN.
    lines = ",\n".join(json.dumps(case).replace("NaN", "null") for case in cases)
    file.write(f"[\n{lines}\n]\n")
print(sum(os.path.getsize(name) for name in os.listdir(".")), "bytes")
