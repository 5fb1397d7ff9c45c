import { z } from 'zod'
import type { OpenChannel } from '../channel.ts'
import { config as apprise } from './apprise/config.ts'
import { config as discord } from './discord/config.ts'
import { config as email } from './email/config.ts'
import { config as gotify } from './gotify/config.ts'
import { config as heartbeat } from './heartbeat/config.ts'
import { config as matrix } from './matrix/config.ts'
import { config as ntfy } from './ntfy/config.ts'
import { config as pushover } from './pushover/config.ts'
import { config as slack } from './slack/config.ts'
import { config as telegram } from './telegram/config.ts'
import { config as webhook } from './webhook/config.ts'

/** Every kind of channel: one folder each. What does the work is loaded when a channel of the kind is configured. */
const loaders = {
  apprise: () => import('./apprise/channel.ts'),
  discord: () => import('./discord/channel.ts'),
  email: () => import('./email/channel.ts'),
  gotify: () => import('./gotify/channel.ts'),
  heartbeat: () => import('./heartbeat/channel.ts'),
  matrix: () => import('./matrix/channel.ts'),
  ntfy: () => import('./ntfy/channel.ts'),
  pushover: () => import('./pushover/channel.ts'),
  slack: () => import('./slack/channel.ts'),
  telegram: () => import('./telegram/channel.ts'),
  webhook: () => import('./webhook/channel.ts'),
}

/** A channel in the configuration; `type` says of which kind. */
export const channelConfig = z.discriminatedUnion('type', [
  apprise,
  discord,
  email,
  gotify,
  heartbeat,
  matrix,
  ntfy,
  pushover,
  slack,
  telegram,
  webhook,
])
export type ChannelConfig = z.output<typeof channelConfig>

/** Loads what opens a channel of this kind. */
export async function loadKind<Config extends ChannelConfig>({ type }: Config): Promise<OpenChannel<Config>> {
  const { open } = await loaders[type]()
  return open as OpenChannel<Config>
}
