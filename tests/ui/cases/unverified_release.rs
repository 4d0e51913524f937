//! Only the attack makes a `ReleasableSet`, and the files of a release are made of nothing else.
use minster_attack::ReleasableSet;
use minster_model::{policy::{Policy, Zeros}, table::TableSet};

fn main() {
    let policy = Policy::new(5, Zeros::Published);
    let set = TableSet { tables: vec![], policy };
    let _unverified = ReleasableSet { set, patterns: vec![].into(), alternatives: vec![], rounded: None };
}
