import { capitalized } from '../capitalized.ts'
import type { Choices } from './choices.ts'
import { feedSetting } from './compose-nodes.ts'
import { group, inline, type Item, setting, settingOf, type Setting } from './draft.ts'
import { describeUps, describeSilence, isBlind, type LabelledUps } from './upses.ts'
import { usualUpsdPort } from './usual.ts'

/** The UPSes, with what each told. */
export function upsesSetting({ upses, upsUser }: Choices): Setting {
  return {
    key: 'upses',
    above: [
      'The UPSes that upsd serves. With a user, Caretaker logs in as a secondary: the primary waits for it before it shuts',
      'itself down.',
    ],
    value: {
      kind: 'list',
      knownBy: { host: undefined, name: 'ups', port: usualUpsdPort },
      items: upses.map((one) => itemOf(one, upsUser)),
    },
  }
}

function itemOf({ ups, label, isNamed }: LabelledUps, upsUser: Choices['upsUser']): Item {
  const { name, host, port, loginRefused, isUserTried } = ups
  const isOff = loginRefused !== undefined
  const off = isOff ? ({ isOff } as const) : {}
  const silence = describeSilence(ups)
  return {
    above: [describeUps(ups), ...(silence === undefined ? [] : [`${capitalized(silence)}.`])],
    settings: [
      setting('name', name),
      setting('host', host),
      settingOf('port', port === usualUpsdPort ? undefined : port),
      settingOf('label', isNamed ? label : undefined),
      ...(upsUser && isUserTried
        ? [
            setting('user', upsUser.user, { ...off, ...(isOff ? { beside: `refused: ${loginRefused}` } : {}) }),
            setting('password', { ...upsUser.password }, off),
          ]
        : []),
    ].filter((one) => one !== undefined),
  }
}

/** When a shutdown starts: only what follows from these UPSes; the rest are defaults. */
export function powerSetting(choices: Choices): Setting {
  const { upses, feeds } = choices
  const seen = upses.map(({ ups }) => ups)
  const limit = isBlind(seen)
    ? setting('maxOnBattery', '5m', {
        beside:
          'time is what is left to go by, because a UPS tells neither its charge nor its runtime: less than it lasts',
      })
    : setting('maxOnBattery', '15m', { beside: 'shut down after this long on battery, whatever its charge' })
  const labels = upses.map(({ label }) => label)
  const isSaid = (choices.cluster?.seen.nodes ?? []).every(({ name }) => feeds[name] !== undefined)
  return {
    key: 'power',
    value: group(
      limit,
      setting('minimumCharge', 30, {
        isOff: true,
        beside: "%: shut down below it; default: the UPS's own mark (battery.charge.low), or else 20; 0: never",
      }),
      setting('minimumRuntime', '285s', { isOff: true, beside: 'the default is what the shutdown itself takes' }),
      upses.length > 1 && !isSaid
        ? {
            key: 'feed',
            value: inline({ all: labels }),
            beside:
              'for machines without a feed of their own: any UPS that fails shuts them down. See which one each hangs on',
          }
        : upses.length > 1
          ? { ...feedSetting(labels), beside: 'for machines without a feed of their own' }
          : undefined,
    ),
  }
}

/** What only a person can give: the machines that are no nodes, and the key to each. */
export function hostsSetting({ upses, share }: Choices): Setting {
  const address = upses[0]?.ups.host ?? share.server?.replace(/:\d+$/, '') ?? '192.168.0.6'
  const shutdown = {
    ssh: { user: 'caretaker', key: 'nas-key', knownHosts: 'known_hosts', command: 'sudo shutdown -h now' },
  }
  return {
    key: 'hosts',
    isOff: true,
    above: [
      'Machines on a UPS that are not nodes, the one that Caretaker runs on among them. They shut down after the nodes, the',
      'NAS last of all. Run `ssh-keyscan ADDRESS > known_hosts` for the NAS, and compare its keys.',
    ],
    value: {
      kind: 'list',
      knownBy: { name: undefined },
      items: [
        {
          settings: [
            setting('name', 'nas'),
            setting('nas', true),
            setting('address', address),
            setting('mac', '00:00:00:00:00:00'),
            setting('shutdown', shutdown),
          ],
        },
      ],
    },
  }
}
