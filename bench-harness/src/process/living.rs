//! The process groups that live, and their scratch folders: what a sudden end of this program must not leave behind.
//!
//! Each is known from its start until its [`super::guard::Guard`] is gone. That one ends it in all other cases.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use super::{leader::Leader, scratch};

static LIVING: Mutex<Vec<(Leader, Option<PathBuf>)>> = Mutex::new(Vec::new());

/// It was started.
pub(super) fn enter(leader: &Leader, scratch: Option<PathBuf>) {
    LIVING.lock().unwrap_or_else(PoisonError::into_inner).push((leader.clone(), scratch));
}

/// It was waited for, and left nothing.
pub(super) fn leave(leader: &Leader) {
    LIVING.lock().unwrap_or_else(PoisonError::into_inner).retain(|(other, _)| !other.is(leader));
}

/// Kills all of them and removes their folders: for when this program ends in the midst of what it does.
pub(super) fn end_all() {
    let all = std::mem::take(&mut *LIVING.lock().unwrap_or_else(PoisonError::into_inner));
    all.iter().for_each(|(leader, _)| leader.signal(libc::SIGKILL));
    all.iter().filter_map(|(_, scratch)| scratch.as_deref()).for_each(scratch::remove);
}
