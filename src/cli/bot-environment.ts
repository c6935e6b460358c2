/** Credentials of AWS and of PostgreSQL, and settings that may hold some. */
const SECRETS = /^(AWS_|PG|OPGRID_STORE|OPGRID_CAS_)/;

/**
 * What embedded bots have of the server's environment. They run what clients tell them to: what opens the server's bucket
 * and database is not for them.
 */
export function botEnvironment(env: Readonly<Record<string, string | undefined>>): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !SECRETS.test(name)));
}
