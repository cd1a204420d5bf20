//! Presets: published hyperparameters, one file per algorithm and source.

use super::descriptor::{Algorithm, Preset};
use crate::config::{ConfigError, Layer, Origin, Settings, read_toml, resolve};
use potstill_env::registry::id;
use toml::{Table, Value};

/// Published settings: those of a preset of an algorithm, for an environment.
///
/// ```
/// use potstill::algorithm::published;
/// use potstill::deep::DqnConfig;
/// use potstill::optimizer::OptimizerConfig;
///
/// let (config, _) = published::<(DqnConfig, OptimizerConfig)>("dqn", "zoo", "CartPole-v1")?;
/// assert_eq!((config.batch_size, DqnConfig::default().batch_size), (64, 32));
/// # Ok::<(), potstill::config::ConfigError>(())
/// ```
///
/// # Errors
/// If there is no such algorithm, preset or environment, or it has a key that is not among these settings.
pub fn published<S: Settings + Default>(algorithm: &str, preset: &str, env: &str) -> Result<S, ConfigError> {
    Ok(resolve::<S>(&[Algorithm::find(algorithm)?.preset(preset, env)?])?.settings)
}

impl Preset {
    /// Returns true if it has values for this environment.
    fn is_for(&self, env: &str) -> bool {
        self.text.parse::<Table>().is_ok_and(|table| table.get(env).is_some_and(Value::is_table))
    }
}

/// The id that published settings are for: options do not make it another environment, and Gymnasium's own are those that
/// this program has too.
fn published_id(env: &str) -> &str {
    let (name, _) = id::split(env);
    name.strip_prefix("gym:").unwrap_or(name)
}

/// The id that settings are for if they are asked for by name: an environment of a Python program too is that which Gymnasium
/// made by this id. It may have other wrappers, so that no run has them unasked.
fn requested_id(env: &str) -> &str {
    let name = published_id(env);
    let made = name.strip_prefix("python:").and_then(|name| name.rsplit_once('.'));
    made.map_or(name, |(name, _)| name)
}

