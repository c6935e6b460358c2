import type { Command, Option } from "commander";

/** The shells that scripts can be made for. */
export const completionShells = ["bash", "zsh", "fish"] as const;
export type CompletionShell = (typeof completionShells)[number];

interface Node {
  /** The names from the program down, without the program's own. */
  readonly path: readonly string[];
  readonly command: Command;
  readonly children: readonly Node[];
}

function nodeOf(command: Command, path: readonly string[]): Node {
  const children = command.commands.map((child) => nodeOf(child, [...path, child.name()]));
  return { path, command, children };
}

function flatten(node: Node): Node[] {
  return [node, ...node.children.flatMap(flatten)];
}

const namesOf = (command: Command): string[] => [command.name(), ...command.aliases()];

/** An option's long names: where there are two, the first stands at the place of the short one. */
function longNames({ short, long }: Option): string[] {
  return [short, long].filter((name): name is string => name?.startsWith("--") ?? false);
}

function wordsOf({ command, children }: Node): string[] {
  return [...children.flatMap((child) => namesOf(child.command)), ...command.options.flatMap(longNames), "--help"];
}

/** Walks down the words before the cursor to a command, then offers what may follow it. */
function bashScript(program: string, root: Node): string {
  const steps = flatten(root)
    .filter(({ path }) => path.length > 0)
    .map(({ path, command }) => {
      const before = path.slice(0, -1).join(" ");
      const patterns = namesOf(command).map((name) => `"${before}:${name}"`);
      return `      ${patterns.join("|")}) path="${path.join(" ")}" ;;`;
    });
  const offers = flatten(root).map((node) => `    "${node.path.join(" ")}") words="${wordsOf(node).join(" ")}" ;;`);
  return [
    `_${program}() {`,
    "  local path= words= i",
    "  for ((i = 1; i < COMP_CWORD; i++)); do",
    `    case "$path:\${COMP_WORDS[i]}" in`,
    ...steps,
    "    esac",
    "  done",
    '  case "$path" in',
    ...offers,
    "  esac",
    `  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))`,
    "}",
    `complete -o default -F _${program} ${program}`,
    "",
  ].join("\n");
}

const quote = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

function fishCondition(ancestors: readonly Node[], below: readonly Node[]): string {
  const seen = ancestors.map(({ command }) => `__fish_seen_subcommand_from ${namesOf(command).join(" ")}`);
  const names = below.flatMap(({ command }) => namesOf(command));
  if (names.length > 0) seen.push(`not __fish_seen_subcommand_from ${names.join(" ")}`);
  return seen.join("; and ");
}

function fishLines(program: string, node: Node, ancestors: readonly Node[]): string[] {
  const { command, children } = node;
  const condition = fishCondition(ancestors, children);
  const start = `complete -c ${program}${condition && ` -n ${quote(condition)}`}`;
  const subcommands = children.map(({ command: child }) => {
    return `${start} -f -a ${quote(namesOf(child).join(" "))} -d ${quote(child.summary() || child.description())}`;
  });
  const options = command.options.flatMap((option) => {
    const value = option.required ? " -r" : "";
    return longNames(option).map((name) => `${start} -l ${name.slice(2)}${value} -d ${quote(option.description)}`);
  });
  const below = children.flatMap((child) => fishLines(program, child, [...ancestors, child]));
  return [...subcommands, ...options, ...below];
}

/** A script that teaches a shell the program's commands and flags. */
export function completionScript(shell: CompletionShell, program: Command): string {
  const root = nodeOf(program, []);
  if (shell === "fish") return `${fishLines(program.name(), root, []).join("\n")}\n`;
  const script = bashScript(program.name(), root);
  return shell === "bash"
    ? script
    : `#compdef ${program.name()}\nautoload -U +X bashcompinit && bashcompinit\n${script}`;
}
