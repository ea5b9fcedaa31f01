//! What the wrappers of a store have in common.

use hardtack::session::store::{Reply, Store, StoreError, StoreInfo};

/// The verbs of a [`Store`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each is named like its verb")]
pub enum Verb {
    Load,
    Insert,
    Replace,
    Relocate,
    Touch,
    End,
    List,
    Epochs,
    Raise,
    Sweep,
    Undelivered,
    Delivered,
    Census,
    Clock,
}

impl Verb {
    /// All of them.
    pub const ALL: [Verb; 14] = [
        Verb::Load,
        Verb::Insert,
        Verb::Replace,
        Verb::Relocate,
        Verb::Touch,
        Verb::End,
        Verb::List,
        Verb::Epochs,
        Verb::Raise,
        Verb::Sweep,
        Verb::Undelivered,
        Verb::Delivered,
        Verb::Census,
        Verb::Clock,
    ];

    /// Whether it can change what the store holds.
    pub fn writes(self) -> bool {
        use Verb::*;
        matches!(self, Insert | Replace | Relocate | Touch | End | Raise | Sweep | Delivered)
    }
}

/// A store around another: does something before or after each call.
pub(crate) trait Around: Send + Sync + 'static {
    fn inner(&self) -> &dyn Store;

    fn info(&self) -> StoreInfo {
        self.inner().info()
    }

    /// Makes the call, or not, or later. `call` takes how many items of a batch
    /// to pass on; verbs without a batch pay no regard to it.
    fn around<'a, T: Send + Unpin + 'a>(
        &'a self,
        verb: Verb,
        call: impl FnOnce(usize) -> Reply<'a, Result<T, StoreError>> + Send + 'a,
    ) -> Reply<'a, Result<T, StoreError>>;
}

/// The reply of a call that was counted when it was made: `take_back` undoes that if the reply is
/// given up before it was asked for, as a load may be.
pub(crate) fn counted<'a, T: Send + Unpin + 'a>(
    reply: Reply<'a, T>,
    take_back: impl FnOnce() + Send + 'a,
) -> Reply<'a, T> {
    match reply.into_ready() {
        Ok(answer) => Reply::ready(answer),
        Err(later) => {
            let mut unasked = Unasked(Some(take_back));
            Reply::later(async move {
                unasked.asked();
                later.await
            })
        }
    }
}

struct Unasked<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Unasked<F> {
    fn asked(&mut self) {
        self.0 = None;
    }
}

impl<F: FnOnce()> Drop for Unasked<F> {
    fn drop(&mut self) {
        if let Some(take_back) = self.0.take() {
            take_back();
        }
    }
}

/// Gives the signature of a verb of a [`Store`] to the macro `$then` of this module.
macro_rules! signature {
    ($then:ident load) => {
        $crate::wrap::$then! { Load load(key: &'a Locator) -> Loaded }
    };
    ($then:ident insert) => {
        $crate::wrap::$then! {
            Insert insert(key: &'a Locator, record: Record, admission: Admission) -> Inserted
        }
    };
    ($then:ident replace) => {
        $crate::wrap::$then! {
            Replace replace(key: &'a Locator, seen: Version, record: Record) -> Replaced
        }
    };
    ($then:ident relocate) => {
        $crate::wrap::$then! {
            Relocate relocate(
                old: &'a Locator,
                seen: Version,
                new: &'a Locator,
                record: Record,
                admission: Admission
            ) -> Relocated
        }
    };
    ($then:ident touch) => {
        $crate::wrap::$then! { Touch touch(batch: &'a [Touch]) -> () }
    };
    ($then:ident end) => {
        $crate::wrap::$then! { End end(key: &'a Locator, cause: Cause, at: UnixTime) -> Ended }
    };
    ($then:ident list) => {
        $crate::wrap::$then! {
            List list(
                user: Option<&'a UserKey>,
                after: Option<Locator>,
                limit: usize
            ) -> Vec<(Locator, Record)>
        }
    };
    ($then:ident epochs) => {
        $crate::wrap::$then! { Epochs epochs(user: Option<&'a UserKey>) -> Epochs }
    };
    ($then:ident raise) => {
        $crate::wrap::$then! { Raise raise(user: Option<&'a UserKey>, at: UnixTime) -> u64 }
    };
    ($then:ident sweep) => {
        $crate::wrap::$then! { Sweep sweep(now: UnixTime, limit: usize) -> Swept }
    };
    ($then:ident undelivered) => {
        $crate::wrap::$then! { Undelivered undelivered(limit: usize) -> Vec<EndEvent> }
    };
    ($then:ident delivered) => {
        $crate::wrap::$then! { Delivered delivered(keys: &'a [Locator]) -> () }
    };
    ($then:ident census) => {
        $crate::wrap::$then! { Census census() -> Census }
    };
    ($then:ident clock) => {
        $crate::wrap::$then! { Clock clock() -> Option<UnixTime> }
    };
}
pub(crate) use signature;

/// Implements verbs of a [`Store`] by those of the field `inner`.
macro_rules! pass_on {
    ($($name:ident)*) => { $($crate::wrap::signature! { pass_on $name })* };
    ($verb:ident $name:ident($($arg:ident: $type:ty),*) -> $answer:ty) => {
        fn $name<'a>(&'a self, $($arg: $type),*) -> Reply<'a, Result<$answer, StoreError>> {
            self.inner.$name($($arg),*)
        }
    };
}
pub(crate) use pass_on;

/// Implements [`Store`] for a type that is [`Around`] another store.
macro_rules! store_around {
    ($wrapper:ty) => {
        impl Store for $wrapper {
            fn info(&self) -> StoreInfo {
                $crate::wrap::Around::info(self)
            }
            $crate::wrap::store_around! {
                load insert replace relocate end list epochs raise sweep undelivered census clock
            }
            fn touch<'a>(&'a self, batch: &'a [Touch]) -> Reply<'a, Result<(), StoreError>> {
                self.around(Verb::Touch, |most| self.inner().touch(&batch[..most.min(batch.len())]))
            }
            fn delivered<'a>(&'a self, keys: &'a [Locator]) -> Reply<'a, Result<(), StoreError>> {
                self.around(Verb::Delivered, |most| {
                    self.inner().delivered(&keys[..most.min(keys.len())])
                })
            }
        }
    };
    ($($name:ident)*) => { $($crate::wrap::signature! { store_around $name })* };
    ($verb:ident $name:ident($($arg:ident: $type:ty),*) -> $answer:ty) => {
        fn $name<'a>(&'a self, $($arg: $type),*) -> Reply<'a, Result<$answer, StoreError>> {
            self.around(Verb::$verb, move |_| self.inner().$name($($arg),*))
        }
    };
}
pub(crate) use store_around;
