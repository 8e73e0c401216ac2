//! How much processor time the process's control groups allow it.
//!
//! ```text
//!   /proc/self/cgroup ────┐                                      cpu.max            (version 2)
//!                         ├─▶ directories: own group, ancestors ─▶ cpu.cfs_quota_us   (version 1) ─▶ the smallest quota
//!   /proc/self/mountinfo ─┘                                      cpu.cfs_period_us
//! ```
//!
//! A container runtime (`docker run --cpus 2`, a Kubernetes limit) sets a quota: so many microseconds of processor time in each period.
//! A process that spins on more cores than that is stopped for the rest of each period, which looks like a stall of tens of
//! milliseconds; so the engine starts no more workers than the quota feeds. A fraction is rounded up, for a worker that also idles.
//!
//! Laws: everything but [`tightest`]'s reader is a pure function over text; what is missing or cannot be parsed is no limit, and never
//! an error. Both versions may be mounted at once, and both then count.
//!
//! Source: kernel documentation, "Control Group v2" (cpu.max) and "CFS Bandwidth Control" (version 1); proc(5) for mountinfo.

use std::path::{Component, Path, PathBuf};

/// A limit on processor time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    /// Microseconds of processor time in each period; above 0.
    pub(crate) quota_us: u64,
    /// The period, in microseconds; above 0.
    pub(crate) period_us: u64,
}

impl Quota {
    fn new(quota_us: u64, period_us: u64) -> Option<Quota> {
        (quota_us > 0 && period_us > 0).then_some(Quota { quota_us, period_us })
    }

    /// Version 2's `cpu.max`: `QUOTA PERIOD` or `max PERIOD`; the period may be missing and is then 100 ms.
    fn parse_v2(cpu_max: &str) -> Option<Quota> {
        let mut words = cpu_max.split_ascii_whitespace();
        let quota_us = words.next()?.parse().ok()?;
        let period_us = words.next().map_or(Some(100_000), |period| period.parse().ok())?;
        Quota::new(quota_us, period_us)
    }

    /// Version 1's two files; a quota of -1 is none.
    fn parse_v1(quota: &str, period: &str) -> Option<Quota> {
        Quota::new(quota.trim().parse().ok()?, period.trim().parse().ok()?)
    }

    /// How many cores it keeps busy, rounded up; at least 1.
    pub(crate) fn cores(&self) -> usize {
        usize::try_from(self.quota_us.div_ceil(self.period_us)).unwrap_or(usize::MAX)
    }
}

/// Which files a mounted hierarchy has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

/// The directories that may limit the process, from `/proc/self/cgroup` and `/proc/self/mountinfo`: its own group first, then the
/// ancestors up to the mount point, for each hierarchy that governs processor time.
fn directories(cgroup: &str, mountinfo: &str) -> Vec<(Version, PathBuf)> {
    let mut found = Vec::new();
    for line in cgroup.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_id), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let version = match controllers {
            "" => Version::V2,
            _ if controllers.split(',').any(|controller| controller == "cpu") => Version::V1,
            _ => continue,
        };
        for (root, mount) in mountinfo.lines().filter_map(|line| cgroup_mount(line, version)) {
            let below = match Path::new(path).strip_prefix(&root) {
                // A path with `..` lies outside what is mounted here; only the mount point itself can then be read.
                Ok(below) if below.components().all(|part| matches!(part, Component::Normal(_))) => below,
                _ => Path::new(""),
            };
            // `components` drops the slash that joining nothing leaves.
            found.extend(below.ancestors().map(|part| (version, mount.join(part).components().collect())));
        }
    }
    found
}

/// The root and the mount point of a line of mountinfo that mounts the hierarchy asked for.
fn cgroup_mount(line: &str, version: Version) -> Option<(PathBuf, PathBuf)> {
    let (before, after) = line.split_once(" - ")?;
    let mut after = after.split(' ');
    let (kind, _device, options) = (after.next()?, after.next()?, after.next()?);
    let wanted = match version {
        Version::V2 => kind == "cgroup2",
        Version::V1 => kind == "cgroup" && options.split(',').any(|option| option == "cpu"),
    };
    let mut before = before.split(' ').skip(3);
    let (root, mount) = (before.next()?, before.next()?);
    wanted.then(|| (unescape(root), unescape(mount)))
}

