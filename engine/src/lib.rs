//! Thalweg: a lock-free, single-node stream engine.
#![deny(unsafe_code)]
#![allow(dead_code)]

pub mod error;
pub mod exchange;
pub mod graph;
pub mod operator;
pub mod record;
pub mod ring;
pub mod runtime;
pub mod sink;
pub mod source;
pub mod state;
mod sync;
pub mod time;
pub mod watermark;
pub mod window;
