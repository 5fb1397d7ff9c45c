import { openMemoryJournal } from '../adapters/journal/journal.ts'
import type { DoctorReport } from '../core/doctor/check.ts'
import { machinesOf } from '../core/power/machines.ts'
import { english } from '../core/wording.ts'
import { observe } from '../engine/observe.ts'
import { createDoctorPorts } from '../main/doctor.ts'
import { findOwnMachine } from '../main/identity.ts'
import { type Settings, toSchematic } from '../main/settings.ts'
import { ownRelease } from '../main/version.ts'
import { openWorld } from '../main/wiring.ts'
import { createClock } from '../operations/clock.ts'
import { type Examination, examine } from '../operations/doctor/examine.ts'
import { mendFiles } from '../operations/doctor/mend.ts'
import { loadSchematics } from '../services/schematics-watch/watch.ts'
import { openKeptJournal, silent } from './direct.ts'

export interface DirectExamination extends Pick<Examination, 'only' | 'mayLack' | 'onProgress'> {
  readonly fix?: boolean
}

/** The examination as a daemon would make it that is not there: from this process, with the rights of this user. */
export async function examineDirectly(
  settings: Settings,
  { only, mayLack = false, onProgress, fix = false }: DirectExamination,
  signal: AbortSignal,
): Promise<DoctorReport> {
  const { config, environment } = settings
  const kept = openKeptJournal(settings)
  const [now, monotonic] = [() => new Date(), () => performance.now()]
  try {
    const { releasedAt } = await ownRelease()
    const clock = createClock({
      journal: openMemoryJournal(),
      alerts: { report: () => false },
      now,
      monotonic,
      floors: [{ what: 'this release of Caretaker', at: releasedAt, isCertain: true }],
    })
    // Credentials that can't be used are a finding, as a daemon that has run before sees it.
    const lenient: Settings = { ...settings, hasRun: true }
    await using schematics = await loadSchematics({ parse: toSchematic, log: silent, directory: settings.schematics })
    await using world = await openWorld({
      settings: lenient,
      journal: kept ?? openMemoryJournal(),
      isDaemon: true,
      told: { time: clock.hear },
      // What a daemon would run, nobody does.
      doctor: (parts) => createDoctorPorts({ ...parts, isDaemon: false }),
    })
    const { ports } = world
    const fixed = fix && ports.doctor ? await mendFiles(ports.doctor.machine) : []
    const context = {
      config,
      ports,
      now,
      monotonic,
      clock,
      machines: machinesOf(config, findOwnMachine([...config.nodes, ...config.hosts], environment)),
      power: { upses: new Map(), ordered: undefined },
      schematics: schematics.current,
      observe: (within?: number) => observe(config.nodes, ports, signal, { within }),
      wording: english,
    }
    return await examine(context, { only, mayLack, fixed, ...(onProgress ? { onProgress } : {}) }, signal)
  } finally {
    kept?.[Symbol.dispose]()
  }
}
