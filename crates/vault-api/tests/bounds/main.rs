//! Every list and text of every message has a bound, and a message with a longer one is refused as it is read.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod archive;
mod cases;
mod ending;
mod samples;

use std::collections::{BTreeMap, BTreeSet};

use minster_vault_api::{Denial, ProposedAction, Request, Response, frame};
use serde::{
    Serialize,
    de::{self, DeserializeOwned, Visitor, value::Error},
    forward_to_deserialize_any,
};
use serde_json::Value;

/// The bounds that there are, and none between.
const BOUNDS: [usize; 10] =
    [32, 64, 128, 256, 1 << 10, 4 << 10, 10_000, 64 << 10, 1 << 20, frame::MAX_FRAME];

/// The bound of each list and text. A new one is a decision, made by changing that file.
const TABLE: &str = include_str!("table.txt");

#[test]
fn each_list_and_text_of_each_message_has_the_bound_of_the_table() {
    let mut found = Found::default();
    found.walk_all("Request", &requests());
    found.walk_all("Response", &responses());
    let table: String = found.0.iter().map(|(path, bound)| format!("{path} {bound}\n")).collect();
    assert_eq!(table, TABLE);
}

#[test]
fn every_message_has_a_sample() {
    assert_eq!(names(&requests()), variants::<Request>());
    assert_eq!(names(&responses()), variants::<Response>());
    let proposed: Vec<_> = samples::actions().into_iter().chain([cases::action()]).collect();
    assert_eq!(names(&proposed), variants::<ProposedAction>());
    assert_eq!(names(&samples::denials()), variants::<Denial>());
}

fn requests() -> Vec<Request> {
    let more = ending::requests().into_iter().chain(archive::requests()).chain(cases::requests());
    samples::requests().into_iter().chain(more).collect()
}

fn responses() -> Vec<Response> {
    let more = archive::responses().into_iter().chain(cases::responses());
    samples::responses().into_iter().chain(more).collect()
}

/// Nobody's word about a list's length makes the reader take memory for it.
#[test]
fn a_list_that_says_it_is_longer_than_it_may_be_is_refused_before_its_first_element() {
    // A `CloseRun` that announces so many files, and has none.
    let mut message = postcard::to_stdvec(&Request::CloseRun(Vec::new())).unwrap();
    assert_eq!(message.pop(), Some(0));
    message.extend(postcard::to_stdvec(&u32::MAX).unwrap());
    let mut sent = u32::try_from(message.len()).unwrap().to_le_bytes().to_vec();
    sent.extend(message);
    let read = frame::read::<Request>(&mut sent.as_slice());
    assert!(matches!(read, Err(frame::FrameError::Malformed)));
}

/// The bounds of lists and texts, by their place in a message.
#[derive(Default)]
struct Found(BTreeMap<String, String>);

impl Found {
    fn walk_all<T: Serialize + DeserializeOwned>(&mut self, what: &str, samples: &[T]) {
        for sample in samples {
            let whole = serde_json::to_value(sample).unwrap();
            assert!(T::deserialize(&whole).is_ok(), "{whole}");
            self.walk(what, &whole, &mut |value| T::deserialize(value).is_ok());
        }
    }

    /// Looks at a part of a message; `reads` says whether the message can be read with another in its place.
    fn walk(&mut self, path: &str, part: &Value, reads: &mut dyn FnMut(Value) -> bool) {
        match part {
            Value::Null => panic!("{path} has no sample"),
            Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) => {
                let long =
                    |length: usize| Value::String(text.chars().cycle().take(length).collect());
                self.bound(path, &mut |length| reads(long(length)));
            }
            Value::Array(parts) => {
                let first = parts.first().unwrap_or_else(|| panic!("{path} has no sample"));
                let long = |length: usize| Value::Array(vec![first.clone(); length]);
                let is_bytes =
                    first.is_u64() && !reads(Value::Array(vec![256.into(); parts.len()]));
                match is_bytes && reads(long((1 << 20) + 1)) {
                    true => self.tell(path, "frame".to_owned()),
                    false => self.bound(path, &mut |length| reads(long(length))),
                }
                for (place, part) in parts.iter().enumerate() {
                    // The parts of a pair differ; those of a list do not.
                    let name = match self.0[path] == "fixed" {
                        true => format!("{path}.{place}"),
                        false => format!("{path}[]"),
                    };
                    self.walk(&name, part, &mut |value| {
                        let mut parts = parts.clone();
                        parts[place] = value;
                        reads(Value::Array(parts))
                    });
                }
            }
            Value::Object(parts) => {
                for (name, part) in parts {
                    self.walk(&format!("{path}.{name}"), part, &mut |value| {
                        let mut parts = parts.clone();
                        parts[name] = value;
                        reads(Value::Object(parts))
                    });
                }
            }
        }
    }

    /// The least bound beyond which nothing is read; `fixed` where nothing is read of that length either.
    fn bound(&mut self, path: &str, reads: &mut dyn FnMut(usize) -> bool) {
        let bound = BOUNDS.into_iter().find(|bound| !reads(bound + 1));
        let bound = bound.unwrap_or_else(|| panic!("{path} has no bound"));
        let told = if reads(bound) { bound.to_string() } else { "fixed".to_owned() };
        self.tell(path, told);
    }

    fn tell(&mut self, path: &str, bound: String) {
        let before = self.0.insert(path.to_owned(), bound.clone());
        assert!(before.is_none_or(|before| before == bound), "{path}: two bounds");
    }
}

/// The names of the variants that these are.
fn names<T: Serialize>(all: &[T]) -> BTreeSet<String> {
    let name = |one: &T| match serde_json::to_value(one).unwrap() {
        Value::String(name) => name,
        Value::Object(fields) => fields.keys().next().unwrap().clone(),
        other => panic!("{other}"),
    };
    all.iter().map(name).collect()
}

/// The names of the variants that there are.
fn variants<T: DeserializeOwned>() -> BTreeSet<String> {
    let mut told = BTreeSet::new();
    assert!(T::deserialize(Variants(&mut told)).is_err());
    told
}

/// Asked for an enumeration, takes note of the names that its reader knows.
struct Variants<'a>(&'a mut BTreeSet<String>);

impl<'de> de::Deserializer<'de> for Variants<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(de::Error::custom("no enumeration"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        self.0.extend(variants.iter().map(|name| (*name).to_owned()));
        Err(de::Error::custom("the names are told"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
