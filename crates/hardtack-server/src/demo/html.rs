//! HTML that cannot be put together wrongly: text is escaped by its type.
//!
//! [`html!`] fills the `{}` of a literal. What goes in is escaped unless it is
//! [`Html`] already, and nothing but the macro makes `Html`. An inline capture
//! such as `{name}` would slip past the types; the compiler refuses it, because
//! the literal reaches `format!` through another macro.

use std::fmt::{self, Display, Formatter};

/// Finished markup.
#[derive(Clone, Default)]
pub(crate) struct Html(String);

impl Html {
    /// What the macro has put together.
    pub(crate) fn from_template(markup: String) -> Html {
        Html(markup)
    }

    /// The markup as text.
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl FromIterator<Html> for Html {
    fn from_iter<I: IntoIterator<Item = Html>>(parts: I) -> Html {
        Html(parts.into_iter().map(|part| part.0).collect())
    }
}

/// A value with a place in markup.
pub(crate) trait Place {
    /// Writes the value in a form that is safe as text and within `"quotes"`.
    fn place(&self, out: &mut Formatter<'_>) -> fmt::Result;
}

impl Place for Html {
    fn place(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl Place for str {
    fn place(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let mut rest = self;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            out.write_str(&rest[..at])?;
            out.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            })?;
            rest = &rest[at + 1..];
        }
        out.write_str(rest)
    }
}

impl Place for String {
    fn place(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.as_str().place(out)
    }
}

impl<T: Place> Place for Option<T> {
    fn place(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|value| value.place(out))
    }
}

impl<T: Place + ?Sized> Place for &T {
    fn place(&self, out: &mut Formatter<'_>) -> fmt::Result {
        (**self).place(out)
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Place for $number {
            fn place(&self, out: &mut Formatter<'_>) -> fmt::Result {
                self.fmt(out)
            }
        }
    )*};
}
numbers!(u16, u32, u64, usize, i64);

/// Lets `format!` write a [`Place`].
pub(crate) struct Placed<'a, T: ?Sized>(pub(crate) &'a T);

impl<T: Place + ?Sized> Display for Placed<'_, T> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.0.place(out)
    }
}

/// Puts values into markup; see the module.
macro_rules! html {
    ($template:literal $(, $value:expr)* $(,)?) => {
        $crate::demo::html::Html::from_template(format!(
            concat!($template)
            $(, $crate::demo::html::Placed(&$value))*
        ))
    };
}
pub(crate) use html;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_markup_is_not() {
        let hostile = "<script>'\"&é";
        let inner = html!("<b>{}</b>", hostile);
        let outer = html!("<a title=\"{}\">{}{}</a>", hostile.to_owned(), inner, 7_u32);
        assert_eq!(
            outer.into_string(),
            "<a title=\"&lt;script&gt;&#39;&quot;&amp;é\">\
             <b>&lt;script&gt;&#39;&quot;&amp;é</b>7</a>"
        );
    }

    #[test]
    fn parts_are_joined_in_order_and_nothing_is_nothing() {
        let none: Option<Html> = None;
        let parts: Html = [html!("a"), html!("{}", none), html!("b")].into_iter().collect();
        assert_eq!(parts.into_string(), "ab");
    }
}
