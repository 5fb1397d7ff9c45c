/**
 * A condition of the user's own that must hold before a node is taken away, and hold again after it came back.
 *
 * `http`: answers with this status. `prometheus`: the query's result is not empty, and every value in it is not 0.
 * `object`: the CEL expression is true of every object that is named (at least one).
 */
export type Check = { readonly name: string } & (
  | { readonly http: { readonly url: string; readonly status: number } }
  | { readonly prometheus: { readonly url: string; readonly query: string } }
  | { readonly object: ObjectReference & { readonly cel: string } }
)

/** Kubernetes objects: one by its name, or all that a label selector chooses. */
export interface ObjectReference {
  /** `apps/v1`, `v1`. */
  readonly apiVersion: string
  /** `Deployment`. */
  readonly kind: string
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  readonly selector?: string | undefined
}
