//! Resident memory of a process, this one or another: now, and the peak since the last reset.
//!
//! The peak includes the input, which all systems share, and the harness itself; what a system added is the peak minus what was resident
//! when its run began. Linux lets a process reset its own peak (`/proc/self/clear_refs`, "5"; proc_pid_clear_refs(5)); where that is
//! refused, the peak is the process's since its start, and [`Peak::since`] says so.

/// A peak and what it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peak {
    /// Largest resident size in bytes.
    pub bytes: u64,
    /// Since when.
    pub since: Since,
}

/// What a peak covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Since {
    /// Reset right before this run.
    RunStart,
    /// The kernel refused the reset: earlier runs are in it.
    ProcessStart,
}

/// The folder of process `pid`; of this one if there is no number.
fn folder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "/proc/self".to_owned(), |pid| format!("/proc/{pid}"))
}

/// Resets the peak to what is resident now. Says what the peak will cover.
pub fn reset_peak(pid: Option<u32>) -> Since {
    match std::fs::write(folder(pid) + "/clear_refs", "5") {
        Ok(()) => Since::RunStart,
        Err(_) => Since::ProcessStart,
    }
}

/// Bytes resident now. None where the kernel does not say.
pub fn resident_bytes(pid: Option<u32>) -> Option<u64> {
    field_bytes(&std::fs::read_to_string(folder(pid) + "/status").ok()?, "VmRSS:")
}

/// The peak since `since`, what [`reset_peak`] returned. None where the kernel does not say.
pub fn peak(pid: Option<u32>, since: Since) -> Option<Peak> {
    let status = std::fs::read_to_string(folder(pid) + "/status").ok()?;
    Some(Peak { bytes: field_bytes(&status, "VmHWM:")?, since })
}

/// A field of `/proc/self/status`, whose sizes are in KiB.
fn field_bytes(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn fields_are_in_kib() {
        let status = "Name:\tx\nVmHWM:\t   2048 kB\nVmRSS:\t     16 kB\n";
        assert_eq!(field_bytes(status, "VmHWM:"), Some(2 * 1024 * 1024));
        assert_eq!(field_bytes(status, "VmRSS:"), Some(16 * 1024));
        assert_eq!(field_bytes(status, "VmSwap:"), None);
        assert_eq!(field_bytes("VmHWM: many kB\n", "VmHWM:"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_large_touched_block_shows_in_the_peak() {
        const BLOCK: usize = 64 << 20;
        let since = reset_peak(None);
        let before = resident_bytes(Some(std::process::id())).unwrap();
        let block = std::hint::black_box(vec![1u8; BLOCK]);
        drop(block);
        let peak = peak(None, since).unwrap();
        assert!(peak.bytes >= before + (BLOCK as u64) / 2, "peak {} after {before}", peak.bytes);
    }
}
