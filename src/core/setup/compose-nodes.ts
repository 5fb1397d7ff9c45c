import type { Choices } from './choices.ts'
import { type Item, setting, settingOf, type Setting } from './draft.ts'
import { wakesByMagic } from './macs.ts'
import type { SeenNode } from './seen.ts'

/** The machines of the cluster, with what each told. */
export function nodesSetting(choices: Choices): Setting {
  const { cluster } = choices
  return {
    key: 'nodes',
    above: [
      "Every machine of the cluster. `mac` is for Wake-on-LAN after a power cut, `name` the node's in Kubernetes.",
    ],
    value: {
      kind: 'list',
      knownBy: { name: undefined },
      orBy: ['mac', 'address'],
      items: (cluster?.seen.nodes ?? []).map((node) => itemOf(node, choices)),
    },
  }
}

function itemOf(node: SeenNode, { schematics, feeds, upses, cluster }: Choices): Item {
  const { name, role, address, macs, machine } = node
  const own = schematics.findIndex(({ nodes }) => nodes.includes(name))
  const holds = (cluster?.seen.storage ?? []).length > 0 && role === 'worker'
  return {
    above: describeNode(node),
    settings: [
      setting('name', name),
      setting('role', role),
      setting('address', address),
      macSetting(node),
      holds
        ? setting('storage', true, {
            beside: `${cluster?.seen.storage.join(' and ')} runs: shut down after the other workers`,
          })
        : undefined,
      settingOf('schematic', own > 0 ? schematics[own]!.name : undefined),
      upses.length > 1 && feeds[name] !== undefined ? feedSetting(feeds[name]) : undefined,
      machine !== undefined && macs.length > 0 && wakesByMagic(machine.links, macs) === false
        ? setting(
            'wake',
            { powerOnAfter: '3m' },
            {
              isOff: true,
              beside: 'its card does not wake it by magic packets: enable that (EthernetConfig), or set powerOn',
            },
          )
        : undefined,
    ].filter((one) => one !== undefined),
  }
}

/** `{ any: [rack, shelf] }`. */
export function feedSetting(labels: readonly string[]): Setting {
  return setting('feed', { any: labels })
}

function macSetting({ macs, trouble }: SeenNode): Setting {
  if (macs.length === 1) return setting('mac', macs[0]!)
  if (macs.length > 1) return setting('mac', macs, { beside: 'a packet goes to each' })
  return setting('mac', '00:00:00:00:00:00', {
    isOff: true,
    beside: `${trouble === undefined ? 'it does not tell' : 'it did not answer'}: without one a person has to switch it on after a power cut`,
  })
}

function describeNode({ machine, trouble }: SeenNode): readonly string[] {
  if (machine === undefined) return [`It did not answer${trouble === undefined ? '' : `: ${trouble}`}`]
  const disks = machine.disks.map(
    ({ path, size, model, isSystem }) =>
      `${path}${size === '' ? '' : ` ${size}`}${model === undefined ? '' : ` ${model}`}${isSystem ? ' (Talos)' : ''}`,
  )
  return [[machine.version, machine.architecture, ...disks].filter((part) => part !== undefined).join(', ')]
}
