"""The peers of deep_speed.py, each trained or timed in a process of its own:

    python deep_peers.py WHO SETTINGS FRACTION

SETTINGS is a workload of deep_speed.py as JSON. Printed, as JSON: what it took, and the settings that were really used, read back
from the objects that used them wherever there is one.
"""

import importlib.metadata
import json
import math
import os
import statistics
import sys
import time
import types
import warnings

warnings.simplefilter("ignore")


def report(w, used, seconds, updates=1, transitions=None, **more):
    """`used` is what was read back; all else the loops here take from `w` itself."""
    return {
        "seconds": seconds,
        "transitions_per_second": transitions and transitions / seconds,
        "updates_per_second": updates / seconds,
        "transitions": transitions,
        "updates": updates,
        "settings": {**w, **used},
        "versions": {name: importlib.metadata.version(name) for name in sorted(VERSIONED & sys.modules.keys())},
        **more,
    }


VERSIONED = {"torch", "stable_baselines3", "gymnasium", "numpy", "jax", "optax", "gymnax", "flashbax"}


def hidden_layers(net_arch):
    """The layers of "mlp:64,64:tanh" and whether there is an extra: (["64", "64"], "tanh")."""
    _, layers, *extra = net_arch.split(":")
    return layers.split(","), *(extra or [None])


def epsilon(w, step):
    """Linear in the steps of the whole run; `step` may be an array of JAX's."""
    start, end = w["exploration_initial_eps"], w["exploration_final_eps"]
    done = step / (w["exploration_fraction"] * w["steps"])
    return start + (end - start) * (min(done, 1.0) if isinstance(done, float) else done.clip(0, 1))


# PyTorch


