CREATE TABLE IF NOT EXISTS hardtack_sessions (
    id BINARY(18) NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    kind TINYINT NOT NULL,          -- 0 anonymous, 1 user, 2 remember-me
    issuer BINARY(4) NOT NULL,      -- the key that the id was issued under
    user_key VARBINARY(255),
    user_epoch BIGINT NOT NULL,
    global_epoch BIGINT NOT NULL,
    created BIGINT NOT NULL,        -- all times: milliseconds since 1970
    seen BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    dies BIGINT NOT NULL,
    due BIGINT,                     -- when to look whether it expired: not after
                                    -- expires, null: it has ended
    device VARBINARY(256),          -- UTF-8
    cause TINYINT,                  -- why it ended, null: live
    ended BIGINT,
    delivered TINYINT,              -- whether its end was told, null: live
    data LONGBLOB NOT NULL,
    KEY hardtack_by_user (user_key, cause, id),
    KEY hardtack_by_due (due),
    KEY hardtack_by_end (delivered, ended, id)
) ENGINE = InnoDB;
CREATE TABLE IF NOT EXISTS hardtack_users (   -- epochs, and the row that logins lock
    user_key VARBINARY(255) NOT NULL PRIMARY KEY,  -- empty: everybody
    epoch BIGINT NOT NULL,
    swept VARBINARY(18),            -- up to where the sweeper has been, null: all done
    KEY hardtack_by_raised (swept)
) ENGINE = InnoDB;
CREATE TABLE IF NOT EXISTS hardtack_schema (
    one TINYINT NOT NULL PRIMARY KEY DEFAULT 1,
    version INT NOT NULL
) ENGINE = InnoDB;
INSERT IGNORE INTO hardtack_schema VALUES (1, 1);
