//! Settings: keys with their types, defaults and ranges, and the macros that declare them.

use super::need::Need;
use potstill_core::written;
use potstill_nn::NetworkSpec;
use toml::Value;

/// The allowed values of a setting, in addition to its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Any value of the type.
    Any,
    /// Finite.
    Finite,
    /// Above 0.
    Positive,
    /// Added to a denominator: above 0, and large enough for single precision.
    Epsilon,
    /// 0 or above.
    NotNegative,
    /// 0 to 1.
    Unit,
    /// 0 or above and below 1: a share that leaves something.
    BelowOne,
    /// Above 0; infinity for no limit.
    Limit,
    /// Above 0, up to 1.
    PositiveUnit,
    /// 1 or above.
    AtLeastOne,
    /// 1 to a million: samples or episodes that are in memory at once.
    Batch,
    /// 0 to a thousand.
    Small,
    /// 0 to a million.
    Count,
    /// 1 to a thousand.
    StepCount,
    /// 1 to 65,536.
    Copies,
    /// 2 to 10,000.
    Atoms,
    /// -10 to 2: logarithms of standard deviations at the start. A smaller deviation is lost beside a mean in single
    /// precision, and the gradient of a larger one's density explodes.
    LogDeviation,
}

/// Smallest magnitude of a positive number; a smaller one could become 0 in single precision, and its inverse
/// infinite.
const SMALL: f64 = 1e-30;
const LARGE: f64 = 1e30;

impl Range {
    /// A description for messages and help; empty for [`Range::Any`].
    pub fn words(self) -> &'static str {
        match self {
            Range::Any => "",
            Range::Finite => "finite",
            Range::Positive => "above 0 (1e-30 to 1e30)",
            Range::Epsilon => "above 0 (1e-15 to 1e30)",
            Range::NotNegative => "0 or above (1e-30 to 1e30)",
            Range::Unit => "from 0 to 1",
            Range::BelowOne => "from 0 to 0.999",
            Range::PositiveUnit => "above 0 (1e-30) and up to 1",
            Range::Limit => "above 0 (1e-30 to 1e30), or inf for no limit",
            Range::AtLeastOne => "1 or above",
            Range::Batch => "from 1 to 1000000",
            Range::Small => "from 0 to 1000",
            Range::Count => "from 0 to 1000000",
            Range::StepCount => "from 1 to 1000",
            Range::Copies => "from 1 to 65536",
            Range::Atoms => "from 2 to 10000",
            Range::LogDeviation => "from -10 to 2",
        }
    }

    /// The lowest and the highest value, if bounded.
    pub fn bounds(self) -> (Option<f64>, Option<f64>) {
        match self {
            Range::Any | Range::Finite => (None, None),
            Range::Positive => (Some(SMALL), Some(LARGE)),
            Range::Epsilon => (Some(1e-15), Some(LARGE)),
            Range::NotNegative => (Some(0.0), Some(LARGE)),
            Range::Unit => (Some(0.0), Some(1.0)),
            Range::BelowOne => (Some(0.0), Some(0.999)),
            Range::PositiveUnit => (Some(SMALL), Some(1.0)),
            Range::Limit => (Some(SMALL), None),
            Range::AtLeastOne => (Some(1.0), None),
            Range::Batch => (Some(1.0), Some(1e6)),
            Range::Small => (Some(0.0), Some(1000.0)),
            Range::Count => (Some(0.0), Some(1e6)),
            Range::StepCount => (Some(1.0), Some(1000.0)),
            Range::Copies => (Some(1.0), Some(65_536.0)),
            Range::Atoms => (Some(2.0), Some(10_000.0)),
            Range::LogDeviation => (Some(-10.0), Some(2.0)),
        }
    }

    /// Checks that a number is in the range; the error describes the range.
    pub(crate) fn check(self, x: f64) -> Result<(), &'static str> {
        let (low, high) = self.bounds();
        let within = low.is_none_or(|low| x >= low) && high.is_none_or(|high| x <= high);
        let holds = match self {
            Range::Any => true,
            Range::Finite => x.is_finite(),
            // A positive number below the smallest could become 0.
            Range::NotNegative => within && (x == 0.0 || x >= SMALL),
            Range::Limit => within && (x <= LARGE || x == f64::INFINITY),
            _ => within,
        };
        if holds { Ok(()) } else { Err(self.words()) }
    }
}

/// One key of a [`Settings`] block.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The name in configuration files, `--set` and reports.
    pub name: &'static str,
    /// Its meaning, and the source of the default.
    pub help: &'static str,
    /// The type in words.
    pub kind: &'static str,
    /// The allowed values.
    pub range: Range,
    /// Its former name, which is still accepted in files.
    pub once: Option<&'static str>,
    /// The conditions under which it has an effect.
    pub needs: &'static [Need],
}

