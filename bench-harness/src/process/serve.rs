//! This program's side of the protocol: it runs its own systems for a harness that started it.

use std::{
    io::{BufRead, Write},
    sync::Arc,
};

use super::protocol::{Done, Hello, Order, PROTOCOL, Prepare, Reply};
use crate::{
    measure::{alloc, threads},
    run::selftest::{BROKEN, Broken},
    system::{self, Generator, Job, System},
    workload::{self, Spec},
};

/// Answers orders until there are no more, or the last one is to quit.
///
/// # Errors
/// If the other end has gone away.
pub fn serve(orders: impl BufRead, mut replies: impl Write) -> std::io::Result<()> {
    let mut say = |reply: &Reply| {
        writeln!(replies, "{}", serde_json::to_string(reply)?)?;
        replies.flush()
    };
    say(&Reply::Hello(Hello {
        protocol: PROTOCOL,
        name: env!("CARGO_PKG_NAME").into(),
        version: env!("CARGO_PKG_VERSION").into(),
        language: env!("THALWEG_COMPILER").into(),
    }))?;
    alloc::count(true);
    let mut prepared: Option<(Box<dyn System>, Job)> = None;
    for line in orders.lines() {
        let reply = match serde_json::from_str(&line?) {
            Ok(Order::Quit) => return Ok(()),
            Ok(Order::Prepare(run)) => {
                // The input before must not be in memory beside the next one.
                prepared = None;
                match prepare(&run) {
                    Ok(ready) => {
                        prepared = Some(ready);
                        Reply::Ready
                    }
                    Err(reply) => reply,
                }
            }
            Ok(Order::Go) => match &prepared {
                Some((system, job)) => run(system.as_ref(), job),
                None => Reply::Failed { reason: "nothing was prepared".into() },
            },
            Err(error) => Reply::Failed { reason: format!("an order was not understood: {error}") },
        };
        say(&reply)?;
    }
    Ok(())
}

fn prepare(run: &Prepare) -> Result<(Box<dyn System>, Job), Reply> {
    let refused = |reason: String| Reply::Refused { reason };
    let mut systems = system::all();
    systems.push(Box::new(Broken { honest: system::all() }));
    debug_assert!(systems.iter().any(|system| system.name() == BROKEN));
    let system = systems.into_iter().find(|system| system.name() == run.system);
    let system = system.ok_or_else(|| refused(format!("there is no system `{}`", run.system)))?;
    let spec =
        Spec { name: run.workload.clone(), events: run.events, seed: run.seed, block_bytes: run.block_bytes, input: run.input.clone() };
    let input = workload::input(&spec).map_err(|reason| Reply::Failed { reason })?;
    let job = Job {
        input: Arc::new(input),
        cores: run.cores,
        batch: run.batch,
        ring_bytes: run.ring_bytes,
        wait: run.wait.clone(),
        schedule: run.schedule.clone(),
        generator: Generator::Thread,
    };
    match system.refuses(&job) {
        Some(reason) => Err(refused(reason)),
        None => Ok((system, job)),
    }
}

fn run(system: &dyn System, job: &Job) -> Reply {
    let _ = threads::take();
    let before = alloc::counted();
    // In a thread of its own, so that its pinning ends with it.
    let ran = std::thread::scope(|scope| scope.spawn(|| system.run(job)).join());
    match ran {
        Ok(Ok(mut outcome)) => {
            outcome.threads = threads::take();
            Reply::Done(Box::new(Done { outcome, allocations_of_run: Some(alloc::counted() - before) }))
        }
        Ok(Err(reason)) => Reply::Failed { reason },
        // The panic's own message is on standard error, which the harness keeps.
        Err(_) => Reply::Failed { reason: "panicked".into() },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn replies(orders: &[&str]) -> Vec<Reply> {
        let mut out = Vec::new();
        serve(orders.join("\n").as_bytes(), &mut out).unwrap();
        String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn prepare(system: &str, workload: &str) -> String {
        format!(
            r#"{{"do":"prepare","system":"{system}","workload":"{workload}","events":1000,"seed":1,"block_bytes":4096,"input":null,"cores":1,"core_numbers":[0],"batch":64,"ring_bytes":65536,"wait":"adaptive","schedule":null}}"#
        )
    }

    #[test]
    fn its_own_systems_run_and_give_the_oracles_answer() {
        let said = replies(&[&prepare("hand", "stateless"), r#"{"do":"go"}"#, r#"{"do":"go"}"#, r#"{"do":"quit"}"#, r#"{"do":"go"}"#]);
        assert_eq!(said.len(), 4);
        assert!(matches!(&said[0], Reply::Hello(hello) if hello.protocol == PROTOCOL));
        assert!(matches!(said[1], Reply::Ready));
        let spec = Spec { block_bytes: 4096, ..Spec::new("stateless", 1_000, 1) };
        for reply in &said[2..] {
            let Reply::Done(done) = reply else { panic!("{reply:?}") };
            assert_eq!(done.outcome.answer, workload::prepare(&spec).unwrap().expected);
        }
    }

    #[test]
    fn what_cannot_be_is_refused_and_it_goes_on() {
        let said = replies(&[
            r#"{"do":"go"}"#,
            "{",
            &prepare("nobody", "hop"),
            &prepare("hand", "nothing"),
            &prepare("rtrb", "stateless"),
            &prepare("hand", "stateless"),
        ]);
        let kinds: Vec<_> = said[1..]
            .iter()
            .map(|reply| match reply {
                Reply::Failed { .. } => "failed",
                Reply::Refused { .. } => "refused",
                Reply::Ready => "ready",
                _ => "other",
            })
            .collect();
        assert_eq!(kinds, ["failed", "failed", "refused", "failed", "refused", "ready"]);
    }
}
