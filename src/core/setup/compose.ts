import { agreeing, listed } from '../count.ts'
import type { Choices, UpgradeTimes } from './choices.ts'
import { imagesSetting } from './compose-images.ts'
import { nodesSetting } from './compose-nodes.ts'
import { hostsSetting, powerSetting, upsesSetting } from './compose-power.ts'
import { type Draft, group, setting, settingOf, type Setting } from './draft.ts'
import { usualFactory } from './usual.ts'

const usualState = '/var/lib/caretaker'

/** The configuration that follows from what was seen and chosen, with the reason of each choice. */
export function composeDraft(choices: Choices): Draft {
  const { schematics, upses } = choices
  const [main] = schematics
  return {
    heading: [
      'yaml-language-server: $schema=./caretaker.schema.json',
      '',
      "Caretaker's configuration, drawn up by `caretaker init` from what it found. Paths are relative to this file.",
      'Check it with `caretaker config check --online` after a change; every setting is in caretaker.schema.json.',
    ],
    settings: [
      clusterSetting(choices),
      ...(choices.cluster ? [nodesSetting(choices)] : []),
      setting('schematic', main?.name ?? 'homelab', {
        above: [
          'What goes into the images beside Talos itself: a file in schematics/, without .yaml.' +
            (main?.id === undefined ? '' : ` ${listed(main.nodes)} ${agreeing(main.nodes, 'runs', 'run')} it.`),
        ],
      }),
      ...(choices.factory === undefined || choices.factory === usualFactory
        ? []
        : [{ key: 'factory', value: group(setting('url', choices.factory)) }]),
      shareSetting(choices),
      ...[imagesSetting(choices)].filter((one) => one !== undefined),
      upgradeSetting(choices),
      ...(upses.length === 0 ? [] : [upsesSetting(choices), powerSetting(choices)]),
      hostsSetting(choices),
      stateSetting(choices),
    ],
  }
}

function clusterSetting({ clusterName, cluster }: Choices): Setting {
  const name = setting('name', clusterName)
  if (!cluster)
    return {
      key: 'cluster',
      above: [
        'There is no cluster yet: Caretaker stages images for netboot, and guards the power of the hosts. When there is one,',
        '`caretaker init --talosconfig FILE` adds its nodes here.',
      ],
      value: group(name, setting('talosconfig', 'talosconfig', { isOff: true })),
    }
  const { talosconfig, context, kubeconfig } = cluster
  return {
    key: 'cluster',
    value: group(
      name,
      setting('talosconfig', talosconfig, { beside: 'renewed by Caretaker before its certificate expires' }),
      settingOf('context', context),
      kubeconfig === undefined
        ? setting('kubeconfig', 'kubeconfig', {
            isOff: true,
            beside: 'not needed: Caretaker requests one through Talos, and renews it',
          })
        : setting('kubeconfig', kubeconfig),
    ),
  }
}

function shareSetting({ share: { directory, server, prefix }, cluster }: Choices): Setting {
  const architectures = cluster?.seen.nodes.flatMap(({ machine }) => machine?.architecture ?? []) ?? []
  const isArm = architectures.length > 0 && architectures.every((one) => one === 'arm64')
  const isServed = server !== undefined && prefix === ''
  const asSubfolder = `${server ?? ''} serves this folder as ${prefix}: machines boot ${prefix}metal-${isArm ? 'arm64' : 'amd64'}-uki.efi`
  return {
    key: 'share',
    above: [
      'The directory that machines boot from over TFTP.',
      ...(server !== undefined && !isServed ? [asSubfolder] : []),
    ],
    value: group(
      setting('directory', directory),
      isServed
        ? setting('server', server, { beside: 'what is written to the directory was read back from it over TFTP' })
        : setting('server', '192.168.0.6', {
            isOff: true,
            beside: 'no TFTP server was found that serves it: name it, and `caretaker doctor` reads back from it',
          }),
      isArm ? setting('architecture', 'arm64') : undefined,
      isArm ? setting('image', 'metal-arm64-uki.efi') : undefined,
    ),
  }
}

const windows: Readonly<Record<UpgradeTimes, readonly Setting[]>> = {
  weekends: [setting('windows', [{ days: ['sat', 'sun'], from: '02:00', to: '06:00' }], { beside: 'none: always' })],
  nights: [setting('windows', [{ from: '02:00', to: '06:00' }], { beside: 'none: always' })],
  always: [setting('windows', [], { beside: 'none: always' })],
  never: [setting('enabled', false, { beside: 'images are staged, and no node is touched' })],
}

function upgradeSetting({ upgrades, timeZone }: Choices): Setting {
  return {
    key: 'upgrade',
    value: group(
      ...windows[upgrades],
      setting('timeZone', timeZone),
      setting('soak', '7d', { isOff: true, beside: 'minimum age of a release, from when Caretaker first saw it' }),
      setting('approval', 'minor', {
        isOff: true,
        beside: 'a new minor version waits for `caretaker approve`; always: every release does',
      }),
    ),
  }
}

function stateSetting({ state }: Choices): Setting {
  return setting('state', state, {
    above: ['Journal, queue and etcd snapshots: a local disk, and for nobody else to read.'],
    ...(state === usualState ? { beside: 'the default' } : {}),
  })
}
