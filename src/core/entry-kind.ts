/** What an entry of the journal is about. */
export const entryKinds = ['event', 'step', 'run', 'power', 'alert'] as const
export type EntryKind = (typeof entryKinds)[number]
