import { instanceList, serviceNames, serviceOf } from "./instance-list.ts";
import {
  choice,
  database,
  duration,
  integer,
  list,
  listenAddress,
  optionalDatabaseUrl,
  optionalPath,
  optionalText,
  path,
  paths,
  size,
  text,
  toggle,
} from "./kinds.ts";
import { overrides } from "./tree.ts";

const INT32 = { min: -(2 ** 31), max: 2 ** 31 - 1 };

/** A URL of such a protocol that tells no user: nobody would heed it, and messages name the address. */
function isAddress(text: string, protocol: RegExp): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return protocol.test(url.protocol) && url.username === "" && url.password === "";
}

const s3 = {
  bucket: optionalText(
    "Bucket that has the blobs; data_dir then has a cache of max_bytes. Empty for blobs in data_dir.",
    {
      accept: (value) => /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(value),
      expected: "the name of a bucket",
      placeholder: "name",
    },
  ),
  prefix: text("In front of the names of all objects, like `opgrid/`.", ""),
  endpoint: optionalText("Store that is not Amazon's.", {
    accept: (value) => isAddress(value, /^https?:$/),
    expected: "a URL like https://s3.example.com, without user and password",
    placeholder: "url",
  }),
  region: text(
    "Region of the bucket. Empty for that of the AWS environment or profile; with an endpoint, us-east-1.",
    "",
  ),
  addressing: choice(
    "Where the bucket is named; auto is in the path with an endpoint.",
    ["auto", "path", "host"],
    "auto",
  ),
  presence_ttl: duration("How long a blob that was in the bucket counts as there without asking.", "1m", { max: "1h" }),
  expiry: duration(
    "Age at which a lifecycle rule removes objects; used ones are renewed at half of it. 0 for none.",
    "0s",
    {
      max: "3650d",
    },
  ),
};

const grpc = {
  url: optionalText("Another CAS that has the blobs; data_dir then has a cache of max_bytes.", {
    accept: (value) => isAddress(value, /^(grpc|http)s?:$/),
    expected: "a URL like grpc://cas.example.com:50051 or grpcs://..., without user and password",
    placeholder: "url",
  }),
  instance: text("Name of the instance there.", ""),
  ca: optionalPath("PEM file with the authorities to trust there, instead of the system's."),
  cert: optionalPath("PEM file with the client certificate to show there."),
  key: optionalPath("PEM file with the private key of cert."),
  token: optionalPath("File with a bearer token to send there; read at the start."),
  presence_ttl: duration("How long a blob that was there counts as there without asking.", "1m", { max: "1h" }),
};

/** Sections that say how an instance works: at the top level for all, inside of an instance for that one. */
export const instanceSections = {
  operations: {
    default_filter: text("Filter of a list that asks for none; empty for no filter.", "stage != COMPLETED"),
    max_page_size: integer("Operations on one page at most; also the size when none is asked for.", 1000, {
      min: 1,
      max: 10_000,
    }),
    retention: duration("How long a completed operation is remembered; 0 for ever.", "30d", { max: "3650d" }),
  },
  cas: {
    max_bytes: size("Room for blobs; the least recently used go when it is full.", "20GiB", { min: "1MiB" }),
    max_blob_bytes: size("Largest blob that is accepted; never more than max_bytes.", "16GiB", { min: "1KiB" }),
    max_batch_bytes: size("Blobs in one batch call, together.", "4MiB", { min: "1KiB", max: "512MiB" }),
    upload_expiry: duration("How long an unfinished upload can be resumed.", "1h", { min: "1s" }),
    s3,
    grpc,
  },
  action_cache: {
    max_entries: integer("Action results to keep; the least recently used go.", 1_000_000, { min: 1, max: 1e9 }),
    update_enabled: toggle("Whether clients may write action results; bots always may.", true),
  },
  execution: {
    default_timeout: duration("Time for an action that asks for none; never more than max_timeout.", "1h", {
      min: "1s",
    }),
    max_timeout: duration("Longest time that an action may ask for.", "2h", { min: "1s" }),
    max_attempts: integer("How often a job is handed to bots before it is given up.", 5, { min: 1, max: 100 }),
    keep_alive: duration("Silence on an open stream of operations before something is sent all the same.", "30s", {
      min: "100ms",
      max: "60s",
    }),
    queue_timeout: duration("Longest stay in the queue; 0 for no limit.", "0s"),
    orphan_grace: duration("How long work goes on when the last stream to it is lost; 0 for ever.", "30s"),
    polled_orphan_grace: duration("The same for work that somebody has polled; 0 for ever.", "0s"),
    min_priority: integer("Smallest priority value, which runs first, that is advertised.", -1000, INT32),
    max_priority: integer("Largest priority value, which runs last, that is advertised.", 1000, INT32),
  },
  bot_sessions: {
    timeout: duration("Silence of a bot before its session is closed and its jobs are queued again.", "60s", {
      min: "1s",
    }),
    long_poll: duration("Longest wait of a bot's call for work; 0 answers at once.", "60s", { max: "10m" }),
  },
};

