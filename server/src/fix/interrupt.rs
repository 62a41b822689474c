//! Being interrupted while files are mended: what is being written is finished, the rest is left alone.

use std::sync::{Mutex, MutexGuard, Once, PoisonError};

/// Held while a file is replaced.
static WRITING: Mutex<()> = Mutex::new(());

/// The exit code of a program that a user interrupted, as shells give it.
const INTERRUPTED: i32 = 130;

/// Lets an interruption (also a hang-up or a request to end) wait until no file is being replaced. Without this a
/// file would still be whole, but a temporary one could be left beside it.
pub fn wait_for_writes() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Where there are no such signals, there is nothing to wait for.
        let _ = ctrlc::set_handler(|| {
            let _nobody_writes = writing();
            std::process::exit(INTERRUPTED);
        });
    });
}

/// To be held while a file is replaced.
pub(super) fn writing() -> MutexGuard<'static, ()> {
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}
