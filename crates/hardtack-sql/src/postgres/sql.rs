//! What the server is asked.
//!
//! Every verb is one statement (a login with a limit: one transaction, sent in
//! one piece), under READ COMMITTED. Why each is right is said beside it; the
//! arguments have this in common:
//!
//! - The row in `hardtack_sessions` decides. Whoever changes or ends a session
//!   updates that row, `WHERE version = .. AND cause IS NULL`. A statement that
//!   had to wait for another's row lock evaluates this again on the row as it
//!   has become, so one of two wins and an end is never overwritten.
//! - A row that has ended keeps its place until its end was told and is old, so
//!   that its primary key refuses whoever would make it again.
//! - Epochs are read as of the beginning of the statement and need no lock: a
//!   record carries the epochs of its login, and every statement that reads it
//!   compares. A write that overlaps a raise counts as before it, and what it
//!   wrote is outdated.
//! - Locks are taken in one order: the user's row, sessions, their activity. The
//!   sweeper skips what is locked. What is left (a login that ends sessions of
//!   two users) the server resolves, and it is tried again.

/// Whether the row `s` is outdated.
macro_rules! outdated {
    () => {
        "(s.global_epoch < coalesce((SELECT g.epoch FROM hardtack_users g \
            WHERE g.user_key = ''::bytea), 0) \
          OR s.user_epoch < coalesce((SELECT u.epoch FROM hardtack_users u \
            WHERE u.user_key = s.user_key), 0))"
    };
}

/// The columns of a record but for its data, in the order in which they are read.
macro_rules! columns {
    () => {
        "s.version, s.kind, s.issuer, s.user_key, s.user_epoch, s.global_epoch, s.created, \
         a.seen, a.expires, a.dies, s.device, "
    };
}

/// What ending sets.
macro_rules! ended {
    ($cause:literal, $at:literal) => {
        concat!(
            "cause = ",
            $cause,
            ", ended = ",
            $at,
            ", delivered = false, device = NULL, data = ''::bytea"
        )
    };
}

/// A row with the lag, if processes remember sessions: `near/mod.rs` says why it is enough
/// to read this with the statement. Its own beginning counts, which is not after what it
/// sees.
macro_rules! near {
    () => {
        "near AS MATERIALIZED (SELECT n.lag FROM hardtack_near n \
            WHERE n.until > extract(epoch FROM statement_timestamp()) * 1000)"
    };
}

/// Where processes are told of writes to these tables.
macro_rules! channel {
    () => {
        "'hardtack_' || 'hardtack_sessions'::regclass::oid::text"
    };
}

/// Tells them of the sessions that a part of the statement has changed: their locators one
/// after the other, as many as one message holds.
macro_rules! told {
    ($changed:literal) => {
        concat!(
            "told AS MATERIALIZED (\
                SELECT near.lag, pg_notify(",
            channel!(),
            ", string_agg(translate(encode(w.id, 'base64'), '+/', '-_'), '')) FROM near, \
                (SELECT id, (row_number() OVER () - 1) / 300 AS part FROM ",
            $changed,
            ") w GROUP BY near.lag, w.part)"
        )
    };
}

/// What else ending is: no activity is kept, and who remembers is told.
macro_rules! left {
    () => {
        concat!(
            "off AS (DELETE FROM hardtack_activity a USING gone WHERE a.id = gone.id), ",
            told!("gone")
        )
    };
}

/// For how long the end that this statement made is held back; null for not at all. That the
/// answer names it is what makes the server tell.
macro_rules! lag {
    () => {
        "(SELECT max(told.lag) FROM told)"
    };
}

pub(super) const LOAD: &str = concat!(
    "SELECT ",
    columns!(),
    "s.data, s.cause, ",
    outdated!(),
    ", s.id FROM hardtack_sessions s LEFT JOIN hardtack_activity a ON a.id = s.id \
     WHERE s.id = ANY($1::bytea[])"
);

/// Why a statement did not find a live session in the version that it wanted.
pub(super) const STATE: &str = concat!(
    "WITH ",
    near!(),
    " SELECT s.version, s.cause, ",
    outdated!(),
    ", a.expires, (SELECT lag FROM near) FROM hardtack_sessions s \
     LEFT JOIN hardtack_activity a ON a.id = s.id WHERE s.id = $1"
);

