//! Values that arrive as JSON at one door and as query text (`?limit=50&status=todo,done`) at another.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, DeserializeOwned, IntoDeserializer, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A number given as a number or as digits.
pub fn number<'de, D, T>(d: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr + DeserializeOwned,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either<T> {
        Number(T),
        Text(String),
    }
    match Option::<Either<T>>::deserialize(d).map_err(|_| de::Error::custom("expected a number"))? {
        None => Ok(None),
        Some(Either::Number(n)) => Ok(Some(n)),
        Some(Either::Text(s)) if s.is_empty() => Ok(None),
        Some(Either::Text(s)) => {
            s.parse().map(Some).map_err(|_| de::Error::custom(format_args!("expected a number, found {s:?}")))
        }
    }
}

/// A truth value given as `true`, `1`, `false` or `0`, with or without quotes.
pub fn flag<'de, D: Deserializer<'de>>(d: D) -> Result<bool, D::Error> {
    struct Flag;
    impl Visitor<'_> for Flag {
        type Value = bool;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("true or false")
        }
        fn visit_bool<E>(self, v: bool) -> Result<bool, E> {
            Ok(v)
        }
        fn visit_u64<E: de::Error>(self, v: u64) -> Result<bool, E> {
            match v {
                0 => Ok(false),
                1 => Ok(true),
                _ => Err(E::custom("expected true or false")),
            }
        }
        fn visit_str<E: de::Error>(self, v: &str) -> Result<bool, E> {
            match v {
                "true" | "1" => Ok(true),
                "false" | "0" | "" => Ok(false),
                _ => Err(E::custom(format_args!("expected true or false, found {v:?}"))),
            }
        }
    }
    d.deserialize_any(Flag)
}

/// A truth value as [`flag`] reads it, where not to give one means something else than `false`.
pub fn optional_flag<'de, D: Deserializer<'de>>(d: D) -> Result<Option<bool>, D::Error> {
    flag(d).map(Some)
}

/// A list given as a JSON array or as values with commas between them.
pub fn list<'de, D, T>(d: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    struct List<T>(std::marker::PhantomData<T>);
    impl<'de, T: DeserializeOwned> Visitor<'de> for List<T> {
        type Value = Vec<T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list, or values with commas between them")
        }
        fn visit_unit<E>(self) -> Result<Vec<T>, E> {
            Ok(Vec::new())
        }
        fn visit_str<E: de::Error>(self, v: &str) -> Result<Vec<T>, E> {
            v.split(',')
                .map(str::trim)
                .filter(|s| !s.is_empty())
                .map(|s| T::deserialize(s.into_deserializer()))
                .collect()
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            let mut out = Vec::new();
            while let Some(v) = seq.next_element()? {
                out.push(v);
            }
            Ok(out)
        }
    }
    d.deserialize_any(List(std::marker::PhantomData))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[derive(serde::Deserialize, Debug, PartialEq)]
    struct Q {
        #[serde(default, deserialize_with = "super::number")]
        limit: Option<u32>,
        #[serde(default, deserialize_with = "super::flag")]
        live: bool,
        #[serde(default, deserialize_with = "super::list")]
        status: Vec<String>,
    }

    #[test]
    fn query_text_and_json_mean_the_same() {
        let a: Q =
            serde_json::from_value(json!({"limit": "50", "live": "1", "status": "todo, done"})).unwrap();
        let b: Q =
            serde_json::from_value(json!({"limit": 50, "live": true, "status": ["todo", "done"]})).unwrap();
        assert_eq!(a, b);
        assert!(serde_json::from_value::<Q>(json!({"limit": "many"})).is_err());
        assert!(serde_json::from_value::<Q>(json!({"live": "maybe"})).is_err());
    }
}
