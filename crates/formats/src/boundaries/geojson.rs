//! Reads GeoJSON piece by piece. Features, points and names are counted while they are read, and the first too many ends the
//! reading: a file costs a bounded amount of memory, however it is nested.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{BoundaryError, InDegrees, MOST_FEATURES, MOST_POINTS};

/// The most numbers and lists in all coordinates together: a point is a list of two or three numbers.
const MOST_NODES: usize = 5 * MOST_POINTS;
/// The longest code of an area, in characters: a code may be a name.
const LONGEST_CODE: usize = 200;
/// The longest name of a property that a message repeats, and the most of them.
const LONGEST_NAME: usize = 40;
const MOST_NAMES: usize = 100;

/// The areas of a file, and what was read of it so far.
#[derive(Default)]
struct Reading<'a> {
    property: &'a str,
    areas: Vec<InDegrees>,
    places: BTreeMap<String, usize>,
    points: usize,
    nodes: usize,
    /// The number of the feature that is read, from 1; 0 outside of features.
    feature: usize,
    fault: Option<BoundaryError>,
}

/// The areas of a file of bytes.
pub(super) fn read(bytes: &[u8], property: &str) -> Result<Vec<InDegrees>, BoundaryError> {
    let mut reading = Reading { property, ..Reading::default() };
    let mut json = serde_json::Deserializer::from_slice(bytes);
    // Deeper nesting than 128 is refused by the reader of JSON.
    let read = Collection(&mut reading).deserialize(&mut json).and_then(|()| json.end());
    match (reading.fault, read) {
        (Some(fault), _) => Err(fault),
        (None, Ok(())) => Ok(reading.areas),
        (None, Err(error)) => Err(match reading.feature {
            0 => BoundaryError::NoCollection(error.to_string()),
            feature => BoundaryError::Malformed { feature, why: error.to_string() },
        }),
    }
}

impl Reading<'_> {
    /// Ends the reading with a fault.
    fn stop<E: Error>(&mut self, fault: BoundaryError) -> E {
        self.fault = Some(fault);
        E::custom("the file is refused")
    }

    fn add(&mut self, properties: Properties, shape: Option<Shape>) -> Result<(), BoundaryError> {
        let feature = self.feature;
        let Properties { code, has } = properties;
        if code.is_empty() {
            return Err(BoundaryError::NoCode { feature, property: self.property.to_owned(), has });
        }
        if code.chars().count() > LONGEST_CODE {
            let why = format!("its code has more than {LONGEST_CODE} characters");
            return Err(BoundaryError::Malformed { feature, why });
        }
        let Some(Shape { kind, coordinates }) = shape else {
            return Err(BoundaryError::NoArea(feature));
        };
        let polygons = match (kind.as_str(), coordinates) {
            ("Polygon", Some(rings)) => vec![rings],
            ("MultiPolygon", Some(polygons)) => polygons.list(feature)?,
            ("Polygon" | "MultiPolygon", None) => {
                let why = "it has no coordinates".to_owned();
                return Err(BoundaryError::Malformed { feature, why });
            }
            _ => return Err(BoundaryError::NoArea(feature)),
        };
        let mut rings = Vec::new();
        for polygon in polygons {
            for ring in polygon.list(feature)? {
                let positions = ring.list(feature)?.into_iter();
                let ring: Vec<[f64; 2]> =
                    positions.map(|at| at.degrees(feature)).collect::<Result<_, _>>()?;
                if ring.len() < 4 || ring.first() != ring.last() {
                    return Err(BoundaryError::OpenRing(feature));
                }
                self.points += ring.len();
                if self.points > MOST_POINTS {
                    return Err(BoundaryError::TooManyPoints(feature));
                }
                rings.push(ring);
            }
        }
        if rings.is_empty() {
            return Err(BoundaryError::NoArea(feature));
        }
        if let Some(first) = self.places.insert(code.clone(), feature) {
            return Err(BoundaryError::TwiceTheCode { feature, first });
        }
        self.areas.push(InDegrees { code, rings });
        Ok(())
    }
}

/// The whole file.
struct Collection<'r, 'a>(&'r mut Reading<'a>);

