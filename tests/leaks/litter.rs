//! Files that systems leave in folders stop nothing, and are not read.

use minster_tests::deliveries::{
    Child, Council, cin, cin_child, cin_identifiers, cin_referral, pupils, zipped,
};

use crate::{CENSUS, LEFT, ROLL};

/// A note in place of what the system would write.
const NOTE: &[u8] = b"upn,surname\nno table\n";

const LITTER: [&str; 8] = [
    "Thumbs.db",
    "THUMBS.DB",
    "desktop.ini",
    "Desktop.ini",
    ".DS_Store",
    "~$x.csv",
    "~$2025_autumn_pupilonroll.csv",
    "._2025_autumn_pupilonroll.csv",
];

#[test]
fn litter_of_systems_in_a_folder_stops_nothing() {
    let council = Council::new(&[CENSUS, "cin"]);
    council.deliver(CENSUS, ROLL, pupils((1..=37).map(Child::at)));
    let child = |place: u32| {
        let identifiers = cin_identifiers(&format!("LC{place:04}"), &Child::at(place));
        cin_child(&identifiers, "WIRI", &cin_referral(""))
    };
    council.deliver("cin", "cin.xml", cin(&(1..=8).map(child).collect::<Vec<_>>()));
    for name in LITTER {
        council.deliver(CENSUS, name, NOTE);
        council.deliver("cin", name, NOTE);
    }
    council.deliver("cin", "~$cin.xml", NOTE);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.rows(CENSUS), [37, 37, 0, 0]);
    assert_eq!(ran.rows("cin"), [16, 16, 0, 0]);
}

#[test]
fn litter_of_systems_in_a_zip_stops_nothing() {
    let council = Council::new(&[CENSUS]);
    let roll = pupils((1..=37).map(Child::at));
    let inside = |folder: &str| LITTER.map(|name| format!("{folder}{name}"));
    let mac = [
        format!("__MACOSX/._{ROLL}"),
        format!("__MACOSX/autumn/._{ROLL}"),
        format!("autumn/__MACOSX/{LEFT}"),
        "__MACOSX/.DS_Store".to_owned(),
    ];
    let litter = [&mac[..], &inside(""), &inside("autumn/")].concat();
    let whole = format!("autumn/{ROLL}");
    let mut members: Vec<(&str, &[u8])> = litter.iter().map(|name| (name.as_str(), NOTE)).collect();
    members.push((&whole, roll.as_bytes()));
    council.deliver(CENSUS, "autumn.zip", zipped(&members));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.rows(CENSUS), [37, 37, 0, 0]);
}
