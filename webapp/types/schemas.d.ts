// The bodies of the API and the frames of the feed. scripts/api-types makes this file from
// floe/server/schemas.py and floe/server/frame_schemas.py.

export type Field = {
  id: string;
  prompt: string;
  type: "text" | "string" | "bool" | "number" | "choice" | "list";
  /** any JSON value */
  value: unknown;
  required: boolean;
  choices: string[];
  pattern: string;
  password?: boolean;
};

export type Form = {
  title: string;
  text: string;
  fields: Field[];
  approvers: "anyone" | "not-starter";
};

export type OpenForm = {
  node: string;
  title: string;
  text: string;
  fields: Field[];
  approvers: "anyone" | "not-starter";
  asked_at: string;
  /** the nearest nodes before it that printed something */
  before: {
    id: string;
    name: string;
  }[];
  visit?: number;
};

export type CallAddress = {
  node: string;
  visit: number;
  item: number | null;
  /** empty while this host cannot make it */
  url: string;
  until: string | null;
  fields: Field[];
};

export type OpenCall = {
  state: "open" | "answered" | "over";
  until: string | null;
  fields: Field[];
};

export type CallAnswered = {
  answered: boolean;
};

export type ShownValue = {
  name: string;
  text: string;
};

export type Acts = {
  /** what the state means for a person */
  hint: string;
  acts: {
    id: string;
    name: string;
    why: string;
    form: Form | null;
  }[];
};

export type DoAct = {
  values?: Record<string, unknown>;
};

export type Order = {
  ref?: {
    id: string;
    ver?: number;
  };
  run?: string;
  form?: {
    id?: string;
    values?: Record<string, unknown>;
    good?: boolean;
    visit?: number;
    /** the reason of a rejection */
    why?: string;
  };
};

export type FlyteItems = {
  items: FlyteItem[];
  /** items that match */
  count: number;
  /** items of the datastore */
  all: number;
  /** why the list may be old; empty if it is not */
  old: string;
};

export type FlyteItem = {
  key: string;
  content_type: string;
  description: string;
  bytes: number;
  /** when the key came into the datastore */
  since: string;
  changed_at: string;
  changed_by: string;
  /** of this version, for If-Match */
  etag: string;
};

export type FlyteTry = {
  /** id of a registered pack; or the name of any */
  pack: string;
  event: string;
  /** any JSON value */
  payload?: unknown;
};

export type FlyteTried = {
  pack: string;
  /** whether a pack with this id is registered */
  registered: boolean;
  event: string;
  /** those with a step that waits for this event, by name */
  flows: FlyteTriedFlow[];
  /** such flows that are left out */
  more: number;
  /** the flows of floe with a trigger for this event */
  starts: {
    flow: string;
    name: string;
    trigger: string;
    values: Record<string, unknown>;
    /** its `if`, not judged here */
    condition: string;
    /** why none starts; empty if one does */
    why: string;
  }[];
  /** if no flow waits for it: events that flows wait for */
  near: {
    pack: string;
    event: string;
  }[];
};

export type FlyteTriedFlow = {
  id: string;
  name: string;
  steps: FlyteTriedStep[];
  /** why it could not be judged; empty if it was */
  failed: string;
};

export type FlyteEvents = {
  events: {
    pack: string;
    event: string;
    /** what templates read of it; or null */
    payload: unknown;
  }[];
};

export type FlyteTriedStep = {
  /** its id; empty for none */
  step: string;
  /** its place in the flow */
  number: number;
  outcome: "fires" | "labels" | "criteria" | "waits" | "fault";
  /** why it does not fire; empty if it does */
  why: string;
  action?: FlyteTriedAction;
  fault?: FlyteFault;
};

export type FlyteTriedAction = {
  pack: string;
  labels: Record<string, string>;
  command: string;
  /** any JSON value */
  input: unknown;
  context: Record<string, string>;
  /** why no pack would take it now; empty if one would */
  waits: string;
};

export type FlyteFault = {
  /** of the template in the step: `command.input.message` */
  place: string;
  what: string;
  hint: string;
  /** the line of the template with the place, cut if long */
  template?: string;
  /** lines of the whole template */
  lines?: number;
  line?: number;
  /** in the whole line */
  column?: number;
  /** characters of the line before `template` */
  cut?: number;
};

export type FlyteSent = {
  /** whether its runs are known yet */
  judged: boolean;
  /** ids of the runs that it opened */
  runs: string[];
};

