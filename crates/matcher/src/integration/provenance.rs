//! How sure it is that a child's rows are its own: for each source the weakest way in which its rows came to the child, whether
//! anything is for review, and the least probability of a scored link.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, StringViewBuilder};

use super::Integration;
use crate::children::Linkage;

/// Says for each child whether a finding for review is about one of its rows, in any period.
pub(crate) const IN_DOUBT: &str = "in_doubt";

/// The least probability of a child's scored links in the period.
pub(crate) const PROBABILITY: &str = "linkage_probability";

/// The name of a source's column: how its rows came to the child.
pub(crate) fn linked_by(source: &str) -> String {
    format!("linked_by_{source}")
}

/// The weakest way in which rows of a source came to each child: a byte a child. 0 where the source has none.
struct Weakest(Vec<u8>);

impl Weakest {
    fn add(&mut self, child: u32, linkage: Linkage) {
        let known = &mut self.0[child as usize];
        *known = (*known).max(1 + linkage as u8);
    }

    fn column(&self) -> ArrayRef {
        let mut builder = StringViewBuilder::new().with_deduplicate_strings();
        for place in &self.0 {
            let linkage =
                place.checked_sub(1).and_then(|place| Linkage::ALL.get(usize::from(place)));
            builder.append_option(linkage.map(|linkage| linkage.code()));
        }
        Arc::new(builder.finish())
    }
}

impl Integration<'_> {
    /// The columns, in the order of the sources.
    pub(super) fn provenance(&self) -> Vec<(String, ArrayRef)> {
        let children = self.children.names().len();
        let own_people = self.own_people();
        let mut fields = Vec::new();
        for (source, present) in &self.present {
            let mut weakest = Weakest(vec![0; children]);
            // Rows of a source without a table of persons are found by their number alone.
            let mut has_persons = false;
            for people in &own_people {
                if people.persons(self.people).source != *source {
                    continue;
                }
                has_persons = true;
                let linkage = self.children.linkage_of_table(people.place);
                for (child, linkage) in self.children.of_table(people.place).iter().zip(linkage) {
                    weakest.add(*child, self.linkage(*linkage, *child));
                }
            }
            if !has_persons {
                let children = present.iter().zip(0u32..).filter(|(present, _)| **present);
                children.for_each(|(_, child)| {
                    weakest.add(child, self.linkage(Linkage::Identifier, child));
                });
            }
            fields.push((linked_by(source.as_str()), weakest.column()));
        }
        let in_doubt = BooleanArray::from(self.children.in_doubt());
        fields.push((IN_DOUBT.to_owned(), Arc::new(in_doubt)));
        if self.matching.scoring.is_some() {
            fields.push((PROBABILITY.to_owned(), self.probability()));
        }
        fields
    }

    fn probability(&self) -> ArrayRef {
        let mut least: Vec<Option<f64>> = vec![None; self.children.names().len()];
        for people in self.own_people() {
            let start = self.people.persons.starts[people.place];
            for (child, row) in self.children.of_table(people.place).iter().zip(start..) {
                if let Some(found) = self.probabilities.get(&row) {
                    let known = &mut least[*child as usize];
                    *known = Some(known.map_or(*found, |known| known.min(*found)));
                }
            }
        }
        Arc::new(Float64Array::from(least))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use arrow::array::{Array, StringViewArray};

    use super::*;

    #[test]
    fn the_weakest_way_stands_and_a_child_without_rows_has_none() {
        let mut weakest = Weakest(vec![0; 4]);
        for (child, linkage) in [
            (0, Linkage::Identifier),
            (1, Linkage::Scored),
            (1, Linkage::MatchKey),
            (1, Linkage::Identifier),
            (2, Linkage::MatchKey),
            (2, Linkage::NotOnSpine),
        ] {
            weakest.add(child, linkage);
        }
        let column = weakest.column();
        let column = column.as_any().downcast_ref::<StringViewArray>().unwrap();
        let found: Vec<_> = column.iter().collect();
        assert_eq!(found, [Some("identifier"), Some("scored"), Some("not-on-spine"), None]);
        assert_eq!(column.null_count(), 1);
    }

    #[test]
    fn the_ways_stand_in_the_order_of_their_bytes() {
        for (place, linkage) in Linkage::ALL.iter().enumerate() {
            assert_eq!(*linkage as usize, place);
        }
    }
}
