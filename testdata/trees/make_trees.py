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


def splits(tree):
    """Features and thresholds; sums over rows, and so the leaves, have last digits that depend on their order."""
    return tree.feature.tolist(), tree.threshold.tolist(), tree.children_left.tolist()


def case(form, targets, kind, **options):
    """The tree of a form; none where it depends on the order in which features are tried, since two splits tie."""
    tree = kind(random_state=0, **options).fit(inputs, TARGETS[targets]).tree_
    for seed in range(1, 40):
        other = kind(random_state=seed, **options).fit(inputs, TARGETS[targets]).tree_
        if splits(other) != splits(tree):
            return None
    return {
        "about": f"{form} of {targets}",
        "form": form,
        "targets": targets,
        "nodes": tree.node_count,
        "tree": node(tree, 0),
    }


of_labels, of_numbers = DecisionTreeClassifier, DecisionTreeRegressor
tried = []
for depth, rows_min in [(3, 1), (4, 1), (4, 20), (5, 30), (6, 12)]:
    options = {"max_depth": depth, "min_samples_leaf": rows_min}
    form = f"tree:{depth}:rows={rows_min}"
    tried.append(case(form, "labels", of_labels, **options))
    tried.append(case(form + ":entropy", "labels", of_labels, criterion="entropy", **options))
    tried.append(case(form, "soft", of_numbers, **options))
    tried.append(case(form, "values", of_numbers, **options))
for leaves, rows_min in [(7, 1), (14, 3), (20, 5)]:
    options = {"max_depth": 8, "max_leaf_nodes": leaves, "min_samples_leaf": rows_min}
    form = f"tree:8:leaves={leaves}:rows={rows_min}"
    tried.append(case(form, "labels", of_labels, **options))
    tried.append(case(form, "soft", of_numbers, **options))
    tried.append(case(form, "values", of_numbers, **options))
cases = [found for found in tried if found]
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
