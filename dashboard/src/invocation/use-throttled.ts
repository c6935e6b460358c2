import { useEffect, useRef, useState } from "react";

/** A value that changes often, taken over at most every so many milliseconds; the first change and the last one always. */
export function useThrottled<T>(value: T, everyMs: number): T {
  const [taken, setTaken] = useState(value);
  const last = useRef({ value, at: 0 });
  useEffect(() => {
    if (last.current.value === value) return;
    const take = () => {
      last.current = { value, at: Date.now() };
      setTaken(value);
    };
    const timer = setTimeout(take, Math.max(0, last.current.at + everyMs - Date.now()));
    return () => clearTimeout(timer);
  }, [value, everyMs]);
  return taken;
}
