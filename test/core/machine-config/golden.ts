import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeDocument } from '../../../src/core/machine-config/decode.ts'
import type { MachineConfig } from '../../../src/core/machine-config/document.ts'
import { parseTrees } from '../../../src/yaml.ts'

/** Machine configurations that the real tool made, where this project lies beside them. */
const folder = fileURLToPath(new URL('../../../../shared/golden/machine-configs/', import.meta.url))

export const hasGolden = existsSync(folder)

export interface Golden {
  /** `talosctl-1.14.1/patch-lists`. */
  readonly name: string
  /** The release of the tool: `1.14`. */
  readonly minor: string
  /** What was asked: the arguments, without those that name files. */
  readonly command: string
  /** Its words where it refused, and its exit code. */
  readonly log: string
  has(file: string): boolean
  read(file: string): string
  inputs(pattern: string): readonly string[]
}

export function goldenCases(pattern: string): readonly Golden[] {
  return globSync(`*/${pattern}/command`, { cwd: folder })
    .toSorted()
    .map((path) => {
      const name = dirname(path)
      const read = (file: string) => readFileSync(join(folder, name, file), 'utf8')
      return {
        name,
        minor: /-(\d+\.\d+)/.exec(name)![1]!,
        command: read('command'),
        log: read('output.log'),
        has: (file) => existsSync(join(folder, name, file)),
        read,
        inputs: (files) =>
          globSync(files, { cwd: join(folder, name) })
            .toSorted()
            .map((file) => read(basename(file))),
      }
    })
}

/** The secrets of every case. */
export function goldenSecrets(): string {
  return readFileSync(join(folder, 'talosctl-1.14.1', 'secrets.yaml'), 'utf8')
}

/** A configuration of the tool; it has no faults for this release. */
export function readConfig(text: string, minor: string): MachineConfig {
  return parseTrees(text, 'the configuration').map(({ tree }) => {
    const { value, faults } = decodeDocument(tree, [minor])
    if (faults.length > 0) throw new Error(JSON.stringify(faults))
    return value
  })
}
