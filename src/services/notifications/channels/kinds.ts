import { z } from 'zod'
import type { OpenChannel } from '../channel.ts'
import { config as gotify } from './gotify/config.ts'
import { config as ntfy } from './ntfy/config.ts'
import { config as pushover } from './pushover/config.ts'
import { config as telegram } from './telegram/config.ts'

/** Every kind of channel: one folder each. What does the work is loaded when a channel of the kind is configured. */
const loaders = {
  gotify: () => import('./gotify/channel.ts'),
  ntfy: () => import('./ntfy/channel.ts'),
  pushover: () => import('./pushover/channel.ts'),
  telegram: () => import('./telegram/channel.ts'),
}

/** A channel in the configuration; `type` says of which kind. */
export const channelConfig = z.discriminatedUnion('type', [gotify, ntfy, pushover, telegram])
export type ChannelConfig = z.output<typeof channelConfig>

/** Loads what opens a channel of this kind. */
export async function loadKind<Config extends ChannelConfig>({ type }: Config): Promise<OpenChannel<Config>> {
  const { open } = await loaders[type]()
  return open as OpenChannel<Config>
}
