"""The course of Sutton and Barto's book by a second program: NumPy, no line shared with the project.

    python testdata/reproductions/book.py > testdata/reproductions/book.json

Exact numbers stand alone; a pair is a mean over runs and its standard error.
"""

import json
import math
import sys

import numpy as np


def told(values):
    values = np.asarray(values, dtype=float)
    return [float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values)))]


# Example 4.1: 4 x 4, two terminal corners, -1 a step, a uniformly random policy.
def small_gridworld(out):
    p = np.zeros((16, 16))
    for s in range(1, 15):
        row, column = divmod(s, 4)
        for dr, dc in ((-1, 0), (0, 1), (1, 0), (0, -1)):
            r, c = min(3, max(0, row + dr)), min(3, max(0, column + dc))
            p[s, r * 4 + c] += 0.25
    inside = list(range(1, 15))
    v = np.zeros(16)
    v[inside] = np.linalg.solve(np.eye(14) - p[np.ix_(inside, inside)], -np.ones(14))
    out["small-gridworld values"] = v.tolist()
    v = np.zeros(16)
    for k in range(1, 11):
        v[inside] = (-1 + p @ v)[inside]
        if k in (1, 2, 3, 10):
            out[f"small-gridworld after {k} sweeps"] = v.tolist()


# Example 4.3: exact values by enough sweeps, and the smallest of the best stakes.
def gambler(p, out):
    def backup(v, s, a):
        return p * v[s + a] + (1 - p) * v[s - a]

    v = [0.0] * 100 + [1.0]
    sweeps, moved = 0, 1.0
    while moved > 0:
        moved = 0.0
        for s in range(1, 100):
            best = max(backup(v, s, a) for a in range(1, min(s, 100 - s) + 1))
            moved, v[s] = max(moved, abs(best - v[s])), best
        sweeps += 1
        if sweeps in (1, 2, 3, 32):
            out[f"gambler {p} sweep {sweeps} sum"] = sum(v[1:100])
    out[f"gambler {p} values"] = {s: v[s] for s in (1, 10, 25, 37, 50, 51, 75, 90, 99)}
    out[f"gambler {p} mean value"] = sum(v[1:100]) / 99
    stakes = []
    for s in range(1, 100):
        values = [backup(v, s, a) for a in range(1, min(s, 100 - s) + 1)]
        best = max(values)
        stakes.append(1 + next(a for a, x in enumerate(values) if x > best - 1e-9))
    out[f"gambler {p} smallest best stakes"] = stakes


# Example 4.2 and exercise 4.7: policy iteration over mornings.
def poisson(lam, n):
    return np.array([math.exp(-lam + k * math.log(lam) - math.lgamma(k + 1)) for k in range(n)])


def location(requests, returns):
    """Transition probabilities morning -> evening, and expected rentals, of a location."""
    far = 80
    req, ret = poisson(requests, far), poisson(returns, far)
    p, rented = np.zeros((21, 21)), np.zeros(21)
    for m in range(21):
        for k in range(far):
            out_ = min(k, m)
            rented[m] += req[k] * out_
            for j in range(far):
                p[m, min(20, m - out_ + j)] += req[k] * ret[j]
    return p, rented


def car_rental(shuttle, parking, out):
    (p1, r1), (p2, r2) = location(3, 3), location(4, 2)
    name = f"car-rental{' shuttle' * shuttle}{' parking' * parking}"

    def q(v):
        mornings = 10 * (r1[:, None] + r2[None, :]) + 0.9 * p1 @ v @ p2.T
        values = np.full((21, 21, 11), -np.inf)
        for i in range(21):
            for j in range(21):
                for a in range(11):
                    move = min(a - 5, i) if a >= 5 else -min(5 - a, j)
                    m, n = min(20, i - move), min(20, j + move)
                    cost = 2 * (abs(move) - (1 if shuttle and move > 0 else 0))
                    cost += 4 * ((m > 10) + (n > 10)) if parking else 0
                    values[i, j, a] = mornings[m, n] - cost
        return values

    v = np.zeros((21, 21))
    while True:
        new = q(v).max(axis=2)
        moved, v = np.abs(new - v).max(), new
        if moved < 1e-10:
            break
    values = q(v)
    out[f"{name} values"] = {f"{i},{j}": float(v[i, j]) for i, j in ((0, 0), (10, 10), (20, 0), (0, 20), (20, 20))}
    # The fewest cars of the best moves.
    policy = np.zeros((21, 21), dtype=int)
    for i in range(21):
        for j in range(21):
            best = [a - 5 for a in range(11) if values[i, j, a] > v[i, j] - 1e-7]
            policy[i, j] = min(best, key=abs)
    out[f"{name} policy"] = policy.tolist()
    return policy, v