impl<'de> DeserializeSeed<'de> for Collection<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Collection<'_, '_> {
    type Value = ();

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a collection of features")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut json: M) -> Result<(), M::Error> {
        let (mut is_collection, mut has_features) = (false, false);
        while let Some(key) = json.next_key::<String>()? {
            match key.as_str() {
                "type" => is_collection = json.next_value::<String>()? == "FeatureCollection",
                "crs"
                    if !json.next_value::<Option<Crs>>()?.is_none_or(|crs| crs.is_in_degrees()) =>
                {
                    return Err(self.0.stop(BoundaryError::NoDegrees { feature: None }));
                }
                "crs" => {}
                "features" => {
                    has_features = true;
                    json.next_value_seed(Features(self.0))?;
                }
                _ => drop(json.next_value::<IgnoredAny>()?),
            }
        }
        match (is_collection, has_features) {
            (false, _) => Err(M::Error::custom("its type is another")),
            (true, false) => Err(M::Error::custom("it has no features")),
            (true, true) if self.0.areas.is_empty() => Err(self.0.stop(BoundaryError::Empty)),
            (true, true) => Ok(()),
        }
    }
}

/// A named system of coordinates.
#[derive(Deserialize)]
struct Crs {
    #[serde(default)]
    properties: CrsProperties,
}

#[derive(Default, Deserialize)]
struct CrsProperties {
    name: Option<String>,
}

impl Crs {
    /// Whether it is WGS84, as files of before RFC 7946 name it. A file of RFC 7946 names none.
    fn is_in_degrees(&self) -> bool {
        let ends = |name: &String| ["CRS84", ":4326"].iter().any(|end| name.ends_with(end));
        self.properties.name.as_ref().is_some_and(ends)
    }
}

struct Features<'r, 'a>(&'r mut Reading<'a>);

impl<'de> DeserializeSeed<'de> for Features<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Features<'_, '_> {
    type Value = ();

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a list of features")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut json: S) -> Result<(), S::Error> {
        let mut all = 0;
        loop {
            if all == MOST_FEATURES {
                while json.next_element::<IgnoredAny>()?.is_some() {
                    all += 1;
                }
                if all > MOST_FEATURES {
                    return Err(self.0.stop(BoundaryError::TooManyFeatures(all)));
                }
                break;
            }
            self.0.feature = all + 1;
            if json.next_element_seed(Feature(&mut *self.0))?.is_none() {
                break;
            }
            all += 1;
        }
        self.0.feature = 0;
        Ok(())
    }
}

struct Feature<'r, 'a>(&'r mut Reading<'a>);

impl<'de> DeserializeSeed<'de> for Feature<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Feature<'_, '_> {
    type Value = ();

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a feature")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut json: M) -> Result<(), M::Error> {
        let (mut properties, mut shape) = (Properties::default(), None);
        while let Some(key) = json.next_key::<String>()? {
            match key.as_str() {
                "properties" => {
                    properties = json.next_value_seed(ReadProperties(self.0.property))?;
                }
                "geometry" => shape = json.next_value_seed(Geometry(&mut *self.0))?,
                _ => drop(json.next_value::<IgnoredAny>()?),
            }
        }
        self.0.add(properties, shape).map_err(|fault| self.0.stop(fault))
    }
}

/// The code of an area, and the names of what stands beside it.
#[derive(Default)]
struct Properties {
    code: String,
    has: Vec<String>,
}

struct ReadProperties<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for ReadProperties<'_> {
    type Value = Properties;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Properties, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ReadProperties<'_> {
    type Value = Properties;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("properties, or null")
    }

    fn visit_unit<E: Error>(self) -> Result<Properties, E> {
        Ok(Properties::default())
    }

    fn visit_map<M: MapAccess<'de>>(self, mut json: M) -> Result<Properties, M::Error> {
        let mut properties = Properties::default();
        while let Some(name) = json.next_key::<String>()? {
            match name == self.0 {
                true => properties.code = json.next_value::<Code>()?.0,
                false => drop(json.next_value::<IgnoredAny>()?),
            }
            if properties.has.len() < MOST_NAMES {
                properties.has.push(name.chars().take(LONGEST_NAME).collect());
            }
        }
        Ok(properties)
    }
}

