"""The environments behind Gymnasium's interface."""

import copy
import pickle
import warnings

import gymnasium as gym
import numpy as np
import potstill as ps
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AutoresetMode, SyncVectorEnv

IDS = sorted(id for id in gym.registry if id.startswith("potstill/"))
NEXT_STEP, SAME_STEP, DISABLED = AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP, AutoresetMode.DISABLED


def same(a, b):
    return data_equivalence(a, b, exact=True)


def test_every_environment_is_registered():
    assert len(IDS) == len(ps._native.environment_specs()) > 30
    assert gym.spec("potstill/CartPole-v1").max_episode_steps == 500
    assert gym.spec("potstill/CartPole-v1").reward_threshold == 475.0


@pytest.mark.parametrize("id", IDS)
def test_gymnasiums_checker_passes(id):
    with warnings.catch_warnings():
        # Bounds that are infinite are warned of, in Gymnasium's own environments too.
        warnings.simplefilter("ignore")
        check_env(gym.make(id).unwrapped)


@pytest.mark.parametrize("id", IDS)
def test_a_copy_in_mid_episode_goes_on_alike(id):
    env = gym.make(id)
    env.reset(seed=5)
    env.action_space.seed(5)
    for _ in range(3):
        if any(env.step(env.action_space.sample())[2:4]):
            env.reset()
    copies = [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
    for _ in range(50):
        action = env.action_space.sample()
        expected = env.step(action)
        assert all(same(expected, other.step(action)) for other in copies)
        if expected[2] or expected[3]:
            expected = env.reset()
            assert all(same(expected, other.reset()) for other in copies)


# Environments without a rendering.
UNDRAWN = {"potstill/Bandit"}


@pytest.mark.parametrize("id", IDS)
def test_renderings_are_arrays_and_texts(id):
    if id in UNDRAWN:
        assert gym.make(id).unwrapped.metadata["render_modes"] == []
        with pytest.raises(ps.InputError, match="no renderings"):
            gym.make(id, render_mode="rgb_array")
        return
    env = gym.make(id, render_mode="rgb_array")
    env.reset(seed=1)
    first = env.render()
    assert first.dtype == np.uint8 and first.ndim == 3 and first.shape[2] == 3
    env.step(env.action_space.sample())
    assert env.render().shape == first.shape
    text = gym.make(id, render_mode="ansi")
    text.reset(seed=1)
    assert isinstance(text.render(), str) and len(text.render().splitlines()) > 0


PEERS = [
    ("CartPole-v1", {}),
    ("CartPole-v1", {"sutton_barto_reward": True}),
    ("MountainCar-v0", {}),
    ("MountainCarContinuous-v0", {}),
    ("FrozenLake-v1", {"map_name": "8x8", "is_slippery": False}),
    ("FrozenLake-v1", {"desc": ["SFF", "FHF", "FFG"]}),
    ("CliffWalking-v1", {}),
    ("Taxi-v4", {}),
    ("Blackjack-v1", {"sab": True}),
]


def peers(id, options):
    try:
        return gym.make(f"potstill/{id}", **options), gym.make(id, **options)
    except (gym.error.Error, ImportError) as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(("id", "options"), PEERS)
def test_episodes_are_gymnasiums(id, options):
    ours, theirs = peers(id, options)
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    ours.action_space.seed(7)
    for seed in range(20):
        ours_first, theirs_first = ours.reset(seed=seed)[0], theirs.reset(seed=seed)[0]
        assert np.array_equal(ours_first, theirs_first)
        over, steps = False, 0
        while not over and steps < 300:
            action, steps = ours.action_space.sample(), steps + 1
            (seen, *outcome, _), (expected, *wanted, _) = ours.step(action), theirs.step(action)
            assert np.array_equal(seen, expected) and outcome == wanted, (seed, steps)
            over = outcome[1] or outcome[2]


def test_the_time_limit_is_gymnasiums_to_change():
    for limit, expected in [(20, 20), (600, 600), (None, 500)]:
        env = gym.make("potstill/CartPole-v1", **({} if limit is None else {"max_episode_steps": limit}))
        native = env.unwrapped._native
        assert native.max_episode_steps is None
        assert env.spec.max_episode_steps == expected
    assert ps.Environment("CartPole-v1")._native.max_episode_steps == 500
    env = gym.make("potstill/MountainCar-v0", max_episode_steps=3)
    env.reset(seed=1)
    assert [env.step(1)[3] for _ in range(3)] == [False, False, True]


def test_values_have_gymnasiums_types():
    for id, kind in [("FrozenLake-v1", int), ("Blackjack-v1", tuple), ("CartPole-v1", np.ndarray)]:
        env = gym.make(f"potstill/{id}")
        assert type(env.reset(seed=1)[0]) is kind
        _, reward, terminated, truncated, info = env.step(env.action_space.sample())
        assert [type(value) for value in (reward, terminated, truncated, info)] == [float, bool, bool, dict]
    game = gym.make("potstill/Breakout-v1")
    assert game.observation_space == gym.spaces.MultiBinary((10, 10, 4))
    assert game.reset(seed=1)[0].dtype == np.int8


@pytest.mark.parametrize(
    ("id", "action"),
    [
        ("CartPole-v1", 2),
        ("CartPole-v1", -1),
        ("CartPole-v1", 0.5),
        ("CartPole-v1", "left"),
        ("CartPole-v1", None),
        ("CartPole-v1", np.array([1])),
        ("CartPole-v1", 10**30),
        ("Pendulum-v1", [np.nan]),
        ("Pendulum-v1", [3.0]),
        ("Pendulum-v1", [0.0, 0.0]),
        ("Pendulum-v1", "hard"),
        ("Pendulum-v1", None),
    ],
)
def test_wrong_actions_are_refused_and_change_nothing(id, action):
    env = ps.Environment(id)
    env.reset(seed=1)
    before = pickle.dumps(env._native)
    with pytest.raises(ps.InputError):
        env.step(action)
    assert pickle.dumps(env._native) == before


def test_calls_out_of_order_are_told():
    env = ps.Environment("CliffWalking-v1", max_episode_steps=1)
    with pytest.raises(ps.RunError, match="render before reset"):
        gym.make("potstill/CartPole-v1", render_mode="ansi").render()
    with pytest.raises(ps.RunError, match="step before reset"):
        env.step(0)
    env.reset()
    env.step(0)
    with pytest.raises(ps.RunError, match="after the end"):
        env.step(0)


def test_a_foreign_state_is_refused():
    pole, car = ps.Environment("CartPole-v1"), ps.Environment("MountainCar-v0")
    pole.reset(seed=1)
    before = pole._native.__getstate__()
    for state in (car._native.__getstate__(), b"", b"\x80\x04N.", before[:-3]):
        with pytest.raises(ps.InputError, match="state"):
            pole._native.__setstate__(state)
    assert pole._native.__getstate__() == before


VECTORS = ["CartPole-v1", "FrozenLake-v1", "Blackjack-v1", "Pendulum-v1", "Breakout-v1", "MountainCarContinuous-v0"]


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("id", VECTORS)
def test_many_copies_do_what_single_ones_do(id, mode):
    limit = {"max_episode_steps": 17}
    ours = gym.make_vec(f"potstill/{id}", num_envs=5, autoreset_mode=mode, **limit)
    singles = [lambda: gym.make(f"potstill/{id}", **limit)] * 5
    theirs = SyncVectorEnv(singles, autoreset_mode=mode)
    assert ours.metadata["autoreset_mode"] is mode
    for name in ("observation_space", "action_space", "single_observation_space", "single_action_space"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert same(ours.reset(seed=3)[0], theirs.reset(seed=3)[0])
    ours.action_space.seed(3)
    for _ in range(60):
        actions = ours.action_space.sample()
        stepped, expected = ours.step(actions), theirs.step(actions)
        assert same(stepped[:4], expected[:4])
        assert ours.observation_space.contains(stepped[0])
        if mode is SAME_STEP and "final_obs" in expected[4]:
            assert np.array_equal(stepped[4]["_final_obs"], expected[4]["_final_obs"])
            for mine, other in zip(stepped[4]["final_obs"], expected[4]["final_obs"], strict=True):
                assert same(mine, other)
        else:
            assert stepped[4] == {}
        over = stepped[2] | stepped[3]
        if mode is DISABLED and over.any():
            first = ours.reset(options={"reset_mask": over})[0]
            assert same(first, theirs.reset(options={"reset_mask": over.copy()})[0])


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("id", VECTORS)
def test_copies_of_many_go_on_alike(id, mode):
    env = ps.VectorEnvironment(f"potstill/{id}", 4, autoreset_mode=mode, max_episode_steps=30)
    env.reset(seed=9)
    env.action_space.seed(9)
    copies = [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
    for i in range(40):
        if i == 20:
            copies = [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
        actions = env.action_space.sample()
        expected = env.step(actions)
        assert all(same(expected[:4], other.step(actions)[:4]) for other in copies)
        over = expected[2] | expected[3]
        if mode is DISABLED and over.any():
            for one in (env, *copies):
                one.reset(options={"reset_mask": over})


@pytest.mark.parametrize("id", VECTORS)
def test_arrays_of_the_caller_are_filled(id):
    env, other = (ps.VectorEnvironment(f"potstill/{id}", 6) for _ in range(2))
    space = env.observation_space
    is_tuple = isinstance(space, gym.spaces.Tuple)
    observations = (
        tuple(np.zeros(part.shape, part.dtype) for part in space) if is_tuple else np.zeros(space.shape, space.dtype)
    )
    out = (observations, np.zeros(6), np.zeros(6, dtype=bool), np.zeros(6, dtype=bool))
    assert env.reset(seed=2, out=observations)[0] is observations
    assert same(observations, other.reset(seed=2)[0])
    env.action_space.seed(2)
    for _ in range(30):
        actions = env.action_space.sample()
        stepped = env.step(actions, out=out)
        assert all(given is filled for given, filled in zip(out, stepped, strict=False))
        assert same(out, other.step(actions)[:4])


@pytest.mark.parametrize(
    "out",
    [
        np.zeros((6, 4)),
        np.zeros((6, 5), dtype=np.float32),
        np.zeros((4, 6), dtype=np.float32).T,
        np.zeros((6, 8), dtype=np.float32)[:, ::2],
        [[0.0] * 4] * 6,
    ],
)
def test_arrays_that_do_not_fit_are_refused(out):
    env = ps.VectorEnvironment("CartPole-v1", 6)
    with pytest.raises(ps.InputError, match="out: observations must be a writable, C-contiguous array of float32"):
        env.reset(seed=1, out=out)
    frozen = np.zeros((6, 4), dtype=np.float32)
    frozen.setflags(write=False)
    with pytest.raises(ps.InputError, match="writable"):
        env.reset(seed=1, out=frozen)


@pytest.mark.parametrize(
    ("id", "actions"),
    [
        ("CartPole-v1", [0, 1]),
        ("CartPole-v1", [0, 1, 2]),
        ("CartPole-v1", [0, 1, -1]),
        ("CartPole-v1", [0.0, 1.0, 0.5]),
        ("CartPole-v1", ["a", "b", "c"]),
        ("CartPole-v1", None),
        ("Pendulum-v1", [[0.0], [0.0], [np.nan]]),
        ("Pendulum-v1", [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]),
    ],
)
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_wrong_actions_of_many_are_refused_and_change_nothing(id, actions, mode):
    env = ps.VectorEnvironment(id, 3, autoreset_mode=mode)
    env.reset(seed=1)
    before = pickle.dumps(env._native)
    with pytest.raises(ps.InputError):
        env.step(actions)
    assert pickle.dumps(env._native) == before


def test_actions_of_other_types_and_orders_are_taken():
    env, other = (ps.VectorEnvironment("CartPole-v1", 4) for _ in range(2))
    env.reset(seed=1), other.reset(seed=1)
    actions = np.array([1, 0, 0, 1])
    for given in (actions.astype(np.int32), list(actions), np.repeat(actions, 2)[::2], actions.astype(bool)):
        assert same(env.step(given)[:4], other.step(actions)[:4])
    swing, twin = (ps.VectorEnvironment("Pendulum-v1", 4) for _ in range(2))
    swing.reset(seed=1), twin.reset(seed=1)
    torques = np.array([[1.0], [0.5], [-1.0], [0.0]], dtype=np.float32)
    for given in (torques.astype(np.float64), torques.tolist(), np.asfortranarray(torques)):
        assert same(swing.step(given)[:4], twin.step(torques)[:4])


def test_seeds_of_copies_count_up():
    env = ps.VectorEnvironment("CartPole-v1", 3)
    first = env.reset(seed=4)[0]
    assert same(first, env.reset(seed=[4, 5, 6])[0])
    for wrong in ([4, 5], [4, 4, 4], [None, 5, 6]):
        with pytest.raises(ps.InputError):
            env.reset(seed=wrong)
    for i in range(3):
        assert same(first[i], ps.Environment("CartPole-v1").reset(seed=4 + i)[0])


def test_masks_are_for_one_mode_alone():
    env = ps.VectorEnvironment("CartPole-v1", 2, autoreset_mode=DISABLED)
    env.reset(seed=1)
    for mask in (np.array([True]), np.array([1, 0])):
        with pytest.raises(ps.InputError, match="reset_mask"):
            env.reset(options={"reset_mask": mask})
    with pytest.raises(ps.InputError, match="reset_mask"):
        ps.VectorEnvironment("CartPole-v1", 2).reset(options={"reset_mask": np.array([True, False])})
