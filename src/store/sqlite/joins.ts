/** What completes a job `j`; CROSS JOIN makes SQLite keep the order of the tables. */
export const JOB_JOINS = "CROSS JOIN platforms p ON p.id = j.platform_id LEFT JOIN job_payloads x ON x.job_id = j.id";

/** What completes an operation `o`. */
export const OPERATION_JOINS = `CROSS JOIN jobs j ON j.id = o.job_id ${JOB_JOINS}`;
