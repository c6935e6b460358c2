/** A pending callback that can be called off. */
export interface Timer {
  cancel(): void;
}

/** What a feed needs of the page that it is for. */
export interface FeedPage {
  /** Whether nobody can see it. */
  isHidden(): boolean;
  /** Calls back when the page is hidden or shown, or has a network again, until the answer is called. */
  subscribe(listener: () => void): () => void;
  /** Milliseconds since the epoch. */
  now(): number;
  after(delayMs: number, callback: () => void): Timer;
  /** Lets the page do what has piled up: answer to keys, draw. */
  turn(): Promise<void>;
  /** From 0 to less than 1. */
  random(): number;
}
