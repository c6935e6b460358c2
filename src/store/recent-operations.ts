import type { OperationRecord } from "../operations/operations.ts";

/** Half of what all may take. */
const GENERATION_BYTES = 16 * 1024 * 1024;
const MOST_RECORD_BYTES = 64 * 1024;
/** What a record takes beside its blobs, about. */
const RECORD_BYTES = 4 * 1024;

/**
 * Operations by id, as many as the memory for them holds; operations of two instances with the same id, which nobody makes, would take turns in it. What is
 * used goes into the young generation; when that is full it becomes the old one, and what was left of the old one is
 * forgotten.
 */
export function createRecentOperations() {
  let young = new Map<string, OperationRecord>();
  let old = young;
  let youngBytes = 0;

  function set(record: OperationRecord): void {
    youngBytes += bytesOf(record);
    if (youngBytes > GENERATION_BYTES) {
      old = young;
      young = new Map();
      youngBytes = bytesOf(record);
    }
    young.set(record.id, record);
  }

  return {
    /** Keeps it unless it is large. */
    set: (record: OperationRecord): void => {
      if (bytesOf(record) <= MOST_RECORD_BYTES) set(record);
    },

    get: (id: string): OperationRecord | undefined => {
      const recent = young.get(id);
      if (recent) return recent;
      const record = old.get(id);
      if (record) set(record);
      return record;
    },
    delete: (id: string): void => {
      young.delete(id);
      old.delete(id);
    },
  };
}

function bytesOf({ job }: OperationRecord): number {
  return RECORD_BYTES + (job.partialMetadata?.byteLength ?? 0) + (job.outcome?.response.byteLength ?? 0);
}
