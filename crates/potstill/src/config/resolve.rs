//! Resolution of raw layers to settings.

use super::error::{ConfigError, Origin};
use super::setting::Settings;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// The longest line of a configuration that others are padded to.
const WIDTH_MAX: usize = 100;

/// Values of one origin. Later layers take precedence.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The origin of the values.
    pub origin: Origin,
    /// The values.
    pub values: Table,
}

/// Settings with the origin of every value that is not a default.
#[derive(Clone, Debug)]
pub struct Resolved<S> {
    /// The settings.
    pub settings: S,
    origins: BTreeMap<String, Origin>,
}

/// Checks the layers and applies them to the defaults.
///
/// # Errors
/// On the first unknown key or invalid value, with its origin.
pub fn resolve<S: Settings + Default>(layers: &[Layer]) -> Result<Resolved<S>, ConfigError> {
    resolve_onto(S::default(), layers)
}

/// Checks the layers and applies them to these settings.
///
/// # Errors
/// On the first unknown key or bad value, naming the key and where it stands.
pub fn resolve_onto<S: Settings>(mut settings: S, layers: &[Layer]) -> Result<Resolved<S>, ConfigError> {
    let mut origins = BTreeMap::new();
    let keys = settings.keys();
    for layer in layers {
        for (key, value) in &layer.values {
            let origin = Some(layer.origin.clone());
            match settings.set(key, value) {
                Some(Ok(())) => {
                    let now =
                        keys.iter().find(|known| known.once == Some(key)).map_or(&**key, |key| key.name);
                    origins.insert(now.to_owned(), layer.origin.clone())
                }
                Some(Err(reason)) => return Err(ConfigError::Value { key: key.clone(), origin, reason }),
                None => {
                    return Err(ConfigError::unknown("key", key, origin, keys.iter().map(|k| k.name)));
                }
            };
        }
    }
    Ok(Resolved { settings, origins })
}

impl<S: Settings> Resolved<S> {
    /// The origin of a value that is not a default.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.origins.get(key)
    }

    /// The text of `config.toml`: `head` first, then every value with its origin. Read back with `--config`,
    /// it gives the same settings.
    pub fn to_toml(&self, head: &[(&str, Value)]) -> String {
        let mut lines = Vec::new();
        for (key, value) in head {
            lines.push((format!("{key} = {value}"), "command line".to_owned()));
        }
        for key in self.settings.keys() {
            if let Some(value) = self.settings.get(key.name) {
                let origin = self.origins.get(key.name).map_or("default".to_owned(), Origin::to_string);
                // A path may contain control characters; a comment must stay one line.
                let origin = origin.replace(char::is_control, "?");
                lines.push((format!("{} = {value}", key.name), origin));
            }
        }
        let widths = lines.iter().map(|(line, _)| line.chars().count());
        let width = widths.filter(|&width| width <= WIDTH_MAX).max().unwrap_or(0);
        let version = env!("CARGO_PKG_VERSION");
        let mut text =
            format!("# Every value of this run, resolved by potstill {version}, and where it came from.\n");
        for (line, origin) in lines {
            text += &format!("{line:width$}  # {origin}\n");
        }
        text
    }
}

/// Parses the text of a TOML file.
///
/// # Errors
/// If it is not valid TOML.
pub fn read_toml(text: &str, origin: Origin) -> Result<Table, ConfigError> {
    text.parse::<Table>().map_err(|error| {
        let line =
            error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
        ConfigError::Syntax { origin, reason: format!("line {line}: {}", error.message()) }
    })
}

