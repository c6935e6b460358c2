-- The first jobs in the queues of some platforms, for one claim at a time of all processes: who comes while another hands
-- these out waits until that is committed, and sees then what it has left. Nobody waits for an empty queue.
CREATE FUNCTION queue_head(platforms integer[], most bigint)
  RETURNS TABLE (id text, version bigint, priority integer, queued_at bigint)
  LANGUAGE plpgsql VOLATILE ROWS 32 AS $$
  BEGIN
    IF NOT EXISTS (
      SELECT 1 FROM unnest(platforms) AS p (id)
      WHERE EXISTS (SELECT 1 FROM jobs j WHERE j.stage = 2 AND j.platform_id = p.id)
    ) THEN
      RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(730890, hashtext(platforms::text));
    RETURN QUERY
      SELECT next.* FROM unnest(platforms) AS p (id) CROSS JOIN LATERAL (
        SELECT j.id, j.version, j.priority, j.queued_at FROM jobs j WHERE j.stage = 2 AND j.platform_id = p.id
        ORDER BY j.priority, j.queued_at, j.id LIMIT most
      ) next
      ORDER BY next.priority, next.queued_at, next.id LIMIT most;
  END
$$;
