import { counted, listed } from '../../core/count.ts'
import { faultAnswer, faultLine } from '../../core/fault.ts'
import { printable } from '../../core/printable.ts'
import { summarizeUpses } from '../../core/setup/upses.ts'
import type { CheckAnswer } from '../check.ts'
import { dim, green, red, yellow } from '../colours.ts'
import { hanging, table } from '../table.ts'
import { differenceOf } from './difference.ts'
import type { PlannedFile } from './files.ts'
import type { Interviewed } from './interview.ts'

/** What the check of the new configuration has found. */
export type Checked = Pick<CheckAnswer, 'faults' | 'warnings'>

export interface InitReport {
  readonly file: string
  readonly isWritten: boolean
  readonly files: readonly {
    readonly path: string
    readonly change: 'new' | 'changed' | 'unchanged'
    /** Changed lines, those of secrets left out. */
    readonly difference: readonly string[]
  }[]
  readonly nodes: readonly {
    readonly name: string
    readonly role: string
    readonly address: string
    readonly macs: readonly string[]
    readonly version: string | null
    readonly schematic: string | null
    readonly disks: readonly string[]
    readonly trouble: string | null
  }[]
  readonly upses: readonly {
    readonly label: string
    readonly host: string
    readonly port: number
    readonly status: string | null
    readonly tells: readonly string[]
    readonly login: 'taken' | 'refused' | 'none'
  }[]
  readonly share: { readonly directory: string; readonly server: string | null }
  readonly schematics: readonly {
    readonly name: string
    readonly id: string | null
    readonly nodes: readonly string[]
  }[]
  readonly remarks: readonly string[]
  /** Null where it was not checked. */
  readonly check: { readonly faults: readonly object[]; readonly warnings: readonly object[] } | null
}

/** The answer for programs. No secret is in it. */
export function reportOf(
  { choices, remarks }: Interviewed,
  planned: readonly PlannedFile[],
  { file, isWritten, check }: Pick<InitReport, 'file' | 'isWritten'> & { readonly check: Checked | undefined },
): InitReport {
  const { cluster, upses, share, schematics } = choices
  return {
    file,
    isWritten,
    files: planned.map(({ path, before, text, isSecret }) => ({
      path,
      change: before === undefined ? 'new' : before === text ? 'unchanged' : 'changed',
      difference: isSecret ? [] : differenceOf(before ?? '', text),
    })),
    nodes: (cluster?.seen.nodes ?? []).map(({ name, role, address, macs, machine, trouble }) => ({
      name,
      role,
      address,
      macs,
      version: machine?.version ?? null,
      schematic: machine?.schematic ?? null,
      disks: machine?.disks.map(({ path, size }) => (size === '' ? path : `${path} ${size}`)) ?? [],
      trouble: trouble ?? null,
    })),
    upses: upses.map(({ ups, label }) => ({
      label,
      host: ups.host,
      port: ups.port,
      status: ups.status ?? null,
      tells: ups.tells,
      login: ups.loginRefused !== undefined ? 'refused' : ups.isUserTried ? 'taken' : 'none',
    })),
    share: { directory: share.directory, server: share.server ?? null },
    schematics: schematics.map(({ name, id, nodes }) => ({ name, id: id ?? null, nodes })),
    remarks,
    check: check ? { faults: check.faults.map(faultAnswer), warnings: check.warnings.map(faultAnswer) } : null,
  }
}

/** What was found, before anything is written. */
export function renderFound({ choices, remarks }: Interviewed): string {
  const { cluster, upses, share, schematics } = choices
  const nodes = cluster?.seen.nodes ?? []
  const rows = nodes.map(({ name, role, address, macs, machine }) => [
    printable(name),
    role,
    printable(address),
    macs.join(' ') || '-',
    machine?.version ?? red('no answer'),
  ])
  const parts = [
    ...(nodes.length === 0
      ? ['There is no cluster yet.']
      : [table(['NODE', { title: 'ROLE', spare: true }, 'ADDRESS', 'MAC', 'TALOS'], rows)]),
    [
      upses.length === 0 ? 'no UPS' : printable(summarizeUpses(upses)),
      `share ${printable(share.directory)}${share.server === undefined ? '' : `, served by ${printable(share.server)}`}`,
      ...schematics.map(({ name, id, nodes: of }) =>
        id === undefined
          ? `schematic ${name}`
          : `schematic ${name} (${id.slice(0, 12)}…), run by ${printable(listed(of))}`,
      ),
    ]
      .map((line) => hanging('', line))
      .join('\n'),
    ...(remarks.length === 0
      ? []
      : [remarks.map((remark) => hanging(`${yellow('note')}  `, printable(remark))).join('\n')]),
  ]
  return parts.join('\n\n')
}

/** The files with their changes; of secrets only that they are written. */
export function renderFiles(planned: readonly PlannedFile[]): string {
  return planned
    .map(({ path, before, text, isSecret }) => {
      const name = printable(path)
      if (before === text) return hanging('', `${name}: unchanged`)
      if (isSecret) return hanging('', `${name}: ${before === undefined ? 'new' : 'replaced'}, for nobody else to read`)
      if (before === undefined) return hanging('', `${name}: new, ${counted(text.split('\n').length - 1, 'line')}`)
      return [`${name}: changed`, ...differenceOf(before, text).map(colouredLine)].join('\n')
    })
    .join('\n')
}

/** What does not fit goes on below, under what stands behind the sign. */
function colouredLine(line: string): string {
  const [sign, words] = [printable(line.slice(0, 1)), printable(line.slice(1))]
  const margin = /^ */.exec(words)![0]
  const clean = hanging(`${sign}${margin}`, words.slice(margin.length))
  if (line.startsWith('+')) return green(clean)
  return line.startsWith('-') ? red(clean) : dim(clean)
}

/** What is left to do. */
export function renderEnd(file: string, check: Checked | undefined, start: string): string {
  const written = `written: ${printable(file)}`
  if (check === undefined)
    return `${written}\n${hanging('next: ', `caretaker config check --online -c ${printable(file)}`)}`
  const lines = [
    ...check.faults.map((fault) => hanging(`${red('wrong')}  `, printable(faultLine(fault)))),
    ...check.warnings.map((warning) => hanging(`${yellow('note')}   `, printable(faultLine(warning)))),
  ]
  const next =
    check.faults.length > 0
      ? hanging('next: ', `mend that, then caretaker config check --online -c ${printable(file)}`)
      : `${green('ok')}: everything that it names was checked\nnext: ${printable(start)}`
  return [written, ...lines, next].join('\n')
}
