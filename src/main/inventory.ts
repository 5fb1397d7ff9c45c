import { withInventory } from '../config/inventory.ts'
import type { Config } from '../config/config.ts'
import type { Alerts } from '../core/alert.ts'
import type { Journal } from '../core/journal.ts'
import { createInventory, type Inventory } from '../operations/provision/inventory.ts'
import { createWaitingRoom, type WaitingRoom } from '../operations/provision/waiting-room.ts'
import type { ServiceContext } from '../operations/service.ts'
import { createLiveSettings, type LiveSettings, type LiveSettingsOptions } from './live-settings.ts'

/** What is known of machines on their way into the cluster, besides what the desk decides. */
export interface Newcomers {
  readonly room: WaitingRoom
  readonly inventory: Inventory
  readonly notice: ServiceContext['notice']['machines']
}

/** Settings that follow their file, and the machines that join. */
export function followInventory(
  options: LiveSettingsOptions & { readonly journal: Journal; readonly alerts: Alerts },
): { readonly settings: LiveSettings; readonly newcomers: Newcomers } {
  const { journal, alerts } = options
  const now = () => new Date()
  const written = createLiveSettings(options)
  const inventory = createInventory({ journal, alerts, written: () => written.config.nodes, now })
  const room = createWaitingRoom(now)
  const notice = { line: room.line, seen: room.seen, joined: inventory.joined }
  return { settings: settingsWithInventory(written, inventory), newcomers: { room, inventory, notice } }
}

/** Settings whose nodes are those of the file and those that have joined. The same until one of the two changes. */
export function settingsWithInventory(
  settings: LiveSettings,
  inventory: Pick<Inventory, 'nodes' | 'revision'>,
): LiveSettings {
  let made: { readonly of: Config; readonly revision: number; readonly config: Config } | undefined
  return {
    ...settings,
    get text() {
      return settings.text
    },
    get config() {
      const { config: of } = settings
      const { revision } = inventory
      if (made?.of !== of || made.revision !== revision)
        made = { of, revision, config: withInventory(of, inventory.nodes()) }
      return made.config
    },
    get fault() {
      return settings.fault
    },
    get pending() {
      return settings.pending
    },
  }
}
