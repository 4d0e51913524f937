//! Wards, localities, schools and postcodes of the made-up council.

/// Wards with their weight and locality.
pub(crate) const WARDS: [(&str, u32, &str); 30] = [
    ("Abbey", 60, "Central"),
    ("Alder Green", 34, "North"),
    ("Bankside", 52, "Central"),
    ("Beacon Hill", 21, "North"),
    ("Brickfields", 47, "East"),
    ("Canal", 40, "East"),
    ("Castle", 38, "Central"),
    ("Chapel Fields", 25, "South"),
    ("Cross Lanes", 30, "West"),
    ("Dale End", 12, "West"),
    ("Eastgate", 55, "East"),
    ("Ferry", 28, "South"),
    ("Foxholes", 9, "North"),
    ("Guildhall", 33, "Central"),
    ("Hartley", 18, "West"),
    ("Highfield", 26, "North"),
    ("Ings", 15, "East"),
    ("Kingsmead", 42, "South"),
    ("Lark Rise", 24, "South"),
    ("Market", 49, "Central"),
    ("Mill Pond", 22, "West"),
    ("Northway", 36, "North"),
    ("Old Quarry", 11, "West"),
    ("Park", 44, "Central"),
    ("Queensway", 39, "South"),
    ("Riverside", 58, "East"),
    ("St Brannock", 20, "South"),
    ("Tannery", 31, "East"),
    ("Upper Moor", 6, "North"),
    ("Whitebeam", 27, "West"),
];

/// The wards' boundaries, as GeoJSON: each is a square, and all together are six columns of five in the North Sea.
pub(crate) fn boundaries() -> String {
    const COLUMNS: usize = 6;
    let (wide, high) = (0.034, 0.02);
    let feature = |(ward, (name, _, _)): (usize, &(&str, u32, &str))| {
        let (column, row) = (ward % COLUMNS, ward / COLUMNS);
        let corner = |x: usize, y: usize| {
            // As many decimals as such files have.
            let round = |of: f64| (of * 1e5).round() / 1e5;
            [round(1.5 + wide * (column + x) as f64), round(54.5 - high * (row + y) as f64)]
        };
        let ring = [corner(0, 0), corner(0, 1), corner(1, 1), corner(1, 0), corner(0, 0)];
        serde_json::json!({
            "type": "Feature",
            "properties": { "WD24CD": format!("E0509{:04}", ward + 1), "WD24NM": name },
            "geometry": { "type": "Polygon", "coordinates": [ring] },
        })
    };
    let features: Vec<serde_json::Value> = WARDS.iter().enumerate().map(feature).collect();
    format!("{}\n", serde_json::json!({ "type": "FeatureCollection", "features": features }))
}

/// The constituency of a ward: they cut across the localities.
pub(crate) fn constituency(ward: usize) -> &'static str {
    ["Mereford Vale", "Mereford Moor", "Mereford Quays"][ward % 3]
}

/// Postcodes of a ward.
pub(crate) const POSTCODES: u64 = 120;

/// The `number`-th postcode of a ward.
pub(crate) fn postcode(ward: usize, number: u64) -> String {
    const LETTERS: &[u8; 20] = b"ABDEFGHJLNPQRSTUWXYZ";
    let (first, second) = (LETTERS[(number / 20 % 20) as usize], LETTERS[(number % 20) as usize]);
    format!("MZ{} {}{}{}", ward + 1, number % 9 + 1, char::from(first), char::from(second))
}

/// Schools: about one for 300 pupils, every third a secondary.
pub(crate) fn schools(pupils: u64) -> u64 {
    pupils.div_ceil(300).clamp(3, 3000)
}

pub(crate) fn is_secondary(school: u64) -> bool {
    school % 3 == 2
}

/// The school's code.
pub(crate) fn code(school: u64) -> String {
    format!("SCH{:03}", school + 1)
}
