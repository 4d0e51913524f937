#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

const CODE: &str = "WD23CD";

fn square(x: f64, y: f64, side: f64) -> Json {
    json!([[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]])
}

fn feature(code: &str, kind: &str, coordinates: &Json) -> Json {
    json!({ "type": "Feature", "properties": { CODE: code, "name": code },
            "geometry": { "type": kind, "coordinates": coordinates } })
}

fn collection(features: &[Json]) -> Json {
    json!({ "type": "FeatureCollection", "features": features })
}

fn read(json: &Json) -> Result<Boundaries, BoundaryError> {
    Boundaries::read(json.to_string().as_bytes(), CODE)
}

#[test]
fn areas_with_holes_and_islands_are_as_the_file_has_them() {
    // On the equator a degree is as wide as it is high.
    let hole = json!([square(0.0, -0.5, 1.0), square(0.25, -0.25, 0.5)]);
    let islands = json!([[square(1.0, -0.5, 0.5)], [square(1.5, 0.0, 0.5)]]);
    let read = read(&collection(&[
        feature("E1", "Polygon", &hole),
        feature("E2", "MultiPolygon", &islands),
    ]))
    .unwrap();
    assert_eq!(read.size, (1400, 700));
    let [first, second] = read.areas.as_slice() else { panic!("{read:?}") };
    assert_eq!(first.path(), "M0 700l700 0 0 -700 -700 0zM175 525l350 0 0 -350 -350 0z");
    assert_eq!(second.path(), "M700 700l350 0 0 -350 -350 0zM1050 350l350 0 0 -350 -350 0z");
    // The letter stands beside the hole, and not in it.
    let ((x, y), room) = first.middle();
    assert!((0..175).contains(&x) && (350..=351).contains(&y) && room == 175, "{x} {y} {room}");
}

#[test]
fn a_degree_of_longitude_is_as_wide_as_at_the_middle_latitude() {
    let of = read(&collection(&[feature("E1", "Polygon", &json!([square(0.0, 59.5, 1.0)]))]));
    // The cosine of 60 degrees is a half.
    assert_eq!(of.unwrap().size, (750, 1500));
}

#[test]
fn a_file_with_many_points_is_drawn_with_few_and_neighbours_keep_one_border() {
    // A border of 20,000 points, there for one area and back for the other.
    let border = |at: i32| [10.0 + 0.3 * f64::from(at).sin(), f64::from(at) / 20_000.0];
    let mut left: Vec<[f64; 2]> = (0..=20_000).map(border).collect();
    let mut right: Vec<[f64; 2]> = left.iter().rev().copied().collect();
    left.extend([[9.0, 1.0], [9.0, 0.0], border(0)]);
    right.extend([[11.0, 0.0], [11.0, 1.0], border(20_000)]);
    let read = read(&collection(&[
        feature("E1", "Polygon", &json!([left])),
        feature("E2", "Polygon", &json!([right])),
    ]))
    .unwrap();
    let points: usize = read.areas.iter().flat_map(|of| &of.rings).map(Vec::len).sum();
    assert!(points <= 10_000, "{points}");
    // All corners of the one border are corners of the other.
    let [one, other] = [0, 1].map(|at| &read.areas[at].rings[0]);
    let (width, _) = read.size;
    let inner = |point: &&Point| point.0 > width / 8 && point.0 < width * 7 / 8;
    let shared: Vec<&Point> = one.iter().filter(inner).collect();
    assert!(shared.len() > 100 && shared.iter().all(|point| other.contains(point)));
}

#[test]
fn an_area_that_is_too_small_to_be_drawn_has_a_mark() {
    let tiny = json!([square(0.5, 0.5, 1e-7)]);
    let of = read(&collection(&[
        feature("E1", "Polygon", &json!([square(0.0, 0.0, 1.0)])),
        feature("E2", "Polygon", &tiny),
    ]))
    .unwrap();
    assert_eq!(of.areas[1].rings.len(), 1);
    assert_eq!(of.areas[1].rings[0].len(), 4);
}