export type FlyteFindings = {
  flow: string;
  name: string;
  /** that cannot be read, whatever the event is */
  templates: {
    /** its id; empty for none */
    step: string;
    /** its place in the flow */
    number: number;
    /** of the template in the step: `command.input.message` */
    place: string;
    what: string;
    hint: string;
    /** the line of the template with the place, cut if long */
    template?: string;
    /** lines of the whole template */
    lines?: number;
    line?: number;
    /** in the whole line */
    column?: number;
    /** characters of the line before `template` */
    cut?: number;
  }[];
  /** allowed, and hardly meant */
  doubts: string[];
  judged: {
    host: string;
    count: number;
    newest: InboxFinding[];
  }[];
  /** hosts that did not reply */
  away: string[];
};

export type InboxFinding = {
  at: string;
  why: string;
  /** the event, the step and its template, where they are known */
  about?: {
    pack: string;
    event: string;
    step: string;
    /** of the template in the step: `command.input.message` */
    place: string;
    what: string;
    hint: string;
    /** the line of the template with the place, cut if long */
    template?: string;
    /** lines of the whole template */
    lines?: number;
    line?: number;
    /** in the whole line */
    column?: number;
    /** characters of the line before `template` */
    cut?: number;
  };
};

export type Problem = {
  type: string;
  title: string;
  status: number;
  detail: string;
  hint?: string;
  fields?: Record<string, string>;
  findings?: Finding[];
  id?: string;
  /** of a run that was removed: when */
  since?: string;
  /** of a run that was removed: the rule */
  why?: string;
};

export type Finding = {
  file: string;
  line: number;
  col: number;
  level: "error" | "warning";
  what: string;
  hint: string;
};

export type Summary = {
  id: string;
  key: string;
  flow: string;
  ver: number;
  state: "pending" | "active" | "archive";
  phase: "reading" | "pending" | "granted" | "active" | "resting" | "ending" | "ended" | "packed";
  good: boolean | null;
  result: "good" | "bad" | "cancelled" | "rejected" | "stalled" | null;
  why: string;
  title: string;
  host: string | null;
  adopted_by: string;
  epoch: number;
  seq: number;
  trigger: string;
  by: string;
  pended_at: string;
  started_at: string | null;
  ended_at: string | null;
  ran: number;
  skipped: number;
  parent: ParentRun | null;
  label: string;
  active_at: string | null;
  due: string | null;
};

export type Runs = {
  runs: Summary[];
  next: string;
  /** each other host and the time of its last message; null for never */
  as_of: Record<string, string | null>;
  /** those unseen for 10 s: the list may lag */
  stale: string[];
};

export type Trigger = {
  id: string;
  type: "data" | "timer" | "poll-git" | "push" | "pack-event";
  name: string;
  form: Form | null;
  period_s: number | null;
  cron: string;
  timezone: string;
  next_due: string | null;
  problem: string;
  /** the newest starts that its filters or its `if` passed over */
  passed_over: {
    at: string;
    why: string;
    values?: Record<string, string>;
  }[];
  git: Record<string, string>;
};

export type Flow = {
  id: string;
  ver: number;
  name: string;
  host_tags: string[];
  resource_tags: string[];
  reuse_space: boolean;
  flow_file: string;
  triggers: Trigger[];
  last: Summary | null;
  findings: Finding[];
  failing: {
    since: string;
    runs: number;
    more: boolean;
  } | null;
};

export type Flows = {
  flows: Flow[];
  findings: Finding[];
  flyte: FlyteShort;
};

export type FlowPage = {
  id: string;
  ver: number;
  name: string;
  host_tags: string[];
  resource_tags: string[];
  reuse_space: boolean;
  flow_file: string;
  triggers: Trigger[];
  last: Summary | null;
  findings: Finding[];
  failing: {
    since: string;
    runs: number;
    more: boolean;
  } | null;
  graph: Graph;
  env: string[];
  timeout_s: number | null;
  on_host_lost: "fail" | "restart";
  unheard_bad: "end" | "hold";
  max_runs: MaxRuns | null;
};

export type Definition = {
  works: {
    ref: string;
    work: Record<string, unknown>;
  }[];
  /** as in the file, from this line on; null if it cannot be shown */
  written: {
    file: string;
    line: number;
    text: string;
  } | null;
};