/// The parameters of statements that write several records: [`INSERT`] and [`REPLACE`].
macro_rules! records {
    ($more:literal, $named:literal) => {
        concat!(
            "unnest($1::bytea[], $2::bigint[], $3::smallint[], $4::bytea[], $5::bytea[], \
                $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], \
                $11::bigint[], $12::bytea[], $13::bytea[]",
            $more,
            ") AS t (id, version, kind, issuer, user_key, user_epoch, global_epoch, created, \
                seen, expires, dies, device, data",
            $named,
            ")"
        )
    };
}

/// Makes sessions that no limit counts and that take no other's place.
pub(super) const INSERT: &str = concat!(
    "WITH asked AS MATERIALIZED (\
        SELECT t.*, (t.global_epoch < coalesce((SELECT g.epoch FROM hardtack_users g \
            WHERE g.user_key = ''::bytea), 0) \
        OR t.user_epoch < coalesce((SELECT u.epoch FROM hardtack_users u \
            WHERE u.user_key = t.user_key), 0)) AS outdated FROM ",
    records!("", ""),
    "), made AS (\
        INSERT INTO hardtack_sessions (id, version, kind, issuer, user_key, user_epoch, \
            global_epoch, created, device, data) \
        SELECT t.id, t.version, t.kind, t.issuer, t.user_key, t.user_epoch, t.global_epoch, \
            t.created, t.device, t.data FROM asked t WHERE NOT t.outdated \
        ON CONFLICT (id) DO NOTHING RETURNING id\
     ), active AS (\
        INSERT INTO hardtack_activity (id, seen, expires, dies, due) \
        SELECT t.id, t.seen, t.expires, t.dies, t.expires FROM asked t \
        WHERE (t.id IN (SELECT made.id FROM made)) IS TRUE\
     ) \
     SELECT t.id, t.id IN (SELECT made.id FROM made), t.outdated FROM asked t"
);

/// Waits for other logins of the user. Sent before [`CREATE`] in one
/// transaction; that sees what those have done, because under READ COMMITTED
/// each statement sees what was committed before it began.
pub(super) const LOCK_USER: [&str; 2] = [
    "INSERT INTO hardtack_users (user_key, epoch) VALUES ($1, 0) ON CONFLICT DO NOTHING",
    "SELECT FROM hardtack_users WHERE user_key = $1 FOR UPDATE",
];

/// Makes a session; with `$14` in place of that one, with `$16` under a limit.
/// Without the user's lock a limit would be counted on old numbers: `$16` is
/// only given after [`LOCK_USER`]. The old session is locked before the new is
/// made and ended in the same statement, so that one login takes its place.
pub(super) const CREATE: &str = concat!(
    "WITH ",
    near!(),
    ", old AS MATERIALIZED (\
        SELECT s.id FROM hardtack_sessions s WHERE s.id = $14::bytea AND s.version = $15 \
        AND s.cause IS NULL AND NOT ",
    outdated!(),
    " FOR UPDATE\
     ), late AS MATERIALIZED (\
        SELECT $7::bigint < coalesce((SELECT epoch FROM hardtack_users \
            WHERE user_key = ''::bytea), 0) \
        OR $6::bigint < coalesce((SELECT epoch FROM hardtack_users \
            WHERE user_key = $5::bytea), 0) AS outdated\
     ), counted AS MATERIALIZED (\
        SELECT s.id, a.seen FROM hardtack_sessions s JOIN hardtack_activity a ON a.id = s.id \
        WHERE $16::bigint IS NOT NULL AND s.user_key = $5::bytea AND s.kind = 1 \
        AND s.cause IS NULL AND a.expires > $18 AND s.id IS DISTINCT FROM $14::bytea AND NOT ",
    outdated!(),
    "), spare AS MATERIALIZED (\
        SELECT greatest(count(*) + 1 - $16::bigint, 0) AS missing FROM counted\
     ), made AS (\
        INSERT INTO hardtack_sessions (id, version, kind, issuer, user_key, user_epoch, \
            global_epoch, created, device, data) \
        SELECT $1::bytea, $2::bigint, $3::smallint, $4::bytea, $5::bytea, $6::bigint, \
            $7::bigint, $8::bigint, $12::bytea, $13::bytea FROM late, spare \
        WHERE NOT late.outdated AND ($17::boolean OR spare.missing = 0) \
        AND ($14::bytea IS NULL OR EXISTS (SELECT FROM old)) \
        ON CONFLICT (id) DO NOTHING RETURNING id\
     ), active AS (\
        INSERT INTO hardtack_activity (id, seen, expires, dies, due) \
        SELECT id, $9::bigint, $10::bigint, $11::bigint, $10::bigint FROM made\
     ), leaving AS (\
        (SELECT counted.id, 5::smallint AS cause FROM counted WHERE EXISTS (SELECT FROM made) \
            ORDER BY counted.seen, counted.id LIMIT (SELECT missing FROM spare)) \
        UNION ALL SELECT old.id, 6::smallint FROM old WHERE EXISTS (SELECT FROM made)\
     ), gone AS (\
        UPDATE hardtack_sessions s SET ",
    ended!("leaving.cause", "$18"),
    " FROM leaving WHERE s.id = leaving.id AND s.cause IS NULL RETURNING s.id\
     ), ",
    left!(),
    " SELECT EXISTS (SELECT FROM made), $14::bytea IS NULL OR EXISTS (SELECT FROM old), \
        late.outdated, EXISTS (SELECT FROM hardtack_sessions WHERE id = $1::bytea), ",
    lag!(),
    " FROM late"
);

