//! Where a run took place: machine, kernel, compiler, commit. Two figures are comparable only if these are equal.
//!
//! Everything is read once, at the start. What the system does not say is `unknown` or null, never a guess.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::measure::alloc;

/// The machine and the build.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Environment {
    /// Model name of the CPU.
    pub cpu: String,
    /// Cores that the machine has online.
    pub cores_online: usize,
    /// Cores that this process may use: its affinity mask, by number.
    pub cores_allowed: Vec<usize>,
    /// Cores' worth of time that the control group grants; null if it sets no limit.
    pub cgroup_cores: Option<f64>,
    /// Hardware threads per core, as the first core's siblings show.
    pub threads_per_core: Option<usize>,
    /// Whether a hypervisor is under the kernel.
    pub virtual_machine: bool,
    /// Frequency governor of the first core; null if the kernel shows none.
    pub governor: Option<String>,
    /// Caches of the first core, for example `L1d 48K`.
    pub caches: Vec<String>,
    /// Bytes of memory.
    pub memory_bytes: Option<u64>,
    /// Kernel name and version.
    pub kernel: String,
    /// Host name.
    pub host: String,
    /// Compiler version.
    pub compiler: String,
    /// Target triple.
    pub target: String,
    /// Cargo profile and optimisation level.
    pub profile: String,
    /// Flags given to the compiler; empty for the default, portable build.
    pub flags: String,
    /// Instruction sets that the whole program was compiled for.
    pub target_features: String,
    /// Commit of the compiled sources, `-changed` if they differed from it, or `unknown`.
    pub commit: String,
    /// The process's allocator.
    pub allocator: String,
    /// Version of this program.
    pub version: String,
}

impl Environment {
    /// Reads the environment of this process. Call it on a thread that nothing has pinned.
    pub fn read() -> Environment {
        let cpuinfo = read("/proc/cpuinfo").unwrap_or_default();
        let meminfo = read("/proc/meminfo").unwrap_or_default();
        let allowed: Vec<usize> = allowed_cores().iter().map(|core| core.id).collect();
        let first = format!("/sys/devices/system/cpu/cpu{}", allowed.first().unwrap_or(&0));
        Environment {
            cpu: value_of(&cpuinfo, "model name").unwrap_or_else(|| "unknown".into()),
            cores_online: read("/sys/devices/system/cpu/online").and_then(|list| count_list(&list)).unwrap_or(allowed.len()),
            cores_allowed: allowed,
            cgroup_cores: cgroup_cores(),
            threads_per_core: read(&format!("{first}/topology/thread_siblings_list")).and_then(|list| count_list(&list)),
            virtual_machine: value_of(&cpuinfo, "flags").is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor")),
            governor: read(&format!("{first}/cpufreq/scaling_governor")),
            caches: caches(Path::new(&first)),
            memory_bytes: value_of(&meminfo, "MemTotal")
                .and_then(|v| v.strip_suffix("kB")?.trim().parse::<u64>().ok())
                .map(|kib| kib * 1024),
            kernel: format!("{} {}", read_or_unknown("/proc/sys/kernel/ostype"), read_or_unknown("/proc/sys/kernel/osrelease")),
            host: read_or_unknown("/proc/sys/kernel/hostname"),
            compiler: env!("THALWEG_COMPILER").into(),
            target: env!("THALWEG_TARGET").into(),
            profile: env!("THALWEG_PROFILE").into(),
            flags: env!("THALWEG_RUSTFLAGS").into(),
            target_features: env!("THALWEG_TARGET_FEATURES").into(),
            commit: env!("THALWEG_COMMIT").into(),
            allocator: alloc::name().into(),
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }

    /// Cores that a run can have: what the affinity mask allows, and no more than the control group grants (rounded up).
    pub fn usable_cores(&self) -> usize {
        let granted = self.cgroup_cores.map_or(usize::MAX, |cores| cores.ceil() as usize);
        self.cores_allowed.len().min(granted).max(1)
    }

    /// What would make a reader doubt every figure, in plain words.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.profile.starts_with("debug") {
            warnings.push("compiled without optimisation: run it with `cargo run --release`".to_owned());
        }
        if self.cgroup_cores.is_some_and(|cores| cores < self.cores_allowed.len() as f64) {
            warnings.push("the control group grants less time than the cores have: busy threads will be throttled".to_owned());
        }
        if self.governor.as_deref().is_some_and(|governor| governor != "performance") {
            warnings.push(format!("the frequency governor is `{}`, not `performance`", self.governor.as_deref().unwrap_or_default()));
        }
        if self.threads_per_core.is_some_and(|threads| threads > 1) && self.cores_allowed.len() > 1 {
            warnings.push("cores have several hardware threads: two of the cores used may share one".to_owned());
        }
        warnings
    }
}

