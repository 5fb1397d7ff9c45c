import type { Config } from '../../config/config.ts'
import { messageOf } from '../../core/errors.ts'
import { createNews } from '../../core/news.ts'
import type { Event } from '../../core/event.ts'
import type { Logger } from '../../core/log.ts'
import { hasReleaseInName, imagesOf } from '../../core/release/image.ts'
import type { Share } from '../../core/release/ports.ts'
import type { PublishedName } from '../../core/release/published.ts'

/** The names that machines boot now, as they were read last: an image with the release in its name has another tomorrow. */
export interface PresentNames extends Disposable {
  readonly all: readonly PublishedName[]
}

/** In ms. */
const readEvery = 60_000

export interface PresentNamesMeans {
  readonly ports: { readonly share: Pick<Share, 'names'> }
  readonly log: Pick<Logger, 'warn'>
  config(): Config
  onEvent(listener: (event: Event) => void): void
}

/**
 * Reads them now, now and then, and when an image was staged. Nobody waits for a share. Where no image has the release in
 * its name, nothing is read.
 *
 * @param changed called when another name is the present one
 */
export function watchPresentNames(
  { ports, log, config, onEvent }: PresentNamesMeans,
  changed: () => void = () => {},
): PresentNames {
  let all: readonly PublishedName[] = []
  const news = createNews()
  let isReading = false
  let isOver = false

  async function read(): Promise<void> {
    if (isReading || isOver || !imagesOf(config()).some(hasReleaseInName)) return
    isReading = true
    try {
      const before = all
      all = await ports.share.names()
      news.isNew(undefined)
      if (!isOver && keyOf(before) !== keyOf(all)) changed()
    } catch (error) {
      const reason = messageOf(error)
      if (news.isNew(reason)) log.warn({ reason }, 'the names on the share could not be read')
    } finally {
      isReading = false
    }
  }

  void read()
  const timer = setInterval(() => void read(), readEvery).unref()
  onEvent(({ type }) => {
    if (type === 'image.staged') void read()
  })
  return {
    get all() {
      return all
    },
    [Symbol.dispose]: () => {
      isOver = true
      clearInterval(timer)
    },
  }
}

function keyOf(names: readonly PublishedName[]): string {
  return names.map(({ file, publishedAt }) => `${file} ${publishedAt}`).join('\n')
}
