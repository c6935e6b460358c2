import { useCallback } from "react";
import { useSearchParams } from "wouter";
import { ALL_INSTANCES } from "./paths.ts";

/** How a parameter of the address is set: undefined removes it; `replace` leaves no entry in the browser's history. */
export type SetParameter = (value: string | undefined, options?: { readonly replace?: boolean }) => void;

/** A parameter of the page's address, and how it is set. */
export function useParameter(name: string): [value: string | undefined, set: SetParameter] {
  const [parameters, setParameters] = useSearchParams();
  const set = useCallback<SetParameter>(
    (value, options) =>
      setParameters(
        (before) => {
          const after = new URLSearchParams(before);
          if (value === undefined) after.delete(name);
          else after.set(name, value);
          return after;
        },
        { replace: options?.replace ?? false },
      ),
    [name, setParameters],
  );
  return [parameters.get(name) ?? undefined, set];
}

/** The instance that the page shows; `-` is all of them. */
export function useInstance(): [instance: string, set: SetParameter] {
  const [value, set] = useParameter("instance");
  return [value ?? ALL_INSTANCES, set];
}
