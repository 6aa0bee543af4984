// The wire as the dashboard reads it: HTTP answers and feed frames, and nothing derived.

export type Finding = { file: string; line: number; col: number; level: string; what: string; hint?: string };

export type Field = {
  id: string;
  prompt?: string;
  type: "text" | "string" | "bool" | "number" | "choice";
  value?: unknown;
  required?: boolean;
  choices?: unknown[];
};
export type Form = { title?: string; fields: Field[] };
export type OpenForm = Form & { node: string; asked_at?: string | null };

export type Trigger = {
  id: string;
  type: string;
  name?: string;
  form?: Form | null;
  period_s?: number | null;
  cron?: string | null;
  timezone?: string | null;
  next_due?: string | null;
  problem?: string;
  git?: Record<string, unknown> | null;
};

export type Summary = {
  id: string;
  key: string;
  flow: string;
  ver: number;
  state: "pending" | "active" | "archive";
  phase: string;
  good: boolean | null;
  why: string;
  host: string | null;
  adopted_by: string;
  epoch: number;
  seq: number;
  trigger: string;
  by: string;
  pended_at: string | null;
  started_at: string | null;
  ended_at: string | null;
};

export type GraphNode = {
  id: string;
  ref: string;
  class: "task" | "merge" | "trigger";
  type?: string;
  name?: string;
  level?: number;
  listen?: string[];
  wait?: string[];
  timeout_s?: number | null;
  retry_max?: number;
};
export type AskedForm = { run: Summary; form: OpenForm };
export type PendGroup = { text: string; count: number; runs: string[]; hosts: { host: string; reasons: string[] }[] };
export type GraphEdge = { from: string; to: string; tag: string };
export type Graph = { nodes: GraphNode[]; edges: GraphEdge[] };

export type Attempt = {
  attempt: number;
  result?: string | null;
  status?: number | null;
  why?: string;
  started_at?: string | null;
  ended_at?: string | null;
  output_bytes?: number;
};
export type NodeState =
  | "waiting"
  | "queued"
  | "running"
  | "asking"
  | "retrying"
  | "good"
  | "bad"
  | "error"
  | "stopped"
  | "never";
export type RunNode = {
  id: string;
  ref: string;
  class: string;
  type?: string;
  name?: string;
  state: NodeState;
  tag?: string | null;
  good?: boolean | null;
  status?: number | null;
  why?: string;
  attempt?: number;
  entered_at?: string | null;
  queued_at?: string | null;
  started_at?: string | null;
  asked_at?: string | null;
  due?: string | null;
  ended_at?: string | null;
  by?: string;
  output_bytes?: number;
  outputs?: Record<string, unknown>;
  attempts?: Attempt[];
};
export type NodeDetail = RunNode & { inputs?: Record<string, unknown>; work?: Record<string, unknown> };

export type Detail = Summary & {
  values: Record<string, unknown>;
  workspace: string;
  graph: Graph;
  nodes: RunNode[];
  forms: OpenForm[];
  cancelled_by: string;
  pos: string;
  moment: Fact | null;
};

export type Flow = {
  id: string;
  ver: number;
  name?: string;
  host_tags?: string[];
  resource_tags?: string[];
  reuse_space?: boolean;
  flow_file?: string;
  triggers: Trigger[];
  last?: Summary | null;
  findings?: Finding[];
  failing?: { since: string; runs: number; more: boolean } | null;
};
export type FlowDetail = Flow & {
  graph: Graph;
  env?: string[];
  timeout_s?: number | null;
  on_host_lost?: string;
  unheard_bad?: string;
};

export type Token = { id: string; name: string; made_at: string; made_by: string };
export type Lease = {
  tag: string;
  kind: "resource" | "workspace";
  run: string;
  flow: string;
  host: string | null;
  fence: string;
  since: string | null;
  waiting: string[];
};
export type Host = {
  id: string;
  store: string;
  self: boolean;
  tags: string[];
  version: string;
  started_at: string | null;
  seen_at: string | null;
  draining: boolean;
  slots: number;
  active: number;
  pending: number;
  /** Of other hosts this and what follows may be missing. */
  load?: number;
  cpus?: number;
  commands?: number;
  /** How many of them fit by the machine's limits, and which limit allows no more. */
  commands_at_once?: number;
  commands_why?: string;
  running?: number;
  waiting?: number;
  config?: { path: string; digest: string; loaded_at: string | null; findings: Finding[] };
  url?: string;
  keeper: boolean;
  /** Sentences. */
  problems?: string[];
  /** How its config differs from others'. */
  notes?: string[];
  /** How far its clock is ahead of that of the host that answers. */
  clock_offset_ms?: number | null;
  /** What can be asked of it: "reload", "drain", "forget". */
  offers?: string[];
};
/** How old what a list tells of each host is. */
export type AsOf = Record<string, string | null>;

export type Fact = { seq: number; epoch: number; at: string; event: string; node?: string; tag?: string; by?: string };
export type RunEvent = Fact & { data: Record<string, unknown> };

export type Why = {
  run: string;
  state: string;
  text: string;
  hosts?: { host: string; reasons: string[] }[];
  waiting?: { node: string; for: string[] }[];
  never?: { node: string; tags: string[] }[];
};

export type EventFrame = {
  type: "event";
  pos: string;
  run: string;
  epoch: number;
  seq: number;
  at: string;
  by?: string;
  tag?: string;
  event: string;
  node?: RunNode;
  summary?: Summary;
};
export type OutputFrame = {
  type: "output";
  run: string;
  node: string;
  attempt: number;
  offset: number;
  end: number;
  text: string;
  live: boolean;
};
export type Frame =
  | EventFrame
  | OutputFrame
  | { type: "hello"; pos: string; host: string; version: string }
  | { type: "reset" }
  | { type: "flows" }
  | { type: "host"; id: string; state: "away" | "here"; seen: string | null }
  | { type: "error"; status: number; detail: string; hint: string };
