//! A JSON number as it is: integers stay exact, floats stay floats.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

/// A number of the API: an integer or a float, in the form it was given or received.
///
/// Integers keep all their digits from -2⁶³ up to 2⁶⁴-1, where an `f64` would round beyond 2⁵³. A larger one in an
/// answer becomes a float. NaN and infinities can't be sent: a request with one is refused with an error that names
/// the field. An answer may have the number as text, `"0.0200"`.
///
/// ```
/// use paid::Number;
///
/// assert_eq!(serde_json::to_string(&Number::from(9_007_199_254_740_993_i64)).unwrap(), "9007199254740993");
/// assert_eq!(Number::from(12), Number::from(12.0));
/// assert_eq!(Number::from(0.5).as_f64(), 0.5);
/// assert!(serde_json::to_string(&Number::from(f64::NAN)).is_err());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Number(Form);

#[derive(Clone, Copy, Debug)]
enum Form {
    Signed(i64),
    Unsigned(u64),
    Float(f64),
}

impl Number {
    /// The number as a float, rounded if it has more than 53 bits.
    pub fn as_f64(self) -> f64 {
        match self.0 {
            Form::Signed(value) => value as f64,
            Form::Unsigned(value) => value as f64,
            Form::Float(value) => value,
        }
    }

    /// The number as an integer, if it is one and fits.
    pub fn as_i64(self) -> Option<i64> {
        match self.0 {
            Form::Signed(value) => Some(value),
            Form::Unsigned(value) => i64::try_from(value).ok(),
            // The bounds are exact: -2⁶³ is in, 2⁶³ is out.
            Form::Float(value)
                if value.fract() == 0.0 && value >= i64::MIN as f64 && value < i64::MAX as f64 =>
            {
                Some(value as i64)
            }
            Form::Float(_) => None,
        }
    }

    /// Whether the number is neither NaN nor infinite.
    pub fn is_finite(self) -> bool {
        self.as_f64().is_finite()
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (Form::Signed(a), Form::Signed(b)) => a == b,
            (Form::Unsigned(a), Form::Unsigned(b)) => a == b,
            (Form::Signed(a), Form::Unsigned(b)) | (Form::Unsigned(b), Form::Signed(a)) => {
                u64::try_from(a) == Ok(b)
            }
            _ => self.as_f64() == other.as_f64(),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Form::Signed(value) => value.fmt(f),
            Form::Unsigned(value) => value.fmt(f),
            Form::Float(value) => value.fmt(f),
        }
    }
}

macro_rules! from {
    ($($ty:ty => $form:ident as $wide:ty),*) => {
        $(impl From<$ty> for Number {
            fn from(value: $ty) -> Self {
                Number(Form::$form(<$wide>::from(value)))
            }
        })*
    };
}

from!(i8 => Signed as i64, i16 => Signed as i64, i32 => Signed as i64, i64 => Signed as i64);
from!(u8 => Unsigned as u64, u16 => Unsigned as u64, u32 => Unsigned as u64, u64 => Unsigned as u64);
from!(f32 => Float as f64, f64 => Float as f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Form::Signed(value) => serializer.serialize_i64(value),
            Form::Unsigned(value) => serializer.serialize_u64(value),
            Form::Float(value) if value.is_finite() => serializer.serialize_f64(value),
            Form::Float(value) => Err(ser::Error::custom(format_args!(
                "{value} is not a number JSON can hold: give a finite number"
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl de::Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Number, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Number, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Number, E> {
        Ok(value.into())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
        // JSON's own grammar: no `inf`, no `0x`, no `1_000`.
        let number: serde_json::Number =
            text.trim().parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))?;
        Number::deserialize(number).map_err(E::custom)
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Number {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Number".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "number"})
    }
}