function acceptOrigin(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  if (["*", "loopback", "none"].includes(value)) return value;
  if (!URL.canParse(value)) return undefined;
  return new URL(value).origin === value ? value : undefined;
}

/**
 * Every setting, at its place in the file. Names of environment variables and flags, defaults, types and the reference in
 * docs/configuration.md all come from here.
 */
export const tree = {
  listen: listenAddress(
    "Address of the port; port 0 takes any free one. Only this machine can reach a loopback address.",
    "127.0.0.1:50051",
  ),
  data_dir: path("Where the state and the blobs are kept; one server at a time.", ".opgrid"),
  store: {
    url: database(
      "Where the state is kept: in data_dir, or in a database of PostgreSQL 14 or newer. " +
        "The password is better kept in PGPASSWORD or ~/.pgpass.",
      "store",
    ),
    direct_url: optionalDatabaseUrl(
      "The same database without the pooler that url leads through, for migrations and for notices of changes.",
    ),
    max_connections: integer("Connections to PostgreSQL at a time, and one more for notices.", 10, {
      min: 1,
      max: 1000,
    }),
    statement_timeout: duration("Longest time of a statement in PostgreSQL.", "30s", { min: "100ms", max: "1h" }),
    connect_timeout: duration("Longest wait for a connection to PostgreSQL.", "5s", { min: "100ms", max: "5m" }),
  },
  services: list(
    "Services that this process offers, of those that each instance has; the others are UNIMPLEMENTED here.",
    serviceNames,
    {
      accept: serviceOf,
      expected: `one of ${serviceNames.join(", ")}`,
    },
  ),
  dashboard: toggle("Whether browsers get the dashboard at /.", true),
  bots: integer(
    "Embedded bots, each a process of its own; 0 for none. None where services leaves out what they need.",
    2,
    { min: 0, max: 1024 },
  ),
  bot: {
    directory: optionalPath("Where the embedded bots work; `bots` inside of data_dir when not set."),
    cache_max_bytes: size("Room of each embedded bot for inputs that it keeps.", "2GiB", { min: "1MiB" }),
    sandbox: choice("What shuts an embedded bot's actions in.", ["none", "bubblewrap"], "none"),
    network: toggle("Whether an action in the sandbox reaches the network.", false),
    capacity: integer("Actions that each embedded bot runs at a time.", 1, { min: 1, max: 1024 }),
    instance: text("Instance that the embedded bots work for; * for all.", "*"),
  },
  tls: {
    cert: optionalPath("PEM file with the certificate chain; turns TLS on, beside plaintext on the same port."),
    key: optionalPath("PEM file with the private key of cert."),
    client_ca: optionalPath("PEM file with the authorities whose client certificates are trusted."),
    client_auth: choice("Whether TLS clients show a certificate.", ["none", "optional", "required"], "none"),
    plaintext: choice("What happens to connections without TLS.", ["allow", "refuse"], "allow"),
  },
  cors: {
    allowed_origins: list(
      "Pages that may call the port from a browser: of these origins, of any (*), of this machine (loopback), or only " +
        "of the port itself (none).",
      ["loopback"],
      { accept: acceptOrigin, expected: "an origin like https://example.com, or one of *, loopback, none" },
    ),
  },
  limits: {
    max_message_bytes: size("Largest message that is read.", "8MiB", { min: "64KiB", max: "1GiB" }),
    max_concurrent_streams: integer("Calls at a time on one HTTP/2 connection.", 1000, { min: 1, max: 1_000_000 }),
    max_wait: duration("Longest that WaitOperation is held open for a caller that sets no earlier end.", "1h", {
      min: "1s",
    }),
    first_byte_timeout: duration("Time for a new connection to say something.", "10s", { min: "100ms" }),
    headers_timeout: duration("Time for the headers of an HTTP/1.1 request and for a TLS handshake.", "30s", {
      min: "100ms",
    }),
    max_connections: integer("Connections at a time.", 10_000, { min: 1, max: 1_000_000 }),
    fast_path: toggle(
      "Whether plain gRPC calls with one request message take a way of their own, several times cheaper; no client can tell the difference.",
      true,
    ),
  },
  shutdown: {
    grace: duration(
      "Time for calls to finish after SIGTERM before they are cut; before that, half of it for actions of embedded bots.",
      "20s",
      { max: "1h" },
    ),
  },
  log: {
    level: choice("Least severe line that is written.", ["silent", "error", "warn", "info", "debug"], "info"),
    format: choice(
      "Form of the lines; auto is text on a terminal and json elsewhere.",
      ["auto", "json", "text"],
      "auto",
    ),
  },
  identity: {
    source: choice(
      "Where the identity recorded with an operation comes from: the x-request-actor, -subject and -workflow headers, " +
        "or nowhere. It informs and permits nothing.",
      ["headers", "none"],
      "headers",
    ),
  },
  json: {
    descriptor_sets: paths(
      "Files with a google.protobuf.FileDescriptorSet each, imports included; an Any of a type in them is shown as JSON.",
      "descriptor-set",
    ),
  },
  ...instanceSections,
  instances: instanceList(
    "The instances that are served, sharing nothing: names, or a list in YAML or JSON.",
    ["", "main"],
    overrides(instanceSections),
  ),
};