/// The cores that this process may use, ascending.
pub fn allowed_cores() -> Vec<core_affinity::CoreId> {
    let mut cores = core_affinity::get_core_ids().unwrap_or_default();
    cores.sort();
    cores
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn read_or_unknown(path: &str) -> String {
    read(path).unwrap_or_else(|| "unknown".into())
}

/// The value of the first line `name : value` (or `name: value`).
fn value_of(text: &str, name: &str) -> Option<String> {
    text.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
}

/// How many numbers a kernel list such as `0-3,8` names.
fn count_list(list: &str) -> Option<usize> {
    list.trim().split(',').try_fold(0, |sum, range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(sum + (last.parse::<usize>().ok()?.checked_sub(first.parse().ok()?)? + 1))
    })
}

fn caches(core: &Path) -> Vec<String> {
    let describe = |index: usize| {
        let field = |name: &str| read(core.join(format!("cache/index{index}/{name}")).to_str()?);
        let kind = match field("type")?.as_str() {
            "Data" => "d",
            "Instruction" => "i",
            _ => "",
        };
        Some(format!("L{}{kind} {}", field("level")?, field("size")?))
    };
    (0..8).map_while(describe).collect()
}

/// The tightest CPU limit of this process's control group and its ancestors.
fn cgroup_cores() -> Option<f64> {
    let groups = read("/proc/self/cgroup")?;
    let mut tightest: Option<f64> = None;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let (root, is_v2) = match controllers {
            "" => ("/sys/fs/cgroup", true),
            _ if controllers.split(',').any(|name| name == "cpu") => ("/sys/fs/cgroup/cpu", false),
            _ => continue,
        };
        for group in Path::new(path.trim_start_matches('/')).ancestors() {
            let file = |name: &str| read(Path::new(root).join(group).join(name).to_str()?);
            let limit = if is_v2 {
                file("cpu.max").and_then(|text| v2_limit(&text))
            } else {
                v1_limit(file("cpu.cfs_quota_us").as_deref(), file("cpu.cfs_period_us").as_deref())
            };
            tightest = limit.into_iter().chain(tightest).reduce(f64::min);
        }
    }
    tightest
}

/// `cpu.max` of version 2: `150000 100000` is one and a half cores, `max 100000` no limit.
fn v2_limit(text: &str) -> Option<f64> {
    let (quota, period) = text.trim().split_once(' ')?;
    v1_limit(Some(quota), Some(period))
}

/// Quota and period of version 1, in µs; a quota of -1 is no limit.
fn v1_limit(quota: Option<&str>, period: Option<&str>) -> Option<f64> {
    let (quota, period) = (quota?.trim().parse::<f64>().ok()?, period?.trim().parse::<f64>().ok()?);
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_lists_are_counted() {
        for (list, count) in
            [("0", Some(1)), ("0-3", Some(4)), ("0-1,8", Some(3)), ("2,4,6-7\n", Some(4)), ("", None), ("3-1", None), ("a", None)]
        {
            assert_eq!(count_list(list), count, "{list:?}");
        }
    }

    #[test]
    fn group_limits() {
        assert_eq!(v2_limit("150000 100000"), Some(1.5));
        assert_eq!(v2_limit("max 100000"), None);
        assert_eq!(v2_limit(""), None);
        assert_eq!(v1_limit(Some("-1"), Some("100000")), None);
        assert_eq!(v1_limit(Some("50000"), Some("100000")), Some(0.5));
        assert_eq!(v1_limit(None, Some("100000")), None);
    }

    #[test]
    fn fields_of_proc_files() {
        assert_eq!(value_of("processor : 0\nmodel name\t: A B\nmodel name\t: C\n", "model name").as_deref(), Some("A B"));
        assert_eq!(value_of("x: 1", "y"), None);
    }

    #[test]
    fn this_machine_can_be_described() {
        let environment = Environment::read();
        assert!(!environment.cores_allowed.is_empty());
        assert!(environment.usable_cores() >= 1);
        assert!(environment.compiler.contains("rustc"), "{}", environment.compiler);
        assert!(!environment.cpu.is_empty() && !environment.kernel.contains("unknown"), "{environment:?}");
    }

    #[test]
    fn a_tight_group_bounds_the_cores() {
        let mut environment = Environment::read();
        environment.cores_allowed = (0..8).collect();
        environment.cgroup_cores = Some(1.5);
        assert_eq!(environment.usable_cores(), 2);
        assert!(environment.warnings().iter().any(|w| w.contains("throttled")));
    }
}