/// Mountinfo writes a space, tab, newline and backslash as `\` and three octal digits.
fn unescape(text: &str) -> PathBuf {
    let mut plain = text.to_owned();
    for (escape, character) in [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")] {
        plain = plain.replace(escape, character);
    }
    PathBuf::from(plain)
}

/// The smallest quota that holds for the process, with the directory that sets it. `read` gives a file's text, or nothing.
pub(crate) fn tightest(read: impl Fn(&Path) -> Option<String>) -> Option<(PathBuf, Quota)> {
    let cgroup = read(Path::new("/proc/self/cgroup"))?;
    let mountinfo = read(Path::new("/proc/self/mountinfo"))?;
    directories(&cgroup, &mountinfo)
        .into_iter()
        .filter_map(|(version, directory)| {
            let quota = match version {
                Version::V2 => Quota::parse_v2(&read(&directory.join("cpu.max"))?),
                Version::V1 => Quota::parse_v1(&read(&directory.join("cpu.cfs_quota_us"))?, &read(&directory.join("cpu.cfs_period_us"))?),
            };
            Some((directory, quota?))
        })
        .min_by_key(|(_, quota)| quota.cores())
}

#[cfg(all(test, not(loom)))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    const V2_MOUNT: &str = "41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n";
    const V1_MOUNT: &str = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n";

    /// A made-up file system.
    fn files<'a>(files: &[(&'a str, &'a str)]) -> impl Fn(&Path) -> Option<String> + use<'a> {
        let files: HashMap<PathBuf, String> = files.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect();
        move |path| files.get(path).cloned()
    }

    fn cores(listed: &[(&str, &str)]) -> Option<(String, usize)> {
        tightest(files(listed)).map(|(path, quota)| (path.to_str().unwrap().to_owned(), quota.cores()))
    }

    #[test]
    fn cpu_max_is_read_and_rounded_up() {
        for (text, wanted) in [
            ("200000 100000\n", Some(2)),
            ("150000 100000\n", Some(2)),
            ("100001 100000\n", Some(2)),
            ("50000 100000\n", Some(1)),
            ("1000 1000000\n", Some(1)),
            ("300000", Some(3)),
            ("max 100000\n", None),
            ("max\n", None),
            ("", None),
            ("\n", None),
            ("0 100000", None),
            ("100000 0", None),
            ("-1 100000", None),
            ("many few", None),
            ("100000 few", None),
            ("99999999999999999999999 1", None),
            ("18446744073709551615 1", Some(usize::MAX)),
        ] {
            assert_eq!(Quota::parse_v2(text).map(|quota| quota.cores()), wanted, "{text:?}");
        }
    }

    #[test]
    fn quota_and_period_of_version_1_are_read() {
        for (quota, period, wanted) in [
            ("250000\n", "100000\n", Some(3)),
            ("100000\n", "100000\n", Some(1)),
            ("-1\n", "100000\n", None),
            ("0\n", "100000\n", None),
            ("100000\n", "0\n", None),
            ("", "100000", None),
            ("100000", "", None),
            ("much", "100000", None),
        ] {
            assert_eq!(Quota::parse_v1(quota, period).map(|quota| quota.cores()), wanted, "{quota:?} {period:?}");
        }
    }

    #[test]
    fn the_smallest_of_own_group_and_ancestors_counts() {
        let own = ("/sys/fs/cgroup/a/b/cpu.max", "400000 100000");
        let parent = ("/sys/fs/cgroup/a/cpu.max", "200000 100000");
        let top = ("/sys/fs/cgroup/cpu.max", "800000 100000");
        let proc = [("/proc/self/cgroup", "0::/a/b\n"), ("/proc/self/mountinfo", V2_MOUNT)];
        assert_eq!(cores(&[proc[0], proc[1], own, parent, top]), Some(("/sys/fs/cgroup/a".into(), 2)));
        assert_eq!(cores(&[proc[0], proc[1], own, top]), Some(("/sys/fs/cgroup/a/b".into(), 4)));
        assert_eq!(cores(&[proc[0], proc[1], top]), Some(("/sys/fs/cgroup".into(), 8)));
        assert_eq!(cores(&[proc[0], proc[1]]), None);
        // Another group's limit is not ours.
        assert_eq!(cores(&[proc[0], proc[1], ("/sys/fs/cgroup/c/cpu.max", "100000 100000")]), None);
    }

    #[test]
    fn version_1_is_found_by_its_controller() {
        let quota = ("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "300000");
        let period = ("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000");
        let mounts = ("/proc/self/mountinfo", V1_MOUNT);
        let found = Some(("/sys/fs/cgroup/cpu,cpuacct/job".into(), 3));
        assert_eq!(cores(&[("/proc/self/cgroup", "5:memory:/m\n4:cpu,cpuacct:/job\n"), mounts, quota, period]), found);
        // `cpuset` and `cpuacct` alone are other controllers.
        assert_eq!(cores(&[("/proc/self/cgroup", "4:cpuset:/job\n3:cpuacct:/job\n"), mounts, quota, period]), None);
        // One of the two files alone says nothing.
        assert_eq!(cores(&[("/proc/self/cgroup", "4:cpu,cpuacct:/job\n"), mounts, quota]), None);
    }

    #[test]
    fn both_versions_count_at_once() {
        let mounts = format!("{V1_MOUNT}{}", V2_MOUNT.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified"));
        let listed = [
            ("/proc/self/cgroup", "2:cpu,cpuacct:/\n0::/\n"),
            ("/proc/self/mountinfo", mounts.as_str()),
            ("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "300000"),
            ("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000"),
            ("/sys/fs/cgroup/unified/cpu.max", "150000 100000"),
        ];
        assert_eq!(cores(&listed), Some(("/sys/fs/cgroup/unified".into(), 2)));
        assert_eq!(cores(&listed[..4]), Some(("/sys/fs/cgroup/cpu,cpuacct".into(), 3)));
    }

    #[test]
    fn a_container_sees_its_own_group_at_the_mount_point() {
        // The group is mounted as the root of the hierarchy; its path outside is what `cgroup` shows.
        let mount = "41 31 0:38 /docker/0123 /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n";
        let limit = ("/sys/fs/cgroup/cpu.max", "200000 100000");
        for path in ["0::/docker/0123\n", "0::/../elsewhere\n", "0::/other\n", "0::/\n"] {
            assert_eq!(cores(&[("/proc/self/cgroup", path), ("/proc/self/mountinfo", mount), limit]), Some(("/sys/fs/cgroup".into(), 2)));
        }
    }

    #[test]
    fn a_mount_point_with_a_space_is_found() {
        let mount = "41 31 0:38 / /my\\040groups rw - cgroup2 cgroup2 rw\n";
        let listed = [("/proc/self/cgroup", "0::/\n"), ("/proc/self/mountinfo", mount), ("/my groups/cpu.max", "100000 100000")];
        assert_eq!(cores(&listed), Some(("/my groups".into(), 1)));
    }

    #[test]
    fn missing_files_are_no_limit() {
        assert_eq!(cores(&[]), None);
        assert_eq!(cores(&[("/proc/self/cgroup", "0::/\n")]), None);
        assert_eq!(cores(&[("/proc/self/cgroup", ""), ("/proc/self/mountinfo", "")]), None);
    }

    /// Pieces of real lines in any order, so that much of it is nearly right.
    fn garbage() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            " ", "\n", ":", "0", ",", "/", "/a", "/..", "..", "\\040", "\\", " - ", "cgroup2 ", "cgroup ", "cpu", "0::", "1:cpu:/",
        ]);
        let line = Just("41 31 0:38 / /m rw - cgroup2 c rw\n").prop_map(str::to_owned);
        prop::collection::vec(prop_oneof![4 => piece.prop_map(str::to_owned), 1 => line], 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn garbage_is_no_limit_and_no_panic(cgroup in garbage(), mountinfo in garbage(), file in ".{0,20}") {
            let read = |path: &Path| Some(match path.to_str() {
                Some("/proc/self/cgroup") => cgroup.clone(),
                Some("/proc/self/mountinfo") => mountinfo.clone(),
                _ => file.clone(),
            });
            if let Some((_, quota)) = tightest(read) {
                prop_assert!(quota.cores() >= 1);
            }
        }

        #[test]
        fn garbage_in_the_limit_never_panics(file in ".{0,40}") {
            let _ = Quota::parse_v2(&file);
            let _ = Quota::parse_v1(&file, &file);
        }
    }
}
