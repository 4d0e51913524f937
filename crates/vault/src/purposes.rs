//! `purposes.toml`: the statistical purposes that have a key, what each is for and what it may do.

use std::path::Path;

use jiff::civil::Date;
use minster_model::{Purpose, Role};
use serde::Deserialize;

pub(crate) use minster_vault_api::MOST_KINDS;
pub use minster_vault_api::{Budget, PurposeDefinition, ReleaseFloors, today};

use crate::VaultFault;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PurposesFile {
    #[serde(default)]
    purpose: Vec<PurposeDefinition>,
}

/// All purposes of a file's text; `path` is for the message.
pub fn parse_all(text: &str, path: &Path) -> Result<Vec<PurposeDefinition>, VaultFault> {
    let wrong = |why: String| VaultFault::File { path: path.to_owned(), why };
    let PurposesFile { purpose } =
        toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
    for (at, definition) in purpose.iter().enumerate() {
        definition.check().map_err(wrong)?;
        if purpose[..at].iter().any(|other| other.name == definition.name) {
            return Err(wrong(format!("the purpose {} stands there twice", definition.name)));
        }
        let of = |other: &PurposeDefinition| {
            let (one, other) = (definition.notice.as_ref()?, other.notice.as_ref()?);
            (one.version == other.version && one.day != other.day).then_some(one.version)
        };
        if let Some(version) = purpose[..at].iter().find_map(of) {
            return Err(wrong(format!(
                "version {version} of the privacy notice has two days there, one of them at the purpose {}",
                definition.name
            )));
        }
    }
    Ok(purpose)
}

/// The one purpose of a text with a single `[[purpose]]`.
pub fn parse_one(text: &str) -> Result<PurposeDefinition, String> {
    let mut all = parse_all(text, Path::new("purposes.toml")).map_err(|fault| fault.to_string())?;
    match (all.pop(), all.is_empty()) {
        (Some(one), true) => Ok(one),
        _ => Err("one purpose is proposed at a time".into()),
    }
}

/// A purpose as an earlier release knew it: a name, a text, perhaps an end.
pub(crate) fn of_format_1(
    name: Purpose,
    text: String,
    expires: Option<Date>,
    run: u64,
) -> PurposeDefinition {
    PurposeDefinition {
        name,
        text,
        legal_basis: String::new(),
        notice: None,
        sources: None,
        columns: None,
        kinds: None,
        roles: Role::ALL.to_vec(),
        budget: Budget { run, day: u64::MAX },
        repairs: None,
        linkage: None,
        households: false,
        audiences: None,
        release: Box::default(),
        expires,
    }
}

#[cfg(test)]
mod tests {
    use minster_model::policy::Zeros;
    use minster_vault_api::{Floors, Previews, ReadColumns};

    use super::*;

    const ONE: &str = "[[purpose]]\nname = \"p\"\ntext = \"Statistics\"\nlegal_basis = \"UK GDPR 6(1)(e)\"\n\
        notice = { version = 1, day = \"2026-09-01\", sentence = \"We count children.\" }\naudiences = [\"council-teams\", \"partners\", \"public\"]\n\
        sources = [\"census\"]\nkinds = [\"upn\", \"match-key:address\"]\nroles = [\"ingest\"]\nbudget = { run = 10, day = 20 }\nexpires = \"2030-12-31\"\n";

    const KINDS: &str = "kinds = [\"upn\", \"match-key:address\"]\n";

    #[test]
    fn kinds_are_a_closed_list() {
        let (upn, other) = ("upn".parse().unwrap(), "made-up".parse().unwrap());
        let some = parse_one(ONE).unwrap();
        assert!(some.allows_kind(&upn) && !some.allows_kind(&other));
        let many: Vec<String> = (0..=MOST_KINDS).map(|n| format!("\"k{n}\"")).collect();
        let many = ONE.replace(KINDS, &format!("kinds = [{}]\n", many.join(", ")));
        assert!(parse_one(&many).unwrap_err().contains("over 256 kinds"));
    }

