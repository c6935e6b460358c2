import type { Figures, Result } from "./measure.ts";
import { type ServerName, serverNames } from "./servers.ts";
import { quantile } from "./statistics.ts";

interface Line {
  readonly title: string;
  readonly unit: string;
  readonly value: (figures: Figures) => number;
  /** True where the smaller figure is the better one. */
  readonly cost?: boolean;
}

const columns: Record<ServerName, string> = { opgrid: "opgrid", http2: "node:http2 echo", "grpc-js": "grpc-js echo" };

/** The results as a Markdown table. A ratio is a share of the echo's speed: below 1 opgrid is slower. */
export function speedTable(results: readonly Result[]): string {
  const head = ["", "unit", ...serverNames.map((name) => columns[name]), "of node:http2", "of grpc-js"];
  const rows = results.flatMap(({ scenario, figures }) =>
    linesOf(scenario).map((line) => {
      const { opgrid, http2, "grpc-js": grpcJs } = figures;
      const values = [opgrid, http2, grpcJs].map(line.value);
      return [line.title, line.unit, ...values.map(short), ...ratios(values, line.cost ?? false)];
    }),
  );
  return render([head, ...rows]);
}

/** What the servers' processes spent, as a Markdown table. What else the machine does changes it less than the speed. */
export function cpuTable(results: readonly Result[]): string {
  const head = ["server's processor time", "unit", ...serverNames.map((name) => columns[name])];
  const rows = results.map(({ scenario, figures }) => {
    const share = scenario.mebibytes ?? 1;
    const values = serverNames.map((name) => short(figures[name].cpuMicros / share));
    return [scenario.title, scenario.mebibytes ? "µs a MiB" : "µs an operation", ...values];
  });
  return render([head, ...rows]);
}

function linesOf({ title, figure, mebibytes = 1 }: Result["scenario"]): Line[] {
  if (figure === "operations/s") return [{ title, unit: figure, value: ({ rate }) => rate }];
  if (figure === "MiB/s") return [{ title, unit: figure, value: ({ rate }) => rate * mebibytes }];
  const micros = (share: number) => (figures: Figures) => quantile(figures.latenciesMs, share) * 1000;
  return [
    { title: `${title}, p50`, unit: "µs", value: micros(0.5), cost: true },
    { title: `${title}, p99`, unit: "µs", value: micros(0.99), cost: true },
  ];
}

function ratios([own = Number.NaN, ...echoes]: readonly number[], cost: boolean): string[] {
  return echoes.map((echo) => (cost ? echo / own : own / echo).toFixed(2));
}

/** A figure for people: three digits and more without a fraction. */
export function short(value: number): string {
  if (Number.isNaN(value)) return "-";
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en-US");
}

/** A Markdown table of the head and the rows; all but the first two columns are numbers. */
export function render(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join(" | ")} |`;
  const rule = `|${widths.map((width, column) => "-".repeat(width + 1) + (column < 2 ? "-" : ":")).join("|")}|`;
  return [line(head), rule, ...body.map(line)].join("\n");
}

function pad(cell: string, width: number, column: number): string {
  return column < 2 ? cell.padEnd(width) : cell.padStart(width);
}
