//! Numbers that name a place, each kind a type of its own, so that a leaf's ordinal cannot stand where its node must.

use serde::{Deserialize, Serialize};

/// Makes a kind of number: it becomes a `usize`, or comes of one, only where someone says so.
///
/// ```
/// minster_model::id! {
///     /// The number of a pupil in a list.
///     PupilId
/// }
/// assert_eq!(usize::from(PupilId(3)), 3);
/// ```
#[macro_export]
macro_rules! id {
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub usize);

        impl From<usize> for $name {
            #[inline]
            fn from(number: usize) -> Self {
                Self(number)
            }
        }

        impl From<$name> for usize {
            #[inline]
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl PartialEq<usize> for $name {
            fn eq(&self, other: &usize) -> bool {
                self.0 == *other
            }
        }
    };
}

id! {
    /// The place of a table in its set.
    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    TableId
}

id! {
    /// The number of a cell among all cells of a set: the cells of the first table come first. A table alone numbers its
    /// own cells from 0, and these numbers stay plain ones.
    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    CellId
}

id! {
    /// The number of a node (leaf, subtotal, total or group) of a dimension.
    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    NodeId
}

id! {
    /// The ordinal of a leaf among the leaves of its dimension.
    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    LeafId
}

id! {
    /// The ordinal of a respondent: that of their leaf in the dimension of the respondents.
    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    RespondentId
}

impl RespondentId {
    /// The leaf that the respondent is.
    pub fn leaf(self) -> LeafId {
        LeafId(self.0)
    }
}

impl From<LeafId> for RespondentId {
    fn from(leaf: LeafId) -> Self {
        Self(leaf.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_as_a_plain_one() {
        #[derive(Serialize, Deserialize, PartialEq, Debug)]
        struct Of {
            nodes: Vec<NodeId>,
        }
        let of = Of { nodes: vec![NodeId(3), NodeId(0)] };
        let text = toml::to_string(&of).unwrap();
        assert_eq!(text.trim(), "nodes = [3, 0]");
        assert_eq!(toml::from_str::<Of>(&text).unwrap(), of);
    }
}
