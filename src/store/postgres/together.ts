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
 * Answers questions in groups: alone one waits for nobody, those that come while others are under way go together. Each is
 * asked after it was put, so that no answer is older than its question. `answer` resolves each of a group; what it throws
 * is told to those that have no answer yet.
 */
export function together<Key, Answer>(
  answer: (questions: readonly Question<Key, Answer>[]) => Promise<void>,
): (key: Key) => Promise<Answer> {
  const waiting: Question<Key, Answer>[] = [];
  let underWay = 0;

  function start(): void {
    while (underWay < MOST_UNDER_WAY && waiting.length > 0) {
      underWay += 1;
      const group = waiting.splice(0, MOST_IN_A_GROUP);
      void answer(group)
        .catch((error: unknown) => {
          for (const { reject } of group) reject(error);
        })
        .finally(() => {
          underWay -= 1;
          start();
        });
    }
  }

  return (key) =>
    new Promise((resolve, reject) => {
      waiting.push({ key, resolve, reject });
      start();
    });
}