impl Algorithm {
    /// The name of the preset that a run in this environment has if none is named: the first with values for it.
    pub fn default_preset(&self, env: &str) -> Option<&'static str> {
        self.presets.iter().find(|preset| preset.is_for(published_id(env))).map(|preset| preset.name)
    }

    /// The values of a preset: those for every environment, then those for this one.
    ///
    /// # Errors
    /// If the algorithm has no preset of that name, or the preset none for this environment.
    pub fn preset(&self, name: &str, env: &str) -> Result<Layer, ConfigError> {
        let algorithm = self.name;
        let Some(preset) = self.presets.iter().find(|preset| preset.name == name) else {
            if self.presets.is_empty() {
                return Err(ConfigError::Usage(format!("`{algorithm}` has no presets; leave out --preset")));
            }
            let known = self.presets.iter().map(|preset| preset.name);
            return Err(ConfigError::unknown("preset", name, None, known));
        };
        let origin = Origin::Preset(name.to_owned());
        let table = read_toml(preset.text, origin.clone())?;
        let (sections, mut values): (Table, Table) =
            table.into_iter().partition(|(_, value)| value.is_table());
        if let Some(Value::Table(own)) = sections.get(requested_id(env)) {
            values.extend(own.clone());
            return Ok(Layer { origin, values });
        }
        let known = sections.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        Err(ConfigError::Usage(match env {
            "" => {
                format!("preset `{name}` of `{algorithm}` is for one environment: give --env, one of {known}")
            }
            _ => format!("preset `{name}` of `{algorithm}` has no values for `{env}`, only for {known}"),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor_critic::{
        CrossQOptimizer, CrossQSettings, CrossQShared, DdpgSettings, NoiseKind, SacSettings, Td3Settings,
    };
    use crate::algorithm::ALGORITHMS;
    use crate::config::{Auto, Settings, resolve};
    use crate::deep::{C51Config, DqnConfig, PqnConfig, QrDqnConfig};
    use crate::optimizer::OptimizerConfig;

    fn find(algorithm: &str, name: &str, env: &str) -> Result<Layer, ConfigError> {
        Algorithm::find(algorithm)?.preset(name, env)
    }

    #[test]
    fn presets_resolve_to_their_published_values() {
        type Dqn = (DqnConfig, OptimizerConfig);
        fn of<S: Settings + Default>(algorithm: &str, name: &str, env: &str) -> S {
            resolve::<S>(&[find(algorithm, name, env).unwrap()]).unwrap().settings
        }
        let (pole, optimizer) = of::<Dqn>("dqn", "zoo", "CartPole-v1");
        assert_eq!((pole.learning_rate, pole.train_freq, pole.gradient_steps), (2.3e-3.into(), 256, 128));
        assert_eq!((pole.net_arch.to_string().as_str(), optimizer.max_grad_norm), ("mlp:256,256", 10.0));
        let (car, _) = of::<Dqn>("dqn", "zoo", "MountainCar-v0");
        assert_eq!((car.learning_rate, car.gamma, car.target_update_interval), (4e-3.into(), 0.98, 600));
        let (cleanrl, _) = of::<Dqn>("dqn", "cleanrl", "Acrobot-v1");
        assert_eq!((cleanrl.learning_rate, cleanrl.batch_size, cleanrl.train_freq), (2.5e-4.into(), 128, 10));
        assert_eq!((cleanrl.net_arch.to_string().as_str(), cleanrl.huber_delta), ("mlp:120,84", 0.0));
        let (minatar, optimizer) = of::<Dqn>("dqn", "minatar", "MinAtar/Breakout-v1");
        assert_eq!((minatar.buffer_size, optimizer.optimizer_eps), (100_000, 0.01));
        let (_, (quantiles, optimizer)) =
            of::<(DqnConfig, (QrDqnConfig, OptimizerConfig))>("qr-dqn", "zoo", "Acrobot-v1");
        // 0.01 over the batch size, as in the QR-DQN of Stable-Baselines3's contributions.
        assert_eq!((quantiles.n_quantiles, optimizer.optimizer_eps), (25, 0.01 / 128.0));
        let (_, (c51, _)) = of::<(DqnConfig, (C51Config, OptimizerConfig))>("c51", "cleanrl", "CartPole-v1");
        assert_eq!((c51.n_atoms, c51.v_min, c51.v_max), (101, -100.0, 100.0));
        let (pqn, _) = of::<(PqnConfig, OptimizerConfig)>("pqn", "cleanrl", "CartPole-v1");
        assert_eq!((pqn.num_envs, pqn.lambda), (4, 0.65));
        let (pqn, _) = of::<(PqnConfig, OptimizerConfig)>("pqn", "purejaxql", "MinAtar/Seaquest-v1");
        assert_eq!(
            (pqn.num_envs, pqn.net_arch.to_string().as_str()),
            (128, "cnn:16x3,128:layernorm=1e-6:divide=255")
        );
        let (_, (sac, _)) = of::<SacSettings>("sac", "zoo", "Pendulum-v1");
        assert_eq!((sac.learning_rate, sac.batch_size, sac.learning_starts), (1e-3.into(), 256, 100));
        let (_, (td3, (noise, _))) = of::<Td3Settings>("td3", "zoo", "MountainCarContinuous-v0");
        assert_eq!(
            (td3.0.learning_rate, noise.noise_type, noise.noise_std),
            (1e-3.into(), NoiseKind::Ou, 0.5)
        );
        let (ddpg, _) = of::<DdpgSettings>("ddpg", "zoo", "Pendulum-v1");
        assert_eq!((ddpg.0.gamma, ddpg.0.learning_starts), (0.98, 10_000));
        let (crossq, (_, (shared, optimizer))) = of::<CrossQSettings>("crossq", "zoo", "Pendulum-v1");
        assert_eq!((crossq.policy_delay, shared.0.learning_rate, optimizer.0.beta1), (2, 1e-3.into(), 0.5));
        assert_eq!(shared.0.critic_arch().to_string(), "mlp:256,256:batchrenorm");
        let (crossq, (_, (shared, _))) = of::<CrossQSettings>("crossq", "zoo", "BipedalWalker-v3");
        assert_eq!((crossq.policy_delay, shared.0.gamma, shared.0.learning_starts), (3, 0.98, 10_000));
        let of_all = find("pqn", "purejaxql", "MinAtar/Seaquest-v1:full_action_set=true").unwrap();
        assert_eq!(of_all.values, find("pqn", "purejaxql", "MinAtar/Seaquest-v1").unwrap().values);
    }

    #[test]
    fn the_values_for_an_environment_come_last() {
        let presets = ALGORITHMS.iter().flat_map(|a| a.presets.iter().map(move |p| (a.name, p.name, p.text)));
        for (algorithm, name, text) in presets {
            let table: Table = text.parse().unwrap();
            for (env, own) in table.iter().filter_map(|(key, value)| Some((key, value.as_table()?))) {
                let found = find(algorithm, name, env).unwrap().values;
                assert!(own.iter().all(|(key, value)| found[key] == *value), "{algorithm} {name} {env}");
                assert!(found.values().all(|value| !value.is_table()), "{algorithm} {name} {env}");
            }
        }
        let own = &find("pqn", "purejaxql", "CartPole-v1").unwrap().values;
        assert_eq!((own["num_envs"].as_integer(), own["gamma"].as_float()), (Some(32), Some(0.99)));
    }

    #[test]
    fn a_run_has_the_first_preset_for_its_environment() {
        let check = |algorithm, env, expected| {
            assert_eq!(
                Algorithm::find(algorithm).unwrap().default_preset(env),
                expected,
                "{algorithm} {env}"
            );
        };
        check("dqn", "CartPole-v1", Some("zoo"));
        check("dqn", "MinAtar/Seaquest-v1", Some("minatar"));
        check("dqn", "Taxi-v4", None);
        check("pqn", "CartPole-v1", Some("purejaxql"));
        check("c51", "Acrobot-v1", Some("cleanrl"));
        check("sac", "Pendulum-v1", Some("zoo"));
        check("sac", "MountainCarContinuous-v0", Some("zoo"));
        check("crossq", "LunarLanderContinuous-v3", Some("zoo"));
        check("crossq", "MountainCarContinuous-v0", None);
        check("rainbow", "CartPole-v1", None);
        check("sarsa", "CliffWalking-v1", None);
    }

    /// The values of `stable_baselines3.dqn.DQN.__init__`, version 2.9.
    #[test]
    fn the_defaults_of_dqn_are_those_of_stable_baselines() {
        let (dqn, optimizer) = (DqnConfig::default(), OptimizerConfig::default());
        assert_eq!((dqn.learning_rate, dqn.buffer_size, dqn.learning_starts), (1e-4.into(), 1_000_000, 100));
        assert_eq!((dqn.batch_size, dqn.tau, dqn.gamma), (32, 1.0, 0.99));
        assert_eq!((dqn.train_freq, dqn.gradient_steps, dqn.target_update_interval), (4, 1, 10_000));
        let exploration = (dqn.exploration_fraction, dqn.exploration_initial_eps, dqn.exploration_final_eps);
        assert_eq!(exploration, (0.1, 1.0, 0.05));
        assert_eq!((dqn.net_arch.to_string().as_str(), optimizer.max_grad_norm), ("mlp:64,64", 10.0));
    }

    /// The values of `stable_baselines3.sac`, `td3` and `ddpg`, version 2.9; the noise on actions is the zoo's.
    #[test]
    fn the_defaults_of_learners_of_boxes_are_those_of_stable_baselines() {
        let (_, (sac, optimizer)) = SacSettings::default();
        let (td3_own, (ddpg, _)) = Td3Settings::default();
        for (config, rate, form) in [(&sac, 3e-4, "mlp:256,256"), (&ddpg.0, 1e-3, "mlp:400,300")] {
            assert_eq!((config.learning_rate, config.net_arch.to_string().as_str()), (rate.into(), form));
            let sizes = (config.buffer_size, config.learning_starts, config.batch_size);
            assert_eq!(sizes, (1_000_000, 100, 256));
            assert_eq!((config.tau, config.gamma), (0.005, 0.99));
            assert_eq!((config.train_freq, config.gradient_steps), (1, 1));
        }
        assert_eq!((td3_own.policy_delay, td3_own.target_noise, td3_own.target_noise_clip), (2, 0.2, 0.5));
        assert_eq!((optimizer.0.max_grad_norm, optimizer.0.optimizer_eps), (f64::INFINITY, 1e-8));
    }

    /// The values of `sbx.crossq`, version 0.28.
    #[test]
    fn the_defaults_of_crossq_are_those_of_sbx() {
        let (own, (of_sac, (CrossQShared(config), CrossQOptimizer(optimizer)))) = CrossQSettings::default();
        assert_eq!((own.policy_delay, of_sac.ent_coef), (3, Auto::Auto));
        assert_eq!((config.learning_rate, config.critic_learning_rate), (1e-3.into(), None));
        let forms = [&config.net_arch, config.critic_arch()].map(ToString::to_string);
        assert_eq!(forms, ["mlp:256,256:batchrenorm", "mlp:1024,1024:batchrenorm"]);
        let sizes = (config.buffer_size, config.learning_starts, config.batch_size, config.gamma);
        assert_eq!(sizes, (1_000_000, 100, 256, 0.99));
        let of_optimizer = (optimizer.beta1, optimizer.optimizer_eps, optimizer.max_grad_norm);
        assert_eq!(of_optimizer, (0.5, 1e-8, f64::INFINITY));
        assert_eq!(config.net_arch.batch_renorm, Some(100_000));
    }

    #[test]
    fn an_environment_of_a_python_program_has_the_settings_of_its_id_if_they_are_asked_for() {
        let dqn = Algorithm::find("dqn").unwrap();
        for (env, is_default, is_found) in [
            ("LunarLander-v3", true, true),
            ("gym:LunarLander-v3:gravity=-9", true, true),
            ("python:LunarLander-v3.45ccef-1", false, true),
            ("python:LunarLander-v3.45ccef-1:frame_stack=2", false, true),
            ("python:Corridor.45ccef-1", false, false),
            ("python:LunarLander-v3", false, false),
        ] {
            assert_eq!(dqn.default_preset(env).is_some(), is_default, "{env}");
            assert_eq!(dqn.preset("zoo", env).is_ok(), is_found, "{env}");
        }
    }

    #[test]
    fn errors_say_what_there_is() {
        let check = |algorithm, name, env, expected: &str| {
            assert_eq!(find(algorithm, name, env).unwrap_err().to_string(), expected);
        };
        check("dqn", "zo", "CartPole-v1", "unknown preset `zo`; did you mean `zoo`?");
        check("sarsa", "zoo", "CliffWalking-v1", "`sarsa` has no presets; leave out --preset");
        check(
            "dqn",
            "zoo",
            "Nowhere-v0",
            "preset `zoo` of `dqn` has no values for `Nowhere-v0`, only for Acrobot-v1, CartPole-v1, LunarLander-v3, MountainCar-v0",
        );
    }
}
