//! A set that holds one value nearly always: a child's birth dates, names, numbers.

/// Stands for no value.
pub(crate) const NONE: u32 = u32::MAX;

/// Whether codes are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum OneOrSeveral {
    /// None was seen.
    #[default]
    Nothing,
    /// One, however often.
    One(u32),
    /// Two or more.
    Several,
}

impl OneOrSeveral {
    pub(crate) fn add(&mut self, code: u32) {
        *self = match *self {
            _ if code == NONE => *self,
            Self::Nothing => Self::One(code),
            Self::One(known) if known == code => *self,
            _ => Self::Several,
        };
    }

    pub(crate) fn only(self) -> Option<u32> {
        match self {
            Self::One(code) => Some(code),
            _ => None,
        }
    }
}

/// Different codes, in the order in which they came.
#[derive(Debug, Clone)]
pub(crate) struct SmallSet {
    first: u32,
    /// Nearly nobody has more: what nobody has takes one word.
    #[allow(clippy::box_collection, reason = "a vector takes three words where there is nothing")]
    more: Option<Box<Vec<u32>>>,
}

impl Default for SmallSet {
    fn default() -> Self {
        Self { first: NONE, more: None }
    }
}

impl SmallSet {
    fn others(&self) -> &[u32] {
        self.more.as_ref().map_or(&[], |more| more.as_slice())
    }

    /// Adds a code, unless it is there or is none.
    pub(crate) fn add(&mut self, code: u32) {
        if code == NONE || self.has(code) {
        } else if self.first == NONE {
            self.first = code;
        } else {
            self.more.get_or_insert_default().push(code);
        }
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        other.iter().for_each(|code| self.add(code));
    }

    pub(crate) fn has(&self, code: u32) -> bool {
        code != NONE && (self.first == code || self.others().contains(&code))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first == NONE
    }

    /// Whether there are several.
    pub(crate) fn several(&self) -> bool {
        self.more.is_some()
    }

    /// The only one.
    pub(crate) fn only(&self) -> Option<u32> {
        (!self.is_empty() && self.more.is_none()).then_some(self.first)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let first = (self.first != NONE).then_some(self.first);
        first.into_iter().chain(self.others().iter().copied())
    }

    /// Whether both hold one code.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.iter().any(|code| other.has(code))
    }
}
