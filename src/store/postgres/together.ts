/** A question that waits for its answer. */
export interface Question<Key, Answer> {
  readonly key: Key;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** One to read while the next is put together, and one more. */
const MOST_UNDER_WAY = 2;
const MOST_IN_A_GROUP = 200;

/**
 * Answers questions in groups: those go together that come in one turn of the event loop, or while others are under way.
 * Each is asked after it was put, so that no answer is older than its question. `answer` resolves each of a group; what it
 * throws is told to those that have no answer yet; then all that wait are one group, so that none of them waits for more
 * than one failure before its own.
 */
export function together<Key, Answer>(
  answer: (questions: readonly Question<Key, Answer>[]) => Promise<void>,
): (key: Key) => Promise<Answer> {
  const waiting: Question<Key, Answer>[] = [];
  let underWay = 0;
  let willStart = false;
  let failing = false;

  function start(): void {
    willStart = false;
    while (underWay < MOST_UNDER_WAY && waiting.length > 0) {
      underWay += 1;
      void ask(waiting.splice(0, failing ? waiting.length : MOST_IN_A_GROUP));
    }
  }

  async function ask(group: readonly Question<Key, Answer>[]): Promise<void> {
    try {
      await answer(group);
      failing = false;
    } catch (error) {
      failing = true;
      for (const { reject } of group) reject(error);
    }
    underWay -= 1;
    startSoon();
  }

  /** What came with others over the network is put by the end of this turn. */
  function startSoon(): void {
    if (willStart || underWay >= MOST_UNDER_WAY || waiting.length === 0) return;
    willStart = true;
    setImmediate(start);
  }

  return (key) =>
    new Promise((resolve, reject) => {
      waiting.push({ key, resolve, reject });
      startSoon();
    });
}
