//! Lenient types for the payloads of providers: one pass over the JSON, text borrowed, and no wrong type is an error while parsing.
//!
//! Whether a value has the right type is decided when it is read, so that a field that is not needed cannot cost the record, and the
//! rejection can name the field. The last of repeated keys wins.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Declares an object: its fields with their keys. All other keys are skipped.
macro_rules! object {
    ($(#[$meta:meta])* struct $name:ident<$life:lifetime> { $($field:ident: $type:ty = $key:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub(super) struct $name<$life> {
            $(pub(super) $field: $type,)*
        }

        impl<'de: $life, $life> serde::Deserialize<'de> for $name<$life> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

                #[allow(non_camel_case_types, reason = "one name for field and key")]
                enum Key {
                    $($field,)*
                    Other,
                }

                impl<'de> Deserialize<'de> for Key {
                    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                        struct KeyVisitor;
                        impl Visitor<'_> for KeyVisitor {
                            type Value = Key;

                            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                                f.write_str("a key")
                            }

                            fn visit_str<E>(self, key: &str) -> Result<Key, E> {
                                Ok(match key {
                                    $($key => Key::$field,)*
                                    _ => Key::Other,
                                })
                            }
                        }
                        deserializer.deserialize_str(KeyVisitor)
                    }
                }

                struct Fields<$life>(std::marker::PhantomData<$name<$life>>);
                impl<'de: $life, $life> Visitor<'de> for Fields<$life> {
                    type Value = $name<$life>;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                        let mut object = $name::default();
                        while let Some(key) = map.next_key::<Key>()? {
                            match key {
                                $(Key::$field => object.$field = map.next_value()?,)*
                                Key::Other => _ = map.next_value::<IgnoredAny>()?,
                            }
                        }
                        Ok(object)
                    }
                }
                deserializer.deserialize_map(Fields(std::marker::PhantomData))
            }
        }
    };
}
pub(super) use object;

/// Any value, as its JSON text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Json<'a>(Option<&'a str>);

impl<'a> Json<'a> {
    /// A value found elsewhere.
    pub(super) const fn of(json: Option<&'a str>) -> Self {
        Self(json)
    }

    /// The JSON text; `None` if it is missing, null or empty text.
    pub(super) fn given(self) -> Option<&'a str> {
        self.0.filter(|json| !matches!(*json, "null" | "\"\""))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'a RawValue>::deserialize(deserializer).map(|json| Self(Some(json.get())))
    }
}

/// A nested object, or a list with elements of one type, where the provider may send anything.
#[derive(Debug, Default)]
pub(super) enum Nested<T> {
    /// Missing or null.
    #[default]
    Missing,
    /// Something else.
    Wrong,
    /// As expected.
    Given(T),
}

impl<T> Nested<T> {
    /// The value; `None` if it is missing or something else.
    pub(super) const fn get(&self) -> Option<&T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Missing | Self::Wrong => None,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Nested<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

/// Everything but the one expected shape is taken and dropped.
macro_rules! wrong_scalars {
    () => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Nested::Missing)
        }

        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Nested::Wrong)
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Nested::Wrong)
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Nested::Wrong)
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Nested::Wrong)
        }

        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok(Nested::Wrong)
        }
    };
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Nested<T>;

    wrong_scalars!();

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Self::Value, M::Error> {
        T::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Nested::Given)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Self::Value, S::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Nested::Wrong)
    }
}

/// A list whose elements are objects of one type.
#[derive(Debug, Default)]
#[allow(dead_code, reason = "for adapters of formats with lists")]
pub(super) struct List<T>(pub(super) Nested<Vec<Nested<T>>>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData)).map(Self)
    }
}

#[allow(dead_code, reason = "see List")]
struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = Nested<Vec<Nested<T>>>;

    wrong_scalars!();

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Nested::Wrong)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Self::Value, S::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(Nested::Given(elements))
    }
}