export type MaxRuns = {
  limit: number;
  per: string;
  when_full: "queue" | "skip" | "cancel-older";
};

export type Graph = {
  nodes: GraphNode[];
  edges: Edge[];
};

export type GraphNode = {
  id: string;
  ref: string;
  class: "trigger" | "task" | "merge";
  type: string;
  name: string;
  level: number;
  listen: string[];
  wait: string[];
  timeout_s?: number | null;
  retry_max?: number;
  /** in place of its type: what it calls, or who sends it */
  calls?: string;
  foreach?: boolean;
  loop_max?: number;
  repeat?: Repeat;
};

export type Repeat = {
  until: string;
  every_s: number;
  max: number;
};

export type Edge = {
  from: string;
  to: string;
  tag: string;
  /** in place of the last part of its tag */
  label?: string;
};

export type Run = {
  id: string;
  key: string;
  flow: string;
  ver: number;
  state: "pending" | "active" | "archive";
  phase: "reading" | "pending" | "granted" | "active" | "resting" | "ending" | "ended" | "packed";
  good: boolean | null;
  result: "good" | "bad" | "cancelled" | "rejected" | "stalled" | null;
  why: string;
  title: string;
  host: string | null;
  adopted_by: string;
  epoch: number;
  seq: number;
  trigger: string;
  by: string;
  pended_at: string;
  started_at: string | null;
  ended_at: string | null;
  ran: number;
  skipped: number;
  parent: ParentRun | null;
  label: string;
  active_at: string | null;
  due: string | null;
  values: Record<string, unknown>;
  /** of the run, once it has ended */
  outputs: Record<string, unknown>;
  /** the first values, shortened */
  about: ShownValue[];
  workspace: string;
  /** that began, of a run of a different language; null for floe's own */
  passes: number | null;
  /** the workspace of an earlier run that it took */
  moved_from: string;
  by_hand: boolean;
  /** the re-run that took its workspace */
  moved_to: string;
  rerun_of: string | null;
  children: ChildRun[];
  cancelled_by: string;
  /** the nodes that explain a failure */
  failed: string[];
  standing: string[];
  graph: Graph;
  nodes: Node[];
  forms: OpenForm[];
  callbacks: CallAddress[];
  pos: string;
  moment: Fact | null;
};

export type Node = {
  id: string;
  ref: string;
  class: "task" | "merge";
  type: string;
  name: string;
  state:
    | "waiting"
    | "queued"
    | "running"
    | "asking"
    | "retrying"
    | "judging"
    | "good"
    | "bad"
    | "error"
    | "stopped"
    | "skipped"
    | "never";
  visit?: number;
  tag?: string | null;
  good?: boolean | null;
  status?: number | null;
  why?: string;
  attempt?: number;
  entered_at?: string;
  queued_at?: string;
  started_at?: string | null;
  asked_at?: string | null;
  due?: string | null;
  ended_at?: string | null;
  by?: string;
  /** the key of the run in which it ran, in a re-run */
  taken_from?: string;
  /** the key of the child run of the attempt; empty for none */
  child?: string;
  /** its state as its dialect names it; empty in flows of floe */
  label?: string;
  output_bytes?: number;
  outputs?: Record<string, unknown>;
  /** of this visit, the newest 50; `attempt` is the number of the last */
  attempts?: Attempt[];
  visits?: Visit[];
  /** the labels of its items; absent without items */
  items?: string[];
  /** the items that have begun */
  item_states?: ItemState[];
};

export type ItemState = {
  item: number;
  state:
    | "waiting"
    | "queued"
    | "running"
    | "asking"
    | "retrying"
    | "judging"
    | "good"
    | "bad"
    | "error"
    | "stopped"
    | "skipped"
    | "never";
  attempt?: number;
  status?: number | null;
  why?: string;
  started_at?: string | null;
  due?: string | null;
  ended_at?: string | null;
  output_bytes?: number;
  /** the key of the run in which it ran, in a re-run */
  taken_from?: string;
  /** the key of the child run of the attempt; empty for none */
  child?: string;
  /** its state as its dialect names it; empty in flows of floe */
  label?: string;
  /** of several attempts: when the first started */
  begun_at?: string;
};

