//! Being interrupted while files are mended: what is being written is finished, the rest is left alone.

use std::sync::{Once, PoisonError, RwLock, RwLockReadGuard};

/// Read-locked while a file is replaced, and locked for good by an interruption.
static WRITING: RwLock<()> = RwLock::new(());

/// The exit code of a program that a user interrupted, as shells give it.
const INTERRUPTED: i32 = 130;

/// Lets an interruption (also a hang-up or a request to end) wait until no file is being replaced. Without this a
/// file would still be whole, but a temporary one could be left beside it.
pub fn wait_for_writes() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Where there are no such signals, there is nothing to wait for.
        let _ = ctrlc::set_handler(|| {
            let _nobody_writes = WRITING.write().unwrap_or_else(PoisonError::into_inner);
            std::process::exit(INTERRUPTED);
        });
    });
}

/// To be held while a file is replaced.
pub(super) fn writing() -> RwLockReadGuard<'static, ()> {
    WRITING.read().unwrap_or_else(PoisonError::into_inner)
}
