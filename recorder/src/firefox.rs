//! Firefox, through WebDriver BiDi.

use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::{Browser, profile};
use crate::case::{Case, Kind};
use crate::server::Ports;
use crate::wire::{Process, Wire};

/// A running Firefox.
pub(crate) struct Firefox {
    wire: Wire,
    version: String,
    container: Container,
    /// Whether a case may have left cookies in partitions, which only a new container is free of.
    partitions: bool,
    // Dropped in this order: first the process, then its profile.
    _process: Process,
    _profile: TempDir,
}

/// A user context, which has a jar of its own, and a tab in it.
struct Container {
    user: Value,
    tab: Value,
}

impl Firefox {
    pub(crate) fn start(ports: Ports) -> Result<Firefox> {
        let mut text = String::new();
        let Ports { http, https, http2, https2 } = ports;
        let forced = format!("80={http};443={https};8081={http2};8444={https2}");
        let forced = [("network.socket.forcePort", json!(forced))];
        for (name, value) in forced.into_iter().chain(preferences()) {
            writeln!(text, "user_pref({name:?}, {value});")?;
        }
        let profile = profile("user.js", &text)?;
        let mut command = Command::new("firefox-esr");
        command.args(["--headless", "--no-remote", "--new-instance", "--profile"]);
        command.arg(profile.path()).args(["--remote-debugging-port", "0"]);
        command.env("MOZ_HEADLESS", "1").env("HOME", profile.path());
        let (process, url) = Process::start(&mut command, "WebDriver BiDi listening on ")?;
        let mut wire = Wire::open(&format!("{url}/session"))?;
        let capabilities = json!({ "alwaysMatch": { "acceptInsecureCerts": true } });
        let session = wire.call(None, "session.new", json!({ "capabilities": capabilities }))?;
        let version = &session["capabilities"]["browserVersion"];
        let version = format!("Firefox/{}", version.as_str().context("no version")?);
        let container = Container::open(&mut wire)?;
        let (_process, _profile) = (process, profile);
        Ok(Firefox { wire, version, container, partitions: false, _process, _profile })
    }
}

impl Container {
    fn open(wire: &mut Wire) -> Result<Container> {
        let user = wire.call(None, "browser.createUserContext", json!({}))?["userContext"].take();
        let params = json!({ "type": "tab", "userContext": user, "background": true });
        let tab = wire.call(None, "browsingContext.create", params)?["context"].take();
        Ok(Container { user, tab })
    }

    /// The jar without the partitions, for the storage module.
    fn jar(&self) -> Value {
        json!({ "partition": { "type": "storageKey", "userContext": self.user } })
    }
}

impl Browser for Firefox {
    fn version(&self) -> &str {
        &self.version
    }

    fn reset(&mut self, case: &Case) -> Result<()> {
        if self.partitions {
            let next = Container::open(&mut self.wire)?;
            let old = std::mem::replace(&mut self.container, next);
            let old = json!({ "userContext": old.user });
            self.wire.call(None, "browser.removeUserContext", old)?;
        } else {
            self.wire.call(None, "storage.deleteCookies", self.container.jar())?;
        }
        let mut all = case.steps.iter().chain(&case.probes);
        self.partitions = all.any(|request| {
            let words = [&request.set_cookie[..], &request.script_cookie].concat().join(" ");
            request.context != Kind::Nav || words.to_ascii_lowercase().contains("partitioned")
        });
        Ok(())
    }

    fn navigate(&mut self, url: &str) -> Result<Option<String>> {
        let params = json!({ "context": self.container.tab, "url": url, "wait": "interactive" });
        let Err(complaint) = self.wire.call(None, "browsingContext.navigate", params) else {
            return Ok(None);
        };
        let complaint = complaint.to_string();
        let no_document = ["NS_BINDING_ABORTED", "navigation canceled", "204", "ERR_ABORTED"];
        Ok(no_document.iter().all(|harmless| !complaint.contains(harmless)).then_some(complaint))
    }

    fn eval(&mut self, expression: &str) -> Result<Value> {
        // Somebody's click on a page opens the jar of that site to frames elsewhere, for a while.
        let params = json!({ "expression": expression, "target": { "context": self.container.tab }, "awaitPromise": true, "userActivation": false });
        let mut answer = self.wire.call(None, "script.evaluate", params)?;
        if answer["type"] == "exception" {
            bail!("{}", answer["exceptionDetails"]);
        }
        Ok(answer["result"]["value"].take())
    }

    fn jar(&mut self) -> Result<Vec<Value>> {
        let answer = self.wire.call(None, "storage.getCookies", self.container.jar())?;
        let cookies = answer["cookies"].as_array().context("no cookies")?;
        Ok(cookies.iter().map(entry).collect())
    }
}

impl Drop for Firefox {
    fn drop(&mut self) {
        let _ = self.wire.call(None, "browser.close", json!({}));
    }
}

fn entry(cookie: &Value) -> Value {
    // A value that is no UTF-8 comes as {"type": "base64"}, and stays so.
    json!({
        "name": cookie["name"], "value": cookie["value"]["value"], "domain": cookie["domain"], "path": cookie["path"],
        "secure": cookie["secure"], "http_only": cookie["httpOnly"], "same_site": cookie["sameSite"], "expires": cookie["expiry"],
    })
}

/// What sends all names to loopback, and keeps http there http and the browser off the network. Rules about cookies
/// stay as they are by default.
fn preferences() -> Vec<(&'static str, Value)> {
    let off = [
        "dom.security.https_first",
        "dom.security.https_first_schemeless",
        "dom.security.https_only_mode",
        "network.lna.enabled",
        "network.lna.block_trackers",
        "network.stricttransportsecurity.preloadlist",
        "network.http.http3.enable",
        "network.dns.native_https_query",
        "network.captive-portal-service.enabled",
        "network.connectivity-service.enabled",
        "network.prefetch-next",
        "fission.bfcacheInParent",
        "fission.autostart",
        "security.enterprise_roots.enabled",
        "browser.shell.checkDefaultBrowser",
        "browser.safebrowsing.malware.enabled",
        "browser.safebrowsing.phishing.enabled",
        "datareporting.policy.dataSubmissionEnabled",
        "toolkit.telemetry.enabled",
        "app.update.enabled",
        "app.normandy.enabled",
        "extensions.update.enabled",
    ];
    let zero = [
        "network.proxy.type",
        "browser.sessionhistory.max_total_viewers",
        "security.OCSP.enabled",
        "browser.startup.page",
    ];
    let mut all = vec![
        ("network.dns.forceResolve", json!("127.0.0.1")),
        ("network.trr.mode", json!(5)),
        ("remote.active-protocols", json!(1)),
        ("services.settings.server", json!("data:,")),
    ];
    all.extend(off.map(|name| (name, json!(false))));
    all.extend(zero.map(|name| (name, json!(0))));
    all
}