export type NodePage = {
  id: string;
  ref: string;
  class: "task" | "merge";
  type: string;
  name: string;
  state:
    | "waiting"
    | "queued"
    | "running"
    | "asking"
    | "retrying"
    | "judging"
    | "good"
    | "bad"
    | "error"
    | "stopped"
    | "skipped"
    | "never";
  inputs: Record<string, unknown>;
  inputs_from: Record<string, string>;
  work: Record<string, unknown>;
  visit?: number;
  tag?: string | null;
  good?: boolean | null;
  status?: number | null;
  why?: string;
  attempt?: number;
  entered_at?: string;
  queued_at?: string;
  started_at?: string | null;
  asked_at?: string | null;
  due?: string | null;
  ended_at?: string | null;
  by?: string;
  /** the key of the run in which it ran, in a re-run */
  taken_from?: string;
  /** the key of the child run of the attempt; empty for none */
  child?: string;
  /** its state as its dialect names it; empty in flows of floe */
  label?: string;
  output_bytes?: number;
  outputs?: Record<string, unknown>;
  /** of this visit, the newest 50; `attempt` is the number of the last */
  attempts?: Attempt[];
  visits?: Visit[];
  /** the labels of its items; absent without items */
  items?: string[];
  /** the items that have begun */
  item_states?: ItemState[];
  item?: number;
};

export type Visit = {
  state:
    | "waiting"
    | "queued"
    | "running"
    | "asking"
    | "retrying"
    | "judging"
    | "good"
    | "bad"
    | "error"
    | "stopped"
    | "skipped"
    | "never";
  visit: number;
  tag: string | null;
  good: boolean | null;
  status: number | null;
  why: string;
  attempt: number;
  entered_at: string;
  queued_at: string;
  started_at: string | null;
  asked_at: string | null;
  due: string | null;
  ended_at: string | null;
  by: string;
  /** the key of the run in which it ran, in a re-run */
  taken_from: string;
  /** the key of the child run of the attempt; empty for none */
  child: string;
  /** its state as its dialect names it; empty in flows of floe */
  label: string;
  output_bytes: number;
  outputs: Record<string, unknown>;
  /** of this visit, the newest 50; `attempt` is the number of the last */
  attempts: Attempt[];
};

export type Attempt = {
  attempt: number;
  result: "good" | "bad" | "error" | "stopped";
  status: number | null;
  why: string;
  started_at: string | null;
  ended_at: string;
  output_bytes: number;
  child: string;
};

export type ParentRun = {
  run: string;
  node: string;
  item: number | null;
  waits: boolean;
};

export type ChildRun = {
  run: string;
  node: string;
  item: number | null;
};

export type Place = {
  pos: number;
};

export type Events = {
  events: Event[];
  next: number | null;
};

export type Event = {
  seq: number;
  epoch: number;
  at: string;
  event: EventName;
  data: Record<string, unknown>;
  node?: string;
  tag?: string;
  by?: string;
};

export type EventName =
  | "RunPended"
  | "NodeTaken"
  | "FlowPinned"
  | "RunGranted"
  | "GrantReturned"
  | "GrantRevoked"
  | "GrantSuperseded"
  | "RunActivated"
  | "RunReturned"
  | "RunResumed"
  | "NodeEntered"
  | "ItemsTaken"
  | "ItemEntered"
  | "ItemSettled"
  | "NodeStarted"
  | "WorkReturned"
  | "ChildPended"
  | "ChildTimedOut"
  | "DataAsked"
  | "CallAnswered"
  | "RetryArmed"
  | "RetryDue"
  | "RepeatArmed"
  | "NodeSettled"
  | "NodeSkipped"
  | "NodeReset"
  | "CancelAsked"
  | "RunEnding"
  | "RunEnded"
  | "RunPacked"
  | "RunOpened"
  | "ActionEnded"
  | "NodeSet"
  | "UpdateReceived"
  | "PassBegan"
  | "RunRested"
  | "RunExtended"
  | "PauseAsked"
  | "RunNoted"
  | "RunResolved"
  | "RunRestarted"
  | "RunEdited";

export type Fact = {
  seq: number;
  epoch: number;
  at: string;
  event: EventName;
  node?: string;
  tag?: string;
  by?: string;
};

export type Lines = {
  attempt: number;
  count: number;
  bytes: number;
  live: boolean;
  from: number;
  lines: {
    text: string;
    bytes: number;
    style: string;
  }[];
};

export type Found = {
  attempt: number;
  count: number;
  bytes: number;
  live: boolean;
  found: number[];
  next: number | null;
};

