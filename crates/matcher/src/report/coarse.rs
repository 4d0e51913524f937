//! The linkage report as it may be printed: a night's output goes into a journal, and is mailed. Its counts are to the nearest 5,
//! and rates are of these. Places of rows, and counts of the pairs of scored matching, stay in the report itself.

use std::collections::BTreeMap;

use minster_model::coarse;

use super::{
    Agreement, Appraisal, Compared, Grouped, Impossible, ImpossibleFacts, KeyTest, Kind,
    LinkageReport, Linked, Reviewed, Share, SourceFlow, TableFlow, TableLinkage, Ways,
};
use crate::{
    ScoredSource,
    clerical::{ClericalReport, ReviewAgreement},
    exact_only::ExactOnlyCounts,
    review::{ReviewEntry, ReviewRows},
    scored_linking::AtThreshold,
};

/// Says of counts that they are coarse.
pub const COARSE: &str = "counts to the nearest 5, and 5 where there are fewer";

impl LinkageReport {
    /// The same with coarse counts.
    pub fn coarse(&self) -> Self {
        Self {
            format: self.format,
            children: coarse(self.children),
            on_spine: coarse(self.on_spine),
            ids: all(&self.ids),
            tables: self.tables.iter().map(TableLinkage::coarse).collect(),
            review: self.review.iter().map(ReviewEntry::coarse).collect(),
            scored: self.scored.iter().map(ScoredSource::coarse).collect(),
            clerical: self.clerical.as_ref().map(ClericalReport::coarse),
            exact_only: self.exact_only.as_ref().map(ExactOnlyCounts::coarse),
            notes: self.notes.clone(),
        }
    }
}

/// All counts of a list.
fn all<K: Clone + Ord>(counts: &BTreeMap<K, u64>) -> BTreeMap<K, u64> {
    counts.iter().map(|(name, count)| (name.clone(), coarse(*count))).collect()
}

impl TableLinkage {
    fn coarse(&self) -> Self {
        let deliveries = self.deliveries.iter().map(|(period, of)| (period.clone(), of.coarse()));
        Self {
            source: self.source.clone(),
            table: self.table.clone(),
            of_persons: self.of_persons,
            counts: self.counts.coarse(),
            deliveries: deliveries.collect(),
        }
    }
}

impl Linked {
    fn coarse(&self) -> Self {
        Self {
            rows: coarse(self.rows),
            linked: all(&self.linked),
            unlinked: all(&self.unlinked),
            superseded: coarse(self.superseded),
        }
    }
}

impl ReviewEntry {
    fn coarse(&self) -> Self {
        let rows = |of: &ReviewRows| ReviewRows { rows: coarse(of.rows), ..of.clone() };
        Self {
            code: self.code,
            count: coarse(self.count),
            sources: all(&self.sources),
            rows: self.rows.iter().map(rows).collect(),
            first: Vec::new(),
        }
    }
}

impl ScoredSource {
    pub(super) fn coarse(&self) -> Self {
        let at = |of: &AtThreshold| AtThreshold { links: coarse(of.links), ..*of };
        Self {
            source: self.source.clone(),
            threshold: self.threshold,
            persons: coarse(self.persons),
            left: coarse(self.left),
            in_doubt: coarse(self.in_doubt),
            linked: coarse(self.linked),
            pupils_in_doubt: coarse(self.pupils_in_doubt),
            contradicted: coarse(self.contradicted),
            reviewed: coarse(self.reviewed),
            estimated_precision: self.estimated_precision,
            same_as_before: coarse(self.same_as_before),
            other_than_before: coarse(self.other_than_before),
            with_too_many_values: coarse(self.with_too_many_values),
            by_threshold: self.by_threshold.iter().map(at).collect(),
            // The estimated shares; pairs and blocks are counted beside them.
            details: ["estimated_recall", "estimated_recall_least"]
                .into_iter()
                .map(|name| (name.to_owned(), self.details[name].clone()))
                .collect(),
        }
    }
}

impl ClericalReport {
    fn coarse(&self) -> Self {
        let agreement = |of: &ReviewAgreement| ReviewAgreement {
            pairs: coarse(of.pairs),
            agreed: coarse(of.agreed),
            ..of.clone()
        };
        Self {
            pairs: coarse(self.pairs),
            waiting: coarse(self.waiting),
            decided: all(&self.decided),
            agreements: self.agreements.iter().map(agreement).collect(),
            linked: coarse(self.linked),
            kept_apart: coarse(self.kept_apart),
            refused: all(&self.refused),
        }
    }
}

impl ExactOnlyCounts {
    pub(crate) fn coarse(&self) -> Self {
        Self {
            numbers: coarse(self.numbers),
            listed: coarse(self.listed),
            listed_in_rows: coarse(self.listed_in_rows),
            listed_in_no_row: coarse(self.listed_in_no_row),
            linked_to_nobody: coarse(self.linked_to_nobody),
            told_by_birth_date: coarse(self.told_by_birth_date),
            silent_numbers: coarse(self.silent_numbers),
            silent_match_keys: coarse(self.silent_match_keys),
        }
    }
}

impl Appraisal {
    /// The same with coarse counts. Counts by value stay: small ones are hidden already, and none follows from them.
    pub fn coarse(self) -> Self {
        Self {
            coarse: true,
            children: coarse(self.children),
            on_spine: coarse(self.on_spine),
            flow: self.flow.into_iter().map(SourceFlow::coarse).collect(),
            reached: self.reached.into_iter().map(Grouped::coarse).collect(),
            compared: self.compared.into_iter().map(Grouped::coarse).collect(),
            scored: self.scored.iter().map(ScoredSource::coarse).collect(),
            agreements: self.agreements.into_iter().map(Agreement::coarse).collect(),
            key_tests: self.key_tests.into_iter().map(KeyTest::coarse).collect(),
            impossible: self.impossible.coarse(),
            review: (self.review.into_iter())
                .map(|of| Reviewed { count: coarse(of.count), ..of })
                .collect(),
            ..self
        }
    }
}

