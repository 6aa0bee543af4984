// The wire as the dashboard reads it: HTTP answers under the names that pages use, and feed frames.
import type { Forms, Leases, Node, Pends, Runs, Summary } from "./schemas";

export type {
  Attempt,
  Edge as GraphEdge,
  Event as RunEvent,
  Fact,
  Field,
  Finding,
  Flow,
  FlowPage as FlowDetail,
  Form,
  Graph,
  GraphNode,
  Host,
  Node as RunNode,
  NodePage as NodeDetail,
  OpenForm,
  Run as Detail,
  Summary,
  Token,
  Trigger,
  Why,
} from "./schemas";
export type NodeState = Node["state"];
export type AskedForm = Forms["forms"][number];
export type PendGroup = Pends["pends"][number];
export type Lease = Leases["leases"][number];
export type AsOf = Runs["as_of"];

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
  node?: Node;
  summary?: Summary;
};
export type OutputFrame = {
  type: "output";
  run: string;
  node: string;
  /** Of the node; 1 if absent. */
  visit?: number;
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
