import type { OperationRecord } from "../../operations/operations.ts";
import { createRecentOperations } from "../recent-operations.ts";
import { toOperation } from "../records.ts";
import { OPERATION_COLUMNS, type OperationRow } from "../rows.ts";
import type { OperationKey, Store } from "../store.ts";
import type { Database } from "./database.ts";
import { OPERATION_JOINS } from "./joins.ts";
import type { Statement } from "./statement.ts";
import { type Question, together } from "./together.ts";

const KEYS = "unnest($1::text[], $2::text[]) WITH ORDINALITY AS key (instance, id, number)";
const IS_KEY = "o.instance = key.instance AND o.id = key.id";

const RECORD = `j.version, ${OPERATION_COLUMNS}`;
const STATE = "j.version, o.polled";

/** Finds operations with their jobs: one, whose plan is made once for a connection, and several. */
export const GET_OPERATION = {
  name: "get_operation",
  text: `SELECT 1, ${RECORD} FROM operations o ${OPERATION_JOINS} WHERE o.instance = $1 AND o.id = $2`,
};
export const GET_OPERATIONS = {
  name: "get_operations",
  text: `SELECT key.number, ${RECORD} FROM ${KEYS} JOIN operations o ON ${IS_KEY} ${OPERATION_JOINS}`,
};

/** Asks for all by which one knows whether an operation or its job has changed. */
export const OPERATION_STATE = {
  name: "operation_state",
  text: `SELECT 1, ${STATE} FROM operations o JOIN jobs j ON j.id = o.job_id WHERE o.instance = $1 AND o.id = $2`,
};
export const OPERATION_STATES = {
  name: "operation_states",
  text: `SELECT key.number, ${STATE} FROM ${KEYS} JOIN operations o ON ${IS_KEY} JOIN jobs j ON j.id = o.job_id`,
};

type FoundRow = readonly [number: number, version: number, ...operation: OperationRow];
type StateRow = readonly [number: number, version: number, polled: number];

type Request = Question<OperationKey & { readonly hint: "changed" | undefined }, OperationRecord | undefined>;

/**
 * Looks operations up, several together. Of operations that were read before only that is read by which one knows whether
 * they have changed, and as long as they have not the answer is the same object.
 */
export function createOperationLookup(db: Database): Store["getOperation"] {
  const recent = createRecentOperations();
  const versions = new WeakMap<OperationRecord, number>();

  async function answer(requests: readonly Request[]): Promise<void> {
    const { known = [], unknown = [] } = Object.groupBy(requests, ({ key }) =>
      key.hint === undefined && recent.get(key.id)?.instance === key.instance ? "known" : "unknown",
    );
    const [changed] = await Promise.all([confirm(known), read(unknown)]);
    await read(changed);
  }

  function ask<Row extends readonly unknown[]>(requests: readonly Request[], one: Statement, several: Statement) {
    const [first, ...others] = requests.map(({ key }) => key);
    if (first && others.length === 0) return db.query<Row>(one, [first.instance, first.id]);
    return db.query<Row>(several, [requests.map(({ key }) => key.instance), requests.map(({ key }) => key.id)]);
  }

  /** Answers those that have not changed, and gives back the others. */
  async function confirm(requests: readonly Request[]): Promise<readonly Request[]> {
    if (requests.length === 0) return requests;
    const records = requests.map(({ key }) => recent.get(key.id));
    const same = new Set<Request>();
    for (const [number, version, polled] of await ask<StateRow>(requests, OPERATION_STATE, OPERATION_STATES)) {
      const [request, record] = [requests[number - 1], records[number - 1]];
      if (!request || !record || versions.get(record) !== version || record.polled !== (polled === 1)) continue;
      request.resolve(record);
      same.add(request);
    }
    return requests.filter((request) => !same.has(request));
  }

  async function read(requests: readonly Request[]): Promise<void> {
    if (requests.length === 0) return;
    for (const [number, version, ...row] of await ask<FoundRow>(requests, GET_OPERATION, GET_OPERATIONS)) {
      const record = toOperation(row);
      versions.set(record, version);
      recent.set(record);
      requests[number - 1]?.resolve(record);
    }
    // Those that were found have their answer already.
    for (const { resolve } of requests) resolve(undefined);
  }

  const lookUp = together(answer);
  return ({ instance, id }, hint) => lookUp({ instance, id, hint });
}
