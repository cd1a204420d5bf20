//! Names of settings in other libraries and in papers, for advice.

/// Names elsewhere, in lower case with `_`, and what they are here: keys, or flags of the command.
const NAMES: &[(&[&str], &[&str])] = &[
    (
        &["lr", "adam_lr", "init_lr", "stepsize", "step_size", "alpha", "learning_rate"],
        &["learning_rate", "alpha"],
    ),
    (
        &[
            "total_timesteps",
            "timesteps",
            "n_timesteps",
            "num_timesteps",
            "total_steps",
            "max_steps",
            "num_steps",
            "frames",
        ],
        &["steps"],
    ),
    (&["total_episodes", "n_episodes", "num_episodes", "max_episodes"], &["episodes"]),
    (&["n_envs", "num_env", "nenvs", "envs", "num_workers", "n_copies"], &["num_envs"]),
    (&["discount", "discount_factor", "discount_rate"], &["gamma"]),
    (&["eps", "exploration_rate"], &["epsilon"]),
    (
        &["eps_start", "epsilon_start", "start_e", "eps_init", "initial_epsilon"],
        &["exploration_initial_eps", "epsilon"],
    ),
    (
        &["eps_end", "epsilon_end", "end_e", "eps_final", "final_epsilon", "epsilon_min"],
        &["exploration_final_eps", "epsilon"],
    ),
    (&["eps_decay", "epsilon_decay", "eps_fraction"], &["exploration_fraction", "epsilon"]),
    (
        &["memory_size", "replay_size", "replay_buffer_size", "replay_capacity", "capacity", "buffer"],
        &["buffer_size"],
    ),
    (&["batch", "minibatch_size", "bs"], &["batch_size"]),
    (
        &[
            "target_network_frequency",
            "target_update",
            "target_update_freq",
            "target_update_frequency",
            "target_update_period",
        ],
        &["target_update_interval"],
    ),
    (&["train_frequency", "update_every", "update_period"], &["train_freq"]),
    (
        &["hidden", "hidden_sizes", "hidden_dim", "layers", "network", "arch", "policy_kwargs", "model"],
        &["net_arch", "student"],
    ),
    (&["env_id", "env_name", "environment", "game"], &["env"]),
    (&["n_eval_episodes", "num_eval_episodes"], &["eval_episodes"]),
    (&["eval_every", "eval_interval", "evaluation_interval"], &["eval_freq"]),
    (&["lam", "lambd", "td_lambda", "gae_lambda"], &["lambda"]),
    (&["nstep", "n_steps", "multi_step", "n"], &["n_step", "n"]),
    (&["opt", "optim"], &["optimizer"]),
    (&["wd", "l2"], &["weight_decay"]),
    (&["grad_clip", "clip_grad", "clip_grad_norm", "max_norm", "gradient_clip"], &["max_grad_norm"]),
    (
        &["warmup", "warmup_steps", "learning_start", "start_learning", "min_replay_size"],
        &["learning_starts"],
    ),
    (&["double_dqn", "double_q", "ddqn"], &["double"]),
    (&["dueling_dqn"], &["dueling"]),
    (&["per", "prioritised", "prioritized_replay", "prioritized_experience_replay"], &["prioritized"]),
    (&["temp", "tau", "t"], &["temperature"]),
    (&["dataset"], &["data"]),
    (&["n_epochs", "num_epochs", "epoch"], &["epochs"]),
    (&["random_seed", "random_state"], &["seed"]),
    (&["n_seeds", "num_seeds", "trials", "n_trials", "repeats"], &["seeds"]),
    (&["jobs", "n_jobs", "workers", "num_threads", "n_threads", "cpus", "device"], &["threads"]),
    (
        &[
            "output",
            "output_dir",
            "out_dir",
            "logdir",
            "log_dir",
            "log_path",
            "tensorboard_log",
            "save",
            "save_path",
            "save_dir",
            "o",
            "run_dir",
        ],
        &["out"],
    ),
    (
        &[
            "resume_from",
            "load",
            "load_from",
            "pretrained",
            "init_from",
            "weights",
            "checkpoint",
            "warm_start",
            "trained_agent",
        ],
        &["from"],
    ),
];

/// The name among `known` that is called `name` in other libraries.
///
/// ```
/// use potstill::config::name_here;
///
/// assert_eq!(name_here("lr", &["gamma", "learning_rate"]), Some("learning_rate"));
/// assert_eq!(name_here("total-timesteps", &["gamma", "steps"]), Some("steps"));
/// assert_eq!(name_here("lr", &["gamma"]), None);
/// ```
pub fn name_here<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name = name.trim_start_matches('-').to_lowercase().replace('-', "_");
    let here = NAMES.iter().filter(|(elsewhere, _)| elsewhere.contains(&name.as_str()));
    here.flat_map(|(_, here)| *here).find_map(|here| known.iter().find(|known| *known == here)).copied()
}
