import { AgentError } from '../core/errors.ts'
import { type Fault, FaultsError } from '../core/fault.ts'
import { pathText } from '../core/machine-config/tree.ts'
import type { PatchFile } from '../core/provision/machines-file.ts'
import { markValues, unmarked, valuesIn } from '../core/provision/values.ts'
import { describeUnlisted } from '../core/spelling.ts'
import { parseTrees } from '../yaml.ts'

/**
 * Reads a file of patches, with the values that it names: whether it can be applied is for later.
 *
 * @throws FaultsError with every fault in its place
 */
export function readPatchFile(text: string, path: string, values: readonly string[]): PatchFile {
  const documents = parsed(text, path)
  const faults = documents.flatMap(({ tree, placeOf }) =>
    valuesIn(tree).flatMap(({ name, path: at, isKey }): readonly Fault[] => {
      const why = isKey
        ? 'a value can stand where a setting has a text, and not in its name'
        : values.includes(name)
          ? undefined
          : `${describeUnlisted([name], values, ['value', 'values'])}; values are named in machines.yaml`
      if (why === undefined) return []
      return [
        { file: path, ...placeOf(at), setting: at.length === 0 ? undefined : unmarked(pathText(at)), message: why },
      ]
    }),
  )
  if (faults.length > 0) throw new FaultsError(faults)
  return { path, documents }
}

function parsed(text: string, path: string) {
  try {
    return parseTrees(markValues(text), path)
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    const [, why = error.message] = /^[\s\S]*?: (it is not valid YAML[\s\S]*|it [\s\S]*)$/.exec(error.message) ?? []
    const [, line, column] = /line (\d+), column (\d+)/.exec(why) ?? []
    throw new FaultsError([
      {
        file: path,
        line: line === undefined ? undefined : Number(line),
        column: column === undefined ? undefined : Number(column),
        setting: undefined,
        message: why.replace(/: line \d+, column \d+/, ''),
      },
    ])
  }
}
