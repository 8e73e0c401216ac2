//! Ctrl-C, and a polite kill, as something that can be waited for beside the lines of a process.
//!
//! The first one lets what runs end in order: a process under test is ended, what was found is kept. The second ends this program at once, and the
//! processes with it.

use std::sync::{
    Mutex, OnceLock, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use crossbeam_channel::{Receiver, Sender};

use super::living;

/// What this program ends with at a second Ctrl-C: 128 + SIGINT, as shells have it.
const EXIT_AT_ONCE: i32 = 130;

/// Never holds a message: that its sender is gone is the news, which every clone sees from then on.
static ASKED: OnceLock<Receiver<()>> = OnceLock::new();
/// The same, for those who only look.
static IS_ASKED: AtomicBool = AtomicBool::new(false);

/// A channel that is disconnected from when this program is asked to end. From the first call on, Ctrl-C no longer kills it.
pub fn asked() -> Receiver<()> {
    let listen = || {
        let (end, asked) = crossbeam_channel::bounded(0);
        let end: Mutex<Option<Sender<()>>> = Mutex::new(Some(end));
        let on_signal = move || match end.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(end) => {
                // ORDERING: Relaxed; nothing but the word itself is told by it.
                IS_ASKED.store(true, Ordering::Relaxed);
                drop(end);
            }
            None => {
                living::end_all();
                std::process::exit(EXIT_AT_ONCE)
            }
        };
        match ctrlc::set_handler(on_signal) {
            Ok(()) => asked,
            // Then it kills this program, as it does any other.
            Err(_) => crossbeam_channel::never(),
        }
    };
    ASKED.get_or_init(listen).clone()
}

/// Whether it was asked to end, since somebody first called [`asked`].
///
/// # Cost
/// A load.
pub fn is_asked() -> bool {
    // ORDERING: Relaxed; whoever sees it late sees it at the next look.
    IS_ASKED.load(Ordering::Relaxed)
}
