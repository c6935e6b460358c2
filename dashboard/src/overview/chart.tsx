import { useEffect, useId, useRef, useState } from "react";
import { type FigureText, minuteText, seriesSummary } from "./figure-text.ts";
import { createPlot, type Line, type PlotData, type PlotOptions } from "./plot.ts";

interface ChartProps extends PlotOptions {
  readonly title: string;
  readonly times: readonly number[];
  readonly stepMs: number;
  readonly lines: readonly Line[];
}

/** A chart with its summary in words, and with its figures as a table for whoever wants that. */
export function Chart({ title, times, stepMs, lines, text, axisText, logarithmic, most }: ChartProps) {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<ReturnType<typeof createPlot>>(undefined);
  const heading = useId();
  const data = useRef<PlotData>({ times, stepMs, lines });
  data.current = { times, stepMs, lines };
  useEffect(() => {
    if (!element.current) return;
    const options = {
      text,
      ...(axisText && { axisText }),
      ...(logarithmic && { logarithmic }),
      ...(most !== undefined && { most }),
    };
    const made = createPlot(element.current, data.current, options);
    plot.current = made;
    return () => made.close();
  }, [text, axisText, logarithmic, most]);
  useEffect(() => plot.current?.show({ times, stepMs, lines }), [times, stepMs, lines]);
  const summary = lines.map(({ label, values }) => seriesSummary(label, values, times, text)).join(". ");
  return (
    <figure className="chart" aria-labelledby={heading}>
      <figcaption>
        <h3 id={heading}>{title}</h3>
      </figcaption>
      <div ref={element} className="plot" role="img" aria-label={`${title}. ${summary}.`} />
      <Table {...{ title, times, lines, text }} />
    </figure>
  );
}

interface TableProps {
  readonly title: string;
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly text: FigureText;
}

/** The figures of a chart, the latest first; made when they are asked for. */
function Table({ title, times, lines, text }: TableProps) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>As a table</summary>
      {open && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
        <section className="chart-table" tabIndex={0} aria-label={`${title}, as a table`}>
          <table>
            <thead>
              <tr>
                <th scope="col">From</th>
                {lines.map(({ label }) => (
                  <th key={label} scope="col" className="numeric">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {times.map((_, back) => {
                const index = times.length - 1 - back;
                const time = times[index] ?? 0;
                return (
                  <tr key={time}>
                    <th scope="row">{minuteText(time)}</th>
                    {lines.map(({ label, values }) => {
                      const value = values[index] ?? null;
                      return (
                        <td key={label} className="numeric">
                          {value === null ? "–" : text(value)}
                        </td>
                      );
                    })}
                  </tr>
                );
              })}
            </tbody>
          </table>
        </section>
      )}
    </details>
  );
}
