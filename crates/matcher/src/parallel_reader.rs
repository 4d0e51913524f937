//! A table is read on all cores: row groups are decrypted, decoded and looked at there at the same time, and are taken in the
//! table's order, so that the number of cores changes no byte of what is made of them.

use std::{
    num::NonZero,
    ops::Range,
    panic::resume_unwind,
    sync::{
        Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use arrow::array::RecordBatch;
use minster_store::{RowGroups, StoreError};

use crate::MatchError;

/// Batches that a core may be ahead of those that were taken: nearly a row group, so that memory is bounded by the number of
/// cores and not by the rows.
const AHEAD: usize = 6;

/// How many cores read.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Does `work` to each batch, on several cores, and gives each result to `take`, in the table's order. `work` is told which
/// row of the table is the batch's first.
///
/// # Errors
/// The first in the table's order; what comes after it is not taken.
pub(crate) fn in_order<T: Send, E: From<MatchError>>(
    groups: &RowGroups,
    cores: usize,
    work: impl Fn(usize, RecordBatch) -> Result<T, MatchError> + Sync,
    take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let starts = starts(groups.rows());
    pieces_in_order(&starts, cores, |group| groups.read(group), work, take)
}

/// [`in_order`] of any pieces, each with the place of its first row.
fn pieces_in_order<B, T: Send, E: From<MatchError>>(
    starts: &[usize],
    cores: usize,
    open: impl Fn(usize) -> Result<B, StoreError> + Sync,
    work: impl Fn(usize, RecordBatch) -> Result<T, MatchError> + Sync,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E>
where
    B: Iterator<Item = Result<RecordBatch, StoreError>>,
{
    let read = |group: usize, give: &mut dyn FnMut(Result<T, MatchError>) -> bool| {
        let mut first = starts[group];
        let batches = match open(group) {
            Ok(batches) => batches,
            Err(error) => return give(Err(error.into())),
        };
        for batch in batches {
            let done = batch.map_err(MatchError::from).and_then(|batch| {
                let rows = batch.num_rows();
                let done = work(first, batch)?;
                first += rows;
                Ok(done)
            });
            let is_end = done.is_err();
            if !give(done) || is_end {
                return false;
            }
        }
        true
    };
    let cores = cores.min(starts.len());
    if cores < 2 {
        let mut result = Ok(());
        for group in 0..starts.len() {
            let mut give = |done: Result<T, MatchError>| {
                result = done.map_err(E::from).and_then(&mut take);
                result.is_ok()
            };
            if !read(group, &mut give) {
                break;
            }
        }
        return result;
    }
    thread::scope(|scope| {
        let (senders, receivers): (Vec<SyncSender<_>>, Vec<Receiver<_>>) =
            (0..cores).map(|_| sync_channel(AHEAD)).unzip();
        for (core, sender) in senders.into_iter().enumerate() {
            let read = &read;
            scope.spawn(move || {
                for group in (core..starts.len()).step_by(cores) {
                    // A receiver that is gone wants no more: another row group failed.
                    let mut give = |done| sender.send(Some(done)).is_ok();
                    if !read(group, &mut give) || sender.send(None).is_err() {
                        return;
                    }
                }
            });
        }
        for group in 0..starts.len() {
            loop {
                match receivers[group % cores].recv() {
                    Ok(Some(done)) => take(done.map_err(E::from)?)?,
                    Ok(None) => break,
                    // The thread ended without a word: it panicked, and so does the scope.
                    Err(_) => return Err(MatchError::Thread.into()),
                }
            }
        }
        Ok(())
    })
}

/// Does each piece of work, on all cores.
///
/// # Errors
/// The first in the order of the work.
pub(crate) fn on_all_cores<W: Send>(
    all: Vec<W>,
    work: impl Fn(W) -> Result<(), MatchError> + Sync,
) -> Result<(), MatchError> {
    let threads = cores().min(all.len());
    if threads < 2 {
        return all.into_iter().try_for_each(work);
    }
    let left = Mutex::new(all.into_iter().enumerate());
    let failed = Mutex::new(None);
    let until_done = || {
        loop {
            // The lock is held while the next piece is taken, and not while it is done.
            let next = left.lock().ok().and_then(|mut left| left.next());
            let Some((place, piece)) = next else { return };
            let Err(error) = work(piece) else { continue };
            if let Ok(mut failed) = failed.lock()
                && failed.as_ref().is_none_or(|(known, _)| place < *known)
            {
                *failed = Some((place, error));
            }
        }
    };
    thread::scope(|scope| {
        (1..threads).for_each(|_| drop(scope.spawn(until_done)));
        until_done();
    });
    match failed.into_inner() {
        Ok(None) => Ok(()),
        Ok(Some((_, error))) => Err(error),
        // Only a thread that panicked leaves a lock so.
        Err(_) => Err(MatchError::Thread),
    }
}

/// Makes a list on all cores, a stretch of places on each: the list is the same on any number of them.
pub(crate) fn made_on_all_cores<T: Send>(
    places: usize,
    make: impl Fn(Range<usize>) -> Vec<T> + Sync,
) -> Vec<T> {
    if places < FEW {
        return make(0..places);
    }
    let mut made = made_on_each_core(|core, cores| make(stretch(places, core, cores))).into_iter();
    let mut all = made.next().unwrap_or_default();
    made.for_each(|more| all.extend(more));
    all
}

/// A core's stretch of so many places.
pub(crate) fn stretch(places: usize, core: usize, cores: usize) -> Range<usize> {
    places * core / cores..places * (core + 1) / cores
}

/// Makes one thing on each core, which is told its place among so many.
pub(crate) fn made_on_each_core<T: Send>(make: impl Fn(usize, usize) -> T + Sync) -> Vec<T> {
    let cores = cores();
    thread::scope(|scope| {
        let make = &make;
        let others: Vec<_> =
            (1..cores).map(|core| scope.spawn(move || make(core, cores))).collect();
        let mut all = vec![make(0, cores)];
        for other in others {
            match other.join() {
                Ok(made) => all.push(made),
                Err(panic) => resume_unwind(panic),
            }
        }
        all
    })
}

/// Places below which a thread costs more than it saves.
const FEW: usize = 4 << 10;

/// The place of each row group's first row.
fn starts(rows: impl Iterator<Item = u64>) -> Vec<usize> {
    let mut next = 0;
    let start = |rows: u64| {
        let start = next;
        next += rows as usize;
        start
    };
    rows.map(start).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{AsArray, Int64Array},
        datatypes::{DataType, Field, Int64Type, Schema},
    };
    use proptest::prelude::*;

    use super::*;

    fn failure() -> StoreError {
        let source = std::io::ErrorKind::UnexpectedEof.into();
        StoreError::Io { what: "read", path: "table".into(), source }
    }

    fn batch(values: Vec<i64>) -> RecordBatch {
        let schema = Schema::new(vec![Field::new("a", DataType::Int64, false)]);
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(Int64Array::from(values))]).unwrap()
    }

    /// Takes pieces whose batches have so many rows: each row's value is its place. A piece that is named fails
    /// after its batches, and a batch with a named place fails in the work.
    fn taken(
        pieces: &[Vec<usize>],
        cores: usize,
        (failing, refused): (Option<usize>, Option<usize>),
    ) -> (Vec<i64>, bool) {
        let rows = |piece: &Vec<usize>| piece.iter().sum::<usize>() as u64;
        let starts = starts(pieces.iter().map(rows));
        let open = |piece: usize| {
            let mut next = starts[piece] as i64;
            let batches: Vec<Result<RecordBatch, StoreError>> = pieces[piece]
                .iter()
                .map(|rows| {
                    let of = batch((next..next + *rows as i64).collect());
                    next += *rows as i64;
                    Ok(of)
                })
                .collect();
            let failure = (failing == Some(piece)).then(|| Err(failure()));
            Ok(batches.into_iter().chain(failure))
        };
        let work = |first: usize, batch: RecordBatch| {
            let values = batch.column(0).as_primitive::<Int64Type>();
            let places = first as i64..;
            assert!(values.values().iter().zip(places).all(|(value, place)| *value == place));
            let is_refused =
                refused.is_some_and(|row| (first..first + batch.num_rows()).contains(&row));
            if is_refused { Err(MatchError::Events) } else { Ok(values.values().to_vec()) }
        };
        let mut all = Vec::new();
        let done = pieces_in_order(&starts, cores, open, work, |values| {
            all.extend(values);
            Ok::<_, MatchError>(())
        });
        (all, done.is_ok())
    }

    #[test]
    fn a_list_made_on_all_cores_is_in_order() {
        for places in [0, 1, FEW - 1, FEW, FEW + 1, 3 * FEW + 7] {
            let made = made_on_all_cores(places, |range| range.map(|place| place * 3).collect());
            assert_eq!(made, (0..places).map(|place| place * 3).collect::<Vec<_>>());
        }
    }

    proptest! {
        #[test]
        fn any_number_of_cores_gives_the_same_in_the_same_order(
            pieces in prop::collection::vec(prop::collection::vec(0usize..4, 0..20), 0..7),
            failing in prop::option::of(0usize..7),
            refused in prop::option::of(0usize..200),
        ) {
            let alone = taken(&pieces, 1, (failing, refused));
            for cores in 2..5 {
                prop_assert_eq!(&taken(&pieces, cores, (failing, refused)), &alone);
            }
            let rows: usize = pieces.iter().flatten().sum();
            let fails = failing.is_some_and(|piece| piece < pieces.len())
                || refused.is_some_and(|row| row < rows);
            prop_assert_eq!(alone.1, !fails);
            if !fails {
                prop_assert_eq!(alone.0, (0..rows as i64).collect::<Vec<_>>());
            }
        }
    }
}
