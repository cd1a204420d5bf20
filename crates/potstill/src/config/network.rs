//! Limits of the networks that a configuration may ask for.

use super::ConfigError;
use potstill_nn::{Ends, NetworkSpec};

/// Parameters of the largest network that is built: Adam and a target network hold four times as many numbers.
pub(crate) const PARAMETERS_MAX: usize = 100_000_000;

/// Refuses batch normalisation for a learner whose minibatches are not of a fixed set of samples.
pub(crate) fn refuse_batch_norm(key: &str, spec: &NetworkSpec) -> Result<(), ConfigError> {
    match spec.has_statistics() {
        true => Err(ConfigError::value(
            key,
            format!(
                "{spec}: batch normalisation is for networks that learn from --data; layernorm is for agents, and \
                 batchrenorm for crossq"
            ),
        )),
        false => Ok(()),
    }
}

/// Refuses a network that cannot be built, or is too large; `key` is the setting that asks for it.
pub(crate) fn check_network(key: &str, spec: &NetworkSpec, ends: &Ends) -> Result<(), ConfigError> {
    let parameters =
        spec.check(ends).map_err(|reason| ConfigError::value(key, format!("{spec}: {reason}")))?;
    if parameters > PARAMETERS_MAX {
        let reason = format!("{spec} has {parameters} parameters here; at most {PARAMETERS_MAX} are held");
        return Err(ConfigError::value(key, reason));
    }
    Ok(())
}
