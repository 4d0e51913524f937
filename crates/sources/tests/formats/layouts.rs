//! Versions of a layout, and shared code lists.

use minster_sources::{
    Catalogue, CodeList, CodeLists, DefinitionError, Treatment, UnknownCode, layouts,
};

const BASE: &str = r#"
name = "returns"
format = "csv"
years = ["2022", "2023-24"]
[[table]]
name = "header"
file = "header.csv"
[table.columns]
CHILD = { treatment = "bridge", kind = "la-child-id" }
SEX = { treatment = "code", codes = "sex" }
NOTE = { treatment = "drop" }
"#;

fn lists() -> CodeLists {
    let sex = CodeList::parse("codes = ['M', 'F']\nmap = { 1 = 'M' }\nunknown = 'F'").unwrap();
    CodeLists::from([("sex".to_owned(), std::sync::Arc::new(sex))])
}

fn with(version: &str) -> Result<Vec<minster_sources::Definition>, DefinitionError> {
    layouts(&format!("{BASE}\n[[version]]\nyears = ['2024-25']\n{version}"), &lists())
}

#[test]
fn a_version_is_its_difference_from_the_one_before() {
    let versions = with(
        "[version.remove]\nheader = ['NOTE']\n[version.rename.header]\nCHILD = 'CHILDID'\n[version.change.header]\nSEX = { treatment = 'drop' }\n[version.add.header]\nUPN = { treatment = 'pseudonymise', kind = 'upn' }\n[[version.table]]\nname = 'dolo'\nfile = 'dolo.csv'\n[version.table.columns]\nCHILD = { treatment = 'drop' }\n[[version]]\nyears = ['2025-26']\nname = 'returns_xlsx'\nformat = 'xlsx'\nremove_tables = ['dolo']\n[version.place.header]\nfile = '*.xlsx'\nsheet = 'Header'",
    )
    .unwrap();
    assert_eq!(versions.len(), 3);
    let columns = |version: usize| {
        versions[version].tables[0].columns.keys().map(String::as_str).collect::<Vec<_>>()
    };
    assert_eq!(columns(0), ["CHILD", "NOTE", "SEX"]);
    assert_eq!(columns(1), ["CHILDID", "SEX", "UPN"]);
    assert_eq!(versions[1].tables[0].output_name("CHILDID"), "child");
    assert_eq!(versions[1].tables[0].columns["SEX"].treatment, Treatment::Drop);
    assert_eq!(versions[1].tables[1].name.as_str(), "dolo");
    assert_eq!((versions[2].tables.len(), versions[2].name.as_str()), (1, "returns_xlsx"));
    assert_eq!(versions[2].tables[0].sheets, ["Header"]);
    assert_eq!(columns(2), columns(1));
}

#[test]
fn a_difference_that_is_none_is_named() {
    for (version, named) in [
        ("[version.remove]\nheader = ['NOTES']", "remove.header.NOTES"),
        ("[version.remove]\nheaders = ['NOTE']", "table headers"),
        ("[version.rename.header]\nNOTES = 'N'", "rename.header.NOTES"),
        ("[version.rename.header]\nNOTE = 'SEX'", "rename.header.NOTE"),
        ("[version.change.header]\nNOTES = { treatment = 'drop' }", "change.header.NOTES"),
        ("[version.add.header]\nNOTE = { treatment = 'drop' }", "add.header.NOTE"),
        ("[version.add.header]\nN = { treatment = 'keep' }", "column N"),
    ] {
        let error = with(version).unwrap_err().to_string();
        assert!(error.contains(named) && error.contains("2024-25"), "{error}");
    }
}

#[test]
fn exactly_one_version_fits_a_period() {
    let text = |years: &str| format!("{BASE}\n[[version]]\nyears = [{years}]");
    assert!(layouts(&text("'2024'"), &lists()).is_ok());
    for years in ["'2023'", "'2022-23'", "'2023-24'", "'2024', '2024-25', '2022'", "''", ""] {
        assert!(layouts(&text(years), &lists()).is_err(), "{years}");
    }
}

#[test]
fn a_shared_list_is_one_list() {
    let version = &layouts(BASE, &lists()).unwrap()[0];
    let Treatment::Code(codes) = &version.tables[0].columns["SEX"].treatment else {
        panic!("a code");
    };
    assert_eq!(codes.find("1", None).unwrap().code, "M");
    assert_eq!(codes.unknown, UnknownCode::Becomes("F".to_owned()));
    let error = layouts(BASE, &CodeLists::new()).unwrap_err().to_string();
    assert!(error.contains("codes/sex.toml"), "{error}");
}

#[test]
fn a_catalogue_finds_the_version_and_hashes_all_that_it_depends_on() {
    let folder = tempfile::tempdir().unwrap();
    let (file, codes) = (folder.path().join("r.toml"), folder.path().join("codes"));
    std::fs::create_dir(&codes).unwrap();
    std::fs::write(&file, format!("{BASE}\n[[version]]\nyears = ['2024-25']")).unwrap();
    std::fs::write(codes.join("sex.toml"), "codes = ['M']").unwrap();
    let catalogue = Catalogue::load(folder.path()).unwrap();
    let name = "returns".parse().unwrap();
    let find = |period: &str| catalogue.find(&name, &period.parse().unwrap());
    assert_eq!(find("2022-23").unwrap().definition.years[0], "2022");
    assert_eq!(find("2024-25").unwrap().definition.years, ["2024-25"]);
    assert!(find("2021-22").is_none() && catalogue.knows(&name));
    assert!(find("2024-25").unwrap().text.ends_with("codes = ['M']"));
    std::fs::write(folder.path().join("again.toml"), BASE).unwrap();
    // `again.toml` comes first: the other one is set apart, and told.
    let catalogue = Catalogue::load(folder.path()).unwrap();
    assert_eq!((catalogue.entries().len(), catalogue.broken().len()), (1, 1));
    let error = catalogue.broken()[0].to_string();
    assert!(error.contains("r.toml") && error.contains("two versions"), "{error}");
}

#[test]
fn the_example_s_definitions_are_whole() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/sources");
    let catalogue = Catalogue::load(&folder).unwrap();
    let find = |name: &str, period: &str| {
        catalogue.find(&name.parse().unwrap(), &period.parse().unwrap()).unwrap().definition.clone()
    };
    let tables = |period| find("ssda903", period).tables.len();
    assert_eq!((tables("2022-23"), tables("2023-24"), tables("2024-25")), (10, 12, 12));
    assert_eq!(find("ssda903_xlsx", "2024-25").format, minster_sources::Format::Xlsx);
    assert_eq!(find("annex_a", "2024").tables.len(), 11);
}
