//! A number that may be left to the algorithm.

use super::setting::{Range, Setting};
use toml::Value;

/// A number, or `auto` for the algorithm's own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Auto {
    /// The algorithm's own.
    Auto,
    /// This one.
    Number(f64),
}

/// The word of [`Auto::Auto`].
const WORD: &str = "auto";

impl Setting for Auto {
    type Literal = Auto;
    const KIND: &'static str = "number or auto";

    fn literal(literal: Auto) -> Self {
        literal
    }

    fn from_toml(value: &Value) -> Result<Self, String> {
        match value.as_str() {
            Some(WORD) => Ok(Self::Auto),
            _ => f64::from_toml(value)
                .map(Self::Number)
                .map_err(|_| format!("expected a number or {WORD}, got {} `{value}`", value.type_str())),
        }
    }

    fn to_toml(&self) -> Option<Value> {
        Some(match self {
            Self::Auto => Value::String(WORD.to_owned()),
            Self::Number(number) => Value::Float(*number),
        })
    }

    fn check(&self, range: Range) -> Result<(), &'static str> {
        match self {
            Self::Auto => Ok(()),
            Self::Number(number) => range.check(*number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read() {
        for (text, expected) in [("auto", Auto::Auto), ("0.5", Auto::Number(0.5))] {
            assert_eq!(Auto::from_toml(&Value::String(text.to_owned())), Ok(expected));
            assert_eq!(Auto::from_toml(&expected.to_toml().unwrap()), Ok(expected));
        }
        let error = Auto::from_toml(&Value::String("automatic".to_owned())).unwrap_err();
        assert_eq!(error, "expected a number or auto, got string `\"automatic\"`");
        assert_eq!(Auto::Number(-1.0).check(Range::NotNegative), Err(Range::NotNegative.words()));
    }
}
