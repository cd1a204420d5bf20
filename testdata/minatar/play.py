"""Plays given actions in MinAtar: one JSON request per line of stdin, one JSON answer per line of stdout.

{"game": name, "sticky": p, "ramping": bool, "seed": s, "actions": [...]} -> observations (one more than the steps) as places of the
    squares that are set, rewards, terminated; the trace ends with the actions or with the game. Actions are those of the full set.
{"game": name, "describe": true} -> the shape of an observation and the minimal action set.

The games' random numbers come from NumPy's PCG64 with the seed, one stream for all, drawn one by one.
"""

import json
import logging
import sys

logging.disable(logging.WARNING)

import numpy as np
from minatar import Environment


class Stream:
    """In place of the RandomState that MinAtar draws from."""

    def __init__(self, seed):
        self.generator = np.random.default_rng(seed)

    def rand(self, count=None):
        draw = self.generator.random
        return draw() if count is None else np.array([draw() for _ in range(count)])

    def randint(self, low, high=None, size=None):
        low, high = (0, low) if high is None else (low, high)
        draw = lambda: low + int(self.generator.integers(high - low))
        return draw() if size is None else np.array([draw() for _ in range(size)])


def play(request):
    environment = Environment(request["game"], request["sticky"], request["ramping"])
    environment.random = environment.env.random = Stream(request["seed"])
    environment.reset()
    result = {"observations": [], "rewards": [], "terminated": []}

    def look():
        result["observations"].append(np.flatnonzero(environment.state()).tolist())

    look()
    for action in request["actions"]:
        reward, terminated = environment.act(action)
        look()
        result["rewards"].append(float(reward))
        result["terminated"].append(bool(terminated))
        if terminated:
            break
    return result


def describe(request):
    environment = Environment(request["game"])
    return {"shape": environment.state_shape(), "minimal": environment.minimal_action_set()}


for line in sys.stdin:
    request = json.loads(line)
    answer = describe(request) if request.get("describe") else play(request)
    print(json.dumps(answer), flush=True)
