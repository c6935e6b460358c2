import assert from "node:assert/strict";

/** Waits, in real time and with a bound, until a condition holds; the message says what did not happen. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  message = "the condition to hold",
  timeoutMs = 5000,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await condition())) {
    assert.ok(Date.now() < end, `waited ${timeoutMs} ms for ${message}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
