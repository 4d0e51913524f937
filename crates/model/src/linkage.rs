//! The values that scored matching compares: the parts of a person that a column may give, and the forms that are made of each.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::NameError;

/// The table of a linkage dataset that has each value's parts.
pub const LINKAGE_VALUES: &str = "values";

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($(#[$of:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$of])* $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Its name in definitions and datasets.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let found = Self::ALL.iter().find(|one| one.as_str() == text).copied();
                found.ok_or_else(|| NameError::new($what, "is none of those that this release knows"))
            }
        }
    };
}

codes!(
    /// A part of a person that a source's column may give to scored matching.
    LinkagePart, "linkage part", {
        /// A forename: of birth, preferred or former.
        Forename = "forename",
        /// A surname: present or former.
        Surname = "surname",
        /// The birth date.
        BirthDate = "birth-date",
        /// The sex, as a code.
        Sex = "sex",
        /// A postcode of any term.
        Postcode = "postcode",
    }
);

codes!(
    /// The relation of a keyed text to the value from which it was made.
    LinkageForm, "linkage form", {
        /// A name, folded.
        Name = "name",
        /// One word of a name of several.
        NameWord = "name-word",
        /// The name with one letter less.
        NameOneLess = "name-one-less",
        /// The name with two letters less.
        NameTwoLess = "name-two-less",
        /// How the name sounds: a code of Double Metaphone (Philips 2000).
        NameSound = "name-sound",
        /// The name's first letter.
        NameInitial = "name-initial",
        /// A birth date.
        BirthDate = "birth-date",
        /// The date with day and month swapped.
        BirthDateSwapped = "birth-date-swapped",
        /// The date's eight digits with one less.
        BirthDateOneLess = "birth-date-one-less",
        /// The year.
        BirthYear = "birth-year",
        /// The month.
        BirthMonth = "birth-month",
        /// The day of the month.
        BirthDay = "birth-day",
        /// A sex.
        Sex = "sex",
        /// A postcode.
        Postcode = "postcode",
        /// The postcode with one character less.
        PostcodeOneLess = "postcode-one-less",
        /// The postcode's sector: all but the last two letters.
        PostcodeSector = "postcode-sector",
    }
);

impl LinkagePart {
    /// The form of the value itself.
    pub fn whole(self) -> LinkageForm {
        match self {
            Self::Forename | Self::Surname => LinkageForm::Name,
            Self::BirthDate => LinkageForm::BirthDate,
            Self::Sex => LinkageForm::Sex,
            Self::Postcode => LinkageForm::Postcode,
        }
    }
}

impl LinkageForm {
    /// The kind under which the vault hashes it. Forms that are compared with one another share a kind: `ANNA` is a name,
    /// and `ANNNA` with a letter less.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Name | Self::NameWord | Self::NameOneLess | Self::NameTwoLess => "linkage:name",
            Self::NameSound => "linkage:name-sound",
            Self::NameInitial => "linkage:name-initial",
            Self::BirthDate | Self::BirthDateSwapped => "linkage:birth-date",
            Self::BirthDateOneLess => "linkage:birth-date-digits",
            Self::BirthYear => "linkage:birth-year",
            Self::BirthMonth => "linkage:birth-month",
            Self::BirthDay => "linkage:birth-day",
            Self::Sex => "linkage:sex",
            Self::Postcode | Self::PostcodeOneLess => "linkage:postcode",
            Self::PostcodeSector => "linkage:postcode-sector",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn each_has_one_name_and_a_kind_of_linkage() {
        for form in LinkageForm::ALL {
            assert_eq!(form.as_str().parse(), Ok(*form));
            assert!(form.kind().parse::<Kind>().is_ok_and(|kind| kind.is_linkage()));
        }
        for part in LinkagePart::ALL {
            assert_eq!(part.as_str().parse(), Ok(*part));
        }
        assert!("name ".parse::<LinkageForm>().is_err());
    }
}
