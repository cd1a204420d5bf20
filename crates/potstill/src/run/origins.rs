//! The origins of a run's values, which a continued run keeps.

use super::prepared::PreparedRun;
use crate::config::Origin;

/// The `config.toml` from which a run is continued.
#[derive(Clone, Debug)]
pub(crate) struct Origins {
    /// The origin of what was read from it.
    pub(crate) file: Origin,
    /// Its text.
    pub(crate) text: String,
}

impl Origins {
    /// The run with the origins of those values that are still the file's.
    pub(crate) fn put_back(&self, plan: PreparedRun) -> PreparedRun {
        let mark = format!("  # {}", self.file.to_string().replace(char::is_control, "?"));
        let line = |line: &str| self.known(line, &mark).unwrap_or_else(|| line.to_owned()) + "\n";
        PreparedRun { config: plan.config.lines().map(line).collect(), ..plan }
    }

    /// A line of a value of the file with its first origin; none if it is another line.
    fn known(&self, line: &str, mark: &str) -> Option<String> {
        let value = line.strip_suffix(mark)?;
        let origin = self
            .text
            .lines()
            .find_map(|line| line.strip_prefix(value.trim_end())?.trim_start().strip_prefix("# "))?;
        Some(format!("{value}  # {origin}"))
    }
}

/// The preset of which a configuration has values.
pub(crate) fn preset_of(config: &str) -> Option<&str> {
    config.lines().find_map(|line| Some(line.rsplit_once("  # preset ")?.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_file_keep_their_origins() {
        let text = "# Every value\nsteps = 10    # command line\ngamma = 0.98  # preset zoo\nalpha = 0.1   # default\n";
        let file = Origin::File("run/config.toml".to_owned());
        let origins = Origins { file, text: text.to_owned() };
        let check = |line: &str, expected: Option<&str>| {
            assert_eq!(origins.known(line, "  # run/config.toml").as_deref(), expected, "{line}");
        };
        check("gamma = 0.98          # run/config.toml", Some("gamma = 0.98          # preset zoo"));
        check("alpha = 0.1  # run/config.toml", Some("alpha = 0.1  # default"));
        check("steps = 20  # resume --steps, after fewer", None);
        // Another value than the file's.
        check("gamma = 0.9  # run/config.toml", None);
        assert_eq!(preset_of(text), Some("zoo"));
        assert_eq!(preset_of("gamma = 0.98  # default\n"), None);
    }
}
