-- What changed, for those who watch. Changes are counted; an operation knows the number of its last one, 0 for none since
-- this migration. docs/store.md tells how they are read.

ALTER TABLE operations ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX operations_changed ON operations (changed) WHERE changed > 0;

-- Operations that were deleted, the latest of them; each deletion is a change.
CREATE TABLE deleted_operations (
  changed INTEGER PRIMARY KEY,
  instance TEXT NOT NULL,
  id TEXT NOT NULL
) STRICT;

-- One row. `id` tells the changes of this database from those of any other.
CREATE TABLE changes (
  id TEXT NOT NULL,
  forgotten INTEGER NOT NULL -- deletions up to this change are not in deleted_operations any more
) STRICT;

INSERT INTO changes VALUES (lower(hex(randomblob(8))), 0);
