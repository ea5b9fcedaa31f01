//! What is to be reached, what was measured, and how it is told.

use std::fmt;

/// Everything measured in one run.
#[derive(Default)]
pub(crate) struct Report {
    bars: Vec<Bar>,
    tables: Vec<Table>,
}

struct Bar {
    what: &'static str,
    reach: Reach,
    measured: Result<f64, String>,
}

/// How good is good enough.
#[derive(Clone, Copy)]
pub(crate) enum Reach {
    AtLeast(f64),
    AtMost(f64),
}

/// Figures behind the bars.
pub(crate) struct Table {
    pub(crate) title: &'static str,
    pub(crate) head: &'static [&'static str],
    pub(crate) rows: Vec<Vec<String>>,
}

impl Report {
    /// Holds a figure against its bar.
    pub(crate) fn bar(&mut self, what: &'static str, reach: Reach, measured: f64) {
        self.bars.push(Bar { what, reach, measured: Ok(measured) });
    }

    /// A bar that could not be held, and why.
    pub(crate) fn unmeasured(&mut self, what: &'static str, reach: Reach, reason: &str) {
        self.bars.push(Bar { what, reach, measured: Err(reason.to_owned()) });
    }

    pub(crate) fn table(&mut self, table: Table) {
        self.tables.push(table);
    }
}

impl Bar {
    fn verdict(&self) -> &'static str {
        match (&self.measured, self.reach) {
            (Ok(measured), Reach::AtLeast(least)) if *measured >= least => "met",
            (Ok(measured), Reach::AtMost(most)) if *measured <= most => "met",
            (Ok(_), _) => "**MISSED**",
            (Err(_), _) => "**SKIPPED**",
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reach::AtLeast(least) => write!(f, "at least {least}"),
            Reach::AtMost(most) => write!(f, "at most {most}"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## Bars\n\n| what | to reach | measured | |\n| --- | --- | ---: | --- |")?;
        for bar in &self.bars {
            let measured = match &bar.measured {
                Ok(figure) => format!("{figure:.2}"),
                Err(reason) => reason.clone(),
            };
            writeln!(f, "| {} | {} | {measured} | {} |", bar.what, bar.reach, bar.verdict())?;
        }
        let met = self.bars.iter().filter(|bar| bar.verdict() == "met").count();
        writeln!(f, "\n{met} of {} bars met.", self.bars.len())?;
        for table in &self.tables {
            let line = "| --- ".repeat(table.head.len());
            writeln!(f, "\n## {}\n\n| {} |\n{line}|", table.title, table.head.join(" | "))?;
            for row in &table.rows {
                writeln!(f, "| {} |", row.join(" | "))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_met_from_its_own_side() {
        let verdict = |reach, measured| Bar { what: "", reach, measured: Ok(measured) }.verdict();
        assert_eq!(verdict(Reach::AtLeast(2.0), 2.0), "met");
        assert_eq!(verdict(Reach::AtLeast(2.0), 1.9), "**MISSED**");
        assert_eq!(verdict(Reach::AtMost(2.0), 2.0), "met");
        assert_eq!(verdict(Reach::AtMost(2.0), 2.1), "**MISSED**");
        assert_eq!(verdict(Reach::AtMost(2.0), f64::NAN), "**MISSED**");
    }
}
