use minster_model::policy::Zeros;

/// The values that a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Texts: they divide, and are chosen.
    Text,
    /// Whole numbers: they are summed, put into bands and compared.
    Number,
    /// Dates: they are compared.
    Day,
    /// Yes or no.
    Truth,
    /// A derived column, which may be any of them.
    Any,
}

impl Kind {
    pub(crate) fn may_be(self, other: Self) -> bool {
        self == other || self == Self::Any
    }
}

/// Rules for protection that the written definition states. Where one is absent, the definition has the usual one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// Counts below it are withheld.
    pub threshold: Option<u64>,
    /// The fate of a zero; `may-be-withheld`, where absent.
    pub zeros: Option<Zeros>,
    /// Children of a withheld cell whom an attacker is taken to know.
    pub insider: Option<u64>,
    /// The p % rule for sums.
    pub p_percent: Option<u32>,
}

/// The columns that a query can name, and the rules that its definition states.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// Those of the table `children` with its `child`, and those that definitions share.
    pub children: Vec<(String, Kind)>,
    /// Tables of events, each with its columns but `child`.
    pub events: Vec<(String, Vec<(String, Kind)>)>,
    /// The rules, those of the purpose among them.
    pub rules: Rules,
}

/// The table of children.
pub(crate) const CHILDREN: &str = "children";
/// The column that a child's events share with the child.
pub(crate) const CHILD: &str = "child";
/// Whether a child is a pupil of the council's schools.
pub(crate) const ON_SPINE: &str = "on_spine";

/// The known name that a written one stands for: unquoted names have no upper case.
pub(crate) fn known<'a>(
    name: &str,
    quoted: bool,
    mut names: impl Iterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    let exact = names.clone().find(|known| *known == name);
    exact.or_else(|| names.find(|known| !quoted && known.eq_ignore_ascii_case(name)))
}

/// The nearest name, if one is near; else all of them.
pub(crate) fn did_you_mean<'a>(name: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    let near = names.clone().map(|known| (strsim::damerau_levenshtein(name, known), known)).min();
    match near {
        Some((distance, near)) if distance <= 2 => format!("did you mean {near}?"),
        _ => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
    }
}
