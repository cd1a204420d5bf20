"""Data sets that Minari 0.5.4 writes, and what it reads, for `potstill-cli/tests/minari.rs`.

    python sets.py write            writes data sets of every kind of space below MINARI_DATASETS_PATH
    python sets.py read ID...       loads data sets
    python sets.py replay ID        plays the recorded actions in Gymnasium, from the recorded seeds

The first two print each data set as JSON: `env`, and the episodes as potstill has them. Elements of Discrete, Tuple and
MultiDiscrete spaces are numbers from 0, the last part running fastest; others are flat lists.
"""

import json
import sys
import warnings

import gymnasium as gym
import minari
import numpy as np
from gymnasium import spaces
from minari.data_collector.episode_buffer import EpisodeBuffer

warnings.simplefilter("ignore")

INF = np.inf
SPACES = {
    "pole": (spaces.Box(np.array([-4.8, -INF], np.float32), np.array([4.8, INF], np.float32)), spaces.Discrete(2)),
    "start": (spaces.Discrete(5, start=-2), spaces.Discrete(3, start=1)),
    "cards": (spaces.Tuple([spaces.Discrete(32), spaces.Discrete(11), spaces.Discrete(2)]), spaces.Discrete(2)),
    "joystick": (spaces.Box(-8.0, 8.0, (2, 2), np.float64), spaces.MultiDiscrete([3, 4], start=[0, 1])),
    "bits": (spaces.MultiBinary([2, 3]), spaces.Box(-1.0, 1.0, (1,), np.float32)),
    "bytes": (spaces.Box(0, 255, (32, 32), np.uint8), spaces.Discrete(4)),
}
# Steps, terminated, truncated, and seed of each episode.
EPISODES = [(3, True, False, 2**63 + 5), (1, False, True, 2**64 - 1), (4, True, True, 7), (2, False, False, None)]


def flat(space, values):
    """Values of a space as potstill has them."""
    if isinstance(space, spaces.Discrete):
        return [int(value) - int(space.start) for value in values]
    if isinstance(space, spaces.Tuple):
        parts, sizes = [flat(*part) for part in zip(space.spaces, values)], [int(part.n) for part in space.spaces]
        return [int(np.ravel_multi_index(row, sizes)) for row in zip(*parts)]
    rows = np.asarray(values).reshape(len(values), -1)
    if isinstance(space, spaces.MultiDiscrete):
        return [int(np.ravel_multi_index(tuple(row - space.start), space.nvec)) for row in rows]
    number = int if isinstance(space, spaces.MultiBinary) else float
    return [[number(x) for x in row] for row in rows]


def read(id):
    data = minari.load_dataset(id)
    episodes = []
    metadata = data.storage.get_episode_metadata(range(data.total_episodes))
    for episode, about in zip(data.iterate_episodes(), metadata):
        assert int(about["total_steps"]) == len(episode)
        episodes.append({
            "observations": flat(data.observation_space, episode.observations),
            "actions": flat(data.action_space, episode.actions),
            "rewards": [float(reward) for reward in episode.rewards],
            "terminated": [bool(flag) for flag in episode.terminations],
            "truncated": [bool(flag) for flag in episode.truncations],
            "seed": None if about.get("seed") is None else int(about["seed"]),
        })
    assert data.total_steps == sum(len(episode["rewards"]) for episode in episodes)
    low = getattr(data.observation_space, "low", None)
    return {
        "env": data.env_spec.id if data.env_spec else "",
        "spaces": [repr(data.observation_space), repr(data.action_space)],
        "low": None if low is None else [float(x) if np.isfinite(x) else None for x in low.reshape(-1)],
        "author": sorted(data.storage.metadata.get("author", [])),
        "episodes": episodes,
    }


def sample(space, rng):
    """A value whose numbers single precision has, too."""
    if isinstance(space, spaces.Tuple):
        return tuple(sample(part, rng) for part in space.spaces)
    if isinstance(space, spaces.Box) and space.dtype != np.uint8:
        eighths = rng.integers(-8, 9, space.shape) / 8
        return np.clip(eighths, space.low, space.high).astype(space.dtype)
    space.seed(int(rng.integers(1 << 30)))
    return space.sample()


def columns(space, rows):
    """Values one after another as Minari takes them: of a tuple, a list for each part."""
    return tuple(list(part) for part in zip(*rows)) if isinstance(space, spaces.Tuple) else rows


def write():
    rng = np.random.default_rng(0)
    ids = []
    for layout in ["arrow", "hdf5"]:
        for name, (observations, actions) in SPACES.items():
            buffers = []
            for steps, terminated, truncated, seed in EPISODES:
                last = [False] * (steps - 1)
                buffers.append(EpisodeBuffer(
                    id=None,
                    seed=seed,
                    observations=columns(observations, [sample(observations, rng) for _ in range(steps + 1)]),
                    actions=columns(actions, [sample(actions, rng) for _ in range(steps)]),
                    rewards=[float(reward) for reward in rng.normal(size=steps)],
                    terminations=last + [terminated],
                    truncations=last + [truncated],
                    infos={},
                ))
            id = f"theirs/{name}-{layout}-v0"
            minari.create_dataset_from_buffers(
                id,
                buffers,
                env="CartPole-v1" if name == "pole" else None,
                observation_space=observations,
                action_space=actions,
                author={"Somebody", "Else"},
                data_format=layout,
                jpeg_encoding=False,
            )
            ids.append(id)
    return ids


def row(values, t):
    """A value of an episode; of a tuple, one of each part."""
    return tuple(part[t] for part in values) if isinstance(values, tuple) else values[t]


def replay(id):
    data = minari.load_dataset(id)
    env = data.recover_environment()
    metadata = data.storage.get_episode_metadata(range(data.total_episodes))
    for episode, about in zip(data.iterate_episodes(), metadata):
        seen, _ = env.reset(seed=int(about["seed"]))
        np.testing.assert_array_equal(seen, row(episode.observations, 0))
        for t, action in enumerate(episode.actions):
            seen, reward, terminated, truncated, _ = env.step(action)
            np.testing.assert_array_equal(seen, row(episode.observations, t + 1))
            # Pendulum's may differ in the last bits, by the precision of the action that it is given.
            np.testing.assert_allclose(float(reward), episode.rewards[t], rtol=1e-6)
            assert (terminated, truncated) == (episode.terminations[t], episode.truncations[t])
    assert id in minari.list_local_datasets()
    return int(data.total_episodes)


if __name__ == "__main__":
    command, *ids = sys.argv[1:]
    if command == "replay":
        print(json.dumps(replay(*ids)))
    else:
        print(json.dumps({id: read(id) for id in (write() if command == "write" else ids)}))
