//! Where the cookies are: by partition, then by the host that they belong to.
//!
//! A request looks at one entry a label of its host, so what it costs does not depend on how many
//! other hosts there are. Hosts of one registrable domain form a group, for the limits that hold
//! for a domain as a whole.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Cookie, Partition, Suffixes};

#[derive(Clone, Default)]
pub(super) struct Index {
    plain: Shelf,
    partitioned: HashMap<Arc<Partition>, Shelf>,
    len: usize,
}

impl Index {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn has_partitions(&self) -> bool {
        !self.partitioned.is_empty()
    }

    pub(super) fn shelf(&self, partition: Option<&Partition>) -> Option<&Shelf> {
        match partition {
            None => Some(&self.plain),
            Some(partition) => self.partitioned.get(partition),
        }
    }

    pub(super) fn find(&self, partition: Option<&Partition>, key: Key<'_>) -> Option<&Cookie> {
        let cookies = self.shelf(partition)?.of_host(key.domain);
        cookies.iter().find(|cookie| key.is_of(cookie))
    }

    /// The partition as the cookies in it share it.
    pub(super) fn share(&self, partition: &Partition) -> Arc<Partition> {
        let known = self.partitioned.get_key_value(partition).map(|(known, _)| known.clone());
        known.unwrap_or_else(|| Arc::new(partition.clone()))
    }

    pub(super) fn find_mut(
        &mut self,
        partition: Option<&Partition>,
        key: Key<'_>,
    ) -> Option<&mut Cookie> {
        let shelf = match partition {
            None => &mut self.plain,
            Some(partition) => self.partitioned.get_mut(partition)?,
        };
        let cookies = &mut shelf.hosts.get_mut(key.domain)?.cookies;
        cookies.iter_mut().find(|cookie| key.is_of(cookie))
    }

    pub(super) fn insert(&mut self, cookie: Cookie, suffixes: &Suffixes) {
        let shelf = match cookie.partition_arc() {
            None => &mut self.plain,
            Some(partition) => self.partitioned.entry(partition.clone()).or_default(),
        };
        shelf.insert(cookie, suffixes);
        self.len += 1;
    }

    /// Takes out what `gone` says, of the hosts of one group or of all there are.
    pub(super) fn extract(
        &mut self,
        place: Place<'_>,
        mut gone: impl FnMut(&Cookie) -> bool,
    ) -> Vec<Cookie> {
        let mut taken = Vec::new();
        match place {
            Place::Everywhere => {
                self.plain.extract(None, &mut gone, &mut taken);
                for shelf in self.partitioned.values_mut() {
                    shelf.extract(None, &mut gone, &mut taken);
                }
            }
            Place::Group(None, group) => self.plain.extract(Some(group), &mut gone, &mut taken),
            Place::Group(Some(partition), group) => {
                if let Some(shelf) = self.partitioned.get_mut(partition) {
                    shelf.extract(Some(group), &mut gone, &mut taken);
                }
            }
        }
        if !taken.is_empty() {
            self.partitioned.retain(|_, shelf| !shelf.hosts.is_empty());
        }
        self.len -= taken.len();
        taken.sort_unstable_by_key(Cookie::age_order);
        taken
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Cookie> {
        let shelves = std::iter::once(&self.plain).chain(self.partitioned.values());
        shelves.flat_map(|shelf| shelf.hosts.values()).flat_map(|bucket| &bucket.cookies)
    }
}

/// What a jar without partitions is.
#[derive(Clone, Default)]
pub(super) struct Shelf {
    hosts: HashMap<Arc<str>, Bucket>,
    groups: HashMap<Arc<str>, Group>,
}

impl Shelf {
    /// The cookies of exactly this host, whether for it only or for hosts below as well.
    pub(super) fn of_host(&self, host: &str) -> &[Cookie] {
        self.hosts.get(host).map_or(&[], |bucket| &bucket.cookies)
    }

    /// The group that the host is in, if the shelf has any cookie of that host.
    pub(super) fn group_of(&self, host: &str) -> Option<&Arc<str>> {
        self.hosts.get(host).map(|bucket| &bucket.group)
    }

    pub(super) fn group_len(&self, group: &str) -> usize {
        self.groups.get(group).map_or(0, |group| group.len)
    }

    /// Bytes of names and values of a group.
    pub(super) fn group_bytes(&self, group: &str) -> usize {
        self.group(group).map(|cookie| cookie.name().len() + cookie.value().len()).sum()
    }

    /// All cookies of a group, in no order.
    pub(super) fn group(&self, group: &str) -> impl Iterator<Item = &Cookie> {
        let hosts = self.groups.get(group).into_iter().flat_map(|group| &group.hosts);
        hosts.flat_map(|host| self.of_host(host))
    }

    fn insert(&mut self, mut cookie: Cookie, suffixes: &Suffixes) {
        if let Some((host, bucket)) = self.hosts.get_key_value(cookie.domain()) {
            // All cookies of a host share one text of it.
            cookie.domain = host.clone();
            let group = bucket.group.clone();
            self.groups.entry(group).or_default().len += 1;
            if let Some(bucket) = self.hosts.get_mut(&cookie.domain) {
                bucket.cookies.push(cookie);
            }
            return;
        }
        let host = cookie.domain.clone();
        let name = suffixes.registrable_domain(&host).unwrap_or(&host);
        let known = self.groups.get_key_value(name).map(|(known, _)| known.clone());
        let name = known.unwrap_or_else(|| name.into());
        let group = self.groups.entry(name.clone()).or_default();
        group.len += 1;
        group.hosts.insert(host.clone());
        self.hosts.insert(host, Bucket { group: name, cookies: vec![cookie] });
    }

    fn extract(
        &mut self,
        group: Option<&str>,
        gone: &mut impl FnMut(&Cookie) -> bool,
        taken: &mut Vec<Cookie>,
    ) {
        let hosts: Vec<Arc<str>> = match group {
            None => self.hosts.keys().cloned().collect(),
            Some(group) => {
                let group = self.groups.get(group);
                group.map_or(Vec::new(), |group| group.hosts.iter().cloned().collect())
            }
        };
        for host in hosts {
            let Some(bucket) = self.hosts.get_mut(&host) else { continue };
            let before = taken.len();
            taken.extend(bucket.cookies.extract_if(.., |cookie| gone(cookie)));
            let count = taken.len() - before;
            let emptied = bucket.cookies.is_empty();
            if let Some(group) = self.groups.get_mut(&bucket.group) {
                group.len -= count;
                if emptied {
                    group.hosts.remove(&host);
                }
                if group.hosts.is_empty() {
                    self.groups.remove(&bucket.group);
                }
            }
            if emptied {
                self.hosts.remove(&host);
            }
        }
    }
}

/// The cookies of one host.
#[derive(Clone)]
struct Bucket {
    group: Arc<str>,
    cookies: Vec<Cookie>,
}

/// The hosts of one registrable domain.
#[derive(Clone, Default)]
struct Group {
    len: usize,
    hosts: HashSet<Arc<str>>,
}

/// What tells a cookie from the others of its partition.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) domain: &'a str,
    pub(super) host_only: bool,
    pub(super) path: &'a [u8],
    pub(super) name: &'a [u8],
}

impl Key<'_> {
    pub(super) fn is_of(&self, cookie: &Cookie) -> bool {
        cookie.name() == self.name
            && cookie.path() == self.path
            && cookie.host_only() == self.host_only
            && cookie.domain() == self.domain
    }
}

/// Which hosts a removal looks at.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    Everywhere,
    Group(Option<&'a Partition>, &'a str),
}
