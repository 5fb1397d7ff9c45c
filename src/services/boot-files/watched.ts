import type { AbortReason, RefusalReason, Transfer, TransferEvent } from '../../core/netboot/boot-event.ts'

/** In ms: how often at most a transfer says how far it is. */
const saysEvery = 1_000

/** What is told of one transfer, each event in its turn and the last one once. */
export interface Watched {
  probed(bytes: number): void
  /** `from`: where the part begins that was asked for. */
  started(
    bytes: number,
    version: string,
    options: { blockSize: number; windowSize: number } | undefined,
    from?: number,
  ): void
  progressed(arrived: number): void
  /** To be waited for before the last part of the file leaves. */
  ending(): Promise<void>
  done(bytes: number, resent: number): void
  aborted(arrived: number, reason: AbortReason, text: string): void
  refused(reason: RefusalReason): void
}

export interface Watching {
  tell(event: TransferEvent): void
  ending(transfer: Transfer): Promise<void>
  now(): number
}

export function watch(transfer: Transfer, { tell, ending, now }: Watching): Watched {
  const began = now()
  let saidAt = began
  let said = 0
  /** Of a transfer that does not begin at the file's beginning. */
  let part: { readonly from?: number } = {}
  const at = () => new Date().toISOString()
  return {
    probed: (bytes) => tell({ type: 'boot.probed', at: at(), transfer, bytes }),
    started: (bytes, version, options, from = 0) => {
      part = from > 0 ? { from } : {}
      tell({ type: 'boot.started', at: at(), transfer, bytes, version, options, ...part })
    },
    progressed: (arrived) => {
      if (now() - saidAt < saysEvery || arrived === said) return
      saidAt = now()
      said = arrived
      tell({ type: 'boot.progressed', at: at(), transfer, arrived, ...part })
    },
    ending: () => ending(transfer),
    done: (bytes, resent) =>
      tell({ type: 'boot.done', at: at(), transfer, bytes, took: Math.round(now() - began), resent, ...part }),
    aborted: (arrived, reason, text) =>
      tell({ type: 'boot.aborted', at: at(), transfer, arrived, reason, text, ...part }),
    refused: (reason) => tell({ type: 'boot.refused', at: at(), transfer, reason }),
  }
}
