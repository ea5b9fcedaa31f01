//! Keys that know the type of their value.

use std::fmt;
use std::marker::PhantomData;

/// The name of a value in a session together with its type, so that every place
/// that reads or writes it agrees.
///
/// ```
/// use hardtack::session::SessionKey;
/// const CART: SessionKey<Vec<String>> = SessionKey::new("cart");
/// assert_eq!(CART.name(), "cart");
/// ```
pub struct SessionKey<T>(&'static str, PhantomData<fn() -> T>);

impl<T> SessionKey<T> {
    /// Names a value; 1 to 128 bytes, not beginning with `~`.
    pub const fn new(name: &'static str) -> Self {
        Self(name, PhantomData)
    }

    /// The name.
    pub const fn name(&self) -> &'static str {
        self.0
    }
}

impl<T> fmt::Debug for SessionKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionKey({:?})", self.0)
    }
}