impl SourceFlow {
    fn coarse(self) -> Self {
        let tables: Vec<TableFlow> = self.tables.into_iter().map(TableFlow::coarse).collect();
        let mut read = Ways::default();
        let of_read = tables.iter().filter(|table| table.kind != Kind::NotRead);
        of_read.for_each(|table| read.add(&table.rows));
        Self {
            rows: self.rows.coarse(),
            reasons: all(&self.reasons),
            rate: read.rates(),
            children: coarse(self.children),
            on_spine: coarse(self.on_spine),
            tables,
            ..self
        }
    }
}

impl TableFlow {
    fn coarse(self) -> Self {
        let rows = self.rows.coarse();
        let rate = if self.kind == Kind::NotRead { self.rate } else { rows.rates() };
        Self { rows, rate, ..self }
    }
}

impl Ways {
    fn coarse(&self) -> Self {
        Self {
            delivered: coarse(self.delivered),
            quarantined: coarse(self.quarantined),
            duplicate: coarse(self.duplicate),
            blocked: coarse(self.blocked),
            accepted: coarse(self.accepted),
            linked: all(&self.linked),
            not_linked: all(&self.not_linked),
            not_read: coarse(self.not_read),
            superseded: coarse(self.superseded),
        }
    }
}

impl Grouped {
    fn coarse(self) -> Self {
        let (part, rest) = (coarse(self.part), coarse(self.rest));
        Self { part, rest, rate: Share::of(part, part + rest), ..self }
    }
}

impl Agreement {
    fn coarse(self) -> Self {
        let agrees =
            |of: Compared| Compared { compared: coarse(of.compared), agree: coarse(of.agree) };
        Self {
            rows: coarse(self.rows),
            birth_date: agrees(self.birth_date),
            name: agrees(self.name),
            sex: agrees(self.sex),
            neither: coarse(self.neither),
            ..self
        }
    }
}

impl KeyTest {
    fn coarse(self) -> Self {
        let (rows, same, other) = (coarse(self.rows), coarse(self.same), coarse(self.other));
        Self {
            rows,
            same,
            other,
            several: coarse(self.several),
            nobody: coarse(self.nobody),
            precision: Share::of(same, same + other),
            recall: Share::of(same, rows.max(same)),
            ..self
        }
    }
}

impl ImpossibleFacts {
    fn coarse(self) -> Self {
        let each = |of: Impossible| Impossible {
            pupils: coarse(of.pupils),
            of: coarse(of.of),
            sources: all(&of.sources),
            ..of
        };
        Self {
            each: self.each.into_iter().map(each).collect(),
            pupils: coarse(self.pupils),
            of: coarse(self.of),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;

    /// Every whole number of a report as JSON, with the name that it stands under.
    fn numbers(name: &str, value: &serde_json::Value, found: &mut Vec<(String, u64)>) {
        use serde_json::Value;
        match value {
            Value::Number(number) => found.extend(number.as_u64().map(|of| (name.to_owned(), of))),
            Value::Array(all) => all.iter().for_each(|of| numbers(name, of, found)),
            Value::Object(all) => all.iter().for_each(|(name, of)| numbers(name, of, found)),
            _ => {}
        }
    }

    #[test]
    fn no_count_of_a_printed_report_is_exact() {
        let linked = Linked {
            rows: 43,
            linked: [("number".to_owned(), 39)].into(),
            unlinked: [("orphan".to_owned(), 1), ("no-identifier".to_owned(), 3)].into(),
            superseded: 2,
        };
        let counts = ExactOnlyCounts {
            numbers: 1,
            listed: 3,
            listed_in_rows: 2,
            listed_in_no_row: 1,
            linked_to_nobody: 7,
            told_by_birth_date: 2,
            silent_numbers: 4,
            silent_match_keys: 6,
        };
        let table = TableLinkage {
            source: "s".into(),
            table: "t".into(),
            of_persons: true,
            counts: linked.clone(),
            deliveries: [("2024-25".parse().unwrap(), linked)].into(),
        };
        let review = serde_json::json!({
            "code": "sex-in-doubt", "count": 3, "sources": { "s": 3 },
            "rows": [{ "source": "s", "period": "2024-25", "table": "t", "rows": 3 }],
            "first": [{ "source": "s", "period": "2024-25", "table": "t", "row": 17 }],
        });
        let report = LinkageReport {
            format: super::super::FORMAT,
            children: 43,
            on_spine: 42,
            ids: [("made".to_owned(), 43), ("merged".to_owned(), 1)].into(),
            tables: vec![table],
            review: vec![serde_json::from_value(review).unwrap()],
            exact_only: Some(counts),
            ..LinkageReport::default()
        };
        let mut found = Vec::new();
        numbers("", &serde_json::to_value(report.coarse()).unwrap(), &mut found);
        found.retain(|(name, _)| name != "format");
        assert_eq!(found.len(), 25, "{found:?}");
        assert!(found.iter().all(|(_, of)| of % 5 == 0 && *of > 0), "{found:?}");
        // The rate is that of the coarse counts: 39 of 43 would tell of 4.
        assert!(report.coarse().text().contains(" 80.0 %"), "{}", report.coarse().text());
    }
}