/// Compare-and-set. What stays as it is needs no new row; `due` stays where it does
/// not come too late: an update that changes no indexed column needs no new entry in
/// any index (HOT).
pub(super) const REPLACE: &str = concat!(
    "WITH ",
    near!(),
    ", put AS (\
        UPDATE hardtack_sessions s SET version = t.version, kind = t.kind, issuer = t.issuer, \
            user_key = t.user_key, user_epoch = t.user_epoch, global_epoch = t.global_epoch, \
            created = t.created, device = t.device, data = t.data FROM ",
    records!(", $14::bigint[]", ", was"),
    " WHERE s.id = t.id AND s.version = t.was AND s.cause IS NULL AND NOT ",
    outdated!(),
    " RETURNING s.id, t.seen, t.expires, t.dies\
     ), moved AS (\
        UPDATE hardtack_activity a SET seen = greatest(a.seen, put.seen), \
            expires = CASE WHEN a.seen > put.seen THEN a.expires ELSE put.expires END, \
            dies = put.dies, due = least(a.due, put.expires) \
        FROM put WHERE a.id = put.id AND (a.dies <> put.dies OR a.seen < put.seen \
            OR a.seen = put.seen AND a.expires <> put.expires)\
     ), ",
    told!("put"),
    " SELECT id, ",
    lag!(),
    " FROM put"
);

/// Never waits for a session, only for activity, in the order of the locators.
/// A commit need not wait for the disk: what a crash takes is some activity.
pub(super) const TOUCH: &str = concat!(
    "WITH ",
    near!(),
    ", quick AS MATERIALIZED (\
        SELECT set_config('synchronous_commit', 'off', true)\
     ), held AS MATERIALIZED (\
        SELECT a.id FROM hardtack_activity a WHERE a.id = ANY($1::bytea[]) \
        ORDER BY a.id FOR NO KEY UPDATE\
     ), moved AS (\
        UPDATE hardtack_activity a SET seen = greatest(a.seen, t.seen), \
            expires = least(greatest(a.expires, t.expires), a.dies) \
        FROM quick, held JOIN unnest($1::bytea[], $2::bigint[], $3::bigint[]) \
            AS t (id, seen, expires) ON t.id = held.id \
        WHERE a.id = held.id AND (a.seen < t.seen OR a.expires < least(t.expires, a.dies)) \
        RETURNING a.id\
     ), ",
    told!("moved"),
    " SELECT ",
    lag!()
);

/// Ends what is live. A touch has come before, or finds no activity any more.
pub(super) const END: &str = concat!(
    "WITH ",
    near!(),
    ", gone AS (\
        UPDATE hardtack_sessions s SET ",
    ended!("t.cause", "t.at"),
    " FROM unnest($1::bytea[], $2::smallint[], $3::bigint[]) AS t (id, cause, at) \
        WHERE s.id = t.id AND s.cause IS NULL AND NOT ",
    outdated!(),
    " RETURNING s.id\
     ), ",
    left!(),
    " SELECT id, ",
    lag!(),
    " FROM gone"
);

