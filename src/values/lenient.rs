//! Values of answers in the forms that servers write them in, beside the one that the spec says.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{NaiveDate, NaiveTime};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::{DateTime, Nullable, Number};

/// Reads a field of a type that has more forms than one.
pub(crate) fn lenient<'de, T: Lenient, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::read(deserializer)
}

/// A type with more forms than one, or a type around such a type.
pub(crate) trait Lenient: Sized {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// `Lenient` as `Deserialize`, for types around it.
struct Read<T>(T);

impl<'de, T: Lenient> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Read)
    }
}

impl<T: Lenient> Lenient for Option<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<Read<T>>::deserialize(deserializer)?.map(|read| read.0))
    }
}

impl<T: Lenient> Lenient for Nullable<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::read(deserializer)?.map_or(Nullable::Null, Nullable::Value))
    }
}

impl<T: Lenient> Lenient for Box<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Box::new)
    }
}

impl<T: Lenient> Lenient for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = Vec::<Read<T>>::deserialize(deserializer)?;
        Ok(items.into_iter().map(|read| read.0).collect())
    }
}

impl<T: Lenient> Lenient for BTreeMap<String, T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = BTreeMap::<String, Read<T>>::deserialize(deserializer)?;
        Ok(entries.into_iter().map(|(key, read)| (key, read.0)).collect())
    }
}

/// A whole number, also as `60.0`, or its digits as text.
impl Lenient for i64 {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole;

        impl Visitor<'_> for Whole {
            type Value = i64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<i64, E> {
                Ok(value)
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<i64, E> {
                i64::try_from(value).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(value), &self))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<i64, E> {
                Number::from(value)
                    .as_i64()
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Float(value), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<i64, E> {
                text.trim().parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(Whole)
    }
}

/// A point in time; without a zone in UTC, a date as its midnight.
impl Lenient for DateTime {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Time;

        impl Visitor<'_> for Time {
            type Value = DateTime;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a point in time, such as 2025-01-31T12:00:00Z")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<DateTime, E> {
                instant(text.trim()).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(Time)
    }
}

fn instant(text: &str) -> Option<DateTime> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time);
    }
    let (date, rest) = text.split_at_checked("2025-01-31".len())?;
    let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
    if rest.is_empty() {
        return Some(date.and_time(NaiveTime::MIN).and_utc().fixed_offset());
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let zone_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (time, zone) = rest.split_at_checked(zone_at)?;
    let time = time.trim_end();
    let time = match time.split_once('.') {
        // chrono has nanoseconds, and other languages have finer clocks.
        Some((whole, fraction)) => format!("{whole}.{}", fraction.get(..9).unwrap_or(fraction)),
        None if time.len() == "12:00".len() => format!("{time}:00"),
        None => time.to_string(),
    };
    let zone = match zone.len() {
        0 => "Z".to_string(),
        3 => format!("{zone}:00"),
        5 => format!("{}:{}", zone.get(..3)?, zone.get(3..)?),
        _ => zone.to_string(),
    };
    DateTime::parse_from_rfc3339(&format!("{date}T{time}{zone}")).ok()
}

/// A deserializer of structs that takes objects alone. Without it, a list would be taken for the fields in their
/// order, and `[]` for a struct whose fields may all be missing.
pub(crate) struct ObjectOnly<D>(pub D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for ObjectOnly<D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        // Binary formats write structs as lists.
        match self.0.is_human_readable() {
            true => self.0.deserialize_struct(name, fields, ObjectVisitor(visitor)),
            false => self.0.deserialize_struct(name, fields, visitor),
        }
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct ObjectVisitor<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for ObjectVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(map)
    }
}

#[cfg(test)]
mod tests {
    use super::instant;

    #[test]
    fn instants_are_read_in_all_their_forms() {
        for (text, same) in [
            ("2025-01-31T12:30:00Z", "2025-01-31T12:30:00+00:00"),
            ("2025-01-31t12:30:00z", "2025-01-31T12:30:00+00:00"),
            ("2025-01-31T12:30:00", "2025-01-31T12:30:00+00:00"),
            ("2025-01-31 12:30:00", "2025-01-31T12:30:00+00:00"),
            ("2025-01-31 12:30", "2025-01-31T12:30:00+00:00"),
            ("2025-01-31 12:30:00+05:30", "2025-01-31T12:30:00+05:30"),
            ("2025-01-31 12:30:00 +0530", "2025-01-31T12:30:00+05:30"),
            ("2025-01-31T12:30:00-08", "2025-01-31T12:30:00-08:00"),
            ("2025-01-31T12:30:00.1234567891Z", "2025-01-31T12:30:00.123456789+00:00"),
            ("2025-01-31 12:30:00.1234567891", "2025-01-31T12:30:00.123456789+00:00"),
            ("2025-01-31T12:30:00.5", "2025-01-31T12:30:00.500+00:00"),
            ("2025-01-31", "2025-01-31T00:00:00+00:00"),
        ] {
            assert_eq!(instant(text).map(|time| time.to_rfc3339()).as_deref(), Some(same), "{text}");
        }
        for text in [
            "",
            "soon",
            "2025-02-30",
            "2025-01-31T",
            "2025-01-31T25:00:00Z",
            "2025-01-31Tnoon",
            "ü2025-01-3",
            "12:30",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
