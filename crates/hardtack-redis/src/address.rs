//! Where the servers are.

use hardtack::session::store::StoreError;
use redis::{Client, RedisError};

use crate::error::{bad_url, explain};
use crate::wire::{Server, Tls};

/// What a URL says.
#[derive(Clone)]
pub(crate) enum Address {
    /// One server.
    One(Server),
    /// Sentinels, and the name of the master that they watch.
    Sentinels { sentinels: Vec<Server>, name: String, template: Template },
    /// Some nodes of a cluster.
    Cluster { seeds: Vec<(String, u16)>, template: Template },
}

/// How to reach a server whose host and port are found out later.
#[derive(Clone, Default)]
pub(crate) struct Template {
    tls: Option<Tls>,
    login: String,
    database: String,
}

impl Template {
    pub(crate) fn server(&self, host: &str, port: u16) -> Result<Server, RedisError> {
        let scheme = if self.tls.is_some() { "rediss" } else { "redis" };
        let host = match host.contains(':') && !host.starts_with('[') {
            true => format!("[{host}]"),
            false => host.to_owned(),
        };
        let url = format!("{scheme}://{}{host}:{port}/{}", self.login, self.database);
        let client = match &self.tls {
            Some(tls) => tls.client(url)?,
            None => Client::open(url)?,
        };
        Ok(Server { client, tls: self.tls.clone() })
    }
}

impl Address {
    pub(crate) fn parse(url: &str, roots: Option<Vec<u8>>) -> Result<Self, StoreError> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| bad_url("it has no ://"))?;
        if matches!(scheme, "unix" | "redis+unix") {
            let client = Client::open(url).map_err(explain)?;
            return Ok(Address::One(Server { client, tls: None }));
        }
        let (tls, sentinel) = match scheme {
            "redis" => (false, false),
            "rediss" => (true, false),
            "redis+sentinel" => (false, true),
            "rediss+sentinel" => (true, true),
            other => return Err(bad_url(&format!("`{other}` is none of its schemes"))),
        };
        let tls = tls.then(|| Tls::new(roots)).transpose()?;
        if rest.contains(['?', '#']) {
            return Err(bad_url("settings do not go into the address"));
        }
        let (servers, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = match servers.rsplit_once('@') {
            Some((login, hosts)) => (format!("{login}@"), hosts),
            None => (String::new(), servers),
        };
        let port = if sentinel { 26379 } else { 6379 };
        let hosts = hosts
            .split(',')
            .map(|host| host_and_port(host, port))
            .collect::<Result<Vec<_>, _>>()?;
        if sentinel {
            let (name, database) = path.split_once('/').unwrap_or((path, ""));
            if name.is_empty() {
                return Err(bad_url("the name of the master is missing after the sentinels"));
            }
            let asked = Template { tls: tls.clone(), ..Template::default() };
            let sentinels = hosts.iter().map(|(host, port)| asked.server(host, *port));
            let sentinels = sentinels.collect::<Result<_, _>>().map_err(explain)?;
            let template = Template { tls, login, database: database.to_owned() };
            return Ok(Address::Sentinels { sentinels, name: name.to_owned(), template });
        }
        let template = Template { tls, login, database: path.to_owned() };
        match &hosts[..] {
            [(host, port)] => template.server(host, *port).map(Address::One).map_err(explain),
            _ if !path.is_empty() => Err(bad_url("a cluster has no databases")),
            _ => Ok(Address::Cluster { seeds: hosts, template }),
        }
    }
}

fn host_and_port(text: &str, default: u16) -> Result<(String, u16), StoreError> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let port = port.parse().map_err(|_| bad_url("a port is a number up to 65535"))?;
            (host, port)
        }
        _ => (text, default),
    };
    if host.is_empty() {
        return Err(bad_url("a host is missing"));
    }
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_say_what_kind_of_servers_there_are() {
        for (url, want) in [
            ("redis://127.0.0.1", "one"),
            ("redis://ada:pass@localhost:6380/3", "one"),
            ("redis://[::1]:6380", "one"),
            ("unix:///run/redis.sock", "one"),
            ("redis://a:1,b:2,c", "cluster"),
            ("redis+sentinel://a,b:5/main", "sentinels"),
            ("redis+sentinel://u:p@a/main/2", "sentinels"),
            ("redis+sentinel://a,b", "wrong"),
            ("redis://a,b/1", "wrong"),
            ("redis://a:99999", "wrong"),
            ("redis://", "wrong"),
            ("redis://a?x=1", "wrong"),
            ("http://a", "wrong"),
            ("a", "wrong"),
        ] {
            let got = match Address::parse(url, None) {
                Ok(Address::One(_)) => "one",
                Ok(Address::Sentinels { .. }) => "sentinels",
                Ok(Address::Cluster { .. }) => "cluster",
                Err(_) => "wrong",
            };
            assert_eq!(got, want, "{url}");
        }
    }

    #[test]
    fn an_error_does_not_tell_the_password() {
        for url in ["redis://ada:secret@a:99999", "redis://ada:secret@a?x", "x://a:secret@b"] {
            let error = Address::parse(url, None).map(drop).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }
}
