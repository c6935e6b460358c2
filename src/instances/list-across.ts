import type { Clock } from "../base/clock.ts";
import { StatusError } from "../base/errors.ts";
import {
  buildQuery,
  compareText,
  DEFAULT_FILTER,
  type OperationQuery,
  type OperationRecord,
  type SortTerm,
  type SortValue,
  sortValuesOf,
} from "../operations/operations.ts";
import type { Instance } from "./instance.ts";
import type { ListRequest, OperationPage } from "./operations.ts";
import { ALL_INSTANCES } from "./targets.ts";
import type { WatchScope } from "./watch-operations.ts";

/** A list of all instances; with `partial`, those that fail are left out. */
export interface AcrossRequest extends ListRequest {
  readonly partial: boolean;
}

/** One page of all instances. */
export interface PageAcross extends OperationPage {
  /** Names of the instances that are missing from the page, because they failed. */
  readonly unreachable: readonly string[];
}

/**
 * Lists the operations of several instances in one order, each instance read up to a page. The filter of a request that
 * has none is that of the instances, or DEFAULT_FILTER where they differ. An instance that fails is left out with
 * `partial`; else the error of the first one, in the order given, is thrown with the instance's name.
 */
export async function listAcross(
  instances: readonly Instance[],
  request: AcrossRequest,
  clock: Clock,
): Promise<PageAcross> {
  const { filter: filterText, pageSize, pageToken } = request;
  const { defaultFilter, maxPageSize } = commonSettings(instances);
  const { query, page } = buildQuery({
    ...{ instance: ALL_INSTANCES, filterText, pageSize, pageToken, now: clock.now() },
    ...{ defaultFilter, maxPageSize },
  });
  const { operations, unreachable } = await findAcross(instances, query, request.partial);
  return { ...page(operations), unreachable };
}

/** What a watch of several instances looks at; where one fails, the watch does, with the instance's name. */
export function scopeOfAll(instances: readonly Instance[]): WatchScope {
  return {
    name: ALL_INSTANCES,
    instances: new Set(instances.map(({ name }) => name)),
    ...commonSettings(instances),
    find: async (query) => (await findAcross(instances, query, false)).operations,
  };
}

async function findAcross(instances: readonly Instance[], query: OperationQuery, partial: boolean) {
  const answers = await Promise.allSettled(instances.map(({ operations }) => operations.find(query)));
  const rows: Row[] = [];
  const unreachable: string[] = [];
  for (const [index, answer] of answers.entries()) {
    const name = instances[index]?.name ?? "";
    if (answer.status === "fulfilled") for (const record of answer.value) rows.push(rowOf(record, query.order));
    else if (partial && answer.reason instanceof StatusError) unreachable.push(name);
    else throw withInstance(answer.reason, name);
  }
  rows.sort((a, b) => compareRows(a, b, query.order));
  return { operations: rows.slice(0, query.limit).map(({ record }) => record), unreachable };
}

interface Row {
  readonly record: OperationRecord;
  readonly values: readonly SortValue[];
}

function rowOf(record: OperationRecord, order: readonly SortTerm[]): Row {
  return { record, values: sortValuesOf(record, order) };
}

/** As the stores order; ids, which end every order, are unique among all instances. */
function compareRows(a: Row, b: Row, order: readonly SortTerm[]): number {
  for (const [i, { descending }] of order.entries()) {
    const sign = compareValues(a.values[i] ?? null, b.values[i] ?? null);
    if (sign !== 0) return descending ? -sign : sign;
  }
  return 0;
}

function compareValues(a: SortValue, b: SortValue): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  return typeof a === "string" ? compareText(a, String(b)) : a - Number(b);
}

function commonSettings(instances: readonly Instance[]) {
  const all = instances.map(({ settings }) => settings);
  const [filter, ...others] = new Set(all.map(({ defaultFilter }) => defaultFilter));
  return {
    defaultFilter: filter === undefined || others.length > 0 ? DEFAULT_FILTER : filter,
    maxPageSize: Math.min(...all.map(({ maxPageSize }) => maxPageSize)),
    keepAliveMs: Math.min(...all.map(({ keepAliveMs }) => keepAliveMs)),
  };
}

function withInstance(reason: unknown, instance: string): unknown {
  if (!(reason instanceof StatusError)) return reason;
  const { rawMessage, code, metadata, details, cause } = reason;
  const error = new StatusError(`instance "${instance}": ${rawMessage}`, code, metadata, undefined, cause);
  error.details = details;
  return error;
}
