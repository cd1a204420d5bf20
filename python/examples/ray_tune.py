"""A search of settings with Ray Tune: runs are trials, and ASHA stops the poor ones early.

    pip install 'potstill[gym,ray]'
    python python/examples/ray_tune.py [--trials 8] [--steps 20000]
"""

import argparse
from pathlib import Path

import potstill as ps
from ray import tune
from ray.tune.schedulers import ASHAScheduler


def trial(config):
    """Trains with the settings of a trial, and reports every evaluation."""
    settings = dict(config)
    out = Path(settings.pop("folder")) / tune.get_context().get_trial_id()

    def on_record(record):
        if "eval/mean_reward" in record:
            tune.report({"score": record["eval/mean_reward"], "step": record["step"], "run": str(out)})

    # A trial has the cores that Ray gave it: one.
    ps.train("dqn", env="CartPole-v1", out=out, threads=1, callback=on_record, **settings)


def search(trials=8, steps=20_000, folder="runs/tune"):
    """The results of the search; the runs are in the folder, which all machines share."""
    folder = Path(folder).absolute()
    space = {
        "folder": str(folder),
        "learning_rate": tune.loguniform(1e-4, 1e-2),
        "net_arch": tune.choice(["mlp:16", "mlp:64,64"]),
        "steps": steps,
        "eval_freq": steps // 8,
        "preset": "none",
    }
    scheduler = ASHAScheduler(time_attr="step", max_t=steps, grace_period=steps // 4, reduction_factor=2)
    settings = tune.TuneConfig(num_samples=trials, metric="score", mode="max", scheduler=scheduler)
    return tune.Tuner(trial, param_space=space, tune_config=settings).fit()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--steps", type=int, default=20_000)
    arguments = parser.parse_args()
    best = search(arguments.trials, arguments.steps).get_best_result()
    print(f"best: {best.metrics['score']:.1f} with {best.config}, in {best.metrics['run']}")
