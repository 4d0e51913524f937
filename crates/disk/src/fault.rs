use std::{
    fs::File,
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The disk, or in tests one that ends, fills up, or takes the process with it.
#[derive(Debug, Clone, Default)]
pub struct Disk(Option<Arc<Fault>>);

#[derive(Debug)]
struct Fault {
    begun: AtomicUsize,
    /// The step, from 0, at which it happens.
    at: usize,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// As where the process is killed: the write is torn, and nothing after it happens.
    Ends,
    /// As where the disk is full: this step fails, and all after it.
    Fills,
    /// The process itself is killed; a write is torn before.
    Dies,
}

impl Disk {
    /// A disk that does as it is told.
    pub fn new() -> Self {
        Self(None)
    }

    /// A disk that tears step `n` (from 0) and then does nothing any more.
    pub fn ending_at(n: usize) -> Self {
        Self::with(What::Ends, n)
    }

    /// A disk that is full after `n` steps.
    pub fn failing_after(n: usize) -> Self {
        Self::with(What::Fills, n)
    }

    /// A disk at whose step `n` (from 0) the process dies at once, as by SIGKILL; a write is torn in half.
    pub fn dying_after(n: usize) -> Self {
        Self::with(What::Dies, n)
    }

    fn with(what: What, at: usize) -> Self {
        Self(Some(Arc::new(Fault { begun: AtomicUsize::new(0), at, what })))
    }

    /// How many steps were begun, on a disk that is not to last.
    pub fn steps(&self) -> usize {
        self.0.as_ref().map_or(0, |fault| fault.begun.load(Ordering::SeqCst))
    }

    /// Whether it is not to last: a test's.
    pub fn is_to_fail(&self) -> bool {
        self.0.is_some()
    }

    /// Whether its step came: nobody clears away after a process that was killed.
    pub(crate) fn has_ended(&self) -> bool {
        let ended = |fault: &Fault| {
            fault.what == What::Ends && fault.begun.load(Ordering::SeqCst) > fault.at
        };
        self.0.as_deref().is_some_and(ended)
    }

    /// Begins a step that changes the disk.
    ///
    /// # Errors
    /// On a disk that is not to last, where its step has come.
    pub fn step(&self) -> io::Result<()> {
        self.step_or(|| Ok(()))
    }

    /// Writes all, as one step.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        self.step_or(|| file.write_all(&bytes[..bytes.len() / 2]))?;
        file.write_all(bytes)
    }

    /// Begins a step; `torn` is what is left of it where the process is killed at it.
    pub(crate) fn step_or(&self, torn: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let Some(fault) = &self.0 else { return Ok(()) };
        let step = fault.begun.fetch_add(1, Ordering::SeqCst);
        if step < fault.at {
            return Ok(());
        }
        match fault.what {
            What::Fills => Err(io::ErrorKind::StorageFull.into()),
            What::Ends if step > fault.at => Err(killed()),
            What::Ends => torn().and_then(|()| Err(killed())),
            What::Dies => {
                let _ = torn();
                std::process::abort()
            }
        }
    }
}

fn killed() -> io::Error {
    io::Error::other("the process was killed here")
}
