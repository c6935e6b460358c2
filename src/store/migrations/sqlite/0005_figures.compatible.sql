-- What was counted in the last day, minute by minute, encoded by who counted.

CREATE TABLE figures (
  instance TEXT NOT NULL,
  minute INTEGER NOT NULL, -- since the epoch
  part INTEGER NOT NULL,   -- a number of its own for each process and minute; 0 for what is noted, not counted
  counts BLOB NOT NULL,
  PRIMARY KEY (instance, minute, part)
) STRICT, WITHOUT ROWID;

CREATE INDEX figures_minute ON figures (minute);
