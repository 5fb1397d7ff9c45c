/**
 * What holds an upgrade, as one word: for figures and pictures, and never for a decision. The sentence beside it says which
 * node, which volume, and until when.
 */
export const gates = [
  // A person, or the configuration.
  'paused',
  'aborted',
  'approval',
  'window',
  'blackout',
  // The release.
  'release',
  'staging',
  'losses',
  'canary',
  // What must be well before anything is taken down.
  'clock',
  'power',
  'outage',
  'node',
  'storage',
  'checks',
  'components',
  // One node alone is set aside.
  'postponed',
] as const

export type Gate = (typeof gates)[number]
