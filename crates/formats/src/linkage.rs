//! How well the records behind a release were linked, as its files say it.

use serde_json::{Value as Json, json};

use crate::content::heading;

/// Words, and a rate a source. Its maker answers for it that no small number follows from the rates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linkage {
    /// Sentences: what the rates are of, and their rule, or that they are not known.
    pub sentences: Vec<String>,
    /// The sources; none where no rate is known.
    pub sources: Vec<LinkedSource>,
}

/// One source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedSource {
    /// Its name.
    pub name: String,
    /// How many of 100 of its rows were linked.
    pub rate: LinkageRate,
}

/// How many of 100 rows were linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkageRate {
    /// To the nearest whole number.
    About(u8),
    /// More than so many.
    Over(u8),
    /// Fewer than so many.
    Below(u8),
    /// The source has too few rows.
    NotSaid,
}

impl LinkageRate {
    /// For people.
    pub(crate) fn text(self) -> String {
        match self {
            Self::About(rate) => rate.to_string(),
            Self::Over(rate) => format!("over {rate}"),
            Self::Below(rate) => format!("below {rate}"),
            Self::NotSaid => "not said: too few rows".to_owned(),
        }
    }
}

impl Linkage {
    /// All of it, in sentences.
    pub(crate) fn in_words(&self) -> Vec<String> {
        let of_source = |LinkedSource { name, rate }: &LinkedSource| match rate {
            LinkageRate::NotSaid => {
                format!(
                    "Linkage, {}: not said, because the source has too few rows.",
                    heading(name)
                )
            }
            rate => format!(
                "Linkage, {}: of 100 rows, {} were linked to a pupil.",
                heading(name),
                rate.text()
            ),
        };
        self.sentences.iter().cloned().chain(self.sources.iter().map(of_source)).collect()
    }

    /// For programs: the words, and of each source the number that is said of it, if one is.
    pub(crate) fn json(&self) -> Json {
        let source = |LinkedSource { name, rate }: &LinkedSource| {
            let mut source = json!({ "source": name });
            match rate {
                LinkageRate::About(rate) => source["percent"] = json!(rate),
                LinkageRate::Over(rate) => source["percent_over"] = json!(rate),
                LinkageRate::Below(rate) => source["percent_below"] = json!(rate),
                LinkageRate::NotSaid => {}
            }
            source
        };
        json!({
            "description": self.in_words().join(" "),
            "sources": self.sources.iter().map(source).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use std::io::Cursor;

    use calamine::{Reader, Xlsx};

    use super::*;
    use crate::{Formats, Release, files};

    fn release(linkage: Option<Linkage>) -> Release {
        Release {
            name: "r".into(),
            title: "R".into(),
            period: "2024-25".into(),
            publisher: None,
            contact: None,
            audience: "It is for everybody.".into(),
            counted: "pupils".into(),
            not_counted: Vec::new(),
            protection: Vec::new(),
            linkage,
            rounded: None,
            tables: Vec::new(),
            dfe: None,
        }
    }

    #[test]
    fn each_rate_is_said_on_the_page_in_the_notes_and_in_the_package() {
        let source = |name: &str, rate| LinkedSource { name: name.into(), rate };
        let linkage = Linkage {
            sentences: vec!["How it is counted.".into()],
            sources: vec![
                source("school_census", LinkageRate::Over(99)),
                source("cin", LinkageRate::About(97)),
                source("police", LinkageRate::Below(1)),
                source("yot", LinkageRate::NotSaid),
            ],
        };
        let written = files(&release(Some(linkage)), Formats::default(), &[]).unwrap();
        let package: Json = serde_json::from_slice(&written[0].1).unwrap();
        assert_eq!(
            package["linkage"]["sources"],
            json!([
                { "source": "school_census", "percent_over": 99 },
                { "source": "cin", "percent": 97 },
                { "source": "police", "percent_below": 1 },
                { "source": "yot" },
            ])
        );
        let mut workbook = Xlsx::new(Cursor::new(written[1].1.clone())).unwrap();
        let notes = workbook.worksheet_range("Notes").unwrap();
        let notes: Vec<String> = notes.rows().map(|row| row[1].to_string()).collect();
        assert!(notes.contains(&"How it is counted.".to_owned()), "{notes:?}");
        assert!(notes.contains(
            &"Linkage, School census: of 100 rows, over 99 were linked to a pupil.".to_owned()
        ));
        let page = String::from_utf8(written[2].1.clone()).unwrap();
        for (name, rate) in [("School census", "over 99"), ("Cin", "97"), ("Police", "below 1")] {
            let row = format!("{name}</th><td class=\"number\">{rate}</td>");
            assert!(page.contains(&row), "{page}");
        }
        assert!(page.contains("not said: too few rows"));
    }

    #[test]
    fn a_release_of_before_says_nothing() {
        for (name, bytes) in files(&release(None), Formats::default(), &[]).unwrap() {
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("inkage") && !text.contains("were linked"), "{name}");
        }
    }
}
