import { useEffect, useRef, useState } from "react";

/** A value that changes often, taken over at most every so many milliseconds; the last one always is. */
export function useThrottled<T>(value: T, everyMs: number): T {
  const [taken, setTaken] = useState(value);
  const takenAt = useRef(0);
  useEffect(() => {
    const take = () => {
      takenAt.current = Date.now();
      setTaken(value);
    };
    const timer = setTimeout(take, Math.max(0, takenAt.current + everyMs - Date.now()));
    return () => clearTimeout(timer);
  }, [value, everyMs]);
  return taken;
}
