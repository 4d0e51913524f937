//! Lists of which the place is a number of its own kind.
//!
//! A kept library has such lists. Theirs have a `get`, for which `clippy::indexing_slicing` asks at every index; an id is
//! made where its list is, so that an index by id is what the lint wants the solvers to write.

use std::{
    marker::PhantomData,
    ops::{Index, IndexMut},
};

/// A list that takes numbers of one kind alone.
///
/// ```
/// use minster_model::{CellId, IdVec};
///
/// let counts: IdVec<CellId, u64> = vec![3, 40].into();
/// assert_eq!(counts[CellId(1)], 40);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdVec<I, T> {
    items: Vec<T>,
    ids: PhantomData<fn() -> I>,
}

impl<I: From<usize>, T> IdVec<I, T> {
    /// Nothing yet.
    pub fn new() -> Self {
        Vec::new().into()
    }

    /// Nothing yet, with room for so many.
    pub fn with_capacity(capacity: usize) -> Self {
        Vec::with_capacity(capacity).into()
    }

    /// The same so many times.
    pub fn of(item: T, len: usize) -> Self
    where
        T: Clone,
    {
        vec![item; len].into()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The number that the next will have.
    pub fn next_id(&self) -> I {
        I::from(self.len())
    }

    /// Adds one, and says its number.
    pub fn push(&mut self, item: T) -> I {
        let id = self.next_id();
        self.items.push(item);
        id
    }

    /// The numbers, ascending.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = I> + ExactSizeIterator + use<I, T> {
        (0..self.len()).map(I::from)
    }

    /// The items, in the order of their numbers.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// The same, to be changed.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.items.iter_mut()
    }

    /// The items, each with its number.
    pub fn enumerate(&self) -> impl DoubleEndedIterator<Item = (I, &T)> + ExactSizeIterator {
        self.items.iter().enumerate().map(|(number, item)| (I::from(number), item))
    }

    /// The same, to be changed.
    pub fn enumerate_mut(&mut self) -> impl Iterator<Item = (I, &mut T)> {
        self.items.iter_mut().enumerate().map(|(number, item)| (I::from(number), item))
    }

    /// The items without their numbers.
    pub fn as_slice(&self) -> &[T] {
        &self.items
    }
}

impl<I: From<usize> + Into<usize>, T> IdVec<I, T> {
    /// The item of a number, if there is one.
    pub fn find(&self, id: I) -> Option<&T> {
        self.items.get(id.into())
    }

    /// Takes away the item of this number, and all after it.
    pub fn truncate(&mut self, from: I) {
        self.items.truncate(from.into());
    }
}

impl<I: From<usize>, T> Default for IdVec<I, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<I: Into<usize>, T> Index<I> for IdVec<I, T> {
    type Output = T;

    #[inline]
    fn index(&self, id: I) -> &T {
        &self.items[id.into()]
    }
}

impl<I: Into<usize>, T> IndexMut<I> for IdVec<I, T> {
    #[inline]
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.items[id.into()]
    }
}

impl<I, T> From<Vec<T>> for IdVec<I, T> {
    fn from(items: Vec<T>) -> Self {
        Self { items, ids: PhantomData }
    }
}

impl<I, T> FromIterator<T> for IdVec<I, T> {
    fn from_iter<S: IntoIterator<Item = T>>(items: S) -> Self {
        Vec::from_iter(items).into()
    }
}

impl<I, T> Extend<T> for IdVec<I, T> {
    fn extend<S: IntoIterator<Item = T>>(&mut self, items: S) {
        self.items.extend(items);
    }
}

impl<I, T> IntoIterator for IdVec<I, T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, I, T> IntoIterator for &'a IdVec<I, T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl<'a, I, T> IntoIterator for &'a mut IdVec<I, T> {
    type Item = &'a mut T;
    type IntoIter = std::slice::IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::CellId;

    #[test]
    fn a_list_hands_out_its_numbers_in_turn() {
        let mut list: IdVec<CellId, char> = IdVec::new();
        assert_eq!(
            (list.push('a'), list.push('b'), list.next_id()),
            (CellId(0), CellId(1), CellId(2))
        );
        list[CellId(0)] = 'c';
        let all: Vec<(CellId, char)> = list.enumerate().map(|(id, of)| (id, *of)).collect();
        assert_eq!(all, [(CellId(0), 'c'), (CellId(1), 'b')]);
        assert_eq!((list.find(CellId(1)), list.find(CellId(2))), (Some(&'b'), None));
        list.truncate(CellId(1));
        assert_eq!(list.as_slice(), ['c']);
    }
}
