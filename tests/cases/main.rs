//! Small oddities from public bug reports and from files of people who do this work, each with its right value. All input
//! is made up here; the shipped configuration reads it.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod children_in_need;
mod codes;
mod columns;
mod definitions;
mod dictionary;
mod events;
mod exact_only;
mod exports;
mod frames;
mod gates;
mod households;
mod ids;
mod linkage;
mod linkage_report;
mod names;
mod numbers;
mod oddities;
mod periods;
mod places;
mod plans;
mod preview;
mod published_mistake;
mod quality;
mod query;
mod review;
mod risk;
mod scored;
mod shipped_identities;
mod side_channels;
mod suggest;
mod summaries;
#[path = "../values.rs"]
mod values;
mod workbooks;
mod wrong_numbers;
mod years;

use minster_tests::deliveries::{Child, Council, pupils};

const CENSUS: &str = "school_census";

/// A council whose census has so many pupils, and drop folders for more sources.
fn council(children: u32, more: &[&str]) -> Council {
    let council = Council::new(&[&[CENSUS], more].concat());
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils((1..=children).map(Child::at)));
    council
}
