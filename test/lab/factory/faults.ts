/** What can go wrong, changeable at any time; nothing does unless set. */
export interface LabFactoryFaults {
  /** How long the first request of an asset waits for its first byte. Others join it; a client that leaves does not stop it. */
  buildMs: number
  /** GET of an image answers 302, to a storage server on a port of its own with ETag, ranges and If-Range; HEAD never. */
  redirect: boolean
  /** The storage server refuses the next download as expired, once; a new redirect then works. */
  presignedExpired: boolean
  /** The next image body longer than this ends here, once, with the connection. */
  cutAfterBytes: number | undefined
  /** Bodies of images stop half way, though the whole length was announced. */
  shortBody: boolean
  /** Answers for the next requests, of any route or of those whose path starts with `path`; used up one by one. */
  failNext: { status: number; body: string; path?: string }[]
  /** UKIs hold this release, whichever was asked for. */
  wrongVersion: string | undefined
  /** UKIs are for the other processor. */
  wrongArch: boolean
  /** UKIs name another schematic in their initrd. */
  wrongSchematic: boolean
  /** UKIs are built without this extension, `siderolabs/i915`, though their schematic names it. */
  leftOutExtension: string | undefined
  /** Images are answered by a page of HTML with status 200, as a captive portal does. */
  html: boolean
  /** Every image was evicted and built again: other bytes at the same address, another ETag. */
  rebuilt: boolean
  /** It is of the Enterprise edition: it offers checksums and Sigstore bundles, in good order or not. */
  checksums: 'right' | 'wrong' | 'html' | undefined
  /** `/versions` says `null`. */
  versionsNull: boolean
  /** It is older than v1.3.3: `?broken=true` is answered as if it were not there. */
  ignoresBroken: boolean
  /** `/version/:v/extensions/official` leaves these out, by release (`v1.13.9`). */
  missingExtensions: Record<string, string[]>
  /** Speed of image bodies. */
  bytesPerSecond: number | undefined
  /** Of an image this much is sent at once, and the rest byte by byte, until this is undefined again. */
  trickleAfterBytes: number | undefined
}

/** A Factory in good health. */
export function noFaults(): LabFactoryFaults {
  return {
    buildMs: 0,
    redirect: false,
    presignedExpired: false,
    cutAfterBytes: undefined,
    shortBody: false,
    failNext: [],
    wrongVersion: undefined,
    wrongArch: false,
    wrongSchematic: false,
    leftOutExtension: undefined,
    html: false,
    rebuilt: false,
    checksums: undefined,
    versionsNull: false,
    ignoresBroken: false,
    missingExtensions: {},
    bytesPerSecond: undefined,
    trickleAfterBytes: undefined,
  }
}