#[test]
fn each_fault_says_which_feature_and_what_to_do() {
    let good = feature("E1", "Polygon", &json!([square(-3.0, 50.0, 0.1)]));
    let second = |json: Json| collection(&[good.clone(), json]);
    let bad = |kind: &str, coordinates: Json| second(feature("E2", kind, &coordinates));
    let mut no_code = good.clone();
    no_code["properties"] = json!({ "WD24CD": "E2", "name": "x" });
    let mut named = collection(std::slice::from_ref(&good));
    named["crs"] =
        json!({ "type": "name", "properties": { "name": "urn:ogc:def:crs:EPSG::27700" } });
    let grid = json!([square(289_000.0, 62_000.0, 500.0)]);
    let cases = [
        (json!({ "type": "Topology" }), "no GeoJSON collection"),
        (json!({ "type": "Feature", "features": [] }), "no GeoJSON collection"),
        (collection(&[]), "has no feature"),
        (bad("Polygon", grid), "feature 2 cannot be placed"),
        (named, "it names another system of coordinates"),
        (second(no_code), "feature 2 has no property WD23CD"),
        (second(good.clone()), "feature 2 has the same code as feature 1"),
        (bad("Point", json!([-3.0, 50.0])), "feature 2 is no Polygon"),
        (bad("Polygon", json!([])), "feature 2 is no Polygon"),
        (bad("Polygon", json!([[[0, 0], [1, 0], [1, 1], [0, 1]]])), "feature 2 has a ring"),
        (bad("Polygon", json!([[[0, 0], [1, 0], [0, 0]]])), "feature 2 has a ring"),
        (bad("Polygon", json!([[[0], [1, 0], [1, 1], [0]]])), "feature 2 is not as GeoJSON"),
        (bad("Polygon", json!("x")), "feature 2 is not as GeoJSON"),
        (second(json!(7)), "feature 2 is not as GeoJSON"),
        (
            collection(&[feature("E1", "Polygon", &json!([square(1.0, 1.0, 0.0)]))]),
            "no area of any width",
        ),
    ];
    for (json, said) in cases {
        let error = read(&json).unwrap_err().to_string();
        assert!(error.contains(said), "{error}, not {said}");
        assert!(error.contains("; "), "what to do: {error}");
    }
    let listed = read(&second(json!({ "properties": { "WD24CD": "E2" } }))).unwrap_err();
    assert!(listed.to_string().ends_with("it has WD24CD"), "{listed}");
    // WGS84 by its older name, a mark of UTF-8 and a height are no faults.
    let mut named = collection(std::slice::from_ref(&good));
    named["crs"] = json!({ "properties": { "name": "urn:ogc:def:crs:OGC:1.3:CRS84" } });
    named["features"][0]["geometry"]["coordinates"][0][1] = json!([-2.9, 50.0, 17.5]);
    assert!(Boundaries::read(format!("\u{feff}{named}").as_bytes(), CODE).is_ok());
}

#[test]
fn a_stranger_cannot_make_a_file_costly() {
    let of = |at: usize| feature(&format!("E{at}"), "Polygon", &json!([square(0.0, 0.0, 1.0)]));
    let many: Vec<Json> = (0..=MOST_FEATURES).map(of).collect();
    assert_eq!(read(&collection(&many)), Err(BoundaryError::TooManyFeatures(MOST_FEATURES + 1)));
    let ring = vec![[0.0, 0.0]; MOST_POINTS + 1];
    let long = read(&collection(&[feature("E1", "Polygon", &json!([ring]))]));
    assert_eq!(long, Err(BoundaryError::TooManyPoints(1)));
    let deep = "[".repeat(100_000);
    let deep = format!("{{\"type\": \"FeatureCollection\", \"features\": {deep}");
    assert!(matches!(
        Boundaries::read(deep.as_bytes(), CODE),
        Err(BoundaryError::Malformed { feature: 1, .. })
    ));
    let empty = format!("[{}[]]", "[],".repeat(5 * MOST_POINTS));
    let empty = format!(
        "{{\"features\": [{{\"geometry\": {{\"type\": \"Polygon\", \"coordinates\": {empty}}}}}]}}"
    );
    assert_eq!(Boundaries::read(empty.as_bytes(), CODE), Err(BoundaryError::TooManyPoints(1)));
    let long =
        read(&collection(&[feature(&"E".repeat(201), "Polygon", &json!([square(0.0, 0.0, 1.0)]))]));
    let Err(BoundaryError::Malformed { feature: 1, why }) = long else { panic!("{long:?}") };
    assert!(why.contains("200 characters") && !why.contains("EE"), "{why}");
    let spaces = vec![b' '; usize::try_from(MOST_BYTES).unwrap() + 1];
    assert_eq!(Boundaries::read(&spaces, CODE), Err(BoundaryError::TooLong));
}