/// Ends a live session only if its activity, locked as well, says that it has
/// expired: a touch comes before the end, or finds that it has ended.
pub(super) const END_IF_DUE: &str = concat!(
    "WITH ",
    near!(),
    ", found AS MATERIALIZED (\
        SELECT s.id FROM hardtack_sessions s JOIN hardtack_activity a ON a.id = s.id \
        WHERE s.id = $1 AND s.cause IS NULL AND a.expires <= $3 AND NOT ",
    outdated!(),
    " FOR UPDATE OF s, a\
     ), gone AS (\
        UPDATE hardtack_sessions s SET ",
    ended!("$2", "$3"),
    " FROM found WHERE s.id = found.id RETURNING s.id\
     ), ",
    left!(),
    " SELECT id, ",
    lag!(),
    " FROM gone"
);

pub(super) const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    "''::bytea, s.id FROM hardtack_sessions s JOIN hardtack_activity a ON a.id = s.id \
     WHERE s.cause IS NULL AND s.id > $1 AND NOT ",
    outdated!(),
    " ORDER BY s.id LIMIT $2"
);

pub(super) const LIST_USER: &str = concat!(
    "SELECT ",
    columns!(),
    "''::bytea, s.id FROM hardtack_sessions s JOIN hardtack_activity a ON a.id = s.id \
     WHERE s.user_key = $3 AND s.cause IS NULL AND s.id > $1 AND NOT ",
    outdated!(),
    " ORDER BY s.id LIMIT $2"
);

pub(super) const EPOCHS: &str = "SELECT \
    coalesce((SELECT epoch FROM hardtack_users WHERE user_key = $1::bytea), 0), \
    coalesce((SELECT epoch FROM hardtack_users WHERE user_key = ''::bytea), 0)";

/// One row, changed by one statement: of two raises one waits and counts on.
/// `$2` is what those are told who remember.
pub(super) const RAISE: &str = concat!(
    "WITH ",
    near!(),
    ", raised AS (\
        INSERT INTO hardtack_users AS u (user_key, epoch, swept) VALUES ($1, 1, ''::bytea) \
        ON CONFLICT (user_key) DO UPDATE SET epoch = u.epoch + 1, swept = ''::bytea \
        RETURNING epoch\
     ), told AS MATERIALIZED (\
        SELECT near.lag, pg_notify(",
    channel!(),
    ", $2) FROM near, raised\
     ) \
     SELECT epoch, ",
    lag!(),
    " FROM raised"
);

pub(super) const UNDELIVERED: &str = "SELECT id, user_key, kind, cause, ended \
     FROM hardtack_sessions WHERE cause IS NOT NULL AND delivered = false \
     ORDER BY ended, id LIMIT $1";

pub(super) const DELIVERED: &str = "UPDATE hardtack_sessions SET delivered = true \
     WHERE id = ANY($1::bytea[]) AND cause IS NOT NULL AND delivered = false";

pub(super) const CENSUS: &str = concat!(
    "SELECT s.kind, s.issuer, count(*) FROM hardtack_sessions s WHERE s.cause IS NULL AND NOT ",
    outdated!(),
    " GROUP BY s.kind, s.issuer"
);

/// Milliseconds since 1970 by the server's clock.
macro_rules! clock {
    () => {
        "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
    };
}

pub(super) const CLOCK: &str = concat!("SELECT ", clock!());

/// True for one sweeper of these tables at a time, until its statement is done.
macro_rules! turn {
    () => {
        "turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(1213483859, \
            'hardtack_sessions'::regclass::oid::bigint::bit(32)::integer) AS mine)"
    };
}

pub(super) const FORGET: &str = concat!(
    "WITH ",
    turn!(),
    ", old AS MATERIALIZED (\
        SELECT s.id FROM hardtack_sessions s \
        WHERE (SELECT mine FROM turn) AND s.cause IS NOT NULL AND s.delivered \
        AND s.ended <= $1 ORDER BY s.ended, s.id LIMIT $2 FOR UPDATE SKIP LOCKED\
     ), gone AS (\
        DELETE FROM hardtack_sessions s USING old WHERE s.id = old.id RETURNING s.id\
     ) \
     SELECT count(*) FROM gone"
);