/// A type of settings.
pub trait Setting: Sized {
    /// The type of a default's literal.
    type Literal;
    /// The type in words.
    const KIND: &'static str;
    /// The value of a literal.
    fn literal(literal: Self::Literal) -> Self;
    /// Converts from TOML.
    ///
    /// # Errors
    /// If the value has another type; the message describes this one.
    fn from_toml(value: &Value) -> Result<Self, String>;
    /// Converts to TOML; `None` if it is not set.
    fn to_toml(&self) -> Option<Value>;
    /// Checks that a numeric value is in a range.
    ///
    /// # Errors
    /// If it is not; the message describes the range.
    fn check(&self, _: Range) -> Result<(), &'static str> {
        Ok(())
    }
}

pub(super) fn not_a(kind: &str, value: &Value) -> String {
    format!("expected {kind}, got {} `{value}`", value.type_str())
}

impl Setting for f64 {
    type Literal = f64;
    const KIND: &'static str = "number";
    fn literal(literal: f64) -> Self {
        literal
    }
    fn from_toml(value: &Value) -> Result<Self, String> {
        match value {
            Value::Float(x) => Ok(*x),
            Value::Integer(n) => Ok(*n as f64),
            Value::String(text) => written::number(text).ok_or_else(|| not_a("a number", value)),
            _ => Err(not_a("a number", value)),
        }
    }
    fn to_toml(&self) -> Option<Value> {
        Some(Value::Float(*self))
    }
    fn check(&self, range: Range) -> Result<(), &'static str> {
        range.check(*self)
    }
}

impl Setting for u64 {
    type Literal = u64;
    const KIND: &'static str = "integer";
    fn literal(literal: u64) -> Self {
        literal
    }
    fn from_toml(value: &Value) -> Result<Self, String> {
        let number = match value {
            Value::Integer(n) => u64::try_from(*n).ok(),
            // `1e5` is a float in TOML; up to 2^53 a whole one is exact.
            Value::Float(x) if x.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(x) => {
                Some(*x as u64)
            }
            Value::String(text) => written::whole(text),
            _ => None,
        };
        let number = number.filter(|number| i64::try_from(*number).is_ok());
        number.ok_or_else(|| not_a("a whole number from 0 to 2^63 - 1", value))
    }
    fn to_toml(&self) -> Option<Value> {
        Some(Value::Integer(i64::try_from(*self).expect("settings are read from TOML's 63 bits")))
    }
    fn check(&self, range: Range) -> Result<(), &'static str> {
        range.check(*self as f64)
    }
}

impl Setting for bool {
    type Literal = bool;
    const KIND: &'static str = "true or false";
    fn literal(literal: bool) -> Self {
        literal
    }
    fn from_toml(value: &Value) -> Result<Self, String> {
        let truth = match value {
            Value::Boolean(truth) => Some(*truth),
            Value::Integer(0) => Some(false),
            Value::Integer(1) => Some(true),
            Value::String(text) => written::truth(text),
            _ => None,
        };
        truth.ok_or_else(|| not_a("true or false", value))
    }
    fn to_toml(&self) -> Option<Value> {
        Some(Value::Boolean(*self))
    }
}

impl Setting for String {
    type Literal = &'static str;
    const KIND: &'static str = "text";
    fn literal(literal: &'static str) -> Self {
        literal.to_owned()
    }
    fn from_toml(value: &Value) -> Result<Self, String> {
        value.as_str().map(str::to_owned).ok_or_else(|| not_a("text", value))
    }
    fn to_toml(&self) -> Option<Value> {
        Some(Value::String(self.clone()))
    }
}

impl Setting for NetworkSpec {
    type Literal = &'static str;
    const KIND: &'static str = "network";
    fn literal(literal: &'static str) -> Self {
        literal.parse().expect("a default network parses")
    }
    fn from_toml(value: &Value) -> Result<Self, String> {
        value
            .as_str()
            .ok_or_else(|| not_a("a network such as mlp:64,64", value))?
            .parse()
            .map_err(|error: potstill_nn::spec::SpecError| error.to_string())
    }
    fn to_toml(&self) -> Option<Value> {
        Some(Value::String(self.to_string()))
    }
}

impl<T: Setting> Setting for Option<T> {
    type Literal = Option<T::Literal>;
    const KIND: &'static str = T::KIND;
    fn literal(literal: Option<T::Literal>) -> Self {
        literal.map(T::literal)
    }
    fn from_toml(value: &Value) -> Result<Self, String> {
        T::from_toml(value).map(Some)
    }
    fn to_toml(&self) -> Option<Value> {
        self.as_ref().and_then(Setting::to_toml)
    }
    fn check(&self, range: Range) -> Result<(), &'static str> {
        self.as_ref().map_or(Ok(()), |value| value.check(range))
    }
}

