"""The figures of the book that `potstill reproduce` measures, by a second program: plain Python, no line shared with the project.

    python testdata/reproductions/second_route.py > testdata/reproductions/second_route.json

Each number is a mean over runs with its standard error. Ties are broken at random.
"""

import json
import math
import random
import statistics
import sys


def greedy(row, rng):
    best = max(row)
    return rng.choice([a for a, q in enumerate(row) if q == best])


def choose(row, epsilon, rng):
    return rng.randrange(len(row)) if rng.random() < epsilon else greedy(row, rng)


def told(values):
    mean = statistics.fmean(values)
    return [mean, statistics.stdev(values) / len(values) ** 0.5]


# Example 6.6: 4 x 12, start and goal in the lower corners, the cliff between them.
def cliff(s, a):
    row, column = divmod(s, 12)
    row = min(3, max(0, row + (-1, 0, 1, 0)[a]))
    column = min(11, max(0, column + (0, 1, 0, -1)[a]))
    if row == 3 and 0 < column < 11:
        return 36, -100.0, False
    s = row * 12 + column
    return s, -1.0, s == 47


def cliff_run(kind, seed):
    rng = random.Random(seed)
    q = [[0.0] * 4 for _ in range(48)]
    returns = []
    for _ in range(500):
        s, total, end = 36, 0.0, False
        a = choose(q[s], 0.1, rng)
        while not end:
            s2, r, end = cliff(s, a)
            a2 = choose(q[s2], 0.1, rng)
            if kind == "sarsa":
                value = q[s2][a2]
            elif kind == "q-learning":
                value = max(q[s2])
            else:
                best = max(q[s2])
                ties = sum(v == best for v in q[s2])
                value = sum((0.025 + (0.9 / ties if v == best else 0.0)) * v for v in q[s2])
            q[s][a] += 0.5 * (r + (0.0 if end else value) - q[s][a])
            if kind != "sarsa":
                # The action of a learner that looks at its values after the update.
                a2 = choose(q[s2], 0.1, rng)
            s, a, total = s2, a2, total + r
        returns.append(total)
    s, steps = 36, 0
    while s != 47 and steps < 100:
        s, _, _ = cliff(s, greedy(q[s], rng))
        steps += 1
    return statistics.fmean(returns[400:]), steps


# Figure 8.2.
WALLS = {(1, 2), (2, 2), (3, 2), (4, 5), (0, 7), (1, 7), (2, 7)}


def maze(s, a):
    row, column = divmod(s, 9)
    to = (min(5, max(0, row + (-1, 0, 1, 0)[a])), min(8, max(0, column + (0, 1, 0, -1)[a])))
    if to in WALLS:
        to = (row, column)
    return to[0] * 9 + to[1], float(to == (0, 8)), to == (0, 8)


def maze_run(n, seed):
    rng = random.Random(seed)
    q = [[0.0] * 4 for _ in range(54)]
    model, states = {}, []

    def update(s, a):
        s2, r, end = model[s][a]
        q[s][a] += 0.1 * (r + (0.0 if end else 0.95 * max(q[s2])) - q[s][a])

    lengths = []
    for _ in range(5):
        s, end, steps = 18, False, 0
        while not end:
            a = choose(q[s], 0.1, rng)
            s2, r, end = maze(s, a)
            if s not in model:
                model[s] = {}
                states.append(s)
            model[s][a] = (s2, r, end)
            update(s, a)
            for _ in range(n):
                sp = rng.choice(states)
                update(sp, rng.choice(list(model[sp])))
            s, steps = s2, steps + 1
        lengths.append(steps)
    return lengths


# Figure 6.5.
def bias_run(double, seed):
    rng = random.Random(seed)
    tables = [[[0.0] * 2, [0.0] * 10] for _ in range(2 if double else 1)]

    def row(s):
        return [sum(values) for values in zip(*(table[s] for table in tables))]

    lefts = []
    for _ in range(300):
        s = 0
        while s is not None:
            a = choose(row(s), 0.1, rng)
            s2, r = (None, rng.gauss(-0.1, 1.0)) if s == 1 else ((1, 0.0) if a == 0 else (None, 0.0))
            if s == 0:
                lefts.append(float(a == 0))
            i = rng.randrange(len(tables))
            one, other = tables[i], tables[i - 1]
            value = 0.0 if s2 is None else other[s2][greedy(one[s2], rng)]
            one[s][a] += 0.1 * (r + value - one[s][a])
            s = s2
    return lefts


