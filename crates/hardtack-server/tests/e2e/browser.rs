//! A headless Chromium, driven through the DevTools protocol over one websocket.

use std::cell::RefCell;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;
use std::{env, fs, thread};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// Nothing in these tests takes longer, also on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(40);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(25);

/// A running browser with a profile of its own.
pub(crate) struct Browser {
    process: Child,
    wire: Rc<RefCell<Wire>>,
}

/// A tab of it.
pub(crate) struct Page {
    wire: Rc<RefCell<Wire>>,
    session: String,
}

struct Wire {
    socket: WebSocket<TcpStream>,
    last_id: u64,
}

/// Where Chromium is, if it is installed.
pub(crate) fn chromium() -> Option<PathBuf> {
    if let Some(chosen) = env::var_os("CHROMIUM") {
        return Some(PathBuf::from(chosen));
    }
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file())
}

impl Browser {
    /// Starts with this profile and waits until it answers.
    pub(crate) fn start(program: &Path, profile: &Path) -> Browser {
        let port_file = profile.join("DevToolsActivePort");
        let _ = fs::remove_file(&port_file);
        let process = Command::new(program)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--remote-debugging-port=0",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Chromium starts");
        let told = until("Chromium opens its DevTools port", || {
            let told = fs::read_to_string(&port_file).ok()?;
            (told.lines().count() >= 2).then_some(told)
        });
        let (port, path) = told.trim().split_once('\n').expect("two lines");
        let stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("the port is open");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout can be set");
        let (socket, _) = tungstenite::client(format!("ws://127.0.0.1:{port}{path}"), stream)
            .expect("Chromium speaks websocket");
        Browser { process, wire: Rc::new(RefCell::new(Wire { socket, last_id: 0 })) }
    }

    /// Opens a tab on this address.
    pub(crate) fn open(&self, url: &str) -> Page {
        let target = self.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attached = self.call(
            "Target.attachToTarget",
            json!({ "targetId": target["targetId"], "flatten": true }),
        );
        let session = attached["sessionId"].as_str().expect("a session id").to_owned();
        let page = Page { wire: self.wire.clone(), session };
        page.call("Page.enable", json!({}));
        page.goto(url);
        page
    }

    fn call(&self, method: &str, params: Value) -> Value {
        self.wire
            .borrow_mut()
            .call(None, method, params)
            .unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Quits as a person would, so that the profile is written.
    pub(crate) fn quit(mut self) {
        let _ = self.wire.borrow_mut().call(None, "Browser.close", json!({}));
        until("Chromium has quit", || self.process.try_wait().expect("a child can be waited for"));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Page {
    /// Goes to an address and waits until the page is there.
    pub(crate) fn goto(&self, url: &str) {
        self.leave(|| {
            self.call("Page.navigate", json!({ "url": url }));
        });
    }

    /// Clicks on something that leads to another page, and waits for that.
    pub(crate) fn click(&self, selector: &str) {
        let script = format!(
            "(() => {{ const it = document.querySelector({selector:?}); if (!it) return false; it.click(); return true; }})()"
        );
        self.leave(|| assert_eq!(self.eval(&script), json!(true), "nothing to click: {selector}"));
    }

    /// Goes back as the back button does, and waits for the page.
    pub(crate) fn back(&self) {
        self.leave(|| {
            self.eval("void history.back()");
        });
    }

    /// Does what leaves this page and waits for the next one.
    pub(crate) fn leave(&self, act: impl FnOnce()) {
        self.try_eval("window.leaving = true").expect("the page takes a mark");
        act();
        until("the next page is there", || {
            let there =
                self.try_eval("!window.leaving && document.readyState === 'complete'").ok()?;
            (there == json!(true)).then_some(())
        });
    }

    /// What an expression gives; promises are waited for.
    pub(crate) fn eval(&self, expression: &str) -> Value {
        self.try_eval(expression).unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// The text of the first element that matches.
    pub(crate) fn text(&self, selector: &str) -> String {
        let script = format!("document.querySelector({selector:?})?.innerText ?? ''");
        self.eval(&script).as_str().expect("text").to_owned()
    }

    /// Waits until an expression is true.
    pub(crate) fn wait_for(&self, expression: &str) {
        until(expression, || {
            let value = self.try_eval(expression).ok()?;
            (value == json!(true)).then_some(())
        });
    }

    /// Fills in a field.
    pub(crate) fn fill(&self, selector: &str, value: &str) {
        let script = format!("document.querySelector({selector:?}).value = {value:?}");
        self.eval(&script);
    }

    /// All cookies that the browser would send to this address.
    pub(crate) fn cookies(&self, url: &str) -> Vec<Value> {
        let found = self.call("Network.getCookies", json!({ "urls": [url] }));
        found["cookies"].as_array().expect("a list").clone()
    }

    /// Looks like a phone or a desktop, by day or by night.
    pub(crate) fn look(&self, width: u32, height: u32, scheme: &str) {
        let mobile = width < 600;
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile }),
        );
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.call("Emulation.setEmulatedMedia", json!({ "features": [feature] }));
    }

    /// A picture of the whole page.
    pub(crate) fn screenshot(&self, to: &Path) {
        let shot = self.call(
            "Page.captureScreenshot",
            json!({ "format": "png", "captureBeyondViewport": true }),
        );
        let picture = base64_simd::STANDARD
            .decode_to_vec(shot["data"].as_str().expect("a picture"))
            .expect("base64");
        fs::write(to, picture).expect("the picture can be written");
    }

    pub(crate) fn call(&self, method: &str, params: Value) -> Value {
        self.try_call(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn try_call(&self, method: &str, params: Value) -> Result<Value, String> {
        self.wire.borrow_mut().call(Some(&self.session), method, params)
    }

    fn try_eval(&self, expression: &str) -> Result<Value, String> {
        let outcome = self.try_call(
            "Runtime.evaluate",
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true }),
        )?;
        match outcome.get("exceptionDetails") {
            Some(exception) => Err(exception.to_string()),
            None => Ok(outcome["result"]["value"].clone()),
        }
    }
}

impl Wire {
    /// Asks and waits for the answer; events in between are not needed here.
    fn call(
        &mut self,
        session: Option<&str>,
        method: &str,
        params: Value,
    ) -> Result<Value, String> {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(message.to_string())).map_err(|error| error.to_string())?;
        loop {
            let Message::Text(text) = self.socket.read().map_err(|error| error.to_string())? else {
                continue;
            };
            let mut answer: Value =
                serde_json::from_str(&text).map_err(|error| error.to_string())?;
            if answer["id"] == json!(id) {
                return match answer.get("error") {
                    Some(error) => Err(error.to_string()),
                    None => Ok(answer["result"].take()),
                };
            }
        }
    }
}

/// Tries until there is something, or the deadline has passed.
pub(crate) fn until<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    for _ in 0..DEADLINE.as_millis() / PAUSE.as_millis() {
        if let Some(done) = attempt() {
            return done;
        }
        thread::sleep(PAUSE);
    }
    panic!("gave up waiting: {what}");
}