def car_rental_iterations(out):
    """Policies of policy iteration from no moves, each evaluated to the end."""
    (p1, r1), (p2, r2) = location(3, 3), location(4, 2)
    policy = np.zeros((21, 21), dtype=int)
    improvements = 0
    while True:
        # The linear equations of the policy's values.
        a, b = np.eye(441), np.zeros(441)
        for i in range(21):
            for j in range(21):
                move = policy[i, j]
                m, n = min(20, i - move), min(20, j + move)
                a[i * 21 + j] -= 0.9 * np.outer(p1[m], p2[n]).ravel()
                b[i * 21 + j] = 10 * (r1[m] + r2[n]) - 2 * abs(move)
        v = np.linalg.solve(a, b).reshape(21, 21)
        if improvements == 0:
            out["car-rental value of 10,10 without moves"] = float(v[10, 10])
        mornings = 10 * (r1[:, None] + r2[None, :]) + 0.9 * p1 @ v @ p2.T
        new = policy.copy()
        for i in range(21):
            for j in range(21):
                legal = range(-min(5, j), min(5, i) + 1)
                worth = {x: mornings[min(20, i - x), min(20, j + x)] - 2 * abs(x) for x in legal}
                best = max(worth.values())
                if worth[policy[i, j]] < best - 1e-9:
                    new[i, j] = min((x for x in legal if worth[x] > best - 1e-9), key=abs)
        if (new == policy).all():
            break
        policy, improvements = new, improvements + 1
    out["car-rental improvements from no moves"] = improvements


# Examples 6.2 and 7.1: the random walk.
def random_walk(out):
    rng = np.random.default_rng(1)
    truth = np.arange(1, 6) / 6
    runs = 4000
    for kind, alphas in (("td", (0.05, 0.1, 0.15)), ("mc", (0.01, 0.02, 0.03, 0.04))):
        for alpha in alphas:
            ends, means = [], []
            for _ in range(runs):
                v, errors = np.full(5, 0.5).tolist(), []
                for _ in range(100):
                    s, seen = 2, []
                    while True:
                        seen.append(s)
                        s2 = s + (1 if rng.random() < 0.5 else -1)
                        r, end = float(s2 == 5), s2 in (-1, 5)
                        if kind == "td":
                            v[s] += alpha * (r + (0.0 if end else v[s2]) - v[s])
                        if end:
                            break
                        s = s2
                    if kind == "mc":
                        for s in seen:
                            v[s] += alpha * (r - v[s])
                    errors.append(math.sqrt(sum((a - b) ** 2 for a, b in zip(v, truth)) / 5))
                ends.append(errors[-1])
                means.append(sum(errors) / 100)
            out[f"random-walk {kind} {alpha} rms after 100 episodes"] = told(ends)
            out[f"random-walk {kind} {alpha} mean rms of 100 episodes"] = told(means)


