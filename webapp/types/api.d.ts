// The wire as the dashboard reads it: HTTP answers and frames of the feed, under the names that pages use.
import type { Forms, Leases, Node, Pends, Runs } from "./schemas";

export type {
  Acts,
  Attempt,
  Definition,
  Edge as GraphEdge,
  Event as RunEvent,
  EventFrame,
  Fact,
  FeedRequest,
  Field,
  Finding,
  Flow,
  FlowPage as FlowDetail,
  Form,
  Frame,
  Graph,
  GraphNode,
  Host,
  Leases,
  Lines,
  Node as RunNode,
  NodePage as NodeDetail,
  OpenForm,
  OutputFrame,
  RerunPlan,
  Run as Detail,
  ShownValue,
  Summary,
  Token,
  Trigger,
  Watch,
  Why,
} from "./schemas";
export type NodeState = Node["state"];
export type AskedForm = Forms["forms"][number];
export type PendGroup = Pends["pends"][number];
export type Lease = Leases["leases"][number];
export type AsOf = Runs["as_of"];
