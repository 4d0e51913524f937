//! The longest lists and texts that a message may hold. A longer one is refused while the message is read, before it is kept:
//! so no caller costs the other side more memory, or more of the log, than these say. Byte strings are bounded by their frame
//! ([`crate::frame::MAX_FRAME`]), and names by their own form.
//!
//! The test `bounds` walks every message and compares each of its lists and texts with a table.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

/// A hash, a day, a time, a short name.
pub(crate) const SHORT: usize = 64;
/// A person's name, a reference, a program, a public key.
pub(crate) const WORD: usize = 256;
/// The name of a file.
pub(crate) const NAME: usize = 1 << 10;
/// A reason, a sealed key, a share.
pub(crate) const LINE: usize = 4 << 10;
/// The text of a fault.
pub(crate) const FAULT: usize = 64 << 10;
/// A definition or a schedule.
pub(crate) const PAGE: usize = 1 << 20;
/// A note or a proposal: as much as a frame holds.
pub(crate) const WHOLE: usize = crate::frame::MAX_FRAME;

/// Kinds, custodians, dates of one person; bytes of a signature.
pub(crate) const FEW: usize = 256;
/// Files of a delivery; what one page holds.
pub(crate) const SOME: usize = 4 << 10;
/// Manifests and datasets of a purpose. An entry of the log that names so many fits one page of the log.
pub(crate) const DATASETS: usize = 10_000;
/// Figures of a report.
pub(crate) const MANY: usize = 64 << 10;
/// Identifiers of a batch; rows of one file, eight in a byte.
pub(crate) const BATCH: usize = 1 << 20;

/// A text of at most so many bytes.
pub(crate) fn text<'de, D: Deserializer<'de>, const MOST: usize>(
    from: D,
) -> Result<String, D::Error> {
    Text::<MOST>::deserialize(from).map(|Text(text)| text)
}

/// The same, or nothing.
pub(crate) fn some_text<'de, D: Deserializer<'de>, const MOST: usize>(
    from: D,
) -> Result<Option<String>, D::Error> {
    Ok(Option::<Text<MOST>>::deserialize(from)?.map(|Text(text)| text))
}

/// A list of at most so many.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>, const MOST: usize>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    List::<T, MOST>::deserialize(from).map(|List(list)| list)
}

/// The same, or nothing.
pub(crate) fn some_list<'de, D: Deserializer<'de>, T: Deserialize<'de>, const MOST: usize>(
    from: D,
) -> Result<Option<Vec<T>>, D::Error> {
    Ok(Option::<List<T, MOST>>::deserialize(from)?.map(|List(list)| list))
}

/// A list of at most so many texts, each of at most so many bytes.
pub(crate) fn texts<'de, D: Deserializer<'de>, const MOST: usize, const LONGEST: usize>(
    from: D,
) -> Result<Vec<String>, D::Error> {
    let List(list) = List::<Text<LONGEST>, MOST>::deserialize(from)?;
    Ok(list.into_iter().map(|Text(text)| text).collect())
}

/// A list of at most so many pairs of texts, each of at most so many bytes.
pub(crate) fn pairs<'de, D: Deserializer<'de>, const MOST: usize, const LONGEST: usize>(
    from: D,
) -> Result<Vec<(String, String)>, D::Error> {
    let List(list) = List::<(Text<LONGEST>, Text<LONGEST>), MOST>::deserialize(from)?;
    Ok(list.into_iter().map(|(Text(one), Text(other))| (one, other)).collect())
}

/// A text within its bound.
struct Text<const MOST: usize>(String);

impl<'de, const MOST: usize> Deserialize<'de> for Text<MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bounded<const MOST: usize>;

        impl<const MOST: usize> Bounded<MOST> {
            fn fits<E: Error>(text: &str) -> Result<(), E> {
                match text.len() <= MOST {
                    true => Ok(()),
                    // The text is not repeated.
                    false => Err(E::invalid_length(text.len(), &Self)),
                }
            }
        }

        impl<const MOST: usize> Visitor<'_> for Bounded<MOST> {
            type Value = Text<MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a text of at most {MOST} bytes")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<MOST>, E> {
                Self::fits(text)?;
                Ok(Text(text.to_owned()))
            }

            fn visit_string<E: Error>(self, text: String) -> Result<Text<MOST>, E> {
                Self::fits(&text)?;
                Ok(Text(text))
            }
        }

        from.deserialize_string(Bounded::<MOST>)
    }
}

/// A list within its bound.
struct List<T, const MOST: usize>(Vec<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for List<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bounded<T, const MOST: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Bounded<T, MOST> {
            type Value = List<T, MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {MOST}")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<List<T, MOST>, A::Error> {
                let told = from.size_hint().unwrap_or_default();
                if told > MOST {
                    return Err(A::Error::invalid_length(told, &self));
                }
                // Room is made as they come: how many are told is not believed.
                let room = (64 << 10) / size_of::<T>().max(1);
                let mut list = Vec::with_capacity(told.min(room));
                while let Some(one) = from.next_element()? {
                    if list.len() == MOST {
                        return Err(A::Error::invalid_length(MOST + 1, &self));
                    }
                    list.push(one);
                }
                Ok(List(list))
            }
        }

        from.deserialize_seq(Bounded(PhantomData))
    }
}
