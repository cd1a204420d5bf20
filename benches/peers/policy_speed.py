"""Speed of policy gradient and of continuous control here and in Stable-Baselines3: the same settings for both, in one run.

    python3.11 -m venv target/peers && target/peers/bin/pip install -r benches/peers/requirements.txt
    cargo build --release && target/peers/bin/python benches/peers/policy_speed.py --workload ppo

`potstill bench actor-critic` says which settings it ran with; Stable-Baselines3 is built from them, and what its objects then have
is compared with them key by key: at a difference the run ends. Neither evaluates, saves or logs. A measurement
is a process of its own, on as many cores as it has threads; a figure is the median of the rounds, which alternate. With
`--fraction` the peer trains only for this part of the steps, and its time is divided by it: the part before learning starts is then
too large a share, and it looks faster than it is.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

from deep_speed import BINARY, measure

WORKLOADS = ["matched", "purejaxrl", "ppo", "a2c", "lunar-lander", "sac", "td3", "ddpg"]

# Settings of potstill that Stable-Baselines3's constructors have under the same name, by algorithm.
OF_ALL = ["gamma"]
ON_POLICY = [*OF_ALL, "n_steps", "gae_lambda", "ent_coef", "vf_coef", "max_grad_norm", "normalize_advantage", "use_sde"]
REPLAYED = [*OF_ALL, "batch_size", "buffer_size", "learning_starts", "tau", "gradient_steps"]
SAME = {
    "ppo": [*ON_POLICY, "batch_size", "n_epochs"],
    "a2c": ON_POLICY,
    "sac": [*REPLAYED, "ent_coef", "target_entropy", "use_sde"],
    "td3": [*REPLAYED, "policy_delay"],
    "ddpg": REPLAYED,
}
# Settings that do not change what is computed in these workloads: of optimisers and environments that are not in use, of
# checkpoints, of the seed.
IDLE = {
    *["algorithm", "command", "checkpoints_kept", "eval_freq", "eval_episodes", "log_interval", "seed", "memory_limit", "steps"],
    *["beta1", "centered", "nesterov", "weight_decay", "l2_penalty", "ou_dt", "ou_theta"],
}


def schedule(value):
    """A number, or `linear:A:B:run` as Stable-Baselines3 has it: of the share of the run that is left."""
    if not isinstance(value, str):
        return value
    kind, start, end, length = value.split(":")
    assert (kind, length) == ("linear", "run"), value
    return lambda left: float(end) + (float(start) - float(end)) * left


def built(s, threads):
    """Stable-Baselines3's object for these settings, and what it has of them."""
    import numpy as np
    import stable_baselines3 as sb3
    import torch
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.noise import NormalActionNoise

    torch.set_num_threads(threads)
    algorithm, (_, layers, *activation) = s["algorithm"], s["net_arch"].split(":")
    widths, is_on_policy = [int(width) for width in layers.split(",")], algorithm in ("ppo", "a2c")
    env = make_vec_env(s["env"], n_envs=s["num_envs"], seed=0)
    options = {key: s[key] for key in SAME[algorithm] if s.get(key) is not None}
    options["learning_rate"] = schedule(s["learning_rate"])
    policy = {"net_arch": dict(pi=widths, vf=widths) if is_on_policy else widths}
    if is_on_policy:
        policy |= {"activation_fn": torch.nn.Tanh if activation == ["tanh"] else torch.nn.ReLU}
        policy |= {"ortho_init": s["initialization"] == "orthogonal"}
        if algorithm == "a2c":
            options |= {"use_rms_prop": s["optimizer"] == "rmsprop", "rms_prop_eps": s["optimizer_eps"]}
        else:
            policy |= {"optimizer_kwargs": {"eps": s["optimizer_eps"]}}
            options |= {"clip_range": schedule(s["clip_range"]), "clip_range_vf": s.get("clip_range_vf")}
    else:
        policy |= {"optimizer_kwargs": {"eps": s["optimizer_eps"]}}
        options |= {"train_freq": (s["train_freq"], s["train_freq_unit"])}
        if algorithm != "sac":
            shape = env.action_space.shape
            options |= {"action_noise": NormalActionNoise(np.zeros(shape), s["noise_std"] * np.ones(shape))}
        if algorithm == "td3":
            options |= {"target_policy_noise": s["target_noise"], "target_noise_clip": s["target_noise_clip"]}
    agent = getattr(sb3, algorithm.upper())("MlpPolicy", env, policy_kwargs=policy, device="cpu", seed=0, verbose=0, **options)

    has = {key: getattr(agent, key) for key in SAME[algorithm] if hasattr(agent, key)}
    if algorithm == "sac":
        has |= {"target_entropy": s["target_entropy"] if agent.target_entropy == -env.action_space.shape[0] else "other"}
    has |= {"env": env.envs[0].unwrapped.spec.id, "num_envs": env.num_envs}
    optimizer = (agent.policy if is_on_policy else agent.actor).optimizer
    group = optimizer.param_groups[0]
    has |= {"optimizer": {"Adam": "adam", "RMSprop": "rmsprop"}.get(type(optimizer).__name__), "optimizer_eps": group["eps"]}
    # The rates at the beginning and in the middle of the run.
    has |= {"learning_rate": [agent.lr_schedule(left) for left in (1.0, 0.5)]}
    parts = agent.policy.mlp_extractor if is_on_policy else None
    networks = [parts.policy_net, parts.value_net] if is_on_policy else [agent.actor, agent.critic.q_networks[0]]
    forms = {form_of(network, len(widths), is_on_policy) for network in networks}
    # Both networks have the one form, or the difference is told.
    has |= {"net_arch": forms.pop() if len(forms) == 1 else sorted(forms)}
    if algorithm == "ppo":
        has |= {"clip_range": [agent.clip_range(left) for left in (1.0, 0.5)]}
        has |= {"clip_range_vf": agent.clip_range_vf(1.0)} if agent.clip_range_vf else {}
    if algorithm == "a2c":
        has |= {"momentum": group["alpha"]}
    if is_on_policy:
        has |= {"initialization": "orthogonal" if agent.policy.ortho_init else "pytorch"}
        # A wrapper of the environment would do it.
        is_normalized = type(env).__name__ == "VecNormalize"
        has |= {"normalize_observations": is_normalized, "normalize_rewards": is_normalized, "shared_trunk": False}
        log_std = getattr(agent.policy, "log_std", None)
        has |= {"log_std_init": s["log_std_init"] if log_std is None else log_std.detach().mean().item()}
    else:
        has |= {"train_freq": agent.train_freq.frequency, "train_freq_unit": agent.train_freq.unit.value}
        # Its off-policy networks have no other.
        has |= {"initialization": "pytorch"}
        if algorithm == "sac":
            has |= {"ent_coef_init": agent.log_ent_coef.detach().exp().item()}
            # Without gSDE there is none.
            has |= {} if s["use_sde"] else {"log_std_init": s["log_std_init"]}
    if algorithm in ("td3", "ddpg"):
        has |= {"noise_type": "normal", "noise_std": float(agent.action_noise._sigma[0])}
    if algorithm == "td3":
        has |= {"target_noise": agent.target_policy_noise, "target_noise_clip": agent.target_noise_clip}
    return agent, has


