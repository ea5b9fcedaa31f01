//! What else is wrong with a cookie, found by changing what is wrong with it first.

use hardtack::cookie::{Ignored, Profile};
use hardtack::jar::{Jar, Outcome, Target};
use hardtack::time::UnixTime;

use super::{How, Request, Stored};

/// Every reason has a change of its own, so that there are never more.
const MOST_REASONS: usize = 8;

/// All the reasons why this line is dropped: the first, and each that shows when those before it
/// are changed.
pub(super) fn all_reasons(
    line: &[u8],
    first: Ignored,
    request: &Request,
    profile: &'static Profile,
    now: UnixTime,
) -> Stored {
    let mut reasons = vec![first];
    let (mut line, mut request) = (line.to_vec(), request.clone());
    while reasons.len() <= MOST_REASONS {
        let Some(last) = reasons.last() else { break };
        if change(&mut line, &mut request, last).is_none() {
            break;
        }
        match Jar::new(profile).set(&line, &request.context(), now) {
            Outcome::Ignored(next) if reasons.contains(&next) => break,
            Outcome::Ignored(next) => reasons.push(next),
            _ => return Stored::No { reasons, repaired: Some(line) },
        }
    }
    Stored::No { reasons, repaired: None }
}

/// Changes line or request so that this is not wrong any more; `None` where only the server's author
/// can know how.
fn change(line: &mut Vec<u8>, request: &mut Request, reason: &Ignored) -> Option<()> {
    match reason {
        Ignored::ControlByte { .. } => {
            line.retain(|byte| *byte == b'\t' || !byte.is_ascii_control());
        }
        Ignored::Tab { .. } => line.retain(|byte| *byte != b'\t'),
        Ignored::SameSiteNoneNeedsSecure | Ignored::PartitionedNeedsSecure => add(line, "Secure"),
        Ignored::DomainInvalid | Ignored::DomainMismatch | Ignored::DomainPublicSuffix => {
            remove(line, "Domain");
        }
        Ignored::PrefixRule { needs: "no Domain", .. } => remove(line, "Domain"),
        Ignored::PrefixRule { needs, .. } => add(line, needs),
        Ignored::SecureFromPlainHttp | Ignored::OverlaysSecure => {
            let url = request.url.to_string();
            let secure = format!("https{}", url.strip_prefix("http")?);
            request.url = Target::parse(&secure).ok()?;
        }
        Ignored::HttpOnlyFromScript => request.how = How::Navigation,
        Ignored::CrossSite { .. } => {
            add(line, "SameSite=None");
            add(line, "Secure");
        }
        _ => return None,
    }
    Some(())
}

/// Writes this attribute in place of what the line says of it.
fn add(line: &mut Vec<u8>, attribute: &str) {
    let name = attribute.split_once('=').map_or(attribute, |(name, _)| name);
    remove(line, name);
    line.extend_from_slice(b"; ");
    line.extend_from_slice(attribute.as_bytes());
}

/// Takes every attribute of this name out.
fn remove(line: &mut Vec<u8>, name: &str) {
    let mut pieces = line.split(|byte| *byte == b';');
    let mut kept: Vec<&[u8]> = pieces.next().into_iter().collect();
    kept.extend(pieces.filter(|piece| {
        let known = piece.split(|byte| *byte == b'=').next().unwrap_or_default();
        !known.trim_ascii().eq_ignore_ascii_case(name.as_bytes())
    }));
    *line = kept.join(&b';');
}
