//! Settings: keys with their types, defaults and ranges, and the macros that declare them.

use potstill_nn::NetworkSpec;
use toml::Value;

/// What a value may be, beside its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Anything of the type.
    Any,
    /// Neither infinite nor NaN.
    Finite,
    /// Above 0.
    Positive,
    /// Added to a denominator: above 0, and enough for single precision.
    Epsilon,
    /// 0 or above.
    NotNegative,
    /// 0 to 1.
    Unit,
    /// Above 0, up to 1.
    PositiveUnit,
    /// 1 or above.
    AtLeastOne,
    /// 1 to a million: samples or episodes that are held in memory at once.
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
}

/// What is nearer to 0 or farther from it may be 0 or infinite in single precision.
const SMALL: f64 = 1e-30;
const LARGE: f64 = 1e30;

impl Range {
    /// What it says, for people; empty for anything.
    pub fn words(self) -> &'static str {
        match self {
            Range::Any => "",
            Range::Finite => "finite",
            Range::Positive => "above 0 (1e-30 to 1e30)",
            Range::Epsilon => "above 0 (1e-15 to 1e30)",
            Range::NotNegative => "0 or above (1e-30 to 1e30)",
            Range::Unit => "from 0 to 1",
            Range::PositiveUnit => "above 0 (1e-30) and up to 1",
            Range::AtLeastOne => "1 or above",
            Range::Batch => "from 1 to 1000000",
            Range::Small => "from 0 to 1000",
            Range::Count => "from 0 to 1000000",
            Range::StepCount => "from 1 to 1000",
            Range::Copies => "from 1 to 65536",
            Range::Atoms => "from 2 to 10000",
        }
    }

    /// The lowest and the highest value, where there is one.
    pub fn bounds(self) -> (Option<f64>, Option<f64>) {
        match self {
            Range::Any | Range::Finite => (None, None),
            Range::Positive => (Some(SMALL), Some(LARGE)),
            Range::Epsilon => (Some(1e-15), Some(LARGE)),
            Range::NotNegative => (Some(0.0), Some(LARGE)),
            Range::Unit => (Some(0.0), Some(1.0)),
            Range::PositiveUnit => (Some(SMALL), Some(1.0)),
            Range::AtLeastOne => (Some(1.0), None),
            Range::Batch => (Some(1.0), Some(1e6)),
            Range::Small => (Some(0.0), Some(1000.0)),
            Range::Count => (Some(0.0), Some(1e6)),
            Range::StepCount => (Some(1.0), Some(1000.0)),
            Range::Copies => (Some(1.0), Some(65_536.0)),
            Range::Atoms => (Some(2.0), Some(10_000.0)),
        }
    }

    /// Whether a number is within.
    pub(crate) fn check(self, x: f64) -> Result<(), &'static str> {
        let (low, high) = self.bounds();
        let within = low.is_none_or(|low| x >= low) && high.is_none_or(|high| x <= high);
        let holds = match self {
            Range::Any => true,
            Range::Finite => x.is_finite(),
            // Between 0 and the smallest number there is a gap.
            Range::NotNegative => within && (x == 0.0 || x >= SMALL),
            _ => within,
        };
        if holds { Ok(()) } else { Err(self.words()) }
    }
}

/// One key of a [`Settings`] block.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The name, everywhere: config file, `--set`, report.
    pub name: &'static str,
    /// What it does and where the default comes from.
    pub help: &'static str,
    /// The kind of value.
    pub kind: &'static str,
    /// What the value may be.
    pub range: Range,
    /// What it was called before; files that say so are still read.
    pub once: Option<&'static str>,
}

/// A type that a setting can have.
pub trait Setting: Sized {
    /// What a default is written as.
    type Literal;
    /// The kind, for people.
    const KIND: &'static str;
    /// The default.
    fn literal(literal: Self::Literal) -> Self;
    /// The value, or what is wrong with it.
    ///
    /// # Errors
    /// If the value is of another kind.
    fn from_toml(value: &Value) -> Result<Self, String>;
    /// The value as it is written; `None` if it is not set.
    fn to_toml(&self) -> Option<Value>;
    /// Whether the value is within a range, if it has numbers; if not, what the range is.
    ///
    /// # Errors
    /// If it is not.
    fn check(&self, _: Range) -> Result<(), &'static str> {
        Ok(())
    }
}

fn not_a(kind: &str, value: &Value) -> String {
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
        let number = value.as_integer().and_then(|n| u64::try_from(n).ok());
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
        value.as_bool().ok_or_else(|| not_a("true or false", value))
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

/// A setting that is one of a few words.
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
                let word = match self {
                    $(Self::$variant => $word,)*
                };
                Some(word.into())
            }
        }
    };
}
pub(crate) use words;

/// A set of keys with their values.
pub trait Settings {
    /// The keys, in the order in which they are written.
    fn keys(&self) -> Vec<Key>;

    /// Sets one value. `None` if the key is not one of these.
    fn set(&mut self, key: &str, value: &Value) -> Option<Result<(), String>>;

    /// The value of a key, if it is one of these and set.
    fn get(&self, key: &str) -> Option<Value>;
}

/// No keys.
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

/// Two sets of keys as one.
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

/// Declares a struct of settings: for each its help, name (and what it was called before), type, default and range.
macro_rules! settings {
    (
        $(#[doc = $about:literal])*
        $visibility:vis struct $name:ident {
            $($(#[doc = $help:literal])* $key:ident $((once $old:ident))?: $type:ty = $default:expr, in $range:ident;)*
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

/// A value of the type and within the range, or what is wrong.
pub(crate) fn checked<T: Setting>(value: &Value, range: Range) -> Result<T, String> {
    let setting = T::from_toml(value)?;
    setting.check(range).map_err(|words| format!("must be {words}, got {value}"))?;
    Ok(setting)
}
