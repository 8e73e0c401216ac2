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

    // Without git, or outside a clone, the commit is unknown.
    let commit = output("git", &["rev-parse", "--short=10", "HEAD"]).map(|hash| {
        let changed =
            output("git", &["status", "--porcelain", "--untracked-files=no", "--", "..", ":!../*.md"]).is_some_and(|s| !s.is_empty());
        if changed { format!("{hash}-changed") } else { hash }
    });
    set("COMMIT", &commit.unwrap_or_else(|| "unknown".into()));

    // The commit is that of the sources that were compiled: look again whenever they, or the checked-out commit, change.
    for path in ["build.rs", "Cargo.toml", "src", "../engine/src", "../engine/Cargo.toml", "../Cargo.toml", "../Cargo.lock"] {
        println!("cargo::rerun-if-changed={path}");
    }
    for name in ["HEAD", "logs/HEAD"] {
        let path = output("git", &["rev-parse", "--git-path", name]);
        for path in path.iter().filter(|path| std::path::Path::new(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    println!("cargo::rerun-if-env-changed=CARGO_ENCODED_RUSTFLAGS");
}
