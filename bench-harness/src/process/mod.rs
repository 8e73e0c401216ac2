//! Systems under test that are processes of their own: programs of any language, and this very program started afresh.
//!
//! ```text
//!   peers/NAME.toml ─▶ Peer ─▶ Session::start ─── lines of JSON ───▶ a process      hello · prepare ▸ ready · go ▸ done · quit
//!                                   │                                    ▲
//!                                   ├── limits: a process that is silent for too long is killed
//!                                   ├── looks: CPU time and memory as the kernel counts them, not as the process claims
//!                                   └── Stopper: --inject stops it now and then (SIGSTOP, SIGCONT)
//! ```
//!
//! The protocol is in `PROTOCOL.md`; [`protocol`] holds its messages, [`serve`] speaks it for the systems of this program.
//!
//! Laws
//! - Whatever a process does (hangs, ends, talks nonsense, claims what it did not do) becomes the failure of its own run, and
//!   ends nothing else.
//! - A process is dead and waited for when its [`guard::Guard`] is gone, in a [`Session`] or elsewhere, and what it put into the temporary folder
//!   is gone with it.
//! - None outlives this program. [`interrupt`] ends every wait for one; at a second Ctrl-C all are killed. One whose harness was killed itself finds
//!   its input closed, and ends by the protocol.

pub mod guard;
pub mod interrupt;
mod leader;
mod living;
mod peer;
pub mod protocol;
pub mod scratch;
mod serve;
mod session;
mod stop;

pub use self::{
    peer::{Peer, all, names},
    serve::serve,
    session::{Ran, Session},
};
