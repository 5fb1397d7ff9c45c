import { messageOf } from '../../core/errors.ts'
import type { Transfer } from '../../core/netboot/boot-event.ts'
import { createDesk } from './desk.ts'
import { type HttpDoor, openHttp } from './http/door.ts'
import type { ChildMessage, LaterOrder, ListenFault, ServeOrder } from './messages.ts'
import { openTftp } from './tftp/door.ts'

/** In ms: how often pins that are over are forgotten, and how often is said what was counted. */
const sweepsEvery = 5_000
const countsEvery = 1_000
/** In ms: so long at most the last part of a file waits. No machine is kept from its boot by a daemon that hangs. */
const notedWithin = 2_000

export interface Serving extends AsyncDisposable {
  obey(order: LaterOrder): void
}

/** Serves files until it is disposed of. Says that it serves, or why it can't; then it is to be disposed of at once. */
export async function serve(order: ServeOrder, say: (message: ChildMessage) => void): Promise<Serving> {
  const { places, tftp, http, tls } = order
  let { images } = order
  await using stack = new AsyncDisposableStack()
  /** Whose last part waits. */
  const endings = new Map<Transfer['id'], () => void>()
  const desk = createDesk({
    ...order,
    now: () => performance.now(),
    tell: (event) => say({ type: 'event', event }),
    ending: (transfer) =>
      new Promise((resolve) => {
        const limit = setTimeout(() => endings.get(transfer.id)?.(), notedWithin)
        endings.set(transfer.id, () => {
          clearTimeout(limit)
          endings.delete(transfer.id)
          resolve()
        })
        say({ type: 'ending', transfer })
      }),
    failed: (error) => say({ type: 'failed', text: messageOf(error) }),
  })
  stack.defer(() => desk.library.close())
  const sweeping = setInterval(() => desk.library.sweep(), sweepsEvery).unref()
  stack.defer(() => clearInterval(sweeping))
  const counting = setInterval(() => {
    for (const unserved of desk.takeUnserved()) say({ type: 'refusals', ...unserved })
  }, countsEvery).unref()
  stack.defer(() => clearInterval(counting))
  let by: ListenFault['by'] = 'tftp'
  let door: HttpDoor | undefined
  try {
    if (tftp !== undefined)
      stack.use(
        await openTftp(
          places.map((place) => ({ ...place, port: tftp })),
          desk,
        ),
      )
    by = 'http'
    if (http !== undefined)
      door = stack.use(
        await openHttp(
          places.map(({ address }) => ({ address, port: http })),
          { images: () => images, tls },
          desk,
        ),
      )
  } catch (error) {
    const { code = '', address = '' } = error as { code?: string; address?: string }
    say({ type: 'refused', fault: { by, code, address, text: messageOf(error) } })
    return { obey: () => {}, [Symbol.asyncDispose]: async () => {} }
  }
  say({ type: 'serving' })
  const parts = stack.move()
  return {
    obey: (later) => {
      switch (later.type) {
        case 'images':
          images = later.images
          return
        case 'certificate':
          door?.renew(later.tls)
          return
        case 'noted':
          endings.get(later.id)?.()
          return
        default:
          later satisfies never
      }
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}
