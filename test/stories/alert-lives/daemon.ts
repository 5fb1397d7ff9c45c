import { setTimeout as sleep } from 'node:timers/promises'
import { createSupervisor } from '../../../src/engine/supervisor.ts'
import { createClock } from '../../../src/operations/clock.ts'
import { reportChecks } from '../../../src/operations/doctor/alerts.ts'
import { silentLog } from '../../fakes/log.ts'
import type { Condition } from './life.ts'

const hour = 3_600_000
const start = Date.parse('2026-11-26T12:00:00Z')

/** A condition of the clock of this machine: what servers say of the time, in ms ahead of it. */
function clock(ahead: Readonly<Record<string, number>>): () => Condition {
  return () => {
    let isSo = false
    let looks = 0
    return {
      begin: () => void (isSo = true),
      end: () => void (isSo = false),
      start: ({ journal, alerts }) => {
        const began = ++looks
        const floors = [{ what: 'this release of Caretaker', at: start - hour }]
        const read = () => start + looks * 60_000
        const one = createClock({ journal, alerts, now: () => new Date(read()), monotonic: read, floors })
        one.look()
        return {
          look: () => {
            looks += 1
            // A daemon that has just started has heard of nobody yet.
            const isFirst = began > 1 && looks === began + 1
            if (!isSo || !isFirst)
              for (const [who, by] of Object.entries(ahead)) one.hear(who, read() + (isSo ? by : 0))
            one.look()
          },
        }
      },
    }
  }
}

function failedCheck(): Condition {
  let isSo = false
  const check = { id: 'host.shutdown:nas', subject: 'nas', reason: 'nobody answers', needed: true } as const
  return {
    name: check.id,
    begin: () => void (isSo = true),
    end: () => void (isSo = false),
    start: ({ alerts }) => ({
      look: () =>
        reportChecks(alerts, { checks: [{ ...check, verdict: isSo ? 'failed' : 'ok' }] } as never, { opens: true }),
    }),
  }
}

function brokenService(): Condition {
  let isSo = false
  return {
    name: 'toy',
    begin: () => void (isSo = true),
    end: () => void (isSo = false),
    start: ({ alerts }) => {
      const supervisor = createSupervisor({
        services: [{ name: 'toy', starts: undefined }] as never,
        start: async () => {
          if (isSo) throw new Error('no')
          return { [Symbol.asyncDispose]: async () => {} }
        },
        alerts,
        log: silentLog,
        now: () => new Date(start),
        limits: { firstWait: 1, longestWait: 2, turn: 50, steady: 1 },
      })
      let starting: Promise<void> | undefined
      return {
        look: async () => {
          await (starting ??= supervisor.start())
          const wanted = isSo ? 'down' : 'running'
          while (supervisor.status[0]!.state !== wanted || (alerts.find('service.down:toy') !== undefined) !== isSo)
            await sleep(1)
        },
        die: () => void supervisor.stop(),
      }
    },
  }
}

const ofChannels = 'a channel is a server of its own: test/services/notifications'
const ofFiles = 'it is about files: test/main/told-at-start.test.ts'
const ofStart = 'each start finds it out before anything else: test/main'
const ofOutage = 'opened in the middle of an outage, and ends with it: the case below, and test/stories/power-*.test.ts'
const ofShare = 'it is about the files of a share: test/services/share-watch.test.ts, test/stories/share-told.test.ts'

export const daemonConditions = {
  'api.certificate': 'it is about files: test/services/api/certificate.test.ts',
  'api.renewal': 'it is about files: test/services/api/certificate.test.ts',
  'api.tokens': 'it is about files: test/services/api/token-files.test.ts',
  'boot-files.certificate': 'it is about files: test/services/boot-files',
  'boot-files.renewal': 'it is about files: test/services/boot-files',
  'channel.buttons': ofChannels,
  'channel.failing': ofChannels,
  'channel.faulty': ofChannels,
  'check.failed': failedCheck,
  'clock.differs': clock({ 'the Image Factory': 0, 'the Kubernetes API': 0, 'a third': 5 * hour }),
  'clock.untrusted': clock({ 'the Image Factory': 5 * hour, 'the Kubernetes API': 5 * hour }),
  'config.invalid': 'it is about a file: test/main/live-settings.test.ts',
  'config.mistakes': 'it is about a file: test/main/live-settings.test.ts',
  'config.restart': 'it is about this process: a restart ends it',
  'control.socket': ofStart,
  'credentials.end': 'it is about files: test/main/renewal.test.ts',
  'credentials.file': ofFiles,
  'credentials.renewal': 'it is about files: test/main/renewal.test.ts',
  'daemon.standstill': 'it is about this process: a restart ends it',
  'factory.access': ofFiles,
  'factory.away': 'it is about servers: test/stories/fallback-factory.test.ts',
  'factory.signers': ofFiles,
  'factory.untold': 'it is about servers: test/stories/fallback-factory.test.ts',
  'home-assistant.failing': 'it is about a broker: test/services/home-assistant',
  'image.held': ofShare,
  'journal.damaged': 'it is about the file of the journal: test/main/journal.test.ts',
  'journal.degraded': 'it is about the file of the journal: test/main/journal.test.ts',
  'journal.set-aside': 'it is about the file of the journal: test/main/journal.test.ts',
  'journal.storage': 'a restart ends it, as it says: test/operations/restore-outage.test.ts',
  'machine-config.certificate': 'it is about files: test/services/machine-config',
  'machine.secret': ofFiles,
  'machines.invalid': 'it is about files: test/main/provision/machines-folder.test.ts',
  'node.replaced': 'it is about a file and a record: test/operations/provision/inventory.test.ts',
  'notifications.faulty': ofChannels,
  'outage.abandoned': ofOutage,
  'outage.api': ofOutage,
  'outage.armed': ofOutage,
  'outage.blind': ofOutage,
  'outage.charge': ofOutage,
  'outage.lookup': ofOutage,
  'outage.recovery': ofOutage,
  'outage.spared': ofOutage,
  'outage.unreached': ofOutage,
  'power.shed': 'opened in the middle of an outage: test/stories/power-shed.test.ts',
  'schematic.refused': 'it is about files: test/services/schematics-watch.test.ts',
  'service.down': brokenService,
  'share.away': ofShare,
  'share.changed': ofShare,
  'share.served': ofShare,
  'state.access': ofStart,
  'state.unfinished': ofStart,
  'state.unusable': ofStart,
  'ups.login': 'it is about a server: test/adapters/nut/login.test.ts',
  'ups.plain': 'it is about a server: test/adapters/nut/tls.test.ts',
  'ups.secret': ofFiles,
  'ups.unreadable': 'it is about a server: test/adapters/nut/dialects.test.ts',
} as const
