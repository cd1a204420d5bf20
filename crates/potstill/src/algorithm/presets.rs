//! Presets: published hyperparameters, one file per algorithm and source.

use super::descriptor::Algorithm;
use crate::config::{ConfigError, Layer, Origin, read_toml};
use toml::{Table, Value};

impl Algorithm {
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
        // Options follow an id, and do not make it another environment.
        let id = env.split_once(':').map_or(env, |(id, _)| id);
        if let Some(Value::Table(own)) = sections.get(env).or_else(|| sections.get(id)) {
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
    use crate::algorithm::ALGORITHMS;
    use crate::config::{Settings, resolve};
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
        // The defaults are the zoo's values for this environment.
        assert_eq!(of::<Dqn>("dqn", "zoo", "CartPole-v1"), Dqn::default());
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
            "preset `zoo` of `dqn` has no values for `Nowhere-v0`, only for Acrobot-v1, CartPole-v1, MountainCar-v0",
        );
    }
}
