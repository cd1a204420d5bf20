"""Writes the ensembles and tables that `potstill reproduce model-compression --data FOLDER` is measured on.

    python compression_ensembles.py UCI FOLDER [--seeds 5] [--quick]

UCI is a folder with `adult.data`, `adult.test` and `letter-recognition.data` of the UCI repository. FOLDER gets
`PROBLEM.csv`, the rows with a column `partS` for each seed S (train, validation, test), and `PROBLEM-S.onnx`, the
ensemble that has learned the training rows of that seed, for the three problems `adult`, `letter-p1` and `letter-p2`
of Bucila, Caruana and Niculescu-Mizil 2006, section 3.

An ensemble is boosted trees, extremely randomised trees, a random forest and a support vector machine, weighed and
calibrated by a logistic regression on the validation rows: a small one of the ensembles of many kinds of models that
the paper selects. All trees are one operator of the file. Versions: NumPy 2.4.6, scikit-learn 1.9.1, onnx 1.23.2.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

TRAIN, VALIDATION = 4000, 1000
# Test rows of the paper.
TEST = {"adult": 35222, "letter-p1": 14000, "letter-p2": 14000}
ADULT = (
    "age workclass fnlwgt education education-num marital-status occupation relationship race sex capital-gain "
    "capital-loss hours-per-week native-country"
).split()


def adult(folder):
    """Adult: rows without missing values; the class is an income above 50,000."""
    rows = []
    for name in ("adult.data", "adult.test"):
        for line in (folder / name).read_text().splitlines():
            cells = [cell.strip() for cell in line.split(",")]
            if len(cells) == 15 and "?" not in cells:
                rows.append((cells[:14], int(cells[14].rstrip(".") == ">50K")))
    return ADULT, rows


def letter(folder, is_positive):
    """Letter: 16 numbers of an image of a letter."""
    cells = [line.split(",") for line in (folder / "letter-recognition.data").read_text().split()]
    return [f"x{i}" for i in range(1, 17)], [(row[1:], int(is_positive(row[0]))) for row in cells]


PROBLEMS = {
    "adult": adult,
    "letter-p1": lambda folder: letter(folder, lambda name: name == "O"),
    "letter-p2": lambda folder: letter(folder, lambda name: name <= "M"),
}


def encoded(rows, train):
    """Numbers as they are, and words one-hot over the sorted words of the training rows, column by column."""
    columns = []
    for i in range(len(rows[0][0])):
        values = [cells[i] for cells, _ in rows]
        try:
            columns.append(np.array(values, dtype=np.float32)[:, None])
        except ValueError:
            levels = sorted({values[row] for row in train})
            columns.append(np.array([[value == level for level in levels] for value in values], dtype=np.float32))
    return np.hstack(columns)


class Trees:
    """The nodes of many trees, with the weights of their leaves."""

    def __init__(self):
        self.of = {key: [] for key in "tree node feature value yes no mode".split()}
        self.leaves = {key: [] for key in "tree node weight".split()}
        self.count = 0

    def add(self, tree, weights):
        branch = tree.children_left >= 0
        count = tree.node_count
        self.of["tree"] += [self.count] * count
        self.of["node"] += range(count)
        self.of["feature"] += np.where(branch, tree.feature, 0).tolist()
        self.of["value"] += np.where(branch, tree.threshold, 0.0).tolist()
        self.of["yes"] += np.where(branch, tree.children_left, 0).tolist()
        self.of["no"] += np.where(branch, tree.children_right, 0).tolist()
        self.of["mode"] += ["BRANCH_LEQ" if is_branch else "LEAF" for is_branch in branch]
        leaves = np.flatnonzero(~branch)
        self.leaves["tree"] += [self.count] * len(leaves)
        self.leaves["node"] += leaves.tolist()
        self.leaves["weight"] += weights[leaves].tolist()
        self.count += 1

    def node(self, base):
        # Features are single: the largest single number that is not above the threshold splits them alike.
        value = np.array(self.of["value"])
        single = value.astype(np.float32)
        single = np.where(single > value, np.nextafter(single, np.float32(-np.inf)), single)
        return helper.make_node(
            "TreeEnsembleRegressor",
            ["x"],
            ["of_trees"],
            domain="ai.onnx.ml",
            n_targets=1,
            base_values=[float(base)],
            nodes_treeids=self.of["tree"],
            nodes_nodeids=self.of["node"],
            nodes_featureids=self.of["feature"],
            nodes_values=single.tolist(),
            nodes_modes=self.of["mode"],
            nodes_truenodeids=self.of["yes"],
            nodes_falsenodeids=self.of["no"],
            target_treeids=self.leaves["tree"],
            target_nodeids=self.leaves["node"],
            target_ids=[0] * len(self.leaves["tree"]),
            target_weights=self.leaves["weight"],
        )


def probability(tree):
    """The share of the second class in each node of a tree."""
    counts = tree.value[:, 0, :]
    return counts[:, 1] / counts.sum(axis=1)


def learn(x, y, train, validation, is_letter, seed, share):
    """The fitted members, the scaling of the machine's inputs, and weights and bias of the members' scores."""
    count = lambda trees: max(int(trees * share), 10)
    # Of noisy labels, shallow trees and leaves of several rows.
    depth, rate, leaf, forest = (8, 0.05, 1, 500) if is_letter else (4, 0.02, 3, 2000)
    boosted = GradientBoostingClassifier(
        n_estimators=count(1000), max_depth=depth, learning_rate=rate, subsample=0.5, max_features=0.2, random_state=seed
    )
    extra = ExtraTreesClassifier(count(500), max_features=0.5, min_samples_leaf=leaf, random_state=seed)
    bagged = RandomForestClassifier(count(forest), max_features=0.3, min_samples_leaf=leaf, random_state=seed)
    scaler = StandardScaler().fit(x[train])
    machine = SVC(C=3.0, gamma=0.25) if is_letter else SVC(C=1.0, gamma=0.005)
    for member in (boosted, extra, bagged):
        member.fit(x[train], y[train])
    machine.fit(scaler.transform(x[train]), y[train])
    scores = lambda rows: np.column_stack(
        [
            boosted.decision_function(x[rows]),
            extra.predict_proba(x[rows])[:, 1],
            bagged.predict_proba(x[rows])[:, 1],
            machine.decision_function(scaler.transform(x[rows])),
        ]
    )
    of_validation = scores(validation)
    scale = of_validation.std(axis=0)
    mixture = LogisticRegression(C=1.0).fit(of_validation / scale, y[validation])
    weights, bias = mixture.coef_[0] / scale, float(mixture.intercept_[0])
    return boosted, extra, bagged, machine, scaler, weights, bias, scores


def graph(boosted, extra, bagged, machine, scaler, weights, bias, width):
    """The ensemble as an ONNX model: raw rows in, the probability of the second class out."""
    trees = Trees()
    prior = boosted.init_.class_prior_
    base = bias + weights[0] * np.log(prior[1] / prior[0])
    for tree in boosted.estimators_[:, 0]:
        tree = tree.tree_
        trees.add(tree, weights[0] * boosted.learning_rate * tree.value[:, 0, 0])
    for weight, forest in ((weights[1], extra), (weights[2], bagged)):
        for tree in forest.estimators_:
            trees.add(tree.tree_, weight / len(forest.estimators_) * probability(tree.tree_))
    # exp(-g |x - v|^2) = exp(2 g x v - g v v - g x x).
    gamma, vectors = machine._gamma, machine.support_vectors_
    floats = lambda name, values: numpy_helper.from_array(np.asarray(values, dtype=np.float32), name)
    constants = [
        floats("mean", scaler.mean_),
        floats("deviation", scaler.scale_),
        floats("vectors", 2 * gamma * vectors.T),
        floats("squares", -gamma * (vectors**2).sum(axis=1)),
        floats("minus_gamma", [-gamma]),
        floats("dual", weights[3] * machine.dual_coef_.T),
        floats("intercept", weights[3] * machine.intercept_),
    ]
    step = helper.make_node
    nodes = [
        trees.node(base),
        step("Sub", ["x", "mean"], ["centred"]),
        step("Div", ["centred", "deviation"], ["scaled"]),
        step("MatMul", ["scaled", "vectors"], ["products"]),
        step("Add", ["products", "squares"], ["of_vectors"]),
        step("Mul", ["scaled", "scaled"], ["squared"]),
        step("ReduceMean", ["squared"], ["mean_square"], axes=[1], keepdims=1),
        step("Mul", ["mean_square", "minus_gamma_width"], ["of_row"]),
        step("Add", ["of_vectors", "of_row"], ["exponents"]),
        step("Exp", ["exponents"], ["kernel"]),
        step("MatMul", ["kernel", "dual"], ["of_kernel"]),
        step("Add", ["of_kernel", "intercept"], ["of_machine"]),
        step("Add", ["of_trees", "of_machine"], ["score"]),
        step("Sigmoid", ["score"], ["probability"]),
    ]
    constants[4] = floats("minus_gamma_width", [-gamma * width])
    value = helper.make_tensor_value_info
    ends = [value("x", TensorProto.FLOAT, ["batch", width])], [value("probability", TensorProto.FLOAT, ["batch", 1])]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(
        helper.make_graph(nodes, "ensemble", *ends, constants), opset_imports=opsets, ir_version=9
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("uci", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the trees")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    for name, read in PROBLEMS.items():
        columns, rows = read(args.uci)
        y = np.array([label for _, label in rows])
        parts = []
        for seed in range(args.seeds):
            order = np.random.default_rng(seed).permutation(len(rows))
            train, validation, test = np.split(order, [TRAIN, TRAIN + VALIDATION])
            test = test[: TEST[name]]
            part = np.full(len(rows), "", dtype=object)
            part[train], part[validation], part[test] = "train", "validation", "test"
            parts.append(part)
            x = encoded(rows, train)
            *members, scores = learn(
                x, y, train, validation, name != "adult", seed, 0.05 if args.quick else 1.0
            )
            weights, bias = members[-2:]
            some = test[:2000]
            p = 1 / (1 + np.exp(-(scores(some) @ weights + bias)))
            rmse = np.sqrt(((p - y[some]) ** 2).mean())
            path = args.folder / f"{name}-{seed}.onnx"
            onnx.save(graph(*members, x.shape[1]), path)
            print(f"{name} {seed}: rmse {rmse:.4f} of {len(some)} test rows, {path.stat().st_size:,} bytes", flush=True)
        with open(args.folder / f"{name}.csv", "w", newline="") as file:
            out = csv.writer(file)
            out.writerow([*columns, "label", *(f"part{seed}" for seed in range(args.seeds))])
            for i, (cells, label) in enumerate(rows):
                out.writerow([*cells, ["no", "yes"][label], *(part[i] for part in parts)])


if __name__ == "__main__":
    main()