def n_step_walk(out):
    rng = np.random.default_rng(2)
    truth = np.arange(-9, 10) / 10
    for n, alpha in ((1, 0.8), (2, 0.6), (4, 0.4), (8, 0.3), (16, 0.2), (32, 0.1), (64, 0.06)):
        result = []
        for _ in range(2000):
            v, errors = [0.0] * 19, []
            for _ in range(10):
                s, states, rewards, end_at, t = 9, [9], [], None, 0
                while True:
                    if end_at is None:
                        s += 1 if rng.random() < 0.5 else -1
                        rewards.append(-1.0 if s == -1 else 1.0 if s == 19 else 0.0)
                        states.append(s)
                        if s in (-1, 19):
                            end_at = t + 1
                    tau = t - n + 1
                    if tau >= 0:
                        last = tau + n if end_at is None else min(tau + n, end_at)
                        g = sum(rewards[tau:last])
                        if end_at is None or tau + n < end_at:
                            g += v[states[tau + n]]
                        v[states[tau]] += alpha * (g - v[states[tau]])
                    if end_at is not None and tau == end_at - 1:
                        break
                    t += 1
                errors.append(math.sqrt(sum((a - b) ** 2 for a, b in zip(v, truth)) / 19))
            result.append(sum(errors) / 10)
        out[f"n-step walk {n} {alpha} mean rms of 10 episodes"] = told(result)


# Example 9.1 and 9.2: a thousand states, ten groups of a hundred.
def thousand_states(out):
    n = 1000
    p, r = np.zeros((n, n)), np.zeros(n)
    for s in range(n):
        for k in range(1, 101):
            for s2 in (s - k, s + k):
                if s2 < 0:
                    r[s] -= 1 / 200
                elif s2 >= n:
                    r[s] += 1 / 200
                else:
                    p[s, s2] += 1 / 200
    v = np.linalg.solve(np.eye(n) - p, r)
    start = np.zeros(n)
    start[499] = 1
    visits = np.linalg.solve((np.eye(n) - p).T, start)
    mu = visits / visits.sum()
    x = np.kron(np.eye(10), np.ones((100, 1)))
    d = np.diag(mu)
    td = np.linalg.solve(x.T @ d @ (np.eye(n) - p) @ x, x.T @ d @ r)
    mc = np.linalg.solve(x.T @ d @ x, x.T @ d @ v)
    out["1000 states true values"] = {i: float(v[i]) for i in (0, 99, 249, 499, 500, 749, 999)}
    out["1000 states td fixed point"] = td.tolist()
    out["1000 states best approximation"] = mc.tolist()
    out["1000 states ve of td"] = float(math.sqrt((mu * (x @ td - v) ** 2).sum()))
    out["1000 states ve of mc"] = float(math.sqrt((mu * (x @ mc - v) ** 2).sum()))
    out["1000 states mean length"] = float(visits.sum())


