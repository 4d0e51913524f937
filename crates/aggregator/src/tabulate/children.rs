use minster_store::sha256_hex;
use serde::{Deserialize, Serialize};

/// The children who were counted, told from others and saying nothing of anyone, not even how many there are: a hash of
/// their number and of their record keys, added up. None are nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "WrittenChildren", into = "WrittenChildren")]
pub(crate) struct Children(Option<u128>);

impl Children {
    pub(super) fn new(count: u64, keys: u64) -> Self {
        let hash = sha256_hex(format!("minster children\n{count}\n{keys}").as_bytes());
        let hash = u128::from_str_radix(&hash[..32], 16);
        Self(hash.ok().filter(|_| count > 0))
    }

    /// Whether there are any.
    pub(crate) fn is_anyone(self) -> bool {
        self.0.is_some()
    }
}

/// [`Children`] as a ledger has them.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WrittenChildren {
    Hash(Option<String>),
    /// As the first two formats had them.
    Sums {
        count: u64,
        keys: u64,
    },
}

impl From<Children> for WrittenChildren {
    fn from(children: Children) -> Self {
        Self::Hash(children.0.map(|hash| format!("{hash:032x}")))
    }
}

impl TryFrom<WrittenChildren> for Children {
    type Error = std::num::ParseIntError;

    fn try_from(written: WrittenChildren) -> Result<Self, Self::Error> {
        match written {
            WrittenChildren::Hash(hash) => {
                Ok(Self(hash.map(|hash| u128::from_str_radix(&hash, 16)).transpose()?))
            }
            WrittenChildren::Sums { count, keys } => Ok(Self::new(count, keys)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_an_earlier_format_is_about_the_same_children() {
        let read = |text: &str| serde_json::from_str::<Children>(text).unwrap();
        let children = Children::new(400, 17);
        assert_eq!(read(r#"{ "count": 400, "keys": 17 }"#), children);
        let written = serde_json::to_string(&children).unwrap();
        assert!(!written.contains("400") && written.len() == 34, "{written}");
        assert_eq!(read(&written), children);
        assert_ne!(children, Children::new(401, 17));
        assert_ne!(children, Children::new(400, 18));
        let nobody = read(r#"{ "count": 0, "keys": 0 }"#);
        assert!(nobody == Children::default() && !nobody.is_anyone() && children.is_anyone());
        assert_eq!(read(&serde_json::to_string(&nobody).unwrap()), nobody);
        assert!(serde_json::from_str::<Children>("\"no hash\"").is_err());
    }
}
