"""Prints the largest magnitude of an action value on Baird's star (Sutton and Barto 2018, section 11.2), with a bias as a ninth
feature, after some sweeps of semi-gradient learning from all transitions. `python make_baird.py`
"""

import numpy as np

GAMMA, RATE = 0.99, 0.05
STATES = np.zeros((7, 9))
STATES[range(6), range(6)], STATES[:6, 7] = 2, 1
STATES[6, 6], STATES[6, 7] = 1, 2
STATES[:, 8] = 1
# The behaviour goes to each of six states alike, and once in seven times to the last.
ROWS = [(s, 0, next) for s in range(7) for next in range(6)] + [(s, 1, 6) for s in range(7)]
S, A, NEXT = (np.array(column) for column in zip(*ROWS))
N = np.arange(len(ROWS))
START = np.array([1, 1, 1, 1, 1, 1, 10, 1, 0.0])


def q_learning(alpha, sweeps):
    w = np.stack([START, START], 1)
    for _ in range(sweeps):
        q = STATES @ w
        d = np.zeros((len(ROWS), 2))
        d[N, A] = 2 * (q[S, A] - GAMMA * q.max(1)[NEXT])
        share = np.exp(q[S] - q[S].max(1, keepdims=True))
        share /= share.sum(1, keepdims=True)
        share[N, A] -= 1
        w -= RATE / len(ROWS) * STATES[S].T @ (d + alpha * share)
    return np.abs(STATES @ w).max()


def iql(expectile, sweeps):
    w, v = np.stack([START, START], 1), START.copy()
    for _ in range(sweeps):
        u = (STATES @ w)[S, A] - (STATES @ v)[S]
        v += RATE / len(ROWS) * STATES[S].T @ (2 * np.where(u < 0, 1 - expectile, expectile) * u)
        d = np.zeros((len(ROWS), 2))
        d[N, A] = 2 * ((STATES @ w)[S, A] - GAMMA * (STATES @ v)[NEXT])
        w -= RATE / len(ROWS) * STATES[S].T @ d
    return np.abs(STATES @ w).max()


for alpha in (0, 1, 5):
    print("CQL", alpha, q_learning(alpha, 4000))
for expectile in (0.7, 0.99):
    print("IQL", expectile, iql(expectile, 4000))
