"""The algorithms as classes, each with its settings as keywords. Written by a test from their descriptors
(`crates/potstill/tests/python_classes.rs`), not by hand.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from potstill.algorithm import Algorithm

__all__ = [
    "QLearning",
    "SARSA",
    "ExpectedSARSA",
    "DoubleQLearning",
    "SpeedyQLearning",
    "RLearning",
    "GradientBandit",
    "NStepSARSA",
    "OffPolicyNStepSARSA",
    "TreeBackup",
    "SARSALambda",
    "QLambda",
    "MonteCarlo",
    "OffPolicyMonteCarlo",
    "TDPrediction",
    "TDLambdaPrediction",
    "NStepTDPrediction",
    "MonteCarloPrediction",
    "SemiGradientTD",
    "GradientMonteCarlo",
    "SemiGradientSARSA",
    "DynaQ",
    "DynaQPlus",
    "PrioritizedSweeping",
    "MCTS",
    "ValueIteration",
    "PolicyIteration",
    "ModifiedPolicyIteration",
    "DQN",
    "C51",
    "QRDQN",
    "IQN",
    "Rainbow",
    "PQN",
    "REINFORCE",
    "ActorCritic",
    "A2C",
    "PPO",
    "DDPG",
    "TD3",
    "SAC",
    "CrossQ",
    "Bc",
    "Bcq",
    "Cql",
    "Fqi",
    "Iql",
    "TD3Bc",
    "Rebrac",
    "RandomLinear",
]


class QLearning(Algorithm):
    """Learn the greedy policy's values while exploring.

    Source: Watkins 1989; Sutton and Barto 2018, section 6.5.
    """

    name = "q-learning"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        exploration: Any | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        target_epsilon: float | None = None,
        temperature: float | str | Callable[[float], float] | None = None,
        ucb_c: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the updates of the value. Source: 0.5, with
                which Sutton and Barto 2018, Example 6.6 is commonly reproduced (above 0 (1e-30) and up to 1);
                default 0.5.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Probability of exploring, if epsilon-greedy; a number or a schedule; 1/n counts the visits of
                the state. Source: Sutton and Barto 2018, Example 6.6 (from 0 to 1); default 0.1.
            exploration: Exploration of the behaviour policy. Source: Sutton and Barto 2018, Example 6.6; default
                "epsilon-greedy".
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 6.6 (undiscounted) (from 0 to 1); default 1.0.
            initial_value: Initial value of every state and action. Source: 0, as commonly (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            target_epsilon: Probability of exploring in the target policy; 0 is greedy. Source: Watkins 1989 (from 0
                to 1); default 0.0.
            temperature: Temperature of the softmax, if boltzmann, in units of the return; a number or a schedule.
                Source: 1, where rewards are of about that size (above 0 (1e-30 to 1e30)); default 1.0.
            ucb_c: Weight of the upper confidence bound, if ucb, in units of the return. Source: 2, with which
                Sutton and Barto 2018, figure 2.4 is drawn (0 or above (1e-30 to 1e30)); default 2.0.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class SARSA(Algorithm):
    """Learn the values of the exploring behaviour policy.

    Source: Rummery and Niranjan 1994; Sutton and Barto 2018, section 6.4.
    """

    name = "sarsa"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        exploration: Any | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        temperature: float | str | Callable[[float], float] | None = None,
        ucb_c: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the updates of the value. Source: 0.5, with
                which Sutton and Barto 2018, Example 6.6 is commonly reproduced (above 0 (1e-30) and up to 1);
                default 0.5.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Probability of exploring, if epsilon-greedy; a number or a schedule; 1/n counts the visits of
                the state. Source: Sutton and Barto 2018, Example 6.6 (from 0 to 1); default 0.1.
            exploration: Exploration of the behaviour policy. Source: Sutton and Barto 2018, Example 6.6; default
                "epsilon-greedy".
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 6.6 (undiscounted) (from 0 to 1); default 1.0.
            initial_value: Initial value of every state and action. Source: 0, as commonly (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            temperature: Temperature of the softmax, if boltzmann, in units of the return; a number or a schedule.
                Source: 1, where rewards are of about that size (above 0 (1e-30 to 1e30)); default 1.0.
            ucb_c: Weight of the upper confidence bound, if ucb, in units of the return. Source: 2, with which
                Sutton and Barto 2018, figure 2.4 is drawn (0 or above (1e-30 to 1e30)); default 2.0.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class ExpectedSARSA(Algorithm):
    """SARSA with the expectation over next actions in its target.

    Source: van Seijen et al. 2009; Sutton and Barto 2018, section 6.6.
    """

    name = "expected-sarsa"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        exploration: Any | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        temperature: float | str | Callable[[float], float] | None = None,
        ucb_c: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the updates of the value. Source: 0.5, with
                which Sutton and Barto 2018, Example 6.6 is commonly reproduced (above 0 (1e-30) and up to 1);
                default 0.5.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Probability of exploring, if epsilon-greedy; a number or a schedule; 1/n counts the visits of
                the state. Source: Sutton and Barto 2018, Example 6.6 (from 0 to 1); default 0.1.
            exploration: Exploration of the behaviour policy. Source: Sutton and Barto 2018, Example 6.6; default
                "epsilon-greedy".
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 6.6 (undiscounted) (from 0 to 1); default 1.0.
            initial_value: Initial value of every state and action. Source: 0, as commonly (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            temperature: Temperature of the softmax, if boltzmann, in units of the return; a number or a schedule.
                Source: 1, where rewards are of about that size (above 0 (1e-30 to 1e30)); default 1.0.
            ucb_c: Weight of the upper confidence bound, if ucb, in units of the return. Source: 2, with which
                Sutton and Barto 2018, figure 2.4 is drawn (0 or above (1e-30 to 1e30)); default 2.0.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class DoubleQLearning(Algorithm):
    """Q-learning with two tables, against maximisation bias.

    Source: van Hasselt 2010; Sutton and Barto 2018, section 6.7.
    """

    name = "double-q-learning"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        exploration: Any | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        temperature: float | str | Callable[[float], float] | None = None,
        ucb_c: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the updates of the value. Source: 0.5, with
                which Sutton and Barto 2018, Example 6.6 is commonly reproduced (above 0 (1e-30) and up to 1);
                default 0.5.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Probability of exploring, if epsilon-greedy; a number or a schedule; 1/n counts the visits of
                the state. Source: Sutton and Barto 2018, Example 6.6 (from 0 to 1); default 0.1.
            exploration: Exploration of the behaviour policy. Source: Sutton and Barto 2018, Example 6.6; default
                "epsilon-greedy".
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 6.6 (undiscounted) (from 0 to 1); default 1.0.
            initial_value: Initial value of every state and action. Source: 0, as commonly (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            temperature: Temperature of the softmax, if boltzmann, in units of the return; a number or a schedule.
                Source: 1, where rewards are of about that size (above 0 (1e-30 to 1e30)); default 1.0.
            ucb_c: Weight of the upper confidence bound, if ucb, in units of the return. Source: 2, with which
                Sutton and Barto 2018, figure 2.4 is drawn (0 or above (1e-30 to 1e30)); default 2.0.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class SpeedyQLearning(Algorithm):
    """Q-learning with two successive tables, which allows large steps.

    Source: Azar et al. 2011.
    """

    name = "speedy-q-learning"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        exploration: Any | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        temperature: float | str | Callable[[float], float] | None = None,
        ucb_c: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the updates of the value. Source: 0.5, with
                which Sutton and Barto 2018, Example 6.6 is commonly reproduced (above 0 (1e-30) and up to 1);
                default 0.5.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Probability of exploring, if epsilon-greedy; a number or a schedule; 1/n counts the visits of
                the state. Source: Sutton and Barto 2018, Example 6.6 (from 0 to 1); default 0.1.
            exploration: Exploration of the behaviour policy. Source: Sutton and Barto 2018, Example 6.6; default
                "epsilon-greedy".
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 6.6 (undiscounted) (from 0 to 1); default 1.0.
            initial_value: Initial value of every state and action. Source: 0, as commonly (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            temperature: Temperature of the softmax, if boltzmann, in units of the return; a number or a schedule.
                Source: 1, where rewards are of about that size (above 0 (1e-30 to 1e30)); default 1.0.
            ucb_c: Weight of the upper confidence bound, if ucb, in units of the return. Source: 2, with which
                Sutton and Barto 2018, figure 2.4 is drawn (0 or above (1e-30 to 1e30)); default 2.0.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class RLearning(Algorithm):
    """Maximise the average reward of a continuing task.

    Source: Schwartz 1993; Sutton and Barto 1998, figure 6.16.
    """

    name = "r-learning"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        beta: float | str | Callable[[float], float] | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        exploration: Any | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        temperature: float | str | Callable[[float], float] | None = None,
        ucb_c: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the updates of the value. Source: 0.5, with
                which Sutton and Barto 2018, Example 6.6 is commonly reproduced (above 0 (1e-30) and up to 1);
                default 0.5.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            beta: Step size beta of the average reward, a number or a schedule; 1/n counts its updates. Source:
                0.01, Sutton and Barto 1998, Example 6.7 (above 0 (1e-30) and up to 1); default 0.01.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Probability of exploring, if epsilon-greedy; a number or a schedule; 1/n counts the visits of
                the state. Source: Sutton and Barto 2018, Example 6.6 (from 0 to 1); default 0.1.
            exploration: Exploration of the behaviour policy. Source: Sutton and Barto 2018, Example 6.6; default
                "epsilon-greedy".
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 6.6 (undiscounted) (from 0 to 1); default 1.0.
            initial_value: Initial value of every state and action. Source: 0, as commonly (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            temperature: Temperature of the softmax, if boltzmann, in units of the return; a number or a schedule.
                Source: 1, where rewards are of about that size (above 0 (1e-30 to 1e30)); default 1.0.
            ucb_c: Weight of the upper confidence bound, if ucb, in units of the return. Source: 2, with which
                Sutton and Barto 2018, figure 2.4 is drawn (0 or above (1e-30 to 1e30)); default 2.0.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class GradientBandit(Algorithm):
    """Preferences among the arms of a bandit, by gradient ascent on the reward.

    Source: Williams 1992; Sutton and Barto 2018, section 2.8.
    """

    name = "gradient-bandit"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        baseline: bool | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        from_: Any | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the steps. Source: 0.1, the better of Sutton
                and Barto 2018, figure 2.5 (above 0 (1e-30 to 1e30)); default 0.1.
            baseline: Comparison of each reward with the mean of those before. Source: true, Sutton and Barto 2018,
                figure 2.5; default true.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class NStepSARSA(Algorithm):
    """SARSA with n-step returns.

    Source: Sutton and Barto 2018, section 7.2.
    """

    name = "n-step-sarsa"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        exploration: Any | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        n: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        temperature: float | str | Callable[[float], float] | None = None,
        ucb_c: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the updates of the value. Source: 0.5, with
                which Sutton and Barto 2018, Example 6.6 is commonly reproduced (above 0 (1e-30) and up to 1);
                default 0.5.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Probability of exploring, if epsilon-greedy; a number or a schedule; 1/n counts the visits of
                the state. Source: Sutton and Barto 2018, Example 6.6 (from 0 to 1); default 0.1.
            exploration: Exploration of the behaviour policy. Source: Sutton and Barto 2018, Example 6.6; default
                "epsilon-greedy".
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 6.6 (undiscounted) (from 0 to 1); default 1.0.
            initial_value: Initial value of every state and action. Source: 0, as commonly (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            n: Rewards in a return before it bootstraps. Source: 4, about where Sutton and Barto 2018, figure 7.2 is
                best (1 or above); default 4.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            temperature: Temperature of the softmax, if boltzmann, in units of the return; a number or a schedule.
                Source: 1, where rewards are of about that size (above 0 (1e-30 to 1e30)); default 1.0.
            ucb_c: Weight of the upper confidence bound, if ucb, in units of the return. Source: 2, with which
                Sutton and Barto 2018, figure 2.4 is drawn (0 or above (1e-30 to 1e30)); default 2.0.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class OffPolicyNStepSARSA(Algorithm):
    """N-step SARSA of the greedy policy, by importance sampling.

    Source: Sutton and Barto 2018, section 7.3.
    """

    name = "off-policy-n-step-sarsa"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        exploration: Any | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        n: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        target_epsilon: float | None = None,
        temperature: float | str | Callable[[float], float] | None = None,
        ucb_c: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the updates of the value. Source: 0.5, with
                which Sutton and Barto 2018, Example 6.6 is commonly reproduced (above 0 (1e-30) and up to 1);
                default 0.5.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Probability of exploring, if epsilon-greedy; a number or a schedule; 1/n counts the visits of
                the state. Source: Sutton and Barto 2018, Example 6.6 (from 0 to 1); default 0.1.
            exploration: Exploration of the behaviour policy. Source: Sutton and Barto 2018, Example 6.6; default
                "epsilon-greedy".
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 6.6 (undiscounted) (from 0 to 1); default 1.0.
            initial_value: Initial value of every state and action. Source: 0, as commonly (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            n: Rewards in a return before it bootstraps. Source: 4, about where Sutton and Barto 2018, figure 7.2 is
                best (1 or above); default 4.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            target_epsilon: Probability of exploring in the target policy; 0 is greedy. Source: Watkins 1989 (from 0
                to 1); default 0.0.
            temperature: Temperature of the softmax, if boltzmann, in units of the return; a number or a schedule.
                Source: 1, where rewards are of about that size (above 0 (1e-30 to 1e30)); default 1.0.
            ucb_c: Weight of the upper confidence bound, if ucb, in units of the return. Source: 2, with which
                Sutton and Barto 2018, figure 2.4 is drawn (0 or above (1e-30 to 1e30)); default 2.0.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class TreeBackup(Algorithm):
    """N-step returns of the greedy policy, without importance sampling.

    Source: Precup et al. 2000; Sutton and Barto 2018, section 7.5.
    """

    name = "tree-backup"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        exploration: Any | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        n: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        target_epsilon: float | None = None,
        temperature: float | str | Callable[[float], float] | None = None,
        ucb_c: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the updates of the value. Source: 0.5, with
                which Sutton and Barto 2018, Example 6.6 is commonly reproduced (above 0 (1e-30) and up to 1);
                default 0.5.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Probability of exploring, if epsilon-greedy; a number or a schedule; 1/n counts the visits of
                the state. Source: Sutton and Barto 2018, Example 6.6 (from 0 to 1); default 0.1.
            exploration: Exploration of the behaviour policy. Source: Sutton and Barto 2018, Example 6.6; default
                "epsilon-greedy".
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 6.6 (undiscounted) (from 0 to 1); default 1.0.
            initial_value: Initial value of every state and action. Source: 0, as commonly (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            n: Rewards in a return before it bootstraps. Source: 4, about where Sutton and Barto 2018, figure 7.2 is
                best (1 or above); default 4.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            target_epsilon: Probability of exploring in the target policy; 0 is greedy. Source: Watkins 1989 (from 0
                to 1); default 0.0.
            temperature: Temperature of the softmax, if boltzmann, in units of the return; a number or a schedule.
                Source: 1, where rewards are of about that size (above 0 (1e-30 to 1e30)); default 1.0.
            ucb_c: Weight of the upper confidence bound, if ucb, in units of the return. Source: 2, with which
                Sutton and Barto 2018, figure 2.4 is drawn (0 or above (1e-30 to 1e30)); default 2.0.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class SARSALambda(Algorithm):
    """SARSA with eligibility traces: accumulating, replacing or dutch.

    Source: Rummery 1995; van Seijen et al. 2016; Sutton and Barto 2018, section 12.7.
    """

    name = "sarsa-lambda"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        exploration: Any | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        lambda_: float | None = None,
        log_interval: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        temperature: float | str | Callable[[float], float] | None = None,
        traces: Any | None = None,
        ucb_c: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the updates of the value. Source: 0.5, with
                which Sutton and Barto 2018, Example 6.6 is commonly reproduced (above 0 (1e-30) and up to 1);
                default 0.5.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Probability of exploring, if epsilon-greedy; a number or a schedule; 1/n counts the visits of
                the state. Source: Sutton and Barto 2018, Example 6.6 (from 0 to 1); default 0.1.
            exploration: Exploration of the behaviour policy. Source: Sutton and Barto 2018, Example 6.6; default
                "epsilon-greedy".
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 6.6 (undiscounted) (from 0 to 1); default 1.0.
            initial_value: Initial value of every state and action. Source: 0, as commonly (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            lambda_: Trace decay lambda, on top of the discount. Source: 0.9, within the best of Sutton and Barto
                2018, figure 12.14 (from 0 to 1); default 0.9.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            temperature: Temperature of the softmax, if boltzmann, in units of the return; a number or a schedule.
                Source: 1, where rewards are of about that size (above 0 (1e-30 to 1e30)); default 1.0.
            traces: Kind of eligibility traces: accumulating, replacing, or dutch (true online). Source: dutch is
                the exact form of the forward view (van Seijen et al. 2016); default "dutch".
            ucb_c: Weight of the upper confidence bound, if ucb, in units of the return. Source: 2, with which
                Sutton and Barto 2018, figure 2.4 is drawn (0 or above (1e-30 to 1e30)); default 2.0.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class QLambda(Algorithm):
    """Q-learning with traces that are cut by exploratory actions.

    Source: Watkins 1989; Sutton and Barto 2018, section 12.10.
    """

    name = "q-lambda"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        exploration: Any | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        lambda_: float | None = None,
        log_interval: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        temperature: float | str | Callable[[float], float] | None = None,
        ucb_c: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the updates of the value. Source: 0.5, with
                which Sutton and Barto 2018, Example 6.6 is commonly reproduced (above 0 (1e-30) and up to 1);
                default 0.5.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Probability of exploring, if epsilon-greedy; a number or a schedule; 1/n counts the visits of
                the state. Source: Sutton and Barto 2018, Example 6.6 (from 0 to 1); default 0.1.
            exploration: Exploration of the behaviour policy. Source: Sutton and Barto 2018, Example 6.6; default
                "epsilon-greedy".
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 6.6 (undiscounted) (from 0 to 1); default 1.0.
            initial_value: Initial value of every state and action. Source: 0, as commonly (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            lambda_: Trace decay lambda, on top of the discount. Source: 0.9, within the best of Sutton and Barto
                2018, figure 12.14 (from 0 to 1); default 0.9.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            temperature: Temperature of the softmax, if boltzmann, in units of the return; a number or a schedule.
                Source: 1, where rewards are of about that size (above 0 (1e-30 to 1e30)); default 1.0.
            ucb_c: Weight of the upper confidence bound, if ucb, in units of the return. Source: 2, with which
                Sutton and Barto 2018, figure 2.4 is drawn (0 or above (1e-30 to 1e30)); default 2.0.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class MonteCarlo(Algorithm):
    """Action values as means of the returns after first visits.

    Source: Sutton and Barto 2018, section 5.4.
    """

    name = "monte-carlo"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        exploration: Any | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        temperature: float | str | Callable[[float], float] | None = None,
        ucb_c: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the updates of the value. Source: 0.5, with
                which Sutton and Barto 2018, Example 6.6 is commonly reproduced (above 0 (1e-30) and up to 1);
                default 0.5.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Probability of exploring, if epsilon-greedy; a number or a schedule; 1/n counts the visits of
                the state. Source: Sutton and Barto 2018, Example 6.6 (from 0 to 1); default 0.1.
            exploration: Exploration of the behaviour policy. Source: Sutton and Barto 2018, Example 6.6; default
                "epsilon-greedy".
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 6.6 (undiscounted) (from 0 to 1); default 1.0.
            initial_value: Initial value of every state and action. Source: 0, as commonly (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            temperature: Temperature of the softmax, if boltzmann, in units of the return; a number or a schedule.
                Source: 1, where rewards are of about that size (above 0 (1e-30 to 1e30)); default 1.0.
            ucb_c: Weight of the upper confidence bound, if ucb, in units of the return. Source: 2, with which
                Sutton and Barto 2018, figure 2.4 is drawn (0 or above (1e-30 to 1e30)); default 2.0.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class OffPolicyMonteCarlo(Algorithm):
    """The greedy policy's values, by weighted importance sampling.

    Source: Precup et al. 2000; Sutton and Barto 2018, section 5.7.
    """

    name = "off-policy-monte-carlo"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        exploration: Any | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        temperature: float | str | Callable[[float], float] | None = None,
        ucb_c: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the updates of the value. Source: 0.5, with
                which Sutton and Barto 2018, Example 6.6 is commonly reproduced (above 0 (1e-30) and up to 1);
                default 0.5.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Probability of exploring, if epsilon-greedy; a number or a schedule; 1/n counts the visits of
                the state. Source: Sutton and Barto 2018, Example 6.6 (from 0 to 1); default 0.1.
            exploration: Exploration of the behaviour policy. Source: Sutton and Barto 2018, Example 6.6; default
                "epsilon-greedy".
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 6.6 (undiscounted) (from 0 to 1); default 1.0.
            initial_value: Initial value of every state and action. Source: 0, as commonly (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            temperature: Temperature of the softmax, if boltzmann, in units of the return; a number or a schedule.
                Source: 1, where rewards are of about that size (above 0 (1e-30 to 1e30)); default 1.0.
            ucb_c: Weight of the upper confidence bound, if ucb, in units of the return. Source: 2, with which
                Sutton and Barto 2018, figure 2.4 is drawn (0 or above (1e-30 to 1e30)); default 2.0.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class TDPrediction(Algorithm):
    """State values of a given policy, by TD(0).

    Source: Sutton 1988; Sutton and Barto 2018, section 6.1.
    """

    name = "td-prediction"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the visits of the state. Source: 0.1, as in
                Sutton and Barto 2018, Example 6.2 (above 0 (1e-30) and up to 1); default 0.1.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Exploration of the policy that is evaluated, if that is another run's; otherwise the policy is
                uniform. Source: 0, the run's own policy (from 0 to 1); default 0.0.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 6.2 (undiscounted) (from 0 to 1); default 1.0.
            initial_value: Initial value of every state. Source: 0, as commonly (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class TDLambdaPrediction(Algorithm):
    """State values of a given policy, by TD(lambda) with eligibility traces.

    Source: Sutton 1988; Sutton and Barto 2018, section 12.2.
    """

    name = "td-lambda-prediction"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        lambda_: float | None = None,
        log_interval: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the visits of the state. Source: 0.1, as in
                Sutton and Barto 2018, Example 6.2 (above 0 (1e-30) and up to 1); default 0.1.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Exploration of the policy that is evaluated, if that is another run's; otherwise the policy is
                uniform. Source: 0, the run's own policy (from 0 to 1); default 0.0.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 6.2 (undiscounted) (from 0 to 1); default 1.0.
            initial_value: Initial value of every state. Source: 0, as commonly (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            lambda_: Trace decay lambda, on top of the discount. Source: 0.9, within the best of Sutton and Barto
                2018, figure 12.14 (from 0 to 1); default 0.9.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class NStepTDPrediction(Algorithm):
    """State values of a given policy, from n-step returns.

    Source: Watkins 1989; Sutton and Barto 2018, section 7.1.
    """

    name = "n-step-td-prediction"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        n: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the visits of the state. Source: 0.1, as in
                Sutton and Barto 2018, Example 6.2 (above 0 (1e-30) and up to 1); default 0.1.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Exploration of the policy that is evaluated, if that is another run's; otherwise the policy is
                uniform. Source: 0, the run's own policy (from 0 to 1); default 0.0.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 6.2 (undiscounted) (from 0 to 1); default 1.0.
            initial_value: Initial value of every state. Source: 0, as commonly (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            n: Rewards in a return before it bootstraps. Source: 4, about where Sutton and Barto 2018, figure 7.2 is
                best (1 or above); default 4.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class MonteCarloPrediction(Algorithm):
    """State values of a given policy, as means of the returns after first visits.

    Source: Sutton and Barto 2018, section 5.1.
    """

    name = "monte-carlo-prediction"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the visits of the state. Source: 0.1, as in
                Sutton and Barto 2018, Example 6.2 (above 0 (1e-30) and up to 1); default 0.1.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Exploration of the policy that is evaluated, if that is another run's; otherwise the policy is
                uniform. Source: 0, the run's own policy (from 0 to 1); default 0.0.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 6.2 (undiscounted) (from 0 to 1); default 1.0.
            initial_value: Initial value of every state. Source: 0, as commonly (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class SemiGradientTD(Algorithm):
    """State values of a given policy by TD(lambda), states in groups.

    Source: Sutton and Barto 2018, sections 9.3 and 12.2.
    """

    name = "semi-gradient-td"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        group_size: int | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        lambda_: float | None = None,
        log_interval: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        tilings: int | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the visits of the state. Source: 0.1, as in
                Sutton and Barto 2018, Example 6.2 (above 0 (1e-30) and up to 1); default 0.1.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Exploration of the policy that is evaluated, if that is another run's; otherwise the policy is
                uniform. Source: 0, the run's own policy (from 0 to 1); default 0.0.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 6.2 (undiscounted) (from 0 to 1); default 1.0.
            group_size: States that share a weight, in the order of their numbers. Source: 100, Sutton and Barto
                2018, Example 9.1 (from 1 to 1000000); default 100.
            initial_value: Initial value of every state. Source: 0, as commonly (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            lambda_: Trace decay lambda, on top of the discount. Source: 0, TD(0), as Sutton and Barto 2018, Example
                9.2 (from 0 to 1); default 0.0.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            tilings: Groupings, each displaced against the others by an equal part of a group. Source: 1, state
                aggregation; figure 9.10 has 50 (from 1 to 1000); default 1.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class GradientMonteCarlo(Algorithm):
    """State values of a given policy from returns, states in groups.

    Source: Sutton and Barto 2018, section 9.3.
    """

    name = "gradient-monte-carlo"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        group_size: int | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        tilings: int | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the visits of the state. Source: 0.1, as in
                Sutton and Barto 2018, Example 6.2 (above 0 (1e-30) and up to 1); default 0.1.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Exploration of the policy that is evaluated, if that is another run's; otherwise the policy is
                uniform. Source: 0, the run's own policy (from 0 to 1); default 0.0.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 6.2 (undiscounted) (from 0 to 1); default 1.0.
            group_size: States that share a weight, in the order of their numbers. Source: 100, Sutton and Barto
                2018, Example 9.1 (from 1 to 1000000); default 100.
            initial_value: Initial value of every state. Source: 0, as commonly (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            tilings: Groupings, each displaced against the others by an equal part of a group. Source: 1, state
                aggregation; figure 9.10 has 50 (from 1 to 1000); default 1.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class SemiGradientSARSA(Algorithm):
    """SARSA with linear values of tile-coded observations.

    Source: Sutton 1996; Sutton and Barto 2018, sections 10.1 and 12.7.
    """

    name = "semi-gradient-sarsa"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        bounds: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        lambda_: float | None = None,
        log_interval: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        stop_at_return: float | None = None,
        tiles: int | None = None,
        tilings: int | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, divided by the number of tilings; a number or a schedule. Source: 0.5, the best
                of Sutton and Barto 2018, figure 10.2 (above 0 (1e-30) and up to 1); default 0.5.
            bounds: Range of each number of an observation, LOW:HIGH/LOW:HIGH and so on; a number beyond it counts
                as at its bound. Without it the environment's own. Source: Sutton and Barto 2018 divide the ranges
                of the environment.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            epsilon: Probability of exploring; a number or a schedule. Source: 0, with which Sutton and Barto 2018,
                figure 10.1, explore by optimistic values (from 0 to 1); default 0.0.
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 10.1 (undiscounted) (from 0 to 1); default 1.0.
            initial_value: Initial value of every observation and action. Source: 0, optimistic where steps cost
                (Sutton and Barto 2018, Example 10.1) (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            lambda_: Trace decay lambda, on top of the discount. Source: 0, the one-step method of Sutton and Barto
                2018, section 10.1 (from 0 to 1); default 0.0.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
            tiles: Tiles along the range of each number of an observation. Source: 8, Sutton and Barto 2018, section
                10.1 (from 1 to 1000); default 8.
            tilings: Tilings, each displaced against the others. Source: 8, Sutton and Barto 2018, section 10.1
                (from 1 to 1000); default 8.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class DynaQ(Algorithm):
    """Q-learning that also learns from simulated experience of a learned model.

    Source: Sutton 1990; Sutton and Barto 2018, section 8.2.
    """

    name = "dyna-q"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        exploration: Any | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        planning_steps: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        temperature: float | str | Callable[[float], float] | None = None,
        ucb_c: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the updates of the value. Source: Sutton and
                Barto 2018, Example 8.1 (above 0 (1e-30) and up to 1); default 0.1.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Probability of exploring, if epsilon-greedy; a number or a schedule; 1/n counts the visits of
                the state. Source: Sutton and Barto 2018, Example 6.6 (from 0 to 1); default 0.1.
            exploration: Exploration of the behaviour policy. Source: Sutton and Barto 2018, Example 6.6; default
                "epsilon-greedy".
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 8.1 (from 0 to 1); default 0.95.
            initial_value: Initial value of every state and action. Source: 0, as commonly (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            planning_steps: Updates from the model after each step. Source: 5, in the middle of Sutton and Barto
                2018, figure 8.2; default 5.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            temperature: Temperature of the softmax, if boltzmann, in units of the return; a number or a schedule.
                Source: 1, where rewards are of about that size (above 0 (1e-30 to 1e30)); default 1.0.
            ucb_c: Weight of the upper confidence bound, if ucb, in units of the return. Source: 2, with which
                Sutton and Barto 2018, figure 2.4 is drawn (0 or above (1e-30 to 1e30)); default 2.0.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class DynaQPlus(Algorithm):
    """Dyna-Q with an exploration bonus for pairs not tried for long.

    Source: Sutton 1990; Sutton and Barto 2018, section 8.3.
    """

    name = "dyna-q-plus"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        exploration: Any | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initial_value: float | None = None,
        kappa: float | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        planning_steps: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        temperature: float | str | Callable[[float], float] | None = None,
        ucb_c: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the updates of the value. Source: Sutton and
                Barto 2018, Example 8.1 (above 0 (1e-30) and up to 1); default 0.1.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Probability of exploring, if epsilon-greedy; a number or a schedule; 1/n counts the visits of
                the state. Source: Sutton and Barto 2018, Example 6.6 (from 0 to 1); default 0.1.
            exploration: Exploration of the behaviour policy. Source: Sutton and Barto 2018, Example 6.6; default
                "epsilon-greedy".
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 8.1 (from 0 to 1); default 0.95.
            initial_value: Initial value of every state and action. Source: 0, as commonly (finite); default 0.0.
            kappa: Weight kappa of the exploration bonus for pairs that were not tried for long. Source: 0.001,
                small against the reward of the book's mazes (0 or above (1e-30 to 1e30)); default 0.001.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            planning_steps: Updates from the model after each step. Source: 5, in the middle of Sutton and Barto
                2018, figure 8.2; default 5.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            temperature: Temperature of the softmax, if boltzmann, in units of the return; a number or a schedule.
                Source: 1, where rewards are of about that size (above 0 (1e-30 to 1e30)); default 1.0.
            ucb_c: Weight of the upper confidence bound, if ucb, in units of the return. Source: 2, with which
                Sutton and Barto 2018, figure 2.4 is drawn (0 or above (1e-30 to 1e30)); default 2.0.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class PrioritizedSweeping(Algorithm):
    """Plan first with the pairs whose values would change most.

    Source: Moore and Atkeson 1993; Sutton and Barto 2018, section 8.4.
    """

    name = "prioritized-sweeping"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | str | Callable[[float], float] | None = None,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        epsilon: float | str | Callable[[float], float] | None = None,
        exploration: Any | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initial_value: float | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        planning_steps: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        temperature: float | str | Callable[[float], float] | None = None,
        theta: float | None = None,
        ucb_c: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Step size alpha, a number or a schedule; 1/n counts the updates of the value. Source: Sutton and
                Barto 2018, Example 8.1 (above 0 (1e-30) and up to 1); default 0.1.
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            epsilon: Probability of exploring, if epsilon-greedy; a number or a schedule; 1/n counts the visits of
                the state. Source: Sutton and Barto 2018, Example 6.6 (from 0 to 1); default 0.1.
            exploration: Exploration of the behaviour policy. Source: Sutton and Barto 2018, Example 6.6; default
                "epsilon-greedy".
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Sutton and Barto 2018, Example 8.1 (from 0 to 1); default 0.95.
            initial_value: Initial value of every state and action. Source: 0, as commonly (finite); default 0.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            planning_steps: Updates from the model after each step. Source: 5, as in Sutton and Barto 2018, Example
                8.4 (from 1 to 1000000); default 5.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            temperature: Temperature of the softmax, if boltzmann, in units of the return; a number or a schedule.
                Source: 1, where rewards are of about that size (above 0 (1e-30 to 1e30)); default 1.0.
            theta: Smallest change theta of a value with which a pair is queued. Source: 0.0001, small against the
                reward of the book's mazes (0 or above (1e-30 to 1e30)); default 0.0001.
            ucb_c: Weight of the upper confidence bound, if ucb, in units of the return. Source: 2, with which
                Sutton and Barto 2018, figure 2.4 is drawn (0 or above (1e-30 to 1e30)); default 2.0.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class MCTS(Algorithm):
    """Search in copies of the environment before each step (UCT).

    Source: Kocsis and Szepesvari 2006; Sutton and Barto 2018, section 8.11.
    """

    name = "mcts"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        behaviour: Any | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        data: Any | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        horizon: int | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        simulations: int | None = None,
        ucb_c: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            behaviour: Run directory of a behaviour policy: actions are selected by this run's action values, with
                the exploration of the settings.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            data: File of recorded episodes (potstill play --record): learns from these repeatedly, without acting,
                so that the exploration of the settings is not used.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: 1, undiscounted (from 0 to 1); default 1.0.
            horizon: Longest simulated episode, in steps; what would follow counts as 0. Source: 100, the time limit
                of FrozenLake-v1 (from 1 to 1000000); default 100.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            simulations: Simulated episodes before each step. Source: 200, enough for the small environments here
                (from 1 to 1000000); default 200.
            ucb_c: Weight of the upper confidence bound, in units of the range of the returns. Source: sqrt(2),
                Kocsis and Szepesvari 2006 for returns from 0 to 1 (0 or above (1e-30 to 1e30)); default 1.414.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class ValueIteration(Algorithm):
    """Sweep over an exact model until the optimal values converge.

    Source: Bellman 1957; Sutton and Barto 2018, section 4.4.
    """

    name = "value-iteration"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        epsilon: float | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        max_sweeps: int | None = None,
        tolerance: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            epsilon: Probability of a uniformly random action; 0 for the optimal policy. Source: Sutton and Barto
                2018, section 5.4 (from 0 to 1); default 0.0.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: 1, undiscounted, as the episodes of Sutton and Barto 2018, chapter 6 (from 0 to
                1); default 1.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Sweeps between lines of metrics.jsonl (1 or above); default 1.
            max_sweeps: Sweeps after which the planner gives up (1 or above); default 1000000.
            tolerance: Largest change of a value in a sweep at which the planner is done, in units of the largest
                value if that is above 1. Source: a thousand times the rounding error (above 0 (1e-30 to 1e30));
                default 0.0000000000001.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class PolicyIteration(Algorithm):
    """Alternate policy evaluation and improvement on an exact model.

    Source: Howard 1960; Sutton and Barto 2018, section 4.3.
    """

    name = "policy-iteration"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        max_sweeps: int | None = None,
        tolerance: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: 1, undiscounted, as the episodes of Sutton and Barto 2018, chapter 6 (from 0 to
                1); default 1.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Sweeps between lines of metrics.jsonl (1 or above); default 1.
            max_sweeps: Sweeps after which the planner gives up (1 or above); default 1000000.
            tolerance: Largest change of a value in a sweep at which the planner is done, in units of the largest
                value if that is above 1. Source: a thousand times the rounding error (above 0 (1e-30 to 1e30));
                default 0.0000000000001.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class ModifiedPolicyIteration(Algorithm):
    """Policy iteration with a few sweeps of evaluation only.

    Source: Puterman and Shin 1978.
    """

    name = "modified-policy-iteration"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        evaluation_sweeps: int | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        max_sweeps: int | None = None,
        tolerance: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            evaluation_sweeps: Sweeps between improvements. Source: Puterman and Shin 1978 leave it open; a handful
                does most of the work (1 or above); default 5.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: 1, undiscounted, as the episodes of Sutton and Barto 2018, chapter 6 (from 0 to
                1); default 1.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Sweeps between lines of metrics.jsonl (1 or above); default 1.
            max_sweeps: Sweeps after which the planner gives up (1 or above); default 1000000.
            tolerance: Largest change of a value in a sweep at which the planner is done, in units of the largest
                value if that is above 1. Source: a thousand times the rounding error (above 0 (1e-30 to 1e30));
                default 0.0000000000001.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class DQN(Algorithm):
    """Q-learning with a network, a replay buffer and a target network as teacher.

    Source: Mnih et al. 2015, Algorithm 1.
    """

    name = "dqn"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        batch_size: int | None = None,
        beta1: float | None = None,
        buffer_size: int | None = None,
        centered: bool | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        clip_grad_value: float | None = None,
        data: Any | None = None,
        double: bool | None = None,
        dueling: bool | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        exploration_final_eps: float | None = None,
        exploration_fraction: float | None = None,
        exploration_initial_eps: float | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        gradient_steps: int | None = None,
        huber_delta: float | None = None,
        initialization: Any | None = None,
        keep: Any | None = None,
        l2_penalty: float | None = None,
        learning_rate: float | str | Callable[[float], float] | None = None,
        learning_starts: int | None = None,
        log_interval: int | None = None,
        max_grad_norm: float | None = None,
        memory_limit: float | None = None,
        momentum: float | None = None,
        munchausen: bool | None = None,
        munchausen_alpha: float | None = None,
        munchausen_clip: float | None = None,
        munchausen_temperature: float | None = None,
        n_step: int | None = None,
        nesterov: bool | None = None,
        net_arch: Any | None = None,
        noisy: bool | None = None,
        normalize_observations: bool | None = None,
        num_envs: int | None = None,
        optimizer: Any | None = None,
        optimizer_eps: float | None = None,
        prioritized: bool | None = None,
        prioritized_alpha: float | None = None,
        prioritized_beta: float | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        stop_at_return: float | None = None,
        target_update_interval: int | None = None,
        tau: float | None = None,
        top_fraction: float | None = None,
        train_freq: int | None = None,
        weight_decay: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            batch_size: Transitions per gradient step. Source: Stable-Baselines3 (from 1 to 1000000); default 32.
            beta1: Decay of Adam's first moment. Source: Kingma and Ba 2015, Algorithm 1 (from 0 to 0.999); default
                0.9.
            buffer_size: Capacity of the replay buffer, in transitions. Source: Stable-Baselines3 (1 or above);
                default 1000000.
            centered: Subtracts the mean gradient in RMSprop (its centred form). Source: Graves 2013, as Mnih et al.
                2015; default true.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            clip_grad_value: Largest magnitude of a gradient's components, if limited; they are clipped before the
                norm is (above 0 (1e-30 to 1e30)).
            data: File of recorded episodes (potstill play --record), or random:STEPS or random:STEPS:SEED for those
                of uniformly random actions: learns from these without acting. A step is then an update, lines of
                metrics.jsonl come every hundred times log_interval of them, and keys of exploration and of the
                replay buffer have no effect.
            double: Selects the next action with the online network (double DQN). Source: van Hasselt, Guez and
                Silver 2016; default false.
            dueling: Splits the network into state value and advantages (dueling). Source: Wang et al. 2016; default
                false.
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            exploration_final_eps: Probability of exploring after that. Source: Stable-Baselines3 (from 0 to 1);
                default 0.05.
            exploration_fraction: Fraction of the run over which the exploration rate falls. Source:
                Stable-Baselines3 (from 0 to 1); default 0.1.
            exploration_initial_eps: Probability of exploring at the start. Source: Mnih et al. 2015, Extended Data
                Table 1 (from 0 to 1); default 1.0.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Stable-Baselines3 (from 0 to 1); default 0.99.
            gradient_steps: Gradient steps of an update; 0 for as many as there were steps of all copies since the
                last. Source: Stable-Baselines3, where -1 means that (from 0 to 1000000); default 1.
            huber_delta: Threshold of the Huber loss between quadratic and linear, of objectives that learn means; 0
                for the squared error. Source: Mnih et al. 2015, Methods (0 or above (1e-30 to 1e30)); default 1.0.
            initialization: Distribution of initial weights. Source: PyTorch's Linear and Conv2d; default "pytorch".
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            l2_penalty: L2 penalty: this times each parameter is added to its gradient, after clipping. Source: the
                weight_decay of PyTorch's SGD, RMSprop, Adam and RAdam (0 or above (1e-30 to 1e30)); default 0.0.
            learning_rate: Step size of the optimiser, a number or a schedule over steps of the environment (those
                before the `train_freq` steps of each copy that an update follows). Source: Stable-Baselines3 (0 or
                above (1e-30 to 1e30)); default 0.0001.
            learning_starts: Steps of uniformly random behaviour before learning, of all copies together. Source:
                Stable-Baselines3; default 100.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            max_grad_norm: Largest norm of a gradient, if limited; longer ones are scaled down. Source:
                Stable-Baselines3 for agents; the papers of distillation have none (above 0 (1e-30 to 1e30), or inf
                for no limit); default 10.0.
            memory_limit: Gigabytes of observations beyond which they are stored in a file (in TMPDIR, or /var/tmp).
                A checkpoint still needs a copy in memory. Source: what many machines have to spare (0 or above
                (1e-30 to 1e30)); default 4.0.
            momentum: Decay of RMSprop's averages, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table
                1 (from 0 to 1); default 0.95.
            munchausen: Adds the scaled log-policy to rewards, and its entropy to targets (Munchausen). Source:
                Vieillard, Pietquin and Geist 2020; default false.
            munchausen_alpha: Weight alpha of the scaled log-policy. Source: Vieillard, Pietquin and Geist 2020,
                table 1 (from 0 to 1); default 0.9.
            munchausen_clip: Lower bound of the log-policy times the temperature: this far below 0. Source:
                Vieillard, Pietquin and Geist 2020, table 1 (above 0 (1e-30 to 1e30)); default 1.0.
            munchausen_temperature: Temperature tau of the policy. Source: Vieillard, Pietquin and Geist 2020, table
                1 (above 0 (1e-30 to 1e30)); default 0.03.
            n_step: Rewards in a return before it bootstraps. Source: Mnih et al. 2015 (from 1 to 1000); default 1.
            nesterov: Uses Nesterov's momentum in SGD. Source: PyTorch's SGD; default false.
            net_arch: Network architecture, such as mlp:256,256, mlp:64,64:tanh:layernorm or cnn:16x3,128. Source:
                Stable-Baselines3; default "mlp:64,64".
            noisy: Explores by noise on the weights instead of epsilon (noisy networks). Source: Fortunato et al.
                2018; default false.
            normalize_observations: Normalises observations by their running mean and standard deviation, which is
                at least a tenth of the largest distance from the mean. The saved model has the last of these in its
                first layer, and takes raw observations. Source: Stable-Baselines3's VecNormalize, which clips at 10
                deviations instead; default false.
            num_envs: Copies of the environment, stepped together (from 1 to 65536); default 1.
            optimizer: Optimisation rule. Source: Stable-Baselines3; default "adam".
            optimizer_eps: Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam (above 0 (1e-15 to
                1e30)); default 0.00000001.
            prioritized: Samples the replay buffer by TD error (prioritized replay). Source: Schaul et al. 2016;
                default false.
            prioritized_alpha: Exponent of TD errors as priorities. Source: Schaul et al. 2016, table 3,
                proportional (from 0 to 1); default 0.6.
            prioritized_beta: Exponent of importance-sampling weights at the start; it rises to 1 over the run.
                Source: Schaul et al. 2016, table 3 (from 0 to 1); default 0.4.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
            target_update_interval: Steps of all copies between refreshes of the target network, rounded down to
                whole steps of each, of which there is at least one. Source: Stable-Baselines3 (1 or above); default
                10000.
            tau: Polyak coefficient of a refresh: 1 copies the online network. Source: Mnih et al. 2015, Algorithm 1
                (above 0 (1e-30) and up to 1); default 1.0.
            top_fraction: Share of the episodes to learn from: those of the highest returns (above 0 (1e-30) and up
                to 1); default 1.0.
            train_freq: Steps of each copy of the environment between updates. Source: Stable-Baselines3 (1 or
                above); default 4.
            weight_decay: Weight decay of AdamW, times the step size. Source: PyTorch's AdamW (0 or above (1e-30 to
                1e30)); default 0.01.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class C51(Algorithm):
    """DQN that learns the return's distribution, as probabilities of fixed atoms.

    Source: Bellemare, Dabney and Munos 2017, Algorithm 1.
    """

    name = "c51"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        batch_size: int | None = None,
        beta1: float | None = None,
        buffer_size: int | None = None,
        centered: bool | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        clip_grad_value: float | None = None,
        data: Any | None = None,
        double: bool | None = None,
        dueling: bool | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        exploration_final_eps: float | None = None,
        exploration_fraction: float | None = None,
        exploration_initial_eps: float | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        gradient_steps: int | None = None,
        huber_delta: float | None = None,
        initialization: Any | None = None,
        keep: Any | None = None,
        l2_penalty: float | None = None,
        learning_rate: float | str | Callable[[float], float] | None = None,
        learning_starts: int | None = None,
        log_interval: int | None = None,
        max_grad_norm: float | None = None,
        memory_limit: float | None = None,
        momentum: float | None = None,
        munchausen: bool | None = None,
        munchausen_alpha: float | None = None,
        munchausen_clip: float | None = None,
        munchausen_temperature: float | None = None,
        n_atoms: int | None = None,
        n_step: int | None = None,
        nesterov: bool | None = None,
        net_arch: Any | None = None,
        noisy: bool | None = None,
        normalize_observations: bool | None = None,
        num_envs: int | None = None,
        optimizer: Any | None = None,
        optimizer_eps: float | None = None,
        prioritized: bool | None = None,
        prioritized_alpha: float | None = None,
        prioritized_beta: float | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        stop_at_return: float | None = None,
        target_update_interval: int | None = None,
        tau: float | None = None,
        top_fraction: float | None = None,
        train_freq: int | None = None,
        v_max: float | None = None,
        v_min: float | None = None,
        weight_decay: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            batch_size: Transitions per gradient step. Source: Stable-Baselines3 (from 1 to 1000000); default 32.
            beta1: Decay of Adam's first moment. Source: Kingma and Ba 2015, Algorithm 1 (from 0 to 0.999); default
                0.9.
            buffer_size: Capacity of the replay buffer, in transitions. Source: Stable-Baselines3 (1 or above);
                default 1000000.
            centered: Subtracts the mean gradient in RMSprop (its centred form). Source: Graves 2013, as Mnih et al.
                2015; default true.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            clip_grad_value: Largest magnitude of a gradient's components, if limited; they are clipped before the
                norm is (above 0 (1e-30 to 1e30)).
            data: File of recorded episodes (potstill play --record), or random:STEPS or random:STEPS:SEED for those
                of uniformly random actions: learns from these without acting. A step is then an update, lines of
                metrics.jsonl come every hundred times log_interval of them, and keys of exploration and of the
                replay buffer have no effect.
            double: Selects the next action with the online network (double DQN). Source: van Hasselt, Guez and
                Silver 2016; default false.
            dueling: Splits the network into state value and advantages (dueling). Source: Wang et al. 2016; default
                false.
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            exploration_final_eps: Probability of exploring after that. Source: Stable-Baselines3 (from 0 to 1);
                default 0.05.
            exploration_fraction: Fraction of the run over which the exploration rate falls. Source:
                Stable-Baselines3 (from 0 to 1); default 0.1.
            exploration_initial_eps: Probability of exploring at the start. Source: Mnih et al. 2015, Extended Data
                Table 1 (from 0 to 1); default 1.0.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Stable-Baselines3 (from 0 to 1); default 0.99.
            gradient_steps: Gradient steps of an update; 0 for as many as there were steps of all copies since the
                last. Source: Stable-Baselines3, where -1 means that (from 0 to 1000000); default 1.
            huber_delta: Threshold of the Huber loss between quadratic and linear, of objectives that learn means; 0
                for the squared error. Source: Mnih et al. 2015, Methods (0 or above (1e-30 to 1e30)); default 1.0.
            initialization: Distribution of initial weights. Source: PyTorch's Linear and Conv2d; default "pytorch".
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            l2_penalty: L2 penalty: this times each parameter is added to its gradient, after clipping. Source: the
                weight_decay of PyTorch's SGD, RMSprop, Adam and RAdam (0 or above (1e-30 to 1e30)); default 0.0.
            learning_rate: Step size of the optimiser, a number or a schedule over steps of the environment (those
                before the `train_freq` steps of each copy that an update follows). Source: Stable-Baselines3 (0 or
                above (1e-30 to 1e30)); default 0.0001.
            learning_starts: Steps of uniformly random behaviour before learning, of all copies together. Source:
                Stable-Baselines3; default 100.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            max_grad_norm: Largest norm of a gradient, if limited; longer ones are scaled down. Source:
                Stable-Baselines3 for agents; the papers of distillation have none (above 0 (1e-30 to 1e30), or inf
                for no limit); default 10.0.
            memory_limit: Gigabytes of observations beyond which they are stored in a file (in TMPDIR, or /var/tmp).
                A checkpoint still needs a copy in memory. Source: what many machines have to spare (0 or above
                (1e-30 to 1e30)); default 4.0.
            momentum: Decay of RMSprop's averages, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table
                1 (from 0 to 1); default 0.95.
            munchausen: Adds the scaled log-policy to rewards, and its entropy to targets (Munchausen). Source:
                Vieillard, Pietquin and Geist 2020; default false.
            munchausen_alpha: Weight alpha of the scaled log-policy. Source: Vieillard, Pietquin and Geist 2020,
                table 1 (from 0 to 1); default 0.9.
            munchausen_clip: Lower bound of the log-policy times the temperature: this far below 0. Source:
                Vieillard, Pietquin and Geist 2020, table 1 (above 0 (1e-30 to 1e30)); default 1.0.
            munchausen_temperature: Temperature tau of the policy. Source: Vieillard, Pietquin and Geist 2020, table
                1 (above 0 (1e-30 to 1e30)); default 0.03.
            n_atoms: Number of atoms. Source: Bellemare, Dabney and Munos 2017, section 5 (from 2 to 10000); default
                51.
            n_step: Rewards in a return before it bootstraps. Source: Mnih et al. 2015 (from 1 to 1000); default 1.
            nesterov: Uses Nesterov's momentum in SGD. Source: PyTorch's SGD; default false.
            net_arch: Network architecture, such as mlp:256,256, mlp:64,64:tanh:layernorm or cnn:16x3,128. Source:
                Stable-Baselines3; default "mlp:64,64".
            noisy: Explores by noise on the weights instead of epsilon (noisy networks). Source: Fortunato et al.
                2018; default false.
            normalize_observations: Normalises observations by their running mean and standard deviation, which is
                at least a tenth of the largest distance from the mean. The saved model has the last of these in its
                first layer, and takes raw observations. Source: Stable-Baselines3's VecNormalize, which clips at 10
                deviations instead; default false.
            num_envs: Copies of the environment, stepped together (from 1 to 65536); default 1.
            optimizer: Optimisation rule. Source: Stable-Baselines3; default "adam".
            optimizer_eps: Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam (above 0 (1e-15 to
                1e30)); default 0.00000001.
            prioritized: Samples the replay buffer by TD error (prioritized replay). Source: Schaul et al. 2016;
                default false.
            prioritized_alpha: Exponent of TD errors as priorities. Source: Schaul et al. 2016, table 3,
                proportional (from 0 to 1); default 0.6.
            prioritized_beta: Exponent of importance-sampling weights at the start; it rises to 1 over the run.
                Source: Schaul et al. 2016, table 3 (from 0 to 1); default 0.4.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
            target_update_interval: Steps of all copies between refreshes of the target network, rounded down to
                whole steps of each, of which there is at least one. Source: Stable-Baselines3 (1 or above); default
                10000.
            tau: Polyak coefficient of a refresh: 1 copies the online network. Source: Mnih et al. 2015, Algorithm 1
                (above 0 (1e-30) and up to 1); default 1.0.
            top_fraction: Share of the episodes to learn from: those of the highest returns (above 0 (1e-30) and up
                to 1); default 1.0.
            train_freq: Steps of each copy of the environment between updates. Source: Stable-Baselines3 (1 or
                above); default 4.
            v_max: Highest atom; the support must hold the discounted returns. Source: Bellemare, Dabney and Munos
                2017, section 5: 10, for clipped rewards (finite); default 10.0.
            v_min: Lowest atom; the support must hold the discounted returns. Source: Bellemare, Dabney and Munos
                2017, section 5: -10, for clipped rewards (finite); default -10.0.
            weight_decay: Weight decay of AdamW, times the step size. Source: PyTorch's AdamW (0 or above (1e-30 to
                1e30)); default 0.01.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class QRDQN(Algorithm):
    """DQN that learns the return's distribution, as quantiles.

    Source: Dabney et al. 2018, Algorithm 1.
    """

    name = "qr-dqn"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        batch_size: int | None = None,
        beta1: float | None = None,
        buffer_size: int | None = None,
        centered: bool | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        clip_grad_value: float | None = None,
        data: Any | None = None,
        double: bool | None = None,
        dueling: bool | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        exploration_final_eps: float | None = None,
        exploration_fraction: float | None = None,
        exploration_initial_eps: float | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        gradient_steps: int | None = None,
        huber_delta: float | None = None,
        initialization: Any | None = None,
        kappa: float | None = None,
        keep: Any | None = None,
        l2_penalty: float | None = None,
        learning_rate: float | str | Callable[[float], float] | None = None,
        learning_starts: int | None = None,
        log_interval: int | None = None,
        max_grad_norm: float | None = None,
        memory_limit: float | None = None,
        momentum: float | None = None,
        munchausen: bool | None = None,
        munchausen_alpha: float | None = None,
        munchausen_clip: float | None = None,
        munchausen_temperature: float | None = None,
        n_quantiles: int | None = None,
        n_step: int | None = None,
        nesterov: bool | None = None,
        net_arch: Any | None = None,
        noisy: bool | None = None,
        normalize_observations: bool | None = None,
        num_envs: int | None = None,
        optimizer: Any | None = None,
        optimizer_eps: float | None = None,
        prioritized: bool | None = None,
        prioritized_alpha: float | None = None,
        prioritized_beta: float | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        stop_at_return: float | None = None,
        target_update_interval: int | None = None,
        tau: float | None = None,
        top_fraction: float | None = None,
        train_freq: int | None = None,
        weight_decay: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            batch_size: Transitions per gradient step. Source: Stable-Baselines3 (from 1 to 1000000); default 32.
            beta1: Decay of Adam's first moment. Source: Kingma and Ba 2015, Algorithm 1 (from 0 to 0.999); default
                0.9.
            buffer_size: Capacity of the replay buffer, in transitions. Source: Stable-Baselines3 (1 or above);
                default 1000000.
            centered: Subtracts the mean gradient in RMSprop (its centred form). Source: Graves 2013, as Mnih et al.
                2015; default true.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            clip_grad_value: Largest magnitude of a gradient's components, if limited; they are clipped before the
                norm is (above 0 (1e-30 to 1e30)).
            data: File of recorded episodes (potstill play --record), or random:STEPS or random:STEPS:SEED for those
                of uniformly random actions: learns from these without acting. A step is then an update, lines of
                metrics.jsonl come every hundred times log_interval of them, and keys of exploration and of the
                replay buffer have no effect.
            double: Selects the next action with the online network (double DQN). Source: van Hasselt, Guez and
                Silver 2016; default false.
            dueling: Splits the network into state value and advantages (dueling). Source: Wang et al. 2016; default
                false.
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            exploration_final_eps: Probability of exploring after that. Source: Stable-Baselines3 (from 0 to 1);
                default 0.05.
            exploration_fraction: Fraction of the run over which the exploration rate falls. Source:
                Stable-Baselines3 (from 0 to 1); default 0.1.
            exploration_initial_eps: Probability of exploring at the start. Source: Mnih et al. 2015, Extended Data
                Table 1 (from 0 to 1); default 1.0.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Stable-Baselines3 (from 0 to 1); default 0.99.
            gradient_steps: Gradient steps of an update; 0 for as many as there were steps of all copies since the
                last. Source: Stable-Baselines3, where -1 means that (from 0 to 1000000); default 1.
            huber_delta: Threshold of the Huber loss between quadratic and linear, of objectives that learn means; 0
                for the squared error. Source: Mnih et al. 2015, Methods (0 or above (1e-30 to 1e30)); default 1.0.
            initialization: Distribution of initial weights. Source: PyTorch's Linear and Conv2d; default "pytorch".
            kappa: Threshold of the Huber loss between quadratic and linear. Source: Dabney et al. 2018, section 5
                (above 0 (1e-30 to 1e30)); default 1.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            l2_penalty: L2 penalty: this times each parameter is added to its gradient, after clipping. Source: the
                weight_decay of PyTorch's SGD, RMSprop, Adam and RAdam (0 or above (1e-30 to 1e30)); default 0.0.
            learning_rate: Step size of the optimiser, a number or a schedule over steps of the environment (those
                before the `train_freq` steps of each copy that an update follows). Source: Stable-Baselines3 (0 or
                above (1e-30 to 1e30)); default 0.0001.
            learning_starts: Steps of uniformly random behaviour before learning, of all copies together. Source:
                Stable-Baselines3; default 100.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            max_grad_norm: Largest norm of a gradient, if limited; longer ones are scaled down. Source:
                Stable-Baselines3 for agents; the papers of distillation have none (above 0 (1e-30 to 1e30), or inf
                for no limit); default 10.0.
            memory_limit: Gigabytes of observations beyond which they are stored in a file (in TMPDIR, or /var/tmp).
                A checkpoint still needs a copy in memory. Source: what many machines have to spare (0 or above
                (1e-30 to 1e30)); default 4.0.
            momentum: Decay of RMSprop's averages, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table
                1 (from 0 to 1); default 0.95.
            munchausen: Adds the scaled log-policy to rewards, and its entropy to targets (Munchausen). Source:
                Vieillard, Pietquin and Geist 2020; default false.
            munchausen_alpha: Weight alpha of the scaled log-policy. Source: Vieillard, Pietquin and Geist 2020,
                table 1 (from 0 to 1); default 0.9.
            munchausen_clip: Lower bound of the log-policy times the temperature: this far below 0. Source:
                Vieillard, Pietquin and Geist 2020, table 1 (above 0 (1e-30 to 1e30)); default 1.0.
            munchausen_temperature: Temperature tau of the policy. Source: Vieillard, Pietquin and Geist 2020, table
                1 (above 0 (1e-30 to 1e30)); default 0.03.
            n_quantiles: Number of quantiles. Source: Dabney et al. 2018, section 5 (from 2 to 10000); default 200.
            n_step: Rewards in a return before it bootstraps. Source: Mnih et al. 2015 (from 1 to 1000); default 1.
            nesterov: Uses Nesterov's momentum in SGD. Source: PyTorch's SGD; default false.
            net_arch: Network architecture, such as mlp:256,256, mlp:64,64:tanh:layernorm or cnn:16x3,128. Source:
                Stable-Baselines3; default "mlp:64,64".
            noisy: Explores by noise on the weights instead of epsilon (noisy networks). Source: Fortunato et al.
                2018; default false.
            normalize_observations: Normalises observations by their running mean and standard deviation, which is
                at least a tenth of the largest distance from the mean. The saved model has the last of these in its
                first layer, and takes raw observations. Source: Stable-Baselines3's VecNormalize, which clips at 10
                deviations instead; default false.
            num_envs: Copies of the environment, stepped together (from 1 to 65536); default 1.
            optimizer: Optimisation rule. Source: Stable-Baselines3; default "adam".
            optimizer_eps: Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam (above 0 (1e-15 to
                1e30)); default 0.00000001.
            prioritized: Samples the replay buffer by TD error (prioritized replay). Source: Schaul et al. 2016;
                default false.
            prioritized_alpha: Exponent of TD errors as priorities. Source: Schaul et al. 2016, table 3,
                proportional (from 0 to 1); default 0.6.
            prioritized_beta: Exponent of importance-sampling weights at the start; it rises to 1 over the run.
                Source: Schaul et al. 2016, table 3 (from 0 to 1); default 0.4.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
            target_update_interval: Steps of all copies between refreshes of the target network, rounded down to
                whole steps of each, of which there is at least one. Source: Stable-Baselines3 (1 or above); default
                10000.
            tau: Polyak coefficient of a refresh: 1 copies the online network. Source: Mnih et al. 2015, Algorithm 1
                (above 0 (1e-30) and up to 1); default 1.0.
            top_fraction: Share of the episodes to learn from: those of the highest returns (above 0 (1e-30) and up
                to 1); default 1.0.
            train_freq: Steps of each copy of the environment between updates. Source: Stable-Baselines3 (1 or
                above); default 4.
            weight_decay: Weight decay of AdamW, times the step size. Source: PyTorch's AdamW (0 or above (1e-30 to
                1e30)); default 0.01.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class IQN(Algorithm):
    """DQN that learns the return's distribution, as a function of the probability.

    Source: Dabney, Ostrovski, Silver and Munos 2018.
    """

    name = "iqn"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        batch_size: int | None = None,
        beta1: float | None = None,
        buffer_size: int | None = None,
        centered: bool | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        clip_grad_value: float | None = None,
        data: Any | None = None,
        double: bool | None = None,
        dueling: bool | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        exploration_final_eps: float | None = None,
        exploration_fraction: float | None = None,
        exploration_initial_eps: float | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        gradient_steps: int | None = None,
        huber_delta: float | None = None,
        initialization: Any | None = None,
        kappa: float | None = None,
        keep: Any | None = None,
        l2_penalty: float | None = None,
        learning_rate: float | str | Callable[[float], float] | None = None,
        learning_starts: int | None = None,
        log_interval: int | None = None,
        max_grad_norm: float | None = None,
        memory_limit: float | None = None,
        momentum: float | None = None,
        munchausen: bool | None = None,
        munchausen_alpha: float | None = None,
        munchausen_clip: float | None = None,
        munchausen_temperature: float | None = None,
        n_cosines: int | None = None,
        n_step: int | None = None,
        n_target_taus: int | None = None,
        n_taus: int | None = None,
        nesterov: bool | None = None,
        net_arch: Any | None = None,
        noisy: bool | None = None,
        normalize_observations: bool | None = None,
        num_envs: int | None = None,
        optimizer: Any | None = None,
        optimizer_eps: float | None = None,
        prioritized: bool | None = None,
        prioritized_alpha: float | None = None,
        prioritized_beta: float | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        stop_at_return: float | None = None,
        target_update_interval: int | None = None,
        tau: float | None = None,
        top_fraction: float | None = None,
        train_freq: int | None = None,
        weight_decay: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            batch_size: Transitions per gradient step. Source: Stable-Baselines3 (from 1 to 1000000); default 32.
            beta1: Decay of Adam's first moment. Source: Kingma and Ba 2015, Algorithm 1 (from 0 to 0.999); default
                0.9.
            buffer_size: Capacity of the replay buffer, in transitions. Source: Stable-Baselines3 (1 or above);
                default 1000000.
            centered: Subtracts the mean gradient in RMSprop (its centred form). Source: Graves 2013, as Mnih et al.
                2015; default true.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            clip_grad_value: Largest magnitude of a gradient's components, if limited; they are clipped before the
                norm is (above 0 (1e-30 to 1e30)).
            data: File of recorded episodes (potstill play --record), or random:STEPS or random:STEPS:SEED for those
                of uniformly random actions: learns from these without acting. A step is then an update, lines of
                metrics.jsonl come every hundred times log_interval of them, and keys of exploration and of the
                replay buffer have no effect.
            double: Selects the next action with the online network (double DQN). Source: van Hasselt, Guez and
                Silver 2016; default false.
            dueling: Splits the network into state value and advantages (dueling). Source: Wang et al. 2016; default
                false.
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            exploration_final_eps: Probability of exploring after that. Source: Stable-Baselines3 (from 0 to 1);
                default 0.05.
            exploration_fraction: Fraction of the run over which the exploration rate falls. Source:
                Stable-Baselines3 (from 0 to 1); default 0.1.
            exploration_initial_eps: Probability of exploring at the start. Source: Mnih et al. 2015, Extended Data
                Table 1 (from 0 to 1); default 1.0.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Stable-Baselines3 (from 0 to 1); default 0.99.
            gradient_steps: Gradient steps of an update; 0 for as many as there were steps of all copies since the
                last. Source: Stable-Baselines3, where -1 means that (from 0 to 1000000); default 1.
            huber_delta: Threshold of the Huber loss between quadratic and linear, of objectives that learn means; 0
                for the squared error. Source: Mnih et al. 2015, Methods (0 or above (1e-30 to 1e30)); default 1.0.
            initialization: Distribution of initial weights. Source: PyTorch's Linear and Conv2d; default "pytorch".
            kappa: Threshold of the Huber loss between quadratic and linear. Source: Dabney et al. 2018b, section
                4.1 (above 0 (1e-30 to 1e30)); default 1.0.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            l2_penalty: L2 penalty: this times each parameter is added to its gradient, after clipping. Source: the
                weight_decay of PyTorch's SGD, RMSprop, Adam and RAdam (0 or above (1e-30 to 1e30)); default 0.0.
            learning_rate: Step size of the optimiser, a number or a schedule over steps of the environment (those
                before the `train_freq` steps of each copy that an update follows). Source: Stable-Baselines3 (0 or
                above (1e-30 to 1e30)); default 0.0001.
            learning_starts: Steps of uniformly random behaviour before learning, of all copies together. Source:
                Stable-Baselines3; default 100.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            max_grad_norm: Largest norm of a gradient, if limited; longer ones are scaled down. Source:
                Stable-Baselines3 for agents; the papers of distillation have none (above 0 (1e-30 to 1e30), or inf
                for no limit); default 10.0.
            memory_limit: Gigabytes of observations beyond which they are stored in a file (in TMPDIR, or /var/tmp).
                A checkpoint still needs a copy in memory. Source: what many machines have to spare (0 or above
                (1e-30 to 1e30)); default 4.0.
            momentum: Decay of RMSprop's averages, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table
                1 (from 0 to 1); default 0.95.
            munchausen: Adds the scaled log-policy to rewards, and its entropy to targets (Munchausen). Source:
                Vieillard, Pietquin and Geist 2020; default false.
            munchausen_alpha: Weight alpha of the scaled log-policy. Source: Vieillard, Pietquin and Geist 2020,
                table 1 (from 0 to 1); default 0.9.
            munchausen_clip: Lower bound of the log-policy times the temperature: this far below 0. Source:
                Vieillard, Pietquin and Geist 2020, table 1 (above 0 (1e-30 to 1e30)); default 1.0.
            munchausen_temperature: Temperature tau of the policy. Source: Vieillard, Pietquin and Geist 2020, table
                1 (above 0 (1e-30 to 1e30)); default 0.03.
            n_cosines: Cosines in the embedding of a probability. Source: Dabney et al. 2018b, section 4.1 (n) (from
                2 to 10000); default 64.
            n_step: Rewards in a return before it bootstraps. Source: Mnih et al. 2015 (from 1 to 1000); default 1.
            n_target_taus: Probabilities sampled for the target network, per transition. Source: the same (from 2 to
                10000); default 8.
            n_taus: Probabilities sampled for the online network, per transition. Source: Dabney et al. 2018b,
                figure 2: eight are nearly as good as 64, which cost eight times as much (from 2 to 10000); default
                8.
            nesterov: Uses Nesterov's momentum in SGD. Source: PyTorch's SGD; default false.
            net_arch: Network architecture, such as mlp:256,256, mlp:64,64:tanh:layernorm or cnn:16x3,128. Source:
                Stable-Baselines3; default "mlp:64,64".
            noisy: Explores by noise on the weights instead of epsilon (noisy networks). Source: Fortunato et al.
                2018; default false.
            normalize_observations: Normalises observations by their running mean and standard deviation, which is
                at least a tenth of the largest distance from the mean. The saved model has the last of these in its
                first layer, and takes raw observations. Source: Stable-Baselines3's VecNormalize, which clips at 10
                deviations instead; default false.
            num_envs: Copies of the environment, stepped together (from 1 to 65536); default 1.
            optimizer: Optimisation rule. Source: Stable-Baselines3; default "adam".
            optimizer_eps: Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam (above 0 (1e-15 to
                1e30)); default 0.00000001.
            prioritized: Samples the replay buffer by TD error (prioritized replay). Source: Schaul et al. 2016;
                default false.
            prioritized_alpha: Exponent of TD errors as priorities. Source: Schaul et al. 2016, table 3,
                proportional (from 0 to 1); default 0.6.
            prioritized_beta: Exponent of importance-sampling weights at the start; it rises to 1 over the run.
                Source: Schaul et al. 2016, table 3 (from 0 to 1); default 0.4.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
            target_update_interval: Steps of all copies between refreshes of the target network, rounded down to
                whole steps of each, of which there is at least one. Source: Stable-Baselines3 (1 or above); default
                10000.
            tau: Polyak coefficient of a refresh: 1 copies the online network. Source: Mnih et al. 2015, Algorithm 1
                (above 0 (1e-30) and up to 1); default 1.0.
            top_fraction: Share of the episodes to learn from: those of the highest returns (above 0 (1e-30) and up
                to 1); default 1.0.
            train_freq: Steps of each copy of the environment between updates. Source: Stable-Baselines3 (1 or
                above); default 4.
            weight_decay: Weight decay of AdamW, times the step size. Source: PyTorch's AdamW (0 or above (1e-30 to
                1e30)); default 0.01.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class Rainbow(Algorithm):
    """C51, double, dueling, prioritised, n-step and noisy, all at once.

    Source: Hessel et al. 2018.
    """

    name = "rainbow"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        batch_size: int | None = None,
        beta1: float | None = None,
        buffer_size: int | None = None,
        centered: bool | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        clip_grad_value: float | None = None,
        data: Any | None = None,
        double: bool | None = None,
        dueling: bool | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        exploration_final_eps: float | None = None,
        exploration_fraction: float | None = None,
        exploration_initial_eps: float | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        gradient_steps: int | None = None,
        huber_delta: float | None = None,
        initialization: Any | None = None,
        keep: Any | None = None,
        l2_penalty: float | None = None,
        learning_rate: float | str | Callable[[float], float] | None = None,
        learning_starts: int | None = None,
        log_interval: int | None = None,
        max_grad_norm: float | None = None,
        memory_limit: float | None = None,
        momentum: float | None = None,
        n_atoms: int | None = None,
        n_step: int | None = None,
        nesterov: bool | None = None,
        net_arch: Any | None = None,
        noisy: bool | None = None,
        normalize_observations: bool | None = None,
        num_envs: int | None = None,
        optimizer: Any | None = None,
        optimizer_eps: float | None = None,
        prioritized: bool | None = None,
        prioritized_alpha: float | None = None,
        prioritized_beta: float | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        stop_at_return: float | None = None,
        target_update_interval: int | None = None,
        tau: float | None = None,
        top_fraction: float | None = None,
        train_freq: int | None = None,
        v_max: float | None = None,
        v_min: float | None = None,
        weight_decay: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            batch_size: Transitions per gradient step. Source: Hessel et al. 2018, table 1 (from 1 to 1000000);
                default 32.
            beta1: Decay of Adam's first moment. Source: Kingma and Ba 2015, Algorithm 1 (from 0 to 0.999); default
                0.9.
            buffer_size: Capacity of the replay buffer, in transitions. Source: this project, for small tasks (1 or
                above); default 100000.
            centered: Subtracts the mean gradient in RMSprop (its centred form). Source: Graves 2013, as Mnih et al.
                2015; default true.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            clip_grad_value: Largest magnitude of a gradient's components, if limited; they are clipped before the
                norm is (above 0 (1e-30 to 1e30)).
            data: File of recorded episodes (potstill play --record), or random:STEPS or random:STEPS:SEED for those
                of uniformly random actions: learns from these without acting. A step is then an update, lines of
                metrics.jsonl come every hundred times log_interval of them, and keys of exploration and of the
                replay buffer have no effect.
            double: Selects the next action with the online network (double DQN). Source: Hessel et al. 2018;
                default true.
            dueling: Splits the network into state value and advantages (dueling). Source: Hessel et al. 2018;
                default true.
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            exploration_final_eps: Probability of exploring after that. Source: Stable-Baselines3 (from 0 to 1);
                default 0.05.
            exploration_fraction: Fraction of the run over which the exploration rate falls. Source:
                Stable-Baselines3 (from 0 to 1); default 0.1.
            exploration_initial_eps: Probability of exploring at the start. Source: Mnih et al. 2015, Extended Data
                Table 1 (from 0 to 1); default 1.0.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Stable-Baselines3 (from 0 to 1); default 0.99.
            gradient_steps: Gradient steps of an update; 0 for as many as there were steps of all copies since the
                last. Source: Mnih et al. 2015, Algorithm 1 (from 0 to 1000000); default 1.
            huber_delta: Threshold of the Huber loss between quadratic and linear, of objectives that learn means; 0
                for the squared error. Source: Mnih et al. 2015, Methods (0 or above (1e-30 to 1e30)); default 1.0.
            initialization: Distribution of initial weights. Source: PyTorch's Linear and Conv2d; default "pytorch".
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            l2_penalty: L2 penalty: this times each parameter is added to its gradient, after clipping. Source: the
                weight_decay of PyTorch's SGD, RMSprop, Adam and RAdam (0 or above (1e-30 to 1e30)); default 0.0.
            learning_rate: Step size of the optimiser, a number or a schedule over steps of the environment. Source:
                this project, for small tasks (0 or above (1e-30 to 1e30)); default 0.0005.
            learning_starts: Steps of uniformly random behaviour before learning, of all copies together. Source:
                this project, for small tasks; default 1000.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            max_grad_norm: Largest norm of a gradient, if limited; longer ones are scaled down. Source:
                Stable-Baselines3 for agents; the papers of distillation have none (above 0 (1e-30 to 1e30), or inf
                for no limit); default 10.0.
            memory_limit: Gigabytes of observations beyond which they are stored in a file (in TMPDIR, or /var/tmp).
                A checkpoint still needs a copy in memory. Source: what many machines have to spare (0 or above
                (1e-30 to 1e30)); default 4.0.
            momentum: Decay of RMSprop's averages, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table
                1 (from 0 to 1); default 0.95.
            n_atoms: Number of atoms. Source: Bellemare, Dabney and Munos 2017, section 5 (from 2 to 10000); default
                51.
            n_step: Rewards in a return before it bootstraps. Source: Hessel et al. 2018, table 1 (from 1 to 1000);
                default 3.
            nesterov: Uses Nesterov's momentum in SGD. Source: PyTorch's SGD; default false.
            net_arch: Network architecture, such as mlp:128,128 or cnn:16x3,128; each stream has its own last hidden
                layer. Source: this project, for small tasks; default "mlp:128,128".
            noisy: Explores by noise on the weights instead of epsilon (noisy networks). Source: Hessel et al. 2018;
                default true.
            normalize_observations: Normalises observations by their running mean and standard deviation, which is
                at least a tenth of the largest distance from the mean. The saved model has the last of these in its
                first layer, and takes raw observations. Source: Stable-Baselines3's VecNormalize, which clips at 10
                deviations instead; default false.
            num_envs: Copies of the environment, stepped together (from 1 to 65536); default 1.
            optimizer: Optimisation rule. Source: Stable-Baselines3; default "adam".
            optimizer_eps: Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam (above 0 (1e-15 to
                1e30)); default 0.00000001.
            prioritized: Samples the replay buffer by TD error (prioritized replay). Source: Hessel et al. 2018;
                default true.
            prioritized_alpha: Exponent of TD errors as priorities. Source: Hessel et al. 2018, table 1 (from 0 to
                1); default 0.5.
            prioritized_beta: Exponent of importance-sampling weights at the start; it rises to 1 over the run.
                Source: Schaul et al. 2016, table 3 (from 0 to 1); default 0.4.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
            target_update_interval: Steps of all copies between refreshes of the target network, rounded down to
                whole steps of each, of which there is at least one. Source: this project, for small tasks (1 or
                above); default 500.
            tau: Polyak coefficient of a refresh: 1 copies the online network. Source: Mnih et al. 2015, Algorithm 1
                (above 0 (1e-30) and up to 1); default 1.0.
            top_fraction: Share of the episodes to learn from: those of the highest returns (above 0 (1e-30) and up
                to 1); default 1.0.
            train_freq: Steps of each copy of the environment between updates. Source: Mnih et al. 2015, Extended
                Data Table 1 (1 or above); default 4.
            v_max: Highest atom; the support must hold the discounted returns. Source: Bellemare, Dabney and Munos
                2017, section 5: 10, for clipped rewards (finite); default 10.0.
            v_min: Lowest atom; the support must hold the discounted returns. Source: Bellemare, Dabney and Munos
                2017, section 5: -10, for clipped rewards (finite); default -10.0.
            weight_decay: Weight decay of AdamW, times the step size. Source: PyTorch's AdamW (0 or above (1e-30 to
                1e30)); default 0.01.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class PQN(Algorithm):
    """Q-learning from many copies at a time, without replay or target network.

    Source: Gallici et al. 2024, Algorithm 1.
    """

    name = "pqn"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        beta1: float | None = None,
        centered: bool | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        clip_grad_value: float | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        exploration_final_eps: float | None = None,
        exploration_fraction: float | None = None,
        exploration_initial_eps: float | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initialization: Any | None = None,
        keep: Any | None = None,
        l2_penalty: float | None = None,
        lambda_: float | None = None,
        learning_rate: float | str | Callable[[float], float] | None = None,
        log_interval: int | None = None,
        max_grad_norm: float | None = None,
        momentum: float | None = None,
        nesterov: bool | None = None,
        net_arch: Any | None = None,
        num_envs: int | None = None,
        num_minibatches: int | None = None,
        num_steps: int | None = None,
        optimizer: Any | None = None,
        optimizer_eps: float | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        stop_at_return: float | None = None,
        update_epochs: int | None = None,
        weight_decay: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            beta1: Decay of Adam's first moment. Source: Kingma and Ba 2015, Algorithm 1 (from 0 to 0.999); default
                0.9.
            centered: Subtracts the mean gradient in RMSprop (its centred form). Source: Graves 2013, as Mnih et al.
                2015; default true.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            clip_grad_value: Largest magnitude of a gradient's components, if limited; they are clipped before the
                norm is (above 0 (1e-30 to 1e30)).
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            exploration_final_eps: Probability of exploring after that. Source: purejaxql, pqn_cartpole (from 0 to
                1); default 0.2.
            exploration_fraction: Fraction of the run over which the exploration rate falls. Source: purejaxql,
                pqn_cartpole (from 0 to 1); default 0.2.
            exploration_initial_eps: Probability of exploring at the start. Source: purejaxql, pqn_cartpole (from 0
                to 1); default 1.0.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: purejaxql, pqn_cartpole (from 0 to 1); default 0.99.
            initialization: Distribution of initial weights. Source: PyTorch's Linear and Conv2d; default "pytorch".
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            l2_penalty: L2 penalty: this times each parameter is added to its gradient, after clipping. Source: the
                weight_decay of PyTorch's SGD, RMSprop, Adam and RAdam (0 or above (1e-30 to 1e30)); default 0.0.
            lambda_: Decay lambda of the returns: 0 for one step, 1 for the whole episode. Source: purejaxql,
                pqn_cartpole (from 0 to 1); default 0.95.
            learning_rate: Step size of the optimiser, a number or a schedule over steps of the environment (those
                before the transitions of the update). Source: purejaxql, pqn_cartpole (0 or above (1e-30 to 1e30));
                default 0.0001.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            max_grad_norm: Largest norm of a gradient, if limited; longer ones are scaled down. Source:
                Stable-Baselines3 for agents; the papers of distillation have none (above 0 (1e-30 to 1e30), or inf
                for no limit); default 10.0.
            momentum: Decay of RMSprop's averages, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table
                1 (from 0 to 1); default 0.95.
            nesterov: Uses Nesterov's momentum in SGD. Source: PyTorch's SGD; default false.
            net_arch: Network architecture. Source: purejaxql, pqn_cartpole; default "mlp:256,256:layernorm".
            num_envs: Copies of the environment. Source: purejaxql, pqn_cartpole (from 1 to 65536); default 32.
            num_minibatches: Minibatches of an epoch. Source: purejaxql, pqn_cartpole (from 1 to 65536); default 16.
            num_steps: Steps of each copy between updates. Source: purejaxql, pqn_cartpole (from 1 to 65536);
                default 64.
            optimizer: Optimisation rule. Source: Stable-Baselines3; default "adam".
            optimizer_eps: Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam (above 0 (1e-15 to
                1e30)); default 0.00000001.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
            update_epochs: Epochs of an update over the collected transitions. Source: purejaxql, pqn_cartpole (from
                1 to 1000); default 4.
            weight_decay: Weight decay of AdamW, times the step size. Source: PyTorch's AdamW (0 or above (1e-30 to
                1e30)); default 0.01.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class REINFORCE(Algorithm):
    """Monte Carlo policy gradient, with or without a baseline.

    Source: Williams 1992; Sutton and Barto 2018, sections 13.3 and 13.4.
    """

    name = "reinforce"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        baseline: bool | None = None,
        batch_size: int | None = None,
        beta1: float | None = None,
        centered: bool | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        clip_grad_value: float | None = None,
        discount_states: bool | None = None,
        ent_coef: float | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initialization: Any | None = None,
        keep: Any | None = None,
        l2_penalty: float | None = None,
        learning_rate: float | str | Callable[[float], float] | None = None,
        log_interval: int | None = None,
        log_std_init: float | None = None,
        max_grad_norm: float | None = None,
        momentum: float | None = None,
        nesterov: bool | None = None,
        net_arch: Any | None = None,
        normalize_observations: bool | None = None,
        normalize_rewards: bool | None = None,
        optimizer: Any | None = None,
        optimizer_eps: float | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        stop_at_return: float | None = None,
        vf_coef: float | None = None,
        weight_decay: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            baseline: Subtraction of a learned value of the state from the returns. Source: Sutton and Barto 2018,
                section 13.4; default true.
            batch_size: Steps of an episode in a gradient step, in their order, if not all; 1 is the box of the
                book. Source: all, as implementations have it (from 1 to 1000).
            beta1: Decay of Adam's first moment. Source: Kingma and Ba 2015, Algorithm 1 (from 0 to 0.999); default
                0.9.
            centered: Subtracts the mean gradient in RMSprop (its centred form). Source: Graves 2013, as Mnih et al.
                2015; default true.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            clip_grad_value: Largest magnitude of a gradient's components, if limited; they are clipped before the
                norm is (above 0 (1e-30 to 1e30)).
            discount_states: Weight of step t by gamma^t, as in the box. Source: false, as implementations have it;
                default false.
            ent_coef: Weight of the entropy, which is maximised. Source: 0, Sutton and Barto 2018 (0 or above (1e-30
                to 1e30)); default 0.0.
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Stable-Baselines3's A2C (from 0 to 1); default 0.99.
            initialization: Distribution of initial weights. Source: PyTorch's Linear and Conv2d; default
                "orthogonal".
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            l2_penalty: L2 penalty: this times each parameter is added to its gradient, after clipping. Source: the
                weight_decay of PyTorch's SGD, RMSprop, Adam and RAdam (0 or above (1e-30 to 1e30)); default 0.0.
            learning_rate: Step size of the optimiser, a number or a schedule over steps of the environment; of
                gradient descent alpha of the box. Source: with Adam and this network the best of 0.001 to 0.03 on
                CartPole (0 or above (1e-30 to 1e30)); default 0.003.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            log_std_init: Logarithm of the initial standard deviation of the actions in a box. Source:
                Stable-Baselines3's A2C (from -10 to 2); default 0.0.
            max_grad_norm: Largest norm of a gradient, if limited; longer ones are scaled down. Source:
                Stable-Baselines3 for agents; the papers of distillation have none (above 0 (1e-30 to 1e30), or inf
                for no limit); default inf.
            momentum: Decay of RMSprop's averages, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table
                1 (from 0 to 1); default 0.0.
            nesterov: Uses Nesterov's momentum in SGD. Source: PyTorch's SGD; default false.
            net_arch: Architecture of the policy's network, and of the baseline's; `mlp` is linear. Source:
                Stable-Baselines3's A2C; default "mlp:64,64:tanh".
            normalize_observations: Normalises observations by their running mean and standard deviation, which is
                at least a tenth of the largest distance from the mean. The saved model has the last of these in its
                first layer, and takes raw observations. Source: Stable-Baselines3's VecNormalize, which clips at 10
                deviations instead; default false.
            normalize_rewards: Divides rewards by the running standard deviation of the discounted returns, and
                clips them at 10. Source: Stable-Baselines3's VecNormalize; default false.
            optimizer: Optimisation rule. Source: Stable-Baselines3; default "adam".
            optimizer_eps: Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam (above 0 (1e-15 to
                1e30)); default 0.00000001.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
            vf_coef: Weight of the baseline's loss: its step size, in step sizes of the policy. Source: 1 (0 or
                above (1e-30 to 1e30)); default 1.0.
            weight_decay: Weight decay of AdamW, times the step size. Source: PyTorch's AdamW (0 or above (1e-30 to
                1e30)); default 0.01.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class ActorCritic(Algorithm):
    """Actor and critic that learn from every step, with eligibility traces.

    Source: Sutton and Barto 2018, section 13.5.
    """

    name = "actor-critic"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        critic_lambda: float | None = None,
        critic_learning_rate: float | str | Callable[[float], float] | None = None,
        discount_states: bool | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        keep: Any | None = None,
        lambda_: float | None = None,
        learning_rate: float | str | Callable[[float], float] | None = None,
        log_interval: int | None = None,
        log_std_init: float | None = None,
        net_arch: Any | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        stop_at_return: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            critic_lambda: Decay lambda of the critic's trace, on top of the discount. Source: the same (from 0 to
                1); default 0.0.
            critic_learning_rate: Step size alpha of the critic, a number or a schedule over steps. Source: the same
                (0 or above (1e-30 to 1e30)); default 0.001.
            discount_states: Weight of step t by gamma^t, as in the box. Source: false, as implementations have it;
                default false.
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Stable-Baselines3's A2C (from 0 to 1); default 0.99.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            lambda_: Decay lambda of the policy's trace, on top of the discount. Source: 0, the first box of Sutton
                and Barto 2018, section 13.5 (from 0 to 1); default 0.0.
            learning_rate: Step size alpha of the policy, a number or a schedule over steps. Source: the best of
                0.0003 to 0.01 on CartPole (0 or above (1e-30 to 1e30)); default 0.001.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            log_std_init: Logarithm of the initial standard deviation of the actions in a box. Source:
                Stable-Baselines3's A2C (from -10 to 2); default 0.0.
            net_arch: Architecture of the policy's network, and of the critic's; `mlp` is linear. Source:
                Stable-Baselines3's A2C; default "mlp:64,64:tanh".
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class A2C(Algorithm):
    """Advantage actor-critic: one gradient step from each short rollout of many copies.

    Source: Mnih et al. 2016, Algorithm S3.
    """

    name = "a2c"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        beta1: float | None = None,
        centered: bool | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        clip_grad_value: float | None = None,
        ent_coef: float | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        from_: Any | None = None,
        gae_lambda: float | None = None,
        gamma: float | None = None,
        initialization: Any | None = None,
        keep: Any | None = None,
        l2_penalty: float | None = None,
        learning_rate: float | str | Callable[[float], float] | None = None,
        log_interval: int | None = None,
        log_std_init: float | None = None,
        max_grad_norm: float | None = None,
        momentum: float | None = None,
        n_steps: int | None = None,
        nesterov: bool | None = None,
        net_arch: Any | None = None,
        normalize_advantage: bool | None = None,
        normalize_observations: bool | None = None,
        normalize_rewards: bool | None = None,
        num_envs: int | None = None,
        optimizer: Any | None = None,
        optimizer_eps: float | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        sde_sample_freq: int | None = None,
        shared_trunk: bool | None = None,
        stop_at_return: float | None = None,
        use_sde: bool | None = None,
        vf_coef: float | None = None,
        weight_decay: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            beta1: Decay of Adam's first moment. Source: Kingma and Ba 2015, Algorithm 1 (from 0 to 0.999); default
                0.9.
            centered: Subtracts the mean gradient in RMSprop (its centred form). Source: Graves 2013, as Mnih et al.
                2015; default false.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            clip_grad_value: Largest magnitude of a gradient's components, if limited; they are clipped before the
                norm is (above 0 (1e-30 to 1e30)).
            ent_coef: Weight of the entropy, which is maximised. Source: Stable-Baselines3 (0 or above (1e-30 to
                1e30)); default 0.0.
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gae_lambda: Decay lambda of the advantage estimates: 0 for the TD error, 1 for the return minus the
                value. Source: Stable-Baselines3 (from 0 to 1); default 1.0.
            gamma: Discount. Source: Stable-Baselines3 (from 0 to 1); default 0.99.
            initialization: Distribution of initial weights. Source: PyTorch's Linear and Conv2d; default
                "orthogonal".
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            l2_penalty: L2 penalty: this times each parameter is added to its gradient, after clipping. Source: the
                weight_decay of PyTorch's SGD, RMSprop, Adam and RAdam (0 or above (1e-30 to 1e30)); default 0.0.
            learning_rate: Step size of the optimiser, a number or a schedule over steps of the environment (those
                before the transitions of the update). Source: Stable-Baselines3 (0 or above (1e-30 to 1e30));
                default 0.0007.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            log_std_init: Logarithm of the initial standard deviation of the actions in a box, or of the parameters
                of use_sde. Source: Stable-Baselines3 (from -10 to 2); default 0.0.
            max_grad_norm: Largest norm of a gradient, if limited; longer ones are scaled down. Source:
                Stable-Baselines3 for agents; the papers of distillation have none (above 0 (1e-30 to 1e30), or inf
                for no limit); default 0.5.
            momentum: Decay of RMSprop's averages, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table
                1 (from 0 to 1); default 0.99.
            n_steps: Steps of each copy between updates. Source: Stable-Baselines3 (from 1 to 65536); default 5.
            nesterov: Uses Nesterov's momentum in SGD. Source: PyTorch's SGD; default false.
            net_arch: Architecture of the policy's network, and of the critic's. Source: Stable-Baselines3; default
                "mlp:64,64:tanh".
            normalize_advantage: Subtracts the mean of the advantages, and divides by their deviation. Source:
                Stable-Baselines3; default false.
            normalize_observations: Normalises observations by their running mean and standard deviation, which is
                at least a tenth of the largest distance from the mean. The saved model has the last of these in its
                first layer, and takes raw observations. Source: Stable-Baselines3's VecNormalize, which clips at 10
                deviations instead; default false.
            normalize_rewards: Divides rewards by the running standard deviation of the discounted returns, and
                clips them at 10. Source: Stable-Baselines3's VecNormalize; default false.
            num_envs: Copies of the environment. Source: Stable-Baselines3 (from 1 to 65536); default 1.
            optimizer: Optimisation rule. Source: Stable-Baselines3; default "rmsprop".
            optimizer_eps: Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam (above 0 (1e-15 to
                1e30)); default 0.00001.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            sde_sample_freq: Steps of each copy after which that function is drawn anew within a rollout too.
                Source: Raffin et al. 2022, section 3 (1 or above).
            shared_trunk: Makes policy and critic two heads on the hidden layers of one network of net_arch, which
                learn from both losses, in place of two networks. Source: Stable-Baselines3, where images have true
                and numbers false; default false.
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
            use_sde: Explores a box of actions by noise that is a random linear function of the activations of the
                policy's last hidden layer (gSDE), the same for a rollout, in place of noise that is independent in
                each step. Source: Raffin et al. 2022; default false.
            vf_coef: Weight of the critic's mean squared error. Source: Stable-Baselines3 (0 or above (1e-30 to
                1e30)); default 0.5.
            weight_decay: Weight decay of AdamW, times the step size. Source: PyTorch's AdamW (0 or above (1e-30 to
                1e30)); default 0.01.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class PPO(Algorithm):
    """Proximal policy optimisation: epochs of minibatches, with clipped ratios of probabilities.

    Source: Schulman et al. 2017, Algorithm 1.
    """

    name = "ppo"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        batch_size: int | None = None,
        beta1: float | None = None,
        centered: bool | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        clip_grad_value: float | None = None,
        clip_range: float | str | Callable[[float], float] | None = None,
        clip_range_vf: float | None = None,
        ent_coef: float | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        from_: Any | None = None,
        gae_lambda: float | None = None,
        gamma: float | None = None,
        initialization: Any | None = None,
        keep: Any | None = None,
        l2_penalty: float | None = None,
        learning_rate: float | str | Callable[[float], float] | None = None,
        log_interval: int | None = None,
        log_std_init: float | None = None,
        max_grad_norm: float | None = None,
        momentum: float | None = None,
        n_epochs: int | None = None,
        n_steps: int | None = None,
        nesterov: bool | None = None,
        net_arch: Any | None = None,
        normalize_advantage: bool | None = None,
        normalize_observations: bool | None = None,
        normalize_rewards: bool | None = None,
        num_envs: int | None = None,
        optimizer: Any | None = None,
        optimizer_eps: float | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        sde_sample_freq: int | None = None,
        shared_trunk: bool | None = None,
        stop_at_return: float | None = None,
        target_kl: float | None = None,
        use_sde: bool | None = None,
        vf_coef: float | None = None,
        weight_decay: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            batch_size: Transitions of a minibatch; the last of an epoch may have fewer. Source: Stable-Baselines3
                (from 1 to 1000000); default 64.
            beta1: Decay of Adam's first moment. Source: Kingma and Ba 2015, Algorithm 1 (from 0 to 0.999); default
                0.9.
            centered: Subtracts the mean gradient in RMSprop (its centred form). Source: Graves 2013, as Mnih et al.
                2015; default true.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            clip_grad_value: Largest magnitude of a gradient's components, if limited; they are clipped before the
                norm is (above 0 (1e-30 to 1e30)).
            clip_range: Distance from 1 at which ratios of probabilities are clipped, a number or a schedule like
                that of learning_rate. Source: Schulman et al. 2017, section 6.1 (0 or above (1e-30 to 1e30));
                default 0.2.
            clip_range_vf: Distance at which the critic's values are clipped from those before the update, if they
                are. Source: the code of Schulman et al. 2017, which used 0.2 (above 0 (1e-30 to 1e30)).
            ent_coef: Weight of the entropy, which is maximised. Source: Stable-Baselines3 (0 or above (1e-30 to
                1e30)); default 0.0.
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gae_lambda: Decay lambda of the advantage estimates: 0 for the TD error, 1 for the return minus the
                value. Source: Stable-Baselines3 (from 0 to 1); default 0.95.
            gamma: Discount. Source: Stable-Baselines3 (from 0 to 1); default 0.99.
            initialization: Distribution of initial weights. Source: PyTorch's Linear and Conv2d; default
                "orthogonal".
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            l2_penalty: L2 penalty: this times each parameter is added to its gradient, after clipping. Source: the
                weight_decay of PyTorch's SGD, RMSprop, Adam and RAdam (0 or above (1e-30 to 1e30)); default 0.0.
            learning_rate: Step size of the optimiser, a number or a schedule over steps of the environment (those
                before the transitions of the update). Source: Stable-Baselines3 (0 or above (1e-30 to 1e30));
                default 0.0003.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            log_std_init: Logarithm of the initial standard deviation of the actions in a box, or of the parameters
                of use_sde. Source: Stable-Baselines3 (from -10 to 2); default 0.0.
            max_grad_norm: Largest norm of a gradient, if limited; longer ones are scaled down. Source:
                Stable-Baselines3 for agents; the papers of distillation have none (above 0 (1e-30 to 1e30), or inf
                for no limit); default 0.5.
            momentum: Decay of RMSprop's averages, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table
                1 (from 0 to 1); default 0.95.
            n_epochs: Epochs of an update over the collected transitions. Source: Stable-Baselines3 (from 1 to
                1000); default 10.
            n_steps: Steps of each copy between updates. Source: Stable-Baselines3 (from 1 to 65536); default 2048.
            nesterov: Uses Nesterov's momentum in SGD. Source: PyTorch's SGD; default false.
            net_arch: Architecture of the policy's network, and of the critic's. Source: Stable-Baselines3; default
                "mlp:64,64:tanh".
            normalize_advantage: Subtracts the mean of a minibatch's advantages, and divides by their deviation.
                Source: Stable-Baselines3; default true.
            normalize_observations: Normalises observations by their running mean and standard deviation, which is
                at least a tenth of the largest distance from the mean. The saved model has the last of these in its
                first layer, and takes raw observations. Source: Stable-Baselines3's VecNormalize, which clips at 10
                deviations instead; default false.
            normalize_rewards: Divides rewards by the running standard deviation of the discounted returns, and
                clips them at 10. Source: Stable-Baselines3's VecNormalize; default false.
            num_envs: Copies of the environment. Source: Stable-Baselines3 (from 1 to 65536); default 1.
            optimizer: Optimisation rule. Source: Stable-Baselines3; default "adam".
            optimizer_eps: Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam (above 0 (1e-15 to
                1e30)); default 0.00001.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            sde_sample_freq: Steps of each copy after which that function is drawn anew within a rollout too.
                Source: Raffin et al. 2022, section 3 (1 or above).
            shared_trunk: Makes policy and critic two heads on the hidden layers of one network of net_arch, which
                learn from both losses, in place of two networks. Source: Stable-Baselines3, where images have true
                and numbers false; default false.
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
            target_kl: Estimated divergence KL(old || new), in nats, beyond 1.5 times of which an update ends, if it
                does. Source: Stable-Baselines3 (above 0 (1e-30 to 1e30)).
            use_sde: Explores a box of actions by noise that is a random linear function of the activations of the
                policy's last hidden layer (gSDE), the same for a rollout, in place of noise that is independent in
                each step. Source: Raffin et al. 2022; default false.
            vf_coef: Weight of the critic's mean squared error. Source: Stable-Baselines3 (0 or above (1e-30 to
                1e30)); default 0.5.
            weight_decay: Weight decay of AdamW, times the step size. Source: PyTorch's AdamW (0 or above (1e-30 to
                1e30)); default 0.01.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class DDPG(Algorithm):
    """A deterministic policy that follows the gradient of its critic, for a box of actions.

    Source: Lillicrap et al. 2016, Algorithm 1.
    """

    name = "ddpg"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        batch_size: int | None = None,
        beta1: float | None = None,
        buffer_size: int | None = None,
        centered: bool | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        clip_grad_value: float | None = None,
        critic_learning_rate: float | str | Callable[[float], float] | None = None,
        critic_net_arch: Any | None = None,
        data: Any | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        gradient_steps: int | None = None,
        initialization: Any | None = None,
        keep: Any | None = None,
        l2_penalty: float | None = None,
        learning_rate: float | str | Callable[[float], float] | None = None,
        learning_starts: int | None = None,
        log_interval: int | None = None,
        max_grad_norm: float | None = None,
        memory_limit: float | None = None,
        momentum: float | None = None,
        nesterov: bool | None = None,
        net_arch: Any | None = None,
        noise_std: float | None = None,
        noise_type: Any | None = None,
        num_envs: int | None = None,
        optimizer: Any | None = None,
        optimizer_eps: float | None = None,
        ou_dt: float | None = None,
        ou_theta: float | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        stop_at_return: float | None = None,
        tau: float | None = None,
        top_fraction: float | None = None,
        train_freq: int | None = None,
        train_freq_unit: Any | None = None,
        weight_decay: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            batch_size: Transitions per gradient step. Source: Stable-Baselines3 (from 1 to 1000000); default 256.
            beta1: Decay of Adam's first moment. Source: Kingma and Ba 2015, Algorithm 1 (from 0 to 0.999); default
                0.9.
            buffer_size: Capacity of the replay buffer, in transitions. Source: Stable-Baselines3 (1 or above);
                default 1000000.
            centered: Subtracts the mean gradient in RMSprop (its centred form). Source: Graves 2013, as Mnih et al.
                2015; default true.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            clip_grad_value: Largest magnitude of a gradient's components, if limited; they are clipped before the
                norm is (above 0 (1e-30 to 1e30)).
            critic_learning_rate: Step size of the critics, and of a temperature, if it is another. Source: CleanRL
                (0 or above (1e-30 to 1e30)).
            critic_net_arch: Architecture of the critics' networks, if it is another.
            data: File of recorded episodes (potstill play --record), or random:STEPS or random:STEPS:SEED for those
                of uniformly random actions: learns from these without acting. A step is then an update, lines of
                metrics.jsonl come every hundred times log_interval of them, and keys of exploration and of the
                replay buffer have no effect.
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Stable-Baselines3 (from 0 to 1); default 0.99.
            gradient_steps: Gradient steps of an update; 0 for as many as there were steps of all copies since the
                last. Source: Stable-Baselines3, where -1 means that (from 0 to 1000000); default 1.
            initialization: Distribution of initial weights. Source: PyTorch's Linear and Conv2d; default "pytorch".
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            l2_penalty: L2 penalty: this times each parameter is added to its gradient, after clipping. Source: the
                weight_decay of PyTorch's SGD, RMSprop, Adam and RAdam (0 or above (1e-30 to 1e30)); default 0.0.
            learning_rate: Step size of the optimisers, a number or a schedule over steps of the environment (those
                before the `train_freq` steps of each copy that an update follows). Source: Stable-Baselines3 (0 or
                above (1e-30 to 1e30)); default 0.001.
            learning_starts: Steps of uniformly random actions before learning, of all copies together. Source:
                Stable-Baselines3; default 100.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            max_grad_norm: Largest norm of a gradient, if limited; longer ones are scaled down. Source:
                Stable-Baselines3 for agents; the papers of distillation have none (above 0 (1e-30 to 1e30), or inf
                for no limit); default inf.
            memory_limit: Gigabytes of observations beyond which they are stored in a file (in TMPDIR, or /var/tmp).
                A checkpoint still needs a copy in memory. Source: what many machines have to spare (0 or above
                (1e-30 to 1e30)); default 4.0.
            momentum: Decay of RMSprop's averages, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table
                1 (from 0 to 1); default 0.95.
            nesterov: Uses Nesterov's momentum in SGD. Source: PyTorch's SGD; default false.
            net_arch: Architecture of the policy's network, and of the critics'. Source: Stable-Baselines3; default
                "mlp:400,300".
            noise_std: Its standard deviation; half the width of the box of actions is 1. Source: Fujimoto et al.
                2018, section 6.1 (0 or above (1e-30 to 1e30)); default 0.1.
            noise_type: Kind of the noise on actions while learning. Source: RL Baselines3 Zoo; Lillicrap et al.
                2016 have ou; default "normal".
            num_envs: Copies of the environment, stepped together (from 1 to 65536); default 1.
            optimizer: Optimisation rule. Source: Stable-Baselines3; default "adam".
            optimizer_eps: Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam (above 0 (1e-15 to
                1e30)); default 0.00000001.
            ou_dt: Length of a step of ou, in units of its time. Source: Stable-Baselines3 (above 0 (1e-30 to
                1e30)); default 0.01.
            ou_theta: Rate at which ou returns to 0. Source: Lillicrap et al. 2016, section 7 (0 or above (1e-30 to
                1e30)); default 0.15.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
            tau: Polyak coefficient of the target networks. Source: Stable-Baselines3 (above 0 (1e-30) and up to 1);
                default 0.005.
            top_fraction: Share of the episodes to learn from: those of the highest returns (above 0 (1e-30) and up
                to 1); default 1.0.
            train_freq: Steps of each copy of the environment, or episodes, between updates. Source:
                Stable-Baselines3 (1 or above); default 1.
            train_freq_unit: Unit of train_freq. Source: Stable-Baselines3; default "step".
            weight_decay: Weight decay of AdamW, times the step size. Source: PyTorch's AdamW (0 or above (1e-30 to
                1e30)); default 0.01.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class TD3(Algorithm):
    """DDPG with twin critics, smoothed targets and a delayed policy, for a box of actions.

    Source: Fujimoto et al. 2018, Algorithm 1.
    """

    name = "td3"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        batch_size: int | None = None,
        beta1: float | None = None,
        buffer_size: int | None = None,
        centered: bool | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        clip_grad_value: float | None = None,
        critic_learning_rate: float | str | Callable[[float], float] | None = None,
        critic_net_arch: Any | None = None,
        data: Any | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        gradient_steps: int | None = None,
        initialization: Any | None = None,
        keep: Any | None = None,
        l2_penalty: float | None = None,
        learning_rate: float | str | Callable[[float], float] | None = None,
        learning_starts: int | None = None,
        log_interval: int | None = None,
        max_grad_norm: float | None = None,
        memory_limit: float | None = None,
        momentum: float | None = None,
        nesterov: bool | None = None,
        net_arch: Any | None = None,
        noise_std: float | None = None,
        noise_type: Any | None = None,
        num_envs: int | None = None,
        optimizer: Any | None = None,
        optimizer_eps: float | None = None,
        ou_dt: float | None = None,
        ou_theta: float | None = None,
        policy_delay: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        stop_at_return: float | None = None,
        target_noise: float | None = None,
        target_noise_clip: float | None = None,
        tau: float | None = None,
        top_fraction: float | None = None,
        train_freq: int | None = None,
        train_freq_unit: Any | None = None,
        weight_decay: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            batch_size: Transitions per gradient step. Source: Stable-Baselines3 (from 1 to 1000000); default 256.
            beta1: Decay of Adam's first moment. Source: Kingma and Ba 2015, Algorithm 1 (from 0 to 0.999); default
                0.9.
            buffer_size: Capacity of the replay buffer, in transitions. Source: Stable-Baselines3 (1 or above);
                default 1000000.
            centered: Subtracts the mean gradient in RMSprop (its centred form). Source: Graves 2013, as Mnih et al.
                2015; default true.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            clip_grad_value: Largest magnitude of a gradient's components, if limited; they are clipped before the
                norm is (above 0 (1e-30 to 1e30)).
            critic_learning_rate: Step size of the critics, and of a temperature, if it is another. Source: CleanRL
                (0 or above (1e-30 to 1e30)).
            critic_net_arch: Architecture of the critics' networks, if it is another.
            data: File of recorded episodes (potstill play --record), or random:STEPS or random:STEPS:SEED for those
                of uniformly random actions: learns from these without acting. A step is then an update, lines of
                metrics.jsonl come every hundred times log_interval of them, and keys of exploration and of the
                replay buffer have no effect.
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Stable-Baselines3 (from 0 to 1); default 0.99.
            gradient_steps: Gradient steps of an update; 0 for as many as there were steps of all copies since the
                last. Source: Stable-Baselines3, where -1 means that (from 0 to 1000000); default 1.
            initialization: Distribution of initial weights. Source: PyTorch's Linear and Conv2d; default "pytorch".
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            l2_penalty: L2 penalty: this times each parameter is added to its gradient, after clipping. Source: the
                weight_decay of PyTorch's SGD, RMSprop, Adam and RAdam (0 or above (1e-30 to 1e30)); default 0.0.
            learning_rate: Step size of the optimisers, a number or a schedule over steps of the environment (those
                before the `train_freq` steps of each copy that an update follows). Source: Stable-Baselines3 (0 or
                above (1e-30 to 1e30)); default 0.001.
            learning_starts: Steps of uniformly random actions before learning, of all copies together. Source:
                Stable-Baselines3; default 100.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            max_grad_norm: Largest norm of a gradient, if limited; longer ones are scaled down. Source:
                Stable-Baselines3 for agents; the papers of distillation have none (above 0 (1e-30 to 1e30), or inf
                for no limit); default inf.
            memory_limit: Gigabytes of observations beyond which they are stored in a file (in TMPDIR, or /var/tmp).
                A checkpoint still needs a copy in memory. Source: what many machines have to spare (0 or above
                (1e-30 to 1e30)); default 4.0.
            momentum: Decay of RMSprop's averages, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table
                1 (from 0 to 1); default 0.95.
            nesterov: Uses Nesterov's momentum in SGD. Source: PyTorch's SGD; default false.
            net_arch: Architecture of the policy's network, and of the critics'. Source: Stable-Baselines3; default
                "mlp:400,300".
            noise_std: Its standard deviation; half the width of the box of actions is 1. Source: Fujimoto et al.
                2018, section 6.1 (0 or above (1e-30 to 1e30)); default 0.1.
            noise_type: Kind of the noise on actions while learning. Source: RL Baselines3 Zoo; Lillicrap et al.
                2016 have ou; default "normal".
            num_envs: Copies of the environment, stepped together (from 1 to 65536); default 1.
            optimizer: Optimisation rule. Source: Stable-Baselines3; default "adam".
            optimizer_eps: Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam (above 0 (1e-15 to
                1e30)); default 0.00000001.
            ou_dt: Length of a step of ou, in units of its time. Source: Stable-Baselines3 (above 0 (1e-30 to
                1e30)); default 0.01.
            ou_theta: Rate at which ou returns to 0. Source: Lillicrap et al. 2016, section 7 (0 or above (1e-30 to
                1e30)); default 0.15.
            policy_delay: Gradient steps of the critics for each one of the policy and each move of the target
                networks. Source: Fujimoto et al. 2018, section 6.1 (from 1 to 1000); default 2.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
            target_noise: Standard deviation of the noise on the actions of targets; half the width of the box is 1.
                Source: Fujimoto et al. 2018, section 6.1 (0 or above (1e-30 to 1e30)); default 0.2.
            target_noise_clip: Largest magnitude of that noise. Source: Fujimoto et al. 2018, section 6.1 (0 or
                above (1e-30 to 1e30)); default 0.5.
            tau: Polyak coefficient of the target networks. Source: Stable-Baselines3 (above 0 (1e-30) and up to 1);
                default 0.005.
            top_fraction: Share of the episodes to learn from: those of the highest returns (above 0 (1e-30) and up
                to 1); default 1.0.
            train_freq: Steps of each copy of the environment, or episodes, between updates. Source:
                Stable-Baselines3 (1 or above); default 1.
            train_freq_unit: Unit of train_freq. Source: Stable-Baselines3; default "step".
            weight_decay: Weight decay of AdamW, times the step size. Source: PyTorch's AdamW (0 or above (1e-30 to
                1e30)); default 0.01.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class SAC(Algorithm):
    """Soft actor-critic: a stochastic policy of high entropy with twin critics, for a box of actions.

    Source: Haarnoja et al. 2018, 2018b, Algorithm 1.
    """

    name = "sac"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        batch_size: int | None = None,
        beta1: float | None = None,
        buffer_size: int | None = None,
        centered: bool | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        clip_grad_value: float | None = None,
        critic_learning_rate: float | str | Callable[[float], float] | None = None,
        critic_net_arch: Any | None = None,
        data: Any | None = None,
        ent_coef: float | str | None = None,
        ent_coef_init: float | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        gradient_steps: int | None = None,
        initialization: Any | None = None,
        keep: Any | None = None,
        l2_penalty: float | None = None,
        learning_rate: float | str | Callable[[float], float] | None = None,
        learning_starts: int | None = None,
        log_interval: int | None = None,
        log_std_init: float | None = None,
        max_grad_norm: float | None = None,
        memory_limit: float | None = None,
        momentum: float | None = None,
        nesterov: bool | None = None,
        net_arch: Any | None = None,
        num_envs: int | None = None,
        optimizer: Any | None = None,
        optimizer_eps: float | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        sde_sample_freq: int | None = None,
        stop_at_return: float | None = None,
        target_entropy: float | str | None = None,
        tau: float | None = None,
        top_fraction: float | None = None,
        train_freq: int | None = None,
        train_freq_unit: Any | None = None,
        use_sde: bool | None = None,
        weight_decay: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            batch_size: Transitions per gradient step. Source: Stable-Baselines3 (from 1 to 1000000); default 256.
            beta1: Decay of Adam's first moment. Source: Kingma and Ba 2015, Algorithm 1 (from 0 to 0.999); default
                0.9.
            buffer_size: Capacity of the replay buffer, in transitions. Source: Stable-Baselines3 (1 or above);
                default 1000000.
            centered: Subtracts the mean gradient in RMSprop (its centred form). Source: Graves 2013, as Mnih et al.
                2015; default true.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            clip_grad_value: Largest magnitude of a gradient's components, if limited; they are clipped before the
                norm is (above 0 (1e-30 to 1e30)).
            critic_learning_rate: Step size of the critics, and of a temperature, if it is another. Source: CleanRL
                (0 or above (1e-30 to 1e30)).
            critic_net_arch: Architecture of the critics' networks, if it is another.
            data: File of recorded episodes (potstill play --record), or random:STEPS or random:STEPS:SEED for those
                of uniformly random actions: learns from these without acting. A step is then an update, lines of
                metrics.jsonl come every hundred times log_interval of them, and keys of exploration and of the
                replay buffer have no effect.
            ent_coef: Temperature: the weight of the entropy; auto learns it. Source: Haarnoja et al. 2018b, section
                5 (0 or above (1e-30 to 1e30)); default "auto".
            ent_coef_init: Temperature at the start. Source: Stable-Baselines3 (above 0 (1e-30 to 1e30)); default
                1.0.
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Stable-Baselines3 (from 0 to 1); default 0.99.
            gradient_steps: Gradient steps of an update; 0 for as many as there were steps of all copies since the
                last. Source: Stable-Baselines3, where -1 means that (from 0 to 1000000); default 1.
            initialization: Distribution of initial weights. Source: PyTorch's Linear and Conv2d; default "pytorch".
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            l2_penalty: L2 penalty: this times each parameter is added to its gradient, after clipping. Source: the
                weight_decay of PyTorch's SGD, RMSprop, Adam and RAdam (0 or above (1e-30 to 1e30)); default 0.0.
            learning_rate: Step size of the optimisers, a number or a schedule over steps of the environment (those
                before the `train_freq` steps of each copy that an update follows). Source: Stable-Baselines3 (0 or
                above (1e-30 to 1e30)); default 0.0003.
            learning_starts: Steps of uniformly random actions before learning, of all copies together. Source:
                Stable-Baselines3; default 100.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            log_std_init: Logarithm of the initial standard deviation of that function's weights. Source:
                Stable-Baselines3 (from -10 to 2); default -3.0.
            max_grad_norm: Largest norm of a gradient, if limited; longer ones are scaled down. Source:
                Stable-Baselines3 for agents; the papers of distillation have none (above 0 (1e-30 to 1e30), or inf
                for no limit); default inf.
            memory_limit: Gigabytes of observations beyond which they are stored in a file (in TMPDIR, or /var/tmp).
                A checkpoint still needs a copy in memory. Source: what many machines have to spare (0 or above
                (1e-30 to 1e30)); default 4.0.
            momentum: Decay of RMSprop's averages, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table
                1 (from 0 to 1); default 0.95.
            nesterov: Uses Nesterov's momentum in SGD. Source: PyTorch's SGD; default false.
            net_arch: Architecture of the policy's network, and of the critics'. Source: Stable-Baselines3; default
                "mlp:256,256".
            num_envs: Copies of the environment, stepped together (from 1 to 65536); default 1.
            optimizer: Optimisation rule. Source: Stable-Baselines3; default "adam".
            optimizer_eps: Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam (above 0 (1e-15 to
                1e30)); default 0.00000001.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            sde_sample_freq: Steps of each copy after which that function is drawn anew between updates too. Source:
                Raffin et al. 2022, section 3 (1 or above).
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
            target_entropy: Entropy that the temperature is to hold, in nats, of actions from -1 to 1; auto is minus
                the number of components of an action. Source: Haarnoja et al. 2018b, appendix D (finite); default
                "auto".
            tau: Polyak coefficient of the target networks. Source: Stable-Baselines3 (above 0 (1e-30) and up to 1);
                default 0.005.
            top_fraction: Share of the episodes to learn from: those of the highest returns (above 0 (1e-30) and up
                to 1); default 1.0.
            train_freq: Steps of each copy of the environment, or episodes, between updates. Source:
                Stable-Baselines3 (1 or above); default 1.
            train_freq_unit: Unit of train_freq. Source: Stable-Baselines3; default "step".
            use_sde: Explores by noise that is a random linear function of the activations of the policy's last
                hidden layer (gSDE), the same between updates, in place of noise that is independent in each step.
                Source: Raffin et al. 2022; default false.
            weight_decay: Weight decay of AdamW, times the step size. Source: PyTorch's AdamW (0 or above (1e-30 to
                1e30)); default 0.01.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class CrossQ(Algorithm):
    """SAC without target networks: wide critics, normalised by batches, for a box of actions.

    Source: Bhatt et al. 2024, section 3.
    """

    name = "crossq"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        batch_size: int | None = None,
        beta1: float | None = None,
        buffer_size: int | None = None,
        centered: bool | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        clip_grad_value: float | None = None,
        critic_learning_rate: float | str | Callable[[float], float] | None = None,
        critic_net_arch: Any | None = None,
        data: Any | None = None,
        ent_coef: float | str | None = None,
        ent_coef_init: float | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        gradient_steps: int | None = None,
        initialization: Any | None = None,
        keep: Any | None = None,
        l2_penalty: float | None = None,
        learning_rate: float | str | Callable[[float], float] | None = None,
        learning_starts: int | None = None,
        log_interval: int | None = None,
        log_std_init: float | None = None,
        max_grad_norm: float | None = None,
        memory_limit: float | None = None,
        momentum: float | None = None,
        nesterov: bool | None = None,
        net_arch: Any | None = None,
        num_envs: int | None = None,
        optimizer: Any | None = None,
        optimizer_eps: float | None = None,
        policy_delay: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        sde_sample_freq: int | None = None,
        stop_at_return: float | None = None,
        target_entropy: float | str | None = None,
        tau: float | None = None,
        top_fraction: float | None = None,
        train_freq: int | None = None,
        train_freq_unit: Any | None = None,
        use_sde: bool | None = None,
        weight_decay: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            batch_size: Transitions per gradient step. Source: Stable-Baselines3 (from 1 to 1000000); default 256.
            beta1: Decay of Adam's first moment. Source: Kingma and Ba 2015, Algorithm 1 (from 0 to 0.999); default
                0.5.
            buffer_size: Capacity of the replay buffer, in transitions. Source: Stable-Baselines3 (1 or above);
                default 1000000.
            centered: Subtracts the mean gradient in RMSprop (its centred form). Source: Graves 2013, as Mnih et al.
                2015; default true.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            clip_grad_value: Largest magnitude of a gradient's components, if limited; they are clipped before the
                norm is (above 0 (1e-30 to 1e30)).
            critic_learning_rate: Step size of the critics, and of a temperature, if it is another. Source: CleanRL
                (0 or above (1e-30 to 1e30)).
            critic_net_arch: Architecture of the critics' networks, if it is another; default
                "mlp:1024,1024:batchrenorm".
            data: File of recorded episodes (potstill play --record), or random:STEPS or random:STEPS:SEED for those
                of uniformly random actions: learns from these without acting. A step is then an update, lines of
                metrics.jsonl come every hundred times log_interval of them, and keys of exploration and of the
                replay buffer have no effect.
            ent_coef: Temperature: the weight of the entropy; auto learns it. Source: Haarnoja et al. 2018b, section
                5 (0 or above (1e-30 to 1e30)); default "auto".
            ent_coef_init: Temperature at the start. Source: Stable-Baselines3 (above 0 (1e-30 to 1e30)); default
                1.0.
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: Stable-Baselines3 (from 0 to 1); default 0.99.
            gradient_steps: Gradient steps of an update; 0 for as many as there were steps of all copies since the
                last. Source: Stable-Baselines3, where -1 means that (from 0 to 1000000); default 1.
            initialization: Distribution of initial weights. Source: PyTorch's Linear and Conv2d; default
                "lecun_normal".
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            l2_penalty: L2 penalty: this times each parameter is added to its gradient, after clipping. Source: the
                weight_decay of PyTorch's SGD, RMSprop, Adam and RAdam (0 or above (1e-30 to 1e30)); default 0.0.
            learning_rate: Step size of the optimisers, a number or a schedule over steps of the environment (those
                before the `train_freq` steps of each copy that an update follows). Source: Stable-Baselines3 (0 or
                above (1e-30 to 1e30)); default 0.001.
            learning_starts: Steps of uniformly random actions before learning, of all copies together. Source:
                Stable-Baselines3; default 100.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            log_std_init: Logarithm of the initial standard deviation of that function's weights. Source:
                Stable-Baselines3 (from -10 to 2); default -3.0.
            max_grad_norm: Largest norm of a gradient, if limited; longer ones are scaled down. Source:
                Stable-Baselines3 for agents; the papers of distillation have none (above 0 (1e-30 to 1e30), or inf
                for no limit); default inf.
            memory_limit: Gigabytes of observations beyond which they are stored in a file (in TMPDIR, or /var/tmp).
                A checkpoint still needs a copy in memory. Source: what many machines have to spare (0 or above
                (1e-30 to 1e30)); default 4.0.
            momentum: Decay of RMSprop's averages, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table
                1 (from 0 to 1); default 0.95.
            nesterov: Uses Nesterov's momentum in SGD. Source: PyTorch's SGD; default false.
            net_arch: Architecture of the policy's network, and of the critics'. Source: Stable-Baselines3; default
                "mlp:256,256:batchrenorm".
            num_envs: Copies of the environment, stepped together (from 1 to 65536); default 1.
            optimizer: Optimisation rule. Source: Stable-Baselines3; default "adam".
            optimizer_eps: Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam (above 0 (1e-15 to
                1e30)); default 0.00000001.
            policy_delay: Gradient steps of the critics for each one of the policy and the temperature. Source: the
                code of Bhatt et al. 2024 (from 1 to 1000); default 3.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            sde_sample_freq: Steps of each copy after which that function is drawn anew between updates too. Source:
                Raffin et al. 2022, section 3 (1 or above).
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
            target_entropy: Entropy that the temperature is to hold, in nats, of actions from -1 to 1; auto is minus
                the number of components of an action. Source: Haarnoja et al. 2018b, appendix D (finite); default
                "auto".
            tau: Polyak coefficient of the target networks. Source: Stable-Baselines3 (above 0 (1e-30) and up to 1);
                default 0.005.
            top_fraction: Share of the episodes to learn from: those of the highest returns (above 0 (1e-30) and up
                to 1); default 1.0.
            train_freq: Steps of each copy of the environment, or episodes, between updates. Source:
                Stable-Baselines3 (1 or above); default 1.
            train_freq_unit: Unit of train_freq. Source: Stable-Baselines3; default "step".
            use_sde: Explores by noise that is a random linear function of the activations of the policy's last
                hidden layer (gSDE), the same between updates, in place of noise that is independent in each step.
                Source: Raffin et al. 2022; default false.
            weight_decay: Weight decay of AdamW, times the step size. Source: PyTorch's AdamW (0 or above (1e-30 to
                1e30)); default 0.01.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class Bc(Algorithm):
    """Behaviour cloning: imitates recorded actions by supervised learning.

    Source: Pomerleau 1991.
    """

    name = "bc"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        batch_size: int | None = None,
        beta1: float | None = None,
        centered: bool | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        clip_grad_value: float | None = None,
        critic_net_arch: Any | None = None,
        data: Any | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initialization: Any | None = None,
        keep: Any | None = None,
        l2_penalty: float | None = None,
        label_smoothing: float | None = None,
        learning_rate: float | str | Callable[[float], float] | None = None,
        log_interval: int | None = None,
        max_grad_norm: float | None = None,
        memory_limit: float | None = None,
        momentum: float | None = None,
        nesterov: bool | None = None,
        net_arch: Any | None = None,
        normalize_observations: bool | None = None,
        optimizer: Any | None = None,
        optimizer_eps: float | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        stop_at_return: float | None = None,
        tau: float | None = None,
        top_fraction: float | None = None,
        weight_decay: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            batch_size: Transitions per update. Source: the authors' code of TD3+BC, IQL, CQL (from 1 to 1000000);
                default 256.
            beta1: Decay of Adam's first moment. Source: Kingma and Ba 2015, Algorithm 1 (from 0 to 0.999); default
                0.9.
            centered: Subtracts the mean gradient in RMSprop (its centred form). Source: Graves 2013, as Mnih et al.
                2015; default true.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            clip_grad_value: Largest magnitude of a gradient's components, if limited; they are clipped before the
                norm is (above 0 (1e-30 to 1e30)).
            critic_net_arch: Architecture of the critics' networks, if it is another.
            data: File of recorded episodes (potstill play --record), or random:STEPS or random:STEPS:SEED for those
                of uniformly random actions: learns from these without acting. A step is then an update, lines of
                metrics.jsonl come every hundred times log_interval of them, and keys of exploration and of the
                replay buffer have no effect.
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: the authors' code of TD3+BC, IQL, CQL (from 0 to 1); default 0.99.
            initialization: Distribution of initial weights. Source: PyTorch's Linear and Conv2d; default "pytorch".
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            l2_penalty: L2 penalty: this times each parameter is added to its gradient, after clipping. Source: the
                weight_decay of PyTorch's SGD, RMSprop, Adam and RAdam (0 or above (1e-30 to 1e30)); default 0.0.
            label_smoothing: Share of the probability that is spread evenly over all actions, if they are discrete.
                Source: Szegedy et al. 2016, section 7, which has 0.1 (from 0 to 0.999); default 0.0.
            learning_rate: Step size of the optimisers, a number or a schedule over updates. Source: the authors'
                code of TD3+BC, IQL (0 or above (1e-30 to 1e30)); default 0.001.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            max_grad_norm: Largest norm of a gradient, if limited; longer ones are scaled down. Source:
                Stable-Baselines3 for agents; the papers of distillation have none (above 0 (1e-30 to 1e30), or inf
                for no limit); default inf.
            memory_limit: Gigabytes of observations beyond which they are stored in a file (in TMPDIR, or /var/tmp).
                Source: what many machines have to spare (0 or above (1e-30 to 1e30)); default 4.0.
            momentum: Decay of RMSprop's averages, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table
                1 (from 0 to 1); default 0.95.
            nesterov: Uses Nesterov's momentum in SGD. Source: PyTorch's SGD; default false.
            net_arch: Architecture of the networks. Source: the authors' code of TD3+BC, IQL; default "mlp:256,256".
            normalize_observations: Subtracts the mean of the recorded observations and divides by their standard
                deviation, which 0.001 is added to. The saved model has both in its first layer, and takes raw
                observations. Source: Fujimoto and Gu 2021, section 5; default false.
            optimizer: Optimisation rule. Source: Stable-Baselines3; default "adam".
            optimizer_eps: Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam (above 0 (1e-15 to
                1e30)); default 0.00000001.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
            tau: Polyak coefficient of the target networks, which move after each update. Source: the authors' code
                of TD3+BC, IQL, CQL (above 0 (1e-30) and up to 1); default 0.005.
            top_fraction: Share of the episodes to learn from: those of the highest returns (above 0 (1e-30) and up
                to 1); default 1.0.
            weight_decay: Weight decay of AdamW, times the step size. Source: PyTorch's AdamW (0 or above (1e-30 to
                1e30)); default 0.01.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class Bcq(Algorithm):
    """Batch-constrained Q-learning: among the actions that the data are likely to have.

    Source: Fujimoto, Conti, Ghavamzadeh and Pineau 2019, Algorithm 1.
    """

    name = "bcq"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        batch_size: int | None = None,
        beta1: float | None = None,
        centered: bool | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        clip_grad_value: float | None = None,
        critic_net_arch: Any | None = None,
        data: Any | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        huber_delta: float | None = None,
        initialization: Any | None = None,
        keep: Any | None = None,
        l2_penalty: float | None = None,
        learning_rate: float | str | Callable[[float], float] | None = None,
        log_interval: int | None = None,
        logit_penalty: float | None = None,
        max_grad_norm: float | None = None,
        memory_limit: float | None = None,
        momentum: float | None = None,
        nesterov: bool | None = None,
        net_arch: Any | None = None,
        normalize_observations: bool | None = None,
        optimizer: Any | None = None,
        optimizer_eps: float | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        stop_at_return: float | None = None,
        tau: float | None = None,
        threshold: float | None = None,
        top_fraction: float | None = None,
        weight_decay: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            batch_size: Transitions per update. Source: the authors' code of TD3+BC, IQL, CQL (from 1 to 1000000);
                default 256.
            beta1: Decay of Adam's first moment. Source: Kingma and Ba 2015, Algorithm 1 (from 0 to 0.999); default
                0.9.
            centered: Subtracts the mean gradient in RMSprop (its centred form). Source: Graves 2013, as Mnih et al.
                2015; default true.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            clip_grad_value: Largest magnitude of a gradient's components, if limited; they are clipped before the
                norm is (above 0 (1e-30 to 1e30)).
            critic_net_arch: Architecture of the critics' networks, if it is another.
            data: File of recorded episodes (potstill play --record), or random:STEPS or random:STEPS:SEED for those
                of uniformly random actions: learns from these without acting. A step is then an update, lines of
                metrics.jsonl come every hundred times log_interval of them, and keys of exploration and of the
                replay buffer have no effect.
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: the authors' code of TD3+BC, IQL, CQL (from 0 to 1); default 0.99.
            huber_delta: Threshold of the Huber loss between quadratic and linear; 0 for the squared error. Source:
                Fujimoto et al. 2019, equation 5 (0 or above (1e-30 to 1e30)); default 1.0.
            initialization: Distribution of initial weights. Source: PyTorch's Linear and Conv2d; default "pytorch".
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            l2_penalty: L2 penalty: this times each parameter is added to its gradient, after clipping. Source: the
                weight_decay of PyTorch's SGD, RMSprop, Adam and RAdam (0 or above (1e-30 to 1e30)); default 0.0.
            learning_rate: Step size of the optimisers, a number or a schedule over updates. Source: the authors'
                code of TD3+BC, IQL (0 or above (1e-30 to 1e30)); default 0.001.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            logit_penalty: Weight of the mean squared logit of the imitation. Source: the authors' code (0 or above
                (1e-30 to 1e30)); default 0.01.
            max_grad_norm: Largest norm of a gradient, if limited; longer ones are scaled down. Source:
                Stable-Baselines3 for agents; the papers of distillation have none (above 0 (1e-30 to 1e30), or inf
                for no limit); default inf.
            memory_limit: Gigabytes of observations beyond which they are stored in a file (in TMPDIR, or /var/tmp).
                Source: what many machines have to spare (0 or above (1e-30 to 1e30)); default 4.0.
            momentum: Decay of RMSprop's averages, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table
                1 (from 0 to 1); default 0.95.
            nesterov: Uses Nesterov's momentum in SGD. Source: PyTorch's SGD; default false.
            net_arch: Architecture of the networks. Source: the authors' code of TD3+BC, IQL; default "mlp:256,256".
            normalize_observations: Subtracts the mean of the recorded observations and divides by their standard
                deviation, which 0.001 is added to. The saved model has both in its first layer, and takes raw
                observations. Source: Fujimoto and Gu 2021, section 5; default false.
            optimizer: Optimisation rule. Source: Stable-Baselines3; default "adam".
            optimizer_eps: Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam (above 0 (1e-15 to
                1e30)); default 0.00000001.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
            tau: Polyak coefficient of the target networks, which move after each update. Source: the authors' code
                of TD3+BC, IQL, CQL (above 0 (1e-30) and up to 1); default 0.005.
            threshold: Least probability of an action by the imitation of the data, as a share of the most probable
                one's: 0 is deep Q-learning, 1 imitation. Source: Fujimoto et al. 2019, table 1 (from 0 to 1);
                default 0.3.
            top_fraction: Share of the episodes to learn from: those of the highest returns (above 0 (1e-30) and up
                to 1); default 1.0.
            weight_decay: Weight decay of AdamW, times the step size. Source: PyTorch's AdamW (0 or above (1e-30 to
                1e30)); default 0.01.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class Cql(Algorithm):
    """Conservative Q-learning: lowers the values of actions that were not recorded.

    Source: Kumar et al. 2020, equation 4.
    """

    name = "cql"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        batch_size: int | None = None,
        beta1: float | None = None,
        centered: bool | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        clip_grad_value: float | None = None,
        cql_alpha: float | str | None = None,
        cql_threshold: float | None = None,
        critic_learning_rate: float | str | Callable[[float], float] | None = None,
        critic_net_arch: Any | None = None,
        data: Any | None = None,
        double: bool | None = None,
        ent_coef: float | str | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        huber_delta: float | None = None,
        initialization: Any | None = None,
        keep: Any | None = None,
        l2_penalty: float | None = None,
        learning_rate: float | str | Callable[[float], float] | None = None,
        log_interval: int | None = None,
        max_grad_norm: float | None = None,
        memory_limit: float | None = None,
        momentum: float | None = None,
        n_actions: int | None = None,
        nesterov: bool | None = None,
        net_arch: Any | None = None,
        normalize_observations: bool | None = None,
        optimizer: Any | None = None,
        optimizer_eps: float | None = None,
        policy_learning_rate: float | str | Callable[[float], float] | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        stop_at_return: float | None = None,
        tau: float | None = None,
        top_fraction: float | None = None,
        weight_decay: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            batch_size: Transitions per update. Source: the authors' code of TD3+BC, IQL, CQL (from 1 to 1000000);
                default 256.
            beta1: Decay of Adam's first moment. Source: Kingma and Ba 2015, Algorithm 1 (from 0 to 0.999); default
                0.9.
            centered: Subtracts the mean gradient in RMSprop (its centred form). Source: Graves 2013, as Mnih et al.
                2015; default true.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            clip_grad_value: Largest magnitude of a gradient's components, if limited; they are clipped before the
                norm is (above 0 (1e-30 to 1e30)).
            cql_alpha: Weight of the conservative term; auto is 1 for discrete actions and 5 in a box. Source: Kumar
                et al. 2020, appendix F; d3rlpy (0 or above (1e-30 to 1e30)); default "auto".
            cql_threshold: Difference of soft maximum and recorded value above which the weight of the conservative
                term rises, and below which it falls, in a box; a fixed weight if it is not given. Source: Kumar et
                al. 2020, equation 30 (finite).
            critic_learning_rate: Step size of the critics in a box. Source: d3rlpy; CORL (0 or above (1e-30 to
                1e30)); default 0.0003.
            critic_net_arch: Architecture of the critics' networks, if it is another.
            data: File of recorded episodes (potstill play --record), or random:STEPS or random:STEPS:SEED for those
                of uniformly random actions: learns from these without acting. A step is then an update, lines of
                metrics.jsonl come every hundred times log_interval of them, and keys of exploration and of the
                replay buffer have no effect.
            double: Selects the next action with the online network (double DQN). Source: van Hasselt, Guez and
                Silver 2016; default false.
            ent_coef: Temperature of the policy in a box; auto learns it. Source: Haarnoja et al. 2018b, section 5
                (0 or above (1e-30 to 1e30)); default "auto".
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: the authors' code of TD3+BC, IQL, CQL (from 0 to 1); default 0.99.
            huber_delta: Threshold of the Huber loss between quadratic and linear; 0 for the squared error. Source:
                Kumar et al. 2020, section 6, where it is that of QR-DQN (0 or above (1e-30 to 1e30)); default 1.0.
            initialization: Distribution of initial weights. Source: PyTorch's Linear and Conv2d; default "pytorch".
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            l2_penalty: L2 penalty: this times each parameter is added to its gradient, after clipping. Source: the
                weight_decay of PyTorch's SGD, RMSprop, Adam and RAdam (0 or above (1e-30 to 1e30)); default 0.0.
            learning_rate: Step size of the optimisers, a number or a schedule over updates. Source: the authors'
                code of TD3+BC, IQL (0 or above (1e-30 to 1e30)); default 0.001.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            max_grad_norm: Largest norm of a gradient, if limited; longer ones are scaled down. Source:
                Stable-Baselines3 for agents; the papers of distillation have none (above 0 (1e-30 to 1e30), or inf
                for no limit); default inf.
            memory_limit: Gigabytes of observations beyond which they are stored in a file (in TMPDIR, or /var/tmp).
                Source: what many machines have to spare (0 or above (1e-30 to 1e30)); default 4.0.
            momentum: Decay of RMSprop's averages, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table
                1 (from 0 to 1); default 0.95.
            n_actions: Actions of each of three kinds that the values in a box are lowered at. Source: Kumar et al.
                2020, appendix F; d3rlpy; CORL (1 or above); default 10.
            nesterov: Uses Nesterov's momentum in SGD. Source: PyTorch's SGD; default false.
            net_arch: Architecture of the networks. Source: the authors' code of TD3+BC, IQL; default "mlp:256,256".
            normalize_observations: Subtracts the mean of the recorded observations and divides by their standard
                deviation, which 0.001 is added to. The saved model has both in its first layer, and takes raw
                observations. Source: Fujimoto and Gu 2021, section 5; default false.
            optimizer: Optimisation rule. Source: Stable-Baselines3; default "adam".
            optimizer_eps: Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam (above 0 (1e-15 to
                1e30)); default 0.00000001.
            policy_learning_rate: Step size of the policy in a box, of its temperature and of a weight that is
                learned. Source: d3rlpy (0 or above (1e-30 to 1e30)); default 0.0001.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
            tau: Polyak coefficient of the target networks, which move after each update. Source: the authors' code
                of TD3+BC, IQL, CQL (above 0 (1e-30) and up to 1); default 0.005.
            top_fraction: Share of the episodes to learn from: those of the highest returns (above 0 (1e-30) and up
                to 1); default 1.0.
            weight_decay: Weight decay of AdamW, times the step size. Source: PyTorch's AdamW (0 or above (1e-30 to
                1e30)); default 0.01.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class Fqi(Algorithm):
    """Fitted Q iteration: a regression to the targets of the one before, again and again.

    Source: Ernst, Geurts and Wehenkel 2005; Riedmiller 2005, figure 1.
    """

    name = "fqi"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        batch_size: int | None = None,
        beta1: float | None = None,
        centered: bool | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        clip_grad_value: float | None = None,
        critic_net_arch: Any | None = None,
        data: Any | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initialization: Any | None = None,
        keep: Any | None = None,
        l2_penalty: float | None = None,
        learning_rate: float | str | Callable[[float], float] | None = None,
        log_interval: int | None = None,
        max_grad_norm: float | None = None,
        memory_limit: float | None = None,
        momentum: float | None = None,
        nesterov: bool | None = None,
        net_arch: Any | None = None,
        normalize_observations: bool | None = None,
        optimizer: Any | None = None,
        optimizer_eps: float | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        stop_at_return: float | None = None,
        tau: float | None = None,
        top_fraction: float | None = None,
        updates_per_iteration: int | None = None,
        weight_decay: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            batch_size: Transitions per update. Source: the authors' code of TD3+BC, IQL, CQL (from 1 to 1000000);
                default 256.
            beta1: Decay of Adam's first moment. Source: Kingma and Ba 2015, Algorithm 1 (from 0 to 0.999); default
                0.9.
            centered: Subtracts the mean gradient in RMSprop (its centred form). Source: Graves 2013, as Mnih et al.
                2015; default true.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            clip_grad_value: Largest magnitude of a gradient's components, if limited; they are clipped before the
                norm is (above 0 (1e-30 to 1e30)).
            critic_net_arch: Architecture of the critics' networks, if it is another.
            data: File of recorded episodes (potstill play --record), or random:STEPS or random:STEPS:SEED for those
                of uniformly random actions: learns from these without acting. A step is then an update, lines of
                metrics.jsonl come every hundred times log_interval of them, and keys of exploration and of the
                replay buffer have no effect.
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: the authors' code of TD3+BC, IQL, CQL (from 0 to 1); default 0.99.
            initialization: Distribution of initial weights. Source: PyTorch's Linear and Conv2d; default "pytorch".
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            l2_penalty: L2 penalty: this times each parameter is added to its gradient, after clipping. Source: the
                weight_decay of PyTorch's SGD, RMSprop, Adam and RAdam (0 or above (1e-30 to 1e30)); default 0.0.
            learning_rate: Step size of the optimisers, a number or a schedule over updates. Source: the authors'
                code of TD3+BC, IQL (0 or above (1e-30 to 1e30)); default 0.001.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            max_grad_norm: Largest norm of a gradient, if limited; longer ones are scaled down. Source:
                Stable-Baselines3 for agents; the papers of distillation have none (above 0 (1e-30 to 1e30), or inf
                for no limit); default inf.
            memory_limit: Gigabytes of observations beyond which they are stored in a file (in TMPDIR, or /var/tmp).
                Source: what many machines have to spare (0 or above (1e-30 to 1e30)); default 4.0.
            momentum: Decay of RMSprop's averages, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table
                1 (from 0 to 1); default 0.95.
            nesterov: Uses Nesterov's momentum in SGD. Source: PyTorch's SGD; default false.
            net_arch: Architecture of the networks. Source: the authors' code of TD3+BC, IQL; default "mlp:256,256".
            normalize_observations: Subtracts the mean of the recorded observations and divides by their standard
                deviation, which 0.001 is added to. The saved model has both in its first layer, and takes raw
                observations. Source: Fujimoto and Gu 2021, section 5; default false.
            optimizer: Optimisation rule. Source: Stable-Baselines3; default "adam".
            optimizer_eps: Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam (above 0 (1e-15 to
                1e30)); default 0.00000001.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
            tau: Polyak coefficient of the target networks, which move after each update. Source: the authors' code
                of TD3+BC, IQL, CQL (above 0 (1e-30) and up to 1); default 0.005.
            top_fraction: Share of the episodes to learn from: those of the highest returns (above 0 (1e-30) and up
                to 1); default 1.0.
            updates_per_iteration: Gradient steps of a regression, in which the step size falls to 0. Source: enough
                for CartPole's data (1 or above); default 100.
            weight_decay: Weight decay of AdamW, times the step size. Source: PyTorch's AdamW (0 or above (1e-30 to
                1e30)); default 0.01.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class Iql(Algorithm):
    """Implicit Q-learning: expectiles of recorded values, and imitation weighted by advantages.

    Source: Kostrikov, Nair and Levine 2022, Algorithm 1.
    """

    name = "iql"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        batch_size: int | None = None,
        beta: float | None = None,
        beta1: float | None = None,
        centered: bool | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        clip_grad_value: float | None = None,
        critic_net_arch: Any | None = None,
        data: Any | None = None,
        deterministic: bool | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        expectile: float | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initialization: Any | None = None,
        keep: Any | None = None,
        l2_penalty: float | None = None,
        learning_rate: float | str | Callable[[float], float] | None = None,
        log_interval: int | None = None,
        max_grad_norm: float | None = None,
        memory_limit: float | None = None,
        momentum: float | None = None,
        nesterov: bool | None = None,
        net_arch: Any | None = None,
        normalize_observations: bool | None = None,
        optimizer: Any | None = None,
        optimizer_eps: float | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        stop_at_return: float | None = None,
        tau: float | None = None,
        top_fraction: float | None = None,
        weight_decay: float | None = None,
        weight_max: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            batch_size: Transitions per update. Source: the authors' code of TD3+BC, IQL, CQL (from 1 to 1000000);
                default 256.
            beta: Weight of the advantage in the exponent, an inverse temperature. Source: Kostrikov et al. 2022,
                section 5.2 (0 or above (1e-30 to 1e30)); default 3.0.
            beta1: Decay of Adam's first moment. Source: Kingma and Ba 2015, Algorithm 1 (from 0 to 0.999); default
                0.9.
            centered: Subtracts the mean gradient in RMSprop (its centred form). Source: Graves 2013, as Mnih et al.
                2015; default true.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            clip_grad_value: Largest magnitude of a gradient's components, if limited; they are clipped before the
                norm is (above 0 (1e-30 to 1e30)).
            critic_net_arch: Architecture of the critics' networks, if it is another.
            data: File of recorded episodes (potstill play --record), or random:STEPS or random:STEPS:SEED for those
                of uniformly random actions: learns from these without acting. A step is then an update, lines of
                metrics.jsonl come every hundred times log_interval of them, and keys of exploration and of the
                replay buffer have no effect.
            deterministic: Learns the policy in a box of actions by a weighted squared error, without a density;
                default false.
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            expectile: Expectile of the value of a state: 0.5 is the mean over recorded actions, 1 their maximum.
                Source: Kostrikov et al. 2022, section 5.2 (from 0 to 0.999); default 0.7.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: the authors' code of TD3+BC, IQL, CQL (from 0 to 1); default 0.99.
            initialization: Distribution of initial weights. Source: PyTorch's Linear and Conv2d; default "pytorch".
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            l2_penalty: L2 penalty: this times each parameter is added to its gradient, after clipping. Source: the
                weight_decay of PyTorch's SGD, RMSprop, Adam and RAdam (0 or above (1e-30 to 1e30)); default 0.0.
            learning_rate: Step size of the optimisers, a number or a schedule over updates. Source: the authors'
                code of TD3+BC, IQL (0 or above (1e-30 to 1e30)); default 0.0003.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            max_grad_norm: Largest norm of a gradient, if limited; longer ones are scaled down. Source:
                Stable-Baselines3 for agents; the papers of distillation have none (above 0 (1e-30 to 1e30), or inf
                for no limit); default inf.
            memory_limit: Gigabytes of observations beyond which they are stored in a file (in TMPDIR, or /var/tmp).
                Source: what many machines have to spare (0 or above (1e-30 to 1e30)); default 4.0.
            momentum: Decay of RMSprop's averages, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table
                1 (from 0 to 1); default 0.95.
            nesterov: Uses Nesterov's momentum in SGD. Source: PyTorch's SGD; default false.
            net_arch: Architecture of the networks. Source: the authors' code of TD3+BC, IQL; default "mlp:256,256".
            normalize_observations: Subtracts the mean of the recorded observations and divides by their standard
                deviation, which 0.001 is added to. The saved model has both in its first layer, and takes raw
                observations. Source: Fujimoto and Gu 2021, section 5; default false.
            optimizer: Optimisation rule. Source: Stable-Baselines3; default "adam".
            optimizer_eps: Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam (above 0 (1e-15 to
                1e30)); default 0.00000001.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
            tau: Polyak coefficient of the target networks, which move after each update. Source: the authors' code
                of TD3+BC, IQL, CQL (above 0 (1e-30) and up to 1); default 0.005.
            top_fraction: Share of the episodes to learn from: those of the highest returns (above 0 (1e-30) and up
                to 1); default 1.0.
            weight_decay: Weight decay of AdamW, times the step size. Source: PyTorch's AdamW (0 or above (1e-30 to
                1e30)); default 0.01.
            weight_max: Largest weight of a recorded action. Source: the authors' code (above 0 (1e-30 to 1e30));
                default 100.0.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class TD3Bc(Algorithm):
    """TD3 whose policy stays near to recorded actions, for a box of actions.

    Source: Fujimoto and Gu 2021, section 4.
    """

    name = "td3-bc"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        alpha: float | None = None,
        batch_size: int | None = None,
        beta1: float | None = None,
        centered: bool | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        clip_grad_value: float | None = None,
        critic_net_arch: Any | None = None,
        data: Any | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initialization: Any | None = None,
        keep: Any | None = None,
        l2_penalty: float | None = None,
        learning_rate: float | str | Callable[[float], float] | None = None,
        log_interval: int | None = None,
        max_grad_norm: float | None = None,
        memory_limit: float | None = None,
        momentum: float | None = None,
        nesterov: bool | None = None,
        net_arch: Any | None = None,
        normalize_observations: bool | None = None,
        optimizer: Any | None = None,
        optimizer_eps: float | None = None,
        policy_delay: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        stop_at_return: float | None = None,
        target_noise: float | None = None,
        target_noise_clip: float | None = None,
        tau: float | None = None,
        top_fraction: float | None = None,
        weight_decay: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            alpha: Weight of the value against the distance from recorded actions. Source: Fujimoto and Gu 2021,
                section 5 (0 or above (1e-30 to 1e30)); default 2.5.
            batch_size: Transitions per update. Source: the authors' code of TD3+BC, IQL, CQL (from 1 to 1000000);
                default 256.
            beta1: Decay of Adam's first moment. Source: Kingma and Ba 2015, Algorithm 1 (from 0 to 0.999); default
                0.9.
            centered: Subtracts the mean gradient in RMSprop (its centred form). Source: Graves 2013, as Mnih et al.
                2015; default true.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            clip_grad_value: Largest magnitude of a gradient's components, if limited; they are clipped before the
                norm is (above 0 (1e-30 to 1e30)).
            critic_net_arch: Architecture of the critics' networks, if it is another.
            data: File of recorded episodes (potstill play --record), or random:STEPS or random:STEPS:SEED for those
                of uniformly random actions: learns from these without acting. A step is then an update, lines of
                metrics.jsonl come every hundred times log_interval of them, and keys of exploration and of the
                replay buffer have no effect.
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: the authors' code of TD3+BC, IQL, CQL (from 0 to 1); default 0.99.
            initialization: Distribution of initial weights. Source: PyTorch's Linear and Conv2d; default "pytorch".
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            l2_penalty: L2 penalty: this times each parameter is added to its gradient, after clipping. Source: the
                weight_decay of PyTorch's SGD, RMSprop, Adam and RAdam (0 or above (1e-30 to 1e30)); default 0.0.
            learning_rate: Step size of the optimisers, a number or a schedule over updates. Source: the authors'
                code of TD3+BC, IQL (0 or above (1e-30 to 1e30)); default 0.0003.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            max_grad_norm: Largest norm of a gradient, if limited; longer ones are scaled down. Source:
                Stable-Baselines3 for agents; the papers of distillation have none (above 0 (1e-30 to 1e30), or inf
                for no limit); default inf.
            memory_limit: Gigabytes of observations beyond which they are stored in a file (in TMPDIR, or /var/tmp).
                Source: what many machines have to spare (0 or above (1e-30 to 1e30)); default 4.0.
            momentum: Decay of RMSprop's averages, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table
                1 (from 0 to 1); default 0.95.
            nesterov: Uses Nesterov's momentum in SGD. Source: PyTorch's SGD; default false.
            net_arch: Architecture of the networks. Source: the authors' code of TD3+BC, IQL; default "mlp:256,256".
            normalize_observations: Subtracts the mean of the recorded observations and divides by their standard
                deviation, which 0.001 is added to. The saved model has both in its first layer, and takes raw
                observations. Source: Fujimoto and Gu 2021, section 5; default true.
            optimizer: Optimisation rule. Source: Stable-Baselines3; default "adam".
            optimizer_eps: Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam (above 0 (1e-15 to
                1e30)); default 0.00000001.
            policy_delay: Gradient steps of the critics for each one of the policy and each move of the target
                networks. Source: Fujimoto et al. 2018, section 6.1 (from 1 to 1000); default 2.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
            target_noise: Standard deviation of the noise on the actions of targets; half the width of the box is 1.
                Source: Fujimoto et al. 2018, section 6.1 (0 or above (1e-30 to 1e30)); default 0.2.
            target_noise_clip: Largest magnitude of that noise. Source: Fujimoto et al. 2018, section 6.1 (0 or
                above (1e-30 to 1e30)); default 0.5.
            tau: Polyak coefficient of the target networks, which move after each update. Source: the authors' code
                of TD3+BC, IQL, CQL (above 0 (1e-30) and up to 1); default 0.005.
            top_fraction: Share of the episodes to learn from: those of the highest returns (above 0 (1e-30) and up
                to 1); default 1.0.
            weight_decay: Weight decay of AdamW, times the step size. Source: PyTorch's AdamW (0 or above (1e-30 to
                1e30)); default 0.01.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class Rebrac(Algorithm):
    """TD3+BC that stays near to recorded actions in its targets too, for a box of actions.

    Source: Tarasov et al. 2023, equations 2 and 3.
    """

    name = "rebrac"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        actor_bc: float | None = None,
        batch_size: int | None = None,
        beta1: float | None = None,
        centered: bool | None = None,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        clip_grad_value: float | None = None,
        critic_bc: float | None = None,
        critic_net_arch: Any | None = None,
        data: Any | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        from_: Any | None = None,
        gamma: float | None = None,
        initialization: Any | None = None,
        keep: Any | None = None,
        l2_penalty: float | None = None,
        learning_rate: float | str | Callable[[float], float] | None = None,
        log_interval: int | None = None,
        max_grad_norm: float | None = None,
        memory_limit: float | None = None,
        momentum: float | None = None,
        nesterov: bool | None = None,
        net_arch: Any | None = None,
        normalize_observations: bool | None = None,
        optimizer: Any | None = None,
        optimizer_eps: float | None = None,
        policy_delay: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        stop_at_return: float | None = None,
        target_noise: float | None = None,
        target_noise_clip: float | None = None,
        tau: float | None = None,
        top_fraction: float | None = None,
        weight_decay: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            actor_bc: Weight of the distance from recorded actions in the policy's loss, which the paper tunes for
                each data set. Source: Tarasov et al. 2023, appendix (0 or above (1e-30 to 1e30)); default 0.01.
            batch_size: Transitions per update. Source: the authors' code of TD3+BC, IQL, CQL (from 1 to 1000000);
                default 1024.
            beta1: Decay of Adam's first moment. Source: Kingma and Ba 2015, Algorithm 1 (from 0 to 0.999); default
                0.9.
            centered: Subtracts the mean gradient in RMSprop (its centred form). Source: Graves 2013, as Mnih et al.
                2015; default true.
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            clip_grad_value: Largest magnitude of a gradient's components, if limited; they are clipped before the
                norm is (above 0 (1e-30 to 1e30)).
            critic_bc: Weight of the distance in the critics' targets, which the paper tunes for each data set.
                Source: Tarasov et al. 2023, appendix (0 or above (1e-30 to 1e30)); default 0.01.
            critic_net_arch: Architecture of the critics' networks, if it is another; default
                "mlp:256,256,256:layernorm".
            data: File of recorded episodes (potstill play --record), or random:STEPS or random:STEPS:SEED for those
                of uniformly random actions: learns from these without acting. A step is then an update, lines of
                metrics.jsonl come every hundred times log_interval of them, and keys of exploration and of the
                replay buffer have no effect.
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            gamma: Discount. Source: the authors' code of TD3+BC, IQL, CQL (from 0 to 1); default 0.99.
            initialization: Distribution of initial weights. Source: PyTorch's Linear and Conv2d; default "pytorch".
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            l2_penalty: L2 penalty: this times each parameter is added to its gradient, after clipping. Source: the
                weight_decay of PyTorch's SGD, RMSprop, Adam and RAdam (0 or above (1e-30 to 1e30)); default 0.0.
            learning_rate: Step size of the optimisers, a number or a schedule over updates. Source: the authors'
                code of TD3+BC, IQL (0 or above (1e-30 to 1e30)); default 0.001.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            max_grad_norm: Largest norm of a gradient, if limited; longer ones are scaled down. Source:
                Stable-Baselines3 for agents; the papers of distillation have none (above 0 (1e-30 to 1e30), or inf
                for no limit); default inf.
            memory_limit: Gigabytes of observations beyond which they are stored in a file (in TMPDIR, or /var/tmp).
                Source: what many machines have to spare (0 or above (1e-30 to 1e30)); default 4.0.
            momentum: Decay of RMSprop's averages, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table
                1 (from 0 to 1); default 0.95.
            nesterov: Uses Nesterov's momentum in SGD. Source: PyTorch's SGD; default false.
            net_arch: Architecture of the networks. Source: the authors' code of TD3+BC, IQL; default
                "mlp:256,256,256".
            normalize_observations: Subtracts the mean of the recorded observations and divides by their standard
                deviation, which 0.001 is added to. The saved model has both in its first layer, and takes raw
                observations. Source: Fujimoto and Gu 2021, section 5; default false.
            optimizer: Optimisation rule. Source: Stable-Baselines3; default "adam".
            optimizer_eps: Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam (above 0 (1e-15 to
                1e30)); default 0.00000001.
            policy_delay: Gradient steps of the critics for each one of the policy and each move of the target
                networks. Source: Fujimoto et al. 2018, section 6.1 (from 1 to 1000); default 2.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
            target_noise: Standard deviation of the noise on the actions of targets; half the width of the box is 1.
                Source: Fujimoto et al. 2018, section 6.1 (0 or above (1e-30 to 1e30)); default 0.2.
            target_noise_clip: Largest magnitude of that noise. Source: Fujimoto et al. 2018, section 6.1 (0 or
                above (1e-30 to 1e30)); default 0.5.
            tau: Polyak coefficient of the target networks, which move after each update. Source: the authors' code
                of TD3+BC, IQL, CQL (above 0 (1e-30) and up to 1); default 0.005.
            top_fraction: Share of the episodes to learn from: those of the highest returns (above 0 (1e-30) and up
                to 1); default 1.0.
            weight_decay: Weight decay of AdamW, times the step size. Source: PyTorch's AdamW (0 or above (1e-30 to
                1e30)); default 0.01.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)


class RandomLinear(Algorithm):
    """Act by a fixed random linear policy, without learning.

    Source: the start of a random search, Mania, Guy and Recht 2018.
    """

    name = "random-linear"

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        checkpoint_freq: int | None = None,
        checkpoints_kept: int | None = None,
        eval_episodes: int | None = None,
        eval_freq: int | None = None,
        from_: Any | None = None,
        keep: Any | None = None,
        log_interval: int | None = None,
        num_envs: int | None = None,
        record: Any | None = None,
        schedule_steps: int | None = None,
        stop_at_return: float | None = None,
        max_episode_steps: int | None = None,
        bins: int | None = None,
        one_hot: bool | None = None,
        frame_stack: int | None = None,
        sticky_actions: float | None = None,
        action_repeat: int | None = None,
        clip_reward: str | tuple[float, float] | None = None,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Args, beside those of `Algorithm`; None leaves a setting to the preset, or else to its default.

        Args:
            checkpoint_freq: Steps between checkpoints (gradient steps if there is no environment); 0 for none; one
                every 30 seconds if not set.
            checkpoints_kept: Newest checkpoints to keep, in addition to the one with the best evaluation (from 1 to
                1000000); default 2.
            eval_episodes: Episodes of an evaluation (from 1 to 1000000); default 20.
            eval_freq: Steps between evaluations, with one after the last step; 0 for none. The default of a run of
                more than 250,000 steps is a hundredth of them. The model with the best evaluation is the result, of
                equal ones the latest; of a run on recorded data the last model is; default 2500.
            from_: Run directory to start from instead of from nothing; other settings are those of this run.
            keep: Part of that run to keep: its model's weights (the default; optimiser, replay, schedules and
                counts of steps begin anew, so that a step size of 1/n replaces a value at once), or its whole
                state, in the same environment: training goes on after its last step.
            log_interval: Episodes between lines of metrics.jsonl (1 or above); default 1.
            num_envs: Copies of the environment, stepped together (from 1 to 65536); default 1.
            record: Place that the episodes of training are written to at the end of the run, as a data set to learn
                from: a file of JSON lines, a .npz file, or minari:NAMESPACE/name-v0. Those that still run then are
                cut off; checkpoints hold what was recorded so far.
            schedule_steps: Steps that schedules are relative to: those of linear:FROM:TO:run, exploration_fraction
                and prioritized_beta; the steps of the run if not set (1 or above).
            stop_at_return: Mean return of an evaluation at which the run stops (finite).
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**arguments)