    #[test]
    fn addresses_need_households_also_where_their_kind_is_named() {
        let (address, upn) = ("match-key:address".parse().unwrap(), "upn".parse().unwrap());
        let allows = |more: &str| {
            let purpose = parse_one(&ONE.replace(KINDS, &format!("{KINDS}{more}")));
            let purpose = purpose.unwrap();
            (purpose.allows_kind(&address), purpose.allows_kind(&upn))
        };
        assert_eq!(allows(""), (false, true));
        assert_eq!(allows("households = true\n"), (true, true));
        let named = ONE.replace(KINDS, "households = true\nkinds = [\"upn\"]\n");
        assert!(!parse_one(&named).unwrap().allows_kind(&address));
    }

    #[test]
    fn each_part_is_asked_for_by_name() {
        assert!(parse_one(ONE).unwrap().allows(&"census".parse().unwrap()));
        for (part, word) in [
            ("text = \"Statistics\"", "text"),
            ("legal_basis = \"UK GDPR 6(1)(e)\"", "legal_basis"),
            ("sources = [\"census\"]\n", "sources"),
            (
                "notice = { version = 1, day = \"2026-09-01\", sentence = \"We count children.\" }\n",
                "notice",
            ),
            ("audiences = [\"council-teams\", \"partners\", \"public\"]\n", "audiences"),
            (KINDS, "kinds"),
            ("expires = \"2030-12-31\"", "expires"),
            ("roles = [\"ingest\"]", "roles"),
            ("budget = { run = 10, day = 20 }", "budget"),
        ] {
            let why = parse_one(&ONE.replace(part, "")).unwrap_err();
            assert!(why.contains(word), "{word}: {why}");
        }
        assert!(parse_one(&ONE.replace("day = 20", "day = 2")).is_err());
        assert_eq!(parse_one(ONE).unwrap().repairs, None);
        for (day, good) in [(5, true), (4, false)] {
            let repairs = format!("repairs = {{ run = 5, day = {day} }}\nroles");
            let parsed = parse_one(&ONE.replace("roles", &repairs));
            assert_eq!(parsed.is_ok(), good);
        }
        let linkage = |budget: &str| parse_one(&format!("{ONE}linkage = {budget}"));
        assert!(linkage("{ run = 5, day = 4 }").is_err());
        assert_eq!(
            linkage("{ run = 4, day = 5 }").unwrap().linkage,
            Some(Budget { run: 4, day: 5 })
        );
        assert!(parse_one(&format!("{ONE}{ONE}")).is_err());
        assert!(parse_one("").is_err());
    }

    #[test]
    fn a_notice_has_a_version_a_day_and_a_sentence() {
        for (part, other) in [
            ("version = 1", "version = 0"),
            ("2026-09-01", "September"),
            ("We count children.", " "),
        ] {
            let why = parse_one(&ONE.replace(part, other)).unwrap_err();
            assert!(why.contains("notice"), "{other}: {why}");
        }
    }

    #[test]
    fn columns_are_named_of_each_source_and_of_no_other() {
        let with = |columns: &str| parse_one(&format!("{ONE}[purpose.columns]\n{columns}"));
        let purpose = with("census = { pupils = [\"upn\"] }\n").unwrap();
        let read = |column: &str| ReadColumns {
            table: "pupils".parse().unwrap(),
            columns: vec![column.parse().unwrap()],
        };
        let census = "census".parse().unwrap();
        assert!(purpose.outside(&census, &[read("upn")]).is_empty());
        assert_eq!(purpose.outside(&census, &[read("sex")]).len(), 1);
        // A purpose that names no columns has those of its sources.
        assert!(parse_one(ONE).unwrap().outside(&census, &[read("sex")]).is_empty());
        assert!(with("").unwrap_err().contains("does not say which of census"));
        let strange = with("census = \"all\"\npolice = \"all\"\n").unwrap_err();
        assert!(strange.contains("names columns of police"), "{strange}");
        assert!(with("census = \"most\"\n").is_err());
    }

    #[test]
    fn the_floors_of_a_purpose_are_those_of_its_text() {
        let floors: ReleaseFloors = toml::from_str(
            "persons = 2\nthreshold = 5\nzeros = \"unsafe\"\ninsider = 1\np_percent = 10\nmethods = [\"suppress\"]\npreviews = \"shapes\"\n",
        )
        .unwrap();
        let expected = Floors {
            threshold: Some(5),
            zeros: Some(Zeros::Unsafe),
            insider: Some(1),
            p_percent: Some(10),
            methods: vec!["suppress".into()],
            previews: Previews::Shapes,
        };
        assert_eq!((floors.persons, floors.floors()), (2, expected));
    }
}
