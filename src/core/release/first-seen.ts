import type { RecordKind } from '../records.ts'
import { instant, object, text } from '../shape.ts'

/** A release, and when it was first on the Factory's list for us. */
export interface FirstSeen {
  readonly version: string
  /** In ms since the epoch. */
  readonly firstSeen: number
}

/** The Image Factory opened in November 2023 (siderolabs/image-factory v0.1.0): nothing was seen there before, in ms. */
export const earliestRelease = Date.UTC(2023, 10, 1)

export const firstSeenKind: RecordKind<FirstSeen> = {
  name: 'release',
  parse: object<FirstSeen>({ version: text, firstSeen: instant }),
  keyOf: ({ version }) => version,
  // It decides how long a release has to wait, so it outlives a disk that fails.
  isOpen: () => true,
  retention: { most: 5_000 },
}
