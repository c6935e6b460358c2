import { failureOf } from "../api/failure.ts";

/** What the server found wrong with a filter, and where. */
export interface FilterProblem {
  /** From 0, in UTF-16 code units; undefined when it is no single place. */
  readonly at: number | undefined;
  readonly message: string;
}

const PLACE = /^(?:filter: )?at character (\d+): ([^\n]*)/;

/** What an error says of the filter; undefined when it is about something else. */
export function filterProblemOf(error: unknown): FilterProblem | undefined {
  const { code, message } = failureOf(error);
  if (code !== "INVALID_ARGUMENT") return undefined;
  const [, character, problem] = PLACE.exec(message) ?? [];
  if (character !== undefined && problem !== undefined) return { at: Number(character) - 1, message: problem };
  return message.startsWith("filter: ") ? { at: undefined, message: message.slice("filter: ".length) } : undefined;
}

/** Where a mistake ends that begins at a place: with the word that stands there, one character at least. */
export function problemEnd(text: string, at: number): number {
  const word = /^(?:[A-Za-z0-9_@.]+|[<>!=]+|.)/su.exec(text.slice(at))?.[0];
  return at + (word?.length ?? 1);
}
