//! A headless Chromium, driven over its own debugging pipe: JSON messages that end with a zero byte, on two named pipes.
//!
//! ```text
//!   this test ──▶ fifo "to" ──▶ fd 3 ┐
//!                                    chromium --remote-debugging-pipe
//!   this test ◀── fifo "from" ◀── fd 4 ┘
//! ```

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// Longest wait for an answer; a busy machine needs some seconds to start a browser.
const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) struct Chromium {
    child: Child,
    to: File,
    from: Receiver<Value>,
    session: String,
    last: u64,
    events: Vec<Value>,
    _profile: tempfile::TempDir,
}

impl Chromium {
    /// Its program, if it is on the PATH.
    pub(crate) fn find() -> Option<PathBuf> {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let path = std::env::var_os("PATH")?;
        names.iter().flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name))).find(|program| program.is_file())
    }

    pub(crate) fn start(program: &Path) -> Chromium {
        let profile = tempfile::tempdir().unwrap();
        let [to, from] = ["to", "from"].map(|name| profile.path().join(name));
        assert!(Command::new("mkfifo").args([&to, &from]).status().unwrap().success(), "mkfifo");
        let child = Command::new("sh")
            .args(["-c", "to=$1; from=$2; shift 2; exec \"$@\" 3<\"$to\" 4>\"$from\"", "sh"])
            .args([&to, &from])
            .arg(program)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync", "--force-color-profile=srgb"])
            .args(["--remote-debugging-pipe", "about:blank"])
            .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // In the order in which the shell opens them: each end waits for the other.
        let to = File::options().write(true).open(&to).unwrap();
        let mut answers = BufReader::new(File::open(&from).unwrap());
        let (tell, from) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while answers.read_until(0, &mut message).is_ok_and(|bytes| bytes > 0) {
                let value = serde_json::from_slice(message.strip_suffix(b"\0").unwrap_or(&message)).unwrap_or_default();
                if tell.send(value).is_err() {
                    return;
                }
                message.clear();
            }
        });
        let mut browser = Chromium { child, to, from, session: String::new(), last: 0, events: Vec::new(), _profile: profile };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}))["targetId"].clone();
        let attached = browser.call("Target.attachToTarget", json!({"targetId": target, "flatten": true}));
        browser.session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Sends a command and returns its result. Events that come meanwhile are kept.
    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": parameters});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let answer = self.from.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no answer to {method}"));
            if answer["id"] == self.last {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    pub(crate) fn visit(&mut self, page: &Path, width: u32, is_dark: bool) {
        self.visit_at(page, "", width, is_dark);
    }

    /// Opens a file, at a fragment, on a screen of this width, and waits until it is loaded.
    pub(crate) fn visit_at(&mut self, page: &Path, fragment: &str, width: u32, is_dark: bool) {
        // From somewhere else, so that a page that differs in the fragment alone is loaded anew.
        self.call("Page.navigate", json!({"url": "about:blank"}));
        self.wait_until("location.href === 'about:blank'");
        self.events.clear();
        let scale = if width < 500 { 2 } else { 1 };
        let height = if width < 500 { 740 } else { 800 };
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 500}),
        );
        let scheme = if is_dark { "dark" } else { "light" };
        self.call("Emulation.setEmulatedMedia", json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]}));
        let url = format!("file://{}{fragment}", fs::canonicalize(page).unwrap().display());
        let went = self.call("Page.navigate", json!({"url": url}));
        assert!(went["errorText"].is_null(), "{went}");
        self.wait_until("location.protocol === 'file:' && document.readyState === 'complete'");
    }

    fn wait_until(&mut self, condition: &str) {
        let start = Instant::now();
        while self.evaluate(condition) != json!(true) {
            assert!(start.elapsed() < PATIENCE, "never: {condition}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The value of an expression in the page.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let result = self.call("Runtime.evaluate", json!({"expression": expression, "returnByValue": true}));
        assert!(result["exceptionDetails"].is_null(), "{expression}: {}", result["exceptionDetails"]);
        result["result"]["value"].clone()
    }

    /// Clicks in the middle of the first element that fits, as a hand would.
    pub(crate) fn click(&mut self, selector: &str) {
        let find = format!(
            "(() => {{ const e = document.querySelector({}); e.scrollIntoView({{block: 'center', behavior: 'instant'}});
             const box = (e.querySelector('.mark') ?? e).getBoundingClientRect();
             return [box.x + box.width / 2, box.y + box.height / 2]; }})()",
            json!(selector)
        );
        let found = self.evaluate(&find);
        for kind in ["mousePressed", "mouseReleased"] {
            self.call("Input.dispatchMouseEvent", json!({"type": kind, "x": found[0], "y": found[1], "button": "left", "clickCount": 1}));
        }
        // What a click sets off comes in a later turn of the page's loop.
        self.call("Runtime.evaluate", json!({"expression": "new Promise(r => setTimeout(r, 100))", "awaitPromise": true}));
    }

    /// The whole page as PNG.
    pub(crate) fn screenshot(&mut self) -> Vec<u8> {
        let size = self.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]");
        let clip = json!({"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1});
        self.capture(json!({"format": "png", "captureBeyondViewport": true, "clip": clip}))
    }

    /// What is on the screen as PNG.
    pub(crate) fn screen(&mut self) -> Vec<u8> {
        self.capture(json!({"format": "png"}))
    }

    fn capture(&mut self, how: Value) -> Vec<u8> {
        STANDARD.decode(self.call("Page.captureScreenshot", how)["data"].as_str().unwrap()).unwrap()
    }

    /// Whatever the console and the log were told since the last visit.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let told = ["Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"];
        self.events
            .iter()
            .filter(|event| told.iter().any(|name| event["method"] == *name))
            .map(|event| event["params"].to_string())
            .collect()
    }

    /// What was fetched since the last visit, beside the page itself.
    pub(crate) fn requests(&self) -> Vec<String> {
        let sent = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        let urls = sent.map(|event| event["params"]["request"]["url"].as_str().unwrap_or_default().to_owned());
        urls.filter(|url| !url.starts_with("data:") && !url.ends_with("/report.html") && url != "about:blank").collect()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Ours alone: the browser that this test started.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
