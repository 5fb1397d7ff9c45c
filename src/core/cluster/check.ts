/**
 * A user-defined condition that must hold before a node goes down, and again after it is back.
 *
 * `http`: answers with this status. `prometheus`: the query's result is not empty, and every value in it is not 0.
 * `object`: the CEL expression is true of every object that is named (at least one).
 */
export type Check = { readonly name: string } & (
  | { readonly http: { readonly url: string; readonly status: number } }
  | { readonly prometheus: { readonly url: string; readonly query: string } }
  | { readonly object: ObjectReference & { readonly cel: string } }
)

/** Kubernetes objects: one by name, or all that match a label selector. */
export interface ObjectReference {
  /** `apps/v1`, `v1`. */
  readonly apiVersion: string
  /** `Deployment`. */
  readonly kind: string
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  readonly selector?: string | undefined
}
