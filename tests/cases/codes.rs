//! Codes as councils write them.

use minster_tests::deliveries::{
    Child, Council, Dimension, by_name, episodes_903, header_903, header_903_row, pupils,
};

use crate::{CENSUS, values::table};

#[test]
fn an_extended_ethnicity_counts_as_its_main_code_and_an_unknown_one_is_told() {
    let codes = [("WSCO", 50), ("WBRI", 25), ("BNGN", 22), ("AMPK", 20), ("OIRN", 17), ("ZZZZ", 6)];
    let codes = codes.iter().flat_map(|(code, pupils)| vec![*code; *pupils]);
    let children = codes.zip(1..).map(|(code, place)| {
        let ethnicity = code.to_owned();
        Child { ethnicity, ..Child::at(place) }
    });
    let council = Council::new(&[CENSUS]);
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils(children));
    council.release(&[Dimension::of("ethnicity", "ethnicity")]);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.rows(CENSUS), [140, 140, 0, 0]);
    assert_eq!(ran.cells(CENSUS), ["6 of 140 in ethnicity of pupils: unknown, unknown-code"]);
    assert_eq!(
        council.released(),
        ["All,140,", "APKN,20,", "BAFR,22,", "NOBT,6,", "OOTH,17,", "WBRI,75,", "Unknown,0,"]
    );
}

#[test]
fn codes_and_pupil_numbers_in_lower_case_are_the_same_codes_and_numbers() {
    let lower = |place: u32| {
        let child = Child::at(place);
        let ethnicity = if place.is_multiple_of(2) { "aind" } else { "wbri" }.to_owned();
        Child { ethnicity, sex: child.sex.to_lowercase(), ..child }
    };
    let council = Council::new(&[CENSUS, "ssda903"]);
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils((1..=70).map(lower)));
    let number = |place: u32| format!("ch{place:03}");
    let rows = (1..=26).map(|place| {
        let child = lower(place);
        let upn = child.upn.to_lowercase();
        header_903_row(&number(place), &Child { upn, ..child })
    });
    council.deliver("ssda903", "header.csv", header_903(&rows.collect::<Vec<_>>()));
    let episodes = episodes_903(&(1..=26).map(number).collect::<Vec<_>>());
    let episodes = episodes.replace("S,V2,N4,U4", "s,v2,n4,u4");
    council.deliver("ssda903", "episodes.csv", episodes);
    council.release(&[
        Dimension::counting("looked_after", "looked_after_episodes"),
        Dimension::of("ethnicity", "ethnicity"),
    ]);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.rows("ssda903"), [52, 52, 0, 0]);
    assert_eq!(ran.cells("ssda903"), [""; 0]);
    assert_eq!(ran.linked("ssda903/header"), by_name(&[("identifier", 26)]));
    let released: Vec<String> =
        council.released().into_iter().filter(|row| !row.ends_with(",0,")).collect();
    assert_eq!(
        released,
        [
            "All,All,70,",
            "All,AIND,35,",
            "All,WBRI,35,",
            "none,All,44,",
            "none,AIND,22,",
            "none,WBRI,22,",
            "one,All,26,",
            "one,AIND,13,",
            "one,WBRI,13,",
        ]
    );
    let values = table(&council.site, "ssda903", "episodes");
    for (column, code) in [("rne", "S"), ("ls", "V2"), ("cin", "N4"), ("place", "U4")] {
        assert_eq!(values.column(column), [code; 26]);
    }
}