/// Ends what has expired, and moves what only looked so to when it will. Both
/// rows are locked before it is decided, as they are then.
pub(super) const END_DUE: &str = concat!(
    "WITH ",
    near!(),
    ", ",
    turn!(),
    ", found AS MATERIALIZED (\
        SELECT s.id, a.expires, a.dies, ",
    outdated!(),
    " AS outdated FROM hardtack_activity a JOIN hardtack_sessions s ON s.id = a.id \
        WHERE (SELECT mine FROM turn) AND a.due <= $1 AND s.cause IS NULL \
        ORDER BY a.due LIMIT $2 FOR UPDATE OF s, a SKIP LOCKED\
     ), gone AS (\
        UPDATE hardtack_sessions s SET ",
    ended!(
        "CASE WHEN found.outdated THEN 2 WHEN found.expires >= found.dies THEN 4 ELSE 3 END",
        "$1"
    ),
    " FROM found WHERE s.id = found.id AND (found.outdated OR found.expires <= $1) RETURNING s.id\
     ), moved AS (\
        UPDATE hardtack_activity a SET due = found.expires FROM found WHERE a.id = found.id \
        AND NOT (found.outdated OR found.expires <= $1)\
     ), ",
    left!(),
    " SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM gone), ",
    lag!()
);

/// A user, or everybody, whose sessions were ended at once and have no
/// tombstones yet.
pub(super) const RAISED: &str = "SELECT user_key, epoch, swept FROM hardtack_users \
     WHERE swept IS NOT NULL ORDER BY user_key DESC LIMIT 1";

macro_rules! end_outdated {
    ($whose:literal) => {
        concat!(
            "WITH ",
            near!(),
            ", ",
            turn!(),
            ", part AS MATERIALIZED (\
                SELECT s.id, ",
            outdated!(),
            " AS outdated FROM hardtack_sessions s \
                WHERE (SELECT mine FROM turn) AND ",
            $whose,
            " AND s.id > $1 AND s.cause IS NULL ORDER BY s.id LIMIT $2 FOR UPDATE SKIP LOCKED\
             ), gone AS (\
                UPDATE hardtack_sessions s SET ",
            ended!("2", "$3"),
            " FROM part WHERE s.id = part.id AND part.outdated RETURNING s.id\
             ), reached AS (\
                SELECT CASE WHEN count(*) < $2 THEN NULL \
                    ELSE (SELECT id FROM part ORDER BY id DESC LIMIT 1) END AS id FROM part\
             ), noted AS (\
                UPDATE hardtack_users u SET swept = reached.id FROM reached, turn \
                WHERE turn.mine AND u.user_key = $4 AND u.epoch = $5 AND u.swept = $1\
             ), ",
            left!(),
            " SELECT count(*), (SELECT mine FROM turn), ",
            lag!(),
            " FROM gone"
        )
    };
}

pub(super) const END_OUTDATED: &str = end_outdated!("$4::bytea IS NOT NULL");
pub(super) const END_OUTDATED_OF_USER: &str = end_outdated!("s.user_key = $4");

/// What a listener hears by: the channel of all, the one that its questions come back on, and
/// who it is to the server.
pub(super) const CHANNELS: &str = concat!(
    "SELECT c.name, c.name || '_' || pg_backend_pid(), pg_backend_pid() FROM (SELECT ",
    channel!(),
    " AS name) c"
);

/// The question: tells itself `$1`, and answers whether a lag of `$2` stands for another
/// while, under which number, and whether that is to be renewed.
pub(super) const ASK: &str = concat!(
    "SELECT n.number, n.lag >= $2 AND n.until > now.ms + 20000, \
        n.lag = $2 AND n.until < now.ms + 40000, pg_notify(",
    channel!(),
    " || '_' || pg_backend_pid(), $1) FROM hardtack_near n, (SELECT ",
    clock!(),
    " AS ms) now"
);

/// Where it stands.
pub(super) const RENEW: &str = concat!(
    "UPDATE hardtack_near SET until = ",
    clock!(),
    " + 60000 WHERE number = $1 AND lag = $2 AND until > ",
    clock!(),
    " + 20000"
);

/// Where it does not, alone: see `near/mod.rs`. A greater lag of somebody else is left alone
/// until it is nearly over.
pub(super) const STAND: &str = concat!(
    "UPDATE hardtack_near SET number = number + 1, lag = $1, until = ",
    clock!(),
    " + 60000 WHERE NOT (lag > $1 AND until > ",
    clock!(),
    " + 10000)"
);
pub(super) const ALONE: &str = "LOCK TABLE hardtack_near IN ACCESS EXCLUSIVE MODE";
