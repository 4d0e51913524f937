//! Only the attack makes a `ReleasableSet`, and `minster_aggregator::release::write` takes nothing else.
use minster_attack::ReleasableSet;
use minster_model::cube::{Policy, TableSet, Zeros};

fn main() {
    let policy = Policy::new(5, Zeros::Published);
    let set = TableSet { tables: vec![], policy };
    let _unverified = ReleasableSet { set, patterns: vec![], worlds: vec![], rounded: None };
}
