//! Only the attack makes a `ReleasableSet`, and `minster_aggregator::publish::files` takes nothing else.
use minster_attack::ReleasableSet;
use minster_model::{policy::{Policy, Zeros}, table::TableSet};

fn main() {
    let policy = Policy::new(5, Zeros::Published);
    let set = TableSet { tables: vec![], policy };
    let _unverified = ReleasableSet { set, patterns: vec![], alternatives: vec![], rounded: None };
}
