import { useCallback, useEffect, useState } from "react";
import { useParameter } from "../location/parameters.ts";
import { parseSpan, type Span, spanText, within } from "./span.ts";

/** An address is not written at each step of the wheel: browsers allow for some hundred times in half a minute. */
const WRITE_AFTER_MS = 300;

/** Changes the part that is shown; undefined shows all. */
export type ChangeSpan = (change: (span: Span) => Span | undefined) => void;

/** The part of a build's time that is shown, as in the address; all of it, as it grows, unless somebody chose. */
export function useSpan(length: number): [span: Span, change: ChangeSpan, chosen: boolean] {
  const [parameter, setParameter] = useParameter("time");
  const [chosen, setChosen] = useState(() => parseSpan(parameter));
  const text = chosen && spanText(chosen);
  useEffect(() => {
    if (text === parameter) return;
    const timer = setTimeout(() => setParameter(text, { replace: true }), WRITE_AFTER_MS);
    return () => clearTimeout(timer);
  }, [text, parameter, setParameter]);
  const change = useCallback<ChangeSpan>(
    (next) =>
      setChosen((before) => {
        const span = next(within(before ?? { from: 0, to: length }, length));
        return span && (span.from > 0 || span.to < length) ? span : undefined;
      }),
    [length],
  );
  return [within(chosen ?? { from: 0, to: length }, length), change, chosen !== undefined];
}