# Example 6.5.
def wind(s, a):
    row, column = divmod(s, 10)
    blown = (0, 0, 0, 1, 1, 1, 2, 2, 1, 0)[column]
    row = min(6, max(0, row + (-1, 0, 1, 0)[a] - blown))
    column = min(9, max(0, column + (0, 1, 0, -1)[a]))
    s = row * 10 + column
    return s, s == 37


def wind_run(seed):
    rng = random.Random(seed)
    q = [[0.0] * 4 for _ in range(70)]
    ends, t = [], 0
    while t < 8000:
        s, end = 30, False
        a = choose(q[s], 0.1, rng)
        while not end and t < 8000:
            s2, end = wind(s, a)
            a2 = choose(q[s2], 0.1, rng)
            q[s][a] += 0.5 * (-1.0 + (0.0 if end else q[s2][a2]) - q[s][a])
            s, a, t = s2, a2, t + 1
        if end:
            ends.append(t)
    late = [e for e in ends if e > 6000]
    return len(ends), (late[-1] - late[0]) / (len(late) - 1)


def corridor_run(alpha, alpha_w, seed, episodes=1000, limit=1000):
    """The boxes of sections 13.3 and 13.4 with a table of one state: left begins with a probability of 0.95. An episode of `limit` steps is cut."""
    rng = random.Random(seed)
    h, w, returns = [math.log(0.95 / 0.05) / 2, -math.log(0.95 / 0.05) / 2], 0.0, []
    for _ in range(episodes):
        right = 1.0 / (1.0 + math.exp(h[0] - h[1]))
        state, actions = 0, []
        while state < 3 and len(actions) < limit:
            a = int(rng.random() < right)
            actions.append(a)
            state = max(0, state - 1) if (a == 1) == (state == 1) else state + 1
        returns.append(-float(len(actions)))
        after = w if state < 3 and alpha_w else 0.0
        for t, a in enumerate(actions):
            right = 1.0 / (1.0 + math.exp(h[0] - h[1]))
            delta = -float(len(actions) - t) + after - w
            w += alpha_w * delta
            h[a] += alpha * delta
            h[0] -= alpha * delta * (1.0 - right)
            h[1] -= alpha * delta * right
    return returns


def corridors(result):
    for name, alpha, alpha_w in [
        ("2^-12", 2.0**-12, 0.0), ("2^-13", 2.0**-13, 0.0), ("2^-14", 2.0**-14, 0.0), ("baseline", 2.0**-9, 2.0**-6)
    ]:
        runs = [corridor_run(alpha, alpha_w, seed) for seed in range(400)]
        for first, last in [(1, 10), (91, 110), (901, 1000)]:
            means = [statistics.fmean(run[first - 1 : last]) for run in runs]
            result[f"corridor {name} episodes {first}-{last}"] = told(means)
        print("corridor", name, file=sys.stderr)


def main():
    result = {}
    if sys.argv[1:] == ["corridor"]:
        corridors(result)
        print(json.dumps(result, indent=1))
        return
    for kind in ["sarsa", "q-learning", "expected-sarsa"]:
        runs = [cliff_run(kind, seed) for seed in range(400)]
        result[f"cliff {kind} last 100"] = told([r for r, _ in runs])
        for steps in [13, 15, 17, 100]:
            result[f"cliff {kind} greedy {steps}"] = told([float(s == steps) for _, s in runs])
        print(kind, file=sys.stderr)
    for n, runs in [(0, 12_000), (5, 4000), (50, 1200)]:
        lengths = [maze_run(n, seed) for seed in range(runs)]
        for episode in [1, 2, 5]:
            result[f"dyna-maze n={n} episode {episode}"] = told([run[episode - 1] for run in lengths])
        print("maze", n, file=sys.stderr)
    for double in [False, True]:
        runs = [bias_run(double, seed) for seed in range(10_000)]
        for first, last in [(1, 5), (11, 20), (91, 110), (281, 300)]:
            shares = [statistics.fmean(run[first - 1 : last]) for run in runs]
            result[f"double-q {'double' if double else 'single'} left in {first}-{last}"] = told(shares)
        print("bias", double, file=sys.stderr)
    corridors(result)
    runs = [wind_run(seed) for seed in range(500)]
    result["windy episodes in 8000 steps"] = told([float(n) for n, _ in runs])
    result["windy steps of an episode after 6000"] = told([length for _, length in runs])
    print(json.dumps(result, indent=1))


main()
