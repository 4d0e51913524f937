//! A refusal in words by its code alone: no number, no table and no category, as a list in clear may have it.

/// The reason and the way out; none for a code of another release of the program.
pub(crate) fn of_code(code: &str) -> Option<&'static str> {
    Some(match code {
        // By the attack.
        "shape" => "the patterns do not fit the tables",
        "standing" => {
            "a table that was published before would be published otherwise; keep its numbers, or withdraw its release first"
        }
        "other-categories" => {
            "two tables divide one dimension into other categories; divide by it at all their edges in both, with the wider categories as a level above"
        }
        "inconsistent" => {
            "two tables count other children; choose the children of both by one `where`, or release them apart"
        }
        "cyclic" => {
            "the tables' dimensions form a cycle, those released before included; release fewer tables, or one table with all their dimensions"
        }
        "respondents" => {
            "two dimensions are declared as that of the data holders; divide by one of them"
        }
        "rule" => {
            "a published number does not follow from its count by the rule; round the table anew by the rule"
        }
        "grand-total" => {
            "a whole table is below the threshold; count more children, or leave the table out"
        }
        "shared-withheld" => {
            "numbers by what several releases about different children divide or choose by are withheld; divide by these columns in one release"
        }
        "work-used-up" | "no-pattern" => {
            "no pattern was found within the work allowed; use coarser dimensions"
        }
        "unprotected" => {
            "the published numbers do not protect every cell; withhold more, or use coarser dimensions"
        }
        // By the search for a pattern, and by rounding.
        "sparse" => {
            "little of a table can be released, and it is too large for a pattern to be sought; use coarser dimensions"
        }
        "always-and-unsafe" => {
            "a cell that is to be published whatever comes is withheld for its own sake; leave it out of `always`, or of `keep`"
        }
        "unprotectable" => {
            "a cell cannot be protected, whatever else is withheld; use coarser dimensions, or let zeros be withheld"
        }
        "known-to-respondent" => {
            "a cell cannot be kept from a data holder, who holds most of it or all that could hide it; use coarser dimensions, or fewer"
        }
        "base" => "the base to round to is none that is allowed; choose another",
        "record-keys" => {
            "the record keys do not fit the tables, or differ between tables of the same children"
        }
        "noise-threshold" => {
            "the noise table leaves no count as low; round a table of a higher threshold instead"
        }
        "does-not-add-up" => {
            "no rounding was found that adds up; use fewer dimensions, a larger base or nearest"
        }
        // By the releases beside it.
        "stays-open" => "no pattern withstood the attack; use coarser dimensions",
        "keeps" => {
            "no pattern shows the cells in `keep` and `always`; keep fewer cells, coarser ones, or leave a table out"
        }
        "rounded-together" => {
            "rounded numbers say more together than each by itself; use a method that adds up, a larger base or coarser dimensions"
        }
        "sums-tell-each-other" => {
            "the sums of these columns tell each other; measure all of them in each table that has one, in one release, or leave all but one out"
        }
        "sums-add-up" => {
            "the sums of these columns add up, and no pattern hides the same cells of all; leave all but one of them out"
        }
        "counts-overlap" => {
            "a column of the dataset and a derived count seem to count some of the same events; derive both from the table of events, or leave one of them out"
        }
        "derived-from-one" => {
            "columns are derived from one, so that their tables tell of each other; keep one of them, leave a dimension out, or take coarser ones"
        }
        "weaker-than-purpose" => {
            "the purpose asks for stricter rules; write stricter ones into the definition, and withdraw what stands under weaker ones"
        }
        "audience-outside-purpose" => {
            "the purpose names no such readers; release it for those that `minster purposes` lists, or have custodians name them"
        }
        "other-purpose" => {
            "the definition is for another purpose; release it from a pipeline of that purpose"
        }
        "other-method" => {
            "a release about the same children, or mostly the same, stands, and one of the two is rounded; use one release"
        }
        "other-policy" => {
            "a release about the same children, or mostly the same, stands under another threshold, policy for zeros or insider; use the same"
        }
        "other-sum-rules" => {
            "a release about the same children, or mostly the same, stands under other rules for sums; use the same"
        }
        "weaker-rules" => {
            "a release about the same children, or mostly the same, stands under stricter rules; use its rules, or stricter ones"
        }
        "other-edges" => {
            "a release about the same children, or mostly the same, divides the column at other edges; use all edges of one of the two, and more if need be"
        }
        "chosen-and-divided" => {
            "the column chooses the children of one of two releases and divides those of the other; divide by it in both"
        }
        "beside-rounded" => {
            "a release about other children stands, and one of the two is rounded; withhold in both, or use noise that depends on the children in both"
        }
        "noise-budget" => {
            "a child would be counted in more numbers with noise than the noise holds against; use fewer dimensions, levels or groupings, or withhold cells"
        }
        "small-numbers-apart" | "hidden-beside-shown" => {
            "beside a release about other children, the two would show what each hides; divide by the column in one release instead"
        }
        "divided-apart" => {
            "releases about the same children divide by these columns apart, and others are about other children; use one release"
        }
        "everyone-meets" => {
            "two releases would show together that everyone of some group meets a sensitive condition; use coarser categories, or divide by the column in one release instead"
        }
        "difference" => {
            "the data have changed, and the difference shows too much of the few whom the change is about; wait until more children differ, use coarser dimensions, or keep what was published"
        }
        "report-gone" => {
            "the restricted report of a release is gone, and the data have changed since; bring it back from a copy"
        }
        "cannot-be-counted" => {
            "a release that stands cannot be counted again; put back what its definition names: a look-up under [lookups] of pipeline.toml, a column, or a code of events"
        }
        "excluding-columns" => {
            "two tables would show together who has one category and not another; use coarser categories, or leave one of the two tables out"
        }
        "tied-columns" => {
            "columns of two releases tell of each other, and neither is in both; divide by the other's column here too, or by one of the two in one release instead"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use minster_attack::Refusal;
    use minster_disclosure::{RoundingRefusal, SuppressionRefusal};

    use super::*;

    #[test]
    fn a_code_has_words_without_a_number_and_an_unknown_one_none() {
        let codes = [
            Refusal::Shape.code(),
            Refusal::Standing.code(),
            Refusal::Cyclic.code(),
            Refusal::WorkUsedUp.code(),
            Refusal::Unprotected(Vec::new()).code(),
            RoundingRefusal::Keys.code(),
            SuppressionRefusal::WorkUsedUp.code(),
        ];
        for code in codes {
            let words = of_code(code).unwrap();
            assert!(!words.contains(|letter: char| letter.is_ascii_digit()), "{words}");
        }
        assert_eq!(of_code("of-tomorrow"), None);
    }
}
