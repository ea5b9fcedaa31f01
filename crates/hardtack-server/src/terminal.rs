//! What the commands print for people: aligned columns, and text that fits the terminal.
//!
//! Colours are written always; [`anstream`] takes them out where nobody would see them: not a
//! terminal, or `NO_COLOR` is set.
//!
//! # What this does not protect
//!
//! It prints what it is given, so secrets are up to its callers. Only control characters, with which
//! a cookie could take the terminal over, are shown as `\x1b`: see [`printable`].

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use anstream::adapter::strip_str;
use anstyle::Style;

/// The columns of the terminal: 80 where there is none.
pub fn width() -> usize {
    terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0).max(20))
}

/// Bytes of a cookie as text that a terminal shows and does not obey.
pub fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match u32::from(character) {
                code @ (0..0x20 | 0x7f..0xa0) => {
                    let _ = write!(text, "\\x{code:02x}");
                }
                // Characters that turn the direction of what follows, and line separators.
                code @ (0x200b..=0x200f | 0x2028..=0x202e | 0x2066..=0x2069 | 0xfeff) => {
                    let _ = write!(text, "\\u{{{code:x}}}");
                }
                _ => text.push(character),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// A `Set-Cookie` line, or a `Cookie` header, with `...` in place of each value.
pub fn without_values(line: &[u8]) -> String {
    let attributes = [&b"Domain"[..], b"Path", b"Expires", b"Max-Age", b"SameSite", b"Priority"];
    let pieces = line.split(|byte| *byte == b';').enumerate().map(|(at, piece)| {
        let (name, has_value) = match piece.iter().position(|byte| *byte == b'=') {
            Some(end) => (&piece[..end], true),
            None => (piece, false),
        };
        let is = |known: &&[u8]| name.trim_ascii().eq_ignore_ascii_case(known);
        match (at, has_value) {
            // Without a name it is all value.
            (0, false) => "...".to_owned(),
            (1.., false) => printable(piece),
            (1.., true) if attributes.iter().any(is) => printable(piece),
            _ => printable(name) + "=...",
        }
    });
    pieces.collect::<Vec<_>>().join(";")
}

/// A piece of a [`table`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// Text in a colour.
    pub fn styled(text: impl Into<String>, style: Style) -> Cell {
        Cell { text: text.into(), style }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell { text, style: Style::new() }
    }
}

impl fmt::Display for Cell {
    /// With the style, and filled up to the formatter's width after it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fill = f.width().unwrap_or_default().saturating_sub(self.width());
        write!(f, "{}{}{:#}{:fill$}", self.style, self.text, self.style, "")
    }
}

/// Prints rows in columns as wide as they have to be, two spaces apart. On a terminal too narrow
/// for that each row becomes a block, a line a column under its heading.
///
/// # Errors
///
/// What the writer says.
pub fn table(
    to: &mut impl Write,
    width: usize,
    heads: &[&str],
    rows: &[Vec<Cell>],
) -> io::Result<()> {
    let widths: Vec<usize> = heads
        .iter()
        .enumerate()
        .map(|(at, head)| {
            let cells = rows.iter().filter_map(|row| row.get(at));
            cells.map(Cell::width).fold(head.chars().count(), usize::max)
        })
        .collect();
    if widths.iter().sum::<usize>() + 2 * heads.len().saturating_sub(1) > width {
        let widest = heads.iter().map(|head| head.chars().count()).max().unwrap_or_default();
        for (number, row) in rows.iter().enumerate() {
            if number > 0 {
                writeln!(to)?;
            }
            for (head, cell) in heads.iter().zip(row).filter(|(_, cell)| !cell.text.is_empty()) {
                writeln!(to, "{head:widest$}  {cell}")?;
            }
        }
        return Ok(());
    }
    let heads = heads.iter().map(|&head| Cell::from(head.to_owned())).collect();
    for row in std::iter::once(&heads).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        writeln!(to, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Prints text broken at spaces, each line after `indent`, the first after `first` instead. Colours
/// in it take no room.
///
/// # Errors
///
/// What the writer says.
pub fn paragraph(
    to: &mut impl Write,
    width: usize,
    first: &str,
    indent: &str,
    text: &str,
) -> io::Result<()> {
    let room = |text: &str| strip_str(text).map(|piece| piece.chars().count()).sum::<usize>();
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in text.split(' ') {
        if !is_empty && room(&line) + 1 + room(word) > width {
            writeln!(to, "{line}")?;
            indent.clone_into(&mut line);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    writeln!(to, "{line}")
}

#[cfg(test)]
mod tests {
    use anstyle::AnsiColor;

    use super::*;

    fn shown(print: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut to = Vec::new();
        print(&mut to).expect("a buffer takes all");
        String::from_utf8(to).expect("text")
    }

    #[test]
    fn a_cookie_cannot_write_to_the_terminal() {
        let bytes = "a\x1b[2J\u{9b}ö\u{202e}".as_bytes();
        assert_eq!(printable(bytes), "a\\x1b[2J\\x9bö\\u{202e}");
        assert_eq!(printable(b"\xff\0ok"), "\\xff\\x00ok");
    }

    #[test]
    fn values_are_hidden_and_attributes_shown() {
        for (line, shown) in [
            ("sid=secret; Path=/; HttpOnly", "sid=...; Path=/; HttpOnly"),
            ("secret", "..."),
            ("a=secret=x;b=secret", "a=...;b=..."),
            ("=secret", "=..."),
        ] {
            assert_eq!(without_values(line.as_bytes()), shown);
        }
    }

    #[test]
    fn a_table_that_does_not_fit_becomes_blocks() {
        let rows = [["sid", "stored"], ["ö", ""]]
            .map(|row| row.map(|cell| Cell::from(cell.to_owned())).to_vec());
        let heads = ["cookie", "outcome"];
        let wide = shown(|to| table(to, 20, &heads, &rows));
        assert_eq!(wide, "cookie  outcome\nsid     stored\nö\n");
        let narrow = shown(|to| table(to, 14, &heads, &rows));
        assert_eq!(narrow, "cookie   sid\noutcome  stored\n\ncookie   ö\n");
    }

    #[test]
    fn a_paragraph_breaks_at_spaces_and_keeps_long_words() {
        let text =
            shown(|to| paragraph(to, 10, "- ", "  ", "one two three verylongwordindeed four"));
        assert_eq!(text, "- one two\n  three\n  verylongwordindeed\n  four\n");
        let red = AnsiColor::Red.on_default();
        let text = format!("{red}one{red:#} two");
        assert_eq!(shown(|to| paragraph(to, 9, "- ", "  ", &text)), format!("- {text}\n"));
    }
}
