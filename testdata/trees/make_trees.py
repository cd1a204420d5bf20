"""Decision trees of scikit-learn 1.9.1 (NumPy 2.4.6) on data without ties.

    python make_trees.py > trees.json

Soft targets are learned by a regression tree of several outputs, whose squared error is the impurity of soft targets.
"""

import json

import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

rng = np.random.default_rng(24)
rows, features, classes = 300, 5, 3
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


def case(form, targets, kind, **options):
    """The tree of a form, which is the same whatever the order in which features are tried: no two splits tie."""
    tree = kind(random_state=0, **options).fit(inputs, TARGETS[targets]).tree_
    for seed in range(1, 40):
        other = kind(random_state=seed, **options).fit(inputs, TARGETS[targets]).tree_
        assert node(other, 0) == node(tree, 0), f"{form} of {targets}: two splits tie"
    return {
        "about": f"{form} of {targets}",
        "form": form,
        "targets": targets,
        "nodes": tree.node_count,
        "tree": node(tree, 0),
    }


of_labels, of_numbers = DecisionTreeClassifier, DecisionTreeRegressor
cases = [
    case("tree:3", "labels", of_labels, max_depth=3),
    case("tree:4:rows=30", "labels", of_labels, max_depth=4, min_samples_leaf=30),
    case("tree:5:rows=9:entropy", "labels", of_labels, criterion="entropy", max_depth=5, min_samples_leaf=9),
    case("tree:8:leaves=7", "labels", of_labels, max_depth=8, max_leaf_nodes=7),
    case("tree:4:rows=6", "soft", of_numbers, max_depth=4, min_samples_leaf=6),
    case("tree:7:leaves=14:rows=3", "soft", of_numbers, max_depth=7, max_leaf_nodes=14, min_samples_leaf=3),
    case("tree:5:leaves=12", "values", of_numbers, max_depth=5, max_leaf_nodes=12),
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
