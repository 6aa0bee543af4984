// The part of dagre that the dashboard uses; its own types need a second package.
type Point = { x: number; y: number };

export class Graph {
  constructor(options?: { multigraph?: boolean });
  setGraph(label: Record<string, string | number>): this;
  setDefaultEdgeLabel(label: () => object): this;
  setNode(id: string, label: { width: number; height: number }): this;
  setEdge(from: string, to: string, label: object, name?: string): this;
  graph(): { width?: number; height?: number };
  node(id: string): Point;
  edge(from: string, to: string, name?: string): { points: Point[] };
}
export function layout(graph: Graph): void;
