//! Two stores as one, while sessions move from the first to the second.
//!
//! Each node of an application opens a [`MovingStore`] over both stores in place of its own; a
//! driver (`hardtack migrate`) takes them through the phases. They meet in a record in the first
//! store, [`Control`], which changes by compare-and-set alone:
//!
//! | [`Phase`] | who answers | the other one |
//! | --- | --- | --- |
//! | `From` | the first store | is not touched |
//! | `Copy` | the first | gets every write after it; the driver copies the rest |
//! | `CutOver`, `RollBack` | loads are answered, writes wait | as it was |
//! | `To` | the second | gets every write after it, so that the way back stays open |
//! | `Done` | the second | is not touched; the first may be turned off |
//!
//! # Why nothing is lost
//! - At every moment one store decides, and a verb is answered by what it says. A switch goes
//!   through a pause, and takes place only when every node has said that none of its writes is
//!   under way. A driver that dies meanwhile is not waited for: after [`PAUSE_MAX`] the nodes go
//!   back to the phase before.
//! - The other store has everything that was answered, or the node counts a failure. A switch
//!   takes place only after a whole comparison during and after which no node counted one, and no
//!   node went away.
//! - Copies never overtake: they are put by compare-and-set onto what was seen, and whoever
//!   creates one looks afterwards whether the session has ended, and ends the copy.
//! - A node serves only as long as it was in touch with the record within [`LEASE`]; the driver
//!   takes a node for gone after [`GONE`].
//! - While both are written, a login reads the greater of both stores' epochs, and ending all of a
//!   user's sessions raises the epoch above both. When one store is left alone, the driver raises
//!   its epochs to those of the sessions in it.
//!
//! # Limits
//! - The first store must be reachable until `Done`: without it nodes answer errors.
//! - While both are written, a write takes the time of both. If the other store is down writes go
//!   on as if it were not there; only logins and the end of all of a user's sessions are refused.
//! - When everybody's sessions are ended while both are written, that holds at once in the store
//!   that decides. The copies in the other one are ended by the driver's next comparison, and no
//!   switch takes place before.
//! - While the driver raises the epochs of a store that is left alone (the last seconds of
//!   `--finish` and of `--roll-back`), the end of all of a user's sessions may also end a login that
//!   comes right after it: the driver may raise the epoch once more than it was meant to. A
//!   login that takes longer than those seconds, from `begin_login` on, may outlive the next end of
//!   all of its user's sessions.
//! - The clock of a node must not be set back by seconds while a switch takes place.
//!
//! # What this does not protect
//! Whoever may write to the first store can change the phase. A process that stood still for
//! longer than [`GONE`] between two instructions may put a copy of an ended session into the other
//! store; it ends it when it goes on.

mod control;
mod copy;
mod node;
mod verbs;

pub use control::{Control, Node, PAUSE_MAX, Phase};
pub use copy::{Settled, lift, settle, weed};
pub use node::{GONE, LEASE, MovingStore};