/// Declares an enumeration that is a setting: a choice of words, which it is read from and shown as.
macro_rules! words {
    (
        $(#[doc = $about:literal])*
        $visibility:vis enum $name:ident: $kind:literal {
            $($(#[doc = $help:literal])* $variant:ident = $word:literal,)*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $visibility enum $name {
            $($(#[doc = $help])* $variant,)*
        }

        impl $crate::config::Setting for $name {
            type Literal = $name;
            const KIND: &'static str = $kind;

            fn literal(literal: $name) -> Self {
                literal
            }

            fn from_toml(value: &toml::Value) -> Result<Self, String> {
                match value.as_str() {
                    $(Some($word) => Ok(Self::$variant),)*
                    _ => Err(format!("expected {}, got `{value}`", Self::KIND)),
                }
            }

            fn to_toml(&self) -> Option<toml::Value> {
                Some(self.to_string().into())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                $crate::config::Setting::from_toml(&text.into())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $word,)*
                })
            }
        }
    };
}
pub(crate) use words;

/// A set of keys with their values.
pub trait Settings {
    /// The keys, in the order in which they are written.
    fn keys(&self) -> Vec<Key>;

    /// Sets one value. Returns `None` if there is no such key.
    fn set(&mut self, key: &str, value: &Value) -> Option<Result<(), String>>;

    /// The value of a key; `None` if there is no such key or it is not set.
    fn get(&self, key: &str) -> Option<Value>;
}

/// The empty set of keys.
impl Settings for () {
    fn keys(&self) -> Vec<Key> {
        Vec::new()
    }
    fn set(&mut self, _: &str, _: &Value) -> Option<Result<(), String>> {
        None
    }
    fn get(&self, _: &str) -> Option<Value> {
        None
    }
}

impl<S: Settings + ?Sized> Settings for Box<S> {
    fn keys(&self) -> Vec<Key> {
        (**self).keys()
    }
    fn set(&mut self, key: &str, value: &Value) -> Option<Result<(), String>> {
        (**self).set(key, value)
    }
    fn get(&self, key: &str) -> Option<Value> {
        (**self).get(key)
    }
}

/// The union of two sets of keys.
/// Settings that a run may not have.
impl<S: Settings> Settings for Option<S> {
    fn keys(&self) -> Vec<Key> {
        self.as_ref().map_or(Vec::new(), Settings::keys)
    }
    fn set(&mut self, key: &str, value: &Value) -> Option<Result<(), String>> {
        self.as_mut()?.set(key, value)
    }
    fn get(&self, key: &str) -> Option<Value> {
        self.as_ref()?.get(key)
    }
}

impl<A: Settings, B: Settings> Settings for (A, B) {
    fn keys(&self) -> Vec<Key> {
        [self.0.keys(), self.1.keys()].concat()
    }
    fn set(&mut self, key: &str, value: &Value) -> Option<Result<(), String>> {
        self.0.set(key, value).or_else(|| self.1.set(key, value))
    }
    fn get(&self, key: &str) -> Option<Value> {
        self.0.get(key).or_else(|| self.1.get(key))
    }
}

/// Declares a struct of settings: help, name (and former name), type, default and range of each key, and the
/// [needs](crate::config::Need) without which it has no effect.
macro_rules! settings {
    (
        $(#[doc = $about:literal])*
        $visibility:vis struct $name:ident {
            $($(#[doc = $help:literal])* $key:ident $((once $old:ident))?: $type:ty = $default:expr, in $range:ident
                $(, needs $need:ident($($needed:expr),*))*;)*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq)]
        $visibility struct $name {
            $($(#[doc = $help])* pub $key: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($key: <$type as $crate::config::Setting>::literal($default),)* }
            }
        }

        impl $crate::config::Settings for $name {
            fn keys(&self) -> Vec<$crate::config::Key> {
                vec![$($crate::config::Key {
                    name: stringify!($key),
                    help: concat!($($help),*),
                    kind: <$type as $crate::config::Setting>::KIND,
                    range: $crate::config::Range::$range,
                    once: None $(.or(Some(stringify!($old))))?,
                    needs: &[$($crate::config::Need::$need($($needed),*)),*],
                },)*]
            }

            fn set(&mut self, key: &str, value: &toml::Value) -> Option<Result<(), String>> {
                match key {
                    $(stringify!($key) $(| stringify!($old))? => Some(
                        $crate::config::checked::<$type>(value, $crate::config::Range::$range)
                            .map(|value| self.$key = value),
                    ),)*
                    _ => None,
                }
            }

            fn get(&self, key: &str) -> Option<toml::Value> {
                match key {
                    $(stringify!($key) => $crate::config::Setting::to_toml(&self.$key),)*
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use settings;

/// Declares the keys of a type of settings with other defaults, as a type of their own.
macro_rules! other_defaults {
    ($(#[doc = $about:literal])* $name:ident: $settings:ty = $defaults:expr) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name(pub $settings);

        impl Default for $name {
            fn default() -> Self {
                Self($defaults)
            }
        }

        impl $crate::config::Settings for $name {
            fn keys(&self) -> Vec<$crate::config::Key> {
                self.0.keys()
            }

            fn set(&mut self, key: &str, value: &toml::Value) -> Option<Result<(), String>> {
                self.0.set(key, value)
            }

            fn get(&self, key: &str) -> Option<toml::Value> {
                self.0.get(key)
            }
        }
    };
}
pub(crate) use other_defaults;

/// Converts a TOML value and checks its range; the error is the reason.
pub(crate) fn checked<T: Setting>(value: &Value, range: Range) -> Result<T, String> {
    let setting = T::from_toml(value)?;
    setting.check(range).map_err(|words| format!("must be {words}, got {value}"))?;
    Ok(setting)
}
