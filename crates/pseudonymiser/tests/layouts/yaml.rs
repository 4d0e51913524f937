//! A schema in YAML, and how a later year's differs from the one before. Texts stay as they are written: `01` is a code, and
//! `no` is one. An operation may stand twice under one name; both count.

use std::{collections::HashMap, fs, path::Path};

use saphyr_parser::{Event, Parser, StrInput};

/// A value of a YAML file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Yaml {
    Text(String),
    List(Vec<Yaml>),
    /// In the order of the file.
    Map(Vec<(String, Yaml)>),
}

impl Yaml {
    pub(crate) fn read(path: &Path) -> Self {
        Self::parse(&fs::read_to_string(path).unwrap())
    }

    fn parse(text: &str) -> Self {
        let mut parser = Parser::new_from_str(text);
        let mut anchors = HashMap::new();
        loop {
            match next(&mut parser) {
                Event::StreamStart | Event::DocumentStart(_) => {}
                event => return value(event, &mut parser, &mut anchors),
            }
        }
    }

    /// The entries of a map; an empty text is an empty map.
    pub(crate) fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Map(entries) => entries,
            Self::Text(text) if text.is_empty() => &[],
            other => panic!("not a map: {other:?}"),
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// A list, or the one value that stands for one.
    pub(crate) fn list(&self) -> &[Self] {
        match self {
            Self::List(values) => values,
            one => std::slice::from_ref(one),
        }
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            other => panic!("not a text: {other:?}"),
        }
    }

    /// The codes of a column that is a `category`.
    pub(crate) fn codes(&self) -> impl Iterator<Item = &str> {
        let codes = self.get("category").map_or(&[][..], Self::list);
        codes.iter().map(|code| code.get("code").unwrap().text())
    }

    fn entries_mut(&mut self) -> &mut Vec<(String, Self)> {
        if matches!(self, Self::Text(text) if text.is_empty()) {
            *self = Self::Map(Vec::new());
        }
        match self {
            Self::Map(entries) => entries,
            other => panic!("not a map: {other:?}"),
        }
    }

    /// The value under a key, an empty map where there is none.
    pub(crate) fn below(&mut self, key: &str) -> &mut Self {
        let entries = self.entries_mut();
        let place = entries.iter().position(|(name, _)| name == key).unwrap_or_else(|| {
            entries.push((key.to_owned(), Self::Map(Vec::new())));
            entries.len() - 1
        });
        &mut entries[place].1
    }

    /// Makes a year's schema that of the next: `differences` has operations by the place that each is about,
    /// `column_map.table.column`.
    pub(crate) fn apply(&mut self, differences: &Self) {
        for (place, operation) in differences.entries() {
            let (above, last) = place.rsplit_once('.').unwrap_or(("", place));
            let steps = above.split('.').filter(|step| !step.is_empty());
            let at = steps.fold(&mut *self, |at, step| at.below(step));
            let value = operation.get("value").unwrap();
            match operation.get("type").unwrap().text() {
                "add" | "modify" | "replace" => {
                    *at.below(last) = value.clone();
                }
                "remove" => {
                    at.below(last).entries_mut().retain(|(name, _)| {
                        !value.list().iter().any(|removed| removed.text() == name)
                    });
                }
                "rename" => {
                    for (name, _) in at.entries_mut().iter_mut().filter(|(name, _)| name == last) {
                        value.text().clone_into(name);
                    }
                }
                other => panic!("{place}: {other} is no operation"),
            }
        }
    }
}

fn next<'a>(parser: &mut Parser<'a, StrInput<'a>>) -> Event<'a> {
    parser.next().unwrap().unwrap().0
}

fn value<'a>(
    event: Event<'a>,
    parser: &mut Parser<'a, StrInput<'a>>,
    anchors: &mut HashMap<usize, Yaml>,
) -> Yaml {
    let (value, anchor) = match event {
        Event::Alias(anchor) => return anchors[&anchor].clone(),
        Event::Scalar(text, _, anchor, _) => (Yaml::Text(text.into_owned()), anchor),
        Event::SequenceStart(anchor, _) => {
            let mut values = Vec::new();
            loop {
                match next(parser) {
                    Event::SequenceEnd => break,
                    event => values.push(value(event, parser, anchors)),
                }
            }
            (Yaml::List(values), anchor)
        }
        Event::MappingStart(anchor, _) => {
            let mut entries = Vec::new();
            loop {
                let key = match next(parser) {
                    Event::MappingEnd => break,
                    event => value(event, parser, anchors),
                };
                let event = next(parser);
                entries.push((key.text().to_owned(), value(event, parser, anchors)));
            }
            (Yaml::Map(entries), anchor)
        }
        other => panic!("{other:?} is no value"),
    };
    // An anchor is told by its number; 0 is none.
    if anchor > 0 {
        anchors.insert(anchor, value.clone());
    }
    value
}

#[test]
fn differences_are_applied_in_their_order() {
    let mut schema = Yaml::parse(
        "map:\n  t: &all\n    a: &x {code: 01}\n    b: *x\n    c: no\n  u: *all\n  v:\n",
    );
    schema.apply(&Yaml::parse(
        "map.t.a: {type: rename, value: d}\n\
         map.t.d.code: {type: modify, value: 02}\n\
         map: {type: remove, value: [u]}\n\
         map.t: {type: remove, value: [b]}\n\
         map.v.e: {type: add, value: new}\n\
         map.t: {type: remove, value: [not there]}\n",
    ));
    let expected = "map:\n  t: {d: {code: 02}, c: no}\n  v: {e: new}\n";
    assert_eq!(schema, Yaml::parse(expected));
}
