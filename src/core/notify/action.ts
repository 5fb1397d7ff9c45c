/**
 * What a button does. Each names what it was offered for, so that an old button does nothing to what came later: an outage
 * by when it started, a release by its version.
 */
export type Action =
  /** Cancels the shutdown, or the one that is to come, of the outage that started then (ISO 8601). */
  | { readonly do: 'cancel'; readonly subject: string }
  /** Wakes everything without waiting for the battery, after the outage that started then. */
  | { readonly do: 'wake'; readonly subject: string }
  | { readonly do: 'approve'; readonly subject: string }
  /** Pauses rollouts; the subject is the release. */
  | { readonly do: 'pause'; readonly subject: string }

export type ActionName = Action['do']

export const actionNames: readonly ActionName[] = ['cancel', 'wake', 'approve', 'pause']
