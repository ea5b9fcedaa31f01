//! Under which circumstances a request is made.

use http::Method;

use super::Target;

/// A request as the jar sees it: where it goes, who started it, and in which page.
///
/// | constructor | a browser's case |
/// | --- | --- |
/// | [`client`](Self::client), [`navigation`](Self::navigation) | no page at all; an address typed by the user |
/// | [`link`](Self::link), [`form_post`](Self::form_post) | a page sends the whole tab elsewhere |
/// | [`subresource`](Self::subresource) | `fetch`, images, WebSockets of a page |
/// | [`iframe`](Self::iframe) | a page fills a frame |
/// | [`script`](Self::script) | `document.cookie` of a page |
///
/// [`in_frames_of`](Self::in_frames_of) says that the page itself sits in a frame,
/// [`redirected`](Self::redirected) follows a redirect, [`method`](Self::method) changes the method.
#[derive(Clone, Debug)]
pub struct RequestContext<'a> {
    pub(super) target: &'a Target,
    pub(super) initiator: Initiator<'a>,
    /// The documents from the tab's down to the one that makes the request; none if the request
    /// fills the tab itself.
    pub(super) frames: Vec<&'a Target>,
    pub(super) redirects: Vec<&'a Target>,
    pub(super) safe_method: bool,
    pub(super) api: Api,
}

impl<'a> RequestContext<'a> {
    /// A client without pages: a program that asks for `target` because its user said so. No
    /// `SameSite` stands in its way.
    pub fn client(target: &'a Target) -> Self {
        RequestContext {
            target,
            initiator: Initiator::User,
            frames: Vec::new(),
            redirects: Vec::new(),
            safe_method: true,
            api: Api::Http,
        }
    }

    /// A navigation of the whole tab that no page started: a typed address, a bookmark.
    pub fn navigation(target: &'a Target) -> Self {
        RequestContext::client(target)
    }

    /// A navigation of the whole tab by GET that the page `from` started.
    pub fn link(target: &'a Target, from: &'a Target) -> Self {
        RequestContext { initiator: Initiator::Page(from), ..RequestContext::client(target) }
    }

    /// A navigation of the whole tab by POST that the page `from` started.
    pub fn form_post(target: &'a Target, from: &'a Target) -> Self {
        RequestContext { safe_method: false, ..RequestContext::link(target, from) }
    }

    /// A request of the page `page` that leaves the page where it is; by GET unless
    /// [`method`](Self::method) says otherwise.
    pub fn subresource(target: &'a Target, page: &'a Target) -> Self {
        RequestContext { frames: vec![page], ..RequestContext::link(target, page) }
    }

    /// The page `parent` fills a frame in itself with `target`.
    pub fn iframe(target: &'a Target, parent: &'a Target) -> Self {
        RequestContext::subresource(target, parent)
    }

    /// `document.cookie` of `page`, to read and to write.
    pub fn script(page: &'a Target) -> Self {
        RequestContext { api: Api::Script, ..RequestContext::subresource(page, page) }
    }

    /// The page that makes the request sits in frames of these documents, the tab's first.
    #[must_use]
    pub fn in_frames_of(mut self, documents: &[&'a Target]) -> Self {
        self.frames.splice(0..0, documents.iter().copied());
        self
    }

    /// Who started the request, where it is not whom the constructor took: a frame that another
    /// page navigates, a sandboxed page.
    #[must_use]
    pub fn initiated_by(mut self, initiator: Initiator<'a>) -> Self {
        self.initiator = initiator;
        self
    }

    /// The method. Only GET, HEAD, OPTIONS and TRACE are safe, and only a safe one carries
    /// `SameSite=Lax` cookies from another site.
    #[must_use]
    pub fn method(mut self, method: &Method) -> Self {
        self.safe_method = method.is_safe();
        self
    }

    /// The answer was a redirect to `target`: the next request. Its method stays unless
    /// [`method`](Self::method) says otherwise. A navigation changes the page, so that frames and
    /// initiator stay what they were.
    #[must_use]
    pub fn redirected(mut self, target: &'a Target) -> Self {
        self.redirects.push(std::mem::replace(&mut self.target, target));
        self
    }

    /// Where the request goes.
    pub fn target(&self) -> &'a Target {
        self.target
    }

    /// Whether the request fills the whole tab.
    pub fn is_top_level_navigation(&self) -> bool {
        self.frames.is_empty()
    }

    /// Whether a request or a script asks.
    pub fn api(&self) -> Api {
        self.api
    }
}

/// Who started a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Initiator<'a> {
    /// The user, or a program without pages.
    User,
    /// A page.
    Page(&'a Target),
    /// A document without an origin of its own, such as a sandboxed frame: another site to
    /// everybody.
    Opaque,
}

/// Through what the jar is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Api {
    /// HTTP: `Set-Cookie` and `Cookie`.
    Http,
    /// A script's `document.cookie`, which neither sees nor sets HttpOnly cookies.
    Script,
}
