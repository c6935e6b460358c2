-- What processes tell each other; times are of the database's own clock.

ALTER TABLE operations ADD COLUMN followed_at timestamptz;

-- Work that one process at a time does.
CREATE TABLE duties (
  name text PRIMARY KEY,
  holder text NOT NULL,
  until timestamptz NOT NULL
);
