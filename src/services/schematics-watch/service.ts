import { join } from 'node:path'
import { settleGone } from '../../core/alert.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import { schematicsInUse } from '../../core/release/schematic.ts'
import { nearest } from '../../core/spelling.ts'
import { remembered } from '../../operations/facts.ts'
import { defineService, type SectionFault } from '../../operations/service.ts'

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => quiet }

/** Keeps the schematics of config/schematics: a good edit counts at once, and a bad one changes nothing. */
export default defineService({
  name: 'schematics-watch',
  pages: [
    { path: '/releases', title: 'Releases', order: 30, load: () => import('./releases/page.ts') },
    { path: '/images', title: 'Images', order: 50, load: () => import('./images/page.ts') },
  ],

  async check({ config, files }) {
    const { loadSchematics } = await import('./watch.ts')
    const needed = schematicsInUse(config())
    const parse = files.parseSchematic
    const doubts: SectionFault[] = []
    const refused = (_: string, why: string | undefined) => {
      if (why !== undefined) doubts.push({ setting: 'schematic', why, severity: 'warning' })
    }
    try {
      const { current } = await loadSchematics({ directory: files.schematics, parse, needed, refused, log: quiet })
      const missing = [...needed].filter((name) => !current.has(name))
      return [
        ...missing.map((name) => ({
          setting: 'schematic',
          why: missingText(files.schematics, name, [...current.keys()]),
        })),
        ...doubts,
      ]
    } catch (error) {
      return [{ setting: 'schematic', why: messageOf(error) }, ...doubts]
    }
  },

  async start({ config, ports, alerts, files, notice, log }) {
    const { loadSchematics } = await import('./watch.ts')
    const { journal } = ports
    const needed = schematicsInUse(config())
    const before = remembered.schematics.recall(journal)
    const bad = new Map<string, string>()
    const tell = (name: string, why: string | undefined) => {
      if (why === undefined) bad.delete(name)
      else bad.set(name, why)
      alerts.report(`schematic.refused:${name}`, why === undefined ? undefined : contentOf(name, why))
    }
    const publish = async (changed: readonly string[] = []) => {
      remembered.schematics.remember(journal, Object.fromEntries(schematics.current))
      await notice.schematics(schematics.current, changed)
    }
    const schematics = await loadSchematics({
      directory: files.schematics,
      parse: files.parseSchematic,
      needed,
      lastGood: (name) => before?.[name],
      changed: (name) => publish([name]),
      refused: tell,
      log,
    })
    settleGone(alerts, { schematic: [...schematics.current.keys(), ...bad.keys()] })
    const missing = [...needed].find((name) => !schematics.current.has(name))
    if (missing !== undefined)
      throw new AgentError('misconfigured', missingText(files.schematics, missing, [...schematics.current.keys()]))
    await publish()
    schematics.watch()
    return {
      status: () => (bad.size === 0 ? undefined : [...bad.values()].join('; ')),
      [Symbol.asyncDispose]: () => schematics[Symbol.asyncDispose](),
    }
  },
})

function missingText(directory: string, name: string, known: readonly string[]): string {
  const near = nearest(name, known)
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  return `${join(directory, `${name}.yaml`)} is missing${hint}`
}

function contentOf(name: string, why: string) {
  return { severity: 'warning', subject: name, text: why } as const
}