#[test]
fn areas_of_too_many_islands_are_refused_and_not_drawn_for_ever() {
    // Each island has four corners, however coarse the grid is.
    let islands = |count: i32| {
        let of = |at: i32| json!([square(f64::from(at) / 1000.0, 0.0, 9.0)]);
        json!((0..count).map(of).collect::<Vec<Json>>())
    };
    let of = |count| read(&collection(&[feature("E1", "MultiPolygon", &islands(count))]));
    assert!(of(900).is_ok());
    assert_eq!(of(8_000), Err(BoundaryError::TooManyCorners(32_000)));
}

#[test]
fn a_ring_whose_beginning_is_straight_for_long_costs_no_more_than_another() {
    // 100,000 points up and down one line, then a square: each point of the line leaves the ring.
    let line = (0..100_000).map(|at| [0.0, f64::from(at % 700) / 1000.0]);
    let ring: Vec<[f64; 2]> =
        line.chain([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]).collect();
    let drawn = read(&collection(&[feature("E1", "Polygon", &json!([ring]))])).unwrap();
    assert!((3..10).contains(&drawn.areas[0].rings[0].len()), "{drawn:?}");
}

fn rings() -> impl Strategy<Value = Vec<Vec<[f64; 2]>>> {
    let point = (-5i32..5, -5i32..5).prop_map(|(x, y)| [f64::from(x) / 3.0, f64::from(y) / 3.0]);
    let ring = proptest::collection::vec(point, 3..12).prop_map(|mut ring: Vec<[f64; 2]>| {
        ring.push(ring[0]);
        ring
    });
    proptest::collection::vec(ring, 1..4)
}

proptest! {
    /// Whatever the rings are, each area is drawn within the grid, and the same each time.
    #[test]
    fn any_rings_are_drawn(areas in proptest::collection::vec(rings(), 1..6)) {
        let features: Vec<Json> = areas
            .iter()
            .enumerate()
            .map(|(at, rings)| feature(&format!("E{at}"), "Polygon", &json!(rings)))
            .collect();
        let json = collection(&features);
        match read(&json) {
            Ok(drawn) => {
                prop_assert_eq!(drawn.len(), areas.len());
                prop_assert_eq!(Ok(drawn.clone()), read(&json));
                let (width, height) = drawn.size;
                for area in &drawn.areas {
                    prop_assert!(!area.rings.is_empty());
                    let ((x, y), _) = area.middle();
                    prop_assert!((-5..=width + 5).contains(&x) && (-5..=height + 6).contains(&y));
                    for (x, y) in area.rings.iter().flatten() {
                        prop_assert!((-5..=width + 5).contains(x) && (-5..=height + 5).contains(y));
                    }
                }
            }
            Err(error) => prop_assert_eq!(error, BoundaryError::Flat),
        }
    }

    /// Bytes that a stranger changed end in an error, or in areas: never in a panic.
    #[test]
    fn a_changed_byte_never_stops_the_program(at in 0usize..200, byte: u8) {
        let good = collection(&[feature("E1", "Polygon", &json!([square(-3.0, 50.0, 0.1)]))]);
        let mut bytes = good.to_string().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = Boundaries::read(&bytes, CODE);
    }
}
