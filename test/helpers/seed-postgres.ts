import { runSql } from "./postgres-server.ts";

/** Fills an empty store with jobs, each of one operation, most of which have ended, and lets the planner know of them. */
export async function seedPostgres(url: string, count: number): Promise<void> {
  const id = "lpad(i::text, 12, '0')";
  const stage = "CASE WHEN i % 50 = 0 THEN 2 WHEN i % 50 = 1 THEN 3 ELSE 4 END";
  const done = `(${stage}) = 4`;
  await runSql(
    url,
    `INSERT INTO platforms (instance, properties, digest) SELECT 'main', '[["pool","' || i || '"]]', i FROM generate_series(1, 5) i`,
    `INSERT INTO sessions SELECT 'main/' || i, 'bot-' || i, 'main', 1, 1, '[]', 1, 0, 0 FROM generate_series(0, 99) i`,
    `INSERT INTO jobs (id, instance, digest_function, action_hash, action_size, command, platform_id, priority, cacheable,
       timeout_ms, stage, attempts, queued_at, assigned_at, completed_at, session, worker, status_code, exit_code, cached)
     SELECT ${id}, 'main', 'sha256', md5(i::text), 142, 'cc -c ' || i, 1 + i % 5, i % 3, 0, 60000, ${stage}, 1, i,
       CASE WHEN i % 50 > 0 THEN i + 1 END, CASE WHEN ${done} THEN i + 100 END,
       CASE WHEN i % 50 = 1 THEN 'main/' || i % 100 END, CASE WHEN i % 50 > 0 THEN 'bot-' || i % 1000 END,
       CASE WHEN ${done} THEN 0 END, CASE WHEN ${done} THEN 0 END, CASE WHEN ${done} THEN 0 END
     FROM generate_series(1, ${count}) i`,
    `INSERT INTO job_payloads SELECT id, NULL, 'response' FROM jobs WHERE stage = 4`,
    `INSERT INTO job_events (job_id, kind, at, facts) SELECT id, 2, queued_at, '{}' FROM jobs`,
    `INSERT INTO operations (instance, id, job_id, stage, cancelled, polled, created_at, queued_at, completed_at, tool_name,
       invocation_id, target_id, changed)
     SELECT instance, id, id, stage, 0, 0, queued_at, queued_at, completed_at, 'tool-' || queued_at % 5,
       'invocation-' || queued_at % 300, '//src:part-' || queued_at % 3000, queued_at FROM jobs`,
    `INSERT INTO action_results (instance, action_hash, action_size, digest_function, used_at, result)
     SELECT instance, action_hash, action_size, digest_function, queued_at, 'result' FROM jobs`,
    `INSERT INTO figures (instance, minute, part, counts)
     SELECT 'instance-' || i % 5, i / 10, i % 10, '123' FROM generate_series(1, ${count}) i`,
    "ANALYZE",
  );
}
