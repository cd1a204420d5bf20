"""Plays given actions in Gymnasium: one JSON request per line of stdin, one JSON answer per line of stdout.

{"env": id, "options": {...}, "seed": s, "actions": [...]} -> observations (one more than the steps), rewards, terminated,
    truncated; the trace ends with the actions or with the episode.
{"env": id, "options": {...}, "describe": true} -> both spaces, the step limit and the reward threshold.
{"env": id, "options": {...}, "model": true} -> P by state and action, and the start distribution; null without them.
{..., "wrappers": [[name, {...}], ...]} -> the same from within wrappers of `gymnasium.wrappers`, the first innermost.
{..., "vector": "NEXT_STEP" or "SAME_STEP", "seed": s, "actions": [[...], ...]} -> one object for the reset and each step of many copies.
{"map": {"size": n, "p": p, "seed": s}} -> the rows of a generated frozen lake.
"""

import functools
import json
import math
import sys
import warnings

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.envs.toy_text.frozen_lake import generate_random_map


@functools.cache
def make(env, options):
    # reset(seed=...) seeds all of an environment, so one instance serves every trace.
    return gymnasium.make(env, **json.loads(options))


def wrapped(request):
    env = gymnasium.make(request["env"], **request["options"])
    for name, options in request["wrappers"]:
        env = getattr(gymnasium.wrappers, name)(env, **options)
    return env


def many(request):
    mode = gymnasium.vector.AutoresetMode[request["vector"]]
    copies = [lambda: gymnasium.make(request["env"], **request["options"]) for _ in request["actions"][0]]
    envs = gymnasium.vector.SyncVectorEnv(copies, autoreset_mode=mode)
    box = isinstance(envs.single_action_space, spaces.Box)

    def rows(observations):
        return [numbers(observation) for observation in observations]

    observations, _ = envs.reset(seed=request["seed"])
    result = [{"observations": rows(observations)}]
    for actions in request["actions"]:
        actions = np.asarray(actions, np.float32).reshape(-1, 1) if box else np.asarray(actions, np.int64)
        observations, rewards, terminated, truncated, infos = envs.step(actions)
        finals = [None] * len(rewards)
        for i in np.flatnonzero(terminated | truncated):
            same = mode == gymnasium.vector.AutoresetMode.SAME_STEP
            finals[i] = numbers(infos["final_obs"][i] if same else observations[i])
        result.append(
            {
                "observations": rows(observations),
                "rewards": numbers(rewards),
                "terminated": terminated.tolist(),
                "truncated": truncated.tolist(),
                "final_observations": finals,
            }
        )
    return result


def number(x):
    """A double keeps every digit; JSON has no infinity."""
    x = float(x)
    return x if math.isfinite(x) else str(x)


def numbers(values):
    return [number(x) for x in np.ravel(values)]


def describe_space(space):
    if isinstance(space, spaces.Discrete):
        return {"kind": "discrete", "n": int(space.n), "start": int(space.start)}
    if isinstance(space, spaces.Tuple):
        return {"kind": "tuple", "sizes": [int(part.n) for part in space.spaces]}
    if isinstance(space, spaces.Box):
        return {"kind": "box", "shape": list(space.shape), "low": numbers(space.low), "high": numbers(space.high)}
    raise TypeError(f"neither discrete nor a tuple nor a box: {space}")


def describe(env):
    threshold = env.spec.reward_threshold
    return {
        "observation_space": describe_space(env.observation_space),
        "action_space": describe_space(env.action_space),
        "max_episode_steps": env.spec.max_episode_steps,
        "reward_threshold": None if threshold is None else float(threshold),
    }


def model(env):
    env = env.unwrapped
    if not hasattr(env, "P"):
        return None
    rows = [
        [[(float(p), int(s), float(r), bool(t)) for p, s, r, t in env.P[state][a]] for a in range(env.action_space.n)]
        for state in range(env.observation_space.n)
    ]
    return {"model": rows, "start": numbers(env.initial_state_distrib)}


def trace(env, seed, actions):
    box = isinstance(env.action_space, spaces.Box)
    observation, _ = env.reset(seed=seed)
    result = {"observations": [numbers(observation)], "rewards": [], "terminated": [], "truncated": []}
    for action in actions:
        action = np.asarray([action], env.action_space.dtype) if box else int(action)
        observation, reward, terminated, truncated, _ = env.step(action)
        result["observations"].append(numbers(observation))
        result["rewards"].append(number(reward))
        result["terminated"].append(bool(terminated))
        result["truncated"].append(bool(truncated))
        if terminated or truncated:
            break
    return result


def main():
    warnings.simplefilter("ignore")
    gymnasium.logger.min_level = gymnasium.logger.ERROR
    for line in sys.stdin:
        request = json.loads(line)
        if "map" in request:
            print(json.dumps(generate_random_map(**request["map"])), flush=True)
            continue
        if "vector" in request:
            print(json.dumps(many(request)), flush=True)
            continue
        env = wrapped(request) if "wrappers" in request else make(request["env"], json.dumps(request["options"]))
        if request.get("describe"):
            answer = describe(env)
        elif request.get("model"):
            answer = model(env)
        else:
            answer = trace(env, request["seed"], request["actions"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
