-- +goose Up

-- How far the log was streamed to each sink: the number of the first entry that was not acknowledged yet.
CREATE TABLE log_cursors (
    name TEXT   NOT NULL PRIMARY KEY,
    seq  BIGINT NOT NULL
);

-- +goose Down
DROP TABLE log_cursors;
