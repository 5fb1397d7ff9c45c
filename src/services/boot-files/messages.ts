import type { Transfer, TransferEvent } from '../../core/netboot/boot-event.ts'
import type { Material } from '../../http/certificate.ts'
import type { BootImage } from './http/images.ts'
import type { BootLimits } from './limits.ts'
import type { Unserved } from './tally.ts'

/** What the daemon tells the process that serves files, once. */
export interface ServeOrder {
  /** The directory that is served. */
  readonly root: string
  readonly places: readonly { readonly address: string; readonly family: 'IPv4' | 'IPv6' }[]
  /** Ports; undefined where it is not served so. */
  readonly tftp: number | undefined
  readonly http: number | undefined
  readonly tls: Material | undefined
  readonly images: readonly BootImage[]
  readonly limits: BootLimits
}

/** Names of images have changed. */
export interface ImagesOrder {
  readonly type: 'images'
  readonly images: readonly BootImage[]
}

/** What it serves HTTPS with from now on. */
export interface CertificateOrder {
  readonly type: 'certificate'
  readonly tls: Material
}

/** It is on the disk that the last part of this transfer may arrive. */
export interface NotedOrder {
  readonly type: 'noted'
  readonly id: Transfer['id']
}

/** What the daemon tells it later. */
export type LaterOrder = ImagesOrder | CertificateOrder | NotedOrder

/** Why it can't listen. */
export interface ListenFault {
  readonly by: 'tftp' | 'http'
  /** Of the system: `EADDRINUSE`. */
  readonly code: string
  readonly address: string
  readonly text: string
}

/** What that process says. */
export type ChildMessage =
  | { readonly type: 'serving' }
  | { readonly type: 'refused'; readonly fault: ListenFault }
  | { readonly type: 'event'; readonly event: TransferEvent }
  /** The last part of a file waits until this is noted: a machine may start once it has that. */
  | { readonly type: 'ending'; readonly transfer: Transfer }
  /** Since this was said last. Of a flood by far not each is an event. */
  | ({ readonly type: 'refusals' } & Unserved)
  | { readonly type: 'failed'; readonly text: string }
