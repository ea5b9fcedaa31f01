//! Chromium, through the DevTools protocol.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::{Browser, profile};
use crate::case::Case;
use crate::server::Ports;
use crate::wire::{Process, Wire};

/// A running Chromium.
pub(crate) struct Chromium {
    wire: Wire,
    session: String,
    version: String,
    // Dropped in this order: first the process, then its profile.
    _process: Process,
    _profile: TempDir,
}

impl Chromium {
    pub(crate) fn start(ports: Ports) -> Result<Chromium> {
        // Debian's build blocks third-party cookies where the stock one allows them.
        let preferences =
            json!({ "profile": { "block_third_party_cookies": false, "cookie_controls_mode": 0 } });
        let profile = profile("Default/Preferences", &preferences.to_string())?;
        let Ports { http, https, http2, https2 } = ports;
        let mut command = Command::new("chromium");
        command.args(ARGUMENTS).arg(format!("--disable-features={SWITCHED_OFF}"));
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command.arg(format!(
            "--host-resolver-rules=MAP *:80 127.0.0.1:{http}, MAP *:443 127.0.0.1:{https}, MAP *:8081 127.0.0.1:{http2}, MAP *:8444 127.0.0.1:{https2}"
        ));
        let (process, url) = Process::start(command.arg("about:blank"), "DevTools listening on ")?;
        let mut wire = Wire::open(&url)?;
        let version = wire.call(None, "Browser.getVersion", json!({}))?;
        let version = version["product"].as_str().context("no version")?.to_owned();
        let targets = wire.call(None, "Target.getTargets", json!({}))?;
        let targets = targets["targetInfos"].as_array().context("no targets")?;
        let page = targets.iter().find(|target| target["type"] == "page").context("no tab")?;
        let attach = json!({ "targetId": page["targetId"], "flatten": true });
        let session = wire.call(None, "Target.attachToTarget", attach)?;
        let session = session["sessionId"].as_str().context("no session")?.to_owned();
        wire.call(Some(&session), "Page.enable", json!({}))?;
        Ok(Chromium { wire, session, version, _process: process, _profile: profile })
    }
}

impl Browser for Chromium {
    fn version(&self) -> &str {
        &self.version
    }

    fn reset(&mut self, _: &Case) -> Result<()> {
        self.wire.call(None, "Storage.clearCookies", json!({}))?;
        Ok(())
    }

    fn navigate(&mut self, url: &str) -> Result<Option<String>> {
        let answer = self.wire.call(Some(&self.session), "Page.navigate", json!({ "url": url }))?;
        let complaint = answer["errorText"].as_str().filter(|text| !text.contains("ERR_ABORTED"));
        Ok(complaint.map(str::to_owned))
    }

    fn eval(&mut self, expression: &str) -> Result<Value> {
        let params = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true });
        let mut answer = self.wire.call(Some(&self.session), "Runtime.evaluate", params)?;
        if let Some(exception) = answer.get("exceptionDetails") {
            bail!("{exception}");
        }
        Ok(answer["result"]["value"].take())
    }

    fn jar(&mut self) -> Result<Vec<Value>> {
        let answer = self.wire.call(None, "Storage.getCookies", json!({}))?;
        let cookies = answer["cookies"].as_array().context("no cookies")?;
        Ok(cookies.iter().map(entry).collect())
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.wire.call(None, "Browser.close", json!({}));
    }
}

fn entry(cookie: &Value) -> Value {
    let expires = if cookie["session"] == true { &Value::Null } else { &cookie["expires"] };
    let mut entry = json!({
        "name": cookie["name"], "value": cookie["value"], "domain": cookie["domain"], "path": cookie["path"],
        "secure": cookie["secure"], "http_only": cookie["httpOnly"], "same_site": cookie["sameSite"], "expires": expires,
    });
    if let Some(key) = cookie.get("partitionKey") {
        entry["partition"] = key.clone();
    }
    entry
}

const ARGUMENTS: [&str; 19] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-default-apps",
    "--disable-quic",
    "--metrics-recording-only",
    "--mute-audio",
    "--ignore-certificate-errors",
    "--remote-debugging-port=0",
    // Faster, and the cookies are the same with it (checked in both ways).
    "--disable-site-isolation-trials",
    "--password-store=basic",
];

/// What would turn http on loopback into something else, and needless processes.
const SWITCHED_OFF: &str = "HttpsUpgrades,HttpsFirstBalancedMode,HttpsFirstBalancedModeAutoEnable,HttpsFirstModeV2,LocalNetworkAccessChecks,BackForwardCache,OptimizationHints,MediaRouter,Translate,NetworkTimeServiceQuerying,site-per-process,IsolateOrigins";
