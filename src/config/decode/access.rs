//! A serde deserializer over the tree. The text of variables and options takes the type that the target asks for.

use std::borrow::Cow;
use std::collections::{BTreeSet, btree_map};

use serde::Deserializer;
use serde::de::value::{StrDeserializer, StringDeserializer};
use serde::de::{self, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor};

use super::error::Error;
use crate::config::path::KeyPath;
use crate::config::tree::{self, Node, Value};

/// A newtype of this name receives a scalar exactly as written, whatever its TOML type: `1.10` and `"1.10"` alike.
pub(in crate::config) const AS_WRITTEN: &str = "$churnwatch::as_written";

/// Deserializes one node.
#[derive(Clone)]
pub(super) struct Reader<'t> {
    node: &'t Node,
    path: KeyPath,
    left_out: &'t BTreeSet<KeyPath>,
}

/// What the target type asks for.
#[derive(Clone, Copy)]
enum Wanted {
    Text,
    List,
    Anything,
}

impl<'t> Reader<'t> {
    /// A reader of the whole document without the paths that are left out.
    pub(super) fn new(root: &'t Node, left_out: &'t BTreeSet<KeyPath>) -> Self {
        Self { node: root, path: KeyPath::default(), left_out }
    }

    fn inner<'n>(&'n self, node: &'n Node, path: KeyPath) -> Reader<'n> {
        Reader { node, path, left_out: self.left_out }
    }

    /// The value; untyped text is converted to the wanted type.
    fn value(&self, wanted: Wanted) -> Cow<'t, Value> {
        let Value::Untyped(text) = &self.node.value else { return Cow::Borrowed(&self.node.value) };
        let as_text = || Value::Text(text.clone());
        let typed = match wanted {
            Wanted::Text => as_text(),
            Wanted::Anything => tree::parse_value(text, &self.node.origin).unwrap_or_else(as_text),
            Wanted::List if text.trim_start().starts_with('[') => tree::parse_value(text, &self.node.origin).unwrap_or_else(as_text),
            Wanted::List => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                let node = |item: &str| Node { value: Value::Untyped(item.to_owned()), origin: self.node.origin.clone() };
                Value::Array(items.map(node).collect())
            }
        };
        Cow::Owned(typed)
    }

    fn visit<'de, V: Visitor<'de>>(&self, wanted: Wanted, visitor: V) -> Result<V::Value, Error> {
        match &*self.value(wanted) {
            Value::Text(text) | Value::Untyped(text) | Value::Datetime(text) => visitor.visit_str(text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(finite(number)?),
            Value::Boolean(value) => visitor.visit_bool(*value),
            Value::Table(entries) => visitor.visit_map(Table { reader: self, entries: entries.iter(), current: None }),
            Value::Array(items) => visitor.visit_seq(List { reader: self, items: items.iter().enumerate() }),
        }
    }
}

/// Refuses infinities and NaN.
fn finite(text: &str) -> Result<f64, Error> {
    let number: Option<f64> = text.parse().ok();
    number.filter(|number| number.is_finite()).ok_or_else(|| de::Error::custom("must be a finite number"))
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit(Wanted::Anything, visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit(Wanted::Text, visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit(Wanted::Text, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit(Wanted::List, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, Error> {
        self.visit(Wanted::List, visitor)
    }

    /// A key that is set is always `Some`: no value stands for "none".
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        if name != AS_WRITTEN {
            return visitor.visit_newtype_struct(self);
        }
        match &self.node.value {
            Value::Text(text) | Value::Untyped(text) | Value::Datetime(text) | Value::Float(text) => visitor.visit_str(text),
            Value::Integer(number) => visitor.visit_string(number.to_string()),
            Value::Boolean(value) => visitor.visit_string(value.to_string()),
            Value::Table(_) => Err(de::Error::invalid_type(Unexpected::Map, &visitor)),
            Value::Array(_) => Err(de::Error::invalid_type(Unexpected::Seq, &visitor)),
        }
    }

    #[cfg_attr(not(test), expect(unused_variables, reason = "only tests record which keys a table may have"))]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        #[cfg(test)]
        super::schema::note(&self.path, fields);
        self.visit(Wanted::Anything, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &*self.value(Wanted::Text) {
            Value::Text(name) => visitor.visit_enum(Name(name.clone())),
            Value::Table(_) => Err(de::Error::invalid_type(Unexpected::Map, &"a string")),
            Value::Array(_) => Err(de::Error::invalid_type(Unexpected::Seq, &"a string")),
            _ => Err(de::Error::custom("must be a string")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple_struct map identifier
    }
}

/// The entries of a table.
struct Table<'r, 't> {
    reader: &'r Reader<'t>,
    entries: btree_map::Iter<'r, String, Node>,
    current: Option<(&'r str, &'r Node)>,
}

impl<'de> MapAccess<'de> for Table<'_, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let left_out = self.reader.left_out;
        let path = &self.reader.path;
        self.current = self.entries.by_ref().map(|(key, node)| (key.as_str(), node)).find(|(key, _)| !left_out.contains(&path.key(key)));
        let Some((key, _)) = self.current else { return Ok(None) };
        let name: StrDeserializer<'_, Error> = key.into_deserializer();
        seed.deserialize(name).map(Some).map_err(|error| error.at(|| path.key(key)))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some((key, node)) = self.current.take() else {
            return Err(de::Error::custom("internal error: a value was requested before its key"));
        };
        let path = self.reader.path.key(key);
        seed.deserialize(self.reader.inner(node, path.clone())).map_err(|error| error.at(|| path))
    }
}

/// The items of an array.
struct List<'r, 't> {
    reader: &'r Reader<'t>,
    items: std::iter::Enumerate<std::slice::Iter<'r, Node>>,
}

impl<'de> SeqAccess<'de> for List<'_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let base = &self.reader.path;
        for (index, node) in self.items.by_ref() {
            let path = base.index(index);
            if !self.reader.left_out.contains(&path) {
                return seed.deserialize(self.reader.inner(node, path.clone())).map(Some).map_err(|error| error.at(|| path));
            }
        }
        Ok(None)
    }
}

/// The name of a variant; variants with content are not used in the configuration.
struct Name(String);

impl<'de> EnumAccess<'de> for Name {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name: StringDeserializer<Error> = self.0.clone().into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Name {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _seed: T) -> Result<T::Value, Error> {
        Err(de::Error::custom("must be a plain name"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, _visitor: V) -> Result<V::Value, Error> {
        Err(de::Error::custom("must be a plain name"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _fields: &'static [&'static str], _visitor: V) -> Result<V::Value, Error> {
        Err(de::Error::custom("must be a plain name"))
    }
}
