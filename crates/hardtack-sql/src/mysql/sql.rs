//! What the server is asked, under READ COMMITTED.
//!
//! Every verb but a login is one statement, which is a transaction of its own.
//! Why each is right:
//!
//! - `UPDATE` locks the row and decides by the row as it is then, not as of an
//!   earlier moment: this holds under READ COMMITTED and REPEATABLE READ alike.
//!   All conditions (`version`, `cause IS NULL`) are in that statement, so one of
//!   two writers wins and an end is never overwritten.
//! - A row that has ended keeps its place until its end was told and is old, so
//!   that its primary key refuses whoever would make it again.
//! - Epochs need no lock: a record carries the epochs of its login, and every
//!   statement that reads it compares. A write that overlaps a raise counts as
//!   before it, and what it wrote is outdated.
//! - A login with a limit first locks the row of its user, and counts in a later
//!   statement. That sees what earlier logins have done: READ COMMITTED looks
//!   anew at each statement. Under REPEATABLE READ it would count what was there
//!   when the transaction began; the store does not leave that to the server's
//!   default.
//! - Locks are taken in the order: the user's row, the old session, the new, the
//!   evicted. Where two transactions still wait for each other, the server undoes
//!   one, and it is tried again.
//!
//! Activity is in the same table as the rest: InnoDB changes a row in place and
//! logs only the bytes that change, and moving `seen` and `expires` changes no
//! index.

/// Whether the row `s` is outdated.
macro_rules! outdated {
    () => {
        "(s.global_epoch < ifnull((SELECT g.epoch FROM hardtack_users g \
            WHERE g.user_key = x''), 0) \
          OR s.user_epoch < ifnull((SELECT u.epoch FROM hardtack_users u \
            WHERE u.user_key = s.user_key), 0))"
    };
}

/// The columns of a record but for its data, in the order in which they are read.
macro_rules! columns {
    () => {
        "s.version, s.kind, s.issuer, s.user_key, s.user_epoch, s.global_epoch, s.created, \
         s.seen, s.expires, s.dies, s.device, "
    };
}

/// What ending sets: a cause, a time.
macro_rules! ended {
    ($cause:expr) => {
        concat!(
            "s.cause = ",
            $cause,
            ", s.ended = ?, s.delivered = 0, s.device = NULL, s.data = x'', s.due = NULL"
        )
    };
}

pub(super) const LOAD: &str = concat!(
    "SELECT ",
    columns!(),
    "s.data, s.cause, ",
    outdated!(),
    " FROM hardtack_sessions s WHERE s.id = ?"
);

/// Why a statement did not find a live session in the version that it wanted.
pub(super) const STATE: &str = concat!(
    "SELECT s.version, s.cause, ",
    outdated!(),
    ", s.expires FROM hardtack_sessions s WHERE s.id = ?"
);

/// Committed before the transaction that locks it: who inserts holds a lock that
/// two cannot both turn into their own.
pub(super) const MAKE_USER: &str =
    "INSERT IGNORE INTO hardtack_users (user_key, epoch) VALUES (?, 0)";
pub(super) const LOCK_USER: &str = "SELECT epoch FROM hardtack_users WHERE user_key = ? FOR UPDATE";

pub(super) const INSERT: &str = "INSERT INTO hardtack_sessions (id, version, kind, issuer, \
        user_key, user_epoch, global_epoch, created, seen, expires, dies, device, data, due) \
     SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM DUAL \
     WHERE ? >= ifnull((SELECT epoch FROM hardtack_users WHERE user_key = x''), 0) \
     AND ? >= ifnull((SELECT epoch FROM hardtack_users WHERE user_key = ?), 0)";

/// The user's sessions that count, but for two.
pub(super) const COUNTED: &str = concat!(
    "SELECT s.id FROM hardtack_sessions s WHERE s.user_key = ? AND s.cause IS NULL \
     AND s.kind = 1 AND s.expires > ? AND s.id <> ? AND s.id <> ? AND NOT ",
    outdated!(),
    " ORDER BY s.seen, s.id"
);

/// Ends what is live, for another.
pub(super) const MAKE_WAY: &str = concat!(
    "UPDATE hardtack_sessions s SET ",
    ended!("?"),
    " WHERE s.id = ? AND s.cause IS NULL AND (? OR s.version = ?) AND NOT ",
    outdated!()
);

/// `s.expires` is right whichever of the two times is set first.
pub(super) const REPLACE: &str = concat!(
    "UPDATE hardtack_sessions s SET s.version = ?, s.kind = ?, s.issuer = ?, s.user_key = ?, \
        s.user_epoch = ?, s.global_epoch = ?, s.created = ?, \
        s.expires = if(s.seen > ?, s.expires, ?), s.seen = greatest(s.seen, ?), \
        s.dies = ?, s.due = least(s.due, ?), s.device = ?, s.data = ? \
     WHERE s.id = ? AND s.version = ? AND s.cause IS NULL AND NOT ",
    outdated!()
);

