//! A document that uses every element of a schema, and every code.

use std::{collections::BTreeMap, fmt::Write as _};

use minster_identifiers::check_letter;

use crate::xsd::{Content, Element, Text};

/// A made-up document.
pub(crate) struct Document {
    pub(crate) text: String,
    /// How often each element stands in it, by the path from the root.
    pub(crate) counts: BTreeMap<String, u64>,
}

/// Writes a document: every element stands, optional ones too, one that may repeat twice, and `unit` so often that each
/// code of every list below it stands.
pub(crate) fn document(root: &Element, unit: &str) -> Document {
    let mut document = Document { text: String::new(), counts: BTreeMap::new() };
    document.put(root, "", unit, root.most_codes());
    document
}

impl Document {
    fn put(&mut self, element: &Element, above: &str, unit: &str, units: usize) {
        let name = &element.name;
        let path = format!("{above}/{name}");
        let times = match element.repeats {
            true if path == unit => units,
            true => 2,
            false => 1,
        };
        for _ in 0..times {
            let count = self.counts.entry(path.clone()).or_default();
            let before = *count as usize;
            *count += 1;
            match &element.content {
                Content::Elements(elements) => {
                    let _ = writeln!(self.text, "<{name}>");
                    for element in elements {
                        self.put(element, &path, unit, units);
                    }
                    let _ = writeln!(self.text, "</{name}>");
                }
                Content::Text(text) => {
                    let value = value(name, text, before);
                    let _ = writeln!(self.text, "<{name}>{value}</{name}>");
                }
            }
        }
    }
}

/// A text that an element may hold where it has stood `before` times. Codes take turns, and all others differ.
fn value(name: &str, text: &Text, before: usize) -> String {
    if !text.codes.is_empty() {
        return text.codes[before % text.codes.len()].clone();
    }
    if let Some(pattern) = &text.pattern {
        return match pattern.as_str() {
            r"[A-Za-z]\d{11}(\d|[A-Za-z])" | r"([A-Za-z]\d{12}|[A-Za-z]\d{11}[A-Za-z])" => {
                upn(name, before)
            }
            r"\d{3}" | r"\d{3}\d*" => format!("{before:03}"),
            r"^\d{1,6}$" => format!("{}", 100_000 + before),
            r"^\d{8}$" | r"^[1-9][0-9]{7}$" => format!("{}", 10_000_000 + before),
            r"\d{10}" => format!("{}", 1_000_000_000 + before),
            other => panic!("{name}: say here what fits {other}"),
        };
    }
    let day = jiff::civil::date(2015, 1, 1) + jiff::Span::new().days(before as i64);
    match (text.base.as_str(), name) {
        ("xs:string", "PostCode") => format!("AB{} {}CD", before / 10 + 1, before % 10),
        ("xs:string", _) => format!("Made{}", letters(before)),
        ("xs:date", _) => day.to_string(),
        ("xs:dateTime", _) => format!("{day}T12:00:00"),
        ("xs:gYear", _) => day.year().to_string(),
        ("xs:integer", _) => before.to_string(),
        (other, _) => panic!("{name}: say here what a text of {other} is"),
    }
}

/// A pupil number whose check letter is right; every fifth one is a temporary one.
fn upn(name: &str, before: usize) -> String {
    let serial = match before % 5 {
        4 => format!("{:02}A", before / 5),
        _ => format!("{before:03}"),
    };
    let body = format!("330{:04}24{serial}", 2000 + name.len());
    let letter = check_letter(body.as_bytes().try_into().unwrap()).unwrap();
    format!("{letter}{body}")
}

/// A number in letters, a = 0.
fn letters(number: usize) -> String {
    let letter = char::from(b'a' + (number % 26) as u8);
    match number / 26 {
        0 => letter.to_string(),
        rest => letters(rest) + &letter.to_string(),
    }
}
