/** Hands out a bounded amount of memory, in the order of asking. */
export interface MemoryBudget {
  /** Runs work that holds so many bytes, once they are free. Work of more than all runs alone. */
  run<T>(bytes: number, work: () => Promise<T>): Promise<T>;
  /** Waits for so many bytes; answers what gives them back. */
  take(bytes: number): Promise<() => void>;
}

/** Makes a budget of `totalBytes`. */
export function createMemoryBudget(totalBytes: number): MemoryBudget {
  const waiting: { bytes: number; start: () => void }[] = [];
  let free = totalBytes;

  function admit(): void {
    for (let first = waiting[0]; first && first.bytes <= free; first = waiting[0]) {
      waiting.shift();
      free -= first.bytes;
      first.start();
    }
  }

  async function take(wanted: number): Promise<() => void> {
    const bytes = Math.min(wanted, totalBytes);
    await new Promise<void>((start) => {
      waiting.push({ bytes, start });
      admit();
    });
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      free += bytes;
      admit();
    };
  }

  return {
    take,
    run: async (bytes, work) => {
      const giveBack = await take(bytes);
      try {
        return await work();
      } finally {
        giveBack();
      }
    },
  };
}