/// Parses the value in `--set key=value`: as TOML if it is valid TOML, else as plain text, so that
/// `net_arch=mlp:64,64` needs no quotes.
pub fn toml_value(text: &str) -> Value {
    let parsed = format!("value = {text}").parse::<Table>().ok().filter(|table| table.len() == 1);
    parsed.and_then(|mut table| table.remove("value")).unwrap_or_else(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Setting, settings};

    settings! {
        /// Settings for the tests.
        pub(crate) struct Example {
            /// A rate.
            learning_rate: f64 = 0.5, in Positive;
            /// A count.
            batch_size: u64 = 32, in AtLeastOne;
            /// A network.
            net_arch: potstill_nn::NetworkSpec = "mlp:8", in Any;
            /// A limit.
            steps: Option<u64> = None, in AtLeastOne;
        }
    }

    fn set(pairs: &[&str]) -> Layer {
        let values = pairs.iter().map(|pair| pair.split_once('=').unwrap());
        Layer { origin: Origin::Set, values: values.map(|(k, v)| (k.to_owned(), toml_value(v))).collect() }
    }

    #[test]
    fn bad_values_are_named_with_their_place() {
        let check = |pair: &str, expected: &str| {
            assert_eq!(resolve::<Example>(&[set(&[pair])]).unwrap_err().to_string(), expected);
        };
        check("lerning_rate=1", "unknown key `lerning_rate` (--set); did you mean `learning_rate`?");
        check("zzz=1", "unknown key `zzz` (--set); known: learning_rate, batch_size, net_arch, steps");
        check("learning_rate=fast", "`learning_rate` (--set): expected a number, got string `\"fast\"`");
        check("learning_rate=-1", "`learning_rate` (--set): must be above 0 (1e-30 to 1e30), got -1");
        check("learning_rate=nan", "`learning_rate` (--set): must be above 0 (1e-30 to 1e30), got nan");
        check("batch_size=0", "`batch_size` (--set): must be 1 or above, got 0");
        check(
            "batch_size=1.5",
            "`batch_size` (--set): expected a whole number from 0 to 2^63 - 1, got float `1.5`",
        );
        check(
            "batch_size=100q",
            "`batch_size` (--set): expected a whole number from 0 to 2^63 - 1, got string `\"100q\"`",
        );
        check("steps=0", "`steps` (--set): must be 1 or above, got 0");
        check(
            "net_arch=mlp:8,x",
            "`net_arch` (--set): `x` is not a number of units from 1 to 16384 in network `mlp:8,x`; write `mlp:64,64`, `mlp:64,64:tanh`, `cnn:16x3,128` or `resnet8`",
        );
    }

    #[test]
    fn numbers_are_understood_as_people_write_them() {
        let check = |pair: &str, expected: (f64, u64)| {
            let settings = resolve::<Example>(&[set(&[pair])]).unwrap().settings;
            assert_eq!((settings.learning_rate, settings.batch_size), expected, "{pair}");
        };
        check("batch_size=1e5", (0.5, 100_000));
        check("batch_size=100k", (0.5, 100_000));
        check("batch_size=100_000", (0.5, 100_000));
        check("batch_size=\"1.5M\"", (0.5, 1_500_000));
        check("learning_rate=.25", (0.25, 32));
        check("learning_rate=\"1e-4\"", (1e-4, 32));
        let truth = |text: &str| bool::from_toml(&toml_value(text));
        for text in ["true", "True", "yes", "on", "1"] {
            assert_eq!(truth(text), Ok(true), "{text}");
        }
        for text in ["false", "FALSE", "no", "off", "0"] {
            assert_eq!(truth(text), Ok(false), "{text}");
        }
        assert_eq!(truth("2"), Err("expected true or false, got integer `2`".to_owned()));
    }

    #[test]
    fn later_layers_win_and_the_resolved_file_reads_back() {
        let file = Layer {
            origin: Origin::File("a.toml".to_owned()),
            values: read_toml("batch_size = 8\nlearning_rate = 1", Origin::Set).unwrap(),
        };
        let resolved = resolve::<Example>(&[file, set(&["batch_size=16", "net_arch=mlp:4,4:tanh"])]).unwrap();
        let text = resolved.to_toml(&[("algorithm", "example".into())]);
        let expected = "algorithm = \"example\"      # command line\n\
                        learning_rate = 1.0        # a.toml\n\
                        batch_size = 16            # --set\n\
                        net_arch = \"mlp:4,4:tanh\"  # --set\n";
        assert_eq!(text.split_once('\n').unwrap().1, expected);
        let mut table = read_toml(&text, Origin::Set).unwrap();
        table.remove("algorithm");
        let again = resolve::<Example>(&[Layer { origin: Origin::Set, values: table }]).unwrap();
        assert_eq!(again.settings, resolved.settings);
    }

    #[test]
    fn a_long_line_pads_no_others() {
        let long = format!("mlp:{}16384", "16384,".repeat(15));
        let text = resolve::<Example>(&[set(&[&format!("net_arch={long}")])]).unwrap().to_toml(&[]);
        let expected = format!(
            "learning_rate = 0.5  # default\nbatch_size = 32      # default\nnet_arch = \"{long}\"  # --set\n"
        );
        assert_eq!(text.split_once('\n').unwrap().1, expected);
    }

    #[test]
    fn a_syntax_error_names_its_line() {
        let error = read_toml("a = 1\nb = = 2", Origin::File("run.toml".to_owned())).unwrap_err();
        assert!(error.to_string().starts_with("run.toml is not valid TOML: line 2: "), "{error}");
    }
}