export type Why = {
  run: string;
  state: "pending" | "active" | "archive";
  text: string;
  hosts: {
    host: string;
    reasons: string[];
  }[];
  waiting: {
    node: string;
    for: string[];
  }[];
  never: {
    node: string;
    tags: string[];
    why?: string;
  }[];
  skipped?: {
    node: string;
    why: string;
  }[];
};

export type Notices = {
  notices: Notice[];
};

export type Notice = {
  /** without the path of a URL, which is a secret */
  to: string;
  when: ("bad" | "recovered" | "good" | "cancelled")[];
  state: "owed" | "sent" | "failed";
  tries: number;
  at: string | null;
  due: string | null;
  why: string;
};

export type Cancel = {
  why?: string;
};

export type Ordered = {
  run: string;
  summary: Summary;
};

export type Payload = unknown;

export type Hooked = {
  run: string | null;
  /** why nothing starts, or what the run lacks */
  why?: string;
  /** where one delivery starts several */
  runs?: string[];
};

export type Hosts = {
  hosts: Host[];
};

export type Host = {
  id: string;
  store: string;
  self: boolean;
  keeper: boolean;
  tags: string[];
  version: string;
  started_at: string | null;
  seen_at: string | null;
  draining: boolean;
  slots: number;
  active: number;
  pending: number;
  load: number;
  cpus: number;
  /** how many may run at once by its config */
  commands: number;
  /** how many do, by the machine's limits */
  commands_at_once: number;
  /** which limit allows no more; empty for none */
  commands_why: string;
  running: number;
  waiting: number;
  /** judgements under way or waiting */
  judging: number;
  /** bytes, and when they were measured; null before that */
  disk: {
    at: string;
    workspaces: number;
    outputs: number;
    store: number;
  } | null;
  config: {
    path: string;
    digest: string;
    loaded_at: string | null;
    findings: Finding[];
  };
  url: string;
  /** how much its clock is ahead */
  clock_offset_ms: number;
  problems: string[];
  /** why runs are left, while it drains */
  staying: string[];
  /** differences of its config, maybe intended */
  notes: string[];
  offers: ("reload" | "drain" | "forget")[];
};

export type Drain = {
  on?: boolean;
};

export type Drained = {
  id: string;
  draining: boolean;
  active: number;
  /** runs that have not left the host */
  left: number;
  staying: {
    run: string;
    why: string;
  }[];
};

export type Forget = {
  store?: string;
  force?: boolean;
};

export type Forgot = {
  id: string;
  forgotten: string;
};

export type Prune = {
  /** show what would go, and remove nothing */
  dry_run?: boolean;
  flow?: string;
  /** replaces limits of the config; 0 for no limit */
  keep?: {
    runs?: number;
    days?: number;
    bytes?: number;
    workspaces?: "all" | "failed" | "none";
  };
};

export type Pruned = {
  id: string;
  runs: number;
  workspaces: number;
  bytes: number;
  /** sealed runs among them: their keys go first */
  sealed: number;
  /** the newest of them */
  some: {
    run: string;
    what: "run" | "workspace";
    why: string;
  }[];
  /** false: the host is still removing them */
  done: boolean;
};

export type Rerun = {
  /** a node; it and all nodes after it run again */
  from?: string;
  /** what failed runs again, and all nodes after it */
  failed?: boolean;
  /** they replace values of the earlier run */
  values?: Record<string, unknown>;
  /** by the present version of the flow */
  latest?: boolean;
  /** wait for the host with its workspace */
  same_host?: boolean;
  /** check the values, show the plan, start nothing */
  dry_run?: boolean;
};

export type RerunPlan = {
  run: string;
  flow: string;
  ver: number;
  /** nodes that run again */
  again: string[];
  /** nodes that never ran and may run */
  new: string[];
  /** nodes that are taken over */
  taken: string[];
  /** failed child runs that start again; the first of them */
  children: ChildPlan[];
  more_children: number;
  values: Record<string, unknown>;
  workspace: {
    host: string | null;
    why_empty: string;
  };
};

export type ChildPlan = {
  node: string;
  item: number | null;
  run: string;
  /** nodes that are taken over in it */
  taken: string[];
  /** why a new child starts instead; else empty */
  why_new: string;
  children: ChildPlan[];
};

export type ChildRerun = Record<string, unknown>;

export type Secrets = {
  host: string;
  secrets: Secret[];
  missing: MissingSecret[];
};

