import { durationText } from "../format/time.ts";
import { digestOf, type Values } from "./figures.ts";

/** Writes a value of a figure. */
export type FigureText = (value: number) => string;

const fine = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });
const coarse = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** `0`, `0.25`, `3.4`, `1,204`. */
export const amountText: FigureText = (value) => (value < 10 ? fine.format(value) : coarse.format(value));

/** `0 %`, `0.4 %`, `42 %`. */
export const percentText: FigureText = (value) => {
  const percent = 100 * value;
  return `${percent > 0 && percent < 10 ? fine.format(percent) : coarse.format(percent)} %`;
};

/** `0.2 ms`, `120 ms`, `4.2 s`, `3m 05s`. */
export const spanText: FigureText = (ms) => (ms > 0 && ms < 10 ? `${fine.format(ms)} ms` : durationText(ms));

/** A round duration: `10 ms`, `1 s`, `10 min`, `1 h`. */
export const roundSpanText: FigureText = (ms) => {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60_000) return `${ms / 1000} s`;
  return ms < 3_600_000 ? `${ms / 60_000} min` : `${ms / 3_600_000} h`;
};

const two = (value: number) => String(value).padStart(2, "0");

/** `14:03`, in the reader's zone. */
export function minuteText(ms: number): string {
  const date = new Date(ms);
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** What a chart shows of a series, in words. */
export function seriesSummary(label: string, values: Values, times: readonly number[], text: FigureText): string {
  const digest = digestOf(values, times);
  if (!digest) return `${label}: nothing noted`;
  const { average, most, mostAt } = digest;
  return `${label}: ${text(average)} on average, at most ${text(most)} (${minuteText(mostAt)})`;
}

/** How a figure has changed, as `▲ 12 %`; "" for one that is as it was. */
export function changeText({ before, lately }: { readonly before: number; readonly lately: number }): string {
  if (before === 0) return lately === 0 ? "" : "▲ from 0";
  const change = lately / before - 1;
  if (Math.abs(change) < 0.01) return "";
  const sign = change > 0 ? "▲" : "▼";
  return change > 9 ? `${sign} over 10 times` : `${sign} ${coarse.format(Math.abs(100 * change))} %`;
}
