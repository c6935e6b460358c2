import type { TestContext } from "node:test";

const stacks = new WeakMap<TestContext, AsyncDisposableStack>();

/** Runs after the test, the last deferred first: what was set up later may need what was set up earlier. */
export function defer(t: TestContext, cleanUp: () => void | Promise<void>): void {
  let stack = stacks.get(t);
  if (!stack) {
    const made = new AsyncDisposableStack();
    stacks.set(t, made);
    t.after(() => made.disposeAsync());
    stack = made;
  }
  stack.defer(cleanUp);
}
