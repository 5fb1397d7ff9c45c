import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { writeDraft } from '../../config/draft-text.ts'
import { mergeDraft } from '../../config/draft-merge.ts'
import { type Draft, setting, type Setting } from '../../core/setup/draft.ts'
import { withOnlyContext } from '../../adapters/talos/talosconfig.ts'
import { composeDraft } from '../../core/setup/compose.ts'
import { readText } from '../../main/file-gate.ts'
import type { Interviewed } from './interview.ts'
import { passwordFile } from './ask-upses.ts'
import { openYaml } from '../../yaml.ts'

/** A file that is to be written. */
export interface PlannedFile {
  readonly path: string
  readonly text: string
  /** What stands there now; undefined where there is none. */
  readonly before: string | undefined
  /** For nobody else to read: never shown. */
  readonly isSecret: boolean
}

/** What a person has said about things that nothing tells: only that is changed in an older file. */
export interface SaidOfChoices {
  readonly upgrades: boolean
  readonly timeZone: boolean
  readonly state: boolean
}

/** Everything that is to be written, the configuration last: until it is there nothing refers to the others. */
export async function planFiles(
  file: string,
  { choices, copied, newPassword }: Interviewed,
  { before, said }: { readonly before: string | undefined; readonly said: SaidOfChoices },
): Promise<readonly PlannedFile[]> {
  const directory = dirname(file)
  const wanted: Omit<PlannedFile, 'before'>[] = []
  const secret = (name: string, text: string) => wanted.push({ path: join(directory, name), text, isSecret: true })
  for (const { name, text } of choices.schematics)
    if (text !== undefined) wanted.push({ path: join(directory, 'schematics', `${name}.yaml`), text, isSecret: false })
  if (copied) {
    const { talosconfig, context, kubeconfig } = copied
    secret('talosconfig', withOnlyContext(await readText(talosconfig), talosconfig, context))
    if (kubeconfig !== undefined) secret('kubeconfig', await readText(kubeconfig))
  }
  if (newPassword !== undefined) secret(passwordFile, `${newPassword}\n`)
  const draft = withoutMissingSchema(composeDraft(choices), directory)
  const merged = before === undefined ? undefined : mergeDraft(before, fitting(draft, before, said))
  wanted.push({ path: file, text: merged ?? writeDraft(draft), isSecret: false })
  return Promise.all(
    wanted.map(async (one) => ({ ...one, before: one.path === file ? before : await textAt(one.path) })),
  )
}

async function textAt(path: string): Promise<string | undefined> {
  return existsSync(path) ? readText(path) : undefined
}

/** Editors look for the schema where the first line says. */
function withoutMissingSchema({ heading, settings }: Draft, directory: string): Draft {
  const hasSchema = existsSync(join(directory, 'caretaker.schema.json'))
  return { heading: hasSchema ? heading : heading.slice(2), settings }
}

/** What of a draft belongs into an older file: of what people choose only what was said now, or what several UPSes need. */
function fitting(draft: Draft, before: string, said: SaidOfChoices): Draft {
  const has = (...path: readonly string[]) => hasSetting(before, path)
  const wanted: Readonly<Record<string, (key: string) => boolean>> = {
    upgrade: (key) => (key === 'timeZone' ? said.timeZone : said.upgrades),
    power: (key) => key === 'feed' && !has('power', 'feed'),
  }
  const settings = draft.settings.flatMap((one): Setting[] => {
    if (one.key === 'state' && has('state') && !said.state) return []
    const isWanted = wanted[one.key]
    if (!isWanted || !has(one.key) || one.value.kind !== 'group') return [one]
    const some = one.value.settings.filter(({ key, isOff }) => !isOff && isWanted(key))
    // What was switched off is on again when times are said.
    const isOn = one.key === 'upgrade' && said.upgrades && has('upgrade', 'enabled')
    const all = isOn && !some.some(({ key }) => key === 'enabled') ? [...some, setting('enabled', true)] : some
    return all.length === 0 ? [] : [{ ...one, value: { ...one.value, settings: all } }]
  })
  return { ...draft, settings }
}

function hasSetting(text: string, path: readonly string[]): boolean {
  const { document, faults } = openYaml(text)
  return faults.length === 0 && document.hasIn(path)
}