def form_of(network, hidden, is_on_policy):
    """The hidden layers of a network as potstill writes them."""
    import torch

    linear = [module.out_features for module in network.modules() if isinstance(module, torch.nn.Linear)]
    tanh = is_on_policy and any(isinstance(module, torch.nn.Tanh) for module in network.modules())
    return f"mlp:{','.join(map(str, linear[:hidden]))}{':tanh' if tanh else ''}"


def differences(s, has):
    """The settings of potstill that the peer has not, or has with another value."""
    ours = {key: value for key, value in s.items() if key not in IDLE and value is not None}
    if s["algorithm"] != "a2c":
        ours.pop("momentum", None)
    for key in ("learning_rate", "clip_range"):
        if key in ours:
            rate = schedule(ours[key])
            ours[key] = [rate(left) if callable(rate) else rate for left in (1.0, 0.5)]

    def near(a, b):
        if isinstance(a, list) and isinstance(b, list):
            return all(near(x, y) for x, y in zip(a, b, strict=True))
        numbers = isinstance(a, (int, float)) and isinstance(b, (int, float)) and not isinstance(a, bool)
        return abs(a - b) <= 1e-9 * max(abs(a), abs(b)) if numbers else a == b

    return [
        f"  {key}: {has.get(key, 'not told')} instead of {value}"
        for key, value in sorted(ours.items())
        if key not in has or not near(value, has[key])
    ]


def peer(settings, fraction, threads):
    """Trains Stable-Baselines3 and prints its time."""
    import importlib.metadata

    agent, has = built(settings, threads)
    other = differences(settings, has)
    steps = round(settings["steps"] * fraction)
    start = time.perf_counter()
    if not other:
        agent.learn(steps)
    seconds = time.perf_counter() - start
    versions = {name: importlib.metadata.version(name) for name in ("stable_baselines3", "torch", "gymnasium", "numpy")}
    print(json.dumps({"seconds": seconds, "steps": agent.num_timesteps, "differences": other, "versions": versions}))


def compared(name, arguments):
    """The medians of both."""
    ours, theirs = [], []
    for _ in range(arguments.rounds):
        command = [BINARY, "bench", "actor-critic", "--workload", name, "--json"]
        told = json.loads(subprocess.run([*command, "--steps", "1"], capture_output=True, text=True, check=True).stdout)
        threads = arguments.threads or told["threads"]
        ours.append(measure([*command, "--threads", str(threads)], threads))
        settings = json.dumps(ours[-1]["settings"])
        command = [sys.executable, __file__, "--peer", settings, "--fraction", str(arguments.fraction), "--threads", str(threads)]
        theirs.append(measure(command, threads))
        if theirs[-1]["differences"]:
            sys.exit("\n".join([f"NOT COMPARED: Stable-Baselines3 has other settings of {name}:", *theirs[-1]["differences"]]))
    seconds = statistics.median(run["seconds"] for run in ours)
    peers = statistics.median(run["seconds"] * ours[0]["steps"] / run["steps"] for run in theirs)
    return {
        "workload": name,
        "threads": threads,
        "steps": ours[0]["steps"],
        "potstill_seconds": seconds,
        "stable_baselines3_seconds": peers,
        "ratio": peers / seconds,
        "fraction": arguments.fraction,
        "settings": ours[0]["settings"],
        "versions": theirs[0]["versions"],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", action="append", choices=WORKLOADS, help="repeatable; all unless given")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, help="those of the workload unless given")
    parser.add_argument("--fraction", type=float, default=1.0, help="the peer trains only for this part of the steps")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        return peer(json.loads(arguments.peer), arguments.fraction, arguments.threads)
    results = []
    for name in arguments.workload or WORKLOADS:
        results.append(compared(name, arguments))
        if not arguments.json:
            r = results[-1]
            print(
                f"{name:14}{r['steps']:>10,} steps, {r['threads']} threads: potstill {r['potstill_seconds']:.3g} s, "
                f"Stable-Baselines3 {r['stable_baselines3_seconds']:.3g} s, {r['ratio']:.1f} times"
            )
    if arguments.json:
        print(json.dumps({"rounds": arguments.rounds, "results": results}, indent=1))


if __name__ == "__main__":
    main()
