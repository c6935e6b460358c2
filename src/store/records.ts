import { type Digest, digestFunctions } from "../base/digests.ts";
import type {
  ClientIdentity,
  JobRecord,
  OperationRecord,
  PlatformProperty,
  RequestMetadata,
} from "../operations/operations.ts";
import type { CallerRow, JobOperationRow, JobRow, OperationRow, SessionRow } from "./rows.ts";
import type { JobOperations, SessionRecord } from "./store.ts";

const NO_BYTES = new Uint8Array(0);

const functionsByName = new Map(digestFunctions.map((fn) => [fn.name, fn]));

/** Makes a digest of its columns. */
export function toDigest(name: string, hash: string, sizeBytes: number): Digest {
  const fn = functionsByName.get(name);
  if (!fn) throw new Error(`the store holds a digest of the function ${name}, which this version does not know`);
  return { fn, hash, sizeBytes };
}

/** A command with neither NULs nor halves of characters, which no database keeps: then no page could begin after it. */
export function commandText(command: string): string {
  return command.toWellFormed().replaceAll("\0", " ");
}

/** The text that stands for properties in the database: `[[name, value], ...]`. */
export function propertiesText(properties: readonly PlatformProperty[]): string {
  return JSON.stringify(properties.map(({ name, value }) => [name, value]));
}

const MOST_KNOWN_PROPERTIES = 1000;
const knownProperties = new Map<string, readonly PlatformProperty[]>();

/** Reads what `propertiesText` wrote. A farm has few platforms, and a list as many of them as rows: each is read once. */
export function toProperties(text: string): readonly PlatformProperty[] {
  const known = knownProperties.get(text);
  if (known) return known;
  const pairs = JSON.parse(text) as [string, string][];
  const properties = pairs.map(([name, value]) => ({ name, value }));
  if (knownProperties.size >= MOST_KNOWN_PROPERTIES) knownProperties.clear();
  knownProperties.set(text, properties);
  return properties;
}

/** Makes the record of a row. */
export function toJob([
  id,
  instance,
  digestFunction,
  actionHash,
  actionSize,
  command,
  properties,
  priority,
  cacheable,
  timeoutMs,
  stage,
  attempts,
  queuedAt,
  assignedAt,
  startedAt,
  completedAt,
  session,
  worker,
  partialMetadata,
  statusCode,
  exitCode,
  cached,
  response,
]: JobRow): JobRecord {
  return {
    id,
    instance,
    action: toDigest(digestFunction, actionHash, actionSize),
    command,
    platform: toProperties(properties),
    priority,
    cacheable: cacheable === 1,
    timeoutMs,
    stage,
    attempts,
    queuedAt,
    assignedAt: assignedAt ?? undefined,
    startedAt: startedAt ?? undefined,
    completedAt: completedAt ?? undefined,
    session: session ?? undefined,
    worker: worker ?? undefined,
    partialMetadata: partialMetadata ?? undefined,
    outcome:
      statusCode === null
        ? undefined
        : { statusCode, exitCode: exitCode ?? undefined, cached: cached === 1, response: response ?? NO_BYTES },
  };
}

type Caller = Pick<OperationRecord, "requestMetadata" | "identity">;

function toCaller([
  toolName,
  toolVersion,
  actionId,
  invocationId,
  correlatedInvocationsId,
  actionMnemonic,
  targetId,
  configurationId,
  actor,
  subject,
  workflow,
]: CallerRow): Caller {
  // All columns of a group are set, or none is.
  const requestMetadata =
    toolName === null
      ? undefined
      : ({
          toolName,
          toolVersion,
          actionId,
          invocationId,
          correlatedInvocationsId,
          actionMnemonic,
          targetId,
          configurationId,
        } as RequestMetadata);
  return { requestMetadata, identity: actor === null ? undefined : ({ actor, subject, workflow } as ClientIdentity) };
}

/** Makes the record of a row. */
export function toOperation([
  id,
  instance,
  stage,
  cancelled,
  polled,
  createdAt,
  completedAt,
  toolName,
  toolVersion,
  actionId,
  invocationId,
  correlatedInvocationsId,
  actionMnemonic,
  targetId,
  configurationId,
  actor,
  subject,
  workflow,
  ...job
]: OperationRow): OperationRecord {
  return {
    id,
    instance,
    stage,
    cancelled: cancelled === 1,
    createdAt,
    completedAt: completedAt ?? undefined,
    polled: polled === 1,
    ...toCaller([
      toolName,
      toolVersion,
      actionId,
      invocationId,
      correlatedInvocationsId,
      actionMnemonic,
      targetId,
      configurationId,
      actor,
      subject,
      workflow,
    ]),
    job: toJob(job),
  };
}

/** Makes the answer of the rows of all operations that want a job, which have the same count in each. */
export function toJobOperations(rows: readonly JobOperationRow[]): JobOperations {
  const operations = rows.map(([id, instance, stage, _live, ...caller]) => ({
    id,
    instance,
    stage,
    ...toCaller(caller),
  }));
  return { operations, live: rows[0]?.[3] ?? 0 };
}

/** Makes the record of a row. */
export function toSession([
  name,
  botId,
  parent,
  status,
  capacity,
  properties,
  version,
  expiresAt,
  updatedAt,
]: SessionRow): SessionRecord {
  return {
    name,
    botId,
    parent,
    status,
    capacity,
    properties: toProperties(properties),
    version,
    expiresAt,
    updatedAt,
  };
}
