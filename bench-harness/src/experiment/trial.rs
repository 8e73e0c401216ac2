//! One configuration, option by option, and how it is run.

use std::{collections::BTreeMap, path::Path};

use crate::{child::Child, workload};

/// Options by name, each with its value.
pub type Values = BTreeMap<String, String>;

/// What a configuration may set, and what it means.
pub const OPTIONS: [(&str, &str); 19] = [
    ("workload", "a workload, as for `run`"),
    ("system", "a system, as for `run`"),
    ("cores", "cores used"),
    ("batch", "records per batch"),
    ("ring", "bytes per ring: \"256KiB\""),
    ("wait", "wait strategy"),
    ("allocator", "mimalloc or system"),
    ("schedule", "how arrivals are spread, where there is a load"),
    ("generator", "who makes the records, where there is a load"),
    ("block", "bytes of the block that the input replays"),
    ("keys", "number of keys of the workload tumbling"),
    ("seed", "seed of the input"),
    ("events", "records per run, in place of a duration"),
    ("record_size", "bytes of a record of the workload hop: 8 or 64"),
    ("windows", "windows that a record of the workload sliding belongs to: 1, 2, 10, 100 or 1000"),
    ("chain", "operators in the chain of the workload chain: 1, 2, 3, 4 or 6"),
    ("oversubscribe", "true: there may be more workers than cores"),
    ("placement", "cores that the process may use: \"0\", \"0,1\" (by taskset)"),
    ("huge_pages", "true: the allocator asks for huge pages; the kernel may refuse"),
];

/// Whether records come as fast as they are taken, or at a rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Load {
    /// Closed loop.
    Closed,
    /// Open loop at a rate as `run --rate` takes it.
    Open(String),
}

impl Load {
    /// `closed`, or the rate.
    pub fn name(&self) -> &str {
        match self {
            Load::Closed => "closed",
            Load::Open(rate) => rate,
        }
    }
}

/// The options in one line, sorted by name: what tells a configuration apart.
pub fn key(values: &Values) -> String {
    values.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

/// The process that runs this configuration of `program` for about `duration` (as `run --duration` takes it).
///
/// # Errors
/// If an option is unknown, or does not go with the others.
pub fn child(program: &Path, values: &Values, load: &Load, duration: &str) -> Result<Child, String> {
    let (mut arguments, mut placement, mut huge_pages) = (Vec::new(), None, None);
    let mut workload = values.get("workload").cloned().ok_or("a configuration names its workload")?;
    // Properties that choose among the workloads of a family.
    for (property, family) in [("record_size", "hop"), ("windows", "sliding"), ("chain", "chain")] {
        let Some(value) = values.get(property) else { continue };
        let part = match (property, value.as_str()) {
            ("record_size", "8") => "hop".into(),
            ("record_size", bytes) => format!("hop{bytes}"),
            (_, value) => format!("{family}-{value}"),
        };
        if workload != family || !workload::names().iter().any(|info| info.name == part) {
            return Err(format!("{property} = {value}: of the workload {family} only, and as `list options` has it"));
        }
        workload = part;
    }
    for (name, value) in values {
        match name.as_str() {
            "workload" | "record_size" | "windows" | "chain" => {}
            "oversubscribe" => arguments.extend(flag(name, value)?.then(|| "--oversubscribe".to_owned())),
            "placement" => placement = Some(value.clone()),
            "huge_pages" => huge_pages = Some(flag(name, value)?),
            // Of a closed loop nothing is spread.
            "schedule" | "generator" if *load == Load::Closed => {}
            name if OPTIONS.iter().any(|(option, _)| *option == name) => arguments.extend([format!("--{name}"), value.clone()]),
            name => {
                let known: Vec<&str> = OPTIONS.iter().map(|(name, _)| *name).collect();
                return Err(format!("`{name}` is no option: there are {}", known.join(", ")));
            }
        }
    }
    if !values.contains_key("events") {
        arguments.extend(["--duration".into(), duration.into()]);
    }
    if let Load::Open(rate) = load {
        arguments.extend(["--rate".into(), rate.clone()]);
    }
    let mut child = Child::new(program, [workload].into_iter().chain(arguments));
    if let Some(cores) = placement {
        child = child.placed(cores);
    }
    if let Some(wants) = huge_pages {
        // mimalloc's and the C library's own switches, whichever allocator it is.
        let (mimalloc, tunables) = if wants { ("1", "glibc.malloc.hugetlb=1") } else { ("0", "glibc.malloc.hugetlb=0") };
        child = child
            .with("MIMALLOC_ALLOW_LARGE_OS_PAGES", mimalloc)
            .with("MIMALLOC_LARGE_OS_PAGES", mimalloc)
            .with("GLIBC_TUNABLES", tunables);
    }
    Ok(child)
}

fn flag(name: &str, value: &str) -> Result<bool, String> {
    value.parse().map_err(|_| format!("{name} = {value}: true or false"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn told(pairs: &[(&str, &str)], load: &Load) -> Result<String, String> {
        child(Path::new("bench"), &values(pairs), load, "0.2s").map(|child| child.to_string())
    }

    #[test]
    fn options_become_arguments() {
        let closed = told(&[("workload", "ysb"), ("batch", "64"), ("schedule", "poisson")], &Load::Closed).unwrap();
        assert_eq!(closed, "bench run ysb --batch 64 --duration 0.2s --repeats 1 --floor 0ms --format json");
        let open =
            told(&[("workload", "hop"), ("record_size", "64"), ("events", "1M"), ("schedule", "poisson")], &Load::Open("0.5x".into()));
        assert_eq!(open.unwrap(), "bench run hop64 --events 1M --schedule poisson --rate 0.5x --repeats 1 --floor 0ms --format json");
        let chain = told(&[("workload", "chain"), ("chain", "8"), ("cores", "4"), ("oversubscribe", "true")], &Load::Closed).unwrap();
        assert!(chain.starts_with("bench run chain-8 --cores 4 --oversubscribe "), "{chain}");
        let placed = told(&[("workload", "ysb"), ("placement", "0,1"), ("huge_pages", "true")], &Load::Closed).unwrap();
        assert!(placed.starts_with("MIMALLOC_ALLOW_LARGE_OS_PAGES=1 "), "{placed}");
        assert!(placed.contains("taskset -c 0,1 bench run ysb"), "{placed}");
    }

    #[test]
    fn what_does_not_go_is_said() {
        for (pairs, needle) in [
            (&[("batch", "64")][..], "names its workload"),
            (&[("workload", "ysb"), ("colour", "red")], "`colour` is no option: there are workload,"),
            (&[("workload", "ysb"), ("record_size", "8")], "of the workload hop only"),
            (&[("workload", "sliding"), ("windows", "3")], "of the workload sliding only"),
            (&[("workload", "ysb"), ("huge_pages", "perhaps")], "true or false"),
        ] {
            assert!(told(pairs, &Load::Closed).unwrap_err().contains(needle), "{pairs:?}");
        }
        assert_eq!(key(&values(&[("workload", "a"), ("batch", "1")])), "batch=1 workload=a");
    }
}
