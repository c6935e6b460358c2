import type { TestContext } from "node:test";
import type { CallOptions, Client } from "@connectrpc/connect";
import {
  FarmService,
  type OperationSummary,
  type OperationView,
  type WatchOperationsResponse,
} from "../../gen/opgrid/v1/opgrid_pb.ts";
import { until } from "../helpers/until.ts";
import { type Grid, metadataOf, startGrid } from "./grid.ts";

type Farm = Client<typeof FarmService>;

/** What is watched; in the instance `main` unless said otherwise. */
export interface Wish {
  readonly instanceName?: string;
  readonly filter?: string;
  readonly resumeToken?: string;
  readonly changesOnly?: boolean;
  readonly view?: OperationView;
  readonly limit?: number;
}

/** A watch that is read in the background. */
export interface Watch {
  readonly responses: readonly WatchOperationsResponse[];
  /** What a client that did as it is told would show: the stage of each operation, by name. */
  readonly rows: ReadonlyMap<string, number>;
  /** What happened after the rows, as `stage name`, `left name` and `deleted name`. */
  readonly news: readonly string[];
  readonly token: string;
  readonly ended: Promise<unknown>;
  untilLive(): Promise<void>;
  stop(): void;
}

/** Watches until the test stops it. */
export function watch(farm: Farm, wish: Wish = {}, options: CallOptions = {}): Watch {
  const hangUp = new AbortController();
  const responses: WatchOperationsResponse[] = [];
  const rows = new Map<string, number>();
  const news: string[] = [];
  let live = false;

  const read = async () => {
    const request = { instanceName: "main", ...wish };
    for await (const response of farm.watchOperations(request, { ...options, signal: hangUp.signal })) {
      responses.push(response);
      if (response.reset) rows.clear();
      for (const { change } of response.changes) {
        if (change.case === "operation" || change.case === "summary") {
          const { stage } = change.case === "summary" ? change.value : metadataOf(change.value);
          rows.set(change.value.name, stage);
          if (live) news.push(`${stage} ${change.value.name}`);
        } else if (change.case) {
          rows.delete(change.value);
          if (live) news.push(`${change.case} ${change.value}`);
        }
      }
      live ||= response.live;
    }
  };
  const ended = read().catch((error: unknown) => error);
  return {
    ...{ responses, rows, news, ended },
    get token() {
      return responses.at(-1)?.resumeToken ?? "";
    },
    untilLive: () => until(() => live),
    stop: () => hangUp.abort(),
  };
}

/** The last summary of this stage that was sent. */
export function lastSummary({ responses }: Watch, stage: number): OperationSummary | undefined {
  const changes = responses.flatMap((response) => response.changes.map(({ change }) => change));
  return changes
    .flatMap((change) => (change.case === "summary" ? [change.value] : []))
    .findLast((s) => s.stage === stage);
}

/** A server of the instance `main`, unless flags say otherwise, and its FarmService. */
export async function startFarm(t: TestContext, flags: Record<string, string> = {}) {
  const grid = await startGrid(t, flags);
  return { ...grid, farm: grid.client(FarmService) };
}

/** Executes an action of its own; answers the name of the operation. */
export async function submit(grid: Grid, instanceName = "main", headers = {}) {
  return (await grid.execute({ instanceName, actionDigest: await grid.action({ instanceName }) }, headers)).name;
}
