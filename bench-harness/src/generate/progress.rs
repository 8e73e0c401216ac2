//! A bar for what takes longer than two seconds.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

const PATIENCE: Duration = Duration::from_secs(2);

/// Steps between two looks at the clock.
const STRIDE: u64 = 1 << 14;

pub(super) struct Progress {
    started: Instant,
    steps: u64,
    total: u64,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(super) fn new(total: u64) -> Progress {
        Progress { started: Instant::now(), steps: 0, total, bar: None }
    }

    #[inline]
    pub(super) fn step(&mut self) {
        self.steps += 1;
        if self.steps.is_multiple_of(STRIDE) {
            self.show();
        }
    }

    #[cold]
    fn show(&mut self) {
        if self.started.elapsed() < PATIENCE || !std::io::stderr().is_terminal() {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{elapsed:>4} {bar:24} {percent:>3} %, {human_pos} of {human_len} events, {eta} left");
            ProgressBar::new(self.total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_elapsed(PATIENCE)
        });
        bar.set_position(self.steps);
    }

    pub(super) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
