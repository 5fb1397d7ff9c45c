import type { Config } from '../../config/config.ts'
import type { Voice } from '../../core/notify/compose.ts'

/** The homelab's name and the zone of times, as they are now. */
export function voiceOf({ config }: { config(): Config }): Voice {
  const { cluster, upgrade } = config()
  return { homelab: cluster.name, timeZone: upgrade.shownZone }
}
