//! Iterators that operators wrap a batch in.
//!
//! The standard library's do the same, but leave it to the compiler whether a step of theirs is compiled into the loop. In a long chain it
//! then leaves some step out, which costs a call and a record through memory for every record. These are compiled into the loop always.

/// As [`slice::iter`], but it keeps how many records are left where the standard one keeps the end: once `size_hint` has said that so many are
/// there, the compiler leaves out the test for the end in each of their steps, which it cannot with addresses.
#[derive(Debug)]
pub(crate) struct Remaining<'a, T>(pub(crate) &'a [T]);

impl<T> Clone for Remaining<'_, T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<'a, T> Iterator for Remaining<'a, T> {
    type Item = &'a T;

    #[inline(always)]
    fn next(&mut self) -> Option<&'a T> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    #[inline(always)]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len(), Some(self.0.len()))
    }

    #[inline(always)]
    fn fold<B, G: FnMut(B, &'a T) -> B>(self, init: B, step: G) -> B {
        self.0.iter().fold(init, step)
    }
}

impl<T> DoubleEndedIterator for Remaining<'_, T> {
    #[inline(always)]
    fn next_back(&mut self) -> Option<Self::Item> {
        let (last, rest) = self.0.split_last()?;
        self.0 = rest;
        Some(last)
    }
}

/// As [`Iterator::map`].
#[derive(Clone)]
pub(crate) struct Mapped<I, F> {
    pub(crate) records: I,
    pub(crate) function: F,
}

impl<I: Iterator, U, F: FnMut(I::Item) -> U> Iterator for Mapped<I, F> {
    type Item = U;

    #[inline(always)]
    fn next(&mut self) -> Option<U> {
        match self.records.next() {
            Some(record) => Some((self.function)(record)),
            None => None,
        }
    }

    #[inline(always)]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.records.size_hint()
    }

    #[inline(always)]
    fn fold<B, G: FnMut(B, U) -> B>(self, init: B, mut step: G) -> B {
        let mut function = self.function;
        self.records.fold(init, move |folded, record| step(folded, function(record)))
    }
}

impl<I: DoubleEndedIterator, U, F: FnMut(I::Item) -> U> DoubleEndedIterator for Mapped<I, F> {
    #[inline(always)]
    fn next_back(&mut self) -> Option<U> {
        match self.records.next_back() {
            Some(record) => Some((self.function)(record)),
            None => None,
        }
    }
}

/// As [`Iterator::filter_map`].
pub(crate) struct Chosen<I, F> {
    pub(crate) records: I,
    pub(crate) function: F,
}

impl<I: Iterator, U, F: FnMut(I::Item) -> Option<U>> Iterator for Chosen<I, F> {
    type Item = U;

    #[inline(always)]
    fn next(&mut self) -> Option<U> {
        loop {
            match self.records.next() {
                Some(record) => {
                    if let Some(chosen) = (self.function)(record) {
                        return Some(chosen);
                    }
                }
                None => return None,
            }
        }
    }

    #[inline(always)]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.records.size_hint().1)
    }

    #[inline(always)]
    fn fold<B, G: FnMut(B, U) -> B>(self, init: B, mut step: G) -> B {
        let mut function = self.function;
        self.records.fold(init, move |folded, record| match function(record) {
            Some(chosen) => step(folded, chosen),
            None => folded,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_do_as_the_standard_ones() {
        let numbers = || 0..10u32;
        let half = |n: u32| n.is_multiple_of(2).then_some(n / 2);
        let mapped = || Mapped { records: numbers(), function: |n| n * 3 };
        let chosen = || Chosen { records: numbers(), function: half };
        assert!(mapped().eq(numbers().map(|n| n * 3)) && chosen().eq(numbers().filter_map(half)));
        assert_eq!(mapped().fold(1, |a, b| a * 2 + b), numbers().map(|n| n * 3).fold(1, |a, b| a * 2 + b));
        assert_eq!(chosen().fold(1, |a, b| a * 2 + b), numbers().filter_map(half).fold(1, |a, b| a * 2 + b));
        assert!(mapped().rev().eq(numbers().map(|n| n * 3).rev()));
        assert_eq!((mapped().size_hint(), chosen().size_hint()), ((10, Some(10)), (0, Some(10))));
    }

    #[test]
    fn remaining_records_do_as_a_slice_does() {
        let numbers = [1, 2, 3, 4, 5];
        for len in 0..=numbers.len() {
            let (mut remaining, mut standard) = (Remaining(&numbers[..len]), numbers[..len].iter());
            assert!(remaining.clone().rev().eq(standard.clone().rev()));
            assert_eq!(remaining.clone().fold(0, |a, b| a * 10 + b), standard.clone().fold(0, |a, b| a * 10 + b));
            for left in (0..=len).rev() {
                assert_eq!(remaining.size_hint(), (left, Some(left)));
                assert_eq!(remaining.next(), standard.next());
            }
        }
    }
}
