//! Facts for a data protection impact assessment: what is read, for how many children, by whom, and which risks are known.

use std::fmt::Write as _;

use maud::{Markup, html};
use minster_matcher::CHILDREN;
use minster_model::coarse;
use minster_store::{Store, StoreError};
use serde::Serialize;

use super::{Delivery, Dropped, Kept, Measure, Site, Used, measures, page as pages};
use crate::{
    failure::Failure,
    purposes::{Named, lines},
    stages,
};

/// The facts.
#[derive(Serialize)]
pub(super) struct Facts {
    format: u32,
    purposes: Vec<Named>,
    deliveries: Vec<Columns>,
    children: Vec<Children>,
    roles: Vec<Holder>,
    measures: Vec<Measure>,
    risks: Vec<Risk>,
}

/// The fate of a delivery's columns.
#[derive(Serialize)]
struct Columns {
    source: String,
    period: String,
    /// Kept as they are, as `table.column`.
    kept: Vec<String>,
    /// Changed, as `table.column: how`.
    treated: Vec<String>,
    /// In no dataset, but match keys or parts for scored matching are made of them, as `table.column: what` of the file.
    used: Vec<String>,
    /// Dropped, and nothing is made of them, as `table.column` of the file.
    dropped: Vec<String>,
}

/// The children of a period, to the nearest 5; none where it was not linked.
#[derive(Serialize)]
struct Children {
    period: String,
    children: Option<u64>,
}

/// The holder of a role.
#[derive(Serialize)]
struct Holder {
    role: String,
    uid: u32,
    until: Option<String>,
}

/// A risk, and the section of `docs/threats.md` that tells of it.
#[derive(Serialize, Clone, Copy)]
struct Risk {
    what: &'static str,
    section: &'static str,
}

const RISKS: [Risk; 14] = [
    Risk { what: "somebody tries out numbers at the vault", section: "Trying out numbers" },
    Risk { what: "a caller makes the vault slow or full", section: "Who may cost the vault what" },
    Risk { what: "a mistyped number is repaired to another child's", section: "What repairs add" },
    Risk { what: "a birth date is recognised", section: "What is kept of a birth date" },
    Risk { what: "an address is recognised", section: "Keyed addresses" },
    Risk { what: "parts of names are compared", section: "Parts for scored matching" },
    Risk { what: "ingestion sees raw rows", section: "What ingestion gets to see" },
    Risk { what: "previews side by side tell more than each", section: "What a preview adds" },
    Risk {
        what: "risk reports side by side tell more than each",
        section: "What a risk report adds",
    },
    Risk { what: "a child's records leave in a bundle", section: "An access bundle" },
    Risk {
        what: "records that were made inaccessible are opened again",
        section: "A sealed archive",
    },
    Risk {
        what: "a purpose is over, and copies of its data stand",
        section: "The end of a purpose",
    },
    Risk { what: "why a number is withheld tells of it", section: "What an explanation adds" },
    Risk { what: "what nobody defends", section: "Not defended" },
];

impl Facts {
    pub(super) fn of(site: &Site) -> Result<Self, Failure> {
        let named = |definition: &minster_vault_api::PurposeDefinition| {
            Named::of(definition.clone(), &site.status)
        };
        let roles = site.status.roles.iter().map(|of| Holder {
            role: of.role.to_string(),
            uid: of.uid,
            until: of.until.clone(),
        });
        Ok(Self {
            format: 1,
            purposes: site.purposes.iter().map(named).collect(),
            deliveries: site.deliveries.iter().map(Columns::of).collect(),
            children: children(site)?,
            roles: roles.collect(),
            measures: measures(&site.status),
            risks: RISKS.to_vec(),
        })
    }
}

impl Columns {
    fn of(delivery: &Delivery) -> Self {
        let is_kept = |column: &&Kept| column.treatment.starts_with("kept");
        let (kept, treated): (Vec<&Kept>, Vec<&Kept>) = delivery.columns.iter().partition(is_kept);
        let name = |of: &Kept| format!("{}.{}", of.table, of.name);
        let dropped =
            delivery.dropped.iter().map(|Dropped { table, file }| format!("{table}.{file}"));
        let used = delivery.used.iter().map(|Used { table, file, used_for }| {
            format!("{table}.{file}: {}", used_for.join(" and "))
        });
        Self {
            source: delivery.source.clone(),
            period: delivery.period.clone(),
            kept: kept.into_iter().map(name).collect(),
            treated: treated
                .into_iter()
                .map(|of| format!("{}: {}", name(of), of.treatment))
                .collect(),
            used: used.collect(),
            dropped: dropped.collect(),
        }
    }
}

