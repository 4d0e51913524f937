use std::fmt;

use serde::{Deserialize, Serialize};

/// The readers for whom a release is made. The order is by how many they are: each includes those before it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// Teams of the council. A definition without a word about it is for them: nothing becomes public because a line was left out.
    #[default]
    CouncilTeams,
    /// Partners of the council too: the health service, the police, schools.
    Partners,
    /// Everybody.
    Public,
}

impl Audience {
    /// All of them, the fewest readers first.
    pub const ALL: [Self; 3] = [Self::CouncilTeams, Self::Partners, Self::Public];

    /// As definitions write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CouncilTeams => "council-teams",
            Self::Partners => "partners",
            Self::Public => "public",
        }
    }

    /// A sentence for the readers of its files.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::CouncilTeams => {
                "It is for teams of the council: do not pass it on outside the council."
            }
            Self::Partners => {
                "It is for the council and its partners: do not pass it on to anybody else."
            }
            Self::Public => "It is for everybody.",
        }
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
