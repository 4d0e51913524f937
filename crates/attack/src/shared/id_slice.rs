//! Lists of the model's without copies.

use std::{marker::PhantomData, ops::Index};

use minster_model::IdVec;

/// A list that someone else holds, under numbers of one kind.
pub(crate) struct IdSlice<'a, I, T> {
    items: &'a [T],
    ids: PhantomData<fn() -> I>,
}

impl<'a, I: From<usize> + Into<usize>, T> IdSlice<'a, I, T> {
    pub(crate) fn new(items: &'a [T]) -> Self {
        Self { items, ids: PhantomData }
    }

    #[inline]
    pub(crate) fn len(self) -> usize {
        self.items.len()
    }

    /// The numbers, ascending.
    #[inline]
    pub(crate) fn ids(self) -> impl Iterator<Item = I> + use<I, T> {
        (0..self.items.len()).map(I::from)
    }

    /// The items, in the order of their numbers.
    #[inline]
    pub(crate) fn iter(self) -> std::slice::Iter<'a, T> {
        self.items.iter()
    }

    /// The items, each with its number.
    pub(crate) fn enumerate(self) -> impl Iterator<Item = (I, &'a T)> {
        self.items.iter().enumerate().map(|(number, item)| (I::from(number), item))
    }

    /// The item of a number that may come from elsewhere, if there is one.
    pub(crate) fn find(self, id: I) -> Option<&'a T> {
        self.items.get(id.into())
    }

    /// The item of a number.
    ///
    /// # Panics
    /// Where the list has no such number, as any list does: to go on without the item would weaken the attack.
    #[inline]
    pub(crate) fn at(self, id: I) -> &'a T {
        let (number, len) = (id.into(), self.items.len());
        let Some(item) = self.items.get(number) else {
            panic!("no item {number} in a list of {len}")
        };
        item
    }
}

impl<I, T> Clone for IdSlice<'_, I, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I, T> Copy for IdSlice<'_, I, T> {}

impl<I: From<usize> + Into<usize>, T> Index<I> for IdSlice<'_, I, T> {
    type Output = T;

    fn index(&self, id: I) -> &T {
        self.at(id)
    }
}

impl<'a, I: From<usize> + Into<usize>, T> From<&'a IdVec<I, T>> for IdSlice<'a, I, T> {
    fn from(list: &'a IdVec<I, T>) -> Self {
        Self::new(list.as_slice())
    }
}

impl<'a, I, T> IntoIterator for IdSlice<'a, I, T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

#[cfg(test)]
mod tests {
    use minster_model::TableId;

    use super::*;

    #[test]
    fn a_number_from_elsewhere_may_have_no_item() {
        let list: IdSlice<'_, TableId, char> = IdSlice::new(&['a', 'b']);
        assert_eq!((list.find(TableId(1)), list.find(TableId(2))), (Some(&'b'), None));
        let all: Vec<(TableId, &char)> = list.enumerate().collect();
        assert_eq!(all, [(TableId(0), &'a'), (TableId(1), &'b')]);
    }

    #[test]
    #[should_panic(expected = "no item 2 in a list of 2")]
    fn a_number_without_an_item_stops_the_attack() {
        let list: IdSlice<'_, TableId, char> = IdSlice::new(&['a', 'b']);
        list.at(TableId(2));
    }
}