export type Secret = {
  name: string;
  source: "vault" | "environment" | "folder";
  /** of one in the vault */
  set_at: string | null;
  set_by: string;
  /** why it cannot be used; empty if it can */
  problem: string;
  /** ids of the flows of this host that name it */
  flows: string[];
};

export type MissingSecret = {
  name: string;
  /** that name it, as above */
  flows: string[];
};

export type RotatedKey = {
  host: string;
  /** id of the new key */
  key: string;
  /** how many are encrypted with it */
  secrets: number;
  /** how many sealed runs have their keys under it now */
  runs: number;
  /** older keys, which secrets that cannot be read still need */
  others: OtherKey[];
};

export type OtherKey = {
  key: string;
  secrets: string[];
};

export type SetSecret = {
  name: string;
  /** 6 characters to 32 KiB; no reply ever has it */
  value: string;
};

export type FlyteFlowName = {
  id: string;
  name: string;
};

export type FlyteShort = {
  flows: FlyteFlowName[];
  packs: number;
  items: number;
};

export type FlytePacks = {
  packs: FlytePack[];
  /** commands that flows call, and that no pack declares */
  missing: FlyteMissing[];
  /** events that flows wait for, and that no pack declares */
  unsent: FlyteUnsent[];
  backlog: FlyteBacklog[];
  away: string[];
};

export type FlytePack = {
  id: string;
  name: string;
  labels: Record<string, string>;
  status: "live" | "warning" | "critical";
  last_seen: string;
  registered_at: string;
  links: {
    href: string;
    rel: string;
  }[];
  commands: FlyteCommand[];
  events: {
    name: string;
    flows: FlyteFlowName[];
    more_flows: number;
  }[];
  new: number;
  new_since: string | null;
  taken: number;
  taken_since: string | null;
};

export type FlyteCommand = {
  name: string;
  events: string[];
  links: {
    href: string;
    rel: string;
  }[];
  flows: FlyteFlowName[];
  more_flows: number;
  new: number;
  new_since: string | null;
  taken: number;
  taken_since: string | null;
};

export type FlyteMissing = {
  pack: string;
  command: string;
  registered: boolean;
  flows: FlyteFlowName[];
  more_flows: number;
  new: number;
  new_since: string | null;
  taken: number;
  taken_since: string | null;
};

export type FlyteUnsent = {
  pack: string;
  event: string;
  registered: boolean;
  flows: FlyteFlowName[];
  more_flows: number;
};

export type FlyteBacklog = {
  host: string;
  pack: string;
  command: string;
  labels: Record<string, string>;
  /** the pack that has taken them; empty for new ones */
  by: string;
  number: number;
  since: string;
};

export type FlyteFlows = {
  flows: {
    id: string;
    name: string;
    description: string;
    version: string;
    at: string;
    by: string;
    /** of its steps */
    count: number;
    events: {
      pack: string;
      event: string;
    }[];
    last: Summary | null;
  }[];
};

export type FlyteFlowPage = {
  id: string;
  name: string;
  description: string;
  version: string;
  at: string;
  by: string;
  /** of its steps */
  count: number;
  events: {
    pack: string;
    event: string;
  }[];
  digest: string;
  graph: Graph;
  steps: FlyteStep[];
  /** those that are still stored, the newest first */
  versions: {
    version: string;
    at: string;
    by: string;
  }[];
};

export type FlyteStep = {
  node: string;
  id: string;
  event: FlytePart;
  /** a pack says that it sends this event */
  declared: boolean;
  depends_on: string[];
  /** of these: ids that no step has */
  unknown: string[];
  context: Record<string, string>;
  criteria: string;
  command: FlytePart;
  /** as JSON; empty for none */
  input: string;
  /** a live pack, silent ones, or what of it no pack has */
  served: "live" | "silent" | "command" | "labels" | "no-pack";
  may_be: {
    event: string;
    declared: boolean;
    steps: string[];
  }[];
};

export type FlytePart = {
  pack: string;
  name: string;
  labels: Record<string, string>;
};

export type Leases = {
  leases: {
    tag: string;
    kind: "resource" | "workspace";
    run: string;
    flow: string;
    host: string | null;
    fence: string;
    since: string | null;
    waiting: string[];
  }[];
  problem: string;
  /** the keeper, while it is away */
  away: string | null;
};

