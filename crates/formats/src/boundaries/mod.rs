//! The areas of a map, read from GeoJSON (RFC 7946) and made as coarse as a page needs them.
//!
//! ```
//! use minster_formats::Boundaries;
//!
//! let square = r#"{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"WD23CD": "E05000001"},
//!   "geometry": {"type": "Polygon", "coordinates": [[[-3.6, 50.4], [-3.5, 50.4], [-3.5, 50.5], [-3.6, 50.5], [-3.6, 50.4]]]}}]}"#;
//! assert_eq!(Boundaries::read(square.as_bytes(), "WD23CD")?.len(), 1);
//! // Metres of the British National Grid are no degrees.
//! let metres = square.replace("-3.6, 50.4", "289000, 62000");
//! let refused = Boundaries::read(metres.as_bytes(), "WD23CD").unwrap_err();
//! assert!(refused.to_string().contains("EPSG:4326"));
//! # Ok::<(), minster_formats::BoundaryError>(())
//! ```

mod drawn;
mod geojson;

use thiserror::Error;

pub(crate) use self::drawn::Point;

/// The longest file, in bytes.
pub const MOST_BYTES: u64 = 16 << 20;
/// The most features.
const MOST_FEATURES: usize = 2_000;
/// The most points of all features together.
const MOST_POINTS: usize = 500_000;

/// Areas on a grid of whole numbers, ready to be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundaries {
    pub(crate) areas: Vec<Area>,
    /// The grid's width and height.
    pub(crate) size: (i32, i32),
}

/// One area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) code: String,
    /// Rings of all its polygons, holes among them: a point is in the area if it is within an odd number of rings.
    pub(crate) rings: Vec<Vec<Point>>,
}

/// The areas as the file has them: degrees of longitude and latitude.
struct InDegrees {
    code: String,
    rings: Vec<Vec<[f64; 2]>>,
}

/// A boundary file that cannot be used. Features are numbered from 1.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BoundaryError {
    /// It is too long.
    #[error("is longer than {} MiB; cut it to the council's area, or take a generalised version (of the Open Geography Portal: BGC or BUC)", MOST_BYTES >> 20)]
    TooLong,
    /// It is no JSON, or no collection of features.
    #[error("is no GeoJSON collection of features ({0}); download it again as GeoJSON")]
    NoCollection(String),
    /// It has none.
    #[error("has no feature; download it again, with the council's areas in it")]
    Empty,
    /// It has too many.
    #[error("has {0} features, more than {MOST_FEATURES}; cut it to the council's area")]
    TooManyFeatures(usize),
    /// It has too many points.
    #[error(
        "has more than {MOST_POINTS} points up to feature {0}; take a generalised version (of the Open Geography Portal: BGC or BUC)"
    )]
    TooManyPoints(usize),
    /// A feature is none.
    #[error(
        "feature {feature} is not as GeoJSON has it ({why}); download the file again as GeoJSON"
    )]
    Malformed {
        /// Which.
        feature: usize,
        /// The fault in it.
        why: String,
    },
    /// A feature is no area.
    #[error(
        "feature {0} is no Polygon or MultiPolygon; take the file of areas, not that of points or lines"
    )]
    NoArea(usize),
    /// A feature has no code.
    #[error("feature {feature} has no property {property}; set `code` to the property that has the codes: it has {}", list(.has))]
    NoCode {
        /// Which.
        feature: usize,
        /// The wanted property.
        property: String,
        /// Those that it has.
        has: Vec<String>,
    },
    /// Two features have one code.
    #[error(
        "feature {feature} has the same code as feature {first}; make one MultiPolygon of them"
    )]
    TwiceTheCode {
        /// Which.
        feature: usize,
        /// The other.
        first: usize,
    },
    /// A ring is not closed, or has too few points.
    #[error(
        "feature {0} has a ring that is not closed, or of fewer than four points; download the file again, or mend it with a geographic program"
    )]
    OpenRing(usize),
    /// The coordinates are no degrees.
    #[error("{}: its coordinates are no degrees of longitude and latitude (WGS84), perhaps metres of the British National Grid; download it in EPSG:4326, or run `ogr2ogr -t_srs EPSG:4326 new.geojson old.geojson`", .feature.map_or_else(|| "it names another system of coordinates".to_owned(), |of| format!("feature {of} cannot be placed")))]
    NoDegrees {
        /// The first such feature; none where the file says so itself.
        feature: Option<usize>,
    },
    /// Its areas have too many islands and corners for a page.
    #[error(
        "has areas of {0} corners even where they are drawn most coarsely, more than {most}; cut it to the council's area, or take a generalised version (of the Open Geography Portal: BGC or BUC)", most = drawn::MOST_COARSE
    )]
    TooManyCorners(usize),
    /// Nothing has a width and a height.
    #[error("has no area of any width and height; take the file of areas, not that of points")]
    Flat,
}

/// The first few names.
fn list(names: &[String]) -> String {
    const MOST: usize = 12;
    match names.len() {
        0 => "none".to_owned(),
        some if some > MOST => format!("{} and {} more", names[..MOST].join(", "), some - MOST),
        _ => names.join(", "),
    }
}

impl Boundaries {
    /// Reads a file; `property` is that of each feature which has its area's code.
    ///
    /// # Errors
    /// [`BoundaryError`].
    pub fn read(bytes: &[u8], property: &str) -> Result<Self, BoundaryError> {
        if bytes.len() as u64 > MOST_BYTES {
            return Err(BoundaryError::TooLong);
        }
        let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        drawn::draw(geojson::read(text, property)?)
    }

    /// The number of areas.
    pub fn len(&self) -> usize {
        self.areas.len()
    }

    /// Whether there is none, which [`Boundaries::read`] refuses.
    pub fn is_empty(&self) -> bool {
        self.areas.is_empty()
    }
}

#[cfg(test)]
mod tests;