# Chapter 2: the testbed of ten arms.
def bandits(out):
    rng = np.random.default_rng(3)
    runs, steps = 10_000, 1000

    def play(name, mean=0.0, epsilon=0.0, initial=0.0, alpha=None, ucb=None, gradient=None, baseline=True, walk=None, length=steps):
        q_true = np.zeros((runs, 10)) + mean if walk else rng.normal(mean, 1, (runs, 10))
        best = q_true.argmax(axis=1)
        q, n = np.full((runs, 10), float(initial)), np.zeros((runs, 10))
        h, bar = np.zeros((runs, 10)), np.zeros(runs)
        rewards, optimal, total = np.zeros(runs), np.zeros(runs), np.zeros(runs)
        rows = np.arange(runs)
        for t in range(length):
            if gradient is not None:
                pi = np.exp(h - h.max(axis=1, keepdims=True))
                pi /= pi.sum(axis=1, keepdims=True)
                a = (pi.cumsum(axis=1) > rng.random((runs, 1))).argmax(axis=1)
            else:
                score = q.copy()
                if ucb is not None:
                    score = q + ucb * np.sqrt(math.log(t + 1) / np.maximum(n, 1e-12))
                    score[n == 0] = np.inf
                tie = rng.random((runs, 10)) * (score == score.max(axis=1, keepdims=True))
                a = tie.argmax(axis=1)
                explore = rng.random(runs) < epsilon
                a[explore] = rng.integers(0, 10, explore.sum())
            r = rng.normal(q_true[rows, a], 1)
            total += r / length
            if walk:
                best = q_true.argmax(axis=1)
            if t >= length - length // 10:
                rewards += r / (length // 10)
                optimal += (a == best) / (length // 10)
            n[rows, a] += 1
            if gradient is not None:
                if baseline and t == 0:
                    bar = r.copy()
                push = -pi
                push[rows, a] += 1
                h += gradient * (r - bar)[:, None] * push
                if baseline:
                    bar += (r - bar) / (t + 1)
            else:
                q[rows, a] += (r - q[rows, a]) * (1 / n[rows, a] if alpha is None else alpha)
            if walk:
                q_true += rng.normal(0, walk, (runs, 10))
        out[f"bandits {name} reward of the last tenth"] = told(rewards)
        out[f"bandits {name} reward of all steps"] = told(total)
        out[f"bandits {name} best arm in the last tenth"] = told(optimal)

    play("greedy")
    play("epsilon 0.01", epsilon=0.01)
    play("epsilon 0.1", epsilon=0.1)
    play("optimistic", initial=5, alpha=0.1)
    play("realistic", epsilon=0.1, alpha=0.1)
    play("ucb 2", ucb=2)
    play("ucb 1", ucb=1)
    play("optimistic 1", initial=1, alpha=0.1)
    for a in (0.1, 0.4):
        for b in (True, False):
            play(f"gradient {a}{'' if b else ' without baseline'}", mean=4, gradient=a, baseline=b)
    play("gradient 0.25", gradient=0.25)
    runs = 2000
    play("nonstationary sample averages", epsilon=0.1, walk=0.01, length=10_000)
    play("nonstationary alpha 0.1", epsilon=0.1, alpha=0.1, walk=0.01, length=10_000)


# Figure 10.2: many cars side by side. Tiles over the positions from -1.2 to 0.6, as Gymnasium bounds them.
def mountain_car(out):
    rng = np.random.default_rng(4)
    runs, episodes = 200, 500

    def tiles(x, v):
        q1 = np.floor(8 * 8 * (x + 1.2) / 1.8).astype(int)
        q2 = np.floor(8 * 8 * (v + 0.07) / 0.14).astype(int)
        t = np.arange(8)[None, :]
        c1, c2 = (q1[:, None] + t) // 8, (q2[:, None] + 3 * t) // 8
        # tiles3 numbers tiles as they come; any injective number does.
        return (t * 16 + c1) * 16 + c2

    for alpha in (0.1, 0.2, 0.5):
        w = np.zeros((runs, 3, 8 * 256))
        rows = np.arange(runs)
        lengths = np.zeros((runs, episodes))
        x, v = rng.uniform(-0.6, -0.4, runs), np.zeros(runs)
        features = tiles(x, v)

        def act(features):
            q = w[rows[:, None, None], np.arange(3)[None, :, None], features[:, None, :]].sum(axis=2)
            tie = rng.random((runs, 3)) * (q == q.max(axis=1, keepdims=True))
            a = tie.argmax(axis=1)
            return a, q[rows, a]

        action, _ = act(features)
        done = np.zeros(runs, dtype=int)
        while (done < episodes).any():
            active = done < episodes
            lengths[rows[active], done[active]] += 1
            v2 = np.clip(v + 0.001 * (action - 1) - 0.0025 * np.cos(3 * x), -0.07, 0.07)
            x2 = np.clip(x + v2, -1.2, 0.6)
            v2[(x2 <= -1.2) & (v2 < 0)] = 0
            end = (x2 >= 0.5) & (v2 >= 0)
            features2 = tiles(x2, v2)
            action2, value2 = act(features2)
            value = w[rows[:, None], action[:, None], features].sum(axis=1)
            delta = -1 + np.where(end, 0, value2) - value
            w[rows[:, None], action[:, None], features] += np.where(active, alpha / 8 * delta, 0)[:, None]
            x2[end], v2[end] = rng.uniform(-0.6, -0.4, end.sum()), 0
            done[end & active] += 1
            features2[end] = tiles(x2[end], v2[end])
            again, _ = act(features2)
            action = np.where(end, again, action2)
            x, v, features = x2, v2, features2
        out[f"mountain-car {alpha} mean steps of 50 episodes"] = told(lengths[:, :50].mean(axis=1))
        out[f"mountain-car {alpha} mean steps of episodes 401 to 500"] = told(lengths[:, 400:].mean(axis=1))
        out[f"mountain-car {alpha} steps of the first episode"] = told(lengths[:, 0])


# Examples 5.1 and 5.3: blackjack by exact recursion over hands; figure 5.2.
def blackjack(out):
    deck = [(c, 4 / 13 if c == 10 else 1 / 13) for c in range(1, 11)]

    def add(hand, card):
        total, soft = hand
        total += card
        if card == 1 and total + 10 <= 21:
            return total + 10, True
        if total > 21 and soft:
            return total - 10, False
        return total, soft

    def dealer(hand):
        if hand[0] >= 17:
            return {min(hand[0], 22): 1.0}
        found = {}
        for card, p in deck:
            for total, q in dealer(add(hand, card)).items():
                found[total] = found.get(total, 0) + p * q
        return found

    ends = {up: dealer(add((0, False), up)) for up in range(1, 11)}

    def stick(total, up):
        return sum(p * (1 if end > 21 or total > end else 0 if total == end else -1) for end, p in ends[up].items())

    def solve(rule):
        values = {}

        def value(hand, up):
            if hand[0] > 21:
                return -1.0
            if (hand, up) not in values:
                s = stick(hand[0], up)
                h = sum(p * value(add(hand, card), up) for card, p in deck)
                values[hand, up] = (rule(hand, s, h), s, h)
            return values[hand, up][0]

        start = 0.0
        for up, pu in deck:
            for a, pa in deck:
                for b, pb in deck:
                    start += pu * pa * pb * value(add(add((0, False), a), b), up)
        return start, values

    start, best = solve(lambda hand, s, h: max(s, h))
    out["blackjack start value of the best policy"] = start
    for soft in (False, True):
        sticks = []
        for up in range(1, 11):
            sticks.append(min(t for t in range(12, 22) if best[(t, soft), up][1] >= best[(t, soft), up][2]))
        out[f"blackjack lowest sum to stick on, {'usable' if soft else 'no usable'} ace"] = sticks
    out["blackjack closest decision"] = min(abs(s - h) for ((t, _), _), (_, s, h) in best.items() if 12 <= t < 21)
    start, sticks20 = solve(lambda hand, s, h: s if hand[0] >= 20 else h)
    out["blackjack start value of sticking on 20"] = start
    for hand in ((20, False), (21, True), (12, False), (19, False), (13, True)):
        out[f"blackjack value of sticking on 20 from {hand}"] = [sticks20[hand, up][0] for up in range(1, 11)]
    # A dealt 21 wins against any 21 that the dealer draws: the environment's default.
    ace_ten = 2 / 13 * 4 / 13
    gain = 0.0
    for up, pu in deck:
        natural = {1: 4 / 13, 10: 1 / 13}.get(up, 0.0)
        gain += pu * ace_ten * (ends[up].get(21, 0.0) - natural)
    out["blackjack gain by the rule for a dealt 21"] = gain


def main():
    out = {}
    steps = {
        "exact": lambda: (small_gridworld(out), gambler(0.4, out), gambler(0.25, out), gambler(0.55, out),
                          car_rental(0, 0, out), car_rental(1, 1, out), car_rental_iterations(out),
                          thousand_states(out), blackjack(out)),
        "walk": lambda: (random_walk(out), n_step_walk(out)),
        "bandits": lambda: bandits(out),
        "car": lambda: mountain_car(out),
    }
    for name in sys.argv[1:] or steps:
        steps[name]()
    json.dump(out, sys.stdout, indent=1)


main()
