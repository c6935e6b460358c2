/** What one process counted of an instance in one minute, or what was noted then; encoded by who counted. */
export interface FigureRecord {
  readonly instance: string;
  /** Minutes since the epoch. */
  readonly minute: number;
  /** Tells the records of one minute apart: a whole number. */
  readonly part: number;
  readonly counts: Uint8Array;
}
