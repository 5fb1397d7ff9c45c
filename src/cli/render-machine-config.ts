import type { RenderAnswer } from '../core/provision/config-requests.ts'
import { green, red } from './colours.ts'

/** A machine configuration for people, or what patches change of it. */
export function renderConfig(made: RenderAnswer, onlyDiff: boolean): string {
  const { name, role, contract, installs, patches, masked, diff } = made
  const head = [
    `# ${name} as a ${role}, in the words of Talos ${contract}`,
    `# installs ${installs.version}`,
    `# with ${installs.schematic.slice(0, 16)}…`,
    ...(patches.length === 0 ? ['# without patches'] : ['# patches:', ...patches.map((file) => `#   ${file}`)]),
  ]
  if (!onlyDiff) return [...head, ...masked].join('\n')
  return [...head, ...(diff.length === 0 ? ['# the patches change nothing'] : diff.map(coloured))].join('\n')
}

function coloured(line: string): string {
  if (line.startsWith('+')) return green(line)
  return line.startsWith('-') ? red(line) : line
}
