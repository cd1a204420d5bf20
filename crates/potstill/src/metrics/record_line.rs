//! One line of `metrics.jsonl`, parsed without a map.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// Names and the numbers of the line that is being read.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// All names so far, in order of appearance.
    pub(super) names: Vec<String>,
    /// The numbers of the line, by index of their name; `None` for what is no number.
    pub(super) values: Vec<(usize, Option<f64>)>,
    indices: BTreeMap<String, usize>,
    /// For each name the last line that had it, and its place among the values there.
    places: Vec<(u64, usize)>,
    /// The number of the line, from 1 on.
    count: u64,
}

impl Line {
    /// Reads a line; false, and nothing is changed, if it is not a JSON object.
    pub(super) fn read(&mut self, text: &str) -> bool {
        let known = self.names.len();
        self.values.clear();
        self.count += 1;
        let mut reader = serde_json::Deserializer::from_str(text);
        let is_object = Object(self).deserialize(&mut reader).is_ok() && reader.end().is_ok();
        if !is_object {
            for name in self.names.drain(known..) {
                self.indices.remove(&name);
            }
            self.places.truncate(known);
        }
        is_object
    }

    /// The number of this name.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        let (line, place) = self.places[*self.indices.get(name)?];
        if line == self.count { self.values[place].1 } else { None }
    }

    fn index(&mut self, name: &str) -> usize {
        if let Some(index) = self.indices.get(name) {
            return *index;
        }
        self.names.push(name.to_owned());
        self.places.push((0, 0));
        self.indices.insert(name.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }

    /// Sets a value; as in a map, the last of two of one name counts.
    fn set(&mut self, index: usize, value: Option<f64>) {
        let (line, place) = self.places[index];
        if line == self.count {
            self.values[place].1 = value;
        } else {
            self.places[index] = (self.count, self.values.len());
            self.values.push((index, value));
        }
    }
}

/// An object, whose entries go into a line.
struct Object<'a>(&'a mut Line);

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(index) = map.next_key_seed(Name(self.0))? {
            let value = map.next_value_seed(Number)?;
            self.0.set(index, value);
        }
        Ok(())
    }
}

/// A name, as its index.
struct Name<'a>(&'a mut Line);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<usize, E> {
        Ok(self.0.index(name))
    }
}

/// A number; `None` for anything else.
struct Number;

impl<'de> DeserializeSeed<'de> for Number {
    type Value = Option<f64>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<f64>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Number {
    type Value = Option<f64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E>(self, value: f64) -> Result<Option<f64>, E> {
        Ok(Some(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Option<f64>, E> {
        Ok(Some(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Option<f64>, E> {
        Ok(Some(value as f64))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Option<f64>, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Option<f64>, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Option<f64>, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Option<f64>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<f64>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_no_objects_change_nothing() {
        let mut line = Line::default();
        assert!(line.read("{\"step\":1,\"a\":0.5,\"b\":null,\"c\":[1,{}],\"d\":\"x\",\"a\":2}"));
        assert_eq!(line.names, ["step", "a", "b", "c", "d"]);
        assert_eq!(
            (line.number("step"), line.number("a"), line.number("b"), line.number("c")),
            (Some(1.0), Some(2.0), None, None)
        );
        for bad in ["", "{\"new\":1", "[1]", "7", "{\"new\":1}{}", "{\"new\":1e999}", "nonsense", "null"] {
            assert!(!line.read(bad) && line.names.len() == 5, "{bad}");
            assert_eq!((line.number("new"), line.number("step")), (None, None), "{bad}");
        }
    }
}