/// A text or a number; nothing where it is anything else.
struct Code(String);

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(ReadCode)
    }
}

struct ReadCode;

impl<'de> Visitor<'de> for ReadCode {
    type Value = Code;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a code")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Code, E> {
        Ok(Code(text.trim().to_owned()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Code, E> {
        Ok(Code(number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Code, E> {
        Ok(Code(number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Code, E> {
        Ok(Code(number.to_string()))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Code, E> {
        Ok(Code(String::new()))
    }

    fn visit_unit<E: Error>(self) -> Result<Code, E> {
        Ok(Code(String::new()))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut json: S) -> Result<Code, S::Error> {
        while json.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Code(String::new()))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut json: M) -> Result<Code, M::Error> {
        while json.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Code(String::new()))
    }
}

/// A shape of any type.
struct Shape {
    kind: String,
    coordinates: Option<Nested>,
}

struct Geometry<'r, 'a>(&'r mut Reading<'a>);

impl<'de> DeserializeSeed<'de> for Geometry<'_, '_> {
    type Value = Option<Shape>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<Shape>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Geometry<'_, '_> {
    type Value = Option<Shape>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a geometry, or null")
    }

    fn visit_unit<E: Error>(self) -> Result<Option<Shape>, E> {
        Ok(None)
    }

    fn visit_map<M: MapAccess<'de>>(self, mut json: M) -> Result<Option<Shape>, M::Error> {
        let (mut kind, mut coordinates) = (None, None);
        while let Some(key) = json.next_key::<String>()? {
            match key.as_str() {
                "type" => kind = Some(json.next_value::<String>()?),
                "coordinates" => {
                    coordinates = Some(json.next_value_seed(Coordinates(&mut *self.0))?);
                }
                _ => drop(json.next_value::<IgnoredAny>()?),
            }
        }
        let kind = kind.ok_or_else(|| M::Error::missing_field("type"))?;
        Ok(Some(Shape { kind, coordinates }))
    }
}

/// Numbers in lists, in lists.
enum Nested {
    Number(f64),
    List(Vec<Nested>),
}

impl Nested {
    fn list(self, feature: usize) -> Result<Vec<Self>, BoundaryError> {
        match self {
            Self::List(all) => Ok(all),
            Self::Number(_) => {
                let why = "its coordinates are not nested as those of its type".to_owned();
                Err(BoundaryError::Malformed { feature, why })
            }
        }
    }

    /// A position; a height that it may have is left out.
    fn degrees(self, feature: usize) -> Result<[f64; 2], BoundaryError> {
        let position = self.list(feature)?;
        let [Self::Number(x), Self::Number(y), ..] = position[..] else {
            let why = "a position has fewer than two numbers".to_owned();
            return Err(BoundaryError::Malformed { feature, why });
        };
        let is_degrees = (-180.0..=180.0).contains(&x) && (-90.0..=90.0).contains(&y);
        is_degrees.then_some([x, y]).ok_or(BoundaryError::NoDegrees { feature: Some(feature) })
    }
}

struct Coordinates<'r, 'a>(&'r mut Reading<'a>);

impl Coordinates<'_, '_> {
    fn number<E: Error>(self, number: f64) -> Result<Nested, E> {
        self.count().map(|()| Nested::Number(number))
    }

    fn count<E: Error>(self) -> Result<(), E> {
        self.0.nodes += 1;
        match self.0.nodes > MOST_NODES {
            true => Err(self.0.stop(BoundaryError::TooManyPoints(self.0.feature))),
            false => Ok(()),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Coordinates<'_, '_> {
    type Value = Nested;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Nested, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Coordinates<'_, '_> {
    type Value = Nested;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("coordinates")
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Nested, E> {
        self.number(number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Nested, E> {
        self.number(number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Nested, E> {
        self.number(number as f64)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut json: S) -> Result<Nested, S::Error> {
        Coordinates(&mut *self.0).count()?;
        let mut all = Vec::new();
        while let Some(next) = json.next_element_seed(Coordinates(&mut *self.0))? {
            all.push(next);
        }
        Ok(Nested::List(all))
    }
}
