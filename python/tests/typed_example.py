"""A program that the type checker reads with all its rules."""

import numpy as np
import potstill as ps


def best_return(env: str, seeds: int) -> float:
    run: ps.Run = ps.train("dqn", env=env, steps=1_000, seeds=seeds, learning_rate=1e-3)
    curve: ps.Curve = run.runs[0].metrics["rollout/ep_rew_mean"]
    student = ps.distill(run.runs[0], student="mlp:4", seed=1)
    action, _ = student.predict(np.zeros(4, dtype=np.float32), deterministic=True)
    try:
        ps.load("runs/none")
    except ps.InputError as error:
        print(error, action)
    return float(curve.values.max())
