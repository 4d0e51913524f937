use std::fmt;

/// Why a row was set aside. The code is stable: it stands in manifests and quarantine files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Another number of fields than the header.
    FieldCount,
    /// Nothing but blanks.
    BlankRow,
    /// A row of totals below the children's.
    TotalsRow,
    /// Words below or above the data, in one cell.
    NoteRow,
    /// Bytes that are not the declared encoding.
    Encoding,
    /// A field longer than any real one.
    FieldTooLong,
    /// A required cell is blank.
    Required,
    /// Text between elements, where none belongs.
    StrayText,
    /// An element that may stand once stands again.
    RepeatedElement,
    /// A record too large to be one child's.
    RecordTooLarge,
    /// Not a date in any of the declared forms.
    DateForm,
    /// A date that two declared forms read as different days.
    AmbiguousDate,
    /// A number where a date belongs: what a spreadsheet makes of one.
    ExcelSerial,
    /// A number where a date belongs, and no day as a spreadsheet counts them.
    DateNumber,
    /// A date outside 1900 to 2100.
    DateRange,
    /// Not a whole number.
    NotInteger,
    /// Not a number.
    NotDecimal,
    /// Neither true nor false.
    NotFlag,
    /// A text where a short token belongs.
    NotToken,
    /// The text that a spreadsheet shows where a formula failed.
    SpreadsheetError,
    /// A code that is not in the list.
    UnknownCode,
    /// Not in the look-up.
    NotInLookup,
    /// A birth later than the delivery.
    BirthAfterDelivery,
    /// A text that is to be kept looks like an identifier.
    LooksLikeIdentifier,
    /// A text that is to be kept is a person's name in the same delivery.
    EqualsName,
    /// A column of JSON holds something else.
    NotJson,
    /// The identifier has not its shape.
    Malformed,
    /// The identifier's check letter does not fit.
    BadCheckLetter,
    /// The identifier's check digit does not fit.
    BadCheckDigit,
    /// A code for a missing number that is not in the code set.
    UnknownMissingCode,
    /// A blank identifier where one is required.
    BlankIdentifier,
    /// A word or a zero in the place of a number.
    Placeholder,
    /// Neither an identifier nor a name: nobody can be found by the row.
    Unidentified,
}

impl Reason {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::FieldCount => "field-count",
            Self::BlankRow => "blank-row",
            Self::TotalsRow => "totals-row",
            Self::NoteRow => "note-row",
            Self::Encoding => "encoding",
            Self::FieldTooLong => "field-too-long",
            Self::Required => "required",
            Self::StrayText => "stray-text",
            Self::RepeatedElement => "repeated-element",
            Self::RecordTooLarge => "record-too-large",
            Self::DateForm => "date-form",
            Self::AmbiguousDate => "ambiguous-date",
            Self::ExcelSerial => "excel-serial",
            Self::DateNumber => "date-number",
            Self::DateRange => "date-range",
            Self::NotInteger => "not-integer",
            Self::NotDecimal => "not-decimal",
            Self::NotFlag => "not-flag",
            Self::NotToken => "not-token",
            Self::SpreadsheetError => "spreadsheet-error",
            Self::UnknownCode => "unknown-code",
            Self::NotInLookup => "not-in-lookup",
            Self::BirthAfterDelivery => "birth-after-delivery",
            Self::LooksLikeIdentifier => "looks-like-identifier",
            Self::EqualsName => "equals-name",
            Self::NotJson => "not-json",
            Self::Malformed => "malformed",
            Self::BadCheckLetter => "bad-check-letter",
            Self::BadCheckDigit => "bad-check-digit",
            Self::UnknownMissingCode => "unknown-missing-code",
            Self::BlankIdentifier => "blank-identifier",
            Self::Placeholder => "placeholder",
            Self::Unidentified => "unidentified",
        }
    }
}

/// Whether one look at a row's first cell tells that the row is neither blank nor totals.
pub(crate) fn begins_a_row(first: &[u8]) -> bool {
    first.first().is_some_and(|first| first.is_ascii_graphic() && !begins_totals(*first))
}

fn begins_totals(first: u8) -> bool {
    matches!(first, b't' | b'T' | b'g' | b'G' | b's' | b'S')
}

/// Whether a row's first cell says that the row holds totals: `Total`, `Grand total:`, `Total children`.
pub(crate) fn is_totals(first: &[u8]) -> bool {
    let word = first.trim_ascii();
    if word.len() < 5 || !begins_totals(word[0]) {
        return false;
    }
    ["total", "totals", "grand total", "sub total", "subtotal"].iter().any(|total| {
        let (start, rest) = word.split_at(total.len().min(word.len()));
        start.eq_ignore_ascii_case(total.as_bytes())
            && matches!(rest.first(), None | Some(b' ' | b':'))
    })
}

/// Whether a row of a table of several columns that holds `only` one cell is a note: `Note: data as at 31 March`.
pub(crate) fn is_note(width: usize, only: &[u8]) -> bool {
    width >= 3 && only.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).count() >= 3
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl From<minster_identifiers::IdentifierError> for Reason {
    fn from(error: minster_identifiers::IdentifierError) -> Self {
        use minster_identifiers::IdentifierError as E;
        match error {
            E::Blank => Self::BlankIdentifier,
            E::Malformed => Self::Malformed,
            E::BadCheckLetter => Self::BadCheckLetter,
            E::BadCheckDigit => Self::BadCheckDigit,
            E::UnknownMissingCode => Self::UnknownMissingCode,
        }
    }
}