/// The rows of each period's table of children, from its manifest alone.
fn children(site: &Site) -> Result<Vec<Children>, Failure> {
    let store = Store::inspect(&site.loaded.pipeline.store)?;
    let mut all = Vec::new();
    for period in site.loaded.pipeline.periods.iter() {
        let dataset = stages::children(&site.loaded, &period.name)?;
        let rows = match store.manifest(&dataset) {
            Ok((manifest, _)) => {
                let table = manifest.tables.iter().find(|of| of.name.as_str() == CHILDREN);
                table.map(|of| coarse(of.rows))
            }
            // It was never linked.
            Err(StoreError::NoDataset { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        all.push(Children { period: period.name.to_string(), children: rows });
    }
    Ok(all)
}

fn children_rows(facts: &Facts) -> Vec<Vec<String>> {
    let of = |of: &Children| {
        let count = of.children.map_or("not linked".to_owned(), |count| format!("about {count}"));
        vec![of.period.clone(), count]
    };
    facts.children.iter().map(of).collect()
}

fn role_rows(facts: &Facts) -> Vec<Vec<String>> {
    let of = |of: &Holder| {
        let until = of.until.clone().unwrap_or_else(|| "without end".to_owned());
        vec![of.role.clone(), format!("uid {}", of.uid), until]
    };
    facts.roles.iter().map(of).collect()
}

/// For people, without a page.
pub(super) fn text(facts: &Facts) -> String {
    let mut text = String::from("Facts for a data protection impact assessment\n\nchildren\n");
    for row in children_rows(facts) {
        let _ = writeln!(text, "  {}: {}", row[0], row[1]);
    }
    text += "\npurposes\n";
    for named in &facts.purposes {
        let _ = writeln!(text, "  {}", named.definition.name);
        for (name, value) in lines(named) {
            let _ = writeln!(text, "    {name:<9} {value}");
        }
    }
    text += "\nsources\n";
    for Columns { source, period, kept, treated, used, dropped } in &facts.deliveries {
        let [kept, treated, used, dropped] = [kept, treated, used, dropped].map(Vec::len);
        let _ = writeln!(
            text,
            "  {source} {period}: {kept} columns kept, {treated} treated, {used} used for keys or scored matching, {dropped} dropped; --json and --html name them"
        );
    }
    text += "\nroles\n";
    for row in role_rows(facts) {
        let _ = writeln!(text, "  {}: {}, {}", row[0], row[1], row[2]);
    }
    text += "\nmeasures of security\n";
    for Measure { what, here, evidence } in &facts.measures {
        let _ = writeln!(text, "  {}: {what} ({evidence})", here.words());
    }
    text += "\nrisks that are known: docs/threats.md\n";
    for Risk { what, section } in &facts.risks {
        let _ = writeln!(text, "  {what}: \"{section}\"");
    }
    text
}

/// As a page.
pub(super) fn page(facts: &Facts) -> Markup {
    let risks: Vec<Vec<String>> = facts
        .risks
        .iter()
        .map(|of| vec![of.what.to_owned(), format!("docs/threats.md, \"{}\"", of.section)])
        .collect();
    let none = |all: &[String]| if all.is_empty() { "none".to_owned() } else { all.join(", ") };
    let body = html! {
        p {
            "From the definitions, the vault and the manifests as they are now. The officer assesses; this page says what there is "
            "to assess. It stays inside the council."
        }
        h2 { "Children" }
        (pages::table("Children by period, to the nearest 5", &["Period", "Children"], &children_rows(facts), &[1]))
        h2 { "Purposes" }
        @for named in &facts.purposes {
            h3 { (named.definition.name) }
            (pages::facts(&super::processing::capital(lines(named))))
        }
        h2 { "Sources" }
        p { "Each column of a file is kept as it is, changed, used for keyed hashes alone, or dropped. One that no definition knows stops its source." }
        @for Columns { source, period, kept, treated, used, dropped } in &facts.deliveries {
            h3 { (source) " " (period) }
            (pages::facts(&[
                (format!("Kept ({})", kept.len()), none(kept)),
                (format!("Changed ({})", treated.len()), none(treated)),
                (format!("Used for keys or scored matching ({})", used.len()), none(used)),
                (format!("Dropped ({})", dropped.len()), none(dropped)),
            ]))
        }
        h2 { "Roles" }
        (pages::table("Holders of roles", &["Role", "Account", "Until"], &role_rows(facts), &[]))
        (pages::measures(&facts.measures))
        h2 { "Risks that are known" }
        (pages::table("Risks", &["Risk", "Told in"], &risks, &[]))
    };
    pages::page("Facts for a data protection impact assessment", &body)
}

#[cfg(test)]
mod tests {
    use super::RISKS;

    #[test]
    fn each_risk_leads_to_a_section_of_the_page_and_each_section_to_a_risk() {
        let page = minster_tests::root().join("docs/threats.md");
        let page = std::fs::read_to_string(page).unwrap();
        let told: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        let known: Vec<&str> = RISKS.iter().map(|risk| risk.section).collect();
        assert_eq!(told, known);
    }
}