def torch_network(w, inputs, outputs):
    from torch import nn

    layers, extra = hidden_layers(w["net_arch"])
    modules, (width, *picture) = [], inputs
    for layer in layers:
        if "x" in layer:
            filters, kernel, stride = (int(number) for number in [*layer.replace("s", "x").split("x"), 1][:3])
            modules += [nn.Conv2d(width, filters, kernel, stride), nn.ReLU()]
            width, picture = filters, [(side - kernel) // stride + 1 for side in picture]
        else:
            if picture:
                width, picture = width * math.prod(picture), []
                modules.append(nn.Flatten())
            modules += [nn.Linear(width, int(layer)), nn.Tanh() if extra == "tanh" else nn.ReLU()]
            width = int(layer)
    return nn.Sequential(*modules, nn.Linear(width, outputs))


def torch_net_arch(network):
    from torch import nn

    layers, kinds = [], {type(module) for module in network.modules()}
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            stride = f"s{module.stride[0]}" if module.stride[0] > 1 else ""
            layers.append(f"{module.out_channels}x{module.kernel_size[0]}{stride}")
        elif isinstance(module, nn.Linear):
            layers.append(str(module.out_features))
    return f"{'cnn' if nn.Conv2d in kinds else 'mlp'}:{','.join(layers[:-1])}{':tanh' if nn.Tanh in kinds else ''}"


def torch_used(network, optimiser):
    import torch

    group = optimiser.param_groups[0]
    used = {"net_arch": torch_net_arch(network), "learning_rate": group["lr"], "threads": torch.get_num_threads()}
    return used, {"adam_eps": group["eps"]}


def torch_update(w, network, target, optimiser):
    """The update all the loops in PyTorch here make."""
    import torch

    loss_of = {"mse": torch.nn.functional.mse_loss, "huber": torch.nn.functional.smooth_l1_loss}[w["loss"]]
    gamma = w.get("gamma", 0.99)

    def update(observations, actions, rewards, following, terminated):
        with torch.no_grad():
            wanted = rewards + gamma * (1 - terminated) * target(following).max(dim=1).values
        told = network(observations).gather(1, actions[:, None]).squeeze(1)
        loss = loss_of(told, wanted)
        optimiser.zero_grad()
        loss.backward()
        if w.get("max_grad_norm"):
            torch.nn.utils.clip_grad_norm_(network.parameters(), w["max_grad_norm"])
        optimiser.step()

    return update


def one_update(w, fused=False, channels_last=False):
    """The median of the updates of a few seconds."""
    import torch

    torch.set_num_threads(w["threads"])
    torch.manual_seed(0)
    inputs, batch = [int(side) for side in w["inputs"].split("x")], w["batch_size"]
    network, target = (torch_network(w, inputs, w["outputs"]) for _ in range(2))
    optimiser = torch.optim.Adam(network.parameters(), lr=w["learning_rate"], fused=fused or None)
    update = torch_update(w, network, target, optimiser)
    tensors = [
        torch.rand(batch, *inputs), torch.randint(w["outputs"], (batch,)), torch.rand(batch), torch.rand(batch, *inputs),
        (torch.rand(batch) < 0.01).float(),
    ]  # fmt: skip
    if channels_last:
        network, target = (network.to(memory_format=torch.channels_last) for network in (network, target))
        tensors = [tensor.to(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor for tensor in tensors]
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        update(*tensors)
    taken, end = [], time.perf_counter() + 4
    while (start := time.perf_counter()) < end:
        update(*tensors)
        taken.append(time.perf_counter() - start)
    seconds = statistics.median(taken[len(taken) // 4 :])
    used, _ = torch_used(network, optimiser)
    used |= {"batch_size": len(tensors[0]), "outputs": network[-1].out_features}
    return report(w, used, seconds, gflops=counter.get_total_flops() / seconds / 1e9)


def pytorch_and_gymnasium(w, fraction):
    """DQN as a page of PyTorch: one environment, a ring of NumPy arrays, nothing recorded but the lengths of the episodes."""
    import gymnasium
    import numpy as np
    import torch

    torch.set_num_threads(w["threads"])
    torch.manual_seed(0)
    env, rng, size = gymnasium.make(w["env"]), np.random.default_rng(0), w["buffer_size"]
    inputs, outputs = env.observation_space.shape, int(env.action_space.n)
    network, target = (torch_network(w, inputs, outputs) for _ in range(2))
    target.load_state_dict(network.state_dict())
    optimiser = torch.optim.Adam(network.parameters(), lr=w["learning_rate"], eps=w["adam_eps"])
    update = torch_update(w, network, target, optimiser)
    observations, following = (np.zeros((size, *inputs), np.float32) for _ in range(2))
    actions, rewards, terminateds = np.zeros(size, np.int64), np.zeros(size, np.float32), np.zeros(size, np.float32)
    ring = [observations, actions, rewards, following, terminateds]
    steps, updates, lengths, length = round(w["steps"] * fraction), 0, [], 0
    observation, _ = env.reset(seed=0)
    start = time.perf_counter()
    for step in range(1, w["warmup_steps"] + steps + 1):
        if step == w["warmup_steps"] + 1:
            start = time.perf_counter()
        if step <= w["learning_starts"] or rng.random() < epsilon(w, float(step - w["warmup_steps"])):
            action = int(rng.integers(outputs))
        else:
            with torch.inference_mode():
                action = int(network(torch.from_numpy(observation)).argmax())
        successor, reward, terminated, truncated, _ = env.step(action)
        place = (step - 1) % size
        for column, value in zip(ring, (observation, action, reward, successor, terminated)):
            column[place] = value
        observation, length = successor, length + 1
        if terminated or truncated:
            lengths.append(length)
            length = 0
            observation, _ = env.reset()
        if step > w["learning_starts"] and step % w["train_freq"] == 0:
            for _ in range(w["gradient_steps"]):
                rows = rng.integers(min(step, size), size=w["batch_size"])
                update(*(torch.from_numpy(column[rows]) for column in ring))
                updates += 1
        if step % w["target_update_interval"] == 0:
            target.load_state_dict(network.state_dict())
    seconds = time.perf_counter() - start
    used, eps = torch_used(network, optimiser)
    used |= {**eps, "env": env.spec.id, "buffer_size": len(observations)}
    return report(w, used, seconds, updates, steps, episode_length=float(np.mean(lengths[-20:])))


def stable_baselines3(w, fraction):
    import torch
    from stable_baselines3 import DQN
    from stable_baselines3.dqn import dqn

    torch.set_num_threads(w["threads"])
    if w["loss"] == "mse":
        # It has no setting for the loss: what it calls by this name is replaced.
        dqn.F = types.SimpleNamespace(smooth_l1_loss=torch.nn.functional.mse_loss)
    layers, extra = hidden_layers(w["net_arch"])
    network = {
        "net_arch": [int(layer) for layer in layers],
        "activation_fn": torch.nn.Tanh if extra == "tanh" else torch.nn.ReLU,
        "optimizer_kwargs": {"eps": w["adam_eps"]},
    }
    same = "learning_rate buffer_size learning_starts batch_size gamma train_freq gradient_steps target_update_interval"
    model = DQN(
        "MlpPolicy", w["env"], policy_kwargs=network, seed=0, device="cpu", **{key: w[key] for key in same.split()},
        # It always clips, and a norm without limit is how to say that it should not.
        max_grad_norm=math.inf if w["max_grad_norm"] is None else w["max_grad_norm"],
        exploration_initial_eps=w["exploration_initial_eps"], exploration_final_eps=w["exploration_final_eps"],
        # A part of the steps it is told to make: of fewer steps a larger part.
        exploration_fraction=w["exploration_fraction"] / fraction,
    )  # fmt: skip
    if w["warmup_steps"]:
        model.learn(w["warmup_steps"], log_interval=None)
    before = model.num_timesteps
    start = time.perf_counter()
    model.learn(round(w["steps"] * fraction), log_interval=None, reset_num_timesteps=False)
    seconds = time.perf_counter() - start
    used, eps = torch_used(model.q_net, model.policy.optimizer)
    used |= {**eps, **{key: getattr(model, key) for key in same.split()}}
    used |= {
        "env": model.env.envs[0].spec.id,
        "num_envs": model.n_envs,
        "train_freq": model.train_freq.frequency,
        "buffer_size": model.replay_buffer.buffer_size,
        "learning_rate": model.policy.optimizer.param_groups[0]["lr"],
        "loss": {"mse_loss": "mse", "smooth_l1_loss": "huber"}[dqn.F.smooth_l1_loss.__name__],
        "max_grad_norm": None if math.isinf(model.max_grad_norm) else model.max_grad_norm,
        "exploration_initial_eps": model.exploration_initial_eps,
        "exploration_final_eps": model.exploration_final_eps,
        "exploration_fraction": round(model.exploration_fraction * fraction, 12),
    }
    lengths = [episode["l"] for episode in list(model.ep_info_buffer)[-20:]]
    return report(w, used, seconds, model._n_updates, model.num_timesteps - before, episode_length=sum(lengths) / len(lengths))


# JAX: the whole training is one compiled scan.


def jax_network(w, inputs, outputs):
    """Parameters, and the function from them and a batch of observations to a batch of values."""
    import jax
    import jax.numpy as jnp

    layers, extra = hidden_layers(w["net_arch"])
    normed, squash = extra == "layernorm", jnp.tanh if extra == "tanh" else jax.nn.relu
    widths = [inputs, *map(int, layers), outputs]
    draw = jax.nn.initializers.lecun_normal()
    keys = jax.random.split(jax.random.key(0), len(widths))
    parameters = [
        {"weight": draw(key, (above, below)), "bias": jnp.zeros(below)} for key, above, below in zip(keys, widths, widths[1:])
    ]
    for layer in parameters[:-1] if normed else []:
        layer |= {"scale": jnp.ones_like(layer["bias"]), "shift": jnp.zeros_like(layer["bias"])}

    def values(parameters, x):
        for layer in parameters[:-1]:
            x = x @ layer["weight"] + layer["bias"]
            if "scale" in layer:
                mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
                x = (x - mean) * jax.lax.rsqrt(variance + 1e-5) * layer["scale"] + layer["shift"]
            x = squash(x)
        return x @ parameters[-1]["weight"] + parameters[-1]["bias"]

    return parameters, values


def jax_training(w, fraction):
    """What DQN and PQN share: the optimiser, the environments, a step of them all, and the run."""
    import gymnax
    import jax
    import jax.numpy as jnp
    import optax

    env, told = gymnax.make(w["env"])
    copies, actions = w["num_envs"], env.num_actions
    parameters, values = jax_network(w, env.observation_space(told).shape[0], actions)
    adam = optax.adam(w["learning_rate"], eps=w["adam_eps"])
    optimiser = optax.chain(optax.clip_by_global_norm(w["max_grad_norm"]), adam) if w["max_grad_norm"] else adam

    def act(key, parameters, state, observations, step):
        """The chosen actions and their step; new episodes begin by themselves."""
        explores, drawn, moves = jax.random.split(key, 3)
        q = values(parameters, observations)
        exploring = jax.random.uniform(explores, (copies,)) < epsilon(w, step)
        chosen = jnp.where(exploring, jax.random.randint(drawn, (copies,), 0, actions), q.argmax(-1))
        following, state, rewards, dones, _ = jax.vmap(env.step, in_axes=(0, 0, 0, None))(
            jax.random.split(moves, copies), state, chosen, told
        )
        return state, following, {"observation": observations, "action": chosen, "reward": rewards, "done": dones, "q": q}

    def improve(parameters, momenta, observations, chosen, wanted):
        def loss(parameters):
            q = jnp.take_along_axis(values(parameters, observations), chosen[:, None], 1)[:, 0]
            return jnp.mean(jnp.square(q - wanted))

        changes, momenta = optimiser.update(jax.grad(loss)(parameters), momenta, parameters)
        return optax.apply_updates(parameters, changes), momenta

    def run(train, transitions):
        """`train` of a key gives the episodes that ended and the updates made, one number of each for every scanned step."""
        state = jax.vmap(env.reset, in_axes=(0, None))(jax.random.split(jax.random.key(1), copies), told)
        start = time.perf_counter()
        compiled = jax.jit(train).lower(jax.random.key(2), *state).compile()
        compiled_at = time.perf_counter()
        ended, updates = jax.block_until_ready(compiled(jax.random.key(2), *state))
        seconds = time.perf_counter() - compiled_at
        late = len(ended) // 10
        used = {
            "net_arch": f"mlp:{','.join(str(len(layer['bias'])) for layer in parameters[:-1])}"
            + ("" if "scale" not in parameters[0] else ":layernorm"),
            "env": env.name,
            "num_envs": len(state[0]),
            "threads": len(os.sched_getaffinity(0)),
        }
        lengths = float(late * transitions / len(ended) / max(1, ended[-late:].sum()))
        made = int(updates.sum())
        return report(w, used, seconds, made, transitions, compile_seconds=compiled_at - start, episode_length=lengths)

    assert w["loss"] == "mse"
    return parameters, values, optimiser, act, improve, run


def jax_dqn(w, fraction):
    import flashbax
    import jax
    import jax.numpy as jnp

    copies, rounds = w["num_envs"], round(w["steps"] * fraction) // w["num_envs"]
    parameters, values, optimiser, act, improve, run = jax_training(w, fraction)
    buffer = flashbax.make_flat_buffer(w["buffer_size"], w["batch_size"], w["batch_size"], add_batch_size=copies)
    empty = {"observation": jnp.zeros(4), "action": jnp.int32(0), "reward": jnp.float32(0), "done": jnp.bool_(False)}

    def step(carry, now):
        parameters, target, momenta, replay, state, observations = carry
        key, count = now
        acting, sampling = jax.random.split(key)
        state, following, seen = act(acting, parameters, state, observations, count - copies)
        replay = buffer.add(replay, {name: seen[name].astype(empty[name].dtype) for name in empty})

        def update(parameters, momenta):
            pair = buffer.sample(replay, sampling).experience
            best = values(target, pair.second["observation"]).max(-1)
            wanted = pair.first["reward"] + w["gamma"] * (1 - pair.first["done"]) * best
            return improve(parameters, momenta, pair.first["observation"], pair.first["action"], wanted)

        learns = (count > w["learning_starts"]) & (count % w["train_freq"] == 0)
        parameters, momenta = jax.lax.cond(learns, update, lambda *same: same, parameters, momenta)
        copied = count % w["target_update_interval"] == 0
        target = jax.lax.cond(copied, lambda: parameters, lambda: target)
        return (parameters, target, momenta, replay, state, following), (seen["done"].sum(), learns)

    def train(key, observations, state):
        carry = (parameters, parameters, optimiser.init(parameters), buffer.init(empty), state, observations)
        return jax.lax.scan(step, carry, (jax.random.split(key, rounds), jnp.arange(1, rounds + 1) * copies))[1]

    assert w["gradient_steps"] == 1 and not w["warmup_steps"]
    return run(train, rounds * copies)


def jax_pqn(w, fraction):
    import jax
    import jax.numpy as jnp

    copies, length, parts = w["num_envs"], w["num_steps"], w["num_minibatches"]
    rollouts = round(w["steps"] * fraction) // (copies * length)
    parameters, values, optimiser, act, improve, run = jax_training(w, fraction)

    def rollout(carry, now):
        parameters, momenta, state, observations = carry
        key, count = now
        acting, shuffling = jax.random.split(key)

        def step(carry, key):
            state, observations, seen = act(key, parameters, *carry, count)
            return (state, observations), seen

        (state, observations), seen = jax.lax.scan(step, (state, observations), jax.random.split(acting, length))

        def back(carry, seen):
            # The lambda return of the step after, and the greatest value of its state.
            later, best = carry
            mixed = w["lambda"] * later + (1 - w["lambda"]) * best
            now = seen["reward"] + w["gamma"] * (1 - seen["done"]) * mixed
            return (now, seen["q"].max(-1)), now

        last = values(parameters, observations).max(-1)
        _, wanted = jax.lax.scan(back, (last, last), seen, reverse=True)
        rows = (seen["observation"], seen["action"], wanted)

        def epoch(carry, key):
            order = jax.random.permutation(key, copies * length)
            batches = [row.reshape(copies * length, *row.shape[2:])[order] for row in rows]
            batches = [row.reshape(parts, -1, *row.shape[1:]) for row in batches]
            return jax.lax.scan(lambda carry, batch: (improve(*carry, *batch), None), carry, batches)

        (parameters, momenta), _ = jax.lax.scan(epoch, (parameters, momenta), jax.random.split(shuffling, w["update_epochs"]))
        return (parameters, momenta, state, observations), (seen["done"].sum(), w["update_epochs"] * parts)

    def train(key, observations, state):
        carry = (parameters, optimiser.init(parameters), state, observations)
        return jax.lax.scan(rollout, carry, (jax.random.split(key, rollouts), jnp.arange(rollouts) * copies * length))[1]

    return run(train, rollouts * copies * length)


PEERS = {
    "Stable-Baselines3": stable_baselines3,
    "PyTorch and Gymnasium": pytorch_and_gymnasium,
    "JAX and gymnax": jax_dqn,
    "JAX and gymnax, PQN": jax_pqn,
    "PyTorch": lambda w, _: one_update(w),
    "PyTorch, fused Adam": lambda w, _: one_update(w, fused=True),
    "PyTorch, fused, NHWC": lambda w, _: one_update(w, fused=True, channels_last=True),
}


def main():
    who, settings, fraction = sys.argv[1:]
    try:
        result = PEERS[who](json.loads(settings), float(fraction))
    except ImportError as error:
        result = {"not_run": str(error)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
