import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../src/base/clock.ts";
import type { digestOf } from "../../src/base/digests.ts";
import { unavailable } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Cas } from "../../src/cas/cas.ts";
import { Fetches } from "../../src/cas/remote/fetches.ts";
import { Presence } from "../../src/cas/remote/presence.ts";
import type { RemoteStore } from "../../src/cas/remote/remote-store.ts";
import { openCas, randomBlob } from "./fixtures.ts";

/** As a fetch has it that stopped after these bytes. */
async function leave(cas: Cas, digest: ReturnType<typeof digestOf>, data: Uint8Array): Promise<void> {
  await using upload = await cas.openUpload("fetch/", digest);
  await upload.write(data);
}

for (const { title, damage, opened } of [
  {
    title: "a fetch that stopped before its end but after the last byte asks the store for nothing",
    damage: 0,
    opened: [],
  },
  { title: "a fetch whose bytes are all here but not the right ones begins anew", damage: 1, opened: [0] },
]) {
  test(title, async (t) => {
    const { cas } = await openCas(t);
    const { data, digest } = randomBlob(100_000);
    const received = Uint8Array.from(data);
    received[0] = (received[0] ?? 0) ^ damage;
    await leave(cas, digest, received);
    const offsets: number[] = [];
    const store: RemoteStore = {
      find: async (digests) => digests.map(() => "version"),
      open: async (_digest, offset) => {
        offsets.push(offset);
        // S3 says that there is no such range.
        if (offset >= data.length) throw unavailable("no such range", 1);
        return {
          version: "version",
          chunks: (async function* () {
            yield data.subarray(offset);
          })(),
        };
      },
      put: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
    const around = { store, clock: systemClock };
    const presence = new Presence({ ...around, ttlMs: 0 });
    await using fetches = new Fetches({ ...around, cache: cas, presence, log: silentLog });
    await fetches.fetch(digest);
    assert.deepEqual(await cas.readAll(digest, data.length), data);
    assert.deepEqual(offsets, opened);
  });
}
