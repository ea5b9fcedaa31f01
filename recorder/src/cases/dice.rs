//! Seeded choices.

use fastrand::Rng;

/// The same seed makes the same choices.
pub(super) struct Dice(Rng);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice(Rng::with_seed(seed))
    }

    pub(super) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.0.usize(..from.len())]
    }

    pub(super) fn one<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.0.usize(..from.len())]
    }

    /// A number of this range, both ends included.
    pub(super) fn number(&mut self, from: u32, to: u32) -> u32 {
        self.0.u32(from..=to)
    }

    pub(super) fn percent(&mut self, chance: u32) -> bool {
        self.0.u32(..100) < chance
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        self.0.shuffle(items);
    }

    /// As many as a number of this range.
    pub(super) fn several<T>(
        &mut self,
        from: u32,
        to: u32,
        mut make: impl FnMut(&mut Dice, u32) -> T,
    ) -> Vec<T> {
        (0..self.number(from, to)).map(|at| make(self, at)).collect()
    }

    /// As it is, in lower case, in upper case, or in any mix.
    pub(super) fn casing(&mut self, text: &str) -> String {
        match self.0.u8(..4) {
            0 => text.to_owned(),
            1 => text.to_ascii_lowercase(),
            2 => text.to_ascii_uppercase(),
            _ => {
                let mut either = |c: char| {
                    if self.0.bool() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
                };
                text.chars().map(&mut either).collect()
            }
        }
    }

    /// Blanks, often none.
    pub(super) fn blank(&mut self) -> &'static str {
        self.pick(&["", "", " ", "  ", "\t", " \t", "\t "])
    }
}