/// The times of any number of sessions in one statement, in the order given:
/// that of the locators, so that two do not wait for each other.
pub(super) const TOUCH: &str = "UPDATE JSON_TABLE(?, '$[*]' COLUMNS (\
        id CHAR(36) PATH '$[0]', seen BIGINT PATH '$[1]', expires BIGINT PATH '$[2]')) t \
     STRAIGHT_JOIN hardtack_sessions s ON s.id = unhex(t.id) \
     SET s.seen = greatest(s.seen, t.seen), \
        s.expires = least(greatest(s.expires, t.expires), s.dies) \
     WHERE s.cause IS NULL";

pub(super) const END: &str = concat!(
    "UPDATE hardtack_sessions s SET ",
    ended!("?"),
    " WHERE s.id = ? AND s.cause IS NULL AND (? OR s.expires <= ?) AND NOT ",
    outdated!()
);

pub(super) const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    "x'', s.id FROM hardtack_sessions s WHERE s.cause IS NULL AND s.id > ? AND NOT ",
    outdated!(),
    " ORDER BY s.id LIMIT ?"
);

pub(super) const LIST_USER: &str = concat!(
    "SELECT ",
    columns!(),
    "x'', s.id FROM hardtack_sessions s \
     WHERE s.user_key = ? AND s.cause IS NULL AND s.id > ? AND NOT ",
    outdated!(),
    " ORDER BY s.id LIMIT ?"
);

pub(super) const EPOCHS: &str = "SELECT \
    ifnull((SELECT epoch FROM hardtack_users WHERE user_key = ?), 0), \
    ifnull((SELECT epoch FROM hardtack_users WHERE user_key = x''), 0)";

/// The new epoch comes back as the "insert id": no second statement could read
/// it before somebody else raises it again.
pub(super) const RAISE: &str = "INSERT INTO hardtack_users (user_key, epoch, swept) \
     VALUES (?, last_insert_id(1), x'') \
     ON DUPLICATE KEY UPDATE epoch = last_insert_id(epoch + 1), swept = x''";

pub(super) const UNDELIVERED: &str = "SELECT id, user_key, kind, cause, ended \
     FROM hardtack_sessions WHERE delivered = 0 ORDER BY ended, id LIMIT ?";

pub(super) const DELIVERED: &str = "UPDATE JSON_TABLE(?, '$[*]' COLUMNS (\
        id CHAR(36) PATH '$')) t \
     STRAIGHT_JOIN hardtack_sessions s ON s.id = unhex(t.id) \
     SET s.delivered = 1 WHERE s.delivered = 0";

pub(super) const CENSUS: &str = concat!(
    "SELECT s.kind, s.issuer, count(*) FROM hardtack_sessions s WHERE s.cause IS NULL AND NOT ",
    outdated!(),
    " GROUP BY s.kind, s.issuer"
);

pub(super) const CLOCK: &str = "SELECT CAST(unix_timestamp(now(3)) * 1000 AS SIGNED)";

pub(super) const TURN: &str = "SELECT GET_LOCK(CONCAT('hardtack.sweep.', MD5(DATABASE())), 0)";
pub(super) const TURN_DONE: &str = "DO RELEASE_LOCK(CONCAT('hardtack.sweep.', MD5(DATABASE())))";

pub(super) const FORGET: &str =
    "DELETE FROM hardtack_sessions WHERE delivered = 1 AND ended <= ? LIMIT ?";

/// Moves what only looked due to when it will be.
pub(super) const MOVE_DUE: &str = "UPDATE hardtack_sessions SET due = expires \
     WHERE due <= ? AND expires > ? ORDER BY due LIMIT ?";

pub(super) const END_DUE: &str = concat!(
    "UPDATE hardtack_sessions s SET ",
    ended!(concat!(
        "CASE WHEN ",
        outdated!(),
        " THEN 2 WHEN s.expires >= s.dies THEN 4 ELSE 3 END"
    )),
    " WHERE s.due <= ? AND s.expires <= ? ORDER BY s.due LIMIT ?"
);

/// A user, or everybody, whose sessions were ended at once and have no
/// tombstones yet.
pub(super) const RAISED: &str = "SELECT user_key, epoch, swept FROM hardtack_users \
     WHERE swept IS NOT NULL ORDER BY user_key DESC LIMIT 1";

macro_rules! of {
    ($whose:literal) => {
        (
            concat!(
                "SELECT s.id FROM hardtack_sessions s WHERE ",
                $whose,
                " AND s.cause IS NULL AND s.id > ? ORDER BY s.id LIMIT ?"
            ),
            concat!(
                "UPDATE hardtack_sessions s SET ",
                ended!("2"),
                " WHERE ",
                $whose,
                " AND s.cause IS NULL AND s.id > ? AND s.id <= ? AND ",
                outdated!()
            ),
        )
    };
}

/// The next part of the sessions, and ending those of a part that are outdated.
pub(super) const OUTDATED: (&str, &str) = of!("? IS NOT NULL");
pub(super) const OUTDATED_OF_USER: (&str, &str) = of!("s.user_key = ?");

pub(super) const REACHED: &str =
    "UPDATE hardtack_users SET swept = ? WHERE user_key = ? AND epoch = ? AND swept = ?";
