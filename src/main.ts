#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { setFlagsFromString } from "node:v8";

// V8 makes objects like those that outlived a few quick collections directly in the old generation, where only full
// collections end them. Under load these are the short-lived parts of calls, and they hold the rest of the call as well.
setFlagsFromString("--no-allocation-site-pretenuring");
// Before anything else is loaded: a third of the time to start goes without it into what the last start did as well.
enableCompileCache();
const { processShell, run } = await import("./cli/cli.ts");

process.exitCode = await run(process.argv.slice(2), processShell());
