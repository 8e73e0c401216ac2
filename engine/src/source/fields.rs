//! Which fields a serde type asks for by name, found without a value of it.
//!
//! A row whose columns are exactly these, in this order, can be decoded by position: no column's name is compared again for each row.

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, Visitor, value::Error},
    forward_to_deserialize_any,
};

/// The names that `T` hands to [`Deserializer::deserialize_struct`], if it decodes itself as a struct.
pub(super) fn fields_of<'de, T: Deserialize<'de>>() -> Option<&'static [&'static str]> {
    let mut fields = None;
    // An error always comes, since there is nothing to decode.
    let _ = T::deserialize(Listen { fields: &mut fields });
    fields
}

/// Listens to what is asked for, and has nothing to give.
struct Listen<'a> {
    fields: &'a mut Option<&'static [&'static str]>,
}

impl<'de> Deserializer<'de> for Listen<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("there is nothing to decode"))
    }

    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        *self.fields = Some(fields);
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple tuple_struct
        map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Row<'a> {
        time: i64,
        #[serde(rename = "from")]
        origin: &'a str,
        #[serde(skip)]
        cached: u32,
    }

    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Wrapped<'a>(#[serde(borrow)] Row<'a>);

    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Flat<'a> {
        #[serde(flatten, borrow)]
        row: Row<'a>,
    }

    #[test]
    fn structs_name_their_fields_and_others_do_not() {
        assert_eq!(fields_of::<Row<'_>>(), Some(&["time", "from"][..]));
        assert_eq!(fields_of::<Wrapped<'_>>(), Some(&["time", "from"][..]));
        assert_eq!(fields_of::<Flat<'_>>(), None);
        assert_eq!(fields_of::<(i64, &str)>(), None);
        assert_eq!(fields_of::<u64>(), None);
    }
}
