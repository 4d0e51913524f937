//! The purpose says how strict a definition must be at least.

use crate::council::{RULES, Small, children, dimension, table};

#[test]
fn a_definition_weaker_than_its_purpose_asks_for_is_not_let_out() {
    let floors = "{ threshold = 5, zeros = \"published\", insider = 0, methods = [\"suppress\"] }";
    let council = Small::with_floors(floors, &["ward"], &[]);
    let rows = [("W0", 30), ("W1", 25), ("W2", 3), ("W3", 12)];
    let rows: Vec<_> = rows.iter().flat_map(|&(ward, count)| children(count, &[ward])).collect();
    council.deliver(&rows);
    let by_ward = |rules: &str| rules.to_owned() + &dimension("ward", "") + &table("t", &["ward"]);
    council.define("weak", &by_ward(&RULES.replace("threshold = 5", "threshold = 3")));
    let refused = council.draft();
    assert_eq!(refused.exit, 4, "{}", refused.text);
    assert!(refused.text.contains("its threshold is below 5"), "{}", refused.text);
    assert_eq!(refused.summary["refusals"][0]["code"], "weaker-than-purpose");
    let previewed = council.preview("weak");
    assert_eq!(previewed.exit, 4, "{}", previewed.text);
    assert!(previewed.text.contains("its threshold is below 5"), "{}", previewed.text);
    assert_eq!(council.let_out().exit, 0, "there is no draft");
    assert!(council.released("weak", "2024-25", "t").is_none());
    let coded =
        dimension("ward", "codes = [\"W0\", \"W1\", \"W2\", \"W3\"]") + &table("t", &["ward"]);
    council.define("noise", &(RULES.to_owned() + "method = \"cell-key\"\n" + &coded));
    let refused = council.draft();
    assert!(refused.text.contains("its method is none of suppress"), "{}", refused.text);
    council.define("strict", &by_ward(&RULES.replace("threshold = 5", "threshold = 6")));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert!(council.released("strict", "2024-25", "t").is_some());
}
