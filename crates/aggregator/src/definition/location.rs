//! Where in a definition's text something stands, and which name was meant.

use toml::de::{DeTable, DeValue};

/// A step into a TOML document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A key of a table.
    Key(&'static str),
    /// A place in an array.
    Index(usize),
}

/// Steps from a document's root.
pub type Location = Vec<Step>;

/// A location from keys and indices: `location!["table", 2, "dimensions"]`.
macro_rules! location {
    ($($step:expr),* $(,)?) => { vec![$($crate::definition::location::Step::from($step)),*] };
}
pub(crate) use location;

impl From<&'static str> for Step {
    fn from(key: &'static str) -> Self {
        Self::Key(key)
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// The line, from 1, of the innermost of these steps that the text has.
pub(crate) fn line(text: &str, at: &[Step]) -> Option<usize> {
    let root = DeTable::parse(text).ok()?;
    let mut start = None;
    let mut table = Some(root.get_ref());
    let mut value: Option<&toml::Spanned<DeValue<'_>>> = None;
    for step in at {
        let next = match step {
            Step::Key(key) => table
                .and_then(|table| table.get_key_value(*key))
                .map(|(key, value)| (key.span().start, value)),
            Step::Index(index) => value
                .and_then(|value| value.get_ref().as_array())
                .and_then(|array| array.get(*index))
                .map(|value| (value.span().start, value)),
        };
        let Some((at, inner)) = next else { break };
        start = Some(at);
        table = inner.get_ref().as_table();
        value = Some(inner);
    }
    Some(1 + text.get(..start?)?.matches('\n').count())
}

/// A message says this of a name that is not one of these: the nearest, if one is near, and all of them.
pub(crate) fn did_you_mean<'a>(name: &str, valid: impl IntoIterator<Item = &'a str>) -> String {
    /// Below this, two names have nothing to do with each other.
    const NEAR: f64 = 0.65;
    let valid: Vec<&str> = valid.into_iter().collect();
    let likeness = |valid: &&str| strsim::jaro_winkler(name, valid);
    let nearest = valid.iter().map(|valid| (likeness(valid), valid));
    let nearest = nearest.filter(|(likeness, _)| *likeness >= NEAR);
    let nearest = nearest.max_by(|(a, _), (b, _)| a.total_cmp(b));
    match (nearest, valid.is_empty()) {
        (_, true) => "there is none".to_owned(),
        (Some((_, nearest)), _) => {
            format!("did you mean {nearest}? There are {}", valid.join(", "))
        }
        (None, _) => format!("there are {}", valid.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "name = \"a\"\n\n[[table]]\nname = \"x\"\n\n[[table]]\nname = \"y\"\ndimensions = [\n  \"sex\",\n  \"wrad\",\n]\n";

    #[test]
    fn a_place_is_a_line() {
        let line = |at: Location| line(TEXT, &at);
        assert_eq!(line(location!["name"]), Some(1));
        assert_eq!(line(location!["table", 1, "name"]), Some(7));
        assert_eq!(line(location!["table", 1, "dimensions", 1]), Some(10));
        // An entry that is not there is said to be where it would belong.
        assert_eq!(line(location!["table", 0, "dimensions"]), Some(3));
        assert_eq!(line(location![]), None);
    }

    #[test]
    fn the_nearest_name_is_meant() {
        assert!(did_you_mean("wrad", ["sex", "ward"]).starts_with("did you mean ward?"));
        assert_eq!(did_you_mean("zzz", ["sex", "ward"]), "there are sex, ward");
        assert_eq!(did_you_mean("zzz", []), "there is none");
    }
}