export type Free = {
  tag: string;
  run: string;
};

export type Freed = {
  tag: string;
};

export type Pends = {
  pends: {
    text: string;
    hosts: {
      host: string;
      reasons: string[];
    }[];
    count: number;
    runs: string[];
    /** of a host that is away: when it sent this */
    as_of?: string;
  }[];
  /** hosts that did not reply */
  away: string[];
};

export type Inboxes = {
  inboxes: {
    host: string;
    waiting: number;
    bytes: number;
    oldest_at: string | null;
    first: {
      at: string;
      bytes: number;
      what: string;
    }[];
    /** why they could not be judged at the last try; or empty */
    stuck: string;
    findings: {
      flow: string;
      name: string;
      count: number;
      newest: InboxFinding[];
    }[];
    /** of a host that is away: when it sent this */
    as_of?: string;
  }[];
  /** hosts that did not reply */
  away: string[];
};

export type Forms = {
  forms: {
    run: Summary;
    form: OpenForm;
    about: ShownValue[];
    /** of a host that is away: when it sent this */
    as_of?: string;
  }[];
  count: number;
  /** hosts that did not reply */
  away: string[];
};

export type Tokens = {
  tokens: Token[];
  /** why the list may be old, as the keeper is away; empty if it is not */
  old: string;
};

export type TokenChanges = {
  process: string;
  after: number;
  changes: Record<string, unknown>[];
};

export type Token = {
  id: string;
  name: string;
  made_at: string;
  /** the token it depends on; empty for none */
  made_by: string;
};

export type Nothing = Record<string, never>;

export type Reloaded = {
  flows: number;
  findings: Finding[];
};

export type Login = {
  token?: string;
  user?: string;
  password?: string;
  personal?: string;
};

export type LoggedIn = {
  token: string;
  user: string;
};

export type User = {
  user: string;
  /** as events of runs name them */
  by: string;
};

export type Health = {
  ok: boolean;
  why?: string;
};

export type OpenApi = Record<string, unknown>;

export type NodeChange = {
  id: string;
  ref: string;
  state:
    | "waiting"
    | "queued"
    | "running"
    | "asking"
    | "retrying"
    | "judging"
    | "good"
    | "bad"
    | "error"
    | "stopped"
    | "skipped"
    | "never";
  visit?: number;
  tag?: string | null;
  good?: boolean | null;
  status?: number | null;
  why?: string;
  attempt?: number;
  entered_at?: string;
  queued_at?: string;
  started_at?: string | null;
  asked_at?: string | null;
  due?: string | null;
  ended_at?: string | null;
  by?: string;
  /** the key of the run in which it ran, in a re-run */
  taken_from?: string;
  /** the key of the child run of the attempt; empty for none */
  child?: string;
  /** its state as its dialect names it; empty in flows of floe */
  label?: string;
  output_bytes?: number;
  outputs?: Record<string, unknown>;
  /** of this visit, the newest 50; `attempt` is the number of the last */
  attempts?: Attempt[];
  visits?: Visit[];
  /** the labels of its items; absent without items */
  items?: string[];
  /** the items that have begun */
  item_states?: ItemState[];
};

export type HelloFrame = {
  type: "hello";
  pos: string;
  host: string;
  version: string;
};

export type EventFrame = {
  type: "event";
  pos: string;
  run: string;
  seq: number;
  epoch: number;
  at: string;
  event: EventName;
  by?: string;
  tag?: string;
  node?: NodeChange;
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
  /** of the node; 1 if absent */
  visit?: number;
  /** absent for a node that runs once */
  item?: number;
};

export type HostFrame = {
  type: "host";
  id: string;
  state: "away" | "here";
  seen: string | null;
};

export type FlowsFrame = {
  type: "flows";
};

export type ResetFrame = {
  type: "reset";
  pos: string;
};

export type ErrorFrame = {
  type: "error";
  status: number;
  detail: string;
  hint: string;
};

export type Frame = HelloFrame | EventFrame | OutputFrame | HostFrame | FlowsFrame | ResetFrame | ErrorFrame;

export type Watch = {
  run: string;
  node: string;
  visit?: number;
  attempt?: number;
  offset?: number;
  item?: number;
};

export type FeedRequest = {
  watch?: Watch;
  unwatch?: {
    run: string;
    node: string;
    item?: number;
  };
  /** send events of this run only; null: of all */
  run?: string | null;
};
