-- What was counted in the last day, minute by minute, encoded by who counted.

CREATE TABLE figures (
  instance text COLLATE "C" NOT NULL,
  minute integer NOT NULL, -- since the epoch
  part bigint NOT NULL,    -- a number of its own for each process and minute; 0 for what is noted, not counted
  counts bytea NOT NULL,
  PRIMARY KEY (instance, minute, part)
);

CREATE INDEX figures_minute ON figures (minute);
