import { withInventory } from '../config/inventory.ts'
import type { Config } from '../config/config.ts'
import type { Inventory } from '../operations/provision/inventory.ts'
import type { LiveSettings } from './live-settings.ts'

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
