//! `report`: its page in a real browser, its text, and what it says of folders that it cannot read.
//!
//! The browser is Chromium, found on the PATH. Where there is none, the test that needs one says so and is the only one that is left out.
#![allow(clippy::unwrap_used)]

mod chromium;
mod sample;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use chromium::Chromium;
use serde_json::{Value, json};

fn report(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_thalweg-bench")).arg("report").args(arguments).output().unwrap()
}

#[track_caller]
fn ends_with(output: &Output, code: i32) -> String {
    let texts = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert_eq!(output.status.code(), Some(code), "stdout:\n{}\nstderr:\n{}", texts[0], texts[1]);
    texts.concat()
}

/// What a page must be on every screen. Returns its picture.
fn look(browser: &mut Chromium, page: &Path, width: u32, is_dark: bool) -> Vec<u8> {
    browser.visit(page, width, is_dark);
    let what = format!("{width} px, {}", if is_dark { "dark" } else { "light" });
    assert_eq!(browser.complaints(), Vec::<String>::new(), "{what}: the console");
    assert_eq!(browser.requests(), Vec::<String>::new(), "{what}: the network");
    assert_eq!(
        browser.evaluate("document.documentElement.scrollWidth"),
        json!(width),
        "{what}: wider than the screen: {}",
        browser.evaluate(WIDER)
    );
    let charts = browser.evaluate("document.querySelectorAll('figure.chart > svg').length").as_u64().unwrap();
    assert!(charts >= 9, "{what}: {charts} charts");
    assert_eq!(browser.evaluate(UNREADABLE), json!([]), "{what}: text that is too small or outside its chart");
    browser.screenshot()
}

/// Elements that stick out to the right.
const WIDER: &str = "[...document.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .slice(0, 5).map(e => e.outerHTML.slice(0, 160))";

/// Text in charts under 9 px, or beyond the chart's card.
const UNREADABLE: &str = "[...document.querySelectorAll('figure.chart > svg text')].filter(text => {
    const box = text.getBoundingClientRect(), card = text.closest('figure').getBoundingClientRect();
    return box.height < 9 || box.left < card.left || box.right > card.right;
}).map(text => text.textContent)";

#[test]
fn the_page_is_right_in_a_browser() {
    let Some(program) = Chromium::find() else {
        eprintln!("SKIPPED: no chromium, chromium-browser or google-chrome on the PATH; the page was not looked at");
        return;
    };
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("2026-01-31-sample");
    sample::write(&folder);
    ends_with(&report(&[folder.to_str().unwrap()]), 0);
    let page = folder.join("report.html");

    let mut browser = Chromium::start(&program);
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
    fs::create_dir_all(&pictures).unwrap();
    for width in [360, 1280] {
        let both = [false, true].map(|is_dark| {
            let picture = look(&mut browser, &page, width, is_dark);
            fs::write(pictures.join(format!("{width}-{}.png", if is_dark { "dark" } else { "light" })), &picture).unwrap();
            (picture, browser.evaluate("getComputedStyle(document.body).backgroundColor"))
        });
        assert_ne!(both[0].0, both[1].0, "dark and light look the same");
        assert_ne!(both[0].1, both[1].1);
        assert!(both.iter().all(|(picture, _)| picture.starts_with(b"\x89PNG") && picture.len() > 20_000));
    }

    // A point leads to its row, digit for digit; the address can be passed on; Close closes.
    browser.visit(&page, 1280, false);
    browser.click("figure.chart a[href^='#row-']");
    // Points of repeats lie on one another: the address says which one was on top.
    let link = browser.evaluate("location.hash");
    let place: usize = link.as_str().unwrap().strip_prefix("#row-0-").unwrap().parse().unwrap();
    let shown: Value = serde_json::from_str(browser.evaluate("document.getElementById('row-json').textContent").as_str().unwrap()).unwrap();
    let rows = fs::read_to_string(folder.join("rows.jsonl")).unwrap();
    assert_eq!(shown, serde_json::from_str::<Value>(rows.lines().nth(place).unwrap()).unwrap());
    assert_eq!(browser.evaluate("document.getElementById('row').open"), json!(true));
    fs::write(pictures.join("row.png"), browser.screen()).unwrap();
    browser.click("#row button");
    assert_eq!(browser.evaluate("document.getElementById('row').open"), json!(false));
    assert_eq!(browser.evaluate("location.hash"), json!(""));
    browser.visit_at(&page, "#row-0-1", 360, true);
    assert_eq!(browser.evaluate("document.getElementById('row').open"), json!(true));
    assert_eq!(browser.evaluate("document.documentElement.scrollWidth"), json!(360));
    fs::write(pictures.join("row-360-dark.png"), browser.screen()).unwrap();

    // Systems compared: a ratio for each that was right, a source for every function.
    let compared = browser.evaluate("document.getElementById('systems-0').textContent");
    for needle in ["timely", "Flink, newcomer", "wrong: renoir", "When to take another system"] {
        assert!(compared.as_str().unwrap().contains(needle), "no `{needle}`");
    }
    let sources = "document.querySelectorAll('#systems-0 td a[href^=\"https://\"]').length";
    assert!(browser.evaluate(sources).as_u64().unwrap() >= 50);

    // The workload with a hostile name has stayed a name.
    assert_eq!(browser.evaluate("document.querySelectorAll('img, iframe, object').length"), json!(0));
    assert_eq!(
        browser.evaluate("[...document.querySelectorAll('h2')].some(h => h.textContent === '<img src=x onerror=alert(1)>')"),
        json!(true)
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn the_text_fits_eighty_columns() {
    let root = tempfile::tempdir().unwrap();
    sample::write(root.path());
    let text = ends_with(&report(&[root.path().to_str().unwrap(), "--text"]), 0);
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
    for needle in [
        "ysb, 1 core, closed loop",
        "Flink, newcomer",
        "wrong: renoir",
        "Latency by percentile at",
        "Latency against load",
        "99.9 %",
        "thalweg",
        "offered records per second",
    ] {
        assert!(text.contains(needle), "no `{needle}` in\n{text}");
    }
    assert!(!root.path().join("report.html").exists());
}

#[test]
fn unreadable_folders_are_an_error_and_no_page() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().to_str().unwrap();
    assert!(ends_with(&report(&[path]), 2).contains("it is empty"));
    assert!(ends_with(&report(&[&format!("{path}/absent")]), 2).contains("absent"));
    sample::write(root.path());
    let rows = fs::read(root.path().join("rows.jsonl")).unwrap();
    fs::write(root.path().join("rows.jsonl"), &rows[..rows.len() / 2]).unwrap();
    assert!(ends_with(&report(&[path]), 2).contains("cut off"));
    assert!(!root.path().join("report.html").exists());
    assert!(ends_with(&report(&[]), 2).contains("DIR"));
    assert!(ends_with(&report(&["--help"]), 0).contains("thalweg-bench report results/"));
}
