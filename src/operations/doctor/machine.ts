import { setTimeout as sleep } from 'node:timers/promises'
import { about, failed, type Finding, type Found, ok, skipped, warning } from '../../core/doctor/check.ts'
import { judgeCredential } from '../../core/doctor/credential.ts'
import { judgeAccess } from '../../core/doctor/files.ts'
import type { ConfigurationFindings, DoctorPorts } from '../../core/doctor/ports.ts'
import { judgeSpace } from '../../core/doctor/space.ts'
import { judgeStore } from '../../core/doctor/store.ts'
import { judgeOwnSupply } from '../../core/doctor/ups.ts'
import { messageOf } from '../../core/errors.ts'
import { setClock } from '../timekeeper.ts'
import type { Look, Means } from './look.ts'

/** The journal, renewed credentials, some snapshots of etcd: in bytes. */
const stateNeeds = 256 * 1_048_576

/** The machine that Caretaker runs on: configuration, credentials, files, disk, queue, clock, power. */
export function machineLooks({ context, machines }: Means): readonly Look[] {
  const { config, ports, now, clock } = context
  const { doctor } = ports
  if (!doctor) return []
  const { machine } = doctor
  const one = (id: string, subject: string, finding: () => Finding | Promise<Finding>): Look => ({
    id,
    subject,
    look: async () => [about(id, subject, await finding())],
  })
  return [
    {
      id: 'config',
      subject: 'configuration',
      within: 20_000,
      turn: 'first',
      look: async () => configurationOf(await machine.configuration()),
    },
    {
      id: 'credentials',
      subject: '',
      turn: 'first',
      look: async () =>
        (await machine.credentials()).map((credential) =>
          about(`credentials.life:${credential.name}`, credential.name, judgeCredential(credential, now().getTime())),
        ),
    },
    { id: 'files', subject: 'files', turn: 'first', look: async () => filesOf(doctor) },
    one('machine.space', 'state', async () =>
      judgeSpace(`the disk of ${config.state}`, await machine.freeSpace(config.state), stateNeeds),
    ),
    one('machine.supply', 'power', () =>
      judgeOwnSupply(
        machines.find(({ tier }) => tier === 'own-machine'),
        config.upses.map(({ label }) => label),
      ),
    ),
    {
      id: 'queue.store',
      subject: 'queue',
      look: async (signal) => [about('queue.store', 'queue', await storeOf(doctor, signal))],
    },
    {
      ...one('machine.clock', 'clock', () => {
        const wrong = clock.whyWrong?.()
        if (wrong !== undefined) return failed(wrong, setClock)
        const differing = clock.whyDiffering?.()
        if (differing !== undefined) return warning(differing, 'See what is wrong with the other clock')
        const untrusted = clock.whyUntrusted()
        return untrusted === undefined
          ? ok('the clock of this machine agrees with what servers tell')
          : warning(
              `${untrusted}: until then no node is upgraded`,
              'See that the Factory or the Kubernetes API can be reached',
            )
      }),
      turn: 'last',
    },
  ]
}

/** What `config check` says, but for modes of files, which are looked at here with what mends them. */
function configurationOf({ file, faults, warnings }: ConfigurationFindings): readonly Found[] {
  const isOther = (line: string) => !/\bchmod\b/.test(line)
  const tells = '`caretaker config check` tells when all is well'
  const told = [
    ...faults
      .filter(({ text }) => isOther(text))
      .map(({ text, isOwn }) => failed(text, isOwn ? tells : `Edit ${fileIn(text, file)}; ${tells}`)),
    ...warnings.filter(isOther).map((text) => warning(text, `Edit ${fileIn(text, file)}, if that is not intended`)),
  ]
  if (told.length === 0) return [about('config.file', 'configuration', ok(`${file} is valid, and so is what it names`))]
  return told.map((finding) => about(`config.${settingIn(finding.reason, file)}`, 'configuration', finding))
}

/** A fault may be in a file that lies beside the configuration. */
function fileIn(line: string, file: string): string {
  return /^([^:]+\.ya?ml):/.exec(line)?.[1] ?? file
}

/** The setting in `caretaker.yaml:12:3: hosts.0.mac: …`. */
function settingIn(line: string, file: string): string {
  const rest = line.startsWith(`${file}:`) ? line.slice(file.length) : line
  return /^:\d+:\d+: ([\w.()-]+): /.exec(rest)?.[1] ?? 'file'
}

/** Files that are as they should be make one line together. */
async function filesOf({ machine }: DoctorPorts): Promise<readonly Found[]> {
  const files = await machine.files()
  const judged = files.map((file) => ({ file, finding: judgeAccess(file) }))
  const odd = judged.filter(({ finding }) => finding.verdict === 'warning' || finding.verdict === 'failed')
  if (odd.length === 0)
    return [about('files.mode', 'files', ok(`${files.length} files and folders have the modes that they should have`))]
  return odd.map(({ file, finding }) => about(`files.mode:${file.path}`, file.path, finding))
}

/** In ms: a daemon that has just started starts its store, which takes a moment. */
const storeStartsWithin = 5_000

async function storeOf({ machine }: DoctorPorts, signal: AbortSignal): Promise<Finding> {
  for (const end = performance.now() + storeStartsWithin; ; await sleep(250)) {
    try {
      return judgeStore(await machine.store(signal))
    } catch (error) {
      const why = messageOf(error)
      const isAway = why.endsWith('does not run')
      if (isAway && !machine.isDaemon) return skipped(`${why}: it is started with the daemon`)
      if (isAway && performance.now() < end && !signal.aborted) continue
      return failed(why, 'See that it runs, and that queue.url and queue.password are right')
    }
  }
}
