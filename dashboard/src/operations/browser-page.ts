import type { FeedPage } from "./feed-page.ts";

/** The page of this browser. */
export const browserPage: FeedPage = {
  isHidden: () => document.visibilityState === "hidden",
  subscribe: (listener) => {
    document.addEventListener("visibilitychange", listener);
    window.addEventListener("online", listener);
    return () => {
      document.removeEventListener("visibilitychange", listener);
      window.removeEventListener("online", listener);
    };
  },
  now: Date.now,
  after: (delayMs, callback) => {
    const handle = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
  turn: () => new Promise((resolve) => setTimeout(resolve)),
  random: Math.random,
};
