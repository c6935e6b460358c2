/** What completes a job `j`. */
export const JOB_JOINS = "LEFT JOIN platforms p ON p.id = j.platform_id LEFT JOIN job_payloads x ON x.job_id = j.id";

/** What completes an operation `o`. */
export const OPERATION_JOINS = `LEFT JOIN jobs j ON j.id = o.job_id ${JOB_JOINS}`;
