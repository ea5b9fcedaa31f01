CREATE TABLE hardtack_sessions (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 18),
    version bigint NOT NULL,
    kind smallint NOT NULL,         -- 0 anonymous, 1 user, 2 remember-me
    issuer bytea NOT NULL,          -- the key that the id was issued under
    user_key bytea,
    user_epoch bigint NOT NULL,
    global_epoch bigint NOT NULL,
    created bigint NOT NULL,        -- all times: milliseconds since 1970
    device bytea,                   -- UTF-8
    cause smallint,                 -- why it ended; null: live
    ended bigint,
    delivered boolean,              -- whether its end was told; null: live
    data bytea NOT NULL
) WITH (fillfactor = 85);
CREATE INDEX hardtack_sessions_user ON hardtack_sessions (user_key, id)
    WHERE cause IS NULL AND user_key IS NOT NULL;
CREATE INDEX hardtack_sessions_end ON hardtack_sessions (delivered, ended, id)
    WHERE cause IS NOT NULL;
CREATE TABLE hardtack_activity (    -- one row for each live session: what activity moves
    id bytea PRIMARY KEY,
    seen bigint NOT NULL,
    expires bigint NOT NULL,
    dies bigint NOT NULL,
    due bigint NOT NULL             -- when to look whether it expired: not after expires
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX hardtack_activity_due ON hardtack_activity (due);
CREATE TABLE hardtack_users (       -- epochs, and the row that logins of one user lock
    user_key bytea PRIMARY KEY,     -- empty: everybody
    epoch bigint NOT NULL,
    swept bytea                     -- up to where the sweeper has been; null: all done
);
CREATE INDEX hardtack_users_raised ON hardtack_users (user_key) WHERE swept IS NOT NULL;
CREATE TABLE hardtack_near (        -- one row: whether processes remember sessions (near-cache)
    number bigint NOT NULL,         -- goes up when this did not stand
    lag integer NOT NULL,           -- for how long ends are held back, in milliseconds
    until bigint NOT NULL
);
INSERT INTO hardtack_near VALUES (0, 0, 0);
CREATE TABLE hardtack_schema (version integer NOT NULL);
INSERT INTO hardtack_schema VALUES (1);
