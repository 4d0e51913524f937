//! A map on a release's page: what of it follows from a boundary file, and that nothing of it follows from a withheld number.

use std::{collections::BTreeMap, fs};

use minster_aggregator::{Reproduced, reproduce};
use minster_model::pipeline::BoundaryFile;
use serde_json::json;

use crate::{
    HEAD, OneKey, Site,
    formats::{two_by_two, world},
};

/// Squares side by side with these codes.
fn squares(codes: &[&str]) -> String {
    let feature = |(at, code): (usize, &&str)| {
        let x = -3.0 + 0.1 * at as f64;
        let ring = json!([[x, 50.0], [x + 0.1, 50.0], [x + 0.1, 50.1], [x, 50.1], [x, 50.0]]);
        json!({ "type": "Feature", "properties": { "WD23CD": code },
                "geometry": { "type": "Polygon", "coordinates": [ring] } })
    };
    let features: Vec<_> = codes.iter().enumerate().map(feature).collect();
    json!({ "type": "FeatureCollection", "features": features }).to_string()
}

/// A site whose pipeline names this boundary file `wards`.
fn with_boundaries(mut site: Site, text: &str) -> Site {
    let file = site.store.root().with_file_name("wards.geojson");
    fs::write(&file, text).unwrap();
    let named = ("wards".to_owned(), BoundaryFile { file, code: "WD23CD".to_owned() });
    site.boundaries = BTreeMap::from([named]);
    site
}

fn page(site: &Site, definition: &str) -> String {
    let folder = site.release(definition).unwrap().folder.unwrap();
    fs::read_to_string(folder.join("r.html")).unwrap()
}

/// The map of a page, from its figure to the end of the notes.
fn map(page: &str) -> &str {
    let Some((_, map)) = page.split_once("<figure class=\"map\">") else { panic!("{page}") };
    map.split_once("</figure>").unwrap().0
}

fn by_ward(more: &str) -> String {
    let head = HEAD.replacen(
        "lookup = \"locality\"",
        &format!("code_lookup = \"gss\"\nboundaries = \"wards\"\n{more}"),
        1,
    );
    let head =
        head.replacen("grouping = [{ name = \"constituency\", lookup = \"constituency\" }]", "", 1);
    format!("{head}\n[[table]]\nname = \"t\"\ndimensions = [\"ward\", \"sex\"]\n")
}

const CODES: &str = "codes = [\"w1\", \"w2\", \"w3\", \"w4\", \"w5\"]";

#[test]
fn each_area_has_the_number_of_its_code_and_places_without_one_are_counted() {
    // w5 has no code and no child; two areas have no row; the code of w4 has no area.
    let file = squares(&["E05000001", "E05000002", "E05000003", "E05000008", "E05000009"]);
    let site = with_boundaries(Site::new(), &file);
    let page = page(&site, &by_ward(CODES));
    let map = map(&page);
    for (label, number) in [("w1", "60"), ("w2", "43"), ("w3", "23")] {
        assert!(map.contains(&format!("<title>{label}: {number}</title>")), "{map}");
    }
    assert!(map.contains("<title>E05000008: no row</title>"), "{map}");
    assert!(map.contains("2 areas of the boundary file have no row in the table."), "{map}");
    assert!(map.contains("2 rows by ward are not on the map"), "{map}");
    // Classes by tens, and the number of areas in each.
    assert!(map.contains("A: 20 to 29 (1 area)") && map.contains("E: 60 to 69 (1 area)"), "{map}");
    assert_eq!(map.matches("class=\"area none\"").count(), 3);
    let again = site.job(|job| reproduce(job, &"r".parse().unwrap(), &mut OneKey)).unwrap();
    assert!(matches!(again.outcome, Reproduced::Same { .. }), "{again:?}");
}

#[test]
fn a_withheld_area_is_hatched_and_no_class_follows_from_it() {
    let definition = two_by_two("").replacen(
        "codes = [\"a\", \"b\"]",
        "boundaries = \"wards\"\ncodes = [\"a\", \"b\", \"c\", \"d\"]",
        1,
    );
    let definition = definition.replacen(
        "[[table.measure]]\nname = \"mean_missed\"\nmean = \"missed\"\n",
        "",
        1,
    );
    let definition =
        definition.replacen("[[table.measure]]\nname = \"share\"\npercentage = \"kind\"\n", "", 1);
    let of = |small: usize| {
        let cells =
            [("a", "yes", 2 + small), ("b", "yes", 9 - small), ("c", "no", 120), ("d", "no", 80)];
        let site = with_boundaries(Site::of(world(&cells)), &squares(&["a", "b", "c", "d"]));
        page(&site, &definition)
    };
    let (one, other) = (of(0), of(1));
    let hatched = |page: &str| {
        let map = map(page).to_owned();
        assert!(
            map.contains("<title>a: [c]</title>") && map.contains("<title>b: [c]</title>"),
            "{map}"
        );
        assert_eq!(
            map.matches("class=\"area\" fill=\"url(#table-1-map-1-hatch)\"").count(),
            2,
            "{map}"
        );
        assert!(map.contains("hatched: withheld (2 areas)"), "{map}");
        // From 80 to 120, and not from the withheld 2 and 9.
        assert!(map.contains("A: 80 to 89 (1 area)"), "{map}");
        map
    };
    assert_eq!(hatched(&one), hatched(&other));
}

#[test]
fn an_area_whose_name_may_be_withheld_looks_as_a_withheld_one() {
    // The wards are those in the data: of a small one nobody learns that a child lives there.
    let file = squares(&["E05000001", "E05000002", "E05000003", "E05000004", "E05000009"]);
    let site = with_boundaries(Site::new(), &file);
    let definition =
        by_ward("").replacen("population = \"spine\"", "population = \"spine\"\nthreshold = 30", 1);
    let definition =
        definition.replacen("dimensions = [\"ward\", \"sex\"]", "dimensions = [\"ward\"]", 1);
    let page = page(&site, &definition);
    let map = map(&page);
    assert!(page.contains("(withheld 1)"), "{page}");
    assert_eq!(map.matches(": no row, or withheld</title>").count(), 3, "{map}");
    assert_eq!(
        map.matches("class=\"area\" fill=\"url(#").count(),
        4,
        "three areas and the key: {map}"
    );
    assert!(!map.contains("area none"), "{map}");
    assert!(map.contains("hatched: withheld, or without a row in the table (3 areas)"), "{map}");
}

#[test]
fn a_boundary_file_that_cannot_be_used_is_refused_with_the_next_step() {
    let refused = |site: &Site| site.draft(&by_ward(CODES)).unwrap_err().to_string();
    let none = refused(&Site::new());
    assert!(none.contains("there is no file wards under [boundaries]"), "{none}");
    let metres = squares(&["E05000001"]).replace("50.0", "62000.0");
    let metres = refused(&with_boundaries(Site::new(), &metres));
    assert!(metres.contains("wards.geojson") && metres.contains("feature 1"), "{metres}");
    assert!(metres.contains("ogr2ogr -t_srs EPSG:4326"), "{metres}");
    let site = with_boundaries(Site::new(), "{}");
    fs::remove_file(site.store.root().with_file_name("wards.geojson")).unwrap();
    let gone = refused(&site);
    assert!(gone.contains("cannot be read") && gone.contains("[boundaries]"), "{gone}");
    // A release without a page needs no file.
    let formats = by_ward(CODES).replacen("population", "formats = [\"workbook\"]\npopulation", 1);
    assert!(site.release(&formats).is_ok());
}
