"""Decision trees of scikit-learn 1.9.1 (NumPy 2.4.6) on data without ties.

    python make_trees.py > trees.json

Soft targets are learned by a regression tree of several outputs, whose squared error is the impurity of soft targets.
"""

import json

import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

rng = np.random.default_rng(5)
rows, features, classes = 160, 5, 3
# Thousandths that single precision and JSON hold alike, each once in a column.
inputs = np.column_stack([rng.permutation(4000)[:rows] / 1024 - 2 for _ in range(features)])
score = np.column_stack([inputs[:, 0] * inputs[:, 1], inputs[:, 2] + 0.3 * inputs[:, 1], -inputs[:, 3]])
score += 0.7 * rng.normal(size=score.shape)
labels = score.argmax(axis=1)
soft = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
values = score[:, 0] + inputs[:, 4]
TARGETS = {"labels": labels, "soft": soft, "values": values}


def node(tree, place):
    if tree.children_left[place] < 0:
        return {"leaf": tree.value[place].ravel().tolist()}
    below, above = tree.children_left[place], tree.children_right[place]
    return {
        "feature": int(tree.feature[place]),
        "threshold": tree.threshold[place],
        "below": node(tree, below),
        "above": node(tree, above),
    }


def case(form, targets, model):
    tree = model.fit(inputs, TARGETS[targets]).tree_
    return {
        "about": f"{form} of {targets}",
        "form": form,
        "targets": targets,
        "nodes": tree.node_count,
        "tree": node(tree, 0),
    }


cases = [
    case("tree:3", "labels", DecisionTreeClassifier(max_depth=3, random_state=0)),
    case("tree:6:rows=4", "labels", DecisionTreeClassifier(max_depth=6, min_samples_leaf=4, random_state=0)),
    case("tree:5:rows=3:entropy", "labels", DecisionTreeClassifier(criterion="entropy", max_depth=5, min_samples_leaf=3, random_state=0)),
    case("tree:8:leaves=9", "labels", DecisionTreeClassifier(max_depth=8, max_leaf_nodes=9, random_state=0)),
    case("tree:4", "soft", DecisionTreeRegressor(max_depth=4, random_state=0)),
    case("tree:7:leaves=14:rows=3", "soft", DecisionTreeRegressor(max_depth=7, max_leaf_nodes=14, min_samples_leaf=3, random_state=0)),
    case("tree:5:leaves=12", "values", DecisionTreeRegressor(max_depth=5, max_leaf_nodes=12, random_state=0)),
]
print(
    json.dumps(
        {
            "source": "scikit-learn 1.9.1",
            "inputs": inputs.ravel().tolist(),
            "labels": labels.tolist(),
            "soft": soft.astype(np.float32).astype(float).ravel().tolist(),
            "values": values.astype(np.float32).astype(float).tolist(),
            "cases": cases,
        },
        indent=None,
    )
)
