//! Lets the groups of a file pass one at a time in the file's order, whichever threads treat them.

use std::sync::{Condvar, Mutex};

/// A value through which numbered groups pass in their order, from 0.
pub(crate) struct FileOrder<T> {
    held: Mutex<Waiting<T>>,
    moved: Condvar,
}

struct Waiting<T> {
    next: u64,
    /// The first group that failed; those after it do not pass.
    failed: u64,
    value: T,
}

impl<T> FileOrder<T> {
    pub(crate) fn new(value: T) -> Self {
        let held = Waiting { next: 0, failed: u64::MAX, value };
        Self { held: Mutex::new(held), moved: Condvar::new() }
    }

    /// Waits until every group before this one passed, and lets the next one follow. `None` where one before it
    /// failed.
    pub(crate) fn pass<R>(&self, group: u64, act: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut held = self.held.lock().ok()?;
        while held.next != group {
            if held.failed < group {
                return None;
            }
            held = self.moved.wait(held).ok()?;
        }
        let done = act(&mut held.value);
        held.next += 1;
        self.moved.notify_all();
        Some(done)
    }

    /// This group failed: those after it need not wait for it.
    pub(crate) fn fail(&self, group: u64) {
        let mut held = self.held.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        held.failed = held.failed.min(group);
        self.moved.notify_all();
    }

    /// The value, when no group is under way.
    pub(crate) fn into_inner(self) -> T {
        self.held.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()).value
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;

    #[test]
    fn groups_pass_in_order_and_none_after_one_that_failed() {
        for failing in [3, u64::MAX] {
            let passed = FileOrder::new(Vec::new());
            std::thread::scope(|scope| {
                for group in (0..8).rev() {
                    let passed = &passed;
                    scope.spawn(move || match group == failing {
                        true => passed.fail(group),
                        false => {
                            let pass = passed.pass(group, |all| all.push(group));
                            assert_eq!(pass.is_some(), group < failing);
                        }
                    });
                }
            });
            assert_eq!(passed.into_inner(), (0..failing.min(8)).collect::<Vec<_>>());
        }
    }
}
