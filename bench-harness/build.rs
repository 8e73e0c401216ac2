//! Passes what the compiler was, and what it was told, to the program: results without it cannot be compared.
#![allow(missing_docs)]

use std::process::Command;

fn main() {
    let output = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
    };
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let set = |name: &str, value: &str| println!("cargo::rustc-env=THALWEG_{name}={value}");

    set("COMPILER", &output(&variable("RUSTC"), &["--version"]).unwrap_or_else(|| "unknown".into()));
    set("TARGET", &variable("TARGET"));
    set("PROFILE", &format!("{}, opt-level {}", variable("PROFILE"), variable("OPT_LEVEL")));
    // Cargo separates the flags by the unit separator.
    set("RUSTFLAGS", &variable("CARGO_ENCODED_RUSTFLAGS").replace('\x1f', " "));
    set("TARGET_FEATURES", &variable("CARGO_CFG_TARGET_FEATURE"));

    // A package that is built outside a clone names its commit by this variable. Without it and without git, the commit is unknown.
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=THALWEG_COMMIT");
    match variable("THALWEG_COMMIT") {
        commit if !commit.is_empty() => set("COMMIT", &commit),
        _ => set("COMMIT", &checked_out(&output).unwrap_or_else(|| "unknown".into())),
    }
    println!("cargo::rerun-if-env-changed=CARGO_ENCODED_RUSTFLAGS");
}

/// The commit of the sources that are compiled; cargo looks again whenever they, or the checked-out commit, change.
fn checked_out(output: &impl Fn(&str, &[&str]) -> Option<String>) -> Option<String> {
    for path in ["Cargo.toml", "src", "../engine/src", "../engine/Cargo.toml", "../Cargo.toml", "../Cargo.lock"] {
        println!("cargo::rerun-if-changed={path}");
    }
    for name in ["HEAD", "logs/HEAD"] {
        let path = output("git", &["rev-parse", "--git-path", name]);
        for path in path.iter().filter(|path| std::path::Path::new(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let hash = output("git", &["rev-parse", "--short=10", "HEAD"])?;
    let changed = output("git", &["status", "--porcelain", "--untracked-files=no", "--", "..", ":!../*.md"]).is_some_and(|s| !s.is_empty());
    Some(if changed { format!("{hash}-changed") } else { hash })
}
