//! Texts that an auditor has compared with the registries: who may, what is told, what it costs, and what is recognised no more.

use minster_model::Role;
use minster_vault_api::{
    ComparedText, Denial, Recognisable, Recognised, Request, TextToken, frame,
};

use crate::common::{KINDS, PURPOSES, Site, batch, denial, kind, manifest};

const EMMA: &str = "SMITHJONES\u{1f}EMMA\u{1f}2010-03-04";

fn purposes() -> String {
    let kinds = KINDS.replace("\"match-key:name\"", "\"match-key:name\", \"match-key:name-dob\"");
    let all = PURPOSES.replace(KINDS, &kinds);
    assert_ne!(all, PURPOSES);
    all
}

/// A text of one line.
fn line(words: &[&str], born: &str) -> ComparedText {
    let words = words.iter().map(|word| TextToken::Word(word));
    ComparedText::of(words.chain([TextToken::Date(born)]))
}

const CHILD: Recognised = Recognised { children: 1, names: 0, birth_dates: 0, postcodes: 0 };

#[test]
fn a_child_of_any_purpose_is_recognised_by_the_auditor_alone() {
    let site = Site::with(&purposes());
    let serving = site.serve();
    let emma = || line(&["Emma", "Smith-Jones"], "2010-03-04");
    let mut auditor = serving.client(Role::Auditor).unwrap();
    assert_eq!(
        auditor.compare(vec![emma()]).unwrap(),
        (vec![Recognised::default()], Recognisable::default())
    );
    drop(auditor);
    serving.ask("health", "match-key:name-dob", &[EMMA]).unwrap();
    let mut auditor = serving.client(Role::Auditor).unwrap();
    let (found, known) = auditor.compare(vec![line(&["Emma"], "2010-03-04"), emma()]).unwrap();
    assert_eq!(found, [Recognised::default(), CHILD]);
    assert_eq!(known, Recognisable { names: true, birth_dates: true, postcodes: false });
    // A text that goes on in the next message is one text.
    let mut begin = ComparedText::default();
    begin.push(TextToken::Word("Emma"));
    let surname = [TextToken::Joined("Smith"), TextToken::Joined("Jones")];
    let rest = ComparedText::of(surname.into_iter().chain([TextToken::Date("2010-03-04")]));
    assert_eq!(auditor.compare(vec![begin.clone()]).unwrap().0, []);
    assert_eq!(auditor.compare(vec![rest]).unwrap().0, [CHILD]);
    // One that goes on is its message's last.
    let refused = denial(auditor.compare(vec![begin, emma()]));
    assert!(matches!(refused, Denial::OutOfOrder { .. }), "{refused}");
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Auditor) {
        let refused = denial(serving.client(role).unwrap().compare(vec![emma()]));
        assert!(matches!(refused, Denial::RoleForbids { .. }), "{role}: {refused}");
    }
    let log = std::fs::read_to_string(site.log()).unwrap();
    let compared = log.lines().filter(|line| line.contains("\"compared\"")).count();
    assert_eq!(compared, 3);
    assert!(!log.contains("Emma") && !log.contains("EMMA") && !log.contains("2010-03-04"));
}

#[test]
fn a_day_s_guesses_end_and_a_restart_begins_no_other() {
    let site = Site::with(&purposes());
    let mut serving = site.serve();
    serving
        .ask("education", "match-key:name-dob", &[EMMA, "KHAN\u{1f}OMAR\u{1f}2011-05-06"])
        .unwrap();
    let mut answered = 0;
    let denied = loop {
        if answered == 100 {
            drop(serving);
            serving = site.serve();
        }
        let mut auditor = serving.client(Role::Auditor).unwrap();
        // A text that tells of nobody costs nothing.
        auditor.compare(vec![line(&["Omar", "Nobody"], "1999-01-01")]).unwrap();
        match auditor.compare(vec![line(&["Emma", "Smith-Jones"], "2011-05-06")]) {
            Ok((found, _)) => assert_eq!(found, [Recognised::default()]),
            refused => break denial(refused),
        }
        answered += 1;
        assert!(answered <= 200, "a day has 200 guesses");
    };
    assert_eq!((denied, answered), (Denial::OverComparisons { budget: 2_000 }, 200));
}

#[test]
fn texts_that_are_none_are_refused() {
    let site = Site::with(&purposes());
    let serving = site.serve();
    let mut client = serving.client(Role::Ingest).unwrap();
    client.open_run(manifest("education", "census", 9)).unwrap();
    client.pseudonymise(&kind("match-key:name-dob"), batch(&[EMMA])).unwrap();
    // Bytes that are no tokens, as a foreign program may send them.
    let text = line(&["Emma"], "2010-03-04");
    let mut bytes = Vec::new();
    frame::write(&mut bytes, &Request::Compare(vec![text])).unwrap();
    let at = bytes.windows(5).position(|window| window == b"wEmma").unwrap();
    bytes[at] = b'?';
    let Ok(Request::Compare(broken)) = frame::read(&mut bytes.as_slice()) else {
        panic!("no message")
    };
    let refused = denial(serving.client(Role::Auditor).unwrap().compare(broken));
    assert!(matches!(refused, Denial::OutOfOrder { .. }), "{refused}");
}
