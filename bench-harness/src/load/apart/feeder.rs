//! The generator's end of the socket, in its own process.

use std::{
    hint::spin_loop,
    io::{Read, Write},
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixStream},
    },
};

use super::{Order, Wire, read_frame, write_frame};
use crate::{
    load::open::{Pace, Role},
    workload::{replay::Replay, synthetic::Wide},
};

/// Connects to the socket of that name, and does what it is told.
///
/// # Errors
/// If it is told what makes no sense, or the other end goes away.
pub fn feed(name: &str) -> Result<(), String> {
    let told = |error: std::io::Error| format!("the socket {name}: {error}");
    let address = SocketAddr::from_abstract_name(name).map_err(told)?;
    let mut socket = UnixStream::connect_addr(&address).map_err(told)?;
    let order: Order = serde_json::from_slice(&read_frame(&mut socket).map_err(told)?).map_err(|error| format!("an order: {error}"))?;
    let block = read_frame(&mut socket).map_err(told)?;
    match order.kind.as_str() {
        u64::KIND => run::<u64>(&order, &block, &mut socket),
        Wide::KIND => run::<Wide>(&order, &block, &mut socket),
        kind => Err(format!("there are no records of kind `{kind}`")),
    }
}

fn run<T: Wire>(order: &Order, block: &[u8], socket: &mut UnixStream) -> Result<(), String> {
    let told = |error: std::io::Error| format!("the system under test has gone away: {error}");
    if block.is_empty() || !block.len().is_multiple_of(T::BYTES) {
        return Err(format!("{} bytes are no block of records of {}", block.len(), T::BYTES));
    }
    let replay = Replay { block: block.chunks_exact(T::BYTES).map(T::get).collect(), span: order.span, events: order.events };
    // All that can be made before the start is made before it: the arrivals, and a buffer that does not grow.
    let mut pace = Pace::new(&order.schedule, order.events)?;
    let mut frame: Vec<u8> = Vec::with_capacity(super::COUNT_BYTES + order.batch * T::BYTES);
    socket.write_all(b"r").map_err(told)?;
    let (mut start, mut ns_per_tick) = ([0; 8], [0; 8]);
    socket.read_exact(&mut start).and_then(|()| socket.read_exact(&mut ns_per_tick)).map_err(told)?;
    pace.begin_at(u64::from_le_bytes(start), f64::from_le_bytes(ns_per_tick));
    let mut departures = pace.departures(Role::Generator);
    let mut slices = replay.slices(0..replay.events, order.batch);
    while departures.sent() < replay.events {
        let due = departures.due().min(order.batch as u64);
        if due == 0 {
            spin_loop();
            continue;
        }
        let Some((shift, slice)) = slices.next_up_to(due as usize) else { break };
        departures.send(slice.len() as u64);
        frame.clear();
        frame.extend((slice.len() as u32).to_le_bytes());
        slice.iter().for_each(|record| record.at(shift).put(&mut frame));
        socket.write_all(&frame).map_err(told)?;
    }
    socket.write_all(&[0; super::COUNT_BYTES]).map_err(told)?;
    let notes = serde_json::to_vec(&departures.notes()).map_err(|error| error.to_string())?;
    write_frame(socket, &notes).map_err(told)
}
